"""Foundation and fine-tuning against reference values and peeled graphs; prerequisites."""

from __future__ import annotations

import math
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.degrees import JointDegreeDistribution
from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.hierarchy import (
    HierarchyEnsemble,
    compare_training,
    continued,
    foundation,
    frozen,
    joint,
    levels,
    prerequisite_distributions,
)
from analysis.learners import DSkillLearner, Learner, OneSkillLearner, RandomCapacityLearner
from analysis.peeling import peel
from analysis.sampling import class_graph, configuration_graph, hierarchy_graph
from tests.analysis.simulation import assert_mean, learn, replicates

ONE, TWO, GEOMETRIC = OneSkillLearner(), DSkillLearner(2), RandomCapacityLearner(0.5)
REFERENCE = HierarchyEnsemble(
    basic_share=0.5, foundation_ratio=0.6, domain_ratio=0.8, mean_foundation=3.0, mean_basic=1.0, mean_domain=3.0
)
PARTIAL = HierarchyEnsemble(
    basic_share=0.4, foundation_ratio=0.35, domain_ratio=0.7, mean_foundation=3.0, mean_basic=1.0, mean_domain=2.0
)


@pytest.mark.parametrize(
    ("train", "expected"), [(frozen, (0.0417, 0.0117)), (continued, (0.0090, 0.0099)), (joint, (0.0062, 0.0097))]
)
def test_reference_hierarchy(train: object, expected: tuple[float, float]) -> None:
    np.testing.assert_allclose(train(REFERENCE, ONE).unlearned_by_class, expected, atol=5.1e-5)  # type: ignore[operator]


def test_foundation_is_density_evolution_of_its_texts_alone() -> None:
    alone = evolve(Ensemble.poisson(3.0, 0.6 / 0.5), ONE)
    result = foundation(REFERENCE, ONE)
    assert result.unlearned_by_class[0] == pytest.approx(alone.unlearned, abs=1e-10)
    assert result.unlearned_by_class[1] == 1.0
    assert result.testing_error == pytest.approx(alone.testing_error, abs=1e-10)


@pytest.mark.parametrize("learner", [ONE, TWO, GEOMETRIC], ids=lambda learner: learner.name)
def test_equations_written_out(learner: Learner) -> None:
    """Section 4 as scalar recursions, iterated plainly."""

    def success(rho: float) -> float:
        return float(learner.success(rho))

    h = PARTIAL
    domain_share = 1.0 - h.basic_share
    q_b = 1.0
    for _ in range(3_000):
        q_b = math.exp(-h.mean_foundation * h.foundation_ratio / h.basic_share * success(h.mean_foundation * q_b))
    q_d = 1.0
    for _ in range(3_000):
        taught = math.exp(-h.mean_basic * q_b) * success(h.mean_domain * q_d)
        q_d = math.exp(-h.mean_domain * h.domain_ratio / domain_share * taught)
    np.testing.assert_allclose(frozen(h, learner).unlearned_by_class, [q_b, q_d], atol=1e-9)

    b, d = 1.0, 1.0
    for _ in range(3_000):
        p = success(h.mean_basic * b + h.mean_domain * d)
        b, d = (
            q_b * math.exp(-h.mean_basic * h.domain_ratio / h.basic_share * p),
            math.exp(-h.mean_domain * h.domain_ratio / domain_share * p),
        )
    np.testing.assert_allclose(continued(h, learner).unlearned_by_class, [b, d], atol=1e-9)
    classes = h.multi_class()
    by_prior = evolve(
        MultiClassEnsemble(classes.alpha, classes.ratios[1:], classes.mean_skills[1:]), learner, prior=[q_b, 1.0]
    )
    np.testing.assert_allclose(by_prior.unlearned_by_class, [b, d], atol=1e-9)
    np.testing.assert_allclose(joint(h, learner).unlearned_by_class, evolve(classes, learner).unlearned_by_class)


@given(
    st.floats(0.1, 0.9),
    st.lists(st.floats(0.05, 1.5), min_size=2, max_size=2),
    st.lists(st.floats(0.2, 4.0), min_size=3, max_size=3),
    st.sampled_from([ONE, TWO, GEOMETRIC]),
)
@settings(max_examples=40, deadline=None)
def test_more_freedom_never_unlearns(share: float, ratios: list[float], means: list[float], learner: Learner) -> None:
    result = compare_training(HierarchyEnsemble(share, *ratios, *means), learner)
    for less, more in (
        (result.foundation, result.frozen),
        (result.frozen, result.continued),
        (result.continued, result.joint),
    ):
        assert np.all(less.unlearned_by_class >= more.unlearned_by_class - 1e-9)


SKILLS = 30_000


@pytest.mark.parametrize("learner", [ONE, TWO, GEOMETRIC], ids=lambda learner: learner.name)
def test_three_ways_to_train_on_random_graphs(learner: Learner) -> None:
    h = PARTIAL
    counts = [round(h.basic_share * SKILLS), SKILLS - round(h.basic_share * SKILLS)]
    texts = [round(h.foundation_ratio * SKILLS), round(h.domain_ratio * SKILLS)]
    means = (h.mean_foundation, h.mean_basic, h.mean_domain)
    predicted = compare_training(h, learner)
    measured: dict[str, list[list[float]]] = {"frozen": [], "continued": [], "joint": []}
    for rng in replicates(31):
        drawn = hierarchy_graph(means, (texts[0], texts[1]), (counts[0], counts[1]), rng)
        capacity = np.broadcast_to(learner.capacities(drawn.graph.n_texts, rng), (drawn.graph.n_texts,))
        first, second = (drawn.text_class == j for j in (0, 1))
        base = peel(drawn.graph.subset(first), capacity[first]).learned
        domain, limits = drawn.graph.subset(second), capacity[second]
        for mode, learned in (
            ("frozen", peel(domain, limits, known=base, learnable=drawn.skill_class == 1).learned),
            ("continued", peel(domain, limits, known=base).learned),
            ("joint", peel(drawn.graph, capacity).learned),
        ):
            measured[mode].append([1.0 - learned[drawn.skill_class == k].mean() for k in (0, 1)])
    for mode, rows in measured.items():
        for k, values in enumerate(np.array(rows).T):
            assert_mean(values, getattr(predicted, mode).unlearned_by_class[k], skills=counts[k], what=f"{mode} {k}")


@pytest.mark.long
def test_measured_hierarchy_with_popular_skills() -> None:
    """Skills that foundation texts require often are also required often by domain texts: means alone mislead."""
    differences: dict[str, list[float]] = {"frozen": [], "continued": [], "joint": []}
    by_means = []
    for rng in replicates(32):
        popularity = rng.permutation(np.repeat([0.1, 1.9], SKILLS // 2))
        text_degrees = [rng.poisson(2.0, int(0.6 * SKILLS)) for _ in range(2)]
        graphs = []
        for degrees in text_degrees:
            drawn = rng.choice(SKILLS, degrees.sum(), p=popularity / popularity.sum())
            graphs.append(configuration_graph(degrees, np.bincount(drawn, minlength=SKILLS), rng))
        text = np.concatenate([np.repeat(np.arange(g.n_texts), g.text_degrees) for g in graphs])
        text[graphs[0].n_edges :] += graphs[0].n_texts
        skill = np.concatenate([g.text_skills for g in graphs])
        text_class = np.repeat([0, 1], [g.n_texts for g in graphs])
        # Basic are the skills that a foundation text requires.
        skill_class = (graphs[0].skill_degrees == 0).astype(int)
        measured = MultiClassEnsemble.from_labels(text, skill, text_class, skill_class)
        predicted = compare_training(measured, ONE)
        rough = compare_training(
            MultiClassEnsemble.from_labels(text, skill, text_class, skill_class, poisson=True), ONE
        )
        by_means.append([getattr(rough, m).learned - getattr(predicted, m).learned for m in differences])
        base = learn(graphs[0], ONE, rng).learned
        whole = graphs[0].from_edges(text, skill, text_class.size, SKILLS)
        for mode, result in (
            ("frozen", learn(graphs[1], ONE, rng, known=base, learnable=skill_class == 1)),
            ("continued", learn(graphs[1], ONE, rng, known=base)),
            ("joint", learn(whole, ONE, rng)),
        ):
            differences[mode].append(result.n_learned / SKILLS - getattr(predicted, mode).learned)
    for mode, values in differences.items():
        assert_mean(values, 0.0, skills=SKILLS, what=mode)
    assert np.abs(by_means).min() > 0.01


def test_unknown_classes_are_refused() -> None:
    with pytest.raises(AnalysisError, match="no text class 5"):
        foundation(REFERENCE, ONE, foundation_texts=[5])
    with pytest.raises(AnalysisError, match="no skill class 3"):
        frozen(REFERENCE, ONE, basic_skills=[3])


# Prerequisites.


def test_levels_by_hand() -> None:
    #  0 → 1 → 3, 0 → 2 → 3 → 4, 5 alone, 0 → 4 directly
    assert levels([0, 1, 0, 2, 3, 0], [1, 3, 2, 3, 4, 4], 6).tolist() == [0, 1, 1, 2, 3, 0]
    assert levels([], [], 3).tolist() == [0, 0, 0]
    assert levels([0, 0], [1, 1], 2).tolist() == [0, 1]


@given(st.integers(1, 40), st.integers(0, 120), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_levels_are_longest_paths(n: int, links: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    a, b = np.sort(rng.integers(0, n, (links, 2)), axis=1).T
    before, after = order[a[a < b]], order[b[a < b]]
    graph = nx.DiGraph(zip(before.tolist(), after.tolist(), strict=True))
    graph.add_nodes_from(range(n))
    expected = dict.fromkeys(range(n), 0)
    for node in nx.topological_sort(graph):
        expected[node] = max((expected[p] + 1 for p in graph.predecessors(node)), default=0)
    assert levels(before, after, n).tolist() == [expected[s] for s in range(n)]


def test_a_deep_chain_of_prerequisites() -> None:
    n = 20_000
    assert levels(np.arange(n - 1), np.arange(1, n), n)[-1] == n - 1


def test_a_cycle_names_its_skills_and_no_others() -> None:
    names = ["limits", "derivatives", "integrals", "counting", "series"]
    with pytest.raises(AnalysisError) as caught:
        levels([3, 0, 1, 2, 2], [0, 1, 2, 0, 4], 5, names)
    message = str(caught.value)
    assert all(repr(name) in message for name in ("limits", "derivatives", "integrals"))
    assert "counting" not in message
    assert "series" not in message
    walk = message.split(": ")[1].split(";")[0].split(" -> ")
    assert walk[0] == walk[-1]
    links = {("limits", "derivatives"), ("derivatives", "integrals"), ("integrals", "limits")}
    assert {(a.strip("'"), b.strip("'")) for a, b in pairwise(walk)} == links
    with pytest.raises(AnalysisError, match="cycle: 1 -> 1;"):
        levels([1], [1], 2)


@pytest.mark.parametrize(("before", "after"), [([0], [5]), ([-1], [0]), ([0, 1], [1])])
def test_prerequisites_outside_the_skills_are_refused(before: list[int], after: list[int]) -> None:
    with pytest.raises(AnalysisError, match="skill"):
        levels(before, after, 3)


def test_measured_prerequisites() -> None:
    found = prerequisite_distributions([0, 1, 0], [2, 2, 3], [0, 0, 1, 1])
    assert found[0].counts.tolist() == [[0, 0]]
    assert found[1].counts.tolist() == [[1, 0], [2, 0]]
    assert found[1].weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("learner", [ONE, TWO], ids=lambda learner: learner.name)
def test_prerequisites_by_wave_on_random_graphs(learner: Learner) -> None:
    """Three levels; a skill has two prerequisites in the level below, or Poisson many in any level below."""
    counts = np.array([12_000, 9_000, 9_000])
    total = int(counts.sum())
    ensemble = MultiClassEnsemble(counts / total, np.array([1.1]), np.array([[1.2, 0.9, 0.9]]))
    needed = (
        JointDegreeDistribution.poisson([0.0, 0.0, 0.0]),
        JointDegreeDistribution.empirical([[2, 0, 0]]),
        JointDegreeDistribution.poisson([0.5, 0.7, 0.0]),
    )
    result = evolve(ensemble, learner, prerequisites=needed)
    free = evolve(ensemble, learner)
    assert np.all(result.unlearned_by_class[1:] > free.unlearned_by_class[1:] + 0.02)
    first = np.concatenate([[0], np.cumsum(counts)])
    rows = []
    for rng in replicates(33):
        drawn = class_graph(ensemble.mean_skills, [int(1.1 * total)], counts, rng)
        skill = [np.repeat(np.arange(first[1], first[2]), 2)]
        before = [rng.integers(0, first[1], skill[0].size)]
        for level, mean in ((0, 0.5), (1, 0.7)):
            links = np.repeat(np.arange(first[2], first[3]), rng.poisson(mean, counts[2]))
            skill.append(links)
            before.append(rng.integers(first[level], first[level + 1], links.size))
        pairs = (np.concatenate(before), np.concatenate(skill))
        measured = prerequisite_distributions(*pairs, drawn.skill_class)
        np.testing.assert_allclose(measured[2].means, [0.5, 0.7, 0.0], atol=0.05)
        peeled = learn(drawn.graph, learner, rng, prerequisites=pairs)
        learned = [peeled.learned[drawn.skill_class == k].mean() for k in range(3)]
        by_wave = peeled.learned_by_wave() / total
        rows.append([*learned, *(by_wave[min(k, by_wave.size - 1)] for k in range(1, 6))])
    columns = np.array(rows).T
    for k in range(3):
        assert_mean(columns[k], 1.0 - result.unlearned_by_class[k], skills=int(counts[k]), what=f"level {k}")
    for wave in range(1, 6):
        assert_mean(columns[2 + wave], 1.0 - result.trajectory[wave], skills=total, what=f"wave {wave}")


def test_prerequisites_of_other_classes_are_refused() -> None:
    two = prerequisite_distributions([0], [1], [0, 1])
    with pytest.raises(AnalysisError, match="1 distributions over 1 classes"):
        evolve(Ensemble.poisson(3.0, 1.0), OneSkillLearner(), prerequisites=two)
