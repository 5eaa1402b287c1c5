"""EXIT curves of a stored layer: what texts and skills tell each other, for each ensemble that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.density_evolution import evolve, exit_curve
from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.learners import parse_learner
from analysis.typed_exit import typed_exit_curve
from explorer.service.expectation import expectations, known_beforehand
from explorer.service.prediction import require_requirements
from explorer.service.snapshot import layer_view
from explorer.service.typed import typed_expectation
from explorer.store.protocol import LayerInfo, Store

__all__ = ["ExitChart", "ExitLine", "exit_chart"]


@dataclass(frozen=True)
class ExitLine:
    """Both curves of one ensemble; all numbers are probabilities in 0-1.

    Attributes:
        ensemble: `poisson`, `degrees` or `typed`.
        novel: Probability that a skill is novel as far as a text can tell, descending.
        taught: Probability that a text teaches, at each: the texts' curve is (novel, taught).
        novel_after: Probability that a skill is novel after one more wave: the skills' curve is (novel_after, taught).
        fixed: `novel` where learning stops, and the curves meet.
    """

    ensemble: str
    novel: tuple[float, ...]
    taught: tuple[float, ...]
    novel_after: tuple[float, ...]
    fixed: float


@dataclass(frozen=True)
class ExitChart:
    """EXIT curves beside a layer.

    Attributes:
        layer: The layer.
        lines: One for each ensemble that has such curves: Poisson and degrees have none with prerequisites, and types
            none for learners without a rule a text.
        types: Number of types behind `typed`; None if the layer has none.
    """

    layer: LayerInfo
    lines: tuple[ExitLine, ...]
    types: int | None


def exit_chart(store: Store, dataset: str, layer: str, *, points: int = 101, types: bool = True) -> ExitChart:
    """The EXIT curves of the ensembles that a layer is compared with.

    With types, messages are means over edges along the path that learning takes, at the layer's last stage: what a
    fine-tuned layer's base taught is there from the start.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        points: Points of each curve, at least 2.
        types: Whether to choose types of skills and add their curves.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: Its texts require no skill, or no learner made it.
        AnalysisError: Fewer than two points.
    """
    view = layer_view(store, dataset, layer)
    require_requirements(view)
    rule = parse_learner(view.info.learner)
    lines = []
    for name, expected in zip(("poisson", "degrees"), expectations(view, known_beforehand(view)), strict=True):
        if expected.prerequisites is not None:
            continue
        ensemble: Ensemble = expected.single
        try:
            curve = exit_curve(ensemble, rule, prior=expected.novel, points=points)
            end = evolve(ensemble, rule, prior=expected.novel)
        except AnalysisError:
            if points < 2:
                raise
            continue  # a learner whose rule is defined for Poisson texts only
        lines.append(_line(name, curve.novel, curve.taught, curve.novel - curve.gap, float(np.ravel(end.novel)[0])))
    typed = typed_expectation(store, dataset, layer) if types else None
    if typed is not None:
        path = typed_exit_curve(typed.predicted.recursion, points=points)
        lines.append(_line("typed", path.novel, path.taught, path.novel_after, path.fixed))
    return ExitChart(view.info, tuple(lines), None if typed is None else typed.predicted.n_types)


def _line(
    name: str,
    novel: NDArray[np.float64],
    taught: NDArray[np.float64],
    after: NDArray[np.float64],
    fixed: float,
) -> ExitLine:
    order = np.argsort(-novel, kind="stable")
    x, y, next_x = (tuple(column[order].tolist()) for column in (novel, taught, after))
    return ExitLine(name, x, y, next_x, fixed)
