"""Sorting one row of any length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel

__all__ = ["sort_run"]


@kernel
def sort_run(array: npt.NDArray[np.int32], start: int, end: int | np.int64) -> None:
    """Sort `array[start:end]` in place; by insertion while that is faster."""
    if end - start > 40:
        array[start:end].sort()
        return
    for i in range(start + 1, end):
        value = array[np.uint64(i)]
        to = i
        while to > start and array[np.uint64(to - 1)] > value:
            array[np.uint64(to)] = array[np.uint64(to - 1)]
            to -= 1
        array[np.uint64(to)] = value
