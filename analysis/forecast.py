"""What more texts of the same kind would teach: extrapolating how seen and learned skills grow, and testing it.

From random shares 1/8, 1/4, 1/2 and 1 of the texts there are mean numbers of seen skills u (required by some text) and
of learned ones y. Three forecasts for m doublings more:

- `last`: y stays as it is;
- `line`: the straight line in log R through the measured curve, by least squares;
- `growth`: seen skills grow by increments in geometric progression with ratio ρ = min(Δu / Δu before, 1), so
  u + Δu ρ (1 - ρ^m) / (1 - ρ), and the log odds of a seen skill being learned grow by the mean of their last two steps.

`growth` is bounded by the skills that are seen, and needs no fit. Which one serves a data set best is a question to the
data: `backtest` forecasts all texts from random halves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from analysis.errors import AnalysisError

__all__ = ["METHODS", "SHARES", "Backtest", "GrowthCurve", "backtest", "interval"]

Floats = npt.NDArray[np.float64]

SHARES = (0.125, 0.25, 0.5, 1.0)
METHODS = ("growth", "line", "last")


@dataclass(frozen=True, eq=False)
class GrowthCurve:
    """Mean numbers of skills for growing shares of the texts.

    Attributes:
        learned: y at `SHARES`, float64 (4,).
        seen: u at `SHARES`, float64 (4,).
    """

    learned: Floats
    seen: Floats

    @classmethod
    def measure(
        cls,
        count: Callable[[npt.NDArray[np.int64]], tuple[float, float]],
        texts: npt.NDArray[np.int64],
        rng: np.random.Generator,
        replicates: int = 5,
    ) -> GrowthCurve:
        """The curve of some texts.

        Args:
            count: Numbers of learned and of seen skills from these texts.
            texts: Indices of the texts.
            rng: Draws the shares.
            replicates: Random subsets at each share below 1.
        """
        means = []
        for share in SHARES:
            size = max(round(share * len(texts)), 1)
            draws = [count(rng.permutation(texts)[:size]) for _ in range(1 if share == 1.0 else replicates)]
            means.append(np.mean(draws, axis=0))
        learned, seen = np.array(means).T
        return cls(learned, seen)

    def forecast(self, factor: float, method: str) -> float:
        """Number of learned skills from `factor` times as many texts.

        Args:
            factor: At least 1.
            method: One of `METHODS`.

        Raises:
            AnalysisError: Another method, or a factor below 1.

        >>> steady = GrowthCurve(np.array([10.0, 20.0, 30.0, 40.0]), np.array([80.0, 80.0, 80.0, 80.0]))
        >>> steady.forecast(2.0, "last"), round(steady.forecast(2.0, "line"), 6)
        (40.0, 50.0)
        """
        if not factor >= 1.0:
            raise AnalysisError(f"a forecast is for at least as many texts as there are, not {factor:g} times as many")
        doublings = float(np.log2(factor))
        if method == "last":
            return float(self.learned[-1])
        if method == "line":
            slope, level = np.polyfit(np.log2(SHARES), self.learned, 1)
            return float(level + slope * doublings)
        if method != "growth":
            raise AnalysisError(f"method {method!r} is not one of {', '.join(METHODS)}")
        if self.learned[-1] == 0.0:
            return 0.0
        seen = self.seen_at(factor)
        share = np.clip((self.learned + 0.5) / (self.seen + 1.0), 1e-9, 1.0 - 1e-9)
        odds = np.log(share) - np.log1p(-share)
        step = 0.5 * float(odds[-1] - odds[-3])
        return float(seen / (1.0 + np.exp(-(odds[-1] + max(step, 0.0) * doublings))))

    def seen_at(self, factor: float) -> float:
        """Number of skills that `factor` times as many texts require."""
        doublings = float(np.log2(factor))
        before, last = float(self.seen[-2] - self.seen[-3]), float(self.seen[-1] - self.seen[-2])
        if last <= 0.0:
            return float(self.seen[-1])
        ratio = min(last / before, 1.0) if before > 0.0 else 1.0
        steps = doublings if ratio == 1.0 else ratio * (1.0 - ratio**doublings) / (1.0 - ratio)
        return float(self.seen[-1]) + last * steps


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts of all texts from random halves.

    Attributes:
        truth: Learned skills from all texts.
        forecasts: For each method its forecasts, float64 (splits,).
        errors: For each method its mean absolute error, in skills.
        best: The method with the smallest error; `growth` if it is as good as any.
    """

    truth: float
    forecasts: Mapping[str, Floats]
    errors: Mapping[str, float]
    best: str


def backtest(
    count: Callable[[npt.NDArray[np.int64]], tuple[float, float]],
    texts: npt.NDArray[np.int64],
    *,
    splits: int = 8,
    replicates: int = 5,
    seed: int = 0,
) -> Backtest:
    """Fit each method on random halves of the texts and hold it against all of them.

    Args:
        count: As for `GrowthCurve.measure`.
        texts: Indices of the texts.
        splits: Random halves.
        replicates: As for `GrowthCurve.measure`.
        seed: Of the halves.

    Returns:
        Forecasts and errors.

    >>> found = backtest(lambda chosen: (len(chosen) / 2, float(len(chosen))), np.arange(64), splits=2)
    >>> found.truth, found.best
    (32.0, 'growth')
    """
    truth, _ = count(texts)
    forecasts: dict[str, list[float]] = {method: [] for method in METHODS}
    for stream in np.random.SeedSequence([seed, 2]).spawn(splits):
        rng = np.random.default_rng(stream)
        half = rng.permutation(texts)[: max(len(texts) // 2, 1)]
        curve = GrowthCurve.measure(count, half, rng, replicates)
        for method in METHODS:
            forecasts[method].append(curve.forecast(len(texts) / len(half), method))
    found = {method: np.array(values) for method, values in forecasts.items()}
    errors = {method: float(np.mean(np.abs(values - truth))) for method, values in found.items()}
    return Backtest(truth, found, errors, min(METHODS, key=errors.__getitem__))


def interval(value: float, test: Backtest, method: str, least: float, level: float = 0.9) -> tuple[float, float]:
    """Where the truth lies with probability `level`, by how far the backtest's forecasts were off.

    Logarithms of truth / forecast are taken as normal with their mean and spread over n splits:
    exp(mean ± t_{n-1} s √(1 + 1/n)). Splits share texts, so the spread is, if anything, too small.

    Args:
        value: The forecast.
        test: Its backtest.
        method: Its method.
        least: What is learned already: learning never falls.
        level: Probability.

    Returns:
        Low and high, in skills.

    >>> test = Backtest(110.0, {"last": np.array([100.0, 100.0])}, {"last": 10.0}, "last")
    >>> [round(end) for end in interval(200.0, test, "last", 0.0)]
    [220, 220]
    """
    off = np.log((test.truth + 1.0) / (np.maximum(test.forecasts[method], 0.0) + 1.0))
    n = len(off)
    spread = float(np.std(off, ddof=1)) * np.sqrt(1.0 + 1.0 / n) if n > 1 else 0.0
    width = float(student.ppf(0.5 + level / 2.0, max(n - 1, 1))) * spread
    centre = float(np.mean(off))
    low, high = ((value + 1.0) * np.exp(centre + side * width) - 1.0 for side in (-1.0, 1.0))
    return max(float(low), least), max(float(high), least)
