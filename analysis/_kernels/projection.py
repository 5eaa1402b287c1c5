"""Compiled weighted projection: one row of the product at a time, with a counter for each skill."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.building import transpose
from analysis._kernels.compile import kernel, prefetch, trailing_zeros
from analysis._kernels.pairs import raised_weight
from analysis._kernels.sorting import sort_run

__all__ = ["project"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Rows = tuple[Int64, Int32, Int64, Int32]


def project(
    text_ptr: Int64, text_skills: Int32, n_skills: int, min_weight: int, top_k: int, max_pairs: int
) -> tuple[Int32, Int32, Int64, int, int]:
    """Source, target and weight of the kept pairs, the number of distinct pairs and the smallest weight kept."""
    rows = (text_ptr, text_skills, *transpose(text_ptr, text_skills, n_skills))
    sizes = np.diff(text_ptr)
    bound = int(np.sum(sizes * (sizes - 1) // 2))
    if top_k < n_skills:
        return _strongest(rows, n_skills, min_weight, top_k, max_pairs, bound)
    kept_weight = min_weight
    if bound > max_pairs:
        histogram = np.zeros(int(np.diff(rows[2]).max(initial=0)) + 2, np.int64)
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
    text_ptr: Int64,
    text_skills: Int32,
    skill_ptr: Int64,
    skill_texts: Int32,
    row: np.uint64,
    counter: Int32,
    touched: Int32,
) -> np.uint64:
    """Count for each skill after `row` its texts in common with it; the number of such skills, listed in `touched`."""
    n, n_edges = np.uint64(0), np.uint64(len(skill_texts))
    for e in range(np.uint64(skill_ptr[row]), np.uint64(skill_ptr[row + np.uint64(1)])):
        if e + np.uint64(24) < n_edges:
            prefetch(text_ptr, skill_texts[e + np.uint64(24)])
        if e + np.uint64(12) < n_edges:
            prefetch(text_skills, text_ptr[np.uint64(skill_texts[e + np.uint64(12)]) + np.uint64(1)] - 1)
        t = np.uint64(skill_texts[e])
        start, place = text_ptr[t], text_ptr[t + np.uint64(1)] - 1
        while place >= start:  # the row is ascending: from its end back to `row`
            s = np.uint64(text_skills[np.uint64(place)])
            if s <= row:
                break
            touched[n] = s
            n += np.uint64(counter[s] == 0)
            counter[s] += 1
            place -= 1
    return n


@kernel
def _all_pairs(
    text_ptr: Int64,
    text_skills: Int32,
    skill_ptr: Int64,
    skill_texts: Int32,
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
        n = _count_later(text_ptr, text_skills, skill_ptr, skill_texts, np.uint64(row), counter, touched)
        n_pairs += n
        start = used
        if n * np.uint64(16) < np.uint64(len(bits)):
            sort_run(touched, 0, int(n))
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
    text_ptr: Int64,
    text_skills: Int32,
    skill_ptr: Int64,
    skill_texts: Int32,
    counter: Int32,
    touched: Int32,
    histogram: Int64,
) -> None:
    """Number of pairs of each weight."""
    for row in range(np.uint64(len(counter))):
        n = _count_later(text_ptr, text_skills, skill_ptr, skill_texts, np.uint64(row), counter, touched)
        for i in range(n):
            s = np.uint64(touched[i])
            histogram[np.uint64(counter[s])] += 1
            counter[s] = 0


@kernel
def _strongest_pairs(
    text_ptr: Int64,
    text_skills: Int32,
    skill_ptr: Int64,
    skill_texts: Int32,
    min_weight: int,
    top_k: int,
    counter: Int32,
    touched: Int32,
    pairs: Int64,
    weight: Int64,
) -> tuple[int, int]:
    """Write the heaviest pairs of each skill as source · S + target; their number, and twice that of all pairs."""
    n_skills = len(counter)
    keys = np.empty(n_skills, np.int64)
    used, seen = 0, 0
    for row in range(n_skills):
        n = np.uint64(0)
        for e in range(skill_ptr[row], skill_ptr[row + 1]):
            t = skill_texts[e]
            for f in range(np.uint64(text_ptr[t]), np.uint64(text_ptr[t + 1])):
                s = np.uint64(text_skills[f])
                touched[n] = s
                n += np.uint64(counter[s] == 0)
                counter[s] += 1
        kept = 0
        for i in range(n):
            s = np.uint64(touched[i])
            if s != np.uint64(row):
                seen += 1
                keys[kept] = (np.int64(-counter[s]) << 32) + np.int64(s)  # heaviest first, then smallest skill
                kept += int(counter[s] >= min_weight)
            counter[s] = 0
        if kept > top_k:
            keys[:kept] = np.partition(keys[:kept], top_k - 1)
            kept = top_k
        for i in range(kept):
            s = keys[i] & 0xFFFFFFFF
            pairs[used] = min(s, row) * n_skills + max(s, row)
            weight[used] = -(keys[i] >> 32)
            used += 1
    return used, seen
