"""Forecasts on curves whose continuation is known, and on texts drawn from a known source."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.forecast import METHODS, SHARES, GrowthCurve, backtest, interval
from analysis.graph import SkillTextGraph
from analysis.peeling import peel


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
    low, high = interval(value.forecast(2.0, "growth"), found, "growth", value.learned[-1])
    twice, _ = (lambda g: (peel(g).n_learned, 0))(heaps_source(6_000, np.random.default_rng(3)))
    # Another draw of the source: the interval is for this one's continuation, so it is widened by 5 %.
    assert 0.95 * low <= twice <= 1.05 * high
    assert len(SHARES) == len(value.seen)


def test_interval_never_lies_below_what_is_learned() -> None:
    found = backtest(lambda chosen: (5.0, 9.0), np.arange(32), splits=3)
    low, high = interval(5.0, found, found.best, 5.0)
    assert 5.0 <= low <= high
