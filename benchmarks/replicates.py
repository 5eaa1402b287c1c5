"""Monte-Carlo replicates at the threshold, generation included: python -m benchmarks.replicates."""

from __future__ import annotations

import os
import time

import numpy as np

from analysis.peeling import peel
from analysis.replicates import learned_fraction_replicates, replicate
from analysis.sampling import poisson_graph
from benchmarks import harness
from benchmarks.peeling import THRESHOLD, C


def main() -> None:
    options = harness.arguments(__doc__, skills=(1e4, "skills of each graph"), replicates=(2000, "graphs"))
    report = harness.Report("Replicates")
    n = int(options.skills)
    scale = harness.slowness(harness.random_update(), harness.random_update())
    learned_fraction_replicates(C, THRESHOLD, n, replicates=2, seed=0)
    rows, per_core, wall = [], {}, {}
    cores = os.cpu_count() or 1
    for workers in sorted({1, 2, cores}):
        best_cpu = best_wall = np.inf
        for _ in range(3):
            start, cpu = time.perf_counter(), time.process_time()
            found = learned_fraction_replicates(C, THRESHOLD, n, replicates=options.replicates, seed=1, workers=workers)
            best_wall = min(best_wall, time.perf_counter() - start)
            best_cpu = min(best_cpu, time.process_time() - cpu)
        per_core[workers], wall[workers] = options.replicates / best_cpu, options.replicates / best_wall
        rows.append(
            [f"ours, {workers} worker{'s' * (workers > 1)}", f"{per_core[workers]:.0f}", f"{wall[workers]:.0f}"]
        )

    def in_steps(rng):
        return peel(poisson_graph(C, round(THRESHOLD * n), n, rng), engine="numba").n_learned / n

    few = max(options.replicates // 10, 5)
    start, cpu = time.perf_counter(), time.process_time()
    steps = replicate(in_steps, few, seed=2)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    rows.append(["graph drawn with numpy, then peeled by the kernel", f"{few / cpu:.0f}", f"{few / seconds:.0f}"])
    assert abs(steps.mean - found.mean) < 5 * np.hypot(steps.standard_error, found.standard_error)
    note = (
        f"Learned fraction {found.mean:.4f} ± {found.standard_error:.4f}; "
        "the two ways agree within five standard errors. Ours is `learned_fraction_replicates`, which "
        "`skillgraph theory finite-size` runs."
    )
    title = f"{n:.0e} skills, c = 4, R = R*, 1-skill learner; graphs a second"
    report.tables.append(harness.Table(title, ["", "of CPU time", "of wall time"], rows, note))
    report.at_least("replicates at the threshold, 10⁴ skills", per_core[1], 2000, "a second and core", scale)
    report.at_least("replicates on two workers beside one (wall time)", wall[2] / wall[1], 1.8, "×")
    harness.finish(report, options)


if __name__ == "__main__":
    main()
