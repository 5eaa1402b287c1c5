"""The notebooks of the docs on a real Jupyter kernel, and the page on pandas; they run in .venv-docs."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_spec = importlib.util.spec_from_file_location("execute", ROOT / "docs" / "notebooks" / "execute.py")
assert _spec is not None
assert _spec.loader is not None
execute: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(execute)


def shown(book: Any) -> list[list[Any]]:
    """What each cell shows: of figures the kinds of their traces, of anything else its numbers; wording may change."""
    found = []
    for cell in book.cells:
        outputs: list[Any] = []
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            figure = data.get("application/vnd.plotly.v1+json")
            if figure is not None:
                outputs.append([trace["type"] for trace in figure["data"]])
            else:
                text = data.get("text/html") or data.get("text/plain") or output.get("text")
                outputs.append([float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)])
        found.append(outputs)
    return found


@pytest.mark.parametrize("path", execute.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_it_shows_in_the_docs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLOTLY_RENDERER", "plotly_mimetype")
    stored = nbformat.read(path, as_version=4)
    assert any(cell.get("outputs") for cell in stored.cells), "`just notebooks` runs it and keeps what comes out"
    again = execute.executed(path)
    for cell, before, after in zip(stored.cells, shown(stored), shown(again), strict=True):
        assert len(before) == len(after), cell.source
        for old, new in zip(before, after, strict=True):
            numbers = bool(old) and isinstance(old[0], float)
            assert new == (pytest.approx(old, rel=1e-3, abs=1e-3) if numbers else old), cell.source


def test_the_explorer_is_framed_in_a_notebook() -> None:
    source = (
        "import urllib.request\nimport explorer as sg\n"
        "shown = sg.Graph.from_edges([('t', 'a')]).explore()\n"
        "with urllib.request.urlopen(shown.url) as answer:\n"
        "    print(answer.status, answer.headers['X-Frame-Options'])\n"
        "shown"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    printed, last = book.cells[0].outputs
    assert printed.text == "200 None\n"
    assert '<iframe src="http://127.0.0.1:' in last.data["text/html"]
    address = re.search(r'src="(http[^"?]*)', last.data["text/html"])
    assert address is not None
    with pytest.raises(OSError):  # noqa: PT011  # the kernel is gone, and the explorer with it
        urllib.request.urlopen(address[1], timeout=5)


def test_the_page_on_pandas_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "ten-lines.md").read_text("utf-8")
    names: dict[str, object] = {"__name__": "page"}
    printed = io.StringIO()
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(printed):
        for number, block in enumerate(BLOCK.findall(page)):
            exec(compile(block, f"ten-lines.md, block {number + 1}", "exec"), names)
    assert "estimate" in printed.getvalue()
    lines = [line for line in BLOCK.findall(page)[0].splitlines() if line.strip()]
    assert len(lines) <= 10, "it says ten lines"
