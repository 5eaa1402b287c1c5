"""Compiled Monte-Carlo replicate: a random graph of the Poisson ensemble drawn and peeled inside the cache."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import ONE, ZERO, kernel
from analysis._kernels.peeling import BLOCK, UNLEARNED, rounds, settle
from analysis._kernels.vectors import LANES, fill_lanes
from analysis._words import poisson_thresholds

__all__ = ["PoissonReplicate"]

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

_SHIFT = np.uint64(32)
_HALF = np.uint64(0xFFFFFFFF)
_MANY = np.uint64(1 << 62)  # the number of skills of the text that stands for repeated draws: it teaches nothing


class PoissonReplicate:
    """Draws and peels one graph after the other in the same memory.

    The graph is drawn from the skills' side: each skill is drawn by Poisson(cT/S) uniform texts. As when texts
    draw Poisson(c) uniform skills, the numbers of draws of the pairs (text, skill) are independent
    Poisson(c/S), so the ensemble is the same; and rows of texts are what peeling reads.
    """

    def __init__(self, mean_skills: float, n_texts: int, n_skills: int) -> None:
        mean_texts = mean_skills * n_texts / max(n_skills, 1)
        edges = mean_texts * n_skills
        room = int(edges + 10 * np.sqrt(edges)) + 64
        self.thresholds = poisson_thresholds(mean_texts)
        self.n_texts = n_texts
        self.n_skills = n_skills
        self.n_words = n_skills + room // 2
        self.skill_ptr = np.empty(n_skills + 1, np.int64)
        self.skill_of = np.empty(room + len(self.thresholds) + LANES, np.int32)
        self.skill_texts = np.empty(len(self.skill_of), np.int32)
        self.words = np.empty(n_texts + 1, np.uint64)
        self.last = np.empty(n_texts + 1, np.int32)
        self.state = np.empty(n_skills, np.int64)
        self.queue = np.empty(n_skills + 1, np.int32)

    def learned(self, rng: np.random.Generator) -> int:
        """Number of skills that the 1-skill learner learns in a graph drawn from `rng`."""
        if self.n_texts == 0 or self.n_skills == 0:
            return 0
        random = rng.bit_generator.random_raw(self.n_words)
        while True:
            learned = _draw_and_peel(
                random,
                self.thresholds,
                self.skill_ptr,
                self.skill_of,
                self.skill_texts,
                self.words,
                self.last,
                self.state,
                self.queue,
            )
            if learned >= 0:
                return int(learned)
            # More draws than ten standard deviations above the mean, or more rejected ones than there is room for.
            self.skill_of = np.empty(2 * len(self.skill_of), np.int32)
            self.skill_texts = np.empty(len(self.skill_of), np.int32)
            random = np.concatenate((random, rng.bit_generator.random_raw(self.n_words)))


# Indices are made unsigned: numba lets a negative index count from the end, which costs a test at every access.


@kernel
def _draw_and_peel(
    random: UInt64,
    thresholds: UInt64,
    skill_ptr: Int64,
    skill_of: Int32,
    skill_texts: Int32,
    words: UInt64,
    last: Int32,
    state: Int64,
    queue: Int32,
) -> int:
    """Number of learned skills; -1 if the random words or the room for edges did not suffice."""
    n_texts, n_skills = np.uint64(len(words) - 1), len(state)
    n_edges = _draw_degrees(random, thresholds, skill_ptr, skill_of)
    if n_edges < 0 or not _draw_texts(random[n_skills:], skill_of, n_edges, n_texts, skill_texts, words, last):
        return -1
    state[:] = UNLEARNED
    hits = np.empty(BLOCK + 1, np.int64)
    learned = ZERO
    t = np.uint64(0)
    while t < n_texts:
        n_hits = ZERO
        for text in range(t, min(t + np.uint64(BLOCK), n_texts)):
            hits[np.uint64(n_hits)] = np.int64((np.uint64(text) << _SHIFT) | (words[text] & _HALF))
            n_hits += int(words[text] >> _SHIFT == np.uint64(1))
        learned = settle(hits, n_hits, ONE, state, queue, learned)
        t += np.uint64(BLOCK)
    return rounds(skill_ptr, skill_texts, words, _SHIFT, state, queue, ZERO, learned, hits)


@kernel
def _draw_degrees(random: UInt64, thresholds: UInt64, skill_ptr: Int64, skill_of: Int32) -> int:
    """Poisson degrees by inversion; the skill of each edge; the number of edges, or -1 without room for them."""
    guide = np.empty(256, np.int64)  # where to start among the thresholds, by the first byte of the random word
    k = 0
    for byte in range(256):
        while k < len(thresholds) and thresholds[k] <= np.uint64(byte) << np.uint64(56):
            k += 1
        guide[byte] = k
    n_edges = 0
    room = len(skill_of) - LANES
    for s in range(np.uint64(len(skill_ptr) - 1)):
        skill_ptr[s] = n_edges
        degree = guide[random[s] >> np.uint64(56)]
        while degree < len(thresholds) and random[s] >= thresholds[np.uint64(degree)]:
            degree += 1
        if n_edges + degree > room:
            return -1
        for lane in range(0, degree, LANES):
            fill_lanes(skill_of, n_edges + lane, s)
        n_edges += degree
    skill_ptr[len(skill_ptr) - 1] = n_edges
    return n_edges


@kernel
def _draw_texts(
    random: UInt64, skill_of: Int32, n_edges: int, n_texts: np.uint64, skill_texts: Int32, words: UInt64, last: Int32
) -> bool:
    """A uniform text for each edge, by multiplication with rejection (Lemire); True if the random words sufficed.

    A text that a skill draws again becomes text `n_texts`, which stands for none.
    """
    words[:] = 0
    words[n_texts] = _MANY
    last[:] = -1
    rejected_below = (np.uint64(1) << _SHIFT) % n_texts
    draw, n_draws = np.uint64(0), np.uint64(2 * len(random))
    for e in range(np.uint64(n_edges)):
        while True:
            if draw == n_draws:
                return False
            product = ((random[draw >> np.uint64(1)] >> ((draw & np.uint64(1)) << np.uint64(5))) & _HALF) * n_texts
            draw += np.uint64(1)
            if product & _HALF >= rejected_below:
                break
        s = skill_of[e]
        t = product >> _SHIFT
        text = n_texts if last[t] == s else t
        last[t] = s
        skill_texts[e] = text
        words[text] = (words[text] + (np.uint64(1) << _SHIFT)) ^ np.uint64(s)
    return True
