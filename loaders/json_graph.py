"""Graphs in JSON: node-link as networkx writes it, and Cytoscape's elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders._builder import Builder, Value
from loaders._files import Progress
from loaders._json_tables import cell, parse_json
from loaders._property_graph import OPTIONS, Edge, Node, PropertyGraph, add_graph
from loaders._registry import Claim, Format, register
from loaders._source import Source
from loaders.errors import DataError

__all__ = ["OPTIONS", "read_json_graph"]


def read_json_graph(path: Path, builder: Builder, *, progress: Progress | None = None, **labels: str | None) -> None:
    """Add a graph in JSON: `nodes` with `links` or `edges`, or Cytoscape's `elements`.

    Args:
        path: Plain, gzip or zstd.
        builder: Takes texts, skills and links.
        progress: Called with bytes read and all bytes.
        labels: Of `OPTIONS`.

    Raises:
        DataError: It is no graph, or what `add_graph` raises.
    """
    content = parse_json(path, progress)
    found = _parts(content)
    if found is None:
        raise DataError("is not a graph in JSON; expected nodes and links, or Cytoscape's elements", path=path)
    nodes, edges = found
    facts = dict(content.get("graph") or {}) if isinstance(content, Mapping) else {}
    if isinstance(content, Mapping) and isinstance(content.get("data"), list):
        facts |= {str(pair[0]): pair[1] for pair in content["data"] if isinstance(pair, list) and len(pair) == 2}
    directed = bool(content.get("directed", True)) if isinstance(content, Mapping) else True
    graph = PropertyGraph(directed=directed, own="provenance" in facts)
    keys: list[str] = []
    for node in nodes:
        key = cell(node.get("id", node.get("name")))
        keys.append(key)
        if not key:
            raise DataError(f"a node has no id: {cell(node)[:60]}", path=path)
        properties = {name: _value(value) for name, value in node.items() if name != "id"}
        if graph.own:
            properties["id"] = cell(node.get("key", key))
            properties.pop("value", None)
        labels_of = node.get("labels")
        listed = tuple(map(str, labels_of)) if isinstance(labels_of, list) else ()
        graph.put(key, Node(listed, {name: value for name, value in properties.items() if value is not None}))
    if _by_place(nodes, edges):
        builder.problems.decide(path, "ends of edges", "places in the list of nodes", "no node has an id, and all are "
                                "such numbers")  # fmt: skip
        edges = [{**edge, "source": keys[edge["source"]], "target": keys[edge["target"]]} for edge in edges]
    for edge in edges:
        properties = {name: _value(value) for name, value in edge.items() if name not in {"source", "target", "id"}}
        ends = [cell(edge.get(one, edge.get(other))) for one, other in (("source", "from"), ("target", "to"))]
        known: dict[str, Value] = {name: value for name, value in properties.items() if value is not None}
        graph.edges.append(Edge(ends[0], ends[1], None, known))
    add_graph(graph, builder, path, labels)


def _by_place(nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]]) -> bool:
    """True if ends of edges count nodes from 0, as version 3 of D3 has them."""
    ends = [edge.get(end) for edge in edges for end in ("source", "target")]
    places = range(len(nodes))
    return bool(ends) and not any("id" in node for node in nodes) and all(
        isinstance(end, int) and not isinstance(end, bool) and end in places for end in ends
    )  # fmt: skip


def _value(value: Any) -> Value:
    return value if value is None or isinstance(value, str | int | float | bool) else cell(value)


def _parts(content: Any) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]] | None:
    """Attributes of nodes and of edges."""
    if isinstance(content, list) and content and all(isinstance(e, Mapping) and "data" in e for e in content):
        content = {"elements": content}
    if not isinstance(content, Mapping):
        return None
    elements = content.get("elements")
    if isinstance(elements, list):
        data = [dict(element["data"]) for element in elements if isinstance(element, Mapping) and "data" in element]
        return [d for d in data if "source" not in d], [d for d in data if "source" in d]
    if isinstance(elements, Mapping):
        nodes, edges = _data(elements.get("nodes", [])), _data(elements.get("edges", []))
        return list(nodes), list(edges)
    if isinstance(content.get("adjacency"), list) and isinstance(content.get("nodes"), list):
        return _adjacent(content)
    points, links = content.get("nodes"), content.get("links", content.get("edges"))
    if not (isinstance(points, list) and isinstance(links, list) and all(isinstance(n, Mapping) for n in points)):
        return None
    if not all(isinstance(e, Mapping) and ({"source", "from"} & set(e)) for e in links):
        return None
    return points, links


def _adjacent(
    content: Mapping[str, Any],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]] | None:
    """Nodes with lists of their neighbours, as networkx' `adjacency_data` writes them."""
    nodes, lists = content["nodes"], content["adjacency"]
    if len(nodes) != len(lists) or not all(isinstance(node, Mapping) and "id" in node for node in nodes):
        return None
    edges: list[Mapping[str, Any]] = []
    seen: set[frozenset[str]] = set()
    for node, neighbours in zip(nodes, lists, strict=True):
        for neighbour in neighbours:
            ends = frozenset({cell(node["id"]), cell(neighbour.get("id"))})
            if content.get("directed") or ends not in seen:  # without direction each edge is there twice
                edges.append({**neighbour, "source": node["id"], "target": neighbour.get("id")})
            seen.add(ends)
    return nodes, edges


def _data(elements: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    for element in elements:
        if isinstance(element, Mapping):
            yield element["data"] if isinstance(element.get("data"), Mapping) else element


def _claims(source: Source) -> Claim | None:
    if source.suffix not in {".json", ".cyjs"} or source.json is None:
        return None
    return Claim(88, "nodes and edges in JSON") if _parts(source.json) is not None else None


register(
    Format(
        "json-graph",
        "graph in JSON: node-link (networkx, D3) or Cytoscape's elements",
        read_json_graph,
        OPTIONS,
        claims=_claims,
    )
)
