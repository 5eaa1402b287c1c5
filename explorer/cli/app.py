"""The application: commands in the order in which help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

import explorer
from explorer.cli import (
    comparison,
    compression,
    data,
    demo,
    evidence,
    learning,
    life,
    prediction,
    query,
    server,
    theory,
    web,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="skillgraph",
    help="Explore skill-text graphs: what is learned by peeling, how it hangs together, and what theory predicts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (demo, data, learning, life, evidence, comparison, prediction, theory, compression, query, web, server):
    module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skillgraph {explorer.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 input or data are wrong, 2 usage, 130 interrupted."""
    app()
