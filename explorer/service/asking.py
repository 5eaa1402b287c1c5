"""A read-only query as the command line and agents ask it: with limits, and the cookbook's parameters filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from explorer.errors import QueryError
from explorer.options import LIMITS
from explorer.service.recipes import recipe_values, unmatched
from explorer.store.protocol import Bounded, QueryResult, Store

__all__ = ["Answer", "ask"]


@dataclass(frozen=True)
class Answer:
    """What a query gave.

    Attributes:
        result: Its rows.
        chosen: Recipe parameters that were not given, with the values that were chosen for them.
        unmatched: One sentence for each given parameter that names nothing in the store, where there are no rows.
    """

    result: QueryResult
    chosen: Mapping[str, Any]
    unmatched: tuple[str, ...]


def ask(
    store: Store,
    cypher: str,
    given: Mapping[str, Any] | None = None,
    *,
    max_rows: int = LIMITS.query_rows,
    timeout: float = LIMITS.query_seconds,
    memory: float | None = LIMITS.query_memory,
) -> Answer:
    """Ask Cypher; nothing can be written.

    Args:
        store: Where to ask.
        cypher: One read-only statement.
        given: Values of its parameters; those of the cookbook's recipes that are missing are chosen.
        max_rows: Rows to give at most.
        timeout: Seconds after which it is stopped.
        memory: GiB that it may take on the embedded store, where it runs in a process of its own; None asks in this
            process, without that limit.

    Raises:
        QueryError: It is refused, is not Cypher, takes too long or too much memory.
    """
    values = dict(given or {})
    wanted = set(re.findall(r"\$(\w+)", cypher))
    chosen = recipe_values(store, values, wanted)
    if wanted - values.keys() - chosen.keys() and (nothing := unmatched(store, values)):
        raise QueryError("; ".join(nothing))
    run = store.query
    if memory is not None and isinstance(store, Bounded):
        run = partial(store.query_in_child, memory=memory)
    result = run(cypher, {**values, **chosen}, max_rows=max_rows, timeout=timeout)
    return Answer(result, chosen, tuple(unmatched(store, values)) if values and not result.rows else ())
