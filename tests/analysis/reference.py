"""Plain-Python twins of the kernels, written from the definitions: the oracles of the tests."""

from __future__ import annotations

from collections import Counter
from itertools import combinations


def rows(graph):
    """φ(t) of each text as lists."""
    ptr, skills = graph.text_ptr.tolist(), graph.text_skills.tolist()
    return [skills[ptr[t] : ptr[t + 1]] for t in range(len(ptr) - 1)]


def peel(texts, n_skills, capacity, known=(), learnable=None, prerequisites=()):
    """Rounds of parallel presentation; (wave, taught_by), dictionaries of the learned skills."""
    wave = dict.fromkeys(known, 0)
    taught_by = {}
    may = set(range(n_skills)) if learnable is None else set(learnable)
    before = {s: {p for p, q in prerequisites if q == s} for s in range(n_skills)}
    for k in range(1, n_skills + 2):
        learned = set(wave)
        for t, skills in enumerate(texts):
            novel = set(skills) - learned
            if len(novel) <= capacity[t] and novel <= may:
                for s in novel:
                    if before[s] <= learned:
                        wave[s] = k
                        taught_by[s] = min(t, taught_by.get(s, t))
    return wave, taught_by


def peel_in_order(texts, capacity, order):
    """One text at a time, again and again in the given order; the set of learned skills."""
    learned = set()
    while True:
        before = len(learned)
        for t in order:
            novel = set(texts[t]) - learned
            if len(novel) <= capacity[t]:
                learned |= novel
        if len(learned) == before:
            return learned


def used_rows(texts, learned, rule):
    """The learned skills of each text; under `understood` only of texts all of whose skills are learned."""
    return [[s for s in row if s in learned] for row in texts if rule == "any" or all(s in learned for s in row)]


def clusters(skills, hyperedges):
    """Connected clusters of `skills` by flooding, as sets, largest first, ties by smallest skill."""
    neighbours = {s: set() for s in skills}
    for row in hyperedges:
        present = [s for s in row if s in neighbours]
        for s in present:
            neighbours[s].update(present)
    found, left = [], set(skills)
    while left:
        cluster, stack = set(), [min(left)]
        while stack:
            s = stack.pop()
            if s not in cluster:
                cluster.add(s)
                stack.extend(neighbours[s])
        found.append(cluster)
        left -= cluster
    return sorted(found, key=lambda cluster: (-len(cluster), min(cluster)))


def percolation_sweep(texts, order):
    """(largest, second, mean finite cluster size) after each kept skill, from scratch each time."""
    sweep = []
    for n in range(len(order) + 1):
        sizes = [len(cluster) for cluster in clusters(order[:n], texts)]
        rest = sizes[1:]
        sweep.append(
            (
                sizes[0] if sizes else 0,
                rest[0] if rest else 0,
                sum(size**2 for size in rest) / sum(rest) if rest else 0.0,
            )
        )
    return sweep


def association_weights(texts, learned, rule, max_text_skills=None):
    """Weight of each pair of learned skills, keyed by (smaller, larger)."""
    weights = Counter()
    for row in used_rows(texts, learned, rule):
        if max_text_skills is None or len(row) <= max_text_skills:
            weights.update(combinations(sorted(set(row)), 2))
    return weights


def strongest_of_each(weights, k):
    """Pairs among the k heaviest of one of their two ends; ties go to the smaller neighbour."""
    of = {}
    for (a, b), weight in weights.items():
        of.setdefault(a, []).append((-weight, b))
        of.setdefault(b, []).append((-weight, a))
    kept = {(min(s, x), max(s, x)) for s, all_of in of.items() for _, x in sorted(all_of)[:k]}
    return {pair: weights[pair] for pair in kept}
