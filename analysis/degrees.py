"""Degree distributions of texts and skills, and their generating functions.

A text's degree is the number of skills it requires, a skill's degree the number of texts that require it. With
several classes a degree is a vector: so many skills of each class, so many texts of each class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.special import log_factorial, xlogy

__all__ = ["CountBox", "CountSeries", "DegreeDistribution", "JointDegreeDistribution"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LOG_ABOVE = 60
"""Above this many terms binomial coefficients may overflow, and logarithms are used."""

_LOG_ZERO = 1e5
"""exp(-_LOG_ZERO) is 0."""
_TINY = 1e-100
_KEEP_BELOW = 50_000
"""Tables of excess degrees with fewer entries are kept for the next call."""


def _poisson_terms(log_weight: Floats, rho: Floats, n_max: int) -> Floats:
    """exp(log_weight) ρⁿ/n! for n = 0 … n_max, shape (..., n_max + 1)."""
    if n_max == 0:
        return np.exp(log_weight)[..., None]
    n, log_n = _log_factorials(n_max)
    return np.exp(log_weight[..., None] + xlogy(n, rho[..., None]) - log_n)


@lru_cache(maxsize=64)
def _log_factorials(n_max: int) -> tuple[Floats, Floats]:
    """The numbers n = 0 … n_max and log n!; the same few are asked for in every step of every fixed point."""
    n = np.arange(n_max + 1.0)
    return n, log_factorial(n)


def _binomial_terms(counts: Ints, keep: Floats, novel: Floats, n_max: int) -> Floats:
    """C(n, m) keepⁿ⁻ᵐ novelᵐ for m = 0 … n_max, shape (..., U, n_max + 1) for counts of shape (U,)."""
    m = np.arange(n_max + 1)
    rest = counts[:, None] - m
    inside = rest >= 0
    rest = np.maximum(rest, 0)
    keep, novel = keep[..., None, None], novel[..., None, None]
    if n_max <= _LOG_ABOVE:
        # C(n, m) = C(n, m-1) (n-m+1) / m, from C(n, 0) = 1; 0 from m = n+1 on.
        factors = np.concatenate([np.ones((counts.size, 1)), (counts[:, None] - m[:-1]) / m[1:]], axis=1)
        return np.where(inside, np.cumprod(factors, axis=1), 0.0) * keep**rest * novel**m
    log_choose = log_factorial(counts)[:, None] - log_factorial(m) - log_factorial(rest)
    return np.where(inside, np.exp(log_choose + xlogy(rest, keep) + xlogy(m, novel)), 0.0)


def _convolve(left: Floats, right: Floats) -> Floats:
    """Product of two power series along the last axis, cut at their common length."""
    out = np.zeros(np.broadcast_shapes(left.shape, right.shape))
    for m in range(right.shape[-1]):
        out[..., m:] += right[..., m, None] * left[..., : left.shape[-1] - m]
    return out


@dataclass(frozen=True)
class CountSeries:
    """The power series Σ_u w_u Π_i (keep_i + novel_i t)^{n_ui} in t: how many of a text's skills are novel.

    With keep = 1 - novel its coefficients are the probabilities of 0, 1, 2 … novel skills; other weights give
    the sums that percolation needs.
    """

    distribution: JointDegreeDistribution
    keep: Floats
    novel: Floats

    def poisson(self) -> tuple[Floats, Floats] | None:
        """(weight, mean) if the number of novel skills is Poisson, otherwise None."""
        means = self.distribution.poisson_means
        if means is None:
            return None
        rho = self.novel @ means
        return np.exp(rho - (1.0 - self.keep) @ means), rho

    def value(self, t: float) -> Floats:
        """The series at t, shape (...)."""
        return self.distribution.generating(self.keep + t * self.novel)

    def coefficients(self, n_max: int) -> Floats:
        """Coefficients of t⁰ … t^n_max, shape (..., n_max + 1)."""
        d = self.distribution
        if d.poisson_means is not None:
            return _poisson_terms(-(1.0 - self.keep) @ d.poisson_means, self.novel @ d.poisson_means, n_max)
        series = _binomial_terms(d.counts[:, 0], self.keep[..., 0], self.novel[..., 0], n_max)
        for i in range(1, d.n_classes):
            series = _convolve(series, _binomial_terms(d.counts[:, i], self.keep[..., i], self.novel[..., i], n_max))
        return np.einsum("u,...un->...n", d.weights, series)


@dataclass(frozen=True)
class CountBox:
    """Lower bounds of the number of novel skills' distribution while the novelty x stays in [low, high], shapes (K,).

    A Poisson or binomial probability has one maximum as a function of its mean or probability, so its minimum
    over an interval is at one of the ends. Classes in `clear` must have no novel skill at all.
    """

    distribution: JointDegreeDistribution
    low: Floats
    high: Floats
    clear: npt.NDArray[np.bool_]

    def value_floor(self, t: float) -> float:
        """Lower bound of the generating function at 0 ≤ t ≤ 1."""
        factor = np.where(self.clear, 0.0, t)
        return float(self.distribution.generating(1.0 - (1.0 - factor) * self.high))

    def coefficient_floor(self, n_max: int) -> Floats:
        """Lower bound of P(N = n) for n = 0 … n_max, shape (n_max + 1,)."""
        d = self.distribution
        if d.poisson_means is not None:
            clear = -(self.high * self.clear) @ d.poisson_means
            ends = [(x * ~self.clear) @ d.poisson_means for x in (self.low, self.high)]
            return np.min([_poisson_terms(clear - rho, rho, n_max) for rho in ends], axis=0)
        series = np.zeros((d.counts.shape[0], n_max + 1))
        series[:, 0] = 1.0
        for i in range(d.n_classes):
            if self.clear[i]:
                series *= (1.0 - self.high[i]) ** d.counts[:, i, None]
            else:
                ends = [_binomial_terms(d.counts[:, i], 1.0 - x, x, n_max) for x in (self.low[i], self.high[i])]
                series = _convolve(series, np.minimum(*ends))
        return d.weights @ series


@dataclass(frozen=True, eq=False)
class JointDegreeDistribution:
    """Distribution of degree vectors over K classes: independent Poisson, or a table of vectors with weights.

    Attributes:
        counts: Distinct degree vectors, shape (U, K), int64; U = 0 for Poisson.
        weights: Their probabilities, shape (U,), float64.
        poisson_means: Means, shape (K,), if the degrees are independent Poisson; otherwise None.
        means: Mean degree towards each class, shape (K,).
    """

    counts: Ints
    weights: Floats
    poisson_means: Floats | None = None
    means: Floats = field(init=False)
    _excess: dict[int, JointDegreeDistribution] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        counts, weights = np.array(self.counts, dtype=np.int64), np.array(self.weights, dtype=np.float64)
        if self.poisson_means is not None:
            means = np.array(self.poisson_means, dtype=np.float64)
            if means.ndim != 1 or not np.all(np.isfinite(means)) or np.any(means < 0.0):
                raise AnalysisError(f"mean degrees must be finite and not negative, not {means.tolist()}")
            object.__setattr__(self, "poisson_means", means)
        else:
            if counts.ndim != 2 or weights.shape != counts.shape[:1] or weights.size == 0:
                raise AnalysisError("a degree distribution needs at least one degree, and one probability for each")
            if np.any(counts < 0):
                raise AnalysisError(f"a degree cannot be negative, like {counts.min()}")
            if not np.all(weights >= 0.0) or abs(weights.sum() - 1.0) > 1e-9:
                raise AnalysisError(f"the probabilities of the degrees must sum to 1, not {weights.sum():g}")
            means = weights @ counts
        for name, array in (("counts", counts), ("weights", weights), ("means", means)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def poisson(cls, means: npt.ArrayLike) -> JointDegreeDistribution:
        """Independent Poisson degrees: E Π_i z_i^n_i = exp(-Σ_i mean_i (1 - z_i)) [StabilityRegions2021].

        Args:
            means: Mean degree towards each class, ≥ 0, shape (K,).

        Returns:
            The distribution over K classes.

        Raises:
            AnalysisError: A mean that is negative or infinite.

        >>> round(float(JointDegreeDistribution.poisson([1.0, 2.0]).generating([0.0, 1.0])), 6)  # exp(-1)
        0.367879
        """
        means = np.atleast_1d(np.asarray(means, dtype=np.float64))
        return cls(np.empty((0, means.size), dtype=np.int64), np.empty(0), means)

    @classmethod
    def empirical(cls, degrees: npt.ArrayLike) -> JointDegreeDistribution:
        """Measured degree vectors, p(n) = share of the rows that are n [RichardsonUrbanke2008].

        Args:
            degrees: One row a text or a skill, integers (N, K), from 0 on.

        Returns:
            The distribution of U ≤ N distinct vectors, ordered.

        Raises:
            AnalysisError: No rows, another number of dimensions, or numbers that are negative or not integers.

        >>> JointDegreeDistribution.empirical([[1, 0], [1, 2], [1, 0]]).means.round(3).tolist()
        [1.0, 0.667]
        """
        rows = np.asarray(degrees)
        if rows.ndim != 2 or rows.size == 0:
            raise AnalysisError("a measured degree distribution needs at least one text or skill")
        if rows.dtype.kind not in "iu" or rows.min() < 0:
            raise AnalysisError("measured degrees must be whole numbers of at least 0")
        if rows.shape[1] == 1:
            histogram = np.bincount(rows[:, 0])
            counts = np.flatnonzero(histogram)[:, None]
            times = histogram[counts[:, 0]]
        else:
            counts, times = np.unique(rows, axis=0, return_counts=True)
        return cls(counts, times / rows.shape[0])

    @property
    def n_classes(self) -> int:
        """K."""
        return int(self.counts.shape[1])

    def generating(self, z: npt.ArrayLike) -> Floats:
        """Generating function E Π_i z_i^{n_i}.

        Args:
            z: Shape (..., K), values in [0, 1].

        Returns:
            Shape (...), float64.
        """
        z = np.asarray(z, dtype=np.float64)
        if self.poisson_means is not None:
            return np.exp(-(1.0 - z) @ self.poisson_means)
        return np.prod(z[..., None, :] ** self.counts, axis=-1) @ self.weights

    def generating_and_rest(self, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """G(1 - y) and 1 - G(1 - y), each to full relative precision, however small it or y is.

        Args:
            y: Shape (..., K), values in [0, 1].

        Returns:
            Two arrays of shape (...), float64.

        >>> float(JointDegreeDistribution.poisson([1e-9]).generating_and_rest([1e-3])[1])  # 1 - exp(-1e-12)
        9.999999999995002e-13
        """
        y = np.clip(y, 0.0, 1.0)  # sums of probabilities are off by a rounding error
        if self.poisson_means is not None:
            power = -(y @ self.poisson_means)
            return np.exp(power), -np.expm1(power)
        with np.errstate(divide="ignore"):
            kept = np.log1p(-y)
        powers = np.where(self.counts == 0, 0.0, self.counts * np.maximum(kept, -_LOG_ZERO)[..., None, :]).sum(axis=-1)
        return np.exp(powers) @ self.weights, -(np.expm1(powers) @ self.weights)

    def slopes(self, z: npt.ArrayLike) -> Floats:
        """Gradient of the generating function, ∂/∂z_i E Π z^n = E n_i z_i^{n_i - 1} Π_{l≠i} z_l^{n_l}.

        Args:
            z: Shape (K,), values ≥ 0.

        Returns:
            Shape (K,), float64; at z = 1 the mean degrees.
        """
        z = np.asarray(z, dtype=np.float64)
        if self.poisson_means is not None:
            return self.poisson_means * self.generating(z)
        product = self.weights * np.prod(z**self.counts, axis=1)
        # Dividing by z_i is exact enough unless z_i is (almost) 0.
        out = (product @ self.counts) / np.maximum(z, _TINY)
        for i in np.flatnonzero(z < _TINY):
            out[i] = self.means[i] * self.excess(int(i)).generating(z) if self.means[i] > 0.0 else 0.0
        return out

    def excess(self, k: int) -> JointDegreeDistribution:
        """Edge perspective: the other degrees of a node that was reached along an edge of class k.

        A node of degree vector n is reached with probability n_k p(n) / mean_k and has n - e_k other edges;
        Poisson degrees are their own excess [RichardsonUrbanke2008].

        Args:
            k: Class of the edge, 0 … K-1.

        Returns:
            The distribution of the other degrees over the same classes.

        Raises:
            AnalysisError: There is no edge of class k.

        >>> JointDegreeDistribution.empirical([[1], [3]]).excess(0).weights.tolist()  # 0 or 2 others, as 1 to 3
        [0.25, 0.75]
        """
        if self.poisson_means is not None:
            return self
        if self.means[k] <= 0.0:
            raise AnalysisError(f"no edge leads to class {k}, so there is no excess degree")
        if k in self._excess:
            return self._excess[k]
        reached = self.counts[:, k] > 0
        counts = self.counts[reached].copy()
        weights = self.weights[reached] * counts[:, k]
        counts[:, k] -= 1
        excess = JointDegreeDistribution(counts, weights / weights.sum())
        if counts.size <= _KEEP_BELOW:
            self._excess[k] = excess
        return excess

    def thinned(self, share: float) -> JointDegreeDistribution:
        """The degrees after every edge is kept independently with probability `share`; Poisson stays Poisson.

        L(1 - share (1 - z)) [RichardsonUrbanke2008]. A table of several classes is thinned where its generating
        function is used; this method takes Poisson degrees or K = 1.

        Args:
            share: Probability in 0-1.

        Returns:
            The thinned distribution over the same classes.

        Raises:
            AnalysisError: A share outside 0-1, or a table of several classes.

        >>> JointDegreeDistribution.empirical([[2]]).thinned(0.5).weights.round(6).tolist()  # Binomial(2, 1/2)
        [0.25, 0.5, 0.25]
        """
        if not 0.0 <= share <= 1.0:
            raise AnalysisError(f"a share must be from 0 to 1, not {share:g}")
        if self.poisson_means is not None:
            return JointDegreeDistribution.poisson(share * self.poisson_means)
        if self.n_classes != 1:
            raise AnalysisError("only the degrees of a single class can be thinned")
        largest = int(self.counts.max())
        # More than this is left of no degree, in double precision.
        top = min(largest, int(share * largest + 12.0 * np.sqrt(share * largest) + 40.0))
        terms = _binomial_terms(self.counts[:, 0], np.asarray(1.0 - share), np.asarray(share), top)
        weights = self.weights @ terms
        return JointDegreeDistribution(np.arange(top + 1)[:, None], weights / weights.sum())

    def novel_counts(self, keep: npt.ArrayLike, novel: npt.ArrayLike) -> CountSeries:
        """The series Σ_u w_u Π_i (keep_i + novel_i t)^{n_ui}; arguments of shape (..., K)."""
        return CountSeries(self, np.asarray(keep, dtype=np.float64), np.asarray(novel, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class DegreeDistribution:
    """Distribution of the degree of a text or skill, from the node's perspective.

    Attributes:
        joint: The same with K = 1 class, which is what the recursions work on.
    """

    joint: JointDegreeDistribution

    def __post_init__(self) -> None:
        if self.joint.n_classes != 1:
            raise AnalysisError("a degree distribution has one class; several are a JointDegreeDistribution")

    @classmethod
    def poisson(cls, mean: float) -> DegreeDistribution:
        """Poisson(mean), in closed form and not cut off: L(x) = exp(-mean (1 - x)) [LCH2025].

        Args:
            mean: Mean degree, ≥ 0.

        Returns:
            The distribution.

        Raises:
            AnalysisError: The mean is negative or infinite.

        >>> float(DegreeDistribution.poisson(2.0).generating(0.5).round(4))  # exp(-1)
        0.3679
        """
        return cls(JointDegreeDistribution.poisson([mean]))

    @classmethod
    def regular(cls, k: int) -> DegreeDistribution:
        """Every degree is k: L(x) = x^k [RichardsonUrbanke2008].

        Args:
            k: Whole number from 0.

        Returns:
            The distribution with one degree.

        Raises:
            AnalysisError: k is negative or not whole.

        >>> DegreeDistribution.regular(3).edge(0.5).item()
        0.25
        """
        if int(k) != k or k < 0:
            raise AnalysisError(f"a regular degree must be a whole number of at least 0, not {k}")
        return cls.from_pmf([int(k)], [1.0])

    @classmethod
    def empirical(cls, degrees: npt.ArrayLike) -> DegreeDistribution:
        """Measured degrees: p_k = share of the nodes of degree k [RichardsonUrbanke2008].

        Args:
            degrees: One a node, integers (N,), from 0 on.

        Returns:
            The distribution of the distinct degrees, ascending.

        Raises:
            AnalysisError: No degrees, another number of dimensions, or numbers that are negative or not integers.

        >>> DegreeDistribution.empirical([1, 1, 4]).mean
        2.0
        """
        degrees = np.asarray(degrees)
        if degrees.ndim != 1:
            raise AnalysisError("measured degrees must be a list of numbers, one per node")
        return cls(JointDegreeDistribution.empirical(degrees[:, None]))

    @classmethod
    def from_pmf(cls, degrees: npt.ArrayLike, pmf: npt.ArrayLike) -> DegreeDistribution:
        """Degrees with their probabilities: L(x) = Σ_k p_k x^k [RichardsonUrbanke2008].

        Args:
            degrees: Whole numbers from 0, shape (U,).
            pmf: Their probabilities, float64 (U,), which sum to 1.

        Returns:
            The distribution.

        Raises:
            AnalysisError: Degrees that are no list of whole numbers from 0, or probabilities of another shape, below
                0 or with another sum.

        >>> DegreeDistribution.from_pmf([1, 3], [0.5, 0.5]).mean
        2.0
        """
        counts = np.asarray(degrees)
        if counts.ndim != 1 or not np.array_equal(counts, np.floor(counts)):
            raise AnalysisError("degrees must be a list of whole numbers")
        return cls(JointDegreeDistribution(counts[:, None].astype(np.int64), np.asarray(pmf, dtype=np.float64)))

    @property
    def poisson_mean(self) -> float | None:
        """The mean if the distribution is Poisson, otherwise None."""
        means = self.joint.poisson_means
        return None if means is None else float(means[0])

    @property
    def mean(self) -> float:
        """Mean degree, L'(1)."""
        return float(self.joint.means[0])

    @property
    def degrees(self) -> Ints:
        """Distinct degrees, shape (U,), int64; for Poisson those that matter in double precision."""
        mean = self.poisson_mean
        if mean is None:
            return self.joint.counts[:, 0]
        return np.arange(int(mean + 12.0 * np.sqrt(mean) + 40.0), dtype=np.int64)

    @property
    def pmf(self) -> Floats:
        """Probabilities of `degrees`, shape (U,), float64."""
        mean = self.poisson_mean
        if mean is None:
            return self.joint.weights
        n = self.degrees
        return np.exp(xlogy(n, mean) - mean - log_factorial(n))

    def generating(self, x: npt.ArrayLike) -> Floats:
        """L(x) = Σ_k p_k x^k, shape of `x`."""
        return self.joint.generating(np.asarray(x, dtype=np.float64)[..., None])

    def generating_derivative(self, x: npt.ArrayLike) -> Floats:
        """L'(x) = L'(1) λ(x), shape of `x`; L'(1) is the mean degree."""
        return self.mean * self.edge(x)

    def edge(self, x: npt.ArrayLike) -> Floats:
        """Edge perspective λ(x) = L'(x) / L'(1) [RichardsonUrbanke2008], shape of `x`."""
        return self.excess().generating(x)

    def edge_derivative(self, x: npt.ArrayLike) -> Floats:
        """λ'(x), shape of `x`; λ'(1) is the mean excess degree."""
        excess = self.excess()
        return excess.generating_derivative(x) if excess.mean > 0.0 else np.zeros(np.shape(x))

    def excess(self) -> DegreeDistribution:
        """The number of other edges of a node reached along an edge."""
        return DegreeDistribution(self.joint.excess(0))

    def thinned(self, share: float) -> DegreeDistribution:
        """The degrees after every edge is kept with probability `share`: L(1 - share (1 - x)) [RichardsonUrbanke2008].

        Args:
            share: Probability in 0-1.

        Returns:
            The thinned distribution.

        Raises:
            AnalysisError: A share outside 0-1.

        >>> DegreeDistribution.regular(1).thinned(0.25).pmf.tolist()
        [0.75, 0.25]
        """
        return DegreeDistribution(self.joint.thinned(share))
