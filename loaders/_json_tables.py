"""Rows of JSON in the forms that tables are written in: lines, an array, wrapped in an object, by id, by column."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders import _columns
from loaders._dialect import name_key
from loaders._files import Progress, open_lines, read_text, suffixes
from loaders._reading import AmbiguousError, plural
from loaders._report import Problems
from loaders.errors import DataError
from loaders.gate import limits, refused
from loaders.gate import parse_json as parse_json_text

__all__ = ["JsonRows", "cell", "json_rows", "json_values", "parse_json", "rows_of_json"]

_CELLS = 1 << 24  # mostly empty cells that are no trouble

JsonRows = tuple[tuple[str, ...], list[tuple[int | None, list[str]]]]


def cell(value: Any) -> str:
    """A value as the text that a delimited file would hold; lists and objects as JSON.

    >>> cell(None), cell(True), cell(0.5), cell(["a"])
    ('', 'true', '0.5', '["a"]')
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def parse_json(path: Path, progress: Progress | None = None) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: It is no JSON; the message has line and column.
    """
    text = read_text(path, progress)
    try:
        return parse_json_text(text)
    except json.JSONDecodeError as error:
        way = ""
        if error.msg == "Extra data" and text[error.pos : error.pos + 1] in "{[":
            way = "; several values follow one another: write each in a line of its own, as .jsonl"
        raise DataError(f"column {error.colno}: is not JSON: {error.msg}{way}", path=path, line=error.lineno) from None
    except ValueError as error:
        raise DataError(f"is not JSON that can be read: it {error}", path=path) from None


def json_values(
    path: Path, problems: Problems, progress: Progress | None = None
) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Line and object of each line of a JSON Lines file; a line that is no object is reported."""
    with open_lines(path, progress) as text:
        for line, source in enumerate(text, 1):
            if not source.strip():
                continue
            try:
                value = parse_json_text(source.rstrip("\r\n"))
            except ValueError as error:
                reason = getattr(error, "msg", f"it {error}")
                column = getattr(error, "colno", 1)
                way = ""
                if source.rstrip().endswith("},"):
                    way = "; the line ends in a comma, which JSON Lines have not"
                problems.report("no JSON", f"column {column}: is not JSON: {reason}{way}", path, line)
                continue
            if isinstance(value, dict):
                yield line, value
            else:
                problems.report(
                    "not a JSON object", f"expected a JSON object, found {type(value).__name__}", path, line
                )


def is_lines(path: Path) -> bool:
    """True if a file holds an object in each line, whatever it is called."""
    if suffixes(path) not in {".jsonl", ".ndjson", ".json"}:
        return False
    with open_lines(path) as text:
        lines = [line for _, line in zip(range(50), text, strict=False)]
    filled = [line.strip() for line in lines if line.strip()]
    if not filled:
        raise DataError("has no rows", path=path)
    if suffixes(path) != ".json":
        return filled[0] != "[" and not (filled[0].startswith("[") and len(filled) == 1)
    return len(filled) > 1 and all(line.startswith("{") and line.endswith("}") for line in filled[:2])


def json_rows(path: Path, problems: Problems, *, rows: str | None = None, progress: Progress | None = None) -> JsonRows:
    """Names of the columns and rows with their lines, of JSON in any of the forms of tables.

    Raises:
        AmbiguousError: Several lists of rows are there.
        DataError: It is no JSON, or holds no rows.
    """
    if is_lines(path):
        found = list(json_values(path, problems, progress))
        if not found and not problems.total:
            raise DataError("has no rows", path=path)
        return _by_names([(line, row) for line, row in found])
    return rows_of_json(parse_json(path, progress), path, problems, rows=rows)


def rows_of_json(content: Any, path: Path, problems: Problems, *, rows: str | None = None) -> JsonRows:
    """See `json_rows`, of content that is parsed already."""
    if rows is not None:
        if not isinstance(content, Mapping) or rows not in content:
            keys = ", ".join(map(repr, content)) if isinstance(content, Mapping) else "none, it is not an object"
            raise DataError(f"has no key {rows!r}; its keys are: {keys}", path=path)
        content = content[rows]
    if isinstance(content, list):
        return _of_list(content, path)
    if not isinstance(content, Mapping) or not content:
        raise DataError("expected a JSON array of objects, or an object that contains one", path=path)
    split = content.get("columns"), content.get("data")
    if isinstance(split[0], list) and isinstance(split[1], list) and all(isinstance(row, list) for row in split[1]):
        return _of_list([split[0], *split[1]], path)
    lists = {key: value for key, value in content.items() if _is_rows(value)}
    if len(lists) > 1 and not _by_column(content):
        raise AmbiguousError(
            f"holds {len(lists)} lists of rows",
            path=path,
            readings=[(plural(len(value), "row"), f"rows={key}") for key, value in lists.items()],
        )
    if lists and not _by_column(content):
        key, found = next(iter(lists.items()))
        problems.decide(path, "rows", f"the {len(found)} objects of {key!r}", "the one list of objects", option="rows")
        return _of_list(found, path)
    if _by_column(content):
        return _of_columns(content)
    if all(isinstance(value, Mapping) for value in content.values()):
        problems.decide(path, "rows", f"the {len(content)} values of the object", "each key is an id")
        return _by_names([(None, row if "id" in row else {"id": key, **row}) for key, row in content.items()])
    if all(isinstance(value, list) and all(isinstance(v, str) for v in value) for value in content.values()):
        problems.decide(path, "rows", f"the {len(content)} values of the object", "each key is an id with its skills")
        return ("id", "skills"), [(None, [key, cell(value)]) for key, value in content.items()]
    inner = [key for key, value in content.items() if isinstance(value, Mapping)]
    if len(inner) == 1:
        return rows_of_json(content[inner[0]], path, problems)
    listed = ", ".join(map(repr, list(content)[:8]))
    raise DataError(f"is a JSON object with keys {listed}, none of which is a list of rows", path=path)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _by_column(content: Mapping[str, Any]) -> bool:
    """True if keys are names of columns and values all their cells."""
    named = sum(name_key(key) in _columns.KNOWN for key in content)
    values = list(content.values())
    if named < 2 or not all(isinstance(value, list | Mapping) for value in values):
        return False
    return len({len(value) for value in values}) == 1 and len({isinstance(value, list) for value in values}) == 1


def _of_columns(content: Mapping[str, Any]) -> JsonRows:
    columns = {key: value if isinstance(value, list) else list(value.values()) for key, value in content.items()}
    rows = zip(*columns.values(), strict=True)
    return tuple(columns), [(None, [cell(value) for value in row]) for row in rows]


def _of_list(content: Sequence[Any], path: Path) -> JsonRows:
    if content and all(isinstance(row, Mapping) for row in content):
        return _by_names([(None, row) for row in content])
    if (
        len(content) > 1
        and all(isinstance(row, list) for row in content)
        and all(isinstance(name, str) for name in content[0])
    ):
        names = tuple(name.strip() for name in content[0])
        wrong = next((row for row in content[1:] if len(row) != len(names)), None)
        if wrong is None:
            return names, [(None, [cell(value) for value in row]) for row in content[1:]]
    raise DataError("expected a JSON array of objects, one for each row", path=path)


def _by_names(found: Sequence[tuple[int | None, Mapping[str, Any]]]) -> JsonRows:
    names: dict[str, None] = {}
    for _, row in found:
        for name in row:
            names.setdefault(str(name))
    filled = sum(len(row) for _, row in found)
    if len(names) > limits().columns or len(names) * len(found) > max(_CELLS, 20 * filled):
        raise refused(f"has {len(names):,} columns: different keys in each of {len(found):,} rows", "columns")
    return tuple(names), [(line, [cell(row.get(name)) for name in names]) for line, row in found]
