"""Failures that one more mastered skill would turn into passes, under the conjunctive model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis._kernels.masks import bool_mask
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["Turned", "turned_failures"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Turned:
    """What would change if a single skill were mastered.

    Attributes:
        expected: float64 (S,), expected number of failed texts that would be passed.
        low: float64 (S,), 5 % quantile of that number.
        high: float64 (S,), 95 % quantile.
        failures: int64 (S,), failed texts that require the skill.
        n_failures: Failed texts with a skill of known mastery, all of whose skills are.
        text: int32, texts of the pairs below, by skill.
        skill_ptr: int64 (S+1,), where the pairs of a skill start.
        chance: float64, probability of each pair that the text turns.
    """

    expected: Floats
    low: Floats
    high: Floats
    failures: npt.NDArray[np.int64]
    n_failures: int
    text: npt.NDArray[np.int32]
    skill_ptr: npt.NDArray[np.int64]
    chance: Floats

    def texts_of(self, skill: int) -> tuple[npt.NDArray[np.int32], Floats]:
        """Failed texts that require a skill, the likeliest to turn first, and how likely each is."""
        part = slice(self.skill_ptr[skill], self.skill_ptr[skill + 1])
        texts, chances = self.text[part], self.chance[part]
        order = np.lexsort((texts, -chances))
        return texts[order], chances[order]


def turned_failures(
    graph: SkillTextGraph,
    failed: npt.ArrayLike,
    mastery: npt.ArrayLike,
    *,
    slip: float,
    guess: float,
    draws: int = 2_000,
    rng: np.random.Generator | None = None,
) -> Turned:
    r"""Expected number of failures that mastering one skill would turn into passes, with an interval.

    With p_u the probability that skill u is mastered, independent from skill to skill as far as the fit tells, a failed
    text t that requires s passes a new attempt more often by (1 - slip - guess) (1 - p_s) Π_{u ∈ φ(t), u ≠ s} p_u if s
    is mastered: only then does it matter, if s is lacking and everything else is mastered. The expected number is the
    sum over failed texts. The interval is that of draws of what is mastered and of what then passes. Source: the DINA
    model [JunkerSijtsma2001].

    Args:
        graph: T texts, S skills.
        failed: bool (T,), texts that were attempted and failed.
        mastery: Probabilities, float64 (S,); NaN where the outcomes cannot tell: texts that require such a skill are
            left out.
        slip: Probability to fail a text all of whose skills are mastered.
        guess: Probability to pass a text with a lacking skill.
        draws: Draws for the interval.
        rng: For these. Default seed 0.

    Returns:
        Expected numbers and quantiles, float64 (S,).

    Raises:
        AnalysisError: An array of the wrong shape, a probability outside 0 to 1, or slip + guess above 1.

    >>> graph = SkillTextGraph.from_csr([0, 2, 3], [0, 1, 1], n_skills=2)
    >>> found = turned_failures(graph, [True, True], [0.9, 0.2], slip=0.1, guess=0.0)
    >>> found.expected.round(4).tolist()
    [0.018, 1.368]
    """
    mask = bool_mask("failed", failed, graph.n_texts)
    p = np.asarray(mastery, dtype=np.float64)
    if p.shape != (graph.n_skills,) or bool(((p < 0.0) | (p > 1.0)).any()):
        raise AnalysisError(f"mastery must be ({graph.n_skills},) probabilities")
    if not (0.0 <= slip <= 1.0 and 0.0 <= guess <= 1.0 and slip + guess <= 1.0):
        raise AnalysisError(f"slip {slip} and guess {guess} must be probabilities with a sum of at most 1")
    rng = np.random.default_rng(0) if rng is None else rng
    text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    told = mask.copy()
    told[text_of[np.isnan(p[graph.text_skills])]] = False
    told &= graph.text_degrees > 0
    inside = told[text_of]
    texts, skills = text_of[inside], graph.text_skills[inside]
    q = np.where(np.isnan(p), 1.0, p)
    others = _product_of_others(texts, q[skills])
    chance = (1.0 - slip - guess) * (1.0 - q[skills]) * others
    order = np.argsort(skills, kind="stable")
    texts, skills, chance = texts[order], skills[order], chance[order]
    counts = np.bincount(skills, minlength=graph.n_skills)
    pointers = np.concatenate(([0], np.cumsum(counts)))
    expected: Floats = np.bincount(skills, weights=chance, minlength=graph.n_skills).astype(np.float64)
    low, high = _interval(graph, texts, skills, pointers, q, expected, 1.0 - slip - guess, draws, rng)
    return Turned(expected, low, high, counts, int(told.sum()), texts, pointers, chance)


def _product_of_others(texts: npt.NDArray[np.int32], p: Floats) -> Floats:
    """Product of the probabilities of a text's other skills, for each pair; texts ascend."""
    if not len(texts):
        return np.empty(0)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(texts)) + 1))
    row = np.repeat(np.arange(len(starts)), np.diff(np.concatenate((starts, [len(texts)]))))
    zeros = np.add.reduceat((p == 0.0).astype(np.int64), starts)[row]
    whole = np.multiply.reduceat(np.where(p == 0.0, 1.0, p), starts)[row]
    found: Floats = np.where(
        p == 0.0, np.where(zeros == 1, whole, 0.0), np.where(zeros, 0.0, whole / np.maximum(p, 1e-300))
    )
    return found


def _interval(
    graph: SkillTextGraph,
    texts: npt.NDArray[np.int32],
    skills: npt.NDArray[np.int32],
    pointers: npt.NDArray[np.int64],
    p: Floats,
    expected: Floats,
    gain: float,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    low, high = np.zeros(graph.n_skills), np.zeros(graph.n_skills)
    for s in np.flatnonzero(expected > 0.0):
        rows = texts[pointers[s] : pointers[s + 1]]
        degrees = graph.text_degrees[rows]
        place = np.repeat(np.arange(len(rows)), degrees)
        entries = np.concatenate([graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]] for t in rows])
        kept = entries != s
        used, where = np.unique(entries[kept], return_inverse=True)
        mastered = rng.random((draws, len(used))) < p[used]
        missing = np.zeros((draws, len(rows)), np.int64)
        for k, u in zip(place[kept], where, strict=True):
            missing[:, k] += ~mastered[:, u]
        lacks = rng.random(draws) >= p[s]
        turned = ((missing == 0) & (rng.random((draws, len(rows))) < gain)).sum(axis=1) * lacks
        low[s], high[s] = np.quantile(turned, (0.05, 0.95))
    return low, high
