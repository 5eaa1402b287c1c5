r"""Cells of CSV that a spreadsheet would run as a formula, made harmless and restored.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a line break, and is no number, gets an apostrophe before it, which
spreadsheets take for "this is text". A cell that has apostrophes before such a sign gets one more, so that every cell
comes back as it was.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["NOTE", "escaped", "escaped_column", "restored", "restored_column"]

NOTE = "escaped"
"""Key in the description of exported tables that says that their cells are escaped."""

_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_SIGNS = "=+\\-@\t\r\n＝＋－＠"
_RISKY = re.compile(rf"'*[{_SIGNS}]")
_HARMLESS = re.compile(_NUMBER)
_ESCAPED = re.compile(rf"'+[{_SIGNS}]")


def escaped(value: Any) -> Any:
    r"""A cell that a spreadsheet does not run; what is no text stays as it is.

    >>> [escaped(cell) for cell in ("=1+1", "-5", "-x", "'=a", "it's", -5, None)]
    ["'=1+1", '-5', "'-x", "''=a", "it's", -5, None]
    """
    if isinstance(value, str) and _RISKY.match(value) and not _HARMLESS.fullmatch(value):
        return f"'{value}"
    return value


def restored(value: str) -> str:
    r"""Inverse of `escaped`.

    >>> [restored(cell) for cell in ("'=1+1", "-5", "''=a", "it's")]
    ['=1+1', '-5', "'=a", "it's"]
    """
    return value[1:] if _ESCAPED.match(value) else value


def escaped_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Every cell of a column of text as `escaped` makes it; another column as it is."""
    if not pa.types.is_string(column.type):
        return column
    risky = pc.and_(
        pc.match_substring_regex(column, rf"\A'*[{_SIGNS}]"),
        pc.invert(pc.match_substring_regex(column, rf"\A{_NUMBER}\z")),
    )
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def restored_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Inverse of `escaped_column`."""
    if not pa.types.is_string(column.type):
        return column
    return pc.if_else(pc.match_substring_regex(column, rf"\A'+[{_SIGNS}]"), pc.utf8_slice_codeunits(column, 1), column)
