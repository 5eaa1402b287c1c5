"""The graph page for what its address says."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from explorer.wording import isolated, quoted
from ui.attributes import attributes
from ui.choice import Choice, Query, choose
from ui.components import blank_chart, chart_settings, empty_state, grid, no_layer, page_header
from ui.content import Child
from ui.drawing.canvas import canvas, stylesheets, zoom_tools
from ui.drawing.histograms import last_place
from ui.notices import notice
from ui.pages.graph.controls import options_row, toolbar
from ui.pages.graph.inspector import path_box, whole_fields
from ui.pages.graph.pictures import colour_keys
from ui.pages.graph.state import CONTROLS, GraphState, not_learned, read_state, usual_view
from ui.source import Snapshot
from ui.typed import Properties

__all__ = ["layout"]

_SUBJECT = ("dataset", "layer")
_TITLE = "Association graph"
_MEANING = (
    "Each dot is a learned skill; the more texts require it, the larger the dot; two are linked when they occur in "
    "the same text."
)
_COLUMNS = (
    {"field": "kind", "headerName": "What", "width": 100},
    {"field": "name", "minWidth": 180, "flex": 2},
    {"field": "class", "flex": 1},
    {
        "field": "wave",
        "headerTooltip": "the round in which it was learned; 0: known before the first text",
        "width": 84,
    },
    {"field": "texts", "headerTooltip": "texts that require it", "width": 90},
    {"field": "joined", "headerName": "Joined to", "headerTooltip": "skills, among those kept", "width": 104},
    {"field": "skills", "headerTooltip": "skills of a group or text", "width": 90},
)


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.dataset is None or choice.layer is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    subject = (choice.dataset, choice.layer)
    graph = snapshot.graph(*subject)
    if graph.n == 0:
        text = f"Layer {quoted(choice.layer)} has learned nothing, so there is nothing to link."
        why = dcc.Link(
            "Why not, and what would help", href="/why?" + urlencode(dict(zip(_SUBJECT, subject, strict=True)))
        )
        return html.Div(
            [page_header(_TITLE, _MEANING, choice), empty_state("No skills learned", text), html.P(why)],
            className="page",
        )
    state = read_state(query, graph)
    last = max(int(graph.wave.max(initial=0)), 1)
    ends = {"waves": [0, last], "uses": [0, max(last_place(graph.uses, "texts"), 1)]}
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            *(notice(text) for text in (choice.problem, not_learned(query, graph)) if text is not None),
            *_memory(choice, state, usual_view(graph), ends, whole_fields(graph)),
            toolbar(graph, state, colour_keys(snapshot, subject)),
            options_row(graph, state),
            html.Div(
                [
                    _stage(choice, state),
                    html.Div(
                        [
                            html.Section(
                                id="g-legend-box",
                                className="card legend",
                                style={"display": "none"},
                                tabIndex=0,
                                **attributes(aria_label="Legend"),
                            ),
                            html.Aside(
                                [html.Div(id="g-inspector"), path_box(graph, state)],
                                className="card inspector",
                                tabIndex=0,
                                **attributes(aria_label="Chosen skill"),
                            ),
                        ],
                        className="graph-side",
                    ),
                ],
                className="graph-body",
            ),
        ],
        className="page fill graph-page",
    )


def _memory(
    choice: Choice, state: GraphState, usual: str, ends: Mapping[str, list[int]], whole: list[str]
) -> list[Child]:
    """What the page remembers between callbacks, all of it in the address."""
    box = state.filters.box
    values: Properties = {
        "g-subject": {
            "dataset": choice.dataset,
            "layer": choice.layer,
            "usual": usual,
            "ends": dict(ends),
            "whole": whole,
        },
        "g-sheets": stylesheets("look"),
        "g-skill": state.skill,
        "g-goal": state.goal,
        "g-open": list(state.opened),
        "g-added": list(state.filters.added),
        "g-around": state.around,
        "g-box": None if box is None else ",".join(f"{value:g}" for value in box),
        "g-hidden": list(state.hidden),
        "g-table": state.table,
        "g-state": None,
        "g-mapped": None,
        "g-asked": None,
        "g-search-asked": None,
        "g-to-asked": None,
        "g-path": None,
        "g-nearest": None,
        "g-paint": None,
    }
    declared, _kept = CONTROLS.stores(view=usual, **ends)
    stores = (dcc.Store(id=name, data=value) for name, value in values.items())
    return [declared, *stores, dcc.Interval(id="g-tick", interval=1_000, disabled=True), dcc.Download(id="g-download")]


def _stage(choice: Choice, state: GraphState) -> html.Section:
    named = f"layer {isolated(str(choice.layer))}"
    label = f"Association graph of {named}; the button Table shows the same rows as a table"
    return html.Section(
        [
            html.Div(
                [
                    html.Div(canvas("cy", label), id="g-cy-box", className="stage-layer"),
                    html.Div(
                        [
                            dcc.Graph(
                                id="g-map",
                                figure=blank_chart(),
                                config=chart_settings(
                                    scrollZoom=True, doubleClick=False, modeBarButtons=[["zoom2d", "pan2d"]]
                                ),
                                responsive=True,
                                style={"height": "100%", "width": "100%"},
                            ),
                            html.Div(
                                [
                                    html.Button("Open these skills", id="g-map-open", className="act strong"),
                                    html.Button("Whole map", id="g-map-all", className="act"),
                                ],
                                className="map-acts",
                            ),
                        ],
                        id="g-map-box",
                        className="stage-layer map-layer",
                        role="figure",
                        **attributes(aria_label=f"Map of all skills of {named}; drag a box to zoom in"),
                    ),
                    html.Div(
                        grid(
                            "g-table-grid",
                            _COLUMNS,
                            height="100%",
                            options={
                                "rowSelection": {"mode": "singleRow", "enableClickSelection": True, "checkboxes": False}
                            },
                        ),
                        id="g-table-box",
                        className="stage-layer table-layer",
                    ),
                    _nothing_kept(),
                    html.Div(zoom_tools("g"), id="g-zoom-box"),
                ],
                id="g-stage",
                className=_stage_class(state),
            ),
            html.Div(id="g-caption", className="graph-caption", **attributes(aria_live="polite")),
        ],
        className="card graph-card",
    )


def _nothing_kept() -> html.Div:
    """What stands in the middle when the filters leave no skill."""
    return html.Div(
        [
            html.P("The filters leave out every skill.", className="sentence"),
            html.Button("Clear filters", id="g-clear-all", className="act strong"),
        ],
        id="g-nothing",
        hidden=True,
        style={"position": "absolute", "inset": "40% 0 auto", "textAlign": "center", "zIndex": 7},
    )


def _stage_class(state: GraphState) -> str:
    shown = "as-table" if state.table else "as-map" if state.view == "map" else "as-graph"
    return f"graph-stage {shown}"
