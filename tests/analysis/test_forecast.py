"""Forecasts on curves whose continuation is known, and on texts drawn from a known source."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.forecast import METHODS, SHARES, GrowthCurve, backtest, interval
from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.typed_sampling import rewire


def curve(learned: list[float], seen: list[float]) -> GrowthCurve:
    return GrowthCurve(np.array(learned), np.array(seen))


def test_seen_skills_grow_by_increments_in_geometric_progression() -> None:
    # u = 100 - 80 · 2^(-i): increments halve, so the next ones are 5 and 2.5.
    found = curve([1, 2, 3, 4], [20.0, 60.0, 80.0, 90.0])
    assert found.seen_at(2.0) == pytest.approx(95.0)
    assert found.seen_at(4.0) == pytest.approx(97.5)
    assert curve([1, 1, 1, 1], [10.0, 10.0, 10.0, 10.0]).seen_at(8.0) == 10.0
    # Increments that grow are not taken to go on growing.
    assert curve([1, 1, 1, 1], [1.0, 2.0, 4.0, 8.0]).seen_at(2.0) == 12.0


def test_each_method_continues_what_it_assumes() -> None:
    seen = [1000.0] * 4
    straight = curve([100.0, 150.0, 200.0, 250.0], seen)
    assert straight.forecast(2.0, "line") == pytest.approx(300.0)
    assert straight.forecast(4.0, "line") == pytest.approx(350.0)
    assert straight.forecast(2.0, "last") == 250.0
    odds = np.array([0.1, 0.2, 0.4, 0.8])
    doubling = curve((1001.0 * odds / (1.0 + odds) - 0.5).tolist(), seen)
    assert doubling.forecast(2.0, "growth") == pytest.approx(1000.0 * 1.6 / 2.6, rel=1e-6)
    assert doubling.forecast(1.0, "growth") == pytest.approx(doubling.learned[-1], abs=1.0)
    assert doubling.forecast(1e6, "growth") <= 1000.0
    with pytest.raises(AnalysisError, match="at least as many"):
        doubling.forecast(0.5, "last")
    with pytest.raises(AnalysisError, match="not one of growth, line, last"):
        doubling.forecast(2.0, "guess")


def test_nothing_learned_is_forecast_as_nothing() -> None:
    none = curve([0.0] * 4, [20.0] * 4)
    assert none.forecast(2.0, "last") == 0.0
    assert none.forecast(2.0, "growth") == 0.0


def heaps_source(texts: int, rng: np.random.Generator) -> SkillTextGraph:
    """Texts of one to three skills of a Zipf-like source, so that new skills never end."""
    sizes = rng.integers(1, 4, texts)
    skill = np.minimum(rng.zipf(1.6, sizes.sum()), 10**7)
    numbers = np.unique(skill, return_inverse=True)[1]
    return SkillTextGraph.from_edges(np.repeat(np.arange(texts), sizes), numbers, texts, int(numbers.max()) + 1)


def test_growth_beats_the_naive_forecasts_where_new_skills_keep_coming() -> None:
    graph = heaps_source(3_000, np.random.default_rng(0))

    def count(chosen: np.ndarray) -> tuple[float, float]:
        part = graph.subset(chosen)
        return float(peel(part).n_learned), float(np.count_nonzero(part.skill_degrees))

    found = backtest(count, np.arange(graph.n_texts), splits=4, replicates=3, seed=1)
    assert found.best == "growth"
    assert found.errors["growth"] < 0.8 * min(found.errors["line"], found.errors["last"])
    assert set(found.forecasts) == set(METHODS)
    value = GrowthCurve.measure(count, np.arange(graph.n_texts), np.random.default_rng(2), 3)
    low, high = interval(value, 2.0, found)
    twice, _ = (lambda g: (peel(g).n_learned, 0))(heaps_source(6_000, np.random.default_rng(3)))
    # Another draw of the source: the interval is for this one's continuation, so it is widened by 5 %.
    assert 0.95 * low <= twice <= 1.05 * high
    assert len(SHARES) == len(value.seen)


def test_interval_never_lies_below_what_is_learned_nor_above_what_is_seen() -> None:
    found = backtest(lambda chosen: (5.0, 9.0), np.arange(32), splits=3)
    low, high = interval(curve([5.0] * 4, [9.0] * 4), 2.0, found)
    assert 5.0 <= low <= 5.0 + 1e-9
    assert high <= 9.0
    assert found.covered == 3


def test_halves_beyond_a_jump_say_nothing_about_how_learning_goes_on() -> None:
    def count(chosen: np.ndarray) -> tuple[float, float]:
        started = len(chosen) >= 100 or (len(chosen) > 40 and chosen.min() == 0)
        return (90.0 if started else 0.0), 100.0

    texts = np.arange(100)
    found = backtest(count, texts, splits=12, seed=1)
    assert 2 <= np.count_nonzero(found.same_side) < 12
    assert np.all((found.forecasts["last"] == 90.0) == found.same_side)
    measured = GrowthCurve.measure(count, texts, np.random.default_rng(0))
    assert measured.forecast(2.0, "growth") == pytest.approx(90.0, abs=1.0)  # the jump is no growth
    low, high = interval(measured, 2.0, found)
    assert (low, high) == (90.0, pytest.approx(94.0, abs=3.0))
    # If none of the halves has started, they give no error, and only the bounds are known.
    none = backtest(lambda chosen: (90.0 * (len(chosen) == 100), 100.0), texts, splits=4, intervals=False)
    assert interval(measured, 2.0, none) == (90.0, 100.0)
    # What random graphs learn beyond a jump counts as possible.
    still = backtest(lambda chosen: (0.0, 100.0), texts, splits=4)
    flat = curve([0.0] * 4, [100.0] * 4)
    assert interval(flat, 2.0, still)[1] < 4.0
    assert interval(flat, 2.0, still, 80.0) == (0.0, 100.0)


def edges(text: np.ndarray, skill: np.ndarray, texts: int) -> SkillTextGraph:
    pairs = np.unique(np.stack([text, skill]), axis=1)
    numbers = np.unique(pairs[1], return_inverse=True)[1]
    return SkillTextGraph.from_edges(pairs[0], numbers, texts, int(numbers.max()) + 1)


def closed_source(texts: int, rng: np.random.Generator) -> SkillTextGraph:
    """A closed vocabulary, all of it seen, where only 1 text in 500 requires one skill and can start learning."""
    sizes = np.where(rng.random(texts) < 0.002, 1, rng.integers(3, 9, texts))
    weight = 1.0 / np.arange(1, 131)
    return edges(np.repeat(np.arange(texts), sizes), rng.choice(130, sizes.sum(), p=weight / weight.sum()), texts)


def bursts_source(texts: int, rng: np.random.Generator) -> SkillTextGraph:
    """Topics of some 20 texts with 8 rare skills each, which come together, over 60 common ones."""
    topic, common, own = rng.integers(0, texts // 20, texts), rng.integers(1, 4, texts), rng.integers(0, 5, texts)
    rare = 60 + np.repeat(topic, own) * 8 + np.minimum(rng.geometric(0.3, own.sum()) - 1, 7)
    text = np.concatenate([np.repeat(np.arange(texts), common), np.repeat(np.arange(texts), own)])
    return edges(text, np.concatenate([rng.zipf(1.5, common.sum()) % 60, rare]), texts)


def random_source(skills: int, mean: float) -> Callable[[int, np.random.Generator], SkillTextGraph]:
    def make(texts: int, rng: np.random.Generator) -> SkillTextGraph:
        sizes = rng.poisson(mean, texts)
        return edges(np.repeat(np.arange(texts), sizes), rng.integers(0, skills, sizes.sum()), texts)

    return make


SOURCES = {
    "closed": (closed_source, 800),
    "zipf": (heaps_source, 800),
    "bursts": (bursts_source, 800),
    "random": (random_source(1_000, 2.0), 750),
    "before a jump": (random_source(600, 4.0), 500),
    "after a jump": (random_source(600, 4.0), 1_100),
    "few texts": (heaps_source, 24),
}


@pytest.mark.parametrize(("seeds", "most"), [((0,), 5), pytest.param((0, 1), 8, marks=pytest.mark.long)])
def test_intervals_hold_the_truth_of_known_sources(seeds: tuple[int, ...], most: int) -> None:
    """90 % intervals on seven kinds of sources, for 1.1, 2 and 5 times as many texts, of one draw or two.

    With 90 % coverage more than 5 misses of 21, and more than 8 of 42, have a probability of 1.4 % and 2.1 %.
    """
    missed, splits, covered = [], 0, 0
    for name, (make, texts) in SOURCES.items():
        for factor in (1.1, 2.0, 5.0):
            for seed in seeds:
                rng = np.random.default_rng([seed, 7])
                pool = make(round(texts * factor), rng)

                def count(chosen: np.ndarray, pool: SkillTextGraph = pool) -> tuple[float, float]:
                    part = pool.subset(chosen)
                    return float(peel(part).n_learned), float(np.count_nonzero(part.skill_degrees))

                def ahead(chosen: np.ndarray, times: float, pool: SkillTextGraph = pool) -> float | None:
                    return random_graphs_learn(pool.subset(chosen), times)

                here = rng.permutation(pool.n_texts)[:texts]
                test = backtest(count, here, splits=4, replicates=2, seed=seed, ahead=ahead)
                measured = GrowthCurve.measure(count, here, rng, 2)
                low, high = interval(measured, factor, test, ahead(here, factor))
                truth, _ = count(np.arange(pool.n_texts))
                assert measured.learned[-1] <= low <= high
                if not low - 0.5 <= truth <= high + 0.5:
                    missed.append((name, factor, seed, low, high, truth))
                splits, covered = splits + 4, covered + test.covered
    assert len(missed) <= most, missed
    assert covered >= 0.85 * splits


def random_graphs_learn(graph: SkillTextGraph, times: float) -> float | None:
    """The service's idea in short: graphs with the same degrees, where they are a guide, with a few known skills."""
    rng, one = np.random.default_rng(0), np.zeros(graph.n_skills, int)
    seen = np.flatnonzero(graph.skill_degrees)
    if abs(peel(rewire(graph, one, rng)).n_learned - peel(graph).n_learned) > max(0.1 * len(seen), 5):
        return None
    rows = np.resize(np.arange(graph.n_texts), round(times * graph.n_texts))
    known = np.zeros(graph.n_skills, bool)
    known[rng.permutation(seen)[: max(len(seen) // 20, 5)]] = True
    many = rewire(graph.subset(rows), one, rng)
    by_itself, started = float(peel(many).n_learned), float(peel(many, known=known).n_learned)
    return started if started > 4.0 * (by_itself + known.sum()) else by_itself
