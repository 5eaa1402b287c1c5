"""From graphs to what Cytoscape draws."""

import numpy as np
import pytest

from explorer.wording import plural
from tests.ui.conftest import HOSTILE
from ui.drawing.arrangements import ARRANGEMENTS
from ui.drawing.colourings import colourings
from ui.drawing.elements import group_drawing, neighbour_drawing, skill_drawing
from ui.drawing.graphs import LayerGraph


def parts(drawing):
    data = [element["data"] for element in drawing.elements]
    nodes = {d["id"]: d for d in data if "source" not in d}
    edges = [d for d in data if "source" in d]
    assert len(nodes) + len({e["id"] for e in edges}) == len(data), "ids are unique"
    assert all(e["source"] in nodes and e["target"] in nodes for e in edges), "edges have both ends"
    assert all("position" in element for element in drawing.elements if "source" not in element["data"])
    return nodes, edges


def test_skill_drawing_has_every_skill(small_graph: LayerGraph) -> None:
    drawing = skill_drawing(small_graph, colourings(small_graph))
    nodes, edges = parts(drawing)
    assert sum(key.startswith("s:") for key in nodes) == small_graph.n == drawing.skills
    assert len(edges) == drawing.edges <= small_graph.m


def test_caption_says_what_is_left_out(small_graph: LayerGraph) -> None:
    looks = colourings(small_graph)
    few = skill_drawing(small_graph, looks, per_skill=1)
    assert few.edges < small_graph.m
    assert f"of {small_graph.m:,} associations" in few.caption
    assert f"({few.edges:,})" in few.caption
    everything = skill_drawing(small_graph, looks, per_skill=10_000)
    assert everything.edges == small_graph.m
    assert "all their" in everything.caption


def test_names_are_not_changed(small_graph: LayerGraph) -> None:
    nodes, _ = parts(skill_drawing(small_graph, colourings(small_graph)))
    assert nodes["s:b00"]["name"] == HOSTILE


def test_every_legend_counts_every_skill_once(small_graph: LayerGraph) -> None:
    base = np.arange(small_graph.n) % 2 == 0
    looks = colourings(small_graph, base)
    assert set(looks) == {"class", "wave", "community", "component", "change"}
    for look in looks.values():
        counts = np.bincount(look.of, minlength=len(look.categories))
        assert counts.tolist() == [category.count for category in look.categories]
        assert sum(counts) == small_graph.n


def test_waves_are_ordered(small_graph: LayerGraph) -> None:
    look = colourings(small_graph)["wave"]
    places = [int(look.of[np.flatnonzero(small_graph.wave == w)[0]]) for w in sorted(set(small_graph.wave.tolist()))]
    assert places == sorted(places)


@pytest.mark.parametrize("by", ["community", "class", "component"])
def test_groups_closed_then_open(small_graph: LayerGraph, by: str) -> None:
    looks = colourings(small_graph)
    found = small_graph.groupings[by]
    closed = group_drawing(small_graph, looks, by=by)
    nodes, lines = parts(closed)
    groups = {key: d for key, d in nodes.items() if key.startswith("g:")}
    assert sorted(d["members"] for d in groups.values()) == sorted(np.bincount(found.label).tolist())
    assert closed.skills == 0
    opened = group_drawing(small_graph, looks, by=by, opened=[0])
    nodes, edges = parts(opened)
    assert "g:0" not in nodes
    assert nodes["i:0"]["members"] == groups["g:0"]["members"] == opened.skills
    inside = {small_graph.node_of[key[2:]] for key in nodes if key.startswith("s:")}
    assert inside == set(np.flatnonzero(found.label == 0).tolist())
    assert any(e["source"].startswith("s:") and e["target"].startswith("s:") for e in edges)
    assert f"Before opening: {plural(len(groups), 'disc')} and {plural(len(lines), 'line')};" in opened.caption
    assert f"now {len(groups) - 1} discs, {opened.skills:,} skills and {len(edges):,} lines" in opened.caption


def test_edges_between_communities_carry_the_whole_weight(small_graph: LayerGraph) -> None:
    _, edges = parts(group_drawing(small_graph, colourings(small_graph)))
    a, b = small_graph.community[small_graph.source], small_graph.community[small_graph.target]
    assert edges
    for edge in edges:
        pair = {int(edge["source"][2:]), int(edge["target"][2:])}
        between = [w for p, q, w in zip(a, b, small_graph.weight, strict=True) if {int(p), int(q)} == pair]
        assert edge["weight"] == sum(between)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_arrangements_draw_the_same_graph(small_graph: LayerGraph, arrangement: str) -> None:
    looks = colourings(small_graph)
    usual, edges = parts(skill_drawing(small_graph, looks))
    found, same_edges = parts(skill_drawing(small_graph, looks, arrangement=arrangement))
    assert {key for key in found if key.startswith("s:")} == {key for key in usual if key.startswith("s:")}
    assert {e["id"] for e in same_edges} == {e["id"] for e in edges}


@pytest.mark.parametrize("limit", [3, 1_000])
def test_neighbours_of_a_skill(small_graph: LayerGraph, limit: int) -> None:
    node = int(np.argmax(small_graph.uses))
    near = small_graph.neighbours(node)
    drawing = neighbour_drawing(small_graph, colourings(small_graph), node, limit=limit)
    nodes, edges = parts(drawing)
    shown = min(limit, len(near))
    assert len(nodes) == shown + 1
    middle = f"s:{small_graph.skill_id(node)}"
    assert sum(middle in (e["source"], e["target"]) for e in edges) == shown
    assert ("heaviest" in drawing.caption) == (limit < len(near))


def test_communities_are_named_by_their_most_used_skills(small_graph: LayerGraph) -> None:
    for c, name in enumerate(small_graph.groupings["community"].names):
        members = np.flatnonzero(small_graph.community == c)
        top = small_graph.name[int(members[np.argmax(small_graph.uses[members])])]
        assert name.split(", ")[0].rstrip("…") == top[: len(name.split(", ")[0].rstrip("…"))]


def test_classes_go_by_their_own_names(small_graph: LayerGraph) -> None:
    found = small_graph.groupings["class"]
    assert sorted(found.names) == sorted(set(small_graph.skill_class))
    sizes = [len(nodes) for nodes in found.members]
    assert sizes == sorted(sizes, reverse=True)
