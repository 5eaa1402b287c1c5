"""Histograms over a graph's filters: how many skills or associations lie where a brush is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from explorer.wording import plural
from ui.drawing.graphs import LayerGraph

__all__ = ["Histogram", "masteries", "most_doublings", "uses", "waves", "weights"]


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


def most_doublings(values: npt.NDArray[np.integer]) -> int:
    """The largest e with 2^e at most the largest value.

    >>> most_doublings(np.array([1, 9]))
    3
    """
    return int(np.log2(max(int(values.max(initial=1)), 1)))


def waves(graph: LayerGraph) -> Histogram:
    """Skills of each wave."""
    counts = np.bincount(np.maximum(graph.wave, 0), minlength=2)
    titles = tuple(f"Wave {k}: {plural(int(n), 'skill')}" for k, n in enumerate(counts))
    places = tuple(range(len(counts)))
    return Histogram(places, places, tuple(counts.tolist()), titles)


def uses(graph: LayerGraph) -> Histogram:
    """Skills by the number of texts that require them, in powers of 2; bars are at the exponents."""
    counts = _doublings(graph.uses)
    titles = tuple(f"{_span(e)}: {plural(int(n), 'skill')}" for e, n in enumerate(counts))
    places = tuple(range(len(counts)))
    return Histogram(places, places, tuple(counts.tolist()), titles)


def weights(graph: LayerGraph) -> Histogram:
    """Associations by the number of their texts, in powers of 2; bars are at the numbers themselves."""
    counts = _doublings(graph.weight)
    titles = tuple(f"{_span(e)}: {plural(int(n), 'association')}" for e, n in enumerate(counts))
    first = tuple(2**e for e in range(len(counts)))
    return Histogram(first, tuple(2 * value - 1 for value in first), tuple(counts.tolist()), titles)


def masteries(graph: LayerGraph) -> Histogram:
    """Skills by the probability that the model has them, in per cent; no bars where the layer has none."""
    found = graph.view.mastery[graph.skill]
    found = found[~np.isnan(found)]
    if not len(found):
        return Histogram((), (), (), ())
    counts = np.bincount(np.minimum((20.0 * found + 1e-9).astype(np.int64), 19), minlength=20)
    first = tuple(range(0, 100, 5))
    titles = tuple(f"{a}–{a + 5} %: {plural(int(n), 'skill')}" for a, n in zip(first, counts, strict=True))
    return Histogram(first, tuple(a + 5 for a in first), tuple(counts.tolist()), titles)


def _doublings(values: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    exponents = np.log2(np.maximum(values, 1)).astype(np.int64)
    return np.bincount(exponents, minlength=most_doublings(values) + 1).astype(np.int64)


def _span(exponent: int) -> str:
    first, last = 2**exponent, 2 ** (exponent + 1) - 1
    return "1 text" if exponent == 0 else f"{first:,}–{last:,} texts"
