"""A dataset with its layers as the set of CSV files that `neo4j-admin database import full` takes.

For graphs of more than a million relationships: the import writes the database's files directly, some hundred
times faster than transactions can, into a database that does not exist yet. The files say what the store would
have written; its constraints and indexes are made when the store is first opened.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from explorer.errors import StoreError
from explorer.store.counts import COUNTS, MIXES, association_counts, class_pairs
from explorer.store.neo4j.dataset import index_key
from explorer.store.protocol import Layer, LayerInfo
from explorer.store.records import (
    EDGE_TABLES,
    NODE_LABELS,
    EdgeTable,
    check_dataset,
    check_layer,
    dataset_node,
    edge_properties,
    layer_node,
    named_models,
    node_key,
    stale_properties,
    utc_now,
)
from loaders.dataset import TAG_COLUMNS, Dataset
from loaders.writing import written_folder

__all__ = ["ARGUMENTS_FILE", "AdminCsv", "write_admin_csv"]

ARGUMENTS_FILE = "import.args"
"""File with the arguments of the import, one per line; their paths are relative to its folder."""

_BATCH = 100_000
_TYPES = {"string": "string", "int64": "long", "int32": "long", "double": "double", "bool": "boolean"}
_OPTIONS = csv.WriteOptions(include_header=False, quoting_style="all_valid")


@dataclass(frozen=True)
class AdminCsv:
    """The files that were written.

    Attributes:
        folder: Where.
        arguments: The file to give to `neo4j-admin database import full neo4j @…`, run in the folder.
        nodes: Number of nodes.
        relationships: Number of relationships.
        bytes: Size of all files.
    """

    folder: Path
    arguments: Path
    nodes: int
    relationships: int
    bytes: int


def write_admin_csv(dataset: Dataset, layers: Iterable[tuple[Layer, pa.Table]], folder: Path) -> AdminCsv:
    """Write a dataset and its layers as CSV files for an offline import.

    Args:
        dataset: The dataset.
        layers: Layers of it, each with its associations (rows of `ASSOCIATION_SCHEMA`, possibly none); the base
            of a layer must be among them.
        folder: Where to write; made if it is not there, and must be empty.

    Returns:
        What was written.

    Raises:
        StoreError: The folder is not empty, cannot be written, or something could not be read back equal.
    """
    check_dataset(dataset)
    known = list(layers)
    for layer, _ in known:
        check_layer(replace(layer, info=replace(layer.info, associations=None, association_rule=None)))
    try:
        if folder.exists() and any(folder.iterdir()):
            raise StoreError(f"{folder} is not empty: give a new folder for the CSV files")
        with written_folder(folder) as partial:
            writer = _Writer(partial)
            _write_dataset(writer, dataset)
            _write_layers(writer, dataset, known)
            written = writer.finish()
        return replace(written, folder=folder, arguments=folder / written.arguments.name)
    except OSError as error:
        raise StoreError(f"cannot write the CSV files to {folder}: {error}") from error


class _Writer:
    """Files of one import, and the arguments that name them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arguments = ["--id-type=string", "--multiline-fields=true", "--bad-tolerance=0"]
        self._rows = {"nodes": 0, "relationships": 0}

    def write(self, kind: str, name: str, stem: str, header: Mapping[str, str], batches: Iterable[pa.Table]) -> None:
        """Write a file of nodes or relationships: label or type, header (name and type of each column), rows."""
        path = self._folder / f"{kind}-{stem}.csv"
        rows = 0
        with path.open("wb") as file:
            for batch in batches:
                csv.write_csv(batch, file, _OPTIONS)
                rows += batch.num_rows
        if not rows:
            path.unlink()
            return
        # The columns of the ends have no name: they are no properties.
        fields = [f":{type_}" if "_ID(" in type_ else f"{column}:{type_}" for column, type_ in header.items()]
        titles = pa.table({str(place): [field] for place, field in enumerate(fields)})
        heading = path.with_name(f"{kind}-{stem}-header.csv")
        csv.write_csv(titles, heading, _OPTIONS)
        self._arguments.append(f"--{kind}={name}={heading.name},{path.name}")
        self._rows[kind] += rows

    def finish(self) -> AdminCsv:
        """Write the file of arguments."""
        arguments = self._folder / ARGUMENTS_FILE
        arguments.write_text("".join(f"{argument}\n" for argument in self._arguments), encoding="utf-8")
        size = sum(path.stat().st_size for path in self._folder.glob("[!.]*"))
        return AdminCsv(self._folder, arguments, self._rows["nodes"], self._rows["relationships"], size)


def _write_dataset(writer: _Writer, dataset: Dataset) -> None:
    node = {**dataset_node(dataset, utc_now()), "revision": uuid4().hex}
    _write_records(writer, "Dataset", "name", [node])
    for table, label in NODE_LABELS.items():
        rows = named_models(table, getattr(dataset, table))
        header = {"key": f"ID({label})", "dataset": "string", **_header(rows.schema, label)}
        writer.write("nodes", label, label, header, _node_batches(dataset, rows))
    for edge in EDGE_TABLES:
        rows = getattr(dataset, edge.table)
        if edge.table in NODE_LABELS:
            rows = rows.filter(pc.is_valid(rows[edge.target_column]))
        header = _ends(NODE_LABELS[edge.source], NODE_LABELS[edge.target], _types(edge, rows))
        writer.write(
            "relationships", edge.type, f"{edge.type}-{edge.table}", header, _edge_batches(dataset, edge, rows)
        )


def _write_layers(writer: _Writer, dataset: Dataset, layers: Sequence[tuple[Layer, pa.Table]]) -> None:
    counted = [_counted(dataset, layer, associations) for layer, associations in layers]
    nodes = []
    for (layer, associations), (_, found, _) in zip(layers, counted, strict=True):
        marks = stale_properties(layer.info.stale_because)
        node = {**layer_node(layer), **marks, "revision": uuid4().hex}
        if layer.info.associations is not None:
            node |= {"associations": associations.num_rows, "class_pairs": found}
        nodes.append(node)
    _write_records(writer, "Layer", "key", nodes)
    bases = [(layer.info.key, node_key(dataset.name, layer.info.base)) for layer, _ in layers if layer.info.base]
    pairs = pa.table({"layer": [a for a, _ in bases], "base": [b for _, b in bases]})
    writer.write("relationships", "FINE_TUNED_FROM", "FINE_TUNED_FROM-layers", _ends("Layer", "Layer", {}), [pairs])
    for number, ((layer, associations), (skills, _, mixes)) in enumerate(zip(layers, counted, strict=True)):
        for kind, table in (("LEARNED", skills), ("LACKS", layer.lacks)):
            properties = {field.name: _TYPES[str(field.type)] for field in table.schema if field.name != "skill"}
            batches = _skill_batches(layer.info, table, tuple(properties))
            writer.write("relationships", kind, f"{kind}-{number}", _ends("Layer", "Skill", properties), batches)
        joined = _ends("Skill", "Skill", {"layer": "string", "weight": "long"})
        writer.write(
            "relationships",
            "ASSOCIATED_WITH",
            f"ASSOCIATED_WITH-{number}",
            joined,
            _association_batches(layer, associations),
        )
        loop = _ends("Layer", "Layer", {field.name: _TYPES[str(field.type)] for field in mixes.schema})
        key = pa.array([layer.info.key] * mixes.num_rows, pa.string())
        rows = pa.Table.from_arrays([key, key, *mixes.columns], names=[str(place) for place in range(len(MIXES) + 2)])
        writer.write("relationships", "MIXES", f"MIXES-{number}", loop, [rows])


def _counted(dataset: Dataset, layer: Layer, associations: pa.Table) -> tuple[pa.Table, int, pa.Table]:
    """The skills of a layer, with counts of its associations if it has some; number and rows of its MIXES."""
    skills = layer.skills
    ids = dataset.skills["id"].combine_chunks()
    ends = [pc.index_in(associations[end].cast(pa.string()), value_set=ids).to_numpy() for end in ("source", "target")]
    classes, weight = dataset.skills["class"].combine_chunks(), associations["weight"].to_numpy()
    found, mixes = class_pairs(ends, weight, classes)
    if layer.info.associations is None:
        return skills, found, mixes
    counts = association_counts(ends, weight, classes)
    places = pc.index_in(skills["skill"].cast(pa.string()), value_set=ids)
    for name in COUNTS:
        skills = skills.append_column(name, counts[name].take(places))
    return skills, found, mixes


def _write_records(writer: _Writer, label: str, key: str, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Nodes of which there are few, from their properties."""
    names = sorted({name for node in nodes for name in node} - {key})
    columns = {name: pa.array([node.get(name) for node in nodes]) for name in (key, *names)}
    header = {key: f"ID({label})"}
    header |= {name: _TYPES.get(str(columns[name].type), "string") for name in names}
    writer.write("nodes", label, label, header, [pa.table(columns)] if nodes else [])


def _header(schema: pa.Schema, label: str) -> dict[str, str]:
    for name in schema.names:
        # The import reads a header's field as name, colon, type, and takes no other colon.
        if ":" in name or name != name.strip():
            raise StoreError(
                f"property {name!r} of {label} cannot be named in a CSV header of neo4j-admin: rename that column"
            )
    return {field.name: _TYPES[str(field.type)] for field in schema}


def _ends(source: str, target: str, properties: Mapping[str, str]) -> dict[str, str]:
    return {"start": f"START_ID({source})", "end": f"END_ID({target})", **properties}


def _keys(dataset: str, ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Keys of nodes from their ids."""
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    if pa.types.is_dictionary(ids.type):
        return _keys(dataset, ids.dictionary.cast(pa.string())).take(ids.indices)
    return pa.array([index_key(node_key(dataset, identifier)) for identifier in ids.to_pylist()], pa.string())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as the import reads it: what is no finite number by Java's name."""
    if not pa.types.is_floating(column.type) or pc.all(pc.is_finite(column)).as_py() in (True, None):
        return column
    return pa.chunked_array([[None if value is None else _java_double(value) for value in column.to_pylist()]])


def _java_double(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _batches(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, _BATCH):
        yield table.slice(start, _BATCH)


def _node_batches(dataset: Dataset, rows: pa.Table) -> Iterator[pa.Table]:
    for batch in _batches(rows):
        columns = [_keys(dataset.name, batch["id"]), pa.array([dataset.name] * batch.num_rows, pa.string())]
        columns += [_plain(column) for column in batch.columns]
        yield pa.Table.from_arrays(columns, names=[str(place) for place in range(len(columns))])


def _types(edge: EdgeTable, rows: pa.Table) -> dict[str, str]:
    strings = {name for name, kind in TAG_COLUMNS.items() if kind == pa.string()}
    return {name: "string" if name in strings else "double" for name in edge_properties(edge, rows)}


def _edge_batches(dataset: Dataset, edge: EdgeTable, rows: pa.Table) -> Iterator[pa.Table]:
    for batch in _batches(rows):
        columns = [_keys(dataset.name, batch[name]) for name in (edge.source_column, edge.target_column)]
        columns += [_plain(batch[name]) for name in edge_properties(edge, rows)]
        yield pa.Table.from_arrays(columns, names=[str(place) for place in range(len(columns))])


def _skill_batches(info: LayerInfo, table: pa.Table, properties: Sequence[str]) -> Iterator[pa.Table]:
    for batch in _batches(table):
        key = pa.array([info.key] * batch.num_rows, pa.string())
        skills = _keys(info.dataset, batch["skill"])
        columns = [key, skills, *(_plain(batch[name]) for name in properties)]
        yield pa.Table.from_arrays(columns, names=[str(place) for place in range(len(columns))])


def _association_batches(layer: Layer, associations: pa.Table) -> Iterator[pa.Table]:
    for batch in _batches(associations):
        ends = [_keys(layer.info.dataset, batch[name]) for name in ("source", "target")]
        name = pa.array([layer.info.name] * batch.num_rows, pa.string())
        yield pa.Table.from_arrays([*ends, name, batch["weight"]], names=["0", "1", "2", "3"])
