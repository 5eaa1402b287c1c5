"""The embedded store's graph for Cypher: every node, relationship and property of what is stored, and nothing else."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.store.embedded.store import EmbeddedStore
from explorer.store.protocol import Layer
from explorer.store.records import EDGE_TABLES, NODE_LABELS, node_key
from loaders.dataset import Dataset
from tests.store.content import associations, components, datasets, layer, layers, small_dataset


def _set(properties: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((name, repr(value)) for name, value in properties.items() if value is not None))


def _nodes(dataset: Dataset) -> Counter[Any]:
    tables = dataset.tables()
    return Counter(
        (label, _set({"key": node_key(dataset.name, row["id"]), "dataset": dataset.name, **shown(label, row), **row}))
        for table, label in NODE_LABELS.items()
        for row in tables[table].to_pylist()
    )


def shown(label: str, row: dict[str, Any]) -> dict[str, Any]:
    """Models are shown by their ids where their source does not name them."""
    return {"name": row["id"]} if label == "Model" else {}


def _edges(dataset: Dataset) -> Counter[Any]:
    tables = dataset.tables()
    return Counter(
        (
            edge.type,
            node_key(dataset.name, row[edge.source_column]),
            node_key(dataset.name, row[edge.target_column]),
            _set({name: row[name] for name in edge.properties}),
        )
        for edge in EDGE_TABLES
        for row in tables[edge.table].to_pylist()
        if row[edge.target_column] is not None
    )


def _layer_edges(layer: Layer) -> Counter[Any]:
    ends = [("LEARNED", row) for row in layer.skills.to_pylist()] + [("LACKS", row) for row in layer.lacks.to_pylist()]
    dataset = layer.info.dataset
    return Counter(
        (kind, node_key(dataset, layer.info.name), node_key(dataset, row.pop("skill")), _set(row)) for kind, row in ends
    )


def _stored(store: EmbeddedStore) -> tuple[Counter[Any], Counter[Any]]:
    nodes, edges = (
        [row[0] for row in store.query(cypher, max_rows=10_000).rows]
        for cypher in ("MATCH (n) RETURN n", "MATCH ()-[r]->() RETURN r")
    )
    keys = {node.id: node.properties.get("key") for node in nodes}
    return (
        Counter(
            (node.labels[0], _set(node.properties)) for node in nodes if node.labels[0] not in ("Dataset", "Layer")
        ),
        Counter((edge.type, keys[edge.start], keys[edge.end], _set(edge.properties)) for edge in edges),
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_graph_is_what_is_stored(tmp_path: Path, data: st.DataObject) -> None:
    first = data.draw(datasets(st.just("one")))
    second = data.draw(datasets(st.just("two")))
    one, other = (data.draw(layers(first, name)) for name in ("a", "b"))
    path = tmp_path / "store.kgl"
    path.unlink(missing_ok=True)
    store = EmbeddedStore(path, mode="write")
    try:
        store.write_dataset(first, layers=[one, other])
        store.write_dataset(second)
        nodes, edges = _stored(store)
    finally:
        store.close()
    assert nodes == _nodes(first) + _nodes(second)
    assert edges == _edges(first) + _edges(second) + _layer_edges(one) + _layer_edges(other)


def test_layers_keep_associations_of_the_same_skills_apart_and_pandas_is_not_needed(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.kgl", mode="write")
    try:
        for name in ("d", "e"):
            store.write_dataset(small_dataset(name))
            for number, of in enumerate(("a", "b")):
                tuned = {"kind": "fine-tuned", "base": "a"} if of == "b" else {}
                store.write_layer(layer(of, {"for": 1, "if": 2}, dataset=name, **tuned))
                pairs = associations(("for", "if", 3 + number))
                store.write_associations(name, of, pairs, rule="any", components=components(**{"for": 0, "if": 0}))
        found = store.query("MATCH (a)-[r:ASSOCIATED_WITH]->(b) RETURN a.key, b.key, r.layer, r.weight").rows
        assert sorted(found) == [
            (f"{name}/for", f"{name}/if", of, 3 + number) for name in "de" for number, of in enumerate("ab")
        ]
        bases = store.query("MATCH (a)-[:FINE_TUNED_FROM]->(b) RETURN labels(a)[0], a.key, b.key").rows
        assert sorted(bases) == sorted(
            row
            for name in "de"
            for row in (
                ("Layer", f"{name}/b", f"{name}/a"),
                ("Model", f"{name}/tuned", f"{name}/base-model"),
            )
        )
    finally:
        store.close()
    assert "pandas" not in sys.modules
