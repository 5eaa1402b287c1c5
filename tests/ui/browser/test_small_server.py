"""The server does without the large libraries: what needs them is computed in child processes."""

from __future__ import annotations

import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.seen import at_rest, moved
from tests.ui.walk import PATHS
from ui.drawing.arrangements import ARRANGEMENTS
from ui.drawing.colourings import TITLES
from ui.pages.graph.state import GROUPS, VIEWS
from ui.pages.learning.state import TABS

pytestmark = [pytest.mark.browser, pytest.mark.long]

LARGE = ("networkit", "networkx", "numba")
SERVER = f"""
import sys
from ui.app import BackgroundServer
server = BackgroundServer(sys.argv[1])
print(server.address, flush=True)
sys.stdin.readline()
print(*(name for name in {LARGE!r} if name in sys.modules), flush=True)
server.close()
"""
# A picture has one arrangement and one colouring: each visit shows the next of both.
CHOSEN: tuple[tuple[str, dict[str, str]], ...] = (
    *(("/graph", {"view": view}) for view in VIEWS),
    *(("/graph", {"view": "groups", "by": by}) for by in GROUPS),
    *(
        ("/graph", {key: value for key, value in (("layout", layout), ("colour", colour)) if value})
        for layout, colour in zip_longest(ARRANGEMENTS, TITLES)
    ),
    *(("/learning", {"tab": tab}) for tab in TABS),
    ("/percolation", {"order": "hubs"}),
    ("/layers", {"view": "two"}),
    ("/classes", {"rel": "boxes"}),
    ("/query", {"q": "MATCH (a:Skill)-[r:ASSOCIATED_WITH]->(b:Skill) RETURN a, r, b LIMIT 20"}),
)


def test_no_page_and_no_view_makes_the_server_load_a_large_library(page: Page, store_path: Path) -> None:
    command = [sys.executable, "-c", SERVER, str(store_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        address = server.stdout.readline().strip().rstrip("/")
        page.goto(f"{address}/none")
        at_rest(page)
        for path, chosen in (*((path, {}) for path in PATHS), *CHOSEN):
            moved(page, f"{path}?{urlencode({'layer': 'tuned', **chosen})}")
            expect(page.locator("#page .failed")).to_have_count(0)
        server.stdin.write("\n")
        server.stdin.flush()
        assert server.stdout.readline().split() == []
