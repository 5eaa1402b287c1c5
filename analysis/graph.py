"""The skill–text graph: which text requires which skill, as compressed rows both ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis._kernels import Engine, compiled
from analysis._kernels.rows import without_repeats
from analysis.errors import AnalysisError

__all__ = ["SkillTextGraph"]

_MAX_ID = 2**31 - 1
_BLOCK = 65_536  # edges that are looked at together and stay in the cache


@dataclass(frozen=True, eq=False)
class SkillTextGraph:
    """A bipartite graph of T texts and S skills with E distinct (text, skill) pairs, E ≤ 2^63, ids 32-bit.

    Row t of the texts, `text_skills[text_ptr[t]:text_ptr[t+1]]`, is φ(t), the skills that text t requires,
    ascending; row s of the skills holds the texts that require skill s, ascending. All arrays are read-only.
    Build it with `from_edges` or `from_csr`, which guarantee this. Source: the skill–text graph of
    [AroraGoyal2023].

    Attributes:
        text_ptr: Where each text's row starts, int64 (T+1,).
        text_skills: Skill indices, int32 (E,).
        skill_ptr: Where each skill's row starts, int64 (S+1,).
        skill_texts: Text indices, int32 (E,).

    >>> graph = SkillTextGraph.from_edges([0, 0, 1, 1, 1], [2, 0, 1, 2, 2], n_texts=2, n_skills=4)
    >>> graph.text_skills.tolist(), graph.skill_texts.tolist(), graph.n_edges
    ([0, 2, 1, 2], [0, 1, 0, 1], 4)
    """

    text_ptr: npt.NDArray[np.int64]
    text_skills: npt.NDArray[np.int32]
    skill_ptr: npt.NDArray[np.int64]
    skill_texts: npt.NDArray[np.int32]

    @property
    def n_texts(self) -> int:
        """Number of texts T."""
        return len(self.text_ptr) - 1

    @property
    def n_skills(self) -> int:
        """Number of skills S."""
        return len(self.skill_ptr) - 1

    @property
    def n_edges(self) -> int:
        """Number of distinct (text, skill) pairs E."""
        return len(self.text_skills)

    @property
    def ratio(self) -> float:
        """Texts per skill, R = T/S; 0.0 without skills."""
        return self.n_texts / self.n_skills if self.n_skills else 0.0

    @property
    def mean_skills(self) -> float:
        """Mean number of skills in a text, c = E/T; 0.0 without texts."""
        return self.n_edges / self.n_texts if self.n_texts else 0.0

    @property
    def text_degrees(self) -> npt.NDArray[np.int64]:
        """Number of skills in each text, |φ(t)|, int64 (T,)."""
        return np.diff(self.text_ptr)

    @property
    def skill_degrees(self) -> npt.NDArray[np.int64]:
        """Number of texts that require each skill, int64 (S,)."""
        return np.diff(self.skill_ptr)

    @classmethod
    def from_edges(
        cls,
        text: npt.ArrayLike,
        skill: npt.ArrayLike,
        n_texts: int,
        n_skills: int,
        *,
        engine: Engine = "auto",
    ) -> SkillTextGraph:
        """The graph of a list of edges, in any order; a repeated (text, skill) pair is one edge.

        O(E) time. Besides the edges and the graph it holds 2 bytes an edge while it works (compiled engine).

        Args:
            text: Text index of each edge, integers (E,) in 0 … n_texts-1; int32 is used without a copy.
            skill: Skill index of each edge, integers (E,) in 0 … n_skills-1.
            n_texts: Number of texts T, at most 2^31 - 1; texts without edges are kept.
            n_skills: Number of skills S, likewise.
            engine: `numpy`, `numba`, or `auto` to choose by size; the result is the same.

        Returns:
            The graph of T texts and S skills, rows ascending and distinct in both directions.

        Raises:
            AnalysisError: An index or count out of range, arrays of different lengths or not of integers, or an unknown
                engine.

        >>> SkillTextGraph.from_edges([1, 0], [0, 0], n_texts=2, n_skills=1).skill_texts.tolist()
        [0, 1]
        """
        _check_count("n_texts", n_texts)
        _check_count("n_skills", n_skills)
        texts = _index_array("text", text, n_texts)
        skills = _index_array("skill", skill, n_skills)
        if len(texts) != len(skills):
            raise AnalysisError(f"text has {len(texts)} entries and skill has {len(skills)}: an edge needs one of each")
        if _ascends(texts):  # these are the rows
            return cls._from_rows(_pointers(texts, n_texts, engine), skills, n_skills, engine)
        if compiled(engine, len(texts)):
            from analysis._kernels import building

            rows = building.rows_from_edges(texts, skills, n_texts)
        else:
            rows = _distinct_rows(texts, skills, n_texts)
        return cls._from_distinct_rows(*rows, n_skills, engine)

    @classmethod
    def from_csr(
        cls,
        text_ptr: npt.ArrayLike,
        text_skills: npt.ArrayLike,
        n_skills: int,
        *,
        engine: Engine = "auto",
    ) -> SkillTextGraph:
        """The graph of compressed rows, one row of skills for each text.

        A row may be in any order and may repeat a skill; rows that are ascending and distinct already, as
        int32, are used without a copy (do not change them afterwards).

        Args:
            text_ptr: Where each text's row starts, integers (T+1,), ascending from 0 to E.
            text_skills: Skill index of each edge, integers (E,) in 0 … n_skills-1.
            n_skills: Number of skills S.
            engine: As for `from_edges`.

        Returns:
            The graph of T texts and S skills, rows ascending and distinct in both directions.

        Raises:
            AnalysisError: Pointers that are not ascending from 0 to E, an index or count out of range, or an unknown
                engine.

        >>> SkillTextGraph.from_csr([0, 2, 2], [1, 0], n_skills=2).text_skills.tolist()
        [0, 1]
        """
        _check_count("n_skills", n_skills)
        skills = _index_array("text_skills", text_skills, n_skills)
        pointers = np.ascontiguousarray(np.asarray(text_ptr), dtype=np.int64)
        if pointers.ndim != 1 or len(pointers) == 0 or pointers[0] != 0 or pointers[-1] != len(skills):
            raise AnalysisError(f"text_ptr must start at 0 and end at the number of edges, {len(skills)}")
        if np.any(pointers[1:] < pointers[:-1]):
            raise AnalysisError(f"text_ptr must not decrease, as it does at row {np.argmax(np.diff(pointers) < 0)}")
        return cls._from_rows(pointers, skills, n_skills, engine)

    @classmethod
    def _from_rows(
        cls, pointers: npt.NDArray[np.int64], skills: npt.NDArray[np.int32], n_skills: int, engine: Engine
    ) -> SkillTextGraph:
        """From rows in any order and with repeats; rows that are in order are used without a copy."""
        if _rows_ascend(pointers, skills):
            return cls._from_distinct_rows(pointers, skills, n_skills, engine)
        if compiled(engine, len(skills)):
            from analysis._kernels import building

            return cls._from_distinct_rows(*building.rows_from_rows(pointers, skills), n_skills, engine)
        texts = np.repeat(np.arange(len(pointers) - 1, dtype=np.int32), np.diff(pointers))
        return cls._from_distinct_rows(*_distinct_rows(texts, skills, len(pointers) - 1), n_skills, engine)

    @classmethod
    def _from_distinct_rows(
        cls,
        text_ptr: npt.NDArray[np.int64],
        text_skills: npt.NDArray[np.int32],
        n_skills: int,
        engine: Engine,
    ) -> SkillTextGraph:
        if compiled(engine, len(text_skills)):
            from analysis._kernels import building

            skill_ptr, skill_texts = building.transpose(text_ptr, text_skills, n_skills)
        else:
            texts = np.repeat(np.arange(len(text_ptr) - 1, dtype=np.int32), np.diff(text_ptr))
            skill_texts = _sorted_words(text_skills, texts).astype(np.int32)
            skill_ptr = _pointers(text_skills, n_skills, engine)
        arrays = (text_ptr.view(), text_skills.view(), skill_ptr.view(), skill_texts.view())
        for array in arrays:
            array.flags.writeable = False
        return cls(*arrays)

    def subset(self, texts: npt.ArrayLike) -> SkillTextGraph:
        """The graph of some of the texts over the same skills; text i of it is text `texts[i]` of this one.

        Args:
            texts: Text indices, integers, or a mask, bool (T,).

        Returns:
            The graph of the chosen texts, in their order, over all S skills.

        Raises:
            AnalysisError: A mask of another length or an index out of range.

        >>> graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2)
        >>> graph.subset([1]).text_skills.tolist(), graph.subset([1]).n_skills
        ([0, 1], 2)
        """
        chosen = np.asarray(texts)
        if chosen.dtype == np.bool_:
            if chosen.shape != (self.n_texts,):
                raise AnalysisError(f"a mask of texts must have shape ({self.n_texts},), not {chosen.shape}")
            chosen = np.flatnonzero(chosen)
        rows = _index_array("texts", chosen, self.n_texts)
        degrees = self.text_degrees[rows]
        text_ptr = np.concatenate(([0], np.cumsum(degrees)))
        places = np.arange(text_ptr[-1]) + np.repeat(self.text_ptr[rows] - text_ptr[:-1], degrees)
        return self._from_distinct_rows(text_ptr, self.text_skills[places], self.n_skills, "auto")

    def equals(self, other: SkillTextGraph) -> bool:
        """True if both have the same texts, skills and edges."""
        return (
            self.n_skills == other.n_skills
            and np.array_equal(self.text_ptr, other.text_ptr)
            and np.array_equal(self.text_skills, other.text_skills)
        )


def _check_count(name: str, value: int) -> None:
    if not 0 <= value <= _MAX_ID:
        raise AnalysisError(f"{name} is {value}; it must be 0 to {_MAX_ID}")


def _index_array(name: str, values: npt.ArrayLike, size: int) -> npt.NDArray[np.int32]:
    """`values` as int32 (n,), each in 0 … size-1."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise AnalysisError(f"{name} must be one-dimensional, not of shape {array.shape}")
    if len(array) == 0:
        return np.empty(0, np.int32)
    if array.dtype.kind not in "iu":
        raise AnalysisError(f"{name} must hold integers, not {array.dtype}")
    if array.dtype == np.int32 and array.flags.c_contiguous:
        outside = array.view(np.uint32).max() >= size  # a negative index is a large one: one pass instead of two
    else:
        outside = array.min() < 0 or array.max() >= size
    if outside:
        row = int(np.argmax((array < 0) | (array >= size)))
        raise AnalysisError(f"{name}[{row}] is {array[row]}, outside 0 to {size - 1}")
    return np.ascontiguousarray(array, dtype=np.int32)


def _ascends(values: npt.NDArray[np.int32]) -> bool:
    """True if no value is less than the one before; read in blocks, as most lists say no in the first."""
    return all(
        bool(
            (values[start + 1 : start + _BLOCK + 1] >= values[start : start + _BLOCK][: len(values) - start - 1]).all()
        )
        for start in range(0, len(values) - 1, _BLOCK)
    )


def _sorted_words(high: npt.NDArray[np.int32], low: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Of each pair, high · 2^32 + low, ascending; as int32 it is `low` again."""
    words = high.astype(np.int64)
    words <<= 32
    words |= low
    words.sort()
    return words


def _distinct_rows(
    texts: npt.NDArray[np.int32], skills: npt.NDArray[np.int32], n_texts: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Pointers and rows of distinct ascending skills (numpy)."""
    words = without_repeats(_sorted_words(texts, skills))
    return _pointers((words >> 32).astype(np.int32), n_texts, "numpy"), words.astype(np.int32)


def _pointers(rows: npt.NDArray[np.signedinteger], n_rows: int, engine: Engine) -> npt.NDArray[np.int64]:
    """Where each row starts and the last ends, from the row of each entry."""
    pointers = np.zeros(n_rows + 1, np.int64)
    if compiled(engine, len(rows)):
        from analysis._kernels import building

        building.count_rows(rows, pointers)
    else:
        pointers[1:] = np.bincount(rows, minlength=n_rows)
    return np.cumsum(pointers, out=pointers)


def _rows_ascend(pointers: npt.NDArray[np.int64], values: npt.NDArray[np.int32]) -> bool:
    ascends = values[1:] > values[:-1]
    starts = pointers[1:-1]
    ascends[starts[(starts > 0) & (starts < len(values))] - 1] = True
    return bool(ascends.all())
