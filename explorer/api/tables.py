"""Records as Arrow tables, and tables as frames and as HTML."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_type_hints

from explorer.errors import SkillgraphError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["as_pandas", "as_polars", "html_table", "missing", "record_table"]

_SHOWN = 10


def record_table(records: Iterable[Any], kind: type, *, without: Sequence[str] = ()) -> pa.Table:
    """Instances of a dataclass as rows; fields that are records themselves are left out.

    Args:
        records: The instances.
        kind: Their class, whose fields are the columns even where there is no row.
        without: Fields that are left out.

    Returns:
        The table; the types are those of the fields.
    """
    import pyarrow as pa

    rows = list(records)
    hints = get_type_hints(kind)
    columns: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        arrow = _arrow_type(str(hints[field.name]))
        if arrow is not None and field.name not in without:
            columns[field.name] = pa.array([getattr(row, field.name) for row in rows], arrow)
    return pa.table(columns)


def _arrow_type(hint: str) -> Any:
    """The column type of a field's annotation; None if it is of records."""
    import pyarrow as pa

    bare = hint.removesuffix(" | None")
    known = {
        "<class 'str'>": pa.string(),
        "str": pa.string(),
        "<class 'int'>": pa.int64(),
        "int": pa.int64(),
        "<class 'float'>": pa.float64(),
        "float": pa.float64(),
        "<class 'bool'>": pa.bool_(),
        "bool": pa.bool_(),
        "tuple[str, ...]": pa.list_(pa.string()),
        "tuple[int, ...]": pa.list_(pa.int64()),
        "tuple[float, ...]": pa.list_(pa.float64()),
        "tuple[float, float]": pa.list_(pa.float64()),
    }
    if bare.startswith("typing.Literal["):
        return pa.string()
    return known.get(bare)


def as_pandas(table: pa.Table) -> pd.DataFrame:
    """The table as a DataFrame of pandas."""
    missing("pandas")
    frame: pd.DataFrame = table.to_pandas()
    return frame


def as_polars(table: pa.Table) -> pl.DataFrame:
    """The table as a DataFrame of polars."""
    frame: pl.DataFrame = missing("polars").from_arrow(table)
    return frame


def missing(package: str) -> Any:
    """A package that this one does not depend on.

    Raises:
        SkillgraphError: It is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        raise SkillgraphError(
            f"{package} is not installed in this environment: install it, or take to_arrow(), which needs nothing more"
        ) from None


def html_table(table: pa.Table, headline: str, *, rows: int = _SHOWN) -> str:
    """The first rows of a table under a sentence, as a notebook shows them."""
    names = table.column_names
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(_cell(row[name]) for name in names)}</tr>" for row in table.slice(0, rows).to_pylist()
    )
    more = table.num_rows - rows
    left = f"<p>{more:,} more: <code>to_arrow()</code> has them all.</p>" if more > 0 else ""
    return (
        f"<div><p>{escape(headline)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left}</div>"
    )


def _cell(value: Any) -> str:
    if value is None:
        return "<td></td>"
    if isinstance(value, float):
        return f"<td>{value:.4g}</td>"
    if isinstance(value, list):
        listed = ", ".join(f"{item:.4g}" if isinstance(item, float) else str(item) for item in value[:5])
        return f"<td>{escape(listed + (', …' if len(value) > 5 else ''))}</td>"
    return f"<td>{escape(str(value))}</td>"
