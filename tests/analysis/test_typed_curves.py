"""EXIT curves and site percolation of typed ensembles, against those of one type and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.components import components
from analysis.degrees import DegreeDistribution
from analysis.density_evolution import exit_curve
from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learned_sites import giant_learned_sites
from analysis.learners import DSkillLearner, Learner, OneSkillLearner, RandomCapacityLearner
from analysis.newman_ziff import convolve, site_percolation
from analysis.peeling import peel
from analysis.percolation import (
    AssociationRule,
    learned_condition,
    percolation_threshold_of,
    site_condition,
    site_giant,
)
from analysis.sampling import class_graph
from analysis.typed import TypedEnsemble
from analysis.typed_evolution import TypedRecursion, evolve_typed
from analysis.typed_exit import typed_exit_curve
from analysis.typed_percolation import (
    typed_condition,
    typed_giant,
    typed_learned_sites,
    typed_percolation_share,
    typed_site_condition,
    typed_site_giant,
)

MEANS = np.array([[1.5, 0.3], [0.2, 2.0]])


def two_kinds(n: int, seed: int) -> tuple[SkillTextGraph, np.ndarray]:
    drawn = class_graph(MEANS, (n // 2, n // 2), (n // 2, n // 2), np.random.default_rng(seed))
    return drawn.graph, drawn.skill_class


@pytest.mark.parametrize(
    "learner", [OneSkillLearner(), DSkillLearner(2), RandomCapacityLearner(0.6)], ids=lambda learner: learner.name
)
def test_exit_curves_of_one_type_are_those_of_the_configuration_model(learner: Learner) -> None:
    graph, _ = two_kinds(2_000, 1)
    recursion = TypedRecursion(TypedEnsemble.from_graph(graph, np.zeros(graph.n_skills, int)), learner, np.array([0.9]))
    curve = typed_exit_curve(recursion, points=41)
    plain = exit_curve(
        Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees), learner, prior=0.9, points=10_001
    )
    assert curve.taught == pytest.approx(np.interp(curve.novel, plain.novel, plain.taught), abs=1e-6)
    assert curve.novel_after == pytest.approx(np.interp(curve.taught, plain.taught_grid, plain.novel_after), abs=1e-6)


def test_exit_curves_meet_where_learning_stops_and_nowhere_before() -> None:
    graph, kinds = two_kinds(4_000, 2)
    ensemble = TypedEnsemble.from_graph(graph, kinds)
    curve = typed_exit_curve(TypedRecursion(ensemble), points=61)
    end = evolve_typed(ensemble)
    assert curve.fixed == pytest.approx(float(ensemble.ends @ end.novel / ensemble.ends.sum()), abs=1e-4)
    at = curve.novel == curve.fixed
    assert curve.novel_after[at] == pytest.approx(curve.fixed, abs=1e-4)
    before = curve.novel > curve.fixed + 1e-3
    assert np.all(curve.novel_after[before] < curve.novel[before])
    assert np.all(np.diff(curve.novel) < 0)
    assert np.all(np.diff(curve.taught) >= -1e-12)


def test_exit_curves_begin_with_what_is_known() -> None:
    kinds = TypedEnsemble.from_kinds([[1, 0], [1, 1], [0, 2]], [0.2, 0.4, 0.4], [0.5, 0.5], 1.0)
    curve = typed_exit_curve(TypedRecursion(kinds, prior=np.array([0.5, 1.0])), points=11)
    assert curve.novel[0] == pytest.approx((0.6 * 0.5 + 1.2) / 1.8)
    assert curve.novel[-1] == 0.0
    with pytest.raises(AnalysisError, match="at least 2 points"):
        typed_exit_curve(TypedRecursion(kinds), points=1)


def test_kept_at_random_with_one_type_is_site_percolation() -> None:
    graph, _ = two_kinds(2_000, 3)
    plain = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
    shares = np.array([0.0, 0.2, 0.5, 1.0])
    found = typed_site_giant(TypedEnsemble.from_graph(graph, np.zeros(graph.n_skills, int)), shares)
    assert found == pytest.approx([site_giant(plain, float(share)) for share in shares], abs=2e-5)


def test_kept_at_random_with_types_is_what_graphs_of_such_texts_do() -> None:
    """Two kinds that hardly mix; the spread of the largest cluster over graphs of 20,000 skills is about 0.004."""
    graph, kinds = two_kinds(40_000, 4)
    shares = np.array([0.45, 0.6, 1.0])
    sweep = site_percolation(graph, replicates=3, rng=np.random.default_rng(5))
    measured = convolve(sweep, shares).largest / graph.n_skills
    assert typed_site_giant(TypedEnsemble.from_graph(graph, kinds), shares) == pytest.approx(measured, abs=0.02)
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        typed_site_giant(TypedEnsemble.from_graph(graph, kinds), [1.5])


@pytest.mark.parametrize("rule", ["any", "understood"])
@pytest.mark.parametrize("learner", [OneSkillLearner(), DSkillLearner(2)], ids=lambda learner: learner.name)
def test_conditions_and_thresholds_of_one_type_are_those_of_the_configuration_model(
    learner: Learner, rule: AssociationRule
) -> None:
    graph, _ = two_kinds(2_000, 3)
    plain = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
    ensemble = TypedEnsemble.from_graph(graph, np.zeros(graph.n_skills, int))
    recursion = TypedRecursion(ensemble, learner)
    end = evolve_typed(ensemble, learner)
    assert typed_condition(recursion, end, rule) == pytest.approx(learned_condition(plain, rule, learner), rel=1e-3)
    share = typed_percolation_share(recursion, rule)
    assert share == pytest.approx(percolation_threshold_of(plain, rule, learner), rel=2e-3)
    assert typed_site_condition(ensemble, 0.7) == pytest.approx(site_condition(plain, 0.7), rel=1e-4)


def test_site_condition_of_pairs_of_two_types_in_closed_form() -> None:
    """A text requires one skill of each type, so steps lead to and fro: φ sqrt(μ₁ μ₂), μ the mean degrees."""
    for alpha, ratio in (((0.5, 0.5), 1.5), ((0.2, 0.8), 0.9)):
        pairs = TypedEnsemble.from_kinds([[1, 1]], [1.0], alpha, ratio)
        expected = 0.6 * ratio / np.sqrt(alpha[0] * alpha[1])
        assert typed_site_condition(pairs, 0.6) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        typed_site_condition(pairs, 1.5)


@pytest.mark.parametrize("rule", ["any", "understood"])
def test_the_giant_component_of_learned_skills_begins_where_the_typed_condition_says(rule: AssociationRule) -> None:
    """Below the share the equation and a graph of 40,000 skills have none; above it both have one of the same size."""
    graph, kinds = two_kinds(40_000, 6)
    ensemble = TypedEnsemble.from_graph(graph, kinds)
    learner = DSkillLearner(2)
    share = typed_percolation_share(TypedRecursion(ensemble, learner), rule)
    assert share is not None
    for times, least, most in ((0.8, 0.0, 0.02), (1.3, 0.05, 1.0)):
        thinned = TypedRecursion(ensemble, learner, np.ones(2), share=times * share)
        end = evolve_typed(ensemble, learner, share=times * share)
        giant = typed_giant(thinned, end, rule)
        assert (typed_condition(thinned, end, rule) > 1.0) == (giant > 0.0) == (times > 1.0)
        part = graph.subset(np.random.default_rng(7).random(graph.n_texts) < times * share)
        learned = peel(part, learner.capacities(part.n_texts, np.random.default_rng(8))).learned
        measured = components(part, learned, rule).giant / graph.n_skills
        assert least <= measured <= most
        assert measured == pytest.approx(giant, abs=0.03)


def test_too_few_texts_have_no_threshold_and_stages_are_refused() -> None:
    few = TypedEnsemble.from_kinds([[1], [2]], [0.9, 0.1], [1.0], 0.3)
    assert typed_percolation_share(TypedRecursion(few)) is None
    closed = TypedRecursion(few, closed=np.array([True]))
    with pytest.raises(AnalysisError, match="no equation"):
        typed_percolation_share(closed)


@pytest.mark.parametrize("rule", ["any", "understood"])
@pytest.mark.parametrize("learner", [OneSkillLearner(), DSkillLearner(2), RandomCapacityLearner(0.6)])
def test_learned_skills_kept_at_random_of_one_type_are_the_plain_equation(
    learner: Learner, rule: AssociationRule
) -> None:
    plain = Ensemble(DegreeDistribution.regular(3), DegreeDistribution.poisson(2.4))
    one = TypedEnsemble.from_kinds([[3]], [1.0], [1.0], 0.8)
    shares = np.array([0.2, 0.6, 1.0])
    end = evolve_typed(one, learner, prior=0.9, tolerance=1e-12)
    recursion = TypedRecursion(one, learner, np.array([0.9]))
    found = typed_learned_sites(recursion, end, shares, rule, tolerance=1e-9)
    assert found == pytest.approx(giant_learned_sites(plain, shares, rule, learner, prior=0.9), abs=1e-6)
    assert found[-1] == pytest.approx(typed_giant(recursion, end, rule), abs=1e-6)
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        typed_learned_sites(recursion, end, [1.5], rule)


def test_learned_skills_kept_at_random_of_two_types_are_those_of_a_graph() -> None:
    """Four standard deviations of a graph of 40,000 skills are below 0.01 away from the point where it begins."""
    graph, kinds = two_kinds(40_000, 6)
    ensemble = TypedEnsemble.from_graph(graph, kinds)
    end = evolve_typed(ensemble)
    learned = peel(graph).learned
    shares = np.array([0.3, 0.6, 0.9])
    found = typed_learned_sites(TypedRecursion(ensemble), end, shares)
    rng = np.random.default_rng(9)
    for share, expected in zip(shares, found, strict=True):
        kept = learned & (rng.random(graph.n_skills) < share)
        assert components(graph, kept, "any").giant / graph.n_skills == pytest.approx(expected, abs=0.01)
