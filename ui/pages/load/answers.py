"""What is understood of files, and how the page says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from explorer.errors import SkillgraphError
from explorer.service.loading import LoadReport, default_name
from explorer.wording import isolated, listed, plural, quoted
from loaders.companions import COMPANIONS
from loaders.formats import FORMATS, Decision, Reading
from loaders.gate import check_identifier
from ui.attributes import attributes
from ui.components import wide_table
from ui.work.tasks import FileSource, FileToRead, Look
from ui.work.uploads import Upload
from ui.work.written import command_text

__all__ = ["ROLES", "Asked", "chosen", "files_of", "line_of", "loaded", "reading_card", "role_of", "words_of"]

ROLES: Mapping[str, str] = {
    "main": "texts with their skills",
    "texts": "list of texts",
    "skills": "list of skills",
    "models": "list of models",
    "hierarchy": "hierarchy of skills",
    "prerequisites": "prerequisites of skills",
    "outcomes": "outcomes of models",
}
"""What a file may be, beside others."""

_ALSO = {"requirements": "main", "edges": "main", "attempts": "outcomes", "results": "outcomes", "part_of": "hierarchy"}


class Kept(TypedDict):
    """What the page keeps of an `Asked`."""

    format: str | None
    lenient: bool
    options: dict[str, str]
    roles: dict[str, str]


@dataclass(frozen=True)
class Asked:
    """What the user has said about files.

    Attributes:
        format: Name of the format; None to find out.
        lenient: Leave out wrong rows.
        options: Of the format, by name.
        roles: What each file is, by its name.
    """

    format: str | None
    lenient: bool
    options: Mapping[str, str]
    roles: Mapping[str, str]

    @classmethod
    def of(cls, data: object) -> Asked:
        """As the page keeps it; whatever else is there is passed over."""
        data = data if isinstance(data, dict) else {}
        options = {str(k): str(v) for k, v in (data.get("options") or {}).items() if v not in (None, "")}
        roles = {str(k): str(v) for k, v in (data.get("roles") or {}).items() if v in ROLES}
        found = data.get("format")
        return cls(found if found in FORMATS else None, bool(data.get("lenient")), options, roles)

    def kept(self) -> Kept:
        """For the page to keep."""
        return {
            "format": self.format,
            "lenient": self.lenient,
            "options": dict(self.options),
            "roles": dict(self.roles),
        }


def role_of(name: str, asked: Asked, files: Sequence[str]) -> str:
    """What a file is: what was said, else what its name says if there are several."""
    if name in asked.roles:
        return asked.roles[name]
    if len(files) < 2:
        return "main"
    stem = default_name(name).lower()
    role = stem if stem in ROLES else _ALSO.get(stem, "main")
    guessed = [stem if (stem := default_name(other).lower()) in ROLES else _ALSO.get(stem, "main") for other in files]
    # something has to say what the texts require
    return role if "main" in guessed else "main" if name == files[0] else role


def files_of(upload: Upload, asked: Asked, part: str = "") -> FileSource:
    """The files to read, those beside them as options.

    Raises:
        SkillgraphError: No file is left that could have texts.
    """
    roles = {name: role_of(name, asked, list(upload.files)) for name in upload.files}
    options = {key: value for key, value in asked.options.items() if key not in COMPANIONS or key not in ROLES}
    for name, role in roles.items():
        if role != "main":
            options[role] = str(upload.path(name))
    main = [name for name, role in roles.items() if role == "main"]
    if not main:
        raise SkillgraphError("say which of the files has texts with their skills")
    if part:
        check_identifier(part, "part")
    return FileSource(
        str(upload.folder),
        tuple(
            FileToRead(
                str(upload.path(name)),
                asked.format,
                part or default_name(name),
                asked.lenient,
                tuple(sorted(options.items())),
            )
            for name in main
        ),
    )


def words_of(files: Sequence[str], asked: Asked, *, name: str, part: str, mode: str) -> str:
    """The equivalent command, in the folder where the files are."""
    roles = {file: role_of(file, asked, files) for file in files}
    words = ["load", *(file for file in files if roles[file] == "main")]
    words += ["--dataset", name] if name else []
    words += ["--part", part] if part else []
    words += ["--format", asked.format] if asked.format else []
    beside = {role: file for file, role in roles.items() if role != "main"}
    for key, value in sorted({**asked.options, **beside}.items()):
        words += ["--option", f"{key}={value}"]
    words += ["--lenient"] if asked.lenient else []
    words += [f"--{mode}"] if mode in ("append", "replace") else []
    return command_text(words)


def chosen(asked: Asked, keys: Sequence[str], values: Sequence[str | None]) -> Asked:
    """What is asked once the fields of the page say this.

    Args:
        asked: What was asked before.
        keys: Of the fields: `format:FOUND`, `role:FILE`, `opt:OPTION`, `column:COLUMN`.
        values: Theirs.

    >>> chosen(Asked(None, False, {}, {}), ["column:x", "format:"], ["text_column", "edge-list"]).options
    {'text_column': 'x'}
    """
    options, roles, found = dict(asked.options), dict(asked.roles), asked.format
    fields = dict(zip(keys, values, strict=True))
    columns = {key.removeprefix("column:"): value for key, value in fields.items() if key.startswith("column:")}
    for key in [key for key, value in options.items() if key.endswith("_column") and value in columns]:
        del options[key]
    options |= {value: name for name, value in columns.items() if value}
    for key, value in fields.items():
        kind, _, name = key.partition(":")
        if kind == "format":  # named in the field is the one that was found out without being asked for
            found = value if value in FORMATS and value != name else None
        elif kind == "role" and value is not None and value in ROLES:
            roles[name] = value
        elif kind == "opt":
            options.pop(name, None)
            if value not in (None, ""):
                options[name] = str(value).strip()
    return Asked(found, asked.lenient, options, roles)


def line_of(words: str) -> dict[str, str]:
    """Options as they are typed, `a=b` or `a=b and c=d`.

    >>> line_of("text_column=x and skill_column=y"), line_of("--format q-matrix")
    ({'text_column': 'x', 'skill_column': 'y'}, {'format': 'q-matrix'})
    """
    found = {}
    for piece in words.split(" and "):
        name, _, value = piece.strip().removeprefix("-o ").partition("=")
        if name.startswith("--format"):
            found["format"] = name.removeprefix("--format").strip() or value
        elif value:
            found[name] = value
    return found


def reading_card(look: Look, asked: Asked) -> Component:
    """The proposed reading: what would be stored, and what can be chosen."""
    first = look.readings[0]
    problem = next((reading.problem for reading in look.readings if reading.problem), "")
    format_name = asked.format or first.format
    return html.Div(
        [
            _verdict(look, problem),
            _ways(first),
            html.Div(
                [
                    dmc.Select(
                        id=_set(f"format:{'' if asked.format else first.format}"),
                        label="Format",
                        data=[{"value": name, "label": f"{name}: {FORMATS[name].summary}"} for name in FORMATS],
                        value=format_name or None,
                        placeholder="not found out",
                        searchable=True,
                        clearable=True,
                        size="xs",
                        className="run-wide",
                        comboboxProps={"shadow": "md"},
                    ),
                    dmc.Checkbox(
                        id={"type": "ld-lenient", "key": "lenient"},
                        label="Leave out rows that are wrong, and count them",
                        checked=asked.lenient,
                        size="xs",
                    ),
                ],
                className="run-fields",
            ),
            _mapping(look, asked, format_name),
            _options(asked, format_name, look.columns),
            _decided(look.readings),
            _texts(look.readings),
        ],
        className="card",
    )


def _set(key: str) -> dict[str, str]:
    return {"type": "ld-set", "key": key}


def _verdict(look: Look, problem: str) -> Component | None:
    readings = look.readings
    if problem:
        return html.Div(problem, className="run-failed load-said", role="alert")
    texts, needs, models, attempts = (
        sum(getattr(r, key) for r in readings) for key in ("texts", "requirements", "models", "attempts")
    )
    outcomes = f"{plural(models, 'model')} with {plural(attempts, 'outcome')}"
    if look.into:
        head, said = "Would be added: ", f"{outcomes}, on texts that {quoted(look.into)} has."
        layers = f"{plural(len(look.stale), 'layer')} from outcomes will be stale: {listed(map(isolated, look.stale))}."
        said += f" {layers}" if look.stale else " No layer will be stale."
    else:
        skills = f"{plural(readings[0].skills, 'skill')}" if len(readings) == 1 else "their skills"
        more = f", {outcomes}" if models or attempts else ""
        head, said = "Would be stored: ", f"{plural(texts, 'text')}, {skills}, {plural(needs, 'requirement')}{more}."
    left = {reason: n for r in readings for reason, n in (r.skipped or {}).items()}
    if left:
        said += " Left out: " + ", ".join(f"{plural(n, 'row')} ({reason})" for reason, n in left.items()) + "."
    return html.Div([html.Strong(head), said], className="load-said")


def _ways(reading: Reading) -> Component | None:
    """Readings to choose from where the file does not say which."""
    found = [(words, option) for words, option in reading.choices]
    found += [(f"read it as {name}", f"--format {name}") for name in reading.formats]
    if not found:
        return None
    return html.Div([_way(words, option) for words, option in found], className="load-ways")


def _way(words: str, option: str) -> html.Button:
    return html.Button(words, id={"type": "ld-way", "option": option}, className="act", title=option)


def _mapping(look: Look, asked: Asked, format_name: str) -> Component | None:
    """The first rows, with what each column is above it."""
    if not look.columns:
        return None
    known = FORMATS[format_name].options if format_name in FORMATS else {}
    keys = [key for key in known if key.endswith("_column")]
    of = {value: key for key, value in asked.options.items() if key in keys}
    taken = _taken(look)
    heads = []
    for name in look.columns[:24]:
        select = dmc.Select(
            id=_set(f"column:{name}"),
            data=[{"value": key, "label": key.removesuffix("_column").replace("_", " ")} for key in keys],
            value=of.get(name),
            placeholder=taken.get(name, "not used" if taken else "choose"),
            clearable=True,
            size="xs",
            w=150,
            comboboxProps={"shadow": "md"},
            **attributes(aria_label=f"Meaning of column {isolated(name)}"),
        )
        heads.append(html.Th([html.Div(name, className="load-column"), select if keys else None]))
    rows = [html.Tr([html.Td(cell[:80]) for cell in row[:24]]) for row in look.rows]
    more = f" The first 24 of {len(look.columns)} columns are shown." if len(look.columns) > 24 else ""
    return html.Div(
        [
            html.H3("The first rows"),
            html.P(
                f"Above each column: what it was taken for. Choose otherwise where that is wrong.{more}",
                className="quiet",
            ),
            wide_table(html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="table load-head")),
        ]
    )


def _taken(look: Look) -> dict[str, str]:
    """What each column of the first file was taken for; nothing if it could not be read."""
    decided = (decision for reading in look.readings for decision in reading.decisions if decision.columns)
    found = next((d.columns for d in decided if {name for name, _ in d.columns} <= set(look.columns)), ())
    return {name: f"{meaning} (detected)" for name, meaning in found}


def _options(asked: Asked, format_name: str, columns: Sequence[str]) -> Component | None:
    if format_name not in FORMATS:
        return None
    known = {
        key: text
        for key, text in FORMATS[format_name].options.items()
        if not (columns and key.endswith("_column")) and key not in ROLES
    }
    if not known:
        return None
    fields = [
        dmc.TextInput(
            id=_set(f"opt:{key}"),
            label=key.replace("_", " "),
            description=text,
            value=asked.options.get(key, ""),
            size="xs",
            debounce=True,
        )
        for key, text in known.items()
    ]
    return html.Details(
        [html.Summary("Further options of this format"), html.Div(fields, className="run-fields load-options")],
        open=any(key in asked.options for key in known),
        className="twin",
    )


def _decided(readings: Sequence[Reading]) -> Component | None:
    decisions = list(dict.fromkeys(d for reading in readings for d in reading.decisions))
    if not decisions:
        return None
    return html.Div([html.H3("What was decided"), html.Ul([_decision(d) for d in decisions], className="hint-list")])


def _decision(found: Decision) -> html.Li:
    said = f"{found.file}: {found.what}: {found.taken}" + (f" ({found.evidence})" if found.evidence else "")
    ways = [_way(f"use {way}", way) for way in found.alternatives if line_of(way)]
    return html.Li([said, *([html.Span(ways, className="load-ways")] if ways else [])])


def _texts(readings: Sequence[Reading]) -> Component | None:
    found = [text for reading in readings for text in reading.preview]
    if not found:
        return None
    head = html.Tr([html.Th("Text"), html.Th("Title"), html.Th("Skills")])
    rows = [
        html.Tr(
            [
                html.Td(text.id[:80]),
                html.Td(text.title[:80]),
                html.Td(
                    (listed(map(isolated, text.skills)) or "none")
                    + (f", and {text.n_skills - len(text.skills)} more" if text.n_skills > len(text.skills) else "")
                ),
            ]
        )
        for text in found
    ]
    return html.Div(
        [
            html.H3("The first texts, as they would be stored"),
            wide_table(html.Table([html.Thead(head), html.Tbody(rows)], className="table")),
        ]
    )


def loaded(report: LoadReport) -> list[str]:
    """What a load stored, in sentences."""
    info = report.dataset
    said = [
        (
            f"{isolated(info.name)}: {plural(info.texts, 'text')}, {plural(info.skills, 'skill')}, "
            f"{plural(info.requirements, 'requirement')}. This load brought {plural(report.added_texts, 'text')} and "
            f"{plural(report.added_skills, 'new skill')}."
        )
    ]
    if report.unchanged:
        said.append("The store had this dataset with the same content: nothing was written.")
    elif report.stale_layers:
        said.append(f"Stale now: {', '.join(map(isolated, report.stale_layers))}; refresh them on the Layers page.")
    if report.skipped:
        left = ", ".join(f"{plural(count, 'row')} ({reason})" for reason, count in report.skipped.items())
        said.append(f"Left out: {left}.")
    return said
