"""What a removal costs, against removing each skill and looking; and the greedy order's laws."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.components import components
from analysis.dismantling import dismantle, removal_costs
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph


def of_edges(texts: np.ndarray, skills: np.ndarray) -> SkillTextGraph:
    return SkillTextGraph.from_edges(texts, skills, n_texts=int(texts.max()) + 1, n_skills=int(skills.max()) + 1)


def drawn(rng: np.random.Generator) -> tuple[SkillTextGraph, np.ndarray]:
    n_texts, n_skills = int(rng.integers(1, 30)), int(rng.integers(1, 25))
    degrees = np.minimum(rng.poisson(1.7, n_texts), n_skills)
    texts = np.repeat(np.arange(n_texts), degrees)
    skills = np.concatenate([rng.choice(n_skills, d, replace=False) for d in degrees] or [np.zeros(0, int)])
    graph = SkillTextGraph.from_edges(texts, skills.astype(int), n_texts=n_texts, n_skills=n_skills)
    return graph, rng.random(n_skills) < 0.8


def without(graph: SkillTextGraph, kept: np.ndarray, skill: int) -> int:
    fewer = kept.copy()
    fewer[skill] = False
    return components(graph, fewer).giant


def test_the_cost_of_a_removal_is_what_is_missing_after_it() -> None:
    rng = np.random.default_rng(20)
    for _ in range(300):
        graph, kept = drawn(rng)
        cost, giant = removal_costs(graph, kept)
        found = components(graph, kept)
        assert giant == found.giant
        for skill in range(graph.n_skills):
            gone = giant - without(graph, kept, skill)
            if found.label[skill] == 0:
                assert cost[skill] == gone
            else:
                assert cost[skill] == gone == 0


def test_each_step_takes_the_costliest_skill_that_is_left() -> None:
    rng = np.random.default_rng(21)
    for _ in range(60):
        graph, kept = drawn(rng)
        found = dismantle(graph, kept, 6)
        assert found.giant[0] == components(graph, kept).giant
        np.testing.assert_array_equal(found.cost, -np.diff(found.giant[: len(found.cost) + 1]))
        left = kept.copy()
        for k, skill in enumerate(found.skill.tolist()):
            best = max(found.giant[k] - without(graph, left, s) for s in np.flatnonzero(left))
            assert found.cost[k] == best
            left[skill] = False
            assert components(graph, left).giant == found.giant[k + 1]
        if len(found.skill):
            assert found.alone.max() == found.cost[0]


def test_a_star_falls_apart_with_its_centre_and_a_clique_loses_one_at_a_time() -> None:
    star = of_edges(np.repeat(np.arange(9), 2), np.column_stack([np.zeros(9, int), 1 + np.arange(9)]).ravel())
    cost, giant = removal_costs(star, np.ones(10, bool))
    assert (giant, cost[0], set(cost[1:].tolist())) == (10, 9, {1})
    clique = of_edges(np.zeros(7, int), np.arange(7))
    found = dismantle(clique, np.ones(7, bool), 10)
    assert found.giant.tolist() == [7, 6, 5, 4, 3, 2, 1]
    assert dismantle(clique, np.zeros(7, bool), 3).giant.tolist() == [0]


def test_a_long_chain_needs_no_recursion() -> None:
    n = 200_000
    chain = of_edges(np.repeat(np.arange(n - 1), 2), np.repeat(np.arange(n), 2)[1:-1])
    cost, giant = removal_costs(chain, np.ones(n, bool))
    assert giant == n
    k = np.arange(n)
    np.testing.assert_array_equal(cost, n - np.maximum(k, n - 1 - k))


def test_kept_needs_an_entry_for_each_skill() -> None:
    with pytest.raises(AnalysisError, match="one entry"):
        removal_costs(of_edges(np.array([0, 0]), np.array([0, 1])), [True])
