"""Monte-Carlo replicates of learning on random graphs, in parallel and reproducible from a seed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.peeling import peel
from analysis.sampling import poisson_graph

__all__ = ["CapacitySampler", "Replicates", "learned_fraction_replicates", "replicate"]

CapacitySampler = Callable[[np.random.Generator, int], npt.ArrayLike]
"""Draws the capacities of so many texts from a generator: integers (T,)."""


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
    the experiment leaves the interpreter's lock, as the compiled kernels do.

    Args:
        experiment: Called with a generator; called by several threads at a time if there are several workers.
        replicates: How often, at least 1.
        seed: From 0 on.
        workers: Number of threads, at least 1.

    Raises:
        AnalysisError: No replicates, no workers or a negative seed.

    >>> replicate(lambda rng: rng.random(), 3, seed=1).values.round(3).tolist()
    [0.699, 0.476, 0.233]
    """
    for name, value in (("replicates", replicates), ("workers", workers)):
        if value < 1:
            raise AnalysisError(f"{name} is {value}; it must be at least 1")
    if seed < 0:
        raise AnalysisError(f"seed is {seed}; it must be at least 0")
    sequences = np.random.SeedSequence(seed).spawn(replicates)
    values = np.empty(replicates)

    def run(worker: int) -> None:
        for i in range(worker, replicates, workers):
            values[i] = experiment(np.random.default_rng(sequences[i]))

    if workers == 1:
        run(0)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(run, range(workers)))
    values.flags.writeable = False
    return Replicates(values, seed)


def learned_fraction_replicates(
    mean_skills: float,
    ratio: float,
    n_skills: int,
    *,
    capacity: int | CapacitySampler = 1,
    replicates: int = 100,
    seed: int = 0,
    workers: int = 1,
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

    Raises:
        AnalysisError: A negative mean or ratio, fewer than one skill, replicate or worker, or a negative seed.

    >>> band = learned_fraction_replicates(3.0, 0.8, 2000, replicates=20, seed=1)
    >>> abs(band.mean - 0.1909) < 4 * band.standard_error
    True
    """
    if not (np.isfinite(mean_skills) and mean_skills >= 0 and np.isfinite(ratio) and ratio >= 0):
        raise AnalysisError(f"mean_skills {mean_skills} and ratio {ratio} must be numbers from 0 on")
    if n_skills < 1:
        raise AnalysisError(f"n_skills is {n_skills}; it must be at least 1")
    n_texts = round(ratio * n_skills)
    if isinstance(capacity, int) and capacity == 1:
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
            return peel(graph, capacities, engine="numba").n_learned / n_skills

    return replicate(fraction, replicates, seed=seed, workers=workers)
