"""Read-only Cypher on Neo4j: what a query may do is decided by its words, then by the server's plan of it.

A READ session makes the server refuse every write. It does not keep a query from reading files or addresses
(`LOAD CSV`), from looking at users, settings and other people's transactions, or from ending those. So the
words of a query are checked as on the embedded store, and its plan (`EXPLAIN`, which runs nothing) must be of a
reading query, without the operators that do such things, and call only procedures that are known to be harmless.
Operators within an expression, as in
`[x IN [1] | COLLECT { LOAD CSV … }]`, do not appear in the plan as operators: there the text of the expression,
which the plan shows as the server understood it, is looked through.

Neo4j shows a query what another's commit has changed while the rest of it is still to come. So a query is run between
two looks at the mark that every publication changes, and again if the mark has moved.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from explorer.errors import QueryError
from explorer.store.cypher_guard import READ_PROCEDURES, Token, check_read_only, split_version, tokenize
from explorer.store.neo4j.change import READ_ATTEMPTS, change_mark
from explorer.store.neo4j.failures import is_memory_error, is_overload
from explorer.store.protocol import Node, Path, QueryResult, Relationship

if TYPE_CHECKING:
    from neo4j import Record, ResultSummary, Session

    from explorer.store.neo4j.connection import Connection

__all__ = ["ALLOWED_PROCEDURES", "check_plan", "plain_value", "run_query"]

ALLOWED_PROCEDURES = READ_PROCEDURES | {
    "db.index.fulltext.queryNodes",
    "db.index.fulltext.queryRelationships",
    "db.index.vector.queryNodes",
    "db.index.vector.queryRelationships",
}
"""Procedures that a query may call: they inspect the graph and its schema, and nothing else."""

_REFUSED_OPERATORS: tuple[tuple[str, str], ...] = (
    (r"LoadCSV", "LOAD CSV reads files and addresses"),
    (r"Terminate\w*", "TERMINATE ends other users' transactions"),
    (r"Show\w*", "SHOW reports on the server, not on the graph"),
    (r"Transaction(Apply|Foreach)", "CALL … IN TRANSACTIONS is for writing"),
    (r"\w*Administration\w*", "administration commands are not queries"),
)
_REFUSED_EXPRESSIONS: tuple[tuple[str, str], ...] = (
    (r"\bLOAD\s+CSV\b", "LOAD CSV reads files and addresses"),
    (r"\bIN\s+(\S+\s+)?(CONCURRENT\s+)?TRANSACTIONS\b", "CALL … IN TRANSACTIONS is for writing"),
)
_INTERNAL = frozenset({"revision"})
"""Properties by which the store recognises its own changes; not part of the schema."""
_T = TypeVar("_T")
_GRACE_SECONDS = 1.0
_WRITTEN_MEANWHILE = (
    "other users changed the store each time this query ran, so its rows may mix old and new content: run it again"
)
_CALL = re.compile(r"\b(?:Un)?[Rr]esolvedCall\(\s*([\w.`]+)")
_FUNCTIONS = "SHOW FUNCTIONS YIELD name, isBuiltIn WHERE NOT isBuiltIn RETURN collect(name)"


def check_plan(plan: Mapping[str, Any] | None, query_type: str) -> None:
    """Refuse a query by its plan.

    Args:
        plan: The plan that `EXPLAIN` gave: `operatorType`, `args`, `children`.
        query_type: `r` for reading; the others write or administrate.

    Raises:
        QueryError: The query is not one that only reads the graph; the message says what it does.
    """
    if query_type != "r" or plan is None:
        kind = {"w": "it writes", "rw": "it writes", "s": "it changes or shows the server's own state"}.get(query_type)
        raise QueryError(f"this query is refused: {kind or 'it does not read the graph'}; only reading is allowed")
    for operator, details in _operators(plan):
        for pattern, reason in _REFUSED_OPERATORS:
            if re.fullmatch(pattern, operator):
                raise QueryError(f"this query is refused: {reason}; only reading the graph is allowed")
        for pattern, reason in _REFUSED_EXPRESSIONS:
            if re.search(pattern, details, re.IGNORECASE):
                raise QueryError(f"this query is refused: {reason}; only reading the graph is allowed")
        called = _CALL.findall(details)
        if operator == "ProcedureCall":
            called.append(details.partition("(")[0])
        for name in called:
            if name.replace("`", "").strip() not in ALLOWED_PROCEDURES:
                raise QueryError(
                    f"this query is refused: procedure {name} is not one of those that may be called: "
                    f"{', '.join(sorted(ALLOWED_PROCEDURES))}"
                )


def _operators(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name (without the database) and details of each operator of a plan."""
    yield str(plan["operatorType"]).partition("@")[0], str(plan.get("args", {}).get("Details", ""))
    for child in plan.get("children", ()):
        yield from _operators(child)


def run_query(
    connection: Connection, cypher: str, parameters: Mapping[str, Any] | None, *, max_rows: int, timeout: float
) -> QueryResult:
    """Check a query and run it in a READ session, so that it sees no change of this program half.

    Args:
        connection: To the server.
        cypher: One statement.
        parameters: Its parameters.
        max_rows: Rows to give at most.
        timeout: Seconds after which the server ends it.

    Raises:
        QueryError: It is refused, is not Cypher, or takes too long.
    """
    started = time.perf_counter()
    if max_rows < 1 or timeout <= 0:
        raise QueryError(f"a query needs room for one row at least and some time, not {max_rows} rows and {timeout} s")
    version, cypher = split_version(cypher)
    tokens = tokenize(cypher)
    check_read_only(cypher, tokens, procedures=ALLOWED_PROCEDURES)
    given, clock = dict(parameters or {}), _Clock(connection, timeout)
    summary = clock.run(lambda session, left: _checked(session, version, cypher, tokens, given, left), lines_before=1)
    (columns, records), steady = _steadily(
        connection,
        clock,
        lambda session, left: _fetched(session, f"{version}{cypher[len(version) :]}", given, max_rows, left),
    )
    rows = [tuple(plain_value(value) for value in record.values()) for record in records[:max_rows]]
    return QueryResult(
        columns,
        rows,
        truncated=len(records) > max_rows,
        seconds=time.perf_counter() - started,
        warnings=_warnings(summary) + (() if steady else (_WRITTEN_MEANWHILE,)),
    )


class _Clock:
    """Runs the parts of one query, which together may take so many seconds of the server's time.

    The server ends a transaction between two steps of its plan, and a single expression (`reduce` over a long list)
    is one step. So it is not waited for much longer than that: the connection is dropped.
    """

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection, self._seconds, self._spent = connection, seconds, 0.0

    @property
    def is_over(self) -> bool:
        """True if no time is left."""
        return self._spent >= self._seconds

    def run(self, work: Callable[[Session, float], _T], *, lines_before: int = 0) -> _T:
        """Run a function with a READ session and the seconds that are left.

        Args:
            work: Asks the server.
            lines_before: Lines that it puts before the user's.

        Raises:
            QueryError: The server refuses what it asks, or does not answer in time.
        """
        from neo4j.exceptions import ClientError, DatabaseError, TransientError

        if self.is_over:
            raise _took_too_long(self._seconds)
        left, sessions, started = self._seconds - self._spent, [], time.perf_counter()

        def asked() -> _T:
            with self._connection.reading(notifications_min_severity="WARNING") as session:
                sessions.append(session)
                try:
                    return work(session, left)
                except (ClientError, TransientError, DatabaseError) as error:
                    raise _as_query_error(error, self._seconds, lines_before) from error
                except (TypeError, ValueError, OverflowError) as error:
                    message = " ".join(str(error).split())
                    raise QueryError(f"a parameter of the query cannot be sent: {message}") from error

        try:
            return _within(left + _GRACE_SECONDS, asked, lambda: _drop(sessions), _took_too_long(self._seconds))
        finally:
            self._spent += time.perf_counter() - started


def _within(seconds: float, work: Callable[[], _T], drop: Callable[[], None], late: QueryError) -> _T:
    """What a function gives that may take so long; else, or when interrupted, `drop` makes an end of it."""
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 -- raised again by the one who waits
            answer.set_exception(error)

    threading.Thread(target=run, name="skillgraph-query", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        if answer.done():
            return answer.result()
        raise late from None
    finally:
        if not answer.done():
            drop()


def _drop(sessions: Sequence[Session]) -> None:
    """Close the connections under sessions that another thread waits in; that thread ends by it."""
    for session in sessions:
        connection = getattr(session, "_connection", None)
        if connection is not None:
            connection.kill()


def _steadily(connection: Connection, clock: _Clock, read: Callable[[Session, float], _T]) -> tuple[_T, bool]:
    """What a read gives, and whether nothing was published while it ran; tried again while something was."""
    mark = change_mark(connection)
    for attempt in range(1, READ_ATTEMPTS + 1):
        found, error = None, None
        try:
            found = clock.run(read)
        except QueryError as caught:
            if clock.is_over:
                raise
            error = caught
        before, mark = mark, change_mark(connection)
        steady = mark == before
        if steady or clock.is_over or attempt == READ_ATTEMPTS:
            break
    if error is not None:
        raise error
    return found, steady  # type: ignore[return-value]


def _checked(
    session: Session, version: str, cypher: str, tokens: Sequence[Token], parameters: dict[str, Any], timeout: float
) -> ResultSummary:
    """The summary of a query's plan, which is one that only reads."""
    from neo4j import Query

    _check_functions(session, cypher, tokens, timeout)
    # On a line of its own, so that the server's columns are those of the query.
    explained = Query(f"{version}EXPLAIN\n{cypher}", timeout=timeout)
    summary = session.run(explained, parameters).consume()
    check_plan(summary.plan, summary.query_type or "")
    return summary


def _fetched(
    session: Session, cypher: str, parameters: dict[str, Any], max_rows: int, timeout: float
) -> tuple[tuple[str, ...], list[Record]]:
    """Columns and up to one more row than may be given."""
    with session.begin_transaction(timeout=timeout) as transaction:
        result = transaction.run(cypher, parameters)
        return tuple(result.keys()), result.fetch(max_rows + 1)


def _warnings(summary: Any) -> tuple[str, ...]:
    """Labels, types and properties of a query that the database does not know: most often a slip of the pen."""
    return tuple(
        notice.status_description.partition(". ")[2]
        for notice in summary.gql_status_objects
        if notice.raw_classification == "UNRECOGNIZED"
    )


def _check_functions(session: Session, cypher: str, tokens: Sequence[Token], timeout: float) -> None:
    """Refuse functions that a plug-in brings: some run Cypher or read files, and no plan shows what."""
    from neo4j import Query

    names = session.run(Query(_FUNCTIONS, timeout=timeout)).single(strict=True)[0]
    if not names:
        return
    # The server resolves these before it knows strings and comments: one can end a string, and hide anything.
    if "\\u" in cypher:
        raise QueryError(
            r"this query is refused: the server has plug-ins, and \u could hide one of their functions; write "
            "the character itself"
        )
    text = "".join(token.name or token.text for token in tokens if token.kind != "string").casefold()
    for name in names:
        if f"{name.casefold()}(" in text:
            raise QueryError(
                f"this query is refused: function {name} belongs to a plug-in of the server; use Cypher's own functions"
            )


def _took_too_long(timeout: float) -> QueryError:
    return QueryError(f"the query took longer than {timeout:g} s and was stopped: narrow the query or allow more time")


def _as_query_error(error: Any, timeout: float, lines_before: int) -> QueryError:
    code, message = error.code or "", error.message or str(error)
    if "TransactionTimedOut" in code or "Terminated" in code:
        return _took_too_long(timeout)
    if is_memory_error(error):
        return QueryError(
            "the query needs more memory than the server gives to one (dbms.memory.transaction.total.max, "
            "db.memory.transaction.max), and was stopped: narrow it, or aggregate before collecting"
        )
    if is_overload(error):
        return QueryError(f"the server is overloaded: try again later ({' '.join(message.split()).rstrip('.')})")
    if "Security" in code:
        return QueryError(f"the server's user lacks the permission for this: {' '.join(message.split())}")
    # The server puts the place after its sentence, and then quotes the statement.
    sentence, found, rest = message.partition(" (line ")
    place = re.match(r"(\d+), column (\d+) \(offset: \d+\)\)", rest) if found else None
    if place is None:
        return QueryError(f"the query is refused: {' '.join(message.split())}")
    return QueryError(f"line {int(place[1]) - lines_before}, column {place[2]}: {' '.join(sentence.split())}")


def plain_value(value: Any) -> Any:
    """A value of the driver as the protocol's records, scalars, lists and maps.

    Times become ISO 8601 text, points lists of their coordinates, bytes their hexadecimal digits.
    """
    from neo4j import graph, spatial

    if isinstance(value, graph.Node):
        return _node(value)
    if isinstance(value, graph.Relationship):
        return _relationship(value)
    if isinstance(value, graph.Path):
        return Path(tuple(map(_node, value.nodes)), tuple(map(_relationship, value.relationships)))
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, spatial.Point):
        return list(value)
    if hasattr(value, "iso_format"):
        # Before lists: a duration is a tuple too.
        return _time_text(value)
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return value


def _time_text(value: Any) -> str:
    """ISO 8601 text, with fractions of a second only where there are some."""
    if hasattr(value, "to_native") and getattr(value, "nanosecond", 0) % 1000 == 0:
        return str(value.to_native().isoformat())
    return str(value.iso_format())


def _node(node: Any) -> Node:
    return Node(node.element_id, tuple(sorted(node.labels)), _properties(node))


def _relationship(relationship: Any) -> Relationship:
    start, end = relationship.nodes
    return Relationship(
        relationship.element_id, relationship.type, start.element_id, end.element_id, _properties(relationship)
    )


def _properties(entity: Any) -> dict[str, Any]:
    return {key: plain_value(value) for key, value in sorted(entity.items()) if key not in _INTERNAL}
