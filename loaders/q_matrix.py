"""Q-matrices: a row for each item, a column for each skill, 1 where the item requires the skill."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder, Value
from loaders._dialect import name_key, read_flag
from loaders._ends import is_stray_summary, is_summary, summing_columns
from loaders._files import Progress
from loaders._reading import AmbiguousError, plural, quoted, stray_summary
from loaders._registry import Claim, Format, register
from loaders._report import Problems
from loaders._rows import TABLE_OPTIONS, Table, open_table, optional_column
from loaders._scores import SCALES
from loaders._source import Source
from loaders.companions import OPTIONS_OF
from loaders.errors import DataError
from loaders.outcomes import read_response_matrix

__all__ = ["OPTIONS", "read_q_matrix"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the item",
    "skill_columns": "the columns with skills: names separated by commas, with * for any letters, or first:last",
    "transposed": "yes if the table has a row for each skill and a column for each item",
    "responses": "response matrix: one row per respondent or model, one column per item",
    "scale": f"scale of the responses: {SCALES}",
    **TABLE_OPTIONS,
}
_NO = frozenset({"", "0", "0.0", "false", "no", "-", "n"})
_YES = {"true": 1.0, "yes": 1.0, "x": 1.0, "y": 1.0, "✓": 1.0, "✔": 1.0}
_OF_SKILLS = frozenset({"skill", "skills", "skill_id", "skill_name", "concept", "kc", "attribute", "competency"})
_ITEM = ("", "unnamed:_0", "rownames", "item_name", "item_no", "items", "item_label", *_columns.TEXT_ID)


def read_q_matrix(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    skill_columns: str | None = None,
    transposed: str | None = None,
    responses: str | Path | None = None,
    scale: str | None = None,
    response_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> None:
    """Add a Q-matrix, and the responses to its items.

    The item is in the column with a name for items (also one without a name, as statistics programs write row
    names), otherwise in the first column if that holds anything else than 0 and 1; if no column does, items are
    numbered (`item 1`, …). A column of 0 and 1 is a skill, one that holds text is a property of the items; a cell of a
    skill is 0 or 1, or the weight.

    Args:
        path: Any table, see `open_table`.
        builder: Takes texts, skills and requirements.
        text_column: See `OPTIONS`, likewise the others.
        skill_columns: See `OPTIONS`.
        transposed: See `OPTIONS`.
        responses: See `OPTIONS`.
        scale: See `OPTIONS`.
        response_options: Of `TABLE_OPTIONS`, for the responses.
        progress: Called with bytes read and all bytes.
        table: Of `TABLE_OPTIONS`.

    Raises:
        DataError: A cell that is no number, an item twice, or what `read_response_matrix` raises.
    """
    items: list[str] = []
    known = [text_column]
    with open_table(path, builder.problems, progress=progress, known=known, ids=known, **table) as as_written:
        opened, rows = as_written, list(as_written.rows)
        if read_flag(transposed, "transposed"):
            opened, rows = _turned(opened, rows)
        place = _item_column(opened, rows, text_column)
        skills, beside = _skill_columns(opened, rows, place, skill_columns, builder.problems)
        listed = quoted([name for _, name in skills])
        problems = builder.problems
        problems.decide(
            path, "columns",
            f"{plural(len(skills), 'skill')}: {listed}; "
            + (f"items from column {opened.header[place] or '(no name)'!r}" if place is not None else "items numbered"),
            f"{quoted([name for _, name in beside])} as properties" if beside else "", option="skill_columns",
            columns=(*(((opened.header[place], "text"),) if place is not None else ()),
                     *((opened.header[at], "skill") for at, _ in skills),
                     *((opened.header[at], "property") for at, _ in beside)),
        )  # fmt: skip
        if place is not None and text_column is None and name_key(opened.header[place]) in _OF_SKILLS:
            raise AmbiguousError(
                f"its rows are called {opened.header[place]!r}, so it may have a row for each skill and a column for "
                "each text",
                path=path,
                readings=[
                    ("rows are skills", "transposed=yes"), ("rows are texts", f"text_column={opened.header[place]}")
                ],
            )  # fmt: skip
        if place is not None and text_column is None and name_key(opened.header[place]) in _OF_STUDENTS:
            raise DataError(
                f"its rows are called {opened.header[place]!r}, so they are answers and say nothing of skills; load "
                f"the table of items and skills, and give this one with it as responses={path.name}; if its rows are "
                f"items after all, use text_column={opened.header[place]}",
                path=path,
            )
        for at, name in skills:
            if builder.known_skill(name, path, 1, f"{at + 1}"):
                builder.skill(name)
        seen: set[str] = set()
        for number, (line, values) in enumerate(rows, 1):
            item = f"item {number}" if place is None else values[place].strip()
            if item and opened.is_missing(item):
                problems.decide(path, "missing values", "rows left out", f"{item!r} is no item", option="missing")
                continue
            if opened.missing is None and not opened.all_data and place is not None and is_summary(item):
                others = [values[place] for _, values in rows]
                if is_stray_summary(item, [values[at].strip() for at, _ in skills], others):
                    error = stray_summary(item, path, line)
                    if not problems.lenient:
                        raise error
                    problems.report("sum of others", error.seen, path, line)
                    continue
            if not builder.known_text(item, path, line, "item" if place is None else opened.header[place]):
                continue
            if item in seen:
                problems.report("second id", f"item {item!r} occurs twice; ids must be unique", path, line)
                continue
            seen.add(item)
            items.append(item)
            properties: dict[str, Value] = {
                name: values[at] for at, name in beside if not opened.is_missing(values[at])
            }
            builder.text(item, properties)
            for at, name in skills:
                if not opened.is_missing(values[at]):
                    _add_cell(builder, item, name, values[at], path, line)
    if responses is not None:
        with builder.problems.beside("responses", OPTIONS_OF["responses"]):
            read_response_matrix(Path(responses), builder, items, scale=scale or "auto", progress=progress,
                                 **(response_options or {}))  # fmt: skip


Rows = Sequence[tuple[int | None, list[str]]]


def _turned(table: Table, rows: Rows) -> tuple[Table, list[tuple[int | None, list[str]]]]:
    """The table with a row for each of its columns; the first column names the skills."""
    names = ("item", *(values[0].strip() for _, values in rows))
    turned = [[name, *(values[at] for _, values in rows)] for at, name in enumerate(table.header) if at]
    return replace(table, header=names, sample=tuple(map(tuple, turned)), dialect=None), [(None, row) for row in turned]


def _item_column(table: Table, rows: Rows, given: str | None) -> int | None:
    header = table.header
    known = [name for name in _ITEM if name or not (table.index == 0 and _named_item(header))]
    found = optional_column(header, known if table.named else (), given, table.path)
    if found is not None:
        return found
    first = [values[0] for _, values in rows]
    return 0 if any(_cell(value) is None for value in first) and len(set(first)) == len(first) else None


def _named_item(header: Sequence[str]) -> bool:
    keys = {name_key(name) for name in header[1:]}
    return not keys.isdisjoint(_columns.TEXT_ID)


def _skill_columns(
    table: Table, rows: Rows, place: int | None, given: str | None, problems: Problems
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Columns with skills, and the others with what they are called as properties."""
    header = table.header
    names = [(at, name if table.named and name else f"skill {at + 1}") for at, name in enumerate(header) if at != place]
    if not table.named and place is not None:
        names = [(at, f"skill {number}") for number, (at, _) in enumerate(names, 1)]
    names = [(at, name) for at, name in names if at != table.index or at == place]
    if given is not None:
        chosen = _chosen(given, header, table.path)
        return [(at, name) for at, name in names if at in chosen], _meanings(
            [(at, name) for at, name in names if at not in chosen]
        )
    cells = {
        at: [values[at] for _, values in rows if values[at].strip() and not table.is_missing(values[at])]
        for at, _ in names
    }
    text = [at for at, values in cells.items() if values and all(_cell(value) is None for value in values)]
    numbers = [
        at
        for at, values in cells.items()
        if at not in text and values and sum((_cell(value) or 0) > 1 for value in values) > len(values) / 2
    ]
    if text and numbers:
        flags = [name for at, name in names if at not in text and at not in numbers]
        raise DataError(
            f"column {header[numbers[0]]!r} may hold weights of a skill or a property; name the columns of skills with "
            f"skill_columns, such as skill_columns={flags[0] if flags else 'FIRST'}:{flags[-1] if flags else 'LAST'}",
            path=table.path,
        )
    marks = {
        at: [0.0 if table.is_missing(values[at]) else _cell(values[at]) for _, values in rows]
        for at, _ in names
        if at not in text
    }
    _refuse_codes(table, marks)
    sums = summing_columns(marks)
    for at in sums:
        problems.decide(table.path, "column", f"{header[at]!r} is a property", "it adds up the skills of each row",
                        option="skill_columns")  # fmt: skip
    doubtful = next((at for at in marks if at not in sums and _may_sum_up(header[at], at, marks)), None)
    if doubtful is not None:
        skills = [header[at] for at in marks if at != doubtful]
        raise AmbiguousError(
            f"column {header[doubtful]!r} may be a skill, or sum up the others",
            path=table.path,
            readings=[
                ("it sums up", f"skill_columns={','.join(skills)}"),
                ("it is a skill", f"skill_columns={','.join(header[at] for at in marks)}"),
            ],
        )
    if text and len(text) == len(names):
        raise DataError(
            "no column holds 0 and 1; name the columns of skills with skill_columns, or choose the format with "
            "--format",
            path=table.path,
        )
    return [(at, name) for at, name in names if at not in text and at not in sums], _meanings(
        [(at, name) for at, name in names if at in text or at in sums]
    )


def _refuse_codes(table: Table, marks: Mapping[int, Sequence[float | None]]) -> None:
    """Refuse cells that are mostly 0 and 1 with a few codes for missing ones, and skills that are coded 1 and 2."""
    cells = [value for column in marks.values() for value in column if value is not None]
    counts = Counter(cells)
    codes = {7.0, 8.0, 9.0, 77.0, 88.0, 98.0, 99.0, 999.0} & counts.keys()
    if (
        table.missing is None
        and len(codes) == 1
        and counts.keys() <= {0.0, 1.0, *codes}
        and counts[min(codes)] < len(cells) / 4
    ):
        code = f"{min(codes):g}"
        raise AmbiguousError(
            f"cells are 0 and 1, and {plural(counts[float(code)], 'is', 'are')} {code}",
            path=table.path,
            readings=[("missing", f"missing={code}"), ("a weight", "missing=none")],
        )
    if set(counts) == {1.0, 2.0} and len(marks) > 1 and len(cells) > 3:
        raise DataError(
            "every cell is 1 or 2, so that every item would require every skill; write 0 where it does not, and 1 "
            "where it does",
            path=table.path,
        )


def _may_sum_up(name: str, place: int, marks: Mapping[int, Sequence[float | None]]) -> bool:
    """True if a column is called Total or the like, and its marks are not those of a skill, or fit both."""
    own = [value or 0.0 for value in marks[place]]
    if not is_summary(name) or len(marks) < 3 or not own:
        return False
    others = [column for at, column in marks.items() if at != place]
    return max(own) > 1 or all(
        abs(value - sum(column[row] or 0.0 for column in others)) < 1e-9 for row, value in enumerate(own)
    )


def _meanings(beside: list[tuple[int, str]]) -> list[tuple[int, str]]:
    names = [name for _, name in beside]
    taken: dict[int, str] = {}
    for meaning, known in (("title", _columns.TEXT_TITLE), ("class", _columns.TEXT_CLASS)):
        keys = [name_key(name) for name in names]
        found = next((keys.index(key) for key in known if key in keys and keys.index(key) not in taken), None)
        if found is not None:
            taken[found] = meaning
    return [(at, taken.get(number, name)) for number, (at, name) in enumerate(beside)]


def _chosen(given: str, header: Sequence[str], path: Path) -> set[int]:
    chosen: set[int] = set()
    for part in (part.strip() for part in given.split(",")):
        first, colon, last = part.partition(":")
        found = {at for at, name in enumerate(header) if fnmatchcase(name, part)}
        if not found and colon:
            ends = [optional_column(header, (), end.strip(), path) for end in (first, last)]
            found = set(range(ends[0] or 0, (ends[1] or 0) + 1))
        if not found:
            raise DataError(f"has no column {part!r}; its columns are: {quoted(header, 20)}", path=path)
        chosen |= found
    return chosen


def _add_cell(builder: Builder, item: str, skill: str, value: str, path: Path, line: int | None) -> None:
    weight = _cell(value)
    if weight is None:
        builder.problems.report(
            "not an entry of a Q-matrix",
            f"column {skill!r}: {value!r} must be 0, 1 or a positive weight; name the columns of skills with "
            f"skill_columns if this is not one of them, or use missing={value.strip()}",
            path,
            line,
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


_OF_STUDENTS = frozenset({*_columns.STUDENT, *_columns.MODEL} - {*_columns.TEXT_ID})
_FLAGS = frozenset({*_NO, *_YES, "1", "1.0"})


def _claims(source: Source) -> Claim | None:
    table = source.table
    if source.is_dir or table is None or len(table.header) < 2 or not table.sample:
        return None
    flags = [
        at
        for at in range(len(table.header))
        if all(value.strip().lower() in _FLAGS for value in table.column(at)) and any(table.column(at))
    ]
    totals = [at for at, name in enumerate(table.header) if at not in flags and is_summary(name)]
    others = [at for at in range(len(table.header)) if at not in (*flags, *totals) and at != table.index]
    if not table.named or not table.header[0]:
        if len(flags) >= 2 and len(others) <= 1:
            return Claim(41, "a matrix of 0 and 1")
        return None
    if len(flags) > 1 and len(flags) >= len(table.header) - len(totals) - 1:
        return Claim(40, "a column of 0 and 1 for each skill")
    text = [at for at in others if all(_cell(value) is None for value in table.column(at) if value)]
    named = not source.keys.isdisjoint(_columns.TEXT_ID)
    if named and len(flags) >= 3 and len(text) + 1 >= len(others):
        return Claim(39, f"{len(flags)} columns of 0 and 1 beside {quoted([table.header[at] for at in others])}")
    if re.search(r"q[-_]?matrix", source.path.name.lower()) and flags:
        return Claim(45, "its name")
    return None


register(
    Format(
        "q-matrix",
        "table with a row for each item and a column for each skill",
        read_q_matrix,
        OPTIONS,
        claims=_claims,
        requirements=True,
    )
)
