"""Hierarchies: a fine-tuned model on a foundation model, and skills that are prerequisites of others.

Three ways to train on domain texts after the foundation texts are compared:

- frozen: only domain skills can be added; a domain text is of use once all its basic skills are learned;
- continued: what the foundation learned is the start, and domain texts may teach any skill;
- joint: foundation and domain texts are read together.

On the same graph always learned(frozen) ⊆ learned(continued) ⊆ learned(joint).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.degrees import JointDegreeDistribution
from analysis.density_evolution import DensityEvolution, evolve_recursion
from analysis.ensembles import MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.learners import Learner, OneSkillLearner
from analysis.recursion import MessageRecursion

__all__ = [
    "HierarchyEnsemble",
    "HierarchyResult",
    "compare_training",
    "continued",
    "foundation",
    "frozen",
    "joint",
    "levels",
    "prerequisite_distributions",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ONE = OneSkillLearner()


@dataclass(frozen=True)
class HierarchyEnsemble:
    """Foundation texts with basic skills, domain texts with basic and domain skills, all Poisson.

    Attributes:
        basic_share: α_b, fraction of the skills that are basic; the others are domain skills.
        foundation_ratio: R_f, foundation texts for each skill.
        domain_ratio: R_d, domain texts for each skill.
        mean_foundation: c_f, mean number of basic skills in a foundation text.
        mean_basic: c_b, mean number of basic skills in a domain text.
        mean_domain: c_d, mean number of domain skills in a domain text.
    """

    basic_share: float
    foundation_ratio: float
    domain_ratio: float
    mean_foundation: float
    mean_basic: float
    mean_domain: float

    def multi_class(self) -> MultiClassEnsemble:
        """Text classes foundation 0 and domain 1, skill classes basic 0 and domain 1."""
        return MultiClassEnsemble(
            np.array([self.basic_share, 1.0 - self.basic_share]),
            np.array([self.foundation_ratio, self.domain_ratio]),
            np.array([[self.mean_foundation, 0.0], [self.mean_basic, self.mean_domain]]),
        )


AnyHierarchy = HierarchyEnsemble | MultiClassEnsemble


def _recursion(
    ensemble: AnyHierarchy,
    learner: Learner,
    taught: Floats | None,
    closed: npt.NDArray[np.bool_] | None = None,
) -> MessageRecursion:
    classes = ensemble.multi_class()
    return MessageRecursion(classes, learner, np.ones(classes.n_skill_classes), taught=taught, closed=closed)


def _mask(indices: Sequence[int], size: int, what: str) -> npt.NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    for index in indices:
        if not 0 <= index < size:
            raise AnalysisError(f"there is no {what} class {index}; they are numbered 0 to {size - 1}")
        mask[index] = True
    return mask


def _domain_messages(ensemble: AnyHierarchy, learner: Learner, foundation_texts: Sequence[int]) -> Floats:
    """What the foundation texts teach in the end; nan for the domain texts, which are read next. Shape (J, K)."""
    first = foundation(ensemble, learner, foundation_texts)
    is_foundation = _mask(foundation_texts, ensemble.multi_class().n_text_classes, "text")
    return np.where(is_foundation[:, None], first.taught, np.nan)


def foundation(
    ensemble: AnyHierarchy, learner: Learner = _ONE, foundation_texts: Sequence[int] = (0,)
) -> DensityEvolution:
    """Density evolution of the foundation texts alone: q_b ← exp(-(c_f R_f / α_b) P_suc(c_f q_b)) [LCH2025].

    Args:
        ensemble: A hierarchy, or several classes with any degrees (also measured ones).
        learner: The rule by which texts teach.
        foundation_texts: Text classes of the foundation; the others are domain texts.

    Returns:
        The fixed point, fractions in 0-1; testing error is that of the foundation texts.

    Raises:
        AnalysisError: A class that is not there, or a learner that needs Poisson texts.

    >>> ratio = 0.5 * np.log(2.0) * np.exp(0.5)  # makes q_b = 1/2 solve q_b = exp(-2 R_f exp(-q_b))
    >>> foundation(HierarchyEnsemble(0.5, ratio, 0.0, 1.0, 0.0, 1.0)).unlearned_by_class.round(6).tolist()
    [0.5, 1.0]
    """
    classes = ensemble.multi_class()
    is_foundation = _mask(foundation_texts, classes.n_text_classes, "text")
    taught = np.where(is_foundation[:, None], np.nan, np.zeros(classes.mean_skills.shape))
    return evolve_recursion(_recursion(ensemble, learner, taught))


def frozen(
    ensemble: AnyHierarchy,
    learner: Learner = _ONE,
    *,
    foundation_texts: Sequence[int] = (0,),
    basic_skills: Sequence[int] = (0,),
) -> DensityEvolution:
    """Domain texts add domain skills only, and q_b stays [LCH2025].

    q_d ← exp(-(c_d R_d / α_d) e^{-c_b q_b} P_suc(c_d q_d)).

    Args:
        ensemble: A hierarchy, or several classes with any degrees.
        learner: The rule by which texts teach; its capacity counts the novel domain skills.
        foundation_texts: Text classes of the foundation; the others are domain texts.
        basic_skills: Skill classes that domain texts cannot teach.

    Returns:
        The fixed point after the domain texts, wave 0 being the foundation's; testing error is that of the domain
        texts.

    Raises:
        AnalysisError: A class that is not there, or a learner that needs Poisson texts.

    >>> result = frozen(HierarchyEnsemble(0.5, 0.6, 0.8, 3.0, 1.0, 3.0))
    >>> result.unlearned_by_class.round(4).tolist()
    [0.0417, 0.0117]
    """
    closed = _mask(basic_skills, ensemble.multi_class().n_skill_classes, "skill")
    taught = _domain_messages(ensemble, learner, foundation_texts)
    return evolve_recursion(_recursion(ensemble, learner, taught, closed))


def continued(
    ensemble: AnyHierarchy, learner: Learner = _ONE, *, foundation_texts: Sequence[int] = (0,)
) -> DensityEvolution:
    """Domain texts after the foundation, teaching any skill: q_k ← prior_k exp(-Σ_j …) over the domain texts [LCH2025].

    The prior is what the foundation left: for Poisson degrees its q_k. For other degrees skills that few
    foundation texts require are the ones left, so each skill's prior is that of its own number of foundation texts.

    Args:
        ensemble: A hierarchy, or several classes with any degrees.
        learner: The rule by which texts teach.
        foundation_texts: Text classes of the foundation; the others are domain texts.

    Returns:
        As for `frozen`.

    Raises:
        AnalysisError: A class that is not there, or a learner that needs Poisson texts.

    >>> result = continued(HierarchyEnsemble(0.5, 0.6, 0.8, 3.0, 1.0, 3.0))
    >>> result.unlearned_by_class.round(4).tolist()
    [0.009, 0.0099]
    """
    return evolve_recursion(_recursion(ensemble, learner, _domain_messages(ensemble, learner, foundation_texts)))


def joint(ensemble: AnyHierarchy, learner: Learner = _ONE) -> DensityEvolution:
    """All texts together: the recursion of several classes [StabilityRegions2021].

    q_k ← exp(-Σ_j (c_jk R_j / α_k) P_suc(Σ_i c_ji q_i)) over foundation and domain texts.

    Args:
        ensemble: A hierarchy, or several classes with any degrees.
        learner: The rule by which texts teach.

    Returns:
        The fixed point, fractions in 0-1; testing error is that of all texts.

    Raises:
        AnalysisError: A learner that needs Poisson texts.

    >>> result = joint(HierarchyEnsemble(0.5, 0.6, 0.8, 3.0, 1.0, 3.0))
    >>> result.unlearned_by_class.round(4).tolist()
    [0.0062, 0.0097]
    """
    return evolve_recursion(_recursion(ensemble, learner, None))


@dataclass(frozen=True, eq=False)
class HierarchyResult:
    """The foundation and the three ways to train on it."""

    foundation: DensityEvolution
    frozen: DensityEvolution
    continued: DensityEvolution
    joint: DensityEvolution


def compare_training(
    ensemble: AnyHierarchy,
    learner: Learner = _ONE,
    *,
    foundation_texts: Sequence[int] = (0,),
    basic_skills: Sequence[int] = (0,),
) -> HierarchyResult:
    """Foundation, frozen, continued and joint side by side: learned(frozen) ≤ learned(continued) ≤ learned(joint).

    Sources: [LCH2025], [StabilityRegions2021]; the order is derived in docs/theory.md, section 4.

    Args:
        ensemble: A hierarchy, or several classes with any degrees.
        learner: The rule by which texts teach.
        foundation_texts: Text classes of the foundation; the others are domain texts.
        basic_skills: Skill classes that domain texts cannot teach in frozen training.

    Returns:
        The four fixed points, fractions in 0-1.

    Raises:
        AnalysisError: A class that is not there, or a learner that needs Poisson texts.

    >>> without_domain = HierarchyEnsemble(0.5, 0.5 * np.log(2.0) * np.exp(0.5), 0.0, 1.0, 0.0, 1.0)
    >>> found = compare_training(without_domain)  # half of the basic skills, in all ways
    >>> [round(way.learned, 6) for way in (found.foundation, found.frozen, found.continued, found.joint)]
    [0.25, 0.25, 0.25, 0.25]
    """
    return HierarchyResult(
        foundation(ensemble, learner, foundation_texts),
        frozen(ensemble, learner, foundation_texts=foundation_texts, basic_skills=basic_skills),
        continued(ensemble, learner, foundation_texts=foundation_texts),
        joint(ensemble, learner),
    )


def levels(
    prerequisite: npt.ArrayLike, skill: npt.ArrayLike, n_skills: int, names: Sequence[str] | None = None
) -> Ints:
    """Level of every skill in the graph of prerequisites.

    level(s) = 0 without prerequisites, otherwise 1 + the largest level among them (the longest chain below s).
    Derived in docs/theory.md, section 4.

    Args:
        prerequisite: Skill index that must be learned first, shape (P,), integers in 0 … n_skills - 1.
        skill: Skill index that needs it, shape (P,), integers likewise.
        n_skills: Number of skills S.
        names: What messages call the skills, shape (S,); None calls them by index.

    Returns:
        Levels, number of skills in the chain below, int64 (S,).

    Raises:
        AnalysisError: An index outside its range, or a cycle; the message names the skills of one.

    >>> levels([0, 1, 0], [1, 2, 2], 4).tolist()
    [0, 1, 2, 0]
    """
    before, after = np.asarray(prerequisite, dtype=np.int64), np.asarray(skill, dtype=np.int64)
    _check_prerequisites(before, after, n_skills)
    order = np.argsort(before, kind="stable")
    targets = after[order]
    start = np.concatenate([[0], np.cumsum(np.bincount(before, minlength=n_skills))])
    waiting = np.bincount(after, minlength=n_skills)
    level = np.zeros(n_skills, dtype=np.int64)
    ready, depth, done = np.flatnonzero(waiting == 0), 0, 0
    while ready.size:
        level[ready] = depth
        done += ready.size
        reached = targets[_ranges(start[ready], start[ready + 1])]
        np.subtract.at(waiting, reached, 1)
        reached = np.unique(reached)
        ready, depth = reached[waiting[reached] == 0], depth + 1
    if done < n_skills:
        cycle = [str(i) if names is None else repr(names[i]) for i in _cycle(before, after, waiting > 0)]
        raise AnalysisError(f"prerequisites form a cycle: {' -> '.join(cycle)}; remove one of its links")
    return level


def prerequisite_distributions(
    prerequisite: npt.ArrayLike, skill: npt.ArrayLike, skill_class: npt.ArrayLike
) -> tuple[JointDegreeDistribution, ...]:
    """For each class of skills, how many prerequisites its skills have in each class; input of `evolve`.

    Density evolution with prerequisites: q_k ← prior_k (1 - (1 - L_k(1 - y_·k)) A_k), A_k = E Π_l (1 - q_l)^{m_l} over
    the numbers m_l of prerequisites. It is exact where prerequisites are drawn independently of the texts, evenly
    within a class, and levels (or anything that tells them apart) are classes. Derived in docs/theory.md, section 4.

    Args:
        prerequisite: Skill index that must be learned first, shape (P,), integers in 0 … S-1.
        skill: Skill index that needs it, shape (P,), integers likewise.
        skill_class: Class of every skill, shape (S,), integers in 0 … K-1.

    Returns:
        K joint distributions of numbers of prerequisites over K classes.

    Raises:
        AnalysisError: An index outside its range.

    >>> [d.means.tolist() for d in prerequisite_distributions([0, 1], [2, 2], [0, 0, 1])]
    [[0.0, 0.0], [2.0, 0.0]]
    """
    before, after, label = (np.asarray(v, dtype=np.int64) for v in (prerequisite, skill, skill_class))
    _check_prerequisites(before, after, label.size)
    K = int(label.max(initial=0)) + 1
    counts = np.bincount(after * K + label[before], minlength=label.size * K).reshape(label.size, K)
    return tuple(
        JointDegreeDistribution.empirical(rows)
        if (rows := counts[label == k]).size
        else JointDegreeDistribution.poisson(np.zeros(K))
        for k in range(K)
    )


def _check_prerequisites(before: Ints, after: Ints, n_skills: int) -> None:
    if before.shape != after.shape or before.ndim != 1:
        raise AnalysisError(f"{before.size} prerequisites are given for {after.size} skills; each link needs both")
    for values in (before, after):
        if values.size and (values.min() < 0 or values.max() >= n_skills):
            raise AnalysisError(f"a prerequisite names skill {values.max()}, but there are {n_skills} skills")


def _ranges(start: Ints, end: Ints) -> Ints:
    """The numbers start[0] … end[0]-1, start[1] … end[1]-1, … in one array."""
    lengths = end - start
    offsets = np.repeat(start - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return offsets + np.arange(int(lengths.sum()), dtype=np.int64)


def _cycle(before: Ints, after: Ints, blocked: npt.NDArray[np.bool_]) -> list[int]:
    """One cycle among blocked skills, first and last the same: each of them has a blocked prerequisite."""
    inside = blocked[before] & blocked[after]
    needs = dict(zip(after[inside].tolist(), before[inside].tolist(), strict=True))
    walk, seen = [int(np.flatnonzero(blocked)[0])], {}
    while walk[-1] not in seen:
        seen[walk[-1]] = len(walk) - 1
        walk.append(needs[walk[-1]])
    return walk[seen[walk[-1]] :][::-1]
