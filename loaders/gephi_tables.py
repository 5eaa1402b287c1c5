"""Gephi's spreadsheet export: a table of all nodes (Id, Label, …) and one of edges (Source, Target, Type, …)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loaders._builder import Builder
from loaders._dialect import name_key
from loaders._files import Progress
from loaders._property_graph import OPTIONS as LABELS
from loaders._property_graph import Edge, Node, PropertyGraph, add_graph
from loaders._registry import Claim, Format, register
from loaders._report import Problems
from loaders._rows import TABLE_OPTIONS, open_table
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import files_in

__all__ = ["read_gephi_tables"]

_LABELS = tuple(LABELS)


def read_gephi_tables(path: Path, builder: Builder, *, progress: Progress | None = None, **options: Any) -> None:
    """Add a folder with Gephi's table of nodes and its table of edges.

    Args:
        path: The folder.
        builder: Takes texts, skills and links.
        progress: Called with bytes read and all bytes of each file.
        options: Of `TABLE_OPTIONS` and of graphs.

    Raises:
        DataError: There is no such table, an edge without an end, or what `add_graph` raises.
    """
    labels = {key: options.pop(key, None) for key in _LABELS}
    tables = [file for file in files_in(path) if file.suffix.lower() in {".csv", ".tsv"}] if path.is_dir() else []
    kinds = {file: _kind(file, builder.problems) for file in tables}
    nodes = [file for file, kind in kinds.items() if kind == "nodes"]
    edges = [file for file, kind in kinds.items() if kind == "edges"]
    if not nodes or not edges:
        raise DataError("has no table of nodes (Id, Label) and no table of edges (Source, Target)", path=path)
    graph = PropertyGraph(keyed=True)
    for file in nodes:
        with open_table(file, builder.problems, progress=progress, **options) as table:
            keys = [name_key(name) for name in table.header]
            for line, values in table.rows:
                row = {name: value for name, value in zip(table.header, values, strict=True) if value.strip()}
                identifier = values[keys.index("id")].strip()
                label = values[keys.index("label")].strip() if "label" in keys else ""
                for name in list(row):
                    if name_key(name) in {"id", "label", "timeset", "interval"}:
                        del row[name]
                if identifier in graph.nodes:
                    builder.problems.report("second id", f"node {identifier!r} occurs twice", file, line)
                elif identifier:
                    graph.nodes[identifier] = Node((), {**row, **({"_name": label} if label else {})}, line)
                else:
                    builder.problems.report("empty id", "expected the id of a node, found nothing", file, line)
    for file in edges:
        with open_table(file, builder.problems, progress=progress, **options) as table:
            keys = [name_key(name) for name in table.header]
            places = {
                key: keys.index(key) for key in ("source", "target", "type", "label", "kind", "weight") if key in keys
            }
            for line, values in table.rows:
                cells = {key: values[at].strip() for key, at in places.items()}
                said = cells.get("type", "").casefold()
                properties = {"weight": cells["weight"]} if cells.get("weight") else {}
                graph.edges.append(
                    Edge(cells["source"], cells["target"], cells.get("kind") or cells.get("label") or None,
                         {**properties}, line, file,
                         {"directed": True, "undirected": False}.get(said, True))
                )  # fmt: skip
    add_graph(graph, builder, path, labels)


def _kind(file: Path, problems: Problems) -> str | None:
    try:
        with open_table(file, Problems(lenient=True)) as table:
            keys = {name_key(name) for name in table.header}
    except DataError:
        return None
    if {"source", "target"} <= keys:
        return "edges"
    return "nodes" if "id" in keys and len(keys) > 1 else None


def _claims(source: Source) -> Claim | None:
    if not source.is_dir or not 2 <= len(source.tables) <= 20:
        return None
    kinds = [_kind(file, Problems(lenient=True)) for file in source.tables]
    if kinds.count("nodes") >= 1 and kinds.count("edges") >= 1 and None not in kinds:
        named = any("node" in file.name.lower() for file in source.tables)
        return Claim(86 if named else 80, "a table of nodes and one of edges")
    return None


register(
    Format(
        "gephi-tables",
        "folder with a table of nodes (Id, Label) and one of edges (Source, Target), as Gephi exports them",
        read_gephi_tables,
        {**LABELS, **TABLE_OPTIONS},
        claims=_claims,
    )
)
