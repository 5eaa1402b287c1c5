"""Colours by level, layer membership and centrality; centrality against networkx."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from tests.ui.large import large_graph
from ui.drawing.centrality import betweenness, degree
from ui.drawing.colourings import OTHER, by_centrality, by_level, by_membership, colouring, colourings
from ui.drawing.graphs import LayerGraph, subgraph


def as_networkx(graph: LayerGraph) -> nx.Graph:
    found = nx.Graph()
    found.add_nodes_from(range(graph.n))
    found.add_edges_from(zip(graph.source.tolist(), graph.target.tolist(), strict=True))
    return found


def test_degree_and_betweenness_are_those_of_networkx(small_graph: LayerGraph) -> None:
    for graph in (small_graph, subgraph(small_graph, np.arange(0, small_graph.n, 2))):
        whole = as_networkx(graph)
        assert degree(graph).tolist() == [whole.degree(i) for i in range(graph.n)]
        found = betweenness(graph)
        expected = nx.betweenness_centrality(whole)
        assert found.exact
        assert found.share == pytest.approx([expected[i] for i in range(graph.n)], abs=1e-12)


@pytest.mark.long
def test_estimated_betweenness_finds_the_same_hubs() -> None:
    """From 400 of 1 500 skills: the estimate of a large share errs by about 1/sqrt(400) of it; the order holds."""
    graph = large_graph(1_500, groups=6)
    exact, estimate = betweenness(graph), betweenness(graph, work=400 * graph.m)
    assert (exact.exact, estimate.exact, estimate.samples) == (True, False, 400)
    top = np.argsort(-exact.share)[:20]
    assert estimate.share[top] == pytest.approx(exact.share[top], rel=0.35)
    assert np.array_equal(estimate.share, betweenness(graph, work=400 * graph.m).share), "the same every time"


def test_betweenness_without_paths(small_graph: LayerGraph) -> None:
    alone = subgraph(small_graph, np.array([0]))
    assert betweenness(alone).share.tolist() == [0.0]


def test_one_colouring_is_that_of_all(small_graph: LayerGraph) -> None:
    base = np.arange(small_graph.n) % 3 > 0
    for key, found in colourings(small_graph, base).items():
        alone = colouring(key, small_graph, base)
        assert (alone.key, alone.categories, alone.of.tolist()) == (key, found.categories, found.of.tolist())


def test_wave_and_class_need_no_communities(small_graph: LayerGraph) -> None:
    graph = subgraph(small_graph, np.arange(small_graph.n))
    for key in ("class", "wave", "component"):
        colouring(key, graph)
    assert "community" not in vars(graph)


@pytest.mark.parametrize("seed", range(3))
def test_classes_are_listed_by_size_and_then_by_name(small_graph: LayerGraph, seed: int) -> None:
    """Against counting in plain Python, with more classes than have a colour of their own."""
    rng = np.random.default_rng(seed)
    names = [f"class {k}" for k in (rng.random(small_graph.n) ** 2 * (4 + 20 * seed)).astype(int)]
    look = colouring("class", replace(small_graph, skill_class=tuple(names)))
    order = sorted(set(names), key=lambda name: (-names.count(name), name))
    listed = [c.label for c in look.categories if not c.label.endswith(" more")]
    assert listed == order[: len(listed)]
    assert [c.count for c in look.categories[: len(listed)]] == [names.count(name) for name in listed]
    for name, place in zip(names, look.of.tolist(), strict=True):
        assert place == min(order.index(name), len(look.categories) - 1)
    assert sum(c.count for c in look.categories) == small_graph.n
    if len(order) > len(listed):
        assert (look.categories[-1].label, look.categories[-1].colour) == (f"{len(order) - len(listed):,} more", OTHER)


@pytest.mark.parametrize("key", ["degree", "betweenness"])
def test_centrality_goes_up_with_the_legend(small_graph: LayerGraph, key: str) -> None:
    look = by_centrality(key, small_graph)
    values = degree(small_graph) if key == "degree" else betweenness(small_graph).share
    highest = -1.0
    for place in range(len(look.categories)):
        mine = values[look.of == place]
        assert mine.min() > highest
        highest = mine.max()
        assert len(mine) == look.categories[place].count
    assert look.meaning


def test_levels_are_ordered_and_the_rest_is_last() -> None:
    look = by_level([2, None, 0, 2])
    assert [c.label for c in look.categories] == ["level 0", "level 2", "no level"]
    assert look.of.tolist() == [1, 2, 0, 1]
    assert [c.count for c in look.categories] == [1, 2, 1]


def test_membership_names_the_layers() -> None:
    look = by_membership(
        {
            "first": np.array([True, True, True, False]),
            "second": np.array([True, False, True, True]),
            "third": np.array([True, False, False, True]),
        }
    )
    labels = [look.categories[place].label for place in look.of]
    assert labels == ["all 3 layers", "first", "all but third", "all but first"]


def test_a_part_of_a_legend_keeps_its_colours(small_graph: LayerGraph) -> None:
    look = colourings(small_graph)["class"]
    nodes = np.arange(0, small_graph.n, 3)
    part = look.take(nodes)
    assert [part.colour(i) for i in range(len(nodes))] == [look.colour(i) for i in nodes.tolist()]
    assert sum(c.count for c in part.categories) == len(nodes)
