"""Percolation: keep skills at random and watch the giant component form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
import numpy as np
import numpy.typing as npt
from dash import ClientsideFunction, Input, Output, State, dcc, html

from analysis.components import components
from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.learned_sites import giant_learned_sites
from analysis.learners import parse_learner
from analysis.newman_ziff import convolve, site_percolation, targeted_order
from explorer.errors import USER_ERRORS
from explorer.service import LayerView, PercolationReport, percolate
from explorer.service.expectation import known_beforehand
from ui.choice import Query, choose
from ui.components import card, figure, fraction, grid, no_layer, page_header, sentence
from ui.drawing.canvas import stylesheets
from ui.drawing.elements import skill_drawing
from ui.drawing.figures import LearnedCurve, percolation_figure, susceptibility_figure
from ui.drawing.fitted import fitted_canvas
from ui.drawing.graphs import LayerGraph, layer_graph
from ui.notices import notice
from ui.source import Snapshot, Source

__all__ = ["drawn_skills", "frames", "layout", "learned_curve", "register", "removal_rows", "sweep_rows"]

_TITLE = "Percolation"
_MEANING = (
    "Each skill is kept with probability φ, whether it was learned or not; two kept skills hang together when a text "
    "requires both. Above a critical φ one giant component holds most of them."
)
_DRAWN, _DRAWN_HUBS = 900, 300
_STEPS = 100
_PHI = 20
_ORDERS = ({"value": "random", "label": "at random"}, {"value": "hubs", "label": "most used go first"})
_OF = ({"value": "all", "label": "of all skills"}, {"value": "kept", "label": "of the kept"})
_REMOVALS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
_REPLICATES = 20


def _one_of(options: Sequence[dict[str, str]], value: str | None) -> str:
    """The option that a query names, else the first."""
    names = [option["value"] for option in options]
    return value if value in names else names[0]


def _segments(name: str, label: str, options: Sequence[dict[str, str]], value: str | None) -> html.Div:
    return html.Div(
        [
            html.Span(label, className="control-label", **{"aria-hidden": "true"}),
            dmc.SegmentedControl(
                id=name, data=list(options), value=_one_of(options, value), size="xs", **{"aria-label": label}
            ),
        ],
        className="control",
    )


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            None if choice.problem is None else notice(choice.problem),
            dcc.Store(id="r-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
            dcc.Store(id="r-sheets", data=stylesheets("plain")),
            dcc.Store(id="r-frames"),
            dcc.Interval(id="r-tick", interval=140, disabled=True),
            html.Div([_stage(query), _curves(query)], className="learn-body tab-body-like"),
        ],
        className="page fill",
    )


def _stage(query: Query) -> html.Section:
    """The slider and the skills that it keeps."""
    phi = int(query["phi"]) if query.get("phi", "").isdecimal() else _PHI
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
            html.Span([html.Span(className="dot dot-measured"), "in the largest cluster"]),
            html.Span([html.Span(className="dot dot-second"), "in the second"]),
        ],
        className="keys",
    )
    return html.Section(
        [
            html.Div(
                [
                    play,
                    html.Div(slider, className="wave-slider"),
                    _segments("r-order", "Which are left out", _ORDERS, query.get("order")),
                ],
                className="player",
            ),
            html.Div(
                fitted_canvas("r-cy", "Skills that are kept and the clusters they form; the largest is orange"),
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
    )


def _curves(query: Query) -> html.Div:
    """Figures of the whole sweep, with the same numbers as tables."""
    number = {"type": "numericColumn", "minWidth": 60}
    sweep_columns = [
        {"field": "phi", "headerName": "φ", **number},
        {"field": "largest", "headerName": "Largest", **number},
        {"field": "degrees", "headerName": "Degrees", **number},
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
                note="Orange is measured (mean of 20 random orders), dashed is theory for as many skills.",
                extra=dmc.SegmentedControl(
                    id="r-of",
                    data=list(_OF),
                    value=_one_of(_OF, query.get("of")),
                    size="xs",
                    **{"aria-label": "Share of what"},
                ),
            ),
            card(
                "What holds it together",
                [grid("r-removal", removal_columns, height=236), html.Div(id="r-said")],
                note="Share of all skills in the largest cluster once so many skills are removed: the most used, "
                "or any.",
            ),
            card(
                "Where it sets in",
                figure("r-susceptibility", height=170, label="Susceptibility by share kept"),
                note="Susceptibility: mean size of the cluster of a skill outside the largest; its peak before the "
                "largest holds half of the kept is where the giant component sets in.",
            ),
        ],
        className="side scroll",
        tabIndex=0,
        role="region",
        **{"aria-label": "Figures and tables"},
    )


def drawn_skills(degrees: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """Indices of the skills to draw: all, or the most used and an even choice of the others, int64 (n,).

    Without rare skills nothing would be left of the picture when the most used go first.
    """
    order = np.argsort(-np.asarray(degrees), kind="stable")
    if len(order) <= _DRAWN:
        return order.astype(np.int64)
    rest = np.linspace(_DRAWN_HUBS, len(order) - 1, _DRAWN - _DRAWN_HUBS).round().astype(np.int64)
    return order[np.concatenate((np.arange(_DRAWN_HUBS), rest))].astype(np.int64)


def frames(graph: LayerGraph, seed: int = 0, steps: int = _STEPS, *, hubs: bool = False) -> dict[str, Any]:
    """What is kept and what is in the two largest clusters, as skills are added in one order.

    Args:
        graph: The drawn nodes; clusters are those of all skills of the view.
        seed: Of the random order.
        steps: Number of equal steps from none to all.
        hubs: The least used skills come first, so that backwards the most used go first.

    Returns:
        `steps`: a string for each step with a digit for each node: 0 left out, 1 kept, 2 in the largest cluster,
        3 in the second; `largest`, `second`: sizes as fractions of all skills.
    """
    all_skills = graph.view.indexed.graph
    n = all_skills.n_skills
    order = targeted_order(all_skills) if hubs else np.random.default_rng(seed).permutation(n)
    found: dict[str, Any] = {"steps": [], "largest": [], "second": []}
    for step in range(steps + 1):
        kept = np.zeros(n, dtype=bool)
        kept[order[: round(step / steps * n)]] = True
        clusters = components(all_skills, kept)
        sizes = [int(size) for size in clusters.sizes[:2]] + [0, 0]
        state = kept.astype(np.int64)
        for rank, digit in ((0, 2), (1, 3)):
            if sizes[rank] >= 2:
                state[clusters.label == rank] = digit
        found["steps"].append("".join(map(str, state[graph.skill].tolist())))
        found["largest"].append(sizes[0] / max(n, 1))
        found["second"].append(sizes[1] / max(n, 1))
    return found


def learned_curve(view: LayerView, points: int = 41, seed: int = 0) -> LearnedCurve | None:
    """Site percolation of the learned skills alone, measured and exact; None where nothing was learned.

    The exact curve is for random graphs with the measured degrees; it is empty for a layer that no learner made.
    """
    graph = view.indexed.graph
    n, learned = graph.n_skills, int(np.count_nonzero(view.learned))
    if not learned:
        return None
    shares = np.linspace(0.0, 1.0, points)
    rng = np.random.default_rng(seed)
    sweep = site_percolation(graph, skills=view.learned, replicates=_REPLICATES, rng=rng)
    measured = convolve(sweep, shares).largest / n
    expected, top = np.zeros(0), 0.0
    try:
        rule = parse_learner(view.info.learner)
        ensemble = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
        # its equations are of learning from nothing, without prerequisites
        if view.indexed.prerequisites is None and not known_beforehand(view).any():
            expected = giant_learned_sites(ensemble, shares, "any", rule)
            top = evolve(ensemble, rule).learned
    except USER_ERRORS:  # evidence, or a learner without a rule per text
        expected = np.zeros(0)
    return LearnedCurve(
        kept=tuple((shares * learned / n).tolist()),
        giant=tuple(measured.tolist()),
        predicted_kept=tuple((shares[: len(expected)] * top).tolist()),
        predicted=tuple(expected.tolist()),
    )


def _drawn(snapshot: Snapshot, dataset: str, layer: str) -> LayerGraph:
    """Skills of all uses, learned or not, with their associations."""

    def make() -> LayerGraph:
        view = snapshot.view(dataset, layer)
        wave = np.full(len(view.wave), -1, dtype=np.int32)
        chosen = drawn_skills(view.indexed.graph.skill_degrees)
        wave[chosen] = np.maximum(view.wave[chosen], 0)
        all_known = replace(view, wave=wave, info=replace(view.info, associations=None))
        return layer_graph(snapshot.store, all_known)

    return snapshot.once(("all skills", dataset, layer), make)


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""

    @app.callback(Output("r-cy", "elements"), Output("r-drawn", "children"), Input("r-subject", "data"))
    def draw(subject: dict[str, str]) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"])
        graph = _drawn(snapshot, *key)
        drawing = snapshot.once(("percolation drawing", *key), lambda: skill_drawing(graph, {}, per_skill=3))
        rows = {f"s:{graph.skill_id(i)}": i for i in range(graph.n)}
        elements = [
            {**element, "data": {**element["data"], "row": rows[element["data"]["id"]]}}
            if element["data"]["id"] in rows
            else element
            for element in drawing.elements
        ]
        total = len(graph.view.wave)
        drawn = "" if graph.n == total else f". Drawn are {graph.n:,} of {total:,} skills, from the most used down."
        return elements, drawn

    @app.callback(Output("r-frames", "data"), Input("r-subject", "data"), Input("r-order", "value"))
    def keep(subject: dict[str, str], order: str) -> Any:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"])
        hubs = order == "hubs"
        graph = _drawn(snapshot, *key)
        return {"order": order, **snapshot.once(("frames", hubs, *key), lambda: frames(graph, hubs=hubs))}

    @app.callback(Output("r-giant", "figure"), Input("r-subject", "data"), Input("r-of", "value"))
    def sizes(subject: dict[str, str], of: str) -> Any:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"])
        report, hubs = _sweeps(snapshot, *key)
        learned = snapshot.once(("learned curve", *key), lambda: learned_curve(snapshot.view(*key)))
        return percolation_figure(report, _at(hubs, report.phi), learned, of_kept=of == "kept")

    @app.callback(
        Output("r-susceptibility", "figure"),
        Output("r-said", "children"),
        Output("r-removal", "rowData"),
        Output("r-sweep", "rowData"),
        Input("r-subject", "data"),
    )
    def tables(subject: dict[str, str]) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"])
        report, hubs = _sweeps(snapshot, *key)
        view = snapshot.view(*key)
        at = _at(hubs, report.phi)
        return (
            susceptibility_figure(report),
            _said(report, at),
            removal_rows(view, report, hubs),
            sweep_rows(report, at),
        )

    _register_browser(app)


def _register_browser(app: Any) -> None:
    """Add what happens in the browser alone."""

    def js(name: str, space: str = "sg") -> ClientsideFunction:
        return ClientsideFunction(space, name)

    app.clientside_callback(
        js("clusters", "sgPercolation"),
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
    app.clientside_callback(
        js("state", "sgPercolation"),
        Output("r-phi", "data-url"),
        Input("r-phi", "value"),
        Input("r-order", "value"),
        Input("r-of", "value"),
    )
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


def _sweeps(snapshot: Snapshot, dataset: str, layer: str) -> tuple[PercolationReport, list[float]]:
    """The random sweep, and the largest cluster by number of kept skills if the most used are taken away first."""

    def targeted() -> list[float]:
        graph = snapshot.view(dataset, layer).indexed.graph
        swept = site_percolation(graph, order=targeted_order(graph)).largest
        return [float(size) / max(graph.n_skills, 1) for size in swept]

    report = snapshot.once(
        ("percolation", dataset, layer),
        lambda: percolate(snapshot.store, dataset, layer, replicates=_REPLICATES),
    )
    return report, snapshot.once(("targeted", dataset, layer), targeted)


def _at(swept: Sequence[float], phi: Sequence[float]) -> list[float]:
    """Values of a sweep over 0..n kept skills at these shares."""
    return [swept[round(share * (len(swept) - 1))] for share in phi]


def removal_rows(view: LayerView, report: PercolationReport, hubs: Sequence[float]) -> list[dict[str, Any]]:
    """Largest cluster after k skills are removed, the most used ones and random ones; `last` the k-th most used."""
    graph = view.indexed.graph
    names = view.indexed.skill_column("name")
    order = targeted_order(graph)[::-1]
    at_random = np.interp(1.0 - np.array(_REMOVALS) / max(graph.n_skills, 1), report.phi, report.giant)
    return [
        {
            "removed": k,
            "targeted": fraction(hubs[graph.n_skills - k]),
            "random": fraction(float(expected)),
            "last": names[int(order[k - 1])].as_py() or view.indexed.skills.ids[int(order[k - 1])].as_py(),
        }
        for k, expected in zip(_REMOVALS, at_random.tolist(), strict=True)
        if k <= graph.n_skills
    ]


def sweep_rows(report: PercolationReport, hubs: Sequence[float]) -> list[dict[str, Any]]:
    """The curves at every twentieth of the skills."""
    every = max(1, (len(report.phi) - 1) // 20)
    return [
        {
            "phi": fraction(report.phi[i], 0),
            "largest": fraction(report.giant[i]),
            "degrees": fraction(report.predicted[i]),
            "poisson": fraction(report.predicted_poisson[i]),
            "hubs": fraction(hubs[i]),
            "second": fraction(report.second[i]),
        }
        for i in range(0, len(report.phi), every)
    ]


def _said(report: PercolationReport, hubs: list[float]) -> Any:
    half = next((phi for phi, size in zip(report.phi, hubs, strict=True) if size >= 0.5 * hubs[-1]), 1.0)
    return html.Div(
        [
            sentence(
                f"Once the {fraction(1 - half, 0)} most used skills are gone, half of the giant component is lost; "
                f"at random it takes about half of all skills."
                if report.giant[len(report.giant) // 2] > 0.4 * report.giant[-1]
                else f"Once the {fraction(1 - half, 0)} most used skills are gone, half of the giant component is lost."
            ),
            sentence(
                f"The learned skills ({fraction(report.learned)} of all) hold a component of "
                f"{fraction(report.learned_giant)}; as many at random hold {fraction(report.learned_giant_random)}."
            ),
        ]
    )
