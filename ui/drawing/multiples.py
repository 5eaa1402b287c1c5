"""Small multiples: one graph of skills drawn once for each of many layers, every skill at the same place in all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from explorer.service import LayerView
from explorer.service.snapshot import remembered_index
from explorer.store.protocol import LayerInfo, Store
from ui.drawing.figures import label
from ui.drawing.graphs import backbone, layer_graph
from ui.drawing.layouts import islands
from ui.drawing.style import figure_layout
from ui.typed import Properties

__all__ = ["PANELS", "SharedGraph", "multiples_figure", "panel_grid", "panels_height", "shared_graph"]

PANELS = 30
"""Most layers that are drawn beside each other."""

_POINTS = 6_000  # discs in all panels together
_EDGES = 9_000
_NAMED = 12  # names in each of a few panels
_PITCH, _HEAD = 1.16, 0.24  # from panel to panel across, and the room of a title, in widths of a panel
_WIDTH = 940  # pixels that a figure has about

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SharedGraph:
    """Skills of a family at the places that all of its panels share.

    Attributes:
        rows: int64 (n,), row of each drawn skill among those it was chosen from.
        x: float64 (n,), from 0 to 1.
        y: float64 (n,), from 0 to `height`.
        size: float64 (n,), relative diameter, from 0 to 1.
        source: int64 (m,), ends of associations, as indices of the drawn skills.
        target: int64 (m,), likewise.
        left_out: Number of skills that are not drawn.
        height: Of a panel whose width is 1.
    """

    rows: Int
    x: Float
    y: Float
    size: Float
    source: Int
    target: Int
    left_out: int
    height: float = 1.0


def shared_graph(
    store: Store, dataset: str, layers: Sequence[LayerInfo], skills: Sequence[str], spread: Float
) -> SharedGraph:
    """Where skills lie in the association graph of all texts of some layers.

    Args:
        store: Where the layers are.
        dataset: Name of the dataset.
        layers: The layers; the texts of all of their parts count.
        skills: Ids of skills.
        spread: float64 (S,), how much the layers differ on each; those with the most are drawn if there are too many.
    """
    parts = sorted({part for info in layers for part in info.parts})
    whole = any(not info.parts for info in layers)
    indexed = remembered_index(store, dataset, () if whole else tuple(parts))
    place = {skill: i for i, skill in enumerate(indexed.skills.ids.to_pylist())}
    there = [k for k, skill in enumerate(skills) if skill in place]
    most = max(_POINTS // max(min(len(layers), PANELS), 1), 60)
    uses = indexed.graph.skill_degrees
    chosen = sorted(there, key=lambda k: (-spread[k], -int(uses[place[skills[k]]]), k))[:most]
    wave = np.full(len(place), -1, dtype=np.int32)
    wave[[place[skills[k]] for k in chosen]] = 1
    none = np.full(len(place), -1, dtype=np.int32)
    view = LayerView(
        LayerInfo(dataset, "family", "foundation", "one", 0, 0, 0, 0),
        indexed,
        np.ones(indexed.graph.n_texts, dtype=bool),
        wave,
        none,
        none,
        np.full(len(place), np.nan),
    )
    graph = layer_graph(store, view)
    row_of = {place[skills[k]]: k for k in chosen}
    limit = max(_EDGES // max(min(len(layers), PANELS), 1), 100)
    kept, _ = backbone(graph.n, graph.source, graph.target, graph.strength, graph.rank, limit=limit, most=2)
    at = islands(
        graph.groupings["community"].of,
        graph.radius,
        graph.source[kept],
        graph.target[kept],
        graph.strength[kept],
    )
    x, y, height = _fitted(at.x, at.y)
    size = graph.radius / max(float(graph.radius.max(initial=0.0)), 1e-9)
    return SharedGraph(
        np.array([row_of[int(s)] for s in graph.skill], dtype=np.int64),
        x,
        y,
        size,
        graph.source[kept],
        graph.target[kept],
        len(skills) - len(chosen),
        height,
    )


def _fitted(x: Float, y: Float) -> tuple[Float, Float, float]:
    """Positions in a panel of width 1, with the same scale both ways and y upwards, and its height."""
    wide = max(float(np.ptp(x)) if len(x) else 0.0, 1e-9)
    height = min(max(float(np.ptp(y)) / wide if len(y) else 0.0, 0.3), 1.2)
    scale = max(wide, float(np.ptp(y)) / height) if len(x) else 1.0
    if not len(x):
        return x, y, height
    return 0.5 + (x - (x.max() + x.min()) / 2) / scale, height / 2 - (y - (y.max() + y.min()) / 2) / scale, height


def panel_grid(n: int) -> tuple[int, int]:
    """Columns and rows of n panels, about twice as wide as high.

    >>> panel_grid(26), panel_grid(4), panel_grid(3), panel_grid(1)
    ((7, 4), (2, 2), (3, 1), (1, 1))
    """
    columns = max(min(n, math.ceil(math.sqrt(1.8 * n))), 1)
    lines = max(math.ceil(n / columns), 1)
    return max(math.ceil(n / lines), 1), lines  # no line much shorter than the others


def panels_height(shared: SharedGraph, n: int) -> int:
    """Pixels in which n panels fill about the width of a page."""
    columns, lines = panel_grid(n)
    return round(min(_WIDTH / (_PITCH * columns) * (shared.height + _HEAD) * lines + 20, 560 if n <= 4 else 1_200))


def multiples_figure(
    shared: SharedGraph,
    names: Sequence[str],
    layers: Sequence[str],
    values: Float,
    *,
    scale: Sequence[Sequence[float | str]],
    around: bool,
    marked: Sequence[str] = (),
    named: bool = False,
) -> go.Figure:
    """The panels as one figure; a disc's custom data are its layer and its skill.

    Args:
        shared: Where skills lie.
        names: Names of all skills, by row.
        layers: Names of the layers, one a panel.
        values: float64 (S, M), value of each skill and layer; NaN where there is none.
        scale: A colour scale of Plotly.
        around: Values lie around zero.
        marked: Layers whose title is marked.
        named: Write names of the skills on which these layers differ most.
    """
    columns, lines = panel_grid(len(layers))
    pitch_x, pitch_y = _PITCH, shared.height + _HEAD
    letters = max(round(160 / columns), 10)
    percent = 100.0 * values[shared.rows]
    limit = float(np.nanmax(np.abs(percent))) if percent.size and not np.isnan(percent).all() else 1.0
    grows = len(layers) <= 4
    least, more = (6.0, 16.0) if grows else (3.0, 7.0) if len(layers) <= 9 else (2.5, 4.5)
    sizes = least + more * shared.size
    xs, ys, colours, said, lx, ly = [], [], [], [], [], []
    titles = []
    top = shared.height + 0.6 * _HEAD
    for m, layer in enumerate(layers):
        x0, y0 = pitch_x * (m % columns), -pitch_y * (m // columns)
        xs.append(shared.x + x0)
        ys.append(shared.y + y0)
        colours.append(percent[:, m])
        said += [(layer, label(names[k]), label(layer)) for k in shared.rows.tolist()]
        gap = np.full(len(shared.source), np.nan)
        lx.append(np.column_stack((shared.x[shared.source], shared.x[shared.target], gap)).ravel() + x0)
        ly.append(np.column_stack((shared.y[shared.source], shared.y[shared.target], gap)).ravel() + y0)
        text = label(layer, letters)
        bold = layer in marked
        titles.append(
            {"x": x0 + 0.5, "y": y0 + top, "text": f"<b>{text}</b>" if bold else text, "showarrow": False,
             "font": {"size": 13 if grows else 11}, "captureevents": True, "name": layer}
        )  # fmt: skip
    colour = np.concatenate(colours) if colours else np.zeros(0)
    known = ~np.isnan(colour)
    lines_trace = go.Scatter(
        x=_rounded(lx), y=_rounded(ly), mode="lines", line={"width": 0.6, "color": "rgba(128,140,152,0.35)"},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    discs = go.Scatter(
        x=_rounded(xs),
        y=_rounded(ys),
        mode="markers",
        customdata=said,
        text=[f"{value:.1f}" + (" points" if around else " %") if ok else "not tested"
              for value, ok in zip(colour.tolist(), known.tolist(), strict=True)],
        hovertemplate="%{customdata[1]}<br>%{customdata[2]}: %{text}<extra></extra>",
        marker={
            "size": np.tile(sizes, max(len(layers), 1)).round(1).tolist(),
            "color": np.where(known, colour, 0.0).round(1).tolist(),
            "opacity": np.where(known, 1.0, 0.18).tolist(),
            "colorscale": scale,
            "cmin": -limit if around else 0.0,
            "cmax": limit if around else 100.0,
            "line": {"width": 0.6, "color": "rgba(90,102,114,0.75)"},
            "colorbar": {"title": "points" if around else "%", "thickness": 10, "outlinewidth": 0},
        },
        showlegend=False,
    )  # fmt: skip
    found = go.Figure([lines_trace, discs], layout=figure_layout())
    notes = titles + (_names_of(shared, names, percent, columns, len(layers), (pitch_x, pitch_y)) if named else [])
    found.update_layout(
        annotations=notes, hovermode="closest", clickmode="event", dragmode="pan",
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )  # fmt: skip
    hidden = {"visible": False, "showgrid": False}
    found.update_xaxes(range=[-0.1, pitch_x * (columns - 1) + 1.1], **hidden)
    found.update_yaxes(range=[-pitch_y * (lines - 1) - 0.08, shared.height + _HEAD], scaleanchor="x", **hidden)
    return found


def _rounded(parts: Sequence[Float]) -> list[float | None]:
    """Coordinates in a thousandth of a panel; nothing where a line ends."""
    if not parts:
        return []
    found = np.concatenate(parts).round(3)
    return [None if math.isnan(value) else value for value in found.tolist()]


def _names_of(
    shared: SharedGraph, names: Sequence[str], percent: Float, columns: int, n: int, pitch: tuple[float, float]
) -> list[Properties]:
    """Names of the skills on which the layers differ most, where they do not come too near to each other."""
    there = np.nan_to_num(percent)
    order = np.argsort(-(there.max(axis=1, initial=-1e9) - there.min(axis=1, initial=1e9)), kind="stable")
    apart = 0.17 * min(n, columns)
    placed: list[int] = []
    for i in order.tolist():
        far = all(
            abs(shared.x[i] - shared.x[j]) > apart or abs(shared.y[i] - shared.y[j]) > 0.2 * apart for j in placed
        )
        if far:
            placed.append(i)
        if len(placed) == _NAMED:
            break
    return [
        {"x": float(shared.x[i]) + pitch[0] * (m % columns), "y": float(shared.y[i]) - pitch[1] * (m // columns),
         "text": label(names[int(shared.rows[i])], 22), "showarrow": False, "yshift": 12, "font": {"size": 10.5}}
        for m in range(n) for i in placed
    ]  # fmt: skip
