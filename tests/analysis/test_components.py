"""Components of learned skills without the projection."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.association import associate
from analysis.components import components
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from tests.analysis import reference
from tests.analysis.strategies import ENGINES, fixed, graphs, masks, random_graph

RULES = ("any", "understood")


@fixed
@given(data=st.data(), graph=graphs())
def test_labels_are_those_of_the_twin(data, graph):
    learned = data.draw(masks(graph.n_skills))
    nodes = set(np.flatnonzero(learned).tolist())
    for rule in RULES:
        expected = reference.clusters(nodes, reference.used_rows(reference.rows(graph), nodes, rule))
        for engine in ENGINES:
            found = components(graph, learned, rule, engine=engine)
            labels = [set(np.flatnonzero(found.label == i).tolist()) for i in range(found.n_components)]
            assert labels == expected
            assert found.sizes.tolist() == [len(cluster) for cluster in expected]
            assert found.sizes.sum() == learned.sum()
            assert np.array_equal(found.label == -1, ~learned)
            assert found.giant == max(map(len, expected), default=0)
            assert found.giant_fraction == (found.giant / graph.n_skills if graph.n_skills else 0.0)


@fixed
@given(data=st.data(), graph=graphs())
def test_understood_texts_join_no_more_than_any_text(data, graph):
    learned = data.draw(masks(graph.n_skills))
    fine, coarse = components(graph, learned, "understood"), components(graph, learned, "any")
    for i in range(fine.n_components):
        assert len(np.unique(coarse.label[fine.label == i])) == 1


@pytest.mark.parametrize("rule", RULES)
def test_equals_networkx_on_the_association_graph(rule):
    rng = np.random.default_rng(3)
    graph = random_graph(rng, 4000, 5000, 2.0)
    learned = rng.random(graph.n_skills) < 0.7
    pairs = associate(graph, learned, rule)
    clique = nx.Graph()
    clique.add_nodes_from(np.flatnonzero(learned).tolist())
    clique.add_edges_from(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True))
    expected = sorted(nx.connected_components(clique), key=lambda found: (-len(found), min(found)))
    for engine in ENGINES:
        found = components(graph, learned, rule, engine=engine)
        assert found.sizes.tolist() == [len(cluster) for cluster in expected]
        for i, cluster in enumerate(expected):
            assert set(found.label[list(cluster)].tolist()) == {i}


def test_a_text_of_many_skills_is_one_component():
    n = 200_000
    graph = SkillTextGraph.from_edges(np.zeros(n - 1, int), np.arange(n - 1), 2, n)
    for engine in ENGINES:
        found = components(graph, np.ones(n, np.bool_), engine=engine)
        assert found.sizes.tolist() == [n - 1, 1]


def test_no_texts_no_skills_and_empty_texts():
    for engine in ENGINES:
        assert components(SkillTextGraph.from_edges([], [], 0, 0), np.zeros(0, bool), engine=engine).giant == 0
        apart = components(SkillTextGraph.from_edges([], [], 3, 2), np.ones(2, bool), engine=engine)
        assert apart.label.tolist() == [0, 1]


def test_bad_arguments_are_named():
    graph = SkillTextGraph.from_edges([0], [0], 1, 2)
    with pytest.raises(AnalysisError, match="rule 'all'"):
        components(graph, [True, True], "all")
    with pytest.raises(AnalysisError, match=r"learned must be bool \(2,\)"):
        components(graph, [True])
