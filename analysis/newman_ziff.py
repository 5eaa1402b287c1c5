"""Site percolation on a real graph: the Newman–Ziff sweep through texts as hyperedges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis._kernels import Engine, compiled
from analysis._kernels.masks import bool_mask
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["SitePercolationCurve", "SitePercolationSweep", "convolve", "site_percolation", "targeted_order"]

Float64 = npt.NDArray[np.float64]

_PLAIN_COST = 10  # of an edge in plain Python beside one in numpy, for which the engine is chosen


@dataclass(frozen=True, eq=False)
class SitePercolationSweep:
    """Clusters as a function of the number of kept skills; entry k of each array is for k of n skills kept.

    Attributes:
        n: Number of skills that take part.
        largest: Mean size of the largest cluster in skills, float64 (n+1,).
        second: Mean size of the second-largest cluster, float64 (n+1,).
        susceptibility: Mean over replicates of Σ s² / Σ s over all clusters but the largest, s their sizes: the
            mean size of the cluster of a random skill outside the largest; 0 where there is no other cluster.
        largest_error: Standard error of `largest`, float64 (n+1,); NaN for a single replicate.
        second_error: Likewise.
        susceptibility_error: Likewise.
        replicates: Number of orders averaged over.
    """

    n: int
    largest: Float64
    second: Float64
    susceptibility: Float64
    largest_error: Float64
    second_error: Float64
    susceptibility_error: Float64
    replicates: int


@dataclass(frozen=True, eq=False)
class SitePercolationCurve:
    """Clusters as a function of the probability φ with which each skill is kept; all float64 (m,).

    Attributes:
        phi: Probabilities, 0–1.
        largest: Expected size of the largest cluster in skills.
        second: Expected size of the second-largest cluster.
        susceptibility: Expected mean finite cluster size.
        largest_error: Upper bound of the standard error of `largest` (points of one sweep are correlated: the
            bound is the average of their errors); NaN for a single replicate.
        second_error: Likewise.
        susceptibility_error: Likewise.
    """

    phi: Float64
    largest: Float64
    second: Float64
    susceptibility: Float64
    largest_error: Float64
    second_error: Float64
    susceptibility_error: Float64


def site_percolation(
    graph: SkillTextGraph,
    *,
    skills: npt.ArrayLike | None = None,
    texts: npt.ArrayLike | None = None,
    replicates: int = 16,
    rng: np.random.Generator | None = None,
    order: npt.ArrayLike | None = None,
    engine: Engine = "auto",
) -> SitePercolationSweep:
    """Keep skills one by one in random order and follow the clusters: all n+1 points in one sweep.

    Two kept skills are joined when a text requires both. Union–find through the texts, O(E) time and O(S+T)
    memory a replicate; the pairs are never built. Source: [NewmanZiff2000].

    Args:
        graph: T texts, S skills.
        skills: The skills that take part, bool (S,): e.g. the learned ones. Default all.
        texts: The texts that join skills, bool (T,): e.g. the understood ones. Default all.
        replicates: Number of random orders, each from a generator spawned from `rng`.
        rng: Source of the random orders.
        order: One given order instead: skill indices (n,), each skill that takes part once.
        engine: `numpy` (plain Python, which small graphs have done before numba is imported), `numba`, or `auto` to
            choose by size; the result is the same.

    Returns:
        Sizes in skills at each number of kept skills, float64 (n+1,) each, with standard errors.

    Raises:
        AnalysisError: A mask of the wrong shape, no replicates, neither `rng` nor `order` given, an order
            that is not one of the skills that take part, or an unknown engine.

    >>> graph = SkillTextGraph.from_csr([0, 2, 4], [0, 1, 1, 2], n_skills=3)
    >>> site_percolation(graph, order=[0, 2, 1]).largest.tolist()
    [0.0, 1.0, 1.0, 3.0]
    """
    sites = np.flatnonzero(bool_mask("skills", skills, graph.n_skills)).astype(np.int32)
    joining = None if texts is None else bool_mask("texts", texts, graph.n_texts)
    orders: Iterable[npt.NDArray[np.int32]]
    if order is not None:
        orders, replicates = [_given_order(order, sites)], 1
    elif rng is None:
        raise AnalysisError("site percolation needs a generator `rng` or an `order` of the skills")
    elif replicates < 1:
        raise AnalysisError(f"replicates is {replicates}; it must be at least 1")
    else:
        orders = (generator.permutation(sites) for generator in rng.spawn(replicates))
    means = np.zeros((3, len(sites) + 1))
    squares = np.zeros((3, len(sites) + 1))
    if compiled(engine, _PLAIN_COST * replicates * (graph.n_edges + len(sites))):
        from analysis._kernels import percolation

        buffers = percolation.buffers(graph)
        for replicate, chosen in enumerate(orders, 1):
            clusters = percolation.sweep(graph, joining, chosen, buffers)
            percolation.average(clusters, replicate, means, squares)
    else:
        for replicate, chosen in enumerate(orders, 1):
            values = _plain_sweep(graph, joining, chosen)
            difference = values - means
            means += difference * (1.0 / replicate)
            squares += difference * (values - means)
    errors = np.sqrt(squares / (replicates * (replicates - 1))) if replicates > 1 else np.full_like(squares, np.nan)
    for array in (means, errors):
        array.flags.writeable = False
    return SitePercolationSweep(
        n=len(sites),
        largest=means[0],
        second=means[1],
        susceptibility=means[2],
        largest_error=errors[0],
        second_error=errors[1],
        susceptibility_error=errors[2],
        replicates=replicates,
    )


def _plain_sweep(graph: SkillTextGraph, texts: npt.NDArray[np.bool_] | None, order: npt.NDArray[np.int32]) -> Float64:
    """Largest and second-largest cluster and susceptibility after each skill of `order`, float64 (3, n+1)."""
    parent: list[int] = []  # skills by their place in the order
    size: list[int] = []
    clusters = [0] * (len(order) + 2)  # number of clusters of each size
    newest = [-1] * graph.n_texts  # the skill of each text that arrived last
    joins = [True] * graph.n_texts if texts is None else texts.tolist()
    rows, pointers = graph.skill_texts.tolist(), graph.skill_ptr.tolist()
    squares = top = second = 0
    found = np.zeros((3, len(order) + 1))
    for place, skill in enumerate(order.tolist()):
        parent.append(place)
        size.append(1)
        root = place
        squares += 1
        for text in rows[pointers[skill] : pointers[skill + 1]]:
            if not joins[text]:
                continue
            other, newest[text] = newest[text], place
            if other < 0:
                continue
            while parent[other] != other:
                parent[other] = other = parent[parent[other]]
            if other != root:
                clusters[size[other]] -= 1
                squares += 2 * size[root] * size[other]
                if size[other] > size[root]:
                    root, other = other, root
                parent[other] = root
                size[root] += size[other]
        grown = size[root]
        clusters[grown] += 1
        if grown > top:
            second = top if clusters[top] else second
            top = grown
        else:
            second = max(second, grown)
        while second and not clusters[second]:
            second -= 1
        rest = place + 1 - top
        found[:, place + 1] = top, second, (squares - top * top) / rest if rest else 0.0
    return found


def convolve(sweep: SitePercolationSweep, phi: npt.ArrayLike) -> SitePercolationCurve:
    """The sweep as a function of φ, the probability that each skill is kept independently.

    Q(φ) = Σ_k C(n, k) φ^k (1-φ)^{n-k} Q_k for each quantity Q. The binomial weights are built outwards from
    their mode by their ratios and normalised, so none over- or underflows. Source: [NewmanZiff2000], eq. 2.

    Args:
        sweep: From `site_percolation`.
        phi: Probabilities, floats (m,) in 0–1.

    Returns:
        Expected sizes in skills at each φ, float64 (m,) each, with bounds of their standard errors.

    Raises:
        AnalysisError: A probability outside 0–1.

    >>> graph = SkillTextGraph.from_csr([0, 2], [0, 1], n_skills=2)
    >>> convolve(site_percolation(graph, order=[0, 1]), [0.5]).largest.tolist()
    [1.0]
    """
    probabilities = np.atleast_1d(np.asarray(phi, dtype=np.float64))
    if probabilities.ndim != 1 or not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise AnalysisError("phi must be probabilities, one-dimensional and in 0 to 1")
    quantities = np.stack(
        (
            sweep.largest,
            sweep.second,
            sweep.susceptibility,
            sweep.largest_error,
            sweep.second_error,
            sweep.susceptibility_error,
        )
    )
    result = np.empty((len(quantities), len(probabilities)))
    for i, p in enumerate(probabilities):
        start, weights = _binomial_weights(sweep.n, float(p))
        result[:, i] = quantities[:, start : start + len(weights)] @ weights
    return SitePercolationCurve(probabilities, *result)


def targeted_order(graph: SkillTextGraph, by: Literal["degree", "strength"] = "degree") -> npt.NDArray[np.int32]:
    """An order for `site_percolation` in which the most connected skills come last: targeted removal.

    Read the sweep from the right: entry n-k is what is left after the k most connected skills are removed. Source:
    [Callaway2000], targeted attack.

    Args:
        graph: T texts, S skills.
        by: `degree`, the number of texts that require the skill; or `strength`, Σ_t (|φ(t)| - 1) over these
            texts, the sum of its association weights.

    Returns:
        Skill indices by rising degree or strength, ties by index, int32 (S,).

    Raises:
        AnalysisError: `by` is none of the two.

    >>> targeted_order(SkillTextGraph.from_csr([0, 1, 2, 4], [0, 0, 0, 1], n_skills=2)).tolist()
    [1, 0]
    """
    if by == "degree":
        key = graph.skill_degrees
    elif by == "strength":
        others = np.concatenate(([0], np.cumsum((graph.text_degrees - 1)[graph.skill_texts])))
        key = others[graph.skill_ptr[1:]] - others[graph.skill_ptr[:-1]]
    else:
        raise AnalysisError(f"by {by!r} is not 'degree' or 'strength'")
    return np.argsort(key, kind="stable").astype(np.int32)


def _given_order(order: npt.ArrayLike, sites: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    given = np.asarray(order)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu") or not np.array_equal(np.sort(given), sites):
        raise AnalysisError(f"order must hold each of the {len(sites)} skills that take part once")
    return np.ascontiguousarray(given, dtype=np.int32)


def _binomial_weights(n: int, p: float) -> tuple[int, Float64]:
    """The first k and the probabilities of Binomial(n, p) from there on, leaving out less than 1e-16 in all."""
    if p in {0.0, 1.0}:
        return (n if p else 0), np.ones(1)
    mode = min(int((n + 1) * p), n)
    # Bernstein: at this distance from the mean each tail holds less than e^-40.
    reach = int(np.sqrt(80 * n * p * (1 - p)) + 30) + 1
    low, high = max(mode - reach, 0), min(mode + reach, n)
    odds = p / (1 - p)
    up = np.arange(mode + 1, high + 1, dtype=np.float64)
    down = np.arange(mode, low, -1, dtype=np.float64)
    rising = np.cumprod((n - up + 1) / up * odds)
    falling = np.cumprod(down / ((n - down + 1) * odds))
    weights = np.concatenate((falling[::-1], [1.0], rising))
    return low, weights / weights.sum()
