"""How much the first load of each page asks the server for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, expect

from tests.ui.browser.seen import at_rest
from tests.ui.walk import PATHS

pytestmark = pytest.mark.browser

MOST = 25
BEAT = '["heartbeat.n_intervals"]'
"""The question every three seconds whether the store has changed is no part of loading a page."""


@pytest.fixture
def asked(page: Page, small: str) -> Iterator[list[str]]:
    """What the page asks the server for, which is everything: as in a browser that has kept nothing."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.startswith("http") and BEAT not in (request.post_data or ""):
            asked.append(f"{request.url.removeprefix(small)} {(request.post_data or '')[:120]}")

    tools = page.context.new_cdp_session(page)
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.on("request", note)
    yield asked
    page.remove_listener("request", note)
    tools.send("Network.setCacheDisabled", {"cacheDisabled": False})
    tools.detach()


@pytest.mark.parametrize("path", [pytest.param(path, marks=() if path == "/" else pytest.mark.long) for path in PATHS])
def test_the_first_load_of_a_page_takes_at_most_25_requests(
    page: Page, small: str, asked: list[str], path: str
) -> None:
    page.goto(f"{small}{path}")
    at_rest(page)
    for strip in page.locator(".run-progress").all():  # work that the page begins by itself
        expect(strip).to_be_hidden()
    if path == "/family":
        expect(page.locator("#f-closer .ag-center-cols-container .ag-row").first).to_be_attached()
    at_rest(page)
    assert len(asked) > 8, "the document, its scripts, the layout and the page"
    assert len(asked) <= MOST, "\n".join(asked)
