"""What doing it again costs, as ratios: python -m benchmarks.repeating.

Replacing a layer, its associations or a dataset beside creating it, in a store that holds nothing else and in one that
holds other layers with associations of the same skills; and a second demo beside the first. On Neo4j, beside statements
written by hand that delete in batches and create in batches, which others see half done. Times are CPU time, on Neo4j
that of the server and of this process together, each the median of several in turn. The whole takes 10 minutes or
more; `--only neo4j,hand` measures some parts.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

from benchmarks import harness
from benchmarks.neo4j_writing import CREATE_ASSOCIATE, create_dataset, created
from explorer.store.opening import open_store
from explorer.store.protocol import ASSOCIATION_SCHEMA, LAYER_SKILLS_SCHEMA, Layer, LayerInfo
from loaders.dataset import build_dataset

PARTS = ("embedded", "neo4j", "hand", "commands", "demo")
LIMIT = 1.5
DEMO_LIMIT = 3.0
IN_PLACE = (
    "Another dataset with the same texts and skills, and a layer none of whose associations stay. By hand: statements "
    "that delete in batches and then create in batches, in view of everybody; associations have an index of their "
    "layers as they have in this store. Associations alone: the layer stays, and they take the place of others of it; "
    "those that both have are kept (15% of 40,000 drawn anew, by chance)."
)


def corpus(texts, skills, seed=0):
    rng = np.random.default_rng(seed)
    names = pa.array([f"s{i:06d}" for i in range(skills)])
    ids = pa.array([f"t{i:07d}" for i in range(texts)])
    parts = pa.array(["a", "b"]).take(pa.array(np.arange(texts) % 2))
    rows = np.repeat(np.arange(texts), 6)
    # Some skills are required by very many texts, as in real data.
    columns = (skills * rng.random(len(rows)) ** 3).astype(int)
    return build_dataset(
        "bench",
        texts=pa.table({"id": ids, "part": parts}),
        skills=pa.table({"id": names}),
        requirements=pa.table({"text": ids.take(pa.array(rows)), "skill": names.take(pa.array(columns))}),
    )


def layer_of(data, name, pairs, seed):
    """Half of the skills learned, the same for every layer, and pairs of them that crowd on a few."""
    rng = np.random.default_rng(seed)
    names = data.skills["id"].combine_chunks()
    learned = names.slice(0, data.n_skills // 2)
    ends = np.unique(np.sort((len(learned) * rng.random((2 * pairs, 2)) ** 2).astype(int), axis=1), axis=0)
    ends = ends[ends[:, 0] < ends[:, 1]]
    ends = ends[np.sort(rng.permutation(len(ends))[:pairs])]
    table = pa.table(
        [names.take(pa.array(ends[:, 0])), names.take(pa.array(ends[:, 1])), pa.array(np.ones(len(ends), np.int64))],
        schema=ASSOCIATION_SCHEMA,
    )
    info = LayerInfo("bench", name, "foundation", "one", data.n_texts, data.n_skills, len(learned), 0)
    rows = [{"skill": skill, "wave": 0} for skill in learned.to_pylist()]
    components = pa.table({"skill": learned, "component": pa.array(np.zeros(len(learned)), pa.int32())})
    return Layer(info, pa.Table.from_pylist(rows, schema=LAYER_SKILLS_SCHEMA)), table, components


def write(store, made):
    layer, pairs, components = made
    store.write_layer(layer)
    store.write_associations("bench", layer.info.name, pairs, rule="any", components=components)


def spent(clock, work):
    start = clock()
    work()
    return clock() - start


def layers(store, data, others, pairs, clock, repeats, typical=median):
    """Seconds to create a layer with associations and to replace it, with others in the store; what is typical."""
    store.write_dataset(data, replace=bool(store.datasets()))
    write(store, layer_of(data, "layer", pairs, 0))
    for i in range(others):
        write(store, layer_of(data, f"other{i}", pairs, i + 1))
    created, replaced = [], []
    for i in range(repeats):
        made = layer_of(data, "layer", pairs, 100 + i)
        replaced.append(spent(clock, lambda made=made: write(store, made)))
        store.delete_layer("bench", "layer")
        created.append(spent(clock, lambda made=made: write(store, made)))
        # The layer is the oldest again, under all others.
        for j in range(others):
            write(store, layer_of(data, f"other{j}", pairs, j + 1))
    return typical(created), typical(replaced)


def associations(store, data, others, pairs, clock, repeats, typical=median):
    """Seconds to give a layer associations, to replace them by others, and to replace a tenth of them."""
    store.write_dataset(data, replace=bool(store.datasets()))
    for i in range(others):
        write(store, layer_of(data, f"other{i}", pairs, i + 1))
    seconds = {"created": [], "all": [], "tenth": []}
    for i in range(repeats):
        layer, first, components = layer_of(data, "layer", pairs, 200 + 2 * i)
        second = layer_of(data, "layer", pairs, 201 + 2 * i)[1]
        rest = layer_of(data, "layer", pairs // 10, 1_000 + i)[1]
        tenth = pa.concat_tables([second.slice(pairs // 10), rest]).group_by(["source", "target"])
        tenth = tenth.aggregate([("weight", "min")]).rename_columns(second.column_names)
        tenth = tenth.sort_by([("source", "ascending"), ("target", "ascending")])
        store.write_layer(layer)
        for what, table in (("created", first), ("all", second), ("tenth", tenth)):

            def work(table=table, components=components):
                store.write_associations("bench", "layer", table, rule="any", components=components)

            seconds[what].append(spent(clock, work))
    created = typical(seconds["created"])
    where = f"of a layer, beside {others} others"
    return [
        (f"{pairs:,} associations {where}, by others", created, typical(seconds["all"])),
        (f"a tenth of {pairs:,} associations {where}", created, typical(seconds["tenth"])),
    ]


def datasets(store, data, other, clock, repeats, typical=median):
    created, replaced = [], []
    for _ in range(repeats):
        if store.datasets():
            store.delete_dataset("bench")
        created.append(spent(clock, lambda: store.write_dataset(data)))
        replaced.append(spent(clock, lambda: store.write_dataset(other, replace=True)))
    return typical(created), typical(replaced)


def measure(store, clock, *, texts=20_000, skills=2_000, pairs=40_000, repeats=5, turns=3, typical=median):
    """Rows of: what, seconds to create, seconds to replace."""
    data, other = corpus(texts, skills), corpus(texts, skills, seed=1)
    rows = [("a dataset", *datasets(store, data, other, clock, repeats, typical))]
    for others in (0, 4):
        figures = layers(store, data, others, pairs, clock, turns, typical)
        rows.append((f"a layer with {pairs:,} associations, beside {others} others", *figures))
        rows += associations(store, data, others, pairs, clock, turns, typical)
    return rows


def deleted(store, statement):
    while store._connection.write(lambda transaction: transaction.run(statement).single()[0]):
        pass


UNLINK = "MATCH ()-[r:PLAIN_ASSOCIATED]->() WHERE r.layer = 'plain' WITH r LIMIT 10000 DELETE r RETURN count(r)"
UNLINK_ALL = "MATCH (:PlainSkill)-[r:PLAIN_ASSOCIATED]->() WITH r LIMIT 10000 DELETE r RETURN count(r)"
UNLINK_TEXTS = "MATCH (n:PlainText) WITH n LIMIT 2000 DETACH DELETE n RETURN count(n)"
UNLINK_SKILLS = "MATCH (n:PlainSkill) WITH n LIMIT 2000 DETACH DELETE n RETURN count(n)"


def by_hand(store, clock, *, texts=20_000, skills=2_000, pairs=40_000, repeats=3, turns=10):
    """Rows of what, seconds to create and to delete and create, by the fastest statements for each."""
    for label in ("PlainText", "PlainSkill"):
        store._connection.run(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE")
    store._connection.run("CREATE INDEX IF NOT EXISTS FOR ()-[r:PLAIN_ASSOCIATED]-() ON (r.layer)")
    store._connection.run("CALL db.awaitIndexes(300)")
    rows = []
    data = [corpus(texts, skills, seed) for seed in (0, 1)]
    requirements = [list(map(list, zip(*(c.to_pylist() for c in d.requirements.columns), strict=True))) for d in data]

    def anew():
        for statement in (UNLINK_ALL, UNLINK_TEXTS, UNLINK_SKILLS):
            deleted(store, statement)
        create_dataset(store, data[1], requirements[1], 1)

    made, again = [], []
    for _ in range(repeats):
        for statement in (UNLINK_TEXTS, UNLINK_SKILLS):
            deleted(store, statement)
        made.append(spent(clock, lambda: create_dataset(store, data[0], requirements[0], 1)))
        again.append(spent(clock, anew))
    rows.append(("a dataset", median(made), median(again)))

    def link(turn):
        ends = layer_of(data[0], "layer", pairs, turn)[1]
        return list(map(list, zip(*(column.to_pylist() for column in ends.columns), strict=True)))

    def relink(listed):
        deleted(store, UNLINK)
        created(store, CREATE_ASSOCIATE, listed, 1)

    for others in (0, 4):
        for other in range(others):
            created(store, CREATE_ASSOCIATE.replace("'plain'", f"'other{other}'"), link(1_000 + other), 1)
        made, again = [], []
        for turn in range(turns):
            deleted(store, UNLINK)
            first, second = link(2 * turn), link(2 * turn + 1)
            made.append(spent(clock, lambda listed=first: created(store, CREATE_ASSOCIATE, listed, 1)))
            again.append(spent(clock, lambda listed=second: relink(listed)))
        rows.append((f"{pairs:,} associations, beside {others} other layers", median(made), median(again)))
    return rows


def commands(store, environment, clock, folder, data, turns=5):
    """Rows of what, seconds for `learn` and `associate` to make a layer, and to make it in the place of another."""
    program = Path(sys.executable).with_name("skillgraph")
    known = []
    for share in (0, 1):
        known.append(folder / f"known-{share}.txt")
        known[-1].write_text("\n".join(data.skills["id"].to_pylist()[share::8]))
    rows = []
    for what, options in (
        ("the same skills of the same texts, others of them known", [["--known", path] for path in known]),
        (
            "other texts, so that all associations are replaced",
            [["--known", known[0], "--part", part] for part in "ab"],
        ),
    ):

        def made(layer, turn, options=options):
            for arguments in (["learn", layer, *options[turn % 2]], ["associate", layer]):
                command = [program, *arguments, "--store", store, "--dataset", "bench", "--quiet"]
                subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)

        made("again", 1)
        created, replaced = [], []
        for turn in range(turns):
            created.append(spent(clock, lambda turn=turn, made=made: made(f"new{turn}", turn)))
            replaced.append(spent(clock, lambda turn=turn, made=made: made("again", turn)))
            command = [program, "delete", f"new{turn}", "--store", store, "--dataset", "bench", "--quiet"]
            subprocess.run(command, env={**os.environ, **environment}, check=True, capture_output=True)
        rows.append((what, median(created), median(replaced)))
    return rows


def demo(folder):
    """CPU seconds of the first and the second `skillgraph demo`, and whether the store's file stayed as it was."""
    program = Path(sys.executable).with_name("skillgraph")
    command = [program, "demo", "--no-ui", "--json", "--store", folder / "store.kgl"]
    environment = {**os.environ, "SKILLGRAPH_CACHE": str(folder / "cache")}
    seconds, states = [], []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        states.append((folder / "store.kgl").stat().st_mtime_ns)
    assert json.loads(out)["reused"]
    return (*seconds, states[0] == states[1])


def replacing(report, name, rows, by_hand=(), note=""):
    """A table of what it takes to create and to replace, and the targets; none of what is written by hand."""
    table = [[what, f"{once:.2f} s", f"{again:.2f} s", f"{again / once:.2f}"] for what, once, again in rows]
    for what, once, again in rows:
        report.at_most(f"replacing {what}, on {name}", again / once, LIMIT, "x creating")
    table += [[f"{what}, by hand", f"{a:.2f} s", f"{b:.2f} s", f"{b / a:.2f}"] for what, a, b in by_hand]
    report.tables.append(harness.Table(f"On {name}", ["", "create", "replace", "ratio"], table, note))


def on_neo4j(report, parts):
    """What is measured on a server of its own."""
    from explorer.server import LocalServer, ServerOptions, free_port
    from explorer.store.neo4j.store import Neo4jStore

    with tempfile.TemporaryDirectory() as folder:
        server = LocalServer(Path(folder, "home"), options=ServerOptions(free_port(), None))
        status = server.start(attached=True)
        try:
            store = Neo4jStore(status.url, credentials=server.credentials())
            clock = harness.clock_with(status.pid)
            rows = measure(store, clock, turns=10) if "neo4j" in parts else []
            hand = by_hand(store, clock) if "hand" in parts else []
            if rows or hand:
                replacing(report, "Neo4j (CPU time with the server's)", rows, hand, IN_PLACE)
            if "commands" not in parts:
                return
            data = corpus(20_000, 2_000)
            store.write_dataset(data, replace=bool(store.datasets()))
            store.close()
            after_commands = harness.clock_with(status.pid, children=True)
            home = {"SKILLGRAPH_SERVER_HOME": str(server.home)}
            by_command = commands(status.url, home, after_commands, Path(folder), data)
        finally:
            server.stop()
    rows = []
    for what, new, again in by_command:
        rows.append([what, f"{new:.2f} s", f"{again:.2f} s", f"{again / new:.2f}"])
        name = f"`learn` and `associate` in the place of a layer on Neo4j: {what}"
        report.at_most(name, again / new, LIMIT, "x new")
    report.tables.append(
        harness.Table(
            "`skillgraph learn` and `associate` on Neo4j (CPU time with the server's)",
            ["", "a new layer", "in the place of another", "ratio"],
            rows,
            f"{data.n_requirements:,} requirements.",
        )
    )


def main():
    options = harness.arguments(
        __doc__,
        neo4j=(1, "1: also on a Neo4j of its own; 0: not"),
        demo=(1, "1: also the demo, twice; 0: not"),
        only=("", f"some parts, separated by commas: {', '.join(PARTS)}"),
    )
    parts = set(options.only.split(",")) if options.only else set(PARTS)
    if parts - set(PARTS):
        raise SystemExit(f"--only: {sorted(parts - set(PARTS))[0]!r} is none of {', '.join(PARTS)}")
    parts -= set() if options.neo4j else {"neo4j", "hand", "commands"}
    parts -= set() if options.demo else {"demo"}
    report = harness.Report("Doing it again")
    if "embedded" in parts:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(Path(folder) / "store.kgl", mode="write")
            rows = measure(store, time.process_time, repeats=10, turns=10)
            replacing(report, "the embedded store (CPU time)", rows)
            store.close()
    if parts & {"neo4j", "hand", "commands"}:
        on_neo4j(report, parts)
    if "demo" in parts:
        with tempfile.TemporaryDirectory() as folder:
            first, second, same = demo(Path(folder))
        row = [f"{first:.1f} s", f"{second:.1f} s", f"{second / first:.2f}", "yes" if same else "no"]
        columns = ["first", "second", "ratio", "store's file untouched"]
        report.tables.append(harness.Table("`skillgraph demo` twice, CPU time", columns, [row]))
        report.at_most("a second demo", second, DEMO_LIMIT, "CPU s")
    harness.finish(report, options)


if __name__ == "__main__":
    main()
