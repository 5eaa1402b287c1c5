"""The dataset: validation, canonical order, equality, append, and each error by its message."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.dataset import EMPTY_TABLES, Dataset, build_dataset, extend_dataset, rename_dataset
from loaders.errors import DataError

Columns = Mapping[str, list[Any]]


def dataset(name: str = "d", **tables: Columns) -> Dataset:
    given_tables = {
        "texts": {"id": ["t"]},
        "skills": {"id": ["a", "b"]},
        "requirements": {"text": ["t", "t"], "skill": ["a", "b"]},
    } | tables
    return build_dataset(name, **{key: pa.table(dict(columns)) for key, columns in given_tables.items()})  # type: ignore[arg-type]


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def test_rows_are_ordered_by_id_in_code_points() -> None:
    found = dataset(
        texts={"id": ["é", "z", "Z", "a", "ا", "𝔸", "a,\"b'"]},
        skills={"id": ["b", "B", "10", "9"]},
        requirements={"text": ["z", "a", "a", "é"], "skill": ["b", "b", "10", "9"], "weight": [1, 2, 3, 4]},
    )
    assert found.texts["id"].to_pylist() == sorted(["é", "z", "Z", "a", "ا", "𝔸", "a,\"b'"])
    assert found.skills["id"].to_pylist() == ["10", "9", "B", "b"]
    assert rows(found.requirements) == [("a", "10", 3.0), ("a", "b", 2.0), ("z", "b", 1.0), ("é", "9", 4.0)]


def test_defaults_fill_what_is_missing() -> None:
    found = dataset()
    assert rows(found.texts) == [("t", "t", None, None)]
    assert rows(found.skills) == [("a", "a", None, None), ("b", "b", None, None)]
    assert rows(found.requirements) == [("t", "a", 1.0), ("t", "b", 1.0)]
    for name, table in found.tables().items():
        assert table.column_names == EMPTY_TABLES[name].column_names
    assert (found.n_texts, found.n_skills, found.n_requirements, found.parts) == (1, 2, 2, ())


def test_titles_and_names_are_filled_row_by_row() -> None:
    found = dataset(texts={"id": ["t", "u"], "title": [None, "U"]}, skills={"id": ["a", "b"], "name": ["A", None]})
    assert found.texts["title"].to_pylist() == ["t", "U"]
    assert found.skills["name"].to_pylist() == ["A", "b"]


def test_repeated_requirements_become_one_with_the_sum_of_weights() -> None:
    found = dataset(requirements={"text": ["t", "t", "t"], "skill": ["b", "a", "b"], "weight": [0.5, 1.0, 2.0]})
    assert rows(found.requirements) == [("t", "a", 1.0), ("t", "b", 2.5)]


def test_requirements_are_encoded_over_the_ids() -> None:
    found = dataset(texts={"id": ["u", "t"]})
    for column, ids in (("text", found.texts["id"]), ("skill", found.skills["id"])):
        encoded = found.requirements[column].combine_chunks()
        assert encoded.type == pa.dictionary(pa.int32(), pa.string())
        assert encoded.dictionary.to_pylist() == ids.to_pylist()


def test_properties_keep_their_types() -> None:
    found = dataset(
        texts={"id": ["t"], "count": [3], "share": [0.5], "flag": [True], "note": ["n"], "nothing": [None]},
        models={"id": ["m"], "samples": [10]},
    )
    assert {name: str(found.texts[name].type) for name in ("count", "share", "flag", "note", "nothing")} == {
        "count": "int64",
        "share": "double",
        "flag": "bool",
        "note": "string",
        "nothing": "string",
    }
    assert found.models["samples"].to_pylist() == [10]


def test_empty_tables_are_a_dataset() -> None:
    found = build_dataset("d", **{key: EMPTY_TABLES[key] for key in ("texts", "skills", "requirements")})
    assert (found.n_texts, found.n_skills, found.n_requirements) == (0, 0, 0)
    assert found.equals(build_dataset("d", **found.tables()))


ids = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_order_of_rows_does_not_matter_and_building_again_changes_nothing(data: st.DataObject) -> None:
    texts = data.draw(st.lists(ids, min_size=1, max_size=6, unique=True))
    skills = data.draw(st.lists(ids, min_size=1, max_size=6, unique=True))
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(texts), st.sampled_from(skills)), max_size=12))
    shuffled = data.draw(st.permutations(pairs))

    def build(texts: list[str], skills: list[str], pairs: list[tuple[str, str]]) -> Dataset:
        requirements = pa.table(
            {
                "text": pa.array([text for text, _ in pairs], pa.string()),
                "skill": pa.array([skill for _, skill in pairs], pa.string()),
            }
        )
        return build_dataset(
            "d", texts=pa.table({"id": texts}), skills=pa.table({"id": skills}), requirements=requirements
        )

    one = build(texts, skills, pairs)
    assert one.equals(build(texts[::-1], data.draw(st.permutations(skills)), shuffled))
    assert one.equals(build_dataset("d", **one.tables()))
    assert one.texts["id"].to_pylist() == sorted(texts)
    assert rows(one.requirements.select(["text", "skill"])) == sorted(set(pairs))


def test_equality_sees_every_table_the_name_and_the_provenance() -> None:
    base = {
        "prerequisites": {"prerequisite": ["a"], "skill": ["b"]},
        "part_of": {"child": ["a"], "parent": ["b"]},
        "models": {"id": ["m"]},
        "attempts": {"model": ["m"], "text": ["t"], "score": [1.0]},
    }
    one = dataset(**base)
    assert one.equals(dataset(**base))
    changes: dict[str, Columns] = {
        "texts": {"id": ["t"], "class": ["c"]},
        "skills": {"id": ["a", "b"], "level": [0, 1]},
        "requirements": {"text": ["t", "t"], "skill": ["a", "b"], "weight": [1, 2]},
        "prerequisites": {"prerequisite": ["b"], "skill": ["a"]},
        "part_of": {"child": ["b"], "parent": ["a"]},
        "models": {"id": ["m"], "role": ["base"]},
        "attempts": {"model": ["m"], "text": ["t"], "score": [0.0]},
    }
    assert set(changes) == set(EMPTY_TABLES)
    for key, columns in changes.items():
        assert not one.equals(dataset(**(base | {key: columns}))), key
    assert not one.equals(rename_dataset(one, "e"))
    with_fact = build_dataset("d", **one.tables(), provenance={"source": "x"})
    assert not one.equals(with_fact)


def test_links_are_ordered_and_distinct() -> None:
    found = dataset(
        prerequisites={"prerequisite": ["b", "a", "a"], "skill": ["c", "c", "c"]},
        skills={"id": ["a", "b", "c"]},
    )
    assert rows(found.prerequisites) == [("a", "c"), ("b", "c")]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"texts": {"id": ["t", "t"]}}, "text id 't' occurs 2 times; ids must be unique"),
        ({"skills": {"id": ["a", "b", "b", "b"]}}, "skill id 'b' occurs 3 times; ids must be unique"),
        ({"models": {"id": ["m", "m"]}}, "model id 'm' occurs 2 times; ids must be unique"),
        ({"texts": {"name": ["t"]}}, "table 'texts' has no column 'id'; it has: name"),
        ({"requirements": {"text": ["t"]}}, "table 'requirements' has no column 'skill'; it has: text"),
        ({"texts": {"id": ["t", None]}}, "table 'texts', row 2: 'id' is empty"),
        ({"requirements": {"text": ["t"], "skill": pa.array([None], pa.string())}},
         "table 'requirements', row 1: 'skill' is empty"),
        ({"requirements": {"text": ["t", "x"], "skill": ["a", "a"]}},
         "requirements, row 2: text 'x' is not one of the texts"),
        ({"requirements": {"text": ["t", "t"], "skill": ["a", "x"]}},
         "requirements, row 2: skill 'x' is not one of the skills"),
        ({"requirements": {"text": ["t"], "skill": ["a"], "weight": [0.0]}},
         "requirements, row 1: weight 0.0 must be a positive number"),
        ({"requirements": {"text": ["t", "t"], "skill": ["a", "b"], "weight": [1.0, float("nan")]}},
         "requirements, row 2: weight nan must be a positive number"),
        ({"requirements": {"text": ["t"], "skill": ["a"], "weight": [float("inf")]}},
         "requirements, row 1: weight inf must be a positive number"),
        ({"requirements": {"text": ["t"], "skill": ["a"], "weight": pa.array([None], pa.float64())}},
         "requirements, row 1: weight None must be a positive number"),
        ({"requirements": {"text": ["t"], "skill": ["a"], "weight": ["much"]}},
         "table 'requirements', column 'weight': "),
        ({"skills": {"id": ["a", "b"], "level": ["low", "high"]}}, "table 'skills', column 'level': "),
        ({"texts": {"id": ["t"], "tags": [["x"]]}},
         "table 'texts': property 'tags' is list<item: string>; use text, integer, float or true/false"),
        ({"prerequisites": {"prerequisite": ["x"], "skill": ["a"]}},
         "prerequisites column 'prerequisite', row 1: skill 'x' is not one of the skills"),
        ({"part_of": {"child": ["a"], "parent": ["x"]}},
         "part_of column 'parent', row 1: skill 'x' is not one of the skills"),
        ({"prerequisites": {"prerequisite": ["a", "b"], "skill": ["b", "a"]}},
         "prerequisites form a cycle: "),
        ({"part_of": {"child": ["a"], "parent": ["a"]}}, "part_of form a cycle: 'a' -> 'a'; remove one of its links"),
        ({"attempts": {"model": ["m"], "text": ["t"], "score": [1]}},
         "attempts, row 1: model 'm' is not one of the models"),
        ({"models": {"id": ["m"]}, "attempts": {"model": ["m"], "text": ["x"], "score": [1]}},
         "attempts, row 1: text 'x' is not one of the texts"),
        ({"models": {"id": ["m"]}, "attempts": {"model": ["m"], "text": ["t"], "score": [1.5]}},
         "attempts, row 1: score 1.5 must be from 0 to 1"),
        ({"models": {"id": ["m"]}, "attempts": {"model": ["m"], "text": ["t"], "score": [float("nan")]}},
         "attempts, row 1: score nan must be from 0 to 1"),
        ({"models": {"id": ["m"]}, "attempts": {"model": ["m", "m"], "text": ["t", "t"], "score": [1, 0]}},
         "attempts: model 'm' has 2 scores for text 't'; give one"),
        ({"models": {"id": ["m", "n", "o"], "base": ["n", "m", None]}}, "models' bases form a cycle: "),
        ({"models": {"id": ["m"], "base": ["n"]}}, "models column 'base', row 1: model 'n' is not one of the models"),
    ],
)  # fmt: skip
def test_error_messages(tables: dict[str, Columns], message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        dataset(**tables)


def test_a_cycle_names_its_skills_in_order() -> None:
    links = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")]
    with pytest.raises(DataError) as caught:
        dataset(
            skills={"id": ["a", "b", "c", "d"]},
            prerequisites={"prerequisite": [x for x, _ in links], "skill": [y for _, y in links]},
        )
    named = re.findall(r"'(\w)'", str(caught.value))
    assert named[0] == named[-1]
    assert set(named) == {"a", "b", "c"}
    assert all((x, y) in links for x, y in pairwise(named))


@pytest.mark.parametrize("name", ["", "a/b", " a", "a\n"])
def test_names_that_cannot_start_a_key(name: str) -> None:
    with pytest.raises(DataError, match=r"must not be empty, contain '/', or begin or end with a space$"):
        dataset(name)
    with pytest.raises(DataError, match=r"must not be empty, contain '/', or begin or end with a space$"):
        rename_dataset(dataset(), name)


def test_provenance_holds_scalars() -> None:
    with pytest.raises(DataError, match=r"^provenance 'files' must be a scalar, not list$"):
        build_dataset("d", **dataset().tables(), provenance={"files": ["a"]})  # type: ignore[dict-item]


# Appending ---------------------------------------------------------------------------------------------------


def addition() -> Dataset:
    return build_dataset(
        "other",
        texts=pa.table({"id": ["s", "u"], "part": ["new", "new"], "lines": [1, 2]}),
        skills=pa.table({"id": ["b", "c"], "class": ["later", "later"]}),
        requirements=pa.table({"text": ["s", "u"], "skill": ["b", "c"]}),
        part_of=pa.table({"child": ["c"], "parent": ["b"]}),
        models=pa.table({"id": ["m"], "role": ["other"]}),
        attempts=pa.table({"model": ["m"], "text": ["u"], "score": [0.5]}),
        provenance={"loader": "x", "files": 2},
    )


def base() -> Dataset:
    return build_dataset(
        "d",
        texts=pa.table({"id": ["t"], "part": ["old"]}),
        skills=pa.table({"id": ["a", "b"], "class": ["first", "first"]}),
        requirements=pa.table({"text": ["t", "t"], "skill": ["a", "b"], "weight": [1, 2]}),
        models=pa.table({"id": ["m"], "role": ["base"]}),
        attempts=pa.table({"model": ["m"], "text": ["t"], "score": [1.0]}),
        provenance={"loader": "x", "files": 1},
    )


def test_extend_adds_texts_and_shares_skills_and_models() -> None:
    both = extend_dataset(base(), addition())
    assert both.name == "d"
    assert both.parts == ("new", "old")
    assert rows(both.texts) == [("s", "s", None, "new", 1), ("t", "t", None, "old", None), ("u", "u", None, "new", 2)]
    assert rows(both.skills) == [("a", "a", "first", None), ("b", "b", "first", None), ("c", "c", "later", None)]
    assert rows(both.requirements) == [("s", "b", 1.0), ("t", "a", 1.0), ("t", "b", 2.0), ("u", "c", 1.0)]
    assert rows(both.part_of) == [("c", "b")]
    assert rows(both.models) == [("m", "base", None)]
    assert rows(both.attempts) == [("m", "t", 1.0), ("m", "u", 0.5)]
    assert both.provenance == {"loader": "x", "files": 1, "new.files": 2}


def test_extend_refuses_texts_that_are_there() -> None:
    with pytest.raises(DataError, match=r"^text 't' is already in dataset 'd' \(1 such texts\): .* --replace$"):
        extend_dataset(base(), rename_dataset(base(), "e"))


def test_extend_refuses_a_property_of_another_type() -> None:
    one, two = (
        dataset(texts={"id": ["t"], "size": [1]}),
        dataset(texts={"id": ["u"], "size": ["big"]}, requirements={"text": ["u"], "skill": ["a"]}),
    )
    with pytest.raises(
        DataError, match=r"^table 'texts' of 'd' has a property whose type differs from that in 'd': .*size"
    ):
        extend_dataset(one, two)


def test_extend_with_nothing_changes_nothing() -> None:
    nothing = build_dataset("n", **{key: EMPTY_TABLES[key] for key in ("texts", "skills", "requirements")})
    assert extend_dataset(base(), nothing).equals(base())
    assert rename_dataset(extend_dataset(rename_dataset(nothing, "d"), base()), "d").equals(base())


def test_extend_may_close_a_cycle_and_says_so() -> None:
    one = dataset(prerequisites={"prerequisite": ["a"], "skill": ["b"]})
    two = dataset(
        texts={"id": ["u"]},
        requirements={"text": ["u"], "skill": ["a"]},
        prerequisites={"prerequisite": ["b"], "skill": ["a"]},
    )
    with pytest.raises(DataError, match=r"^prerequisites form a cycle: "):
        extend_dataset(one, two)


def test_a_million_requirements_take_memory_in_proportion_to_their_arrays() -> None:
    """Held: 4 + 4 + 8 bytes a requirement. On the way at most a few copies, never an object for each."""
    n_texts, n_skills, n_edges = 100_000, 10_000, 1_000_000
    rng = np.random.default_rng(1)
    text_ids = pa.array([f"text-{i:06}" for i in range(n_texts)])
    skill_ids = pa.array([f"skill-{i:05}" for i in range(n_skills)])
    requirements = pa.table(
        {
            "text": pa.DictionaryArray.from_arrays(
                pa.array(rng.integers(n_texts, size=n_edges, dtype=np.int32)), text_ids
            ),
            "skill": pa.DictionaryArray.from_arrays(
                pa.array(rng.integers(n_skills, size=n_edges, dtype=np.int32)), skill_ids
            ),
        }
    )
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    built = build_dataset(
        "d", texts=pa.table({"id": text_ids}), skills=pa.table({"id": skill_ids}), requirements=requirements
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Sorting takes a few arrays of 8 bytes; a Python tuple for each requirement would take 150 bytes and more.
    assert peak < 80 * n_edges
    held = pa.total_allocated_bytes() - before
    assert held < 3 * 16 * n_edges
    assert 0.99 * n_edges < built.n_requirements <= n_edges
    assert built.requirements["weight"].to_numpy().sum() == n_edges
    text = built.requirements["text"].combine_chunks().indices.to_numpy()
    assert (np.diff(text) >= 0).all()
