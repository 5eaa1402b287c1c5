"""Evidence: which skills a model masters, estimated from the texts it solved (DINA, noisy group testing)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis._evidence_inference import Enumeration, Inference, Posterior, Propagation, largest_component
from analysis._threads import on_one_thread
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["ENUMERATION_LIMIT", "Evidence", "Method", "Noise", "estimate_mastery"]

Floats = npt.NDArray[np.float64]
Noise = Literal["model", "shared", "text"]
Method = Literal["auto", "enumeration", "propagation"]

ENUMERATION_LIMIT = 20
"""Most skills in one component whose 2^20 states `enumeration` visits."""

_ENUMERATED_BY_DEFAULT = 12
_FLOOR = 1e-6
# 1 - slip - guess is kept above this: with less, outcomes say nothing, and below zero the labels are exchanged.
_LEAST_DISCRIMINATION = 1e-3
_STARTS = ((0.2, 0.2, 0.5), (0.5, 0.05, 0.9), (0.05, 0.4, 0.3))
_TRIAL_ITERATIONS = 15


@dataclass(frozen=True, eq=False)
class Evidence:
    """Mastery of S skills by M models from their outcomes on T texts; arrays are read-only.

    Attributes:
        mastery: Posterior probability of mastery, float64 (M, S). Where `identified` is false it is the prior
            or a share of blame among several skills, not a finding.
        identified: bool (M, S): some attempted text would have another probability if this skill alone were
            exchanged (mastered or not) in the most probable state of the others. False for a skill of no
            attempted text, for a skill whose texts all require another skill that is probably lacking, and for
            skills that only ever occur together and of which one is lacking.
        informative: Number of informative texts about the skill in this sense, int32 (M, S).
        understood: Posterior probability that all skills of a text are mastered, float64 (M, T); NaN where the
            text was not attempted or requires no skill.
        slip: P(failed | all skills mastered), float64: (M,), or (T,) if the noise is each text's own.
        guess: P(solved | a skill is lacking), likewise.
        prior: Share of skills mastered, float64 (M,).
        log_likelihood: Natural logarithm, float64 (M,); Bethe's approximation under `propagation`.
        null_log_likelihood: Of the same outcomes if skills made no difference, float64 (M,): with one rate of
            success for each model, or under noise `text` for each text.
        bic_gain: How much smaller the Bayesian information criterion is with skills than without, float64 (M,): twice
            the gain in log-likelihood less 2 ln T for the two parameters more; the outcomes speak for the
            conjunctive model where it is above 0. Models that share parameters are charged for them in full, each;
            under noise `text` it is the whole run's, with T + 1 parameters more.
        method: `enumeration` or `propagation`.
        noise: See `estimate_mastery`.
        converged: bool (M,).
        iterations: EM steps, int64 (M,).
        traces: What EM maximises after each step, one tuple for each separate run.
    """

    mastery: Floats
    identified: npt.NDArray[np.bool_]
    informative: npt.NDArray[np.int32]
    understood: Floats
    slip: Floats
    guess: Floats
    prior: Floats
    log_likelihood: Floats
    null_log_likelihood: Floats
    bic_gain: Floats
    method: str
    noise: str
    converged: npt.NDArray[np.bool_]
    iterations: npt.NDArray[np.int64]
    traces: tuple[tuple[float, ...], ...]

    @property
    def deviation(self) -> Floats:
        """Posterior standard deviation of each mastery, √(p(1-p)), float64 (M, S)."""
        spread: Floats = np.sqrt(self.mastery * (1.0 - self.mastery))
        return spread


def estimate_mastery(
    graph: SkillTextGraph,
    scores: npt.ArrayLike,
    *,
    noise: Noise = "model",
    method: Method = "auto",
    slip: npt.ArrayLike | None = None,
    guess: npt.ArrayLike | None = None,
    prior: float | None = None,
    pseudo_count: float = 1.0,
    tolerance: float = 1e-5,
    max_iterations: int = 300,
) -> Evidence:
    """Estimate mastery under the conjunctive model with slip and guess (DINA) by expectation maximisation.

    Text t is solved with probability 1 - s if η_t = ∏_{s ∈ φ(t)} α_s is 1 and with probability g if it is 0; skills
    are mastered independently with probability π. A score between 0 and 1 (the share of samples that passed)
    weighs in as that share of one attempt solved and the rest failed. E-step: the posterior of α; M-step:
    s = Σ (1-x_t) P(η_t=1) / Σ P(η_t=1), g = Σ x_t P(η_t=0) / Σ P(η_t=0), π = mean mastery of the tested skills, each
    with `pseudo_count` added to both of its outcomes. Slip + guess is kept below 1. EM starts from three places and
    goes on from the best. [JunkerSijtsma2001], [deLaTorre2009].

    What can be identified: one model gives one outcome a text, so slip and guess of each text cannot be told from
    one model; they are parameters of the model (`noise="model"`), or of all models (`"shared"`), or, with several
    models that share them, of each text (`"text"`), where `pseudo_count` decides what models of like strength leave
    open. Texts without skills are left out: they say nothing about any.

    Args:
        graph: T texts, S skills.
        scores: float (M, T) or (T,) for one model, in 0-1; NaN where the text was not attempted.
        noise: Whose the slip and guess are: each `model`'s (then π is, too), `shared`, or each `text`'s.
        method: `enumeration` of all states (components of at most 20 skills), loopy belief `propagation` (memory
            proportional to edges), or `auto`: enumeration where no component exceeds 12 skills.
        slip: Fixed value, float, or (T,) under noise `text`; estimated by default.
        guess: Likewise.
        prior: Fixed π.
        pseudo_count: Added to the counts of both outcomes of each parameter, ≥ 0 (the mode under a Beta prior).
        tolerance: EM ends when no parameter changes by more.
        max_iterations: Most EM steps.

    Returns:
        Mastery with slip, guess and what is identified.

    Raises:
        AnalysisError: Scores of another shape or outside 0-1, a model without an attempted text that requires
            skills, a fixed value outside (0, 1), slip and guess fixed with a sum of 1 or more, a component too
            large to enumerate, or an unknown noise or method.

    >>> graph = SkillTextGraph.from_csr([0, 1, 2, 4, 5], [0, 1, 0, 1, 2], n_skills=3)
    >>> found = estimate_mastery(graph, [1, 0, 0, float("nan")], slip=0.1, guess=0.1, prior=0.5)
    >>> found.mastery.round(3).tolist(), found.identified.tolist()
    ([[0.891, 0.022, 0.5]], [[True, True, False]])
    """
    table = _scores(graph, scores)
    _check(noise, method, pseudo_count, tolerance, max_iterations)
    chosen, respondents = _respondents(graph, table, method)
    fixed = _Fixed(
        slip=_fixed("slip", slip, noise, graph.n_texts),
        guess=_fixed("guess", guess, noise, graph.n_texts),
        prior=_fixed("prior", prior, "model", graph.n_texts),
    )
    if fixed.slip is not None and fixed.guess is not None and np.any(fixed.slip + fixed.guess >= 1.0):
        raise AnalysisError("slip and guess must sum to less than 1: mastering a skill must not lower the rate")
    groups = [[one] for one in respondents] if noise == "model" else [respondents]
    runs = [
        _Run(group, fixed, graph.n_texts if noise == "text" else 1, pseudo_count).fit(tolerance, max_iterations)
        for group in groups
    ]
    return _assemble(graph, table, respondents, runs, chosen, noise)


@dataclass(frozen=True, eq=False)
class _Respondent:
    """One model's attempted texts that require skills."""

    graph: SkillTextGraph
    texts: npt.NDArray[np.int64]
    scores: Floats
    tested: npt.NDArray[np.bool_]
    inference: Callable[[], Inference]


@dataclass(frozen=True, eq=False)
class _Fixed:
    slip: Floats | None
    guess: Floats | None
    prior: Floats | None


@dataclass(frozen=True, eq=False)
class _Parameters:
    """Slip and guess of shape (1,) or (T,), prior of shape (1,)."""

    slip: Floats
    guess: Floats
    prior: Floats

    def distance(self, other: _Parameters) -> float:
        pairs = ((self.slip, other.slip), (self.guess, other.guess), (self.prior, other.prior))
        return max(float(np.abs(a - b).max()) for a, b in pairs)


@dataclass(frozen=True, eq=False)
class _Fit:
    parameters: _Parameters
    posteriors: list[Posterior]
    log_likelihoods: list[float]
    null_log_likelihoods: list[float]
    bic_gains: list[float]
    converged: bool
    trace: tuple[float, ...]


class _Run:
    """EM for respondents that share their parameters."""

    def __init__(self, group: Sequence[_Respondent], fixed: _Fixed, n_noise: int, pseudo_count: float) -> None:
        self._group, self._fixed, self._n_noise, self._pseudo = group, fixed, n_noise, pseudo_count
        self._start_over()

    def _start_over(self) -> None:
        self._inferences = [one.inference() for one in self._group]

    @on_one_thread
    def fit(self, tolerance: float, max_iterations: int) -> _Fit:
        candidates = []
        for start in _STARTS:
            self._start_over()
            at, trace, settled = self._iterate(self._initial(*start), min(_TRIAL_ITERATIONS, max_iterations), tolerance)
            candidates.append((trace[-1], at, trace, settled, self._inferences))
            if all(value is not None for value in (self._fixed.slip, self._fixed.guess, self._fixed.prior)):
                break
        _, at, trace, settled, self._inferences = max(candidates, key=lambda c: c[0])
        if not settled and max_iterations > _TRIAL_ITERATIONS:
            at, more, settled = self._iterate(at, max_iterations - _TRIAL_ITERATIONS, tolerance)
            trace += more
        posteriors, likelihoods = self._expect(at, final=True)
        nulls = self._null()
        if self._n_noise > 1:
            gain = 2.0 * (sum(likelihoods) - sum(nulls))
            gain -= (self._n_noise + 1) * np.log(sum(len(one.texts) for one in self._group))
            gains = [float(gain)] * len(self._group)
        else:
            gains = [
                float(2.0 * (fitted - null) - 2.0 * np.log(len(one.texts)))
                for one, fitted, null in zip(self._group, likelihoods, nulls, strict=True)
            ]
        converged = settled and all(found.converged for found in posteriors)
        return _Fit(at, posteriors, likelihoods, nulls, gains, converged, trace)

    def _initial(self, slip: float, guess: float, prior: float) -> _Parameters:
        def value(fixed: Floats | None, free: float, n: int) -> Floats:
            return np.full(n, free) if fixed is None else np.broadcast_to(fixed, (n,))

        return _Parameters(
            *self._ordered(
                value(self._fixed.slip, slip, self._n_noise), value(self._fixed.guess, guess, self._n_noise), None
            ),
            value(self._fixed.prior, prior, 1),
        )

    def _iterate(
        self, at: _Parameters, iterations: int, tolerance: float
    ) -> tuple[_Parameters, tuple[float, ...], bool]:
        trace: list[float] = []
        for _ in range(iterations):
            posteriors, likelihoods = self._expect(at)
            trace.append(sum(likelihoods) + self._log_penalty(at))
            new = self._maximise(at, posteriors)
            moved, at = new.distance(at), new
            if moved <= tolerance:
                return at, tuple(trace), True
        return at, tuple(trace), False

    def _noise_of(self, one: _Respondent, values: Floats) -> Floats:
        return values[one.texts] if self._n_noise > 1 else values

    def _expect(self, at: _Parameters, *, final: bool = False) -> tuple[list[Posterior], list[float]]:
        posteriors, likelihoods = [], []
        log_odds = float(np.log(at.prior[0]) - np.log1p(-at.prior[0]))
        for one, infer in zip(self._group, self._inferences, strict=True):
            s, g, x = self._noise_of(one, at.slip), self._noise_of(one, at.guess), one.scores
            lacking = x * np.log(g) + (1.0 - x) * np.log1p(-g)
            mastered = x * np.log1p(-s) + (1.0 - x) * np.log(s)
            found = infer(mastered - lacking, log_odds, final=final)
            posteriors.append(found)
            likelihoods.append(float(lacking.sum()) + found.log_partition)
        return posteriors, likelihoods

    def _maximise(self, at: _Parameters, posteriors: Sequence[Posterior]) -> _Parameters:
        counts = np.zeros((4, self._n_noise))
        mastered = tested = 0.0
        for one, found in zip(self._group, posteriors, strict=True):
            x, eta = one.scores, found.understood
            for row, amount in enumerate(((1.0 - x) * eta, eta, x * (1.0 - eta), 1.0 - eta)):
                if self._n_noise > 1:
                    counts[row] += np.bincount(one.texts, amount, minlength=self._n_noise)
                else:
                    counts[row] += amount.sum()
            mastered += float(found.mastery[one.tested].sum())
            tested += float(np.count_nonzero(one.tested))
        slip = self._share(counts[0], counts[1], at.slip) if self._fixed.slip is None else at.slip
        guess = self._share(counts[2], counts[3], at.guess) if self._fixed.guess is None else at.guess
        prior = at.prior
        if self._fixed.prior is None:
            prior = self._share(np.array([mastered]), np.array([tested]), at.prior)
        return _Parameters(*self._ordered(slip, guess, counts), prior)

    def _share(self, part: Floats, whole: Floats, before: Floats) -> Floats:
        total = whole + 2.0 * self._pseudo
        share = np.divide(part + self._pseudo, total, out=before.copy(), where=total > 0.0)
        return np.clip(share, _FLOOR, 1.0 - _FLOOR)

    def _ordered(self, slip: Floats, guess: Floats, counts: Floats | None) -> tuple[Floats, Floats]:
        """Slip and guess with 1 - slip - guess of at least the least discrimination.

        Where both are free and cross, the likelihood is largest on the border, at the common rate of success.
        """
        excess = slip + guess - (1.0 - _LEAST_DISCRIMINATION)
        crossed = excess > 0.0
        if not crossed.any():
            return slip, guess
        if self._fixed.slip is not None:
            return slip, np.where(crossed, guess - excess, guess)
        if self._fixed.guess is not None:
            return np.where(crossed, slip - excess, slip), guess
        if counts is None:
            return np.where(crossed, slip - excess / 2, slip), np.where(crossed, guess - excess / 2, guess)
        failed, mastered, solved, lacking = counts
        whole = mastered + lacking + 4.0 * self._pseudo
        rate = np.divide(mastered - failed + solved + 2.0 * self._pseudo, whole, out=0.5 + 0 * whole, where=whole > 0)
        half = _LEAST_DISCRIMINATION / 2.0
        rate = np.clip(rate, half + _FLOOR, 1.0 - half - _FLOOR)
        return np.where(crossed, 1.0 - rate - half, slip), np.where(crossed, rate - half, guess)

    def _log_penalty(self, at: _Parameters) -> float:
        free = [
            value
            for value, fixed in (
                (at.slip, self._fixed.slip),
                (at.guess, self._fixed.guess),
                (at.prior, self._fixed.prior),
            )
            if fixed is None
        ]
        return self._pseudo * sum(float((np.log(value) + np.log1p(-value)).sum()) for value in free)

    def _null(self) -> list[float]:
        """Log-likelihood with a rate of success for each model, or each text, and no role for skills."""
        if self._n_noise == 1:
            return [_bernoulli(one.scores, np.mean(one.scores, keepdims=True)) for one in self._group]
        texts = np.concatenate([one.texts for one in self._group])
        solved = np.bincount(texts, np.concatenate([one.scores for one in self._group]), minlength=self._n_noise)
        tried = np.bincount(texts, minlength=self._n_noise)
        return [_bernoulli(one.scores, solved[one.texts] / tried[one.texts]) for one in self._group]


def _bernoulli(scores: Floats, rate: Floats) -> float:
    rate = np.clip(rate, _FLOOR, 1.0 - _FLOOR)
    return float((scores * np.log(rate) + (1.0 - scores) * np.log1p(-rate)).sum())


def _scores(graph: SkillTextGraph, scores: npt.ArrayLike) -> Floats:
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != graph.n_texts or not len(table):
        raise AnalysisError(f"scores must have shape (M, {graph.n_texts}), not {np.asarray(scores).shape}")
    with np.errstate(invalid="ignore"):
        wrong = (table < 0.0) | (table > 1.0)
    if wrong.any():
        model, text = np.argwhere(wrong)[0].tolist()
        raise AnalysisError(f"score [{model}, {text}] is {table[model, text]}; scores must be from 0 to 1")
    return table


def _check(noise: str, method: str, pseudo_count: float, tolerance: float, max_iterations: int) -> None:
    if noise not in {"model", "shared", "text"}:
        raise AnalysisError(f"noise {noise!r} is not one of 'model', 'shared', 'text'")
    if method not in {"auto", "enumeration", "propagation"}:
        raise AnalysisError(f"method {method!r} is not one of 'auto', 'enumeration', 'propagation'")
    if not pseudo_count >= 0.0:
        raise AnalysisError(f"pseudo_count is {pseudo_count}; it must be at least 0")
    if not tolerance > 0.0 or max_iterations < 1:
        raise AnalysisError("tolerance must be above 0 and max_iterations at least 1")


def _fixed(name: str, value: npt.ArrayLike | None, noise: str, n_texts: int) -> Floats | None:
    if value is None:
        return None
    array = np.atleast_1d(np.asarray(value, dtype=np.float64))
    if array.shape != (1,) and not (noise == "text" and array.shape == (n_texts,)):
        raise AnalysisError(f"{name} must be one number{f' or {n_texts}' if noise == 'text' else ''}")
    if not np.all((array > 0.0) & (array < 1.0)):
        raise AnalysisError(f"{name} must be between 0 and 1, not {array[~((array > 0.0) & (array < 1.0))][0]}")
    return np.clip(array, _FLOOR, 1.0 - _FLOOR)


def _respondents(graph: SkillTextGraph, table: Floats, method: str) -> tuple[str, list[_Respondent]]:
    """One a row of scores; rows with the same attempted texts share their graph."""
    usable = graph.text_degrees > 0
    attempted = ~np.isnan(table) & usable
    parts: dict[bytes, SkillTextGraph] = {}
    keys = [np.packbits(row).tobytes() for row in attempted]
    for model, (row, key) in enumerate(zip(attempted, keys, strict=True)):
        if not row.any():
            raise AnalysisError(f"model {model} attempted no text that requires a skill: there is no evidence")
        if key not in parts:
            parts[key] = graph.subset(row)
    if method == "auto":
        small = all(largest_component(part) <= _ENUMERATED_BY_DEFAULT for part in parts.values())
        method = "enumeration" if small else "propagation"
    states = (
        {key: Enumeration(part, ENUMERATION_LIMIT) for key, part in parts.items()} if method != "propagation" else {}
    )

    def inference(key: bytes) -> Callable[[], Inference]:
        return (lambda: states[key]) if key in states else (lambda: Propagation(parts[key]))

    return method, [
        _Respondent(parts[key], np.flatnonzero(row), scores[row], parts[key].skill_degrees > 0, inference(key))
        for row, scores, key in zip(attempted, table, keys, strict=True)
    ]


def _informative(one: _Respondent, mastery: Floats, discriminating: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Number of texts of each skill all of whose other skills are probably mastered, int32 (S,)."""
    graph = one.graph
    lacking = mastery < 0.5
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    in_text = np.bincount(text_of, lacking[graph.text_skills], minlength=graph.n_texts)
    tells = (in_text[text_of] - lacking[graph.text_skills] == 0) & discriminating[text_of]
    return np.bincount(graph.text_skills, tells, minlength=graph.n_skills).astype(np.int32)


def _assemble(
    graph: SkillTextGraph,
    table: Floats,
    respondents: Sequence[_Respondent],
    runs: Sequence[_Fit],
    method: str,
    noise: str,
) -> Evidence:
    of_run = list(range(len(respondents))) if noise == "model" else [0] * len(respondents)
    posteriors = [found for run in runs for found in run.posteriors]
    informative = np.zeros((len(respondents), graph.n_skills), np.int32)
    understood = np.full(table.shape, np.nan)
    for model, (one, found) in enumerate(zip(respondents, posteriors, strict=True)):
        at = runs[of_run[model]].parameters
        tells = 1.0 - at.slip - at.guess > 1.5 * _LEAST_DISCRIMINATION
        discriminating = tells[one.texts] if len(tells) > 1 else np.broadcast_to(tells, one.texts.shape)
        informative[model] = _informative(one, found.mastery, discriminating)
        understood[model, one.texts] = found.understood
    parameters = [runs[k].parameters for k in of_run]
    by_text = noise == "text"
    arrays = {
        "mastery": np.array([found.mastery for found in posteriors]),
        "identified": informative > 0,
        "informative": informative,
        "understood": understood,
        "slip": parameters[0].slip.copy() if by_text else np.concatenate([p.slip for p in parameters]),
        "guess": parameters[0].guess.copy() if by_text else np.concatenate([p.guess for p in parameters]),
        "prior": np.concatenate([p.prior for p in parameters]),
        "log_likelihood": np.array([value for run in runs for value in run.log_likelihoods]),
        "null_log_likelihood": np.array([value for run in runs for value in run.null_log_likelihoods]),
        "bic_gain": np.array([value for run in runs for value in run.bic_gains]),
        "converged": np.array([runs[k].converged for k in of_run]),
        "iterations": np.array([len(runs[k].trace) for k in of_run], dtype=np.int64),
    }
    for array in arrays.values():
        array.flags.writeable = False
    return Evidence(**arrays, method=method, noise=noise, traces=tuple(run.trace for run in runs))
