"""Files beside the main one: lists of texts, skills and models, hierarchies, prerequisites, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder, Value
from loaders._files import Progress
from loaders._rows import Table, find_column, open_table, optional_column
from loaders.outcomes import read_outcomes
from loaders.skill_links import read_hierarchy, read_prerequisites

__all__ = ["COMPANIONS", "read_companions", "read_models", "read_skills", "read_texts"]

COMPANIONS: Mapping[str, str] = {
    "texts": "table with a row for each text: id, title, class and further properties",
    "skills": "table with a row for each skill: id, name, class, level, parent and further properties",
    "models": "table with a row for each model: id, role, base and further properties",
    "hierarchy": "table of parent and child skills",
    "prerequisites": "table of skills and their prerequisites",
    "outcomes": "table of outcomes, long (text, model, score) or wide (a column a model)",
    "scale": "scores of the outcomes: auto, share (0-1) or percent",
    "base_mark": "what stands between the name of a base model and that of its fine-tune, such as +",
    "text_class": "name of the column with the class, in the table of texts",
    "skill_class": "name of the column with the class, in the table of skills",
}


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
        options: Any of `COMPANIONS`.
        main: Reads the main file.
        progress: Called with bytes read and all bytes of each large file.
    """

    def path(option: str) -> Path | None:
        value = options.get(option)
        return None if value is None else Path(value)

    def column(option: str) -> str | None:
        value = options.get(option)
        return None if value is None else str(value)

    if texts := path("texts"):
        read_texts(texts, builder, class_column=column("text_class"))
        builder.closed_texts = texts.name
    if skills := path("skills"):
        read_skills(skills, builder, class_column=column("skill_class"))
        builder.closed_skills = skills.name
    main()
    if hierarchy := path("hierarchy"):
        read_hierarchy(hierarchy, builder)
    if prerequisites := path("prerequisites"):
        read_prerequisites(prerequisites, builder)
    if outcomes := path("outcomes"):
        builder.closed_texts = builder.closed_texts or "the requirements"
        read_outcomes(outcomes, builder, scale=column("scale") or "auto", progress=progress)
    # Last, because a base may have outcomes and no row of its own.
    if models := path("models"):
        read_models(models, builder)
    if mark := column("base_mark"):
        _name_bases(builder, mark)


def _name_bases(builder: Builder, mark: str) -> None:
    """A model named `base+method` is fine-tuned from the model `base`, if there is one."""
    for model in list(builder.model_ids):
        base, found, _ = model.partition(mark)
        if found and base in builder.model_ids:
            builder.model(model, {"base": base, "role": "fine-tuned"})
            builder.model(base, {"role": "foundation"})


def read_texts(path: Path, builder: Builder, *, class_column: str | None = None) -> None:
    """Add the texts of a table, with all its columns.

    Raises:
        DataError: No column with ids, an empty or a second id.
    """
    with open_table(path, builder.problems) as table:
        names = {"title": _columns.TEXT_TITLE, "class": _columns.TEXT_CLASS}
        given = {"class": class_column}
        _read_nodes(table, builder, _columns.TEXT_ID, "text", names, given, builder.text, builder.text_ids)


def read_models(path: Path, builder: Builder) -> None:
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
    with open_table(path, builder.problems) as table:
        _read_nodes(table, builder, ids, "model", names, {}, add, {}, with_line=True)
    for line, model, base in bases:
        if base in builder.model_ids:
            builder.model(model, {"base": base})
        else:
            builder.problems.report(
                "unknown model",
                f"base {base!r} of model {model!r} is no model of this file or the outcomes",
                path,
                line,
            )


def read_skills(path: Path, builder: Builder, *, class_column: str | None = None) -> None:
    """Add the skills of a table, with all its columns; a column with a parent makes a skill part of it.

    Raises:
        DataError: No column with ids, an empty or a second id, a level that is no integer, an unknown parent.
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
                    "no level", f"level {level!r} of skill {identifier!r} is no integer", path, line
                )
        builder.skill(identifier, kept)

    names = {
        "name": _columns.SKILL_NAME,
        "class": _columns.SKILL_CLASS,
        "level": _columns.LEVEL,
        "parent": _columns.PARENT,
    }
    with open_table(path, builder.problems) as table:
        given = {"class": class_column}
        _read_nodes(table, builder, _columns.SKILL_ID, "skill", names, given, add, builder.skill_ids, with_line=True)
    if parents:
        builder.link_files["part_of"] = path
    for line, child, parent in parents:
        if parent in builder.skill_ids:
            builder.part_of(child, parent)
        else:
            builder.problems.report(
                "unknown skill", f"parent {parent!r} of skill {child!r} is no skill of this file", path, line
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
    place = find_column(table.header, id_names, None, path, what=f"the id of a {what}", option=f"the column {what}_id")
    columns = {place: "id"}
    for meaning, known in names.items():
        found = optional_column(table.header, known, given.get(meaning), path)
        if found is not None and found not in columns:
            columns[found] = meaning
    for position, name in enumerate(table.header):
        if position not in columns and name and name not in columns.values():
            columns[position] = name
    seen: set[str] = set(there)
    for line, values in table.rows:
        identifier = values[place].strip()
        if not identifier:
            builder.problems.report("empty id", f"column {table.header[place]!r}: expected an id", path, line)
        elif identifier in seen:
            builder.problems.report("second id", f"{what} {identifier!r} occurs twice; ids must be unique", path, line)
        else:
            seen.add(identifier)
            properties: dict[str, Value] = {name: values[at] for at, name in columns.items() if at != place}
            if with_line:
                properties[_LINE] = line
            add(identifier, properties)
