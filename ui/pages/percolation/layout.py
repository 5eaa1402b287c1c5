"""Percolation: keep skills at random and watch the giant component form."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.attributes import attributes
from ui.choice import Choice, Query, choose
from ui.components import card, figure, grid, no_layer, page_header, why_column
from ui.drawing.canvas import stylesheets
from ui.drawing.fitted import fitted_canvas
from ui.notices import notice
from ui.pages.percolation.answers import LIMITS, STEPS
from ui.pages.percolation.state import CONTROLS
from ui.source import Snapshot
from ui.typed import Properties

__all__ = ["layout"]

_TITLE = "Percolation"


_MEANING = (
    "Each skill is kept with probability φ, learned or not; two kept skills are linked when they occur in the same "
    "text. Above a critical φ one giant component contains most of them."
)


_NARROW = {"paddingLeft": "4px", "paddingRight": "10px"}
_NUMBER = {
    "type": "numericColumn",
    "minWidth": 60,
    "cellStyle": _NARROW,
    "headerClass": "ag-right-aligned-header narrow",
}
_KEYSTONES = (
    {"field": "step", "headerName": "", "maxWidth": 34, "minWidth": 34, "cellStyle": _NARROW},
    {"field": "name", "headerName": "Skill", "minWidth": 120, "tooltipField": "name", "cellStyle": _NARROW},
    {"field": "cost", "headerName": "Costs", "headerTooltip": "What the giant component loses", **_NUMBER},
    {"field": "alone", "headerName": "Alone", "headerTooltip": "The same if only this one is removed", **_NUMBER},
    {"field": "giant", "headerName": "Left", "headerTooltip": "Size of the giant component then", **_NUMBER},
    {"field": "uses", "headerName": "Texts", **_NUMBER},
    {
        "field": "between",
        "headerName": "Paths",
        "headerTooltip": "Betweenness: share of the shortest paths between other skills that pass through it",
        **_NUMBER,
    },
)
_ONE = {"rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}}


_ORDERS = ({"value": "random", "label": "at random"}, {"value": "hubs", "label": "most used removed first"})


_DRAWN = tuple({"value": str(most), "label": f"{most:,}"} for most in LIMITS)


_OF = ({"value": "all", "label": "of all skills"}, {"value": "kept", "label": "of the kept"})


def _segments(name: str, label: str, options: Sequence[dict[str, str]], value: str | None) -> html.Div:
    return html.Div(
        [
            html.Span(label, className="control-label", **attributes(aria_hidden="true")),
            dmc.SegmentedControl(id=name, data=list(options), value=value, size="xs", **attributes(aria_label=label)),
        ],
        className="control",
    )


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    state = CONTROLS.read(query)
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            None if choice.problem is None else notice(choice.problem),
            dcc.Store(id="r-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
            dcc.Store(id="r-sheets", data=stylesheets("plain")),
            *CONTROLS.stores(),
            dcc.Store(id="r-frames"),
            dcc.Interval(id="r-tick", interval=140, disabled=True),
            html.Div([_stage(state, choice), _curves(state, choice)], className="learn-body tab-body-like"),
        ],
        className="page fill",
    )


def _draw(state: Properties, choice: Choice) -> html.Div:
    """How many skills are drawn; nothing to choose where the fewest are all of them."""
    most = dmc.SegmentedControl(
        id="r-draw", data=list(_DRAWN), value=state["draw"], size="xs", **attributes(aria_label="Draw")
    )
    few = choice.layer_info is None or choice.layer_info.skills <= LIMITS[0]
    label = html.Span("Draw", className="quiet", **attributes(aria_hidden="true"))
    return html.Div([label, most], className="drawn-most", hidden=few)


def _stage(state: Properties, choice: Choice) -> html.Section:
    """The slider and the skills that it keeps."""
    slider = dmc.Slider(
        id="r-phi",
        min=0,
        max=STEPS,
        step=1,
        value=state["phi"],
        marks=[{"value": k, "label": f"{k} %"} for k in range(0, 101, 20)],
        updatemode="drag",
        size="sm",
        thumbLabel="Share of skills kept, percent",
        label=None,
        thumbSize=16,
    )
    play = html.Button(
        html.Span(className="icon icon-play", id="r-play-icon"),
        id="r-play",
        className="tool main-tool",
        **attributes(aria_label="Play"),
    )
    keys = html.Div(
        [
            html.Span([html.Span(className="dot", style={"background": "var(--ghost)"}), "left out"]),
            html.Span([html.Span(className="dot", style={"background": "#2F7FB8"}), "kept"]),
            html.Span([html.Span(className="dot dot-measured"), "in the largest cluster"]),
            html.Span([html.Span(className="dot dot-second"), "in the second largest"]),
        ],
        className="keys",
    )
    return html.Section(
        [
            html.Div(
                [
                    play,
                    html.Div(slider, className="wave-slider"),
                    _segments("r-order", "Which skills are left out", _ORDERS, state["order"]),
                ],
                className="player",
            ),
            html.Div(
                fitted_canvas("r-cy", "Skills that are kept and the clusters they form; the largest is orange"),
                className="graph-stage",
            ),
            html.Div(
                [
                    html.Div([keys, _draw(state, choice)], className="keys-row"),
                    html.Div(
                        [
                            html.Strong(id="r-kept"),
                            html.Span(id="r-largest"),
                            html.Span(id="r-drawn"),
                        ],
                        **attributes(aria_live="polite"),
                    ),
                ],
                className="graph-caption",
            ),
        ],
        className="card graph-card",
    )


def _curves(state: Properties, choice: Choice) -> html.Div:
    """Figures of the whole sweep, with the same numbers as tables."""
    number = {"type": "numericColumn", "minWidth": 60}
    sweep_columns = [
        {"field": "phi", "headerName": "φ", **number},
        {"field": "largest", "headerName": "Largest", **number},
        {"field": "degrees", "headerName": "Degrees", **number},
        {"field": "types", "headerName": "Types", **number},
        {"field": "poisson", "headerName": "Poisson", **number},
        {"field": "hubs", "headerName": "Most used first", **number},
        {"field": "second", "headerName": "Second", **number},
    ]
    removal_columns = [
        {"field": "removed", "headerName": "Gone", "minWidth": 70, "maxWidth": 90, "type": "numericColumn"},
        {"field": "targeted", "headerName": "Most used", **number},
        {"field": "random", "headerName": "At random", **number},
        {"field": "last", "headerName": "Down to", "flex": 1, "tooltipField": "last", "minWidth": 90},
    ]
    return html.Div(
        [
            card(
                "Largest cluster",
                [
                    figure("r-giant", height=320, label="Largest cluster against the share kept"),
                    html.Details(
                        [html.Summary("These curves as a table"), grid("r-sweep", sweep_columns, height=230)],
                        className="twin",
                    ),
                ],
                note="Orange: measured (mean of 20 random orders); dashed: prediction for the same number of skills.",
                extra=dmc.SegmentedControl(
                    id="r-of",
                    data=list(_OF),
                    value=state["of"],
                    size="xs",
                    **attributes(aria_label="Share of what"),
                ),
            ),
            card(
                "What keeps it connected",
                [grid("r-removal", removal_columns, height=236), html.Div(id="r-said")],
                note="Share of all skills in the largest cluster after removing a share of the skills: the most "
                "used first, or at random.",
            ),
            card(
                "What holds the learned skills together",
                [
                    grid(
                        "r-keystones",
                        [*_KEYSTONES, why_column(str(choice.dataset), choice.layer)],
                        height=300,
                        options=_ONE,
                    ),
                    html.Div(id="r-held"),
                ],
                note="Learned skills, each in turn the one whose removal costs their giant component most; the first "
                "exactly, the following greedily. Click a row to see the skill in the picture.",
            ),
            card(
                "Where it appears",
                figure("r-susceptibility", height=170, label="Susceptibility by share kept"),
                note="Susceptibility: mean size of the cluster of a skill outside the largest; the giant component "
                "appears at its peak before the largest cluster holds half of the kept skills.",
            ),
        ],
        className="side scroll",
        tabIndex=0,
        role="region",
        **attributes(aria_label="Figures and tables"),
    )
