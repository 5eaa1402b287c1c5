"""`skillgraph views`: saved, listed, renamed, exported, deleted and imported."""

from __future__ import annotations

import json
from pathlib import Path

from explorer.store.opening import open_store
from tests.cli.conftest import Run


def test_views_from_the_command_line(run_here: Run, tmp_path: Path) -> None:
    open_store(tmp_path / "skillgraph.kgl", mode="write").close()
    address = "http://127.0.0.1:8050/graph?layer=foundation&weight=5"
    assert run_here(tmp_path, "views", "save", "strong links", address).out == "Saved view 'strong links'.\n"
    assert run_here(tmp_path, "views", "save", "all", "/query?q=MATCH").code == 0
    again = run_here(tmp_path, "views", "save", "all", "/graph")
    assert (again.code, again.err) == (
        1, "error: there is a saved view 'all' already: replace it, or choose another name\n",
    )  # fmt: skip
    assert "strong links" in run_here(tmp_path, "views", "list").out
    rows = run_here(tmp_path, "views", "list", "--format", "csv").out.splitlines()
    assert [row.rpartition(",")[0] for row in rows] == [
        "view,address", "all,/query?q=MATCH", "strong links,/graph?layer=foundation&weight=5",
    ]  # fmt: skip
    assert run_here(tmp_path, "views", "export", "views.json").out == "Wrote 2 views to views.json.\n"
    assert json.loads(run_here(tmp_path, "views", "export", "-", "--view", "all").out)["views"][0]["name"] == "all"
    assert run_here(tmp_path, "views", "rename", "all", "every").code == 0
    assert run_here(tmp_path, "views", "delete", "every", "strong links").out == "Deleted 2 views.\n"
    assert run_here(tmp_path, "views", "list").out.strip() == "No views are saved yet."
    assert run_here(tmp_path, "views", "import", "views.json").out == "Saved 2 views.\n"
    assert run_here(tmp_path, "views", "import", "views.json").out == "Saved 0 views; 2 were there already.\n"
    missing = run_here(tmp_path, "views", "import", "nothing.json")
    assert missing.code == 1
    assert "nothing.json" in missing.err
