"""What people come for, from beginning to end, on the outcomes of real models; one task by the keyboard alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from explorer.store.opening import open_store
from tests.evidence.families import cruxeval
from tests.ui.browser.seen import at_rest, opened_alone

pytestmark = [pytest.mark.browser, pytest.mark.shared_data, pytest.mark.long]


@pytest.fixture(scope="module")
def outcomes(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The explorer on outcomes of 29 models, with no layer yet."""
    path = tmp_path_factory.mktemp("tasks") / "outcomes.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(cruxeval())
    store.close()
    return serve(path)


def tab_to(page: Page, name: str, role: str, most: int = 90) -> None:
    """Press Tab until an element of that role and name has the focus."""
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    wanted.first.wait_for()
    for _ in range(most):
        if wanted.evaluate_all("all => all.some(one => one === document.activeElement)"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never comes to the {role} {name!r}")


def test_a_family_is_estimated_by_keyboard_alone_and_two_of_its_models_are_compared(
    page: Page, outcomes: str, tmp_path: Path, watched: list[str]
) -> None:
    """From outcomes to reports that a colleague opens: estimate a family, compare all of it, then two of its models."""
    page.goto(f"{outcomes}/family")
    at_rest(page)
    tab_to(page, "Estimate a base and its children", "link")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs?run=evidence*")
    at_rest(page)
    tab_to(page, "A base model with all its children", "textbox")
    page.keyboard.press("Enter")
    page.keyboard.type("codellama-7b")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#runs-command")).to_contain_text("--family codellama-7b")
    tab_to(page, "Judge on held-out outcomes", "checkbox")
    page.keyboard.press("Space")
    expect(page.locator("#runs-command")).to_contain_text("--no-judge")
    tab_to(page, "Estimate", "button")
    page.keyboard.press("Enter")
    expect(page.locator("#runs-result")).to_contain_text("evidence layers stored")
    tab_to(page, "all models side by side", "link")
    page.keyboard.press("Enter")
    page.wait_for_url("**/family?*")
    expect(page.locator("#f-result")).to_contain_text("skills in the matrix")
    expect(page.locator("#f-panels .annotation")).to_have_count(1)  # a base has no change, so the child alone
    tab_to(page, "Report (HTML)", "button")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    sent = tmp_path / "family.html"
    download.value.save_as(sent)
    opened_alone(page, sent)
    expect(page.locator("body")).to_contain_text("codellama-python-7b")
    assert not re.search(r"(?:src|href)=\"https?:", sent.read_text())
    page.context.set_offline(False)

    page.goto(f"{outcomes}/layers?first=codellama-7b&second=codellama-python-7b")
    at_rest(page)
    counted = page.locator(".stat", has_text="Lost").locator(".stat-value").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (HTML)").click()
    sent = tmp_path / "pair.html"
    download.value.save_as(sent)
    page.goto(sent.as_uri())
    expect(page.get_by_role("heading", level=1)).to_contain_text("codellama-python-7b")
    expect(page.locator("body")).to_contain_text(f"{counted} lost")
    watched[:] = [line for line in watched if "file://" not in line]
