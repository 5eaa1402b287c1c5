"""Pictures of every page for the documentation: python -m tests.ui.screenshots [STORE] [FOLDER].

STORE is a store that the demo has filled (`skillgraph demo --no-ui`); the pictures go to docs/images.
"""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from waitress.server import create_server

from ui.app import create_app

ROOT = Path(__file__).parents[2]
SHOTS = (
    ("overview", "/", "light"),
    ("overview-dark", "/", "dark"),
    ("graph", "/graph", "light"),
    ("graph-communities", "/graph?layer=scipy-continued&open=2", "dark"),
    ("graph-skill", "/graph?skill=builtin%3Asorted", "light"),
    ("graph-neighbours", "/graph?skill=builtin%3Asorted&view=neighbours", "light"),
    ("learning", "/learning?wave=3", "dark"),
    ("learning-what-if", "/learning?tab=what-if&c=4&R=1.4", "light"),
    ("learning-more-texts", "/learning?tab=texts", "light"),
    ("percolation", "/percolation?phi=30", "light"),
    ("layers", "/layers", "light"),
    ("classes", "/classes", "light"),
    ("query", "/query", "light"),
)
_READY = """() => document.querySelector('.page') && !document.querySelector('.stat-value')?.innerText.includes('…')
  && [...document.querySelectorAll('.tab-body')].every((e) => e.children.length)
  && [...document.querySelectorAll('.canvas > div')].every((e) => !e._cyreg || !e.offsetParent || e._cyreg.cy.nodes().length)
  && [...document.querySelectorAll('.figure')].every((e) => !e.offsetParent || e.querySelector('.js-plotly-plot')?.data?.length)"""


def take(page: Page, address: str, target: Path) -> None:
    """One picture, once everything on the page is drawn."""
    page.goto(address)
    page.wait_for_function(_READY, timeout=120_000)
    page.wait_for_timeout(1_500)
    page.screenshot(path=target)
    print(target)


def main(store: str = "skillgraph.kgl", folder: str = str(ROOT / "docs" / "images")) -> None:
    """All pictures."""
    if not Path(store).exists():
        sys.exit(f"there is no store at {store}: make one with `skillgraph demo --no-ui`")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    server = create_server(create_app(store).server, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    Path(folder).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, path, scheme in SHOTS:
            context = browser.new_context(
                viewport={"width": 1280, "height": 720},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            take(context.new_page(), f"http://127.0.0.1:{server.effective_port}{path}", Path(folder) / f"{name}.png")
            context.close()
        browser.close()
    server.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
