"""The map of a whole graph: a picture made on the server, so that any number of skills pans and zooms alike.

Associations become a density, skills discs, both drawn with numpy at the resolution of the screen; only the most
used skills of what is in view are marks of the figure, with names and tooltips.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from explorer.wording import plural
from ui.drawing.colourings import Colouring
from ui.drawing.figures import label
from ui.drawing.graphs import LayerGraph
from ui.drawing.layouts import label_tiers
from ui.drawing.style import lay_out
from ui.typed import Properties

__all__ = [
    "Box",
    "MapPicture",
    "edge_density",
    "in_box",
    "map_figure",
    "map_picture",
    "nearest_box",
    "png",
    "whole_box",
]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

_WIDTH = 1_600  # pixels across the picture
_STEPS = 3_000_000  # points along all edges together
_NAMED = 220  # skills that are marks of their own
_SCREEN = 520.0  # pixels of the shorter side of a small window, in which labels still have room
_INK = (110, 128, 148)  # of associations: visible on light and dark


@dataclass(frozen=True, eq=False)
class MapPicture:
    """A picture of what is in view.

    Attributes:
        image: A PNG file.
        box: x0, x1, y0, y1 of the map that are in view.
        ground: What the image shows: some more on each side, for a window of another shape.
        inside: int64, nodes in view that are not hidden, the most used first.
    """

    image: bytes
    box: Box
    ground: Box
    inside: Int


def whole_box(positions: Float, margin: float = 0.02) -> Box:
    """The box that holds all positions."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    pad = margin * max(float((high - low).max()), 1.0)
    return float(low[0] - pad), float(high[0] + pad), float(low[1] - pad), float(high[1] + pad)


def in_box(positions: Float, box: Box) -> npt.NDArray[np.bool_]:
    """Bool (n,): which positions lie in a box."""
    x, y = positions[:, 0], positions[:, 1]
    found: npt.NDArray[np.bool_] = (x >= box[0]) & (x <= box[1]) & (y >= box[2]) & (y <= box[3])
    return found


def nearest_box(positions: Float, node: int, count: int) -> Box:
    """The smallest square around a node that holds the `count` nodes nearest to it."""
    away = np.abs(positions - positions[node]).max(axis=1)
    reach = float(np.partition(away, min(count, len(away)) - 1)[min(count, len(away)) - 1])
    reach = max(reach, 1e-6) * 1.000_001
    x, y = positions[node]
    return float(x - reach), float(x + reach), float(y - reach), float(y + reach)


def edge_density(start: Float, end: Float, width: int, height: int, *, steps: int = _STEPS) -> Float:
    """How many edges pass through each pixel, float64 (height, width).

    Each edge is walked in steps of a pixel, or in longer ones if there would be more than `steps` in all; what lies
    outside the picture is left out.

    Args:
        start: float64 (m, 2), in pixels.
        end: float64 (m, 2).
        width: Of the picture.
        height: Of the picture.
        steps: Points in all.
    """
    if not len(start):
        return np.zeros((height, width))
    low, high = np.minimum(start, end), np.maximum(start, end)
    meets = (high[:, 0] >= 0) & (low[:, 0] < width) & (high[:, 1] >= 0) & (low[:, 1] < height)
    start, end = start[meets], end[meets]
    length = np.abs(end - start).max(axis=1, initial=1.0) if len(start) else np.zeros(0)
    stride = max(1.0, float(length.sum()) / steps)
    count = np.maximum((length / stride).astype(np.int64), 1)
    edge = np.repeat(np.arange(len(start)), count)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    share = (place + (edge * 0.618_034) % 1.0) / count[edge]  # where each edge's steps begin differs: no moiré
    at = (start[edge] + share[:, None] * (end - start)[edge]).astype(np.int64)
    inside = (at[:, 0] >= 0) & (at[:, 0] < width) & (at[:, 1] >= 0) & (at[:, 1] < height)
    pixel = at[inside, 1] * width + at[inside, 0]
    weight = np.repeat(length / count, count)[inside]  # a long step stands for the pixels that it passes
    density = np.bincount(pixel, weight, width * height).reshape(height, width)
    return density.astype(np.float64)


def map_picture(
    graph: LayerGraph, look: Colouring, box: Box, *, hidden: AbstractSet[int] = frozenset(), width: int = _WIDTH
) -> MapPicture:
    """Draw what is in view: skills, and of the associations a backbone of the strongest.

    Args:
        graph: Any number of nodes.
        look: Its colours.
        box: x0, x1, y0, y1 of the map.
        hidden: Places of the legend that are not shown.
        width: Pixels.
    """
    x0, x1, y0, y1 = ground = _wider(box)
    height = int(np.clip(width * (y1 - y0) / max(x1 - x0, 1e-9), width // 4, 2 * width))
    scale = np.array([width / max(x1 - x0, 1e-9), height / max(y1 - y0, 1e-9)])
    at = (graph.map_positions - np.array([x0, y0])) * scale
    shown = ~np.isin(look.of, list(hidden))
    pixels = np.zeros((height, width, 4), dtype=np.uint8)
    edges = graph.outline
    both = edges[shown[graph.source[edges]] & shown[graph.target[edges]]]
    density = edge_density(at[graph.source[both]], at[graph.target[both]], width, height)
    top = float(np.quantile(density[density > 0], 0.995)) if density.any() else 1.0
    pixels[..., :3] = _INK
    pixels[..., 3] = (105 * np.clip(np.log1p(density) / np.log1p(max(top, 1.0)), 0, 1)).astype(np.uint8)
    painted = np.flatnonzero(shown & in_box(graph.map_positions, ground))
    painted = painted[np.argsort(graph.uses[painted], kind="stable")]
    _discs(pixels, at[painted], _radii(graph, painted, float(scale[0])), _colours(look)[look.of[painted]])
    inside = painted[in_box(graph.map_positions[painted], box)]
    return MapPicture(png(pixels), box, ground, inside[::-1])


def _wider(box: Box, share: float = 0.2) -> Box:
    x, y = share * (box[1] - box[0]), share * (box[3] - box[2])
    return box[0] - x, box[1] + x, box[2] - y, box[3] + y


def _colours(look: Colouring) -> Pixels:
    return np.array(
        [[int(category.colour[i : i + 2], 16) for i in (1, 3, 5)] for category in look.categories], dtype=np.uint8
    ).reshape(-1, 3)


def _radii(graph: LayerGraph, nodes: Int, scale: float) -> Int:
    """Radii in pixels; the whole map's discs fill about a third of it."""
    span = float(np.ptp(graph.map_positions, axis=0).max()) if graph.n > 1 else 1.0
    if not nodes.size:
        return np.zeros(0, dtype=np.int64)
    unit = 0.42 * span / np.sqrt(graph.n) / max(float(graph.radius.mean()), 1e-9)
    found: Int = np.clip(np.round(graph.radius[nodes] * unit * scale * 0.62), 1, 16).astype(np.int64)
    return found


def _discs(pixels: Pixels, at: Float, radius: Int, colour: Pixels) -> None:
    """Discs one over the other, the last on top."""
    height, width = pixels.shape[:2]
    for r in np.unique(radius).tolist():
        mine = np.flatnonzero(radius == r)
        reach = np.arange(-r, r + 1)
        dx, dy = (grid.ravel() for grid in np.meshgrid(reach, reach))
        disc = dx**2 + dy**2 <= (r + 0.35) ** 2
        x = at[mine, 0].astype(np.int64)[:, None] + dx[disc]
        y = at[mine, 1].astype(np.int64)[:, None] + dy[disc]
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        node, _ = np.nonzero(inside)
        pixels[y[inside], x[inside], :3] = colour[mine[node]]
        pixels[y[inside], x[inside], 3] = 235


def png(pixels: Pixels) -> bytes:
    """A PNG file of uint8 (height, width, 4): red, green, blue and opacity."""
    height, width = pixels.shape[:2]
    rows = np.concatenate((np.zeros((height, 1), np.uint8), pixels.reshape(height, 4 * width)), axis=1)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits each of red, green, blue, opacity
    body = zlib.compress(rows.tobytes(), 4)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def map_figure(
    graph: LayerGraph,
    look: Colouring,
    picture: MapPicture,
    *,
    chosen: int | None = None,
    texts: Mapping[str, str] | None = None,
) -> go.Figure:
    """The picture as the ground of a figure that pans and zooms, with names where there is room.

    Args:
        graph: The graph.
        look: Its colours.
        picture: What is in view.
        chosen: A node to ring.
        texts: What skills are called, by id; their names, if not given.
    """
    x0, x1, y0, y1 = picture.box
    source = "data:image/png;base64," + b64encode(picture.image).decode()
    named = picture.inside[:_NAMED]
    at = graph.map_positions[named]
    scale = _SCREEN / max(x1 - x0, 1e-9)
    names = [graph.name[i] if texts is None else texts[graph.skill_id(i)] for i in named.tolist()]
    importance = graph.uses[named].astype(float)
    tier = label_tiers(at[:, 0] * scale, at[:, 1] * scale, [min(len(n), 24) for n in names], importance, tiers=1)
    named_here = np.flatnonzero(tier == 0)[:40]
    figure = go.Figure(_marks(graph, look, named, names))
    figure.add_scatter(
        x=at[named_here, 0],
        y=at[named_here, 1],
        text=[label(names[i], 24) for i in named_here.tolist()],
        mode="text",
        textfont={"size": 11.5},
        hoverinfo="skip",
    )
    if chosen is not None:
        x, y = graph.map_positions[chosen]
        ring = {"size": 17, "symbol": "circle-open", "color": "#D55E00", "line": {"width": 3}}
        figure.add_scatter(x=[x], y=[y], mode="markers", marker=ring, hoverinfo="skip")
    lay_out(
        figure,
        images=[_image(source, picture.ground)],
        xaxis={"range": [x0, x1], "visible": False},
        # downwards, as on the canvas of the other views
        yaxis={"range": [y1, y0], "visible": False, "scaleanchor": "x"},
        showlegend=False,
        hovermode="closest",
        dragmode="zoom",
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uirevision=None,
    )
    return figure


def _image(source: str, box: Box) -> Properties:
    x0, x1, y0, y1 = box
    where = {"x": x0, "y": y0, "sizex": x1 - x0, "sizey": y1 - y0, "xref": "x", "yref": "y"}
    # the axis runs downwards: the upper edge is the smaller value
    return {"source": source, "sizing": "stretch", "layer": "below", "yanchor": "top", **where}


def _marks(graph: LayerGraph, look: Colouring, nodes: Int, names: list[str]) -> go.Scatter:
    """The most used skills in view, with tooltips; a click chooses one."""
    lines = []
    for node, name in zip(nodes.tolist(), names, strict=True):
        wave = int(graph.wave[node])
        learned = "known before" if wave == 0 else f"learned in wave {wave}"
        uses = plural(int(graph.uses[node]), "text")
        lines.append(f"{label(name, 60)}<br>{label(graph.skill_class[node])} · {uses}<br>{learned}")
    at = graph.map_positions[nodes]
    return go.Scatter(
        x=at[:, 0],
        y=at[:, 1],
        mode="markers",
        marker={
            "size": 8,
            "color": [look.colour(node) for node in nodes.tolist()],
            "line": {"width": 1, "color": "rgba(255,255,255,.8)"},
        },
        text=lines,
        customdata=[graph.skill_id(node) for node in nodes.tolist()],
        hovertemplate="%{text}<extra></extra>",
    )
