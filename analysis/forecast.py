"""What more texts of the same kind would teach: extrapolating how seen and learned skills grow, and testing it.

From random shares 1/8, 1/4, 1/2 and 1 of the texts there are mean numbers of seen skills u (required by some text) and
of learned ones y. Three forecasts for m doublings more:

- `last`: y stays as it is;
- `line`: the straight line in log R through the measured curve, by least squares;
- `growth`: seen skills grow by increments in geometric progression with ratio ρ = min(Δu / Δu before, 1), so
  u + Δu ρ (1 - ρ^m) / (1 - ρ), and the log odds of a seen skill being learned grow by the mean of their last two steps.

`growth` is bounded by the skills that are seen, and needs no fit. Its odds are those of shares on the same side of a
jump: where learning starts all at once, sets that did not start say nothing about how it goes on. Which forecast serves
a data set best is a question to the data: `backtest` forecasts all texts from random halves, and each half's interval
rests on halves of that half, so that the interval is tested as well as the forecast.
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
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Count = Callable[[Ints], tuple[float, float]]
Ahead = Callable[[Ints, float], float | None]

SHARES = (0.125, 0.25, 0.5, 1.0)
METHODS = ("growth", "line", "last")

_JUMP = 4.0
"""Learning has jumped if the learned share of the seen skills grew by more than this factor in one doubling."""
_INNER = 4
"""Halves of each half, for its interval."""


@dataclass(frozen=True, eq=False)
class GrowthCurve:
    """Mean numbers of skills for growing shares of the texts.

    Attributes:
        learned: y at `SHARES`, float64 (4,).
        seen: u at `SHARES`, float64 (4,).
        odds: Log odds of a seen skill being learned, float64 (4,), over the draws on the same side of a jump as all
            texts; NaN where there are none. Those of `learned` and `seen` if left out.
    """

    learned: Floats
    seen: Floats
    odds: Floats | None = None

    @classmethod
    def measure(cls, count: Count, texts: Ints, rng: np.random.Generator, replicates: int = 5) -> GrowthCurve:
        """The curve of some texts.

        Args:
            count: Numbers of learned and of seen skills from these texts.
            texts: Indices of the texts.
            rng: Draws the shares.
            replicates: Random subsets at each share below 1.
        """
        learned, seen = count(texts)
        means, odds = [], []
        for share in SHARES[:-1]:
            size = max(round(share * len(texts)), 1)
            draws = np.array([count(rng.permutation(texts)[:size]) for _ in range(replicates)])
            means.append(draws.mean(axis=0))
            same = _same_side(draws[:, 0], draws[:, 1], learned, seen, -float(np.log2(share)))
            odds.append(float(_log_odds(*draws[same].mean(axis=0))) if same.any() else np.nan)
        y, u = np.array([*means, (learned, seen)]).T
        return cls(y, u, np.array([*odds, float(_log_odds(learned, seen))]))

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
        odds = _log_odds(self.learned, self.seen) if self.odds is None else self.odds
        known = 1 + int(np.argmin([*np.isfinite(odds[-2::-1]), False]))  # shares up to the first one beyond a jump
        steps = min(known - 1, 2)
        step = float(odds[-1] - odds[-1 - steps]) / steps if steps else 0.0
        return self.seen_at(factor) / (1.0 + float(np.exp(-(odds[-1] + max(step, 0.0) * doublings))))

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
        seen: Skills that all texts require.
        forecasts: For each method its forecasts, float64 (splits,).
        forecasts_seen: Of the skills that all texts require, float64 (splits,).
        same_side: Bool (splits,), halves on the same side of a jump as all texts.
        errors: For each method its mean absolute error, in skills.
        best: The method with the smallest error; `growth` if it is as good as any.
        low: Lower end of each half's own interval, float64 (splits,); empty if none were made.
        high: Its upper end.
    """

    truth: float
    seen: float
    forecasts: Mapping[str, Floats]
    forecasts_seen: Floats
    same_side: Bools
    errors: Mapping[str, float]
    best: str
    low: Floats
    high: Floats

    @property
    def covered(self) -> int:
        """Number of halves whose own interval holds the truth."""
        return int(np.count_nonzero((self.low <= self.truth + 0.5) & (self.truth - 0.5 <= self.high)))


def backtest(
    count: Count,
    texts: Ints,
    *,
    splits: int = 8,
    replicates: int = 5,
    seed: int = 0,
    ahead: Ahead | None = None,
    intervals: bool = True,
) -> Backtest:
    """Fit each method on random halves of the texts and hold it against all of them.

    Args:
        count: As for `GrowthCurve.measure`.
        texts: Indices of the texts.
        splits: Random halves.
        replicates: As for `GrowthCurve.measure`.
        seed: Of the halves.
        ahead: What `factor` times as many texts like these would teach in a random graph; None if that is not asked,
            or if random graphs are no guide for these texts.
        intervals: Also give each half the interval that would have been printed for it, from a backtest within it.

    Returns:
        Forecasts, errors and intervals.

    >>> found = backtest(lambda chosen: (len(chosen) / 2, float(len(chosen))), np.arange(64), splits=2)
    >>> found.truth, found.best, found.covered
    (32.0, 'growth', 2)
    """
    return _backtest(count, texts, splits, replicates, np.random.SeedSequence([seed, 2]), ahead, intervals)


def _backtest(
    count: Count,
    texts: Ints,
    splits: int,
    replicates: int,
    seeds: np.random.SeedSequence,
    ahead: Ahead | None,
    intervals: bool,
) -> Backtest:
    truth, seen = count(texts)
    rows: list[list[float]] = []
    ends: list[tuple[float, float]] = []
    halves: list[tuple[float, float]] = []
    for stream in seeds.spawn(splits):
        rng = np.random.default_rng(stream)
        half = rng.permutation(texts)[: max(len(texts) // 2, 1)]
        curve = GrowthCurve.measure(count, half, rng, replicates)
        factor = len(texts) / len(half)
        rows.append([*(curve.forecast(factor, method) for method in METHODS), curve.seen_at(factor)])
        halves.append((float(curve.learned[-1]), float(curve.seen[-1])))
        if intervals:
            inner = _backtest(count, half, _INNER, min(replicates, 2), stream, None, False)
            ends.append(interval(curve, factor, inner, None if ahead is None else ahead(half, factor)))
    values = np.array(rows).T
    found = dict(zip(METHODS, values, strict=False))
    errors = {method: float(np.mean(np.abs(of - truth))) for method, of in found.items()}
    y, u = np.array(halves).T
    low, high = np.array(ends).reshape(-1, 2).T
    best = min(METHODS, key=errors.__getitem__)
    return Backtest(truth, seen, found, values[-1], _same_side(y, u, truth, seen, 1.0), errors, best, low, high)


def interval(
    curve: GrowthCurve, factor: float, test: Backtest, ahead: float | None = None, level: float = 0.9
) -> tuple[float, float]:
    """Where the number of learned skills lies with probability `level`, by how far off the backtest was.

    Half of the texts are to all of them what all of them are to twice as many. Therefore log(truth / forecast) of the
    backtest's n halves is taken as normal about 0 (a bias counts as spread): forecast · exp(± t_n e √m) for m ≤ 1
    doublings, t_n e m for more, with e the root of their mean square and of one skill's. What is learned now is a lower
    bound, what will be seen (with its own error) an upper one. Halves beyond a jump do not count; where fewer than two
    are left, only these bounds are known. A jump that lies ahead leaves no trace in the backtest; if random graphs
    learn more, the interval reaches up to that, and up to all that will be seen if they jump.

    Args:
        curve: Of the texts there are.
        factor: How many times as many texts.
        test: Backtest of these texts.
        ahead: Learned skills of a random graph of so many texts; None if it is not known.
        level: Probability.

    Returns:
        Low and high, in skills.

    >>> curve = GrowthCurve(np.array([10.0, 20.0, 30.0, 40.0]), np.array([80.0, 80.0, 80.0, 80.0]))
    >>> parts = lambda chosen: (len(chosen) / 2, 80.0)
    >>> low, high = interval(curve, 2.0, backtest(parts, np.arange(80), splits=2))
    >>> low <= curve.forecast(2.0, "line") <= high
    True
    """
    doublings = float(np.log2(factor))
    scale = np.sqrt(doublings) if doublings < 1.0 else doublings
    least, most = float(curve.learned[-1]), curve.seen_at(factor)

    def width(truth: float, forecasts: Floats, now: float) -> float:
        off = np.log((truth + 1.0) / (np.maximum(forecasts, 0.0) + 1.0))
        error = np.sqrt(np.mean(off**2) + np.log1p(1.0 / (now + 1.0)) ** 2)
        return float(student.ppf(0.5 + level / 2.0, len(off)) * error * scale)

    fewest = most
    if most > curve.seen[-1]:
        spread = float(np.exp(width(test.seen, test.forecasts_seen, most)))
        fewest, most = max(most / spread, float(curve.seen[-1])), most * spread
    if np.count_nonzero(test.same_side) < 2:
        return least, most
    value = min(max(curve.forecast(factor, test.best), least), curve.seen_at(factor))
    wide = float(np.exp(width(test.truth, test.forecasts[test.best][test.same_side], value)))
    low = min((value + 1.0) / wide - 1.0, value * fewest / curve.seen_at(factor))
    high = (value + 1.0) * wide - 1.0
    if ahead is not None and ahead > high:
        jumps = not _same_side(curve.learned[-1:], curve.seen[-1:], ahead, float(curve.seen[-1]), 1.0)[0]
        high = most if jumps else ahead
    return max(low, least), min(high, most)


def _log_odds(learned: npt.ArrayLike, seen: npt.ArrayLike) -> Floats:
    """Log odds of a seen skill being learned, kept finite by half a skill on either side."""
    share = np.clip((np.asarray(learned, float) + 0.5) / (np.asarray(seen, float) + 1.0), 1e-9, 1.0 - 1e-9)
    return np.asarray(np.log(share) - np.log1p(-share))


def _same_side(learned: Floats, seen: Floats, all_learned: float, all_seen: float, doublings: float) -> Bools:
    """Draws that no jump parts from all texts, which are so many doublings more."""
    whole = (all_learned + 0.5) / (all_seen + 1.0)
    return np.asarray((learned + 0.5) / (seen + 1.0) * _JUMP**doublings >= whole)
