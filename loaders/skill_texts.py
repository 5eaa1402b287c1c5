"""One skill a row with the texts that require it: a table whose column of texts holds lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder
from loaders._dialect import name_key
from loaders._files import Progress
from loaders._lists import is_list, list_reader
from loaders._reading import plural
from loaders._registry import Claim, Format, register
from loaders._rows import (
    TABLE_OPTIONS,
    Table,
    find_column,
    open_table,
    optional_column,
    property_columns,
    refuse_lists,
    report_doubtful,
)
from loaders._source import Source

__all__ = ["OPTIONS", "read_skill_texts"]

OPTIONS: Mapping[str, str] = {
    "skill_column": "name of the column with the id of the skill",
    "texts_column": "name of the column with the texts that require it",
    "class_column": "name of the column with the class of the skill",
    "name_column": "name of the column with the name of the skill",
    "separator": "what stands between texts: a mark or its name, or none for one text per cell",
    **TABLE_OPTIONS,
}
_TEXTS = ("texts", "text_ids", "items", "item_ids", "tasks", "task_ids", "problems", "problem_ids", "questions",
          "question_ids", "documents", "document_ids", "doc_ids", "docs", "exercises", "functions")  # fmt: skip


def read_skill_texts(
    path: Path,
    builder: Builder,
    *,
    skill_column: str | None = None,
    texts_column: str | None = None,
    class_column: str | None = None,
    name_column: str | None = None,
    separator: str | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> None:
    """Add a row's skill as a requirement of each of its texts; the other columns become properties of the skill.

    Of several rows of a skill, each adds its texts.

    Args:
        path: Any table, see `open_table`.
        builder: Takes skills and requirements. Texts must be known if they are listed somewhere.
        skill_column: See `OPTIONS`, likewise the other columns.
        texts_column: See `OPTIONS`. In a table of two columns it is the other one.
        class_column: See `OPTIONS`.
        name_column: See `OPTIONS`.
        separator: See `OPTIONS`.
        progress: Called with bytes read and all bytes.
        table: Of `TABLE_OPTIONS`.

    Raises:
        DataError: A missing column, an empty id, a skill that is a list or has two values of a property, texts that are
            neither an array nor text.
    """
    known = [skill_column, texts_column, class_column, name_column]
    with open_table(
        path, builder.problems, progress=progress, known=known, ids=[skill_column, texts_column], **table
    ) as opened:
        skill_at, texts_at = _places(opened, skill_column, texts_column)
        beside = property_columns(opened, skill_at, {texts_at}, (
            ("class", _columns.SKILL_CLASS, class_column), ("name", _columns.SKILL_NAME, name_column),
        ))  # fmt: skip
        column = opened.header[texts_at]
        rows = list(opened.rows)
        cells = [values[texts_at] for _, values in rows if not opened.is_missing(values[texts_at])]
        read = list_reader(cells, separator, path=path, column=column, problems=builder.problems, option="separator",
                           typed=opened.dialect is None)  # fmt: skip
        refuse_lists(opened, skill_at)
        builder.problems.decide(
            path, "columns", f"skills from column {opened.header[skill_at]!r}, their texts from {column!r}",
            option="skill_column",
            columns=((opened.header[skill_at], "skill"), (column, "texts"),
                     *((opened.header[at], {"name": "skill name", "class": "class"}.get(meaning, "property"))
                       for at, meaning in beside.items())),
        )  # fmt: skip
        absent = without = 0
        told: dict[str, dict[str, str]] = {}
        for line, values in rows:
            skill = values[skill_at].strip()
            if opened.is_missing(skill) or opened.is_missing(values[texts_at]):
                absent += 1
                continue
            doubtful = next((at for at in (skill_at, texts_at) if opened.is_doubtful(values[at])), None)
            if doubtful is not None:
                report_doubtful(opened, builder.problems, doubtful, values[doubtful].strip(), line)
                continue
            if not builder.known_skill(skill, path, line, opened.header[skill_at]):
                continue
            try:
                texts = [(text, weight) for text, weight in read(values[texts_at]) if not opened.is_missing(text)]
            except ValueError as error:
                builder.problems.report("no texts", f"column {column!r}: {error}", path, line)
                continue
            if not all(builder.known_text(text, path, line, column) for text, _ in texts):
                continue
            without += not texts
            said = {meaning: values[at].strip() for at, meaning in beside.items() if values[at].strip()}
            other = next((f"{k} {before[k]!r} and {v!r}" for before in (told.get(skill, {}),) for k, v in said.items()
                          if before.get(k, v) != v), None)  # fmt: skip
            if other is not None:
                builder.problems.report("second value", f"skill {skill!r} has {other}: give it one", path, line)
                continue
            told.setdefault(skill, {}).update(said)
            builder.skill(skill, said)
            for text, weight in texts:
                builder.require(text, skill, weight)
        if without:
            builder.problems.decide(path, "skills without texts", plural(without, "skill"), f"nothing in {column!r}")
        if absent:
            builder.problems.decide(
                path, "missing values", plural(absent, "row"), "no skill or no texts", option="missing"
            )


def _places(table: Table, skill: str | None, texts: str | None) -> tuple[int, int]:
    """The columns of the skill and of its texts."""
    header, path = table.header, table.path
    given = optional_column(header, (), texts, path) if texts is not None else None
    others = [(at, name) for at, name in enumerate(header) if at != given]
    names = [name for _, name in others]
    ids = _columns.SKILL_ID if table.named else ("1",)
    skill_at = others[find_column(names, ids, skill, path, what="the id of the skill", option="skill_column",
                                  table=table)][0]  # fmt: skip
    if given is not None:
        return skill_at, given
    if len(header) == 2:
        return skill_at, 1 - skill_at
    return skill_at, find_column(
        header, (*_TEXTS, *_columns.TEXT), None, path, what="the texts", option="texts_column", table=table
    )


def _claims(source: Source) -> Claim | None:
    """A column with the name of a skill and one of texts, or of a text whose cells are lists."""
    keys = source.keys
    if source.is_dir or not keys or keys.isdisjoint(_SKILL) or not keys.isdisjoint(_columns.SKILLS):
        return None
    texts = keys & _TEXT
    if not texts:
        return None if keys.isdisjoint(_TEXTS) else Claim(64, "a column for a skill and one for its texts")
    assert source.table is not None, "it has columns"
    for at, name in enumerate(source.table.header):
        cells = [cell for cell in source.table.column(at) if cell] if name_key(name) in texts else []
        if cells and all(map(is_list, cells)):
            return Claim(64, f"a column {name!r} of lists")
    return None


_SKILL = frozenset(_columns.SKILL) - {"target"}
_TEXT = frozenset(_columns.TEXT) - {"id", "source"}

register(
    Format(
        "skill-texts",
        "table with one row per skill and its texts: CSV, TSV, JSON rows in any form, Parquet with lists",
        read_skill_texts,
        OPTIONS,
        claims=_claims,
        requirements=True,
    )
)
