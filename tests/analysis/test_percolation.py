"""Percolation theory against reference values, the equations written out, and measured components."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.components import components
from analysis.density_evolution import evolve
from analysis.ensembles import DegreeDistribution, Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learners import DSkillLearner, Learner, OneSkillLearner, PoissonLearner, RandomCapacityLearner
from analysis.peeling import peel
from analysis.percolation import (
    critical_occupation,
    giant_any,
    giant_learned,
    giant_learned_general,
    giant_site,
    giant_understood,
    learned_condition,
    percolation_threshold,
    percolation_threshold_of,
    predict,
    site_condition,
    site_giant,
)
from analysis.sampling import class_graph, configuration_graph, poisson_graph
from tests.analysis.simulation import assert_mean, learn, measure, replicates

ONE, TWO, GEOMETRIC = OneSkillLearner(), DSkillLearner(2), RandomCapacityLearner(0.6)
TABLE = RandomCapacityLearner(psi=[0.8, 0.5, 0.1])
LEARNERS: list[Learner] = [ONE, TWO, GEOMETRIC, TABLE]

REFERENCE = [
    (2, 0.8, 0.3579, 0.2512, 0.1784, 0.0545, 1.15),
    (2, 1.0, 0.5737, 0.5107, 0.4808, 0.3734, 2.29),
    (2, 1.5, 0.9240, 0.8959, 0.8951, 0.8439, 5.54),
    (3, 0.8, 0.1909, 0.1469, 0.0400, 0.0691, 1.37),
    (3, 1.0, 0.3353, 0.3176, 0.2615, 0.2725, 3.02),
    (3, 1.1, 0.9324, 0.9255, 0.9251, 0.8892, 9.23),
    (5, 1.1, 0.0454, 0.0282, 0.0000, 0.0146, 1.25),
    (5, 2.4, 0.1819, 0.1819, 0.1321, 0.1818, 10.9),
]


@pytest.mark.parametrize(("c", "R", "learned", "any_text", "understood", "site", "condition"), REFERENCE)
def test_reference_giants(
    c: float, R: float, learned: float, any_text: float, understood: float, site: float, condition: float
) -> None:
    found = predict(Ensemble.poisson(c, R))
    assert found.learned == pytest.approx(learned, abs=5.1e-5)
    assert found.giant_any == pytest.approx(any_text, abs=5.1e-5)
    assert found.giant_understood == pytest.approx(understood, abs=5.1e-5)
    assert found.giant_site == pytest.approx(site, abs=5.1e-5)
    assert found.condition == pytest.approx(condition, abs=0.051 if condition > 10 else 0.0051)
    assert found.percolates
    assert found.unlearned == pytest.approx(1.0 - found.learned)
    assert found.testing_error == pytest.approx(-math.expm1(-c * found.unlearned), abs=1e-9)
    assert (giant_any(c, R), giant_understood(c, R), giant_site(c, R)) == pytest.approx(
        (found.giant_any, found.giant_understood, found.giant_site), abs=1e-12
    )


def giant_written_out(c: float, R: float, rule: str) -> float:
    """The exact giant component of the Poisson 1-skill ensemble as section 5 prints it, iterated plainly."""
    q = evolve(Ensemble.poisson(c, R), ONE).unlearned
    degree, mu = c * R, math.exp(-c * q)
    pi = c * q * mu / (1.0 - mu)
    A = B = 0.0
    for _ in range(20_000):
        x = math.exp(-c * (1.0 - q) * (1.0 - A))
        y = x * (pi * B + 1.0 - pi) if rule == "any" else pi * x * B + 1.0 - pi
        B = math.exp(-degree * (1.0 - mu) * (1.0 - y))
        A = (math.exp(-degree * mu * (1.0 - x)) - q) / (1.0 - q) * B
    return (1.0 - q) - (math.exp(-degree * mu * (1.0 - x)) - q) * B


@pytest.mark.parametrize("rule", ["any", "understood"])
@pytest.mark.parametrize(("c", "R"), [(1.0, 1.5), (2.0, 0.7), (3.0, 0.8), (3.0, 1.2), (5.0, 2.0)])
def test_general_giant_equals_the_poisson_formula(c: float, R: float, rule: str) -> None:
    expected = giant_written_out(c, R, rule)
    assert giant_learned(c, R, rule) == pytest.approx(expected, abs=1e-9)  # type: ignore[arg-type]
    exact = DegreeDistribution.poisson(c), DegreeDistribution.poisson(c * R)
    tables = Ensemble(*(DegreeDistribution.from_pmf(d.degrees, d.pmf / d.pmf.sum()) for d in exact))
    assert giant_learned_general(tables, rule) == pytest.approx(expected, abs=1e-8)  # type: ignore[arg-type]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_classes_that_do_not_differ_have_the_giant_of_one(learner: Learner) -> None:
    split = MultiClassEnsemble(np.array([0.3, 0.7]), np.array([0.3, 0.5]), 3.0 * np.array([[0.3, 0.7], [0.3, 0.7]]))
    single = Ensemble.poisson(3.0, 0.8)
    for rule in ("any", "understood"):
        expected = giant_learned_general(single, rule, learner)
        assert giant_learned_general(split, rule, learner) == pytest.approx(expected, abs=1e-8)
        assert learned_condition(split, rule, learner) == pytest.approx(
            learned_condition(single, rule, learner), abs=1e-7
        )
    assert site_giant(split, 0.6) == pytest.approx(site_giant(single, 0.6), abs=1e-10)
    assert site_condition(split, 0.6) == pytest.approx(site_condition(single, 0.6), abs=1e-10)


# Measured components.

SKILLS = 40_000


def _skewed(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    texts = rng.integers(1, 7, int(0.5 * SKILLS))
    popularity = rng.pareto(2.5, SKILLS) + 0.2
    return texts, np.bincount(rng.choice(SKILLS, texts.sum(), p=popularity / popularity.sum()), minlength=SKILLS)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
@pytest.mark.parametrize(("c", "R"), [(3.0, 0.95), (4.0, 0.7)])
def test_giants_of_poisson_graphs(learner: Learner, c: float, R: float) -> None:
    measured = measure(41, learner, lambda rng: poisson_graph(c, int(R * SKILLS), SKILLS, rng))
    for rule in ("any", "understood"):
        assert_mean(measured[rule], giant_learned(c, R, rule, learner), skills=SKILLS, what=rule)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_giants_of_random_graphs_with_measured_degrees(learner: Learner) -> None:
    differences: dict[str, list[float]] = {"any": [], "understood": []}
    for rng in replicates(42):
        graph = configuration_graph(*_skewed(rng), rng)
        ensemble = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
        learned = learn(graph, learner, rng).learned
        for rule, values in differences.items():
            predicted = giant_learned_general(ensemble, rule, learner)  # type: ignore[arg-type]
            assert predicted > 0.05
            values.append(components(graph, learned, rule).giant_fraction - predicted)  # type: ignore[arg-type]
    for rule, values in differences.items():
        assert_mean(values, 0.0, skills=SKILLS, what=rule)


@pytest.mark.parametrize(
    ("learner", "ensemble", "draw", "known"),
    [
        (
            TABLE,
            Ensemble.regular(6, 3),
            lambda rng: configuration_graph(np.full(SKILLS // 2, 6), np.full(SKILLS, 3), rng),
            0.35,
        ),
        (ONE, Ensemble.poisson(4.0, 0.5), lambda rng: poisson_graph(4.0, SKILLS // 2, SKILLS, rng), 0.3),
    ],
    ids=["regular", "poisson"],
)
def test_giants_with_skills_known_beforehand(
    learner: Learner, ensemble: Ensemble, draw: Callable[[np.random.Generator], SkillTextGraph], known: float
) -> None:
    measured = measure(43, learner, draw, known=known)
    for rule in ("any", "understood"):
        predicted = giant_learned_general(ensemble, rule, learner, prior=1.0 - known)
        assert predicted > 0.05
        assert_mean(measured[rule], predicted, skills=SKILLS, what=rule)


def test_giants_of_graphs_with_classes() -> None:
    ensemble = MultiClassEnsemble(np.array([0.4, 0.6]), np.array([0.5, 0.5]), np.array([[2.5, 0.3], [0.5, 2.5]]))
    counts = [int(0.4 * SKILLS), int(0.6 * SKILLS)]
    measured: dict[str, list[float]] = {"any": [], "understood": []}
    for rng in replicates(44):
        drawn = class_graph(ensemble.mean_skills, [SKILLS // 2, SKILLS // 2], counts, rng)
        learned = learn(drawn.graph, TWO, rng).learned
        for rule, values in measured.items():
            values.append(components(drawn.graph, learned, rule).giant_fraction)  # type: ignore[arg-type]
    for rule, values in measured.items():
        predicted = giant_learned_general(ensemble, rule, TWO)  # type: ignore[arg-type]
        assert predicted > 0.1
        assert_mean(values, predicted, skills=SKILLS, what=rule)


@pytest.mark.parametrize("phi", [0.25, 0.6, 1.0])
def test_site_percolation_of_random_graphs(phi: float) -> None:
    poisson, skewed, classes = [], [], []
    ensemble = MultiClassEnsemble(np.array([0.5, 0.5]), np.array([0.7]), np.array([[0.5, 3.0]]))
    for rng in replicates(45):
        keep = rng.random(SKILLS) < phi
        graph = poisson_graph(3.0, int(0.8 * SKILLS), SKILLS, rng)
        poisson.append(components(graph, keep, "any").giant_fraction)
        graph = configuration_graph(*_skewed(rng), rng)
        measured = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
        skewed.append(components(graph, keep, "any").giant_fraction - site_giant(measured, phi))
        drawn = class_graph(ensemble.mean_skills, [int(0.7 * SKILLS)], [SKILLS // 2, SKILLS // 2], rng)
        keep = rng.random(SKILLS) < np.where(drawn.skill_class == 0, 1.0, phi)
        classes.append(components(drawn.graph, keep, "any").giant_fraction)
    assert_mean(poisson, site_giant(Ensemble.poisson(3.0, 0.8), phi), skills=SKILLS, what="poisson")
    assert_mean(skewed, 0.0, skills=SKILLS, what="skewed")
    assert_mean(classes, site_giant(ensemble, [1.0, phi]), skills=SKILLS, what="classes")


# Conditions and thresholds.


def test_site_condition_by_hand() -> None:
    assert site_condition(Ensemble.poisson(3.0, 1.1), 0.5) == pytest.approx(0.5 * 9.0 * 1.1)
    # Every skill has 3 texts with 5 others: two further texts, ten further skills.
    assert site_condition(Ensemble.regular(6, 3), 0.3) == pytest.approx(0.3 * 2 * 5)
    assert critical_occupation(Ensemble.regular(6, 3)) == pytest.approx(0.1)
    assert math.isinf(critical_occupation(Ensemble.poisson(3.0, 0.0)))


@given(
    st.lists(st.integers(0, 6), min_size=4, max_size=30),
    st.integers(0, 2**31),
    st.floats(0.02, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_site_giant_exists_exactly_above_its_condition(texts: list[int], seed: int, phi: float) -> None:
    ends = np.random.default_rng(seed).integers(0, 10, sum(texts))
    if not ends.size:
        return
    ensemble = Ensemble.from_degrees(texts, np.bincount(ends, minlength=10))
    condition, giant = site_condition(ensemble, phi), site_giant(ensemble, phi)
    assert 0.0 <= giant <= phi + 1e-12
    if condition < 1.0 - 1e-6:
        assert giant < 1e-9
    if condition > 1.0 + 1e-3:
        assert giant > 1e-7


@pytest.mark.parametrize("rule", ["any", "understood", "site"])
@pytest.mark.parametrize(("c", "learner"), [(1.0, ONE), (2.0, ONE), (3.0, TWO), (5.0, GEOMETRIC), (4.0, ONE)])
def test_percolation_sets_in_at_its_threshold(c: float, learner: Learner, rule: str) -> None:
    ratio = percolation_threshold(c, rule, learner)  # type: ignore[arg-type]

    def giant(R: float) -> float:
        return giant_site(c, R, learner) if rule == "site" else giant_learned(c, R, rule, learner)  # type: ignore[arg-type]

    # The giant component grows in proportion to what R is above its threshold: half as far, half as large, to within
    # the next order, and nothing below.
    step = 1e-4
    assert giant((1 - step) * ratio) < 1e-9
    far, near = giant((1 + step) * ratio), giant((1 + step / 2) * ratio)
    assert far > step / 10
    assert far / near == pytest.approx(2.0, rel=100 * step)


def test_site_threshold_solves_its_condition() -> None:
    ratio = percolation_threshold(2.0, "site")
    assert evolve(Ensemble.poisson(2.0, ratio), ONE).learned * 4.0 * ratio == pytest.approx(1.0, abs=1e-9)


@given(st.floats(0.8, 5.0), st.floats(0.1, 2.5), st.sampled_from(LEARNERS))
@settings(max_examples=40, deadline=None)
def test_giants_are_ordered(c: float, R: float, learner: Learner) -> None:
    """Understood texts are some of the texts, and components hold learned skills only."""
    found = predict(Ensemble.poisson(c, R), learner)
    assert found.giant_any is not None
    assert found.giant_understood is not None
    assert -1e-12 <= found.giant_understood <= found.giant_any + 1e-9
    assert found.giant_any <= found.learned + 1e-9
    assert found.giant_site <= found.learned + 1e-9


def test_share_of_texts_at_which_a_measured_graph_percolates() -> None:
    graph = configuration_graph(*_skewed(np.random.default_rng(46)), np.random.default_rng(47))
    ensemble = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
    share = percolation_threshold_of(ensemble, "any", ONE)
    for factor, above in ((0.99, False), (1.01, True)):
        thinned = Ensemble(ensemble.text_degrees, ensemble.skill_degrees.thinned(factor * share))
        assert (giant_learned_general(thinned, "any") > 1e-6) == above
    poisson = Ensemble.poisson(3.0, 2.0)
    assert 2.0 * percolation_threshold_of(poisson, "understood") == pytest.approx(
        percolation_threshold(3.0, "understood"), rel=1e-9
    )
    with pytest.raises(AnalysisError, match="do not percolate"):
        percolation_threshold_of(Ensemble.regular(2, 1), "any")


def test_predict_for_a_poisson_learner_leaves_out_what_needs_a_rule_per_text() -> None:
    found = predict(Ensemble.poisson(3.0, 1.1), PoissonLearner(ONE.success))
    assert found.giant_any is None
    assert found.giant_understood is None
    assert found.giant_site == pytest.approx(giant_site(3.0, 1.1), abs=1e-7)


def test_nothing_learned_has_no_giant() -> None:
    found = predict(Ensemble.poisson(3.0, 0.0))
    assert (found.giant_any, found.giant_understood, found.giant_site, found.percolates) == (0.0, 0.0, 0.0, False)
    assert predict(Ensemble.from_degrees([0], [0, 0])).giant_any == 0.0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: giant_learned(3.0, 1.0, "every"), "'any' or 'understood'"),  # type: ignore[arg-type]
        (lambda: site_giant(Ensemble.poisson(3.0, 1.0), 1.5), "from 0 to 1"),
        (lambda: percolation_threshold(0.0), "positive"),
        (lambda: giant_learned_general(Ensemble.poisson(3.0, 1.0), "any", PoissonLearner(ONE.success)), "capacity"),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], match: str) -> None:
    with pytest.raises(AnalysisError, match=match):
        call()


@pytest.mark.parametrize(
    ("c", "R", "rule", "condition_met"), [(2.0, 0.68, "any", False), (5.0, 1.5, "understood", True)]
)
def test_independent_sites_are_wrong_near_the_threshold(c: float, R: float, rule: str, condition_met: bool) -> None:
    """(1-q)c²R > 1 is neither needed for a giant component of learned skills nor enough; the exact equations are right.

    The text that taught a skill joins it to skills learned before, so learned skills percolate earlier than as many
    independent sites (`any`). Texts that are not understood join nothing, so the rule `understood` comes later.
    """
    assert (site_condition(Ensemble.poisson(c, R), evolve(Ensemble.poisson(c, R), ONE).learned) > 1.0) == condition_met
    exact = giant_learned(c, R, rule, ONE)  # type: ignore[arg-type]
    largest = []
    for rng in replicates(48):
        graph = poisson_graph(c, int(R * SKILLS), SKILLS, rng)
        found = components(graph, peel(graph).learned, rule)  # type: ignore[arg-type]
        largest.append(found.giant_fraction)
    if condition_met:
        assert exact < 1e-9
        # Below criticality the largest component is of the order ln S: far below 1 % of the skills.
        assert max(largest) < 0.01
    else:
        assert exact > 0.05
        assert_mean(largest, exact, skills=SKILLS)
