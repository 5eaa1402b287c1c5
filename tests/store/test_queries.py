"""A query gives the same on every store: values, nodes, relationships, paths, limits and errors."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import pyarrow as pa
import pytest

from explorer.errors import QueryError
from explorer.store.cypher_guard import READ_PROCEDURES
from explorer.store.neo4j.store import Neo4jStore
from explorer.store.opening import open_store
from explorer.store.protocol import LAYER_LACKS_SCHEMA, SOLVE_RATES, Layer, Node, Path, Relationship, Store
from loaders.dataset import TAG_COLUMNS
from tests.store.content import associations, components, layer, numbered_dataset, small_dataset


@pytest.fixture(scope="module")
def kept() -> Iterator[dict[str, tuple[Store, str]]]:
    """What `filled` has filled, and its version then."""
    stores: dict[str, tuple[Store, str]] = {}
    yield stores
    for store, _ in stores.values():
        store.close()


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def filled(request: pytest.FixtureRequest, kept: dict[str, tuple[Store, str]], tmp_path: FilePath) -> Store:
    """Two layers on a small dataset, the second fine-tuned from the first; filled anew where a test changed it."""
    if request.param in kept:
        store, version = kept[request.param]
        if store.version == version:
            return store
        store.close()
    if request.param == "neo4j":
        store = request.getfixturevalue("server").open()
    else:
        store = open_store(tmp_path / "store.kgl", mode="write")
    store.write_dataset(small_dataset())
    store.write_layer(layer("basis", {"for": 1, "if": 2}))
    store.write_layer(layer("tuned", {"for": 0, "if": 0, "print": 1, "sum": 2}, kind="fine-tuned", base="basis"))
    store.write_associations(
        "d", "basis", associations(("for", "if", 2)), rule="any", components=components(**{"for": 0, "if": 0})
    )
    store.write_associations(
        "d",
        "tuned",
        associations(("for", "if", 2), ("for", "print", 1), ("if", "print", 1), ("print", "sum", 1)),
        rule="any",
        components=components(**{"for": 0, "if": 0, "print": 0, "sum": 0}),
    )
    kept[request.param] = store, store.version
    return store


_FOR = {"id": "for", "key": "d/for", "dataset": "d", "name": "for loop", "class": "syntax", "level": 1}
_T1 = {"id": "t1", "key": "d/t1", "dataset": "d", "title": "one", "class": "loops", "part": "base", "line": 1}


def test_nodes_have_their_labels_and_exactly_their_properties(filled: Store) -> None:
    [(skill, text, unset)] = filled.query(
        "MATCH (s:Skill {id: 'for'}), (t:Text {id: 't1'}), (u:Skill {id: 'unused'}) RETURN s, t, u"
    ).rows
    assert isinstance(skill, Node)
    assert (skill.labels, dict(skill.properties)) == (("Skill",), _FOR)
    assert (text.labels, dict(text.properties)) == (("Text",), _T1)
    assert set(unset.properties) == {"id", "key", "dataset", "name"}
    assert len({skill.id, text.id, unset.id}) == 3
    [(again,)] = filled.query("MATCH (n) WHERE elementId(n) = $id RETURN n", {"id": skill.id}).rows
    assert again == skill


def test_relationships_know_their_ends(filled: Store) -> None:
    [(a, r, b)] = filled.query("MATCH (a:Text {id: 't3'})-[r:REQUIRES]->(b:Skill {id: 'print'}) RETURN a, r, b").rows
    assert isinstance(r, Relationship)
    assert (r.type, r.start, r.end, dict(r.properties)) == ("REQUIRES", a.id, b.id, {"weight": 3.0})


def test_paths_have_one_node_more_than_relationships(filled: Store) -> None:
    [(path,)] = filled.query(
        "MATCH p = shortestPath((:Skill {id: 'if'})-[:ASSOCIATED_WITH*..4]-(:Skill {id: 'sum'})) RETURN p"
    ).rows
    assert isinstance(path, Path)
    assert [node.properties["id"] for node in path.nodes] == ["if", "print", "sum"]
    assert [r.type for r in path.relationships] == ["ASSOCIATED_WITH"] * 2
    assert {path.relationships[0].start, path.relationships[0].end} == {node.id for node in path.nodes[:2]}


def test_entities_inside_lists_and_maps(filled: Store) -> None:
    [(value,)] = filled.query("MATCH (s:Skill {id: 'for'}) RETURN {node: s, list: [s, 1]} AS v").rows
    assert isinstance(value["node"], Node)
    assert value["list"] == [value["node"], 1]


# Expression, then what it gives.
_VALUES: dict[str, Any] = {
    "1": 1,
    "1.5": 1.5,
    "-9223372036854775808": -(2**63),
    "true": True,
    "null": None,
    "'text'": "text",
    "'it\\'s'": "it's",
    "[1, 'a', null, [2]]": [1, "a", None, [2]],
    "{a: 1, id: 'x', type: 't', nodes: [], relationships: []}": {
        "a": 1,
        "id": "x",
        "type": "t",
        "nodes": [],
        "relationships": [],
    },
    "{id: 1, labels: ['A'], properties: {}}": {"id": 1, "labels": ["A"], "properties": {}},
    "date('2026-01-31')": "2026-01-31",
    "$p": {"id": 1, "deep": [{"name": "n"}]},
    "$p.deep[0].name": "n",
    "{id: 3}.id": 3,
    "{name: 3}['name']": 3,
}


def test_values(filled: Store) -> None:
    parameters = {"p": {"id": 1, "deep": [{"name": "n"}]}}
    assert {text: filled.query(f"RETURN {text} AS v", parameters).rows[0][0] for text in _VALUES} == _VALUES


# Statement, then its rows. Names that some store could take for its own (id, title, type, label) mean properties.
_ROWS: dict[str, list[tuple[Any, ...]]] = {
    "MATCH (s:Skill {id: 'for'}) RETURN s.id, s.name, s.key, s.class": [("for", "for loop", "d/for", "syntax")],
    "MATCH (s:Skill {id: 'for'}) RETURN s.title, s.type, s.label, s.nodes": [(None, None, None, None)],
    "MATCH (t:Text {id: 't1'}) RETURN t.title, t.name, t.type": [("one", None, None)],
    "MATCH (s:Skill {name: 'for loop'}) RETURN s.id": [("for",)],
    "MATCH (s:Skill) WHERE s.name = 'for loop' AND s.title IS NULL RETURN s.id": [("for",)],
    "MATCH (s:Skill) WHERE s.title IS NOT NULL RETURN s.id": [],
    "MATCH (s:Skill {id: 'for'}) RETURN s['name'] AS name, s.`name` AS again": [("for loop", "for loop")],
    "MATCH (s:Skill {id: 'for'}) RETURN s {.id, .name, x: s.class} AS m": [
        ({"id": "for", "name": "for loop", "x": "syntax"},)
    ],
    "MATCH (s:Skill {id: 'for'}) WITH s, s.name AS name RETURN s {.id, name} AS m": [
        ({"id": "for", "name": "for loop"},)
    ],
    "MATCH (s:Skill {id: 'for'}) RETURN s {.*} AS m": [(_FOR,)],
    "MATCH (s:Skill {id: 'for'}) RETURN properties(s) AS p": [(_FOR,)],
    "MATCH (s:Skill {id: 'for'}) RETURN size(keys(s)) AS n": [(6,)],
    "MATCH (s:Skill {id: 'for'}) UNWIND keys(s) AS k WITH k ORDER BY k RETURN collect(k) AS k": [(sorted(_FOR),)],
    "MATCH (s:Skill {id: 'for'}) UNWIND keys(s) AS k WITH s[k] AS v WHERE v = 'for loop' RETURN v": [("for loop",)],
    "MATCH (:Text {id: 't3'})-[r]->(:Skill {id: 'print'}) RETURN properties(r) AS p, keys(r) AS k": [
        ({"weight": 3.0}, ["weight"])
    ],
    "MATCH (:Text {id: 't3'})-[r]->(:Skill {id: 'print'}) RETURN r.type, r.id, r.start": [(None, None, None)],
    "MATCH (a:Skill {id: 'if'})-[r:ASSOCIATED_WITH {layer: 'tuned'}]-(b) RETURN b.id, r.weight ORDER BY b.id": [
        ("for", 2),
        ("print", 1),
    ],
    "MATCH (l:Layer)-[x:LEARNED]->(s:Skill {id: 'if'}) RETURN l.name, x.wave, x.by, x.component ORDER BY l.name": [
        ("basis", 2, "t1", 0),
        ("tuned", 0, None, 0),
    ],
    "MATCH (m:Model)-[a:ATTEMPTED]->(t:Text) RETURN m.id, a.score, t.id ORDER BY m.id": [
        ("base-model", 0.25, "t1"),
        ("tuned", 1.0, "t1"),
    ],
    "MATCH (m:Model) RETURN m.name = m.id AS named": [(True,), (True,)],
    "MATCH (a:Model)-[:FINE_TUNED_FROM]->(b:Model) RETURN a.id, a.base, b.id": [("tuned", "base-model", "base-model")],
    "MATCH (a:Skill)-[r:PREREQUISITE_OF|PART_OF]->(b) RETURN a.id, type(r), b.id ORDER BY a.id, b.id": [
        ("for", "PREREQUISITE_OF", "sum"),
        ("print", "PART_OF", "unused"),
        ("sum", "PART_OF", "unused"),
    ],
    "MATCH (d:Dataset) RETURN d.name, d.source, d.texts, d.skills, d.requirements": [("d", "written by hand", 4, 5, 8)],
    "MATCH (s:Skill) /* all\n of them */ RETURN count(*) AS n // counted": [(5,)],
    "MATCH (s:Skill) RETURN s.class AS c, count(*) AS n ORDER BY c": [("builtin", 2), ("syntax", 2), (None, 1)],
    "MATCH (s:Skill) RETURN percentileCont(s.level, 0.5) AS m": [(1.5,)],
    "MATCH (s:Skill) WHERE s.level > 1 RETURN s.id AS größe ORDER BY größe": [("print",), ("sum",)],
    "MATCH (t:Text) WHERE NOT EXISTS { (t)-[:REQUIRES]->(:Skill {id: 'for'}) } RETURN t.id": [("t4",)],
    "CALL (*) { MATCH (s:Skill) WITH s.id AS id, s.name AS name RETURN count(name) AS n } RETURN n": [(5,)],
    "MATCH (s:Skill) RETURN s.id ORDER BY s.name DESC SKIP 1 LIMIT 2": [("sum",), ("print",)],
    "RETURN 1 AS x UNION RETURN 2 AS x UNION RETURN 1 AS x": [(1,), (2,)],
}


def test_rows(filled: Store) -> None:
    assert {text: [_plain(row) for row in filled.query(text).rows] for text in _ROWS} == _ROWS


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(v) if isinstance(v, list) and all(isinstance(i, str) for i in v) else v for v in row)


def test_columns_are_named_as_written(filled: Store) -> None:
    result = filled.query(
        "MATCH (s:Skill {id: 'for'}) RETURN s.id, s.name AS title, count(*), properties(s).name, keys(s), "
        "[x IN [s] | x.type], percentileDisc(s.level, 0.5)"
    )
    assert result.columns == (
        "s.id",
        "title",
        "count(*)",
        "properties(s).name",
        "keys(s)",
        "[x IN [s] | x.type]",
        "percentileDisc(s.level, 0.5)",
    )
    assert filled.query("MATCH (x:Skill {id: 'nothing'}) RETURN x.id, x.name").columns == ("x.id", "x.name")


def test_a_query_may_name_the_version_of_cypher(filled: Store) -> None:
    plain = filled.query("MATCH (s:Skill)\nRETURN s.id AS id ORDER BY id")
    named = filled.query("CYPHER 5 MATCH (s:Skill)\nRETURN s.id AS id ORDER BY id")
    assert (named.columns, named.rows) == (plain.columns, plain.rows)
    with pytest.raises(QueryError, match=r"line 2, column 1\b"):
        filled.query("CYPHER 5 MATCH (s:Skill)\nRETRUN s")


def test_the_same_id_in_two_datasets(filled: Store) -> None:
    filled.write_dataset(small_dataset("e"))
    found = filled.query("MATCH (s:Skill {id: 'for'}) RETURN s.key ORDER BY s.key").rows
    assert found == [("d/for",), ("e/for",)]
    for dataset in ("d", "e"):
        where = {"dataset": dataset}
        assert filled.query("MATCH (s:Skill {id: 'for', dataset: $dataset}) RETURN s.key", where).rows == [
            (f"{dataset}/for",)
        ]
        assert filled.query("MATCH (s:Skill) WHERE s.id = 'for' AND s.dataset = $dataset RETURN s.key", where).rows == [
            (f"{dataset}/for",)
        ]
    assert filled.query("MATCH (s:Skill {key: 'e/for'}) RETURN s.dataset").rows == [("e",)]
    assert filled.query("MATCH (s:Skill) WHERE s.id IN ['for', 'if'] RETURN count(*)").rows == [(4,)]


def test_rows_are_capped(store: Store) -> None:
    store.write_dataset(numbered_dataset(0))
    n = store.query("MATCH (t:Text) RETURN count(*)").rows[0][0]
    ordered = "MATCH (t:Text) RETURN t.id ORDER BY t.id DESC"
    for cap, truncated in ((n, False), (n - 1, True), (3, True), (n + 1, False)):
        result = store.query(ordered, max_rows=cap)
        assert (len(result.rows), result.truncated) == (min(cap, n), truncated)
    assert store.query(ordered, max_rows=2).rows == store.query(ordered + " LIMIT 2").rows
    own = store.query("MATCH (t:Text) RETURN t.id LIMIT 5", max_rows=3)
    assert (len(own.rows), own.truncated) == (3, True)
    assert not store.query("MATCH (t:Text) RETURN t.id LIMIT 3", max_rows=3).truncated
    union = store.query("UNWIND range(1, 5) AS x RETURN x UNION ALL UNWIND range(6, 9) AS x RETURN x", max_rows=7)
    assert ([row[0] for row in union.rows], union.truncated) == ([1, 2, 3, 4, 5, 6, 7], True)
    # Without an end of its own this would never come back.
    endless = store.query(
        "MATCH (a:Text), (b:Text), (c:Text), (d:Text) RETURN a.id, b.id, c.id, d.id", max_rows=10, timeout=20
    )
    assert (len(endless.rows), endless.truncated) == (10, True)


def test_a_query_that_takes_too_long_is_stopped(store: Store) -> None:
    store.write_dataset(numbered_dataset(0, size=2_000))
    started = time.monotonic()
    with pytest.raises(QueryError, match=r"longer than 1 s"):
        store.query("MATCH (a:Text), (b:Text), (c:Text) WHERE a.title + b.title = c.title RETURN count(*)", timeout=1)
    # Far from the hours it would take; a store looks at the clock now and then only.
    assert time.monotonic() - started < 60
    assert store.query("MATCH (t:Text) RETURN count(*)").rows[0][0] > 0


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("RETRUN 1", "line 1, column 1"),
        ("MATCH (s:Skill)\nWHERE s.id =\nRETURN s.name", "line 3, column"),
        ("MATCH (s:Skill {id: 'x', name: 'y'} RETURN s", "line 1, column"),
        ("/* a comment */ MATCH (s:Skill {id: 'x'}) WHERE s.name = 'y' RETRUN s.name", "line 1, column 62"),
        ("MATCH (s:Skill {id: 'x'})\nWHERE s.name = 'é'\n  RETRUN s.name", "line 3, column 3"),
        ("RETURN 'no end", "line 1, column 8"),
        ("MATCH (s:Skill) RETURN s.", "line 1, column"),
        ("MATCH (s:Skill) RETURN", "line 1, column"),
        ("", "empty"),
        ("// only a comment", "empty"),
        ("RETURN nothing", "nothing"),
        ("RETURN noSuchFunction(1)", "(?i)noSuchFunction"),
        ("RETURN $missing", "missing"),
        ("RETURN 1 AS a, 2 AS a", "same name"),
        ("MATCH (s:Skill) SET s.name = 'x'", "writes|changes"),
        ("RETURN 1 / 0", "zero"),
    ],
)
def test_errors_say_where_and_what_in_one_line(filled: Store, statement: str, place: str) -> None:
    with pytest.raises(QueryError) as caught:
        filled.query(statement)
    message = str(caught.value)
    assert re.search(place, message), message
    assert "\n" not in message
    assert "skillgraph_" not in message
    assert "Limit" not in message


def test_bad_arguments_are_refused(filled: Store) -> None:
    for arguments in ({"max_rows": 0}, {"timeout": 0}, {"timeout": -1.0}):
        with pytest.raises(QueryError):
            filled.query("RETURN 1", **arguments)  # type: ignore[arg-type]
    for value in (2**63, object(), {"deep": object()}):
        with pytest.raises(QueryError) as caught:
            filled.query("RETURN $value", {"value": value})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("procedure", sorted(READ_PROCEDURES))
def test_procedures_give_names_as_people_know_them(filled: Store, procedure: str) -> None:
    found = filled.query(f"CALL {procedure}()")
    assert found.rows
    if isinstance(filled, Neo4jStore):
        # Its own indexes and constraints bear the name of this project.
        return
    assert "skillgraph_" not in repr(found.rows)


def test_what_the_store_noticed(filled: Store) -> None:
    result = filled.query("MATCH (s:Skil) RETURN s.name")
    assert result.rows == []
    assert any("Skil" in warning for warning in result.warnings)
    assert filled.query("MATCH (s:Skill) RETURN s.name", max_rows=1).warnings == ()


# The documented schema and queries --------------------------------------------------------------------------

_SCHEMA = (FilePath(__file__).parents[2] / "docs" / "schema.md").read_text("utf-8")


def _documented() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Properties of each label and of each relationship type, from the tables of docs/schema.md."""
    nodes: dict[str, set[str]] = {}
    links: dict[str, set[str]] = {}
    for title, body in re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", _SCHEMA, re.MULTILINE | re.DOTALL):
        properties = set(re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE))
        for label in re.findall(r"`\(:(\w+)\)`", title):
            nodes[label] = properties
        for kind in re.findall(r"`\[:(\w+)\]`", title):
            links[kind] = properties
    return nodes, links


def test_every_label_type_and_property_is_documented(filled: Store) -> None:
    filled.write_layer(
        layer(
            "full",
            {"for": 1},
            base="basis",
            mode="frozen",
            seed=1,
            kind="fine-tuned",
            graph_parts=("base",),
            skills_add=True,
            created_at="2026-01-01T00:00:00+00:00",
        )
    )
    row = {"skill": "sum", "reason": "together", "text": "t4", "novel": 2, "component": 0, "group": 0, "mastery": 0.5}
    row |= {"solve_rate": 0.25, "solve_rate_low": 0.125, "solve_rate_high": 0.5}
    lacks = pa.Table.from_pylist([row], schema=LAYER_LACKS_SCHEMA)
    full = filled.read_layer("d", "full")
    filled.write_layer(Layer(replace(full.info, lacks=1), full.skills, lacks))
    filled.write_associations("d", "full", associations(), rule="any", components=components(**{"for": 0}))
    nodes, links = _documented()
    assert set(nodes) == {"Dataset", "Text", "Skill", "Model", "Layer"}
    assert len(links) == 9
    for label, properties in nodes.items():
        found = {key for (keys,) in filled.query(f"MATCH (n:{label}) RETURN keys(n)").rows for key in keys}
        # `line` is a column of this dataset, `revision` bookkeeping of the store on Neo4j.
        assert found - properties <= {"Text": {"line"}, "Dataset": {"revision"}, "Layer": {"revision"}}.get(
            label, set()
        )
        assert properties - found == set()
    for kind, properties in links.items():
        rows = filled.query(f"MATCH ()-[r:{kind}]->() RETURN keys(r)").rows
        assert rows
        # An evidence layer has masteries and solve rates, an annotated dataset has tags (test_tags.py).
        elsewhere = {"LEARNED": {"mastery", *SOLVE_RATES}, "REQUIRES": set(TAG_COLUMNS)}.get(kind, set())
        assert {key for (keys,) in rows for key in keys} == properties - elsewhere


_EXAMPLES = dict(re.findall(r"^\*\*(.+?)\*\*\n+```cypher\n(.*?)```", _SCHEMA, re.MULTILINE | re.DOTALL))

_EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "Sizes of the datasets": [("d", 4, 5, 8)],
    "Neighbours of a skill in a layer": [("if statement", 2), ("print", 1)],
    "What a fine-tuned layer adds": [("print", 1), ("sum", 2)],
    "Skills by the wave in which they were learned": [(1, ["for loop"]), (2, ["if statement"])],
    "Texts that lack only one skill of a layer": [("t3", "print")],
    "Bridges between classes": [("for loop", "print", 1), ("if statement", "print", 1)],
    "Shortest chain between two skills": [(["if statement", "print", "sum"],)],
    "Skills that no text requires": [("unused",)],
    "Layers that are stale": [],
    "What several models got right": [("base-model", 0.25), ("tuned", 1.0)],
}


def test_documented_queries(filled: Store) -> None:
    assert set(_EXAMPLES) == set(_EXPECTED)
    parameters = {"dataset": "d", "layer": "basis", "tuned": "tuned", "skill": "for", "from": "if", "to": "sum"}
    found = {name: filled.query(text, _used(text, parameters)).rows for name, text in _EXAMPLES.items()}
    assert found == _EXPECTED


def _used(text: str, parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if f"${name}" in text}
