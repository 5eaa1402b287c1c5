"""What LEARNED and MIXES say of associations is what counting them gives, whatever happens to a layer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import explorer as sg
from explorer.agent.tools import Tools
from explorer.cli.app import app
from explorer.cookbook import find_recipe
from explorer.errors import StoreError
from explorer.store.counts import COUNTS, MIXES, MOST_MIXES, association_counts, class_pairs
from explorer.store.neo4j.connection import Connection
from explorer.store.place import Place
from explorer.store.protocol import LAYER_LACKS_SCHEMA, Store
from loaders.dataset import build_dataset
from tests.store.content import associations, components, layer, small_dataset
from tests.support.neo4j import RunningNeo4j

COUNTED = """MATCH (:Layer {dataset: $dataset, name: $layer})-[:LEARNED]->(s:Skill)
OPTIONAL MATCH (s)-[a:ASSOCIATED_WITH {layer: $layer}]-(o:Skill)
RETURN s.id, count(a), sum(a.weight), max(CASE WHEN s.class <> o.class THEN a.weight END) ORDER BY s.id"""
KEPT = """MATCH (:Layer {dataset: $dataset, name: $layer})-[r:LEARNED]->(s:Skill)
RETURN s.id, r.neighbours, r.strength, r.bridge ORDER BY s.id"""
MIXED = """MATCH (a:Skill {dataset: $dataset})-[r:ASSOCIATED_WITH {layer: $layer}]->(b:Skill)
WHERE a.class IS NOT NULL AND b.class IS NOT NULL
WITH CASE WHEN a.class < b.class THEN a.class ELSE b.class END AS class,
     CASE WHEN a.class < b.class THEN b.class ELSE a.class END AS other_class, r
RETURN class, other_class, count(r) AS associations, sum(r.weight) ORDER BY associations DESC, class, other_class"""
MIXES_KEPT = find_recipe("How classes mix").cypher
PAIRS_OF_CLASSES = "MATCH (l:Layer {dataset: $dataset, name: $layer}) RETURN l.class_pairs"
PAIRS = associations(("for", "if", 4), ("for", "print", 2), ("if", "sum", 3), ("print", "sum", 9))
ALL = {"for": 1, "if": 2, "print": 2, "sum": 3, "unused": 3}


def rows(store: Store, question: str, name: str = "l", dataset: str = "d") -> list[tuple[Any, ...]]:
    result = store.query(question, {"dataset": dataset, "layer": name})
    assert result.warnings == ()
    return list(result.rows)


def fill(store: Store) -> None:
    """Two layers of the small dataset with associations of their own; the skill `unused` has no class."""
    store.write_dataset(small_dataset())
    for name, pairs in (("l", PAIRS), ("other", associations(("for", "if", 1), ("if", "unused", 5)))):
        store.write_layer(layer(name, ALL))
        store.write_associations("d", name, pairs, rule="any", components=components(**dict.fromkeys(ALL, 0)))


def test_each_skill_has_the_counts_of_its_layer(store: Store) -> None:
    fill(store)
    assert rows(store, KEPT) == [
        ("for", 2, 6, 2), ("if", 2, 7, 3), ("print", 2, 11, 2), ("sum", 2, 12, 3), ("unused", 0, 0, None)
    ]  # fmt: skip
    assert len(rows(store, MIXES_KEPT)) == 3
    for name in ("l", "other"):
        assert_counted(store, name)


def assert_counted(store: Store, name: str = "l", dataset: str = "d") -> None:
    assert rows(store, KEPT, name, dataset) == rows(store, COUNTED, name, dataset)
    mixes = rows(store, MIXES_KEPT, name, dataset)
    assert mixes == rows(store, MIXED, name, dataset)
    assert rows(store, PAIRS_OF_CLASSES, name, dataset) == [(len(mixes),)]


def test_counts_follow_the_associations(store: Store) -> None:
    fill(store)
    before = rows(store, KEPT)
    store.write_layer(layer("l", {**ALL, "for": 4}), keep_associations=True)
    assert rows(store, KEPT) == before
    assert_counted(store)
    lacks = pa.Table.from_pylist([{"skill": "sum", "reason": "together"}], schema=LAYER_LACKS_SCHEMA)
    store.write_lacks("d", "l", lacks)
    assert rows(store, KEPT) == before
    assert_counted(store)
    store.rename_layer("d", "l", "new")
    store.rename_dataset("d", "e")
    assert rows(store, KEPT, "new", "e") == before
    assert_counted(store, "new", "e")
    fewer = associations(("for", "sum", 7))
    store.write_associations("e", "new", fewer, rule="any", components=components(**dict.fromkeys(ALL, 0)))
    assert_counted(store, "new", "e")
    store.delete_layer("e", "other")
    assert_counted(store, "new", "e")
    store.write_layer(layer("new", ALL, "e"))
    assert rows(store, KEPT, "new", "e") == [(skill, None, None, None) for skill in ALL]
    assert store.query(MIXES_KEPT, {"dataset": "e", "layer": "new"}).rows == []
    assert store.query(PAIRS_OF_CLASSES, {"dataset": "e", "layer": "new"}).rows == [(None,)]


def test_no_more_pairs_of_classes_are_kept_than_a_query_shows(store: Store) -> None:
    """Forty-six skills, each in a class of its own, of which most are associated with all others."""
    names = [f"s{i:02}" for i in range(46)]
    empty = pa.table({"text": pa.array([], pa.string()), "skill": pa.array([], pa.string())})
    skills = pa.table({"id": names, "class": [name.upper() for name in names]})
    store.write_dataset(build_dataset("d", texts=pa.table({"id": ["t1"]}), skills=skills, requirements=empty))
    every = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    store.write_layer(layer("l", dict.fromkeys(names, 1)))
    for size in (MOST_MIXES, len(every)):
        pairs = associations(*((a, b, 2) for a, b in every[:size]))
        store.write_associations("d", "l", pairs, rule="any", components=components(**dict.fromkeys(names, 0)))
        shown = rows(store, MIXES_KEPT)
        assert len(shown) == MOST_MIXES
        assert rows(store, PAIRS_OF_CLASSES) == [(size,)]
    assert size > MOST_MIXES
    rest = size - (MOST_MIXES - 1)
    assert shown[:-1] == [(a.upper(), b.upper(), 1, 2) for a, b in every[: MOST_MIXES - 1]]
    assert shown[-1] == (None, None, rest, 2 * rest)


def test_the_strongest_bridges_are_found_whatever_the_limit(store: Store) -> None:
    """Against all associations of a random layer, with many of the same weight."""
    rng = np.random.default_rng(11)
    store.write_dataset(small_dataset())
    plain = """MATCH (a:Skill {dataset: $dataset})-[r:ASSOCIATED_WITH {layer: $layer}]->(b:Skill)
WHERE a.class <> b.class
RETURN a.name, a.class, b.name, b.class, r.weight AS texts ORDER BY texts DESC, a.name, b.name"""
    skills = sorted(ALL)
    every = [(a, b) for i, a in enumerate(skills) for b in skills[i + 1 :]]
    for _ in range(4):
        chosen = [every[i] for i in sorted(rng.choice(len(every), 7, replace=False))]
        store.write_layer(layer("l", ALL))
        pairs = associations(*((a, b, int(rng.integers(1, 4))) for a, b in chosen))
        store.write_associations("d", "l", pairs, rule="any", components=components(**dict.fromkeys(ALL, 0)))
        expected = rows(store, plain)
        for limit in range(1, 9):
            given = {"dataset": "d", "layer": "l", "limit": limit}
            found = store.query(find_recipe("Bridges between classes").cypher, given).rows
            assert list(found) == expected[:limit]


def test_counts_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(3)
    for skills, size in ((1, 0), (2, 1), (9, 30)):
        ends = rng.integers(0, skills, (2, size))  # a skill beside itself counts twice
        weight = rng.integers(1, 100, size)
        classes = [[None, "a", "b"][i] for i in rng.integers(0, 3, skills)]
        links: list[list[tuple[int, int]]] = [[] for _ in range(skills)]
        for a, b, w in zip(*ends.tolist(), weight.tolist(), strict=True):
            links[a].append((b, w))
            links[b].append((a, w))
        bridges = [
            [w for other, w in there if classes[other] is not None and classes[skill] not in (None, classes[other])]
            for skill, there in enumerate(links)
        ]
        expected = {
            "neighbours": [len(there) for there in links],
            "strength": [sum(w for _, w in there) for there in links],
            "bridge": [max(weights, default=None) for weights in bridges],
        }
        found = association_counts(ends, weight, pa.array(classes, pa.string()))
        assert found.to_pydict() == expected


def test_pairs_of_classes_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(4)
    for skills, size, most in ((1, 0, 2), (2, 1, 2), (30, 200, 4), (30, 200, 15), (30, 200, 14)):
        ends = rng.integers(0, skills, (2, size))
        weight = rng.integers(1, 100, size)
        classes = [[None, "b", "é", "a", "", "c"][i] for i in rng.integers(0, 6, skills)]
        sums: dict[tuple[str, ...], list[int]] = {}
        for a, b, w in zip(*ends.tolist(), weight.tolist(), strict=True):
            one, other = classes[a], classes[b]
            if one is not None and other is not None:
                there = sums.setdefault(tuple(sorted((one, other))), [0, 0])
                there[0] += 1
                there[1] += w
        ranked = [(*pair, *there) for pair, there in sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))]
        expected: list[tuple[Any, ...]] = [*ranked]
        if len(ranked) > most:
            rest = ranked[most - 1 :]
            expected = [*ranked[: most - 1], (None, None, sum(row[2] for row in rest), sum(row[3] for row in rest))]
        found, pairs = class_pairs(ends, weight, pa.array(classes, pa.string()), most)
        assert found == len(ranked)
        assert [tuple(row[name] for name in MIXES) for row in pairs.to_pylist()] == expected


def test_a_sum_that_does_not_fit_is_missing() -> None:
    ends = [np.array([0, 0, 1]), np.array([1, 2, 2])]
    weight = np.array([2**62, 2**62, 1])
    assert class_pairs(ends, weight, pa.array(["a", "a", "a"]))[1]["texts"].to_pylist() == [None]
    found = association_counts(ends, weight, pa.array(["a", "a", "a"]))
    assert found["strength"].to_pylist() == [None, 2**62 + 1, 2**62 + 1]


def without_counts(server: RunningNeo4j, key: str = "d/l") -> None:
    removed = ", ".join(f"r.{name}" for name in COUNTS)
    server.rows(f"MATCH (l:Layer)-[r:LEARNED]->() WHERE l.key = '{key}' REMOVE {removed}")
    server.rows(f"MATCH (l:Layer)-[r:MIXES]->() WHERE l.key = '{key}' DELETE r REMOVE l.class_pairs")


@pytest.mark.neo4j
def test_a_database_of_an_earlier_version_is_given_the_counts_when_it_is_opened(neo4j_server: RunningNeo4j) -> None:
    neo4j_server.empty()
    store = neo4j_server.open()
    fill(store)
    expected = rows(store, KEPT)
    store.close()
    without_counts(neo4j_server)
    said: list[tuple[str, int, int]] = []
    store = neo4j_server.open(notice=lambda *told: said.append(told))
    assert [(done, total) for _, done, total in said] == [(0, 1)]
    assert f"{neo4j_server.url}: 4 associations of a layer are being counted, once" in said[0][0]
    assert rows(store, KEPT) == expected
    for name in ("l", "other"):
        assert_counted(store, name)
    store.close()
    neo4j_server.open(notice=lambda *told: said.append(told)).close()
    assert len(said) == 1


@pytest.mark.neo4j
def test_the_first_command_says_in_one_line_that_it_counts(neo4j_server: RunningNeo4j) -> None:
    neo4j_server.empty()
    store = neo4j_server.open()
    fill(store)
    store.close()
    credentials = neo4j_server.credentials
    who = {"NEO4J_USER": credentials.user, "NEO4J_PASSWORD": credentials.password}
    for quiet, lines in (([], 1), (["--quiet"], 0)):
        for key in ("d/l", "d/other"):
            without_counts(neo4j_server, key)
        done = CliRunner().invoke(app, ["datasets", "--json", "--store", neo4j_server.url, *quiet], env=who)
        assert done.exit_code == 0, done.output
        assert len(done.stderr.splitlines()) == lines
        assert ("6 associations of 2 layers are being counted" in done.stderr) == bool(lines)
        assert json.loads(done.stdout)


@pytest.mark.neo4j
def test_python_and_agents_say_once_that_they_count(
    neo4j_server: RunningNeo4j, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    neo4j_server.empty()
    store = neo4j_server.open()
    fill(store)
    store.close()
    monkeypatch.setenv("NEO4J_USER", neo4j_server.credentials.user)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.credentials.password)
    for opened in (
        lambda: sg.connect(neo4j_server.url).graphs,
        lambda: Tools(Place.of(neo4j_server.url)).check(),
    ):
        for key in ("d/l", "d/other"):
            without_counts(neo4j_server, key)
        capsys.readouterr()
        opened()
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1, said
        assert "6 associations of 2 layers are being counted" in said[0]


@pytest.mark.neo4j
def test_whoever_cannot_write_is_told_that_counts_are_missing(
    neo4j_server: RunningNeo4j, monkeypatch: pytest.MonkeyPatch
) -> None:
    neo4j_server.empty()
    store = neo4j_server.open()
    fill(store)
    store.close()
    without_counts(neo4j_server)

    def refuse(self: Connection, work: object) -> None:
        raise StoreError("only reading is allowed")

    monkeypatch.setattr(Connection, "write", refuse)
    said: list[tuple[str, int, int]] = []
    store = neo4j_server.open(notice=lambda *told: said.append(told))
    assert said == []
    result = store.query(KEPT, {"dataset": "d", "layer": "l"})
    assert [row[1:] for row in result.rows] == [(None, None, None)] * len(ALL)
    assert len(result.warnings) == 1
    assert "missing in layers that an earlier version wrote (d/l)" in result.warnings[0]
    result = store.query(MIXES_KEPT, {"dataset": "d", "layer": "l"})
    assert result.rows == []
    assert len(result.warnings) == 1
    assert store.query("MATCH (s:Skill) RETURN count(s)").warnings == ()
    store.close()
