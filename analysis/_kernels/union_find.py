"""Compiled union–find over texts as hyperedges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel

__all__ = ["roots", "sweep"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def roots(text_ptr: Int64, text_skills: Int32, nodes: Mask, texts: Mask) -> Int32:
    """The smallest skill of each component, int32 (S,); -1 for skills that are no nodes."""
    parent = np.empty(len(nodes), np.int32)
    _roots(text_ptr, text_skills, nodes, texts, parent)
    return parent


@kernel
def _roots(text_ptr: Int64, text_skills: Int32, nodes: Mask, texts: Mask, parent: Int32) -> None:
    """Rem's algorithm: links go to smaller indices only, so one sweep at the end flattens the trees."""
    for s in range(len(parent)):
        parent[s] = s if nodes[s] else -1
    for t in range(len(texts)):
        if not texts[t]:
            continue
        last = np.int32(-1)
        for e in range(text_ptr[t], text_ptr[t + 1]):
            s = text_skills[e]
            if parent[s] < 0:
                continue
            if last >= 0:
                a, b = last, s
                while parent[a] != parent[b]:
                    if parent[a] < parent[b]:
                        a, b = b, a
                    if a == parent[a]:
                        parent[a] = parent[b]
                        break
                    above = parent[a]
                    parent[a] = parent[b]
                    a = above
            last = s
    for s in range(len(parent)):
        if parent[s] >= 0:
            parent[s] = parent[parent[s]]


def sweep(skill_ptr: Int64, skill_texts: Int32, texts: Mask, order: Int32) -> tuple[Int32, Int32, Float64]:
    """Largest and second-largest cluster, and mean finite cluster size, after each skill of `order`."""
    n = len(order)
    largest, second = np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32)
    susceptibility = np.zeros(n + 1)
    first = np.where(texts, np.int32(-1), np.int32(-2))
    _sweep(skill_ptr, skill_texts, first, order, largest, second, susceptibility)
    return largest, second, susceptibility


@kernel
def _sweep(
    skill_ptr: Int64,
    skill_texts: Int32,
    first: Int32,
    order: Int32,
    largest: Int32,
    second: Int32,
    susceptibility: Float64,
) -> None:
    n = len(order)
    parent = np.empty(len(skill_ptr) - 1, np.int32)  # of a root: minus the size of its cluster
    count = np.zeros(n + 2, np.int32)  # clusters of each size
    squares = np.int64(0)  # sum of squared cluster sizes
    top, runner_up = np.int64(0), np.int64(0)
    for k in range(n):
        s = order[k]
        parent[s] = -1
        root = s
        squares += 1
        for e in range(skill_ptr[s], skill_ptr[s + 1]):
            t = skill_texts[e]
            other = first[t]
            if other == -1:
                first[t] = s
            if other < 0:
                continue
            while parent[other] >= 0:
                if parent[parent[other]] >= 0:
                    parent[other] = parent[parent[other]]
                other = parent[other]
            if other != root:
                a, b = -np.int64(parent[root]), -np.int64(parent[other])
                squares += 2 * a * b
                # the growing cluster is counted only when the step ends
                count[b] -= 1
                if a < b:
                    root, other = other, root
                parent[root] += parent[other]
                parent[other] = root
        size = -np.int64(parent[root])
        count[size] += 1
        if size > top:
            if count[top] > 0:
                runner_up = top
            top = size
        elif size > runner_up:
            runner_up = size
        while runner_up > 0 and count[runner_up] == 0:
            runner_up -= 1
        largest[k + 1] = top
        second[k + 1] = runner_up
        rest = k + 1 - top
        if rest > 0:
            susceptibility[k + 1] = (squares - top * top) / rest
