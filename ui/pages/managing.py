"""A dataset and its layers, to be renamed, refreshed and deleted, with what rests on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypedDict

import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, dcc, html, no_update

from explorer.errors import SkillgraphError
from explorer.service.life import dependents
from explorer.service.stale import refresh_command
from explorer.store.protocol import LayerInfo
from explorer.wording import isolated, plural, quoted
from ui.attributes import attributes, named
from ui.calls import Calls, Cause
from ui.choice import Choice
from ui.components import card, fraction, origin, wide_table
from ui.content import Child, Content, Update
from ui.source import Snapshot, Source
from ui.told import told
from ui.work import tasks
from ui.work.tasks import Act, ManageRun

__all__ = ["CALLS", "manage_card", "manage_dialog", "stale_chip"]

_HIDDEN = {"display": "none"}


def stale_chip(info: LayerInfo) -> html.Span | None:
    """The word "stale" with the reasons; nothing for a layer that is not."""
    if not info.stale:
        return None
    title = f"{'; '.join(info.stale_because)}. Update it with: {refresh_command(info)}"
    return html.Span("stale", className="chip chip-stale", title=title)


def manage_card(choice: Choice) -> html.Section | None:
    """The layers of the chosen dataset and the dataset itself, with what can be done to each; nothing without one."""
    if choice.dataset is None:
        return None
    head = html.Tr([html.Th("Layer"), html.Th("Learned"), html.Th("State"), html.Th("")])
    rows = [_layer_row(info) for info in choice.layers]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="table") if rows else None
    stale = any(info.stale for info in choice.layers)
    all_ = [_button("refresh", choice.dataset, None, "Refresh all stale layers")] if stale else []
    whole = [
        _button("rename", choice.dataset, None, f"Rename dataset {isolated(choice.dataset)}"),
        _button("delete", choice.dataset, None, f"Delete dataset {isolated(choice.dataset)}"),
    ]
    return card(
        "Manage layers",
        [
            None if table is None else wide_table(table),
            html.Div([*all_, *whole], className="manage-buttons"),
        ],
        note=(
            "A layer is stale when the texts, outcomes or base that it was made from have changed since. It stays as "
            "it was made until it is refreshed."
        ),
    )


def _layer_row(info: LayerInfo) -> html.Tr:
    because = html.Div(f"{'; '.join(info.stale_because)}", className="quiet") if info.stale else None
    acts = [_button("refresh", info.dataset, info.name, "Refresh")] if info.stale else []
    acts += [_button(act, info.dataset, info.name, act.capitalize()) for act in ("rename", "delete")]
    return html.Tr(
        [
            html.Td([html.Strong(info.name), html.Div(origin(info), className="quiet")]),
            html.Td(f"{fraction(info.learned_fraction)} of {info.skills:,}"),
            html.Td([stale_chip(info) or "up to date", because]),
            html.Td(acts, className="manage-buttons"),
        ]
    )


def _button(act: str, dataset: str, layer: str | None, label: str) -> html.Button:
    what = label if layer is None else f"{label}: {isolated(layer)}"
    ident = {"type": "m-open", "act": act, "dataset": dataset, "layer": layer or ""}
    return html.Button(label, id=ident, className="act", title=what, **attributes(aria_label=what))


def manage_dialog() -> list[Child]:
    """The dialog, which outlives the page: that is renewed as soon as the store has changed."""
    return [
        dcc.Store(id="m-what"),
        dcc.Store(id="m-ticket"),
        dcc.Interval(id="m-pulse", interval=700, disabled=True),
        dmc.Modal(
            [
                html.Div(id="m-body"),
                html.Div(dmc.TextInput(label="New name", id="m-name", size="sm"), id="m-name-box", style=_HIDDEN),
                html.Div(
                    dmc.Checkbox(label="Delete these layers too", id="m-along", size="sm"),
                    id="m-along-box",
                    style=_HIDDEN,
                ),
                html.Div(dmc.Button("Do it", id="m-go", size="sm"), className="manage-go"),
                html.Div(id="m-outcome", **attributes(aria_live="polite")),
            ],
            id="m-modal",
            opened=False,
            title="",
            closeButtonProps=named("Close"),
        ),
    ]


def dialog(snapshot: Snapshot, dataset: str, act: Act, layer: str | None) -> tuple[str, Content, str, bool]:
    """Title, text, label of the button, and whether something rests on what is to be deleted."""
    infos = {info.name: info for info in snapshot.layers(dataset)}
    what = f"dataset {quoted(dataset)}" if layer is None else f"layer {quoted(layer)}"
    if act == "refresh":
        stale = [info for info in infos.values() if info.stale]
        if layer is not None:
            line, name = [], layer
            while name in infos:
                line.append(infos[name])
                name = infos[name].base or ""
            stale = [info for info in reversed(line) if info.stale]
        title = "Refresh all stale layers" if layer is None else f"Refresh {what}"
        lines = [f"{isolated(info.name)}: {'; '.join(info.stale_because)}." for info in stale]
        return (
            title,
            _told("These layers are learned again with the same options, each after its base:", lines),
            "Refresh",
            False,
        )
    rest: Sequence[str] = list(infos) if layer is None else [i.name for i in dependents(snapshot.store, dataset, layer)]
    if act == "rename":
        text = "Its associations are kept, and so are the layers that were fine-tuned from it:"
        if layer is None:
            text = "Its layers are kept."
        lines = [] if layer is None else list(rest) or ["none"]
        return f"Rename {what}", _told(text, lines), "Rename", False
    if not rest:
        return f"Delete {what}", html.P("No other layer depends on it. This cannot be undone."), "Delete", False
    text = f"{plural(len(rest), 'layer depends', 'layers depend')} on it. This cannot be undone."
    return f"Delete {what}", _told(text, rest), "Delete", True


def _told(text: str, lines: Sequence[str]) -> Content:
    return [html.P(text), html.Ul([html.Li(line) for line in lines])]


CALLS = Calls()


class What(TypedDict):
    """What the dialog is about; without a layer the dataset."""

    act: Act
    dataset: str
    layer: str | None


_Style: TypeAlias = dict[str, str] | None
Asked: TypeAlias = tuple[
    Update[bool],
    Update[str],
    Update[Content],
    Update[_Style],
    Update[str],
    Update[_Style],
    Update[bool],
    Update[str],
    Update[bool],
    Update[What | None],
    Update[Content],
]
"""The dialog: whether it is open, its title and text, field of the name, box of what goes along, button, subject and
outcome."""


@CALLS.answer(
    "the dialog",
    Output("m-modal", "opened"),
    Output("m-modal", "title"),
    Output("m-body", "children"),
    Output("m-name-box", "style"),
    Output("m-name", "value"),
    Output("m-along-box", "style"),
    Output("m-along", "checked"),
    Output("m-go", "children"),
    Output("m-go", "disabled"),
    Output("m-what", "data"),
    Output("m-outcome", "children"),
    Input({"type": "m-open", "act": ALL, "dataset": ALL, "layer": ALL}, "n_clicks"),
    cause=True,
    prevent_initial_call=True,
)
def ask(source: Source, cause: Cause, _clicks: object) -> Asked:
    asked = cause.id
    if not isinstance(asked, dict) or not cause.value:
        return (no_update,) * 11
    act, dataset, layer = asked["act"], asked["dataset"], asked["layer"] or None
    try:
        title, text, label, rest = dialog(source.snapshot(), dataset, act, layer)
    except SkillgraphError as error:
        return True, "", html.P(told(str(error))), _HIDDEN, "", _HIDDEN, False, "", True, None, None
    what: What = {"act": act, "dataset": dataset, "layer": layer}
    name = None if act == "rename" else _HIDDEN
    box = None if rest else _HIDDEN
    return True, title, text, name, layer or dataset, box, False, label, False, what, None


@CALLS.answer(
    "the change",
    Output("m-ticket", "data"),
    Output("m-pulse", "disabled"),
    Output("m-outcome", "children", allow_duplicate=True),
    Output("m-go", "disabled", allow_duplicate=True),
    Input("m-go", "n_clicks"),
    State("m-what", "data"),
    State("m-name", "value"),
    State("m-along", "checked"),
    prevent_initial_call=True,
)
def begin(
    source: Source, clicks: int | None, what: What | None, name: str | None, along: bool
) -> tuple[Update[str | None], Update[bool], Update[Content], Update[bool]]:
    if not clicks or what is None:
        return (no_update,) * 4
    run = ManageRun(what["act"], what["dataset"], what["layer"], (name or "").strip(), bool(along))
    try:
        work = source.runs.begin(tasks.manage, source.place, run, title=run.title)
    except SkillgraphError as error:
        return None, True, _failed(f"Not started: {error}"), False
    return work.name, False, html.P("Working …", className="quiet"), True


@CALLS.answer(
    "the change",
    Output("m-pulse", "disabled", allow_duplicate=True),
    Output("m-outcome", "children", allow_duplicate=True),
    Output("m-go", "disabled", allow_duplicate=True),
    Input("m-pulse", "n_intervals"),
    State("m-ticket", "data"),
    prevent_initial_call=True,
)
def follow(source: Source, _count: int, ticket: str | None) -> tuple[bool, Update[Content], bool]:
    work = source.runs.find(ticket)
    if work is None:
        return True, no_update, False
    if work.state == "running":
        return False, no_update, True
    if work.state != "done":
        return True, _failed(f"Not done: {work.problem or 'it was ended'}"), False
    return True, html.P(told(work.value)), True


def _failed(text: str) -> html.Div:
    return html.Div(told(text), className="run-failed", role="alert")
