"""`query`: read-only Cypher on the store."""

from __future__ import annotations

import csv
import json
import sys
from typing import Annotated, Any, Literal

import typer

from explorer.cli.console import JsonOption, StoreOption, emit_json, guarded, note, opened, plain, show_table
from explorer.errors import QueryError
from explorer.store.protocol import QueryResult

__all__ = ["register"]


@guarded
def query(
    cypher: Annotated[str, typer.Argument(help="A read-only Cypher query; - reads it from standard input.")],
    parameter: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="name=value, used as $name; JSON values are parsed.")
    ] = None,
    output: Annotated[
        Literal["table", "csv", "graph"],
        typer.Option(
            "--format", help="How rows are printed; graph: their nodes and relationships, as one JSON object."
        ),
    ] = "table",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Row cap.")] = 1000,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds until the query is stopped.")] = 30.0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask Cypher of skills, texts, layers and learned associations; nothing can be written.

    Example: skillgraph query "MATCH (:Layer {name: 'foundation'})-[l:LEARNED]->(s:Skill)
    WHERE l.wave = 1 RETURN s.name, s.class LIMIT 5"
    """
    text = sys.stdin.read() if cypher == "-" else cypher
    with opened(store) as opened_store:
        result = opened_store.query(text, _parameters(parameter or []), max_rows=limit, timeout=timeout)
    if output == "graph":
        emit_json({**_subgraph(result), "truncated": result.truncated, "warnings": result.warnings})
    elif as_json:
        emit_json(
            {
                "columns": result.columns,
                "rows": result.rows,
                "truncated": result.truncated,
                "seconds": result.seconds,
                "warnings": result.warnings,
            }
        )
    else:
        _print_rows(result, output, limit)


def _print_rows(result: QueryResult, output: str, limit: int) -> None:
    """Rows for people, with remarks on standard error."""
    rows = [[_cell(value) for value in row] for row in result.rows]
    if output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows(rows)
    else:
        show_table(result.columns, rows)
    note(f"{len(rows)} rows in {result.seconds:.3f} s" + (f", cut at --limit {limit}" if result.truncated else ""))
    for warning in result.warnings:
        note(f"note: {warning}")


def _subgraph(result: QueryResult) -> dict[str, Any]:
    """Nodes and relationships in a result, each once; relationships only with both their ends."""
    nodes, links = result.graph()
    whole = [link for link in links.values() if link.start in nodes and link.end in nodes]
    if len(whole) < len(links):
        note(f"note: relationships left out: {len(links) - len(whole)}; return the nodes at their ends too")
    return {"nodes": list(nodes.values()), "relationships": whole}


def _parameters(given: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name.isidentifier():
            raise QueryError(f"parameter {item!r} must be name=value")
        try:
            parameters[name] = json.loads(value)
        except json.JSONDecodeError:
            parameters[name] = value
    return parameters


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(plain(value), ensure_ascii=False)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("query")(query)
