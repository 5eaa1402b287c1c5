"""What is said and offered when nothing can be learned: each offer is taken up and does what it says."""

from __future__ import annotations

import pyarrow as pa
import pytest

from explorer.service.learning import learn
from explorer.store.protocol import Store
from loaders.dataset import Dataset, build_dataset


def dataset(texts: list[str], **tables: pa.Table) -> Dataset:
    pairs = [(f"t{n}", skill) for n, text in enumerate(texts) for skill in text]
    skills = sorted({skill for _, skill in pairs})
    return build_dataset(
        "d",
        texts=pa.table({"id": [f"t{n}" for n in range(len(texts))]}),
        skills=pa.table({"id": skills, "class": ["low" if s < "d" else "high" if s < "h" else "top" for s in skills]}),
        requirements=pa.table({"text": [t for t, _ in pairs], "skill": [s for _, s in pairs]}),
        **tables,
    )


def test_no_text_with_a_single_skill(store: Store) -> None:
    store.write_dataset(dataset(["abd", "ace", "bcf", "abcg", "defg", "hij"]))
    report = learn(store, "d", name="nothing")
    assert report.stalled
    assert report.layer.learned == 0
    help_ = report.help
    assert help_ is not None
    assert help_.novel_skills == {3: 4, 4: 2}
    assert help_.smallest_d == 3
    assert help_.learned_with_d == learn(store, "d", name="three", learner="d:3").layer.learned > 0
    assert learn(store, "d", name="two", learner="d:2").layer.learned == 0, "a smaller D does not start"
    best = help_.classes[0]
    assert best.skill_class == "low"
    assert learn(store, "d", name="known", known_classes=["low"]).layer.learned == best.skills + best.learned
    assert {c.skill_class for c in help_.classes} <= {"low", "high"}, "top helps nothing"
    for words in ("4 with 3, 2 with 4", "--learner d:3", "--known-class 'low'", "--known FILE", "--base"):
        assert words in report.advice


def test_a_class_helps_where_no_single_d_of_few_does(store: Store) -> None:
    store.write_dataset(dataset(["abcd", "abce", "abcf"]))
    help_ = learn(store, "d", name="nothing").help
    assert help_ is not None
    assert help_.smallest_d == 4
    assert [(c.skill_class, c.skills, c.learned) for c in help_.classes] == [("low", 3, 3)]


def test_blocked_by_a_prerequisite(store: Store) -> None:
    store.write_dataset(dataset(["a", "bc", "bd"], prerequisites=pa.table({"prerequisite": ["b"], "skill": ["a"]})))
    report = learn(store, "d", name="blocked")
    help_ = report.help
    assert help_ is not None
    assert help_.blocked == 1
    assert "prerequisite" in report.advice
    assert help_.smallest_d == 2


def test_a_fine_tuning_that_adds_nothing_is_told_from_a_start_that_fails(store: Store) -> None:
    store.write_dataset(dataset(["a", "ab"]))
    learn(store, "d", name="base")
    report = learn(store, "d", name="again", base="base")
    assert report.stalled
    assert report.advice == "Every text is understood already: there is nothing left to learn."


@pytest.mark.parametrize("learner", ["one", "capacity:0.5"])
def test_no_advice_when_something_is_learned(store: Store, learner: str) -> None:
    store.write_dataset(dataset(["a", "ab", "b"]))
    report = learn(store, "d", name="fine", learner=learner)
    assert (report.help, report.advice) == (None, "")
