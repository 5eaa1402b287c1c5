"""numpy or compiled: where the import of numba pays. python -m benchmarks.engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np

from benchmarks import harness

CHILD = """
import json, sys, time
import numpy as np
from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.components import components
engine, n_skills = sys.argv[1], int(sys.argv[2])
n_texts = int(1.5 * n_skills)
rng = np.random.default_rng(0)
text, skill = rng.integers(0, n_texts, 4 * n_texts), rng.integers(0, n_skills, 4 * n_texts)
times = []
for _ in range(2):
    start = time.process_time()
    graph = SkillTextGraph.from_edges(text, skill, n_texts, n_skills, engine=engine)
    result = peel(graph, engine=engine)
    components(graph, result.learned, engine=engine)
    times.append(time.process_time() - start)
print(json.dumps(times))
"""
# With this set, every process compiles numba's sources to bytecode anew, which is not how it is used.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main() -> None:
    options = harness.arguments(__doc__, sizes=([1e3, 1e4, 1e5, 3e5, 5e5, 1e6], "numbers of skills, six edges each"))
    report = harness.Report("Engines")
    rows = []
    for size in options.sizes:
        row = [f"{6 * size:.0e}"]
        for engine in ("numpy", "numba"):
            run = [sys.executable, "-c", CHILD, engine, str(int(size))]
            times = [
                json.loads(subprocess.run(run, check=True, capture_output=True, env=ENVIRONMENT).stdout)
                for _ in range(3)
            ]
            row += [f"{seconds:.3g}" for seconds in np.min(times, axis=0)]
        rows.append(row)
    columns = ["edges", "numpy, first", "numpy, again", "numba, first", "numba, again"]
    note = "`auto` takes numba from 2 500 000 edges on, and once numba is imported from 5 000 edges on."
    title = "Edge list to graph, waves and components, CPU s; the first call of a process imports numba"
    report.tables.append(harness.Table(title, columns, rows, note))
    harness.finish(report, options)


if __name__ == "__main__":
    main()
