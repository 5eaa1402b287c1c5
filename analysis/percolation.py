"""Percolation on large random graphs: how large the giant component of the skill association graph is.

Two learned skills are associated when a text requires both: `any` text, or only an `understood` one. Site
percolation keeps every skill with the same probability φ, whatever it is attached to. Learned skills are not
like that: the text that taught one binds it to others. The exact equations follow what each text did.

Let x_jk, y_jk be the messages of `analysis.recursion` at the fixed point. Seen from a learned skill, a text teaches
it (probability y), or does not. Of the text's other skills those that are novel without it are learned after
all if the text's capacity is at least their number; then this text alone taught them. With

    a   probability that a skill is learned without the text it was reached by, and its other texts lead to
        finitely many skills,
    b   probability that it is novel without that text, and once that text taught it leads to finitely many,

    T(a, b) = E[Σ over (learned, novel) others a^l b^n ψ(n + 1)]                  the text teaches and stays finite,
    N(a, b) = the same with ψ(n) - ψ(n + 1)  +  rest                               it does not teach and stays finite,
    rest    = the same with 1 - ψ(n), where the n novel ones stay novel and count as finite: with a for the learned
              ones under the rule `any`; with 1 - x under `understood`, since nothing passes through such a text;
    b = λ(N),   a = λ(T + N) - λ(N),
    giant = (1 - q) - (L(T + N) - L(N)),

smallest solution a ≤ 1 - x, b ≤ x. With skills known beforehand, b and the node's terms are those of the novel ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from analysis.degrees import JointDegreeDistribution
from analysis.density_evolution import DensityEvolution, evolve
from analysis.ensembles import Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.fixed_point import smallest_fixed_point
from analysis.learners import Learner, OneSkillLearner, PoissonLearner
from analysis.recursion import prior_of_classes

__all__ = [
    "AssociationRule",
    "PercolationRule",
    "Prediction",
    "critical_occupation",
    "giant_any",
    "giant_learned",
    "giant_learned_general",
    "giant_site",
    "giant_understood",
    "learned_condition",
    "percolation_threshold",
    "percolation_threshold_of",
    "predict",
    "site_condition",
    "site_giant",
]

Floats = npt.NDArray[np.float64]
AnyEnsemble = Ensemble | MultiClassEnsemble
AssociationRule = Literal["any", "understood"]
PercolationRule = Literal["any", "understood", "site"]

_ONE = OneSkillLearner()
_WAVES = 30
"""This many plain waves are cheaper than Newton steps if learning ends soon."""
_MANY = 128
"""Above this size of the state plain iteration is used, which needs no Jacobian."""
_ROUNDING = 1e-12


class _Branches:
    """Edges (j, k) of an ensemble and the derivatives of its generating functions along them."""

    def __init__(self, ensemble: MultiClassEnsemble) -> None:
        self.texts, self.skills = ensemble.text_degrees, ensemble.skill_degrees
        self.alpha = ensemble.alpha
        self.shape = ensemble.mean_skills.shape
        self.edges = ensemble.edges

    def skill_values(self, z: Floats) -> Floats:
        """λ_jk(z_·k), shape (J, K); 1 where there is no edge."""
        out = np.ones(self.shape)
        for j, k in self.edges:
            out[j, k] = self.skills[k].excess(j).generating(z[:, k])
        return out

    def skill_slopes(self, z: Floats) -> Floats:
        """∂λ_jk/∂z_j'k, shape (J, K, J)."""
        out = np.zeros((*self.shape, self.shape[0]))
        for j, k in self.edges:
            out[j, k] = self.skills[k].excess(j).slopes(z[:, k])
        return out

    def text_sums(self, of: Callable[[JointDegreeDistribution, int], Floats | float]) -> Floats:
        """`of(excess degrees, j)` along every edge, shape (J, K); 1 where there is none."""
        out = np.ones(self.shape)
        for j, k in self.edges:
            out[j, k] = of(self.texts[j].excess(k), j)
        return out

    def text_slopes(self, of: Callable[[JointDegreeDistribution, int], Floats | float]) -> Floats:
        """Mean excess times `of(excess of the excess, j)`: derivatives along class i, shape (J, K, K)."""
        out = np.zeros((*self.shape, self.shape[1]))
        for j, k in self.edges:
            degrees = self.texts[j].excess(k)
            for i in np.flatnonzero(degrees.means):
                out[j, k, i] = degrees.means[i] * of(degrees.excess(int(i)), j)
        return out

    def node_values(self, z: Floats) -> Floats:
        """L_k(z_·k), shape (K,)."""
        return np.array([float(d.generating(z[:, k])) for k, d in enumerate(self.skills)])

    def chain(self, skill_slopes: Floats, text_slopes: Floats) -> Floats:
        """∂λ_jk/∂v_j'i through z_j'k(v_j'·), shape (JK, JK)."""
        size = self.shape[0] * self.shape[1]
        return np.einsum("jkm,mki->jkmi", skill_slopes, text_slopes).reshape(size, size)


def _occupation(phi: float | Sequence[float] | Floats, n_classes: int) -> Floats:
    values = np.broadcast_to(np.asarray(phi, dtype=np.float64), (n_classes,))
    if not np.all((values >= 0.0) & (values <= 1.0)):
        raise AnalysisError(f"an occupation probability must be from 0 to 1, not {phi}")
    return values


def site_condition(ensemble: AnyEnsemble, phi: float | Sequence[float] | Floats) -> float:
    """Site-percolation condition: a giant component exists iff this is above 1.

    φ ρ'(1) λ'(1), the mean number of kept skills that one more step leads to; Poisson: φ c² R. Several classes: the
    spectral radius of the matrix of those means. Sources: [Callaway2000], [NSW2001].

    Args:
        ensemble: One class or several.
        phi: Probability that a skill is kept; one number or one a class of skills, shape (K,).

    Returns:
        A mean number of skills, ≥ 0.

    Raises:
        AnalysisError: φ outside 0-1.

    >>> round(site_condition(Ensemble.poisson(3.0, 1.1), 0.9324), 2)
    9.23
    """
    classes = ensemble.multi_class()
    phi = _occupation(phi, classes.n_skill_classes)
    branches = _Branches(classes)
    return _radius(_site_jacobian(branches, phi, np.ones(branches.shape)))


def critical_occupation(ensemble: AnyEnsemble) -> float:
    """The smallest share of kept skills that percolates, φ_c = 1 / (ρ'(1) λ'(1)); Poisson: 1 / (c² R) [Callaway2000].

    Several classes: 1 over `site_condition` at φ = 1.

    Args:
        ensemble: One class or several, any degrees.

    Returns:
        φ_c, a share of the skills where it is at most 1; above 1, or infinite, no share percolates.

    >>> critical_occupation(Ensemble.poisson(2.0, 1.0))
    0.25
    """
    condition = site_condition(ensemble, 1.0)
    return 1.0 / condition if condition > 0.0 else float("inf")


def site_giant(ensemble: AnyEnsemble, phi: float | Sequence[float] | Floats) -> float:
    """Giant component of site percolation, as a fraction of all skills.

    With E the probability that a skill's branches stay finite: E = λ(ρ(1 - φ(1 - E))), giant =
    φ (1 - L(ρ(1 - φ(1 - E)))); Poisson: E = exp(-cR (1 - e^{-cφ(1-E)})), giant φ(1 - E) [Callaway2000].

    Args:
        ensemble: One class or several, any degrees.
        phi: Probability that a skill is kept; one number or one a class of skills, shape (K,).

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: φ outside 0-1.

    >>> round(site_giant(Ensemble.poisson(2.0, 1.0), 0.5737), 4)
    0.3734
    """
    classes = ensemble.multi_class()
    phi = _occupation(phi, classes.n_skill_classes)
    branches = _Branches(classes)

    def through(finite: Floats) -> Floats:
        return branches.text_sums(lambda d, j: d.generating(1.0 - phi * (1.0 - finite[j])))

    shape = branches.shape
    finite = smallest_fixed_point(
        lambda v: branches.skill_values(through(v.reshape(shape))).ravel(),
        lambda v: _site_jacobian(branches, phi, v.reshape(shape)),
        np.ones(shape).ravel(),
    ).reshape(shape)
    return _clean((phi * (1.0 - branches.node_values(through(finite)))) @ branches.alpha)


def _site_jacobian(branches: _Branches, phi: Floats, finite: Floats) -> Floats:
    through = branches.text_sums(lambda d, j: d.generating(1.0 - phi * (1.0 - finite[j])))
    texts = branches.text_slopes(lambda d, j: d.generating(1.0 - phi * (1.0 - finite[j]))) * phi
    return branches.chain(branches.skill_slopes(through), texts)


class _LearnedBranches:
    """The map (a, b) → (a, b) of the module's docstring, flattened to shape (2 J K,)."""

    def __init__(
        self, ensemble: MultiClassEnsemble, learner: Learner, novel: Floats, rule: AssociationRule, prior: Floats
    ) -> None:
        self.branches, self.learner, self.x, self.rule, self.prior = _Branches(ensemble), learner, novel, rule, prior

    @property
    def trivial(self) -> Floats:
        """The fixed point at which everything is finite."""
        on = np.zeros(self.branches.shape, dtype=bool)
        for edge in self.branches.edges:
            on[edge] = True
        return np.concatenate([np.where(on, 1.0 - self.x, 0.0).ravel(), np.where(on, self.x, 0.0).ravel()])

    def through(self, v: Floats) -> tuple[Floats, Floats]:
        """(T, N), shapes (J, K)."""
        a, b = v.reshape(2, *self.branches.shape)
        taught = self.branches.text_sums(lambda d, j: self._tail(d, a[j], b[j], 1))
        silent = self.branches.text_sums(lambda d, j: self._tail(d, a[j], b[j], 0)) - taught
        return taught, silent + self.branches.text_sums(lambda d, j: self._rest(d, a[j], j))

    def _tail(self, d: JointDegreeDistribution, keep: Floats, novel: Floats, shift: int) -> float:
        return float(self.learner.expected_tail(d.novel_counts(keep, novel), shift))

    def _rest(self, d: JointDegreeDistribution, a: Floats, j: int) -> float:
        keep = a if self.rule == "any" else 1.0 - self.x[j]
        return float(d.generating(keep + self.x[j])) - self._tail(d, keep, self.x[j], 0)

    def value(self, v: Floats) -> Floats:
        taught, silent = self.through(v)
        both, alone = self.branches.skill_values(taught + silent), self.branches.skill_values(silent)
        return np.concatenate([(both - self.prior * alone).ravel(), (self.prior * alone).ravel()])

    def jacobian(self, v: Floats) -> Floats:
        a, b = v.reshape(2, *self.branches.shape)
        of = self.branches.text_slopes
        taught_a = of(lambda d, j: self._tail(d, a[j], b[j], 1))
        taught_b = of(lambda d, j: self._tail(d, a[j], b[j], 2))
        silent_a = of(lambda d, j: self._tail(d, a[j], b[j], 0)) - taught_a
        silent_b = taught_a - taught_b
        if self.rule == "any":
            silent_a = silent_a + of(lambda d, j: self._rest(d, a[j], j))
        taught, silent = self.through(v)
        both, alone = self.branches.skill_slopes(taught + silent), self.branches.skill_slopes(silent)
        alone = alone * self.prior[None, :, None]
        chain = self.branches.chain
        b_by_a, b_by_b = chain(alone, silent_a), chain(alone, silent_b)
        a_by_a = chain(both, taught_a + silent_a) - b_by_a
        a_by_b = chain(both, taught_b + silent_b) - b_by_b
        return np.block([[a_by_a, a_by_b], [b_by_a, b_by_b]])

    def giant(self) -> float:
        size = self.trivial.size
        few = size <= _MANY
        jacobian = self.jacobian if few else lambda _: np.zeros((size, size))
        v = smallest_fixed_point(self.value, jacobian, self.trivial)
        fractions = [
            self.branches.node_values(taught + silent) - self.prior * self.branches.node_values(silent)
            for taught, silent in (self.through(self.trivial), self.through(v))
        ]
        return _clean((fractions[0] - fractions[1]) @ self.branches.alpha)


def _learned_branches(
    ensemble: AnyEnsemble, learner: Learner, rule: AssociationRule, prior: float | Sequence[float] | Floats
) -> _LearnedBranches:
    if rule not in get_args(AssociationRule):
        raise AnalysisError(f"the association rule must be 'any' or 'understood', not {rule!r}")
    classes = ensemble.multi_class()
    result = evolve(classes, learner, prior=prior, max_iterations=_WAVES)
    return _LearnedBranches(classes, learner, result.novel, rule, prior_of_classes(prior, classes.n_skill_classes))


def giant_learned_general(
    ensemble: AnyEnsemble,
    rule: AssociationRule,
    learner: Learner = _ONE,
    *,
    prior: float | Sequence[float] | Floats = 1.0,
) -> float:
    """Giant component of the learned skills for any degrees, classes and capacity (equations above).

    giant = (1 - q) - (L(T + N) - L(N)). Derived in docs/theory.md, section 5.

    Args:
        ensemble: One class or several, any degrees.
        rule: `any` joins skills by all texts, `understood` only by those all of whose skills are learned.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand; one number or one a class, shape (K,).

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: Another rule, a prior outside 0-1, or a learner without a rule per text.

    >>> round(giant_learned_general(Ensemble.regular(3, 3), "any", prior=0.5), 4)
    1.0
    """
    return _learned_branches(ensemble, learner, rule, prior).giant()


def giant_learned(c: float, R: float, rule: AssociationRule = "any", learner: Learner = _ONE) -> float:
    """Giant component of the learned skills of the Poisson ensemble, as a fraction of all skills.

    1-skill learner, with λ = cR, μ = e^{-cq}, π₁ = cqμ/(1-μ): x = e^{-c(1-q)(1-A)}; y = x (π₁ B + 1 - π₁) (`any`) or
    π₁ x B + 1 - π₁ (`understood`); B = e^{-λ(1-μ)(1-y)}, A = (e^{-λμ(1-x)} - q)/(1-q) B from A = B = 0; giant
    (1-q) - (e^{-λμ(1-x)} - q) B. It is the special case a = (1-q) A, b = q B of the equations above.
    Derived in docs/theory.md, section 5.

    Args:
        c: Mean number of skills in a text, ≥ 0.
        R: Ratio T/S, ≥ 0.
        rule: `any` or `understood`.
        learner: The rule by which texts teach.

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: A value outside its range, another rule, or a learner without a rule per text.

    >>> round(giant_learned(3.0, 1.0, "any"), 4), round(giant_learned(3.0, 1.0, "understood"), 4)
    (0.3176, 0.2615)
    """
    return giant_learned_general(Ensemble.poisson(c, R), rule, learner)


def giant_any(c: float, R: float, learner: Learner = _ONE) -> float:
    """Giant component of the learned skills of the Poisson ensemble with associations by any text.

    `giant_learned(c, R, "any", learner)`, whose formula it is. Derived in docs/theory.md, section 5.

    Args:
        c: Mean number of skills in a text, ≥ 0.
        R: Ratio T/S, ≥ 0.
        learner: The rule by which texts teach.

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: A value outside its range, or a learner without a rule per text.

    >>> giant_any(1.0, 0.5)  # c² R = 1/2: even with all skills kept there is none
    0.0
    """
    return giant_learned(c, R, "any", learner)


def giant_understood(c: float, R: float, learner: Learner = _ONE) -> float:
    """Giant component of the learned skills of the Poisson ensemble with associations by understood texts only.

    `giant_learned(c, R, "understood", learner)`, whose formula it is. Derived in docs/theory.md, section 5.

    Args:
        c: Mean number of skills in a text, ≥ 0.
        R: Ratio T/S, ≥ 0.
        learner: The rule by which texts teach.

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: A value outside its range, or a learner without a rule per text.

    >>> giant_understood(2.0, 0.0)  # no texts
    0.0
    >>> giant_understood(3.0, 1.0) < giant_any(3.0, 1.0)  # fewer texts join
    True
    """
    return giant_learned(c, R, "understood", learner)


def giant_site(c: float, R: float, learner: Learner = _ONE) -> float:
    """Site percolation of the Poisson ensemble at φ = 1 - q, as if learned skills were independent sites [LCH2025].

    `site_giant` with q the fixed point of q = exp(-cR P_suc(cq)).

    Args:
        c: Mean number of skills in a text, ≥ 0.
        R: Ratio T/S, ≥ 0.
        learner: The rule by which texts teach.

    Returns:
        Fraction of all skills, in 0-1.

    Raises:
        AnalysisError: A value outside its range.

    >>> round(giant_site(3.0, 1.0), 4)
    0.2725
    >>> giant_site(1.0, 0.5)  # c² R = 1/2
    0.0
    """
    ensemble = Ensemble.poisson(c, R)
    return site_giant(ensemble, evolve(ensemble, learner, max_iterations=_WAVES).learned)


def learned_condition(
    ensemble: AnyEnsemble,
    rule: AssociationRule,
    learner: Learner = _ONE,
    *,
    prior: float | Sequence[float] | Floats = 1.0,
) -> float:
    """Exact condition for a giant component of learned skills: it exists iff this is above 1.

    The spectral radius of the Jacobian of the map (a, b) → (a, b) above at its trivial fixed point (1 - x, x).
    Derived in docs/theory.md, section 5.

    Args:
        ensemble: One class or several, any degrees.
        rule: `any` or `understood`.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand; one number or one a class, shape (K,).

    Returns:
        A mean number of skills, ≥ 0.

    Raises:
        AnalysisError: Another rule, a prior outside 0-1, or a learner without a rule per text.

    >>> round(learned_condition(Ensemble.regular(3, 3), "any", prior=0.0), 6)  # all are known: ρ'(1) λ'(1) = 2 · 2
    4.0
    """
    branches = _learned_branches(ensemble, learner, rule, prior)
    return _radius(branches.jacobian(branches.trivial))


def percolation_threshold(c: float, rule: PercolationRule = "any", learner: Learner = _ONE) -> float:
    """Smallest ratio R at which the learned skills of the Poisson ensemble percolate.

    More texts only add skills and associations, so the condition is met from one R on: bisection, to full
    precision. `site` is the condition (1 - q) c² R > 1 [LCH2025], the others `learned_condition`, derived in
    docs/theory.md, section 5.

    Args:
        c: Mean number of skills in a text, > 0.
        rule: `any`, `understood` or `site`.
        learner: The rule by which texts teach.

    Returns:
        R, in texts a skill.

    Raises:
        AnalysisError: A value outside its range, another rule, a learner without a rule per text except under `site`,
            or no ratio up to 10⁶ is enough.

    >>> percolation_threshold(2.0, "any") < percolation_threshold(2.0, "understood")
    True
    """
    if not (np.isfinite(c) and c > 0.0):
        raise AnalysisError(f"the mean number of skills in a text must be positive, not {c:g}")
    return _bisect(lambda R: _percolates(Ensemble.poisson(c, R), rule, learner), f"texts with {c:g} skills on average")


def percolation_threshold_of(ensemble: Ensemble, rule: PercolationRule = "any", learner: Learner = _ONE) -> float:
    """Smallest share of its texts with which the learned skills of an ensemble percolate.

    As for `emergence_threshold_of`, a share thins the skills' degrees and leaves the texts theirs:
    L_θ(x) = L(1 - θ (1 - x)); the smallest θ with `learned_condition` (for `site`: `site_condition` at 1 - q) above 1.
    Derived in docs/theory.md, section 5.

    Args:
        ensemble: One class, any degrees.
        rule: `any`, `understood` or `site`.
        learner: The rule by which texts teach.

    Returns:
        The share θ of the texts: at most 1 for measured degrees; for Poisson skills it may be larger.

    Raises:
        AnalysisError: All texts together are not enough, another rule, or a learner that the rule or the degrees do not
            allow.

    >>> share = percolation_threshold_of(Ensemble.poisson(2.0, 2.0), "site")
    >>> abs(2.0 * share - percolation_threshold(2.0, "site")) < 1e-9
    True
    """
    mean = ensemble.skill_degrees.poisson_mean

    def percolates(share: float) -> bool:
        if mean is not None:
            skills = type(ensemble.skill_degrees).poisson(share * mean)
        elif share > 1.0:
            return False
        else:
            skills = ensemble.skill_degrees.thinned(share)
        return _percolates(Ensemble(ensemble.text_degrees, skills), rule, learner)

    return _bisect(percolates, "all texts of these degrees", top=None if mean is not None else 1.0)


def _percolates(ensemble: Ensemble, rule: PercolationRule, learner: Learner) -> bool:
    if rule == "site":
        return site_condition(ensemble, evolve(ensemble, learner, max_iterations=_WAVES).learned) > 1.0
    return learned_condition(ensemble, rule, learner) > 1.0


def _bisect(percolates: Callable[[float], bool], what: str, top: float | None = None) -> float:
    low, high = 0.0, 1.0 if top is None else top
    while not percolates(high):
        low, high = high, 2.0 * high
        if top is not None or high > 1e6:
            raise AnalysisError(f"the learned skills do not percolate with {what}")
    while high - low > 1e-12 * high:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (low, middle) if percolates(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class Prediction:
    """What theory predicts of a graph with these degrees; fractions are of all skills, in 0-1.

    Attributes:
        unlearned: q, never learned.
        learned: 1 - q.
        testing_error: Probability that a fresh text is not understood.
        giant_any: Largest component when any text joins skills; None for a learner without a rule per text.
        giant_understood: Largest component when understood texts join skills; None likewise.
        giant_site: Largest component if learned skills were independent sites.
        percolates: True if `condition` is above 1.
        condition: (1 - q) c² R for the Poisson ensemble, in general `site_condition` at 1 - q.
        converged: False if q could not be found to full precision, as on a threshold.
    """

    unlearned: float
    learned: float
    testing_error: float
    giant_any: float | None
    giant_understood: float | None
    giant_site: float
    percolates: bool
    condition: float
    converged: bool = True


def predict(ensemble: AnyEnsemble, learner: Learner = _ONE) -> Prediction:
    """All predictions for one ensemble: `evolve`, `giant_learned_general`, `site_giant` and `site_condition` at 1 - q.

    Sources: [LCH2025], [Callaway2000]; the exact components are derived in docs/theory.md, section 5.

    Args:
        ensemble: One class or several, any degrees.
        learner: The rule by which texts teach.

    Returns:
        The prediction; fractions of all skills, in 0-1.

    Raises:
        AnalysisError: A learner that needs Poisson texts, and other degrees.

    >>> prediction = predict(Ensemble.poisson(3.0, 1.1))
    >>> round(prediction.giant_any, 4), round(prediction.condition, 2), prediction.percolates
    (0.9255, 9.23, True)
    """
    result: DensityEvolution = evolve(ensemble, learner, max_iterations=_WAVES)
    learned = 1.0 - result.unlearned_by_class
    condition = site_condition(ensemble, learned)
    exact = not isinstance(learner, PoissonLearner)
    return Prediction(
        unlearned=result.unlearned,
        learned=result.learned,
        testing_error=result.testing_error,
        giant_any=giant_learned_general(ensemble, "any", learner) if exact else None,
        giant_understood=giant_learned_general(ensemble, "understood", learner) if exact else None,
        giant_site=site_giant(ensemble, learned),
        percolates=condition > 1.0,
        condition=condition,
        converged=result.converged,
    )


def _clean(giant: np.float64 | Floats) -> float:
    """0 for what is rounding."""
    return float(giant) if giant > _ROUNDING else 0.0


def _radius(matrix: Floats) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max()) if matrix.size else 0.0
