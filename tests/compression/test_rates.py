"""What a text is expected to cost: closed forms, and what the coder really spends on texts drawn anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compression import (
    binary_entropy,
    frequency_set_bits,
    layer_rate,
    log2_binomial,
    poisson_entropy,
    poisson_rate,
    random_rate,
    rate_curve,
    understood_texts,
    uniform_set_bits,
)
from analysis.density_evolution import evolve
from analysis.ensembles import Ensemble
from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph
from analysis.learners import OneSkillLearner, parse_learner
from analysis.peeling import peel
from analysis.threshold import emergence_threshold
from explorer.sgc import Codebook, SgcWriter
from tests.compression.corpora import fixed, poisson_graph, record, records_of, written

Z = 5.0
"""Standard errors that a sample mean may be off: one wrong alarm in 1.7 million."""


@fixed
@given(st.integers(0, 60), st.integers(0, 60))
def test_log_binomials_are_those_of_integers(n: int, k: int) -> None:
    exact = math.log2(math.comb(n, k)) if k <= n else -math.inf
    assert float(log2_binomial(n, k)) == pytest.approx(exact, abs=1e-9)


def test_entropies_are_sums_of_their_definition() -> None:
    for p in (0.1, 0.3, 0.9):
        assert float(binary_entropy(p)) == pytest.approx(-p * math.log2(p) - (1 - p) * math.log2(1 - p))
    for mean in (0.2, 3.0, 25.0):
        pmf = [math.exp(-mean + n * math.log(mean) - math.lgamma(n + 1)) for n in range(200)]
        assert poisson_entropy(mean) == pytest.approx(-sum(p * math.log2(p) for p in pmf if p > 0))
    assert poisson_entropy(0.0) == 0.0


def test_the_formula_with_plain_indices() -> None:
    """1 + e^{-cq} c(1-q) log2((1-q)S) + (1 - e^{-cq}) B, and the count."""
    c, q, S, B = 3.0, 0.2, 5000, 800.0
    understood = math.exp(-c * q)
    plain = 1 + understood * c * (1 - q) * math.log2((1 - q) * S) + (1 - understood) * B
    rate = poisson_rate(c, q, S, B, plain=True)
    assert rate.semantic == pytest.approx(plain + understood * poisson_entropy(c * (1 - q)))
    # a set has no order: the code for sets saves about log2 n! bits, and the flag its redundancy
    assert poisson_rate(c, q, S, B).semantic < rate.semantic


@pytest.mark.parametrize("q", [0.0, 1.0])
def test_limits_of_the_rate(q: float) -> None:
    """Nothing learned: every text that needs a skill costs its raw bits. All learned: none does."""
    rate = poisson_rate(2.0, q, 1000, 640.0)
    if q == 1.0:
        assert rate.skills == 0.0
        assert rate.semantic == pytest.approx((1 - math.exp(-2)) * 640.0 + float(binary_entropy(math.exp(-2))))
    else:
        assert (rate.understood, rate.flag) == (1.0, 0.0)
        assert rate.semantic == rate.count + rate.skills


def test_costs_need_arguments_that_fit() -> None:
    graph = SkillTextGraph.from_csr([0, 1], [0], n_skills=1)
    with pytest.raises(AnalysisError, match="skill_bits"):
        frequency_set_bits(graph, [1.0, 2.0])
    with pytest.raises(AnalysisError, match="learned"):
        layer_rate(graph, np.ones(2, dtype=bool), raw_bits=1.0)
    with pytest.raises(AnalysisError, match="there are none"):
        layer_rate(graph.subset([]), np.ones(1, dtype=bool), raw_bits=1.0)
    with pytest.raises(AnalysisError, match="q from 0 to 1"):
        poisson_rate(3.0, 1.5, 10, 1.0)


@pytest.mark.parametrize("ratio", [0.9, 1.1])
def test_fresh_texts_cost_what_the_poisson_ensemble_says(ratio: float) -> None:
    """c = 3 on both sides of the threshold: learn, draw fresh texts, encode them for real.

    With the measured q the mean over N texts is within Z standard errors; the share of a word that the coder
    rounds up to and the quantised count model add less than 0.05 bits a text. Density evolution's own q adds its
    error of finite size, below 0.01 in q at S = 30 000.
    """
    rng = np.random.default_rng(8)
    S, c, n_fresh = 30_000, 3.0, 20_000
    learned = peel(poisson_graph(rng, round(ratio * S), S, c)).learned
    q = 1.0 - learned.mean()
    fresh = poisson_graph(rng, n_fresh, S, c)
    known = understood_texts(fresh, learned)
    names = np.array([f"s{i:05d}" for i in range(S)])
    sizes = fresh.subset(known).text_degrees
    book = Codebook.from_counts(names[learned], sizes)
    stream = _Null()
    writer = SgcWriter(stream, book)  # type: ignore[arg-type]
    for item in records_of(fresh, names.tolist()):
        writer.write(item)
    writer.close()
    assert writer.understood == np.count_nonzero(known)
    measured = 8 * writer.sections.sets / n_fresh
    each = np.zeros(n_fresh)
    each[known] = uniform_set_bits(sizes, learned.sum()) + book.count_bits[sizes]
    error = Z * each.std() / math.sqrt(n_fresh)
    # of kept texts the flag alone is part of `sets`
    assert measured == pytest.approx(poisson_rate(c, q, S, 0.0).semantic, abs=error + 0.05)
    predicted = evolve(Ensemble.poisson(c, ratio), OneSkillLearner()).unlearned
    assert predicted == pytest.approx(q, abs=0.01)
    slope = abs(poisson_rate(c, q + 0.01, S, 0.0).semantic - poisson_rate(c, q, S, 0.0).semantic)
    assert measured == pytest.approx(poisson_rate(c, predicted, S, 0.0).semantic, abs=error + 0.05 + slope)


class _Null:
    def write(self, data: bytes) -> int:
        return len(data)


@pytest.mark.parametrize("model", ["uniform", "frequency"])
def test_a_sample_of_a_layers_texts_costs_what_the_layer_expects(model: str) -> None:
    """Skewed skills, half of them learned; N texts drawn from the layer's cost its mean to Z standard errors."""
    rng = np.random.default_rng(9)
    S, T, n = 400, 4000, 3000
    text = np.repeat(np.arange(T), rng.poisson(4.0, T))
    graph = SkillTextGraph.from_edges(text, (S * rng.random(len(text)) ** 3).astype(int), T, S)
    learned = graph.skill_degrees > np.median(graph.skill_degrees) / 2
    known = graph.subset(understood_texts(graph, learned))
    names = np.array([f"s{i:03d}" for i in range(S)])
    uses = known.skill_degrees[learned] if model == "frequency" else None
    book = Codebook.from_counts(names[learned], known.text_degrees, uses)
    bits = None
    if book.skill_bits is not None:
        bits = np.zeros(S)
        bits[learned] = book.skill_bits
    expected = layer_rate(graph, learned, raw_bits=0.0, skill_bits=bits, count_bits=book.count_bits)
    sample = graph.subset(rng.integers(0, T, n))
    records = records_of(sample, names.tolist())
    writer = SgcWriter(_Null(), book)  # type: ignore[arg-type]
    for item in records:
        writer.write(item)
    writer.close()
    mine = understood_texts(sample, learned)
    part = sample.subset(mine)
    each = np.zeros(n)
    sets = uniform_set_bits(part.text_degrees, learned.sum()) if bits is None else frequency_set_bits(part, bits)
    each[mine] = sets + book.count_bits[np.minimum(part.text_degrees, len(book.count_bits) - 1)]
    # exactly what was drawn, to a word or two and the order of the first sets
    assert 8 * writer.sections.sets == pytest.approx(each.sum() + n * float(binary_entropy(mine.mean())), abs=128)
    assert 8 * writer.sections.sets / n == pytest.approx(expected.semantic, abs=Z * each.std() / math.sqrt(n) + 0.1)


def test_the_frequency_model_saves_where_skills_are_used_unevenly() -> None:
    names = [f"s{i}" for i in range(10)] + [f"t{i:03d}" for i in range(300)]
    rng = np.random.default_rng(4)
    records = [record(f"x{i}", [names[s] for s in rng.choice(10, 4, replace=False)]) for i in range(2000)]
    uses = np.array([800 if name[0] == "s" else 0 for name in sorted(names)])
    sizes = np.full(2000, 4)
    frequency, uniform = (
        len(written(Codebook.from_counts(names, sizes, u), records, keep_ids=False)) for u in (uses, None)
    )
    # Σ -log2 p_s - log2 4! = 4 log2 10 - 4.6 = 8.7 bits a text against log2 C(310, 4) = 28.5, and a larger header
    assert frequency < 0.5 * uniform


@pytest.mark.parametrize(("c", "learner"), [(3.0, "one"), (4.0, "one"), (7.0, "d:2")])
def test_the_rate_curve_has_its_drop_at_the_emergence_threshold(c: float, learner: str) -> None:
    """The steepest step of a fine grid is where the threshold lies, many times steeper than any before."""
    rule = parse_learner(learner)
    threshold = emergence_threshold(c, rule).ratio
    assert threshold is not None
    ratios = threshold + np.linspace(-0.2, 0.2, 81)
    curve = rate_curve(c, ratios, 10_000, 500.0, learner=rule)
    steps = -np.diff(curve.bits)
    steepest = int(np.argmax(steps))
    assert ratios[steepest] <= threshold <= ratios[steepest + 1]
    assert steps[steepest] > 10 * np.median(steps[:steepest])


def test_more_texts_never_cost_more_when_raw_texts_are_long() -> None:
    curve = rate_curve(3.0, np.linspace(0.0, 3.0, 31), 1000, 5000.0)
    assert np.all(np.diff(curve.bits) <= 1e-9)
    assert np.all(np.diff(curve.learned) >= -1e-9)


def test_texts_that_are_surely_understood_or_not_cost_what_the_layer_says() -> None:
    rng = np.random.default_rng(4)
    graph = poisson_graph(rng, 400, 60, 3.0)
    learned = rng.random(60) < 0.8
    expected = layer_rate(graph, learned, raw_bits=500.0)
    mask = understood_texts(graph, learned)
    found = random_rate(graph.text_degrees, mask, float(learned.sum()), 500.0)
    for name in ("understood", "flag", "count", "skills", "raw", "semantic"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name)), name
    assert random_rate([2], [0.0], 5.0, 7.0).semantic == 7.0
    with pytest.raises(AnalysisError, match="one number for each"):
        random_rate([1, 2], [0.5], 5.0, 7.0)
    with pytest.raises(AnalysisError, match="from 0 to 1"):
        random_rate([1], [1.5], 5.0, 7.0)


def test_poisson_sizes_cost_what_the_poisson_ensemble_says() -> None:
    """P_t = (1 - q)^n: among 200,000 texts a mean strays by a few thousandths of a bit."""
    c, q, skills = 4.0, 0.2, 1_000
    sizes = np.random.default_rng(5).poisson(c, 200_000)
    found = random_rate(sizes, (1.0 - q) ** sizes, (1.0 - q) * skills, 300.0)
    expected = poisson_rate(c, q, skills, 300.0)
    assert found.understood == pytest.approx(expected.understood, abs=0.005)
    assert found.skills == pytest.approx(expected.skills, abs=0.15)
    assert found.count == pytest.approx(expected.count, abs=0.02)
    assert found.semantic == pytest.approx(expected.semantic, abs=1.5)
