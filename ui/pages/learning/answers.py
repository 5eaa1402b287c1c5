"""What the page's callbacks answer with."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
import plotly.graph_objects as go
from dash import dcc, html
from dash.development.base_component import Component

from analysis.density_evolution import learned_fraction_curve, testing_error
from analysis.learners import parse_learner
from explorer.service import ExitChart, SubsampleCurve, predict, threshold
from explorer.wording import plural
from ui.components import fraction, sentence, share, stat
from ui.content import Child, Content
from ui.drawing.figures import what_if_figure
from ui.drawing.graphs import LayerGraph
from ui.drawing.style import ROLES, lay_out

__all__ = [
    "drawn_caption",
    "exit_words",
    "expectation",
    "gains",
    "gains_figure",
    "more_numbers",
    "teachers",
]


_MOST_D = 10


def drawn_caption(drawn: int, total: int, rest: str, dataset: str, layer: str) -> Content:
    """How many learned skills the picture has; where it leaves some out, with a link to one that has all of them.

    Args:
        drawn: Number of learned skills in the picture.
        total: Number of learned skills.
        rest: What else is said of it.
        dataset: Name of the dataset.
        layer: Name of the layer.
    """
    if drawn == total:
        return f"{plural(total, 'learned skill')}{rest}"
    where = "/graph?" + urlencode({"dataset": dataset, "layer": layer, "view": "map", "colour": "wave"})
    said = f"{drawn:,} of {total:,} learned skills are drawn, the most used{rest} "
    return [said, dcc.Link("All learned skills, by wave, on the map", href=where, className="link")]


def exit_words(chart: ExitChart) -> Content:
    """Where learning stops on each ensemble, in sentences."""
    names = {
        "poisson": "Poisson texts",
        "degrees": "the degrees of this layer",
        "typed": plural(chart.types or 0, "type") + " of skills",
    }
    said = [sentence(f"With {names[line.ensemble]}, learning stops at x = {line.fixed:.3f}.") for line in chart.lines]
    return said or [sentence("These ensembles have no EXIT curves for this layer.")]


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
    if curve.typed:
        chart.add_scatter(
            x=curve.shares,
            y=(np.diff(np.array([0.0, *curve.typed])) * skills).tolist(),
            mode="lines",
            name="types",
            line={"color": ROLES["typed"], "width": 2, "dash": "dash"},
            hovertemplate="%{y:.1f} skills",
        )
    lay_out(
        chart,
        bargap=0.25,
        xaxis={"title": "up to this share of the texts", "tickformat": ".0%", "range": [0, 1.04]},
        yaxis={"title": "skills added", "rangemode": "tozero"},
    )
    return chart


def more_numbers(curve: SubsampleCurve, texts: int, skills: int) -> list[Child]:
    """What half of the texts teach and what the last tenth adds."""
    shares, learned = np.array(curve.shares), np.array(curve.learned)
    half, before = (float(np.interp(at, shares, learned)) for at in (0.5, 0.9))
    whole = float(learned[-1])
    added = (whole - before) * skills
    low, high = (float(np.interp(0.5, shares, np.array(ends))) for ends in (curve.low, curve.high))
    told = f"skills: {fraction(low)} to {fraction(high)} in {curve.replicates} draws; all texts teach {fraction(whole)}"
    each = f"{0.1 * texts / added:,.1f} texts" if added > 0.05 else "–"
    return [
        share("Half of the texts", half, skills, told, tone="measured"),
        stat(
            "The last tenth adds",
            f"{added:,.1f} skills",
            f"{fraction(whole - before)} of {skills:,}, mean of {curve.replicates} draws",
        ),
        stat("For each of these", each, f"of {0.1 * texts:,.0f} in the last tenth were read, on average"),
    ]


def teachers(graph: LayerGraph) -> list[str]:
    """Title of the text that taught each skill; empty for those known before."""
    titles = graph.view.indexed.text_column("title")
    return ["" if text < 0 else titles[int(text)].as_py() for text in graph.view.by[graph.skill]]


def expectation(c: float, ratio: float, learner: str) -> tuple[go.Figure, Component]:
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
            stat("Learned", fraction(expected.learned), "expected of all skills, of however many"),
            stat("Testing error", fraction(expected.testing_error), "expected of fresh texts"),
            stat("Threshold, R*", jump, meaning),
            stat("Giant component", fraction(giant), "expected of all skills: learned, and linked with each other"),
        ],
        className="stats plain",
    )
