"""What is exported is read back the same, by other readers than ours; and what cannot be written is said."""

from __future__ import annotations

import io
import json
import re
import resource
from dataclasses import replace
from pathlib import Path
from typing import get_args

import networkx as nx
import pyarrow as pa
import pyarrow.parquet
import pytest

from explorer.errors import USER_ERRORS, NotFoundError, SkillgraphError
from explorer.export import (
    ExportFormat,
    association_graph,
    dataset_graph,
    export,
    to_igraph,
    to_networkx,
    write_graphml,
)
from explorer.service.association import associate
from explorer.service.learning import learn
from explorer.store.protocol import Store
from loaders.dataset import Dataset, build_dataset
from loaders.errors import DataError
from loaders.formats import load

NASTY = ' "quoted" & <tagged>, comma;\ttab\nline é مهارة 技能 '


@pytest.fixture
def data() -> Dataset:
    return example(kind=["code", "other", "prose", "code"])


def example(nasty: str = NASTY, **more: list[str]) -> Dataset:
    """Every table, every type, nulls, and a string that formats find hard, as id, name and class."""
    return build_dataset(
        "d",
        texts=pa.table(
            {
                "id": ["t1", "t2", "a", nasty],
                "title": ["one", None, nasty, "four"],
                "class": ["x", None, "x", "y"],
                "part": ["p", "p", "q", "q"],
                "lines": [1, None, 3, 4],
                "score": [0.1, 1e-17, None, 2.5],
                **more,
            }
        ),
        skills=pa.table(
            {
                "id": ["a", "b", nasty, "unused"],
                "name": [nasty, "b", "c", "d"],
                "class": ["k", None, "k", nasty],
                "level": [0, 1, None, 2],
                "lines": ["text", "of the same name", None, "other type"],
                "core": [True, False, None, True],
            }
        ),
        requirements=pa.table(
            {
                "text": ["t1", "t2", "a", "a", nasty],
                "skill": ["a", "a", "a", "b", nasty],
                "weight": [1.0, 2.5, 1.0, 0.125, 3.0],
            }
        ),
        prerequisites=pa.table({"prerequisite": ["a", "a"], "skill": ["b", nasty]}),
        part_of=pa.table({"child": ["a", "b"], "parent": ["b", nasty]}),
        models=pa.table({"id": ["m", "n"], "role": [None, "tuned"], "base": [None, "m"], "size": [7, 13]}),
        attempts=pa.table({"model": ["m", "n"], "text": ["t1", nasty], "score": [0.5, 1.0]}),
        provenance={"source": nasty, "skipped": 3, "share": 0.5, "lenient": False},
    )


def rebuilt(nodes: list[dict[str, object]], edges: list[dict[str, object]], facts: dict[str, object]) -> Dataset:
    """The dataset from nodes (`kind`, `id`, ...) and edges (`kind`, `from`, `to`, ...)."""

    def table(rows: list[dict[str, object]]) -> pa.Table | None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        return pa.table({name: [row.get(name) for row in rows] for name in columns}) if rows else None

    def of(rows: list[dict[str, object]], kind: str, **names: str) -> list[dict[str, object]]:
        found = []
        for row in rows:
            if row["kind"] == kind:
                found.append({names.get(name, name): value for name, value in row.items() if name != "kind"})
        return [{name: value for name, value in row.items() if name not in ("from", "to")} for row in found]

    models = of(nodes, "model")
    bases = {str(row["id"]): row["base"] for row in of(edges, "fine_tuned_from", **{"from": "id", "to": "base"})}
    texts, skills = of(nodes, "text", text_kind="kind"), of(nodes, "skill")
    assert texts
    assert skills
    return build_dataset(
        str(facts["name"]),
        texts=table(texts),
        skills=table(skills),
        requirements=table(of(edges, "requires", **{"from": "text", "to": "skill"})),
        prerequisites=table(of(edges, "prerequisite", **{"from": "prerequisite", "to": "skill"})),
        part_of=table(of(edges, "part_of", **{"from": "child", "to": "parent"})),
        models=table([{**row, "base": bases.get(str(row["id"]))} for row in models]),
        attempts=table(of(edges, "attempted", **{"from": "model", "to": "text"})),
        provenance=json.loads(str(facts["provenance"])),
    )


def from_networkx(graph: nx.Graph, *, id_key: str = "id") -> Dataset:
    nodes = []
    for key, attributes in graph.nodes(data=True):
        row = dict(attributes)
        row["id"] = row.pop(id_key)
        row.pop("label", None)
        assert key == f"{row['kind']}:{row['id']}"
        nodes.append(row)
    ends = {key: key.partition(":")[2] for key in graph.nodes}
    edges = []
    for source, target, attributes in graph.edges(data=True):
        rest = {name: value for name, value in attributes.items() if name not in ("id", "label", "key")}
        edges.append({"from": ends[source], "to": ends[target], **rest})
    return rebuilt(nodes, edges, graph.graph)


@pytest.mark.parametrize("name", ["d.graphml", "d.json", "d.cyjs"])
def test_graph_files_hold_the_whole_dataset(store: Store, data: Dataset, tmp_path: Path, name: str) -> None:
    store.write_dataset(data)
    report = export(store, "d", tmp_path / name)
    assert (report.nodes, report.edges) == (10, 5 + 2 + 2 + 2 + 1)
    if name.endswith("graphml"):
        read = from_networkx(nx.read_graphml(tmp_path / name, force_multigraph=True))
    elif name.endswith("cyjs"):
        found = json.loads((tmp_path / name).read_text())
        graph = nx.cytoscape_graph(found)
        graph.graph.update(dict(found["data"]))
        # networkx keeps the bookkeeping of the file among the attributes
        for _, attributes in graph.nodes(data=True):
            del attributes["value"], attributes["id"]
        for *_, attributes in graph.edges(data=True):
            del attributes["source"], attributes["target"]
        read = from_networkx(graph, id_key="key")
    else:
        read = from_networkx(nx.node_link_graph(json.loads((tmp_path / name).read_text()), edges="edges"), id_key="key")
    assert read.equals(data)


def test_gexf_holds_nodes_edges_and_weights(store: Store, data: Dataset, tmp_path: Path) -> None:
    store.write_dataset(data)
    export(store, "d", tmp_path / "d.gexf")
    graph = nx.read_gexf(tmp_path / "d.gexf")
    assert 'title="weight"' not in (tmp_path / "d.gexf").read_text(encoding="utf-8"), "a weight stands in one place"
    graph.graph.update(name="d", provenance=json.dumps(dict(data.provenance)))
    assert from_networkx(graph).equals(data)


def test_parquet_read_back_is_the_same_dataset(store: Store, data: Dataset, tmp_path: Path) -> None:
    store.write_dataset(data)
    export(store, "d", tmp_path / "out", file_format="parquet")
    assert load(tmp_path / "out", name="d").dataset.equals(data)


@pytest.mark.parametrize("name", ["g.graphml", "g.gexf", "folder"])
def test_what_our_loaders_read_back_has_the_same_tables(store: Store, tmp_path: Path, name: str) -> None:
    """All but the provenance, which says where a dataset came from: here, the export. CSV ids have no outer spaces."""
    given = example(NASTY.strip() if name == "folder" else NASTY)
    store.write_dataset(given)
    export(store, "d", tmp_path / name, file_format="csv" if name == "folder" else None)
    found = load(tmp_path / name, name="d").dataset
    assert replace(found, provenance=given.provenance).equals(given)


def test_csv_folder_says_name_and_provenance(store: Store, data: Dataset, tmp_path: Path) -> None:
    store.write_dataset(data)
    export(store, "d", tmp_path / "out", file_format="csv")
    facts = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert facts.pop("types").keys() == data.tables().keys()
    assert facts == {"name": "d", "provenance": dict(data.provenance), "escaped": True}
    assert {path.stem for path in (tmp_path / "out").glob("*.csv")} == set(data.tables())


def test_objects_for_networkx_and_igraph(data: Dataset) -> None:
    graph = dataset_graph(data)
    assert from_networkx(to_networkx(graph)).equals(data)
    igraph = pytest.importorskip("igraph", reason="igraph is a benchmark dependency")
    found = to_igraph(graph)
    assert isinstance(found, igraph.Graph)
    assert (found.vcount(), found.ecount(), found.is_directed()) == (10, 12, True)
    edge = next(e for e in found.es if e["kind"] == "requires" and e["weight"] == 2.5)
    assert (found.vs[edge.source]["name"], found.vs[edge.target]["name"]) == ("text:t2", "skill:a")
    assert found.vs[edge.target]["label"] == NASTY


def test_association_graph_of_a_layer(store: Store, data: Dataset, tmp_path: Path) -> None:
    store.write_dataset(data)
    learn(store, "d", name="one")
    with pytest.raises(SkillgraphError, match="skillgraph associate one"):
        export(store, "d", tmp_path / "a.graphml", layer="one")
    associate(store, "d", "one")
    report = export(store, "d", tmp_path / "a.graphml", layer="one")
    graph = nx.read_graphml(tmp_path / "a.graphml")
    layer, pairs = store.read_layer("d", "one"), store.read_associations("d", "one")
    assert not graph.is_directed()
    assert (report.nodes, report.edges) == (graph.number_of_nodes(), graph.number_of_edges())
    assert {a["id"]: a["wave"] for _, a in graph.nodes(data=True)} == dict(
        zip(layer.skills["skill"].to_pylist(), layer.skills["wave"].to_pylist(), strict=True)
    )
    assert {frozenset((a[6:], b[6:])): w for a, b, w in graph.edges(data="weight")} == {
        frozenset((r["source"], r["target"])): r["weight"] for r in pairs.to_pylist()
    }
    assert nx.utils.graphs_equal(
        nx.Graph(to_networkx(association_graph(data, layer, pairs)).edges), nx.Graph(graph.edges)
    )
    export(store, "d", tmp_path / "tables", layer="one", file_format="parquet")
    assert pa.parquet.read_table(tmp_path / "tables" / "associations.parquet").equals(pairs.combine_chunks())


@pytest.mark.parametrize("name", ["a.graphml", "a.gexf", "a.json", "a.cyjs", "csv", "parquet"])
def test_an_association_graph_is_not_taken_for_a_dataset(
    store: Store, data: Dataset, tmp_path: Path, name: str
) -> None:
    store.write_dataset(data)
    learn(store, "d", name="one")
    associate(store, "d", "one")
    form = None if "." in name else name
    export(store, "d", tmp_path / name, layer="one", file_format=form)
    with pytest.raises(DataError, match=f"{re.escape(name)}: holds skills and links between them but no text"):
        load(tmp_path / name, name="d")
    export(store, "d", tmp_path / f"whole-{name}", file_format=form)
    assert load(tmp_path / f"whole-{name}", name="d").dataset.requirements.num_rows == data.requirements.num_rows


@pytest.mark.parametrize(
    ("file_format", "layer"),
    [
        (one, layer)
        for one in get_args(ExportFormat)
        for layer in (None, "one")
        if (one, layer) != ("neo4j-admin", "one")
    ],
)
def test_a_full_disk_leaves_what_was_there(
    store: Store, data: Dataset, tmp_path: Path, file_format: str, layer: str | None
) -> None:
    """Files of at most 64 bytes stand for the disk: the system refuses to write more."""
    store.write_dataset(data)
    learn(store, "d", name="one")
    associate(store, "d", "one")
    target = tmp_path / "target"
    folder = file_format in {"csv", "parquet", "neo4j-admin"}
    if not folder:
        target.write_text("before")
    seen = sorted(tmp_path.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(USER_ERRORS, match=r"[Ff]ile too large"):
            export(store, "d", target, layer=layer, file_format=file_format)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(tmp_path.iterdir()) == seen
    assert folder or target.read_text() == "before"


def test_what_cannot_be_written_is_said_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.write_dataset(
        build_dataset(
            "d",
            texts=pa.table({"id": ["t"], "title": ["bell \x07"]}),
            skills=pa.table({"id": ["a"]}),
            requirements=pa.table({"text": ["t"], "skill": ["a"]}),
        )
    )
    with pytest.raises(SkillgraphError, match=r"'bell \\x07' holds the character '\\x07'.*--format json"):
        export(store, "d", tmp_path / "d.graphml")
    export(store, "d", tmp_path / "d.json")
    with pytest.raises(SkillgraphError, match=r"'d\.xyz' does not determine the format"):
        export(store, "d", tmp_path / "d.xyz")
    with pytest.raises(SkillgraphError, match="format 'dot' is not one of"):
        export(store, "d", tmp_path / "d.dot", file_format="dot")
    with pytest.raises(NotFoundError):
        export(store, "d", tmp_path / "l.json", layer="none")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(SkillgraphError, match="name a folder that is new or empty"):
        export(store, "d", tmp_path / "full", file_format="csv")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith((".d", "d.", "full"))) == ["d.json", "full"]
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_empty_dataset() -> None:
    nothing = pa.array([], pa.string())
    empty = build_dataset(
        "e",
        texts=pa.table({"id": nothing}),
        skills=pa.table({"id": nothing}),
        requirements=pa.table({"text": nothing, "skill": nothing}),
    )
    stream = io.BytesIO()
    write_graphml(dataset_graph(empty), stream)
    assert nx.read_graphml(io.BytesIO(stream.getvalue())).number_of_nodes() == 0


def test_neo4j_admin_export_has_a_row_for_every_requirement(store: Store, tmp_path: Path) -> None:
    data = example("plain")
    store.write_dataset(data)
    learn(store, "d", name="f")
    associate(store, "d", "f")
    folder = tmp_path / "admin"
    export(store, "d", folder, file_format="neo4j-admin")

    def rows(name: str) -> int:
        return len((folder / f"{name}.csv").read_text().splitlines())

    assert rows("nodes-Text") == data.n_texts
    assert rows("nodes-Skill") == data.n_skills
    assert rows("nodes-Layer") == 1
    assert rows("relationships-REQUIRES-requirements") == data.n_requirements
    with pytest.raises(SkillgraphError, match="new or empty"):
        export(store, "d", folder, file_format="neo4j-admin")
