"""A graph as tables, before it becomes a file: what all writers take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

__all__ = ["Edges", "FileGraph", "Nodes", "Row", "columns", "ends", "node_key", "rows"]

Row = Mapping[str, object]

_ROWS = 10_000


@dataclass(frozen=True)
class Nodes:
    """Nodes of one kind.

    Attributes:
        kind: Attribute `kind` of each, and the prefix of their keys.
        id_column: Column with the id.
        label: Column with what people call them.
        table: Attributes, the id among them.
    """

    kind: str
    id_column: str
    label: str
    table: pa.Table


@dataclass(frozen=True)
class Edges:
    """Edges of one kind.

    Attributes:
        kind: Attribute `kind` of each.
        source: Kind of the source and the column with its id.
        target: The same for the target.
        table: Both columns and attributes.
    """

    kind: str
    source: tuple[str, str]
    target: tuple[str, str]
    table: pa.Table


@dataclass(frozen=True)
class FileGraph:
    """A graph to be written.

    Attributes:
        name: Its name.
        directed: False if the order of an edge's ends means nothing.
        facts: Further attributes of the graph, text.
        nodes: Kinds of nodes.
        edges: Kinds of edges.
    """

    name: str
    directed: bool
    facts: Mapping[str, str]
    nodes: tuple[Nodes, ...]
    edges: tuple[Edges, ...]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return sum(int(group.table.num_rows) for group in self.nodes)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return sum(int(group.table.num_rows) for group in self.edges)


def rows(table: pa.Table) -> Iterator[Row]:
    """The table's rows, a batch at a time."""
    for batch in table.to_batches(max_chunksize=_ROWS):
        yield from batch.to_pylist()


def node_key(kind: str, identifier: object) -> str:
    """Name of a node in a file: its kind, ":" and its id in the dataset."""
    return f"{kind}:{identifier}"


def ends(edges: Edges, row: Row) -> tuple[str, str]:
    """Keys of both ends of an edge."""
    return node_key(edges.source[0], row[edges.source[1]]), node_key(edges.target[0], row[edges.target[1]])


def columns(group: Nodes | Edges) -> list[str]:
    """Attributes of nodes or edges: of edges without the columns that are their ends."""
    taken = (group.source[1], group.target[1]) if isinstance(group, Edges) else ()
    return [name for name in group.table.column_names if name not in taken]
