"""From a layer's association graph to Cytoscape elements: pure functions, tested without a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explorer.wording import isolated, plural
from ui.drawing.arrangements import arrange, row_marks
from ui.drawing.colourings import Category, Colouring, colourings
from ui.drawing.graphs import GROUP_LIMIT, NODE_LIMIT, Grouping, LayerGraph, backbone, edge_limit
from ui.drawing.layouts import Islands, islands
from ui.typed import Element

__all__ = [
    "Category",
    "Colouring",
    "Drawing",
    "colourings",
    "group_drawing",
    "neighbour_drawing",
    "short",
    "skill_drawing",
    "skill_node",
]

Int = npt.NDArray[np.int64]


_Looks = Mapping[str, Colouring]


@dataclass(frozen=True)
class Drawing:
    """What the graph component shows.

    Attributes:
        elements: Nodes first, then edges.
        caption: One sentence: what is shown and what is left out.
        skills: Number of skill nodes.
        groups: Number of closed groups.
        edges: Number of edges.
    """

    elements: list[Element]
    caption: str
    skills: int
    groups: int
    edges: int


def short(name: str, letters: int = 26) -> str:
    """A name of at most so many letters; what is cut is said by an ellipsis."""
    return name if len(name) <= letters else name[: letters - 1] + "…"


def skill_node(graph: LayerGraph, node: int, x: float, y: float, size: float, looks: _Looks) -> Element:
    """A skill as an element.

    Args:
        graph: Its graph.
        node: Which.
        x: Position.
        y: Position.
        size: Diameter.
        looks: The colours that it carries: `c_<key>` the colour, `k_<key>` its place in the legend.
    """
    return {
        "data": {
            "id": f"s:{graph.skill_id(node)}",
            "label": short(graph.name[node], 34),
            "name": graph.name[node],
            "class": graph.skill_class[node],
            "uses": int(graph.uses[node]),
            "wave": int(graph.wave[node]),
            "size": round(size, 1),
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
            "opacity": round((0.22 if inside else 0.10) + 0.3 * share, 2),
        }
    }


def _island_disc(
    number: int, name: str, x: float, y: float, radius: float, members: int, looks: Mapping[str, str | int]
) -> Element:
    return {
        "data": {
            "id": f"i:{number}",
            "label": "",
            "name": name,
            "group": number,
            "members": members,
            "size": round(2.0 * radius, 1),
            **looks,
        },
        "position": {"x": round(x, 1), "y": round(y, 1)},
        "classes": "island",
        "selectable": False,
        "grabbable": False,
    }


def _group_colours(looks: _Looks, members: Int) -> dict[str, str | int]:
    """The commonest colour among members, for each colouring."""
    place = {key: colouring.commonest(members) for key, colouring in looks.items()}
    colours = {f"c_{key}": looks[key].categories[k].colour for key, k in place.items()}
    return {**colours, **{f"k_{key}": k for key, k in place.items()}}


def _part(k: int, shown: int, total: int) -> str:
    if shown == total:
        return " and their only association" if total == 1 else f" and all their {total:,} associations"
    of_each = f"the strongest {k} of each skill" if k > 1 else "the strongest of each skill"
    return f"; of {total:,} associations {of_each} and a spanning forest ({shown:,}) are drawn"


def skill_drawing(
    graph: LayerGraph,
    looks: _Looks,
    *,
    per_skill: int = 3,
    limit: int = NODE_LIMIT,
    arrangement: str = "islands",
    alike: bool = False,
) -> Drawing:
    """All skills of a graph with the strongest part of its associations.

    Args:
        graph: At most `limit` nodes.
        looks: Its colourings.
        per_skill: How many of each skill's associations are drawn at most.
        limit: Nodes that the picture may have; `edge_limit` says how many associations in all.
        arrangement: A key of `ui.drawing.arrangements.ARRANGEMENTS`.
        alike: Draw all associations alike, and not those between communities paler: then communities are not needed.
    """
    edges, k = backbone(
        graph.n, graph.source, graph.target, graph.strength, graph.rank, limit=edge_limit(limit), most=per_skill
    )
    elements: list[Element] = []
    if arrangement == "islands":
        place = _islands(graph, edges)
        elements += _discs(graph, looks, place)
        x, y, scale = place.x, place.y, place.scale
    else:
        spread = arrange(graph, edges, arrangement)
        elements += row_marks(spread, looks)
        x, y, scale = spread.x, spread.y, spread.scale
    size = np.maximum(2.0 * graph.radius * scale * 0.9, 4.0)
    ids = [f"s:{graph.skill_id(i)}" for i in range(graph.n)]
    elements += [skill_node(graph, i, float(x[i]), float(y[i]), float(size[i]), looks) for i in range(graph.n)]
    heaviest = int(graph.weight.max(initial=1))
    inside = np.ones(graph.m, bool) if alike else graph.community[graph.source] == graph.community[graph.target]
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
    return Drawing(elements, f"{plural(graph.n, 'skill')}{_part(k, len(edges), graph.m)}.", graph.n, 0, len(edges))


def _islands(graph: LayerGraph, edges: Int) -> Islands:
    of = graph.groupings["community"].of
    return islands(of, graph.radius, graph.source[edges], graph.target[edges], graph.strength[edges])


def _discs(graph: LayerGraph, looks: _Looks, place: Islands) -> list[Element]:
    """Faint discs behind the communities of more than three skills."""
    found = graph.groupings["community"]
    discs = []
    for c, members in enumerate(found.members):
        if len(members) > 3:
            colours = _group_colours(looks, members)
            x, y, r = float(place.centre_x[c]), float(place.centre_y[c]), float(place.radius[c])
            discs.append(_island_disc(int(found.numbers[c]), found.names[c], x, y, 1.03 * r, len(members), colours))
    return discs


def group_drawing(
    graph: LayerGraph, looks: _Looks, *, by: str = "community", opened: Sequence[int] = (), limit: int = NODE_LIMIT
) -> Drawing:
    """Groups of skills as discs in the places of their skills; opened ones show their skills instead.

    Args:
        graph: Any size.
        looks: Its colourings.
        by: A key of `LayerGraph.groupings`.
        opened: Numbers of the groups to open, the first ones first if there are more skills in them than can be drawn.
        limit: How many can be: skills and closed groups.
    """
    found, edges = graph.groupings[by], graph.outline
    place, names, many = found.atlas, found.names, _MANY[by]
    row = {int(number): c for c, number in enumerate(found.numbers.tolist())}
    open_rows = [row[number] for number in opened if number in row]
    closed = [int(c) for c in found.drawn if int(c) not in set(open_rows)]
    visible, hidden = _opened_members(graph, [found.members[c] for c in open_rows], limit - GROUP_LIMIT // 2)
    elements: list[Element] = []
    for c in open_rows:
        x, y, r = float(place.centre_x[c]), float(place.centre_y[c]), 1.03 * float(place.radius[c])
        colours = _group_colours(looks, found.members[c])
        elements.append(_island_disc(int(found.numbers[c]), names[c], x, y, r, len(found.members[c]), colours))
    elements += [_group_node(graph, looks, int(found.numbers[c]), names[c], place, c, found.members[c]) for c in closed]
    size = np.maximum(2.0 * graph.radius * place.scale * 0.9, 2.5)
    nodes = np.flatnonzero(visible)
    elements += [
        skill_node(graph, i, float(place.x[i]), float(place.y[i]), float(size[i]), looks) for i in nodes.tolist()
    ]
    links, there = _mixed_edges(graph, found, visible, closed, edges, limit)
    kept = "" if len(links) == there else f" of {there:,}, the heaviest four of each group first"
    elements += links
    caption = f"{plural(graph.n, 'skill')} in {plural(len(found.members), by, many)}. "
    if open_rows:
        before, _ = _mixed_edges(graph, found, np.zeros(graph.n, dtype=bool), found.drawn.tolist(), edges, limit)
        caption += (
            f"Before opening: {plural(len(found.drawn), 'disc')} and {plural(len(before), 'line')}; now "
            f"{plural(len(closed), 'disc')}, {plural(len(nodes), 'skill')} and {plural(len(links), 'line')}{kept}"
        )
    else:
        caption += (
            "A disc has the room that its skills need, and a skill needs more if more texts require it; a line links "
            f"groups whose skills occur in the same texts: {plural(len(links), 'line')}{kept}"
        )
    if hidden:
        caption += f"; left out: {plural(hidden, 'less used skill')} of the opened {many}"
    if len(found.members) > len(found.drawn):
        caption += f"; left out: {plural(len(found.members) - len(found.drawn), f'smaller {by}', f'smaller {many}')}"
    return Drawing(elements, caption + ".", len(nodes), len(closed), len(links))


_MANY = {"community": "communities", "class": "classes", "component": "components"}


def _opened_members(graph: LayerGraph, groups: Sequence[Int], room: int) -> tuple[npt.NDArray[np.bool_], int]:
    """Nodes of opened groups as far as there is room, the most used first; and how many there is none for."""
    visible = np.zeros(graph.n, dtype=bool)
    hidden = 0
    for members in groups:
        taken = members[: max(room, 0)]
        visible[taken] = True
        room -= len(taken)
        hidden += len(members) - len(taken)
    return visible, hidden


def _group_node(
    graph: LayerGraph,
    looks: _Looks,
    number: int,
    name: str,
    place: Islands,
    row: int,
    members: Int,
) -> Element:
    count = len(members)
    label = name if count == 1 else "\n".join((*(short(part) for part in name.split(", ")), plural(count, "skill")))
    return {
        "data": {
            "id": f"g:{number}",
            "label": label,
            "name": name,
            "group": number,
            "members": count,
            "uses": int(graph.uses[members].sum()),
            "size": round(max(2.0 * float(place.radius[row]), 7.0), 1),
            **_group_colours(looks, members),
        },
        "position": {"x": round(float(place.centre_x[row]), 1), "y": round(float(place.centre_y[row]), 1)},
        "classes": "group",
    }


def _mixed_edges(
    graph: LayerGraph, found: Grouping, visible: npt.NDArray[np.bool_], closed: Sequence[int], edges: Int, limit: int
) -> tuple[list[Element], int]:
    """Edges between visible skills, between closed groups, and from one to the other; and how many there are in all."""
    n_groups = len(found.numbers)
    end = np.where(visible, n_groups + np.arange(graph.n), found.of)
    shut = np.zeros(n_groups, dtype=bool)
    shut[list(closed)] = True
    shown = visible | shut[found.of]
    wanted = ~(visible[graph.source] & visible[graph.target])
    wanted[edges] = True
    between = np.flatnonzero(wanted & shown[graph.source] & shown[graph.target])
    a, b = end[graph.source[between]], end[graph.target[between]]
    low, high = np.minimum(a, b), np.maximum(a, b)
    apart = low != high
    span = n_groups + graph.n
    key, place = np.unique(low[apart] * span + high[apart], return_inverse=True)
    weight = np.bincount(np.ravel(place), graph.weight[between[apart]].astype(float), len(key)).astype(np.int64)
    u, v = np.divmod(key, max(span, 1))
    kept = _strongest_links(u, v, weight, n_groups)
    if len(kept) > edge_limit(limit):
        kept = np.sort(kept[np.argsort(-weight[kept], kind="stable")[: edge_limit(limit)]])
    heaviest = int(weight.max(initial=1))

    def name(end: int) -> str:
        return f"g:{found.numbers[end]}" if end < n_groups else f"s:{graph.skill_id(end - n_groups)}"

    drawn = [
        _edge(int(e), name(int(u[e])), name(int(v[e])), int(weight[e]), inside=u[e] >= n_groups, heaviest=heaviest)
        for e in kept.tolist()
    ]
    return drawn, len(u)


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
    found: Int = np.flatnonzero(kept).astype(np.int64)
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
    elements = [skill_node(graph, node, 0.0, 0.0, 46.0, looks)]
    for o, px, py in zip(near, x.tolist(), y.tolist(), strict=True):
        size = 10.0 + 16.0 * float(np.log1p(weight_of[o]) / np.log1p(heaviest))
        elements.append(skill_node(graph, o, px, py, size, looks))
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
    shown = f"all its {len(found):,} associations" if len(found) != 1 else "its only association"
    if len(near) < len(found):
        shown = f"the {len(near):,} heaviest of its {len(found):,} associations"
    caption = f"{isolated(graph.name[node])} and {shown}; the more texts require both, the nearer."
    return Drawing(elements, caption, len(near) + 1, 0, len(edges))
