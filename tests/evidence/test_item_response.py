"""Ability, difficulty and skills: recovery and coverage in simulation, and what held-out outcomes say on real ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.item_response import Precisions, fit_item_response, place, skill_rates
from analysis.judgement import (
    area_under_curve,
    calibration_by_chance,
    calibration_error,
    cross_validated,
    gain,
    item_means,
    model_means,
    quality,
)
from explorer.arrays import index_dataset
from tests.evidence.families import cruxeval


def simulated(
    rng: np.random.Generator, models: int, texts: int, skills: int, deviation: float
) -> tuple[SkillTextGraph, np.ndarray, np.ndarray]:
    """A graph, the true probabilities and outcomes of 0 and 1."""
    degrees = rng.integers(1, 4, texts)
    required = [np.sort(rng.choice(skills, size, replace=False)) for size in degrees]
    graph = SkillTextGraph.from_csr(
        np.concatenate(([0], np.cumsum(degrees))), np.concatenate(required), n_skills=skills
    )
    ability, difficulty = rng.normal(size=models), rng.normal(size=texts) * 1.8
    effects = rng.normal(size=(models, skills)) * deviation + rng.normal(size=skills) * 0.3
    odds = np.array([ability - difficulty[t] + effects[:, required[t]].sum(axis=1) for t in range(texts)]).T
    p = special.expit(odds)
    return graph, p, (rng.random(p.shape) < p).astype(float)


def test_the_mode_is_that_of_another_optimiser() -> None:
    """The penalised likelihood written out and climbed by BFGS on a small problem."""
    rng = np.random.default_rng(3)
    graph, _, x = simulated(rng, 4, 12, 3, 0.5)
    x[0, 3] = np.nan
    at = Precisions(0.7, 0.4, 3.0, 5.0)
    found = fit_item_response(graph, x, precisions=at)
    q = np.zeros((12, 3))
    q[np.repeat(np.arange(12), graph.text_degrees), graph.text_skills] = 1.0

    def odds(u: np.ndarray) -> np.ndarray:
        mu, theta, eps, beta, delta = u[0], u[1:5], u[5:17], u[17:20], u[20:].reshape(4, 3)
        return mu + theta[:, None] + eps + q @ beta + delta @ q.T

    def loss(u: np.ndarray) -> float:
        o, seen = odds(u), ~np.isnan(x)
        fit = np.logaddexp(0, o[seen]) - x[seen] * o[seen]
        prior = 0.01 * u[0] ** 2 + 0.7 * u[1:5] @ u[1:5] + 0.4 * u[5:17] @ u[5:17] + 3 * u[17:20] @ u[17:20]
        return float(fit.sum() + 0.5 * (prior + 5 * u[20:] @ u[20:]))

    mode = optimize.minimize(loss, np.zeros(32), method="BFGS", options={"gtol": 1e-6}).x
    assert found.log_odds(graph) == pytest.approx(odds(mode), abs=0.03)


def test_a_fit_started_from_another_ends_where_one_started_from_nothing_does() -> None:
    """What judging a fit rests on: a fold begun at the fit to all outcomes knows no more of those held out."""
    rng = np.random.default_rng(9)
    graph, _, x = simulated(rng, 20, 500, 12, 0.3)
    whole = fit_item_response(graph, x)
    seen = np.where(rng.random(x.shape) < 0.2, np.nan, x)
    for model in ("rasch", "rasch+skills", "additive"):
        cold = fit_item_response(graph, seen, model=model)
        warm = fit_item_response(graph, seen, model=model, start=whole)
        odds = np.abs(warm.log_odds(graph) - cold.log_odds(graph))
        # Two ends of the search for the pooling differ by its tolerance, 5 %, and by no more.
        assert odds.mean() < 0.02
        assert warm.precisions.difficulty == pytest.approx(cold.precisions.difficulty, rel=0.1)
        fixed = fit_item_response(graph, seen, model=model, precisions=cold.precisions, start=whole)
        assert fixed.log_odds(graph) == pytest.approx(cold.log_odds(graph), abs=0.03)
    with pytest.raises(AnalysisError, match="20 models, 500 texts and 12 skills, not of 19, 500 and 12"):
        fit_item_response(graph, seen[1:], start=whole)


@pytest.mark.long
def test_intervals_of_solve_rates_cover_and_pooling_is_recovered() -> None:
    """Of 3 × 300 intervals 95 % cover, within three standard errors of a binomial (± 2.2 %)."""
    rng = np.random.default_rng(0)
    covered, pooling = [], []
    for _ in range(3):
        graph, p, x = simulated(rng, 20, 600, 15, 0.3)
        fit = fit_item_response(graph, x)
        rates = skill_rates(graph, x, fit)
        q = np.zeros((600, 15))
        q[np.repeat(np.arange(600), graph.text_degrees), graph.text_skills] = 1.0
        truth = p @ q / q.sum(axis=0)
        covered.append((rates.low <= truth) & (truth <= rates.high))
        pooling.append(fit.precisions.deviation)
    assert 0.928 <= np.mean(covered) <= 0.972
    assert 1 / np.sqrt(np.median(pooling)) == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("models", [1, 8, *(pytest.param(models, marks=pytest.mark.long) for models in (2, 3))])
def test_intervals_cover_with_few_models_and_few_texts_of_each_skill(models: int) -> None:
    """Five texts a skill: how hard these very texts are is part of the uncertainty, and the larger one for few models.

    At least 93 % and at most 98 %, and three standard errors of a binomial with the models of a skill counted once.
    """
    covered = []
    for seed in range(5):
        graph, p, x = simulated(np.random.default_rng(seed), models, 150, 60, 0.3)
        rates = skill_rates(graph, x, fit_item_response(graph, x))
        q = np.zeros((150, 60))
        q[np.repeat(np.arange(150), graph.text_degrees), graph.text_skills] = 1.0
        tested = q.sum(axis=0) > 0
        truth = (p @ q)[:, tested] / q.sum(axis=0)[tested]
        covered.append(((rates.low[:, tested] <= truth) & (truth <= rates.high[:, tested])).mean())
    assert 0.93 - 3 * np.sqrt(0.05 * 0.95 / 300) <= np.mean(covered) <= min(0.98 + 3 * np.sqrt(0.05 * 0.95 / 300), 1.0)


def test_without_deviations_they_are_pooled_away() -> None:
    graph, _, x = simulated(np.random.default_rng(1), 20, 600, 15, 0.0)
    fit = fit_item_response(graph, x)
    assert 1 / np.sqrt(fit.precisions.deviation) < 0.12
    assert np.abs(fit.deviation).mean() < 0.1


def test_another_model_is_placed_without_moving_the_texts() -> None:
    rng = np.random.default_rng(2)
    graph, p, x = simulated(rng, 21, 400, 8, 0.3)
    fit = fit_item_response(graph, x[:20])
    placed = place(graph, x[20:], fit)
    assert placed.difficulty is fit.difficulty
    assert np.abs(placed.probability(graph)[0] - p[20]).mean() < 0.12
    again = place(graph, x[:1], fit)
    assert again.level[0] == pytest.approx(fit.level[0], abs=0.2)


def test_one_model_alone_and_outcomes_all_alike_have_a_fit() -> None:
    graph, _, x = simulated(np.random.default_rng(5), 3, 40, 4, 0.3)
    alone = fit_item_response(graph, x[0])
    assert (alone.difficulty_error == 0).all()
    for same in (0.0, 1.0):
        assert np.isfinite(fit_item_response(graph, np.full((2, 40), same)).probability(graph)).all()
    with pytest.raises(AnalysisError, match="no outcome"):
        fit_item_response(graph, np.full((2, 40), np.nan))
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        fit_item_response(graph, np.full((1, 40), 2.0))


def test_measures_against_their_definitions() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(400).round(2)
    x = (rng.random(400) < p).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in p[x == 1] for b in p[x == 0]]
    assert area_under_curve(x, p) == pytest.approx(np.mean(pairs))
    assert calibration_error(x, p) < 0.12
    assert gain(x, p, p, np.arange(400)).mean == 0.0
    better = gain(x, p, np.full(400, x.mean()), np.arange(400))
    d = -np.log(np.where(x == 1, x.mean(), 1 - x.mean()))
    q = np.clip(p, 1e-4, 1 - 1e-4)
    d = d + np.log(np.where(x == 1, q, 1 - q))
    assert (better.mean, better.error) == pytest.approx((d.mean(), d.std(ddof=1) / 20))
    assert better.beyond_noise


@pytest.mark.parametrize(("n", "samples"), [(400, 1), (4_000, 1), (4_000, 10)])
def test_exact_probabilities_show_the_calibration_error_of_chance(n: int, samples: int) -> None:
    """The mean over 200 draws of outcomes, within four standard errors and a twentieth of the normal approximation."""
    rng = np.random.default_rng(n + samples)
    p = rng.beta(1.0, 2.0, n)
    draws = [rng.binomial(samples, p) / samples for _ in range(200)]
    shown = np.array([calibration_error(x, p) for x in draws])
    expected = np.mean([calibration_by_chance(x, p) for x in draws])
    assert shown.mean() == pytest.approx(expected, rel=0.05, abs=4.0 * shown.std() / np.sqrt(200))


def test_held_out_cells_are_never_seen() -> None:
    rng = np.random.default_rng(0)
    x = (rng.random((6, 50)) < 0.5).astype(float)
    x[2, :10] = np.nan
    seen = []

    def spy(scores: np.ndarray) -> np.ndarray:
        seen.append(~np.isnan(scores))
        return model_means(scores)

    (*_, found) = cross_validated(x, {"spy": spy}, np.random.default_rng(1))
    assert (~np.isnan(found["spy"]) == ~np.isnan(x)).all()
    held = [~s & ~np.isnan(x) for s in seen]
    assert (np.sum(held, axis=0) == ~np.isnan(x)).all(), "each cell is held out once"


@pytest.mark.long
@pytest.mark.shared_data
def test_held_out_fifth_of_cruxeval() -> None:
    data = cruxeval()
    indexed = index_dataset(data)
    models = sorted(set(data.attempts["model"].to_pylist()))
    x = np.full((len(models), indexed.graph.n_texts), np.nan)
    texts = {text: k for k, text in enumerate(indexed.text_ids.to_pylist())}
    for row in data.attempts.to_pylist():
        x[models.index(row["model"]), texts[row["text"]]] = row["score"]
    graph = indexed.graph

    def fitted(scores: np.ndarray) -> np.ndarray:
        return fit_item_response(graph, scores).probability(graph)

    predictors = {"irt": fitted, "item": item_means, "model": model_means}
    found = next(cross_validated(x, predictors, np.random.default_rng(7)))
    held = ~np.isnan(found["irt"])
    quality_of = {name: quality(x[held], found[name][held]) for name in found}
    assert quality_of["irt"].auc >= 0.905
    assert quality_of["irt"].log_loss <= 0.400
    assert quality_of["irt"].calibration_error <= 0.02
    assert quality_of["item"].auc == pytest.approx(0.868, abs=0.008)
    assert quality_of["model"].auc == pytest.approx(0.636, abs=0.008)
