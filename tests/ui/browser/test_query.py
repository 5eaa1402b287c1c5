"""The query page in a real Chromium: metrics, cancelling, drafts, history, parameters and export."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.store.opening import open_store
from tests.ui.browser.seen import opened

pytestmark = pytest.mark.browser

SLOW = "MATCH (a:Text), (b:Text), (c:Text), (d:Text) WHERE a.id < b.id AND c.id < d.id RETURN count(*) AS n"
QUICK = "MATCH (s:Skill) RETURN s.id AS id ORDER BY id LIMIT 3"


def ask(address: str, cypher: str, **more: str) -> str:
    return f"{address}/query?q={quote(cypher)}" + "".join(f"&{key}={quote(value)}" for key, value in more.items())


def state(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def write(page: Page, cypher: str) -> None:
    page.get_by_role("textbox", name="Cypher query").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(cypher)


@pytest.mark.ci
def test_a_slow_query_is_cancelled_and_others_are_answered(page: Page, browser: Browser, small: str) -> None:
    page.goto(ask(small, SLOW))
    expect(page.locator("#q-summary")).to_contain_text("stopped after 30 s")
    context = browser.new_context()
    other = context.new_page()
    other.goto(ask(small, QUICK))
    expect(other.locator("#q-summary")).to_contain_text("3 rows in")
    expect(other.get_by_role("button", name="Cancel")).to_be_hidden()
    context.close()
    expect(page.locator("#q-summary")).to_contain_text("Running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#q-summary")).to_contain_text("Cancelled after")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    write(page, QUICK)
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#q-summary")).to_contain_text("3 rows in")


@pytest.mark.long
def test_running_anew_ends_what_was_running(page: Page, small: str) -> None:
    page.goto(ask(small, SLOW))
    expect(page.locator("#q-summary")).to_contain_text("Running")
    write(page, QUICK)
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.locator("#q-summary")).to_contain_text("3 rows in")


@pytest.mark.long
def test_a_time_limit_stops_a_query(page: Page, small: str) -> None:
    opened(page, ask(small, QUICK))
    page.get_by_role("textbox", name="Time limit").click()
    page.get_by_role("option", name="stop after 5 s").click()
    write(page, SLOW)
    page.keyboard.press("ControlOrMeta+Enter")
    # The rows on the way are kept in memory: a fast machine may reach that limit first.
    expect(page.locator(".query-error")).to_contain_text(re.compile("took longer than 5 s|not enough memory"))


@pytest.mark.long
def test_metrics_graph_and_export(page: Page, small: str, store_path: Path) -> None:
    cypher = "MATCH (a:Skill)-[r:ASSOCIATED_WITH {layer: 'tuned'}]->(b:Skill) RETURN a, r, b LIMIT 7"
    opened(page, f"{ask(small, cypher)}&layer=tuned")
    rows = open_store(store_path, mode="read").query(cypher).rows
    nodes = {node.id for row in rows for node in (row[0], row[2])}
    text = rf"^7 rows in \d+\.\d\d+ s · 3 columns · {len(nodes)} nodes and 7 relationships$"
    expect(page.locator("#q-summary")).to_have_text(re.compile(text))
    page.wait_for_function(
        "n => { const e = document.getElementById('q-cy'); return e && e._cyreg && e._cyreg.cy.nodes().length === n }",
        arg=len(nodes),
    )
    page.get_by_text("Table", exact=True).click()
    expect(page.locator(".ag-row")).to_have_count(7)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").splitlines()[0] == "a,r,b"
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    content = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert content["columns"] == ["a", "r", "b"]
    assert len(content["rows"]) == 7
    # Its skills are added to the picture of the layer, where a button takes the rings away again.
    page.get_by_role("link", name=f"Add {len(nodes)} skills to the graph").click()
    page.wait_for_function("n => { const e = document.getElementById('cy'); return e && e._cyreg && "
                           "e._cyreg.cy.nodes('.added').length > n }", arg=len(nodes) // 2)  # fmt: skip
    expect(page.locator("#g-counts")).to_contain_text("Ringed:")
    page.get_by_role("button", name="Leave the query's skills").click()
    page.wait_for_function("() => document.getElementById('cy')._cyreg.cy.nodes('.added').length === 0")
    expect(page.locator("#g-counts")).not_to_contain_text("Ringed:")


@pytest.mark.long
def test_what_is_typed_is_kept_but_not_run(page: Page, small: str) -> None:
    page.goto(ask(small, QUICK))
    expect(page.locator("#q-summary")).to_contain_text("3 rows")
    write(page, "MATCH (n:Layer) RETURN n.name AS name")
    page.wait_for_function("() => new URLSearchParams(location.search).get('draft') === '1'")
    page.reload()
    expect(page.locator(".cm-content")).to_contain_text("n.name AS name")
    expect(page.locator("#q-summary")).to_have_text("Changed since it was last run.")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#q-summary")).to_contain_text("2 rows in")
    assert "draft" not in state(page)


def test_a_recipe_is_run_with_its_parameters_at_once(page: Page, small: str) -> None:
    opened(page, ask(small, QUICK))
    recipe = page.locator("h3", has_text="Cookbook").locator("xpath=following-sibling::div[1]").get_by_role("button")
    recipe.first.click()
    page.get_by_role("button", name="Run").click()
    page.wait_for_function("() => (new URLSearchParams(location.search).get('parameters') || '').startsWith('{')")
    expect(page.locator("#q-summary")).to_contain_text(re.compile(r"\d+ rows? in"))
    assert page.get_by_label("Parameters as JSON").input_value() == state(page)["parameters"]
    past = page.locator("#q-past button")
    expect(past).to_have_count(2)
    past.last.click()
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#q-summary")).to_contain_text("3 rows in")


@pytest.mark.long
def test_an_unknown_label_is_pointed_out(page: Page, small: str) -> None:
    opened(page, ask(small, "MATCH (s:Skil) RETURN s.id AS id"))
    expect(page.locator("#q-summary")).to_contain_text("0 rows in")
    expect(page.locator(".query-warning")).to_contain_text("Skil")


@pytest.mark.long
def test_parameters_that_are_not_json_are_said_and_nothing_is_exported_before_there_are_rows(
    page: Page, small: str
) -> None:
    opened(page, ask(small, QUICK, parameters="{name: 1}"))
    expect(page.locator(".query-error")).to_contain_text("the parameters are not JSON")
    both = [page.get_by_role("button", name=name, exact=True) for name in ("CSV", "JSON")]
    for button in both:
        expect(button).to_be_disabled()
    page.get_by_role("button", name="Skills by class").click()
    expect(page.locator("#q-summary")).to_have_text("Not run yet.")
    expect(page.get_by_label("Parameters as JSON")).to_have_value('{"dataset": "small"}')
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#q-summary")).to_contain_text("rows in")
    for button in both:
        expect(button).to_be_enabled()


@pytest.mark.long
def test_the_schema_is_beside_the_editor(page: Page, small: str) -> None:
    opened(page, ask(small, QUICK))
    page.get_by_role("tab", name="Schema").click()
    lines = page.locator(".schema-line")
    expect(lines.filter(has_text="(:Layer {")).to_contain_text("kind, learner")
    expect(lines.filter(has_text=":LEARNED")).to_have_text(
        "(:Layer)-[:LEARNED {wave, by, component, neighbours, strength, bridge, mastery, solve_rate, "
        "solve_rate_low, solve_rate_high}]->(:Skill)"
    )
    expect(lines.first).to_be_in_viewport()
