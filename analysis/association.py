"""The association graph: learned skills joined by the number of texts that require both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis._kernels import Engine, compiled
from analysis._kernels.masks import Rule, bool_mask, usable_texts
from analysis._kernels.pairs import raised_weight, strongest_of_each
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["AssociationGraph", "Rule", "associate"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_BLOCK = 1 << 21  # pairs that the numpy engine holds at a time, before they are merged


@dataclass(frozen=True, eq=False)
class AssociationGraph:
    """Weighted pairs of learned skills, ordered by (source, target), each pair once.

    Attributes:
        source: Skill index, int32 (P,).
        target: Skill index, int32 (P,), larger than `source`.
        weight: Number of texts that require both, int64 (P,).
        n_skills: Number of skills S.
        n_pairs: Number of distinct pairs before `min_weight`, `top_k` and `max_pairs`.
        min_weight: Smallest weight that was kept: larger than asked for if `max_pairs` forced it.
        skipped_texts: Number of texts left out because of `max_text_skills`.
        skipped_pairs: Number of pairs in those texts, Σ n(n-1)/2 over their numbers n of learned skills.
    """

    source: Int32
    target: Int32
    weight: Int64
    n_skills: int
    n_pairs: int
    min_weight: int
    skipped_texts: int
    skipped_pairs: int

    @property
    def n_associations(self) -> int:
        """Number of pairs P."""
        return len(self.source)

    @property
    def dropped_pairs(self) -> int:
        """Number of distinct pairs that `min_weight`, `top_k` and `max_pairs` left out."""
        return self.n_pairs - len(self.source)


def associate(
    graph: SkillTextGraph,
    learned: npt.ArrayLike,
    rule: Rule = "any",
    *,
    min_weight: int = 1,
    top_k: int | None = None,
    max_text_skills: int | None = None,
    max_pairs: int = 2**25,
    engine: Engine = "auto",
) -> AssociationGraph:
    """The weighted projection on the learned skills: w(s, s') = number of texts that require both.

    O(Σ_t |φ(t)|²) time. `numba` goes row by row with one counter for each skill: 8 bytes an edge, S counters, 16 bytes
    for each of the at most `max_pairs` pairs of the result. With `top_k` it allocates before that 16 bytes for each of
    min(top_k·S, 2 Σ_t n_t(n_t-1)/2) candidates, n_t the learned skills of text t, and sorts those that it finds:
    `max_pairs` does not bound these.
    `numpy` holds all distinct pairs at once, 16 bytes each and more while blocks are merged; no limit bounds that.
    Source: [LCH2025], skill association.

    Args:
        graph: T texts, S skills.
        learned: The nodes, bool (S,).
        rule: `any` text joins its learned skills; or only an `understood` text, all of whose skills are
            learned.
        min_weight: Leave out pairs of smaller weight.
        top_k: Keep a pair only if it is among the k heaviest of at least one of its two skills, ties going to
            the smaller skill index: at most k·S pairs. Default no such limit.
        max_text_skills: Leave out texts with more learned skills than this, whose pairs grow quadratically;
            the result says how many. Default none.
        max_pairs: If more pairs than this pass the other limits, the smallest weight is raised until they do
            not; the result says to what. It bounds the result, 16 bytes a pair.
        engine: `numpy`, `numba`, or `auto` to choose by size; the result is the same.

    Returns:
        The P pairs that are kept, with their weights in texts, int64 (P,), and what was left out.

    Raises:
        AnalysisError: A mask of the wrong shape, an unknown rule or engine, a limit below 1, or 2^31 edges and more.

    >>> graph = SkillTextGraph.from_csr([0, 2, 5], [0, 1, 0, 1, 2], n_skills=3)
    >>> found = associate(graph, [True, True, True], min_weight=2)
    >>> found.source.tolist(), found.target.tolist(), found.weight.tolist(), found.dropped_pairs
    ([0], [1], [2], 2)
    """
    nodes = bool_mask("learned", learned, graph.n_skills)
    for name, value in (("min_weight", min_weight), ("top_k", top_k), ("max_text_skills", max_text_skills)):
        if value is not None and value < 1:
            raise AnalysisError(f"{name} is {value}; it must be at least 1")
    if max_pairs < 1:
        raise AnalysisError(f"max_pairs is {max_pairs}; it must be at least 1")
    if graph.n_edges >= 2**31:
        raise AnalysisError(f"the graph has {graph.n_edges} edges; association needs fewer than 2^31")
    text_ptr, text_skills = _used_rows(graph, nodes, usable_texts(graph, nodes, rule))
    sizes = np.diff(text_ptr)
    long_ = sizes > max_text_skills if max_text_skills is not None else np.zeros(len(sizes), np.bool_)
    skipped = int(np.count_nonzero(long_))
    skipped_pairs = _pairs(sizes[long_])
    if skipped:
        text_skills = text_skills[np.repeat(~long_, sizes)]
        text_ptr = np.concatenate(([0], np.cumsum(np.where(long_, 0, sizes))))
    project = _project_numpy
    if compiled(engine, len(text_skills) + _pairs(sizes[~long_])):
        from analysis._kernels.projection import project
    limits = (min_weight, graph.n_skills if top_k is None else top_k, max_pairs)
    source, target, weight, n_pairs, kept_weight = project(text_ptr, text_skills, graph.n_skills, *limits)
    for array in (source, target, weight):
        array.flags.writeable = False
    return AssociationGraph(source, target, weight, graph.n_skills, n_pairs, kept_weight, skipped, skipped_pairs)


def _pairs(sizes: Int64) -> int:
    return int(np.sum(sizes * (sizes - 1) // 2))


def _used_rows(
    graph: SkillTextGraph, nodes: npt.NDArray[np.bool_], texts: npt.NDArray[np.bool_] | None
) -> tuple[Int64, Int32]:
    """The learned skills of each text that joins them; the other texts have empty rows."""
    if nodes.all() and texts is None:
        return graph.text_ptr, graph.text_skills
    kept = nodes[graph.text_skills]
    if texts is not None:
        kept &= np.repeat(texts, graph.text_degrees)
    places = np.flatnonzero(kept)
    return np.searchsorted(places, graph.text_ptr).astype(np.int64), graph.text_skills[places]


def _project_numpy(
    text_ptr: Int64, text_skills: Int32, n_skills: int, min_weight: int, top_k: int, max_pairs: int
) -> tuple[Int32, Int32, Int64, int, int]:
    """All pairs of a block of texts at a time, merged into the distinct ones."""
    ends = np.repeat(text_ptr[1:], np.diff(text_ptr))
    partners = ends - np.arange(1, len(text_skills) + 1)
    done = np.concatenate(([0], np.cumsum(partners)))
    keys, weights = np.empty(0, np.int64), np.empty(0, np.int64)
    start = 0
    while start < len(partners):
        stop = max(int(np.searchsorted(done, done[start] + _BLOCK, side="right")) - 1, start + 1)
        first = np.repeat(np.arange(start, stop), partners[start:stop])
        second = np.arange(len(first)) - np.repeat(done[start:stop] - done[start], partners[start:stop]) + first + 1
        found, counts = np.unique(text_skills[first] * np.int64(n_skills) + text_skills[second], return_counts=True)
        keys, places = np.unique(np.concatenate((keys, found)), return_inverse=True)
        weights = np.bincount(places, np.concatenate((weights, counts)), len(keys)).astype(np.int64)
        start = stop
    n_pairs = len(keys)
    heavy = weights >= min_weight
    keys, weights = keys[heavy], weights[heavy]
    source, target = (side.astype(np.int32) for side in np.divmod(keys, max(n_skills, 1)))
    if top_k < n_skills:
        kept = strongest_of_each(source, target, weights, top_k)
        source, target, weights = source[kept], target[kept], weights[kept]
    kept_weight = raised_weight(np.bincount(weights), min_weight, max_pairs)
    kept = weights >= kept_weight
    return source[kept], target[kept], weights[kept], n_pairs, kept_weight
