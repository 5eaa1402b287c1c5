"""Plain-Python twins: the conjunctive model by going through every state, and by sampling."""

from itertools import product

import numba
import numpy as np

from analysis.graph import SkillTextGraph


def rows(graph):
    return [set(graph.text_skills[a:b].tolist()) for a, b in zip(graph.text_ptr[:-1], graph.text_ptr[1:], strict=True)]


def enumerate_posterior(graph, scores, slip, guess, prior):
    """Mastery (S,), understood (T,), log-likelihood of one model; texts without skills and NaN say nothing."""
    texts = rows(graph)
    slip, guess = np.broadcast_to(slip, graph.n_texts), np.broadcast_to(guess, graph.n_texts)
    total, mastery, understood = 0.0, np.zeros(graph.n_skills), np.zeros(graph.n_texts)
    for state in product((0, 1), repeat=graph.n_skills):
        weight = np.prod([prior if on else 1 - prior for on in state])
        eta = np.zeros(graph.n_texts)
        for t, skills in enumerate(texts):
            if np.isnan(scores[t]) or not skills:
                continue
            eta[t] = all(state[s] for s in skills)
            p = 1 - slip[t] if eta[t] else guess[t]
            weight *= p ** scores[t] * (1 - p) ** (1 - scores[t])
        total += weight
        mastery += weight * np.array(state)
        understood += weight * eta
    return mastery / total, understood / total, np.log(total)


def random_graph(rng, n_texts, n_skills, mean_skills, *, least=1):
    sizes = np.maximum(rng.poisson(mean_skills, n_texts), least)
    return SkillTextGraph.from_edges(
        np.repeat(np.arange(n_texts), sizes), rng.integers(0, n_skills, sizes.sum()), n_texts, n_skills
    )


def understood_texts(graph, mastered):
    return np.array([all(mastered[s] for s in skills) for skills in rows(graph)], dtype=bool)


def simulate(rng, graph, share, slip, guess):
    """Which skills are mastered, and the outcomes."""
    mastered = rng.random(graph.n_skills) < share
    eta = understood_texts(graph, mastered)
    return mastered, (rng.random(graph.n_texts) < np.where(eta, 1 - slip, guess)).astype(float)


@numba.njit
def gibbs(text_ptr, text_skills, skill_ptr, skill_texts, weights, log_odds, state, sweeps, rng):
    """Mastery by Gibbs sampling from `state`, the first sixth of the sweeps left out."""
    lacking = np.zeros(len(text_ptr) - 1, np.int64)
    for t in range(len(lacking)):
        for e in range(text_ptr[t], text_ptr[t + 1]):
            lacking[t] += 1 - state[text_skills[e]]
    total = np.zeros(len(state))
    for sweep in range(sweeps):
        for s in range(len(state)):
            odds = log_odds
            for e in range(skill_ptr[s], skill_ptr[s + 1]):
                if lacking[skill_texts[e]] == 1 - state[s]:
                    odds += weights[skill_texts[e]]
            value = 1 if rng.random() < 1 / (1 + np.exp(-odds)) else 0
            if value != state[s]:
                for e in range(skill_ptr[s], skill_ptr[s + 1]):
                    lacking[skill_texts[e]] += state[s] - value
                state[s] = value
        if sweep >= sweeps // 6:
            total += state
    return total / (sweeps - sweeps // 6)
