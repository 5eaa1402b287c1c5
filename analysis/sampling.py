"""Random skill–text graphs drawn from the ensembles of the theory, in O(edges)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["ClassGraph", "class_graph", "configuration_graph", "hierarchy_graph", "poisson_graph", "uniform_graph"]


_MOST_DRAWS = 2**31 - 1  # places of edges are 32-bit numbers


@dataclass(frozen=True, eq=False)
class ClassGraph:
    """A random graph with its classes; texts and skills are ordered by class.

    Attributes:
        graph: T texts, S skills.
        text_class: Class of each text, int32 (T,).
        skill_class: Class of each skill, int32 (S,).
    """

    graph: SkillTextGraph
    text_class: npt.NDArray[np.int32]
    skill_class: npt.NDArray[np.int32]


def poisson_graph(mean_skills: float, n_texts: int, n_skills: int, rng: np.random.Generator) -> SkillTextGraph:
    """A graph of the Poisson ensemble: |φ(t)| ~ Poisson(c) draws, each of a uniform skill.

    A skill that a text draws twice is one edge (section 1 of docs/theory.md), so the expected number of edges
    is T S (1 - e^{-c/S}), slightly below c T. Source: [LCH2025].

    Args:
        mean_skills: c, mean number of draws of a text.
        n_texts: T.
        n_skills: S, at least 1 unless there are no draws.
        rng: Source of randomness.

    Returns:
        A graph of T texts and S skills.

    Raises:
        AnalysisError: A negative mean or count, draws without skills, or more draws than a graph can hold.

    >>> graph = poisson_graph(4.0, 1500, 1000, np.random.default_rng(0))
    >>> graph.n_texts, graph.n_skills, round(graph.mean_skills, 1)
    (1500, 1000, 4.0)
    """
    if not (np.isfinite(mean_skills) and mean_skills >= 0):
        raise AnalysisError(f"mean_skills is {mean_skills}; it must be a number of at least 0")
    _check_counts(n_texts=n_texts, n_skills=n_skills)
    if not mean_skills * n_texts <= _MOST_DRAWS or n_texts > _MOST_DRAWS:
        raise AnalysisError(
            f"{n_texts:.6g} texts of {mean_skills:g} skills each are more than {_MOST_DRAWS:.0e} requirements: "
            "choose a smaller ratio, or fewer skills"
        )
    return uniform_graph(rng.poisson(mean_skills, n_texts), n_skills, rng)


def uniform_graph(text_degrees: npt.ArrayLike, n_skills: int, rng: np.random.Generator) -> SkillTextGraph:
    """A graph whose texts make the given numbers of draws, each of a uniform skill; repeats are one edge.

    The texts of [LCH2025] with any numbers of draws: P(text t requires s) = 1 - (1 - 1/S)^{n_t}.

    Args:
        text_degrees: Number of draws of each text, integers (T,).
        n_skills: S.
        rng: Source of randomness.

    Returns:
        A graph of T texts and S skills.

    Raises:
        AnalysisError: Degrees that are not whole numbers from 0 on, or draws without skills.

    >>> uniform_graph([2, 0, 1], 1, np.random.default_rng(0)).text_degrees.tolist()
    [1, 0, 1]
    """
    pointers = _pointers("text_degrees", text_degrees)
    if pointers[-1] and n_skills < 1:
        raise AnalysisError("texts cannot draw skills when there are none: n_skills is 0")
    _check_counts(n_skills=n_skills)
    skills = rng.integers(0, max(n_skills, 1), pointers[-1], dtype=np.int32)
    return SkillTextGraph.from_csr(pointers, skills, n_skills)


def configuration_graph(
    text_degrees: npt.ArrayLike, skill_degrees: npt.ArrayLike, rng: np.random.Generator
) -> SkillTextGraph:
    """A graph of the configuration model: edge ends of texts and skills matched uniformly at random.

    Where a text meets a skill twice the two become one edge, so a few degrees come out smaller than asked;
    their share vanishes as the graph grows with bounded degrees. Source: [RichardsonUrbanke2008], the
    ensemble of irregular LDPC codes; [NSW2001].

    Args:
        text_degrees: Integers (T,), from 0 on.
        skill_degrees: Integers (S,), with the same sum.
        rng: Source of randomness.

    Returns:
        A graph of T texts and S skills.

    Raises:
        AnalysisError: Degrees that are not whole numbers from 0 on, or sums that differ.

    >>> graph = configuration_graph([3] * 200, [2] * 300, np.random.default_rng(0))
    >>> graph.n_edges > 590, graph.skill_degrees.max() <= 2
    (True, np.True_)
    """
    pointers, skill_pointers = _pointers("text_degrees", text_degrees), _pointers("skill_degrees", skill_degrees)
    if pointers[-1] != skill_pointers[-1]:
        raise AnalysisError(f"text degrees sum to {pointers[-1]} and skill degrees to {skill_pointers[-1]}: not equal")
    n_skills = len(skill_pointers) - 1
    ends = np.repeat(np.arange(n_skills, dtype=np.int32), np.diff(skill_pointers))
    rng.shuffle(ends)
    return SkillTextGraph.from_csr(pointers, ends, n_skills)


def class_graph(
    mean_skills: npt.ArrayLike,
    text_counts: npt.ArrayLike,
    skill_counts: npt.ArrayLike,
    rng: np.random.Generator,
) -> ClassGraph:
    """A graph of the Poisson ensemble with classes: a class-j text draws Poisson(c_jk) skills of class k.

    Source: [StabilityRegions2021]; section 3 of docs/theory.md.

    Args:
        mean_skills: c_jk, float (J, K).
        text_counts: Number of texts of each class, integers (J,).
        skill_counts: Number of skills of each class, integers (K,).
        rng: Source of randomness.

    Returns:
        A graph of Σ_j T_j texts and Σ_k S_k skills in order of class, with their classes, int32.

    Raises:
        AnalysisError: Shapes that do not fit, negative numbers, or draws from a class without skills.

    >>> drawn = class_graph([[3.0, 0.0], [1.0, 2.0]], [50, 60], [40, 30], np.random.default_rng(0))
    >>> drawn.text_class[[0, -1]].tolist(), drawn.graph.text_skills[: drawn.graph.text_ptr[50]].max() < 40
    ([0, 1], np.True_)
    """
    means = np.asarray(mean_skills, dtype=np.float64)
    texts, skills = np.diff(_pointers("text_counts", text_counts)), np.diff(_pointers("skill_counts", skill_counts))
    if means.shape != (len(texts), len(skills)):
        raise AnalysisError(
            f"mean_skills must be ({len(texts)}, {len(skills)}), one row per class of texts: {means.shape}"
        )
    if not np.all(np.isfinite(means) & (means >= 0)):
        raise AnalysisError("mean_skills must be numbers of at least 0")
    empty = (skills == 0) & np.any((means > 0) & (texts > 0)[:, None], axis=0)
    if empty.any():
        raise AnalysisError(f"skill class {np.argmax(empty)} has no skills, but texts require some of it")
    first_text, first_skill = np.cumsum(texts) - texts, np.cumsum(skills) - skills
    text_ids, skill_ids = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    for j, k in np.ndindex(*means.shape):
        if means[j, k] and texts[j]:
            draws = rng.poisson(means[j, k], texts[j])
            ids = np.arange(int(first_text[j]), int(first_text[j] + texts[j]), dtype=np.int32)
            text_ids.append(np.repeat(ids, draws))
            drawn = rng.integers(first_skill[k], first_skill[k] + skills[k], int(draws.sum()), dtype=np.int32)
            skill_ids.append(drawn)
    graph = SkillTextGraph.from_edges(
        np.concatenate(text_ids), np.concatenate(skill_ids), int(texts.sum()), int(skills.sum())
    )
    text_class = np.repeat(np.arange(len(texts), dtype=np.int32), texts)
    skill_class = np.repeat(np.arange(len(skills), dtype=np.int32), skills)
    text_class.flags.writeable = skill_class.flags.writeable = False
    return ClassGraph(graph, text_class, skill_class)


def hierarchy_graph(
    mean_skills: tuple[float, float, float],
    text_counts: tuple[int, int],
    skill_counts: tuple[int, int],
    rng: np.random.Generator,
) -> ClassGraph:
    """A graph of foundation texts (class 0) and domain texts (class 1) over basic (0) and domain skills (1).

    Section 4 of docs/theory.md: a foundation text draws Poisson(c_f) basic skills, a domain text Poisson(c_b)
    basic and Poisson(c_d) domain skills.

    Args:
        mean_skills: (c_f, c_b, c_d).
        text_counts: Number of foundation and of domain texts.
        skill_counts: Number of basic and of domain skills.
        rng: Source of randomness.

    Returns:
        A graph of texts and skills in order of class, with their classes, int32.

    Raises:
        AnalysisError: As for `class_graph`.

    >>> drawn = hierarchy_graph((3.0, 1.0, 3.0), (60, 80), (50, 50), np.random.default_rng(0))
    >>> foundation = drawn.graph.subset(drawn.text_class == 0)
    >>> foundation.skill_degrees[drawn.skill_class == 1].sum()
    np.int64(0)
    """
    foundation, basic, domain = mean_skills
    return class_graph([[foundation, 0.0], [basic, domain]], text_counts, skill_counts, rng)


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 0:
            raise AnalysisError(f"{name} is {value}; it must be at least 0")


def _pointers(name: str, degrees: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Running sums from 0 of degrees, int64 (n+1,)."""
    values = np.asarray(degrees)
    if values.ndim != 1 or (values.size and (values.dtype.kind not in "iu" or values.min() < 0)):
        raise AnalysisError(f"{name} must be whole numbers of at least 0, one-dimensional")
    pointers = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=pointers[1:])
    return pointers
