"""Skill sets as bits, and back: an asymmetric numeral system (ANS) with the order of each set taken back.

A set of n skills is pushed on the coder's stack as a list, which costs log2 n! bits too many. As a set may be
listed in any order, the order is popped from the stack first: it costs nothing, because the reader, who sees the
order, pushes it back ("bits back"). What is left is log2 C(L, n) bits for the uniform model and
Σ -log2 p_s - log2 n! for the frequency model. All probabilities are integers over 2^24, so that reader and writer
agree on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import constriction  # type: ignore[import-untyped]  # it has no type information
import numpy as np
from numpy.typing import NDArray

from explorer.sgc.codebook import Codebook, quantize

__all__ = ["decode_sets", "encode_sets"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
_MOST_SKILLS = 1 << 24
"""Skills of all texts of a block, at most: all of them are in memory at once."""
_DIGIT_BITS = 16
"""Uniform numbers are pushed in digits of at most this many bits, for which 24-bit probabilities are fine enough."""


def encode_sets(codebook: Codebook, understood: Bools, ptr: Ints, skills: Ints) -> bytes:
    """Flags, numbers of skills and skill sets of some texts.

    Args:
        codebook: The model.
        understood: Bool (N,), which texts have a skill set.
        ptr: int64 (K+1,), where the set of each of the K understood texts starts.
        skills: int64, positions in the codebook, ascending in each set.

    Returns:
        32-bit words, little-endian.
    """
    coder = _coder()
    sizes = np.diff(ptr)
    for first, last in _batches(len(sizes)):
        for n, rows in _groups(sizes[first:last]):
            places = ptr[first + rows][:, None] + np.arange(n)
            _push_sets(coder, codebook, skills[places])
        _push_counts(coder, codebook, sizes[first:last])
    k = len(sizes)
    if 0 < k < len(understood):
        coder.encode_reverse(understood.astype(np.int32), _categorical(quantize([len(understood) - k, k])))
    words: NDArray[np.uint32] = coder.get_compressed()
    return words.astype("<u4").tobytes()


def decode_sets(codebook: Codebook, data: bytes, n_texts: int, n_understood: int) -> tuple[Bools, Ints, Ints]:
    """The arguments of `encode_sets`, from its result.

    Raises:
        ValueError: The data are not such a result.
    """
    coder = _coder(np.frombuffer(data, dtype="<u4").astype(np.uint32))
    understood = np.full(n_texts, n_understood > 0)
    if 0 < n_understood < n_texts:
        flags = coder.decode(_categorical(quantize([n_texts - n_understood, n_understood])), n_texts)
        understood = flags.astype(bool)
    if np.count_nonzero(understood) != n_understood:
        raise ValueError("flags and number of understood texts differ")
    batches = list(_batches(n_understood))
    parts: list[tuple[Ints, Ints]] = []
    taken = 0
    for first, last in reversed(batches):
        sizes = _pop_counts(coder, codebook, last - first)
        ptr = np.concatenate(([0], np.cumsum(sizes)))
        taken += int(ptr[-1])
        if taken > _MOST_SKILLS:
            raise ValueError("more skills than a block can hold")
        skills = np.empty(ptr[-1], dtype=np.int64)
        for n, rows in reversed(list(_groups(sizes))):
            skills[ptr[rows][:, None] + np.arange(n)] = _pop_sets(coder, codebook, len(rows), n)
        parts.append((sizes, skills))
    if not coder.is_empty():
        raise ValueError("unused bits remain at the end")
    empty = np.zeros(0, dtype=np.int64)
    sizes = np.concatenate([empty, *(part[0] for part in reversed(parts))])
    return (
        understood,
        np.concatenate(([0], np.cumsum(sizes))),
        np.concatenate([empty, *(p[1] for p in reversed(parts))]),
    )


def _coder(words: NDArray[np.uint32] | None = None) -> Any:
    coder = constriction.stream.stack.AnsCoder
    return coder() if words is None else coder(words)


def _categorical(weights: Ints) -> Any:
    """The model with exactly these integer weights.

    With `perfect=False` the coder gives each of n symbols 1 and shares out the other 2^24 - n in proportion; these
    are integers that sum to just that, so nothing is rounded.
    """
    return constriction.stream.model.Categorical((weights - 1).astype(np.float64), perfect=False)


def _batches(n: int) -> Iterator[tuple[int, int]]:
    """Ever larger runs of rows: the order of a run's sets is popped from what the runs before it have pushed."""
    first, size = 0, 1
    while first < n:
        last = min(first + size, n)
        yield first, last
        first, size = last, max(last, 1)


def _groups(sizes: Ints) -> Iterator[tuple[int, Ints]]:
    """Each number of skills n ≥ 1 with the rows that have it."""
    for n in np.unique(sizes[sizes > 0]).tolist():
        yield n, np.flatnonzero(sizes == n)


def _push_sets(coder: Any, codebook: Codebook, sets: Ints) -> None:
    m, n = sets.shape
    order = _from_ranks(_pop_uniform(coder, np.tile(np.arange(n, 0, -1), m)).reshape(m, n))
    listed = np.take_along_axis(sets, order, axis=1)
    if codebook.skill_weights is None:
        _push_uniform(coder, _to_ranks(listed).ravel(), np.tile(codebook.n_skills - np.arange(n), m))
    elif codebook.n_skills > 1:
        coder.encode_reverse(listed.ravel().astype(np.int32), _categorical(codebook.skill_weights))


def _pop_sets(coder: Any, codebook: Codebook, m: int, n: int) -> Ints:
    if n > codebook.n_skills:
        raise ValueError("it names more skills than the layer has")
    if codebook.skill_weights is None:
        listed = _from_ranks(_pop_uniform(coder, np.tile(codebook.n_skills - np.arange(n), m)).reshape(m, n))
    elif codebook.n_skills > 1:
        listed = coder.decode(_categorical(codebook.skill_weights), m * n).astype(np.int64).reshape(m, n)
    else:
        listed = np.zeros((m, n), dtype=np.int64)
    by_size = np.argsort(listed, axis=1)
    sets = np.take_along_axis(listed, by_size, axis=1)
    if np.any(sets[:, 1:] <= sets[:, :-1]) or np.any(sets >= codebook.n_skills):
        raise ValueError("not a set of skills")
    order = np.argsort(by_size, axis=1)
    _push_uniform(coder, _to_ranks(order).ravel(), np.tile(np.arange(n, 0, -1), m))
    return sets


def _to_ranks(listed: Ints) -> Ints:
    """For each entry of each row, its rank among the values that the row's earlier entries left."""
    ranks = listed.copy()
    for j in range(listed.shape[1] - 1):
        ranks[:, j + 1 :] -= listed[:, j + 1 :] > listed[:, j : j + 1]
    return ranks


def _from_ranks(ranks: Ints) -> Ints:
    """Inverse of `_to_ranks`."""
    listed = ranks.copy()
    for j in range(ranks.shape[1] - 2, -1, -1):
        listed[:, j + 1 :] += listed[:, j + 1 :] >= listed[:, j : j + 1]
    return listed


def _push_counts(coder: Any, codebook: Codebook, sizes: Ints) -> None:
    more = len(codebook.count_weights) - 1
    large = sizes[sizes >= more]
    _push_uniform(coder, large, np.full(len(large), codebook.n_skills + 1))
    coder.encode_reverse(np.minimum(sizes, more).astype(np.int32), _categorical(codebook.count_weights))


def _pop_counts(coder: Any, codebook: Codebook, n: int) -> Ints:
    more = len(codebook.count_weights) - 1
    sizes: Ints = coder.decode(_categorical(codebook.count_weights), n).astype(np.int64)
    large = np.flatnonzero(sizes == more)
    sizes[large] = _pop_uniform(coder, np.full(len(large), codebook.n_skills + 1))
    return sizes


def _push_uniform(coder: Any, numbers: Ints, limits: Ints) -> None:
    """Push numbers, each uniform below its limit; a limit of 1 takes no bits."""
    uniform = constriction.stream.model.Uniform()
    shift = _shift(limits)
    low, high = shift > 0, limits > 1
    if low.any():
        rest = numbers[low] & ((1 << shift[low]) - 1)
        coder.encode_reverse(rest.astype(np.int32), uniform, (1 << shift[low]).astype(np.int32))
    if high.any():
        top = ((limits[high] - 1) >> shift[high]) + 1
        coder.encode_reverse((numbers[high] >> shift[high]).astype(np.int32), uniform, top.astype(np.int32))


def _pop_uniform(coder: Any, limits: Ints) -> Ints:
    """Inverse of `_push_uniform`."""
    uniform = constriction.stream.model.Uniform()
    shift = _shift(limits)
    low, high = shift > 0, limits > 1
    numbers = np.zeros(len(limits), dtype=np.int64)
    if high.any():
        top = ((limits[high] - 1) >> shift[high]) + 1
        numbers[high] = coder.decode(uniform, top.astype(np.int32)).astype(np.int64) << shift[high]
    if low.any():
        numbers[low] |= coder.decode(uniform, (1 << shift[low]).astype(np.int32)).astype(np.int64)
    return numbers


def _shift(limits: Ints) -> Ints:
    """How many low bits are split off so that the rest is below 2^16."""
    # frexp is exact for these integers: frexp(x)[1] is the bit length of x
    bits = np.frexp((limits - 1).astype(np.float64))[1].astype(np.int64)
    return np.maximum(bits - _DIGIT_BITS, 0)
