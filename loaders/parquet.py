"""Datasets in and out of Parquet through Arrow: a folder with a file for each table, or an edge list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loaders import _columns
from loaders._arrow import open_parquet, require_utf8, row_groups
from loaders._builder import Builder
from loaders._files import Progress, require_file
from loaders._reading import plural
from loaders._registry import Claim, Format, register
from loaders._rows import find_column, is_parquet, optional_column
from loaders._source import Source
from loaders.dataset import EMPTY_TABLES, Dataset, build_dataset
from loaders.errors import DataError
from loaders.gate import parse_json
from loaders.writing import written_folder

__all__ = ["OPTIONS", "is_parquet_folder", "read_parquet_edges", "read_parquet_folder", "write_parquet"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the text",
    "skill_column": "name of the column with the skill",
    "weight_column": "name of the column with the weight",
}
_FACTS = b"skillgraph"
_NEEDED = ("texts", "skills", "requirements")


def write_parquet(dataset: Dataset, folder: Path) -> None:
    """Write a dataset as a folder of `texts.parquet`, `skills.parquet`, `requirements.parquet`, ….

    `read_parquet_folder` reads an equal dataset back. Name and provenance are in the files' metadata. The folder
    appears when it is complete: a write that is interrupted leaves none, or the one that was there.

    Args:
        dataset: What is written.
        folder: Where to; must not hold anything but Parquet files of a dataset.

    Raises:
        DataError: The folder is a file, holds something else, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError("is a file, where a folder for Parquet files is expected", path=folder)
    foreign = sorted(path.name for path in folder.iterdir() if path.suffix != ".parquet") if folder.is_dir() else []
    if foreign:
        raise DataError(f"holds {foreign[0]!r}; give a new or an empty folder", path=folder)
    facts = json.dumps({"name": dataset.name, "provenance": dict(dataset.provenance)})
    try:
        with written_folder(folder) as fresh:
            for name, table in dataset.tables().items():
                stored = table.replace_schema_metadata({_FACTS: facts})
                # other engines do not all take over pyarrow's note that a column is a dictionary
                noted = name != "requirements"
                pq.write_table(stored, fresh / f"{name}.parquet", compression="zstd", store_schema=noted)
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", path=folder) from None


def is_parquet_folder(folder: Path) -> bool:
    """True if a folder holds the tables that every dataset has."""
    return all((folder / f"{name}.parquet").is_file() for name in _NEEDED)


def read_parquet_folder(folder: Path, *, name: str | None = None, part: str | None = None) -> Dataset:
    """The dataset in a folder of Parquet files, as `write_parquet` or another program wrote it.

    Args:
        folder: With at least `texts.parquet`, `skills.parquet` and `requirements.parquet`.
        name: Name of the dataset; None for the one it was written with.
        part: Name of the part of texts that have none.

    Raises:
        DataError: A missing or damaged file, or tables that do not fit together.
    """
    tables: dict[str, pa.Table] = {}
    facts: dict[str, object] = {}
    for key in EMPTY_TABLES:
        path = folder / f"{key}.parquet"
        if path.is_file() or key in _NEEDED:
            tables[key] = _read(path)
            stored = (tables[key].schema.metadata or {}).get(_FACTS)
            if stored is not None:
                facts = _facts(stored, path)
    provenance = facts.get("provenance")
    if part is not None:
        tables["texts"] = _with_part(tables["texts"], part)
    try:
        return build_dataset(
            name or str(facts.get("name") or folder.name),
            provenance=provenance if isinstance(provenance, dict) else None,
            **{key: table.replace_schema_metadata(None) for key, table in tables.items()},
        )
    except DataError as error:
        raise DataError(str(error), path=folder) from None


def _facts(stored: bytes, path: Path) -> dict[str, object]:
    """Name and provenance, from a file's metadata."""
    try:
        found = parse_json(stored)
    except ValueError as error:
        raise DataError(f"its metadata {_FACTS.decode()!r} cannot be read: {error}", path=path) from None
    if not isinstance(found, dict):
        raise DataError(f"its metadata {_FACTS.decode()!r} is no JSON object", path=path)
    return found


def _with_part(texts: pa.Table, part: str) -> pa.Table:
    whole = pa.repeat(pa.scalar(part), texts.num_rows)
    if "part" not in texts.column_names:
        return texts.append_column("part", whole)
    filled = pc.coalesce(texts["part"].cast(pa.string()), pa.chunked_array([whole]))
    return texts.set_column(texts.column_names.index("part"), "part", filled)


def read_parquet_edges(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    skill_column: str | None = None,
    weight_column: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the requirements of a Parquet file with a row for each, text, skill and perhaps weight.

    Args:
        path: The file.
        builder: Takes them.
        text_column: Name of the column with the text; likewise the others.
        skill_column: Name of the column with the skill.
        weight_column: Name of the column with the weight.
        progress: Called with row groups read and all row groups.

    Raises:
        DataError: No Parquet file, a missing column, an empty id, a weight that is no positive number.
    """
    require_file(path)
    with open_parquet(path) as file:
        _read_edges(file, path, builder, text_column, skill_column, weight_column, progress)


def _read_edges(
    file: Any,
    path: Path,
    builder: Builder,
    text_column: str | None,
    skill_column: str | None,
    weight_column: str | None,
    progress: Progress | None,
) -> None:
    header = file.schema_arrow.names
    skill = find_column(header, _columns.SKILL, skill_column, path, what="the skill", option="skill_column")
    text = find_column(header, _columns.TEXT, text_column, path, what="the text", option="text_column")
    weight = optional_column(header, _columns.WEIGHT, weight_column, path)
    listed = file.schema_arrow.field(skill).type
    if pa.types.is_list(listed) or pa.types.is_large_list(listed):
        raise DataError(
            f"column {header[skill]!r} is {listed}, several skills per row: use --format skill-rows", path=path
        )
    several = file.schema_arrow.field(text).type
    if pa.types.is_list(several) or pa.types.is_large_list(several):
        raise DataError(
            f"column {header[text]!r} is {several}, several texts per row: use --format skill-texts", path=path
        )
    builder.problems.decide(
        path, "columns", f"texts from column {header[text]!r}, skills from column {header[skill]!r}"
        + (f", weights from column {header[weight]!r}" if weight is not None else ""), option="text_column",
        columns=((header[text], "text"), (header[skill], "skill"),
                 *(((header[weight], "weight"),) if weight is not None else ())),
    )  # fmt: skip
    chosen = {"text": header[text], "skill": header[skill]} | ({"weight": header[weight]} if weight is not None else {})
    blocks: list[pa.Table] = []
    for number, block in enumerate(row_groups(file, path, list(chosen.values())), 1):
        blocks.append(_edges(block, chosen, path))
        if progress is not None:
            progress(number, file.num_row_groups)
    if blocks:
        builder.require_all(pa.concat_tables(blocks).unify_dictionaries().combine_chunks(), path)


def _edges(block: pa.Table, chosen: Mapping[str, str], path: Path) -> pa.Table:
    columns: dict[str, pa.ChunkedArray] = {}
    for column, name in chosen.items():
        values = block[name]
        if values.null_count:
            raise DataError(
                f"column {name!r}: {plural(values.null_count, 'value')} missing; expected one in every row: use "
                "--format edge-list -o missing=blank to leave them out",
                path=path,
            )
        try:
            if column == "weight":
                columns[column] = values.cast(pa.float64())
            else:
                columns[column] = values.cast(pa.string()).dictionary_encode()
        except pa.ArrowException:
            raise DataError(f"column {name!r} is {values.type}, which cannot be a {column}", path=path) from None
    return pa.table(columns)


def _read(path: Path) -> pa.Table:
    require_file(path)
    with open_parquet(path):
        pass  # its proportions are looked at
    try:
        table = pq.read_table(path, read_dictionary=["text", "skill"] if path.stem == "requirements" else None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"is not a Parquet file: {error}", path=path) from None
    require_utf8(table, path=path)
    return table


def _claims_edges(source: Source) -> Claim | None:
    table = source.table
    if table is None and source.suffix == ".parquet" and not source.is_dir:
        if is_parquet(source.path) and source.why_no_table is not None:
            raise source.why_no_table
        return Claim(20, "its name")
    if source.is_dir or table is None or table.dialect is not None or source.is_json:
        return None
    if not (source.keys & set(_columns.TEXT) and source.keys & set(_columns.SKILL)):
        return None
    return Claim(52, "Parquet with columns for a text and for a skill")


def _claims_folder(source: Source) -> Claim | None:
    return Claim(96, "tables of a dataset") if source.is_dir and is_parquet_folder(source.path) else None


def _read_whole(path: Path, *, name: str, part: str | None, progress: Progress | None = None) -> Dataset:
    return read_parquet_folder(path, name=name, part=part)


register(Format("parquet-edges", "Parquet with a row for each requirement", read_parquet_edges, OPTIONS,
                claims=_claims_edges, requirements=True))  # fmt: skip
register(Format("parquet", "folder of Parquet files, one for each table of a dataset", _read_whole, companions=False,
                whole=True, claims=_claims_folder))  # fmt: skip
