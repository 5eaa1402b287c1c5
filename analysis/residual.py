"""What learning leaves: the stopping set, why each of its skills was not learned, and what waits for what.

When peeling stops, every text that could still teach has more novel skills than its capacity. The skills that are
lacking then, with the texts that require them, are the residual graph; without prerequisites and frozen skills it is
the largest stopping set of the peeling decoder [RichardsonUrbanke2008].
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from analysis._kernels.masks import bool_mask, novel_counts
from analysis._kernels.rows import gather_rows
from analysis._kernels.strong import strong_components
from analysis.components import components
from analysis.graph import SkillTextGraph
from analysis.peeling import Capacity, Prerequisites, capacity_of_texts, prerequisite_pairs

__all__ = ["Reason", "Residual", "residual"]


class Reason(IntEnum):
    """Why a skill was not learned; the first that applies, from `UNUSED` down.

    Attributes:
        LEARNED: It was learned.
        UNUSED: No text requires it.
        FROZEN: Training may not learn it.
        SILENT: Every text that requires it has capacity 0.
        BESIDE: Every text that requires it and could teach also requires a skill that training may not learn.
        READY: A text would teach it at once: the learned skills are not all that these texts teach.
        PREREQUISITE: A text would teach it, but a prerequisite of it is not learned.
        INSEPARABLE: It occurs in exactly the same texts as other lacking skills, and these are together more than any
            of the texts can teach: the texts alone can never tell them apart.
        TOGETHER: Every text that could teach it also requires other lacking skills, too many for its capacity.
    """

    LEARNED = 0
    UNUSED = 1
    FROZEN = 2
    SILENT = 3
    BESIDE = 4
    READY = 5
    PREREQUISITE = 6
    INSEPARABLE = 7
    TOGETHER = 8

    @property
    def never(self) -> bool:
        """True if no text of the graph can teach such a skill, whatever other skills are learned."""
        return self in (Reason.UNUSED, Reason.FROZEN, Reason.SILENT)


@dataclass(frozen=True, eq=False)
class Residual:
    """The residual graph of learned skills.

    Attributes:
        reason: int8 (S,), a `Reason` for each skill.
        lacking: int32 (T,), number of lacking skills in each text; 0 for an understood text.
        nearest: int32 (S,), the text nearest to teaching a lacking skill: one that can teach at all, then with the
            fewest lacking skills above its capacity, then with the fewest, then the first; -1 for learned and unused.
        component: int32 (S,), connected part of the residual graph, 0 the one with most skills; -1 for learned and
            unused skills.
        component_sizes: int64, number of lacking skills in each part.
        group: int32 (S,), group of skills that wait for each other: learn any one of them, and all the others
            follow. 0 is the largest; -1 for a skill that is in none. Such groups are found by single steps from group
            to group, so two groups may still belong together through longer cascades.
        group_sizes: int64, number of skills in each group, 2 or more.
        twins: int32 (S,), number of lacking skills that occur in exactly the same texts, itself included; 0 for learned
            and unused skills.
    """

    reason: npt.NDArray[np.int8]
    lacking: npt.NDArray[np.int32]
    nearest: npt.NDArray[np.int32]
    component: npt.NDArray[np.int32]
    component_sizes: npt.NDArray[np.int64]
    group: npt.NDArray[np.int32]
    group_sizes: npt.NDArray[np.int64]
    twins: npt.NDArray[np.int32]

    @property
    def n_lacking(self) -> int:
        """Number of skills that are not learned."""
        return int(np.count_nonzero(self.reason))

    def texts_by_lacking(self) -> npt.NDArray[np.int64]:
        """Number of texts that lack 0, 1, 2, … skills, int64; entry 0 counts the understood ones."""
        return np.bincount(self.lacking, minlength=1).astype(np.int64)

    def count(self, reason: Reason) -> int:
        """Number of skills with a reason."""
        return int(np.count_nonzero(self.reason == reason))


def residual(
    graph: SkillTextGraph,
    learned: npt.ArrayLike,
    capacity: Capacity = 1,
    *,
    learnable: npt.ArrayLike | None = None,
    prerequisites: Prerequisites | None = None,
) -> Residual:
    """What is left of a graph when these skills are learned, and why: O(E) time and memory.

    Args:
        graph: T texts, S skills.
        learned: bool (S,): learned and known skills, as `peel` returns them for the same further arguments.
        capacity: D, or D_t of each text as integers (T,).
        learnable: bool (S,): skills that may be learned. Default all.
        prerequisites: Two integer arrays of equal length, `(prerequisite, skill)`.

    Returns:
        The residual graph; all arrays are read-only.

    Raises:
        AnalysisError: A mask or capacity of the wrong shape, or prerequisites out of range.

    >>> graph = SkillTextGraph.from_csr([0, 1, 3, 6], [0, 1, 2, 0, 2, 3], n_skills=5)
    >>> left = residual(graph, [True, False, False, False, False])
    >>> [Reason(r).name for r in left.reason]
    ['LEARNED', 'TOGETHER', 'TOGETHER', 'TOGETHER', 'UNUSED']
    >>> left.nearest.tolist(), left.group.tolist(), left.texts_by_lacking().tolist()
    ([-1, 1, 1, 2, -1], [-1, 0, 0, 0, -1], [1, 0, 2])
    """
    mask = bool_mask("learned", learned, graph.n_skills)
    limits = np.array(np.broadcast_to(np.asarray(capacity_of_texts(capacity, graph.n_texts), np.int32), graph.n_texts))
    lacking = ~mask
    frozen = lacking & ~bool_mask("learnable", learnable, graph.n_skills)
    pending = pending_prerequisites(prerequisites, mask) > 0
    novel = novel_counts(graph, lacking)
    closed = novel_counts(graph, frozen)
    twins = _twins(graph, lacking)
    group, group_sizes = _groups(graph, lacking, frozen, pending, limits, novel, closed)
    component, component_sizes = _components(graph, lacking)
    nearest = _nearest(graph, lacking, limits, novel, closed)
    reason = _reasons(graph, lacking, frozen, pending, limits, novel, closed, twins)
    arrays = (reason, novel, nearest, component, component_sizes, group, group_sizes, twins)
    for array in arrays:
        array.flags.writeable = False
    return Residual(*arrays)


def pending_prerequisites(prerequisites: Prerequisites | None, learned: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Number of prerequisites of each skill that are not learned, int32 (S,).

    Raises:
        AnalysisError: Arrays of unequal lengths or a skill out of range.
    """
    if prerequisites is None:
        return np.zeros(len(learned), np.int32)
    first, then = prerequisite_pairs(prerequisites, len(learned))
    return np.bincount(then[~learned[first]], minlength=len(learned)).astype(np.int32)


def _best_of_texts(graph: SkillTextGraph, values: npt.NDArray[np.int64], empty: int) -> npt.NDArray[np.int64]:
    """Least value among the texts of each skill, int64 (S,); `empty` for a skill without texts."""
    best = np.full(graph.n_skills, empty, np.int64)
    used = np.flatnonzero(graph.skill_degrees)
    if len(used):
        best[used] = np.minimum.reduceat(values[graph.skill_texts], graph.skill_ptr[used])
    return best


def _nearest(
    graph: SkillTextGraph,
    lacking: npt.NDArray[np.bool_],
    limits: npt.NDArray[np.int32],
    novel: npt.NDArray[np.int32],
    closed: npt.NDArray[np.int32],
) -> npt.NDArray[np.int32]:
    useless = (limits < 1) | (closed > 0)
    order = np.lexsort((novel, np.maximum(novel.astype(np.int64) - limits, 0), useless))
    rank = np.empty(graph.n_texts, np.int64)
    rank[order] = np.arange(graph.n_texts)
    best = _best_of_texts(graph, rank, -1)
    nearest = np.full(graph.n_skills, -1, np.int32)
    there = lacking & (best >= 0)
    nearest[there] = order[best[there]]
    return nearest


def _components(
    graph: SkillTextGraph, lacking: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    there = lacking & (graph.skill_degrees > 0)
    found = components(graph, there)
    return found.label.copy(), found.sizes.copy()


def _twins(graph: SkillTextGraph, lacking: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Number of lacking skills with the same row of texts, itself included; 0 for others."""
    twins = np.zeros(graph.n_skills, np.int32)
    skills = np.flatnonzero(lacking & (graph.skill_degrees > 0))
    if not len(skills):
        return twins
    # Rows are compared by a sum of random words first, and entry by entry where these are equal.
    words = np.random.default_rng(0).integers(0, 2**63, graph.n_texts, dtype=np.uint64)
    texts, row = gather_rows(graph.skill_ptr, graph.skill_texts, skills)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(row)) + 1))
    digest = np.add.reduceat(words[texts], starts)
    degree = graph.skill_degrees[skills]
    order = np.lexsort((skills, digest, degree))
    alike = (digest[order][1:] == digest[order][:-1]) & (degree[order][1:] == degree[order][:-1])
    first, second = skills[order[:-1][alike]], skills[order[1:][alike]]
    one, place = gather_rows(graph.skill_ptr, graph.skill_texts, first)
    other, _ = gather_rows(graph.skill_ptr, graph.skill_texts, second)
    alike[np.flatnonzero(alike)[np.unique(place[one != other])]] = False
    label = np.concatenate(([0], np.cumsum(~alike)))
    twins[skills[order]] = np.bincount(label)[label]
    return twins


def _reasons(
    graph: SkillTextGraph,
    lacking: npt.NDArray[np.bool_],
    frozen: npt.NDArray[np.bool_],
    pending: npt.NDArray[np.bool_],
    limits: npt.NDArray[np.int32],
    novel: npt.NDArray[np.int32],
    closed: npt.NDArray[np.int32],
    twins: npt.NDArray[np.int32],
) -> npt.NDArray[np.int8]:
    reach = -_best_of_texts(graph, -limits.astype(np.int64), 0)  # largest capacity among its texts
    usable = (limits > 0) & (closed == 0)
    beside = _best_of_texts(graph, (~usable).astype(np.int64), 1) > 0
    opened = _best_of_texts(graph, (~(usable & (novel <= limits))).astype(np.int64), 1) == 0
    reason = np.full(graph.n_skills, Reason.TOGETHER, np.int8)
    reason[twins > reach] = Reason.INSEPARABLE
    reason[opened] = Reason.READY
    reason[opened & pending] = Reason.PREREQUISITE
    reason[beside] = Reason.BESIDE
    reason[reach < 1] = Reason.SILENT
    reason[frozen] = Reason.FROZEN
    reason[graph.skill_degrees == 0] = Reason.UNUSED
    reason[~lacking] = Reason.LEARNED
    return reason


def _groups(
    graph: SkillTextGraph,
    lacking: npt.NDArray[np.bool_],
    frozen: npt.NDArray[np.bool_],
    pending: npt.NDArray[np.bool_],
    limits: npt.NDArray[np.int32],
    novel: npt.NDArray[np.int32],
    closed: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Groups whose members all follow from any one of them.

    A group g leads to h if a text would teach a skill of h once all of g is learned. Groups that lead to each other
    are one group; this is repeated until nothing joins. It starts with single skills.
    """
    texts = np.flatnonzero((novel > 1) & (limits > 0))
    skills, row = gather_rows(graph.text_ptr, graph.text_skills, texts)
    inside = lacking[skills]
    skills, row = skills[inside], row[inside]
    over = (novel - limits)[texts]
    shut = closed[texts]
    label = np.arange(graph.n_skills, dtype=np.int64)
    target = ~pending & ~frozen
    while len(skills):
        keys, where, counts = np.unique(
            row * np.int64(graph.n_skills) + label[skills], return_inverse=True, return_counts=True
        )
        at, of = np.divmod(keys, graph.n_skills)
        shut_here = np.bincount(where, weights=frozen[skills], minlength=len(keys)).astype(np.int64)
        leads = (counts >= over[at]) & (shut_here == shut[at])
        pointers = np.searchsorted(row, np.arange(len(texts) + 1))
        reached, place = gather_rows(pointers, skills, at[leads])
        source = of[leads][place]
        goal = label[reached]
        good = target[reached] & (goal != source)
        joined = strong_components(source[good], goal[good], graph.n_skills)
        if np.array_equal(joined, np.arange(graph.n_skills)):
            break
        label = joined[label]
    return _numbered(label, lacking)


def _numbered(
    label: npt.NDArray[np.int64], lacking: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Groups of two skills or more numbered from the largest, ties by their first skill; -1 for the others."""
    group = np.full(len(label), -1, np.int32)
    skills = np.flatnonzero(lacking)
    if not len(skills):
        return group, np.zeros(0, np.int64)
    _, first, where, counts = np.unique(label[skills], return_index=True, return_inverse=True, return_counts=True)
    large = np.flatnonzero(counts > 1)
    order = large[np.lexsort((first[large], -counts[large]))]
    number = np.full(len(counts), -1, np.int32)
    number[order] = np.arange(len(order))
    group[skills] = number[where]
    return group, counts[order].astype(np.int64)
