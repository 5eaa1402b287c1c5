"""Learning as peeling: texts presented round after round until nothing more is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis._kernels import Engine, compiled
from analysis._kernels.masks import bool_mask, novel_counts
from analysis._kernels.rows import distinct, gather_rows
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = [
    "Capacity",
    "PeelingResult",
    "Prerequisites",
    "continue_peeling",
    "novel_skill_counts",
    "peel",
]

Capacity = int | npt.ArrayLike
Prerequisites = tuple[npt.ArrayLike, npt.ArrayLike]

_NOBODY = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class PeelingResult:
    """What is learned, when, and from which text.

    Attributes:
        wave: int32 (S,): -1 not learned, 0 known beforehand, k ≥ 1 learned in round k.
        taught_by: int32 (S,): the smallest index among the texts that could teach the skill in its round; -1
            for skills that are not learned or were known.
        n_waves: Number of rounds in which something was learned.
    """

    wave: npt.NDArray[np.int32]
    taught_by: npt.NDArray[np.int32]
    n_waves: int

    @property
    def learned(self) -> npt.NDArray[np.bool_]:
        """True for learned and known skills, bool (S,)."""
        return self.wave >= 0

    @property
    def n_learned(self) -> int:
        """Number of learned and known skills."""
        return int(np.count_nonzero(self.wave >= 0))

    def learned_by_wave(self) -> npt.NDArray[np.int64]:
        """Number of skills learned up to each round, int64 (n_waves+1,); entry 0 counts the known ones.

        >>> graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2)
        >>> peel(graph).learned_by_wave().tolist()
        [0, 1, 2]
        """
        return np.cumsum(np.bincount(self.wave[self.wave >= 0], minlength=self.n_waves + 1)).astype(np.int64)


class Task(NamedTuple):
    """A peeling problem in the form that both engines take.

    Attributes:
        capacity: int32 (T,); -1 for texts that never teach, among them those with a skill that may not be learned.
        known: bool (S,).
        pending: int32 (S,), number of prerequisites that are not known; (0,) without prerequisites.
        dependent_ptr: int64 (S+1,), rows of `dependents`; (1,) without prerequisites.
        dependents: int32, the skills that wait for each skill.
    """

    capacity: npt.NDArray[np.int32]
    known: npt.NDArray[np.bool_]
    pending: npt.NDArray[np.int32]
    dependent_ptr: npt.NDArray[np.int64]
    dependents: npt.NDArray[np.int32]


def peel(
    graph: SkillTextGraph,
    capacity: Capacity = 1,
    *,
    known: npt.ArrayLike | None = None,
    learnable: npt.ArrayLike | None = None,
    prerequisites: Prerequisites | None = None,
    engine: Engine = "auto",
) -> PeelingResult:
    r"""Learn from the texts until nothing changes: the peeling decoder, in O(edges).

    With L_k the skills learned up to round k and N_t = φ(t) \ L_k the novel skills of text t, text t teaches
    skill s ∈ N_t in round k+1 if

    - |N_t| ≤ D_t, its capacity (1 for the 1-skill learner),
    - every skill in N_t is learnable: with `learnable` False for all basic skills this is frozen training,
      where a text is usable only if all its basic skills are learned,
    - all prerequisites of s are in L_k. A skill that waits for a prerequisite still counts as novel: it uses
      up capacity, but the other novel skills of the text are taught.

    All texts of a round are presented at once. The rule is monotone, so what is learned does not depend on
    the order of presentation, and neither do `wave` and `taught_by`. Source: [LCH2025]; the peeling decoder
    of [RichardsonUrbanke2008].

    Args:
        graph: T texts, S skills.
        capacity: D, or D_t of each text as integers (T,); 0 for a text that teaches nothing.
        known: Skills learned beforehand, bool (S,); they get wave 0. Default none.
        learnable: Skills that may be learned, bool (S,). Default all.
        prerequisites: Two integer arrays of equal length, `(prerequisite, skill)`: the first must be learned
            before the second.
        engine: `numpy`, `numba`, or `auto` to choose by size; the result is the same.

    Returns:
        Round of each skill and the text that taught it, int32 (S,) each, and the number of rounds.

    Raises:
        AnalysisError: A mask or capacity of the wrong shape, a capacity that is negative or not whole, an unknown
            engine, prerequisites of unequal lengths, a skill out of range or a cycle among them, which is named.

    >>> graph = SkillTextGraph.from_csr([0, 1, 3, 6], [0, 0, 1, 1, 2, 3], n_skills=4)
    >>> peel(graph).wave.tolist(), peel(graph, capacity=2).wave.tolist()
    ([1, 2, -1, -1], [1, 1, 2, 2])
    """
    capacities = capacity_of_texts(capacity, graph.n_texts)
    known_mask = None if known is None else bool_mask("known", known, graph.n_skills)
    learnable_mask = None if learnable is None else bool_mask("learnable", learnable, graph.n_skills)
    fast = compiled(engine, graph.n_edges)
    if fast and prerequisites is None and isinstance(capacities, int) and capacities == 1:
        from analysis._kernels import peeling as kernels

        return _unpack(kernels.peel_one(graph, known_mask, learnable_mask))
    task = _prepare(graph, capacities, known_mask, learnable_mask, prerequisites)
    if fast:
        from analysis._kernels import peeling as kernels

        return _unpack(kernels.peel_capacity(graph, task))
    return _peel_numpy(graph, task)


def continue_peeling(
    graph: SkillTextGraph,
    previous: PeelingResult,
    capacity: Capacity = 1,
    *,
    learnable: npt.ArrayLike | None = None,
    prerequisites: Prerequisites | None = None,
    engine: Engine = "auto",
) -> PeelingResult:
    """Go on learning after texts (and perhaps skills) were appended, from what was learned before.

    The learned set is that of a fresh run on the whole graph, because the rule is monotone. What was learned
    keeps its wave and text; new skills get the waves after `previous.n_waves`: the rounds that a learner goes
    through who had stalled on the earlier texts when the new ones came. A fresh run may give smaller waves. It
    recounts the novel skills of all texts, also of the earlier ones: O(edges) of the whole graph, not of what is new.
    Source: [LCH2025], the peeling decoder of [RichardsonUrbanke2008].

    Args:
        graph: The earlier texts and skills at the same indices, and the new ones after them.
        previous: Result on the earlier texts.
        capacity: As for `peel`; the earlier texts must not have had a larger one.
        learnable: As for `peel`.
        prerequisites: As for `peel`.
        engine: As for `peel`.

    Returns:
        Round of each skill and the text that taught it, int32 (S,) each, and the number of rounds, earlier ones
        included.

    Raises:
        AnalysisError: As for `peel`, or the previous result has more skills or texts than the graph.

    >>> before = SkillTextGraph.from_csr([0, 2], [0, 1], n_skills=2)
    >>> after = SkillTextGraph.from_csr([0, 2, 3], [0, 1, 0], n_skills=2)
    >>> continue_peeling(after, peel(before)).wave.tolist()
    [1, 2]
    """
    earlier = len(previous.wave)
    if earlier > graph.n_skills or (earlier and previous.taught_by.max() >= graph.n_texts):
        raise AnalysisError("the previous result has skills or texts that the graph does not have")
    known = np.zeros(graph.n_skills, np.bool_)
    known[:earlier] = previous.learned
    more = peel(graph, capacity, known=known, learnable=learnable, prerequisites=prerequisites, engine=engine)
    wave = np.where(more.wave > 0, more.wave + np.int32(previous.n_waves), np.int32(-1))
    taught_by = more.taught_by.copy()
    wave[:earlier][previous.learned] = previous.wave[previous.learned]
    taught_by[:earlier][previous.learned] = previous.taught_by[previous.learned]
    return PeelingResult(_read_only(wave), _read_only(taught_by), previous.n_waves + more.n_waves)


def novel_skill_counts(graph: SkillTextGraph, learned: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """How many texts have n novel skills, for n = 0, 1, 2, …: why learning stalled where it did.

    Entry 0 counts the understood texts. After 1-skill peeling entry 1 is 0 unless skills were blocked: what is left
    is a stopping set [RichardsonUrbanke2008].

    Args:
        graph: T texts, S skills.
        learned: The learned skills, bool (S,).

    Returns:
        Numbers of texts, int64 (n_max+1,), with sum T; (1,) without texts.

    Raises:
        AnalysisError: The mask has the wrong shape.

    >>> graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2)
    >>> novel_skill_counts(graph, [True, False]).tolist()
    [1, 1]
    """
    mask = bool_mask("learned", learned, graph.n_skills)
    return np.bincount(novel_counts(graph, ~mask), minlength=1).astype(np.int64)


def capacity_of_texts(capacity: Capacity, n_texts: int) -> int | npt.NDArray[np.int32]:
    """The capacity as a number if it is the same for all texts, else int32 (T,)."""
    values = np.asarray(capacity)
    if values.dtype.kind not in "iu" and values.size:
        raise AnalysisError(f"capacity must be whole numbers, not {values.dtype}")
    if values.ndim and values.shape != (n_texts,):
        raise AnalysisError(f"capacity must be one number or ({n_texts},), one for each text, not {values.shape}")
    if values.size and values.min() < 0:
        raise AnalysisError(f"capacity {values.min()} is negative")
    values = np.minimum(values, _NOBODY)
    return values.astype(np.int32) if values.ndim else int(values)


def _prepare(
    graph: SkillTextGraph,
    capacity: int | npt.NDArray[np.int32],
    known: npt.NDArray[np.bool_] | None,
    learnable: npt.NDArray[np.bool_] | None,
    prerequisites: Prerequisites | None,
) -> Task:
    known = np.zeros(graph.n_skills, np.bool_) if known is None else known
    limits = np.array(np.broadcast_to(np.int32(capacity), (graph.n_texts,)))
    limits[limits == 0] = -1
    if learnable is not None:
        texts, _ = gather_rows(graph.skill_ptr, graph.skill_texts, np.flatnonzero(~(learnable | known)))
        limits[texts] = -1
    if prerequisites is None:
        empty = np.empty(0, np.int32)
        return Task(limits, known, empty, np.zeros(1, np.int64), empty)
    first, then = prerequisite_pairs(prerequisites, graph.n_skills)
    _check_acyclic(first, then, graph.n_skills)
    open_ = ~known[first]
    first, then = first[open_], then[open_]
    pending = np.bincount(then, minlength=graph.n_skills).astype(np.int32)
    pointers = np.concatenate(([0], np.cumsum(np.bincount(first, minlength=graph.n_skills))))
    return Task(limits, known, pending, pointers, then)


def prerequisite_pairs(pairs: Prerequisites, n_skills: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The distinct pairs, ordered by prerequisite."""
    first, then = (np.asarray(side) for side in pairs)
    if first.ndim != 1 or first.shape != then.shape:
        raise AnalysisError(f"prerequisites must be two arrays of the same length, not {first.shape} and {then.shape}")
    both = np.concatenate((first, then))
    if both.size and (both.dtype.kind not in "iu" or both.min() < 0 or both.max() >= n_skills):
        raise AnalysisError(f"prerequisites must hold skill indices, 0 to {n_skills - 1}")
    keys = np.unique(first.astype(np.int64) * max(n_skills, 1) + then.astype(np.int64))
    rows, columns = np.divmod(keys, max(n_skills, 1))
    return rows.astype(np.int32), columns.astype(np.int32)


def _check_acyclic(first: npt.NDArray[np.int32], then: npt.NDArray[np.int32], n_skills: int) -> None:
    """Raise AnalysisError with the skills of one cycle, if there is one; pairs are ordered by `first`."""
    pointers = np.concatenate(([0], np.cumsum(np.bincount(first, minlength=n_skills))))
    pending = np.bincount(then, minlength=n_skills)
    ready = np.flatnonzero(pending == 0)
    while len(ready):
        later, _ = gather_rows(pointers, then, ready)
        np.subtract.at(pending, later, pending.dtype.type(1))
        ready = distinct(later[pending[later] == 0], n_skills)
    stuck = pending > 0
    if not stuck.any():
        return
    # Every stuck skill has a stuck prerequisite, so going back from any of them runs into a cycle.
    inside = stuck[first] & stuck[then]
    before = dict(zip(then[inside].tolist(), first[inside].tolist(), strict=True))
    walk, places = [int(np.flatnonzero(stuck)[0])], dict[int, int]()
    while walk[-1] not in places:
        places[walk[-1]] = len(walk) - 1
        walk.append(before[walk[-1]])
    cycle = walk[places[walk[-1]] :][::-1]
    shown = " → ".join(map(str, cycle if len(cycle) <= 12 else [*cycle[:11], "…"]))
    raise AnalysisError(f"prerequisites form a cycle of {len(cycle) - 1} skills: {shown}")


def _unpack(state: npt.NDArray[np.int64]) -> PeelingResult:
    """Split the kernels' word, wave · 2^32 + text, into the two results."""
    from analysis._kernels import peeling as kernels

    wave, taught_by, n_waves = kernels.unpack(state)
    return PeelingResult(_read_only(wave), _read_only(taught_by), n_waves)


def _read_only(array: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    array.flags.writeable = False
    return array


def _peel_numpy(graph: SkillTextGraph, task: Task) -> PeelingResult:
    """Rounds over the frontier: each text is opened once, each skill's row is read once."""
    wave = np.where(task.known, np.int32(0), np.int32(-1))
    taught_by = np.full(graph.n_skills, _NOBODY, np.int32)
    novel = novel_counts(graph, ~task.known)
    pending = task.pending.copy()
    blocked = pending > 0 if len(pending) else np.zeros(graph.n_skills, np.bool_)
    opened = (novel > 0) & (novel <= task.capacity)
    fresh: npt.NDArray[np.signedinteger] = np.flatnonzero(opened)
    freed = np.empty(0, np.int32)  # skills just unblocked that an open text requires
    n_waves = 0
    while len(fresh) or len(freed):
        skills, rows = gather_rows(graph.text_ptr, graph.text_skills, fresh)
        is_novel = wave[skills] < 0
        skills, texts = skills[is_novel], fresh[rows[is_novel]].astype(np.int32)
        np.minimum.at(taught_by, skills, texts)  # for a blocked skill: the best text so far
        taught = distinct(np.concatenate((skills[~blocked[skills]], freed)), graph.n_skills)
        if not len(taught):
            break
        n_waves += 1
        wave[taught] = n_waves
        freed = _unblock(task, taught, pending, blocked)
        freed = freed[taught_by[freed] != _NOBODY]
        touched, _ = gather_rows(graph.skill_ptr, graph.skill_texts, taught)
        np.subtract.at(novel, touched, np.int32(1))  # of the same type: a plain 1 takes numpy 30 times as long
        open_now = touched[(novel[touched] > 0) & (novel[touched] <= task.capacity[touched]) & ~opened[touched]]
        fresh = distinct(open_now, graph.n_texts)
        opened[fresh] = True
    taught_by[wave <= 0] = -1
    return PeelingResult(_read_only(wave), _read_only(taught_by), n_waves)


def _unblock(
    task: Task,
    taught: npt.NDArray[np.int32],
    pending: npt.NDArray[np.int32],
    blocked: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int32]:
    """Count down the prerequisites of what waits for `taught`; the skills that wait no longer."""
    if not len(pending):
        return np.empty(0, np.int32)
    waiting, _ = gather_rows(task.dependent_ptr, task.dependents, taught)
    np.subtract.at(pending, waiting, np.int32(1))
    free = distinct(waiting[pending[waiting] == 0], len(pending))
    blocked[free] = False
    return free
