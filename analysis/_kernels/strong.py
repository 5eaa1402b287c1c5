"""Strongly connected components where most links go both ways."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.rows import without_repeats
from analysis.components import joined

__all__ = ["strong_components"]

Int64 = npt.NDArray[np.int64]

_ROUNDS = 20  # of leaving out what is in no cycle, before a search that needs scipy, which takes long to import


def strong_components(source: Int64, target: Int64, n: int) -> Int64:
    """The smallest of the nodes to which each node leads and that lead to it, directly or over others; int64 (n,).

    Nodes with links both ways are merged, and nodes without a link in or out are left out, until neither is possible;
    what is left, if anything, is searched.
    """
    label = np.arange(n)
    while True:
        source, target = _apart(label[source], label[target], n)
        both = np.isin(target * n + source, source * n + target, assume_unique=True, kind="sort")
        if not both.any():
            break
        label = joined(source[both], target[both], n)[label].astype(np.int64)
    for _ in range(_ROUNDS):
        inside = (np.bincount(target, minlength=n)[source] > 0) & (np.bincount(source, minlength=n)[target] > 0)
        if inside.all():
            break
        source, target = source[inside], target[inside]
    if len(source):
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        links = coo_array((np.ones(len(source), np.int8), (source, target)), (n, n))
        found = connected_components(links.tocsr(), directed=True, connection="strong")[1]
        smallest = np.full(n, n)
        np.minimum.at(smallest, found, np.arange(n))
        label = smallest[found][label]
    return label


def _apart(source: Int64, target: Int64, n: int) -> tuple[Int64, Int64]:
    """The distinct links between different nodes, in order."""
    ends = np.divmod(without_repeats(np.sort((source * n + target)[source != target])), max(n, 1))
    return ends[0], ends[1]
