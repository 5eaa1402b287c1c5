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
from explorer.store.embedded.content import (
    Counter,
    add_learned,
    add_tables,
    check_dataset_names,
    check_name,
    edge_table,
    exhaust,
    layer_infos,
    learned_skills,
    mark_stale,
    requirement_chunks,
    shown_properties,
    with_components,
)
from explorer.store.embedded.file import (
    Mode,
    check_place,
    give_up_lease,
    load_graph,
    put_in_place,
    stamp,
    take_lease,
)
from explorer.store.embedded.graph import (
    Graph,
    Nodes,
    add_edges,
    add_node,
    create_constraints,
    edge_chunks,
    matching_node,
    nodes_of,
    remove_associations,
    remove_dataset,
    rename_associations,
    rename_dataset,
    run,
    update_node,
)
from explorer.store.embedded.query import run_query
from explorer.store.protocol import (
    ASSOCIATION_SCHEMA,
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
    association_properties,
    association_table,
    bases_first,
    check_associations,
    check_dataset_name,
    check_layer,
    check_layer_name,
    dataset_from_tables,
    dataset_info,
    dataset_node,
    dataset_schemas,
    layer_info,
    layer_node,
    node_key,
    utc_now,
)
from loaders.dataset import Dataset

__all__ = ["EmbeddedStore"]

_IDS = pa.schema([("id", pa.string())])
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

    def write_dataset(
        self,
        dataset: Dataset,
        *,
        replace: bool = False,
        layers: Sequence[Layer] = (),
        progress: Progress | None = None,
    ) -> None:
        """Write a dataset; with `replace`, in the place of the one of that name; `layers` are written with it."""
        check_dataset_names(dataset)
        for layer in layers:
            check_layer(layer)
            check_name(layer.info.name, "layer name")
        counter = Counter(progress, sum(table.num_rows for table in dataset.tables().values()))
        with self._change() as graph:
            if matching_node(graph, "Dataset", name=dataset.name):
                if not replace:
                    raise StoreError(
                        f"dataset {dataset.name!r} is in {self.url} already: replace it, or load under another name"
                    )
                remove_dataset(graph, dataset.name)
            nodes = {table: Nodes(np.zeros(0, np.int64), _IDS.empty_table()) for table in NODE_LABELS}
            add_tables(graph, dataset.name, dataset.tables(), nodes, counter)
            add_node(graph, "Dataset", dataset_node(dataset, utc_now()))
            for layer in bases_first(layers):
                self._put_layer(graph, layer)
            mark_stale(graph, dataset.name)

    def append_dataset(self, dataset: Dataset, addition: Dataset, *, progress: Progress | None = None) -> None:
        """Write what `addition` adds; `dataset` is the whole after it (`loaders.dataset.extend_dataset`)."""
        check_dataset_names(dataset)
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
                    there = edge_table(graph, edge, nodes)
                    tables[edge.table] = tables[edge.table].join(
                        there, keys=[edge.source_column, edge.target_column], join_type="left anti"
                    )
            counter = Counter(progress, sum(table.num_rows for table in tables.values()))
            add_tables(graph, dataset.name, tables, nodes, counter)
            update_node(graph, "Dataset", number, {"source": None, **dataset_node(dataset, utc_now())})
            mark_stale(graph, dataset.name)

    def read_dataset(self, name: str) -> Dataset:
        """The dataset, equal to the one written."""
        graph = self._current()
        properties = self._dataset(graph, name)[1]
        schemas = dataset_schemas(properties)
        nodes = {table: nodes_of(graph, label, name, schemas[table]) for table, label in NODE_LABELS.items()}
        tables = {table: found.table for table, found in nodes.items()}
        for edge in EDGE_TABLES:
            if edge.table not in tables:
                tables[edge.table] = edge_table(graph, edge, nodes)
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
        return requirement_chunks(graph, texts, skills, sources)

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """All datasets, ordered by name."""
        graph = self._current()
        layers = layer_infos(graph)
        found = run(graph, "MATCH (n:Dataset) RETURN properties(n) AS p")["p"]
        infos = [dataset_info(shown_properties(properties)) for properties in found]
        return tuple(
            dataset_info(shown_properties(p), [layer.name for layer in layers if layer.dataset == info.name])
            for info, p in sorted(zip(infos, found, strict=True), key=lambda pair: pair[0].name)
        )

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset with its layers and associations."""
        with self._change() as graph:
            self._dataset(graph, name)
            remove_dataset(graph, name)

    def rename_dataset(self, name: str, new: str) -> None:
        """Give a dataset another name, under which there is none yet; its layers come along."""
        check_dataset_name(new)
        check_name(new, "dataset name")
        with self._change() as graph:
            number, _ = self._dataset(graph, name)
            if matching_node(graph, "Dataset", name=new):
                raise StoreError(f"dataset {new!r} is in {self.url} already: choose another name, or delete that one")
            rename_dataset(graph, name, new)
            update_node(graph, "Dataset", number, {"name": new})

    # Layers -------------------------------------------------------------------------------------------------

    def write_layer(self, layer: Layer) -> None:
        """Write a layer in the place of one of that name, whose associations go with it."""
        check_layer(layer)
        check_name(layer.info.name, "layer name")
        with self._change() as graph:
            self._dataset(graph, layer.info.dataset)
            teachers = layer.skills["by"].drop_null()
            if len(teachers):
                nodes_of(graph, "Text", layer.info.dataset, _IDS).numbers_of(teachers, "text")
            self._put_layer(graph, layer)
            mark_stale(graph, layer.info.dataset)

    def _put_layer(self, graph: Graph, layer: Layer) -> None:
        info = layer.info
        base = self._base(graph, info)
        skills = nodes_of(graph, "Skill", info.dataset, _IDS)
        targets = skills.numbers_of(layer.skills["skill"], "skill")
        there = matching_node(graph, "Layer", key=info.key)
        absent = dict.fromkeys(field.name for field in fields(info))
        if there:
            number = there[0]
            remove_associations(graph, info.name, number)
            run(graph, "MATCH (:Layer {id: $n})-[r:LEARNED|FINE_TUNED_FROM]->() DELETE r", n=number)
            update_node(graph, "Layer", number, {**absent, **layer_node(layer)})
        else:
            number = add_node(graph, "Layer", layer_node(layer))
        add_learned(graph, number, targets, layer.skills)
        if base is not None:
            exhaust(add_edges(graph, _BASE, np.array([number]), np.array([base]), {}))

    def read_layer(self, dataset: str, name: str) -> Layer:
        """The layer, equal to the one written."""
        graph = self._current()
        number, properties = self._layer(graph, dataset, name)
        skills = nodes_of(graph, "Skill", dataset, _IDS)
        return Layer(layer_info(properties), learned_skills(graph, number, skills))

    def layers(self, dataset: str | None = None) -> tuple[LayerInfo, ...]:
        """Layers of one dataset or of all, ordered by dataset and name."""
        graph = self._current()
        if dataset is not None:
            self._dataset(graph, dataset)
        return tuple(info for info in layer_infos(graph) if dataset in (None, info.dataset))

    def delete_layer(self, dataset: str, name: str) -> None:
        """Remove a layer and its associations; one that others are fine-tuned from is refused."""
        with self._change() as graph:
            number, _ = self._layer(graph, dataset, name)
            dependent = [info.name for info in layer_infos(graph) if info.dataset == dataset and info.base == name]
            if dependent:
                raise StoreError(f"layer {name!r} is the base of {', '.join(map(repr, dependent))}: delete those first")
            remove_associations(graph, name, number)
            run(graph, "MATCH (n:Layer {id: $n}) DETACH DELETE n", n=number)

    def rename_layer(self, dataset: str, name: str, new: str) -> None:
        """Give a layer another name, under which the dataset has none yet."""
        check_layer_name(new)
        check_name(new, "layer name")
        with self._change() as graph:
            number, _ = self._layer(graph, dataset, name)
            if matching_node(graph, "Layer", dataset=dataset, name=new):
                raise StoreError(f"dataset {dataset!r} has a layer {new!r} already: choose another name")
            rename_associations(graph, name, new, number)
            update_node(graph, "Layer", number, {"name": new, "key": node_key(dataset, new)})
            run(
                graph,
                "MATCH (n:Layer)-[:FINE_TUNED_FROM]->(:Layer {id: $n}) SET n.base = $new",
                n=number,
                new=new,
            )
            mark_stale(graph, dataset)

    def write_associations(
        self,
        dataset: str,
        layer: str,
        associations: pa.Table,
        *,
        rule: str,
        components: pa.Table,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a layer's associations in the place of those there, and its components."""
        with self._change() as graph:
            number, properties = self._layer(graph, dataset, layer)
            check_associations(layer_info(properties), associations, components, rule)
            skills = nodes_of(graph, "Skill", dataset, _IDS)
            learned = with_components(learned_skills(graph, number, skills), components, layer)
            for column in ("source", "target"):
                unknown = pc.invert(pc.is_in(associations[column], value_set=learned["skill"].combine_chunks()))
                if pc.any(unknown).as_py():
                    skill = associations[column].filter(unknown)[0].as_py()
                    raise StoreError(f"skill {skill!r} is associated in layer {layer!r}, which has not learned it")
            remove_associations(graph, layer, number)
            run(graph, "MATCH (:Layer {id: $n})-[r:LEARNED]->() DELETE r", n=number)
            add_learned(graph, number, skills.numbers_of(learned["skill"], "skill"), learned)
            ends = [skills.numbers_of(associations[column], "skill") for column in ("source", "target")]
            weights = {"weight": associations["weight"].to_pylist()}
            exhaust(add_edges(graph, _ASSOCIATED, ends[0], ends[1], weights, {"layer": layer}))
            update_node(graph, "Layer", number, association_properties(associations.num_rows, rule, options))

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
        return found[0], shown_properties(found[1])

    def _layer(self, graph: Graph, dataset: str, name: str) -> tuple[int, dict[str, Any]]:
        self._dataset(graph, dataset)
        found = matching_node(graph, "Layer", dataset=dataset, name=name)
        if found is None:
            raise NotFoundError(f"dataset {dataset!r} has no layer {name!r} in {self.url}")
        return found[0], shown_properties(found[1])

    def _base(self, graph: Graph, info: LayerInfo) -> int | None:
        """Number of the base layer, which is there and does not itself come from this layer."""
        if info.base is None:
            return None
        number = self._layer(graph, info.dataset, info.base)[0]
        bases = {layer.name: layer.base for layer in layer_infos(graph) if layer.dataset == info.dataset}
        name: str | None = info.base
        while name is not None:
            if name == info.name:
                raise StoreError(f"layer {info.name!r} cannot be fine-tuned from {info.base!r}, which comes from it")
            name = bases[name]
        return number
