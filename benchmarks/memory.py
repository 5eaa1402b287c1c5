"""Peak memory from an edge list to a layer, each size in a process of its own: python -m benchmarks.memory."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import harness

CHILD = """
import json, resource, sys
import numpy as np
from analysis.graph import SkillTextGraph
from analysis.peeling import peel
n_edges, keep = int(sys.argv[1]), sys.argv[2] == "held"
n_skills = int(n_edges / (4 * 1.02 * 1.4663503)); n_texts = int(1.02 * 1.4663503 * n_skills)
peel(SkillTextGraph.from_edges([1, 0], [0, 1], 2, 2, engine="numba"), engine="numba")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
start = peak()
rng = np.random.default_rng(0)
text = rng.integers(0, n_texts, n_edges, dtype=np.int32)
skill = rng.integers(0, n_skills, n_edges, dtype=np.int32)
graph = SkillTextGraph.from_edges(text, skill, n_texts, n_skills)
if not keep: del text, skill
result = peel(graph)
assert result.n_learned > 0.9 * n_skills
print(json.dumps([start, peak()]))
"""


def main() -> None:
    options = harness.arguments(__doc__, edges=([6e6, 6e7], "numbers of edges"))
    report = harness.Report("Memory")
    rows, highest = [], {}
    for n_edges in options.edges:
        for keep in ("held", "freed"):
            run = [sys.executable, "-c", CHILD, str(int(n_edges)), keep]
            start, peak = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
            highest[n_edges, keep] = peak
            bytes_an_edge = (peak - start) / n_edges
            rows.append(
                [f"{n_edges:.0e}", keep, f"{peak / 1e9:.3g} GB", f"{start / 1e9:.2g} GB", f"{bytes_an_edge:.3g}"]
            )
            if n_edges >= 1e7:
                report.at_most(f"peak memory, edge list {keep} while peeling", bytes_an_edge, 24, "bytes/edge")
                if n_edges == 6e7:
                    report.at_most(f"the same, with the interpreter, edge list {keep}", peak / 1e9, 1.5, "GB")
    note = "Edges as two int32 arrays (8 bytes an edge), built into both directions, peeled with waves and texts."
    columns = ["edges", "edge list", "peak", "of it interpreter and compiler", "bytes an edge for the rest"]
    report.tables.append(harness.Table("", columns, rows, note))
    harness.finish(report, options)


if __name__ == "__main__":
    main()
