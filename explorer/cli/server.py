"""`server start | stop | status | import`: Neo4j Community on this machine, without Docker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.console import JsonOption, emit_json, guarded, progress_bar

if TYPE_CHECKING:
    from explorer.server import ServerStatus

__all__ = ["register"]

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of its data, logs and generated password.", show_default="yours")
]


@guarded
def start(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port for the driver (Bolt).")] = 7687,
    http_port: Annotated[int, typer.Option("--http-port", min=1, max=65535, help="Port of Neo4j Browser.")] = 7474,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Serve Neo4j Browser too.")] = True,
    heap: Annotated[str, typer.Option("--heap", help="Largest Java heap.")] = "1g",
    page_cache: Annotated[str, typer.Option("--page-cache", help="Memory for the store's pages.")] = "256m",
    quick: Annotated[
        bool, typer.Option("--quick", help="Take half the time for the start and the first loads, and more later.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start Neo4j on 127.0.0.1; the first start fetches it (137 MB) and generates a password.

    Example: skillgraph server start

    Neo4j Community is licensed under GPLv3; it runs as a process of its own and is no part of this program.
    """
    from explorer.server import LocalServer, ServerOptions

    options = ServerOptions(port, http_port if browser else None, heap, page_cache, quick)
    with progress_bar("Fetching Neo4j", quiet=as_json) as progress:
        status = LocalServer(home, options=options).start(progress=progress)
    _report(status, "started" if status.changed else "runs already", as_json=as_json)


@guarded
def stop(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Stop the Neo4j that `server start` started; its data stay.

    Example: skillgraph server stop
    """
    from explorer.server import LocalServer

    status = LocalServer(home).stop()
    _report(status, "stopped" if status.changed else "was not running", as_json=as_json)


@guarded
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say whether it runs, and where.

    Example: skillgraph server status
    """
    from explorer.server import LocalServer

    found = LocalServer(home).status()
    _report(found, "runs" if found.running else "does not run", as_json=as_json)


@guarded
def import_(
    folder: Annotated[Path, typer.Argument(help="Folder that export --format neo4j-admin has written.")],
    heap: Annotated[str, typer.Option("--heap", help="Largest Java heap.")] = "1g",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the database of a server that has none yet from exported files, with Neo4j's offline import.

    Example: skillgraph server import big-csv
    """
    from explorer.server import LocalServer, ServerOptions

    server = LocalServer(home, options=ServerOptions(heap=heap))
    with progress_bar("Fetching Neo4j", quiet=as_json) as progress:
        server.provision(progress)
    output = server.import_csv(folder)
    if as_json:
        emit_json({"folder": str(folder), "home": str(server.home)})
        return
    counts = [
        line.strip() for line in output.splitlines() if re.fullmatch(r"\s*\d+ (nodes|relationships|properties)", line)
    ]
    typer.echo(f"Imported into {server.home}: {', '.join(counts)}.")
    typer.echo("  start it with: skillgraph server start" + (f" --home {home}" if home else ""))


def _report(status: ServerStatus, what: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(status)
        return
    typer.echo(f"Neo4j {status.version} {what}; its folder is {status.home}.")
    if status.running:
        typer.echo(f"  use it with:  skillgraph demo --store {status.url}")
        if status.browser_url:
            typer.echo(f"  browse it at: {status.browser_url}")
        typer.echo(f"  password in:  {status.credentials_file}")


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Run a Neo4j server on this machine, without Docker.", no_args_is_help=True)
    for name, command in (("start", start), ("stop", stop), ("status", status), ("import", import_)):
        group.command(name)(command)
    app.add_typer(group, name="server")
