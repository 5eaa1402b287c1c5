"""Property maps of nodes and relationships, made from Arrow tables and records, and read back.

Pure functions that both stores share, so that the same content is spelt the same in each. A property map
never holds null: a null in a table is a property that is not there. Mappings and tuples (provenance, parts,
parameters, versions, column types) are kept as JSON text, because a property is a scalar in every store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import StoreError
from explorer.options import check_rule
from explorer.store.fingerprint import (
    PartFingerprints,
    dataset_fingerprint,
    fingerprints_from_json,
    fingerprints_to_json,
    part_fingerprints,
    table_fingerprint,
)
from explorer.store.infos import COUNTS, JSON_FIELDS, dataset_info, layer_info
from explorer.store.protocol import (
    ASSOCIATION_SCHEMA,
    LAYER_LACKS_SCHEMA,
    LAYER_SKILLS_SCHEMA,
    SCHEMA_VERSION,
    Layer,
    LayerInfo,
)
from loaders.dataset import TAG_COLUMNS, Dataset, build_dataset
from loaders.errors import DataError
from loaders.names import check_given_name

__all__ = [
    "EDGE_TABLES",
    "NODE_LABELS",
    "EdgeTable",
    "association_properties",
    "association_table",
    "bases_first",
    "check_associations",
    "check_dataset",
    "check_dataset_name",
    "check_lacks",
    "check_layer",
    "check_layer_name",
    "check_learned",
    "columns_table",
    "dataset_from_tables",
    "dataset_info",
    "dataset_node",
    "dataset_parts",
    "dataset_schemas",
    "edge_properties",
    "edge_rows",
    "is_tagged",
    "lacks_table",
    "layer_fingerprint",
    "layer_info",
    "layer_node",
    "layer_table",
    "named_models",
    "no_associations",
    "node_key",
    "node_rows",
    "stale_properties",
    "tags_are_kept",
    "utc_now",
    "with_coded_ids",
]

Scalar = str | int | float | bool | None
Properties = dict[str, Scalar]

NODE_LABELS: Mapping[str, str] = {"texts": "Text", "skills": "Skill", "models": "Model"}
"""Tables of a dataset whose rows are nodes, and the label of those."""


@dataclass(frozen=True)
class EdgeTable:
    """A table of a dataset whose rows are relationships.

    Attributes:
        table: Name of the table in `Dataset`.
        type: Type of the relationship.
        source: Table of the node it starts from (a key of `NODE_LABELS`).
        source_column: Column with the id of that node.
        target: Table of the node it ends at.
        target_column: Column with the id of that node.
        properties: Columns that are properties of the relationship.
    """

    table: str
    type: str
    source: str
    source_column: str
    target: str
    target_column: str
    properties: tuple[str, ...] = ()


EDGE_TABLES: tuple[EdgeTable, ...] = (
    EdgeTable("requirements", "REQUIRES", "texts", "text", "skills", "skill", ("weight",)),
    EdgeTable("prerequisites", "PREREQUISITE_OF", "skills", "prerequisite", "skills", "skill"),
    EdgeTable("part_of", "PART_OF", "skills", "child", "skills", "parent"),
    EdgeTable("attempts", "ATTEMPTED", "models", "model", "texts", "text", ("score",)),
    EdgeTable("models", "FINE_TUNED_FROM", "models", "id", "models", "base"),
)
"""Relationships of a dataset. The last one repeats the model's property `base`, from which it is read back."""


def is_tagged(requirements: pa.Table) -> bool:
    """True if requirements say who tagged them."""
    return any(name in requirements.column_names for name in TAG_COLUMNS)


def edge_properties(edge: EdgeTable, table: pa.Table) -> tuple[str, ...]:
    """The columns of a table that are properties of its relationships: of requirements, also who tagged them how."""
    tags = [name for name in TAG_COLUMNS if name in table.column_names] if edge.table == "requirements" else []
    return (*edge.properties, *tags)


_RESERVED = ("key", "dataset")
_INT64 = range(-(2**63), 2**63)


def utc_now() -> str:
    """The time as the stores keep it: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def node_key(dataset: str, identifier: str) -> str:
    """Key of a node: unique in the store among nodes of its label.

    >>> node_key("stdlib", "ast.parse")
    'stdlib/ast.parse'
    """
    return f"{dataset}/{identifier}"


# Datasets ---------------------------------------------------------------------------------------------------


def check_dataset_name(name: str) -> None:
    """Refuse a name that a dataset cannot have.

    Raises:
        StoreError: See `loaders.names.check_given_name`; also if it is not Unicode.
    """
    _require_unicode(name, "the dataset's name")
    _check_given(name, "dataset")


def _check_given(name: str, what: str) -> None:
    try:
        check_given_name(name, what)
    except DataError as error:
        raise StoreError(str(error)) from None


def check_dataset(dataset: Dataset) -> None:
    """Refuse what no store can hold and give back unchanged.

    Raises:
        StoreError: A property named as one that the store sets itself, a property without a name, or text that
            is not Unicode (a lone surrogate).
    """
    check_dataset_name(dataset.name)
    for table in NODE_LABELS:
        for column in getattr(dataset, table).column_names:
            if column in _RESERVED or not column:
                raise StoreError(
                    f"table {table!r} of dataset {dataset.name!r} has a property named {column!r}, a name the store "
                    "uses itself; rename that column"
                )
            _require_unicode(column, f"the name of a property in table {table!r}")
    _require_unicode(dataset.name, "the dataset's name")
    for fact, value in dataset.provenance.items():
        _require_unicode(fact, "the name of a provenance fact")
        if isinstance(value, str):
            _require_unicode(value, f"provenance {fact!r}")


def dataset_node(dataset: Dataset, loaded_at: str) -> Properties:
    """Properties of the Dataset node: sizes, provenance and the types of its columns."""
    source = dataset.provenance.get("source")
    node: Properties = {
        "name": dataset.name,
        "loaded_at": loaded_at,
        "schema_version": SCHEMA_VERSION,
        "parts": _to_json(dataset.parts),
        "provenance": _to_json(dict(dataset.provenance)),
        "fingerprint": dataset_fingerprint(dataset),
        "part_fingerprints": fingerprints_to_json(part_fingerprints(dataset)),
        "columns": _to_json(
            {
                table: [[field.name, str(field.type)] for field in getattr(dataset, table).schema]
                for table in (*NODE_LABELS, *(("requirements",) if is_tagged(dataset.requirements) else ()))
            }
        ),
        **{table: getattr(dataset, table).num_rows for table in COUNTS},
    }
    return node if source is None else {**node, "source": str(source)}


def dataset_parts(properties: Mapping[str, Any]) -> dict[str, PartFingerprints] | None:
    """Fingerprints of the parts of a Dataset node; None if it was written by a version that took none."""
    text = properties.get("part_fingerprints")
    return None if text is None else fingerprints_from_json(text)


def dataset_schemas(properties: Mapping[str, Any]) -> dict[str, pa.Schema]:
    """Schemas of the tables whose rows are nodes, as they were written; by name of the table."""
    types = {str(t): t for t in (pa.string(), pa.int64(), pa.float64(), pa.bool_())}
    return {
        table: pa.schema([(name, types[kind]) for name, kind in columns])
        for table, columns in json.loads(properties["columns"]).items()
        if table in NODE_LABELS
    }


def tags_are_kept(properties: Mapping[str, Any]) -> bool:
    """True if the dataset of this node says of its requirements who tagged them (`loaders.dataset.TAG_COLUMNS`)."""
    return "requirements" in json.loads(properties["columns"])


def named_models(table: str, rows: pa.Table) -> pa.Table:
    """Rows of a table of nodes; models whose source has no column `name` are shown by their ids.

    >>> named_models("models", pa.table({"id": ["small"]})).to_pylist()
    [{'id': 'small', 'name': 'small'}]

    Args:
        table: Name of the table; those other than `models` have names or titles of their own.
        rows: Its rows, with an `id`.
    """
    return rows.append_column("name", rows["id"]) if table == "models" and "name" not in rows.column_names else rows


def node_rows(dataset: Dataset, table: str, size: int = 10_000) -> Iterator[list[Properties]]:
    """Property maps of the nodes of one table, in batches: its columns without nulls, `key` and `dataset`."""
    for batch in named_models(table, getattr(dataset, table)).to_batches(max_chunksize=size):
        rows = []
        for row in batch.to_pylist():
            properties = {name: value for name, value in row.items() if value is not None}
            properties["key"] = node_key(dataset.name, row["id"])
            properties["dataset"] = dataset.name
            rows.append(properties)
        yield rows


def edge_rows(dataset: Dataset, edge: EdgeTable, size: int = 10_000) -> Iterator[list[Properties]]:
    """Rows `source, target` (keys of nodes) and the properties of one kind of relationship, in batches."""
    table = getattr(dataset, edge.table)
    if edge.table == "models":
        table = table.filter(pc.is_valid(table["base"]))
    properties = edge_properties(edge, table)
    names = [edge.source_column, edge.target_column, *properties]
    for batch in table.select(names).to_batches(max_chunksize=size):
        source, target, *values = (column.to_pylist() for column in batch.columns)
        yield [
            {
                "source": node_key(dataset.name, a),
                "target": node_key(dataset.name, b),
                **dict(zip(properties, rest, strict=True)),
            }
            for a, b, *rest in zip(source, target, *values, strict=True)
        ]


def with_missing(table: pa.Table, schema: pa.Schema, *, encoded: bool = False) -> pa.Table:
    """A table with the columns and types of a schema; those that it does not have are null.

    With `encoded`, columns that are dictionary-encoded stay so.
    """
    columns = {}
    for field in schema:
        there = table[field.name] if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        kept = encoded and pa.types.is_dictionary(there.type)
        columns[field.name] = there if kept else there.cast(field.type)
    return pa.table(columns)


def no_associations(*, encoded: bool = False) -> pa.Table:
    """No rows of `ASSOCIATION_SCHEMA`; with `encoded`, of one whose ids are dictionaries."""
    empty = ASSOCIATION_SCHEMA.empty_table()
    return with_coded_ids(empty) if encoded else empty


def with_coded_ids(table: pa.Table) -> pa.Table:
    """A table of ids and numbers whose ids are dictionary-encoded."""
    return pa.table([c.dictionary_encode() if c.type == pa.string() else c for c in table.columns], table.column_names)


def columns_table(schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """A table of a schema from lists by name of the column; a column that is not given is null."""
    rows = max((len(values) for values in columns.values()), default=0)
    try:
        return pa.table(
            [pa.array(columns.get(field.name, [None] * rows), type=field.type) for field in schema], schema=schema
        )
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise StoreError(
            f"the store holds a value whose type differs from what was written ({error}): load the dataset again"
        ) from None


def dataset_from_tables(properties: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> Dataset:
    """The dataset of a Dataset node; `tables` by name, rows in any order, relationship tables with ids."""
    return build_dataset(properties["name"], provenance=json.loads(properties["provenance"]), **tables)


# Layers -----------------------------------------------------------------------------------------------------


def check_layer_name(name: str) -> None:
    """Refuse a name that a layer cannot have.

    Raises:
        StoreError: See `loaders.names.check_given_name`; also if it is not Unicode.
    """
    _require_unicode(name, "the layer's name")
    _check_given(name, "layer")


def check_layer(layer: Layer) -> None:
    """Refuse a layer that could not be read back equal.

    Raises:
        StoreError: A name that is empty, has outer spaces or holds "/", a kind and base that do not fit, skills
            with other columns, out of order or twice, numbers that are not 64-bit, or associations, which are
            written by themselves.
    """
    info = layer.info
    name = f"layer {info.name!r}"
    check_layer_name(info.name)
    if info.kind not in ("foundation", "fine-tuned", "evidence"):
        raise StoreError(f"{name} is of kind {info.kind!r}; the kinds are foundation, fine-tuned and evidence")
    if info.kind == "fine-tuned" and info.base is None:
        raise StoreError(f"{name} is fine-tuned: name the layer it was fine-tuned from as its base")
    if info.kind == "foundation" and info.base is not None:
        raise StoreError(f"{name} is a foundation layer, which has no base; {info.base!r} was given")
    if info.associations is not None or info.association_rule is not None:
        raise StoreError(f"{name} must be written without associations; write those afterwards")
    if info.base == info.name:
        raise StoreError(f"{name} cannot be fine-tuned from itself")
    for parts in (info.parts, info.graph_parts or ()):
        if list(parts) != sorted(set(parts)):
            raise StoreError(f"{name}: parts {parts!r} must be sorted by name, each once")
    for field in fields(info):
        _check_value(getattr(info, field.name), f"{name}: {field.name}")
    for key, value in (*info.parameters.items(), *info.versions.items(), *info.association_options.items()):
        _require_unicode(key, f"{name}: the name of a parameter")
        for item in value if isinstance(value, tuple) else (value,):
            if not isinstance(item, str | int | float | bool | None):
                raise StoreError(f"{name}: {key!r} must be a scalar or a tuple of scalars, not {type(item).__name__}")
            if isinstance(item, str):
                _require_unicode(item, f"{name}: {key!r}")
    _check_table(layer.skills, LAYER_SKILLS_SCHEMA, ("skill",), name)
    if layer.skills["wave"].null_count:
        raise StoreError(f"{name}: a skill has no wave; give 0 for skills that were known before the first text")
    if info.kind != "evidence" and info.learned != layer.skills.num_rows:
        raise StoreError(f"{name} says it learned {info.learned} skills, but has {layer.skills.num_rows}")
    check_lacks(info.name, layer.lacks)
    if (info.lacks or 0) != layer.lacks.num_rows:
        raise StoreError(f"{name} says it lacks {info.lacks} skills, but {layer.lacks.num_rows} are given")


def with_associations(layer: Layer, there: Layer) -> Layer:
    """A layer with the associations and components of the stored one whose place it takes.

    Raises:
        StoreError: The stored one has no associations, or has learned other skills.
    """
    name = f"layer {layer.info.name!r}"
    if there.info.associations is None:
        raise StoreError(f"{name} has no associations that could be kept")
    if layer.skills["skill"].cast(pa.string()).to_pylist() != there.skills["skill"].to_pylist():
        raise StoreError(f"{name} has learned other skills than before: its associations cannot be kept")
    place = LAYER_SKILLS_SCHEMA.get_field_index("component")
    info = replace(
        layer.info,
        associations=there.info.associations,
        association_rule=there.info.association_rule,
        association_options=there.info.association_options,
    )
    components = there.skills["component"]
    return replace(layer, info=info, skills=layer.skills.set_column(place, layer.skills.field(place), components))


def check_lacks(layer: str, lacks: pa.Table) -> None:
    """Refuse rows of what a layer lacks that could not be read back equal.

    Raises:
        StoreError: Other columns, a skill twice or out of order, or one without a reason.
    """
    _check_table(lacks, LAYER_LACKS_SCHEMA, ("skill",), f"layer {layer!r}: what it lacks")
    if lacks["reason"].null_count:
        raise StoreError(f"layer {layer!r} lacks a skill without a reason")


def check_associations(layer: LayerInfo, associations: pa.Table, components: pa.Table, rule: str) -> None:
    """Refuse associations that could not be read back equal.

    Raises:
        StoreError: Other columns, a pair twice or out of order, a source that is not less than its target, a
            rule that is not known, or a component that is missing, twice or negative.
    """
    name = f"associations of layer {layer.name!r}"
    try:
        check_rule(rule)
    except ValueError as error:
        raise StoreError(f"{name}: {error}") from None
    _check_table(associations, ASSOCIATION_SCHEMA, ("source", "target"), name)
    if associations["weight"].null_count:
        raise StoreError(f"{name}: a pair has no weight")
    ends = [associations[end] for end in ("source", "target")]
    if all(pa.types.is_dictionary(end.type) and end.num_chunks == 1 for end in ends) and (
        ends[0].chunk(0).dictionary.equals(ends[1].chunk(0).dictionary)
    ):
        ends = [comparable(end) for end in ends]
    else:
        ends = [end.cast(pa.string()) for end in ends]
    if pc.all(pc.less(*ends)).as_py() is False:
        raise StoreError(f"{name}: the source of a pair must come before its target")
    if components.column_names != ["skill", "component"]:
        raise StoreError(f"{name}: components must have columns skill, component, not {components.column_names}")
    number = components["component"]
    if components["skill"].null_count or number.null_count or (len(number) and pc.min(number).as_py() < 0):
        raise StoreError(f"{name}: every learned skill has a component from 0")
    if len(pc.unique(components["skill"])) < components.num_rows:
        raise StoreError(f"{name}: a skill is in two components")


def layer_node(layer: Layer) -> Properties:
    """Properties of the Layer node; lists and maps as JSON text. The fingerprint is that of the skills."""
    info = replace(layer.info, fingerprint=layer_fingerprint(layer), stale=False, stale_because=())
    node: Properties = {"key": info.key}
    for field in fields(info):
        value = getattr(info, field.name)
        if field.name in JSON_FIELDS and value is not None:
            node[field.name] = _to_json(dict(value) if isinstance(value, Mapping) else value)
        elif value is not None:
            node[field.name] = value
    return node


def layer_fingerprint(layer: Layer) -> str:
    """Fingerprint of what a layer has learned, how, and of which graph; its associations do not count."""
    learned = table_fingerprint(layer.skills.select(["skill", "wave", "by", "mastery"]))
    return hashlib.blake2b(f"{learned}{_to_json(layer.info.graph_parts)}".encode(), digest_size=16).hexdigest()


def association_properties(count: int, rule: str, options: Mapping[str, Any] | None) -> Properties:
    """The properties of a Layer node that say how many associations it has and how they were computed."""
    return {
        "associations": count,
        "association_rule": rule,
        "association_options": _to_json(dict(options or {})),
    }


def bases_first(layers: Sequence[Layer]) -> list[Layer]:
    """Layers in an order in which each comes after the one it was fine-tuned from, if that is among them."""
    names = {layer.info.name: layer for layer in layers}
    found: dict[str, Layer] = {}

    def add(layer: Layer) -> None:
        base = names.get(layer.info.base) if layer.info.base is not None else None
        if base is not None and base.info.name not in found:
            add(base)
        found[layer.info.name] = layer

    for layer in layers:
        add(layer)
    return list(found.values())


def stale_properties(reasons: Sequence[str]) -> Properties:
    """The properties of a Layer node that say why it is stale, or that it is not."""
    return {"stale": bool(reasons), "stale_because": _to_json(tuple(reasons))}


def lacks_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """What a layer lacks, ordered by id, from lists by name of the column; `skill` are ids."""
    return columns_table(LAYER_LACKS_SCHEMA, columns).sort_by("skill")


def layer_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """A layer's skills, ordered by id, from lists by name of the column; `skill` are ids."""
    return columns_table(LAYER_SKILLS_SCHEMA, columns).sort_by("skill")


def association_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """A layer's associations, ordered by source and target, from lists by name of the column; ids, not keys."""
    table = columns_table(ASSOCIATION_SCHEMA, columns)
    return table.sort_by([("source", "ascending"), ("target", "ascending")])


# What every check needs -------------------------------------------------------------------------------------


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _require_unicode(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise StoreError(f"{what}, {text!r}, is not valid Unicode and cannot be stored; correct it") from None


def _check_value(value: object, what: str) -> None:
    if isinstance(value, str):
        _require_unicode(value, what)
    elif isinstance(value, int) and value not in _INT64:
        raise StoreError(f"{what} {value} does not fit into 64 bits")


def _check_table(table: pa.Table, schema: pa.Schema, key: tuple[str, ...], what: str) -> None:
    """Columns and types of the schema, where strings may be dictionary-encoded; rows in order of the key, each once."""
    fitting = table.column_names == schema.names and all(
        getattr(there.type, "value_type", there.type) == field.type
        for there, field in zip(table.schema, schema, strict=True)
    )
    if not fitting:
        raise StoreError(f"{what} must have columns {_describe(schema)}, not {_describe(table.schema)}")
    if any(table[name].null_count for name in key):
        raise StoreError(f"{what}: a {key[0]} is null")
    before: Any = None  # rows whose key is less than the next one's, and after it those with an equal one
    for name in key:
        column = comparable(table[name])
        first, second = column.slice(0, max(len(column) - 1, 0)), column.slice(1)
        less, equal = pc.less(first, second), pc.equal(first, second)
        if before is None:
            before = less, equal
        else:
            before = pc.or_(before[0], pc.and_(before[1], less)), pc.and_(before[1], equal)
    if pc.any(before[1]).as_py():
        raise StoreError(f"{what}: the same {' and '.join(key)} occur twice")
    if pc.all(before[0]).as_py() is False:
        raise StoreError(f"{what} must be ordered by {', '.join(key)}")


def comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column that compares as its values do: codes, where they are over one dictionary in order; else strings."""
    if not pa.types.is_dictionary(column.type):
        return column
    dictionaries = [chunk.dictionary for chunk in column.chunks]
    if len(dictionaries) != 1 or not in_order(dictionaries[0]):
        return column.cast(column.type.value_type)
    return pa.chunked_array([chunk.indices for chunk in column.chunks], column.type.index_type)


def in_order(ids: pa.Array) -> bool:
    """True if each id is greater than the one before."""
    return pc.all(pc.less(ids.slice(0, max(len(ids) - 1, 0)), ids.slice(1))).as_py() is not False


def check_learned(learned: pa.ChunkedArray, associations: pa.Table, layer: str) -> None:
    """Refuse associations of skills that a layer has not learned; `learned` are the ids of those that it has.

    Raises:
        StoreError: There is one; the message names it.
    """
    known = learned.combine_chunks()
    for name in ("source", "target"):
        column = associations[name]
        if pa.types.is_dictionary(column.type):
            used = [chunk.dictionary.take(pc.unique(chunk.indices)) for chunk in column.chunks]
            column = pa.chunked_array(used, column.type.value_type)
        unknown = pc.invert(pc.is_in(column, value_set=known))
        if pc.any(unknown).as_py():
            skill = column.filter(unknown)[0].as_py()
            raise StoreError(f"skill {skill!r} is associated in layer {layer!r}, which has not learned it")


def _describe(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)
