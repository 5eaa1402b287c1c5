"""The weighted projection and its limits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.association import associate
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from tests.analysis import reference
from tests.analysis.strategies import ENGINES, fixed, graphs, masks, random_graph


def limited(weights, min_weight, top_k, max_pairs):
    """The pairs that the limits leave, in their order, and the smallest weight."""
    kept = {pair: weight for pair, weight in weights.items() if weight >= min_weight}
    if top_k is not None:
        kept = reference.strongest_of_each(kept, top_k)
    while sum(weight >= min_weight for weight in kept.values()) > max_pairs:
        min_weight += 1
    return {pair: kept[pair] for pair in sorted(kept) if kept[pair] >= min_weight}, min_weight


@pytest.mark.parametrize("examples", [30, pytest.param(150, marks=pytest.mark.long)])
def test_pairs_and_weights_are_those_of_the_twin(examples):
    @settings(fixed, max_examples=examples)
    @given(data=st.data(), graph=graphs(max_texts=10, max_skills=6))
    def holds(data, graph):
        learned = data.draw(masks(graph.n_skills))
        nodes = set(np.flatnonzero(learned).tolist())
        rule = data.draw(st.sampled_from(["any", "understood"]))
        longest = data.draw(st.sampled_from([None, 3]))
        rows = reference.rows(graph)
        weights = reference.association_weights(rows, nodes, rule, longest)
        sizes = [len(row) for row in reference.used_rows(rows, nodes, rule) if longest and len(row) > longest]
        for min_weight, top_k, max_pairs in product((1, 2), (None, 1, 2), (3, 1000)):
            expected, smallest = limited(weights, min_weight, top_k, max_pairs)
            for engine in ENGINES:
                found = associate(
                    graph,
                    learned,
                    rule,
                    min_weight=min_weight,
                    top_k=top_k,
                    max_pairs=max_pairs,
                    max_text_skills=longest,
                    engine=engine,
                )
                assert list(zip(found.source.tolist(), found.target.tolist(), strict=True)) == list(expected)
                assert found.weight.tolist() == list(expected.values())
                assert found.n_associations == len(expected)
                assert (found.n_pairs, found.min_weight) == (len(weights), smallest)
                assert found.dropped_pairs == len(weights) - len(expected)
                assert found.skipped_texts == len(sizes)
                assert found.skipped_pairs == sum(n * (n - 1) // 2 for n in sizes)

    holds()


@pytest.mark.parametrize("n_skills", [300, 20_000])
def test_equals_the_sparse_matrix_product(n_skills):
    graph = random_graph(np.random.default_rng(4), 20_000, n_skills, 5.0)
    matrix = scipy.sparse.csr_matrix(
        (np.ones(graph.n_edges, np.int64), graph.text_skills, graph.text_ptr), shape=(graph.n_texts, n_skills)
    )
    product_ = scipy.sparse.triu(matrix.T @ matrix, k=1).tocoo()
    order = np.lexsort((product_.col, product_.row))
    for engine in ENGINES:
        found = associate(graph, np.ones(n_skills, np.bool_), engine=engine)
        assert np.array_equal(found.source, product_.row[order])
        assert np.array_equal(found.target, product_.col[order])
        assert np.array_equal(found.weight, product_.data[order])


def test_engines_agree_under_limits_on_a_large_graph():
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 20_000, 400, 5.0)
    learned = rng.random(400) < 0.8
    for limits in ({"top_k": 5}, {"min_weight": 4}, {"max_pairs": 1000}, {"top_k": 9, "max_pairs": 700}):
        first, second = (associate(graph, learned, engine=engine, **limits) for engine in ENGINES)
        assert np.array_equal(first.source, second.source)
        assert np.array_equal(first.target, second.target)
        assert np.array_equal(first.weight, second.weight)
        assert (first.n_pairs, first.min_weight) == (second.n_pairs, second.min_weight)
    assert len(first.source) <= 700


def test_weights_add_up_to_the_pairs_of_the_texts():
    graph = random_graph(np.random.default_rng(6), 3000, 500, 4.0)
    degrees = graph.text_degrees
    found = associate(graph, np.ones(500, np.bool_))
    assert found.weight.sum() == (degrees * (degrees - 1) // 2).sum()


def test_a_text_of_thousands_of_skills_is_bounded():
    # 4 500 skills in one text: ten million pairs of weight 1; the pair (0, 1) is in three texts.
    n = 4500
    graph = SkillTextGraph.from_edges([*[0] * n, 1, 1, 2, 2], [*range(n), 0, 1, 0, 1], 3, n)
    learned = np.ones(n, np.bool_)
    bounded = associate(graph, learned, max_pairs=1_000_000, engine="numba")
    assert (bounded.source.tolist(), bounded.target.tolist(), bounded.weight.tolist()) == ([0], [1], [3])
    assert bounded.min_weight == 2
    assert bounded.n_pairs == n * (n - 1) // 2
    short = associate(graph, learned, max_text_skills=100)
    assert (short.weight.tolist(), short.skipped_texts, short.skipped_pairs) == ([2], 1, n * (n - 1) // 2)
    nearest = associate(graph, learned, top_k=3, engine="numba")
    assert len(nearest.source) <= 3 * n
    assert nearest.weight.max() == 3


def test_no_texts_no_skills_and_empty_texts():
    for engine in ENGINES:
        for n_texts, n_skills in ((0, 0), (3, 0), (0, 3), (2, 3)):
            graph = SkillTextGraph.from_edges([], [], n_texts, n_skills)
            for top_k in (None, 1):
                found = associate(graph, np.ones(n_skills, np.bool_), top_k=top_k, engine=engine)
                assert (len(found.source), found.n_pairs) == (0, 0)
                assert found.weight.dtype == np.int64
                assert found.source.dtype == found.target.dtype == np.int32


@pytest.mark.parametrize("name", ["min_weight", "top_k", "max_text_skills", "max_pairs"])
def test_limits_below_one_are_named(name):
    graph = SkillTextGraph.from_edges([0], [0], 1, 1)
    with pytest.raises(AnalysisError, match=f"{name} is 0"):
        associate(graph, [True], **{name: 0})
