"""Reading requirements from Neo4j beside a row an edge and collected lists: python -m benchmarks.neo4j_reading.

With the driver's Rust extension, if it is installed, and, in a process of its own, without it.

Starts a Neo4j of its own (`skillgraph server`), so it needs the extra `server`, and Neo4j's jars once from the network.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import harness
from explorer.server import LocalServer, ServerOptions, free_port
from explorer.store.neo4j.admin import write_admin_csv
from explorer.store.neo4j.dataset import DatasetReader, require_dataset
from explorer.store.neo4j.reading import CHUNK
from explorer.store.neo4j.store import Neo4jStore
from loaders.dataset import build_dataset

ROWS = "MATCH (t:Text)-[r:REQUIRES]->(s:Skill) RETURN t.id, s.id, r.weight LIMIT $limit"
MOST_ROWS = 100_000
LISTS = """
MATCH (t:Text)-[r:REQUIRES]->(s:Skill)
WITH collect({text}) AS texts, collect({skill}) AS skills, collect(r.weight) AS weights
UNWIND range(0, size(texts) - 1, $chunk) AS i
RETURN texts[i..i + $chunk], skills[i..i + $chunk], weights[i..i + $chunk]
"""
LISTS_A_CHUNK = """
UNWIND range(0, $chunks - 1) AS chunk
CALL (chunk) {{
  MATCH (t:Text) WHERE id(t) % $chunks = chunk MATCH (t)-[r:REQUIRES]->(s:Skill)
  RETURN collect({text}) AS texts, collect({skill}) AS skills, collect(r.weight) AS weights
}}
RETURN texts, skills, weights
"""
LISTED = 50_000
POOLS = []


def dataset(edges, seed=0):
    texts, skills = edges // 6, edges // 60
    rng = np.random.default_rng(seed)
    pairs = np.unique(rng.integers(0, texts * skills, edges))
    text_ids = pa.array([f"package.module.function_{i}" for i in range(texts)])
    skill_ids = pa.array([f"package.module.name_{i}" for i in range(skills)])
    return build_dataset(
        "bench",
        texts=pa.table({"id": text_ids, "part": ["all"] * texts}),
        skills=pa.table({"id": skill_ids}),
        requirements=pa.table(
            {
                "text": pa.DictionaryArray.from_arrays(pa.array(pairs // skills), text_ids),
                "skill": pa.DictionaryArray.from_arrays(pa.array(pairs % skills), skill_ids),
                "weight": rng.random(len(pairs)) + 0.5,
            }
        ),
    )


def row_an_edge(store):
    with store._connection.reading(fetch_size=10_000) as session:
        rows = session.run(ROWS, limit=MOST_ROWS).values()
    texts, skills, weights = zip(*rows, strict=True)
    return pa.array(texts), pa.array(skills), np.array(weights)


def collected(store, statement, text, skill, make):
    count = store.datasets()[0].requirements
    with store._connection.reading(fetch_size=10) as session:
        lists = session.run(statement.format(text=text, skill=skill), chunk=LISTED, chunks=-(-count // LISTED))
        return [(make(texts), make(skills), np.array(weights)) for texts, skills, weights in lists]


def collected_ids(store):
    """What a row an edge gives: the ids of both ends."""
    return collected(store, LISTS, "t.id", "s.id", pa.array)


def ids_a_chunk(store):
    """The same, and the server holds one chunk of them at a time."""
    return collected(store, LISTS_A_CHUNK, "t.id", "s.id", pa.array)


def collected_numbers(store):
    """The server's own numbers of both ends, which say nothing without the ids."""
    return collected(store, LISTS, "id(t)", "id(s)", np.array)


def numbers_a_chunk(store):
    """The same, and the server holds one chunk of them at a time."""
    return collected(store, LISTS_A_CHUNK, "id(t)", "id(s)", np.array)


def whole_by_hand(store):
    """Texts and skills with all their properties, and requirements by the server's numbers of both ends: lists."""
    nodes = (
        "MATCH (n:{label}) WITH collect([id(n), properties(n)]) AS rows UNWIND range(0, size(rows) - 1, $chunk) AS i "
        "RETURN rows[i..i + $chunk]"
    )
    lists = numbers_a_chunk(store)
    tables, ends = [], []
    with store._connection.reading(fetch_size=10) as session:
        for column, label in enumerate(("Text", "Skill")):
            rows = [row for (part,) in session.run(nodes.format(label=label), chunk=LISTED).values() for row in part]
            tables.append(pa.Table.from_pylist([properties for _, properties in rows]))
            numbers = np.array([number for number, _ in rows])
            order = np.argsort(numbers)
            ends.append(order[np.searchsorted(numbers[order], np.concatenate([part[column] for part in lists]))])
    return tables, ends, np.concatenate([weights for *_, weights in lists])


COLLECTED = {
    "lists of ids, all collected at once": collected_ids,
    "lists of ids, collected a chunk at a time": ids_a_chunk,
    "lists of the server's numbers, all collected at once": collected_numbers,
    "lists of the server's numbers, collected a chunk at a time": numbers_a_chunk,
}


def ours(store):
    """Indices in canonical order, with the ids they stand for."""

    def read(transaction):
        return DatasetReader(transaction, require_dataset(transaction, "bench"))._requirements()

    return store._connection.read(read)


def forget(store):
    """Let the store read the dataset again instead of giving the one it has kept."""
    store._read = {}, None


def by_chunks(store):
    return sum(table.num_rows for table in store.read_requirements("bench"))


def whole(store):
    forget(store)
    return store.read_dataset("bench").requirements


def race(store, contenders, repeats):
    """Best wall-clock seconds of each, in turns: the server's time counts too."""
    best = {}
    for _ in range(repeats):
        for name, run in contenders.items():
            start = time.perf_counter()
            run(store)
            best[name] = min(best.get(name, np.inf), time.perf_counter() - start)
    return best


def peak_memory(store):
    """Peak of Python, numpy and Arrow while the whole dataset is read, and the bytes of what is read."""
    forget(store)
    before = pa.default_memory_pool()
    # Arrow frees a buffer in the pool it came from, so the pool must outlive the last of them.
    POOLS.append(pa.proxy_memory_pool(before))
    pa.set_memory_pool(POOLS[-1])
    tracemalloc.start()
    found = store.read_dataset("bench")
    peak = tracemalloc.get_traced_memory()[1] + POOLS[-1].max_memory()
    tracemalloc.stop()
    pa.set_memory_pool(before)
    return peak, sum(table.nbytes for table in found.tables().values())


def measure(store, count, repeats, driver):
    contenders = {
        "a row an edge": row_an_edge,
        **COLLECTED,
        "this store: arrays": ours,
        "this store: tables a chunk": by_chunks,
        "the whole dataset by hand, from such lists": whole_by_hand,
        "this store: whole dataset": whole,
    }
    best = race(store, contenders, repeats)
    rates = {name: count / seconds for name, seconds in best.items()}
    rates["a row an edge"] = min(count, MOST_ROWS) / best["a row an edge"]
    lists = max(rates[name] for name in COLLECTED)
    peak, final = peak_memory(store)
    report = harness.Report("Reading from Neo4j")
    report.tables.append(
        harness.Table(
            f"{count:,} requirements, best of {repeats}, in turns, {driver}",
            ["", "thousand edges/s", "beside the fastest lists"],
            [[name, f"{rate / 1000:,.0f}", f"{rate / lists:.2f} ×"] for name, rate in rates.items()],
            f"Chunks of about {CHUNK:,} edges. Whole dataset: peak {peak / 1e6:.1f} MB for {final / 1e6:.1f} MB.",
        )
    )
    report.at_least(
        f"arrays, beside the fastest collected lists, {driver}", rates["this store: arrays"] / lists, 0.8, "×"
    )
    by_hand = best["the whole dataset by hand, from such lists"]
    report.at_most(
        f"whole dataset, beside it by hand, time, {driver}", best["this store: whole dataset"] / by_hand, 1.5, "×"
    )
    report.at_most(f"peak memory, beside what is read, {driver}", peak / final, 2.0, "×")
    return report


def without_extension(url, credentials, edges):
    """The report of a process whose driver does not find its extension."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.neo4j_reading", "--json", "--url", url, "--edges", str(edges)],
        env={**os.environ, "NEO4J_USER": credentials.user, "NEO4J_PASSWORD": credentials.password},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout)
    return [harness.Table(**table) for table in found["tables"]], [harness.Target(**row) for row in found["targets"]]


def main():
    options = harness.arguments(
        __doc__,
        edges=(1_000_000, "requirements to read"),
        repeats=(4, "how often"),
        url=("", "a server that holds them already: measure there, without the extension"),
    )
    if options.url:
        sys.modules["neo4j._rust"] = None
        store = Neo4jStore(options.url)
        harness.finish(measure(store, store.datasets()[0].requirements, 2, "driver in Python"), options)
        store.close()
        return
    data = dataset(options.edges)
    with tempfile.TemporaryDirectory() as folder:
        server = LocalServer(Path(folder, "home"), options=ServerOptions(free_port(), None, "2g", "256m"))
        write_admin_csv(data, [], Path(folder, "csv"))
        server.import_csv(Path(folder, "csv"))
        status = server.start(attached=True)
        try:
            store = Neo4jStore(status.url, credentials=server.credentials())
            assert store.read_dataset("bench").equals(data)
            rust = find_spec("neo4j._rust") is not None
            driver = "driver with neo4j-rust-ext" if rust else "driver in Python"
            report = measure(store, data.n_requirements, options.repeats, driver)
            store.close()
            if rust:
                tables, targets = without_extension(status.url, server.credentials(), options.edges)
                report.tables += tables
                report.targets += targets
        finally:
            server.stop()
    harness.finish(report, options)


if __name__ == "__main__":
    main()
