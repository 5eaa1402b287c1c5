"""Typed ensembles against a plain-Python twin, closed forms, the recursions of fewer types, and simulation."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.degrees import DegreeDistribution
from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.hierarchy import continued, frozen, joint, prerequisite_distributions
from analysis.learners import DSkillLearner, Learner, OneSkillLearner, PoissonLearner, RandomCapacityLearner
from analysis.peeling import peel
from analysis.percolation import AssociationRule, giant_learned_general
from analysis.sampling import configuration_graph, poisson_graph
from analysis.typed import Kinds, TypedEnsemble, joint_types, type_labels
from analysis.typed_evolution import (
    TypedPrerequisites,
    TypedRecursion,
    evolve_typed,
    largest_eigenvalue,
    others_of_texts,
    seed_needed,
    seeded_branch,
    whole_texts,
)
from analysis.typed_percolation import typed_giant
from analysis.typed_sampling import rewire

LEARNERS = [
    OneSkillLearner(),
    DSkillLearner(2),
    DSkillLearner(4),
    RandomCapacityLearner(0.6),
    RandomCapacityLearner(psi=[1.0, 0.7, 0.3]),
]


def clustered(seed: int = 0, texts: int = 400, skills: int = 120) -> tuple[SkillTextGraph, np.ndarray]:
    """A graph in which skills of a block keep together, and the block of every skill."""
    rng = np.random.default_rng(seed)
    block = np.arange(skills) % 6
    rows, columns = [], []
    for t in range(texts):
        own = np.flatnonzero(block == rng.integers(6))
        chosen = np.concatenate(
            [rng.choice(own, rng.integers(1, 4), False), rng.integers(0, skills, rng.integers(0, 3))]
        )
        rows += [t] * len(chosen)
        columns += chosen.tolist()
    return SkillTextGraph.from_edges(rows, columns, texts, skills), block


# --- the published reference (theory.md, section 9) ---------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "q"), [(1.0, (0.2082, 0.0635)), (0.6, (0.8147, 0.9737))])
def test_reference_with_poisson_degrees(ratio: float, q: tuple[float, float]) -> None:
    ensemble = TypedEnsemble.from_kinds([[1, 0], [2, 1], [0, 3]], [0.2, 0.5, 0.3], [0.6, 0.4], ratio)
    assert evolve_typed(ensemble).unlearned_by_type == pytest.approx(q, abs=5e-5)


def test_reference_with_given_degrees() -> None:
    degrees = [([1, 2, 4], [0.5, 0.3, 0.2]), ([8, 9], [0.38667, 0.61333])]
    counts, shares = [[1, 0], [2, 0], [1, 2], [2, 3]], [0.1, 0.2, 0.4, 0.3]
    ensemble = TypedEnsemble.from_kinds(counts, shares, [0.8, 0.2], 1.01333, degrees)
    assert evolve_typed(ensemble).unlearned_by_type == pytest.approx((0.8104, 1.0), abs=5e-5)


def test_reference_of_nucleation() -> None:
    counts, shares = [[1, 0], [3, 0], [1, 2], [0, 2]], [0.1, 0.4, 0.3, 0.2]
    recursion = TypedRecursion(TypedEnsemble.from_kinds(counts, shares, [0.5, 0.5], 0.9))
    unseeded = evolve_typed(recursion.ensemble)
    seeded, eigenvalue = seeded_branch(recursion, unseeded)
    assert unseeded.unlearned_by_type == pytest.approx((0.2394, 1.0), abs=5e-5)
    assert seeded.unlearned_by_type == pytest.approx((0.1249, 0.3250), abs=5e-5)
    # By hand, at x_2 = 1: x_2 = exp(-rate y_2) with y_2 = Σ n_2 (1-x_1)^n_1 (1-x_2)^(n_2-1) / Σ n_2, whose slope in
    # x_2 is -(0.3 · 2 (1-x_1) + 0.2 · 2) / 1.0, and rate = 0.9 · 1.0 / 0.5.
    x_1 = float(unseeded.novel[0])
    assert eigenvalue == pytest.approx(1.8 * (0.6 * (1.0 - x_1) + 0.4), abs=1e-4)


def test_graphs_of_the_reference_end_on_the_seeded_branch() -> None:
    rng = np.random.default_rng(3)
    S, T = 100_000, 90_000
    kinds = np.array([[1, 0], [3, 0], [1, 2], [0, 2]])[rng.choice(4, T, p=[0.1, 0.4, 0.3, 0.2])]
    text = np.concatenate([np.repeat(np.arange(T), kinds[:, 0]), np.repeat(np.arange(T), kinds[:, 1])])
    skill = np.concatenate([rng.integers(0, S // 2, kinds[:, 0].sum()), rng.integers(S // 2, S, kinds[:, 1].sum())])
    known = np.zeros(S, dtype=bool)
    known[rng.choice(S, 20, replace=False)] = True  # with eigenvalue 1.5 each of them ignites with a fair chance
    novel = peel(SkillTextGraph.from_edges(text, skill, T, S), known=known).wave < 0
    # Binomial spread is 0.0015 without correlations; the graph's is some times that.
    assert (novel[: S // 2].mean(), novel[S // 2 :].mean()) == pytest.approx((0.1249, 0.3250), abs=0.01)


# --- kernels against a twin that anyone can read ------------------------------------------------------------------


def plain_sums(
    learner: Learner, texts: Kinds, keep: np.ndarray, novel: np.ndarray, shift: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both sums over texts, term by term: every other end is learned or novel."""
    others, whole = np.zeros(len(keep)), np.zeros(len(texts.weight))
    for r in range(len(texts.weight)):
        entries = range(texts.ptr[r], texts.ptr[r + 1])
        ends = [int(texts.edge[i]) for i in entries for _ in range(texts.count[i])]
        for place in (*range(len(ends)), None):
            rest = [m for i, m in enumerate(ends) if i != place]
            total = 0.0
            for states in product((0, 1), repeat=len(rest)):
                term = float(learner.tail(sum(states) + shift))
                for m, state in zip(rest, states, strict=True):
                    term *= novel[m] if state else keep[m]
                total += term
            if place is None:
                whole[r] = total
            else:
                others[ends[place]] += texts.weight[r] * total
    return others, whole


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=6),
    st.sampled_from(LEARNERS),
    st.sampled_from([0, 1]),
    st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=8, max_size=8),
)
def test_kernels_equal_their_plain_twin(
    rows: list[list[int]], learner: Learner, shift: int, values: list[float]
) -> None:
    lengths = [len(row) for row in rows]
    edges = np.array([m for row in rows for m in row], dtype=np.int64)
    texts = Kinds.of_rows(np.repeat(np.arange(len(rows)), lengths), edges, np.zeros(len(rows), np.int32))
    assert texts.weight.sum() == len(rows)
    keep, novel = np.array(values[:4]), np.array(values[4:])
    others, whole = plain_sums(learner, texts, keep, novel, shift)
    assert others_of_texts(learner, texts, keep, novel, shift) == pytest.approx(others, abs=1e-12)
    assert whole_texts(learner, texts, keep, novel, shift) == pytest.approx(whole, abs=1e-12)


def test_kinds_count_equal_rows_once_and_keep_labels_apart() -> None:
    rows, edges = np.array([0, 0, 1, 1, 2, 2, 4, 4]), np.array([1, 0, 0, 1, 1, 1, 0, 1])
    kinds = Kinds.of_rows(rows, edges, np.array([0, 0, 0, 0, 1], np.int32))
    assert sorted(kinds.weight.tolist()) == [1.0, 1.0, 1.0, 2.0]
    assert kinds.of[0] == kinds.of[1] != kinds.of[4]
    assert kinds.totals(2).tolist() == [3.0, 5.0]


def test_kinds_of_long_and_of_many_rows_are_those_of_a_dictionary() -> None:
    """Rows of up to 80 ends, equal but for their order, with labels; what makes a kind is counted by hand."""
    rng = np.random.default_rng(3)
    held = [rng.integers(0, 6, rng.choice([0, 1, 2, 3, 80])).tolist() for _ in range(300)]
    held += [rng.permutation(held[i]).tolist() for i in rng.integers(0, 300, 300)]
    label = rng.integers(0, 3, len(held)).astype(np.int32)
    lengths = [len(row) for row in held]
    edges = np.array([edge for row in held for edge in row], dtype=np.int64)
    kinds = Kinds.of_rows(np.repeat(np.arange(len(held)), lengths), edges, label)
    expected = Counter((int(label[i]), tuple(sorted(row))) for i, row in enumerate(held))
    found = {}
    for k, weight in enumerate(kinds.weight):
        entries = slice(kinds.ptr[k], kinds.ptr[k + 1])
        assert (np.diff(kinds.edge[entries]) > 0).all()
        found[int(kinds.label[k]), tuple(np.repeat(kinds.edge[entries], kinds.count[entries]).tolist())] = weight
    assert found == expected
    assert len(found) == len(kinds.weight)
    for i, row in enumerate(held):
        k = kinds.of[i]
        entries = slice(kinds.ptr[k], kinds.ptr[k + 1])
        assert np.repeat(kinds.edge[entries], kinds.count[entries]).tolist() == sorted(row)


# --- fewer types: the recursions that exist -----------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_one_type_is_the_configuration_model(learner: Learner, share: float) -> None:
    graph, _ = clustered()
    typed = evolve_typed(
        TypedEnsemble.from_graph(graph, np.zeros(graph.n_skills, int)), learner, prior=0.9, share=share
    )
    ensemble = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
    plain = evolve(Ensemble(ensemble.text_degrees, ensemble.skill_degrees.thinned(share)), learner, prior=0.9)
    assert typed.learned == pytest.approx(plain.learned, abs=1e-7)
    assert typed.testing_error == pytest.approx(plain.testing_error, abs=1e-6)
    assert typed.understood == pytest.approx(plain.understood, abs=1e-6)
    waves = min(len(typed.trajectory), len(plain.trajectory), 6)
    assert typed.trajectory[:waves] == pytest.approx(plain.trajectory[:waves], abs=1e-12)


def test_poisson_degrees_and_poisson_sizes_are_the_poisson_ensemble() -> None:
    sizes = np.arange(60)
    pmf = DegreeDistribution.poisson(3.0).pmf
    chances = np.exp(-3.0) * np.cumprod(np.concatenate([[1.0], 3.0 / sizes[1:]]))
    ensemble = TypedEnsemble.from_kinds(sizes[:, None], chances / chances.sum(), [1.0], 1.0)
    assert pmf is not None
    recursion = TypedRecursion(ensemble)
    found = evolve_typed(ensemble)
    assert found.learned == pytest.approx(0.3353, abs=5e-5)  # theory.md, section 8
    assert typed_giant(recursion, found) == pytest.approx(0.3176, abs=5e-5)
    assert typed_giant(recursion, found, "understood") == pytest.approx(0.2615, abs=5e-5)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
@pytest.mark.parametrize("rule", ["any", "understood"])
def test_giant_of_one_type_is_that_of_the_configuration_model(learner: Learner, rule: AssociationRule) -> None:
    graph, _ = clustered(texts=150)
    ensemble = TypedEnsemble.from_graph(graph, np.zeros(graph.n_skills, int))
    recursion = TypedRecursion(ensemble, learner, np.array([0.95]))
    giant = typed_giant(recursion, evolve_typed(ensemble, learner, prior=0.95), rule)
    plain = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
    assert giant == pytest.approx(giant_learned_general(plain, rule, learner, prior=0.95), abs=1e-6)


def test_d_1_is_the_1_skill_learner() -> None:
    graph, block = clustered()
    ensemble = TypedEnsemble.from_graph(graph, block)
    results = [
        evolve_typed(ensemble, r).learned
        for r in (OneSkillLearner(), DSkillLearner(1), RandomCapacityLearner(psi=[1.0]))
    ]
    assert results[1:] == pytest.approx([results[0]] * 2, abs=1e-12)


def test_prerequisites_of_one_type_are_those_of_the_configuration_model() -> None:
    graph, _ = clustered()
    before, after = np.arange(0, 60), np.arange(60, 120)
    label = np.zeros(graph.n_skills, int)
    typed = evolve_typed(
        TypedEnsemble.from_graph(graph, label),
        prerequisites=TypedPrerequisites.from_pairs(before, after, label),
    )
    plain = evolve(
        Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees),
        OneSkillLearner(),
        prerequisites=prerequisite_distributions(before, after, label),
    )
    assert typed.learned == pytest.approx(plain.learned, abs=1e-7)
    assert typed.learned < evolve_typed(TypedEnsemble.from_graph(graph, label)).learned


def test_ways_to_train_are_those_of_several_classes() -> None:
    graph, _ = clustered()
    text_class = (np.arange(graph.n_texts) >= 250).astype(int)
    first = graph.subset(text_class == 0)
    domain = (first.skill_degrees == 0).astype(int)
    domain[100:] = 1
    types = type_labels(domain)
    typed = TypedEnsemble.from_graph(graph, types, text_class=text_class)
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    plain = MultiClassEnsemble.from_labels(text_of, graph.text_skills, text_class, types)
    learned_first = evolve_typed(typed, taught=np.where(typed.edge_class == 0, np.nan, 0.0))
    taught = np.where(typed.edge_class == 0, learned_first.taught, np.nan)
    way = {
        "frozen": evolve_typed(typed, taught=taught, closed=np.array([True, False])).unlearned_by_type,
        "continued": evolve_typed(typed, taught=taught).unlearned_by_type,
        "joint": evolve_typed(typed).unlearned_by_type,
    }
    assert way["frozen"] == pytest.approx(frozen(plain).unlearned_by_class, abs=1e-6)
    assert way["continued"] == pytest.approx(continued(plain).unlearned_by_class, abs=1e-6)
    assert way["joint"] == pytest.approx(joint(plain).unlearned_by_class, abs=1e-6)
    assert np.all(way["joint"] <= way["continued"] + 1e-9)
    assert np.all(way["continued"] <= way["frozen"] + 1e-9)


# --- more types: the graph ----------------------------------------------------------------------------------------


def test_one_type_a_skill_is_the_graph_where_a_skill_s_texts_are_alike() -> None:
    # One skill alone in its texts, and two pairs that are never apart: message for message this is peeling.
    texts = [[0], [0], [1, 2], [1, 2], [3, 4], [3, 4]]
    rows = np.repeat(np.arange(len(texts)), [len(row) for row in texts])
    skills = type_labels(np.concatenate(texts))
    graph = SkillTextGraph.from_edges(rows, skills, len(texts), int(skills.max()) + 1)
    found = evolve_typed(TypedEnsemble.from_graph(graph, np.arange(graph.n_skills)))
    assert found.learned == pytest.approx(float(peel(graph).learned.mean()), abs=1e-9)
    # A chain that opens skill after skill: only "nearly", since which of its texts a skill meets is drawn anew.
    chain = SkillTextGraph.from_edges([0, 1, 1, 2, 2], [0, 0, 1, 1, 2], 3, 3)
    nearly = evolve_typed(TypedEnsemble.from_graph(chain, np.arange(3))).learned
    assert 0.5 < nearly < float(peel(chain).learned.mean()) == 1.0


def test_more_texts_never_unlearn_and_more_prior_neither() -> None:
    graph, block = clustered()
    ensemble = TypedEnsemble.from_graph(graph, block)
    curve = [evolve_typed(ensemble, share=share).learned for share in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert curve == sorted(curve)
    assert evolve_typed(ensemble, prior=0.5, share=0.4).learned >= curve[1]


@pytest.mark.parametrize("learner", LEARNERS[:4], ids=lambda learner: learner.name)
def test_twice_the_texts_are_the_graph_with_every_text_twice(learner: Learner) -> None:
    graph, block = clustered(texts=60)
    rows = np.arange(graph.n_texts)
    ensemble = TypedEnsemble.from_graph(graph, block)
    twice = TypedEnsemble.from_graph(graph.subset(np.concatenate([rows, rows])), block)
    more = evolve_typed(ensemble, learner, share=2.0)
    assert more.unlearned_by_type == pytest.approx(evolve_typed(twice, learner).unlearned_by_type, abs=1e-8)
    assert more.testing_error == pytest.approx(evolve_typed(twice, learner).testing_error, abs=1e-8)
    between = [evolve_typed(ensemble, learner, share=share).learned for share in (1.0, 1.3, 1.7, 2.0, 2.5)]
    assert between == sorted(between)


def test_half_as_many_texts_again_do_as_graphs_with_a_random_half_repeated() -> None:
    """20,000 skills: a graph strays by 1 / sqrt(20,000) < 0.008 or so."""
    rng = np.random.default_rng(12)
    graph = poisson_graph(3.0, 13_000, 20_000, rng)
    types = np.arange(graph.n_skills) % 2
    rows = np.concatenate([np.arange(graph.n_texts), rng.permutation(graph.n_texts)[: graph.n_texts // 2]])
    drawn = rewire(graph.subset(rows), types, rng)
    predicted = evolve_typed(TypedEnsemble.from_graph(graph, types), share=1.5).learned
    assert predicted == pytest.approx(peel(drawn).learned.mean(), abs=0.01)


@pytest.mark.parametrize("learner", LEARNERS[:4], ids=lambda learner: learner.name)
def test_prediction_agrees_with_rewired_graphs(learner: Learner) -> None:
    rng = np.random.default_rng(5)
    S = 20_000
    types = rng.integers(0, 3, S)
    members = [np.flatnonzero(types == k) for k in range(3)]
    mixes = np.array([[1, 0, 0], [2, 1, 0], [0, 2, 1], [0, 0, 3], [1, 1, 1]])
    kinds = mixes[rng.choice(5, 15_000, p=[0.15, 0.3, 0.25, 0.15, 0.15])]
    text = np.concatenate([np.repeat(np.arange(len(kinds)), kinds[:, k]) for k in range(3)])
    skill = np.concatenate([rng.choice(members[k], kinds[:, k].sum()) for k in range(3)])
    graph = SkillTextGraph.from_edges(text, skill, len(kinds), S)
    predicted = evolve_typed(TypedEnsemble.from_graph(graph, types), learner)
    graphs = [rewire(graph, types, rng, sweeps=3) for _ in range(6)]
    learned = [peel(g, learner.capacities(g.n_texts, rng)).learned.mean() for g in graphs]
    # Six graphs: their mean strays by its standard error, and by a few tenths of a per cent for a finite graph.
    error = np.std(learned, ddof=1) / np.sqrt(len(learned))
    assert predicted.learned == pytest.approx(np.mean(learned), abs=4.0 * error + 0.004)


# --- rewiring -----------------------------------------------------------------------------------------------------


def test_rewiring_keeps_each_text_s_mix_and_each_skill_s_degree() -> None:
    graph, block = clustered()
    text_class = np.arange(graph.n_texts) % 2
    drawn = rewire(graph, block, np.random.default_rng(2), text_class=text_class)

    def kept(g: SkillTextGraph) -> tuple[np.ndarray, np.ndarray]:
        text_of = np.repeat(np.arange(g.n_texts), g.text_degrees)
        mix = np.bincount(text_of * 6 + block[g.text_skills], minlength=6 * g.n_texts)
        return mix, np.bincount(text_class[text_of] * g.n_skills + g.text_skills, minlength=2 * g.n_skills)

    assert all(np.array_equal(a, b) for a, b in zip(kept(graph), kept(drawn), strict=True))
    assert not drawn.equals(graph)
    assert rewire(graph, np.arange(graph.n_skills), np.random.default_rng(2)).equals(graph)


def test_rewiring_reaches_all_graphs_equally() -> None:
    # Two texts of one skill and one of two, skills of degrees 2, 1, 1: five simple graphs, each as likely.
    graph = SkillTextGraph.from_edges([0, 1, 2, 2], [0, 1, 0, 2], 3, 3)
    rng = np.random.default_rng(0)
    drawn = [tuple(rewire(graph, [0, 0, 0], rng, sweeps=8).text_skills.tolist()) for _ in range(2_000)]
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    expected = 2_000 / len(counts)
    assert len(counts) == 5
    assert ((counts - expected) ** 2 / expected).sum() < 18.5  # χ² with 4 degrees of freedom: p = 0.001


# --- branches and seeds -------------------------------------------------------------------------------------------


def test_a_stable_branch_is_left_as_it_is() -> None:
    graph, block = clustered()
    recursion = TypedRecursion(TypedEnsemble.from_graph(graph, block))
    unseeded = evolve_typed(recursion.ensemble)
    seeded, eigenvalue = seeded_branch(recursion, unseeded)
    assert eigenvalue < 1.0
    assert seeded is unseeded


def test_texts_of_two_skills_ignite_from_one_seed_or_so() -> None:
    # Pairs only: q = 1 is a fixed point; its eigenvalue is the mean number of a skill's other texts, here 3.
    ensemble = TypedEnsemble.from_kinds([[2]], [1.0], [1.0], 1.5)
    recursion = TypedRecursion(ensemble)
    unseeded = evolve_typed(ensemble)
    seeded, eigenvalue = seeded_branch(recursion, unseeded)
    assert unseeded.learned == 0.0
    assert eigenvalue == pytest.approx(3.0, abs=1e-4)
    assert largest_eigenvalue(recursion, unseeded.novel, unseeded.unlearned_by_type)[0] == eigenvalue
    # A skill is reached unless all its texts lead to finite parts: the giant component of a Poisson graph of mean 3.
    assert seeded.unlearned == pytest.approx(0.0595, abs=1e-4)
    graph = poisson_pairs(2_000, np.random.default_rng(1))

    def learned_with(n: int, rng: np.random.Generator) -> float:
        known = np.zeros(graph.n_skills, dtype=bool)
        known[rng.choice(graph.n_skills, n, replace=False)] = True
        return float(peel(graph, known=known).learned.mean())

    assert seed_needed(learned_with, 0.0, seeded.learned, graph.n_skills) in {1, 2}
    assert seed_needed(learned_with, 0.5, 0.5, graph.n_skills) is None


def poisson_pairs(n: int, rng: np.random.Generator) -> SkillTextGraph:
    """3n/2 texts of two different skills each."""
    first = rng.integers(0, n, 3 * n // 2)
    second = (first + rng.integers(1, n, len(first))) % n
    texts = np.arange(len(first))
    return SkillTextGraph.from_edges(np.concatenate([texts, texts]), np.concatenate([first, second]), len(first), n)


# --- refusals -----------------------------------------------------------------------------------------------------


def test_bad_input_is_refused() -> None:
    graph, block = clustered()
    ensemble = TypedEnsemble.from_graph(graph, block)
    with pytest.raises(AnalysisError, match="one per skill"):
        TypedEnsemble.from_graph(graph, block[:-1])
    with pytest.raises(AnalysisError, match="every number up to the largest"):
        TypedEnsemble.from_graph(graph, block + 1)
    with pytest.raises(AnalysisError, match="share of the texts"):
        evolve_typed(ensemble, share=-0.5)
    with pytest.raises(AnalysisError, match="known by its success function only"):
        evolve_typed(ensemble, PoissonLearner(lambda rho: np.exp(-rho)))
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        evolve_typed(ensemble, prior=1.5)
    with pytest.raises(AnalysisError, match="'any' or 'understood'"):
        typed_giant(TypedRecursion(ensemble), evolve_typed(ensemble), "all")  # type: ignore[arg-type]
    with pytest.raises(AnalysisError, match="more texts than there are"):
        typed_giant(TypedRecursion(ensemble, share=2.0), evolve_typed(ensemble, share=2.0))
    with pytest.raises(AnalysisError, match="by its degrees"):
        TypedEnsemble.from_kinds([[1]], [1.0], [1.0], 1.0, [([3], [1.0])])
    with pytest.raises(AnalysisError, match="without skills"):
        TypedEnsemble.from_graph(SkillTextGraph.from_edges([], [], 2, 0), [])


def test_labels_join() -> None:
    assert joint_types(["a", "b", "a"], [0, 0, 1]).tolist() == [0, 2, 1]
    assert configuration_graph([1], [1], np.random.default_rng(0)).n_edges == 1
    assert poisson_graph(0.0, 1, 1, np.random.default_rng(0)).n_edges == 0
