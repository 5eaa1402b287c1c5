"""Compiled weighted projection: one row of the product at a time, with a counter for each skill."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.building import transpose
from analysis._kernels.compile import kernel, prefetch
from analysis._kernels.pairs import raised_weight

__all__ = ["project"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

_CHUNK = 1 << 20


def project(
    text_ptr: Int64, text_skills: Int32, n_skills: int, min_weight: int, top_k: int, max_pairs: int
) -> tuple[Int32, Int32, Int64, int, int]:
    """Source, target and weight of the kept pairs, the number of distinct pairs and the smallest weight kept."""
    skill_ptr, skill_texts = transpose(text_ptr, text_skills, n_skills)
    graph = (text_ptr, text_skills, skill_ptr, skill_texts)
    if top_k < n_skills:
        source, target, weight, n_pairs = _collect(graph, n_skills, min_weight, top_k)
        keys, places = np.unique(source * np.int64(n_skills) + target, return_index=True)
        weight = weight[places]
        source, target = (side.astype(np.int32) for side in np.divmod(keys, n_skills))
        kept_weight = raised_weight(np.bincount(weight), min_weight, max_pairs)
        kept = weight >= kept_weight
        return source[kept], target[kept], weight[kept].astype(np.int64), n_pairs // 2, kept_weight
    sizes = np.diff(text_ptr)
    kept_weight = min_weight
    if int(np.sum(sizes * (sizes - 1) // 2)) > max_pairs:
        longest = int(np.diff(skill_ptr).max(initial=0))
        histogram = np.zeros(longest + 2, np.int64)
        _histogram(*graph, n_skills, histogram)
        kept_weight = raised_weight(histogram, min_weight, max_pairs)
    source, target, weight, n_pairs = _collect(graph, n_skills, kept_weight, 0)
    return source, target, weight.astype(np.int64), n_pairs, kept_weight


def _collect(
    graph: tuple[Int64, Int32, Int64, Int32], n_skills: int, min_weight: int, top_k: int
) -> tuple[Int32, Int32, Int32, int]:
    size = max(_CHUNK, n_skills)
    buffers = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    scratch = (np.zeros(n_skills, np.int32), np.empty(n_skills, np.int32), np.empty(n_skills, np.int64))
    chunks: list[list[Int32]] = [[], [], []]
    row, n_pairs = 0, 0
    while row < n_skills:
        row, used, seen = _fill(*graph, row, min_weight, top_k, *scratch, *buffers)
        n_pairs += seen
        for side, buffer in zip(chunks, buffers, strict=True):
            side.append(buffer[:used].copy())
    source, target, weight = (np.concatenate(side) if side else np.empty(0, np.int32) for side in chunks)
    return source, target, weight, n_pairs


@kernel
def _fill(
    text_ptr: Int64,
    text_skills: Int32,
    skill_ptr: Int64,
    skill_texts: Int32,
    row: int,
    min_weight: int,
    top_k: int,
    counter: Int32,
    touched: Int32,
    keys: Int64,
    source: Int32,
    target: Int32,
    weight: Int32,
) -> tuple[int, int, int]:
    """Rows from `row` on until the buffers are full; the next row, entries used, pairs seen.

    With `top_k` = 0 a row has the pairs with larger skills; else all its pairs, of which the k heaviest stay.
    """
    n_skills, n_edges = len(counter), len(skill_texts)
    used, seen = 0, 0
    while row < n_skills:
        n = 0
        for e in range(skill_ptr[row], skill_ptr[row + 1]):
            if e + 24 < n_edges:
                prefetch(text_ptr, skill_texts[e + 24])
            if e + 12 < n_edges:
                prefetch(text_skills, text_ptr[skill_texts[e + 12] + 1] - 1)
            t = skill_texts[e]
            for f in range(text_ptr[t + 1] - 1, text_ptr[t] - 1, -1):
                s = text_skills[f]
                if s <= row and top_k == 0:
                    break
                if counter[s] == 0:
                    touched[n] = s
                    n += 1
                counter[s] += 1
        kept = 0
        for i in range(n):
            s = touched[i]
            if counter[s] >= min_weight and s != row:
                keys[kept] = s
                kept += 1
        if used + kept > len(source):
            for i in range(n):
                counter[touched[i]] = 0
            return row, used, seen
        if top_k == 0:
            keys[:kept].sort()
        else:
            for i in range(kept):
                s = keys[i]
                keys[i] = (np.int64(-counter[s]) << 32) + s
            if kept > top_k:
                keys[:kept] = np.partition(keys[:kept], top_k - 1)
                kept = top_k
        for i in range(kept):
            s = keys[i] & np.int64(0xFFFFFFFF)
            source[used + i] = min(s, row)
            target[used + i] = max(s, row)
            weight[used + i] = counter[s]
        used += kept
        for i in range(n):
            counter[touched[i]] = 0
        seen += n - int(top_k > 0 and n > 0)
        row += 1
    return row, used, seen


@kernel
def _histogram(
    text_ptr: Int64, text_skills: Int32, skill_ptr: Int64, skill_texts: Int32, n_skills: int, histogram: Int64
) -> None:
    """Number of pairs of each weight."""
    counter, touched = np.zeros(n_skills, np.int32), np.empty(n_skills, np.int32)
    for row in range(n_skills):
        n = 0
        for e in range(skill_ptr[row], skill_ptr[row + 1]):
            t = skill_texts[e]
            for f in range(text_ptr[t + 1] - 1, text_ptr[t] - 1, -1):
                s = text_skills[f]
                if s <= row:
                    break
                if counter[s] == 0:
                    touched[n] = s
                    n += 1
                counter[s] += 1
        for i in range(n):
            histogram[counter[touched[i]]] += 1
            counter[touched[i]] = 0
