"""The smallest sets of skills that unlock a skill that was not learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.cascade import Cascade
from analysis.errors import AnalysisError

__all__ = ["Unlocking", "unlock"]

_WORK = 200_000_000
_TEXTS_TRIED = 20


@dataclass(frozen=True)
class Unlocking:
    """Sets of skills that unlock a skill if they are taught, themselves without it.

    Attributes:
        sets: The smallest sets found, ascending skill indices; all have the same size. Empty if none unlocks it.
        least: No set of fewer skills unlocks it: proved by trying all of them.
        proved: True if `sets` are as small as can be, or no set at all can unlock it.
    """

    sets: tuple[tuple[int, ...], ...]
    least: int
    proved: bool

    @property
    def size(self) -> int:
        """Number of skills in each set; 0 if there is none."""
        return len(self.sets[0]) if self.sets else 0


def unlock(cascade: Cascade, skill: int, *, most: int = 5, work: int = _WORK) -> Unlocking:
    """The smallest sets of other skills that, taught outright, let the texts teach a skill.

    A skill that follows from another one can be replaced by that one in any set, so only skills that follow from no
    other are tried: all of them alone, then all pairs, and so on, until a set does it or the work is used up. The
    nearest texts bound the search from above: what one lacks beside the skill unlocks it, made smaller by leaving out
    one skill after the other while it still does.

    Args:
        cascade: The state that peeling left; unchanged afterwards.
        skill: A lacking skill.
        most: How many sets of one skill to give.
        work: Entries of the graph to look at while sets are tried.

    Returns:
        The sets, with the proved bound.

    Raises:
        AnalysisError: The skill is learned.

    >>> from analysis.graph import SkillTextGraph
    >>> graph = SkillTextGraph.from_csr([0, 3, 5], [0, 1, 2, 1, 2], n_skills=3)
    >>> unlock(Cascade(graph, [False] * 3), 0)
    Unlocking(sets=((1,), (2,)), least=1, proved=True)
    """
    from analysis._kernels.cascade import search

    state, graph = cascade.state, cascade.graph
    if state.learned[skill]:
        raise AnalysisError(f"skill {skill} is learned: nothing needs to unlock it")
    others = np.flatnonzero(~state.learned & (np.arange(graph.n_skills) != skill)).astype(np.int32)
    if state.learned[skill] or not _reaches(cascade, others, skill):
        return Unlocking((), 1, proved=True)
    single = _singles(cascade, skill, others, most)
    if single:
        return Unlocking(tuple((s,) for s in single), 1, proved=True)
    found = _from_texts(cascade, skill)
    gains = cascade.gains(others)
    sources = gains.sources
    size = 2
    while size < len(found) and work > 0:
        chosen = np.full(size, -1, np.int32)
        done, hit, spent = search(state, sources, size, skill, work, chosen, 0.0)
        work -= spent
        if hit:
            smallest = tuple(sorted(_lean(cascade, chosen[chosen >= 0].tolist(), skill)))
            return Unlocking((smallest,), size, proved=True)
        if not done:
            return Unlocking((found,), size, proved=False)
        size += 1
    return Unlocking((found,), size, proved=size >= len(found))


def _reaches(cascade: Cascade, seeds: npt.NDArray[np.int32] | list[int], skill: int) -> bool:
    return bool((cascade.follow(seeds).skills == skill).any())


def _singles(cascade: Cascade, skill: int, others: npt.NDArray[np.int32], most: int) -> list[int]:
    """Skills from which this one follows, those in most texts first."""
    found: list[int] = []
    for s in _connected(cascade, skill, others):
        if _reaches(cascade, [int(s)], skill):
            found.append(int(s))
            if len(found) == most:
                break
    return found


def _connected(cascade: Cascade, skill: int, others: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Those of the skills that could lead to one, by going back from it: through texts, and to prerequisites."""
    st = cascade.state
    seen = np.zeros(len(st.learned), np.bool_)
    seen[skill] = True
    front = np.array([skill])
    while len(front):
        texts = np.unique(np.concatenate([st.skill_texts[st.skill_ptr[s] : st.skill_ptr[s + 1]] for s in front]))
        texts = texts[st.capacity[texts] > 0]
        rows: list[npt.NDArray[np.integer]] = [st.text_skills[st.text_ptr[t] : st.text_ptr[t + 1]] for t in texts]
        first = np.repeat(np.arange(len(st.learned)), np.diff(st.dependent_ptr))
        rows.append(first[np.isin(st.dependents, front)])
        reached = np.unique(np.concatenate(rows))
        front = reached[~seen[reached] & ~st.learned[reached]]
        seen[front] = True
    usable = others[seen[others]]
    return usable[np.lexsort((usable, -cascade.graph.skill_degrees[usable]))]


def _from_texts(cascade: Cascade, skill: int) -> tuple[int, ...]:
    """A small set from the texts nearest to teaching the skill: the smallest of those that each text gives."""
    st = cascade.state
    texts = st.skill_texts[st.skill_ptr[skill] : st.skill_ptr[skill + 1]]
    texts = texts[st.capacity[texts] > 0]
    texts = texts[np.argsort(st.lacking[texts] - st.capacity[texts], kind="stable")]
    first = np.repeat(np.arange(len(st.learned)), np.diff(st.dependent_ptr))
    needed = first[(st.dependents == skill) & ~st.learned[first]]
    best: tuple[int, ...] = ()
    for t in texts[:_TEXTS_TRIED]:
        row = st.text_skills[st.text_ptr[t] : st.text_ptr[t + 1]]
        seeds = np.union1d(row[~st.learned[row] & (row != skill)], needed).tolist()
        if not _reaches(cascade, seeds, skill):
            continue
        seeds = _lean(cascade, seeds, skill)
        if not best or len(seeds) < len(best):
            best = tuple(sorted(seeds))
    return best


def _lean(cascade: Cascade, seeds: list[int], skill: int) -> list[int]:
    """The set without the skills that it can do without, those in fewest texts tried first."""
    degrees = cascade.graph.skill_degrees
    for s in sorted(seeds, key=lambda s: (degrees[s], s)):
        fewer = [other for other in seeds if other != s]
        if fewer and _reaches(cascade, fewer, skill):
            seeds = fewer
    return seeds
