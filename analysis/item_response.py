"""Item response: ability of models, difficulty of texts and what skills add, each pooled as far as outcomes ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported when they are first asked for

from analysis._threads import on_one_thread
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["ItemResponse", "Precisions", "ResponseModel", "SkillRates", "fit_item_response", "place", "skill_rates"]

Floats = npt.NDArray[np.float64]
ResponseModel = Literal["rasch", "rasch+skills", "additive"]

_BLOCKS: dict[str, tuple[bool, bool, bool]] = {
    # difficulty of each text, ease of each skill, deviation of each model on each skill
    "rasch": (True, False, False),
    "rasch+skills": (True, True, True),
    "additive": (False, True, True),
}
_MOST_PRECISE = 1e5
_LEAST_PRECISE = 1e-2
_STEPS = 80
_RADIUS = 1e3  # standard deviations of the effects, all together, that a first step may go
_LONGEST = 2.5
_TOLERANCE = 0.05  # length of the slope at the mode, in standard deviations of the effects
_FEW = 10_000  # effects, up to which that is for all together
_DENSE = 400  # effects whose information matrix is inverted as it is
_PROBES = 6
_SEEN = 10.0  # effects of the usual size that each group is taken to have had before


@dataclass(frozen=True)
class Precisions:
    """Precisions 1/variance of the normal distributions that effects are drawn from, in logits⁻².

    Attributes:
        ability: Of the models' abilities about the intercept.
        difficulty: Of the texts' difficulties about what their skills predict.
        skill: Of the ease of skills.
        deviation: Of model × skill deviations: the larger, the more they are pooled.
    """

    ability: float = 0.5
    difficulty: float = 0.3
    skill: float = 5.0
    deviation: float = 25.0


@dataclass(frozen=True, eq=False)
class ItemResponse:
    """A fitted explanatory item response model of M models, T texts and S skills; arrays are read-only.

    logit P(model m solves text t) = intercept + ability_m − difficulty_t + Σ_{s ∈ φ(t)} deviation_ms

    Attributes:
        model: `rasch`, `rasch+skills` or `additive`.
        intercept: Log-odds of a middling model on a middling text.
        ability: float64 (M,), in logits.
        level: Mean log-odds over the texts, less that of all models, float64 (M,): ability together with the
            deviations on these texts, which is what outcomes tell best.
        level_error: Its posterior standard deviation, float64 (M,).
        difficulty: float64 (T,), in logits: −(ε_t + Σ ease of its skills).
        difficulty_error: Posterior standard deviation of ε_t given the rest, float64 (T,).
        skill_ease: Part of the easiness that every text with the skill has, float64 (S,).
        deviation: What the model has of the skill beyond its ability, float64 (M, S); 0 under `rasch`.
        precisions: Pooling, as estimated.
        log_likelihood: Of the outcomes, natural logarithm.
        converged: False if the optimiser stopped early.
    """

    model: str
    intercept: float
    ability: Floats
    level: Floats
    level_error: Floats
    difficulty: Floats
    difficulty_error: Floats
    skill_ease: Floats
    deviation: Floats
    precisions: Precisions
    log_likelihood: float
    converged: bool

    def log_odds(self, graph: SkillTextGraph, *, skills: bool = True) -> Floats:
        """Log-odds of every model on every text, float64 (M, T); without the deviations if not `skills`."""
        found = self.intercept + self.ability[:, None] - self.difficulty[None, :]
        if skills and np.any(self.deviation):
            found += np.asarray(_requirements(graph) @ self.deviation.T).T
        return found

    def probability(self, graph: SkillTextGraph, *, skills: bool = True) -> Floats:
        """P(solved) of every model on every text, float64 (M, T)."""
        return np.asarray(scipy.special.expit(self.log_odds(graph, skills=skills)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class SkillRates:
    """Solve rates of M models on the texts of each of S skills; NaN where the model attempted none of them.

    Attributes:
        rate: Expected share of the skill's texts that the model solves, float64 (M, S).
        error: Posterior standard deviation of `rate`, float64 (M, S).
        low: Lower end of the 95 % interval, float64 (M, S).
        high: Upper end.
        expected: The rate by ability and difficulty alone, float64 (M, S).
        observed: Mean outcome on the attempted texts, float64 (M, S).
        attempted: Number of these, int64 (M, S).
        texts: Number of texts that require the skill, int64 (S,).
    """

    rate: Floats
    error: Floats
    low: Floats
    high: Floats
    expected: Floats
    observed: Floats
    attempted: npt.NDArray[np.int64]
    texts: npt.NDArray[np.int64]

    def mastery(self, bar: float = 0.5) -> Floats:
        """Posterior probability that the rate is at least `bar`, float64 (M, S)."""
        rate = np.clip(self.rate, 1e-9, 1.0 - 1e-9)
        spread = np.maximum(self.error / (rate * (1.0 - rate)), 1e-9)
        return np.asarray(
            scipy.special.ndtr((scipy.special.logit(rate) - scipy.special.logit(bar)) / spread), dtype=np.float64
        )


def fit_item_response(
    graph: SkillTextGraph,
    scores: npt.ArrayLike,
    *,
    model: ResponseModel = "rasch+skills",
    precisions: Precisions | None = None,
    rounds: int = 8,
    start: ItemResponse | None = None,
) -> ItemResponse:
    """Fit ability, difficulty and skills by penalised likelihood, the pooling by empirical Bayes.

    With x_mt the score, φ(t) the skills of a text and all effects normal about 0,

        logit p_mt = μ + θ_m + ε_t + Σ_{s ∈ φ(t)} (β_s + δ_ms).

    `rasch` is μ + θ + ε (the one-parameter logistic model [Rasch1960]); `additive` is μ + θ + β + δ, the linear
    logistic test model with a deviation for each model (LLTM [Fischer1973], additive factor model [Cen2006]);
    `rasch+skills` has all terms (explanatory item response [DeBoeckWilson2004]). Newton's method in a trust region,
    its steps by conjugate gradients, finds the mode; the precision λ of each group of effects is then set to
    MacKay's fixed point D γ / Σ u², γ = n − λ tr H⁻¹ over its n effects, H being the Hessian (Laplace approximation),
    and D the dispersion Σ (x − p)² / Σ p(1 − p) per degree of freedom, below 1 for
    scores that are shares of several samples; both steps are repeated [MacKay1992]. λ is at least
    (D γ + 10) / (Σ u² + 10 / λ₀), λ₀ that of `Precisions()`, so that few outcomes do not pool too little. Abilities
    have mean 0. A score between 0 and 1 weighs in as that share of one attempt.

    Args:
        graph: T texts, S skills.
        scores: float (M, T), in 0–1, NaN where not attempted.
        model: Which terms.
        precisions: Fixed pooling; estimated if None.
        rounds: Most rounds of empirical Bayes.
        start: A fit of much the same outcomes, such as these with those that are held out here: its effects and
            their precisions are where the search begins. That saves time and leaves the mode where it is, up to the
            tolerance.

    Returns:
        The fit. Memory: a few arrays (M, T) and (M, S) of float64.

    Raises:
        AnalysisError: Scores of another shape or outside 0–1, no outcome, an unknown model, or a start of another
            shape.

    >>> graph = SkillTextGraph.from_csr([0, 1, 2, 3], [0, 0, 1], n_skills=2)
    >>> found = fit_item_response(graph, [[1, 1, 0], [1, 0, 0]])
    >>> bool(found.ability[0] > found.ability[1]), bool(found.difficulty[2] > found.difficulty[0])
    (True, True)
    """
    if model not in _BLOCKS:
        raise AnalysisError(f"model {model!r} is not one of {', '.join(_BLOCKS)}")
    problem = _Problem(graph, _checked(graph, scores), _BLOCKS[model])
    at = precisions or _before(start, model)
    mode, settled = problem.mode(at, None if start is None else problem.effects_of(start))
    for _ in range(rounds if precisions is None else 0):
        new = problem.pooled(at, mode)
        moved = max(abs(np.log(a / b)) for a, b in zip(_tuple(new), _tuple(at), strict=True))
        at = new
        mode, settled = problem.mode(at, mode)
        if moved < 0.05:
            break
    return problem.fitted(model, at, mode, settled)


def _before(start: ItemResponse | None, model: str) -> Precisions:
    """Precisions to begin with: those of the start, where it has the same effects."""
    if start is None:
        return Precisions()
    if start.model == model:
        return start.precisions
    usual = Precisions()
    shared = [a and b for a, b in zip(_BLOCKS[start.model], _BLOCKS[model], strict=True)]
    given = (True, *shared)
    return Precisions(
        *(a if kept else b for a, b, kept in zip(_tuple(start.precisions), _tuple(usual), given, strict=True))
    )


def place(graph: SkillTextGraph, scores: npt.ArrayLike, calibrated: ItemResponse) -> ItemResponse:
    """Ability and deviations of further models on the scale of a fit, whose difficulties and pooling stay as they are.

    Args:
        graph: The graph of the fit.
        scores: float (M', T), NaN where not attempted.
        calibrated: The fit.

    Returns:
        A fit with M' models and the intercept, difficulties, ease and precisions of `calibrated`.

    Raises:
        AnalysisError: As `fit_item_response`.

    >>> graph = SkillTextGraph.from_csr([0, 1, 2, 3], [0, 0, 1], n_skills=2)
    >>> fit = fit_item_response(graph, [[1, 1, 0], [1, 0, 0]])
    >>> better, worse = place(graph, [[1, 1, 1], [0, 0, 0]], fit).ability
    >>> bool(better > worse)
    True
    """
    blocks = _BLOCKS[calibrated.model]
    problem = _Problem(
        graph,
        _checked(graph, scores),
        (False, False, blocks[2]),
        offset=calibrated.intercept - calibrated.difficulty,
    )
    mode, settled = problem.mode(calibrated.precisions, None)
    found = problem.fitted(calibrated.model, calibrated.precisions, mode, settled)
    return ItemResponse(
        model=calibrated.model,
        intercept=calibrated.intercept,
        ability=found.ability,
        level=found.level,
        level_error=found.level_error,
        difficulty=calibrated.difficulty,
        difficulty_error=calibrated.difficulty_error,
        skill_ease=calibrated.skill_ease,
        deviation=found.deviation,
        precisions=calibrated.precisions,
        log_likelihood=found.log_likelihood,
        converged=found.converged,
    )


def skill_rates(graph: SkillTextGraph, scores: npt.ArrayLike, fit: ItemResponse) -> SkillRates:
    """Solve rates on the texts of each skill, with the skill's effects and without.

    rate_ms = mean of p_mt over the n texts t that require s. Its posterior variance (delta method) has two parts: a
    common shift of the log-odds of these texts, and the difficulty of each text,

        ((Σ g c / (c + w))² / (Σ w c / (c + w) + κ_s) + Σ g² / (c + w)) / n²,

    with g = p(1−p), w = g of an attempted text and 0 of another, and c the precision of the difficulty by the other
    outcomes. 1/κ_s is the prior variance of the shift: that of the model's level and Σ_s' f²_ss' (1/λ + e_s'), with
    f_ss' the share of the texts of s that require s' too and e_s' the variance of the ease that all models share.
    Where difficulties are not estimated, c is their precision in `fit.precisions` and the first sum is Σ g.

    Args:
        graph: The graph of the fit.
        scores: Outcomes of the fit's models, float (M, T).
        fit: The fit.

    Returns:
        Rates.

    >>> graph = SkillTextGraph.from_csr([0, 1, 2, 3], [0, 0, 1], n_skills=2)
    >>> scores = [[1, 1, 0], [1, 0, 0]]
    >>> found = skill_rates(graph, scores, fit_item_response(graph, scores))
    >>> bool((found.rate[:, 0] > found.rate[:, 1]).all())
    True
    """
    table = _checked(graph, scores)
    required = _requirements(graph)
    texts = np.asarray(required.sum(axis=0)).ravel().astype(np.int64)
    tried = ~np.isnan(table)
    p = fit.probability(graph)
    plain = fit.probability(graph, skills=False)
    across = required.T.tocsr()

    def total(values: Floats) -> Floats:
        return np.asarray((across @ values.T).T, dtype=np.float64)

    spread = p * (1.0 - p)
    attempted = total(tried.astype(np.float64))
    shared = (across @ required).tocsr()
    shared.data = (shared.data / np.repeat(np.maximum(texts, 1), np.diff(shared.indptr))) ** 2
    effects = 1.0 / fit.precisions.deviation
    if np.any(fit.skill_ease):
        # What other models tell about the ease that all of them share.
        own = total(spread * tried)
        effects = effects + 1.0 / (own.sum(axis=0)[None, :] - own + fit.precisions.skill)
    variance = np.asarray(shared @ np.broadcast_to(effects, (len(table), graph.n_skills)).T).T + float(
        np.mean(fit.level_error**2)
    )
    told = _marginal(spread * tried, fit.difficulty_error**2, fit.precisions.difficulty)
    information = total(told) + 1.0 / np.maximum(variance, 1e-9)
    # Where nothing was attempted there is no rate.
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, expected = (total(values) / texts for values in (p, plain))
        observed = total(np.nan_to_num(table)) / attempted
        weight = spread * tried
        if np.any(fit.difficulty_error > 0.0):
            others = _without_own(weight, fit.difficulty_error**2, fit.precisions.difficulty)
            slope = total(spread * others / (others + weight)) / texts
        else:
            others = np.full_like(spread, fit.precisions.difficulty)
            slope = total(spread) / texts
        error = np.sqrt(slope**2 / information + total(spread**2 / (others + weight)) / texts**2)
        clipped = np.clip(rate, 1e-9, 1.0 - 1e-9)
        on_logit = 1.959964 * error / (clipped * (1.0 - clipped))
        low, high = (scipy.special.expit(scipy.special.logit(clipped) + sign * on_logit) for sign in (-1.0, 1.0))
    blank = attempted == 0
    rate, error, low, high, expected, observed = (
        np.where(blank, np.nan, values) for values in (rate, error, low, high, expected, observed)
    )
    return SkillRates(rate, error, low, high, expected, observed, attempted.astype(np.int64), texts)


def _marginal(weight: Floats, variance: Floats, precision: float) -> Floats:
    """Information of outcomes (M, T) about a shift of log-odds, the difficulties being uncertain: w / (1 + w v).

    v is the variance of the difficulty without the outcome itself, whose weight its posterior variance includes.
    """
    if not np.any(variance > 0.0):
        return weight
    return weight / (1.0 + weight / _without_own(weight, variance, precision))


def _without_own(weight: Floats, variance: Floats, precision: float) -> Floats:
    """Precision of each difficulty by the other outcomes, float64 (M, T)."""
    return np.maximum(1.0 / np.maximum(variance, 1e-12)[None, :] - weight, precision)


class _Problem:
    """The penalised likelihood over u = (μ, θ, ε, β, δ), scaled by the diagonal of its Hessian."""

    def __init__(
        self, graph: SkillTextGraph, table: Floats, blocks: tuple[bool, bool, bool], offset: Floats | None = None
    ) -> None:
        tried = ~np.isnan(table)
        if not tried.any():
            raise AnalysisError("no model attempted any text: there is no outcome to fit")
        # Texts are the rows here, so that products with the requirements neither copy nor stride.
        self.scores = np.ascontiguousarray(np.nan_to_num(table).T)
        self.weights = np.ascontiguousarray(tried.T, dtype=np.float64)
        self.required = _requirements(graph)
        self.across = self.required.T.tocsr()
        self.shape = (*table.shape, graph.n_skills)
        self.offset = offset
        # Where no text has two outcomes, its difficulty cannot be told from the outcome.
        self.blocks = (blocks[0] and int(tried.sum(axis=0).max()) > 1, *blocks[1:])
        models, texts, skills = self.shape
        sizes = (
            int(offset is None),
            models,
            texts * self.blocks[0],
            skills * self.blocks[1],
            models * skills * self.blocks[2],
        )
        self.bounds = np.concatenate(([0], np.cumsum(sizes)))

    def _split(self, u: Floats) -> tuple[Floats, ...]:
        return tuple(u[a:b] for a, b in zip(self.bounds[:-1], self.bounds[1:], strict=True))

    def effects_of(self, fit: ItemResponse) -> Floats:
        """The effects of another fit, as far as they have a place here."""
        models, texts, skills = self.shape
        if fit.deviation.shape != (models, skills) or fit.difficulty.shape != (texts,):
            raise AnalysisError(
                f"the fit to start from is of {fit.deviation.shape[0]} models, {len(fit.difficulty)} texts and "
                f"{fit.deviation.shape[1]} skills, not of {models}, {texts} and {skills}"
            )
        ease = -fit.difficulty
        if self.blocks[1]:
            ease = ease - self.required @ fit.skill_ease
        parts = (np.array([fit.intercept]), fit.ability, ease, fit.skill_ease, fit.deviation.T.ravel())
        return np.concatenate([part[:size] for part, size in zip(parts, np.diff(self.bounds), strict=True)])

    def _log_odds(self, u: Floats) -> Floats:
        found = self._linear(u)
        if self.offset is not None:
            found += self.offset[:, None]
        return found

    def _linear(self, u: Floats) -> Floats:
        """What the effects add up to, float64 (T, M)."""
        models, _, skills = self.shape
        intercept, ability, ease, skill, deviation = self._split(u)
        by_text = np.zeros(self.shape[1])
        if len(ease):
            by_text += ease
        if len(skill):
            by_text += self.required @ skill
        by_model = ability + intercept[0] if len(intercept) else ability
        if not len(deviation):
            return by_text[:, None] + by_model[None, :]
        found = np.asarray(self.required @ deviation.reshape(skills, models))
        found += by_text[:, None]
        found += by_model[None, :]
        return found

    def _sums(self, values: Floats) -> list[Floats]:
        """Transpose of `_linear`: values (T, M) summed for each effect."""
        by_text = values.sum(axis=1)
        return [
            np.array([by_text.sum()] if self.offset is None else []),
            values.sum(axis=0),
            by_text if self.blocks[0] else np.empty(0),
            self.across @ by_text if self.blocks[1] else np.empty(0),
            np.asarray(self.across @ values).ravel() if self.blocks[2] else np.empty(0),
        ]

    def _penalties(self, at: Precisions) -> Floats:
        # The intercept has the loosest of priors, so that outcomes that are all alike still have a mode.
        each = (0.01, at.ability, at.difficulty, at.skill, at.deviation)
        return np.repeat(each, np.diff(self.bounds))

    @on_one_thread
    def mode(self, at: Precisions, start: Floats | None) -> tuple[Floats, bool]:
        penalty = self._penalties(at)
        information = np.concatenate(self._sums(0.15 * self.weights))
        scale = 1.0 / np.sqrt(information + penalty)

        curvature: list[Floats] = []

        def value(v: Floats) -> tuple[float, Floats]:
            u = v * scale
            odds = self._log_odds(u)
            # ln(1 + e^x) and the logistic function of x from one exponential, e^−|x|.
            small = np.exp(-np.abs(odds))
            loss = float(np.vdot(self.weights, np.maximum(odds, 0.0) + np.log1p(small) - self.scores * odds))
            p = np.where(odds >= 0.0, 1.0, small) / (1.0 + small)
            curvature[:] = [v, self.weights * p * (1.0 - p)]
            slope = np.concatenate(self._sums(self.weights * (p - self.scores))) + penalty * u
            return loss + 0.5 * float(penalty @ (u * u)), slope * scale

        def product(v: Floats, direction: Floats) -> Floats:
            if not np.array_equal(curvature[0], v):
                value(v)
            step = direction * scale
            return (np.concatenate(self._sums(curvature[1] * self._linear(step))) + penalty * step) * scale

        begin = np.zeros(len(penalty)) if start is None else start / scale
        # The slope is in standard deviations of the effects, all of them together; of very many each may add its part.
        tolerance = _TOLERANCE * max(1.0, float(np.sqrt(len(penalty) / _FEW)))
        found = scipy.optimize.minimize(
            value,
            begin,
            jac=True,
            hessp=product,
            method="trust-ncg",
            options={
                "gtol": tolerance,
                "maxiter": _STEPS,
                "initial_trust_radius": _RADIUS,
                "max_trust_radius": 1e3 * _RADIUS,
            },
        )
        return found.x * scale, bool(found.success)

    def _information(self, u: Floats) -> list[Floats]:
        p = scipy.special.expit(self._log_odds(u))
        return self._sums(self.weights * p * (1.0 - p))

    def _traces(self, spread: Floats, at: Precisions) -> list[float]:
        """Σ of the posterior variances of each group of effects: exact for few, by Hutchinson's estimate for many.

        tr H⁻¹ = E zᵀH⁻¹z over signs z, each solve by conjugate gradients preconditioned with the diagonal.
        """
        penalty = self._penalties(at)
        diagonal = np.concatenate(self._sums(spread)) + penalty
        n = len(penalty)

        def product(v: Floats) -> Floats:
            return np.concatenate(self._sums(spread * self._linear(v))) + penalty * v

        if n <= _DENSE:
            dense = np.array([product(row) for row in np.eye(n)])
            variance = np.diag(np.linalg.inv(dense))
            return [float(part.sum()) for part in self._split(variance)[1:]]
        rng = np.random.default_rng(0)
        from scipy.sparse import linalg as sparse_linalg

        operator = sparse_linalg.LinearOperator((n, n), matvec=product)
        precondition = sparse_linalg.LinearOperator((n, n), matvec=lambda v: v / diagonal)
        sums = np.zeros(4)
        probes = _PROBES if n < 3_000 else _PROBES // 3
        for _ in range(probes):
            # With the square root of the diagonal in the probe every variance is of like size, so few probes do.
            z = rng.choice([-1.0, 1.0], n)
            scaled = z * np.sqrt(diagonal)
            solved, _ = sparse_linalg.cg(operator, scaled, rtol=1e-3, maxiter=200, M=precondition)
            sums += [float(part.sum()) for part in self._split(z * solved / np.sqrt(diagonal))[1:]]
        return [float(total) / probes for total in sums]

    @on_one_thread
    def pooled(self, at: Precisions, u: Floats) -> Precisions:
        """MacKay's fixed point for each group of effects."""
        p = scipy.special.expit(self._log_odds(u))
        spread = self.weights * p * (1.0 - p)
        groups = list(zip(self._split(u)[1:], self._sums(spread)[1:], _tuple(at), strict=True))
        told = [
            len(effects) - before * left
            for (effects, _, before), left in zip(groups, self._traces(spread, at), strict=True)
        ]
        # Residuals of what was fitted are smaller by the share of the outcomes that the effects take up.
        free = max(1.0 - sum(told) / self.weights.sum(), 0.1)
        dispersion = float((self.weights * (self.scores - p) ** 2).sum() / spread.sum() / free)
        found = []
        for (effects, _, before), amount, usual in zip(groups, told, _tuple(Precisions()), strict=True):
            squares, told_of = float(effects @ effects), min(dispersion, 1.0) * amount
            new, longer = before, 1.0
            if len(effects):
                # Few outcomes may make effects look larger than they are, so they are pooled as if a few had been
                # seen before; they are never pooled less than the outcomes ask for.
                asked = told_of / squares if squares > 0.0 else _MOST_PRECISE
                new = max(asked, (told_of + _SEEN) / (squares + _SEEN / usual))
                # A step leaves up to 1 − γ/n of the way to the fixed point: it is made as much longer as is safe.
                most = _LONGEST if told_of > 10.0 * _SEEN else 1.5
                longer = float(np.clip(len(effects) / max(amount, 1e-9), 1.0, most))
            found.append(float(np.clip(before * (new / before) ** longer, _LEAST_PRECISE, _MOST_PRECISE)))
        return Precisions(*found)

    def fitted(self, model: str, at: Precisions, u: Floats, settled: bool) -> ItemResponse:
        models, texts, skills = self.shape
        intercept, ability, ease, skill, deviation = self._split(u)
        centre = float(ability.mean()) if len(intercept) else 0.0
        information = self._information(u)
        odds = self._log_odds(u)
        p = scipy.special.expit(odds)
        eased = 1.0 / (information[2] + at.difficulty) if len(ease) else np.zeros(texts)
        told = _marginal((self.weights * p * (1.0 - p)).T, eased, at.difficulty).sum(axis=1)
        by_model = np.ascontiguousarray(deviation.reshape(skills, models).T) if len(deviation) else None
        uses = np.bincount(self.required.indices, minlength=skills) / max(texts, 1)
        level = ability + (by_model @ uses if by_model is not None else 0.0)
        likelihood = float(np.sum(self.weights * (self.scores * odds - np.logaddexp(0.0, odds))))
        easiness = ease if len(ease) else np.zeros(texts)
        by_skill = self.required @ skill if len(skill) else np.zeros(texts)
        arrays = {
            "ability": ability - centre,
            "level": level - (float(level.mean()) if len(intercept) else 0.0),
            "level_error": 1.0 / np.sqrt(told + at.ability),
            "difficulty": -(easiness + by_skill),
            "difficulty_error": 1.0 / np.sqrt(information[2] + at.difficulty) if len(ease) else np.zeros(texts),
            "skill_ease": skill.copy() if len(skill) else np.zeros(skills),
            "deviation": np.zeros((models, skills)) if by_model is None else by_model,
        }
        for array in arrays.values():
            array.flags.writeable = False
        return ItemResponse(
            model=model,
            intercept=float(intercept[0]) + centre if len(intercept) else 0.0,
            precisions=at,
            log_likelihood=likelihood,
            converged=settled,
            **arrays,
        )


def _tuple(at: Precisions) -> tuple[float, float, float, float]:
    return at.ability, at.difficulty, at.skill, at.deviation


def _requirements(graph: SkillTextGraph) -> scipy.sparse.csr_matrix:
    """T × S, 1.0 where the text requires the skill."""
    return scipy.sparse.csr_matrix(
        (np.ones(len(graph.text_skills)), graph.text_skills, graph.text_ptr), shape=(graph.n_texts, graph.n_skills)
    )


def _checked(graph: SkillTextGraph, scores: npt.ArrayLike) -> Floats:
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != graph.n_texts or not len(table):
        raise AnalysisError(f"scores must have shape (M, {graph.n_texts}), not {np.asarray(scores).shape}")
    with np.errstate(invalid="ignore"):
        wrong = (table < 0.0) | (table > 1.0)
    if wrong.any():
        model, text = np.argwhere(wrong)[0].tolist()
        raise AnalysisError(f"score [{model}, {text}] is {table[model, text]}; scores must be from 0 to 1")
    return table
