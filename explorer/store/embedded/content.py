"""The tables of a dataset and the skills of a layer, to and from a kglite graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.errors import StoreError
from explorer.store.embedded.cypher import PREFIX, quoted
from explorer.store.embedded.graph import (
    Graph,
    Nodes,
    add_edges,
    add_nodes,
    edge_chunks,
    matching_node,
    run,
    update_node,
)
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, LayerInfo, Progress
from explorer.store.records import (
    EDGE_TABLES,
    NODE_LABELS,
    EdgeTable,
    check_dataset,
    dataset_parts,
    layer_info,
    layer_table,
    node_key,
    stale_properties,
)
from explorer.store.staleness import stale_layers
from loaders.dataset import EMPTY_TABLES, Dataset

__all__ = [
    "Counter",
    "add_learned",
    "add_tables",
    "check_dataset_names",
    "check_name",
    "edge_table",
    "exhaust",
    "layer_infos",
    "learned_skills",
    "mark_stale",
    "requirement_chunks",
    "shown_properties",
    "with_components",
]

_LEARNED = EdgeTable("", "LEARNED", "Layer", "", "Skill", "", ("wave", "by", "component", "mastery"))


class Counter:
    """Adds up rows for a progress callback."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, rows: int) -> None:
        """Count these rows and tell the total."""
        self._done += rows
        if self._progress is not None:
            self._progress(self._done, self._total)


def check_name(name: str, what: str) -> None:
    """Refuse a name that kglite takes for a list when it compares.

    Raises:
        StoreError: The name is in square brackets.
    """
    if name.startswith("[") and name.endswith("]"):
        raise StoreError(f"{what} {name!r} is in square brackets, which this store reads as a list: choose another")


def check_dataset_names(dataset: Dataset) -> None:
    """Refuse a dataset that could not be read back equal.

    Raises:
        StoreError: See `check_dataset`; also names that the embedded store keeps for itself.
    """
    check_dataset(dataset)
    check_name(dataset.name, "dataset name")
    for table in NODE_LABELS:
        for column in getattr(dataset, table).column_names:
            if column.startswith(PREFIX):
                raise StoreError(
                    f"table {table!r} of dataset {dataset.name!r} has a property named {column!r}; names that start "
                    f"with {PREFIX!r} are the store's own: rename that column"
                )


def add_tables(
    graph: Graph, dataset: str, tables: Mapping[str, pa.Table], nodes: Mapping[str, Nodes], counter: Counter
) -> None:
    """Add the rows of all tables; relationships may also reach `nodes` that are there."""
    reachable = {}
    for table, label in NODE_LABELS.items():
        numbers = [nodes[table].numbers]
        for batch in add_nodes(graph, label, dataset, tables[table]):
            numbers.append(batch)
            counter.add(len(batch))
        ids = pa.concat_tables([nodes[table].table.select(["id"]), tables[table].select(["id"])])
        reachable[table] = Nodes(np.concatenate(numbers), ids.combine_chunks())
    for edge in EDGE_TABLES:
        table = tables[edge.table]
        if edge.table in NODE_LABELS:
            table = table.filter(pc.is_valid(table[edge.target_column]))
        source = reachable[edge.source].numbers_of(table[edge.source_column], edge.source_column)
        target = reachable[edge.target].numbers_of(table[edge.target_column], edge.target_column)
        properties = {name: table[name].to_pylist() for name in edge.properties}
        for rows in add_edges(graph, edge, source, target, properties):
            counter.add(0 if edge.table in NODE_LABELS else rows)


def edge_table(graph: Graph, edge: EdgeTable, nodes: Mapping[str, Nodes]) -> pa.Table:
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


def requirement_chunks(graph: Graph, texts: Nodes, skills: Nodes, sources: NDArray[np.int64]) -> Iterator[pa.Table]:
    """The requirements of numbered texts, in their order: `text`, `skill` (ids) and `weight`."""
    edge = EDGE_TABLES[0]
    for chunk in edge_chunks(graph, edge, sources):
        yield pa.table(
            {
                "text": texts.ids.take(pa.array(texts.rows_of(chunk["source"]))),
                "skill": skills.ids.take(pa.array(skills.rows_of(chunk["target"]))),
                "weight": pa.array(chunk["weight"], pa.float64()),
            }
        )


def layer_infos(graph: Graph) -> list[LayerInfo]:
    """All layers, ordered by dataset and name."""
    found = run(graph, "MATCH (n:Layer) RETURN properties(n) AS p")["p"]
    return sorted((layer_info(shown_properties(p)) for p in found), key=lambda info: (info.dataset, info.name))


def mark_stale(graph: Graph, dataset: str) -> None:
    """Say at each layer of a dataset whether it is stale, and why."""
    found = run(graph, f"MATCH (n:Dataset {{{quoted('name')}: $name}}) RETURN properties(n) AS p", name=dataset)["p"]
    shown = [shown_properties(properties) for properties in found]
    parts = next((dataset_parts(properties) for properties in shown if properties["name"] == dataset), None)
    layers = [info for info in layer_infos(graph) if info.dataset == dataset]
    for name, reasons in stale_layers(layers, parts).items():
        matching = matching_node(graph, "Layer", key=node_key(dataset, name))
        if matching is not None:
            update_node(graph, "Layer", matching[0], stale_properties(reasons))


def add_learned(graph: Graph, number: int, targets: NDArray[np.int64], skills: pa.Table) -> None:
    """Add a numbered layer's LEARNED to numbered skills; `skills` has their properties."""
    properties = {name: skills[name].to_pylist() for name in _LEARNED.properties}
    exhaust(add_edges(graph, _LEARNED, np.full(len(targets), number), targets, properties))


def learned_skills(graph: Graph, number: int, skills: Nodes) -> pa.Table:
    """A numbered layer's skills, rows of `LAYER_SKILLS_SCHEMA`, ordered by id."""
    chunks = edge_chunks(graph, _LEARNED, np.array([number]))
    columns: dict[str, list[Any]] = next(chunks, {"target": []})
    ids = skills.ids.take(pa.array(skills.rows_of(columns["target"])))
    return layer_table({"skill": ids, **{name: columns[name] for name in _LEARNED.properties if name in columns}})


def with_components(learned: pa.Table, components: pa.Table, layer: str) -> pa.Table:
    """A layer's skills with new components.

    Raises:
        StoreError: The components are not those of just these skills.
    """
    places = pc.index_in(learned["skill"], value_set=components["skill"].combine_chunks())
    if places.null_count or components.num_rows != learned.num_rows:
        raise StoreError(
            f"layer {layer!r} has {learned.num_rows} learned skills, but components of {components.num_rows} skills "
            "were given: compute the associations of the layer as it is now"
        )
    position = LAYER_SKILLS_SCHEMA.get_field_index("component")
    numbers = components["component"].cast(pa.int32()).take(places)
    return learned.set_column(position, LAYER_SKILLS_SCHEMA.field(position), numbers)


def shown_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a Dataset or Layer node by the names they were given."""
    return {name.removeprefix(PREFIX): value for name, value in properties.items()}


def exhaust(batches: Iterator[Any]) -> None:
    """Write all batches where nobody counts them."""
    for _ in batches:
        pass
