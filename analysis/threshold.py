"""Emergence threshold: how many texts it takes until learning suddenly spreads."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.ensembles import Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.fixed_point import largest_fixed_point
from analysis.learners import Learner, OneSkillLearner
from analysis.recursion import MessageRecursion
from analysis.solution_curve import SolutionCurve
from analysis.special import lambert_w0

__all__ = [
    "EmergenceThreshold",
    "StabilityRegion",
    "emergence_threshold",
    "emergence_threshold_of",
    "stability_region",
]

Floats = npt.NDArray[np.float64]

_DEEPEST = 60.0
"""Jumps are searched for while more than e^-60 of the skills are unlearned."""


@dataclass(frozen=True)
class EmergenceThreshold:
    """Where learning emerges.

    Attributes:
        ratio: R*, texts for each skill at the jump; None if emergence is gradual.
        unlearned: q*, unlearned fraction just below the jump (end of the top branch); None if gradual.
        jump: True if the learned fraction jumps, False if it grows continuously.
        unlearned_after: Unlearned fraction just above the jump; None if gradual.
        share: R* as a multiple of the ensemble's own ratio; None if gradual. For measured degrees it is the share
            of the texts that must be read; above 1 it extrapolates: so many times the texts, of the same kind.
    """

    ratio: float | None
    unlearned: float | None
    jump: bool
    unlearned_after: float | None = None
    share: float | None = None


_SMALLEST = 1e-300
_LARGEST = -math.log(_SMALLEST)
_BEYOND = "with {:g} skills in a text on average R* exceeds 1e300 texts per skill: give fewer skills or a larger D"

_GRADUAL = EmergenceThreshold(ratio=None, unlearned=None, jump=False)


def emergence_threshold(c: float, learner: Learner | None = None) -> EmergenceThreshold:
    """Emergence threshold of the Poisson ensemble.

    1-skill learner: for c ≤ e the learned fraction grows continuously with R; for c > e it jumps at
    R* = e^{x - 1/x} / x², where x > 1 solves x e^{1/x} = c, and the top branch ends at q* = x / c. Other learners:
    the largest jump of the solution curve, from the roots of its derivative [LCH2025].

    Args:
        c: Mean number of skills in a text, > 0.
        learner: The rule by which texts teach; None is the 1-skill learner.

    Returns:
        The threshold, `share` equal to `ratio`.

    Raises:
        AnalysisError: c is not positive and finite, or so large that R* is beyond 1e300.

    >>> round(emergence_threshold(3.0).ratio, 7)
    1.0378857
    >>> emergence_threshold(2.0).jump
    False
    """
    if not (math.isfinite(c) and c > 0.0):
        raise AnalysisError(f"the mean number of skills in a text must be positive, not {c:g}")
    if learner is not None and learner != OneSkillLearner():
        # The first texts teach with probability P_suc(c); where that is no number any more, R* is beyond them too.
        if float(learner.success(c)) < _SMALLEST < float(learner.success(0.0)):
            raise AnalysisError(_BEYOND.format(c))
        return emergence_threshold_of(Ensemble.poisson(c, 1.0), learner)
    if c <= math.e:
        return _GRADUAL
    x = -1.0 / lambert_w0(-1.0 / c)
    exponent = x - 1.0 / x - 2.0 * math.log(x)
    if exponent > _LARGEST:
        raise AnalysisError(_BEYOND.format(c))
    ratio = math.exp(exponent)
    curve = SolutionCurve(Ensemble.poisson(c, 1.0), OneSkillLearner(), largest_share=2.0 * ratio)
    after = float(curve.unlearned(np.nextafter(ratio, math.inf) * (1.0 + 1e-14)))
    return EmergenceThreshold(ratio=ratio, unlearned=x / c, jump=True, unlearned_after=after, share=ratio)


def emergence_threshold_of(ensemble: Ensemble, learner: Learner, *, prior: float = 1.0) -> EmergenceThreshold:
    """Emergence threshold of any single-class ensemble as the share of its texts grows.

    A share θ of the texts leaves each skill its degree thinned by θ: L_θ(x) = L(1 - θ (1 - x)), while texts
    keep theirs. For Poisson skills that is the ensemble with ratio θ R. The threshold is the largest jump of
    the unlearned fraction along θ; a smaller one before or after it is left out. Derived in docs/theory.md, section 2.

    Args:
        ensemble: Degrees of texts and skills.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand.

    Returns:
        The threshold, with `ratio = share · ensemble.ratio`.

    Raises:
        AnalysisError: The ensemble has no edges.

    >>> emergence_threshold_of(Ensemble.poisson(4.0, 2.0), OneSkillLearner()).share.__round__(6)
    0.733175
    """
    mean = ensemble.skill_degrees.mean
    curve = SolutionCurve(ensemble, learner, prior=prior, largest_share=_DEEPEST / mean if mean > 0.0 else 1.0)
    jumps = curve.jumps()
    if not jumps:
        return _GRADUAL
    largest = max(jumps, key=lambda jump: jump.before - jump.after)
    return EmergenceThreshold(
        ratio=largest.share * ensemble.ratio,
        unlearned=largest.before,
        jump=True,
        unlearned_after=largest.after,
        share=largest.share,
    )


@dataclass(frozen=True, eq=False)
class StabilityRegion:
    """Ratios (R_1, R_2) of two text classes with which all classes of skills are learned.

    Attributes:
        border: Points of the border from the R_1 axis to the R_2 axis, shape (N, 2); adding texts leads inside.
        polygon: The part of the region in the square [0, limit]², as corners in order, shape (M, 2); empty if the
            square holds none of it.
        limit: Side of the square.
        unlearned: A class counts as learned when at most this fraction of its skills is not.
    """

    border: Floats
    polygon: Floats
    limit: float
    unlearned: float


def stability_region(
    ensemble: MultiClassEnsemble,
    learner: Learner,
    *,
    unlearned: float = 0.5,
    limit: float | None = None,
    rays: int = 25,
    tolerance: float = 1e-5,
) -> StabilityRegion:
    """Stability region of two Poisson text classes [StabilityRegions2021].

    The region is {(R_1, R_2): max_k q_k ≤ unlearned}. More texts never unlearn, so it contains, with a point,
    everything above and to the right of it, and each ray from the origin crosses the border once: bisection.

    Args:
        ensemble: Two text classes, any number of skill classes; its own ratios are not used.
        learner: The rule by which texts teach.
        unlearned: See `StabilityRegion`. Where learning jumps, the border hardly depends on it.
        limit: Side of the square that is looked at; None takes three times the diagonal's crossing.
        rays: Number of directions, ≥ 2, the axes among them.
        tolerance: Error of the border points, relative to the limit.

    Returns:
        Border and polygon, in texts of each class for one skill of any class, float64 (N, 2) and (M, 2).

    Raises:
        AnalysisError: Not two text classes, measured degrees, `unlearned` or `rays` outside its range, or no amount of
            texts up to a ratio of 10⁶ is enough.

    >>> alike = MultiClassEnsemble(np.ones(1), np.ones(2), np.array([[3.0], [3.0]]))  # R_1 + R_2 = R* is the border
    >>> border = stability_region(alike, OneSkillLearner(), rays=3, tolerance=1e-4).border
    >>> np.allclose(border.sum(axis=1), emergence_threshold(3.0).ratio, atol=2e-3)
    True
    """
    if ensemble.n_text_classes != 2:
        raise AnalysisError(f"a stability region needs 2 classes of texts, not {ensemble.n_text_classes}")
    if not 0.0 < unlearned < 1.0 or rays < 2:
        raise AnalysisError(f"unlearned must lie between 0 and 1 and rays be at least 2, not {unlearned:g} and {rays}")

    def remaining(ratios: Floats, above: Floats | None = None) -> Floats | None:
        """What stays unlearned, None if little enough does; `above` is what stays with fewer texts."""
        classes = ensemble.with_ratios(ratios)
        recursion = MessageRecursion(classes, learner, np.ones(classes.n_skill_classes))

        def enough(state: Floats) -> bool:
            return bool(np.all(state.reshape(recursion.shape)[-1][classes.alpha > 0.0] <= unlearned))

        upper = largest_fixed_point(
            recursion, recursion.start().ravel() if above is None else above, enough=enough
        ).upper
        return None if enough(upper) else upper

    def learned(ratios: Floats) -> bool:
        return remaining(ratios) is None

    def crossing(start: Floats, end: Floats) -> Floats | None:
        """Border point on a segment that leads upwards; None if its end is not inside."""
        if not learned(end):
            return None
        low, high, state = 0.0, 1.0, None
        while high - low > tolerance:
            middle = 0.5 * (low + high)
            found = remaining(start + middle * (end - start), state)
            low, high, state = (low, middle, state) if found is None else (middle, high, found)
        return start + high * (end - start)

    if limit is None:
        limit = 1.0
        while not learned(np.full(2, limit)):
            limit *= 2.0
            if limit > 1e6:
                raise AnalysisError("no number of texts makes all of these classes learned")
        inside = crossing(np.zeros(2), np.full(2, limit))
        limit = limit if inside is None else 3.0 * float(inside[0])
    corner = np.full(2, limit)
    angles = np.linspace(0.0, 0.5 * np.pi, rays)
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    directions[0, 1] = directions[-1, 0] = 0.0
    ends = limit * directions / directions.max(axis=1, keepdims=True)
    points = [point for end in ends if (point := crossing(np.zeros(2), end)) is not None]
    if not learned(corner):
        return StabilityRegion(np.empty((0, 2)), np.empty((0, 2)), limit, unlearned)
    # Where an axis lies outside, the border leaves the square through its side, and the side is part of the polygon.
    first, last = (None if learned(end) else crossing(end, corner) for end in (ends[0], ends[-1]))
    border = np.array([p for p in (first, *points, last) if p is not None])
    border = border[np.concatenate([[True], np.any(np.abs(np.diff(border, axis=0)) > tolerance * limit, axis=1)])]
    outer = [ends[-1] if last is None else None, corner, ends[0] if first is None else None]
    polygon = np.array([*border, *(p for p in outer if p is not None)])
    return StabilityRegion(border, polygon, limit, unlearned)
