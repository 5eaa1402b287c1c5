"""Tables in every form: delimited and aligned text, JSON, Parquet; their rows with the line each begins in."""

from __future__ import annotations

import csv
import itertools
import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from loaders._arrow import check_columns, open_parquet, row_groups
from loaders._cells import is_missing_word, missing_option, name_key
from loaders._dialect import TABLE_OPTIONS, Dialect, footer_rows, missing_codes, read_flag, reader, sniff, told_end
from loaders._ends import LOOKED_AT, ending, is_note
from loaders._files import Progress, open_lines, require_file, suffixes
from loaders._frames import is_rule, without_frame
from loaders._json_tables import cell, json_rows
from loaders._json_tables import json_values as json_lines
from loaders._lists import is_list
from loaders._reading import AmbiguousError, plural, quoted
from loaders._report import Problems
from loaders.errors import DataError
from loaders.gate import exists, limits, open_regular
from loaders.spreadsheet import restored

__all__ = [
    "TABLE_OPTIONS",
    "Table",
    "find_column",
    "is_missing_word",
    "is_parquet",
    "json_lines",
    "name_key",
    "open_table",
    "optional_column",
    "property_columns",
    "refuse_lists",
    "report_doubtful",
]


@dataclass(frozen=True)
class Table:
    """A table being read.

    Attributes:
        path: The file.
        header: Names of the columns, without outer spaces; one without a name is "".
        rows: Line, if there are lines, and values of each row, as many values as there are columns.
        dialect: How it is written, of delimited text.
        missing: Codes for a missing value by the user's word; None if he did not say.
        sample: The first rows.
        whole: True if the sample is all rows.
        escaped: True if apostrophes before formulas are taken off.
        filled: True if blank cells of some columns have become the cell above.
        all_data: True if the user said that no row at the end is anything else.
    """

    path: Path
    header: tuple[str, ...]
    rows: Iterator[tuple[int | None, list[str]]]
    dialect: Dialect | None = None
    missing: frozenset[str] | None = None
    sample: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    whole: bool = True
    escaped: bool = False
    filled: bool = False
    all_data: bool = False

    @property
    def index(self) -> int | None:
        """Position of a column that only numbers the rows."""
        return None if self.dialect is None else self.dialect.index

    @property
    def named(self) -> bool:
        """True if the columns have names."""
        return self.dialect is None or self.dialect.header

    def column(self, place: int) -> list[str]:
        """Values of a column in the sample, without outer spaces."""
        return [row[place].strip() for row in self.sample if len(row) > place]

    def is_missing(self, value: str) -> bool:
        """True if a value is one of the codes that the user named."""
        return self.missing is not None and value.strip() in self.missing

    def is_doubtful(self, value: str) -> bool:
        """True if a value may stand for a missing one, and the user did not say."""
        return self.missing is None and is_missing_word(value)


def refuse_lists(table: Table, *places: int) -> None:
    """Refuse columns of ids whose cells are lists: each list would become one id.

    Raises:
        DataError: All cells of a column are lists, or, in a form that tells lists from text as JSON does, one is.
    """
    for at in places:
        cells = [cell for cell in table.column(at) if cell]
        lists = [cell for cell in cells if is_list(cell)]
        if lists and (table.dialect is None or len(lists) == len(cells)):
            raise DataError(
                f"column {table.header[at]!r} holds lists, as {lists[0][:40]!r}, where one id is expected: use "
                "--format skill-rows for one text in a row (text_column, skills_column), or --format skill-texts for "
                "one skill in a row (skill_column, texts_column)",
                path=table.path,
            )


def report_doubtful(table: Table, problems: Problems, place: int, value: str, line: int | None) -> None:
    """Report a cell that may stand for a missing value or be a name.

    Raises:
        AmbiguousError: Unless rows may be left out.
    """
    count = table.column(place).count(value)
    error = AmbiguousError(
        f"column {table.header[place]!r}: {value!r} ({plural(max(count, 1), 'row')}) may be a missing value or a name",
        path=table.path,
        line=line,
        readings=[("missing", missing_option(value)), ("a name", "missing=none")],
    )
    if not problems.lenient:
        raise error
    problems.report("missing value", error.message, table.path, line)


def is_parquet(path: Path) -> bool:
    """True if a file is Parquet, by its first bytes."""
    if not exists(path) or not path.is_file():
        return False
    with open_regular(path) as file:
        return file.read(4) == b"PAR1"


@contextmanager
def open_table(
    path: Path,
    problems: Problems,
    *,
    progress: Progress | None = None,
    known: Iterable[str | None] = (),
    ids: Iterable[str | None] = (),
    **options: Any,
) -> Iterator[Table]:
    """Open a table: delimited or aligned text, JSON rows in any form, or Parquet.

    Quotes are as in RFC 4180; blank lines and rows of blanks are left out; a row of another length is reported.

    Args:
        path: Plain, gzip or zstd.
        problems: Where rows are reported and decisions noted.
        progress: Called with bytes read and all bytes.
        known: Names of columns that the user gave: the first row holds names if it holds one of them.
        ids: Names of columns of ids or lists of them, in which a comma is no decimal sign.
        options: Of `TABLE_OPTIONS`; None is as if not given.

    Raises:
        DataError: What `open_lines` and `sniff` raise, or a quote that is not closed.
    """
    given = {key: value for key, value in options.items() if value is not None}
    wrong = next((key for key in given if key not in TABLE_OPTIONS), None)
    assert wrong is None, f"{wrong} is an option for tables"
    require_file(path)
    rows = given.pop("rows", None)
    fill = given.pop("fill", None)
    if fill is not None:
        columns = [part.strip() for part in str(fill).split(",") if part.strip()]
        with open_table(path, problems, progress=progress, known=[*known, *columns], ids=ids, rows=rows,
                        **given) as table:  # fmt: skip
            yield _filled(table, columns, problems)
        return
    missing = missing_codes(given.get("missing"))
    all_data = footer_rows(given.get("footer")) == 0
    unescape = bool(read_flag(given.pop("escaped", None), "escaped"))
    if is_parquet(path):
        with _parquet(path, progress, missing) as stored:
            whole = stored
            if stored.whole:
                cells = _without_end(list(stored.rows), stored.header, path, problems, given.get("footer"))
                whole = replace(stored, rows=iter(cells), sample=tuple(tuple(values) for _, values in cells))
            yield whole
        return
    if suffixes(path) in {".json", ".jsonl", ".ndjson"}:
        names, found = json_rows(path, problems, rows=rows, progress=progress, header=given.get("header"), known=known)
        found = _without_end(found, names, path, problems, given.get("footer"))
        sample = tuple(tuple(values) for _, values in found)
        filled = ((line, values) for line, values in found if any(value.strip() for value in values))
        yield Table(path, names, filled, None, missing, sample, all_data=all_data)
        return
    columns = [name for name in known if name is not None]
    dialect = sniff(path, problems, known=columns, ids=[name for name in ids if name is not None], **given)
    limit = csv.field_size_limit(limits().line)
    try:
        with open_lines(path, progress, encoding=dialect.encoding) as text:
            check_columns(len(dialect.names), path)
            records = _checked(_kept(text, dialect, path, problems), dialect, path, problems)
            names, sample = dialect.names, dialect.sample
            if unescape:
                records = ((line, list(map(restored, values))) for line, values in records)
                names = tuple(map(restored, names))
                sample = tuple(tuple(map(restored, row)) for row in sample)
            yield Table(path, names, records, dialect, missing, sample, dialect.whole, unescape, all_data=all_data)
    finally:
        csv.field_size_limit(limit)


def _filled(table: Table, columns: Sequence[str], problems: Problems) -> Table:
    """The table with the cell above in the blank cells of some columns."""
    places = [at for name in columns if (at := optional_column(table.header, (), name, table.path)) is not None]

    def down(rows: Iterable[tuple[int | None, Sequence[str]]]) -> Iterator[tuple[int | None, list[str]]]:
        above = [""] * len(table.header)
        for line, row in rows:
            values = list(row)
            for at in places:
                if at < len(values):
                    above[at] = values[at] if values[at].strip() else above[at]
                    values[at] = above[at]
            yield line, values

    problems.decide(table.path, "blank cells", f"the cell above in {quoted(columns)}", "as said", option="fill")
    sample = tuple(tuple(values) for _, values in down((None, row) for row in table.sample))
    return replace(table, rows=down(table.rows), sample=sample, filled=True)


@contextmanager
def _parquet(path: Path, progress: Progress | None, missing: frozenset[str] | None) -> Iterator[Table]:
    with open_parquet(path) as file:
        yield _parquet_table(file, path, progress, missing)


def _parquet_table(file: Any, path: Path, progress: Progress | None, missing: frozenset[str] | None) -> Table:
    import pyarrow as pa

    names = tuple(file.schema_arrow.names)

    def rows() -> Iterator[tuple[int | None, list[str]]]:
        for number, table in enumerate(row_groups(file, path), 1):
            for batch in table.to_batches(max_chunksize=10_000):
                columns = [_values(column, name, path) for name, column in zip(names, batch.columns, strict=True)]
                for at in maps:
                    columns[at] = [_of_pairs(value, names[at], path) for value in columns[at]]
                for values in zip(*columns, strict=True):
                    yield None, [cell(_plain(value)) for value in values]
            if progress is not None:
                progress(number, file.num_row_groups)

    maps = {at for at, kind in enumerate(file.schema_arrow.types) if pa.types.is_map(kind)}
    found = rows()
    head = list(itertools.islice(found, 2000))
    sample = tuple(tuple(values) for _, values in head)
    return Table(path, names, itertools.chain(head, found), None, missing, sample, len(head) < 2000)


def _values(column: Any, name: str, path: Path) -> list[Any]:
    """The values of a column of Arrow; a column with times that Python has no type for as Arrow writes it."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except (pa.ArrowException, ValueError, OverflowError):  # nanoseconds, or the year 10000
        try:
            return list(column.cast(pa.string()).to_pylist())
        except pa.ArrowException as error:
            raise DataError(f"column {name!r} cannot be read: {error}", path=path) from None


def _of_pairs(value: Any, column: str, path: Path) -> Any:
    """A map of Parquet, which Arrow gives as pairs, as an object."""
    if value is None:
        return None
    found = dict(value)
    if len(found) != len(value):
        raise DataError(f"column {column!r}: a map has a key twice, of which only one value can count", path=path)
    return found


def _plain(value: Any) -> Any:
    """Values that JSON does not know (dates, bytes) as text, also inside of lists."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):  # how some tools write text
        with suppress(UnicodeDecodeError):
            return value.decode()
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return str(value)


def _records(text: TextIO, dialect: Dialect, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and values of each record after the header."""
    lines: Iterable[str] = without_frame(text, path) if dialect.framed else text
    lines = itertools.islice(lines, dialect.skip, None)
    if not dialect.framed:
        lines = ("\n" if is_rule(line) else line for line in lines)
    if dialect.comment:
        mark = dialect.comment
        lines = ("\n" if line.lstrip().startswith(mark) else line for line in lines)
    found = reader(lines, dialect.delimiter, dialect.quote)
    line = 1 + dialect.skip
    heading = dialect.header
    while True:
        try:
            values = next(found)
        except StopIteration:
            return
        except csv.Error as error:
            reason = "a quote is not closed" if "unexpected end" in str(error) else str(error)
            raise DataError(f"cannot be read as a table: {reason}; check the quotes", path=path, line=line) from None
        if values and heading:
            heading = False
        elif values:
            yield line, values
        line = found.line_num + 1 + dialect.skip


def _without_end(
    rows: Sequence[tuple[int | None, list[str]]],
    names: Sequence[str],
    path: Path,
    problems: Problems,
    footer: str | None,
) -> list[tuple[int | None, list[str]]]:
    """The rows of a table that is wholly there, without totals and notes at its end."""
    given = footer_rows(footer)
    if given is not None:
        return list(rows[: len(rows) - given])
    cells = [values for _, values in rows]
    found = ending(cells[-LOOKED_AT:], lambda count: cells[: len(cells) - count], names, path)
    told_end(path, problems, 0, found)
    return list(rows[: len(rows) - found.rows])


def _kept(text: TextIO, dialect: Dialect, path: Path, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """The records that are data: without what stands below the names and below the table."""
    found = itertools.islice(
        _without_names(_records(text, dialect, path), dialect, path, problems), dialect.below, None
    )
    most = LOOKED_AT if dialect.footer is None else dialect.footer
    held: deque[tuple[int, list[str]]] = deque()
    blank = 0
    for line, values in found:
        # blank rows at the end are no footer
        filled = any(value.strip() for value in values)
        blank += not filled
        held.append((line, values))
        while len(held) - blank > most:
            first = held.popleft()
            blank -= not any(value.strip() for value in first[1])
            yield first
    if dialect.footer is None:
        yield from itertools.islice(held, len(held) - _no_data(list(held), dialect, path, problems))


def _without_names(
    rows: Iterator[tuple[int, list[str]]], dialect: Dialect, path: Path, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    """The records without the names where these come again, as in files that were put one behind another."""
    names = dialect.names[1:] if dialect.shifted else dialect.names
    again = 0
    for line, values in rows:
        if dialect.header and len(values) == len(names) and tuple(value.strip() for value in values) == names:
            again += 1
            continue
        yield line, values
    if again:
        problems.decide(path, "the names of the columns", f"{plural(again, 'further row')} with them left out",
                        "as in files that were joined")  # fmt: skip


def _no_data(held: list[tuple[int, list[str]]], dialect: Dialect, path: Path, problems: Problems) -> int:
    """How many of the last records of a long file are totals or notes."""
    tail = [values for _, values in held if any(value.strip() for value in values)]

    def above(count: int) -> Iterator[list[str]]:
        before = {line for line, values in held if values in tail[len(tail) - count :]}
        with open_lines(path, encoding=dialect.encoding) as text:
            found = itertools.islice(_records(text, dialect, path), dialect.below, None)
            yield from (values for line, values in found if line not in before and any(v.strip() for v in values))

    notes = 0
    while notes < len(tail) and is_note(",".join(tail[-1 - notes])):
        notes += 1
    if any(is_note(row[0]) for row in dialect.sample if row):
        notes = 0
    end = ending(tail[: len(tail) - notes], lambda count: above(count + notes), dialect.names, path)
    told_end(path, problems, notes, end)
    last = end.rows + notes
    return 0 if not last else len(held) - next(at for at, (_, v) in enumerate(held) if v is tail[-last])


def _checked(
    rows: Iterator[tuple[int, list[str]]], dialect: Dialect, path: Path, problems: Problems
) -> Iterator[tuple[int | None, list[str]]]:
    width = len(dialect.names)
    comma = sorted(dialect.comma)
    blank = 0
    for line, values in rows:
        if dialect.trailing and len(values) == width + 1 and not values[-1]:
            values.pop()
        if not any(values) or not any(value.strip() for value in values):
            blank += 1
            continue
        if len(values) != width:
            way = f"put a value that contains {dialect.delimiter!r} in double quotes"
            if len([value for value in values if value.strip()]) == 1 and len(values) < width:
                way = "complete it, or leave out a note below the table with footer=1"
            problems.report(
                "wrong number of columns",
                f"{plural(len(values), 'value')} where the first row has {width}; {way}",
                path,
                line,
            )
            continue
        for at in comma:
            values[at] = values[at].replace(",", ".")
        yield line, values
    if blank:
        problems.decide(path, "empty rows", f"{plural(blank, 'row')} of blanks left out")


def optional_column(header: Sequence[str], known: Sequence[str], given: str | None, path: Path) -> int | None:
    """Position of a column by the name given or the first of the known names that is there; None if none is.

    Raises:
        DataError: A name is given and no column has it, or several have.
    """
    if given is not None:
        places = [at for at, name in enumerate(header) if name == given]
        places = places or [at for at, name in enumerate(header) if name_key(name) == name_key(given)]
        if len(places) > 1:
            raise DataError(f"column {given!r} occurs {len(places)} times; give the columns different names",
                            path=path)  # fmt: skip
        if places:
            return places[0]
        if given.isdecimal() and 1 <= int(given) <= len(header) and not any(n.isdecimal() for n in header):
            return int(given) - 1
        raise DataError(f"has no column {given!r}; its columns are: {quoted(header, 20)}", path=path)
    keys = [name_key(name) for name in header]
    found = next((name for name in known if name in keys), None)
    if found is None:
        return None
    if keys.count(found) > 1:
        raise DataError(
            f"column {header[keys.index(found)]!r} occurs {keys.count(found)} times; give the columns different names",
            path=path,
        )
    return keys.index(found)


def property_columns(
    table: Table, own: int, taken: Collection[int], meanings: Sequence[tuple[str, Sequence[str], str | None]]
) -> dict[int, str]:
    """What the columns that are not taken are called as properties, by their places.

    Args:
        table: The table; a column that only numbers its rows is none.
        own: Place of the id: it is no property, even if it has the name of one with a meaning.
        taken: Places of the other columns that are read in another way.
        meanings: Properties with a meaning: its name, the names that its column may have, and the one that was given.

    Raises:
        DataError: A name is given and no column has it, or several have.
    """
    others = [(at, name) for at, name in enumerate(table.header) if at not in taken]
    found: dict[int, str] = {}
    for meaning, known, given in meanings:
        place = optional_column(_unique([name for _, name in others]), known, given, table.path)
        if place is not None and others[place][0] != own:
            found.setdefault(others[place][0], meaning)
    names = set(found.values())
    for at, name in others:
        if name and at != own and at not in found and at != table.index:
            meaning = name
            while meaning in names:
                meaning += " (2)"
            names.add(meaning)
            found[at] = meaning
    return found


def _unique(names: Sequence[str]) -> list[str]:
    """Names with those that occur before in no way to be found."""
    seen: set[str] = set()
    result = []
    for name in names:
        result.append("" if name in seen else name)
        seen.add(name)
    return result


def find_column(
    header: Sequence[str],
    known: Sequence[str],
    given: str | None,
    path: Path,
    *,
    what: str,
    option: str,
    table: Table | None = None,
) -> int:
    """Position of a column that must be there; see `optional_column`.

    Args:
        header: Names of the columns.
        known: Names that it may have, in order of preference.
        given: The name that the user gave.
        path: The file.
        what: What is in it, for the message.
        option: The option that names it.
        table: The table, to tell a first row that is data from one of names.
    """
    found = optional_column(header, known, given, path)
    if found is None:
        way = f"choose one with {option}"
        if table is not None and table.dialect is not None and table.dialect.header and not table.dialect.sure:
            way += ", or use header=no if the first row is data"
        raise DataError(f"has no column for {what}; its columns are: {quoted(header, 20)}; {way}", path=path)
    return found
