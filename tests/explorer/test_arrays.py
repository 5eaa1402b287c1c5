"""Ids become indices and back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from explorer.arrays import SkillIndex, index_dataset, positions
from explorer.errors import NotFoundError
from loaders.dataset import Dataset, build_dataset


@pytest.fixture
def dataset() -> Dataset:
    return build_dataset(
        "d",
        texts=pa.table({"id": ["t3", "t1", "t2", "t4"], "part": ["b", "a", "a", "b"]}),
        skills=pa.table({"id": ["z", "y", "x", "w", "unused"], "class": ["k", None, "k", "m", None]}),
        requirements=pa.table({"text": ["t1", "t2", "t2", "t3", "t3", "t4"], "skill": ["x", "x", "y", "y", "z", "w"]}),
        prerequisites=pa.table({"prerequisite": ["x", "unused"], "skill": ["z", "y"]}),
    )


def pairs(indexed: object) -> set[tuple[str, str]]:
    graph, texts, skills = indexed.graph, indexed.text_ids.to_pylist(), indexed.skills.ids.to_pylist()  # type: ignore[attr-defined]
    return {
        (texts[t], skills[s])
        for t in range(graph.n_texts)
        for s in graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]
    }


def test_whole_dataset_without_skills_that_no_text_requires(dataset: Dataset) -> None:
    indexed = index_dataset(dataset)
    assert indexed.skills.ids.to_pylist() == ["w", "x", "y", "z"]
    assert pairs(indexed) == {("t1", "x"), ("t2", "x"), ("t2", "y"), ("t3", "y"), ("t3", "z"), ("t4", "w")}
    assert indexed.skill_column("class").to_pylist() == ["m", "k", None, "k"]
    assert indexed.text_column("part").to_pylist() == ["a", "a", "b", "b"]


def test_a_part_has_its_own_texts_and_skills(dataset: Dataset) -> None:
    indexed = index_dataset(dataset, parts=["b"])
    assert indexed.text_ids.to_pylist() == ["t3", "t4"]
    assert indexed.skills.ids.to_pylist() == ["w", "y", "z"]
    assert pairs(indexed) == {("t3", "y"), ("t3", "z"), ("t4", "w")}


def test_the_universe_may_be_wider_than_the_texts(dataset: Dataset) -> None:
    indexed = index_dataset(dataset, parts=["b"], universe=["a", "b"])
    assert indexed.text_ids.to_pylist() == ["t3", "t4"]
    assert indexed.skills.ids.to_pylist() == ["w", "x", "y", "z"]
    assert pairs(indexed) == {("t3", "y"), ("t3", "z"), ("t4", "w")}


def test_prerequisites_are_pairs_of_indices_among_the_skills_here(dataset: Dataset) -> None:
    whole = index_dataset(dataset).prerequisites
    assert whole is not None
    assert [side.tolist() for side in whole] == [[1], [3]]
    assert index_dataset(dataset, parts=["b"]).prerequisites is None


def test_masks_and_indices_of_named_skills(dataset: Dataset) -> None:
    skills = index_dataset(dataset).skills
    assert skills.mask(["z", "nowhere", "w"]).tolist() == [True, False, False, True]
    assert skills.indices(["z", "w"]).tolist() == [3, 0]
    with pytest.raises(NotFoundError, match="'nowhere'"):
        skills.indices(["z", "nowhere"])


def test_unknown_part_is_named(dataset: Dataset) -> None:
    with pytest.raises(NotFoundError, match=r"no part 'c'.*'a', 'b'"):
        index_dataset(dataset, parts=["c"])


def test_empty_dataset() -> None:
    nothing = pa.array([], pa.string())
    empty = build_dataset(
        "e",
        texts=pa.table({"id": nothing}),
        skills=pa.table({"id": nothing}),
        requirements=pa.table({"text": nothing, "skill": nothing}),
    )
    indexed = index_dataset(empty)
    assert (indexed.graph.n_texts, indexed.graph.n_skills, indexed.graph.n_edges) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_places_of_ids_are_those_of_a_dictionary_of_python(seed: int) -> None:
    rng = np.random.default_rng(seed)
    among = pa.array([f"s{i:02d}" for i in rng.permutation(30)])
    place = {name: at for at, name in enumerate(among.to_pylist())}
    other = pa.array([f"s{i:02d}" for i in rng.permutation(40)])
    chunks = []
    for size, names in ((20, among), (0, among), (9, other), (15, among)):
        codes = pa.array(rng.integers(0, len(names), size), pa.int32(), mask=rng.random(size) < 0.2)
        chunks.append(pa.DictionaryArray.from_arrays(codes, names))
    ids = pa.chunked_array(chunks)
    expected = [place.get(name, -1) for name in ids.to_pylist()]
    assert {-1, *range(30)} >= set(expected) > {-1}
    for given in (ids, ids.cast(pa.string()), ids.cast(pa.string()).combine_chunks()):
        found = positions(given, among)
        assert (found.dtype, found.tolist()) == (np.int32, expected)


@pytest.mark.parametrize("seed", range(3))
def test_indices_of_coded_ids_are_those_of_plain_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index = SkillIndex(pa.array([f"s{i:02d}" for i in range(40)]))
    chunks = []
    for size in (30, 0, 7):
        names = pa.array([f"s{i:02d}" for i in rng.permutation(45)])
        chunks.append(pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, 45, size), pa.int32()), names))
    asked = pa.chunked_array(chunks)
    there = pa.chunked_array([chunk.filter(pc.is_in(chunk, value_set=index.ids)) for chunk in chunks])
    assert len(there) > 20
    assert index.indices(there).tolist() == index.indices(there.cast(pa.string())).tolist()
    assert index.indices(there.chunks[0]).tolist() == index.indices(there.chunks[0].cast(pa.string())).tolist()
    said = []
    for given in (asked, asked.cast(pa.string())):
        with pytest.raises(NotFoundError) as caught:
            index.indices(given)
        said.append(str(caught.value))
    assert said[0] == said[1]
