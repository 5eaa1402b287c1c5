"""The pages on a tablet held upright, in a real Chromium."""

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.seen import at_rest, drawn, opened

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 820, 1180


@pytest.mark.long
@pytest.mark.parametrize(("path", "canvas"), [("learning", "l-cy"), ("percolation", "r-cy")])
def test_graphs_beside_curves_stand_above_them(page: Page, small: str, path: str, canvas: str) -> None:
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    opened(page, f"{small}/{path}")
    drawn(page, canvas)
    at_rest(page)
    stage = page.locator(".learn-body .graph-stage").bounding_box()
    side = page.locator(".learn-body .side").bounding_box()
    assert stage is not None
    assert side is not None
    assert stage["width"] > 0.8 * WIDTH
    assert abs(stage["height"] - 0.55 * HEIGHT) < 2
    assert side["y"] > stage["y"] + stage["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.ci
def test_the_rail_names_its_pages(page: Page, small: str) -> None:
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    opened(page, f"{small}/layers")
    names = page.locator(".nav-link .mantine-NavLink-label")
    expect(names.first).to_be_visible()
    at_rest(page)
    assert "Percolation" in names.all_inner_texts()
    assert names.evaluate_all(
        "all => all.every(name => name.checkVisibility() && name.scrollWidth <= name.clientWidth)"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
