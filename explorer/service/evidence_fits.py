"""The ways to estimate skills from outcomes: item response, conjunctive with shared noise, diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import scipy  # its parts are imported when they are first asked for
from numpy.typing import NDArray

from analysis.diagnosis import Diagnosis, diagnose
from analysis.evidence import Evidence, Method, estimate_mastery
from analysis.item_response import (
    ItemResponse,
    Precisions,
    ResponseModel,
    SkillRates,
    fit_item_response,
    place,
    skill_rates,
)
from analysis.judgement import Predictor, item_means
from explorer.errors import SkillgraphError
from explorer.service.outcomes import Outcomes
from explorer.store.protocol import Scalar

__all__ = [
    "RESPONSE_FITS",
    "Calibrated",
    "Fit",
    "SkillEstimate",
    "calibrate",
    "conjunctive_estimates",
    "conjunctive_predictor",
    "diagnostic_estimates",
    "diagnostic_predictor",
    "grouped",
    "response_estimates",
    "response_predictors",
]

Floats = NDArray[np.float64]
Fit = Literal["irt", "additive", "dina", "dino", "gdina"]

RESPONSE_FITS: Mapping[str, ResponseModel] = {"irt": "rasch+skills", "additive": "additive"}
"""Fits of the item response family, and the model each stands for."""


@dataclass(frozen=True, eq=False)
class SkillEstimate:
    """What a fit says about one model's S skills.

    Attributes:
        mastery: Probability, float64 (S,).
        identified: Bool (S,): the outcomes can tell.
        informative: Number of informative texts, int32 (S,).
        understood: Bool (T,): texts that speak for their skills if solved.
        figures: Further parameters of the layer.
        rates: Solve rates; None for the conjunctive fits.
        row: The model's row in `rates`.
    """

    mastery: Floats
    identified: NDArray[np.bool_]
    informative: NDArray[np.int32]
    understood: NDArray[np.bool_]
    figures: Mapping[str, Scalar] = field(default_factory=dict)
    rates: SkillRates | None = None
    row: int = 0


# Item response ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Difficulties of texts, fitted to the outcomes of the models that calibrate them.

    Attributes:
        outcomes: Of these models.
        fit: Theirs.
        rates: Their solve rates by skill.
    """

    outcomes: Outcomes
    fit: ItemResponse
    rates: SkillRates

    def placed(self, outcomes: Outcomes) -> Calibrated:
        """Other models (or the same) on this scale; nothing of it changes."""
        own = self.outcomes.models
        if all(model in own for model in outcomes.models):
            rows = [own.index(model) for model in outcomes.models]
            return Calibrated(outcomes, _rows_of_fit(self.fit, rows), _rows_of_rates(self.rates, rows))
        fit = place(outcomes.graph, outcomes.scores, self.fit)
        return Calibrated(outcomes, fit, skill_rates(outcomes.graph, outcomes.scores, fit))


def calibrate(outcomes: Outcomes, model: ResponseModel, precisions: Precisions | None = None) -> Calibrated:
    """Fit an item response model; with given precisions the same outcomes give the same figures again."""
    if precisions is None:
        precisions = fit_item_response(outcomes.graph, outcomes.scores, model=model).precisions
    fit = fit_item_response(outcomes.graph, outcomes.scores, model=model, precisions=precisions)
    return Calibrated(outcomes, fit, skill_rates(outcomes.graph, outcomes.scores, fit))


def _rows_of_fit(fit: ItemResponse, rows: Sequence[int]) -> ItemResponse:
    return ItemResponse(
        model=fit.model,
        intercept=fit.intercept,
        ability=fit.ability[list(rows)],
        level=fit.level[list(rows)],
        level_error=fit.level_error[list(rows)],
        difficulty=fit.difficulty,
        difficulty_error=fit.difficulty_error,
        skill_ease=fit.skill_ease,
        deviation=fit.deviation[list(rows)],
        precisions=fit.precisions,
        log_likelihood=fit.log_likelihood,
        converged=fit.converged,
    )


def _rows_of_rates(rates: SkillRates, rows: Sequence[int]) -> SkillRates:
    names = ("rate", "error", "low", "high", "expected", "observed", "attempted")
    return SkillRates(**{name: getattr(rates, name)[list(rows)] for name in names}, texts=rates.texts)


def response_estimates(found: Calibrated, solve_rate: float) -> list[SkillEstimate]:
    """One for each model of a placed fit; mastered is a skill whose solve rate is at least `solve_rate`."""
    mastery = found.rates.mastery(solve_rate)
    probability = found.fit.probability(found.outcomes.graph)
    estimates = []
    for row in range(len(found.outcomes.models)):
        attempted = found.rates.attempted[row]
        figures: dict[str, Scalar] = {
            "ability": float(found.fit.level[row]),
            "ability_error": float(found.fit.level_error[row]),
            "pool_ability": found.fit.precisions.ability,
            "pool_difficulty": found.fit.precisions.difficulty,
            "pool_skill": found.fit.precisions.skill,
            "pool_deviation": found.fit.precisions.deviation,
            "converged": found.fit.converged,
        }
        estimates.append(
            SkillEstimate(
                mastery=np.where(attempted > 0, mastery[row], np.nan),
                identified=attempted > 0,
                informative=attempted.astype(np.int32),
                understood=probability[row] >= 0.5,
                figures=figures,
                rates=found.rates,
                row=row,
            )
        )
    return estimates


def response_predictors(
    outcomes: Outcomes, model: ResponseModel, calibrated: Calibrated
) -> tuple[Predictor, Predictor, Predictor | None]:
    """Predictors of the fit, of Rasch and of the item mean; the last None for that of `judge`.

    The models that calibrate are fitted again to what is seen, beginning at the fit to all outcomes. Others are
    placed on the scale of `calibrated`, and the baselines rest on its models too.
    """
    graph = outcomes.graph
    if outcomes.models == calibrated.outcomes.models:
        whole = calibrated.fit
        return (
            lambda seen: fit_item_response(graph, seen, model=model, start=whole).probability(graph),
            lambda seen: fit_item_response(graph, seen, model="rasch", start=whole).probability(graph),
            None,
        )
    plain = fit_item_response(calibrated.outcomes.graph, calibrated.outcomes.scores, model="rasch")
    means = item_means(calibrated.outcomes.scores)[:1]
    return (
        lambda seen: place(graph, seen, calibrated.fit).probability(graph),
        lambda seen: place(graph, seen, plain).probability(graph),
        lambda seen: np.broadcast_to(means, seen.shape),
    )


# Conjunctive, slip and guess shared by texts ----------------------------------------------------------------


def grouped(chosen: Sequence[str], bases: Mapping[str, str | None], noise: str) -> list[list[int]]:
    """Places of the models that are estimated together.

    Raises:
        SkillgraphError: Unknown noise.
    """
    if noise not in ("family", "model", "shared", "text"):
        raise SkillgraphError(f"noise {noise!r} is not one of family, model, shared, text")
    groups: dict[str, list[int]] = {}
    for spot, model in enumerate(chosen):
        root = model
        while noise == "family" and (base := bases.get(root)) is not None:
            root = base
        groups.setdefault(root if noise in ("family", "model") else "", []).append(spot)
    return list(groups.values())


def conjunctive_estimates(
    outcomes: Outcomes,
    groups: Sequence[Sequence[int]],
    noise: str,
    method: Method,
    progress: Callable[[int, int], None] | None = None,
) -> list[SkillEstimate]:
    """DINA with slip and guess of each group of models (or of each text, `noise` being `text`)."""
    done, estimates = 0, {}
    for group in groups:
        if progress is not None:
            progress(done, len(outcomes.models))
        found = estimate_mastery(
            outcomes.graph, outcomes.scores[list(group)], noise="text" if noise == "text" else "shared", method=method
        )
        for row, spot in enumerate(group):
            estimates[spot] = _of_evidence(found, row, outcomes.used(spot))
        done += len(group)
    return [estimates[spot] for spot in range(len(outcomes.models))]


def _of_evidence(found: Evidence, row: int, used: NDArray[np.bool_]) -> SkillEstimate:
    slip, guess = (
        float(values[used].mean() if found.noise == "text" else values[row]) for values in (found.slip, found.guess)
    )
    return SkillEstimate(
        mastery=found.mastery[row],
        identified=found.identified[row],
        informative=found.informative[row],
        understood=np.nan_to_num(found.understood[row]) >= 0.5,
        figures={
            "method": found.method,
            "slip": slip,
            "guess": guess,
            "prior": float(found.prior[row]),
            "log_likelihood": float(found.log_likelihood[row]),
            "null_log_likelihood": float(found.null_log_likelihood[row]),
            "bic_gain": float(found.bic_gain[row]),
            "converged": bool(found.converged[row]),
        },
    )


def conjunctive_predictor(outcomes: Outcomes, groups: Sequence[Sequence[int]], noise: str, method: Method) -> Predictor:
    """P(solved) = guess + (1 − slip − guess) · ∏ mastery of the text's skills."""
    graph = outcomes.graph
    starts = graph.text_ptr[:-1]

    def predict(seen: Floats) -> Floats:
        probability = np.full(seen.shape, np.nan)
        for group in groups:
            rows = list(group)
            if not ((~np.isnan(seen[rows])) & (graph.text_degrees > 0)).any(axis=1).all():
                continue
            found = estimate_mastery(graph, seen[rows], noise="text" if noise == "text" else "shared", method=method)
            for k, row in enumerate(rows):
                logs = np.append(np.log(np.maximum(found.mastery[k][graph.text_skills], 1e-12)), 0.0)
                together = np.exp(np.add.reduceat(logs, starts))
                slip, guess = (v if noise == "text" else v[k] for v in (found.slip, found.guess))
                probability[row] = guess + (1.0 - slip - guess) * together
        return probability

    return predict


# Diagnostic, slip and guess of each text --------------------------------------------------------------------


def diagnostic_estimates(outcomes: Outcomes, structure: Literal["dina", "dino", "gdina"]) -> list[SkillEstimate]:
    """DINA, DINO or G-DINA over all classes of at most twelve skills, each model a respondent."""
    found = diagnose(outcomes.graph, outcomes.scores, structure=structure)
    return [_of_diagnosis(outcomes, found, row) for row in range(len(outcomes.models))]


def _of_diagnosis(outcomes: Outcomes, found: Diagnosis, row: int) -> SkillEstimate:
    used, tested = outcomes.used(row), outcomes.tested(row)
    own = np.where(used, np.nan_to_num(outcomes.scores[row]), 0.0)
    p = np.clip(np.nan_to_num(found.probability[row], nan=0.5), 1e-9, 1 - 1e-9)
    likelihood = float(np.sum(np.where(used, own * np.log(p) + (1 - own) * np.log1p(-p), 0.0)))
    rate = float(np.clip(own[used].mean(), 1e-9, 1 - 1e-9))
    null = float(used.sum() * (scipy.special.xlogy(rate, rate) + scipy.special.xlogy(1 - rate, 1 - rate)))
    text_of = np.repeat(np.arange(outcomes.graph.n_texts), outcomes.graph.text_degrees)
    texts = np.bincount(outcomes.graph.text_skills, used[text_of], minlength=outcomes.graph.n_skills)
    return SkillEstimate(
        mastery=found.mastery[row],
        identified=tested,
        informative=texts.astype(np.int32),
        understood=p >= 0.5,
        figures={
            "method": found.classes,
            "slip": float(found.slip[used].mean()),
            "guess": float(found.guess[used].mean()),
            "prior": float(found.prior.mean()),
            "log_likelihood": likelihood,
            "null_log_likelihood": null,
            "bic_gain": None,
            "fit_log_likelihood": found.log_likelihood,
            "fit_bic": found.bic,
            "converged": found.converged,
        },
    )


def diagnostic_predictor(outcomes: Outcomes, structure: Literal["dina", "dino", "gdina"]) -> Predictor:
    """P(solved) under the posterior of the classes."""
    return lambda seen: diagnose(outcomes.graph, seen, structure=structure).probability
