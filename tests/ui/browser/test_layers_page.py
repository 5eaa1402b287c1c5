"""The layers page in a real Chromium."""

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.seen import at_rest, drawn, has_state, on_canvas, opened, plotted, serious, until
from ui.drawing.style import CHANGE_SHAPES, CHANGES

pytestmark = pytest.mark.browser


def pair(course: str, more: str = "") -> str:
    return f"{course}/layers?first=base&second=tuned{more}"


@pytest.mark.long
def test_numbers_have_room_losses_say_what_they_are_attached_to_and_changes_look_different(
    page: Page, course: str
) -> None:
    opened(page, pair(course))
    expect(page.locator("#p-changes .ag-row").first).to_be_visible()
    filters = page.locator("#p-changes .ag-floating-filter input[type=number], #p-changes .ag-floating-filter-input")
    assert min(box.bounding_box()["width"] for box in filters.all() if box.is_visible()) > 50, "filters are too narrow"
    heads = page.locator("#p-changes .ag-header-cell-text")
    assert heads.evaluate_all("all => all.every(head => head.scrollWidth <= head.clientWidth)"), "a head is cut"

    expect(page.locator("#p-anchors .ag-row").first).to_be_visible()
    expect(page.locator("#p-components")).to_contain_text("lost skills")
    page.locator("#p-attached").get_by_text("gained").click()
    has_state(page, "attached", "gained")
    expect(page.locator("#p-components")).to_contain_text("gained skills")

    drawn(page, "p-cy-a")
    lost = int(page.locator(".stat", has_text="Lost").locator(".stat-value").inner_text())
    until(page, "p-cy-a", f"cy.nodes('[change = \"lost\"]').length === {lost}")
    shapes = on_canvas(page, "p-cy-a", "[...new Set(cy.nodes('[change]').map(n => n.style('shape')))].sort()")
    drawn_changes = on_canvas(page, "p-cy-a", "[...new Set(cy.nodes('[change]').map(n => n.data('change')))]")
    assert {"lost", "open"} <= set(drawn_changes)
    assert shapes == sorted(CHANGE_SHAPES[change] for change in drawn_changes)
    red, green, blue = (int(CHANGES["lost"][i : i + 2], 16) for i in (1, 3, 5))
    colour = "cy.nodes('[change = \"lost\"]')[0].style('background-color')"
    until(page, "p-cy-a", f"{colour} === 'rgb({red},{green},{blue})'")
    entry = page.locator(".legend-item", has_text="lost")
    entry.click()
    until(page, "p-cy-a", f"cy.nodes('.off').length === {lost}")
    expect(entry).to_have_attribute("aria-pressed", "false")


@pytest.mark.long
def test_side_by_side_moves_together_and_keeps_nobody_out(page: Page, course: str) -> None:
    opened(page, pair(course))
    drawn(page, "p-cy-a")
    page.get_by_text("side by side", exact=True).click()
    has_state(page, "view", "two")
    drawn(page, "p-cy-b")
    until(page, "p-cy-b", "cy.nodes('.ghost').length > 0 && cy.nodes('.ghost').every(n => !n.data('second'))")
    until(page, "p-cy-a", "cy.nodes('.ghost').length > 0 && cy.nodes('.ghost').every(n => !n.data('first'))")
    place = "cy.nodes('[change]').map(n => [n.id(), n.position('x'), n.position('y')])"
    assert on_canvas(page, "p-cy-a", place) == on_canvas(page, "p-cy-b", place)
    page.locator("#p-side-a").get_by_role("button", name="Zoom in").click()
    zoom = on_canvas(page, "p-cy-a", "cy.zoom()")
    until(page, "p-cy-b", f"Math.abs(cy.zoom() - {zoom}) < 1e-9")
    on_canvas(page, "p-cy-b", "(cy.panBy({x: 40, y: 10}), true)")
    pan = on_canvas(page, "p-cy-b", "cy.pan().x")
    until(page, "p-cy-a", f"Math.abs(cy.pan().x - {pan}) < 1e-9")

    expect(page.locator("#p-family .tree").first).to_be_visible()
    at_rest(page)
    assert not serious(page), "in light"
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
    assert not serious(page, in_dark=True), "in dark"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_skill_is_chosen_on_the_graph_and_in_the_tables(page: Page, course: str) -> None:
    opened(page, pair(course))
    drawn(page, "p-cy-a")
    lost = on_canvas(page, "p-cy-a", "cy.nodes('[change = \"lost\"]')[0].id().slice(2)")
    on_canvas(page, "p-cy-a", f"(cy.getElementById('s:{lost}').emit('tap'), true)")
    inspector = page.get_by_role("complementary")
    expect(inspector.get_by_role("heading", level=2)).to_have_text(f"skill {lost}")
    expect(inspector).to_contain_text("only in the first layer")
    has_state(page, "skill", lost)
    until(page, "p-cy-a", f"cy.nodes('.focus').length === 1 && cy.nodes('.focus')[0].id() === 's:{lost}'")
    inspector.locator("button.item").first.click()
    page.wait_for_function("skill => new URLSearchParams(location.search).get('skill') !== skill", arg=lost)
    row = page.locator("#p-changes .ag-center-cols-container .ag-row").first
    row.locator("[col-id=skill]").click()
    expect(inspector.get_by_role("heading", level=2)).to_have_text(row.locator("[col-id=skill]").inner_text())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("first=nosuch&second=tuned", "Dataset 'course' has no layer 'nosuch'; 'base' and 'tuned' are shown instead."),
        pytest.param(
            *("first=base&second=base", "Both layers are 'base', so there is nothing to compare."),
            marks=pytest.mark.long,
        ),
    ],
)
def test_an_odd_pair_is_said(page: Page, course: str, query: str, said: str) -> None:
    opened(page, f"{course}/layers?{query}")
    expect(page.get_by_role("alert").get_by_text(said)).to_be_visible()


@pytest.mark.ci
def test_brushes_over_the_table_keep_rows_by_pointer_and_keyboard_and_back_undoes_them(page: Page, course: str) -> None:
    opened(page, pair(course))
    drawn(page, "p-cy-a")
    said, bars = page.locator("#p-changes-rows-kept"), page.locator(".brush[data-key=solved2] > i")
    expect(said).to_contain_text("All")
    bars.nth(10).click()
    has_state(page, "solved2", "50-55")
    expect(said).to_contain_text("Kept:")
    expect(page.locator(".brush[data-key=solved2] > i.out")).to_have_count(19)
    bars.nth(0).hover()
    page.mouse.down()
    bars.nth(9).hover()
    page.mouse.up()
    has_state(page, "solved2", "0-50")
    page.go_back()
    has_state(page, "solved2", "50-55")
    expect(page.locator(".brush[data-key=solved2] > i.out")).to_have_count(19)
    page.go_back()
    has_state(page, "solved2", None)
    expect(said).to_contain_text("All")
    box = page.locator("#p-changes-solved2")
    box.get_by_role("slider", name="Lowest").press("ArrowRight")
    has_state(page, "solved2", "5-100")
    expect(said).to_contain_text("Kept:")
    rows = page.locator("#p-changes .ag-center-cols-container .ag-row [col-id=solved2]")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#p-changes .ag-center-cols-container [col-id=solved2]')]"
        ".every((cell) => parseFloat(cell.innerText) >= 5)"
    )
    expect(rows.first).to_be_visible()
    assert serious(page) == []
    clear = page.locator("#p-changes-clear")
    expect(clear).to_be_enabled()
    clear.press("Enter")
    has_state(page, "solved2", None)
    expect(clear).to_be_disabled()
    opened(page, pair(course, "&solved2=0-20&shared=1-9"))
    expect(said).to_contain_text("Kept:")
    expect(page.locator("#p-anchors-rows-kept")).not_to_be_empty()
    expect(page.locator(".brush[data-key=solved2] > i.out")).to_have_count(16)


@pytest.mark.long
def test_a_class_is_shown_in_graph_and_table(page: Page, course: str) -> None:
    opened(page, pair(course, "&class=doing&by=level&view=two"))
    drawn(page, "p-cy-a")
    skills = "cy.nodes().not('.island')"
    veiled = f"{skills}.every(n => cy.veiled(n) !== (n.data('class') === 'doing'))"
    until(page, "p-cy-a", f"{skills}.some(n => cy.veiled(n)) && {veiled}")
    expect(page.locator("#p-changes [col-id=class].ag-cell", has_text="doing").first).to_be_visible()
    expect(page.locator("#p-changes [col-id=class].ag-cell", has_text="knowing")).to_have_count(0)
    plotted(page, "p-groups")
    assert "level 0" in page.evaluate("document.querySelector('#p-groups .js-plotly-plot').data[0].y")
    expect(page.get_by_role("radio", name="side by side")).to_be_checked()
    page.get_by_role("textbox", name="Class", exact=True).click()
    page.get_by_role("option", name="all classes").click()
    has_state(page, "class", None)
    until(page, "p-cy-a", "cy.nodes().every(n => !cy.veiled(n))")


@pytest.mark.long
def test_the_family_leads_to_its_pairs_and_back(page: Page, course: str) -> None:
    opened(page, pair(course))
    family = page.locator("#p-family")
    expect(family.get_by_text("1 fine-tuned from it").first).to_be_visible()
    family.get_by_text("1 fine-tuned from it").nth(1).click()
    family.get_by_role("link", name="continued").click()
    has_state(page, "second", "continued")
    expect(page.get_by_role("textbox", name="First layer")).to_have_value("foundation")
    expect(page.get_by_role("heading", name="Three ways to train")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("textbox", name="First layer")).to_have_value("base")
