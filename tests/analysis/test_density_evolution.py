"""Density evolution against reference values, published thresholds, special cases and peeled graphs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import density_evolution as de
from analysis.density_evolution import evolve, exit_curve, learned_fraction_curve, texts_for_error
from analysis.ensembles import DegreeDistribution, Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learners import DSkillLearner, Learner, OneSkillLearner, PoissonLearner, RandomCapacityLearner
from analysis.peeling import novel_skill_counts
from analysis.sampling import class_graph, configuration_graph, poisson_graph
from tests.analysis.simulation import assert_mean, learn, measure, replicates

ONE, TWO, GEOMETRIC = OneSkillLearner(), DSkillLearner(2), RandomCapacityLearner(0.6)
TABLE = RandomCapacityLearner(psi=[0.8, 0.5, 0.1])
LEARNERS: list[Learner] = [ONE, TWO, DSkillLearner(3), GEOMETRIC, TABLE]
TWO_CLASSES = MultiClassEnsemble(np.array([0.4, 0.6]), np.array([0.8, 0.7]), np.array([[3.0, 1.0], [0.5, 4.0]]))


def by_name(value: object) -> str | None:
    return value.name if isinstance(value, Learner) else None


def poisson_table(mean: float) -> DegreeDistribution:
    """Poisson as a table of degrees, cut where double precision ends."""
    exact = DegreeDistribution.poisson(mean)
    return DegreeDistribution.from_pmf(exact.degrees, exact.pmf / exact.pmf.sum())


def plain_iteration(c: float, R: float, success: Callable[[float], float], waves: int) -> float:
    """q ← exp(-c R P_suc(c q)) from q = 1, in plain Python."""
    q = 1.0
    for _ in range(waves):
        q = math.exp(-c * R * success(c * q))
    return q


# Reference values: section 8 of the equations, "simulations agreed to within 0.003".


@pytest.mark.parametrize(
    ("c", "R", "learned"),
    [(2, 0.8, 0.3579), (2, 1.0, 0.5737), (2, 1.5, 0.9240), (3, 0.8, 0.1909), (3, 1.0, 0.3353), (3, 1.1, 0.9324),
     (5, 1.1, 0.0454), (5, 2.4, 0.1819)],
)  # fmt: skip
def test_reference_one_skill(c: float, R: float, learned: float) -> None:
    assert evolve(Ensemble.poisson(c, R), ONE).learned == pytest.approx(learned, abs=5.1e-5)


@pytest.mark.parametrize(
    ("learner", "R", "unlearned"),
    [(TWO, 0.3, 0.8283), (TWO, 0.4, 0.6597), (TWO, 0.5, 0.1963), (TWO, 0.6, 0.1072), (GEOMETRIC, 0.4, 0.4708),
     (GEOMETRIC, 0.6, 0.1526)],
    ids=by_name,
)  # fmt: skip
def test_reference_larger_capacity(learner: Learner, R: float, unlearned: float) -> None:
    assert evolve(Ensemble.poisson(4.0, R), learner).unlearned == pytest.approx(unlearned, abs=5.1e-5)


def test_reference_two_classes() -> None:
    result = evolve(TWO_CLASSES, ONE)
    np.testing.assert_allclose(result.unlearned_by_class, [0.7365, 0.8385], atol=5.1e-5)
    assert result.unlearned == pytest.approx(0.4 * 0.73645443 + 0.6 * 0.83852972, abs=1e-7)


# Published thresholds of codes on the erasure channel: skills are the variables, texts the checks.


@pytest.mark.parametrize(
    ("variable", "check", "threshold"),
    [(3, 6, 0.4294), (4, 8, 0.3834), (3, 5, 0.5176), (4, 6, 0.5061), (3, 4, 0.6474)],
)
def test_regular_codes_have_their_published_threshold(variable: int, check: int, threshold: float) -> None:
    """BP thresholds of regular LDPC ensembles [RichardsonUrbanke2008, table of section 3]."""
    ensemble = Ensemble.regular(check, variable)
    assert evolve(ensemble, ONE, prior=threshold - 1e-4).unlearned < 1e-6
    assert evolve(ensemble, ONE, prior=threshold + 1e-4).unlearned > 0.1


@pytest.mark.parametrize(
    ("degrees", "pmf", "load"),
    [([3], [1.0], 0.818), ([4], [1.0], 0.772),
     ([2, 3, 8], [0.5, 0.28, 0.22], 0.938), ([2, 3, 8], [0.25, 0.6, 0.15], 0.892)],
)  # fmt: skip
def test_repetition_slotted_aloha_has_its_published_load(degrees: list[int], pmf: list[float], load: float) -> None:
    """Thresholds G* of Liva, IEEE Trans. Commun. 59(2), 2011, table I: users are skills, slots are texts."""
    users = DegreeDistribution.from_pmf(degrees, pmf)

    def unresolved(G: float) -> float:
        return evolve(Ensemble(DegreeDistribution.poisson(G * users.mean), users), ONE).unlearned

    assert unresolved(load - 2e-3) < 1e-6
    assert unresolved(load + 2e-3) > 0.01


# Special cases equal the general recursion.


@pytest.mark.parametrize("learner", LEARNERS, ids=by_name)
@pytest.mark.parametrize(("c", "R"), [(2.0, 0.9), (4.0, 0.5), (4.0, 1.6)])
def test_poisson_equals_poisson_as_tables(learner: Learner, c: float, R: float) -> None:
    exact = evolve(Ensemble.poisson(c, R), learner)
    tables = evolve(Ensemble(poisson_table(c), poisson_table(c * R)), learner)
    mixed = evolve(Ensemble(poisson_table(c), DegreeDistribution.poisson(c * R)), learner)
    for other in (tables, mixed):
        assert other.unlearned == pytest.approx(exact.unlearned, abs=1e-9)
        assert other.testing_error == pytest.approx(exact.testing_error, abs=1e-9)
        assert other.understood == pytest.approx(exact.understood, abs=1e-9)
        np.testing.assert_allclose(other.trajectory[:10], exact.trajectory[:10], atol=1e-12)


@pytest.mark.parametrize("learner", LEARNERS, ids=by_name)
def test_poisson_equals_the_equation_written_out(learner: Learner) -> None:
    for c, R in ((1.0, 2.0), (3.0, 0.7), (4.0, 1.6)):
        expected = plain_iteration(c, R, lambda rho: float(learner.success(rho)), 3_000)
        result = evolve(Ensemble.poisson(c, R), learner)
        assert result.unlearned == pytest.approx(expected, abs=1e-10)
        assert result.testing_error == pytest.approx(-math.expm1(-c * expected), abs=1e-9)


def test_poisson_learner_equals_the_one_it_describes() -> None:
    for R in (0.8, 1.0, 1.2):
        known = evolve(Ensemble.poisson(3.0, R), ONE)
        blind = evolve(Ensemble.poisson(3.0, R), PoissonLearner(ONE.success))
        assert blind.unlearned == pytest.approx(known.unlearned, abs=1e-9)
        assert math.isnan(blind.understood)


@pytest.mark.parametrize("learner", LEARNERS, ids=by_name)
def test_classes_that_do_not_differ_are_one_class(learner: Learner) -> None:
    single = evolve(Ensemble.poisson(3.0, 0.9), learner)
    # Texts split 1 : 2, skills split 0.3 : 0.7, each text's skills split in the same proportion.
    split = MultiClassEnsemble(np.array([0.3, 0.7]), np.array([0.3, 0.6]), 3.0 * np.array([[0.3, 0.7], [0.3, 0.7]]))
    result = evolve(split, learner)
    np.testing.assert_allclose(result.unlearned_by_class, single.unlearned, atol=1e-10)
    np.testing.assert_allclose(result.testing_error_by_class, single.testing_error, atol=1e-9)
    assert result.understood == pytest.approx(single.understood, abs=1e-9)
    np.testing.assert_allclose(result.trajectory, single.trajectory, atol=1e-12)


@pytest.mark.parametrize("learner", LEARNERS, ids=by_name)
def test_one_class_of_a_measured_graph_is_its_degrees(learner: Learner) -> None:
    graph = poisson_graph(3.0, 900, 1_000, np.random.default_rng(4))
    text = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    labelled = MultiClassEnsemble.from_labels(
        text, graph.text_skills, np.zeros(graph.n_texts, int), np.zeros(graph.n_skills, int)
    )
    measured = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
    assert evolve(labelled, learner).unlearned == pytest.approx(evolve(measured, learner).unlearned, abs=1e-10)


def test_geometric_capacity_thins_the_novel_skills() -> None:
    """P_suc(ρ) = e^{-(1-a)ρ}: the 1-skill learner with c' = (1-a)c and R' = R/(1-a)."""
    a, c, R = 0.6, 6.0, 0.5
    expected = evolve(Ensemble.poisson((1 - a) * c, R / (1 - a)), ONE).unlearned
    assert evolve(Ensemble.poisson(c, R), RandomCapacityLearner(a)).unlearned == pytest.approx(expected, abs=1e-10)


def test_prior_one_half_of_a_poisson_ensemble_written_out() -> None:
    q = 0.5
    for _ in range(2_000):
        q = 0.5 * math.exp(-3.0 * 0.8 * math.exp(-3.0 * q))
    assert evolve(Ensemble.poisson(3.0, 0.8), ONE, prior=0.5).unlearned == pytest.approx(q, abs=1e-10)


# The largest fixed point, and never the one below it.


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize(
    ("c", "threshold", "learner"), [(3.0, 1.0378856970008137, ONE), (5.0, 0.5253600492232593, TWO)], ids=by_name
)
def test_both_sides_of_a_threshold(c: float, threshold: float, learner: Learner, distance: float) -> None:
    below = evolve(Ensemble.poisson(c, threshold * (1.0 - distance)), learner)
    above = evolve(Ensemble.poisson(c, threshold * (1.0 + distance)), learner)
    assert below.converged
    assert above.converged
    assert below.unlearned > 0.5
    assert above.unlearned < 0.11
    waves = min(int(40 / math.sqrt(distance)), 200_000)
    # P_suc written out: no other novel skill, and at most one.
    success = (lambda rho: math.exp(-rho)) if learner is ONE else (lambda rho: math.exp(-rho) * (1.0 + rho))
    for result, factor in ((below, 1.0 - distance), (above, 1.0 + distance)):
        expected = plain_iteration(c, threshold * factor, success, waves)
        assert result.unlearned == pytest.approx(expected, abs=2e-9)


@given(st.floats(0.2, 6.0), st.floats(0.0, 3.0), st.sampled_from(LEARNERS))
@settings(max_examples=60, deadline=None)
def test_the_result_is_a_fixed_point_below_every_wave(c: float, R: float, learner: Learner) -> None:
    result = evolve(Ensemble.poisson(c, R), learner, max_iterations=60)
    assert result.unlearned == pytest.approx(math.exp(-c * R * float(learner.success(c * result.unlearned))), abs=1e-8)
    assert np.all(np.diff(result.trajectory) <= 1e-15)
    assert np.all(result.trajectory >= result.unlearned - 1e-10)


@given(
    st.lists(st.integers(0, 8), min_size=3, max_size=30),
    st.integers(0, 2**31),
    st.sampled_from(LEARNERS),
    st.floats(0.1, 0.99),
)
@settings(max_examples=60, deadline=None)
def test_more_texts_never_unlearn(texts: list[int], seed: int, learner: Learner, share: float) -> None:
    edges = np.random.default_rng(seed).integers(0, 12, sum(texts))
    if not edges.size:
        return
    ensemble = Ensemble.from_degrees(texts, np.bincount(edges, minlength=12))
    fewer = Ensemble(ensemble.text_degrees, ensemble.skill_degrees.thinned(share))
    assert evolve(ensemble, learner).unlearned <= evolve(fewer, learner).unlearned + 1e-9


@given(st.floats(0.5, 6.0), st.floats(0.1, 2.0))
@settings(max_examples=40, deadline=None)
def test_a_larger_capacity_never_unlearns(c: float, R: float) -> None:
    ensemble = Ensemble.poisson(c, R)
    unlearned = [evolve(ensemble, DSkillLearner(d)).unlearned for d in (1, 2, 3, 8)]
    assert np.all(np.diff(unlearned) <= 1e-10)


# Peeled graphs.

SKILLS = 30_000


def _uniform_degrees(rng: np.random.Generator) -> SkillTextGraph:
    texts = rng.integers(1, 6, int(0.6 * SKILLS))
    popularity = rng.pareto(2.5, SKILLS) + 0.2
    skills = np.bincount(rng.choice(SKILLS, texts.sum(), p=popularity / popularity.sum()), minlength=SKILLS)
    return configuration_graph(texts, skills, rng)


def _regular(rng: np.random.Generator) -> SkillTextGraph:
    return configuration_graph(np.full(SKILLS // 2, 6), np.full(SKILLS, 3), rng)


@pytest.mark.parametrize(
    ("learner", "draw", "ensemble", "known"),
    [
        (ONE, lambda rng: poisson_graph(3.0, int(0.9 * SKILLS), SKILLS, rng), Ensemble.poisson(3.0, 0.9), 0.0),
        (TWO, lambda rng: poisson_graph(4.0, int(0.6 * SKILLS), SKILLS, rng), Ensemble.poisson(4.0, 0.6), 0.0),
        (GEOMETRIC, lambda rng: poisson_graph(4.0, int(0.4 * SKILLS), SKILLS, rng), Ensemble.poisson(4.0, 0.4), 0.1),
        (ONE, _regular, Ensemble.regular(6, 3), 0.5),
        (TABLE, _regular, Ensemble.regular(6, 3), 0.3),
    ],
    ids=["poisson-one", "poisson-d2", "poisson-capacity", "regular-one", "regular-table"],
)
def test_wave_k_of_peeling_is_iterate_k(
    learner: Learner, draw: Callable[[np.random.Generator], SkillTextGraph], ensemble: Ensemble, known: float
) -> None:
    result = evolve(ensemble, learner, prior=1.0 - known)
    measured = []
    for rng in replicates(11):
        graph = draw(rng)
        peeled = learn(graph, learner, rng, known=rng.random(graph.n_skills) < known)
        by_wave = peeled.learned_by_wave() / graph.n_skills
        measured.append([by_wave[min(k, by_wave.size - 1)] for k in range(7)])
    for k, values in enumerate(np.array(measured).T):
        assert_mean(values, 1.0 - result.trajectory[min(k, result.iterations)], skills=SKILLS, what=f"wave {k}")


@pytest.mark.parametrize("learner", LEARNERS, ids=by_name)
def test_measured_degrees_predict_a_random_graph(learner: Learner) -> None:
    differences = {"learned": [], "understood": []}
    for rng in replicates(12):
        graph = _uniform_degrees(rng)
        predicted = evolve(Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees), learner)
        peeled = learn(graph, learner, rng)
        differences["learned"].append(peeled.n_learned / graph.n_skills - predicted.learned)
        understood = novel_skill_counts(graph, peeled.learned)[0] / graph.n_texts
        differences["understood"].append(understood - predicted.understood)
    for what, values in differences.items():
        assert_mean(values, 0.0, skills=SKILLS, what=what)


@pytest.mark.parametrize("learner", [ONE, TWO, GEOMETRIC], ids=by_name)
def test_classes_predict_a_random_graph(learner: Learner) -> None:
    counts = [int(0.4 * SKILLS), SKILLS - int(0.4 * SKILLS)]
    result = evolve(TWO_CLASSES, learner)
    measured = []
    for rng in replicates(13):
        drawn = class_graph(TWO_CLASSES.mean_skills, [int(0.8 * SKILLS), int(0.7 * SKILLS)], counts, rng)
        peeled = learn(drawn.graph, learner, rng)
        measured.append([1.0 - peeled.learned[drawn.skill_class == k].mean() for k in (0, 1)])
    for k, values in enumerate(np.array(measured).T):
        assert_mean(values, result.unlearned_by_class[k], skills=counts[k], what=f"class {k}")


def test_joint_degrees_of_classes_matter_and_predict_a_random_graph() -> None:
    """Texts hold either only class-0 or only class-1 skills; measured means alone cannot tell."""
    half = SKILLS // 2
    differences = []
    for rng in replicates(14):
        first, second = (poisson_graph(c, int(R * half), half, rng) for c, R in ((2.0, 0.6), (4.0, 1.3)))
        text = np.concatenate([np.repeat(np.arange(g.n_texts), g.text_degrees) for g in (first, second)])
        text[first.n_edges :] += first.n_texts
        skill = np.concatenate([first.text_skills, second.text_skills + half])
        n_texts = first.n_texts + second.n_texts
        label = np.repeat([0, 1], half)
        joint = MultiClassEnsemble.from_labels(text, skill, np.zeros(n_texts, int), label)
        peeled = learn(SkillTextGraph.from_edges(text, skill, n_texts, 2 * half), ONE, rng)
        predicted = evolve(joint, ONE).unlearned_by_class
        differences.append([1.0 - peeled.learned[label == k].mean() - predicted[k] for k in (0, 1)])
        means_only = evolve(MultiClassEnsemble(joint.alpha, joint.ratios, joint.mean_skills), ONE)
        assert abs(means_only.unlearned_by_class[1] - predicted[1]) > 0.3
    for values in np.array(differences).T:
        assert_mean(values, 0.0, skills=half)


def test_testing_error_is_that_of_texts_left_out() -> None:
    """Half of the texts are read; of the other half, with the same degrees, so many are not understood."""
    differences = []
    for rng in replicates(15):
        graph = _uniform_degrees(rng)
        read = rng.permutation(graph.n_texts) < graph.n_texts // 2
        peeled = learn(graph.subset(read), TWO, rng)
        held_out = graph.subset(~read)
        measured = 1.0 - novel_skill_counts(held_out, peeled.learned)[0] / held_out.n_texts
        full = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
        half = Ensemble(full.text_degrees, full.skill_degrees.thinned(0.5))
        differences.append(measured - evolve(half, TWO).testing_error)
    assert_mean(differences, 0.0, skills=SKILLS)


def test_measure_agrees_on_understood_texts_of_the_poisson_ensemble() -> None:
    measured = measure(16, GEOMETRIC, lambda rng: poisson_graph(4.0, int(0.5 * SKILLS), SKILLS, rng))
    result = evolve(Ensemble.poisson(4.0, 0.5), GEOMETRIC)
    assert_mean(measured["learned"], result.learned, skills=SKILLS)
    assert_mean(measured["understood_texts"], result.understood, skills=SKILLS)


# Curves and the scaling law.


@pytest.mark.parametrize("learner", LEARNERS, ids=by_name)
def test_learned_fraction_curve_is_density_evolution_at_each_ratio(learner: Learner) -> None:
    ratios = np.concatenate([[0.0], np.linspace(0.05, 2.0, 40)])
    for c in (1.5, 4.0, 5.0):
        expected = [evolve(Ensemble.poisson(c, R), learner, max_iterations=30).learned for R in ratios]
        np.testing.assert_allclose(learned_fraction_curve(c, ratios, learner), expected, atol=1e-9)


def test_exit_curves_meet_at_the_fixed_point() -> None:
    ensemble = Ensemble.poisson(4.0, 0.6)
    curve = exit_curve(ensemble, TWO, points=20_001)
    last = curve.novel[np.flatnonzero(curve.gap <= 0.0)[-1]]
    assert last == pytest.approx(evolve(ensemble, TWO).unlearned, abs=1e-4)
    np.testing.assert_allclose(curve.taught, TWO.success(4.0 * curve.novel), rtol=1e-12)
    np.testing.assert_allclose(curve.novel_after, np.exp(-2.4 * curve.taught_grid), rtol=1e-12)
    regular = exit_curve(Ensemble.regular(6, 3), ONE, prior=0.4, points=11)
    np.testing.assert_allclose(regular.taught, (1.0 - regular.novel) ** 5, atol=1e-14)
    np.testing.assert_allclose(regular.novel_after, 0.4 * (1.0 - regular.taught_grid) ** 2, atol=1e-14)


def test_the_scaling_law_is_reached_for_many_texts() -> None:
    errors = [evolve(Ensemble.poisson(3.0, R), ONE).testing_error for R in (2.0, 4.0, 6.0)]
    relative = np.abs(np.array(errors) / de.asymptotic_error(3.0, np.array([2.0, 4.0, 6.0])) - 1.0)
    # The first correction is of the order c² R ε.
    assert np.all(relative < 3.0 * 9.0 * np.array([2.0, 4.0, 6.0]) * errors)
    assert relative[-1] < 1e-5


@pytest.mark.parametrize("learner", [ONE, TWO, GEOMETRIC], ids=by_name)
@pytest.mark.parametrize("error", [0.9, 0.5, 0.2, 1e-2, 1e-5])
def test_texts_for_error_are_enough_and_no_more(learner: Learner, error: float) -> None:
    c, skills = 5.0, 1_000
    ratio = texts_for_error(c, error, skills, learner) / skills
    assert evolve(Ensemble.poisson(c, ratio * (1.0 + 1e-7)), learner).testing_error <= error * (1.0 + 1e-5)
    assert evolve(Ensemble.poisson(c, ratio * (1.0 - 1e-5)), learner).testing_error > error


def test_texts_for_small_errors_follow_the_law() -> None:
    exact, law = (f(3.0, 1e-9, 1_000) for f in (texts_for_error, de.asymptotic_texts))
    assert exact == pytest.approx(law, rel=1e-6)
    assert law == pytest.approx(1_000 / 3.0 * math.log(3.0 / 1e-9))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: evolve(Ensemble.poisson(3.0, 1.0), ONE, prior=1.5), "from 0 to 1"),
        (lambda: evolve(Ensemble.regular(3, 3), PoissonLearner(ONE.success)), "Poisson number of skills"),
        (lambda: exit_curve(Ensemble.poisson(3.0, 1.0), ONE, points=1), "at least 2"),
        (lambda: learned_fraction_curve(3.0, [-1.0]), "not negative"),
        (lambda: texts_for_error(3.0, 0.0, 100), "between 0 and 1"),
        (lambda: texts_for_error(0.0, 0.1, 100), "positive"),
    ],
)
def test_bad_input_is_refused(call: Callable[[], object], match: str) -> None:
    with pytest.raises(AnalysisError, match=match):
        call()


def test_nothing_to_read_teaches_nothing() -> None:
    for ensemble in (Ensemble.poisson(3.0, 0.0), Ensemble.poisson(0.0, 2.0), Ensemble.from_degrees([0], [0, 0])):
        result = evolve(ensemble, ONE)
        assert result.learned == 0.0
        assert result.converged
    assert evolve(Ensemble.poisson(3.0, 0.0), ONE, prior=0.25).learned == 0.75
    assert learned_fraction_curve(0.0, [1.0, 2.0]).tolist() == [0.0, 0.0]


def test_skills_without_texts_are_never_learned() -> None:
    texts, skills = [1] * 60, [1] * 60 + [0] * 40
    assert evolve(Ensemble.from_degrees(texts, skills), ONE).learned == pytest.approx(0.6)
