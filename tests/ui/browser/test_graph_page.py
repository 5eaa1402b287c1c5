"""The graph page in a real Chromium: each view's main action, and the address that shows it again."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from explorer.service import learn
from explorer.store.opening import open_store
from explorer.wording import plural
from tests.ui.browser import seen
from tests.ui.browser.seen import has_state, mark_option, no_figure_sends_its_data_away, opened, pdf_text, serious
from tests.ui.large import large_dataset
from ui.drawing.graphs import NODE_LIMIT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def many(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of the explorer on a layer of 6 000 skills, more than are offered or drawn at once."""
    path = tmp_path_factory.mktemp("many") / "many.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(large_dataset(6_000, groups=12))
    learn(store, "large", name="all", learner="d:3")
    store.close()
    return str(serve(path))


def on_graph(page: Page, script: str) -> Any:
    return seen.on_canvas(page, "cy", script)


def until(page: Page, script: str) -> None:
    seen.until(page, "cy", f"cy && cy.nodes().length && ({script})")


def drawn(page: Page) -> None:
    until(page, "true")


def mapped(page: Page) -> None:
    page.wait_for_function("() => document.querySelector('#g-map .js-plotly-plot')?.layout?.images?.length > 0")


def state(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def choose_view(page: Page, name: str) -> None:
    page.locator("#g-view").get_by_text(name, exact=True).click()


def pick(page: Page, label: str, option: str) -> None:
    page.get_by_role("textbox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


@pytest.mark.long
def test_texts_of_a_skill_and_back_by_undo(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned&skill=d05")
    drawn(page)
    page.get_by_role("button", name="Its texts").click()
    until(page, "cy.nodes('.text').length > 0 && cy.edges('.taught').length > 0")
    assert on_graph(page, "cy.getElementById('s:d05').length") == 1
    assert on_graph(page, "cy.nodes('.text').every(n => n.style('shape') === 'round-rectangle')")
    has_state(page, "view", "texts")
    address = page.url
    on_graph(page, "(cy.nodes('.text')[0].emit('tap'), true)")
    until(page, "cy.nodes('.text').length === 1")
    alone = json.loads(state(page)["texts"])
    page.get_by_role("button", name="Undo the last step").click()
    until(page, "cy.nodes('.text').length > 1")
    opened(page, f"{address}&texts={json.dumps(alone)}")
    until(page, "cy.nodes('.text').length === 1")
    assert on_graph(page, "cy.nodes('.text')[0].id()") == f"t:{alone[0]}"


def test_a_click_asks_the_server_for_the_panel_alone_and_the_canvas_tells_dash_nothing(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned")
    drawn(page)
    asked: list[str] = []

    def heard_of(request: Request) -> None:
        if request.url.partition("?")[0].endswith("_dash-update-component"):
            asked.append(request.post_data_json["output"])

    page.on("request", heard_of)
    on_graph(page, "(cy.getElementById('s:d05').emit('tap'), true)")
    expect(page.locator("#g-inspector h2")).to_have_text("skill d05")
    until(page, "cy.nodes('.near').length > 0")
    on_graph(
        page, "(cy.add({ data: { id: 'x', source: 's:d05', target: 's:d05' } }), cy.getElementById('x').remove(), true)"
    )
    page.wait_for_load_state("networkidle")
    page.remove_listener("request", heard_of)
    assert [output.split(".")[2] for output in asked if "store-version" not in output] == ["g-inspector"]
    heard = on_graph(page, "cy.emitter().listeners.map((one) => one.type)")
    assert "tap" in heard
    assert not {"dragfree", "select", "tapstart"} & set(heard)


def test_names_follow_a_change_at_once_however_long_the_picture_has_been_at_rest(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned")
    drawn(page)
    waits = on_graph(
        page,
        """(() => {
          const now = performance.now.bind(performance), later = window.setTimeout, waits = [];
          cy.emit("render");
          performance.now = () => now() + 1500; // a second and a half without a change
          cy.emit("render");
          window.setTimeout = (act, wait, ...more) => { waits.push(wait); return later(act, wait, ...more); };
          cy.nodes()[0].data("seen", 1);
          window.setTimeout = later;
          delete performance.now;
          return waits;
        })()""",
    )
    assert waits[-1] < 500


@pytest.mark.long
def test_texts_are_picked_by_title(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned&view=texts&texts=f001")
    until(page, "cy.nodes('.text').length === 1")
    page.get_by_role("textbox", name=re.compile(r"^Texts \(")).fill("g001")
    page.get_by_role("option", name="text g001").click()
    until(page, "cy.nodes('.text').length === 2")
    assert json.loads(state(page)["texts"]) == ["f001", "g001"]


@pytest.mark.long
def test_the_way_to_a_skill_is_followed(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned&view=neighbours&skill=d05")
    drawn(page)
    inspector = page.get_by_role("complementary")
    expect(inspector.get_by_text("How it was learned")).to_be_visible()
    steps = inspector.locator(".chain .item")
    assert steps.count() > 1
    expect(steps.last).to_contain_text("skill d05")
    first = steps.first.locator("span").first.inner_text()
    inspector.get_by_role("button", name="See these texts and their skills").click()
    until(page, "cy.nodes('.text').length > 0 && cy.edges('.taught').length > 0")
    steps.first.click()
    expect(inspector.get_by_role("heading", level=2)).to_have_text(first)


@pytest.mark.long
def test_filters_say_what_they_keep(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned")
    drawn(page)
    before = on_graph(page, "cy.nodes('[id ^= \"s:\"]').length")
    page.get_by_role("button", name="Options").click()
    expect(page.locator("#g-counts")).to_contain_text(f"Nothing is left out: {before} skills")
    weight = page.get_by_label("Texts of an association, at least")
    weight.fill("2")
    weight.blur()
    until(page, f"cy.nodes('[id ^= \"s:\"]').length < {before}")
    kept = on_graph(page, "cy.nodes('[id ^= \"s:\"]').length")
    expect(page.locator("#g-counts")).to_contain_text(f"{kept} of {before} skills")
    has_state(page, "weight", "2")
    weight.fill("1")
    weight.blur()
    until(page, f"cy.nodes('[id ^= \"s:\"]').length === {before}")
    pick(page, "Classes", "alpha")
    until(page, "cy.nodes('[id ^= \"s:\"]').every(n => n.data('class') === 'alpha')")
    page.get_by_role("slider", name="Lowest wave").focus()
    page.keyboard.press("ArrowRight")
    both = "cy.nodes('[id ^= \"s:\"]').every(n => n.data('wave') >= 1 && n.data('class') === 'alpha')"
    until(page, both)
    expect(page.locator("#g-options-count")).to_have_text("2")
    page.reload()
    until(page, both)
    expect(page.get_by_role("slider", name="Lowest wave")).to_have_attribute("aria-valuenow", "1")
    page.get_by_role("button", name="Clear filters").click()
    until(page, f"cy.nodes('[id ^= \"s:\"]').length === {before}")


@pytest.mark.long
@pytest.mark.parametrize(("by", "title"), [("class", "classes"), ("component", "components")])
def test_groups_of_another_kind_open_and_close(page: Page, small: str, by: str, title: str) -> None:
    opened(page, f"{small}/graph?view=groups&by={by}&layer=tuned")
    until(page, "cy.nodes('.group').length > 0")
    groups = on_graph(page, "cy.nodes('.group').length")
    expect(page.locator("#g-caption")).to_contain_text(f" in {plural(groups, by, title)}.")
    expect(page.locator(".legend-title")).to_have_text(by.capitalize())
    members = on_graph(page, "cy.getElementById('g:0').data('members')")
    on_graph(page, "(cy.getElementById('g:0').emit('tap'), true)")
    until(page, f"cy.nodes('[id ^= \"s:\"]').length === {members}")
    expect(page.locator("#g-caption")).to_contain_text(f"Before opening: {plural(groups, 'disc')} and")
    page.reload()
    until(page, f"cy.nodes('[id ^= \"s:\"]').length === {members}")
    on_graph(page, "(cy.getElementById('i:0').emit('tap'), true)")
    until(page, f"cy.nodes('.group').length === {groups}")


@pytest.mark.long
def test_colours_and_names_change_in_place(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned")
    until(page, "sgTools.notes(cy).fitted")
    on_graph(page, "(cy.zoom(3), cy.nodes().forEach(n => n.scratch('kept', true)), true)")
    pick(page, "Colour by", "betweenness")
    expect(page.locator(".legend-title")).to_have_text("Betweenness")
    expect(page.locator(".legend-meaning")).to_contain_text("shortest paths")
    swatches = page.locator(".legend-item .swatch").evaluate_all("all => all.map(e => e.style.background)")
    known = f"{json.dumps(swatches)}.includes(n.style('background-color').replaceAll(',', ', '))"
    until(page, f"cy.nodes('[id ^= \"s:\"]').every(n => {known})")
    assert on_graph(page, "cy.zoom()") == 3, "the view stays"
    assert on_graph(page, "cy.nodes().every(n => n.scratch('kept'))"), "nothing is drawn anew"

    pick(page, "Names", "id")
    until(page, "cy.nodes('[id ^= \"s:\"]').every(n => 's:' + n.data('label') === n.id())")
    has_state(page, "names", "id")
    assert on_graph(page, "cy.zoom()") == 3, "the view stays with other names"
    assert on_graph(page, "cy.nodes().every(n => n.scratch('kept'))"), "nothing is drawn anew for other names"
    page.reload()
    until(page, "cy.nodes('[id ^= \"s:\"]').every(n => 's:' + n.data('label') === n.id())")
    expect(page.get_by_role("textbox", name="Names")).to_have_value("id")


@pytest.mark.long
def test_hidden_classes_and_a_path_are_in_the_address(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?skill=b05&to=b20&hide=1")
    until(page, "cy.nodes('.path').length >= 2 && cy.nodes('.off').length > 0")
    assert on_graph(page, "cy.nodes('.path.focus')[0].id()") == "s:b05"
    expect(page.locator(".legend-item").nth(1)).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("textbox", name="Path to")).to_have_value("skill b20")
    page.locator(".legend-item").nth(1).click()
    until(page, "cy.nodes('.off').length === 0")
    has_state(page, "hide", None)
    page.locator(".legend-item").nth(2).click()
    has_state(page, "hide", "2")
    pick(page, "Colour by", "wave")
    has_state(page, "hide", None)


@pytest.mark.long
def test_arrangements_move_the_same_skills(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layout=waves")
    until(page, "cy.nodes('.mark').length > 1")
    rows = on_graph(
        page, "cy.nodes('[id ^= \"s:\"]').map(n => [n.data('wave'), n.position('y')]).sort((a, b) => a[1] - b[1])"
    )
    assert [wave for wave, _ in rows] == sorted(wave for wave, _ in rows)
    until(page, "sgLabels.shown(cy)?.names.filter(n => n.id.startsWith('r:')).length === cy.nodes('.mark').length")
    exported = on_graph(page, "cy.namesForExport().map(n => [n.text, n.left >= cy.elements().boundingBox().x1])")
    marks = on_graph(page, "cy.nodes('.mark').map(n => n.data('name'))")
    assert {text for text, inside in exported if inside} >= set(marks)
    page.get_by_role("button", name="Options").click()
    pick(page, "Arrange skills", "grid, by class and use")
    until(page, "cy.nodes('.mark').length === 0")
    has_state(page, "layout", "grid")
    pick(page, "Arrange skills", "fCoSE, in the browser")
    has_state(page, "layout", "fcose")
    until(page, "cy.nodes('[id ^= \"s:\"]').every(n => Number.isFinite(n.position('x')))")


@pytest.mark.long
def test_the_table_is_the_picture_s_twin(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?view=groups&layer=tuned")
    until(page, "cy.nodes('.group').length > 0")
    groups = on_graph(page, "cy.nodes('.group').length")
    page.get_by_role("button", name="Table").press("Enter")
    rows = page.locator("#g-table-grid .ag-center-cols-container .ag-row")
    expect(rows).to_have_count(groups)
    has_state(page, "as", "table")
    assert not serious(page)
    opened_rows = rows.filter(has_text="group, open")
    page.locator("#g-table-grid .ag-center-cols-container .ag-row .ag-cell").first.click()
    until(page, f"cy.nodes('.group').length === {groups - 1}")
    expect(opened_rows).to_have_count(1)
    page.keyboard.press("Space")  # the open group is the first row, and the keyboard's place is still there
    until(page, f"cy.nodes('.group').length === {groups}")
    expect(opened_rows).to_have_count(0)
    page.keyboard.press("Space")
    until(page, f"cy.nodes('.group').length === {groups - 1}")
    expect(opened_rows).to_have_count(1)
    page.reload()
    expect(page.locator("#g-table-grid .ag-center-cols-container .ag-row").first).to_be_visible()
    page.get_by_role("button", name="Table").click()
    until(page, "cy.width() > 100")


_MOVED = """async () => {
  const cy = document.getElementById('cy')._cyreg.cy, glide = cy.glide();
  const canvas = document.querySelector('#cy canvas[data-id$=node]'), node = cy.nodes()[0], found = {};
  const frames = async () => { for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame); };
  const slow = () => Object.assign(glide, { cost: 1e6, at: performance.now() });
  // where the moved canvas has the node, and where it belongs
  const apart = () => {
    const { zoom, pan } = glide.drawn, { x, y } = node.position();
    const there = new DOMMatrix(canvas.style.transform).transformPoint({ x: zoom * x + pan.x, y: zoom * y + pan.y });
    return Math.hypot(there.x - node.renderedPosition('x'), there.y - node.renderedPosition('y'));
  };
  const look = (name) => {
    found[name] = { held: glide.held, drawn: glide.drawings, moved: canvas.style.transform !== '', apart: apart() };
  };
  await frames();
  slow();
  look('before');
  cy.panBy({ x: 30, y: -20 });
  cy.zoom({ level: 1.3 * cy.zoom(), renderedPosition: { x: 100, y: 200 } });
  await frames();
  look('moving');
  node.style('border-width', 3); // what changes is drawn at once
  await frames();
  look('changed');
  slow();
  cy.panBy({ x: -30, y: 20 });
  while (glide.drawn.pan.x !== cy.pan().x) await new Promise(requestAnimationFrame);
  look('rested');
  node.removeStyle();
  await frames();
  Object.assign(glide, { cost: 0, at: 0 });
  look('quick before');
  cy.panBy({ x: 5, y: 5 });
  await frames();
  look('quick');
  return found;
}"""


def test_a_picture_that_is_slow_to_draw_is_moved_as_it_is(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?view=skills")
    drawn(page)
    found = page.evaluate(_MOVED)
    assert on_graph(page, "cy.style().core('active-bg-opacity').value") == 0, "a disc under the pointer"
    before, moving, changed, rested = (found[name] for name in ("before", "moving", "changed", "rested"))
    assert moving["moved"]
    assert moving["held"] > before["held"]
    assert moving["drawn"] == before["drawn"]
    for name, look in found.items():
        assert look["apart"] < 0.01, name  # pixels: styles keep six digits
    assert changed["drawn"] > moving["drawn"]
    assert not changed["moved"]
    assert rested["drawn"] > changed["drawn"]
    assert rested["held"] > changed["held"]
    assert not rested["moved"]
    assert found["quick"]["drawn"] > found["quick before"]["drawn"]
    assert found["quick"]["held"] == found["quick before"]["held"]


@pytest.mark.long
def test_map_of_many_skills_goes_to_cytoscape(page: Page, many: str) -> None:
    opened(page, f"{many}/graph")
    until(page, "cy.nodes('.group').length > 1")
    choose_view(page, "Map")
    mapped(page)
    expect(page.locator("#g-caption")).to_contain_text("all in view")
    box = page.locator("#g-map .nsewdrag").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 90, middle[1] + 70, steps=4)
    page.mouse.up()
    page.wait_for_function("() => new URLSearchParams(location.search).has('box')")
    expect(page.locator("#g-caption")).to_contain_text("in view", use_inner_text=True)
    expect(page.locator("#g-caption")).not_to_contain_text("all in view")
    assert not serious(page)
    button = page.locator("#g-map-open")
    expect(button).to_have_text(re.compile(r"Open these [\d,]+ skills"))
    count = int(re.sub(r"\D", "", button.inner_text()))
    assert 0 < count <= NODE_LIMIT
    button.click()
    until(page, f"cy.nodes('[id ^= \"s:\"]').length === {count}")
    address = page.url
    opened(page, many)
    opened(page, address)
    until(page, f"cy.nodes('[id ^= \"s:\"]').length === {count}")
    page.get_by_role("button", name="Leave the region").click()
    until(page, f"cy.nodes('[id ^= \"s:\"]').length === {NODE_LIMIT}")
    expect(page.locator("#g-caption")).to_contain_text("The 3,000 most used of 6,000 skills: draw more")
    page.locator("#g-most").click()
    page.get_by_role("option", name="up to 10,000").click()
    until(page, "cy.nodes('[id ^= \"s:\"]').length === 6000")
    assert state(page)["most"] == "10000"


def test_map_click_chooses_a_skill(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?view=map&skill=b07")
    mapped(page)
    expect(page.get_by_role("complementary").get_by_role("heading", level=2)).to_have_text("skill b07")
    spot = page.evaluate(
        """() => { const gd = document.querySelector('#g-map .js-plotly-plot'), l = gd._fullLayout, t = gd._fullData[0];
        const b = gd.getBoundingClientRect();
        const i = [...t.customdata].findIndex((id, k) => id !== 'b07' && l.xaxis.d2p(t.x[k]) > 200);
        return [b.x + l._size.l + l.xaxis.d2p(t.x[i]), b.y + l._size.t + l.yaxis.d2p(t.y[i]), t.customdata[i]]; }"""
    )
    page.mouse.move(spot[0], spot[1])
    page.mouse.click(spot[0], spot[1])
    page.wait_for_function("() => new URLSearchParams(location.search).get('skill') !== 'b07'")
    page.get_by_role("button", name="Around it").click()
    drawn(page)
    page.wait_for_function("() => new URLSearchParams(location.search).has('box')")
    assert "view" not in state(page)


@pytest.mark.long
def test_an_address_keeps_skills_that_are_not_among_the_first_choices(page: Page, many: str) -> None:
    """The fields of a page that was just laid out are not given other choices, without what is chosen."""
    page.goto(f"{many}/graph?skill=s005990&to=s005980")
    expect(page.locator("#g-inspector h2")).to_have_text("s005990")
    seen.at_rest(page)
    expect(page.locator("#g-inspector h2")).to_have_text("s005990")
    assert page.locator("#g-search").input_value() == "s005990"
    assert page.locator("#g-to").input_value() == "s005980"
    assert (state(page)["skill"], state(page)["to"]) == ("s005990", "s005980")


@pytest.mark.long
def test_search_among_many_skills(page: Page, many: str) -> None:
    opened(page, f"{many}/graph?view=neighbours")
    drawn(page)
    option = mark_option(page, page.get_by_role("textbox", name="Find a skill"), "s00421", options=10)
    expect(option).to_contain_text("s00421")
    name = option.inner_text()
    page.keyboard.press("Enter")
    has_state(page, "skill", name)
    expect(page.get_by_role("textbox", name="Find a skill")).to_have_value(name)


@pytest.mark.long
def test_a_skill_that_is_not_learned_is_found_and_shown_hollow_and_its_page_is_one_click_away(
    page: Page, small: str
) -> None:
    opened(page, f"{small}/graph?layer=foundation")
    drawn(page)
    option = mark_option(page, page.get_by_role("textbox", name="Find a skill"), "u0", options=1)
    expect(option).to_have_text("○ skill u0 · not learned")
    page.keyboard.press("Enter")
    has_state(page, "skill", "u0")
    panel = page.locator("#g-inspector")
    expect(panel.locator(".why-hollow")).to_have_text("not learned")
    expect(panel).to_contain_text("too many to teach at once")
    panel.get_by_role("button", name="Its texts").click()
    until(page, "cy.getElementById('u:u0').hasClass('focus')")
    expect(page.locator("#g-caption")).to_contain_text("3 texts")
    until(page, "(cy.getElementById('u:u1').emit('tap'), true)")
    has_state(page, "skill", "u1")
    panel.get_by_role("link", name="What would unlock it").click()
    page.wait_for_url("**/why?*")
    has_state(page, "skill", "u1")
    expect(page.get_by_text("skill u1 is not learned")).to_be_visible()
    assert serious(page) == []


@pytest.mark.long
def test_exports_hold_what_the_filters_keep(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layer=tuned&weight=2")
    drawn(page)
    # A stroke over the bars of the uses keeps what lies between, and the bars say so.
    bars = page.locator(".brush[data-key=uses] > i")
    count = bars.count()
    bars.nth(1).hover()
    page.mouse.down()
    bars.nth(count - 1).hover()
    page.mouse.up()
    has_state(page, "uses", f"1-{count - 1}")
    expect(page.locator(".brush[data-key=uses] > i.out")).to_have_count(1)
    expect(page.locator("#g-counts")).to_contain_text("Kept:")
    page.locator(".brush[data-key=weight] > i").first.click()
    has_state(page, "weight", None)
    page.get_by_role("button", name="Clear filters").click()
    has_state(page, "uses", None)
    expect(page.locator(".brush > i.out")).to_have_count(0)
    page.locator(".brush[data-key=weight] > i").nth(1).click()
    has_state(page, "weight", "2")
    kept = on_graph(page, "cy.nodes('[id ^= \"s:\"]').length")
    page.get_by_label("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Graph (GraphML)").click()
    tree = ET.parse(Path(download.value.path()))
    assert len(tree.findall(".//{*}node")) == kept
    page.get_by_label("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Picture (PNG)").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    page.get_by_label("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Drawing (PDF)").click()
    made = pdf_text(Path(download.value.path()).read_bytes())
    assert "Association graph: small · tuned" in made
    assert "skill b01" in made
    choose_view(page, "Map")
    mapped(page)
    page.get_by_label("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Drawing (SVG)").click()
    assert "<svg" in Path(download.value.path()).read_text()


PAINTED = """() => {
  const cy = document.getElementById('cy')._cyreg.cy, box = cy.elements().boundingBox(), all = cy.nodes('[id ^= "s:"]');
  const read = (context, x, y) => context.getImageData(Math.round(x), Math.round(y), 1, 1).data[3];
  const said = all.map((node) => ({ veiled: cy.veiled(node), id: node.id() }));
  const seen = ['node', 'veil'].map((name) => document.querySelector(`#cy canvas[data-id$=${name}]`));
  const veil = seen[1].getContext('2d'), ratio = window.devicePixelRatio;
  all.forEach((node, i) => {
    const { x, y } = node.renderedPosition();
    said[i].above = read(veil, ratio * x, ratio * y);
  });
  const svg = new DOMParser().parseFromString(cy.svg({}), 'image/svg+xml');
  const shapes = [...svg.querySelectorAll('ellipse')], near = (shape, node) => Math.hypot(
    shape.getAttribute('cx') - node.position('x'), shape.getAttribute('cy') - node.position('y'));
  all.forEach((node, i) => {
    const fits = shapes.filter((one) => one.getAttribute('rx') * 2.05 < node.width() + 4);
    const shape = fits.sort((a, b) => near(a, node) - near(b, node))[0];
    said[i].drawn = Number(shape.getAttribute('opacity'));
  });
  return new Promise((done) => {
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      const context = canvas.getContext('2d'), scale = image.width / box.w;
      context.drawImage(image, 0, 0);
      all.forEach((node, i) => {
        const { x, y } = node.position();
        said[i].pictured = read(context, scale * (x - box.x1), scale * (y - box.y1));
      });
      done([said, seen[0].style.opacity, seen[1].hidden]);
    };
    cy.namesForExport = undefined;
    image.src = cy.png({ full: true, maxWidth: 3000 });
  });
}"""


def test_what_stands_out_does_so_on_the_screen_and_in_pictures(page: Page, small: str) -> None:
    """Opacities are those of the pixels in the middle of each disc, of 255."""
    opened(page, f"{small}/graph?skill=b05&layout=waves")
    drawn(page)
    until(page, "cy.nodes('.focus').length === 1 && cy.nodes().some(n => cy.veiled(n))")
    seen.at_rest(page)
    skills, behind, hidden = page.evaluate(PAINTED)
    lifted, veiled = [s for s in skills if not s["veiled"]], [s for s in skills if s["veiled"]]
    assert len(lifted) > 1
    assert len(veiled) > 1
    assert not hidden
    faint = float(behind)
    assert faint < 0.2
    assert all(s["above"] == 255 and s["drawn"] == 1 and s["pictured"] == 255 for s in lifted), lifted
    assert all(s["drawn"] == faint for s in veiled), veiled
    clear = [s for s in veiled if s["above"] == 0 and abs(s["pictured"] - 255 * faint) <= 1]
    assert len(clear) > len(veiled) / 2, "all but those under a line or a name"
    on_graph(page, "(cy.emit('tap'), true)")
    until(page, "cy.nodes('.focus').length === 0 && cy.nodes().every(n => !cy.veiled(n))")
    seen.at_rest(page)
    skills, behind, hidden = page.evaluate(PAINTED)
    assert (behind, hidden) == ("", True)
    assert all(s["drawn"] == 1 and s["pictured"] == 255 for s in skills)


def test_what_lies_behind_the_veil_is_drawn_only_if_it_has_changed(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?layout=waves")
    drawn(page)
    seen.at_rest(page)
    asks = on_graph(
        page,
        """(() => {
             const r = cy.renderer(), needed = r.data.canvasNeedsRedraw;
             const [one, two] = cy.nodes("[id ^= 's:']").toArray();
             const draw = () => { needed[r.NODE] = true; r.render({}); };
             const choose = (node, options) => {
               cy.veil(() => {
                 const near = node ? node.connectedEdges() : cy.collection();
                 sgTools.dress(cy, { near, focus: node || near });
                 return node && node.union(near);
               }, options);
               return needed[r.NODE];
             };
             const behind = { behind: true }, found = {};
             draw();
             found.first = choose(one, behind);
             found.second = choose(two, behind);
             found.lifted = choose(null, behind);
             draw();
             found.looks = choose(one, {});
             draw(); // now with the looks of what stands out
             found.moved = choose(two, behind);
             choose(null, behind);
             draw();
             needed[r.NODE] = true; // something else has changed
             found.other = choose(one, behind);
             choose(null, behind);
             return found;
           })()""",
    )
    assert asks == {"first": False, "second": False, "lifted": True, "looks": True, "moved": True, "other": True}


@pytest.mark.long
def test_the_map_has_its_own_line_again_after_another_view(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?view=map")
    mapped(page)
    caption = page.locator("#g-caption")
    expect(caption).to_contain_text("Drag a box")
    choose_view(page, "Skills")
    expect(caption).not_to_contain_text("Drag a box")
    choose_view(page, "Map")
    expect(caption).to_contain_text("Drag a box")


@pytest.mark.long
def test_options_and_map_are_open_to_everybody(page: Page, small: str) -> None:
    opened(page, f"{small}/graph?view=map&weight=1&waves=1-2")
    mapped(page)
    no_figure_sends_its_data_away(page)
    expect(page.get_by_role("button", name="Options")).to_have_attribute("aria-expanded", "true")
    assert not serious(page), "in light"
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
    assert not serious(page, in_dark=True), "in dark"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_names_keep_off_the_lines_of_a_picture_that_has_few(page: Page, small: str) -> None:
    """A name has many places beside its disc, and the lines of a chain leave some of them free."""
    opened(page, f"{small}/graph?dataset=small&layer=tuned&view=neighbours&skill=d05")
    until(page, "sgLabels.shown(cy)?.names.length > 1")
    on_graph(
        page,
        """(cy.batch(() => {
             const [first, second, third, ...others] = cy.nodes().toArray();
             cy.remove(cy.collection(others).union(cy.edges()));
             [[first, 0, 0], [second, 120, 0], [third, 120, 90]].forEach(([n, x, y]) => n.position({ x, y }));
             [[first, second], [second, third]].forEach(([a, b]) => cy.add({
               group: "edges", data: { source: a.id(), target: b.id(), width: 2, opacity: 1 } }));
             cy.veil(() => null);
           }), true)""",
    )
    until(page, "sgLabels.shown(cy).names.length === 3 && sgLabels.shown(cy).discs.length === 3")
    shown = on_graph(
        page,
        """({ names: sgLabels.shown(cy).names, lines: cy.edges().map(edge => {
             const a = edge.source().renderedPosition(), b = edge.target().renderedPosition();
             return [a.x, a.y, b.x, b.y]; }) })""",
    )
    assert len(shown["lines"]) == 2
    for x1, y1, x2, y2 in shown["lines"]:
        for step in range(1_001):  # a name is many times longer than a thousandth of a line
            x, y = x1 + (x2 - x1) * step / 1_000, y1 + (y2 - y1) * step / 1_000
            assert not any(name["x1"] < x < name["x2"] and name["y1"] < y < name["y2"] for name in shown["names"]), (
                "a line lies under a name"
            )


def test_groups_bear_as_much_of_their_names_as_their_discs_have_room_for(page: Page, small: str) -> None:
    """Beside a disc that has no room there are the first name and the number."""
    opened(page, f"{small}/graph?dataset=small&layer=tuned&view=groups")
    until(page, "sgLabels.shown(cy)?.names.length > 0")
    on_graph(
        page,
        """(cy.batch(() => {
             cy.remove(cy.elements());
             [220, 90, 40, 10].forEach((size, i) => cy.add({ group: "nodes", classes: "group",
               data: { ...cy.nodes().data(), id: `g:${i}`, label: "one\\nanother, which is long\\n7 skills", size },
               position: { x: 40 + 140 * i, y: 150 } }));
           }), true)""",
    )
    on_graph(page, "(cy.viewport({ zoom: 1, pan: { x: 80, y: 0 } }), true)")  # a new picture is first fitted
    until(page, "cy.zoom() === 1 && sgLabels.shown(cy).names.length === 4 && sgLabels.shown(cy).discs[0].r === 110")
    shown = on_graph(page, "sgLabels.shown(cy)")
    rows = {name["id"]: name["rows"] for name in shown["names"]}
    short = ["one", "7 skills"]
    assert rows == {"g:0": ["one", "another, which is long", "7 skills"], "g:1": short, "g:2": ["one"], "g:3": short}
    discs = {disc["id"]: disc for disc in shown["discs"]}
    for name in shown["names"]:
        disc = discs[name["id"]]
        middle = (name["x1"] + name["x2"]) / 2, (name["y1"] + name["y2"]) / 2
        apart = abs(middle[0] - disc["x"]) + abs(middle[1] - disc["y"])
        assert (apart < 1) == (name["id"] != "g:3")  # pixels: a name inside stands in the middle
