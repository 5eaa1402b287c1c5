"""What every store promises: whatever is written is read back equal, all or nothing, and one thing touches no other."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from explorer.errors import NotFoundError, SkillgraphError, StoreError
from explorer.store.fingerprint import part_fingerprints
from explorer.store.protocol import LAYER_LACKS_SCHEMA, LAYER_SKILLS_SCHEMA, Layer, Store
from explorer.store.staleness import inputs_of
from loaders.dataset import Dataset, add_outcomes, build_dataset, extend_dataset
from loaders.errors import DataError
from tests.store.conftest import Open
from tests.store.content import (
    associations,
    components,
    datasets,
    layer,
    layers,
    numbered_associations,
    numbered_dataset,
    numbered_layer,
    small_dataset,
)

# The store is emptied once a test, not once an example: each example replaces what the one before left.
# Shrinking a failure on a server would take minutes; the examples are small as they are.
_SETTINGS = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


_EXAMPLES = {"few": 20, "more": 40, "many": 200}


@pytest.fixture(
    params=["few", pytest.param("more", marks=pytest.mark.long), pytest.param("many", marks=pytest.mark.soak)]
)
def drawn(request: pytest.FixtureRequest, store: Store) -> settings:
    """How many examples are drawn: on a server, where one takes a second, a fifth of those in a file."""
    examples = _EXAMPLES[request.param]
    return settings(_SETTINGS, max_examples=examples // 5 if "://" in store.url else examples)


def _content(store: Store) -> Any:
    """All that a store holds, comparable."""
    return {
        info.name: (
            store.read_dataset(info.name),
            {
                name: (store.read_layer(info.name, name), store.read_associations(info.name, name))
                for name in info.layers
            },
        )
        for info in store.datasets()
    }


def _same(first: Any, second: Any) -> bool:
    return first.keys() == second.keys() and all(
        first[name][0].equals(second[name][0]) and first[name][1] == second[name][1] for name in first
    )


def _nodes(store: Store) -> int:
    """Number of nodes that the graph schema knows."""
    labels = " OR ".join(f"n:{label}" for label in ("Dataset", "Text", "Skill", "Model", "Layer"))
    return int(store.query(f"MATCH (n) WHERE {labels} RETURN count(n)").rows[0][0])


# Datasets ---------------------------------------------------------------------------------------------------


def test_any_dataset_is_read_back_equal(store: Store, drawn: settings) -> None:
    @drawn
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        dataset = data.draw(datasets(name=st.just("any")))
        store.write_dataset(dataset, replace=True)
        assert store.read_dataset("any").equals(dataset)
        [info] = store.datasets()
        assert (info.texts, info.skills, info.requirements) == (
            dataset.n_texts,
            dataset.n_skills,
            dataset.n_requirements,
        )
        assert (info.prerequisites, info.part_of) == (dataset.prerequisites.num_rows, dataset.part_of.num_rows)
        assert (info.models, info.attempts) == (dataset.models.num_rows, dataset.attempts.num_rows)
        assert info.parts == dataset.parts
        assert info.provenance == dataset.provenance
        assert store.dataset_parts("any") == part_fingerprints(dataset)

    holds()


def test_any_name_will_do(store: Store, drawn: settings) -> None:
    @drawn
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        dataset = data.draw(datasets())
        if dataset.name[0] + dataset.name[-1] == "[]":
            return  # the embedded store says that it does not take these
        before = {info.name for info in store.datasets()}
        store.write_dataset(dataset, replace=True)
        assert {info.name for info in store.datasets()} == before | {dataset.name}
        assert store.read_dataset(dataset.name).equals(dataset)
        store.delete_dataset(dataset.name)
        assert {info.name for info in store.datasets()} == before - {dataset.name}

    holds()


def test_numbers_at_the_ends_of_their_range(store: Store) -> None:
    numbers = pa.array([-(2**63), 2**63 - 1, 0, None], pa.int64())
    floats = [5e-324, 1.7976931348623157e308, -0.0, math.inf]
    dataset = build_dataset(
        "d",
        texts=pa.table(
            {"id": ["a", "b", "c", "d"], "number": numbers, "float": floats, "flag": [True, False, None, True]}
        ),
        skills=pa.table({"id": ["s"], "level": pa.array([2**63 - 1], pa.int64()), "float": [-math.inf]}),
        requirements=pa.table({"text": ["a"], "skill": ["s"], "weight": [5e-324]}),
    )
    store.write_dataset(dataset)
    found = store.read_dataset("d")
    assert found.equals(dataset)
    assert math.copysign(1, found.texts["float"][2].as_py()) == -1


def test_a_number_that_is_none_stays_one(store: Store) -> None:
    # NaN equals nothing, so `Dataset.equals` cannot say it.
    texts = pa.table({"id": ["a", "b"], "value": [math.nan, None]})
    empty = pa.table({"text": pa.array([], pa.string()), "skill": pa.array([], pa.string())})
    store.write_dataset(build_dataset("d", texts=texts, skills=pa.table({"id": ["s"]}), requirements=empty))
    value = store.read_dataset("d").texts["value"]
    assert math.isnan(value[0].as_py())
    assert value[1].as_py() is None


def test_long_ids(store: Store) -> None:
    ids = [letter * 10_000 for letter in "abé"]
    dataset = build_dataset(
        "d",
        texts=pa.table({"id": ids}),
        skills=pa.table({"id": ids}),
        requirements=pa.table({"text": ids, "skill": ids[::-1]}),
        prerequisites=pa.table({"prerequisite": ids[:1], "skill": ids[1:2]}),
    )
    store.write_dataset(dataset)
    assert store.read_dataset("d").equals(dataset)
    learned = [{"skill": ids[0], "wave": 1, "by": ids[1]}, {"skill": ids[1], "wave": 1, "by": ids[0]}]
    long = Layer(layer("l", {"for": 1, "if": 1}).info, pa.Table.from_pylist(learned, schema=LAYER_SKILLS_SCHEMA))
    store.write_layer(long)
    assert store.read_layer("d", "l") == long
    pairs = associations((ids[0], ids[1], 1))
    store.write_associations("d", "l", pairs, rule="any", components=components(**{ids[0]: 0, ids[1]: 0}))
    assert store.read_associations("d", "l").equals(pairs)


def test_ids_that_a_store_could_mistake_for_each_other(store: Store) -> None:
    ids = sorted(["a", "A", "\u00e1", "a\u0301", '["a"]', "[a]", " a", "a ", "1", "01", "1.0", "", "null"])
    dataset = build_dataset(
        "d",
        texts=pa.table({"id": ids, "same": [f"is {i!r}" for i in ids]}),
        skills=pa.table({"id": ids}),
        requirements=pa.table({"text": ids, "skill": ids[1:] + ids[:1]}),
    )
    store.write_dataset(dataset)
    assert store.read_dataset("d").equals(dataset)


def test_a_property_of_another_type_in_each_dataset(store: Store) -> None:
    empty = pa.table({"text": pa.array([], pa.string()), "skill": pa.array([], pa.string())})
    columns: dict[str, pa.Array] = {
        "whole": pa.array([1, 2**53 + 1], pa.int64()),
        "text": pa.array(["1", "x"]),
        "real": pa.array([1.0, 0.5]),
        "flag": pa.array([True, False]),
        "none": pa.array([None, None], pa.int64()),
    }
    made = [
        build_dataset(
            name, texts=pa.table({"id": ["a", "b"], "x": column}), skills=pa.table({"id": ["s"]}), requirements=empty
        )
        for name, column in columns.items()
    ]
    for dataset in made:
        store.write_dataset(dataset)
    for dataset in made:
        assert store.read_dataset(dataset.name).equals(dataset)


def test_datasets_with_the_same_ids_do_not_mix(store: Store) -> None:
    first, second = small_dataset("a"), small_dataset("b")
    store.write_dataset(second)
    store.write_dataset(first)
    store.write_layer(layer("l", {"for": 1}, dataset="b"))
    assert [info.name for info in store.datasets()] == ["a", "b"]
    assert [info.layers for info in store.datasets()] == [(), ("l",)]
    store.delete_dataset("a")
    assert store.read_dataset("b").equals(second)
    assert store.read_layer("b", "l") == layer("l", {"for": 1}, dataset="b")
    with pytest.raises(NotFoundError, match="'a'"):
        store.read_dataset("a")


def test_a_dataset_is_not_overwritten_by_chance(store: Store) -> None:
    store.write_dataset(small_dataset())
    other = build_dataset(
        "d",
        texts=pa.table({"id": ["t"]}),
        skills=pa.table({"id": ["s"]}),
        requirements=pa.table({"text": ["t"], "skill": ["s"]}),
    )
    with pytest.raises(StoreError, match="'d'"):
        store.write_dataset(other)
    assert store.read_dataset("d").equals(small_dataset())
    store.write_dataset(other, replace=True)
    assert store.read_dataset("d").equals(other)


def test_replacing_a_dataset_removes_its_layers(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1, "if": 2}))
    store.write_associations(
        "d", "l", associations(("for", "if", 1)), rule="any", components=components(**{"for": 0, "if": 0})
    )
    store.write_dataset(small_dataset(), replace=True)
    assert store.layers() == ()
    assert store.query("MATCH (l:Layer) RETURN count(l)").rows == [(0,)]
    assert store.query("MATCH ()-[r:ASSOCIATED_WITH]->() RETURN count(r)").rows == [(0,)]
    assert _nodes(store) == 1 + 4 + 5 + 2


def test_outcomes_are_added_to_texts_that_are_there(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("kept", {"for": 1}))
    there = store.read_dataset("d")
    bare = replace(there, texts=there.texts.slice(0, 0), skills=there.skills.slice(0, 0))
    addition = replace(
        bare,
        **{name: getattr(there, name).slice(0, 0) for name in ("requirements", "prerequisites", "part_of")},
        models=pa.table({"id": ["child", "tuned"], "role": [None, "fine-tuned"], "base": ["tuned", "base-model"]}),
        attempts=pa.table({"model": ["child", "child", "tuned"], "text": ["t4", "t1", "t2"], "score": [0.5, 1.0, 0.0]}),
    )
    whole = add_outcomes(there, addition)
    store.append_dataset(whole, addition)
    assert store.read_dataset("d").equals(whole)
    assert [(d.texts, d.models, d.attempts) for d in store.datasets()] == [(4, 3, 5)]
    tried = "MATCH (m:Model {id: 'child'})-[r:ATTEMPTED]->(t:Text) RETURN t.id, r.score ORDER BY t.id"
    assert store.query(tried).rows == [("t1", 1.0), ("t4", 0.5)]
    tuned = "MATCH (m:Model)-[:FINE_TUNED_FROM]->(b:Model) RETURN m.id, b.id ORDER BY m.id"
    assert store.query(tuned).rows == [("child", "tuned"), ("tuned", "base-model")]
    assert [info.name for info in store.layers("d")] == ["kept"]
    with pytest.raises(DataError, match=r"'child' has an outcome on text 't4' in dataset 'd' already \(3 such"):
        add_outcomes(whole, addition)


def test_several_layers_are_written_together_or_not_at_all(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("base", {"for": 1}))
    base = layer("base", {"for": 1, "if": 2})
    tuned = layer("tuned", {"if": 1}, kind="fine-tuned", base="base", mode="frozen")
    store.write_layers([base, tuned])
    assert [store.read_layer("d", name) for name in ("base", "tuned")] == [base, tuned]
    assert [info.stale for info in store.layers()] == [False, False]
    with pytest.raises(NotFoundError, match="nowhere"):
        store.write_layers([layer("orphan", {"if": 1}, kind="fine-tuned", base="nowhere", mode="frozen")])
    store.write_layers([])
    assert [info.name for info in store.layers()] == ["base", "tuned"]
    # One that cannot be written keeps the others out.
    changed = layer("tuned", {"for": 1}, kind="fine-tuned", base="base", mode="frozen")
    for refused, sentence in (
        (layer("orphan", {"if": 1}, kind="fine-tuned", base="nowhere", mode="frozen"), "nowhere"),
        (layer("base", {"if": 1}, kind="fine-tuned", base="tuned", mode="frozen"), "itself fine-tuned from it"),
        (layer("odd", {"no such skill": 1}), "no such skill"),
    ):
        with pytest.raises(SkillgraphError, match=sentence):
            store.write_layers([changed, layer("new", {"for": 1}), refused])
        assert [store.read_layer("d", info.name) for info in store.layers()] == [base, tuned]


def test_a_dataset_is_replaced_with_layers_in_one_step(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("gone", {"for": 1}))
    store.write_layer(layer("base", {"for": 1, "if": 2}))
    kept = layer("base", {"for": 1}, vanished=("if",), association_options={"rule": "any", "top": None})
    tuned = layer("tuned", {"if": 1}, kind="fine-tuned", base="base", mode="frozen")
    store.write_dataset(small_dataset(), replace=True, layers=[tuned, kept])
    assert [info.name for info in store.layers()] == ["base", "tuned"]
    assert store.read_layer("d", "base") == kept
    assert store.read_layer("d", "tuned") == tuned
    assert store.query("MATCH (:Layer {name: 'tuned'})-[:FINE_TUNED_FROM]->(b) RETURN b.name").rows == [("base",)]
    assert [info.stale for info in store.layers()] == [True, True]
    assert store.layers()[0].stale_because == ("1 of its skills was lost when the dataset was replaced",)


def test_a_layer_is_stale_from_the_step_that_changes_what_it_was_made_from(store: Store) -> None:
    store.write_dataset(small_dataset())
    parts = part_fingerprints(small_dataset())
    base = layer("base", {"for": 1}, graph_parts=("base",), parts=("base",))
    base = Layer(replace(base.info, made_from=inputs_of(base.info, parts)), base.skills)
    store.write_layer(base)
    [info] = store.layers()
    assert not info.stale
    assert info.fingerprint
    tuned = layer("tuned", {"if": 1}, kind="fine-tuned", base="base", mode="frozen", graph_parts=("base", "domain"))
    tuned = Layer(replace(tuned.info, made_from=inputs_of(tuned.info, parts, info)), tuned.skills)
    store.write_layer(tuned)
    assert [info.stale_because for info in store.layers()] == [(), ()]
    store.write_layer(Layer(replace(base.info, learned=2), layer("x", {"for": 1, "sum": 1}).skills))
    assert [info.stale_because for info in store.layers()] == [(), ("its base 'base' has changed",)]
    store.write_layer(base)
    assert [info.stale_because for info in store.layers()] == [(), ()]
    addition = _part("domain", "t9")
    store.append_dataset(extend_dataset(small_dataset(), addition), addition)
    assert [info.stale_because for info in store.layers()] == [(), ("the texts of part 'domain' have changed",)]
    rows = store.query("MATCH (l:Layer) RETURN l.name, l.stale ORDER BY l.name").rows
    assert rows == [("base", False), ("tuned", True)]
    addition = _part("base", "t10")
    store.append_dataset(extend_dataset(store.read_dataset("d"), addition), addition)
    assert store.layers()[1].stale_because == (
        "the texts of part 'base' have changed",
        "the texts of part 'domain' have changed",
        "its base 'base' is stale",
    )


def _part(part: str, text: str) -> Dataset:
    return build_dataset(
        "d",
        texts=pa.table({"id": [text], "part": [part]}),
        skills=pa.table({"id": ["for"]}),
        requirements=pa.table({"text": [text], "skill": ["for"]}),
    )


def test_renaming_a_layer_takes_along_what_names_it(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_dataset(small_dataset("e"))
    pairs, places = associations(("for", "if", 1)), components(**{"for": 0, "if": 0})
    for dataset in ("d", "e"):
        store.write_layer(layer("l", {"for": 1, "if": 2}, dataset))
        store.write_associations(dataset, "l", pairs, rule="any", components=places)
    store.write_layer(layer("tuned", {"sum": 1}, kind="fine-tuned", base="l", mode="frozen"))
    before = store.read_layer("d", "l")
    store.rename_layer("d", "l", "new")
    assert [info.name for info in store.layers("d")] == ["new", "tuned"]
    assert store.read_layer("d", "new") == Layer(replace(before.info, name="new"), before.skills)
    assert store.read_associations("d", "new") == store.read_associations("e", "l") == pairs
    assert store.layers("d")[1].base == "new"
    assert store.query("MATCH (:Layer {key: 'd/tuned'})-[:FINE_TUNED_FROM]->(b) RETURN b.key").rows == [("d/new",)]
    with pytest.raises(StoreError, match="'tuned' already"):
        store.rename_layer("d", "new", "tuned")
    with pytest.raises(StoreError, match="contain '/'"):
        store.rename_layer("d", "new", "a/b")
    store.delete_layer("d", "tuned")
    store.delete_layer("d", "new")
    assert store.read_associations("e", "l") == pairs


def test_renaming_a_dataset_takes_all_of_it_along(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_dataset(small_dataset("e"))
    store.write_layer(layer("l", {"for": 1, "if": 2}))
    pairs = associations(("for", "if", 1))
    store.write_associations("d", "l", pairs, rule="any", components=components(**{"for": 0, "if": 0}))
    store.rename_dataset("d", "new")
    assert [info.name for info in store.datasets()] == ["e", "new"]
    assert store.read_dataset("new").equals(small_dataset("new"))
    assert store.read_associations("new", "l") == pairs
    assert store.layers("new")[0].key == "new/l"
    assert store.query("MATCH (n) WHERE n.dataset = 'd' OR n.key STARTS WITH 'd/' RETURN count(n)").rows == [(0,)]
    with pytest.raises(StoreError, match="'e'"):
        store.rename_dataset("new", "e")
    store.delete_dataset("new")
    assert _nodes(store) == 1 + 4 + 5 + 2


def test_appending_gives_the_whole(store: Store, drawn: settings) -> None:
    @drawn
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        first = data.draw(datasets(name=st.just("any")))
        addition = data.draw(datasets(name=st.just("any"), avoid=frozenset(first.texts["id"].to_pylist())))
        try:
            whole = extend_dataset(first, addition)
        except Exception:  # noqa: BLE001 - two datasets whose skills or columns cannot go together
            return
        kept = data.draw(layers(first))
        store.write_dataset(first, replace=True)
        store.write_layer(kept)
        store.append_dataset(whole, addition)
        assert store.read_dataset("any").equals(whole)
        assert store.read_layer("any", "layer") == kept
        [info] = store.datasets()
        assert (info.texts, info.skills, info.layers) == (whole.n_texts, whole.n_skills, ("layer",))
        assert _nodes(store) == whole.n_texts + whole.n_skills + whole.models.num_rows + 2

    holds()


def test_appending_to_nothing_or_twice_is_refused(store: Store) -> None:
    addition = small_dataset()
    with pytest.raises(NotFoundError, match="'d'"):
        store.append_dataset(addition, addition)
    store.write_dataset(addition)
    with pytest.raises(StoreError):
        store.append_dataset(addition, addition)
    assert store.read_dataset("d").equals(small_dataset())


def test_requirements_come_in_chunks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for chunk in ("explorer.store.embedded.contents._TEXTS", "explorer.store.neo4j.reading.CHUNK"):
        monkeypatch.setattr(chunk, 200)
    dataset = numbered_dataset(3, size=1_000)
    store.write_dataset(dataset)
    chunks = list(store.read_requirements("numbered"))
    assert len(chunks) > 1
    found = pa.concat_tables(chunks)
    assert found.schema.equals(pa.schema([("text", pa.string()), ("skill", pa.string()), ("weight", pa.float64())]))
    ordered = found.sort_by([("text", "ascending"), ("skill", "ascending")])
    assert ordered.equals(dataset.requirements.cast(found.schema))


def test_requirements_of_some_parts(store: Store) -> None:
    store.write_dataset(small_dataset())
    found = pa.concat_tables(store.read_requirements("d", parts=["domain"])).to_pylist()
    assert sorted((row["text"], row["skill"]) for row in found) == [("t4", "print"), ("t4", "sum")]
    both = pa.concat_tables(store.read_requirements("d", parts=["domain", "base"]))
    assert both.num_rows == 8
    with pytest.raises(NotFoundError, match="'nope'"):
        list(store.read_requirements("d", parts=["nope"]))


def test_progress_counts_up_to_the_total(store: Store) -> None:
    calls: list[tuple[int, int]] = []
    store.write_dataset(numbered_dataset(0), progress=lambda done, total: calls.append((done, total)))
    assert calls
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1][0] == calls[-1][1]
    assert len({total for _, total in calls}) == 1


# Layers -----------------------------------------------------------------------------------------------------


def test_any_layer_is_read_back_equal(store: Store, drawn: settings) -> None:
    @drawn
    @given(data=st.data())
    def holds(data: st.DataObject) -> None:
        dataset = data.draw(datasets(name=st.just("any")))
        written = data.draw(layers(dataset))
        store.write_dataset(dataset, replace=True)
        store.write_layer(written)
        assert store.read_layer("any", "layer") == written
        assert store.layers("any") == (written.info,)

    holds()


def test_a_layer_takes_the_place_of_the_one_of_that_name(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1, "if": 2}, seed=1, parameters={"a": 1}))
    store.write_associations(
        "d", "l", associations(("for", "if", 1)), rule="any", components=components(**{"for": 0, "if": 0})
    )
    second = layer("l", {"print": 1}, mode="frozen")
    store.write_layer(second)
    assert store.read_layer("d", "l") == second
    assert store.read_associations("d", "l").num_rows == 0
    assert store.query("MATCH ()-[r:ASSOCIATED_WITH|LEARNED]->() RETURN count(r)").rows == [(1,)]


def _lacking(**columns: Any) -> pa.Table:
    given = {name: [None] for name in LAYER_LACKS_SCHEMA.names} | {"skill": ["print"], "reason": ["together"]}
    return pa.table(given | columns, schema=LAYER_LACKS_SCHEMA)


def test_solve_rates_can_be_asked_for(store: Store) -> None:
    """Of what a layer of evidence has and of what it lacks, and null in layers without them."""
    store.write_dataset(small_dataset())
    learned = [
        {"skill": "for", "wave": 1, "mastery": 0.9, "solve_rate": 0.75, "solve_rate_low": 0.5, "solve_rate_high": 0.875}
    ]
    lacks = [
        {"skill": "if", "reason": "unmastered", "solve_rate": 0.25, "solve_rate_low": 0.125, "solve_rate_high": 0.5},
        {"skill": "sum", "reason": "untested"},
    ]
    info = replace(layer("m", {"for": 1}).info, kind="evidence", learner="irt", lacks=2)
    written = Layer(
        info,
        pa.Table.from_pylist(learned, schema=LAYER_SKILLS_SCHEMA),
        pa.Table.from_pylist(lacks, schema=LAYER_LACKS_SCHEMA),
    )
    store.write_layer(written)
    store.write_layer(layer("plain", {"for": 1}))
    assert store.read_layer("d", "m") == written
    rates = "MATCH (l:Layer)-[r:LEARNED|LACKS]->(s:Skill) WHERE r.solve_rate {} RETURN l.name, s.id, r.solve_rate_low, "
    order = "r.solve_rate_high ORDER BY l.name, s.id"
    assert store.query(rates.format("> 0.2") + order).rows == [("m", "for", 0.5, 0.875), ("m", "if", 0.125, 0.5)]
    assert store.query(rates.format("IS NULL") + order).rows == [("m", "sum", None, None), ("plain", "for", None, None)]


def test_what_a_layer_lacks_can_be_asked_for(store: Store) -> None:
    store.write_dataset(small_dataset())
    rows = [
        {"skill": "print", "reason": "together", "text": "t4", "novel": 2, "component": 0, "group": 0},
        {"skill": "sum", "reason": "together", "text": "t4", "novel": 2, "component": 0, "group": 0},
        {"skill": "unused", "reason": "unused"},
    ]
    plain = layer("l", {"for": 1, "if": 2})
    written = Layer(replace(plain.info, lacks=3), plain.skills, pa.Table.from_pylist(rows, schema=LAYER_LACKS_SCHEMA))
    store.write_layer(written)
    store.write_layer(layer("other", {"for": 1}))
    assert store.read_layer("d", "l") == written
    lacks = "MATCH (l:Layer {name: 'l'})-[r:LACKS]->(s:Skill) "
    assert store.query(lacks + "RETURN s.id, r.reason, r.text, r.novel, r.group, r.mastery ORDER BY s.id").rows == [
        ("print", "together", "t4", 2, 0, None),
        ("sum", "together", "t4", 2, 0, None),
        ("unused", "unused", None, None, None, None),
    ]
    texts = lacks + "MATCH (t:Text)-[:REQUIRES]->(s) RETURN t.id AS text, count(s) AS lacking ORDER BY text"
    assert store.query(texts).rows == [("t3", 1), ("t4", 2)]
    store.write_layer(plain)  # the layer as an earlier version made it: what it lacks is not recorded
    assert store.read_layer("d", "l") == plain
    assert store.query("MATCH ()-[r:LACKS]->() RETURN count(r)").rows == [(0,)]
    store.write_layer(written)
    store.rename_layer("d", "l", "renamed")
    assert store.read_layer("d", "renamed").lacks == written.lacks
    store.delete_layer("d", "renamed")
    assert store.query("MATCH ()-[r:LACKS]->() RETURN count(r)").rows == [(0,)]


def test_what_a_layer_lacks_is_added_to_what_is_stored(store: Store) -> None:
    store.write_dataset(small_dataset())
    plain = layer("l", {"for": 1, "if": 2})
    store.write_layer(plain)
    store.write_layer(layer("tuned", {"for": 1}, base="l", kind="fine-tuned", mode="continued"))
    pairs = associations(("for", "if", 2))
    store.write_associations("d", "l", pairs, rule="any", components=components(**{"for": 0, "if": 0}))
    before = store.read_layer("d", "l")
    rows = pa.concat_tables([_lacking(), _lacking(skill=["sum"], text=["t4"])])
    for lacks in (rows, _lacking()):
        store.write_lacks("d", "l", lacks)
        after = store.read_layer("d", "l")
        assert after.lacks.equals(lacks.combine_chunks())
        assert after == Layer(replace(before.info, lacks=lacks.num_rows), before.skills, after.lacks)
        assert after.info.fingerprint == before.info.fingerprint
        assert store.read_associations("d", "l").equals(pairs)
        asked = "MATCH (:Layer {name: 'l'})-[r:LACKS]->(s:Skill) RETURN s.id ORDER BY s.id"
        assert [row[0] for row in store.query(asked).rows] == lacks["skill"].to_pylist()
    tuned = "MATCH (:Layer {name: 'tuned'})-[:FINE_TUNED_FROM]->(:Layer {name: 'l'})-[r:LEARNED]->() RETURN count(r)"
    assert store.query(tuned).rows == [(2,)]
    assert store.query("MATCH (:Layer)-[r:LACKS]->() RETURN count(r)").rows == [(1,)]


def test_a_layer_keeps_the_associations_of_the_one_it_replaces_if_told_to(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1, "if": 2}))
    store.write_layer(layer("tuned", {"for": 1}, base="l", kind="fine-tuned", mode="continued"))
    with pytest.raises(StoreError, match="no associations"):
        store.write_layer(layer("l", {"for": 2, "if": 1}), keep_associations=True)
    pairs = associations(("for", "if", 2))
    options = {"rule": "understood", "min_weight": 2}
    store.write_associations(
        "d", "l", pairs, rule="understood", components=components(**{"for": 0, "if": 0}), options=options
    )
    before = _content(store)
    for learned in ({"for": 1}, {"for": 1, "sum": 2}, {"for": 1, "if": 2, "sum": 2}):
        with pytest.raises(StoreError, match="other skills"):
            store.write_layer(layer("l", learned), keep_associations=True)
    with pytest.raises(NotFoundError):
        store.write_layer(layer("new", {"for": 1}), keep_associations=True)
    assert _same(_content(store), before)

    store.write_layer(layer("l", {"for": 2, "if": 1}), keep_associations=True)
    after = store.read_layer("d", "l")
    assert after.skills["wave"].to_pylist() == [2, 1]
    assert after.skills["component"].to_pylist() == [0, 0]
    assert (after.info.associations, after.info.association_rule) == (1, "understood")
    assert after.info.association_options == options
    assert store.read_associations("d", "l").equals(pairs)
    asked = "MATCH (a)-[r:ASSOCIATED_WITH {layer: 'l'}]->(b) RETURN a.id, b.id, r.weight"
    assert list(store.query(asked).rows) == [("for", "if", 2)]
    asked = "MATCH (:Layer {name: 'l'})-[r:LEARNED]->(s) RETURN s.id, r.wave, r.component ORDER BY s.id"
    assert list(store.query(asked).rows) == [("for", 2, 0), ("if", 1, 0)]
    tuned = "MATCH (:Layer {name: 'tuned'})-[:FINE_TUNED_FROM]->(l:Layer) RETURN l.name"
    assert list(store.query(tuned).rows) == [("l",)]

    store.write_layer(layer("l", {"for": 1, "if": 2}))
    assert store.read_layer("d", "l").info.associations is None
    assert list(store.query("MATCH ()-[r:ASSOCIATED_WITH]->() RETURN count(r)").rows) == [(0,)]


@pytest.mark.parametrize("adds", [True, False, None])
def test_whether_skills_add_anything_can_be_asked_for(store: Store, adds: bool | None) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1}, kind="evidence", skills_add=adds))
    assert store.read_layer("d", "l").info.skills_add is adds
    marked = store.query("MATCH (l:Layer {kind: 'evidence'}) WHERE l.skills_add = false RETURN l.name").rows
    assert list(marked) == ([("l",)] if adds is False else [])


def test_layers_are_in_order(store: Store) -> None:
    for name in ("b", "a"):
        store.write_dataset(small_dataset(name))
        for own in ("z", "A", "m"):
            store.write_layer(layer(own, {"for": 1}, dataset=name))
    assert [info.key for info in store.layers()] == ["a/A", "a/m", "a/z", "b/A", "b/m", "b/z"]
    assert [info.name for info in store.layers("b")] == ["A", "m", "z"]


def test_a_fine_tuned_layer_keeps_its_base(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("base", {"for": 1}))
    tuned = layer("tuned", {"for": 0, "if": 1}, kind="fine-tuned", base="base", mode="continued")
    store.write_layer(tuned)
    with pytest.raises(StoreError, match="'tuned'"):
        store.delete_layer("d", "base")
    store.write_layer(layer("base", {"print": 1}))
    assert store.read_layer("d", "tuned") == tuned
    link = "MATCH (a:Layer)-[:FINE_TUNED_FROM]->(b:Layer) RETURN a.name, b.name, b.learned"
    assert store.query(link).rows == [("tuned", "base", 1)]
    with pytest.raises(StoreError, match="was itself fine-tuned from it"):
        store.write_layer(layer("base", {"for": 1}, kind="fine-tuned", base="tuned"))
    store.delete_layer("d", "tuned")
    store.delete_layer("d", "base")
    assert store.layers() == ()


def test_associations_of_several_layers_stand_side_by_side(store: Store) -> None:
    store.write_dataset(small_dataset())
    learned = {"for": 1, "if": 1, "print": 2}
    pairs = {
        name: associations(("for", "if", weight), ("if", "print", 1)) for name, weight in (("a", 1), ("b", 2), ("c", 3))
    }
    for name, table in pairs.items():
        store.write_layer(layer(name, learned))
        store.write_associations(
            "d", name, table, rule="understood", components=components(**{"for": 0, "if": 0, "print": 0})
        )
    for name, table in pairs.items():
        assert store.read_associations("d", name).equals(table)
    assert store.layers()[0].association_rule == "understood"
    assert store.layers()[0].associations == 2
    store.write_associations(
        "d",
        "a",
        associations(("for", "print", 9)),
        rule="any",
        components=components(**{"for": 1, "if": 2, "print": 0}),
    )
    store.delete_layer("d", "b")
    assert store.read_associations("d", "a").to_pylist() == [{"source": "for", "target": "print", "weight": 9}]
    assert store.read_associations("d", "c").equals(pairs["c"])
    assert store.read_layer("d", "a").skills["component"].to_pylist() == [1, 2, 0]
    assert store.read_layer("d", "c").skills["component"].to_pylist() == [0, 0, 0]
    assert store.query("MATCH ()-[r:ASSOCIATED_WITH]->() RETURN count(r)").rows == [(3,)]


def test_many_associations(store: Store) -> None:
    store.write_dataset(numbered_dataset(1, size=2_000))
    written = numbered_layer(1, size=2_000)
    store.write_layer(written)
    pairs, numbers = numbered_associations(1, size=2_000)
    store.write_associations("numbered", "layer", pairs, rule="any", components=numbers)
    assert store.read_associations("numbered", "layer").equals(pairs)
    encoded = store.read_associations("numbered", "layer", encoded=True)
    assert pa.types.is_dictionary(encoded["source"].type)
    assert encoded.cast(pairs.schema).equals(pairs)
    found = store.read_layer("numbered", "layer")
    assert found.info == replace(written.info, associations=pairs.num_rows, association_rule="any")
    assert found.skills.drop(["component"]).equals(written.skills.drop(["component"]))
    coded = store.read_layer("numbered", "layer", encoded=True)
    assert all(pa.types.is_dictionary(coded.skills[name].type) for name in ("skill", "by"))
    assert coded.skills.cast(found.skills.schema).equals(found.skills)
    assert (coded.info, coded.lacks) == (found.info, found.lacks)
    assert found.skills["component"].to_pylist() == numbers["component"].to_pylist()


# What is refused --------------------------------------------------------------------------------------------

_MISSING: dict[str, Callable[[Store], object]] = {
    "read_dataset": lambda store: store.read_dataset("x"),
    "read_requirements": lambda store: list(store.read_requirements("x")),
    "delete_dataset": lambda store: store.delete_dataset("x"),
    "layers": lambda store: store.layers("x"),
    "read_layer": lambda store: store.read_layer("d", "x"),
    "read_layer of no dataset": lambda store: store.read_layer("x", "l"),
    "delete_layer": lambda store: store.delete_layer("d", "x"),
    "write_layer": lambda store: store.write_layer(layer("l", {"for": 1}, dataset="x")),
    "base": lambda store: store.write_layer(layer("m", {"for": 1}, kind="fine-tuned", base="x")),
    "read_associations": lambda store: store.read_associations("d", "x"),
    "write_associations": lambda store: store.write_associations(
        "d", "x", associations(), rule="any", components=components()
    ),
}


@pytest.mark.parametrize("call", _MISSING.values(), ids=_MISSING.keys())
def test_what_is_not_there_is_said(store: Store, call: Callable[[Store], object]) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1}))
    before = _content(store)
    with pytest.raises(NotFoundError, match="'x'") as caught:
        call(store)
    assert "\n" not in str(caught.value)
    assert _same(_content(store), before)


def _skills(**columns: Any) -> pa.Table:
    given = {name: [None] for name in LAYER_SKILLS_SCHEMA.names} | {"skill": ["for"], "wave": [1]} | columns
    return pa.table(given, schema=LAYER_SKILLS_SCHEMA)


_FOR = components(**{"for": 0})
_BAD: dict[str, Callable[[Store], object]] = {
    "skill that is not there": lambda store: store.write_layer(layer("l", {"nope": 1})),
    "teacher that is not there": lambda store: store.write_layer(
        Layer(layer("l", {"for": 1}).info, _skills(by=["nope"]))
    ),
    "lacking skill that is not there": lambda store: store.write_layer(
        Layer(layer("l", {"for": 1}, lacks=1).info, _skills(), _lacking(skill=["zz"]))
    ),
    "nearest text that is not there": lambda store: store.write_layer(
        Layer(layer("l", {"for": 1}, lacks=1).info, _skills(), _lacking(text=["nope"]))
    ),
    "lacking for no reason": lambda store: store.write_layer(
        Layer(layer("l", {"for": 1}, lacks=1).info, _skills(), _lacking(reason=[None]))
    ),
    "another number of lacking skills": lambda store: store.write_layer(
        Layer(layer("l", {"for": 1}, lacks=2).info, _skills(), _lacking())
    ),
    "skill twice": lambda store: store.write_layer(
        Layer(layer("l", {"for": 1, "if": 1}).info, pa.concat_tables([_skills(), _skills()]))
    ),
    "out of order": lambda store: store.write_layer(
        Layer(layer("l", {"for": 1, "if": 1}).info, pa.concat_tables([_skills(skill=["if"]), _skills()]))
    ),
    "no wave": lambda store: store.write_layer(Layer(layer("l", {"for": 1}).info, _skills(wave=[None]))),
    "other columns": lambda store: store.write_layer(Layer(layer("l", {"for": 1}).info, pa.table({"skill": ["for"]}))),
    "another number of skills": lambda store: store.write_layer(Layer(layer("l", {}).info, _skills())),
    "name with a slash": lambda store: store.write_layer(layer("a/b", {"for": 1})),
    "empty name": lambda store: store.write_layer(layer("", {"for": 1})),
    "fine-tuned from nothing": lambda store: store.write_layer(layer("l", {"for": 1}, kind="fine-tuned")),
    "fine-tuned from itself": lambda store: store.write_layer(layer("l", {"for": 1}, kind="fine-tuned", base="l")),
    "foundation with a base": lambda store: store.write_layer(layer("m", {"for": 1}, base="there")),
    "seed of 65 bits": lambda store: store.write_layer(layer("l", {"for": 1}, seed=2**64)),
    "associations of its own": lambda store: store.write_layer(layer("l", {"for": 1}, associations=3)),
    "surrogate": lambda store: store.write_layer(layer("l", {"for": 1}, learner="\ud800")),
    "associated with itself": lambda store: store.write_associations(
        "d", "there", associations(("for", "for", 1)), rule="any", components=_FOR
    ),
    "associated backwards": lambda store: store.write_associations(
        "d", "there", associations(("if", "for", 1)), rule="any", components=components(**{"for": 0, "if": 0})
    ),
    "pair twice": lambda store: store.write_associations(
        "d",
        "there",
        associations(("for", "if", 1), ("for", "if", 2)),
        rule="any",
        components=components(**{"for": 0, "if": 0}),
    ),
    "associated but not learned": lambda store: store.write_associations(
        "d", "there", associations(("for", "print", 1)), rule="any", components=components(**{"for": 0, "if": 0})
    ),
    "unknown rule": lambda store: store.write_associations("d", "there", associations(), rule="all", components=_FOR),
    "skill without component": lambda store: store.write_associations(
        "d", "there", associations(), rule="any", components=_FOR
    ),
    "negative component": lambda store: store.write_associations(
        "d", "there", associations(), rule="any", components=components(**{"for": 0, "if": -1})
    ),
    "property named key": lambda store: store.write_dataset(_with_property("key")),
    "property named dataset": lambda store: store.write_dataset(_with_property("dataset")),
    "property without name": lambda store: store.write_dataset(_with_property("")),
    "provenance that is not Unicode": lambda store: store.write_dataset(
        replace(small_dataset("e"), provenance={"x": "\udfff"})
    ),
}


def _with_property(name: str) -> Dataset:
    dataset = small_dataset("e")
    return replace(dataset, skills=dataset.skills.append_column(name, pa.array(["v"] * dataset.n_skills)))


@pytest.mark.parametrize("call", _BAD.values(), ids=_BAD.keys())
def test_what_cannot_be_kept_is_refused_in_one_sentence(store: Store, call: Callable[[Store], object]) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("there", {"for": 1, "if": 1}))
    before = _content(store)
    with pytest.raises(SkillgraphError) as caught:
        call(store)
    assert "\n" not in str(caught.value)
    assert _same(_content(store), before)


class _InterruptedError(BaseException):
    """As Ctrl-C: not an `Exception`."""


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_write_that_breaks_off_leaves_what_was_there(store: Store, after: int) -> None:
    store.write_dataset(small_dataset())
    store.write_dataset(numbered_dataset(1))
    store.write_layer(numbered_layer(1))
    before = _content(store)
    calls = 0

    def progress(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == after or done == total:
            raise _InterruptedError

    with pytest.raises(_InterruptedError):
        store.write_dataset(numbered_dataset(2), replace=True, progress=progress)
    assert _same(_content(store), before)
    store.write_dataset(numbered_dataset(2), replace=True)
    assert store.read_dataset("numbered").equals(numbered_dataset(2))


# Across openings --------------------------------------------------------------------------------------------


def test_the_content_outlives_the_store(open_store: Open) -> None:
    store = open_store()
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1, "if": 2}))
    store.write_associations(
        "d", "l", associations(("for", "if", 4)), rule="any", components=components(**{"for": 0, "if": 0})
    )
    before = _content(store)
    store.close()
    store.close()
    assert _same(_content(open_store(mode="read")), before)
    assert _same(_content(open_store()), before)


def test_the_version_changes_with_every_write_and_only_then(open_store: Open) -> None:
    store = open_store()
    store.write_dataset(small_dataset("other"))
    reader = open_store(mode="read")
    versions = [reader.version]
    writes: list[Callable[[], object]] = [
        lambda: store.write_dataset(small_dataset()),
        lambda: store.write_layer(layer("l", {"for": 1, "if": 1})),
        lambda: store.write_associations(
            "d", "l", associations(("for", "if", 1)), rule="any", components=components(**{"for": 0, "if": 0})
        ),
        lambda: store.write_layer(layer("l", {"for": 1, "if": 1})),
        lambda: store.delete_layer("d", "l"),
        lambda: store.write_dataset(small_dataset(), replace=True),
        lambda: store.delete_dataset("d"),
    ]
    for write in writes:
        write()
        assert reader.version == store.version
        versions.append(reader.version)
        _content(reader)
        store.query("MATCH (n) RETURN n LIMIT 1")
        assert reader.version == versions[-1]
    assert len(set(versions)) == len(versions)


def test_a_reader_sees_what_was_written_after_it_was_opened(open_store: Open) -> None:
    store = open_store()
    store.write_dataset(small_dataset("first"))
    reader = open_store(mode="read")
    assert [info.name for info in reader.datasets()] == ["first"]
    store.write_dataset(small_dataset())
    assert reader.read_dataset("d").equals(small_dataset())
    assert reader.query("MATCH (d:Dataset) RETURN d.name ORDER BY d.name").rows == [("d",), ("first",)]


def test_associations_may_be_dictionary_encoded(store: Store) -> None:
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1, "if": 2, "print": 3}))
    pairs = associations(("for", "if", 2), ("for", "print", 1), ("if", "print", 1))
    encoded = pa.table({name: pairs[name].dictionary_encode() for name in ("source", "target")}).append_column(
        "weight", pairs["weight"]
    )
    labels = components(**{"for": 0, "if": 0, "print": 0})
    store.write_associations("d", "l", encoded, rule="any", components=labels)
    assert store.read_associations("d", "l").equals(pairs)
    assert store.read_associations("d", "l", encoded=True).cast(pairs.schema).equals(pairs)
    store.write_layer(layer("none", {"for": 1}))
    store.write_layer(layer("nothing", {}))
    nothing = store.read_layer("d", "nothing", encoded=True).skills
    assert (nothing.num_rows, pa.types.is_dictionary(nothing["by"].type)) == (0, True)
    none = store.read_associations("d", "none", encoded=True)
    assert none.num_rows == 0
    assert pa.types.is_dictionary(none["target"].type)
