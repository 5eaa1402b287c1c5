"""The whole site-percolation curve beside what one would write instead: python -m benchmarks.percolation."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numba import njit
from scipy.sparse.csgraph import connected_components

from analysis.newman_ziff import site_percolation
from analysis.sampling import poisson_graph
from benchmarks import harness
from benchmarks.components import as_graph, as_igraph, as_scipy, random_pairs


@njit
def textbook_newman_ziff(pointers, neighbours, order):
    """[NewmanZiff2000] as printed: neighbour lists, path compression by halving, the largest cluster only."""
    n = len(order)
    root = np.full(n, n, np.int64)  # n: not kept yet; negative: minus the size of the cluster
    largest = np.zeros(n + 1, np.int64)
    for k in range(n):
        site = order[k]
        root[site] = -1
        r = site
        for e in range(pointers[site], pointers[site + 1]):
            other = neighbours[e]
            if root[other] == n:
                continue
            while root[other] >= 0:
                if root[root[other]] >= 0:
                    root[other] = root[root[other]]
                other = root[other]
            if other != r:
                if root[r] > root[other]:
                    r, other = other, r
                root[r] += root[other]
                root[other] = r
        largest[k + 1] = max(largest[k], -root[r])
    return largest


def scipy_points(matrix, order, points):
    """The largest cluster for some numbers of kept nodes, each from scratch."""
    found = []
    for k in points:
        kept = np.sort(order[:k])
        found.append(np.bincount(connected_components(matrix[kept][:, kept], directed=False)[1]).max())
    return np.array(found)


def igraph_points(graph, order, points):
    return np.array(
        [graph.induced_subgraph(order[:k].tolist()).connected_components().giant().vcount() for k in points]
    )


def pairs_of_nodes(report, n, scale):
    pairs = random_pairs(n, 5 * n)
    graph, igraph_graph, matrix = as_graph(n, pairs), as_igraph(n, pairs), as_scipy(n, pairs)
    both = (matrix + matrix.T).tocsr()
    order = np.random.default_rng(4).permutation(n).astype(np.int32)
    points = {"scipy, 20 points of it": 20, "igraph, 5 points of it": 5}
    points = {name: np.linspace(n / many, n, many).astype(int) for name, many in points.items()}
    scipy_name, igraph_name = points
    textbook = "numba, Newman–Ziff as printed, largest cluster only"
    runs = {
        "ours, with second cluster and susceptibility": lambda: site_percolation(graph, order=order).largest,
        textbook: lambda: textbook_newman_ziff(both.indptr, both.indices, order),
        scipy_name: lambda: scipy_points(both, order, points[scipy_name]),
        igraph_name: lambda: igraph_points(igraph_graph, order, points[igraph_name]),
    }
    textbook_newman_ziff(both.indptr[:1], both.indices[:0], order[:0])
    site_percolation(graph, order=order)
    ours = next(iter(runs))
    best, results = harness.race(runs, repeats=7, budget=20)
    for name, largest in results.items():
        assert np.array_equal(largest, results[ours][points[name]] if name in points else results[ours]), name
    title = f"{n:.0e} nodes, {pairs.shape[1]:.2g} edges, every number of kept nodes"
    note = "Largest clusters equal at every point. Graph given; the random order is not part of it."
    report.tables.append(harness.race_table(title, best, ours, "edge", pairs.shape[1], note))
    if n == 1_000_000:
        report.at_most("site-percolation curve, same graph", best[ours], 1.3 * 0.12, "s", scale)
    report.at_most("beside Newman–Ziff as printed, compiled", best[ours] / best[textbook], 1.3, "×")


def through_texts(report, scale):
    n_texts, n_skills = 1_000_000, 20_000
    graph = poisson_graph(5.0, n_texts, n_skills, np.random.default_rng(5))
    order = np.random.default_rng(6).permutation(n_skills).astype(np.int32)
    ones = np.ones(graph.n_edges, np.int8)
    texts = sp.csr_matrix((ones, graph.text_skills, graph.text_ptr), shape=(n_texts, n_skills))
    bipartite = sp.bmat([[None, texts], [texts.T, None]], format="csr")
    points = np.linspace(n_skills / 20, n_skills, 20).astype(int)

    def scipy_bipartite():
        found = []
        for k in points:
            kept = np.concatenate((np.arange(n_texts), n_texts + np.sort(order[:k])))
            labels = connected_components(bipartite[kept][:, kept], directed=False)[1]
            found.append(np.bincount(labels[n_texts:]).max())
        return np.array(found)

    runs = {
        "ours": lambda: site_percolation(graph, order=order).largest,
        "scipy, bipartite graph, 20 points of it": scipy_bipartite,
    }
    best, results = harness.race(runs, repeats=9, budget=10)
    assert np.array_equal(results["ours"][points], results["scipy, bipartite graph, 20 points of it"])
    title = "Through texts as hyperedges: 10⁶ texts, c = 5, 2·10⁴ skills"
    report.tables.append(harness.race_table(title, best, "ours", "edge", graph.n_edges, "Largest clusters equal."))
    report.at_most("percolation through 10⁶ texts, whole curve", best["ours"], 0.05, "s", scale)


def main() -> None:
    options = harness.arguments(__doc__, nodes=(1e6, "nodes, with five times as many edges"))
    report = harness.Report("Site percolation")
    harness.wake(1.5)
    scale = harness.slowness(harness.random_update(), harness.random_update())
    pairs_of_nodes(report, int(options.nodes), scale)
    through_texts(report, scale)
    harness.finish(report, options)


if __name__ == "__main__":
    main()
