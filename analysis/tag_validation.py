"""Do tags of skills fit the outcomes? Q-matrix validation: tags to add or drop, and texts that masters fail."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.diagnosis import Diagnosis
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.pairing import benjamini_hochberg

__all__ = ["TagChanges", "masters_fail", "variance_changes"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CHUNK = 256  # texts whose weights of all classes are held at once


@dataclass(frozen=True, eq=False)
class TagChanges:
    """Changes of tags that outcomes ask for, the best supported first; n of them.

    Attributes:
        text: int64 (n,).
        skill: int64 (n,).
        added: Bool (n,): the text should require the skill; False: it should not.
        before: PVAF of the text's tags as they are, float64 (n,).
        after: PVAF of the tags that are proposed for the text, float64 (n,).
        p_value: Of the skill making no difference to the text, float64 (n,).
        q_value: After Benjamini and Hochberg over all pairs that were looked at; NaN for a tag to drop.
        tested: Number of these pairs.
    """

    text: Ints
    skill: Ints
    added: Bools
    before: Floats
    after: Floats
    p_value: Floats
    q_value: Floats
    tested: int

    def __len__(self) -> int:
        return len(self.text)


def variance_changes(
    graph: SkillTextGraph, scores: npt.ArrayLike, fit: Diagnosis, *, cut: float = 0.95, rate: float = 0.05
) -> TagChanges:
    """Tags by the G-DINA discrimination index, for up to 12 skills and many respondents.

    For a set q of skills the respondents fall into 2^|q| groups g by which of q they master. With w_g their weight
    under the posterior and P_g their solve rate on a text, the index is ς²(q) = Σ_g w_g (P_g − P̄)², largest for
    all skills, and PVAF(q) = ς²(q) / ς²(all) the share of the variance that q accounts for. The right tags are
    those of the smallest q with PVAF ≥ `cut`; among sets of one size the best [deLaTorreChiu2016]. Two safeguards
    for samples of the size of an evaluation: the index is free of the part that N respondents give by chance,
    (groups − 1) · Σ_g w_g P_g(1 − P_g) / N; and a skill is added only if the χ² test of the larger set against the
    smaller, N · Δς² / Σ_g w_g P_g(1 − P_g) with the groups more as degrees of freedom, is beyond `rate`.

    Args:
        graph: T texts, S skills: the tags in question.
        scores: float (M, T) in 0–1, NaN where not attempted.
        fit: Of the same graph and outcomes, best with `structure="gdina"`.
        cut: Share of the variance that tags must account for.
        rate: False discoveries among the added tags.

    Returns:
        The changes; `before` and `after` are PVAF without chance's part.

    Raises:
        AnalysisError: `cut` outside 0–1, or a fit of another number of texts or respondents.

    >>> from analysis.diagnosis import diagnose
    >>> graph = SkillTextGraph.from_csr([0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 0], n_skills=2)  # the last is of skill 1
    >>> first, second = np.tile([1, 0, 1, 0], 50), np.tile([1, 1, 0, 0], 50)
    >>> scores = np.stack([first, first, second, second, second], axis=1)
    >>> found = variance_changes(graph, scores, diagnose(graph, scores, structure="gdina"))
    >>> list(zip(found.text.tolist(), found.skill.tolist(), found.added.tolist()))
    [(4, 1, True), (4, 0, False)]
    """
    if not 0.0 < cut <= 1.0:
        raise AnalysisError(f"cut is {cut}; it must be above 0 and at most 1")
    table = np.asarray(scores, dtype=np.float64)
    n_skills, n_classes = len(fit.skills), fit.posterior.shape[1]
    if fit.posterior.shape[0] != table.shape[0] or table.shape[1] != graph.n_texts:
        raise AnalysisError("the fit is of other outcomes")
    place = np.full(graph.n_skills, -1, dtype=np.int64)
    place[fit.skills] = np.arange(n_skills)
    found: list[tuple[int, int, bool, float, float, float]] = []
    tested = 0
    for low in range(0, graph.n_texts, _CHUNK):
        part = table[:, low : low + _CHUNK]
        tried = (~np.isnan(part)).astype(np.float64)
        weight = fit.posterior.T @ tried  # (C, chunk)
        solved = fit.posterior.T @ np.nan_to_num(part)
        for at in range(part.shape[1]):
            t = low + at
            own = place[graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]]
            if not len(own) or not tried[:, at].any():
                continue
            index = _Discrimination(weight[:, at], solved[:, at], n_skills, n_classes)
            tested += n_skills
            best = index.chosen(cut)
            now = frozenset(own.tolist())
            for skill in sorted(best ^ now):
                added = skill not in now
                without, with_it = (best - {skill}, best) if added else (now - {skill}, now)
                found.append(
                    (t, int(fit.skills[skill]), added, index.share(now), index.share(best),
                     index.p_value(without, with_it))
                )  # fmt: skip
    return _ranked(found, tested, rate)


class _Discrimination:
    """ς² of one text over sets of skills."""

    def __init__(self, weight: Floats, solved: Floats, n_skills: int, n_classes: int) -> None:
        self.n = float(weight.sum())
        self.weight, self.solved = weight / self.n, solved / self.n
        self.mean = float(self.solved.sum())
        self.n_skills = n_skills
        self.classes = np.arange(n_classes)
        self._known: dict[frozenset[int], tuple[float, float]] = {}
        self.all = frozenset(range(n_skills))

    def of(self, skills: frozenset[int]) -> tuple[float, float]:
        """(ς², Σ w P(1 − P)) of a set of skills."""
        if skills not in self._known:
            group = np.zeros(len(self.classes), dtype=np.int64)
            for bit, skill in enumerate(sorted(skills)):
                group |= ((self.classes >> skill) & 1) << bit
            w = np.bincount(group, self.weight)
            p = np.bincount(group, self.solved) / np.maximum(w, 1e-12)
            self._known[skills] = float(w @ (p - self.mean) ** 2), float(w @ (p * (1.0 - p)))
        return self._known[skills]

    def beyond_chance(self, skills: frozenset[int]) -> float:
        index, within = self.of(skills)
        return max(index - (2 ** len(skills) - 1) * within / self.n, 0.0)

    def share(self, skills: frozenset[int]) -> float:
        top = max(self.beyond_chance(self.all), *(self.beyond_chance(frozenset({k})) for k in self.all))
        return min(self.beyond_chance(skills) / top, 1.0) if top > 0.0 else 0.0

    def chosen(self, cut: float) -> frozenset[int]:
        """The smallest set that accounts for `cut` of the variance, grown from the best single skill."""
        best = self.all
        for size in range(1, self.n_skills + 1):
            sets = [frozenset(c) for c in itertools.combinations(range(self.n_skills), size)]
            best = max(sets, key=self.beyond_chance)
            if self.share(best) >= cut:
                break
        return best

    def p_value(self, smaller: frozenset[int], larger: frozenset[int]) -> float:
        gain = self.of(larger)[0] - self.of(smaller)[0]
        within = self.of(larger)[1]
        more = 2 ** len(larger) - 2 ** len(smaller)
        return float(stats.chi2.sf(self.n * gain / max(within, 1e-12), more))


def _ranked(found: list[tuple[int, int, bool, float, float, float]], tested: int, rate: float) -> TagChanges:
    """Changes, those beyond chance by p-value; pairs that were looked at and not listed count as not significant."""
    if not found:
        none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return TagChanges(none, none, np.empty(0, dtype=np.bool_), nothing, nothing, nothing, nothing, tested)
    text, skill, added, before, after, p = (np.array(column) for column in zip(*found, strict=True))
    judged = added.astype(np.bool_)
    padded = np.concatenate([p[judged], np.ones(max(tested - int(judged.sum()), 0))])
    q = np.full(len(p), np.nan)
    q[judged] = benjamini_hochberg(padded)[: int(judged.sum())]
    kept = ~judged | (q <= rate)
    # What adds most beyond chance comes first; a tag that only adds nothing comes last.
    order = np.lexsort((-np.abs(np.nan_to_num(after) - before), np.where(judged, p, 2.0)))
    order = order[kept[order]]
    return TagChanges(text[order], skill[order], added[order], before[order], after[order], p[order], q[order], tested)


def masters_fail(fit: Diagnosis, *, level: float = 0.95) -> Ints:
    """Texts that those who master all of their skills mostly fail, beyond the standard error, worst first.

    Args:
        fit: A diagnostic model with the texts' own slips.
        level: Of the one-sided bound on 1 − slip that must lie below one half.

    Returns:
        Indices of texts, int64 (n,).

    >>> from analysis.diagnosis import diagnose
    >>> graph = SkillTextGraph.from_csr([0, 1, 2, 3, 4], [0, 0, 0, 0], n_skills=1)
    >>> solved = np.tile([1, 0], 100)
    >>> scores = np.stack([solved, solved, solved, np.zeros(200)], axis=1)
    >>> masters_fail(diagnose(graph, scores)).tolist()
    [3]
    """
    z = float(stats.norm.ppf(level))
    with np.errstate(invalid="ignore"):
        bound = 1.0 - fit.slip + z * fit.slip_error
        found = np.flatnonzero(bound < 0.5)
    return found[np.argsort(bound[found], kind="stable")].astype(np.int64)
