"""What a user may ask a Neo4j server: what is refused and by which guard, what ends, what is seen of others' writes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from explorer.errors import QueryError
from explorer.store.neo4j import query as neo4j_query
from explorer.store.neo4j.change import READ_ATTEMPTS
from explorer.store.neo4j.store import Neo4jStore
from tests.store.content import numbered_dataset, numbered_layer, small_dataset
from tests.store.test_neo4j_changes import counts
from tests.support.neo4j import RunningNeo4j

pytestmark = pytest.mark.neo4j


@pytest.fixture
def store(server: RunningNeo4j) -> Iterator[Neo4jStore]:
    store = server.open()
    yield store
    store.close()


# What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cypher",
    [
        "MATCH (n:Text) RETURN [x IN [1] | COLLECT { LOAD CSV FROM 'file:///x' AS l RETURN l }]",
        "RETURN [x IN [1] | COLLECT { CALL dbms.listConfig() YIELD name RETURN name }]",
        "RETURN CASE WHEN true THEN COUNT { CALL dbms.queryJmx('*:*') YIELD name RETURN name } END",
        "MATCH (n) CALL { WITH n CALL tx.setMetaData({a: 1}) RETURN 1 AS x } RETURN x",
        "CALL db.createLabel('New')",
        "CALL db.create.setNodeVectorProperty(null, 'a', [1.0])",
        "CALL dbms.killConnections(['bolt-1'])",
        "CALL db.clearQueryCaches()",
        "UNWIND [1] AS x CALL (x) { RETURN x AS y } IN TRANSACTIONS RETURN y",
        "UNWIND [1] AS x CALL (x) { RETURN x AS y } IN 2 CONCURRENT TRANSACTIONS RETURN y",
        "RETURN [x IN [1] | COLLECT { CALL { MATCH (n) RETURN 1 AS q } IN TRANSACTIONS RETURN q }]",
        "CYPHER 5 CREATE (:New)",
        "CYPHER runtime=slotted MATCH (n) DETACH DELETE n",
        "USE system SHOW USERS",
        "USE neo4j CREATE (:New)",
        "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t YIELD message RETURN message",
        "PROFILE CREATE (:New)",
        "EXPLAIN CREATE (:New)",
        "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
        "ENABLE SERVER 'x'",
        "START DATABASE neo4j",
        "RETURN 1 UNION CALL dbms.info() YIELD id RETURN id",
        "\\u0043REATE (:New)",
        "INSERT (:New)",
    ],
)
def test_what_only_neo4j_has_is_refused_too(server: RunningNeo4j, store: Neo4jStore, cypher: str) -> None:
    store.write_dataset(small_dataset())
    before = counts(server)
    with pytest.raises(QueryError):
        store.query(cypher)
    assert counts(server) == before


# The words of these are not known before the server has read them: only its plan tells what they do.
_ESCAPED = {
    "procedure": "RETURN 1 AS x UNION C\\u0041LL dbms.listConfig() YIELD name RETURN 1 AS x",
    "procedure in a subquery": "CALL { C\\u0041LL dbms.listConfig() YIELD name RETURN name } RETURN name",
    "procedure in an expression": (
        "RETURN [x IN [1] | COLLECT { C\\u0041LL dbms.listConfig() YIELD name RETURN name }] AS names"
    ),
    "file": "RETURN 1 AS l UNION LO\\u0041D CSV FROM 'file:///x' AS l RETURN l",
    "file in a subquery": "CALL { LO\\u0041D CSV FROM 'file:///x' AS l RETURN l } RETURN l",
    "file in an expression": "RETURN [x IN [1] | COLLECT { LO\\u0041D CSV FROM 'file:///x' AS l RETURN l }] AS l",
    "file in a string that ends": r"RETURN '\u0027 AS x UNION LOAD CSV FROM \u0027file:///x' AS x RETURN x",
    "transactions in an expression": (
        "RETURN [x IN [1] | COLLECT { CALL { MATCH (n) RETURN 1 AS q } IN TR\\u0041NSACTIONS RETURN q }] AS l"
    ),
    "write": "MATCH (n) CRE\\u0041TE (:New)",
}


@pytest.mark.parametrize("cypher", _ESCAPED.values(), ids=_ESCAPED)
def test_the_plan_refuses_what_the_words_do_not_show(server: RunningNeo4j, store: Neo4jStore, cypher: str) -> None:
    store.write_dataset(small_dataset())
    before = counts(server)
    with pytest.raises(QueryError, match="this query is refused"):
        store.query(cypher)
    assert counts(server) == before


def without(monkeypatch: pytest.MonkeyPatch, *guards: str) -> None:
    """Take guards away: `words`, `plan`, `type`, `operators`, `procedures`."""
    check_plan = neo4j_query.check_plan
    if "words" in guards:
        monkeypatch.setattr(neo4j_query, "check_read_only", lambda *_, **__: None)
    if "plan" in guards:
        monkeypatch.setattr(neo4j_query, "check_plan", lambda *_: None)
    if "type" in guards:
        monkeypatch.setattr(neo4j_query, "check_plan", lambda plan, _: check_plan(plan, "r"))
    if "operators" in guards:
        monkeypatch.setattr(neo4j_query, "_REFUSED_OPERATORS", ())
    if "procedures" in guards:
        monkeypatch.setattr(neo4j_query, "_CALL", re.compile("(?!)"))
        monkeypatch.setattr(neo4j_query, "ALLOWED_PROCEDURES", AnyName())


class AnyName(frozenset[str]):
    """A list that has every name."""

    def __contains__(self, name: object) -> bool:
        return True


@pytest.mark.parametrize(
    ("guard", "cypher", "gone", "said"),
    [
        ("words", "CREATE (:New)", ("plan",), "CREATE changes the store"),
        ("session", "CREATE (:New)", ("words", "plan"), "(?i)writ|access mode"),
        ("type", "CREATE (:New)", ("words", "operators", "procedures"), "it writes"),
        ("operators", "LOAD CSV FROM 'file:///x' AS l RETURN l", ("words", "type", "procedures"), "LOAD CSV reads"),
        ("operators", "SHOW SETTINGS YIELD name", ("words", "type", "procedures"), "SHOW reports on the server"),
        ("procedures", "CALL dbms.listConfig() YIELD name RETURN name", ("words", "type", "operators"), "procedure"),
    ],
    ids=["words", "session", "type", "operators, file", "operators, settings", "procedures"],
)
def test_each_guard_refuses_by_itself(
    server: RunningNeo4j,
    store: Neo4jStore,
    monkeypatch: pytest.MonkeyPatch,
    guard: str,
    cypher: str,
    gone: tuple[str, ...],
    said: str,
) -> None:
    """With the others away; what it refuses is shown to be its doing by what the message says."""
    without(monkeypatch, *gone)
    with pytest.raises(QueryError, match=said):
        store.query(cypher)
    assert counts(server) == {}


def test_without_the_guards_the_server_shows_its_settings(store: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the guards are for: the session for reading does not refuse these."""
    without(monkeypatch, "words", "plan")
    assert store.query("SHOW SETTINGS YIELD name RETURN name").rows
    assert store.query("CALL dbms.listConfig() YIELD name RETURN name").rows


def test_functions_of_plug_ins_are_refused(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plug-in is installed here: a built-in function stands for one."""
    everything = "SHOW FUNCTIONS YIELD name WHERE name = 'datetime.realtime' RETURN collect(name)"
    monkeypatch.setattr(neo4j_query, "_FUNCTIONS", everything)
    assert store.query("RETURN toUpper('a') AS a").rows == [("A",)]
    assert store.query("RETURN 'datetime.realtime()' AS a // datetime.realtime()").rows == [("datetime.realtime()",)]
    for cypher in (
        "RETURN datetime.realtime()",
        "RETURN DateTime /* x */ . `realtime` ()",
        "RETURN '//' AS x, datetime.realtime() AS y",
        "RETURN '/*' AS x, datetime.realtime() AS y, '*/' AS z",
        'RETURN "\\"/*" AS x, datetime.realtime() AS y // */',
        "RETURN 1 AS x // a\r, datetime.realtime() AS y",
        "RETURN 1 AS x /* ' */, datetime.realtime() AS y /* ' */",
        "WITH 1 AS `'` RETURN datetime.realtime() AS y, `'`",
    ):
        with pytest.raises(QueryError, match=r"datetime\.realtime belongs to a plug-in"):
            store.query(cypher)
    for cypher in (
        r"RETURN datetime.re\u0061ltime() AS y",
        r"RETURN '\u0027 AS x, datetime.realtime() AS y //'",
        "RETURN 1 AS x // \\u000a, datetime.realtime() AS y",
        r"RETURN 1 AS x /* \u002a/, datetime.realtime() AS y /* */",
    ):
        with pytest.raises(QueryError, match="could hide one of their functions"):
            store.query(cypher)


def test_a_query_for_ever_is_ended_and_the_store_goes_on(store: Neo4jStore) -> None:
    with pytest.raises(QueryError, match=r"took longer than 0\.5 s"):
        store.query("UNWIND range(1, 10000000000) AS x RETURN count(x)", timeout=0.5)
    assert store.query("RETURN 1 AS one").rows == [(1,)]


@pytest.mark.long
def test_one_long_expression_is_not_waited_for(
    server: RunningNeo4j, store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends nothing in the middle of an expression; the one who asks is told in time all the same."""
    monkeypatch.setattr(neo4j_query, "_GRACE_SECONDS", 0.1)
    others = "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery STARTS WITH 'RETURN reduce' RETURN count(*)"
    expression = "RETURN reduce(s = 0, x IN range(1, $many) | s + x) AS s"
    store.query(expression, {"many": 2})  # planned, so that the time goes into running it
    with pytest.raises(QueryError, match=r"took longer than 0\.8 s"):
        store.query(expression, {"many": 40_000_000}, timeout=0.8)
    assert server.rows(others) == [(1,)]
    assert store.query("RETURN 1 AS one").rows == [(1,)]
    while server.rows(others) != [(0,)]:
        time.sleep(0.2)


def test_planning_has_the_time_limit_too(store: Neo4jStore) -> None:
    clique = ", ".join(f"(n{i})--(n{j})" for i in range(9) for j in range(i))
    with pytest.raises(QueryError, match=r"took longer than 0\.5 s"):
        store.query(f"MATCH {clique} RETURN 1", timeout=0.5)


def test_values_that_only_neo4j_has_are_plain(store: Neo4jStore) -> None:
    result = store.query(
        "RETURN date('2026-01-31') AS day, duration('P1M') AS span, point({x: 1, y: 2}) AS point, "
        "datetime('2026-01-31T12:00:00Z') AS time, {a: [localtime('12:00:00')]} AS map"
    )
    assert result.columns == ("day", "span", "point", "time", "map")
    assert result.rows == [("2026-01-31", "P1M", [1.0, 2.0], "2026-01-31T12:00:00+00:00", {"a": ["12:00:00"]})]


def test_a_slip_of_the_pen_is_a_warning(store: Neo4jStore, capfd: pytest.CaptureFixture[str]) -> None:
    store.write_dataset(small_dataset())
    result = store.query("MATCH (s:Skil) RETURN s.nam")
    assert len(result.warnings) == 2
    assert "Skil" in result.warnings[0]
    assert "nam" in result.warnings[1]
    assert store.query("MATCH (s:Skill) RETURN s.name").warnings == ()
    assert capfd.readouterr().err == ""


def test_bytes_in_the_graph_are_shown(server: RunningNeo4j, store: Neo4jStore) -> None:
    server.rows("CREATE (:Skill {key: 'k', b: $b})", b=b"\x00\xff")
    assert store.query("MATCH (s:Skill) RETURN s.b AS b").rows == [("00ff",)]


# What is seen of others' writes ------------------------------------------------------------------------------------

_LAYER = "MATCH (l:Layer {name: 'layer'})-[:LEARNED]->(s:Skill) RETURN l.parameters AS parameters, count(s) AS skills"


@pytest.fixture
def published(server: RunningNeo4j, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], list[int]]]:
    """Publishes a layer during each of the first so many reads; gives a list of those that were published."""
    other, fetched, numbers = server.open(), neo4j_query._fetched, list[int]()
    other.write_dataset(numbered_dataset(0, 80))
    other.write_layer(numbered_layer(0, 80))

    def install(times: int) -> list[int]:
        def fetch(*arguments: Any) -> Any:
            found = fetched(*arguments)
            if len(numbers) < times:
                numbers.append(len(numbers) + 1)
                other.write_layer(numbered_layer(numbers[-1], 80))
            return found

        monkeypatch.setattr(neo4j_query, "_fetched", fetch)
        return numbers

    yield install
    other.close()


def test_a_query_during_which_something_is_published_is_run_again(store: Neo4jStore, published: Any) -> None:
    numbers = published(2)
    result = store.query(_LAYER)
    assert numbers == [1, 2]
    assert result.rows == [('{"number": 2}', numbered_layer(2, 80).skills.num_rows)]
    assert result.warnings == ()


def test_a_query_that_never_has_a_quiet_moment_says_so(store: Neo4jStore, published: Any) -> None:
    numbers = published(100)
    result = store.query(_LAYER)
    assert len(numbers) == READ_ATTEMPTS
    assert len(result.rows) == 1
    assert ["other users changed the store" in text for text in result.warnings] == [True]


def test_an_error_of_a_quiet_moment_is_an_error(store: Neo4jStore, published: Any) -> None:
    numbers = published(100)
    with pytest.raises(QueryError, match="by zero"):
        store.query("RETURN 1 / 0 AS x")
    assert numbers == []
