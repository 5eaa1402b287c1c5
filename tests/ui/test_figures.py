"""Figures of the layers, percolation and classes pages, and two layers as one graph."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from analysis.components import components
from analysis.threshold import StabilityRegion
from explorer.service import LayerComparison, LayerView, compare, layer_view, percolate
from explorer.service.family import family
from explorer.store.opening import open_store
from tests.ui.conftest import HOSTILE
from tests.ui.course import fill
from ui.choice import Choice
from ui.drawing.figures import (
    groups_said,
    learned_by_class_figure,
    learned_by_level_figure,
    percolation_figure,
    region_figure,
)
from ui.drawing.pairs import anchor_rows, chosen_changes, pair_elements, pair_graph
from ui.drawing.stability import two_classes
from ui.drawing.style import (
    CATEGORIES,
    CHANGE_SHAPES,
    CHANGES,
    OTHER,
    PLAIN,
    ROLES,
    SHADES,
    cytoscape_stylesheet,
    figure_layout,
    ink_on,
    pair_stylesheet,
    ramp,
    shade,
)
from ui.pages.classes.answers import heat_figure, share_figure, tree_figure
from ui.pages.layers import change_rows, odd_pair, tree_of
from ui.pages.overview import provenance_lines
from ui.pages.percolation import drawn_skills, frames, learned_curve, removal_rows, sweep_rows

FloatArray = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("course") / "course.kgl"
    fill(path)
    opened = open_store(path, mode="read")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def views(store) -> tuple[LayerView, LayerView]:
    return layer_view(store, "course", "foundation"), layer_view(store, "course", "continued")


@pytest.fixture(scope="module")
def evidence(store) -> LayerComparison:
    return compare(store, "course", "base", "tuned")


def test_every_change_has_a_colour_and_a_shape() -> None:
    assert set(CHANGES) == set(CHANGE_SHAPES) == {"kept", "gained", "lost", "open"}
    assert len(set(CHANGES.values())) == len(set(CHANGE_SHAPES.values())) == len(CHANGES)
    assert any(rule["style"].get("shape") == "data(shape)" for rule in pair_stylesheet("light"))


def test_bars_by_class_and_level_add_up(evidence: LayerComparison) -> None:
    expected = {kind: getattr(evidence, kind) for kind in ("kept", "gained", "lost")}
    expected |= {"open": evidence.open} if evidence.open else {}
    for chart in (learned_by_class_figure(evidence), learned_by_level_figure(evidence)):
        assert {bar.name: sum(bar.x) for bar in chart.data} == expected
        assert len({bar.marker.pattern.shape for bar in chart.data}) == len(chart.data)


def test_open_skills_are_drawn_as_such(store) -> None:
    found = compare(store, "course", "base", "tuned")
    moved = tuple(replace(c, change="open", mastery_second=None) if c.change == "lost" else c for c in found.changes)
    views = layer_view(store, "course", "base"), layer_view(store, "course", "tuned")
    pair = pair_graph(store, views, replace(found, changes=moved))
    drawn = [e["data"] for e in pair_elements(pair) if e["data"].get("change") == "open"]
    assert len(drawn) == found.lost + found.open
    assert all(d["shape"] == CHANGE_SHAPES["open"] for d in drawn)
    lost = {f"s:{c.skill}" for c in found.changes if c.change == "lost"}
    assert lost
    assert all(d["first"] and not d["second"] for d in drawn if d["id"] in lost)
    assert f"all {found.lost + found.open} open" in pair.caption


def test_both_sides_of_a_pair_are_where_they_are(store, views: tuple[LayerView, LayerView]) -> None:
    found = compare(store, "course", "foundation", "continued")
    pair = pair_graph(store, views, found)
    data = {e["data"]["id"][2:]: e["data"] for e in pair_elements(pair) if "change" in e["data"]}
    for side, view in zip(("first", "second"), views, strict=True):
        learned = set(view.indexed.skills.take(np.flatnonzero(view.learned)).to_pylist())
        assert {skill for skill, d in data.items() if d[side]} == learned
    assert set(data) == {c.skill for c in found.changes}
    assert {row["id"]: row["change"] for row in change_rows(found)} == {s: d["change"] for s, d in data.items()}


def test_a_pair_without_a_common_graph_is_of_the_texts_of_both(store) -> None:
    views = layer_view(store, "course", "foundation"), layer_view(store, "course", "tuned")
    found = compare(store, "course", "foundation", "tuned")
    pair = pair_graph(store, views, found)
    assert pair.graph.n == len(found.changes)
    assert pair.graph.view.indexed.graph.n_texts == views[1].indexed.graph.n_texts


def test_room_is_kept_for_what_changed(evidence: LayerComparison) -> None:
    uses = {c.skill: 1 for c in evidence.changes}
    moved = {c.skill for c in evidence.changes if c.change in ("lost", "gained")}
    assert moved
    for limit in (len(moved), len(moved) + 3):
        few = chosen_changes(evidence.changes, uses, limit=limit)
        assert moved <= {c.skill for c in few}
        assert len(few) == limit
    assert len(chosen_changes(evidence.changes, uses)) == len(evidence.changes)


def test_more_changed_skills_than_are_drawn_share_the_picture_and_a_class_brings_the_rest(
    evidence: LayerComparison,
) -> None:
    base = evidence.changes[0]
    kinds = ["gained"] * 2_000 + ["lost"] * 3 + ["kept"] * 500
    changes = [
        replace(base, skill=f"s{i:04d}", change=kind, skill_class="rare" if i % 100 == 7 else None)
        for i, kind in enumerate(kinds)
    ]
    uses = {c.skill: 1 for c in changes}
    few = Counter(c.change for c in chosen_changes(changes, uses, 800))
    assert few["lost"] >= 1
    assert few["lost"] + few["gained"] == 800
    with_class = chosen_changes(changes, uses, 800, "rare")
    assert len(with_class) == 800
    assert {c.skill for c in changes if c.skill_class == "rare"} <= {c.skill for c in with_class}
    assert Counter(c.change for c in chosen_changes(changes, uses, 2_100)) == {"gained": 2_000, "lost": 3, "kept": 97}


def test_a_picture_of_a_part_says_what_brings_in_the_rest(store, views: tuple[LayerView, LayerView]) -> None:
    found = compare(store, "course", "foundation", "continued")
    pair = pair_graph(store, views, found, limit=4)
    assert not pair.whole
    assert "“Draw”" in pair.caption
    assert "class" in pair.caption
    assert pair_graph(store, views, found).whole


def test_anchors_count_attachments(evidence: LayerComparison) -> None:
    rows = anchor_rows(evidence.changes, "lost")
    lost = [c for c in evidence.changes if c.change == "lost"]
    assert sum(row["attached"] for row in rows) == sum(len(c.attachments) for c in lost)
    assert sum(row["texts"] for row in rows) == sum(a.weight for c in lost for a in c.attachments)
    assert [row["attached"] for row in rows] == sorted((row["attached"] for row in rows), reverse=True)
    assert not anchor_rows(evidence.changes, "kept")


def test_family_is_a_tree(store) -> None:
    report = family(store, "course")
    roots = tree_of(report)
    assert {node[0].layer.name for node in roots} == {"base", "foundation"}
    children = {node[0].layer.name: [child[0].layer.name for child in node[1]] for node in roots}
    assert children == {"base": ["tuned"], "foundation": ["continued"]}


def test_drawn_skills_are_of_all_uses() -> None:
    degrees = np.arange(5_000)[::-1]
    chosen = drawn_skills(degrees)
    assert len(set(chosen.tolist())) == len(chosen) == 900
    assert {0, 1, 2} <= set(chosen.tolist())
    assert degrees[chosen].min() == 0
    assert sorted(drawn_skills(np.array([3, 1, 2])).tolist()) == [0, 1, 2]


def test_frames_with_the_most_used_gone_first(small_graph) -> None:
    graph = small_graph.view.indexed.graph
    found = frames(small_graph, steps=10, hubs=True)
    order = np.argsort(graph.skill_degrees, kind="stable")
    kept = np.zeros(graph.n_skills, dtype=bool)
    kept[order[: round(0.6 * graph.n_skills)]] = True
    clusters = components(graph, kept)
    assert found["largest"][6] == pytest.approx(clusters.giant / graph.n_skills)
    assert found["second"][6] == pytest.approx(clusters.sizes[1] / graph.n_skills)
    digits = np.array(list(found["steps"][6]), dtype=int)
    assert np.array_equal(digits > 0, kept[small_graph.skill])
    assert np.array_equal(digits == 2, (clusters.label == 0)[small_graph.skill])


def test_learned_curve_ends_at_the_learned_component(small_graph) -> None:
    view = small_graph.view
    curve = learned_curve(view, points=5)
    assert curve is not None
    n = view.indexed.graph.n_skills
    assert curve.kept[-1] == pytest.approx(view.learned.sum() / n)
    assert curve.giant[-1] == pytest.approx(components(view.indexed.graph, view.learned).giant / n)
    assert curve.giant[0] == curve.predicted[0] == 0.0
    assert np.all(np.diff(curve.predicted) >= 0.0)
    assert len(curve.predicted) == len(curve.predicted_kept) == 5


def test_an_evidence_layer_has_no_exact_curve(store) -> None:
    curve = learned_curve(layer_view(store, "course", "tuned"), points=3)
    assert curve is not None
    assert curve.predicted == ()


def test_percolation_shares_of_the_kept(store) -> None:
    report = percolate(store, "course", "continued", replicates=2)
    hubs = list(report.giant)
    whole = percolation_figure(report, hubs, learned_curve(layer_view(store, "course", "continued")))
    part = percolation_figure(report, hubs, of_kept=True)
    names = [trace.name for trace in whole.data]
    assert len(set(names)) == len(names) == len(part.data) + 2
    first = dict(zip(whole.data[0].x, whole.data[0].y, strict=True))
    for phi, share in zip(part.data[0].x, part.data[0].y, strict=True):
        assert share is None if phi == 0.0 else share == pytest.approx(first[phi] / phi)


def test_removal_rows_follow_the_sweep(small_graph, store_path: Path) -> None:
    view = small_graph.view
    report = percolate(open_store(store_path, mode="read"), "small", "tuned", replicates=2)
    n = view.indexed.graph.n_skills
    hubs = [k / n for k in range(n + 1)]
    rows = removal_rows(view, report, hubs)
    assert [row["removed"] for row in rows] == [1, 2, 5, 10, 20, 50]
    assert rows[0]["targeted"] == f"{100 * (n - 1) / n:.1f} %"
    degrees = view.indexed.graph.skill_degrees
    names = view.indexed.skill_column("name").to_pylist()
    assert degrees[names.index(rows[0]["last"])] == degrees.max()
    assert len(sweep_rows(report, hubs[:1] * len(report.phi))) == 21


def test_region_marks_the_texts(views: tuple[LayerView, LayerView]) -> None:
    two = two_classes(views[1], "class:exam", "class:lecture")
    border = np.array([[1.0, 0.0], [0.0, 1.0]])
    square = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0], [2.0, 2.0], [2.0, 0.0]])
    chart = region_figure(StabilityRegion(border, square, 2.0, 0.5), two)
    assert (chart.data[-1].x, chart.data[-1].y) == ((two.ratios[0],), (two.ratios[1],))
    assert chart.layout.xaxis.range[1] >= max(2.0, *two.ratios)
    empty = region_figure(StabilityRegion(np.empty((0, 2)), np.empty((0, 2)), 2.0, 0.5), two)
    assert not len(empty.data[0].x)


def test_names_of_classes_stay_text(views: tuple[LayerView, LayerView]) -> None:
    two = replace(two_classes(views[1], "class:exam", "class:lecture"), names=(HOSTILE, "x"))
    chart = region_figure(StabilityRegion(np.empty((0, 2)), np.empty((0, 2)), 2.0, 0.5), two)
    assert "<" not in chart.layout.xaxis.title.text


def contrast(first: str, second: str) -> float:
    """WCAG 2's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return float(
            np.dot(
                (0.2126, 0.7152, 0.0722), [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
            )
        )

    dark, bright = sorted((luminance(first), luminance(second)))
    return (bright + 0.05) / (dark + 0.05)


def lightness(colours: Sequence[str], sight: FloatArray) -> FloatArray:
    """OKLab coordinates (Ottosson 2020) of colours as an eye sees them, float64 (n, 3)."""
    shares = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    cones = np.array([[0.41222, 0.53633, 0.05145], [0.2119, 0.68070, 0.10740], [0.0883, 0.28172, 0.62998]])
    mixed = np.array([[0.21045, 0.79362, -0.00407], [1.978, -2.42859, 0.45059], [0.0259, 0.78277, -0.80868]])
    found: FloatArray = np.cbrt(np.clip(linear @ sight.T, 0, 1) @ cones.T) @ mixed.T
    return found


FULL = np.eye(3)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
"""Machado, Oliveira and Fernandes 2009, table 1, severity 1."""


@pytest.mark.parametrize(("sight", "least"), [(FULL, 0.1), (DEUTERANOPIA, 0.04)])
def test_colours_of_groups_differ(sight: FloatArray, least: float) -> None:
    """Two colours side by side are told apart from a distance of about 0.02 on."""
    place = lightness(CATEGORIES, sight)
    apart = np.linalg.norm(place[:, None] - place[None], axis=2) + np.eye(len(place))
    assert len(set(CATEGORIES)) == 16
    assert apart.min() > least


def test_marks_are_seen_on_either_ground() -> None:
    """WCAG 2.2, 1.4.11 in dark; light colours on white are told by their size and name as well."""
    marks = {*CATEGORIES, *ramp(8), *ramp(20), *CHANGES.values(), *ROLES.values(), OTHER, PLAIN}
    assert {mark: contrast(mark, "#161B22") for mark in marks if contrast(mark, "#161B22") < 3.0} == {}
    assert {mark: contrast(mark, "#FFFFFF") for mark in marks if contrast(mark, "#FFFFFF") < 1.9} == {}
    for scheme, ground in (("light", "#FFFFFF"), ("dark", "#161B22")):
        style = cytoscape_stylesheet(scheme)[0]["style"]
        assert contrast(style["color"], ground) > 7
        assert contrast(style["color"], style["text-outline-color"]) > 7


def test_text_in_cells_can_be_read_whatever_fills_them() -> None:
    """The cells and their text have the same colours in light and dark."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    for value in np.linspace(0.0, 1.0, 1001):
        assert contrast(ink_on(shade(float(value))), shade(float(value))) >= 4.5
    assert [shade(place) for place, _ in SHADES] == [colour for _, colour in SHADES]


@pytest.mark.parametrize("measure", ["learned", "mean"])
def test_every_cell_of_the_heat_map_has_its_ink(views: tuple[LayerView, LayerView], measure: str) -> None:
    cells = heat_figure(views[1], measure).data[0]
    seen = 0
    for row, texts in zip(cells.z, cells.text, strict=True):
        for value, text in zip(row, texts, strict=True):
            if np.isnan(value):
                assert text == ""
                continue
            assert f"color:{ink_on(shade(value / cells.zmax))}" in text
            seen += 1
    assert seen


def test_every_box_has_its_ink(views: tuple[LayerView, LayerView]) -> None:
    chart = tree_figure(views[1])
    boxes = chart.data[0]
    assert list(boxes.textfont.color) == [ink_on(shade(share)) for share in boxes.marker.colors]
    assert chart.layout.uniformtext.minsize == 9
    assert chart.layout.uniformtext.mode == "hide"


def test_bar_and_legend_and_both_zeros_have_room() -> None:
    layout = figure_layout()
    assert layout["margin"]["t"] > figure_layout(margin={"t": 8})["margin"]["t"] >= 8 + 20
    assert figure_layout(margin={"t": 0})["margin"]["t"] == 0
    assert all(figure_layout(**{axis: {"title": "x"}})[axis]["ticklabelstandoff"] > 0 for axis in ("xaxis", "yaxis"))


def test_a_pair_that_cannot_be_is_said(store) -> None:
    choice = Choice((), tuple(store.layers("course")), "course", "foundation", None)
    shown = ("foundation", "continued")
    assert odd_pair(choice, {}, shown) is None
    assert odd_pair(choice, {"first": "foundation", "second": "continued"}, shown) is None
    both = odd_pair(choice, {"first": "x", "second": "y"}, shown)
    assert both == "Dataset 'course' has no layers 'x' and 'y'; 'foundation' and 'continued' are shown instead."
    same = odd_pair(choice, {"first": "x", "second": "x"}, shown)
    assert same is not None
    assert "no layer 'x';" in same
    assert "nothing to compare" in str(odd_pair(choice, {"first": "base", "second": "base"}, ("base", "base")))


def test_each_load_of_a_dataset_has_a_line(store) -> None:
    facts = {"source": "a", "files": 3, "nothing": "", "late.source": "b", "late.files": 4, "other.x": 1}
    info = replace(store.datasets()[0], parts=("early", "late"), provenance=facts)
    assert provenance_lines(info) == ["source: a · files: 3 · other.x: 1", "Added late: source: b · files: 4"]
    assert provenance_lines(replace(info, provenance={})) == []


def test_figures_of_classes_say_what_they_leave_out_and_show_it_when_asked() -> None:
    rows = [(f"class {i:03d}", 100 - i, i) for i in range(90)]
    for most in (14, 60):
        assert [len(bar.x) for bar in share_figure(rows, most).data] == [most, most]
        assert f"The {most} largest of 90" in groups_said(most, 90, "classes")
    assert groups_said(14, 20, "classes").endswith("“all” shows 20.")
    assert groups_said(20, 20, "classes") == ""
