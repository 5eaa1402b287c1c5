"""Special functions of the theory in closed forms that need NumPy only.

SciPy has them all, but importing it takes longer than most predictions; these few agree with it to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

__all__ = ["bracketed_root", "lambert_w0", "log_factorial", "poisson_cdf", "xlogy"]

Floats = npt.NDArray[np.float64]

_STIRLING_FROM = 10.0
_STIRLING = (1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360360.0, 1.0 / 156.0)
"""Coefficients of z⁻¹, z⁻³, … in Stirling's series: B_2k / (2k (2k-1))."""

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_WHOLE = np.array([math.lgamma(n + 1.0) for n in range(int(_STIRLING_FROM))])
_STEPS = 200


def xlogy(x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """The limit of x log y, which is 0 where x is 0.

    Args:
        x: Numbers, any shape.
        y: Numbers ≥ 0, broadcast against `x`.

    Returns:
        float64, the common shape; -inf where y is 0 and x > 0.

    >>> xlogy([0.0, 2.0], [0.0, 1.0]).tolist()
    [0.0, 0.0]
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        product = x * np.log(y)
    return np.asarray(np.where((x == 0.0) & ~np.isnan(y), 0.0, product), dtype=np.float64)


def log_factorial(n: npt.ArrayLike) -> Floats:
    """The logarithm of a factorial, log n! = log Γ(n+1), by Stirling's series [DLMF].

    Below 10 by Γ(n+1) = Γ(n+1+k) / ((n+1) … (n+k)), and whole numbers from a table.

    Args:
        n: Numbers ≥ 0, need not be whole, any shape.

    Returns:
        float64, shape of `n`.

    >>> log_factorial([0, 1, 2, 20]).round(6).tolist()  # 20! = 2432902008176640000
    [0.0, 0.0, 0.693147, 42.335616]
    """
    n = np.asarray(n, dtype=np.float64)
    z = np.atleast_1d(n + 1.0)
    small = z <= _STIRLING_FROM
    far = np.where(small, z + _STIRLING_FROM, z)
    inverse = 1.0 / far
    square = inverse * inverse
    tail = np.zeros_like(far)
    for coefficient in reversed(_STIRLING):
        tail = tail * square + coefficient
    result = (far - 0.5) * np.log(far) - far + _HALF_LOG_2PI + tail * inverse
    if small.any():
        low = z[small]
        product = np.ones_like(low)
        for k in range(int(_STIRLING_FROM)):
            product *= low + k
        whole = np.floor(low) == low
        table = _WHOLE[np.where(whole, low - 1.0, 0.0).astype(np.intp)]
        result[small] = np.where(whole, table, result[small] - np.log(product))
    return np.asarray(result.reshape(n.shape), dtype=np.float64)


def poisson_cdf(n: int, mean: npt.ArrayLike) -> Floats:
    """P(Poisson(mean) ≤ n) = Σ_{k ≤ n} e^{-mean} mean^k / k!.

    Args:
        n: A whole number ≥ 0.
        mean: Numbers ≥ 0, any shape.

    Returns:
        Probabilities in 0-1, float64, shape of `mean`.

    >>> poisson_cdf(1, [0.0, 1.0]).round(6).tolist()  # 2 / e
    [1.0, 0.735759]
    """
    mean = np.asarray(mean, dtype=np.float64)
    flat = mean.reshape(-1)
    result = np.empty_like(flat)
    k = np.arange(n + 1, dtype=np.float64)
    factorial = log_factorial(k)
    # So many means at a time that the terms of the sum stay within a megabyte or two.
    for begin in range(0, flat.size, step := max(1, 200_000 // (n + 1))):
        some = flat[begin : begin + step, None]
        with np.errstate(invalid="ignore"):
            terms = np.exp(xlogy(k, some) - some - factorial)
        result[begin : begin + step] = np.where(np.isposinf(some[:, 0]), 0.0, np.minimum(terms.sum(axis=1), 1.0))
    return result.reshape(mean.shape)


def lambert_w0(x: float) -> float:
    """The principal branch of w e^w = x, by Halley's steps from the branch point's series [Corless1996].

    Args:
        x: A number from -1/e to 0.

    Returns:
        w from -1 to 0.

    Raises:
        AnalysisError: x is outside that range.

    >>> round(lambert_w0(-math.log(2) / 2), 12) == round(-math.log(2), 12)
    True
    """
    if not -1.0 / math.e - 1e-16 <= x <= 0.0:
        raise AnalysisError(f"the logarithm's inverse is wanted between -1/e and 0, not at {x:g}")
    p = math.sqrt(max(2.0 * (math.e * x + 1.0), 0.0))
    w = -1.0 + p - p * p / 3.0 + 11.0 / 72.0 * p**3 if x < -0.25 else x * (1.0 - x * (1.0 - 1.5 * x))
    for _ in range(_STEPS):
        exponential = math.exp(w)
        miss = w * exponential - x
        slope = exponential * (w + 1.0)
        if miss == 0.0 or slope <= 0.0:
            break
        step = miss / (slope - (w + 2.0) * miss / (2.0 * (w + 1.0)))
        w -= step
        if abs(step) <= 1e-16 * abs(w):
            break
    return w


def bracketed_root(function: Callable[[float], float], low: float, high: float, xtol: float, rtol: float) -> float:
    """A root between two ends at which a function differs in sign, by the method of Brent [Brent1973].

    Args:
        function: Continuous between the ends.
        low: One end.
        high: The other.
        xtol: Absolute tolerance of the root.
        rtol: Relative tolerance of the root.

    Returns:
        A position within xtol + rtol |root| of a root.

    Raises:
        AnalysisError: The function has the same sign at both ends.

    >>> round(bracketed_root(lambda x: x * x - 2.0, 0.0, 2.0, 1e-15, 1e-15), 12) == round(math.sqrt(2.0), 12)
    True
    """
    a, b = low, high
    f_a, f_b = function(a), function(b)
    if f_a == 0.0:
        return a
    if f_b == 0.0:
        return b
    if (f_a > 0.0) == (f_b > 0.0):
        raise AnalysisError(f"no change of sign between {low:g} and {high:g}")
    c, f_c = a, f_a
    step = before = b - a
    for _ in range(_STEPS):
        if (f_b > 0.0) == (f_c > 0.0):
            c, f_c = a, f_a
            step = before = b - a
        if abs(f_c) < abs(f_b):
            a, b, c = b, c, b
            f_a, f_b, f_c = f_b, f_c, f_b
        tolerance = 0.5 * (xtol + rtol * abs(b))
        half = 0.5 * (c - b)
        if f_b == 0.0 or abs(half) <= tolerance:
            return b
        if abs(before) < tolerance or abs(f_a) <= abs(f_b):
            step = before = half
        else:
            ratio = f_b / f_a
            if a == c:
                up, down = 2.0 * half * ratio, 1.0 - ratio
            else:
                q, r = f_a / f_c, f_b / f_c
                up = ratio * (2.0 * half * q * (q - r) - (b - a) * (r - 1.0))
                down = (q - 1.0) * (r - 1.0) * (ratio - 1.0)
            up, down = (up, -down) if up > 0.0 else (-up, down)
            if 2.0 * up < min(3.0 * half * down - abs(tolerance * down), abs(before * down)):
                before, step = step, up / down
            else:
                step = before = half
        a, f_a = b, f_b
        b += step if abs(step) > tolerance else math.copysign(tolerance, half)
        f_b = function(b)
    return b
