"""Datasets and layers in a kglite graph: the statements that write and read them.

Every node gets a number as kglite's own `id`, counted up per label; relationships are written and read by these
numbers, which is fast and does not depend on what an id looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.store.embedded.names import quoted, stored_name
from explorer.store.records import NODE_LABELS, EdgeTable, columns_table, node_key

__all__ = [
    "Graph",
    "Nodes",
    "add_edges",
    "add_node",
    "add_nodes",
    "create_constraints",
    "edge_chunks",
    "matching_node",
    "nodes_of",
    "run",
]

_ROWS = 100_000
_SOURCES = 20_000
_ENDS = ("source", "target")
_LABELS = (*NODE_LABELS.values(), "Layer")
_KINDS = {"string": "string", "int64": "integer", "int32": "integer", "double": "float", "bool": "boolean"}


class Graph(Protocol):
    """What runs statements: a `kglite.KnowledgeGraph` or a snapshot of one."""

    def cypher(self, query: str, *, params: dict[str, Any] | None = None, timeout_ms: int | None = None) -> Any:
        """Run a statement."""
        ...


@dataclass(frozen=True)
class Nodes:
    """The nodes of one table.

    Attributes:
        numbers: int64 (n,), number of each node.
        table: The rows, ordered by id.
    """

    numbers: NDArray[np.int64]
    table: pa.Table

    @property
    def ids(self) -> pa.Array:
        """Ids, in order."""
        column = self.table["id"].combine_chunks()
        return column if isinstance(column, pa.Array) else pa.array([], pa.string())

    def rows_of(self, numbers: Sequence[int]) -> NDArray[np.int32]:
        """int32 row of each number."""
        order = np.argsort(self.numbers)
        found: NDArray[np.int64] = order[np.searchsorted(self.numbers[order], np.asarray(numbers, np.int64))]
        return found.astype(np.int32)


def run(graph: Graph, statement: str, **parameters: Any) -> dict[str, list[Any]]:
    """Run a statement of the store's own; its columns by name. No time limit."""
    result = graph.cypher(statement, params=parameters, timeout_ms=0)
    return {name: result.column(name) for name in result.columns}


def create_constraints(graph: Graph) -> None:
    """Make keys unique, which also indexes them."""
    for label in _LABELS:
        run(graph, f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE")
    run(graph, f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:Dataset) REQUIRE n.{quoted('name')} IS UNIQUE")


# Single nodes -----------------------------------------------------------------------------------------------


def matching_node(graph: Graph, label: str, **properties: str) -> tuple[int, dict[str, Any]] | None:
    """Number and properties, by stored name, of the node with these properties; None if there is none."""
    pattern = ", ".join(f"{quoted(name)}: ${name}" for name in properties)
    found = run(graph, f"MATCH (n:{label} {{{pattern}}}) RETURN n.id AS number, properties(n) AS p", **properties)
    for number, there in zip(found["number"], found["p"], strict=True):
        # kglite takes the text of a list of one string, '["a"]', as equal to that string.
        if all(there[stored_name(name)] == value for name, value in properties.items()):
            return number, there
    return None


def add_node(graph: Graph, label: str, properties: Mapping[str, Any]) -> int:
    """Add a node; its number."""
    number = _next_number(graph, label)
    # kglite refuses a property that is new to a label within CREATE, but not in SET.
    sets = ", ".join(f"n.{quoted(name)} = $p{i}" for i, name in enumerate(properties))
    values = {f"p{i}": value for i, value in enumerate(properties.values())}
    run(graph, f"CREATE (n:{label} {{id: $number, title: null}}) SET {sets}", number=number, **values)
    return number


def _next_number(graph: Graph, label: str) -> int:
    last = run(graph, f"MATCH (n:{label}) RETURN max(n.id) AS last")["last"]
    return 0 if not last or last[0] is None else int(last[0]) + 1


# Tables -----------------------------------------------------------------------------------------------------


class _Column:
    """A column, with what kglite's loaders ask of one of pandas, which is neither needed nor imported here."""

    def __init__(self, name: str, values: Sequence[Any], dtype: str = "object") -> None:
        self.name = name
        self.dtype = np.dtype(dtype)
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def tolist(self) -> list[Any]:
        """The values."""
        return self._values if isinstance(self._values, list) else list(self._values)

    def isna(self) -> _Column:
        """Which are missing."""
        return _Column(self.name, [value is None for value in self._values], "bool")

    def min(self) -> Any:
        """The least."""
        return min(self._values)

    def max(self) -> Any:
        """The greatest."""
        return max(self._values)


class _Frame:
    """A table, with what kglite's loaders ask of a DataFrame: whole columns cross into Rust, no map for every row."""

    def __init__(self, columns: Sequence[_Column]) -> None:
        self._columns = {column.name: column for column in columns}
        self.columns = list(self._columns)
        self.shape = (len(columns[0]), len(columns))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, name: str) -> _Column:
        return self._columns[name]

    def reset_index(self, *, drop: bool) -> _Frame:
        """Itself: its rows are numbered from 0."""
        del drop
        return self


def _values(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column; of one with a dictionary, each string once."""
    if not pa.types.is_dictionary(column.type):
        return list(column.to_pylist())
    found: list[Any] = []
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        found += [None if i is None else words[i] for i in chunk.indices.to_pylist()]
    return found


def _kind(kind: pa.DataType) -> str:
    """A type by kglite's name for it, which keeps every value as it is."""
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    return _KINDS[str(kind)]


def add_nodes(graph: Any, label: str, dataset: str, table: pa.Table) -> int:
    """Add a node for each row of a table, numbered in its order; the number of the first."""
    first = number = _next_number(graph, label)
    names = [stored_name(name) for name in table.column_names]
    kinds = {name: _kind(field.type) for name, field in zip(names, table.schema, strict=True)}
    for start in range(0, table.num_rows, _ROWS):
        part = table.slice(start, _ROWS)
        rows = part.num_rows
        keys = [node_key(dataset, identifier) for identifier in _values(part["id"])]
        frame = _Frame(
            [
                _Column("id", range(number, number + rows), "int64"),
                _Column("title", [None] * rows),
                _Column("key", keys),
                _Column("dataset", [dataset] * rows),
                *(_Column(name, _values(column)) for name, column in zip(names, part.columns, strict=True)),
            ]
        )
        graph.add_nodes(
            frame,
            label,
            "id",
            "title",
            column_types={"title": "string", "key": "string", "dataset": "string", **kinds},
        )
        number += rows
    return first


def add_edges(graph: Any, edge: EdgeTable, table: pa.Table) -> None:
    """Add the relationships of a type between two labels, all of them in one call: a second one would merge into them.

    Args:
        graph: The graph.
        edge: Type and ends; its columns do not matter here.
        table: `source` and `target`, int64, numbers of nodes that are there; other columns are properties, and null
            is one that is not there.
    """
    if not table.num_rows:
        return
    properties = [name for name in table.column_names if name not in _ENDS]
    names = [stored_name(name) for name in properties]
    graph.add_relationships(
        _Frame(
            [
                *(_Column(f"{end}\0", _values(table[end]), "int64") for end in _ENDS),
                *(_Column(stored, _values(table[name])) for stored, name in zip(names, properties, strict=True)),
            ]
        ),
        edge.type,
        NODE_LABELS.get(edge.source, edge.source),
        "source\0",
        NODE_LABELS.get(edge.target, edge.target),
        "target\0",
        columns=names,
        column_types={stored: _kind(table[name].type) for stored, name in zip(names, properties, strict=True)},
    )


def nodes_of(graph: Graph, label: str, dataset: str, schema: pa.Schema) -> Nodes:
    """The nodes of a label in a dataset, with the columns of a schema, ordered by id."""
    fields = ", ".join(f"n.{quoted(name)} AS p{i}" for i, name in enumerate(schema.names))
    found = run(graph, f"MATCH (n:{label} {{dataset: $dataset}}) RETURN n.id AS number, {fields}", dataset=dataset)
    table = columns_table(schema, {name: found[f"p{i}"] for i, name in enumerate(schema.names)})
    order = pc.sort_indices(table, sort_keys=[("id", "ascending")])
    return Nodes(np.asarray(found["number"], np.int64)[order.to_numpy()], table.take(order))


def edge_chunks(
    graph: Graph, edge: EdgeTable, sources: NDArray[np.int64], constants: Mapping[str, Any] | None = None
) -> Iterator[dict[str, list[Any]]]:
    """Relationships from numbered nodes: columns `source`, `target` (numbers) and the edge's properties.

    Each chunk has all relationships of some thousand sources, in their order; `constants` restricts them to those
    with these properties.
    """
    where = " AND ".join(f"r.{quoted(name)} = $c{i}" for i, name in enumerate(constants or {}))
    statement = (
        f"UNWIND $sources AS source MATCH (:{NODE_LABELS.get(edge.source, edge.source)} {{id: source}})"
        f"-[r:{edge.type}]->(b:{NODE_LABELS.get(edge.target, edge.target)}) {'WHERE ' + where if where else ''} "
        f"RETURN source, b.id AS target{''.join(f', r.{quoted(name)} AS `{name}`' for name in edge.properties)}"
    )
    fixed = {f"c{i}": value for i, value in enumerate((constants or {}).values())}
    for start in range(0, len(sources), _SOURCES):
        yield run(graph, statement, sources=sources[start : start + _SOURCES].tolist(), **fixed)
