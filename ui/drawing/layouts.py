"""Positions for graphs of skills: communities as islands, hubs first, nothing on top of anything else.

Pure functions on arrays. Every function is deterministic: a random start comes from a fixed seed, so a link to a
view shows the same picture to everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from ui.work.apart import apart
from ui.work.kept import kept

__all__ = [
    "Islands",
    "communities",
    "force_positions",
    "islands",
    "label_tiers",
    "map_positions",
    "separate",
    "sunflower",
]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

_WORTH_KEEPING = 50_000  # edges from which on their communities take longer than it takes to read them
GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
_LARGEST_SCALE = 2.0  # a dozen nodes need not fill the screen
_SEPARATE_LIMIT = 3_000  # a larger island is drawn as a disc, or by its most used skills: overlaps do not show
_FORCE_TOTAL = 4_000  # with more nodes in all, only small islands are worth the time
_FORCE_LIMIT = 700  # nodes of one island; forces between all pairs take a second at this size


@dataclass(frozen=True, eq=False)
class Islands:
    """Where nodes and their communities are drawn.

    Attributes:
        x: float64 (n,), horizontal position of each node.
        y: float64 (n,), vertical position, downwards.
        centre_x: float64 (communities,), of each community.
        centre_y: float64 (communities,).
        radius: float64 (communities,), of the disc that holds the community's nodes.
        scale: What the nodes' radii are to be multiplied with.
    """

    x: Float
    y: Float
    centre_x: Float
    centre_y: Float
    radius: Float
    scale: float


def communities(
    n: int, source: npt.ArrayLike, target: npt.ArrayLike, strength: npt.ArrayLike, *, resolution: float = 1.0
) -> Int:
    """Community of each node by the Leiden method, 0 the largest, int64 (n,) ([Traag2019]).

    Args:
        n: Number of nodes.
        source: int (m,), one end of each edge.
        target: int (m,), the other end.
        strength: float (m,), positive.
        resolution: More and smaller communities the larger it is.

    >>> communities(5, [0, 1, 3], [1, 2, 4], [1.0, 1.0, 1.0]).tolist()
    [0, 0, 0, 1, 1]
    """
    u, v = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
    if n == 0 or len(u) == 0:
        return np.arange(n, dtype=np.int64)
    s = np.asarray(strength, dtype=float)

    def find() -> Int:
        return apart(_leiden, n, u, v, s, resolution)

    if len(u) < _WORTH_KEEPING:
        label = find()
    else:
        label = kept(f"leiden {version('networkit')}", (n, resolution), (u, v, s), find)
    _, label = np.unique(label, return_inverse=True)
    sizes = np.bincount(label)
    first = np.full(len(sizes), n, dtype=np.int64)
    first[label[::-1]] = np.arange(n)[::-1]  # the last that is written stays
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    ranked: Int = rank[label]
    return ranked


def _leiden(n: int, u: Int, v: Int, strength: Float, resolution: float) -> Int:
    """A number for the community of each node, int64 (n,)."""
    import networkit as nk

    graph = nk.GraphFromCoo((strength, (u, v)), n=n, weighted=True, directed=False)
    threads = nk.getMaxNumberOfThreads()
    nk.setNumberOfThreads(1)  # the partition depends on the order of moves
    try:
        nk.setSeed(1, False)
        method = nk.community.ParallelLeiden(graph, randomize=False, gamma=resolution)
        method.run()
        return np.asarray(method.getPartition().getVector(), dtype=np.int64)
    finally:
        nk.setNumberOfThreads(threads)


def sunflower(radius: npt.ArrayLike) -> Float:
    """Discs around a centre in the order given, as seeds in a sunflower: float64 (n, 2).

    The k-th disc lies on the golden angle's spiral where the discs before it fill the circle.

    >>> sunflower([1.0, 1.0]).round(2).tolist()
    [[0.0, 0.0], [-1.38, 1.27]]
    """
    r = np.asarray(radius, dtype=float)
    if len(r) == 0:
        return np.zeros((0, 2))
    area = np.cumsum(np.square(r)) - np.square(r[0])
    rho = 1.25 * np.sqrt(area + (np.arange(len(r)) > 0) * r * r[0] * 1.25)
    angle = np.arange(len(r)) * GOLDEN_ANGLE
    return np.column_stack((rho * np.cos(angle), rho * np.sin(angle)))


def force_positions(
    start: Float,
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    strength: npt.ArrayLike,
    *,
    spacing: float,
    rounds: int = 60,
) -> Float:
    """Move nodes along springs and away from each other, from a given start ([FruchtermanReingold1991]).

    Args:
        start: float64 (n, 2).
        source: int (m,).
        target: int (m,).
        strength: float (m,), positive; relative pull of each edge.
        spacing: Distance at which two joined nodes are at rest.
        rounds: Number of rounds; the longest step falls to zero over them.

    Returns:
        float64 (n, 2), centred at the origin.
    """
    x = np.asarray(start, dtype=np.float32).copy()
    n = len(x)
    if n < 2:
        return np.zeros((n, 2))
    u, v = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
    pull = np.asarray(strength, dtype=np.float32)
    pull = pull / max(float(pull.mean()), 1e-12) if len(pull) else pull
    extent = float(np.abs(x).max())
    for step in range(rounds):
        dx, dy = x[:, None, 0] - x[None, :, 0], x[:, None, 1] - x[None, :, 1]
        push = spacing**2 / (dx * dx + dy * dy + 0.05 * spacing**2)
        force = np.column_stack(((push * dx).sum(1), (push * dy).sum(1)))
        along = x[v] - x[u]
        spring = (pull * np.sqrt((along**2).sum(1)) / spacing)[:, None] * along
        for axis in (0, 1):
            force[:, axis] += np.bincount(u, spring[:, axis], n) - np.bincount(v, spring[:, axis], n)
        force -= 0.35 * np.sqrt(n) * x
        length = np.sqrt((force**2).sum(1, keepdims=True)) + 1e-9
        longest = 0.12 * extent * (1.0 - step / rounds)
        x += force / length * np.minimum(length, longest)
    moved: Float = (x - x.mean(axis=0)).astype(np.float64)
    return moved


def separate(position: Float, radius: npt.ArrayLike, *, rounds: int = 80, gap: float = 1.0) -> Float:
    """Push overlapping discs apart until there are none or the rounds are over: float64 (n, 2)."""
    from scipy.spatial import cKDTree

    x = np.asarray(position, dtype=float).copy()
    r = np.asarray(radius, dtype=float) + gap / 2
    n = len(x)
    if n < 2:
        return x
    angle = np.arange(n) * GOLDEN_ANGLE
    x += 1e-3 * r.min() * np.column_stack((np.cos(angle), np.sin(angle)))  # none on exactly the same spot
    for _ in range(rounds):
        pairs = cKDTree(x).query_pairs(2.0 * float(r.max()), output_type="ndarray")
        if not len(pairs):
            break
        i, j = pairs[:, 0], pairs[:, 1]
        along = x[j] - x[i]
        distance = np.sqrt((along**2).sum(1)) + 1e-12
        overlap = r[i] + r[j] - distance
        hit = overlap > 1e-6
        if not hit.any():
            break
        i, j, overlap = i[hit], j[hit], overlap[hit]
        share = r[j] / (r[i] + r[j])  # the larger disc gives way less
        shift = (along[hit] / distance[hit][:, None]) * overlap[:, None] * 0.9
        for axis in (0, 1):
            x[:, axis] += np.bincount(j, shift[:, axis] * (1 - share), n) - np.bincount(i, shift[:, axis] * share, n)
    return x


def islands(
    community: npt.ArrayLike,
    radius: npt.ArrayLike,
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    strength: npt.ArrayLike,
    *,
    width: float = 760.0,
    height: float = 560.0,
) -> Islands:
    """Lay each community out by itself, then the communities beside each other, those that hang together close.

    Args:
        community: int (n,), 0..k-1.
        radius: float (n,), of the drawn nodes; scaled with everything else.
        source: int (m,), edges to be drawn.
        target: int (m,).
        strength: float (m,), positive.
        width: Of the box that the picture is scaled to fit, in pixels.
        height: Of the box.

    Returns:
        Positions, centred at the origin.
    """
    label, r = np.asarray(community, dtype=np.int64), np.asarray(radius, dtype=float)
    u, v = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
    s = np.asarray(strength, dtype=float)
    n, k = len(label), int(label.max()) + 1 if len(label) else 0
    if n == 0:
        empty = np.zeros(0)
        return Islands(empty, empty, empty, empty, empty, 1.0)
    place, extent = np.zeros((n, 2)), np.zeros(k)
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(k + 1))
    local = np.empty(n, dtype=np.int64)
    inner = label[u] == label[v]
    forced = _FORCE_LIMIT if n <= _FORCE_TOTAL else _FORCE_LIMIT // 7
    for c in range(k):
        members = order[bounds[c] : bounds[c + 1]]
        members = members[np.argsort(-r[members], kind="stable")]
        local[members] = np.arange(len(members))
        mine = inner & (label[u] == c)
        place[members] = _one_island(r[members], local[u[mine]], local[v[mine]], s[mine], largest=forced)
        extent[c] = float((np.sqrt((place[members] ** 2).sum(1)) + r[members]).max())
    rounds = 150 if k <= 150 else 60
    centre = _archipelago(extent, label[u[~inner]], label[v[~inner]], s[~inner], width / height, rounds=rounds)
    place += centre[label]
    low, high = (place - r[:, None]).min(axis=0), (place + r[:, None]).max(axis=0)
    middle = (low + high) / 2
    scale = float(min(width / max(high[0] - low[0], 1e-9), height / max(high[1] - low[1], 1e-9), _LARGEST_SCALE))
    place, centre = (place - middle) * scale, (centre - middle) * scale
    return Islands(place[:, 0], place[:, 1], centre[:, 0], centre[:, 1], extent * scale, scale)


def _one_island(radius: Float, source: Int, target: Int, strength: Float, *, largest: int) -> Float:
    """A community's nodes around the origin, the largest near the middle."""
    n = len(radius)
    start = sunflower(radius)
    if n > _SEPARATE_LIMIT or (n > 3 * largest and largest < _FORCE_LIMIT):  # one of many thousands in all
        return start
    if 2 < n <= largest and len(source):
        moved = force_positions(start, source, target, strength, spacing=2.2 * float(radius.mean()))
        reach, room = float(np.abs(moved).max()), float(np.sqrt((start**2).sum(1)).max())
        start = 0.5 * start + 0.5 * moved * (room / max(reach, 1e-9))
    placed = separate(start, radius * 1.12, gap=float(radius.min()) * 0.9)
    weight = radius[:, None] ** 2
    centred: Float = placed - (placed * weight).sum(axis=0) / weight.sum()
    return centred


def _archipelago(
    extent: Float, source: Int, target: Int, strength: Float, aspect: float, *, rounds: int = 150
) -> Float:
    """Centres of the discs: drawn to the middle and to those they hang together with, then moved apart."""
    k = len(extent)
    order = np.argsort(-extent, kind="stable")
    centre = np.empty((k, 2))
    centre[order] = sunflower(extent[order])
    stretch = np.array([np.sqrt(aspect), 1.0 / np.sqrt(aspect)])
    pull = np.zeros((k, k))
    np.add.at(pull, (source, target), strength)
    pull += pull.T
    total = pull.sum(axis=1, keepdims=True)
    share = np.divide(pull, total, out=np.zeros_like(pull), where=total > 0)
    gap = 0.05 * float(np.sqrt(np.square(extent).sum()))
    gravity = (0.04 + 0.12 * extent / extent.max())[:, None]  # the large ones in the middle
    for step in range(rounds):
        calm = 1.0 - step / rounds
        towards = np.where(total > 0, share @ centre - centre, 0.0)
        centre += 0.06 * calm * towards - gravity * centre / stretch**4
        centre = separate(centre, extent, rounds=6 if rounds > 100 else 2, gap=gap)
    return separate(centre, extent, rounds=300, gap=gap)


def label_tiers(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    length: npt.ArrayLike,
    importance: npt.ArrayLike,
    *,
    font: float = 12.0,
    tiers: int = 5,
    lines: float = 1.0,
) -> Int:
    """From which zoom on a node's label has room: tier t at zoom 2^t, int64 (n,), `tiers` for never.

    Labels keep their size on the screen, so zooming in makes room. They are placed in order of importance, each
    at the first tier where its box meets none of those that are there.

    Args:
        x: float (n,), position of the node.
        y: float (n,).
        length: int (n,), letters of the label.
        importance: float (n,), larger is placed first.
        font: Height of the letters in pixels.
        tiers: Number of tiers.
        lines: Lines of a label.

    >>> label_tiers([0.0, 10.0, 500.0], [0.0, 0.0, 0.0], [4, 4, 4], [3.0, 2.0, 1.0]).tolist()
    [0, 2, 0]
    """
    px, py = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    half = 0.29 * font * np.asarray(length, dtype=float) + 2.0
    order = np.argsort(-np.asarray(importance, dtype=float), kind="stable")
    tier = np.full(len(px), tiers, dtype=np.int64)
    for level in range(tiers):
        sheet = _Labels(px * 2.0**level, py * 2.0**level, half, (lines + 0.5) * font)
        for i in order[tier[order] < level].tolist():
            sheet.put(i)
        for i in order[tier[order] == tiers].tolist():
            if sheet.has_room(i):
                tier[i] = level
                sheet.put(i)
    return tier


def map_positions(
    community: npt.ArrayLike,
    radius: npt.ArrayLike,
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    strength: npt.ArrayLike,
    *,
    span: float = 1_000.0,
) -> Float:
    """Positions of any number of nodes, communities within communities as islands within islands.

    A large community is split once more by the method that found it; small pieces are placed around the larger ones.
    Seconds for a hundred thousand nodes, where forces between them would take hours.

    Args:
        community: int (n,), 0..k-1 or with gaps.
        radius: float (n,), relative sizes of the nodes.
        source: int (m,).
        target: int (m,).
        strength: float (m,), positive.
        span: Width or height of the map, whichever is larger, from 0 on.

    Returns:
        float64 (n, 2).
    """
    r = np.asarray(radius, dtype=float)
    n = len(r)
    if n == 0:
        return np.zeros((0, 2))
    u, v, s = np.asarray(source, np.int64), np.asarray(target, np.int64), np.asarray(strength, dtype=float)
    _, label = np.unique(np.asarray(community, dtype=np.int64), return_inverse=True)
    fine = _split(label, u, v, s)
    pieces, piece = np.unique(fine, return_inverse=True)
    _, parent = np.unique(label[_first_of(piece, len(pieces))], return_inverse=True)
    place, extent = _seeds(piece, len(pieces), r)
    links = _between(piece, u, v, s, len(pieces))
    for group in (parent, np.zeros(int(parent.max()) + 1, dtype=np.int64)):
        # islands of the same parent beside each other, then the parents themselves
        k = len(extent)
        offset, wide = np.zeros((k, 2)), np.zeros(int(group.max()) + 1)
        order = np.argsort(group, kind="stable")
        bounds = np.searchsorted(group[order], np.arange(len(wide) + 1))
        for g in range(len(wide)):
            mine = order[bounds[g] : bounds[g + 1]]
            offset[mine], wide[g] = _gather(mine, extent, *links)
        place += offset[piece]
        piece, extent = group[piece], wide
        links = _between(group, *links, len(wide))
    low, high = (place - r[:, None]).min(axis=0), (place + r[:, None]).max(axis=0)
    scaled: Float = (place - low) * (span / max(float((high - low).max()), 1e-9))
    return scaled


_SPLIT_FROM = 250  # nodes of a community that is worth another look
_GATHERED = 120  # islands placed by what joins them; distances between all pairs are kept


def _first_of(label: Int, k: int) -> Int:
    first = np.full(k, len(label), dtype=np.int64)
    first[label[::-1]] = np.arange(len(label))[::-1]  # the last that is written stays
    return first


def _split(label: Int, source: Int, target: Int, strength: Float) -> Int:
    """Communities within the large communities; all edges between communities are left out at once."""
    sizes = np.bincount(label)
    inner = (label[source] == label[target]) & (sizes[label[source]] >= _SPLIT_FROM)
    n = len(label)
    if not inner.any():
        return label
    # a part of a community keeps to itself, the more so the finer the method looks
    sub = communities(n, source[inner], target[inner], strength[inner], resolution=_fine(n))
    return np.where(sizes[label] >= _SPLIT_FROM, len(sizes) + sub, label)


def _fine(n: int) -> float:
    """Resolution of the second look: pieces of a few hundred nodes."""
    return max(4.0, n / 400.0)


def _seeds(piece: Int, k: int, radius: Float) -> tuple[Float, Float]:
    """Each piece as a sunflower around the origin, the largest nodes in its middle; and the pieces' radii."""
    order = np.lexsort((np.arange(len(piece)), -radius, piece))
    bounds = np.searchsorted(piece[order], np.arange(k + 1))
    place, extent = np.zeros((len(piece), 2)), np.zeros(k)
    for c in range(k):
        members = order[bounds[c] : bounds[c + 1]]
        place[members] = sunflower(radius[members])
        extent[c] = float((np.sqrt((place[members] ** 2).sum(axis=1)) + radius[members]).max())
    return place, extent


def _between(group: Int, source: Int, target: Int, strength: Float, k: int) -> tuple[Int, Int, Float]:
    """Total strength between groups."""
    a, b = group[source], group[target]
    apart = a != b
    low, high = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
    key, place = np.unique(low * k + high, return_inverse=True)
    total = np.bincount(np.ravel(place), strength[apart], len(key)).astype(np.float64)
    return key // max(k, 1), key % max(k, 1), total


def _gather(mine: Int, extent: Float, source: Int, target: Int, strength: Float) -> tuple[Float, float]:
    """Centres of some islands around the origin, and the radius that holds them; the small ones on the outside."""
    mine = mine[np.argsort(-extent[mine], kind="stable")]
    placed = np.zeros((len(mine), 2))
    large = mine[:_GATHERED]
    if len(large) > 1:
        row = np.full(len(extent), -1, dtype=np.int64)
        row[large] = np.arange(len(large))
        both = (row[source] >= 0) & (row[target] >= 0)
        placed[: len(large)] = _archipelago(
            extent[large], row[source[both]], row[target[both]], strength[both], 1.0, rounds=30
        )
        weight = extent[large][:, None] ** 2
        placed[: len(large)] -= (placed[: len(large)] * weight).sum(axis=0) / weight.sum()
    reach = float((np.sqrt((placed[: len(large)] ** 2).sum(axis=1)) + extent[large]).max())
    rest = extent[mine[_GATHERED:]]
    if len(rest):
        # a sunflower that begins where the large ones end
        rho = np.sqrt(np.square(1.03 * reach) + 1.7 * np.cumsum(np.square(rest))) + rest
        angle = np.arange(len(rest)) * GOLDEN_ANGLE
        spiral = np.column_stack((rho * np.cos(angle), rho * np.sin(angle)))
        placed[_GATHERED:] = spiral
        reach = float((np.sqrt((spiral**2).sum(axis=1)) + rest).max())
    offset = np.zeros((len(mine), 2))
    offset[np.argsort(np.argsort(mine))] = placed
    return offset, reach


class _Labels:
    """Boxes of labels on a grid of cells, so that only those nearby are compared."""

    _CELL = 90.0

    def __init__(self, x: Float, y: Float, half: Float, line: float) -> None:
        self._x, self._y, self._half, self._line = x.tolist(), y.tolist(), half.tolist(), line
        self._cells: dict[tuple[int, int], list[int]] = {}

    def _columns(self, i: int) -> range:
        left, right = self._x[i] - self._half[i], self._x[i] + self._half[i]
        return range(int(left // self._CELL), int(right // self._CELL) + 1)

    def put(self, i: int) -> None:
        row = int(self._y[i] // self._CELL)
        for column in self._columns(i):
            self._cells.setdefault((column, row), []).append(i)

    def has_room(self, i: int) -> bool:
        row = int(self._y[i] // self._CELL)
        return not any(
            abs(self._x[i] - self._x[j]) < self._half[i] + self._half[j] and abs(self._y[i] - self._y[j]) < self._line
            for column in self._columns(i)
            for near in (row - 1, row, row + 1)
            for j in self._cells.get((column, near), ())
        )
