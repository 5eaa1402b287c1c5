"""Graphs as files that other tools open: GraphML, GEXF, node-link JSON and Cytoscape JSON.

Written row by row, so memory does not grow with the graph. An attribute that is null is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from xml.sax.saxutils import escape

import pyarrow as pa

from explorer.errors import SkillgraphError

__all__ = ["Edges", "FileGraph", "Nodes", "write_cytoscape", "write_gexf", "write_graphml", "write_node_link"]

Row = Mapping[str, object]

_GRAPHML_TYPES = {"string": "string", "int64": "long", "int32": "int", "double": "double", "bool": "boolean"}
_GEXF_TYPES = {"string": "string", "int64": "long", "int32": "integer", "double": "double", "bool": "boolean"}
# what XML 1.0 cannot hold, not even escaped
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
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


def _rows(table: pa.Table) -> Iterator[Row]:
    for batch in table.to_batches(max_chunksize=_ROWS):
        yield from batch.to_pylist()


def _key(kind: str, identifier: object) -> str:
    return f"{kind}:{identifier}"


def _type(column: pa.DataType) -> str:
    if pa.types.is_dictionary(column):
        return "string"
    return str(column)


def _attributes(row: Row, leave_out: Iterable[str] = ()) -> dict[str, object]:
    return {name: value for name, value in row.items() if value is not None and name not in set(leave_out)}


def _xml(value: object) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if found := _NOT_XML.search(text):
        raise SkillgraphError(
            f"{text[:60]!r} holds the character {found[0]!r}, which XML cannot: use --format json, csv or parquet"
        )
    # a reader would turn these into spaces or drop them
    return escape(text, {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})


def _quoted(value: object) -> str:
    return '"' + _xml(value).replace('"', "&quot;") + '"'


class _Text:
    """Lines into a binary stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __call__(self, *lines: str) -> None:
        for line in lines:
            self._stream.write(line.encode())
            self._stream.write(b"\n")


def write_graphml(graph: FileGraph, stream: IO[bytes]) -> None:
    """GraphML; attribute `id` is the id in the dataset, `kind` says what a node or edge is.

    Args:
        graph: The graph.
        stream: Where it goes.

    Raises:
        SkillgraphError: A text holds a character that XML cannot.
    """
    write = _Text(stream)
    write('<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">')
    for name in ("name", *graph.facts):
        write(f'<key id={_quoted("g." + name)} for="graph" attr.name={_quoted(name)} attr.type="string"/>')
    for place, groups in (("node", graph.nodes), ("edge", graph.edges)):
        write(f'<key id="{place}.kind" for="{place}" attr.name="kind" attr.type="string"/>')
        for group in groups:
            for column in _columns(group):
                kind = _GRAPHML_TYPES[_type(group.table.schema.field(column).type)]
                key = _quoted(f"{group.kind}.{column}")
                write(f'<key id={key} for="{place}" attr.name={_quoted(column)} attr.type="{kind}"/>')
    write(f'<graph edgedefault="{"directed" if graph.directed else "undirected"}">')
    for name, value in {"name": graph.name, **graph.facts}.items():
        write(f"<data key={_quoted('g.' + name)}>{_xml(value)}</data>")
    for nodes in graph.nodes:
        for row in _rows(nodes.table):
            write(f"<node id={_quoted(_key(nodes.kind, row[nodes.id_column]))}>", _data("node", nodes, row), "</node>")
    for edges in graph.edges:
        for row in _rows(edges.table):
            ends = _ends(edges, row)
            write(f"<edge source={_quoted(ends[0])} target={_quoted(ends[1])}>", _data("edge", edges, row), "</edge>")
    write("</graph>", "</graphml>")


def _columns(group: Nodes | Edges) -> list[str]:
    ends = (group.source[1], group.target[1]) if isinstance(group, Edges) else ()
    return [name for name in group.table.column_names if name not in ends]


def _ends(edges: Edges, row: Row) -> tuple[str, str]:
    return _key(edges.source[0], row[edges.source[1]]), _key(edges.target[0], row[edges.target[1]])


def _data(place: str, group: Nodes | Edges, row: Row) -> str:
    parts = [f'<data key="{place}.kind">{group.kind}</data>']
    parts += [
        f"<data key={_quoted(f'{group.kind}.{name}')}>{_xml(row[name])}</data>"
        for name in _columns(group)
        if row[name] is not None
    ]
    return "".join(parts)


def write_gexf(graph: FileGraph, stream: IO[bytes]) -> None:
    """GEXF 1.2, as Gephi opens it and networkx reads it; attributes as in GraphML.

    Args:
        graph: The graph.
        stream: Where it goes.

    Raises:
        SkillgraphError: A text holds a character that XML cannot.
    """
    write = _Text(stream)
    write('<?xml version="1.0" encoding="UTF-8"?>', '<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">')
    facts = "; ".join(f"{name}: {value}" for name, value in graph.facts.items())
    write(f"<meta><title>{_xml(graph.name)}</title><description>{_xml(facts)}</description></meta>")
    write(f'<graph defaultedgetype="{"directed" if graph.directed else "undirected"}" mode="static">')
    for place, groups in (("node", graph.nodes), ("edge", graph.edges)):
        write(f'<attributes class="{place}">', f'<attribute id="{place}.kind" title="kind" type="string"/>')
        for group in groups:
            for column in _gexf_columns(group):
                kind = _GEXF_TYPES[_type(group.table.schema.field(column).type)]
                write(f'<attribute id={_quoted(f"{group.kind}.{column}")} title={_quoted(column)} type="{kind}"/>')
        write("</attributes>")
    write("<nodes>")
    for nodes in graph.nodes:
        for row in _rows(nodes.table):
            label = row[nodes.label] if row[nodes.label] is not None else row[nodes.id_column]
            key = _quoted(_key(nodes.kind, row[nodes.id_column]))
            write(f"<node id={key} label={_quoted(label)}>{_values('node', nodes, row)}</node>")
    write("</nodes>", "<edges>")
    number = 0
    for edges in graph.edges:
        for row in _rows(edges.table):
            ends = _ends(edges, row)
            weight = f" weight={_quoted(row['weight'])}" if row.get("weight") is not None else ""
            write(
                f'<edge id="{number}" source={_quoted(ends[0])} target={_quoted(ends[1])}{weight}>'
                f"{_values('edge', edges, row)}</edge>"
            )
            number += 1
    write("</edges>", "</graph>", "</gexf>")


def _gexf_columns(group: Nodes | Edges) -> list[str]:
    """Columns but the weight of an edge, which GEXF keeps in an attribute of its own."""
    return [name for name in _columns(group) if not (isinstance(group, Edges) and name == "weight")]


def _values(place: str, group: Nodes | Edges, row: Row) -> str:
    parts = [f'<attvalue for="{place}.kind" value="{group.kind}"/>']
    parts += [
        f"<attvalue for={_quoted(f'{group.kind}.{name}')} value={_quoted(row[name])}/>"
        for name in _gexf_columns(group)
        if row[name] is not None
    ]
    return f"<attvalues>{''.join(parts)}</attvalues>"


def write_node_link(graph: FileGraph, stream: IO[bytes]) -> None:
    """Node-link JSON, as networkx reads it; a node's `id` is its kind, ":" and its `key`, the id in the dataset.

    Args:
        graph: The graph.
        stream: Where it goes.
    """
    head = {"directed": graph.directed, "multigraph": True, "graph": {"name": graph.name, **graph.facts}}
    text = json.dumps(head, ensure_ascii=False)
    stream.write(text[:-1].encode() + b', "nodes": ')
    _array(stream, (json.dumps(node, ensure_ascii=False) for node in _json_nodes(graph)))
    stream.write(b', "edges": ')
    _array(stream, (json.dumps(edge, ensure_ascii=False) for edge in _json_edges(graph)))
    stream.write(b"}\n")


def write_cytoscape(graph: FileGraph, stream: IO[bytes]) -> None:
    """Cytoscape JSON (`elements` with `nodes` and `edges`); attributes as in node-link JSON.

    Args:
        graph: The graph.
        stream: Where it goes.
    """
    head = {"data": [["name", graph.name], *graph.facts.items()], "directed": graph.directed, "multigraph": True}
    stream.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "elements": {"nodes": ')
    nodes = ({"data": {"value": node["id"], **node}} for node in _json_nodes(graph))
    _array(stream, (json.dumps(node, ensure_ascii=False) for node in nodes))
    stream.write(b', "edges": ')
    edges = ({"data": {**edge, "id": f"e{n}"}} for n, edge in enumerate(_json_edges(graph)))
    _array(stream, (json.dumps(edge, ensure_ascii=False) for edge in edges))
    stream.write(b"}}\n")


def _array(stream: IO[bytes], items: Iterable[str]) -> None:
    stream.write(b"[")
    for number, item in enumerate(items):
        stream.write(b",\n" * bool(number) + item.encode())
    stream.write(b"]")


def _json_nodes(graph: FileGraph) -> Iterator[dict[str, object]]:
    for nodes in graph.nodes:
        for row in _rows(nodes.table):
            identifier = row[nodes.id_column]
            yield {
                "id": _key(nodes.kind, identifier),
                "key": identifier,
                "kind": nodes.kind,
                **_attributes(row, (nodes.id_column,)),
            }


def _json_edges(graph: FileGraph) -> Iterator[dict[str, object]]:
    number = 0
    for edges in graph.edges:
        for row in _rows(edges.table):
            source, target = _ends(edges, row)
            rest = _attributes(row, (edges.source[1], edges.target[1]))
            yield {"source": source, "target": target, "key": number, "kind": edges.kind, **rest}
            number += 1
