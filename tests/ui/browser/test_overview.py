"""The overview in a real Chromium: runs are started, followed and cancelled from the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect

from explorer.store.opening import open_store
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, Layer, LayerInfo
from explorer.store.records import with_missing
from tests.ui.browser.seen import at_rest, moved, opened, plain, serious
from tests.ui.browser.test_browser import PAGES
from tests.ui.conftest import small_dataset
from tests.ui.walk import PATHS

pytestmark = pytest.mark.browser


def layers(path: Path) -> list[str]:
    return [info.name for info in open_store(path, mode="read").layers("small")]


def choose(page: Page, field: str, option: str) -> None:
    page.get_by_role("textbox", name=field).click(force=True)  # a field of several choices lies over its text
    page.get_by_role("option", name=option).click()


@pytest.mark.long
def test_a_layer_is_learned_and_linked_from_the_page(page: Page, own: str, own_store: Path) -> None:
    opened(page, own)
    page.get_by_role("link", name="New run").click()
    page.wait_for_url("**/runs?*")
    page.get_by_label("Name of the new layer").fill("mine")
    choose(page, "Fine-tune from", "foundation")
    choose(page, "Texts of these parts", "domain")
    page.keyboard.press("Escape")
    choose(page, "How to train on the base", "Frozen")
    expect(page.locator("#runs-command")).to_have_text(
        "skillgraph learn mine --part domain --base foundation --mode frozen --dataset small"
    )
    page.get_by_role("button", name="Learn", exact=True).click()
    done = page.locator(".run-done")
    expect(done).to_contain_text("mine: ")
    store = open_store(own_store, mode="read")
    info = next(found for found in store.layers("small") if found.name == "mine")
    assert (info.base, info.mode, info.parts) == ("foundation", "frozen", ("domain",))
    expect(done).to_contain_text(f"{info.learned:,} of {info.skills:,} skills learned")
    done.get_by_role("link", name="link its skills").click()
    expect(page.get_by_role("textbox", name="Layer", exact=True).last).to_have_value("mine")
    page.get_by_role("button", name="Link", exact=True).click()
    expect(done).to_contain_text("association")
    n = store.read_associations("small", "mine").num_rows
    assert n > 0
    expect(done).to_contain_text(f"mine: {n:,} association")
    done.get_by_role("link", name="overview").click()
    expect(page.locator("tr", has_text="mine").locator("td").nth(4)).to_have_text(f"{n:,}")


@pytest.mark.long
def test_a_run_is_in_the_address_accessible_and_fits(page: Page, own: str) -> None:
    page.set_viewport_size({"width": 820, "height": 1100})  # a tablet
    opened(page, f"{own}/runs?run=learn&name=from-link&learner=d:3&base=tuned&mode=joint&known_class=%5B%22alpha%22%5D")
    expect(page.get_by_label("Name of the new layer")).to_have_value("from-link")
    expect(page.get_by_role("textbox", name="Fine-tune from")).to_have_value("tuned")
    expect(page.get_by_role("textbox", name="How to train")).to_have_value(re.compile("Joint"))
    expect(page.locator(".mantine-Pill-root")).to_have_text("alpha")
    expect(page.locator("#runs-command")).to_contain_text("--learner d:3")
    for scheme in ("light", "dark"):
        page.wait_for_function("scheme => document.documentElement.dataset.scheme === scheme", arg=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert not serious(page, in_dark=scheme == "dark"), scheme
        page.get_by_role("button", name="Light or dark").click()


@pytest.mark.long
def test_a_run_shows_how_far_it_is_and_is_cancelled(page: Page, own: str, own_store: Path) -> None:
    before = own_store.read_bytes()
    opened(page, f"{own}/runs?run=percolate&replicates=100000000")
    page.get_by_role("button", name="Percolate", exact=True).click()
    progress = page.locator("#runs-progress")
    expect(progress).to_contain_text("keeping skills at random")
    expect(progress.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "62.5")
    page.reload()  # the run goes on, and the page finds it again
    expect(progress).to_contain_text("keeping skills at random")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".run-cancelled")).to_have_text("Cancelled: the store is unchanged.")
    expect(progress).to_be_hidden()
    assert own_store.read_bytes() == before


@pytest.mark.ci
def test_what_is_wrong_with_a_run_is_a_sentence(page: Page, own: str, own_store: Path) -> None:
    opened(page, f"{own}/runs?run=learn&name=foundation")
    go = page.get_by_role("button", name="Learn", exact=True)
    go.click()
    expect(page.locator(".run-failed:visible")).to_contain_text("has a layer 'foundation' already")
    page.get_by_label("Name of the new layer").fill(" ")
    expect(page.locator("#runs-command")).to_contain_text("nothing is filled in")
    expect(go).to_be_disabled()
    writer = open_store(own_store, mode="write")
    page.get_by_label("Name of the new layer").fill("blocked")
    expect(go).to_be_enabled()
    go.click()
    expect(page.locator(".run-failed:visible")).to_contain_text("is being written by")
    writer.close()
    assert "blocked" not in layers(own_store)


@pytest.mark.long
def test_a_first_layer_is_learned_without_the_command_line(page: Page, serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "fresh.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.close()
    page.goto(serve(path))
    page.get_by_role("link", name="Learn a first layer").click()
    choose(page, "Classes of skills treated as known", "alpha")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Learn", exact=True).click()
    page.locator(".run-done").get_by_role("link", name="overview").click()
    expect(page.locator(".stat-value.measured").first).to_have_text(re.compile(r"\d"))
    assert layers(path) == ["foundation"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        *(
            pytest.param(path, marks=pytest.mark.long)
            for path in ("/learning", "/learning?tab=texts", "/learning?tab=what-if", "/compression")
        ),
    ],
)
def test_a_layer_from_outcomes_has_its_own_words(page: Page, outcomes: str, path: str) -> None:
    opened(page, outcomes + path)
    if path == "/":
        expect(page.locator(".stat-value.measured")).to_have_text("60.0 %")
        expect(page.locator(".stat", has_text="Nearly certain").locator(".stat-value")).to_have_text("50.0 %")
    elif path in ("/learning", "/learning?tab=texts"):
        expect(page.get_by_role("heading", name="This layer was not learned from texts")).to_be_visible()
    else:
        figures = page.locator(".figure:visible")
        expect(figures.first.locator(".js-plotly-plot").first).to_be_visible()
    at_rest(page)
    expect(page.locator("#notice")).to_be_empty()


@pytest.fixture(scope="module")
def outcomes(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store whose only layer was estimated from what a model solved."""
    path = tmp_path_factory.mktemp("outcomes") / "outcomes.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    skills = [f"b{i:02d}" for i in range(12)]
    table = pa.table(
        {
            "skill": skills,
            "wave": [1] * 12,
            "by": [None] * 12,
            "component": [None] * 12,
            "mastery": [0.99, 0.8] * 6,
        }
    )
    table = with_missing(table, LAYER_SKILLS_SCHEMA)
    info = LayerInfo("small", "a model", "evidence", "dina", texts=40, skills=20, learned=12, waves=1)
    store.write_layer(Layer(info, table))
    store.close()
    return serve(path)


TABS = ("/learning?tab=texts", "/learning?tab=what-if")


# At the other pages of the small store test_browser.py looks.
@pytest.mark.long
@pytest.mark.parametrize(
    ("store", "paths", "least"),
    [("small", (*(path for path in PATHS if path not in PAGES), *TABS), 0), ("course", (*PATHS, *TABS), 5)],
    ids=["small", "course"],
)
def test_no_word_of_the_program_is_shown_and_every_share_in_a_headline_says_of_how_many(
    page: Page, request: pytest.FixtureRequest, store: str, paths: tuple[str, ...], least: int
) -> None:
    address = request.getfixturevalue(store)
    opened(page, f"{address}/none")
    at_rest(page)
    shares = 0
    for path in paths:
        moved(page, path)
        shares += plain(page)
    assert shares >= least
