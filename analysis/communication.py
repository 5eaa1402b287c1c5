"""Semantic communication over a packet-erasure channel: a fountain code is a skill–text graph that is peeled.

An LT code sends packets, each the XOR of a few source symbols chosen at random. With packets as texts and source
symbols as skills, the receiver's decoder is the 1-skill learner: a packet with one unknown symbol gives it away.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analysis.density_evolution import evolve
from analysis.ensembles import DegreeDistribution, Ensemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learners import OneSkillLearner
from analysis.peeling import peel

__all__ = [
    "erasure_channel",
    "ideal_soliton",
    "lt_decode",
    "lt_encode",
    "lt_ensemble",
    "lt_graph",
    "lt_overhead",
    "predicted_overhead",
    "predicted_unrecovered",
    "recovered_symbols",
    "repetition_graph",
    "robust_soliton",
    "symbols_needed",
]

Symbols = npt.NDArray[np.uint64]
_ONE = OneSkillLearner()


def ideal_soliton(k: int) -> DegreeDistribution:
    """ρ(1) = 1/k, ρ(d) = 1/(d(d-1)) for d = 2 … k: one new packet of degree 1 a step, on average [Luby2002].

    Args:
        k: Number of source symbols, ≥ 1.

    Returns:
        Degrees 1 … k, in symbols, with their probabilities, float64 (k,).

    Raises:
        AnalysisError: k < 1.

    >>> ideal_soliton(4).pmf.round(4).tolist()
    [0.25, 0.5, 0.1667, 0.0833]
    """
    return DegreeDistribution.from_pmf(np.arange(1, k + 1), _ideal(k))


def robust_soliton(k: int, *, c: float = 0.03, delta: float = 0.5) -> DegreeDistribution:
    """The robust soliton distribution μ = (ρ + τ)/β of packet degrees [Luby2002].

    With the expected ripple size r = c ln(k/δ) √k: τ(d) = r/(dk) for d < k/r, τ(k/r) = r ln(r/δ)/k, else 0.

    Args:
        k: Number of source symbols, ≥ 1.
        c: Luby's constant c > 0; a larger one keeps a larger ripple for more packets.
        delta: Bound on the probability of failure, in (0, 1).

    Returns:
        Degrees 1 … k (those with probability 0 left out) with their probabilities.

    Raises:
        AnalysisError: An argument outside its range.

    >>> round(robust_soliton(10_000, c=0.2, delta=0.05).mean, 2)
    14.69
    """
    if not (c > 0.0 and 0.0 < delta < 1.0):
        raise AnalysisError(f"c = {c} must be positive and delta = {delta} in (0, 1)")
    pmf = _ideal(k)
    ripple = c * math.log(k / delta) * math.sqrt(k)
    spike = min(max(round(k / ripple), 1), k)
    below = np.arange(1, spike)
    pmf[: spike - 1] += ripple / (below * k)
    pmf[spike - 1] += max(ripple * math.log(ripple / delta) / k, 0.0)
    used = np.flatnonzero(pmf > 0.0)
    return DegreeDistribution.from_pmf(used + 1, pmf[used] / pmf.sum())


def _ideal(k: int) -> npt.NDArray[np.float64]:
    if k < 1:
        raise AnalysisError(f"a code needs at least one source symbol, not {k}")
    d = np.arange(2.0, k + 1.0)
    return np.concatenate(([1.0 / k], 1.0 / (d * (d - 1.0))))


def erasure_channel(n_packets: int, erasure: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which packets arrive when each is lost independently with probability δ [MacKay2003].

    Args:
        n_packets: Number of packets sent, ≥ 0.
        erasure: δ, in 0-1.
        rng: Source of randomness, one draw a packet.

    Returns:
        True where a packet arrives, bool (n_packets,).

    Raises:
        AnalysisError: δ outside 0-1.

    >>> erasure_channel(3, 0.0, np.random.default_rng(0)).tolist()
    [True, True, True]
    """
    if not 0.0 <= erasure <= 1.0:
        raise AnalysisError(f"the erasure probability must be from 0 to 1, not {erasure}")
    return rng.random(n_packets) >= erasure


def lt_graph(k: int, n_packets: int, degrees: DegreeDistribution, rng: np.random.Generator) -> SkillTextGraph:
    """Packets of an LT code as texts, source symbols as skills: each packet's symbols are distinct and uniform.

    A sender and a receiver that seed `rng` alike build the same graph, so packets need not name their symbols.
    Source: [Luby2002].

    Args:
        k: Number of source symbols.
        n_packets: Number of packets; the first m of them are what a sender has sent after m channel uses.
        degrees: Distribution of the number of symbols in a packet, at most k.
        rng: Source of randomness.

    Returns:
        `n_packets` texts over k skills, the text of each packet having as many skills as its degree says.

    Raises:
        AnalysisError: A degree outside 1 to k.

    >>> graph = lt_graph(5, 3, DegreeDistribution.regular(2), np.random.default_rng(0))
    >>> graph.text_degrees.tolist(), graph.n_skills
    ([2, 2, 2], 5)
    """
    if int(degrees.degrees.min()) < 1 or int(degrees.degrees.max()) > k:
        raise AnalysisError(f"a packet must hold 1 to {k} of {k} symbols")
    cumulative = np.cumsum(degrees.pmf)
    drawn = np.searchsorted(cumulative, rng.random(n_packets) * cumulative[-1], side="right")
    sizes = degrees.degrees[np.minimum(drawn, len(cumulative) - 1)]
    text_ptr = np.concatenate(([0], np.cumsum(sizes)))
    symbols = np.empty(text_ptr[-1], dtype=np.int32)
    dense = sizes * sizes > k
    for row in np.flatnonzero(dense):
        symbols[text_ptr[row] : text_ptr[row + 1]] = rng.choice(k, size=sizes[row], replace=False)
    open_rows = np.flatnonzero(~dense)
    while len(open_rows):
        open_rows = _redraw(symbols, text_ptr, open_rows, k, rng)
    return SkillTextGraph.from_csr(text_ptr, symbols, k)


def _redraw(
    symbols: npt.NDArray[np.int32],
    text_ptr: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    k: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Draw the symbols of these rows with replacement; the rows that got one twice."""
    sizes = text_ptr[rows + 1] - text_ptr[rows]
    row_of = np.repeat(np.arange(len(rows)), sizes)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    places = np.arange(len(row_of)) + np.repeat(text_ptr[rows] - starts, sizes)
    drawn = rng.integers(k, size=len(row_of))
    symbols[places] = drawn
    keys = np.sort(row_of * np.int64(k) + drawn)
    again = keys[1:][keys[1:] == keys[:-1]] // k
    return rows[np.unique(again)]


def repetition_graph(k: int, n_packets: int) -> SkillTextGraph:
    """Uncoded repetition: packet i is source symbol i mod k, so that the symbols are sent round after round.

    The code that LT codes are measured against [MacKay2003].

    Args:
        k: Number of source symbols, ≥ 1.
        n_packets: Number of packets, ≥ 0.

    Returns:
        `n_packets` texts of one skill each over k skills.

    Raises:
        AnalysisError: k < 1.

    >>> repetition_graph(2, 3).text_skills.tolist()
    [0, 1, 0]
    """
    if k < 1:
        raise AnalysisError(f"a message needs at least one source symbol, not {k}")
    return SkillTextGraph.from_csr(np.arange(n_packets + 1), np.arange(n_packets) % k, k)


def lt_encode(graph: SkillTextGraph, source: Symbols) -> Symbols:
    """The packets of source symbols: p_t = XOR of x_s over the symbols s of packet t [Luby2002].

    Args:
        graph: Packets as T texts, source symbols as S skills.
        source: Values x_s of the symbols, uint64 (S,).

    Returns:
        Values of the packets, uint64 (T,); 0 for a packet without symbols.

    Raises:
        AnalysisError: `source` is of another shape.

    >>> lt_encode(SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2), np.array([5, 3], np.uint64)).tolist()
    [5, 6]
    """
    if source.shape != (graph.n_skills,):
        raise AnalysisError(f"source must have shape ({graph.n_skills},), not {source.shape}")
    return _row_xor(source[graph.text_skills], graph.text_ptr)


def lt_decode(graph: SkillTextGraph, packets: Symbols) -> tuple[Symbols, npt.NDArray[np.bool_]]:
    """Source symbols from the packets that arrived, by peeling [Luby2002], [MacKay2003].

    `peel(graph, 1)` says in which round each symbol is freed and by which packet; in that order a symbol is the
    XOR of its packet with the packet's other symbols. O(edges).

    Args:
        graph: The packets that arrived, T texts over S source symbols: `graph.subset(arrived)`.
        packets: Their values, uint64 (T,).

    Returns:
        Values, uint64 (S,), 0 where not recovered; and which are recovered, bool (S,).

    Raises:
        AnalysisError: `packets` is of another shape.

    >>> graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=3)
    >>> values, recovered = lt_decode(graph, np.array([5, 6], np.uint64))
    >>> values.tolist(), recovered.tolist()
    ([5, 3, 0], [True, True, False])
    """
    if packets.shape != (graph.n_texts,):
        raise AnalysisError(f"packets must have shape ({graph.n_texts},), not {packets.shape}")
    result = peel(graph, 1)
    values = np.zeros(graph.n_skills, dtype=np.uint64)
    order = np.argsort(result.wave, kind="stable")
    order = order[result.wave[order] > 0]
    starts = np.searchsorted(result.wave[order], np.arange(1, result.n_waves + 2))
    for first, last in pairwise(starts.tolist()):
        freed = order[first:last]
        rows = result.taught_by[freed]
        # the freed symbols are still 0, so a row's XOR is that of its other symbols
        values[freed] = packets[rows] ^ _xor_of_rows(graph, rows, values)
    return values, result.learned


def _row_xor(values: Symbols, ptr: npt.NDArray[np.int64]) -> Symbols:
    out = np.zeros(len(ptr) - 1, dtype=np.uint64)
    filled = np.flatnonzero(ptr[1:] > ptr[:-1])
    if len(filled):
        out[filled] = np.bitwise_xor.reduceat(values, ptr[filled])
    return out


def _xor_of_rows(graph: SkillTextGraph, rows: npt.NDArray[np.int32], values: Symbols) -> Symbols:
    degrees = graph.text_degrees[rows]
    ptr = np.concatenate(([0], np.cumsum(degrees)))
    places = np.arange(ptr[-1]) + np.repeat(graph.text_ptr[rows] - ptr[:-1], degrees)
    return _row_xor(values[graph.text_skills[places]], ptr)


def recovered_symbols(graph: SkillTextGraph, n_sent: int, arrives: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which source symbols are recovered from those of the first `n_sent` packets that arrive [Luby2002].

    Args:
        graph: All packets as T texts over S source symbols.
        n_sent: Channel uses so far; more than T count as T.
        arrives: Which packets arrive, bool (T,), see `erasure_channel`.

    Returns:
        True where a symbol is recovered, bool (S,).

    Raises:
        AnalysisError: `arrives` is longer than the packets and says that one beyond them arrives.

    >>> recovered_symbols(repetition_graph(2, 4), 2, np.array([True, False, True, True])).tolist()
    [True, False]
    """
    return peel(graph.subset(np.flatnonzero(arrives[:n_sent])), 1).learned


def symbols_needed(graph: SkillTextGraph) -> int | None:
    """The smallest m for which the first m packets recover every source symbol [Luby2002].

    More packets never unlearn, so it is found by bisection: O(E log T).

    Args:
        graph: All packets as T texts over S source symbols.

    Returns:
        m, in packets, from 0 to T; None if all T packets do not recover every symbol.

    >>> symbols_needed(repetition_graph(3, 7))
    3
    """

    def complete(m: int) -> bool:
        return peel(graph.subset(np.arange(m)), 1).n_learned == graph.n_skills

    low, high = -1, graph.n_texts
    if not complete(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if complete(middle) else (middle, high)
    return high


def lt_overhead(k: int, degrees: DegreeDistribution, rng: np.random.Generator, *, most: float = 3.0) -> float | None:
    """Reception overhead of one LT code, m / k - 1 with m the packets that k symbols need [Luby2002].

    Args:
        k: Number of source symbols.
        degrees: Distribution of the number of symbols in a packet, from 1 to k.
        rng: Source of randomness for the code.
        most: As many packets a symbol are tried at most.

    Returns:
        The overhead as a multiple of k, ≥ 0 as a packet frees at most one symbol; None if above `most` - 1.

    Raises:
        AnalysisError: A degree outside 1 to k.

    >>> 0.0 < lt_overhead(500, robust_soliton(500), np.random.default_rng(1)) < 0.6
    True
    """
    needed = symbols_needed(lt_graph(k, math.ceil(most * k), degrees, rng))
    return None if needed is None else needed / k - 1.0


def lt_ensemble(degrees: DegreeDistribution, received: float) -> Ensemble:
    """The ensemble whose density evolution is that of an LT code with `received` packets a source symbol.

    Packets have the code's degrees; a source symbol is in a Poisson number of packets, mean Ω'(1)·received, where
    Ω(x) = Σ_d p_d x^d is the generating function of the degrees [RichardsonUrbanke2008].

    Args:
        degrees: Distribution of the number of symbols in a packet.
        received: Packets received for each source symbol, ≥ 0.

    Returns:
        Packets as texts, source symbols as skills, ratio R = `received`.

    Raises:
        AnalysisError: `received` is negative or infinite.

    >>> lt_ensemble(DegreeDistribution.regular(2), 1.5).skill_degrees.mean
    3.0
    """
    return Ensemble(degrees, DegreeDistribution.poisson(degrees.mean * received))


def predicted_unrecovered(degrees: DegreeDistribution, received: float) -> float:
    """Fraction of source symbols not recovered from `received` packets a symbol, by density evolution.

    The largest fixed point of q = exp(-received · Ω'(1 - q)) [RichardsonUrbanke2008].

    Args:
        degrees: Distribution of the number of symbols in a packet, with generating function Ω.
        received: Packets received for each source symbol, ≥ 0.

    Returns:
        q, fraction of the source symbols in 0-1.

    Raises:
        AnalysisError: `received` is negative or infinite.

    >>> predicted_unrecovered(DegreeDistribution.regular(1), 1.0)  # q = exp(-1): each symbol sent as it is
    0.36787944117144233
    """
    return evolve(lt_ensemble(degrees, received), _ONE, max_iterations=1).unlearned


def predicted_overhead(k: int, degrees: DegreeDistribution, *, most: float = 3.0) -> float | None:
    """Overhead at which density evolution leaves less than one of k symbols: q(1 + overhead) < 1/k.

    Bisection of `predicted_unrecovered` over the packets a symbol [RichardsonUrbanke2008].

    Args:
        k: Number of source symbols.
        degrees: Distribution of the number of symbols in a packet.
        most: As many packets a symbol are looked at most.

    Returns:
        The overhead as a multiple of k, to 0.001; None if above `most` - 1.

    Raises:
        AnalysisError: `most` is negative or infinite.

    >>> found = predicted_overhead(1000, DegreeDistribution.regular(1), most=10.0)  # exp(-(1 + overhead)) = 1/1000
    >>> abs(found - (math.log(1000) - 1.0)) < 1e-3
    True
    """
    if predicted_unrecovered(degrees, most) * k >= 1.0:
        return None
    low, high = 0.0, most
    while high - low > 1e-3:
        middle = (low + high) / 2.0
        low, high = (low, middle) if predicted_unrecovered(degrees, middle) * k < 1.0 else (middle, high)
    return high - 1.0
