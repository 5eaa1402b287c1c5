"""Learning by peeling beside scipy.sparse, networkx and plain Python: python -m benchmarks.peeling."""

from __future__ import annotations

import time

import networkx as nx
import numpy as np
import scipy.sparse as sp

from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.sampling import poisson_graph
from benchmarks import harness

C = 4.0
THRESHOLD = 1.4663503  # R* of the 1-skill learner at c = 4, docs/theory.md


def draw(n_skills: int, above: float) -> SkillTextGraph:
    return poisson_graph(C, int(above * THRESHOLD * n_skills), n_skills, np.random.default_rng(1))


def scipy_rounds(graph):
    """A sparse product each way and round: what one writes with scipy. Takes the matrices, returns waves."""
    ones = np.ones(graph.n_edges, np.int32)
    needs = sp.csr_matrix((ones, graph.text_skills, graph.text_ptr), shape=(graph.n_texts, graph.n_skills))
    taught = sp.csr_matrix((ones, graph.skill_texts, graph.skill_ptr), shape=(graph.n_skills, graph.n_texts))

    def run():
        novel = np.ones(graph.n_skills, np.int32)
        wave = np.full(graph.n_skills, -1, np.int32)
        k = 0
        while True:
            k += 1
            teaches = (needs @ novel == 1).astype(np.int32)
            learned = (taught @ teaches > 0) & (novel > 0)
            if not learned.any():
                return wave
            novel[learned] = 0
            wave[learned] = k

    return run


def networkx_queue(graph):
    """Nodes removed from a networkx graph, with a stack of texts. The copy is part of it: peeling destroys it."""
    n = graph.n_skills
    whole = nx.Graph()
    whole.add_nodes_from(range(n + graph.n_texts))
    texts = np.repeat(np.arange(graph.n_texts), graph.text_degrees) + n
    whole.add_edges_from(zip(graph.text_skills.tolist(), texts.tolist(), strict=True))

    def run():
        left = whole.copy()
        stack = [t for t in range(n, n + graph.n_texts) if left.degree(t) == 1]
        learned = np.zeros(n, bool)
        while stack:
            text = stack.pop()
            if left.degree(text) != 1:
                continue
            skill = next(iter(left[text]))
            learned[skill] = True
            neighbours = list(left[skill])
            left.remove_node(skill)
            stack += [t for t in neighbours if left.degree(t) == 1]
        return learned

    return run


def python_queue(graph):
    """Lists, counts and XORs: the algorithm of the kernel in plain Python."""
    skills = [row.tolist() for row in np.split(graph.text_skills, graph.text_ptr[1:-1])]
    texts = [row.tolist() for row in np.split(graph.skill_texts, graph.skill_ptr[1:-1])]

    def run():
        count, joined = [len(row) for row in skills], []
        for row in skills:
            x = 0
            for s in row:
                x ^= s
            joined.append(x)
        stack = [t for t, n in enumerate(count) if n == 1]
        learned = np.zeros(graph.n_skills, bool)
        while stack:
            t = stack.pop()
            if count[t] != 1:
                continue
            s = joined[t]
            learned[s] = True
            for u in texts[s]:
                joined[u] ^= s
                count[u] -= 1
                if count[u] == 1:
                    stack.append(u)
        return learned

    return run


def beside_peers(report, n_skills, above, peers, repeats):
    graph = draw(n_skills, above)
    runs = {"ours": lambda: peel(graph, engine="numba")}
    runs |= {name: make(graph) for name, make in peers.items()}
    best, results = harness.race(runs, repeats=repeats, budget=12)
    ours = results["ours"]
    for name in peers:
        if results[name].dtype == bool:
            assert np.array_equal(results[name], ours.learned), name
        else:
            assert np.array_equal(results[name], ours.wave), name
    title = f"{n_skills:.0e} skills, {graph.n_edges / 1e6:.3g}·10⁶ edges, R = {above} R*, {ours.n_waves} rounds"
    note = "Same skills learned" + (", same waves (scipy)." if "scipy.sparse rounds" in peers else ".") if peers else ""
    report.tables.append(harness.race_table(title, best, "ours", "edge", graph.n_edges, note))
    return {name: seconds / graph.n_edges * 1e9 for name, seconds in best.items()}


def end_to_end(report, n_edges, repeats):
    """From two arrays of indices, in random order and by text, to waves and teaching texts."""
    n_skills = int(n_edges / (C * 1.02 * THRESHOLD))
    n_texts = int(1.02 * THRESHOLD * n_skills)
    rng = np.random.default_rng(2)
    text = rng.integers(0, n_texts, n_edges, dtype=np.int32)
    skill = rng.integers(0, n_skills, n_edges, dtype=np.int32)
    parts = {"graph": np.inf, "peeling": np.inf, "together": np.inf}
    rows, found = [], {}
    for order in ("random order", "ordered by text"):
        if order == "ordered by text":
            text.sort()
        best = parts.copy()
        for _ in range(repeats):
            start = time.process_time()
            graph = SkillTextGraph.from_edges(text, skill, n_texts, n_skills)
            built = time.process_time()
            result = peel(graph)
            end = time.process_time()
            for name, seconds in zip(parts, (built - start, end - built, end - start), strict=True):
                best[name] = min(best[name], seconds)
            assert result.n_learned > 0.9 * n_skills
            del graph
        rows.append([order, *(f"{seconds / n_edges * 1e9:.3g}" for seconds in best.values())])
        found[order] = best["together"] / n_edges * 1e9
    report.tables.append(
        harness.Table(f"From an edge list of {n_edges / 1e6:g}·10⁶ edges, ns/edge", ["edges in", *parts], rows)
    )
    return found


def main() -> None:
    options = harness.arguments(
        __doc__,
        sizes=([1e5, 1e6, 1e7], "numbers of skills at 1.02 R*"),
        edges=([1e7, 6e7], "numbers of edges for end to end"),
        near=(1e6, "number of skills at 1.001 R*; 0 to leave out"),
    )
    report = harness.Report("Peeling")
    harness.wake(2.5 if max(options.sizes + options.edges) > 5e6 else 0.5)
    before = harness.random_update()
    peel(draw(1000, 1.02), engine="numba")
    python, scipy, networkx = "plain Python queue", "scipy.sparse rounds", "networkx, nodes removed"
    costs = {}
    for size in options.sizes:
        peers = {scipy: scipy_rounds}
        if size <= 1e6:
            peers |= {python: python_queue, networkx: networkx_queue}
        costs[size] = beside_peers(report, int(size), 1.02, peers, 9 if size <= 1e6 else 2)
    kernel = beside_peers(report, 1_671_483, 1.02, {}, 9)["ours"]
    near = beside_peers(report, int(options.near), 1.001, {scipy: scipy_rounds}, 7) if options.near else None
    totals = {n: end_to_end(report, int(n), 5 if n < 2e7 else 2) for n in options.edges}
    scale = harness.slowness(before, harness.random_update())
    report.at_most("peeling, 10⁷ edges, with waves and teaching texts", kernel, 14, "ns/edge", scale)
    if 1e6 in costs:
        report.at_least(
            "peeling beside scipy.sparse rounds, 10⁶ skills", costs[1e6][scipy] / costs[1e6]["ours"], 25, "×"
        )
        report.at_least("peeling beside networkx, 10⁶ skills", costs[1e6][networkx] / costs[1e6]["ours"], 500, "×")
    if 1e5 in costs:
        ratio = costs[1e5][networkx] / costs[1e5]["ours"]
        report.at_least("peeling beside networkx, 10⁵ skills", ratio, 500, "×")
    for n, limit in ((1e7, 30), (6e7, 45)):
        if n in totals:
            for order, cost in totals[n].items():
                report.at_most(f"edge list of {n / 1e7:g}·10⁷ in {order} to layer", cost, limit, "ns/edge", scale)
    if near is not None and options.near in costs:
        far = costs[options.near]["ours"]
        report.at_most("peeling at 1.001 R* beside 1.02 R*, 10⁶ skills", near["ours"] / far, 1.3, "×")
    harness.finish(report, options)


if __name__ == "__main__":
    main()
