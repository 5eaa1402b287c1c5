"""What follows from teaching a skill: cascades on the residual graph that can be tried and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis._kernels.masks import bool_mask, novel_counts
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.peeling import Capacity, Prerequisites, capacity_of_texts, prerequisite_pairs
from analysis.residual import pending_prerequisites

if TYPE_CHECKING:
    from analysis._kernels.cascade import State

__all__ = ["Cascade", "Followed", "SkillGains"]

_CORE = 64
NO_LIMIT = 2**62


@dataclass(frozen=True, eq=False)
class Followed:
    """What is learned when some skills are taught.

    Attributes:
        skills: int32, the skills in the order in which they are learned, those taught first.
        taught: How many of them were taught; the others follow.
        texts: Number of texts that become understood.
        value: Their value, by the weights of the cascade.
    """

    skills: npt.NDArray[np.int32]
    taught: int
    texts: int
    value: float


@dataclass(frozen=True, eq=False)
class SkillGains:
    """The value of teaching each lacking skill alone, with what follows.

    Attributes:
        bound: float64 (S,): an upper bound of the value; the value itself where `exact`. 0 for learned skills.
        exact: bool (S,).
        over: int32 (S,): a skill from which this one follows, which is worth at least as much; -1 if none is known.
        complete: True if every skill has its value or one over it: then the largest exact value is the largest of all.
    """

    bound: npt.NDArray[np.float64]
    exact: npt.NDArray[np.bool_]
    over: npt.NDArray[np.int32]
    complete: bool

    @property
    def sources(self) -> npt.NDArray[np.int32]:
        """Skills that follow from no other that was tried, best first: some best set is made of these alone."""
        skills = np.flatnonzero(self.exact & (self.over < 0))
        return skills[np.lexsort((skills, -self.bound[skills]))].astype(np.int32)


class Cascade:
    """The state that peeling left, on which skills can be taught: each change costs only what it reaches.

    Teaching a skill outright learns it whatever its prerequisites and whether or not training may learn it. Then each
    text teaches as in `peel`. All values are sums of weights over what is learned and understood, so they only grow.

    Args:
        graph: T texts, S skills.
        learned: bool (S,): what peeling learned for the same further arguments.
        capacity: D, or D_t of each text as integers (T,); 0 for a text that is not there yet.
        learnable: bool (S,): skills that may be learned from texts. Default all.
        prerequisites: Two integer arrays of equal length, `(prerequisite, skill)`.
        skill_value: Worth of learning each skill, float64 (S,), 0 or more. Default 1 each.
        text_value: Worth of understanding each text, float64 (T,), 0 or more. Default 0 each.

    Raises:
        AnalysisError: An array of the wrong shape, or a negative worth.

    >>> graph = SkillTextGraph.from_csr([0, 2, 4, 7], [0, 1, 1, 2, 0, 3, 4], n_skills=5)
    >>> cascade = Cascade(graph, [False] * 5)
    >>> cascade.follow([1]).skills.tolist(), cascade.follow([3]).skills.tolist()
    ([1, 0, 2], [3])
    """

    def __init__(
        self,
        graph: SkillTextGraph,
        learned: npt.ArrayLike,
        capacity: Capacity = 1,
        *,
        learnable: npt.ArrayLike | None = None,
        prerequisites: Prerequisites | None = None,
        skill_value: npt.ArrayLike | None = None,
        text_value: npt.ArrayLike | None = None,
    ) -> None:
        from analysis._kernels.cascade import State

        mask = bool_mask("learned", learned, graph.n_skills).copy()
        limits = np.asarray(capacity_of_texts(capacity, graph.n_texts), np.int32)
        frozen = ~mask & ~bool_mask("learnable", learnable, graph.n_skills)
        if prerequisites is None:
            pointers, dependents = np.zeros(graph.n_skills + 1, np.int64), np.empty(0, np.int32)
        else:
            first, then = prerequisite_pairs(prerequisites, graph.n_skills)
            waits = ~mask[first]
            counts = np.bincount(first[waits], minlength=graph.n_skills)
            pointers, dependents = np.concatenate(([0], np.cumsum(counts))), then[waits]
        self._graph = graph
        self._state = State(
            graph.text_ptr,
            graph.text_skills,
            graph.skill_ptr,
            graph.skill_texts,
            np.array(np.broadcast_to(limits, (graph.n_texts,))),
            novel_counts(graph, ~mask),
            novel_counts(graph, frozen),
            np.full(graph.n_texts, -1, np.int32),
            mask,
            frozen,
            pending_prerequisites(prerequisites, mask),
            pointers.astype(np.int64),
            np.ascontiguousarray(dependents, np.int32),
            _weights("skill_value", skill_value, graph.n_skills, 1.0),
            _weights("text_value", text_value, graph.n_texts, 0.0),
            np.empty(graph.n_skills, np.int32),
        )

    @property
    def graph(self) -> SkillTextGraph:
        """The skill–text graph."""
        return self._graph

    @property
    def state(self) -> State:
        """The arrays that the kernels work on."""
        return self._state

    @property
    def learned(self) -> npt.NDArray[np.bool_]:
        """The skills learned so far, a copy, bool (S,)."""
        return self._state.learned.copy()

    @property
    def lacking(self) -> npt.NDArray[np.int32]:
        """Number of lacking skills of each text, a copy, int32 (T,)."""
        return self._state.lacking.copy()

    def copy(self) -> Cascade:
        """The same state, to be changed by itself."""
        other = object.__new__(Cascade)
        other._graph, other._state = self._graph, self._copied()
        return other

    def follow(self, skills: npt.ArrayLike) -> Followed:
        """What would be learned if these skills were taught; nothing changes.

        Args:
            skills: Skill indices, integers.

        Returns:
            The skills in the order in which they would be learned, int32.

        Raises:
            AnalysisError: An index out of range.
        """
        from analysis._kernels.cascade import undo

        followed = self.teach(skills)
        undo(self._state, 0, len(followed.skills), len(followed.skills))
        return followed

    def teach(self, skills: npt.ArrayLike) -> Followed:
        """Teach these skills and learn what follows.

        Args:
            skills: Skill indices, integers; learned ones are passed over.

        Returns:
            The skills in the order in which they were learned, int32.

        Raises:
            AnalysisError: An index out of range.
        """
        from analysis._kernels.cascade import teach

        seeds = _indices(skills, self._graph.n_skills)
        fresh = int(np.count_nonzero(~self._state.learned[np.unique(seeds)]))
        end, texts, value, _ = teach(self._state, seeds, 0)
        return Followed(self._state.trail[:end].copy(), fresh, int(texts), float(value))

    def simplify(self, text: int, skill: int) -> Followed:
        """Let a text no longer require one lacking skill, and learn what follows: `taught` is 0.

        Args:
            text: A text that was not simplified before.
            skill: A lacking skill of it.

        Returns:
            The skills in the order in which they were learned, int32.

        Raises:
            AnalysisError: The text does not require the skill, or it is learned, or the text was simplified already.
        """
        from analysis._kernels.cascade import drop

        row = self._graph.text_skills[self._graph.text_ptr[text] : self._graph.text_ptr[text + 1]]
        if skill not in row or self._state.learned[skill]:
            raise AnalysisError(f"skill {skill} is not a lacking skill of text {text}")
        if self._state.dropped[text] >= 0:
            raise AnalysisError(f"text {text} was simplified already")
        end, texts, value, _ = drop(self._state, text, skill, 0)
        return Followed(self._state.trail[:end].copy(), 0, int(texts), float(value))

    def add_text(self, text: int, capacity: int) -> Followed:
        """Let a text that had capacity 0 teach: `taught` is the number of skills that it teaches at once.

        Args:
            text: The text.
            capacity: Its capacity, 1 or more.

        Returns:
            The skills in the order in which they were learned, int32.
        """
        self._state.capacity[text] = capacity
        return self.teach(self.teachable(text, capacity))

    def teachable(self, text: int, capacity: int) -> npt.NDArray[np.int32]:
        """The skills that a text of this capacity would teach at once, int32."""
        st = self._state
        row = st.text_skills[st.text_ptr[text] : st.text_ptr[text + 1]]
        row = row[~st.learned[row] & (st.dropped[text] != row)]
        if not 0 < len(row) <= capacity or st.closed[text]:
            return np.empty(0, np.int32)
        return row[st.pending[row] == 0]

    def gains(self, candidates: npt.ArrayLike | None = None, *, limit: int = NO_LIMIT) -> SkillGains:
        """The value of teaching each skill alone, with what follows; nothing changes.

        A skill that follows from another is worth at most as much and needs no trial of its own: that is exact, and
        needs no assumption on the values but that more is never worth less.

        Args:
            candidates: Skill indices, integers. Default all lacking skills.
            limit: Entries of the graph to look at, after which the rest is left with the bound of all that is lacking.

        Returns:
            Values and bounds, float64 (S,).

        Raises:
            AnalysisError: An index out of range.

        >>> graph = SkillTextGraph.from_csr([0, 2, 4, 7], [0, 1, 1, 2, 0, 3, 4], n_skills=5)
        >>> Cascade(graph, [False] * 5).gains().bound.tolist()
        [3.0, 3.0, 3.0, 1.0, 1.0]
        """
        from analysis._kernels.cascade import gains

        tried = self.by_use(candidates)
        bound, exact, over = self._unknown()
        work = gains(self._state, self._copied(), tried, _CORE, limit, bound, exact, over)
        return SkillGains(bound, exact, over, complete=bool(work <= limit or (exact | (over >= 0))[tried].all()))

    def by_use(self, candidates: npt.ArrayLike | None = None) -> npt.NDArray[np.int32]:
        """Lacking skills, those in most texts first, ties by index; int32."""
        skills = (
            np.arange(self._graph.n_skills, dtype=np.int32)
            if candidates is None
            else np.unique(_indices(candidates, self._graph.n_skills))
        )
        skills = skills[~self._state.learned[skills]]
        return skills[np.lexsort((skills, -self._graph.skill_degrees[skills]))]

    def left(self) -> float:
        """Value of everything that is lacking: no teaching is worth more."""
        st = self._state
        return float(st.skill_value[~st.learned].sum() + st.text_value[st.lacking > 0].sum())

    def _unknown(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
        bound = np.where(self._state.learned, 0.0, self.left())
        return bound, np.zeros(len(bound), np.bool_), np.full(len(bound), -1, np.int32)

    def _copied(self) -> State:
        changes = ("capacity", "lacking", "closed", "dropped", "learned", "pending", "trail")
        return self._state._replace(**{name: getattr(self._state, name).copy() for name in changes})


def _weights(name: str, values: npt.ArrayLike | None, size: int, default: float) -> npt.NDArray[np.float64]:
    if values is None:
        return np.full(size, default)
    weights = np.ascontiguousarray(values, dtype=np.float64)
    if weights.shape != (size,) or not bool((weights >= 0.0).all()):
        raise AnalysisError(f"{name} must be ({size},) nonnegative numbers")
    return weights


def _indices(values: npt.ArrayLike | Sequence[int], size: int) -> npt.NDArray[np.int32]:
    array = np.asarray(values)
    if array.size and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= size):
        raise AnalysisError(f"skills must be indices from 0 to {size - 1}")
    return np.ascontiguousarray(array.reshape(-1), dtype=np.int32)
