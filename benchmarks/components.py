"""Connected components beside the graph libraries: python -m benchmarks.components."""

from __future__ import annotations

import time

import igraph
import networkit
import networkx as nx
import numpy as np
import rustworkx
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from analysis.components import components
from analysis.graph import SkillTextGraph
from benchmarks import harness


def random_pairs(n_nodes, n_edges):
    """An Erdős–Rényi graph as pairs; as a skill–text graph, each pair is a text of two skills."""
    pairs = np.random.default_rng(3).integers(0, n_nodes, (2, n_edges), dtype=np.int32)
    return np.ascontiguousarray(pairs[:, pairs[0] != pairs[1]])


def as_graph(n, pairs):
    text = np.repeat(np.arange(pairs.shape[1], dtype=np.int32), 2)
    return SkillTextGraph.from_edges(text, np.ascontiguousarray(pairs.T).ravel(), pairs.shape[1], n)


def as_scipy(n, pairs):
    return sp.coo_matrix((np.ones(pairs.shape[1], np.int8), (pairs[0], pairs[1])), shape=(n, n)).tocsr()


def as_networkit(n, pairs):
    networkit.setNumberOfThreads(1)
    return networkit.GraphFromCoo((pairs[0].astype(np.int64), pairs[1].astype(np.int64)), n=n)


def as_igraph(n, pairs):
    return igraph.Graph(n=n, edges=pairs.T)


def as_rustworkx(n, pairs):
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from_no_data(list(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True)))
    return graph


def as_networkx(n, pairs):
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))
    return graph


def ours(graph):
    return np.sort(components(graph, np.ones(graph.n_skills, bool), engine="numba").sizes)


def scipy_sizes(graph):
    return np.sort(np.bincount(connected_components(graph, directed=False)[1]))


def networkit_sizes(graph):
    found = networkit.components.ConnectedComponents(graph)
    found.run()
    return np.sort(list(found.getComponentSizes().values()))


def igraph_sizes(graph):
    return np.sort(graph.connected_components().sizes())


def rustworkx_sizes(graph):
    return np.sort([len(found) for found in rustworkx.connected_components(graph)])


def networkx_sizes(graph):
    return np.sort([len(found) for found in nx.connected_components(graph)])


LIBRARIES = {
    "ours": (as_graph, ours),
    "scipy.sparse.csgraph": (as_scipy, scipy_sizes),
    "networkit, one thread": (as_networkit, networkit_sizes),
    "igraph": (as_igraph, igraph_sizes),
    "rustworkx": (as_rustworkx, rustworkx_sizes),
    "networkx": (as_networkx, networkx_sizes),
}


def beside_peers(report, n_nodes, n_edges):
    pairs = random_pairs(n_nodes, n_edges)
    build, runs = {}, {}
    for name, (make, sizes) in LIBRARIES.items():
        start = time.process_time()
        graph = make(n_nodes, pairs)
        build[name] = time.process_time() - start
        runs[name] = lambda graph=graph, sizes=sizes: sizes(graph)
    best, results = harness.race(runs, repeats=7, budget=6)
    for name, sizes in results.items():
        assert np.array_equal(sizes, results["ours"]), name
    count = pairs.shape[1]
    table = harness.race_table(f"{n_nodes:.0e} nodes, {count:.2g} edges", best, "ours", "edge", count)
    table.columns.append("building its graph, CPU s")
    for row in table.rows:
        row.append(f"{build[row[0]]:.3g}")
    table.note = "Sizes of all components equal."
    report.tables.append(table)
    return best


def main() -> None:
    options = harness.arguments(__doc__, nodes=(1e6, "nodes of the large graph, with five times as many edges"))
    report = harness.Report("Components")
    harness.wake(1.5)
    before = harness.random_update()
    ours(as_graph(10, random_pairs(10, 50)))
    beside_peers(report, 100_000, 500_000)
    n = int(options.nodes)
    best = beside_peers(report, n, 5 * n)
    scale = harness.slowness(before, harness.random_update())
    if n == 1_000_000:
        report.at_most("components, 10⁶ nodes and 5·10⁶ edges", best["ours"], 1.2 * 0.073, "s", scale)
    rest = min(seconds for name, seconds in best.items() if name != "ours")
    report.at_most("components beside the best library", best["ours"] / rest, 1.2, "×")
    harness.finish(report, options)


if __name__ == "__main__":
    main()
