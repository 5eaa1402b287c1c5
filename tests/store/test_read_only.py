"""A query reads the graph and nothing else: every attempt to write, to read files or to look further is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import QueryError
from explorer.store.cypher_guard import READ_PROCEDURES
from explorer.store.neo4j.query import ALLOWED_PROCEDURES
from explorer.store.protocol import Store
from tests.store.content import associations, components, layer, small_dataset

_ATTEMPTS = {
    # Writing
    "create": "CREATE (:Skill {id: 'x', key: 'd/x', dataset: 'd'})",
    "create, return": "CREATE (n:Skill {key: 'd/y'}) RETURN n",
    "create relationship": "MATCH (a:Skill), (b:Skill) CREATE (a)-[:PART_OF]->(b)",
    "merge": "MERGE (:Skill {key: 'd/z'})",
    "merge, set": "MERGE (s:Skill {key: 'd/for'}) ON MATCH SET s.name = 'changed' RETURN s",
    "set": "MATCH (s:Skill) SET s.name = 'changed'",
    "set, return": "MATCH (s:Skill) SET s.name = 'changed' RETURN s.name",
    "set all": "MATCH (s:Skill) SET s = {key: 'd/for'}",
    "set more": "MATCH (s:Skill) SET s += {name: 'changed'}",
    "set label": "MATCH (s:Skill) SET s:Text",
    "set on a relationship": "MATCH ()-[r:REQUIRES]->() SET r.weight = 0.0",
    "remove property": "MATCH (s:Skill) REMOVE s.name",
    "remove label": "MATCH (s:Skill) REMOVE s:Skill",
    "delete": "MATCH ()-[r]->() DELETE r",
    "detach delete": "MATCH (n) DETACH DELETE n",
    "delete, return": "MATCH (n:Layer) DETACH DELETE n RETURN count(*)",
    "nodetach delete": "MATCH (m:Model) NODETACH DELETE m",
    "foreach": "FOREACH (x IN [1, 2] | CREATE (:Skill {key: 'd/' + toString(x)}))",
    "foreach on matches": "MATCH (s:Skill) WITH collect(s) AS all FOREACH (s IN all | SET s.name = 'changed')",
    "unwind, create": "UNWIND range(1, 10) AS x CREATE (:Skill {key: toString(x)})",
    "create in a subquery": "CALL { CREATE (n:Skill {key: 'd/q'}) RETURN n } RETURN n",
    "create in a subquery with scope": "MATCH (t:Text) CALL (t) { CREATE (n:Skill {key: t.key}) } RETURN count(*)",
    "delete in a subquery": "MATCH (n) CALL { WITH n DETACH DELETE n } RETURN count(*)",
    "in transactions": "MATCH (n) CALL { WITH n DETACH DELETE n } IN TRANSACTIONS OF 1 ROWS",
    "in transactions, from rows": "CALL { MATCH (n) DETACH DELETE n } IN TRANSACTIONS",
    "create after union": "RETURN 1 AS x UNION CREATE (n:Skill) RETURN 1 AS x",
    "insert": "INSERT (:Skill {key: 'd/i'})",
    # Schema
    "create index": "CREATE INDEX attempt FOR (s:Skill) ON (s.class)",
    "create constraint": "CREATE CONSTRAINT attempt FOR (s:Skill) REQUIRE s.name IS UNIQUE",
    "drop index": "DROP INDEX attempt IF EXISTS",
    "drop constraint": "DROP CONSTRAINT attempt IF EXISTS",
    # Disguises
    "mixed case": "mAtCh (s:Skill) sEt s.name = 'changed'",
    "comment between": "MATCH (s:Skill) /* nothing */ SET/**/s.name = 'changed'",
    "comment before": "// MATCH (s) RETURN s\nCREATE (:Skill)",
    "comment that ends": "MATCH (s:Skill) RETURN s // a comment\nUNION CREATE (s:Skill) RETURN s",
    "string that looks like a comment": "MATCH (s:Skill) WHERE s.name <> '/*' SET s.name = '*/' RETURN s",
    "string that looks like an end": r"MATCH (s:Skill) WHERE s.name <> '\'' DETACH DELETE s //'",
    "backticks": "MATCH (`RETURN`:`Skill`) SET `RETURN`.`name` = 'changed'",
    "line breaks": "MATCH\n(s:Skill)\nDETACH\nDELETE\ns",
    "unicode escape": "\\u0043REATE (:Skill)",
    "explain": "EXPLAIN CREATE (:Skill)",
    "profile": "PROFILE CREATE (:Skill {key: 'd/p'}) RETURN 1",
    "profile of a read": "PROFILE MATCH (s:Skill) RETURN s",
    "second statement": "RETURN 1; CREATE (:Skill)",
    "second statement on a line of its own": "MATCH (s) RETURN s\n;\nMATCH (s) DETACH DELETE s;",
    "version before": "CYPHER 5 CREATE (:Skill)",
    "newer version before": "CYPHER 25 CREATE (:Skill)",
    "version before a file": "CYPHER 25 LOAD CSV FROM $file AS row RETURN row",
    "version before a hidden write": "cypher 25\nMATCH (s:Skill) CALL (s) { SET s.name = 'changed' } RETURN s",
    "version before a version": "CYPHER 5 CYPHER 25 CREATE (:Skill)",
    "runtime before": "CYPHER runtime=slotted MATCH (n) DETACH DELETE n",
    # Files and addresses
    "load csv": "LOAD CSV FROM $file AS row RETURN row",
    "load csv with headers": "LOAD CSV WITH HEADERS FROM $file AS row RETURN row",
    "load csv, lower case": "load csv from $file as row return row",
    "load csv of a path": "LOAD CSV FROM '{path}' AS row RETURN row",
    "load csv over http": "LOAD CSV FROM 'http://127.0.0.1:1/x.csv' AS row RETURN row",
    "load csv in backticks": "`LOAD` `CSV` FROM $file AS row RETURN row",
    "load csv over lines": "LOAD // and\nCSV FROM $file AS row RETURN row",
    "load csv with a comment": "LOAD /* and */ CSV FROM $file AS row RETURN row",
    "load csv after union": "RETURN 1 AS row UNION ALL LOAD CSV FROM $file AS row RETURN row",
    "load csv in a subquery": "CALL { LOAD CSV FROM $file AS row RETURN row } RETURN row",
    "load csv in an expression": "RETURN COLLECT { LOAD CSV FROM $file AS row RETURN row } AS rows",
    "load csv in a test": "MATCH (s:Skill) WHERE EXISTS { LOAD CSV FROM $file AS row RETURN row } RETURN s",
    "load csv in a list": "RETURN [x IN [1] | COLLECT { LOAD CSV FROM $file AS row RETURN row }] AS rows",
    "load csv, then write": "LOAD CSV FROM $file AS row CREATE (:Skill {key: row[0]})",
    "load csv explained": "EXPLAIN LOAD CSV FROM $file AS row RETURN row",
    "apoc": "CALL apoc.load.csv($file)",
    "apoc function": "RETURN apoc.cypher.runFirstColumnSingle('CREATE (:Skill) RETURN 1', {})",
    "export": "CALL apoc.export.csv.all('/tmp/all.csv', {})",
    # The server, other procedures
    "show settings": "SHOW SETTINGS",
    "show users": "SHOW USERS",
    "show databases": "SHOW DATABASES",
    "show indexes": "SHOW INDEXES",
    "show procedures": "SHOW PROCEDURES",
    "show transactions": "SHOW TRANSACTIONS",
    "terminate": "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
    "config": "CALL dbms.listConfig()",
    "config, mixed case and backticks": "CALL `dbms`.`listConfig`() YIELD name RETURN name",
    "procedures": "CALL dbms.procedures()",
    "procedure in a subquery": "CALL { CALL dbms.listConfig() YIELD name RETURN name } RETURN name",
    "procedure in an expression": "RETURN COLLECT { CALL dbms.listConfig() YIELD name RETURN name } AS names",
    "index procedure": "CALL db.clearQueryCaches()",
    "await index": "CALL db.awaitIndexes(1)",
    "create label": "CALL db.createLabel('Attempt')",
    "create property": "CALL db.createProperty('attempt')",
    "change capture": "CALL db.cdc.enable()",
    "text index": "CALL db.text_index.build({type: 'Skill', text_column: 'name'})",
    "embeddings": "CALL db.node_embeddings.set({type: 'Skill', entries: []}) YIELD stored RETURN stored",
    "table": "CALL table.upsert({})",
    "source control": "CALL rev_diff({path: '.'})",
    "create user": "CREATE USER attempt SET PASSWORD 'attempt-attempt'",
    "alter user": "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'attempt-attempt'",
    "create database": "CREATE DATABASE attempt",
    "another database": "USE system SHOW USERS",
    "begin": "BEGIN",
    "output format": "MATCH (s:Skill) RETURN s.name FORMAT CSV",
}


def _state(store: Store) -> Any:
    """All nodes and relationships, as the store's own readers and as a query see them."""
    nodes = store.query("MATCH (n) RETURN labels(n) AS l, properties(n) AS p", max_rows=10_000).rows
    links = "MATCH (a)-[r]->(b) RETURN type(r), properties(r), properties(a), properties(b)"
    return (
        sorted(map(repr, nodes)),
        sorted(map(repr, store.query(links, max_rows=10_000).rows)),
        store.version,
        store.datasets(),
        store.layers(),
    )


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with something of every kind."""
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1, "if": 1}))
    store.write_associations(
        "d", "l", associations(("for", "if", 1)), rule="any", components=components(**{"for": 0, "if": 0})
    )
    return store


def test_attempts_are_refused_and_change_nothing(filled: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("secret,file\n")
    before = _state(filled)
    let_through, messages = {}, []
    for name, attempt in _ATTEMPTS.items():
        statement = attempt.replace("{path}", secret.as_posix())
        try:
            let_through[name] = filled.query(statement, {"file": secret.as_uri()}, timeout=10).rows
        except QueryError as error:
            messages.append(str(error).replace(secret.as_posix(), ""))
    assert not let_through
    assert _state(filled) == before
    assert secret.read_text() == "secret,file\n"
    assert all(message.strip() and "\n" not in message and "secret" not in message for message in messages)


_READS = {
    "RETURN 1 AS one": [(1,)],
    "MATCH (s:Skill {id: 'for'}) RETURN s.name": [("for loop",)],
    "match (s:Skill) where s.id = 'for' return s.name;": [("for loop",)],
    "MATCH (s:Skill) /* LOAD CSV */ WHERE s.name <> 'LOAD CSV' // CREATE\nRETURN count(*) AS n": [(5,)],
    "WITH 'CREATE (n) DELETE n; SHOW USERS' AS text RETURN text": [("CREATE (n) DELETE n; SHOW USERS",)],
    "MATCH (t:Text) WHERE t.title IN ['load', 'csv', 'two'] RETURN t.id": [("t2",)],
    "MATCH (s:Skill {id: 'for'}) RETURN s.created AS created, s.`delete` AS `set`": [(None, None)],
    "CALL { MATCH (s:Skill) RETURN count(s) AS n } RETURN n": [(5,)],
    "CALL db.labels() YIELD label WHERE label = 'Skill' RETURN label": [("Skill",)],
    "OPTIONAL MATCH (x:Nothing) RETURN x": [(None,)],
    "RETURN 1 AS x UNION ALL RETURN 2 AS x": [(1,), (2,)],
}


def test_what_only_reads_is_let_through(filled: Store) -> None:
    assert {text: list(filled.query(text).rows) for text in _READS} == _READS


def test_the_page_names_the_procedures_that_may_be_called() -> None:
    page = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")
    sentence = page[page.index("calls a procedure other than") :].partition("\n\n")[0]
    everywhere, on_neo4j = (set(re.findall(r"`(db\.[\w.]+)`", part)) for part in sentence.split("on Neo4j also"))
    assert everywhere == READ_PROCEDURES
    assert everywhere | on_neo4j == ALLOWED_PROCEDURES
