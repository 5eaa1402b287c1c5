"""Datasets and layers into a store's file, and out of it.

A layer names the blocks with the ids that its numbers refer to, so it stays as it is when texts are appended to its
dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.store.embedded.catalogue import Entry
from explorer.store.embedded.container import Content, Draft
from explorer.store.embedded.tables import Ids, read_column, read_table, store_table
from explorer.store.infos import layer_info
from explorer.store.protocol import ASSOCIATION_SCHEMA, LAYER_LACKS_SCHEMA, LAYER_SKILLS_SCHEMA, SCHEMA_VERSION
from explorer.store.records import dataset_parts, no_associations, stale_properties, with_coded_ids, with_missing
from explorer.store.staleness import stale_layers
from loaders.dataset import EMPTY_TABLES, Dataset

__all__ = [
    "dataset_tables",
    "ids_of",
    "layer_associations",
    "layer_lacks",
    "layer_skills",
    "mark_stale",
    "put_associations",
    "put_dataset",
    "put_lacks",
    "put_layer",
    "requirement_chunks",
]

_TEXTS = 20_000
"""Texts in a chunk of requirements."""
_ENCODED = {
    "requirements": {"text": "texts", "skill": "skills"},
    "prerequisites": {"prerequisite": "skills", "skill": "skills"},
    "part_of": {"child": "skills", "parent": "skills"},
    "attempts": {"model": "models", "text": "texts"},
}
_WHAT = {"texts": "text", "skills": "skill", "models": "model"}


def mark_stale(entry: Entry) -> None:
    """Say at each layer of a dataset whether it is stale, and why."""
    layers = entry["layers"]
    infos = [layer_info(layer["node"]) for layer in layers.values()]
    for name, reasons in stale_layers(infos, dataset_parts(entry["node"])).items():
        layers[name]["node"] |= stale_properties(reasons)


# Writing ----------------------------------------------------------------------------------------------------


def put_dataset(
    draft: Draft,
    dataset: Dataset,
    node: Mapping[str, Any],
    layers: Mapping[str, Entry],
    count: Callable[[int], None] | None = None,
) -> dict[str, Ids]:
    """Put a dataset into the catalogue, in the place of one of that name.

    Args:
        draft: The catalogue.
        dataset: The dataset.
        node: Properties of its node.
        layers: Layers that it has.
        count: Called with the rows of each table.

    Returns:
        Ids of its `texts`, `skills` and `models`.
    """
    tables: dict[str, Any] = {}
    ids: dict[str, Ids] = {}
    for name, table in dataset.tables().items():
        encoded = {column: ids[of] for column, of in _ENCODED.get(name, {}).items()}
        tables[name] = store_table(draft, table, encoded)
        if name in _WHAT:
            ids[name] = Ids(tables[name]["columns"]["id"]["block"], _whole(table["id"]), _WHAT[name])
        if count is not None:
            count(table.num_rows)
    datasets = draft.catalogue.setdefault("datasets", {})
    draft.catalogue["schema"] = SCHEMA_VERSION
    datasets[dataset.name] = {"node": dict(node), "tables": tables, "layers": dict(layers)}
    return ids


def ids_of(content: Content, entry: Mapping[str, Any], table: str) -> Ids:
    """Ids of the texts, skills or models of a dataset in a content."""
    column = entry["tables"][table]["columns"]["id"]
    return Ids(column["block"], _whole(read_column(content, column)), _WHAT[table])


def put_layer(
    draft: Draft,
    entry: Entry,
    node: Mapping[str, Any],
    skills: pa.Table,
    lacks: pa.Table,
    ids: Mapping[str, Ids],
    *,
    now: bool = False,
) -> None:
    """Put a layer into a dataset's entry of the catalogue, without associations.

    With `now` it was made from the texts that are there; else they may have been replaced since.

    Raises:
        StoreError: It names a skill that the dataset does not have, or with `now` a text.
    """
    stored = _store_skills(draft, skills, ids, now)
    layer: Entry = {"node": dict(node), "skills": stored, "associations": None}
    if node.get("lacks") is not None:
        put_lacks(draft, layer, lacks, ids)
    entry["layers"][node["name"]] = layer


def put_lacks(draft: Draft, layer: Entry, lacks: pa.Table, ids: Mapping[str, Ids]) -> None:
    """Put what a layer lacks into its entry of the catalogue.

    Raises:
        StoreError: It names a skill or a text that the dataset does not have.
    """
    layer["lacks"] = store_table(draft, lacks, {"skill": ids["skills"], "text": ids["texts"]})
    layer["node"]["lacks"] = lacks.num_rows


def _store_skills(draft: Draft, skills: pa.Table, ids: Mapping[str, Ids], now: bool = False) -> dict[str, Any]:
    # A layer that was kept when its dataset was replaced may have been taught by texts that are no more.
    encoded = {"skill": ids["skills"], "by": ids["texts"]}
    if not now and not ids["texts"].has(skills["by"]):
        del encoded["by"]
    return store_table(draft, skills, encoded)


def put_associations(
    draft: Draft,
    layer: Entry,
    node: Mapping[str, Any],
    skills: pa.Table,
    associations: pa.Table,
    ids: Mapping[str, Ids],
) -> None:
    """Put associations and components into a layer's entry of the catalogue.

    Args:
        draft: The catalogue.
        layer: The entry.
        node: New properties of its node.
        skills: Its skills, with components.
        associations: Rows of `ASSOCIATION_SCHEMA`; ids may be dictionary-encoded.
        ids: Of the dataset's `skills` and `texts`.
    """
    layer["node"] = dict(node)
    layer["skills"] = _store_skills(draft, skills, ids)
    layer["associations"] = store_table(draft, associations, {"source": ids["skills"], "target": ids["skills"]})


# Reading ----------------------------------------------------------------------------------------------------


def dataset_tables(content: Content, entry: Mapping[str, Any], names: Sequence[str] = ()) -> dict[str, pa.Table]:
    """Tables of a dataset, all of them or some, as `loaders.dataset.Dataset` has them.

    With `requirements`, also `texts` and `skills` must be asked for.
    """
    tables: dict[str, pa.Table] = {}
    for name in names or entry["tables"]:
        stored = entry["tables"][name]
        table = read_table(content, stored)
        if name in ("prerequisites", "part_of", "attempts"):
            table = table.cast(EMPTY_TABLES[name].schema)
        tables[name] = table
    requirements = tables["requirements"]
    for place, (column, of) in enumerate(_ENCODED["requirements"].items()):
        # The ids of texts and skills are there once, whatever refers to them.
        ids = _whole(tables[of]["id"])
        chunks = [pa.DictionaryArray.from_arrays(chunk.indices, ids) for chunk in requirements[column].chunks]
        whole = pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string()))
        requirements = requirements.set_column(place, column, whole)
    return {**tables, "requirements": requirements}


def requirement_chunks(content: Content, entry: Mapping[str, Any], parts: Sequence[str]) -> Iterator[pa.Table]:
    """The requirements of the texts of some parts, those of a text in one chunk, ids as plain strings.

    All is read before the first chunk is given.
    """
    tables = dataset_tables(content, entry, ("texts", "skills", "requirements"))
    requirements = tables["requirements"]
    if parts:
        chosen = pc.is_in(tables["texts"]["part"], value_set=pa.array(parts, pa.string()))
        rows = _whole(requirements["text"]).indices.to_numpy()
        requirements = requirements.filter(pa.array(chosen.to_numpy(zero_copy_only=False)[rows]))
    return _chunks(requirements)


def _chunks(requirements: pa.Table) -> Iterator[pa.Table]:
    if not requirements.num_rows:
        return
    rows = _whole(requirements["text"]).indices.to_numpy()
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    for start, end in pairwise([*starts[::_TEXTS].tolist(), len(rows)]):
        part = requirements.slice(start, end - start)
        columns = {name: part[name].cast(pa.string()) for name in ("text", "skill")}
        yield pa.table({**columns, "weight": part["weight"]})


def layer_skills(content: Content, layer: Mapping[str, Any], *, encoded: bool = False) -> pa.Table:
    """A layer's skills, rows of `LAYER_SKILLS_SCHEMA`; with `encoded`, ids as dictionaries of all texts and skills."""
    found = _layer_rows(content, layer["skills"], LAYER_SKILLS_SCHEMA, encoded=encoded)
    return with_coded_ids(found) if encoded else found


def layer_lacks(content: Content, layer: Mapping[str, Any]) -> pa.Table:
    """What a layer lacks, rows of `LAYER_LACKS_SCHEMA`; none if it was not recorded."""
    if "lacks" not in layer:
        return LAYER_LACKS_SCHEMA.empty_table()
    return _layer_rows(content, layer["lacks"], LAYER_LACKS_SCHEMA)


def _layer_rows(content: Content, table: Mapping[str, Any], schema: pa.Schema, *, encoded: bool = False) -> pa.Table:
    """Rows of a schema; columns that an earlier version did not store are null."""
    columns = table["columns"]
    read = {name: read_column(content, columns[name], encoded=encoded) for name in schema.names if name in columns}
    return with_missing(pa.table(read), schema, encoded=encoded)


def layer_associations(content: Content, layer: Mapping[str, Any], *, encoded: bool = False) -> pa.Table:
    """A layer's associations, rows of `ASSOCIATION_SCHEMA`; with `encoded`, ids as dictionaries of all skills."""
    if layer["associations"] is None:
        return no_associations(encoded=encoded)
    columns = layer["associations"]["columns"]
    return pa.table({name: read_column(content, columns[name], encoded=encoded) for name in ASSOCIATION_SCHEMA.names})


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.array([], column.type)
