"""Every page in a real Chromium: with data and without, its main action, and its state in the address."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from explorer.service import learn
from explorer.store.opening import open_store
from tests.ui.browser import seen
from tests.ui.browser.seen import (
    at_rest,
    has_state,
    mark_option,
    no_figure_sends_its_data_away,
    opened,
    plain,
    plotted,
    serious,
)
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.browser

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


def _some_short(paths: Iterable[str], *short: str) -> list[Any]:
    """The pages on which a check is made by the README's test command, and the others, which are `long`."""
    return [pytest.param(path, marks=() if path in short else pytest.mark.long) for path in paths]


_SLOW_WITH_DATA = ("/learning", "/percolation", "/compression")
WITH_SHARES = ("/", "/layers", "/compression")
OPEN_TO_EVERYBODY = ("/", "/learning")  # looked at where they are; the others in a test of their own
WITH_FIGURES = ("/", "/learning", "/percolation", "/layers", "/classes")  # and /graph on its map


def drawn(page: Page, name: str = "cy") -> None:
    seen.drawn(page, name)


def on_graph(page: Page, script: str, name: str = "cy") -> Any:
    return seen.on_canvas(page, name, script)


def until(page: Page, script: str, name: str = "cy") -> None:
    seen.until(page, name, f"cy && ({script})")


def state(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=pytest.mark.long if path in _SLOW_WITH_DATA else ()) for path in PAGES]
)
def test_page_with_data(page: Page, small: str, path: str) -> None:
    opened(page, small + path)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    expect(page.locator(".meaning")).not_to_be_empty()
    at_rest(page)
    expect(page.locator("#notice")).to_be_empty()
    expect(page.locator("#banner")).to_be_empty()
    expect(page.locator(".ag-overlay:visible", has_text="Being computed")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert plain(page) >= (path in WITH_SHARES)
    if path in WITH_FIGURES:
        no_figure_sends_its_data_away(page)
    if path in OPEN_TO_EVERYBODY:
        assert not serious(page)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/graph", marks=pytest.mark.ci),
        *(
            pytest.param(path, marks=pytest.mark.long)
            for path in ("/percolation", "/layers", "/classes", "/compression", "/query")
        ),
    ],
)
def test_page_is_open_to_everybody(page: Page, small: str, path: str) -> None:
    opened(page, small + path)
    if path in WITH_FIGURES:
        no_figure_sends_its_data_away(page)
    assert not serious(page)


@pytest.mark.parametrize("path", _some_short(PAGES, "/"))
def test_page_in_dark(page: Page, small: str, path: str) -> None:
    opened(page, small + path)
    at_rest(page)
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
    assert not serious(page, in_dark=True)


@pytest.mark.parametrize("path", _some_short(PAGES, "/", "/query"))
def test_page_without_data(page: Page, nothing: str, path: str) -> None:
    opened(page, nothing + path)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    if path != "/query":
        expect(page.locator(".command")).to_have_text("skillgraph demo")
    at_rest(page)
    expect(page.locator("#notice")).to_be_empty()


@pytest.mark.long
def test_overview_lays_prediction_beside_measurement(page: Page, small: str) -> None:
    opened(page, small)
    plotted(page, "o-emergence")
    row = page.locator("#o-beside tr", has_text="Learned").first
    assert re.fullmatch(r"\d+\.\d %", row.locator("td.number").first.inner_text())
    expect(page.locator(".stat-value.measured").first).to_have_text(row.locator("td.number").first.inner_text())
    page.get_by_role("link", name="compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Layers")
    assert state(page)["second"] == "tuned"


@pytest.mark.long
def test_navigation_keeps_the_layer_and_back_returns(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?dataset=small&layer=tuned")
    drawn(page)
    page.get_by_role("link", name="Learning").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Learning")
    assert state(page)["layer"] == "tuned"
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Association graph")
    assert state(page)["layer"] == "tuned"


@pytest.mark.long
def test_another_layer_is_another_address(page: Page, small: str) -> None:
    opened(page, f"{small}/graph")
    drawn(page)
    before = on_graph(page, "cy.nodes('[id ^= \"s:\"]').length")
    page.get_by_role("textbox", name="Layer").click()
    page.get_by_role("option", name="tuned").click()
    has_state(page, "layer", "tuned")
    until(page, f"cy.nodes('[id ^= \"s:\"]').length > {before}")


@pytest.mark.long
def test_another_layer_keeps_the_view(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=foundation&view=neighbours&skill=b05&colour=wave&hide=1")
    drawn(page)
    page.get_by_role("textbox", name="Layer").click()
    page.get_by_role("option", name="tuned").click()
    has_state(page, "layer", "tuned")
    expect(page.locator("#subject")).to_have_attribute("data-layer", "tuned")
    expect(page.locator(".legend-title")).to_have_text("Wave")
    has_state(page, "hide", None)
    kept = {"view": "neighbours", "skill": "b05", "colour": "wave", "layer": "tuned"}
    assert state(page) | kept == state(page)
    expect(page.get_by_role("complementary").get_by_role("heading", level=2)).to_have_text("skill b05")


@pytest.mark.long
def test_the_picture_fills_its_stage_and_the_legend_covers_nothing_of_it(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned")
    fills = """(box => Math.max(box.w / cy.width(), box.h / cy.height()) > 0.85 && box.x1 >= 0 && box.y1 >= 0
      && box.x2 <= cy.width() && box.y2 <= cy.height())(cy.nodes().renderedBoundingBox({ includeLabels: false }))"""
    for view in ("Skills", "Groups"):
        page.locator("#g-view").get_by_text(view, exact=True).click()
        until(page, f"{fills} && cy.nodes('.group').nonempty() === {str(view == 'Groups').lower()}")
        stage, legend = (page.locator(name).bounding_box() for name in ("#g-stage", "#g-legend-box"))
        assert legend["x"] >= stage["x"] + stage["width"]
        assert legend["height"] < 0.5 * stage["height"]
    on_graph(
        page,
        "(cy.nodes().positions((node, i) => ({ x: 100 * Math.cos(i), y: 60 * Math.sin(i) })),"
        " cy.nodes().filter((_, i) => i > 3).remove(), true)",
    )
    page.get_by_role("button", name="Show all").click()
    until(
        page,
        "(box => Math.abs(box.x1 + box.x2 - cy.width()) < 8)(cy.nodes().renderedBoundingBox({ includeLabels: false }))",
    )


@pytest.mark.long
def test_graph_exports_legend_search_and_tap(page: Page, small: str) -> None:
    opened(page, f"{small}/graph")
    drawn(page)
    page.get_by_label("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Associations (CSV)").click()
    assert Path(download.value.path()).read_text().startswith("source,target,")
    page.get_by_label("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Drawing (SVG)").click()
    assert "<svg" in Path(download.value.path()).read_text()

    entry = page.locator(".legend-item").first
    count = int(entry.locator(".count").inner_text())
    entry.click()
    until(page, f"cy.nodes('.off').length === {count}")
    assert entry.get_attribute("aria-pressed") == "false", "the legend hides a class"
    entry.click()
    until(page, "cy.nodes('.off').length === 0")

    mark_option(page, page.get_by_role("textbox", name="Find a skill"), "skill b07", options=1)
    page.keyboard.press("Enter")
    has_state(page, "skill", "b07")
    until(page, "cy.nodes('.focus').length === 1 && cy.nodes('.focus')[0].id() === 's:b07'")

    on_graph(page, "(cy.getElementById('s:b05').emit('tap'), true)")
    inspector = page.get_by_role("complementary")
    expect(inspector.get_by_role("heading", level=2)).to_have_text("skill b05")
    expect(inspector.get_by_text("Taught by")).to_be_visible()
    has_state(page, "skill", "b05")
    until(page, "cy.nodes('.focus').length === 1 && cy.nodes().some(n => cy.veiled(n))")
    inspector.locator("button.item").first.click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('skill') !== 'b05'")


@pytest.mark.long
def test_graph_state_restores(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned&view=communities&colour=wave&open=0&skill=b05")
    drawn(page)
    expect(page.locator(".legend-title")).to_have_text("Wave")
    until(page, "cy.nodes('.group').length > 0 && cy.nodes('[id ^= \"s:\"]').length > 0")
    expect(page.get_by_role("complementary").get_by_role("heading", level=2)).to_have_text("skill b05")


@pytest.mark.long
def test_graph_communities_open_close_and_undo(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?view=communities")
    drawn(page)
    groups = on_graph(page, "cy.nodes('.group').length")
    on_graph(page, "(cy.getElementById('g:0').emit('tap'), true)")
    until(page, "cy.nodes('[id ^= \"s:\"]').length > 0")
    has_state(page, "open", "0")
    assert on_graph(page, "cy.nodes('.group').length") == groups - 1
    page.get_by_role("button", name="Undo the last step").click()
    until(page, f"cy.nodes('.group').length === {groups}")
    has_state(page, "open", None)


@pytest.mark.long
def test_graph_path_between_two_skills(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?skill=b05")
    drawn(page)
    page.get_by_role("textbox", name="Path to").fill("skill b20")
    page.get_by_role("option", name="skill b20").click()
    until(page, "cy.nodes('.path').length >= 2")
    ends = on_graph(page, "[cy.nodes('.path.focus')[0].id(), cy.nodes('.path').map(n => n.id())]")
    assert ends[0] == "s:b05"
    assert "s:b20" in ends[1]


@pytest.mark.long
def test_learning_plays_wave_by_wave(page: Page, small: str) -> None:
    opened(page, f"{small}/learning?wave=1")
    drawn(page, "l-cy")
    plotted(page, "l-curve")
    until(page, "cy.nodes('.frontier').length > 0", "l-cy")
    assert on_graph(page, "cy.nodes('.frontier').every(n => n.data('wave') === 1)", "l-cy")
    assert on_graph(page, "cy.nodes('.ghost').every(n => n.data('wave') > 1)", "l-cy")
    expect(page.locator("#l-wave-title")).to_contain_text("Wave 1")
    page.get_by_role("button", name="One wave on").click()
    has_state(page, "wave", "2")
    expect(page.locator("#l-wave-title")).to_contain_text("Wave 2")
    page.wait_for_function("() => document.querySelector('#l-curve .js-plotly-plot').layout.shapes[0].x0 === 2")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('wave') !== '2'")


def test_learning_what_if_follows_its_sliders(page: Page, small: str) -> None:
    opened(page, f"{small}/learning?tab=what-if&c=3&R=1&learner=one")
    plotted(page, "l-what-if")
    expected = page.locator("#l-expect .stat-value")
    expect(expected.first).to_have_text("33.5 %")  # 1 - q at c = 3, R = 1: docs/theory.md, section 8
    slider = page.get_by_role("slider", name="Texts per skill, R")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    has_state(page, "R", "1.1")
    expect(expected.first).to_have_text("93.2 %")


def test_percolation_forms_the_giant_component(page: Page, small: str) -> None:
    opened(page, f"{small}/percolation?phi=100")
    drawn(page, "r-cy")
    until(page, "cy.nodes('.giant').length > 0", "r-cy")
    most = on_graph(page, "cy.nodes('.giant').length", "r-cy")
    assert on_graph(page, "cy.nodes('.ghost').length", "r-cy") == 0
    page.get_by_role("slider", name=re.compile("Share of skills kept")).focus()
    for _ in range(3):
        page.keyboard.press("PageDown")
    page.keyboard.press("Home")
    has_state(page, "phi", "0")
    until(page, "cy.nodes('.giant').length === 0", "r-cy")
    assert most > 10
    plotted(page, "r-giant")


@pytest.mark.long
def test_layers_table_and_another_pair_which_keeps_the_view(page: Page, small: str) -> None:
    opened(page, f"{small}/layers?dataset=small&first=foundation&second=tuned&skill=b05")
    expect(page.locator(".ag-row").first).to_be_visible()
    gained = int(page.locator(".stat", has_text="Gained").locator(".stat-value").inner_text())
    assert gained > 0
    page.get_by_role("textbox", name="First layer").click()
    page.get_by_role("option", name="tuned").click()
    has_state(page, "first", "tuned")
    has_state(page, "skill", "b05")
    expect(page.locator(".stat", has_text="Gained").locator(".stat-value")).to_have_text("0")


@pytest.mark.long
def test_classes_heat_map_measure(page: Page, small: str) -> None:
    opened(page, f"{small}/classes?measure=mean")
    plotted(page, "c-heat")
    expect(page.get_by_role("radio", name="skills per text")).to_be_checked()
    page.get_by_text("learned share", exact=True).click()
    has_state(page, "measure", None)
    page.wait_for_function("() => document.querySelector('#c-heat .js-plotly-plot').data[0].zmax === 1")


@pytest.mark.long
def test_query_runs_and_shows_a_graph(page: Page, small: str) -> None:
    opened(page, f"{small}/query")
    expect(page.locator("#q-summary")).to_contain_text("rows in")
    page.get_by_role("button", name="Strongest associations").click()
    page.get_by_role("button", name="Run").click()
    drawn(page, "q-cy")
    assert on_graph(page, "cy.edges().length", "q-cy") > 0
    assert "ASSOCIATED_WITH" in state(page)["q"]


def test_query_address_runs_it_and_a_write_is_refused_with_a_sentence(page: Page, small: str) -> None:
    opened(page, f"{small}/query?q=MATCH%20(d%3ADataset)%20RETURN%20d.name%20AS%20name")
    expect(page.locator(".ag-row")).to_contain_text("small")
    page.get_by_role("textbox", name="Cypher query").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("CREATE (n:Skill) RETURN n")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.locator(".query-error")).to_be_visible()


def test_names_are_text_never_html(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?skill=b00")
    drawn(page)
    expect(page.get_by_role("complementary").get_by_role("heading", level=2)).to_have_text(HOSTILE)
    on_graph(page, "(cy.getElementById('s:b00').emit('mouseover'), true)")
    expect(page.locator("#graph-tip .tip-name")).to_have_text(HOSTILE)
    opened(page, f"{small}/layers")
    expect(page.locator(".ag-row").first).to_be_visible()
    opened(page, f"{small}/classes")
    plotted(page, "c-share")
    opened(page, f"{small}/query?q=MATCH%20(s%3ASkill%20%7Bid%3A%22b00%22%7D)%20RETURN%20s.name%20AS%20name")
    expect(page.locator(".ag-row")).to_contain_text(HOSTILE)
    assert page.locator("#page img, #page script").count() == 0


@pytest.mark.parametrize(
    "path",
    _some_short(
        ["/?dataset=nowhere", "/graph?layer=nowhere", "/learning?wave=x&tab=odd", "/none"], "/?dataset=nowhere", "/none"
    ),
)
def test_addresses_that_name_nothing(page: Page, small: str, path: str) -> None:
    opened(page, small + path)
    expect(page.locator(".page, .empty").first).to_be_visible()
    if "nowhere" in path:
        expect(page.locator(".notice")).to_contain_text("'nowhere'")


@pytest.mark.long
def test_a_skill_that_is_not_there_is_said(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?skill=nosuch")
    expect(page.locator(".notice")).to_contain_text("has no skill 'nosuch'")
    has_state(page, "skill", None)


@pytest.mark.long
def test_a_slash_at_the_end_leads_to_the_same_page(page: Page, small: str) -> None:
    opened(page, f"{small}/graph/?layer=tuned")
    expect(page.get_by_role("heading", level=1)).to_have_text("Association graph")
    expect(page.locator("#subject")).to_have_attribute("data-layer", "tuned")
    expect(page.locator("a.nav-link[data-active]")).to_have_text("Graph")


@pytest.mark.long
@pytest.mark.parametrize("view", ["skills", "map"])
def test_filters_that_keep_nothing_say_so_and_are_cleared(page: Page, small: str, view: str) -> None:
    opened(page, f"{small}/graph?view={view}&weight=99")
    told = page.locator("#g-nothing")
    expect(told).to_contain_text("The filters leave out every skill.")
    expect(page.locator("#g-legend-box")).to_be_hidden()
    told.get_by_role("button", name="Clear filters").click()
    expect(told).to_be_hidden()
    has_state(page, "weight", None)
    expect(page.locator(".legend-item").first).to_be_visible()


@pytest.mark.long
def test_light_and_dark(page: Page, small: str) -> None:
    opened(page, f"{small}/graph")
    drawn(page)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    until(page, "cy.nodes('[id ^= \"s:\"]')[0].style('color') === 'rgb(230,234,240)'")
    page.reload()
    page.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")


@pytest.mark.ci
def test_store_that_goes_away_and_comes_back(
    page: Page, serve: Any, store_path: Path, tmp_path: Path, watched: list[str]
) -> None:
    path = tmp_path / "later.kgl"
    address = serve(path)
    page.goto(address)
    expect(page.locator(".banner")).to_contain_text("cannot be read")
    expect(page.get_by_role("heading", name="The store cannot be reached")).to_be_visible()
    for part in store_path.parent.glob(f"{store_path.name}*"):
        shutil.copy(part, tmp_path / part.name.replace(store_path.name, path.name))
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.locator(".banner")).to_have_count(0)
    writer = open_store(path, mode="write")
    learn(writer, "small", name="written-meanwhile")
    writer.close()
    expect(page.get_by_role("link", name="written-meanwhile")).to_be_visible()
    path.rename(tmp_path / "aside")
    expect(page.locator(".banner")).to_contain_text("there is no store")
    (tmp_path / "aside").rename(path)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.locator(".banner")).to_have_count(0)


@pytest.mark.ci
def test_login(page: Page, serve: Any, store_path: Path, watched: list[str]) -> None:
    page.goto(serve(store_path, password="open sesame"))
    expect(page.get_by_label("Password")).to_be_focused()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_have_text("The password is wrong.")
    watched[:] = [line for line in watched if "401" not in line]
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    watched[:] = [line for line in watched if "401" not in line]
