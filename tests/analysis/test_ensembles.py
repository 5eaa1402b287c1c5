"""Degree distributions and ensembles: generating functions, edge perspective, measuring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.degrees import CountBox, JointDegreeDistribution
from analysis.ensembles import DegreeDistribution, Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError

TABLE = DegreeDistribution.from_pmf([0, 1, 4], [0.2, 0.5, 0.3])
X = np.linspace(0.0, 1.0, 11)


def test_generating_function_by_hand() -> None:
    np.testing.assert_allclose(TABLE.generating(X), 0.2 + 0.5 * X + 0.3 * X**4, rtol=1e-14)
    np.testing.assert_allclose(TABLE.generating_derivative(X), 0.5 + 1.2 * X**3, rtol=1e-14)
    np.testing.assert_allclose(TABLE.edge(X), (0.5 + 1.2 * X**3) / 1.7, rtol=1e-14)
    np.testing.assert_allclose(TABLE.edge_derivative(X), 3.6 * X**2 / 1.7, rtol=1e-14)
    assert TABLE.mean == pytest.approx(1.7)


def test_poisson_in_closed_form_equals_its_table() -> None:
    exact = DegreeDistribution.poisson(3.7)
    table = DegreeDistribution.from_pmf(exact.degrees, exact.pmf)
    for of in ("generating", "generating_derivative", "edge", "edge_derivative"):
        np.testing.assert_allclose(getattr(exact, of)(X), getattr(table, of)(X), rtol=1e-12)
    assert exact.poisson_mean == 3.7
    assert table.poisson_mean is None
    assert exact.pmf.sum() == pytest.approx(1.0, abs=1e-14)


def test_regular_is_one_power() -> None:
    six = DegreeDistribution.regular(6)
    np.testing.assert_allclose(six.generating(X), X**6)
    np.testing.assert_allclose(six.edge(X), X**5)
    assert float(DegreeDistribution.regular(1).edge_derivative(0.5)) == 0.0


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30).filter(any), st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_thinning_composes_generating_functions(degrees: list[int], share: float) -> None:
    full = DegreeDistribution.empirical(degrees)
    np.testing.assert_allclose(full.thinned(share).generating(X), full.generating(1.0 - share * (1.0 - X)), atol=1e-12)


def test_thinned_large_degrees_keep_their_mass() -> None:
    full = DegreeDistribution.empirical([5_000, 3, 1])
    thin = full.thinned(0.01)
    assert thin.mean == pytest.approx(0.01 * full.mean, rel=1e-9)
    np.testing.assert_allclose(thin.generating(X), full.generating(1.0 - 0.01 * (1.0 - X)), atol=1e-12)
    assert DegreeDistribution.poisson(4.0).thinned(0.25).poisson_mean == 1.0


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20),
    st.lists(st.sampled_from([0.0, 0.2, 0.9, 1.0]), min_size=3, max_size=3),
)
@settings(max_examples=80, deadline=None)
def test_slopes_are_the_excess_generating_functions(rows: list[tuple[int, int, int]], z: list[float]) -> None:
    joint = JointDegreeDistribution.empirical(rows)
    for i, slope in enumerate(joint.slopes(z)):
        # ∂/∂z_i of E Π z^n, term by term.
        expected = np.mean(
            [row[i] * np.prod([float(z[l]) ** max(row[l] - (l == i), 0) for l in range(3)]) for row in rows]
        )
        assert slope == pytest.approx(expected, rel=1e-12, abs=1e-14)
        if joint.means[i] > 0.0:
            assert joint.means[i] * float(joint.excess(i).generating(z)) == pytest.approx(
                expected, rel=1e-12, abs=1e-14
            )


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_box_floors_bound_every_point_of_the_box(
    rows: list[tuple[int, int]], a: tuple[float, float], b: tuple[float, float], poisson: bool, clear: bool
) -> None:
    """What certifies a Newton step: no point of the box has a smaller probability."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    joint = (
        JointDegreeDistribution.poisson(np.mean(rows, axis=0)) if poisson else JointDegreeDistribution.empirical(rows)
    )
    must_be_clear = np.array([clear, False])
    box = CountBox(joint, low, high, must_be_clear)
    floor, value = box.coefficient_floor(5), box.value_floor(0.4)
    for share in np.linspace(0.0, 1.0, 7):
        x = low + share * (high - low)
        counts = joint.novel_counts(1.0 - x, np.where(must_be_clear, 0.0, x))
        assert np.all(counts.coefficients(5) >= floor - 1e-12)
        assert counts.value(0.4) >= value - 1e-12


def test_many_terms_agree_with_few() -> None:
    """Above 60 terms logarithms of binomial coefficients are used."""
    joint = JointDegreeDistribution.empirical([[200], [90], [3]])
    counts = joint.novel_counts(np.array([0.7]), np.array([0.3]))
    np.testing.assert_allclose(counts.coefficients(150)[:50], counts.coefficients(49), rtol=1e-10, atol=1e-300)
    assert counts.coefficients(200).sum() == pytest.approx(1.0, abs=1e-10)


def test_ensemble_ratio_and_mean() -> None:
    ensemble = Ensemble.from_degrees([2, 1, 0, 3], [1, 2, 0, 3, 0, 0, 0, 0])
    assert ensemble.ratio == pytest.approx(0.5)
    assert ensemble.mean_skills == 1.5
    assert not ensemble.is_poisson
    assert Ensemble.poisson(3.0, 0.7).ratio == pytest.approx(0.7)
    assert Ensemble.poisson(3.0, 0.7).is_poisson
    assert Ensemble.poisson(3.0, 0.0).ratio == 0.0
    assert Ensemble.poisson(0.0, 2.0).ratio == 0.0


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: Ensemble.poisson(-1.0, 1.0), "at least 0"),
        (lambda: Ensemble.poisson(3.0, float("nan")), "at least 0"),
        (lambda: Ensemble.from_degrees([2, 2], [1, 2]), "cannot be the degrees of one graph"),
        (lambda: Ensemble.from_degrees([], []), "at least one"),
        (lambda: DegreeDistribution.empirical([1.5, 2.0]), "whole numbers"),
        (lambda: DegreeDistribution.empirical([-1, 2]), "whole numbers"),
        (lambda: DegreeDistribution.from_pmf([1, 2], [0.5, 0.4]), "sum to 1"),
        (lambda: DegreeDistribution.regular(-1), "whole number"),
        (lambda: DegreeDistribution.empirical([0, 0]).edge(0.5), "no edge"),
        (lambda: DegreeDistribution.regular(3).thinned(1.2), "from 0 to 1"),
        (lambda: MultiClassEnsemble(np.array([0.5, 0.4]), np.ones(1), np.ones((1, 2))), "sum to 1"),
        (lambda: MultiClassEnsemble(np.array([1.0]), np.ones(2), np.ones((1, 1))), "2 rows"),
        (lambda: MultiClassEnsemble(np.array([1.0, 0.0]), np.ones(1), np.ones((1, 2))), "holds no skill"),
        (lambda: MultiClassEnsemble(np.array([1.0]), -np.ones(1), np.ones((1, 1))), "not negative"),
        (lambda: MultiClassEnsemble.from_labels([0], [3], [0], [0, 0]), "skill index"),
        (lambda: MultiClassEnsemble.from_labels([], [], [], []), "texts and skills"),
    ],
)
def test_bad_input_is_refused(build: object, match: str) -> None:
    with pytest.raises(AnalysisError, match=match):
        build()  # type: ignore[operator]


def test_classes_measured_by_hand() -> None:
    # Texts 0 and 1 are of class 0, text 2 of class 1; skills 0 and 1 of class 0, skill 2 of class 1.
    text, skill = [0, 0, 1, 2, 2], [0, 1, 2, 0, 2]
    ensemble = MultiClassEnsemble.from_labels(text, skill, [0, 0, 1], [0, 0, 1])
    np.testing.assert_allclose(ensemble.alpha, [2 / 3, 1 / 3])
    np.testing.assert_allclose(ensemble.ratios, [2 / 3, 1 / 3])
    np.testing.assert_allclose(ensemble.mean_skills, [[1.0, 0.5], [1.0, 1.0]])
    assert ensemble.text_degrees[0].counts.tolist() == [[0, 1], [2, 0]]
    assert ensemble.skill_degrees[1].counts.tolist() == [[1, 1]]
    means = MultiClassEnsemble.from_labels(text, skill, [0, 0, 1], [0, 0, 1], poisson=True)
    np.testing.assert_allclose(means.mean_skills, ensemble.mean_skills)
    # Edges counted from both sides: c_jk R_j / α_k.
    for k, degrees in enumerate(means.skill_degrees):
        np.testing.assert_allclose(degrees.means, ensemble.skill_degrees[k].means)


def test_class_without_members_is_allowed() -> None:
    ensemble = MultiClassEnsemble.from_labels([0, 0], [0, 1], [1], [0, 2])
    assert ensemble.alpha.tolist() == [0.5, 0.0, 0.5]
    assert ensemble.ratios.tolist() == [0.0, 0.5]
    assert ensemble.edges == [(1, 0), (1, 2)]


def test_ratios_change_only_where_degrees_are_poisson() -> None:
    poisson = MultiClassEnsemble(np.array([1.0]), np.array([1.0, 2.0]), np.array([[3.0], [1.0]]))
    assert poisson.with_ratios([0.5, 0.5]).skill_degrees[0].means.tolist() == [1.5, 0.5]
    with pytest.raises(AnalysisError, match="Poisson"):
        Ensemble.regular(3, 3).multi_class().with_ratios([0.5])
