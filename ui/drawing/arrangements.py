"""Arrangements of a graph of skills other than islands: forces, rows or rings by wave or level, a grid, a circle.

Pure functions on arrays; the same graph gives the same picture every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ui.drawing.graphs import LayerGraph
from ui.drawing.layouts import force_positions, separate, sunflower
from ui.drawing.style import OTHER
from ui.typed import Element

__all__ = ["ARRANGEMENTS", "FCOSE_LIMIT", "Spread", "arrange", "row_marks"]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

ARRANGEMENTS: Mapping[str, str] = {
    "islands": "communities as islands",
    "force": "springs, the whole graph",
    "waves": "rows by wave",
    "levels": "rows by level",
    "rings": "rings by wave",
    "circle": "one circle, by community",
    "grid": "grid, by class and use",
    "map": "as on the map",
    "fcose": "fCoSE, in the browser",
}
"""Keys of all arrangements, as in URLs, and their names for people."""

FCOSE_LIMIT = 500
"""Most skills that fCoSE arranges within a second or two in a browser."""

_WIDTH, _HEIGHT = 760.0, 560.0
_LARGEST_SCALE = 2.0  # a dozen nodes need not fill the screen
_ROW_GAP = 1.6  # between waves, in nodes


@dataclass(frozen=True, eq=False)
class Spread:
    """Where nodes are drawn.

    Attributes:
        x: float64 (n,), centred at the origin.
        y: float64 (n,), downwards.
        scale: What the nodes' radii are to be multiplied with.
        marks: (text, x, y) of names beside rows.
    """

    x: Float
    y: Float
    scale: float
    marks: tuple[tuple[str, float, float], ...] = ()


def arrange(graph: LayerGraph, edges: Int, arrangement: str) -> Spread:
    """Positions of a graph's nodes.

    Args:
        graph: At most about 1 500 nodes.
        edges: Indices of the associations that are drawn; the others do not count.
        arrangement: A key of `ARRANGEMENTS`; fCoSE starts from springs.
    """
    if graph.n == 0:
        return Spread(np.zeros(0), np.zeros(0), 1.0)
    source, target = graph.source[edges], graph.target[edges]
    marks: dict[str, tuple[float, float]] = {}
    if arrangement in ("waves", "levels"):
        rank = graph.wave if arrangement == "waves" else graph.level
        place, marks = _rows(rank, source, target, graph.radius, "wave" if arrangement == "waves" else "level")
    elif arrangement == "rings":
        place = _rings(graph.wave, source, target, graph.radius)
    elif arrangement == "circle":
        place = _circle(np.lexsort((-graph.uses, graph.community)), graph.radius)
    elif arrangement == "grid":
        place = _grid(np.lexsort((np.arange(graph.n), -graph.uses, graph.class_number)), graph.radius)
    elif arrangement == "map":
        place = separate(graph.map_positions * _map_scale(graph), graph.radius, rounds=40)
    else:
        place = _springs(source, target, graph.strength[edges], graph.radius)
    return _fit(place, graph.radius, marks)


_ROOM = 130  # width of a row's name: that pictures and exports have room for it, it is an element as wide as that


def row_marks(spread: Spread, colours: Iterable[str] = ()) -> list[Element]:
    """The names beside rows as Cytoscape elements, which carry a colour for each key as all nodes do."""
    grey = {f"c_{key}": OTHER for key in colours}
    return [
        {
            "data": {"id": f"r:{text}", "label": text, "name": text, "size": _ROOM, **grey},
            "position": {"x": round(x - _ROOM / 2, 1), "y": round(y, 1)},
            "classes": "mark",
            "selectable": False,
            "grabbable": False,
        }
        for text, x, y in spread.marks
    ]


def _fit(place: Float, radius: Float, marks: Mapping[str, tuple[float, float]]) -> Spread:
    low, high = (place - radius[:, None]).min(axis=0), (place + radius[:, None]).max(axis=0)
    room = np.maximum(high - low, 1e-9)
    scale = float(min(_WIDTH / room[0], _HEIGHT / room[1], _LARGEST_SCALE))
    middle = (low + high) / 2
    placed = (place - middle) * scale
    beside = tuple(
        (text, float((x - middle[0]) * scale - 12.0), float((y - middle[1]) * scale)) for text, (x, y) in marks.items()
    )
    return Spread(placed[:, 0], placed[:, 1], scale, beside)


def _map_scale(graph: LayerGraph) -> float:
    """Nodes of a region as far apart as their radii ask for."""
    span = np.ptp(graph.map_positions, axis=0)
    area = float(np.prod(np.maximum(span, 1e-9)))
    return float(np.sqrt(9.0 * np.square(graph.radius).sum() / area)) if graph.n > 1 else 1.0


def _springs(source: Int, target: Int, strength: Float, radius: Float) -> Float:
    order = np.argsort(-radius, kind="stable")
    start = np.empty((len(radius), 2))
    start[order] = sunflower(radius[order])
    rounds = 80 if len(radius) <= 700 else 40  # forces between all pairs
    moved = force_positions(start, source, target, strength, spacing=9.0 * float(radius.mean()), rounds=rounds)
    moved[:, 0] *= np.sqrt(_WIDTH / _HEIGHT)
    return separate(moved, radius * 1.15, rounds=60)


def _sorted_ranks(rank: Int, source: Int, target: Int) -> tuple[Int, Float]:
    """Ranks as 0..k-1, and a place in 0-1 for each node within its rank by the barycentre of its neighbours.

    The barycentre method for few crossings between layers ([Sugiyama1981]).
    """
    _, level = np.unique(rank, return_inverse=True)
    n, k = len(level), int(level.max()) + 1
    nodes = [np.flatnonzero(level == r) for r in range(k)]
    place = np.empty(n)
    for mine in nodes:
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    across = level[source] != level[target]
    u = np.concatenate((source[across], target[across]))
    v = np.concatenate((target[across], source[across]))
    for sweep in range(12):
        order = range(k) if sweep % 2 == 0 else range(k - 1, -1, -1)
        for r in order:
            mine = nodes[r]
            beside = (level[u] == r) & ((level[v] < r) if sweep % 2 == 0 else (level[v] > r))
            total = np.bincount(u[beside], place[v[beside]], n)[mine]
            count = np.bincount(u[beside], minlength=n)[mine]
            wish = np.where(count > 0, total / np.maximum(count, 1), place[mine])
            sort = np.argsort(wish, kind="stable")
            place[mine[sort]] = (np.arange(len(mine)) + 0.5) / len(mine)
    return level.astype(np.int64), place


def _rows(
    rank: Int, source: Int, target: Int, radius: Float, what: str
) -> tuple[Float, dict[str, tuple[float, float]]]:
    """Ranks from top to bottom; a rank with many nodes takes several rows."""
    level, along = _sorted_ranks(rank, source, target)
    ranks, counts = np.unique(rank), np.bincount(level)
    pitch = 2.6 * float(np.quantile(radius, 0.8))
    best, width = np.inf, 1
    for columns in range(4, 161, 2):
        rows = int(np.ceil(counts / columns).sum()) + _ROW_GAP * (len(counts) - 1)
        off = abs(np.log(columns / max(rows, 1.0) / (_WIDTH / _HEIGHT)))
        best, width = (off, columns) if off < best else (best, width)
    place, top, marks = np.zeros((len(rank), 2)), 0.0, {}
    for r in range(len(ranks)):
        mine = np.flatnonzero(level == r)
        mine = mine[np.argsort(along[mine], kind="stable")]
        rows = int(np.ceil(len(mine) / width))
        # neighbours in the order share a column, so that a rank keeps its order from left to right
        column, row = np.divmod(np.arange(len(mine)), rows)
        used = int(np.ceil(len(mine) / rows))
        place[mine, 0] = (column - (used - 1) / 2) * pitch
        place[mine, 1] = (top + row) * pitch
        number = int(ranks[r])
        name = "known before" if what == "wave" and number == 0 else f"{what} {number}" if number >= 0 else f"no {what}"
        marks[name] = (-(width / 2) * pitch, (top + (rows - 1) / 2) * pitch)
        top += rows + _ROW_GAP
    return place, marks


def _rings(rank: Int, source: Int, target: Int, radius: Float) -> Float:
    """The first rank in the middle, each later one around it."""
    level, along = _sorted_ranks(rank, source, target)
    pitch = 2.6 * float(np.quantile(radius, 0.8))
    place, reach = np.zeros((len(rank), 2)), 0.0
    for r in range(int(level.max()) + 1):
        mine = np.flatnonzero(level == r)
        mine = mine[np.argsort(along[mine], kind="stable")]
        left = len(mine)
        start = 0
        reach += pitch if r == 0 else 2.2 * pitch
        if r == 0 and left == 1:
            left, start, reach = 0, 1, 0.0
        rings: list[tuple[float, int]] = []
        while left > 0:
            room = max(int(2 * np.pi * reach / pitch), 1)
            rings.append((reach, min(room, left)))
            left -= room
            reach += pitch
        if rings:
            reach -= pitch
        turn = 0.0
        for distance, count in rings:
            chosen = mine[start : start + count]
            angle = 2 * np.pi * np.arange(count) / count + turn
            place[chosen] = distance * np.column_stack((np.cos(angle), np.sin(angle)))
            start, turn = start + count, turn + 0.5
    return place


def _circle(order: Int, radius: Float) -> Float:
    step = radius[order] + float(radius.mean()) * 0.5
    angle = 2 * np.pi * (np.cumsum(2 * step) - step) / float(2 * step.sum())
    reach = float(2 * step.sum()) / (2 * np.pi)
    place = np.empty((len(order), 2))
    place[order] = reach * np.column_stack((np.cos(angle), np.sin(angle)))
    return place


def _grid(order: Int, radius: Float) -> Float:
    columns = int(np.ceil(np.sqrt(len(order) * _WIDTH / _HEIGHT)))
    row, column = np.divmod(np.arange(len(order)), columns)
    place = np.empty((len(order), 2))
    place[order] = np.column_stack((column, row)) * (2.4 * float(np.quantile(radius, 0.9)))
    return place
