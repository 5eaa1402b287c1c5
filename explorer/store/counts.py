"""What a store keeps at LEARNED of a layer's associations, so that no query has to count them.

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

__all__ = ["COUNTS", "association_counts"]

COUNTS = ("neighbours", "strength", "bridge")
"""Properties of LEARNED: number of associations, the sum of their weights, the greatest weight to another class."""


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
    # Beyond 2⁶³ the sum has gone round; less than that it is right to a rounding of `rough`.
    wrong = np.abs(strength.astype(np.float64) - rough) > 2.0**62
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
            "strength": pa.array(strength, mask=wrong),
            "bridge": pa.array(bridge, mask=~has),
        }
    )
