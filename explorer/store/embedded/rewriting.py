"""A query of Neo4j's Cypher as the embedded graph must be asked to give Neo4j's answer.

kglite, the embedded graph, answers some constructs otherwise than Neo4j or does not know them. Each is written here in
a form that gives Neo4j's answer, or is refused with the spelling that works on both stores. The list of differences in
docs/cookbook.md is made from `REFUSED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from explorer.errors import QueryError
from explorer.store.cypher_guard import Token, line_and_column
from explorer.store.cypher_syntax import AGGREGATES, Piece
from explorer.store.embedded.names import CHAIN, KEYS, stored_key, stored_name

__all__ = ["REFUSED", "Chain", "Writer"]

Chunk = tuple[str, int | None]
"""Text for kglite and the place of the token that it comes from."""

REFUSED: dict[str, str] = {
    "duration.between": "duration.inMonths(a, b), duration.inDays(a, b) or duration.inSeconds(a, b)",
    "point": "two numbers of your own",
    "distance": "two numbers of your own",
    "round with a mode": "round(x) or round(x, places)",
    "labels that are not joined by | alone, in a pattern within an expression": "EXISTS { MATCH … WHERE … }",
    "properties in shortestPath": "WHERE all(r IN relationships(p) WHERE r.layer = …)",
    "COLLECT { … }": "CALL (x) { … RETURN collect(…) AS list }",
}
"""What is refused, and what to write instead."""

_FROM_FEW = frozenset({"LEARNED", "LACKS", "ATTEMPTED"})
_INFINITY = "(1e308 * 10)"
_NAN = "(1e308 * 10 - 1e308 * 10)"
_RESERVED = frozenset(
    [
        "ALL",
        "ANY",
        "NONE",
        "SINGLE",
        "AND",
        "AS",
        "ASC",
        "BY",
        "CALL",
        "CASE",
        "CONTAINS",
        "DESC",
        "DISTINCT",
        "ELSE",
        "END",
        "ENDS",
        "EXISTS",
        "FALSE",
        "IN",
        "IS",
        "LIMIT",
        "MATCH",
        "NOT",
        "NULL",
        "ON",
        "OR",
        "ORDER",
        "RETURN",
        "SKIP",
        "STARTS",
        "THEN",
        "TRUE",
        "UNION",
        "UNWIND",
        "WHEN",
        "WHERE",
        "WITH",
        "XOR",
        "COUNT",
        "COLLECT",
        "SET",
        "CREATE",
        "DELETE",
        "MERGE",
        "REMOVE",
        "DETACH",
        "OPTIONAL",
        "YIELD",
        "USING",
        "HAVING",
        "EXCEPT",
        "INTERSECT",
        "REDUCE",
    ]
)
_RENAMED_FUNCTIONS = {
    "percentilecont": "percentile_cont",
    "percentiledisc": "percentile_disc",
    "upper": "toUpper",
    "lower": "toLower",
    "char_length": "size",
    "character_length": "size",
}
_LIST_FUNCTIONS = {
    "collect", "labels", "keys", "nodes", "relationships", "range", "split", "tail", "tointegerlist", "tofloatlist",
    "tostringlist",
}  # fmt: skip
_TYPES: dict[str, frozenset[str]] = {
    **dict.fromkeys(_LIST_FUNCTIONS, frozenset({"list", "null"})),
    **dict.fromkeys(
        ("tostring", "toupper", "tolower", "upper", "lower", "trim", "ltrim", "rtrim", "left", "right", "substring",
         "replace", "type", "elementid", "valuetype"),
        frozenset({"str", "null"}),
    ),
    **dict.fromkeys(("size", "length", "tointeger", "char_length", "character_length"), frozenset({"int", "null"})),
    "count": frozenset({"int"}),
    "id": frozenset({"int"}),
    **dict.fromkeys(
        ("tofloat", "sqrt", "log", "log10", "exp", "sin", "cos", "tan", "pi", "e", "rand", "ceil", "floor", "round",
         "avg", "stdev", "stdevp"),
        frozenset({"float", "null"}),
    ),
    "toboolean": frozenset({"bool", "null"}),
    **dict.fromkeys(("date", "date.truncate"), frozenset({"date", "null"})),
    **dict.fromkeys(
        ("datetime", "localdatetime", "time", "localtime", "datetime.truncate", "localdatetime.truncate"),
        frozenset({"datetime", "null"}),
    ),
    **dict.fromkeys(
        ("duration", "duration.indays", "duration.inmonths", "duration.inseconds"), frozenset({"duration"})
    ),
    "properties": frozenset({"map", "null"}),
}  # fmt: skip
_SCALAR = frozenset({"null", "bool", "int", "float", "str"})
_NUMBER = frozenset({"int", "float", "null"})
_TEMPORAL_FIELDS = frozenset(
    [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "week",
        "quarter",
        "dayOfWeek",
        "weekDay",
        "ordinalDay",
        "dayOfQuarter",
        "days",
        "months",
        "years",
        "hours",
        "minutes",
        "seconds",
        "epochSeconds",
        "epochMillis",
    ]
)


@dataclass(frozen=True)
class Chain:
    """Relationships of one type that satisfy a condition, under a type of their own.

    Attributes:
        type: Their type.
        name: The type that stands for it in the query.
        condition: Of `skillgraph_r`, and of its ends `skillgraph_a` and `skillgraph_b`.
        direction: Of the path: `->`, `<-` or `-`.
        ends: A statement that gives the keys of the two ends of each path, where they are known before.
    """

    type: str
    name: str
    condition: str
    direction: str = "-"
    ends: str | None = None


class Writer:
    """Writes a query for kglite, piece by piece.

    Args:
        cypher: The query.
        tokens: Its tokens.
        tree: Its tree.
        parameters: The values it is given, of which the types count.
        maps_as_conditions: Write `(n {key: value})` as `(n) WHERE n.key = value`; kglite refuses a key in a map that
            no node of the label has, and Neo4j finds nothing.
    """

    def __init__(
        self,
        cypher: str,
        tokens: Sequence[Token],
        tree: Piece,
        parameters: Mapping[str, Any],
        *,
        maps_as_conditions: bool = False,
    ) -> None:
        self._cypher, self._tokens, self._tree, self._parameters = cypher, tokens, tree, parameters
        self._maps_as_conditions = maps_as_conditions
        self._replaced: dict[tuple[str, ...], str] = {}
        self._columns: dict[tuple[str, ...], str] = {}
        self._named: frozenset[str] = frozenset()
        self._conditions: list[list[Chunk]] = []
        self._chain_of: dict[int, int] = {}
        self._chain_conditions: dict[int, list[str]] = {}
        self._chain_types: dict[int, tuple[str, ...]] = {}
        self._chain_paths: dict[int, tuple[Piece, str | None]] = {}
        self._before: list[Chunk] | None = None
        self._split = False
        self._invented = 0
        self._inner: int | None = None
        self._declared = dict[str, int]()
        for piece in tree.find("node", "item", "unwind"):
            variable = piece.roles.get("variable")
            self._declared.setdefault(piece.name if variable is None else variable.name, piece.start)
        self._listed = {id(piece.roles["pattern"]) for piece in tree.find("pattern_comprehension")}
        self._bound = {
            piece.roles["variable"].name: piece.kind
            for piece in tree.find("node", "relationship", "path")
            if "variable" in piece.roles
        }
        self._optional = any(piece.flag for piece in tree.find("match"))
        self._star = any(True for _ in tree.find("star"))
        self._variables: dict[str, frozenset[str] | None] = {}
        self._find_types()

    def chunks(self) -> list[Chunk]:
        """The whole query.

        Raises:
            QueryError: It has a construct that the embedded store cannot answer as Neo4j does.
        """
        self._check()
        return self._out(self._tree)

    def columns(self) -> tuple[str, ...] | None:
        """The names of its columns, as Neo4j gives them; `None` if only the graph knows (`RETURN *`, procedures)."""
        branch = self._tree.parts[0]
        last = branch.parts[-1]
        if last.kind != "projection" or "all" in last.roles:
            return None
        return tuple(item.name or self._source(item) for item in last.parts if item.kind == "item")

    # Helpers --------------------------------------------------------------------------------------------------

    def _source(self, piece: Piece) -> str:
        last = self._tokens[piece.end - 1]
        return self._cypher[self._tokens[piece.start].start : last.start + len(last.text)]

    def _words(self, piece: Piece) -> tuple[str, ...]:
        return tuple(token.name or token.text for token in self._tokens[piece.start : piece.end])

    def _refuse(self, piece: Piece, what: str) -> QueryError:
        line, column = line_and_column(self._cypher, self._tokens[piece.start].start)
        return QueryError(f"line {line}, column {column}: {what}")

    def _invent(self) -> str:
        self._invented += 1
        return f"skillgraph_v{self._invented}"

    def _gap(self, place: int, start: int) -> str:
        if place == start:
            return ""
        before = self._tokens[place - 1]
        return re.sub(r"\S", " ", self._cypher[before.start + len(before.text) : self._tokens[place].start])

    def _text(self, piece: Piece) -> str:
        return "".join(text for text, _ in self._out(piece))

    def _plain(self, piece: Piece, **skipped: Piece) -> list[Chunk]:
        """The tokens of a piece as they are, with its parts rewritten."""
        chunks: list[Chunk] = []
        parts = {part.start: part for part in piece.parts if part.start < part.end}
        place = piece.start
        while place < piece.end:
            gap = self._gap(place, piece.start)
            part = parts.get(place)
            if part is None or part is piece:
                chunks.append((gap + self._token(place), place))
                place += 1
                continue
            if part not in skipped.values():
                chunks += [(gap, None), *self._out(part)]
            place = part.end
        return chunks

    def _token(self, place: int) -> str:
        return _identifier(self._tokens[place])

    def _out(self, piece: Piece) -> list[Chunk]:
        if self._replaced and piece.kind not in ("item", "key", "order", "projection"):
            known = self._replaced.get(self._words(piece))
            if known is not None:
                return [(known, piece.start)]
        write = getattr(self, f"_write_{piece.kind}", None)
        return self._plain(piece) if write is None else write(piece)

    def _wrapped(self, piece: Piece, template: str, **texts: str) -> list[Chunk]:
        """A form in the place of a piece; each `{name}` is one of the texts."""
        return [(template.format(**texts), piece.start)]

    def _guard(self, piece: Piece) -> None:
        """A form with CASE is coming: kglite takes no aggregates in it."""
        if not self._replaced and any(_is_aggregate(part) for part in piece.find("call")):
            self._split = True

    # Types ----------------------------------------------------------------------------------------------------

    def _find_types(self) -> None:
        kinds = {"node": frozenset({"node", "null"}), "path": frozenset({"path", "null"})}
        for piece in self._tree.find("node", "path", "relationship"):
            if "variable" in piece.roles:
                several = piece.kind == "relationship" and piece.flag
                found = frozenset({"list", "null"}) if several else frozenset({"rel", "null"})
                self._variables[piece.roles["variable"].name] = kinds.get(piece.kind, found)
        for _ in range(2):
            for piece in self._tree.walk():
                if piece.kind == "item" and piece.name:
                    self._bind(piece.name, self._types(piece.roles["of"]))
                elif piece.kind == "unwind" or piece.kind in ("comprehension", "quantifier"):
                    self._bind(piece.roles["variable"].name, self._element(piece.roles["of"]))

    def _bind(self, name: str, types: frozenset[str] | None) -> None:
        known = self._variables.get(name, frozenset())
        self._variables[name] = None if types is None or known is None else known | types

    def _element(self, of: Piece) -> frozenset[str] | None:
        if of.kind == "list":
            every = [self._types(part) for part in of.parts]
            return None if any(types is None for types in every) else frozenset().union(*filter(None, every))
        if of.kind == "call" and of.name.lower() == "range":
            return frozenset({"int"})
        if of.kind == "call" and of.name.lower() in ("keys", "labels", "split"):
            return frozenset({"str"})
        if of.kind == "call" and of.name.lower() == "nodes":
            return frozenset({"node"})
        if of.kind == "call" and of.name.lower() == "relationships":
            return frozenset({"rel"})
        return None

    def _types(self, piece: Piece) -> frozenset[str] | None:
        """The types that a value can have; `None` if that is not known."""
        kind, name = piece.kind, piece.name.lower()
        if kind == "number":
            return frozenset({"int" if _integer(self._source(piece)) is not None else "float"})
        fixed = {
            "string": "str", "boolean": "bool", "null": "null", "list": "list", "map": "map", "comprehension": "list",
            "pattern_comprehension": "list", "map_projection": "map", "slice": "list",
        }  # fmt: skip
        if kind in fixed:
            return frozenset({fixed[kind]}) | (
                frozenset({"null"}) if kind in ("comprehension", "slice") else frozenset()
            )
        if kind == "parentheses":
            return self._types(piece.parts[0])
        if kind in ("comparison", "logic", "not", "in", "string_test", "matches", "is_null", "has_labels", "exists",
                    "pattern", "quantifier"):  # fmt: skip
            return frozenset({"bool", "null"})
        if kind == "inner_query":
            return frozenset({"bool"} if piece.name == "EXISTS" else {"int"} if piece.name == "COUNT" else {"list"})
        if kind == "parameter":
            return _type_of(self._parameters.get(self._tokens[piece.start].text[1:].strip("`")))
        if kind == "variable":
            return self._variables.get(piece.name)
        if kind == "property":
            base = self._types(piece.parts[0])
            if base is not None and base <= {"node", "rel", "null"}:
                return _SCALAR
            if base is not None and base & {"date", "datetime", "duration"} and piece.name in _TEMPORAL_FIELDS:
                return frozenset({"int", "null"})
            return None
        if kind == "call":
            if name in ("coalesce", "min", "max", "sum", "head", "last", "abs", "nullif"):
                every = [self._types(part) for part in piece.parts] if name not in ("head", "last") else [None]
                return (
                    None if any(types is None for types in every) else frozenset({"null"}).union(*filter(None, every))
                )
            return _TYPES.get(name)
        if kind == "case":
            return None
        if kind == "unary":
            return self._types(piece.parts[0])
        if kind == "arithmetic":
            return self._arithmetic_types(piece)
        return None

    def _arithmetic_types(self, piece: Piece) -> frozenset[str] | None:
        left, right = (self._types(part) for part in piece.parts)
        if left is None or right is None:
            return None
        both, operator = left | right, piece.name
        if operator in ("^",):
            return frozenset({"float", "null"})
        null = both & {"null"}
        if both <= _NUMBER:
            return frozenset({"int"} if both <= {"int"} else {"float", "int"} if "int" in both else {"float"}) | null
        if operator in ("+", "||"):
            if left <= {"list"} or right <= {"list"}:
                return frozenset({"list"}) | null
            if any("str" in side and side <= {"str", "null"} for side in (left, right)):
                return frozenset({"str"}) | null
        if both & {"date", "datetime"} and operator in "+-":
            return (
                frozenset({"duration"} if left & right & {"date", "datetime"} else both & {"date", "datetime"}) | null
            )
        if "duration" in both:
            return frozenset({"duration"}) | null
        return None

    def _only(self, piece: Piece, *types: str) -> bool:
        """True if a value is certainly of one of the types, null aside."""
        found = self._types(piece)
        return found is not None and bool(found - {"null"}) and found - {"null"} <= set(types)

    def _maybe(self, piece: Piece, kind: str) -> bool:
        found = self._types(piece)
        return found is not None and kind in found

    # Checks ---------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        self._check_patterns(self._tree, truth=False)
        for piece in self._tree.walk():
            if piece.kind == "projection":
                self._check_projection(piece)
            elif piece.kind == "inner_query" and piece.name == "COLLECT":
                raise self._refuse(
                    piece,
                    "COLLECT { … } is not supported by the embedded store: use CALL (x) "
                    "{ … RETURN collect(…) AS list }, which works on both stores",
                )
            elif piece.kind == "shortest":
                self._check_shortest(piece)

    def _check_patterns(self, piece: Piece, *, truth: bool) -> None:
        """A pattern is a value only where something is true or false."""
        if piece.kind == "pattern" and not truth:
            raise self._refuse(piece, f"a pattern is not a value: write EXISTS {{ {self._source(piece)} }}")
        for part in piece.parts:
            inherited = truth and piece.kind in ("parentheses", "logic", "not")
            own = piece.kind in ("where", "exists", "logic", "not", "inner_query", "pattern_comprehension")
            self._check_patterns(part, truth=own or inherited or (piece.kind == "case" and not piece.flag))

    def _check_projection(self, piece: Piece) -> None:
        items = [item for item in piece.parts if item.kind == "item"]
        if piece.name == "WITH":
            for item in items:
                if not item.name and item.roles["of"].kind != "variable":
                    raise self._refuse(item, f"name this with AS: WITH {self._source(item)} AS …")
        names = [item.name or self._source(item) for item in items]
        for name in names:
            if names.count(name) > 1:
                raise self._refuse(
                    piece, f"two columns have the same name, {name!r}: name one of them otherwise with AS"
                )

    def _check_shortest(self, piece: Piece) -> None:
        for relationship in piece.find("relationship"):
            if "properties" in relationship.roles or "where" in relationship.roles:
                raise self._refuse(
                    relationship,
                    "Neo4j does not support properties in shortestPath: write MATCH p = shortestPath(…) "
                    "WHERE all(r IN relationships(p) WHERE r.layer = …), which works on both stores",
                )
            length = self._source(relationship.roles["length"]) if "length" in relationship.roles else ""
            least = re.match(r"\*\s*(\d+)", length)
            if least and int(least[1]) > 1:
                raise self._refuse(relationship, "shortestPath supports only a minimum length of 0 or 1")
        if sum(1 for part in piece.parts if part.kind == "relationship") != 1:
            raise self._refuse(
                piece, "shortestPath needs exactly one relationship, as in shortestPath((a)-[:TYPE*..6]-(b))"
            )

    # Names ----------------------------------------------------------------------------------------------------

    def _write_variable(self, piece: Piece) -> list[Chunk]:
        return [(_identifier(self._tokens[piece.start], quote=piece.name.upper() in _RESERVED), piece.start)]

    def _stored(self, place: int) -> str:
        token = self._tokens[place]
        stored = stored_name(token.name)
        return stored if stored != token.name else _identifier(token)

    def _write_property(self, piece: Piece) -> list[Chunk]:
        base = self._out(piece.parts[0])
        if piece.parts[0].kind in ("call", "index", "slice", "map", "list"):
            return [*base, (f".{self._stored(piece.end - 1)}", piece.end - 1)]
        return [*base, (f".{self._stored(piece.end - 1)}", piece.end - 1)]

    def _write_map(self, piece: Piece) -> list[Chunk]:
        if {entry.name for entry in piece.parts} == {"months", "days", "seconds"}:
            raise self._refuse(
                piece,
                "the embedded store reads a map of months, days and seconds as a duration: rename one of the keys",
            )
        return self._plain(piece)

    def _write_entry(self, piece: Piece) -> list[Chunk]:
        return [(f"{self._stored(piece.start)}: ", piece.start), *self._out(piece.roles["of"])]

    def _write_own_property(self, piece: Piece) -> list[Chunk]:
        return [(f".{self._stored(piece.end - 1)}", piece.start)]

    def _write_map_projection(self, piece: Piece) -> list[Chunk]:
        chunks = [*self._out(piece.parts[0]), (" {", None)]
        for number, part in enumerate(piece.parts[1:]):
            chunks.append((", " if number else "", None))
            if part.kind == "variable":
                chunks += [(f"{self._stored(part.start)}: ", part.start), *self._write_variable(part)]
            else:
                chunks += self._out(part)
        return [*chunks, ("}", piece.end - 1)]

    def _write_index(self, piece: Piece) -> list[Chunk]:
        key = piece.parts[1]
        if key.kind != "string":
            if self._only(key, "int") or self._only(piece.parts[0], "list"):
                return self._plain(piece)
            self._guard(piece)
            return [*self._out(piece.parts[0]), (f"[{stored_key(self._text(key))}]", key.start)]
        text = self._tokens[key.start].text
        return [*self._out(piece.parts[0]), (f"[{text[0]}{stored_name(text[1:-1])}{text[0]}]", key.start)]

    def _write_slice(self, piece: Piece) -> list[Chunk]:
        bounds = piece.parts[1:]
        if all(self._only(bound, "int") and not self._maybe(bound, "null") for bound in bounds):
            return self._plain(piece)
        texts = [self._text(bound) for bound in bounds]
        condition = " OR ".join(f"({text}) IS NULL" for text in texts)
        self._guard(piece)
        safe = self._plain(piece)
        return [(f"CASE WHEN {condition} THEN null ELSE ", piece.start), *safe, (" END", None)]

    def _write_number(self, piece: Piece) -> list[Chunk]:
        text = self._source(piece)
        value = _integer(text)
        if value is not None and not text.isdecimal():
            return [(str(value), piece.start)]
        return [("0" + text if text.startswith(".") else text, piece.start)]

    # Expressions ----------------------------------------------------------------------------------------------

    def _write_comparison(self, piece: Piece) -> list[Chunk]:
        operators = piece.name.split()
        if any(operator not in ("=", "<>") for operator in operators):
            for part in piece.parts:
                if self._only(part, "map", "duration"):
                    raise self._refuse(part, "maps and durations have no order on the embedded store: compare numbers")
        if len(operators) == 1:
            return self._plain(piece)
        texts = [f"({self._text(part)})" for part in piece.parts]
        pairs = (f"{a} {operator} {b}" for (a, b), operator in zip(pairwise(texts), operators, strict=True))
        return [(f"({' AND '.join(pairs)})", piece.start)]

    def _write_in(self, piece: Piece) -> list[Chunk]:
        item, of = piece.parts
        if of.kind in ("variable", "parameter", "property", "call", "parentheses"):
            return self._plain(piece)
        return [*self._out(item), (" IN (", of.start), *self._out(of), (")", None)]

    def _write_parentheses(self, piece: Piece) -> list[Chunk]:
        inner = piece.parts[0]
        first, second = (self._tokens[place].text.upper() for place in (inner.start, inner.start + 1))
        # kglite takes "(COUNT {" for the beginning of a node.
        neutral = {"COUNT": "0 + ", "EXISTS": "true AND "}.get(first, "") if second == "{" else ""
        return [("(" + neutral, piece.start), *self._out(inner), (")", piece.end - 1)]

    def _write_unary(self, piece: Piece) -> list[Chunk]:
        value = piece.parts[0]
        if self._only(value, "str", "bool", "list", "map", "node", "rel", "path"):
            raise self._refuse(piece, f"{piece.name} needs a number")
        return self._out(value) if piece.name == "+" else self._plain(piece)

    def _write_logic(self, piece: Piece) -> list[Chunk]:
        self._check_truth(*piece.parts)
        return self._plain(piece)

    def _write_not(self, piece: Piece) -> list[Chunk]:
        self._check_truth(piece.parts[0])
        return self._plain(piece)

    def _check_truth(self, *parts: Piece) -> None:
        for part in parts:
            if self._only(part, "int", "float", "str", "map", "node", "rel", "path", "date", "datetime", "duration"):
                raise self._refuse(part, f"{self._source(part)} is not true or false")

    def _write_arithmetic(self, piece: Piece) -> list[Chunk]:
        left, right = piece.parts
        operator = piece.name
        self._check_operands(piece)
        if operator in ("+", "||"):
            return self._write_plus(piece)
        if operator == "-" and self._tokens[right.start].text == "[":
            # kglite takes "-[" for the beginning of a relationship.
            return [*self._out(left), (" - (", None), *self._out(right), (")", None)]
        if operator not in ("/", "%") or (self._only(left, "int") and self._only(right, "int")):
            return self._plain(piece)
        if right.kind == "number" and float(_integer(self._source(right)) or _float(self._source(right))) != 0:
            return self._plain(piece)
        self._guard(piece)
        a, b = f"({self._text(left)})", f"({self._text(right)})"
        beyond = (
            _NAN
            if operator == "%"
            else f"CASE WHEN {a} > 0 THEN {_INFINITY} WHEN {a} < 0 THEN -{_INFINITY} ELSE {_NAN} END"
        )
        return self._wrapped(
            piece,
            "CASE WHEN {b} = 0 AND {a} IS NOT NULL AND {a} {operator} {b} IS NULL THEN {beyond} "
            "ELSE {a} {operator} {b} END",
            a=a, b=b, operator=operator, beyond=beyond,
        )  # fmt: skip

    def _check_operands(self, piece: Piece) -> None:
        operator = piece.name
        for part in piece.parts:
            if operator in ("+", "||"):
                other = piece.parts[1] if part is piece.parts[0] else piece.parts[0]
                wrong = self._only(part, "bool", "map", "node", "rel", "path") and not (
                    self._types(other) is None or self._maybe(other, "list")
                )
            else:
                wrong = self._only(part, "str", "bool", "list", "map", "node", "rel", "path")
            if wrong:
                raise self._refuse(part, f"{operator} cannot be used with {self._source(part)}")
            if operator in ("*", "/", "%", "^") and self._only(part, "duration"):
                raise self._refuse(part, "durations cannot be multiplied or divided on the embedded store")

    def _write_plus(self, piece: Piece) -> list[Chunk]:
        left, right = piece.parts
        if self._maybe(left, "list") or self._maybe(right, "list"):
            if not any(self._types(part) is None or self._maybe(part, "null") for part in piece.parts):
                return self._joined(piece)
            self._guard(piece)
            a, b = self._text(left), self._text(right)
            return self._wrapped(
                piece, "CASE WHEN ({a}) IS NULL OR ({b}) IS NULL THEN null ELSE ({a}) + ({b}) END", a=a, b=b
            )
        for part, other in ((left, right), (right, left)):
            if self._only(part, "str") and (self._types(other) is None or self._maybe(other, "float")):
                self._guard(piece)
                text = _as_java(self._text(other))
                whole = (self._text(left), text) if part is left else (text, self._text(right))
                return [(f"({whole[0]}) + ({whole[1]})", piece.start)]
        return self._joined(piece)

    def _joined(self, piece: Piece) -> list[Chunk]:
        if piece.name == "+":
            return self._plain(piece)
        return [*self._out(piece.parts[0]), (" + ", piece.parts[1].start), *self._out(piece.parts[1])]

    def _write_matches(self, piece: Piece) -> list[Chunk]:
        pattern = piece.parts[1]
        if self._only(piece.parts[0], "int", "float", "bool", "list", "map") or self._only(
            pattern, "int", "float", "bool"
        ):
            raise self._refuse(piece, "=~ compares text with a regular expression")
        if pattern.kind != "string":
            return self._plain(piece)
        text = self._tokens[pattern.start].text
        return [*self._out(piece.parts[0]), (f" =~ {text[0]}{_regular(text[1:-1])}{text[0]}", pattern.start)]

    def _write_has_labels(self, piece: Piece) -> list[Chunk]:
        of = piece.roles["of"]
        text = self._text(of)
        condition = self._label_condition(piece.roles["labels"].roles["of"], text, relationship=False)
        if not self._optional and self._bound.get(of.name) == "node" and of.kind == "variable":
            return [(condition, piece.start)]
        self._guard(piece)
        return [(f"(CASE WHEN {text} IS NULL THEN null ELSE {condition} END)", piece.start)]

    def _write_is_null(self, piece: Piece) -> list[Chunk]:
        """Whether a node has a label is null where the node is; kglite reads no label before IS."""
        of = piece.parts[0]
        while of.kind == "parentheses":
            of = of.parts[0]
        if of.kind != "has_labels":
            return self._plain(piece)
        return [(f"({self._text(of.roles['of'])} {piece.name})", piece.start)]

    def _label_condition(self, labels: Piece, text: str, *, relationship: bool) -> str:
        if labels.kind == "label":
            name = _identifier(self._tokens[labels.start])
            literal = labels.name.replace("\\", "\\\\").replace("'", "\\'")
            return f"type({text}) = '{literal}'" if relationship else f"{text}:{name}"
        if labels.kind == "label_any":
            return "true" if relationship else f"size(labels({text})) > 0"
        inner = [self._label_condition(part, text, relationship=relationship) for part in labels.parts]
        if labels.kind == "label_not":
            return f"NOT ({inner[0]})"
        joined = " OR " if labels.kind == "label_or" else " AND "
        return f"({joined.join(inner)})"

    def _write_call(self, piece: Piece) -> list[Chunk]:
        name = piece.name.lower()
        arguments = piece.parts
        if name in ("duration.between", "point", "distance", "point.distance", "point.withinbbox"):
            instead = REFUSED.get(name, REFUSED["point"])
            raise self._refuse(piece, f"{piece.name} is not supported by the embedded store: use {instead}")
        if name == "keys":
            return (
                [(KEYS[0], piece.start), *self._out(arguments[0]), (KEYS[1], piece.end - 1)]
                if arguments
                else self._plain(piece)
            )
        if name == "round":
            return self._write_round(piece)
        one = self._text(arguments[0]) if len(arguments) == 1 and arguments[0].kind != "star" else ""
        forms = {
            "isempty": "(size(keys({x})) = 0)" if one and self._only(arguments[0], "map") else "(size({x}) = 0)",
            "isnan": "(({x}) <> ({x}))",
            "sqrt": "CASE WHEN ({x}) < 0 THEN " + _NAN + " ELSE sqrt({x}) END",
            "log": "CASE WHEN ({x}) < 0 THEN " + _NAN + " WHEN ({x}) = 0 THEN -" + _INFINITY + " ELSE log({x}) END",
            "log10": "CASE WHEN ({x}) < 0 THEN " + _NAN + " WHEN ({x}) = 0 THEN -" + _INFINITY + " ELSE log10({x}) END",
            "tointegerlist": "[skillgraph_i IN {x} | toInteger(skillgraph_i)]",
            "tofloatlist": "[skillgraph_i IN {x} | toFloat(skillgraph_i)]",
        }  # fmt: skip
        if one and name in forms:
            if "CASE" in forms[name] or name in ("isnan",):
                self._guard(piece)
            return self._wrapped(piece, forms[name], x=one)
        if name == "tostring" and one:
            if self._only(arguments[0], "datetime", "duration"):
                raise self._refuse(
                    piece,
                    "the embedded store does not format times and durations as Neo4j does: return the value itself",
                )
            if self._types(arguments[0]) is None or self._maybe(arguments[0], "float"):
                self._guard(piece)
                return [(f"toString({_as_java(one)})", piece.start)]
        if name in ("toboolean", "tofloat") and one and not self._only(arguments[0], "int", "float", "bool"):
            self._guard(piece)
            text = f"CASE WHEN valueType({one}) STARTS WITH 'STRING' THEN trim({one}) ELSE {one} END"
            return [(f"{piece.name}({text})", piece.start)]
        if name == "nullif" and len(arguments) == 2:
            self._guard(piece)
            a, b = (self._text(part) for part in arguments)
            return self._wrapped(piece, "CASE WHEN ({a}) = ({b}) THEN null ELSE {a} END", a=a, b=b)
        if name == "e" and not arguments:
            return [("exp(1)", piece.start)]
        if name == "timestamp" and not arguments:
            return [("datetime().epochMillis", piece.start)]
        chunks = self._plain(piece)
        return [(_RENAMED_FUNCTIONS.get(name, chunks[0][0]), piece.start), *chunks[1:]]

    def _write_round(self, piece: Piece) -> list[Chunk]:
        if len(piece.parts) > 2:
            raise self._refuse(
                piece, f"round with a mode is not supported by the embedded store: use {REFUSED['round with a mode']}"
            )
        if len(piece.parts) != 1 or self._only(piece.parts[0], "int"):
            return self._plain(piece)
        self._guard(piece)
        x = self._text(piece.parts[0])
        return self._wrapped(
            piece, "CASE WHEN ({x}) < 0 AND ({x}) - floor({x}) = 0.5 THEN ceil({x}) + 0.0 ELSE round({x}) END", x=x
        )

    # Patterns -------------------------------------------------------------------------------------------------

    def _write_node(self, piece: Piece) -> list[Chunk]:
        return self._with_plain_labels(piece, relationship=False)

    def _write_relationship(self, piece: Piece) -> list[Chunk]:
        return self._with_plain_labels(piece, relationship=True)

    def _with_plain_labels(self, piece: Piece, *, relationship: bool) -> list[Chunk]:
        """A node or relationship; what kglite does not know in a pattern becomes a condition."""
        moved = dict[str, Piece]()
        labels, values = piece.roles.get("labels"), piece.roles.get("properties")
        if labels is not None and not _is_choice(labels.roles["of"]):
            moved["labels"] = labels
            if not self._conditions or self._star or (relationship and piece.flag):
                raise self._refuse(
                    labels,
                    "this label expression is not supported by the embedded store here: put it into WHERE, as in "
                    "WHERE NOT n:Skill",
                )
        if self._maps_as_conditions and self._conditions and not piece.flag and values and values.kind == "map":
            moved["properties"] = values
        if "where" in piece.roles:
            if not self._conditions or piece.flag:
                raise self._refuse(piece.roles["where"], "put this condition into the WHERE of the clause")
            moved["where"] = piece.roles["where"]
        if not moved:
            return self._plain(piece)
        variable = piece.roles.get("variable")
        name = self._invent() if variable is None else self._text(variable)
        if "labels" in moved:
            condition = self._label_condition(moved["labels"].roles["of"], name, relationship=relationship)
            self._conditions[-1].append((condition, moved["labels"].start))
        for entry in moved["properties"].parts if "properties" in moved else ():
            text = f"{name}.{self._stored(entry.start)} = {self._text(entry.roles['of'])}"
            self._conditions[-1].append((text, entry.start))
        if "where" in moved:
            where = moved["where"].roles["of"]
            self._conditions[-1].append((f"({self._text(where)})", where.start))
        chunks = self._plain(piece, **moved)
        if variable is None:
            opening = next(place for place, chunk in enumerate(chunks) if chunk[0].strip() in ("(", "["))
            chunks.insert(opening + 1, (name, None))
        return chunks

    def _write_unwind(self, piece: Piece) -> list[Chunk]:
        """Kglite takes the text of a list for the list."""
        of = piece.roles["of"]
        if self._only(of, "list", "map") or of.kind == "null":
            return self._plain(piece)
        text = self._text(of)
        safe = f"CASE WHEN valueType({text}) STARTS WITH 'STRING' THEN [{text}] ELSE {text} END"
        variable = self._text(piece.roles["variable"])
        return [("UNWIND ", piece.start), (safe, of.start), (f" AS {variable}", piece.roles["variable"].start)]

    def _write_match(self, piece: Piece) -> list[Chunk]:
        where = piece.roles.get("where")
        before, self._before = self._before, None
        kept = self._path_conditions(piece, where, before)
        self._conditions.append([])
        chunks = self._plain(piece, **({"where": where} if where is not None else {}))
        conditions = self._conditions.pop()
        if where is not None and kept == [where.roles["of"]] and not conditions:
            return [*chunks, (self._gap(where.start, -1), None), *self._out(where)]
        texts = [self._out(condition) for condition in kept]
        joined: list[Chunk] = []
        for condition in (*([chunk] for chunk in conditions), *texts):
            several = len(texts) + len(conditions) > 1
            opening, closing = ("(", ")") if several else ("", "")
            joined += [(" AND " if joined else " WHERE ", None), (opening, None), *condition, (closing, None)]
        return [*chunks, *joined]

    def _path_conditions(self, match: Piece, where: Piece | None, before: Sequence[Chunk] | None) -> list[Piece]:
        """What stays in WHERE; what a shortest path must satisfy decides which relationships it may use."""
        if where is None:
            return []
        shortest: dict[str, Piece] = {}
        for path in match.parts:
            if path.kind == "path" and "shortest" in path.roles:
                named = [path, *path.roles["shortest"].find("relationship")]
                found = path.roles["shortest"]
                shortest |= {piece.roles["variable"].name: found for piece in named if "variable" in piece.roles}
        if not shortest:
            return [where.roles["of"]]
        kept = []
        for condition in _conjuncts(where.roles["of"]):
            mentioned = {piece.name for piece in condition.find("variable")} & shortest.keys()
            if not mentioned:
                kept.append(condition)
            elif not self._becomes_chain(condition, shortest):
                raise self._refuse(
                    condition,
                    "the embedded store first finds a shortest path, whereas Neo4j finds a path that satisfies this "
                    "condition: both stores support all(r IN relationships(p) WHERE …) of r, literals and parameters "
                    "alone, the same of nodes(p), a bound in the pattern (*..6), or WITH p WHERE … after the MATCH",
                )
        for found in shortest.values():
            number = self._chain_of.get(id(next(found.find("relationship"))))
            if number is not None:
                self._chain_paths[number] = found, self._ends(found, match, before)
        return kept

    def _ends(self, shortest: Piece, match: Piece, before: Sequence[Chunk] | None) -> str | None:
        """A statement for the ends of a shortest path, if the clauses before its own have found them."""
        nodes = [part for part in shortest.parts if part.kind == "node"]
        names = [node.roles["variable"].name for node in nodes if set(node.roles) == {"variable"}]
        if before is None or len(names) != 2 or any(self._declared.get(n, match.start) >= match.start for n in names):
            return None
        a, b = (self._text(node.roles["variable"]) for node in nodes)
        return "".join(text for text, _ in before) + f" RETURN DISTINCT {a}.key AS a, {b}.key AS b"

    def _becomes_chain(self, condition: Piece, shortest: Mapping[str, Piece]) -> bool:
        """Let a shortest path use only the relationships that satisfy a condition on each of its parts."""
        if condition.kind != "quantifier" or condition.name not in ("ALL", "NONE") or "where" not in condition.roles:
            return False
        of, variable, nodes = condition.roles["of"], condition.roles["variable"].name, False
        if of.kind == "call" and of.name.lower() in ("relationships", "nodes"):
            nodes, of = of.name.lower() == "nodes", of.parts[0]
        if of.kind != "variable" or of.name not in shortest:
            return False
        where = condition.roles["where"].roles["of"]
        inner = {piece.roles["variable"].name for piece in where.find("comprehension", "quantifier")}
        if {piece.name for piece in where.find("variable")} - {variable} - inner:
            return False
        texts = []
        for name in ("skillgraph_a", "skillgraph_b") if nodes else ("skillgraph_r",):
            self._replaced, outer = {(variable,): name}, self._replaced
            texts.append(f"({self._text(where)})" if condition.name == "ALL" else f"NOT ({self._text(where)})")
            self._replaced = outer
        found = shortest[of.name]
        relationship = next(found.find("relationship"))
        if "labels" not in relationship.roles or not _is_choice(relationship.roles["labels"].roles["of"]):
            raise self._refuse(relationship, "name the type of the relationships, as in [:ASSOCIATED_WITH*..6]")
        chain = self._chain_of.setdefault(id(relationship), len(self._chain_of) + 1)
        self._chain_conditions.setdefault(chain, []).extend(texts)
        self._chain_types[chain] = tuple(label.name for label in relationship.find("label"))
        return True

    def chains(self) -> tuple[Chain, ...]:
        """The relationships that shortest paths may use; to be made before the query is asked."""
        return tuple(
            Chain(
                type_,
                f"{CHAIN}{number}_{type_}",
                " AND ".join(self._chain_conditions[number]),
                next(self._chain_paths[number][0].find("relationship")).name,
                self._chain_paths[number][1],
            )
            for number, types in self._chain_types.items()
            for type_ in types
        )

    def _write_shortest(self, piece: Piece) -> list[Chunk]:
        relationship = next(piece.find("relationship"))
        number = self._chain_of.get(id(relationship))
        if number is None:
            return self._plain(piece)
        labels = relationship.roles["labels"]
        types = "|".join(_quoted(f"{CHAIN}{number}_{type_}") for type_ in self._chain_types[number])
        self._replaced, outer = {**self._replaced, self._words(labels): f":{types}"}, self._replaced
        chunks = self._plain(piece)
        self._replaced = outer
        return chunks

    def _write_path(self, piece: Piece) -> list[Chunk]:
        declared = self._declared.get(_end(piece), piece.start)
        known = self._inner is not None and declared < self._inner and not piece.roles
        return self._from_the_end(piece) if known else self._plain(piece)

    def _write_pattern(self, piece: Piece) -> list[Chunk]:
        # The order of a list may be looked at; whether there is anything does not depend on it.
        return self._plain(piece) if id(piece) in self._listed else self._from_the_end(piece)

    def _from_the_end(self, path: Piece) -> list[Chunk]:
        """A path from a layer to a known skill, or a model to a text, from its end on, as kglite begins with the first.

        A layer has learned many skills, and a skill is learned in few layers.
        """
        last = path.parts[-2] if len(path.parts) > 1 else path
        labels = {label.name for label in last.find("label")} if "labels" in last.roles else set()
        several = any(part.kind == "relationship" and part.flag for part in path.parts)
        if last.name != "->" or several or not labels or not labels <= _FROM_FEW or not _end(path):
            return self._plain(path)
        chunks: list[Chunk] = []
        for part in reversed(path.parts):
            written = self._out(part)
            if part.kind == "relationship":
                left, right = part.name.startswith("<"), part.name.endswith(">")
                written = written[left : len(written) - right]
                written = [("<" if right else "", None), *written, (">" if left else "", None)]
            chunks += written
        return chunks

    def _write_inner_query(self, piece: Piece) -> list[Chunk]:
        outer, self._inner = self._inner, piece.start
        try:
            return self._inner_query(piece)
        finally:
            self._inner = outer

    def _inner_query(self, piece: Piece) -> list[Chunk]:
        if piece.parts[0].kind == "query":
            return self._plain(piece)
        where = next((part for part in piece.parts if part.kind == "where"), None)
        self._conditions.append([])
        chunks = self._plain(piece, **({"where": where} if where is not None else {}))
        conditions = self._conditions.pop()
        condition = list[Chunk]()
        for text in conditions:
            condition += [(" AND " if condition else " WHERE ", None), text]
        if where is not None:
            condition += [(" AND (" if condition else " WHERE (", None), *self._out(where.roles["of"]), (")", None)]
        return [*chunks[:-1], *condition, (" }", piece.end - 1)]

    # Projections ----------------------------------------------------------------------------------------------

    def _write_branch(self, piece: Piece) -> list[Chunk]:
        chunks: list[Chunk] = []
        ordered = False
        alone = len(self._tree.parts) == 1 and piece is self._tree.parts[0]
        for clause in piece.parts:
            self._before = list(chunks) if alone and chunks and clause.kind == "match" else None
            if chunks:
                chunks.append(("\n" if "\n" in self._gap(clause.start, -1) else " ", None))
            if clause.kind == "projection":
                chunks += self._projection(clause, ordered=ordered)
                ordered = "order" in clause.roles
            else:
                chunks += self._out(clause)
                ordered = ordered and clause.kind in ("match", "unwind", "subquery")
        return chunks

    def _projection(self, piece: Piece, *, ordered: bool) -> list[Chunk]:
        items = [item for item in piece.parts if item.kind == "item"]
        aggregates = [call for item in items for call in item.find("call") if _is_aggregate(call)]
        columns = self._merged_columns(piece, items) if aggregates or piece.flag else self._made_columns(piece, items)
        outer_columns, self._columns = self._columns, columns
        outer_named, self._named = self._named, _column_names(items)
        try:
            if not aggregates:
                return self._plain(piece)
            return self._grouping(piece, items, aggregates, ordered=ordered)
        finally:
            self._columns, self._named = outer_columns, outer_named

    def _grouping(
        self, piece: Piece, items: Sequence[Piece], aggregates: Sequence[Piece], *, ordered: bool
    ) -> list[Chunk]:
        collects = ordered and any(call.name.lower() == "collect" for call in aggregates)
        composed = any(call.name.lower().startswith(("percentile", "stdev")) for call in aggregates)
        outer, self._split = self._split, collects or composed or _is_swapped(items)
        written = self._plain(piece)
        split, self._split = self._split, outer
        return self._split_projection(piece, items, aggregates) if split else written

    def _made_columns(self, piece: Piece, items: Sequence[Piece]) -> dict[tuple[str, ...], str]:
        """What stands for the columns of a projection that groups nothing, within the expressions that order it.

        kglite, where there is a limit, knows a column there by its name alone, and takes it for null in an expression.
        """
        if "order" not in piece.roles:
            return {}
        keys = [key.roles["of"] for key in piece.roles["order"].parts if key.roles["of"].kind != "variable"]
        parts = [part for key in keys for part in key.walk()]
        used = {part.name for part in parts if part.kind == "variable"}
        made = {item.name: item.roles["of"] for item in items if item.name in used}
        for part in parts:
            if "variable" in part.roles and part.roles["variable"].name in made:
                name = part.roles["variable"].name
                raise self._refuse(part, f"{name} is the name of a column: give the variable another name")
        return {(name,): self._made(of) for name, of in made.items()}

    def _made(self, of: Piece) -> str:
        text = self._text(of)
        if of.kind == "has_labels" and not text.startswith("(CASE"):
            # kglite reads no label before an operator.
            return f"(CASE WHEN {text} THEN true ELSE false END)"
        return text if of.kind == "variable" else f"({text})"

    def _merged_columns(self, piece: Piece, items: Sequence[Piece]) -> dict[tuple[str, ...], str]:
        """The columns of a projection that makes one row of several, by what they are made of, for its order.

        kglite refuses that there after RETURN, and after WITH takes an aggregate for null.
        """
        if "order" not in piece.roles:
            return {}
        made = {self._words(item.roles["of"]): item for item in items if item.roles["of"].kind != "variable"}
        for key in piece.roles["order"].parts:
            wrong = self._not_projected(key.roles["of"], made)
            if wrong is not None:
                raise self._refuse(
                    wrong, f"no column is {self._source(wrong)}: make it one with AS, and order by its name"
                )
        names = _column_names(items)
        # The variables of before, by the names that they have now; a column that has taken such a name is meant by it.
        renamed: dict[tuple[str, ...], Piece] = {
            (item.roles["of"].name,): item
            for item in items
            if item.roles["of"].kind == "variable" and item.roles["of"].name not in names
        }
        for part in piece.roles["order"].walk():
            if "variable" in part.roles and (part.roles["variable"].name,) in renamed:
                name = part.roles["variable"].name
                raise self._refuse(
                    part,
                    f"{name} is called {renamed[(name,)].name} here: write that, or name another variable otherwise",
                )
        return {words: _quoted(item.name) for words, item in {**made, **renamed}.items() if item.name}

    def _not_projected(self, piece: Piece, made: Mapping[tuple[str, ...], Piece]) -> Piece | None:
        """An aggregate that is not in one of these."""
        if self._words(piece) in made:
            return None
        if _is_aggregate(piece):
            return piece
        found = (self._not_projected(part, made) for part in (*piece.parts, *piece.roles.values()))
        return next((part for part in found if part is not None), None)

    def _write_key(self, piece: Piece) -> list[Chunk]:
        of = piece.roles["of"]
        # A column that stands alone is known by its name.
        if not self._columns or (of.kind == "variable" and of.name in self._named):
            return self._plain_key(piece)
        outer, self._replaced = self._replaced, {**self._replaced, **self._columns}
        chunks = self._plain_key(piece)
        self._replaced = outer
        return chunks

    def _plain_key(self, piece: Piece) -> list[Chunk]:
        of = piece.roles["of"]
        if piece.name and any(part.kind == "pattern" and part.end == of.end for part in of.walk()):
            # kglite takes what follows a pattern for a part of it.
            return [("(", None), *self._out(of), (f") {piece.name}", None)]
        return self._plain(piece)

    def _split_projection(self, piece: Piece, items: Sequence[Piece], aggregates: Sequence[Piece]) -> list[Chunk]:
        """Arguments first, then groups, then what is made of them."""
        if "all" in piece.roles:
            raise self._refuse(piece, "name the columns instead of *: this query groups rows")
        first: list[str] = []
        second: list[str] = []
        replaced: dict[tuple[str, ...], str] = {}
        for item in items:
            if any(_is_aggregate(call) for call in item.find("call")):
                continue
            of = item.roles["of"]
            name = _quoted(of.name if of.kind == "variable" else self._invent())
            if name in second:
                continue
            first.append(name if of.kind == "variable" else f"{self._text(of)} AS {name}")
            second.append(name)
            if of.kind != "variable":
                replaced[self._words(of)] = name
        for call in aggregates:
            if self._words(call) in replaced:
                continue
            group = self._invent()
            replaced[self._words(call)] = self._grouped(call, group, first, second)
        if not first:
            first.append("1 AS skillgraph_one")
        self._replaced, outer = replaced, self._replaced
        final = []
        for item in items:
            text = self._text(item.roles["of"])
            final.append(f"{text} AS {_quoted(item.name or self._source(item))}")
        # After the projection a name means its column.
        taken = _column_names(items)
        names = {
            self._words(item.roles["of"]): _quoted(item.name or self._source(item))
            for item in items
            if item.roles["of"].kind != "variable" or item.roles["of"].name not in taken
        }
        self._replaced = {**{key: value for key, value in replaced.items() if len(key) > 1}, **names}
        tail = []
        for part in piece.parts:
            if part.kind in ("order", "skip", "limit", "where"):
                tail += [(" ", None), *self._out(part)]
        self._replaced = outer
        distinct = "DISTINCT " if piece.flag else ""
        last = f"{piece.name} {distinct}{', '.join(final)}"
        if "order" in piece.roles:
            # kglite takes a column that is made there for null in an expression that orders it.
            columns = ", ".join(_quoted(item.name or self._source(item)) for item in items)
            last = f"WITH {distinct}{', '.join(final)} {piece.name} {columns}"
        text = f"WITH {', '.join(first)} WITH {', '.join(second)} {last}"
        return [(text, piece.start), *tail]

    def _grouped(self, call: Piece, group: str, first: list[str], second: list[str]) -> str:
        """Put an aggregate into the two steps before; gives what stands for it in the last."""
        name = call.name.lower()
        distinct = "DISTINCT " if call.flag else ""
        if call.parts and call.parts[0].kind == "star":
            second.append(f"count(*) AS {group}")
            return group
        argument = self._invent()
        first.append(f"{self._text(call.parts[0])} AS {argument}")
        function = _RENAMED_FUNCTIONS.get(name, call.name)
        if name in ("stdev", "stdevp"):
            number = self._invent()
            second += [f"stdev({distinct}{argument}) AS {group}", f"count({distinct}{argument}) AS {number}"]
            wide = group if name == "stdev" else f"{group} * sqrt(({number} - 1.0) / {number})"
            return f"CASE WHEN {number} = 0 THEN null WHEN {number} = 1 THEN 0.0 ELSE {wide} END"
        if not name.startswith("percentile"):
            second.append(f"{function}({distinct}{argument}) AS {group}")
            return group
        place = self._text(call.parts[1])
        number, floats = self._invent(), self._invent()
        second += [
            f"{function}({distinct}{argument}, {place}) AS {group}",
            f"count({distinct}{argument}) AS {number}",
            f"sum(CASE WHEN valueType({argument}) STARTS WITH 'FLOAT' THEN 1 ELSE 0 END) AS {floats}",
        ]
        # Integers stay integers where a value of the list is taken as it is.
        exact = (
            f"({place}) * ({number} - 1) = floor(({place}) * ({number} - 1))" if name == "percentilecont" else "true"
        )
        return f"CASE WHEN {floats} = 0 AND {exact} THEN toInteger({group}) ELSE {group} END"


def _end(path: Piece) -> str:
    """The variable that is all there is of a path's last node; empty if there is more, or none."""
    node = path.parts[-1]
    return node.roles["variable"].name if node.kind == "node" and set(node.roles) == {"variable"} else ""


def _conjuncts(condition: Piece) -> Iterator[Piece]:
    if condition.kind == "parentheses":
        yield from _conjuncts(condition.parts[0])
    elif condition.kind == "logic" and condition.name == "AND":
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        yield condition


def _is_choice(labels: Piece) -> bool:
    return labels.kind == "label" or _is_plain_choice(labels)


def _is_aggregate(piece: Piece) -> bool:
    return piece.kind == "call" and piece.name.lower() in AGGREGATES


def _is_plain_choice(labels: Piece) -> bool:
    return labels.kind == "label_or" and all(part.kind == "label" for part in labels.parts)


def _identifier(token: Token, *, quote: bool = False) -> str:
    if token.kind == "word" and (quote or not token.text.isascii()):
        return _quoted(token.text)
    return token.text


def _is_swapped(items: Sequence[Piece]) -> bool:
    """Whether a column has the name of another variable, which another column is made of."""
    taken = {item.name: item for item in items if item.name and item.roles["of"].kind == "variable"}
    used = [(part.name, item) for item in items for part in item.roles["of"].walk() if part.kind == "variable"]
    return any(name in taken and taken[name] is not item for name, item in used)


def _column_names(items: Sequence[Piece]) -> frozenset[str]:
    """The names of columns that can be used as variables."""
    plain = {item.roles["of"].name for item in items if not item.name and item.roles["of"].kind == "variable"}
    return frozenset(item.name for item in items if item.name) | plain


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _integer(text: str) -> int | None:
    try:
        return int(text.replace("_", ""), 0 if text[:2].lower() in ("0x", "0o") else 10)
    except ValueError:
        return None


def _float(text: str) -> float:
    return float(text.replace("_", "").rstrip("fFdD"))


def _type_of(value: Any) -> frozenset[str] | None:
    for kind, name in ((type(None), "null"), (bool, "bool"), (int, "int"), (float, "float"), (str, "str")):
        if isinstance(value, kind):
            return frozenset({name})
    return frozenset({"list"}) if isinstance(value, list | tuple) else None


def _as_java(x: str) -> str:
    """A number's text as Java writes it: 1.0E20 and 1.0E-7 where kglite writes all digits; other values as they are."""
    digits = f"split(toString(abs({x})), '.')"
    whole, part = f"{digits}[0]", f"{digits}[1]"
    large = f"replace(rTrim(replace(substring({whole} + {part}, 1), '0', ' ')), ' ', '0')"
    start = f"size({part}) - size(lTrim(replace({part}, '0', ' ')))"
    small = f"replace(rTrim(replace(substring({part}, {start} + 1), '0', ' ')), ' ', '0')"
    sign = f"CASE WHEN {x} < 0 THEN '-' ELSE '' END"

    def scientific(first: str, rest: str, exponent: str) -> str:
        return f"{sign} + {first} + '.' + CASE WHEN {rest} = '' THEN '0' ELSE {rest} END + 'E' + toString({exponent})"

    big = scientific(f"substring({whole}, 0, 1)", large, f"size({whole}) - 1")
    little = scientific(f"substring({part}, {start}, 1)", small, f"0 - ({start}) - 1")
    is_float = f"valueType({x}) STARTS WITH 'FLOAT'"
    return (
        f"CASE WHEN {is_float} AND abs({x}) >= 1e7 AND abs({x}) < {_INFINITY} THEN {big} "
        f"WHEN {is_float} AND abs({x}) < 1e-3 AND ({x}) <> 0 THEN {little} ELSE {x} END"
    )


_CLASSES = {"w": "0-9A-Za-z_", "d": "0-9", "s": r" \\t\\n\\x0B\\f\\r"}


def _regular(pattern: str) -> str:
    r"""A regular expression, as written between quotes in Cypher, with Java's meaning of \w, \d, \s, \b and the dot."""
    found, place, within = [], 0, False
    while place < len(pattern):
        character = pattern[place]
        if pattern.startswith("\\\\", place) and place + 2 < len(pattern):
            letter = pattern[place + 2]
            place += 3
            inside = _CLASSES.get(letter.lower())
            if letter == "b":
                found.append(r"(?-u:\\b)")
            elif inside is None or (letter.isupper() and within):
                found.append("\\\\" + letter)
            else:
                found.append(inside if within else f"[{'^' if letter.isupper() else ''}{inside}]")
            continue
        if character == "[":
            within = True
        elif character == "]":
            within = False
        found.append(r"[^\\n\\r\\x85\\u2028\\u2029]" if character == "." and not within else character)
        place += 1
    return "".join(found)
