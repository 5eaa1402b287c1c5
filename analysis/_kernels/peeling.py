"""Compiled peeling: round by round, one random memory access an edge.

Both kernels keep one word for each skill, `wave · 2^32 + text`: the smaller word wins, so a minimum settles
in which round a skill is learned and by which text, whatever the order inside the round.

Rows have about six entries, so a loop over each row would end in a mispredicted branch every few edges, and
the processor would wait for memory with nothing to do. The rows of a block of skills are therefore laid out
one after the other, eight entries at a time, and worked on in one long loop that asks for memory well ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import ONE, ZERO, kernel, prefetch
from analysis._kernels.vectors import LANES, copy_lanes, fill_lanes

if TYPE_CHECKING:
    from analysis.graph import SkillTextGraph
    from analysis.peeling import Task

__all__ = ["BLOCK", "UNLEARNED", "peel_capacity", "peel_one", "rounds", "settle", "unpack"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Words = npt.NDArray[np.unsignedinteger]

_NEVER = np.int64(0)
_KNOWN = np.int64(1)
UNLEARNED = np.int64(2**63 - 1)
_BLOCKED = np.int64(1 << 62)  # plus the best text so far
_NOBODY = np.int64(2**31 - 1)
_LOW = np.int64(0xFFFFFFFF)
BLOCK = 4096  # edges that are laid out one after the other before they are worked on
_AHEAD = 64  # edges between asking for a text's word and using it
_ROW_AHEAD = 16  # of a long row, only so many entries are asked for in advance


def peel_one(
    graph: SkillTextGraph, known: npt.NDArray[np.bool_] | None, learnable: npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.int64]:
    """Peel with capacity 1; the word of each skill, int64 (S,)."""
    # A text's word holds the number and the XOR of its novel skills: half the width, half the memory traffic.
    id_bits = max(int(graph.n_skills - 1).bit_length(), 1)
    narrow = int(_longest(graph.text_ptr)) >> (32 - id_bits) == 0
    words: Words = np.empty(graph.n_texts, np.uint32 if narrow else np.uint64)
    shift = np.uint64(id_bits if narrow else 32)
    state = np.full(graph.n_skills, UNLEARNED)
    queue, n_known = np.empty(graph.n_skills + 1, np.int32), 0
    if learnable is not None:
        state[~learnable] = _NEVER
    if known is not None:
        state[known] = _KNOWN
        n_known = int(np.count_nonzero(known))
        queue[:n_known] = np.flatnonzero(known)
    _peel_one(
        graph.text_ptr, graph.text_skills, graph.skill_ptr, graph.skill_texts, words, shift, state, queue, n_known
    )
    return state


@kernel
def _longest(pointers: Int64) -> np.int64:
    longest = np.int64(0)
    for row in range(len(pointers) - 1):
        longest = max(longest, pointers[row + 1] - pointers[row])
    return longest


@kernel
def _peel_one(
    text_ptr: Int64,
    text_skills: Int32,
    skill_ptr: Int64,
    skill_texts: Int32,
    words: Words,
    shift: np.uint64,
    state: Int64,
    queue: Int32,
    n_known: int,
) -> None:
    """Peel from the known skills at the head of the queue.

    What a block of edges teaches is settled at once, for the round after the one it belongs to: a skill of the
    round itself is settled already, and its smaller word stays.
    """
    hits = np.empty(BLOCK + 1, np.int64)
    learned = n_known
    for first in range(0, len(words), BLOCK):
        n_hits = _count_and_xor(text_ptr, text_skills, first, words, shift, hits)
        learned = settle(hits, n_hits, ONE, state, queue, learned)
    rounds(skill_ptr, skill_texts, words, shift, state, queue, n_known, learned, hits)


@kernel
def rounds(
    skill_ptr: Int64,
    skill_texts: Int32,
    words: Words,
    shift: np.uint64,
    state: Int64,
    queue: Int32,
    n_known: int,
    learned: int,
    hits: Int64,
) -> int:
    """Go on from what the texts teach by themselves; the number of known and learned skills.

    Args:
        skill_ptr: Rows of texts.
        skill_texts: Rows of texts.
        words: Of each text, the number and the XOR of its skills, shifted by `shift` and plain.
        shift: Bits of a skill.
        state: Of each skill, settled for wave 1.
        queue: The known skills, then those learned in wave 1.
        n_known: Number of known skills.
        learned: Number of skills in the queue.
        hits: Room for text · 2^32 + its only novel skill, `BLOCK` + 1.
    """
    texts = np.empty(BLOCK + LANES + _AHEAD, np.int32)
    skills = np.empty(BLOCK + LANES, np.int32)
    # Texts of one known skill are hits as well, but teach nothing: round 1 ends where the known skills end.
    wave, i, offset, end, done = 0, ZERO, ZERO, n_known, 0
    while i < learned:
        if i == end:
            # A wave starts at the head of the queue again: of its memory only the longest wave is ever touched.
            wave += 1
            done += end
            learned -= end
            for k in range(np.uint64(learned) if end else np.uint64(0)):
                queue[k] = queue[k + np.uint64(end)]
            i, end = 0, learned
        i, offset, n_edges = _expand(skill_ptr, skill_texts, queue, end, i, offset, texts, skills)
        n_hits = _remove(texts, skills, n_edges, words, shift, hits)
        learned = settle(hits, n_hits, wave + 1, state, queue, learned)
    return done + learned


# Indices are made unsigned: numba lets a negative index count from the end, which costs a test at every access.


@kernel
def _count_and_xor(text_ptr: Int64, text_skills: Int32, first: int, words: Words, shift: np.uint64, hits: Int64) -> int:
    """The words of a block of texts; those with one skill are hits, whose number is returned."""
    n_hits = 0
    skill_mask = (np.uint64(1) << shift) - np.uint64(1)
    n_edges = len(text_skills)
    for t in range(np.uint64(first), np.uint64(min(first + BLOCK, len(words)))):
        start = text_ptr[t]
        length = text_ptr[t + np.uint64(1)] - start
        joined = np.uint32(0)
        if length <= LANES and start + LANES <= n_edges:
            for lane in range(LANES):  # of fixed length: no branch to mispredict, eight at a time
                joined ^= np.uint32(text_skills[np.uint64(start + lane)]) * np.uint32(lane < length)
        else:
            for e in range(np.uint64(start), np.uint64(start + length)):
                joined ^= np.uint32(text_skills[e])
        word = (np.uint64(length) << shift) | np.uint64(joined)
        words[t] = word
        hits[np.uint64(n_hits)] = np.int64((t << np.uint64(32)) | (word & skill_mask))
        n_hits += int(word >> shift == np.uint64(1))
    return n_hits


@kernel
def _expand(
    skill_ptr: Int64,
    skill_texts: Int32,
    queue: Int32,
    end: int,
    i: int,
    offset: int,
    texts: Int32,
    skills: Int32,
) -> tuple[int, int, int]:
    """Copy rows of the skills queue[i:end], the first from entry `offset` on, until a block is full.

    Returns where to go on, and the number of entries copied.
    """
    used, n_edges = 0, len(skill_texts)
    while i < end and used < BLOCK:
        if i + 32 < end:
            prefetch(skill_ptr, queue[np.uint64(i + 32)])
        if i + 16 < end:
            ahead = skill_ptr[np.uint64(queue[np.uint64(i + 16)])]
            prefetch(skill_texts, ahead)
            prefetch(skill_texts, ahead + LANES)
        s = np.uint64(queue[np.uint64(i)])
        start = skill_ptr[s] + offset
        left = skill_ptr[s + np.uint64(1)] - start
        length = min(left, BLOCK - used)
        if start + length + LANES <= n_edges:
            copy_lanes(texts, used, skill_texts, start)
            fill_lanes(skills, used, s)
            for lane in range(LANES, length, LANES):
                copy_lanes(texts, used + lane, skill_texts, start + lane)
                fill_lanes(skills, used + lane, s)
        else:
            for lane in range(length):
                texts[used + lane] = skill_texts[start + lane]
                skills[used + lane] = s
        used += length
        if length == left:
            i += 1
            offset = 0
        else:
            offset += length
    return i, offset, used


@kernel
def _remove(texts: Int32, skills: Int32, n_edges: int, words: Words, shift: np.uint64, hits: Int64) -> int:
    """Take each skill out of its text's word; texts with one novel skill left are hits, whose number is returned."""
    n_hits = 0
    one = np.uint64(1) << shift
    skill_mask = one - np.uint64(1)
    for e in range(_AHEAD):
        texts[n_edges + e] = 0
        prefetch(words, texts[e])
    for e in range(np.uint64(n_edges)):
        prefetch(words, texts[e + np.uint64(_AHEAD)])
        t = np.uint64(np.uint32(texts[e]))
        word = (np.uint64(words[t]) - one) ^ np.uint64(np.uint32(skills[e]))
        words[t] = word
        # written always, kept only if one novel skill is left: no branch to mispredict
        hits[np.uint64(n_hits)] = np.int64((t << np.uint64(32)) | (word & skill_mask))
        n_hits += int(word >> shift == np.uint64(1))
    return n_hits


@kernel
def settle(hits: Int64, n_hits: int, wave: int, state: Int64, queue: Int32, learned: int) -> int:
    """Learn in this wave what the hits teach; the number of skills in the queue."""
    for i in range(np.uint64(n_hits)):
        if i + np.uint64(32) < np.uint64(n_hits):
            prefetch(state, hits[i + np.uint64(32)] & _LOW)
        s = np.uint64(hits[i]) & np.uint64(_LOW)
        before = state[s]
        state[s] = min(before, (np.int64(wave) << 32) | (hits[i] >> 32))
        queue[np.uint64(learned)] = s
        learned += int(before == UNLEARNED)
    return learned


def peel_capacity(graph: SkillTextGraph, task: Task) -> npt.NDArray[np.int64]:
    """Peel with any capacities and prerequisites; the word of each skill, int64 (S,)."""
    state = np.where(task.known, _KNOWN, UNLEARNED)
    if len(task.pending):
        state[(task.pending > 0) & ~task.known] = _BLOCKED | _NOBODY
    _peel_capacity(
        graph.text_ptr,
        graph.text_skills,
        graph.skill_ptr,
        graph.skill_texts,
        task.capacity,
        task.pending.copy(),
        task.dependent_ptr,
        task.dependents,
        state,
    )
    return state


@kernel
def _peel_capacity(
    text_ptr: Int64,
    text_skills: Int32,
    skill_ptr: Int64,
    skill_texts: Int32,
    capacity: Int32,
    pending: Int32,
    dependent_ptr: Int64,
    dependents: Int32,
    state: Int64,
) -> None:
    n_texts, n_skills = len(capacity), len(state)
    excess = np.empty(n_texts, np.int32)  # novel skills above capacity; a text opens when it falls to 0
    opened = np.empty(n_texts, np.int32)
    n_opened = 0
    for t in range(n_texts):
        novel = 0
        for e in range(text_ptr[t], text_ptr[t + 1]):
            novel += int(state[text_skills[e]] != _KNOWN)
        if capacity[t] < 0:
            excess[t] = _NOBODY
        else:
            excess[t] = novel - capacity[t]
            if 0 < novel <= capacity[t]:
                opened[n_opened] = t
                n_opened += 1
    frontier = np.empty(n_skills, np.int32)
    freed = np.empty(len(pending), np.int32)
    n_freed = 0
    wave = 0
    while n_opened + n_freed > 0:
        wave += 1
        n_frontier = n_freed
        for i in range(n_freed):
            frontier[i] = freed[i]
        n_freed = 0
        for i in range(n_opened):
            if i + 16 < n_opened:
                prefetch(text_ptr, opened[i + 16])
            if i + 8 < n_opened:
                prefetch(text_skills, text_ptr[opened[i + 8]])
            t = opened[i]
            for e in range(text_ptr[t], text_ptr[t + 1]):
                s = text_skills[e]
                before = state[s]
                if before == UNLEARNED:
                    state[s] = (np.int64(wave) << 32) | np.int64(t)
                    frontier[n_frontier] = s
                    n_frontier += 1
                elif before >= _BLOCKED:
                    state[s] = _BLOCKED | min(before & _LOW, np.int64(t))
                else:
                    state[s] = min(before, (np.int64(wave) << 32) | np.int64(t))
        n_opened = 0
        for i in range(n_frontier):
            if i + 24 < n_frontier:
                prefetch(skill_ptr, frontier[i + 24])
            if i + 16 < n_frontier:
                prefetch(skill_texts, skill_ptr[frontier[i + 16]])
            if i + 8 < n_frontier:
                ahead = frontier[i + 8]
                start = skill_ptr[ahead]
                for e in range(start, min(skill_ptr[ahead + 1], start + _ROW_AHEAD)):
                    prefetch(excess, skill_texts[e])
            s = frontier[i]
            for e in range(skill_ptr[s], skill_ptr[s + 1]):
                t = skill_texts[e]
                excess[t] -= 1
                if excess[t] == 0:
                    opened[n_opened] = t
                    n_opened += 1
            if len(pending) == 0:
                continue
            for e in range(dependent_ptr[s], dependent_ptr[s + 1]):
                waiting = dependents[e]
                pending[waiting] -= 1
                if pending[waiting] == 0 and state[waiting] >= _BLOCKED:
                    best = state[waiting] & _LOW
                    if best == _NOBODY:
                        state[waiting] = UNLEARNED
                    else:  # an open text has been waiting to teach it: it does so in the next round
                        state[waiting] = (np.int64(wave + 1) << 32) | best
                        freed[n_freed] = waiting
                        n_freed += 1


def unpack(state: Int64) -> tuple[Int32, Int32, int]:
    """Waves, teaching texts and the number of waves; the words are used up, their memory becomes the texts'."""
    wave, taught_by = np.empty(len(state), np.int32), state.view(np.int32)[: len(state)]
    n_waves = int(_unpack(state, wave, taught_by))
    del taught_by
    state.resize((len(state) + 1) // 2, refcheck=False)  # gives the half that is free now back
    return wave, state.view(np.int32)[: len(wave)], n_waves


@kernel
def _unpack(state: Int64, wave: Int32, taught_by: Int32) -> np.int64:
    n_waves = np.int64(0)
    for s in range(np.uint64(len(state))):
        word = state[s]  # before `taught_by[s]` is written, which lies at or before it
        taught = word > _KNOWN and word < _BLOCKED
        wave[s] = word >> 32 if taught else (0 if word == _KNOWN else -1)
        taught_by[s] = word & _LOW if taught else -1
        n_waves = max(n_waves, word >> 32 if taught else np.int64(0))
    return n_waves
