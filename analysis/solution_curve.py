"""All fixed points of a single-class ensemble as one curve, with the share of texts as a function of position.

Let a share θ of the texts be read. Then x is a fixed point of x = prior λ(1 - θ y(x)) exactly if

    θ(s) = s / y(x(s)),   x(s) = prior λ(1 - s),   s ≥ 0,

where y(x) is the probability that a text teaches and s = θ y the probability that a given text of a skill taught it.
What is learned at share θ is the first position with θ(s) ≥ θ, coming from s = 0: between the stationary
points of θ(s) this is a monotone piece, and where θ(s) turns back the learned fraction jumps.

For Poisson skill degrees θ may exceed 1 (more texts of the same kind); a table of degrees is thinned, each text
being kept with probability θ ≤ 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.learners import Learner
from analysis.special import bracketed_root

__all__ = ["Jump", "SolutionCurve"]

Floats = npt.NDArray[np.float64]

_GRID = 2_000
_SMALLEST_JUMP = 1e-7
_BISECTIONS = 64


@dataclass(frozen=True)
class Jump:
    """A share of the texts at which the learned fraction jumps.

    Attributes:
        share: θ of the jump.
        before: Unlearned fraction just below it.
        after: Unlearned fraction just above it.
    """

    share: float
    before: float
    after: float


class SolutionCurve:
    """The curve θ(s) of an ensemble and a learner, cut into monotone pieces.

    Stationary points are looked for on a grid of 4000 positions, evenly spaced in s and in ln s, and refined
    on the derivative; two that lie between neighbouring positions are missed.

    Args:
        ensemble: Its ratio is θ = 1; Poisson skill degrees must have a positive mean.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand.
        largest_share: The curve is known up to this θ; at most 1 for a table of skill degrees.

    Raises:
        AnalysisError: The ensemble has no edges.
    """

    def __init__(self, ensemble: Ensemble, learner: Learner, *, prior: float = 1.0, largest_share: float = 1.0) -> None:
        if ensemble.text_degrees.mean == 0.0 or ensemble.skill_degrees.mean == 0.0:
            raise AnalysisError("texts that require no skills teach nothing: there is no curve to follow")
        self._learner, self._prior = learner, prior
        self._nodes, self._edges = ensemble.skill_degrees, ensemble.skill_degrees.excess()
        self._texts = ensemble.text_degrees.joint.excess(0)
        # θ(s) ≥ s, since y ≤ 1, so the curve is complete up to this θ.
        end = largest_share if self._nodes.poisson_mean is not None else 1.0
        linear, log = np.linspace(0.0, end, _GRID + 1)[1:], np.geomspace(1e-12 * end, end, _GRID)
        grid = np.unique(np.concatenate([linear, log]))
        self.stationary = self._roots_of_slope(grid)
        self._points = np.concatenate([[grid[0]], self.stationary, [end]])
        self._shares = self.share(self._points)
        if float(self._taught(np.asarray(prior), 1)) == 0.0:
            # No text teaches before something is known: learning does not start with any number of texts.
            self._shares[0] = np.inf

    def share(self, s: npt.ArrayLike) -> Floats:
        """θ(s) = s / y(x(s)), shape of `s`; infinite where no text teaches, as no share of the texts leads there."""
        s = np.asarray(s, dtype=np.float64)
        taught = self._taught(self._novel(s), 1)
        return np.divide(s, taught, out=np.full(np.shape(taught), np.inf), where=taught > 0.0)

    def unlearned_at(self, s: npt.ArrayLike) -> Floats:
        """Fraction of the skills not learned at a position, q = prior L(1 - s), shape of `s`."""
        return self._prior * self._nodes.generating(1.0 - np.asarray(s, dtype=np.float64))

    def unlearned(self, shares: npt.ArrayLike) -> Floats:
        """Fraction of the skills not learned when a share θ of the texts is read.

        Args:
            shares: Values of θ ≥ 0, any shape, none above the largest share.

        Returns:
            q(θ), shape of `shares`.
        """
        shares = np.asarray(shares, dtype=np.float64)
        return np.where(shares > 0.0, self.unlearned_at(self._position(np.maximum(shares, 1e-300))), self._prior)

    def share_needed(self, unlearned: float) -> float:
        """Smallest share θ of texts at which at most this fraction of the skills is not learned.

        Raises:
            AnalysisError: The curve ends before.
        """
        low, high = float(self._points[0]), float(self._points[-1])
        if unlearned >= self._prior:
            return 0.0
        if self.unlearned_at(high) > unlearned:
            raise AnalysisError(f"an unlearned fraction of {unlearned:g} cannot be reached with the given texts")
        root = low if self.unlearned_at(low) <= unlearned else self._solve_position(unlearned, low, high)
        passed = self._shares[:-1][self._points[:-1] < root]
        return max(float(self.share(root)), float(passed.max(initial=0.0)))

    def jumps(self) -> tuple[Jump, ...]:
        """All jumps of the learned fraction, in order of share."""
        found: list[Jump] = []
        record = -np.inf
        for i in range(self._points.size - 1):
            peak = self._shares[i]
            if peak > record and self._shares[i + 1] < peak and np.isfinite(peak):
                record = peak
                after = self.unlearned_at(self._position(np.array([peak]), start=i + 1)[0])
                before = float(self.unlearned_at(self._points[i])) if i else self._prior
                if before - float(after) > _SMALLEST_JUMP:
                    found.append(Jump(float(peak), before, float(after)))
            record = max(record, peak)
        return tuple(found)

    def _solve_position(self, unlearned: float, low: float, high: float) -> float:
        return bracketed_root(lambda s: float(self.unlearned_at(s)) - unlearned, low, high, 1e-16, 1e-15)

    def _novel(self, s: Floats) -> Floats:
        return self._prior * self._edges.generating(1.0 - s)

    def _taught(self, x: Floats, shift: int) -> Floats:
        x = x[..., None]
        return self._learner.expected_tail(self._texts.novel_counts(1.0 - x, x), shift)

    def _slope(self, s: Floats) -> Floats:
        """Sign of dθ/ds: y - s y'(x) x'(s), where y'(x) = E N' (ψ(N'+2) - ψ(N'+1)) over the excess of the excess."""
        mean = float(self._texts.means[0])
        x = self._novel(s)
        y = self._taught(x, 1)
        if mean == 0.0 or self._edges.mean == 0.0:
            return y
        z = x[..., None]
        counts = self._texts.excess(0).novel_counts(1.0 - z, z)
        slope = mean * (self._learner.expected_tail(counts, 1) - self._learner.expected_tail(counts, 2))
        return y - s * slope * self._prior * self._edges.generating_derivative(1.0 - s)

    def _roots_of_slope(self, grid: Floats) -> Floats:
        slope = np.concatenate([self._slope(part) for part in np.array_split(grid, 20)])
        turns = np.flatnonzero(np.sign(slope[:-1]) * np.sign(slope[1:]) < 0)
        return np.array([self._root_of_slope(float(grid[i]), float(grid[i + 1])) for i in turns])

    def _root_of_slope(self, low: float, high: float) -> float:
        ends = [float(self._slope(np.asarray(s))) for s in (low, high)]
        if ends[0] * ends[1] >= 0.0:
            # one of them is 0 up to rounding, which depends on how many positions are evaluated at once
            return low if abs(ends[0]) < abs(ends[1]) else high
        return bracketed_root(lambda s: float(self._slope(np.asarray(s))), low, high, 1e-15, 1e-15)

    def _position(self, shares: Floats, start: int = 0) -> Floats:
        """First position, from piece `start` on, where θ(s) reaches each share."""
        result = np.full(shares.shape, self._points[-1])
        found = np.zeros(shares.shape, dtype=bool)
        for i in range(start, self._points.size - 1):
            here = ~found & (shares <= self._shares[i])
            result[here] = self._points[i]
            found |= here
            inside = ~found & (shares <= self._shares[i + 1])
            if inside.any():
                result[inside] = self._bisect(shares[inside], self._points[i], self._points[i + 1])
                found |= inside
        return result

    def _bisect(self, shares: Floats, low: float, high: float) -> Floats:
        a, b = np.full(shares.shape, low), np.full(shares.shape, high)
        for _ in range(_BISECTIONS):
            # The geometric mean finds positions near 0 to full relative precision.
            middle = np.sqrt(a * b)
            reached = self.share(middle) >= shares
            a, b = np.where(reached, a, middle), np.where(reached, middle, b)
        return b
