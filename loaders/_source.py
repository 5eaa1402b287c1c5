"""A file or folder as formats look at it before one of them reads it; everything is looked at once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loaders._dialect import TABLE_OPTIONS, name_key
from loaders._files import archive_kind, open_lines, suffixes
from loaders._frames import is_rule
from loaders._json_tables import is_lines, json_values, parse_json, rows_of_json, rows_with_lines
from loaders._report import Problems
from loaders._rows import Table, is_parquet, open_table
from loaders._scores import is_score_column
from loaders.errors import DataError
from loaders.gate import files_below, is_folder

__all__ = ["Source"]

_TEXT_SUFFIXES = frozenset({".txt", ".md", ".markdown", ".rst", ".text", ".dat", ""})
_TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".psv", ".parquet", ".json", ".jsonl", ".ndjson"})


@dataclass
class Source:
    """A file or folder.

    Attributes:
        path: Where it lies.
        options: What the user said: options of tables count when its rows are looked at.
    """

    path: Path
    options: dict[str, Any]

    @cached_property
    def is_dir(self) -> bool:
        """True for a folder."""
        return is_folder(self.path)

    @cached_property
    def suffix(self) -> str:
        """The extension, without that of a compression."""
        return suffixes(self.path)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Names of all files below a folder, relative to it."""
        if not self.is_dir:
            return ()
        return tuple(file.relative_to(self.path).as_posix() for file in files_below(self.path))

    @cached_property
    def tables(self) -> tuple[Path, ...]:
        """Delimited files directly in a folder."""
        names = [name for name in self.files if "/" not in name]
        return tuple(self.path / name for name in names if suffixes(Path(name)) in {".csv", ".tsv", ".tab"})

    @cached_property
    def head(self) -> str:
        """The first 4096 characters of a text file; "" of another."""
        if self.is_dir or is_parquet(self.path) or archive_kind(self.path) is not None:
            return ""
        with open_lines(self.path, encoding=self.options.get("encoding")) as text:
            return text.read(4096)

    @cached_property
    def is_json(self) -> bool:
        """True for a file of JSON, by its name."""
        return self.suffix in {".json", ".jsonl", ".ndjson", ".cyjs"}

    @cached_property
    def is_json_unnamed(self) -> bool:
        """True if a text file holds JSON, though its name does not say so."""
        if self.is_json or self.suffix == ".parquet":
            return False
        return re.match(r"\s*(\{\s*\"|\[\s*[{\[]\s*\")", self.head) is not None

    @cached_property
    def first_object(self) -> dict[str, Any]:
        """The first object of a file of JSON lines."""
        if self.is_dir or not self.is_json or self.suffix == ".cyjs" or not is_lines(self.path):
            return {}
        found = next(iter(json_values(self.path, Problems(lenient=self.suffix == ".json"))), None)
        return dict(found[1]) if found else {}

    @cached_property
    def json(self) -> Any:
        """The content of a JSON file; None of another."""
        if self.is_dir or not self.is_json or (self.suffix != ".cyjs" and is_lines(self.path)):
            return None
        return parse_json(self.path)

    @cached_property
    def _opened(self) -> Table | DataError | None:
        if self.is_dir:
            return None
        given = {key: self.options[key] for key in TABLE_OPTIONS if key in self.options}
        known = [value for key, value in self.options.items() if key.endswith("_column")]
        problems = Problems(lenient=True)
        try:
            if self.is_json and is_lines(self.path):
                found = itertools.islice(json_values(self.path, problems), 500)
                names, rows = rows_with_lines(list(found), self.path, problems, known=known)
                return Table(self.path, names, iter(()), None, None, tuple(tuple(v) for _, v in rows), whole=False)
            if self.json is not None:
                names, rows = rows_of_json(self.json, self.path, problems, rows=given.get("rows"),
                                           header=given.get("header"), known=known)  # fmt: skip
                sample = tuple(tuple(values) for _, values in rows)
                return Table(self.path, names, iter(()), None, None, sample)
            with open_table(self.path, problems, known=known, **given) as table:
                return table
        except DataError as error:
            return error

    @property
    def table(self) -> Table | None:
        """The file as a table, with its first rows; None if it cannot be read as one."""
        if not (self.suffix in _TABLE_SUFFIXES or is_parquet(self.path)) and not self.is_table_text:
            return None
        if self.is_json_unnamed:
            return None
        return self._opened if isinstance(self._opened, Table) else None

    @property
    def why_no_table(self) -> DataError | None:
        """Why the file cannot be read as a table."""
        return self._opened if isinstance(self._opened, DataError) else None

    @cached_property
    def is_table_text(self) -> bool:
        """True for a text file under any name whose lines are rows: several columns, and no prose."""
        if self.is_dir or self.is_json_unnamed:
            return False
        opened = self._opened
        if self.suffix in {".md", ".rst", ".markdown"}:
            if not isinstance(opened, Table) or opened.dialect is None:
                return False
            return opened.dialect.framed or is_rule(next((line for line in self.head.splitlines() if line.strip()), ""))
        if not isinstance(opened, Table) or len(opened.header) < 2 or opened.dialect is None:
            return False
        if self.suffix not in _TEXT_SUFFIXES:
            return True
        rows = [row for row in opened.sample if len(row) == len(opened.header)]
        if not rows or len(rows) < 0.9 * len(opened.sample):
            return False
        if opened.dialect.delimiter in {"\t", "|", ";", " "}:
            return True
        return opened.dialect.sure and all(len(name) < 60 for name in opened.header)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Names of the columns, as they are compared."""
        return frozenset(map(name_key, self.header))

    @property
    def header(self) -> Sequence[str]:
        """Names of the columns, if they have names."""
        return self.table.header if self.table is not None and self.table.named else ()

    @cached_property
    def is_numeric(self) -> bool:
        """True if all cells but those of the first column are scores, of which some are there."""
        table = self.table
        if table is None or not table.sample:
            return False
        return all(is_score_column(table.column(at)) for at in range(1, len(table.header)))
