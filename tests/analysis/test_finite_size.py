"""Finite-size scaling: the fit recovers its own law, and extrapolates to graphs it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.finite_size import fit_finite_size, stall_probability
from analysis.peeling import peel
from analysis.sampling import poisson_graph
from analysis.threshold import emergence_threshold

CRITICAL = emergence_threshold(4.0)


def count_stalls(skills: int, ratio: float, replicates: int, seed: int) -> int:
    """Graphs of the Poisson ensemble with c = 4 on which learning stops before the jump."""
    assert CRITICAL.unlearned is not None
    assert CRITICAL.unlearned_after is not None
    between = 0.5 * (CRITICAL.unlearned + CRITICAL.unlearned_after)
    stalled = 0
    for sequence in np.random.SeedSequence([seed, skills]).spawn(replicates):
        graph = poisson_graph(4.0, round(ratio * skills), skills, np.random.default_rng(sequence))
        stalled += peel(graph, engine="numba").n_learned < (1.0 - between) * skills
    return stalled


@pytest.mark.long
def test_small_graphs_predict_the_stalls_of_larger_ones() -> None:
    assert CRITICAL.ratio is not None
    series = []
    for skills in (800, 1_600, 3_200):
        for offset in (-1.2, 0.4, 2.0):
            ratio = CRITICAL.ratio + 3.5 * skills ** (-2.0 / 3.0) + offset / np.sqrt(skills)
            ratio = round(ratio * skills) / skills
            series.append((skills, ratio, count_stalls(skills, ratio, 150, 61), 150))
    fit = fit_finite_size(*np.array(series).T, CRITICAL.ratio)
    assert fit.replicates == 1_350
    assert (fit.smallest, fit.largest) == (800, 3_200)
    for offset in (-1.5, 0.0, 1.5):
        skills, n = 8_000, 120
        ratio = CRITICAL.ratio + 3.5 * skills ** (-2.0 / 3.0) + offset / np.sqrt(skills)
        p = float(stall_probability(ratio, skills, CRITICAL.ratio, fit.alpha, fit.beta))
        # Four standard deviations of the count, and 0.05 for the errors of α and β.
        assert abs(count_stalls(skills, ratio, n, 62) / n - p) < 4.0 * np.sqrt(p * (1.0 - p) / n) + 0.05
    # The law of infinitely many skills alone is far off at this size.
    assert fit.beta > 5.0 * fit.beta_error


def test_fit_recovers_the_law_that_made_the_counts() -> None:
    skills, ratios = (v.ravel() for v in np.meshgrid([1e3, 1e4, 1e5], np.linspace(0.9, 1.1, 21)))
    n = np.full(skills.shape, 2_000)
    p = stall_probability(ratios, skills, 1.0, 2.5, 3.0)
    counts = np.random.default_rng(63).binomial(n, p)
    fit = fit_finite_size(skills, ratios, counts, n, 1.0)
    assert abs(fit.alpha - 2.5) < 5.0 * fit.alpha_error
    assert abs(fit.beta - 3.0) < 5.0 * fit.beta_error
    assert fit.alpha_error < 0.1
    assert fit.beta_error < 0.2


def test_stalls_are_certain_far_below_and_even_at_the_threshold() -> None:
    assert stall_probability(1.0, 10_000, 1.0, 2.0) == 0.5
    assert np.all(np.diff(stall_probability(np.linspace(0.8, 1.2, 50), 1_000, 1.0, 2.0, 1.0)) < 0.0)
    assert stall_probability(0.5, 10_000, 1.0, 2.0) > 1.0 - 1e-12


@pytest.mark.parametrize(
    ("skills", "ratios", "stalled", "replicates", "match"),
    [
        ([100], [1.0], [5], [10], "at least two"),
        ([100, 100], [1.0, 1.1], [5, 11], [10, 10], "no more graphs"),
        ([100, 100], [1.0, 1.1], [10, 10], [10, 10], "all or none"),
        ([100, 100], [0.9, 1.1], [1, 9], [10, 10], "do not belong to one threshold"),
    ],
)
def test_counts_that_cannot_be_fitted(
    skills: list[float], ratios: list[float], stalled: list[int], replicates: list[int], match: str
) -> None:
    with pytest.raises(AnalysisError, match=match):
        fit_finite_size(skills, ratios, stalled, replicates, 1.0)


def test_constants_must_be_positive() -> None:
    with pytest.raises(AnalysisError, match="positive"):
        stall_probability(1.0, 100, 1.0, 0.0)
