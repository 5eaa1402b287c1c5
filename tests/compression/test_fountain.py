"""LT codes over the erasure channel, decoded by peeling: values, published figures, density evolution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.communication import (
    erasure_channel,
    ideal_soliton,
    lt_decode,
    lt_encode,
    lt_graph,
    lt_overhead,
    predicted_overhead,
    predicted_unrecovered,
    recovered_symbols,
    repetition_graph,
    robust_soliton,
    symbols_needed,
)
from analysis.ensembles import DegreeDistribution
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from tests.compression.corpora import fixed


def test_ideal_soliton_sums_to_one_and_has_the_harmonic_mean() -> None:
    """Σ d ρ(d) = 1/k + Σ_{d=2}^{k} 1/(d-1) = 1/k + H(k-1)."""
    for k in (1, 2, 10, 1000):
        soliton = ideal_soliton(k)
        assert soliton.pmf.sum() == pytest.approx(1.0)
        assert soliton.mean == pytest.approx(1 / k + sum(1 / d for d in range(1, k)))


def test_robust_soliton_has_the_published_parameters() -> None:
    """K = 10 000, c = 0.2, δ = 0.05: S = 244, K/S = 41 and Z ≈ 1.3 (MacKay, Information Theory, chapter 50)."""
    k = 10_000
    soliton = robust_soliton(k, c=0.2, delta=0.05)
    pmf = np.zeros(k + 1)
    pmf[soliton.degrees] = soliton.pmf
    # ρ(2) = 1/2 and τ(2) = S/(2K), over Z
    ripple = 0.2 * math.log(k / 0.05) * math.sqrt(k)
    assert round(ripple) == 244
    normalizer = (0.5 + ripple / (2 * k)) / pmf[2]
    assert normalizer == pytest.approx(1.3, abs=0.05)
    assert 3 + int(np.argmax(pmf[3:] - np.minimum.accumulate(pmf[3:]))) == 41


@pytest.mark.parametrize("k", [1, 2, 3, 5, 17])
def test_small_codes_are_codes_too(k: int) -> None:
    graph = lt_graph(k, 40, robust_soliton(k), np.random.default_rng(k))
    assert graph.text_degrees.min() >= 1
    assert graph.text_degrees.max() <= k


def test_degrees_of_packets_are_drawn_from_the_distribution_and_symbols_uniformly() -> None:
    k, n = 400, 50_000
    soliton = robust_soliton(k, c=0.1)
    graph = lt_graph(k, n, soliton, np.random.default_rng(5))
    seen = np.bincount(graph.text_degrees, minlength=k + 1)[soliton.degrees] / n
    # binomial shares: five standard deviations, and one packet for the rarest degrees
    assert np.all(np.abs(seen - soliton.pmf) <= 5 * np.sqrt(soliton.pmf / n) + 1 / n)
    uses = graph.skill_degrees
    assert np.all(np.abs(uses - uses.mean()) <= 5 * math.sqrt(uses.mean()))


@fixed
@given(st.data())
def test_decoded_symbols_are_those_that_were_sent(data: st.DataObject) -> None:
    """Any code and erasures: every recovered value is right, and it is recovered iff peeling frees it."""
    k = data.draw(st.integers(1, 12))
    rows = data.draw(st.lists(st.sets(st.integers(0, k - 1)).map(sorted), max_size=20))
    ptr = np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))
    graph = SkillTextGraph.from_csr(ptr, np.array([s for row in rows for s in row], dtype=np.int64), k)
    source = np.array(data.draw(st.lists(st.integers(0, 2**64 - 1), min_size=k, max_size=k)), dtype=np.uint64)
    arrives = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), dtype=bool)
    packets = lt_encode(graph, source)
    for row, packet in zip(rows, packets.tolist(), strict=True):
        xor = 0
        for symbol in row:
            xor ^= int(source[symbol])
        assert packet == xor
    values, recovered = lt_decode(graph.subset(arrives), packets[arrives])
    assert values[recovered].tolist() == source[recovered].tolist()
    assert not values[~recovered].any()
    known: set[int] = set()
    there = [set(row) for row, here in zip(rows, arrives, strict=True) if here]
    while freed := {left.pop() for row in there if len(left := row - known) == 1}:
        known |= freed
    assert set(np.flatnonzero(recovered).tolist()) == known
    assert recovered_symbols(graph, len(rows), arrives).tolist() == recovered.tolist()


def test_the_channel_loses_its_share() -> None:
    n = 100_000
    for erasure in (0.0, 0.1, 0.5, 1.0):
        lost = 1.0 - erasure_channel(n, erasure, np.random.default_rng(6)).mean()
        assert abs(lost - erasure) <= 5 * math.sqrt(erasure * (1 - erasure) / n)
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        erasure_channel(1, 1.5, np.random.default_rng(0))


@pytest.mark.parametrize("received", [0.7, 0.85, 0.95, 1.15])
def test_recovery_is_that_of_density_evolution(received: float) -> None:
    """k = 20 000, away from the threshold at 1.02: the fraction recovered is the prediction.

    The mean of five codes; tolerance five times the measured standard error, and 0.005 for the finite length.
    """
    k, trials = 20_000, 5
    soliton = robust_soliton(k)
    n = round(received * k)
    left = [
        1.0 - recovered_symbols(lt_graph(k, n, soliton, np.random.default_rng(s)), n, np.ones(n, dtype=bool)).mean()
        for s in range(trials)
    ]
    error = 5 * np.std(left, ddof=1) / math.sqrt(trials)
    assert np.mean(left) == pytest.approx(predicted_unrecovered(soliton, received), abs=error + 0.005)


def test_the_threshold_of_a_fixed_degree_is_that_of_its_fixed_point() -> None:
    """Ω(x) = x: q = e^{-r} at once; Ω(x) = (x + x²)/2 against the scalar equation q = exp(-r (1/2 + 1 - q))."""
    assert predicted_unrecovered(DegreeDistribution.regular(1), 2.0) == pytest.approx(math.exp(-2.0))
    mixed = DegreeDistribution.from_pmf([1, 2], [0.5, 0.5])
    for r in (0.5, 1.0, 3.0):
        q = 1.0
        for _ in range(2000):
            q = math.exp(-r * (0.5 + 1.0 - q))
        assert predicted_unrecovered(mixed, r) == pytest.approx(q, abs=1e-8)


def test_overhead_approaches_the_prediction_as_codes_grow() -> None:
    """Robust soliton: the median overhead is above density evolution's, and the gap shrinks with k."""
    gaps = []
    for k in (300, 2000):
        soliton = robust_soliton(k)
        overheads = [lt_overhead(k, soliton, np.random.default_rng(seed), most=2.0) for seed in range(11)]
        predicted = predicted_overhead(k, soliton, most=2.0)
        assert predicted is not None
        gaps.append(float(np.median([2.0 if o is None else o for o in overheads])) - predicted)
    assert 0.0 < gaps[1] < gaps[0] < 0.3


def test_packets_needed_is_the_first_prefix_that_is_enough() -> None:
    graph = lt_graph(60, 180, robust_soliton(60), np.random.default_rng(2))
    needed = symbols_needed(graph)
    assert needed is not None
    everything = np.ones(180, dtype=bool)
    assert recovered_symbols(graph, needed, everything).all()
    assert not recovered_symbols(graph, needed - 1, everything).all()
    assert symbols_needed(repetition_graph(3, 2)) is None


def test_repetition_loses_a_symbol_iff_all_its_copies_are_lost() -> None:
    graph = repetition_graph(500, 1500)
    arrives = erasure_channel(1500, 0.4, np.random.default_rng(3))
    assert recovered_symbols(graph, 1500, arrives).tolist() == arrives.reshape(3, 500).any(axis=0).tolist()


def test_a_packet_cannot_hold_more_symbols_than_there_are() -> None:
    with pytest.raises(AnalysisError, match="1 to 3"):
        lt_graph(3, 1, DegreeDistribution.regular(4), np.random.default_rng(0))
