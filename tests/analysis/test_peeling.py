"""Peeling: equal to its plain-Python twin, and the laws of learning."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.peeling import continue_peeling, novel_skill_counts, peel
from tests.analysis import reference
from tests.analysis.strategies import ENGINES, fixed, graphs, masks, prerequisites, random_graph


def same(first, second):
    return (
        np.array_equal(first.wave, second.wave)
        and np.array_equal(first.taught_by, second.taught_by)
        and first.n_waves == second.n_waves
    )


def assert_equals_twin(graph, capacity, known, learnable, pairs):
    wave, taught_by = reference.peel(
        reference.rows(graph),
        graph.n_skills,
        np.broadcast_to(capacity, graph.n_texts).tolist(),
        np.flatnonzero(known).tolist(),
        np.flatnonzero(learnable).tolist(),
        list(zip(*(side.tolist() for side in pairs), strict=True)),
    )
    for engine in ENGINES:
        result = peel(graph, capacity, known=known, learnable=learnable, prerequisites=pairs, engine=engine)
        assert result.wave.tolist() == [wave.get(s, -1) for s in range(graph.n_skills)]
        assert result.taught_by.tolist() == [taught_by.get(s, -1) for s in range(graph.n_skills)]
        assert result.n_waves == max(wave.values(), default=0)
        assert result.learned.tolist() == [s in wave for s in range(graph.n_skills)]
        assert result.n_learned == len(wave)
        counts = [sum(k <= w for k in wave.values()) for w in range(result.n_waves + 1)]
        assert result.learned_by_wave().tolist() == counts


@fixed
@given(data=st.data(), graph=graphs())
def test_one_skill_learner_equals_twin(data, graph):
    known, learnable = data.draw(masks(graph.n_skills)), data.draw(masks(graph.n_skills))
    none = np.zeros(graph.n_skills, np.bool_)
    no_pairs = (np.empty(0, np.int64), np.empty(0, np.int64))
    assert_equals_twin(graph, 1, none, ~none, no_pairs)
    assert_equals_twin(graph, 1, known, ~none, no_pairs)
    assert_equals_twin(graph, 1, known, learnable, no_pairs)
    for engine in ENGINES:
        plain = peel(graph, 1, known=known, learnable=learnable, engine=engine)
        assert same(plain, peel(graph, np.ones(graph.n_texts, int), known=known, learnable=learnable, engine=engine))


@fixed
@given(data=st.data(), graph=graphs(max_texts=10))
def test_any_capacity_and_prerequisites_equal_twin(data, graph):
    capacity = np.array(data.draw(st.lists(st.integers(0, 3), min_size=graph.n_texts, max_size=graph.n_texts)), int)
    known, learnable = data.draw(masks(graph.n_skills)), data.draw(masks(graph.n_skills))
    pairs = data.draw(prerequisites(graph.n_skills))
    everything = np.ones(graph.n_skills, np.bool_)
    assert_equals_twin(graph, capacity, ~everything, everything, pairs)
    assert_equals_twin(graph, 2, known, everything, pairs)
    assert_equals_twin(graph, capacity, known, learnable | (np.arange(graph.n_skills) % 2 == 0), pairs)


@fixed
@given(data=st.data(), graph=graphs())
def test_order_of_presentation_does_not_change_what_is_learned(data, graph):
    capacity = data.draw(st.lists(st.integers(0, 3), min_size=graph.n_texts, max_size=graph.n_texts))
    order = data.draw(st.permutations(range(graph.n_texts)))
    learned = reference.peel_in_order(reference.rows(graph), capacity, order)
    result = peel(graph, np.array(capacity, int))
    assert set(np.flatnonzero(result.learned).tolist()) == learned
    shuffled = peel(graph.subset(np.array(order, int)), np.array(capacity, int)[np.array(order, int)])
    assert np.array_equal(shuffled.wave, result.wave)


@fixed
@given(data=st.data(), graph=graphs())
def test_more_texts_capacity_or_known_skills_never_unlearn(data, graph):
    fewer, known = data.draw(masks(graph.n_texts)), data.draw(masks(graph.n_skills))
    learned = peel(graph).learned
    assert not np.any(peel(graph.subset(fewer)).learned & ~learned)
    assert not np.any(learned & ~peel(graph, 2).learned)
    assert not np.any(learned & ~peel(graph, known=known).learned)
    assert np.all(peel(graph, known=known).learned[known])
    pairs = data.draw(prerequisites(graph.n_skills))
    assert not np.any(peel(graph, prerequisites=pairs).learned & ~learned)


@fixed
@given(data=st.data(), graph=graphs(), capacity=st.integers(1, 3))
def test_frozen_within_continued_within_joint(data, graph, capacity):
    basic, foundation = data.draw(masks(graph.n_skills)), data.draw(masks(graph.n_texts))
    # foundation texts carry basic skills only
    kept = ~(foundation[np.repeat(np.arange(graph.n_texts), graph.text_degrees)] & ~basic[graph.text_skills])
    text = np.repeat(np.arange(graph.n_texts), graph.text_degrees)[kept]
    both = SkillTextGraph.from_edges(text, graph.text_skills[kept], graph.n_texts, graph.n_skills)
    base = peel(both.subset(foundation), capacity).learned
    domain = both.subset(~foundation)
    frozen = peel(domain, capacity, known=base, learnable=~basic).learned
    continued = peel(domain, capacity, known=base).learned
    joint = peel(both, capacity).learned
    assert np.array_equal(frozen & basic, base & basic)
    assert not np.any(frozen & ~continued)
    assert not np.any(continued & ~joint)
    # frozen: whatever is learned is taught by a text all of whose basic skills are learned
    result = peel(domain, capacity, known=base, learnable=~basic)
    for t in result.taught_by[result.taught_by >= 0]:
        row = domain.text_skills[domain.text_ptr[t] : domain.text_ptr[t + 1]]
        assert np.all(base[row[basic[row]]])


@fixed
@given(data=st.data(), graph=graphs(), capacity=st.integers(1, 2))
def test_continuing_learns_what_a_fresh_run_learns(data, graph, capacity):
    earlier = data.draw(st.integers(0, graph.n_texts))
    skills = graph.n_skills - (
        graph.n_skills > 0 and not np.any(graph.text_skills[: graph.text_ptr[earlier]] == graph.n_skills - 1)
    )
    before = SkillTextGraph.from_csr(
        graph.text_ptr[: earlier + 1], graph.text_skills[: graph.text_ptr[earlier]], int(skills)
    )
    first = peel(before, capacity)
    for engine in ENGINES:
        after = continue_peeling(graph, first, capacity, engine=engine)
        assert np.array_equal(after.learned, peel(graph, capacity).learned)
        old = np.flatnonzero(first.learned)
        assert np.array_equal(after.wave[old], first.wave[old])
        assert np.array_equal(after.taught_by[old], first.taught_by[old])
        new = np.setdiff1d(np.flatnonzero(after.learned), old)
        assert np.all(after.wave[new] > first.n_waves)
        assert after.n_waves == max(first.n_waves, *after.wave[new].tolist(), 0)


@fixed
@given(graph=graphs())
def test_one_wave_later_than_the_last_novel_skill_of_the_teaching_text(graph):
    result = peel(graph)
    for s in np.flatnonzero(result.learned):
        t = result.taught_by[s]
        row = graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]
        others = result.wave[row[row != s]]
        assert np.all(others >= 0)
        assert result.wave[s] == 1 + max(others.tolist(), default=0)


@fixed
@given(data=st.data(), graph=graphs())
def test_novel_skill_counts_are_those_of_the_rows(data, graph):
    learned = data.draw(masks(graph.n_skills))
    novel = [sum(not learned[s] for s in row) for row in reference.rows(graph)]
    counts = novel_skill_counts(graph, learned)
    assert counts.sum() == graph.n_texts
    assert counts.tolist() == [novel.count(n) for n in range(max(novel, default=0) + 1)]
    assert novel_skill_counts(graph, peel(graph).learned)[1:2].sum() == 0


@pytest.mark.parametrize("capacity", [1, 2])
def test_engines_agree_on_large_graphs(capacity):
    rng = np.random.default_rng(2)
    ratio = {1: 1.5, 2: 0.5}[capacity]
    graph = random_graph(rng, int(30_000 * ratio), 30_000, 4.0)
    known = rng.random(graph.n_skills) < 0.01
    for options in ({}, {"known": known}, {"learnable": rng.random(graph.n_skills) < 0.97}):
        assert same(*(peel(graph, capacity, engine=engine, **options) for engine in ENGINES))


@pytest.mark.long
@pytest.mark.parametrize("capacity", [1, 3])
def test_a_text_of_thousands_of_skills_and_a_skill_of_all_texts(capacity):
    # Text 0 requires all skills; the other texts bring them in one at a time, each with skill 0.
    n = 70_000
    text = np.concatenate((np.zeros(n, int), np.arange(1, n), np.arange(1, n)))
    skill = np.concatenate((np.arange(n), np.zeros(n - 1, int), np.arange(1, n)))
    graph = SkillTextGraph.from_edges(np.append(text, n), np.append(skill, 0), n + 1, n)
    results = [peel(graph, capacity, engine=engine) for engine in ENGINES]
    assert same(*results)
    assert results[0].n_learned == n
    assert results[0].wave[0] == 1
    assert np.all(results[0].wave[1:] == (2 if capacity == 1 else 1))
    assert np.array_equal(results[0].taught_by[1:], np.arange(1, n))


def test_a_long_chain_is_learned_one_skill_a_round():
    n = 3000
    text = np.concatenate((np.arange(n), np.arange(1, n)))
    skill = np.concatenate((np.arange(n), np.arange(n - 1)))
    graph = SkillTextGraph.from_edges(text, skill, n, n)
    for engine in ENGINES:
        result = peel(graph, engine=engine)
        assert np.array_equal(result.wave, np.arange(1, n + 1))
        assert np.array_equal(result.taught_by, np.arange(n))


def test_a_blocked_skill_waits_and_an_open_text_teaches_it_later():
    # Text 0 requires skill 0 only, which waits for skill 2; texts 1 and 2 teach 1, then 2.
    graph = SkillTextGraph.from_edges([0, 1, 2, 2], [0, 1, 1, 2], 3, 3)
    for engine in ENGINES:
        result = peel(graph, prerequisites=([2], [0]), engine=engine)
        assert result.wave.tolist() == [3, 1, 2]
        assert result.taught_by.tolist() == [0, 1, 2]


def test_no_texts_no_skills_and_empty_texts():
    for engine in ENGINES:
        for n_texts, n_skills in ((0, 0), (3, 0), (0, 3), (2, 3)):
            graph = SkillTextGraph.from_edges([], [], n_texts, n_skills)
            for capacity in (0, 1, 2):
                result = peel(graph, capacity, engine=engine)
                assert (result.n_learned, result.n_waves, len(result.wave)) == (0, 0, n_skills)
                assert result.learned_by_wave().tolist() == [0]
    assert novel_skill_counts(SkillTextGraph.from_edges([], [], 0, 2), [True, False]).tolist() == [0]


def test_results_are_read_only_32_bit():
    result = peel(SkillTextGraph.from_edges([0], [0], 1, 1))
    assert result.wave.dtype == result.taught_by.dtype == np.int32
    with pytest.raises(ValueError, match="read-only"):
        result.wave[0] = 5


def test_a_cycle_names_its_skills():
    graph = SkillTextGraph.from_edges([0], [0], 1, 6)
    with pytest.raises(AnalysisError, match=r"cycle of 3 skills: (2 → 3 → 4|3 → 4 → 2|4 → 2 → 3) → "):
        peel(graph, prerequisites=([0, 2, 3, 4, 4], [2, 3, 4, 2, 5]))
    with pytest.raises(AnalysisError, match="cycle of 1 skills: 1 → 1"):
        peel(graph, prerequisites=([1], [1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"capacity": -1}, "capacity -1 is negative"),
        ({"capacity": 1.5}, "whole numbers"),
        ({"capacity": [1, 1, 1]}, "one number or"),
        ({"known": [True]}, "known must be bool"),
        ({"learnable": [1, 0, 1]}, "learnable must be bool"),
        ({"prerequisites": ([0], [3])}, "skill indices, 0 to 2"),
        ({"prerequisites": ([0, 1], [2])}, "same length"),
        ({"engine": "gpu"}, "engine 'gpu'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    graph = SkillTextGraph.from_edges([0, 1], [0, 1], 2, 3)
    with pytest.raises(AnalysisError, match=message):
        peel(graph, **arguments)


def test_continuing_from_a_larger_graph_is_refused():
    small, large = (SkillTextGraph.from_edges([0, n - 1], [0, n - 1], n, n) for n in (2, 4))
    with pytest.raises(AnalysisError, match="previous result"):
        continue_peeling(small, peel(large))


def test_small_graphs_do_not_import_numba():
    code = (
        "import sys; from analysis.graph import SkillTextGraph; from analysis.peeling import peel;"
        "from analysis.components import components;"
        "from analysis import association, newman_ziff, replicates;"
        "graph = SkillTextGraph.from_edges([0, 1, 1], [0, 0, 1], 2, 2);"
        "result = peel(graph); components(graph, result.learned); association.associate(graph, result.learned);"
        "newman_ziff.site_percolation(graph, order=[1, 0]);"
        "replicates.learned_fraction_replicates(3.0, 1.0, 50, replicates=3);"
        "assert result.n_learned == 2; assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
