"""Percolation: keep skills at random and watch the giant component form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
import numpy as np
from dash import ClientsideFunction, Input, Output, State, dcc, html

from analysis.components import components
from analysis.newman_ziff import site_percolation, targeted_order
from explorer.service import PercolationReport, percolate
from ui.canvas import canvas, stylesheets
from ui.choice import Query, choose
from ui.components import card, figure, fraction, no_layer, page_header, sentence
from ui.elements import colourings, skill_drawing
from ui.figures import percolation_figure, susceptibility_figure
from ui.graphs import LayerGraph, layer_graph
from ui.notices import notice
from ui.source import Snapshot, Source

__all__ = ["frames", "layout", "register"]

_TITLE = "Percolation"
_MEANING = (
    "Each skill is kept with probability φ, whether it was learned or not; two kept skills hang together when a text "
    "requires both. Above a critical φ one giant component holds most of them."
)
_DRAWN = 900
_STEPS = 100


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    phi = int(query["phi"]) if query.get("phi", "").isdigit() else 20
    slider = dmc.Slider(
        id="r-phi",
        min=0,
        max=_STEPS,
        step=1,
        value=min(phi, _STEPS),
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
        **{"aria-label": "Play"},
    )
    keys = html.Div(
        [
            html.Span([html.Span(className="dot", style={"background": "var(--ghost)"}), "left out"]),
            html.Span([html.Span(className="dot", style={"background": "#2F7FB8"}), "kept"]),
            html.Span([html.Span(className="dot dot-measured"), "kept, in the largest cluster"]),
        ],
        className="keys",
    )
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            None if choice.problem is None else notice(choice.problem),
            dcc.Store(id="r-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
            dcc.Store(id="r-sheets", data=stylesheets("plain")),
            dcc.Store(id="r-frames"),
            dcc.Interval(id="r-tick", interval=140, disabled=True),
            html.Div(
                [
                    html.Section(
                        [
                            html.Div([play, html.Div(slider, className="wave-slider")], className="player"),
                            html.Div(
                                canvas("r-cy", "Skills kept at random; the largest cluster is orange"),
                                className="graph-stage",
                            ),
                            html.Div(
                                [
                                    keys,
                                    html.Div(
                                        [
                                            html.Strong(id="r-kept"),
                                            html.Span(": "),
                                            html.Span(id="r-largest"),
                                            html.Span(id="r-drawn"),
                                        ],
                                        **{"aria-live": "polite"},
                                    ),
                                ],
                                className="graph-caption",
                            ),
                        ],
                        className="card graph-card",
                    ),
                    html.Div(
                        [
                            card(
                                "Size of the clusters",
                                figure("r-giant", height=240, label="Clusters against the share kept"),
                                note="Solid orange: mean of 20 random orders of all skills; dashed: theory.",
                            ),
                            card(
                                "Where it sets in",
                                [
                                    figure("r-susceptibility", height=146, label="Susceptibility by share kept"),
                                    html.Div(id="r-said"),
                                ],
                                note="Mean cluster size outside the largest: it peaks at the critical share.",
                                className="grow",
                            ),
                        ],
                        className="side scroll",
                    ),
                ],
                className="learn-body tab-body-like",
            ),
        ],
        className="page fill",
    )


def frames(graph: LayerGraph, seed: int = 0, steps: int = _STEPS) -> dict[str, Any]:
    """What is kept and what is in the largest cluster, as skills are added in one random order.

    Args:
        graph: The drawn nodes; clusters are those of all skills of the view.
        seed: Of the order.
        steps: Number of equal steps from none to all.

    Returns:
        `steps`: a string for each step with a digit for each node: 0 left out, 1 kept, 2 in the largest cluster;
        `largest`, `second`: sizes as fractions of all skills.
    """
    all_skills = graph.view.indexed.graph
    order = np.random.default_rng(seed).permutation(all_skills.n_skills)
    found: dict[str, Any] = {"steps": [], "largest": [], "second": []}
    for step in range(steps + 1):
        kept = np.zeros(all_skills.n_skills, dtype=bool)
        kept[order[: round(step / steps * all_skills.n_skills)]] = True
        clusters = components(all_skills, kept)
        state = np.where(clusters.label == 0, 2, np.where(kept, 1, 0))
        if clusters.giant < 2:
            state = np.minimum(state, 1)
        found["steps"].append("".join(map(str, state[graph.skill].tolist())))
        sizes = [int(n) / max(all_skills.n_skills, 1) for n in clusters.sizes[:2]] + [0.0, 0.0]
        found["largest"].append(sizes[0])
        found["second"].append(sizes[1])
    return found


def _drawn(snapshot: Snapshot, dataset: str, layer: str) -> LayerGraph:
    """The most used skills, learned or not, with their associations."""

    def make() -> LayerGraph:
        view = snapshot.view(dataset, layer)
        degrees = view.indexed.graph.skill_degrees
        wave = np.full(len(degrees), -1, dtype=np.int32)
        chosen = np.argsort(-degrees, kind="stable")[:_DRAWN]
        wave[chosen] = np.maximum(view.wave[chosen], 0)
        all_known = replace(view, wave=wave, info=replace(view.info, associations=None))
        return layer_graph(snapshot.store, all_known)

    return snapshot.once(("all skills", dataset, layer), make)


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""

    @app.callback(
        Output("r-cy", "elements"),
        Output("r-frames", "data"),
        Output("r-drawn", "children"),
        Input("r-subject", "data"),
    )
    def draw(subject: dict[str, str]) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"])
        graph = _drawn(snapshot, *key)
        drawing = snapshot.once(
            ("percolation drawing", *key), lambda: skill_drawing(graph, colourings(graph), per_skill=2)
        )
        rows = {f"s:{graph.skill_id(i)}": i for i in range(graph.n)}
        elements = [
            {**element, "data": {**element["data"], "row": rows[element["data"]["id"]]}}
            if element["data"]["id"] in rows
            else element
            for element in drawing.elements
        ]
        total = len(graph.view.wave)
        drawn = "" if graph.n == total else f". Drawn are the {graph.n:,} most used of {total:,} skills."
        return elements, snapshot.once(("frames", *key), lambda: frames(graph)), drawn

    @app.callback(
        Output("r-giant", "figure"),
        Output("r-susceptibility", "figure"),
        Output("r-said", "children"),
        Input("r-subject", "data"),
    )
    def sweep(subject: dict[str, str]) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"])
        report = snapshot.once(("percolation", *key), lambda: percolate(snapshot.store, *key))
        hubs = snapshot.once(("targeted", *key), lambda: _targeted(snapshot, *key, report))
        return percolation_figure(report, hubs), susceptibility_figure(report), _said(report, hubs)

    def js(name: str) -> ClientsideFunction:
        return ClientsideFunction("sg", name)

    app.clientside_callback(
        js("percolate"),
        Output("r-kept", "children"),
        Output("r-largest", "children"),
        Input("r-phi", "value"),
        Input("r-cy", "elements"),
        Input("r-frames", "data"),
        State("r-cy", "id"),
    )
    app.clientside_callback(
        js("markShare"),
        Output("r-giant", "data-mark"),
        Input("r-phi", "value"),
        Input("r-giant", "figure"),
        State("r-giant", "id"),
    )
    app.clientside_callback(
        js("plainSheet"), Output("r-cy", "stylesheet"), Input("shown-scheme", "data"), Input("r-sheets", "data")
    )
    app.clientside_callback(js("shareState"), Output("r-phi", "data-url"), Input("r-phi", "value"))
    app.clientside_callback(
        js("play"),
        Output("r-tick", "disabled"),
        Output("r-play", "aria-label"),
        Output("r-play-icon", "className"),
        Input("r-play", "n_clicks"),
        State("r-tick", "disabled"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("tick"),
        Output("r-phi", "value"),
        Input("r-tick", "n_intervals"),
        State("r-phi", "value"),
        State("r-phi", "max"),
        prevent_initial_call=True,
    )


def _targeted(snapshot: Snapshot, dataset: str, layer: str, report: PercolationReport) -> list[float]:
    """Largest cluster if the most used skills are taken away first, at the shares of the report."""
    graph = snapshot.view(dataset, layer).indexed.graph
    swept = site_percolation(graph, order=targeted_order(graph)).largest
    n = max(graph.n_skills, 1)
    return [float(swept[round(phi * graph.n_skills)]) / n for phi in report.phi]


def _said(report: PercolationReport, hubs: list[float]) -> Any:
    half = next((phi for phi, size in zip(report.phi, hubs, strict=True) if size >= 0.5 * hubs[-1]), 1.0)
    return html.Div(
        [
            sentence(
                f"The learned skills ({fraction(report.learned)}) hold a component of "
                f"{fraction(report.learned_giant)}; as many at random: "
                f"{fraction(report.learned_giant_random)}."
            ),
            sentence(
                f"Without the most used skills first, half of the component is lost once "
                f"{fraction(1 - half, 0)} of the skills are gone."
            ),
        ]
    )
