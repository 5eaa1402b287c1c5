"""Replicates of random graphs beside a prediction, with a tolerance that follows from their own spread."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from analysis.components import components
from analysis.graph import SkillTextGraph
from analysis.learners import Learner
from analysis.peeling import PeelingResult, novel_skill_counts, peel


def replicates(seed: int, n: int = 8) -> Iterator[np.random.Generator]:
    """One generator for each replicate, all from one seed."""
    for sequence in np.random.SeedSequence(seed).spawn(n):
        yield np.random.default_rng(sequence)


def assert_mean(values: list[float] | np.ndarray, expected: float, *, skills: int, what: str = "") -> None:
    """The mean of replicates agrees with a prediction for infinitely many skills.

    Six standard errors: with 8 replicates the statistic is Student's t with 7 degrees of freedom, which exceeds 6
    in 0.05 % of all cases, and the seeds are fixed. 30/S is for the finite size: away from criticality the mean of a
    fraction is off by a few skills, O(1/S), and repeated draws of a skill cost O(1/S) of the edges.
    """
    values = np.asarray(values, dtype=np.float64)
    error = values.std(ddof=1) / np.sqrt(values.size)
    assert abs(values.mean() - expected) <= 6.0 * error + 30.0 / skills, (
        f"{what}: measured {values.mean():.5f} ± {error:.5f}, predicted {expected:.5f}"
    )


def learn(graph: SkillTextGraph, learner: Learner, rng: np.random.Generator, **options: object) -> PeelingResult:
    """Peel with the learner's capacities."""
    return peel(graph, learner.capacities(graph.n_texts, rng), **options)  # type: ignore[arg-type]


def measure(
    seed: int,
    learner: Learner,
    draw: Callable[[np.random.Generator], SkillTextGraph],
    *,
    known: float = 0.0,
    n: int = 8,
) -> dict[str, np.ndarray]:
    """Learned fraction, understood texts and both giant components of n random graphs, each shape (n,)."""
    rows = []
    for rng in replicates(seed, n):
        graph = draw(rng)
        result = learn(graph, learner, rng, known=rng.random(graph.n_skills) < known)
        rows.append(
            (
                result.n_learned / graph.n_skills,
                novel_skill_counts(graph, result.learned)[0] / graph.n_texts,
                components(graph, result.learned, "any").giant_fraction,
                components(graph, result.learned, "understood").giant_fraction,
            )
        )
    return dict(zip(("learned", "understood_texts", "any", "understood"), np.array(rows).T, strict=True))
