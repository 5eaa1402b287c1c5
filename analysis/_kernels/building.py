"""Compiled building of compressed rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel

__all__ = ["rows_from_edges", "transpose"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def rows_from_edges(text: Int32, skill: Int32, n_texts: int, n_skills: int) -> tuple[Int64, Int32]:
    """Rows of distinct ascending skills."""
    # Grouping by skill first and then, in that order, by text leaves each row ascending.
    skill_ptr = np.zeros(n_skills + 1, np.int64)
    by_skill = np.empty(len(skill), np.int32)
    _group(skill, text, skill_ptr, by_skill)
    text_ptr, text_skills = transpose(skill_ptr, by_skill, n_texts)
    n_edges = _merge_repeats(text_ptr, text_skills)
    return text_ptr, text_skills[:n_edges]


def transpose(pointers: Int64, columns: Int32, n_columns: int) -> tuple[Int64, Int32]:
    """The rows of the transposed matrix, each ascending."""
    column_ptr = np.zeros(n_columns + 1, np.int64)
    rows = np.empty(len(columns), np.int32)
    _transpose(pointers, columns, column_ptr, rows)
    return column_ptr, rows


@kernel
def _group(key: Int32, value: Int32, pointers: Int64, values: Int32) -> None:
    for e in range(len(key)):
        pointers[key[e] + 1] += 1
    for k in range(len(pointers) - 1):
        pointers[k + 1] += pointers[k]
    place = pointers[:-1].copy()
    for e in range(len(key)):
        values[place[key[e]]] = value[e]
        place[key[e]] += 1


@kernel
def _transpose(pointers: Int64, columns: Int32, column_ptr: Int64, rows: Int32) -> None:
    for e in range(len(columns)):
        column_ptr[columns[e] + 1] += 1
    for c in range(len(column_ptr) - 1):
        column_ptr[c + 1] += column_ptr[c]
    place = column_ptr[:-1].copy()
    for r in range(len(pointers) - 1):
        for e in range(pointers[r], pointers[r + 1]):
            rows[place[columns[e]]] = r
            place[columns[e]] += 1


@kernel
def _merge_repeats(pointers: Int64, columns: Int32) -> int:
    """Drop repeated entries of ascending rows in place; the number of entries left."""
    used, start = 0, 0
    for r in range(len(pointers) - 1):
        end = pointers[r + 1]
        last = -1
        for e in range(start, end):
            if columns[e] != last:
                last = columns[e]
                columns[used] = last
                used += 1
        start = end
        pointers[r + 1] = used
    return used
