"""Blocks: some texts of the graph as arrays in one row of a table, and what a worker does with them.

A text is in one block with all its skills; a skill is in every block that has a text of it. Functions of this module
run inside Spark's workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from analysis.association import associate
from analysis.components import components
from analysis.graph import SkillTextGraph
from analysis.peeling import peel

__all__ = [
    "BLOCK_SCHEMA",
    "FOUND_SCHEMA",
    "NOVEL_SCHEMA",
    "PAIR_SCHEMA",
    "STAR_SCHEMA",
    "Bits",
    "Block",
    "build_block",
    "count_novel",
    "find_learned",
    "find_pairs",
    "find_stars",
    "list_skills",
    "number_partition",
    "shrink",
]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Batches = Iterable[pa.RecordBatch]

BLOCK_SCHEMA = "block long, data binary"
FOUND_SCHEMA = "skill long, text long, wave int, edges long"
NOVEL_SCHEMA = "novel long, texts long"
STAR_SCHEMA = "skill long, star long"
PAIR_SCHEMA = "source long, target long, weight long, texts long"

_PAIRS_AT_ONCE = 1 << 22
_ROWS_AT_ONCE = 1 << 16
_INDICES_AT_ONCE = 1 << 22  # sorting them takes several copies


class Bits:
    """A set of indices 0 … size-1, one bit each; travels to the workers compressed.

    >>> chosen = Bits(10)
    >>> chosen.add(np.array([3, 9]))
    >>> Bits.unpack(chosen.pack()).test(np.array([3, 4, 9])).tolist()
    [True, False, True]
    """

    def __init__(self, size: int, words: npt.NDArray[np.uint8] | None = None) -> None:
        self.size = size
        self._words = np.zeros(-(-size // 8), np.uint8) if words is None else words

    def add(self, indices: Int64) -> None:
        """Put indices in; repeats do no harm."""
        for start in range(0, len(indices), _INDICES_AT_ONCE):
            distinct = np.unique(indices[start : start + _INDICES_AT_ONCE])
            places, starts = np.unique(distinct >> 3, return_index=True)
            bits = np.left_shift(np.uint8(1), (distinct & 7).astype(np.uint8))
            self._words[places] |= np.bitwise_or.reduceat(bits, starts)

    def test(self, indices: Int64) -> npt.NDArray[np.bool_]:
        """True for indices that are in."""
        shifted: npt.NDArray[np.uint8] = self._words[indices >> 3] >> (indices & 7).astype(np.uint8)
        return (shifted & np.uint8(1)).astype(np.bool_)

    def __len__(self) -> int:
        """Number of indices that are in."""
        return int(np.bitwise_count(self._words).sum(dtype=np.int64))

    def pack(self) -> bytes:
        """As bytes, a fraction of a bit for each index if few or nearly all are in."""
        return self.size.to_bytes(8, "little") + zstandard.ZstdCompressor(level=1).compress(self._words.tobytes())

    @classmethod
    def unpack(cls, data: bytes) -> Bits:
        """What `pack` gave."""
        return cls(int.from_bytes(data[:8], "little"), np.frombuffer(zstandard.decompress(data[8:]), np.uint8))


@dataclass(frozen=True, eq=False)
class Block:
    """Some texts with their skills.

    Attributes:
        text_ids: int64 (T,), ascending: index of each text in the whole graph.
        skill_ids: int64 (S,), ascending: index of each skill in the whole graph.
        text_ptr: int64 (T+1,): where each text's row starts.
        text_skills: int32 (E,), ascending in each row: places in `skill_ids`.
    """

    text_ids: Int64
    skill_ids: Int64
    text_ptr: Int64
    text_skills: Int32

    @property
    def n_edges(self) -> int:
        """Number of (text, skill) pairs."""
        return len(self.text_skills)

    def graph(self) -> SkillTextGraph:
        """The block as the kernels take it."""
        return SkillTextGraph.from_csr(self.text_ptr, self.text_skills, len(self.skill_ids))

    def row(self, block: int) -> pa.RecordBatch:
        """The block as a row of `BLOCK_SCHEMA`."""
        head = np.array([len(self.text_ids), len(self.skill_ids), self.n_edges], np.int64)
        degrees = np.diff(self.text_ptr).astype(np.int32)
        data = b"".join(part.tobytes() for part in (head, self.text_ids, self.skill_ids, degrees, self.text_skills))
        return pa.record_batch([pa.array([block], pa.int64()), pa.array([data], pa.binary())], names=["block", "data"])

    @classmethod
    def parse(cls, data: pa.Buffer) -> Block:
        """The block of a row, without a copy of its skills."""
        n_texts, n_skills, n_edges = np.frombuffer(data, np.int64, 3).tolist()
        text_ids = np.frombuffer(data, np.int64, n_texts, 24)
        skill_ids = np.frombuffer(data, np.int64, n_skills, 24 + 8 * n_texts)
        start = 24 + 8 * (n_texts + n_skills)
        pointers = np.zeros(n_texts + 1, np.int64)
        np.cumsum(np.frombuffer(data, np.int32, n_texts, start), out=pointers[1:])
        return cls(text_ids, skill_ids, pointers, np.frombuffer(data, np.int32, n_edges, start + 4 * n_texts))

    def without(self, skills: npt.NDArray[np.bool_]) -> Block:
        """The block without some skills, bool (S,), and without the texts that then have none."""
        if not skills.any():
            return self
        kept = ~skills
        places = np.flatnonzero(kept[self.text_skills])
        pointers = np.searchsorted(places, self.text_ptr)
        texts = np.diff(pointers) > 0
        renumbered = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        return Block(
            self.text_ids[texts],
            self.skill_ids[kept],
            np.concatenate((pointers[:-1][texts], pointers[-1:])).astype(np.int64),
            renumbered[self.text_skills[places]],
        )


def build_block(table: pa.Table) -> pa.Table:
    """The block of a group of rows `block, text, skill`, in any order and with repeats."""
    text, skill = (table[name].combine_chunks() for name in ("text", "skill"))
    text_ids, text_rows = _ranked(text)
    skill_ids, skill_rows = _ranked(skill)
    graph = SkillTextGraph.from_edges(text_rows, skill_rows, len(text_ids), len(skill_ids))
    block = Block(text_ids, skill_ids, graph.text_ptr, graph.text_skills)
    return pa.Table.from_batches([block.row(table["block"][0].as_py())])


def _ranked(values: pa.Array | pa.ChunkedArray) -> tuple[Int64, Int32]:
    """Distinct values, ascending, and the place of each value among them."""
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    encoded = values.dictionary_encode()
    distinct = encoded.dictionary.to_numpy(zero_copy_only=False)
    order = np.argsort(distinct)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return distinct[order].astype(np.int64), rank[encoded.indices.to_numpy(zero_copy_only=False)]


def _blocks(batches: Batches) -> Iterator[tuple[int, Block]]:
    for batch in batches:
        numbers, data = batch.column("block").to_pylist(), batch.column("data")
        for row, number in enumerate(numbers):
            yield number, Block.parse(data[row].as_buffer())


def find_learned(batches: Batches, learned: bytes, capacity: int, wave: int, *, exact: bool) -> Batches:
    """What each block teaches beyond the skills learned so far: rows of `FOUND_SCHEMA`.

    Args:
        batches: Blocks.
        learned: `Bits` of the learned skills.
        capacity: D.
        wave: Number of the super-step.
        exact: True for one round, with the smallest text that teaches each skill; False for all that the block can
            teach by itself, round after round, without texts.

    Yields:
        For each block, the skills, and a last row with the number of its edges that lead to novel skills.
    """
    known = Bits.unpack(learned)
    for _, whole in _blocks(batches):
        block = whole.without(known.test(whole.skill_ids))
        degrees = np.diff(block.text_ptr)
        teaching = degrees <= capacity
        skills, texts = np.empty(0, np.int64), None
        if teaching.any() and exact:
            rows = np.repeat(teaching, degrees)
            # rows are in order of text, so the first row of a skill has the smallest
            places, first = np.unique(block.text_skills[rows], return_index=True)
            skills, texts = block.skill_ids[places], np.repeat(block.text_ids[teaching], degrees[teaching])[first]
        elif teaching.any():
            skills = block.skill_ids[peel(block.graph(), capacity).wave > 0]
        rows_out = len(skills)
        yield pa.record_batch(
            [
                pa.array(np.append(skills, 0), pa.int64(), mask=np.append(np.zeros(rows_out, np.bool_), True)),
                pa.nulls(rows_out + 1, pa.int64())
                if texts is None
                else pa.array(np.append(texts, 0), pa.int64(), mask=np.append(np.zeros(rows_out, np.bool_), True)),
                pa.array(np.full(rows_out + 1, wave, np.int32), pa.int32()),
                pa.array(
                    np.append(np.zeros(rows_out, np.int64), block.n_edges),
                    pa.int64(),
                    mask=np.append(np.ones(rows_out, np.bool_), False),
                ),
            ],
            names=["skill", "text", "wave", "edges"],
        )


def shrink(batches: Batches, learned: bytes) -> Batches:
    """The blocks without the learned skills and the understood texts; empty ones stay, so that they can be counted."""
    known = Bits.unpack(learned)
    for number, whole in _blocks(batches):
        yield whole.without(known.test(whole.skill_ids)).row(number)


def number_partition(batches: Batches, keys: Sequence[str]) -> Batches:
    """The rows of one partition, sorted by the keys, with three columns more.

    `run` is the same for all, `place` counts 0 …, `unclear` is true where a key is null or all are the row before's.
    Sorted here, because not every engine keeps its rows in order on their way to a function.
    """
    held = [batch for batch in batches if batch.num_rows]
    if not held:
        return
    table = pa.Table.from_batches(held).sort_by([(key, "ascending") for key in keys])
    table = table.append_column("unclear", _unclear(table.select(list(keys))))
    run = uuid4().int >> 66
    done = 0
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        place = pa.array(np.arange(done, done + batch.num_rows), pa.int64())
        done += batch.num_rows
        runs = pa.array(np.full(batch.num_rows, run), pa.int64())
        columns = [*batch.columns[:-1], runs, place, batch.columns[-1]]
        yield pa.record_batch(columns, names=[*batch.schema.names[:-1], "run", "place", "unclear"])


def _unclear(keys: pa.Table) -> pa.Array:
    """True for rows of a sorted table that have a null or are equal to the row before."""
    null, same = np.zeros(keys.num_rows, np.bool_), np.ones(keys.num_rows, np.bool_)
    same[:1] = False
    for column in keys.columns:
        null |= column.is_null().to_numpy()
        same[1:] &= pc.fill_null(pc.equal(column.slice(1), column.slice(0, len(column) - 1)), False).to_numpy()
    return pa.array(null | same)


def list_skills(batches: Batches) -> Batches:
    """The skills of each block: rows of one column `skill`."""
    for _, block in _blocks(batches):
        yield pa.record_batch([pa.array(block.skill_ids)], names=["skill"])


def count_novel(batches: Batches, learned: bytes) -> Batches:
    """How many texts of each block have n novel skills: rows of `NOVEL_SCHEMA`."""
    known = Bits.unpack(learned)
    for _, block in _blocks(batches):
        novel = np.cumsum(~known.test(block.skill_ids)[block.text_skills], dtype=np.int64)
        counts = np.bincount(np.diff(np.concatenate(([0], novel))[block.text_ptr]))
        found = np.flatnonzero(counts)
        yield pa.record_batch([pa.array(found), pa.array(counts[found])], names=["novel", "texts"])


def _joining(block: Block, learned: npt.NDArray[np.bool_], rule: str) -> Block:
    """The learned skills of the texts that join them under a rule."""
    if rule == "understood":
        novel = np.concatenate(([0], np.cumsum(~learned[block.text_skills], dtype=np.int64)))
        texts = np.diff(novel[block.text_ptr]) == 0
        degrees = np.diff(block.text_ptr)
        kept = np.repeat(texts, degrees)
        pointers = np.concatenate(([0], np.cumsum(degrees[texts])))
        block = Block(block.text_ids[texts], block.skill_ids, pointers, block.text_skills[kept])
    return block.without(~learned)


def find_stars(batches: Batches, learned: bytes, rule: str) -> Batches:
    """Components within each block, every learned skill with the smallest of its component: rows of `STAR_SCHEMA`.

    A skill that is joined to no other in the block has no row.
    """
    known = Bits.unpack(learned)
    for _, whole in _blocks(batches):
        block = _joining(whole, known.test(whole.skill_ids), rule)
        label = components(block.graph(), np.ones(len(block.skill_ids), np.bool_)).label
        # the first place of a label is its smallest skill, because places are in order of skill
        _, first = np.unique(label, return_index=True)
        star = first[label]
        skills = np.flatnonzero(star != np.arange(len(label)))
        yield pa.record_batch(
            [pa.array(block.skill_ids[skills]), pa.array(block.skill_ids[star[skills]])], names=["skill", "star"]
        )


def find_pairs(batches: Batches, learned: bytes, rule: str, max_text_skills: int | None) -> Batches:
    """Pairs of learned skills that texts of each block require both, a few million at a time: rows of `PAIR_SCHEMA`.

    Yields:
        Pairs with their weights in some texts of the block, `texts` null; and for each block a row with `weight` the
        number of pairs and `texts` the number of texts that were left out because of `max_text_skills`, source null.
    """
    known = Bits.unpack(learned)
    for _, whole in _blocks(batches):
        block = _joining(whole, known.test(whole.skill_ids), rule)
        sizes = np.diff(block.text_ptr)
        pairs = sizes * (sizes - 1) // 2
        long_ = sizes > max_text_skills if max_text_skills is not None else np.zeros(len(sizes), np.bool_)
        done = np.cumsum(np.where(long_, 0, pairs))
        start = 0
        while start < len(sizes):
            before = done[start - 1] if start else 0
            stop = max(int(np.searchsorted(done, before + _PAIRS_AT_ONCE, side="right")), start + 1)
            part = SkillTextGraph.from_csr(
                block.text_ptr[start : stop + 1] - block.text_ptr[start],
                block.text_skills[block.text_ptr[start] : block.text_ptr[stop]],
                len(block.skill_ids),
            )
            found = associate(
                part,
                np.ones(part.n_skills, np.bool_),
                max_text_skills=max_text_skills,
                max_pairs=2**62,
            )
            yield pa.record_batch(
                [
                    pa.array(block.skill_ids[found.source]),
                    pa.array(block.skill_ids[found.target]),
                    pa.array(found.weight),
                    pa.nulls(found.n_associations, pa.int64()),
                ],
                names=["source", "target", "weight", "texts"],
            )
            start = stop
        nobody = pa.nulls(1, pa.int64())
        skipped = [pa.array([int(values)], pa.int64()) for values in (pairs[long_].sum(), long_.sum())]
        yield pa.record_batch([nobody, nobody, *skipped], names=["source", "target", "weight", "texts"])
