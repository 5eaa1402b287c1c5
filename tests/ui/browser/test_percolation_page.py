"""The percolation page in a real Chromium."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.seen import at_rest, drawn, has_state, on_canvas, opened, plotted, serious, until

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_the_giant_component_forms_and_is_undone_by_its_hubs(page: Page, small: str) -> None:
    opened(page, f"{small}/percolation?phi=60")
    drawn(page, "r-cy")
    until(page, "r-cy", "cy.nodes('.giant').length > 0")
    at_random = on_canvas(page, "r-cy", "cy.nodes('.giant').length")
    assert on_canvas(page, "r-cy", "cy.edges('.giant').every(e => e.connectedNodes('.giant').length === 2)")
    page.locator("label", has_text="most used removed first").click()
    has_state(page, "order", "hubs")
    until(page, "r-cy", f"cy.nodes('.giant').length !== {at_random}")
    expect(page.locator("#r-kept")).to_have_text("40 % of the skills, the most used, left out")
    assert on_canvas(page, "r-cy", "cy.nodes('.second').every(n => n.style('shape') === 'diamond')")
    uses = "(which) => cy.nodes('[row]').filter(which).map(n => n.data('uses'))"
    kept = on_canvas(page, "r-cy", f"({uses})(n => !n.hasClass('ghost'))")
    assert max(kept) <= min(on_canvas(page, "r-cy", f"({uses})('.ghost')"))


@pytest.mark.long
def test_its_address_restores_the_view(page: Page, small: str) -> None:
    opened(page, f"{small}/percolation?phi=70&order=hubs&of=kept")
    drawn(page, "r-cy")
    plotted(page, "r-giant")
    expect(page.get_by_role("slider", name=re.compile("Share of skills kept"))).to_have_attribute("aria-valuenow", "70")
    expect(page.get_by_role("radio", name="most used removed first")).to_be_checked()
    expect(page.locator("#r-giant .ytitle")).to_have_text("share of the kept")
    page.get_by_text("of all skills", exact=True).click()
    has_state(page, "of", None)
    expect(page.locator("#r-giant .ytitle")).to_have_text("share of all skills")


@pytest.mark.long
def test_curves_their_buttons_and_their_tables(page: Page, small: str) -> None:
    opened(page, f"{small}/percolation")
    plotted(page, "r-giant")
    names = page.evaluate("document.querySelector('#r-giant .js-plotly-plot').data.map(t => t.name)")
    assert {"at random", "at random, degrees", "most used go first", "learned, exact", "learned skills"} <= set(names)
    icons = page.locator("#r-giant .modebar-btn svg")
    expect(icons.first).to_be_attached()
    grounds = icons.evaluate_all("all => all.map(icon => getComputedStyle(icon).backgroundColor)")
    assert set(grounds) == {"rgba(0, 0, 0, 0)"}, "the icons are boxes"
    expect(page.locator("#r-removal .ag-row").first).to_be_visible()
    page.get_by_text("These curves as a table").click()
    expect(page.locator("#r-sweep .ag-row").first).to_be_visible()
    at_rest(page)
    assert not serious(page)
