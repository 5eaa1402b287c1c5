"""Checks of rows before they are written: on plain and on dictionary-encoded ids, with the same verdict."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.errors import StoreError
from explorer.store.protocol import ASSOCIATION_SCHEMA, LayerInfo
from explorer.store.records import check_associations, check_learned

_INFO = LayerInfo("d", "l", "foundation", "one", 4, 4, 4, 1)
_IDS = ["a", "b", "c", "ç", "Ω", "𝄞"]


def _table(pairs: list[tuple[str, str]], dictionary: list[str] | None) -> pa.Table:
    def column(values: list[str]) -> Any:
        if dictionary is None:
            return pa.array(values, pa.string())
        codes = pa.array([dictionary.index(value) for value in values], pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.array(dictionary, pa.string()))

    weights = pa.array([1] * len(pairs), pa.int64())
    return pa.table(
        {"source": column([a for a, _ in pairs]), "target": column([b for _, b in pairs]), "weight": weights}
    )


def _verdict(table: pa.Table) -> str:
    components = pa.table({"skill": ["a"], "component": pa.array([0], pa.int32())})
    try:
        check_associations(_INFO, table, components, "any")
    except StoreError as error:
        return str(error)
    return ""


def test_encoded_pairs_are_judged_as_plain_ones() -> None:
    rng = np.random.default_rng(7)
    seen = set()
    for size in (0, 1, 2, 3, 5):
        for _ in range(60):
            pairs = [tuple(map(str, rng.choice(_IDS, 2))) for _ in range(size)]
            if rng.random() < 0.7:
                pairs = sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]})
            if pairs and rng.random() < 0.2:
                pairs = sorted([*pairs, pairs[0]])
            expected = _verdict(_table(pairs, None))
            seen.add(expected.partition(": ")[2] or expected[-20:])
            shuffled = [str(name) for name in rng.permutation(_IDS)]
            assert _verdict(_table(pairs, _IDS)) == expected
            assert _verdict(_table(pairs, shuffled)) == expected
            strictly = all(a < b for a, b in pairs) and all(p < q for p, q in pairwise(pairs))
            assert (expected == "") == strictly
    assert len(seen) >= 4, seen


def test_a_skill_that_was_not_learned_is_named() -> None:
    learned = pa.chunked_array([["a", "b"]])
    for dictionary in (None, _IDS):
        check_learned(learned, _table([("a", "b")], dictionary), "l")
        with pytest.raises(StoreError, match="skill 'c'"):
            check_learned(learned, _table([("a", "b"), ("a", "c")], dictionary), "l")
    check_learned(learned, ASSOCIATION_SCHEMA.empty_table(), "l")
