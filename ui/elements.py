"""From a layer's association graph to Cytoscape elements: pure functions, tested without a browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ui.graphs import EDGE_LIMIT, NODE_LIMIT, LayerGraph, backbone
from ui.layouts import Islands, islands, label_tiers
from ui.style import CHANGES, OTHER, category_colours, ramp

__all__ = [
    "Category",
    "Colouring",
    "Drawing",
    "colourings",
    "community_drawing",
    "community_names",
    "neighbour_drawing",
    "skill_drawing",
]

Element = dict[str, Any]
Int = npt.NDArray[np.int64]

_LISTED = 7  # categories with a colour of their own
_SUPERNODES = 400


@dataclass(frozen=True)
class Category:
    """One line of a legend: its label, colour and number of skills."""

    label: str
    colour: str
    count: int


@dataclass(frozen=True, eq=False)
class Colouring:
    """What colours can say about skills.

    Attributes:
        key: Short name, as in URLs: `class`, `wave`, `community`, `component`, `change`.
        title: As people call it.
        categories: The legend.
        of: int64 (n,), each node's place in `categories`.
    """

    key: str
    title: str
    categories: tuple[Category, ...]
    of: Int

    def colour(self, node: int) -> str:
        """Colour of a node."""
        return self.categories[int(self.of[node])].colour


_Looks = dict[str, Colouring]


@dataclass(frozen=True)
class Drawing:
    """What the graph component shows.

    Attributes:
        elements: Nodes first, then edges.
        caption: One sentence: what is shown and what is left out.
        skills: Number of skill nodes.
        groups: Number of closed communities.
        edges: Number of edges.
    """

    elements: list[Element]
    caption: str
    skills: int
    groups: int
    edges: int


def colourings(graph: LayerGraph, base_learned: npt.NDArray[np.bool_] | None = None) -> dict[str, Colouring]:
    """All colourings of a graph.

    Args:
        graph: The graph.
        base_learned: Bool (n,), which nodes the base layer has learned too; None without a base.
    """
    found = [
        _by_value("class", "class", graph.skill_class),
        _by_wave(graph),
        _by_number("community", "community", graph.community, "community {}"),
    ]
    if graph.n and int(graph.component.max()) >= 0:
        found.append(_by_component(graph))
    if base_learned is not None:
        labels = ["kept" if kept else "gained" for kept in base_learned.tolist()]
        found.append(_by_value("change", "kept or gained", labels, CHANGES))
    return {colouring.key: colouring for colouring in found}


def _by_value(key: str, title: str, values: Sequence[str], colours: Mapping[str, str] | None = None) -> Colouring:
    counts = Counter(values)
    order = sorted(counts, key=lambda value: (-counts[value], value))
    listed = order if len(order) <= _LISTED else order[:_LISTED]
    chosen = colours or category_colours(listed)
    categories = [Category(value, chosen[value], counts[value]) for value in listed]
    if len(order) > len(listed):
        rest = sum(counts[value] for value in order[_LISTED:])
        categories.append(Category(f"{len(order) - _LISTED} more", OTHER, rest))
    place = {value: min(i, len(categories) - 1) for i, value in enumerate(order)}
    return Colouring(key, title, tuple(categories), np.array([place[v] for v in values], dtype=np.int64))


def _by_wave(graph: LayerGraph) -> Colouring:
    waves = sorted(set(graph.wave.tolist()))
    shown = waves[:10]
    colours = ramp(len(shown))
    counts = Counter(graph.wave.tolist())
    categories = [
        Category("known before" if wave == 0 else f"wave {wave}", colour, counts[wave])
        for wave, colour in zip(shown, colours, strict=True)
    ]
    if len(waves) > len(shown):
        last = categories[-1]
        rest = sum(counts[wave] for wave in waves[9:])
        categories[-1] = Category(f"wave {shown[-1]} and later", last.colour, rest)
    place = {wave: min(i, len(shown) - 1) for i, wave in enumerate(waves)}
    return Colouring("wave", "wave", tuple(categories), np.array([place[w] for w in graph.wave.tolist()], np.int64))


def _by_number(key: str, title: str, numbers: Int, label: str) -> Colouring:
    sizes = np.bincount(numbers) if len(numbers) else np.zeros(0, dtype=np.int64)
    colours = category_colours([str(i) for i in range(min(len(sizes), _LISTED))])
    categories = [Category(label.format(i + 1), colours[str(i)], int(sizes[i])) for i in range(len(colours))]
    if len(sizes) > _LISTED:
        categories.append(Category(f"{len(sizes) - _LISTED} smaller", OTHER, int(sizes[_LISTED:].sum())))
    return Colouring(key, title, tuple(categories), np.minimum(numbers, _LISTED))


def _by_component(graph: LayerGraph) -> Colouring:
    sizes = Counter(graph.component.tolist())

    def label(component: int) -> str:
        if component == 0:
            return "giant component"
        return "alone" if sizes[component] == 1 else "small component"

    colours = {"giant component": "#0072B2", "small component": "#E69F00", "alone": OTHER}
    return _by_value("component", "component", [label(c) for c in graph.component.tolist()], colours)


def community_names(graph: LayerGraph) -> tuple[str, ...]:
    """A name for each community: its two most used skills."""
    if not graph.n:
        return ()
    order = np.lexsort((np.arange(graph.n), -graph.uses, graph.community))
    starts = np.searchsorted(graph.community[order], np.arange(int(graph.community.max()) + 2))
    names = []
    for first, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        names.append(", ".join(_short(graph.name[i]) for i in order[first : min(stop, first + 2)].tolist()))
    return tuple(names)


def _short(name: str, letters: int = 26) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def _positions(graph: LayerGraph, edges: Int) -> Islands:
    source, target, strength = graph.source[edges], graph.target[edges], graph.strength[edges]
    return islands(graph.community, graph.radius, source, target, strength)


def _skill_node(graph: LayerGraph, node: int, x: float, y: float, size: float, tier: int, looks: _Looks) -> Element:
    return {
        "data": {
            "id": f"s:{graph.skill_id(node)}",
            "label": _short(graph.name[node], 34),
            "name": graph.name[node],
            "class": graph.skill_class[node],
            "uses": int(graph.uses[node]),
            "wave": int(graph.wave[node]),
            "community": int(graph.community[node]),
            "size": round(size, 1),
            "tier": tier,
            **{f"c_{key}": colouring.colour(node) for key, colouring in looks.items()},
            **{f"k_{key}": int(colouring.of[node]) for key, colouring in looks.items()},
        },
        "position": {"x": round(x, 1), "y": round(y, 1)},
    }


def _edge(number: int, source: str, target: str, weight: int, *, inside: bool, heaviest: int) -> Element:
    share = float(np.log1p(weight) / np.log1p(max(heaviest, 1)))
    return {
        "data": {
            "id": f"e:{number}",
            "source": source,
            "target": target,
            "weight": weight,
            "width": round(0.5 + 1.5 * share, 2),
            "opacity": round((0.22 if inside else 0.10) + 0.3 * share, 3),
        }
    }


def _island_disc(number: int, name: str, x: float, y: float, radius: float, looks: Mapping[str, str]) -> Element:
    return {
        "data": {
            "id": f"i:{number}",
            "label": "",
            "name": name,
            "community": number,
            "size": round(2.0 * radius, 1),
            "tier": -1,
            **looks,
        },
        "position": {"x": round(x, 1), "y": round(y, 1)},
        "classes": "island",
        "selectable": False,
        "grabbable": False,
    }


def _group_colours(graph: LayerGraph, looks: _Looks, members: Int) -> dict[str, str]:
    """The commonest colour among members, for each colouring."""
    return {
        f"c_{key}": colouring.categories[int(np.bincount(colouring.of[members]).argmax())].colour
        for key, colouring in looks.items()
    }


def _part(k: int, shown: int, total: int) -> str:
    if shown == total:
        return f" and all their {total:,} associations"
    of_each = f"the strongest {k} of each skill" if k > 1 else "the strongest of each skill"
    return f"; of {total:,} associations {of_each} and a spanning forest ({shown:,}) are drawn"


def skill_drawing(graph: LayerGraph, looks: _Looks, *, per_skill: int = 3, edge_limit: int = EDGE_LIMIT) -> Drawing:
    """All skills of a graph with the strongest part of its associations.

    Args:
        graph: At most `NODE_LIMIT` nodes.
        looks: Its colourings.
        per_skill: How many of each skill's associations are drawn at most.
        edge_limit: How many in all.
    """
    edges, k = backbone(
        graph.n, graph.source, graph.target, graph.strength, graph.rank, limit=edge_limit, most=per_skill
    )
    place = _positions(graph, edges)
    size = np.maximum(2.0 * graph.radius * place.scale * 0.9, 4.0)
    tier = label_tiers(place.x, place.y, [min(len(n), 34) for n in graph.name], graph.uses.astype(float))
    ids = [f"s:{graph.skill_id(i)}" for i in range(graph.n)]
    elements = _discs(graph, looks, place)
    elements += [
        _skill_node(graph, i, float(place.x[i]), float(place.y[i]), float(size[i]), int(tier[i]), looks)
        for i in range(graph.n)
    ]
    heaviest = int(graph.weight.max(initial=1))
    inside = graph.community[graph.source] == graph.community[graph.target]
    elements += [
        _edge(
            e,
            ids[graph.source[e]],
            ids[graph.target[e]],
            int(graph.weight[e]),
            inside=bool(inside[e]),
            heaviest=heaviest,
        )
        for e in edges.tolist()
    ]
    return Drawing(elements, f"{graph.n:,} skills{_part(k, len(edges), graph.m)}.", graph.n, 0, len(edges))


def _discs(graph: LayerGraph, looks: _Looks, place: Islands) -> list[Element]:
    """Faint discs behind the communities of more than three skills."""
    names = community_names(graph)
    discs = []
    for c in range(len(place.radius)):
        members = np.flatnonzero(graph.community == c)
        if len(members) > 3:
            colours = _group_colours(graph, looks, members)
            x, y, r = float(place.centre_x[c]), float(place.centre_y[c]), float(place.radius[c])
            discs.append(_island_disc(c, names[c], x, y, 1.03 * r, colours))
    return discs


def community_drawing(graph: LayerGraph, looks: _Looks, opened: Sequence[int] = ()) -> Drawing:
    """Communities as discs in the places of their skills; opened ones show their skills instead.

    Args:
        graph: Any size.
        looks: Its colourings.
        opened: Communities to open, the first ones first if there are more skills in them than can be drawn.
    """
    edges, place = graph.atlas
    sizes = np.bincount(graph.community, minlength=len(place.radius))
    closed = [c for c in range(min(len(sizes), _SUPERNODES)) if c not in set(opened)]
    visible, hidden = _opened_members(graph, opened)
    names = community_names(graph)
    elements: list[Element] = []
    for c in opened:
        if 0 <= c < len(sizes):
            colours = _group_colours(graph, looks, np.flatnonzero(graph.community == c))
            x, y = float(place.centre_x[c]), float(place.centre_y[c])
            elements.append(_island_disc(c, names[c], x, y, 1.03 * float(place.radius[c]), colours))
    where = np.array(closed, dtype=np.int64)
    letters = [min(max(map(len, names[c].split(", "))), 26) for c in closed]
    room = label_tiers(place.centre_x[where], place.centre_y[where], letters, sizes[where], lines=3.0)
    elements.extend(
        _group_node(graph, looks, c, names[c], place, int(sizes[c]), t)
        for c, t in zip(closed, room.tolist(), strict=True)
    )
    nodes = np.flatnonzero(visible)
    size = np.maximum(2.0 * graph.radius * place.scale * 0.9, 2.5)
    lengths = [min(len(graph.name[i]), 34) for i in nodes]
    tier = label_tiers(place.x[nodes], place.y[nodes], lengths, graph.uses[nodes].astype(float))
    for i, t in zip(nodes.tolist(), tier.tolist(), strict=True):
        elements.append(_skill_node(graph, i, float(place.x[i]), float(place.y[i]), float(size[i]), t, looks))
    links = _mixed_edges(graph, visible, set(closed), edges)
    elements += links
    caption = f"{graph.n:,} skills in {len(sizes):,} communities, of skills that keep to each other; "
    caption += f"{len(nodes):,} skills shown one by one" if len(nodes) else "a disc is as large as its skills are many"
    if hidden:
        caption += f", {hidden:,} less used ones of the opened communities left out"
    if len(sizes) > _SUPERNODES:
        caption += f"; {len(sizes) - _SUPERNODES:,} smaller communities left out"
    return Drawing(elements, caption + ".", len(nodes), len(closed), len(links))


def _opened_members(graph: LayerGraph, opened: Sequence[int]) -> tuple[npt.NDArray[np.bool_], int]:
    """Nodes of opened communities as far as there is room, the most used first; and how many there is none for."""
    visible = np.zeros(graph.n, dtype=bool)
    room, hidden = NODE_LIMIT - 200, 0
    for c in opened:
        members = np.flatnonzero(graph.community == c)
        members = members[np.argsort(-graph.uses[members], kind="stable")]
        taken = members[: max(room, 0)]
        visible[taken] = True
        room -= len(taken)
        hidden += len(members) - len(taken)
    return visible, hidden


def _group_node(
    graph: LayerGraph, looks: _Looks, c: int, name: str, place: Islands, members: int, tier: int
) -> Element:
    which = np.flatnonzero(graph.community == c)
    single = members == 1
    return {
        "data": {
            "id": f"g:{c}",
            "label": name if single else "\n".join((*name.split(", "), f"{members:,} skills")),
            "name": name,
            "community": c,
            "members": members,
            "uses": int(graph.uses[which].sum()),
            "size": round(max(2.0 * float(place.radius[c]), 7.0), 1),
            "tier": tier,
            **_group_colours(graph, looks, which),
        },
        "position": {"x": round(float(place.centre_x[c]), 1), "y": round(float(place.centre_y[c]), 1)},
        "classes": "group",
    }


def _mixed_edges(graph: LayerGraph, visible: npt.NDArray[np.bool_], closed: set[int], edges: Int) -> list[Element]:
    """Edges between visible skills, between closed communities, and from one to the other."""
    n_groups = int(graph.community.max()) + 1 if graph.n else 0
    end = np.where(visible, n_groups + np.arange(graph.n), graph.community)
    shown = visible | np.isin(graph.community, list(closed))
    between = np.unique(np.concatenate((edges, np.flatnonzero(~(visible[graph.source] & visible[graph.target])))))
    between = between[shown[graph.source[between]] & shown[graph.target[between]]]
    a, b = end[graph.source[between]], end[graph.target[between]]
    low, high = np.minimum(a, b), np.maximum(a, b)
    apart = low != high
    span = n_groups + graph.n
    key, place = np.unique(low[apart] * span + high[apart], return_inverse=True)
    weight = np.bincount(place, graph.weight[between[apart]].astype(float), len(key)).astype(np.int64)
    u, v = np.divmod(key, max(span, 1))
    kept = _strongest_links(u, v, weight, n_groups)
    heaviest = int(weight.max(initial=1))
    ids = [f"g:{c}" for c in range(n_groups)]

    def name(end: int) -> str:
        return ids[end] if end < n_groups else f"s:{graph.skill_id(end - n_groups)}"

    return [
        _edge(int(e), name(int(u[e])), name(int(v[e])), int(weight[e]), inside=u[e] >= n_groups, heaviest=heaviest)
        for e in kept.tolist()
    ]


def _strongest_links(u: Int, v: Int, weight: Int, n_groups: int) -> Int:
    """All links between skills (they are a backbone already), and the heaviest four of each closed community.

    A community's links to single skills are not drawn beyond that: they would be a fan of hundreds.
    """
    kept = (u >= n_groups) & (v >= n_groups)
    ends = np.concatenate((u, v))
    edge = np.concatenate((np.arange(len(u)), np.arange(len(u))))
    of_group = ends < n_groups
    ends, edge = ends[of_group], edge[of_group]
    order = np.lexsort((edge, -weight[edge], ends))
    starts = np.searchsorted(ends[order], ends[order], side="left")
    kept[edge[order][np.arange(len(order)) - starts < 4]] = True
    found: Int = np.flatnonzero(kept).astype(np.int64)[:EDGE_LIMIT]
    return found


def neighbour_drawing(graph: LayerGraph, looks: _Looks, node: int, *, limit: int = 60) -> Drawing:
    """A skill in the middle, its heaviest associations around it, those of one community side by side."""
    found = graph.neighbours(node)
    near = [other for other, _ in found[:limit]]
    weight_of = dict(found)
    near.sort(key=lambda other: (int(graph.community[other]), -weight_of[other]))
    angle = np.arange(len(near)) * 2.0 * np.pi / max(len(near), 1)
    heaviest = max(weight_of.values(), default=1)
    nearness = np.array([np.log1p(weight_of[o]) / np.log1p(heaviest) for o in near])
    distance = 190.0 + 170.0 * (1.0 - nearness) + 34.0 * (np.arange(len(near)) % 2)
    x, y = 1.35 * distance * np.cos(angle), distance * np.sin(angle)
    elements = [_skill_node(graph, node, 0.0, 0.0, 46.0, 0, looks)]
    lengths = [min(len(graph.name[o]), 34) for o in near]
    tier = label_tiers(x, y, lengths, [float(weight_of[o]) for o in near])
    for o, px, py, t in zip(near, x.tolist(), y.tolist(), tier.tolist(), strict=True):
        size = 10.0 + 16.0 * float(np.log1p(weight_of[o]) / np.log1p(heaviest))
        elements.append(_skill_node(graph, o, px, py, size, t, looks))
    inside = np.zeros(graph.n, dtype=bool)
    inside[near] = True
    among = np.flatnonzero(inside[graph.source] & inside[graph.target])
    among = among[np.argsort(-graph.strength[among], kind="stable")][: 3 * len(near)]
    own = np.flatnonzero(
        ((graph.source == node) & inside[graph.target]) | ((graph.target == node) & inside[graph.source])
    )
    edges = np.concatenate((own, among))
    for e in edges.tolist():
        source, target = f"s:{graph.skill_id(graph.source[e])}", f"s:{graph.skill_id(graph.target[e])}"
        of_middle = node in (graph.source[e], graph.target[e])
        elements.append(_edge(e, source, target, int(graph.weight[e]), inside=of_middle, heaviest=heaviest))
    shown = f"its {len(near):,} heaviest" if len(near) < len(found) else f"all {len(found):,}"
    caption = (
        f"{graph.name[node]} and {shown} of {len(found):,} associations; the nearer, the more texts require both."
        if len(near) < len(found)
        else f"{graph.name[node]} and {shown} of its associations; the nearer, the more texts require both."
    )
    return Drawing(elements, caption, len(near) + 1, 0, len(edges))
