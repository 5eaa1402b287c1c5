"""Rows of delimited text and of JSON lines, with the line each begins in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loaders._files import MAX_LINE, Progress, open_lines, suffixes
from loaders._report import Problems
from loaders.errors import DataError

__all__ = [
    "Table",
    "find_column",
    "json_lines",
    "name_key",
    "open_table",
    "optional_column",
    "read_header",
    "sniff_delimiter",
]

_DELIMITERS = ",\t;|"
_NAMED_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@dataclass(frozen=True)
class Table:
    """A delimited file being read.

    Attributes:
        path: The file.
        header: Names of the columns, without outer spaces; one without a name is "".
        rows: Line and values of each row, as many values as there are columns.
        delimiter: What stands between values.
    """

    path: Path
    header: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]
    delimiter: str


def sniff_delimiter(path: Path, line: str, delimiter: str | None = None) -> str:
    """The delimiter: as given, a tab by the file's name, or the one most frequent outside of quotes in a line.

    >>> sniff_delimiter(Path("a.csv"), 'text;"a, b, c";skill')
    ';'
    """
    if delimiter is not None:
        delimiter = _NAMED_DELIMITERS.get(delimiter, delimiter)
        if len(delimiter) != 1:
            raise DataError(f"delimiter {delimiter!r} must be one character, or tab, comma, semicolon, pipe or space")
        return delimiter
    if suffixes(path) in {".tsv", ".tab"}:
        return "\t"
    unquoted = "".join(line.split('"')[::2])
    best = max(_DELIMITERS, key=unquoted.count)
    return best if best in unquoted else ","


def _first_line(text: Iterator[str]) -> str:
    """The first line that is not blank; a quoted name may hold line breaks, but not before the first delimiter."""
    return next((line for line in text if line.strip()), "")


def read_header(path: Path, delimiter: str | None = None) -> tuple[str, ...]:
    """Names of the columns, and nothing else of the file."""
    with open_table(path, Problems(), delimiter=delimiter) as table:
        return table.header


@contextmanager
def open_table(
    path: Path,
    problems: Problems,
    *,
    delimiter: str | None = None,
    header: bool = True,
    progress: Progress | None = None,
) -> Iterator[Table]:
    """Open a delimited file: quotes as in RFC 4180, blank lines skipped, a row of another length reported.

    Args:
        path: Plain, gzip or zstd, UTF-8 with or without a byte order mark.
        problems: Where rows are reported.
        delimiter: One character or its name; None to find out.
        header: False if the first line is a row already; columns are then named "1", "2", ….
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: What `open_lines` raises, no row of names, a name twice, or a quote that is not closed.
    """
    with open_lines(path) as text:
        first = _first_line(text)
    if not first:
        raise DataError("holds no row", path=path)
    mark = sniff_delimiter(path, first, delimiter)
    limit = csv.field_size_limit(MAX_LINE)
    try:
        with open_lines(path, progress) as text:
            records = _records(csv.reader(text, delimiter=mark, strict=True, skipinitialspace=mark == " "), path)
            line, values = next(records)
            if header:
                names = _names(values, path, line)
                rows = records
            else:
                names = tuple(str(number) for number in range(1, len(values) + 1))
                rows = _chain((line, values), records)
            yield Table(path, names, _checked(rows, names, path, mark, problems), mark)
    finally:
        csv.field_size_limit(limit)


def _records(reader: Any, path: Path) -> Iterator[tuple[int, list[str]]]:
    line = 1
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"cannot be read as a table: {error}; check the quotes", path=path, line=line) from None
        if values:
            yield line, values
        line = reader.line_num + 1


def _chain(first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rest


def _names(values: Sequence[str], path: Path, line: int) -> tuple[str, ...]:
    names = tuple(value.strip() for value in values)
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise DataError(f"column {name!r} occurs twice; names of columns must differ", path=path, line=line)
        seen.add(name)
    return names


def _checked(
    rows: Iterator[tuple[int, list[str]]], names: tuple[str, ...], path: Path, mark: str, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    width = len(names)
    for line, values in rows:
        if len(values) == width:
            yield line, values
        else:
            problems.report(
                "other number of columns",
                f"{len(values)} value{'s' * (len(values) != 1)} where the first row has {width}; "
                f"put a value that contains {mark!r} in double quotes",
                path,
                line,
            )


def name_key(name: str) -> str:
    """A column's name as it is compared: without case, spaces, hyphens and dots.

    >>> name_key(" Text-ID ")
    'text_id'
    """
    return name.strip().casefold().replace(" ", "_").replace("-", "_").replace(".", "_")


def optional_column(header: Sequence[str], known: Sequence[str], given: str | None, path: Path) -> int | None:
    """Position of a column by the name given or the first of the known names that is there; None if none is.

    Raises:
        DataError: A name is given and no column has it.
    """
    if given is not None:
        if given in header:
            return header.index(given)
        raise DataError(f"has no column {given!r}; its columns are: {', '.join(map(repr, header))}", path=path)
    keys = [name_key(name) for name in header]
    return next((keys.index(name) for name in known if name in keys), None)


def find_column(
    header: Sequence[str], known: Sequence[str], given: str | None, path: Path, *, what: str, option: str
) -> int:
    """Position of a column that must be there; see `optional_column`."""
    found = optional_column(header, known, given, path)
    if found is None:
        raise DataError(
            f"has no column for {what}; its columns are: {', '.join(map(repr, header))}; "
            f"name the one that is meant with {option}",
            path=path,
        )
    return found


def json_lines(
    path: Path, problems: Problems, progress: Progress | None = None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Line and object of each line of a JSON Lines file; a line that is no object is reported."""
    with open_lines(path, progress) as text:
        for line, source in enumerate(text, 1):
            if not source.strip():
                continue
            try:
                value = json.loads(source.rstrip("\r\n"))
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", "nested too deeply")
                column = getattr(error, "colno", 1)
                problems.report("no JSON", f"column {column}: is no JSON: {reason}", path, line)
                continue
            if isinstance(value, dict):
                yield line, value
            else:
                problems.report("no JSON object", f"expected a JSON object, found {type(value).__name__}", path, line)
