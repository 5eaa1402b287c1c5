"""Graphs as node-link JSON and Cytoscape JSON, written row by row; an attribute that is null is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO

from explorer.export.graph import FileGraph, Row, ends, node_key, rows

__all__ = ["write_cytoscape", "write_node_link"]


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
        for row in rows(nodes.table):
            identifier = row[nodes.id_column]
            yield {
                "id": node_key(nodes.kind, identifier),
                "key": identifier,
                "kind": nodes.kind,
                **_attributes(row, (nodes.id_column,)),
            }


def _json_edges(graph: FileGraph) -> Iterator[dict[str, object]]:
    number = 0
    for edges in graph.edges:
        for row in rows(edges.table):
            source, target = ends(edges, row)
            rest = _attributes(row, (edges.source[1], edges.target[1]))
            yield {"source": source, "target": target, "key": number, "kind": edges.kind, **rest}
            number += 1


def _attributes(row: Row, leave_out: Iterable[str] = ()) -> dict[str, object]:
    return {name: value for name, value in row.items() if value is not None and name not in set(leave_out)}
