"""A graph too large to store, peeled from hashed edges: python -m benchmarks.implicit."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import harness

C, RATIO = 4.0, 1.02 * 1.4663503
CHILD = """
import json, resource, sys, time
import numpy as np
from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.implicit import peel_implicit
from analysis.learners import OneSkillLearner
c, ratio, n_edges = map(float, sys.argv[1:])
peel_implicit(c, 30, 20)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
start, n_skills = peak(), round(n_edges / (c * ratio))
began = time.process_time()
found = peel_implicit(c, round(ratio * n_skills), n_skills)
seconds = time.process_time() - began
q = evolve(Ensemble.poisson(c, ratio), OneSkillLearner()).unlearned
print(json.dumps([found.n_edges, seconds, start, peak(), found.n_waves, found.n_learned / n_skills, 1 - q]))
"""


def main() -> None:
    options = harness.arguments(__doc__, edges=([1e7, 1e8, 1e9], "numbers of edges"))
    report = harness.Report("Implicit ensemble")
    rows = []
    for wanted in options.edges:
        run = [sys.executable, "-c", CHILD, str(C), str(RATIO), str(wanted)]
        done = subprocess.run(run, check=True, capture_output=True, text=True)
        n_edges, seconds, start, peak, waves, learned, predicted = json.loads(done.stdout)
        rows.append(
            [
                f"{n_edges / 1e6:,.0f}·10⁶",
                f"{seconds:.3g}",
                f"{1e9 * seconds / n_edges:.3g}",
                f"{peak / 1e9:.3g} GB",
                f"{(peak - start) / n_edges:.3g}",
                str(waves),
                f"{learned:.6f}",
                f"{predicted:.6f}",
            ]
        )
        if wanted >= 1e9:
            report.at_most("peak memory, 10⁹ hashed edges", (peak - start) / 1e9, 2.2, "GB")
    columns = ["edges", "CPU s", "ns/edge", "peak", "bytes/edge", "rounds", "learned", "predicted"]
    note = "Graph drawn and peeled, R = 1.02 R*; every edge is hashed twice and none is stored."
    report.tables.append(harness.Table("", columns, rows, note))
    harness.finish(report, options)


if __name__ == "__main__":
    main()
