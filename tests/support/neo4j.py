"""A real Neo4j for tests, once per session: the fixture `neo4j_server` of tests/conftest.py.

`NEO4J_URI` (with `NEO4J_USER` and `NEO4J_PASSWORD`) names one; else a container where a Docker engine answers; else
the project's own local server in a temporary home. `SKILLGRAPH_TEST_NEO4J` names another version than the default for
the last two. With `CI` set a missing Neo4j is a failure, not a skip.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from explorer.credentials import Credentials
from explorer.errors import ServerError, SkillgraphError
from explorer.server import NEO4J_VERSION, LocalServer, ServerOptions, find_version, free_port
from explorer.store.neo4j.store import Neo4jStore

__all__ = ["IMAGE", "RunningNeo4j", "options_for_tests", "running", "start_local"]

_NAMED = os.environ.get("SKILLGRAPH_TEST_NEO4J")
VERSION = NEO4J_VERSION if _NAMED is None else find_version(_NAMED)
"""The version of Neo4j that is tested."""
IMAGE = f"neo4j:{VERSION}-community"


# Each test fills the database anew: queries would be planned again and again for what the one before has left.
_SETTINGS = {"dbms.cypher.min_replan_interval": "1h", "db.index_sampling.background_enabled": "false"}


def options_for_tests(**changes: Any) -> ServerOptions:
    """A small server that starts quickly on a free port; `settings` are added to those of all tests."""
    given: dict[str, Any] = {
        "bolt_port": free_port(),
        "http_port": None,
        "heap": "512m",
        "page_cache": "64m",
        "quick": True,
        "version": VERSION,
    }
    return ServerOptions(**{**given, **changes, "settings": {**_SETTINGS, **changes.get("settings", {})}})


@dataclass(frozen=True)
class RunningNeo4j:
    """A server that answers.

    Attributes:
        url: Its address.
        credentials: Who one is to it.
        local: The project's own server, if it is that: faults can be made on it.
        kept: A driver for all that this object asks; without it each question opens one.
    """

    url: str
    credentials: Credentials
    local: LocalServer | None = None
    kept: Any = field(default=None, compare=False)

    def open(self, **options: Any) -> Neo4jStore:
        """A store on it."""
        return Neo4jStore(self.url, credentials=self.credentials, **options)

    @contextmanager
    def driver(self) -> Iterator[Any]:
        """A driver that is not the store's, to look at what that has written."""
        from neo4j import GraphDatabase

        if self.kept is not None:
            yield self.kept
            return
        auth = (self.credentials.user, self.credentials.password)
        # The server may have been killed and started again since a connection was last used.
        options = {"notifications_min_severity": "OFF", "liveness_check_timeout": 0}
        with GraphDatabase.driver(self.url, auth=auth, **options) as driver:
            yield driver

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement that may do anything."""
        with self.driver() as driver:
            return [tuple(record.values()) for record in driver.execute_query(statement, parameters).records]

    def empty(self) -> None:
        """Remove every node."""
        with self.driver() as driver, driver.session() as session:
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 2000 ROWS").consume()


def _given() -> RunningNeo4j | None:
    url = os.environ.get("NEO4J_URI")
    if not url:
        return None
    user, password = os.environ.get("NEO4J_USER", "neo4j"), os.environ.get("NEO4J_PASSWORD", "")
    server = RunningNeo4j(url, Credentials(user, password))
    if server.rows("MATCH (n) RETURN 1 LIMIT 1"):
        pytest.fail(f"{url} (NEO4J_URI) holds data, and the tests delete everything: name an empty database")
    return server


def _contained(stack: ExitStack) -> RunningNeo4j | None:
    """A container, if a Docker engine answers."""
    try:
        import docker

        client = docker.from_env(timeout=3)
        client.ping()
        client.close()
    except Exception:  # noqa: BLE001 -- whatever keeps the engine from answering, there is none
        return None
    from testcontainers.community.neo4j import Neo4jContainer

    container = stack.enter_context(Neo4jContainer(IMAGE, password="only-for-tests"))
    return RunningNeo4j(container.get_connection_url(), Credentials(container.username, container.password))


def start_local(stack: ExitStack, home: Path) -> RunningNeo4j:
    """The project's own server in a new home, stopped with the stack."""
    server = LocalServer(home, options=options_for_tests())
    status = server.start(attached=True)
    stack.callback(server.stop)
    return RunningNeo4j(str(status.url), server.credentials(), server)


@contextmanager
def running(home: Path) -> Iterator[RunningNeo4j]:
    """The one that is named or contained, or a local one in a new home; without any, the test is skipped."""
    with ExitStack() as stack:
        try:
            server = _given() or _contained(stack) or start_local(stack, home)
        except SkillgraphError as error:
            if os.environ.get("CI"):
                raise
            hint = "" if isinstance(error, ServerError) else " (NEO4J_URI)"
            pytest.skip(f"no real Neo4j here{hint}: {error}")
        yield replace(server, kept=stack.enter_context(server.driver()))
