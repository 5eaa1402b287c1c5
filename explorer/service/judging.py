"""Fits judged on outcomes that they have not seen, beside plain baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.item_response import fit_item_response
from analysis.judgement import (
    Predictor,
    calibration_by_chance,
    cross_validated,
    gain,
    item_means,
    model_means,
    quality,
)
from explorer.service.outcomes import Outcomes
from explorer.store.protocol import Progress

__all__ = ["BASELINES", "JudgedFit", "Judgement", "judge"]

BASELINES = {
    "model mean": "one rate for each model",
    "item mean": "the mean of each text",
    "rasch": "ability and difficulty (Rasch)",
}
"""What a fit is judged beside, in words."""

_FOLDS = 5
_MOST_CELLS = 2_000_000  # beyond this only one of the folds is judged
_SEED = 20_260


@dataclass(frozen=True)
class JudgedFit:
    """How well one way of predicting does on held-out outcomes.

    Attributes:
        fit: `model mean`, `item mean`, `rasch` (ability and difficulty), or the fit that makes the layers.
        log_loss: Mean of −x ln p − (1−x) ln(1−p), in nats; smaller is better.
        auc: Area under the ROC curve; None if all outcomes are alike.
        calibration_error: Mean distance between probability and frequency over ten bins.
        behind: By how much its log-loss is above that of the fit that makes the layers; 0 for that fit itself.
        behind_error: Standard error of `behind`, outcomes of one text counting as one observation.
    """

    fit: str
    log_loss: float
    auc: float | None
    calibration_error: float
    behind: float = 0.0
    behind_error: float = 0.0

    @property
    def better(self) -> bool:
        """True if it predicts better than the fit that makes the layers, by more than 1.96 standard errors."""
        return self.behind < 0.0 and -self.behind > 1.96 * self.behind_error


@dataclass(frozen=True)
class Judgement:
    """Fits on the same held-out outcomes.

    Attributes:
        held_out: Number of outcomes predicted without being seen.
        fits: The baselines, then the fit.
        gain: By how much the fit's log-loss is below that of `rasch`: what skills add beyond difficulty.
        gain_error: Its standard error, outcomes of one text counting as one observation.
        skills_add: True if the gain is above 0 by more than 1.96 standard errors, no baseline is better than the fit
            by as much, and the outcomes are not all alike.
        calibration_by_chance: About the calibration error that the fit would show if its probabilities were exactly
            right: less cannot be seen with so many outcomes.
    """

    held_out: int
    fits: tuple[JudgedFit, ...]
    gain: float
    gain_error: float
    skills_add: bool
    calibration_by_chance: float

    @property
    def fitted(self) -> JudgedFit:
        """The fit itself, the last of `fits`."""
        return self.fits[-1]

    @property
    def better(self) -> tuple[str, ...]:
        """Baselines that predict better than the fit, beyond noise; none where the outcomes are all alike."""
        return () if self.alike else tuple(row.fit for row in self.fits if row.better)

    @property
    def alike(self) -> bool:
        """True if all held-out outcomes are alike: nothing can be judged by them."""
        return self.fitted.auc is None


def judge(
    outcomes: Outcomes,
    fit: str,
    predictor: Predictor,
    *,
    rasch: Predictor | None = None,
    item: Predictor | None = None,
    progress: Progress | None = None,
) -> Mapping[str, Judgement]:
    """Predict each outcome from the outcomes in the other folds, with the fit and with the baselines.

    Texts without skills are left out. Five folds of cells, those of each model dealt evenly; of more than two
    million outcomes one fold is judged.

    Args:
        outcomes: Of all models that the fit rests on.
        fit: Its name.
        predictor: The fit: probabilities (M, T) from scores (M, T); rows of NaN are not judged.
        rasch: Ability and difficulty alone; fitted to the seen outcomes by default.
        item: The mean of each text; by default over the seen outcomes.
        progress: Called after each fold.

    Returns:
        Model → judgement on its own held-out outcomes, and "" → on all of them. Models with too few outcomes are
        left out.
    """
    graph = outcomes.graph
    scores = np.where(graph.text_degrees > 0, outcomes.scores, np.nan)
    cells = int(np.count_nonzero(~np.isnan(scores)))
    used = 1 if cells > _MOST_CELLS else _FOLDS
    predictors: dict[str, Predictor] = {
        "model mean": model_means,
        "item mean": item or item_means,
        "rasch": rasch
        or (lambda seen: fit_item_response(outcomes.graph, seen, model="rasch").probability(outcomes.graph)),
    }
    if fit != "rasch":
        predictors[fit] = predictor
    found: dict[str, NDArray[np.float64]] = {}
    folds = cross_validated(scores, predictors, np.random.default_rng(_SEED), folds=_FOLDS, used=used)
    for done, probabilities in enumerate(folds):
        found = probabilities
        if progress is not None:
            progress(done + 1, used)
    judged = ~np.isnan(scores)
    for values in found.values():
        judged &= ~np.isnan(values)
    texts = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    result = {}
    for name, mask in [("", judged), *((model, _row(judged, k)) for k, model in enumerate(outcomes.models))]:
        if np.count_nonzero(mask) >= _FOLDS:
            result[name] = _judgement(scores[mask], {n: v[mask] for n, v in found.items()}, texts[mask])
    return result


def _row(mask: NDArray[np.bool_], row: int) -> NDArray[np.bool_]:
    only = np.zeros_like(mask)
    only[row] = mask[row]
    return only


def _judgement(
    outcomes: NDArray[np.float64], probabilities: Mapping[str, NDArray[np.float64]], texts: NDArray[np.int64]
) -> Judgement:
    if not probabilities:
        raise AnalysisError("there are no held-out outcomes to judge by")
    fits = []
    last = list(probabilities.values())[-1]
    for name, values in probabilities.items():
        found = quality(outcomes, values)
        auc = None if np.isnan(found.auc) else found.auc
        behind = gain(outcomes, last, values, texts)
        fits.append(JudgedFit(name, found.log_loss, auc, found.calibration_error, behind.mean, behind.error))
    added = gain(outcomes, last, probabilities["rasch"], texts)
    adds = added.beyond_noise and not any(row.better for row in fits) and fits[-1].auc is not None
    chance = calibration_by_chance(outcomes, last)
    return Judgement(len(outcomes), tuple(fits), added.mean, added.error, adds, chance)
