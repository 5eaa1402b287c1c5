"""All benchmarks, one after the other, as one page: python -m benchmarks.run_all --output docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.harness import Report, Table, Target, markdown, target_table

SCRIPTS = (
    "user_path",
    "limits",
    "peeling",
    "memory",
    "components",
    "percolation",
    "association",
    "replicates",
    "implicit",
    "engines",
)
SMALL = {
    "user_path": ["--sizes", "1e4", "3e4", "--repeats", "1"],
    "peeling": ["--sizes", "1e4", "1e5", "--edges", "1e6", "--near", "1e5"],
    "memory": ["--edges", "1e6"],
    "components": ["--nodes", "1e5"],
    "percolation": ["--nodes", "1e5"],
    "association": ["--texts", "1e5"],
    "replicates": ["--replicates", "100"],
    "implicit": ["--edges", "1e6"],
    "engines": ["--sizes", "1e3", "1e4"],
}
PACKAGES = ("numpy", "numba", "scipy", "networkx", "igraph", "rustworkx", "networkit", "polars", "duckdb")

INTRODUCTION = """# Benchmarks

First what a person runs, command by command; then speed and memory of the kernels beside what one would use instead,
in the same run and with equal results (each script asserts that). Made by one command, about half an hour:

    python -m benchmarks.run_all --output docs/benchmarks.md

and each part by its own, for example `python -m benchmarks.peeling --help`. Times are CPU time, the best of several
runs taken in turns, without compilation (which is cached on disk) and, but for the end-to-end rows, without building
the graph. c = 4 and the threshold R* = 1.4664 are those of the 1-skill learner (docs/theory.md).

Targets were set on a quiet machine on which a random update of a 20 MB table takes 3.75 ns. Where it takes longer
here, the figure in brackets is scaled by that, and "met at this machine's speed" says that only the scaled one
reaches the target.
"""


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def run(script: str, extra: list[str], seconds: float) -> Report | str:
    """The script's report, or in one line why there is none."""
    command = [sys.executable, "-m", f"benchmarks.{script}", "--json", *extra]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"stopped after {seconds:g} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed without a message"])[-1]
    found = json.loads(done.stdout)
    tables = [Table(**table) for table in found["tables"]]
    return Report(found["title"], tables, [Target(**target) for target in found["targets"]])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="Markdown file; without it the page is printed")
    parser.add_argument("--small", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=SCRIPTS, help="some of the parts")
    parser.add_argument("--seconds", type=float, default=1800, help="time limit of each part")
    options = parser.parse_args()
    reports: dict[str, Report | str] = {}
    for script in options.only:
        print(f"{script} …", file=sys.stderr, flush=True)
        reports[script] = run(script, SMALL.get(script, []) if options.small else [], options.seconds)
    good = [report for report in reports.values() if isinstance(report, Report)]
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    page = [INTRODUCTION]
    page += [f"Run on {datetime.now(UTC):%Y-%m-%d} on {processor()}, {platform.system()}, {python}, {packages}.\n"]
    page += ["## Targets\n", markdown(target_table([target for report in good for target in report.targets]))]
    for script, report in reports.items():
        if isinstance(report, str):
            page.append(f"## {script}\n\nNot measured: {report}\n")
            continue
        page.append(f"## {report.title}\n\n`python -m benchmarks.{script}`\n")
        page += [markdown(table) for table in report.tables]
    text = "\n".join(page).rstrip() + "\n"
    if options.output is None:
        print(text)
    else:
        options.output.write_text(text, encoding="utf-8")
    return 0 if len(good) == len(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
