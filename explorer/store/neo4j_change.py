"""One write to Neo4j, staged in batches where nobody sees it and published in one transaction.

A dataset or a layer is too large for one transaction of rows, and must never be seen half. So rows are staged as
nodes labelled only `SkillgraphDraft` (and associations under a name that is no layer's), in batches; then one
transaction gives them their labels and keys, takes the labels from what they replace, and a reader sees all of it
or none.

A `SkillgraphChange` node for each subject (a dataset, a layer, the associations of a layer) holds the token of the
writer and the number of its last batch:

- a batch that was committed although its answer was lost is not written twice when it is tried again;
- a second writer of the same subject takes the token; the first one finds that out at its next batch and stops;
- what a killed writer left is removed when the same subject is written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from explorer.errors import SkillgraphError, StoreError
from explorer.store.protocol import SCHEMA_VERSION
from explorer.store.records import utc_now

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

    from explorer.store.neo4j_connection import Connection

__all__ = ["SCHEMA", "Change", "ensure_schema"]

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

_STORE_KEY = "skillgraph"
_PURGE_BATCH = 10_000


def ensure_schema(connection: Connection) -> None:
    """Create what is missing of `SCHEMA` and the node that names the schema's version.

    Raises:
        StoreError: The store was written with another version of the schema.
    """
    versions = connection.rows("MATCH (s:SkillgraphStore {key: $key}) RETURN s.schema_version", key=_STORE_KEY)
    if versions:
        if versions[0][0] != SCHEMA_VERSION:
            raise StoreError(
                f"{connection.address.url} was written with version {versions[0][0]} of the graph schema and this "
                f"program knows version {SCHEMA_VERSION}: export it with the program that wrote it and load it anew"
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


class Change:
    """A write in progress; use it as a context: left by an error, what was staged is removed again."""

    def __init__(self, connection: Connection, kind: str, name: str) -> None:
        """Take the subject's token and remove what an unfinished write of it left.

        Args:
            connection: To the server.
            kind: `dataset`, `layer` or `associations`.
            name: Key of the subject; any text.
        """
        self.token = uuid4().hex
        self._connection = connection
        self._what = f"{kind} {name!r}"
        # A digest, because one name may be the beginning of another.
        self._subject = f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
        self._batch = 0

    @property
    def staged(self) -> str:
        """Beginning of the keys of what this change stages."""
        return f"{self._subject}:{self.token}:new:"

    @property
    def trash(self) -> str:
        """Beginning of the keys of what this change has replaced."""
        return f"{self._subject}:{self.token}:old:"

    def __enter__(self) -> Change:
        """Begin."""
        ensure_schema(self._connection)
        self._connection.write(
            lambda transaction: transaction.run(
                "MERGE (c:SkillgraphChange {key: $key}) "
                "SET c.token = $token, c.batch = 0, c.published = false, c.started_at = $now",
                key=self._subject,
                token=self.token,
                now=utc_now(),
            ).consume()
        )
        self._purge(f"{self._subject}:")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Remove what was staged or replaced; if that fails too, the next write of the subject does it."""
        from neo4j.exceptions import ServiceUnavailable, SessionExpired

        if isinstance(error, StoreError) and isinstance(error.__cause__, ServiceUnavailable | SessionExpired):
            return
        try:
            self._purge(f"{self._subject}:{self.token}:")
            self._connection.write(
                lambda transaction: transaction.run(
                    "MATCH (c:SkillgraphChange {key: $key, token: $token}) DELETE c",
                    key=self._subject,
                    token=self.token,
                ).consume()
            )
        except SkillgraphError:
            # The write itself has succeeded or has failed for a reason of its own, which is the one to report.
            return

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

        return self._connection.write(work)

    def publish(self, work: Callable[[ManagedTransaction], None]) -> None:
        """Run a function in the one transaction that makes the change visible, exactly once.

        Raises:
            StoreError: Another process writes the same subject now.
        """

        def once(transaction: ManagedTransaction) -> None:
            # One publication at a time: they read what they replace, and this lock orders them.
            transaction.run(
                "MATCH (s:SkillgraphStore {key: $key}) SET s.changes = s.changes + 1", key=_STORE_KEY
            ).consume()
            if self._hold(transaction)["published"]:
                return
            work(transaction)
            transaction.run(
                "MATCH (c:SkillgraphChange {key: $key}) SET c.published = true", key=self._subject
            ).consume()

        self._connection.write(once)

    def _hold(self, transaction: ManagedTransaction) -> Any:
        """Lock the Change node until the transaction ends and make sure that it is still ours."""
        row = transaction.run(
            "MATCH (c:SkillgraphChange {key: $key}) SET c.touched_at = $now RETURN c.token AS token, c.batch AS batch, "
            "c.published AS published",
            key=self._subject,
            now=utc_now(),
        ).single()
        if row is None or row["token"] != self.token:
            raise StoreError(
                f"another process has begun to write {self._what}: this one has stopped, and the other's will stand"
            )
        return row

    def _purge(self, prefix: str) -> None:
        for statement in (
            "MATCH ()-[r:ASSOCIATED_WITH]->() WHERE r.layer STARTS WITH $prefix WITH r LIMIT $size DELETE r",
            "MATCH (n:SkillgraphDraft) WHERE n.key STARTS WITH $prefix MATCH (n)-[r]-() WITH r LIMIT $size DELETE r",
            "MATCH (n:SkillgraphDraft) WHERE n.key STARTS WITH $prefix WITH n LIMIT $size DELETE n",
        ):
            while self._connection.write(lambda transaction, text=statement: self._delete(transaction, text, prefix)):  # type: ignore[misc]
                pass

    @staticmethod
    def _delete(transaction: ManagedTransaction, statement: str, prefix: str) -> bool:
        counters = transaction.run(statement, prefix=prefix, size=_PURGE_BATCH).consume().counters
        return bool(counters.nodes_deleted or counters.relationships_deleted)
