"""What a layer would learn from more texts of the same source, with a test of the forecast itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.forecast import METHODS, GrowthCurve, backtest, interval
from analysis.typed_sampling import rewire
from explorer.errors import SkillgraphError
from explorer.service.outlook import GUIDE, Outlook, outlook
from explorer.service.stages import Training, layer_training
from explorer.store.protocol import LayerInfo, Store

__all__ = ["METHOD_NAMES", "Forecast", "ForecastMethod", "forecast", "parse_factor"]

METHOD_NAMES: Mapping[str, str] = {
    "growth": "growth of seen skills and of their odds",
    "line": "straight line in log R",
    "last": "last value",
}
_MOST = 64.0
_ROOM = 300_000
_MOST_EDGES = 2_000_000
_SEEDS = 0.02
"""Share of the seen skills (but at least five skills) that is given to see whether learning only waits for a start."""
_STARTED = 0.25
"""Learning has started if this share of the other seen skills was learned, and four times what is learned unaided."""


@dataclass(frozen=True)
class ForecastMethod:
    """One way to forecast.

    Attributes:
        method: `growth`, `line` or `last`.
        learned: Skills learned from the texts of the forecast.
        error: Mean absolute error in the backtest, in skills.
        bias: Mean of forecast less truth there.
    """

    method: str
    learned: float
    error: float
    bias: float


@dataclass(frozen=True)
class Forecast:
    """Learned skills if more texts came from the same source; unseen skills are counted.

    Attributes:
        layer: The layer.
        factor: How many times as many texts.
        texts: Number of texts then (of the layer's last training).
        learned_now: Skills learned now.
        seen_now: Skills that the texts require now.
        learned: Forecast of the method that did best in the backtest.
        low: Lower end of the 90 % interval.
        high: Upper end.
        seen: Skills that the texts would require.
        method: The method.
        methods: All methods with their backtest.
        beats: True if `growth` did better in the backtest than both naive methods.
        truth: Skills learned from all texts, which the backtest is held against.
        covered: Halves whose own 90 % interval, made from the half alone, held `truth`.
        splits: Number of random halves in the backtest.
        seed: Of the halves.
        sentence: What came out, for people.
        outlook: How far the layer is from a jump; None if no random graphs describe it.
    """

    layer: LayerInfo
    factor: float
    texts: int
    learned_now: int
    seen_now: int
    learned: float
    low: float
    high: float
    seen: float
    method: str
    methods: tuple[ForecastMethod, ...]
    beats: bool
    truth: int
    covered: int
    splits: int
    seed: int
    sentence: str
    outlook: Outlook | None = None


def parse_factor(text: str) -> float:
    """How many times as many texts, from `2x` or `2`.

    Raises:
        SkillgraphError: Not a number from above 1 to 64.
    """
    try:
        factor = float(text.strip().lower().removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 1.0 < factor <= _MOST:
        raise SkillgraphError(
            f"--to is {text!r}; give how many times as many texts, such as 2x; it must be above 1 and at most 64x"
        )
    return factor


def forecast(
    store: Store, dataset: str, layer: str, *, factor: float = 2.0, splits: int = 8, seed: int = 0
) -> Forecast:
    """Forecast what a layer would learn from `factor` times as many texts of its last training.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        factor: How many times as many texts.
        splits: Number of random halves in the backtest.
        seed: Of all draws.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: The layer was estimated from outcomes, or has fewer than 16 texts; or `factor` is not above 1
            and at most 64.
    """
    if not 1.0 < factor <= _MOST:
        raise SkillgraphError(f"factor {factor:g} must be above 1 and at most {_MOST:g}: how many times as many texts")
    training = layer_training(store, dataset, layer)
    graph = training.graph
    reads = np.flatnonzero(training.stages[-1].reads).astype(np.int64)
    if len(reads) < 16:
        raise SkillgraphError(
            f"layer {layer!r} was taught by {len(reads)} texts: too few for a forecast, which needs at least 16"
        )
    earlier = training.read_before

    def count(chosen: NDArray[np.int64]) -> tuple[float, float]:
        out = training.stages[-1].reads.copy()
        out[chosen] = False
        learned = training.learn(graph, np.random.default_rng(seed), without=out)
        there = np.flatnonzero(earlier | (training.stages[-1].reads & ~out))
        seen = np.unique(graph.subset(there).text_skills)
        return float(learned[seen].sum()), float(len(seen))

    def ahead(chosen: NDArray[np.int64], times: float) -> float | None:
        return _ahead(training, chosen, times, count(chosen), np.random.default_rng([seed, 4]))

    replicates = 5 if graph.n_edges <= _ROOM else 2
    curve = GrowthCurve.measure(count, reads, np.random.default_rng([seed, 3]), replicates)
    test = backtest(count, reads, splits=splits, replicates=replicates, seed=seed, ahead=ahead)
    rows = tuple(
        ForecastMethod(
            method=method,
            learned=float(np.clip(curve.forecast(factor, method), curve.learned[-1], curve.seen_at(factor))),
            error=test.errors[method],
            bias=float(np.mean(test.forecasts[method])) - test.truth,
        )
        for method in METHODS
    )
    best = next(row for row in rows if row.method == test.best)
    beats = all(test.errors["growth"] < test.errors[naive] for naive in ("line", "last"))
    low, high = interval(curve, factor, test, ahead(reads, factor))
    view = outlook(
        store, dataset, layer, training, factor=factor, learned=float(curve.learned[-1]), seen=float(curve.seen[-1])
    )
    if view is not None and view.jump is not None:
        high = max(high, min(view.reached, curve.seen_at(factor)))
    found = Forecast(
        layer=training.view.info,
        factor=factor,
        texts=round(factor * len(reads)),
        learned_now=int(curve.learned[-1]),
        seen_now=int(curve.seen[-1]),
        learned=best.learned,
        low=low,
        high=high,
        seen=curve.seen_at(factor),
        method=test.best,
        methods=rows,
        beats=beats,
        truth=int(test.truth),
        covered=test.covered,
        splits=splits,
        seed=seed,
        sentence="",
        outlook=view,
    )
    return Forecast(**{**vars(found), "sentence": _sentence(found)})


def _ahead(
    training: Training,
    chosen: NDArray[np.int64],
    factor: float,
    now: tuple[float, float],
    rng: np.random.Generator,
) -> float | None:
    """What a random graph with `factor` times as many texts of the last stage learns, every skill in as many more.

    None if random graphs are no guide: with the texts there are, they learn something else. If a few known skills start
    learning that does not start by itself, what they lead to counts.
    """
    learned, seen = now
    last = training.stages[-1]
    before = np.setdiff1d(np.flatnonzero(training.read_before), chosen)

    def drawn(times: float, seeds: int = 0) -> float:
        whole = int(times)
        part = rng.permutation(chosen)[: round((times - whole) * len(chosen))]
        rows = np.concatenate([before, *[chosen] * whole, part])
        first = np.arange(len(rows)) < len(before) + len(chosen)
        own = np.arange(len(rows)) >= len(before)
        graph = rewire(training.graph.subset(rows), training.roles, rng, text_class=training.text_class[rows])
        stages = [replace(stage, reads=stage.reads[rows] & first) for stage in training.stages[:-1]]
        there = np.flatnonzero(graph.skill_degrees)
        known = last.known.copy()
        known[rng.permutation(there)[:seeds]] = True
        stages.append(replace(last, reads=own, known=known))
        return float(replace(training, stages=tuple(stages)).learn(graph, rng).sum())

    if abs(drawn(1.0) - learned) > max(GUIDE * seen, 5.0):
        return None
    most = max(min(factor, _MOST_EDGES / max(training.graph.n_edges, 1)), 1.0)
    seeds = max(round(_SEEDS * seen), 5)
    by_itself, started = drawn(most), drawn(most, seeds)
    return started if started - seeds > max(4.0 * by_itself, _STARTED * (seen - seeds)) else by_itself


def _sentence(found: Forecast) -> str:
    said = (
        f"From {found.factor:g} times as many texts of this kind, about {found.learned:,.0f} skills would be learned "
        f"(90 % interval {found.low:,.0f} to {found.high:,.0f}), of about {found.seen:,.0f} that they require; now "
        f"the layer has learned {found.learned_now:,} of {found.seen_now:,}."
    )
    errors = {row.method: row.error for row in found.methods}
    if found.beats:
        said += (
            f" In the backtest this forecast was off by {errors['growth']:,.1f} skills, the straight line by "
            f"{errors['line']:,.1f}, the last value by {errors['last']:,.1f}."
        )
    elif found.method == "growth":
        said += " In the backtest the simple forecasts were as accurate."
    else:
        said += (
            f" This is the {METHOD_NAMES[found.method]}: in the backtest it was off by {errors[found.method]:,.1f} "
            f"skills, less than the growth of seen skills ({errors['growth']:,.1f}), which is less accurate here."
        )
    said += f" Intervals made from a half alone held what all texts teach in {found.covered} of {found.splits} halves."
    return f"{said} {_jump_sentence(found.outlook, found.factor)}"


def _jump_sentence(view: Outlook | None, factor: float) -> str:
    """Whether learning may jump, which no extrapolation foresees."""
    if view is None:
        return "No random graphs that were tried learn what this layer learned, so a jump ahead would not be foreseen."
    graphs = "with these degrees" if view.types == 1 else f"that keep {view.types} types of skills"
    if view.jump is not None:
        said = (
            f"A jump may lie ahead: at about {view.jump:.2f} times as many texts, random graphs {graphs} go from "
            f"{view.before or 0.0:,.0f} to {view.after or 0.0:,.0f} learned skills, and reach {view.reached:,.0f} with "
            f"{factor:g} times as many (largest eigenvalue now {view.eigenvalue:.2f}, 1 at the jump). The forecast "
            "itself does not foresee it; the interval reaches beyond it."
        )
    elif view.started is not None:
        said = (
            f"Some skills wait for a start: in random graphs {graphs} learning stops where it is not stable (largest "
            f"eigenvalue {view.eigenvalue:.2f}, above 1), and a few known skills of the right types, or texts that "
            f"require them alone, would lead to about {view.started:,.0f} learned skills."
        )
    elif view.near:
        said = (
            f"The layer stands near a jump: where random graphs {graphs} stop, learning is hardly stable (largest "
            f"eigenvalue {view.eigenvalue:.2f}, 1 at a jump)."
        )
    else:
        said = f"No jump is in sight: random graphs {graphs} learn gradually more up to {factor:g} times as many texts."
    if view.passed is not None:
        said += f" They jumped at about {view.passed:.0%} of these texts, so some halves may lie before that jump."
    return said
