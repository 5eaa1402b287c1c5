"""Who tagged a requirement is kept, found by Cypher, and changes nothing that a layer rests on; on both stores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from explorer.store.fingerprint import dataset_fingerprint, part_fingerprints
from explorer.store.protocol import Store
from loaders.dataset import TAG_COLUMNS, Dataset, build_dataset, extend_dataset
from tests.store.content import small_dataset

ROWS: list[tuple[str, str, Any, Any, Any, Any]] = [
    ("t1", "sort", "model-a", "closed/1", 0.75, "sorts the list"),
    ("t1", "loop", "ann", None, None, None),
    ("t2", "sort", None, None, None, None),
    ("t2", "parse", "model-b", "open/1", 1.0, "a 'quoted' \n span"),
]


def tagged(rows: list[tuple[str, str, Any, Any, Any, Any]] = ROWS, name: str = "d") -> Dataset:
    columns = dict(zip(("text", "skill", *TAG_COLUMNS), map(list, zip(*rows, strict=True)), strict=True))
    kinds = {"text": pa.string(), "skill": pa.string(), **TAG_COLUMNS}
    requirements = pa.table({key: pa.array(values, kinds[key]) for key, values in columns.items()})
    return build_dataset(
        name,
        texts=pa.table({"id": sorted({row[0] for row in rows})}),
        skills=pa.table({"id": sorted({row[1] for row in rows})}),
        requirements=requirements,
    )


def test_tags_come_back_as_they_were_written(store: Store) -> None:
    dataset = tagged()
    store.write_dataset(dataset)
    found = store.read_dataset("d")
    assert found.equals(dataset)
    assert found.requirements.schema.equals(dataset.requirements.schema)
    assert store.datasets()[0].fingerprint == dataset_fingerprint(found)


def test_cypher_finds_tags(store: Store) -> None:
    store.write_dataset(tagged())
    rows = store.query(
        "MATCH (t:Text)-[r:REQUIRES]->(s:Skill) WHERE r.score < 0.8 "
        "RETURN t.id, s.id, r.annotator, r.method, r.score, r.evidence"
    ).rows
    assert list(rows) == [ROWS[0]]
    without = store.query("MATCH (t:Text)-[r:REQUIRES]->(s:Skill) WHERE r.annotator IS NULL RETURN t.id, s.id").rows
    assert list(without) == [("t2", "sort")]


@pytest.mark.parametrize("first_tagged", [True, False])
def test_tagged_and_untagged_texts_stand_side_by_side(store: Store, first_tagged: bool) -> None:
    plain = small_dataset()
    other = tagged([("z9", "sort", "model-a", "closed/1", 0.5, "sort it")], name=plain.name)
    base, addition = (other, plain) if first_tagged else (plain, other)
    whole = extend_dataset(base, addition)
    store.write_dataset(base)
    store.append_dataset(whole, addition)
    assert store.read_dataset(plain.name).equals(whole)


def test_an_empty_tagged_dataset_is_kept(store: Store) -> None:
    dataset = tagged([ROWS[0]])
    empty = replace(dataset, requirements=dataset.requirements.slice(0, 0))
    store.write_dataset(empty)
    assert store.read_dataset("d").equals(empty)


def test_a_tag_makes_no_layer_stale_but_is_content() -> None:
    plain, other = tagged(), tagged([(*row[:2], "someone else", *row[3:]) for row in ROWS])
    assert part_fingerprints(plain) == part_fingerprints(other)
    assert dataset_fingerprint(plain) != dataset_fingerprint(other)


def test_of_a_repeated_requirement_the_first_tag_stays() -> None:
    twice = tagged([ROWS[0], ("t1", "sort", "later", "x", 0.1, None), *ROWS[1:]])
    first = twice.requirements.to_pylist()[1]
    assert (first["skill"], first["annotator"], first["score"], first["weight"]) == ("sort", "model-a", 0.75, 2.0)


def test_a_dataset_without_tags_has_the_columns_of_old() -> None:
    assert small_dataset().requirements.column_names == ["text", "skill", "weight"]
