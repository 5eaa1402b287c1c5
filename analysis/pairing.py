"""Two respondents on the same texts: differences of solve rate, skill by skill, beyond noise or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported when they are first asked for

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = [
    "Beyond",
    "Overall",
    "PairedDifferences",
    "benjamini_hochberg",
    "beyond_overall",
    "mcnemar",
    "paired_differences",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_TOLD = 5  # texts on which both differ, below which no split of them is beyond chance
_LEAST_INFORMATION = 2.0  # Σ p(1−p), below which a sum of outcomes is far from normal
_MOST_FREEDOM = 1e4


@dataclass(frozen=True)
class Overall:
    """Both respondents on all texts that both attempted.

    Attributes:
        items: Number of these texts.
        first: Mean score of the first.
        second: Mean score of the second.
        difference: `second` − `first`.
        low: Lower end of the interval of `difference`.
        high: Upper end.
        only_first: Texts on which the first scored higher.
        only_second: Texts on which the second did.
        p_value: McNemar's test (mid-p, exact) for outcomes of 0 and 1, else the paired t test.
    """

    items: int
    first: float
    second: float
    difference: float
    low: float
    high: float
    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True, eq=False)
class PairedDifferences:
    """Differences for each of G groups of texts; NaN for groups without a common text.

    Attributes:
        items: Number of common texts, int64 (G,).
        first: Mean score of the first, float64 (G,).
        second: Mean score of the second.
        difference: `second` − `first`.
        low: Lower end of the interval of `difference`.
        high: Upper end.
        equal_low: Lower end of the interval at twice the error rate, which two one-sided tests look at.
        equal_high: Upper end.
        only_first: Texts on which the first scored higher, int64 (G,).
        only_second: Texts on which the second did.
        p_value: Of no difference.
        q_value: The same after Benjamini and Hochberg over the groups that can tell; 1 for the others.
    """

    items: Ints
    first: Floats
    second: Floats
    difference: Floats
    low: Floats
    high: Floats
    equal_low: Floats
    equal_high: Floats
    only_first: Ints
    only_second: Ints
    p_value: Floats
    q_value: Floats

    def overall(self, group: int) -> Overall:
        """The comparison on the texts of one group, which has common texts."""
        figures = ("first", "second", "difference", "low", "high", "p_value")
        return Overall(
            items=int(self.items[group]),
            only_first=int(self.only_first[group]),
            only_second=int(self.only_second[group]),
            **{name: float(getattr(self, name)[group]) for name in figures},
        )

    def higher(self, rate: float = 0.05) -> npt.NDArray[np.bool_]:
        """Bool (G,): the second is better, at this rate of false discoveries."""
        found: npt.NDArray[np.bool_] = (self.q_value <= rate) & (np.nan_to_num(self.difference) > 0.0)
        return found

    def lower(self, rate: float = 0.05) -> npt.NDArray[np.bool_]:
        """Bool (G,): the second is worse, at this rate of false discoveries."""
        found: npt.NDArray[np.bool_] = (self.q_value <= rate) & (np.nan_to_num(self.difference) < 0.0)
        return found

    def alike(self, margin: float) -> npt.NDArray[np.bool_]:
        """Bool (G,): the difference is within ±margin beyond noise (two one-sided tests)."""
        with np.errstate(invalid="ignore"):
            found: npt.NDArray[np.bool_] = (self.equal_low > -margin) & (self.equal_high < margin)
        return found


def paired_differences(
    groups: SkillTextGraph, first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95
) -> PairedDifferences:
    """Compare two respondents on the texts of each group (skill, or class of skills) that both attempted.

    The difference of a group is the mean of d_t = second_t − first_t over its n texts. For outcomes of 0 and 1 the
    interval is Bonett and Price's, D' ± z √((b' + c' − D'²)/(n + 2)) with b' = (b + 1)/(n + 2), c' = (c + 1)/(n + 2)
    and D' = c' − b', b and c the texts that only the first or only the second solved; the test is McNemar's, exact
    with mid-p. For shares it is the paired t interval and test, with two precautions for few texts: the variance of
    the interval is (Σ (d − d̄)² + 2 s²)/(n + 1), s² being Bonett and Price's variance of d over all common texts, so
    that texts that happen to agree do not look certain; and p is at least 2^(1−m), m the texts on which both differ,
    which is the least that a test of their signs can give. q-values are Benjamini and Hochberg's over the groups with
    at least five texts on which both differ: with fewer no split is beyond chance, whatever it is, so leaving
    them out keeps the error rate. [BonettPrice2012], [BenjaminiHochberg1995], [Tarone1990].

    Args:
        groups: T texts, G groups (as skills).
        first: Scores in 0–1, float (T,), NaN where not attempted.
        second: Likewise.
        level: Of the intervals.

    Returns:
        The differences.

    Raises:
        AnalysisError: Scores of another shape.

    >>> graph = SkillTextGraph.from_csr(range(21), [0] * 20, n_skills=1)
    >>> found = paired_differences(graph, [0] * 20, [0] * 8 + [1] * 12)
    >>> round(float(found.difference[0]), 2), bool(found.higher()[0])
    (0.6, True)
    """
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if x.shape != (groups.n_texts,) or y.shape != (groups.n_texts,):
        raise AnalysisError(f"scores must have shape ({groups.n_texts},), not {x.shape} and {y.shape}")
    text_of = np.repeat(np.arange(groups.n_texts), groups.text_degrees)
    common = ~np.isnan(x) & ~np.isnan(y)
    edge = common[text_of]
    text, group = text_of[edge], groups.text_skills[edge]
    d = np.where(common, y - x, 0.0)

    def total(values: npt.NDArray[np.generic]) -> Floats:
        return np.bincount(group, values[text], minlength=groups.n_skills).astype(np.float64)

    n = total(common)
    worse, better = total(d < 0.0), total(d > 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [total(np.nan_to_num(values)) / n for values in (x, y)]
        mean = total(d) / n
        binary = bool(np.isin(x[common], (0.0, 1.0)).all() and np.isin(y[common], (0.0, 1.0)).all())
        squares = total(d * d)
        size = int(common.sum())
        usual = (float(d @ d) + 2.0) / (size + 2.0) - (float(d.sum()) / (size + 2.0)) ** 2
        intervals = [_interval(n, mean, squares, worse, better, binary, usual, at) for at in (level, 2.0 * level - 1.0)]
        p = _mid_p(worse, better) if binary else np.maximum(_paired_t(n, mean, squares), 2.0 ** (1.0 - worse - better))
        p = np.minimum(p, 1.0)
    p = np.where(n > 0, p, np.nan)
    told = worse + better >= _LEAST_TOLD
    q = np.ones(groups.n_skills)
    q[told] = benjamini_hochberg(p[told])
    return PairedDifferences(
        items=n.astype(np.int64),
        first=means[0],
        second=means[1],
        difference=mean,
        low=intervals[0][0],
        high=intervals[0][1],
        equal_low=intervals[1][0],
        equal_high=intervals[1][1],
        only_first=worse.astype(np.int64),
        only_second=better.astype(np.int64),
        p_value=p,
        q_value=q,
    )


@dataclass(frozen=True, eq=False)
class Beyond:
    """Differences beyond what abilities and difficulties make expected, of G groups.

    Attributes:
        difference: Mean of (second − its expectation) − (first − its expectation), float64 (G,); NaN without texts.
        error: Its standard error.
        p_value: Of no difference beyond the expected one.
        q_value: The same after Benjamini and Hochberg over the groups that can tell; 1 for the others, and where the
            test and `difference` disagree about the direction.
    """

    difference: Floats
    error: Floats
    p_value: Floats
    q_value: Floats


def beyond_overall(
    groups: SkillTextGraph,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    expected_first: npt.ArrayLike,
    expected_second: npt.ArrayLike,
    *,
    deviation_variance: float,
    level_variance: float = 0.0,
) -> Beyond:
    """Test whether the second deviates from its expectation on a group as the first does from its own.

    With the first's expectation given for both, the test is of no difference at all, as that of `paired_differences`,
    but knows how difficult the texts are. With that of each, it is of no difference beyond the overall one; that one
    is shifted itself where many groups have changed in the same direction.

    With residuals e = score − expectation of each, T = Σ (e_second − k e_first). The first's own deviation on a group
    is a draw of variance v = deviation_variance · Σ f² + level_variance (f the shares of the group's texts that are in
    each group), so
    its residuals are known to be near 0 before they are seen, and k = (v I + c) / (v I + 1) of them suffices, I being
    Σ p(1−p) and c the regression of the second's residuals on the first's (above 0 for relatives). With k = 1 this is
    the paired difference; with k < 1 it finds smaller shifts. Where the first lies more than three standard
    deviations from what v allows, v does not describe it, and k = 1.

    Var T = I (D₂₂ − 2 k D₁₂ + k² D₁₁) + (1 − k)² v I², D_ij = Σ e_i e_j / Σ p(1−p) over all texts. The ratio r of the
    variance that a group's own summands show to this one is noisy, so it is pooled over groups: log r has the variance
    ψ′(d/2), d = n − 1, where all groups scatter as expected, and what exceeds it sets the degrees of freedom d₀ and
    the size r₀ of a common prior. T² over ((d₀ r₀ + d r) / (d₀ + d)) Var T is t² with d₀ + d degrees of freedom
    (moderated t test [Smyth2004]). Groups are tested if they have at least five texts and I ≥ 2 max(D₁₁, D₂₂), which
    is known before the outcomes of the group: choosing them by these would make what is left look changed.

    Args:
        groups: T texts, G groups.
        first: Scores, float (T,), NaN where not attempted.
        second: Likewise.
        expected_first: P(solved) by ability and difficulty alone, float (T,).
        expected_second: Likewise.
        deviation_variance: Variance of a respondent's deviation on one skill, in logits².
        level_variance: Squared standard error of the log-odds that all expectations of the first share, in logits².

    Returns:
        Differences and tests.

    >>> groups = SkillTextGraph.from_csr([0, 1, 2, 3, 4], [0, 0, 0, 0], n_skills=1)
    >>> found = beyond_overall(groups, [1, 1, 0, 1], [0, 0, 0, 1], [0.5] * 4, [0.5] * 4, deviation_variance=0.1)
    >>> bool(found.difference[0] < 0)
    True
    """
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    a, b = np.asarray(expected_first, np.float64), np.asarray(expected_second, np.float64)
    text_of = np.repeat(np.arange(groups.n_texts), groups.text_degrees)
    common = ~np.isnan(x) & ~np.isnan(y)
    edge = common[text_of]
    text, group = text_of[edge], groups.text_skills[edge]

    def total(values: npt.NDArray[np.generic]) -> Floats:
        return np.bincount(group, values[text], minlength=groups.n_skills).astype(np.float64)

    n = total(common)
    ea, eb = np.where(common, x - a, 0.0), np.where(common, y - b, 0.0)
    spread = np.sqrt(a * (1.0 - a) * b * (1.0 - b))
    information = total(spread)
    required = scipy.sparse.csr_matrix((np.ones(len(text)), (text, group)), shape=(groups.n_texts, groups.n_skills))
    shared = (required.T @ required).tocsr()
    shared.data = (shared.data / np.repeat(np.maximum(n, 1.0), np.diff(shared.indptr))) ** 2
    variance = deviation_variance * np.asarray(shared.sum(axis=1)).ravel() + level_variance
    usual = max(float(spread[common].sum()), 1e-12)
    d11, d12, d22 = (float((u * v).sum()) / usual for u, v in ((ea, ea), (ea, eb), (eb, eb)))
    related = min(max(d12 / max(d11, 1e-12), 0.0), 1.0)
    k = (variance * information + related) / (variance * information + 1.0)
    unforeseen = total(ea) ** 2 > 9.0 * (d11 * information + variance * information**2)
    k = np.where(unforeseen, 1.0, k)
    sums = total(eb) - k * total(ea)
    squares = total(eb * eb) - 2.0 * k * total(ea * eb) + k**2 * total(ea * ea)
    tested = (n >= _LEAST_TOLD) & (information >= _LEAST_INFORMATION * max(d11, d22))
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (1.0 - k) ** 2 * variance * information**2
        scatter = np.maximum(squares - sums**2 / n, 0.0) * n / (n - 1.0) + own
        p = _moderated(sums, scatter, information * (d22 - 2.0 * k * d12 + k**2 * d11) + own, n, tested)
        mean = (total(eb) - total(ea)) / n
        error = np.sqrt(np.maximum(total((eb - ea) ** 2) / n - mean**2, 0.0) / (n - 1.0))
    told = tested & np.isfinite(p)
    q = np.ones(groups.n_skills)
    q[told] = benjamini_hochberg(p[told])
    # What is shown is the difference; a finding in the other direction would contradict it.
    q[np.sign(sums) != np.sign(mean)] = 1.0
    return Beyond(mean, error, p, q)


def mcnemar(first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95) -> Overall | None:
    """The comparison over all common texts; None if there are none.

    Args:
        first: Scores, float (T,), NaN where not attempted.
        second: Likewise.
        level: Of the interval.

    Returns:
        Counts, difference, interval and p-value.

    >>> found = mcnemar([1, 0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1, 0])
    >>> found.only_first, found.only_second, round(found.p_value, 3)
    (1, 5, 0.125)
    """
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    texts = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    if not len(texts):
        return None
    ends = np.concatenate(([0], np.cumsum(~np.isnan(x) & ~np.isnan(y))))
    one = SkillTextGraph.from_csr(ends, np.zeros(len(texts), np.int64), n_skills=1)
    found = paired_differences(one, x, y, level=level)
    return found.overall(0)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """q_(i) = min over j ≥ i of m p_(j) / j: rejecting q ≤ a keeps the rate of false discoveries at a.

    Args:
        p_values: float (m,).

    Returns:
        q, float (m,), in the order of the p-values.

    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(3).tolist()
    [0.04, 0.053, 0.053, 0.5]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def _moderated(sums: Floats, scatter: Floats, expected: Floats, n: Floats, tested: npt.NDArray[np.bool_]) -> Floats:
    """P-values of sums of n summands, variances pooled between what they show and what is expected [Smyth2004]."""
    d = np.maximum(n - 1.0, 1.0)
    ratio = np.divide(scatter, expected, out=np.ones_like(scatter), where=expected > 0.0)
    shown = tested & (ratio > 0.0)
    prior, size = 0.0, 1.0
    if shown.sum() > 2:
        half = d[shown] / 2.0
        logs = np.log(ratio[shown]) - scipy.special.digamma(half) + np.log(half)
        excess = float(
            np.mean((logs - logs.mean()) ** 2 * len(logs) / (len(logs) - 1.0) - scipy.special.polygamma(1, half))
        )
        prior = _MOST_FREEDOM
        if excess > scipy.special.polygamma(1, _MOST_FREEDOM / 2.0):
            prior = 2.0 * float(
                scipy.optimize.brentq(lambda h: scipy.special.polygamma(1, h) - excess, 1e-6, _MOST_FREEDOM)
            )
        size = float(np.exp(logs.mean() + scipy.special.digamma(prior / 2.0) - np.log(prior / 2.0)))
    pooled = (prior * size + d * ratio) / (prior + d)
    t = np.abs(sums) / np.sqrt(pooled * expected)
    return np.asarray(2.0 * scipy.special.stdtr(prior + d, -t), dtype=np.float64)


def _interval(
    n: Floats, mean: Floats, squares: Floats, worse: Floats, better: Floats, binary: bool, usual: float, level: float
) -> tuple[Floats, Floats]:
    if binary:
        b, c = (worse + 1.0) / (n + 2.0), (better + 1.0) / (n + 2.0)
        centre = c - b
        half = float(scipy.special.ndtri((1.0 + level) / 2.0)) * np.sqrt((b + c - centre**2) / (n + 2.0))
    else:
        centre = mean
        variance = (np.maximum(squares - n * mean**2, 0.0) + 2.0 * usual) / (n + 1.0)
        quantile = scipy.special.stdtrit(np.maximum(n - 1.0, 1.0), (1.0 + level) / 2.0)
        half = np.asarray(quantile * np.sqrt(variance / n), dtype=np.float64)
        half = np.where(n > 1, half, 1.0)  # one text tells nothing about the spread
    blank = n == 0
    low, high = np.maximum(centre - half, -1.0), np.minimum(centre + half, 1.0)
    return np.where(blank, np.nan, low), np.where(blank, np.nan, high)


def _mid_p(worse: Floats, better: Floats) -> Floats:
    """Two-sided: 2 P(X < k) + P(X = k) = P(X < k) + P(X ≤ k), X ~ Bin(b + c, ½), k the smaller."""
    n, k = worse + better, np.minimum(worse, better)
    below = np.where(k > 0, scipy.special.betainc(n - k + 1.0, np.maximum(k, 1.0), 0.5), 0.0)
    p = below + scipy.special.betainc(np.maximum(n - k, 1.0), k + 1.0, 0.5)
    return np.where(n > 0, np.minimum(p, 1.0), 1.0)


def _paired_t(n: Floats, mean: Floats, squares: Floats) -> Floats:
    variance = np.maximum(squares - n * mean**2, 0.0) / np.maximum(n - 1.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = mean / np.sqrt(variance / n)
    p = 2.0 * scipy.special.stdtr(np.maximum(n - 1.0, 1.0), -np.abs(t))
    # No spread at all: certain of nothing with one text or with no difference.
    return np.where((n < 2) | (squares == 0.0), 1.0, np.nan_to_num(p, nan=0.0))
