"""Datasets and layers in a kglite graph: the statements that write and read them.

Every node gets a number as kglite's own `id`, counted up per label; relationships are written and read by these
numbers, which is fast and does not depend on what an id looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
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

_BATCH = 10_000
_SOURCES = 20_000
_LABELS = (*NODE_LABELS.values(), "Layer")
_EMPTY: Mapping[str, Any] = {"string": "", "int64": 0, "double": 0.0, "bool": False}


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


def add_nodes(graph: Graph, label: str, dataset: str, table: pa.Table) -> int:
    """Add a node for each row of a table, numbered in its order; the number of the first."""
    first = number = _next_number(graph, label)
    if not table.num_rows:
        return first
    columns = [("key", pa.string()), ("dataset", pa.string()), *((f.name, f.type) for f in table.schema)]
    _declare(graph, label, columns)
    fields = ", ".join(f"{quoted(name)}: r.p{i}" for i, (name, _) in enumerate(columns))
    statement = f"UNWIND $rows AS r CREATE (:{label} {{id: r.number, title: null, {fields}}})"
    names = ["number", *(f"p{i}" for i in range(len(columns)))]
    for batch in table.to_batches(max_chunksize=_BATCH):
        keys = [node_key(dataset, identifier) for identifier in batch["id"].to_pylist()]
        values = [
            range(number, number + batch.num_rows),
            keys,
            repeat(dataset),
            *(c.to_pylist() for c in batch.columns),
        ]
        number += batch.num_rows
        run(graph, statement, rows=[dict(zip(names, row, strict=False)) for row in zip(*values, strict=False)])
    return first


def _declare(graph: Graph, label: str, columns: Sequence[tuple[str, pa.DataType]]) -> None:
    """Make properties known to a label, which CREATE demands, by a node that has them for a moment."""
    sets = ", ".join(f"n.{quoted(name)} = $p{i}" for i, (name, _) in enumerate(columns))
    values = {f"p{i}": _EMPTY[str(kind)] for i, (_, kind) in enumerate(columns)}
    run(graph, f"CREATE (n:{label} {{id: -1, title: null}}) SET {sets} DELETE n", **values)


def nodes_of(graph: Graph, label: str, dataset: str, schema: pa.Schema) -> Nodes:
    """The nodes of a label in a dataset, with the columns of a schema, ordered by id."""
    fields = ", ".join(f"n.{quoted(name)} AS p{i}" for i, name in enumerate(schema.names))
    found = run(graph, f"MATCH (n:{label} {{dataset: $dataset}}) RETURN n.id AS number, {fields}", dataset=dataset)
    table = columns_table(schema, {name: found[f"p{i}"] for i, name in enumerate(schema.names)})
    order = pc.sort_indices(table, sort_keys=[("id", "ascending")])
    return Nodes(np.asarray(found["number"], np.int64)[order.to_numpy()], table.take(order))


def add_edges(
    graph: Graph,
    edge: EdgeTable,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    properties: Mapping[str, pa.ChunkedArray],
    constants: Mapping[str, Any] | None = None,
) -> None:
    """Add relationships between numbered nodes.

    Args:
        graph: The graph.
        edge: Type and ends; its table and columns do not matter here.
        source: int64 (m,), numbers of the nodes they start from.
        target: int64 (m,), numbers of the nodes they end at.
        properties: Values by name, m each; null is a property that is not there.
        constants: Properties with the same value on each.
    """
    same = dict(constants or {})
    fields = [f"{quoted(name)}: r.p{i}" for i, name in enumerate(properties)]
    fields += [f"{quoted(name)}: $c{i}" for i, name in enumerate(same)]
    statement = (
        f"UNWIND $rows AS r MATCH (a:{NODE_LABELS.get(edge.source, edge.source)} {{id: r.a}}), "
        f"(b:{NODE_LABELS.get(edge.target, edge.target)} {{id: r.b}}) "
        f"CREATE (a)-[:{edge.type} {{{', '.join(fields)}}}]->(b)"
    )
    names = ["a", "b", *(f"p{i}" for i in range(len(properties)))]
    fixed = {f"c{i}": value for i, value in enumerate(same.values())}
    for start in range(0, len(source), _BATCH):
        part = slice(start, start + _BATCH)
        values = [source[part].tolist(), target[part].tolist()]
        values += [column.slice(start, _BATCH).to_pylist() for column in properties.values()]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
        run(graph, statement, rows=rows, **fixed)


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
