"""What the page answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import Input, Output, State

from explorer.service.keystones import keystones
from ui.calls import Calls
from ui.content import Content
from ui.drawing.elements import skill_drawing
from ui.drawing.figures import percolation_figure, susceptibility_figure
from ui.pages.percolation.answers import (
    DRAWN_HUBS,
    LIMITS,
    Frames,
    at_shares,
    drawn_graph,
    frames,
    held_sentence,
    keystone_rows,
    learned_curve_of,
    removal_rows,
    sweep_rows,
    sweeps,
    what_it_says,
)
from ui.pages.percolation.state import CONTROLS
from ui.source import Source
from ui.typed import Element, Row

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALLS"]

CALLS = Calls()


@CALLS.answer(
    "the picture",
    Output("r-cy", "elements"),
    Output("r-drawn", "children"),
    Input("r-subject", "data"),
    Input("r-draw", "value"),
)
def draw(source: Source, subject: dict[str, str], most: str) -> tuple[list[Element], str]:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"])
    graph = drawn_graph(snapshot, *key, int(most))
    drawing = snapshot.once(("percolation drawing", *key, most), lambda: skill_drawing(graph, {}, per_skill=3))
    rows = {f"s:{graph.skill_id(i)}": i for i in range(graph.n)}
    elements: list[Element] = [
        {**element, "data": {**element["data"], "row": rows[element["data"]["id"]]}}
        if element["data"]["id"] in rows
        else element
        for element in drawing.elements
    ]
    return elements, _drawn(graph.n, len(graph.view.wave), int(most))


def _drawn(n: int, total: int, most: int) -> str:
    if n == total:
        return ""
    more = "“Draw” brings in more" if most < LIMITS[-1] else "the map of the graph page has all that are learned"
    return (
        f". Drawn: {n:,} of {total:,} skills, the {DRAWN_HUBS} most used and an even choice of the others; {more}, and "
        "the numbers and figures count all of them."
    )


@CALLS.answer(
    "the clusters",
    Output("r-frames", "data"),
    Input("r-subject", "data"),
    Input("r-order", "value"),
    Input("r-draw", "value"),
)
def keep(source: Source, subject: dict[str, str], order: str, most: str) -> Frames:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"])
    hubs = order == "hubs"
    graph = drawn_graph(snapshot, *key, int(most))
    return {"order": order, **snapshot.once(("frames", hubs, *key, most), lambda: frames(graph, hubs=hubs))}


@CALLS.answer("the largest cluster", Output("r-giant", "figure"), Input("r-subject", "data"), Input("r-of", "value"))
def sizes(source: Source, subject: dict[str, str], of: str) -> go.Figure:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"])
    report, hubs = sweeps(snapshot, *key)
    learned = snapshot.apart(("learned curve", *key), learned_curve_of, *key)
    return percolation_figure(report, at_shares(hubs, report.phi), learned, of_kept=of == "kept")


@CALLS.answer(
    "what keeps it connected",
    Output("r-susceptibility", "figure"),
    Output("r-said", "children"),
    Output("r-removal", "rowData"),
    Output("r-sweep", "rowData"),
    Input("r-subject", "data"),
)
def tables(source: Source, subject: dict[str, str]) -> tuple[go.Figure, Content, list[Row], list[Row]]:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"])
    report, hubs = sweeps(snapshot, *key)
    view = snapshot.view(*key)
    at = at_shares(hubs, report.phi)
    return (
        susceptibility_figure(report),
        what_it_says(report, at),
        removal_rows(view, report, hubs),
        sweep_rows(report, at),
    )


@CALLS.answer(
    "what holds them together",
    Output("r-keystones", "rowData"),
    Output("r-held", "children"),
    Input("r-subject", "data"),
)
def held(source: Source, subject: dict[str, str]) -> tuple[list[Row], Content]:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"])
    if not snapshot.view(*key).learned.any():
        return [], "The layer has learned no skill."
    report = snapshot.apart(("keystones", *key), keystones, *key)
    return keystone_rows(report), held_sentence(report)


CALLS.browser(
    "sgPercolation.seek",
    Output("r-keystones", "data-sought"),
    Input("r-keystones", "selectedRows"),
    State("r-cy", "id"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgPercolation.clusters",
    Output("r-kept", "children"),
    Output("r-largest", "children"),
    Input("r-phi", "value"),
    Input("r-cy", "elements"),
    Input("r-frames", "data"),
    State("r-cy", "id"),
)
CALLS.browser(
    "sg.markShare",
    Output("r-giant", "data-mark"),
    Input("r-phi", "value"),
    Input("r-giant", "figure"),
    State("r-giant", "id"),
)
CALLS.browser("sg.plainSheet", Output("r-cy", "stylesheet"), Input("shown-scheme", "data"), Input("r-sheets", "data"))
CONTROLS.wire(CALLS)
CALLS.browser(
    "sg.play",
    Output("r-tick", "disabled"),
    Output("r-play", "aria-label"),
    Output("r-play-icon", "className"),
    Input("r-play", "n_clicks"),
    State("r-tick", "disabled"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sg.tick",
    Output("r-phi", "value"),
    Input("r-tick", "n_intervals"),
    State("r-phi", "value"),
    State("r-phi", "max"),
    prevent_initial_call=True,
)
