"""The command line `skillgraph`: one module per group of commands."""

from explorer.cli.app import app, main

__all__ = ["app", "main"]
