"""How many shortest paths pass through a node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Betweenness", "betweenness"]

_WORK = 15_000_000  # edges walked; a second or two
_FEWEST = 64


@dataclass(frozen=True, eq=False)
class Betweenness:
    """Betweenness of each node.

    Attributes:
        share: float64 (n,), share of the ordered pairs of other nodes whose shortest paths pass through it; where
            there are several shortest paths, each counts its part.
        samples: Number of nodes from which paths were followed.
        exact: True if they are all nodes.
    """

    share: npt.NDArray[np.float64]
    samples: int
    exact: bool


def betweenness(
    source: npt.NDArray[np.integer], target: npt.NDArray[np.integer], n: int, *, work: int = _WORK
) -> Betweenness:
    """Betweenness by shortest paths over undirected edges, each as long as any other ([Brandes2001]).

    With more than `work` edges to walk, paths are followed from a random part of the nodes, the same every time.

    Args:
        source: Integers (m,): one end of each edge.
        target: The other.
        n: Number of nodes.
        work: Number of starting nodes times edges.

    Returns:
        The share of paths through each node; exact if there was no need to draw.

    >>> betweenness(np.array([0, 1]), np.array([1, 2]), 3).share.tolist()
    [0.0, 1.0, 0.0]
    """
    m = len(source)
    if n < 3 or m == 0:
        return Betweenness(np.zeros(n), n, exact=True)
    import networkit as nk

    net = nk.GraphFromCoo((source, target), n=n, weighted=False, directed=False)
    samples = min(n, max(_FEWEST, work // m))
    if samples == n:
        exact = nk.centrality.Betweenness(net)
        exact.run()
        scores = np.asarray(exact.scores(), dtype=float)
    else:
        threads = nk.getMaxNumberOfThreads()
        nk.setNumberOfThreads(1)  # the sample depends on the thread that draws it
        try:
            nk.setSeed(1, False)
            estimate = nk.centrality.EstimateBetweenness(net, samples)
            estimate.run()
            scores = np.asarray(estimate.scores(), dtype=float)
        finally:
            nk.setNumberOfThreads(threads)
    return Betweenness(scores / ((n - 1) * (n - 2)), samples, exact=samples == n)
