"""Giant components on typed ensembles, exact in the limit: of the learned skills, and of skills kept at random.

The messages (a, b) of `analysis.percolation`, one pair an edge type: with T and N summed over kinds of texts as in
`analysis.typed_evolution`,

    b_m = prior λ_m(N),  a_m = λ_m(T + N) - prior λ_m(N),  giant = (1 - q) - Σ_k α_k (L_k(T + N) - prior L_k(N)),

the smallest solution. A text that is not there (share σ of them is) leads nowhere: T becomes σ T, N becomes
1 - σ + σ N. If a share φ of the skills is kept at random instead (site percolation), u_m, the probability that an
end leads nowhere, is the smallest solution of

    u_m = 1 - φ + φ λ_m(v),    v_m = Σ_t n_tm Π_j u_j^(n_tj - [j = m]) / E_m,    giant = φ Σ_k α_k (1 - L_k(v)).

Derived in docs/theory.md, sections 5 and 9.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.learners import OneSkillLearner
from analysis.percolation import AssociationRule
from analysis.typed import TypedEnsemble
from analysis.typed_evolution import TypedEvolution, TypedRecursion, others_of_texts

__all__ = ["typed_giant", "typed_site_giant"]

Floats = npt.NDArray[np.float64]

_PATIENCE = 20
_ANY = OneSkillLearner()
"""Its table at shift 1 is [1]: products over all others."""


def typed_giant(
    recursion: TypedRecursion,
    evolution: TypedEvolution,
    rule: AssociationRule = "any",
    *,
    tolerance: float = 1e-7,
    max_iterations: int = 5_000,
) -> float:
    """Giant component of the skills learned on a typed ensemble, as a fraction of all skills.

    Args:
        recursion: The map; without prerequisites, closed types and texts read earlier, which its equations do not
            cover.
        evolution: A fixed point of it, unseeded or seeded.
        rule: `any` joins skills by all texts, `understood` only by those all of whose skills are learned.
        tolerance: On the fraction.
        max_iterations: Iterations after which it stops anyway.

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: Another rule, or a recursion that is not covered.

    >>> from analysis.typed import TypedEnsemble
    >>> from analysis.typed_evolution import evolve_typed
    >>> regular = TypedEnsemble.from_kinds([[1], [3]], [0.5, 0.5], [1.0], 1.5, [([3], [1.0])])
    >>> recursion = TypedRecursion(regular)
    >>> round(typed_giant(recursion, evolve_typed(regular)), 3)
    0.984
    """
    if rule not in get_args(AssociationRule):
        raise AnalysisError(f"the association rule must be 'any' or 'understood', not {rule!r}")
    if recursion.prerequisites is not None or recursion.closed is not None or recursion.taught is not None:
        raise AnalysisError("the giant component has no equation with prerequisites or with texts read earlier")
    e = recursion.ensemble
    x, share = evolution.novel, recursion.share
    prior, alpha = recursion.prior, e.alpha
    weight = e.ends / max(float(e.ends.sum()), 1e-300)

    def tails(keep: Floats, novel: Floats, shift: int) -> Floats:
        return np.asarray(others_of_texts(recursion.learner, e.texts, keep, novel, shift) / e.ends)

    def rest(keep: Floats) -> Floats:
        everything = others_of_texts(_ANY, e.texts, keep + x, np.zeros(len(x)), 1) / e.ends
        return np.asarray(everything - tails(keep, x, 0))

    still = rest(1.0 - x) if rule == "understood" else None

    def skills(a: Floats, b: Floats) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        taught = tails(a, b, 1)
        silent = tails(a, b, 0) - taught + (rest(a) if still is None else still)
        silent = np.clip(silent, 0.0, 1.0)
        none = 1.0 - share + share * silent
        return recursion.missed(np.minimum(none + share * taught, 1.0)), recursion.missed(none)

    from analysis._kernels.typed import change_of

    a, b = np.zeros(len(x)), np.zeros(len(x))
    before, k = np.inf, e.edge_type
    for wave in range(max_iterations):
        both, alone = skills(a, b)
        next_b = np.minimum(prior[k] * alone[0], x)
        next_a = np.clip(both[0] - prior[k] * alone[0], 0.0, 1.0 - x)
        change = change_of(a, next_a, weight) + change_of(b, next_b, weight)
        a, b = next_a, next_b
        rate = change / before if before > 0.0 else 0.0
        before = change
        if change <= 1e-14 or (wave >= _PATIENCE and rate < 1.0 and change * rate / (1.0 - rate) <= tolerance):
            break
    both, alone = skills(a, b)
    finite = float((both[1] - prior * alone[1]) @ alpha)
    giant = evolution.learned - finite
    return giant if giant > 10.0 * tolerance else 0.0


def typed_site_giant(
    ensemble: TypedEnsemble, phi: npt.ArrayLike, *, tolerance: float = 1e-6, max_iterations: int = 1_000
) -> Floats:
    """Giant component of a typed ensemble of which random skills are kept, joined by any text, as a share of all.

    Args:
        ensemble: Kinds of texts and skills.
        phi: Shares of the skills that are kept, in 0-1, (N,).
        tolerance: On the fraction, by the estimated sum of all further changes.
        max_iterations: Iterations after which it stops anyway; at the threshold changes are tiny for long.

    Returns:
        Fractions of all skills, float64 (N,).

    Raises:
        AnalysisError: A share outside 0-1.

    >>> from analysis.typed import TypedEnsemble
    >>> pairs = TypedEnsemble.from_kinds([[2]], [1.0], [1.0], 1.0)  # a Poisson graph of mean degree 2
    >>> typed_site_giant(pairs, [0.4, 0.75, 1.0]).round(3).tolist()
    [0.0, 0.437, 0.797]
    """
    shares = np.asarray(phi, dtype=np.float64)
    if not np.all((shares >= 0.0) & (shares <= 1.0)):
        raise AnalysisError("a share of kept skills is from 0 to 1")
    recursion = TypedRecursion(ensemble)
    weight = ensemble.ends / max(float(ensemble.ends.sum()), 1e-300)
    nothing = np.zeros(ensemble.n_edge_types)
    found = np.zeros(len(shares))
    lost = nothing
    # From the largest share on: what leads nowhere there does so wherever fewer are kept, so the iteration stays below
    # the smallest solution.
    for place in np.argsort(-shares, kind="stable"):
        kept, before = float(shares[place]), np.inf
        for wave in range(max_iterations):
            silent = np.minimum(others_of_texts(_ANY, ensemble.texts, lost, nothing, 1) / ensemble.ends, 1.0)
            following = np.maximum(1.0 - kept + kept * recursion.missed(silent)[0], lost)
            change = float(weight @ (following - lost))
            lost = following
            rate = change / before if before > 0.0 else 0.0
            before = change
            if change <= 1e-14 or (wave >= _PATIENCE and rate < 1.0 and change * rate / (1.0 - rate) <= tolerance):
                break
        silent = np.minimum(others_of_texts(_ANY, ensemble.texts, lost, nothing, 1) / ensemble.ends, 1.0)
        giant = kept * float(ensemble.alpha @ (1.0 - recursion.missed(silent)[1]))
        found[place] = giant if giant > 10.0 * tolerance else 0.0
    return found
