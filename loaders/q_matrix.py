"""Q-matrices: a row for each item, a column for each skill, 1 where the item requires the skill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder
from loaders._files import Progress
from loaders._rows import open_table, optional_column
from loaders.outcomes import read_response_matrix

__all__ = ["OPTIONS", "read_q_matrix"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the item",
    "responses": "response matrix: a row for each respondent or model, a column for each item",
    "delimiter": "one character, or tab, comma, semicolon, pipe, space",
}
_NO = frozenset({"", "0", "0.0", "false", "no"})
_YES = {"true": 1.0, "yes": 1.0, "x": 1.0}


def read_q_matrix(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    responses: str | Path | None = None,
    scale: str = "auto",
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add a Q-matrix, and the responses to its items.

    The item is in the column with a name for items (also one without a name, as statistics programs write row
    names), otherwise in the first column if that holds anything else than 0 and 1; if no column does, items are
    numbered (`item 1`, …). Every other column is a skill; a cell is 0 or 1, or the weight.

    Args:
        path: CSV or TSV.
        builder: Takes texts, skills and requirements.
        text_column: See `OPTIONS`, likewise the others.
        responses: See `OPTIONS`.
        scale: Scores of the responses, see `read_outcomes`.
        delimiter: See `OPTIONS`.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: A cell that is no number, an item twice, or what `read_response_matrix` raises.
    """
    items: list[str] = []
    with open_table(path, builder.problems, delimiter=delimiter, progress=progress) as table:
        rows = list(table.rows)
        place = _item_column(table.header, rows, text_column, path)
        skills = [(at, name or f"skill {at + 1}") for at, name in enumerate(table.header) if at != place]
        for at, name in skills:
            if builder.known_skill(name, path, 1, f"{at + 1}"):
                builder.skill(name)
        seen: set[str] = set()
        for number, (line, values) in enumerate(rows, 1):
            item = f"item {number}" if place is None else values[place].strip()
            if not builder.known_text(item, path, line, "item"):
                continue
            if item in seen:
                builder.problems.report("second id", f"item {item!r} occurs twice; ids must be unique", path, line)
                continue
            seen.add(item)
            items.append(item)
            builder.text(item)
            for at, name in skills:
                _add_cell(builder, item, name, values[at], path, line)
    if responses is not None:
        read_response_matrix(Path(responses), builder, items, scale=scale, delimiter=delimiter, progress=progress)


def _item_column(
    header: tuple[str, ...], rows: list[tuple[int, list[str]]], given: str | None, path: Path
) -> int | None:
    found = optional_column(header, ("", *_columns.TEXT_ID), given, path)
    if found is not None:
        return found
    return 0 if any(_cell(values[0]) is None for _, values in rows) else None


def _add_cell(builder: Builder, item: str, skill: str, value: str, path: Path, line: int) -> None:
    weight = _cell(value)
    if weight is None:
        builder.problems.report(
            "no entry of a Q-matrix", f"column {skill!r}: {value!r} must be 0, 1 or a positive weight", path, line
        )
    elif weight > 0 and skill in builder.skill_ids:
        builder.require(item, skill, weight)


def _cell(value: str) -> float | None:
    text = value.strip().lower()
    if text in _NO:
        return 0.0
    if text in _YES:
        return 1.0
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if math.isfinite(weight) and weight >= 0 else None
