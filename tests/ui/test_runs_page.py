"""Every run of the page: done on a store, with what it says, and refused where it has to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import SkillgraphError
from explorer.run_options import RUNS, given_values, run_kind
from explorer.store.place import Place
from tests.ui.conftest import fill
from ui.choice import choose
from ui.drawing.planned import plan_elements, plan_figure
from ui.pages.runs import callbacks, layout
from ui.source import Source
from ui.work.children import Job
from ui.work.kinds import Outcome, perform


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody follows."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    path = tmp_path_factory.mktemp("runs") / "small.kgl"
    fill(path)
    return Place.of(str(path))


def done(place: Place, key: str, **form: Any) -> Outcome:
    return perform(quiet, place, key, "small", given_values(run_kind(key), form))


def test_layers_are_made_continued_renamed_refreshed_and_deleted(place: Place) -> None:
    learned = done(place, "learn", name="new", part=["base"], learner="d:2", known_class=["alpha"])
    assert learned.sentences[0].startswith("new: ")
    assert "Learned" not in done(place, "continue", name="new", part=["domain"]).sentences[0]
    assert "association" in done(place, "associate", layer="new", min_weight=2, rule="understood").sentences[0]
    child = done(place, "learn", name="child", part=["domain"], base="new", mode="frozen")
    assert child.links[1][2] == {"dataset": "small", "layer": "child"}
    assert "child" in done(place, "rename", name="new", new="newer").sentences[0]
    assert done(place, "refresh").sentences == ("Refreshed: nothing, because nothing was stale.",)
    with pytest.raises(SkillgraphError, match="fine-tuned from layer 'newer'"):
        done(place, "delete", layer="newer")
    assert done(place, "delete", layer="newer", with_dependents=True).sentences == ("Deleted: child, newer.",)


def test_what_stores_nothing_says_what_it_found(place: Place) -> None:
    assert "giant component" in done(place, "percolate", layer="foundation", replicates=2).sentences[0]
    compared = done(place, "compare", first="foundation", second="tuned")
    assert "gained" in compared.sentences[0]
    assert compared.links[0][2]["second"] == "tuned"
    assert {row[0] for row in compared.tables[0].rows} <= {"gained", "lost", "open"}
    assert done(place, "explain", layer="foundation", graphs=0).tables[0].rows[-1][0] == "this layer"
    assert done(place, "forecast", layer="foundation", splits=2).tables[0].rows
    with pytest.raises(SkillgraphError, match="outcomes"):
        done(place, "evidence", all_models=True, judge=False)
    with pytest.raises(SkillgraphError, match="choose models"):
        done(place, "evidence")


def test_a_plan_is_drawn_step_by_step(place: Place) -> None:
    plan = done(place, "plan", layer="foundation", budget=3).plan
    assert plan is not None
    elements, captions = plan_elements(plan)
    assert len(captions) == len(plan.steps) + 1
    ids = [element["data"]["id"] for element in elements]
    assert len(ids) == len(set(ids))
    heads = [e for e in elements if "focus" in e.get("classes", "")]
    assert [e["data"]["at"] for e in heads] == list(range(1, len(plan.steps) + 1))
    drawn = [trace.name for trace in plan_figure(plan).data]
    assert drawn[-1] == "this plan"
    job = Job("x", "plan")
    job._end("done", ("skillgraph plan foundation", done(place, "plan", layer="foundation", budget=3)))
    assert "skillgraph plan foundation" in str(callbacks.result(job))


@pytest.mark.parametrize("kind", RUNS, ids=lambda kind: kind.key)
def test_a_form_begins_with_a_command_that_could_be_run(place: Place, kind: Any) -> None:
    source = Source(place.url)
    snapshot = source.snapshot()
    assert choose(snapshot, {}).dataset == "small"
    page = json.dumps(layout(snapshot, {"run": kind.key, "layer": "tuned"}).to_plotly_json(), default=str)
    assert kind.meaning[:40] in page
    if kind.key not in ("rename", "evidence"):
        assert f"skillgraph {kind.command}" in page
    source.close()


def test_what_cannot_be_undone_is_agreed_to_first(place: Place) -> None:
    source = Source(place.url)
    form = {"run": "delete", "dataset": "small", "layer": "tuned"}
    with pytest.raises(SkillgraphError, match="agree first"):
        callbacks.begin(source, "0" * 32, form)
    about = {"run": "delete", "dataset": "small"}
    ids, flags = [{"name": "layer"}], [{"name": "with_dependents"}]
    assert callbacks.command(source, ["tuned"], ids, [False], flags, False, about)[1]
    shown = callbacks.command(source, ["tuned"], ids, [True], flags, True, about)
    assert shown == ("skillgraph delete tuned --with-dependents --dataset small", False)
    assert callbacks.command(source, [None], ids, [True], flags, True, about) == ("Layer: nothing is filled in.", True)
    source.close()


def test_a_layer_that_is_there_is_replaced_only_if_that_was_agreed_to(tmp_path: Path) -> None:
    path = tmp_path / "small.kgl"
    fill(path)
    source = Source(Place.of(str(path)).url)
    form = {"run": "learn", "dataset": "small", "name": "tuned", "part": ["domain"]}
    with pytest.raises(SkillgraphError, match="has a layer 'tuned' already: give another name, or tick"):
        callbacks.begin(source, "1" * 32, form)
    before = source.snapshot().view("small", "tuned").info
    assert (before.base, before.mode) == ("foundation", "continued")
    job = callbacks.begin(source, "2" * 32, {**form, "agreed": True})
    job.wait(60.0)
    assert job.state == "done"
    assert source.snapshot().view("small", "tuned").info.base is None
    source.close()


def test_an_address_fills_a_form_in(tmp_path: Path) -> None:
    path = tmp_path / "small.kgl"
    fill(path)
    source = Source(path)
    query = {"run": "plan", "layer": "tuned", "budget": "7", "by": "texts", "goal_class": '["alpha", "nosuch"]'}
    page = str(layout(source.snapshot(), query))
    assert "skillgraph plan tuned --by texts --budget 7 --goal-class alpha --dataset small" in page
    source.close()
