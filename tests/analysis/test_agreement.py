"""Krippendorff's alpha against the worked examples of "Computing Krippendorff's Alpha-Reliability" (2011)."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from analysis.agreement import alpha_interval, best_threshold, krippendorff_alpha

# Section A: Meg and Owen, ten articles, binary.
BINARY = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
# Section B: Ben and Gerry, twelve articles, values a to e.
NOMINAL = [[0, 0, 1, 1, 3, 2, 2, 2, 4, 3, 3, 0], [1, 0, 1, 1, 1, 2, 2, 2, 4, 3, 3, 3]]
# Section C: observers A to D, twelve units, with missing values.
MISSING = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, -1, -1, -1],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, -1, 3],
    [-1, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, -1],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, -1],
]


@pytest.mark.parametrize(
    ("values", "published"), [(BINARY, 0.095), (NOMINAL, 0.692), (MISSING, 0.743)], ids=["A", "B", "C"]
)
def test_the_published_examples(values: list[list[int]], published: float) -> None:
    assert round(krippendorff_alpha(np.array(values)), 3) == published


def by_definition(values: np.ndarray) -> float:
    """Observed and expected disagreement as averages over pairs of values."""
    units = [[int(v) for v in column if v >= 0] for column in values.T]
    units = [unit for unit in units if len(unit) > 1]
    everything = [v for unit in units for v in unit]
    observed = sum(2 * sum(a != b for a, b in combinations(unit, 2)) / (len(unit) - 1) for unit in units) / len(
        everything
    )
    pairs = list(combinations(everything, 2))
    return 1 - observed / (sum(a != b for a, b in pairs) / len(pairs))


def test_random_values_against_the_definition() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        values = rng.integers(-1, 3, size=(rng.integers(2, 5), 15))
        assert krippendorff_alpha(values) == pytest.approx(by_definition(values), abs=1e-12)


def test_laws() -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(0, 3, size=40)
    assert krippendorff_alpha(np.stack([one, one])) == 1.0
    other = rng.integers(0, 3, size=40)
    both = np.stack([one, other])
    assert krippendorff_alpha(both) == pytest.approx(krippendorff_alpha(both[::-1]))
    # Units that only one annotator saw tell nothing.
    more = np.concatenate([both, [[1, 2, -1], [-1, -1, 0]]], axis=1)
    assert krippendorff_alpha(more) == pytest.approx(krippendorff_alpha(both))
    assert math.isnan(krippendorff_alpha(np.ones((2, 5), int)))
    assert math.isnan(krippendorff_alpha(np.array([[1, -1], [-1, 2]])))
    # Independent annotators: within five standard errors of chance, each of about 1/√40.
    assert abs(krippendorff_alpha(both)) < 5 / math.sqrt(40)


def test_the_interval_holds_the_estimate_and_shrinks_with_more_texts() -> None:
    rng = np.random.default_rng(2)

    def interval(n: int) -> tuple[float, float, float]:
        truth = rng.random(n) < 0.5
        values = np.stack([truth, truth ^ (rng.random(n) < 0.15)]).astype(np.int64)
        low, high = alpha_interval(values, np.arange(n) // 5, rng=np.random.default_rng(3), replicates=200)
        return low, krippendorff_alpha(values), high

    wide, narrow = interval(100), interval(2500)
    for low, middle, high in (wide, narrow):
        assert low < middle < high
    assert narrow[2] - narrow[0] < (wide[2] - wide[0]) / 2


def test_the_threshold_against_all_thresholds() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        scores, right = rng.integers(0, 8, size=20) / 8, rng.random(20) < 0.5
        right[:2] = True, False

        def f1(at: float, scores: np.ndarray = scores, right: np.ndarray = right) -> float:
            kept = scores >= at
            return 2 * (kept & right).sum() / (kept.sum() + right.sum())

        found = best_threshold(scores, right)
        assert found.f1 == pytest.approx(max(f1(at) for at in set(scores)))
        assert found.f1 == pytest.approx(f1(found.score))
        assert (found.right, found.wrong) == (right.sum(), (~right).sum())
    for one_kind in (np.ones(3, bool), np.zeros(3, bool)):
        with pytest.raises(ValueError, match="rejected"):
            best_threshold(np.arange(3.0), one_kind)
