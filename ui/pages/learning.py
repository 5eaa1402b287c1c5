"""Learning as peeling: wave by wave on the real graph, what if, and what more texts would teach."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import numpy as np
import plotly.graph_objects as go
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from analysis.density_evolution import learned_fraction_curve, testing_error
from analysis.learners import parse_learner
from explorer.service import SubsampleCurve, predict, subsample, threshold, wave_curve
from ui.choice import Choice, Query, choose, finite
from ui.components import card, empty_state, figure, fraction, grid, icon, no_layer, page_header, stat
from ui.drawing.canvas import canvas, stylesheets
from ui.drawing.elements import colourings, skill_drawing
from ui.drawing.figures import subsample_figure, waves_figure, what_if_figure
from ui.drawing.graphs import NODE_LIMIT, LayerGraph, most_used
from ui.drawing.style import ROLES, figure_layout
from ui.notices import notice
from ui.source import Snapshot, Source

__all__ = ["gains", "gains_figure", "layout", "learner_parts", "register"]

_TITLE = "Learning"
_MEANING = (
    "All texts are read again and again. In each wave every text that has only one unknown skill left teaches it, "
    "until nothing more is learned."
)
_TABS = (("waves", "Wave by wave"), ("what-if", "What if"), ("texts", "More texts"))
_KINDS = (("d", "up to D skills"), ("capacity", "a random number"))
_MOST_D = 10


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None or choice.layer_info is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    tab = query.get("tab", "waves")
    tab = tab if tab in dict(_TABS) else "waves"
    tabs = dmc.SegmentedControl(
        id="l-tab",
        data=[{"value": value, "label": text} for value, text in _TABS],
        value=tab,
        size="sm",
        **{"aria-label": "View"},
    )
    wave = int(query["wave"]) if query.get("wave", "").isdecimal() else choice.layer_info.waves
    state = {key: query[key] for key in ("c", "R", "learner") if key in query}
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            None if choice.problem is None else notice(choice.problem),
            dcc.Store(id="l-subject", data={"dataset": choice.dataset, "layer": choice.layer, "wave": wave, **state}),
            html.Div([tabs], className="toolbar"),
            html.Div(id="l-body", className="tab-body"),
        ],
        className="page fill",
    )


def _waves_tab(snapshot: Snapshot, choice: Choice, wave: int) -> Any:
    info = choice.layer_info
    if info is not None and info.kind == "evidence":
        return _from_outcomes(info.name)
    if info is None or info.learned == 0:
        return empty_state(
            "Nothing was learned", "No text has a single unknown skill to begin with, so there are no waves to play."
        )
    now = min(wave, info.waves)
    controls = html.Div(
        [
            html.Button(
                icon("back"), id="l-back", className="tool", **{"aria-label": "One wave back", "title": "One wave back"}
            ),
            html.Button(
                html.Span(className="icon icon-play", id="l-play-icon"),
                id="l-play",
                className="tool main-tool",
                **{"aria-label": "Play"},
            ),
            html.Button(
                icon("next"), id="l-next", className="tool", **{"aria-label": "One wave on", "title": "One wave on"}
            ),
            html.Div(
                dmc.Slider(
                    id="l-wave",
                    min=0,
                    max=info.waves,
                    step=1,
                    value=now,
                    marks=[{"value": k, "label": str(k)} for k in range(0, info.waves + 1, max(1, info.waves // 12))],
                    updatemode="drag",
                    size="sm",
                    thumbLabel="Wave",
                    thumbSize=16,
                ),
                className="wave-slider",
            ),
        ],
        className="player",
    )
    keys = html.Div(
        [
            html.Span([html.Span(className="dot", style={"background": "var(--ghost)"}), "not yet learned"]),
            html.Span([html.Span(className="dot dot-measured"), "learned in this wave"]),
            html.Span([html.Span(className="dot", style={"background": "#2F7FB8"}), "learned before"]),
        ],
        className="keys",
    )
    return html.Div(
        [
            html.Section(
                [
                    controls,
                    html.Div(
                        canvas("l-cy", "Skills being learned wave by wave; the table lists the skills of the wave"),
                        className="graph-stage",
                    ),
                    html.Div([keys, html.Div(id="l-caption")], className="graph-caption"),
                ],
                className="card graph-card",
            ),
            html.Div(
                [
                    card(
                        "Learned so far",
                        figure("l-curve", height=222, label="Learned fraction after each wave, measured and predicted"),
                        note="Orange is this layer; dashed is what density evolution expects.",
                    ),
                    card(
                        None,
                        [
                            html.Div(id="l-wave-title", className="card-title", **{"aria-live": "polite"}),
                            grid(
                                "l-table",
                                [
                                    {"field": "skill", "headerName": "Skill", "flex": 1, "tooltipField": "skill"},
                                    {"field": "by", "headerName": "Taught by", "flex": 1.3, "tooltipField": "by"},
                                ],
                                height="100%",
                            ),
                        ],
                        className="grow",
                    ),
                ],
                className="side",
            ),
            dcc.Interval(id="l-tick", interval=900, disabled=True),
            dcc.Store(id="l-rows"),
            dcc.Store(id="l-sheets", data=stylesheets("plain")),
        ],
        className="learn-body",
    )


def _from_outcomes(layer: str) -> Any:
    return empty_state(
        "Nothing was read to learn this",
        f"Layer {layer!r} says what a model has mastered, estimated from the texts that it solved: it has no waves, "
        "and no texts taught it. Learn a layer from the texts to see how far reading alone leads:",
        "skillgraph learn foundation",
    )


def _what_if_tab(snapshot: Snapshot, choice: Choice, state: dict[str, Any]) -> Any:
    dataset, layer = str(choice.dataset), str(choice.layer)
    graph = snapshot.view(dataset, layer).indexed.graph

    def number(key: str, default: float, low: float, high: float) -> float:
        return round(min(max(finite(state.get(key), default), low), high), 2)

    c = number("c", graph.mean_skills or 3.0, 0.5, 15.0)
    ratio = number("R", graph.ratio or 1.0, 0.05, 15.0)
    info = choice.layer_info
    kind, d, chance = learner_parts(state.get("learner") or (info.learner if info is not None else "one"))
    return html.Div(
        [
            html.Div(
                [
                    card(
                        "Your ensemble",
                        [
                            _slider("l-c", "Skills per text, c", 0.5, 15, 0.05, c),
                            _slider("l-R", "Texts per skill, R", 0.05, 15, 0.05, ratio),
                            html.Div("A text teaches at once", className="control-label"),
                            dmc.SegmentedControl(
                                id="l-kind",
                                data=[{"value": value, "label": text} for value, text in _KINDS],
                                value=kind,
                                size="xs",
                                fullWidth=True,
                                mb=10,
                                **{"aria-label": "A text teaches at once"},
                            ),
                            html.Div(
                                _slider("l-D", "At most so many unknown skills, D", 1, _MOST_D, 1, d), id="l-D-box"
                            ),
                            html.Div(
                                _slider("l-chance", "Chance to go on to one more skill", 0.05, 0.95, 0.05, chance),
                                id="l-chance-box",
                            ),
                            dcc.Store(id="l-learner"),
                            html.P(
                                f"This layer's own: c = {graph.mean_skills:.2f}, R = {graph.ratio:.2f}.",
                                className="quiet",
                                style={"marginTop": "8px"},
                            ),
                        ],
                        note="Random texts: each requires Poisson(c) skills, and there are R texts for each skill.",
                    ),
                    card("What theory expects", html.Div(id="l-expect")),
                ],
                className="side",
            ),
            card(
                "Learned fraction and testing error",
                figure(
                    "l-what-if",
                    height="calc(100% - 48px)",
                    label="Learned fraction and testing error against texts per skill",
                ),
                note=(
                    "The vertical orange line is your R. Testing error is the share of fresh texts that have a skill "
                    "which was not learned."
                ),
                className="tall",
            ),
        ],
        className="row what-if",
    )


def _slider(name: str, title: str, low: float, high: float, step: float, value: float) -> html.Div:
    shown = f"{value:g}"
    return html.Div(
        [
            html.Div([html.Span(title), html.B(shown, id=f"{name}-shown")], className="slider-head"),
            dmc.Slider(
                id=name,
                min=low,
                max=high,
                step=step,
                value=value,
                updatemode="drag",
                size="sm",
                thumbLabel=title,
                precision=2,
                label=None,
            ),
        ],
        className="slider-box",
    )


def learner_parts(learner: str) -> tuple[str, int, float]:
    """Kind of a learner, its D and its chance to go on; the latter two have a value for either kind.

    >>> learner_parts("one"), learner_parts("d:3"), learner_parts("capacity:0.4")
    (('d', 1, 0.6), ('d', 3, 0.6), ('capacity', 1, 0.4))
    """
    kind, _, value = learner.partition(":")
    try:
        if kind == "capacity":
            return "capacity", 1, min(max(finite(value, 0.6), 0.05), 0.95)
        return "d", min(max(int(value), 1), _MOST_D) if kind == "d" else 1, 0.6
    except ValueError:
        return "d", 1, 0.6


def _texts_tab() -> Any:
    return html.Div(
        [
            html.Div(
                [stat(label, "…", "") for label in ("Half of the texts", "The last tenth adds", "For each of these")],
                id="l-more",
                className="stats",
                **{"aria-live": "polite"},
            ),
            html.Div(
                [
                    card(
                        "What growing shares of the texts teach",
                        figure(
                            "l-subsample",
                            height="calc(100% - 66px)",
                            label="Learned fraction for growing shares of the texts",
                        ),
                        note=(
                            "Each point reads a random share of this layer's texts from nothing; the band is the range "
                            "of five draws."
                        ),
                        className="tall",
                    ),
                    card(
                        "What each further share adds",
                        figure("l-gains", height="calc(100% - 66px)", label="Skills that each further share adds"),
                        note=(
                            "Skills beyond those of the share before, measured and expected for the same degrees. "
                            "Where bars stay high, more texts of the same kind would teach more."
                        ),
                        className="tall",
                    ),
                ],
                className="row two texts-row",
            ),
        ],
        className="side",
    )


def gains(curve: SubsampleCurve, skills: int) -> tuple[list[float], list[float]]:
    """Skills that each share adds to the one before it, measured and predicted for the degrees."""
    measured, expected = (np.diff(np.array([0.0, *line])) * skills for line in (curve.learned, curve.degrees))
    return measured.tolist(), expected.tolist()


def gains_figure(curve: SubsampleCurve, skills: int) -> go.Figure:
    """Skills that each further share of the texts adds."""
    measured, expected = gains(curve, skills)
    chart = go.Figure()
    chart.add_bar(
        x=curve.shares,
        y=measured,
        name="these texts",
        marker={"color": ROLES["measured"]},
        hovertemplate="%{y:.1f} skills",
    )
    chart.add_scatter(
        x=curve.shares,
        y=expected,
        mode="lines",
        name="degrees",
        line={"color": ROLES["degrees"], "width": 2, "dash": "dash"},
        hovertemplate="%{y:.1f} skills",
    )
    chart.update_layout(
        **figure_layout(
            bargap=0.25,
            xaxis={"title": "up to this share of the texts", "tickformat": ".0%", "range": [0, 1.04]},
            yaxis={"title": "skills added", "rangemode": "tozero"},
        )
    )
    return chart


def _more_stats(curve: SubsampleCurve, texts: int, skills: int) -> list[Any]:
    shares, learned = np.array(curve.shares), np.array(curve.learned)
    half, before = (float(np.interp(at, shares, learned)) for at in (0.5, 0.9))
    whole = float(learned[-1])
    added = (whole - before) * skills
    share = f"of all skills; all texts teach {fraction(whole)}"
    each = f"{0.1 * texts / added:,.1f} texts" if added > 0.05 else "–"
    return [
        stat("Half of the texts", fraction(half), share, tone="measured"),
        stat("The last tenth adds", f"{added:,.1f} skills", f"{fraction(whole - before)} of all {skills:,}"),
        stat("For each of these", each, "of the last tenth were read, on average"),
    ]


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""
    _register_browser(app)

    def chosen(subject: dict[str, Any]) -> tuple[Snapshot, Choice]:
        snapshot = source.snapshot()
        return snapshot, choose(snapshot, {key: subject[key] for key in ("dataset", "layer")})

    @app.callback(Output("l-body", "children"), Input("l-tab", "value"), State("l-subject", "data"))
    def body(tab: str, subject: dict[str, Any]) -> Any:
        snapshot, choice = chosen(subject)
        if tab == "what-if":
            return _what_if_tab(snapshot, choice, subject)
        if tab == "texts" and choice.layer_info is not None and choice.layer_info.kind == "evidence":
            return _from_outcomes(choice.layer_info.name)
        return _texts_tab() if tab == "texts" else _waves_tab(snapshot, choice, subject["wave"])

    @app.callback(
        Output("l-cy", "elements"),
        Output("l-caption", "children"),
        Output("l-rows", "data"),
        Output("l-curve", "figure"),
        Input("l-sheets", "data"),
        State("l-subject", "data"),
    )
    def play(_: Any, subject: dict[str, Any]) -> tuple[Any, ...]:
        snapshot, _choice = chosen(subject)
        dataset, layer = subject["dataset"], subject["layer"]
        graph = snapshot.graph(dataset, layer)
        curve = snapshot.once(("waves", dataset, layer), lambda: wave_curve(snapshot.store, dataset, layer))
        teachers = _teachers(graph)
        rows = [
            {"skill": name, "wave": wave, "by": by}
            for name, wave, by in zip(graph.name, graph.wave.tolist(), teachers, strict=True)
        ]
        part = most_used(graph, NODE_LIMIT - 300)
        drawing = snapshot.once(
            ("playback", dataset, layer), lambda: skill_drawing(part, colourings(part), per_skill=3)
        )
        total = len(graph.view.wave)
        caption = (
            f"{part.n:,} of {graph.n:,} learned skills are drawn, the most used"
            if part.n < graph.n
            else f"{graph.n:,} learned skills"
        )
        caption += f"; {total - graph.n:,} of {total:,} are never learned from these texts and not drawn."
        return drawing.elements, caption, rows, waves_figure(curve, subject["wave"])

    @app.callback(
        Output("l-what-if", "figure"),
        Output("l-expect", "children"),
        Output("l-c-shown", "children"),
        Output("l-R-shown", "children"),
        Input("l-c", "value"),
        Input("l-R", "value"),
        Input("l-learner", "data"),
    )
    def what_if(c: float, ratio: float, learner: str | None) -> tuple[Any, ...]:
        if learner is None:
            return (no_update,) * 4
        return *_what_if(c, ratio, learner), f"{c:.2f}", f"{ratio:.2f}"

    @app.callback(
        Output("l-subsample", "figure"),
        Output("l-gains", "figure"),
        Output("l-more", "children"),
        Input("l-subsample", "id"),
        State("l-subject", "data"),
    )
    def more(_: str, subject: dict[str, Any]) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        dataset, layer = subject["dataset"], subject["layer"]
        curve = snapshot.once(
            ("subsample", dataset, layer), lambda: subsample(snapshot.store, dataset, layer, replicates=5)
        )
        graph = snapshot.view(dataset, layer).indexed.graph
        stats = _more_stats(curve, graph.n_texts, graph.n_skills)
        return subsample_figure(curve), gains_figure(curve, graph.n_skills), stats


def _register_browser(app: Any) -> None:
    def js(name: str) -> ClientsideFunction:
        return ClientsideFunction("sg", name)

    app.clientside_callback(
        js("wave"),
        Output("l-cy", "data-wave"),
        Input("l-wave", "value"),
        Input("l-cy", "elements"),
        State("l-cy", "id"),
    )
    app.clientside_callback(
        js("waveTable"),
        Output("l-table", "rowData"),
        Output("l-wave-title", "children"),
        Input("l-wave", "value"),
        Input("l-rows", "data"),
    )
    app.clientside_callback(
        js("mark"),
        Output("l-curve", "data-mark"),
        Input("l-wave", "value"),
        Input("l-curve", "figure"),
        State("l-curve", "id"),
    )
    app.clientside_callback(
        js("play"),
        Output("l-tick", "disabled"),
        Output("l-play", "aria-label"),
        Output("l-play-icon", "className"),
        Input("l-play", "n_clicks"),
        State("l-tick", "disabled"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("tick"),
        Output("l-wave", "value"),
        Input("l-tick", "n_intervals"),
        State("l-wave", "value"),
        State("l-wave", "max"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("step"),
        Output("l-wave", "value", allow_duplicate=True),
        Input("l-back", "n_clicks"),
        Input("l-next", "n_clicks"),
        State("l-wave", "value"),
        State("l-wave", "max"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("stylesheet"),
        Output("l-cy", "stylesheet"),
        Input("shown-scheme", "data"),
        Input("l-tab", "value"),
        Input("l-sheets", "data"),
    )
    app.clientside_callback(js("learningState"), Output("l-tab", "data-url"), Input("l-tab", "value"))
    app.clientside_callback(
        js("waveState"), Output("l-wave", "data-url"), Input("l-wave", "value"), State("l-wave", "max")
    )
    app.clientside_callback(
        js("whatIfState"),
        Output("l-c", "data-url"),
        Input("l-c", "value"),
        Input("l-R", "value"),
        Input("l-learner", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("work", "learner"),
        Output("l-learner", "data"),
        Output("l-D-box", "style"),
        Output("l-chance-box", "style"),
        Output("l-D-shown", "children"),
        Output("l-chance-shown", "children"),
        Input("l-kind", "value"),
        Input("l-D", "value"),
        Input("l-chance", "value"),
    )


def _teachers(graph: LayerGraph) -> list[str]:
    titles = graph.view.indexed.text_column("title")
    return ["" if text < 0 else titles[int(text)].as_py() for text in graph.view.by[graph.skill]]


def _what_if(c: float, ratio: float, learner: str) -> tuple[Any, Any]:
    rule, emergence, expected = parse_learner(learner), threshold(c, learner), predict(c, ratio, learner)
    reach = max(1.5 * ratio, 1.3 * (emergence.ratio or 0.0), 1.0)
    ratios = np.linspace(0.0, reach, 220)
    learned = learned_fraction_curve(c, ratios, rule)
    error = testing_error(c, 1.0 - learned)
    chart = what_if_figure(ratios.tolist(), learned.tolist(), error.tolist(), ratio=ratio, threshold=emergence.ratio)
    jump = "gradual" if emergence.ratio is None else f"{emergence.ratio:.2f}"
    meaning = "learning grows without a jump" if emergence.ratio is None else "texts per skill at which learning jumps"
    giant = expected.giant_any if expected.giant_any is not None else expected.giant_site
    return chart, html.Div(
        [
            stat("Learned", fraction(expected.learned), "of all skills"),
            stat("Testing error", fraction(expected.testing_error), "of fresh texts"),
            stat("Threshold, R*", jump, meaning),
            stat("Giant component", fraction(giant), "of all skills hang together"),
        ],
        className="stats plain",
    )
