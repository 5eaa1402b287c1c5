"""Figures of a stored layer with what they are computed from: the pages and the Python functions draw the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.learned_sites import giant_learned_sites
from analysis.learners import parse_learner
from analysis.newman_ziff import convolve, site_percolation, targeted_order
from analysis.solution_curve import SolutionCurve
from explorer.errors import USER_ERRORS
from explorer.options import LIMITS
from explorer.service import LayerPrediction, LayerView, PercolationReport
from explorer.service.expectation import known_beforehand
from ui.drawing.figures import LearnedCurve, emergence_figure, percolation_figure

__all__ = ["at_shares", "hub_sweep", "layer_emergence_figure", "layer_percolation_figure", "learned_curve"]


def layer_emergence_figure(prediction: LayerPrediction) -> go.Figure:
    """Learned fraction against texts per skill for the layer's mean number of skills, and where the layer stands."""
    rows = {row.quantity: row for row in prediction.rows}
    learned, ratio = rows["learned"], rows["ratio"]
    reach = 1.6 * max(prediction.ratio, ratio.poisson or 0.0, 0.5)
    ratios = np.linspace(0.0, reach, 240)
    poisson = Ensemble.poisson(max(prediction.mean_skills, 1e-6), 1.0)
    rule = parse_learner(prediction.layer.learner)
    curve = 1.0 - SolutionCurve(poisson, rule, prior=prediction.novel, largest_share=reach).unlearned(ratios)
    return emergence_figure(
        ratios.tolist(),
        curve.tolist(),
        here=(prediction.ratio, learned.measured or 0.0),
        degrees=learned.degrees,
        threshold=ratio.poisson,
        typed=learned.typed,
    )


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
    sweep = site_percolation(graph, skills=view.learned, replicates=LIMITS.percolation_orders, rng=rng)
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


def hub_sweep(view: LayerView) -> list[float]:
    """Largest cluster over all skills by number of kept skills, 0 to S, if the most used are taken away first."""
    graph = view.indexed.graph
    swept = site_percolation(graph, order=targeted_order(graph)).largest
    return [float(size) / max(graph.n_skills, 1) for size in swept]


def at_shares(swept: Sequence[float], phi: Sequence[float]) -> list[float]:
    """Values of a sweep over 0..n kept skills at these shares."""
    return [swept[round(share * (len(swept) - 1))] for share in phi]


def layer_percolation_figure(view: LayerView, report: PercolationReport) -> go.Figure:
    """The sweep of a layer with the most used skills gone first, and its learned skills alone."""
    return percolation_figure(report, at_shares(hub_sweep(view), report.phi), learned_curve(view))
