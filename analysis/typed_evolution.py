"""Density evolution of typed ensembles: what a random graph that keeps every text's mix of types would learn.

With the edge types m = (j, k) of `analysis.typed` the messages are

    y_m = Σ_t n_tm E ψ(N_t + 1) / E_m,    N_t = novel skills among the others of text t, each end of m' novel with x_m'
    x_m = prior_k (1 - (1 - λ_m(1 - σ y)) A_k),        q_k = prior_k (1 - (1 - L_k(1 - σ y)) A_k)

σ the share of the texts that is there, E_m the number of edges of type m, A_k the probability that all prerequisites
are learned. Both sums run over kinds of texts and skills, O(edges) a wave. Skills that earlier stages of training could
not teach, because they waited for prerequisites, need a text of a later stage: `TypedPrerequisites` knows the earlier
stages, and has the sum that takes the place of the second line. Derived in docs/theory.md, section 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.learners import Learner, OneSkillLearner, PoissonLearner
from analysis.recursion import prior_of_classes
from analysis.typed import Kinds, TypedEnsemble

__all__ = [
    "EarlierStage",
    "TypedEvolution",
    "TypedPrerequisites",
    "TypedRecursion",
    "evolve_typed",
    "largest_eigenvalue",
    "seed_needed",
    "seeded_branch",
    "typed_jump",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ONE = OneSkillLearner()
_PATIENCE = 20
"""This many waves are computed before the remainder is estimated from how fast changes shrink."""


@dataclass(frozen=True, eq=False)
class EarlierStage:
    """What a stage of training left, for the stages after it.

    Attributes:
        taught: y_m of the texts that it read, float64 (M,); 0 for those that it did not read.
        unlearned: q_k at its end, float64 (K,).
    """

    taught: Floats
    unlearned: Floats


@dataclass(frozen=True, eq=False)
class TypedPrerequisites:
    """How many skills of each type must be learned before a skill of a type can be.

    With one stage, A_k is the mean over the type's skills of Π_i (1 - q_i)^(number of prerequisites of type i).

    With several, a skill is learned at stage r if one of its texts teaches it there and its prerequisites of that stage
    are learned by then. Let a_r say that they are. What the texts teach is independent of it, so with F_α the
    probability that no text of the stages in α teaches (λ_m or L_k at these texts' 1 - y),

        P(novel) = Σ_α P(a = α) F_α,     P(a = α) = Σ_(R ⊇ α) (-1)^|R - α| A_R

    over sets α of stages, where A_R is the probability that a_r holds for all r in R: a prerequisite must be learned by
    the first stage in R at which it is one. Derived in docs/theory.md, section 9.

    Attributes:
        needs: One row a skill; labels are types, and what `Kinds.edge` counts are k + K · the stage from which on a
            skill of type k must be learned first.
        sizes: Number of skills of each type, float64 (K,).
        earlier: The stages before this one, first to last.
    """

    needs: Kinds
    sizes: Floats
    earlier: tuple[EarlierStage, ...] = ()

    @classmethod
    def from_pairs(
        cls,
        before: npt.NDArray[np.integer],
        after: npt.NDArray[np.integer],
        types: npt.NDArray[np.integer],
        *,
        since: npt.NDArray[np.integer] | None = None,
        earlier: Sequence[EarlierStage] = (),
    ) -> TypedPrerequisites:
        """From pairs of skills, `before` to be learned before `after`.

        Args:
            before: Skills, (P,).
            after: Skills, (P,).
            types: Type of every skill, (S,).
            since: Number of the stage from which on each pair holds, (P,); 0, the first, if left out.
            earlier: The stages before this one.
        """
        order = np.argsort(after, kind="stable")
        label = np.asarray(types, dtype=np.int32)
        sizes = np.bincount(label).astype(np.float64)
        stage = np.zeros(len(order), np.int64) if since is None else np.asarray(since)[order]
        entries = label[np.asarray(before)[order]] + len(sizes) * stage
        return cls(Kinds.of_rows(np.asarray(after)[order], entries, label), sizes, tuple(earlier))

    def met(self, unlearned: Floats) -> Floats:
        """A_k for unlearned fractions q_k at the end of this stage, float64 (K,)."""
        return self._all_met(unlearned, (len(self.earlier),))

    def waits(self, unlearned: Floats) -> list[tuple[frozenset[int], Floats]]:
        """Sets α of stages at which all prerequisites were learned, each with P(a = α), float64 (K,), by type.

        Args:
            unlearned: q_k at the end of this stage, float64 (K,).
        """
        n = len(self.earlier) + 1
        sets = [frozenset(r for r in range(n) if bits >> r & 1) for bits in range(1 << n)]
        together = {R: self._all_met(unlearned, tuple(sorted(R))) for R in sets}
        found = []
        for alpha in sets:
            share = sum((-1.0) ** len(R - alpha) * together[R] for R in sets if alpha <= R)
            if np.any(np.abs(share) > 1e-15):
                found.append((alpha, np.asarray(share)))
        return found

    def _all_met(self, unlearned: Floats, stages: tuple[int, ...]) -> Floats:
        K = len(self.sizes)
        learned = [1.0 - stage.unlearned for stage in self.earlier] + [1.0 - unlearned]
        factor = np.ones(max(int(self.needs.edge.max(initial=-1)) + 1, (len(self.earlier) + 1) * K))
        for since in range(len(factor) // K):
            counted = [r for r in stages if r >= since]
            if counted:
                factor[since * K : (since + 1) * K] = learned[counted[0]]
        rows = _row_products(self.needs, factor)
        return np.bincount(self.needs.label, self.needs.weight * rows, minlength=K) / self.sizes


@dataclass(frozen=True, eq=False)
class TypedRecursion:
    """One wave of learning on a typed ensemble.

    Attributes:
        ensemble: Kinds of texts and skills.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand, float64 (K,).
        prerequisites: What must be learned first; None if nothing.
        share: σ, the share of the texts read now that is there: in 0-1 a random share, above 1 so many times as many
            texts of the same kinds, with each skill in so many times as many of them (whole times, and once more with
            the chance that is left).
        taught: Messages y_m of texts that were read earlier, float64 (M,), nan where texts are read now; None if all
            are read now.
        closed: Types of skills that the texts read now cannot teach, bool (K,); None if they can teach all.
    """

    ensemble: TypedEnsemble
    learner: Learner = _ONE
    prior: Floats = field(default_factory=lambda: np.ones(1))
    prerequisites: TypedPrerequisites | None = None
    share: float = 1.0
    taught: Floats | None = None
    closed: Bools | None = None
    _now: Bools = field(init=False)
    _open: Bools = field(init=False)
    _texts: Kinds = field(init=False)

    def __post_init__(self) -> None:
        e = self.ensemble
        if isinstance(self.learner, PoissonLearner):
            raise AnalysisError(
                f"the learner {self.learner.name!r} is known by its success function only, "
                "which needs texts with a Poisson number of skills"
            )
        if not (np.isfinite(self.share) and self.share >= 0.0):
            raise AnalysisError(f"the share of the texts is {self.share:g}; it must be a number of at least 0")
        now = np.ones(e.n_edge_types, dtype=bool) if self.taught is None else np.isnan(self.taught)
        is_open = np.ones(e.n_types, dtype=bool) if self.closed is None else ~self.closed
        texts = e.texts
        if not now.all():
            read = np.zeros(e.n_text_classes, dtype=bool)
            read[e.edge_class[now]] = True
            texts = _without(texts, ~read[texts.label])
        object.__setattr__(self, "prior", prior_of_classes(self.prior, e.n_types))
        object.__setattr__(self, "_now", now & is_open[e.edge_type])
        object.__setattr__(self, "_open", is_open[e.edge_type])
        object.__setattr__(self, "_texts", texts)

    @property
    def read(self) -> Bools:
        """Text classes that are read now, bool (J,)."""
        if self.taught is None:
            return np.ones(self.ensemble.n_text_classes, dtype=bool)
        read = np.zeros(self.ensemble.n_text_classes, dtype=bool)
        read[self.ensemble.edge_class[np.isnan(self.taught)]] = True
        return read

    def start(self) -> tuple[Floats, Floats]:
        """(x, q) before the texts are read, shapes (M,) and (K,): what earlier texts and the prior leave."""
        taught = np.zeros(self.ensemble.n_edge_types) if self.taught is None else np.nan_to_num(self.taught, nan=0.0)
        unlearned = np.ones(self.ensemble.n_types)
        if self.prerequisites is not None and self.prerequisites.earlier:
            unlearned = self.prerequisites.earlier[-1].unlearned
        return self.skills(taught, self.prior * unlearned)

    def texts(self, novel: Floats) -> Floats:
        """y_m, the probability that a text teaches along an edge of type m, float64 (M,), for x_m."""
        sums = others_of_texts(self.learner, self._texts, 1.0 - novel, np.where(self._open, novel, 0.0), 1)
        old = np.zeros(self.ensemble.n_edge_types) if self.taught is None else np.nan_to_num(self.taught, nan=0.0)
        return np.where(self._now, _ratio(sums, self.ensemble.ends), old)

    def skills(self, taught: Floats, unlearned: Floats) -> tuple[Floats, Floats]:
        """(x, q), shapes (M,) and (K,), for messages y_m and the unlearned fractions of the wave before."""
        now = np.ones(len(taught), dtype=bool) if self.taught is None else np.isnan(self.taught)
        prior, k = self.prior, self.ensemble.edge_type
        if self.prerequisites is None or not self.prerequisites.earlier:
            edge, node = self._missed(taught, now)
            if self.prerequisites is None:
                return prior[k] * edge, prior * node
            met = self.prerequisites.met(unlearned)
            return prior[k] * (1.0 - (1.0 - edge) * met[k]), prior * (1.0 - (1.0 - node) * met)
        stages = [stage.taught for stage in self.prerequisites.earlier]
        last = len(stages)
        stages.append(np.where(now, taught, 0.0))
        novel, never = np.zeros(len(taught)), np.zeros(len(prior))
        for alpha, share in self.prerequisites.waits(unlearned):
            teach = np.max([stages[r] for r in sorted(alpha)], axis=0) if alpha else np.zeros(len(taught))
            edge, node = self._missed(teach, now & (last in alpha))
            novel, never = novel + share[k] * edge, never + share * node
        return prior[k] * novel, prior * never

    def _missed(self, taught: Floats, scaled: Bools) -> tuple[Floats, Floats]:
        """(λ, L) of texts that teach with probability y, σ times as many of them on the edges that are `scaled`.

        Each of a skill's texts is there w times and once more with probability φ, σ = w + φ: none teaches with
        probability h(u) = u^w (1 - φ + φ u), u = 1 - y, and along an edge, which is one of them, h'(u) / h'(1).
        """
        if self.ensemble.rates is not None or self.share <= 1.0:
            return self.missed(1.0 - np.where(scaled, self.share, 1.0) * taught)
        u, w = 1.0 - taught, np.floor(self.share)
        part = self.share - w
        edge, node = self.missed(np.where(scaled, u**w * (1.0 - part + part * u), u))
        others = (w * u ** (w - 1.0) * (1.0 - part + part * u) + part * u**w) / self.share
        return edge * np.where(scaled, others, 1.0), node

    def missed(self, z: Floats) -> tuple[Floats, Floats]:
        """(λ_m(z), L_k(z)), shapes (M,) and (K,)."""
        e = self.ensemble
        if e.rates is not None:
            node = np.exp(-np.bincount(e.edge_type, e.rates * (1.0 - z), minlength=e.n_types))
            return node[e.edge_type], node
        rows = _row_products(e.skills, z)
        node = np.bincount(e.skills.label, e.skills.weight * rows, minlength=e.n_types) / e.sizes
        return _ratio(_others_product(e.skills, z), e.ends), node

    def step(self, novel: Floats, unlearned: Floats) -> tuple[Floats, Floats]:
        """(x, q) after one more wave."""
        return self.skills(self.texts(novel), unlearned)


@dataclass(frozen=True, eq=False)
class TypedEvolution:
    """Result of density evolution on a typed ensemble; all numbers are fractions or probabilities in 0-1.

    Attributes:
        unlearned: q, the fraction of all skills that is never learned.
        learned: 1 - q.
        testing_error: Probability that a fresh text, of the kinds that are read, is not understood.
        understood: Fraction of the texts that are read that end up understood.
        unlearned_by_type: q_k, shape (K,).
        testing_error_by_kind: For each kind of texts, shape (N,).
        understood_by_kind: For each kind of texts, shape (N,).
        trajectory: Unlearned fraction after wave 0, 1, 2 …; wave 0 is what was known.
        converged: True if the estimated distance to the fixed point is within the tolerance.
        iterations: Number of waves.
        novel: x_m, shape (M,).
        taught: y_m, shape (M,).
    """

    unlearned: float
    learned: float
    testing_error: float
    understood: float
    unlearned_by_type: Floats
    testing_error_by_kind: Floats
    understood_by_kind: Floats
    trajectory: Floats
    converged: bool
    iterations: int
    novel: Floats
    taught: Floats


def evolve_typed(
    ensemble: TypedEnsemble,
    learner: Learner = _ONE,
    *,
    prior: float | Sequence[float] | Floats = 1.0,
    prerequisites: TypedPrerequisites | None = None,
    share: float = 1.0,
    taught: Floats | None = None,
    closed: Bools | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 10_000,
) -> TypedEvolution:
    """Density evolution of a typed ensemble from the first wave on: the unseeded branch.

    Args:
        ensemble: Kinds of texts and skills.
        learner: `one`, `d:D` or any capacity.
        prior: Probability that a skill is not known beforehand; one number or one a type, shape (K,).
        prerequisites: What must be learned first.
        share: As for `TypedRecursion`.
        taught: As for `TypedRecursion`.
        closed: As for `TypedRecursion`.
        tolerance: On the unlearned fraction, by the estimated sum of all further changes.
        max_iterations: Waves after which it stops anyway; near a threshold changes are tiny for long.

    Returns:
        The fixed point and the waves that lead to it.

    Raises:
        AnalysisError: A prior outside 0-1, a negative share, or a learner without a rule a text.

    >>> kinds = TypedEnsemble.from_kinds([[1, 0], [2, 1], [0, 3]], [0.2, 0.5, 0.3], [0.6, 0.4], 1.0)
    >>> evolve_typed(kinds).unlearned_by_type.round(4).tolist()
    [0.2082, 0.0635]
    """
    recursion = TypedRecursion(
        ensemble, learner, np.asarray(prior, dtype=np.float64), prerequisites, share, taught, closed
    )
    return _descend(recursion, *recursion.start(), tolerance, max_iterations)


def _descend(
    recursion: TypedRecursion, novel: Floats, unlearned: Floats, tolerance: float, max_iterations: int
) -> TypedEvolution:
    from analysis._kernels.typed import change_of

    e = recursion.ensemble
    alpha, weight = e.alpha, e.ends / max(float(e.ends.sum()), 1e-300)
    nothing = np.zeros(len(alpha))
    trajectory = [change_of(nothing, unlearned, alpha)]
    before, converged = np.inf, False
    for wave in range(max_iterations):
        next_novel, next_unlearned = recursion.step(novel, unlearned)
        change = change_of(novel, next_novel, weight) + change_of(unlearned, next_unlearned, alpha)
        novel, unlearned = next_novel, next_unlearned
        trajectory.append(change_of(nothing, unlearned, alpha))
        rate = change / before if before > 0.0 else 0.0
        before = change
        if change <= 1e-15 or (wave >= _PATIENCE and rate < 1.0 and change * rate / (1.0 - rate) <= tolerance):
            converged = True
            break
    q = change_of(nothing, unlearned, alpha)
    errors, understood = _outcomes(recursion, novel)
    read = recursion.read[e.texts.label] * e.texts.weight
    read = read / max(float(read.sum()), 1e-300)
    return TypedEvolution(
        unlearned=q,
        learned=1.0 - q,
        testing_error=float(errors @ read),
        understood=float(understood @ read),
        unlearned_by_type=unlearned,
        testing_error_by_kind=errors,
        understood_by_kind=understood,
        trajectory=np.array(trajectory),
        converged=converged,
        iterations=len(trajectory) - 1,
        novel=novel,
        taught=recursion.texts(novel),
    )


def _outcomes(recursion: TypedRecursion, novel: Floats) -> tuple[Floats, Floats]:
    """Testing error, and probability of being understood in the end, of each kind of texts, shapes (N,)."""
    texts = recursion.ensemble.texts
    none_novel = _row_products(texts, 1.0 - novel)
    ends = whole_texts(recursion.learner, texts, 1.0 - novel, np.where(recursion._open, novel, 0.0), 0)
    return 1.0 - none_novel, np.where(recursion.read[texts.label], ends, none_novel)


def largest_eigenvalue(
    recursion: TypedRecursion, novel: Floats, unlearned: Floats, *, tolerance: float = 1e-6, max_iterations: int = 1_000
) -> tuple[float, Floats]:
    """Largest eigenvalue of one wave's Jacobian at a state, and its direction in x: above 1 the state is not stable.

    Power iteration on the map itself, shifted by the identity so that alternating directions do not disturb it; the
    Jacobian has no negative entries (Perron and Frobenius).

    Args:
        recursion: The map.
        novel: x, shape (M,).
        unlearned: q, shape (K,).
        tolerance: Of the eigenvalue.
        max_iterations: Steps after which the value so far is returned.

    Returns:
        The eigenvalue and its eigenvector, float64 (M,), largest entry 1 (zero if nothing depends on anything).

    >>> kinds = TypedEnsemble.from_kinds([[2]], [1.0], [1.0], 1.0)  # every text 2 skills, each skill 2 texts on average
    >>> recursion = TypedRecursion(kinds)
    >>> round(largest_eigenvalue(recursion, np.ones(1), np.ones(1))[0], 4)
    2.0
    """
    step = 1e-7
    base, base_q = recursion.step(novel, unlearned)
    direction, direction_q = np.ones(len(novel)), np.ones(len(unlearned))
    value = 0.0
    for _ in range(max_iterations):
        moved, moved_q = recursion.step(novel - step * direction, unlearned - step * direction_q)
        image = direction + np.maximum((base - moved) / step, 0.0)
        image_q = direction_q + np.maximum((base_q - moved_q) / step, 0.0)
        if recursion.prerequisites is None:
            image_q = np.zeros(len(unlearned))
        size = max(float(image.max(initial=0.0)), float(image_q.max(initial=0.0)))
        if size == 0.0:
            return 0.0, direction
        direction, direction_q = image / size, image_q / size
        if abs(size - 1.0 - value) <= tolerance * size:
            value = size - 1.0
            break
        value = size - 1.0
    return max(value, 0.0), direction


def seeded_branch(
    recursion: TypedRecursion,
    evolution: TypedEvolution,
    *,
    seed: float = 1e-4,
    tolerance: float = 1e-9,
    max_iterations: int = 10_000,
) -> tuple[TypedEvolution, float]:
    """Where learning ends once a few skills are known, and how unstable the branch without them is.

    From an unstable fixed point the state is moved a little along the direction that grows, and learning goes on; this
    is repeated until a stable fixed point is reached. A stable one is returned as it is.

    Args:
        recursion: The map.
        evolution: Its unseeded branch.
        seed: How far the state is moved at most.
        tolerance: As for `evolve_typed`.
        max_iterations: As for `evolve_typed`.

    Returns:
        The seeded branch, and the largest eigenvalue at the unseeded one.

    >>> counts, shares = [[1, 0], [3, 0], [1, 2], [0, 2]], [0.1, 0.4, 0.3, 0.2]
    >>> recursion = TypedRecursion(TypedEnsemble.from_kinds(counts, shares, [0.5, 0.5], 0.9))
    >>> unseeded = evolve_typed(recursion.ensemble)
    >>> seeded, eigenvalue = seeded_branch(recursion, unseeded)
    >>> unseeded.unlearned_by_type.round(4).tolist(), seeded.unlearned_by_type.round(4).tolist(), eigenvalue > 1
    ([0.2394, 1.0], [0.1249, 0.325], True)
    """
    first, found = 0.0, evolution
    for attempt in range(20):
        value, direction = largest_eigenvalue(recursion, found.novel, found.unlearned_by_type)
        first = value if attempt == 0 else first
        if value <= 1.0 + 1e-4:
            break
        start = found.novel - np.minimum(seed * direction, found.novel)
        reached = _descend(recursion, start, found.unlearned_by_type, tolerance, max_iterations)
        if found.unlearned - reached.unlearned < 10.0 * tolerance:
            break
        found = reached
    return found, first


def seed_needed(
    learned_with: Callable[[int, np.random.Generator], float],
    unseeded: float,
    seeded: float,
    n_skills: int,
    *,
    draws: int = 9,
    seed: int = 0,
) -> int | None:
    """How many random known skills make a finite graph leave the unseeded branch in half of the draws.

    Args:
        learned_with: Learned fraction of a graph for a number of known skills that are drawn with the generator.
        unseeded: Learned fraction of the branch without a seed.
        seeded: Learned fraction of the branch with one.
        n_skills: S.
        draws: Draws at each number.
        seed: Of the draws.

    Returns:
        The smallest power of two, refined by bisection, from which on at least half of the draws learn more than
        halfway between the branches; None if no number up to a tenth of the skills does, or the branches agree.

    >>> seed_needed(lambda n, rng: float(n >= 5), 0.0, 1.0, 1_000)
    5
    """
    if seeded - unseeded < 1e-3:
        return None
    halfway = 0.5 * (unseeded + seeded)
    streams = np.random.SeedSequence(seed).spawn(draws)

    def ignites(n: int) -> bool:
        found = [learned_with(n, np.random.default_rng(stream)) > halfway for stream in streams]
        return 2 * sum(found) >= draws

    high = 1
    while not ignites(high):
        high *= 2
        if high > max(n_skills // 10, 1):
            return None
    low = high // 2
    while high - low > max(1, high // 16):
        middle = (low + high) // 2
        low, high = (low, middle) if ignites(middle) else (middle, high)
    return high


def typed_jump(
    learned: Callable[[float], float],
    *,
    points: int = 11,
    smallest: float = 0.02,
    between: tuple[float, float] = (0.0, 1.0),
) -> float | None:
    """Share of the texts at which the learned fraction jumps when texts are added in the proportions there are.

    The step of a grid in which most is gained is halved, and halved again on the side that gains more, down to a width
    of 1/2000: a jump keeps its height, a continuous rise does not.

    Args:
        learned: Learned fraction for a share of the texts, non-decreasing.
        points: Points of the grid.
        smallest: Smallest height of a jump.
        between: Where the grid begins and ends.

    Returns:
        The share, or None where learning grows gradually from the one end to the other.

    >>> typed_jump(lambda share: 0.1 * share + 0.5 * (share > 0.3)), typed_jump(lambda share: share**2)
    (0.3, None)
    """
    grid = np.linspace(*between, points)
    first_value = 0.0 if grid[0] == 0.0 else learned(float(grid[0]))
    values = np.array([first_value, *(learned(float(share)) for share in grid[1:])])
    place = int(np.argmax(np.diff(values)))
    low, high, below, above = float(grid[place]), float(grid[place + 1]), values[place], values[place + 1]
    first = above - below
    while high - low > 5e-4 and above - below > smallest:
        middle = 0.5 * (low + high)
        value = learned(middle)
        if value - below > above - value:
            high, above = middle, value
        else:
            low, below = middle, value
    return round(high, 3) if above - below > max(smallest, 0.4 * first) else None


def others_of_texts(learner: Learner, texts: Kinds, keep: Floats, novel: Floats, shift: int) -> Floats:
    """Σ_t n_tm Σ_n P(N = n) ψ(n + shift) over the others of each end, for weights of learned and novel ends, (M,)."""
    table, a = _table(learner, shift)
    if a is not None:  # a geometric capacity: values of generating functions
        if shift >= 1:
            return np.asarray(a ** (shift - 1) * _others_product(texts, keep + a * novel))
        return (_others_product(texts, keep + a * novel) - (1.0 - a) * _others_product(texts, keep)) / a
    if len(table) == 0:
        return np.zeros(len(keep))
    if len(table) == 1:
        return table[0] * _others_product(texts, keep)
    if len(table) == 2:
        none, one = _others_first_two(texts, keep, novel)
        return np.asarray(table[0] * none + table[1] * one)
    return _others_table(texts, keep, novel, table)


def whole_texts(learner: Learner, texts: Kinds, keep: Floats, novel: Floats, shift: int) -> Floats:
    """Σ_n P(N = n) ψ(n + shift) over all ends of each kind of texts, shape (N,)."""
    table, a = _table(learner, shift)
    if a is not None:
        if shift >= 1:
            return np.asarray(a ** (shift - 1) * _row_products(texts, keep + a * novel))
        return (_row_products(texts, keep + a * novel) - (1.0 - a) * _row_products(texts, keep)) / a
    if len(table) == 0:
        return np.zeros(len(texts.weight))
    if len(table) == 1:
        return table[0] * _row_products(texts, keep)
    from analysis._kernels import typed as kernels

    out = np.zeros(len(texts.weight))
    table = table[: int(texts.ends.max(initial=0)) + 1]
    kernels.row_tables(texts.ptr, texts.edge, texts.count, keep, novel, table, out)
    return out


@lru_cache(maxsize=64)
def _table(learner: Learner, shift: int) -> tuple[Floats, float | None]:
    """ψ(shift), ψ(shift + 1) … up to the last that is not 0; or the a of a geometric capacity."""
    rule = getattr(learner, "_rule", learner)
    a = getattr(rule, "a", None)
    if a is not None:
        return np.empty(0), float(a)
    size = 1
    while learner.tail(size) > 0.0:
        size *= 2
    psi = learner.tail(np.arange(shift, size + 1))
    return psi[: int(np.count_nonzero(psi))], None


def _without(texts: Kinds, dropped: Bools) -> Kinds:
    """The kinds with weight 0 for those that are dropped."""
    return Kinds(texts.ptr, texts.edge, texts.count, np.where(dropped, 0.0, texts.weight), texts.label, texts.of)


def _ratio(sums: Floats, ends: Floats) -> Floats:
    return np.minimum(sums / ends, 1.0)


def _others_product(kinds: Kinds, factor: Floats) -> Floats:
    from analysis._kernels import typed as kernels

    out = np.zeros(len(factor))
    kernels.others_product(kinds.ptr, kinds.edge, kinds.count, kinds.weight, factor, out)
    return out


def _row_products(kinds: Kinds, factor: Floats) -> Floats:
    from analysis._kernels import typed as kernels

    out = np.empty(len(kinds.weight))
    kernels.row_products(kinds.ptr, kinds.edge, kinds.count, factor, out)
    return out


def _others_first_two(texts: Kinds, keep: Floats, novel: Floats) -> tuple[Floats, Floats]:
    from analysis._kernels import typed as kernels

    none, one = np.zeros(len(keep)), np.zeros(len(keep))
    kernels.others_first_two(texts.ptr, texts.edge, texts.count, texts.weight, keep, novel, none, one)
    return none, one


def _others_table(texts: Kinds, keep: Floats, novel: Floats, table: Floats) -> Floats:
    from analysis._kernels import typed as kernels

    longest = int(texts.ends.max(initial=0))
    table = np.ascontiguousarray(table[: max(longest, 1)])
    out, scratch = np.zeros(len(keep)), np.zeros((longest + 1, len(table)))
    kernels.others_table(texts.ptr, texts.edge, texts.count, texts.weight, keep, novel, table, scratch, out)
    return out
