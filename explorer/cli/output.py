"""What commands print: tables for people, rows and objects for machines."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.plain import plain

__all__ = ["Block", "Note", "Result", "Rows", "Table", "cut", "number", "plain", "print_table", "rows_of", "share"]


@dataclass(frozen=True)
class Table:
    """A table for people: text in the first column, figures to the right where all cells are figures."""

    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    title: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Note:
    """A remark for people, on standard error.

    Attributes:
        text: One or more sentences.
        kept: True if `--quiet` does not silence it, because without it the result would mislead.
    """

    text: str
    kept: bool = False


Block = str | Table | Note


@dataclass(frozen=True)
class Rows:
    """A list for machines: one record a row, values as they are."""

    columns: Sequence[str]
    values: Sequence[Sequence[Any]]

    def csv(self, *, raw: bool = False) -> str:
        """As CSV with a header; lists and objects as JSON, nothing for what is not known.

        Args:
            raw: Leave cells as they are that a spreadsheet would run (`loaders.spreadsheet`).
        """
        from loaders.spreadsheet import escaped

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")

        def safe(value: Any) -> Any:
            return value if raw else escaped(value)

        writer.writerow([safe(column) for column in self.columns])
        writer.writerows([safe(_csv_cell(value)) for value in row] for row in self.values)
        return text.getvalue()

    def jsonl(self) -> str:
        """As JSON Lines: one object a row."""
        return "".join(
            json.dumps(plain(dict(zip(self.columns, row, strict=True))), ensure_ascii=False, allow_nan=False) + "\n"
            for row in self.values
        )


@dataclass(frozen=True)
class Result:
    """What a command has found, for all ways to print it.

    Attributes:
        value: For `--json`: dataclasses, mappings, arrays and plain values.
        shown: For people, in order: lines of text, tables and remarks. It is only read if people are to see it.
        rows: For `--format csv` and `jsonl`, where the command prints a list.
        code: Exit code: 0 done, 1 done in part, 3 cut at a limit.
        remarks: What has to be said on standard error in every format.
    """

    value: Any
    shown: Iterable[Block] = ()
    rows: Rows | None = None
    code: int = 0
    remarks: Sequence[str] = ()


def rows_of(items: Iterable[Any], kind: type | None = None, columns: Sequence[str] = ()) -> Rows:
    """Rows of dataclasses or of mappings.

    Args:
        items: Instances of one dataclass, or mappings with the same keys.
        kind: The dataclass, which has the columns even where there is no item.
        columns: Of these fields or keys only, in this order.

    Returns:
        One row an item.
    """
    found = list(items)
    if kind is not None:
        names = list(columns or (field.name for field in dataclasses.fields(kind)))
        return Rows(names, [[getattr(item, name) for name in names] for item in found])
    names = list(columns or (found[0] if found else ()))
    return Rows(names, [[item[name] for name in names] for item in found])


def number(value: float | None, digits: int = 3) -> str:
    """A figure for a table; a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}f}"


def share(value: float | None) -> str:
    """A fraction as a percentage; a dash where there is none."""
    return "–" if value is None else f"{value:.1%}"


def cut(listed: int, of: int, option: str) -> str:
    """The words that say that a list was cut, or nothing.

    >>> cut(10, 57, "--rows"), cut(3, 3, "--rows")
    ('the first 10 of 57: --rows shows more', '')
    """
    return f"the first {listed:,} of {of:,}: {option} shows more" if listed < of else ""


def print_table(table: Table) -> None:
    """A table on standard output.

    On a terminal, text may wrap between words; elsewhere each row is one line, however long. A word is never broken.
    """
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.measure import Measurement
    from rich.table import Table as RichTable
    from rich.text import Text

    terminal = sys.stdout.isatty()
    drawn = RichTable(box=box.SIMPLE_HEAD)
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.cells]
        figures = bool(cells) and all(cell[:1].isdigit() or cell[:1] in "–-+" for cell in cells)
        drawn.add_column(escape(column), justify="right" if figures else "left", no_wrap=not terminal or place == 0)
    for row in table.cells:
        drawn.add_row(*map(escape, row))
    console = Console(soft_wrap=False)
    measured = Measurement.get(Console(width=1_000_000), console.options.update(width=1_000_000), drawn)
    console.width = max(console.width, measured.minimum) if terminal else measured.maximum
    if table.title:
        console.print(Text(table.title, style="bold"), soft_wrap=True)
    console.print(drawn)
    if table.caption:
        console.print(Text(table.caption, style="dim"), soft_wrap=True)


def _csv_cell(value: Any) -> Any:
    value = plain(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else value
