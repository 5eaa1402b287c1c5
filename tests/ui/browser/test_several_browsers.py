"""Several browsers at once: none sees what another has chosen, typed or asked; all see what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.ui.browser.seen import at_rest, drawn, has_state, opened

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def other(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """Another browser: it shares nothing with the first, not even what is kept in the browser."""
    context = browser.new_context(**browser_context_args)
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


@pytest.mark.long
def test_the_graph_page(page: Page, other: Page, small: str) -> None:
    opened(page, f"{small}/graph")
    drawn(page, "cy")
    page.evaluate("(document.getElementById('cy')._cyreg.cy.getElementById('s:b05').emit('tap'), 0)")
    has_state(page, "skill", "b05")
    opened(other, f"{small}/graph?layer=tuned")
    drawn(other, "cy")
    assert other.evaluate("document.getElementById('cy')._cyreg.cy.nodes('.focus').length") == 0
    has_state(other, "skill", None)
    other.evaluate("(document.getElementById('cy')._cyreg.cy.getElementById('s:b07').emit('tap'), 0)")
    has_state(other, "skill", "b07")
    has_state(page, "skill", "b05")
    expect(page.get_by_role("complementary").get_by_role("heading", level=2)).to_have_text("skill b05")


@pytest.mark.long
def test_the_learning_page(page: Page, other: Page, small: str) -> None:
    opened(page, f"{small}/learning?tab=what-if&c=3&R=1&learner=one")
    expect(page.locator("#l-expect .stat-value").first).to_have_text("33.5 %")
    opened(other, f"{small}/learning?tab=what-if&c=5&R=2.4&learner=one")
    expect(other.locator("#l-expect .stat-value").first).to_have_text("18.2 %")
    page.get_by_role("slider", name="Texts per skill, R").focus()
    page.keyboard.press("ArrowRight")
    has_state(page, "R", "1.05")
    has_state(other, "R", "2.4")
    expect(other.locator("#l-expect .stat-value").first).to_have_text("18.2 %")


@pytest.mark.long
def test_the_query_page(page: Page, other: Page, small: str) -> None:
    first, second = "MATCH (s:Skill) RETURN s.id AS id LIMIT 4", "MATCH (l:Layer) RETURN l.name AS name"
    opened(page, f"{small}/query?q={quote(first)}")
    expect(page.locator("#q-summary")).to_contain_text("4 rows in")
    opened(other, f"{small}/query?q={quote(second)}")
    expect(other.locator("#q-summary")).to_contain_text("2 rows in")
    expect(other.locator("#q-past button")).to_have_count(1)
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#q-summary")).to_contain_text("4 rows in")
    expect(page.locator("#q-past")).not_to_contain_text("Layer")
    expect(other.locator("#q-summary")).to_contain_text("2 rows in")


@pytest.mark.long
def test_runs(page: Page, other: Page, own: str) -> None:
    page.goto(f"{own}/runs?run=learn&name=held-up&learner=capacity:0.5")
    hold(page)
    page.get_by_role("button", name="Learn", exact=True).click()
    opened(other, f"{own}/runs?run=learn&name=by-the-second")
    expect(other.get_by_label("Name of the new layer")).to_have_value("by-the-second")
    expect(other.locator("#runs-progress")).to_be_hidden()
    page.unroute("**/_dash-update-component")
    expect(page.locator(".run-done")).to_contain_text("held-up: ")
    # The second browser keeps what it typed, and hears nothing of a run that is not its own.
    expect(other.get_by_label("Name of the new layer")).to_have_value("by-the-second")
    expect(other.locator(".run-done")).to_have_count(0)
    other.get_by_role("button", name="Learn", exact=True).click()
    expect(other.locator(".run-done")).to_contain_text("by-the-second: ")
    page.goto(own)
    expect(page.get_by_role("link", name="by-the-second", exact=True)).to_be_visible()


@pytest.mark.long
def test_the_compression_page(page: Page, other: Page, small: str) -> None:
    opened(page, f"{small}/compression?text=f003")
    opened(other, f"{small}/compression?text=h0&model=uniform")
    expect(other.locator("#z-code")).to_contain_text("sends the whole text")
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value("text f003")
    page.get_by_role("textbox", name="Skills are coded").click()
    page.get_by_role("option", name="all skills alike").click()
    has_state(page, "model", "uniform")
    has_state(page, "text", "f003")
    expect(other.get_by_role("textbox", name="Text", exact=True)).to_have_value("text h0")


def hold(page: Page) -> None:
    """Keep the page from hearing of the end of its run."""
    page.route(
        "**/_dash-update-component",
        lambda route: None if '["runs-pulse.data"]' in (route.request.post_data or "") else route.continue_(),
    )


def test_a_run_is_told_on_a_page_that_was_made_anew_before_the_server_had_answered(page: Page, own: str) -> None:
    page.goto(f"{own}/runs?run=learn&name=told-anew")
    at_rest(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        body = route.request.post_data or ""
        first = not held and "runs-result" in body and "told-anew" in body
        held.append(route) if first else route.fallback()

    page.route("**/_dash-update-component*", hold)
    page.locator("#runs-go").click()
    while not held:
        page.wait_for_event("request")
    answer = held[0].fetch()  # the run goes on; its answer is on the way
    page.evaluate("dash_clientside.set_props('store-version', { data: 'another' })")
    told = page.locator("#runs-result")
    expect(told).to_contain_text("told-anew: ")
    held[0].fulfill(response=answer)
    page.unroute("**/_dash-update-component*", hold)
    at_rest(page)
    expect(told).to_contain_text("told-anew: ")


@pytest.mark.long
def test_a_run_that_ended_while_one_was_away_is_told_on_return(page: Page, own: str) -> None:
    page.goto(f"{own}/runs?run=learn&name=told-later")
    expect(page.get_by_label("Name of the new layer")).to_have_value("told-later")
    hold(page)
    page.get_by_role("button", name="Learn", exact=True).click()
    at_rest(page)
    page.goto(f"{own}/classes")
    page.unroute("**/_dash-update-component")
    page.goto(f"{own}/runs?run=percolate&replicates=7")
    expect(page.locator(".run-done")).to_contain_text("told-later: ")
    expect(page.get_by_label("Random orders")).to_have_value("7")
