"""Writes to Neo4j are whole or not there: staged ones, broken ones, killed ones, repeated ones, two at once."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from explorer.errors import NotFoundError, SkillgraphError, StoreError
from explorer.store.neo4j import change as neo4j_change
from explorer.store.neo4j import dataset as neo4j_dataset
from explorer.store.neo4j import layer as neo4j_layer
from explorer.store.neo4j import store as neo4j_store
from explorer.store.neo4j.change import Change, Step
from explorer.store.neo4j.dataset import DatasetReader
from explorer.store.neo4j.store import Neo4jStore
from explorer.store.protocol import Layer
from loaders.dataset import Dataset, add_outcomes, build_dataset, extend_dataset
from tests.store import test_contract as contract
from tests.store.content import (
    associations,
    numbered_associations,
    numbered_dataset,
    numbered_layer,
    small_dataset,
)
from tests.support.neo4j import RunningNeo4j

pytestmark = pytest.mark.neo4j

SIZE = 80
LONG = pytest.mark.long


class Killed(BaseException):
    """What ends a process at once: nothing is cleaned up."""


def kill() -> None:
    raise Killed


@pytest.fixture
def store(server: RunningNeo4j) -> Iterator[Neo4jStore]:
    store = server.open()
    yield store
    store.close()


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is large: batches of a few rows, each in a transaction of its own."""
    monkeypatch.setattr(neo4j_change, "SMALL", dict.fromkeys(neo4j_change.SMALL, -1))
    monkeypatch.setattr(neo4j_change, "_PURGE_BATCH", 50)
    monkeypatch.setattr(neo4j_change, "AT_ONCE", -1)
    monkeypatch.setattr(neo4j_change, "_STEP", 30)
    monkeypatch.setattr(neo4j_dataset, "BATCH", 40)


@pytest.fixture
def before_batch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Runs a function with its number before each batch that is staged, and before publishing."""
    original_stage, original_publish = Change.stage, Change.publish

    def install(hook: Callable[[int], None]) -> None:
        count = iter(range(1, 10_000))

        def stage(self: Change, *arguments: Any, **parameters: Any) -> int:
            hook(next(count))
            return original_stage(self, *arguments, **parameters)

        def publish(self: Change, *arguments: Any) -> None:
            hook(next(count))
            original_publish(self, *arguments)

        monkeypatch.setattr(Change, "stage", stage)
        monkeypatch.setattr(Change, "publish", publish)

    return install


def leftovers(server: RunningNeo4j) -> dict[str, int]:
    """What is no part of the graph schema, by kind."""
    drafts, changes = server.rows(
        "OPTIONAL MATCH (d) WHERE any(l IN labels(d) WHERE l = 'SkillgraphDraft' OR l STARTS WITH 'SkillgraphNew' "
        "OR l STARTS WITH 'SkillgraphOld') WITH count(d) AS d OPTIONAL MATCH (c:SkillgraphChange) RETURN d, count(c)"
    )[0]
    hidden = server.rows(
        "MATCH ()-[r:ASSOCIATED_WITH]->() WHERE NOT EXISTS { MATCH (l:Layer) WHERE l.name = r.layer } RETURN count(r)"
    )[0][0]
    return {name: n for name, n in (("drafts", drafts), ("changes", changes), ("hidden", hidden)) if n}


def counts(server: RunningNeo4j) -> dict[str, int]:
    """Nodes by label and relationships by type, all of them."""
    nodes = server.rows("MATCH (n) WHERE NOT n:SkillgraphStore UNWIND labels(n) AS l RETURN l, count(*)")
    relationships = server.rows("MATCH ()-[r]->() RETURN type(r), count(*)")
    return dict(nodes) | dict(relationships)


def expected_counts(number: int, *, layer: bool = False, associations: bool = False) -> dict[str, int]:
    dataset = numbered_dataset(number, SIZE)
    found = {"Dataset": 1, "Text": dataset.n_texts, "Skill": dataset.n_skills, "REQUIRES": dataset.n_requirements}
    if layer or associations:
        found |= {"Layer": 1, "LEARNED": numbered_layer(number, SIZE).skills.num_rows}
    if associations:
        found |= {"ASSOCIATED_WITH": numbered_associations(number, SIZE)[0].num_rows}
    return found


def write_associations(store: Neo4jStore, number: int) -> None:
    pairs, components = numbered_associations(number, SIZE)
    store.write_associations("numbered", "layer", pairs, rule="any", components=components)


def assert_is_numbered(layer: Layer) -> int:
    """Number of a numbered layer, all of whose skills must be that layer's."""
    number = int(str(layer.info.parameters["number"]))
    without = [name for name in layer.skills.column_names if name != "component"]
    assert layer.skills.select(without).equals(numbered_layer(number, SIZE).skills.select(without))
    return number


# The contract again, in many transactions ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "check",
    [
        contract.test_several_layers_are_written_together_or_not_at_all,
        *(
            pytest.param(check, marks=LONG)
            for check in (
                contract.test_replacing_a_dataset_removes_its_layers,
                contract.test_long_ids,
                contract.test_numbers_at_the_ends_of_their_range,
                contract.test_many_associations,
                contract.test_outcomes_are_added_to_texts_that_are_there,
            )
        ),
    ],
    ids=lambda check: check.__name__,
)
def test_the_contract_holds_for_what_is_staged(store: Neo4jStore, staged: None, check: Callable[..., None]) -> None:
    check(store)


@pytest.mark.long
def test_appending_in_batches_gives_the_whole(server: RunningNeo4j, store: Neo4jStore, staged: None) -> None:
    first = numbered_dataset(1, SIZE)
    addition = small_dataset("numbered")
    whole = extend_dataset(first, addition)
    store.write_dataset(first)
    store.write_layer(numbered_layer(1, SIZE))
    store.append_dataset(whole, addition)
    assert store.read_dataset("numbered").equals(whole)
    assert store.read_layer("numbered", "layer") == numbered_layer(1, SIZE)
    assert leftovers(server) == {}


def outcomes(done: dict[str, range]) -> Dataset:
    """A hundred texts of one skill, with outcomes of models on some of them."""
    texts = [f"t{i:03d}" for i in range(100)]
    rows = [(model, texts[i]) for model, places in done.items() for i in places]
    models, attempted = zip(*rows, strict=True)
    return build_dataset(
        "outcomes",
        texts=pa.table({"id": texts}),
        skills=pa.table({"id": ["s"]}),
        requirements=pa.table({"text": texts, "skill": ["s"] * 100}),
        models=pa.table({"id": sorted(done)}),
        attempts=pa.table({"model": models, "text": attempted, "score": [1.0] * len(rows)}),
    )


@pytest.mark.parametrize(
    "killed_at",
    [pytest.param(batch, marks=LONG) for batch in (1, 3, None)],
    ids=["first batch", "relationships", "while it is published"],
)
def test_what_is_appended_is_seen_whole_or_not_at_all(
    server: RunningNeo4j,
    store: Neo4jStore,
    staged: None,
    before_batch: Any,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: int | None,
) -> None:
    """Outcomes of a new model, and of one that is there, on texts that are there."""
    first, added = outcomes({"old": range(50)}), outcomes({"new": range(100), "old": range(50, 100)})
    empty = {name: getattr(added, name).slice(0, 0) for name in ("texts", "skills", "requirements")}
    addition = replace(added, **empty)
    whole = add_outcomes(first, addition)
    store.write_dataset(first)
    counted = "MATCH (m:Model)-[r:ATTEMPTED]->(:Text) RETURN m.id, count(r) ORDER BY m.id"
    other = server.open()
    looks = []

    def look(number: int) -> None:
        looks.append(other.query(counted).rows)
        assert other.read_dataset("outcomes").equals(first)
        if number == killed_at:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Change, "__exit__", lambda *_: None)
        before_batch(look)
        if killed_at is None:
            before_step(patch, 1, kill)
        with pytest.raises(Killed):
            store.append_dataset(whole, addition)
    assert looks
    assert looks == [[("old", 50)]] * len(looks)
    before_batch(lambda _: None)
    if killed_at is not None:
        assert other.read_dataset("outcomes").equals(first)
        other.append_dataset(whole, addition)
        assert leftovers(server) == {}
    assert other.query(counted).rows == [("new", 100), ("old", 100)]
    assert other.read_dataset("outcomes").equals(whole)
    other.close()


# Nobody sees a part -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [False, pytest.param(True, marks=LONG)], ids=["new", "replaced"])
def test_what_is_being_written_is_not_seen(
    server: RunningNeo4j, store: Neo4jStore, staged: None, before_batch: Any, there: bool
) -> None:
    if there:
        store.write_dataset(numbered_dataset(1, SIZE))
        store.write_layer(numbered_layer(1, SIZE))
        write_associations(store, 1)
        layer = store.read_layer("numbered", "layer")
    labels = "MATCH (n) WHERE n:Text OR n:Skill OR n:Dataset OR n:Layer RETURN labels(n) AS l, count(n) AS n ORDER BY l"
    before = store.query(labels).rows
    looks = []
    with_other = server.open()

    def look(number: int) -> None:
        looks.append(with_other.query(labels).rows)
        if there:
            assert with_other.read_dataset("numbered").equals(numbered_dataset(1, SIZE))
            assert with_other.read_layer("numbered", "layer") == layer
            assert with_other.read_associations("numbered", "layer").equals(numbered_associations(1, SIZE)[0])
        else:
            assert with_other.datasets() == ()
            with pytest.raises(NotFoundError):
                with_other.read_dataset("numbered")

    before_batch(look)
    store.write_dataset(numbered_dataset(2, SIZE), replace=there)
    assert len(looks) > 8
    assert all(seen == before for seen in looks)
    assert with_other.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
    assert counts(server) == expected_counts(2)
    with_other.close()


@pytest.mark.long
def test_a_layer_and_its_associations_are_seen_whole(
    server: RunningNeo4j, store: Neo4jStore, staged: None, before_batch: Any
) -> None:
    store.write_dataset(numbered_dataset(1, 400))
    store.write_layer(numbered_layer(1, 400))
    first, components = numbered_associations(1, 400)
    store.write_associations("numbered", "layer", first, rule="any", components=components)
    cypher = (
        "MATCH (l:Layer)-[r:LEARNED]->(s:Skill) WITH l.associations AS n, sum(r.wave) AS waves "
        "MATCH (:Skill)-[a:ASSOCIATED_WITH {layer: 'layer'}]->(:Skill) RETURN n, waves, count(a), sum(a.weight)"
    )
    before, every = store.query(cypher).rows, "MATCH ()-[r:ASSOCIATED_WITH]->() RETURN count(r), sum(r.weight)"
    whole = store.query(every).rows
    looks = []

    def look(_: int) -> None:
        looks.append(store.query(cypher).rows)
        # Nor is any relationship there that is no layer's yet.
        assert store.query(every).rows == whole

    before_batch(look)
    rows = first.slice(0, 60).to_pylist()
    other = associations(*((row["source"], row["target"], 7) for row in rows))
    store.write_associations("numbered", "layer", other, rule="any", components=components)
    assert len(looks) == 3
    assert looks == [before] * 3
    assert store.read_associations("numbered", "layer").equals(other)
    assert store.query(cypher).rows[0][2:] == (60, 420)


# Broken, killed, repeated -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "killed_at",
    [pytest.param(batch, marks=LONG) for batch in (1, 4, 9, None)],
    ids=["first batch", "nodes", "relationships", "published"],
)
def test_a_load_that_was_killed_is_finished_by_loading_again(
    server: RunningNeo4j,
    store: Neo4jStore,
    staged: None,
    before_batch: Any,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: int | None,
) -> None:
    store.write_dataset(numbered_dataset(1, SIZE))

    def kill(number: int) -> None:
        if number == killed_at:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Change, "__exit__", lambda *_: None)
        if killed_at is None:
            # Everything is visible, and what was replaced not yet removed.
            store.write_dataset(numbered_dataset(2, SIZE), replace=True)
        else:
            before_batch(kill)
            with pytest.raises(Killed):
                store.write_dataset(numbered_dataset(2, SIZE), replace=True)
    assert leftovers(server)

    again = server.open()
    assert again.read_dataset("numbered").equals(numbered_dataset(2 if killed_at is None else 1, SIZE))
    again.write_dataset(numbered_dataset(2, SIZE), replace=True)
    assert again.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
    assert counts(server) == expected_counts(2)
    assert leftovers(server) == {}
    again.close()


def with_ids(prefix: str, dataset: Dataset, every: int = 1) -> Dataset:
    """A dataset with other ids for every so many of its texts and skills."""

    def new(table: pa.Table, columns: Sequence[str]) -> pa.Table:
        for name in columns:
            ids = [f"{prefix}{id_}" if int(id_[1:]) % every == 0 else id_ for id_ in table[name].to_pylist()]
            table = table.set_column(table.column_names.index(name), name, pa.array(ids))
        return table

    return build_dataset(
        dataset.name,
        texts=new(dataset.texts, ["id"]),
        skills=new(dataset.skills, ["id"]),
        requirements=new(dataset.requirements, ["text", "skill"]),
        provenance=dict(dataset.provenance),
    )


@pytest.mark.long
@pytest.mark.parametrize("one_transaction", [False, True], ids=["just small enough", "small"])
def test_nodes_that_stay_are_kept_with_nothing_of_what_they_were(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch, one_transaction: bool
) -> None:
    """A third of the ids is new; the others' nodes stay, and are what writing into an empty store makes of them."""
    first, second = numbered_dataset(1, SIZE), with_ids("x", numbered_dataset(2, SIZE), every=3)
    everything = "MATCH (n) WHERE n:Text OR n:Skill OPTIONAL MATCH (n)-[r]->(m) "
    everything += (
        "WITH n, r, m ORDER BY m.key RETURN n.key, labels(n), properties(n), collect([type(r), m.key]) ORDER BY n.key"
    )
    store.write_dataset(second)
    expected = server.rows(everything)
    store.delete_dataset("numbered")
    store.write_dataset(first)
    store.write_layer(numbered_layer(1, SIZE))
    write_associations(store, 1)
    server.rows("MATCH (n:Text|Skill) SET n.note = 'of somebody else'")
    numbers = dict(server.rows("MATCH (n:Text|Skill) RETURN n.key, elementId(n)"))
    kept = len(ids_of(first) & ids_of(second))
    at_once: list[bool] = []
    if not one_transaction:
        nodes, before = second.n_texts + second.n_skills, first.n_texts + first.n_skills
        relationships = numbered_layer(1, SIZE).skills.num_rows + numbered_associations(1, SIZE)[0].num_rows
        rows = neo4j_change.NODE_ROWS * (nodes - kept) + kept + second.n_requirements
        rows += 2 * (before - kept) + first.n_requirements + relationships
        monkeypatch.setitem(neo4j_change.SMALL, "dataset", rows)
    publish = Change.publish

    def remember(self: Change, *arguments: Any) -> None:
        at_once.append(self.replaces_at_once)
        publish(self, *arguments)

    monkeypatch.setattr(Change, "publish", remember)
    store.write_dataset(second, replace=True)
    assert at_once == [True]
    assert server.rows(everything) == expected
    assert counts(server) == expected_counts(2)
    assert leftovers(server) == {}
    assert store.read_dataset("numbered").equals(second)
    after = dict(server.rows("MATCH (n:Text|Skill) RETURN n.key, elementId(n)"))
    assert sum(numbers.get(key) == number for key, number in after.items()) == kept
    if not one_transaction:
        # A row less, and what is replaced is removed afterwards.
        store.write_dataset(first, replace=True)
        store.write_layer(numbered_layer(1, SIZE))
        write_associations(store, 1)
        monkeypatch.setitem(neo4j_change.SMALL, "dataset", rows - 1)
        store.write_dataset(second, replace=True)
        assert at_once[-1] is False
        assert store.read_dataset("numbered").equals(second)


def ids_of(dataset: Dataset) -> set[str]:
    return {*dataset.texts["id"].to_pylist(), *dataset.skills["id"].to_pylist()}


@pytest.mark.parametrize("killed", [pytest.param(False, marks=LONG), True], ids=["to the end", "killed"])
def test_what_is_replaced_is_removed_afterwards_where_one_transaction_is_too_small_for_both(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """Written as in an empty store, in one transaction, which takes the old texts out of sight."""
    first, second = numbered_dataset(1, SIZE), with_ids("x", numbered_dataset(2, SIZE))
    store.write_dataset(first)
    store.write_layer(numbered_layer(1, SIZE))
    write_associations(store, 1)
    rows = [neo4j_change.NODE_ROWS * (d.n_texts + d.n_skills) + d.n_requirements for d in (first, second)]
    both = rows[1] + neo4j_change.RETIRED_ROWS * (first.n_texts + first.n_skills)
    monkeypatch.setitem(neo4j_change.SMALL, "dataset", both)
    at_once: list[bool] = []
    publish, clean = Change.publish, Change.clean

    def remember(self: Change, *arguments: Any) -> None:
        at_once.append(self.at_once)
        publish(self, *arguments)

    monkeypatch.setattr(Change, "publish", remember)
    with monkeypatch.context() as patch:
        if killed:
            patch.setattr(Change, "clean", lambda _: kill())
            with pytest.raises(Killed):
                store.write_dataset(second, replace=True)
        else:
            patch.setattr(Change, "clean", lambda self: at_once.append(self.at_once) or clean(self))
            store.write_dataset(second, replace=True)
    assert at_once == ([True] if killed else [True, False])
    assert store.read_dataset("numbered").equals(second)
    assert store.layers() == ()
    assert (leftovers(server) != {}) == killed
    assert server.rows("MATCH (:Text)-[r:REQUIRES]->(:Skill) RETURN count(r)") == [(second.n_requirements,)]
    if killed:
        store.write_dataset(second, replace=True)
    assert counts(server) == expected_counts(2)
    assert leftovers(server) == {}
    monkeypatch.setitem(neo4j_change.SMALL, "dataset", neo4j_change.RETIRED_ROWS * (second.n_texts + second.n_skills))
    store.delete_dataset("numbered")
    assert at_once[-1]
    assert counts(server) == leftovers(server) == {}


def before_step(patch: pytest.MonkeyPatch, number: int, hook: Callable[[], None]) -> None:
    """Run a function once, before a batch of that number of what is published in batches."""
    original = Step.run
    count = iter(range(1, 10_000))

    def run(self: Step, transaction: Any, *most: int) -> int:
        if next(count) == number:
            hook()
        return original(self, transaction, *most)

    patch.setattr(Step, "run", run)


def replace_name(dataset: Dataset, name: str) -> Dataset:
    return replace(dataset, name=name)


@pytest.mark.parametrize("killed_at", [pytest.param(1, marks=LONG), 6], ids=["decided", "half done"])
def test_a_publication_that_was_killed_is_brought_to_its_end_by_whoever_reads(
    server: RunningNeo4j,
    store: Neo4jStore,
    staged: None,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: int,
) -> None:
    store.write_dataset(numbered_dataset(1, SIZE))
    store.write_layer(numbered_layer(1, SIZE))

    for work, name, number in (
        (lambda: store.write_dataset(numbered_dataset(2, SIZE), replace=True), "numbered", 2),
        (lambda: store.rename_dataset("numbered", "other"), "other", 2),
        (lambda: store.delete_dataset("other"), None, 0),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(Change, "__exit__", lambda *_: None)
            before_step(patch, killed_at, kill)
            # Few batches are an end of their own.
            with contextlib.suppress(Killed):
                work()
        other = server.open()
        asked = other.query("MATCH (d:Dataset) MATCH (t:Text {dataset: d.name}) RETURN d.name, count(t)").rows
        assert asked == ([] if name is None else [(name, numbered_dataset(number, SIZE).n_texts)])
        assert [info.name for info in other.datasets()] == ([] if name is None else [name])
        if name is not None:
            assert other.read_dataset(name).equals(replace_name(numbered_dataset(number, SIZE), name))
        other.close()
    store.write_dataset(numbered_dataset(3, SIZE))
    store.write_dataset(replace_name(numbered_dataset(3, SIZE), "other"))
    store.delete_dataset("other")
    assert counts(server) == expected_counts(3)
    assert leftovers(server) == {}


@pytest.mark.long
@pytest.mark.parametrize("killed_at", [1, 3], ids=["decided", "half done"])
def test_associations_half_published_are_brought_to_their_end_by_whoever_reads(
    server: RunningNeo4j, store: Neo4jStore, staged: None, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    store.write_dataset(numbered_dataset(1, SIZE))
    store.write_layer(numbered_layer(1, SIZE))
    write_associations(store, 1)
    pairs, components = numbered_associations(1, SIZE)
    fewer = pairs.slice(pairs.num_rows // 2)
    empty = pairs.slice(0, 0)

    for work, name, expected in (
        (
            lambda: store.write_associations("numbered", "layer", fewer, rule="any", components=components),
            "layer",
            fewer,
        ),
        (lambda: store.rename_layer("numbered", "layer", "renamed"), "renamed", fewer),
        (lambda: store.rename_layer("numbered", "renamed", "layer"), "layer", fewer),
        (lambda: store.write_layer(numbered_layer(1, SIZE)), "layer", empty),
        (lambda: write_associations(store, 1), "layer", pairs),
        (lambda: store.delete_layer("numbered", "layer"), None, empty),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(Change, "__exit__", lambda *_: None)
            before_step(patch, killed_at, kill)
            # Few batches are an end of their own.
            with contextlib.suppress(Killed):
                work()
        other = server.open()
        asked = "MATCH ()-[r:ASSOCIATED_WITH]->() RETURN r.layer, count(r)"
        assert other.query(asked).rows == ([(name, expected.num_rows)] if expected.num_rows else [])
        assert [info.name for info in other.layers("numbered")] == ([] if name is None else [name])
        if name is not None:
            assert other.read_associations("numbered", name).equals(expected)
        other.close()
    store.write_layer(numbered_layer(1, SIZE))
    write_associations(store, 1)
    # Changes of names that nobody has written since stay until somebody does.
    assert leftovers(server).keys() <= {"changes"}
    assert counts(server).items() >= expected_counts(1, associations=True).items()


def test_a_writer_finishes_what_another_publishes_and_both_are_whole(
    server: RunningNeo4j, store: Neo4jStore, staged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write_dataset(numbered_dataset(1, SIZE))
    other = server.open()
    thread = threading.Thread(target=lambda: other.write_dataset(replace_name(numbered_dataset(4, SIZE), "other")))
    # It waits for the lock that this batch holds, and then finds what is left to do.
    before_step(monkeypatch, 3, thread.start)
    store.write_dataset(numbered_dataset(2, SIZE), replace=True)
    thread.join()
    assert store.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
    assert store.read_dataset("other").equals(replace_name(numbered_dataset(4, SIZE), "other"))
    assert leftovers(server) == {}
    other.close()


def test_who_may_only_read_is_told_of_what_is_half_published(
    server: RunningNeo4j, store: Neo4jStore, staged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neo4j.exceptions import ClientError

    class ReadOnly(ClientError):
        code = "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase"

    store.write_dataset(numbered_dataset(1, SIZE))

    with monkeypatch.context() as patch:
        patch.setattr(Change, "__exit__", lambda *_: None)
        before_step(patch, 2, kill)
        with pytest.raises(Killed):
            store.write_dataset(numbered_dataset(2, SIZE), replace=True)
    reader = server.open()

    def refuse(*_: object) -> None:
        raise StoreError("no") from ReadOnly("no")

    clock, finish = _Clock(), neo4j_change.finish_publication
    with monkeypatch.context() as patch:
        patch.setattr(reader._connection, "write_nothing", refuse)
        patch.setattr(neo4j_change, "time", clock)
        with pytest.raises(StoreError, match="a dataset is being written; if that was broken off, any command"):
            reader.read_dataset("numbered")
        assert clock.seconds < 15

        # As long as it goes on, it is waited for.
        def one_batch() -> None:
            with monkeypatch.context() as once, contextlib.suppress(Killed):
                before_step(once, 2, kill)
                finish(store._connection)

        clock.seconds, clock.meanwhile, clock.step = 0.0, one_batch, 6.0
        assert reader.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
        assert 15 < clock.seconds < 60
    reader.close()


class _Clock:
    """A clock that goes on when somebody sleeps, and what others do meanwhile."""

    seconds = 0.0
    step = 0.2
    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, self.step)
        self.meanwhile()


@pytest.mark.parametrize("at_once", [False, pytest.param(True, marks=LONG)], ids=["staged", "one transaction"])
def test_a_killed_process_leaves_a_store_that_opens_and_takes_the_load_again(
    server: RunningNeo4j, at_once: bool
) -> None:
    """With a real process that is killed while it writes."""
    script = """
        import os, signal, sys
        from explorer.store.neo4j import change as neo4j_change
        from explorer.store.neo4j import dataset as neo4j_dataset
        from explorer.store.neo4j.store import Neo4jStore
        from tests.store.content import numbered_dataset
        neo4j_dataset.BATCH = 40
        if sys.argv[2] == "staged":
            neo4j_change.SMALL["dataset"] = -1
        def kill(done, total):
            if done > total // 2:
                os.kill(os.getpid(), signal.SIGKILL)
        Neo4jStore(sys.argv[1]).write_dataset(numbered_dataset(1, 80), progress=kill)
    """
    environment = {"NEO4J_USER": server.credentials.user, "NEO4J_PASSWORD": server.credentials.password}
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), server.url, "at once" if at_once else "staged"],
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == -9, process.stderr
    # The server rolls the one transaction back when it finds the connection gone.
    assert leftovers(server).keys() == (set() if at_once else {"drafts", "changes"})
    store = server.open()
    assert store.datasets() == ()
    store.write_dataset(numbered_dataset(1, SIZE))
    assert store.read_dataset("numbered").equals(numbered_dataset(1, SIZE))
    assert counts(server) == expected_counts(1)
    store.close()


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt, *(pytest.param(error, marks=LONG) for error in (MemoryError, OSError("disk")))],
    ids=["Ctrl-C", "memory", "other"],
)
def test_a_write_that_breaks_off_leaves_nothing_behind(
    server: RunningNeo4j, store: Neo4jStore, staged: None, before_batch: Any, error: Any
) -> None:
    store.write_dataset(numbered_dataset(1, SIZE))
    store.write_layer(numbered_layer(1, SIZE))
    write_associations(store, 1)
    before = counts(server)

    def fail(number: int) -> None:
        if number % 3 == 0:
            raise error

    before_batch(fail)
    for write in (
        lambda: store.write_dataset(numbered_dataset(2, SIZE), replace=True),
        lambda: store.write_layer(numbered_layer(2, 400)),
        lambda: write_associations(store, 1),
    ):
        with contextlib.suppress(KeyboardInterrupt, MemoryError, OSError, SkillgraphError):
            write()
        assert leftovers(server) == {}
    assert counts(server) == before
    assert store.read_dataset("numbered").equals(numbered_dataset(1, SIZE))


@pytest.mark.parametrize("small", [False, pytest.param(True, marks=LONG)], ids=["staged", "one transaction"])
def test_an_answer_that_is_lost_does_not_double_anything(
    server: RunningNeo4j,
    store: Neo4jStore,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    small: bool,
) -> None:
    """Every transaction commits, and every first answer to that gets lost."""
    from neo4j import Session
    from neo4j.exceptions import IncompleteCommit

    if not small:
        request.getfixturevalue("staged")
    original = Session.execute_write
    lost = set()

    def execute_write(self: Session, work: Any, *arguments: Any) -> Any:
        value = original(self, work, *arguments)
        if work not in lost:
            lost.add(work)
            raise IncompleteCommit("the answer got lost")
        return value

    monkeypatch.setattr(Session, "execute_write", execute_write)
    store.write_dataset(numbered_dataset(1, SIZE))
    store.write_dataset(numbered_dataset(2, SIZE), replace=True)
    store.write_layer(numbered_layer(2, SIZE))
    store.write_layer(numbered_layer(2, SIZE))
    write_associations(store, 2)
    assert len(lost) >= (4 if small else 40)
    assert counts(server) == expected_counts(2, associations=True)
    assert leftovers(server) == {}
    assert store.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
    assert store.read_associations("numbered", "layer").equals(numbered_associations(2, SIZE)[0])


def test_what_is_too_large_for_one_transaction_goes_in_batches(
    server: RunningNeo4j, store: Neo4jStore, before_batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has too little memory in the middle of the one transaction: nothing of it stays, and batches do it."""
    from neo4j.exceptions import TransientError

    monkeypatch.setattr(neo4j_dataset, "BATCH", 40)
    store.write_dataset(numbered_dataset(1, SIZE))
    store.write_layer(numbered_layer(1, SIZE))
    batches: list[int] = []

    def refuse(number: int) -> None:
        batches.append(number)
        if len(batches) == 2:
            raise TransientError._hydrate_neo4j(
                code="Neo.TransientError.General.MemoryPoolOutOfMemoryError", message="full"
            )

    before_batch(refuse)
    write_associations(store, 1)
    assert counts(server) == expected_counts(1, associations=True)
    batches.clear()
    store.write_dataset(numbered_dataset(2, SIZE), replace=True)
    assert len(batches) > 10
    assert store.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
    assert counts(server) == expected_counts(2)
    assert leftovers(server) == {}


def test_memory_that_does_not_suffice_at_the_commit_is_not_tried_again(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver takes it for a passing fault."""
    from neo4j import ManagedTransaction
    from neo4j.exceptions import TransientError

    monkeypatch.setattr(neo4j_dataset, "BATCH", 40)
    store.datasets()
    commit, publish = ManagedTransaction._commit, Change.publish
    tried: list[bool] = []
    full: list[bool] = []

    def remember(self: Change, *arguments: Any) -> None:
        publish(self, *arguments)
        tried.append(self.at_once)
        full.append(self.at_once)

    def refuse(self: ManagedTransaction) -> None:
        if full and full.pop():
            self._rollback()
            raise TransientError._hydrate_neo4j(
                code="Neo.TransientError.General.MemoryPoolOutOfMemoryError", message="full"
            )
        commit(self)

    monkeypatch.setattr(Change, "publish", remember)
    monkeypatch.setattr(ManagedTransaction, "_commit", refuse)
    store.write_dataset(numbered_dataset(1, SIZE))
    assert tried == [True, False]
    assert store.read_dataset("numbered").equals(numbered_dataset(1, SIZE))
    assert leftovers(server) == {}


# Two at once --------------------------------------------------------------------------------------------------


def test_the_later_of_two_writers_wins_and_the_earlier_is_told(
    server: RunningNeo4j, store: Neo4jStore, staged: None, before_batch: Any
) -> None:
    other = server.open()
    late = iter([lambda: other.write_dataset(numbered_dataset(2, SIZE))])

    def interrupt(number: int) -> None:
        if number == 5:
            next(late)()

    before_batch(interrupt)
    with pytest.raises(StoreError, match="another process has begun to write dataset 'numbered'"):
        store.write_dataset(numbered_dataset(1, SIZE))
    assert store.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
    assert counts(server) == expected_counts(2)
    assert leftovers(server) == {}
    other.close()


def test_what_a_layer_is_of_must_still_be_there(
    server: RunningNeo4j, store: Neo4jStore, staged: None, before_batch: Any
) -> None:
    store.write_dataset(numbered_dataset(1, SIZE))
    other = server.open()
    replacing = iter([lambda: other.write_dataset(numbered_dataset(2, SIZE), replace=True)])
    before_batch(lambda number: number == 2 and next(replacing)())
    with pytest.raises(StoreError, match=r"was (changed while|replaced or deleted during)"):
        store.write_layer(numbered_layer(1, SIZE))
    assert store.layers() == ()
    assert counts(server) == expected_counts(2)
    assert leftovers(server) == {}
    other.close()


@pytest.mark.parametrize("small", [False, pytest.param(True, marks=LONG)], ids=["staged", "one transaction"])
def test_writers_and_readers_at_once_never_make_or_see_a_mixture(
    server: RunningNeo4j, request: pytest.FixtureRequest, small: bool
) -> None:
    """Two writers replace a layer and its associations while one reader looks and another asks Cypher."""
    if not small:
        request.getfixturevalue("staged")
    store = server.open()
    store.write_dataset(numbered_dataset(0, SIZE))
    store.write_layer(numbered_layer(0, SIZE))
    written: list[int] = []
    refused: list[str] = []
    unexpected: list[BaseException] = []
    done = threading.Event()

    def write(numbers: range) -> None:
        own = server.open()
        for number in numbers:
            try:
                own.write_layer(numbered_layer(number, SIZE))
                write_associations(own, number)
                written.append(number)
            except StoreError as error:
                refused.append(str(error))
            except BaseException as error:  # noqa: BLE001 -- the test reports it
                unexpected.append(error)
        own.close()

    def read() -> None:
        own = server.open()
        while not done.is_set():
            try:
                assert_is_numbered(own.read_layer("numbered", "layer"))
                pairs = own.read_associations("numbered", "layer")
                weights = set(pairs["weight"].to_pylist())
                # The weight tells the number; a layer that was just replaced has no associations yet.
                assert weights == set() or pairs.equals(numbered_associations(weights.pop() - 1, SIZE)[0])
            except BaseException as error:  # noqa: BLE001 -- the test reports it
                unexpected.append(error)
                return
        own.close()

    def ask() -> None:
        own = server.open()
        cypher = (
            "MATCH (l:Layer {name: 'layer'})-[r:LEARNED]->(s:Skill) WITH l, collect([s.id, r.wave]) AS skills "
            "OPTIONAL MATCH ()-[a:ASSOCIATED_WITH {layer: 'layer'}]->() "
            "RETURN l.parameters, skills, coalesce(l.associations, 0), count(a)"
        )
        while not done.is_set():
            try:
                result = own.query(cypher)
                [(parameters, skills, associated, found)] = result.rows
                columns = numbered_layer(json.loads(parameters)["number"], SIZE).skills.select(["skill", "wave"])
                seen = sorted(map(tuple, skills)) == list(zip(*columns.to_pydict().values(), strict=True))
                assert result.warnings or (seen and associated == found), (parameters, skills, associated, found)
            except BaseException as error:  # noqa: BLE001 -- the test reports it
                unexpected.append(error)
                return
        own.close()

    writers = [threading.Thread(target=write, args=(numbers,)) for numbers in (range(10, 16), range(20, 26))]
    readers = [threading.Thread(target=look) for look in (read, ask)]
    for thread in (*writers, *readers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert unexpected == []
    assert written
    assert all("another process" in text or "while" in text or "and components of" in text for text in refused)
    number = assert_is_numbered(store.read_layer("numbered", "layer"))
    write_associations(store, number)
    assert leftovers(server) == {}
    dataset = expected_counts(0)
    rest = expected_counts(number, associations=True)
    assert counts(server) == {**rest, **dataset}
    store.close()


@pytest.mark.long
@pytest.mark.parametrize("small", [False, True], ids=["staged", "one transaction"])
def test_a_dataset_that_is_replaced_while_it_is_read_is_read_whole(
    server: RunningNeo4j, request: pytest.FixtureRequest, small: bool
) -> None:
    if not small:
        request.getfixturevalue("staged")
    store, own = server.open(), server.open()
    store.write_dataset(numbered_dataset(0, SIZE))
    done = threading.Event()
    seen: list[int] = []
    unexpected: list[BaseException] = []

    def read() -> None:
        while not done.is_set():
            try:
                dataset = own.read_dataset("numbered")
                number = int(str(dataset.provenance["number"]))
                assert dataset.equals(numbered_dataset(number, SIZE))
                seen.append(number)
            except BaseException as error:  # noqa: BLE001 -- the test reports it
                unexpected.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 7):
        store.write_dataset(numbered_dataset(number, SIZE), replace=True)
    done.set()
    reader.join()
    assert unexpected == []
    assert seen == sorted(seen)
    assert store.read_dataset("numbered").equals(numbered_dataset(6, SIZE))
    for each in (store, own):
        each.close()


def test_a_dataset_is_read_again_only_when_it_has_changed(
    store: Neo4jStore, server: RunningNeo4j, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    original = DatasetReader.dataset

    def read(self: DatasetReader) -> Dataset:
        reads.append("")
        return original(self)

    monkeypatch.setattr(DatasetReader, "dataset", read)
    store.write_dataset(numbered_dataset(1, SIZE))
    assert store.read_dataset("numbered").equals(numbered_dataset(1, SIZE))
    store.write_layer(numbered_layer(1, SIZE))
    write_associations(store, 1)
    assert store.read_dataset("numbered").equals(numbered_dataset(1, SIZE))
    assert len(reads) == 1
    # Whoever changes it.
    other = server.open()
    other.write_dataset(numbered_dataset(2, SIZE), replace=True)
    assert store.read_dataset("numbered").equals(numbered_dataset(2, SIZE))
    assert len(reads) == 2
    other.delete_dataset("numbered")
    with pytest.raises(NotFoundError):
        store.read_dataset("numbered")
    other.close()


def associated(server: RunningNeo4j) -> dict[tuple[str, str], int]:
    """Number of associations by the dataset of their first skill and by layer."""
    rows = server.rows("MATCH (a)-[r:ASSOCIATED_WITH]->() RETURN a.dataset, r.layer, count(r)")
    return {(dataset, layer): count for dataset, layer, count in rows}


@pytest.mark.parametrize(
    "step", ["forget", *(pytest.param(step, marks=LONG) for step in ("rename", "renamed meanwhile"))]
)
def test_layers_of_one_name_in_two_datasets_keep_their_associations(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Also if another one is renamed by somebody else after it was found out whether there is one of this name."""
    for name in ("numbered", "second"):
        store.write_dataset(replace_name(numbered_dataset(1, SIZE), name))
        layer = numbered_layer(1, SIZE)
        store.write_layer(replace(layer, info=replace(layer.info, dataset=name)))
        pairs, components = numbered_associations(1, SIZE)
        store.write_associations(name, "layer", pairs, rule="any", components=components)
    size = pairs.num_rows
    assert associated(server) == {("numbered", "layer"): size, ("second", "layer"): size}
    if step == "rename":
        store.rename_layer("numbered", "layer", "new")
        assert associated(server) == {("numbered", "new"): size, ("second", "layer"): size}
        return
    runs: list[str] = []
    if step == "renamed meanwhile":
        somebody, original = server.open(), neo4j_store.reuse_associations

        def reuse(*arguments: Any) -> Any:
            done = original(*arguments)
            runs.append("")
            if len(runs) == 1:
                somebody.rename_layer("second", "layer", "new")
            return done

        monkeypatch.setattr(neo4j_store, "reuse_associations", reuse)
    few = pairs.slice(0, 3)
    store.write_associations("numbered", "layer", few, rule="any", components=components)
    other = "layer"
    if step == "renamed meanwhile":
        somebody.close()
        other = "new"
        assert len(runs) == 2
    assert associated(server) == {("numbered", "layer"): 3, ("second", other): size}
    assert leftovers(server) == {}


def test_associations_that_stay_are_not_written_again(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those with another weight are given it; what another program added to the layer goes."""
    pairs, components = numbered_associations(1, SIZE)
    for name in ("numbered", "second"):
        store.write_dataset(replace_name(numbered_dataset(1, SIZE), name))
        layer = numbered_layer(1, SIZE)
        store.write_layer(replace(layer, info=replace(layer.info, dataset=name)))
        store.write_associations(name, "layer", pairs, rule="any", components=components)
    listed = (
        "MATCH (a:Skill {dataset: $dataset})-[r:ASSOCIATED_WITH {layer: 'layer'}]->(b) "
        "RETURN a.id, b.id, r.weight, elementId(r) ORDER BY a.id, b.id"
    )
    first, other = server.rows(listed, dataset="numbered"), server.rows(listed, dataset="second")
    store.write_associations("numbered", "layer", pairs, rule="any", components=components)
    assert server.rows(listed, dataset="numbered") == first

    third = pairs.num_rows // 3
    fewer, weight = pairs.slice(0, 2 * third), pairs["weight"].to_pylist()
    store.write_associations("numbered", "layer", fewer, rule="any", components=components)
    server.rows(
        "MATCH (a:Skill {dataset: 'numbered', id: $a}), (b:Skill {dataset: 'numbered', id: $b}) "
        "CREATE (a)-[:ASSOCIATED_WITH {layer: 'layer', weight: 1}]->(b), (b)-[:ASSOCIATED_WITH {layer: 'layer'}]->(a), "
        "(a)-[:ASSOCIATED_WITH {layer: 'layer', weight: 1}]->(:Foreign)",
        a=first[-4][0],
        b=first[-4][1],
    )
    changed = pairs.slice(third).set_column(2, "weight", pa.array([weight[third] + 1, *weight[third + 1 :]]))
    store.write_associations("numbered", "layer", changed, rule="any", components=components)
    assert store.read_associations("numbered", "layer").equals(changed)
    last = server.rows(listed, dataset="numbered")
    assert [row[:3] for row in last] == [tuple(row.values()) for row in changed.to_pylist()]
    assert [row[3] for row in last[:third]] == [row[3] for row in first[third : 2 * third]]
    assert server.rows(listed, dataset="second") == other
    # Twice, which a program of ours does not write.
    server.rows(
        "MATCH (a:Skill {dataset: 'numbered'})-[r:ASSOCIATED_WITH {layer: 'layer'}]->(b) WITH a, r, b LIMIT 3 "
        "CREATE (a)-[s:ASSOCIATED_WITH]->(b) SET s = properties(r)"
    )
    store.write_associations("numbered", "layer", changed, rule="any", components=components)
    assert store.read_associations("numbered", "layer").equals(changed)
    # Among numbers of nodes so large that two of them do not fit into one.
    monkeypatch.setattr(neo4j_layer, "_WIDEST", 1)
    store.write_associations("numbered", "layer", pairs, rule="any", components=components)
    assert store.read_associations("numbered", "layer").equals(pairs)
    assert server.rows(listed, dataset="second") == other
    server.rows("MATCH (n:Foreign) DETACH DELETE n")
