"""An order in which to present texts, so that no text brings too many novel skills at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis._kernels.masks import bool_mask
from analysis.graph import SkillTextGraph
from analysis.peeling import Capacity, Prerequisites, capacity_of_texts, peel, prerequisite_pairs

__all__ = ["Curriculum", "curriculum"]

_NONE = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Curriculum:
    """Texts one after the other.

    Attributes:
        text: int32 (n,), the text of each place; a text comes again only where a skill of it had to wait.
        wave: int32 (n,), round of parallel presentation in which the text first has few enough novel skills.
        pass_: int32 (n,), 1 where a text comes for the first time, 2 where for the second, …
        novel: int32 (n,), novel skills of the text when it is presented, at most its capacity.
        taught_ptr: int64 (n+1,), where the skills that each place teaches start in `taught`.
        taught: int32, those skills.
        left: int32, texts that never have few enough novel skills, those with fewest lacking skills first.
    """

    text: npt.NDArray[np.int32]
    wave: npt.NDArray[np.int32]
    pass_: npt.NDArray[np.int32]
    novel: npt.NDArray[np.int32]
    taught_ptr: npt.NDArray[np.int64]
    taught: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]

    @property
    def n_passes(self) -> int:
        """How often the most frequent text comes; 0 without texts."""
        return int(self.pass_.max(initial=0))


def curriculum(
    graph: SkillTextGraph,
    capacity: Capacity = 1,
    *,
    known: npt.ArrayLike | None = None,
    learnable: npt.ArrayLike | None = None,
    prerequisites: Prerequisites | None = None,
) -> Curriculum:
    """Order the texts so that each next one has at most its capacity of novel skills, in as few passes as possible.

    Texts come by the round in which parallel presentation first finds few enough novel skills in them; within a round
    one after the other, which only lowers that number. So everything that peeling learns is learned, and without
    prerequisites each text comes once: no order does better. A text that comes before a skill of it can be learned
    comes again as soon as the prerequisites are there, unless another text has taught it. Source: the peeling decoder
    [RichardsonUrbanke2008].

    Args:
        graph: T texts, S skills.
        capacity: D, or D_t of each text as integers (T,).
        known: Skills learned beforehand, bool (S,). Default none.
        learnable: Skills that may be learned, bool (S,). Default all.
        prerequisites: Two integer arrays of equal length, `(prerequisite, skill)`.

    Returns:
        The order.

    Raises:
        AnalysisError: As for `peel`.

    >>> graph = SkillTextGraph.from_csr([0, 3, 5, 6], [0, 1, 2, 0, 1, 0], n_skills=4)
    >>> order = curriculum(graph)
    >>> order.text.tolist(), order.taught.tolist(), order.n_passes
    ([2, 1, 0], [0, 1, 2], 1)
    """
    limits = np.array(np.broadcast_to(np.asarray(capacity_of_texts(capacity, graph.n_texts)), (graph.n_texts,)))
    given = bool_mask("known", known, graph.n_skills, default=False)
    may = bool_mask("learnable", learnable, graph.n_skills)
    result = peel(graph, capacity, known=given, learnable=may, prerequisites=prerequisites)
    ready = _first_rounds(graph, limits, result.wave, result.learned | may)
    able = np.flatnonzero(ready < _NONE)
    order = able[np.lexsort((able, ready[able]))]
    pointers, skills = graph.text_ptr.tolist(), graph.text_skills.tolist()
    learned = given.tolist()
    needs: dict[int, list[int]] = {}
    if prerequisites is not None:
        for first, then in zip(
            *(side.tolist() for side in prerequisite_pairs(prerequisites, graph.n_skills)), strict=True
        ):
            needs.setdefault(then, []).append(first)
    texts, passes, novels, taught, ends = [], [], [], [], [0]
    times: dict[int, int] = {}
    waiting: dict[int, list[int]] = {}  # prerequisites, with the texts that came too early for a skill after them
    for first_time in order.tolist():
        come = [first_time]
        while come:
            t = come.pop()
            novel = [s for s in skills[pointers[t] : pointers[t + 1]] if not learned[s]]
            teaches = [s for s in novel if all(learned[p] for p in needs.get(s, ()))]
            if t in times and not teaches:
                continue
            times[t] = times.get(t, 0) + 1
            texts.append(t)
            passes.append(times[t])
            novels.append(len(novel))
            taught += teaches
            ends.append(len(taught))
            for s in teaches:
                learned[s] = True
            for s in novel:
                for p in needs.get(s, ()) if not learned[s] else ():
                    if not learned[p]:
                        waiting.setdefault(p, []).append(t)
            for s in teaches:
                come += waiting.pop(s, ())
    rest = np.flatnonzero(~np.isin(np.arange(graph.n_texts), able))
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    lacking = np.bincount(text_of[~result.learned[graph.text_skills]], minlength=graph.n_texts)
    place = np.array(texts, np.int32)
    return Curriculum(
        place,
        ready[place].astype(np.int32),
        np.array(passes, np.int32),
        np.array(novels, np.int32),
        np.array(ends, np.int64),
        np.array(taught, np.int32),
        rest[np.lexsort((rest, lacking[rest]))].astype(np.int32),
    )


def _first_rounds(
    graph: SkillTextGraph,
    limits: npt.NDArray[np.integer],
    wave: npt.NDArray[np.int32],
    may: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Round in which each text first has at most its capacity of novel skills, all of which may be learned."""
    degrees = graph.text_degrees
    text_of = np.repeat(np.arange(graph.n_texts), degrees)
    when = np.where(wave[graph.text_skills] >= 0, wave[graph.text_skills].astype(np.int64), _NONE)
    order = np.lexsort((when, text_of))
    sorted_when = when[order]
    place = degrees - np.minimum(limits, degrees) - 1  # the last skill that must be learned before
    ready = np.ones(graph.n_texts, np.int64)
    some = np.flatnonzero(place >= 0)
    last = sorted_when[graph.text_ptr[some] + place[some]]
    ready[some] = np.where(last == _NONE, _NONE, last + 1)
    closed = np.zeros(graph.n_texts, bool)
    closed[text_of[~may[graph.text_skills]]] = True
    ready[closed] = _NONE
    return ready
