"""Semantic compression: what a text costs when an understood one is sent as its skill set and others as they are.

All costs are in bits. A learner that has learned L skills shares the order of these skills with its reader, so a
set of n of them can be sent in log2 C(L, n) bits, or in fewer if some skills are used more often than others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learners import Learner, OneSkillLearner
from analysis.special import log_factorial, xlogy

__all__ = [
    "RateCurve",
    "TextRate",
    "binary_entropy",
    "frequency_set_bits",
    "layer_rate",
    "log2_binomial",
    "poisson_entropy",
    "poisson_rate",
    "random_rate",
    "rate_curve",
    "understood_texts",
    "uniform_set_bits",
]

Floats = npt.NDArray[np.float64]
_LN2 = math.log(2.0)
_ONE = OneSkillLearner()


def log2_binomial(n: npt.ArrayLike, k: npt.ArrayLike) -> Floats:
    """The logarithm of a binomial coefficient, log2 C(n, k), by log-gamma [MacKay2003].

    Args:
        n: Numbers ≥ 0, need not be whole, any shape.
        k: Numbers ≥ 0, broadcast against `n`.

    Returns:
        Bits, float64, the common shape; -inf where k > n.

    >>> log2_binomial([4.0, 4.0], [2, 4]).round(6).tolist()  # log2 6, log2 1
    [2.584963, 0.0]
    """
    n, k = np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    rest = np.maximum(n - k, 0.0)
    bits = (log_factorial(n) - log_factorial(k) - log_factorial(rest)) / _LN2
    return np.where(k > n, -np.inf, bits)


def binary_entropy(p: npt.ArrayLike) -> Floats:
    """Entropy of a yes or no, h(p) = -p log2 p - (1-p) log2 (1-p) [MacKay2003].

    Args:
        p: Probabilities in 0-1, any shape.

    Returns:
        Bits in 0-1, float64, shape of `p`.

    >>> binary_entropy([0.0, 0.5, 1.0]).tolist()
    [0.0, 1.0, 0.0]
    """
    p = np.asarray(p, dtype=np.float64)
    return np.asarray(np.abs(-(xlogy(p, p) + xlogy(1.0 - p, 1.0 - p)) / _LN2), dtype=np.float64)


def poisson_entropy(mean: float) -> float:
    """Entropy of a Poisson number, -Σ_n p_n log2 p_n: what it costs to say how many skills a text has [MacKay2003].

    Args:
        mean: Mean of the number, finite and ≥ 0.

    Returns:
        Bits, ≥ 0.

    >>> abs(poisson_entropy(100.0) - 0.5 * math.log2(2 * math.pi * math.e * 100.0)) < 0.002  # nearly normal
    True
    """
    n, pmf = _poisson(mean)
    return float(-np.sum(xlogy(pmf, pmf)) / _LN2) if n.size else 0.0


def understood_texts(graph: SkillTextGraph, learned: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which texts have all their skills learned: φ(t) ⊆ L [LCH2025].

    Args:
        graph: T texts over S skills.
        learned: The learned skills L, bool (S,).

    Returns:
        True for understood texts, bool (T,); a text without skills is understood.

    >>> understood_texts(SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2), np.array([True, False])).tolist()
    [True, False]
    """
    novel = np.concatenate(([0], np.cumsum(~learned[graph.text_skills], dtype=np.int64)))
    found: npt.NDArray[np.bool_] = novel[graph.text_ptr[1:]] == novel[graph.text_ptr[:-1]]
    return found


def uniform_set_bits(sizes: npt.ArrayLike, n_learned: int) -> Floats:
    """Cost of a set of n of L skills when all sets are alike, log2 C(L, n) [LCH2025], without the order of a list.

    Args:
        sizes: Numbers n of skills, integers, any shape.
        n_learned: Number L of learned skills.

    Returns:
        Bits a set, float64, shape of `sizes`; -inf where n > L.

    >>> uniform_set_bits([0, 1, 2], 1024).round(3).tolist()
    [0.0, 10.0, 18.999]
    """
    return log2_binomial(n_learned, sizes)


def frequency_set_bits(graph: SkillTextGraph, skill_bits: npt.ArrayLike) -> Floats:
    """Σ_s -log2 p_s - log2 n!: skill sets when skill s is used with frequency p_s, bits, shape (T,).

    -log2 p_s a skill is the entropy code of [LCH2025] for a list; a set has no order, so the log2 n! bits that
    the order of a list would carry are not spent.

    Args:
        graph: T texts over S skills.
        skill_bits: -log2 p_s, shape (S,), float64; only skills that occur are looked at.

    Returns:
        Bits of each text's skill set, float64 (T,).

    Raises:
        AnalysisError: `skill_bits` is of another shape.

    >>> frequency_set_bits(SkillTextGraph.from_csr([0, 2], [0, 1], n_skills=2), [1.0, 1.0]).round(9).tolist()
    [1.0]
    """
    bits = np.asarray(skill_bits, dtype=np.float64)
    if bits.shape != (graph.n_skills,):
        raise AnalysisError(f"skill_bits must have shape ({graph.n_skills},), not {bits.shape}")
    text = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    listed = np.bincount(text, weights=bits[graph.text_skills], minlength=graph.n_texts)
    return np.asarray(listed - log_factorial(graph.text_degrees) / _LN2, dtype=np.float64)


@dataclass(frozen=True)
class TextRate:
    """Expected bits a text, by what they are spent on.

    Attributes:
        understood: Probability that a text is understood.
        flag: Bits that say whether the text is understood, at most 1.
        count: Bits that say how many skills an understood text has, per understood text.
        skills: Bits of the skill set, per understood text.
        raw: Bits of a text that is not understood, per such text.
    """

    understood: float
    flag: float
    count: float
    skills: float
    raw: float

    @property
    def semantic(self) -> float:
        """Bits a text: flag + P(understood)·(count + skills) + P(not understood)·raw."""
        sent = self.understood * (self.count + self.skills) if self.understood > 0.0 else 0.0
        return self.flag + sent + ((1.0 - self.understood) * self.raw if self.understood < 1.0 else 0.0)


def layer_rate(
    graph: SkillTextGraph,
    learned: npt.NDArray[np.bool_],
    *,
    raw_bits: float,
    skill_bits: npt.ArrayLike | None = None,
    count_bits: npt.ArrayLike | None = None,
) -> TextRate:
    """Expected cost of a text drawn from the texts of a layer [LCH2025].

    Args:
        graph: The layer's texts over S skills.
        learned: The layer's learned skills, bool (S,).
        raw_bits: Bits B of a text that is not understood.
        skill_bits: -log2 p_s of the frequency model, shape (S,); None for the uniform model.
        count_bits: Bits of each number of skills, `count_bits[n]`, float64; its last entry holds for all larger
            numbers. None: the entropy of the number of skills of the understood texts.

    Returns:
        Share of understood texts in 0-1, and bits a text by what they are spent on.

    Raises:
        AnalysisError: Arrays of another shape, or no texts.

    >>> graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2)
    >>> layer_rate(graph, np.array([True, False]), raw_bits=100.0).semantic
    51.0
    """
    if learned.shape != (graph.n_skills,):
        raise AnalysisError(f"learned must have shape ({graph.n_skills},), not {learned.shape}")
    if graph.n_texts == 0:
        raise AnalysisError("a rate needs texts, and there are none")
    mask = understood_texts(graph, learned)
    share = float(mask.mean())
    known = graph.subset(mask)
    sizes = known.text_degrees
    if skill_bits is None:
        sets = uniform_set_bits(sizes, int(np.count_nonzero(learned)))
    else:
        sets = frequency_set_bits(known, skill_bits)
    if count_bits is None:
        frequency = np.bincount(sizes) / max(len(sizes), 1)
        counts = -float(np.sum(xlogy(frequency, frequency))) / _LN2
    else:
        table = np.asarray(count_bits, dtype=np.float64)
        counts = float(table[np.minimum(sizes, len(table) - 1)].mean()) if len(sizes) else 0.0
    return TextRate(
        understood=share,
        flag=float(binary_entropy(share)),
        count=abs(float(counts)),
        skills=float(sets.mean()) if len(sets) else 0.0,
        raw=float(raw_bits),
    )


def random_rate(sizes: npt.ArrayLike, understood: npt.ArrayLike, learned: float, raw_bits: float) -> TextRate:
    """Expected cost of a text of a random graph in which texts keep their sizes, uniform model.

    With P_t the probability that text t is understood and L learned skills: the share understood is the mean of P_t,
    the sizes n of understood texts have frequencies in proportion to P_t, and a set costs log2 C(L, n).

    Args:
        sizes: Number of skills of each text, integers (T,).
        understood: P_t, in 0-1, (T,).
        learned: L, a number of skills; need not be whole.
        raw_bits: Bits B of a text that is not understood.

    Returns:
        Probability of an understood text in 0-1, and bits a text by what they are spent on.

    Raises:
        AnalysisError: No texts, arrays of another shape, or a number outside its range.

    >>> round(random_rate([1, 2], [1.0, 0.0], 1024.0, 100.0).skills, 9)
    10.0
    """
    counts, chances = np.asarray(sizes), np.asarray(understood, dtype=np.float64)
    if counts.ndim != 1 or counts.shape != chances.shape or not len(counts):
        raise AnalysisError("sizes and understood are one number for each of some texts")
    if not (learned >= 0.0 and np.all((chances >= 0.0) & (chances <= 1.0))):
        raise AnalysisError("understood is from 0 to 1, and learned at least 0")
    share, total = float(chances.mean()), float(chances.sum())
    if total == 0.0:
        return TextRate(0.0, 0.0, 0.0, 0.0, float(raw_bits))
    frequency = np.bincount(counts, chances) / total
    sets = np.asarray(log2_binomial(learned, np.minimum(counts, learned)))
    return TextRate(
        understood=share,
        flag=float(binary_entropy(share)),
        count=abs(float(np.sum(xlogy(frequency, frequency)))) / _LN2,
        skills=float(chances @ sets) / total,
        raw=float(raw_bits),
    )


def poisson_rate(c: float, unlearned: float, n_skills: int, raw_bits: float, *, plain: bool = False) -> TextRate:
    """Expected cost of a text of the Poisson ensemble.

    P(understood) = e^{-cq}; given that, the number of skills is Poisson(c(1-q)). A set of n of the (1-q)S learned
    skills costs log2 C((1-q)S, n); with `plain` indices n·log2((1-q)S), the count is stated beside it, and the
    flag is a whole bit: 1 + e^{-cq} c(1-q) log2((1-q)S) + (1 - e^{-cq}) B and the count [LCH2025].

    Args:
        c: Mean number of skills in a text.
        unlearned: q, in 0-1.
        n_skills: S.
        raw_bits: B.
        plain: Plain indices instead of a code for sets.

    Returns:
        Probability of an understood text in 0-1, and bits a text by what they are spent on.

    Raises:
        AnalysisError: An argument outside its range.

    >>> rate = poisson_rate(3.0, 0.0, 1024, 1000.0, plain=True)
    >>> rate.skills, rate.flag
    (30.0, 1.0)
    """
    if not (c >= 0.0 and 0.0 <= unlearned <= 1.0 and n_skills >= 0):
        raise AnalysisError(f"c = {c}, q = {unlearned}, S = {n_skills}: c and S must be at least 0, and q from 0 to 1")
    learned = (1.0 - unlearned) * n_skills
    understood, mean = math.exp(-c * unlearned), c * (1.0 - unlearned)
    if learned < 1.0:
        skills = 0.0
    elif plain:
        skills = mean * math.log2(learned)
    else:
        n, pmf = _poisson(mean)
        # a set cannot have more skills than there are; for n near (1-q)S the ensemble itself is an idealisation
        skills = float(pmf @ log2_binomial(learned, np.minimum(n, learned)))
    flag = 1.0 if plain else float(binary_entropy(understood))
    return TextRate(understood, flag, poisson_entropy(mean), skills, float(raw_bits))


@dataclass(frozen=True, eq=False)
class RateCurve:
    """How the cost of a text falls as texts are added.

    Attributes:
        ratios: R, shape (N,).
        learned: 1 - q(R), shape (N,).
        understood: Probability that a text is understood, shape (N,).
        bits: Expected bits a text, shape (N,).
    """

    ratios: Floats
    learned: Floats
    understood: Floats
    bits: Floats


def rate_curve(
    c: float,
    ratios: npt.ArrayLike,
    n_skills: int,
    raw_bits: float,
    *,
    learner: Learner = _ONE,
    plain: bool = False,
) -> RateCurve:
    """Expected bits a text of the Poisson ensemble as R grows; where skills emerge at once, the curve drops at R*.

    `poisson_rate` at the fixed point q(R) of density evolution [LCH2025].

    Args:
        c: Mean number of skills in a text.
        ratios: Texts per skill R, shape (N,).
        n_skills: S.
        raw_bits: B.
        learner: The rule by which texts teach.
        plain: See `poisson_rate`.

    Returns:
        Fractions in 0-1 and bits a text at each ratio, float64 (N,) each.

    Raises:
        AnalysisError: An argument outside its range.

    >>> rate_curve(3.0, [1.0, 1.1], 1000, 500.0).bits.round(1).tolist()
    [433.9, 114.9]
    """
    grid = np.atleast_1d(np.asarray(ratios, dtype=np.float64))
    learned = np.array([evolve(Ensemble.poisson(c, float(R)), learner).learned for R in grid])
    rates = [poisson_rate(c, 1.0 - float(fraction), n_skills, raw_bits, plain=plain) for fraction in learned]
    return RateCurve(
        ratios=grid,
        learned=learned,
        understood=np.array([rate.understood for rate in rates]),
        bits=np.array([rate.semantic for rate in rates]),
    )


def _poisson(mean: float) -> tuple[Floats, Floats]:
    """Numbers and their Poisson probabilities, as far as they matter in double precision."""
    n = np.arange(int(mean + 12.0 * math.sqrt(mean) + 40.0), dtype=np.float64)
    return n, np.exp(xlogy(n, mean) - mean - log_factorial(n))
