"""Learning on random graphs too large to store: edges are computed from a hash whenever they are needed.

The Poisson ensemble drawn from the skills' side: skill s has Poisson(cR) texts, and its degree and texts are words of
a hash of (seed, s). A text needs one 64-bit word, the number and the XOR of its novel skills, and a skill one byte, so
10⁹ requirements take 2.2 GB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis._words import poisson_thresholds
from analysis.errors import AnalysisError

__all__ = ["ImplicitLearning", "implicit_edges", "peel_implicit"]

_MAX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class ImplicitLearning:
    """What a 1-skill learner learns on an implicit graph.

    Attributes:
        learned: bool (S,).
        learned_by_wave: Number of skills learned up to each round, int64 (n_waves + 1,); entry 0 is 0.
        n_edges: Number of distinct (text, skill) pairs of the graph.
    """

    learned: npt.NDArray[np.bool_]
    learned_by_wave: npt.NDArray[np.int64]
    n_edges: int

    @property
    def n_waves(self) -> int:
        """Number of rounds in which something was learned."""
        return len(self.learned_by_wave) - 1

    @property
    def n_learned(self) -> int:
        """Number of learned skills."""
        return int(self.learned_by_wave[-1])


def _check(mean_skills: float, n_texts: int, n_skills: int, seed: int) -> None:
    if not (np.isfinite(mean_skills) and mean_skills >= 0):
        raise AnalysisError(f"mean_skills {mean_skills} must be a number of at least 0")
    for name, value in (("n_texts", n_texts), ("n_skills", n_skills)):
        if not 1 <= value <= _MAX:
            raise AnalysisError(f"{name} is {value}; it must be from 1 to {_MAX}")
    if seed < 0:
        raise AnalysisError(f"seed is {seed}; it must be at least 0")


def _key(seed: int) -> np.uint64:
    return np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def peel_implicit(mean_skills: float, n_texts: int, n_skills: int, *, seed: int = 0) -> ImplicitLearning:
    """Draw a graph of the Poisson ensemble without storing its edges, and learn from it with the 1-skill learner.

    Memory: 8 bytes a text, 1 byte a skill. Every edge is hashed twice, once to count and once when its skill is
    learned; a round looks only at blocks of 512 texts of which one has changed. Source: peeling as in [LCH2025]; the
    hash is SplitMix64 [SteeleLeaFlood2014].

    Args:
        mean_skills: c, mean number of draws of a text.
        n_texts: T, from 1 to 2^31 - 1.
        n_skills: S, likewise.
        seed: Of the hash, from 0 on; the same seed is the same graph.

    Returns:
        What is learned, bool (S,), numbers of skills by round, int64, and the number of edges.

    Raises:
        AnalysisError: A value outside its range, or learning takes more than 100 000 rounds.

    >>> found = peel_implicit(3.0, 11_000, 10_000)
    >>> abs(found.n_learned / 10_000 - 0.9324) < 0.02  # density evolution
    True
    """
    _check(mean_skills, n_texts, n_skills, seed)
    from analysis._kernels import implicit as kernels

    thresholds, key, scale = poisson_thresholds(mean_skills * n_texts / n_skills), _key(seed), n_texts * 2.0**-52
    words = np.zeros(n_texts, np.uint64)
    n_edges = kernels.build(key, n_skills, thresholds, scale, words)
    state = np.zeros(n_skills, np.uint8)
    changed = np.ones(-(-n_texts // kernels.BLOCK), np.uint8)
    by_wave = np.zeros(n_skills + 2 if n_skills < 100_000 else 100_000, np.int64)
    waves = kernels.peel(key, thresholds, scale, words, changed, state, by_wave)
    if waves < 0:
        raise AnalysisError(f"learning takes more than {len(by_wave):,} rounds")
    learned = state.view(np.bool_)
    total = np.cumsum(by_wave[: waves + 1])
    learned.flags.writeable = total.flags.writeable = False
    return ImplicitLearning(learned, total, int(n_edges))


def implicit_edges(
    mean_skills: float, n_texts: int, n_skills: int, *, seed: int = 0
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The edges of the graph that `peel_implicit` learns from, for sizes at which they can be stored.

    Skill s has Poisson(c T/S) texts, all from words of a hash of (seed, s), SplitMix64 [SteeleLeaFlood2014].

    Args:
        mean_skills: c, mean number of draws of a text.
        n_texts: T, from 1 to 2^31 - 1.
        n_skills: S, likewise.
        seed: Of the hash, from 0 on; the same seed is the same graph.

    Returns:
        Text and skill of every edge, int32 (E,) each; a text that a skill draws again is there twice.

    Raises:
        AnalysisError: A value outside its range.

    >>> text, skill = implicit_edges(3.0, 50, 40)
    >>> len(text) == len(skill), int(text.max()) < 50
    (True, True)
    """
    _check(mean_skills, n_texts, n_skills, seed)
    thresholds, key = poisson_thresholds(mean_skills * n_texts / n_skills), _key(seed)
    first = np.arange(n_skills, dtype=np.uint64) * np.uint64(len(thresholds) + 2)
    degree = np.searchsorted(thresholds, _hashed(key, first), side="right")
    skill = np.repeat(np.arange(n_skills), degree)
    place = np.arange(len(skill)) - np.repeat(np.cumsum(degree) - degree, degree)
    words = _hashed(key, first[skill] + place.astype(np.uint64) + np.uint64(1))
    text = (words >> np.uint64(12)).astype(np.float64) * (n_texts * 2.0**-52)
    return text.astype(np.int32), skill.astype(np.int32)


def _hashed(key: np.uint64, counter: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64 of a counter."""
    z = key + (counter + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
