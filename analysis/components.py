"""Connected components of the association graph of learned skills, without building that graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis._kernels import Engine, compiled
from analysis._kernels.masks import Rule, bool_mask, usable_texts
from analysis.graph import SkillTextGraph

__all__ = ["Components", "Rule", "components"]


@dataclass(frozen=True, eq=False)
class Components:
    """The components of learned skills.

    Attributes:
        label: int32 (S,): component of each learned skill, -1 for skills that are not learned; 0 is the
            largest, then by falling size, ties by the smallest skill index in them.
        sizes: int64 (number of components,): number of skills in each.
    """

    label: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int64]

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.sizes)

    @property
    def giant(self) -> int:
        """Number of skills in the largest component; 0 if nothing is learned."""
        return int(self.sizes[0]) if len(self.sizes) else 0

    @property
    def giant_fraction(self) -> float:
        """Share of all S skills in the largest component, 0–1."""
        return self.giant / len(self.label) if len(self.label) else 0.0


def components(
    graph: SkillTextGraph,
    learned: npt.ArrayLike,
    rule: Rule = "any",
    *,
    engine: Engine = "auto",
) -> Components:
    """Components of the learned skills, two of them joined when a text requires both.

    Union–find over texts as hyperedges [NewmanZiff2000]: O(E) time and O(S) memory, however many pairs a text has.

    Args:
        graph: T texts, S skills.
        learned: bool (S,): the nodes.
        rule: `any` text joins its learned skills; or only an `understood` text, all of whose skills are
            learned (section 5 of docs/theory.md).
        engine: `numpy`, `numba`, or `auto` to choose by size; the result is the same.

    Returns:
        Label of each skill, int32 (S,), and sizes in skills, int64, largest first.

    Raises:
        AnalysisError: A mask of the wrong shape, an unknown rule or engine.

    >>> graph = SkillTextGraph.from_csr([0, 2, 4], [0, 1, 2, 3], n_skills=4)
    >>> found = components(graph, [True, False, True, True])
    >>> found.label.tolist(), found.sizes.tolist()
    ([1, -1, 0, 0], [2, 1])
    """
    nodes = bool_mask("learned", learned, graph.n_skills)
    if compiled(engine, graph.n_edges):
        from analysis._kernels import union_find

        root = union_find.roots(graph.text_ptr, graph.text_skills, nodes, usable_texts(graph, nodes, rule))
    else:
        root = _roots_numpy(graph, nodes, usable_texts(graph, nodes, rule))
    return _by_size(root)


def _roots_numpy(
    graph: SkillTextGraph, nodes: npt.NDArray[np.bool_], texts: npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.int32]:
    """The smallest skill of each component, int32 (S,), -1 outside."""
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    kept = nodes[graph.text_skills]
    if texts is not None:
        kept &= texts[text_of]
    skills, text_of = graph.text_skills[kept], text_of[kept]
    same = text_of[1:] == text_of[:-1]
    root = joined(skills[:-1][same], skills[1:][same], graph.n_skills)
    root[~nodes] = -1
    return root


def joined(a: npt.NDArray[np.integer], b: npt.NDArray[np.integer], n: int) -> npt.NDArray[np.int32]:
    """The smallest node of each component when links join `a` and `b`, int32 (n,); by hooking and pointer jumping."""
    parent = np.arange(n, dtype=np.int32)
    while len(a):
        a, b = parent[a], parent[b]
        apart = a != b
        a, b = a[apart], b[apart]
        np.minimum.at(parent, np.maximum(a, b), np.minimum(a, b))
        while True:
            jumped = parent[parent]
            if np.array_equal(jumped, parent):
                break
            parent = jumped
    return parent


def _by_size(root: npt.NDArray[np.int32]) -> Components:
    """Components numbered by size from the representative of each skill, which is its smallest skill."""
    sizes = np.bincount(root[root >= 0], minlength=len(root))
    roots = np.flatnonzero(sizes)
    order = roots[np.argsort(-sizes[roots], kind="stable")]
    rank = np.full(len(root) + 1, -1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    label, found = rank[root], sizes[order].astype(np.int64)
    label.flags.writeable = found.flags.writeable = False
    return Components(label, found)
