"""Sets of skills through the coder: what comes out went in, and it costs what information theory says."""

from __future__ import annotations

import itertools
import math
from functools import cache

import constriction
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compression import log2_binomial
from explorer.sgc import Codebook, SgcError, layer_fingerprint, quantize
from explorer.sgc.codebook import TOTAL_WEIGHT
from explorer.sgc.skill_sets import _from_ranks, _to_ranks, decode_sets, encode_sets
from tests.compression.corpora import fixed


@cache
def names(n: int) -> list[str]:
    return [f"s{i:06d}" for i in range(n)]


def as_rows(sets: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    ptr = np.concatenate(([0], np.cumsum([len(s) for s in sets], dtype=np.int64)))
    return ptr, np.array(list(itertools.chain.from_iterable(sets)), dtype=np.int64)


@fixed
@given(st.data())
def test_any_sets_come_back(data: st.DataObject) -> None:
    n_skills = data.draw(st.sampled_from([0, 1, 2, 3, 7, 300, 2**16, 2**16 + 1, 500_000]))
    some = st.integers(0, max(n_skills - 1, 0))
    # all skills at once is a set too
    whole = st.just(list(range(n_skills))) if n_skills < 10 else st.nothing()
    one = st.sets(some, max_size=min(n_skills, 20)).map(sorted) | whole if n_skills else st.just([])
    sets = data.draw(st.lists(one, max_size=20))
    unknown = data.draw(st.integers(0, 5))
    flags = np.array(data.draw(st.permutations([True] * len(sets) + [False] * unknown)), dtype=bool)
    ptr, flat = as_rows(sets)
    uses = np.arange(n_skills) % 17 if data.draw(st.booleans()) else None
    book = Codebook.from_counts(names(n_skills), np.array([0, 1, 1, 2]), uses)
    coded = encode_sets(book, flags, ptr, flat)
    back, back_ptr, back_flat = decode_sets(book, coded, len(flags), len(sets))
    assert back.tolist() == flags.tolist()
    assert back_ptr.tolist() == ptr.tolist()
    assert back_flat.tolist() == flat.tolist()


@pytest.mark.parametrize("n_skills", [400, 30_000, 300_000])
def test_uniform_sets_cost_the_logarithm_of_their_number(n_skills: int) -> None:
    """log2 C(L, n) each, n = 0 … 8; ANS adds at most two words, 16-bit digits at most 2^-8 bits a skill."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(0, 9, 3000)
    sets = [np.sort(rng.choice(n_skills, n, replace=False)).tolist() for n in sizes]
    book = Codebook.from_counts(names(n_skills), sizes)
    coded = encode_sets(book, np.ones(len(sets), dtype=bool), *as_rows(sets))
    exact = float(np.sum(log2_binomial(n_skills, sizes) + book.count_bits[sizes]))
    assert exact - 1 <= 8 * len(coded) <= exact + 64 + 2**-7 * sizes.sum()


def test_frequency_sets_cost_their_information_less_the_order() -> None:
    """Σ -log2 p_s - log2 n! each, with the quantised p_s; the first batches pay for the order of a few sets."""
    rng = np.random.default_rng(2)
    p = 1.0 / np.arange(1, 501)
    p /= p.sum()
    sets = [np.sort(rng.choice(500, 6, replace=False, p=p)).tolist() for _ in range(3000)]
    ptr, flat = as_rows(sets)
    book = Codebook.from_counts(names(500), np.full(3000, 6), np.bincount(flat, minlength=500))
    coded = encode_sets(book, np.ones(3000, dtype=bool), ptr, flat)
    assert book.skill_bits is not None
    exact = book.skill_bits[flat].sum() + 3000 * (book.count_bits[6] - math.log2(math.factorial(6)))
    assert exact - 1 <= 8 * len(coded) <= exact + 64 + 2 * math.log2(math.factorial(6))


def test_flags_cost_their_entropy_and_nothing_if_all_are_alike() -> None:
    """N h(k/N) bits, to a word or two: what the file grows by when texts that are not understood come in between."""
    sizes = np.random.default_rng(3).integers(0, 2, 1000)
    ptr, flat = np.concatenate(([0], np.cumsum(sizes))), np.zeros(sizes.sum(), dtype=np.int64)
    book = Codebook.from_counts(["s"], sizes)
    alone = 8 * len(encode_sets(book, np.ones(1000, dtype=bool), ptr, flat))
    among = 8 * len(encode_sets(book, np.arange(10_000) % 10 == 0, ptr, flat))
    assert abs(alone - book.count_bits[sizes].sum()) <= 64
    assert abs(among - alone - 10_000 * 0.468996) <= 64


@fixed
@given(st.permutations(range(9)), st.integers(9, 40))
def test_ranks_are_a_mixed_radix_number(order: list[int], universe: int) -> None:
    """Rank j is below universe - j, and ranks are the row again."""
    row = np.array([order])
    ranks = _to_ranks(row)
    assert all(0 <= ranks[0, j] < universe - j for j in range(9))
    assert ranks[0].tolist() == [sum(x < order[j] for x in set(order) - set(order[:j])) for j in range(9)]
    assert _from_ranks(ranks).tolist() == row.tolist()


@fixed
@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50).filter(any))
def test_quantised_weights_are_whole_positive_and_in_proportion(counts: list[int]) -> None:
    weights = quantize(counts)
    assert weights.sum() == TOTAL_WEIGHT
    assert weights.min() >= 1
    exact = np.array(counts) / sum(counts) * TOTAL_WEIGHT
    # each is rounded down, 1 is added, and the largest takes what is left
    assert np.all(np.abs(weights - exact) <= 2 * len(counts) + 1)


@pytest.mark.parametrize("n", [2, 3, 390, 100_000])
def test_the_coder_takes_the_weights_without_rounding(n: int) -> None:
    """The lowest 24 bits of an ANS state select the symbol: try the first and last number of a symbol's interval."""
    rng = np.random.default_rng(n)
    weights = quantize((rng.pareto(1.0, n) * 1000).astype(np.int64) + 1)
    model = constriction.stream.model.Categorical((weights - 1).astype(np.float64), perfect=False)
    ends = np.concatenate(([0], np.cumsum(weights)))
    for symbol in rng.choice(n, min(n, 200), replace=False):
        for number in (ends[symbol], ends[symbol + 1] - 1):
            coder = constriction.stream.stack.AnsCoder(np.array([3, int(number) | 5 << 24, 7], dtype=np.uint32))
            assert coder.decode(model) == symbol


def test_a_codebook_needs_skills_in_order_and_weights_that_sum_up() -> None:
    sizes = np.array([0])
    with pytest.raises(SgcError, match="sorted by id"):
        Codebook(("b", "a"), quantize([1, 1]))
    with pytest.raises(SgcError, match="sum to"):
        Codebook(("a",), np.array([1, 1]))
    assert Codebook.from_counts(["b", "a"], sizes).skills == ("a", "b")


def test_fingerprints_tell_boundaries_order_and_content_apart() -> None:
    prints = {layer_fingerprint(s) for s in ([], [""], ["a"], ["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""])}
    assert len(prints) == 7
    assert layer_fingerprint(["a", "b"]) == layer_fingerprint(("a", "b"))
