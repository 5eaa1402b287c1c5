"""Fingerprints: equal for equal content however it is kept, different for any change that counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from explorer.service.learning import learn
from explorer.store.fingerprint import (
    dataset_fingerprint,
    fingerprints_from_json,
    fingerprints_to_json,
    part_fingerprints,
    table_fingerprint,
)
from explorer.store.opening import open_store
from explorer.store.staleness import stale_layers
from loaders.dataset import Dataset, build_dataset, extend_dataset, rename_dataset


def _dataset(
    requirements: dict[str, str],
    part: dict[str, str | None],
    *,
    classes: dict[str, str] | None = None,
    score: float = 1.0,
) -> Dataset:
    pairs = [(text, skill) for text, skills in requirements.items() for skill in skills]
    skills = sorted({skill for _, skill in pairs})
    return build_dataset(
        "d",
        texts=pa.table({"id": list(requirements), "part": pa.array([part[t] for t in requirements], pa.string())}),
        skills=pa.table({"id": skills, "class": pa.array([(classes or {}).get(s) for s in skills], pa.string())}),
        requirements=pa.table({"text": [a for a, _ in pairs], "skill": [b for _, b in pairs]}),
        models=pa.table({"id": ["m"]}),
        attempts=pa.table({"model": ["m"], "text": [next(iter(requirements))], "score": [score]}),
    )


BASE = _dataset({"t1": "ab", "t2": "b", "u1": "bc"}, {"t1": "x", "t2": "x", "u1": "y"})


@pytest.mark.parametrize(
    "column", [["a", None, "", "bc"], [1, None, 0, -5], [0.5, None, 0.0, -1.0], [True, None, False]]
)
def test_a_table_has_one_fingerprint_however_it_is_cut(column: list[object]) -> None:
    whole = pa.table({"v": pa.array(column)})
    longer = pa.table({"v": pa.array([*column, *column])})
    cuts = [
        pa.concat_tables([whole.slice(0, 1), whole.slice(1, 0), whole.slice(1)]),
        longer.slice(len(column)),
        longer.filter(pa.array([False] * len(column) + [True] * len(column))),
    ]
    if isinstance(column[0], str):
        cuts.append(pa.table({"v": pa.array(column).dictionary_encode()}))
    assert {table_fingerprint(t) for t in (whole, *cuts)} == {table_fingerprint(whole)}
    others = [
        pa.table({"w": pa.array(column)}),
        whole.slice(1),
        pa.table({"v": pa.array([*column[1:], column[0]])}),
        pa.table({"v": pa.array([column[-1], *column[1:]])}),
        pa.table({"v": pa.array([*column[1:], column[1]])}),
    ]
    assert table_fingerprint(whole) not in {table_fingerprint(t) for t in others}


def test_texts_of_another_split_differ() -> None:
    assert table_fingerprint(pa.table({"v": ["ab", "c"]})) != table_fingerprint(pa.table({"v": ["a", "bc"]}))


def test_any_change_of_a_dataset_but_its_name_changes_its_fingerprint() -> None:
    assert dataset_fingerprint(rename_dataset(BASE, "other")) == dataset_fingerprint(BASE)
    titled = replace(BASE, texts=BASE.texts.set_column(1, "title", pa.array(["x", "y", "z"])))
    sourced = replace(BASE, provenance={"source": "elsewhere"})
    weighted = replace(
        BASE, requirements=BASE.requirements.set_column(2, "weight", pa.array([1.0, 1.0, 1.0, 1.0, 2.0]))
    )
    found = [dataset_fingerprint(d) for d in (BASE, titled, sourced, weighted)]
    assert len(set(found)) == 4


def test_a_part_depends_on_what_teaches_and_on_nothing_else() -> None:
    before = part_fingerprints(BASE)
    titled = replace(BASE, texts=BASE.texts.set_column(1, "title", pa.array(["x", "y", "z"])))
    assert part_fingerprints(titled) == before
    more = extend_dataset(BASE, _dataset({"z1": "ad"}, {"z1": "z"}))
    assert {name: part_fingerprints(more)[name] for name in before} == before
    grown = part_fingerprints(extend_dataset(BASE, _dataset({"u2": "ad"}, {"u2": "y"})))
    assert grown["x"] == before["x"]
    assert grown["y"].texts != before["y"].texts


def test_classes_outcomes_and_prerequisites_count_apart() -> None:
    before = part_fingerprints(BASE)
    requirements = {"t1": "ab", "t2": "b", "u1": "bc"}
    part: dict[str, str | None] = {"t1": "x", "t2": "x", "u1": "y"}
    classed = part_fingerprints(_dataset(requirements, part, classes={"c": "k"}))
    assert classed["x"] == before["x"]
    assert classed["y"].texts == before["y"].texts
    assert classed["y"].classes != before["y"].classes
    scored = part_fingerprints(_dataset(requirements, part, score=0.0))
    assert scored["x"].texts == before["x"].texts
    assert scored["x"].outcomes != before["x"].outcomes
    assert before["y"].outcomes == scored["y"].outcomes == ""
    linked = replace(BASE, prerequisites=pa.table({"prerequisite": ["b"], "skill": ["c"]}))
    assert part_fingerprints(linked)["x"] == before["x"]
    assert part_fingerprints(linked)["y"].texts != before["y"].texts


def test_texts_without_a_part_are_a_part_of_their_own() -> None:
    found = part_fingerprints(_dataset({"t": "a", "u": "b"}, {"t": None, "u": "y"}))
    assert set(found) == {"", "y"}
    assert fingerprints_from_json(fingerprints_to_json(found)) == found


def test_a_layer_is_stale_if_its_base_is_or_if_skills_of_it_vanished(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.kgl", mode="write")
    store.write_dataset(BASE)
    learn(store, "d", name="base", parts=["x"])
    learn(store, "d", name="tuned", parts=["y"], base="base")
    infos = {info.name: info for info in store.layers("d")}
    parts = part_fingerprints(BASE)
    assert stale_layers(infos.values(), parts) == {"base": (), "tuned": ()}
    changed = replace(infos["base"], made_from={**infos["base"].made_from, "classes:x": "other"})
    found = stale_layers([changed, infos["tuned"]], parts)
    assert found["base"]
    assert found["tuned"] == ("its base 'base' is stale",)
    lost = replace(infos["base"], vanished=("s",))
    assert stale_layers([lost], parts) == {"base": ("1 of its skills was lost when the dataset was replaced",)}


def test_an_empty_dataset_has_fingerprints() -> None:
    empty = build_dataset(
        "e",
        texts=pa.table({"id": pa.array([], pa.string())}),
        skills=pa.table({"id": pa.array([], pa.string())}),
        requirements=pa.table({"text": pa.array([], pa.string()), "skill": pa.array([], pa.string())}),
    )
    assert part_fingerprints(empty) == {}
    assert dataset_fingerprint(empty) != dataset_fingerprint(BASE)
