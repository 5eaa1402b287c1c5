"""GraphML: nodes and edges with typed attributes."""

from __future__ import annotations

from pathlib import Path

from loaders._builder import Builder
from loaders._files import Progress
from loaders._property_graph import OPTIONS, Edge, Node, PropertyGraph, add_graph, typed
from loaders._registry import Claim, Format, register
from loaders._source import Source
from loaders._xml import parse_xml
from loaders.errors import DataError

__all__ = ["OPTIONS", "read_graphml"]


def read_graphml(
    path: Path,
    builder: Builder,
    *,
    progress: Progress | None = None,
    **labels: str | None,
) -> None:
    """Add a GraphML document, as networkx, igraph, Gephi, yEd and Neo4j's APOC write it.

    Args:
        path: Plain, gzip or zstd.
        builder: Takes texts, skills and links.
        progress: Called with bytes read and all bytes.
        labels: Of `OPTIONS`.

    Raises:
        DataError: No GraphML, or what `add_graph` raises.
    """
    reader = _Reader()
    parse_xml(path, reader.start, reader.end, progress)
    if not reader.is_graphml:
        raise DataError("is not GraphML; expected a <graphml> element", path=path)
    add_graph(reader.finish(), builder, path, labels)


class _Reader:
    """Takes nodes and edges as they come; what keys mean is known at the end, since they may be declared last."""

    def __init__(self) -> None:
        self.is_graphml = False
        self.graph = PropertyGraph()
        self._keys: dict[str, tuple[str, str, str]] = {}
        self._graphics: set[str] = set()
        self._defaults: list[tuple[str, str]] = []
        self._key = ""
        self._owners: list[Node | Edge | None] = []
        self._names: list[str] = []
        self._data = ""
        self._found: list[tuple[Node | Edge, str, str]] = []

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "graphml":
            self.is_graphml = True
        elif name == "key":
            self._key = attributes.get("id", "")
            title = attributes.get("attr.name", self._key)
            self._keys[self._key] = (title, attributes.get("attr.type", "string"), attributes.get("for", "all"))
            if "yfiles.type" in attributes:
                self._graphics.add(self._key)
        elif name == "graph":
            if self._names:
                self.graph.groups.add(self._names[-1])  # a node with a graph inside
            else:
                self.graph.directed = attributes.get("edgedefault", "directed") != "undirected"
        elif name == "node":
            # APOC writes the labels as ":Text" into an attribute of the element.
            labels = tuple(label for label in attributes.get("labels", "").split(":") if label)
            node = Node(labels, {}, line)
            key = attributes.get("id", "")
            self.graph.put(key, node)
            if attributes.get("yfiles.foldertype") == "group":
                self.graph.groups.add(key)
            self._owners.append(node)
            self._names.append(key)
        elif name == "edge":
            said = attributes.get("directed")
            edge = Edge(
                attributes.get("source", ""),
                attributes.get("target", ""),
                attributes.get("label"),
                {},
                line,
                directed=None if said is None else said.strip().lower() == "true",
            )
            self.graph.edges.append(edge)
            self._owners.append(edge)
        elif name == "hyperedge":
            self.graph.refuse("holds hyperedges, which are not read; write each as edges between two nodes", line)
            self._owners.append(None)
        elif name == "data":
            self._data = attributes.get("key", "")

    def end(self, name: str, text: str, line: int) -> None:
        owner = self._owners[-1] if self._owners else None
        if name == "default":
            self._defaults.append((self._key, text))
        elif name == "data":
            if owner is not None:
                self._found.append((owner, self._data, text))
            elif not self._owners and self._data.startswith("g.") and self._data.endswith("provenance"):
                self.graph.own = True
            self._data = ""
        elif name in {"NodeLabel", "EdgeLabel"} and owner is not None and text.strip():
            # What yEd shows; a group has labels of its own.
            if isinstance(owner, Node):
                owner.properties.setdefault("_name", " ".join(text.split()))
            else:
                owner.kind = owner.kind or text.strip()
        elif name in {"node", "edge", "hyperedge"} and self._owners and isinstance(self._owners.pop(), Node):
            self._names.pop()

    def finish(self) -> PropertyGraph:
        """The graph, with defaults and with the types that the keys declare."""
        given: set[tuple[int, str]] = set()
        for owner, key, text in self._found:
            title, kind, _ = self._keys.get(key, (key, "string", "all"))
            if key not in self._graphics:
                if (id(owner), key) in given and owner.properties[title] != typed(text, kind):
                    first = owner.properties[title]
                    self.graph.refuse(f"a node or edge has two values of {title!r}, {first!r} and {text!r}", owner.line)
                given.add((id(owner), key))
                owner.properties[title] = typed(text, kind)
        for key, text in self._defaults:
            title, kind, which = self._keys.get(key, (key, "string", "all"))
            value = typed(text, kind)
            if which in {"node", "all"}:
                for node in self.graph.nodes.values():
                    node.properties.setdefault(title, value)
            if which in {"edge", "all"}:
                for edge in self.graph.edges:
                    edge.properties.setdefault(title, value)
        return self.graph


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        return None
    if source.suffix == ".graphml" or (source.suffix == ".xml" and "<graphml" in source.head):
        return Claim(92, "GraphML")
    return None


register(Format("graphml", "GraphML with texts and skills as nodes", read_graphml, OPTIONS, claims=_claims))
