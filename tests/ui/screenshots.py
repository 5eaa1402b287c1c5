"""Pictures of every page for the documentation: python -m tests.ui.screenshots [STORE] [FOLDER] [NAME ...].

STORE is a store that the demo has filled (`skillgraph demo --no-ui`); the pictures go to docs/images, all of them or
those that are named.
"""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright
from waitress.server import create_server

from ui.app import create_app

ROOT = Path(__file__).parents[2]
_QUERY = (
    "MATCH (a:Skill {name: 'sorted'})-[r:ASSOCIATED_WITH {layer: 'foundation'}]-(b:Skill)\n"
    "RETURN a, r, b ORDER BY r.weight DESC LIMIT 30"
)
SHOTS = (
    ("overview", "/", "light"),
    ("overview-dark", "/", "dark"),
    ("runs", "/runs?run=learn&name=tuned&base=foundation&mode=frozen&part=%5B%22scipy%22%5D", "light"),
    ("graph", "/graph", "light"),
    ("graph-communities", "/graph?layer=scipy-continued&view=groups&open=2", "dark"),
    ("graph-skill", "/graph?skill=builtin%3Asorted", "light"),
    ("graph-neighbours", "/graph?skill=builtin%3Asorted&view=neighbours", "light"),
    ("graph-texts", "/graph?skill=builtin%3Asorted&view=texts", "light"),
    ("graph-map", "/graph?layer=scipy-joint&view=map&colour=community", "light"),
    ("graph-waves", "/graph?layout=waves&colour=wave&weight=2", "dark"),
    ("learning", "/learning?wave=3", "dark"),
    ("learning-what-if", "/learning?tab=what-if&c=4&R=1.4", "light"),
    ("learning-more-texts", "/learning?tab=texts", "light"),
    ("percolation", "/percolation?phi=30", "light"),
    ("percolation-hubs", "/percolation?phi=74&order=hubs&of=kept", "dark"),
    ("layers", "/layers", "light"),
    ("layers-two", "/layers?view=two", "dark"),
    ("classes", "/classes", "light"),
    ("classes-tree", "/classes?skill=api%3Aos.path.join#c-hierarchy", "light"),
    ("classes-region", "/classes?x=part%3Astdlib&y=part%3Ascipy&layer=scipy-continued#c-two", "light"),
    ("compression", "/compression", "light"),
    ("compression-receiver", "/compression?layer=scipy-continued&receiver=foundation", "dark"),
    ("family", "/family?value=learned&picked=%5B%22scipy-frozen%22%2C%22scipy-joint%22%5D", "light"),
    ("why", "/why?skill=module%3Acodecs", "light"),
    ("load", "/load", "light"),
    ("query", "/query", "light"),
    ("query-graph", "/query?q=" + quote(_QUERY), "light"),
)
_EXERCISES = (
    "sort by key,sorting; functions,0.4\n",
    "sum of a list,loops,0.2\n",
    "walk a tree,recursion; loops,0.7\n",
    "count words,loops; dictionaries,0.3\n",
    "merge two lists,loops; sorting,0.5\n",
)
_READY = """() => {
  const shown = (e) => e.offsetParent && e.checkVisibility({ visibilityProperty: true });
  const seen = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  return document.querySelector('.page') && seen('.stat-value').every((e) => !e.innerText.includes('…'))
    && seen('.tab-body').every((e) => e.children.length)
    && document.documentElement.dataset.busy === 'no'
    && seen('.canvas > div').every((e) => !e._cyreg || e._cyreg.cy.nodes().length)
    && [...document.querySelectorAll('canvas.names')].filter((e) => shown(e.parentElement))
      .every((e) => e.style.visibility === '' && e.style.transform === '' && e.width > 300)
    && seen('#g-map-box').every((e) => e.querySelector('.js-plotly-plot')?.layout?.images?.length)
    && seen('#w-strip, #look-strip').every((e) => !e.innerText)
    && seen('#z-code, .query-summary').every((e) => e.innerText && !e.innerText.startsWith('Running'))
    && seen('.figure').every((e) => e.querySelector('.js-plotly-plot')?.data?.length);
}"""


def take(page: Page, address: str, target: Path) -> None:
    """One picture, once everything on the page is drawn; of one part of it, if the address ends with its id."""
    address, _, part = address.partition("#")
    page.goto(address)
    if address.endswith("/load"):
        content = "item,skills,difficulty\n" + "".join(_EXERCISES)
        file = {"name": "exercises.csv", "mimeType": "text/csv", "buffer": content.encode()}
        page.locator("#ld-choose").set_input_files(files=[file])  # type: ignore[list-item]
        page.locator("#look-result").get_by_text("requirements").first.wait_for(timeout=60_000)
        page.set_viewport_size({"width": 1280, "height": 1100})
    if "/why?" in address:
        page.locator("#w-result h2").first.wait_for(timeout=120_000)
        page.set_viewport_size({"width": 1280, "height": 1500})
    page.wait_for_function(_READY, timeout=120_000)
    page.wait_for_timeout(1_500)
    (page.locator(f"#{part}") if part else page).screenshot(path=target)
    print(target)


def main(store: str = "skillgraph.kgl", folder: str = str(ROOT / "docs" / "images"), *names: str) -> None:
    """All pictures, or those that are named."""
    if not Path(store).exists():
        sys.exit(f"there is no store at {store}: make one with `skillgraph demo --no-ui`")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    server = create_server(create_app(store).server, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    Path(folder).mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, path, scheme in SHOTS:
            if names and name not in names:
                continue
            context = browser.new_context(
                viewport={"width": 1280, "height": 720},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            take(context.new_page(), f"http://127.0.0.1:{server.effective_port}{path}", Path(folder) / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
