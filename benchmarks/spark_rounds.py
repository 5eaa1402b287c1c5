"""Learning on local Spark, per edge and round, beside the kernel: python -m benchmarks.spark_rounds --edges 1e6 1e7."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.graph import SkillTextGraph
from analysis.learners import OneSkillLearner
from analysis.peeling import peel
from benchmarks import harness

C, THRESHOLD = 4, 1.4663503
TICKS = os.sysconf("SC_CLK_TCK")


def tree_seconds() -> float:
    """CPU seconds of this process and all that descend from it, the Java side and Python workers among them."""
    used, parents = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                values = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # ended meanwhile
                continue
            parents[int(folder.name)] = int(values[1])
            used[int(folder.name)] = sum(map(int, values[11:15])) / TICKS  # with children that have ended
    chosen, todo = set(), [os.getpid()]
    while todo:
        chosen.add(process := todo.pop())
        todo += [child for child, parent in parents.items() if parent == process]
    return sum(used[process] for process in chosen if process in used)


class Watch:
    """CPU and wall seconds since the last look."""

    def __init__(self) -> None:
        self.look()

    def look(self) -> tuple[float, float]:
        cpu, wall = tree_seconds(), time.time()
        passed = (cpu - getattr(self, "cpu", cpu), wall - getattr(self, "wall", wall))
        self.cpu, self.wall = cpu, wall
        return passed


def write_input(folder: Path, text: np.ndarray, skill: np.ndarray, n_texts: int, n_skills: int) -> None:
    folder.mkdir()
    ids = {kind: pa.array(np.char.add(kind[0], np.arange(n).astype(str))) for kind, n in
           (("texts", n_texts), ("skills", n_skills))}  # fmt: skip
    for kind, values in ids.items():
        pq.write_table(pa.table({"id": values}), folder / f"{kind}.parquet")
    table = pa.table({"text": ids["texts"].take(pa.array(text)), "skill": ids["skills"].take(pa.array(skill))})
    pq.write_table(table, folder / "requirements.parquet", store_schema=False)


def shuffled(log: Path) -> list[tuple[float, int]]:
    """Finish time and bytes written to the shuffle of every task."""
    found = []
    for line in log.open(encoding="utf-8"):
        event = json.loads(line)
        metrics = event.get("Task Metrics") if event["Event"] == "SparkListenerTaskEnd" else None
        if metrics:
            written = metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
            found.append((event["Task Info"]["Finish Time"] / 1000, written))
    return found


def predicted_rounds(n_skills: int, ratio: float) -> int:
    """Rounds until density evolution leaves less than one skill to be learned."""
    course = evolve(Ensemble.poisson(C, ratio), OneSkillLearner(), max_iterations=100_000)
    return int(np.argmax((course.trajectory - course.unlearned) * n_skills < 1))


def measure(n_edges: int, above: float, options, report: harness.Report) -> None:
    from explorer.spark.learning import learn_skills
    from explorer.spark.prepared import prepare
    from explorer.spark.session import open_session

    rng = np.random.default_rng(0)
    ratio = above * THRESHOLD
    n_skills = int(n_edges / (C * ratio))
    n_texts = int(ratio * n_skills)
    text = rng.integers(0, n_texts, n_edges, dtype=np.int32)
    skill = rng.integers(0, n_skills, n_edges, dtype=np.int32)
    best, results = harness.race(
        {"kernel": lambda: peel(SkillTextGraph.from_edges(text, skill, n_texts, n_skills))}, repeats=3
    )
    kernel = results["kernel"]
    rows, shuffles = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_input(folder / "input", text, skill, n_texts, n_skills)
        (folder / "events").mkdir()
        settings = {
            "spark.driver.memory": options.memory,
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.rolling.enabled": "false",
            "spark.eventLog.dir": (folder / "events").as_uri(),
        }
        runs = [("blocks", False), ("blocks", True), ("rounds", True)]
        if n_edges > options.rounds:
            del runs[1:]
        with open_session("local[2]", settings) as spark:
            watch = Watch()
            graph = prepare(spark, str(folder / "input"), str(folder / "work"), block_edges=int(options.block))
            cpu, wall = watch.look()
            print(f"{n_edges:.0e} edges, layout: {cpu:.3g} CPU s", file=sys.stderr, flush=True)
            rows.append(
                ["numbering and layout, once", "", f"{cpu:.3g}", f"{wall:.3g}", f"{cpu / n_edges * 1e9:.3g}", ""]
            )
            for method, waves in runs:
                ends: list[float] = []
                began = time.time()
                watch.look()
                done = learn_skills(
                    graph,
                    str(folder / f"{method}{waves}"),
                    method=method,
                    waves=waves,
                    progress=lambda *_, ends=ends: ends.append(time.time()),
                )
                cpu, wall = watch.look()
                print(f"{n_edges:.0e} edges, {method}: {cpu:.3g} CPU s", file=sys.stderr, flush=True)
                assert done.by_step[-1] == kernel.n_learned
                assert not done.exact or len(done.by_step) - 1 == kernel.n_waves
                name = f"{method}, {'exact waves' if waves else 'learned set'}"
                steps = len(done.by_step)  # and the last, which finds nothing
                each = cpu / n_edges / steps * 1e9
                rows.append(
                    [name, str(steps), f"{cpu:.3g}", f"{wall:.3g}", f"{cpu / n_edges * 1e9:.3g}", f"{each:.3g}"]
                )
                shuffles.append((name, began, [*ends, time.time()]))
        tasks = shuffled(next((folder / "events").iterdir()))
    lines = []
    for name, began, ends in shuffles:
        per_step = [
            sum(b for t, b in tasks if low < t <= high) for low, high in zip([began, *ends], ends, strict=False)
        ]
        lines.append([name, f"{sum(per_step) / 1e6:.3g} MB", f"{max(per_step) / 1e6:.3g} MB",
                      f"{sum(per_step) / n_edges:.3g}"])  # fmt: skip
    seconds = best["kernel"]
    figures = (seconds, seconds, seconds / n_edges * 1e9, seconds / n_edges / (kernel.n_waves + 1) * 1e9)
    rows.append(["kernel, edge list to layer", str(kernel.n_waves + 1), *(f"{figure:.3g}" for figure in figures)])
    load = os.getloadavg()[0]
    predicted = predicted_rounds(n_skills, ratio)
    title = f"{n_edges:.0e} edges, c = {C}, R = {above:g} R*, {kernel.n_learned / n_skills:.1%} learned"
    note = (
        f"{kernel.n_waves} waves ({predicted} by density evolution). Blocks of {options.block:.0e} edges, local[2]; "
        f"CPU time of Java, workers and driver together; the machine's load at the end was {load:.1f}."
    )
    columns = ["", "steps", "CPU s", "wall s", "CPU ns/edge", "CPU ns/edge and step"]
    report.tables.append(harness.Table(title, columns, rows, note))
    columns = ["shuffle", "all steps", "largest step", "bytes/edge"]
    report.tables.append(harness.Table("", columns, lines, "From Spark's event log."))


def main() -> None:
    options = harness.arguments(
        __doc__,
        edges=([1e6], "numbers of edges"),
        above=(1.02, "ratio of texts to skills over its threshold"),
        block=(1e6, "edges in a block"),
        rounds=(1e6, "most edges at which exact waves and rounds of joins are measured as well"),
        memory=("3g", "of the Java side"),
    )
    report = harness.Report("Spark")
    for n_edges in options.edges:
        measure(int(n_edges), options.above, options, report)
    harness.finish(report, options)


if __name__ == "__main__":
    main()
