"""GEXF, the format of Gephi: nodes and edges with attributes."""

from __future__ import annotations

from pathlib import Path

from loaders._builder import Builder
from loaders._files import Progress
from loaders._property_graph import OPTIONS, Edge, Node, PropertyGraph, add_graph, typed
from loaders._registry import Claim, Format, register
from loaders._source import Source
from loaders._xml import parse_xml
from loaders.errors import DataError

__all__ = ["OPTIONS", "read_gexf"]


def read_gexf(
    path: Path,
    builder: Builder,
    *,
    progress: Progress | None = None,
    **labels: str | None,
) -> None:
    """Add a GEXF document; the label of a node is its title or name.

    Args:
        path: Plain, gzip or zstd.
        builder: Takes texts, skills and links.
        progress: Called with bytes read and all bytes.
        labels: Of `OPTIONS`.

    Raises:
        DataError: No GEXF, or what `add_graph` raises.
    """
    reader = _Reader()
    parse_xml(path, reader.start, reader.end, progress)
    if not reader.is_gexf:
        raise DataError("is not GEXF; expected a <gexf> element", path=path)
    add_graph(reader.finish(), builder, path, labels)


class _Reader:
    """GEXF 1.0 to 1.3; what attributes mean is known at the end, and an edge may say its own direction."""

    def __init__(self) -> None:
        self.is_gexf = False
        self.graph = PropertyGraph()
        self._class = "node"
        self._attributes: dict[tuple[str, str], tuple[str, str]] = {}
        self._defaults: list[tuple[str, str, str]] = []
        self._attribute = ""
        self._owners: list[Node | Edge] = []
        self._names: list[str] = []
        self._found: list[tuple[Node | Edge, str, str]] = []

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "gexf":
            self.is_gexf = True
        elif name == "graph":
            directed = attributes.get("defaultedgetype", attributes.get("edgetype", "undirected"))
            self.graph.directed = directed == "directed"
        elif name == "nodes" and self._names:
            self.graph.groups.add(self._names[-1])  # a node with nodes inside
        elif name == "attributes":
            self._class = attributes.get("class", "node")
        elif name == "attribute":
            self._attribute = attributes.get("id", "")
            title = attributes.get("title", self._attribute)
            self._attributes[self._class, self._attribute] = (title, attributes.get("type", "string"))
        elif name == "node":
            node = Node((), {}, line)
            if attributes.get("label"):
                node.properties["_name"] = attributes["label"]
            key = attributes.get("id", "")
            self.graph.put(key, node)
            if attributes.get("pid"):
                self.graph.groups.add(attributes["pid"])
            self._owners.append(node)
            self._names.append(key)
        elif name == "edge":
            kind = attributes.get("kind") or attributes.get("label") or None
            edge = Edge(attributes.get("source", ""), attributes.get("target", ""), kind, {}, line)
            if "weight" in attributes:
                edge.properties["weight"] = attributes["weight"]
            if "type" in attributes:
                edge.directed = attributes["type"] == "directed"
            self.graph.edges.append(edge)
            self._owners.append(edge)
        elif name == "hyperedge":
            self.graph.refuse("holds hyperedges, which are not read; write each as edges between two nodes", line)
        elif name == "attvalue" and self._owners:
            key = attributes.get("for", attributes.get("id", ""))
            self._found.append((self._owners[-1], key, attributes.get("value", "")))

    def end(self, name: str, text: str, line: int) -> None:
        if name == "default":
            self._defaults.append((self._class, self._attribute, text))
        elif name == "description" and text.startswith("provenance: "):
            self.graph.own = True
        elif name in {"node", "edge", "hyperedge"} and self._owners and isinstance(self._owners.pop(), Node):
            self._names.pop()

    def finish(self) -> PropertyGraph:
        """The graph, with defaults and with the types that the attributes declare."""
        given: set[tuple[int, str]] = set()
        for owner, key, text in self._found:
            which = "node" if isinstance(owner, Node) else "edge"
            title, kind = self._attributes.get((which, key), (key, "string"))
            value = typed(text, kind)
            if (id(owner), key) in given and owner.properties[title] != value:
                self.graph.several[title] = self.graph.several.get(title, 0) + 1
            given.add((id(owner), key))
            owner.properties[title] = value
        for which, key, text in self._defaults:
            title, kind = self._attributes.get((which, key), (key, "string"))
            owners = self.graph.nodes.values() if which == "node" else self.graph.edges
            for owner in owners:
                owner.properties.setdefault(title, typed(text, kind))
        return self.graph


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        return None
    if source.suffix == ".gexf" or (source.suffix == ".xml" and "<gexf" in source.head):
        return Claim(92, "GEXF")
    return None


register(Format("gexf", "GEXF (Gephi) with texts and skills as nodes", read_gexf, OPTIONS, claims=_claims))
