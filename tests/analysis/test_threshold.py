"""Emergence thresholds against the closed form, bisection and peeled graphs; stability regions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from analysis.density_evolution import evolve
from analysis.ensembles import DegreeDistribution, Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.learners import DSkillLearner, Learner, OneSkillLearner, PoissonLearner, RandomCapacityLearner
from analysis.sampling import configuration_graph
from analysis.solution_curve import SolutionCurve
from analysis.threshold import emergence_threshold, emergence_threshold_of, stability_region
from tests.analysis.simulation import learn, replicates

ONE, TWO = OneSkillLearner(), DSkillLearner(2)


@pytest.mark.parametrize(
    ("c", "ratio", "unlearned"),
    [(3.0, 1.0378857, 0.5384497), (4.0, 1.4663503, 0.6994906), (5.0, 2.4565309, 0.7716910)],
)
def test_reference_thresholds(c: float, ratio: float, unlearned: float) -> None:
    found = emergence_threshold(c)
    assert found.jump
    assert found.ratio == pytest.approx(ratio, abs=5.1e-8)
    assert found.unlearned == pytest.approx(unlearned, abs=5.1e-8)


@pytest.mark.parametrize("c", [2.72, 2.8, 3.0, 4.0, 7.0, 12.0])
def test_numeric_threshold_equals_the_closed_form(c: float) -> None:
    closed, numeric = emergence_threshold(c, ONE), emergence_threshold_of(Ensemble.poisson(c, 0.5), ONE)
    assert closed.ratio is not None
    assert numeric.ratio == pytest.approx(closed.ratio, rel=1e-10)
    assert numeric.share == pytest.approx(2.0 * closed.ratio, rel=1e-10)
    assert numeric.unlearned == pytest.approx(closed.unlearned, abs=1e-9)
    assert numeric.unlearned_after == pytest.approx(closed.unlearned_after, abs=1e-9)


@pytest.mark.parametrize("c", [0.5, 2.0, math.e])
def test_few_skills_a_text_emerge_gradually(c: float) -> None:
    for found in (emergence_threshold(c), emergence_threshold_of(Ensemble.poisson(c, 1.0), ONE)):
        assert not found.jump
        assert found.ratio is None
        assert found.unlearned is None


@pytest.mark.parametrize(
    ("c", "learner"),
    [(3.0, ONE), (5.0, TWO), (8.0, DSkillLearner(4)), (10.0, RandomCapacityLearner(psi=[0.9, 0.7, 0.2]))],
    ids=lambda value: getattr(value, "name", None),
)
def test_threshold_equals_bisection_on_the_fixed_point(c: float, learner: Learner) -> None:
    found = emergence_threshold(c, learner)
    assert found.ratio is not None
    assert found.unlearned is not None
    assert found.unlearned_after is not None
    middle = 0.5 * (found.unlearned + found.unlearned_after)
    low, high = 0.5 * found.ratio, 2.0 * found.ratio
    while high - low > 2e-10 * found.ratio:
        ratio = 0.5 * (low + high)
        if evolve(Ensemble.poisson(c, ratio), learner, max_iterations=30).unlearned > middle:
            low = ratio
        else:
            high = ratio
    assert found.ratio == pytest.approx(high, rel=1e-9)


def test_threshold_is_the_tangency_of_the_exit_curve() -> None:
    """At R* the fixed point q* = F(q*) is double: F'(q*) = 1, in the equation written out."""
    for c, learner in ((5.0, TWO), (6.0, DSkillLearner(3))):
        found = emergence_threshold(c, learner)
        assert found.ratio is not None
        assert found.unlearned is not None
        q, step = found.unlearned, 1e-5
        f = [math.exp(-c * found.ratio * float(learner.success(c * x))) for x in (q - step, q, q + step)]
        assert f[1] == pytest.approx(q, abs=1e-9)
        assert (f[2] - f[0]) / (2 * step) == pytest.approx(1.0, abs=1e-7)


def test_geometric_capacity_has_the_one_skill_threshold_of_fewer_skills() -> None:
    one, geometric = emergence_threshold(4.0), emergence_threshold(10.0, RandomCapacityLearner(0.6))
    assert one.ratio is not None
    assert geometric.ratio == pytest.approx(0.4 * one.ratio, rel=1e-10)
    assert geometric.unlearned == pytest.approx(one.unlearned, abs=1e-9)


def test_poisson_learner_has_a_threshold_too() -> None:
    found, expected = emergence_threshold(4.0, PoissonLearner(ONE.success)), emergence_threshold(4.0)
    assert found.ratio == pytest.approx(expected.ratio, rel=1e-9)


def test_regular_graph_thinned_below_and_above_its_share() -> None:
    """Texts of 1 or 4 skills, skills of 6 texts: the jump is seen on graphs that keep part of the texts."""
    texts, skills = np.repeat([1, 4], [8_000, 34_000]), np.full(24_000, 6)
    ensemble = Ensemble.from_degrees(texts, skills)
    found = emergence_threshold_of(ensemble, ONE)
    assert found.jump
    assert found.share is not None
    assert found.unlearned is not None
    assert found.unlearned_after is not None
    assert 0.5 < found.share < 0.95
    assert found.ratio == pytest.approx(found.share * ensemble.ratio)
    for factor, side in ((0.96, found.unlearned), (1.04, found.unlearned_after)):
        thinned = Ensemble(ensemble.text_degrees, ensemble.skill_degrees.thinned(factor * found.share))
        expected = evolve(thinned, ONE).learned
        assert abs(1.0 - expected - side) < 0.15
        for rng in replicates(21, 3):
            graph = configuration_graph(texts, skills, rng)
            graph = graph.subset(rng.random(graph.n_texts) < factor * found.share)
            # 4 % from the jump the learned fraction of a graph this size varies by about a percent.
            assert abs(learn(graph, ONE, rng).n_learned / graph.n_skills - expected) < 0.05


def test_without_single_skill_texts_nothing_emerges() -> None:
    assert not emergence_threshold_of(Ensemble.regular(6, 3), ONE).jump
    assert SolutionCurve(Ensemble.regular(6, 3), ONE).unlearned(1.0) == pytest.approx(1.0)


def test_prior_threshold_of_a_regular_code_appears_on_the_curve() -> None:
    """With the prior just below the (3, 6) code's 0.42944, all texts are just enough; a bit above they are not."""
    for prior, enough in ((0.4293, True), (0.4296, False)):
        curve = SolutionCurve(Ensemble.regular(6, 3), ONE, prior=prior)
        assert (float(curve.unlearned(1.0)) < 1e-6) == enough


def test_the_largest_of_two_jumps_is_reported() -> None:
    """Texts of 300 skills help only when nearly all is learned, so a second, smaller jump follows the first."""
    texts = DegreeDistribution.from_pmf([1, 4, 300], [0.1, 0.27, 0.63])
    ensemble = Ensemble(texts, DegreeDistribution.poisson(3.0 * texts.mean))
    first, second = SolutionCurve(ensemble, ONE, largest_share=5.0).jumps()
    assert first.before - first.after > 0.4
    assert 0.01 < second.before - second.after < 0.1
    found = emergence_threshold_of(ensemble, ONE)
    assert (found.share, found.unlearned, found.unlearned_after) == pytest.approx(
        (first.share, first.before, first.after), rel=1e-6
    )
    # density evolution itself, just before and after each of them
    for jump in (first, second):
        for factor, unlearned in ((0.9999, jump.before), (1.0001, jump.after)):
            skills = DegreeDistribution.poisson(jump.share * factor * 3.0 * texts.mean)
            assert evolve(Ensemble(texts, skills), ONE).unlearned == pytest.approx(unlearned, abs=0.01)


def test_share_needed_inverts_the_unlearned_fraction() -> None:
    curve = SolutionCurve(Ensemble.poisson(3.0, 1.0), ONE, largest_share=4.0)
    for share in (0.3, 0.9, 1.2, 3.0):
        assert curve.share_needed(float(curve.unlearned(share))) == pytest.approx(share, rel=1e-9)
    # Inside the jump, the jump.
    assert curve.share_needed(0.3) == pytest.approx(1.0378856970008137, rel=1e-12)
    assert curve.share_needed(1.0) == 0.0
    with pytest.raises(AnalysisError, match="cannot be reached"):
        curve.share_needed(1e-9)


def test_stability_region_of_equal_classes_is_a_line() -> None:
    """Texts that do not differ: only R_1 + R_2 counts."""
    ensemble = MultiClassEnsemble(np.array([1.0]), np.ones(2), np.array([[3.0], [3.0]]))
    region = stability_region(ensemble, ONE, rays=9, tolerance=1e-6)
    np.testing.assert_allclose(region.border.sum(axis=1), 1.0378857, atol=1e-5)
    assert region.border[0, 1] == 0.0
    assert region.border[-1, 0] == 0.0
    np.testing.assert_allclose(region.polygon[-2], [region.limit, region.limit])


def test_stability_region_of_separate_classes_is_a_quadrant() -> None:
    """Each text class has its own half of the skills: R_j = R* / 2 on both sides."""
    ensemble = MultiClassEnsemble(np.array([0.5, 0.5]), np.ones(2), np.array([[4.0, 0.0], [0.0, 4.0]]))
    region = stability_region(ensemble, ONE, rays=7, limit=2.0)
    half = 0.5 * 1.4663503
    np.testing.assert_allclose(region.border.min(axis=1), half, atol=1e-4)
    np.testing.assert_allclose(region.border[[0, -1]], [[2.0, half], [half, 2.0]], atol=1e-4)
    np.testing.assert_allclose(region.polygon[-1], [2.0, 2.0])


def test_stability_border_separates() -> None:
    ensemble = MultiClassEnsemble(np.array([0.4, 0.6]), np.ones(2), np.array([[3.0, 1.0], [0.5, 4.0]]))
    region = stability_region(ensemble, ONE, rays=5, tolerance=1e-5)
    assert region.border.shape[0] == 5
    for point in region.border:
        inside = evolve(ensemble.with_ratios(1.001 * point), ONE).unlearned_by_class
        outside = evolve(ensemble.with_ratios(0.999 * point), ONE).unlearned_by_class
        assert inside.max() <= 0.5 < outside.max()


def test_stability_region_outside_the_square_is_empty() -> None:
    ensemble = MultiClassEnsemble(np.array([1.0]), np.ones(2), np.array([[3.0], [3.0]]))
    assert stability_region(ensemble, ONE, rays=3, limit=0.4).polygon.shape == (0, 2)


@pytest.mark.parametrize(
    ("ensemble", "options", "match"),
    [
        (MultiClassEnsemble(np.array([1.0]), np.ones(3), np.ones((3, 1))), {}, "2 classes"),
        (MultiClassEnsemble(np.array([1.0]), np.ones(2), np.ones((2, 1))), {"unlearned": 1.0}, "between 0 and 1"),
        (MultiClassEnsemble(np.array([1.0]), np.ones(2), np.zeros((2, 1))), {}, "no number of texts makes all"),
    ],
)
def test_stability_region_refuses(ensemble: MultiClassEnsemble, options: dict[str, float], match: str) -> None:
    with pytest.raises(AnalysisError, match=match):
        stability_region(ensemble, ONE, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("c", [0.0, -1.0, math.inf, math.nan])
def test_mean_must_be_positive(c: float) -> None:
    with pytest.raises(AnalysisError, match="positive"):
        emergence_threshold(c)


def test_closed_form_solves_its_equation() -> None:
    for c in (2.75, 3.0, 20.0):
        x = brentq(lambda x, c=c: x * math.exp(1.0 / x) - c, 1.0, c)
        assert emergence_threshold(c).ratio == pytest.approx(math.exp(x - 1.0 / x) / x**2, rel=1e-8)


@pytest.mark.parametrize("c", [712.0, 800.0, 1e6])
def test_a_threshold_beyond_numbers_is_said_in_a_sentence(c: float) -> None:
    with pytest.raises(AnalysisError, match=r"R\* exceeds"):
        emergence_threshold(c)
    # what is asked of the general curve must not come out as gradual
    with pytest.raises(AnalysisError, match=r"R\* exceeds"):
        emergence_threshold(2 * c, DSkillLearner(2))
