"""Compiled cascades: teach some skills, follow what the texts then teach, and take it back.

The state is what peeling left. Learned skills are put on a trail in the order in which they are learned, so that a
cascade is undone by going back along it, and costs what it reaches: the texts of the skills that it adds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import ONE, ZERO, kernel
from analysis._kernels.sorting import sort_run

__all__ = [
    "State",
    "drop",
    "gains",
    "gains_of_drops",
    "gains_of_giant",
    "giant_after",
    "search",
    "spread",
    "teach",
    "undo",
    "undrop",
]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class State(NamedTuple):
    """What is learned, and what each text still lacks.

    Attributes:
        text_ptr: int64 (T+1,).
        text_skills: int32 (E,).
        skill_ptr: int64 (S+1,).
        skill_texts: int32 (E,).
        capacity: int32 (T,), 0 for texts that do not teach.
        lacking: int32 (T,), skills of each text that are not learned.
        closed: int32 (T,), those of them that training may not learn: a text with one does not teach.
        dropped: int32 (T,), a skill that the text no longer requires, -1 for none.
        learned: bool (S,).
        frozen: bool (S,), skills that training may not learn.
        pending: int32 (S,), prerequisites that are not learned.
        dependent_ptr: int64 (S+1,).
        dependents: int32.
        skill_value: float64 (S,), what it is worth to learn a skill.
        text_value: float64 (T,), what it is worth to understand a text.
        trail: int32 (S,), skills in the order in which they were learned since the start.
    """

    text_ptr: Int64
    text_skills: Int32
    skill_ptr: Int64
    skill_texts: Int32
    capacity: Int32
    lacking: Int32
    closed: Int32
    dropped: Int32
    learned: Bools
    frozen: Bools
    pending: Int32
    dependent_ptr: Int64
    dependents: Int32
    skill_value: Floats
    text_value: Floats
    trail: Int32


@kernel
def _opened(st: State, t: int) -> bool:
    left = st.lacking[t]
    return left > 0 and left <= st.capacity[t] and st.closed[t] == 0


@kernel
def spread(st: State, start: int, end: int, stop: Bools) -> tuple[int, int, int, float, int, bool]:
    """Follow the skills trail[start:end], which are marked as learned already.

    Returns:
        End of the trail, skills of it whose texts were told, texts understood, value gained, entries looked at, and
        True if it was broken off at a skill of `stop` (which may be empty).
    """
    i, texts, value, work = start, 0, 0.0, 0
    halts = len(stop) > 0
    while i < end:
        s = st.trail[i]
        if halts and stop[s]:
            return end, i, texts, value, work, True
        i += 1
        value += st.skill_value[s]
        shut = st.frozen[s]
        for e in range(st.skill_ptr[s], st.skill_ptr[s + 1]):
            t = st.skill_texts[e]
            if st.dropped[t] == s:
                continue
            st.lacking[t] -= 1
            if shut:
                st.closed[t] -= 1
            left = st.lacking[t]
            if left == 0:
                texts += 1
                value += st.text_value[t]
            elif left <= st.capacity[t] and st.closed[t] == 0:
                for f in range(st.text_ptr[t], st.text_ptr[t + 1]):
                    u = st.text_skills[f]
                    if not st.learned[u] and st.pending[u] == 0 and st.dropped[t] != u:
                        st.learned[u] = True
                        st.trail[end] = u
                        end += 1
                work += st.text_ptr[t + 1] - st.text_ptr[t]
        work += st.skill_ptr[s + 1] - st.skill_ptr[s]
        for e in range(st.dependent_ptr[s], st.dependent_ptr[s + 1]):
            u = st.dependents[e]
            st.pending[u] -= 1
            if st.pending[u] == 0 and not st.learned[u] and not st.frozen[u]:
                for f in range(st.skill_ptr[u], st.skill_ptr[u + 1]):
                    t = st.skill_texts[f]
                    if st.dropped[t] != u and _opened(st, t + ZERO):
                        st.learned[u] = True
                        st.trail[end] = u
                        end += 1
                        break
    return end, i, texts, value, work, False


@kernel
def undo(st: State, start: int, told: int, end: int) -> None:
    """Take back trail[start:end], of which trail[start:told] were told to their texts."""
    for i in range(end - 1, start - 1, -1):
        s = st.trail[i]
        st.learned[s] = False
        if i >= told:
            continue
        shut = st.frozen[s]
        for e in range(st.skill_ptr[s], st.skill_ptr[s + 1]):
            t = st.skill_texts[e]
            if st.dropped[t] == s:
                continue
            st.lacking[t] += 1
            if shut:
                st.closed[t] += 1
        for e in range(st.dependent_ptr[s], st.dependent_ptr[s + 1]):
            st.pending[st.dependents[e]] += 1


@kernel
def teach(st: State, skills: Int32, end: int) -> tuple[int, int, float, int]:
    """Learn these skills, and what follows: new end of the trail, texts understood, value, entries looked at."""
    start = end
    for s in skills:
        if not st.learned[s]:
            st.learned[s] = True
            st.trail[end] = s
            end += 1
    end, _, texts, value, work, _ = spread(st, start, end, np.empty(0, np.bool_))
    return end, texts, value, work


@kernel
def drop(st: State, t: int, skill: int, end: int) -> tuple[int, int, float, int]:
    """Let text t no longer require a lacking skill, and learn what follows; results as for `teach`."""
    start = end
    st.dropped[t] = skill
    st.lacking[t] -= 1
    if st.frozen[skill]:
        st.closed[t] -= 1
    texts, value = 0, 0.0
    if st.lacking[t] == 0:
        texts, value = 1, st.text_value[t]
    elif _opened(st, t):
        for f in range(st.text_ptr[t], st.text_ptr[t + 1]):
            u = st.text_skills[f]
            if u != skill and not st.learned[u] and st.pending[u] == 0:
                st.learned[u] = True
                st.trail[end] = u
                end += 1
    end, _, more, gained, work, _ = spread(st, start, end, np.empty(0, np.bool_))
    return end, texts + more, value + gained, work


@kernel
def undrop(st: State, t: int, skill: int) -> None:
    """Take back `drop`, once what followed is undone."""
    st.dropped[t] = -1
    st.lacking[t] += 1
    if st.frozen[skill]:
        st.closed[t] += 1


@kernel
def gains(
    st: State, deep: State, candidates: Int32, core_size: int, limit: int, bound: Floats, exact: Bools, over: Int32
) -> int:
    """Value of teaching each candidate alone, with what follows.

    A skill that follows from another is worth at most as much: it is not tried, its bound is the other's value, and
    `over` names the other. Many cascades may run into one large one, the core: a cascade that meets a skill which leads
    to the whole core contains the core, so only what it adds to the core is followed, in a second state.

    Args:
        st: The state, with an empty trail; it is unchanged afterwards.
        deep: A copy of it, which is left with the core taught.
        candidates: Skills that are not learned, the most promising first.
        core_size: Skills from which on a cascade is kept as the core.
        limit: Entries to look at, after which the rest is left untried.
        bound: Value of each skill, or a bound of it, float64 (S,); stays as it is for those not tried.
        exact: Whether the value is exact, bool (S,).
        over: Skill whose cascade contains this one, int32 (S,), -1 for none.

    Returns:
        Entries looked at.
    """
    never = np.empty(0, np.bool_)
    halt = never
    seed = np.empty(1, np.int32)
    core, base, core_value, work = np.int32(-1), ZERO, 0.0, 0
    for k in range(len(candidates)):
        s = candidates[k]
        if over[s] >= 0:
            continue
        if work > limit:
            break
        st.learned[s] = True
        st.trail[0] = s
        end, told, _, value, steps, met = spread(st, ZERO, ONE, halt)
        work += steps
        undo(st, ZERO, told, end)
        if met:
            seed[0] = s
            end, _, more, steps = teach(deep, seed, base)
            work += steps
            value = core_value + more
            for i in range(base, end):
                _cover(deep.trail[i], s, value, bound, exact, over)
            undo(deep, base, end, end)
            _cover(core, s, value, bound, exact, over)
        else:
            for i in range(1, end):
                _cover(st.trail[i], s, value, bound, exact, over)
        bound[s] = value
        exact[s] = True
        if core < 0 and not met and end >= core_size:
            core, core_value = s, value
            seed[0] = s
            base, _, _, steps = teach(deep, seed, ZERO)
            work += steps
            halt = np.zeros(len(st.learned), np.bool_)
            halt[s] = True
            for i in range(1, base):  # which of the core lead back to all of it
                u = deep.trail[i]
                st.learned[u] = True
                st.trail[0] = u
                end, told, _, _, steps, met = spread(st, ZERO, ONE, halt)
                work += steps
                undo(st, ZERO, told, end)
                halt[u] = met
    return work


@kernel
def _cover(u: int | np.int32, s: int, value: float, bound: Floats, exact: Bools, over: Int32) -> None:
    """Skill u follows from s."""
    if u == s:
        return
    if over[u] < 0:
        over[u] = s
    if not exact[u] and value < bound[u]:
        bound[u] = value


@kernel
def gains_of_drops(
    st: State, texts: Int32, skills: Int32, bound: Floats, limit: int, value: Floats, best: float
) -> tuple[int, int]:
    """Value of letting a text no longer require a skill, for pairs by falling bound, until no better one can come.

    Args:
        st: The state, with an empty trail; unchanged afterwards.
        texts: Of each pair, int32 (n,).
        skills: Of each pair, int32 (n,).
        bound: Bounds of the values, float64 (n,), falling.
        limit: Entries to look at, after which the rest is left untried.
        value: float64 (n,): values of the pairs tried.
        best: Value that is to be beaten.

    Returns:
        Number of pairs tried, and entries looked at.
    """
    work = 0
    for k in range(len(texts)):
        if bound[k] <= best or work > limit:
            return k, work
        end, _, value[k], steps = drop(st, texts[k] + ZERO, skills[k] + ZERO, ZERO)
        work += steps
        undo(st, ZERO, end, end)
        undrop(st, texts[k], skills[k])
        best = max(best, value[k])
    return len(texts), work


@kernel
def search(
    st: State, candidates: Int32, size: int, target: int, limit: int, chosen: Int32, best: float
) -> tuple[bool, float, int]:
    """Try all sets of at most `size` candidates, for one that teaches a target or is worth most.

    Args:
        st: The state, with an empty trail; unchanged afterwards.
        candidates: int32 (n,).
        size: Largest number of candidates in a set.
        target: Skill to be learned, or -1 for the largest value.
        limit: Entries to look at, after which the search is broken off.
        chosen: int32 (size,): the first set that does it, or the best; -1 where it is smaller.
        best: Value that is to be beaten.

    Returns:
        Whether it came to an end (with a target: or found it), the value of `chosen` (with a target: 1.0 if found,
        else 0.0), and entries looked at.
    """
    place = np.zeros(size + 1, np.int64)
    marks = np.zeros(size + 1, np.int64)
    values = np.zeros(size + 1)
    seed = np.empty(1, np.int32)
    depth, work = 0, 0
    while depth >= 0:
        if depth == size or place[depth] >= len(candidates) or work > limit:
            if work > limit and depth == 0:
                return False, best, work
            depth -= 1
            if depth >= 0:
                undo(st, marks[depth], marks[depth + 1], marks[depth + 1])
                place[depth] += 1
            continue
        s = candidates[place[depth]]
        if st.learned[s]:
            place[depth] += 1
            continue
        seed[0] = s
        end, _, value, steps = teach(st, seed, marks[depth])
        work += steps
        marks[depth + 1] = end
        values[depth + 1] = values[depth] + value
        found = target >= 0 and st.learned[target]
        if found or (target < 0 and values[depth + 1] > best):
            best = 1.0 if found else values[depth + 1]
            for i in range(size):
                chosen[i] = candidates[place[i]] if i <= depth else -1
        if found:
            undo(st, ZERO, end, end)
            return True, best, work
        depth += 1
        place[depth if depth <= size else size] = place[depth - 1] + 1
    return True, best, work


@kernel
def giant_after(st: State, start: int, end: int, node: Int32, label: Int32, sizes: Int64, parent: Int64) -> int:
    """Skills in the largest part of the association graph once trail[start:end] are learned.

    Args:
        st: The state with that trail.
        start: Where what is new on the trail starts.
        end: Where it ends.
        node: int32 (S,), all -1; unchanged afterwards.
        label: Part of each skill learned before, int32 (S,).
        sizes: Number of skills in each part, int64.
        parent: Room for a number for each part and each skill, int64, each entry its own index; unchanged afterwards.
    """
    n = len(sizes)
    for i in range(start, end):
        node[st.trail[i]] = n + i
    weight = {}
    best = sizes[0] if n else 0
    for i in range(start, end):
        s = st.trail[i]
        root = _root(parent, n + i)
        if root not in weight:
            weight[root] = 1
        for e in range(st.skill_ptr[s], st.skill_ptr[s + 1]):
            t = st.skill_texts[e]
            for f in range(st.text_ptr[t], st.text_ptr[t + 1]):
                u = st.text_skills[f]
                if not st.learned[u]:
                    continue
                v = node[u] if node[u] >= 0 else label[u]
                other = _root(parent, v)
                if other == root:
                    continue
                more = weight[other] if other in weight else (sizes[other] if other < n else 1)
                total = weight[root] + more
                parent[other] = root
                weight[root] = total
                best = max(best, total)
        best = max(best, weight[root])
    for i in range(start, end):
        s = st.trail[i]
        node[s] = -1
        parent[n + i] = n + i
        for e in range(st.skill_ptr[s], st.skill_ptr[s + 1]):
            t = st.skill_texts[e]
            for f in range(st.text_ptr[t], st.text_ptr[t + 1]):
                u = st.text_skills[f]
                if st.learned[u] and label[u] >= 0:
                    parent[label[u]] = label[u]
    return best


@kernel
def _root(parent: Int64, v: int) -> int:
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@kernel
def gains_of_giant(
    st: State,
    candidates: Int32,
    limit: int,
    node: Int32,
    label: Int32,
    sizes: Int64,
    parent: Int64,
    bound: Floats,
    exact: Bools,
    over: Int32,
) -> int:
    """As `gains`, with the number of skills in the largest part of the association graph as the value."""
    seed = np.empty(1, np.int32)
    work = 0
    for k in range(len(candidates)):
        s = candidates[k]
        if over[s] >= 0:
            continue
        if work > limit:
            break
        seed[0] = s
        end, _, _, steps = teach(st, seed, ZERO)
        value = float(giant_after(st, ZERO, end, node, label, sizes, parent))
        work += 4 * steps
        for i in range(1, end):
            _cover(st.trail[i], s, value, bound, exact, over)
        bound[s] = value
        exact[s] = True
        undo(st, ZERO, end, end)
    return work


@kernel
def gains_of_sets(
    st: State, pointers: Int64, skills: Int32, limit: int, best: float, value: Floats, cover: Int32
) -> tuple[int, int]:
    """Value of learning each set of skills; a set that follows as a whole from one tried before is passed over.

    Args:
        st: The state, with an empty trail; unchanged afterwards.
        pointers: Where each set starts, int64 (n+1,).
        skills: int32.
        limit: Entries to look at, after which the rest is left untried.
        best: Not used to prune; the place of the best set is returned if it is worth more than this.
        value: float64 (n,): values of the sets tried; nan for the others.
        cover: int32 (S,), all -1.

    Returns:
        Number of sets tried or passed over, and entries looked at.
    """
    work = 0
    for k in range(len(pointers) - 1):
        part = skills[pointers[k] : pointers[k + 1]]
        value[k] = np.nan
        by = cover[part[0]] if len(part) else np.int32(-2)
        for s in part:
            if cover[s] != by:
                by = np.int32(-1)
        if by != -1:
            continue
        if work > limit:
            return k, work
        end, _, value[k], steps = teach(st, part, ZERO)
        work += steps
        for i in range(end):
            if cover[st.trail[i]] < 0:
                cover[st.trail[i]] = k
        undo(st, ZERO, end, end)
    return len(pointers) - 1, work


@kernel
def closed_sets(
    st: State, before_ptr: Int64, before: Int32, order: Int32, small: int, parent: Int32, own: Floats
) -> int:
    """A family of sets of lacking skills, nested or disjoint, each closed until one of its skills is taught outright.

    A part of what is lacking, connected by texts and prerequisites, is such a set. Some of its skills are taught; what
    is left of it falls into parts, which are its children, and so on.

    Args:
        st: The state; everything is learned afterwards.
        before_ptr: Rows of `before`, int64 (S+1,).
        before: Prerequisites of each skill, int32.
        order: The lacking skills, those to be taught first at the front.
        small: Of a part of n skills max(1, n // small) are taught at a time.
        parent: int32, room for a number for each lacking skill: the set around each set, -1 for none. A set comes after
            the one around it.
        own: float64, likewise: what is in each set but in none of its children is worth, with the texts that wait for
            it.

    Returns:
        Number of sets.
    """
    n_sets, round_ = 0, 0
    rank = np.full(len(st.learned), -1, np.int64)
    for i in range(len(order)):
        rank[order[i]] = i
    seen = np.zeros(len(st.learned), np.int64)
    text_seen = np.zeros(len(st.lacking), np.int64)
    skill_set = np.full(len(st.learned), -1, np.int32)
    text_set = np.full(len(st.lacking), -1, np.int32)
    part = np.empty(len(order), np.int32)
    # A part waits on the stack as one skill of it.
    stack = np.empty(len(order) + 1, np.int32)
    around = np.empty(len(order) + 1, np.int32)
    for first in order:
        if st.learned[first]:
            continue
        stack[0], around[0], height = first, -1, 1
        while height > 0:
            height -= 1
            round_ += 1
            size = _part(st, before_ptr, before, stack[height], round_, seen, text_seen, part)
            keep = part[:size].copy()
            parent[n_sets] = around[height]
            for s in keep:
                skill_set[s] = n_sets
                for e in range(st.skill_ptr[s], st.skill_ptr[s + 1]):
                    text_set[st.skill_texts[e]] = n_sets
            places = rank[keep]
            sort_run(places, ZERO, size)
            seeds = np.empty(max(1, size // small), np.int32)
            for i in range(len(seeds)):
                seeds[i] = order[places[i]]
            teach(st, seeds, ZERO)
            round_ += 1
            for s in keep:
                if not st.learned[s] and seen[s] != round_:
                    stack[height], around[height] = s, n_sets
                    height += 1
                    _part(st, before_ptr, before, s, round_, seen, text_seen, part)
            n_sets += 1
    for s in order:
        own[skill_set[s]] += st.skill_value[s]
    for t in range(len(text_set)):
        if text_set[t] >= 0:
            own[text_set[t]] += st.text_value[t]
    return n_sets


@kernel
def _part(
    st: State, before_ptr: Int64, before: Int32, root: int, round_: int, seen: Int64, text_seen: Int64, part: Int32
) -> int:
    """The lacking skills connected with one, through texts and prerequisites; marked in `seen`. Their number."""
    part[0], size, i = root, 1, 0
    seen[root] = round_
    while i < size:
        s = part[i]
        i += 1
        for e in range(before_ptr[s], before_ptr[s + 1]):
            u = before[e]
            if not st.learned[u] and seen[u] != round_:
                seen[u] = round_
                part[size] = u
                size += 1
        for e in range(st.dependent_ptr[s], st.dependent_ptr[s + 1]):
            u = st.dependents[e]
            if not st.learned[u] and seen[u] != round_:
                seen[u] = round_
                part[size] = u
                size += 1
        for e in range(st.skill_ptr[s], st.skill_ptr[s + 1]):
            t = st.skill_texts[e]
            if text_seen[t] == round_:
                continue
            text_seen[t] = round_
            for f in range(st.text_ptr[t], st.text_ptr[t + 1]):
                u = st.text_skills[f]
                if not st.learned[u] and seen[u] != round_:
                    seen[u] = round_
                    part[size] = u
                    size += 1
    return size
