"""What a person runs, command by command, from 10⁵ to 10⁷ requirements: python -m benchmarks.user_path.

Every command is a process of its own, as it is for a person, so imports and opening the store count. Beside load and
list stand networkx with pickle and DuckDB tables, each in a process of its own too, on the same file. With `--neo4j N`
the same on Neo4j at N requirements, which starts a server of its own (extra `server`). With `--keep FOLDER` what was
measured stays in the folder, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks import harness

TARGETS = {  # CPU s and GB at 10⁶ and at 10⁷ requirements
    "load": ((4.0, 0.3), (40.0, 2.0)),
    "learn": ((1.5, None), (12.0, None)),
    "associate": ((6.0, 0.8), (70.0, None)),
    "percolate": ((2.0, None), (12.0, None)),
    "predict layer": ((4.0, None), (20.0, None)),
    "layers": ((0.5, 0.15), (0.5, 0.15)),
    "datasets": ((0.5, None), (0.5, None)),
    "--version": ((0.12, None), (0.12, None)),
    "predict": ((0.5, None), (0.5, None)),
    "threshold": ((0.5, None), (0.5, None)),
}
PAGE_TARGETS = {10**6: (3.0, 0.6), 10**7: (10.0, 3.0)}
# What is of interest for how cost grows; the others cost the same whatever the size.
NETWORKX_LIMIT = 2_000_000
"""Requirements up to which networkx takes part: beyond, it needs more memory than a laptop has."""
QUERY_LIMIT = 2_000_000
"""Requirements up to which queries are measured, for the same reason."""
GROWING = ("load", "learn", "associate", "percolate")
OFTEN = ("percolate", "predict layer", "layers", "datasets")
MEAN_SKILLS, RATIO = 4.0, 1.6

_MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stderr.buffer.write(done.stderr[-2000:])
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(done.returncode)
"""
_NETWORKX_LOAD = """
import csv, pickle, sys
import networkx as nx
graph = nx.Graph()
with open(sys.argv[1], newline="") as file:
    rows = csv.reader(file)
    next(rows)
    graph.add_edges_from((("t", text), ("s", skill)) for text, skill in rows)
with open(sys.argv[2], "wb") as file:
    pickle.dump(graph, file, protocol=5)
"""
_NETWORKX_LIST = """
import pickle, sys
with open(sys.argv[2], "rb") as file:
    graph = pickle.load(file)
print(graph.number_of_nodes(), graph.number_of_edges())
"""
_DUCKDB_LOAD = """
import duckdb, sys
db = duckdb.connect(sys.argv[2], config={"threads": 1})
db.execute("CREATE TABLE requirements AS SELECT DISTINCT text, skill FROM read_csv(?, all_varchar=true)", [sys.argv[1]])
db.execute("CREATE TABLE texts AS SELECT DISTINCT text FROM requirements ORDER BY text")
db.execute("CREATE TABLE skills AS SELECT DISTINCT skill FROM requirements ORDER BY skill")
db.close()
"""
_DUCKDB_LIST = """
import duckdb, sys
db = duckdb.connect(sys.argv[2], read_only=True)
print([db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("texts", "skills", "requirements")])
"""
PEERS = {"networkx + pickle": (_NETWORKX_LOAD, _NETWORKX_LIST), "DuckDB": (_DUCKDB_LOAD, _DUCKDB_LIST)}


def write_edges(path: Path, requirements: int, seed: int = 20_240_501) -> None:
    """An edge list of a random graph: texts with a Poisson number of skills, mean 4, and 1.6 texts a skill.

    About `requirements` rows in random order, a few of them twice.
    """
    rng = np.random.default_rng(seed)
    texts = round(requirements / MEAN_SKILLS)
    skills = round(texts / RATIO)
    text = np.repeat(np.arange(texts), rng.poisson(MEAN_SKILLS, texts))
    rng.shuffle(text)
    skill = rng.integers(0, skills, len(text))
    with path.open("w", encoding="ascii") as file:
        file.write("text,skill\n")
        for start in range(0, len(text), 500_000):
            part = slice(start, start + 500_000)
            rows = zip(text[part].tolist(), skill[part].tolist(), strict=True)
            file.write("".join(f"text{a},skill{b}\n" for a, b in rows))


Found = dict[str, tuple[float, float]]


class Ledger:
    """What was measured, kept in a file after every command, so that the next run need not do it again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, key: str, measure: Callable[[], tuple[float, float]]) -> tuple[float, float]:
        """CPU seconds and GB under a key, measured unless they are there."""
        if key not in self._found:
            self._found[key] = list(measure())
            self._path.write_text(json.dumps(self._found, indent=1))
        seconds, gigabytes = self._found[key]
        return seconds, gigabytes


def measured(command: Sequence[str | Path], **environment: str) -> tuple[float, float]:
    """CPU seconds (user and system) and peak memory in GB of a process, which finds bytecode and compiled kernels."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        # As on a person's machine, where Python keeps bytecode: without it, every start compiles for seconds.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()[-500:]}")
    seconds, kilobytes = done.stdout.split()
    print(f"{seconds} s, {kilobytes} kB: {' '.join(map(str, command[1:]))[:100]!r}", file=sys.stderr, flush=True)
    return float(seconds), float(kilobytes) / 2**20


def skillgraph(*arguments: str | Path, **environment: str) -> tuple[float, float]:
    """The same of a command of this program."""
    return measured([Path(sys.executable).with_name("skillgraph"), *arguments], **environment)


def path_of_a_user(
    ledger: Ledger, edges: Path, store: str, size: int, repeats: int, key: str, **environment: str
) -> Found:
    """CPU seconds, the least of some runs where a command can be repeated, and memory of each command."""
    place = ("--store", store)
    commands = {
        "load": ("load", edges, "--dataset", "bench", "--replace", *place),
        "learn": ("learn", "layer", *place),
        "associate": ("associate", "layer", *place),
        "percolate": ("percolate", "layer", "--replicates", "1", *place),
        "predict layer": ("predict", "layer", *place),
        "layers": ("layers", *place),
        "datasets": ("datasets", *place),
    }
    if size <= QUERY_LIMIT:
        commands["first query"] = commands["next query"] = ("query", "MATCH (s:Skill) RETURN count(s)", *place)
    found = {}
    for name, command in commands.items():
        several = repeats if name in OFTEN else 1
        runs = [
            ledger.once(f"{key} {name} {turn}", lambda: skillgraph(*command, **environment))  # noqa: B023
            for turn in range(several)
        ]
        found[name] = min(run[0] for run in runs), max(run[1] for run in runs)
    return found


def without_a_store(ledger: Ledger, repeats: int, **environment: str) -> Found:
    """The commands that need none."""
    commands: dict[str, Sequence[str | Path]] = {
        "--version": ("--version",),
        "predict": ("predict", "--mean-skills", "3", "--ratio", "1.1"),
        "threshold": ("threshold", "--mean-skills", "3"),
    }
    found = {}
    for name, command in commands.items():
        skillgraph(*command, **environment)  # which writes bytecode
        runs = [
            ledger.once(f"alone {name} {turn}", lambda: skillgraph(*command, **environment))  # noqa: B023
            for turn in range(repeats)
        ]
        found[name] = min(run[0] for run in runs), max(run[1] for run in runs)
    found["(Python alone)"] = ledger.once("alone python", lambda: measured([sys.executable, "-c", "pass"]))
    return found


def beside(ledger: Ledger, edges: Path, folder: Path, size: int) -> dict[str, list[tuple[float, float]]]:
    """Load and list of each peer."""
    found = {}
    for name, scripts in PEERS.items():
        if name.startswith("networkx") and size > NETWORKX_LIMIT:
            continue
        kept = folder / f"{name.split()[0]}-{size}.kept"
        found[name] = [
            ledger.once(
                f"{size} {name} {work}",
                lambda: measured([sys.executable, "-c", script, edges, kept]),  # noqa: B023
            )
            for work, script in zip(("load", "list"), scripts, strict=True)
        ]
        kept.unlink(missing_ok=True)
    return found


STAGES = ("first picture", "communities drawn")


def graph_page(ledger: Ledger, store: Path, size: int, **environment: str) -> Found:
    """CPU seconds and GB of a server and its children that open a store and show its graph page to a first visitor."""
    from benchmarks.ui import DRAWN, GROUPED, chromium, of_family, served, until, visitor

    found: Found = {}
    stages = STAGES if size <= QUERY_LIMIT else STAGES[:1]

    def shown(stage: str) -> tuple[float, float]:
        if not found:
            fresh = {"PYTHONDONTWRITEBYTECODE": "", **environment}
            with chromium() as browser, served(store, **fresh) as (address, process), visitor(browser) as page:
                page.goto(f"{address}/graph?view=groups", wait_until="commit")
                for name, ready in zip(stages, (DRAWN, GROUPED), strict=False):
                    until(page, ready, since_navigation=True)
                    found[name] = of_family(process)
        return found[stage]

    return {stage: ledger.once(f"{size} graph page: {stage}", lambda: shown(stage)) for stage in stages}  # noqa: B023


def row(name: str, found: Sequence[dict[str, tuple[float, float]]]) -> list[str]:
    cells = [name]
    for of_size in found:
        cells += [f"{of_size[name][0]:.2f}", f"{of_size[name][1]:.2f}"] if name in of_size else ["", ""]
    return cells


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """p of seconds = a + b · size^p through the last three sizes, each the same times the one before; nan if none.

    a, what a command takes on an empty store, is not known exactly, and leaves no trace in the differences.
    """
    if len(sizes) < 3 or not math.isclose(sizes[-1] / sizes[-2], sizes[-2] / sizes[-3]):
        return math.nan
    before, after = seconds[-2] - seconds[-3], seconds[-1] - seconds[-2]
    return math.log(after / before) / math.log(sizes[-1] / sizes[-2]) if min(before, after) > 0 else math.nan


def main() -> None:
    options = harness.arguments(
        __doc__,
        sizes=([1e5, 1e6, 1e7], "requirements"),
        repeats=(1, "runs of what can be repeated"),
        warm=(2, "runs on a thousand requirements beforehand, to compile kernels"),
        neo4j=(0.0, "requirements on Neo4j; 0 for none"),
        ui=(0.0, "requirements up to which the graph page is shown in Chromium, of Linux; 0 for none"),
        remark=("", "a sentence on the machine, for the page"),
        keep=("", "folder in which files and what was measured stay, for a run that goes on; empty for none"),
    )
    sizes = [round(size) for size in options.sizes]
    report = harness.Report("What a person runs")
    found, peers, kept, pages = [], [], [], {}
    place = nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory()
    with place as name:
        folder = Path(name).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(folder / "measured.json")
        fresh = {"SKILLGRAPH_CACHE": str(folder / "cache"), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        write_edges(folder / "warm.csv", 1_000)
        for turn in range(options.warm):
            # Kernels are compiled in the first turn and kept on disk; that is no part of what is measured.
            warm = str(folder / f"warm-{turn}.kgl")
            path_of_a_user(ledger, folder / "warm.csv", warm, 1_000, 1, f"warm {turn}", **fresh)
        alone = without_a_store(ledger, options.repeats, **fresh)
        for size in sizes:
            edges, store = folder / f"{size}.csv", folder / f"{size}.kgl"
            if not edges.exists():
                write_edges(edges.with_suffix(".part"), size)
                edges.with_suffix(".part").replace(edges)
            found.append(path_of_a_user(ledger, edges, str(store), size, options.repeats, str(size), **fresh) | alone)
            peers.append(beside(ledger, edges, folder, size))
            kept.append(store.stat().st_size)
            if size <= options.ui:
                if not pages:  # which writes bytecode
                    graph_page(ledger, store, 0, **{**fresh, "SKILLGRAPH_CACHE": str(folder / "other")})
                pages[size] = graph_page(ledger, store, size, **fresh)
        if options.neo4j:
            edges = folder / f"{round(options.neo4j)}.csv"
            if not edges.exists():
                write_edges(edges, round(options.neo4j))
            report.tables.append(on_neo4j(ledger, folder, edges, round(options.neo4j), **fresh))
        measured_at = datetime.fromtimestamp((folder / "measured.json").stat().st_mtime, UTC)
    columns = ["command"]
    for size in sizes:
        columns += [f"CPU s at {size:.0e}".replace("e+0", "0^"), "GB"]
    names = [*dict.fromkeys(command for of_size in found for command in of_size)]
    note = (
        "CPU time, user and system, and peak memory, on a seeded random edge list with about four skills a text and "
        "1.6 texts a skill; bytecode and compiled kernels are on disk already. "
        f"Size of the store: {', '.join(f'{size / 2**20:,.1f} MB' for size in kept)}. `percolate` with one replicate; "
        "`predict layer` draws random graphs and chooses types at 10⁵ only, as it does unasked. The first query builds "
        "the graph that Cypher runs on, the next one takes it from the cache; "
        f"neither is measured beyond {QUERY_LIMIT:,} requirements."
    )
    counted = "one run" if options.repeats == 1 else f"the best of up to {options.repeats} runs"
    note = f"Measured until {measured_at:%Y-%m-%d}, {counted} of each. {options.remark} {note}".replace("  ", " ")
    report.tables.insert(
        0,
        harness.Table(
            "Embedded store, each command in a process of its own", columns, [row(n, found) for n in names], note
        ),
    )
    rows = []
    for name in PEERS:
        for place, work in enumerate(("load", "list")):
            ours = "load" if work == "load" else "datasets"
            ratios = [
                f"{peer[name][place][0]:.2f} s, {peer[name][place][0] / mine[ours][0]:.1f} ×" if name in peer else "–"
                for peer, mine in zip(peers, found, strict=True)
            ]
            rows.append([f"{name}: {work}", *ratios])
    report.tables.insert(
        1,
        harness.Table(
            "Peers, CPU time and how many times ours",
            ["", *(f"{size:,}" for size in sizes)],
            rows,
            "Same file, same run.",
        ),
    )
    if len(sizes) > 2:
        growth = [[n, f"{exponent(sizes, [f[n][0] for f in found]):.2f}"] for n in GROWING]
        report.tables.insert(
            2,
            harness.Table(
                "How cost grows",
                ["command", "exponent"],
                growth,
                "p of CPU time = a + b · requirements^p through the last three sizes; 1 is linear.",
            ),
        )
    if pages:
        report.tables.insert(
            1,
            harness.Table(
                "Open the store and show the graph page, in a headless Chromium, to a first visitor",
                ["requirements", *(part for stage in STAGES for part in (f"{stage}: CPU s", "GB"))],
                [
                    row(f"{size:,}", [{f"{size:,}": page[stage]} if stage in page else {} for stage in STAGES])
                    for size, page in pages.items()
                ],
                "The server and its children, from the start of the server; GB is the sum of their peaks. From 300,000 "
                "associations on, the first picture shows the most used skills and communities follow by themselves; "
                "they are computed once for the same associations. Beyond "
                f"{QUERY_LIMIT:,} requirements the communities were not waited for.",
            ),
        )
        for size, page in pages.items():
            if size in PAGE_TARGETS:
                seconds, gigabytes = page[STAGES[0]]
                report.at_most(f"graph page at {size:,}, first picture", seconds, PAGE_TARGETS[size][0], "s")
                report.at_most(f"graph page at {size:,}, first picture, memory", gigabytes, PAGE_TARGETS[size][1], "GB")
    for size, of_size in zip(sizes, found, strict=True):
        if size in (10**6, 10**7):
            for name, limits in TARGETS.items():
                seconds, gigabytes = limits[size == 10**7]
                plain = " without random graphs and types" if name == "predict layer" else ""
                report.at_most(f"`{name}`{plain} at {size:,}", of_size[name][0], seconds, "s")
                if gigabytes is not None:
                    report.at_most(f"`{name}` at {size:,}, memory", of_size[name][1], gigabytes, "GB")
    harness.finish(report, options)


def on_neo4j(ledger: Ledger, folder: Path, edges: Path, size: int, **fresh: str) -> harness.Table:
    """The commands on a Neo4j of its own; the server's time does not count."""
    from explorer.server import LocalServer, ServerOptions, free_port

    server = LocalServer(folder / "home", options=ServerOptions(free_port(), None))
    status = server.start(attached=True)
    try:
        credentials = server.credentials()
        assert credentials is not None
        user = {"NEO4J_USERNAME": credentials.user, "NEO4J_PASSWORD": credentials.password}
        found = path_of_a_user(ledger, edges, status.url, size, 1, f"neo4j {size}", **fresh, **user)
    finally:
        server.stop()
    return harness.Table(
        f"Neo4j at {size:,} requirements",
        ["command", "CPU s of the client", "GB"],
        [row(name, [found]) for name in found],
    )


if __name__ == "__main__":
    main()
