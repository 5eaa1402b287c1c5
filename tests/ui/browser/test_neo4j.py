"""Every page on a real Neo4j, whose server is stopped and started while a page is open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from explorer.credentials import PASSWORD_VARIABLE, USER_VARIABLE
from explorer.errors import SkillgraphError
from tests.support.neo4j import RunningNeo4j, start_local
from tests.ui.browser.seen import at_rest, opened
from tests.ui.conftest import fill_store

pytestmark = [pytest.mark.browser, pytest.mark.neo4j, pytest.mark.long]

SLOW = "MATCH (a:Text), (b:Text), (c:Text), (d:Text) WHERE a.id < b.id AND c.id < d.id RETURN count(*) AS n"


@pytest.fixture(scope="module")
def server(neo4j_server: RunningNeo4j) -> RunningNeo4j:
    """The server of the other tests, with a store for these."""
    neo4j_server.empty()
    with closing(neo4j_server.open()) as store:
        fill_store(store)
    return neo4j_server


@contextmanager
def _served(server: RunningNeo4j, serve: Any) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_VARIABLE, server.credentials.user)
        patch.setenv(PASSWORD_VARIABLE, server.credentials.password)
        yield serve(server.url)


@pytest.fixture(scope="module")
def address(server: RunningNeo4j, serve: Any) -> Iterator[str]:
    with _served(server, serve) as address:
        yield address


PAGES = {
    "/": "Overview",
    "/graph": "Association graph",
    "/learning": "Learning",
    "/percolation": "Percolation",
    "/layers": "Layers",
    "/classes": "Classes and hierarchy",
    "/compression": "Compression",
    "/query": "Query",
}


@pytest.mark.parametrize("path", PAGES)
def test_every_page(page: Page, address: str, path: str) -> None:
    opened(page, address + path)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    at_rest(page)
    page.wait_for_function(
        """() => {
          const seen = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.offsetParent);
          return seen('.figure').every((e) => e.querySelector('.js-plotly-plot')?.data)
            && seen('.canvas > div').every((e) => !e._cyreg || e._cyreg.cy.nodes().length)
            && !seen('.stat-value').some((e) => e.innerText.includes('…'));
        }"""
    )
    expect(page.locator("#notice")).to_be_empty()
    expect(page.locator("#banner")).to_be_empty()


@pytest.mark.ci
def test_a_run_writes_to_the_server(page: Page, server: RunningNeo4j, address: str) -> None:
    opened(page, f"{address}/runs?run=learn&name=from-the-page")
    page.get_by_role("button", name="Learn", exact=True).click()
    expect(page.locator(".run-done")).to_contain_text("from-the-page: ")
    assert server.rows("MATCH (l:Layer {name: 'from-the-page'}) RETURN l.dataset") == [("small",)]
    page.locator(".run-done").get_by_role("link", name="overview").click()
    expect(page.locator("td strong")).to_have_text("from-the-page")


def test_a_cancelled_query_ends_on_the_server(page: Page, server: RunningNeo4j, address: str) -> None:
    def running() -> int:
        return sum(query == SLOW for (query,) in server.rows("SHOW TRANSACTIONS YIELD currentQuery"))

    page.goto(f"{address}/query?q={quote(SLOW)}")
    expect(page.locator("#q-summary")).to_contain_text("Running")
    assert any(running() == 1 for _ in range(200))  # once its process has connected
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#q-summary")).to_contain_text("Cancelled after")
    # The server notices within moments that the client has gone; the query's own time limit is 30 s.
    assert any(running() == 0 for _ in range(200))
    opened(page, f"{address}/query?q={quote('MATCH (l:Layer) RETURN l.name AS name')}")
    expect(page.locator("#q-summary")).to_contain_text("rows in")


def test_a_server_that_goes_away_and_comes_back(page: Page, serve: Any, tmp_path: Path, watched: list[str]) -> None:
    with ExitStack() as stack:
        try:
            server = start_local(stack, tmp_path)  # its own: stopping it disturbs nobody
        except SkillgraphError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no real Neo4j here: {error}")
        with closing(server.open()) as store:
            fill_store(store)
        _goes_away_and_comes_back(page, server, stack.enter_context(_served(server, serve)))


def _goes_away_and_comes_back(page: Page, server: RunningNeo4j, address: str) -> None:
    assert server.local is not None
    page.goto(f"{address}/learning")
    expect(page.get_by_role("heading", level=1)).to_have_text("Learning")
    server.local.stop()
    expect(page.locator(".banner")).to_contain_text("cannot be read")
    expect(page.get_by_role("heading", name="The store cannot be reached")).to_be_visible()
    page.goto(f"{address}/query?q={quote('RETURN 1 AS one')}")
    expect(page.get_by_role("heading", name="The store cannot be reached")).to_be_visible()
    server.local.start(attached=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("Query")
    expect(page.locator(".banner")).to_have_count(0)
    expect(page.locator("#q-summary")).to_contain_text("1 row in")
    page.goto(f"{address}/learning")
    expect(page.get_by_role("heading", level=1)).to_have_text("Learning")
