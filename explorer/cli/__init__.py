"""The command line `skillgraph`: one module per group of commands."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 input or data are wrong, 2 usage, 3 cut at a limit, 130 Ctrl-C."""
    if sys.argv[1:] == ["--version"]:
        # What is asked for most often needs neither options nor help.
        from explorer import __version__

        print(f"skillgraph {__version__}")  # noqa: T201 - the command's output
        return
    from explorer.cli.app import main as run

    run()
