"""Graphs as GraphML and GEXF, written row by row, so memory does not grow with the graph; what is null is left out."""

from __future__ import annotations

import re
from typing import IO
from xml.sax.saxutils import escape

import pyarrow as pa

from explorer.errors import SkillgraphError
from explorer.export.graph import Edges, FileGraph, Nodes, Row, columns, ends, node_key, rows

__all__ = ["write_gexf", "write_graphml"]

_GRAPHML_TYPES = {"string": "string", "int64": "long", "int32": "int", "double": "double", "bool": "boolean"}
_GEXF_TYPES = {"string": "string", "int64": "long", "int32": "integer", "double": "double", "bool": "boolean"}
# what XML 1.0 cannot hold, not even escaped
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _type(column: pa.DataType) -> str:
    if pa.types.is_dictionary(column):
        return "string"
    return str(column)


def _xml(value: object) -> str:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if found := _NOT_XML.search(text):
        raise SkillgraphError(
            f"{text[:60]!r} holds the character {found[0]!r}, which XML cannot represent: use --format json, csv or "
            "parquet"
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
            for column in columns(group):
                kind = _GRAPHML_TYPES[_type(group.table.schema.field(column).type)]
                key = _quoted(f"{group.kind}.{column}")
                write(f'<key id={key} for="{place}" attr.name={_quoted(column)} attr.type="{kind}"/>')
    write(f'<graph edgedefault="{"directed" if graph.directed else "undirected"}">')
    for name, value in {"name": graph.name, **graph.facts}.items():
        write(f"<data key={_quoted('g.' + name)}>{_xml(value)}</data>")
    for nodes in graph.nodes:
        for row in rows(nodes.table):
            write(
                f"<node id={_quoted(node_key(nodes.kind, row[nodes.id_column]))}>", _data("node", nodes, row), "</node>"
            )
    for edges in graph.edges:
        for row in rows(edges.table):
            start, end = ends(edges, row)
            write(f"<edge source={_quoted(start)} target={_quoted(end)}>", _data("edge", edges, row), "</edge>")
    write("</graph>", "</graphml>")


def _data(place: str, group: Nodes | Edges, row: Row) -> str:
    parts = [f'<data key="{place}.kind">{group.kind}</data>']
    parts += [
        f"<data key={_quoted(f'{group.kind}.{name}')}>{_xml(row[name])}</data>"
        for name in columns(group)
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
        for row in rows(nodes.table):
            label = row[nodes.label] if row[nodes.label] is not None else row[nodes.id_column]
            key = _quoted(node_key(nodes.kind, row[nodes.id_column]))
            write(f"<node id={key} label={_quoted(label)}>{_values('node', nodes, row)}</node>")
    write("</nodes>", "<edges>")
    number = 0
    for edges in graph.edges:
        for row in rows(edges.table):
            start, end = ends(edges, row)
            weight = f" weight={_quoted(row['weight'])}" if row.get("weight") is not None else ""
            write(
                f'<edge id="{number}" source={_quoted(start)} target={_quoted(end)}{weight}>'
                f"{_values('edge', edges, row)}</edge>"
            )
            number += 1
    write("</edges>", "</graph>", "</gexf>")


def _gexf_columns(group: Nodes | Edges) -> list[str]:
    """Columns but the weight of an edge, which GEXF keeps in an attribute of its own."""
    return [name for name in columns(group) if not (isinstance(group, Edges) and name == "weight")]


def _values(place: str, group: Nodes | Edges, row: Row) -> str:
    parts = [f'<attvalue for="{place}.kind" value="{group.kind}"/>']
    parts += [
        f"<attvalue for={_quoted(f'{group.kind}.{name}')} value={_quoted(row[name])}/>"
        for name in _gexf_columns(group)
        if row[name] is not None
    ]
    return f"<attvalues>{''.join(parts)}</attvalues>"
