"""Compiled Newman–Ziff sweep through texts as hyperedges.

Skills are named by their place in the order of arrival. A text joins its skills as they arrive, each to the one
before it: sorted by place, its skills form a chain of links, and a link is there from the later of its two
ends on. Links grouped by their later end are then read one after the other, and only the union–find forest is
accessed at random. Where skills have many texts each, and the texts fit into the cache, it is quicker to walk through
the texts of each arriving skill and join it to the skill of the text that arrived last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis._kernels.building import group
from analysis._kernels.compile import kernel, prefetch
from analysis._kernels.sorting import sort_run
from analysis._kernels.vectors import LANES, copy_lanes, sort_lanes

if TYPE_CHECKING:
    from analysis.graph import SkillTextGraph

__all__ = ["Sweep", "average", "buffers", "dense", "sweep"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ABSENT = np.int32(2**31 - 1)
_BLOCK = 8192
_MOST_TEXTS = 2**20  # 4 MB
_LEAST_USES = 25


class Sweep(NamedTuple):
    """Clusters after each arrival: int32, int32 and float64 (n+1,)."""

    largest: Int32
    second: Int32
    susceptibility: Float64


def dense(graph: SkillTextGraph) -> bool:
    """True where skills have so many texts, and texts are so few, that links need not be put in order first."""
    return graph.n_texts <= _MOST_TEXTS and graph.n_edges >= _LEAST_USES * graph.n_skills


def buffers(graph: SkillTextGraph) -> tuple[Int32, Int32]:
    """Room for one sweep, to be used again by the next."""
    if dense(graph):
        return np.empty(graph.n_texts, np.int32), np.empty(0, np.int32)
    return np.empty(graph.n_edges + LANES, np.int32), np.empty(graph.n_edges + LANES, np.int32)


def sweep(graph: SkillTextGraph, texts: Mask | None, order: Int32, buffers: tuple[Int32, Int32]) -> Sweep:
    """Largest and second-largest cluster, and mean finite cluster size, after each skill of `order`."""
    n = len(order)
    joining = np.empty(0, np.bool_) if texts is None else texts
    result = Sweep(np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32), np.zeros(n + 1))
    if dense(graph):
        _sweep_rows(graph.skill_ptr, graph.skill_texts, joining, order, buffers[0], result)
        return result
    place = np.full(graph.n_skills, _ABSENT)
    place[order] = np.arange(n, dtype=np.int32)
    later, earlier = buffers
    n_links = int(_links(graph.text_ptr, graph.text_skills, joining, place, later, earlier))
    pointers, ends = group(later[:n_links], earlier[:n_links], n)
    _sweep_links(pointers, ends, result)
    return result


def average(clusters: Sweep, replicates: int, means: Float64, squares: Float64) -> None:
    """Take one more replicate into the means and the sums of squared deviations, float64 (3, n+1) (Welford)."""
    _average(clusters.largest, replicates, means[0], squares[0])
    _average(clusters.second, replicates, means[1], squares[1])
    _average(clusters.susceptibility, replicates, means[2], squares[2])


# Indices are made unsigned: numba lets a negative index count from the end, which costs a test at every access.


@kernel
def _links(text_ptr: Int64, text_skills: Int32, texts: Mask, place: Int32, later: Int32, earlier: Int32) -> np.uint64:
    """The later and the earlier end of each link, as places in the order; the number of links."""
    n_texts = len(text_ptr) - 1
    places = np.empty(_BLOCK + LANES, np.int32)
    n_links = np.uint64(0)
    t = 0
    while t < n_texts:
        start = text_ptr[t]
        if text_ptr[t + 1] - start > len(places) - LANES:
            places = np.empty(text_ptr[t + 1] - start + LANES, np.int32)
        last = t
        while last < n_texts and text_ptr[last + 1] - start <= len(places) - LANES:
            last += 1
        end = np.uint64(text_ptr[last])
        for e in range(np.uint64(start), end):
            if e + np.uint64(32) < end:
                prefetch(place, text_skills[e + np.uint64(32)])
            places[e - np.uint64(start)] = place[np.uint64(text_skills[e])]
        for row in range(np.uint64(t), np.uint64(last)):
            if len(texts) > 0 and not texts[row]:
                continue
            first = text_ptr[row] - start
            length = text_ptr[row + np.uint64(1)] - start - first
            if length == 2:
                one, other = places[np.uint64(first)], places[np.uint64(first + 1)]
                later[n_links], earlier[n_links] = max(one, other), min(one, other)
                n_links += np.uint64(max(one, other) != _ABSENT)
            elif length <= LANES:
                sort_lanes(places, first, length)
                present = 0
                for lane in range(LANES):  # of fixed length: no branch to mispredict
                    present += int(lane < length and places[np.uint64(first + lane)] != _ABSENT)
                copy_lanes(later, n_links, places, first + 1)
                copy_lanes(earlier, n_links, places, first)
                n_links += np.uint64(max(present - 1, 0))
            else:
                n_links = _long_chain(places, first, first + length, later, earlier, n_links)
        t = last
    return n_links


@kernel
def _long_chain(places: Int32, start: int, end: int, later: Int32, earlier: Int32, n_links: np.uint64) -> np.uint64:
    sort_run(places, start, end)
    for i in range(np.uint64(start + 1), np.uint64(end)):
        if places[i] == _ABSENT:
            break
        later[n_links], earlier[n_links] = places[i], places[i - np.uint64(1)]
        n_links += np.uint64(1)
    return n_links


@kernel
def _join(parent: Int32, count: Int32, root: np.uint64, end: np.uint64) -> tuple[np.uint64, np.int64]:
    """Join the growing cluster of `root` with that of `end`: its root now, and by how much squared sizes grew."""
    above = parent[end]
    while above >= 0:
        next_above = parent[np.uint64(above)]
        if next_above >= 0:
            parent[end] = next_above
        end = np.uint64(above)
        above = next_above
    if end == root:
        return root, np.int64(0)
    size, joined = -np.int64(parent[root]), -np.int64(above)
    count[np.uint64(joined)] -= 1  # the growing cluster is counted when the step ends
    parent[root] = parent[end] = -np.int32(size + joined)
    if size < joined:
        parent[root] = end
        root = end
    else:
        parent[end] = root
    return root, 2 * size * joined


@kernel
def _record(
    size: np.int64, squares: np.int64, kept: np.uint64, count: Int32, top: np.int64, runner_up: np.int64, out: Sweep
) -> tuple[np.int64, np.int64]:
    """Count the cluster that the last arrival is in and write the step's results: largest and second cluster."""
    count[np.uint64(size)] += 1
    if size > top:
        if count[np.uint64(top)] > 0:
            runner_up = top
        top = size
    elif size > runner_up:
        runner_up = size
    while runner_up > 0 and count[np.uint64(runner_up)] == 0:
        runner_up -= 1
    out.largest[kept], out.second[kept] = top, runner_up
    rest = np.int64(kept) - top
    if rest > 0:
        out.susceptibility[kept] = (squares - top * top) / rest
    return top, runner_up


@kernel
def _sweep_links(pointers: Int64, ends: Int32, out: Sweep) -> None:
    n, n_links = len(pointers) - 1, np.uint64(len(ends))
    parent = np.full(n, -1, np.int32)  # of a root: minus the size of its cluster
    count = np.zeros(n + 2, np.int32)  # clusters of each size
    squares = np.int64(0)  # sum of squared cluster sizes
    top, runner_up = np.int64(0), np.int64(0)
    for arrival in range(np.uint64(n)):
        root = np.uint64(arrival)
        squares += 1
        for e in range(np.uint64(pointers[arrival]), np.uint64(pointers[arrival + np.uint64(1)])):
            if e + np.uint64(16) < n_links:
                prefetch(parent, ends[e + np.uint64(16)])
            root, more = _join(parent, count, root, np.uint64(ends[e]))
            squares += more
        size = -np.int64(parent[root])
        top, runner_up = _record(size, squares, arrival + np.uint64(1), count, top, runner_up, out)


@kernel
def _sweep_rows(skill_ptr: Int64, skill_texts: Int32, texts: Mask, order: Int32, last: Int32, out: Sweep) -> None:
    n = len(order)
    parent = np.full(n, -1, np.int32)
    count = np.zeros(n + 2, np.int32)
    squares = np.int64(0)
    top, runner_up = np.int64(0), np.int64(0)
    last[:] = -1  # the skill of each text that arrived last
    for arrival in range(np.uint64(n)):
        root = np.uint64(arrival)
        squares += 1
        s = np.uint64(order[arrival])
        end = np.uint64(skill_ptr[s + np.uint64(1)])
        for e in range(np.uint64(skill_ptr[s]), end):
            if e + np.uint64(16) < end:
                prefetch(last, skill_texts[e + np.uint64(16)])
            t = np.uint64(skill_texts[e])
            if len(texts) > 0 and not texts[t]:
                continue
            before = last[t]
            last[t] = np.int32(arrival)
            if before >= 0:
                root, more = _join(parent, count, root, np.uint64(before))
                squares += more
        size = -np.int64(parent[root])
        top, runner_up = _record(size, squares, arrival + np.uint64(1), count, top, runner_up, out)


@kernel
def _average(values: Int32 | Float64, replicates: int, mean: Float64, squares: Float64) -> None:
    share = 1.0 / replicates
    for k in range(np.uint64(len(values))):
        difference = values[k] - mean[k]
        mean[k] += difference * share
        squares[k] += difference * (values[k] - mean[k])
