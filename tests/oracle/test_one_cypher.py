"""The embedded store never answers otherwise than Neo4j: random graphs and queries, with a real Neo4j as the oracle.

A query that one side refuses is no difference; what the embedded store refuses is counted, and stays below a share.
Hours of it, with another seed: `just oracle 100000 2`.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from explorer.errors import QueryError
from explorer.store.neo4j.query import plain_value
from explorer.store.opening import open_store
from explorer.store.protocol import Node, Path, Relationship, Store
from tests.oracle.graphs import fill
from tests.oracle.queries import Query, queries
from tests.support.neo4j import RunningNeo4j

pytestmark = pytest.mark.neo4j

_GRAPHS = (1, 2)
_QUERIES = int(os.environ.get("SKILLGRAPH_ORACLE_QUERIES", "200")) // len(_GRAPHS)
_SEED = int(os.environ.get("SKILLGRAPH_ORACLE_SEED", "7"))
_MOST_REFUSED = 0.02


def _plain(value: Any, *, loose: bool) -> Any:
    """A value that can be compared and sorted; of an unordered list, sorted."""
    if isinstance(value, Node | Relationship):
        kind = value.labels if isinstance(value, Node) else value.type
        return type(value).__name__, kind, _plain(dict(value.properties), loose=loose)
    if isinstance(value, Path):
        return "path", _plain(value.nodes, loose=loose), _plain(value.relationships, loose=loose)
    if isinstance(value, dict):
        return "map", tuple(sorted((key, _plain(item, loose=loose)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        items = [_plain(item, loose=loose) for item in value]
        return "list", tuple(sorted(items, key=repr) if loose else items)
    if isinstance(value, float):
        return "float", "nan" if math.isnan(value) else value + 0.0
    return type(value).__name__, value


def _rows(rows: list[tuple[Any, ...]], query: Query) -> list[tuple[Any, ...]]:
    return [tuple(_plain(value, loose=query.loose) for value in row) for row in rows]


def _close(one: Any, other: Any) -> bool:
    """Equal; floats to nine digits, as sums may be taken in any order."""
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and bool(one == other)


def _alike(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> bool:
    """The same rows in any order: a row whose float is rounded otherwise may stand elsewhere when sorted."""
    left = sorted(theirs, key=repr)
    if len(ours) != len(left):
        return False
    for row in sorted(ours, key=repr):
        place = next((i for i, other in enumerate(left) if _close(row, other)), None)
        if place is None:
            return False
        del left[place]
    return True


class _Oracle:
    """The same graph in both stores."""

    def __init__(self, server: RunningNeo4j, driver: Any, embedded: Store) -> None:
        self.server, self.session, self.embedded = server, driver.session(), embedded
        self.counts = Counter[str]()
        self.refused: list[tuple[str, str]] = []

    def agree(self, query: Query) -> None:
        """Ask both, and compare."""
        from neo4j.exceptions import Neo4jError

        refused = ""
        try:
            given = self.embedded.query(query.text, max_rows=100_000, timeout=60)
        except QueryError as error:
            refused = str(error)
        try:
            records = list(self.session.run(query.text))
        except Neo4jError:
            self.counts["refused by Neo4j" + " alone" * (not refused)] += 1
            return
        if refused:
            self.counts["refused"] += 1
            self.refused.append((query.text, refused))
            return
        self.counts["asked"] += 1
        ours = _rows(given.rows, query)
        theirs = _rows([tuple(map(plain_value, record.values())) for record in records], query)
        assert _alike(ours, theirs), (query.text, sorted(ours, key=repr)[:5], sorted(theirs, key=repr)[:5])
        if records:
            assert given.columns == tuple(records[0].keys()), query.text
        order = [[row[place] for place in query.ordered] for row in ours]
        assert _close(order, [[row[place] for place in query.ordered] for row in theirs]), query.text


def test_what_is_alike() -> None:
    third = ("float", 1 / 3)
    assert _alike([(third,), (("int", 1),)], [(("int", 1),), (("float", 1 / 3 + 1e-16),)])
    assert not _alike([(third,), (third,)], [(third,), (("float", 0.3333),)])
    assert not _alike([(("int", 1),)], [(("float", 1.0),)])
    assert not _alike([(third,)], [(third,), (third,)])


@pytest.fixture(params=[_GRAPHS[0], *(pytest.param(graph, marks=pytest.mark.long) for graph in _GRAPHS[1:])])
def oracle(request: pytest.FixtureRequest, neo4j_server: RunningNeo4j, tmp_path: FilePath) -> Iterator[_Oracle]:
    graph = request.param
    neo4j_server.empty()
    with closing(neo4j_server.open()) as store:
        fill(store, graph)
    with closing(open_store(tmp_path / "store.kgl", mode="write")) as embedded, neo4j_server.driver() as driver:
        fill(embedded, graph)
        yield _Oracle(neo4j_server, driver, embedded)


def test_random_queries(oracle: _Oracle) -> None:
    @seed(_SEED)
    @settings(
        max_examples=_QUERIES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(queries())
    def run(query: Query) -> None:
        oracle.agree(query)

    run()
    assert oracle.counts["refused"] <= _MOST_REFUSED * _QUERIES, oracle.refused
    assert oracle.counts["refused by Neo4j alone"] <= _MOST_REFUSED * _QUERIES
    assert oracle.counts["asked"] >= 0.9 * _QUERIES


# What was once answered otherwise, and constructs that the grammar does not reach.
_ALIKE = (
    (
        "MATCH (a:Skill {id: 's0'}), (b:Skill {id: 's4'}) MATCH p = shortestPath((a)-[:ASSOCIATED_WITH*..6]-(b)) "
        "WHERE all(r IN relationships(p) WHERE r.layer = 'tuned' AND r.weight > 1) RETURN length(p) AS length"
    ),
    (
        "MATCH (a:Skill {id: 's0'}), (b:Skill) WHERE a <> b MATCH p = shortestPath((a)-[:ASSOCIATED_WITH*..6]-(b)) "
        "WHERE all(n IN nodes(p) WHERE n.level >= 1) RETURN b.id AS skill, length(p) AS length"
    ),
    (
        "MATCH (a:Skill {id: 's1'}), (b:Skill) WHERE a <> b MATCH p = allShortestPaths((a)-[:ASSOCIATED_WITH*..6]-(b)) "
        "WHERE none(r IN relationships(p) WHERE r.layer = 'tuned') RETURN b.id AS skill, length(p) AS length"
    ),
    (
        "MATCH (s:Skill)<-[r:REQUIRES]-(t:Text) WITH s, r, t ORDER BY r.weight DESC, t.id, s.id "
        "RETURN s.class AS class, collect(t.id)[0..2] AS first, count(*) AS texts"
    ),
    "RETURN [1] + null AS a, null + [1] AS b, [1] + 2 AS c",
    "UNWIND [3] AS x RETURN stDev(x) AS one, stDevP(x) AS whole",
    (
        "UNWIND [1, 2, 3, 4] AS x RETURN percentileDisc(x, 0.5) AS a, percentileCont(x, 0.5) AS b, "
        "percentileCont(x, 1) AS c"
    ),
    "OPTIONAL MATCH (n:Nothing) RETURN NOT (n:Skill) AS known, n:Skill AS is",
    "WITH 2 AS x RETURN 1 < x <= 3 AS a, 1 < x = true AS b, 3 > x > 2 AS c",
    "MATCH (s:Skill) WHERE NOT (COUNT { (s)<-[:REQUIRES]-() } > 2) RETURN s.id AS id",
    "RETURN 3 IN [y IN [1, 2, 3] WHERE y > 2] AS a",
    "WITH [1, 2, 3] AS list RETURN 2 IN list[0..2] AS a, list[null..1] AS b",
    "MATCH (s:Skill&!Text) RETURN count(s) AS n",
    "MATCH (s:!Skill&!SkillgraphStore) RETURN count(s) AS n",
    "RETURN isEmpty('') AS a, isEmpty([]) AS b, isEmpty({}) AS c, nullIf(1, 1) AS d, char_length('abc') AS e, e() AS f",
    (
        "RETURN toString(1e20) AS a, toString(1e-7) AS b, toString(123456.5) AS c, toString(-2.5e-4) AS d, "
        "toString(1e7) AS e"
    ),
    "RETURN 'x' + 1e21 AS a, toString(0.001) AS b, toString(0.0) AS c, toString(123456789.123) AS d",
    "RETURN 1.0 / 0 AS a, -1.0 / 0 AS b, 5.5 % 0 AS c, sqrt(-1) AS d, log(0) AS e, round(-2.5) AS f, round(-0.5) AS g",
    "RETURN toBoolean(' true ') AS a, toFloat(' 1.5 ') AS b, toIntegerList(['1', 'x']) AS c",
    "RETURN duration('P1Y2M3DT4H') AS a, duration({days: 3}) AS b, date('2026-01-31') + duration('P1M') AS c",
    "RETURN duration.inDays(date('2026-01-01'), date('2026-03-01')).days AS a, datetime('2026-01-01T10:00:00Z') AS b",
    "RETURN 'é' =~ '\\\\w' AS a, 'a1' =~ '\\\\w\\\\d' AS b, 'a b' =~ 'a\\\\sb' AS c, 'abc' =~ 'b' AS d",
    "RETURN 0x1F AS a, 0o17 AS b, 1_000 AS c, .5 AS d, +1 AS e, -2 ^ 2 AS f",
    "UNWIND '[1, 2]' AS x RETURN x",
    "MATCH (s:Skill WHERE s.level > 1)<-[:REQUIRES]-(t:Text WHERE t.part = 'base') RETURN s.id AS skill, t.id AS text",
    (
        "MATCH (s:Skill) WITH s, 'name' AS key "
        "RETURN s[key] AS name, s['id'] AS id, [k IN keys(s) WHERE k = 'id' | s[k]] AS ids"
    ),
    "MATCH (m:Model {class: 'nothing of a model'}) RETURN count(m) AS n",
    "MATCH (s:Skill) WITH collect(s.id) AS all UNWIND all AS id RETURN id",
    "MATCH (`all`:Skill) RETURN count(`all`) AS x, count(all(y IN [1] WHERE y > 0)) AS y",
    "WITH [1, 2] AS v RETURN ((2 * 2) - [1, 2][1]) AS a, 3 - [x IN v | x * 2][0] - [1][0] AS b, 5 - v[1] AS c",
    "MATCH (s:Skill) RETURN s.id AS id ORDER BY NOT (s)-[:PART_OF]->(:Skill) DESC, NOT (s)--(:Model) ASC, id",
    (
        "MATCH (s:Skill) RETURN s.id AS id, NOT (s)-[:PART_OF]->(:Skill) AS n "
        "ORDER BY NOT (s)-[:PART_OF]->(:Skill) DESC, id"
    ),
    "WITH 1 AS v RETURN (null + v) * 2 AS a, (v + null) * 2 AS b",
    (
        "MATCH (n:Skill) OPTIONAL MATCH (n)-[:PART_OF]->(m) WITH n, m WHERE NOT (m:Skill) IS NULL OR n:Layer IS NULL "
        "RETURN n.id AS id, (n:Layer) IS NOT NULL AS a, m:Skill IS NULL AS b"
    ),
    *(
        f"MATCH (n:Skill) OPTIONAL MATCH (n)-[:PART_OF]->(m) RETURN n.id AS id, {of}:Layer AS known "
        "ORDER BY CASE WHEN known IS NULL THEN 1 ELSE 0 END, known = true, id DESC LIMIT 3"
        for of in "nm"
    ),
    "UNWIND [2, 1] AS y RETURN y AS `true` ORDER BY `true`",
    "UNWIND [2, 1] AS y WITH y AS `not` RETURN `not` AS x ORDER BY `not`",
    (
        "MATCH (s:Skill) WITH s.class AS class, s.id AS id "
        "ORDER BY class IS NULL, class = 's', size([x IN [1, 2] WHERE id <> 's2']), id DESC LIMIT 5 "
        "RETURN collect(id) AS ids"
    ),
    "MATCH (s:Skill) WITH s.id AS s, s.level AS level ORDER BY -level, s = 's3', s LIMIT 4 RETURN collect(s) AS ids",
    "MATCH (s:Skill) WITH s.class AS class, count(*) AS n ORDER BY count(*) DESC, class LIMIT 2 RETURN class, n",
    (
        "MATCH (s:Skill) WITH s.class AS class, count(*) AS n, count(s.level) AS m "
        "ORDER BY count(s.level) - 2 * count(*), s.class IS NULL DESC, toUpper(s.class) LIMIT 2 RETURN class, n, m"
    ),
    "UNWIND [1, null, 2, 4] AS x RETURN x % 2 AS c, x % 2 AS d, stDevP(x) AS n ORDER BY c IS NULL DESC, d LIMIT 2",
    (
        "UNWIND [1, null, 2, 4] AS x WITH x ORDER BY x DESC RETURN x % 2 AS odd, collect(x) AS found "
        "ORDER BY odd IS NULL DESC, size(found), odd LIMIT 2"
    ),
    "MATCH (s:Skill) WITH DISTINCT s.class AS class ORDER BY size(s.class) DESC, class LIMIT 2 RETURN class",
    *(
        f"MATCH (t:Text)-[:REQUIRES]->(s:Skill) {rest}"
        for rest in (
            "WITH s AS t, count(*) AS n ORDER BY n DESC, s.id DESC LIMIT 3 RETURN t.id, n",
            # One column has the name of a variable that another is made of.
            "WITH s AS t, t AS s, count(*) AS n ORDER BY s.id, t.id LIMIT 4 RETURN t.id, s.id, n",
            "WITH s AS t, t.id AS x, count(*) AS n RETURN t.id, x, n",
            "WITH s AS t, t AS u, s.id AS s, count(*) AS n RETURN t.id, u.id, s, n",
            "RETURN s.id AS t, t.id AS s, count(*) AS n",
            "WITH s AS t, toUpper(t.id) + s.id AS s, collect(t.id) AS n RETURN t.id, s, n",
        )
    ),
    "MATCH (s:Skill) WITH DISTINCT s AS x ORDER BY s.level IS NULL, s.level DESC, s.id LIMIT 3 RETURN x.id",
    "UNWIND [3, 1, 2, 1] AS x RETURN x AS y, count(*) AS n ORDER BY n, -x",
    "UNWIND [3, 1, 2, 1] AS x RETURN x AS y, stDevP(x) AS n ORDER BY x DESC LIMIT 2",
    "MATCH (s:Skill) RETURN s.class AS `a class`, -max(s.level) AS n ORDER BY -max(s.level), `a class` DESC LIMIT 2",
)


@pytest.mark.parametrize("cypher", _ALIKE)
def test_known_queries(known: _Oracle, cypher: str) -> None:
    known.agree(Query(cypher))
    assert known.counts == {"asked": 1}, known.refused


@pytest.fixture
def known(alike: _Oracle) -> _Oracle:
    alike.counts.clear()
    return alike


@pytest.fixture(scope="module")
def alike(neo4j_server: RunningNeo4j, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Oracle]:
    neo4j_server.empty()
    with closing(neo4j_server.open()) as store:
        fill(store, 3)
    path = tmp_path_factory.mktemp("alike") / "store.kgl"
    with closing(open_store(path, mode="write")) as embedded, neo4j_server.driver() as driver:
        fill(embedded, 3)
        yield _Oracle(neo4j_server, driver, embedded)


# Constructs that the embedded store cannot answer as Neo4j does, and what its refusal says to write.
_REFUSED = {
    "RETURN duration.between(date('2026-01-31'), date('2026-03-01')) AS d": "duration.inDays",
    (
        "MATCH p = shortestPath((a:Skill {id: 's0'})-[:ASSOCIATED_WITH*..6]"
        "-(b:Skill {id: 's4'})) WHERE length(p) > 2 RETURN p"
    ): ("WITH p WHERE"),
    (
        "MATCH p = shortestPath((:Skill {id: 's0'})-[:ASSOCIATED_WITH*..6 {layer: 'tuned'}]"
        "-(:Skill {id: 's4'})) RETURN p"
    ): ("all\\(r IN relationships\\(p\\) WHERE"),
    "MATCH (s:Skill) RETURN COLLECT { MATCH (s)<-[:REQUIRES]-(t) RETURN t.id } AS texts": "CALL \\(x\\)",
    "MATCH (a) (()-[:PART_OF]->()){1,2} (b) RETURN a": "\\*1..3",
    "MATCH p = SHORTEST 1 (a)-[:PART_OF]-+(b) RETURN p": "shortestPath",
    "RETURN 1 IS :: INTEGER AS x": "valueType",
    "CALL db.index.fulltext.queryNodes('skillgraph_search', 'loop') YIELD node RETURN node.id": "CONTAINS 'word'",
    "MATCH (s:Skill) RETURN (s)-->() AS x": "EXISTS \\{",
    "RETURN 'a' * 2 AS x": "\\* cannot be used with 'a'",
    "RETURN true AND 1 AS x": "not true or false",
    "RETURN {months: 1, days: 2, seconds: 3} AS x": "rename one of the keys",
    "MATCH (s:Skill) WITH s.name RETURN 1 AS x": "AS",
    # Neo4j refuses these, or reads such a name as a value where it is used.
    "MATCH (all:Skill) RETURN count(all) AS x": "a variable `all` needs backticks",
    "MATCH all = (:Text)-[:REQUIRES]->() RETURN max(length(all)) AS x": "a variable `all` needs backticks",
    "WITH 1 AS distinct RETURN toString(distinct) AS x": "expected a value",
    "UNWIND [2, 1] AS y RETURN y AS null ORDER BY null": "choose another",
    "UNWIND [2, 1] AS y RETURN y AS false ORDER BY false": "choose another",
    "MATCH (true:Skill) RETURN true.id AS x": "choose another",
    "RETURN reduce(true = 0, y IN [1] | true + y) AS x": "choose another",
    "WITH [1] AS not RETURN not[0] AS x": "choose another",
    "WITH 1 AS inf RETURN inf AS x": "choose another",
    "UNWIND [1, 2] AS NaN RETURN max(NaN) AS x": "choose another",
    "MATCH (infinity:Skill) RETURN infinity.id AS x": "choose another",
    "MATCH (s:Skill) WITH s.class AS x, count(*) AS n ORDER BY max(s.level) RETURN x": "make it one with AS",
    "MATCH (s:Skill) RETURN s.id AS x ORDER BY size([x IN [1, 2] WHERE x > 1])": "another name",
    "MATCH (s:Skill) WITH DISTINCT s AS x ORDER BY size([s IN [1] WHERE s > 0]) RETURN x": "another variable otherwise",
}


@pytest.mark.parametrize("cypher", _REFUSED)
def test_what_cannot_be_answered_alike_is_refused_with_the_way_out(alike: _Oracle, cypher: str) -> None:
    with pytest.raises(QueryError, match=_REFUSED[cypher]):
        alike.embedded.query(cypher)
