"""A user's read-only query on a snapshot of the embedded store."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import kglite

from explorer.errors import QueryError
from explorer.store.cypher_guard import Token, check_read_only, tokenize
from explorer.store.embedded.cypher import Statement, shown_text, shown_value, stored_value, translate
from explorer.store.protocol import QueryResult

__all__ = ["check_query", "run_query"]

_HEADING = re.compile(r"^(Cypher \w+|Schema) error( at line \d+, col \d+)?: ")
_ADVICE = re.compile(r"(?<=\.) (Hints?:|Add a LIMIT|Available:).*$")


def check_query(cypher: str, *, max_rows: int, timeout: float) -> Sequence[Token]:
    """Refuse a query before anything is done for it; its tokens.

    Raises:
        QueryError: It writes, is not Cypher, or has no room or time.
    """
    if max_rows < 1 or timeout <= 0:
        raise QueryError(f"a query needs room for one row at least and some time, not {max_rows} rows and {timeout} s")
    tokens = tokenize(cypher)
    check_read_only(cypher, tokens)
    return tokens


def run_query(
    snapshot: Any, cypher: str, parameters: Mapping[str, Any] | None, *, max_rows: int, timeout: float
) -> QueryResult:
    """Run a query.

    Args:
        snapshot: A frozen graph; it has no way to be changed.
        cypher: One statement.
        parameters: Its parameters.
        max_rows: Rows to give at most.
        timeout: Seconds after which it is stopped.

    Raises:
        QueryError: It is refused, is not Cypher, or takes too long.
    """
    tokens = check_query(cypher, max_rows=max_rows, timeout=timeout)
    started = time.perf_counter()
    result = _run(snapshot, cypher, tokens, dict(parameters or {}), max_rows, timeout)
    values = [result.column(name) for name in result.columns]
    rows = [tuple(map(shown_value, row)) for row in zip(*values, strict=True)]
    return QueryResult(
        columns=tuple(map(shown_text, result.columns)),
        rows=rows[:max_rows],
        truncated=len(rows) > max_rows,
        seconds=time.perf_counter() - started,
        warnings=tuple(shown_text(text) for text in result.warnings if not text.startswith("Result truncated")),
    )


def _run(
    snapshot: Any, cypher: str, tokens: Sequence[Token], parameters: dict[str, Any], max_rows: int, timeout: float
) -> Any:
    for limit in (max_rows + 1, None):
        statement = translate(cypher, tokens, limit=limit)
        try:
            return snapshot.cypher(
                statement.text,
                params={name: stored_value(value) for name, value in parameters.items()},
                timeout_ms=max(1, int(timeout * 1000)),
                row_limit=max_rows + 1,
            )
        except kglite.CypherSyntaxError as error:
            # What is wrong is told of the statement without the limit, which is the one the user wrote.
            if limit is None:
                raise _query_error(error, statement, timeout) from None
        except (kglite.KgError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise _query_error(error, statement, timeout) from None
    raise AssertionError("a statement without a limit gives a result or an error")


def _query_error(error: Exception, statement: Statement, timeout: float) -> QueryError:
    if isinstance(error, kglite.ReadOnlyError):
        return QueryError("the query changes the store, and a query only reads: leave out what writes")
    if isinstance(error, kglite.CypherTimeoutError):
        return QueryError(f"the query took longer than {timeout:g} s and was stopped: narrow it or give it more time")
    message = _ADVICE.sub("", _HEADING.sub("", " ".join(shown_text(str(error).partition("\n")[0]).split())))
    if "safety ceiling" in message:
        message = "it makes more rows or list items on the way than fit into memory: narrow it or add a LIMIT"
    line, column = getattr(error, "line", None), getattr(error, "col", None)
    if line is not None and column is not None:
        line, column = statement.written_at(line, column)
        return QueryError(f"line {line}, column {column}: {message}")
    return QueryError(f"the query is refused: {message}")
