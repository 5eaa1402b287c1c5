"""Two respondents item by item: coverage, false discoveries, power, and the closed forms behind them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from analysis.graph import SkillTextGraph
from analysis.pairing import benjamini_hochberg, beyond_overall, mcnemar, paired_differences

SKILLS, EACH = 40, 100


def corpus(rng: np.random.Generator) -> tuple[SkillTextGraph, np.ndarray]:
    """40 skills of 100 texts each, every text with one, and difficulties as wide as those of real code tasks."""
    texts = SKILLS * EACH
    graph = SkillTextGraph.from_csr(np.arange(texts + 1), np.arange(texts) % SKILLS, n_skills=SKILLS)
    return graph, special.expit(rng.normal(size=texts) * 2.5)


def test_intervals_cover_and_nothing_is_found_where_nothing_is() -> None:
    """400 intervals of each kind: 95 % cover within three standard errors (3.3 %)."""
    rng = np.random.default_rng(0)
    graph, p = corpus(rng)
    q = special.expit(special.logit(p) + 0.4)
    truth = np.bincount(graph.text_skills, q - p) / EACH
    for samples in (1, 10):
        covered, found = [], 0
        for _ in range(10):
            x, y = (rng.binomial(samples, chance) / samples for chance in (p, q))
            d = paired_differences(graph, x, y)
            covered.append((d.low <= truth) & (truth <= d.high))
            null = paired_differences(graph, x, rng.binomial(samples, p) / samples)
            found += int((null.higher() | null.lower()).any())
        assert 0.917 <= np.mean(covered) <= 0.983
        assert found <= 3, "a false discovery in at most one run of twenty, as a rule"


def test_a_planted_shift_is_found() -> None:
    """0.15 in solve rate on 100 texts, ten samples each as in the real data: found in at least 80 %."""
    rng = np.random.default_rng(1)
    graph, p = corpus(rng)
    hits, false = 0, 0
    for k in range(20):
        planted = graph.text_skills == k
        y = rng.binomial(10, np.where(planted, np.minimum(p + 0.15, 1.0), p)) / 10
        found = paired_differences(graph, rng.binomial(10, p) / 10, y)
        hits += int(found.higher()[k])
        false += int((found.higher() | found.lower()).sum() - found.higher()[k])
    assert hits >= 16
    assert false <= 4


def test_a_shift_down_is_lower_and_never_higher() -> None:
    """Exchanging the two exchanges what is higher and lower, and a clear difference is in one of them only."""
    rng = np.random.default_rng(6)
    graph, p = corpus(rng)
    planted = graph.text_skills == 3
    x = rng.binomial(10, p) / 10
    y = rng.binomial(10, np.where(planted, np.maximum(p - 0.4, 0.0), p)) / 10
    down, up = paired_differences(graph, x, y), paired_differences(graph, y, x)
    assert down.lower()[3]
    assert not down.higher()[3]
    assert np.array_equal(down.lower(), up.higher())
    assert np.array_equal(down.higher(), up.lower())


def test_difficulties_make_single_outcomes_tell_more() -> None:
    """With one outcome a text the expectation finds more than the pair alone, and no more false ones."""
    rng = np.random.default_rng(2)
    graph, p = corpus(rng)
    plain = known = false = 0
    for k in range(30):
        planted = graph.text_skills == k
        y = rng.binomial(1, np.where(planted, special.expit(special.logit(p) + 1.2), p)).astype(float)
        x = rng.binomial(1, p).astype(float)
        plain += int(paired_differences(graph, x, y).higher()[k])
        found = beyond_overall(graph, x, y, p, p, deviation_variance=0.01).q_value <= 0.05
        known += int(found[k])
        false += int(found.sum() - found[k])
    assert known >= plain
    assert known >= 18
    assert false <= 6


@pytest.mark.parametrize("signs", [1.0, -1.0, 0.0], ids=["all up", "all down", "half of each"])
def test_several_planted_shifts_are_found_and_leave_the_others_alone(signs: float) -> None:
    """10 of 40 skills shifted by 0.15, one outcome a text: four in five are found, a twentieth of the found is false.

    Real difficulties and estimated ones: `benchmarks.evidence_power --planted 10`. The shares are means of 20 runs;
    three of their standard errors are allowed. What all of them shifted moves the ability of the second too, so a
    test of what is beyond that would blame the others.
    """
    rng = np.random.default_rng(8)
    hits, wrong = [], []
    for _ in range(20):
        graph, p = corpus(rng)
        up = np.where(np.arange(10) % 2, -1.0, 1.0) if signs == 0.0 else np.full(10, signs)
        shift = np.concatenate([up, np.zeros(SKILLS - 10)])[graph.text_skills]
        # In log-odds: 0.15 in solve rate at these difficulties.
        q = special.expit(special.logit(p) + 1.2 * shift)
        x, y = (rng.binomial(1, chance).astype(float) for chance in (p, q))
        known = beyond_overall(graph, x, y, p, p, deviation_variance=0.01, level_variance=0.002)
        found = known.q_value <= 0.05
        hits.append((found[:10] & (np.sign(known.difference[:10]) == up)).mean())
        wrong.append(found[10:].sum() / max(int(found.sum()), 1))
    assert np.mean(hits) >= 0.8 - 3.0 * np.std(hits, ddof=1) / np.sqrt(20)
    assert np.mean(wrong) <= 0.05 + 3.0 * np.std(wrong, ddof=1) / np.sqrt(20)


@pytest.mark.parametrize(("each", "samples"), [(8, 1), (20, 1), (40, 1), (12, 3)])
def test_small_groups_are_not_found_where_nothing_changed(each: int, samples: int) -> None:
    """Where nothing changed, every finding is false: in at most 5 % of 200 runs of 100 skills, and 3 errors (4.6 %).

    Sums of a few outcomes have long tails, their own variances are small where the sums are large, and skills that
    are chosen for texts on which the models differ look changed.
    """
    rng = np.random.default_rng(10)
    texts = 100 * each
    graph = SkillTextGraph.from_csr(np.arange(texts + 1), np.repeat(np.arange(100), each), n_skills=100)
    found = 0
    for _ in range(200):
        p = special.expit(rng.normal(size=texts) * 2.5)
        own = special.expit(special.logit(p) + np.repeat(rng.normal(0.0, 0.1, 100), each))
        x, y = (rng.binomial(samples, own) / samples for _ in range(2))
        found += int((beyond_overall(graph, x, y, p, p, deviation_variance=0.01).q_value <= 0.05).any())
    assert found <= 200 * 0.096


def test_what_is_peculiar_to_both_is_no_change() -> None:
    """A deviation of 1.5 logits on one skill, which the pooling does not foresee and both share, is not found."""
    rng = np.random.default_rng(11)
    found = 0
    for _ in range(40):
        graph, p = corpus(rng)
        own = special.expit(special.logit(p) + 1.5 * (graph.text_skills == 0))
        x, y = (rng.binomial(1, own).astype(float) for _ in range(2))
        found += int(beyond_overall(graph, x, y, p, p, deviation_variance=0.01).q_value[0] <= 0.05)
    assert found <= 6


def test_mcnemar_is_the_binomial_test_with_mid_p() -> None:
    x = np.array([1.0] * 20 + [0.0] * 20)
    y = np.concatenate([np.zeros(3), np.ones(17), np.ones(11), np.zeros(9)])
    found = mcnemar(x, y)
    assert found is not None
    assert (found.only_first, found.only_second) == (3, 11)
    exact = stats.binomtest(3, 14).pvalue
    assert found.p_value == pytest.approx(exact - stats.binom.pmf(3, 14, 0.5))
    b, c, n = 4 / 42, 12 / 42, 42
    half = 1.959964 * np.sqrt((b + c - (c - b) ** 2) / n)
    assert (found.low, found.high) == pytest.approx((c - b - half, c - b + half))


def test_mid_p_is_that_of_the_binomial_distribution_for_all_small_counts() -> None:
    worse, better = np.divmod(np.arange(41 * 41), 41)
    text_ptr = np.arange(int((worse + better).sum()) + 1)
    skills = np.repeat(np.arange(len(worse)), worse + better)
    graph = SkillTextGraph.from_csr(text_ptr, skills, n_skills=len(worse))
    first = np.concatenate([np.r_[np.ones(a), np.zeros(b)] for a, b in zip(worse, better, strict=True)])
    found = paired_differences(graph, first, 1.0 - first)
    n, k = (worse + better)[1:], np.minimum(worse, better)[1:]
    expected = 2.0 * stats.binom.cdf(k, n, 0.5) - stats.binom.pmf(k, n, 0.5)
    assert np.isnan(found.p_value[0])
    assert found.p_value[1:] == pytest.approx(np.minimum(expected, 1.0), rel=1e-9)


def test_shares_take_the_paired_t_test() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.random(30).round(1), rng.random(30).round(1)
    x[4] = np.nan
    found = mcnemar(x, y)
    seen = ~np.isnan(x)
    assert found is not None
    test = stats.ttest_rel(y[seen], x[seen])
    assert found.p_value == pytest.approx(test.pvalue)
    ends = test.confidence_interval()
    assert found.low < ends.low
    assert found.high > ends.high
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), abs=0.002), "two texts' worth wider"


def test_few_shares_that_agree_by_chance_are_not_certain() -> None:
    """Two texts with the same difference have no spread of their own; the other texts say how much there is."""
    rng = np.random.default_rng(12)
    sizes = [2, 5, 2, 200]
    graph = SkillTextGraph.from_csr(range(sum(sizes) + 1), np.repeat(range(4), sizes), n_skills=4)
    x = rng.binomial(10, 0.5, sum(sizes)) / 10
    y = rng.binomial(10, 0.5, sum(sizes)) / 10
    x[:9], y[:7], y[7:9] = 0.3, 0.6, 0.3
    found = paired_differences(graph, x, y)
    assert found.p_value[:3] == pytest.approx([0.5, 0.0625, 1.0]), "no test of two or five signs can say more"
    assert not found.higher().any()
    assert (found.low[[0, 2]] < 0.0).all()
    assert not found.alike(0.1)[2], "two texts that both solve alike do not show that nothing changed"
    test = stats.ttest_rel(y[9:], x[9:])
    assert found.p_value[3] == pytest.approx(test.pvalue)
    ends = test.confidence_interval()
    assert (found.low[3], found.high[3]) == pytest.approx((ends.low, ends.high), abs=0.002)


def test_intervals_of_shares_of_few_texts_cover() -> None:
    """Skills of 2 to 8 texts with ten samples each, a true difference of 0: at least 93 % of 4 000 intervals."""
    rng = np.random.default_rng(13)
    sizes = np.repeat(np.arange(2, 9), 10)
    graph = SkillTextGraph.from_csr(range(sizes.sum() + 1), np.repeat(range(70), sizes), n_skills=70)
    covered = []
    for _ in range(60):
        p = special.expit(rng.normal(size=sizes.sum()) * 2.5)
        found = paired_differences(graph, *(rng.binomial(10, p) / 10 for _ in range(2)))
        covered.append(((found.low <= 0.0) & (found.high >= 0.0)).mean())
    assert np.mean(covered) >= 0.93


def test_benjamini_hochberg_against_scipy() -> None:
    p = np.random.default_rng(4).random(50) ** 3
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


def test_groups_without_common_texts_say_nothing() -> None:
    graph = SkillTextGraph.from_csr([0, 1, 2], [0, 1], n_skills=3)
    found = paired_differences(graph, [np.nan, 1.0], [1.0, 0.0])
    assert found.items.tolist() == [0, 1, 0]
    assert np.isnan(found.difference[[0, 2]]).all()
    assert (found.q_value == 1).all()
    assert not (found.higher() | found.lower() | found.alike(0.1)).any()
