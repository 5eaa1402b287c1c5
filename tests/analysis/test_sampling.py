"""Random graphs follow the laws of their ensembles; tolerances are standard errors."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.peeling import peel
from analysis.sampling import class_graph, configuration_graph, hierarchy_graph, poisson_graph, uniform_graph


def test_poisson_ensemble_has_poisson_degrees_on_both_sides():
    n_texts, n_skills, c = 60_000, 40_000, 4.0
    graph = poisson_graph(c, n_texts, n_skills, np.random.default_rng(0))
    for degrees, mean in ((graph.text_degrees, c), (graph.skill_degrees, c * n_texts / n_skills)):
        # five standard errors; merged repeats lower the mean by c²/2S, far less
        assert abs(degrees.mean() - mean) < 5 * np.sqrt(c * n_texts) / len(degrees)
        # Poisson: variance equals mean; the variance of its estimate is (2 mean² + mean)/n
        assert abs(degrees.var() - mean) < 5 * np.sqrt((2 * mean**2 + mean) / len(degrees))
        empty = np.exp(-mean)
        assert abs(np.mean(degrees == 0) - empty) < 5 * np.sqrt(empty / len(degrees))


def test_repeated_draws_are_one_edge():
    graph = poisson_graph(4.0, 20_000, 3, np.random.default_rng(1))
    # a text lacks a given skill with probability e^{-c/S}
    present = 1 - np.exp(-4.0 / 3)
    error = np.sqrt(present * (1 - present) / (3 * 20_000))
    assert abs(graph.n_edges / (3 * 20_000) - present) < 5 * error
    assert graph.text_degrees.max() <= 3


def test_uniform_graph_keeps_degrees_up_to_repeats():
    degrees = np.random.default_rng(2).integers(0, 6, 1000)
    graph = uniform_graph(degrees, 10**7, np.random.default_rng(3))
    assert np.all(graph.text_degrees <= degrees)
    # expected repeats: sum of pairs / S, below 0.001
    assert graph.n_edges >= degrees.sum() - 1


def test_configuration_model_keeps_both_degree_sequences():
    rng = np.random.default_rng(4)
    skill_degrees = rng.geometric(0.2, 30_000)
    text_degrees = np.bincount(rng.integers(0, 20_000, skill_degrees.sum()), minlength=20_000)
    graph = configuration_graph(text_degrees, skill_degrees, rng)
    lost = text_degrees.sum() - graph.n_edges
    assert np.all(graph.text_degrees <= text_degrees)
    assert np.all(graph.skill_degrees <= skill_degrees)
    # expected number of repeats: Σ t(t-1)/E · Σ s(s-1)/E / 2, Poisson to a good approximation
    pairs = [np.sum(d * (d - 1)) / d.sum() for d in (text_degrees, skill_degrees)]
    expected = pairs[0] * pairs[1] / 2
    assert abs(lost - expected) < 5 * np.sqrt(expected)


def test_configuration_model_matches_ends_uniformly():
    # Of the C(4, 2) = 6 places of skill 0's two ends among four, one is both ends of text 0: a repeat.
    rng = np.random.default_rng(5)
    both = sum(configuration_graph([2, 1, 1], [2, 1, 1], rng).n_edges == 3 for _ in range(6000))
    assert abs(both - 1000) < 5 * np.sqrt(6000 * (1 / 6) * (5 / 6))


def test_class_ensemble_has_its_means():
    means = np.array([[3.0, 1.0], [0.5, 4.0]])
    drawn = class_graph(means, [20_000, 15_000], [10_000, 12_000], np.random.default_rng(6))
    graph = drawn.graph
    text_class = drawn.text_class[np.repeat(np.arange(graph.n_texts), graph.text_degrees)]
    skill_class = drawn.skill_class[graph.text_skills]
    for j, n_texts in enumerate((20_000, 15_000)):
        for k in range(2):
            edges = np.sum((text_class == j) & (skill_class == k))
            assert abs(edges - means[j, k] * n_texts) < 5 * np.sqrt(means[j, k] * n_texts) + means[j, k] ** 2
    assert np.bincount(drawn.text_class).tolist() == [20_000, 15_000]
    assert np.bincount(drawn.skill_class).tolist() == [10_000, 12_000]


def test_one_class_is_the_poisson_ensemble():
    drawn = class_graph([[4.0]], [3000], [2000], np.random.default_rng(7))
    assert drawn.graph.equals(poisson_graph(4.0, 3000, 2000, np.random.default_rng(7)))


def test_hierarchy_learns_frozen_within_continued_within_joint():
    # section 8 of the theory: alpha = (0.5, 0.5), R_f = 0.6, R_d = 0.8; q within five times n^-1/2
    n = 100_000
    drawn = hierarchy_graph((3.0, 1.0, 3.0), (int(0.6 * n), int(0.8 * n)), (n // 2, n // 2), np.random.default_rng(8))
    basic = drawn.skill_class == 0
    base = peel(drawn.graph.subset(drawn.text_class == 0)).learned
    domain = drawn.graph.subset(drawn.text_class == 1)
    frozen = peel(domain, known=base, learnable=~basic).learned
    continued = peel(domain, known=base).learned
    joint = peel(drawn.graph).learned
    expected = {"frozen": (0.0417, 0.0117), "continued": (0.0090, 0.0099), "joint": (0.0062, 0.0097)}
    for name, learned in (("frozen", frozen), ("continued", continued), ("joint", joint)):
        for q, members in zip(expected[name], (basic, ~basic), strict=True):
            assert abs((1 - learned[members].mean()) - q) < 5 * np.sqrt(q / members.sum()) + 5e-4
    assert not np.any(frozen & ~continued)
    assert not np.any(continued & ~joint)


def test_same_seed_same_graph():
    first, second = (poisson_graph(3.0, 500, 400, np.random.default_rng(9)) for _ in range(2))
    assert first.equals(second)


def test_nothing_to_draw():
    rng = np.random.default_rng(10)
    assert poisson_graph(0.0, 3, 0, rng).n_edges == 0
    assert poisson_graph(4.0, 0, 5, rng).n_edges == 0
    assert configuration_graph([], [], rng).n_texts == 0
    assert class_graph(np.zeros((0, 0)), [], [], rng).graph.n_skills == 0


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda rng: poisson_graph(-1.0, 2, 2, rng), "mean_skills is -1.0"),
        (lambda rng: poisson_graph(np.nan, 2, 2, rng), "mean_skills is nan"),
        (lambda rng: poisson_graph(4.0, -2, 2, rng), "n_texts is -2"),
        (lambda rng: poisson_graph(4.0, 100, 0, rng), "n_skills is 0"),
        (lambda rng: uniform_graph([1, -1], 3, rng), "text_degrees must be whole numbers"),
        (lambda rng: configuration_graph([2], [1], rng), "sum to 2 and skill degrees to 1"),
        (lambda rng: class_graph([[1.0]], [2, 2], [3], rng), r"must be \(2, 1\)"),
        (lambda rng: class_graph([[1.0, 2.0]], [5], [3, 0], rng), "skill class 1 has no skills"),
    ],
)
def test_bad_arguments_are_named(draw, message):
    with pytest.raises(AnalysisError, match=message):
        draw(np.random.default_rng(0))
