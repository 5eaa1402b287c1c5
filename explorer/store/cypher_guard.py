"""What a read-only Cypher statement may say, decided on its tokens.

Stores refuse writes themselves; this refuses what a store would run although it is no read of the graph:
reading files, procedures beyond a short list, and commands about the server. It works on tokens, so words in
strings and comments do not count, and backticks, case and line breaks do not hide anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from explorer.errors import QueryError

__all__ = [
    "READ_PROCEDURES",
    "WRITES",
    "Token",
    "check_read_only",
    "instead_of",
    "line_and_column",
    "split_version",
    "tokenize",
]

READ_PROCEDURES = frozenset(
    {
        "db.labels",
        "db.propertyKeys",
        "db.relationshipTypes",
        "db.schema.nodeTypeProperties",
        "db.schema.relTypeProperties",
        "db.schema.visualization",
    }
)
"""Procedures that a query may call: they describe what the graph holds."""

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+|//[^\n\r]*|/\*.*?\*/)
    | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<quoted>`(?:``|[^`])*`)
    | (?P<parameter>\$(?:\w+|`(?:``|[^`])*`))
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<symbol>\.\.|::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_UNFINISHED = {"'": "string", '"': "string", "`": "name in backticks", "/*": "comment"}
_VERSIONS = ("5", "25")
_OPENING = ("MATCH", "OPTIONAL", "WITH", "UNWIND", "CALL", "RETURN")
WRITES = ("CREATE", "MERGE", "SET", "DELETE", "DETACH", "NODETACH", "REMOVE", "FOREACH", "INSERT", "DROP", "ALTER")
"""Words that begin a clause or command that changes something."""
_FULL_TEXT = "db.index.fulltext."
_INSTEAD = "; toLower(x.name) CONTAINS 'word' finds names on both stores"
_PLAN = "the result does not hold the plan of a query: run the query as it is, or look at its plan in Neo4j Browser"
_USUAL = {
    "EXPLAIN": _PLAN,
    "PROFILE": _PLAN,
    "SHOW": "CALL db.labels(), CALL db.relationshipTypes() and CALL db.schema.visualization() show what there is",
    "USE": "the option --store or the environment chooses the store",
    "LET": "write WITH *, … AS x",
    "FILTER": "write WITH * WHERE …",
    "NEXT": "write WITH in the place of RETURN … NEXT",
    "FINISH": "end with RETURN count(*)",
    "WHEN": "write CASE WHEN … within an expression",
    "ORDER": "write WITH * ORDER BY …",
    "LIMIT": "write WITH * LIMIT …",
}
_FILE_WORDS = {("LOAD", "CSV"): "LOAD CSV reads files", ("FORMAT", "CSV"): "FORMAT CSV is for another program"}


@dataclass(frozen=True)
class Token:
    """A piece of a statement that is neither blank nor comment.

    Attributes:
        kind: `word`, `quoted` (a name in backticks), `string`, `number`, `parameter` or `symbol`.
        text: As written.
        start: Position of its first character in the statement.
    """

    kind: str
    text: str
    start: int

    @property
    def name(self) -> str:
        """The name that a word or a name in backticks spells; empty for other tokens."""
        if self.kind == "word":
            return self.text
        return self.text[1:-1].replace("``", "`") if self.kind == "quoted" else ""


def tokenize(cypher: str) -> tuple[Token, ...]:
    """The tokens of a statement.

    >>> [token.text for token in tokenize("RETURN n.`a b` // done")]
    ['RETURN', 'n', '.', '`a b`']

    Raises:
        QueryError: A string, name or comment is not closed.
    """
    tokens = []
    for match in _TOKEN.finditer(cypher):
        kind, text, start = str(match.lastgroup), match.group(), match.start()
        if kind == "blank":
            continue
        opened = "/*" if cypher.startswith("/*", start) else text
        if kind == "symbol" and opened in _UNFINISHED:
            raise QueryError(f"{_at(cypher, start)}: this {_UNFINISHED[opened]} is not closed")
        tokens.append(Token(kind, text, start))
    return tuple(tokens)


def line_and_column(cypher: str, position: int) -> tuple[int, int]:
    r"""Line and column, from 1, of a position in a statement.

    >>> line_and_column("MATCH (n)\nRETURN m", 17)
    (2, 8)
    """
    line = cypher.count("\n", 0, position) + 1
    return line, position - (cypher.rfind("\n", 0, position) + 1) + 1


def split_version(cypher: str) -> tuple[str, str]:
    """The version of Cypher that a query names before anything else, and the query with blanks in its place.

    >>> split_version("CYPHER 25 RETURN 1")
    ('CYPHER 25 ', '          RETURN 1')
    >>> split_version("RETURN 1")
    ('', 'RETURN 1')

    Raises:
        QueryError: The query has a character or an end that Cypher has not.
    """
    tokens = tokenize(cypher)[:2]
    if len(tokens) < 2 or tokens[0].text.upper() != "CYPHER" or tokens[1].text not in _VERSIONS:
        return "", cypher
    end = tokens[1].start + len(tokens[1].text)
    rest = "".join(character if character == "\n" else " " for character in cypher[: end + 1])
    return f"CYPHER {tokens[1].text} ", rest + cypher[end + 1 :]


def check_read_only(cypher: str, tokens: Sequence[Token], *, procedures: frozenset[str] = READ_PROCEDURES) -> None:
    """Refuse a statement that is more than one, or that does more than read the graph.

    Writes within a statement that opens with a read (`MATCH (n) DELETE n`) are left to the store, which knows
    them by its own grammar.

    Args:
        cypher: The statement.
        tokens: Its tokens.
        procedures: Procedures that may be called.

    Raises:
        QueryError: With line and column of the word that is refused.
    """
    if not tokens:
        raise QueryError("the query is empty; for example: MATCH (s:Skill) RETURN s.name LIMIT 10")
    for token, after in pairwise(tokens):
        if token.text == ";":
            raise QueryError(f"{_at(cypher, after.start)}: give one statement at a time")
    _check_opening(cypher, tokens)
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        words = (token.name.upper(), following.name.upper() if following else "")
        if words in _FILE_WORDS:
            raise QueryError(f"{_at(cypher, token.start)}: {_FILE_WORDS[words]}, but a query may only read the graph")
        if words[0] == "CALL" and words[1] and not _is_key(tokens, place):
            _check_procedure(cypher, tokens, place + 1, procedures)


def instead_of(word: str) -> str:
    """What to write where both stores do not know a clause, after a semicolon; empty for words that are no clause.

    >>> instead_of("filter")
    '; write WITH * WHERE …'
    """
    return f"; {_USUAL[word.upper()]}" if word.upper() in _USUAL else ""


def _check_opening(cypher: str, tokens: Sequence[Token]) -> None:
    word, at = tokens[0].name.upper(), _at(cypher, tokens[0].start)
    if word in WRITES:
        raise QueryError(f"{at}: {word} changes the store, but a query may only read; use `skillgraph load` to write")
    if word not in _OPENING:
        known = f"{', '.join(_OPENING[:-1])} or {_OPENING[-1]}"
        raise QueryError(f"{at}: a query starts with {known}, not {tokens[0].text!r}{instead_of(word)}")


def _check_procedure(cypher: str, tokens: Sequence[Token], place: int, procedures: frozenset[str]) -> None:
    start, name = tokens[place].start, tokens[place].name
    while place + 2 < len(tokens) and tokens[place + 1].text == "." and tokens[place + 2].name:
        name += "." + tokens[place + 2].name
        place += 2
    if name.lower() not in {allowed.lower() for allowed in procedures}:
        raise QueryError(
            f"{_at(cypher, start)}: procedure {name} is not allowed in a query; allowed are "
            f"{', '.join(sorted(procedures))}{_INSTEAD if name.lower().startswith(_FULL_TEXT) else ''}"
        )


def _is_key(tokens: Sequence[Token], place: int) -> bool:
    """True if the word names a property, label or parameter rather than a clause."""
    before = tokens[place - 1].text if place else ""
    after = tokens[place + 1].text if place + 1 < len(tokens) else ""
    return before in (".", ":", "|", "&") or after == ":"


def _at(cypher: str, position: int) -> str:
    line, column = line_and_column(cypher, position)
    return f"line {line}, column {column}"
