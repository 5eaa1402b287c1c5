"""One text as a layer codes it, bit by bit, and what receivers with other layers make of the code."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import zstandard

from analysis.compression import binary_entropy, log2_binomial, understood_texts
from explorer.arrays import IndexedGraph
from explorer.errors import NotFoundError
from explorer.service.compression import CompressionReport, Model, codebook_of, compress
from explorer.service.snapshot import LayerView
from explorer.sgc.skill_sets import decode_sets, encode_sets
from explorer.store.protocol import Store
from explorer.temporary import temporary_folder

__all__ = ["CodedSkill", "Received", "TextCode", "code_text", "measure_layer", "receive"]

_ZSTD_LEVEL = 3


@dataclass(frozen=True)
class CodedSkill:
    """A skill of a coded text.

    Attributes:
        id: Its id.
        name: Its name.
        place: Its position among the layer's learned skills, which is what is coded; None if it is not learned.
        bits: -log2 p_s in the frequency model, None in the uniform model or if it is not learned.
    """

    id: str
    name: str
    place: int | None
    bits: float | None


@dataclass(frozen=True)
class TextCode:
    """A text and its code.

    Attributes:
        id: Of the text.
        title: Its title.
        understood: True if all its skills are learned: then its code is its skill set, else the text itself.
        skills: Its skills, in order of id.
        flag_bits: Understood or not: h(p), p the share of the layer's texts that it understands.
        count_bits: Number of skills; None if it is not understood.
        set_bits: Which skills, as a set; likewise.
        order_bits: log2 n!, which a list would cost beyond a set; likewise.
        data: The code of this text alone: its number of skills and its set in 32-bit words, or its line through
            zstd.
        raw_bits: Its text as it is, or its line where there is no text.
        zstd_bits: The same through zstd alone.
        decoded: Ids of the skills that a reader with the same layer gets back from `data`; empty if not understood.
    """

    id: str
    title: str
    understood: bool
    skills: tuple[CodedSkill, ...]
    flag_bits: float
    count_bits: float | None
    set_bits: float | None
    order_bits: float | None
    data: bytes
    raw_bits: int
    zstd_bits: int
    decoded: tuple[str, ...]

    @property
    def bits(self) -> float:
        """What the text costs among others: flag, number and set, or flag and the kept text."""
        if self.count_bits is None or self.set_bits is None:
            return self.flag_bits + 8.0 * len(self.data)
        return self.flag_bits + self.count_bits + self.set_bits


@dataclass(frozen=True)
class Received:
    """What a receiver with a layer makes of a code.

    Attributes:
        layer: Name of the receiver's layer.
        fingerprint: Of its learned skills.
        same: True if it has the sender's learned skills: it reads every file of the sender.
        known: How many of the text's skills it has learned.
        unknown: Names of those that it has not: sent over a channel, the text would reach it and not be understood.
        misread: Names that its own list has at the coded positions: what it would read if the fingerprint did not
            stop it, "" where its list has no such position; empty if the sender does not understand the text.
    """

    layer: str
    fingerprint: str
    same: bool
    known: int
    unknown: tuple[str, ...]
    misread: tuple[str, ...]


def _place(indexed: IndexedGraph, text: str) -> int:
    place = indexed.text_ids.index(text).as_py()
    if place < 0:
        raise NotFoundError(f"this layer has no text {text!r}")
    return int(place)


def code_text(view: LayerView, text: str, model: Model = "frequency") -> TextCode:
    """A text of a layer as `compress` codes it.

    Args:
        view: The layer.
        text: Id of one of its texts.
        model: How skill sets are coded.

    Raises:
        NotFoundError: The layer has no such text.
        SgcError: The model does not fit the layer.
    """
    indexed, graph = view.indexed, view.indexed.graph
    row = _place(indexed, text)
    places = graph.text_skills[graph.text_ptr[row] : graph.text_ptr[row + 1]]
    ids = indexed.skills.take(places).to_pylist()
    names = indexed.skill_column("name").take(places).to_pylist()
    codebook = codebook_of(view, model)
    skill_bits = codebook.skill_bits
    skills = tuple(
        CodedSkill(
            ident, name or ident, place, None if place is None or skill_bits is None else float(skill_bits[place])
        )
        for ident, name, place in ((i, n, codebook.index.get(i)) for i, n in zip(ids, names, strict=True))
    )
    known = understood_texts(graph, view.learned)
    line = _line(indexed, row, ids)
    squeezed = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(line)
    found = codebook.understood(ids)
    count_bits = set_bits = order_bits = None
    data, decoded = squeezed, ()
    if found is not None:
        n = len(found)
        order_bits = math.lgamma(n + 1) / math.log(2.0)
        count_bits = float(codebook.count_bits[min(n, len(codebook.count_bits) - 1)])
        if skill_bits is None:
            set_bits = float(log2_binomial(codebook.n_skills, n))
        else:
            set_bits = float(skill_bits[found].sum()) - order_bits
        one, ptr = np.ones(1, dtype=bool), np.array([0, n], dtype=np.int64)
        data = encode_sets(codebook, one, ptr, np.array(found, dtype=np.int64))
        decoded = tuple(codebook.skills[place] for place in decode_sets(codebook, data, 1, 1)[2].tolist())
    return TextCode(
        id=text,
        title=indexed.text_column("title")[row].as_py() or text,
        understood=found is not None,
        skills=skills,
        flag_bits=float(binary_entropy(float(known.mean()))),
        count_bits=count_bits,
        set_bits=set_bits,
        order_bits=order_bits,
        data=data,
        raw_bits=8 * len(line),
        zstd_bits=8 * len(squeezed),
        decoded=decoded,
    )


def _line(indexed: IndexedGraph, row: int, skills: list[str]) -> bytes:
    """The text itself, or the line that stands for it where the dataset holds no text."""
    table = indexed.dataset.texts
    text = indexed.text_column("text")[row].as_py() if "text" in table.column_names else None
    if text is not None:
        return str(text).encode()
    return json.dumps({"id": indexed.text_ids[row].as_py(), "skills": skills}, ensure_ascii=False).encode()


def receive(sender: LayerView, receiver: LayerView, code: TextCode) -> Received:
    """What a receiver with a layer makes of a text that was coded with another.

    Args:
        sender: Layer of the code.
        receiver: Layer of the receiver, of the same dataset.
        code: The coded text.
    """
    own, other = codebook_of(sender, "uniform"), codebook_of(receiver, "uniform")
    unknown = tuple(skill.name for skill in code.skills if skill.id not in other.index)
    names = dict(
        zip(receiver.indexed.skills.ids.to_pylist(), receiver.indexed.skill_column("name").to_pylist(), strict=True)
    )
    places = [skill.place for skill in code.skills if skill.place is not None] if code.understood else []
    misread = tuple(
        str(names.get(other.skills[place]) or other.skills[place]) if place < other.n_skills else "" for place in places
    )
    return Received(
        layer=receiver.info.name,
        fingerprint=other.fingerprint.hex(),
        same=own.fingerprint == other.fingerprint,
        known=len(code.skills) - len(unknown),
        unknown=unknown,
        misread=misread,
    )


def measure_layer(store: Store, dataset: str, layer: str, model: Model = "frequency") -> CompressionReport:
    """What `compress` makes of the layer's own texts; the file is thrown away.

    Raises:
        NotFoundError: No such layer.
        SgcError: The model does not fit the layer.
    """
    with temporary_folder("measure") as folder:
        return compress(store, dataset, layer, source=None, output=folder / "layer.sgc", model=model)
