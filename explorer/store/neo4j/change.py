"""One write to Neo4j, staged in batches where nobody sees it and then published.

A dataset or a layer is too large for one transaction of rows, and must never be seen half. So rows are staged in
batches where no query looks: texts, skills and models with their final keys, but under a label of their own
(`SkillgraphNewText`, …); layers as `SkillgraphDraft`. Publishing gives them their labels and takes the labels from what
they replace (`SkillgraphOldText`, …). No property of a text changes then, and no index covers the labels of staging: a
node costs that transaction some 2 kB of the server's memory. Associations are staged as numbers, in lists of some
`SkillgraphDraft` nodes: publishing deletes those that they replace and makes relationships of the lists. So each
relationship is written once, and the index of layers with it; giving staged ones another layer took longer than that.

What has few nodes and associations is published in one transaction. For others (`AT_ONCE`) the transaction writes all
but the labels of texts, skills and models and the associations, and on the `SkillgraphStore` node what is to change:
from then on it is decided. That changes in batches, the last of which removes the mark. Whoever finds the
mark, reader or writer, brings the rest of the batches to their end before anything else, and so sees the change as a
whole also when its writer was killed between two of them. Each batch holds the lock of the `SkillgraphStore` node:
there may be any number of helpers.

A `SkillgraphChange` node for each subject (a dataset, a layer, the associations of a layer, the saved views) holds the
token of the writer and the number of its last batch:

- a batch that was committed although its answer was lost is not written twice when it is tried again;
- a second writer of the same subject takes the token; the first one finds that out at its next batch and stops;
- what a killed writer left is removed when the same subject is written again.

What fits into one transaction needs no drafts: it is written under its own labels and keys, at half the cost. A
dataset that takes the place of another in this way keeps the nodes that both have; associations that take the place of
others of a layer, the relationships.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
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
    "AT_ONCE",
    "LONGEST_LOOKUP",
    "NODE_ROWS",
    "READ_ATTEMPTS",
    "RETIRED_ROWS",
    "SCHEMA",
    "SMALL",
    "STAGED_LABELS",
    "Change",
    "Step",
    "Transactions",
    "between_changes",
    "change",
    "change_mark",
    "drop_lookups",
    "ensure_schema",
    "finish_publication",
    "fits",
    "is_publishing",
    "new_label",
    "of_layer",
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
    "CREATE INDEX skillgraph_layer_name IF NOT EXISTS FOR (n:Layer) ON (n.dataset, n.name)",
    "CREATE INDEX skillgraph_association_layer IF NOT EXISTS FOR ()-[r:ASSOCIATED_WITH]-() ON (r.layer)",
    "CREATE FULLTEXT INDEX skillgraph_search IF NOT EXISTS FOR (n:Text|Skill) ON EACH [n.id, n.title, n.name]",
)
"""Constraints and indexes of the store; created when it is first written."""

_LOOKUPS = {
    "skillgraph_text_id": "FOR (n:Text) ON (n.dataset, n.id)",
    "skillgraph_skill_id": "FOR (n:Skill) ON (n.dataset, n.id)",
    "skillgraph_skill_name": "FOR (n:Skill) ON (n.name)",
}
LONGEST_LOOKUP = 4_000
"""Bytes of an id or a name that can be looked up by an index; a store that holds a longer one does without."""

STAGED_LABELS = ("Text", "Skill", "Model")
"""Labels of the nodes that are staged and retired under a label of their own, with their key."""

_T = TypeVar("_T")
_STORE_KEY = "skillgraph"
_PURGE_BATCH = 10_000

SMALL = {"dataset": 300_000, "layer": 100_000, "layers": 100_000, "associations": 200_000, "views": 10_000}
"""Rows, written and removed, up to which a change is one transaction: at most some 250 MB of the server's heap."""

NODE_ROWS = 5
"""Rows that a text, a skill or a model counts for: the indexes take their part."""

RETIRED_ROWS = 3
"""Rows that one counts for that is only taken out of sight."""


AT_ONCE = 100_000
"""Nodes and associations that change in one transaction at most when something is published."""
_STEP = 20_000
_PATIENCE, _STILL = 60.0, 10.0
"""Seconds that who may only read waits for a publication to end, and for its next batch."""

READ_ATTEMPTS = 5
"""How often a read is repeated if what is read is replaced meanwhile."""


def fits(kind: str, rows: int) -> bool:
    """Whether so many rows, written and removed, are one transaction."""
    return rows <= SMALL[kind]


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


class _UnfinishedError(Exception):
    """Something is being published in batches, by somebody who may have been killed: to be finished first."""

    def __init__(self, progress: object = None) -> None:
        """Say how far it has come, where that is known."""
        self.progress = progress


@dataclass(frozen=True)
class Step:
    """Some of what a publication does to the nodes of one label of a dataset, or to the associations of a layer.

    Attributes:
        kind: Of nodes `retire` (the label becomes the old one), `reveal` (the new one becomes the label) or `rename`;
            of associations `forget` (they are deleted), `adopt` (they become those of another layer) or `write` (they
            are made from what is staged).
        what: One of `STAGED_LABELS`, or the layer's name.
        dataset: Name of the dataset.
        new: Its new name, of `rename`; the other layer's, of `adopt`; how the keys of what is staged begin, of `write`.
    """

    kind: str
    what: str
    dataset: str
    new: str = ""

    def run(self, transaction: ManagedTransaction, most: int = 1 << 31) -> int:
        """Do it to about so many at most; how many there were. Once it is done to all, it finds none."""
        if self.kind == "write":
            return self._written(transaction, most)
        if self.kind in _ASSOCIATED:
            matched, changed = self._associated(transaction), _ASSOCIATED[self.kind]
        else:
            matched, changed = self._labelled()
        counted = transaction.run(
            f"MATCH {matched} WITH n LIMIT $most {changed} RETURN count(*)",
            prefix=f"{self.dataset}/",
            name=self.dataset,
            what=self.what,
            new=self.new,
            most=most,
        ).single(strict=True)[0]
        return int(counted)

    def _written(self, transaction: ManagedTransaction, most: int) -> int:
        """Make associations of some of the nodes that hold them, until they are `most` or there is no other node."""
        keys = transaction.run(
            "MATCH (n:SkillgraphDraft) WHERE n.key STARTS WITH $prefix RETURN collect(n.key)", prefix=self.new
        ).single(strict=True)[0]
        done = 0
        for key in keys:
            done += int(transaction.run(_WRITTEN, key=key, layer=self.what).single(strict=True)[0])
            transaction.run("MATCH (n:SkillgraphDraft {key: $key}) DELETE n", key=key).consume()
            if done >= most:
                break
        return done

    def _associated(self, transaction: ManagedTransaction) -> str:
        return f"(a)-[n:ASSOCIATED_WITH]->() WHERE {of_layer(transaction, self.dataset, self.what)}"

    def _labelled(self) -> tuple[str, str]:
        if self.what not in STAGED_LABELS:
            raise StoreError(f"what is being published names the label {self.what!r}, which no program of ours wrote")
        old, label, draft = old_label(self.what), self.what, new_label(self.what)
        return {
            "retire": (f"(n:{label}) WHERE n.key STARTS WITH $prefix", f"REMOVE n:{label} SET n:{old}"),
            "reveal": (f"(n:{draft}) WHERE n.dataset = $name", f"REMOVE n:{draft} SET n:{label}"),
            "rename": (
                f"(n:{label}) WHERE n.key STARTS WITH $prefix",
                "SET n.key = $new + substring(n.key, size($name)), n.dataset = $new",
            ),
        }[self.kind]


_WRITTEN = (
    "MATCH (n:SkillgraphDraft {key: $key}) WITH n.source AS sources, n.target AS targets, n.weight AS weights "
    "UNWIND range(0, size(sources) - 1) AS i MATCH (a) WHERE id(a) = sources[i] MATCH (b) WHERE id(b) = targets[i] "
    "CREATE (a)-[:ASSOCIATED_WITH {layer: $layer, weight: weights[i]}]->(b) RETURN count(*)"
)
_ASSOCIATED = {"forget": "DELETE n", "adopt": "SET n.layer = $new"}


def of_layer(transaction: ManagedTransaction, dataset: str, layer: str) -> str:
    """What tells the associations `n` from nodes `a` of a layer, by the parameters `what` (its name) and `name`.

    To look at the ends of associations costs half as much as to delete them: only if the name is not enough.
    """
    others = "MATCH (l:Layer) WHERE l.name = $what AND l.dataset <> $name RETURN count(l)"
    if transaction.run(others, what=layer, name=dataset).single(strict=True)[0]:
        return "n.layer = $what AND a.dataset = $name"
    return "n.layer = $what"


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
    found = connection.rows(
        "MATCH (s:SkillgraphStore {key: $key}) RETURN s.schema_version, s.schema_statements", key=_STORE_KEY
    )
    if found and found[0][0] != SCHEMA_VERSION:
        raise StoreError(
            f"{connection.address.url} was written with version {found[0][0]} of the graph schema, but this "
            f"program needs version {SCHEMA_VERSION}: export it with the program that wrote it, and load it again"
        )
    # A later version may have more indexes than the one that made the store.
    if found and found[0][1] in (_STATEMENTS, _WITHOUT_LOOKUPS):
        return
    for statement in SCHEMA:
        connection.run(statement)
    connection.run("CALL db.awaitIndexes(300)")
    try:
        for name, what in _LOOKUPS.items():
            connection.run(f"CREATE INDEX {name} IF NOT EXISTS {what}")
        connection.run("CALL db.awaitIndexes(300)")
    except StoreError:
        # What is there already has ids or names that are too long.
        _set_statements(connection, _STATEMENTS)
        drop_lookups(connection)
    else:
        _set_statements(connection, _STATEMENTS)


_STATEMENTS, _WITHOUT_LOOKUPS = len(SCHEMA) + len(_LOOKUPS), len(SCHEMA)


def drop_lookups(connection: Connection) -> None:
    """Do without the indexes that cannot hold long ids and names; nothing if the store does already."""
    ensure_schema(connection)
    there = connection.rows("MATCH (s:SkillgraphStore {key: $key}) RETURN s.schema_statements", key=_STORE_KEY)
    if there[0][0] == _WITHOUT_LOOKUPS:
        return
    for name in _LOOKUPS:
        connection.run(f"DROP INDEX {name} IF EXISTS")
    _set_statements(connection, _WITHOUT_LOOKUPS)


def _set_statements(connection: Connection, statements: int) -> None:
    connection.write(
        lambda transaction: transaction.run(
            "MERGE (s:SkillgraphStore {key: $key}) ON CREATE SET s.schema_version = $version, s.changes = 0 "
            "SET s.schema_statements = $statements",
            key=_STORE_KEY,
            version=SCHEMA_VERSION,
            statements=statements,
        ).consume()
    )


def change(
    connection: Connection,
    kind: str,
    name: str,
    rows: int,
    write: Callable[[Change], None],
    *,
    removed: int = 0,
    retired: int = 0,
) -> None:
    """Write something so that others see all of it or none.

    Args:
        connection: To the server.
        kind: `dataset`, `layer`, `layers` (several of a dataset), `associations` or `views`.
        name: Key of what is written; any text.
        rows: About how many rows are written.
        write: Stages and publishes; it may be called again after a passing fault.
        removed: Rows that removing what is replaced counts for.
        retired: Rows that only taking it out of sight counts for, where the change can do so: it is removed once the
            rest is written, if one transaction is too small for both.

    Raises:
        StoreError: Another process writes the same now, or the server fails; nothing has changed then.
    """
    ensure_schema(connection)
    token = uuid4().hex
    later = bool(retired) and not fits(kind, rows + removed)
    while fits(kind, rows + (retired if later else removed)):
        try:
            if _written_at_once(connection, kind, name, token, write, clean=not later):
                if later:
                    Change(connection, kind, name, token).clean()
                return
            break
        except _UnfinishedError:
            finish_publication(connection)
    with Change(connection, kind, name, token) as staged:
        write(staged)


def _written_at_once(
    connection: Connection, kind: str, name: str, token: str, write: Callable[[Change], None], *, clean: bool
) -> bool:
    """Write in one transaction; False, and nothing has changed, if the server has too little memory for that.

    Without `clean`, what is replaced is only taken out of sight.
    """
    tried = False

    def work(transaction: ManagedTransaction) -> None:
        nonlocal tried
        last = transaction.run("MATCH (s:SkillgraphStore {key: $key}) RETURN s.last_change", key=_STORE_KEY)
        if last.single(strict=True)[0] == token:
            # It was committed before, and the answer to that was lost.
            return
        if tried:
            # The driver tries again what failed at its commit, as it does where memory did not suffice.
            raise _TooLargeError
        try:
            with Change(_OneTransaction(transaction), kind, name, token, leave=not clean) as change_at_once:
                write(change_at_once)
        except Neo4jError as error:
            if is_memory_error(error):
                # Not an error that is worth trying again as it is.
                raise _TooLargeError from error
            raise
        tried = True

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

    def locked(transaction: ManagedTransaction) -> _T:
        if _publishing(transaction, lock=True) is not None:
            raise _UnfinishedError
        return find(transaction)

    def patient(transaction: ManagedTransaction) -> _T:
        unfinished = _publishing(transaction, lock=False)
        if unfinished is not None:
            raise _UnfinishedError([unfinished[key] for key in ("token", "done", "batches")])
        return find(transaction)

    end, seen, since = time.monotonic() + _PATIENCE, None, 0.0
    while True:
        try:
            return connection.write_nothing(locked)
        except _UnfinishedError:
            finish_publication(connection)
            continue
        except StoreError as error:
            if not is_read_only(error.__cause__):
                raise
        try:
            # Whoever may only read can neither lock nor help.
            return connection.read(patient)
        except _UnfinishedError as unfinished:
            now = time.monotonic()
            if unfinished.progress != seen:
                seen, since = unfinished.progress, now
            if now > min(end, since + _STILL):
                raise StoreError(
                    f"{connection.address.url}: a dataset is being written; if that was broken off, any command of a "
                    "user who may write, such as skillgraph datasets, brings it to its end"
                ) from None
            time.sleep(0.2)


def _publishing(transaction: ManagedTransaction, *, lock: bool) -> dict[str, Any] | None:
    """What is being published: `token`, `steps`, how many are `done`, in how many `batches`; None if nothing is."""
    row = transaction.run(
        "MATCH (s:SkillgraphStore {key: $key}) "
        f"{'SET s.changes = s.changes ' if lock else ''}RETURN s.publishing AS publishing, s.published_steps AS done, "
        "coalesce(s.published_batches, 0) AS batches",
        key=_STORE_KEY,
    ).single()
    if row is None or row["publishing"] is None:
        return None
    return {**json.loads(row["publishing"]), "done": row["done"], "batches": row["batches"]}


def is_publishing(transaction: ManagedTransaction) -> bool:
    """Whether something is being published in batches; nothing else is published until this transaction ends."""
    return _publishing(transaction, lock=True) is not None


def finish_publication(transactions: Transactions) -> None:
    """Bring what is being published in batches to its end, whoever began it; nothing if nothing is."""

    def advance(transaction: ManagedTransaction) -> bool:
        """One batch; False once there is nothing to do."""
        plan = _publishing(transaction, lock=True)
        if plan is None:
            return False
        steps = [Step(*step) for step in plan["steps"]]
        if plan["done"] < len(steps):
            finished = steps[plan["done"]].run(transaction, _STEP) < _STEP
            changed = (
                "SET s.published_steps = s.published_steps + $finished, "
                "s.published_batches = coalesce(s.published_batches, 0) + 1"
            )
        else:
            finished, changed = False, _ENDED
        transaction.run(
            f"MATCH (s:SkillgraphStore {{key: $key}}) {changed}",
            key=_STORE_KEY,
            token=plan["token"],
            finished=int(finished),
        ).consume()
        return True

    while transactions.write(advance):
        pass


_ENDED = (
    "SET s.last_change = $token, s.changes = s.changes + 1 REMOVE s.publishing, s.published_steps, s.published_batches"
)


def change_mark(connection: Connection) -> tuple[Any, ...]:
    """What every publication changes: the same before and after a read if it saw none of them, not even a part."""
    return between_changes(connection, lambda transaction: tuple(_state(transaction)))


class Change:
    """A write in progress; use it as a context: left by an error, what was staged is removed again."""

    def __init__(self, transactions: Transactions, kind: str, name: str, token: str, *, leave: bool = False) -> None:
        """Prepare; entering the context begins.

        Args:
            transactions: Where to write.
            kind: As of `change`.
            name: Key of the subject; any text.
            token: Names this change; no other has the same.
            leave: Leave what is replaced to `clean`.
        """
        self.transactions = transactions
        self.token = token
        self._leave = leave
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
    def replaces_at_once(self) -> bool:
        """True if that transaction removes what is replaced, too: nodes that stay need not be made anew."""
        return self.at_once and not self._leave

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
                "MERGE (c:SkillgraphChange {key: $key}) SET c.token = $token, c.batch = 0, c.published = false, "
                "c.started_at = $now",
                key=self._subject,
                token=self.token,
                now=utc_now(),
            ).consume()
        )
        # Nobody else can begin to publish this subject from here on, and what was begun is no leftover.
        if self.at_once:
            self.transactions.write(_refuse_unfinished)
        else:
            finish_publication(self.transactions)
        self._purge(f"{self._subject}:")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Remove what was staged or replaced; if that fails too, the next write of the subject does it."""
        if self._leave or (error is not None and not self._can_clean(error)):
            return
        self.clean()

    def clean(self) -> None:
        """Remove what was staged or replaced."""
        try:
            if not self.at_once:
                finish_publication(self.transactions)
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

    def take_out(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Change what is there before anything is published, in the one transaction of this change.

        Raises:
            _UnfinishedError: Something else was published meanwhile, so that names may have meant other layers.
        """

        def steadily(transaction: ManagedTransaction) -> _T:
            before = _state(transaction)
            _refuse_unfinished(transaction)
            found = work(transaction)
            if _state(transaction) != before:
                raise _UnfinishedError
            return found

        return self.transactions.write(steadily)

    def publish(self, work: Callable[[ManagedTransaction], None], steps: Sequence[Step] = (), changed: int = 0) -> None:
        """Make the change visible, exactly once.

        Args:
            work: Run in the transaction that decides it.
            steps: What is done after that, to nodes and associations that `work` does not look for.
            changed: About how many they are: few are done in the same transaction.

        Raises:
            StoreError: Another process writes the same subject now.
        """

        def once(transaction: ManagedTransaction) -> None:
            # One publication at a time: they read what they replace, and this lock orders them. A publication whose
            # answer was lost is known by its token.
            unfinished = _publishing(transaction, lock=True)
            if unfinished is not None and unfinished["token"] != self.token:
                raise _UnfinishedError
            if unfinished is not None or self._hold(transaction)["published"]:
                return
            work(transaction)
            transaction.run(
                "MATCH (c:SkillgraphChange {key: $key}) SET c.published = true", key=self._subject
            ).consume()
            if self.at_once or changed <= AT_ONCE:
                for step in steps:
                    step.run(transaction)
                marked = _ENDED
            else:
                marked = "SET s.publishing = $plan, s.published_steps = 0, s.changes = s.changes + 1"
            transaction.run(
                f"MATCH (s:SkillgraphStore {{key: $key}}) {marked}",
                key=_STORE_KEY,
                token=self.token,
                plan=json.dumps({"token": self.token, "steps": [astuple(step) for step in steps]}),
            ).consume()

        if self.at_once:
            self.transactions.write(once)
            return
        while True:
            try:
                self.transactions.write(once)
                break
            except _UnfinishedError:
                finish_publication(self.transactions)
        if changed > AT_ONCE:
            finish_publication(self.transactions)

    def _hold(self, transaction: ManagedTransaction) -> Any:
        """Lock the Change node until the transaction ends and make sure that it is still ours."""
        row = transaction.run(
            "MATCH (c:SkillgraphChange {key: $key}) SET c.touched_at = $now "
            "RETURN c.token AS token, c.batch AS batch, c.published AS published",
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


def _state(transaction: ManagedTransaction) -> list[Any]:
    """What every publication changes, when it is decided and when it ends."""
    found = transaction.run(
        "MATCH (s:SkillgraphStore {key: $key}) RETURN s.changes, s.last_change, s.publishing", key=_STORE_KEY
    ).single()
    return [] if found is None else found.values()


def _refuse_unfinished(transaction: ManagedTransaction) -> None:
    if _publishing(transaction, lock=False) is not None:
        raise _UnfinishedError


_PURGE = (
    # Staged by an earlier version, which gave them their layer afterwards.
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
