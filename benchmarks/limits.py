"""This machine's limits, the yardstick of the other benchmarks: python -m benchmarks.limits."""

from __future__ import annotations

import time

import numpy as np
from numba import njit

from benchmarks import harness

CHASE = 500_000


@njit
def _gather(table, places):
    total = np.int64(0)
    for e in range(np.uint64(len(places))):
        total += table[np.uint64(places[e])]
    return total


@njit
def _chase(successor, steps):
    place = np.int32(0)
    for _ in range(steps):
        place = successor[np.uint64(place)]
    return place


@njit
def _triad(a, b, c):
    for i in range(np.uint64(len(a))):
        a[i] = b[i] + 3.0 * c[i]


def best(run, repeats=5):
    seconds = np.inf
    for _ in range(repeats):
        start = time.process_time()
        run()
        seconds = min(seconds, time.process_time() - start)
    return seconds


def streaming() -> float:
    """Gigabytes a second, of the 24 bytes that an element reads and writes."""
    n = 20_000_000
    arrays = np.zeros(n), np.ones(n), np.ones(n)
    _triad(*(array[:1] for array in arrays))
    return 24 * n / best(lambda: _triad(*arrays)) / 1e9


def main() -> None:
    options = harness.arguments(__doc__)
    harness.wake(1.5)
    rng = np.random.default_rng(0)
    report = harness.Report("Limits of this machine")
    rows = [["streaming, a = b + 3 c, 480 MB", f"{streaming():.3g} GB/s"]]
    updates = 5_000_000
    for entries in (100_000, 1_000_000, 10_000_000, 100_000_000):
        places = rng.integers(0, entries, updates, dtype=np.int32)
        table = np.zeros(entries, np.int32)
        _gather(table[:1], places[:0])
        gather = best(lambda table=table, places=places: _gather(table, places)) / updates * 1e9
        update = harness.random_update(entries // 2, updates)
        row = f"{gather:.3g} ns read, {update:.3g} ns update"
        if entries <= 10_000_000:
            # Sattolo's algorithm would give one cycle; the image of a random order shifted by one does too.
            order = rng.permutation(entries).astype(np.int32)
            table[order] = np.roll(order, -1)
            _chase(table, 1)
            chase = best(lambda table=table: _chase(table, CHASE), 3) / CHASE * 1e9
            row += f", {chase:.3g} ns one after the other"
        rows.append([f"random access, {4 * entries / 1e6:g} MB", row])
    report.tables.append(harness.Table("", ["", ""], rows, "Single thread, CPU time."))
    harness.finish(report, options)


if __name__ == "__main__":
    main()
