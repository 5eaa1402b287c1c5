"""What a store keeps of a layer's associations, so that no query has to count them: at LEARNED, and as MIXES.

Pure functions that both stores share. The numbers are made with the associations, and go with them; they are no part
of `Layer`, since they follow from its associations and the classes of its skills.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["COUNTS", "MIXES", "MOST_MIXES", "OF_LAYER", "association_counts", "class_pairs"]

COUNTS = ("neighbours", "strength", "bridge")
"""Properties of LEARNED: number of associations, the sum of their weights, the greatest weight to another class."""

MIXES = ("class", "other_class", "associations", "texts")
"""Properties of MIXES: two classes, the number of associations between them, the sum of their weights."""

OF_LAYER = ("MIXES", "class_pairs")
"""What is kept at a Layer: relationships to itself, and how many pairs of classes have associations."""

MOST_MIXES = 1_000
"""Most MIXES of a layer: a query shows as many rows."""


def association_counts(ends: Sequence[NDArray[Any]], weight: NDArray[np.int64], classes: pa.Array) -> pa.Table:
    """Number, total weight and strongest bridge of the associations of each skill.

    >>> ends, weight = (np.array([0, 0]), np.array([1, 2])), np.array([3, 5])
    >>> association_counts(ends, weight, pa.array(["a", "b", "a"])).to_pydict()
    {'neighbours': [2, 1, 1], 'strength': [8, 3, 5], 'bridge': [3, 3, None]}

    Args:
        ends: Two arrays, int (m,): positions of the two skills of each association.
        weight: int64 (m,), weight of each association.
        classes: string (n,), class of each skill; null if it has none.

    Returns:
        n rows of `COUNTS`, int64. `strength` is null where the sum does not fit into 64 bits, `bridge` where no
        association leads to a skill of another class, as skills without a class have none.
    """
    n = len(classes)
    source, target = ends
    either, both = np.concatenate([source, target]), np.concatenate([weight, weight]).astype(np.int64)
    neighbours = np.bincount(either, minlength=n).astype(np.int64)
    strength = np.zeros(n, np.int64)
    np.add.at(strength, either, both)
    rough = np.bincount(either, both.astype(np.float64), minlength=n)
    codes = pc.dictionary_encode(classes).indices.fill_null(-1).to_numpy(zero_copy_only=False)
    across = (codes[source] != codes[target]) & (codes[source] >= 0) & (codes[target] >= 0)
    bridge = np.full(n, np.iinfo(np.int64).min, np.int64)
    has = np.zeros(n, np.bool_)
    for side in (source[across], target[across]):
        np.maximum.at(bridge, side, weight[across])
        has[side] = True
    return pa.table(
        {
            "neighbours": neighbours,
            "strength": _sums(strength, rough),
            "bridge": pa.array(bridge, mask=~has),
        }
    )


def class_pairs(
    ends: Sequence[NDArray[Any]], weight: NDArray[np.int64], classes: pa.Array, most: int = MOST_MIXES
) -> tuple[int, pa.Table]:
    """Number and total weight of the associations within each class and between each two.

    >>> ends, weight = (np.array([0, 0, 1]), np.array([1, 2, 2])), np.array([3, 5, 4])
    >>> found, pairs = class_pairs(ends, weight, pa.array(["a", "b", "a"]))
    >>> found, pairs.to_pylist()[0]
    (2, {'class': 'a', 'other_class': 'b', 'associations': 2, 'texts': 7})

    Args:
        ends: Two arrays, int (m,): positions of the two skills of each association.
        weight: int64 (m,), weight of each association.
        classes: string (n,), class of each skill; null if it has none. Associations of a skill without a class are in
            no pair.
        most: Rows to give at most, 2 or more.

    Returns:
        The number of pairs that have associations, and rows of `MIXES`, those with the most associations first, where
        `class` is not after `other_class`. If there are more than `most` pairs, the last row has no classes and is of
        all pairs that have no row of their own. `texts` is null where the sum does not fit into 64 bits.
    """
    coded = pc.dictionary_encode(classes)
    names = coded.dictionary.take(pc.array_sort_indices(coded.dictionary))
    codes = pc.index_in(coded.dictionary, value_set=names).take(coded.indices).fill_null(-1)
    one, other = (codes.to_numpy(zero_copy_only=False).astype(np.int64)[end] for end in ends)
    classed = (one >= 0) & (other >= 0)
    one, other, weight = one[classed], other[classed], weight[classed].astype(np.int64)
    pair = np.minimum(one, other) * len(names) + np.maximum(one, other)
    rows = pa.table({"pair": pair, "texts": weight, "rough": weight.astype(np.float64)})
    rows = rows.group_by("pair").aggregate([([], "count_all"), ("texts", "sum"), ("rough", "sum")])
    pair, count, texts, rough = (rows[name].to_numpy() for name in ("pair", "count_all", "texts_sum", "rough_sum"))
    order = np.lexsort((pair, -count))
    kept = order if len(order) <= most else order[: most - 1]
    sums = [column[kept] for column in (count, texts, rough)]
    one_name, other_name = (names.take(pa.array(code)).to_pylist() for code in divmod(pair[kept], max(len(names), 1)))
    if len(kept) < len(order):
        rest = order[len(kept) :]
        sums = [np.append(own, column[rest].sum()) for own, column in zip(sums, (count, texts, rough), strict=True)]
        one_name, other_name = [*one_name, None], [*other_name, None]
    associations, strength, about = sums
    columns = [pa.array(one_name, pa.string()), pa.array(other_name, pa.string())]
    columns += [pa.array(associations, pa.int64()), _sums(strength, about)]
    return len(order), pa.table(dict(zip(MIXES, columns, strict=True)))


def _sums(exact: NDArray[np.int64], rough: NDArray[Any]) -> pa.Array:
    """Sums in 64 bits; null where they have gone round, beyond 2⁶³: less than that they are right to a rounding."""
    return pa.array(exact, pa.int64(), mask=np.abs(exact.astype(np.float64) - rough) > 2.0**62)
