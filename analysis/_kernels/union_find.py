"""Compiled union–find over texts as hyperedges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel, prefetch

__all__ = ["roots"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def roots(text_ptr: Int64, text_skills: Int32, nodes: Mask, texts: Mask | None) -> Int32:
    """The smallest skill of each component, int32 (S,); -1 for skills that are no nodes."""
    parent = np.empty(len(nodes), np.int32)
    _roots(text_ptr, text_skills, nodes, np.empty(0, np.bool_) if texts is None else texts, parent)
    return parent


# Indices are made unsigned: numba lets a negative index count from the end, which costs a test at every access.


@kernel
def _roots(text_ptr: Int64, text_skills: Int32, nodes: Mask, texts: Mask, parent: Int32) -> None:
    """Rem's algorithm: links go to smaller indices only, so one sweep at the end flattens the trees."""
    for s in range(np.uint64(len(parent))):
        parent[s] = s if nodes[s] else -1
    n_edges = np.uint64(len(text_skills))
    for t in range(np.uint64(len(text_ptr) - 1)):
        if len(texts) > 0 and not texts[t]:
            continue
        last = np.int64(-1)
        for e in range(np.uint64(text_ptr[t]), np.uint64(text_ptr[t + np.uint64(1)])):
            if e + np.uint64(32) < n_edges:
                prefetch(parent, text_skills[e + np.uint64(32)])
            skill = np.int64(text_skills[e])
            if parent[np.uint64(skill)] < 0:
                continue
            if last >= 0:
                _join(parent, np.uint64(last), np.uint64(skill))
            last = skill
    for s in range(np.uint64(len(parent))):
        if parent[s] >= 0:
            parent[s] = parent[np.uint64(parent[s])]


@kernel
def _join(parent: Int32, a: np.uint64, b: np.uint64) -> None:
    above_a, above_b = parent[a], parent[b]
    while above_a != above_b:
        if above_a < above_b:
            a, b = b, a
            above_a, above_b = above_b, above_a
        parent[a] = above_b
        if np.int64(a) == above_a:
            return
        a = np.uint64(above_a)
        above_a = parent[a]
