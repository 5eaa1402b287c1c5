"""GEXF, the format of Gephi: nodes and edges with attributes."""

from __future__ import annotations

from pathlib import Path

from loaders._builder import Builder, Value
from loaders._files import Progress
from loaders._property_graph import OPTIONS, Edge, Node, PropertyGraph, add_graph, typed
from loaders._xml import parse_xml
from loaders.errors import DataError

__all__ = ["OPTIONS", "read_gexf"]


def read_gexf(
    path: Path,
    builder: Builder,
    *,
    text_label: str | None = None,
    skill_label: str | None = None,
    model_label: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add a GEXF document; the label of a node is its title or name.

    Args:
        path: Plain, gzip or zstd.
        builder: Takes texts, skills and links.
        text_label: See `OPTIONS`, likewise the others.
        skill_label: See `OPTIONS`.
        model_label: See `OPTIONS`.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: No GEXF, or what `add_graph` raises.
    """
    reader = _Reader()
    parse_xml(path, reader.start, reader.end, progress)
    if not reader.is_gexf:
        raise DataError("is no GEXF; expected a <gexf> element", path=path)
    labels = {"text_label": text_label, "skill_label": skill_label, "model_label": model_label}
    add_graph(reader.graph, builder, path, labels)


class _Reader:
    def __init__(self) -> None:
        self.is_gexf = False
        self.graph = PropertyGraph()
        self._class = "node"
        self._attributes: dict[tuple[str, str], tuple[str, str]] = {}
        self._defaults: dict[str, dict[str, Value]] = {"node": {}, "edge": {}}
        self._attribute = ""
        self._owners: list[Node | Edge] = []

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "gexf":
            self.is_gexf = True
        elif name == "graph":
            self.graph.directed = attributes.get("defaultedgetype", "undirected") != "undirected"
        elif name == "attributes":
            self._class = attributes.get("class", "node")
        elif name == "attribute":
            self._attribute = attributes.get("id", "")
            title = attributes.get("title", self._attribute)
            self._attributes[self._class, self._attribute] = (title, attributes.get("type", "string"))
        elif name == "node":
            node = Node((), dict(self._defaults["node"]), line)
            if attributes.get("label"):
                node.properties["_name"] = attributes["label"]
            self.graph.nodes[attributes.get("id", "")] = node
            self._owners.append(node)
        elif name == "edge":
            kind = attributes.get("kind") or attributes.get("label")
            edge = Edge(attributes.get("source", ""), attributes.get("target", ""), kind, {}, line)
            edge.properties.update(self._defaults["edge"])
            if "weight" in attributes:
                edge.properties["weight"] = attributes["weight"]
            if attributes.get("type") == "directed":
                self.graph.directed = True
            self.graph.edges.append(edge)
            self._owners.append(edge)
        elif name == "attvalue" and self._owners:
            owner = self._owners[-1]
            which = "node" if isinstance(owner, Node) else "edge"
            key = attributes.get("for", attributes.get("id", ""))
            title, kind = self._attributes.get((which, key), (key, "string"))
            owner.properties[title] = typed(attributes.get("value", ""), kind)

    def end(self, name: str, text: str, line: int) -> None:
        if name == "default":
            title, kind = self._attributes.get((self._class, self._attribute), (self._attribute, "string"))
            self._defaults.setdefault(self._class, {})[title] = typed(text, kind)
        elif name in {"node", "edge"} and self._owners:
            self._owners.pop()
