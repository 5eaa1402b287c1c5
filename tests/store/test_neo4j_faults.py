"""What goes wrong with a server is said in one sentence, without secrets, and mended by trying again."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from explorer.credentials import PASSWORD_VARIABLE, USER_VARIABLE, Credentials
from explorer.errors import NotFoundError, ServerError, StoreError
from explorer.folders import HOME_VARIABLE
from explorer.server import free_port
from explorer.store.neo4j import change as neo4j_change
from explorer.store.neo4j import dataset as neo4j_dataset
from explorer.store.neo4j.change import Change
from explorer.store.neo4j.connection import parse_address
from explorer.store.neo4j.store import Neo4jStore
from loaders.dataset import build_dataset
from tests.store.content import layer, numbered_dataset, small_dataset
from tests.store.test_neo4j_changes import counts, expected_counts, leftovers
from tests.support.neo4j import RunningNeo4j, start_local

SECRET = "correct-horse"


@pytest.fixture(scope="module")
def own_server(neo4j_server: RunningNeo4j, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNeo4j]:
    """The project's own server: that of the session, or one beside it."""
    if neo4j_server.local is not None:
        yield neo4j_server
        return
    with contextlib.ExitStack() as stack:
        try:
            started = start_local(stack, tmp_path_factory.mktemp("own"))
        except ServerError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no server of the project's own here: {error}")
        yield started


@pytest.fixture
def store(server: RunningNeo4j) -> Iterator[Neo4jStore]:
    store = server.open()
    yield store
    store.close()


# Addresses and credentials ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown", "host", "port", "database"),
    [
        ("neo4j://localhost", "neo4j://localhost:7687", "localhost", 7687, None),
        ("bolt://127.0.0.1:7777/skills", "bolt://127.0.0.1:7777/skills", "127.0.0.1", 7777, "skills"),
        ("neo4j+s://db.example.org:443/", "neo4j+s://db.example.org:443", "db.example.org", 443, None),
        ("bolt://[::1]:7687", "bolt://[::1]:7687", "::1", 7687, None),
    ],
)
def test_addresses(url: str, shown: str, host: str, port: int, database: str | None) -> None:
    address = parse_address(url)
    assert (address.url, address.host, address.port, address.database) == (shown, host, port, database)


@pytest.mark.parametrize(
    "url",
    [f"neo4j://neo4j:{SECRET}@localhost:7687", f"bolt://:{SECRET}@localhost", f"bolt://{SECRET}@localhost/db?x=1"],
)
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StoreError, match="set NEO4J_USER and NEO4J_PASSWORD") as caught:
        Neo4jStore(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://localhost:7474", "is not the address of a Neo4j server"),
        ("neo4j://", "is not the address of a Neo4j server"),
        ("neo4j://localhost:notaport", "give neo4j://host:7687"),
        ("neo4j://localhost:99999", "give neo4j://host:7687"),
        ("neo4j://localhost:7687?policy=x", "only /database may follow"),
        ("neo4j://localhost:7687/a/b", "only /database may follow"),
    ],
)
def test_what_is_no_address_is_named(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        parse_address(url)


def test_a_server_that_is_not_there_is_named() -> None:
    port = free_port()
    with pytest.raises(StoreError, match=rf"no Neo4j answers at bolt://127\.0\.0\.1:{port}.*skillgraph server start"):
        Neo4jStore(f"bolt://127.0.0.1:{port}", credentials=Credentials("neo4j", SECRET))


def test_a_server_that_takes_encrypted_connections_only_is_named() -> None:
    """It closes others at once, without a word."""
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        closer = threading.Thread(target=lambda: hang_up(other.accept()[0]))
        closer.start()
        with pytest.raises(StoreError, match=rf"not encrypted: use bolt\+s://127\.0\.0\.1:{port}, or bolt\+ssc://"):
            Neo4jStore(f"bolt://127.0.0.1:{port}", credentials=Credentials("neo4j", SECRET))
        closer.join()


def hang_up(connection: Any) -> None:
    connection.recv(100)
    connection.close()


def test_a_name_that_is_no_host_is_named() -> None:
    with pytest.raises(StoreError, match="there is no host of that name; check the address"):
        Neo4jStore("neo4j+s://no-such-host.invalid", credentials=Credentials("neo4j", SECRET))


def test_a_server_that_does_not_answer_is_told_from_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from neo4j import GraphDatabase

    driver = GraphDatabase.driver
    waits = {"connection_timeout": 0.2, "connection_acquisition_timeout": 0.4}
    monkeypatch.setattr(GraphDatabase, "driver", lambda *given, **named: driver(*given, **{**named, **waits}))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for scheme in ("bolt", "neo4j", "bolt+ssc"):
            with pytest.raises(StoreError, match=rf"{port} takes connections but does not answer: it is overloaded"):
                Neo4jStore(f"{scheme}://127.0.0.1:{port}", credentials=Credentials("neo4j", SECRET))


@pytest.mark.neo4j
def test_a_server_that_does_not_encrypt_is_named(neo4j_server: RunningNeo4j) -> None:
    plain = neo4j_server.url.partition("://")[2]
    for scheme in ("bolt", "neo4j"):
        for ending in ("+s", "+ssc"):
            with pytest.raises(StoreError, match=rf"does not encrypt connections.*: use {scheme}://{plain}$"):
                Neo4jStore(f"{scheme}{ending}://{plain}", credentials=neo4j_server.credentials)


def test_something_else_on_the_port_is_no_server() -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        talker = threading.Thread(target=lambda: other.accept()[0].sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"))
        talker.start()
        with pytest.raises(StoreError, match=rf"127\.0\.0\.1:{port} is a web server, not the port for drivers"):
            Neo4jStore(f"bolt://127.0.0.1:{port}", credentials=Credentials("neo4j", SECRET))
        talker.join()


@pytest.mark.neo4j
def test_a_wrong_password_is_said_without_it(server: RunningNeo4j) -> None:
    with pytest.raises(StoreError, match="refuses the user or the password: set NEO4J_USER") as caught:
        Neo4jStore(server.url, credentials=Credentials("neo4j", SECRET))
    assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"


@pytest.mark.neo4j
def test_a_database_that_is_not_there_is_said(server: RunningNeo4j) -> None:
    with pytest.raises(StoreError, match="there is no such database"):
        Neo4jStore(f"{server.url}/nowhere", credentials=server.credentials).datasets()


@pytest.mark.neo4j
def test_credentials_come_from_the_environment_and_are_not_logged(
    server: RunningNeo4j, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(USER_VARIABLE, server.credentials.user)
    monkeypatch.setenv(PASSWORD_VARIABLE, server.credentials.password)
    with caplog.at_level(logging.DEBUG):
        store = Neo4jStore(server.url)
        store.write_dataset(small_dataset())
        store.close()
    assert len(caplog.records) > 20
    assert server.credentials.password not in caplog.text


@pytest.mark.neo4j
def test_the_local_server_is_known_by_its_address(own_server: RunningNeo4j, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_server.local is not None
    own_server.empty()
    monkeypatch.delenv(USER_VARIABLE, raising=False)
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    monkeypatch.setenv(HOME_VARIABLE, str(own_server.local.home))
    store = Neo4jStore(own_server.url.replace("bolt://127.0.0.1", "neo4j://localhost"))
    assert store.datasets() == ()
    store.close()


# The schema ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.neo4j
def test_the_schema_is_made_by_the_first_write_and_not_by_reading(server: RunningNeo4j) -> None:
    names = "SHOW INDEXES YIELD name WHERE name STARTS WITH 'skillgraph' RETURN name ORDER BY name"
    for (name,) in server.rows("SHOW CONSTRAINTS YIELD name RETURN name"):
        server.rows(f"DROP CONSTRAINT {name} IF EXISTS")
    for (name,) in server.rows(names):
        server.rows(f"DROP INDEX {name} IF EXISTS")
    store = server.open()
    assert store.datasets() == ()
    with pytest.raises(NotFoundError):
        store.read_dataset("d")
    assert server.rows(names) == []
    store.write_dataset(small_dataset())
    made = {name for (name,) in server.rows(names)}
    assert len(made) == len(neo4j_change.SCHEMA) + 3
    lookups = {"skillgraph_text_id", "skillgraph_skill_id", "skillgraph_skill_name"}
    assert lookups <= made
    unique = server.rows("SHOW CONSTRAINTS YIELD labelsOrTypes, properties, type WHERE type = 'UNIQUENESS' RETURN *")
    assert {(labels[0], properties[0]) for labels, properties, _ in unique} >= {
        ("Text", "key"), ("Skill", "key"), ("Model", "key"), ("Layer", "key"), ("Dataset", "name")
    }  # fmt: skip
    found = store.query("CALL db.index.fulltext.queryNodes('skillgraph_search', 'loop') YIELD node RETURN node.id")
    assert found.rows == [("for",)]
    # No index holds an id of any length: a store with a long one does without, for good.
    ids = pa.array(["x" * 60_000])
    rows = pa.table({"text": ids, "skill": ids})
    long = build_dataset("long", texts=pa.table({"id": ids}), skills=pa.table({"id": ids}), requirements=rows)
    for _ in range(2):
        store.write_dataset(long, replace=True)
        assert store.read_dataset("long").equals(long)
        assert {name for (name,) in server.rows(names)} == made - lookups
        store.write_dataset(small_dataset(), replace=True)
    store.close()


@pytest.mark.long
@pytest.mark.neo4j
def test_another_version_of_the_schema_is_refused(server: RunningNeo4j, store: Neo4jStore) -> None:
    store.write_dataset(small_dataset())
    server.rows("MATCH (s:SkillgraphStore) SET s.schema_version = 99")
    with pytest.raises(StoreError, match="was written with version 99 of the graph schema"):
        server.open()
    with pytest.raises(StoreError, match="was written with version 99 of the graph schema"):
        store.delete_dataset("d")
    assert counts(server)["Dataset"] == 1


# What others do to the graph ------------------------------------------------------------------------------------


@pytest.mark.neo4j
def test_version_tells_every_change_and_no_read(server: RunningNeo4j, store: Neo4jStore) -> None:
    store.write_dataset(small_dataset())
    before = store.version
    store.read_dataset("d")
    store.datasets()
    store.query("MATCH (n) RETURN n")
    assert store.version == before
    assert server.open().version == before
    store.write_layer(layer("l", {"for": 1}))
    after = store.version
    assert after != before
    server.rows("MATCH (t:Text {id: 't1'}) SET t.title = 'by hand'")
    assert store.version != after


@pytest.mark.neo4j
def test_texts_and_requirements_added_by_hand_are_read(server: RunningNeo4j, store: Neo4jStore) -> None:
    store.write_dataset(small_dataset())
    server.rows(
        "MATCH (s:Skill {id: 'sum'}) CREATE (:Text {key: 'd/t9', dataset: 'd', id: 't9', title: 'nine'})"
        "-[:REQUIRES {weight: 1.0}]->(s)"
    )
    found = store.read_dataset("d")
    assert found.texts["id"].to_pylist() == ["t1", "t2", "t3", "t4", "t9"]
    assert found.requirements.num_rows == small_dataset().n_requirements + 1


@pytest.mark.neo4j
@pytest.mark.parametrize(
    "damage",
    [
        "MATCH (:Text {id: 't1'})-[r:REQUIRES]->() REMOVE r.weight",
        "MATCH (t:Text {id: 't1'})-[:REQUIRES]->(s) CREATE (t)-[:REQUIRES {weight: 1.0}]->(s)",
        "MATCH (t:Text {id: 't1'}) CREATE (t)-[:REQUIRES {weight: 1.0}]->(:Skill {key: 'other/s', id: 's'})",
        "MATCH (t:Text {id: 't1'}) SET t.line = 'one'",
        "MATCH (t:Text {id: 't1'}) REMOVE t.id",
        "MATCH (d:Dataset) REMOVE d.parts",
    ],
    ids=["weight", "twice", "elsewhere", "type", "id", "node"],
)
def test_a_graph_that_was_changed_by_hand_into_no_dataset_is_refused(
    server: RunningNeo4j, store: Neo4jStore, damage: str
) -> None:
    store.write_dataset(small_dataset())
    server.rows(damage)
    with pytest.raises(StoreError, match=r"load the dataset again|--replace|another program"):
        store.read_dataset("d")


# The server goes away -------------------------------------------------------------------------------------------


def kill(server: RunningNeo4j) -> None:
    assert server.local is not None
    pid = server.local.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while server.local.status().running:
        time.sleep(0.05)


@pytest.fixture
def mortal(own_server: RunningNeo4j, monkeypatch: pytest.MonkeyPatch) -> RunningNeo4j:
    """A server that may be killed, and writes that go in small batches."""
    own_server.empty()
    monkeypatch.setattr(neo4j_change, "SMALL", dict.fromkeys(neo4j_change.SMALL, -1))
    monkeypatch.setattr(neo4j_dataset, "BATCH", 60)
    return own_server


def during_batch(monkeypatch: pytest.MonkeyPatch, number: int, action: Any) -> None:
    original, count = Change.stage, iter(range(1, 10_000))

    def stage(self: Change, *arguments: Any, **parameters: Any) -> int:
        if next(count) == number:
            action()
        return original(self, *arguments, **parameters)

    monkeypatch.setattr(Change, "stage", stage)


@pytest.mark.long
@pytest.mark.neo4j
def test_a_load_waits_for_a_server_that_comes_back(mortal: RunningNeo4j, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is killed in mid-load and started again: the same load finishes, nothing lost or doubled."""
    assert mortal.local is not None
    local = mortal.local
    store = mortal.open(retry_seconds=300.0)
    starting = threading.Thread(target=lambda: local.start(attached=True))

    def crash() -> None:
        kill(mortal)
        starting.start()

    during_batch(monkeypatch, 5, crash)
    store.write_dataset(numbered_dataset(1, 80))
    starting.join()
    assert store.read_dataset("numbered").equals(numbered_dataset(1, 80))
    assert counts(mortal) == expected_counts(1)
    assert leftovers(mortal) == {}
    store.close()


@pytest.mark.neo4j
@pytest.mark.long
def test_a_load_that_gave_up_is_finished_by_loading_again(
    mortal: RunningNeo4j, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mortal.local is not None
    store = mortal.open(retry_seconds=0.5)
    store.write_dataset(numbered_dataset(1, 80))
    during_batch(monkeypatch, 5, lambda: kill(mortal))
    with pytest.raises(StoreError, match=r"no Neo4j answers at .* and try again; its data are unharmed"):
        store.write_dataset(numbered_dataset(2, 80), replace=True)
    with pytest.raises(StoreError, match="no Neo4j answers"):
        store.datasets()
    with pytest.raises(StoreError, match="no Neo4j answers"):
        store.query("RETURN 1")
    mortal.local.start(attached=True)
    assert leftovers(mortal)
    assert store.read_dataset("numbered").equals(numbered_dataset(1, 80))
    store.write_dataset(numbered_dataset(2, 80), replace=True)
    assert store.read_dataset("numbered").equals(numbered_dataset(2, 80))
    assert counts(mortal) == expected_counts(2)
    assert leftovers(mortal) == {}
    store.close()


@pytest.mark.neo4j
def test_too_little_memory_changes_nothing_and_says_what_to_do(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neo4j import Session
    from neo4j.exceptions import TransientError

    store.write_dataset(small_dataset())
    before = counts(server)

    def execute_write(*_: Any, **__: Any) -> Any:
        raise TransientError._hydrate_neo4j(
            code="Neo.TransientError.General.MemoryPoolOutOfMemoryError", message="full"
        )

    with monkeypatch.context() as patch:
        patch.setattr(Session, "execute_write", execute_write)
        with pytest.raises(StoreError, match=r"too little memory.*larger heap.*neo4j-admin"):
            store.delete_dataset("d")
    assert counts(server) == before


@pytest.mark.neo4j
def test_a_dataset_of_others_is_left_alone(server: RunningNeo4j, store: Neo4jStore) -> None:
    """Labels that another program uses too."""
    server.rows("CREATE (:Dataset {title: 'theirs'}), (:Layer {depth: 3}), (:Text {body: 'x'})-[:REQUIRES]->(:Skill)")
    before = counts(server)
    assert store.datasets() == ()
    assert store.layers() == ()
    store.write_dataset(
        build_dataset(
            "mine",
            texts=pa.table({"id": ["t"]}),
            skills=pa.table({"id": ["s"]}),
            requirements=pa.table({"text": ["t"], "skill": ["s"]}),
        )
    )
    assert store.read_dataset("mine").n_requirements == 1
    store.delete_dataset("mine")
    assert counts(server) == before
