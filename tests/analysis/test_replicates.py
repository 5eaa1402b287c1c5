"""Monte-Carlo replicates: the ensemble, the peeling inside, and independence of the number of workers."""

from __future__ import annotations

import numpy as np
import pytest

from analysis._kernels.replicates import PoissonReplicate
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.replicates import Replicates, learned_fraction_replicates, replicate


def drawn_graph(drawn):
    """The graph that a replicate has drawn, from its rows; the text of repeated draws left out."""
    n_edges = drawn.skill_ptr[-1]
    skill = np.repeat(np.arange(drawn.n_skills), np.diff(drawn.skill_ptr))
    text = drawn.skill_texts[:n_edges]
    real = text < drawn.n_texts
    edges = list(zip(text[real].tolist(), skill[real].tolist(), strict=True))
    assert len(set(edges)) == len(edges)
    return SkillTextGraph.from_edges(text[real], skill[real], drawn.n_texts, drawn.n_skills)


@pytest.mark.parametrize(
    ("mean_skills", "n_texts", "n_skills"),
    [(4.0, 1470, 1000), (3.0, 1600, 1500), (2.0, 9000, 6000), (5.0, 30, 3), (0.5, 40, 1), (8.0, 1, 50), (0.0, 5, 5)],
)
def test_learns_what_peeling_learns_in_the_drawn_graph(mean_skills, n_texts, n_skills):
    drawn = PoissonReplicate(mean_skills, n_texts, n_skills)
    rng = np.random.default_rng(0)
    for _ in range(20):
        learned = drawn.learned(rng)
        assert learned == peel(drawn_graph(drawn), engine="numpy").n_learned


@pytest.mark.parametrize(
    ("mean_skills", "ratio", "n_skills"),
    [(4.0, 1.47, 1000), (2.0, 1.5, 600), (5.0, 10.0, 3), (0.5, 40.0, 1), (8.0, 0.02, 50), (0.0, 1.0, 5), (3.0, 0.0, 9)],
)
@pytest.mark.parametrize("capacity", [1, 2])
def test_engines_draw_and_learn_the_same(mean_skills, ratio, n_skills, capacity):
    plain, fast = (
        learned_fraction_replicates(
            mean_skills, ratio, n_skills, capacity=capacity, replicates=30, seed=3, engine=engine
        ).values
        for engine in ("numpy", "numba")
    )
    assert np.array_equal(plain, fast)
    assert n_skills < 100 or len(set(plain.tolist())) > 1


def test_the_drawn_graph_is_of_the_poisson_ensemble():
    c, n_texts, n_skills = 4.0, 45_000, 30_000
    drawn = PoissonReplicate(c, n_texts, n_skills)
    drawn.learned(np.random.default_rng(1))
    graph = drawn_graph(drawn)
    for degrees, mean in ((graph.text_degrees, c), (graph.skill_degrees, c * n_texts / n_skills)):
        # five standard errors; a Poisson variance estimate has variance (2 mean² + mean)/n
        assert abs(degrees.mean() - mean) < 5 * np.sqrt(c * n_texts) / len(degrees)
        assert abs(degrees.var() - mean) < 5 * np.sqrt((2 * mean**2 + mean) / len(degrees))
        for k in (0, 1, round(mean)):
            share = np.exp(-mean) * mean**k / np.prod(np.arange(1, k + 1))
            assert abs(np.mean(degrees == k) - share) < 5 * np.sqrt(share / len(degrees))
    # texts are uniform: counts in ten blocks of texts are Poisson
    blocks = np.add.reduceat(graph.text_degrees, np.arange(0, n_texts, n_texts // 10))
    assert np.sum((blocks - blocks.mean()) ** 2 / blocks.mean()) < 35  # chi² with 9 degrees, p = 6e-5


def test_runs_out_of_random_words_gracefully():
    first, second = PoissonReplicate(4.0, 1470, 1000), PoissonReplicate(4.0, 1470, 1000)
    second.n_words = 1100  # too few for the edges: more are drawn
    second.skill_of = second.skill_of[:2000]
    assert first.learned(np.random.default_rng(2)) > 0
    assert second.learned(np.random.default_rng(2)) == peel(drawn_graph(second)).n_learned


@pytest.mark.parametrize(
    ("c", "ratio", "learned"), [(2.0, 0.8, 0.3579), (2.0, 1.5, 0.9240), (3.0, 0.8, 0.1909), (3.0, 1.1, 0.9324)]
)
def test_mean_is_the_reference_value_of_the_theory(c, ratio, learned):
    # section 8 of the theory, four digits; finite-size shift below 1/sqrt(S)
    result = learned_fraction_replicates(c, ratio, 20_000, replicates=40, seed=4)
    assert abs(result.mean - learned) < 5 * result.standard_error + 0.002


def test_two_skill_learner_and_random_capacity_have_their_reference_values():
    two = learned_fraction_replicates(4.0, 0.4, 10_000, capacity=2, replicates=12, seed=5)
    assert abs(two.mean - (1 - 0.6597)) < 5 * two.standard_error + 0.004
    geometric = learned_fraction_replicates(
        4.0, 0.4, 10_000, capacity=lambda rng, n: rng.geometric(0.4, n), replicates=12, seed=6
    )
    assert abs(geometric.mean - (1 - 0.4708)) < 5 * geometric.standard_error + 0.004


@pytest.mark.parametrize("capacity", [1, 2])
def test_values_do_not_depend_on_workers_and_repeat_from_the_seed(capacity):
    results = [
        learned_fraction_replicates(3.0, 1.04, 1500, capacity=capacity, replicates=11, seed=7, workers=workers)
        for workers in (1, 2, 3)
    ]
    assert np.array_equal(results[0].values, results[1].values)
    assert np.array_equal(results[0].values, results[2].values)
    other = learned_fraction_replicates(3.0, 1.04, 1500, capacity=capacity, replicates=11, seed=8)
    assert not np.array_equal(results[0].values, other.values)
    assert len(np.unique(results[0].values)) > 1


def test_more_replicates_begin_with_the_same_values():
    few, many = (replicate(lambda rng: rng.normal(), n, seed=9) for n in (5, 50))
    assert np.array_equal(few.values, many.values[:5])


def test_summary_of_known_values():
    result = Replicates(np.array([1.0, 2.0, 3.0, 6.0]), seed=0)
    assert result.mean == 3.0
    assert result.standard_deviation == pytest.approx(np.sqrt(14 / 3))
    assert result.standard_error == pytest.approx(np.sqrt(14 / 3) / 2)
    assert np.isnan(Replicates(np.array([1.0]), seed=0).standard_deviation)
    low, high = replicate(lambda rng: rng.normal(), 4000, seed=10).band(0.95)
    # the standard error of a 2.5 % quantile of 4000 normal values is 0.042
    assert abs(low + 1.96) < 0.21
    assert abs(high - 1.96) < 0.21


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean_skills": -1.0}, "mean_skills -1.0"),
        ({"ratio": float("nan")}, "ratio nan"),
        ({"n_skills": 0}, "n_skills is 0"),
        ({"replicates": 0}, "replicates is 0"),
        ({"workers": 0}, "workers is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(AnalysisError, match=message):
        learned_fraction_replicates(**({"mean_skills": 3.0, "ratio": 1.0, "n_skills": 10} | change))


def test_bad_level_is_named():
    with pytest.raises(AnalysisError, match="level is 1"):
        Replicates(np.ones(3), seed=0).band(1)
