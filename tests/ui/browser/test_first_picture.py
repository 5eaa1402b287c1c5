"""A layer whose communities take seconds: a picture at once, and theirs once they are there, in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser import seen
from ui.pages.graph import pictures

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_communities_follow_by_themselves(
    page: Page, serve: Any, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "WAITED_FOR", 1)
    address = serve(store_path)
    captions: list[str] = []
    page.expose_function("said", lambda text: captions.append(text))  # noqa: PLW0108 -- a built-in one is refused
    page.add_init_script(
        """new MutationObserver(() => {
          const text = document.getElementById("g-caption")?.innerText;
          if (text && text !== window.lastSaid) { window.lastSaid = text; window.said(text); }
        }).observe(document, { subtree: true, childList: true, characterData: true });"""
    )
    page.goto(f"{address}/graph?dataset=small&layer=tuned&view=groups")
    expect(page.locator("#g-caption")).to_contain_text("communities. A disc has the room that its skills need")
    seen.until(page, "cy", "cy && cy.nodes('.group').length > 1 && !cy.nodes('.mark').length")
    assert captions[0].startswith("The communities of ")
    assert "follows by itself" in captions[0]
    assert len(captions) == 2
    expect(page.locator("#g-legend-box")).to_contain_text("Community")


@pytest.mark.long
def test_another_view_than_the_one_awaited(
    page: Page, serve: Any, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who goes on meanwhile sees what they asked for."""
    monkeypatch.setattr(pictures, "WAITED_FOR", 1)
    page.goto(f"{serve(store_path)}/graph?dataset=small&layer=tuned&view=groups")
    seen.until(page, "cy", "cy && cy.nodes().length")
    page.locator("#g-view").get_by_text("Texts", exact=True).click()
    seen.until(page, "cy", "cy && cy.nodes('.text').length && !cy.nodes('.mark').length")
    page.locator("#g-view").get_by_text("Skills", exact=True).click()
    seen.until(page, "cy", "cy && cy.nodes('.island').length")
    expect(page.locator("#g-caption")).to_contain_text("Islands are communities")
