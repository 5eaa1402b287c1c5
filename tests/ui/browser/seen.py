"""What the browser tests wait for and look at."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Response, expect

__all__ = [
    "HERE",
    "at_rest",
    "drawn",
    "has_state",
    "mark_option",
    "moved",
    "no_figure_sends_its_data_away",
    "on_canvas",
    "opened",
    "opened_alone",
    "pdf_text",
    "plain",
    "plotted",
    "serious",
    "until",
]

_CANVAS = "name => {{ const cy = document.getElementById(name)?._cyreg?.cy; return {script} }}"


def drawn(page: Page, name: str) -> None:
    """Wait until a canvas has nodes and answers the pointer."""
    until(page, name, "cy && cy.nodes().length > 0")


def until(page: Page, name: str, script: str) -> None:
    """Wait until something is true of a canvas, and the canvas answers the pointer if there is one."""
    page.wait_for_function(_CANVAS.format(script=f"(!cy || !!sgTools.notes(cy).heard) && ({script})"), arg=name)


def on_canvas(page: Page, name: str, script: str) -> Any:
    """The value of an expression with the canvas as `cy`, once no callback runs."""
    at_rest(page)
    return page.evaluate(_CANVAS.format(script=script), name)


def plotted(page: Page, name: str) -> None:
    """Wait until a figure has traces."""
    page.wait_for_function("name => document.querySelector(`#${name} .js-plotly-plot`)?.data?.length > 0", arg=name)


def mark_option(page: Page, field: Locator, text: str, *, options: int, place: int = 1) -> Locator:
    """Type into a field that searches, wait until its choices are there, and go to one of them by the arrow keys.

    Returns:
        The option that Enter takes.
    """
    field.fill(text)
    at_rest(page)  # what the server found has taken the place of what the browser had
    expect(page.get_by_role("option")).to_have_count(options)
    marked = page.locator("[data-combobox-selected]")
    for step in range(place):
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("option").nth(step)).to_have_attribute("data-combobox-selected", "true")
    expect(marked).to_have_count(1)
    return marked


def has_state(page: Page, key: str, value: str | None) -> None:
    """Wait until the address says so."""
    page.wait_for_function(
        "([key, value]) => new URLSearchParams(location.search).get(key) === value", arg=[key, value]
    )


_COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}


def serious(page: Page, *, in_dark: bool = False) -> list[tuple[str, list[str]]]:
    """What axe-core finds that keeps people out, once all colours are what they shall be and tables have headers.

    Args:
        page: Where it is looked for.
        in_dark: The page has been looked at in light; only the rules that depend on colours are applied.
    """
    at_rest(page)
    page.wait_for_function(
        """() => !document.getAnimations().some(a => a instanceof CSSTransition && a.playState === 'running')
          && [...document.querySelectorAll('.ag-root')].every(
            table => !table.checkVisibility() || table.querySelector('.ag-header-cell'))"""
    )
    found = Axe().run(page, options=_COLOURS) if in_dark else Axe().run(page)
    return [
        (rule["id"], [node["html"][:160] for node in rule["nodes"]][:4])
        for rule in found.response["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


_HEADLINES = """() => [...document.querySelectorAll('.stat')].filter((box) => box.offsetParent).map((box) =>
  ['.stat-label', '.stat-value', '.stat-meaning'].map((part) => box.querySelector(part).textContent))"""


def plain(page: Page) -> int:
    """No word of the program is shown, and every share in a headline says of how many; the number of such shares."""
    words = page.locator("main").inner_text()
    assert not re.search(r"\b(None|NaN|nan|undefined|Infinity)\b", words), (page.url, words)
    shares = 0
    for label, value, meaning in page.evaluate(_HEADLINES):
        assert meaning, (page.url, label)
        if value.endswith("%"):
            assert re.search(r"\bof [\d,]+ \w|\bexpected of\b", meaning), (page.url, label, value, meaning)
            shares += 1
    return shares


def at_rest(page: Page) -> None:
    """Wait until the page is there and no callback runs, in the browser or on the server, for three frames on end.

    A callback's answer may start another one with the frame that draws it.
    """
    page.evaluate("() => { window.framesAtRest = 0 }")
    page.wait_for_function(
        """() => {
          const rests = document.getElementById('page')?.firstChild && document.documentElement.dataset.busy === 'no';
          window.framesAtRest = rests ? window.framesAtRest + 1 : 0;
          return window.framesAtRest >= 3;
        }"""
    )


HERE = "() => !!window.sgGo && !!document.getElementById('page')"
"""Whether a tab has the explorer."""


def moved(page: Page, address: str, *, timeout: float | None = None) -> None:
    """Go to another address of the explorer as its own links do, without loading its scripts anew."""

    def made(answer: Response) -> bool:
        return "page.children" in (answer.request.post_data or "")

    with page.expect_response(made, timeout=timeout):
        page.evaluate("address => window.sgGo(address)", address)
    at_rest(page)


def opened(page: Page, address: str) -> None:
    """Show an address of the explorer: as its own links do where the tab has this explorer, else by loading it.

    What a load alone does (the first requests, scripts, what is kept between loads) is tested by `page.goto` and
    `page.reload`.
    """
    origin = "/".join(address.split("/")[:3])
    if page.url.startswith(f"{origin}/") and page.url not in (address, f"{address}/") and page.evaluate(HERE):
        moved(page, address)
    else:
        page.goto(address)


def no_figure_sends_its_data_away(page: Page) -> None:
    """All figures are there, and none has a button or a link that leads its data elsewhere."""
    page.wait_for_function(
        "() => { const figures = [...document.querySelectorAll('.js-plotly-plot')]"
        " .filter(figure => figure.checkVisibility());"
        " return figures.length && figures.every(figure => figure.querySelector('.modebar-btn')) }"
    )
    titles = page.locator(".modebar-btn").evaluate_all("all => all.map(button => button.dataset.title)")
    assert not [title for title in titles if title is None or title.startswith("Share")], (
        "a figure has a button to share"
    )
    assert page.locator(".js-plotly-plot a[href^=http]").count() == 0, "a figure has a link to elsewhere"


def pdf_text(content: bytes) -> str:
    """What a PDF of one page writes with a font that every reader has: one line a text."""
    assert content.startswith(b"%PDF-")
    pages = [zlib.decompress(part) for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
             if part[:1] == b"\x78"]  # fmt: skip
    lines = re.findall(rb"\(((?:[^\\()]|\\.)*)\) Tj", b"\n".join(pages))
    return "\n".join(re.sub(rb"\\(.)", rb"\1", line).decode("cp1252") for line in lines)


def opened_alone(page: Page, file: Path) -> None:
    """Open a file that was sent, without a network; the explorer, which asks for news of its store, is left before."""
    page.goto("about:blank")
    page.context.set_offline(True)
    page.goto(file.as_uri())
