"""Giant component of what a typed ensemble learns in stages: first the base's texts, then one's own, and so on.

No text is read twice, so a skill is learned at one of the stages r = 1 … n, or never. With p_r the probability that it
is not given up to stage r (p_0 = 1), and messages of texts of stage s

    T   the text teaches along the edge, and no other skill of it leads to infinity,
    N   it does not teach, and none leads there, given that the skill is learned by then,
    M   the same, given that the skill is novel when the text is read and learned later,

a skill is learned at stage r, and all its texts lead nowhere, with probability

    G_r = p_(r-1) λ(M on s < r, T + N on s ≥ r) - V_r,    V_r = p_r λ(M on s < r, N on s = r, T + N on s > r).

To a text of stage s it says: learned by then Σ_(r≤s) G_r, novel V_s (it is learned if the text then teaches it),
learned later Σ_(r>s) G_r. With L in place of λ the giant component is (1 - q) - Σ_k α_k Σ_r G_r, the smallest solution.
Derived in docs/theory.md, section 9; with one stage it is `analysis.typed_percolation.typed_giant`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.learners import Learner, OneSkillLearner
from analysis.percolation import AssociationRule
from analysis.typed import Kinds
from analysis.typed_evolution import TypedEvolution, TypedRecursion, others_of_texts, whole_texts

__all__ = ["typed_giant_of_stages", "understood_in_the_end"]

Floats = npt.NDArray[np.float64]

_PATIENCE = 20
_ANY = OneSkillLearner()
"""Its table at shift 1 is [1]: products over all others."""


def typed_giant_of_stages(
    stages: Sequence[tuple[TypedRecursion, TypedEvolution]],
    rule: AssociationRule = "any",
    *,
    tolerance: float = 1e-7,
    max_iterations: int = 5_000,
) -> float:
    """Giant component of the skills learned in stages, as a fraction of all skills.

    Args:
        stages: The map and its fixed point at each stage, first to last: texts of earlier stages teach what they
            taught, those of later ones nothing.
        rule: `any` joins skills by all texts, `understood` only by those all of whose skills are learned in the end.
        tolerance: On the fraction.
        max_iterations: Iterations after which it stops anyway.

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: Another rule; prerequisites or a share of the texts, which the equations do not cover; or texts
            that are read at no stage or at several.

    >>> from analysis.graph import SkillTextGraph
    >>> from analysis.learners import OneSkillLearner
    >>> from analysis.typed import TypedEnsemble
    >>> from analysis.typed_evolution import evolve_typed
    >>> graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2)
    >>> ensemble = TypedEnsemble.from_graph(graph, np.array([0, 1]), text_class=np.array([0, 1]))
    >>> stages, taught = [], np.where(ensemble.edge_class == 0, np.nan, 0.0)
    >>> for _ in range(2):
    ...     recursion = TypedRecursion(ensemble, OneSkillLearner(), np.ones(ensemble.n_types), taught=taught)
    ...     stages.append((recursion, evolve_typed(ensemble, OneSkillLearner(), taught=taught)))
    ...     taught = np.where(ensemble.edge_class == 1, np.nan, stages[0][1].taught)
    >>> 0.0 <= typed_giant_of_stages(stages) <= 1.0
    True
    """
    if rule not in get_args(AssociationRule):
        raise AnalysisError(f"the association rule must be 'any' or 'understood', not {rule!r}")
    last, end = stages[-1]
    e = last.ensemble
    if any(recursion.prerequisites is not None or recursion.share != 1.0 for recursion, _ in stages):
        raise AnalysisError("the giant component of stages has no equation with prerequisites or shares of texts")
    if np.any(np.sum([recursion.read for recursion, _ in stages], axis=0) != 1):
        raise AnalysisError("the giant component of stages needs every text to be read at one of them")
    parts = [_Stage(recursion, found, end.novel, understood=rule == "understood") for recursion, found in stages]
    k, priors = e.edge_type, [np.ones(e.n_types), *(recursion.prior for recursion, _ in stages)]
    n = len(stages)

    def sides(state: Sequence[tuple[Floats, Floats, Floats]]) -> list[tuple[Floats, Floats]]:
        """The arguments of the two terms of G_r, for each stage r."""
        messages = [part.messages(*given) for part, given in zip(parts, state, strict=True)]
        whole, silent, late = (np.zeros(len(k)) for _ in range(3))
        for part, (t, quiet, later) in zip(parts, messages, strict=True):
            whole, silent, late = (
                np.where(part.edges, np.clip(value, 0.0, 1.0), so_far)
                for value, so_far in ((t + quiet, whole), (quiet, silent), (later, late))
            )
        found = []
        for r, part in enumerate(parts):
            before = np.any([other.edges for other in parts[:r]], axis=0) if r else np.zeros(len(k), dtype=bool)
            first = np.where(before, late, whole)
            found.append((first, np.where(part.edges, silent, first)))
        return found

    from analysis._kernels.typed import change_of

    weight = e.ends / max(float(e.ends.sum()), 1e-300)
    state = [(np.zeros(len(k)), np.zeros(len(k)), np.zeros(len(k))) for _ in parts]
    previous = np.inf
    for wave in range(max_iterations):
        novel, learned = [], []
        for r, (first, second) in enumerate(sides(state)):
            unlearned = priors[r + 1][k] * last.missed(second)[0]
            novel.append(unlearned)
            learned.append(np.clip(priors[r][k] * last.missed(first)[0] - unlearned, 0.0, 1.0))
        following = []
        for s, part in enumerate(parts):
            later = np.sum(learned[s + 1 :], axis=0) if s + 1 < n else np.zeros(len(k))
            given = (np.sum(learned[: s + 1], axis=0), novel[s], later)
            following.append(tuple(np.where(part.edges, value, 0.0) for value in given))
        change = sum(
            change_of(old, new, weight)
            for before, after in zip(state, following, strict=True)
            for old, new in zip(before, after, strict=True)
        )
        state = following  # type: ignore[assignment]
        rate = change / previous if previous > 0.0 else 0.0
        previous = change
        if change <= 1e-14 or (wave >= _PATIENCE and rate < 1.0 and change * rate / (1.0 - rate) <= tolerance):
            break
    finite = 0.0
    for r, (first, second) in enumerate(sides(state)):
        nodes = priors[r] * last.missed(first)[1] - priors[r + 1] * last.missed(second)[1]
        finite += float(nodes @ e.alpha)
    giant = end.learned - finite
    return giant if giant > 10.0 * tolerance else 0.0


def understood_in_the_end(stages: Sequence[tuple[TypedRecursion, TypedEvolution]]) -> Floats:
    """Probability that all skills of a text are learned in the end, for each kind of texts.

    With x the messages of a text's own stage and x' those of the last, 1 = (1 - x) + (x - x') + x' for each of its
    skills: it is understood if it taught what was novel then, or if all that was novel was learned later,

        Σ P(N novel at its stage) ψ(N) + Π (1 - x') - Σ P(N novel at its stage, all learned later) ψ(N).

    Args:
        stages: As for `typed_giant_of_stages`; with prerequisites or shares too.

    Returns:
        Probabilities, float64 (N,).

    Raises:
        AnalysisError: Texts that are read at no stage or at several.

    >>> from analysis.typed import TypedEnsemble
    >>> from analysis.typed_evolution import evolve_typed
    >>> kinds = TypedEnsemble.from_kinds([[1], [2]], [0.5, 0.5], [1.0], 1.0)
    >>> found = evolve_typed(kinds)
    >>> bool(np.allclose(understood_in_the_end([(TypedRecursion(kinds), found)]), found.understood_by_kind))
    True
    """
    if np.any(np.sum([recursion.read for recursion, _ in stages], axis=0) != 1):
        raise AnalysisError("whether texts are understood has an equation if each is read at one stage")
    last = stages[-1][1].novel
    texts = stages[-1][0].ensemble.texts
    found = whole_texts(_ANY, texts, 1.0 - last, np.zeros(len(last)), 1)
    for recursion, evolution in stages:
        k = recursion.ensemble.edge_type
        is_open = np.ones(len(k), dtype=bool) if recursion.closed is None else ~recursion.closed[k]
        now = evolution.novel
        later = np.maximum(now - last, 0.0)
        taught, both = (
            whole_texts(recursion.learner, texts, 1.0 - now, np.where(is_open, novel, 0.0), 0) for novel in (now, later)
        )
        found = found + np.where(recursion.read[texts.label], taught - both, 0.0)
    return np.asarray(found)


class _Stage:
    """The texts of one stage, and what they say to their skills."""

    def __init__(self, recursion: TypedRecursion, found: TypedEvolution, last: Floats, *, understood: bool) -> None:
        e = recursion.ensemble
        self.edges: npt.NDArray[np.bool_] = recursion.read[e.edge_class]
        self._texts = _Texts(recursion, self.edges)
        self._open = np.ones(e.n_edge_types, dtype=bool) if recursion.closed is None else ~recursion.closed[e.edge_type]
        self._last = np.where(self.edges, last, 0.0)
        now = np.where(self.edges, found.novel, 0.0)
        # Texts with a skill that nobody teaches in the end: with the rule `understood` they join nothing.
        self._lost: tuple[Floats, Floats] | None = None
        if understood:
            later = np.maximum(now - self._last, 0.0)
            ever = self._texts.all(np.ones(len(now))) - self._texts.all(1.0 - self._last)
            self._lost = tuple(  # type: ignore[assignment]
                ever - self._teaching(1.0 - now, now, shift) + self._teaching(1.0 - now, later, shift)
                for shift in (0, 1)
            )

    def _teaching(self, keep: Floats, novel: Floats, shift: int) -> Floats:
        """Texts that teach what they can: no closed skill is novel, and with shift 1 the edge's own is open too."""
        found = self._texts.some(keep, np.where(self._open, novel, 0.0), shift)
        return found if shift == 0 else np.where(self._open, found, 0.0)

    def messages(self, learned: Floats, novel: Floats, later: Floats) -> tuple[Floats, Floats, Floats]:
        """(T, N, M), each float64 (M,), for the messages of skills to texts of this stage."""
        left = later + self._last if self._lost is None else later
        taught = self._teaching(learned, novel, 1)
        whole = self._texts.all(learned + left)
        rest = [whole - self._teaching(learned, left, shift) for shift in (0, 1)]
        if self._lost is not None:
            rest = [part + lost for part, lost in zip(rest, self._lost, strict=True)]
        return taught, self._teaching(learned, novel, 0) - taught + rest[0], rest[1]


class _Texts:
    """Sums over the texts of one stage, by edge type; 0 on the edges of the others."""

    def __init__(self, recursion: TypedRecursion, edges: npt.NDArray[np.bool_]) -> None:
        texts = recursion.ensemble.texts
        weight = np.where(recursion.read[texts.label], texts.weight, 0.0)
        self._texts = Kinds(texts.ptr, texts.edge, texts.count, weight, texts.label, texts.of)
        self._ends = np.where(edges, recursion.ensemble.ends, np.inf)
        self._learner: Learner = recursion.learner

    def some(self, keep: Floats, novel: Floats, shift: int) -> Floats:
        """Mean of P(capacity ≥ novel others + shift) with these weights of learned and novel others, float64 (M,)."""
        return np.asarray(others_of_texts(self._learner, self._texts, keep, novel, shift) / self._ends)

    def all(self, weight: Floats) -> Floats:
        """Mean product of the weights of the others, float64 (M,)."""
        return np.asarray(others_of_texts(_ANY, self._texts, weight, np.zeros(len(weight)), 1) / self._ends)
