"""Cognitive diagnosis with parameters of each text: DINA, DINO and G-DINA over all classes of up to 12 skills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported when they are first asked for

from analysis._threads import on_one_thread
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["MOST_SKILLS", "ClassModel", "Diagnosis", "Structure", "diagnose"]

Floats = npt.NDArray[np.float64]
Structure = Literal["dina", "dino", "gdina"]
ClassModel = Literal["auto", "saturated", "higher-order", "independent"]

MOST_SKILLS = 12
"""Most skills whose 2^K classes are enumerated."""

_FLOOR = 1e-5
_CHUNK = 512  # texts whose probabilities in all classes are held at once
_MOST_JOINT = 1_200  # parameters whose whole information matrix is inverted
_MOST_GROUPED = 4  # skills of a text that G-DINA gives a probability for each combination
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """A fitted diagnostic classification model of M respondents, T texts, K skills and C = 2^K classes.

    Attributes:
        structure: `dina`, `dino` or `gdina`.
        classes: `saturated`, `higher-order` or `independent`.
        skills: Indices of the K skills, int64 (K,): those that some text requires.
        class_probability: float64 (C,); class c masters skill k of `skills` if bit k of c is set.
        prior: Share of respondents that master each of `skills`, float64 (K,).
        prior_error: Its standard error, float64 (K,).
        groups: For each text the probability of solving it for each combination of its skills that the structure
            tells apart, lacking first: two for DINA and DINO, up to 16 for G-DINA.
        group_errors: Standard errors of `groups`.
        slip: 1 − the last of `groups`, float64 (T,); NaN for texts without skills.
        guess: The first of `groups`, likewise.
        slip_error: Standard error, float64 (T,).
        guess_error: Standard error, float64 (T,).
        posterior: P(class | outcomes), float64 (M, C).
        mastery: float64 (M, S) over all skills of the graph; NaN for those that no text requires.
        probability: P(solved) of each text under the posterior, float64 (M, T); NaN for texts without skills.
        log_likelihood: Natural logarithm, of all outcomes.
        parameters: Number of free parameters.
        bic: −2 log-likelihood + parameters · ln M.
        converged: False if EM had not settled.
        iterations: EM steps.
    """

    structure: str
    classes: str
    skills: npt.NDArray[np.int64]
    class_probability: Floats
    prior: Floats
    prior_error: Floats
    groups: tuple[Floats, ...]
    group_errors: tuple[Floats, ...]
    slip: Floats
    guess: Floats
    slip_error: Floats
    guess_error: Floats
    posterior: Floats
    mastery: Floats
    probability: Floats
    log_likelihood: float
    parameters: int
    bic: float
    converged: bool
    iterations: int


def diagnose(
    graph: SkillTextGraph,
    scores: npt.ArrayLike,
    *,
    structure: Structure = "dina",
    classes: ClassModel = "auto",
    pseudo_count: float = 1.0,
    tolerance: float = 1e-4,
    max_iterations: int = 1_000,
) -> Diagnosis:
    """Fit DINA, DINO or G-DINA by marginal maximum likelihood (EM over all classes).

    Text t is solved with probability P_t(g), g the group of the respondent's class: under DINA whether all of its
    skills are mastered, under DINO whether any is, under G-DINA which of them are (texts of more than four skills,
    and those with fewer than ten attempts for each combination, keep DINA's two groups). [JunkerSijtsma2001],
    [TemplinHenson2006], [deLaTorre2011].

    Classes are `saturated` (each its own probability), `higher-order` (logit P(α_k = 1 | θ) = a_k θ + d_k, θ
    standard normal, 21 nodes [deLaTorreDouglas2004]) or `independent` (a prior for each skill); `auto` is saturated
    where there are at least as many respondents as classes, else higher-order from three skills on, else independent.

    Standard errors come from the cross-products of the respondents' scores (empirical information), together with
    those of the classes where the parameters are fewer than the respondents, otherwise of each text by itself.

    Args:
        graph: T texts, S skills.
        scores: float (M, T), in 0–1, NaN where not attempted; each row a respondent.
        structure: `dina`, `dino` or `gdina`.
        classes: How the probabilities of classes are modelled.
        pseudo_count: Added to both outcomes of each probability of a text, and to the respondents, spread over all
            saturated classes; 0 for maximum likelihood.
        tolerance: EM ends when no probability changes by more.
        max_iterations: Most EM steps.

    Returns:
        The fit.

    Raises:
        AnalysisError: More than 12 skills, scores of another shape or outside 0–1, no outcome on a text with
            skills, or an unknown structure or class model.

    >>> graph = SkillTextGraph.from_csr([0, 1, 2, 3, 4], [0, 0, 0, 0], n_skills=1)
    >>> found = diagnose(graph, [[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 1, 0]])
    >>> (found.mastery[:, 0] > 0.5).tolist()
    [True, False, True, False]
    """
    if structure not in ("dina", "dino", "gdina"):
        raise AnalysisError(f"structure {structure!r} is not one of dina, dino, gdina")
    if classes not in ("auto", "saturated", "higher-order", "independent"):
        raise AnalysisError(f"class model {classes!r} is not one of auto, saturated, higher-order, independent")
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if table.shape[1:] != (graph.n_texts,):
        raise AnalysisError(f"scores must have shape (M, {graph.n_texts}), not {np.asarray(scores).shape}")
    with np.errstate(invalid="ignore"):
        if ((table < 0.0) | (table > 1.0)).any():
            raise AnalysisError("scores must be from 0 to 1")
    if not pseudo_count >= 0.0:
        raise AnalysisError(f"pseudo_count is {pseudo_count}; it must be at least 0")
    return _Fit(graph, table, structure, classes, pseudo_count).run(tolerance, max_iterations)


class _Fit:
    def __init__(self, graph: SkillTextGraph, table: Floats, structure: str, classes: str, pseudo: float) -> None:
        self.graph, self.structure, self.pseudo = graph, structure, pseudo
        self.texts = np.flatnonzero(graph.text_degrees > 0)
        self.scores = np.nan_to_num(table[:, self.texts])
        self.tried = (~np.isnan(table[:, self.texts])).astype(np.float64)
        if not self.tried.any():
            raise AnalysisError("no outcome on a text that requires a skill: there is no evidence")
        self.skills = np.flatnonzero(graph.skill_degrees > 0)
        k = len(self.skills)
        if k > MOST_SKILLS:
            raise AnalysisError(
                f"{k} skills make 2^{k} classes; {structure} enumerates all of them, for at most {MOST_SKILLS} "
                "skills: leave classes of skills out, or use another fit"
            )
        self.n_models, self.n_classes = len(table), 1 << k
        if classes == "auto":
            classes = "saturated" if self.n_classes <= self.n_models else "higher-order" if k >= 3 else "independent"
        self.classes = classes
        self.bits = (np.arange(self.n_classes)[:, None] >> np.arange(k)) & 1
        place = np.full(graph.n_skills, -1)
        place[self.skills] = np.arange(k)
        attempts = self.tried.sum(axis=0)
        self.of_text = []
        sizes = []
        for j, text in enumerate(self.texts):
            own = place[graph.text_skills[graph.text_ptr[text] : graph.text_ptr[text + 1]]]
            grouped = structure == "gdina" and len(own) <= _MOST_GROUPED and attempts[j] >= 10 * 2 ** len(own)
            self.of_text.append((own, grouped))
            sizes.append(2 ** len(own) if grouped else 2)
        self.ends = np.concatenate(([0], np.cumsum(sizes)))
        self.a, self.d = np.ones(k), np.zeros(k)

    def _group(self, j: int) -> npt.NDArray[np.int64]:
        """Group of each class on a text, int64 (C,)."""
        own, grouped = self.of_text[j]
        has = self.bits[:, own]
        if grouped:
            return np.asarray(has @ (1 << np.arange(len(own))), dtype=np.int64).reshape(-1)
        all_or_any = has.any(axis=1) if self.structure == "dino" else has.all(axis=1)
        return np.asarray(all_or_any, dtype=np.int64)

    def _chunks(self) -> Iterator[tuple[slice, npt.NDArray[np.int64]]]:
        """Texts and, for each of them and each class, the place of its probability."""
        n = len(self.texts)
        whole = n * self.n_classes <= 4_000_000
        if whole and not hasattr(self, "_places"):
            self._places = np.array([self._group(j) + self.ends[j] for j in range(n)])
        for start in range(0, n, n if whole else _CHUNK):
            rows = slice(start, n if whole else min(start + _CHUNK, n))
            if whole:
                yield rows, self._places
            else:
                yield rows, np.array([self._group(j) + self.ends[j] for j in range(rows.start, rows.stop)])

    def _expect(self, p: Floats, share: Floats) -> tuple[Floats, float]:
        odds = np.log(np.maximum(share, 1e-300))[None, :].repeat(self.n_models, axis=0)
        for rows, places in self._chunks():
            x, w = self.scores[:, rows], self.tried[:, rows]
            odds += x @ np.log(p)[places] + (w - x) @ np.log1p(-p)[places]
        top = odds.max(axis=1, keepdims=True)
        weight = np.exp(odds - top)
        total = weight.sum(axis=1, keepdims=True)
        return weight / total, float((np.log(total) + top).sum())

    def _maximise(self, posterior: Floats, p: Floats) -> Floats:
        solved, tried = np.zeros_like(p), np.zeros_like(p)
        for rows, places in self._chunks():
            x, w = self.scores[:, rows], self.tried[:, rows]
            solved += np.bincount(places.ravel(), (x.T @ posterior).ravel(), minlength=len(p))
            tried += np.bincount(places.ravel(), (w.T @ posterior).ravel(), minlength=len(p))
        whole = tried + 2.0 * self.pseudo
        new = np.divide(solved + self.pseudo, whole, out=p.copy(), where=whole > 0.0)
        # Mastering more does not hurt: of two groups that cross, both get the rate of the two together.
        two = np.flatnonzero(np.diff(self.ends) == 2)
        low, high = self.ends[two], self.ends[two] + 1
        crossed = new[low] > new[high]
        low, high = low[crossed], high[crossed]
        together = whole[low] + whole[high]
        rate = np.divide(
            solved[low] + solved[high] + 2 * self.pseudo, together, out=np.full(len(low), 0.5), where=together > 0
        )
        new[low] = new[high] = rate
        return np.clip(new, _FLOOR, 1.0 - _FLOOR)

    def _shares(self, counts: Floats) -> Floats:
        """Probabilities of classes from their expected numbers of respondents."""
        if self.classes == "saturated":
            # A respondent (or `pseudo_count` of them) is spread over all classes: none becomes impossible.
            return np.asarray((counts + self.pseudo / self.n_classes) / (counts.sum() + self.pseudo))
        if self.classes == "independent":
            share = (self.bits.T @ counts + 1.0) / (counts.sum() + 2.0)
            return self._clean(np.exp(self.bits @ np.log(share) + (1 - self.bits) @ np.log1p(-share)))
        on = scipy.special.expit(self.a[:, None] * _NODES + self.d[:, None])
        joint = np.exp(self.bits @ np.log(on) + (1 - self.bits) @ np.log1p(-on)) * _NODE_WEIGHTS
        joint *= (counts / np.maximum(joint.sum(axis=1), 1e-300))[:, None]
        masters, nodes = self.bits.T @ joint, joint.sum(axis=0)
        for _ in range(3):
            # Newton steps of a logistic regression on the nodes, with a normal prior on both coefficients.
            on = scipy.special.expit(self.a[:, None] * _NODES + self.d[:, None])
            residual, spread = masters - nodes * on, nodes * on * (1.0 - on)
            ga, gd = residual @ _NODES - (self.a - 1.0), residual.sum(axis=1) - 0.1 * self.d
            aa, ad, dd = spread @ _NODES**2 + 1.0, spread @ _NODES, spread.sum(axis=1) + 0.1
            size = aa * dd - ad**2
            self.a = np.clip(self.a + np.clip((dd * ga - ad * gd) / size, -1, 1), 0.0, 8.0)
            self.d = np.clip(self.d + np.clip((aa * gd - ad * ga) / size, -1, 1), -12.0, 12.0)
        on = scipy.special.expit(self.a[:, None] * _NODES + self.d[:, None])
        joint = np.exp(self.bits @ np.log(on) + (1 - self.bits) @ np.log1p(-on)) * _NODE_WEIGHTS
        return self._clean(joint.sum(axis=1))

    @staticmethod
    def _clean(share: Floats) -> Floats:
        share = np.maximum(share, 1e-12)
        return share / share.sum()

    def _start(self, low: float, high: float) -> tuple[Floats, Floats]:
        p = np.empty(self.ends[-1])
        for j, (own, grouped) in enumerate(self.of_text):
            if grouped:
                mastered = np.array([int(c).bit_count() for c in range(2 ** len(own))])
                p[self.ends[j] : self.ends[j + 1]] = low + (high - low) * mastered / len(own)
            else:
                p[self.ends[j] : self.ends[j + 1]] = low, high
        self.a, self.d = np.ones(len(self.skills)), np.zeros(len(self.skills))
        return p, np.full(self.n_classes, 1.0 / self.n_classes)

    @on_one_thread
    def run(self, tolerance: float, most: int) -> Diagnosis:
        trials = []
        for start in ((0.2, 0.8), (0.1, 0.6), (0.4, 0.9)):
            p, share = self._start(*start)
            p, share, likelihood, settled, steps = self._iterate(p, share, tolerance, min(30, most))
            trials.append((likelihood, p, share, settled, steps, self.a, self.d))
        _, p, share, settled, steps, self.a, self.d = max(trials, key=lambda trial: trial[0])
        if not settled:
            p, share, _, settled, more = self._iterate(p, share, tolerance, max(most - 30, 1))
            steps += more
        return self._assembled(p, share, settled, steps)

    def _iterate(
        self, p: Floats, share: Floats, tolerance: float, most: int
    ) -> tuple[Floats, Floats, float, bool, int]:
        likelihood = -np.inf
        for step in range(1, most + 1):
            posterior, likelihood = self._expect(p, share)
            new, shares = self._maximise(posterior, p), self._shares(posterior.sum(axis=0))
            moved = max(float(np.abs(new - p).max()), float(np.abs(shares - share).max()))
            p, share = new, shares
            if moved <= tolerance:
                return p, share, likelihood, True, step
        return p, share, likelihood, False, most

    def _assembled(self, p: Floats, share: Floats, settled: bool, steps: int) -> Diagnosis:
        posterior, likelihood = self._expect(p, share)
        k, n = len(self.skills), len(self.texts)
        by_class = {"saturated": self.n_classes - 1, "higher-order": 2 * k, "independent": k}[self.classes]
        free = len(p) + by_class
        errors = self._errors(p, share, posterior)
        mastery = np.full((self.n_models, self.graph.n_skills), np.nan)
        mastery[:, self.skills] = posterior @ self.bits
        probability = np.full((self.n_models, self.graph.n_texts), np.nan)
        for rows, places in self._chunks():
            probability[:, self.texts[rows]] = posterior @ p[places].T
        groups: list[Floats] = [np.empty(0)] * self.graph.n_texts
        group_errors = list(groups)
        ends = {name: np.full(self.graph.n_texts, np.nan) for name in ("slip", "guess", "slip_error", "guess_error")}
        for j in range(n):
            text, own = self.texts[j], slice(self.ends[j], self.ends[j + 1])
            groups[text], group_errors[text] = p[own], errors[own]
            ends["guess"][text], ends["slip"][text] = p[own][0], 1.0 - p[own][-1]
            ends["guess_error"][text], ends["slip_error"][text] = errors[own][0], errors[own][-1]
        prior = np.asarray(share @ self.bits)
        each = posterior @ self.bits - prior
        # Information of a share is that of its score Σ (E α − π) / π(1−π).
        information = (each**2).sum(axis=0) / np.maximum(prior * (1.0 - prior), 1e-12) ** 2
        return Diagnosis(
            structure=self.structure,
            classes=self.classes,
            skills=self.skills,
            class_probability=share,
            prior=prior,
            prior_error=1.0 / np.sqrt(np.maximum(information, 1e-12)),
            groups=tuple(groups),
            group_errors=tuple(group_errors),
            posterior=posterior,
            mastery=mastery,
            probability=probability,
            log_likelihood=likelihood,
            parameters=free,
            bic=-2.0 * likelihood + free * float(np.log(max(self.n_models, 2))),
            converged=settled,
            iterations=steps,
            **ends,
        )

    def _errors(self, p: Floats, share: Floats, posterior: Floats) -> Floats:
        """Standard errors of the texts' probabilities from the respondents' scores."""
        prior = self.pseudo * (1.0 / p**2 + 1.0 / (1.0 - p) ** 2)
        kept = np.flatnonzero(share * self.n_models > 1.0)[1:] if self.classes == "saturated" else np.empty(0, int)
        whole = len(p) + len(kept) < min(self.n_models, _MOST_JOINT)
        scale = 1.0 / (p * (1.0 - p))
        found = np.empty(len(p))
        slopes = []
        for j in range(len(self.texts)):
            own = slice(self.ends[j], self.ends[j + 1])
            group = self._group(j)
            inside = np.zeros((self.n_classes, own.stop - own.start))
            inside[np.arange(self.n_classes), group] = 1.0
            member = posterior @ inside
            slope = member * (self.scores[:, j, None] - self.tried[:, j, None] * p[own]) * scale[own]
            if whole:
                slopes.append(slope)
                continue
            information = slope.T @ slope + np.diag(prior[own])
            found[own] = np.sqrt(np.maximum(np.diag(np.linalg.pinv(information, hermitian=True)), 0.0))
        if whole:
            if len(kept):
                slopes.append(posterior[:, kept] / share[kept] - posterior[:, :1] / share[0])
            every = np.hstack(slopes)
            information = every.T @ every
            information[np.arange(len(p)), np.arange(len(p))] += prior
            inverse = np.linalg.pinv(information, hermitian=True)
            found = np.sqrt(np.maximum(np.diag(inverse)[: len(p)], 0.0))
        return found
