"""Rows of JSON in the forms that tables are written in: lines, an array, wrapped in an object, by id, by column."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders import _columns
from loaders._dialect import name_key, read_flag
from loaders._files import Progress, open_lines, read_text, suffixes
from loaders._reading import AmbiguousError, plural
from loaders._report import Problems
from loaders.errors import DataError
from loaders.gate import RepeatedKeyError, limits, refused
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
        DataError: It is no JSON, or an object has a key twice; the message has line and column.
    """
    text = read_text(path, progress)
    try:
        return parse_json_text(text)
    except json.JSONDecodeError as error:
        way = ""
        if error.msg == "Extra data" and text[error.pos : error.pos + 1] in "{[":
            way = "; several values follow one another: write each in a line of its own, as .jsonl"
        if text[: error.pos].rstrip().endswith(",") and text[error.pos : error.pos + 1] in {"]", "}"}:
            way = "; remove the comma before it"
        elif text[error.pos : error.pos + 1] == "'":
            way = "; its values are in single quotes, as Python prints them: write it with json.dumps"
        elif text[error.pos : error.pos + 2] in {"//", "/*"} or text[error.pos : error.pos + 1] == "#":
            way = "; JSON has no comments: remove them"
        elif not text[error.pos :].strip():
            way = "; the file ends before the JSON does, as a download that was cut off"
        raise DataError(f"column {error.colno}: is not JSON: {error.msg}{way}", path=path, line=error.lineno) from None
    except RepeatedKeyError as error:
        raise DataError(f"column {error.column}: {error}", path=path, line=error.line) from None
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
            except RepeatedKeyError as error:
                problems.report("key twice", f"column {error.column}: {error}", path, line)
                continue
            except ValueError as error:
                reason = getattr(error, "msg", f"it {error}")
                column = getattr(error, "colno", 1)
                way = ""
                rest = source[column - 1 :].lstrip()
                if reason == "Extra data" and rest.startswith("{"):
                    way = "; each object must have a line of its own"
                elif source.strip() in {"{", "["} or (line == 1 and not source.rstrip().endswith("}")):
                    way = "; each object must be in one line; if they go over several, write one array, as .json"
                elif rest.startswith("'"):
                    way = "; its values are in single quotes, as Python prints them: write it with json.dumps"
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


def json_rows(
    path: Path,
    problems: Problems,
    *,
    rows: str | None = None,
    progress: Progress | None = None,
    header: str | bool | None = None,
    known: Iterable[str | None] = (),
) -> JsonRows:
    """Names of the columns and rows with their lines, of JSON in any of the forms of tables.

    Args:
        path: The file.
        problems: Where decisions are noted.
        rows: Key of the list of rows.
        progress: Called with bytes read and all bytes.
        header: Whether the first of rows that are arrays holds names.
        known: Columns that the user named; one such as `metadata.skills` lies within an object.

    Raises:
        AmbiguousError: Several lists of rows are there.
        DataError: It is no JSON, or holds no rows.
    """
    if is_lines(path):
        found = list(json_values(path, problems, progress))
        if not found and not problems.total:
            raise DataError("has no rows", path=path)
        return rows_with_lines(found, path, problems, known=known)
    return rows_of_json(parse_json(path, progress), path, problems, rows=rows, header=header, known=known)


def rows_with_lines(
    found: Sequence[tuple[int | None, Mapping[str, Any]]],
    path: Path,
    problems: Problems,
    *,
    known: Iterable[str | None] = (),
) -> JsonRows:
    """Objects as rows of a table; what lies within an object is a column of its own if it holds the skills.

    Raises:
        AmbiguousError: Skills lie within several objects.
    """
    paths = [name for name in known if name is not None and "." in name and not any(name in row for _, row in found)]
    keys = {name_key(str(key)) for _, row in found for key in row}
    if not paths and keys.isdisjoint({*_columns.SKILLS, *_columns.SKILL}):
        paths = _paths_to_skills([row for _, row in found[:500]])
        if len(paths) > 1:
            raise AmbiguousError(
                "skills may lie within several objects", path=path,
                readings=[(f"in {way!r}", f"skills_column={way}") for way in paths],
            )  # fmt: skip
        if paths:
            problems.decide(path, "skills", f"in {paths[0]!r}", "no column beside it holds any", option="skills_column")
            name = paths[0].rpartition(".")[2]
            return _by_names([(line, {**row, name: _within(row, paths[0])}) for line, row in found])
    return _by_names([(line, {**row, **{way: _within(row, way) for way in paths}}) for line, row in found])


def _within(row: Any, way: str) -> Any:
    """What lies at a path such as `metadata.skills`; None if there is nothing.

    >>> _within({"a": {"b": [1]}}, "a.b")
    [1]
    """
    for key in way.split("."):
        row = row.get(key) if isinstance(row, Mapping) else None
    return row


def _paths_to_skills(rows: Sequence[Mapping[str, Any]], deepest: int = 3) -> list[str]:
    found: dict[str, None] = {}

    def look(value: Any, way: str, depth: int) -> None:
        for key, inner in value.items():
            if depth and name_key(str(key)) in _columns.SKILLS and isinstance(inner, list | str | Mapping):
                found.setdefault(f"{way}{key}")
            elif isinstance(inner, Mapping) and depth < deepest and "." not in str(key):
                look(inner, f"{way}{key}.", depth + 1)

    for row in rows:
        look(row, "", 0)
    return list(found)


def rows_of_json(
    content: Any,
    path: Path,
    problems: Problems,
    *,
    rows: str | None = None,
    header: str | bool | None = None,
    known: Iterable[str | None] = (),
) -> JsonRows:
    """See `json_rows`, of content that is parsed already."""
    if rows is not None:
        if not isinstance(content, Mapping) or rows not in content:
            keys = ", ".join(map(repr, content)) if isinstance(content, Mapping) else "none, it is not an object"
            raise DataError(f"has no key {rows!r}; its keys are: {keys}", path=path)
        content = content[rows]
    if isinstance(content, list):
        return _of_list(content, path, problems, header, known)
    if not isinstance(content, Mapping) or not content:
        raise DataError("expected a JSON array of objects, or an object that contains one", path=path)
    split = content.get("columns"), content.get("data")
    if isinstance(split[0], list) and isinstance(split[1], list) and all(isinstance(row, list) for row in split[1]):
        return _of_list([split[0], *split[1]], path, problems, header=True)
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
        return _of_list(found, path, problems, header, known)
    inside = _only_holder(content)
    if inside is not None:
        problems.decide(path, "rows", f"in {inside!r}", "the one object that holds a list of rows", option="rows")
        return rows_of_json(content[inside], path, problems, header=header, known=known)
    if _by_column(content):
        return _of_columns(content)
    if all(isinstance(value, Mapping) for value in content.values()):
        problems.decide(path, "rows", f"the {len(content)} values of the object", "each key is an id")
        by_id = [(None, row if "id" in row else {"id": key, **row}) for key, row in content.items()]
        return rows_with_lines(by_id, path, problems, known=known)
    if all(isinstance(value, list) and all(isinstance(v, str) for v in value) for value in content.values()):
        problems.decide(path, "rows", f"the {len(content)} values of the object", "each key is an id with a list: a "
                        "text with its skills or, with --format skill-texts, a skill with its texts")  # fmt: skip
        return ("id", "skills"), [(None, [key, cell(value)]) for key, value in content.items()]
    inner = [key for key, value in content.items() if isinstance(value, Mapping)]
    if len(inner) == 1:
        return rows_of_json(content[inner[0]], path, problems, known=known)
    listed = ", ".join(map(repr, list(content)[:8]))
    raise DataError(f"is a JSON object with keys {listed}, none of which is a list of rows", path=path)


def _only_holder(content: Mapping[str, Any]) -> str | None:
    """The one key of an object whose value is an object with a list of rows; None for rows by id."""
    if len(content) != 1:
        return None
    key, inner = next(iter(content.items()))
    if not isinstance(inner, Mapping) or any(name_key(str(name)) in _columns.KNOWN for name in inner):
        return None
    return key if any(_is_rows(value) for value in inner.values()) else None


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


def _of_list(
    content: Sequence[Any],
    path: Path,
    problems: Problems,
    header: str | bool | None = None,
    known: Iterable[str | None] = (),
) -> JsonRows:
    if content and all(isinstance(row, Mapping) for row in content):
        return rows_with_lines([(None, row) for row in content], path, problems, known=known)
    content = _with_names(content, path, problems, header)
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


def _with_names(content: Sequence[Any], path: Path, problems: Problems, header: str | bool | None) -> Sequence[Any]:
    """Rows that are arrays, the first of which holds the names of the columns."""
    width = len(content[0]) if content and isinstance(content[0], list) else 0
    if width not in {2, 3} or not all(isinstance(row, list) and len(row) == width for row in content):
        return content
    names = read_flag(header, "header")
    if names is None and any(name_key(str(name)) in _columns.KNOWN for name in content[0]):
        return content
    weighted = width == 3 and all(isinstance(row[2], int | float) for row in content)
    if (
        names
        or not all(isinstance(value, str | int) for row in content for value in row[:2])
        or (width == 3 and not weighted)
    ):
        return content
    below = [{row[at] for row in content[1:]} for at in range(2)]
    if names is None and not weighted and not any(content[0][at] in below[at] for at in range(2)):
        raise AmbiguousError(
            f"the first row, {json.dumps(content[0], ensure_ascii=False)[:60]}, may hold names of columns or data",
            path=path,
            readings=[("it is data", "header=no"), ("it holds names", "header=yes")],
        )
    columns = ["text", "skill", "weight"][:width]
    problems.decide(path, "rows", f"{plural(len(content), 'array')} of a {', a '.join(columns)}",
                    "the first row is data", option="header")  # fmt: skip
    return [columns, *content]


def _by_names(found: Sequence[tuple[int | None, Mapping[str, Any]]]) -> JsonRows:
    names: dict[str, None] = {}
    for _, row in found:
        for name in row:
            names.setdefault(str(name))
    filled = sum(len(row) for _, row in found)
    if len(names) > limits().columns or len(names) * len(found) > max(_CELLS, 20 * filled):
        raise refused(f"has {len(names):,} columns: different keys in each of {len(found):,} rows", "columns")
    return tuple(names), [(line, [cell(row.get(name)) for name in names]) for line, row in found]
