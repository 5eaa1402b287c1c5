"""The application: commands in the order in which help lists them.

A new command is a function in a module of this folder, and one row here.
"""

from __future__ import annotations

from typing import Annotated

import typer

import explorer
from explorer.cli.group import Common, group

__all__ = ["app", "main"]

app = group(
    "skillgraph",
    "Explore skill-text graphs: what is learned by peeling, how the learned skills are connected, and what theory "
    "predicts.",
    {
        "demo": "demo:demo",
        "load": "data:load",
        "annotate": "annotation:annotate",
        "agreement": "annotation:agreement",
        "datasets": "data:datasets",
        "learn": "learning:learn",
        "associate": "learning:associate",
        "components": "learning:components",
        "percolate": "learning:percolate",
        "keystones": "learning:keystones",
        "layers": "learning:layers",
        "copy": "life:copy",
        "delete": "life:delete",
        "rename": "life:rename",
        "refresh": "life:refresh",
        "why": "why:why",
        "plan": "why:plan",
        "curriculum": "why:curriculum",
        "evidence": "evidence:evidence",
        "master": "why:master",
        "tags": "tags:tags",
        "export": "export:export",
        "compare": "comparison:compare",
        "predict": "prediction:predict",
        "threshold": "prediction:threshold",
        "explain": "explanation:explain",
        "forecast": "explanation:forecast",
        "theory": "theory:theory",
        "compress": "compression:compress",
        "decompress": "compression:decompress",
        "channel": "compression:channel",
        "query": "query:query",
        "views": "views:views",
        "ui": "web:ui",
        "mcp": "mcp:mcp",
        "server": "server:server",
        "spark": "spark:spark",
    },
    completion=True,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skillgraph {explorer.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            envvar="SKILLGRAPH_STORE",
            help="Path of an embedded store, or neo4j://host:7687; also after the command.",
            show_default="./skillgraph.kgl",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; also after the command.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no progress and no remarks; also after the command.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print more on standard error; also after the command.")
    ] = False,
) -> None:
    ctx.obj = Common(store, as_json, quiet, verbose)


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 input or data are wrong, 2 usage, 3 cut at a limit, 130 Ctrl-C."""
    app()
