"""One text a row with the skills it requires: any table whose column of skills holds lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder, Value
from loaders._cells import missing_option
from loaders._dialect import name_key, read_flag
from loaders._ends import is_stray_summary, is_summary
from loaders._files import Progress
from loaders._lists import SEPARATORS, ListReader, list_reader, parse_skills
from loaders._reading import AmbiguousError, plural, quoted, stray_summary
from loaders._registry import Claim, Format, register
from loaders._rows import TABLE_OPTIONS, Table, find_column, open_table, property_columns, refuse_lists
from loaders._source import Source
from loaders.errors import DataError

__all__ = ["OPTIONS", "parse_skills", "read_skill_rows"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the id of the text",
    "skills_column": "name of the column with its skills, or of several columns, separated by commas",
    "class_column": "name of the column with its class",
    "title_column": "name of the column with its title",
    "separator": "what stands between skills: a mark or its name, or none for one skill per cell",
    "weights": "yes if skills have a weight behind them, such as sorting:0.5; no if that is part of their names",
    **TABLE_OPTIONS,
}
_NOTHING = re.compile(r"^\s*\{.*:\s*(0(\.0*)?|[Ff]alse)\s*[,}]", re.DOTALL)
_MAX_PROPERTY = 1 << 16
_ONE_OR_MORE = frozenset({*_columns.SKILL, *_columns.SKILLS} - {"target", "requires"})


def read_skill_rows(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    skills_column: str | None = None,
    class_column: str | None = None,
    title_column: str | None = None,
    separator: str | None = None,
    weights: str | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> None:
    """Add a row's text with its skills; the other columns become properties of the text.

    Args:
        path: Any table, see `open_table`.
        builder: Takes texts and requirements. Skills must be known if they are listed somewhere.
        text_column: See `OPTIONS`, likewise the other columns.
        skills_column: See `OPTIONS`.
        class_column: See `OPTIONS`.
        title_column: See `OPTIONS`.
        separator: See `OPTIONS`.
        weights: See `OPTIONS`.
        progress: Called with bytes read and all bytes.
        table: Of `TABLE_OPTIONS`.

    Raises:
        DataError: A missing column, an empty or a second id, skills that are neither an array nor text.
    """
    known = [text_column, skills_column, class_column, title_column]
    ids = [text_column, *(skills_column or "").split(",")]
    with open_table(path, builder.problems, progress=progress, known=known, ids=ids, **table) as opened:
        columns = _columns_of(opened, text_column, skills_column, class_column, title_column)
        refuse_lists(opened, columns.text)
        rows = list(opened.rows)
        cells = [values[at] for _, values in rows for at in columns.skills]
        name = opened.header[columns.skills[0]]
        if len(columns.skills) == 1 or separator is not None:
            read = list_reader([c for c in cells if not opened.is_missing(c)], separator, path=path, column=name,
                               problems=builder.problems, option="separator", typed=opened.dialect is None)  # fmt: skip
        else:
            read = list_reader(cells, separator, path=path, column=name, problems=builder.problems, option="separator")
        read = _with_weights(read, [c for c in cells if not opened.is_missing(c)], weights, path, name)
        listed = quoted([opened.header[at] for at in columns.skills])
        builder.problems.decide(
            path, "columns", f"texts from column {opened.header[columns.text]!r}, skills from {listed}",
            option="text_column",
            columns=((opened.header[columns.text], "text"), *((opened.header[at], "skills") for at in columns.skills),
                     *((opened.header[at], meaning if meaning in {"class", "title"} else "property")
                       for at, meaning in columns.properties.items())),
        )  # fmt: skip
        none = sum(1 for cell in cells if _NOTHING.search(cell) is not None)
        if none:
            builder.problems.decide(path, "weights of 0", f"in {plural(none, 'cell')}", "skills that are not required")
        seen: set[str] = set()
        absent = without = 0
        names = opened.column(columns.text)
        for line, values in rows:
            text = values[columns.text].strip()
            if text and opened.is_missing(text):
                absent += 1
                continue
            if opened.missing is None and not opened.all_data and is_summary(text):
                asked = [values[at].strip() for at in columns.skills]
                if opened.dialect is not None and is_stray_summary(text, asked, names):
                    error = stray_summary(text, path, line)
                    if not builder.problems.lenient:
                        raise error
                    builder.problems.report("sum of others", error.seen, path, line)
                    continue
            if not builder.known_text(text, path, line, opened.header[columns.text]):
                continue
            if text in seen and not opened.filled:
                builder.problems.report(
                    "second id",
                    f"text {text!r} occurs twice; ids must be unique: choose their column with text_column, or use "
                    "--format edge-list for one row per requirement",
                    path,
                    line,
                )
                continue
            skills: dict[str, float] = {}
            try:
                for at in columns.skills:
                    cell = values[at]
                    if opened.is_missing(cell):
                        absent += 1
                        continue
                    if opened.is_doubtful(cell):
                        raise _doubtful(opened, at, cell.strip(), line)
                    for skill, weight in read(cell):
                        if opened.is_missing(skill):
                            continue
                        joined = opened.dialect is not None and cell.strip()[:1] not in {"[", "{", "("}
                        if joined and opened.is_doubtful(skill) and skill not in builder.skill_ids:
                            raise _doubtful(opened, at, skill, line)
                        skills[skill] = skills.get(skill, 0.0) + weight
            except AmbiguousError as error:
                if not builder.problems.lenient:
                    raise
                builder.problems.report("missing value", error.seen, path, line)
                continue
            except ValueError as error:
                builder.problems.report("no skills", f"column {opened.header[at]!r}: {error}", path, line)
                continue
            if not all(builder.known_skill(skill, path, line, name) for skill in skills):
                continue
            seen.add(text)
            without += not skills
            builder.text(text, {meaning: _property(values[at]) for at, meaning in columns.properties.items()})
            for skill, weight in skills.items():
                builder.require(text, skill, weight)
        if without:
            builder.problems.decide(path, "texts without skills", plural(without, "text"), f"nothing in {listed}")
        if absent:
            builder.problems.decide(
                path, "missing values", plural(absent, "cell"), "no text or no skills", option="missing"
            )


_WEIGHTED = re.compile(r"(.*\S)\s*(?:[:=*]\s*(\d+(?:\.\d+)?)|\((\d+(?:\.\d+)?)\))")


def _with_weights(read: ListReader, cells: Sequence[str], said: str | None, path: Path, column: str) -> ListReader:
    """The reader, with weights apart from names if they stand behind all of them.

    Raises:
        AmbiguousError: They do, and the user did not say that they are weights.
    """

    def weighted(cell: str) -> list[tuple[str, float]]:
        found = []
        for name, weight in read(cell):
            match = _WEIGHTED.fullmatch(name)
            written = float(match[2] or match[3]) if match else weight
            if written > 0:
                found.append((match[1].strip() if match else name, written))
        return found

    yes = read_flag(said, "weights")
    if yes is not None:
        return weighted if yes else read
    if not any(mark in cell for cell in cells for mark in ":=*("):
        return read
    try:
        names = [name for cell in cells for name, _ in read(cell)]
    except ValueError:
        return read
    if len(set(names)) > 1 and all(_WEIGHTED.fullmatch(name) for name in names):
        raise AmbiguousError(
            f"column {column!r}: skills such as {names[0]!r} may have a weight behind their names",
            path=path,
            readings=[("a weight", "weights=yes"), ("a part of the name", "weights=no")],
        )
    return read


def _doubtful(table: Table, place: int, cell: str, line: int | None) -> AmbiguousError:
    count = max(table.column(place).count(cell), 1)
    return AmbiguousError(
        f"column {table.header[place]!r}: {cell!r} ({plural(count, 'row')}) may be a missing value or a skill",
        path=table.path,
        line=line,
        readings=[("missing", missing_option(cell)), ("a skill", "missing=none")],
    )


@dataclass
class _Columns:
    """Places of the id and the skills, and what the other columns are called as properties."""

    text: int
    skills: list[int]
    properties: dict[int, str]


def _columns_of(table: Table, text: str | None, skills: str | None, kind: str | None, title: str | None) -> _Columns:
    header, path = table.header, table.path
    found = _skill_places(table, skills)
    others = [(at, name) for at, name in enumerate(header) if at not in found]
    if not table.named and text is None and not any(n == "1" for _, n in others):
        raise DataError("has no column for the id of the text; choose one with text_column", path=path)
    names = [name for _, name in others]
    texts = _columns.TEXT_ID if table.named else ("1",)
    place = others[find_column(names, texts, text, path, what="the id of the text", option="text_column", table=table)]
    properties = property_columns(table, place[0], found, (
        ("class", _columns.TEXT_CLASS, kind), ("title", _columns.TEXT_TITLE, title),
    ))  # fmt: skip
    return _Columns(place[0], found, properties)


def _skill_places(table: Table, given: str | None) -> list[int]:
    """Columns with the skills: one, or several of the same name, as DataShop writes them."""
    header, path = table.header, table.path
    if given is not None and given not in header and "," in given:
        parts = [part.strip() for part in given.split(",")]
        return [at for part in parts for at in _skill_places(table, part)]
    if given is not None:
        places = [at for at, name in enumerate(header) if name == given]
        if len(places) > 1:
            return places
        return [find_column(header, (), given, path, what="the skills", option="skills_column", table=table)]
    keys = [name_key(name) for name in header]
    if not table.named:
        return [1] if len(header) == 2 else [find_column(header, (), None, path, what="the skills",
                                                         option="skills_column", table=table)]  # fmt: skip
    key = next((key for key in _columns.SKILLS if key in keys), None)
    models = sorted({key for key in keys if key.startswith(("kc(", "kc_("))})
    if key is None and models:
        key = next((model for model in models if "default" in model), models[0] if len(models) == 1 else None)
        if key is None:
            raise AmbiguousError(
                f"has {len(models)} models of skills",
                path=path,
                readings=[(header[keys.index(m)], f"skills_column={header[keys.index(m)]}") for m in models],
            )
    if key is None and (numbered := _numbered(keys)):
        return numbered
    if key is None:
        key = next((key for key in _columns.SKILL if key in keys and key != "target"), None)
    if key is None:
        find_column(header, (), None, path, what="the skills", option="skills_column", table=table)
    return [at for at, name in enumerate(keys) if name == key]


def _numbered(keys: Sequence[str]) -> list[int]:
    """Places of columns `skill1`, `skill2`, … (any name for a skill), if there are at least two.

    >>> _numbered(["id", "skill_1", "skill_2", "level1"]), _numbered(["id", "kc1"])
    ([1, 2], [])
    """
    hits = [re.fullmatch(r"(.+?)[_.]?\d+", key) for key in keys]
    found = [at for at, hit in enumerate(hits) if hit is not None and hit[1] in _ONE_OR_MORE]
    return found if len(found) > 1 else []


def _holds_lists(texts: Sequence[str], cells: Sequence[str]) -> bool:
    """True if cells of a column with the name of one skill hold several: no text twice, and parts occur elsewhere."""
    present = {cell for cell in cells if cell}
    if len(present) < 2 or len(set(texts)) < len(texts):
        return False
    for mark in (*SEPARATORS, ","):
        pieces = Counter(piece.strip() for cell in present for piece in cell.split(mark) if piece.strip())
        if any(mark in cell and any(pieces[piece.strip()] > 1 for piece in cell.split(mark)) for cell in present):
            return True
    return False


def _property(value: str) -> Value:
    """Very long text is cut."""
    return value if len(value) <= _MAX_PROPERTY else value[:_MAX_PROPERTY]


def _claims(source: Source) -> Claim | None:
    keys = source.keys
    if source.is_dir or not keys or keys.isdisjoint(_columns.TEXT_ID):
        return None
    if not keys.isdisjoint(_columns.SKILLS):
        return Claim(64, "a column for the id of a text and one for its skills")
    table = source.table
    assert table is not None, "it has columns"
    header = [name_key(name) for name in table.header]
    if _numbered(header):
        return Claim(64, "columns for the first skill, the second, and so on")
    if any(header.count(key) > 1 for key in keys & _ONE_OR_MORE):
        return Claim(64, "several columns of one name for skills")
    # A column with the name of one skill may hold lists.
    for at, name in enumerate(table.header):
        if name_key(name) in _columns.SKILL:
            cells = [cell for cell in table.column(at) if cell]
            if cells and all(cell.startswith("[") for cell in cells):
                return Claim(64, f"a column {name!r} of lists")
            id_at = next(i for k in _columns.TEXT_ID for i, n in enumerate(table.header) if name_key(n) == k)
            if id_at != at and _holds_lists(table.column(id_at), cells):
                return Claim(64, f"a column {name!r} with several skills in a cell, and no text twice")
    return None


register(
    Format(
        "skill-rows",
        "table with one row per text and its skills: CSV, TSV, JSON rows in any form, Parquet with lists",
        read_skill_rows,
        OPTIONS,
        claims=_claims,
        requirements=True,
    )
)
