"""Judgement of predicted probabilities on outcomes that the fit has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

__all__ = [
    "Gain",
    "Quality",
    "area_under_curve",
    "calibration_by_chance",
    "calibration_error",
    "cross_validated",
    "gain",
    "item_means",
    "log_losses",
    "model_means",
    "quality",
]

Floats = npt.NDArray[np.float64]
Predictor = Callable[[Floats], Floats]
"""Probabilities (M, T) for every cell, from scores (M, T) with NaN where they are held out."""

_FLOOR = 1e-4


@dataclass(frozen=True)
class Quality:
    """How good probabilities are on n outcomes.

    Attributes:
        log_loss: Mean of −x ln p − (1−x) ln(1−p), in nats.
        auc: Area under the ROC curve; NaN if all outcomes are alike.
        calibration_error: Expected calibration error over ten bins of equal width.
        cells: Number of outcomes.
    """

    log_loss: float
    auc: float
    calibration_error: float
    cells: int


@dataclass(frozen=True)
class Gain:
    """By how much the mean log-loss of one set of probabilities is below that of another.

    Attributes:
        mean: In nats an outcome; above 0 the first is better.
        error: Standard error, outcomes of one text being counted as one observation.
    """

    mean: float
    error: float

    @property
    def beyond_noise(self) -> bool:
        """True if the gain is above 0 by more than 1.96 standard errors."""
        return self.mean > 1.96 * self.error and self.mean > 0.0


def area_under_curve(outcomes: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """P(a solved outcome has the higher probability than a failed one), ties counting half.

    A score x between 0 and 1 counts as x solved and 1 − x failed.

    Args:
        outcomes: float (n,), in 0–1.
        probabilities: float (n,).

    Returns:
        The area; NaN if nothing was solved or nothing failed.

    >>> area_under_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    x, p = np.asarray(outcomes, np.float64), np.asarray(probabilities, np.float64)
    _, place = np.unique(p, return_inverse=True)
    solved, failed = np.bincount(place, x), np.bincount(place, 1.0 - x)
    total = solved.sum() * failed.sum()
    if not total > 0.0:
        return float("nan")
    below = np.cumsum(failed) - failed
    return float((solved * (below + failed / 2.0)).sum() / total)


def log_losses(outcomes: npt.ArrayLike, probabilities: npt.ArrayLike) -> Floats:
    """−x ln p − (1−x) ln(1−p) of each outcome; p is kept within 10⁻⁴ of 0 and 1.

    Args:
        outcomes: float (n,), in 0–1.
        probabilities: float (n,), in 0–1.

    Returns:
        In nats, float (n,).

    >>> log_losses([1, 0], [0.5, 0.9]).round(3).tolist()
    [0.693, 2.303]
    """
    x = np.asarray(outcomes, np.float64)
    p = np.clip(np.asarray(probabilities, np.float64), _FLOOR, 1.0 - _FLOOR)
    losses: Floats = -(x * np.log(p) + (1.0 - x) * np.log1p(-p))
    return losses


def calibration_error(outcomes: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = 10) -> float:
    """Σ_b n_b/n · |mean outcome − mean probability| over bins of equal width.

    Args:
        outcomes: float (n,), in 0–1.
        probabilities: float (n,), in 0–1.
        bins: Number of bins.

    Returns:
        The error, in 0–1.

    >>> calibration_error([0, 1, 1, 1], [0.5, 0.5, 0.9, 0.9])
    0.05
    """
    x, p = np.asarray(outcomes, np.float64), np.asarray(probabilities, np.float64)
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    return round(float(np.abs(np.bincount(place, x - p, minlength=bins)).sum() / max(len(p), 1)), 12)


def calibration_by_chance(outcomes: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = 10) -> float:
    """About the calibration error that probabilities would show if they were exactly right.

    Σ_b √(2/π · D Σ_{i in b} p(1−p)) / n, the mean distance of a normal sum from its expectation in each bin; D is the
    dispersion Σ (x−p)² / Σ p(1−p), at most 1: below it for scores that are shares of several samples.

    Args:
        outcomes: float (n,), in 0–1.
        probabilities: float (n,), in 0–1.
        bins: Number of bins.

    Returns:
        The error, in 0–1; it falls with 1/√n.

    >>> even = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]
    >>> [round(calibration_by_chance([0, 1] * (n // 2), even * (n // 10)), 3) for n in (400, 4_000)]
    [0.05, 0.016]
    """
    x, p = np.asarray(outcomes, np.float64), np.asarray(probabilities, np.float64)
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    spread = p * (1.0 - p)
    dispersion = min(float(((x - p) ** 2).sum()) / max(float(spread.sum()), 1e-12), 1.0)
    each = np.sqrt(2.0 / np.pi * dispersion * np.bincount(place, spread, minlength=bins))
    return float(each.sum() / max(len(p), 1))


def quality(outcomes: npt.ArrayLike, probabilities: npt.ArrayLike) -> Quality:
    """Log-loss, area under the ROC curve and calibration error of probabilities.

    Args:
        outcomes: float (n,), in 0–1.
        probabilities: float (n,), in 0–1.

    Returns:
        All three.

    Raises:
        AnalysisError: There is no outcome.

    >>> found = quality([0, 1, 1, 1], [0.2, 0.6, 0.8, 0.9])
    >>> round(found.log_loss, 3), found.auc, round(found.calibration_error, 3)
    (0.266, 1.0, 0.225)
    """
    x, p = np.asarray(outcomes, np.float64), np.asarray(probabilities, np.float64)
    if not len(x):
        raise AnalysisError("there are no held-out outcomes to judge by")
    return Quality(float(log_losses(x, p).mean()), area_under_curve(x, p), calibration_error(x, p), len(x))


def gain(outcomes: npt.ArrayLike, better: npt.ArrayLike, plainer: npt.ArrayLike, texts: npt.ArrayLike) -> Gain:
    """Mean log-loss of `plainer` less that of `better`, with a standard error clustered by text.

    SE = √(G/(G−1) · Σ_t (Σ_i (d_i − d̄))²) / n over the G texts, d_i the difference on outcome i.

    Args:
        outcomes: float (n,).
        better: Probabilities, float (n,).
        plainer: Probabilities, float (n,).
        texts: The text of each outcome, int (n,).

    Returns:
        The gain.

    >>> found = gain([1, 0, 1], [0.9, 0.2, 0.8], [0.5, 0.5, 0.5], [0, 1, 2])
    >>> round(found.mean, 3), round(found.error, 3)
    (0.509, 0.039)
    """
    difference = log_losses(outcomes, plainer) - log_losses(outcomes, better)
    n = len(difference)
    if n == 0:
        return Gain(0.0, float("inf"))
    mean = float(difference.mean())
    _, place = np.unique(np.asarray(texts), return_inverse=True)
    sums = np.bincount(place, difference - mean)
    groups = len(sums)
    if groups < 2:
        return Gain(mean, float("inf"))
    return Gain(mean, float(np.sqrt(groups / (groups - 1.0) * (sums @ sums)) / n))


def cross_validated(
    scores: Floats,
    predictors: dict[str, Predictor],
    rng: np.random.Generator,
    *,
    folds: int = 5,
    used: int | None = None,
) -> Iterator[dict[str, Floats]]:
    """Predict each cell from the cells of the other folds.

    Cells are dealt to the folds at random, those of one model evenly, so that no model is held out whole.

    Args:
        scores: float (M, T), NaN where not attempted.
        predictors: Name → function of scores with held-out cells as NaN.
        rng: Deals the cells.
        folds: Number of folds, ≥ 2.
        used: Only so many folds are judged; None means all.

    Returns:
        An iterator.

    Yields:
        After each fold the probabilities so far, name → (M, T) with NaN where not (yet) judged; the same arrays
        each time.

    >>> rng = np.random.default_rng(0)
    >>> *_, last = cross_validated(np.array([[1.0, 0, 1, 1]]), {"mean": model_means}, rng, folds=2)
    >>> last["mean"].shape
    (1, 4)
    """
    if folds < 2:
        raise AnalysisError(f"cross-validation needs at least 2 folds, not {folds}")
    fold = np.full(scores.shape, -1, np.int8)
    for model, row in enumerate(scores):
        cells = rng.permutation(np.flatnonzero(~np.isnan(row)))
        fold[model, cells] = (np.arange(len(cells)) + model) % folds
    found = {name: np.full(scores.shape, np.nan) for name in predictors}
    for k in range(folds if used is None else min(used, folds)):
        held = fold == k
        seen = np.where(held, np.nan, scores)
        if held.any() and not np.isnan(seen).all():
            for name, predict in predictors.items():
                found[name][held] = predict(seen)[held]
        yield found


def model_means(scores: Floats) -> Floats:
    """Each model's mean score for all its cells, float (M, T): the plainest baseline.

    Args:
        scores: float (M, T), NaN where not attempted.

    Returns:
        Probabilities, float (M, T).

    >>> model_means(np.array([[1, 0, np.nan], [1, 1, 1]]))[:, 0].round(3).tolist()
    [0.6, 0.95]
    """
    tried = ~np.isnan(scores)
    overall = float(np.nanmean(scores))
    means = (np.where(tried, scores, 0.0).sum(axis=1) + overall) / (tried.sum(axis=1) + 1.0)
    return np.broadcast_to(means[:, None], scores.shape).copy()


def item_means(scores: Floats) -> Floats:
    """Each text's mean score over the models that attempted it, float (M, T), with one outcome at the overall mean.

    Args:
        scores: float (M, T), NaN where not attempted.

    Returns:
        Probabilities, float (M, T).

    >>> item_means(np.array([[1, 0, np.nan], [1, 1, 1]]))[0].round(3).tolist()
    [0.933, 0.6, 0.9]
    """
    tried = ~np.isnan(scores)
    overall = float(np.nanmean(scores))
    means = (np.where(tried, scores, 0.0).sum(axis=0) + overall) / (tried.sum(axis=0) + 1.0)
    return np.broadcast_to(means[None, :], scores.shape).copy()
