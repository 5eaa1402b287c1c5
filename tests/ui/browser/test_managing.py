"""Layers are renamed, refreshed and deleted on the layers page, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from explorer.service import learn
from explorer.store.opening import open_store
from tests.ui.browser.seen import opened, serious

pytestmark = pytest.mark.browser


def _layers(path: Path) -> dict[str, bool]:
    return {info.name: info.stale for info in open_store(path, mode="read").layers("small")}


def _do(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("dialog").wait_for()


def _done(page: Page) -> None:
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.ci
def test_a_stale_layer_is_refreshed_renamed_and_deleted(page: Page, own: str, own_store: Path) -> None:
    store = open_store(own_store, mode="write")
    learn(store, "small", name="first", parts=("base",))
    learn(store, "small", name="second", parts=("domain",), base="first")
    learn(store, "small", name="first", parts=("domain",))
    store.close()
    assert _layers(own_store)["second"]
    opened(page, f"{own}/?dataset=small&layer=second")
    expect(page.locator(".stale-line")).to_contain_text("its base 'first' has changed")
    opened(page, f"{own}/layers?dataset=small")
    expect(page.locator(".chip-stale:visible").first).to_contain_text("stale")
    _do(page, "Refresh: second")
    expect(page.get_by_role("dialog")).to_contain_text("second: its base 'first' has changed.")
    assert not serious(page)
    page.get_by_role("dialog").get_by_role("button", name="Refresh").click()
    expect(page.locator("#m-outcome")).to_contain_text("Refreshed: second.")
    assert not _layers(own_store)["second"]
    _done(page)
    _do(page, "Rename: first")
    page.get_by_label("New name").fill("primary")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.locator("#m-outcome")).to_contain_text("Layer 'first' is now called 'primary'.")
    _done(page)
    _do(page, "Delete: primary")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 layer depends on it")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#m-outcome")).to_contain_text("'second' was fine-tuned from layer 'primary'")
    assert "primary" in _layers(own_store)
    dialog.get_by_label("Delete these layers too").check()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#m-outcome")).to_contain_text("Deleted: second, primary.")
    assert not {"primary", "second"} & set(_layers(own_store))
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_role("dialog")).to_have_count(0)  # it would lie over another page
