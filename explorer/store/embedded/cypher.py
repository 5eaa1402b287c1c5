"""A query as kglite, the embedded graph, gets it: with stored names, and in a form that gives Neo4j's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.store.cypher_guard import Token, line_and_column
from explorer.store.cypher_syntax import Piece, parse_query
from explorer.store.embedded.rewriting import Chain, Writer

__all__ = ["Statement", "translate"]


@dataclass(frozen=True)
class Statement:
    """A statement as kglite gets it.

    Attributes:
        text: The statement.
        cypher: What the user wrote.
        places: Where each token starts, in `text` and in `cypher`.
        columns: The names of the result's columns; `None` where the graph knows them.
        chains: Relationships that it asks for under types of their own, which must be made first.
    """

    text: str
    cypher: str
    places: tuple[tuple[int, int], ...]
    columns: tuple[str, ...] | None = None
    chains: tuple[Chain, ...] = ()

    def written_at(self, line: int, column: int) -> tuple[int, int]:
        """Line and column of what the user wrote for a line and column of `text`."""
        lines = self.text.split("\n")
        position = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        before = [place for place in self.places if place[0] <= position]
        if not before:
            return line, column
        stored, written = before[-1]
        return line_and_column(self.cypher, min(written + position - stored, len(self.cypher)))


def translate(
    cypher: str,
    tokens: Sequence[Token],
    *,
    limit: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    maps_as_conditions: bool = False,
) -> Statement:
    """The statement for kglite.

    Args:
        cypher: What the user wrote; it has passed `check_read_only`.
        tokens: Its tokens.
        limit: Rows to ask for where the statement itself names no limit.
        parameters: The values it is given.
        maps_as_conditions: See `Writer`.

    Returns:
        The statement with names as they are stored, without comments.

    Raises:
        QueryError: It is not Cypher, or has a construct that this store cannot answer as Neo4j does.
    """
    if tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    tree = parse_query(cypher, tokens)
    writer = Writer(cypher, tokens, tree, parameters or {}, maps_as_conditions=maps_as_conditions)
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    length = 0
    for text, place in writer.chunks():
        if place is not None:
            places.append((length + len(text) - len(text.lstrip()), tokens[place].start))
        pieces.append(text)
        length += len(text)
    if limit is not None and _takes_limit(tree):
        pieces.append(f"\nLIMIT {limit}")
    return Statement("".join(pieces), cypher, tuple(places), writer.columns(), writer.chains())


def _takes_limit(tree: Piece) -> bool:
    """True if the statement ends in a RETURN that can be given a limit."""
    last = tree.parts[-1].parts[-1]
    return len(tree.parts) == 1 and last.kind == "projection" and last.name == "RETURN" and "limit" not in last.roles
