"""All benchmarks, one after the other, as one page: python -m benchmarks.run_all --output docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.harness import Report, Table, Target, markdown, target_table

SCRIPTS = (
    "user_path",
    "repeating",
    "neo4j_writing",
    "recipes",
    "limits",
    "peeling",
    "memory",
    "components",
    "percolation",
    "association",
    "replicates",
    "implicit",
    "engines",
    "ladder",
)
OWN_TARGETS = {"user_path", "repeating", "neo4j_writing", "recipes"}
"""Parts that stand before the others, with their targets, and that `--only` renews in a page that is there."""

MEASURED_BY_HAND = ("Many clients", "What a person runs on Neo4j")
"""Sections that this script does not make; they stay as they are."""

LARGE = {"user_path": ["--ui", "1e7"]}
SMALL = {
    "user_path": ["--sizes", "1e4", "3e4", "--repeats", "1"],
    "repeating": ["--neo4j", "0", "--demo", "0"],
    "neo4j_writing": ["--edges", "1e4", "--repeats", "1", "--few", "200"],
    "recipes": ["--requirements", "1e4", "--neo4j", "0"],
    "peeling": ["--sizes", "1e4", "1e5", "--edges", "1e6", "--near", "1e5"],
    "memory": ["--edges", "1e6"],
    "components": ["--nodes", "1e5"],
    "percolation": ["--nodes", "1e5"],
    "association": ["--texts", "1e5"],
    "replicates": ["--replicates", "100"],
    "implicit": ["--edges", "1e6"],
    "engines": ["--sizes", "1e3", "1e4"],
    "ladder": ["--requirements", "1e4"],
}
PACKAGES = ("numpy", "numba", "scipy", "networkx", "igraph", "rustworkx", "networkit", "polars", "duckdb")

INTRODUCTION = """# Benchmarks

First what a person runs, command by command; then speed and memory of the kernels beside what one would use instead,
in the same run and with equal results (each script asserts that). Made by one command, about half an hour:

    python -m benchmarks.run_all --output docs/benchmarks.md

(`--only user_path --keep FOLDER` renews the first part alone and goes on where it was stopped; `--only` renews
`repeating`, `neo4j_writing` and `recipes` too) and each part by its own, for example
`python -m benchmarks.peeling --help`. Times are CPU time, the best of several runs taken in turns, without compilation
(which is cached on disk) and, but for the end-to-end rows, without building the graph. c = 4 and the threshold
R* = 1.4664 are those of the 1-skill learner (docs/theory.md).

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


def section(script: str, report: Report) -> str:
    """A part of the page; the path of a user has its targets with it, those of the kernels stand together."""
    page = [f"## {report.title}\n\n`python -m benchmarks.{script}`\n", *(markdown(table) for table in report.tables)]
    if script in OWN_TARGETS and report.targets:
        page.append(markdown(target_table(report.targets)))
    return "\n".join(page)


def _found(page: str, title: str) -> re.Match[str] | None:
    return re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)


def replaced(page: str, title: str, text: str) -> str:
    """A page with another text in the place of the section of this title.

    Raises:
        ValueError: It has none.
    """
    found = _found(page, title)
    if found is None:
        raise ValueError(f"the page has no section {title!r}")
    return page[: found.start()] + text.rstrip() + "\n\n" + page[found.end() :]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, help="Markdown file; without it the page is printed")
    parser.add_argument("--small", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=SCRIPTS, help="some of the parts")
    parser.add_argument("--keep", help="folder in which user_path keeps what it measured, for a run that goes on")
    parser.add_argument("--remark", help="for user_path: a sentence on the machine")
    parser.add_argument("--seconds", type=float, default=1800, help="time limit of each part")
    options = parser.parse_args()
    reports: dict[str, Report | str] = {}
    for script in options.only:
        print(f"{script} …", file=sys.stderr, flush=True)
        extra = list((SMALL if options.small else LARGE).get(script, []))
        for option in ("keep", "remark") if script == "user_path" else ():
            extra += [f"--{option}", value] if (value := getattr(options, option)) else []
        reports[script] = run(script, extra, options.seconds)
    good = [report for report in reports.values() if isinstance(report, Report)]
    if set(options.only) <= OWN_TARGETS and options.output is not None and options.output.exists():
        text = options.output.read_text(encoding="utf-8")
        for script, report in reports.items():
            if isinstance(report, str):
                print(f"{script}: not measured: {report}", file=sys.stderr)
                return 1
            text = replaced(text, report.title, section(script, report))
        options.output.write_text(text.rstrip() + "\n", encoding="utf-8")
        return 0
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    page = [INTRODUCTION]
    page += [f"Run on {datetime.now(UTC):%Y-%m-%d} on {processor()}, {platform.system()}, {python}, {packages}.\n"]
    targets = [
        target
        for script, report in reports.items()
        if isinstance(report, Report) and script not in OWN_TARGETS
        for target in report.targets
    ]
    first = [
        section(script, report)
        for script, report in reports.items()
        if script in OWN_TARGETS and isinstance(report, Report)
    ]
    page += first
    page += ["## Targets\n", markdown(target_table(targets))]
    for script, report in reports.items():
        if isinstance(report, str):
            page.append(f"## {script}\n\nNot measured: {report}\n")
            continue
        if script not in OWN_TARGETS:
            page.append(section(script, report))
    text = "\n".join(page).rstrip() + "\n"
    if options.output is None:
        print(text)
    else:
        before = options.output.read_text(encoding="utf-8") if options.output.exists() else ""
        kept = [found[0].rstrip() + "\n" for title in MEASURED_BY_HAND if (found := _found(before, title))]
        options.output.write_text("\n".join([text, *kept]), encoding="utf-8")
    return 0 if len(good) == len(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
