"""A user's read-only query on a snapshot of the embedded store."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import kglite

from explorer.errors import QueryError
from explorer.store.cypher_guard import Token, check_read_only, split_version, tokenize
from explorer.store.embedded.bounded import too_long
from explorer.store.embedded.cypher import Statement, translate
from explorer.store.embedded.names import shown_text, shown_value, stored_value
from explorer.store.embedded.rewriting import Chain
from explorer.store.protocol import QueryResult

__all__ = ["check_query", "run_query"]

_OF_SKILLS = frozenset({"ASSOCIATED_WITH", "PREREQUISITE_OF", "PART_OF"})
_FEW_PATHS = 16
"""Shortest paths between ends that are known, up to which only what lies between them is looked at."""
_MANY_STEPS = 200_000
_BOTH = ((True, False), (True, False))
_WAYS: dict[str, tuple[tuple[bool, ...], tuple[bool, ...]]]
_WAYS = {"->": ((True,), (False,)), "<-": ((False,), (True,)), "-": _BOTH, "<->": _BOTH}
"""By the direction of a path: whether relationships are followed forward, from its first and from its last node."""
_HEADING = re.compile(r"^(Cypher \w+|Schema) error( at line \d+, col \d+)?: ")
_ADVICE = re.compile(r"(?<=\.) (Hints?:|Add a LIMIT|Available:).*$")


def check_query(cypher: str, *, max_rows: int, timeout: float) -> Sequence[Token]:
    """Refuse a query before anything is done for it; its tokens.

    Raises:
        QueryError: It writes, is not Cypher, or has no room or time.
    """
    if max_rows < 1 or timeout <= 0:
        raise QueryError(f"a query needs room for one row at least and some time, not {max_rows} rows and {timeout} s")
    tokens = tokenize(split_version(cypher)[1])
    check_read_only(cypher, tokens)
    return tokens


def run_query(
    snapshot: Any,
    cypher: str,
    parameters: Mapping[str, Any] | None,
    *,
    max_rows: int,
    timeout: float,
    copy: Callable[[], Any],
) -> QueryResult:
    """Run a query.

    Args:
        snapshot: A frozen graph; it has no way to be changed.
        cypher: One statement.
        parameters: Its parameters.
        max_rows: Rows to give at most.
        timeout: Seconds after which it is stopped.
        copy: Gives a copy of the snapshot's graph that may be changed, and is thrown away after the query.

    Raises:
        QueryError: It is refused, is not Cypher, or takes too long.
    """
    _, cypher = split_version(cypher)
    tokens = check_query(cypher, max_rows=max_rows, timeout=timeout)
    started = time.perf_counter()
    result, named = _run(snapshot, cypher, tokens, dict(parameters or {}), max_rows, timeout, copy)
    values = [result.column(name) for name in result.columns]
    rows = [tuple(map(shown_value, row)) for row in zip(*values, strict=True)]
    return QueryResult(
        columns=named or tuple(map(shown_text, result.columns)),
        rows=rows[:max_rows],
        truncated=len(rows) > max_rows,
        seconds=time.perf_counter() - started,
        warnings=tuple(shown_text(text) for text in result.warnings if not text.startswith("Result truncated")),
    )


def _run(
    snapshot: Any,
    cypher: str,
    tokens: Sequence[Token],
    parameters: dict[str, Any],
    max_rows: int,
    timeout: float,
    copy: Callable[[], Any],
) -> tuple[Any, tuple[str, ...] | None]:
    """The result and the names of its columns, where the query tells them."""
    stored = {name: stored_value(value) for name, value in parameters.items()}
    until = time.perf_counter() + timeout
    limit: int | None = max_rows + 1
    maps_as_conditions = False
    while True:
        statement = translate(cypher, tokens, limit=limit, parameters=parameters, maps_as_conditions=maps_as_conditions)
        try:
            if statement.chains:
                snapshot = _with_chains(copy(), statement.chains, stored, until)
            result = snapshot.cypher(
                statement.text,
                params=stored,
                timeout_ms=_left(until),
                row_limit=max_rows + 1,
            )
            return result, statement.columns
        except kglite.CypherSyntaxError as error:
            # What is wrong is told of the statement without the limit, which is the one the user wrote.
            if limit is None:
                raise _query_error(error, statement, timeout) from None
            limit = None
        except (kglite.KgError, TypeError, ValueError, OverflowError, RecursionError) as error:
            if maps_as_conditions or "Unknown property" not in str(error):
                raise _query_error(error, statement, timeout) from None
            maps_as_conditions = True


def _with_chains(graph: Any, chains: Sequence[Chain], parameters: dict[str, Any], until: float) -> Any:
    """A graph with the relationships that the shortest paths of a query may use, under types of their own."""
    for chain in chains:
        pairs = _between(graph, chain, parameters, until)
        found, a, b = ("", "", "")
        if pairs is not None:
            found = "UNWIND $skillgraph_pairs AS skillgraph_p "
            a, b = ":Skill {key: skillgraph_p[0]}", ":Skill {key: skillgraph_p[1]}"
        graph.cypher(
            f"{found}MATCH (skillgraph_a{a})-[skillgraph_r:`{chain.type}`]->(skillgraph_b{b}) WHERE {chain.condition} "
            f"CREATE (skillgraph_a)-[skillgraph_q:`{chain.name}`]->(skillgraph_b) "
            "SET skillgraph_q = properties(skillgraph_r)",
            params={**parameters, "skillgraph_pairs": pairs},
            timeout_ms=_left(until),
        )
    return graph.freeze()


def _between(graph: Any, chain: Chain, parameters: dict[str, Any], until: float) -> list[list[str]] | None:
    """Ends of all relationships on shortest paths, and of others; None if those of the whole graph are wanted.

    From both ends of each path in turns, a relationship further each time, until the two sides meet.
    """
    if chain.ends is None or chain.type not in _OF_SKILLS:
        return None
    ends = graph.cypher(chain.ends, params=parameters, timeout_ms=_left(until), row_limit=_FEW_PATHS + 1)
    pairs = list(zip(ends.column("a"), ends.column("b"), strict=True))
    if len(pairs) > _FEW_PATHS or any(a is None or b is None or a == b for a, b in pairs):
        return None
    found: dict[tuple[str, str], None] = {}
    for a, b in pairs:
        seen, front = [{a}, {b}], [{a}, {b}]
        while not seen[0] & seen[1] and all(front):
            side = int(len(front[1]) < len(front[0]))
            reached: set[str] = set()
            for forward in _WAYS[chain.direction][side]:
                near, far = ("a", "b") if forward else ("b", "a")
                rows = graph.cypher(
                    f"UNWIND $skillgraph_front AS skillgraph_k MATCH (skillgraph_{near}:Skill {{key: skillgraph_k}})"
                    f"{'' if forward else '<'}-[skillgraph_r:`{chain.type}`]-{'>' if forward else ''}"
                    f"(skillgraph_{far}:Skill) WHERE {chain.condition} "
                    "RETURN DISTINCT skillgraph_a.key AS a, skillgraph_b.key AS b",
                    params={**parameters, "skillgraph_front": sorted(front[side])},
                    timeout_ms=_left(until),
                )
                found |= dict.fromkeys(zip(rows.column("a"), rows.column("b"), strict=True))
                reached |= set(rows.column(far))
            if len(found) > _MANY_STEPS:
                return None
            front[side] = reached - seen[side]
            seen[side] |= reached
    return [list(pair) for pair in found]


def _left(until: float) -> int:
    """Milliseconds until then, one at least."""
    return max(1, int((until - time.perf_counter()) * 1000))


def _query_error(error: Exception, statement: Statement, timeout: float) -> QueryError:
    if isinstance(error, kglite.ReadOnlyError):
        return QueryError("the query changes the store, but a query may only read: remove the clauses that write")
    if isinstance(error, kglite.CypherTimeoutError):
        return QueryError(too_long(timeout))
    message = _ADVICE.sub("", _HEADING.sub("", " ".join(shown_text(str(error).partition("\n")[0]).split())))
    if "safety ceiling" in message:
        message = "it makes more intermediate rows or list items than fit into memory: narrow it or add a LIMIT"
    line, column = getattr(error, "line", None), getattr(error, "col", None)
    if line is not None and column is not None:
        line, column = statement.written_at(line, column)
        return QueryError(f"line {line}, column {column}: {message}")
    return QueryError(f"the query is refused: {message}")
