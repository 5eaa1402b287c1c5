"""Compiled Newman–Ziff sweep through texts as hyperedges.

Skills are named by their place in the order of arrival. A text joins its skills as they arrive, each to the one
before it: sorted by place, its skills form a chain of links, and a link is there from the later of its two
ends on. Links grouped by their later end are then read one after the other, and only the union–find forest is
accessed at random.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis._kernels.building import group
from analysis._kernels.compile import kernel, prefetch
from analysis._kernels.sorting import sort_run
from analysis._kernels.vectors import LANES, copy_lanes, sort_lanes

__all__ = ["Sweep", "average", "link_buffers", "sweep"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ABSENT = np.int32(2**31 - 1)
_BLOCK = 8192


class Sweep(NamedTuple):
    """Clusters after each arrival: int32, int32 and float64 (n+1,)."""

    largest: Int32
    second: Int32
    susceptibility: Float64


def link_buffers(n_edges: int) -> tuple[Int32, Int32]:
    """Room for the links of one sweep, to be used again by the next."""
    return np.empty(n_edges + LANES, np.int32), np.empty(n_edges + LANES, np.int32)


def sweep(
    text_ptr: Int64,
    text_skills: Int32,
    texts: Mask | None,
    n_skills: int,
    order: Int32,
    buffers: tuple[Int32, Int32],
) -> Sweep:
    """Largest and second-largest cluster, and mean finite cluster size, after each skill of `order`."""
    n = len(order)
    place = np.full(n_skills, _ABSENT)
    place[order] = np.arange(n, dtype=np.int32)
    later, earlier = buffers
    joining = np.empty(0, np.bool_) if texts is None else texts
    n_links = int(_links(text_ptr, text_skills, joining, place, later, earlier))
    pointers, ends = group(later[:n_links], earlier[:n_links], n)
    result = Sweep(np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32), np.zeros(n + 1))
    _sweep(pointers, ends, *result)
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
def _sweep(pointers: Int64, ends: Int32, largest: Int32, second: Int32, susceptibility: Float64) -> None:
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
            other = np.uint64(ends[e])
            above = parent[other]
            while above >= 0:
                next_above = parent[np.uint64(above)]
                if next_above >= 0:
                    parent[other] = next_above
                other = np.uint64(above)
                above = next_above
            if other != root:
                size, joined = -np.int64(parent[root]), -np.int64(above)
                squares += 2 * size * joined
                count[np.uint64(joined)] -= 1  # the growing cluster is counted when the step ends
                parent[root] = parent[other] = -np.int32(size + joined)
                if size < joined:
                    parent[root] = other
                    root = other
                else:
                    parent[other] = root
        size = -np.int64(parent[root])
        count[np.uint64(size)] += 1
        if size > top:
            if count[np.uint64(top)] > 0:
                runner_up = top
            top = size
        elif size > runner_up:
            runner_up = size
        while runner_up > 0 and count[np.uint64(runner_up)] == 0:
            runner_up -= 1
        kept = arrival + np.uint64(1)
        largest[kept], second[kept] = top, runner_up
        rest = np.int64(kept) - top
        if rest > 0:
            susceptibility[kept] = (squares - top * top) / rest


@kernel
def _average(values: Int32 | Float64, replicates: int, mean: Float64, squares: Float64) -> None:
    share = 1.0 / replicates
    for k in range(np.uint64(len(values))):
        difference = values[k] - mean[k]
        mean[k] += difference * share
        squares[k] += difference * (values[k] - mean[k])
