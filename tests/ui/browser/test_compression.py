"""The compression page in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from explorer.service import layer_view
from explorer.service.text_code import code_text, measure_layer, receive
from explorer.store.opening import open_store
from tests.ui.browser.seen import has_state, mark_option, opened, plotted
from tests.ui.conftest import HOSTILE
from ui.components import fraction
from ui.pages.compression import first_text, hex_lines, search

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_a_text_is_searched_and_its_code_is_shown(page: Page, small: str, store_path: Path) -> None:
    store = open_store(store_path, mode="read")
    tuned, base = layer_view(store, "small", "tuned"), layer_view(store, "small", "foundation")
    opened(page, f"{small}/compression?layer=tuned")
    field = page.get_by_role("textbox", name="Text", exact=True)
    expect(field).to_have_value(code_text(tuned, first_text(tuned)).title)
    mark_option(page, field, "text g01", options=10, place=2)
    page.keyboard.press("Enter")
    page.wait_for_function("() => (new URLSearchParams(location.search).get('text') || '').startsWith('g01')")
    chosen = parse_qs(urlsplit(page.url).query)["text"][0]
    code = code_text(tuned, chosen)
    expect(field).to_have_value(code.title)
    expect(page.locator(".code-hex")).to_have_text(hex_lines(code.data))
    expect(page.locator("#z-code .chip")).to_have_count(len(code.skills))
    expect(page.locator("#z-code tr", has_text="in all")).to_contain_text(f"{code.bits:,.1f}")
    received = receive(tuned, base, code)
    expect(page.locator(".finger")).to_have_text(received.fingerprint[:12])
    expect(page.locator("#z-code")).to_contain_text("it refuses the file with a message")
    page.get_by_role("textbox", name="Receiver's layer").click()
    page.get_by_role("option", name="tuned").click()
    has_state(page, "receiver", "tuned")
    expect(page.locator("#z-code")).to_contain_text("it reads the file and recovers these skills")


@pytest.mark.long
def test_a_text_that_is_not_understood_is_sent_as_it_is(page: Page, small: str) -> None:
    opened(page, f"{small}/compression?text=h0&model=uniform")
    expect(page.locator("#z-code")).to_contain_text("has not learned 2 of its 2 skills, so it sends the whole text")
    expect(page.locator(".chip-novel")).to_have_count(2)
    expect(page.get_by_role("textbox", name="Skills are coded")).to_have_value("all skills alike")


@pytest.mark.long
def test_the_whole_layer_and_the_channel(page: Page, small: str, store_path: Path) -> None:
    report = measure_layer(open_store(store_path, mode="read"), "small", "tuned")
    opened(page, f"{small}/compression?layer=tuned&receiver=foundation&erasure=0.3")
    for name in ("z-bits", "z-rate", "z-channel"):
        plotted(page, name)
    expect(page.locator("#z-stats .stat-value").first).to_have_text(fraction(report.understood_share))
    shown = [page.locator("#z-stats .stat-value").nth(k) for k in (1, 2, 3, 4)]
    bits = report.bits
    for value, stat in zip((bits.sets, bits.skills_xz, bits.file, bits.xz), shown, strict=True):
        expect(stat).to_have_text(f"{value:,.1f}")  # like for like first, and nothing left out
    expect(page.locator("#z-erasure-shown")).to_have_text("30%")
    expect(page.locator("#z-channel-said")).to_contain_text("require a skill that the receiver has not learned")
    slider = page.get_by_role("slider", name="Share of packets that are lost")
    slider.focus()
    page.keyboard.press("ArrowRight")
    has_state(page, "erasure", "0.35")
    expect(page.locator("#z-erasure-shown")).to_have_text("35%")


@pytest.mark.ci
def test_names_are_text(page: Page, small: str, store_path: Path) -> None:
    view = layer_view(open_store(store_path, mode="read"), "small", "foundation")
    place = view.indexed.skills.ids.to_pylist().index("b00")
    graph = view.indexed.graph
    row = int(np.repeat(np.arange(graph.n_texts), graph.text_degrees)[graph.text_skills == place][0])
    opened(page, f"{small}/compression?text={quote(view.indexed.text_ids[row].as_py())}")
    expect(page.locator("#z-code .chip", has_text=HOSTILE)).to_be_visible()
    assert page.locator("#page img, #page script").count() == 0


@pytest.mark.long
def test_a_text_that_is_not_there_is_said(page: Page, small: str) -> None:
    opened(page, f"{small}/compression?text=nowhere")
    expect(page.locator(".notice")).to_contain_text("'nowhere'")
    expect(page.locator(".code-hex")).to_be_visible()


def test_search_offers_what_begins_so_first(store_path: Path) -> None:
    view = layer_view(open_store(store_path, mode="read"), "small", "foundation")
    titles = [option["label"] for option in search(view, "F00", None)]
    assert titles == [f"text f00{i}" for i in range(10)]
    assert search(view, "no such", "h0") == [{"value": "h0", "label": "text h0"}]
