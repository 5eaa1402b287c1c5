"""Names and classes of many skills as Arrow arrays: a string is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Places", "Words", "coded"]

Int = npt.NDArray[np.int64]


class Words(Sequence[str]):
    """A sequence of strings on an Arrow array without nulls, which may be dictionary-encoded.

    >>> words = Words(pa.array(["a", "b", "a"]))
    >>> words[1], list(words.take([2, 1])), len(words)
    ('b', ['a', 'b'], 3)
    """

    __slots__ = ("values",)

    def __init__(self, values: pa.Array) -> None:
        """The array is kept as it is."""
        self.values = values

    def __len__(self) -> int:
        """Number of strings."""
        return len(self.values)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Words: ...
    def __getitem__(self, place: int | slice) -> str | Words:
        """One string, or some of them."""
        if isinstance(place, slice):
            return Words(self.values.take(pa.array(range(*place.indices(len(self))), pa.int64())))
        found: str = self.values[int(place)].as_py()
        return found

    def __iter__(self) -> Iterator[str]:
        """All strings, one after the other."""
        return iter(self.values.to_pylist())

    def take(self, places: npt.ArrayLike) -> Words:
        """Those at some places."""
        return Words(self.values.take(pa.array(np.asarray(places, dtype=np.int64))))


def coded(words: Sequence[str]) -> tuple[tuple[str, ...], Int]:
    """The different strings of a sequence in order, and the place of each string among them, int64.

    >>> names, code = coded(["b", "a", "b"])
    >>> names, code.tolist()
    (('a', 'b'), [1, 0, 1])
    """
    values = words.values if isinstance(words, Words) else pa.array(list(words), pa.string())
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    indices = np.asarray(values.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    there: list[str] = values.dictionary.to_pylist()
    used = np.bincount(indices, minlength=len(there)) > 0
    names = sorted({name for name, is_used in zip(there, used.tolist(), strict=True) if is_used})
    place = {name: code for code, name in enumerate(names)}
    of = np.array([place.get(name, -1) for name in there], dtype=np.int64)
    return tuple(names), of[indices]


class Places(Mapping[str, int]):
    """The node of each id, by bisection: no table of all ids is made.

    >>> places = Places(pa.array(["a", "b", "c"]), np.array([0, 2]))
    >>> places["c"], places.get("b"), list(places)
    (1, None, ['a', 'c'])
    """

    def __init__(self, ids: pa.Array, rows: Int) -> None:
        """Of nodes that are some rows of ids.

        Args:
            ids: Ids in ascending order.
            rows: int64 (n,), the row of each node, ascending.
        """
        self._ids, self._rows = ids, rows

    def __getitem__(self, name: str) -> int:
        """The node of an id."""
        if not isinstance(name, str):
            raise KeyError(name)
        low, high = 0, len(self._rows)
        while low < high:
            middle = (low + high) // 2
            if self._ids[int(self._rows[middle])].as_py() < name:
                low = middle + 1
            else:
                high = middle
        if low == len(self._rows) or self._ids[int(self._rows[low])].as_py() != name:
            raise KeyError(name)
        return low

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        """Ids of all nodes, in order."""
        return iter(self._ids.take(pa.array(self._rows)).to_pylist())
