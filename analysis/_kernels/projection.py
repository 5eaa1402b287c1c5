"""Compiled weighted projection: one row of the product at a time, with a counter for each skill.

For each skill its places in the rows of the texts are listed, and the first entry of each row is marked by its
complement, a negative number: from a place on, a row is read without looking up where it starts and ends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.building import group
from analysis._kernels.compile import ZERO, kernel, prefetch, trailing_zeros
from analysis._kernels.pairs import raised_weight
from analysis._kernels.sorting import smallest_first, sort_run

__all__ = ["project"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Rows = tuple[Int64, Int32, Int32]


def project(
    text_ptr: Int64, text_skills: Int32, n_skills: int, min_weight: int, top_k: int, max_pairs: int
) -> tuple[Int32, Int32, Int64, int, int]:
    """Source, target and weight of the kept pairs, the number of distinct pairs and the smallest weight kept."""
    marked = text_skills.copy()
    sizes = np.diff(text_ptr)
    first = text_ptr[:-1][sizes > 0]
    marked[first] = ~marked[first]
    rows = (*group(text_skills, np.arange(len(text_skills), dtype=np.int32), n_skills), marked)
    bound = int(np.sum(sizes * (sizes - 1) // 2))
    if top_k < n_skills:
        return _strongest(rows, n_skills, min_weight, top_k, max_pairs, bound)
    kept_weight = min_weight
    if bound > max_pairs:
        histogram = np.zeros(int(np.diff(rows[0]).max(initial=0)) + 2, np.int64)
        _histogram(*rows, *_scratch(n_skills)[:2], histogram)
        kept_weight = raised_weight(histogram, min_weight, max_pairs)
        bound = int(histogram[kept_weight:].sum())
    # Room for as many pairs as there can be: pages that are not written to take no memory.
    source, target, weight = np.empty(bound + 1, np.int32), np.empty(bound + 1, np.int32), np.empty(bound + 1, np.int64)
    used, n_pairs = _all_pairs(*rows, kept_weight, *_scratch(n_skills), source, target, weight)
    return source[:used], target[:used], weight[:used], int(n_pairs), kept_weight


def _strongest(
    rows: Rows, n_skills: int, min_weight: int, top_k: int, max_pairs: int, bound: int
) -> tuple[Int32, Int32, Int64, int, int]:
    room = min(top_k * n_skills, 2 * bound) + 1
    keys, weight = np.empty(room, np.int64), np.empty(room, np.int64)
    used, n_pairs = _strongest_pairs(*rows, min_weight, top_k, *_scratch(n_skills)[:2], keys, weight)
    keys, places = np.unique(keys[:used], return_index=True)  # a pair may be strong at both ends
    weight = weight[places]
    kept_weight = raised_weight(np.bincount(weight), min_weight, max_pairs)
    kept = weight >= kept_weight
    source, target = (side.astype(np.int32) for side in np.divmod(keys[kept], max(n_skills, 1)))
    return source, target, weight[kept], int(n_pairs) // 2, kept_weight


def _scratch(n_skills: int) -> tuple[Int32, Int32, UInt64]:
    """A counter for each skill, room for a list of skills, and a bit for each skill."""
    return (
        np.zeros(n_skills, np.int32),
        np.empty(n_skills + 1, np.int32),
        np.zeros((n_skills >> 6) + 1, np.uint64),
    )


# Indices are made unsigned: numba lets a negative index count from the end, which costs a test at every access.


@kernel
def _count_later(
    place_ptr: Int64, places: Int32, marked: Int32, row: np.uint64, counter: Int32, touched: Int32
) -> np.uint64:
    """Count for each skill after `row` its texts in common with it; the number of such skills, listed in `touched`."""
    n, n_edges = np.uint64(0), np.uint64(len(places))
    for e in range(np.uint64(place_ptr[row]), np.uint64(place_ptr[row + np.uint64(1)])):
        if e + np.uint64(16) < n_edges:
            prefetch(marked, places[e + np.uint64(16)])
        place = np.uint64(places[e]) + np.uint64(1)
        while place < n_edges and marked[place] >= 0:
            s = np.uint64(marked[place])
            touched[n] = s
            n += np.uint64(counter[s] == 0)
            counter[s] += 1
            place += np.uint64(1)
    return n


@kernel
def _count_earlier(
    place_ptr: Int64, places: Int32, marked: Int32, row: np.uint64, counter: Int32, touched: Int32, n: np.uint64
) -> np.uint64:
    """Count also the skills before `row`; the number of all that are listed in `touched`."""
    for e in range(np.uint64(place_ptr[row]), np.uint64(place_ptr[row + np.uint64(1)])):
        place = np.uint64(places[e])
        while marked[place] >= 0:
            place -= np.uint64(1)
            s = np.uint64(marked[place] if marked[place] >= 0 else ~marked[place])
            touched[n] = s
            n += np.uint64(counter[s] == 0)
            counter[s] += 1
    return n


@kernel
def _all_pairs(
    place_ptr: Int64,
    places: Int32,
    marked: Int32,
    min_weight: int,
    counter: Int32,
    touched: Int32,
    bits: UInt64,
    source: Int32,
    target: Int32,
    weight: Int64,
) -> tuple[np.uint64, np.uint64]:
    """Write the pairs in order; the number written and the number of all pairs."""
    used, n_pairs = np.uint64(0), np.uint64(0)
    for row in range(np.uint64(len(counter))):
        n = _count_later(place_ptr, places, marked, np.uint64(row), counter, touched)
        n_pairs += n
        start = used
        if n * np.uint64(16) < np.uint64(len(bits)):
            sort_run(touched, ZERO, np.int64(n))
            for i in range(n):
                s = np.uint64(touched[i])
                target[used], weight[used] = s, counter[s]
                used += np.uint64(counter[s] >= min_weight)
                counter[s] = 0
        else:  # a full row: a bitmap puts its skills in order sooner than sorting
            for i in range(n):
                s = np.uint64(touched[i])
                bits[s >> np.uint64(6)] |= np.uint64(1) << (s & np.uint64(63))
            for i in range(row >> np.uint64(6), np.uint64(len(bits))):
                word = bits[i]
                bits[i] = 0
                while word != np.uint64(0):
                    s = (i << np.uint64(6)) + trailing_zeros(word)
                    word &= word - np.uint64(1)
                    target[used], weight[used] = s, counter[s]
                    used += np.uint64(counter[s] >= min_weight)
                    counter[s] = 0
        for i in range(start, used):
            source[i] = row
    return used, n_pairs


@kernel
def _histogram(
    place_ptr: Int64,
    places: Int32,
    marked: Int32,
    counter: Int32,
    touched: Int32,
    histogram: Int64,
) -> None:
    """Number of pairs of each weight."""
    for row in range(np.uint64(len(counter))):
        n = _count_later(place_ptr, places, marked, np.uint64(row), counter, touched)
        for i in range(n):
            s = np.uint64(touched[i])
            histogram[np.uint64(counter[s])] += 1
            counter[s] = 0


@kernel
def _strongest_pairs(
    place_ptr: Int64,
    places: Int32,
    marked: Int32,
    min_weight: int,
    top_k: int,
    counter: Int32,
    touched: Int32,
    pairs: Int64,
    weight: Int64,
) -> tuple[int, int]:
    """Write the heaviest pairs of each skill as source · S + target; their number, and twice that of all pairs."""
    n_skills = len(counter)
    keys = np.empty(n_skills + 1, np.int64)
    used, seen = 0, 0
    for row in range(n_skills):
        n = _count_later(place_ptr, places, marked, np.uint64(row), counter, touched)
        n = _count_earlier(place_ptr, places, marked, np.uint64(row), counter, touched, n)
        kept = 0
        for i in range(n):
            s = np.uint64(touched[i])
            keys[kept] = (np.int64(-counter[s]) << 32) + np.int64(s)  # heaviest first, then smallest skill
            kept += int(counter[s] >= min_weight)
            counter[s] = 0
        seen += int(n)
        if kept > top_k:
            smallest_first(keys, kept, top_k)
            kept = top_k
        for i in range(kept):
            s = keys[i] & 0xFFFFFFFF
            pairs[used] = min(s, row) * n_skills + max(s, row)
            weight[used] = -(keys[i] >> 32)
            used += 1
    return used, seen
