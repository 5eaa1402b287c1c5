"""Closed forms that stand for SciPy's functions, checked against those."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize, special

from analysis.errors import AnalysisError
from analysis.special import bracketed_root, lambert_w0, log_factorial, poisson_cdf, xlogy

_EPS = np.finfo(np.float64).eps


def test_log_factorial_is_log_gamma() -> None:
    rng = np.random.default_rng(1)
    n = np.concatenate(
        [np.arange(3_000), rng.random(2_000) * 12, 10.0 ** rng.uniform(0, 15, 2_000), [9.0, 10.0, 9.999]]
    )
    want = special.gammaln(n + 1.0)
    # Below 10 the shifted series loses the digits of log Γ(20) = 39.3; above, n log n and n nearly cancel at worst.
    np.testing.assert_allclose(log_factorial(n), want, rtol=4 * _EPS, atol=60 * _EPS)


def test_log_factorial_of_small_whole_numbers_is_exact_and_keeps_shape() -> None:
    assert log_factorial(0).shape == ()
    assert log_factorial(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    n = np.arange(10).reshape(2, 5)
    assert log_factorial(n).tolist() == [[math.lgamma(k + 1.0) for k in row] for row in n.tolist()]


def test_xlogy_is_that_of_scipy() -> None:
    x = np.array([0.0, 0.0, 0.0, 1.0, 2.5, 1e-300, -1.0, 0.0])
    y = np.array([0.0, 3.0, np.inf, 0.0, 4.0, 1e300, 2.0, np.nan])
    np.testing.assert_allclose(xlogy(x, y), special.xlogy(x, y), rtol=2 * _EPS)
    assert xlogy(np.zeros((3, 1)), np.ones(4)).shape == (3, 4)


@pytest.mark.parametrize("n", [0, 1, 4, 60, 999])
def test_poisson_cdf_is_that_of_scipy(n: int) -> None:
    mean = np.concatenate([[0.0, 1e-300], np.geomspace(1e-6, 2_000.0, 500), [1e6, 1e300, np.inf]])
    # A term e^{k log m - m - log k!} has the rounding of its largest part, k log m.
    rounding = 8 * _EPS * (1.0 + n * math.log(2_000.0) + 2_000.0)
    np.testing.assert_allclose(poisson_cdf(n, mean), special.pdtr(n, mean), rtol=rounding, atol=1e-290)
    assert poisson_cdf(n, 0.5).shape == ()
    assert np.all(poisson_cdf(n, mean) <= 1.0)


@pytest.mark.parametrize("c", [math.nextafter(math.e, 3.0), 2.7183, 2.8, 3.0, 4.0, 10.0, 1e3, 1e10, 1e300])
def test_lambert_w_solves_its_equation(c: float) -> None:
    w, want = lambert_w0(-1.0 / c), float(special.lambertw(-1.0 / c).real)
    # Near the branch point w is a square root of a rounded difference.
    assert w == pytest.approx(want, rel=4 * _EPS, abs=1e-7 if c < 2.7183 else 1e-13 * (c < 2.8))
    assert w * math.exp(w) == pytest.approx(-1.0 / c, rel=4 * _EPS)


def test_lambert_w_is_not_guessed_elsewhere() -> None:
    assert (lambert_w0(0.0), lambert_w0(-1.0 / math.e)) == (0.0, -1.0)
    for x in (-0.4, 0.1, math.nan):
        with pytest.raises(AnalysisError, match="between -1/e and 0"):
            lambert_w0(x)


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (math.cos, 0.0, 3.0),
        (lambda x: x**9 - 1e-3, -1.0, 1.7),
        (lambda x: math.expm1(x) - 1e-9, -5.0, 10.0),
        (lambda x: 1e-30 * (x - 0.25), 0.0, 1.0),
        (lambda x: -1.0 if x < 1 / 3 else 1.0, 0.0, 1.0),
        (lambda x: math.exp(-1.0 / (x * x)) - 1e-3 if x else -1e-3, 0.0, 5.0),
        (lambda x: x - 1.0, 1.0, 2.0),
    ],
)
def test_bracketed_root_finds_the_root_of_scipy(function: Callable[[float], float], low: float, high: float) -> None:
    calls = 0

    def counted(x: float) -> float:
        nonlocal calls
        calls += 1
        return function(x)

    found = bracketed_root(counted, low, high, 1e-15, 1e-15)
    _, run = optimize.brentq(function, low, high, xtol=1e-15, rtol=1e-15, full_output=True)
    assert found == pytest.approx(run.root, rel=3e-15, abs=3e-15)
    assert calls <= run.function_calls + 2


def test_bracketed_root_needs_a_change_of_sign() -> None:
    with pytest.raises(AnalysisError, match="no change of sign between 1 and 2"):
        bracketed_root(lambda x: x, 1.0, 2.0, 1e-15, 1e-15)
