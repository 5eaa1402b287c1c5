"""Every run of the page: done on a store, with what it says, and refused where it has to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import SkillgraphError
from explorer.run_options import RUNS, given_values, run_kind, run_words
from explorer.store.opening import open_store
from explorer.store.place import Place
from loaders.formats import load
from tests.ui.conftest import fill
from ui.choice import choose
from ui.drawing.planned import plan_elements, plan_figure
from ui.pages.runs import callbacks, layout
from ui.source import Source
from ui.work.children import Job
from ui.work.kinds import Outcome, perform
from ui.work.written import command_text


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


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store with a dataset of outcomes: a base with two children, and another model."""
    folder = tmp_path_factory.mktemp("tested")
    texts = [f"t{i}" for i in range(24)]
    rows = "".join(f"{text},{'a;b;c'[: 1 + 2 * (i % 3)]}\n" for i, text in enumerate(texts))
    models = {"base": 2, "base+x": 3, "base+y": 4, "other": 5}
    scores = "".join(
        f"{text},{','.join(str(int(i % k > 0)) for k in models.values())}\n" for i, text in enumerate(texts)
    )
    (folder / "texts.csv").write_text("id,skills\n" + rows)
    (folder / "outcomes.csv").write_text(f"text,{','.join(models)}\n" + scores)
    given = {"outcomes": folder / "outcomes.csv", "base_mark": "+"}
    store = open_store(folder / "tested.kgl", mode="write")
    store.write_dataset(load(folder / "texts.csv", name="tested", **given).dataset)
    store.close()
    return Place.of(str(folder / "tested.kgl"))


def begun(place: Place, **form: Any) -> tuple[str, Outcome]:
    """What a run gives that is begun as the page begins it, but for the process of its own."""
    kind = run_kind(form["run"])
    values = given_values(kind, form)
    words = command_text(run_words(kind, values, dataset=form["dataset"]))
    found: tuple[str, Outcome] = callbacks.told(quiet, place, words, kind.key, form["dataset"], values)
    return found


def stored(place: Place, dataset: str) -> dict[str, Any]:
    store = place.open("read")
    try:
        return {info.name: info for info in store.layers(dataset)}
    finally:
        store.close()


def test_a_layer_is_trained_jointly(place: Place) -> None:
    command, found = begun(place, run="learn", dataset="small", name="joint", base="foundation", mode="joint")
    assert command == "skillgraph learn joint --base foundation --mode joint --dataset small"
    assert found.sentences[0].startswith("joint: ")
    info = stored(place, "small")["joint"]
    assert (info.base, info.mode) == ("foundation", "joint")


def test_evidence_of_one_model_a_family_and_all(tested: Place) -> None:
    for form, written, made in (
        ({"models": ["other"]}, "evidence other", {"other"}),
        ({"family": "base"}, "--family base", {"base", "base+x", "base+y"}),
        ({"all_models": True}, "--all", {"base", "base+x", "base+y", "other"}),
    ):
        command, found = begun(tested, run="evidence", dataset="tested", judge=False, **form)  # type: ignore[arg-type]
        assert written in command
        assert {row[0] for row in found.tables[0].rows} == made
        assert found.sentences == (f"{len(made)} evidence layer{'s' * (len(made) > 1)} stored.",)
        layers = stored(tested, "tested")
        assert made <= layers.keys()
    assert {layers[name].base for name in ("base+x", "base+y")} == {"base"}
    with pytest.raises(SkillgraphError, match="one of the three"):
        begun(tested, run="evidence", dataset="tested", judge=False, family="base", all_models=True)
