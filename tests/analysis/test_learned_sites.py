"""Learned skills of which only a share is kept: the equations beside simulated graphs and their special cases."""

import numpy as np
import pytest

from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.learned_sites import giant_learned_sites
from analysis.learners import parse_learner
from analysis.newman_ziff import convolve, site_percolation
from analysis.peeling import novel_skill_counts
from analysis.percolation import giant_learned_general, site_giant
from analysis.sampling import poisson_graph
from tests.analysis.simulation import assert_mean, learn, replicates

SKILLS = 40_000
SHARES = (0.4, 0.7, 0.9)  # away from the critical share, where one graph says little


@pytest.mark.parametrize("rule", ["any", "understood"])
@pytest.mark.parametrize(("c", "ratio", "learner"), [(3.0, 1.0, "one"), (4.0, 0.9, "d:2")])
def test_simulated_graphs(c: float, ratio: float, learner: str, rule: str) -> None:
    how = parse_learner(learner)
    measured = []
    for rng in replicates(11):
        graph = poisson_graph(c, round(ratio * SKILLS), SKILLS, rng)
        learned = learn(graph, how, rng).learned
        counts = np.bincount(
            np.repeat(np.arange(graph.n_texts), graph.text_degrees), ~learned[graph.text_skills], graph.n_texts
        )
        assert np.count_nonzero(counts == 0) == novel_skill_counts(graph, learned)[0]
        joining = None if rule == "any" else counts == 0
        sweep = site_percolation(graph, skills=learned, texts=joining, replicates=2, rng=rng)
        measured.append(convolve(sweep, SHARES).largest / SKILLS)
    predicted = giant_learned_sites(Ensemble.poisson(c, ratio), SHARES, rule, how)
    for share, values, expected in zip(SHARES, np.transpose(measured), predicted, strict=True):
        if expected > 0.02:
            assert_mean(values, expected, skills=SKILLS, what=f"{rule}, {share} kept")
        else:  # near its onset a finite graph is not what the limit is, only small
            assert np.mean(values) < 0.03


@pytest.mark.parametrize("rule", ["any", "understood"])
def test_all_kept_is_the_giant_of_the_learned(rule: str) -> None:
    ensemble = Ensemble.from_degrees([1, 1, 2, 3, 4, 4, 6], [1, 1, 2, 2, 3, 6, 6])
    expected = giant_learned_general(ensemble, rule)
    assert giant_learned_sites(ensemble, 1.0, rule).tolist() == pytest.approx([expected], abs=1e-12)
    assert giant_learned_sites(ensemble, 0.0, rule).tolist() == [0.0]


def test_all_learned_is_site_percolation() -> None:
    ensemble = Ensemble.regular(3, 3)
    shares = np.linspace(0.0, 1.0, 11)
    everything_known = giant_learned_sites(ensemble, shares, prior=0.0)
    assert everything_known == pytest.approx([site_giant(ensemble, share) for share in shares], abs=1e-9)


def test_more_kept_is_never_less() -> None:
    curve = giant_learned_sites(Ensemble.poisson(2.0, 0.9), np.linspace(0.0, 1.0, 41))
    assert np.all(np.diff(curve) >= 0.0)


def test_a_share_outside_is_refused() -> None:
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        giant_learned_sites(Ensemble.poisson(2.0, 1.0), [0.5, 1.2])
