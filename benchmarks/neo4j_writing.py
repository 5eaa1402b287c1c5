"""Writing to Neo4j beside MERGE and beside CREATE from lists, by hand: python -m benchmarks.neo4j_writing.

MERGE, row by row and in batches, is all or nothing as this store is. CREATE from lists commits batch after batch, in
one session or in two at a time: the fastest that a driver does, with others seeing it half done.

Starts a Neo4j of its own (`skillgraph server`), so it needs the extra `server`, and Neo4j's jars once from the network.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import harness
from benchmarks.neo4j_reading import dataset
from explorer.server import LocalServer, ServerOptions, free_port
from explorer.store.neo4j.store import Neo4jStore
from explorer.store.protocol import ASSOCIATION_SCHEMA, LAYER_SKILLS_SCHEMA, Layer, LayerInfo

REQUIRE = (
    "MERGE (t:PlainText {key: row[0]}) MERGE (s:PlainSkill {key: row[1]}) "
    "MERGE (t)-[r:PLAIN_REQUIRES]->(s) SET r.weight = row[2]"
)
ASSOCIATE = (
    "MATCH (a:PlainSkill {key: row[0]}) MATCH (b:PlainSkill {key: row[1]}) "
    "MERGE (a)-[r:PLAIN_ASSOCIATED {layer: 'plain'}]->(b) SET r.weight = row[2]"
)


MERGED = 300_000
"""Requirements up to which all of them are merged in one transaction, which the memory of a server limits."""

CREATE_REQUIRE = (
    "MATCH (t:PlainText {key: row[0]}) MATCH (s:PlainSkill {key: row[1]}) "
    "CREATE (t)-[:PLAIN_REQUIRES {weight: row[2]}]->(s)"
)
CREATE_ASSOCIATE = (
    "MATCH (a:PlainSkill {key: row[0]}) MATCH (b:PlainSkill {key: row[1]}) "
    "CREATE (a)-[:PLAIN_ASSOCIATED {layer: 'plain', weight: row[2]}]->(b)"
)


def layer_of(data):
    """Every skill learned beforehand, and twenty times as many pairs of them."""
    skills = data.skills["id"].to_pylist()
    known = LayerInfo("bench", "layer", "foundation", "one", data.n_texts, len(skills), len(skills), 0)
    rows = [{"skill": skill, "wave": 0} for skill in skills]
    rng = np.random.default_rng(1)
    ends = np.unique(np.sort(rng.integers(0, len(skills), (20 * len(skills), 2)), axis=1), axis=0)
    ends = ends[ends[:, 0] < ends[:, 1]]
    names = data.skills["id"].combine_chunks()
    pairs = pa.table(
        [names.take(pa.array(ends[:, 0])), names.take(pa.array(ends[:, 1])), pa.array(np.arange(len(ends)) + 1)],
        schema=ASSOCIATION_SCHEMA,
    )
    components = pa.table({"skill": skills, "component": pa.array(np.zeros(len(skills)), pa.int32())})
    return Layer(known, pa.Table.from_pylist(rows, schema=LAYER_SKILLS_SCHEMA)), pairs, components


def row_by_row(store, statement, rows):
    def work(transaction):
        for row in rows:
            transaction.run(f"WITH $row AS row {statement}", row=row).consume()

    store._connection.write(work)


def batches(store, statement, rows):
    def work(transaction):
        for batch in (rows[start : start + 10_000] for start in range(0, len(rows), 10_000)):
            transaction.run(f"UNWIND $rows AS row {statement}", rows=batch).consume()

    store._connection.write(work)


def created(store, statement, rows, sessions):
    """Batches of their own, by so many threads; rows of one end in one thread, so that they do not wait for locks."""
    shares = [[row for row in rows if hash(row[1]) % sessions == share] for share in range(sessions)]

    def work(share):
        for start in range(0, len(share), 10_000):
            batch = share[start : start + 10_000]
            store._connection.write(
                lambda transaction, batch=batch: transaction.run(
                    f"UNWIND $rows AS row {statement}", rows=batch
                ).consume()
            )

    with ThreadPoolExecutor(sessions) as pool:
        list(pool.map(work, shares))


def create_dataset(store, data, rows, sessions):
    for label, table in (("PlainText", data.texts), ("PlainSkill", data.skills)):
        nodes = [[identifier, identifier] for identifier in table["id"].to_pylist()]
        created(store, f"CREATE (n:{label} {{key: row[0]}})", nodes, sessions)
    created(store, CREATE_REQUIRE, rows, sessions)


def rate(work, rows):
    start = time.perf_counter()
    work()
    return rows / (time.perf_counter() - start)


def clear(store):
    if store.datasets():
        store.delete_dataset("bench")
    for label in ("PlainText", "PlainSkill"):
        store._connection.run(f"MATCH (n:{label}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF 2000 ROWS")


def turn(store, data, few):
    """Rows a second of each way to write the dataset, and then associations."""
    layer, pairs, components = layer_of(data)
    require = list(map(list, zip(*(column.to_pylist() for column in data.requirements.columns), strict=True)))
    associate = list(map(list, zip(*(column.to_pylist() for column in pairs.columns), strict=True)))
    rows = data.n_texts + data.n_requirements
    clear(store)
    # This store first, so that its first turn is that of a server just started.
    found = {"this store": [rate(lambda: store.write_dataset(data), rows)]}
    store.write_layer(layer)

    def join():
        store.write_associations("bench", "layer", pairs, rule="any", components=components)

    found["this store"].append(rate(join, len(associate)))
    for sessions in (1, 2):
        for label in ("PlainText", "PlainSkill"):
            store._connection.run(f"MATCH (n:{label}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF 2000 ROWS")
        found[f"CREATE from lists, {sessions} session{'s' * (sessions > 1)}"] = [
            rate(lambda n=sessions: create_dataset(store, data, require, n), rows),
            rate(lambda n=sessions: created(store, CREATE_ASSOCIATE, associate, n), len(associate)),
        ]
    for label in ("PlainText", "PlainSkill"):
        store._connection.run(f"MATCH (n:{label}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF 2000 ROWS")
    if len(require) <= MERGED:
        found["MERGE in batches"] = [
            rate(lambda: batches(store, REQUIRE, require), rows),
            rate(lambda: batches(store, ASSOCIATE, associate), len(associate)),
        ]
    found["MERGE row by row"] = [
        rate(lambda: row_by_row(store, REQUIRE, require[-few:]), few),
        rate(lambda: row_by_row(store, ASSOCIATE, associate[-few:]), few),
    ]
    assert store.read_dataset("bench").equals(data)
    assert store.read_associations("bench", "layer").equals(pairs)
    return found


def measure(store, data, repeats, few):
    turns = [turn(store, data, few) for _ in range(repeats)]
    best = {name: [max(t[name][k] for t in turns) for k in (0, 1)] for name in turns[0]}
    first = turns[0]["this store"]
    rows = [[name, f"{written:,.0f}", f"{joined:,.0f}"] for name, (written, joined) in best.items()]
    rows.append(["this store, first time on a server just started", *(f"{value:,.0f}" for value in first)])
    report = harness.Report("Writing to Neo4j")
    report.tables.append(
        harness.Table(
            f"Rows a second, best of {repeats}: {data.n_texts:,} texts with {data.n_requirements:,} requirements",
            ["", "texts and requirements/s", "associations/s"],
            rows,
            "All or nothing each, but CREATE; MERGE within one transaction, and its keys have their constraints too.",
        )
    )
    for place, what in enumerate(("dataset", "associations")):
        fastest = max(rates[place] for name, rates in best.items() if name.startswith("CREATE"))
        report.at_least(f"{what}, beside the fastest CREATE from lists", best["this store"][place] / fastest, 0.6, "×")
    report.at_least("dataset, beside MERGE row by row", best["this store"][0] / best["MERGE row by row"][0], 5, "×")
    report.at_least(
        "associations, beside MERGE row by row", best["this store"][1] / best["MERGE row by row"][1], 5, "×"
    )
    return report


def main():
    options = harness.arguments(
        __doc__,
        edges=(100_000, "requirements to write"),
        repeats=(3, "how often"),
        few=(2_000, "rows to write one by one"),
    )
    with tempfile.TemporaryDirectory() as folder:
        server = LocalServer(Path(folder, "home"), options=ServerOptions(free_port(), None))
        status = server.start(attached=True)
        try:
            store = Neo4jStore(status.url, credentials=server.credentials())
            for label in ("PlainText", "PlainSkill"):
                store._connection.run(f"CREATE CONSTRAINT FOR (n:{label}) REQUIRE n.key IS UNIQUE")
            report = measure(store, dataset(options.edges), options.repeats, options.few)
            store.close()
        finally:
            server.stop()
    harness.finish(report, options)


if __name__ == "__main__":
    main()
