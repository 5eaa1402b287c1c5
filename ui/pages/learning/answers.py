"""What the page's callbacks answer with."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import numpy as np
import plotly.graph_objects as go
from dash import dcc, html

from analysis.density_evolution import learned_fraction_curve, testing_error
from analysis.learners import parse_learner
from explorer.service import SubsampleCurve, predict, threshold
from ui.choice import Choice, finite
from ui.components import card, empty_state, figure, fraction, grid, icon, stat
from ui.drawing.canvas import canvas, stylesheets
from ui.drawing.figures import what_if_figure
from ui.drawing.graphs import LayerGraph
from ui.drawing.style import ROLES, figure_layout
from ui.source import Snapshot

__all__ = [
    "expectation",
    "gains",
    "gains_figure",
    "learner_parts",
    "more_numbers",
    "no_waves",
    "teachers",
    "texts_tab",
    "waves_tab",
    "what_if_tab",
]

_KINDS = (("d", "up to D skills"), ("capacity", "a random number"))


_MOST_D = 10


def waves_tab(snapshot: Snapshot, choice: Choice, wave: int) -> Any:
    """The layer as it is learned, wave by wave."""
    info = choice.layer_info
    if info is not None and info.kind == "evidence":
        return no_waves(info.name)
    if info is None or info.learned == 0:
        return empty_state(
            "Nothing was learned", "No text starts with a single unknown skill, so there are no waves to play."
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
                        note="Orange: this layer; dashed: prediction of density evolution.",
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


def no_waves(layer: str) -> Any:
    """What stands in the place of waves for a layer of outcomes."""
    return empty_state(
        "This layer was not learned from texts",
        f"Layer {layer!r} says what a model has mastered, estimated from the texts that it solved: it has no waves, "
        "and no text taught it. Learn a layer from the texts to see what the texts alone can teach:",
        "skillgraph learn foundation",
    )


def what_if_tab(snapshot: Snapshot, choice: Choice, state: dict[str, Any]) -> Any:
    """Sliders for an ensemble, and what theory expects of it."""
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
                            html.Div("Skills that a text can teach at once", className="control-label"),
                            dmc.SegmentedControl(
                                id="l-kind",
                                data=[{"value": value, "label": text} for value, text in _KINDS],
                                value=kind,
                                size="xs",
                                fullWidth=True,
                                mb=10,
                                **{"aria-label": "Skills that a text can teach at once"},
                            ),
                            html.Div(_slider("l-D", "Most unknown skills, D", 1, _MOST_D, 1, d), id="l-D-box"),
                            html.Div(
                                _slider(
                                    "l-chance", "Probability of going on to one more skill", 0.05, 0.95, 0.05, chance
                                ),
                                id="l-chance-box",
                            ),
                            dcc.Store(id="l-learner"),
                            html.P(
                                f"Values of this layer: c = {graph.mean_skills:.2f}, R = {graph.ratio:.2f}.",
                                className="quiet",
                                style={"marginTop": "8px"},
                            ),
                        ],
                        note="Random texts: each requires Poisson(c) skills, and there are R texts per skill.",
                    ),
                    card("What theory predicts", html.Div(id="l-expect")),
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
                    "The vertical orange line is your R. Testing error is the share of fresh texts that require an "
                    "unlearned skill."
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


def texts_tab() -> Any:
    """What growing shares of the texts teach."""
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
                            "Each point: learning from scratch from a random share of this layer's texts; the band is "
                            "the range of five draws."
                        ),
                        className="tall",
                    ),
                    card(
                        "What each further share adds",
                        figure("l-gains", height="calc(100% - 66px)", label="Skills that each further share adds"),
                        note=(
                            "Skills beyond those of the previous share, measured and predicted for the same degrees. "
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


def more_numbers(curve: SubsampleCurve, texts: int, skills: int) -> list[Any]:
    """What half of the texts teach and what the last tenth adds."""
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


def teachers(graph: LayerGraph) -> list[str]:
    """Title of the text that taught each skill; empty for those known before."""
    titles = graph.view.indexed.text_column("title")
    return ["" if text < 0 else titles[int(text)].as_py() for text in graph.view.by[graph.skill]]


def expectation(c: float, ratio: float, learner: str) -> tuple[Any, Any]:
    """The curve for an ensemble, and its figures."""
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
            stat("Giant component", fraction(giant), "of all skills, in the giant component"),
        ],
        className="stats plain",
    )
