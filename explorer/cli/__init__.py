"""The command line `skillgraph`: one module per group of commands."""

import os
import sys
from typing import Any

__all__ = ["main"]


class _WithoutPandas:
    """Arrow looks for pandas with its first array, and imports it where it is installed: a second for nothing.

    Only PySpark works with pandas here. Refusing the import is what Arrow takes for "not installed".
    """

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        if name == "pandas" and "pyspark" not in sys.modules:
            raise ModuleNotFoundError("pandas is not used by this command", name=name)


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 input or data are wrong, 2 usage, 3 cut at a limit, 130 Ctrl-C."""
    from explorer.cli.ending import end_on_signals, guarded

    end_on_signals()
    guarded(_run)


def _run() -> None:
    if sys.argv[1:] == ["--version"]:
        # What is asked for most often needs neither options nor help.
        from explorer import __version__

        print(f"skillgraph {__version__}")  # noqa: T201 - the command's output
        return
    # The matrices here are small: threads of the linear algebra wait for each other longer than they compute.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if "spark" not in sys.argv:
        sys.meta_path.insert(0, _WithoutPandas)
    try:
        from explorer.cli.app import main as run

        run()
    finally:
        if _WithoutPandas in sys.meta_path:
            sys.meta_path.remove(_WithoutPandas)
