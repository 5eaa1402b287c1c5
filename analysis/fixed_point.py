"""Extreme fixed points of monotone maps, found by Newton steps that provably never jump past them.

Density evolution iterates a map F that is non-decreasing in every component, from above. Its limit is the
largest fixed point x*, but near a threshold that takes as many steps as one likes. A Newton step is far
quicker, and may land below x*, on another branch. Here every step is certified:

    Let u ≥ x*, r = u - F(u), and let M ≥ 0 be a lower bound of the Jacobian of F in the whole box [v, u], with
    spectral radius below 1 and (I - M)(u - v) ≤ r. Then v ≥ x*.

Proof. Put w = max(x*, v), which lies in the box, and let I be the components where x* > v. There F_i(w) ≥
F_i(x*) = w_i, so r_i ≤ u_i - w_i - Σ_j M_ij (u_j - w_j): with d = u - v and e = u - w, ((I - M) e)_i ≥ r_i ≥
((I - M) d)_i. Since d - e ≥ 0 vanishes outside I, the block of I - M on I, whose inverse is not negative, maps it
to something ≤ 0; so it is 0 on I too, and x* ≤ v. ∎

Percolation asks for the smallest fixed point of a map made of power series with coefficients ≥ 0. Its Jacobian
grows with its argument, so the Jacobian at a point is a lower bound above it, and plain Newton from 0 rises to
the smallest fixed point without passing it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["FixedPoint", "MonotoneMap", "largest_fixed_point", "smallest_fixed_point"]

Floats = npt.NDArray[np.float64]

_ROUNDING = 4e-16
_MAX_STEPS = 20_000
_BOX_TRIES = 5
_NEARLY_ONE = 1.0 - 1e-9


class MonotoneMap(Protocol):
    """A map of [0, 1]ⁿ to itself, non-decreasing in every component."""

    def value(self, x: Floats) -> Floats:
        """F(x), shape (n,)."""
        ...

    def slope_floor(self, low: Floats, high: Floats) -> Floats:
        """Lower bound ≥ 0 of every element of the Jacobian in the box [low, high], shape (n, n)."""
        ...


@dataclass(frozen=True)
class FixedPoint:
    """A bracket of the largest fixed point.

    Attributes:
        value: The best estimate, inside the bracket, shape (n,).
        upper: Not below it, shape (n,).
        lower: Not above it (all zeros if that could not be shown), shape (n,).
        steps: Number of steps taken.
        converged: True if the bracket is no wider than the tolerance.
    """

    value: Floats
    upper: Floats
    lower: Floats
    steps: int
    converged: bool


def largest_fixed_point(
    mapping: MonotoneMap,
    start: Floats,
    *,
    tolerance: float = 1e-10,
    max_steps: int = _MAX_STEPS,
    enough: Callable[[Floats], bool] | None = None,
) -> FixedPoint:
    """Largest fixed point of x = F(x) below `start`, by certified Newton steps (above).

    Derived in docs/theory.md, section 2.

    Args:
        mapping: The map F.
        start: A point with F(start) ≤ start, shape (n,).
        tolerance: Wanted width of the bracket. At a tangency (exactly on a threshold) rounding allows about
            1e-8 only; `converged` is then False.
        max_steps: At most so many steps.
        enough: Called with an upper bound, shape (n,); the search ends early, unconverged, where it returns True.

    Returns:
        The bracket, float64 (n,) each, in the units of F. Its lower end is a point v with F(v) ≥ v: F maps what lies
        above v to itself, so by Tarski's theorem it has a fixed point there.

    >>> class Half:
    ...     value = staticmethod(lambda x: 0.25 + x / 2)
    ...     slope_floor = staticmethod(lambda low, high: np.full((1, 1), 0.5))
    >>> largest_fixed_point(Half(), np.ones(1)).value.round(6).tolist()
    [0.5]
    """
    x = np.array(start, dtype=np.float64)
    for step in range(max_steps):
        following = np.minimum(mapping.value(x), x)
        residual = x - following
        slope = mapping.slope_floor(x, x)
        newton = _solve(slope, residual)
        if newton is not None and newton.max() <= 0.25 * tolerance:
            lower = _lower_end(mapping, x, residual, slope, tolerance)
            if lower is not None:
                return FixedPoint(np.maximum(x - newton, lower), x, lower, step, converged=True)
        if residual.max() <= _ROUNDING or (enough is not None and enough(x)):
            return FixedPoint(following, x, np.zeros_like(x), step, converged=False)
        x = np.minimum(_certified_step(mapping, x, residual, slope), following)
    return FixedPoint(x, x, np.zeros_like(x), max_steps, converged=False)


def smallest_fixed_point(
    value: Callable[[Floats], Floats],
    jacobian: Callable[[Floats], Floats],
    ceiling: Floats,
    *,
    tolerance: float = 1e-13,
) -> Floats:
    """Smallest fixed point ≥ 0 of an order-convex monotone map, by Newton from 0: x ← x + (I - F'(x))⁻¹ (F(x) - x).

    Derived in docs/theory.md, section 5.

    Args:
        value: F(x), shape (n,).
        jacobian: Its Jacobian, shape (n, n), every element non-decreasing in x.
        ceiling: A known fixed point, which is the answer if there is none below, shape (n,).
        tolerance: The last step is at most this, or rounding stops it (at criticality).

    Returns:
        The fixed point, float64 (n,), in the units of F.

    >>> quadratic = smallest_fixed_point(  # 3x² - 4x + 1 = 0
    ...     lambda x: (1 + 3 * x**2) / 4, lambda x: np.diag(1.5 * x), np.ones(1)
    ... )
    >>> quadratic.round(6).tolist()
    [0.333333]
    """
    x: Floats = np.zeros(ceiling.shape)
    for _ in range(_MAX_STEPS):
        residual = np.maximum(value(x) - x, 0.0)
        step = _solve(jacobian(x), residual)
        following: Floats = np.minimum(x + (residual if step is None else step), ceiling)
        if float(np.max(following - x, initial=0.0)) <= tolerance:
            return following
        x = following
    return x


def _solve(slope: Floats, right: Floats) -> Floats | None:
    """(I - M)⁻¹ r if the spectral radius of M ≥ 0 is below 1, otherwise None.

    It is below 1 exactly if some x ≥ 0 has (I - M) x > 0: tried with the x that solves (I - M) x = 1.
    """
    n = slope.shape[0]
    try:
        both = np.asarray(np.linalg.solve(np.eye(n) - slope, np.column_stack([right, np.ones(n)])), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return np.maximum(both[:, 0], right) if np.all(both[:, 1] > 0.0) else None


def _descent(slope: Floats, residual: Floats) -> Floats:
    """A step d with (I - M)d = r, M the lower bound of the slope, scaled down where that cannot be solved."""
    solution = _solve(slope, residual)
    if solution is not None:
        return solution
    radius = float(np.abs(np.linalg.eigvals(slope)).max())
    solution = _solve(slope * (_NEARLY_ONE / radius), residual)
    return residual if solution is None else solution


def _certified_step(mapping: MonotoneMap, x: Floats, residual: Floats, slope: Floats) -> Floats:
    """The lowest point that the theorem allows among a few boxes."""
    full = _descent(slope, residual)
    positive = full > 0.0
    if not positive.any():
        return x
    # The box ends where a component reaches 0.
    box = full * min(1.0, float(np.min(x[positive] / full[positive])))
    best, best_size = residual, float(residual.max())
    for _ in range(_BOX_TRIES):
        step = _descent(mapping.slope_floor(np.maximum(x - box, 0.0), x), residual)
        inside = step > 0.0
        step = step * min(1.0, float(np.min(box[inside] / step[inside], initial=1.0)))
        size = float(step.max())
        if size > best_size:
            best, best_size = step, size
        if size >= 0.5 * float(box.max()):
            break
        # Too wide a box makes the bound weak, too narrow a box limits the step: the geometric mean is best.
        box = box * np.sqrt(size / float(box.max()))
    return np.maximum(x - best, 0.0)


def _lower_end(mapping: MonotoneMap, x: Floats, residual: Floats, slope: Floats, tolerance: float) -> Floats | None:
    """A point v ≤ x within the tolerance with F(v) ≥ v, if one is found."""
    lift = _solve(slope, np.ones_like(x))
    if lift is None:
        return None
    down = _solve(slope, residual + 0.5 * tolerance / lift.max())
    if down is None or down.max() > tolerance:
        return None
    v = np.maximum(x - down, 0.0)
    return v if np.all(mapping.value(v) >= v) else None
