"""Ensembles of skill–text graphs: pure descriptions by degree distributions, from which nothing is sampled here."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.degrees import DegreeDistribution, JointDegreeDistribution
from analysis.errors import AnalysisError

__all__ = ["DegreeDistribution", "Ensemble", "JointDegreeDistribution", "MultiClassEnsemble"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """All skill–text graphs with given degrees of texts and skills, otherwise random (configuration model).

    Attributes:
        text_degrees: Number of skills of a text.
        skill_degrees: Number of texts of a skill; skills of degree 0 are never learned.
    """

    text_degrees: DegreeDistribution
    skill_degrees: DegreeDistribution

    def __post_init__(self) -> None:
        if self.text_degrees.mean == 0.0 < self.skill_degrees.mean:
            raise AnalysisError("skills are required by texts, but texts require no skills")

    @classmethod
    def poisson(cls, c: float, R: float) -> Ensemble:
        """Poisson(c) skills a text, R texts a skill; so a skill is in Poisson(cR) texts [LCH2025].

        Args:
            c: Mean number of skills in a text, ≥ 0.
            R: Ratio of texts to skills, ≥ 0.

        Returns:
            The ensemble with Poisson(c) texts and Poisson(cR) skills.

        Raises:
            AnalysisError: A negative or infinite value.

        >>> Ensemble.poisson(3.0, 1.1).skill_degrees.mean
        3.3000000000000003
        """
        for name, value in (("mean number of skills in a text", c), ("ratio of texts to skills", R)):
            if not (np.isfinite(value) and value >= 0.0):
                raise AnalysisError(f"the {name} must be a number of at least 0, not {value}")
        return cls(DegreeDistribution.poisson(c), DegreeDistribution.poisson(c * R))

    @classmethod
    def regular(cls, skills_per_text: int, texts_per_skill: int) -> Ensemble:
        """Every text has the same number of skills, every skill is in the same number of texts [RichardsonUrbanke2008].

        Args:
            skills_per_text: Skills of each text, a whole number from 0.
            texts_per_skill: Texts of each skill, a whole number from 0.

        Returns:
            The ensemble, with ratio R = `texts_per_skill` / `skills_per_text`.

        Raises:
            AnalysisError: A number that is negative or not whole, or texts of no skills for skills that are in texts.

        >>> Ensemble.regular(6, 3).ratio
        0.5
        """
        return cls(DegreeDistribution.regular(skills_per_text), DegreeDistribution.regular(texts_per_skill))

    @classmethod
    def from_degrees(cls, text_degrees: npt.ArrayLike, skill_degrees: npt.ArrayLike) -> Ensemble:
        """The degrees measured on a graph, with ρ and λ of their histograms [RichardsonUrbanke2008].

        Args:
            text_degrees: Number of skills of each text, integers (T,), from 0 on.
            skill_degrees: Number of texts of each skill, integers (S,), with the same sum.

        Returns:
            The ensemble of the measured degrees.

        Raises:
            AnalysisError: No texts or no skills, a negative degree, or sums (numbers of edges) that differ.

        >>> Ensemble.from_degrees([2, 1], [1, 2, 0]).mean_skills
        1.5
        """
        texts, skills = np.asarray(text_degrees), np.asarray(skill_degrees)
        if texts.sum() != skills.sum():
            raise AnalysisError(
                f"texts have {texts.sum()} edges and skills {skills.sum()}: these cannot be the degrees of one graph"
            )
        return cls(DegreeDistribution.empirical(texts), DegreeDistribution.empirical(skills))

    @property
    def mean_skills(self) -> float:
        """c, the mean number of skills in a text."""
        return self.text_degrees.mean

    @property
    def ratio(self) -> float:
        """R = T/S, the number of texts for each skill."""
        return self.skill_degrees.mean / self.text_degrees.mean if self.text_degrees.mean > 0.0 else 0.0

    @property
    def is_poisson(self) -> bool:
        """True if both degrees are Poisson."""
        return self.text_degrees.poisson_mean is not None and self.skill_degrees.poisson_mean is not None

    def multi_class(self) -> MultiClassEnsemble:
        """The same as an ensemble with one class of texts and one of skills."""
        return MultiClassEnsemble(
            np.ones(1),
            np.array([self.ratio]),
            np.array([[self.mean_skills]]),
            text_degrees=(self.text_degrees.joint,),
            skill_degrees=(self.skill_degrees.joint,),
        )


@dataclass(frozen=True, eq=False)
class MultiClassEnsemble:
    """Several classes of skills and texts [StabilityRegions2021].

    Attributes:
        alpha: Fraction of the skills in each class, shape (K,), sums to 1.
        ratios: Texts of each class for one skill of any class, R_j = T_j / S, shape (J,).
        mean_skills: c_jk, mean number of class-k skills in a class-j text, shape (J, K).
        text_degrees: For each text class the joint distribution of its numbers of skills of each class; Poisson
            with means c_j· unless given.
        skill_degrees: For each skill class the joint distribution of its numbers of texts of each class; Poisson
            with means c_jk R_j / α_k unless given.
    """

    alpha: Floats
    ratios: Floats
    mean_skills: Floats
    text_degrees: tuple[JointDegreeDistribution, ...] = field(default=())
    skill_degrees: tuple[JointDegreeDistribution, ...] = field(default=())

    def __post_init__(self) -> None:
        alpha, ratios = (np.atleast_1d(np.array(v, dtype=np.float64)) for v in (self.alpha, self.ratios))
        mean = np.atleast_2d(np.array(self.mean_skills, dtype=np.float64))
        if mean.shape != (ratios.size, alpha.size):
            raise AnalysisError(
                f"mean_skills must have {ratios.size} rows (text classes) and {alpha.size} columns (skill classes), "
                f"not {mean.shape[0]} and {mean.shape[1]}"
            )
        for name, values in (("alpha", alpha), ("ratios", ratios), ("mean_skills", mean)):
            if not np.all(np.isfinite(values)) or np.any(values < 0.0):
                raise AnalysisError(f"{name} must be finite and not negative, not {values.tolist()}")
            values.setflags(write=False)
        if abs(alpha.sum() - 1.0) > 1e-9:
            raise AnalysisError(f"the fractions alpha of the skill classes must sum to 1, not {alpha.sum():g}")
        if np.any((alpha == 0.0) & (mean.max(axis=0) > 0.0)):
            raise AnalysisError("texts require skills of a class that holds no skill; its alpha is 0")
        object.__setattr__(self, "alpha", alpha)
        object.__setattr__(self, "ratios", ratios)
        object.__setattr__(self, "mean_skills", mean)
        if not self.text_degrees:
            object.__setattr__(self, "text_degrees", tuple(JointDegreeDistribution.poisson(row) for row in mean))
        if not self.skill_degrees:
            # An empty class has no skills and so no texts: its degrees do not matter.
            per_skill = mean * ratios[:, None] / np.where(alpha > 0.0, alpha, 1.0)
            object.__setattr__(self, "skill_degrees", tuple(JointDegreeDistribution.poisson(r) for r in per_skill.T))
        if len(self.text_degrees) != ratios.size or len(self.skill_degrees) != alpha.size:
            raise AnalysisError("one distribution of degrees is needed for each class of texts and of skills")

    @classmethod
    def from_labels(
        cls,
        text: npt.ArrayLike,
        skill: npt.ArrayLike,
        text_class: npt.ArrayLike,
        skill_class: npt.ArrayLike,
        *,
        poisson: bool = False,
    ) -> MultiClassEnsemble:
        """Measured on a graph whose texts and skills carry classes.

        Args:
            text: Text index of every edge, shape (E,), integers in 0 … T-1.
            skill: Skill index of every edge, shape (E,), integers in 0 … S-1.
            text_class: Class of every text, shape (T,), integers in 0 … J-1.
            skill_class: Class of every skill, shape (S,), integers in 0 … K-1.
            poisson: Keep only the means α_k, R_j and c_jk, with Poisson degrees; otherwise the measured joint
                degrees are kept.

        Returns:
            The ensemble with J and K as large as the labels say.

        Raises:
            AnalysisError: An index or class outside its range, or no texts or skills.

        >>> MultiClassEnsemble.from_labels([0, 0, 1], [0, 1, 1], [0, 0], [0, 1]).mean_skills.tolist()
        [[0.5, 1.0]]
        """
        text, skill, text_class, skill_class = (
            np.asarray(v, dtype=np.int64) for v in (text, skill, text_class, skill_class)
        )
        _check_labels(text, skill, text_class, skill_class)
        n_texts, n_skills = text_class.size, skill_class.size
        J, K = int(text_class.max()) + 1, int(skill_class.max()) + 1
        per_text = np.bincount(text * K + skill_class[skill], minlength=n_texts * K).reshape(n_texts, K)
        per_skill = np.bincount(skill * J + text_class[text], minlength=n_skills * J).reshape(n_skills, J)
        texts_in, skills_in = np.bincount(text_class), np.bincount(skill_class)
        edges = np.zeros((J, K))
        np.add.at(edges, text_class, per_text)
        alpha, ratios = skills_in / n_skills, texts_in / n_skills
        mean_skills = edges / np.maximum(texts_in, 1)[:, None]
        if poisson:
            return cls(alpha, ratios, mean_skills)
        return cls(
            alpha,
            ratios,
            mean_skills,
            text_degrees=_by_class(per_text, text_class, J),
            skill_degrees=_by_class(per_skill, skill_class, K),
        )

    @property
    def n_text_classes(self) -> int:
        """J."""
        return int(self.ratios.size)

    @property
    def n_skill_classes(self) -> int:
        """K."""
        return int(self.alpha.size)

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Pairs (j, k) of a text class and a skill class that have edges between them."""
        texts, skills = self.text_degrees, self.skill_degrees
        return [
            (j, k)
            for j, k in np.ndindex(len(texts), len(skills))
            if texts[j].means[k] > 0.0 and skills[k].means[j] > 0.0
        ]

    def multi_class(self) -> MultiClassEnsemble:
        """Itself."""
        return self

    def with_ratios(self, ratios: npt.ArrayLike) -> MultiClassEnsemble:
        """The Poisson ensemble with other ratios of texts, shape (J,).

        Raises:
            AnalysisError: The degrees are measured, so another number of texts is another graph.
        """
        if any(d.poisson_means is None for d in (*self.text_degrees, *self.skill_degrees)):
            raise AnalysisError("ratios can be changed only where all degrees are Poisson")
        return MultiClassEnsemble(self.alpha, np.asarray(ratios, dtype=np.float64), self.mean_skills)


def _by_class(
    degrees: npt.NDArray[np.int64], label: npt.NDArray[np.int64], n: int
) -> tuple[JointDegreeDistribution, ...]:
    empty = JointDegreeDistribution.poisson(np.zeros(degrees.shape[1]))
    return tuple(
        JointDegreeDistribution.empirical(rows) if (rows := degrees[label == k]).size else empty for k in range(n)
    )


def _check_labels(
    text: npt.NDArray[np.int64],
    skill: npt.NDArray[np.int64],
    text_class: npt.NDArray[np.int64],
    skill_class: npt.NDArray[np.int64],
) -> None:
    if text_class.size == 0 or skill_class.size == 0:
        raise AnalysisError("classes can be measured only on a graph with texts and skills")
    if text.shape != skill.shape:
        raise AnalysisError(
            f"{text.size} texts and {skill.size} skills were given for the edges; each edge has one text and one skill"
        )
    for name, values, limit in (
        ("text", text, text_class.size),
        ("skill", skill, skill_class.size),
        ("text class", text_class, None),
        ("skill class", skill_class, None),
    ):
        if values.size and (values.min() < 0 or (limit is not None and values.max() >= limit)):
            bound = "" if limit is None else f" and below {limit}"
            raise AnalysisError(f"a {name} index must be from 0{bound}; there are {values.min()} and {values.max()}")
