"""Backbone and paths, against networkx."""

import itertools

import networkx as nx
import numpy as np
import pytest

from tests.ui.large import large_graph
from ui.drawing import graphs
from ui.drawing.graphs import LayerGraph, _best_rank, backbone, most_used, shortest_path, skills_of, texts_of


def as_networkx(graph: LayerGraph) -> nx.Graph:
    found = nx.Graph()
    found.add_nodes_from(range(graph.n))
    found.add_weighted_edges_from(zip(graph.source.tolist(), graph.target.tolist(), graph.weight.tolist(), strict=True))
    return found


def test_weight_counts_the_texts_that_require_both(small_graph: LayerGraph) -> None:
    texts = [set(skills_of(small_graph.view, t)) for t in range(small_graph.view.indexed.graph.n_texts)]
    for a, b, weight in zip(small_graph.source, small_graph.target, small_graph.weight, strict=True):
        pair = {int(small_graph.skill[a]), int(small_graph.skill[b])}
        assert weight == sum(pair <= text for text in texts)


def test_strength_is_cosine(small_graph: LayerGraph) -> None:
    uses = small_graph.uses
    expected = small_graph.weight / np.sqrt(uses[small_graph.source] * uses[small_graph.target])
    assert small_graph.strength == pytest.approx(expected)
    assert small_graph.strength.max() <= 1.0


@pytest.mark.parametrize("most", [1, 3])
def test_backbone_keeps_what_is_connected_connected(small_graph: LayerGraph, most: int) -> None:
    g = small_graph
    kept, k = backbone(g.n, g.source, g.target, g.strength, g.rank, most=most)
    whole = as_networkx(g)
    part = nx.Graph()
    part.add_nodes_from(range(g.n))
    part.add_edges_from(zip(g.source[kept].tolist(), g.target[kept].tolist(), strict=True))
    assert sorted(map(sorted, nx.connected_components(part))) == sorted(map(sorted, nx.connected_components(whole)))
    assert k == most
    assert len(kept) < g.m


@pytest.mark.parametrize("seed", range(6))
def test_the_forest_is_that_of_scipy(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of costs many of which are equal, the same edges, whichever way it is found."""
    rng = np.random.default_rng(seed)
    n = 60
    pairs = np.array(
        sorted({tuple(sorted(p)) for p in rng.integers(0, n, (150 + 60 * seed, 2)).tolist() if p[0] != p[1]})
    )
    cost = 1.0 + rng.integers(0, 4, len(pairs)) / 4.0
    plain = graphs._spanning_forest(n, pairs[:, 0], pairs[:, 1], cost)
    monkeypatch.setattr(graphs, "_PLAIN_FOREST", 0)
    assert plain.tolist() == graphs._spanning_forest(n, pairs[:, 0], pairs[:, 1], cost).tolist()
    tree = nx.Graph(pairs[plain].tolist())
    assert nx.is_forest(tree)
    assert nx.number_connected_components(tree) == nx.number_connected_components(nx.Graph(pairs.tolist()))


def test_the_backbone_of_a_large_graph_is_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    g = large_graph(2_000, groups=10)
    given = (g.n, g.source, g.target, g.strength, g.rank)
    plain = backbone(*given)[0]
    monkeypatch.setattr(graphs, "_PLAIN_FOREST", 0)
    assert plain.tolist() == backbone(*given)[0].tolist()


def test_backbone_keeps_the_strongest_of_each(small_graph: LayerGraph) -> None:
    g = small_graph
    kept = set(backbone(g.n, g.source, g.target, g.strength, g.rank, most=1)[0].tolist())
    for node in range(g.n):
        own = np.flatnonzero((g.source == node) | (g.target == node))
        if len(own):
            assert max(g.strength[e] for e in own if int(e) in kept) == g.strength[own].max()


def test_backbone_respects_the_limit(small_graph: LayerGraph) -> None:
    g = small_graph
    forest = g.n - nx.number_connected_components(as_networkx(g))
    kept, k = backbone(g.n, g.source, g.target, g.strength, g.rank, limit=forest)
    assert (len(kept), k) == (forest, 0)


def test_paths_are_as_short_as_networkx_finds(small_graph: LayerGraph) -> None:
    whole = as_networkx(small_graph)
    lengths = dict(nx.all_pairs_shortest_path_length(whole))
    for goal in range(1, small_graph.n, 3):
        path = shortest_path(small_graph, 0, goal)
        if goal not in lengths[0]:
            assert path == []
            continue
        assert len(path) - 1 == lengths[0][goal]
        assert all(whole.has_edge(a, b) for a, b in itertools.pairwise(path))


def test_neighbours_are_heaviest_first(small_graph: LayerGraph) -> None:
    node = int(np.argmax(small_graph.uses))
    found = small_graph.neighbours(node)
    assert {other for other, _ in found} == set(as_networkx(small_graph)[node])
    weights = [weight for _, weight in found]
    assert weights == sorted(weights, reverse=True)


def test_most_used_keeps_the_graph_of_its_skills(small_graph: LayerGraph) -> None:
    part = most_used(small_graph, 12)
    assert part.n == 12
    assert part.uses.min() >= np.sort(small_graph.uses)[-12]
    expected = as_networkx(small_graph).subgraph([small_graph.node_of[part.skill_id(i)] for i in range(12)])
    assert part.m == expected.number_of_edges()


def test_texts_of_a_skill_come_shortest_first(small_graph: LayerGraph) -> None:
    skill = int(small_graph.skill[int(np.argmax(small_graph.uses))])
    texts, n = texts_of(small_graph.view, skill, 5)
    sizes = [len(skills_of(small_graph.view, t)) for t in texts]
    assert sizes == sorted(sizes)
    assert n == small_graph.uses.max()
    assert all(skill in skills_of(small_graph.view, t) for t in texts)


def test_rank_is_the_better_place_among_the_associations_of_both_skills():
    rng = np.random.default_rng(3)
    n = 40
    pairs = np.unique(np.sort(rng.integers(0, n, (300, 2)), axis=1), axis=0)
    source, target = pairs[pairs[:, 0] < pairs[:, 1]].T
    weight, strength = rng.integers(1, 4, len(source)), rng.integers(1, 5, len(source)) / 4  # many of them equal
    expected = np.full(len(source), len(source))
    for node in range(n):
        edges = [*np.flatnonzero(source == node), *np.flatnonzero(target == node)]
        edges.sort(key=lambda e: (-strength[e], -weight[e]))
        for place, e in enumerate(edges):
            expected[e] = min(expected[e], place)
    assert _best_rank(n, source, target, strength, weight).tolist() == expected.tolist()
    assert len(_best_rank(3, source[:0], target[:0], strength[:0], weight[:0])) == 0
