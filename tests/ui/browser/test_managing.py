"""Layers are renamed, refreshed and deleted on the layers page, in a real Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from explorer.service import learn
from explorer.store.opening import open_store
from tests.ui.browser.seen import serious

pytestmark = pytest.mark.browser


@pytest.fixture
def own(serve: Any, store_path: Path, tmp_path: Path) -> tuple[str, Path]:
    path = Path(shutil.copy(store_path, tmp_path / "own.kgl"))
    store = open_store(path, mode="write")
    learn(store, "small", name="first", parts=("base",))
    learn(store, "small", name="second", parts=("domain",), base="first")
    learn(store, "small", name="first", parts=("domain",))
    store.close()
    return serve(path), path


def _layers(path: Path) -> dict[str, bool]:
    return {info.name: info.stale for info in open_store(path, mode="read").layers("small")}


def _do(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("dialog").wait_for()


def _done(page: Page) -> None:
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_stale_layer_is_refreshed_renamed_and_deleted(page: Page, own: tuple[str, Path]) -> None:
    url, path = own
    assert _layers(path)["second"]
    page.goto(f"{url}/?dataset=small&layer=second")
    expect(page.locator(".stale-line")).to_contain_text("its base 'first' has changed")
    page.goto(f"{url}/layers?dataset=small")
    expect(page.locator(".chip-stale").first).to_be_visible()
    _do(page, "Refresh: second")
    expect(page.get_by_role("dialog")).to_contain_text("second: its base 'first' has changed.")
    assert not serious(page)
    page.get_by_role("dialog").get_by_role("button", name="Refresh").click()
    expect(page.locator("#m-outcome")).to_contain_text("Refreshed: second.")
    assert not _layers(path)["second"]
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
    assert "primary" in _layers(path)
    dialog.get_by_label("Delete these layers too").check()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#m-outcome")).to_contain_text("Deleted: second, primary.")
    assert not {"primary", "second"} & set(_layers(path))
