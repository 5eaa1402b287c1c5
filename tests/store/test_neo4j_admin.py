"""The CSV set for `neo4j-admin database import`, imported by Neo4j's own tool and read back through the store.

The imported graph is the largest of the suite, so reading with bounded memory is shown on it too.
"""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from explorer.cli.app import app
from explorer.errors import ServerError, StoreError
from explorer.server import LocalServer
from explorer.store.neo4j.admin import ARGUMENTS_FILE, AdminCsv, write_admin_csv
from explorer.store.neo4j.store import Neo4jStore
from explorer.store.protocol import ASSOCIATION_SCHEMA, LAYER_SKILLS_SCHEMA, Layer, LayerInfo
from loaders.dataset import Dataset, build_dataset
from tests.store.content import small_dataset
from tests.store.test_counts import COUNTED, KEPT, MIXED, MIXES_KEPT, PAIRS_OF_CLASSES
from tests.support.neo4j import RunningNeo4j, options_for_tests

N_TEXTS, N_SKILLS, N_REQUIREMENTS = 20_000, 2_000, 500_000

_POOLS: list[pa.MemoryPool] = []

STRANGE = [
    "", " ", "  outer  ", "'", '"', '""', '"quoted"', 'in "the" middle', ",", ";", "a,b;c", "\\", '\\"', "a\nb", "\r\n",
    "\n", "\t", "#", "é", "𝄞", "\u2028", "\ufeff", "null", "true", "1", "NaN", "[1]", ":ID", "a:b", "a/b", "x" * 10_000,
]  # fmt: skip


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Random requirements between many texts and skills, and strange strings wherever a string can be."""
    rng = np.random.default_rng(5)
    texts = [f"text {i}" for i in range(N_TEXTS)] + STRANGE
    skills = [f"skill {i}" for i in range(N_SKILLS)] + STRANGE
    pairs = np.unique(rng.integers(0, len(texts) * len(skills), N_REQUIREMENTS))
    return build_dataset(
        "large",
        texts=pa.table(
            {
                "id": texts,
                "title": [None] * N_TEXTS + STRANGE[::-1],
                "part": ["p", "q"] * (N_TEXTS // 2) + [None] * len(STRANGE),
                "line": pa.array([None, -(2**63), 2**63 - 1, *range(len(texts) - 3)], pa.int64()),
                "share": [None, 5e-324, float("inf"), -float("inf"), *rng.random(len(texts) - 4)],
                "odd `name`": pa.array([None, True, False, *([True] * (len(texts) - 3))]),
            }
        ),
        skills=pa.table(
            {
                "id": skills,
                "class": [f'class, "{i % 3}"' for i in range(len(skills))],
                "level": pa.array(range(len(skills)), pa.int64()),
            }
        ),
        requirements=pa.table(
            {
                "text": pa.array(texts).take(pa.array(pairs // len(skills))),
                "skill": pa.array(skills).take(pa.array(pairs % len(skills))),
                "weight": rng.random(len(pairs)) + 0.1,
            }
        ),
        prerequisites=pa.table({"prerequisite": ["", '"'], "skill": ['"', "a\nb"]}),
        part_of=pa.table({"child": ["skill 1", "é"], "parent": ["skill 0", "skill 1"]}),
        models=pa.table({"id": ["base", "", "tuned"], "base": [None, "base", "base"], "role": ["b", '"', None]}),
        attempts=pa.table({"model": ["", "base"], "text": ["", "x" * 10_000], "score": [0.25, 1.0]}),
        provenance={"source": 'a "file",\nwith lines', "skipped": 3, "nothing": None},
    )


@pytest.fixture(scope="module")
def layers(dataset: Dataset) -> list[tuple[Layer, pa.Table]]:
    skills = sorted(["", '"', "a\nb", "x" * 10_000, *(f"skill {i}" for i in range(0, N_SKILLS, 2))])
    rows = [{"skill": s, "wave": i % 4, "by": None if i % 4 == 0 else "x" * 10_000} for i, s in enumerate(skills)]
    foundation = LayerInfo(
        "large", "found,ation", "foundation", "one", 9, 9, len(rows), 3, associations=3, association_rule="any"
    )
    pairs = sorted([("", '"'), ("a\nb", "x" * 10_000), ("skill 0", "skill 2")])
    associations = pa.Table.from_pylist(
        [{"source": a, "target": b, "weight": i + 1} for i, (a, b) in enumerate(pairs)], schema=ASSOCIATION_SCHEMA
    )
    evidence = LayerInfo("large", "evidence", "evidence", "dina", 9, 9, 1, 0, base="found,ation", parts=("p",))
    mastered = [{"skill": "skill 1", "wave": 1, "component": 2, "mastery": 0.1 + 0.2}]
    return [
        (Layer(foundation, pa.Table.from_pylist(rows, schema=LAYER_SKILLS_SCHEMA)), associations),
        (Layer(evidence, pa.Table.from_pylist(mastered, schema=LAYER_SKILLS_SCHEMA)), ASSOCIATION_SCHEMA.empty_table()),
    ]


@pytest.fixture(scope="module")
def written(
    dataset: Dataset, layers: list[tuple[Layer, pa.Table]], tmp_path_factory: pytest.TempPathFactory
) -> AdminCsv:
    return write_admin_csv(dataset, layers, tmp_path_factory.mktemp("csv") / "set")


@pytest.fixture(scope="module")
def imported(written: AdminCsv, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNeo4j]:
    """A server of its own: an offline import makes a database that is not there yet."""
    server = LocalServer(tmp_path_factory.mktemp("imported"), options=options_for_tests())
    try:
        server.provision()
    except ServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Neo4j's jars are not here and cannot be fetched: {error}")
    done = CliRunner().invoke(app, ["server", "import", str(written.folder), "--home", str(server.home)])
    assert done.exit_code == 0, done.output
    assert f"{written.nodes} nodes, {written.relationships} relationships" in done.output
    with pytest.raises(ServerError, match=r"has a database already.*--home"):
        server.import_csv(written.folder)
    status = server.start(attached=True)
    yield RunningNeo4j(str(status.url), server.credentials(), server)
    server.stop()


@pytest.fixture(scope="module")
def store(imported: RunningNeo4j) -> Iterator[Neo4jStore]:
    store = imported.open()
    yield store
    store.close()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="is not empty"):
        write_admin_csv(small_dataset(), [], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_property_that_a_header_cannot_name_is_refused(tmp_path: Path) -> None:
    texts = pa.table({"id": ["t"], "a:b": ["x"]})
    empty = pa.table({"text": pa.array([], pa.string()), "skill": pa.array([], pa.string())})
    dataset = build_dataset("d", texts=texts, skills=pa.table({"id": ["s"]}), requirements=empty)
    with pytest.raises(StoreError, match="'a:b' of Text"):
        write_admin_csv(dataset, [], tmp_path / "set")


def test_the_arguments_name_every_file_once(tmp_path: Path) -> None:
    written = write_admin_csv(small_dataset(), [], tmp_path / "set")
    arguments = written.arguments.read_text().splitlines()
    named = [
        name for line in arguments if "=" in line for name in line.split("=")[-1].split(",") if name.endswith("csv")
    ]
    there = {path.name for path in written.folder.iterdir()} - {ARGUMENTS_FILE}
    assert len(named) == len(set(named))
    assert set(named) == there


@pytest.mark.neo4j
@pytest.mark.long
def test_counts_are_those_that_were_written(store: Neo4jStore, written: AdminCsv) -> None:
    nodes = store.query("MATCH (n) WHERE NOT n:SkillgraphStore RETURN count(n)").rows
    relationships = store.query("MATCH ()-[r]->() RETURN count(r)").rows
    assert (nodes, relationships) == ([(written.nodes,)], [(written.relationships,)])


@pytest.mark.neo4j
@pytest.mark.long
def test_the_imported_dataset_is_the_one_that_was_written(store: Neo4jStore, dataset: Dataset) -> None:
    assert [info.name for info in store.datasets()] == ["large"]
    assert store.read_dataset("large").equals(dataset)


@pytest.mark.neo4j
@pytest.mark.long
def test_the_imported_layers_are_those_that_were_written(
    store: Neo4jStore, layers: list[tuple[Layer, pa.Table]]
) -> None:
    assert store.datasets()[0].layers == ("evidence", "found,ation")
    for layer, associations in layers:
        assert store.read_layer("large", layer.info.name) == layer
        assert store.read_associations("large", layer.info.name).equals(associations)
    assert store.query("MATCH (l:Layer)-[:FINE_TUNED_FROM]->(b:Layer) RETURN l.name, b.name").rows == [
        ("evidence", "found,ation")
    ]
    given = {"dataset": "large", "layer": "found,ation"}
    assert store.query(KEPT, given, max_rows=10_000).rows == store.query(COUNTED, given, max_rows=10_000).rows
    assert store.query("MATCH (:Layer {name: 'evidence'})-[r:LEARNED]->() RETURN r.neighbours").rows == [(None,)]
    mixes = store.query(MIXES_KEPT, given).rows
    assert mixes
    assert mixes == store.query(MIXED, given).rows
    assert store.query(PAIRS_OF_CLASSES, given).rows == [(len(mixes),)]


@pytest.mark.neo4j
@pytest.mark.long
def test_an_imported_graph_has_its_constraints_and_can_be_written_to(
    store: Neo4jStore, imported: RunningNeo4j, layers: list[tuple[Layer, pa.Table]]
) -> None:
    constraints = {row[0] for row in imported.rows("SHOW CONSTRAINTS YIELD name RETURN name")}
    assert {"skillgraph_text_key", "skillgraph_skill_key", "skillgraph_layer_key"} <= constraints
    store.delete_layer("large", "evidence")
    store.write_layer(layers[1][0])
    assert store.read_layer("large", "evidence") == layers[1][0]


@pytest.mark.neo4j
@pytest.mark.long
@pytest.mark.parametrize("what", ["dataset", "requirements"])
def test_reading_takes_less_than_twice_the_memory_of_what_is_read(imported: RunningNeo4j, what: str) -> None:
    """Peak of Python's and numpy's memory plus peak of Arrow's, which need not be at the same time.

    A store of its own reads it: another may have it in memory.
    """
    store = imported.open()
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    # Arrow frees a buffer in the pool it came from, so the pool must outlive the last of them.
    _POOLS.append(pool)
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        if what == "dataset":
            found = store.read_dataset("large")
            final = sum(table.nbytes for table in found.tables().values())
        else:
            # A chunk at a time: what is read is never held as a whole.
            final = sum(table.nbytes for table in store.read_requirements("large"))
        peak = tracemalloc.get_traced_memory()[1] + pool.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
        store.close()
    assert final > 4_000_000
    assert peak < 2 * final
