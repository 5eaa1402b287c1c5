"""Learners: the rule by which a text teaches its novel skills.

A learner is described by the tail of its capacity, ψ(n) = P(capacity ≥ n): a text teaches all its novel skills
once there are at most as many as its capacity. ψ(0) = 1 always, since a text without novel skills is understood.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.special import log_factorial, poisson_cdf, xlogy

__all__ = [
    "DSkillLearner",
    "Learner",
    "NovelBox",
    "NovelCounts",
    "OneSkillLearner",
    "PoissonLearner",
    "RandomCapacityLearner",
    "parse_learner",
]

Floats = npt.NDArray[np.float64]


class NovelCounts(Protocol):
    """Distribution of the number of novel skills among the others of a text: P(N = n), perhaps weighted.

    Leading axes, if there are any, are a batch.
    """

    def coefficients(self, n_max: int) -> Floats:
        """P(N = n) for n = 0 … n_max, shape (..., n_max + 1)."""
        ...

    def value(self, t: float) -> Floats:
        """Generating function Σ_n P(N = n) tⁿ, shape (...)."""
        ...

    def poisson(self) -> tuple[Floats, Floats] | None:
        """(weight, mean) if N is Poisson, otherwise None."""
        ...


class NovelBox(Protocol):
    """Lower bounds of P(N = n) while the novelty of each class stays inside an interval."""

    def coefficient_floor(self, n_max: int) -> Floats:
        """Lower bound of P(N = n) for n = 0 … n_max, shape (n_max + 1,)."""
        ...

    def value_floor(self, t: float) -> float:
        """Lower bound of Σ_n P(N = n) tⁿ for 0 ≤ t ≤ 1."""
        ...


class Learner(ABC):
    """What density evolution, percolation and peeling need to know of a learner.

    Attributes:
        name: As the command line spells it: `one`, `d:2`, `capacity:0.6`.
    """

    name: str

    @abstractmethod
    def tail(self, n: npt.ArrayLike) -> Floats:
        """Tail of the capacity, ψ(n) = P(capacity ≥ n).

        Args:
            n: Numbers of novel skills, any shape; ψ is 1 for n ≤ 0.

        Returns:
            Probabilities, shape of `n`, float64.

        Raises:
            AnalysisError: The learner is known by its success function only.
        """

    @abstractmethod
    def expected_tail(self, counts: NovelCounts, shift: int) -> Floats:
        """Mean of the tail over a number of novel skills, Σ_n P(N = n) ψ(n + shift).

        Shift 1 is the probability that a tagged novel skill is taught beside N other novel ones, shift 0 that a
        text with N novel skills becomes understood, shift 2 serves derivatives.

        Raises:
            AnalysisError: The learner is known by its success function only, and N is not Poisson.
        """

    @abstractmethod
    def capacity_floor(self, box: NovelBox) -> float:
        """Lower bound of P(capacity = N + 1) inside a box: minus the slope of teaching is at least this."""

    @abstractmethod
    def capacities(self, n_texts: int, rng: np.random.Generator) -> npt.NDArray[np.int32] | int:
        """Capacity of every text for peeling: one number if all are the same, otherwise shape (n_texts,), int32.

        Raises:
            AnalysisError: The learner has no rule per text.
        """

    def success(self, rho: npt.ArrayLike) -> Floats:
        """Success function: a tagged novel skill beside Poisson(ρ) other novel ones is learned [PoissonReceivers2020].

        P_suc(ρ) = Σ_n e^{-ρ} ρⁿ/n! ψ(n+1).

        Args:
            rho: Mean numbers ρ ≥ 0 of other novel skills in the text, any shape.

        Returns:
            Probabilities, shape of `rho`, float64.

        >>> float(DSkillLearner(2).success(1.0).round(4))
        0.7358
        """
        return self.expected_tail(_PoissonCounts(np.asarray(rho, dtype=np.float64)), 1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Learner) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


class _PoissonCounts:
    """N ~ Poisson(ρ)."""

    def __init__(self, rho: Floats) -> None:
        self._rho = rho

    def coefficients(self, n_max: int) -> Floats:
        n = np.arange(n_max + 1)
        rho = self._rho[..., None]
        return np.exp(xlogy(n, rho) - rho - log_factorial(n))

    def value(self, t: float) -> Floats:
        return np.exp(-(1.0 - t) * self._rho)

    def poisson(self) -> tuple[Floats, Floats]:
        return np.ones_like(self._rho), self._rho


class _TableLearner(Learner):
    """A capacity with finitely many values: ψ(1) … ψ(M), and 0 beyond."""

    def __init__(self, name: str, psi: Floats) -> None:
        self.name = name
        self._psi = np.concatenate([[1.0], psi, [0.0]])
        self._psi.setflags(write=False)

    def tail(self, n: npt.ArrayLike) -> Floats:
        return self._psi[np.clip(np.asarray(n, dtype=np.int64), 0, self._psi.size - 1)]

    def expected_tail(self, counts: NovelCounts, shift: int) -> Floats:
        psi = self._psi[shift:-1]
        if psi.size == 0:
            return np.zeros_like(counts.value(0.0))
        return counts.coefficients(psi.size - 1) @ psi

    def capacity_floor(self, box: NovelBox) -> float:
        mass = self._psi[1:-1] - self._psi[2:]
        return float(box.coefficient_floor(mass.size - 1) @ mass)

    def capacities(self, n_texts: int, rng: np.random.Generator) -> npt.NDArray[np.int32] | int:
        # P(capacity > n) = ψ(n + 1): the number of tail values above a uniform number.
        return np.searchsorted(-self._psi[1:-1], -rng.random(n_texts), side="left").astype(np.int32)


class DSkillLearner(_TableLearner):
    """Learns all novel skills of a text that has at most D (multi-packet reception): ψ(n) = 1 for n ≤ D.

    P_suc(ρ) = P(Poisson(ρ) ≤ D-1) [LCH2025].

    >>> DSkillLearner(2).tail([1, 2, 3]).tolist()
    [1.0, 1.0, 0.0]
    """

    def __init__(self, d: int) -> None:
        if isinstance(d, bool) or int(d) != d or not 1 <= d <= 10_000:
            raise AnalysisError(f"a D-skill learner needs a whole number D from 1 to 10000, not {d}")
        self.d = int(d)
        super().__init__(f"d:{self.d}", np.ones(self.d))

    def success(self, rho: npt.ArrayLike) -> Floats:
        """P(Poisson(ρ) ≤ D-1), shape of `rho`."""
        return poisson_cdf(self.d - 1, rho)

    def capacities(self, n_texts: int, rng: np.random.Generator) -> int:
        """D: the same for every text."""
        return self.d


class OneSkillLearner(DSkillLearner):
    """Learns the only novel skill of a text (the peeling decoder of an erasure code): P_suc(ρ) = e^{-ρ} [LCH2025].

    >>> float(OneSkillLearner().success(0.0))
    1.0
    """

    def __init__(self) -> None:
        super().__init__(1)
        self.name = "one"

    def success(self, rho: npt.ArrayLike) -> Floats:
        """e^{-ρ}, shape of `rho`."""
        return np.exp(-np.asarray(rho, dtype=np.float64))


class _GeometricLearner(Learner):
    """P(capacity ≥ n) = a^{n-1}: sums over n are values of generating functions, so nothing is cut off."""

    def __init__(self, a: float) -> None:
        self.a = a
        self.name = f"capacity:{a!r}"

    def tail(self, n: npt.ArrayLike) -> Floats:
        return np.power(self.a, np.maximum(np.asarray(n, dtype=np.float64) - 1.0, 0.0))

    def expected_tail(self, counts: NovelCounts, shift: int) -> Floats:
        if shift >= 1:
            return self.a ** (shift - 1) * counts.value(self.a)
        return (counts.value(self.a) - (1.0 - self.a) * counts.value(0.0)) / self.a

    def capacity_floor(self, box: NovelBox) -> float:
        return (1.0 - self.a) * box.value_floor(self.a)

    def capacities(self, n_texts: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        return np.minimum(rng.geometric(1.0 - self.a, size=n_texts), 2**31 - 1).astype(np.int32)


class RandomCapacityLearner(Learner):
    """Each text has a random capacity with tail ψ, and teaches all its novel skills once they are at most that many.

    Args:
        a: Geometric capacity, ψ(n) = a^{n-1}, 0 < a < 1.
        psi: Any capacity: ψ(1), ψ(2), … up to the last that is not 0; in [0, 1], none larger than the one before.

    Raises:
        AnalysisError: Not exactly one of the two is given, or it is outside its range.

    >>> RandomCapacityLearner(psi=[1.0, 0.25]).tail([1, 2, 3]).tolist()
    [1.0, 0.25, 0.0]
    """

    def __init__(self, a: float | None = None, *, psi: Sequence[float] | Floats | None = None) -> None:
        self._rule: Learner
        if (a is None) == (psi is None):
            raise AnalysisError("a random-capacity learner needs either a or psi")
        if a is not None:
            if not 0.0 < a < 1.0:
                raise AnalysisError(f"the capacity's a must lie between 0 and 1 (a = 0 is the learner 'one'), not {a}")
            self._rule = _GeometricLearner(float(a))
        else:
            values = np.asarray(psi, dtype=np.float64)
            good = values.ndim == 1 and values.size > 0 and bool(np.all((values >= 0.0) & (values <= 1.0)))
            if not good or bool(np.any(np.diff(values) > 0.0)):
                raise AnalysisError("psi must be a list of probabilities that never increase")
            values = values[: max(int(np.count_nonzero(values)), 1)]
            self._rule = _TableLearner("capacity:" + ",".join(map(repr, [*values.tolist(), 0.0])), values)
        self.name = self._rule.name

    def tail(self, n: npt.ArrayLike) -> Floats:
        """ψ(n), shape of `n`."""
        return self._rule.tail(n)

    def expected_tail(self, counts: NovelCounts, shift: int) -> Floats:
        """Σ_n P(N = n) ψ(n + shift)."""
        return self._rule.expected_tail(counts, shift)

    def capacity_floor(self, box: NovelBox) -> float:
        """Lower bound of P(capacity = N + 1) inside a box."""
        return self._rule.capacity_floor(box)

    def capacities(self, n_texts: int, rng: np.random.Generator) -> npt.NDArray[np.int32] | int:
        """A capacity drawn for every text, shape (n_texts,), int32."""
        return self._rule.capacities(n_texts, rng)


class PoissonLearner(Learner):
    """A learner known only by its success function P_suc(ρ), for texts with a Poisson number of skills.

    Args:
        success: Vectorised, non-increasing function of ρ ≥ 0 with values in [0, 1] [PoissonReceivers2020].
        name: What results call it.

    Raises:
        AnalysisError: The function leaves [0, 1] or increases.

    >>> float(PoissonLearner(lambda rho: np.exp(-rho)).success(0.0))
    1.0
    """

    def __init__(self, success: Callable[[Floats], Floats], name: str = "poisson") -> None:
        probe = np.asarray(success(np.linspace(0.0, 30.0, 301)), dtype=np.float64)
        if probe.shape != (301,) or not np.all((probe >= 0.0) & (probe <= 1.0)) or np.any(np.diff(probe) > 1e-12):
            raise AnalysisError("a success function must return a probability for each rho and never increase")
        self._success = success
        self.name = name

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def tail(self, n: npt.ArrayLike) -> Floats:
        """Not known: ψ cannot be had from P_suc alone here.

        Args:
            n: Not looked at.

        Raises:
            AnalysisError: Always.
        """
        raise AnalysisError(f"the learner {self.name!r} is known by its success function only; it has no capacity")

    def success(self, rho: npt.ArrayLike) -> Floats:
        """P_suc(ρ), shape of `rho`."""
        return np.asarray(self._success(np.asarray(rho, dtype=np.float64)), dtype=np.float64)

    def expected_tail(self, counts: NovelCounts, shift: int) -> Floats:
        """Weight times P_suc(ρ) for shift 1, weight times P_suc + P_suc' for shift 2 [PoissonReceivers2020].

        Args:
            counts: A Poisson number of novel skills, mean ρ.
            shift: 1 or 2.

        Returns:
            Probabilities times the weight, float64, shape of ρ.

        Raises:
            AnalysisError: The number of novel skills is not Poisson, or another shift.
        """
        poisson = counts.poisson()
        if poisson is None:
            raise AnalysisError(
                f"the learner {self.name!r} is known by its success function only, "
                "which needs texts with a Poisson number of skills"
            )
        if shift not in (1, 2):
            self.tail(0)
        weight, rho = poisson
        value = self.success(rho)
        if shift == 2:
            # d/dρ E ψ(N+1) = E ψ(N+2) - E ψ(N+1) for Poisson N; central where ρ allows it.
            step = 1e-5 * (1.0 + rho)
            low = np.maximum(rho - step, 0.0)
            value = value + (self.success(rho + step) - self.success(low)) / (rho + step - low)
        return weight * value

    def capacity_floor(self, box: NovelBox) -> float:
        """0: all that is known of the slope."""
        return 0.0

    def capacities(self, n_texts: int, rng: np.random.Generator) -> npt.NDArray[np.int32] | int:
        """Not known: the learner has no rule per text.

        Args:
            n_texts: Not looked at.
            rng: Not looked at.

        Raises:
            AnalysisError: Always.
        """
        raise AnalysisError(f"the learner {self.name!r} has no rule for single texts; use 'one', 'd:D' or 'capacity:A'")


def parse_learner(text: str) -> Learner:
    """The learner that the command line names, one of those of [LCH2025].

    Args:
        text: `one`, `d:D` (D a whole number from 1), `capacity:A` (geometric, 0 < A < 1) or
            `capacity:ψ(1),ψ(2),…` (at least two values).

    Returns:
        The learner; its `name` is read as the same learner.

    Raises:
        AnalysisError: Anything else.

    >>> parse_learner("d:2").name
    'd:2'
    """
    kind, _, value = text.strip().partition(":")
    learner = _KINDS[kind](value) if kind in _KINDS else None
    if learner is None:
        hint = "write 'one', 'd:2' (at most 2 novel skills per text) or 'capacity:0.6' (geometric capacity)"
        raise AnalysisError(f"there is no learner {text!r}: {hint}")
    return learner


def _one(value: str) -> Learner | None:
    return None if value else OneSkillLearner()


def _d(value: str) -> Learner | None:
    return DSkillLearner(int(value)) if value.isascii() and value.isdigit() else None


def _capacity(value: str) -> Learner | None:
    try:
        numbers = [float(item) for item in value.split(",")]
    except ValueError:
        return None
    if not all(map(math.isfinite, numbers)):
        return None
    return RandomCapacityLearner(numbers[0]) if len(numbers) == 1 else RandomCapacityLearner(psi=numbers)


# What stands before the colon, and what makes a learner of the rest; None if it is none.
_KINDS: dict[str, Callable[[str], Learner | None]] = {"one": _one, "d": _d, "capacity": _capacity}
