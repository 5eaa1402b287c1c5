"""Parquet files and Arrow tables of others: their proportions, their damage, and texts that are no UTF-8.

Arrow takes over texts as they are, and a text that is not UTF-8 ends in an error of Python's wherever it is used
first. It is looked for where a table comes in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loaders.errors import DataError
from loaders.gate import limits, refused, require_regular

__all__ = ["check_columns", "open_parquet", "require_utf8", "row_groups"]

_CELLS = 1 << 24  # that come out of a Parquet file of any size


def check_columns(count: int, path: Path) -> None:
    """Refuse a table with more columns than a table has.

    Raises:
        LimitError: There are too many.
    """
    if count > limits().columns:
        raise refused(f"has {count:,} columns", "columns", path=path)


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile` of sound proportions; `row_groups` reads its rows.

    Raises:
        DataError: No Parquet file, a column's name that is not UTF-8, too many columns, or more cells than a file of
            its size should have.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = require_regular(path).st_size
    try:
        file = pq.ParquetFile(path)
        facts = file.metadata
        names = file.schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"is not a Parquet file: {error}", path=path) from None
    except UnicodeDecodeError as error:
        raise DataError(f"the name of a column is not UTF-8: {_shown(error)}", path=path) from None
    with file:
        check_columns(len(names), path)
        if facts.num_rows * max(facts.num_columns, 1) > max(_CELLS, limits().ratio * size):
            raise refused(f"holds {facts.num_rows:,} rows in {size:,} bytes: too much comes out of each", "ratio",
                          path=path)  # fmt: skip
        yield file


def row_groups(file: Any, path: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Each row group of an open Parquet file as a `pyarrow.Table`, all or some of its columns.

    Raises:
        DataError: The file is damaged, or a text in it is not UTF-8.
    """
    import pyarrow as pa

    above = 0
    for number in range(file.num_row_groups):
        try:
            table = file.read_row_group(number, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"is damaged: {error}", path=path) from None
        require_utf8(table, path=path, above=above)
        above += table.num_rows
        yield table


def require_utf8(table: Any, *, what: str = "", path: Path | None = None, above: int = 0) -> None:
    """Refuse a `pyarrow.Table` with a text that is not UTF-8, also one inside of a list.

    Args:
        table: The table.
        what: Its name, for the message.
        path: Its file, for the message.
        above: Rows of the file before the table's first.

    Raises:
        DataError: With column, row and value.
    """
    import pyarrow as pa

    for name, column in zip(table.column_names, table.columns, strict=True):
        place = f"{what}, column {name!r}" if what else f"column {name!r}"
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as damage:
            for row, value in enumerate(column, above + 1):
                try:
                    value.as_py()
                except UnicodeDecodeError as error:
                    raise DataError(f"{place}, row {row:,} is not UTF-8: {_shown(error)}", path=path) from None
            raise DataError(f"{place} is damaged: {damage}", path=path) from None


def _shown(error: UnicodeDecodeError) -> str:
    """The text in question, its bytes that cannot be read written as in Python."""
    return f"'{error.object[:60].decode('utf-8', 'backslashreplace')}'"
