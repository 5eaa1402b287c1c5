"""Links between skills: tables of parent and child, tables of prerequisites, and paths such as A -> B -> C."""

from __future__ import annotations

import re
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder
from loaders._files import Progress, open_lines
from loaders._rows import find_column, open_table

__all__ = ["ARROW", "add_path", "expand_paths", "read_hierarchy", "read_paths", "read_prerequisites", "split_path"]

ARROW = " -> "
"""How a path is written in the id of a skill."""

_ARROWS = re.compile(r"\s*(?:->|→|⟶|➔|»|>)\s*")


def read_hierarchy(
    path: Path,
    builder: Builder,
    *,
    parent_column: str | None = None,
    child_column: str | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add a table whose rows say which skill is part of which; a blank parent is a root.

    Raises:
        DataError: A missing column, an empty child, a skill that is not in the list of skills.
    """
    builder.link_files["part_of"] = path
    with open_table(path, builder.problems, delimiter=delimiter, progress=progress) as table:
        parent = find_column(
            table.header, _columns.PARENT, parent_column, path, what="the parent", option="parent_column"
        )
        child = find_column(table.header, _columns.CHILD, child_column, path, what="the child", option="child_column")
        for line, values in table.rows:
            lower, upper = values[child].strip(), values[parent].strip()
            if not builder.known_skill(lower, path, line, table.header[child]):
                continue
            if not upper:
                builder.skill(lower)
            elif builder.known_skill(upper, path, line, table.header[parent]):
                builder.part_of(lower, upper)


def read_prerequisites(
    path: Path,
    builder: Builder,
    *,
    prerequisite_column: str | None = None,
    skill_column: str | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add a table whose rows say which skill must be learned before which.

    Raises:
        DataError: A missing column, an empty id, a skill that is not in the list of skills.
    """
    builder.link_files["prerequisites"] = path
    with open_table(path, builder.problems, delimiter=delimiter, progress=progress) as table:
        before = find_column(
            table.header,
            _columns.PREREQUISITE,
            prerequisite_column,
            path,
            what="the prerequisite",
            option="prerequisite_column",
        )
        after = find_column(
            table.header, (*_columns.SKILL, "after", "to", "id"), skill_column, path, what="the skill",
            option="skill_column",
        )  # fmt: skip
        for line, values in table.rows:
            first, second = values[before].strip(), values[after].strip()
            if builder.known_skill(first, path, line, table.header[before]) and builder.known_skill(
                second, path, line, table.header[after]
            ):
                builder.prerequisite(first, second)


def split_path(text: str) -> list[str]:
    """Steps of a path from the most general to the most special.

    >>> split_path("Mathematics -> Algebra → Groups")
    ['Mathematics', 'Algebra', 'Groups']
    """
    return [step for step in (step.strip() for step in _ARROWS.split(text)) if step]


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
    assert parent is not None, "a path has a step"
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
                builder.problems.report("no path", f"{written.strip()!r} names no skill", path, line)
