"""The posterior of conjunctive skills for one respondent with given slip and guess: exact, and by propagation.

Both see the outcomes only through the weight w_t of each text, the log-likelihood ratio of "all its skills are
mastered" against "one is lacking", so the posterior is

    P(α | x) ∝ ∏_s π^α_s (1-π)^(1-α_s) · exp(Σ_t w_t ∏_{s ∈ φ(t)} α_s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from analysis.components import components
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["Enumeration", "Inference", "Posterior", "Propagation", "largest_component"]

Floats = npt.NDArray[np.float64]

# Beyond these log-odds a cavity probability is 1 to double precision; the bound keeps its logarithm finite.
_LOG_ODDS_LIMIT = 35.0
_DAMPING = 0.5


@dataclass(frozen=True, eq=False)
class Posterior:
    """What one pass of inference finds.

    Attributes:
        mastery: P(α_s = 1 | x), float64 (S,).
        understood: P(all skills of the text are mastered | x), float64 (T,).
        log_partition: Logarithm of E_prior[exp(Σ w_t η_t)]: exact, or Bethe's approximation.
        converged: False if the messages had not settled.
    """

    mastery: Floats
    understood: Floats
    log_partition: float
    converged: bool


class Inference(Protocol):
    """The posterior of one respondent's skills on a fixed graph, called again and again by EM."""

    def __call__(self, weights: Floats, log_odds: float, *, final: bool = False) -> Posterior:
        """The posterior for these weights, float64 (T,), and prior log-odds; `final`: as precise as it gets."""
        ...


def largest_component(graph: SkillTextGraph) -> int:
    """Number of skills in the largest component that texts join."""
    return components(graph, np.ones(graph.n_skills, dtype=bool)).giant


class Enumeration:
    """All 2^k states of each component of k skills, by a sum over subsets: O(k 2^k) a component.

    With f(α) = Σ {w_t : φ(t) ⊆ α}, the subset-sum (zeta) transform of the weights placed at their texts' masks,
    and P(φ(t) ⊆ α | x) the superset sum of the posterior.
    """

    def __init__(self, graph: SkillTextGraph, max_skills: int) -> None:
        found = components(graph, np.ones(graph.n_skills, dtype=bool))
        if found.giant > max_skills:
            raise AnalysisError(
                f"{found.giant} skills are connected by the texts; all their states can be enumerated for at "
                f"most {max_skills} skills: use the method 'propagation'"
            )
        self._n_skills, self._n_texts = graph.n_skills, graph.n_texts
        text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
        first = graph.text_ptr[:-1][graph.text_degrees > 0]
        component_of_text = np.full(graph.n_texts, -1, np.int64)
        component_of_text[graph.text_degrees > 0] = found.label[graph.text_skills[first]]
        order = np.argsort(found.label, kind="stable")
        starts = np.concatenate(([0], np.cumsum(found.sizes)))
        place = np.empty(graph.n_skills, np.int64)
        place[order] = np.arange(graph.n_skills) - np.repeat(starts[:-1], found.sizes)
        masks = np.zeros(graph.n_texts, np.int64)
        np.bitwise_or.at(masks, text_of, np.int64(1) << place[graph.text_skills])
        by_component = np.argsort(component_of_text, kind="stable")
        bounds = np.searchsorted(component_of_text[by_component], np.arange(found.n_components + 1))
        self._parts = []
        for k in range(found.n_components):
            texts = by_component[bounds[k] : bounds[k + 1]]
            if len(texts):
                self._parts.append((order[starts[k] : starts[k + 1]], texts, masks[texts]))
        self._without_skills = np.flatnonzero(graph.text_degrees == 0)

    def __call__(self, weights: Floats, log_odds: float, *, final: bool = False) -> Posterior:
        """See `Inference`."""
        del final
        mastery = np.full(self._n_skills, float(_sigmoid(np.float64(log_odds))))
        understood = np.ones(self._n_texts)
        total = float(weights[self._without_skills].sum())
        for skills, texts, masks in self._parts:
            k = len(skills)
            states = np.zeros(1 << k)
            np.add.at(states, masks, weights[texts])
            for bit in range(k):
                pairs = states.reshape(-1, 2, 1 << bit)
                pairs[:, 1] += pairs[:, 0]
            states += _prior_of_states(k, log_odds)
            top = states.max()
            np.exp(states - top, out=states)
            mass = float(states.sum())
            total += float(top) + np.log(mass)
            states /= mass
            for bit in range(k):
                pairs = states.reshape(-1, 2, 1 << bit)
                pairs[:, 0] += pairs[:, 1]
            mastery[skills] = states[np.int64(1) << np.arange(k)]
            understood[texts] = states[masks]
        return Posterior(np.clip(mastery, 0.0, 1.0), np.clip(understood, 0.0, 1.0), total, converged=True)


class Propagation:
    """Loopy belief propagation on the factor graph, O(E) a sweep and three numbers an edge; exact on trees.

    Messages are log-odds: text t to skill s `u = log(1 + (e^w_t - 1) ∏ q_s'`) over the other skills s' of t, with
    q_s' the probability of s' without t. All of them are renewed at once, half-way (damping). The log-likelihood
    is Bethe's, `Σ_t log Z_t + Σ_s log Z_s - Σ_edges log Z_ts` [YFW2005].
    """

    def __init__(self, graph: SkillTextGraph) -> None:
        self._graph = graph
        self._text_of = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
        self._messages = np.zeros(graph.n_edges)

    def __call__(self, weights: Floats, log_odds: float, *, final: bool = False) -> Posterior:
        """See `Inference`; starts from the messages of the last call, or from none if `final`.

        There may be several fixed points: a last pass from nothing depends on the weights alone.
        """
        sweeps, tolerance = (2_000, 1e-8) if final else (20, 1e-4)
        if final:
            self._messages[:] = 0.0
        excess = np.expm1(weights)
        converged = False
        for _ in range(sweeps):
            log_q, log_all = self._cavities(log_odds)[1:]
            renewed = np.log1p(excess[self._text_of] * np.exp(log_all[self._text_of] - log_q))
            change = float(np.abs(renewed - self._messages).max(initial=0.0))
            self._messages += _DAMPING * (renewed - self._messages)
            if change < tolerance:
                converged = True
                break
        return self._belief(weights, log_odds, converged=converged)

    def _cavities(self, log_odds: float) -> tuple[Floats, Floats, Floats]:
        """Log-odds of each skill, log q of each edge, and their sum for each text."""
        graph = self._graph
        arriving = np.bincount(graph.text_skills, self._messages, minlength=graph.n_skills)
        gathered: Floats = log_odds + arriving.astype(np.float64)
        cavity = np.clip(gathered[graph.text_skills] - self._messages, -_LOG_ODDS_LIMIT, _LOG_ODDS_LIMIT)
        log_q: Floats = -np.logaddexp(0.0, -cavity)
        log_all = np.bincount(self._text_of, log_q, minlength=graph.n_texts).astype(np.float64)
        return gathered, log_q, log_all

    def _belief(self, weights: Floats, log_odds: float, *, converged: bool) -> Posterior:
        gathered, log_q, log_all = self._cavities(log_odds)
        with_all = np.exp(log_all)
        text_mass = 1.0 + np.expm1(weights) * with_all
        log_pi, log_rest = -np.logaddexp(0.0, -log_odds), -np.logaddexp(0.0, log_odds)
        skill_mass = np.logaddexp(log_pi + gathered - log_odds, log_rest)
        edge_mass = np.log1p(np.exp(log_q) * np.expm1(self._messages))
        return Posterior(
            mastery=_sigmoid(gathered),
            understood=np.exp(weights) * with_all / text_mass,
            log_partition=float(np.log(text_mass).sum() + skill_mass.sum() - edge_mass.sum()),
            converged=converged,
        )


def _prior_of_states(k: int, log_odds: float) -> Floats:
    """Log prior of each of the 2^k states."""
    masks = np.arange(1 << k, dtype=np.uint32)
    mastered = np.bitwise_count(masks).astype(np.float64)
    prior: Floats = mastered * log_odds - k * np.logaddexp(0.0, log_odds)
    return prior


def _sigmoid(values: npt.ArrayLike) -> Floats:
    result: Floats = np.exp(-np.logaddexp(0.0, -np.asarray(values, dtype=np.float64)))
    return result
