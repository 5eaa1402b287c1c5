"""Files beside the main one: lists of texts, skills and models, hierarchies, prerequisites, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from loaders import _columns
from loaders._builder import Builder, Value
from loaders._dialect import name_key
from loaders._files import Progress
from loaders._reading import plural
from loaders._rows import TABLE_OPTIONS, Table, find_column, open_table, optional_column, report_doubtful
from loaders._scores import ATTEMPTS, SCALES
from loaders.edge_list import OPTIONS as EDGES
from loaders.outcomes import OPTIONS as OUTCOMES
from loaders.outcomes import read_outcomes
from loaders.skill_links import HIERARCHY_OPTIONS, PREREQUISITE_OPTIONS, read_hierarchy, read_prerequisites
from loaders.skill_rows import OPTIONS as SKILL_ROWS

__all__ = [
    "COMPANIONS",
    "OPTIONS_OF",
    "companion_option",
    "options_of",
    "read_companions",
    "read_models",
    "read_skills",
    "read_texts",
]

COMPANIONS: Mapping[str, str] = {
    "texts": "table with a row for each text: id, title, class and further properties",
    "skills": "table with a row for each skill: id, name, class, level, parent and further properties",
    "models": "table with a row for each model: id, role, base and further properties",
    "hierarchy": "table of parent and child skills",
    "prerequisites": "table of skills and their prerequisites",
    "outcomes": "table of outcomes, long (text, model, score) or wide (one column per model)",
    "scale": f"scale of the outcomes: {SCALES}",
    "attempts": ATTEMPTS,
    "base_mark": "mark between the name of a base model and that of its fine-tune, such as +",
    "text_class": "name of the column with the class, in the table of texts",
    "skill_class": "name of the column with the class, in the table of skills",
}


# What may be said of one file beside the main one: its name, an underscore, and any of these.
_NODE_OPTIONS = {"id_column": "name of the column with the id", "class_column": "name of the column with the class"}
OPTIONS_OF: Mapping[str, Mapping[str, str]] = {
    "texts": {**_NODE_OPTIONS, "title_column": "name of the column with the title", **TABLE_OPTIONS},
    "skills": {
        **_NODE_OPTIONS,
        "name_column": "name of the column with the name",
        "parent_column": "name of the column with the parent",
        "level_column": "name of the column with the level",
        **TABLE_OPTIONS,
    },
    "models": {
        "id_column": "name of the column with the id",
        "role_column": "name of the column with the role",
        "base_column": "name of the column with the base",
        **TABLE_OPTIONS,
    },
    "hierarchy": HIERARCHY_OPTIONS,
    "prerequisites": PREREQUISITE_OPTIONS,
    "outcomes": OUTCOMES,
    "responses": {
        **TABLE_OPTIONS,
        "scale": f"scores: {SCALES}",
        "key": "name of the row with the right answers, if answers are no scores; none if there is none",
    },
    "requirements": {**SKILL_ROWS, **EDGES},
}
"""Options of each file besides the main one; `texts_id_column` is that of `texts`."""

_EVERYWHERE = ("encoding", "decimal", "missing")


def companion_option(key: str) -> tuple[str, str] | None:
    """The file and its option that a name such as `texts_id_column` means.

    >>> companion_option("texts_id_column"), companion_option("text_column")
    (('texts', 'id_column'), None)
    """
    for companion, known in OPTIONS_OF.items():
        option = key.removeprefix(f"{companion}_")
        if option != key and option in known:
            return companion, option
    return None


def options_of(companion: str, given: Mapping[str, str | Path | None]) -> dict[str, Any]:
    """What the user said of a file: of it by name, and of all files (`missing`, `decimal`, `encoding`)."""
    said: dict[str, Any] = {
        key: str(given[key])
        for key in (*_EVERYWHERE, "scale", "attempts")
        if given.get(key) is not None and key in OPTIONS_OF[companion]
    }
    for key, value in given.items():
        found = companion_option(key)
        if found is not None and found[0] == companion and value is not None:
            said[found[1]] = str(value)
    return said


def read_companions(
    builder: Builder,
    options: Mapping[str, str | Path | None],
    *,
    main: Callable[[], None],
    progress: Progress | None = None,
) -> None:
    """Read the files beside the main one around it: lists of ids before it, links and outcomes after it.

    Args:
        builder: Takes all of it.
        options: Any of `COMPANIONS`, and of `OPTIONS_OF` behind the name of a file.
        main: Reads the main file.
        progress: Called with bytes read and all bytes of each large file.
    """

    def path(option: str) -> Path | None:
        value = options.get(option)
        return None if value is None else Path(value)

    def column(option: str) -> str | None:
        value = options.get(option)
        return None if value is None else str(value)

    def beside(companion: str) -> AbstractContextManager[None]:
        return builder.problems.beside(companion, OPTIONS_OF[companion])

    if texts := path("texts"):
        with beside("texts"):
            read_texts(texts, builder, **{"class_column": column("text_class"), **options_of("texts", options)})
        builder.closed_texts = texts.name
    if skills := path("skills"):
        with beside("skills"):
            read_skills(skills, builder, **{"class_column": column("skill_class"), **options_of("skills", options)})
        builder.closed_skills = skills.name
    main()
    if hierarchy := path("hierarchy"):
        with beside("hierarchy"):
            read_hierarchy(hierarchy, builder, **options_of("hierarchy", options))
    if prerequisites := path("prerequisites"):
        with beside("prerequisites"):
            read_prerequisites(prerequisites, builder, **options_of("prerequisites", options))
    if outcomes := path("outcomes"):
        builder.closed_texts = builder.closed_texts or "the requirements"
        with beside("outcomes"):
            read_outcomes(outcomes, builder, progress=progress, **options_of("outcomes", options))
    # Last, because a base may have outcomes and no row of its own.
    if models := path("models"):
        with beside("models"):
            read_models(models, builder, **options_of("models", options))
    if mark := column("base_mark"):
        _name_bases(builder, mark)


def _name_bases(builder: Builder, mark: str) -> None:
    """A model named `base+method` is fine-tuned from the model `base`, if there is one."""
    for model in list(builder.model_ids):
        base, found, _ = model.partition(mark)
        if found and base in builder.model_ids:
            builder.model(model, {"base": base, "role": "fine-tuned"})
            builder.model(base, {"role": "foundation"})


def read_texts(
    path: Path,
    builder: Builder,
    *,
    id_column: str | None = None,
    title_column: str | None = None,
    class_column: str | None = None,
    **table: Any,
) -> None:
    """Add the texts of a table, with all its columns.

    Raises:
        DataError: No column with ids, an empty or a second id.
    """
    given = {"id": id_column, "title": title_column, "class": class_column}
    names = {"title": _columns.TEXT_TITLE, "class": _columns.TEXT_CLASS}
    with open_table(path, builder.problems, known=given.values(), **table) as opened:
        _read_nodes(opened, builder, _columns.TEXT_ID, "text", names, given, builder.text, builder.text_ids)


def read_models(
    path: Path,
    builder: Builder,
    *,
    id_column: str | None = None,
    role_column: str | None = None,
    base_column: str | None = None,
    **table: Any,
) -> None:
    """Add the models of a table, with all its columns.

    Raises:
        DataError: No column with ids, an empty or a second id, a base that is no model of this table or of the
            outcomes.
    """
    bases: list[tuple[int, str, str]] = []

    def add(identifier: str, properties: Mapping[str, Value] | None) -> None:
        kept = dict(properties or {})
        line = int(kept.pop(_LINE, 0) or 0)
        base = kept.pop("base", None)
        if base:
            bases.append((line, identifier, str(base)))
        builder.model(identifier, kept)

    names = {"role": _columns.ROLE, "base": _columns.BASE}
    ids = (*_columns.MODEL, "id", "name")
    given = {"id": id_column, "role": role_column, "base": base_column}
    with open_table(path, builder.problems, known=given.values(), **table) as opened:
        _read_nodes(opened, builder, ids, "model", names, given, add, {}, with_line=True)
    for line, model, base in bases:
        if base in builder.model_ids:
            builder.model(model, {"base": base})
        else:
            builder.problems.report(
                "unknown model",
                f"base {base!r} of model {model!r} is not a model of this file or of the outcomes",
                path,
                line,
            )


def read_skills(
    path: Path,
    builder: Builder,
    *,
    id_column: str | None = None,
    name_column: str | None = None,
    class_column: str | None = None,
    level_column: str | None = None,
    parent_column: str | None = None,
    **table: Any,
) -> None:
    """Add the skills of a table, with all its columns; a column with a parent makes a skill part of it.

    Raises:
        DataError: No column with ids, an empty or a second id, a level that is not an integer, an unknown parent.
    """
    parents: list[tuple[int, str, str]] = []

    def add(identifier: str, properties: Mapping[str, Value] | None) -> None:
        kept = dict(properties or {})
        line = int(kept.pop(_LINE, 0) or 0)
        parent = kept.pop("parent", None)
        if parent:
            parents.append((line, identifier, str(parent)))
        level = kept.pop("level", None)
        if level:
            try:
                kept["level"] = int(str(level))
            except ValueError:
                builder.problems.report(
                    "no level", f"level {level!r} of skill {identifier!r} is not an integer", path, line
                )
        builder.skill(identifier, kept)

    names = {
        "name": _columns.SKILL_NAME,
        "class": _columns.SKILL_CLASS,
        "level": _columns.LEVEL,
        "parent": _columns.PARENT,
    }
    given = {"id": id_column, "name": name_column, "class": class_column, "level": level_column,
             "parent": parent_column}  # fmt: skip
    with open_table(path, builder.problems, known=given.values(), **table) as opened:
        _read_nodes(opened, builder, _columns.SKILL_ID, "skill", names, given, add, builder.skill_ids, with_line=True)
    if parents:
        builder.link_files["part_of"] = path
    for line, child, parent in parents:
        if parent in builder.skill_ids:
            builder.part_of(child, parent)
        else:
            builder.problems.report(
                "unknown skill", f"parent {parent!r} of skill {child!r} is not a skill of this file", path, line
            )


_LINE = "\0line"


def _read_nodes(
    table: Table,
    builder: Builder,
    id_names: Sequence[str],
    what: str,
    names: Mapping[str, Sequence[str]],
    given: Mapping[str, str | None],
    add: Callable[[str, Mapping[str, Value] | None], None],
    there: Mapping[str, int],
    *,
    with_line: bool = False,
) -> None:
    path = table.path
    place = _id_place(table, id_names, given.get("id"), what)
    columns = {place: "id"}
    for meaning, known in names.items():
        found = optional_column(table.header, known, given.get(meaning), path)
        if found is not None and found not in columns and meaning not in columns.values():
            columns[found] = meaning
        elif found in columns and given.get(meaning) is None:
            rest = [name if at not in columns else "" for at, name in enumerate(table.header)]
            again = optional_column(rest, known, None, path)
            if again is not None and rest[again]:
                columns[again] = meaning
    taken = {name for name in columns.values() if name in names or name == "id"}
    for position, name in enumerate(table.header):
        if position not in columns and name and name not in taken and position != table.index:
            while name in columns.values():
                name += " (2)"  # noqa: PLW2901
            columns[position] = name
    role = _role_column(table, what)
    builder.problems.decide(
        path, "columns", f"ids of {what}s from column {table.header[place]!r}"
        + "".join(f", {meaning} from {table.header[at]!r}" for at, meaning in columns.items()
                  if meaning in names and meaning != table.header[at]),
        option=f"{what}s_id_column",
    )  # fmt: skip
    seen: set[str] = set(there)
    absent = 0
    for line, values in table.rows:
        identifier = values[place].strip()
        if role is not None and values[role].strip().casefold() not in {what, f"{what}s"}:
            continue
        if identifier and table.is_missing(identifier):
            absent += 1
        elif not identifier:
            builder.problems.report("empty id", f"column {table.header[place]!r}: expected an id", path, line)
        elif table.is_doubtful(identifier):
            report_doubtful(table, builder.problems, place, identifier, line)
        elif identifier in seen:
            builder.problems.report(
                "second id",
                f"{what} {identifier!r} occurs twice; ids must be unique: choose their column with {what}s_id_column",
                path,
                line,
            )
        else:
            seen.add(identifier)
            properties: dict[str, Value] = {
                name: None if table.is_missing(values[at]) else values[at]
                for at, name in columns.items()
                if at != place
            }
            if with_line:
                properties[_LINE] = line
            add(identifier, properties)
    if absent:
        builder.problems.decide(path, "missing values", plural(absent, "row"), "no id, as said", option="missing")


def _id_place(table: Table, id_names: Sequence[str], given: str | None, what: str) -> int:
    """The column with the ids: by name, else the one column of addresses or ids."""
    header, path = table.header, table.path
    found = optional_column(header, id_names if table.named else ("1",), given, path)
    if found is None:
        keys = [name_key(name) for name in header]
        ends = [at for at, key in enumerate(keys) if key.endswith(("_id", "_uri", "_url", "_iri"))]
        if len(ends) == 1:
            return ends[0]
        return find_column(header, (), None, path, what=f"the id of a {what}", option=f"{what}s_id_column", table=table)
    return found


def _role_column(table: Table, what: str) -> int | None:
    """A column that says of each row whether it is a text or a skill, as in a table of all nodes of a graph."""
    keys = [name_key(name) for name in table.header]
    for key in ("kind", "type", "node_type"):
        if key in keys and what in {"text", "skill"}:
            values = {value.casefold().removesuffix("s") for value in table.column(keys.index(key)) if value}
            if {"text", "skill"} <= values:
                return keys.index(key)
    return None
