"""The classes page in a real Chromium."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.seen import at_rest, drawn, has_state, mark_option, on_canvas, opened, plotted, serious, until
from tests.ui.course import BLOCKER

pytestmark = pytest.mark.browser


@pytest.fixture
def course(course: str) -> str:
    """The page on the layer that is fine-tuned."""
    return f"{course}/classes?dataset=course&layer=continued"


@pytest.mark.long
def test_the_tree_opens_and_closes(page: Page, course: str) -> None:
    opened(page, course)
    drawn(page, "c-tree")
    until(page, "c-tree", "cy.nodes('[level > 0]').length === 0")
    for key in page.locator("#c-hierarchy .mark").all():
        assert key.bounding_box()["width"] > 5
    assert page.locator("#c-tree-box").bounding_box()["height"] > 400
    on_canvas(page, "c-tree", f"(cy.getElementById('h:{BLOCKER}').emit('tap'), true)")
    has_state(page, "open", json.dumps([BLOCKER]))
    until(page, "c-tree", "cy.nodes('.blocked').length === 2 && cy.edges().length === 2")
    on_canvas(page, "c-tree", f"(cy.getElementById('h:{BLOCKER}').emit('tap'), true)")
    has_state(page, "open", None)
    until(page, "c-tree", "cy.edges().length === 0")


@pytest.mark.long
def test_the_table_opens_lines_too_and_a_blocked_skill_shows_its_chain(page: Page, course: str) -> None:
    opened(page, f"{course}&rel=parts")
    drawn(page, "c-tree")
    page.get_by_text("The same rows as a table").click()
    cell = page.locator("#c-lines .ag-cell", has_text="everything")
    cell.click()
    has_state(page, "open", '["all"]')
    expect(page.locator("#c-lines .ag-cell", has_text="early skills")).to_be_visible()
    until(page, "c-tree", "cy.nodes().length === 3")
    page.get_by_role("button", name="close all").click()
    has_state(page, "open", None)
    until(page, "c-tree", "cy.nodes().length === 1")

    page.locator("#c-blocked .ag-cell", has_text="skill s3-00").first.click()
    has_state(page, "skill", "s3-00")
    until(page, "c-tree", "cy.nodes('.focus').length === 1 && cy.nodes('.focus')[0].id() === 'h:s3-00'")
    until(page, "c-tree", f"cy.edges('.chain').sources().map(n => n.id()).includes('h:{BLOCKER}')")
    expect(page.get_by_role("radio", name="prerequisites")).to_be_checked()


@pytest.mark.long
def test_a_skill_is_found_by_keyboard(page: Page, course: str) -> None:
    opened(page, f"{course}&rel=parts")
    drawn(page, "c-tree")
    mark_option(page, page.get_by_role("textbox", name="Find a skill"), "skill s2-03", options=1)
    page.keyboard.press("Enter")
    has_state(page, "skill", "s2-03")
    until(page, "c-tree", "['h:all', 'h:late', 'h:s2-03'].every(id => cy.getElementById(id).length)")


@pytest.mark.long
def test_choices_that_come_during_a_pick_do_not_undo_it(page: Page, course: str) -> None:
    opened(page, f"{course}&rel=parts")
    drawn(page, "c-tree")
    mark_option(page, page.get_by_role("textbox", name="Find a skill"), "skill s2-03", options=1)
    expect(page.locator("[data-combobox-selected]")).to_have_text("skill s2-03")
    page.evaluate(
        """() => {
            const enter = {key: "Enter", code: "Enter", bubbles: true};
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", enter));
            const data = [{value: "s2-03", label: "skill s2-03"}, {value: "s2-04", label: "skill s2-04"}];
            window.dash_clientside.set_props("c-skill-found", {data});
        }"""
    )
    until(page, "c-tree", "cy.getElementById('h:s2-03').length === 1")
    has_state(page, "skill", "s2-03")
    expect(page.get_by_role("textbox", name="Find a skill")).to_have_value("skill s2-03")


def test_a_skill_that_is_not_there_is_said(page: Page, course: str) -> None:
    opened(page, f"{course}&skill=nosuch")
    expect(page.get_by_role("alert").get_by_text("Dataset 'course' has no skill 'nosuch'.")).to_be_visible()


@pytest.mark.long
def test_its_address_restores_the_view(page: Page, course: str) -> None:
    opened(page, f"{course}&by=level&open={BLOCKER},s1-00&measure=mean&x=part:basics&y=part:advanced")
    drawn(page, "c-tree")
    until(page, "c-tree", "cy.getElementById('h:s2-00').length === 1")
    plotted(page, "c-share")
    assert "level 3" in page.evaluate("document.querySelector('#c-share .js-plotly-plot').data[0].y")
    expect(page.get_by_role("radio", name="skills per text")).to_be_checked()
    expect(page.get_by_role("textbox", name="Across")).to_have_value("basics (91)")


@pytest.mark.long
def test_the_region_of_two_classes_comes_without_blocking(page: Page, course: str) -> None:
    opened(page, course)
    expect(page.locator("#c-region-said")).to_contain_text("On their own these texts require")
    plotted(page, "c-region")
    star = page.evaluate("[...'xy'].map(k => document.querySelector('#c-region .js-plotly-plot').data.at(-1)[k])")
    assert all(0.0 < value[0] < 5.0 for value in star)
    page.get_by_role("textbox", name="Upwards").click()
    page.get_by_role("option", name="lecture (60)").click()
    has_state(page, "y", "class:lecture")
    expect(page.locator("#c-region-said")).to_contain_text("lecture")
    page.get_by_role("textbox", name="Upwards").click()
    page.get_by_role("option", name="advanced (90)").click()
    expect(page.locator("#c-region-said")).to_contain_text("share texts")


@pytest.mark.long
def test_boxes_and_nothing_keeps_people_out(page: Page, course: str) -> None:
    opened(page, f"{course}&rel=boxes")
    plotted(page, "c-boxes")
    plotted(page, "c-region")
    at_rest(page)
    assert not serious(page), "in light"
    page.locator("#c-rel").get_by_text("prerequisites").click()
    drawn(page, "c-tree")
    page.get_by_text("The same rows as a table").click()
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
    assert not serious(page), "in dark"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
