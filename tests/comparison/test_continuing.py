"""A layer that goes on learning after texts were appended, against learning anew from all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from analysis.sampling import poisson_graph
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.association import associate
from explorer.service.learning import continue_learning, learn
from explorer.service.loading import load
from explorer.service.prediction import predict_layer
from explorer.service.snapshot import layer_view
from explorer.store.protocol import Store
from loaders.dataset import Dataset, build_dataset

SKILLS, TEXTS = 400, 560
GRAPH = poisson_graph(3.0, TEXTS, SKILLS, np.random.default_rng(31))
# Ids sort in another order than the texts come, as they do when a second source is appended.
TEXT_IDS = [f"t{n:04d}" for n in np.random.default_rng(32).permutation(TEXTS)]


def dataset(first: int, last: int, part: str) -> Dataset:
    chosen = range(first, last)
    pairs = [
        (TEXT_IDS[t], f"s{s:04d}")
        for t in chosen
        for s in GRAPH.text_skills[GRAPH.text_ptr[t] : GRAPH.text_ptr[t + 1]].tolist()
    ]
    skills = sorted({skill for _, skill in pairs})
    return build_dataset(
        "d",
        texts=pa.table({"id": [TEXT_IDS[t] for t in chosen], "part": [part] * len(chosen)}),
        skills=pa.table({"id": skills, "class": ["even" if int(s[1:]) % 2 == 0 else "odd" for s in skills]}),
        requirements=pa.table({"text": [t for t, _ in pairs], "skill": [s for _, s in pairs]}),
    )


def course(store: Store, layer: str) -> dict[str, tuple[int, str | None]]:
    table = store.read_layer("d", layer).skills
    return {row["skill"]: (row["wave"], row["by"]) for row in table.select(["skill", "wave", "by"]).to_pylist()}


def appended(store: Store) -> None:
    load(store, lambda: dataset(380, TEXTS, "second"), name="d", append=True)


@pytest.mark.parametrize(
    "options", [{}, {"learner": "d:2"}, {"known_classes": ["even"]}], ids=["one", "two at a time", "known class"]
)
def test_learns_what_a_fresh_run_learns_and_keeps_what_it_had(store: Store, options: dict[str, Any]) -> None:
    load(store, lambda: dataset(0, 380, "first"), name="d")
    before = learn(store, "d", name="layer", **options)
    kept = course(store, "layer")
    associate(store, "d", "layer")
    appended(store)
    report = continue_learning(store, "d", "layer")
    after = course(store, "layer")
    fresh = learn(store, "d", name="fresh", **options)
    assert set(after) == set(course(store, "fresh"))
    assert report.testing_error == fresh.testing_error
    assert report.novel_skills == fresh.novel_skills
    assert all(after[skill] == kept[skill] for skill in kept)
    new = [after[skill] for skill in after if skill not in kept and after[skill][0] > 0]  # wave 0: of the known class
    assert len(new) == report.gained > 10
    assert min(wave for wave, _ in new) == before.layer.waves + 1
    assert max(wave for wave, _ in new) == report.layer.waves
    assert report.layer.texts == TEXTS
    assert sum(np.diff(report.waves)) + report.waves[0] == report.layer.learned == len(after)
    assert report.layer.parameters["continued_after_texts"] == (380,)
    assert report.layer.created_at >= before.layer.created_at
    # every new skill is taught by a text of which it is a skill and whose other skills were there by then
    view = layer_view(store, "d", "layer")
    graph = view.indexed.graph
    most = int(options.get("learner", "d:1")[2:])
    for skill in np.flatnonzero(view.wave > before.layer.waves):
        text = view.by[skill]
        row = graph.text_skills[graph.text_ptr[text] : graph.text_ptr[text + 1]]
        assert skill in row
        assert np.count_nonzero((view.wave[row] < 0) | (view.wave[row] >= view.wave[skill])) <= most
    if not options:
        reasons = " ".join(predict_layer(store, "d", "layer").reasons)
        assert "continued after 380 texts" in reasons
    assert store.read_associations("d", "layer").num_rows == 0
    assert report.layer.associations is None


@pytest.mark.parametrize("mode", ["frozen", "continued", "joint"])
def test_each_mode_of_fine_tuning_goes_on(store: Store, mode: Any) -> None:
    load(store, lambda: dataset(0, 300, "basic"), name="d")
    learn(store, "d", name="foundation", parts=["basic"])
    load(store, lambda: dataset(300, 450, "first"), name="d", append=True)
    learn(store, "d", name="tuned", parts=["first"], base="foundation", mode=mode)
    kept = course(store, "tuned")
    load(store, lambda: dataset(450, TEXTS, "second"), name="d", append=True)
    report = continue_learning(store, "d", "tuned", parts=["second"])
    fresh = learn(store, "d", name="fresh", parts=["first", "second"], base="foundation", mode=mode)
    assert report.layer.parts == fresh.layer.parts == ("first", "second")
    assert set(course(store, "tuned")) == set(course(store, "fresh")) > set(kept)
    assert (report.layer.texts, report.layer.skills) == (fresh.layer.texts, fresh.layer.skills)
    assert (report.layer.mode, report.layer.base) == (mode, "foundation")


def test_a_base_that_went_on_takes_its_fine_tuned_layer_along(store: Store) -> None:
    load(store, lambda: dataset(0, 300, "basic"), name="d")
    learn(store, "d", name="foundation", parts=["basic"])
    load(store, lambda: dataset(300, 400, "first"), name="d", append=True)
    learn(store, "d", name="tuned", parts=["first"], base="foundation")
    with pytest.raises(SkillgraphError, match="has read all 100 texts"):
        continue_learning(store, "d", "tuned")
    load(store, lambda: dataset(400, TEXTS, "more"), name="d", append=True)
    continue_learning(store, "d", "foundation", parts=["more"])
    continue_learning(store, "d", "tuned")
    fresh = learn(store, "d", name="fresh", parts=["first"], base="foundation")
    assert set(course(store, "tuned")) == set(course(store, "fresh"))
    assert fresh.layer.learned > 0


def test_appended_skills_of_a_known_class_are_known(store: Store) -> None:
    skills = pa.table({"id": ["a", "given", "b", "new", "more"], "class": ["x", "known", "x", "known", "known"]})
    first = build_dataset(
        "d",
        texts=pa.table({"id": ["t1"]}),
        skills=skills.slice(0, 2),
        requirements=pa.table({"text": ["t1", "t1"], "skill": ["a", "given"]}),
    )
    second = build_dataset(
        "d",
        texts=pa.table({"id": ["t2"]}),
        skills=skills.slice(2),
        requirements=pa.table({"text": ["t2"] * 3, "skill": ["b", "new", "more"]}),
    )
    load(store, lambda: first, name="d")
    learn(store, "d", name="layer", known_classes=["known"])
    load(store, lambda: second, name="d", append=True)
    continue_learning(store, "d", "layer")
    # t2 can teach b only if the two other skills count as known
    assert course(store, "layer") == {
        "a": (1, "t1"), "given": (0, None), "b": (2, "t2"), "new": (0, None), "more": (0, None)
    }  # fmt: skip


def test_a_layer_whose_part_is_gone_is_not_continued(store: Store) -> None:
    load(store, lambda: dataset(0, 300, "first"), name="d")
    learn(store, "d", name="layer", parts=["first"])
    load(store, lambda: dataset(0, 300, "other"), name="d", replace=True)
    with pytest.raises(SkillgraphError, match=r"read part 'first', which dataset 'd' no longer has"):
        continue_learning(store, "d", "layer", parts=["other"])


def test_what_cannot_be_continued_is_said_and_left(store: Store) -> None:
    load(store, lambda: dataset(0, 380, "first"), name="d")
    learn(store, "d", name="random", learner="capacity:0.5")
    learn(store, "d", name="layer", parts=["first"])
    kept = course(store, "layer")
    with pytest.raises(SkillgraphError, match=r"has read all 380 texts.*--append"):
        continue_learning(store, "d", "layer")
    appended(store)
    with pytest.raises(SkillgraphError, match="has read all 380 texts"):  # its part has no new texts
        continue_learning(store, "d", "layer")
    with pytest.raises(SkillgraphError, match="random capacities"):
        continue_learning(store, "d", "random")
    with pytest.raises(NotFoundError, match="'third'"):
        continue_learning(store, "d", "layer", parts=["third"])
    learn(store, "d", name="all")
    with pytest.raises(NotFoundError, match="'third'"):
        continue_learning(store, "d", "all", parts=["third"])
    with pytest.raises(NotFoundError, match="no layer 'other'"):
        continue_learning(store, "d", "other")
    assert course(store, "layer") == kept
