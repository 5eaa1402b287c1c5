"""From what is stored to a graph for Cypher: nodes, relationships and their properties as docs/schema.md has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kglite
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.store.counts import COUNTS, MIXES, association_counts, class_pairs
from explorer.store.embedded.container import Content
from explorer.store.embedded.contents import dataset_tables, ids_of, layer_associations, layer_lacks, layer_skills
from explorer.store.embedded.graph import add_edges, add_node, add_nodes, create_constraints
from explorer.store.embedded.tables import Ids, read_column
from explorer.store.protocol import LAYER_LACKS_SCHEMA, LAYER_SKILLS_SCHEMA, SCHEMA_VERSION
from explorer.store.records import EDGE_TABLES, NODE_LABELS, EdgeTable, edge_properties, named_models

__all__ = ["build_graph"]

_LEARNED = EdgeTable("", "LEARNED", "Layer", "", "Skill", "", (*LAYER_SKILLS_SCHEMA.names[1:], *COUNTS))
_LACKS = EdgeTable("", "LACKS", "Layer", "", "Skill", "", tuple(LAYER_LACKS_SCHEMA.names[1:]))
_ASSOCIATED = EdgeTable("", "ASSOCIATED_WITH", "Skill", "", "Skill", "", ("weight",))
_MIXES = EdgeTable("", "MIXES", "Layer", "", "Layer", "", MIXES)
_BASE = EdgeTable("", "FINE_TUNED_FROM", "Layer", "", "Layer", "")


_Edges = dict[EdgeTable, list[pa.Table]]


def build_graph(content: Content) -> Any:
    """The graph of a content; what it holds does not depend on the content afterwards."""
    graph = kglite.KnowledgeGraph()
    edges: _Edges = {}
    for name, entry in sorted(content.catalogue.get("datasets", {}).items()):
        first = _add_dataset(graph, edges, content, name, entry)
        numbers: dict[str, int] = {}
        for layer, stored in sorted(entry["layers"].items()):
            numbers[layer] = _add_layer(graph, edges, content, entry, stored, first)
        pairs = [(numbers[layer], numbers[base]) for layer, base in _bases(entry["layers"]).items() if base in numbers]
        ends = np.array(pairs, np.int64).reshape(-1, 2)
        _collect(edges, _BASE, ends[:, 0], ends[:, 1], {})
    for edge in list(edges):
        add_edges(graph, edge, pa.concat_tables(edges.pop(edge), promote_options="default"))
    create_constraints(graph)
    graph.set_schema_version(SCHEMA_VERSION)
    return graph


def _bases(layers: Mapping[str, Any]) -> dict[str, str]:
    return {name: layer["node"]["base"] for name, layer in layers.items() if layer["node"].get("base") is not None}


def _collect(
    edges: _Edges,
    edge: EdgeTable,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    properties: Mapping[str, pa.ChunkedArray | pa.Array],
) -> None:
    """Keep relationships between numbered nodes until all of their type are there."""
    if len(source):
        edges.setdefault(edge, []).append(pa.table({"source": source, "target": target, **properties}))


def _add_dataset(graph: Any, edges: _Edges, content: Content, name: str, entry: Mapping[str, Any]) -> dict[str, int]:
    """Add a dataset; the number of the first node of each table, the others follow in order of id."""
    tables = dataset_tables(content, entry)
    first = {
        table: add_nodes(graph, label, name, named_models(table, tables[table])) for table, label in NODE_LABELS.items()
    }
    ids = {table: Ids([], tables[table]["id"].combine_chunks(), label) for table, label in NODE_LABELS.items()}
    for edge in EDGE_TABLES:
        table = tables[edge.table]
        if edge.table in NODE_LABELS:
            table = table.filter(pc.is_valid(table[edge.target_column]))
        source, target = (
            _numbers(ids[side], table[column]) + first[side]
            for side, column in ((edge.source, edge.source_column), (edge.target, edge.target_column))
        )
        _collect(edges, edge, source, target, {name: table[name] for name in edge_properties(edge, table)})
    add_node(graph, "Dataset", entry["node"])
    return first


def _add_layer(
    graph: Any,
    edges: _Edges,
    content: Content,
    entry: Mapping[str, Any],
    layer: Mapping[str, Any],
    first: Mapping[str, int],
) -> int:
    ids = ids_of(content, entry, "skills")
    skills = layer_skills(content, layer)
    learned = _numbers(ids, skills["skill"])
    properties = {name: skills[name] for name in LAYER_SKILLS_SCHEMA.names[1:]}
    if layer["associations"] is None:
        number = add_node(graph, "Layer", layer["node"])
    else:
        pairs = layer_associations(content, layer, encoded=True)
        source, target = (_numbers(ids, pairs[end]) for end in ("source", "target"))
        names = pa.DictionaryArray.from_arrays(np.zeros(len(source), np.int32), [layer["node"]["name"]])
        shared = {"weight": pairs["weight"], "layer": names}
        _collect(edges, _ASSOCIATED, source + first["skills"], target + first["skills"], shared)
        column = read_column(content, entry["tables"]["skills"]["columns"]["class"], encoded=False)
        classes, weight = column.combine_chunks(), pairs["weight"].to_numpy()
        counts = association_counts((source, target), weight, classes)
        properties |= {name: counts[name].take(pa.array(learned)) for name in COUNTS}
        found, mixes = class_pairs((source, target), weight, classes)
        number = add_node(graph, "Layer", {**layer["node"], "class_pairs": found})
        loops = np.full(mixes.num_rows, number, np.int64)
        _collect(edges, _MIXES, loops, loops, {name: mixes[name] for name in MIXES})
    targets = learned + first["skills"]
    _collect(edges, _LEARNED, np.full(len(targets), number, np.int64), targets, properties)
    lacks = layer_lacks(content, layer)
    if lacks.num_rows:
        targets = _numbers(ids, lacks["skill"]) + first["skills"]
        properties = {name: lacks[name] for name in _LACKS.properties}
        _collect(edges, _LACKS, np.full(len(targets), number, np.int64), targets, properties)
    return number


def _numbers(ids: Ids, column: pa.ChunkedArray) -> NDArray[np.int64]:
    found: NDArray[np.int64] = ids.numbers(column).to_numpy(zero_copy_only=False).astype(np.int64)
    return found
