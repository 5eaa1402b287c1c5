"""Why, what next and in which order, on a dataset that fits on a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis.curriculum import curriculum
from analysis.graph import SkillTextGraph
from analysis.peeling import peel
from analysis.turning import turned_failures
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service import associate, learn
from explorer.service.curriculum import make_curriculum, write_curriculum
from explorer.service.life import refresh
from explorer.service.loading import load
from explorer.service.planning import plan
from explorer.service.reasons import layer_lacks
from explorer.service.spark_import import import_layer
from explorer.service.why import why
from explorer.store.opening import open_store
from explorer.store.protocol import Layer, Store
from loaders.dataset import build_dataset
from tests.analysis.reference import rows
from tests.analysis.strategies import random_graph

_TEXTS = {
    "t1": "a",
    "t2": "a b",
    "t3": "c d",
    "t4": "c e",
    "t5": "b f g",
    "t6": "f g",
    "u1": "c",
    "u2": "f h",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Texts t1 to t6 in part `base`, u1 and u2 in part `more`; layer `l` has read `base`."""
    pairs = [(text, skill) for text, skills in _TEXTS.items() for skill in skills.split()]
    skills = sorted({skill for _, skill in pairs} | {"z"})
    data = build_dataset(
        "d",
        texts=pa.table({"id": list(_TEXTS), "part": ["base" if t[0] == "t" else "more" for t in _TEXTS]}),
        skills=pa.table({"id": skills, "class": ["x" if s in "abf" else "y" for s in skills]}),
        requirements=pa.table({"text": [a for a, _ in pairs], "skill": [b for _, b in pairs]}),
    )
    opened = open_store(tmp_path_factory.mktemp("why") / "store.kgl", mode="write")
    opened.write_dataset(data)
    learn(opened, "d", name="l", parts=["base"])
    learn(opened, "d", name="all")
    yield opened
    opened.close()


def test_what_a_layer_lacks_is_stored(store: Store) -> None:
    layer = store.read_layer("d", "l")
    assert layer.info.lacks == 7
    found = {row["skill"]: (row["reason"], row["text"], row["novel"], row["group"]) for row in layer.lacks.to_pylist()}
    assert found == {
        "c": ("together", "t3", 2, 0),
        "d": ("together", "t3", 2, 0),
        "e": ("together", "t4", 2, 0),
        "f": ("inseparable", "t5", 2, 1),
        "g": ("inseparable", "t5", 2, 1),
        "h": ("unused", None, None, None),
        "z": ("unused", None, None, None),
    }


def test_why_a_skill_was_learned(store: Store) -> None:
    report = why(store, "d", "l", "b")
    assert (report.learned, report.wave, report.before) == (True, 2, 1)
    assert [(link.skill, link.wave, link.text, link.beside) for link in report.chain] == [
        ("b", 2, "t2", ("a",)),
        ("a", 1, "t1", ()),
    ]


def test_why_a_skill_was_not_learned(store: Store) -> None:
    report = why(store, "d", "l", "d")
    assert (report.learned, report.reason, report.never) == (False, "together", False)
    assert [(text.text, text.lacks, text.too_many) for text in report.texts] == [("t3", ("c",), 1)]
    assert report.group == ("c", "d", "e")
    assert {u.skills for u in report.unlocking} == {("c",), ("e",)}
    assert report.proved
    assert report.least == 1
    assert report.taught is not None
    assert (report.taught.skills, report.taught.texts, report.taught.first) == (2, 2, ("c", "e"))


def test_a_skill_that_no_text_could_teach(store: Store) -> None:
    assert why(store, "d", "l", "z").never
    together = why(store, "d", "l", "g")
    assert together.never
    assert together.twins == 2
    assert "could ever teach it" in together.sentence
    with pytest.raises(NotFoundError, match="no skill 'nope'"):
        why(store, "d", "l", "nope")


def test_plans(store: Store) -> None:
    skills = plan(store, "d", "l", budget=2)
    assert [(step.skill, step.learned, step.texts) for step in skills.steps] == [("c", 3, 2), ("f", 2, 2)]
    assert skills.optimum == (3.0, 5.0)
    assert skills.bound == (0.0, 3.0, 5.0)
    texts = plan(store, "d", "l", budget=3, by="texts")
    assert [(step.text, step.learned) for step in texts.steps] == [("u1", 3)]
    simpler = plan(store, "d", "l", budget=1, by="simpler").steps[0]
    assert (simpler.text, simpler.skill, simpler.learned) == ("t3", "d", 2)
    assert [step.skill for step in plan(store, "d", "l", budget=1, goal_classes=["x"]).steps] == ["f"]
    assert [step.skill for step in plan(store, "d", "l", budget=1, goal_texts=["t5"]).steps] == ["f"]
    assert [step.skill for step in plan(store, "d", "l", budget=1, goal_layer="all").steps] == ["c"]
    assert plan(store, "d", "l", budget=1, goal_giant=True).value == (0.0, 2.0)
    with pytest.raises(SkillgraphError, match="one goal"):
        plan(store, "d", "l", goal_classes=["x"], goal_giant=True)


def test_an_order_for_training(store: Store, tmp_path: Path) -> None:
    report = make_curriculum(store, "d", "l", rest=True)
    assert [row[1:] for row in report.rows] == [
        ("t1", 1, 1, 1, ("a",)),
        ("t2", 2, 1, 1, ("b",)),
        ("t3", None, 1, 2, ()),
        ("t4", None, 1, 2, ()),
        ("t5", None, 1, 2, ()),
        ("t6", None, 1, 2, ()),
    ]
    write_curriculum(report, tmp_path / "order.jsonl")
    first = json.loads((tmp_path / "order.jsonl").read_text().splitlines()[0])
    assert first == {"place": 1, "text": "t1", "wave": 1, "pass": 1, "novel": 1, "teaches": ["a"]}
    with pytest.raises(SkillgraphError, match="must end in"):
        write_curriculum(report, tmp_path / "order.txt")


@pytest.mark.parametrize(("capacity", "chained"), [(1, False), (2, False), (1, True), (2, True)])
def test_an_order_learns_what_peeling_learns_and_keeps_the_limit(capacity: int, chained: bool) -> None:
    rng = np.random.default_rng(capacity)
    graph = random_graph(rng, 400, 300, 2.5)
    places = rng.permutation(300)
    needed = (places[:150], places[150:]) if chained else None
    order = curriculum(graph, capacity, prerequisites=needed)
    learned: set[int] = set()
    texts = rows(graph)
    for k, t in enumerate(order.text.tolist()):
        novel = set(texts[t]) - learned
        assert len(novel) == order.novel[k] <= capacity
        taught = set(order.taught[order.taught_ptr[k] : order.taught_ptr[k + 1]].tolist())
        assert taught <= novel
        if needed is None:
            assert taught == novel
        learned |= taught
    assert learned == set(np.flatnonzero(peel(graph, capacity, prerequisites=needed).learned).tolist())
    assert len(set(order.text.tolist())) + len(order.left) == graph.n_texts
    if not chained:
        assert order.n_passes == 1


def test_turned_failures_are_those_of_a_simulation() -> None:
    graph = SkillTextGraph.from_csr([0, 2, 3, 6], [0, 1, 1, 0, 1, 2], n_skills=3)
    mastery = np.array([0.8, 0.3, 0.6])
    found = turned_failures(graph, [True] * 3, mastery, slip=0.1, guess=0.2)
    rng = np.random.default_rng(1)
    n = 200_000
    has = rng.random((n, 3)) < mastery
    for s in range(3):
        with_s = has.copy()
        with_s[:, s] = True
        more = sum(with_s[:, row].all(axis=1).astype(float) - has[:, row].all(axis=1) for row in rows(graph))
        gains = 0.7 * np.asarray(more)
        assert abs(gains.mean() - found.expected[s]) < 5 * gains.std() / np.sqrt(n)
    assert (found.low <= found.expected).all()
    assert (found.expected <= found.high + 1).all()
    assert found.texts_of(1)[0].tolist() == [1, 0, 2]


@pytest.mark.parametrize("associated", [False, True])
def test_a_layer_of_an_earlier_version_gets_its_reasons(tmp_path: Path, store: Store, associated: bool) -> None:
    data, made = store.read_dataset("d"), store.read_layer("d", "l")
    with closing(open_store(tmp_path / "store.kgl", mode="write")) as opened:
        opened.write_dataset(data)
        opened.write_layer(Layer(replace(made.info, lacks=None), made.skills))
        if associated:
            associate(opened, "d", "l")
        pairs = opened.read_associations("d", "l")
        assert layer_lacks(opened, "d", "l").equals(made.lacks), "found when it is asked for"
        assert opened.query("MATCH ()-[r:LACKS]->() RETURN count(r)").rows == [(0,)]
        (step,) = refresh(opened, "d").steps
        assert (step.layer.name, step.done, step.layer.lacks) == ("l", "recorded", 7)
        assert opened.read_layer("d", "l").lacks.equals(made.lacks)
        assert opened.read_associations("d", "l").equals(pairs)
        assert not refresh(opened, "d").steps


def test_learning_again_adds_reasons_that_were_not_stored(tmp_path: Path, store: Store) -> None:
    with closing(open_store(tmp_path / "store.kgl", mode="write")) as opened:
        opened.write_dataset(store.read_dataset("d"))
        made = learn(opened, "d", name="l", parts=["base"]).layer
        lacks = opened.read_layer("d", "l").lacks
        opened.write_layer(Layer(replace(made, lacks=None), opened.read_layer("d", "l").skills))
        assert learn(opened, "d", name="l", parts=["base"]).reused
        assert opened.read_layer("d", "l").lacks.equals(lacks)


def test_skills_of_texts_that_a_layer_does_not_read_are_lacking_too(tmp_path: Path, store: Store) -> None:
    with closing(open_store(tmp_path / "store.kgl", mode="write")) as opened:
        opened.write_dataset(store.read_dataset("d"))
        learn(opened, "d", name="l", parts=["base"])
        more = build_dataset(
            "d",
            texts=pa.table({"id": ["v"], "part": ["more"]}),
            skills=pa.table({"id": ["new"]}),
            requirements=pa.table({"text": ["v"], "skill": ["new"]}),
        )
        load(opened, lambda: more, name="d", append=True)
        assert not opened.layers("d")[0].stale
        assert "new" not in opened.read_layer("d", "l").lacks["skill"].to_pylist()
        refresh(opened, "d")
        rows = {row["skill"]: row["reason"] for row in opened.read_layer("d", "l").lacks.to_pylist()}
        assert rows["new"] == "unused"
        assert len(rows) + opened.layers("d")[0].learned == opened.datasets()[0].skills


def test_a_layer_imported_from_spark_has_its_reasons(tmp_path: Path, store: Store) -> None:
    made = store.read_layer("d", "l")
    with closing(open_store(tmp_path / "store.kgl", mode="write")) as opened:
        opened.write_dataset(store.read_dataset("d"))
        info = import_layer(opened, "d", replace(made.info, name="taken", lacks=None), made.skills)
        assert info.lacks == 7
        assert opened.read_layer("d", "taken").lacks.equals(made.lacks)
        reasons = opened.query(
            "MATCH (:Layer {name: 'taken'})-[r:LACKS]->(s:Skill) RETURN s.id, r.reason ORDER BY s.id"
        )
        assert list(reasons.rows) == [(row["skill"], row["reason"]) for row in made.lacks.to_pylist()]


def test_names_do_not_turn_or_divide_the_sentence_that_they_stand_in(tmp_path: Path) -> None:
    """A name from right to left is isolated, and one with a comma quoted."""
    hebrew, comma = "\u05e9\u05dc\u05d5\u05dd", "reading, basic"
    data = build_dataset(
        "d",
        texts=pa.table({"id": ["t1", "t2"]}),
        skills=pa.table({"id": [hebrew, comma, "c"]}),
        requirements=pa.table({"text": ["t1", "t1", "t2", "t2"], "skill": [hebrew, comma, comma, "c"]}),
    )
    with closing(open_store(tmp_path / "store.kgl", mode="write")) as store:
        store.write_dataset(data)
        learn(store, "d", name="l")
        told = why(store, "d", "l", hebrew).sentence
    assert told.startswith(f"\u2068{hebrew}\u2069 is not learned")
    assert '"reading, basic"' in told or "c would" in told
    assert told.count("\u2068") == told.count("\u2069")
