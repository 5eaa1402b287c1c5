"""Types of skills against loops that anyone can read, and a search on graphs whose structure is known."""

from __future__ import annotations

import numpy as np

from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.skill_types import (
    SkillFeature,
    choose_types,
    communities,
    companions,
    company,
    company_within,
    features_of,
    openness,
    uses,
)
from analysis.typed import TypedEnsemble
from analysis.typed_evolution import evolve_typed


def small_graph(seed: int = 0) -> SkillTextGraph:
    rng = np.random.default_rng(seed)
    skill = (rng.random(300) ** 3 * 40).astype(int)
    return SkillTextGraph.from_edges(rng.integers(0, 90, 300), skill, 90, 42)


def planted(blocks: int = 30, seed: int = 0) -> tuple[SkillTextGraph, np.ndarray]:
    """Half of the blocks have texts with one of their skills; in the others skills always come in pairs."""
    rng = np.random.default_rng(seed)
    rows, columns, text = [], [], 0
    for b in range(blocks):
        for _ in range(60):
            n = 2 if b % 2 else int(rng.integers(1, 4))
            rows += [text] * n
            columns += (b * 20 + rng.choice(20, n, replace=False)).tolist()
            text += 1
    return SkillTextGraph.from_edges(rows, columns, text, blocks * 20), np.arange(blocks * 20) // 20


def predicted_on(graph: SkillTextGraph):
    return lambda labels: evolve_typed(TypedEnsemble.from_graph(graph, labels), tolerance=1e-5).learned


def test_company_and_openness_equal_plain_loops() -> None:
    graph = small_graph()
    degree = graph.skill_degrees
    groups = np.arange(graph.n_skills) % 5
    texts = [graph.text_skills[a:b] for a, b in zip(graph.text_ptr, graph.text_ptr[1:], strict=False)]
    for times in (1, 4):
        expected = np.full(graph.n_skills, 2)
        for row in texts:
            for s in row:
                others = sum(degree[v] <= times * degree[s] for v in row) - 1
                expected[s] = min(expected[s], others)
        assert company(graph, times).tolist() == expected.tolist()
    within = np.full(graph.n_skills, 2)
    for row in texts:
        for s in row:
            within[s] = min(within[s], sum(groups[row] == groups[s]) - 1)
    assert company_within(graph, groups).tolist() == within.tolist()
    for k in range(5):
        counts = [int(np.sum(groups[row] == k)) for row in texts]
        alone, there = sum(n == 1 for n in counts), sum(n > 0 for n in counts)
        assert set(openness(graph, groups)[groups == k].tolist()) == {int(np.ceil(4 * alone / there))}


def test_uses_are_powers_of_two() -> None:
    graph = SkillTextGraph.from_edges(np.arange(14), [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4], 14, 5)
    assert uses(graph).tolist() == [0, 1, 2, 2, 3]
    assert uses(graph, 1).tolist() == [0, 1, 2, 2, 2]


def test_companions_keep_together() -> None:
    # 0 and 1 share both texts; 2 shares one of three with 0; 3 is common.
    text, skill = [0, 0, 1, 1, 0, 2, 3, *range(10)], [0, 1, 0, 1, 2, 2, 2, *[3] * 10]
    found = companions(SkillTextGraph.from_edges(text, skill, 10, 4))
    assert found[0] == found[1]
    assert len(set(found.tolist())) >= 2
    assert found[3] not in found[:3].tolist()


def test_communities_find_planted_blocks_and_repeat() -> None:
    graph, block = planted()
    found = communities(graph)
    assert np.array_equal(found, communities(graph))
    for k in range(found.max() + 1):  # no community mixes blocks: no text does
        assert len(set(block[found == k].tolist())) == 1


def test_search_finds_the_planted_structure_with_few_types() -> None:
    graph, block = planted()
    measured = peel(graph).learned.mean()
    noise = np.random.default_rng(1).integers(0, 7, graph.n_skills)
    features = features_of(graph, {"block": block, "noise": noise}, with_communities=False)
    predicted = predicted_on(graph)
    alone = predicted(np.zeros(graph.n_skills, int))
    found = choose_types(features, predicted, predicted(np.arange(graph.n_skills)), graph.n_skills, most_types=30)
    assert abs(alone - measured) > 0.2
    assert abs(found.learned - measured) < 0.06
    assert found.n_types <= 30
    assert not any("noise" in name for name in found.features)


def test_search_keeps_one_type_where_nothing_is_to_be_explained() -> None:
    rng = np.random.default_rng(2)
    graph = SkillTextGraph.from_edges(rng.integers(0, 900, 2_500), rng.integers(0, 900, 2_500), 900, 900)
    features = (SkillFeature("noise", "noise", rng.integers(0, 9, 900).astype(np.int32), "column"),)
    predicted = predicted_on(graph)
    found = choose_types(features, predicted, predicted(np.zeros(900, int)), 900, most_types=100)
    assert found.features == ()
    assert found.n_types == 1


def test_search_keeps_to_its_bounds() -> None:
    graph, block = planted()
    features = features_of(graph, {"block": block}, with_communities=False)
    calls = []

    def predicted(labels: np.ndarray) -> float:
        calls.append(int(labels.max()) + 1)
        return 0.5 / calls[-1]

    found = choose_types(features, predicted, 0.0, graph.n_skills, most_types=12, most_evaluations=9)
    assert max(calls) <= 12
    assert len(calls) <= 10
    assert found.n_types <= 12
    assert choose_types((), predicted, 0.0, 7, most_types=5).n_types == 1
