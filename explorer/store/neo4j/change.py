"""One write to Neo4j, staged in batches where nobody sees it and published in one transaction.

A dataset or a layer is too large for one transaction of rows, and must never be seen half. So rows are staged in
batches where no query looks: texts, skills and models with their final keys, but under a label of their own
(`SkillgraphNewText`, …); layers as `SkillgraphDraft`; associations under a name that is no layer's. Then one
transaction gives them their labels, takes the labels from what they replace (`SkillgraphOldText`, …), and a reader
sees all of it or none. No property of a text changes then, and no index covers the labels of staging: a node costs
that transaction some 2 kB of the server's memory.

A `SkillgraphChange` node for each subject (a dataset, a layer, the associations of a layer, the saved views) holds the
token of the writer and the number of its last batch:

- a batch that was committed although its answer was lost is not written twice when it is tried again;
- a second writer of the same subject takes the token; the first one finds that out at its next batch and stops;
- what a killed writer left is removed when the same subject is written again.

What fits into one transaction needs no drafts: it is written under its own labels and keys, at half the cost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

from explorer.errors import SkillgraphError, StoreError
from explorer.store.neo4j.failures import is_memory_error, is_read_only
from explorer.store.protocol import SCHEMA_VERSION
from explorer.store.records import utc_now

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

    from explorer.store.neo4j.connection import Connection

__all__ = [
    "READ_ATTEMPTS",
    "SCHEMA",
    "SMALL",
    "STAGED_LABELS",
    "Change",
    "Transactions",
    "between_changes",
    "change",
    "change_mark",
    "ensure_schema",
    "new_label",
    "old_label",
]

SCHEMA = (
    "CREATE CONSTRAINT skillgraph_text_key IF NOT EXISTS FOR (n:Text) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT skillgraph_skill_key IF NOT EXISTS FOR (n:Skill) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT skillgraph_model_key IF NOT EXISTS FOR (n:Model) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT skillgraph_layer_key IF NOT EXISTS FOR (n:Layer) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT skillgraph_dataset_name IF NOT EXISTS FOR (n:Dataset) REQUIRE n.name IS UNIQUE",
    "CREATE CONSTRAINT skillgraph_draft_key IF NOT EXISTS FOR (n:SkillgraphDraft) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT skillgraph_change_key IF NOT EXISTS FOR (n:SkillgraphChange) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT skillgraph_store_key IF NOT EXISTS FOR (n:SkillgraphStore) REQUIRE n.key IS UNIQUE",
    "CREATE INDEX skillgraph_association_layer IF NOT EXISTS FOR ()-[r:ASSOCIATED_WITH]-() ON (r.layer)",
    "CREATE FULLTEXT INDEX skillgraph_search IF NOT EXISTS FOR (n:Text|Skill) ON EACH [n.id, n.title, n.name]",
)
"""Constraints and indexes of the store; created when it is first written."""

STAGED_LABELS = ("Text", "Skill", "Model")
"""Labels of the nodes that are staged and retired under a label of their own, with their key."""

_T = TypeVar("_T")
_STORE_KEY = "skillgraph"
_PURGE_BATCH = 10_000

SMALL = {"dataset": 250_000, "layer": 100_000, "associations": 200_000, "views": 10_000}
"""Rows, written and replaced, up to which a change is one transaction: at most some 200 MB of the server's heap."""


READ_ATTEMPTS = 5
"""How often a read is repeated if what is read is replaced meanwhile."""


def new_label(label: str) -> str:
    """Label of the nodes that a change has staged and not yet published."""
    return f"SkillgraphNew{label}"


def old_label(label: str) -> str:
    """Label of the nodes that a change has replaced and not yet removed."""
    return f"SkillgraphOld{label}"


class Transactions(Protocol):
    """Runs functions in transactions: a `Connection` each in its own, `_OneTransaction` all in one."""

    def read(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Run a function that reads."""
        ...

    def write(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Run a function that writes."""
        ...


class _TooLargeError(Exception):
    """A transaction needs more memory than the server has."""


class _OneTransaction:
    """An open transaction as if it were many."""

    def __init__(self, transaction: ManagedTransaction) -> None:
        self._transaction = transaction

    def read(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        return work(self._transaction)

    def write(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        return work(self._transaction)


def ensure_schema(connection: Connection) -> None:
    """Create what is missing of `SCHEMA` and the node that names the schema's version.

    Raises:
        StoreError: The store was written with another version of the schema.
    """
    versions = connection.rows("MATCH (s:SkillgraphStore {key: $key}) RETURN s.schema_version", key=_STORE_KEY)
    if versions:
        if versions[0][0] != SCHEMA_VERSION:
            raise StoreError(
                f"{connection.address.url} was written with version {versions[0][0]} of the graph schema, but this "
                f"program needs version {SCHEMA_VERSION}: export it with the program that wrote it, and load it again"
            )
        return
    for statement in SCHEMA:
        connection.run(statement)
    connection.run("CALL db.awaitIndexes(300)")
    connection.write(
        lambda transaction: transaction.run(
            "MERGE (s:SkillgraphStore {key: $key}) ON CREATE SET s.schema_version = $version, s.changes = 0",
            key=_STORE_KEY,
            version=SCHEMA_VERSION,
        ).consume()
    )


def change(connection: Connection, kind: str, name: str, rows: int, write: Callable[[Change], None]) -> None:
    """Write something so that others see all of it or none.

    Args:
        connection: To the server.
        kind: `dataset`, `layer`, `associations` or `views`.
        name: Key of what is written; any text.
        rows: About how many rows are written and replaced.
        write: Stages and publishes; it may be called again after a passing fault.

    Raises:
        StoreError: Another process writes the same now, or the server fails; nothing has changed then.
    """
    ensure_schema(connection)
    token = uuid4().hex
    if rows <= SMALL[kind] and _written_at_once(connection, kind, name, token, write):
        return
    with Change(connection, kind, name, token) as staged:
        write(staged)


def _written_at_once(connection: Connection, kind: str, name: str, token: str, write: Callable[[Change], None]) -> bool:
    """Write in one transaction; False, and nothing has changed, if the server has too little memory for that."""

    def work(transaction: ManagedTransaction) -> None:
        last = transaction.run("MATCH (s:SkillgraphStore {key: $key}) RETURN s.last_change", key=_STORE_KEY)
        if last.single(strict=True)[0] == token:
            # It was committed before, and the answer to that was lost.
            return
        try:
            with Change(_OneTransaction(transaction), kind, name, token) as change_at_once:
                write(change_at_once)
        except Neo4jError as error:
            if is_memory_error(error):
                # Not an error that is worth trying again as it is.
                raise _TooLargeError from error
            raise

    from neo4j.exceptions import Neo4jError

    try:
        connection.write(work)
    except _TooLargeError:
        return False
    except StoreError as error:
        if isinstance(error.__cause__, Neo4jError) and is_memory_error(error.__cause__):
            return False
        raise
    return True


def between_changes(connection: Connection, find: Callable[[ManagedTransaction], _T]) -> _T:
    """Run a read of few rows while no change is being published or half applied.

    It holds the lock that publications hold, for as long as the read takes, and rolls back.

    Args:
        connection: To the server.
        find: Reads; it may be called again after a passing fault.
    """

    def work(transaction: ManagedTransaction) -> _T:
        transaction.run("MATCH (s:SkillgraphStore {key: $key}) SET s.changes = s.changes", key=_STORE_KEY).consume()
        return find(transaction)

    try:
        return connection.write_nothing(work)
    except StoreError as error:
        if not is_read_only(error.__cause__):
            raise
        # Nobody can publish in a database that is read-only, or with a user who may only read.
        return connection.read(find)


def change_mark(connection: Connection) -> tuple[Any, ...]:
    """What every publication changes: the same before and after a read if it saw none of them, not even a part."""

    def find(transaction: ManagedTransaction) -> tuple[Any, ...]:
        row = transaction.run(
            "MATCH (s:SkillgraphStore {key: $key}) RETURN s.changes, s.last_change", key=_STORE_KEY
        ).single()
        return tuple(row.values()) if row else ()

    return between_changes(connection, find)


class Change:
    """A write in progress; use it as a context: left by an error, what was staged is removed again."""

    def __init__(self, transactions: Transactions, kind: str, name: str, token: str) -> None:
        """Prepare; entering the context begins.

        Args:
            transactions: Where to write.
            kind: `dataset`, `layer` or `associations`.
            name: Key of the subject; any text.
            token: Names this change; no other has the same.
        """
        self.transactions = transactions
        self.token = token
        self._what = f"{kind} {name!r}"
        self._dataset = name if kind == "dataset" else None
        # A digest, because one name may be the beginning of another.
        self._subject = f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
        self._batch = 0

    @property
    def at_once(self) -> bool:
        """True if all of it is one transaction: nothing needs to be hidden from others."""
        return isinstance(self.transactions, _OneTransaction)

    @property
    def staged(self) -> str:
        """Beginning of the keys of what this change stages."""
        return f"{self._subject}:{self.token}:new:"

    @property
    def trash(self) -> str:
        """Beginning of the keys of what this change has replaced."""
        return f"{self._subject}:{self.token}:old:"

    def __enter__(self) -> Change:
        """Take the subject's token and remove what an unfinished write of it left."""
        self.transactions.write(
            lambda transaction: transaction.run(
                "MERGE (c:SkillgraphChange {key: $key}) SET c.token = $token, c.batch = 0, c.started_at = $now",
                key=self._subject,
                token=self.token,
                now=utc_now(),
            ).consume()
        )
        self._purge(f"{self._subject}:")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Remove what was staged or replaced; if that fails too, the next write of the subject does it."""
        if error is not None and not self._can_clean(error):
            return
        try:
            self._purge(f"{self._subject}:{self.token}:")
            self.transactions.write(
                lambda transaction: transaction.run(
                    "MATCH (c:SkillgraphChange {key: $key, token: $token}) DELETE c",
                    key=self._subject,
                    token=self.token,
                ).consume()
            )
        except SkillgraphError:
            # The write itself has succeeded or has failed for a reason of its own, which is the one to report.
            return

    def _can_clean(self, error: object) -> bool:
        """False if the one transaction is being rolled back anyway, or the server is not there."""
        from neo4j.exceptions import ServiceUnavailable, SessionExpired

        cause = error.__cause__ if isinstance(error, StoreError) else None
        return not self.at_once and not isinstance(cause, ServiceUnavailable | SessionExpired)

    def stage(self, statement: str, expected: int, **parameters: Any) -> int:
        """Write one batch, exactly once, and return what the statement counted.

        Args:
            statement: Cypher whose result is one row with one count.
            expected: The count that says that nothing was missing.
            **parameters: Its parameters.

        Returns:
            The count; `expected` if the batch had been written before.

        Raises:
            StoreError: Another process writes the same subject now.
        """
        self._batch += 1
        number = self._batch

        def work(transaction: ManagedTransaction) -> int:
            if self._hold(transaction)["batch"] >= number:
                return expected
            counted = transaction.run(statement, parameters).single(strict=True)[0]
            transaction.run(
                "MATCH (c:SkillgraphChange {key: $key}) SET c.batch = $number", key=self._subject, number=number
            )
            return int(counted)

        return self.transactions.write(work)

    def publish(self, work: Callable[[ManagedTransaction], None]) -> None:
        """Run a function in the one transaction that makes the change visible, exactly once.

        Raises:
            StoreError: Another process writes the same subject now.
        """

        def once(transaction: ManagedTransaction) -> None:
            # One publication at a time: they read what they replace, and this lock orders them. A publication whose
            # answer was lost is known by its token.
            last = transaction.run(
                "MATCH (s:SkillgraphStore {key: $key}) SET s.changes = s.changes + 1 RETURN s.last_change",
                key=_STORE_KEY,
            ).single(strict=True)[0]
            if last == self.token:
                return
            self._hold(transaction)
            work(transaction)
            transaction.run(
                "MATCH (s:SkillgraphStore {key: $key}) SET s.last_change = $token", key=_STORE_KEY, token=self.token
            ).consume()

        self.transactions.write(once)

    def _hold(self, transaction: ManagedTransaction) -> Any:
        """Lock the Change node until the transaction ends and make sure that it is still ours."""
        row = transaction.run(
            "MATCH (c:SkillgraphChange {key: $key}) SET c.touched_at = $now RETURN c.token AS token, c.batch AS batch",
            key=self._subject,
            now=utc_now(),
        ).single()
        if row is None or row["token"] != self.token:
            raise StoreError(
                f"another process has begun to write {self._what}: this one has stopped, and the other's version will "
                "be kept"
            )
        return row

    def _purge(self, prefix: str) -> None:
        def some(transaction: ManagedTransaction) -> bool:
            # What is staged is known by its dataset, not by its writer: only the one who holds the subject removes it.
            self._hold(transaction)
            return _purge_batch(transaction, prefix, self._dataset)

        while self.transactions.write(some):
            pass


_PURGE = (
    "MATCH ()-[r:ASSOCIATED_WITH]->() WHERE r.layer STARTS WITH $prefix WITH r LIMIT $size DELETE r",
    "MATCH (n:SkillgraphDraft) WHERE n.key STARTS WITH $prefix MATCH (n)-[r]-() WITH r LIMIT $size DELETE r",
    "MATCH (n:SkillgraphDraft) WHERE n.key STARTS WITH $prefix WITH n LIMIT $size DELETE n",
)
_FEW = "COUNT { (n)--() } <= 50"
_STAGED_TEXT = f"{new_label('Text')}|{old_label('Text')}"
_STAGED = "|".join(draft for label in STAGED_LABELS for draft in (new_label(label), old_label(label)))
_PURGE_DATASET = (
    # Texts have few relationships and go with them; what is left has lost most of its own by then.
    f"MATCH (n:{_STAGED_TEXT}) WHERE n.dataset = $dataset AND {_FEW} WITH n LIMIT $some DETACH DELETE n",
    f"MATCH (n:{_STAGED}) WHERE n.dataset = $dataset MATCH (n)-[r]-() WITH r LIMIT $size DELETE r",
    f"MATCH (n:{_STAGED}) WHERE n.dataset = $dataset WITH n LIMIT $size DELETE n",
)


def _purge_batch(transaction: ManagedTransaction, prefix: str, dataset: str | None) -> bool:
    """Remove some of what is staged or replaced; True if there may be more."""
    for statement in (*_PURGE, *(_PURGE_DATASET if dataset is not None else ())):
        parameters = {"prefix": prefix, "dataset": dataset, "size": _PURGE_BATCH, "some": _PURGE_BATCH // 5}
        counters = transaction.run(statement, parameters).consume().counters
        if counters.relationships_deleted or counters.nodes_deleted >= _PURGE_BATCH // 5:
            return True
    return False
