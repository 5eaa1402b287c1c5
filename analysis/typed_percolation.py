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

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.learners import OneSkillLearner
from analysis.percolation import AssociationRule
from analysis.typed import TypedEnsemble
from analysis.typed_evolution import TypedEvolution, TypedRecursion, evolve_typed, others_of_texts

__all__ = [
    "typed_condition",
    "typed_giant",
    "typed_learned_sites",
    "typed_percolation_share",
    "typed_site_condition",
    "typed_site_giant",
]

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
    kept = typed_learned_sites(recursion, evolution, 1.0, rule, tolerance=tolerance, max_iterations=max_iterations)
    return float(kept[0])


def typed_learned_sites(
    recursion: TypedRecursion,
    evolution: TypedEvolution,
    phi: npt.ArrayLike,
    rule: AssociationRule = "any",
    *,
    tolerance: float = 1e-5,
    max_iterations: int = 1_000,
) -> Floats:
    """Giant component of the learned skills on a typed ensemble when each of them is kept with probability φ.

    As in `analysis.learned_sites`: a learned skill that is left out counts as finite, so the map of `typed_giant` is
    taken at a' = (1 - φ)(1 - x) + φ a and b' = (1 - φ) x + φ b, and giant = φ ((1 - q) - (L(T + N) - L(N))) there.

    Args:
        recursion: As for `typed_giant`.
        evolution: Its fixed point.
        phi: Probabilities in 0-1, shape (n,) or a scalar.
        rule: `any` or `understood`: which texts join skills, as they were when nothing was left out.
        tolerance: On each fraction.
        max_iterations: Iterations for each φ after which it stops anyway.

    Returns:
        Fractions of all skills in 0-1, float64 (n,).

    Raises:
        AnalysisError: φ outside 0-1, another rule, or a recursion that is not covered.

    >>> from analysis.typed import TypedEnsemble
    >>> from analysis.typed_evolution import evolve_typed
    >>> poisson = TypedEnsemble.from_kinds([[1], [3]], [0.5, 0.5], [1.0], 1.5)
    >>> recursion = TypedRecursion(poisson)
    >>> typed_learned_sites(recursion, evolve_typed(poisson), [0.0, 0.5, 1.0]).round(3).tolist()
    [0.0, 0.368, 0.876]
    """
    _refuse(recursion, rule)
    shares = np.atleast_1d(np.asarray(phi, dtype=np.float64))
    if not np.all((shares >= 0.0) & (shares <= 1.0)):
        raise AnalysisError(f"an occupation probability must be from 0 to 1, not {phi!r}")
    e, x, prior = recursion.ensemble, evolution.novel, recursion.prior
    weight = e.ends / max(float(e.ends.sum()), 1e-300)
    skills, k = _skills(recursion, x, rule), e.edge_type

    from analysis._kernels.typed import change_of

    giant = np.zeros(len(shares))
    # From the largest share down: what stays finite only grows, so one solution is a start for the next.
    a, b = np.zeros(len(x)), np.zeros(len(x))
    for i in np.argsort(-shares, kind="stable"):
        share, before = float(shares[i]), np.inf
        left = (1.0 - share) * (1.0 - x), (1.0 - share) * x
        for wave in range(max_iterations):
            both, alone = skills(left[0] + share * a, left[1] + share * b)
            next_b = np.minimum(prior[k] * alone[0], x)
            next_a = np.clip(both[0] - prior[k] * alone[0], 0.0, 1.0 - x)
            change = change_of(a, next_a, weight) + change_of(b, next_b, weight)
            a, b = next_a, next_b
            rate = change / before if before > 0.0 else 0.0
            before = change
            if change <= 1e-14 or (wave >= _PATIENCE and rate < 1.0 and change * rate / (1.0 - rate) <= tolerance):
                break
        both, alone = skills(left[0] + share * a, left[1] + share * b)
        found = share * (evolution.learned - float((both[1] - prior * alone[1]) @ e.alpha))
        giant[i] = found if found > 10.0 * tolerance else 0.0
    return giant


_Pair = tuple[Floats, Floats]


def _skills(
    recursion: TypedRecursion, x: Floats, rule: AssociationRule
) -> Callable[[Floats, Floats], tuple[_Pair, _Pair]]:
    """The map from messages (a, b) to (λ, L) at T + N and at N."""
    e, share = recursion.ensemble, recursion.share
    if share > 1.0 and e.rates is None:
        raise AnalysisError("with measured degrees the giant component has no equation for more texts than there are")

    def tails(keep: Floats, novel: Floats, shift: int) -> Floats:
        return np.asarray(others_of_texts(recursion.learner, e.texts, keep, novel, shift) / e.ends)

    def rest(keep: Floats) -> Floats:
        everything = others_of_texts(_ANY, e.texts, keep + x, np.zeros(len(x)), 1) / e.ends
        return np.asarray(everything - tails(keep, x, 0))

    still = rest(1.0 - x) if rule == "understood" else None

    def skills(a: Floats, b: Floats) -> tuple[_Pair, _Pair]:
        taught = tails(a, b, 1)
        silent = tails(a, b, 0) - taught + (rest(a) if still is None else still)
        silent = np.clip(silent, 0.0, 1.0)
        none = 1.0 - share + share * silent
        return recursion.missed(np.minimum(none + share * taught, 1.0)), recursion.missed(none)

    return skills


def typed_condition(
    recursion: TypedRecursion,
    evolution: TypedEvolution,
    rule: AssociationRule = "any",
    *,
    tolerance: float = 1e-5,
    max_iterations: int = 500,
) -> float:
    """Mean number of learned skills that one more step leads to: above 1 the learned skills have a giant component.

    The largest eigenvalue of the map of `typed_giant` where nothing leads to infinity, (a, b) = (1 - x, x), by power
    iteration on the map itself; its Jacobian has no negative entries (Perron and Frobenius).

    Args:
        recursion: As for `typed_giant`.
        evolution: Its fixed point.
        rule: As for `typed_giant`.
        tolerance: Of the eigenvalue.
        max_iterations: Steps after which the value so far is returned.

    Returns:
        A mean number of skills, ≥ 0.

    Raises:
        AnalysisError: As for `typed_giant`.

    >>> from analysis.typed import TypedEnsemble
    >>> from analysis.typed_evolution import evolve_typed
    >>> regular = TypedEnsemble.from_kinds([[1], [3]], [0.5, 0.5], [1.0], 1.5, [([3], [1.0])])
    >>> typed_condition(TypedRecursion(regular), evolve_typed(regular)) > 1.0
    True
    """
    _refuse(recursion, rule)
    x, prior, k = evolution.novel, recursion.prior, recursion.ensemble.edge_type
    skills = _skills(recursion, x, rule)

    def step(a: Floats, b: Floats) -> _Pair:
        both, alone = skills(a, b)
        return both[0] - prior[k] * alone[0], prior[k] * alone[0]

    small = 1e-6
    base = step(1.0 - x, x)
    # Nothing can be lost from what is not there.
    direction = (1.0 - x, x.copy())
    value = 0.0
    for _ in range(max_iterations):
        moved = step(1.0 - x - small * direction[0], x - small * direction[1])
        image = tuple(
            old + np.maximum((at - now) / small, 0.0) for old, at, now in zip(direction, base, moved, strict=True)
        )
        size = max(float(part.max(initial=0.0)) for part in image)
        if size == 0.0:
            return 0.0
        direction = (image[0] / size, image[1] / size)
        if abs(size - 1.0 - value) <= tolerance * size:
            value = size - 1.0
            break
        value = size - 1.0
    return max(value, 0.0)


def typed_site_condition(ensemble: TypedEnsemble, phi: float, *, tolerance: float = 1e-6) -> float:
    """Mean number of kept skills that one more step leads to: above 1 random kept skills have a giant component.

    φ times the largest eigenvalue of the Jacobian of `typed_site_giant` at u = 1; one type: φ ρ'(1) λ'(1), as in
    `analysis.percolation.site_condition`.

    Args:
        ensemble: Kinds of texts and skills.
        phi: Share of the skills that is kept, in 0-1.
        tolerance: Of the eigenvalue.

    Returns:
        A mean number of skills, ≥ 0.

    Raises:
        AnalysisError: A share outside 0-1.

    >>> from analysis.typed import TypedEnsemble
    >>> pairs = TypedEnsemble.from_kinds([[2]], [1.0], [1.0], 1.0)
    >>> round(typed_site_condition(pairs, 0.75), 4)
    1.5
    """
    if not 0.0 <= phi <= 1.0:
        raise AnalysisError("a share of kept skills is from 0 to 1")
    recursion = TypedRecursion(ensemble)
    n = ensemble.n_edge_types
    small, value, direction = 1e-6, 0.0, np.ones(n)

    def step(u: Floats) -> Floats:
        silent = np.minimum(others_of_texts(_ANY, ensemble.texts, u, np.zeros(n), 1) / ensemble.ends, 1.0)
        return np.asarray(recursion.missed(silent)[0])

    base = step(np.ones(n))
    for _ in range(500):
        image = direction + np.maximum((base - step(1.0 - small * direction)) / small, 0.0)
        size = float(image.max(initial=0.0))
        direction = image / size
        if abs(size - 1.0 - value) <= tolerance * size:
            value = size - 1.0
            break
        value = size - 1.0
    return phi * max(value, 0.0)


def typed_percolation_share(
    recursion: TypedRecursion, rule: AssociationRule = "any", *, tolerance: float = 1e-3
) -> float | None:
    """Smallest share of the texts with which the learned skills have a giant component; None if all are not enough.

    Bisection on `typed_condition` at the fixed point of each share: more texts only add skills and associations.

    Args:
        recursion: As for `typed_giant`, at share 1.
        rule: As for `typed_giant`.
        tolerance: Of the share, relative.

    Returns:
        A share in 0-1.

    Raises:
        AnalysisError: As for `typed_giant`.

    >>> from analysis.typed import TypedEnsemble
    >>> singles = TypedEnsemble.from_kinds([[1], [2]], [0.5, 0.5], [1.0], 2.0)
    >>> 0.0 < (typed_percolation_share(TypedRecursion(singles)) or 0.0) < 1.0
    True
    """

    def percolates(share: float) -> bool:
        thinned = replace(recursion, share=share)
        found = evolve_typed(recursion.ensemble, recursion.learner, prior=recursion.prior, share=share, tolerance=1e-6)
        return typed_condition(thinned, found, rule, tolerance=1e-4) > 1.0

    _refuse(recursion, rule)
    if not percolates(recursion.share):
        return None
    low, high = 0.0, recursion.share
    while high - low > tolerance * high and high > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if percolates(middle) else (middle, high)
    return high


def _refuse(recursion: TypedRecursion, rule: AssociationRule) -> None:
    if rule not in get_args(AssociationRule):
        raise AnalysisError(f"the association rule must be 'any' or 'understood', not {rule!r}")
    if recursion.prerequisites is not None or recursion.closed is not None or recursion.taught is not None:
        raise AnalysisError("the giant component has no equation with prerequisites or with texts read earlier")


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
