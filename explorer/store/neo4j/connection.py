"""Talking to a Neo4j server: its address, managed transactions, and its errors as one sentence each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from explorer.credentials import Credentials
from explorer.errors import SkillgraphError, StoreError
from explorer.store.neo4j.failures import explain

if TYPE_CHECKING:
    from neo4j import ManagedTransaction, Session

__all__ = ["SCHEMES", "Address", "Connection", "parse_address"]

SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
"""Schemes of the addresses that mean a Neo4j server."""

_T = TypeVar("_T")
_PORT = 7687
_LOST_ANSWERS = 3
_SILENT = logging.NullHandler()


@dataclass(frozen=True)
class Address:
    """Where a server and its database are.

    Attributes:
        url: Scheme, host, port and, if one was named, database: what is shown.
        target: What the driver takes.
        host: Host.
        port: Port.
        database: Name of the database; None is the server's default.
    """

    url: str
    target: str
    host: str
    port: int
    database: str | None

    @property
    def scheme(self) -> str:
        """`neo4j`, `bolt+s`, …: how one connects, and whether encrypted."""
        return self.url.partition(":")[0]

    def with_scheme(self, ending: str) -> str:
        """The address with `+s` (encrypted), `+ssc` (encrypted, with any certificate) or nothing after its scheme."""
        return self.scheme.partition("+")[0] + ending + self.url.removeprefix(self.scheme)


def parse_address(url: str) -> Address:
    """The parts of an address `neo4j://host[:7687][/database]`.

    >>> parse_address("neo4j://localhost/skills").database
    'skills'

    Raises:
        StoreError: Another scheme, no host, a port that is none, or a user and password in the address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError as error:
        raise StoreError(f"the store's address is not valid: {error}; give neo4j://host:7687") from None
    # Checked first, and without quoting the address: a password must not reach the terminal or a log.
    if parts.username is not None or parts.password is not None:
        raise StoreError(
            "the store's address contains a user or password, which could be seen by other users of this machine "
            "and in logs: leave them out, and set NEO4J_USER and NEO4J_PASSWORD"
        )
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise StoreError(f"{url!r} is not the address of a Neo4j server; give neo4j://host:7687")
    database = parts.path.strip("/") or None
    if parts.query or parts.fragment or "/" in (database or ""):
        raise StoreError(f"{url!r}: only /database may follow the port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    target = f"{parts.scheme}://{host}:{port}"
    return Address(target + (f"/{database}" if database else ""), target, parts.hostname, port, database)


class _RollbackError(Exception):
    """Carries a value out of a transaction that is not to be committed."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Connection:
    """One driver with its address; every error of the driver becomes a `StoreError`."""

    def __init__(self, address: Address, credentials: Credentials | None, *, retry_seconds: float = 30.0) -> None:
        """Connect and check that the server answers.

        Args:
            address: Where the server is.
            credentials: Who one is; None for a server without authentication.
            retry_seconds: How long a transaction is tried again while the server is away or locks collide.

        Raises:
            StoreError: The server is not there or refuses the credentials.
        """
        from neo4j import GraphDatabase

        import explorer

        self.address = address
        # The driver logs what it also hands over in the result, where it is taken from, and what it tries again.
        logging.getLogger("neo4j.notifications").disabled = True
        logging.getLogger("neo4j").addHandler(_SILENT)
        with self.errors():
            self._driver = GraphDatabase.driver(
                address.target,
                auth=(credentials.user, credentials.password) if credentials else None,
                max_transaction_retry_time=retry_seconds,
                connection_timeout=10.0,
                connection_acquisition_timeout=30.0,
                notifications_min_severity="OFF",
                user_agent=f"skillgraph-explorer/{explorer.__version__}",
                telemetry_disabled=True,
            )
            try:
                self._driver.verify_connectivity()
            except BaseException:
                self._driver.close()
                raise
            self._bookmarks = GraphDatabase.bookmark_manager()

    def read(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Run a function in a read transaction; it may be called again after a passing fault."""
        with self.errors(), self._session("READ") as session:
            return session.execute_read(work)

    def write(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Run a function in a write transaction; it may be called again after a passing fault.

        It must do no harm when what it did before was committed and only the answer was lost.
        """
        from neo4j.exceptions import IncompleteCommit

        with self.errors():
            for _ in range(_LOST_ANSWERS):
                try:
                    with self._session("WRITE") as session:
                        return session.execute_write(work)
                except IncompleteCommit:
                    continue
            with self._session("WRITE") as session:
                return session.execute_write(work)

    def write_nothing(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Run a function in a write transaction, for its locks, and roll back what it wrote."""

        def rolled_back(transaction: ManagedTransaction) -> _T:
            raise _RollbackError(work(transaction))

        try:
            with self.errors(), self._session("WRITE") as session:
                return session.execute_write(rolled_back)
        except _RollbackError as rollback:
            value: _T = rollback.value
            return value

    def run(self, statement: str) -> None:
        """Run one statement of ours in a transaction of its own, as schema statements want it."""
        with self.errors(), self._session("WRITE") as session:
            session.run(statement).consume()

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """All rows of a small read."""
        return self.read(lambda transaction: list(transaction.run(statement, parameters)))

    @contextmanager
    def reading(self, **options: Any) -> Iterator[Session]:
        """A read session for results that are taken one by one."""
        with self.errors(), self._session("READ", **{"fetch_size": 500, **options}) as session:
            yield session

    def last_change(self) -> str:
        """A mark of the database's last committed transaction, from one round trip that reads nothing."""
        from neo4j import READ_ACCESS

        # Without the bookmark manager, so that the mark is what the server says now.
        with (
            self.errors(),
            self._driver.session(database=self.address.database, default_access_mode=READ_ACCESS) as session,
        ):
            session.run("RETURN 1").consume()
            return ",".join(sorted(session.last_bookmarks().raw_values))

    def close(self) -> None:
        """Close the driver; safe to call twice."""
        self._driver.close()

    def _session(self, mode: str, **options: Any) -> Session:
        return self._driver.session(
            database=self.address.database, default_access_mode=mode, bookmark_manager=self._bookmarks, **options
        )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn errors of the driver and the server into a `StoreError`."""
        from neo4j.exceptions import DriverError, Neo4jError

        try:
            yield
        except SkillgraphError:
            raise
        except (DriverError, Neo4jError) as error:
            raise StoreError(explain(error, self.address)) from error
        except OSError as error:
            raise StoreError(f"{self.address.url}: {error}") from error
