"""Monte-Carlo replicates of learning on random graphs, in parallel and reproducible from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import numpy as np
import numpy.typing as npt

from analysis._kernels import Engine, compiled, expect
from analysis._words import poisson_thresholds
from analysis.components import components
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learners import Learner
from analysis.peeling import PeelingResult, Prerequisites, peel
from analysis.sampling import poisson_graph

__all__ = [
    "CapacitySampler",
    "LearningReplicates",
    "Replicates",
    "learned_fraction_replicates",
    "learning_replicates",
    "replicate",
    "replicates_of_learning",
    "subsample_replicates",
]

CapacitySampler = Callable[[np.random.Generator, int], npt.ArrayLike]
"""Draws the capacities of T texts from a generator: integers (T,)."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """Independent repetitions of one random experiment.

    Attributes:
        values: Result of each replicate, float64 (n,).
        seed: Seed that the generators of the replicates were spawned from.
    """

    values: npt.NDArray[np.float64]
    seed: int

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return float(self.values.mean())

    @property
    def standard_deviation(self) -> float:
        """Standard deviation of one replicate; NaN for a single one."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else float("nan")

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; NaN for a single replicate."""
        return self.standard_deviation / float(np.sqrt(len(self.values)))

    def band(self, level: float = 0.95) -> tuple[float, float]:
        """The central interval that holds this share of the replicates.

        Raises:
            AnalysisError: The level is not between 0 and 1.

        >>> Replicates(np.arange(101.0), seed=0).band(0.5)
        (25.0, 75.0)
        """
        if not 0 < level < 1:
            raise AnalysisError(f"level is {level}; it must be between 0 and 1")
        low, high = np.quantile(self.values, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def replicate(
    experiment: Callable[[np.random.Generator], float], replicates: int, *, seed: int, workers: int = 1
) -> Replicates:
    """Repeat an experiment, each time with a generator of its own spawned from the seed.

    The values do not depend on the number of workers. Workers are threads: they run at the same time where
    the experiment leaves the interpreter's lock, as the compiled kernels do. One stream of random numbers for each
    replicate is the idea of [SteeleLeaFlood2014]; here numpy's `SeedSequence` splits the seed.

    Args:
        experiment: Called with a generator; called by several threads at a time if there are several workers.
        replicates: How often, at least 1.
        seed: From 0 on.
        workers: Number of threads, at least 1.

    Returns:
        The result of each replicate, float64 (replicates,), in the experiment's unit.

    Raises:
        AnalysisError: No replicates, no workers or a negative seed.

    >>> replicate(lambda rng: rng.random(), 3, seed=1).values.round(3).tolist()
    [0.699, 0.476, 0.233]
    """
    return _replicate_all(lambda rng: (experiment(rng),), 1, replicates, seed=seed, workers=workers)[0]


def _replicate_all(
    experiment: Callable[[np.random.Generator], Sequence[float]], size: int, replicates: int, *, seed: int, workers: int
) -> list[Replicates]:
    """`replicate` for an experiment with several results."""
    for name, value in (("replicates", replicates), ("workers", workers)):
        if value < 1:
            raise AnalysisError(f"{name} is {value}; it must be at least 1")
    if seed < 0:
        raise AnalysisError(f"seed is {seed}; it must be at least 0")
    sequences = np.random.SeedSequence(seed).spawn(replicates)
    values = np.empty((size, replicates))

    def run(worker: int) -> None:
        for i in range(worker, replicates, workers):
            values[:, i] = experiment(np.random.default_rng(sequences[i]))

    if workers == 1:
        run(0)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(run, range(workers)))
    values.flags.writeable = False
    return [Replicates(row, seed) for row in values]


@dataclass(frozen=True, eq=False)
class LearningReplicates:
    """What repeated learning on random graphs gives; fractions of all skills or texts.

    Attributes:
        learned: Learned fraction 1-q of the skills.
        understood: Fraction of the texts that end up understood.
        waves: Number of rounds until nothing more is learned.
        giant: Largest component of the learned skills, joined by any text, as a fraction of all skills.
    """

    learned: Replicates
    understood: Replicates
    waves: Replicates
    giant: Replicates


def learning_replicates(
    draw: Callable[[np.random.Generator], SkillTextGraph],
    learner: Learner,
    *,
    known: npt.ArrayLike | None = None,
    prerequisites: Prerequisites | None = None,
    replicates: int = 100,
    seed: int = 0,
    workers: int = 1,
) -> LearningReplicates:
    """Learn on random graphs of one kind again and again: Monte-Carlo bands for a graph of finite size.

    Each replicate peels a graph of its own as in [LCH2025]; finite-size scatter as in [Amraoui2009].

    Args:
        draw: Draws a graph from a generator; called by several threads at a time if there are several workers.
        learner: The rule by which texts teach; a random capacity is drawn anew for each graph.
        known: As for `peel`.
        prerequisites: As for `peel`.
        replicates: Number of graphs.
        seed: Each replicate has a generator of its own spawned from it.
        workers: Number of threads.

    Returns:
        Fractions in 0-1 of all skills (learned, giant) and texts (understood), and rounds, float64 (replicates,) each.

    Raises:
        AnalysisError: No replicates, no workers, a negative seed, or a learner without a rule per text.

    >>> from analysis.learners import OneSkillLearner
    >>> found = learning_replicates(lambda rng: poisson_graph(3.0, 1600, 2000, rng), OneSkillLearner(), replicates=20)
    >>> abs(found.learned.mean - 0.1909) < 4 * found.learned.standard_error + 0.002
    True
    """

    def learn(graph: SkillTextGraph, rng: np.random.Generator) -> PeelingResult:
        return peel(graph, learner.capacities(graph.n_texts, rng), known=known, prerequisites=prerequisites)

    return replicates_of_learning(draw, learn, replicates=replicates, seed=seed, workers=workers)


def replicates_of_learning(
    draw: Callable[[np.random.Generator], SkillTextGraph],
    learn: Callable[[SkillTextGraph, np.random.Generator], PeelingResult],
    *,
    replicates: int = 100,
    seed: int = 0,
    workers: int = 1,
) -> LearningReplicates:
    """`learning_replicates` for any way of learning, such as several stages of training.

    Args:
        draw: As for `learning_replicates`.
        learn: What is learned on a graph, and in which rounds; those of the last stage if there are several.
        replicates: Number of graphs.
        seed: Each replicate has a generator of its own spawned from it.
        workers: Number of threads.

    Returns:
        As for `learning_replicates`.

    Raises:
        AnalysisError: No replicates, no workers or a negative seed.

    >>> twice = lambda graph, rng: peel(graph, known=peel(graph).learned)
    >>> found = replicates_of_learning(lambda rng: poisson_graph(3.0, 1600, 2000, rng), twice, replicates=3)
    >>> found.waves.values.tolist()  # the second reading teaches nothing more
    [0.0, 0.0, 0.0]
    """
    expect(draw(np.random.default_rng(abs(seed))).n_edges * replicates)

    def experiment(rng: np.random.Generator) -> Sequence[float]:
        graph = draw(rng)
        result = learn(graph, rng)
        text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
        novel = np.zeros(graph.n_texts, dtype=bool)
        novel[text_of[~result.learned[graph.text_skills]]] = True
        sizes = components(graph, result.learned).sizes
        n_skills = max(graph.n_skills, 1)
        return (
            result.n_learned / n_skills,
            1.0 - float(novel.mean()) if graph.n_texts else 0.0,
            float(result.wave.max(initial=0)),
            (int(sizes[0]) if len(sizes) else 0) / n_skills,
        )

    return LearningReplicates(*_replicate_all(experiment, 4, replicates, seed=seed, workers=workers))


def learned_fraction_replicates(
    mean_skills: float,
    ratio: float,
    n_skills: int,
    *,
    capacity: int | CapacitySampler = 1,
    replicates: int = 100,
    seed: int = 0,
    workers: int = 1,
    engine: Engine = "auto",
) -> Replicates:
    """Learned fraction 1-q of random graphs of the Poisson ensemble: the Monte-Carlo band of a prediction.

    Each replicate draws a graph of S skills and T = round(R S) texts of Poisson(c) skills and peels it.
    Source: [LCH2025]; finite-size scatter as in [Amraoui2009].

    Args:
        mean_skills: c, mean number of draws of a text.
        ratio: R, texts per skill.
        n_skills: S, at least 1.
        capacity: Of every text; or a function of a generator and the number of texts that draws them all.
        replicates: Number of graphs.
        seed: Each replicate has a generator of its own spawned from it.
        workers: Number of threads.
        engine: `numpy`, `numba`, or `auto` to choose by size; the result is the same.

    Returns:
        Learned fraction of all skills in 0-1 of each replicate, float64 (replicates,).

    Raises:
        AnalysisError: A negative mean or ratio, fewer than one skill, replicate or worker, a negative seed, or an
            unknown engine.

    >>> band = learned_fraction_replicates(3.0, 0.8, 2000, replicates=20, seed=1)
    >>> abs(band.mean - 0.1909) < 4 * band.standard_error
    True
    """
    if not (np.isfinite(mean_skills) and mean_skills >= 0 and np.isfinite(ratio) and ratio >= 0):
        raise AnalysisError(f"mean_skills {mean_skills} and ratio {ratio} must be numbers of at least 0")
    if n_skills < 1:
        raise AnalysisError(f"n_skills is {n_skills}; it must be at least 1")
    n_texts = round(ratio * n_skills)
    fast = compiled(engine, int(mean_skills * n_texts * replicates))
    if isinstance(capacity, int) and capacity == 1 and not fast:
        thresholds = poisson_thresholds(mean_skills * n_texts / n_skills)

        def fraction(rng: np.random.Generator) -> float:
            graph = _graph_of_words(thresholds, n_texts, n_skills, rng)
            return peel(graph, engine="numpy").n_learned / n_skills

    elif isinstance(capacity, int) and capacity == 1:
        from analysis._kernels.replicates import PoissonReplicate

        memory = local()

        def fraction(rng: np.random.Generator) -> float:
            if not hasattr(memory, "graph"):
                memory.graph = PoissonReplicate(mean_skills, n_texts, n_skills)
            return int(memory.graph.learned(rng)) / n_skills

    else:

        def fraction(rng: np.random.Generator) -> float:
            graph = poisson_graph(mean_skills, n_texts, n_skills, rng)
            capacities = capacity if isinstance(capacity, int) else capacity(rng, n_texts)
            return peel(graph, capacities, engine="numba" if fast else "numpy").n_learned / n_skills

    return replicate(fraction, replicates, seed=seed, workers=workers)


def _graph_of_words(
    thresholds: npt.NDArray[np.uint64], n_texts: int, n_skills: int, rng: np.random.Generator
) -> SkillTextGraph:
    """The graph that the compiled `PoissonReplicate` draws from the same generator: one word a skill, half an edge."""
    degrees = np.searchsorted(thresholds, rng.bit_generator.random_raw(n_skills), side="right")
    n_edges = int(degrees.sum()) if n_texts else 0
    texts = np.empty(0, np.uint64)
    half = np.uint64(32)
    while len(texts) < n_edges:
        words = rng.bit_generator.random_raw((n_edges - len(texts)) // 2 + 1)
        products = np.stack((words & np.uint64(0xFFFFFFFF), words >> half), axis=1).ravel() * np.uint64(n_texts)
        accepted = (products & np.uint64(0xFFFFFFFF)) >= np.uint64(2**32 % n_texts)
        texts = np.concatenate((texts, products[accepted] >> half))
    skills = np.repeat(np.arange(n_skills), degrees)
    return SkillTextGraph.from_edges(
        texts[:n_edges].astype(np.int32), skills[:n_edges], n_texts, n_skills, engine="numpy"
    )


def subsample_replicates(
    graph: SkillTextGraph,
    shares: npt.ArrayLike,
    learner: Learner,
    *,
    prerequisites: Prerequisites | None = None,
    replicates: int = 10,
    seed: int = 0,
) -> npt.NDArray[np.float64]:
    """Learned fraction when only a random share of the texts of a graph is read.

    Each replicate puts the texts in random order; a share of them is a beginning of it, so larger shares hold the
    smaller ones. A share θ thins the skills' degrees, L(1 - θ (1 - z)): derived in docs/theory.md, section 2.

    Args:
        graph: T texts, S skills.
        shares: Shares of the texts in 0-1, shape (N,).
        learner: The rule by which texts teach.
        prerequisites: As for `peel`.
        replicates: Number of orders, at least 1.
        seed: Of the orders and capacities.

    Returns:
        Fractions of all S skills, float64 (replicates, N).

    Raises:
        AnalysisError: A share outside 0-1, no replicates, a negative seed, or a learner without a rule per text.

    >>> graph = SkillTextGraph.from_csr([0, 1, 3], [0, 0, 1], n_skills=2)
    >>> from analysis.learners import OneSkillLearner
    >>> subsample_replicates(graph, [0.0, 1.0], OneSkillLearner(), replicates=1).tolist()
    [[0.0, 1.0]]
    """
    grid = np.asarray(shares, dtype=np.float64)
    if not np.all((grid >= 0.0) & (grid <= 1.0)):
        raise AnalysisError("shares of the texts must be between 0 and 1")
    expect(int(graph.n_edges * replicates * grid.sum()))

    def experiment(rng: np.random.Generator) -> Sequence[float]:
        order, learned = rng.permutation(graph.n_texts), []
        for share in grid:
            part = graph.subset(np.sort(order[: round(share * graph.n_texts)]))
            result = peel(part, learner.capacities(part.n_texts, rng), prerequisites=prerequisites)
            learned.append(result.n_learned / max(graph.n_skills, 1))
        return learned

    return np.array([r.values for r in _replicate_all(experiment, len(grid), replicates, seed=seed, workers=1)]).T
