"""Do tags of skills fit the outcomes, for any number of skills: residuals of a fit without skills, text by text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse, special, stats

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.item_response import ItemResponse
from analysis.pairing import benjamini_hochberg

__all__ = ["FailedByMasters", "ResidualChanges", "SplitTags", "failed_by_masters", "residual_changes", "split_tags"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEAST_RESPONDENTS = 10
"""Outcomes of a text below which nothing is said about its tags."""

_LEAST_TEXTS = 3  # other texts of a skill, below which nothing shows what the skill is
_LEAST_SIGNAL = 0.01  # share of an outcome's variance, below which a tag makes no difference that could be checked
_LEAST_SPLIT = 6  # texts of a skill that is looked at for two kinds
_TYPICAL = 0.6  # a tag that counts for less than this share of a typical one is contradicted
_SMALL = 0.1  # a skill that counts for less than this share of a typical tag is not missing
_ALIKE = 0.5  # correlation between two kinds of texts, from which they are one skill
_MOST = 3.0  # a slope above this times a typical tag's comes from something else than a tag
_LISTED = 0.05  # p-value above which a pair can never be listed
_CLIP = 5.0


@dataclass(frozen=True, eq=False)
class ResidualChanges:
    """Tags to add and to drop, by p-value; n of them.

    Attributes:
        text: int64 (n,).
        skill: int64 (n,).
        added: Bool (n,): the text should require the skill; False: it should not.
        slope: What the skill counts for in this text, 1 for a typical tag, float64 (n,).
        error: Standard error of `slope`, float64 (n,).
        p_value: One-sided, of a slope of at most 0.1 (to add) or at least 0.6 (to drop), float64 (n,).
        q_value: After Benjamini and Hochberg, over pairs that could be added and over tags separately.
        tested: Number of pairs of a text and another skill that were looked at, and of tags.
    """

    text: Ints
    skill: Ints
    added: Bools
    slope: Floats
    error: Floats
    p_value: Floats
    q_value: Floats
    tested: tuple[int, int]

    def __len__(self) -> int:
        return len(self.text)


def residual_changes(
    graph: SkillTextGraph, scores: npt.ArrayLike, fit: ItemResponse, *, rate: float = 0.05
) -> ResidualChanges:
    """Tags by residuals, for any number of skills.

    With r_mt = (x_mt − p_mt) / √(p(1 − p)) under ability and difficulty alone, each skill has a profile over the M
    respondents: d_ms, the mean residual on its other texts, shrunk by σ_s² c / (σ_s² c + 1) for c texts, where σ_s²
    is the variance between respondents (empirical Bayes), so that for a typical text with the tag the slope of r on
    d is 1. The residuals of a text are regressed on the profiles of its tags. A tag is contradicted if its slope is
    below 0.6, and a skill is missing if its profile, added to the others, has a slope above 0.1, each beyond chance
    by the t test over respondents and after Benjamini and Hochberg. Skills with σ_s² below 0.01 make no difference that
    could be checked and are left out, and so are slopes that are too large for a tag: above 3 or below −1 by two
    standard errors, something else than this skill makes the outcomes go together. Texts on which all outcomes are
    alike are left out.

    Args:
        graph: T texts, S skills: the tags in question.
        scores: float (M, T) in 0–1, NaN where not attempted.
        fit: A `rasch` fit of the same outcomes.
        rate: False discoveries among the tags to add, and among those to drop.

    Returns:
        The changes. Time grows as T · M · S, memory as M · (T + S).

    Raises:
        AnalysisError: The fit is of other outcomes.

    >>> from analysis.item_response import fit_item_response
    >>> truth = np.repeat(np.arange(5), 6)
    >>> tags = np.where(np.arange(30) == 29, 0, truth)  # the last text is of skill 4
    >>> graph = SkillTextGraph.from_csr(range(31), tags, n_skills=5)
    >>> rng = np.random.default_rng(0)
    >>> able = rng.random((300, 5)) < 0.5
    >>> solved = rng.random((300, 30)) < np.where(able[:, truth], 0.9, 0.1)
    >>> found = residual_changes(graph, solved, fit_item_response(graph, solved, model="rasch"))
    >>> list(zip(found.text.tolist(), found.skill.tolist(), found.added.tolist()))
    [(29, 4, True), (29, 0, False)]
    """
    _, residual, tried = _residuals(graph, scores, fit)
    table = np.asarray(scores, np.float64)
    required = _required(graph)
    sums = np.asarray((required.T @ residual.T).T)  # (M, S)
    counts = np.asarray((required.T @ tried.T).T)
    signal = _between(sums, counts)
    enough = (graph.skill_degrees >= _LEAST_TEXTS) & (signal >= _LEAST_SIGNAL)
    whole = sums * signal / (counts * signal + 1.0)
    found: tuple[list[tuple[float, ...]], list[tuple[float, ...]]] = ([], [])
    tested = [0, 0]
    for t in range(graph.n_texts):
        there = tried[:, t] > 0.0
        own = graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]].astype(np.int64)
        tags = own[enough[own] & (graph.skill_degrees[own] > _LEAST_TEXTS)]
        n = int(there.sum())
        freedom = n - len(tags) - 1
        if n < LEAST_RESPONDENTS or freedom < LEAST_RESPONDENTS // 2:
            continue
        if np.ptp(table[there, t]) == 0.0:
            # Everybody did the same: the residuals are those of abilities, and say nothing about tags.
            continue
        r = residual[there, t]
        # Without the text itself, or each tag would explain part of its own residual.
        c = counts[there][:, tags] - 1.0
        base = (sums[there][:, tags] - r[:, None]) * signal[tags] / (c * signal[tags] + 1.0)
        if len(tags):
            slopes, errors = _slopes(base, r)
            p = stats.t.cdf((slopes - _TYPICAL) / errors, n - len(tags))
            tested[1] += len(tags)
            at = np.flatnonzero((p < _LISTED) & (slopes + 2.0 * errors >= -1.0))
            found[1].extend((t, tags[i], slopes[i], errors[i], p[i]) for i in at)
        others = enough.copy()
        others[own] = False
        candidates = np.flatnonzero(others)
        tested[0] += len(candidates)
        if not len(candidates):
            continue
        # Frisch, Waugh and Lovell: both sides without what the tags explain.
        added, rest = whole[there][:, candidates], r
        if len(tags):
            basis = np.linalg.qr(base)[0]
            added, rest = added - basis @ (basis.T @ added), r - basis @ (basis.T @ r)
        size = np.maximum((added**2).sum(axis=0), 1e-9)
        slopes = added.T @ rest / size
        errors = np.sqrt(np.maximum(rest @ rest - slopes**2 * size, 1e-9) / freedom / size)
        p = stats.t.sf((slopes - _SMALL) / errors, freedom)
        at = np.flatnonzero((p < _LISTED) & (slopes - 2.0 * errors <= _MOST))
        found[0].extend((t, candidates[i], slopes[i], errors[i], p[i]) for i in at)
    kept = [_beyond(rows, n, rate) for rows, n in zip(found, tested, strict=True)]
    both = np.concatenate(kept)
    is_added = np.repeat([True, False], [len(rows) for rows in kept])
    order = np.argsort(both[:, 4], kind="stable")
    both = both[order]
    return ResidualChanges(
        both[:, 0].astype(np.int64),
        both[:, 1].astype(np.int64),
        is_added[order],
        both[:, 2],
        both[:, 3],
        both[:, 4],
        both[:, 5],
        (tested[0], tested[1]),
    )


@dataclass(frozen=True, eq=False)
class SplitTags:
    """Skills under whose tag there are two kinds of texts, by p-value; n of them.

    Attributes:
        skill: int64 (n,).
        agreement: Correlation between the solve rates on the two kinds over respondents, beyond ability and without
            sampling noise, float64 (n,): 1 for one skill, 0 for two.
        p_value: float64 (n,).
        q_value: After Benjamini and Hochberg over all skills that were looked at.
        sides: For each skill the texts of either kind, those that stand out most first.
        tested: Number of skills that were looked at.
    """

    skill: Ints
    agreement: Floats
    p_value: Floats
    q_value: Floats
    sides: tuple[tuple[Ints, Ints], ...]
    tested: int


def split_tags(
    graph: SkillTextGraph,
    scores: npt.ArrayLike,
    fit: ItemResponse,
    *,
    rate: float = 0.05,
    draws: int = 49,
    rng: np.random.Generator,
) -> SplitTags:
    """Skills whose texts are of two kinds: what a respondent solves of one kind says little about the other.

    Of the residuals beyond ability, difficulty and the profiles of the text's tags, each with a slope of its own,
    the largest eigenvalue of the cross-products over the skill's texts is compared with the same after the residuals
    of each text have been permuted among respondents (parallel analysis [Horn1965] of Rasch residuals
    [Linacre1998]). The p-value is that of a gamma distribution with the mean and variance of the permuted
    eigenvalues, so that their number does not bound it. The kinds are the texts with loadings of either sign. A
    skill is listed if they also agree little: a correlation below one half between the mean residuals of the two
    kinds over respondents, who must differ on both, the kinds being found among one half of the respondents and
    correlated among the other. Skills with at least six texts that five respondents solved and five failed are
    tested.

    Args:
        graph: T texts, S skills.
        scores: float (M, T) in 0–1, NaN where not attempted.
        fit: A `rasch` fit of the same outcomes.
        rate: False discoveries among the skills.
        draws: Permutations for each skill.
        rng: Draws them.

    Returns:
        The skills, with the texts of either kind.

    Raises:
        AnalysisError: The fit is of other outcomes.

    >>> from analysis.item_response import fit_item_response
    >>> graph = SkillTextGraph.from_csr(range(13), [0] * 12, n_skills=1)
    >>> rng = np.random.default_rng(0)
    >>> able = rng.random((200, 2)) < 0.5  # two skills under one tag
    >>> solved = rng.random((200, 12)) < np.where(able[:, [0] * 6 + [1] * 6], 0.9, 0.1)
    >>> found = split_tags(graph, solved, fit_item_response(graph, solved, model="rasch"), rng=rng)
    >>> found.skill.tolist(), sorted(sorted(side.tolist()) for side in found.sides[0])
    ([0], [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]])
    """
    table, residual, tried = _residuals(graph, scores, fit)
    required = _required(graph)
    sums = np.asarray((required.T @ residual.T).T)
    counts = np.asarray((required.T @ tried.T).T)
    signal = _between(sums, counts)
    profile = sums * signal / (counts * signal + 1.0)
    rest = _unexplained(graph, residual, profile, tried)
    halves = rng.permutation(len(residual)) % 2 == 0
    # Texts that nearly all solve or fail have residuals that a single respondent dominates.
    solved = np.nansum(table, axis=0)
    answered = np.minimum(solved, tried.sum(axis=0) - solved) >= LEAST_RESPONDENTS / 2
    rows: list[tuple[int, float, float, Ints, Ints]] = []
    for skill in range(graph.n_skills):
        texts = graph.skill_texts[graph.skill_ptr[skill] : graph.skill_ptr[skill + 1]].astype(np.int64)
        texts = texts[answered[texts]]
        if len(texts) < _LEAST_SPLIT:
            continue
        here = tried[:, texts] > 0.0
        x = rest[:, texts]
        value, loading = _leading(x, here)
        drawn = np.array([_largest(_permuted(x, here, rng), here) for _ in range(draws)])
        mean, variance = float(drawn.mean()), max(float(drawn.var(ddof=1)), 1e-12)
        p = float(stats.gamma.sf(value, mean**2 / variance, scale=variance / mean))
        order = np.argsort(-np.abs(loading), kind="stable")
        first, second = (texts[order[sign * loading[order] > 0.0]] for sign in (1.0, -1.0))
        rows.append((skill, _agreement(residual[:, texts], x, here, halves), p, first, second))
    p_values = np.array([row[2] for row in rows])
    q = benjamini_hochberg(p_values) if rows else p_values
    chosen = [
        i
        for i in np.argsort(p_values, kind="stable").tolist()
        if q[i] <= rate and rows[i][1] < _ALIKE and min(map(len, rows[i][3:])) >= 2
    ]
    return SplitTags(
        np.array([rows[i][0] for i in chosen], dtype=np.int64),
        np.array([rows[i][1] for i in chosen]),
        p_values[chosen],
        q[chosen],
        tuple((rows[i][3], rows[i][4]) for i in chosen),
        len(rows),
    )


@dataclass(frozen=True, eq=False)
class FailedByMasters:
    """Texts that respondents with all of their skills mostly fail, by p-value; n of them.

    Attributes:
        text: int64 (n,).
        masters: Number of respondents who master all of the text's skills and attempted it, int64 (n,).
        solved: Sum of their scores, float64 (n,).
        p_value: Probability of so few if each solved it with probability one half, float64 (n,).
        q_value: After Benjamini and Hochberg over all texts with a master.
        tested: Number of these.
    """

    text: Ints
    masters: Ints
    solved: Floats
    p_value: Floats
    q_value: Floats
    tested: int


def failed_by_masters(
    graph: SkillTextGraph, scores: npt.ArrayLike, mastery: npt.ArrayLike, *, level: float = 0.9, rate: float = 0.05
) -> FailedByMasters:
    """Texts that those who master all of their skills fail: a skill may be missing, or the text may be wrong.

    The p-value is P(Binomial(n, 1/2) ≤ x) of the n masters, by the incomplete beta function where x is not whole.

    Args:
        graph: T texts, S skills.
        scores: float (M, T) in 0–1, NaN where not attempted.
        mastery: Probability that each respondent masters each skill, float (M, S); NaN is no master.
        level: Mastery from which a respondent counts as a master of the skill.
        rate: False discoveries among the texts.

    Returns:
        The texts.

    >>> graph = SkillTextGraph.from_csr([0, 1, 2], [0, 0], n_skills=1)
    >>> failed_by_masters(graph, [[1, 0]] * 12, np.ones((12, 1))).text.tolist()
    [1]
    """
    table = np.asarray(scores, dtype=np.float64)
    lacks = (~(np.asarray(mastery, dtype=np.float64) >= level)).astype(np.float64)
    able = (np.asarray(_required(graph) @ lacks.T).T == 0.0) & ~np.isnan(table) & (graph.text_degrees > 0)[None, :]
    n = able.sum(axis=0)
    solved = np.where(able, np.nan_to_num(table), 0.0).sum(axis=0)
    looked = np.flatnonzero(n > 0)
    p = special.betainc(np.maximum(n[looked] - solved[looked], 1e-12), solved[looked] + 1.0, 0.5)
    q = benjamini_hochberg(p) if len(p) else p
    order = np.argsort(p, kind="stable")
    order = order[q[order] <= rate]
    chosen = looked[order]
    return FailedByMasters(
        chosen.astype(np.int64), n[chosen].astype(np.int64), solved[chosen], p[order], q[order], len(looked)
    )


def _residuals(graph: SkillTextGraph, scores: npt.ArrayLike, fit: ItemResponse) -> tuple[Floats, Floats, Floats]:
    """Scores; residuals of variance 1, 0 where not attempted; and what was attempted (0 or 1); float64 (M, T)."""
    table = np.asarray(scores, dtype=np.float64)
    if table.shape != (len(fit.ability), graph.n_texts) or len(fit.difficulty) != graph.n_texts:
        raise AnalysisError("the fit is of other outcomes")
    tried = ~np.isnan(table)
    p = np.clip(fit.probability(graph, skills=False), 1e-4, 1.0 - 1e-4)
    r = np.where(tried, (np.nan_to_num(table) - p) / np.sqrt(p * (1.0 - p)), 0.0)
    # Scores that are shares of several samples vary less than single outcomes.
    freedom = max(tried.sum() - tried.any(axis=1).sum() - tried.any(axis=0).sum() + 1, 1)
    r /= max(np.sqrt(float((r**2).sum()) / freedom), 1e-9)
    return table, np.clip(r, -_CLIP, _CLIP), tried.astype(np.float64)


def _between(sums: Floats, counts: Floats) -> Floats:
    """Variance between respondents of a skill's residuals, beyond that of single outcomes, float64 (S,)."""
    there = counts > 0
    c = np.maximum(counts, 1.0)
    excess = np.where(there, (sums / c) ** 2 - 1.0 / c, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return np.asarray(np.maximum(excess, 0.0), dtype=np.float64)


def _required(graph: SkillTextGraph) -> sparse.csr_matrix:
    return sparse.csr_matrix(
        (np.ones(graph.n_edges), graph.text_skills, graph.text_ptr), shape=(graph.n_texts, graph.n_skills)
    )


def _slopes(base: Floats, r: Floats) -> tuple[Floats, Floats]:
    """Least squares without intercept: slopes and standard errors."""
    inverse = np.linalg.pinv(base.T @ base)
    slopes = inverse @ (base.T @ r)
    left = r - base @ slopes
    variance = float(left @ left) / (len(r) - base.shape[1])
    return slopes, np.sqrt(np.maximum(np.diag(inverse) * variance, 1e-12))


def _unexplained(graph: SkillTextGraph, residual: Floats, profile: Floats, tried: Floats) -> Floats:
    """Residuals without what the profiles of the text's tags explain, each with a slope of its own, (M, T)."""
    found = np.zeros_like(residual)
    for t in np.flatnonzero(tried.sum(axis=0) >= LEAST_RESPONDENTS).tolist():
        there = tried[:, t] > 0.0
        base = profile[there][:, graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]]
        r = residual[there, t]
        found[there, t] = r - base @ np.linalg.lstsq(base, r, rcond=1e-6)[0]
    return found


def _beyond(rows: list[tuple[float, ...]], tested: int, rate: float) -> Floats:
    """Rows with their q-value, (n, 6): those beyond chance; what was looked at and not listed has p-value 1."""
    if not rows:
        return np.empty((0, 6))
    values = np.array(rows, dtype=np.float64)
    padded = np.concatenate([values[:, 4], np.ones(max(tested - len(values), 0))])
    q = benjamini_hochberg(padded)[: len(values)]
    found: Floats = np.column_stack([values, q])[q <= rate]
    return found


def _centred(x: Floats, here: Bools) -> Floats:
    """Without each respondent's mean."""
    mean = x.sum(axis=1) / np.maximum(here.sum(axis=1), 1)
    return np.where(here, x - mean[:, None], 0.0)


def _leading(x: Floats, here: Bools) -> tuple[float, Floats]:
    """Largest eigenvalue of the cross-products over texts, and its loadings."""
    centred = _centred(x, here)
    if centred.shape[1] <= centred.shape[0]:
        values, vectors = np.linalg.eigh(centred.T @ centred)
        return float(values[-1]), vectors[:, -1]
    values, vectors = np.linalg.eigh(centred @ centred.T)
    return float(values[-1]), centred.T @ vectors[:, -1]


def _largest(x: Floats, here: Bools) -> float:
    """The eigenvalue of `_leading` alone, which takes a third of the time."""
    centred = _centred(x, here)
    products = centred.T @ centred if centred.shape[1] <= centred.shape[0] else centred @ centred.T
    return float(np.linalg.eigvalsh(products)[-1])


def _agreement(r: Floats, x: Floats, here: Bools, half: Bools) -> float:
    """Correlation over respondents between the mean residuals of the two kinds of texts, without sampling noise.

    The kinds are found among one half of the respondents and correlated among the other, and the reverse. NaN where
    respondents do not differ on both kinds by two standard errors: then they are no skills.
    """
    rows = []
    for seen, other in ((half, ~half), (~half, half)):
        loading = _leading(x[seen], here[seen])[1]
        sides = loading > 0.0, loading < 0.0
        counts = [np.maximum(here[other][:, side].sum(axis=1), 1) for side in sides]
        a, b = (r[other][:, side].sum(axis=1) / c for side, c in zip(sides, counts, strict=True))
        rows.append(np.stack([a * b, a * a - 1.0 / counts[0], b * b - 1.0 / counts[1]], axis=1))
    products = np.concatenate(rows)
    mean, error = products.mean(axis=0), products.std(axis=0, ddof=1) / np.sqrt(len(products))
    if np.any(mean[1:] <= 2.0 * error[1:]):
        return float("nan")
    return float(np.clip(mean[0] / np.sqrt(mean[1] * mean[2]), -1.0, 1.0))


def _permuted(x: Floats, here: Bools, rng: np.random.Generator) -> Floats:
    """Each text's residuals permuted among those who attempted it."""
    if here.all():
        return np.asarray(rng.permuted(x, axis=0))
    found = np.zeros_like(x)
    for at in range(x.shape[1]):
        found[here[:, at], at] = rng.permutation(x[here[:, at], at])
    return found
