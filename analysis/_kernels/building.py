"""Compiled building of compressed rows: counting sorts in two steps that stay in cache.

A counting sort of many rows writes to a new place in memory for each edge. Instead, edges are first dealt out
to a few hundred partitions of neighbouring rows, a write to the end of one of a few hundred streams, and each
partition is then sorted by itself inside the cache. A partition has its final place in the output from the
start, so besides the output only the low 16 bits of the row indices are held: 2 bytes an edge.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel, prefetch
from analysis._kernels.sorting import sort_run
from analysis._kernels.vectors import LANES, fill_lanes, sort_lanes

__all__ = ["count_rows", "group", "rows_from_edges", "rows_from_rows", "transpose"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt16 = npt.NDArray[np.uint16]

_PARTITION = 65_536  # entries of a partition, about, so that it stays in the cache
_MOST_PARTITIONS = 512  # streams that are written at a time
_BLOCK = 16_384


def rows_from_edges(text: Int32, skill: Int32, n_texts: int) -> tuple[Int64, Int32]:
    """Pointers and rows of distinct ascending skills, from edges in any order."""
    pointers, skills = group(text, skill, n_texts)
    return _distinct(pointers, skills, _sort_rows(pointers, skills))


def count_rows(rows: Int32, pointers: Int64) -> None:
    """Add the number of entries of row r to `pointers[r + 1]`."""
    _count(rows, np.uint64(0), pointers[1:])


def group(keys: Int32, values: Int32, n_keys: int) -> tuple[Int64, Int32]:
    """Pointers to, and rows of, the values of each key, in their order."""
    shift, bounds = _partitions(keys, n_keys)
    grouped, low = np.empty(len(keys), np.int32), np.empty(len(keys), np.uint16)
    _deal(keys, values, shift, bounds[:-1].copy(), grouped, low)
    pointers = np.empty(n_keys + 1, np.int64)
    _sort_partitions(grouped, low, bounds, shift, pointers)
    return pointers, grouped


def rows_from_rows(pointers: Int64, columns: Int32) -> tuple[Int64, Int32]:
    """The rows with ascending and distinct entries, in arrays of their own."""
    pointers, columns = pointers.copy(), columns.copy()
    return _distinct(pointers, columns, _sort_rows(pointers, columns))


def transpose(pointers: Int64, columns: Int32, n_columns: int) -> tuple[Int64, Int32]:
    """The rows of the transposed matrix, each ascending."""
    shift, bounds = _partitions(columns, n_columns)
    rows, low = np.empty(len(columns), np.int32), np.empty(len(columns), np.uint16)
    _deal_rows(pointers, columns, shift, bounds[:-1].copy(), rows, low)
    column_pointers = np.empty(n_columns + 1, np.int64)
    _sort_partitions(rows, low, bounds, shift, column_pointers)
    return column_pointers, rows


def _partitions(keys: Int32, n_keys: int) -> tuple[np.uint64, Int64]:
    """How far to shift a key to get its partition, and where each partition starts and the last ends."""
    wanted = min(max(len(keys) // _PARTITION, 1), _MOST_PARTITIONS)
    shift = min(max(int(n_keys - 1).bit_length() - int(wanted - 1).bit_length(), 0), 16)
    bounds = np.zeros((n_keys >> shift) + 2, np.int64)
    _count(keys, np.uint64(shift), bounds[1:])
    return np.uint64(shift), np.cumsum(bounds)


def _distinct(pointers: Int64, columns: Int32, repeats: Int64) -> tuple[Int64, Int32]:
    """Leave out the entries at the given ascending places, in place."""
    if len(repeats):
        _leave_out(pointers, columns, repeats)
        columns = columns[: len(columns) - len(repeats)]
    return pointers, columns


# Indices are made unsigned: numba lets a negative index count from the end, which costs a test at every access.


@kernel
def _count(keys: Int32, shift: np.uint64, counts: Int64) -> None:
    for e in range(np.uint64(len(keys))):
        counts[np.uint64(keys[e]) >> shift] += 1


@kernel
def _deal(keys: Int32, values: Int32, shift: np.uint64, place: Int64, dealt: Int32, low: UInt16) -> None:
    """Write each value to its key's partition, and the key's low bits beside it."""
    mask = (np.uint64(1) << shift) - np.uint64(1)
    for e in range(np.uint64(len(keys))):
        key = np.uint64(keys[e])
        to = np.uint64(place[key >> shift])
        place[key >> shift] += 1
        if to & np.uint64(15) == np.uint64(0):  # a stream enters a cache line: ask for its next one
            prefetch(dealt, to + np.uint64(16))
            prefetch(low, to + np.uint64(32))
        dealt[to] = values[e]
        low[to] = key & mask


@kernel
def _deal_rows(pointers: Int64, columns: Int32, shift: np.uint64, place: Int64, dealt: Int32, low: UInt16) -> None:
    """As `_deal`, with columns as keys and row indices as values."""
    n_rows = len(pointers) - 1
    row_of = np.empty(_BLOCK + LANES, np.int32)
    row = 0
    while row < n_rows:
        start = pointers[row]
        used = 0
        while row < n_rows and pointers[row + 1] - start <= _BLOCK:
            length = pointers[row + 1] - start - used
            fill_lanes(row_of, used, row)
            for lane in range(LANES, length, LANES):
                fill_lanes(row_of, used + lane, row)
            used += length
            row += 1
        if used == 0 and row < n_rows:  # a row longer than a block
            length = pointers[row + 1] - start
            whole = np.full(length, row, np.int32)
            _deal(columns[start : start + length], whole, shift, place, dealt, low)
            row += 1
        else:
            _deal(columns[start : start + used], row_of, shift, place, dealt, low)


@kernel
def _sort_partitions(values: Int32, low: UInt16, bounds: Int64, shift: np.uint64, pointers: Int64) -> None:
    """Sort each partition by key in place, keeping the order of equal keys; the pointers of all keys."""
    n_keys = len(pointers) - 1
    width = np.int64(1) << np.int64(shift)
    place = np.empty(width + 1, np.int64)
    largest = np.int64(0)
    for part in range(len(bounds) - 1):
        largest = max(largest, bounds[part + 1] - bounds[part])
    scratch = np.empty(largest, np.int32)
    for part in range(len(bounds) - 1):
        start, end = np.uint64(bounds[part]), np.uint64(bounds[part + 1])
        first = part * width
        n_here = np.uint64(np.int64(min(width, n_keys - first)))
        place[:] = 0
        for e in range(start, end):
            place[np.uint64(low[e]) + np.uint64(1)] += 1
            scratch[e - start] = values[e]
        for key in range(n_here):
            pointers[np.uint64(first) + key] = place[key] + bounds[part]
            place[key + np.uint64(1)] += place[key]
        for e in range(start, end):
            own = np.uint64(low[e])
            values[start + np.uint64(place[own])] = scratch[e - start]
            place[own] += 1
    pointers[n_keys] = len(values)


@kernel
def _sort_rows(pointers: Int64, columns: Int32) -> Int64:
    """Put each row's entries in order, in place; the places of those that repeat the one before."""
    repeats = np.empty(16, np.int64)
    n_repeats = 0
    n_edges = len(columns)
    for row in range(np.uint64(len(pointers) - 1)):
        start, end = pointers[row], pointers[row + np.uint64(1)]
        if end - start <= LANES and start + LANES <= n_edges:
            twice = sort_lanes(columns, start, end - start)
        else:
            sort_run(columns, start, end)
            twice = True
        if not twice:
            continue
        for e in range(start + 1, end):
            if columns[e] == columns[e - 1]:
                if n_repeats == len(repeats):
                    larger = np.empty(2 * n_repeats, np.int64)
                    for i in range(n_repeats):  # for a slice of an array numba compiles the words of its error: 4 s
                        larger[i] = repeats[i]
                    repeats = larger
                repeats[n_repeats] = e
                n_repeats += 1
    return repeats[:n_repeats]


@kernel
def _leave_out(pointers: Int64, columns: Int32, places: Int64) -> None:
    gone = 0
    for row in range(len(pointers)):
        while gone < len(places) and places[gone] < pointers[row]:
            gone += 1
        pointers[row] -= gone
    to = places[0]
    for i in range(len(places)):
        end = places[i + 1] if i + 1 < len(places) else len(columns)
        for e in range(places[i] + 1, end):
            columns[to] = columns[e]
            to += 1
