"""Random queries over the store's schema, from a grammar of Cypher's usual clauses; Hypothesis shrinks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

__all__ = ["Query", "queries"]

# Properties by type; all of a label that has them.
_PROPERTIES: dict[str, dict[str, tuple[str, ...]]] = {
    "Text": {"str": ("id", "title", "class", "part"), "int": ("line",), "float": ("difficulty",), "bool": ("done",)},
    "Skill": {"str": ("id", "name", "class"), "int": ("level",), "float": (), "bool": ()},
    "Layer": {"str": ("name", "kind"), "int": ("learned", "texts"), "float": (), "bool": ()},
    "Model": {"str": ("id", "role"), "int": (), "float": (), "bool": ()},
    "REQUIRES": {"str": (), "int": (), "float": ("weight",), "bool": ()},
    "ASSOCIATED_WITH": {"str": ("layer",), "int": ("weight",), "float": (), "bool": ()},
    "LEARNED": {"str": ("by",), "int": ("wave",), "float": (), "bool": ()},
    "ATTEMPTED": {"str": (), "int": (), "float": ("score",), "bool": ()},
    "PREREQUISITE_OF": {"str": (), "int": (), "float": (), "bool": ()},
    "PART_OF": {"str": (), "int": (), "float": (), "bool": ()},
    "FINE_TUNED_FROM": {"str": (), "int": (), "float": (), "bool": ()},
}
# Start, type, end.
_EDGES = (
    ("Text", "REQUIRES", "Skill"), ("Skill", "ASSOCIATED_WITH", "Skill"), ("Layer", "LEARNED", "Skill"),
    ("Model", "ATTEMPTED", "Text"), ("Skill", "PREREQUISITE_OF", "Skill"), ("Skill", "PART_OF", "Skill"),
    ("Layer", "FINE_TUNED_FROM", "Layer"),
)  # fmt: skip
_LITERALS = {
    "str": ("'loops'", "'syntax'", "'tuned'", "'s1'", "''", "'é'", "'a,b'"),
    "int": ("0", "1", "2", "-1", "40"),
    "float": ("0.5", "1.0", "-1.5", "2.25"),
    "bool": ("true", "false"),
}


@dataclass(frozen=True)
class Query:
    """A query and how its rows compare.

    Attributes:
        text: The query.
        ordered: Columns by which the rows are ordered; ties may stand in any order.
        loose: Lists in the rows may be in any order.
    """

    text: str
    ordered: tuple[int, ...] = ()
    loose: bool = False


@dataclass
class _Scope:
    nodes: dict[str, str] = field(default_factory=dict)
    edges: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


class _Grammar:
    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw, self._count, self._loose, self._scope = draw, 0, False, _Scope()

    def _pick(self, *choices: Any) -> Any:
        return self._draw(st.sampled_from(choices))

    def _chance(self, tenths: int) -> bool:
        return bool(self._draw(st.integers(0, 9)) >= 10 - tenths)

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    # Expressions ----------------------------------------------------------------------------------------------

    def _sources(self, kind: str) -> list[str]:
        found = [name for name, type_ in self._scope.values.items() if type_ == kind]
        for name, label in (*self._scope.nodes.items(), *self._scope.edges.items()):
            found += [f"{name}.{key}" for key in _PROPERTIES[label][kind]]
        return found

    def value(self, kind: str, depth: int = 2) -> str:
        sources = self._sources(kind)
        choices = ["literal", *(["source"] * 3 if sources else [])]
        if depth:
            choices += ["made"] * 2
        choice = self._pick(*choices)
        if choice == "literal":
            return str(self._pick(*_LITERALS[kind], *(["null"] if self._chance(1) else [])))
        if choice == "source":
            return str(self._pick(*sources))
        return str(getattr(self, f"_{kind}")(depth - 1))

    def _str(self, depth: int) -> str:
        a = self.value("str", depth)
        return str(
            self._pick(
                f"toUpper({a})", f"toLower({a})", f"trim({a})", f"left({a}, 2)", f"right({a}, 1)",
                f"substring({a}, 1)", f"replace({a}, 's', 'x')", f"coalesce({a}, 'none')", f"reverse({a})",
                f"{a} + {self.value('str', depth)}",
                f"toString({self.value(self._pick('int', 'bool', 'float'), depth)})",
                f"{a} + {self.value('int', depth)}", f"split({a}, 'o')[0]", f"head([{a}, 'z'])",
                f"CASE WHEN {self.condition(depth)} THEN {a} ELSE 'other' END", f"nullIf({a}, 'loops')",
            )
        )  # fmt: skip

    def _int(self, depth: int) -> str:
        a, b = self.value("int", depth), self.value("int", depth)
        return str(
            self._pick(
                f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"abs({a})", f"size({self.value('str', depth)})",
                f"coalesce({a}, 0)", f"sign({a})", f"{a} % 3", f"{a} / 2", f"-({a})",
                f"toInteger({self.value('float', depth)})",
                f"size({self.list(depth)})", f"[1, 2, 3][{a}]", f"size([x IN {self.list(depth)} WHERE x > 1])",
                f"reduce(t = 0, x IN {self.list(depth)} | t + x)",
                f"CASE {a} WHEN 1 THEN 10 WHEN {b} THEN 20 ELSE 30 END",
                *self._counts(),
            )
        )  # fmt: skip

    def _float(self, depth: int) -> str:
        a = self.value("float", depth)
        return str(
            self._pick(
                f"({a} + {self.value('int', depth)})", f"{a} * 2", f"{a} / 2",
                f"{a} / (abs({self.value('float', depth)}) + 1)",
                f"abs({a})", f"round({a})", f"floor({a})", f"ceil({a})", f"toFloat({self.value('int', depth)})",
                f"coalesce({a}, 0.0)", f"sqrt(abs({a}))", f"{self.value('int', depth)} / 2.0", f"{a} ^ 2", f"{a} % 2",
                f"round({a}, 1)", "pi()", "e()", f"exp({self.value('int', 0)} % 5)",
            )
        )  # fmt: skip

    def _bool(self, depth: int) -> str:
        return self.condition(depth)

    def list(self, depth: int) -> str:
        return str(
            self._pick(
                "[1, 2, 3]", "[]", "range(0, 3)", "[3, 1, 2]",
                f"[{self.value('int', max(depth - 1, 0))}, {self.value('int', 0)}]",
                "[x IN range(0, 4) WHERE x % 2 = 0 | x * x]",
                f"tail([{self.value('int', 0)}, 5, 6])", "reverse(range(1, 3))", "[1, 2, 3][1..]", "[1, 2] + [3]",
                f"[1] + {self.value('int', 0)}", f"range(0, 5)[{self.value('int', 0)}..3]",
            )
        )  # fmt: skip

    def _counts(self) -> list[str]:
        found = []
        for name, label in self._scope.nodes.items():
            for start, type_, end in _EDGES:
                if start == label:
                    found.append(f"COUNT {{ ({name})-[:{type_}]->() }}")
                    found.append(f"size([({name})-[:{type_}]->(o) | o])")
                elif end == label:
                    found.append(f"COUNT {{ ({name})<-[:{type_}]-(:{start}) }}")
        return found[:4]

    def condition(self, depth: int = 2) -> str:
        kind = self._pick("str", "int", "float")
        a, b = self.value(kind, depth and depth - 1), self.value(kind, depth and depth - 1)
        forms = [
            f"{a} = {b}", f"{a} <> {b}", f"{a} < {b}", f"{a} >= {b}", f"{a} IS NULL", f"{a} IS NOT NULL",
            f"{a} IN [{b}, {a}]",
            f"{a} IN [{b}, null]", f"NOT {a} = {b}",
        ]  # fmt: skip
        if kind == "str":
            forms += [f"{a} STARTS WITH 's'", f"{a} CONTAINS 'o'", f"{a} ENDS WITH {b}", f"{a} =~ '[a-z]+\\\\w*'"]
        else:
            forms += [f"{a} < {b} <= {self.value(kind, 0)}", "1 < 2 < 3"]
        forms += [
            f"{self.value('int', 0)} IN {self.list(0)}",
            f"any(x IN {self.list(0)} WHERE x > {self.value('int', 0)})",
        ]
        forms += [f"all(x IN {self.list(0)} WHERE x >= 1)", f"none(x IN {self.list(0)} WHERE x = 2)"]
        forms += [f"{count} > 1" for count in self._counts()[:1]] + [
            f"NOT ({count} > 1)" for count in self._counts()[:1]
        ]
        for name, label in self._scope.nodes.items():
            forms += [f"{name}:{label}", f"NOT {name}:Text"]
            for start, type_, end in _EDGES:
                if start == label:
                    forms += [f"EXISTS {{ ({name})-[:{type_}]->(:{end}) }}", f"({name})-[:{type_}]->()"]
                    forms.append(f"NOT ({name})-[:{type_}]->(:{end})")
                    forms.append(f"EXISTS {{ MATCH ({name})-[:{type_}]->(o) WHERE o.id = 's1' }}")
                if end == label:
                    known = [other for other, of in self._scope.nodes.items() if of == start and other != name]
                    for first in (f":{start}", *known[:2]):
                        path = f"({first})-[:{type_}]->({name})"
                        forms += [f"EXISTS {{ {path} }}", f"NOT {path}", f"COUNT {{ {path} }} > 0"]
        form = str(self._pick(*forms))
        if depth and self._chance(4):
            return f"({form} {self._pick('AND', 'OR', 'XOR')} {self.condition(depth - 1)})"
        return f"NOT ({form})" if depth and self._chance(1) else form

    # Clauses --------------------------------------------------------------------------------------------------

    def _pattern(self) -> str:
        """A path of one or two relationships, or a node, some of it known."""
        known = list(self._scope.nodes.items())
        if known and self._chance(6):
            name, label = self._pick(*known)
            text = f"({name})"
        else:
            label = self._pick("Text", "Skill", "Skill", "Layer", "Model")
            name = self._name("n")
            props = (
                f" {{{self._pick('class', 'id', 'name')}: {self._pick(*_LITERALS['str'])}}}" if self._chance(1) else ""
            )
            text = f"({name}:{label}{props})"
            self._scope.nodes[name] = label
        for _ in range(self._pick(0, 1, 1, 1, 2)):
            steps = [(type_, end, "out") for start, type_, end in _EDGES if start == label]
            steps += [(type_, start, "in") for start, type_, end in _EDGES if end == label]
            type_, other, way = self._pick(*steps)
            loose = self._chance(2) and label == other
            length = self._pick("*1..2", "*0..1", "*2", "*1..3") if label == other and self._chance(2) else ""
            edge = ""
            if not length and self._chance(5):
                edge = self._name("r")
                self._scope.edges[edge] = type_
            layer = " {layer: 'tuned'}" if type_ == "ASSOCIATED_WITH" and self._chance(4) else ""
            inner = f"-[{edge}:{type_}{length}{layer}]-"
            target = self._name("n")
            arrow = inner if loose else f"{inner}>" if way == "out" else f"<{inner}"
            text += f"{arrow}({target}:{other})"
            self._scope.nodes[target] = other
            label = other
        return text

    def _match(self) -> str:
        optional = bool(self._scope.nodes) and self._chance(3)
        pattern = self._pattern()
        if self._chance(1):
            pattern += f", {self._pattern()}"
        where = f" WHERE {self.condition()}" if self._chance(5) else ""
        return f"{'OPTIONAL ' if optional else ''}MATCH {pattern}{where}"

    def _shortest(self) -> str:
        a, b, p = self._name("n"), self._name("n"), self._name("p")
        self._scope.nodes |= {a: "Skill", b: "Skill"}
        self._scope.values[f"length({p})"] = "int"
        first, second = self._pick(("s0", "s1"), ("s1", "s3"), ("s2", "s4"))
        function = self._pick("shortestPath", "allShortestPaths")
        arrow = self._pick("-", "->")
        where = ""
        if self._chance(6):
            where = f" WHERE all(r IN relationships({p}) WHERE r.layer = '{self._pick('tuned', 'foundation')}')"
        return (
            f"MATCH ({a}:Skill {{id: '{first}'}}), ({b}:Skill {{id: '{second}'}}) "
            f"MATCH {p} = {function}(({a})-[:ASSOCIATED_WITH*..{self._pick(2, 4)}]{arrow}({b})){where}"
        )

    def _unwind(self) -> str:
        name, kind = self._name("u"), self._pick("int", "str")
        of = self.list(1) if kind == "int" else "['loops', 'syntax', null, 'é']"
        self._scope.values[name] = kind
        return f"UNWIND {of} AS {name}"

    def _aggregate(self, ordered: bool) -> tuple[str, str]:
        kind = self._pick("int", "float", "str")
        a = self.value(kind, 1)
        forms = [
            ("count(*)", "int"), (f"count({a})", "int"), (f"count(DISTINCT {a})", "int"), (f"min({a})",
            kind), (f"max({a})", kind),
            (f"collect({a})", "list"), (f"collect(DISTINCT {a})", "list"), (f"size(collect({a}))", "int"),
        ]  # fmt: skip
        if ordered:
            forms += [(f"collect({a})[0..2]", "list"), (f"head(collect({a}))", kind)] * 2
        if kind != "str":
            forms += [
                (f"sum({a})", kind), (f"avg({a})", "float"), (f"stDev({a})", "float"), (f"stDevP({a})", "float"),
                (f"percentileDisc({a}, 0.5)", "float"), (f"percentileCont({a}, 0.5)", "float"),
                (f"sum({a}) * 1.0 / count(*)", "float"),
                (f"toFloat(count({a})) / count(*)", "float"), (f"round(avg({a}), 1)", "float"),
            ]  # fmt: skip
        text, type_ = self._pick(*forms)
        if type_ == "list" and not ordered:
            self._loose = True
        return text, type_

    def _with(self) -> str:
        distinct = "DISTINCT " if self._chance(2) else ""
        kept, new = [], _Scope()
        for name, label in self._scope.nodes.items():
            if self._chance(6):
                kept.append(name)
                new.nodes[name] = label
        for name, type_ in self._scope.edges.items():
            if self._chance(4):
                kept.append(name)
                new.edges[name] = type_
        kind = self._pick("int", "str", "float")
        alias = self._name("v")
        grouped = not distinct and self._chance(4)
        if grouped:
            text, kind = self._aggregate(ordered=False)
            if kind == "list":
                text, kind = f"size({text})", "int"
            elif kind == "float":
                # Its last digits depend on the order of what it is made of: no others may depend on them.
                text = f"round({text}, 6)"
        else:
            text = self.value(kind)
        kept.append(f"{text} AS {alias}")
        new.values[alias] = kind
        old, self._scope = self._scope, new
        order = ""
        if self._chance(5):
            # What the clause does not keep may order it too, unless it makes fewer rows of them.
            before = [] if distinct or grouped else [old]
            keys = self._with_expressions(self._total_order(), [new, *before], [text])
            order = f" ORDER BY {keys}" + (f" LIMIT {self._pick(1, 3, 5)}" if self._chance(3) else "")
        where = f" WHERE {self.condition(1)}" if self._chance(3) else ""
        return f"WITH {distinct}{', '.join(kept)}{order}{where}"

    def _total_order(self) -> str:
        """Keys that leave no ties but between rows that are the same."""
        keys = [f"{name}.{'name' if label == 'Layer' else 'id'}" for name, label in self._scope.nodes.items()]
        keys += list(self._scope.values)
        for name, type_ in self._scope.edges.items():
            keys += [f"{name}.{key}" for group in _PROPERTIES[type_].values() for key in group]
        return ", ".join(f"{key}{self._pick('', ' DESC')}" for key in keys)

    def _with_expressions(self, keys: str, scopes: Sequence[_Scope], items: Sequence[str]) -> str:
        """The keys, often after others that are expressions of these scopes, the first of which hides what it names.

        `items` are what columns are made of.
        """
        if self._chance(4):
            return keys
        outer, self._scope = self._scope, _Scope()
        for scope in reversed(scopes):
            for known in (self._scope.nodes, self._scope.edges, self._scope.values):
                for name in (*scope.nodes, *scope.edges, *scope.values):
                    known.pop(name, None)
            self._scope.nodes |= scope.nodes
            self._scope.edges |= scope.edges
            self._scope.values |= scope.values
        first = []
        for _ in range(self._pick(1, 1, 2)):
            key = self._key()
            if items and self._chance(3):
                item = self._pick(*items)
                key = self._pick(item, f"{item} IS NULL", f"coalesce({item}, null)")
            first.append(key + self._pick("", " DESC"))
        self._scope = outer
        return ", ".join([*first, *([keys] if keys else [])])

    def _key(self) -> str:
        """An expression to order by."""
        kinds = [kind for kind in _LITERALS if self._sources(kind)]
        if not kinds:
            return self.value(self._pick("int", "str"), 0)
        kind = self._pick(*kinds)
        a, b = self._pick(*self._sources(kind)), self.value(kind, 0)
        forms = [
            a, f"{a} IS NULL", f"{a} IS NOT NULL", f"{a} = {b}", f"{a} <> {b}", f"{a} IN [{b}, {a}]",
            f"coalesce({a}, {self._pick(*_LITERALS[kind])})", f"CASE WHEN {a} IS NULL THEN 1 ELSE 0 END",
            f"CASE {a} WHEN {b} THEN 'a' ELSE 'b' END", f"toString({a})", f"nullIf({a}, {b})",
        ]  # fmt: skip
        if kind == "str":
            forms += [
                f"toLower({a})", f"size({a})", f"reverse({a})", f"left({a}, 1)", f"{a} + {b}", f"substring({a}, 1)",
                f"{a} STARTS WITH 's'", f"{a} CONTAINS 'o' AND {b} IS NOT NULL", f"{a} < {b}",
            ]  # fmt: skip
        elif kind == "bool":
            forms += [f"NOT {a}", f"{a} OR {b}", f"CASE WHEN {a} THEN 1 ELSE 2 END"]
        else:
            forms += [
                f"-{a}", f"-({a} + {b})", f"{a} % 3", f"{a} * -1", f"abs({a})", f"{a} - {b}", f"{a} >= {b}",
                f"{a} / 2", f"toFloat({a}) / 3", f"sign({a}), {a} % 2", f"round({a})",
            ]  # fmt: skip
        forms += [f"{count}" for count in self._counts()[:1]]
        for name in self._scope.nodes:
            forms += [f"{name}.id IS NULL", f"size(coalesce({name}.id, ''))", f"{name} IS NULL", f"{name}:Skill"]
        return str(self._pick(*forms))

    def _return(self, ordered: bool) -> tuple[str, tuple[int, ...]]:
        items, kinds, group = [], [], self._chance(5)
        for _ in range(self._pick(1, 1, 2, 3)):
            kinds.append(self._pick("str", "int", "float", "bool"))
            items.append(self.value(kinds[-1], 2 if not group else 1))
        if self._scope.nodes and self._chance(2):
            items.append(self._pick(*self._scope.nodes))
            kinds.append("node")
        if group:
            text, kind = self._aggregate(ordered)
            items.append(text)
            kinds.append(kind)
        names = [self._name("c") for _ in items]
        # The last digits of an average depend on the order of what it is made of: it is compared with nothing.
        inexact = names[-1] if group and kinds[-1] == "float" else None
        distinct = self._chance(1)
        text = ", ".join(f"{item} AS {name}" for item, name in zip(items, names, strict=True))
        keys: tuple[int, ...] = ()
        if self._chance(5) and not {"list", "node"} >= set(kinds):
            keys = tuple(i for i, kind in enumerate(kinds) if kind not in ("list", "node"))
            columns = _Scope(
                nodes={name: self._scope.nodes[item] for name, item in zip(names, items, strict=True)
                       if item in self._scope.nodes},
                values={names[i]: kinds[i] for i in keys if names[i] != inexact},
            )  # fmt: skip
            order = self._with_expressions(
                ", ".join(names[i] + self._pick("", " DESC") for i in keys),
                [columns, *([] if group or distinct else [self._scope])],
                [items[i] for i in keys],
            )
            text += f" ORDER BY {order}"
            if len(keys) == len(items) and self._chance(4):
                text += self._pick(" LIMIT 3", " SKIP 1 LIMIT 4")
        return f"RETURN {'DISTINCT ' if distinct else ''}{text}", keys

    def query(self) -> Query:
        first = self._shortest if self._chance(1) else self._match if self._chance(8) else self._unwind
        parts = [first()]
        for _ in range(self._pick(0, 0, 1, 1, 2)):
            parts.append(self._pick(self._match, self._match, self._unwind, self._with)())
        ordered = False
        if parts[-1].startswith("WITH") and "ORDER BY" in parts[-1] and "WHERE" not in parts[-1]:
            ordered = True
        elif self._chance(3) and (self._scope.nodes or self._scope.values):
            names = [*self._scope.nodes, *self._scope.edges]
            self._scope.values = {name: kind for name, kind in self._scope.values.items() if "(" not in name}
            names += list(self._scope.values)
            if names:
                parts.append(f"WITH {', '.join(names)} ORDER BY {self._total_order()}")
                ordered = True
        text, keys = self._return(ordered)
        return Query(" ".join([*parts, text]), keys, self._loose)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """A random query."""
    return _Grammar(draw).query()
