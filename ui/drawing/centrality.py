"""How central skills are in an association graph: number of associations, and shortest paths through them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.centrality import Betweenness
from analysis.centrality import betweenness as of_edges
from ui.drawing.graphs import LayerGraph
from ui.work.apart import apart

__all__ = ["Betweenness", "betweenness", "degree"]


def degree(graph: LayerGraph) -> npt.NDArray[np.int64]:
    """Number of associations of each node, int64 (n,)."""
    found: npt.NDArray[np.int64] = np.bincount(np.concatenate((graph.source, graph.target)), minlength=graph.n)
    return found


def betweenness(graph: LayerGraph, **options: int) -> Betweenness:
    """Betweenness of the nodes of a graph; see `analysis.centrality.betweenness`."""
    return apart(of_edges, graph.source, graph.target, graph.n, **options)
