"""`server start | stop | status | import`: Neo4j Community on this machine, without Docker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import Run, command, group
from explorer.cli.output import Result

if TYPE_CHECKING:
    from explorer.server import ServerStatus

__all__ = ["import_", "server", "start", "status", "stop"]

server = group(
    "server",
    "Run a Neo4j server on this machine, without Docker.",
    {name: f"server:{name if name != 'import' else 'import_'}" for name in ("start", "stop", "status", "import")},
)

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of its data, logs and generated password.", show_default="yours")
]


@command()
def start(
    run: Run,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port for the driver (Bolt).")] = 7687,
    http_port: Annotated[int, typer.Option("--http-port", min=1, max=65535, help="Port of Neo4j Browser.")] = 7474,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Serve Neo4j Browser too.")] = True,
    heap: Annotated[str, typer.Option("--heap", help="Largest Java heap.")] = "1g",
    page_cache: Annotated[str, typer.Option("--page-cache", help="Memory for the store's pages.")] = "256m",
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Halve the time for the start and the first loads, but slow down later ones."),
    ] = False,
    version: Annotated[
        str | None,
        typer.Option(
            "--version",
            help="Neo4j's version, 5.26 or 2026.08. Default: that of the folder's data, else 5.26 (long-term support).",
            show_default=False,
        ),
    ] = None,
    home: HomeOption = None,
) -> Result:
    """Start Neo4j on 127.0.0.1; the first start fetches it (137 MB) and generates a password.

    Example: skillgraph server start

    Neo4j Community is licensed under GPLv3; it runs as a process of its own and is no part of this program.
    """
    from explorer.server import LocalServer, ServerOptions, find_version
    from explorer.store.neo4j.store import Neo4jStore

    chosen = None if version is None else find_version(version)
    options = ServerOptions(port, http_port if browser else None, heap, page_cache, quick, version=chosen)
    with run.progress("Fetching Neo4j") as progress:
        local = LocalServer(home, options=options)
        status = local.start(progress=progress)
    if status.changed:
        # A database that was made by an offline import gets its constraints and indexes before anybody asks it.
        Neo4jStore(str(status.url), credentials=local.credentials(), notice=run.notice).close()
    return _report(status, "started" if status.changed else "runs already")


@command()
def stop(run: Run, home: HomeOption = None) -> Result:
    """Stop the Neo4j that `server start` started; its data stay.

    Example: skillgraph server stop
    """
    from explorer.server import LocalServer

    status = LocalServer(home).stop()
    return _report(status, "stopped" if status.changed else "was not running")


@command()
def status(run: Run, home: HomeOption = None) -> Result:
    """Say whether it runs, and where.

    Example: skillgraph server status
    """
    from explorer.server import LocalServer

    found = LocalServer(home).status()
    return _report(found, "runs" if found.running else "does not run")


@command()
def import_(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Folder that `export --format neo4j-admin` has written.")],
    heap: Annotated[str, typer.Option("--heap", help="Largest Java heap.")] = "1g",
    home: HomeOption = None,
) -> Result:
    """Make the database of a server that has none yet from exported files, with Neo4j's offline import.

    Example: skillgraph server import big-csv
    """
    from explorer.server import LocalServer, ServerOptions

    local = LocalServer(home, options=ServerOptions(heap=heap))
    with run.progress("Fetching Neo4j") as progress:
        local.provision(progress)
    output = local.import_csv(folder)
    counts = [
        line.strip() for line in output.splitlines() if re.fullmatch(r"\s*\d+ (nodes|relationships|properties)", line)
    ]
    said = (
        f"Imported into {local.home}: {', '.join(counts)}.",
        "  start it with: skillgraph server start" + (f" --home {home}" if home else ""),
    )
    return Result({"folder": str(folder), "home": str(local.home)}, said)


def _report(status: ServerStatus, what: str) -> Result:
    said = [f"Neo4j {status.version} {what}; its folder is {status.home}."]
    if status.running:
        said.append(f"  use it with:  skillgraph demo --store {status.url}")
        if status.browser_url:
            said.append(f"  browse it at: {status.browser_url}")
        said.append(f"  password in:  {status.credentials_file}")
    return Result(status, said)
