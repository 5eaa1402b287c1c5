"""Timing side by side, this machine's limits as the yardstick, and Markdown tables."""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

__all__ = ["Report", "Table", "Target", "arguments", "clock_with", "finish", "race", "random_update", "wake"]

QUIET_RANDOM_UPDATE = 3.75
"""Nanoseconds of a random update of a 20 MB table on the quiet machine on which the targets were set."""


@dataclass
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass
class Target:
    """One line of the summary: what was to be reached, and what was.

    Attributes:
        work: What is measured.
        target: As the project set it, in words.
        measured: As measured, in words.
        verdict: `met`, `met at this machine's speed` or `missed`.
    """

    work: str
    target: str
    measured: str
    verdict: str


@dataclass
class Report:
    title: str
    tables: list[Table] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def at_most(self, work: str, measured: float, limit: float, unit: str, scale: float = 1.0) -> None:
        """A target that is reached from below; `scale` is how much slower this machine's memory is now."""
        verdict = "met" if measured <= limit else "missed"
        if verdict == "missed" and measured <= limit * scale:
            verdict = "met at this machine's speed"
        shown = f"{measured:.3g} {unit}" + (f" ({measured / scale:.3g} scaled)" if scale > 1.05 else "")
        self.targets.append(Target(work, f"≤ {limit:g} {unit}", shown, verdict))

    def at_least(self, work: str, measured: float, limit: float, unit: str, scale: float = 1.0) -> None:
        verdict = "met" if measured >= limit else "missed"
        if verdict == "missed" and measured * scale >= limit:
            verdict = "met at this machine's speed"
        shown = f"{measured:.3g} {unit}" + (f" ({measured * scale:.3g} scaled)" if scale > 1.05 else "")
        self.targets.append(Target(work, f"≥ {limit:g} {unit}", shown, verdict))


@njit
def _update(table, places):
    for e in range(np.uint64(len(places))):
        table[np.uint64(places[e])] += np.uint64(1)


def random_update(entries: int = 2_500_000, updates: int = 5_000_000) -> float:
    """Nanoseconds of CPU time for a read, change and write at a random place of a table of 64-bit words."""
    places = np.random.default_rng(0).integers(0, entries, updates, dtype=np.int32)
    table = np.zeros(entries, np.uint64)
    _update(table[:1], places[:0])
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        _update(table, places)
        best = min(best, time.process_time() - start)
    return best / updates * 1e9


def clock_with(process: int, *, children: bool = False) -> Callable[[], float]:
    """A clock that counts CPU seconds of another process, from Linux' `/proc`, and of this one (or its children)."""
    place, ticks = Path(f"/proc/{process}/stat"), os.sysconf("SC_CLK_TCK")

    def seconds() -> float:
        user, system = place.read_text().rpartition(")")[2].split()[11:13]
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = ended.ru_utime + ended.ru_stime if children else time.process_time()
        return own + (int(user) + int(system)) / ticks

    return seconds


def slowness(before: float, after: float) -> float:
    """How much slower random memory access is here and now than where the targets were set; at least 1."""
    return max((before + after) / 2 / QUIET_RANDOM_UPDATE, 1.0)


def wake(gigabytes: float) -> None:
    """Write to memory once, so that a virtual machine's first touch of it is not part of what is timed."""
    np.empty(int(gigabytes * 2**30), np.uint8)[:] = 1


def race(
    contenders: Mapping[str, Callable[[], Any]], *, repeats: int = 7, budget: float = 15.0
) -> tuple[dict[str, float], dict[str, Any]]:
    """Best CPU seconds of each contender, run in turns so that a disturbance hits all alike; and their results.

    A contender stops being repeated when it has used its budget of seconds.
    """
    best: dict[str, float] = {}
    spent = dict.fromkeys(contenders, 0.0)
    results: dict[str, Any] = {}
    for _ in range(repeats):
        for name, run in contenders.items():
            if name in best and spent[name] + best[name] > budget:
                continue
            start = time.process_time()
            results[name] = run()
            seconds = time.process_time() - start
            spent[name] += seconds
            best[name] = min(best.get(name, np.inf), seconds)
    return best, results


def race_table(title: str, best: Mapping[str, float], ours: str, unit: str, count: int, note: str = "") -> Table:
    """Seconds, nanoseconds a unit, and how many times ours each contender takes."""
    rows = [
        [name, f"{seconds:.4g}", f"{seconds / count * 1e9:.3g}", f"{seconds / best[ours]:.3g} ×"]
        for name, seconds in sorted(best.items(), key=lambda item: item[1])
    ]
    return Table(title, ["", "CPU s", f"ns/{unit}", "beside ours"], rows, note)


def arguments(description: str, **options: tuple[Any, str]) -> argparse.Namespace:
    """Options with a default and a help text; a list default takes several values."""
    parser = argparse.ArgumentParser(description=description)
    for name, (default, text) in options.items():
        several = isinstance(default, list)
        kind = float if several else type(default)
        parser.add_argument(f"--{name}", type=kind, default=default, nargs="+" if several else None, help=text)
    parser.add_argument("--json", action="store_true", help="for benchmarks.run_all: tables and targets as JSON")
    return parser.parse_args()


def markdown(table: Table) -> str:
    lines = [f"**{table.title}**", ""] if table.title else []
    lines += ["| " + " | ".join(table.columns) + " |", "| " + " | ".join("---" for _ in table.columns) + " |"]
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return "\n".join([*lines, "", table.note, ""] if table.note else [*lines, ""])


def target_table(targets: list[Target]) -> Table:
    return Table("", ["work", "target", "measured", ""], [[t.work, t.target, t.measured, t.verdict] for t in targets])


def finish(report: Report, options: argparse.Namespace) -> None:
    """Print the report, as Markdown or as JSON."""
    if options.json:
        print(json.dumps(asdict(report)))
        return
    print(f"## {report.title}\n")
    for table in report.tables:
        print(markdown(table))
    if report.targets:
        print(markdown(target_table(report.targets)))
