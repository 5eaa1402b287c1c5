"""Sorting one row of any length, or a part of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel

__all__ = ["smallest_first", "sort_run"]


_SHORT = 40
"""Length of a run up to which insertion is faster."""


@kernel
def _parted(
    array: npt.NDArray[np.int32] | npt.NDArray[np.int64], low: int, high: int | np.int64
) -> tuple[int, int | np.int64]:
    """Hoare's partition of `array[low:high + 1]`, with the median of three as pivot.

    Returns:
        (i, j), j < i: no value from i on is smaller than one up to j, and those between equal the pivot.
    """
    first, middle, last = array[low], array[(low + high) // 2], array[high]
    pivot = max(min(first, middle), min(max(first, middle), last))
    i, j = low, high
    while i <= j:
        while array[i] < pivot:
            i += 1
        while array[j] > pivot:
            j -= 1
        if i <= j:
            array[i], array[j] = array[j], array[i]
            i += 1
            j -= 1
    return i, j


@kernel
def sort_run(array: npt.NDArray[np.int32] | npt.NDArray[np.int64], start: int, end: int | np.int64) -> None:
    """Sort `array[start:end]` in place.

    Quicksort, and insertion where little is left to do. `np.sort` does the same, but takes numba two seconds to compile
    in each process.
    """
    if end - start > _SHORT:
        waiting = np.empty(128, np.int64)  # the longer part waits: at most two places for each halving
        height, low, high = 0, start, end - 1
        while True:
            while high - low >= _SHORT:
                i, j = _parted(array, low, high)
                if j - low < high - i:
                    waiting[height], waiting[height + 1], high = i, high, j
                else:
                    waiting[height], waiting[height + 1], low = low, j, i
                height += 2
            if height == 0:
                break
            height -= 2
            low, high = waiting[height], waiting[height + 1]
    for i in range(start + 1, end):
        value = array[np.uint64(i)]
        to = i
        while to > start and array[np.uint64(to - 1)] > value:
            array[np.uint64(to)] = array[np.uint64(to - 1)]
            to -= 1
        array[np.uint64(to)] = value


@kernel
def smallest_first(array: npt.NDArray[np.int64], end: int, k: int) -> None:
    """Reorder `array[:end]` so that its `k` smallest values, 1 ≤ k ≤ end, come first, in any order.

    Hoare's FIND. `np.partition` does the same, but takes numba ten seconds to compile.
    """
    low = 0
    high: int | np.int64 = end - 1
    while low < high:
        i, j = _parted(array, low, high)
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return
