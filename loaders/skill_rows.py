"""One text a row with the skills it requires: CSV, TSV or JSON Lines.

Skills are a JSON array, or names joined by a separator; in JSON also objects with a weight.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders import _columns
from loaders._builder import Builder, Value
from loaders._files import Progress, read_text, suffixes
from loaders._rows import find_column, json_lines, name_key, open_table, optional_column
from loaders.errors import DataError

__all__ = ["OPTIONS", "parse_skills", "read_skill_rows"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the id of the text",
    "skills_column": "name of the column with its skills",
    "class_column": "name of the column with its class",
    "separator": "what stands between skills that are no JSON array; found out if not given",
    "delimiter": "CSV: one character, or tab, comma, semicolon, pipe, space",
}
_SEPARATORS = (";", "|", "\n", ",")
_MAX_PROPERTY = 1 << 16


def parse_skills(value: Any, separator: str | None = None) -> list[tuple[str, float]]:
    """Skills with weights from any of the ways they are written; each once, in order.

    Args:
        value: Text (a JSON array or joined names), a list of names or objects, or an object from name to weight.
        separator: See `OPTIONS`.

    Raises:
        ValueError: It is none of these; the message says what is wrong.

    >>> parse_skills('["for loop", "a, b"]')
    [('for loop', 1.0), ('a, b', 1.0)]
    >>> parse_skills("sets; graphs;; sets")
    [('sets', 1.0), ('graphs', 1.0)]
    >>> parse_skills({"sets": 2, "graphs": 0.5})
    [('sets', 2.0), ('graphs', 0.5)]
    """
    if isinstance(value, str):
        text = value.strip()
        if separator is None and text.startswith(("[", "{")):
            try:
                return parse_skills(json.loads(text))
            except json.JSONDecodeError as error:
                raise ValueError(f"no JSON array: {error.msg} at character {error.pos + 1}") from None
            except RecursionError:
                raise ValueError("no JSON array: nested too deeply") from None
        mark = separator or next((mark for mark in _SEPARATORS if mark in text), ";")
        return _distinct((name, 1.0) for name in text.split(mark))
    if isinstance(value, Mapping):
        return _distinct((str(name), _weight(weight)) for name, weight in value.items())
    if isinstance(value, list):
        return _distinct(map(_entry, value))
    if value is None:
        return []
    raise ValueError(f"expected names of skills, found {type(value).__name__}")


def _distinct(found: Iterator[tuple[str, float]]) -> list[tuple[str, float]]:
    skills: dict[str, float] = {}
    for name, weight in found:
        if name.strip():
            skills.setdefault(name.strip(), weight)
    return list(skills.items())


def _entry(entry: Any) -> tuple[str, float]:
    if isinstance(entry, Mapping):
        name = next((entry[key] for key in ("skill_id", "skill", "id", "name") if key in entry), None)
        if name is None:
            raise ValueError("expected a skill as an object with id or name")
        return str(name), _weight(entry.get("weight", 1.0))
    if isinstance(entry, str | int | float) and not isinstance(entry, bool):
        return str(entry), 1.0
    raise ValueError(f"expected the name of a skill, found {json.dumps(entry)[:40]}")


def _weight(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"weight {value!r} must be a positive number")
    return float(value)


def read_skill_rows(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    skills_column: str | None = None,
    class_column: str | None = None,
    separator: str | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add a row's text with its skills; the other columns become properties of the text.

    Args:
        path: CSV, TSV, JSON Lines, or a JSON array of objects; plain, gzip or zstd.
        builder: Takes texts and requirements. Skills must be known if they are listed somewhere.
        text_column: See `OPTIONS`, likewise the other columns.
        skills_column: See `OPTIONS`.
        class_column: See `OPTIONS`.
        separator: See `OPTIONS`.
        delimiter: See `OPTIONS`.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: A missing column, an empty or a second id, skills that are neither an array nor text.
    """
    given = (text_column, skills_column, class_column)
    if suffixes(path) in {".jsonl", ".ndjson", ".json"}:
        _read_objects(path, builder, given, separator, progress)
        return
    seen: set[str] = set()
    with open_table(path, builder.problems, delimiter=delimiter, progress=progress) as table:
        columns = _columns_of(table.header, given, path)
        for line, values in table.rows:
            row = dict(zip(table.header, values, strict=True))
            _add(path, line, row, columns, separator, builder, seen)


def _columns_of(
    header: Sequence[str], given: tuple[str | None, str | None, str | None], path: Path
) -> tuple[str, str, dict[str, str]]:
    """Names of the columns with id and skills, and what the others are called as properties."""
    text, skills, kind = given
    skills_name = header[find_column(header, _columns.SKILLS, skills, path, what="the skills", option="skills_column")]
    others = [name for name in header if name != skills_name]
    text_name = others[
        find_column(others, _columns.TEXT_ID, text, path, what="the id of the text", option="text_column")
    ]
    properties: dict[str, str] = {}
    for meaning, known, name in (("class", _columns.TEXT_CLASS, kind), ("title", _columns.TEXT_TITLE, None)):
        place = optional_column(others, known, name, path)
        if place is not None and others[place] != text_name:
            properties.setdefault(others[place], meaning)
    for name in others:
        if name and name != text_name and name not in properties and name not in properties.values():
            properties[name] = name
    return text_name, skills_name, properties


def _read_objects(
    path: Path,
    builder: Builder,
    given: tuple[str | None, str | None, str | None],
    separator: str | None,
    progress: Progress | None,
) -> None:
    seen: set[str] = set()
    columns: dict[tuple[str, ...], tuple[str, str, dict[str, str]]] = {}
    for line, row in _objects(path, builder, progress):
        header = tuple(row)
        if header not in columns:
            try:
                columns[header] = _columns_of(header, given, path)
            except DataError as error:
                message = str(error).removeprefix(f"{path}: ").replace("columns", "keys").replace("column ", "key ")
                builder.problems.report("missing key", message, path, line)
                continue
        _add(path, line, row, columns[header], separator, builder, seen)


def _objects(path: Path, builder: Builder, progress: Progress | None) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    if suffixes(path) != ".json":
        yield from json_lines(path, builder.problems, progress)
        return
    try:
        rows = json.loads(read_text(path, progress))
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        raise DataError(f"is no JSON: {error}", path=path) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError("expected a JSON array of objects, one for each text", path=path)
    yield from ((None, row) for row in rows)


def _add(
    path: Path,
    line: int | None,
    row: Mapping[str, Any],
    columns: tuple[str, str, dict[str, str]],
    separator: str | None,
    builder: Builder,
    seen: set[str],
) -> None:
    text_name, skills_name, names = columns
    text = str(row[text_name]).strip() if row[text_name] is not None else ""
    if not builder.known_text(text, path, line, text_name):
        return
    if text in seen:
        builder.problems.report("second id", f"text {text!r} occurs twice; ids must be unique", path, line)
        return
    try:
        skills = parse_skills(row[skills_name], separator)
    except ValueError as error:
        builder.problems.report("no skills", f"column {skills_name!r}: {error}", path, line)
        return
    if not all(builder.known_skill(skill, path, line, skills_name) for skill, _ in skills):
        return
    seen.add(text)
    builder.text(text, {meaning: _property(row[name]) for name, meaning in names.items()})
    for skill, weight in skills:
        builder.require(text, skill, weight)


def _property(value: Any) -> Value:
    """Scalars as they are; lists and objects, which no store keeps, as JSON text; very long text is cut."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_PROPERTY else value[:_MAX_PROPERTY]
    if value is None or isinstance(value, int | float | bool):
        return value
    return json.dumps(value, ensure_ascii=False)[:_MAX_PROPERTY]


def has_skill_rows(names: Sequence[str]) -> bool:
    """True if there is a column of skills and one for the id of a text."""
    keys = {name_key(name) for name in names}
    return not keys.isdisjoint(_columns.SKILLS) and not keys.isdisjoint(_columns.TEXT_ID)
