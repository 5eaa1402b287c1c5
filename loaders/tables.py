"""Folders of tables: `edges.csv` with `texts.csv`, `skills.csv` and more beside it, and exported ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from loaders._builder import Builder
from loaders._files import Progress, suffixes
from loaders._registry import Claim, Format, register
from loaders._source import Source
from loaders.dataset import EMPTY_TABLES, Dataset, build_dataset
from loaders.edge_list import OPTIONS as EDGES
from loaders.edge_list import read_edge_list
from loaders.errors import DataError
from loaders.gate import files_in, parse_json, read_regular
from loaders.spreadsheet import NOTE, escaped, restored, restored_column

__all__ = ["EXPORT_FACTS", "read_export"]

EXPORT_FACTS = "dataset.json"
"""File with name, provenance and column types in a folder that an export wrote."""

_TABLES = {
    "edges": r"(edges|requirements|edge_list)",
    "texts": r"texts",
    "skills": r"skills(_tree)?",
    "models": r"models",
    "outcomes": r"(outcomes|attempts)(_wide|_long)?",
    "hierarchy": r"(hierarchy|part_of|parents)",
    "prerequisites": r"prerequisites",
}
_TYPES = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}


def _named_tables(folder: Path) -> dict[str, dict[str, Path]]:
    """Tables of a folder by prefix of their name ("" for none) and meaning."""
    found: dict[str, dict[str, Path]] = {}
    for file in files_in(folder):
        if suffixes(file) not in {".csv", ".tsv"}:
            continue
        stem = re.sub(r"\.(csv|tsv)(\.(gz|zst|zstd))?$", "", file.name.lower())
        for meaning, pattern in _TABLES.items():
            match = re.fullmatch(rf"((?P<prefix>.+?)[_-])?{pattern}", stem)
            if match:
                found.setdefault(match["prefix"] or "", {}).setdefault(meaning, file)
                break
    return {prefix: tables for prefix, tables in found.items() if "edges" in tables}


def _expand(folder: Path, given: Mapping[str, str | Path]) -> dict[str, str | Path]:
    prefix = given.get("prefix")
    if not folder.is_dir():
        raise DataError("is not a folder; expected one with edges.csv and further tables", path=folder)
    found = _named_tables(folder)
    if prefix is None and len(found) == 1:
        return dict(next(iter(found.values())))
    if str(prefix or "") in found:
        return dict(found[str(prefix or "")])
    if not found:
        raise DataError("has no edges.csv (or requirements.csv), which lists what texts require", path=folder)
    listed = ", ".join(map(repr, sorted(found)))
    raise DataError(f"holds several datasets; give prefix as one of {listed}", path=folder)


def _read_edges(
    path: Path,
    builder: Builder,
    *,
    edges: str | Path,
    prefix: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    read_edge_list(Path(edges), builder, progress=progress, **options)


def read_export(folder: Path, *, name: str, part: str | None = None, progress: Progress | None = None) -> Dataset:
    """The dataset in a folder of CSV files that an export wrote, equal to the one that was written.

    Args:
        folder: With a CSV file for each table, and `dataset.json` with the types of their columns.
        name: Name of the dataset.
        part: Name of the part of texts that have none.
        progress: Called with tables read and all tables.

    Raises:
        DataError: A damaged file, or tables that do not fit together.
    """
    try:
        facts = parse_json(read_regular(folder / EXPORT_FACTS))
        safe = escaped if facts.get(NOTE) is True else str
        types = {
            key: {safe(column): _TYPES[kind] for column, kind in found.items()} for key, found in facts["types"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"is not a description of exported tables: {error}", path=folder / EXPORT_FACTS) from None
    tables: dict[str, pa.Table] = {}
    for number, key in enumerate(EMPTY_TABLES, 1):
        file = folder / f"{key}.csv"
        if not file.is_file():
            continue
        convert = arrow_csv.ConvertOptions(
            column_types=types.get(key, {}),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        try:
            tables[key] = arrow_csv.read_csv(
                file, parse_options=arrow_csv.ParseOptions(newlines_in_values=True), convert_options=convert
            )
            names = tables[key].column_names
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"is damaged: {error}", path=file) from None
        if facts.get(NOTE) is True:
            columns = list(map(restored_column, tables[key].columns))
            tables[key] = pa.table(columns, names=list(map(restored, names)))
        if progress is not None:
            progress(number, len(EMPTY_TABLES))
    texts = tables.get("texts")
    if part is not None and texts is not None:
        whole = pa.repeat(pa.scalar(part), texts.num_rows)
        if "part" in texts.column_names and texts["part"].null_count == texts.num_rows:
            tables["texts"] = texts.set_column(texts.column_names.index("part"), "part", whole)
    try:
        return build_dataset(name, provenance=facts.get("provenance"), **tables)
    except (DataError, TypeError) as error:
        raise DataError(str(error), path=folder) from None


def _claims(source: Source) -> Claim | None:
    return Claim(84, "tables recognised by their names") if source.is_dir and _named_tables(source.path) else None


def _claims_export(source: Source) -> Claim | None:
    if not source.is_dir or EXPORT_FACTS not in source.files or "texts.csv" not in source.files:
        return None
    try:
        facts = parse_json(read_regular(source.path / EXPORT_FACTS))
    except (OSError, ValueError):
        return None
    return Claim(97, f"{EXPORT_FACTS} of an export") if isinstance(facts, dict) and "types" in facts else None


register(
    Format(
        "tables",
        "folder of CSV files: edges, texts, skills, models, outcomes, hierarchy, prerequisites",
        _read_edges,
        {
            "prefix": "prefix of the file names, if a folder holds several datasets",
            "edges": "the edge list, if its name does not show that it is one",
            **EDGES,
        },
        claims=_claims,
        expand=_expand,
    )
)
register(
    Format(
        "exported-tables",
        "folder of CSV files that `skillgraph export --format csv` wrote",
        read_export,
        companions=False,
        whole=True,
        claims=_claims_export,
    )
)
