"""Nodes and relationships of Neo4j into Arrow tables, in chunks of collected lists.

A row a relationship costs the driver some 30 microseconds; a list of 20 000 values costs it a tenth of that a
value. So every statement collects columns on the server, over as many nodes as have about `CHUNK` relationships:
memory on both sides is that of a chunk, beside the arrays that are filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.errors import StoreError
from explorer.store.records import columns_table

if TYPE_CHECKING:
    from neo4j import ManagedTransaction, Transaction

__all__ = [
    "CHUNK",
    "NodeIndex",
    "fill_pairs",
    "index_of",
    "join_indices",
    "node_index",
    "read_nodes",
    "read_pairs",
    "read_values",
]

CHUNK = 20_000
"""About how many relationships or values one statement collects."""
_MOST_BATCHES = 10_000
_OUTSIDE = (
    "a relationship of the dataset leads outside it: the graph was changed by another program; load the dataset again "
    "with --replace"
)


@dataclass(frozen=True)
class NodeIndex:
    """Nodes of one label of a dataset, in order of id; position is the row in the dataset's table.

    Attributes:
        ids: Their ids (strings).
        numbers: int64, the number by which the server knows each; valid within a transaction.
    """

    ids: pa.Array
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self.numbers)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.numbers)

    @cached_property
    def _sorted(self) -> NDArray[np.int64]:
        return self.numbers[self._order]

    @cached_property
    def _table(self) -> NDArray[np.int32] | None:
        """Position by number, from the lowest on, where numbers lie close together: nodes are loaded in one go."""
        lowest, span = self.numbers.min(), int(np.ptp(self.numbers)) + 1
        if span > 4 * len(self) + 1_024:
            return None
        table = np.full(span, -1, dtype=np.int32)
        table[self.numbers - lowest] = np.arange(len(self), dtype=np.int32)
        return table

    def positions(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        """int32 position of each number.

        Raises:
            StoreError: A number is not among the nodes.
        """
        if not len(numbers):
            return np.zeros(0, dtype=np.int32)
        if not len(self):
            raise StoreError(_OUTSIDE)
        if self._table is not None:
            lowest = self.numbers.min()
            if numbers.min() < lowest or numbers.max() >= lowest + len(self._table):
                raise StoreError(_OUTSIDE)
            positions: NDArray[np.int32] = self._table[numbers - lowest]
            if positions.min() < 0:
                raise StoreError(_OUTSIDE)
            return positions
        places = np.searchsorted(self._sorted, numbers)
        places[places == len(self)] = 0
        if bool((self._sorted[places] != numbers).any()):
            raise StoreError(_OUTSIDE)
        return self._order[places].astype(np.int32)

    def numbers_of(self, ids: pa.Array | pa.ChunkedArray, what: str, dataset: str) -> NDArray[np.int64]:
        """int64 number of the node of each id; ids may be dictionary-encoded.

        Raises:
            StoreError: An id is not among the nodes; the message names it, what it is, and the dataset.
        """
        column = ids.unify_dictionaries() if isinstance(ids, pa.ChunkedArray) else ids
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            return np.zeros(0, dtype=np.int64)
        if pa.types.is_dictionary(column.type):
            rows = pc.index_in(column.dictionary.cast(pa.string()), value_set=self.ids).take(column.indices)
        else:
            rows = pc.index_in(column.cast(pa.string()), value_set=self.ids)
        if rows.null_count:
            first = column[pc.index(pc.is_null(rows), value=True).as_py()].as_py()
            raise StoreError(f"{what} {first!r} is not in dataset {dataset!r}: load the texts that use it first")
        found: NDArray[np.int64] = self.numbers[rows.to_numpy(zero_copy_only=False)]
        return found

    def keep(self, mask: NDArray[np.bool_]) -> NodeIndex:
        """Some of the nodes."""
        return NodeIndex(self.ids.filter(pa.array(mask)), self.numbers[mask])


def join_indices(first: NodeIndex, second: NodeIndex) -> NodeIndex:
    """The nodes of two indices."""
    return _sorted_index(pa.concat_arrays([first.ids, second.ids]), np.concatenate([first.numbers, second.numbers]))


def read_values(
    transaction: ManagedTransaction | Transaction,
    match: str,
    number: str,
    columns: Sequence[str],
    count: int,
    **parameters: Any,
) -> Iterator[list[list[Any]]]:
    """Rows of values of everything that a MATCH finds, in batches of about `CHUNK` rows, in any order.

    Args:
        transaction: Where to read.
        match: `MATCH …`, with `WHERE` where needed.
        number: An integer expression by which the server divides the rows into batches.
        columns: Expressions, one a value of a row.
        count: About how many rows there will be.
        **parameters: Parameters of the statement.
    """
    buckets = min(max(1, -(-count // CHUNK)), _MOST_BATCHES)
    statement = (
        f"{match} WITH ({number}) % $buckets AS bucket, collect([{', '.join(columns)}]) AS rows RETURN rows"
        if buckets > 1
        else f"{match} RETURN collect([{', '.join(columns)}]) AS rows"
    )
    for record in transaction.run(statement, {**parameters, "buckets": buckets}):
        yield record[0]


def node_index(transaction: ManagedTransaction | Transaction, label: str, prefix: str, count: int) -> NodeIndex:
    """Ids and numbers of the nodes of a label whose key begins with a prefix.

    Args:
        transaction: Where to read.
        label: Their label.
        prefix: How their keys begin.
        count: About how many there are.

    Raises:
        StoreError: A node without id.
    """
    match = f"MATCH (n:{label}) WHERE n.key STARTS WITH $prefix"
    parts = [
        (np.fromiter((row[0] for row in rows), np.int64, len(rows)), pa.array([row[1] for row in rows], pa.string()))
        for rows in read_values(transaction, match, "id(n)", ("id(n)", "n.id"), count, prefix=prefix)
    ]
    ids = pa.concat_arrays([ids for _, ids in parts]) if parts else pa.array([], pa.string())
    if ids.null_count:
        raise StoreError(f"a {label} of the dataset has no id: the graph was changed by another program")
    return _sorted_index(ids, np.concatenate([numbers for numbers, _ in parts] or [np.zeros(0, np.int64)]))


def index_of(rows: Sequence[Sequence[Any]]) -> NodeIndex:
    """An index of nodes from rows of their number and id."""
    return _sorted_index(pa.array([row[1] for row in rows], pa.string()), np.array([row[0] for row in rows], np.int64))


def _sorted_index(ids: pa.Array, numbers: NDArray[np.int64]) -> NodeIndex:
    order = pc.array_sort_indices(ids)
    return NodeIndex(ids.take(order), numbers[order.to_numpy(zero_copy_only=False)])


# One statement collects chunk after chunk: while the client takes one apart the server makes the next.
_CHUNKS = """
UNWIND range(0, size($numbers) - 1, $size) AS start
CALL {{
  WITH start
  UNWIND range(start, CASE WHEN start + $size < size($numbers) THEN start + $size ELSE size($numbers) END - 1) AS i
  WITH start, i, $numbers[i] AS number
  {body}
}}
RETURN start, {names}
"""


def read_nodes(
    transaction: ManagedTransaction | Transaction, index: NodeIndex, schema: pa.Schema, size: int = CHUNK // 4
) -> pa.Table:
    """The table of the nodes of an index: its rows in their order, its columns those of a schema.

    Raises:
        StoreError: A property of another type than the schema's.
    """
    names = [name for name in schema.names if name != "id"]
    if not names or not len(index):
        return columns_table(schema, {"id": index.ids})
    # Names as a parameter: one plan serves every dataset.
    body = "MATCH (n) WHERE id(n) = number WITH i, n ORDER BY i RETURN collect([name IN $names | n[name]]) AS rows"
    statement = _CHUNKS.format(body=body, names="rows")
    tables = []
    for start, rows in transaction.run(statement, numbers=index.numbers.tolist(), names=names, size=size):
        columns: dict[str, Any] = dict(zip(names, zip(*rows, strict=True), strict=True))
        columns["id"] = index.ids.slice(start, size)
        tables.append(columns_table(schema, columns))
    return pa.concat_tables(tables)


def read_pairs(
    transaction: ManagedTransaction | Transaction,
    pattern: str,
    sources: NodeIndex,
    targets: NodeIndex,
    count: int,
    values: Sequence[str] = (),
    **parameters: Any,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], list[NDArray[Any]]]]:
    """Relationships from some nodes to others, in order of source and target, in chunks.

    Args:
        transaction: Where to read.
        pattern: What goes from a bound `a` to `b`, as `MATCH (a)-[r:REQUIRES]->(b:Skill)`.
        sources: The nodes `a`.
        targets: The nodes `b` may be.
        count: About how many relationships there are.
        values: Expressions of further values of a relationship, such as `r.weight`.
        **parameters: Parameters of the pattern.

    Yields:
        int32 positions of the sources and of the targets, and one array for each of the values.

    Raises:
        StoreError: A relationship that ends elsewhere, twice the same pair, or a value that is missing.
    """
    columns = {"places": "i - start", "ends": "id(b)", **{f"value{n}": value for n, value in enumerate(values)}}
    collecting = ", ".join(f"collect({expression}) AS {name}" for name, expression in columns.items())
    body = f"MATCH (a) WHERE id(a) = number {pattern} RETURN {collecting}"
    statement = _CHUNKS.format(body=body, names=", ".join(columns))
    size = min(max(1, CHUNK * len(sources) // max(count, 1)), 4 * CHUNK)
    for record in transaction.run(statement, {**parameters, "numbers": sources.numbers.tolist(), "size": size}):
        start, places, ends, *rest = record.values()
        if any(len(value) != len(places) for value in rest):
            raise StoreError(
                "a relationship of the dataset has lost a property: the graph was changed by another program; "
                "load the dataset again with --replace"
            )
        source = np.asarray(places, dtype=np.int32) + np.int32(start)
        target = targets.positions(np.asarray(ends, dtype=np.int64))
        # Sources come in order, so this sort has little to do.
        order = np.argsort(source.astype(np.int64) << 32 | target, kind="stable")
        source, target = source[order], target[order]
        if bool(((source[1:] == source[:-1]) & (target[1:] == target[:-1])).any()):
            raise StoreError(
                "two relationships of the dataset join the same two nodes: the graph was changed by another program; "
                "load the dataset again with --replace"
            )
        yield source, target, [_array(value)[order] for value in rest]


def _array(values: list[Any]) -> NDArray[Any]:
    """Values as an array; lists stay lists."""
    if not values or not isinstance(values[0], list):
        return np.asarray(values)
    kept = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        kept[place] = value
    return kept


def fill_pairs(
    chunks: Iterator[tuple[NDArray[np.int32], NDArray[np.int32], list[NDArray[Any]]]],
    count: int,
    types: Mapping[str, Any],
) -> tuple[NDArray[np.int32], NDArray[np.int32], dict[str, NDArray[Any]]]:
    """Chunks into whole arrays that are made once, at the size that is expected, and grown only if that is wrong.

    Args:
        chunks: As `read_pairs` gives them.
        count: Expected number of relationships.
        types: Name and dtype of each of the values.
    """
    source = np.empty(count, dtype=np.int32)
    target = np.empty(count, dtype=np.int32)
    values = {name: np.empty(count, dtype=dtype) for name, dtype in types.items()}
    arrays = [source, target, *values.values()]
    done = 0
    for chunk_source, chunk_target, rest in chunks:
        end = done + len(chunk_source)
        if end > len(arrays[0]):
            room = max(end, 2 * done) - done
            arrays = [np.concatenate([array[:done], np.empty(room, dtype=array.dtype)]) for array in arrays]
        for array, part in zip(arrays, (chunk_source, chunk_target, *rest), strict=True):
            array[done:end] = part
        done = end
    source, target, *others = (array[:done] for array in arrays)
    return source, target, dict(zip(values, others, strict=True))
