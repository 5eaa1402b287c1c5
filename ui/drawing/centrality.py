"""How central skills are in an association graph: number of associations, and shortest paths through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ui.drawing.graphs import LayerGraph

__all__ = ["Betweenness", "betweenness", "degree"]

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


def degree(graph: LayerGraph) -> npt.NDArray[np.int64]:
    """Number of associations of each node, int64 (n,)."""
    found: npt.NDArray[np.int64] = np.bincount(np.concatenate((graph.source, graph.target)), minlength=graph.n)
    return found


def betweenness(graph: LayerGraph, *, work: int = _WORK) -> Betweenness:
    """Betweenness by shortest paths over associations, each as long as any other ([Brandes2001]).

    With more than `work` edges to walk, paths are followed from a random part of the nodes, the same every time.

    Args:
        graph: The graph.
        work: Number of starting nodes times edges.
    """
    n, m = graph.n, graph.m
    if n < 3 or m == 0:
        return Betweenness(np.zeros(n), n, exact=True)
    import networkit as nk

    net = nk.GraphFromCoo((graph.source, graph.target), n=n, weighted=False, directed=False)
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
