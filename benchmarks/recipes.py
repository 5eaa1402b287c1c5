"""Every recipe of the cookbook with its default values, on both stores: python -m benchmarks.recipes.

10⁶ requirements; a foundation from four fifths of the texts and a layer tuned from it with the others, both with
associations, five classes of skills, some prerequisites and outcomes of four models. The server's database is made by
its offline import.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import harness
from explorer.cookbook import COOKBOOK
from explorer.errors import QueryError
from explorer.export.files import export
from explorer.service.association import associate
from explorer.service.learning import learn
from explorer.service.recipes import recipe_values
from explorer.store.opening import open_store
from loaders.dataset import build_dataset

MEAN_SKILLS, RATIO = 4.0, 2.0
TIMEOUT = 100.0  # seconds on the clock
EACH = "To count a layer's associations, one after another"
QUESTIONS = {EACH: "MATCH ()-[a:ASSOCIATED_WITH]->() WHERE a.layer = $layer RETURN count(a)"}
QUESTIONS |= {recipe.name: recipe.cypher for recipe in COOKBOOK}
LIMITS = {"embedded": 5.0, "Neo4j": 2.0}


def corpus(requirements, seed=20_240_501):
    """A Poisson number of skills a text, mean 4, and 2 texts a skill; some are required far more often than others."""
    rng = np.random.default_rng(seed)
    n_texts = round(requirements / MEAN_SKILLS)
    n_skills = round(n_texts / RATIO)
    text = np.repeat(np.arange(n_texts), rng.poisson(MEAN_SKILLS, n_texts))
    pairs = np.unique(text * n_skills + (n_skills * rng.random(len(text)) ** 1.5).astype(int))
    texts = pa.array([f"text{i}" for i in range(n_texts)])
    parts = pa.array(["b", "f"]).take(pa.array((np.arange(n_texts) % 5 == 0).astype(int)))
    skills = pa.array([f"skill{i}" for i in range(n_skills)])
    ends = rng.integers(0, n_skills, (n_skills // 20, 2))
    ends = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    tried = rng.choice(n_texts, (4, n_texts // 10))
    tried = [np.unique(row) for row in tried]
    return build_dataset(
        "bench",
        texts=pa.table({"id": texts, "part": parts}),
        skills=pa.table({"id": skills, "class": [f"class {i % 5}" for i in range(n_skills)]}),
        requirements=pa.table(
            {"text": texts.take(pa.array(pairs // n_skills)), "skill": skills.take(pa.array(pairs % n_skills))}
        ),
        prerequisites=pa.table(
            {"prerequisite": skills.take(pa.array(ends[:, 0])), "skill": skills.take(pa.array(ends[:, 1]))}
        ),
        models=pa.table({"id": [f"model{i}" for i in range(4)]}),
        attempts=pa.table(
            {
                "model": [f"model{i}" for i, row in enumerate(tried) for _ in row],
                "text": texts.take(pa.array(np.concatenate(tried))),
                "score": (rng.random(sum(map(len, tried))) < 0.6).astype(float),
            }
        ),
    )


def stored(folder, requirements):
    """A store with both layers and their associations."""
    store = open_store(folder / "store.kgl", mode="write")
    store.write_dataset(corpus(requirements))
    for name, part, base in (("foundation", "b", None), ("tuned", "f", "foundation")):
        learn(store, "bench", name=name, parts=(part,), base=base)
        associate(store, "bench", name)
    return store


def seconds_of_each(store, values, clock):
    """CPU seconds of each recipe, the better of two turns, and how many rows it gives; None if it does not end."""
    store.query("RETURN 1", {})
    found = {}
    for _ in range(2):
        for name, cypher in QUESTIONS.items():
            given = {parameter: value for parameter, value in values.items() if f"${parameter}" in cypher}
            start = clock()
            try:
                rows = len(store.query(cypher, given, timeout=TIMEOUT).rows)
            except QueryError:
                rows = None
            found[name] = min(clock() - start, found.get(name, (np.inf,))[0]), rows
    return found


def on_server(store, folder, values):
    from explorer.server import LocalServer, ServerOptions, free_port
    from explorer.store.neo4j.store import Neo4jStore

    export(store, "bench", folder / "files", file_format="neo4j-admin")
    server = LocalServer(folder / "home", options=ServerOptions(free_port(), None))
    server.import_csv(folder / "files")
    status = server.start(attached=True)
    try:
        copy = Neo4jStore(status.url, credentials=server.credentials())
        found = seconds_of_each(copy, values, harness.clock_with(status.pid))
        copy.close()
    finally:
        server.stop()
    return found


def main():
    options = harness.arguments(
        __doc__, requirements=(1e6, "about how many requirements"), neo4j=(1, "1: also on a Neo4j of its own; 0: not")
    )
    report = harness.Report("Recipes of the cookbook")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = stored(folder, round(options.requirements))
        size, layers = store.datasets()[0], store.layers()
        values = recipe_values(store)
        start = time.process_time()
        store.prepare_query()
        opened = time.process_time() - start
        found = {"embedded": seconds_of_each(store, values, time.process_time)}
        if options.neo4j:
            found["Neo4j"] = on_server(store, folder, values)
        store.close()
    rows = []
    for question in QUESTIONS:
        counts = {of_store[question][1] for of_store in found.values()}
        assert len(counts) == 1, f"{question}: {counts} rows"
        rows.append([question, *(f"{of_store[question][0]:.2f} s" for of_store in found.values())])
    for where, of_store in found.items():
        late = sum(of_store[recipe.name][0] > LIMITS[where] for recipe in COOKBOOK)
        report.at_most(
            f"recipes of {len(COOKBOOK)} that take more than {LIMITS[where]:g} s, {where}", late, 0, "recipes"
        )
    note = (
        f"CPU time, on Neo4j with the server's, the better of two turns. {size.requirements:,} requirements, "
        f"{', '.join(f'{info.associations:,} associations of {info.name}' for info in layers)}. Parameters as they are "
        f"chosen where none are given. The embedded store's graph is open already; opening it took {opened:.1f} s."
    )
    report.tables.append(harness.Table("With the default parameters", ["recipe", *found], rows, note))
    harness.finish(report, options)


if __name__ == "__main__":
    main()
