"""A query of the embedded store in a process of its own, with a limit on its memory and a hard end to its time.

The graph cannot be interrupted within one expression, and ends its process where it gets no more memory. In a process
of its own neither reaches who asked.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from explorer.errors import QueryError, SkillgraphError
from explorer.store.protocol import QueryResult
from explorer.temporary import forget_child, private_folder

__all__ = ["GRACE_SECONDS", "memory_limit", "query_in_child", "too_large", "too_long"]

GRACE_SECONDS = 2.0
"""How much longer than its limit a query may run before its process is ended."""

_GIBIBYTE = 2**30
_OPEN = "open"


def too_large(gibibytes: float) -> str:
    """The message for a query that needs more memory than it may use."""
    return (
        f"the query needs more than {gibibytes:g} GiB of memory and was stopped: narrow the query, or allow more "
        "memory with --memory"
    )


def too_long(seconds: float) -> str:
    """The message for a query that takes longer than it may."""
    return f"the query took longer than {seconds:g} s and was stopped: narrow the query or allow more time"


@contextmanager
def memory_limit(gibibytes: float) -> Iterator[None]:
    """Let this process take so much more memory than it has now; more ends it, or is a `MemoryError`.

    Where the system knows no such limit (Windows, macOS), there is none.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        wanted = pages * resource.getpagesize() + int(gibibytes * _GIBIBYTE)
        hard = before[1]
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    except (ImportError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def query_in_child(
    path: Path, cypher: str, parameters: Mapping[str, Any] | None, *, max_rows: int, timeout: float, memory: float
) -> QueryResult:
    """Run a read-only query on a store's file in a process of its own.

    Args:
        path: The store.
        cypher: One statement.
        parameters: Its parameters.
        max_rows: Rows to give at most.
        timeout: Seconds after which it is stopped, opening the store not counted.
        memory: GiB that it may take beyond what the open store takes.

    Raises:
        QueryError: It is refused, is not Cypher, takes too long or too much memory.
        SkillgraphError: The store cannot be read.
    """
    private_folder()  # so that the child's is inside of it
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(
        target=_serve,
        args=(theirs, path, cypher, dict(parameters or {}), max_rows, timeout, memory),
        name="skillgraph-query",
        daemon=True,
    )
    child.start()
    theirs.close()
    try:
        outcome = ours.recv()
        if outcome == _OPEN:
            if not ours.poll(timeout + GRACE_SECONDS):
                raise QueryError(too_long(timeout))
            outcome = ours.recv()
    except EOFError:
        raise QueryError(too_large(memory)) from None
    finally:
        child.kill()
        child.join()
        forget_child(child.pid)
        ours.close()
    if isinstance(outcome, QueryResult):
        return outcome
    kind, message = outcome
    raise (QueryError if kind == "query" else SkillgraphError)(message)


def _serve(
    channel: Connection[Any, Any],
    path: Path,
    cypher: str,
    parameters: dict[str, Any],
    max_rows: int,
    timeout: float,
    memory: float,
) -> None:
    """The child's life: one query."""
    import os
    import signal

    from explorer.store.embedded.store import EmbeddedStore

    # Ctrl-C in a terminal reaches all processes; who asked ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # An aborted query says nothing on standard error: who asked says it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    outcome: Any
    try:
        store = EmbeddedStore(path, mode="read")
        store.prepare_query()
        channel.send(_OPEN)
        outcome = store.query_at_risk(cypher, parameters, max_rows=max_rows, timeout=timeout, memory=memory)
    except QueryError as error:
        outcome = ("query", str(error))
    except SkillgraphError as error:
        outcome = ("store", str(error))
    channel.send(outcome)
