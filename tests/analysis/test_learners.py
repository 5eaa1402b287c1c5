"""Learners: tails, success functions, capacities."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from analysis.degrees import JointDegreeDistribution
from analysis.errors import AnalysisError
from analysis.learners import (
    DSkillLearner,
    Learner,
    OneSkillLearner,
    PoissonLearner,
    RandomCapacityLearner,
    parse_learner,
)

LEARNERS: list[Learner] = [
    OneSkillLearner(),
    DSkillLearner(2),
    DSkillLearner(7),
    RandomCapacityLearner(0.6),
    RandomCapacityLearner(psi=[0.9, 0.9, 0.5, 0.1]),
]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_success_is_the_poisson_mean_of_the_tail(learner: Learner) -> None:
    for rho in (0.0, 0.3, 1.0, 4.0, 12.0):
        expected = sum(math.exp(-rho) * rho**n / math.factorial(n) * float(learner.tail(n + 1)) for n in range(80))
        assert float(learner.success(rho)) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_tail_starts_at_one_and_never_rises(learner: Learner) -> None:
    tail = learner.tail(np.arange(40))
    assert tail[0] == 1.0
    assert np.all(np.diff(tail) <= 0.0)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
@pytest.mark.parametrize("shift", [0, 1, 2])
def test_expected_tail_of_a_table_equals_the_sum_over_all_outcomes(learner: Learner, shift: int) -> None:
    vectors, weights = [(2, 0), (1, 3), (0, 1)], [0.5, 0.3, 0.2]
    keep, novel = np.array([0.3, 0.8]), np.array([0.6, 0.1])
    expected = 0.0
    for (first, second), weight in zip(vectors, weights, strict=True):
        for outcome in product((0, 1), repeat=first + second):
            term = weight * float(learner.tail(sum(outcome) + shift))
            for i, bit in enumerate(outcome):
                k = 0 if i < first else 1
                term *= novel[k] if bit else keep[k]
            expected += term
    degrees = JointDegreeDistribution(np.array(vectors), np.array(weights))
    assert float(learner.expected_tail(degrees.novel_counts(keep, novel), shift)) == pytest.approx(expected, rel=1e-12)


def test_one_skill_is_d_skill_with_one() -> None:
    rho = np.linspace(0.0, 9.0, 50)
    np.testing.assert_allclose(DSkillLearner(1).success(rho), OneSkillLearner().success(rho), rtol=1e-13)
    assert OneSkillLearner().name == "one"
    assert OneSkillLearner() != DSkillLearner(2)


def test_geometric_capacity_equals_its_table() -> None:
    table = RandomCapacityLearner(psi=0.6 ** np.arange(90))
    rho = np.linspace(0.0, 9.0, 50)
    np.testing.assert_allclose(RandomCapacityLearner(0.6).success(rho), table.success(rho), rtol=1e-12)


@pytest.mark.parametrize("learner", [*LEARNERS, RandomCapacityLearner(psi=[0.4])], ids=lambda learner: learner.name)
def test_capacities_follow_the_tail(learner: Learner) -> None:
    n = 40_000
    drawn = np.broadcast_to(learner.capacities(n, np.random.default_rng(3)), (n,))
    for at_least in range(1, 9):
        p = float(learner.tail(at_least))
        # Five standard deviations of a binomial fraction.
        assert abs(np.mean(drawn >= at_least) - p) <= 5.0 * math.sqrt(p * (1.0 - p) / n)


def test_capacities_repeat_with_the_seed() -> None:
    learner = RandomCapacityLearner(0.6)
    first, second = (learner.capacities(100, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.asarray(first).dtype == np.int32


def test_poisson_learner_is_its_success_function_and_has_no_rule_per_text() -> None:
    learner = PoissonLearner(lambda rho: np.exp(-rho), name="aloha")
    degrees = JointDegreeDistribution.poisson([2.0])
    counts = degrees.novel_counts(np.array([0.7]), np.array([0.3]))
    for shift in (1, 2):
        # The derivative behind shift 2 is numerical: about 1e-10.
        expected = OneSkillLearner().expected_tail(counts, shift)
        assert float(learner.expected_tail(counts, shift)) == pytest.approx(float(expected), abs=1e-8)
    with pytest.raises(AnalysisError, match="no rule for single texts"):
        learner.capacities(3, np.random.default_rng(0))
    with pytest.raises(AnalysisError, match="success function only"):
        learner.tail(1)
    table = JointDegreeDistribution.empirical([[3]]).novel_counts(np.array([0.7]), np.array([0.3]))
    with pytest.raises(AnalysisError, match="Poisson number of skills"):
        learner.expected_tail(table, 1)


@pytest.mark.parametrize("success", [lambda rho: rho, lambda rho: 2.0 * np.exp(-rho), lambda rho: np.exp(-rho)[:2]])
def test_poisson_learner_refuses_what_is_no_success_function(success: object) -> None:
    with pytest.raises(AnalysisError, match="probability"):
        PoissonLearner(success)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["one", "d:2", "d:11", "capacity:0.6", "capacity:1.0,0.25,0.0"])
def test_parsed_learner_keeps_its_name(name: str) -> None:
    assert parse_learner(name).name == name


def test_table_learner_name_parses_to_the_same_learner() -> None:
    learner = RandomCapacityLearner(psi=[0.5])
    again = parse_learner(learner.name)
    np.testing.assert_array_equal(again.tail(np.arange(5)), learner.tail(np.arange(5)))


@pytest.mark.parametrize(
    "text", ["", "two", "one:1", "d", "d:", "d:x", "d:0", "d:-1", "d:2.5", "capacity", "capacity:x"]
)
def test_unknown_learner_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        parse_learner(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("a", [0.0, 1.0, -0.2, 1.4])
def test_geometric_capacity_must_lie_inside(a: float) -> None:
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        RandomCapacityLearner(a)


@pytest.mark.parametrize("psi", [[], [0.2, 0.4], [1.2], [[0.5]]])
def test_psi_must_be_a_tail(psi: list[float]) -> None:
    with pytest.raises(AnalysisError, match="psi"):
        RandomCapacityLearner(psi=psi)


def test_capacity_needs_one_description() -> None:
    with pytest.raises(AnalysisError, match="either"):
        RandomCapacityLearner()
