"""Extreme fixed points: never past them, however narrow the gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fixed_point import largest_fixed_point, smallest_fixed_point


@dataclass
class Powers:
    """F(x) = 1 - Π_i (1 - Σ_j weight_ij x_j^power_ij): monotone, neither convex nor concave."""

    weight: np.ndarray
    power: np.ndarray

    def value(self, x: np.ndarray) -> np.ndarray:
        return (self.weight * x**self.power).sum(axis=1)

    def slope_floor(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return np.minimum(*(self.weight * self.power * end ** (self.power - 1.0) for end in (low, high)))


@dataclass
class Bottleneck:
    """F(x) = x - (x - a)((x - c)² + gap) / 2: one fixed point at a, and a passage of width `gap` at c > a."""

    a: float
    c: float
    gap: float

    def value(self, x: np.ndarray) -> np.ndarray:
        return x - 0.5 * (x - self.a) * ((x - self.c) ** 2 + self.gap)

    def slope_floor(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        # F' is a parabola open downwards, so its minimum over an interval is at an end.
        def slope(x: np.ndarray) -> np.ndarray:
            return 1.0 - 0.5 * ((x - self.c) ** 2 + self.gap) - (x - self.a) * (x - self.c)

        return np.diag(np.maximum(np.minimum(slope(low), slope(high)), 0.0))


@pytest.mark.parametrize("gap", [1e-2, 1e-6, 1e-10, 1e-13])
def test_a_narrow_passage_is_passed(gap: float) -> None:
    found = largest_fixed_point(Bottleneck(0.1, 0.6, gap), np.ones(1))
    assert found.converged
    assert found.value[0] == pytest.approx(0.1, abs=1e-9)
    # Plain iteration takes about 2π / sqrt(gap · 0.5) waves for it.
    assert found.steps < 300


@pytest.mark.parametrize("gap", [-1e-4, -1e-7, -1e-9])
def test_the_first_of_two_close_fixed_points_is_found(gap: float) -> None:
    """With a negative gap there are fixed points at c ± sqrt(-gap), which a Newton step from 1 can jump over."""
    found = largest_fixed_point(Bottleneck(0.1, 0.6, gap), np.ones(1))
    assert found.upper[0] >= 0.6 + np.sqrt(-gap) - 1e-12
    assert found.value[0] == pytest.approx(0.6 + np.sqrt(-gap), abs=1e-9)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_agrees_with_plain_iteration(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.random((n, n)) * (rng.random((n, n)) < 0.7)
    mapping = Powers(weight / max(weight.sum(axis=1).max(), 1e-9), rng.integers(1, 5, (n, n)).astype(float))
    mapping.weight[0] *= rng.random()
    found = largest_fixed_point(mapping, np.ones(n))
    x = np.ones(n)
    for _ in range(8_000):
        x = mapping.value(x)
    assert np.all(found.lower <= found.upper)
    assert np.all(found.lower <= x + 1e-12)
    if found.converged:
        np.testing.assert_allclose(found.value, x, atol=1e-9)


def test_without_a_slope_bound_it_is_plain_iteration() -> None:
    class Blind(Powers):
        def slope_floor(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
            return np.zeros((low.size, low.size))

    mapping = Blind(np.array([[0.7, 0.2], [0.3, 0.6]]), np.array([[2.0, 1.0], [1.0, 3.0]]))
    found = largest_fixed_point(mapping, np.ones(2))
    assert found.converged
    np.testing.assert_allclose(found.value, 0.0, atol=1e-9)


def test_search_ends_early_where_enough_is_known() -> None:
    found = largest_fixed_point(Bottleneck(0.1, 0.6, 1e-2), np.ones(1), enough=lambda x: bool(x[0] < 0.9))
    assert 0.1 < found.upper[0] < 0.9
    assert not found.converged


@pytest.mark.parametrize("mean", [0.5, 1.0001, 1.5, 4.0])
def test_smallest_fixed_point_is_the_extinction_of_a_branching_process(mean: float) -> None:
    """Poisson offspring: z = e^{m(z-1)}, below 1 exactly for m > 1."""
    z = smallest_fixed_point(
        lambda x: np.exp(mean * (x - 1.0)), lambda x: np.atleast_2d(mean * np.exp(mean * (x - 1.0))), np.ones(1)
    )[0]
    assert z == pytest.approx(np.exp(mean * (z - 1.0)), abs=1e-12)
    assert (z < 1.0 - 1e-9) == (mean > 1.0)
