"""Node and relationship files for `neo4j-admin database import`, and the single file that APOC exports."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loaders._builder import Builder, Value
from loaders._files import Progress, open_lines, suffixes
from loaders._property_graph import OPTIONS as _LABELS
from loaders._property_graph import Edge, Node, PropertyGraph, add_graph, typed
from loaders._registry import Claim, Format, register
from loaders._rows import Table, open_table
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import files_in, read_regular

__all__ = ["OPTIONS", "is_neo4j_header", "read_neo4j_csv"]

OPTIONS: Mapping[str, str] = {
    "relationships": "file with relationships, several separated by commas; not needed for a folder",
    "delimiter": "one character, or tab, comma, semicolon, pipe",
    **_LABELS,
}
_FIELD = re.compile(r"(?P<name>[^:]*)(:(?P<type>[A-Za-z_]+)(\((?P<group>[^)]*)\))?(\{.*\})?(?P<array>\[\])?)?")
_APOC = {"_id", "_labels", "_start", "_end", "_type"}


def is_neo4j_header(names: Sequence[str]) -> bool:
    """True if the columns are those of a node or relationship file."""
    types = {match["type"] for name in names if (match := _FIELD.fullmatch(name)) and match["type"]}
    return "ID" in types or {"START_ID", "END_ID"} <= types or set(names) >= _APOC


@dataclass(frozen=True)
class _File:
    """Rows of nodes or relationships, whose header may be in a file of its own.

    Attributes:
        path: The file.
        header: Names of its columns.
        own: True if the first row holds them.
        delimiter: What stands between values.
        said: Label of the nodes or type of the relationships, where the import's arguments or names of files say it.
    """

    path: Path
    header: tuple[str, ...]
    own: bool
    delimiter: str
    said: str = ""


def read_neo4j_csv(
    path: Path,
    builder: Builder,
    *,
    relationships: str | Path | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
    **labels: str | None,
) -> None:
    """Add node and relationship files.

    Columns: `name:ID(group)`, `:LABEL`, `:START_ID(group)`, `:END_ID(group)`, `:TYPE`, and properties with or without
    a type (`weight:double`); `:IGNORE` is left out. Labels and arrays are separated by `;`. A file that says no
    label gives its nodes the group of their ids. A header may be in a file of its own: which files it belongs to is
    said by `import.args`, as `skillgraph export` writes it, or by their names (`tasks-header.csv`, `tasks-part1.csv`).

    Args:
        path: A folder with such files, one file that holds nodes, or APOC's single file.
        builder: Takes texts, skills and links.
        relationships: See `OPTIONS`, likewise the others.
        delimiter: See `OPTIONS`.
        progress: Called with bytes read and all bytes of each file.
        labels: Of graphs.

    Raises:
        DataError: No such file, a file without a header, an id twice, or what `add_graph` raises.
    """
    if path.is_dir():
        files = _files_of(path, delimiter, builder)
    else:
        named = [path, *(Path(name.strip()) for name in str(relationships or "").split(",") if name.strip())]
        files = []
        for file in named:
            header, mark = _heading(file, delimiter)
            if not is_neo4j_header(header):
                raise DataError("has neither a column :ID nor :START_ID and :END_ID", path=file, line=1)
            files.append(_File(file, header, True, mark))
    if not files:
        raise DataError("holds no CSV file with a column :ID or :START_ID", path=path)
    graph = PropertyGraph(keyed=True)
    for found in files:
        if set(found.header) >= _APOC:
            graph.keyed = False
        with open_table(
            found.path,
            builder.problems,
            progress=progress,
            delimiter=found.delimiter,
            header="yes" if found.own else "no",
            decimal="point",
            comment="none",
            skip="0",
            units="no",
            footer="0",
        ) as table:
            if len(table.header) != len(found.header):
                raise DataError(
                    f"has {len(table.header)} columns, where its header has {len(found.header)}",
                    path=found.path,
                    line=1,
                )
            _read_file(table, found, graph, builder)
    add_graph(graph, builder, path, labels)


def _heading(path: Path, delimiter: str | None) -> tuple[tuple[str, ...], str]:
    """Values of the first row of a file, and its delimiter."""
    with open_lines(path) as text:
        first = next((line for line in text if line.strip()), "")
    if delimiter is not None:
        mark = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}.get(delimiter, delimiter)
    else:
        outside = "".join(first.split('"')[::2])
        mark = max(",\t;|", key=outside.count)
    values = next(csv.reader([first], delimiter=mark), [])
    return tuple(value.strip() for value in values), mark


def _files_of(folder: Path, delimiter: str | None, builder: Builder) -> list[_File]:
    """Files of nodes and relationships in a folder, each with its header."""
    names = [file for file in files_in(folder) if suffixes(file) in {".csv", ".tsv"} and file.stat().st_size]
    if (folder / "import.args").is_file():
        return _by_arguments(folder, delimiter)
    headings = {file: _heading(file, delimiter) for file in names}
    headed = [file for file in names if is_neo4j_header(headings[file][0])]
    rest = [file for file in names if file not in headed]
    heads = [file for file in headed if "header" in file.name.lower() and _is_one_line(file)]
    files = [_File(file, *_said(headings[file], own=True), _type_of(file)) for file in headed if file not in heads]
    stems = {_stem(head): head for head in heads}
    for file in rest:
        stem = _stem(file)
        near = [own for own in stems if stem == own or stem.startswith(own)]
        if not near:
            if heads:
                raise DataError(
                    "has no header, and there is no header file whose name begins the same way; expected a file such "
                    f"as {stem}-header.csv",
                    path=file,
                )
            continue
        head = stems[max(near, key=len)]
        header, mark = headings[head]
        files.append(_File(file, header, False, mark, _type_of(file)))
        builder.problems.decide(file, "header", f"the file {head.name}", "its name begins the same way")
    return files


def _said(heading: tuple[tuple[str, ...], str], *, own: bool) -> tuple[tuple[str, ...], bool, str]:
    return heading[0], own, heading[1]


def _is_one_line(file: Path) -> bool:
    with open_lines(file) as text:
        return sum(1 for _, line in zip(range(3), text, strict=False) if line.strip()) == 1


def _stem(file: Path) -> str:
    stem = re.sub(r"\.(csv|tsv)(\.(gz|zst|zstd))?$", "", file.name.lower())
    return re.sub(r"[-_. ]*headers?$", "", stem).rstrip("-_. ")


def _type_of(file: Path) -> str:
    """Label or type in a file's name, as an export of this project names it."""
    match = re.match(r"(nodes|relationships)-([A-Za-z_]+)[-.]", file.name)
    return match[2] if match else ""


def _arguments_text(folder: Path) -> str:
    try:
        return read_regular(folder / "import.args").decode()
    except UnicodeDecodeError:
        raise DataError("is not UTF-8", path=folder / "import.args") from None


def _by_arguments(folder: Path, delimiter: str | None) -> list[_File]:
    """What the arguments of neo4j-admin say: --nodes=Label=header.csv,file.csv and --relationships=TYPE=…."""
    try:
        words = shlex.split(_arguments_text(folder), comments=True)
    except ValueError as error:
        raise DataError(f"cannot be read as arguments: {error}", path=folder / "import.args") from None
    files: list[_File] = []
    for number, word in enumerate(words):
        match = re.fullmatch(r"--(nodes|relationships)(?:=(.*))?", word)
        if match is None:
            continue
        value = match[2] if match[2] is not None else words[number + 1] if number + 1 < len(words) else ""
        said, _, listed = value.rpartition("=")
        names = [name.strip() for name in listed.split(",") if name.strip()]
        paths = [folder / Path(name).name for name in names]
        missing = next((path for path in paths if not path.is_file()), None)
        if missing is not None:
            raise DataError("is named in import.args but does not exist", path=missing)
        header, mark = _heading(paths[0], delimiter)
        if not is_neo4j_header(header):
            raise DataError("has neither a column :ID nor :START_ID and :END_ID", path=paths[0], line=1)
        first = [] if len(paths) > 1 and _is_one_line(paths[0]) else [_File(paths[0], header, True, mark, said)]
        files += first
        files += [_File(path, header, False, mark, said) for path in paths[1:] if path.stat().st_size]
    return files


def _read_file(table: Table, found: _File, graph: PropertyGraph, builder: Builder) -> None:
    fields = list(_fields(found.header))
    for line, values in table.rows:
        special: dict[str, tuple[str, str]] = {}
        properties: dict[str, Value] = {}
        for (name, kind, group, many), value in zip(fields, values, strict=True):
            if kind in {"ID", "LABEL", "START_ID", "END_ID", "TYPE"}:
                before = f"{special[kind][1]};" if kind == "LABEL" and kind in special else ""
                special[kind] = (group, before + value.strip())
            elif kind != "IGNORE" and value != "":
                properties[name] = value if many else typed(value, kind)
        if "START_ID" in special and special["START_ID"][1]:
            graph.edges.append(
                Edge(
                    _key(special["START_ID"]),
                    _key(special.get("END_ID", ("", ""))),
                    special.get("TYPE", ("", ""))[1] or found.said or table.path.name.partition(".")[0],
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
        labels = tuple(label for label in re.split(r"[;:]", written) if label)
        labels = (
            labels or tuple(label for label in re.split(r"[:&]", found.said) if label) or ((group,) if group else ())
        )
        if graph.keyed:
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


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        if any(is_neo4j_header(_heading(file, None)[0]) for file in source.tables if file.stat().st_size):
            return Claim(90, "columns :ID or :START_ID")
        return None
    if source.suffix not in {".csv", ".tsv", ".txt", ""} or not source.head:
        return None
    first = next((line for line in source.head.splitlines() if line.strip()), "")
    marks = (mark for mark in ",\t;|" if mark in first or mark == ",")
    if any(is_neo4j_header(next(csv.reader([first], delimiter=mark), [])) for mark in marks):
        return Claim(90, "columns :ID or :START_ID")
    return None


register(
    Format(
        "neo4j-csv",
        "node and relationship files for neo4j-admin import, or APOC's CSV export",
        read_neo4j_csv,
        OPTIONS,
        claims=_claims,
    )
)
