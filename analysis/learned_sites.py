"""Site percolation of learned skills: each learned skill is kept with the same probability, the others are gone.

Forgetting is independent of learning, so the equations of `analysis.percolation` stay exact if, on the way through a
text, a learned skill that is left out counts as finite: with kept share φ the messages (a, b) become

    a' = (1 - φ) (1 - x) + φ a,    b' = (1 - φ) x + φ b,

T, N, λ and L are taken at (a', b'), and giant = φ ((1 - q) - (L(T + N) - L(N))). φ = 1 is `giant_learned_general`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.fixed_point import smallest_fixed_point
from analysis.learners import Learner, OneSkillLearner
from analysis.percolation import _MANY, AnyEnsemble, AssociationRule, _clean, _learned_branches

__all__ = ["giant_learned_sites"]

Floats = npt.NDArray[np.float64]

_ONE = OneSkillLearner()


def giant_learned_sites(
    ensemble: AnyEnsemble,
    phi: npt.ArrayLike,
    rule: AssociationRule = "any",
    learner: Learner = _ONE,
    *,
    prior: float | Sequence[float] | Floats = 1.0,
) -> Floats:
    """Giant component of the learned skills when each of them is kept with probability φ.

    giant = φ ((1 - q) - (L(T + N) - L(N))) at (a', b'). Derived above from the equations of docs/theory.md, section 5;
    sites are kept as in [Callaway2000].

    Args:
        ensemble: One class or several, any degrees.
        phi: Probabilities in 0-1, shape (n,) or a scalar.
        rule: `any` or `understood`: which texts join skills, as they were when nothing was left out.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand; one number or one a class, shape (K,).

    Returns:
        Fractions of all skills in 0-1, float64 (n,).

    Raises:
        AnalysisError: φ or the prior outside 0-1, another rule, or a learner without a rule per text.

    >>> from analysis.ensembles import Ensemble
    >>> giant_learned_sites(Ensemble.poisson(3.0, 1.0), [0.2, 1.0]).round(4).tolist()
    [0.0, 0.3176]
    """
    shares = np.atleast_1d(np.asarray(phi, dtype=np.float64))
    if not np.all((shares >= 0.0) & (shares <= 1.0)):
        raise AnalysisError(f"an occupation probability must be from 0 to 1, not {phi!r}")
    learned = _learned_branches(ensemble, learner, rule, prior)
    branches, finite = learned.branches, learned.trivial
    few = finite.size <= _MANY

    def reached(v: Floats) -> Floats:
        taught, silent = learned.through(v)
        both, alone = branches.node_values(taught + silent), branches.node_values(silent)
        total: Floats = (both - learned.prior * alone) @ branches.alpha
        return total

    def giant(share: float) -> float:
        def kept(v: Floats) -> Floats:
            return finite + share * (v - finite)

        def jacobian(v: Floats) -> Floats:
            return share * learned.jacobian(kept(v)) if few else np.zeros((finite.size, finite.size))

        v = smallest_fixed_point(lambda v: learned.value(kept(v)), jacobian, finite)
        return _clean(share * (reached(finite) - reached(kept(v))))

    return np.array([giant(float(share)) for share in shares])
