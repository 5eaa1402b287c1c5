"""What the pages on lacking skills and on families answer, against the layers themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from dash import dcc, no_update
from dash_ag_grid import AgGrid

from explorer.run_options import given_values, run_kind
from explorer.service.evidence import evidence
from explorer.service.family import family
from explorer.service.learning import learn
from explorer.service.why import why
from explorer.store.opening import open_store
from explorer.store.place import Place
from loaders.dataset import build_dataset
from tests.ui.conftest import fill
from ui.calls import Cause
from ui.components import folded, why_column
from ui.drawing.waiting import nearest_texts, undrawn_skills, waiting_elements
from ui.pages import PAGES, Page
from ui.pages.family import answers as of_family
from ui.pages.family import callbacks as of_family_page
from ui.pages.query import answers as of_query
from ui.pages.query import callbacks as queries
from ui.pages.runs.answers import table_card
from ui.pages.why import callbacks as whys
from ui.pages.why.answers import answer, lacking_rows, options
from ui.source import Source
from ui.work import families
from ui.work.children import Job
from ui.work.families import Wide
from ui.work.kinds import perform

SUBJECT = {"dataset": "small", "layer": "tuned"}


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody follows."""


@pytest.fixture(scope="module")
def source(store_path: Path) -> Iterator[Source]:
    found = Source(store_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def wide(source: Source) -> Wide:
    return families.look(quiet, source.place, "small", None)


def test_every_skill_is_found_learned_or_not(source: Source) -> None:
    snapshot = source.snapshot()
    there = {
        o["value"]: o["label"]
        for name in ("u0", "b05", "GROUP")
        for o in options(snapshot, "small", "foundation", name, None)
    }
    assert there["u0"] == "skill u0 · not learned"
    assert "learned in wave" in there["b05"]
    assert there["group-0"] == "group 0 · not learned"
    assert options(snapshot, "small", "foundation", "nothing like it", "u1")[0]["value"] == "u1"
    view = snapshot.view("small", "foundation")
    rows = lacking_rows(snapshot, "small", "foundation")
    lacking = set(view.indexed.skills.take((~view.learned).nonzero()[0]).to_pylist())
    assert lacking <= {row["id"] for row in rows}
    assert {"u0", "u1"} <= {row["id"] for row in rows if row["reason"] == "inseparable"}


def test_the_state_of_a_skill_has_buttons_for_all_it_names(source: Source) -> None:
    store = source.snapshot().store
    names = {"u0": "zero", "u1": "one"}
    page = str(answer(why(store, "small", "foundation", "u0"), names))
    assert "not learned" in page
    assert "'skill': 'u1'" in page
    learned = str(answer(why(store, "small", "foundation", "b05"), names))
    assert "chain that led to it" in learned


def test_what_waits_for_what_holds_only_what_is_lacking(source: Source) -> None:
    view = source.snapshot().view("small", "tuned")
    texts, total = nearest_texts(view)
    assert nearest_texts(view, 1) == (texts[:1], total)
    many = [("t", "a text", [f"s{i:03d}" for i in range(75)])]
    assert undrawn_skills(many) == 75 - sum(e["data"]["id"].startswith("s:") for e in waiting_elements(many, {}))
    assert undrawn_skills(texts) == 0
    learned = set(view.indexed.skills.take(view.learned.nonzero()[0]).to_pylist())
    assert texts
    assert all(lacks and not learned.intersection(lacks) for _, _, lacks in texts)
    sizes = [len(lacks) for _, _, lacks in texts]
    assert sizes == sorted(sizes)
    elements = waiting_elements([("t", "a text", ["a", "b"])], {"a": "A"}, asked="b")
    ids = [e["data"]["id"] for e in elements]
    assert len(ids) == len(set(ids))
    assert {"s:a", "s:b", "t:t"} <= set(ids)
    ends = [(e["data"]["source"], e["data"]["target"]) for e in elements if "source" in e["data"]]
    assert ends == [("s:b", "t:t"), ("t:t", "s:a")]


def test_a_click_and_a_row_choose_a_skill(source: Source) -> None:
    assert whys.pick(source, Cause({"type": "w-pick", "skill": "u1", "at": 1}, 1), [1], None) == "u1"
    assert whys.pick(source, Cause({"type": "w-pick", "skill": "u1", "at": 1}, None), [None], None) is no_update
    assert whys.pick(source, Cause("w-lacking"), [], [{"id": "u0"}]) == "u0"
    drawn, said = whys.draw(source, None, SUBJECT, None)
    assert drawn
    assert "texts that" in said


def test_a_family_of_learned_layers_says_what_each_gained(source: Source, wide: Wide) -> None:
    found = family(source.snapshot().store, "small")
    child = next(m for m in found.members if m.depth)
    gained = [g for g in wide.gains if g.change == "gained" and g.layer == child.layer.name]
    assert len(gained) == child.gained
    assert wide.layers == tuple(m.layer.name for m in found.members)
    assert {row["gained"] for row in of_family.tree_rows(wide)} == {None, child.gained}
    assert len(of_family.gain_rows(wide)) == len(wide.gains)


@pytest.mark.parametrize("order", ["clustered", "gain", "class", "name"])
def test_the_matrix_has_each_skill_once_in_every_order(wide: Wide, order: str) -> None:
    assert sorted(of_family.order_of(wide, "learned", order)) == list(range(len(wide.skills)))
    heat: Any = of_family.matrix_figure(wide, "change", order).data[0]
    assert len(heat.z) == len(wide.skills)
    assert list(heat.x) == list(wide.layers)


def test_every_skill_is_at_the_same_place_in_all_panels(wide: Wide) -> None:
    shared = wide.shared
    assert shared is not None
    assert len(shared.rows) + shared.left_out == len(wide.skills)
    assert (shared.x >= 0).all()
    assert (shared.x <= 1).all()
    assert (shared.y >= 0).all()
    assert (shared.y <= shared.height).all()
    discs: Any = of_family.panels_figure(wide, "learned", [], close=False).data[1]
    panels: dict[str, list[tuple[str, float, float, float]]] = {}
    for (layer, skill, _), x, y, colour in zip(discs.customdata, discs.x, discs.y, discs.marker.color, strict=True):
        panels.setdefault(layer, []).append((skill, x, y, colour))
    assert tuple(panels) == wide.layers
    first, *others = panels.values()
    for m, panel in enumerate(others, 1):
        moved = {
            (round(x - x0, 2), round(y - y0, 2)) for (_, x0, y0, _), (_, x, y, _) in zip(first, panel, strict=True)
        }
        assert len(moved) == 1
        assert [skill for skill, *_ in panel] == [skill for skill, *_ in first]
        assert [colour for *_, colour in panel] == [100 * wide.values["learned"][k, m] for k in shared.rows]


def test_many_layers_are_drawn_as_far_as_they_can_be_told_apart(wide: Wide) -> None:
    many = replace(
        wide,
        layers=tuple(f"layer {m}" for m in range(40)),
        values={"change": np.column_stack([np.full(len(wide.skills), np.nan), *[wide.values["learned"][:, 0]] * 39])},
    )
    assert of_family.panels_of(many, "change") == [f"layer {m}" for m in range(1, 31)]
    said = of_family.panels_said(many, "change")
    assert "1 layer without a base have" not in said
    assert "1 layer without a base" in said
    assert "first 30 layers" in said
    close: Any = of_family.panels_figure(many, "change", ["layer 3", "layer 7", "nosuch"], close=True)
    assert {layer for layer, *_ in close.data[1].customdata} == {"layer 3", "layer 7"}
    assert len(close.layout.annotations) > 2  # names of skills besides the titles


def test_a_click_picks_at_most_four_and_a_second_one_lets_go() -> None:
    picked: list[str] = []
    for layer in "abcde":
        picked = of_family.picked_with(picked, layer)
    assert picked == ["b", "c", "d", "e"]
    assert of_family.picked_with(picked, "c") == ["b", "d", "e"]


def test_layers_side_by_side_show_where_they_differ(wide: Wide) -> None:
    columns, rows = of_family.closer(wide, [*wide.layers, "nosuch"])
    assert [c["headerName"] for c in columns][2:-2] == list(wide.layers)
    assert {row["spread"] for row in rows} == {100.0}
    assert of_family.closer(wide, []) == ([], [])


def tables(component: Any) -> Iterator[AgGrid]:
    """The tables of a layout."""
    if isinstance(component, AgGrid):
        yield component
    for _, inner in component._traverse_with_paths():
        if isinstance(inner, AgGrid):
            yield inner


# the columns of a query's result are those that it returns: test_results_of_queries_and_runs_lead_to_why
@pytest.mark.parametrize("page", [page for page in PAGES if page.path != "/query"], ids=lambda p: p.path)
def test_every_table_of_skills_leads_to_why(source: Source, page: Page) -> None:
    laid_out = page.layout(source.snapshot(), {"dataset": "small", "layer": "tuned", "a": "foundation", "b": "tuned"})
    for table in tables(laid_out):
        heads = {column.get("headerName"): column for column in table.columnDefs or ()}
        if "Skill" in heads:
            why = heads["Why"]
            assert why["cellRenderer"] == "SkillWhy", table.id
            assert why["cellRendererParams"]["address"].startswith("/why?dataset=small"), table.id


def test_rows_of_skills_have_the_ids_that_lead_to_why(source: Source, wide: Wide) -> None:
    known = set(source.snapshot().view("small", "tuned").indexed.dataset.skills["id"].to_pylist())
    assert wide.gains
    assert {row["id"] for row in of_family.gain_rows(wide)} <= known
    columns, rows = of_family.closer(wide, wide.layers[:2])
    assert {row["id"] for row in rows} <= known
    assert columns[-1] == why_column("small", wide.layers[1])


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Wide:
    """Three models, two of them fine-tuned, on texts of two classes of skills and two levels."""
    rng = np.random.default_rng(3)
    skills = [f"s{k}" for k in range(6)]
    texts = [f"t{k:03d}" for k in range(90)]
    required = [(text, skills[k % 6]) for k, text in enumerate(texts)]
    solved = {"base": 0.5, "up": 0.9, "same": 0.5}
    place = Place.of(str(tmp_path_factory.mktemp("family") / "measured.kgl"))
    store = place.open("write")
    store.write_dataset(
        build_dataset(
            "measured",
            texts=pa.table({"id": texts}),
            skills=pa.table({"id": skills, "class": ["k", "k", "k", "k", "m", None], "level": [1, 1, 1, 2, 2, 2]}),
            requirements=pa.table({"text": [r[0] for r in required], "skill": [r[1] for r in required]}),
            models=pa.table({"id": list(solved), "base": [None, "base", "base"]}),
            attempts=pa.table(
                {
                    "model": [m for m in solved for _ in texts],
                    "text": texts * 3,
                    "score": np.concatenate([rng.random(90) < p for p in solved.values()]).astype(float),
                }
            ),
        )
    )
    evidence(store, "measured")
    store.close()
    return families.look(quiet, place, "measured", None)


def test_every_layer_of_a_large_family_is_named(measured: Wide) -> None:
    """A tick for each of 29 layers; of two, slanted as they come."""
    few = of_family.matrix_figure(measured, "rate", "clustered").layout.xaxis
    assert (few.tickangle, few.tickvals) == (-40, None)
    assert measured.matrix is not None
    places = np.arange(29) % len(measured.layers)
    fields = ("rate", "low", "high", "expected", "attempted", "difference", "q_value")
    matrix = replace(measured.matrix, **{name: getattr(measured.matrix, name)[places] for name in fields})
    names = tuple(f"layer {k}" for k in range(29))
    values = {name: table[:, places] for name, table in measured.values.items()}
    axis = of_family.matrix_figure(
        replace(measured, matrix=matrix, layers=names, values=values), "rate", "clustered"
    ).layout.xaxis
    assert (axis.tickangle, axis.tickvals) == (-90, names)


@pytest.mark.parametrize("value", ["rate", "beyond", "change"])
@pytest.mark.parametrize(("by", "rows"), [("skill", 6), ("class", 3), ("level", 2)])
def test_the_matrix_is_paler_where_it_is_less_sure_and_its_table_is_what_it_shows(
    measured: Wide, value: str, by: str, rows: int
) -> None:
    cells = of_family.cells_of(measured, by, value)
    assert len(cells.names) == rows
    there = ~np.isnan(cells.values)
    assert there[:, [k for k, name in enumerate(measured.layers) if name != "base" or value != "change"]].all()
    figure = of_family.matrix_figure(measured, value, "clustered", by)
    colours, veil = figure.data
    assert (veil.hoverinfo, veil.showscale) == ("skip", False)
    shown = [k for k, column in enumerate(cells.values.T) if not np.isnan(column).all()]
    order = of_family.order_of(measured, value, "clustered", by)[::-1]
    expected = np.clip(cells.pale, 0.0, 1.0)[order][:, shown]
    assert np.array(veil.z, float) == pytest.approx(expected, abs=0.006)
    lines = [line.split(",") for line in of_family.matrix_table(measured, value, "clustered", by).splitlines()]
    assert len(lines) == 1 + int(there.sum())
    head = lines[0]
    assert head[-1] == "skills_add"
    assert {line[-1] for line in lines[1:]} <= {"True", "False"}, "each layer says whether its skills predict anything"
    for line in lines[1:]:
        low, high, number = (line[head.index(name)] for name in ("low", "high", value))
        if low:
            assert float(low) <= float(number) <= float(high)
            told = f"({100 * float(low):{'' if value == 'rate' else '+'}.1f} to"
            assert any(told in text for row in colours.customdata for text in row)


def test_a_matrix_of_very_many_cells_tells_their_names_by_its_axis(
    measured: Wide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_family, "_MANY", 1)
    figure = of_family.matrix_figure(measured, "change", "clustered")
    order = of_family.order_of(measured, "change", "clustered")[::-1]
    assert list(figure.layout.yaxis.ticktext) == [measured.names[k] for k in order]
    assert list(figure.layout.yaxis.tickvals) == list(range(6))
    assert figure.data[0].customdata is None
    assert figure.data[0].hoverongaps is False, "a cell without a value says nothing"
    assert figure.data[0].hovertemplate.startswith("%{y}<br>%{x}: %{z:.1f} points")


def test_classes_and_levels_of_learned_layers_show_their_learned_share(wide: Wide, source: Source) -> None:
    snapshot = source.snapshot()
    layers = {name: snapshot.view("small", name).learned.sum() for name in wide.layers}
    for by in ("class", "level"):
        cells = of_family.cells_of(wide, by, "learned")
        assert cells.counts is not None
        learned = (cells.values * cells.counts).sum(axis=0)
        assert learned == pytest.approx([layers[name] for name in wide.layers])
        assert not np.nan_to_num(cells.pale).any(), "nothing is estimated"
        assert len(of_family.matrix_figure(wide, "learned", "clustered", by).data) == 1


def why_of(columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The columns that lead to why."""
    return [column for column in columns if column.get("cellRenderer") == "SkillWhy"]


@pytest.mark.parametrize(("query", "linked"), [
    ("MATCH (s:Skill {dataset: 'small'}) RETURN s ORDER BY s.id LIMIT 3", True),
    ("MATCH (s:Skill {dataset: 'small'})<-[r:REQUIRES]-(t:Text) RETURN t, r, s LIMIT 3", True),
    ("MATCH (s:Skill {dataset: 'small'}) RETURN count(s) AS n, s.name AS called ORDER BY s.id LIMIT 3", True),
    ("MATCH (s:Skill {dataset: 'small'}) RETURN s.id AS skill ORDER BY skill LIMIT 3", True),
    ("MATCH (t:Text {dataset: 'small'}) RETURN t.id AS skill LIMIT 3", False),
    ("MATCH (s:Skill {dataset: 'small'}) RETURN count(s) AS skills", False),
])  # fmt: skip
def test_results_of_queries_lead_to_why(source: Source, query: str, linked: bool) -> None:
    result = of_query.answered(source.snapshot().store.query(query, max_rows=10))[1]
    columns, rows, *_ = queries.show(source, result, "table", SUBJECT)
    known = set(source.snapshot().names("small"))
    if linked:
        assert why_of(columns) == [why_column("small", "tuned", "why")]
        assert {row["why"] for row in rows} <= known
    else:
        assert not why_of(columns)
        assert not any("why" in row for row in rows)
    plain, _, *_ = queries.show(source, result, "table", {"dataset": "small", "layer": None})
    assert not why_of(plain)


def test_tables_of_runs_lead_to_why(source: Source) -> None:
    for kind, values in (
        ("compare", {"first": "foundation", "second": "tuned"}),
        ("plan", {"layer": "foundation", "budget": 2}),
    ):
        found = perform(quiet, source.place, kind, "small", given_values(run_kind(kind), values))
        for table in found.tables:
            grid = next(tables(table_card(table, 0)))
            ids = {row.get("id") for row in grid.rowData} - {None}
            assert ids
            assert ids <= set(source.snapshot().names("small"))
            assert why_of(list(grid.columnDefs))


def test_tables_of_a_family_say_that_they_are_computed(source: Source) -> None:
    laid_out = next(page for page in PAGES if page.path == "/family").layout(source.snapshot(), {"dataset": "small"})
    for table in tables(laid_out):
        assert table.dashGridOptions["loading"] is True, table.id
        assert table.dashGridOptions["localeText"]["loadingOoo"] == "Being computed …"
    work = of_family_page.begin(source, "a ticket of the test", {"dataset": "small"})
    assert work.wait(60)
    filled = of_family_page.tables(source, None, None, "a ticket of the test")
    assert filled[0]
    none = of_family_page.tables(source, None, None, "of nothing")
    assert none[:4] == (no_update,) * 4
    for patch in (*filled[4:], *none[4:]):
        assert patch.to_plotly_json()["operations"][0]["params"]["value"] is False


def forever(_report: Any) -> None:
    """Work that only ends when it is ended."""
    while True:
        pass


def words_of(chart: Any) -> list[str]:
    return [note["text"] for note in chart["layout"]["annotations"]]


def test_figures_of_a_family_say_that_they_are_computed_as_long_as_they_are(source: Source) -> None:
    laid_out = next(page for page in PAGES if page.path == "/family").layout(source.snapshot(), {"dataset": "small"})
    waiting = {part.id: part.figure for part in laid_out._traverse() if isinstance(part, dcc.Graph)}
    assert set(waiting) == {"f-panels", "f-close", "f-matrix"}
    assert all(words_of(chart) == ["Being computed …"] for chart in waiting.values())
    source.readings.begin(forever, name="a slow family")
    try:
        for ticket, stays in (("a slow family", True), ("never begun", False), (None, False)):
            chart = of_family_page.matrix(source, None, "rate", "as given", "skill", ticket)[0]
            panels = of_family_page.panels(source, None, "rate", None, ticket)[0]
            assert (chart is no_update, panels is no_update) == (stays, stays)
            assert stays or words_of(chart) == words_of(panels) == []
    finally:
        source.readings.cancel("a slow family")


def test_the_picker_of_a_closer_look_says_what_is_shown(source: Source) -> None:
    ticket = "a ticket of the picker"
    assert of_family_page.begin(source, ticket, {"dataset": "small"}).wait(60)

    def picked(before: list[str] | None) -> Any:
        return of_family_page.tables(source, None, before, ticket)[3]

    assert picked(None) == picked([]) == picked(["of another family"]) == ["foundation", "tuned"]
    assert picked(["tuned", "of another family"]) == ["tuned"]
    assert picked(["tuned"]) is no_update
    *_, hidden, columns, rows = of_family_page.look_closer(source, None, ["foundation", "tuned"], ticket)
    assert (hidden, [c["headerName"] for c in columns][2:4], bool(rows)) == (False, ["foundation", "tuned"], True)
    assert of_family_page.look_closer(source, None, [], ticket)[2:] == (True, [], [])


@pytest.mark.parametrize(("name", "pieces"), [
    ("api:collections.abc.Mapping", ["api:", "collections.", "abc.", "Mapping"]),
    ("test_long_name", ["test_", "long_", "name"]),
    ("Sum of a list", ["Sum of a list"]),
    ("...", ["..."]),
])  # fmt: skip
def test_long_names_fold_between_words(name: str, pieces: list[str]) -> None:
    found = folded(name)
    assert [part for part in found if isinstance(part, str)] == pieces
    assert len(found) == 2 * len(pieces) - 1


def test_a_family_is_computed_once_for_each_version_of_its_layers(tmp_path: Path) -> None:
    path = tmp_path / "again.kgl"
    fill(path)
    source = Source(path)

    def look(name: str, **form: str) -> Job:
        work = of_family_page.begin(source, name, {"dataset": "small", **form})
        assert work.wait(120.0)
        assert work.state == "done", work.problem
        return work

    try:
        first = look("first")
        again = of_family_page.begin(source, "again", {"dataset": "small"})
        assert again.state == "done", "without a process"
        assert again.value is first.value
        assert source.readings.find("again") is again
        assert look("of a root", root="foundation").value is not first.value
        store = open_store(path, mode="write")
        learn(store, "small", name="one more", base="foundation", mode="frozen")
        store.close()
        anew = look("anew")
        assert set(anew.value.layers) == {*first.value.layers, "one more"}
        assert look("anew again").value is anew.value
    finally:
        source.close()
