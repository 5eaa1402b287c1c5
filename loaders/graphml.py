"""GraphML: nodes and edges with typed attributes."""

from __future__ import annotations

from pathlib import Path

from loaders._builder import Builder, Value
from loaders._files import Progress
from loaders._property_graph import OPTIONS, Edge, Node, PropertyGraph, add_graph, typed
from loaders._xml import parse_xml
from loaders.errors import DataError

__all__ = ["OPTIONS", "read_graphml"]


def read_graphml(
    path: Path,
    builder: Builder,
    *,
    text_label: str | None = None,
    skill_label: str | None = None,
    model_label: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add a GraphML document, as networkx, igraph, Gephi, yEd and Neo4j's APOC write it.

    Args:
        path: Plain, gzip or zstd.
        builder: Takes texts, skills and links.
        text_label: See `OPTIONS`, likewise the others.
        skill_label: See `OPTIONS`.
        model_label: See `OPTIONS`.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: No GraphML, or what `add_graph` raises.
    """
    reader = _Reader()
    parse_xml(path, reader.start, reader.end, progress)
    if not reader.is_graphml:
        raise DataError("is no GraphML; expected a <graphml> element", path=path)
    labels = {"text_label": text_label, "skill_label": skill_label, "model_label": model_label}
    add_graph(reader.graph, builder, path, labels)


class _Reader:
    def __init__(self) -> None:
        self.is_graphml = False
        self.graph = PropertyGraph()
        self._keys: dict[str, tuple[str, str, str]] = {}
        self._defaults: dict[str, dict[str, Value]] = {"node": {}, "edge": {}}
        self._key = ""
        self._owner: Node | Edge | None = None
        self._data = ""

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "graphml":
            self.is_graphml = True
        elif name == "key":
            self._key = attributes.get("id", "")
            title = attributes.get("attr.name", self._key)
            self._keys[self._key] = (title, attributes.get("attr.type", "string"), attributes.get("for", "all"))
        elif name == "graph":
            self.graph.directed = attributes.get("edgedefault", "directed") != "undirected"
        elif name == "node":
            # APOC writes the labels as ":Text" into an attribute of the element.
            labels = tuple(label for label in attributes.get("labels", "").split(":") if label)
            node = Node(labels, dict(self._defaults["node"]), line)
            self.graph.nodes[attributes.get("id", "")] = node
            self._owner = node
        elif name == "edge":
            edge = Edge(
                attributes.get("source", ""),
                attributes.get("target", ""),
                attributes.get("label"),
                dict(self._defaults["edge"]),
                line,
            )
            self.graph.edges.append(edge)
            self._owner = edge
        elif name == "data":
            self._data = attributes.get("key", "")

    def end(self, name: str, text: str, line: int) -> None:
        if name == "default":
            title, kind, owner = self._keys.get(self._key, (self._key, "string", "all"))
            for which in ("node", "edge"):
                if owner in {which, "all"}:
                    self._defaults[which][title] = typed(text, kind)
        elif name == "data" and self._owner is not None:
            title, kind, _ = self._keys.get(self._data, (self._data, "string", "all"))
            self._owner.properties[title] = typed(text, kind)
        elif name in {"node", "edge"}:
            self._owner = None
