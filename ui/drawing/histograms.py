"""Histograms over filters, of a graph and of tables: how many lie where a brush is drawn, and what a brush keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from explorer.wording import plural
from ui.drawing.graphs import LayerGraph

__all__ = ["Histogram", "Scale", "histogram", "last_place", "masteries", "uses", "waves", "weights", "within"]

Scale = Literal["wave", "texts", "share"]
"""Where a value lies on a brush: waves at their numbers; numbers of texts at the exponents of powers of 2; shares from
0 to 1 in per cent, in bars of 5."""


@dataclass(frozen=True)
class Histogram:
    """Bars from left to right.

    Attributes:
        first: Where each bar begins, in the unit of its filter.
        last: Where it ends, the end included.
        counts: How many there are.
        titles: What each bar says.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    counts: tuple[int, ...]
    titles: tuple[str, ...]

    @property
    def heights(self) -> tuple[float, ...]:
        """Heights in per cent of the highest, by the square root, so that small bars are seen."""
        top = max(self.counts, default=0)
        return tuple(100.0 * float(np.sqrt(n / top)) if top else 0.0 for n in self.counts)


def last_place(values: npt.ArrayLike, scale: Scale) -> int:
    """The right end of a brush over values; NaN is none.

    >>> last_place([1, 9], "texts"), last_place([0, 4, np.nan], "wave"), last_place([0.5], "share")
    (3, 4, 100)
    """
    if scale == "share":
        return 100
    found = np.asarray(values, dtype=np.float64)
    most = float(np.max(found[~np.isnan(found)], initial=0.0))
    return int(most) if scale == "wave" else int(np.log2(max(most, 1.0)))


def within(values: npt.ArrayLike, scale: Scale, span: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which values a brush from one place to another keeps, both included; NaN is kept by none.

    >>> within([1, 3, 4, np.nan], "texts", (1, 1)).tolist()
    [False, True, False, False]
    """
    found, (low, high) = np.asarray(values, dtype=np.float64), span
    if scale == "wave":
        return (found >= low) & (found <= high)
    if scale == "share":
        return (100.0 * found >= low - 1e-9) & (100.0 * found <= high + 1e-9)
    return (np.maximum(found, 1.0) >= 2**low) & (np.maximum(found, 1.0) < 2 ** (high + 1))


def histogram(values: npt.ArrayLike, scale: Scale, noun: str = "skill", last: int = 0) -> Histogram:
    """Bars of values on a scale, NaN in none of them; no bars where nothing has a value.

    Args:
        values: Numbers; of texts, waves, or shares.
        scale: Where they lie.
        noun: What each of them belongs to.
        last: The right end of the brush, if it is further right than all of them.

    >>> histogram([0, 1, 1, np.nan], "wave").titles
    ('Wave 0: 1 skill', 'Wave 1: 2 skills')
    """
    found, each = _distinct(np.asarray(values))
    if not len(found):
        return Histogram((), (), (), ())
    if scale == "share":
        places, least = np.minimum(20.0 * found + 1e-9, 19), 20
    elif scale == "wave":
        places, least = found, max(last + 1, 2)
    else:
        places, least = np.frexp(np.maximum(found, 1.0))[1] - 1, max(last + 1, 1)  # ⌊log₂⌋
    counts = np.bincount(np.maximum(places, 0).astype(np.int64), weights=each, minlength=least).astype(np.int64)
    if scale == "share":
        first = tuple(range(0, 100, 5))
        ends, names = tuple(a + 5 for a in first), tuple(f"{a}–{a + 5} %" for a in first)
    else:
        first = ends = tuple(range(len(counts)))
        none = scale == "texts" and bool((found < 1).any())
        names = tuple(f"Wave {k}" if scale == "wave" else _texts(k, none=none) for k in first)
    titles = tuple(f"{name}: {plural(int(n), noun)}" for name, n in zip(names, counts, strict=True))
    return Histogram(first, ends, tuple(counts.tolist()), titles)


def _distinct(values: npt.NDArray[np.number]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64] | None]:
    """Values without NaN and how often each occurs, once each where few whole numbers repeat; None for once."""
    if values.dtype.kind in "iu" and len(values) and values.min() >= 0 and values.max() < len(values):
        often = np.bincount(values)
        there = np.flatnonzero(often)
        return there.astype(np.float64), often[there]
    found = values.astype(np.float64)
    return found[~np.isnan(found)], None


def waves(graph: LayerGraph) -> Histogram:
    """Skills of each wave."""
    return histogram(graph.wave, "wave")


def uses(graph: LayerGraph) -> Histogram:
    """Skills by the number of texts that require them, in powers of 2; bars are at the exponents."""
    return histogram(graph.uses, "texts")


def weights(graph: LayerGraph) -> Histogram:
    """Associations by the number of their texts, in powers of 2; bars are at the numbers themselves."""
    found = histogram(graph.weight, "texts", "association")
    first = tuple(2**e for e in found.first)
    return Histogram(first, tuple(2 * value - 1 for value in first), found.counts, found.titles)


def masteries(graph: LayerGraph) -> Histogram:
    """Skills by the probability that the model has them, in per cent; no bars where the layer has none."""
    return histogram(graph.view.mastery[graph.skill], "share")


def _texts(exponent: int, *, none: bool) -> str:
    first, last = 2**exponent, 2 ** (exponent + 1) - 1
    if exponent == 0:
        return "0–1 texts" if none else "1 text"
    return f"{first:,}–{last:,} texts"
