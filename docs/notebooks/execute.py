"""Run notebooks with a Jupyter kernel; figures are kept as data, not with a copy of Plotly in each."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["NOTEBOOKS", "executed"]

NOTEBOOKS = sorted(Path(__file__).parent.glob("*.ipynb"))


def executed(path: Path) -> Any:
    """The notebook as it is after a run from an empty kernel; an error in a cell is raised.

    The caller sets `PLOTLY_RENDERER` to `plotly_mimetype`, so that the kernel has it.
    """
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    for cell in book.cells:
        cell.metadata.pop("execution", None)  # when it ran changes with every run
    return book


def main() -> None:
    """Run all notebooks and write what came out into them."""
    import nbformat

    os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"
    for path in NOTEBOOKS:
        nbformat.write(executed(path), path)
        sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
