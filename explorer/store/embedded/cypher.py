"""Cypher and its values as the embedded store needs them, and back.

kglite, the embedded graph, gives every node fields of its own called `id`, `title` and `type`, answers some more
names from them (`name`, `label`, ...), and finds only one node of those that share an `id`. The graph schema has
properties of these names with other meanings. So they are stored under a prefix, and wherever a statement names
such a property the prefix is added, on parameters too; results are shown without it. What kglite itself adds
(bare `id`, `title`, `type`) can then never be a property of ours, and is left out of results.

Further differences evened out here: block comments, shorthand in map projections (`s {name}`), names with
letters beyond ASCII, what `keys` lists, and how the percentile functions are spelt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from explorer.store.cypher_guard import Token, line_and_column
from explorer.store.protocol import Node, Path, Relationship

__all__ = ["PREFIX", "Statement", "quoted", "shown_text", "shown_value", "stored_name", "stored_value", "translate"]

PREFIX = "skillgraph_"
"""Put before the name of a stored property that kglite would answer itself."""

_NODE_FIELDS = ("id", "title", "type", "name", "label", "node_type")
_RELATIONSHIP_FIELDS = ("connection_type", "start", "end", "start_id", "end_id")
# A result spells a path as a map with these keys; no map of the user's may look like one.
_PATH_FIELDS = ("nodes", "relationships")
_RENAMED = frozenset((*_NODE_FIELDS, *_RELATIONSHIP_FIELDS, *_PATH_FIELDS))
_ADDED = frozenset({"id", "title", "type"})
_SHOWN = re.compile(rf"\b{PREFIX}({'|'.join(sorted(_RENAMED))})\b")
_FUNCTIONS = {"percentilecont": "percentile_cont", "percentiledisc": "percentile_disc"}
_SHOWN_FUNCTIONS = {"percentile_cont(": "percentileCont(", "percentile_disc(": "percentileDisc("}
# keys(x) without what kglite adds; the list still holds stored names, so that x[key] finds them.
_KEYS = ("[skillgraph_key IN keys(", ") WHERE NOT skillgraph_key IN ['id', 'title', 'type']]")
_STRING_KEY = re.compile(r"""(['"])(\w+)\1""")
# Words that may stand before "[" or "{" without being what is looked into.
# fmt: off
_KEYWORDS = frozenset({
    "AND", "AS", "ASC", "BY", "CALL", "CASE", "COLLECT", "CONTAINS", "COUNT", "DESC", "DISTINCT", "ELSE",
    "ENDS", "EXISTS", "IN", "IS", "LIMIT", "MATCH", "NOT", "ON", "OR", "RETURN", "SKIP", "STARTS", "THEN",
    "UNION", "UNWIND", "WHEN", "WHERE", "WITH", "XOR",
})
# fmt: on


def stored_name(name: str) -> str:
    """Name under which a property is stored.

    >>> stored_name("title"), stored_name("class")
    ('skillgraph_title', 'class')
    """
    return PREFIX + name if name in _RENAMED else name


def quoted(name: str) -> str:
    """The stored name of a property, in backticks, for a statement."""
    return "`" + stored_name(name).replace("`", "``") + "`"


def stored_value(value: Any) -> Any:
    """A parameter with the keys of its maps as they are stored."""
    if isinstance(value, Mapping):
        return {stored_name(key): stored_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [stored_value(item) for item in value]
    return value


def shown_text(text: str) -> str:
    """A message or a column's name with properties as the user knows them."""
    for start, end in ((_KEYS[1], ")"), (_KEYS[0], "keys("), *_SHOWN_FUNCTIONS.items()):
        text = text.replace(start, end)
    return _SHOWN.sub(r"\1", text)


def shown_value(value: Any) -> Any:
    """A result as the protocol's records, scalars, lists and maps; times become ISO 8601 text."""
    if isinstance(value, Mapping):
        return _shown_map(value)
    if isinstance(value, list | tuple):
        return [shown_value(item) for item in value]
    if isinstance(value, str):
        match = _SHOWN.fullmatch(value)
        return match[1] if match else value
    return value.isoformat() if isinstance(value, date | time) else value


def _shown_map(value: Mapping[str, Any]) -> Any:
    keys = value.keys()
    if keys == {"id", "labels", "properties"}:
        return Node(str(value["id"]), tuple(value["labels"]), _properties(value["properties"]))
    if keys == {"id", "start", "end", "type", "properties"}:
        start, end = str(value["start"]), str(value["end"])
        return Relationship(str(value["id"]), value["type"], start, end, _properties(value["properties"]))
    if keys == {"nodes", "relationships"}:
        return Path(tuple(map(shown_value, value["nodes"])), tuple(map(shown_value, value["relationships"])))
    return _properties(value)


def _properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key.removeprefix(PREFIX): shown_value(item) for key, item in properties.items() if key not in _ADDED}
    return dict(sorted(shown.items()))


@dataclass(frozen=True)
class Statement:
    """A statement as kglite gets it.

    Attributes:
        text: The statement.
        cypher: What the user wrote.
        places: Where each token starts, in `text` and in `cypher`.
    """

    text: str
    cypher: str
    places: tuple[tuple[int, int], ...]

    def written_at(self, line: int, column: int) -> tuple[int, int]:
        """Line and column of what the user wrote for a line and column of `text`."""
        lines = self.text.split("\n")
        position = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        before = [place for place in self.places if place[0] <= position]
        if not before:
            return line, column
        stored, written = before[-1]
        return line_and_column(self.cypher, min(written + position - stored, len(self.cypher)))


def translate(cypher: str, tokens: Sequence[Token], *, limit: int | None = None) -> Statement:
    """The statement for kglite.

    Args:
        cypher: What the user wrote; it has passed `check_read_only`.
        tokens: Its tokens.
        limit: Rows to ask for where the statement itself names no limit.

    Returns:
        The same statement with names as they are stored, every comment blank.
    """
    if tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    brackets, opened = _brackets(tokens)
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    length = end = 0
    for place, token in enumerate(tokens):
        gap = re.sub(r"\S", " ", cypher[end : token.start])
        text = _emitted(tokens, place, brackets[place], opened.get(place))
        places.append((length + len(gap), token.start))
        pieces += (gap, text)
        length += len(gap) + len(text)
        end = token.start + len(token.text)
    if limit is not None and _takes_limit(tokens, brackets):
        pieces.append(f"\nLIMIT {limit}")
    return Statement("".join(pieces), cypher, tuple(places))


def _brackets(tokens: Sequence[Token]) -> tuple[list[int | None], dict[int, int]]:
    """For each token, the place of the bracket it is directly in; for each closing bracket, that of its opening."""
    closing = {")": "(", "]": "[", "}": "{"}
    open_places: list[int] = []
    innermost: list[int | None] = []
    opened: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.text in closing and open_places and tokens[open_places[-1]].text == closing[token.text]:
            opened[place] = open_places.pop()
        innermost.append(open_places[-1] if open_places else None)
        if token.kind == "symbol" and token.text in closing.values():
            open_places.append(place)
    return innermost, opened


def _emitted(tokens: Sequence[Token], place: int, bracket: int | None, opened: int | None) -> str:
    token = tokens[place]
    if opened is not None and _is_keys_function(tokens, opened - 1):
        return _KEYS[1]
    if _is_keys_function(tokens, place - 1):
        return ""
    before = tokens[place - 1].text if place else ""
    after = tokens[place + 1].text if place + 1 < len(tokens) else ""
    if token.name:
        if before == "." and after != "(" and not _in_procedure_name(tokens, place):
            return _name(token, stored=True)
        if bracket is not None and tokens[bracket].text == "{" and before in ("{", ","):
            if after == ":":
                return _name(token, stored=True)
            if after in (",", "}") and _is_variable(tokens, bracket - 1):
                return f"{_name(token, stored=True)}: {_name(token)}"
        if _is_keys_function(tokens, place):
            return _KEYS[0]
        return _FUNCTIONS.get(token.text.lower(), _name(token)) if after == "(" and before != "." else _name(token)
    match = _STRING_KEY.fullmatch(token.text) if token.kind == "string" else None
    if match and before == "[" and after == "]" and _is_value(tokens, place - 2):
        return f"{match[1]}{stored_name(match[2])}{match[1]}"
    return token.text


def _name(token: Token, *, stored: bool = False) -> str:
    if stored and token.name in _RENAMED:
        return PREFIX + token.name
    return token.text if token.kind == "quoted" or token.text.isascii() else f"`{token.text}`"


def _is_value(tokens: Sequence[Token], place: int) -> bool:
    """True if the token at `place` ends an expression that "[" looks into."""
    if place >= 0 and (tokens[place].kind == "parameter" or tokens[place].text in (")", "]", "}")):
        return True
    return _is_variable(tokens, place)


def _is_variable(tokens: Sequence[Token], place: int) -> bool:
    """True if the token at `place` can be a variable, of which "{" projects a map."""
    return place >= 0 and bool(tokens[place].name) and tokens[place].text.upper() not in _KEYWORDS


def _is_keys_function(tokens: Sequence[Token], place: int) -> bool:
    if place < 0 or place + 1 >= len(tokens) or tokens[place].text.lower() != "keys" or tokens[place + 1].text != "(":
        return False
    return place == 0 or tokens[place - 1].text != "."


def _in_procedure_name(tokens: Sequence[Token], place: int) -> bool:
    while place >= 2 and tokens[place - 1].text == "." and tokens[place - 2].name:
        place -= 2
    return place > 0 and tokens[place - 1].name.upper() == "CALL"


def _takes_limit(tokens: Sequence[Token], brackets: Sequence[int | None]) -> bool:
    """True if the statement ends in a RETURN that can be given a limit."""
    words = [
        token.text.upper()
        for place, token in enumerate(tokens)
        if token.kind == "word" and brackets[place] is None and (not place or tokens[place - 1].text != ".")
    ]
    if "RETURN" not in words:
        return False
    last = len(words) - 1 - words[::-1].index("RETURN")
    return not {"UNION", "INTERSECT", "EXCEPT"} & set(words) and not {"LIMIT", "HAVING"} & set(words[last:])
