"""The parts of a Cypher query: clauses, patterns and expressions as a tree over its tokens.

The tree is as fine as rewriting needs it: every node knows the tokens it covers and the nodes below it, in order.
The grammar is that of reading queries of Neo4j 5 [openCypher9].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from explorer.errors import QueryError
from explorer.store.cypher_guard import WRITES, Token, instead_of, line_and_column

__all__ = ["AGGREGATES", "Piece", "parse_query"]

AGGREGATES = frozenset(
    {"count", "sum", "avg", "min", "max", "collect", "stdev", "stdevp", "percentilecont", "percentiledisc"}
)
"""Functions over groups of rows."""

_COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
_QUANTIFIERS = ("ALL", "ANY", "NONE", "SINGLE")
_SUBQUERIES = ("EXISTS", "COUNT", "COLLECT")
_SHORTEST = ("SHORTESTPATH", "ALLSHORTESTPATHS")
_CLAUSES = ("MATCH", "OPTIONAL", "UNWIND", "WITH", "RETURN", "CALL", "UNION", "FINISH", "USE", "FILTER", "LET")
_NO_NAMES = frozenset(("WHERE", "ORDER", "SKIP", "OFFSET", "LIMIT", "AS", "YIELD", *_CLAUSES))
# Neo4j takes them as names, and where they are read as a value or an operator.
_NO_VARIABLES = ("TRUE", "FALSE", "NULL", "NOT", "NAN", "INF", "INFINITY")


@dataclass
class Piece:
    """A node of the tree.

    Attributes:
        kind: What it is, such as `match`, `projection`, `variable`, `call`.
        start: Place of its first token.
        end: Place after its last token.
        parts: The nodes below it, in the order of their tokens.
        name: A function's, property's or variable's name; an operator; a keyword.
        roles: Those of its parts that have a part to play, by that role.
        flag: Whether there is a DISTINCT, an OPTIONAL or a direction, by kind.
    """

    kind: str
    start: int
    end: int = -1
    parts: list[Piece] = field(default_factory=list)
    name: str = ""
    roles: dict[str, Piece] = field(default_factory=dict)
    flag: bool = False

    def walk(self) -> Iterator[Piece]:
        """This node and all below it, a node before its parts."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def find(self, *kinds: str) -> Iterator[Piece]:
        """The nodes of some kinds in it."""
        return (piece for piece in self.walk() if piece.kind in kinds)


def parse_query(cypher: str, tokens: Sequence[Token]) -> Piece:
    """The tree of a query.

    Args:
        cypher: The statement, for messages.
        tokens: Its tokens, without a semicolon at the end.

    Raises:
        QueryError: It is not Cypher, or not of the part that is known here; with line and column.
    """
    return _Parser(cypher, tokens).query()


class _Parser:
    def __init__(self, cypher: str, tokens: Sequence[Token]) -> None:
        self._cypher, self._at, self._tokens = cypher, 0, tokens
        self._words = [token.text.upper() if token.kind == "word" else token.text for token in tokens]

    # Tokens ---------------------------------------------------------------------------------------------------

    def _word(self, ahead: int = 0) -> str:
        place = self._at + ahead
        return self._words[place] if place < len(self._words) else ""

    def _touches(self, ahead: int = 0) -> bool:
        """True if nothing stands between a token and the one after it."""
        place = self._at + ahead
        if place + 1 >= len(self._tokens):
            return False
        token = self._tokens[place]
        return token.start + len(token.text) == self._tokens[place + 1].start

    def _operator(self) -> str:
        """The operator that begins here; those of two characters are two tokens."""
        first, second = self._word(), self._word(1)
        both = first + second
        return both if both in ("<>", "<=", ">=", "=~", "||", "!=") and self._touches() else first

    def _is(self, *words: str) -> bool:
        return all(self._word(place) == word for place, word in enumerate(words))

    def _take(self, *words: str) -> bool:
        if not self._is(*words):
            return False
        self._at += len(words)
        return True

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._fault(f"expected {word!r}")

    def _fault(self, what: str) -> QueryError:
        if self._at >= len(self._tokens):
            line, column = line_and_column(self._cypher, len(self._cypher))
            return QueryError(f"line {line}, column {column}: the query ends too early: {what}")
        token = self._tokens[self._at]
        line, column = line_and_column(self._cypher, token.start)
        return QueryError(f"line {line}, column {column}: {what}, found {token.text!r}{instead_of(token.text)}")

    def _piece(
        self,
        kind: str,
        start: int,
        *parts: Piece,
        name: str = "",
        flag: bool = False,
        roles: Mapping[str, Piece] | None = None,
        **further: Piece,
    ) -> Piece:
        return Piece(kind, start, self._at, list(parts), name, {**(roles or {}), **further}, flag)

    def _symbol(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if token is None or not token.name:
            raise self._fault("expected a name")
        self._at += 1
        return token.name

    def _variable(self) -> Piece:
        start = self._at
        if self._word() in _NO_VARIABLES:
            raise self._fault(f"expected a name, which {self._word().lower()} is not in all places: choose another")
        return Piece("variable", start, start + 1, name=self._symbol())

    def _separated(self, one: Callable[[], Piece], separator: str = ",") -> list[Piece]:
        found = [one()]
        while self._take(separator):
            found.append(one())
        return found

    # Clauses --------------------------------------------------------------------------------------------------

    def query(self) -> Piece:
        found = self._union()
        if self._at < len(self._tokens):
            raise self._fault("expected a clause")
        return found

    def _union(self) -> Piece:
        start, branches = self._at, [self._single()]
        while self._take("UNION"):
            if not self._take("ALL"):
                self._take("DISTINCT")
            branches.append(self._single())
        return self._piece("query", start, *branches)

    def _single(self) -> Piece:
        start, clauses = self._at, []
        while self._at < len(self._tokens) and not self._is("UNION") and not self._is("}"):
            clauses.append(self._clause())
        if not clauses:
            raise self._fault("expected a clause")
        return self._piece("branch", start, *clauses)

    def _clause(self) -> Piece:
        start = self._at
        if self._is("OPTIONAL", "CALL"):
            raise self._fault("OPTIONAL CALL is not supported by the embedded store: use CALL")
        if self._is("OPTIONAL", "MATCH") or self._is("MATCH"):
            return self._match()
        if self._take("UNWIND"):
            of = self._expression()
            self._need("AS")
            variable = self._variable()
            return self._piece("unwind", start, of, variable, of=of, variable=variable)
        if self._is("WITH") or self._is("RETURN"):
            return self._projection()
        if self._take("CALL"):
            return self._call_clause(start)
        if self._word() in WRITES:
            raise self._fault("the query changes the store, but a query may only read: remove the clauses that write")
        raise self._fault("expected MATCH, OPTIONAL MATCH, UNWIND, WITH, CALL or RETURN")

    def _match(self) -> Piece:
        start = self._at
        optional = self._take("OPTIONAL")
        self._need("MATCH")
        parts = self._separated(self._path)
        roles = {}
        if self._is("USING"):
            raise self._fault("index hints (USING) are not supported by the embedded store: leave them out")
        if self._is("WHERE"):
            roles["where"] = self._where()
        return self._piece("match", start, *parts, *roles.values(), flag=optional, roles=roles)

    def _where(self) -> Piece:
        start = self._at
        self._need("WHERE")
        condition = self._expression()
        return self._piece("where", start, condition, of=condition)

    def _projection(self) -> Piece:
        start, keyword = self._at, self._word()
        self._at += 1
        distinct = self._take("DISTINCT")
        items: list[Piece] = []
        roles: dict[str, Piece] = {}
        if self._take("*"):
            roles["all"] = Piece("star", self._at - 1, self._at)
            items.append(roles["all"])
            if self._take(","):
                items += self._separated(self._item)
        else:
            items = self._separated(self._item)
        tail = []
        if self._is("ORDER"):
            tail.append(self._order())
            roles["order"] = tail[-1]
        for words, role in ((("SKIP", "OFFSET"), "skip"), (("LIMIT",), "limit")):
            if self._word() in words:
                at = self._at
                self._at += 1
                tail.append(self._piece(role, at, value := self._expression(), of=value))
                tail[-1].end = self._at
                roles[role] = tail[-1]
        if keyword == "WITH" and self._is("WHERE"):
            tail.append(self._where())
            roles["where"] = tail[-1]
        return self._piece("projection", start, *items, *tail, name=keyword, flag=distinct, roles=roles)

    def _item(self) -> Piece:
        start = self._at
        value = self._expression()
        if self._take("AS"):
            alias = self._variable()
            return self._piece("item", start, value, alias, name=alias.name, of=value, alias=alias)
        return self._piece("item", start, value, of=value)

    def _order(self) -> Piece:
        start = self._at
        self._need("ORDER")
        self._need("BY")
        return self._piece("order", start, *self._separated(self._key))

    def _key(self) -> Piece:
        start = self._at
        value = self._expression()
        for word in ("ASC", "ASCENDING", "DESC", "DESCENDING"):
            if self._take(word):
                return self._piece("key", start, value, name=word, of=value)
        return self._piece("key", start, value, of=value)

    def _call_clause(self, start: int) -> Piece:
        if self._is("{") or self._is("("):
            imports = []
            if self._take("("):
                if self._take("*"):
                    imports.append(Piece("star", self._at - 1, self._at))
                elif not self._is(")"):
                    imports = self._separated(self._variable)
                self._need(")")
            self._need("{")
            query = self._union()
            self._need("}")
            if self._is("IN"):
                raise self._fault("CALL … IN TRANSACTIONS is for writing")
            return self._piece("subquery", start, *imports, query, query=query)
        name = self._dotted()
        arguments: list[Piece] = []
        if self._take("("):
            if not self._is(")"):
                arguments = self._separated(self._expression)
            self._need(")")
        if self._take("YIELD"):
            if not self._take("*"):
                arguments += self._separated(self._item)
            if self._is("WHERE"):
                arguments.append(self._where())
        return self._piece("procedure", start, *arguments, name=name)

    def _dotted(self) -> str:
        name = self._symbol()
        while self._take("."):
            name += "." + self._symbol()
        return name

    # Patterns -------------------------------------------------------------------------------------------------

    def _path(self) -> Piece:
        start, roles = self._at, {}
        if self._tokens[start : start + 1] and self._tokens[start].name and self._word(1) == "=":
            roles["variable"] = self._variable()
            self._need("=")
        if self._word() in ("SHORTEST", "ANY", "ALL") and self._word(1) != "(":
            raise self._fault(
                "SHORTEST, ANY and ALL before a path are not supported by the embedded store: use shortestPath or "
                "allShortestPaths, which work on both stores"
            )
        if self._word() in _SHORTEST and self._word(1) == "(":
            inner = self._shortest()
            return self._piece("path", start, *roles.values(), inner, shortest=inner, roles=roles)
        elements = self._elements()
        return self._piece("path", start, *roles.values(), *elements, roles=roles)

    def _shortest(self) -> Piece:
        start, name = self._at, self._word()
        self._at += 1
        self._need("(")
        elements = self._elements()
        self._need(")")
        return self._piece("shortest", start, *elements, name=name)

    def _elements(self) -> list[Piece]:
        found = [self._node()]
        while self._is("-") or self._is("<"):
            found += [self._relationship(), self._node()]
        if self._is("("):
            raise self._fault(
                "quantified paths are not supported by the embedded store: use a relationship of variable length, as "
                "in (a)-[:TYPE*1..3]-(b), which works on both stores"
            )
        return found

    def _node(self) -> Piece:
        start, roles = self._at, {}
        self._need("(")
        if self._is("(") or self._is("-") or self._is("<"):
            raise self._fault(
                "quantified paths are not supported by the embedded store: use a relationship of variable length, as "
                "in (a)-[:TYPE*1..3]-(b), which works on both stores"
            )
        if self._at < len(self._tokens) and self._tokens[self._at].name and not self._is("WHERE"):
            roles["variable"] = self._variable()
        if self._is(":") or self._is("IS"):
            roles["labels"] = self._labels()
        if self._is("{") or (self._at < len(self._tokens) and self._tokens[self._at].kind == "parameter"):
            roles["properties"] = self._atom()
        if self._is("WHERE"):
            roles["where"] = self._where()
        self._need(")")
        return self._piece("node", start, *roles.values(), roles=roles)

    def _relationship(self) -> Piece:
        start, roles = self._at, {}
        left = self._take("<")
        self._need("-")
        variable_length = False
        if self._take("["):
            if self._tokens[self._at].name and not self._is("WHERE"):
                roles["variable"] = self._variable()
            if self._is(":") or self._is("IS"):
                roles["labels"] = self._labels()
            if self._is("*"):
                at, variable_length = self._at, True
                self._at += 1
                number = self._at < len(self._tokens) and self._tokens[self._at].kind == "number"
                if number:
                    self._at += 1
                if self._take("..") and self._at < len(self._tokens) and self._tokens[self._at].kind == "number":
                    self._at += 1
                roles["length"] = self._piece("length", at)
            if self._is("{") or self._tokens[self._at].kind == "parameter":
                roles["properties"] = self._atom()
            if self._is("WHERE"):
                roles["where"] = self._where()
            self._need("]")
        self._need("-")
        right = self._take(">")
        if self._is("{") or self._is("+") or (self._is("*") and not left):
            raise self._fault(
                "quantified paths are not supported by the embedded store: use a relationship of variable length, as "
                "in (a)-[:TYPE*1..3]-(b), which works on both stores"
            )
        direction = "<" * left + "-" + ">" * right
        return self._piece("relationship", start, *roles.values(), name=direction, flag=variable_length, roles=roles)

    def _labels(self) -> Piece:
        """A label expression, with its colon."""
        start = self._at
        if not self._take(":"):
            self._need("IS")
        expression = self._label_or()
        while self._is(":") and self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].name:
            at = self._at
            self._at += 1
            right = self._label_and()
            expression = Piece("label_and", expression.start, self._at, [expression, right])
            expression.start = min(expression.start, at)
        return self._piece("labels", start, expression, of=expression)

    def _label_or(self) -> Piece:
        start, found = self._at, [self._label_and()]
        while self._take("|"):
            self._take(":")
            found.append(self._label_and())
        return found[0] if len(found) == 1 else self._piece("label_or", start, *found)

    def _label_and(self) -> Piece:
        start, found = self._at, [self._label_not()]
        while self._take("&"):
            found.append(self._label_not())
        return found[0] if len(found) == 1 else self._piece("label_and", start, *found)

    def _label_not(self) -> Piece:
        start = self._at
        if self._take("!"):
            return self._piece("label_not", start, self._label_not())
        if self._take("%"):
            return self._piece("label_any", start)
        if self._take("("):
            inner = self._label_or()
            self._need(")")
            return self._piece("label_group", start, inner)
        if self._is("$"):
            raise self._fault("labels from expressions are not supported by the embedded store: write the label itself")
        return self._piece("label", start, name=self._symbol())

    # Expressions ----------------------------------------------------------------------------------------------

    def _expression(self) -> Piece:
        return self._binary(0)

    _LEVELS: tuple[tuple[str, ...], ...] = (("OR",), ("XOR",), ("AND",))

    def _binary(self, level: int) -> Piece:
        if level == len(self._LEVELS):
            return self._not()
        start, left = self._at, self._binary(level + 1)
        while self._word() in self._LEVELS[level]:
            operator = self._word()
            self._at += 1
            right = self._binary(level + 1)
            left = self._piece("logic", start, left, right, name=operator)
        return left

    def _not(self) -> Piece:
        start = self._at
        if self._take("NOT"):
            return self._piece("not", start, self._not())
        return self._comparison()

    def _comparison(self) -> Piece:
        start, operands, operators = self._at, [self._predicate()], []
        while (operator := self._operator()) in _COMPARISONS or operator == "!=":
            if operator == "!=":
                raise self._fault("'not equal' is written <> in Cypher")
            self._at += len(operator)
            operators.append(operator)
            operands.append(self._predicate())
        if not operators:
            return operands[0]
        return self._piece("comparison", start, *operands, name=" ".join(operators))

    def _predicate(self) -> Piece:
        start, left = self._at, self._sum()
        while True:
            if self._take("IS", "NOT", "NULL") or self._take("IS", "NULL"):
                left = self._piece("is_null", start, left, name=" ".join(self._words[left.end : self._at]))
            elif self._is("IS") or self._is(":", ":"):
                raise self._fault(
                    "tests of a type (IS :: …) and of a normal form are not supported by the embedded store: use "
                    "valueType(x) STARTS WITH 'INTEGER' for a type"
                )
            elif self._operator() == "=~":
                self._at += 2
                left = self._piece("matches", start, left, self._sum(), name="=~")
            elif self._is("STARTS", "WITH") or self._is("ENDS", "WITH"):
                name = f"{self._word()} WITH"
                self._at += 2
                left = self._piece("string_test", start, left, self._sum(), name=name)
            elif self._is("CONTAINS") or self._is("IN"):
                name = self._word()
                self._at += 1
                left = self._piece("in" if name == "IN" else "string_test", start, left, self._sum(), name=name)
            else:
                return left

    def _sum(self) -> Piece:
        start, left = self._at, self._product()
        while self._word() in ("+", "-") or self._operator() == "||":
            operator = self._operator() if self._operator() == "||" else self._word()
            self._at += len(operator)
            left = self._piece("arithmetic", start, left, self._product(), name=operator)
        return left

    def _product(self) -> Piece:
        start, left = self._at, self._power()
        while self._word() in ("*", "/", "%"):
            operator = self._word()
            self._at += 1
            left = self._piece("arithmetic", start, left, self._power(), name=operator)
        return left

    def _power(self) -> Piece:
        start, left = self._at, self._unary()
        while self._take("^"):
            left = self._piece("arithmetic", start, left, self._unary(), name="^")
        return left

    def _unary(self) -> Piece:
        start = self._at
        if self._word() in ("+", "-"):
            name = self._word()
            self._at += 1
            return self._piece("unary", start, self._unary(), name=name)
        return self._postfix()

    def _postfix(self) -> Piece:
        start, value = self._at, self._atom()
        while True:
            if self._is(".") and self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].name:
                self._at += 1
                value = self._piece("property", start, value, name=self._symbol())
            elif self._take("["):
                value = self._piece_of_list(start, value)
            elif self._is(":") and value.kind in ("variable", "property") and self._labels_follow():
                labels = self._labels()
                value = self._piece("has_labels", start, value, labels, of=value, labels=labels)
            else:
                return value

    def _labels_follow(self) -> bool:
        return self._at + 1 < len(self._tokens) and (
            bool(self._tokens[self._at + 1].name) or self._word(1) in ("!", "%", "(")
        )

    def _piece_of_list(self, start: int, value: Piece) -> Piece:
        bounds: list[Piece] = []
        sliced = self._take("..")
        if not self._is("]"):
            bounds.append(self._expression())
            if not sliced and self._take(".."):
                sliced = True
                if not self._is("]"):
                    bounds.append(self._expression())
        self._need("]")
        return self._piece("slice" if sliced else "index", start, value, *bounds)

    def _atom(self) -> Piece:
        start = self._at
        if start >= len(self._tokens):
            raise self._fault("expected a value")
        token, word = self._tokens[start], self._word()
        if token.kind in ("string", "number", "parameter"):
            return self._literal(token)
        if word == ".":
            if self._touches() and self._tokens[start + 1].kind == "number":
                self._at += 2
                return self._piece("number", start)
            raise self._fault("expected a value")
        if word == "(":
            return self._parenthesised()
        if word == "[":
            return self._brackets()
        if word == "{":
            return self._map()
        if token.kind == "word" and word in ("TRUE", "FALSE", "NULL"):
            self._at += 1
            return self._piece("boolean" if word != "NULL" else "null", start)
        if word == "CASE":
            return self._case()
        if word in _SUBQUERIES and self._word(1) == "{":
            return self._inner_query()
        if word == "EXISTS" and self._word(1) == "(":
            self._at += 2
            pattern = self._pattern_predicate() or self._expression()
            self._need(")")
            return self._piece("exists", start, pattern)
        if word in _QUANTIFIERS and self._word(1) == "(" and self._word(3) == "IN":
            return self._quantifier()
        if word == "REDUCE" and self._word(1) == "(":
            return self._reduce()
        if word in _SHORTEST and self._word(1) == "(":
            return self._shortest()
        if not token.name or (token.kind == "word" and word in _NO_NAMES and self._word(1) != "("):
            raise self._fault("expected a value")
        return self._named()

    def _literal(self, token: Token) -> Piece:
        start = self._at
        self._at += 1
        if token.kind == "number":
            # 0x1F, 0o17, 1_000 and a float that ends in a letter are a number and a word that touch.
            while self._touches(-1) and self._tokens[self._at].kind in ("word", "number"):
                self._at += 1
        return self._piece(token.kind, start, name=token.text)

    def _parenthesised(self) -> Piece:
        start = self._at
        pattern = self._pattern_predicate()
        if pattern is not None:
            return pattern
        self._need("(")
        inner = self._expression()
        self._need(")")
        return self._piece("parentheses", start, inner)

    def _pattern_predicate(self) -> Piece | None:
        """A pattern where an expression may stand: it has a relationship at least."""
        start = self._at
        try:
            elements = self._elements()
        except QueryError:
            self._at = start
            return None
        if len(elements) == 1:
            self._at = start
            return None
        return self._piece("pattern", start, *elements)

    def _brackets(self) -> Piece:
        start = self._at
        self._need("[")
        comprehension = self._pattern_comprehension(start) or self._list_comprehension(start)
        if comprehension is not None:
            return comprehension
        items = [] if self._is("]") else self._separated(self._expression)
        self._need("]")
        return self._piece("list", start, *items)

    def _list_comprehension(self, start: int) -> Piece | None:
        if not (self._at < len(self._tokens) and self._tokens[self._at].name and self._word(1) == "IN"):
            return None
        at = self._at
        roles = {"variable": self._variable()}
        self._need("IN")
        roles["of"] = self._expression()
        if self._is("WHERE"):
            roles["where"] = self._where()
        if self._take("|"):
            roles["value"] = self._expression()
        if not self._is("]") or len(roles) == 2:
            # [x IN list] is a list with one truth value.
            self._at = at
            return None
        self._need("]")
        return self._piece("comprehension", start, *roles.values(), roles=roles)

    def _pattern_comprehension(self, start: int) -> Piece | None:
        at, roles = self._at, {}
        if self._at < len(self._tokens) and self._tokens[self._at].name and self._word(1) == "=":
            roles["variable"] = self._variable()
            self._need("=")
        pattern = self._pattern_predicate() if self._is("(") else None
        if pattern is None or not (self._is("|") or self._is("WHERE")):
            self._at = at
            return None
        roles["pattern"] = pattern
        if self._is("WHERE"):
            roles["where"] = self._where()
        self._need("|")
        roles["value"] = self._expression()
        self._need("]")
        return self._piece("pattern_comprehension", start, *roles.values(), roles=roles)

    def _map(self) -> Piece:
        start, values = self._at, []
        self._need("{")
        while not self._is("}"):
            at, name = self._at, self._symbol()
            self._need(":")
            value = self._expression()
            values.append(self._piece("entry", at, value, name=name, of=value))
            if not self._take(","):
                break
        self._need("}")
        return self._piece("map", start, *values)

    def _case(self) -> Piece:
        start, parts, of = self._at, [], None
        self._need("CASE")
        if not self._is("WHEN"):
            of = self._expression()
            parts.append(of)
        while self._take("WHEN"):
            parts += self._separated(self._when_value if of is not None else self._expression)
            self._need("THEN")
            parts.append(self._expression())
        if self._take("ELSE"):
            parts.append(self._expression())
        self._need("END")
        return self._piece("case", start, *parts, flag=of is not None)

    def _when_value(self) -> Piece:
        if self._operator() in (*_COMPARISONS, "=~") or self._word() in ("IS", "STARTS", "ENDS", "CONTAINS", "IN"):
            raise self._fault(
                "CASE x WHEN < 1 is not supported by the embedded store: write CASE WHEN x < 1, which works on both "
                "stores"
            )
        return self._expression()

    def _inner_query(self) -> Piece:
        start, name = self._at, self._word()
        self._at += 1
        self._need("{")
        if self._word() in ("MATCH", "OPTIONAL", "UNWIND", "WITH", "CALL", "RETURN"):
            inner = [self._union()]
        else:
            inner = self._separated(self._path)
            if self._is("WHERE"):
                inner.append(self._where())
        self._need("}")
        return self._piece("inner_query", start, *inner, name=name)

    def _quantifier(self) -> Piece:
        start, name = self._at, self._word()
        self._at += 2
        variable = self._variable()
        self._need("IN")
        of = self._expression()
        roles = {"variable": variable, "of": of}
        if self._is("WHERE"):
            roles["where"] = self._where()
        self._need(")")
        return self._piece("quantifier", start, *roles.values(), name=name, roles=roles)

    def _reduce(self) -> Piece:
        start = self._at
        self._at += 2
        total = self._variable()
        self._need("=")
        first = self._expression()
        self._need(",")
        variable = self._variable()
        self._need("IN")
        of = self._expression()
        self._need("|")
        value = self._expression()
        self._need(")")
        return self._piece("reduce", start, total, first, variable, of, value)

    def _named(self) -> Piece:
        """A variable, a call of a function, or a map projection."""
        start, variable = self._at, self._variable()
        if self._is("{"):
            return self._map_projection(start, variable)
        at, name = self._at, variable.name
        while self._is(".") and self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].name:
            self._at += 1
            name += "." + self._symbol()
            if self._is("("):
                return self._call(start, name)
        self._at = at
        return self._call(start, variable.name) if self._is("(") else variable

    def _call(self, start: int, name: str) -> Piece:
        self._need("(")
        distinct = self._take("DISTINCT")
        if not distinct and self._is("ALL") and self._word(1) != "(":
            raise self._fault("expected a value; ALL has no effect here, and a variable `all` needs backticks")
        arguments: list[Piece] = []
        if name.lower() == "count" and self._take("*"):
            arguments = [Piece("star", self._at - 1, self._at)]
        elif name.lower() == "trim" and self._word() in ("BOTH", "LEADING", "TRAILING"):
            raise self._fault("trim(BOTH … FROM …) is not supported by the embedded store: trim(text) removes blanks")
        elif distinct or not self._is(")"):
            arguments = self._separated(self._expression)
        self._need(")")
        return self._piece("call", start, *arguments, name=name, flag=distinct)

    def _map_projection(self, start: int, variable: Piece) -> Piece:
        parts = [variable]
        self._need("{")
        while not self._is("}"):
            at = self._at
            if self._take("."):
                if self._take("*"):
                    parts.append(self._piece("all_properties", at))
                else:
                    parts.append(self._piece("own_property", at, name=self._symbol()))
            else:
                name = self._symbol()
                if self._take(":"):
                    value = self._expression()
                    parts.append(self._piece("entry", at, value, name=name, of=value))
                else:
                    parts.append(self._piece("variable", at, name=name))
            if not self._take(","):
                break
        self._need("}")
        return self._piece("map_projection", start, *parts)
