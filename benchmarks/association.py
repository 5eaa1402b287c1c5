"""The weighted projection beside polars, scipy, igraph and networkx: python -m benchmarks.association."""

from __future__ import annotations

import igraph
import networkx as nx
import numpy as np
import polars as pl
import scipy.sparse as sp
from networkx.algorithms import bipartite

from analysis.association import associate
from analysis.sampling import poisson_graph
from benchmarks import harness


def as_arrays(source, target, weight):
    order = np.lexsort((target, source))
    return np.stack((source[order], target[order], weight[order]))


def ours(graph):
    everything = np.ones(graph.n_skills, bool)

    def run():
        found = associate(graph, everything, engine="numba")
        return found.source, found.target, found.weight

    return run


def scipy_product(graph):
    ones = np.ones(graph.n_edges, np.int32)
    texts = sp.csr_matrix((ones, graph.text_skills, graph.text_ptr), shape=(graph.n_texts, graph.n_skills))

    def run():
        product = sp.triu(texts.T.tocsr() @ texts, k=1).tocoo()
        return product.row, product.col, product.data

    return run


def polars_join(graph):
    """The edges joined with themselves by text, pairs counted: what one writes with data frames. All its threads."""
    texts = np.repeat(np.arange(graph.n_texts, dtype=np.int32), graph.text_degrees)
    edges = pl.DataFrame({"text": texts, "skill": graph.text_skills}).lazy()

    def run():
        pairs = edges.join(edges, on="text", suffix="_other").filter(pl.col("skill") < pl.col("skill_other"))
        found = pairs.group_by("skill", "skill_other").agg(pl.len()).collect()
        return tuple(found[column].to_numpy() for column in ("skill", "skill_other", "len"))

    return run


def igraph_projection(graph):
    n = graph.n_skills
    texts = np.repeat(np.arange(graph.n_texts), graph.text_degrees) + n
    whole = igraph.Graph(n=n + graph.n_texts, edges=np.stack((graph.text_skills, texts), axis=1))
    types = np.arange(n + graph.n_texts) >= n

    def run():
        projected = whole.bipartite_projection(types=types.tolist(), which=0)
        ends = np.array(projected.get_edgelist()).reshape(-1, 2)
        return ends.min(axis=1), ends.max(axis=1), np.array(projected.es["weight"])

    return run


def networkx_projection(graph):
    n = graph.n_skills
    whole = nx.Graph()
    whole.add_nodes_from(range(n))
    texts = np.repeat(np.arange(graph.n_texts), graph.text_degrees) + n
    whole.add_edges_from(zip(graph.text_skills.tolist(), texts.tolist(), strict=True))

    def run():
        projected = bipartite.weighted_projected_graph(whole, range(n))
        rows = np.array([(min(a, b), max(a, b), w) for a, b, w in projected.edges(data="weight")]).reshape(-1, 3)
        return rows[:, 0], rows[:, 1], rows[:, 2]

    return run


def beside_peers(report, n_texts, n_skills, peers):
    graph = poisson_graph(5.0, n_texts, n_skills, np.random.default_rng(7))
    runs = {"ours": ours(graph)} | {name: make(graph) for name, make in peers.items()}
    best, results = harness.race(runs, repeats=7, budget=12)
    expected = np.stack(results["ours"])  # in order already
    for name, found in results.items():
        assert np.array_equal(as_arrays(*found), expected), name
    degrees = graph.text_degrees
    pairs = int((degrees * (degrees - 1) // 2).sum())
    title = f"{n_texts:.0e} texts, c = 5, {n_skills:.0e} skills: {pairs:.3g} pairs, {expected.shape[1]:.3g} distinct"
    report.tables.append(harness.race_table(title, best, "ours", "pair", pairs, "Same pairs and weights."))
    return best


def limits(report, n_texts, n_skills):
    graph = poisson_graph(5.0, n_texts, n_skills, np.random.default_rng(7))
    everything = np.ones(n_skills, bool)
    runs, kept = {}, {}
    for name, options in (
        ("all pairs", {}),
        ("min_weight = 2", {"min_weight": 2}),
        ("top_k = 10", {"top_k": 10}),
        ("max_pairs = 10⁶", {"max_pairs": 1_000_000}),
    ):
        runs[name] = lambda options=options: associate(graph, everything, engine="numba", **options)
    best, results = harness.race(runs, repeats=5, budget=10)
    for name, found in results.items():
        kept[name] = f"{found.n_associations:,} of {found.n_pairs:,}"
    rows = [[name, f"{seconds:.3g}", kept[name]] for name, seconds in best.items()]
    report.tables.append(harness.Table("Under limits, same graph", ["", "CPU s", "pairs kept"], rows))


def main() -> None:
    options = harness.arguments(__doc__, texts=(1e6, "number of texts of the large graph"))
    report = harness.Report("Association")
    harness.wake(2.0)
    before = harness.random_update()
    associate(poisson_graph(5.0, 100, 50, np.random.default_rng(0)), np.ones(50, bool), engine="numba")
    library = {"polars, join and group": polars_join, "scipy.sparse, BᵀB": scipy_product}
    library |= {"igraph, bipartite_projection": igraph_projection}
    beside_peers(report, 20_000, 2000, library | {"networkx, weighted_projected_graph": networkx_projection})
    best = beside_peers(report, int(options.texts), 20_000, library)
    limits(report, int(options.texts), 20_000)
    scale = harness.slowness(before, harness.random_update())
    if options.texts == 1e6:
        report.at_most("weighted projection, 10⁶ texts", best["ours"], 1.3 * 0.16, "s", scale)
    rest = min(seconds for name, seconds in best.items() if name != "ours")
    report.at_most("weighted projection beside the best library", best["ours"] / rest, 1.3, "×")
    harness.finish(report, options)


if __name__ == "__main__":
    main()
