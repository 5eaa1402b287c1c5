"""Node and relationship files for `neo4j-admin database import`, and the single file that APOC exports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from loaders._builder import Builder, Value
from loaders._files import Progress, suffixes
from loaders._property_graph import OPTIONS as _LABELS
from loaders._property_graph import Edge, Node, PropertyGraph, add_graph, typed
from loaders._rows import Table, open_table, read_header
from loaders.errors import DataError

__all__ = ["OPTIONS", "is_neo4j_header", "read_neo4j_csv"]

OPTIONS: Mapping[str, str] = {
    "relationships": "file with relationships, several joined by commas; not needed for a folder",
    "delimiter": "one character, or tab, comma, semicolon, pipe",
    **_LABELS,
}
_FIELD = re.compile(r"(?P<name>[^:]*)(:(?P<type>[A-Za-z_]+)(\((?P<group>[^)]*)\))?(\{.*\})?(?P<array>\[\])?)?")
_APOC = {"_id", "_labels", "_start", "_end", "_type"}


def is_neo4j_header(names: Sequence[str]) -> bool:
    """True if the columns are those of a node or relationship file."""
    types = {match["type"] for name in names if (match := _FIELD.fullmatch(name)) and match["type"]}
    return "ID" in types or {"START_ID", "END_ID"} <= types or set(names) >= _APOC


def read_neo4j_csv(
    path: Path,
    builder: Builder,
    *,
    relationships: str | Path | None = None,
    delimiter: str | None = None,
    text_label: str | None = None,
    skill_label: str | None = None,
    model_label: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add node and relationship files.

    Columns: `name:ID(group)`, `:LABEL`, `:START_ID(group)`, `:END_ID(group)`, `:TYPE`, and properties with or without
    a type (`weight:double`); `:IGNORE` is left out. Labels and arrays are separated by `;`. A file that says no
    label gives its nodes the group of their ids.

    Args:
        path: A folder with such files, one file that holds nodes, or APOC's single file.
        builder: Takes texts, skills and links.
        relationships: See `OPTIONS`, likewise the others.
        delimiter: See `OPTIONS`.
        text_label: See `OPTIONS`.
        skill_label: See `OPTIONS`.
        model_label: See `OPTIONS`.
        progress: Called with bytes read and all bytes of each file.

    Raises:
        DataError: No such file, an id twice, or what `add_graph` raises.
    """
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if suffixes(file) in {".csv", ".tsv"})
        files = [file for file in found if is_neo4j_header(read_header(file, delimiter))]
    else:
        files = [path, *(Path(name.strip()) for name in str(relationships or "").split(",") if name.strip())]
    if not files:
        raise DataError("holds no CSV file with a column :ID or :START_ID", path=path)
    graph = PropertyGraph()
    for file in files:
        with open_table(file, builder.problems, delimiter=delimiter, progress=progress) as table:
            if not is_neo4j_header(table.header):
                raise DataError("has no column :ID, and no :START_ID and :END_ID", path=file, line=1)
            _read_file(table, graph, builder)
    labels = {"text_label": text_label, "skill_label": skill_label, "model_label": model_label}
    add_graph(graph, builder, path, labels)


def _read_file(table: Table, graph: PropertyGraph, builder: Builder) -> None:
    fields = list(_fields(table.header))
    for line, values in table.rows:
        special: dict[str, tuple[str, str]] = {}
        properties: dict[str, Value] = {}
        for (name, kind, group, many), value in zip(fields, values, strict=True):
            if kind in {"ID", "LABEL", "START_ID", "END_ID", "TYPE"}:
                special[kind] = (group, value.strip())
                if kind == "ID" and name and name != "_id":
                    properties[name] = value.strip()
            elif kind != "IGNORE" and value != "":
                properties[name] = value if many else typed(value, kind)
        if "START_ID" in special and special["START_ID"][1]:
            graph.edges.append(
                Edge(
                    _key(special["START_ID"]),
                    _key(special.get("END_ID", ("", ""))),
                    special.get("TYPE", ("", ""))[1] or table.path.name.partition(".")[0],
                    properties,
                    line,
                    table.path,
                )
            )
            continue
        if not special.get("ID", ("", ""))[1]:
            builder.problems.report("empty id", "expected an id, found nothing", table.path, line)
            continue
        key = _key(special["ID"])
        if key in graph.nodes:
            builder.problems.report("second id", f"id {special['ID'][1]!r} occurs twice", table.path, line)
            continue
        group, identifier = special["ID"]
        written = special.get("LABEL", ("", ""))[1]
        labels = tuple(label for label in re.split(r"[;:]", written) if label) or ((group,) if group else ())
        properties.setdefault("id", identifier)
        graph.nodes[key] = Node(labels, properties, line)


def _fields(header: Sequence[str]) -> Iterator[tuple[str, str, str, bool]]:
    """Name, type, id group and whether it is an array, of each column."""
    apoc = {"_id": "ID", "_labels": "LABEL", "_start": "START_ID", "_end": "END_ID", "_type": "TYPE"}
    is_apoc = set(header) >= _APOC
    for written in header:
        match = _FIELD.fullmatch(written)
        if is_apoc and written in apoc:
            yield written, apoc[written], "", False
        elif match is None:
            yield written, "string", "", False
        else:
            yield match["name"], match["type"] or "string", match["group"] or "", bool(match["array"])


def _key(pair: tuple[str, str]) -> str:
    group, identifier = pair
    return f"{group}\0{identifier}" if group else identifier
