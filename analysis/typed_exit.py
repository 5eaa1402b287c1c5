"""EXIT curves of typed ensembles: what texts and skills tell each other along the path that learning takes.

With several types the messages x_m and y_m are vectors, and the two sides are no longer curves by themselves. They
are along a path of x: from the first wave down to the fixed point as learning goes, straight between waves, and from
there straight to 0. With mean values over edges,

    x̄ = Σ_m E_m x_m / E,    ȳ(x) = Σ_m E_m y_m(x) / E,    x̄'(x) = Σ_m E_m x'_m(y(x)) / E,

E_m the number of edges of type m, the texts' curve is (x̄, ȳ) and the skills' (x̄', ȳ). With one type they are the
curves of `analysis.density_evolution.exit_curve`, whatever the path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.typed_evolution import TypedRecursion

__all__ = ["TypedExitCurve", "typed_exit_curve"]

Floats = npt.NDArray[np.float64]

_WAVES = 2_000
_STILL = 1e-6


@dataclass(frozen=True, eq=False)
class TypedExitCurve:
    """EXIT curves along the path of learning; all numbers are probabilities in 0-1, means over edges.

    Attributes:
        novel: x̄, the probability that a skill is novel as far as a text can tell, descending, shape (N,): the texts'
            curve is (novel, taught).
        taught: ȳ, the probability that a text teaches, shape (N,).
        novel_after: x̄' after one more wave, shape (N,): the skills' curve is (novel_after, taught).
        fixed: x̄ where learning stops, and both curves meet.
    """

    novel: Floats
    taught: Floats
    novel_after: Floats
    fixed: float


def typed_exit_curve(recursion: TypedRecursion, *, points: int = 101) -> TypedExitCurve:
    """EXIT curves of a typed ensemble [RichardsonUrbanke2008].

    Args:
        recursion: One wave of learning; with texts read earlier, those read now.
        points: Number N of points, at equal distances of x̄, besides that of the fixed point; at least 2.

    Returns:
        Both curves, from the first wave to x = 0.

    Raises:
        AnalysisError: Fewer than two points.

    >>> from analysis.typed import TypedEnsemble
    >>> kinds = TypedEnsemble.from_kinds([[1, 0], [2, 1], [0, 3]], [0.2, 0.5, 0.3], [0.6, 0.4], 1.0)
    >>> curve = typed_exit_curve(TypedRecursion(kinds), points=3)
    >>> curve.novel.round(3).tolist(), curve.novel_after.round(3).tolist()
    ([1.0, 0.5, 0.13, 0.0], [0.869, 0.441, 0.13, 0.079])
    """
    if points < 2:
        raise AnalysisError(f"a curve needs at least 2 points, not {points}")
    ends = recursion.ensemble.ends
    weight = ends / max(float(ends.sum()), 1e-300)
    novel, unlearned = recursion.start()
    path = [(float(weight @ novel), novel, unlearned)]
    spacing = path[0][0] / (points - 1)
    for _ in range(_WAVES):
        novel, unlearned = recursion.step(novel, unlearned)
        at = float(weight @ novel)
        change = path[-1][0] - at
        # Where many waves hardly differ, one of them is enough for a straight line between neighbours.
        if len(path) > 2 and path[-2][0] - at < 0.5 * spacing:
            path[-1] = (at, novel, unlearned)
        else:
            path.append((at, novel, unlearned))
        if change <= _STILL * max(at, _STILL):
            break
    fixed = path[-1][0]
    path.append((0.0, np.zeros_like(novel), np.zeros_like(unlearned)))
    marks = np.array([at for at, _, _ in path])
    grid = np.unique(np.append(np.linspace(0.0, marks[0], points), fixed))[::-1]
    taught, after = np.empty(len(grid)), np.empty(len(grid))
    for number, at in enumerate(grid.tolist()):
        place = int(np.searchsorted(-marks, -at, side="left"))
        low, high = path[place], path[max(place - 1, 0)]
        share = 0.0 if high[0] == low[0] else (at - low[0]) / (high[0] - low[0])
        x = low[1] + share * (high[1] - low[1])
        y = recursion.texts(x)
        taught[number] = float(weight @ y)
        after[number] = float(weight @ recursion.skills(y, low[2] + share * (high[2] - low[2]))[0])
    return TypedExitCurve(grid, taught, after, fixed)
