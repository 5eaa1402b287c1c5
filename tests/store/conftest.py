"""A store of each kind, empty, for every test that asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from explorer.store.opening import open_store as open_any
from explorer.store.protocol import Store
from tests.support.neo4j import RunningNeo4j

Open = Callable[..., Store]


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same store, empty at first, as often as called; `mode` is `write` unless given."""
    opened: list[Store] = []
    if request.param == "neo4j":
        server = request.getfixturevalue("neo4j_server")
        server.empty()

        def opening(mode: str = "write") -> Store:
            opened.append(server.open())
            return opened[-1]
    else:

        def opening(mode: str = "write") -> Store:
            opened.append(open_any(tmp_path / "store.kgl", mode=mode))  # type: ignore[arg-type]
            return opened[-1]

    yield opening
    for store in opened:
        store.close()


@pytest.fixture
def server(neo4j_server: RunningNeo4j) -> RunningNeo4j:
    """The session's Neo4j, emptied."""
    neo4j_server.empty()
    return neo4j_server


@pytest.fixture
def store(open_store: Open) -> Store:
    """An empty store, open for writing."""
    return open_store()
