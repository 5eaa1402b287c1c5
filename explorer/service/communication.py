"""Send texts by their skills over a packet-erasure channel, from one layer to another."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import zstandard
from numpy.typing import NDArray

from analysis.communication import (
    erasure_channel,
    lt_decode,
    lt_encode,
    lt_graph,
    predicted_overhead,
    predicted_unrecovered,
    repetition_graph,
    robust_soliton,
    symbols_needed,
)
from analysis.graph import SkillTextGraph
from explorer.errors import SkillgraphError
from explorer.service.compression import dataset_texts
from explorer.service.output import opened_input
from explorer.service.snapshot import layer_view, lineage
from explorer.sgc import TextRecord, read_texts
from explorer.store.protocol import Store
from loaders.gate import lines_of

__all__ = ["ChannelReport", "ChannelRow", "Scheme", "SchemeName", "channel"]

SchemeName = Literal["semantic_lt", "semantic_repetition", "text_lt"]
Floats = NDArray[np.float64]
_RECEIVED = (0.6, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 2.0, 3.0, 4.0)
_ZSTD_LEVEL = 3
_MOST_OVERHEAD = 2.0


@dataclass(frozen=True)
class Scheme:
    """A way to send the message.

    Attributes:
        name: `semantic_lt`: indices of skills in an LT code; `semantic_repetition`: the same, sent round after
            round; `text_lt`: the texts through zstd, in the same LT code.
        packet_bits: Bits of a packet.
        message_bits: Bits a text before the channel's code: source symbols times packet bits.
    """

    name: SchemeName
    packet_bits: int
    message_bits: float


@dataclass(frozen=True)
class ChannelRow:
    """One scheme after so many channel uses; shares of the texts of the message, means over the trials.

    Attributes:
        scheme: See `Scheme`.
        packets: Channel uses: packets sent.
        received: Packets that arrive on average, for each source symbol.
        bits_per_text: Bits sent a text.
        erased: Texts that could not be recovered.
        mismatch: Texts that were recovered, but need a skill that the receiver has not learned.
        error: Semantic error: both.
        predicted_erased: By density evolution, or exactly for repetition; None for `text_lt`.
    """

    scheme: SchemeName
    packets: int
    received: float
    bits_per_text: float
    erased: float
    mismatch: float
    error: float
    predicted_erased: float | None


@dataclass(frozen=True)
class ChannelReport:
    """What came through.

    Attributes:
        dataset: Name of the dataset.
        sender: Layer of the sender.
        receiver: Layer of the receiver.
        erasure: Probability that a packet is lost.
        sender_understood: Share of the texts that the sender understands; the message is drawn from these.
        texts: Texts in the message.
        symbols: Source symbols k: of each text the number of its skills and their indices.
        unknown: Share of the message's texts that need a skill that the receiver has not learned.
        schemes: What was compared; without `text_lt` if the texts have no text.
        rows: Results, by scheme and packets.
        overhead: Packets that must arrive beyond k, over k, for all symbols: median of the trials; None if
            twice as many were not enough.
        overhead_predicted: Where density evolution leaves less than one symbol.
        trials: Random codes and channels averaged over.
        seed: Of message, codes and channels.
        seconds: Time in all.
    """

    dataset: str
    sender: str
    receiver: str
    erasure: float
    sender_understood: float
    texts: int
    symbols: int
    unknown: float
    schemes: tuple[Scheme, ...]
    rows: tuple[ChannelRow, ...]
    overhead: float | None
    overhead_predicted: float | None
    trials: int
    seed: int
    seconds: float


@dataclass(frozen=True)
class _Message:
    """Source symbols: text i is symbols ptr[i]:ptr[i+1], its number of skills and then their indices."""

    symbols: NDArray[np.uint64]
    ptr: NDArray[np.int64]
    unknown: NDArray[np.bool_]
    understood: float
    index_bits: int
    zstd_bits: int | None

    @property
    def n_texts(self) -> int:
        return len(self.ptr) - 1


def channel(
    store: Store,
    dataset: str,
    *,
    sender: str,
    receiver: str,
    erasure: float = 0.1,
    source: Path | None = None,
    parts: Sequence[str] = (),
    texts: int = 200,
    received: Sequence[float] = _RECEIVED,
    trials: int = 10,
    seed: int = 0,
) -> ChannelReport:
    """Semantic error against channel uses, for three ways to send the same texts.

    The message is texts that the sender understands (others must be sent as they are in any scheme). A text is in
    error if it is not recovered, or recovered but not known to the receiver.

    Args:
        store: Where the layers are.
        dataset: Name of the dataset.
        sender: Layer of the sender; indices are positions among its learned skills, which the receiver knows too.
        receiver: Layer of the receiver.
        erasure: Probability δ that a packet is lost.
        source: JSON Lines with the texts; None: the dataset's own.
        parts: Parts of the dataset if there is no `source`; empty means those of both layers.
        texts: Texts in the message, at most.
        received: Packets that arrive on average for each source symbol, the points of the curve.
        trials: Number of random codes and channels to average over.
        seed: Seed of message, codes and channels.

    Raises:
        NotFoundError: No such dataset, layer or part.
        SgcError: A line of `source` is not as it must be.
        SkillgraphError: No text that the sender understands, or δ outside 0 to below 1.
    """
    start = time.perf_counter()
    if not 0.0 <= erasure < 1.0:
        raise SkillgraphError(f"the erasure probability must be at least 0 and below 1, not {erasure}")
    rng = np.random.default_rng(seed)
    message = _message(store, dataset, (sender, receiver), source, parts, texts, rng)
    k = len(message.symbols)
    degrees = robust_soliton(k)
    grid = sorted(set(received))
    sent = [math.ceil(r * k / (1.0 - erasure)) for r in grid]
    most = math.ceil(max(grid[-1], _MOST_OVERHEAD) * k / (1.0 - erasure))
    by_lt, by_repetition, whole = (np.zeros(len(grid)) for _ in range(3))
    wrong = np.zeros((2, len(grid)))
    overheads: list[float] = []
    for _ in range(trials):
        code = lt_graph(k, most, degrees, rng)
        arrives = erasure_channel(most, erasure, rng)
        lost = _lost(message, code, arrives, sent)
        by_lt += lost.mean(axis=1)
        whole += lost.any(axis=1)
        wrong[0] += (~lost & message.unknown).mean(axis=1)
        lost = _lost(message, repetition_graph(k, most), arrives, sent)
        by_repetition += lost.mean(axis=1)
        wrong[1] += (~lost & message.unknown).mean(axis=1)
        needed = symbols_needed(code.subset(arrives))
        overheads.append(math.inf if needed is None else needed / k - 1.0)

    def arriving(n_sent: int) -> float:
        return n_sent * (1.0 - erasure) / k

    schemes = _schemes(message)
    results: dict[SchemeName, tuple[Floats, Floats, Callable[[int], float] | None]] = {
        "semantic_lt": (by_lt, wrong[0], lambda n: _lt_erased(message, predicted_unrecovered(degrees, arriving(n)))),
        "semantic_repetition": (by_repetition, wrong[1], lambda n: _repetition_erased(message, n, erasure)),
        "text_lt": (whole, (trials - whole) * message.unknown.mean(), None),
    }

    rows = []
    for scheme in schemes:
        erased, mismatch, predict = results[scheme.name]
        for place, n_sent in enumerate(sent):
            gone, unknown = float(erased[place]) / trials, float(mismatch[place]) / trials
            rows.append(
                ChannelRow(
                    scheme=scheme.name,
                    packets=n_sent,
                    received=arriving(n_sent),
                    bits_per_text=n_sent * scheme.packet_bits / message.n_texts,
                    erased=gone,
                    mismatch=unknown,
                    error=gone + unknown,
                    predicted_erased=None if predict is None else predict(n_sent),
                )
            )
    overhead = float(np.median(overheads))
    return ChannelReport(
        dataset=dataset,
        sender=sender,
        receiver=receiver,
        erasure=erasure,
        sender_understood=message.understood,
        texts=message.n_texts,
        symbols=k,
        unknown=float(message.unknown.mean()),
        schemes=schemes,
        rows=tuple(rows),
        overhead=overhead if math.isfinite(overhead) else None,
        overhead_predicted=predicted_overhead(k, degrees),
        trials=trials,
        seed=seed,
        seconds=time.perf_counter() - start,
    )


def _message(
    store: Store,
    dataset: str,
    layers: tuple[str, str],
    source: Path | None,
    parts: Sequence[str],
    limit: int,
    rng: np.random.Generator,
) -> _Message:
    skills = [_learned(store, dataset, layer) for layer in layers]
    index = {skill: place for place, skill in enumerate(sorted(skills[0]))}
    records: list[TextRecord] = []
    seen = understood = 0
    if source is not None:
        with opened_input(source) as stream:
            records = list(read_texts(lines_of(stream, str(source)), str(source)))
    else:
        chosen = tuple(parts) or _parts(store, dataset, layers)
        records = list(dataset_texts(store, dataset, chosen))
    seen = len(records)
    records = [record for record in records if skills[0].issuperset(record.skills)]
    understood = len(records)
    if not understood:
        raise SkillgraphError(
            f"layer {layers[0]!r} understands none of the {seen} texts, so there is nothing to send as skills: "
            "choose another --sender or other texts"
        )
    picked = np.sort(rng.permutation(understood)[:limit])
    records = [records[place] for place in picked.tolist()]
    sets = [sorted(index[skill] for skill in set(record.skills)) for record in records]
    flat = [number for places in sets for number in (len(places), *places)]
    ptr = np.concatenate(([0], np.cumsum([len(places) + 1 for places in sets], dtype=np.int64)))
    texts = [record.text for record in records if record.text is not None]
    joined = b"\n".join(texts) if len(texts) == len(records) else None
    zstd = None if joined is None else 8 * len(zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(joined))
    return _Message(
        symbols=np.array(flat, dtype=np.uint64),
        ptr=ptr,
        unknown=np.array([not skills[1].issuperset(record.skills) for record in records]),
        understood=understood / seen,
        index_bits=max(max(len(index) - 1, *flat).bit_length(), 1),
        zstd_bits=zstd,
    )


def _learned(store: Store, dataset: str, layer: str) -> frozenset[str]:
    view = layer_view(store, dataset, layer)
    return frozenset(view.indexed.skills.take(np.flatnonzero(view.learned)).to_pylist())


def _parts(store: Store, dataset: str, layers: tuple[str, str]) -> tuple[str, ...]:
    """Parts of both layers' texts; empty (all) if one of them was learned from all."""
    own = [lineage(store, dataset, layer)[0].parts for layer in layers]
    return tuple(sorted({*own[0], *own[1]})) if all(own) else ()


def _schemes(message: _Message) -> tuple[Scheme, ...]:
    k, n, bits = len(message.symbols), message.n_texts, message.index_bits
    names: tuple[SchemeName, ...] = ("semantic_lt", "semantic_repetition")
    schemes = tuple(Scheme(name, bits, k * bits / n) for name in names)
    if message.zstd_bits is None:
        return schemes
    # as many packets as the semantic message has: then both have the same code
    packet = math.ceil(message.zstd_bits / k)
    return (*schemes, Scheme("text_lt", packet, k * packet / n))


def _lost(
    message: _Message, code: SkillTextGraph, arrives: NDArray[np.bool_], sent: Sequence[int]
) -> NDArray[np.bool_]:
    """Which texts the receiver cannot rebuild after so many packets, bool (len(sent), texts).

    Packets are encoded, sent and decoded; `sent` ascends, and what is complete stays complete.
    """
    lost = np.zeros((len(sent), message.n_texts), dtype=bool)
    for place, n_sent in enumerate(sent):
        part = code.subset(np.flatnonzero(arrives[:n_sent]))
        values, recovered = lt_decode(part, lt_encode(part, message.symbols))
        right = recovered & (values == message.symbols)
        lost[place] = np.add.reduceat(~right, message.ptr[:-1], dtype=np.int64) > 0
        if not lost[place].any():
            break
    return lost


def _lt_erased(message: _Message, unrecovered: float) -> float:
    return float(1.0 - np.mean((1.0 - unrecovered) ** np.diff(message.ptr)))


def _repetition_erased(message: _Message, n_sent: int, erasure: float) -> float:
    k = len(message.symbols)
    times = n_sent // k + (np.arange(k) < n_sent % k)
    with np.errstate(divide="ignore"):
        arrives = np.log1p(-np.power(erasure, times.astype(np.float64)))
    return float(1.0 - np.mean(np.exp(np.add.reduceat(arrives, message.ptr[:-1]))))
