"""Peeling of a random graph whose edges are never stored: each skill's texts are hashed again when they are needed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis._kernels.compile import kernel, prefetch

__all__ = ["BLOCK", "build", "peel"]

UInt8 = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]

BLOCK = 512  # texts that are looked through together when one of them has changed
_BUFFER = 512  # edges between asking for a text's cache line and using it
_ONE = np.uint64(1)
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_RIGHT_1, _RIGHT_2, _RIGHT_3, _TO_52 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)


@kernel
def _hashed(key: np.uint64, counter: np.uint64) -> np.uint64:
    """SplitMix64: the 64-bit words of a counter look independent."""
    z = key + (counter + _ONE) * _GOLDEN
    z = (z ^ (z >> _RIGHT_1)) * _MIX_1
    z = (z ^ (z >> _RIGHT_2)) * _MIX_2
    return z ^ (z >> _RIGHT_3)


@kernel
def _texts(s: int, key: np.uint64, thresholds: UInt64, stride: np.uint64, scale: float, out: Int32, start: int) -> int:
    """Write the distinct texts of skill s from `out[start]` on; returns where they end."""
    first = np.uint64(s) * stride
    word = _hashed(key, first)
    degree = 0
    while degree < len(thresholds) and word >= thresholds[np.uint64(degree)]:
        degree += 1
    end = start
    for i in range(1, degree + 1):
        text = np.int32(np.float64(_hashed(key, first + np.uint64(i)) >> _TO_52) * scale)
        fresh = True
        for j in range(start, end):
            fresh &= out[np.uint64(j)] != text
        if fresh:
            out[np.uint64(end)] = text
            end += 1
    return end


@kernel
def build(key: np.uint64, n_skills: int, thresholds: UInt64, scale: float, words: UInt64) -> int:
    """Count (upper half) and XOR (lower half) of every text's skills; the number of edges."""
    stride = np.uint64(len(thresholds) + 2)
    texts = np.empty(_BUFFER + len(thresholds) + 1, np.int32)
    owners = np.empty(len(texts), np.int32)
    n_edges = filled = 0
    for s in range(np.uint64(n_skills)):
        end = _texts(s, key, thresholds, stride, scale, texts, filled)
        for i in range(filled, end):
            prefetch(words, texts[np.uint64(i)])
            owners[np.uint64(i)] = s
        filled = end
        if filled >= _BUFFER or s + _ONE == np.uint64(n_skills):
            for i in range(filled):
                t = np.uint64(texts[np.uint64(i)])
                words[t] = (words[t] + (_ONE << _SHIFT)) ^ np.uint64(owners[np.uint64(i)])
            n_edges += filled
            filled = 0
    return n_edges


@kernel
def _settle(words: UInt64, changed: UInt8, state: UInt8) -> int:
    """Mark by 2 the skills that a text with one novel skill teaches now; their number."""
    found = 0
    n_texts = np.uint64(len(words))
    for block in range(np.uint64(len(changed))):
        if changed[block]:
            changed[block] = 0
            first = block * np.uint64(BLOCK)
            for t in range(first, min(first + np.uint64(BLOCK), n_texts)):
                if words[t] >> _SHIFT == _ONE:
                    s = words[t] & _LOW
                    found += int(state[s] == 0)
                    state[s] = 2
    return found


@kernel
def _take_out(key: np.uint64, thresholds: UInt64, scale: float, words: UInt64, changed: UInt8, state: UInt8) -> None:
    """Take the skills marked by 2 out of their texts and mark them by 1."""
    stride = np.uint64(len(thresholds) + 2)
    texts = np.empty(_BUFFER + len(thresholds) + 1, np.int32)
    owners = np.empty(len(texts), np.int32)
    filled = 0
    n_skills = np.uint64(len(state))
    for s in range(n_skills):
        if state[s] == 2:
            state[s] = 1
            end = _texts(s, key, thresholds, stride, scale, texts, filled)
            for i in range(filled, end):
                prefetch(words, texts[np.uint64(i)])
                owners[np.uint64(i)] = s
            filled = end
        if filled >= _BUFFER or s + _ONE == n_skills:
            for i in range(filled):
                t = np.uint64(texts[np.uint64(i)])
                words[t] = (words[t] - (_ONE << _SHIFT)) ^ np.uint64(owners[np.uint64(i)])
                changed[t // np.uint64(BLOCK)] = 1
            filled = 0


@kernel
def peel(
    key: np.uint64,
    thresholds: UInt64,
    scale: float,
    words: UInt64,
    changed: UInt8,
    state: UInt8,
    by_wave: Int64,
) -> int:
    """Peel round by round; the number of skills learned in round k is added at `by_wave[k]`.

    Returns the number of rounds, or -1 if `by_wave` is too short.
    """
    wave = 0
    while True:
        found = _settle(words, changed, state)
        if found == 0:
            return wave
        wave += 1
        if wave == len(by_wave):
            return -1
        by_wave[wave] = found
        _take_out(key, thresholds, scale, words, changed, state)
