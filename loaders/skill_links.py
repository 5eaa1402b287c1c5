"""Links between skills: tables of parent and child, tables of prerequisites, and paths such as A -> B -> C."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder
from loaders._dialect import name_key
from loaders._files import Progress, open_lines
from loaders._lists import list_reader
from loaders._reading import plural, quoted
from loaders._registry import Claim, Format, register
from loaders._rows import TABLE_OPTIONS, Table, find_column, open_table, report_doubtful
from loaders._source import Source
from loaders.gate import limits, refused

__all__ = [
    "ARROW",
    "HIERARCHY_OPTIONS",
    "PREREQUISITE_OPTIONS",
    "add_path",
    "expand_paths",
    "read_hierarchy",
    "read_paths",
    "read_prerequisites",
    "split_path",
]

ARROW = " -> "
"""Separator of a path in the id of a skill."""

HIERARCHY_OPTIONS: Mapping[str, str] = {
    "parent_column": "name of the column with the parent",
    "child_column": "name of the column with the child",
    **TABLE_OPTIONS,
}
PREREQUISITE_OPTIONS: Mapping[str, str] = {
    "prerequisite_column": "name of the column with the prerequisite",
    "skill_column": "name of the column with the skill",
    "separator": "separator of prerequisites in a cell",
    **TABLE_OPTIONS,
}
# Without spaces around it `>` belongs to a name, as in `List<T>`.
_ARROWS = re.compile(r"\s*(?:->|→|⟶|➔|»)\s*|\s+>\s+")


def read_hierarchy(
    path: Path,
    builder: Builder,
    *,
    parent_column: str | None = None,
    child_column: str | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> None:
    """Add a table whose rows say which skill is part of which; a blank parent is a root.

    A table with a column for each level (`Level 0 name`, `Level 1 name`, …) is read as paths: what stands in a column
    is part of what stands to its left in the same row.

    Raises:
        DataError: A missing column, an empty child, a skill that is not in the list of skills.
    """
    builder.link_files["part_of"] = path
    known = [parent_column, child_column]
    with open_table(path, builder.problems, progress=progress, known=known, ids=known, **table) as opened:
        levels = [] if parent_column or child_column else _levels(opened)
        if levels:
            _read_levels(opened, builder, levels)
            return
        header = opened.header
        parent = find_column(
            header, _columns.PARENT, parent_column, path, what="the parent", option="parent_column", table=opened
        )
        child = find_column(
            header, _columns.CHILD, child_column, path, what="the child", option="child_column", table=opened
        )
        builder.problems.decide(path, "columns", f"{header[child]!r} is part of {header[parent]!r}",
                                option="parent_column",
                                columns=((header[child], "child"), (header[parent], "parent")))  # fmt: skip
        roots = 0
        for line, values in opened.rows:
            lower, upper = values[child].strip(), values[parent].strip()
            if not builder.known_skill(lower, path, line, header[child]):
                continue
            if opened.is_doubtful(lower):
                report_doubtful(opened, builder.problems, child, lower, line)
            elif not upper or opened.is_missing(upper) or opened.is_doubtful(upper):
                roots += bool(upper)
                builder.skill(lower)
            elif builder.known_skill(upper, path, line, header[parent]):
                builder.part_of(lower, upper)
        if roots:
            builder.problems.decide(path, "missing values", f"{plural(roots, 'skill')} without a parent",
                                    f"NA or the like in column {header[parent]!r}", option="missing",
                                    alternatives=("missing=none",))  # fmt: skip


_LEVEL = re.compile(r"(level|lvl|tier|stufe|niveau|ebene)_*([0-9]+)(_*(name|label|title|preferred_*term|bezeichnung))?")


def _levels(table: Table) -> list[int]:
    """Columns of levels from the most general on, if the table is written so."""
    found: dict[int, int] = {}
    for at, name in enumerate(table.header):
        match = _LEVEL.fullmatch(name_key(name))
        if match is not None and (int(match[2]) not in found or match[3]):
            found[int(match[2])] = at
    return [found[level] for level in sorted(found)] if len(found) > 1 else []


def _read_levels(table: Table, builder: Builder, levels: list[int]) -> None:
    """Rows of paths; a name that stands in several places is told apart by the path that leads to it."""
    if len(levels) > limits().steps:
        raise refused(f"has columns for {len(levels):,} levels", "steps", path=table.path)
    rows = [
        (line, [values[at].strip() for at in levels if values[at].strip() and not table.is_missing(values[at])])
        for line, values in table.rows
    ]
    above: dict[str, set[str]] = {}
    for _, steps in rows:
        for number, step in enumerate(steps):
            above.setdefault(step, set()).add(ARROW.join(steps[:number]))
    several = {step for step, paths in above.items() if len(paths) > 1}
    builder.problems.decide(
        table.path, "hierarchy", f"a path per row over {len(levels)} levels", "its columns are named like levels"
        + (f"; {quoted(sorted(several))} occur in several places, so each is named by its path" if several else ""),
    )  # fmt: skip
    for line, steps in rows:
        parent: str | None = None
        for number, step in enumerate(steps):
            identifier = ARROW.join(steps[: number + 1]) if step in several else step
            if not builder.known_skill(identifier, table.path, line, table.header[levels[number]]):
                break
            builder.skill(identifier, {"name": step, "level": number})
            if parent is not None:
                builder.part_of(identifier, parent)
            parent = identifier


def read_prerequisites(
    path: Path,
    builder: Builder,
    *,
    prerequisite_column: str | None = None,
    skill_column: str | None = None,
    separator: str | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> None:
    """Add a table whose rows say which skill must be learned before which; a cell may list several prerequisites.

    Raises:
        DataError: A missing column, an empty id, a skill that is not in the list of skills.
    """
    builder.link_files["prerequisites"] = path
    known = [prerequisite_column, skill_column]
    with open_table(path, builder.problems, progress=progress, known=known, ids=known, **table) as opened:
        header = opened.header
        before = find_column(
            header, (*_columns.PREREQUISITE, "prerequisites", "source"), prerequisite_column, path,
            what="the prerequisite", option="prerequisite_column", table=opened,
        )  # fmt: skip
        after = find_column(
            header, (*_columns.SKILL, "after", "to", "exercise", "id", "name"), skill_column, path, what="the skill",
            option="skill_column", table=opened,
        )  # fmt: skip
        builder.problems.decide(path, "columns", f"{header[before]!r} before {header[after]!r}",
                                option="prerequisite_column",
                                columns=((header[before], "prerequisite"), (header[after], "skill")))  # fmt: skip
        lists = separator is not None or name_key(header[before]) in {"prerequisites", "prereqs"}
        rows = list(opened.rows) if lists else opened.rows
        read = list_reader([values[before] for _, values in rows], separator, path=path, column=header[before],
                           problems=builder.problems, option="separator") if lists else None  # fmt: skip
        without = 0
        for line, values in rows:
            second = values[after].strip()
            written = values[before].strip()
            if opened.is_doubtful(second):
                report_doubtful(opened, builder.problems, after, second, line)
                continue
            absent = opened.is_missing(written) or opened.is_doubtful(written)
            if absent or (read is not None and not written):
                without += absent
                if builder.known_skill(second, path, line, header[after]):
                    builder.skill(second)
                continue
            try:
                firsts = [written] if read is None else [name for name, _ in read(written)]
            except ValueError as error:
                builder.problems.report("no skills", f"column {header[before]!r}: {error}", path, line)
                continue
            for first in firsts:
                if builder.known_skill(first, path, line, header[before]) and builder.known_skill(
                    second, path, line, header[after]
                ):
                    builder.prerequisite(first, second)
        if without:
            builder.problems.decide(path, "missing values", f"{plural(without, 'row')} without a prerequisite",
                                    f"NA or the like in column {header[before]!r}", option="missing",
                                    alternatives=("missing=none",))  # fmt: skip


def split_path(text: str) -> list[str]:
    """Steps of a path from the most general to the most special.

    Raises:
        LimitError: There are too many steps.

    >>> split_path("Mathematics -> Algebra → Groups")
    ['Mathematics', 'Algebra', 'Groups']
    """
    steps = [step for step in (step.strip() for step in _ARROWS.split(text)) if step]
    if len(steps) > limits().steps:
        raise refused(f"the path {text[:40]!r}… has {len(steps):,} steps", "steps")
    return steps


def add_path(builder: Builder, steps: list[str], *, prefix: str = "", kind: str | None = None) -> str:
    """Add the skills of a path, each part of the one before it; the id of a skill is the path that leads to it.

    Returns:
        The id of the last skill.
    """
    parent: str | None = None
    for level, step in enumerate(steps):
        identifier = f"{prefix}{step}" if parent is None else f"{parent}{ARROW}{step}"
        builder.skill(identifier, {"name": step, "class": kind, "level": level})
        if parent is not None:
            builder.part_of(identifier, parent)
        parent = identifier
    assert parent is not None, "a path must not be empty"
    return parent


def expand_paths(builder: Builder) -> None:
    """Make every skill whose id is a path part of the skill one step up; those are added where they are missing."""
    for identifier in list(builder.skill_ids):
        steps = split_path(identifier)
        if len(steps) > 1:
            builder.skill(identifier, {"name": steps[-1], "level": len(steps) - 1})
            builder.part_of(identifier, add_path(builder, steps[:-1]))


def read_paths(path: Path, builder: Builder, *, progress: Progress | None = None) -> None:
    """Add a text file with one path of skills a line (`A -> B -> C`, also with →, » or >); `#` begins a comment.

    Raises:
        DataError: A line without a step.
    """
    with open_lines(path, progress) as text:
        for line, written in enumerate(text, 1):
            if not written.strip() or written.lstrip().startswith("#"):
                continue
            steps = split_path(written)
            if steps:
                add_path(builder, steps)
            else:
                builder.problems.report("no path", f"{written.strip()!r} does not name a skill", path, line)


def _claims_hierarchy(source: Source) -> Claim | None:
    keys, table = source.keys, source.table
    if source.is_dir or table is None:
        return None
    if table.named and len(_levels(table)) > 1 and keys.isdisjoint(_columns.SKILLS):
        return Claim(58, "a column for each level")
    texts = keys & set(_columns.TEXT)
    if keys & set(_columns.PARENT) and keys & set(_columns.CHILD) and not texts - {"id", "source"}:
        return Claim(56, "columns for parent and child")
    return None


def _claims_prerequisites(source: Source) -> Claim | None:
    if source.is_dir or not source.keys:
        return None
    if source.keys & {"prerequisite", "prerequisite_id", "prereq"}:
        return Claim(54, "a column for the prerequisite")
    if "prerequisites" in source.keys and source.keys & {*_columns.SKILL, "exercise", "name"}:
        return Claim(54, "a column for the prerequisites")
    return None


def _claims_paths(source: Source) -> Claim | None:
    if source.is_dir or source.suffix not in {".txt", ".md", ".markdown", ".rst", ".text"}:
        return None
    lines = [line for line in source.head.splitlines() if line.strip() and not line.startswith("#")]
    paths = sum(len(split_path(line)) > 1 for line in lines)
    return Claim(70, "lines are paths") if 0 < len(lines) <= 2 * paths else None


register(Format("hierarchy", "table of parent and child skills, or with one column per level", read_hierarchy,
                HIERARCHY_OPTIONS, claims=_claims_hierarchy))  # fmt: skip
register(Format("prerequisites", "table of skills and their prerequisites", read_prerequisites, PREREQUISITE_OPTIONS,
                claims=_claims_prerequisites))  # fmt: skip
register(Format("paths", "text file with one path of skills per line: A -> B -> C", read_paths,
                claims=_claims_paths))  # fmt: skip
