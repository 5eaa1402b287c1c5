"""Fingerprints of stored content: equal content has equal fingerprints, in every store, whatever it was read from.

A fingerprint is 32 hexadecimal digits (BLAKE2b with 16 bytes) over values in canonical order, so it depends neither
on chunks, slices and dictionaries of Arrow tables nor on the machine. Two kinds are kept in the graph:

- of a whole dataset or layer: it changes with any value, and is what a cache of that content is keyed by;
- of what a layer is made from, part by part: it changes only with what the layer depends on, so that a new part
  leaves the layers of the other parts as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loaders.dataset import TAG_COLUMNS, Dataset

__all__ = [
    "PartFingerprints",
    "dataset_fingerprint",
    "fingerprints_from_json",
    "fingerprints_to_json",
    "part_fingerprints",
    "table_fingerprint",
]

_SIZE = 16


@dataclass(frozen=True)
class PartFingerprints:
    """Fingerprints of what a layer can depend on in one part of a dataset.

    Attributes:
        texts: Ids of the texts, which skill each requires, and the prerequisites of these skills. Titles, weights
            and other properties teach nothing and do not count.
        classes: Classes of the required skills.
        outcomes: Scores of models on the texts, and which model was fine-tuned from which; empty without outcomes.
    """

    texts: str
    classes: str
    outcomes: str = ""


def table_fingerprint(table: pa.Table) -> str:
    """Fingerprint of a table: names and types of its columns and all values, row by row; null is a value of its own.

    Dictionary-encoded columns count as the values they stand for. 64-bit floats count by their bits.

    >>> table_fingerprint(pa.table({"a": ["x", None]})) == table_fingerprint(pa.table({"a": ["x", ""]}))
    False
    """
    digest = hashlib.blake2b(digest_size=_SIZE)
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        _update(digest, [f"{name}:{kind}".encode(), *_column_parts(column)])
    return digest.hexdigest()


def dataset_fingerprint(dataset: Dataset) -> str:
    """Fingerprint of a whole dataset but for its name: all tables with all properties, and its provenance."""
    digest = hashlib.blake2b(digest_size=_SIZE)
    facts = json.dumps(dict(dataset.provenance), sort_keys=True, ensure_ascii=True)
    _update(digest, [facts.encode()])
    for name, table in dataset.tables().items():
        if name == "requirements":
            # Codes are positions among the ids, which are in the tables of texts and skills.
            weights = table["weight"].to_numpy()
            parts = [_codes(table["text"]), _codes(table["skill"]), weights]
            tags = table.select([column for column in TAG_COLUMNS if column in table.column_names])
            known = [table_fingerprint(tags).encode()] if tags.num_columns else []
            _update(digest, [name.encode(), *(np.ascontiguousarray(part) for part in parts), *known])
        else:
            _update(digest, [name.encode(), table_fingerprint(table).encode()])
    return digest.hexdigest()


def part_fingerprints(dataset: Dataset) -> dict[str, PartFingerprints]:
    """Fingerprints of each part by its name; texts without a part are the part "".

    Time and memory are proportional to the dataset, whatever the number of parts.
    """
    names = pc.fill_null(dataset.texts["part"], "").combine_chunks()
    parts = sorted(pc.unique(names).to_pylist())
    part_of_text = pc.index_in(names, value_set=pa.array(parts, pa.string())).to_numpy(zero_copy_only=False)
    text, skill = _codes(dataset.requirements["text"]), _codes(dataset.requirements["skill"])
    text_groups = _groups(part_of_text, len(parts))
    edge_groups = _groups(part_of_text[text], len(parts))
    text_ids, skill_ids = dataset.texts["id"].combine_chunks(), dataset.skills["id"].combine_chunks()
    classes = dataset.skills["class"].combine_chunks()
    links = dataset.prerequisites
    link_ends = pc.index_in(links["skill"], value_set=skill_ids).to_numpy().astype(np.int64)
    attempts = dataset.attempts
    attempted = pc.index_in(attempts["text"], value_set=text_ids).to_numpy().astype(np.int64)
    attempt_groups = _groups(part_of_text[attempted], len(parts))
    bases = dict(zip(dataset.models["id"].to_pylist(), dataset.models["base"].to_pylist(), strict=True))
    number, place_of_text = np.zeros(dataset.n_skills, np.int32), np.zeros(dataset.n_texts, np.int64)
    found = {}
    for place, name in enumerate(parts):
        rows, edges = text_groups[place], edge_groups[place]
        required = np.zeros(dataset.n_skills, dtype=bool)
        required[skill[edges]] = True
        used = np.flatnonzero(required)
        number[used] = np.arange(len(used), dtype=np.int32)
        place_of_text[rows] = np.arange(len(rows))
        index = number[skill[edges]]
        degrees = np.bincount(place_of_text[text[edges]], minlength=len(rows))
        taken = pa.array(used)
        here = links.filter(pa.array(required[link_ends]))
        texts = _digest(
            [
                *_column_parts(text_ids.take(pa.array(rows))),
                *_column_parts(skill_ids.take(taken)),
                degrees.astype(np.int64),
                index,
                table_fingerprint(here).encode() if here.num_rows else b"",
            ]
        )
        scores = attempts.take(pa.array(attempt_groups[place]))
        models = pc.unique(scores["model"]).to_pylist()
        family = json.dumps([[model, bases.get(model)] for model in models]).encode()
        found[name] = PartFingerprints(
            texts=texts,
            classes=_digest([*_column_parts(skill_ids.take(taken)), *_column_parts(classes.take(taken))]),
            outcomes=_digest([table_fingerprint(scores).encode(), family]) if scores.num_rows else "",
        )
    return found


def fingerprints_to_json(parts: Mapping[str, PartFingerprints]) -> str:
    """As the stores keep them, in one property."""
    return json.dumps({name: [p.texts, p.classes, p.outcomes] for name, p in parts.items()}, ensure_ascii=False)


def fingerprints_from_json(text: str) -> dict[str, PartFingerprints]:
    """The inverse of `fingerprints_to_json`."""
    return {name: PartFingerprints(*values) for name, values in json.loads(text).items()}


def _groups(label: NDArray[np.integer], count: int) -> list[NDArray[np.int64]]:
    """Positions of each label from 0, in order."""
    if count <= 1:
        return [np.arange(len(label), dtype=np.int64)] * count
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(np.bincount(label, minlength=count))
    return np.split(order, ends[:-1])


def _codes(column: pa.ChunkedArray) -> NDArray[np.int32]:
    chunks = [np.asarray(chunk.indices, dtype=np.int32) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int32)


def _digest(parts: Iterable[bytes | NDArray[np.generic]]) -> str:
    digest = hashlib.blake2b(digest_size=_SIZE)
    _update(digest, parts)
    return digest.hexdigest()


def _update(digest: hashlib.blake2b, parts: Iterable[bytes | NDArray[np.generic]]) -> None:
    """Each part after its length, so that no two lists of parts have the same bytes."""
    for part in parts:
        block = part if isinstance(part, bytes) else part.view(np.uint8).data
        digest.update(len(block).to_bytes(8, "little"))
        digest.update(block)


def _column_parts(column: pa.Array | pa.ChunkedArray) -> list[bytes | NDArray[np.generic]]:
    """The values of a column: which are there, and for strings their lengths in bytes and all bytes."""
    chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    if pa.types.is_dictionary(chunked.type):
        chunked = chunked.cast(chunked.type.value_type)
    there = pc.is_valid(chunked).to_numpy().astype(np.uint8) if chunked.null_count else np.zeros(0, np.uint8)
    if pa.types.is_string(chunked.type) or pa.types.is_large_string(chunked.type):
        plain = pc.fill_null(chunked, "") if chunked.null_count else chunked
        lengths = pc.binary_length(plain).to_numpy().astype(np.int64)
        texts = hashlib.blake2b(digest_size=_SIZE)
        for chunk in plain.chunks:
            if not len(chunk):
                continue
            wide = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
            offsets = np.frombuffer(chunk.buffers()[1], wide)[chunk.offset : chunk.offset + len(chunk) + 1]
            data = chunk.buffers()[2]
            if data is not None:
                texts.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])
        return [there, lengths, texts.digest()]
    if pa.types.is_boolean(chunked.type):
        return [there, pc.fill_null(chunked, fill_value=False).to_numpy().astype(np.uint8)]
    zero = pa.scalar(0, chunked.type)
    return [there, np.ascontiguousarray(pc.fill_null(chunked, zero).to_numpy())]
