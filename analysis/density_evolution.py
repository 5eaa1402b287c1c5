"""Density evolution: what fraction of the skills is learned on a large random skill–text graph.

Reading all texts once is a wave. The fraction of skills that wave k leaves novel is the k-th iterate of one
recursion (`analysis.recursion`), and learning ends at the largest fixed point of that recursion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.degrees import JointDegreeDistribution
from analysis.ensembles import Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.fixed_point import largest_fixed_point
from analysis.learners import Learner, OneSkillLearner
from analysis.recursion import MessageRecursion, prior_of_classes
from analysis.solution_curve import SolutionCurve

__all__ = [
    "DensityEvolution",
    "ExitCurve",
    "asymptotic_error",
    "asymptotic_texts",
    "evolve",
    "evolve_recursion",
    "exit_curve",
    "learned_fraction_curve",
    "testing_error",
    "texts_for_error",
]

Floats = npt.NDArray[np.float64]
_ONE = OneSkillLearner()
_REFINEMENTS = 3
"""Waves after the fixed point is bracketed, for its relative precision where it is near 0 or 1."""


@dataclass(frozen=True, eq=False)
class DensityEvolution:
    """Result of density evolution; all numbers are fractions or probabilities in 0-1.

    Attributes:
        unlearned: q, the fraction of all skills that is never learned.
        learned: 1 - q.
        testing_error: Probability that a fresh text is not understood, over the texts that are read.
        understood: Fraction of the texts that are read that end up understood; nan for a Poisson learner.
        unlearned_by_class: q_k, shape (K,).
        testing_error_by_class: For each class of texts, shape (J,).
        understood_by_class: `understood` for each class of texts, shape (J,).
        trajectory: Unlearned fraction after wave 0, 1, 2 …, shape (iterations + 1,); wave 0 is what was known.
        trajectory_by_class: The same for each class of skills, shape (iterations + 1, K).
        converged: True if the fixed point is bracketed to the tolerance (exactly on a threshold it cannot be).
        iterations: Number of waves in the trajectory.
        novel: x_jk at the fixed point, shape (J, K): a skill is novel as far as one of its texts can tell.
        taught: y_jk at the fixed point, shape (J, K): a text teaches a novel skill of it.
    """

    unlearned: float
    learned: float
    testing_error: float
    understood: float
    unlearned_by_class: Floats
    testing_error_by_class: Floats
    understood_by_class: Floats
    trajectory: Floats
    trajectory_by_class: Floats
    converged: bool
    iterations: int
    novel: Floats
    taught: Floats


def evolve(
    ensemble: Ensemble | MultiClassEnsemble,
    learner: Learner,
    *,
    prior: float | Sequence[float] | Floats = 1.0,
    prerequisites: Sequence[JointDegreeDistribution] | None = None,
    max_iterations: int = 1_000,
    tolerance: float = 1e-10,
) -> DensityEvolution:
    """Density evolution of any ensemble and learner.

    Poisson texts and skills: q ← prior · exp(-c R P_suc(c q)). Several classes:
    q_k ← prior_k · exp(-Σ_j (c_jk R_j / α_k) P_suc(Σ_i c_ji q_i)). Any degrees, 1-skill learner:
    x ← prior · λ(1 - ρ(1 - x)), q = prior · L(1 - ρ(1 - x)) [LCH2025], [RichardsonUrbanke2008].

    Args:
        ensemble: One class or several.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand; one number or one a class, shape (K,).
        prerequisites: For each of the K skill classes the joint distribution of its numbers of prerequisites in each
            of the K classes; None if there are none.
        max_iterations: The trajectory ends after so many waves, or when a wave changes less than the
            tolerance. The fixed point does not depend on it.
        tolerance: Width to which the fixed point is bracketed.

    Returns:
        Fixed point and trajectory. Wave k of reading all texts in parallel on a large graph of the ensemble
        leaves the fraction `trajectory[k]` novel.

    Raises:
        AnalysisError: A prior outside 0-1, prerequisites of other classes, or a learner that needs Poisson texts.

    >>> result = evolve(Ensemble.poisson(3.0, 1.1), OneSkillLearner())
    >>> round(result.learned, 4), round(result.testing_error, 4)
    (0.9324, 0.1835)
    """
    classes = ensemble.multi_class()
    n = classes.n_skill_classes
    if prerequisites is not None and [d.n_classes for d in prerequisites] != [n] * n:
        raise AnalysisError(f"prerequisites must be {n} distributions over {n} classes, one for each class of skills")
    recursion = MessageRecursion(
        classes,
        learner,
        prior_of_classes(prior, classes.n_skill_classes),
        None if prerequisites is None else tuple(prerequisites),
    )
    return evolve_recursion(recursion, max_iterations=max_iterations, tolerance=tolerance)


def evolve_recursion(
    recursion: MessageRecursion, *, max_iterations: int = 1_000, tolerance: float = 1e-10
) -> DensityEvolution:
    """Density evolution of a recursion with anything it allows; `evolve` and the hierarchy are cases of it.

    State x of shape (J + 1, K): x ← F(x), `MessageRecursion.step`, from what is known beforehand down to the largest
    fixed point. Sources: [LCH2025], [StabilityRegions2021]; certified steps derived in docs/theory.md, section 2.

    Args:
        recursion: Ensemble, learner, prior, prerequisites, texts read earlier, closed classes.
        max_iterations: As for `evolve`.
        tolerance: As for `evolve`.

    Returns:
        As for `evolve`; testing error and understood texts are those of the classes that are read.

    Raises:
        AnalysisError: A learner that needs Poisson texts.

    >>> from analysis.degrees import DegreeDistribution
    >>> one_skill_a_text = Ensemble(DegreeDistribution.regular(1), DegreeDistribution.poisson(1.0)).multi_class()
    >>> found = evolve_recursion(MessageRecursion(one_skill_a_text, OneSkillLearner(), np.ones(1)))
    >>> round(found.unlearned, 6)  # exp(-1): the skills of no text
    0.367879
    """
    waves = [recursion.start()]
    for _ in range(max_iterations):
        waves.append(recursion.step(waves[-1]))
        if float(np.max(waves[-2] - waves[-1])) <= tolerance:
            break
    # A wave is above the fixed point and is mapped below itself: as good a start as the first.
    found = largest_fixed_point(recursion, waves[-1].ravel(), tolerance=tolerance)
    state = found.value.reshape(recursion.shape)
    for _ in range(_REFINEMENTS):
        state, learned_by_class, errors = recursion.refined(state)
    ensemble = recursion.ensemble
    by_class = np.array([wave[-1] for wave in waves])
    trajectory = by_class @ ensemble.alpha
    unlearned = float(state[-1] @ ensemble.alpha)
    weights = ensemble.ratios * recursion.read
    weights = weights / weights.sum() if weights.sum() > 0.0 else np.full(errors.shape, 1.0 / errors.size)
    understood = recursion.understood(state)
    return DensityEvolution(
        unlearned=unlearned,
        learned=float(learned_by_class @ ensemble.alpha),
        testing_error=float(errors @ weights),
        understood=float(understood @ weights),
        unlearned_by_class=state[-1],
        testing_error_by_class=errors,
        understood_by_class=understood,
        trajectory=trajectory,
        trajectory_by_class=by_class,
        converged=found.converged,
        iterations=len(waves) - 1,
        novel=state[:-1],
        taught=recursion.texts(state),
    )


@dataclass(frozen=True, eq=False)
class ExitCurve:
    """EXIT curves: the two sides of the recursion, each as a function of what the other side tells it.

    Attributes:
        novel: Grid of x, the probability that a skill is novel as far as a text can tell, shape (N,).
        taught: y(x), the probability that a text teaches, shape (N,): the texts' curve is (novel, taught).
        taught_grid: Grid of y, shape (N,).
        novel_after: x(y) = prior λ(1 - y), shape (N,): the skills' curve is (novel_after, taught_grid).
        gap: x - F(x), shape (N,): learning stops at the largest x where it is 0.
    """

    novel: Floats
    taught: Floats
    taught_grid: Floats
    novel_after: Floats
    gap: Floats


def exit_curve(ensemble: Ensemble, learner: Learner, *, prior: float = 1.0, points: int = 201) -> ExitCurve:
    """The EXIT curves of a single-class ensemble [RichardsonUrbanke2008].

    Texts: y(x) = E ψ(N + 1); skills: x(y) = prior λ(1 - y). Learning is a staircase between the two curves and
    stops where they first meet.

    Args:
        ensemble: One class.
        learner: The rule by which texts teach.
        prior: Probability that a skill is not known beforehand.
        points: Number N of points of each curve, ≥ 2.

    Returns:
        Both curves: probabilities in 0-1, float64 (N,) each.

    Raises:
        AnalysisError: Fewer than two points, a prior outside 0-1, measured degrees without edges, or a learner that
            needs Poisson texts.

    >>> curve = exit_curve(Ensemble.poisson(3.0, 1.1), OneSkillLearner(), points=3)
    >>> curve.taught.round(3).tolist()
    [1.0, 0.223, 0.05]
    """
    if points < 2:
        raise AnalysisError(f"a curve needs at least 2 points, not {points}")
    prior_of_classes(prior, 1)
    grid = np.linspace(0.0, 1.0, points)
    counts = ensemble.text_degrees.joint.excess(0).novel_counts(1.0 - grid[:, None], grid[:, None])
    taught = learner.expected_tail(counts, 1)
    return ExitCurve(
        novel=grid,
        taught=taught,
        taught_grid=grid,
        novel_after=prior * ensemble.skill_degrees.edge(1.0 - grid),
        gap=grid - prior * ensemble.skill_degrees.edge(1.0 - taught),
    )


def testing_error(c: float, q: npt.ArrayLike) -> Floats:
    """Probability that a fresh text is not understood, ε = 1 - e^{-c q} (Poisson texts) [LCH2025].

    Args:
        c: Mean number of skills in a text.
        q: Unlearned fractions, any shape.

    Returns:
        Probabilities in 0-1, float64, shape of `q`.

    >>> float(testing_error(3.0, 0.1).round(4))
    0.2592
    """
    return -np.expm1(-c * np.asarray(q, dtype=np.float64))


def learned_fraction_curve(c: float, ratios: npt.ArrayLike, learner: Learner = _ONE) -> Floats:
    """Learned fraction 1 - q(R) of the Poisson ensemble for many ratios at once.

    It inverts R(q) = -ln q / (c P_suc(c q)), the fixed points of [LCH2025], piece by piece
    (`analysis.solution_curve`), to full precision. Derived in docs/theory.md, section 2.

    Args:
        c: Mean number of skills in a text, ≥ 0.
        ratios: Ratios R = T/S ≥ 0, any shape.
        learner: The rule by which texts teach.

    Returns:
        Learned fractions of the skills in 0-1, float64, shape of `ratios`.

    Raises:
        AnalysisError: A ratio or mean that is negative or infinite.

    >>> learned_fraction_curve(3.0, [0.8, 1.0, 1.1]).round(4).tolist()
    [0.1909, 0.3353, 0.9324]
    """
    ratios = np.asarray(ratios, dtype=np.float64)
    if not np.all(np.isfinite(ratios)) or np.any(ratios < 0.0):
        raise AnalysisError("ratios must be finite and not negative")
    if c == 0.0 or ratios.size == 0 or float(ratios.max()) == 0.0:
        return np.zeros(ratios.shape)
    curve = SolutionCurve(Ensemble.poisson(c, 1.0), learner, largest_share=float(ratios.max()))
    return 1.0 - curve.unlearned(ratios)


def asymptotic_error(c: float, R: npt.ArrayLike) -> Floats:
    """Testing error for many texts, ε ≈ c e^{-cR}: what remains are the skills that no text requires [LCH2025].

    Args:
        c: Mean number of skills in a text.
        R: Ratios T/S, any shape.

    Returns:
        Testing errors, float64, shape of `R`; probabilities where they are small.

    >>> round(float(asymptotic_error(3.0, 4.0)), 8)
    1.843e-05
    """
    return c * np.exp(-c * np.asarray(R, dtype=np.float64))


def asymptotic_texts(c: float, error: float, skills: float) -> float:
    """Texts for a small testing error by the scaling law, T ≈ (S / c) ln(c / ε) [LCH2025].

    Args:
        c: Mean number of skills in a text, > 0.
        error: Wanted testing error ε, 0 < ε < 1.
        skills: Number of skills S, > 0.

    Returns:
        T, in texts.

    Raises:
        AnalysisError: A value outside its range.

    >>> round(asymptotic_texts(3.0, 0.001, 10_000))  # 10⁴/3 ln 3000
    26688
    """
    _check_error(c, error, skills)
    return skills / c * float(np.log(c / error))


def texts_for_error(c: float, error: float, skills: float, learner: Learner = _ONE) -> float:
    """Number of texts for a wanted testing error, without approximation (Poisson ensemble, many skills).

    The error allows an unlearned fraction q = -ln(1 - ε) / c; T = S R with the smallest R at which the fixed point
    is at most q. If the error is only reached by a jump, that is the ratio of the jump. Fixed points of [LCH2025];
    derived in docs/theory.md, section 2.

    Args:
        c: Mean number of skills in a text, > 0.
        error: Wanted testing error ε, 0 < ε < 1.
        skills: Number of skills S, > 0.
        learner: The rule by which texts teach.

    Returns:
        T, in texts; for small ε it approaches `asymptotic_texts`.

    Raises:
        AnalysisError: A value outside its range.

    >>> round(texts_for_error(3.0, 0.001, 10_000))
    26713
    """
    _check_error(c, error, skills)
    allowed = min(-float(np.log1p(-error)) / c, 1.0)
    # θ(s) ≥ s and q = e^{-c s} at R = 1: position s is enough to reach q.
    curve = SolutionCurve(Ensemble.poisson(c, 1.0), learner, largest_share=max(-float(np.log(allowed)) / c, 1e-9) * 2.0)
    return skills * curve.share_needed(allowed)


def _check_error(c: float, error: float, skills: float) -> None:
    if not 0.0 < error < 1.0:
        raise AnalysisError(f"a testing error must lie between 0 and 1, not {error:g}")
    if not (c > 0.0 and skills > 0.0):
        raise AnalysisError(f"mean skills and number of skills must be positive, not {c:g} and {skills:g}")
