"""`query`: read-only Cypher on the store."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.group import Run, command
from explorer.cli.output import Block, Note, Result, Rows, Table, plain
from explorer.errors import QueryError
from explorer.options import LIMITS
from explorer.wording import plural
from loaders.gate import parse_json

if TYPE_CHECKING:
    from explorer.store.protocol import QueryResult

__all__ = ["query"]

_CUT = 3  # exit code: the list is not whole


@command(store="read", rows=True, formats=("graph",))
def query(
    run: Run,
    cypher: Annotated[str, typer.Argument(help="A read-only Cypher query; - reads it from standard input.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            help="name=value, used as $name; JSON values are parsed. Recipe parameters have defaults.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Most rows to return; with more, the exit code is 3.")
    ] = (LIMITS.query_rows),
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds until the query is stopped.")] = (
        LIMITS.query_seconds
    ),
    memory: Annotated[
        float,
        typer.Option(
            "--memory",
            min=0.001,
            help="Memory in GiB that the query may use on the embedded store before it is stopped.",
        ),
    ] = LIMITS.query_memory,
) -> Result:
    """Ask Cypher of skills, texts, layers and learned associations; nothing can be written.

    Example: skillgraph query "MATCH (:Layer {name: 'foundation'})-[l:LEARNED]->(s:Skill)
    WHERE l.wave = 1 RETURN s.name, s.class LIMIT 5"
    """
    from explorer.service.asking import ask

    text = sys.stdin.read() if cypher == "-" else cypher
    with run.opened() as store:
        answer = ask(store, text, _parameters(parameter or []), max_rows=limit, timeout=timeout, memory=memory)
    result, chosen = answer.result, answer.chosen
    value: dict[str, Any] = {
        "columns": result.columns,
        "rows": result.rows,
        "truncated": result.truncated,
        "seconds": result.seconds,
        "warnings": result.warnings,
    }
    remarks = [f"note: {sentence}" for sentence in answer.unmatched]
    if chosen:
        remarks.append(
            "note: not given, so chosen by the program: "
            f"{', '.join(f'{name}={value}' for name, value in chosen.items())}"
        )
    if run.output == "graph":
        graph, about = _subgraph(result)
        remarks += about
        value = {**graph, "truncated": result.truncated, "warnings": result.warnings}
    if result.truncated and not run.for_people:
        remarks.append(f"cut at --limit {limit}: there are more rows")
    return Result(
        value,
        _shown(result, limit),
        Rows(result.columns, result.rows),
        code=_CUT if result.truncated and run.output in ("csv", "jsonl") else 0,
        remarks=remarks,
    )


def _shown(result: QueryResult, limit: int) -> Iterator[Block]:
    """Rows for people, with remarks on standard error."""
    yield Table(result.columns, [[_cell(value) for value in row] for row in result.rows])
    took = f"{plural(len(result.rows), 'row')} in {result.seconds:.3f} s"
    if result.truncated:
        yield Note(f"{took}, cut at --limit {limit}", kept=True)
    else:
        yield Note(took)
    for warning in result.warnings:
        yield Note(f"note: {warning}")


def _subgraph(result: QueryResult) -> tuple[dict[str, Any], list[str]]:
    """Nodes and relationships in a result, each once; relationships only with both their ends."""
    nodes, links = result.graph()
    whole = [link for link in links.values() if link.start in nodes and link.end in nodes]
    remarks = []
    if len(whole) < len(links):
        missing = len(links) - len(whole)
        remarks = [f"note: relationships left out: {missing}; return the nodes at both ends too"]
    return {"nodes": list(nodes.values()), "relationships": whole}, remarks


def _parameters(given: list[str]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name.isidentifier():
            raise QueryError(f"parameter {item!r} must be name=value")
        try:
            parameters[name] = parse_json(value)
        except json.JSONDecodeError:
            parameters[name] = value
        except ValueError as error:
            raise QueryError(f"parameter {name!r} {error}") from None
    return parameters


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(plain(value), ensure_ascii=False)
