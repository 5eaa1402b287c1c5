"""Ids to indices and back: the only place where the one becomes the other.

A dataset's rows are in canonical order, so row numbers are indices; choosing parts of it compacts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.graph import SkillTextGraph
from explorer.errors import NotFoundError
from loaders.dataset import Dataset

__all__ = ["IndexedGraph", "SkillIndex", "index_dataset", "positions", "text_mask"]


def positions(ids: pa.Array | pa.ChunkedArray, among: pa.Array) -> NDArray[np.int32]:
    """int32 (n,): place of each id among others, which are no null; -1 for one that is null or not there.

    Ids that are dictionary-encoded are looked up once each, and not at all if the dictionary is `among`.

    >>> positions(pa.array(["b", None, "c"]), pa.array(["a", "b"])).tolist()
    [1, -1, -1]
    """
    if not pa.types.is_dictionary(ids.type):
        places = pc.fill_null(pc.index_in(ids, value_set=among), -1)
        found: NDArray[np.int32] = np.asarray(places.to_numpy(), dtype=np.int32)
        return found
    parts = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    every, of, known = [np.zeros(0, dtype=np.int32)], np.zeros(0, dtype=np.int32), None
    for part in parts:
        if known is None or not part.dictionary.equals(known):
            known = part.dictionary
            same = known.equals(among)
            of = np.arange(len(among), dtype=np.int32) if same else positions(known, among)
            of = np.append(of, np.int32(-1))  # the last place is that of null
        every.append(of[part.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
    return np.concatenate(every)


@dataclass(frozen=True)
class SkillIndex:
    """Ids of the skills of an indexed graph; position is the index.

    Attributes:
        ids: Skill ids, in order of id.
    """

    ids: pa.Array

    def __len__(self) -> int:
        """Number of skills."""
        return len(self.ids)

    def mask(self, skills: pa.Array | Sequence[str]) -> NDArray[np.bool_]:
        """Bool (S,): which of these skills are named; ids that are not here are passed over."""
        named = pa.array(skills, pa.string()) if not isinstance(skills, pa.Array | pa.ChunkedArray) else skills
        if isinstance(named, pa.ChunkedArray):
            named = named.combine_chunks()
        found: NDArray[np.bool_] = pc.is_in(self.ids, value_set=named).to_numpy(zero_copy_only=False)
        return found

    def indices(self, skills: pa.Array | pa.ChunkedArray | Sequence[str]) -> NDArray[np.int32]:
        """int32 index of each id; ids that are dictionary-encoded are looked up once each.

        Raises:
            NotFoundError: An id is not among the skills.
        """
        named = pa.array(skills, pa.string()) if not isinstance(skills, pa.Array | pa.ChunkedArray) else skills
        found = positions(named, self.ids)
        if len(found) and found.min() < 0:
            row = int(np.flatnonzero(found < 0)[0])
            raise NotFoundError(f"skill {named[row].as_py()!r} is not among the {len(self)} skills of this graph")
        return found

    def take(self, indices: NDArray[np.integer]) -> pa.Array:
        """Ids of these indices."""
        return self.ids.take(pa.array(indices))

    def encoded(self, indices: NDArray[np.integer]) -> pa.DictionaryArray:
        """The same, dictionary-encoded: the ids are there once."""
        return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), self.ids)


@dataclass(frozen=True)
class IndexedGraph:
    """The skill–text graph of chosen parts of a dataset, with the ids of its rows.

    Attributes:
        dataset: The dataset it was made from.
        parts: Parts whose texts are in it; empty means all texts.
        graph: The arrays; text and skill indices are positions in `text_ids` and `skills.ids`.
        text_ids: Ids of the texts, in order of id.
        skills: Ids of the skills that the texts of the universe require, in order of id.
        text_rows: int64 (T,), row of each text in `dataset.texts`.
        skill_rows: int64 (S,), row of each skill in `dataset.skills`.
    """

    dataset: Dataset
    parts: tuple[str, ...]
    graph: SkillTextGraph
    text_ids: pa.Array
    skills: SkillIndex
    text_rows: NDArray[np.int64]
    skill_rows: NDArray[np.int64]

    @cached_property
    def prerequisites(self) -> tuple[NDArray[np.int32], NDArray[np.int32]] | None:
        """Pairs (prerequisite, skill) of indices among the skills here; None if there are none.

        A prerequisite that no text of these parts requires can never be learned from them, but nothing here
        could check it either: such links are left out.
        """
        table = self.dataset.prerequisites
        if not table.num_rows:
            return None
        before = pc.index_in(table["prerequisite"], value_set=self.skills.ids)
        after = pc.index_in(table["skill"], value_set=self.skills.ids)
        both = pc.and_(pc.is_valid(before), pc.is_valid(after))
        pairs = [pc.filter(column, both).combine_chunks().to_numpy().astype(np.int32) for column in (before, after)]
        return (pairs[0], pairs[1]) if len(pairs[0]) else None

    def coded_skills(self, rows: NDArray[np.integer]) -> pa.DictionaryArray:
        """Ids of rows of the dataset's skills, dictionary-encoded: no string is made, and none looked up later."""
        return pa.DictionaryArray.from_arrays(pa.array(rows, pa.int32()), _ids(self.dataset.skills))

    def coded_texts(self, indices: NDArray[np.integer]) -> pa.DictionaryArray:
        """Ids of texts of this graph, likewise; null for an index below 0."""
        none = indices < 0
        rows = self.text_rows[np.where(none, 0, indices)] if len(self.text_rows) else np.zeros(len(indices), np.int64)
        return pa.DictionaryArray.from_arrays(pa.array(rows, pa.int32(), mask=none), _ids(self.dataset.texts))

    def skill_column(self, name: str) -> pa.Array:
        """A column of the dataset's skills, one value a skill of this graph."""
        return self.dataset.skills[name].take(pa.array(self.skill_rows)).combine_chunks()

    def text_column(self, name: str) -> pa.Array:
        """A column of the dataset's texts, one value a text of this graph."""
        return self.dataset.texts[name].take(pa.array(self.text_rows)).combine_chunks()


def text_mask(dataset: Dataset, parts: Sequence[str], *, lenient: bool = False) -> NDArray[np.bool_]:
    """The texts of some parts, bool (T,); without parts all of them.

    Raises:
        NotFoundError: A part that the dataset does not have, unless `lenient`: then it has no texts.
    """
    if not parts:
        return np.ones(dataset.n_texts, dtype=bool)
    unknown = sorted(set(parts) - set(dataset.parts))
    if unknown and not lenient:
        there = ", ".join(map(repr, dataset.parts)) or "none"
        raise NotFoundError(f"dataset {dataset.name!r} has no part {unknown[0]!r}; its parts: {there}")
    mask: NDArray[np.bool_] = pc.is_in(dataset.texts["part"], value_set=pa.array(list(parts), pa.string())).to_numpy()
    return mask


def _ids(table: pa.Table) -> pa.Array:
    ids = table["id"].combine_chunks()
    return ids if isinstance(ids, pa.Array) else pa.array([], pa.string())


def _codes(column: pa.ChunkedArray) -> NDArray[np.int32]:
    chunks = [np.asarray(chunk.indices) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int32)


def index_dataset(
    dataset: Dataset,
    *,
    parts: Sequence[str] = (),
    universe: Sequence[str] | None = None,
    skills_too: pa.Array | pa.ChunkedArray | None = None,
    lenient: bool = False,
) -> IndexedGraph:
    """The skill–text graph of some parts of a dataset.

    Args:
        dataset: The dataset.
        parts: Parts whose texts are taken; empty means all.
        universe: Parts whose texts say which skills are counted, a superset of `parts` (empty means all);
            by default the same. A skill that no text of the universe requires is not in the graph.
        skills_too: Ids of skills that are in the graph even if no text of the universe requires them; ids that
            the dataset does not have are passed over.
        lenient: Take a part that the dataset does not have as one without texts.

    Returns:
        The graph with its ids.

    Raises:
        NotFoundError: The dataset has no such part, unless `lenient`.
    """
    text_of, skill_of = _codes(dataset.requirements["text"]), _codes(dataset.requirements["skill"])
    texts = text_mask(dataset, parts, lenient=lenient)
    counted = texts if universe is None else texts | text_mask(dataset, universe, lenient=lenient)
    skills = np.zeros(dataset.n_skills, dtype=bool)
    skills[skill_of[counted[text_of]]] = True
    if skills_too is not None and len(skills_too):
        wanted = skills_too.combine_chunks() if isinstance(skills_too, pa.ChunkedArray) else skills_too
        skills |= pc.is_in(dataset.skills["id"], value_set=wanted).to_numpy()
    kept = texts[text_of]
    text_index = np.cumsum(texts, dtype=np.int64).astype(np.int32) - 1
    skill_index = np.cumsum(skills, dtype=np.int64).astype(np.int32) - 1
    text_rows, skill_rows = np.flatnonzero(texts), np.flatnonzero(skills)
    graph = SkillTextGraph.from_edges(
        text_index[text_of[kept]], skill_index[skill_of[kept]], len(text_rows), len(skill_rows)
    )
    return IndexedGraph(
        dataset=dataset,
        parts=tuple(sorted(parts)),
        graph=graph,
        text_ids=dataset.texts["id"].take(pa.array(text_rows)).combine_chunks(),
        skills=SkillIndex(dataset.skills["id"].take(pa.array(skill_rows)).combine_chunks()),
        text_rows=text_rows,
        skill_rows=skill_rows,
    )
