"""The skill–text graph: both directions agree, whatever builds it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from tests.analysis.strategies import ENGINES, edge_lists, fixed, graphs


@fixed
@given(edges=edge_lists())
def test_rows_hold_the_distinct_pairs_both_ways(edges):
    text, skill, n_texts, n_skills = edges
    pairs = sorted(set(zip(text, skill, strict=True)))
    for engine in ENGINES:
        graph = SkillTextGraph.from_edges(*edges, engine=engine)
        assert (graph.n_texts, graph.n_skills, graph.n_edges) == (n_texts, n_skills, len(pairs))
        by_text = np.repeat(np.arange(n_texts), graph.text_degrees)
        assert list(zip(by_text.tolist(), graph.text_skills.tolist(), strict=True)) == pairs
        by_skill = np.repeat(np.arange(n_skills), graph.skill_degrees)
        assert sorted(zip(graph.skill_texts.tolist(), by_skill.tolist(), strict=True)) == pairs
        assert list(zip(by_skill.tolist(), graph.skill_texts.tolist(), strict=True)) == sorted((s, t) for t, s in pairs)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", ["random", "by text", "by skill"])
def test_large_graph_equals_sorted_pairs(engine, order):
    rng = np.random.default_rng(1)
    n_texts, n_skills = 70_001, 90_001
    text, skill = rng.integers(0, n_texts, 400_000), rng.integers(0, n_skills, 400_000)
    text[:1000], skill[1000:2000] = 5, 7  # a long text and a skill of many texts
    if order != "random":
        by = np.argsort(text if order == "by text" else skill, kind="stable")
        text, skill = text[by], skill[by]
    graph = SkillTextGraph.from_edges(text, skill, n_texts, n_skills, engine=engine)
    pairs = np.unique(np.stack((text, skill), axis=1), axis=0)
    assert np.array_equal(graph.text_skills, pairs[:, 1])
    assert np.array_equal(np.repeat(np.arange(n_texts), graph.text_degrees), pairs[:, 0])
    backwards = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]
    assert np.array_equal(graph.skill_texts, backwards[:, 0])
    assert np.array_equal(np.repeat(np.arange(n_skills), graph.skill_degrees), backwards[:, 1])


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_longer_than_any_block_and_many_repeats(engine):
    rng = np.random.default_rng(2)
    text = np.concatenate((np.full(60_000, 1), rng.integers(0, 200, 50_000), np.arange(3, 200)))
    skill = np.concatenate((rng.integers(0, 40_000, 60_000), rng.integers(0, 300, 50_000), np.full(197, 39_999)))
    pairs = np.unique(np.stack((text, skill), axis=1), axis=0)
    order = rng.permutation(len(text))
    for graph in (
        SkillTextGraph.from_edges(text[order], skill[order], 200, 40_000, engine=engine),
        SkillTextGraph.from_edges(np.sort(text), skill[np.argsort(text, kind="stable")], 200, 40_000, engine=engine),
    ):
        assert np.array_equal(np.repeat(np.arange(200), graph.text_degrees), pairs[:, 0])
        assert np.array_equal(graph.text_skills, pairs[:, 1])
        backwards = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]
        assert np.array_equal(graph.skill_texts, backwards[:, 0])
        assert np.array_equal(graph.skill_degrees, np.bincount(pairs[:, 1], minlength=40_000))


@fixed
@given(graph=graphs())
def test_compressed_rows_give_the_same_graph_in_any_order_and_with_repeats(graph):
    assert SkillTextGraph.from_csr(graph.text_ptr, graph.text_skills, graph.n_skills).equals(graph)
    backwards = [row[::-1] for row in np.split(graph.text_skills, graph.text_ptr[1:-1])] if graph.n_texts else []
    doubled = np.concatenate([np.repeat(row, 2) for row in backwards] or [np.empty(0, np.int32)])
    again = SkillTextGraph.from_csr(2 * graph.text_ptr, doubled, graph.n_skills)
    assert again.equals(graph)
    assert np.array_equal(again.skill_texts, graph.skill_texts)


@fixed
@given(graph=graphs())
def test_degrees_and_means(graph):
    assert graph.text_degrees.sum() == graph.skill_degrees.sum() == graph.n_edges
    assert graph.mean_skills == (graph.n_edges / graph.n_texts if graph.n_texts else 0.0)
    assert graph.ratio == (graph.n_texts / graph.n_skills if graph.n_skills else 0.0)


@fixed
@given(graph=graphs())
def test_subset_keeps_rows_and_skills(graph):
    texts = np.arange(graph.n_texts)[::-2]
    part = graph.subset(texts)
    assert part.n_skills == graph.n_skills
    for i, t in enumerate(texts):
        row = graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]
        assert np.array_equal(part.text_skills[part.text_ptr[i] : part.text_ptr[i + 1]], row)
    mask = np.isin(np.arange(graph.n_texts), texts)
    assert graph.subset(mask).equals(graph.subset(np.sort(texts)))


def test_ids_are_32_bit_and_arrays_read_only():
    graph = SkillTextGraph.from_edges([0, 1], [0, 1], 2, 2)
    assert graph.text_skills.dtype == graph.skill_texts.dtype == np.int32
    assert graph.text_ptr.dtype == graph.skill_ptr.dtype == np.int64
    for array in (graph.text_ptr, graph.text_skills, graph.skill_ptr, graph.skill_texts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_no_texts_no_skills_and_empty_texts():
    empty = SkillTextGraph.from_edges([], [], 0, 0)
    assert (empty.n_texts, empty.n_skills, empty.n_edges, empty.ratio, empty.mean_skills) == (0, 0, 0, 0.0, 0.0)
    bare = SkillTextGraph.from_edges([], [], 3, 2)
    assert bare.text_degrees.tolist() == [0, 0, 0]
    assert bare.skill_degrees.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "skill", "message"),
    [
        ([0, 2], [0, 0], r"text\[1\] is 2, outside 0 to 1"),
        ([0, 1], [0, -1], r"skill\[1\] is -1, outside 0 to 2"),
        ([0], [0, 1], "text has 1 entries and skill has 2"),
        ([0.5], [0], "text must hold integers"),
        ([[0]], [0], "one-dimensional"),
    ],
)
def test_bad_edges_are_named(text, skill, message):
    with pytest.raises(AnalysisError, match=message):
        SkillTextGraph.from_edges(text, skill, 2, 3)


@pytest.mark.parametrize(
    ("pointers", "message"),
    [([1, 2], "start at 0"), ([0, 1], "end at"), ([0, 2, 1, 2], "decrease"), ([], "start at 0")],
)
def test_bad_pointers_are_named(pointers, message):
    with pytest.raises(AnalysisError, match=message):
        SkillTextGraph.from_csr(pointers, [0, 1], 2)


def test_bad_subset_and_counts_are_named():
    graph = SkillTextGraph.from_edges([0], [0], 1, 1)
    with pytest.raises(AnalysisError, match="mask of texts"):
        graph.subset(np.array([True, False]))
    with pytest.raises(AnalysisError, match=r"texts\[0\] is 4"):
        graph.subset([4])
    with pytest.raises(AnalysisError, match="n_skills is -1"):
        SkillTextGraph.from_edges([], [], 0, -1)
    with pytest.raises(AnalysisError, match="engine 'fast'"):
        SkillTextGraph.from_edges([], [], 0, 0, engine="fast")
