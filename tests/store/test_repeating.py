"""Replacing a layer costs about what creating it costs, whatever else the store holds."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.repeating import LIMIT, measure
from explorer.store.opening import open_store


def test_replacing_costs_no_more_than_creating_and_a_half(tmp_path: Path) -> None:
    # CPU time, the best of several in turn, so that other processes hardly matter.
    store = open_store(tmp_path / "store.kgl", mode="write")
    sizes = {"texts": 4_000, "skills": 800, "pairs": 8_000, "repeats": 4, "turns": 3}
    for what, created, replaced in measure(store, time.process_time, **sizes, typical=min):
        assert replaced <= LIMIT * created + 0.02, what
    store.close()
