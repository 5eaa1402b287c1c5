"""The frame in a real Chromium: errors stay where they are, and Back undoes what was chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

from tests.ui.browser.conftest import Serve
from tests.ui.browser.seen import at_rest, drawn, has_state, moved, opened, until

pytestmark = pytest.mark.browser

GRAPH = "MATCH (a:Skill)-[r:ASSOCIATED_WITH]->(b:Skill) RETURN a, r, b LIMIT 7"
REFUSED = {
    "unknown variable": "RETURN x",
    "refused write": "CREATE (n:Skill)",
    "not Cypher": "MATCH (",
}


def ask(page: Page, text: str) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)
    page.get_by_role("button", name="Run").click()


@pytest.mark.long
def test_a_query_that_fails_after_a_graph_leaves_all_pages_alive(page: Page, small: str) -> None:
    opened(page, f"{small}/query?q={quote(GRAPH)}")
    drawn(page, "q-cy")
    for text in REFUSED.values():
        ask(page, text)
        expect(page.locator(".query-error")).to_be_visible()
        expect(page.locator("#q-graph-box")).to_be_hidden()
    ask(page, GRAPH)
    expect(page.locator("#q-graph-box")).to_be_visible()
    until(page, "q-cy", "cy && cy.nodes().length > 1")
    page.get_by_role("navigation", name="Pages").get_by_text("Percolation").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Percolation")


@pytest.mark.long
def test_what_the_server_cannot_make_is_named_and_made_again(
    page: Page, small: str, watched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ui.pages.layers.callbacks as layers

    def broken(*_: Any) -> Any:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(layers, "inspected", broken)
        opened(page, f"{small}/layers?first=foundation&second=tuned")
        notice = page.locator("#notice")
        expect(notice).to_contain_text("The chosen skill could not be made (RuntimeError).")
        drawn(page, "p-cy-a")  # the rest is there
        page.locator("#p-attached").get_by_text("lost", exact=True).click()
        has_state(page, "attached", "lost")
    notice.get_by_role("button", name="Try again").click()
    expect(page.locator("#p-inspector")).to_contain_text("No skill chosen")
    expect(notice).to_be_empty()
    assert "disk" not in page.content()


def test_a_page_that_cannot_be_laid_out_leaves_the_others(
    page: Page, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ui.pages.percolation as percolation

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(percolation, "layout", broken)
        opened(page, f"{small}/percolation")
        expect(page.locator("#page")).to_contain_text("Percolation stopped with an error (ZeroDivisionError)")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Percolation")


@pytest.mark.long
def test_a_component_that_fails_in_the_browser_is_said_and_comes_again(
    page: Page, small: str, watched: list[str]
) -> None:
    opened(page, f"{small}/percolation")
    drawn(page, "r-cy")
    page.evaluate("() => window.dash_clientside.set_props('r-order', { data: 5 })")
    box = page.get_by_role("alert").filter(has_text="Something on this page failed")
    expect(box).to_be_visible()
    expect(page.locator("#r-cy")).to_be_visible()
    page.locator("#r-of").get_by_text("of the kept").click()
    has_state(page, "of", "kept")
    box.get_by_role("button", name="Try again").click()
    expect(page.locator("#r-order")).to_contain_text("most used removed first")
    expect(box).to_have_count(0)
    has_state(page, "of", "kept")
    watched.clear()


def back(page: Page) -> None:
    page.evaluate("() => window.history.back()")


@pytest.mark.long
def test_back_undoes_choices_before_it_leaves_the_page(page: Page, small: str) -> None:
    opened(page, f"{small}/?layer=tuned")
    page.get_by_role("navigation", name="Pages").get_by_text("Percolation").click()
    drawn(page, "r-cy")
    page.locator("#r-of").get_by_text("of the kept").click()
    has_state(page, "of", "kept")
    page.locator("#r-order").get_by_text("most used removed first").click()
    has_state(page, "order", "hubs")
    canvas = page.evaluate("() => { window.same = document.getElementById('r-cy'); return true }")
    assert canvas
    back(page)
    has_state(page, "order", None)
    expect(page.locator("#r-order input[value=random]")).to_be_checked()
    expect(page.locator("#r-of input[value=kept]")).to_be_checked()
    back(page)
    has_state(page, "of", None)
    expect(page.locator("#r-of input[value=all]")).to_be_checked()
    page.evaluate("() => window.history.forward()")
    has_state(page, "of", "kept")
    expect(page.locator("#r-of input[value=kept]")).to_be_checked()
    assert page.evaluate("() => window.same === document.getElementById('r-cy')"), "the page was not made anew"
    back(page)
    has_state(page, "of", None)
    back(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


@pytest.mark.long
@pytest.mark.own_page  # the length of a history ends at fifty
def test_a_slider_is_one_step_for_each_time_it_is_held(page: Page, small: str) -> None:
    opened(page, f"{small}/percolation?layer=tuned")
    drawn(page, "r-cy")
    at_rest(page)
    before = page.evaluate("() => window.history.length")
    thumb = page.get_by_role("slider", name="Share of skills kept")
    box = thumb.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 12 * step, box["y"] + box["height"] / 2)
    page.mouse.up()
    page.wait_for_function("() => Number(new URLSearchParams(location.search).get('phi')) > 20")
    at_rest(page)
    assert page.evaluate("() => window.history.length") == before + 1
    back(page)
    has_state(page, "phi", None)
    expect(thumb).to_have_attribute("aria-valuenow", "20")


@pytest.mark.long
def test_undo_of_the_graph_is_the_browser_s_back(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned")
    drawn(page, "cy")
    at_rest(page)
    undo = page.get_by_role("button", name="Undo the last step")
    expect(undo).to_be_disabled()
    page.locator("#g-view").get_by_text("Groups", exact=True).click()
    until(page, "cy", "cy && cy.nodes('.group').length > 0")
    has_state(page, "view", "groups")
    expect(undo).to_be_enabled()
    undo.click()
    has_state(page, "view", None)
    until(page, "cy", "cy && cy.nodes('.group').length === 0 && cy.nodes().length > 0")
    expect(undo).to_be_disabled()
    page.evaluate("() => window.history.forward()")
    has_state(page, "view", "groups")
    until(page, "cy", "cy && cy.nodes('.group').length > 0")
    expect(undo).to_be_enabled()


@pytest.mark.long
def test_an_address_that_means_another_layer_is_laid_out_anew_by_back(page: Page, small: str) -> None:
    opened(page, f"{small}/percolation?dataset=small&layer=foundation")
    drawn(page, "r-cy")
    page.get_by_role("textbox", name="Layer").click()
    page.get_by_role("option", name="tuned").click()
    has_state(page, "layer", "tuned")
    expect(page.get_by_role("textbox", name="Layer")).to_have_value("tuned · fine-tuned")
    back(page)
    has_state(page, "layer", "foundation")
    expect(page.get_by_role("textbox", name="Layer")).to_have_value("foundation · foundation")


def test_texts_of_values_are_the_same_in_both_languages(page: Page, small: str, tmp_path: Path) -> None:
    from ui.state import CODECS, Control

    values: dict[str, list[Any]] = {
        "text": ["a", "a,b", "[", 'ä"\\', "名"],
        "whole": [0, 1, 20, 20000],
        "number": [0.1, 0.15, 0.30000000000000004, 3, 14.95, 1e-7],
        "flag": [True, False],
        "list": [[], ["a"], ["a,b", 'c"', "名\\"]],
        "numbers": [[], [0], [3, 1, 2]],
        "range": [[0, 5], [2, 2]],
    }
    assert values.keys() == CODECS.keys()
    opened(page, f"{small}/query")
    page.wait_for_function("() => window.sgState")
    for codec, given in values.items():
        control = Control("k", "c", codec=codec, word="on")
        texts = [control.write(value) for value in given]
        script = """([codec, given, texts]) => {
          const control = { codec, word: 'on', default: null };
          return [given.map(v => sgState.write(control, v)), texts.map(t => sgState.read(control, t))] }"""
        written, read = page.evaluate(script, [codec, given, texts])
        if codec == "number":
            assert list(map(float, written)) == list(map(float, texts))
        else:
            assert written == texts
        mine = [control.read(text) for text in texts]
        both = json.loads(json.dumps([mine, read]))
        for text, one, other in zip(texts, *both, strict=True):
            assert text == "" or one == other, (codec, text)


@pytest.mark.long
def test_a_page_that_is_being_made_has_a_shape_before(page: Page, small: str) -> None:
    held: list[Route] = []
    wait = True

    def hold(route: Route) -> None:
        if wait and "page.children" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/_dash-update-component*", hold)
    page.goto(f"{small}/classes")
    shape = "() => getComputedStyle(document.getElementById('page') ?? document.body, '::before').opacity === '1'"
    page.wait_for_function(f"() => document.querySelector('#page:empty') && ({shape})()")
    wait = False
    for route in held:
        route.continue_()
    expect(page.locator("#page h1")).to_be_visible()
    assert page.locator("#page:empty").count() == 0


@pytest.mark.long
@pytest.mark.parametrize("path", ["/graph", "/query", "/learning"])
def test_a_page_that_is_left_leaves_nothing_in_the_browser(page: Page, small: str, path: str) -> None:
    session = page.context.new_cdp_session(page)

    def left() -> tuple[int, int]:
        """Nodes and listeners once the page was visited and left; those of its last visits may still be there."""
        moved(page, path)
        moved(page, "/none")
        session.send("HeapProfiler.collectGarbage")
        found = session.send("Memory.getDOMCounters")
        return found["nodes"], found["jsEventListeners"]

    opened(page, f"{small}/none")
    left()
    nodes, listeners = left()
    for _ in range(3):
        again = left()
    # A page that stays has some 700 nodes and 100 listeners a visit.
    assert again[0] - nodes < 700, (nodes, again)
    assert again[1] - listeners < 100, (listeners, again)


_SEEN = """() => {
  const seen = document.querySelector('#react-entry-point').cloneNode(true);
  // has names made by chance, and may be being drawn
  seen.querySelectorAll('.js-plotly-plot').forEach(figure => figure.replaceWith('figure'));
  return seen.innerHTML.replace(/mantine-[a-z0-9]+|_R_\\w*|m__-\\w*/g, 'made');
}"""


@pytest.mark.long
@pytest.mark.parametrize("path", ["/", "/compression"])
def test_tags_that_are_drawn_together_are_what_they_would_be_alone(
    page: Page, small: str, store_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    page.goto(small + path)
    at_rest(page)
    together = page.evaluate(_SEEN)
    monkeypatch.setattr("ui.still.still", lambda shown: shown)
    monkeypatch.setattr("ui.calls.still", lambda shown: shown)
    page.goto(serve(store_path) + path)
    at_rest(page)
    alone = page.evaluate(_SEEN)
    assert len(alone) > 5_000
    assert together.split("<") == alone.split("<")


@pytest.mark.parametrize(
    ("path", "name"),
    [("/why", "link"), pytest.param("/graph", "textbox", marks=pytest.mark.long)],
)
def test_the_keyboard_stays_where_it_was_when_a_page_is_made_anew(page: Page, small: str, path: str, name: str) -> None:
    """As it is when the store has changed."""
    opened(page, f"{small}{path}?layer=tuned")
    at_rest(page)
    reached = page.locator("#page").get_by_role(name).last
    reached.focus()
    if name == "textbox":
        page.keyboard.type("skill")
    told = """() => { const { tagName, textContent } = document.activeElement;
        return [tagName, textContent, document.activeElement.getAttribute('aria-label')]; }"""
    before = page.evaluate(told)
    assert before[0] in ("A", "INPUT")
    page.evaluate("() => { window.same = document.activeElement; window.sgState.again(); }")
    page.wait_for_function("() => !window.same.isConnected && document.activeElement !== document.body")
    at_rest(page)
    assert page.evaluate(told) == before
    page.evaluate("() => { window.same = document.activeElement; window.same.blur(); window.sgState.again(); }")
    page.wait_for_function("() => !window.same.isConnected")
    at_rest(page)
    assert page.evaluate("() => document.activeElement === document.body"), "who left it is not taken back"
