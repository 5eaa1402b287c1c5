"""The embedded store: one kglite file, written by one process at a time, read by any number.

A write changes a copy of the graph in memory and then puts a whole new file in the place of the old one (written
beside it, flushed, renamed). So a reader, a crash or a kill finds the old content or the new, never a part; there
is no log to replay and nothing to repair. The writer's lease is an operating-system lock, which ends with its
process however that ends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import kglite
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import NotFoundError, StoreError
from explorer.store.embedded_cypher import PREFIX
from explorer.store.embedded_file import (
    Mode,
    check_place,
    give_up_lease,
    load_graph,
    put_in_place,
    stamp,
    take_lease,
)
from explorer.store.embedded_graph import (
    Graph,
    Nodes,
    add_edges,
    add_node,
    add_nodes,
    create_constraints,
    edge_chunks,
    matching_node,
    nodes_of,
    remove_associations,
    remove_dataset,
    run,
    update_node,
)
from explorer.store.embedded_query import run_query
from explorer.store.protocol import (
    ASSOCIATION_SCHEMA,
    LAYER_SKILLS_SCHEMA,
    SCHEMA_VERSION,
    DatasetInfo,
    Layer,
    LayerInfo,
    Progress,
    QueryResult,
)
from explorer.store.records import (
    EDGE_TABLES,
    NODE_LABELS,
    EdgeTable,
    association_table,
    check_associations,
    check_dataset,
    check_layer,
    dataset_from_tables,
    dataset_info,
    dataset_node,
    dataset_schemas,
    layer_info,
    layer_node,
    layer_table,
    utc_now,
)
from loaders.dataset import EMPTY_TABLES, Dataset

__all__ = ["EmbeddedStore"]

_IDS = pa.schema([("id", pa.string())])
_LEARNED = EdgeTable("", "LEARNED", "Layer", "", "Skill", "", ("wave", "by", "component", "mastery"))
_ASSOCIATED = EdgeTable("", "ASSOCIATED_WITH", "Skill", "", "Skill", "", ("weight",))
_BASE = EdgeTable("", "FINE_TUNED_FROM", "Layer", "", "Layer", "")

# Warnings belong to the result of a query; printed to stderr they would mix with progress bars.
kglite.set_query_warning_policy("silent")


class EmbeddedStore:
    """Datasets, layers and associations in one kglite file; see `explorer.store.protocol.Store`.

    Reading takes no lease and always sees the file's present content. Safe to use from several threads.
    """

    def __init__(self, path: Path, *, mode: Mode) -> None:
        """Open a store.

        Args:
            path: The file. For writing it may be missing: the first write creates it.
            mode: `read`, or `write` to hold the writer's lease until `close`.

        Raises:
            StoreError: There is no store to read, the file is no store or one of another version, the folder
                cannot be written, or another process writes.
        """
        # A new file would otherwise take the place of the link, not of what it leads to.
        path = path.resolve() if path.is_symlink() else path
        self._path = path
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._lease: Any = None
        self._graph: Any = None
        self._snapshot: Any = None
        self._seen = ""
        self._closed = False
        check_place(path, mode)
        if mode == "write":
            self._graph = self._lease = take_lease(path)
            self._snapshot = self._graph.freeze()
        else:
            self._current()

    @property
    def url(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def version(self) -> str:
        """Which file is in place: it changes with every write."""
        return stamp(self._path)

    def close(self) -> None:
        """Give up the lease; safe to call twice."""
        self._closed = True
        with self._writing:
            lease, self._lease = self._lease, None
            self._graph = self._snapshot = None
            if lease is not None:
                give_up_lease(lease)

    # Datasets -----------------------------------------------------------------------------------------------

    def write_dataset(self, dataset: Dataset, *, replace: bool = False, progress: Progress | None = None) -> None:
        """Write a dataset; with `replace`, in the place of the one of that name, whose layers go with it."""
        _check_names(dataset)
        counter = _Counter(progress, sum(table.num_rows for table in dataset.tables().values()))
        with self._change() as graph:
            if matching_node(graph, "Dataset", name=dataset.name):
                if not replace:
                    raise StoreError(
                        f"dataset {dataset.name!r} is in {self.url} already: replace it, or load under another name"
                    )
                remove_dataset(graph, dataset.name)
            nodes = {table: Nodes(np.zeros(0, np.int64), _IDS.empty_table()) for table in NODE_LABELS}
            _add_tables(graph, dataset.name, dataset.tables(), nodes, counter)
            add_node(graph, "Dataset", dataset_node(dataset, utc_now()))

    def append_dataset(self, dataset: Dataset, addition: Dataset, *, progress: Progress | None = None) -> None:
        """Write what `addition` adds; `dataset` is the whole after it (`loaders.dataset.extend_dataset`)."""
        _check_names(dataset)
        with self._change() as graph:
            number, _ = self._dataset(graph, dataset.name)
            nodes = {t: nodes_of(graph, label, dataset.name, _IDS) for t, label in NODE_LABELS.items()}
            tables = dict(addition.tables())
            for table in NODE_LABELS:
                known = pc.is_in(addition.tables()[table]["id"], value_set=nodes[table].ids)
                if table == "texts" and pc.any(known).as_py():
                    raise StoreError(
                        f"a text of the addition is in dataset {dataset.name!r} already: nothing was added"
                    )
                new = addition.tables()[table]["id"].filter(pc.invert(known)).combine_chunks()
                whole = dataset.tables()[table]
                tables[table] = whole.filter(pc.is_in(whole["id"], value_set=new))
            for edge in EDGE_TABLES:
                if edge.table in ("prerequisites", "part_of"):
                    there = _edge_table(graph, edge, nodes)
                    tables[edge.table] = tables[edge.table].join(
                        there, keys=[edge.source_column, edge.target_column], join_type="left anti"
                    )
            counter = _Counter(progress, sum(table.num_rows for table in tables.values()))
            _add_tables(graph, dataset.name, tables, nodes, counter)
            update_node(graph, "Dataset", number, dataset_node(dataset, utc_now()))

    def read_dataset(self, name: str) -> Dataset:
        """The dataset, equal to the one written."""
        graph = self._current()
        properties = self._dataset(graph, name)[1]
        schemas = dataset_schemas(properties)
        nodes = {table: nodes_of(graph, label, name, schemas[table]) for table, label in NODE_LABELS.items()}
        tables = {table: found.table for table, found in nodes.items()}
        for edge in EDGE_TABLES:
            if edge.table not in tables:
                tables[edge.table] = _edge_table(graph, edge, nodes)
        return dataset_from_tables(properties, tables)

    def read_requirements(self, name: str, parts: Sequence[str] = ()) -> Iterator[pa.Table]:
        """The requirements of the texts of some parts, in chunks, ordered by text."""
        graph = self._current()
        properties = self._dataset(graph, name)[1]
        there = dataset_info(properties).parts
        for part in parts:
            if part not in there:
                raise NotFoundError(
                    f"dataset {name!r} has no part {part!r}; its parts: {', '.join(map(repr, there)) or 'none'}"
                )
        texts = nodes_of(graph, "Text", name, pa.schema([("id", pa.string()), ("part", pa.string())]))
        skills = nodes_of(graph, "Skill", name, _IDS)
        sources = texts.numbers
        if parts:
            chosen = pc.is_in(texts.table["part"], value_set=pa.array(parts, pa.string()))
            sources = sources[chosen.to_numpy()]
        return _requirement_chunks(graph, texts, skills, sources)

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """All datasets, ordered by name."""
        graph = self._current()
        layers = _layers(graph)
        found = run(graph, "MATCH (n:Dataset) RETURN properties(n) AS p")["p"]
        infos = [dataset_info(_shown(properties)) for properties in found]
        return tuple(
            dataset_info(_shown(p), [layer.name for layer in layers if layer.dataset == info.name])
            for info, p in sorted(zip(infos, found, strict=True), key=lambda pair: pair[0].name)
        )

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset with its layers and associations."""
        with self._change() as graph:
            self._dataset(graph, name)
            remove_dataset(graph, name)

    # Layers -------------------------------------------------------------------------------------------------

    def write_layer(self, layer: Layer) -> None:
        """Write a layer in the place of one of that name, whose associations go with it."""
        check_layer(layer)
        info = layer.info
        _check_name(info.name, "layer name")
        with self._change() as graph:
            self._dataset(graph, info.dataset)
            base = self._base(graph, info)
            skills = nodes_of(graph, "Skill", info.dataset, _IDS)
            targets = skills.numbers_of(layer.skills["skill"], "skill")
            teachers = layer.skills["by"].drop_null()
            if len(teachers):
                nodes_of(graph, "Text", info.dataset, _IDS).numbers_of(teachers, "text")
            there = matching_node(graph, "Layer", key=info.key)
            absent = dict.fromkeys(field.name for field in fields(info))
            if there:
                number = there[0]
                remove_associations(graph, info.dataset, info.name)
                run(graph, "MATCH (:Layer {id: $n})-[r:LEARNED|FINE_TUNED_FROM]->() DELETE r", n=number)
                update_node(graph, "Layer", number, {**absent, **layer_node(info)})
            else:
                number = add_node(graph, "Layer", layer_node(info))
            _add_learned(graph, number, targets, layer.skills)
            if base is not None:
                _exhaust(add_edges(graph, _BASE, np.array([number]), np.array([base]), {}))

    def read_layer(self, dataset: str, name: str) -> Layer:
        """The layer, equal to the one written."""
        graph = self._current()
        number, properties = self._layer(graph, dataset, name)
        skills = nodes_of(graph, "Skill", dataset, _IDS)
        return Layer(layer_info(properties), _learned(graph, number, skills))

    def layers(self, dataset: str | None = None) -> tuple[LayerInfo, ...]:
        """Layers of one dataset or of all, ordered by dataset and name."""
        graph = self._current()
        if dataset is not None:
            self._dataset(graph, dataset)
        return tuple(info for info in _layers(graph) if dataset in (None, info.dataset))

    def delete_layer(self, dataset: str, name: str) -> None:
        """Remove a layer and its associations; one that others are fine-tuned from is refused."""
        with self._change() as graph:
            number, _ = self._layer(graph, dataset, name)
            dependent = [info.name for info in _layers(graph) if info.dataset == dataset and info.base == name]
            if dependent:
                raise StoreError(f"layer {name!r} is the base of {', '.join(map(repr, dependent))}: delete those first")
            remove_associations(graph, dataset, name)
            run(graph, "MATCH (n:Layer {id: $n}) DETACH DELETE n", n=number)

    def write_associations(
        self, dataset: str, layer: str, associations: pa.Table, *, rule: str, components: pa.Table
    ) -> None:
        """Write a layer's associations in the place of those there, and its components."""
        with self._change() as graph:
            number, properties = self._layer(graph, dataset, layer)
            check_associations(layer_info(properties), associations, components, rule)
            skills = nodes_of(graph, "Skill", dataset, _IDS)
            learned = _with_components(_learned(graph, number, skills), components, layer)
            for column in ("source", "target"):
                unknown = pc.invert(pc.is_in(associations[column], value_set=learned["skill"].combine_chunks()))
                if pc.any(unknown).as_py():
                    skill = associations[column].filter(unknown)[0].as_py()
                    raise StoreError(f"skill {skill!r} is associated in layer {layer!r}, which has not learned it")
            run(graph, "MATCH (:Layer {id: $n})-[r:LEARNED]->() DELETE r", n=number)
            _add_learned(graph, number, skills.numbers_of(learned["skill"], "skill"), learned)
            remove_associations(graph, dataset, layer)
            ends = [skills.numbers_of(associations[column], "skill") for column in ("source", "target")]
            weights = {"weight": associations["weight"].to_pylist()}
            _exhaust(add_edges(graph, _ASSOCIATED, ends[0], ends[1], weights, {"layer": layer}))
            counted = {"associations": associations.num_rows, "association_rule": rule}
            update_node(graph, "Layer", number, counted)

    def read_associations(self, dataset: str, layer: str) -> pa.Table:
        """Rows of `ASSOCIATION_SCHEMA`, ordered by source and target; none if they have not been computed."""
        graph = self._current()
        self._layer(graph, dataset, layer)
        skills = nodes_of(graph, "Skill", dataset, _IDS)
        tables = [ASSOCIATION_SCHEMA.empty_table()]
        for chunk in edge_chunks(graph, _ASSOCIATED, skills.numbers, {"layer": layer}):
            ends = [skills.ids.take(pa.array(skills.rows_of(chunk[end]))) for end in ("source", "target")]
            tables.append(association_table({"source": ends[0], "target": ends[1], "weight": chunk["weight"]}))
        return pa.concat_tables(tables).sort_by([("source", "ascending"), ("target", "ascending")]).combine_chunks()

    # Queries ------------------------------------------------------------------------------------------------

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        max_rows: int = 1_000,
        timeout: float = 30.0,
    ) -> QueryResult:
        """Run a read-only query; `QueryError` for anything that writes or is not Cypher, or takes too long."""
        return run_query(self._current(), cypher, parameters, max_rows=max_rows, timeout=timeout)

    # Snapshots and changes ----------------------------------------------------------------------------------

    def _current(self) -> Any:
        """A snapshot of the present content, which stays as it is while it is used."""
        if self._closed:
            raise StoreError(f"the store {self.url} has been closed")
        if self._lease is not None:
            if self._graph is None and self._writing.acquire(blocking=False):
                try:
                    self._recover()
                finally:
                    self._writing.release()
            return self._snapshot
        with self._reading:
            present = stamp(self._path)
            if self._snapshot is None or present != self._seen:
                self._snapshot, self._seen = load_graph(self._path).freeze(), present
            return self._snapshot

    @contextmanager
    def _change(self) -> Iterator[Any]:
        """A copy of the graph to write to; it becomes the store's content when the block ends without an error."""
        with self._writing:
            if self._lease is None:
                state = "closed" if self._closed else "opened for reading"
                raise StoreError(f"the store {self.url} was {state}, so nothing can be written to it")
            self._recover()
            graph = self._graph.copy()
            try:
                create_constraints(graph)
                yield graph
                graph.set_schema_version(SCHEMA_VERSION)
                # Whatever happens from here on, the file tells which content is in place.
                self._graph = None
                put_in_place(graph, self._path)
            except kglite.KgError as error:
                raise StoreError(f"nothing was written to {self.url}: {' '.join(str(error).split())}") from error
            self._graph, self._snapshot = graph, graph.freeze()

    def _recover(self) -> None:
        """Take up the content of the file again after a write that was broken off."""
        if self._graph is None:
            graph = load_graph(self._path) if self._path.exists() else kglite.KnowledgeGraph()
            self._graph, self._snapshot = graph, graph.freeze()

    def _dataset(self, graph: Graph, name: str) -> tuple[int, dict[str, Any]]:
        found = matching_node(graph, "Dataset", name=name)
        if found is None:
            raise NotFoundError(f"there is no dataset {name!r} in {self.url}")
        return found[0], _shown(found[1])

    def _layer(self, graph: Graph, dataset: str, name: str) -> tuple[int, dict[str, Any]]:
        self._dataset(graph, dataset)
        found = matching_node(graph, "Layer", dataset=dataset, name=name)
        if found is None:
            raise NotFoundError(f"dataset {dataset!r} has no layer {name!r} in {self.url}")
        return found[0], _shown(found[1])

    def _base(self, graph: Graph, info: LayerInfo) -> int | None:
        """Number of the base layer, which is there and does not itself come from this layer."""
        if info.base is None:
            return None
        number = self._layer(graph, info.dataset, info.base)[0]
        bases = {layer.name: layer.base for layer in _layers(graph) if layer.dataset == info.dataset}
        name: str | None = info.base
        while name is not None:
            if name == info.name:
                raise StoreError(f"layer {info.name!r} cannot be fine-tuned from {info.base!r}, which comes from it")
            name = bases[name]
        return number


class _Counter:
    """Adds up rows for a progress callback."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, rows: int) -> None:
        self._done += rows
        if self._progress is not None:
            self._progress(self._done, self._total)


# Content ----------------------------------------------------------------------------------------------------


def _check_name(name: str, what: str) -> None:
    if name.startswith("[") and name.endswith("]"):
        raise StoreError(f"{what} {name!r} is in square brackets, which this store reads as a list: choose another")


def _check_names(dataset: Dataset) -> None:
    check_dataset(dataset)
    _check_name(dataset.name, "dataset name")
    for table in NODE_LABELS:
        for column in getattr(dataset, table).column_names:
            if column.startswith(PREFIX):
                raise StoreError(
                    f"table {table!r} of dataset {dataset.name!r} has a property named {column!r}; names that start "
                    f"with {PREFIX!r} are the store's own: rename that column"
                )


def _add_tables(
    graph: Graph, dataset: str, tables: Mapping[str, pa.Table], nodes: Mapping[str, Nodes], counter: _Counter
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


def _requirement_chunks(graph: Graph, texts: Nodes, skills: Nodes, sources: np.ndarray) -> Iterator[pa.Table]:
    edge = EDGE_TABLES[0]
    for chunk in edge_chunks(graph, edge, sources):
        yield pa.table(
            {
                "text": texts.ids.take(pa.array(texts.rows_of(chunk["source"]))),
                "skill": skills.ids.take(pa.array(skills.rows_of(chunk["target"]))),
                "weight": pa.array(chunk["weight"], pa.float64()),
            }
        )


def _layers(graph: Graph) -> list[LayerInfo]:
    found = run(graph, "MATCH (n:Layer) RETURN properties(n) AS p")["p"]
    return sorted((layer_info(_shown(p)) for p in found), key=lambda info: (info.dataset, info.name))


def _add_learned(graph: Graph, number: int, targets: np.ndarray, skills: pa.Table) -> None:
    properties = {name: skills[name].to_pylist() for name in _LEARNED.properties}
    _exhaust(add_edges(graph, _LEARNED, np.full(len(targets), number), targets, properties))


def _learned(graph: Graph, number: int, skills: Nodes) -> pa.Table:
    chunks = edge_chunks(graph, _LEARNED, np.array([number]))
    columns: dict[str, list[Any]] = next(chunks, {"target": []})
    ids = skills.ids.take(pa.array(skills.rows_of(columns["target"])))
    return layer_table({"skill": ids, **{name: columns[name] for name in _LEARNED.properties if name in columns}})


def _with_components(learned: pa.Table, components: pa.Table, layer: str) -> pa.Table:
    """A layer's skills with new components; each has one."""
    places = pc.index_in(learned["skill"], value_set=components["skill"].combine_chunks())
    if places.null_count or components.num_rows != learned.num_rows:
        raise StoreError(
            f"layer {layer!r} has {learned.num_rows} learned skills, but components of {components.num_rows} skills "
            "were given: compute the associations of the layer as it is now"
        )
    position = LAYER_SKILLS_SCHEMA.get_field_index("component")
    numbers = components["component"].cast(pa.int32()).take(places)
    return learned.set_column(position, LAYER_SKILLS_SCHEMA.field(position), numbers)


def _shown(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties of a Dataset or Layer node by the names they were given."""
    return {name.removeprefix(PREFIX): value for name, value in properties.items()}


def _exhaust(batches: Iterator[Any]) -> None:
    for _ in batches:
        pass
