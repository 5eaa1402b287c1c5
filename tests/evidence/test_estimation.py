"""Estimates of mastery, slip and guess: against enumeration, another package, and simulation."""

import numpy as np
import pytest

from analysis.deduction import deduce
from analysis.errors import AnalysisError
from analysis.evidence import estimate_mastery
from analysis.graph import SkillTextGraph
from tests.evidence.reference import enumerate_posterior, random_graph, simulate, understood_texts

NAN = float("nan")


@pytest.mark.parametrize("seed", range(6))
def test_enumeration_equals_going_through_every_state(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 11, 7, 1.8, least=0)
    scores = np.where(rng.random(11) < 0.2, NAN, rng.choice([0.0, 0.3, 1.0], 11))
    scores[np.flatnonzero(graph.text_degrees)[0]] = 1.0
    slip, guess, prior = rng.uniform(0.05, 0.4, 3)
    mastery, understood, log_likelihood = enumerate_posterior(graph, scores, slip, guess, prior)
    found = estimate_mastery(graph, scores, slip=slip, guess=guess, prior=prior, method="enumeration")
    np.testing.assert_allclose(found.mastery[0], mastery, rtol=1e-12)
    assert found.log_likelihood[0] == pytest.approx(log_likelihood, rel=1e-12)
    used = ~np.isnan(scores) & (graph.text_degrees > 0)
    np.testing.assert_allclose(found.understood[0, used], understood[used], rtol=1e-10)
    assert np.isnan(found.understood[0, ~used]).all()


def random_tree(rng, n_skills):
    """A factor graph without cycles: each text joins skills of different trees."""
    texts, skills, group = [], [], np.arange(n_skills)
    for t in range(3 * n_skills):
        size = rng.integers(1, 4)
        chosen = rng.permutation(n_skills)
        row = []
        for s in chosen:
            if len(row) < size and group[s] not in [group[r] for r in row]:
                row.append(s)
        if len(row) > 1:
            group[np.isin(group, group[row])] = group[row[0]]
        texts += [t] * len(row)
        skills += row
    return SkillTextGraph.from_edges(texts, skills, 3 * n_skills, n_skills)


@pytest.mark.parametrize("seed", range(6))
def test_propagation_is_exact_without_cycles(seed):
    rng = np.random.default_rng(seed)
    graph = random_tree(rng, 9)
    scores = rng.random(graph.n_texts).round(1)
    given = {"slip": 0.15, "guess": 0.1, "prior": 0.6}
    exact = estimate_mastery(graph, scores, method="enumeration", **given)
    loopy = estimate_mastery(graph, scores, method="propagation", **given)
    assert loopy.converged.all()
    np.testing.assert_allclose(loopy.mastery, exact.mastery, atol=1e-7)
    np.testing.assert_allclose(loopy.understood, exact.understood, atol=1e-7)
    assert loopy.log_likelihood == pytest.approx(exact.log_likelihood, abs=1e-6)


def test_propagation_stays_near_enumeration_with_cycles():
    """No bound is known; the mean error over 40 random graphs with many short cycles is held to 0.02."""
    errors, likelihoods = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        graph = random_graph(rng, 12 * (1 + seed % 4), 12, 2 + seed % 3)
        _, scores = simulate(rng, graph, 0.6, 0.1, 0.1)
        given = {"slip": 0.1, "guess": 0.1, "prior": 0.6}
        exact = estimate_mastery(graph, scores, method="enumeration", **given)
        loopy = estimate_mastery(graph, scores, method="propagation", **given)
        errors.append(np.abs(loopy.mastery - exact.mastery).mean())
        likelihoods.append(abs(loopy.log_likelihood[0] - exact.log_likelihood[0]))
    assert np.mean(errors) < 0.02
    assert np.mean(likelihoods) < 0.1


@pytest.mark.parametrize("noise", ["model", "shared", "text"])
def test_em_climbs_under_enumeration(noise):
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 40, 8, 2)
    scores = np.array([simulate(rng, graph, 0.6, 0.15, 0.2)[1] for _ in range(6)])
    found = estimate_mastery(graph, scores, noise=noise, method="enumeration", max_iterations=60)
    assert len(found.traces) == (6 if noise == "model" else 1)
    for trace in found.traces:
        assert len(trace) > 3
        assert np.diff(trace).min() > -1e-9
    assert found.slip.shape == ((40,) if noise == "text" else (6,))
    assert found.slip.max() + found.guess.max() < 2
    assert (found.slip + found.guess < 1).all()


def test_estimate_is_a_stationary_point_of_the_enumerated_likelihood():
    rng = np.random.default_rng(11)
    graph = random_graph(rng, 60, 6, 1.5)
    _, scores = simulate(rng, graph, 0.6, 0.15, 0.2)
    found = estimate_mastery(
        graph, scores, method="enumeration", pseudo_count=0.0, tolerance=1e-9, max_iterations=3_000
    )
    at = np.array([found.slip[0], found.guess[0], found.prior[0]])
    assert ((at > 0.02) & (at < 0.98)).all(), "an inner point, or its gradient need not vanish"
    best = enumerate_posterior(graph, scores, *at)[2]
    assert best == pytest.approx(found.log_likelihood[0], abs=1e-9)
    for k in range(3):
        for step in (-1e-3, 1e-3):
            beside = at.copy()
            beside[k] += step
            assert enumerate_posterior(graph, scores, *beside)[2] < best


def test_posterior_and_likelihood_of_several_models_equal_mirt():
    mirt_cdm = pytest.importorskip("mirt.models.cdm", reason="the package mirt is the independent implementation")
    rng = np.random.default_rng(3)
    graph = random_graph(rng, 30, 5, 1.7)
    q = np.zeros((30, 5), dtype=int)
    q[np.repeat(np.arange(30), graph.text_degrees), graph.text_skills] = 1
    slip, guess = rng.uniform(0.02, 0.45, (2, 30))
    scores = (rng.random((8, 30)) < 0.5).astype(int)
    scores[rng.random((8, 30)) < 0.1] = -1
    model = mirt_cdm.DINA(n_items=30, n_attributes=5, q_matrix=q).set_parameters(slip=slip, guess=guess)
    states = model.attribute_patterns
    prior = 0.7 ** states.sum(axis=1) * 0.3 ** (5 - states.sum(axis=1))
    found = estimate_mastery(
        graph, np.where(scores < 0, NAN, scores), noise="text", method="enumeration", slip=slip, guess=guess, prior=0.7
    )
    np.testing.assert_allclose(found.mastery, model.attribute_marginals(scores, prior), atol=1e-10)
    likelihood = np.log(np.exp(model.pattern_log_likelihoods(scores)) @ prior)
    np.testing.assert_allclose(found.log_likelihood, likelihood, atol=1e-10)


def test_em_of_each_texts_noise_equals_mirt_on_one_skill():
    """With one skill mirt's free distribution of states is our single prior: both find the same maximum."""
    mirt_cdm = pytest.importorskip("mirt.models.cdm", reason="the package mirt is the independent implementation")
    rng = np.random.default_rng(8)
    graph = SkillTextGraph.from_edges(np.arange(12), np.zeros(12, int), 12, 1)
    true_slip, true_guess = rng.uniform(0.05, 0.3, (2, 12))
    masters = rng.random(400) < 0.6
    chance = np.where(masters[:, None], 1 - true_slip, true_guess)
    scores = (rng.random((400, 12)) < chance).astype(int)
    model, states = mirt_cdm.fit_cdm(scores, np.ones((12, 1), int), max_iter=5_000, tol=1e-10)
    found = estimate_mastery(
        graph, scores.astype(float), noise="text", pseudo_count=0.0, tolerance=1e-8, max_iterations=5_000
    )
    np.testing.assert_allclose(found.slip, model.slip, atol=1e-4)
    np.testing.assert_allclose(found.guess, model.guess, atol=1e-4)
    assert found.prior[0] == pytest.approx(states[1], abs=1e-4)


@pytest.mark.parametrize(("slip", "guess"), [(0.02, 0.02), (0.1, 0.1), (0.1, 0.25), (0.3, 0.1), (0.25, 0.25)])
def test_recovery_of_slip_guess_and_mastery(slip, guess):
    rng = np.random.default_rng(17)
    graph = random_graph(rng, 6_000, 300, 2.0)
    mastered, scores = simulate(rng, graph, 0.8, slip, guess)
    found = estimate_mastery(graph, scores)
    assert found.method == "propagation"
    assert found.converged[0]
    assert found.bic_gain[0] > 0
    eta = understood_texts(graph, mastered)
    # Standard errors if the understood texts were known; EM does not know them, hence six instead of four of them.
    assert abs(found.slip[0] - slip) < 6 * np.sqrt(slip * (1 - slip) / eta.sum())
    assert abs(found.guess[0] - guess) < 6 * np.sqrt(guess * (1 - guess) / (~eta).sum())
    p = found.mastery[0]
    # Calibration: the truth is a draw from the posterior, so the sum of its deviations is within four of their spread.
    assert abs((mastered - p).sum()) < 4 * np.sqrt((p * (1 - p)).sum()) + 1
    sure = found.identified[0] & ((p > 0.99) | (p < 0.01))
    wrong = ((p > 0.5) != mastered)[sure].sum()
    expected = np.minimum(p, 1 - p)[sure].sum()
    assert wrong <= expected + 4 * np.sqrt(expected) + 1
    assert sure.sum() > 150


@pytest.mark.long
def test_recovery_of_each_texts_noise_from_many_models():
    """The bounds are absolute: eight standard errors with known states at 1,500 models, 8 / √3 of them at 500."""
    n_models = 500
    rng = np.random.default_rng(2)
    graph = SkillTextGraph.from_csr([0, 1, 2, 3, 5, 7, 9, 10, 11, 12], [0, 1, 2, 0, 1, 1, 2, 0, 2, 0, 1, 2], n_skills=3)
    slip, guess = rng.uniform(0.05, 0.3, (2, 9))
    drawn = [simulate(rng, graph, 0.6, slip, guess) for _ in range(n_models)]
    found = estimate_mastery(graph, np.array([scores for _, scores in drawn]), noise="text")
    eta = np.array([understood_texts(graph, mastered) for mastered, _ in drawn])
    # Twice the standard error with known states, times four: the states are estimated from nine texts only.
    within = 8 / np.sqrt(1_500 / n_models)
    assert (np.abs(found.slip - slip) < within * np.sqrt(slip * (1 - slip) / eta.sum(axis=0))).all()
    assert (np.abs(found.guess - guess) < within * np.sqrt(guess * (1 - guess) / (~eta).sum(axis=0))).all()
    assert abs(found.prior[0] - 0.6) < within * np.sqrt(0.6 * 0.4 / (n_models * 3))


def test_outcomes_without_skill_structure_are_told_apart():
    """Coin flips: the criterion must not find skills in them (it errs with a probability of about 1/√T a run)."""
    wrong = 0
    for seed in range(10):
        rng = np.random.default_rng(100 + seed)
        graph = random_graph(rng, 400, 20, 2)
        found = estimate_mastery(graph, (rng.random(400) < 0.4).astype(float))
        wrong += found.bic_gain[0] > 0
    assert wrong <= 2


def test_skills_that_no_text_identifies_are_said_to_be_so():
    #  0 mastered; 1 never attempted; 2 and 3 only together, lacking one; 4 only with 5, which is lacking
    texts = [[0]] * 5 + [[1]] + [[2, 3]] * 5 + [[5]] * 5 + [[4, 5]] * 5 + [[6, 7]] * 5
    graph = SkillTextGraph.from_csr(
        np.concatenate(([0], np.cumsum([len(t) for t in texts]))), np.concatenate(texts), n_skills=8
    )
    scores = np.array([1.0] * 5 + [NAN] + [0.0] * 5 + [0.0] * 5 + [0.0] * 5 + [1.0] * 5)
    found = estimate_mastery(graph, scores, slip=0.1, guess=0.1, prior=0.9)
    assert found.identified[0].tolist() == [True, False, False, False, False, True, True, True]
    assert found.mastery[0, 1] == pytest.approx(0.9), "the prior and nothing else"
    assert found.mastery[0, 4] > 0.5, "what the prior says is not a finding: the flag is what tells"
    assert found.informative[0].tolist() == [5, 0, 0, 0, 0, 10, 5, 5]


@pytest.mark.parametrize("seed", range(5))
def test_little_noise_becomes_deduction(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, 25, 12, 2.5)
    mastered, scores = simulate(rng, graph, 0.7, 0.0, 0.0)
    found = estimate_mastery(graph, scores, slip=1e-6, guess=1e-6, prior=0.5, method="enumeration")
    known = deduce(graph, scores == 1.0)
    assert not len(known.contradictions)
    assert (found.mastery[0][known.proved] > 0.999).all()
    assert (found.mastery[0][known.disproved] < 0.001).all()
    settled = found.identified[0] & ((found.mastery[0] > 0.999) | (found.mastery[0] < 0.001))
    assert (settled >= (known.proved | known.disproved)).all()
    assert (mastered[known.proved]).all()
    assert not (mastered[known.disproved]).any()


def test_slip_and_guess_never_exchange_their_meaning():
    """Solved exactly where a skill is lacking: the border is the best that the model allows."""
    graph = SkillTextGraph.from_csr([0, 1, 2, 3, 5, 7], [0, 1, 2, 0, 1, 1, 2], n_skills=3)
    for scores in ([0, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]):
        found = estimate_mastery(graph, np.array(scores, float), pseudo_count=0.0, max_iterations=500)
        assert found.slip[0] + found.guess[0] < 1
        assert np.isfinite(found.log_likelihood[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [1.0]}, "shape"),
        ({"scores": [1.0, 2.0]}, r"score \[0, 1\] is 2.0"),
        ({"scores": [NAN, NAN]}, "attempted no text"),
        ({"noise": "none"}, "noise 'none'"),
        ({"method": "guess"}, "method 'guess'"),
        ({"slip": 1.5}, "slip must be between 0 and 1"),
        ({"slip": 0.6, "guess": 0.5}, "sum to less than 1"),
        ({"pseudo_count": -1.0}, "pseudo_count"),
    ],
)
def test_bad_arguments_are_named(change, message):
    graph = SkillTextGraph.from_csr([0, 1, 2], [0, 1], n_skills=2)
    with pytest.raises(AnalysisError, match=message):
        estimate_mastery(graph, **{"scores": [1.0, 0.0], **change})


def test_a_component_too_large_to_enumerate_is_refused():
    graph = SkillTextGraph.from_csr([0, 21], np.arange(21), n_skills=21)
    with pytest.raises(AnalysisError, match="propagation"):
        estimate_mastery(graph, [1.0], method="enumeration")
