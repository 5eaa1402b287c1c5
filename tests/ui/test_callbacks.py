"""What each page answers to a choice: its callbacks, called as the functions that they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from dash import dcc, no_update
from plotly.graph_objects import Figure
from plotly.utils import PlotlyJSONEncoder

from explorer.errors import SkillgraphError
from explorer.service.learning import learn
from explorer.store.opening import open_store
from loaders.dataset import build_dataset
from ui.app import create_app
from ui.calls import Cause
from ui.choice import choose
from ui.components import sentence
from ui.drawing import graphs, never
from ui.pages import PAGES, managing
from ui.pages.classes import callbacks as classes
from ui.pages.compression import callbacks as compression
from ui.pages.graph import callbacks as graph
from ui.pages.graph import pictures
from ui.pages.layers import callbacks as layers
from ui.pages.learning import callbacks as learning
from ui.pages.learning.answers import drawn_caption
from ui.pages.percolation import callbacks as percolation
from ui.pages.query import callbacks as query
from ui.pages.why import callbacks as why
from ui.source import Source

SUBJECT = {"dataset": "small", "layer": "tuned"}
PAIR = {"dataset": "small", "first": "foundation", "second": "tuned"}
DRAWN = {"view": "skills", "layout": "islands", "per": "3"}


@pytest.fixture(scope="module")
def source(store_path: Path) -> Iterator[Source]:
    found = Source(store_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def app(source: Source) -> Iterator[Any]:
    found = create_app(source.place.url)
    yield found
    found.server.extensions["skillgraph"].close()


def test_each_button_of_the_panel_opens_its_own_view(source: Source) -> None:
    answers = {act: graph.act(source, {"act": act}, "d05", SUBJECT) for act in ("near", "texts", "region")}
    assert answers["near"] == ("neighbours", "d05", no_update, no_update, no_update)
    assert answers["texts"] == ("texts", "d05", [], no_update, no_update)
    assert answers["region"][:3] == ("skills", no_update, no_update)
    assert answers["region"][4] == "map"
    x0, x1, y0, y1 = map(float, answers["region"][3].split(","))
    there = source.snapshot().graph("small", "tuned")
    x, y = there.map_positions[there.node_of["d05"]]
    assert x0 <= x <= x1
    assert y0 <= y <= y1


def test_the_way_to_a_skill_ends_with_the_text_that_taught_it(source: Source) -> None:
    subject = {"dataset": "small", "layer": "foundation"}
    there = source.snapshot().graph("small", "foundation")
    view, ids = there.view, there.view.indexed.text_ids.to_pylist()
    wave = {ids[text]: wave for text, wave in zip(view.by.tolist(), view.wave.tolist(), strict=True) if text >= 0}
    lengths = []
    for skill, node in there.node_of.items():
        text = int(view.by[there.skill[node]])
        if text < 0:  # known beforehand
            continue
        shown, _, chain, *_ = graph.act(source, {"act": "chain"}, skill, subject)
        assert shown == "texts"
        assert chain[-1] == ids[text]
        assert [wave[text] for text in chain] == sorted(wave[text] for text in chain)
        lengths.append(len(chain))
    assert max(lengths) > 2


def test_a_text_of_the_panel_is_shown_alone_and_nothing_happens_unasked(source: Source) -> None:
    text = graph.act(source, {"text": "f001"}, "d05", SUBJECT)
    assert text == ("texts", no_update, ["f001"], no_update, no_update)
    nothing = (no_update,) * 5
    assert graph.act(source, None, "d05", SUBJECT) == nothing
    assert graph.act(source, {"act": "near"}, None, SUBJECT) == nothing
    assert graph.act(source, {"act": "near"}, "nosuch", SUBJECT) == nothing


def test_another_colour_paints_and_another_view_draws(source: Source) -> None:
    drawn = graph.draw(source, Cause("g-state", DRAWN, ("g-state.data",)), DRAWN, "class", "name", None, SUBJECT)
    assert drawn[0] is not no_update
    assert drawn[5] is None
    painted = graph.draw(source, Cause("g-colour", "wave", ("g-colour.value",)), DRAWN, "wave", "name", None, SUBJECT)
    assert painted[0] is no_update
    assert {node for node in painted[5]["of"] if node.startswith("s:")} == {
        e["data"]["id"] for e in drawn[0] if e["data"]["id"].startswith("s:")
    }
    assert graph.draw(source, Cause(), None, "class", "name", None, SUBJECT) == (no_update,) * 8
    called = graph.draw(source, Cause("g-names", "id", ("g-names.value",)), DRAWN, "class", "id", None, SUBJECT)
    assert called[0] is no_update
    assert all(called[5]["labels"][f"s:{skill}"] == skill for skill in ("b05", "d05"))


TICK = Cause("g-tick", 1, ("g-tick.n_intervals",))


def ended() -> None:
    for thread in threading.enumerate():
        if thread.name == "skillgraph-begun":
            thread.join()


@pytest.mark.parametrize("view", ["groups", "skills", "neighbours"])
def test_another_picture_is_drawn_until_communities_are_there(
    store_path: Path, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is drawn in the end is what would have been waited for."""
    wanted, colour = {**DRAWN, "view": view}, "community"
    waited = Source(store_path)
    expected = graph.draw(waited, Cause("g-state"), wanted, colour, "name", None, SUBJECT)
    assert expected[-1] is True
    waited.close()
    monkeypatch.setattr(pictures, "WAITED_FOR", 1)
    source = Source(store_path)
    layer = source.snapshot().graph(*SUBJECT.values())
    first = graph.draw(source, Cause("g-state"), wanted, colour, "name", None, SUBJECT)
    assert first[-1] is False
    assert first[1].startswith(f"The communities of {layer.n:,} skills are being computed")
    assert {e["data"]["id"][2:] for e in first[0] if e["data"]["id"].startswith("s:")} == set(layer.node_of)
    assert "community" not in vars(layer), "nothing was waited for"
    assert graph.draw(source, TICK, wanted, colour, "name", 1, SUBJECT) == (no_update,) * 8
    ended()
    last = graph.draw(source, TICK, wanted, colour, "name", 2, SUBJECT)
    assert (last[0], last[1], last[-1]) == (expected[0], expected[1], True)
    assert json.dumps(last[2], cls=PlotlyJSONEncoder) == json.dumps(expected[2], cls=PlotlyJSONEncoder)
    assert graph.draw(source, Cause("g-state"), wanted, colour, "name", 2, SUBJECT)[0] == expected[0]
    source.close()


def test_texts_and_the_map_wait_for_no_other_picture(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "WAITED_FOR", 1)
    source = Source(store_path)
    texts = graph.draw(source, Cause("g-state"), {**DRAWN, "view": "texts"}, "class", "name", None, SUBJECT)
    assert texts[-1] is True
    assert any(e["data"]["id"].startswith("t:") for e in texts[0])
    assert "community" not in vars(source.snapshot().graph(*SUBJECT.values()))
    source.close()


def test_communities_that_cannot_be_computed_are_said(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "WAITED_FOR", 1)

    def fail(*_: object, **__: object) -> None:
        raise SkillgraphError("there is not enough memory for this: ask for less")

    monkeypatch.setattr(graphs, "communities", fail)
    source = Source(store_path)
    wanted = {**DRAWN, "view": "groups"}
    graph.draw(source, Cause("g-state"), wanted, "community", "name", None, SUBJECT)
    graph.draw(source, TICK, wanted, "community", "name", 1, SUBJECT)
    ended()
    said = graph.draw(source, TICK, wanted, "community", "name", 2, SUBJECT)
    assert said[0] is no_update
    assert said[1] == "The communities could not be computed: there is not enough memory for this: ask for less."
    assert said[-1] is True
    source.close()


def test_the_panel_shows_the_chosen_skill_and_the_way_to_another(source: Source) -> None:
    there = source.snapshot().graph("small", "tuned")
    near = there.neighbours(there.node_of["d05"])
    goal = there.skill_id(near[0][0])
    panel, hidden, steps, path, nearest = graph.inspect(source, "d05", goal, SUBJECT)
    assert "skill d05" in str(panel)
    assert not hidden
    assert path == ["d05", goal]
    assert "1 association apart" in str(steps)
    assert nearest == [there.skill_id(node) for node, _ in near[:40]]
    for none in (None, "nosuch"):
        panel, hidden, steps, path, nearest = graph.inspect(source, none, goal, SUBJECT)
        assert hidden
        assert (steps, path, nearest) == (None, None, None)


def test_files_hold_what_the_filters_keep(source: Source) -> None:
    kept = {**DRAWN, "weight": "2"}
    files = {
        kind: graph.export(source, Cause(f"g-{kind}", 1), 1, 1, 1, kept, SUBJECT) for kind in ("csv", "graphml", "html")
    }
    assert files["html"]["filename"] == "small-tuned.html"
    assert files["csv"]["filename"] == "small-tuned-associations.csv"
    lines = files["csv"]["content"].splitlines()
    assert all(int(line.split(",")[4]) >= 2 for line in lines[1:])
    assert files["graphml"]["content"].count("<edge ") == len(lines) - 1


def test_the_table_is_made_when_it_is_looked_at(source: Source) -> None:
    assert graph.rows(source, DRAWN, False, SUBJECT) is no_update
    assert len(graph.rows(source, DRAWN, True, SUBJECT)) == source.snapshot().graph("small", "tuned").n


def test_views_of_the_learning_page_are_filled_when_they_are_looked_at(source: Source) -> None:
    subject = {**SUBJECT, "wave": 1, "waves": True, "texts": True}
    laid, ticked = Cause(), Cause("l-never", True)
    assert learning.play(source, laid, "what-if", False, None, subject) == (no_update,) * 4
    assert learning.play(source, laid, "waves", False, [{}], subject) == (no_update,) * 4
    assert learning.play(source, laid, "waves", False, None, {**subject, "waves": False}) == (no_update,) * 4
    elements, caption, rows, _ = learning.play(source, laid, "waves", False, None, subject)
    assert len(rows) == source.snapshot().graph("small", "tuned").n
    assert f"{len(rows):,} learned skills" in caption
    assert elements
    more, said, *rest = learning.play(source, ticked, "waves", True, rows, subject)
    lacks = source.snapshot().store.read_layer("small", "tuned").lacks["skill"].to_pylist()
    assert {e["data"]["id"] for e in more} - {e["data"]["id"] for e in elements} == {f"u:{skill}" for skill in lacks}
    assert f"the {len(lacks):,} skills of the dataset never learned" in said
    assert rest == [no_update, no_update]
    assert learning.play(source, Cause("l-never", False), "waves", False, rows, subject)[:2] == (elements, caption)
    assert learning.more(source, "waves", subject) == (no_update,) * 3
    assert learning.more(source, "texts", {**subject, "texts": False}) == (no_update,) * 3


def test_the_learner_of_what_if_matters(source: Source) -> None:
    one, two = (learning.what_if(source, 4.0, 0.8, name) for name in ("one", "d:2"))
    assert one[2:] == two[2:] == ("4.00", "0.80")
    at = [float(np.interp(0.8, found[0].data[0].x, found[0].data[0].y)) for found in (one, two)]
    assert at[1] > at[0] + 0.01


def test_the_order_of_percolation_says_which_skills_go(source: Source) -> None:
    random, hubs = (percolation.keep(source, SUBJECT, order, "900") for order in ("random", "hubs"))
    assert (random["order"], hubs["order"]) == ("random", "hubs")
    assert random["steps"] != hubs["steps"]
    assert sum(hubs["largest"]) < sum(random["largest"])  # without hubs things fall apart sooner


def test_shares_of_percolation_are_of_all_or_of_the_kept(source: Source) -> None:
    every, kept = (percolation.sizes(source, SUBJECT, of) for of in ("all", "kept"))
    assert max(every.data[0].y) <= 1.0
    assert list(every.data[0].y) != list(kept.data[0].y)


def test_two_layers_are_drawn_once_or_twice(source: Source) -> None:
    pair = Cause("p-pair", PAIR, ("p-pair.data",))
    a, b, caption = layers.draw(source, pair, PAIR, "one", "800", "all classes")
    assert a
    assert b is no_update
    assert caption
    a, b, _ = layers.draw(source, Cause("p-view", "two", ("p-view.value",)), PAIR, "two", "800", "all classes")
    assert a is no_update
    assert b


def test_the_second_layer_matters_to_all_that_is_said_of_two(source: Source) -> None:
    other = {**PAIR, "first": "tuned", "second": "foundation"}
    there = {c.change for c in layers.compared(source.snapshot(), *PAIR.values()).changes}
    swapped = {c.change for c in layers.compared(source.snapshot(), *other.values()).changes}
    assert ("gained" in there, "lost" in swapped) == (True, True)
    gained = next(c for c in layers.compared(source.snapshot(), *PAIR.values()).changes if c.change == "gained")
    panel, near = layers.inspect(source, gained.skill, PAIR)
    assert "only in the second layer" in str(panel)
    assert near == [a.skill for a in gained.attachments]
    panel, _ = layers.inspect(source, gained.skill, other)
    assert "only in the first layer" in str(panel)


def test_groups_of_two_layers_are_counted_by_class_or_by_level(source: Source) -> None:
    found = layers.compared(source.snapshot(), *PAIR.values())
    by_class, by_level = (layers.groups(source, by, "some", PAIR)[0] for by in ("class", "level"))
    assert {"alpha", "beta"} <= set(by_class.data[0].y)
    assert len(by_level.data[0].y) == len(found.by_level) != len(found.by_class)
    counted = {bar.name: sum(bar.x) for bar in by_class.data}
    assert (counted["kept"], counted["gained"], counted["lost"]) == (found.kept, found.gained, found.lost)
    assert found.gained > 0


def test_skills_are_attached_to_what_the_chosen_change_is_attached_to(source: Source) -> None:
    other = {**PAIR, "first": "tuned", "second": "foundation"}
    for pair, some, none in ((PAIR, "gained", "lost"), (other, "lost", "gained")):
        rows, *_ = layers.attached(source, some, pair, None)
        changes = layers.compared(source.snapshot(), *pair.values()).changes
        assert {row["id"] for row in rows} == {a.skill for c in changes if c.change == some for a in c.attachments}
        assert rows
        assert layers.attached(source, none, pair, None)[0] == []


def test_brushes_of_the_tables_of_two_layers_keep_what_they_span(source: Source) -> None:
    found = layers.compared(source.snapshot(), *PAIR.values())
    everything, said = layers.changes(source, *[None] * 7, PAIR)
    assert len(everything) == len(found.changes)
    kept, said = layers.changes(source, [2, 3], *[None] * 6, PAIR)
    assert {row["id"] for row in kept} == {c.skill for c in found.changes if c.wave is not None and 2 <= c.wave <= 3}
    assert said.startswith(f"Kept: {len(kept)} of {len(found.changes)} skills.")
    rows, *_ = layers.attached(source, "gained", PAIR, None)
    kept, said, bars, _ = layers.attached(source, "gained", PAIR, [1, 1])
    assert [row["id"] for row in kept] == [row["id"] for row in rows if 2 <= row["texts"] <= 3]
    assert 0 < len(kept) < len(rows)
    assert said == f"Kept: {len(kept)} of {len(rows)} skills."
    assert sum(bar.className == "out" for bar in bars) == len(bars) - 1


def test_a_brush_keeps_what_is_lacking_by_its_texts(source: Source) -> None:
    subject = {"dataset": "small", "layer": "foundation"}
    rows, said, bars, _ = why.lacking(source, subject, None)
    assert said == f"All {len(rows)} skills."
    assert len(bars) > 1
    kept, said, bars, _ = why.lacking(source, subject, [1, 1])
    assert kept == [row for row in rows if 2 <= row["uses"] <= 3]
    assert 0 < len(kept) < len(rows)
    assert said == f"Kept: {len(kept)} of {len(rows)} skills."


def test_groups_of_classes_are_other_than_those_of_levels(source: Source) -> None:
    learned = classes.share(source, "class", "largest", SUBJECT)[0]
    assert {"alpha", "beta"} <= {str(name) for name in learned.data[0].y}
    heat = [classes.heat(source, measure, "largest", SUBJECT)[0].data[0].z for measure in ("learned", "mean")]
    assert str(heat[0]) != str(heat[1])


def test_opening_a_skill_of_the_hierarchy_shows_its_parts(source: Source) -> None:
    shut = classes.tree(source, "parts", [], [], None, "500", SUBJECT)
    opened = classes.tree(source, "parts", ["group-0"], [], None, "500", SUBJECT)
    assert len(opened[1]) > len(shut[1])
    assert (opened[3], opened[4]) == (False, True)
    boxes = classes.tree(source, "boxes", [], [], None, "500", SUBJECT)
    assert (boxes[3], boxes[4]) == (True, False)
    assert boxes[5] is not no_update


def test_the_receiver_is_another_layer(source: Source) -> None:
    texts = source.snapshot().view("small", "tuned").indexed.text_ids.to_pylist()
    subject = {**SUBJECT, "text": texts[0]}
    own, other = (str(compression.one(source, None, name, "frequency", subject)) for name in ("tuned", "foundation"))
    assert "has learned the same skills" in own
    assert "has learned other skills" in other


def test_a_result_is_a_table_or_a_graph_and_all_of_it_stays_mounted(source: Source) -> None:
    result = {"columns": ["a"], "rows": [{"c0": 1}], "elements": []}
    assert query.show(source, None, "table")[2:] == (True, True, "", True)
    columns, rows, *seen = query.show(source, result, "table")
    assert [c["headerName"] for c in columns] == ["a"]
    assert rows == result["rows"]
    assert seen == [False, True, "", True]
    assert query.show(source, result, "graph")[2:4] == (True, True)
    assert "no nodes" in query.show(source, result, "graph")[4]
    drawn = {**result, "elements": [{"data": {"id": "n:1"}}]}
    assert query.show(source, drawn, "graph")[2:4] == (True, False)
    assert query.draw(source, drawn, "dark")[0] == drawn["elements"]
    assert query.draw(source, None, "light")[0] == []


def test_a_result_goes_into_the_file_that_was_asked_for(source: Source) -> None:
    result = {"columns": ["a"], "rows": [{"c0": 1}], "elements": []}
    assert query.export(source, Cause("q-csv", 1), 1, None, result)["content"] == "a\n1\n"
    assert json.loads(query.export(source, Cause("q-json", 1), None, 1, result)["content"])["rows"] == [[1]]
    assert query.export(source, Cause("q-csv", 1), 1, None, None) is no_update


def ids(component: Any) -> Iterator[Any]:
    """Ids of a layout."""
    if isinstance(component, list | tuple):
        for item in component:
            yield from ids(item)
    elif hasattr(component, "_traverse_with_paths"):
        if getattr(component, "id", None) is not None:
            yield component.id
        for _, inner in component._traverse_with_paths():
            if getattr(inner, "id", None) is not None:
                yield inner.id


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("layer", ["foundation", "tuned"])
def test_what_callbacks_write_to_is_on_the_page_from_the_first_on(
    source: Source, app: Any, page: Any, layer: str
) -> None:
    """A component that comes and goes may be gone when it is written to, which ends the whole application."""
    shell = {str(i) for i in ids(app.layout)}
    snapshot = source.snapshot()
    assert choose(snapshot, {"layer": layer}).layer == layer
    there = {str(i) for i in ids(page.layout(snapshot, {"layer": layer, "run": "learn"}))} | shell
    for call in app.callback_map.values():
        outputs = call["output"] if isinstance(call["output"], list | tuple) else [call["output"]]
        plain = {str(o.component_id) for o in outputs if isinstance(o.component_id, str)}
        inputs = {i["id"] for i in call["inputs"] if not i["id"].startswith("{")}
        if plain & there - shell or (inputs - shell) & there:
            assert plain <= there, (page.name, sorted(plain - there))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_figure_that_is_still_computed_has_the_ground_of_its_page(source: Source, page: Any) -> None:
    """Plotly's own empty figure is white, also in the dark."""
    laid_out = page.layout(source.snapshot(), {})
    parts = [laid_out, *(inner for _, inner in laid_out._traverse_with_paths())]
    for chart in (part for part in parts if isinstance(part, dcc.Graph)):
        looks = Figure(chart.figure).layout
        assert (looks.paper_bgcolor, looks.plot_bgcolor) == ("rgba(0,0,0,0)", "rgba(0,0,0,0)"), chart.id


def test_a_refusal_names_what_is_written_from_right_to_left_in_isolation() -> None:
    said = managing._failed("Not done: there is no layer 'طبقة' in dataset 'small'")
    assert said.children == "Not done: there is no layer \u2068'طبقة'\u2069 in dataset 'small'"
    assert "\u2068'طبقة'\u2069" in sentence("No layer 'طبقة'.").children


def test_a_learning_picture_without_all_skills_says_so_and_leads_to_all_of_them() -> None:
    whole = drawn_caption(12, 12, "; no more.", "small", "tuned")
    assert whole == "12 learned skills; no more."
    said, link = drawn_caption(2_700, 20_000, "; no more.", "a b", "tuned")
    assert said.startswith("2,700 of 20,000 learned skills are drawn, the most used; no more.")
    assert link.href == "/graph?dataset=a+b&layer=tuned&view=map&colour=wave"


def test_a_learning_picture_of_texts_that_teach_all_of_their_skills_says_so(tmp_path: Path) -> None:
    path = tmp_path / "whole.kgl"
    store = open_store(path, mode="write")
    requirements = pa.table({"text": ["t0", "t1", "t1"], "skill": ["x", "x", "y"]})
    texts, skills = pa.table({"id": ["t0", "t1"]}), pa.table({"id": ["x", "y"]})
    store.write_dataset(build_dataset("whole", texts=texts, skills=skills, requirements=requirements))
    learn(store, "whole", name="foundation")
    store.close()
    source = Source(path)
    subject = {"dataset": "whole", "layer": "foundation", "waves": True, "wave": 1}
    assert learning.play(source, Cause(), "waves", False, None, subject)[1] == (
        "2 learned skills; these texts teach all of their skills."
    )
    source.close()


def test_the_most_used_of_very_many_never_learned_skills_are_drawn_and_said(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(never, "NEVER_LIMIT", 1)
    subject = {**SUBJECT, "layer": "foundation", "waves": True, "wave": 1}
    said = learning.play(source, Cause("l-never", True), "waves", True, [{}], subject)[1]
    assert "(drawn: the 1 most used; the table of “Why not” has all)" in said
