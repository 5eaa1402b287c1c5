"""Learning on graphs that are not stored: the same graph stored and peeled is the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.implicit import implicit_edges, peel_implicit
from analysis.learners import OneSkillLearner
from analysis.peeling import peel


@pytest.mark.parametrize(
    ("c", "n_texts", "n_skills", "seed"),
    [
        (4.0, 1_500, 1_000, 0),
        (4.0, 30_000, 20_000, 1),
        (2.0, 9_000, 6_000, 2),
        (5.0, 30, 3, 3),
        (40.0, 100, 60, 4),
        (0.0, 5, 5, 5),
        (8.0, 1, 50, 6),
        (1.0, 3, 1, 7),
    ],
)
def test_learns_what_peeling_learns_on_the_stored_graph(c: float, n_texts: int, n_skills: int, seed: int) -> None:
    found = peel_implicit(c, n_texts, n_skills, seed=seed)
    graph = SkillTextGraph.from_edges(*implicit_edges(c, n_texts, n_skills, seed=seed), n_texts, n_skills)
    expected = peel(graph, engine="numpy")
    assert found.n_edges == graph.n_edges
    assert np.array_equal(found.learned, expected.learned)
    assert np.array_equal(found.learned_by_wave, expected.learned_by_wave())
    assert (found.n_learned, found.n_waves) == (expected.n_learned, expected.n_waves)


def test_the_graph_is_of_the_poisson_ensemble() -> None:
    c, n_texts, n_skills = 4.0, 45_000, 30_000
    text, skill = implicit_edges(c, n_texts, n_skills, seed=8)
    for ids, size, mean in ((text, n_texts, c), (skill, n_skills, c * n_texts / n_skills)):
        degrees = np.bincount(ids, minlength=size)
        # five standard errors; a Poisson variance estimate has variance (2 mean² + mean)/n
        assert abs(degrees.mean() - mean) < 5 * np.sqrt(c * n_texts) / size
        assert abs(degrees.var() - mean) < 5 * np.sqrt((2 * mean**2 + mean) / size)
        for k in (0, 1, round(mean)):
            share = np.exp(-mean) * mean**k / np.prod(np.arange(1.0, k + 1))
            assert abs(np.mean(degrees == k) - share) < 5 * np.sqrt(share / size)
    # who meets whom is random: texts of neighbouring skills and of neighbouring draws are uncorrelated
    for lag in (1, 2, 7):
        assert abs(np.corrcoef(text[:-lag], text[lag:])[0, 1]) < 5 / np.sqrt(len(text))


def test_waves_follow_density_evolution() -> None:
    n_skills, c, ratio, waves = 200_000, 3.0, 1.1, [1, 2, 3, 5]
    runs = [peel_implicit(c, round(ratio * n_skills), n_skills, seed=seed) for seed in range(9, 21)]
    shares = np.array([run.learned_by_wave[waves] / n_skills for run in runs])
    iterates = 1 - evolve(Ensemble.poisson(c, ratio), OneSkillLearner()).trajectory[waves]
    # five standard errors of the mean over the graphs, and 1/S for what vanishes with the size
    error = 5 * shares.std(axis=0, ddof=1) / np.sqrt(len(runs)) + 1 / n_skills
    assert np.all(np.abs(shares.mean(axis=0) - iterates) < error)
    assert np.all(error < 0.005)


def test_another_seed_is_another_graph() -> None:
    first, again, other = (peel_implicit(4.0, 1_500, 1_000, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.learned, again.learned)
    assert not np.array_equal(first.learned, other.learned)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean_skills": -1.0}, "mean_skills -1.0"),
        ({"mean_skills": float("nan")}, "mean_skills nan"),
        ({"n_texts": 0}, "n_texts is 0"),
        ({"n_skills": 2**31}, "n_skills is 2147483648"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_arguments_are_named(change: dict[str, float], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        peel_implicit(**({"mean_skills": 3.0, "n_texts": 10, "n_skills": 10} | change))  # type: ignore[arg-type]
