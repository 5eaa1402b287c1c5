"""Compress texts with a layer, decompress them, and lay the bits spent beside the theory's."""

from __future__ import annotations

import json
import lzma
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import zstandard

from analysis.compression import (
    RateCurve,
    TextRate,
    layer_rate,
    poisson_rate,
    random_rate,
    rate_curve,
    understood_texts,
)
from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.learners import Learner, parse_learner
from explorer.arrays import index_dataset
from explorer.errors import SkillgraphError
from explorer.options import SetCode as Model
from explorer.service.output import atomic_output, opened_input
from explorer.service.prediction import SWIFT_UP_TO
from explorer.service.snapshot import LayerView, layer_view, read_dataset
from explorer.service.typed import typed_expectation
from explorer.sgc import BLOCK_TEXTS, Codebook, DamagedFileError, SgcError, SgcReader, SgcWriter, TextRecord, read_texts
from explorer.store.protocol import LayerInfo, Progress, Store
from loaders.gate import lines_of

__all__ = [
    "Bits",
    "CompressionReport",
    "DecompressionReport",
    "ExpectedBits",
    "Model",
    "codebook_of",
    "compress",
    "dataset_texts",
    "decompress",
    "rate_by_ratio",
    "typed_rate_by_ratio",
]

_MODELS = ("uniform", "frequency")
_BASELINE_BYTES = 1 << 24
_XZ_PRESET = 6
_ZSTD_LEVEL = 3

TYPED_SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the texts at which the curve by types is drawn."""


@dataclass(frozen=True)
class Bits:
    """Bits a text, each in proportion to all texts of the input.

    Attributes:
        semantic: `sets` and `kept`: what the content costs.
        sets: Flags, numbers of skills and skill sets of understood texts.
        kept: What is kept whole, after zstd: texts that are not understood; with `keep_text` all.
        ids: Ids of understood texts, after zstd.
        overhead: Header, lengths and checksums.
        raw: The texts as they are (their lines, where these hold no text).
        zstd: The texts through zstd -3 as one stream; None if it was not asked for.
        xz: The texts through xz -6 as one stream; likewise.
        skills_xz: The lists of skills of understood texts, all that `sets` holds, through xz -6; likewise.
    """

    semantic: float
    sets: float
    kept: float
    ids: float
    overhead: float
    raw: float
    zstd: float | None
    xz: float | None
    skills_xz: float | None

    @property
    def file(self) -> float:
        """All that is written: content, ids, header, lengths and checksums."""
        return self.semantic + self.ids + self.overhead


@dataclass(frozen=True)
class ExpectedBits:
    """What theory predicts a text to cost.

    Attributes:
        understood: Share of texts that are understood.
        sets: Bits a text for flag, number of skills and skill set.
        kept: Bits a text for texts that are not understood, at the `kept` bits that one of them took here.
        semantic: Both.
    """

    understood: float
    sets: float
    kept: float
    semantic: float


@dataclass(frozen=True)
class CompressionReport:
    """What `compress` wrote and what it cost.

    Attributes:
        dataset: Name of the dataset.
        layer: The layer.
        fingerprint: Of the layer's learned skills; a decoder must have the same.
        model: `uniform` or `frequency`.
        keep_text: True if understood texts are kept whole beside their skill sets.
        texts: Texts in the input.
        understood: Those all of whose skills are learned.
        understood_share: The same as a share of all texts.
        input_bytes: Bytes of the lines.
        file_bytes: Bytes of the file.
        bits: Measured bits a text.
        expected: Of a text drawn from the layer's texts; None without such texts or with `keep_text`.
        poisson: Of the Poisson ensemble with the layer's c and R, uniform model; None likewise, or if its learner
            has no prediction.
        typed: Of random graphs in which texts also keep their mix of types of skills, uniform model; None likewise, and
            where `predict` has none.
        baseline_texts: Texts that zstd and xz were measured on, the first ones up to 16 MiB.
        seconds: Time in all.
    """

    dataset: str
    layer: LayerInfo
    fingerprint: str
    model: str
    keep_text: bool
    texts: int
    understood: int
    understood_share: float
    input_bytes: int
    file_bytes: int
    bits: Bits
    expected: ExpectedBits | None
    poisson: ExpectedBits | None
    typed: ExpectedBits | None
    baseline_texts: int
    seconds: float


@dataclass(frozen=True)
class DecompressionReport:
    """What `decompress` wrote.

    Attributes:
        dataset: Name of the dataset.
        layer: The layer.
        fingerprint: Of the layer's learned skills.
        texts: Texts that came out.
        understood: Those that came out as skill sets.
        kept: Those that came out as they went in.
        damage: What is wrong with the file; None if it is whole.
        seconds: Time in all.
    """

    dataset: str
    layer: LayerInfo
    fingerprint: str
    texts: int
    understood: int
    kept: int
    damage: str | None
    seconds: float


def codebook_of(view: LayerView, model: Model) -> Codebook:
    """The codebook of a layer: weights are counted on those of its texts that it understands.

    Raises:
        SgcError: Too many skills for the frequency model.
    """
    graph, learned = view.indexed.graph, view.learned
    known = graph.subset(understood_texts(graph, learned))
    skills = view.indexed.skills.take(np.flatnonzero(learned)).to_pylist()
    uses = known.skill_degrees[learned] if model == "frequency" else None
    return Codebook.from_counts(skills, known.text_degrees, uses)


def dataset_texts(store: Store, dataset: str, parts: Sequence[str] = ()) -> Iterator[TextRecord]:
    """The texts of some parts of a dataset as `compress` takes them; `text` is there if the dataset has it.

    Raises:
        NotFoundError: No such dataset or part.
    """
    indexed = index_dataset(read_dataset(store, dataset), parts=parts)
    ids, names = indexed.text_ids.to_pylist(), indexed.skills.ids.to_pylist()
    texts = indexed.text_column("text").to_pylist() if "text" in indexed.dataset.texts.column_names else None
    ptr, skills = indexed.graph.text_ptr.tolist(), indexed.graph.text_skills
    for place, ident in enumerate(ids):
        listed = [names[skill] for skill in skills[ptr[place] : ptr[place + 1]]]
        value = {"id": ident, "skills": listed}
        text = None if texts is None else texts[place]
        if text is not None:
            value["text"] = text
        line = json.dumps(value, ensure_ascii=False).encode()
        yield TextRecord(ident, tuple(listed), line, None if text is None else str(text).encode())


def compress(
    store: Store,
    dataset: str,
    layer: str,
    *,
    source: Path | None,
    output: Path,
    parts: Sequence[str] = (),
    model: Model = "frequency",
    keep_text: bool = False,
    keep_ids: bool = True,
    level: int = _ZSTD_LEVEL,
    block_texts: int = BLOCK_TEXTS,
    baselines: bool = True,
    progress: Progress | None = None,
) -> CompressionReport:
    """Write texts as a semantic container: understood ones as skill sets, all others as they are.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        source: JSON Lines, see `explorer.sgc.read_texts`; None: the dataset's own texts.
        output: File to write; one that is there is replaced once the new one is whole.
        parts: Parts of the dataset that are taken when there is no `source`; empty means the layer's.
        model: How skill sets are coded.
        keep_text: Keep understood texts whole too: nothing is lost then.
        keep_ids: Keep ids of understood texts.
        level: Level of zstd for what is kept.
        block_texts: Texts in a block, at most; smaller blocks lose less where the file is damaged.
        baselines: Measure zstd and xz too.
        progress: Called with (bytes read, bytes of the source).

    Raises:
        NotFoundError: No such dataset, layer or part.
        SgcError: A line is not as it must be, or the model does not fit the layer.
        SkillgraphError: A file cannot be read or written.
    """
    start = time.perf_counter()
    if model not in _MODELS:
        raise SkillgraphError(f"model {model!r} is not one of {', '.join(_MODELS)}")
    if source is not None and parts:
        raise SkillgraphError("texts come either from a file or from parts of the dataset: leave out one of them")
    _refuse_same_file(source, output)
    view = layer_view(store, dataset, layer)
    codebook = codebook_of(view, model)
    measure = _Baselines(enabled=baselines)
    with atomic_output(output) as stream:
        writer = SgcWriter(
            stream,
            codebook,
            layer=layer,
            dataset=dataset,
            keep_text=keep_text,
            keep_ids=keep_ids,
            level=level,
            block_texts=block_texts,
        )
        for record in _source(store, dataset, source, parts or view.info.parts, progress):
            writer.write(record)
            measure.add(record, understood=codebook.understood(record.skills) is not None)
        writer.close()
        file_bytes = writer.header_bytes + writer.sections.total + writer.end_bytes
    n, known = writer.texts, writer.understood
    sections = writer.sections
    per_text = 8.0 / max(n, 1)
    bits = Bits(
        semantic=(sections.sets + sections.kept) * per_text,
        sets=sections.sets * per_text,
        kept=sections.kept * per_text,
        ids=sections.ids * per_text,
        overhead=(file_bytes - sections.sets - sections.kept - sections.ids) * per_text,
        raw=measure.raw_bytes * per_text,
        **measure.bits(),
    )
    raw_bits = 8.0 * sections.kept / (n - known) if known < n else bits.raw
    return CompressionReport(
        dataset=dataset,
        layer=view.info,
        fingerprint=codebook.fingerprint.hex(),
        model=model,
        keep_text=keep_text,
        texts=n,
        understood=known,
        understood_share=known / max(n, 1),
        input_bytes=measure.line_bytes,
        file_bytes=file_bytes,
        bits=bits,
        expected=None if keep_text else _expected_layer(view, codebook, raw_bits),
        poisson=None if keep_text else _expected_poisson(view, raw_bits),
        typed=None if keep_text else _expected_typed(store, view, raw_bits),
        baseline_texts=measure.texts,
        seconds=time.perf_counter() - start,
    )


def _refuse_same_file(source: Path | None, output: Path) -> None:
    if source is not None and source.exists() and output.exists() and source.samefile(output):
        raise SkillgraphError(f"{output} is the input itself: give --output another name")


def _source(
    store: Store, dataset: str, source: Path | None, parts: Sequence[str], progress: Progress | None
) -> Iterator[TextRecord]:
    if source is None:
        yield from dataset_texts(store, dataset, parts)
        return
    with opened_input(source) as stream:
        size, done = source.stat().st_size, 0
        for place, record in enumerate(read_texts(lines_of(stream, str(source)), str(source))):
            yield record
            done += len(record.line) + 1
            if progress is not None and place % 1024 == 0:
                progress(min(done, size), size)


class _Baselines:
    """What general compressors make of the same texts."""

    def __init__(self, *, enabled: bool) -> None:
        self.raw_bytes = self.line_bytes = self.texts = 0
        self._enabled, self._taken = enabled, 0
        self._zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        self._xz, self._skills = lzma.LZMACompressor(preset=_XZ_PRESET), lzma.LZMACompressor(preset=_XZ_PRESET)
        self._sizes = [0, 0, 0]

    def add(self, record: TextRecord, *, understood: bool) -> None:
        """Take up a text."""
        text = record.line if record.text is None else record.text
        self.raw_bytes += len(text)
        self.line_bytes += len(record.line) + 1
        if not self._enabled or self._taken >= _BASELINE_BYTES:
            return
        self.texts += 1
        self._taken += len(text)
        self._sizes[0] += len(self._zstd.compress(text + b"\n"))
        self._sizes[1] += len(self._xz.compress(text + b"\n"))
        if understood:
            listed = " ".join(sorted(set(record.skills))).encode("utf-8", "surrogatepass")
            self._sizes[2] += len(self._skills.compress(listed + b"\n"))

    def bits(self) -> dict[str, float | None]:
        """Bits a text."""
        if not self.texts:
            return {"zstd": None, "xz": None, "skills_xz": None}
        ends = (self._zstd.flush(), self._xz.flush(), self._skills.flush())
        sizes = [8.0 * (size + len(end)) / self.texts for size, end in zip(self._sizes, ends, strict=True)]
        return dict(zip(("zstd", "xz", "skills_xz"), sizes, strict=True))


def _expected_layer(view: LayerView, codebook: Codebook, raw_bits: float) -> ExpectedBits | None:
    graph = view.indexed.graph
    if not graph.n_texts:
        return None
    skill_bits = None
    if codebook.skill_bits is not None:
        skill_bits = np.zeros(graph.n_skills)
        skill_bits[view.learned] = codebook.skill_bits
    return _expected(
        layer_rate(graph, view.learned, raw_bits=raw_bits, skill_bits=skill_bits, count_bits=codebook.count_bits)
    )


def _expected_poisson(view: LayerView, raw_bits: float) -> ExpectedBits | None:
    graph, learner = view.indexed.graph, _learner(view)
    if learner is None or not graph.n_texts:
        return None
    unlearned = evolve(Ensemble.poisson(graph.mean_skills, graph.ratio), learner).unlearned
    return _expected(poisson_rate(graph.mean_skills, unlearned, graph.n_skills, raw_bits))


def _expected_typed(store: Store, view: LayerView, raw_bits: float) -> ExpectedBits | None:
    graph = view.indexed.graph
    if not graph.n_texts or graph.n_edges > SWIFT_UP_TO:
        return None
    typed = typed_expectation(store, view.info.dataset, view.info.name)
    if typed is None:
        return None
    learned = typed.predicted.evolution.learned * graph.n_skills
    chances = np.clip(typed.understood_by_text, 0.0, 1.0)
    return _expected(random_rate(graph.text_degrees, chances, learned, raw_bits))


def _learner(view: LayerView) -> Learner | None:
    """The layer's learner; None for one that is estimated from outcomes."""
    try:
        return parse_learner(view.info.learner)
    except AnalysisError:
        return None


def _expected(rate: TextRate) -> ExpectedBits:
    kept = (1.0 - rate.understood) * rate.raw
    return ExpectedBits(rate.understood, rate.semantic - kept, kept, rate.semantic)


def decompress(
    store: Store,
    dataset: str,
    layer: str,
    *,
    source: Path,
    output: Path,
    salvage: bool = False,
    progress: Progress | None = None,
) -> DecompressionReport:
    """Turn a container back into lines: skill sets as id and skills, everything else as it was.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of a layer with the learned skills that the file was written with.
        source: The container.
        output: File to write; one that is there is replaced once the new one is whole.
        salvage: Of a damaged file, write the texts of the blocks before the damage; otherwise nothing is written.
        progress: Called with (bytes read, bytes of the source).

    Raises:
        NotFoundError: No such dataset or layer.
        LayerMismatchError: The file was written with another layer.
        DamagedFileError: The file is damaged, and `salvage` is not given or its header cannot be read.
        SgcError: It is no such file.
        SkillgraphError: A file cannot be read or written.
    """
    start = time.perf_counter()
    _refuse_same_file(source, output)
    stored = store.read_layer(dataset, layer)
    skills = sorted(stored.skills["skill"].to_pylist())
    understood, damage = 0, None
    with opened_input(source) as stream:
        size = source.stat().st_size
        reader = SgcReader(stream, str(source))
        codebook = reader.header.codebook(skills, layer=layer)
        with atomic_output(output) as lines:
            try:
                for block in reader.blocks(codebook):
                    lines.write(b"".join(text.to_line() + b"\n" for text in block))
                    understood += sum(text.skills is not None for text in block)
                    if progress is not None:
                        progress(min(stream.tell(), size), size)
            except DamagedFileError as error:
                if not salvage:
                    raise DamagedFileError(
                        f"{error}; nothing was written: --salvage writes the {reader.texts:,} texts before that place"
                    ) from None
                damage = str(error)
    return DecompressionReport(
        dataset=dataset,
        layer=stored.info,
        fingerprint=codebook.fingerprint.hex(),
        texts=reader.texts,
        understood=understood,
        kept=reader.texts - understood,
        damage=damage,
        seconds=time.perf_counter() - start,
    )


def rate_by_ratio(
    store: Store, dataset: str, layer: str, *, raw_bits: float, ratios: Sequence[float] | None = None
) -> RateCurve:
    """Expected bits a text of the Poisson ensemble with the layer's c, S and learner, as R grows.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        raw_bits: Bits of a text that is not understood.
        ratios: Texts per skill; 60 values up to three by default.

    Raises:
        NotFoundError: No such layer.
        SgcError: The layer's learner has no prediction.
    """
    view = layer_view(store, dataset, layer)
    learner = _learner(view)
    if learner is None:
        raise SgcError(f"layer {layer!r} was estimated from outcomes, so there is no learner to predict for")
    grid = np.linspace(0.05, 3.0, 60) if ratios is None else np.asarray(ratios, dtype=float)
    graph = view.indexed.graph
    return rate_curve(graph.mean_skills, grid, graph.n_skills, raw_bits, learner=learner)


def typed_rate_by_ratio(
    store: Store, dataset: str, layer: str, *, raw_bits: float, shares: Sequence[float] = TYPED_SHARES
) -> RateCurve | None:
    """Expected bits a text of random graphs in which texts keep their mix of types, for shares of the last texts.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        raw_bits: Bits of a text that is not understood.
        shares: Shares of the texts of the layer's last training, in 0-1.

    Returns:
        The curve, whose last point is `CompressionReport.typed`; None for layers without types, and for large ones.

    Raises:
        NotFoundError: No such layer.
    """
    graph = layer_view(store, dataset, layer).indexed.graph
    if not graph.n_texts or graph.n_edges > SWIFT_UP_TO:
        return None
    typed = typed_expectation(store, dataset, layer)
    if typed is None:
        return None
    last = int(typed.training.stages[-1].reads.sum())
    rates, learned = [], []
    for share in shares:
        there = replace(typed, predicted=typed.training.predict(typed.choice.labels, share=share, tolerance=1e-4))
        learned.append(there.predicted.evolution.learned)
        chances = np.clip(there.understood_by_text, 0.0, 1.0)
        rates.append(random_rate(graph.text_degrees, chances, learned[-1] * graph.n_skills, raw_bits))
    return RateCurve(
        ratios=(graph.n_texts - (1.0 - np.asarray(shares, dtype=float)) * last) / graph.n_skills,
        learned=np.array(learned),
        understood=np.array([rate.understood for rate in rates]),
        bits=np.array([rate.semantic for rate in rates]),
    )
