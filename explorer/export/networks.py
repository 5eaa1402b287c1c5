"""Graphs as objects of networkx and igraph, where those are installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from explorer.errors import SkillgraphError
from explorer.export.graph import FileGraph

__all__ = ["to_igraph", "to_networkx"]


def to_networkx(graph: FileGraph) -> Any:
    """A networkx graph; nodes are named `text:<id>`, `skill:<id>`, `model:<id>`.

    Args:
        graph: From `dataset_graph` or `association_graph`.

    Returns:
        A MultiDiGraph, or a Graph where the graph is undirected.

    Raises:
        SkillgraphError: networkx is not installed.
    """
    nx = _optional("networkx")
    found = nx.MultiDiGraph() if graph.directed else nx.Graph()
    found.graph.update(name=graph.name, **graph.facts)
    for key, attributes in _named_nodes(graph):
        found.add_node(key, **attributes)
    for source, target, attributes in _named_edges(graph):
        found.add_edge(source, target, **attributes)
    return found


def to_igraph(graph: FileGraph) -> Any:
    """An igraph graph; the vertex attribute `name` is `text:<id>`, `skill:<id>` or `model:<id>`.

    Args:
        graph: From `dataset_graph` or `association_graph`.

    Returns:
        The graph; a skill's own name is the attribute `label`.

    Raises:
        SkillgraphError: igraph is not installed.
    """
    ig = _optional("igraph")
    names, vertices = [], []
    for key, attributes in _named_nodes(graph):
        names.append(key)
        vertices.append({("label" if name == "name" else name): value for name, value in attributes.items()})
    place = {name: row for row, name in enumerate(names)}
    edges = list(_named_edges(graph))
    found = ig.Graph(n=len(names), edges=[(place[a], place[b]) for a, b, _ in edges], directed=graph.directed)
    found["name"] = graph.name
    for name, value in graph.facts.items():
        found[name] = value
    found.vs["name"] = names
    for column in sorted({name for attributes in vertices for name in attributes}):
        found.vs[column] = [attributes.get(column) for attributes in vertices]
    for column in sorted({name for _, _, attributes in edges for name in attributes}):
        found.es[column] = [attributes.get(column) for _, _, attributes in edges]
    return found


def _optional(package: str) -> Any:
    """A package that this one does not depend on."""
    try:
        return import_module(package)
    except ImportError:
        raise SkillgraphError(
            f"{package} is not installed in this environment: install it together with skillgraph"
        ) from None


def _named_nodes(graph: FileGraph) -> list[tuple[str, dict[str, object]]]:
    return [
        (
            f"{nodes.kind}:{row[nodes.id_column]}",
            {"kind": nodes.kind, **{name: value for name, value in row.items() if value is not None}},
        )
        for nodes in graph.nodes
        for row in nodes.table.to_pylist()
    ]


def _named_edges(graph: FileGraph) -> list[tuple[str, str, dict[str, object]]]:
    return [
        (
            f"{edges.source[0]}:{row[edges.source[1]]}",
            f"{edges.target[0]}:{row[edges.target[1]]}",
            {
                "kind": edges.kind,
                **{
                    name: value
                    for name, value in row.items()
                    if value is not None and name not in (edges.source[1], edges.target[1])
                },
            },
        )
        for edges in graph.edges
        for row in edges.table.to_pylist()
    ]
