"""What the page answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import ALL, Input, Output, State, no_update
from dash.development.base_component import Component

from explorer.export import comparison_html
from explorer.service.family import family
from ui.calls import Calls, Cause
from ui.content import Content, Update
from ui.drawing.figures import GROUPS, MANY, groups_said, learned_by_class_figure, learned_by_level_figure
from ui.drawing.pairs import anchor_rows, pair_elements
from ui.pages.layers.answers import (
    anchor_lasts,
    change_rows,
    compared,
    components_told,
    family_tree,
    inspected,
    pair_of,
)
from ui.pages.layers.state import ALL_CLASSES, ANCHORS, CHANGED, CONTROLS
from ui.pages.managing import CALLS as MANAGING
from ui.source import Source
from ui.typed import Download, Element, Row

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALLS"]

CALLS = Calls()

CALLS.include(MANAGING)


@CALLS.answer(
    "the picture",
    Output("p-cy-a", "elements"),
    Output("p-cy-b", "elements"),
    Output("p-caption", "children"),
    Input("p-pair", "data"),
    Input("p-view", "value"),
    Input("p-draw", "value"),
    Input("p-class", "value"),
    cause=True,
)
def draw(
    source: Source, cause: Cause, pair: dict[str, str], view: str, most: str, kind: str
) -> tuple[Update[list[Element]], Update[list[Element]], Update[str]]:
    snapshot = source.snapshot()
    graph = pair_of(snapshot, pair, int(most), None if kind == ALL_CLASSES else kind)
    changed = set(cause.properties)
    if changed == {"p-class.value"} and graph.whole:
        return no_update, no_update, no_update  # the browser marks the class
    key = ("pair elements", pair["dataset"], pair["first"], pair["second"], most, "" if graph.whole else kind)
    elements = snapshot.once(key, lambda: pair_elements(graph))
    first = elements if changed != {"p-view.value"} else no_update
    return first, elements if view == "two" else no_update, graph.caption


@CALLS.answer(
    "the chosen skill",
    Output("p-inspector", "children"),
    Output("p-near", "data"),
    Input("p-skill", "data"),
    Input("p-pair", "data"),
)
def inspect(source: Source, skill: str | None, pair: dict[str, str]) -> tuple[Content, list[str]]:
    found = compared(source.snapshot(), pair["dataset"], pair["first"], pair["second"])
    change = next((c for c in found.changes if c.skill == skill), None)
    return inspected(found, change), [a.skill for a in change.attachments] if change is not None else []


@CALLS.answer(
    "the figure by group",
    Output("p-groups", "figure"),
    Output("p-groups", "style"),
    Output("p-groups-said", "children"),
    Input("p-by", "value"),
    Input("p-many", "value"),
    Input("p-pair", "data"),
)
def groups(source: Source, by: str, many: str, pair: dict[str, str]) -> tuple[go.Figure, dict[str, str], str]:
    found = compared(source.snapshot(), pair["dataset"], pair["first"], pair["second"])
    most = MANY if many == "all" else GROUPS
    levels = by == "level"
    total = len(found.by_level if levels else found.by_class)
    shown = min(total, most)
    chart = (learned_by_level_figure if levels else learned_by_class_figure)(found, most)
    noun, which = ("levels", "lowest") if levels else ("classes of skills", "largest")
    return chart, {"height": f"{max(280, 60 + 19 * shown)}px"}, groups_said(shown, total, noun, which)


@CALLS.answer(
    "what they are attached to",
    Output("p-anchors", "rowData"),
    Output("p-anchors-rows-kept", "children"),
    Output("p-anchors-shared-bars", "children"),
    Output("p-components", "children"),
    Input("p-attached", "value"),
    Input("p-pair", "data"),
    *ANCHORS.inputs(),
)
def attached(
    source: Source, kind: str, pair: dict[str, str], *spans: list[int] | None
) -> tuple[list[Row], str, Content, Content]:
    found = compared(source.snapshot(), pair["dataset"], pair["first"], pair["second"])
    rows, lasts = anchor_rows(found.changes, kind), anchor_lasts(found)
    kept, said = ANCHORS.kept(rows, spans, lasts)
    [brush] = ANCHORS.brushes
    return kept, said, ANCHORS.bars(brush, rows, spans[0], lasts[brush.key]), components_told(found, kind)


@CALLS.answer(
    "the table of skills",
    Output("p-changes", "rowData"),
    Output("p-changes-rows-kept", "children"),
    *CHANGED.inputs(),
    State("p-pair", "data"),
    prevent_initial_call=True,
)
def changes(source: Source, *given: Any) -> tuple[list[Row], str]:
    *spans, pair = given
    rows = change_rows(compared(source.snapshot(), pair["dataset"], pair["first"], pair["second"]))
    return CHANGED.kept(rows, spans, CHANGED.lasts(rows))


@CALLS.answer("the family", Output("p-family", "children"), Input("p-pair", "data"))
def relatives(source: Source, pair: dict[str, str]) -> Component:
    snapshot = source.snapshot()
    dataset = pair["dataset"]
    report = snapshot.apart(("family", dataset), family, dataset)
    return family_tree(report, snapshot.layers(dataset), pair)


@CALLS.answer(
    "the report",
    Output("p-download", "data"),
    Input("p-report", "n_clicks"),
    State("p-pair", "data"),
    prevent_initial_call=True,
)
def report(source: Source, clicks: int | None, pair: dict[str, str]) -> Update[Download]:
    """The whole comparison as one file."""
    if not clicks:
        return no_update
    found = compared(source.snapshot(), pair["dataset"], pair["first"], pair["second"])
    name = "-".join(pair[key] for key in ("dataset", "first", "second")).replace("/", "_")
    return {"content": comparison_html(found), "filename": f"{name}.html", "type": "text/html"}


CALLS.browser(
    "sgPair.pick",
    Output("url", "search", allow_duplicate=True),
    Input("p-first", "value"),
    Input("p-second", "value"),
    State("p-pair", "data"),
    prevent_initial_call=True,
)
for side in ("a", "b"):
    CALLS.browser(
        "sg.plainSheet",
        Output(f"p-cy-{side}", "stylesheet"),
        Input("shown-scheme", "data"),
        Input("p-sheets", "data"),
    )
    CALLS.browser(
        "sgPair.zoom",
        Output({"type": f"p-cy-{side}-zoom", "act": "fit"}, "data-done"),
        Input({"type": f"p-cy-{side}-zoom", "act": ALL}, "n_clicks"),
        State(f"p-cy-{side}", "id"),
        prevent_initial_call=True,
    )
CALLS.browser(
    "sgPair.show",
    Output("p-body", "className"),
    Input("p-cy-a", "elements"),
    Input("p-cy-b", "elements"),
    Input("p-view", "value"),
    Input("p-class", "value"),
    Input("p-skill", "data"),
    Input("p-near", "data"),
)
CALLS.browser(
    "sgPair.legend",
    Output({"type": "p-legend", "change": ALL}, "className"),
    Output({"type": "p-legend", "change": ALL}, "aria-pressed"),
    Input({"type": "p-legend", "change": ALL}, "n_clicks"),
    State({"type": "p-legend", "change": ALL}, "id"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgPair.choose",
    Output("p-skill", "data"),
    Input("p-changes", "selectedRows"),
    Input("p-anchors", "cellClicked"),
    Input({"type": "p-item", "skill": ALL}, "n_clicks"),
    State("p-skill", "data"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgPair.filter",
    Output("p-changes", "filterModel"),
    Input("p-class", "value"),
    State("p-changes", "filterModel"),
)
CONTROLS.wire(CALLS)
CHANGED.wire(CALLS)
ANCHORS.wire(CALLS)
CALLS.browser("sgPair.named", Output("p-view", "data-url"), Input("p-pair", "data"))
