"""Site percolation sweeps against counting from scratch, closed forms and exhaustive enumeration."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis._kernels import percolation as kernels
from analysis.components import components
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.newman_ziff import convolve, site_percolation, targeted_order
from tests.analysis import reference
from tests.analysis.strategies import fixed, graphs, masks, random_graph


def path(n):
    """Texts of two neighbouring skills each."""
    return SkillTextGraph.from_edges(np.repeat(np.arange(n - 1), 2), np.arange(1, 2 * n - 1) // 2, n - 1, n)


@pytest.fixture(params=["by links", "by rows", "plain"])
def engine(request, monkeypatch):
    """Plain Python, and the kernel in each of its two ways through the texts, whatever the graph."""
    monkeypatch.setattr(kernels, "dense", lambda graph: request.param == "by rows")
    return "numpy" if request.param == "plain" else "numba"


@settings(fixed, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), graph=graphs(max_texts=10, max_skills=10))
def test_every_point_is_that_of_the_twin(engine, data, graph):
    skills, texts = data.draw(masks(graph.n_skills)), data.draw(masks(graph.n_texts))
    order = data.draw(st.permutations(np.flatnonzero(skills).tolist()))
    sweep = site_percolation(graph, skills=skills, texts=texts, order=np.array(order, np.int64), engine=engine)
    rows = [row for row, joins in zip(reference.rows(graph), texts, strict=True) if joins]
    expected = np.array(reference.percolation_sweep(rows, order)).T
    assert np.array_equal(sweep.largest, expected[0])
    assert np.array_equal(sweep.second, expected[1])
    assert np.array_equal(sweep.susceptibility, expected[2])
    assert sweep.n == skills.sum()


@pytest.mark.parametrize("mean_skills", [2.0, 5.0])
def test_last_point_is_the_components_of_the_whole_graph(engine, mean_skills):
    rng = np.random.default_rng(7)
    graph = random_graph(rng, 3000, 4000, mean_skills)
    skills = rng.random(graph.n_skills) < 0.6
    found = components(graph, skills)
    sweep = site_percolation(graph, skills=skills, replicates=3, rng=rng, engine=engine)
    assert sweep.largest[-1] == found.sizes[0]
    assert sweep.second[-1] == found.sizes[1]
    rest = found.sizes[1:]
    assert sweep.susceptibility[-1] == pytest.approx((rest**2).sum() / rest.sum(), rel=1e-12)
    assert sweep.largest_error[-1] == 0.0


def test_a_middle_point_of_a_large_graph_is_the_components_of_the_kept_skills(engine):
    rng = np.random.default_rng(8)
    graph = random_graph(rng, 30_000, 20_000, 3.0)
    order = rng.permutation(graph.n_skills)
    sweep = site_percolation(graph, order=order, engine=engine)
    for k in (100, 3000, 9000, 15_000):
        kept = np.zeros(graph.n_skills, np.bool_)
        kept[order[:k]] = True
        sizes = components(graph, kept).sizes
        assert (sweep.largest[k], sweep.second[k]) == (sizes[0], sizes[1])
        assert sweep.susceptibility[k] == pytest.approx((sizes[1:] ** 2).sum() / sizes[1:].sum(), rel=1e-12)


def test_both_forms_agree_where_skills_have_many_texts(monkeypatch):
    rng = np.random.default_rng(9)
    graph, sparse = random_graph(rng, 4000, 300, 4.0), random_graph(rng, 300, 300, 4.0)
    assert kernels.dense(graph)
    assert not kernels.dense(sparse)
    order, texts = rng.permutation(graph.n_skills), rng.random(graph.n_texts) < 0.1
    by_rows = site_percolation(graph, order=order, texts=texts, engine="numba")
    monkeypatch.setattr(kernels, "dense", lambda graph: False)
    by_links = site_percolation(graph, order=order, texts=texts, engine="numba")
    for name in ("largest", "second", "susceptibility"):
        assert np.array_equal(getattr(by_rows, name), getattr(by_links, name))


def test_engines_average_the_same_orders():
    graph = random_graph(np.random.default_rng(14), 300, 200, 3.0)
    plain, compiled = (
        site_percolation(graph, replicates=6, rng=np.random.default_rng(15), engine=engine)
        for engine in ("numpy", "numba")
    )
    for name in ("largest", "second", "susceptibility", "largest_error", "second_error", "susceptibility_error"):
        # rounding of six means of numbers up to 200
        assert np.allclose(getattr(plain, name), getattr(compiled, name), rtol=1e-12, atol=1e-12), name


def test_convolution_is_the_expectation_over_all_subsets():
    graph = SkillTextGraph.from_edges([0, 0, 0, 1, 1, 2, 2], [0, 1, 2, 2, 3, 4, 5], 3, 6)
    n, exact = 6, []
    for k in range(n + 1):
        sizes = [reference.clusters(kept, reference.rows(graph)) for kept in combinations(range(n), k)]
        exact.append(np.mean([len(found[0]) if found else 0 for found in sizes]))
    sweep = site_percolation(graph, replicates=4000, rng=np.random.default_rng(9))
    # six standard errors of the mean of 4000 orders
    assert np.all(np.abs(sweep.largest - exact) <= 6 * sweep.largest_error + 1e-12)
    for phi in (0.0, 0.3, 1.0):
        weights = [comb(n, k) * phi**k * (1 - phi) ** (n - k) for k in range(n + 1)]
        curve = convolve(sweep, [phi])
        assert curve.largest[0] == pytest.approx(np.dot(weights, sweep.largest), rel=1e-12, abs=1e-12)
        assert curve.largest_error[0] == pytest.approx(np.dot(weights, sweep.largest_error), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("phi", [1e-9, 1e-4, 0.37, 0.5, 0.999])
@pytest.mark.parametrize("n", [1, 40, 200_000])
def test_convolution_weights_have_the_binomial_mean_and_variance(n, phi):
    # Without texts the largest cluster is one skill and k² is put in by hand.
    graph = SkillTextGraph.from_edges([], [], 0, n)
    sweep = site_percolation(graph, order=np.arange(n))
    curve = convolve(sweep, [phi])
    assert curve.largest[0] == pytest.approx(-np.expm1(n * np.log1p(-phi)), rel=1e-9)
    k = np.arange(n + 1, dtype=float)
    moments = convolve(type(sweep)(n, k, k**2, k, k, k, k, 1), [phi])
    assert moments.largest[0] == pytest.approx(n * phi, rel=1e-9)
    assert moments.second[0] == pytest.approx(n * phi * (1 - phi) + (n * phi) ** 2, rel=1e-9)


def test_path_has_its_closed_form():
    # In a path, with k of n sites kept at random, a run of two exists unless no two kept sites are neighbours.
    n, k = 8, 3
    sweep = site_percolation(path(n), replicates=4000, rng=np.random.default_rng(10))
    apart = comb(n - k + 1, k) / comb(n, k)
    triple = (n - 2) / comb(n, k)
    expected = apart + 3 * triple + 2 * (1 - apart - triple)
    assert abs(sweep.largest[k] - expected) <= 6 * sweep.largest_error[k]


def test_same_seed_same_sweep_and_errors_shrink():
    graph = random_graph(np.random.default_rng(11), 500, 400, 3.0)
    first, second = (site_percolation(graph, replicates=8, rng=np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.largest, second.largest)
    assert first.replicates == 8
    many = site_percolation(graph, replicates=128, rng=np.random.default_rng(6))
    # sixteen times the replicates: a quarter of the error, within the scatter of 8 replicates
    ratio = np.median(many.largest_error[100:300] / first.largest_error[100:300])
    assert 0.15 < ratio < 0.45


def test_standard_error_is_that_of_the_mean_of_the_orders():
    graph = random_graph(np.random.default_rng(14), 60, 50, 2.0)
    orders = [g.permutation(np.arange(50, dtype=np.int32)) for g in np.random.default_rng(15).spawn(4)]
    single = np.array([site_percolation(graph, order=order).largest for order in orders])
    sweep = site_percolation(graph, replicates=4, rng=np.random.default_rng(15))
    assert np.allclose(sweep.largest, single.mean(axis=0))
    assert np.allclose(sweep.largest_error, single.std(axis=0, ddof=1) / 2.0)


def test_targeted_removal_takes_the_most_connected_skills_first():
    graph = random_graph(np.random.default_rng(12), 2000, 2000, 2.0)
    order = targeted_order(graph)
    assert np.all(np.diff(graph.skill_degrees[order]) >= 0)
    targeted = site_percolation(graph, order=order)
    random = site_percolation(graph, replicates=20, rng=np.random.default_rng(13))
    kept = np.arange(600, 1800)
    assert np.all(targeted.largest[kept] < random.largest[kept])
    strength = np.array([sum(len(row) - 1 for row in reference.rows(graph) if s in row) for s in range(50)])
    place = np.argsort(targeted_order(graph, "strength"))[:50]
    assert np.array_equal(np.argsort(place), np.argsort(strength, kind="stable"))


def test_single_replicate_has_no_error():
    sweep = site_percolation(path(3), order=[0, 1, 2])
    assert np.all(np.isnan(sweep.largest_error))
    assert sweep.replicates == 1


def test_no_texts_no_skills():
    empty = site_percolation(SkillTextGraph.from_edges([], [], 0, 0), replicates=2, rng=np.random.default_rng(0))
    assert empty.largest.tolist() == [0.0]
    assert convolve(empty, [0.0, 0.5, 1.0]).largest.tolist() == [0.0, 0.0, 0.0]
    alone = site_percolation(SkillTextGraph.from_edges([], [], 0, 3), order=[2, 0, 1])
    assert alone.largest.tolist() == [0.0, 1.0, 1.0, 1.0]
    assert alone.second.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_bad_arguments_are_named():
    graph = path(3)
    with pytest.raises(AnalysisError, match="generator `rng` or an `order`"):
        site_percolation(graph)
    with pytest.raises(AnalysisError, match="replicates is 0"):
        site_percolation(graph, replicates=0, rng=np.random.default_rng(0))
    with pytest.raises(AnalysisError, match="each of the 3 skills"):
        site_percolation(graph, order=[0, 1, 1])
    with pytest.raises(AnalysisError, match="probabilities"):
        convolve(site_percolation(graph, order=[0, 1, 2]), [1.5])
    with pytest.raises(AnalysisError, match="by 'name'"):
        targeted_order(graph, "name")
