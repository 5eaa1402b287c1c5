"""Random graphs that keep every text's mix of types and every skill's degree exactly: rewiring a given graph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["rewire"]


def rewire(
    graph: SkillTextGraph,
    types: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    text_class: npt.ArrayLike | None = None,
    sweeps: int = 5,
) -> SkillTextGraph:
    """A random graph with the same number of skills of each type in every text and the same degree of every skill.

    Two edges (t, s) and (u, v) of the same type become (t, v) and (u, s) unless a text would require a skill twice, so
    the graph stays simple: a Markov chain whose stationary law is uniform over the simple graphs with these numbers
    [Ryser1963]. One type keeps sizes and degrees only, a type for each skill keeps the graph.

    Args:
        graph: T texts, S skills.
        types: Type of every skill, integers (S,).
        rng: Source of randomness.
        text_class: Class of every text, integers (T,): skills then keep their number of texts of each class.
        sweeps: Times that a swap with a random partner is tried for every edge.

    Returns:
        A graph of T texts and S skills.

    Raises:
        AnalysisError: Labels that do not fit.

    >>> graph = SkillTextGraph.from_edges([0, 0, 1, 1, 2], [0, 1, 1, 2, 2], 3, 3)
    >>> drawn = rewire(graph, [0, 0, 0], np.random.default_rng(1))
    >>> drawn.text_degrees.tolist(), drawn.skill_degrees.tolist()
    ([2, 2, 1], [1, 2, 2])
    """
    label, classes = np.asarray(types), np.zeros(graph.n_texts, int) if text_class is None else np.asarray(text_class)
    if label.shape != (graph.n_skills,) or classes.shape != (graph.n_texts,):
        raise AnalysisError("types must have one number per skill, and text_class one per text")
    if graph.n_edges == 0:
        return graph
    from analysis._kernels import typed as kernels

    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    key = classes[text_of].astype(np.int64) * (int(label.max()) + 1) + label[graph.text_skills]
    order = np.argsort(key, kind="stable")
    numbers = key[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(numbers)) + 1, [len(order)]]).astype(np.int64)
    size = np.diff(starts)
    first, width = np.repeat(starts[:-1], size), np.repeat(size, size)
    skills = graph.text_skills.copy()
    for _ in range(sweeps):
        partner = first + (rng.random(len(order)) * width).astype(np.int64)
        kernels.swap_ends(graph.text_ptr, skills, text_of, order, starts, partner)
    return SkillTextGraph.from_csr(graph.text_ptr, skills, graph.n_skills)
