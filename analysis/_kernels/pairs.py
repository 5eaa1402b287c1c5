"""Limits on weighted pairs, shared by both engines of the projection."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["raised_weight", "strongest_of_each"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def strongest_of_each(source: Int32, target: Int32, weight: Int64, k: int) -> npt.NDArray[np.bool_]:
    """True for pairs among the k heaviest of one of their two ends, ties to the smaller neighbour; bool (P,)."""
    kept = np.zeros(len(source), np.bool_)
    node, neighbour = np.concatenate((source, target)), np.concatenate((target, source))
    order = np.lexsort((neighbour, -np.concatenate((weight, weight)), node))
    starts = np.flatnonzero(np.diff(node[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    kept[order[rank < k] % len(source) if len(source) else order] = True
    return kept


def raised_weight(histogram: Int64, min_weight: int, max_pairs: int) -> int:
    """The smallest weight from `min_weight` on such that at most `max_pairs` pairs have it or more.

    Args:
        histogram: Number of pairs of each weight 0, 1, 2, …, int64.
        min_weight: Smallest weight that is asked for.
        max_pairs: Largest number of pairs that may be kept.
    """
    at_least = np.cumsum(histogram[::-1])[::-1]
    fits = np.flatnonzero(at_least[min_weight:] <= max_pairs)
    return min_weight + (int(fits[0]) if len(fits) else max(len(histogram) - min_weight, 0))
