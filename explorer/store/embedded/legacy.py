"""Stores of earlier versions: one kglite file, read whole and taken up as what it would be today."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kglite
import numpy as np
import pyarrow as pa

from explorer.errors import StoreError
from explorer.store.embedded.container import Content, Draft, memory_content
from explorer.store.embedded.contents import put_dataset
from explorer.store.embedded.graph import Graph, Nodes, edge_chunks, matching_node, nodes_of, run
from explorer.store.embedded.kglite_file import load_graph, open_error, unpacking
from explorer.store.embedded.names import PREFIX
from explorer.store.embedded.tables import Ids, store_table
from explorer.store.protocol import ASSOCIATION_SCHEMA
from explorer.store.records import (
    EDGE_TABLES,
    NODE_LABELS,
    EdgeTable,
    association_table,
    dataset_from_tables,
    dataset_schemas,
    layer_table,
)
from loaders.dataset import EMPTY_TABLES

__all__ = ["legacy_content", "refuse_log"]

_LEARNED = EdgeTable("", "LEARNED", "Layer", "", "Skill", "", ("wave", "by", "component", "mastery"))
_ASSOCIATED = EdgeTable("", "ASSOCIATED_WITH", "Skill", "", "Skill", "", ("weight",))


def legacy_content(path: Path) -> Content:
    """The content of a kglite file.

    Raises:
        StoreError: It is damaged, no store of this program, or of another version.
    """
    graph = load_graph(path)

    def fill(draft: Draft) -> None:
        for properties in run(graph, "MATCH (n:Dataset) RETURN properties(n) AS p")["p"]:
            _take_up(graph, draft, _shown(properties))

    return memory_content(f"{path} (of an earlier version)", fill)


def refuse_log(path: Path) -> None:
    """Refuse to write to a kglite file that another program has changed without bringing the change into it.

    Raises:
        StoreError: There is a log beside it that has not been taken in, or it cannot be opened.
    """
    try:
        with unpacking():
            graph = kglite.open(str(path), durable="off")
    except ValueError:
        raise StoreError(
            f"{path} was last changed by another program, which left a log that has not been merged, {path}-wal: "
            "open and close the file in that program once more"
        ) from None
    except kglite.WriterLeaseHeldError:
        # The lock is the one that a lease takes, which says who holds it.
        return
    except (kglite.KgError, OSError) as error:
        raise open_error(path, error) from None
    # Leaving the graph's `with` block by an exception is how kglite closes without writing the file once more.
    graph.__exit__(StoreError, StoreError(), None)


def _take_up(graph: Graph, draft: Draft, node: Mapping[str, Any]) -> None:
    name = node["name"]
    schemas = dataset_schemas(node)
    nodes = {table: nodes_of(graph, label, name, schemas[table]) for table, label in NODE_LABELS.items()}
    tables = {table: found.table for table, found in nodes.items()}
    for edge in EDGE_TABLES:
        if edge.table not in tables:
            tables[edge.table] = _edge_table(graph, edge, nodes)
    dataset = dataset_from_tables(node, tables)
    put_dataset(draft, dataset, node, {})
    entry = draft.catalogue["datasets"][name]
    ids = {
        table: Ids(entry["tables"][table]["columns"]["id"]["block"], nodes[table].ids, what)
        for table, what in (("texts", "text"), ("skills", "skill"))
    }
    found = run(graph, "MATCH (n:Layer {dataset: $name}) RETURN properties(n) AS p", name=name)["p"]
    for layer in map(_shown, found):
        there = matching_node(graph, "Layer", dataset=name, name=layer["name"])
        assert there is not None, "a layer that was found is there"
        skills = _learned_skills(graph, there[0], nodes["skills"])
        pairs = None
        if layer.get("associations") is not None:
            pairs = store_table(
                draft,
                _associations(graph, layer["name"], nodes["skills"]),
                {"source": ids["skills"], "target": ids["skills"]},
            )
        entry["layers"][layer["name"]] = {
            "node": layer,
            "skills": store_table(draft, skills, {"skill": ids["skills"], "by": ids["texts"]}),
            "associations": pairs,
        }


def _edge_table(graph: Graph, edge: EdgeTable, nodes: Mapping[str, Nodes]) -> pa.Table:
    """A dataset's table of relationships, in any order, ids dictionary-encoded where the table has them so."""
    source, target = nodes[edge.source], nodes[edge.target]
    schema = EMPTY_TABLES[edge.table].schema
    chunks = []
    for chunk in edge_chunks(graph, edge, source.numbers):
        ends = [source.rows_of(chunk["source"]), target.rows_of(chunk["target"])]
        columns: list[Any] = [
            pa.DictionaryArray.from_arrays(pa.array(rows), side.ids)
            for rows, side in zip(ends, (source, target), strict=True)
        ]
        columns += [pa.array(chunk[name], schema.field(name).type) for name in edge.properties]
        names = [edge.source_column, edge.target_column, *edge.properties]
        table = pa.table(columns, names=names)
        chunks.append(table if edge.table == "requirements" else table.cast(schema))
    return pa.concat_tables(chunks) if chunks else schema.empty_table()


def _learned_skills(graph: Graph, number: int, skills: Nodes) -> pa.Table:
    """A numbered layer's skills, rows of `LAYER_SKILLS_SCHEMA`, ordered by id."""
    chunks = edge_chunks(graph, _LEARNED, np.array([number]))
    columns: dict[str, list[Any]] = next(chunks, {"target": []})
    ids = skills.ids.take(pa.array(skills.rows_of(columns["target"])))
    return layer_table({"skill": ids, **{name: columns[name] for name in _LEARNED.properties if name in columns}})


def _associations(graph: Graph, layer: str, skills: Nodes) -> pa.Table:
    tables = [ASSOCIATION_SCHEMA.empty_table()]
    for chunk in edge_chunks(graph, _ASSOCIATED, skills.numbers, {"layer": layer}):
        ends = [skills.ids.take(pa.array(skills.rows_of(chunk[end]))) for end in ("source", "target")]
        tables.append(association_table({"source": ends[0], "target": ends[1], "weight": chunk["weight"]}))
    return pa.concat_tables(tables).sort_by([("source", "ascending"), ("target", "ascending")]).combine_chunks()


def _shown(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a Dataset or Layer node by the names they were given, without what kglite adds."""
    # An earlier version kept these three under a prefix, as kglite has fields of the same names.
    return {
        name.removeprefix(PREFIX): value
        for name, value in properties.items()
        if name.startswith(PREFIX) or name not in ("id", "title", "type")
    }
