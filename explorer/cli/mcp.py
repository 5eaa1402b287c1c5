"""`mcp`: the store as tools of an agent."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import Run, command
from explorer.cli.output import Result, Table
from explorer.options import LIMITS

if TYPE_CHECKING:
    from explorer.agent.tools import Tools

__all__ = ["TOKEN_VARIABLE", "mcp"]

TOKEN_VARIABLE = "SKILLGRAPH_MCP_TOKEN"  # noqa: S105 -- the name of a variable


@command(store="read")
def mcp(
    run: Run,
    http: Annotated[
        bool,
        typer.Option("--http", help="Serve over HTTP on 127.0.0.1 instead of standard input and output."),
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="With --http: port to listen on; 0 takes a free one.")
    ] = 8051,
    listed: Annotated[bool, typer.Option("--list", help="List the tools and pages that agents get, and end.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Most rows of a query and entries of a list that an agent gets.")
    ] = LIMITS.query_rows,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds until a query is stopped.")] = (
        LIMITS.query_seconds
    ),
    memory: Annotated[
        float,
        typer.Option("--memory", min=0.001, help="GiB that a query may take on the embedded store; more stops it."),
    ] = LIMITS.query_memory,
) -> Result | None:
    """Serve the store to agents by the Model Context Protocol: look, ask Cypher, why, plan, compare, predict.

    Nothing can be written. With --http each request must bring a token, SKILLGRAPH_MCP_TOKEN of the environment; if
    that is not set, one is made and shown.

    Example: skillgraph mcp --list

    Example: skillgraph mcp --http
    """
    from explorer.agent.serving import serve_http, serve_stdio
    from explorer.agent.tools import AgentLimits, Tools
    from explorer.store.place import Place

    tools = Tools(Place.of(run.store), AgentLimits(limit, timeout, memory))
    if listed:
        return _listed(tools)
    if not http:
        serve_stdio(tools)
        return None
    # Not left where a child process or a page of diagnostics could show it.
    given = os.environ.pop(TOKEN_VARIABLE, None)
    token = given or secrets.token_urlsafe(32)

    def ready(address: str) -> None:
        typer.echo(f"Agents reach the store at {address} (Ctrl-C ends it).", err=True)
        shown = f"the value of {TOKEN_VARIABLE}" if given else token
        typer.echo(f"Each request needs the header Authorization: Bearer {shown}", err=True)

    serve_http(tools, port=port, token=token, ready=ready)
    return None


def _listed(tools: Tools) -> Result:
    from explorer.agent.tools import described

    functions = [(function.__name__, *described(function)) for function in tools.functions()]
    pages = [(page.uri, page.description) for page in tools.pages()]
    value = {
        "tools": [{"name": name, "description": text, "arguments": given} for name, text, given in functions],
        "pages": [{"uri": uri, "description": text} for uri, text in pages],
    }
    rows = [(name, text.partition("\n")[0], ", ".join(given)) for name, text, given in functions]
    return Result(value, [Table(("tool", "what it does", "arguments"), rows), Table(("page", "what it tells"), pages)])
