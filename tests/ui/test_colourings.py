"""Colours by level, layer membership and centrality; centrality against networkx."""

import networkx as nx
import numpy as np
import pytest

from tests.ui.large import large_graph
from ui.drawing.centrality import betweenness, degree
from ui.drawing.colourings import by_centrality, by_level, by_membership, colourings
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
