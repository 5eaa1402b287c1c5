"""Queries of the embedded store are bounded in memory and time, and who asked goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.errors import QueryError, SkillgraphError
from explorer.store.embedded.bounded import memory_limit
from explorer.store.embedded.store import EmbeddedStore
from tests.store.content import small_dataset


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    path = tmp_path_factory.mktemp("bounded") / "store.kgl"
    written = EmbeddedStore(path, mode="write")
    written.write_dataset(small_dataset())
    written.close()
    store = EmbeddedStore(path, mode="read")
    yield store
    store.close()


def _ask(store: EmbeddedStore, cypher: str, *, timeout: float = 30.0, memory: float = 0.25) -> list[tuple[object, ...]]:
    return list(store.query_in_child(cypher, {"n": 2}, max_rows=10, timeout=timeout, memory=memory).rows)


def test_a_child_answers_as_this_process_does(store: EmbeddedStore) -> None:
    cypher = "MATCH p = (t:Text)-[r:REQUIRES]->(s:Skill) RETURN p, r, s {.*}, $n AS n ORDER BY t.id, s.id"
    assert _ask(store, cypher) == list(store.query(cypher, {"n": 2}).rows)[:10]


# Values that double, and lists that are many times as long as what they are made from.
_ATTACKS = (
    "RETURN size(reduce(s = 'ab', x IN range(1, 40) | s + s)) AS x",
    "RETURN size(reduce(l = [1, 2], x IN range(1, 40) | l + l)) AS x",
    "RETURN size(replace(reduce(s = 'a', x IN range(1, 24) | s + s), 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')) AS x",
    "RETURN size(split(reduce(s = 'a', x IN range(1, 26) | s + s), '')) AS x",
    "UNWIND range(1, 3000) AS a UNWIND range(1, 3000) AS b WITH collect([a, b]) AS l RETURN size(l) AS n",
)


@pytest.mark.parametrize(
    "cypher", [attack if attack == _ATTACKS[0] else pytest.param(attack, marks=pytest.mark.long) for attack in _ATTACKS]
)
def test_a_query_that_wants_all_memory_ends_by_itself_alone(store: EmbeddedStore, cypher: str) -> None:
    with pytest.raises(QueryError) as caught:
        _ask(store, cypher)
    assert "\n" not in str(caught.value)
    if cypher == _ATTACKS[0]:
        assert re.search(r"0\.25 GiB.*--memory", str(caught.value))
    assert _ask(store, "RETURN 1 AS x") == [(1,)]


def test_an_expression_that_spins_is_ended(store: EmbeddedStore) -> None:
    # a long text copied again and again: much work, few list items, so that no other limit ends it first
    spinning = "RETURN size(reduce(s = '', x IN range(1, 400000) | substring(s + 'abcdefgh' + toString(x), 0))) AS x"
    with pytest.raises(QueryError, match=r"longer than 0\.3 s"):
        _ask(store, spinning, timeout=0.3)


def test_refusals_and_faults_are_told_as_ever(store: EmbeddedStore, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="may only read"):
        _ask(store, "CREATE (n)")
    with pytest.raises(QueryError, match="line 1, column"):
        _ask(store, "RETURN nothing(1) AS")
    with pytest.raises(SkillgraphError, match="gone"):
        EmbeddedStore(tmp_path / "gone.kgl", mode="read").query_in_child(
            "RETURN 1 AS x", max_rows=1, timeout=5, memory=1
        )


def test_the_limit_is_taken_back() -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits of memory")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with memory_limit(0.5):
        assert resource.getrlimit(resource.RLIMIT_AS) != before
        with pytest.raises(MemoryError):
            bytearray(2**30)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
