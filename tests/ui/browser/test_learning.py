"""The learning page in a real Chromium: what if, and what more texts would teach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from explorer.service import exit_chart, layer_view, predict, subsample, threshold
from explorer.store.opening import open_store
from tests.ui.browser.seen import drawn, has_state, on_canvas, opened, plotted, until
from ui.components import fraction
from ui.pages.learning import gains

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_what_if_has_a_slider_for_d(page: Page, small: str) -> None:
    opened(page, f"{small}/learning?tab=what-if&c=4&R=0.5&learner=one")
    values = page.locator("#l-expect .stat-value")
    for d, learner in ((1, "one"), (2, "d:2"), (3, "d:3")):
        expect(page.locator("#l-D-shown")).to_have_text(str(d))
        has_state(page, "learner", learner)
        expected = predict(4.0, 0.5, learner)
        expect(values.first).to_have_text(fraction(expected.learned))
        expect(values.nth(1)).to_have_text(fraction(expected.testing_error))
        ratio = threshold(4.0, learner).ratio
        expect(values.nth(2)).to_have_text("gradual" if ratio is None else f"{ratio:.2f}")
        page.get_by_role("slider", name="Most unknown skills").focus()
        page.keyboard.press("ArrowRight")


@pytest.mark.parametrize(
    "query",
    [
        "R=nan",
        *(pytest.param(query, marks=pytest.mark.long) for query in ("c=1e309", "c=-inf&R=x", "learner=capacity:nan")),
    ],
)
def test_what_if_of_no_number_is_the_layers_own(page: Page, small: str, query: str) -> None:
    opened(page, f"{small}/learning?tab=what-if&{query}")
    plotted(page, "l-what-if")
    expect(page.locator("#l-expect .stat-value").first).to_contain_text("%")
    expect(page.locator("#notice")).to_be_empty()


@pytest.mark.long
def test_names_are_on_the_canvas_and_meet_neither_each_other_nor_a_disc(page: Page, small: str) -> None:
    opened(page, f"{small}/learning")
    drawn(page, "l-cy")
    page.wait_for_function("() => window.sgLabels.shown(document.getElementById('l-cy')._cyreg.cy)?.names.length > 5")
    width, height = on_canvas(page, "l-cy", "[cy.width(), cy.height()]")
    shown = on_canvas(page, "l-cy", "window.sgLabels.shown(cy)")
    names, discs = shown["names"], shown["discs"]
    for i, one in enumerate(names):
        assert one["x1"] >= 0, one
        assert one["y1"] >= 0, one
        assert one["x2"] <= width, one
        assert one["y2"] <= height, one
        for other in names[i + 1 :]:
            apart = (
                one["x2"] <= other["x1"]
                or other["x2"] <= one["x1"]
                or one["y2"] <= other["y1"]
                or other["y2"] <= one["y1"]
            )
            assert apart, (one, other)
        for disc in discs:
            if disc["id"] != one["id"]:
                dx = disc["x"] - min(max(disc["x"], one["x1"]), one["x2"])
                dy = disc["y"] - min(max(disc["y"], one["y1"]), one["y2"])
                assert dx * dx + dy * dy >= disc["r"] ** 2 - 0.5, (one, disc)


@pytest.mark.long
def test_what_if_with_a_random_capacity(page: Page, small: str) -> None:
    opened(page, f"{small}/learning?tab=what-if&c=4&R=0.6&learner=capacity:0.6")
    expect(page.get_by_role("radio", name="a random number")).to_be_checked()
    expect(page.locator("#l-expect .stat-value").first).to_have_text("84.7 %")  # 1 - 0.1526: docs/theory.md, section 8
    expect(page.get_by_role("slider", name="Most unknown skills")).to_be_hidden()
    page.get_by_role("slider", name="Probability of going on").focus()
    page.keyboard.press("ArrowLeft")
    has_state(page, "learner", "capacity:0.55")
    expect(page.locator("#l-expect .stat-value").first).to_have_text(
        fraction(predict(4.0, 0.6, "capacity:0.55").learned)
    )


@pytest.mark.long
def test_more_texts(page: Page, small: str, store_path: Path) -> None:
    store = open_store(store_path, mode="read")
    curve = subsample(store, "small", "foundation", replicates=5)
    skills = layer_view(store, "small", "foundation").indexed.graph.n_skills
    measured, expected = gains(curve, skills)
    assert sum(measured) == pytest.approx(curve.learned[-1] * skills)
    assert sum(expected) == pytest.approx(curve.degrees[-1] * skills)
    opened(page, f"{small}/learning?tab=texts")
    drawn = page.wait_for_function("() => document.querySelector('#l-gains .js-plotly-plot')?.data?.[0]?.y?.length")
    assert drawn.json_value() == len(measured)
    half = curve.learned[[round(s, 2) for s in curve.shares].index(0.5)]
    expect(page.locator("#l-more .stat-value").first).to_have_text(fraction(half))
    expect(page.locator("#l-more .stat-value").nth(1)).to_have_text(f"{sum(measured[-2:]):,.1f} skills")
    plotted(page, "l-subsample")
    expect(page.get_by_role("radio", name="More texts")).to_be_checked()


@pytest.mark.long
def test_exit_curves_of_each_ensemble(page: Page, small: str, store_path: Path) -> None:
    chart = exit_chart(open_store(store_path, mode="read"), "small", "foundation")
    opened(page, f"{small}/learning")
    page.get_by_text("EXIT curves", exact=True).click()
    has_state(page, "tab", "exit")
    drawn = page.wait_for_function("() => document.querySelector('#l-exit .js-plotly-plot')?.data?.length")
    assert drawn.json_value() == 3 * len(chart.lines)
    expect(page.locator("#l-exit-words .sentence")).to_have_count(len(chart.lines))
    expect(page.locator("#l-exit-words")).to_contain_text(f"x = {chart.lines[-1].fixed:.3f}")


@pytest.mark.long
def test_playback_plays_pauses_and_steps(page: Page, small: str) -> None:
    opened(page, f"{small}/learning?wave=0")
    expect(page.locator("#l-wave-title")).to_contain_text("Before the first wave")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator("#l-wave-title")).to_contain_text("Wave 2")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    now = int(page.get_by_role("slider", name="Wave").get_attribute("aria-valuenow") or "")
    page.get_by_role("button", name="One wave back").click()
    expect(page.get_by_role("slider", name="Wave")).to_have_attribute("aria-valuenow", str(max(now - 1, 0)))


@pytest.mark.long
def test_what_is_never_learned_is_drawn_on_demand_and_why_is_one_click_away(page: Page, small: str) -> None:
    opened(page, f"{small}/learning?layer=foundation")
    drawn(page, "l-cy")
    assert on_canvas(page, "l-cy", "cy.nodes('.never').length") == 0
    expect(page.locator("#l-caption")).to_contain_text("and are not drawn")
    before = on_canvas(page, "l-cy", "cy.nodes().length")
    page.get_by_label("Draw skills that are never learned").check()
    has_state(page, "never", "1")
    until(page, "l-cy", f"cy.nodes('.never').length && cy.nodes().length === {before} + cy.nodes('.never').length")
    expect(page.locator("#l-caption")).to_contain_text("hollow")
    assert on_canvas(page, "l-cy", "cy.nodes('.never').map(n => n.data('id'))").count("u:u0") == 1
    assert not on_canvas(page, "l-cy", "cy.nodes('.never.ghost, .never.frontier').length")
    until(
        page,
        "l-cy",
        "cy.nodes('.never').every(n => n.renderedPosition().x > 0 && n.renderedPosition().y < cy.height())",
    )
    page.get_by_role("link", name=re.compile("^Why: ")).first.click()
    page.wait_for_url(re.compile(r"/why\?.*skill="))
    expect(page.locator(".why-learned")).to_be_visible()
    page.go_back()
    until(page, "l-cy", "cy && sgTools.notes(cy).asks && cy.getElementById('u:u0').length")
    on_canvas(page, "l-cy", "(cy.getElementById('u:u0').emit('tap'), true)")
    page.wait_for_url(re.compile("/why.*skill=u0"))
    expect(page.locator(".why-hollow").first).to_have_text("not learned")
    until(page, "w-cy", "cy && sgTools.notes(cy).asks && cy.getElementById('s:u1').length")
    on_canvas(page, "w-cy", "(cy.getElementById('s:u1').emit('tap'), true)")
    has_state(page, "skill", "u1")
