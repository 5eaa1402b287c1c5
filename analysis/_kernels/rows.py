"""Reading many compressed rows at once."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["distinct", "gather_rows", "without_repeats"]

Scalar = TypeVar("Scalar", bound=np.generic)
Index = TypeVar("Index", bound=np.signedinteger)


def gather_rows(
    pointers: npt.NDArray[np.int64], values: npt.NDArray[Scalar], rows: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[Scalar], npt.NDArray[np.int64]]:
    """The entries of the given rows, one row after the other, and for each entry its position in `rows`.

    >>> entries, position = gather_rows(np.array([0, 2, 3]), np.array([7, 8, 9]), np.array([1, 0]))
    >>> entries.tolist(), position.tolist()
    ([9, 7, 8], [0, 1, 1])
    """
    starts = pointers[rows]
    lengths = pointers[rows + 1] - starts
    position = np.repeat(np.arange(len(rows)), lengths)
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return values[np.arange(total) + np.repeat(starts - (ends - lengths), lengths)], position


def distinct(values: npt.NDArray[Index], size: int) -> npt.NDArray[Index]:
    """The distinct values, each in 0 … size-1, ascending.

    >>> distinct(np.array([3, 1, 3]), 4).tolist()
    [1, 3]
    """
    if len(values) > size // 16:
        there = np.zeros(size, np.bool_)
        there[values] = True
        return np.flatnonzero(there).astype(values.dtype)
    return without_repeats(np.sort(values))


def without_repeats(ordered: npt.NDArray[Index]) -> npt.NDArray[Index]:
    """The distinct values of an ordered array.

    >>> without_repeats(np.array([1, 1, 3])).tolist()
    [1, 3]
    """
    return ordered[np.concatenate((np.ones(min(len(ordered), 1), np.bool_), ordered[1:] != ordered[:-1]))]
