"""The dataset: texts, skills and which text requires which skill, validated and in canonical order.

Every loader ends in `build_dataset`, every store writes a `Dataset` and reads an equal one back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from loaders.errors import DataError
from loaders.gate import check_identifier, limits

__all__ = [
    "EMPTY_TABLES",
    "TAG_COLUMNS",
    "Dataset",
    "add_outcomes",
    "build_dataset",
    "extend_dataset",
    "rename_dataset",
]

Scalar = str | int | float | bool | None

_SCHEMAS: dict[str, pa.Schema] = {
    "texts": pa.schema([("id", pa.string()), ("title", pa.string()), ("class", pa.string()), ("part", pa.string())]),
    "skills": pa.schema([("id", pa.string()), ("name", pa.string()), ("class", pa.string()), ("level", pa.int64())]),
    "requirements": pa.schema([("text", pa.string()), ("skill", pa.string()), ("weight", pa.float64())]),
    "prerequisites": pa.schema([("prerequisite", pa.string()), ("skill", pa.string())]),
    "part_of": pa.schema([("child", pa.string()), ("parent", pa.string())]),
    "models": pa.schema([("id", pa.string()), ("role", pa.string()), ("base", pa.string())]),
    "attempts": pa.schema([("model", pa.string()), ("text", pa.string()), ("score", pa.float64())]),
}
TAG_COLUMNS: Mapping[str, pa.DataType] = {
    "annotator": pa.string(),
    "method": pa.string(),
    "score": pa.float64(),
    "evidence": pa.string(),
}
"""Who said that a text requires a skill, how, how surely and because of which words: further columns of requirements.

All are there, or none; each may be null.
"""
# Columns that must be filled in every row; the others may be null.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "texts": ("id",),
    "skills": ("id",),
    "requirements": ("text", "skill"),
    "prerequisites": ("prerequisite", "skill"),
    "part_of": ("child", "parent"),
    "models": ("id",),
    "attempts": ("model", "text", "score"),
}
# Tables whose rows may carry more columns than the schema names.
_OPEN = ("texts", "skills", "models")
_PROPERTY_TYPES = (pa.string(), pa.int64(), pa.float64(), pa.bool_())

# As `schema.empty_table()`, which would import pandas where that is installed.
EMPTY_TABLES: Mapping[str, pa.Table] = {
    name: pa.Table.from_arrays([pa.nulls(0, kind) for kind in schema.types], schema=schema)
    for name, schema in _SCHEMAS.items()
}


@dataclass(frozen=True)
class Dataset:
    """Texts, skills and requirements of one source; immutable, in canonical order.

    Rows are ordered by id (code points), so two datasets with the same content are equal row by row
    wherever they were kept. In `requirements`, `text` and `skill` are dictionary-encoded (int32 codes) over
    `texts["id"]` and `skills["id"]`: memory is proportional to the number of requirements.

    Attributes:
        name: Name of the dataset; it starts every key in the store, so it holds no "/".
        texts: `id, title, class, part` (strings; the last three may be null) and further properties. `part`
            names the load that brought the text, so that one dataset can hold a foundation corpus and a
            domain corpus over the same skills.
        skills: `id, name, class` (strings), `level` (int64, may be null) and further properties.
        requirements: `text, skill` (dictionary of strings), `weight` (float64, how often or how strongly); if they
            were annotated, also `TAG_COLUMNS`.
        prerequisites: `prerequisite, skill`: the first must be learned before the second.
        part_of: `child, parent` skills.
        models: `id, role, base` (strings; the last two may be null) and further properties.
        attempts: `model, text` (strings), `score` (float64 in 0-1).
        provenance: Where it came from: source, loader, options, counts of what was skipped.
    """

    name: str
    texts: pa.Table
    skills: pa.Table
    requirements: pa.Table
    prerequisites: pa.Table
    part_of: pa.Table
    models: pa.Table
    attempts: pa.Table
    provenance: Mapping[str, Scalar]

    @property
    def n_texts(self) -> int:
        """Number of texts T."""
        return int(self.texts.num_rows)

    @property
    def n_skills(self) -> int:
        """Number of skills S."""
        return int(self.skills.num_rows)

    @property
    def outcomes_alone(self) -> bool:
        """True if there are outcomes and no skills: the texts are then those of a dataset that is there."""
        return bool(self.attempts.num_rows) and not self.n_skills

    @property
    def n_requirements(self) -> int:
        """Number of (text, skill) pairs, each counted once."""
        return int(self.requirements.num_rows)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts, in order of name; empty if the texts have none."""
        return tuple(sorted(p for p in pc.unique(self.texts["part"]).to_pylist() if p is not None))

    def tables(self) -> dict[str, pa.Table]:
        """The seven tables by name."""
        return {name: getattr(self, name) for name in _SCHEMAS}

    def equals(self, other: Dataset) -> bool:
        """True if name, all rows of all tables and provenance are the same."""
        return (
            self.name == other.name
            and dict(self.provenance) == dict(other.provenance)
            and all(
                _plain(a).equals(_plain(b))
                for a, b in zip(self.tables().values(), other.tables().values(), strict=True)
            )
        )


def build_dataset(
    name: str,
    *,
    texts: pa.Table,
    skills: pa.Table,
    requirements: pa.Table,
    prerequisites: pa.Table | None = None,
    part_of: pa.Table | None = None,
    models: pa.Table | None = None,
    attempts: pa.Table | None = None,
    provenance: Mapping[str, Scalar] | None = None,
) -> Dataset:
    """Validate tables and put them in canonical order.

    Missing columns that may be null are added, a missing title or skill name becomes the id, repeated
    requirements become one with the sum of their weights and the tag of the first.

    Args:
        name: Name of the dataset, without "/".
        texts: Columns as in `Dataset.texts`, only `id` is obligatory; likewise the other tables.
        skills: See `Dataset.skills`.
        requirements: `text, skill` and, if weights are known, `weight` (default 1.0).
        prerequisites: See `Dataset.prerequisites`.
        part_of: See `Dataset.part_of`.
        models: See `Dataset.models`.
        attempts: See `Dataset.attempts`.
        provenance: Scalars only.

    Returns:
        The dataset.

    Raises:
        DataError: A duplicate id, a reference to an id that is not there, a null or non-number where a value
            is needed, a score outside 0-1, a weight that is not positive and finite, a cycle among
            prerequisites, or a name with "/".
    """
    _require_name(name)
    given = {
        "texts": texts,
        "skills": skills,
        "requirements": requirements,
        "prerequisites": prerequisites,
        "part_of": part_of,
        "models": models,
        "attempts": attempts,
    }
    tables = {key: _conform(key, table) for key, table in given.items()}
    for key, label in (("texts", "text"), ("skills", "skill"), ("models", "model")):
        _require_short(tables[key]["id"], label)
    texts_as_given, skills_as_given = tables["texts"]["id"], tables["skills"]["id"]
    tables["texts"], text_order = _ordered(tables["texts"], "text")
    tables["skills"], skill_order = _ordered(tables["skills"], "skill")
    tables["models"], _ = _ordered(tables["models"], "model")
    tables["texts"] = _fill(tables["texts"], "title")
    tables["skills"] = _fill(tables["skills"], "name")
    tables["requirements"] = _encode_requirements(
        tables["requirements"],
        _Order(tables["texts"]["id"].combine_chunks(), texts_as_given.combine_chunks(), text_order),
        _Order(tables["skills"]["id"].combine_chunks(), skills_as_given.combine_chunks(), skill_order),
    )
    skill_ids = tables["skills"]["id"]
    for key in ("prerequisites", "part_of"):
        columns = tables[key].column_names
        for column in columns:
            _require_known(tables[key][column], skill_ids, f"{key} column {column!r}", "skill")
        tables[key] = _distinct(tables[key])
        _require_acyclic(tables[key], columns, key)
    _require_known(tables["attempts"]["model"], tables["models"]["id"], "attempts", "model")
    _require_known(tables["attempts"]["text"], tables["texts"]["id"], "attempts", "text")
    _require_known(tables["models"]["base"].drop_null(), tables["models"]["id"], "models column 'base'", "model")
    _require_acyclic(tables["models"].filter(pc.is_valid(tables["models"]["base"])), ["base", "id"], "models' bases")
    tables["attempts"] = _check_attempts(tables["attempts"])
    facts = dict(provenance or {})
    for fact, value in facts.items():
        if not isinstance(value, str | int | float | bool | None):
            raise DataError(f"provenance {fact!r} must be a scalar, not {type(value).__name__}")
    return Dataset(name=name, provenance=facts, **tables)


def add_outcomes(dataset: Dataset, addition: Dataset) -> Dataset:
    """The dataset with outcomes on its texts added, and with the models that they are of.

    Args:
        dataset: What is there; its attributes of shared models win.
        addition: Models and outcomes; its texts are texts of the dataset.

    Returns:
        A dataset named as the first, with the provenance of both.

    Raises:
        DataError: A model has an outcome on a text already.

    >>> texts = {"texts": pa.table({"id": ["t"]}), "skills": pa.table({"id": ["a"]})}
    >>> there = build_dataset("d", requirements=pa.table({"text": ["t"], "skill": ["a"]}), **texts)
    >>> attempts = pa.table({"model": ["m"], "text": ["t"], "score": [1.0]})
    >>> found = add_outcomes(there, replace(there, models=pa.table({"id": ["m"]}), attempts=attempts))
    >>> found.attempts.num_rows
    1
    """
    pairs = [
        pc.binary_join_element_wise(table["model"].cast(pa.string()), table["text"].cast(pa.string()), "\x00")
        for table in (dataset.attempts, addition.attempts)
    ]
    twice = pc.is_in(pairs[1], value_set=pairs[0].combine_chunks())
    count = int(pc.sum(twice.cast(pa.int64())).as_py() or 0)
    if count:
        first = addition.attempts.slice(pc.index(twice, value=True).as_py(), 1).to_pylist()[0]
        raise DataError(
            f"model {first['model']!r} has an outcome on text {first['text']!r} in dataset {dataset.name!r} already "
            f"({count} such outcomes): leave them out, or load the whole dataset again with --replace"
        )
    bare = replace(addition, texts=EMPTY_TABLES["texts"], skills=EMPTY_TABLES["skills"])
    return extend_dataset(dataset, bare)


def extend_dataset(dataset: Dataset, addition: Dataset) -> Dataset:
    """The dataset with the texts of another added; skills with the same id are the same skill.

    Args:
        dataset: What is there; its attributes of shared skills and models win.
        addition: New texts; a text id that is already there is an error.

    Returns:
        A dataset named as the first, with the provenance of both (the addition's keys are prefixed with its
        parts where they differ).

    Raises:
        DataError: A text id is in both.
    """
    both = pc.filter(
        addition.texts["id"], pc.is_in(addition.texts["id"], value_set=dataset.texts["id"].combine_chunks())
    )
    if len(both):
        raise DataError(
            f"text {both[0].as_py()!r} is already in dataset {dataset.name!r} ({len(both)} such texts): "
            "load the new texts under new ids, or load the whole dataset again with --replace"
        )
    merged: dict[str, pa.Table] = {}
    for key in _SCHEMAS:
        first, second = _plain(getattr(dataset, key)), _plain(getattr(addition, key))
        if key in ("skills", "models"):
            new = pc.invert(pc.is_in(second["id"], value_set=first["id"].combine_chunks()))
            second = second.filter(new)
        try:
            merged[key] = pa.concat_tables([first, second], promote_options="permissive")
        except pa.ArrowException as error:
            raise DataError(
                f"table {key!r} of {addition.name!r} has a property whose type differs from that in {dataset.name!r}: "
                f"{error}"
            ) from None
    label = "+".join(addition.parts) or "addition"
    facts: dict[str, Scalar] = dict(dataset.provenance)
    for fact, value in addition.provenance.items():
        facts[fact if fact not in facts or facts[fact] == value else f"{label}.{fact}"] = value
    return build_dataset(dataset.name, provenance=facts, **merged)


def rename_dataset(dataset: Dataset, name: str) -> Dataset:
    """The same dataset under another name."""
    _require_name(name)
    return replace(dataset, name=name)


def _require_name(name: str) -> None:
    if not name or "/" in name or name != name.strip():
        raise DataError(f"dataset name {name!r} must not be empty, contain '/', or begin or end with a space")


def _plain(table: pa.Table) -> pa.Table:
    """The table with dictionary columns decoded and chunks combined."""
    columns = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns]
    return pa.table(columns, names=table.column_names).combine_chunks()


def _conform(key: str, table: pa.Table | None) -> pa.Table:
    schema = _SCHEMAS[key]
    if table is None:
        return schema.empty_table()
    arrays: dict[str, Any] = {}
    for field in schema:
        if field.name not in table.column_names:
            if field.name in _REQUIRED[key]:
                raise DataError(
                    f"table {key!r} has no column {field.name!r}; it has: {', '.join(table.column_names) or 'none'}"
                )
            missing = pa.scalar(1.0 if field.name == "weight" else None, field.type)
            arrays[field.name] = pa.repeat(missing, table.num_rows)
            continue
        column = table[field.name]
        if not (pa.types.is_dictionary(column.type) and field.type == pa.string()):
            try:
                column = column.cast(field.type)
            except pa.ArrowException as error:
                raise DataError(f"table {key!r}, column {field.name!r}: {error}") from None
        if field.name in _REQUIRED[key] and column.null_count:
            row = pc.index(pc.is_null(column), value=True).as_py()
            raise DataError(f"table {key!r}, row {row + 1}: {field.name!r} is empty")
        arrays[field.name] = column
    if key == "requirements" and any(name in table.column_names for name in TAG_COLUMNS):
        for name, kind in TAG_COLUMNS.items():
            there = name in table.column_names
            column = table[name] if there else pa.nulls(table.num_rows, kind)
            try:
                arrays[name] = column.cast(kind)
            except pa.ArrowException as error:
                raise DataError(f"table {key!r}, column {name!r}: {error}") from None
    if key in _OPEN:
        for extra in table.column_names:
            if extra not in arrays:
                arrays[extra] = _property(key, extra, table[extra])
    return pa.table(arrays)


def _property(key: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_null(column.type) or pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    elif pa.types.is_integer(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_floating(column.type):
        column = column.cast(pa.float64())
    if column.type not in _PROPERTY_TYPES:
        raise DataError(f"table {key!r}: property {name!r} is {column.type}; use text, integer, float or true/false")
    return column


def _fill(table: pa.Table, column: str) -> pa.Table:
    position = table.column_names.index(column)
    if table[column].null_count == table.num_rows:
        return table.set_column(position, column, table["id"])
    return table.set_column(position, column, pc.coalesce(table[column], table["id"]))


def _require_short(ids: pa.ChunkedArray, label: str) -> None:
    longest = pc.max(pc.binary_length(ids)).as_py() or 0
    if longest > limits().identifier:
        for value in ids.filter(pc.greater(pc.utf8_length(ids), limits().identifier)).slice(0, 1).to_pylist():
            check_identifier(value, label)


class _Order(NamedTuple):
    """Ids in canonical order, the same as they were given, and the place there of each."""

    ids: pa.Array
    given: pa.Array
    places: npt.NDArray[np.int64]


def _ordered(table: pa.Table, label: str) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """The rows in order of id, and where each was."""
    order = pc.sort_indices(table["id"])
    ordered = table.take(order)
    ids = ordered["id"]
    if pc.any(pc.equal(ids.slice(0, max(len(ids) - 1, 0)), ids.slice(1))).as_py():
        _refuse_twice(table["id"], label)
    return ordered, order.to_numpy().astype(np.int64)


def _refuse_twice(ids: pa.ChunkedArray, label: str) -> None:
    counts = pc.value_counts(ids)
    twice = counts.filter(pc.greater(counts.field("counts"), 1))[0]
    raise DataError(
        f"{label} id {twice['values'].as_py()!r} occurs {twice['counts'].as_py()} times; ids must be unique"
    )


def _require_known(column: pa.ChunkedArray, ids: pa.ChunkedArray, where: str, label: str) -> None:
    if not len(column):
        return
    unknown = pc.invert(pc.is_in(column, value_set=ids.combine_chunks()))
    if pc.any(unknown).as_py():
        row = pc.index(unknown, value=True).as_py()
        raise DataError(f"{where}, row {row + 1}: {label} {column[row].as_py()!r} is not one of the {label}s")


def _codes(column: pa.ChunkedArray, order: _Order, label: str) -> pa.Array:
    """Position of each value of `column` among the ordered ids, int32."""
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries().combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))
        if column.dictionary.equals(order.given):  # as readers of large files make them: nothing to look up
            place_of = np.empty(len(order.places), np.int32)
            place_of[order.places] = np.arange(len(place_of), dtype=np.int32)
            return pa.array(place_of).take(column.indices)
        places = pc.index_in(column.dictionary.cast(pa.string()), value_set=order.ids)
        codes = places.take(column.indices)
    else:
        codes = pc.index_in(column.combine_chunks(), value_set=order.ids)
    if codes.null_count:
        row = pc.index(pc.is_null(codes), value=True).as_py()
        raise DataError(f"requirements, row {row + 1}: {label} {column[row].as_py()!r} is not one of the {label}s")
    return codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes


def _encode_requirements(table: pa.Table, text_order: _Order, skill_order: _Order) -> pa.Table:
    weight = table["weight"]
    bad = pc.invert(pc.and_(pc.is_finite(weight), pc.greater(weight, 0.0)))
    if pc.any(pc.fill_null(bad, fill_value=True)).as_py():
        row = pc.index(pc.fill_null(bad, fill_value=True), value=True).as_py()
        raise DataError(f"requirements, row {row + 1}: weight {weight[row].as_py()} must be a positive number")
    key = _codes(table["text"], text_order, "text").to_numpy().astype(np.int64)
    key <<= 32
    key |= _codes(table["skill"], skill_order, "skill").to_numpy()
    values = weight.to_numpy()
    tags = table.select([name for name in TAG_COLUMNS if name in table.column_names])
    if (key[1:] > key[:-1]).all():
        pass
    elif not tags.num_columns and (values == 1.0).all():  # their sum is their number
        key.sort()
        first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        key, values = key[first], np.diff(first, append=len(key)).astype(np.float64)
    else:
        # Stable, so that weights are summed in the order of the rows, whatever the machine.
        order = np.argsort(key, kind="stable")
        key, values = key[order], values[order]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        key, values = key[first], np.add.reduceat(values, first)
        tags = tags.take(pa.array(order[first]))
    return pa.table(
        {
            "text": pa.DictionaryArray.from_arrays(pa.array((key >> 32).astype(np.int32)), text_order.ids),
            "skill": pa.DictionaryArray.from_arrays(pa.array(key.astype(np.int32)), skill_order.ids),
            "weight": pa.array(values),
            **{name: tags[name].combine_chunks() for name in tags.column_names},
        }
    )


def _distinct(table: pa.Table) -> pa.Table:
    names = table.column_names
    return table.group_by(names).aggregate([]).select(names).sort_by([(n, "ascending") for n in names])


def _check_attempts(table: pa.Table) -> pa.Table:
    score = table["score"]
    good = pc.and_(pc.greater_equal(score, 0.0), pc.less_equal(score, 1.0))
    if pc.any(pc.invert(good)).as_py():
        row = pc.index(good, value=False).as_py()
        raise DataError(f"attempts, row {row + 1}: score {score[row].as_py()} must be from 0 to 1")
    counts = table.group_by(["model", "text"]).aggregate([([], "count_all")])
    if counts.num_rows < table.num_rows:
        twice = counts.filter(pc.greater(counts["count_all"], 1)).slice(0, 1).to_pylist()[0]
        raise DataError(
            f"attempts: model {twice['model']!r} has {twice['count_all']} scores for text {twice['text']!r}; give one"
        )
    return table.sort_by([("model", "ascending"), ("text", "ascending")])


def _require_acyclic(table: pa.Table, columns: list[str], key: str) -> None:
    """All cycles at once: the strongly connected components with more than one node, and the links to oneself."""
    if not table.num_rows:
        return
    before, after = (table[column].to_pylist() for column in columns)
    found = _cycles(before, after)
    if not found:
        return
    count = "a cycle" if len(found) == 1 else f"{len(found)} cycles"
    listed = "; ".join(" -> ".join(map(repr, cycle)) for cycle in found[:_MOST_CYCLES])
    more = f"; and {len(found) - _MOST_CYCLES} more" if len(found) > _MOST_CYCLES else ""
    selves = sum(len(cycle) == 2 for cycle in found)
    way = "; --lenient leaves out links from a skill to itself" if selves and key != "models' bases" else ""
    links = "its links" if len(found) == 1 else "the links of each"
    raise DataError(f"{key} form {count}: {listed}{more}; remove one of {links}{way}")


_MOST_CYCLES = 10


def _cycles(before: list[str], after: list[str]) -> list[list[str]]:
    """One cycle of each strongly connected component, and each link to oneself, as nodes with the first again."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    codes: dict[str, int] = {}
    ends = np.array([[codes.setdefault(name, len(codes)) for name in column] for column in (before, after)], np.int64)
    names = list(codes)
    selves = [[names[node], names[node]] for node in ends[0][ends[0] == ends[1]].tolist()]
    matrix = coo_array((np.ones(ends.shape[1], np.int8), (ends[0], ends[1])), shape=(len(names),) * 2)
    n_parts, part = connected_components(matrix, directed=True, connection="strong")
    if n_parts == len(names):
        return selves
    inside = (part[ends[0]] == part[ends[1]]) & (ends[0] != ends[1])
    following: dict[int, list[int]] = {}
    for source, target in zip(*(column[inside].tolist() for column in ends), strict=True):
        following.setdefault(source, []).append(target)
    cycles: list[list[str]] = []
    done: set[int] = set()
    for start in following:
        if int(part[start]) in done:
            continue
        done.add(int(part[start]))
        # every node of the component leads on inside of it, so a walk comes back to where it was
        walk, place = [start], {start: 0}
        while (node := following[walk[-1]][0]) not in place:
            place[node] = len(walk)
            walk.append(node)
        cycles.append([names[n] for n in [*walk[place[node] :], node]])
    return [*cycles, *selves]
