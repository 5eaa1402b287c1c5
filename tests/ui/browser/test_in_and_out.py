"""Tasks from beginning to end: a file goes in, is learned from, and leaves as a page that opens anywhere."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from explorer.service import associate
from explorer.service import learn as learn_layer
from explorer.store.opening import open_store
from loaders.formats import load
from tests.support.demo import make_demo_store
from tests.ui.browser.seen import at_rest, drawn, has_state, opened, opened_alone, pdf_text, serious, until

pytestmark = pytest.mark.browser

TEXTS = "id,skills\n" + "".join(f"t{i},{';'.join(f'skill {k}' for k in range(i % 6 + 1))}\n" for i in range(12))


def saved(page: Page, name: str, tmp_path: Path) -> Path:
    """What a button of the menu at the top right saves."""
    page.locator("details.take summary").click()
    with page.expect_download() as download:
        page.locator(".take-items").get_by_role("button", name=name).click()
    target = tmp_path / download.value.suggested_filename
    download.value.save_as(target)
    return target


@pytest.mark.ci
def test_a_file_goes_in_by_keyboard_and_leaves_as_a_page(
    page: Page, serve: Any, tmp_path: Path, watched: list[str]
) -> None:
    address = serve(tmp_path / "mine.kgl")  # there is no store yet
    opened(page, f"{address}/load")
    at_rest(page)
    source = tmp_path / "lessons.csv"
    source.write_text(TEXTS)
    page.locator("#ld-choose").set_input_files(source)  # the browser's own dialog has no keys to press here
    expect(page.locator("#look-result")).to_contain_text("12 texts, 6 skills, 42 requirements")
    expect(page.locator("#ld-command")).to_have_text("skillgraph load lessons.csv --dataset lessons")
    assert not serious(page)
    page.get_by_role("button", name="Load", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#load-result")).to_contain_text("This load brought 12 texts and 6 new skills")
    opened(page, f"{address}/runs?run=learn&name=first")
    at_rest(page)
    page.locator("#runs-go").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#runs-result")).to_contain_text("first: 6 of 6 skills learned")
    opened(page, f"{address}/graph?layer=first")
    drawn(page, "cy")
    page.get_by_label("Export").focus()
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name="Page to send (HTML)").press("Enter")
    sent = tmp_path / "sent.html"
    download.value.save_as(sent)
    opened_alone(page, sent)
    page.get_by_role("combobox", name="Find a skill").press_sequentially("skill 3")
    page.keyboard.press("Enter")
    panel = page.locator("#panel")
    expect(panel.get_by_role("heading", level=2)).to_have_text("skill 3")
    expect(panel).to_contain_text("skill 0")
    expect(page.get_by_role("group", name="Legend").get_by_role("button")).not_to_have_count(0)
    page.context.set_offline(False)
    watched[:] = [line for line in watched if "file://" not in line]


def functions_of(*packages: str) -> str:
    """The functions of packages of the standard library with their skills, as the demo has them, as a table."""
    rows = [row for package in packages for row in load(package, name="d").dataset.requirements.to_pylist()]
    return "text,skill\n" + "".join(f"{row['text']},{row['skill']}\n" for row in rows)


def put_in(page: Page, address: str, query: str, file: Path) -> None:
    """Load a file from the page."""
    opened(page, f"{address}/load{query}")
    at_rest(page)
    page.locator("#ld-choose").set_input_files(file)
    expect(page.locator("#look-result")).to_contain_text("requirements")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.locator("#load-result")).to_contain_text("This load brought")


def learn(page: Page, address: str, query: str, said: str) -> None:
    """Learn a layer from the page."""
    opened(page, f"{address}/runs?run=learn&{query}")
    at_rest(page)
    page.locator("#runs-go").click()
    expect(page.locator("#runs-result")).to_contain_text(said)


@pytest.mark.long
def test_what_a_child_gained_from_a_file_is_sent_to_a_colleague(
    page: Page, serve: Any, tmp_path: Path, watched: list[str]
) -> None:
    """The question of the demo, on its own store: file in, child learned, report out and read."""
    store = tmp_path / "python.kgl"
    make_demo_store(store)
    address = serve(store)
    (tmp_path / "more.csv").write_text(functions_of("dbm", "sqlite3"), encoding="utf-8")
    put_in(page, address, "?mode=append&dataset=python", tmp_path / "more.csv")
    learn(page, address, "name=child&base=foundation&mode=continued&part=more", "child: ")
    written = open_store(store, mode="read")
    before, after = (
        set(written.read_layer("python", layer).skills["skill"].to_pylist()) for layer in ("foundation", "child")
    )
    gained = after - before
    assert gained
    assert before <= after
    opened(page, f"{address}/family?root=foundation")
    expect(page.locator("#f-result")).to_contain_text("changes against the base")
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (HTML)").click()
    sent = tmp_path / "family.html"
    download.value.save_as(sent)
    opened_alone(page, sent)
    page.locator("summary", has_text=f"child: {len(gained)} skills gained").click()  # long lists are folded
    told = page.locator("body").inner_text()
    names = {row["id"]: row["name"] for row in written.read_dataset("python").skills.to_pylist()}
    assert f"child: {len(gained)} skills gained" in told
    assert all(names[skill] in told for skill in gained)
    page.context.set_offline(False)
    watched[:] = [line for line in watched if "file://" not in line]


@pytest.mark.ci
def test_pages_are_taken_away_as_tables_and_pictures(page: Page, small: str, tmp_path: Path) -> None:
    opened(page, f"{small}/percolation?layer=tuned")
    drawn(page, "r-cy")
    row = page.locator("#r-keystones .ag-center-cols-container .ag-row").first
    row.click()
    until(page, "r-cy", "cy && cy.nodes('.sought').length === 1")
    table = list(
        csv.reader(io.StringIO(saved(page, "What holds the learned skills together (CSV)", tmp_path).read_text()))
    )
    assert table[0][1:3] == ["Skill", "Costs"]
    assert len(table) == 21
    picture = saved(page, "Percolation (SVG)", tmp_path).read_text()
    assert "<title>Percolation: small · tuned</title>" in picture
    assert "viewBox=" in picture
    assert "in the largest cluster" in picture  # the legend, as text
    title = "Über λ 検索 שלום"
    heading = page.get_by_role("heading", level=1)
    heading.evaluate("(heading, title) => { heading.textContent = title }", title)
    printed = saved(page, f"{title} (PDF)", tmp_path).read_bytes()
    assert len(printed) < 1_000_000
    assert "in the largest cluster" in pdf_text(printed)
    assert b"/Subtype /Image" in printed  # what no font here can write is drawn by the browser


@pytest.mark.ci
def test_views_are_saved_in_the_store_for_everybody(page: Page, own: str, own_store: Path, tmp_path: Path) -> None:
    opened(page, f"{own}/classes?layer=tuned")
    at_rest(page)
    page.evaluate("() => { document.getElementById('page').firstChild.dataset.same = 'yes' }")
    page.get_by_label("Saved views").first.click()
    page.get_by_label("Save this page").fill("<b>mine</b>")
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="<b>mine</b>")
    expect(link).to_be_visible()
    assert not serious(page)
    page.get_by_label("Save this page").fill("<b>mine</b>")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".view-problem")).to_contain_text("there is a saved view '<b>mine</b>' already")
    page.get_by_role("button", name="Replace", exact=False).click()
    expect(page.get_by_role("status")).to_have_text("Saved “<b>mine</b>”.")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export", exact=True).click()
    file = tmp_path / "views.json"
    download.value.save_as(file)
    assert page.locator("[data-same]").count() == 1  # the page stayed as it was: views are no content
    view = open_store(own_store, mode="read").views()[0]
    assert (view.name, view.address) == ("<b>mine</b>", "/classes?layer=tuned")
    opened(page, f"{own}/query?q=MATCH+(s:Skill)+RETURN+s.id+LIMIT+3")
    page.get_by_label("Saved views").first.click()
    page.get_by_role("button", name="Rename <b>mine</b>").click()
    page.keyboard.type("ours")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="ours").click()
    page.wait_for_url("**/classes?layer=tuned")
    page.get_by_label("Saved views").first.click()
    page.get_by_role("button", name="Delete ours").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import", exact=True).click()
    chooser.value.set_files(file)
    expect(link).to_be_visible()
    # what an earlier version kept in the browser is taken over once
    kept = [{"name": "old", "path": "/graph", "search": "?layer=tuned"}]
    page.evaluate("kept => localStorage.setItem('skillgraph-views', JSON.stringify(kept))", kept)
    page.get_by_label("Saved views").first.click()
    page.get_by_label("Saved views").first.click()
    page.get_by_role("button", name="Take over this browser's views").click()
    expect(page.get_by_role("link", name="old")).to_have_attribute("href", "/graph?layer=tuned")
    expect(page.get_by_role("button", name="Take over this browser's views")).to_have_count(0)


NEW = (
    ("/why?layer=foundation&skill=u0", "#w-result .why-said"),
    ("/family", "#f-matrix .js-plotly-plot .main-svg"),
    ("/runs?run=plan&layer=tuned", "#runs-command"),
)


@pytest.mark.parametrize(
    ("path", "ready"),
    [*(pytest.param(*new, marks=pytest.mark.long) for new in NEW[:2]), NEW[2]],
)
def test_new_pages_are_open_to_everybody(page: Page, small: str, path: str, ready: str) -> None:
    opened(page, small + path)
    expect(page.locator(ready).first).to_be_visible()
    at_rest(page)
    expect(page.locator("#notice")).to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not serious(page)


@pytest.mark.long
@pytest.mark.parametrize(("path", "ready"), NEW)
def test_new_pages_are_open_to_everybody_in_dark(page: Page, small: str, path: str, ready: str) -> None:
    opened(page, small + path)
    expect(page.locator(ready).first).to_be_visible()
    if path.startswith("/why"):
        page.locator("#w-result").get_by_role("button", name="skill u1").first.click()
        expect(page.locator("#w-result h2")).to_have_text("skill u1")
        has_state(page, "skill", "u1")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
    assert not serious(page, in_dark=not path.startswith("/why"))


COUNT = """() => {
  window.clicks = 0;
  if (!window.counted) document.addEventListener('click', (e) => { if (e.isTrusted) window.clicks++; }, true);
  window.counted = true;
}"""


@pytest.mark.long
def test_every_skill_is_three_clicks_from_why(page: Page, small: str) -> None:
    """From any page, since all have the same menu; `options` of the field finds every skill."""
    opened(page, small)
    at_rest(page)
    for name, state in (("skill u0", "not learned"), ("skill b05", "learned")):
        page.evaluate(COUNT)
        page.get_by_role("link", name="Why not", exact=True).click()
        page.get_by_role("textbox", name="A skill of the dataset, learned or not").click()
        page.keyboard.type(name)
        page.get_by_role("option", name=re.compile(f"^{name} · ")).click()
        expect(page.locator("#w-result h2")).to_have_text(name)
        expect(page.locator("#w-result .chip").first).to_have_text(state)
        assert page.evaluate("window.clicks") <= 3
        # and from a table of another page in two
        page.evaluate(COUNT)
        page.get_by_role("link", name="Layers", exact=True).click()
        # The table is complete before one of its links is followed.
        expect(page.locator("#p-changes")).to_be_visible()
        at_rest(page)
        page.get_by_role("link", name=re.compile("^Why: ")).first.click()
        page.wait_for_url("**/why?*skill=*")
        expect(page.locator("#w-result .why-said")).to_be_visible()
        assert page.evaluate("window.clicks") == 2


@pytest.mark.long
def test_pictures_of_a_graph_as_large_as_the_demos_go_into_a_mail(page: Page, serve: Any, tmp_path: Path) -> None:
    """1,800 skills are drawn, as of the demo's largest layer; a picture of all colours would be twice as large."""
    store = open_store(tmp_path / "large.kgl", mode="write")
    # each skill in a text of its own, so that all are learned, and 4,000 texts of six skills, few of which are popular
    drawn_skills = (1_800 * np.random.default_rng(0).random((4_000, 6)) ** 2).astype(int)
    lists = [[k] for k in range(1_800)] + [sorted(set(row)) for row in drawn_skills.tolist()]
    listed = [{"id": f"t{i}", "skills": [f"skill number {k}" for k in row]} for i, row in enumerate(lists)]
    (tmp_path / "large.json").write_text(json.dumps(listed))
    store.write_dataset(load(tmp_path / "large.json", name="large").dataset)
    learn_layer(store, "large", name="all")
    associate(store, "large", "all")
    store.close()
    page.goto(f"{serve(tmp_path / 'large.kgl')}/graph")
    drawn(page, "cy")
    content: dict[str, bytes] = {}
    for name, most in (
        ("Picture (PNG)", 1_000_000),
        ("Drawing (SVG)", 1_000_000),
        ("Drawing (PDF)", 1_000_000),
        ("Page to send (HTML)", 3_000_000),
    ):
        page.get_by_label("Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        content[name] = Path(download.value.path()).read_bytes()
        assert len(content[name]) <= most, name
    picture = content["Picture (PNG)"]
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    parts: dict[bytes, bytes] = {}
    at = 8
    while at < len(picture):
        size, kind = int.from_bytes(picture[at : at + 4]), picture[at + 4 : at + 8]
        body = picture[at + 8 : at + 8 + size]
        assert int.from_bytes(picture[at + 8 + size : at + 12 + size]) == zlib.crc32(kind + body)
        parts[kind], at = body, at + 12 + size
    width, height = int.from_bytes(parts[b"IHDR"][:4]), int.from_bytes(parts[b"IHDR"][4:8])
    assert parts[b"IHDR"][8:] == bytes((8, 3, 0, 0, 0))  # a palette
    rows = zlib.decompress(parts[b"IDAT"])
    assert len(rows) == (width + 1) * height
    assert max(rows) < len(parts[b"PLTE"]) // 3 <= 256
    colours = {tuple(parts[b"PLTE"][i : i + 3]) for i in range(0, len(parts[b"PLTE"]), 3)}
    # the ground is there as it is, up to the bits that are left out
    assert min(max(255 - channel for channel in colour) for colour in colours) <= 6
    assert min(width, height) > 600
