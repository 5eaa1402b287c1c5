"""Compiled depth-first search for what holds components together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel

__all__ = ["cuts"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def cuts(text_ptr: Int64, text_skills: Int32, skill_ptr: Int64, skill_texts: Int32, kept: Mask) -> tuple[Int64, Int64]:
    """Size of each kept skill's component, and of the largest part of it without the skill; int64 (S,), 0 elsewhere."""
    size, left = np.zeros(len(kept), np.int64), np.zeros(len(kept), np.int64)
    _cuts(text_ptr, text_skills, skill_ptr, skill_texts, kept, size, left)
    return size, left


@kernel
def _cuts(
    text_ptr: Int64, text_skills: Int32, skill_ptr: Int64, skill_texts: Int32, kept: Mask, size: Int64, left: Int64
) -> None:
    """Hopcroft and Tarjan's search over skills 0 … S-1 and texts S … S+T-1, with a stack of its own."""
    n_skills = len(kept)
    n = n_skills + len(text_ptr) - 1
    found = np.zeros(n, np.int64)  # order of discovery, from 1
    low = np.zeros(n, np.int64)
    below = np.zeros(n, np.int64)  # skills in the subtree
    apart = np.zeros(n, np.int64)  # skills in subtrees that hang on the node alone
    most = np.zeros(n, np.int64)  # in the largest of these
    parent = np.full(n, -1, np.int64)
    edge = np.zeros(n, np.int64)
    order = np.empty(n, np.int64)
    clock = 0
    for root in range(n_skills):
        if not kept[root] or found[root] > 0:
            continue
        first = clock
        found[root] = low[root] = clock + 1
        order[clock] = root
        clock += 1
        below[root] = 1
        edge[root] = skill_ptr[root]
        here = root
        while here >= 0:
            is_skill = here < n_skills
            last = skill_ptr[here + 1] if is_skill else text_ptr[here - n_skills + 1]
            if edge[here] < last:
                there = skill_texts[edge[here]] + n_skills if is_skill else np.int64(text_skills[edge[here]])
                edge[here] += 1
                if there == parent[here] or (not is_skill and not kept[there]):
                    continue
                if found[there] > 0:
                    low[here] = min(low[here], found[there])
                    continue
                parent[there] = here
                found[there] = low[there] = clock + 1
                order[clock] = there
                clock += 1
                below[there] = 1 if there < n_skills else 0
                edge[there] = skill_ptr[there] if there < n_skills else text_ptr[there - n_skills]
                here = there  # type: ignore[assignment]
                continue
            up = parent[here]
            if up >= 0:
                below[up] += below[here]
                low[up] = min(low[up], low[here])
                if low[here] >= found[up]:
                    apart[up] += below[here]
                    most[up] = max(most[up], below[here])
            here = up
        total = below[root]
        for k in range(first, clock):
            v = order[k]
            if v < n_skills:
                size[v] = total
                left[v] = max(most[v], total - 1 - apart[v])
