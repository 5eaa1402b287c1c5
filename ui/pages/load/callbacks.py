"""What the page answers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from explorer.errors import SkillgraphError, StoreError
from explorer.service.loading import default_name, stale_after_load
from explorer.wording import isolated, plural, quoted
from ui.attributes import attributes
from ui.calls import Calls, Cause
from ui.content import Content, Update
from ui.pages.load.answers import (
    ROLES,
    Asked,
    Kept,
    chosen,
    files_of,
    line_of,
    loaded,
    reading_card,
    role_of,
    words_of,
)
from ui.source import Source
from ui.typed import Properties
from ui.work import tasks
from ui.work.children import Job
from ui.work.tasks import LoadRun
from ui.work.uploads import Upload
from ui.work.watching import Start, Watch

__all__ = ["CALLS", "LOAD", "LOOK"]


def _upload(source: Source, ticket: object) -> Upload:
    found = source.uploads.find(ticket if isinstance(ticket, str) else None)
    if found is None:
        raise SkillgraphError("the files are no longer here: choose them again")
    return found


def _look(source: Source, name: str, form: Properties) -> Job:
    asked = Asked.of(form.get("asked"))
    files = files_of(_upload(source, form.get("ticket")), asked)
    into = str(form.get("into") or "")
    return source.readings.begin(tasks.look, source.place, files, asked, into, title="reading the files", name=name)


def _seen(_source: Source, work: Job) -> Component:
    # What was asked is part of what was looked at, so fields show what the reading rests on.
    return reading_card(*work.value)


def _load(source: Source, name: str, form: Properties) -> Job:
    upload, asked = _upload(source, form.get("ticket")), Asked.of(form.get("asked"))
    part, mode = str(form.get("part") or "").strip(), form.get("mode")
    dataset = str(form.get("name") or "").strip() or default_name(next(iter(upload.files)))
    what = LoadRun(files_of(upload, asked, part), dataset, append=mode == "append", replace=mode == "replace")
    return source.runs.begin(tasks.load, source.place, what, title=what.title, name=name)


def _stored(source: Source, work: Job) -> Component:
    report = work.value
    here = "?" + urlencode({"dataset": report.dataset.name})
    return html.Div(
        [
            *[html.P(line) for line in loaded(report)],
            html.Ul([html.Li(str(d)) for d in report.decisions], className="hint-list") if report.decisions else None,
            html.P(
                [
                    "See ",
                    dcc.Link("its overview", href=f"/{here}"),
                    " or ",
                    dcc.Link("learn its skills", href=f"/runs{here}&run=learn"),
                    f". The uploaded files have been deleted. Took {work.seconds:.1f} s.",
                ]
            ),
        ],
        className="card run-done",
    )


LOOK = Watch("look", "the reading", lambda source: source.readings, _look, _seen, pause=300)
LOAD = Watch("load", "the load", lambda source: source.runs, _load, _stored)

CALLS = Calls()
LOOK.wire(CALLS)
LOAD.wire(CALLS)


@CALLS.answer(
    "the choice",
    Output("ld-asked", "data"),
    Input({"type": "ld-way", "option": ALL}, "n_clicks"),
    Input({"type": "ld-set", "key": ALL}, "value"),
    Input({"type": "ld-lenient", "key": ALL}, "checked"),
    State({"type": "ld-set", "key": ALL}, "id"),
    State("ld-asked", "data"),
    cause=True,
    prevent_initial_call=True,
)
def choose(
    _source: Source,
    cause: Cause,
    _ways: object,
    values: list[str | None],
    lenient: list[bool],
    ids: list[Mapping[str, str]],
    kept: object,
) -> Update[Kept]:
    asked = Asked.of(kept)
    if isinstance(cause.id, dict) and cause.id.get("type") == "ld-way":
        if not cause.value:
            return no_update
        ways = line_of(cause.id["option"])
        to = Asked(ways.pop("format", asked.format), asked.lenient, {**asked.options, **ways}, asked.roles)
    else:
        to = chosen(asked, [i["key"] for i in ids], values)
        if lenient:
            to = Asked(to.format, bool(lenient[0]), to.options, to.roles)
    return no_update if to == asked else to.kept()


@CALLS.answer(
    "the files",
    Output("ld-files", "children"),
    Output("ld-next", "hidden"),
    Output("look-start", "data"),
    Input("ld-upload", "data"),
    Input("ld-asked", "data"),
    Input("ld-mode", "value"),
    Input("ld-name", "value"),
    cause=True,
)
def files(
    source: Source, cause: Cause, upload: Mapping[str, str] | None, kept: object, mode: str, name: str | None
) -> tuple[Update[Content], Update[bool], Update[Start]]:
    if cause.id == "ld-name" and mode != "append":  # only what is added to a dataset is read beside it
        return (no_update,) * 3
    ticket = (upload or {}).get("ticket")
    found = source.uploads.find(ticket)
    if found is None or not found.files:
        return None, True, no_update
    asked = Asked.of(kept)
    names = list(found.files)
    rows = []
    for file, size in found.files.items():
        role = dmc.Select(
            id={"type": "ld-set", "key": f"role:{file}"},
            data=[{"value": key, "label": text} for key, text in ROLES.items()],
            value=role_of(file, asked, names),
            allowDeselect=False,
            size="xs",
            w=220,
            comboboxProps={"shadow": "md"},
            **attributes(aria_label=f"What {file} is"),
        )
        rows.append(html.Tr([html.Td(html.Strong(file)), html.Td(_size(size), className="number"), html.Td(role)]))
    table = html.Table(html.Tbody(rows), className="table load-files")
    form: Properties = {"ticket": ticket, "asked": asked.kept()}
    if mode == "append":
        form["into"] = (name or "").strip() or _usual_name(names, asked)
    start: Start = {"id": secrets.token_hex(16), "form": form}
    return table, False, start


def _size(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000 or unit == "MB":
            return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
        size = size / 1000  # type: ignore[assignment]
    raise AssertionError


@CALLS.answer(
    "what the load changes",
    Output("ld-stale", "children"),
    Output("ld-command", "children"),
    Output("ld-go", "disabled"),
    Output("ld-name", "placeholder"),
    Output("ld-part", "placeholder"),
    Input("ld-name", "value"),
    Input("ld-part", "value"),
    Input("ld-mode", "value"),
    Input("ld-upload", "data"),
    Input("ld-asked", "data"),
)
def before(
    source: Source, name: str | None, part: str | None, mode: str, upload: Mapping[str, str] | None, kept: object
) -> tuple[Content, str, bool, str, str]:
    found = source.uploads.find((upload or {}).get("ticket"))
    if found is None or not found.files:
        return None, "", True, "", ""
    asked, names = Asked.of(kept), list(found.files)
    usual = _usual_name(names, asked)
    name, part = (name or "").strip() or usual, (part or "").strip()
    command = words_of(names, asked, name=name, part=part, mode=mode)
    said, refused = _changes(source, name, [part] if part else [default_name(n) for n in names], mode)
    return said, command, refused, usual, usual


def _usual_name(names: list[str], asked: Asked) -> str:
    """What a dataset of these files is called if nobody says."""
    return default_name(next((n for n in names if role_of(n, asked, names) == "main"), names[0]))


def _changes(source: Source, name: str, parts: list[str], mode: str) -> tuple[str, bool]:
    """What is said of what the load does to the store, and whether it cannot be."""
    try:
        snapshot = source.snapshot()
        there = {info.name: info for info in snapshot.datasets()}
    except StoreError:
        return f"The store will be made, with dataset {quoted(name)}.", False
    if name not in there:
        return f"A new dataset {quoted(name)} will be made." + (
            " There is none to add to." if mode == "append" else ""
        ), False
    info = there[name]
    if mode == "new":
        return f"There is a dataset {quoted(name)} already: add to it, replace it, or give another name.", True
    stale = stale_after_load(snapshot.store, name, parts, append=mode == "append")
    layers = (
        f"{plural(len(stale), 'layer')} will be stale: {', '.join(map(isolated, stale))}."
        if stale
        else "No layer will be stale."
    )
    if mode == "append":
        return f"New texts will be added to the {info.texts:,} of {quoted(name)}. {layers}", False
    return f"The {plural(info.texts, 'text')} of {quoted(name)} will be replaced; its layers stay. {layers}", False


CALLS.browser("sgLoad.drop", Output("ld-drop", "data-ready"), Input("ld-drop", "id"))
CALLS.browser(
    "sgLoad.start",
    Output("load-start", "data"),
    Input("ld-go", "n_clicks"),
    State("ld-upload", "data"),
    State("ld-asked", "data"),
    State("ld-name", "value"),
    State("ld-part", "value"),
    State("ld-mode", "value"),
    prevent_initial_call=True,
)
