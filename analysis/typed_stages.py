"""Giant component of what a typed ensemble learns in two stages: first the base's texts, then one's own.

Texts of the first stage are not read again, so a skill ends in one of four ways as seen along an edge: learned at the
first stage, learned at the second, taught there by the text itself, or never. With A the edges of texts read first, B
the others, p₁ and p₂ the probabilities that a skill is not given before either stage, and messages of texts

    T   the text teaches along the edge, and no other skill of it leads to infinity,
    N   it does not teach, and none leads there, given that the skill is learned: N₁ at the first stage or N₂ only at
        the second for edges of A, N for edges of B,

all other texts of a learned skill lead nowhere with one of the products

    z₁ = (T + N₁, T + N),   z₂ = (N₁, T + N),   z₃ = (N₂, T + N),   z₄ = (N₂, N)      on edges of (A, B),

    learned at the first stage      λ(z₁) - p₁ λ(z₂)
    novel at the first stage        p₁ λ(z₂)            if the text then teaches it
    learned at the second only      p₁ λ(z₃) - p₂ λ(z₄)
    novel at the second             p₂ λ(z₄)            if the text then teaches it

and the giant component is (1 - q) - Σ_k α_k (L_k(z₁) - p₁ L_k(z₂) + p₁ L_k(z₃) - p₂ L_k(z₄)), the smallest solution.
Derived in docs/theory.md, section 9; with one stage it is `analysis.typed_percolation.typed_giant`.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.learners import Learner, OneSkillLearner
from analysis.percolation import AssociationRule
from analysis.typed import Kinds
from analysis.typed_evolution import TypedEvolution, TypedRecursion, others_of_texts

__all__ = ["typed_giant_of_stages"]

Floats = npt.NDArray[np.float64]

_PATIENCE = 20
_ANY = OneSkillLearner()
"""Its table at shift 1 is [1]: products over all others."""


def typed_giant_of_stages(
    first: tuple[TypedRecursion, TypedEvolution],
    second: tuple[TypedRecursion, TypedEvolution],
    rule: AssociationRule = "any",
    *,
    tolerance: float = 1e-7,
    max_iterations: int = 5_000,
) -> float:
    """Giant component of the skills learned in two stages, as a fraction of all skills.

    Args:
        first: The map and its fixed point at the first stage, in which the texts of the second teach nothing.
        second: Those of the second stage, in which the texts of the first teach what they taught.
        rule: `any` joins skills by all texts, `understood` only by those all of whose skills are learned in the end.
        tolerance: On the fraction.
        max_iterations: Iterations after which it stops anyway.

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: Another rule; prerequisites or a share of the texts, which the equations do not cover; or texts
            that are read at neither stage or at both.

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
    >>> 0.0 <= typed_giant_of_stages(stages[0], stages[1]) <= 1.0
    True
    """
    if rule not in get_args(AssociationRule):
        raise AnalysisError(f"the association rule must be 'any' or 'understood', not {rule!r}")
    (before, start), (after, end) = first, second
    e = after.ensemble
    if before.prerequisites is not None or after.prerequisites is not None or (before.share, after.share) != (1.0, 1.0):
        raise AnalysisError("the giant component of two stages has no equation with prerequisites or shares of texts")
    if before.closed is not None or np.any(before.read == after.read):
        raise AnalysisError("the giant component of two stages needs every text to be read at one of them")
    of_a = before.read[e.edge_class]
    parts = (_Texts(before, of_a), _Texts(after, ~of_a))
    p1, p2, k = before.prior, after.prior, e.edge_type
    x1, x2 = start.novel, end.novel
    is_open = np.ones(len(k), dtype=bool) if after.closed is None else ~after.closed[k]
    teachable = np.where(is_open, x2, 0.0)  # a text with a novel skill that is closed teaches nothing
    later = np.maximum(x1 - x2, 0.0)  # edges of A: novel at the first stage, learned at the second
    understood = rule == "understood"
    # Texts that are left with a skill that nobody teaches: with the rule `understood` they join nothing.
    still: tuple[Floats, Floats, Floats] | None = None
    if understood:
        a, b = parts
        lost = [
            a.all(np.ones(len(k))) - a.some(1.0 - x1, x1, shift) - (a.all(1.0 - x2) - a.some(1.0 - x1, later, shift))
            for shift in (0, 1)
        ]
        still = (lost[0], lost[1], b.all(np.ones(len(k))) - b.some(1.0 - x2, teachable, 0))

    def messages(state: tuple[Floats, Floats, Floats, Floats, Floats]) -> tuple[Floats, Floats, Floats, Floats]:
        """(z₁, z₂, z₃, z₄) for the messages of skills."""
        a1, b1, a2, a, b = state
        early, late = parts
        left = a2 if understood else a2 + x2
        taught = early.some(a1, b1, 1)
        rest = [early.all(a1 + left) - early.some(a1, left, shift) for shift in (0, 1)]
        if still is not None:
            rest = [part + lost for part, lost in zip(rest, still[:2], strict=True)]
        n1 = early.some(a1, b1, 0) - taught + rest[0]
        n2 = rest[1]
        now_open = np.where(is_open, b, 0.0)
        taught_now = np.where(is_open, late.some(a, now_open, 1), 0.0)
        remains = late.all(a + x2) - late.some(a, teachable, 0) if still is None else still[2]
        n = late.some(a, now_open, 0) - taught_now + remains
        silent = np.where(of_a, taught + n1, taught_now + n)
        return tuple(  # type: ignore[return-value]
            np.clip(z, 0.0, 1.0)
            for z in (
                silent,
                np.where(of_a, n1, taught_now + n),
                np.where(of_a, n2, taught_now + n),
                np.where(of_a, n2, n),
            )
        )

    from analysis._kernels.typed import change_of

    weight = e.ends / max(float(e.ends.sum()), 1e-300)
    state = tuple(np.zeros(len(k)) for _ in range(5))
    previous = np.inf
    for wave in range(max_iterations):
        edges = [after.missed(z)[0] for z in messages(state)]  # type: ignore[arg-type]
        learned_first = np.clip(edges[0] - p1[k] * edges[1], 0.0, 1.0)
        learned_later = np.clip(p1[k] * edges[2] - p2[k] * edges[3], 0.0, 1.0)
        following = (
            learned_first,
            p1[k] * edges[1],
            np.where(of_a, learned_later, 0.0),
            learned_first + learned_later,
            p2[k] * edges[3],
        )
        change = sum(change_of(old, new, weight) for old, new in zip(state, following, strict=True))
        state = following
        rate = change / previous if previous > 0.0 else 0.0
        previous = change
        if change <= 1e-14 or (wave >= _PATIENCE and rate < 1.0 and change * rate / (1.0 - rate) <= tolerance):
            break
    nodes = [after.missed(z)[1] for z in messages(state)]  # type: ignore[arg-type]
    finite = float((nodes[0] - p1 * nodes[1] + p1 * nodes[2] - p2 * nodes[3]) @ e.alpha)
    giant = end.learned - finite
    return giant if giant > 10.0 * tolerance else 0.0


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
