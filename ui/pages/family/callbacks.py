"""What the page answers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dash import Input, Output, Patch, State, html, no_update
from dash.development.base_component import Component

from explorer.export import family_html
from explorer.wording import plural
from ui.calls import Calls, Cause
from ui.components import blank_chart
from ui.content import Update
from ui.drawing.multiples import panels_height
from ui.pages.family.answers import (
    cells_of,
    closer,
    gain_rows,
    matrix_figure,
    matrix_table,
    panels_figure,
    panels_of,
    panels_said,
    picked_with,
    tree_rows,
)
from ui.pages.family.state import CONTROLS
from ui.source import Source
from ui.typed import Download, Properties, Row
from ui.work import families
from ui.work.children import Job
from ui.work.families import Wide
from ui.work.watching import Start, Watch

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALLS", "FAMILY", "started"]


def begin(source: Source, name: str, form: Properties) -> Job:
    """Look at the family of a form; one that was looked at is shown again as long as the store does not change."""
    what = form["dataset"], form.get("root") or None
    version = source.snapshot().version
    return source.readings.begin(
        families.look, source.place, *what, title="the family", name=name, key=("family", version, *what)
    )


def shown(_source: Source, work: Job) -> Component:
    """How large the family is."""
    wide: Wide = work.value
    left = f" {plural(wide.left_out, 'more skill does', 'more skills do')} not differ." if wide.left_out else ""
    if wide.too_many:
        left += (
            f" The matrix has room for {len(wide.skills):,} of those that do: {wide.too_many:,} are left out; “Rows” "
            "by class counts all of them, and so does the table of what was gained and lost."
        )
    return html.P(
        f"{plural(len(wide.layers), 'layer')} and {plural(len(wide.skills), 'skill')} in the matrix, "
        f"{plural(len(wide.gains), 'change')} against the base"
        + (" beyond noise (false discovery rate 5 %)." if wide.matrix is not None else ".")
        + left,
        className="sentence",
    )


TABLES = ("f-tree", "f-gains", "f-closer")
FAMILY = Watch("f", "the family", lambda source: source.readings, begin, shown)
CALLS = Calls()
FAMILY.wire(CALLS)
CONTROLS.wire(CALLS)


def started(subject: Mapping[str, str], root: str | None) -> Start:
    """What the work is begun with, under a name that nobody guesses."""
    return {"id": secrets.token_hex(16), "form": {**subject, "root": root or ""}}


@CALLS.answer(
    "the family",
    Output("f-start", "data"),
    Input("f-root", "value"),
    State("f-subject", "data"),
    prevent_initial_call=True,
)
def ask(_source: Source, root: str | None, subject: Mapping[str, str]) -> Start:
    return started(subject, root)


def _found(source: Source, ticket: str | None) -> Wide | None:
    work = source.readings.find(ticket)
    return work.value if work is not None and work.state == "done" else None


def _without(source: Source, ticket: str | None) -> Update[Properties]:
    """What becomes of a figure that has nothing to show: it goes on saying that it is computed, if it is."""
    work = source.readings.find(ticket)
    return no_update if work is not None and work.state == "running" else blank_chart()


@CALLS.answer(
    "the matrix",
    Output("f-matrix", "figure"),
    Output("f-matrix", "style"),
    Input("f-done", "data"),
    Input("f-value", "value"),
    Input("f-order", "value"),
    Input("f-rows", "value"),
    State("f-ticket", "data"),
    prevent_initial_call=True,
)
def matrix(
    source: Source, _done: object, value: str, order: str, by: str, ticket: str | None
) -> tuple[Update[go.Figure], Update[dict[str, str]]]:
    wide = _found(source, ticket)
    if wide is None:
        return _without(source, ticket), no_update
    rows = len(cells_of(wide, by, value).names)
    height = (13 if by == "skill" else 24) * rows + 160 if rows <= 140 else 760
    return matrix_figure(wide, value, order, by), {"height": f"{max(height, 320)}px"}


@CALLS.answer(
    "the matrix as a table",
    Output("f-csv-download", "data"),
    Input("f-csv", "n_clicks"),
    State("f-rows", "value"),
    State("f-value", "value"),
    State("f-order", "value"),
    State("f-ticket", "data"),
    State("f-subject", "data"),
    prevent_initial_call=True,
)
def table(
    source: Source,
    clicks: int | None,
    by: str,
    value: str,
    order: str,
    ticket: str | None,
    subject: Mapping[str, str],
) -> Update[Download]:
    wide = _found(source, ticket)
    if wide is None or not clicks:
        return no_update
    name = f"{subject['dataset']}-family-{by}.csv"
    return {"content": matrix_table(wide, value, order, by), "filename": name, "type": "text/csv"}


@CALLS.answer(
    "the graphs of the family",
    Output("f-panels", "figure"),
    Output("f-panels", "style"),
    Output("f-panels-said", "children"),
    Input("f-done", "data"),
    Input("f-value", "value"),
    Input("f-picked", "value"),
    State("f-ticket", "data"),
    prevent_initial_call=True,
)
def panels(
    source: Source, _done: object, value: str, picked: list[str] | None, ticket: str | None
) -> tuple[Update[go.Figure], Update[dict[str, str]], Update[str]]:
    wide = _found(source, ticket)
    if wide is None:
        return _without(source, ticket), no_update, no_update
    drawn = panels_of(wide, value)
    height = {"height": f"{panels_height(wide.shared, len(drawn)) if wide.shared else 340}px"}
    return panels_figure(wide, value, picked or (), close=False), height, panels_said(wide, value)


@CALLS.answer(
    "the picked layer",
    Output("f-picked", "value", allow_duplicate=True),
    Input("f-panels", "clickData"),
    Input("f-panels", "clickAnnotationData"),
    State("f-picked", "value"),
    prevent_initial_call=True,
    cause=True,
)
def pick(
    _source: Source, cause: Cause, disc: Properties | None, title: Properties | None, picked: list[str] | None
) -> Update[list[str]]:
    """A click on a panel's discs or title picks its layer."""
    if "f-panels.clickAnnotationData" in cause.properties:
        layer = ((title or {}).get("annotation") or {}).get("name")
    else:
        points = (disc or {}).get("points") or [{}]
        layer = (points[0].get("customdata") or [None])[0]
    return picked_with(picked, layer) if layer else no_update


@CALLS.answer(
    "the tables of the family",
    Output("f-tree", "rowData"),
    Output("f-gains", "rowData"),
    Output("f-picked", "data"),
    Output("f-picked", "value"),
    *(Output(table, "dashGridOptions") for table in TABLES),
    Input("f-done", "data"),
    State("f-picked", "value"),
    State("f-ticket", "data"),
    prevent_initial_call=True,
)
def tables(
    source: Source, _done: object, picked: list[str] | None, ticket: str | None
) -> tuple[Update[list[Row]], Update[list[Row]], Update[list[dict[str, str]]], Update[list[str]], Patch, Patch, Patch]:
    """What is there of the whole family; where none of its layers is picked, the first two are."""
    loading, wide = Patch(), _found(source, ticket)
    loading["loading"] = False
    if wide is None:
        return (*(no_update,) * 4, *(loading,) * 3)
    names = [{"value": name, "label": name} for name in wide.layers]
    there = [name for name in picked or () if name in wide.layers] or list(wide.layers[:2])
    return (tree_rows(wide), gain_rows(wide), names, no_update if there == picked else there, *(loading,) * 3)


CALLS.browser(
    "sgWork.loading",
    *(Output(table, "dashGridOptions", allow_duplicate=True) for table in TABLES),
    Input("f-turn", "data"),
    *(State(table, "dashGridOptions") for table in TABLES),
    prevent_initial_call=True,
)


@CALLS.answer(
    "the closer look",
    Output("f-close", "figure"),
    Output("f-close", "style"),
    Output("f-close-box", "hidden"),
    Output("f-closer", "columnDefs"),
    Output("f-closer", "rowData"),
    Input("f-done", "data"),
    Input("f-picked", "value"),
    State("f-ticket", "data"),
    prevent_initial_call=True,
)
def look_closer(
    source: Source, _done: object, picked: list[str] | None, ticket: str | None
) -> tuple[Update[go.Figure], Update[dict[str, str]], bool, Update[list[Properties]], Update[list[Row]]]:
    """The graphs of the picked layers, where there are two, and their numbers side by side."""
    wide = _found(source, ticket)
    if wide is None:
        return no_update, no_update, True, no_update, no_update
    table = closer(wide, picked or ())
    if wide.shared is None or len(picked or ()) < 2:
        return no_update, no_update, True, *table
    height = {"height": f"{panels_height(wide.shared, len(picked or ()))}px"}
    return panels_figure(wide, "rate", picked or (), close=True), height, False, *table


@CALLS.answer(
    "the report",
    Output("f-download", "data"),
    Input("f-report", "n_clicks"),
    State("f-ticket", "data"),
    State("f-subject", "data"),
    prevent_initial_call=True,
)
def report(source: Source, clicks: int | None, ticket: str | None, subject: Mapping[str, str]) -> Update[Download]:
    wide = _found(source, ticket)
    if wide is None or not clicks:
        return no_update
    page = family_html(wide.report, wide.matrix, wide.gains)
    return {"content": page, "filename": f"{subject['dataset']}-family.html", "type": "text/html"}
