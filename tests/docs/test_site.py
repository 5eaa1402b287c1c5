"""The site: every page is in it once, and its reference is the program's; `just docs` builds it and checks links."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import typer.main

import explorer
from explorer.cli.app import app

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "site" / "build.py")
assert _spec is not None
assert _spec.loader is not None
build: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)


def test_every_page_is_in_the_contents_once(tmp_path: Path) -> None:
    build.gather(tmp_path / "source")
    pages = {page.stem for page in (tmp_path / "source").glob("*.md")} - {"index"}
    index = (ROOT / "docs" / "site" / "index.md").read_text("utf-8")
    contents = re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*\n([^`]*)```", index)
    listed = [name for part in contents for name in part.split()]
    assert sorted(listed) == sorted(pages)
    captions = re.findall(r"^:caption: (.*)$", index, re.MULTILINE)
    assert captions == ["Tutorials", "How-to guides", "Reference", "Explanation"]
    assert (tmp_path / "source" / "_static" / "plotly.min.js").stat().st_size > 1e6


def test_the_reference_has_every_command_with_its_options() -> None:
    page = build.command_page()
    named = set(re.findall(r"^## (skillgraph .*)$", page, re.MULTILINE))
    top = typer.main.get_command(app)
    for name in top.list_commands(None):  # type: ignore[attr-defined,arg-type]
        assert any(shown == f"skillgraph {name}" or shown.startswith(f"skillgraph {name} ") for shown in named), name
    assert "`--learner`" in page
    assert "$ skillgraph load stdlib" in page


def test_the_reference_has_every_public_name() -> None:
    page = build.api_page()
    for name in set(explorer.__all__) - {"__version__"}:
        assert f"## {name}\n" in page


def test_figures_of_a_notebook_are_drawn_without_the_net() -> None:
    for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"):
        page = build.notebook_page(path)
        assert page.startswith("# ")
        assert "Plotly.newPlot" in page
        assert not re.search(r"(src|href)=\"https?:", page)
