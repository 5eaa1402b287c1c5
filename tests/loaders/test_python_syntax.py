"""Every construct is found where it is written, by its name, as often as it is written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loaders._python_functions import Syntax, summarize
from loaders._python_syntax import SYNTAX_NAMES

# Source of one function, and all its constructs with their counts.
CASES: dict[str, dict[str, int]] = {
    "def f(): pass": {"pass": 1},
    "def f(x): return x": {"return": 1},
    "def f(x):\n y = x.a(1)[2], 'b' == x\n x.a": {},
    "def f(x):\n if x: pass": {"if statement": 1, "pass": 1},
    "def f(x):\n if x: a()\n else: b()": {"if statement": 1, "else": 1},
    "def f(x):\n if x: a()\n elif y: b()\n else: c()": {"if statement": 2, "elif": 1, "else": 1},
    "def f(x):\n if x: a()\n else:\n  if y: b()": {"if statement": 2, "else": 1},
    "def f(x):\n for i in x: break\n else: a()": {"for loop": 1, "break": 1, "loop else": 1},
    "def f(x):\n while x: continue": {"while loop": 1, "continue": 1},
    "async def f(x):\n async for i in x: await i": {"async function": 1, "async for loop": 1, "await": 1},
    "async def f(x):\n async with x: a()": {"async function": 1, "async with statement": 1},
    "async def f(x):\n return [i async for i in x]": {
        "async function": 1,
        "return": 1,
        "list comprehension": 1,
        "async comprehension": 1,
    },
    "def f(x):\n with x as y, y as z: a()": {"with statement": 1},
    "def f():\n try: a()\n except B as e: c()\n except D: c()\n else: d()\n finally: e()": {
        "try-except": 1,
        "try-else": 1,
        "try-finally": 1,
    },
    "def f():\n try: a()\n except* B: c()": {"except*": 1},
    "def f(): raise": {"raise": 1},
    "def f(e): raise A from e": {"raise": 1, "raise from": 1},
    "def f(x): assert x": {"assert": 1},
    "def f(x): del x": {"del": 1},
    "def f():\n global a\n a = 1": {"global": 1},
    "def f(): import a": {"local import": 1},
    "def f(): from a import b": {"local import": 1},
    "def f(): yield 1": {"yield": 1},
    "def f(x): yield from x": {"yield from": 1},
    "def f(x): x += 1": {"augmented assignment": 1},
    "def f(): a = b = 1": {"chained assignment": 1},
    "def f(x): a, b = x": {"unpacking": 1},
    "def f(x):\n for a, (b, c) in x: a()": {"for loop": 1, "unpacking": 2},
    "def f(x): a, *b = x": {"unpacking": 1, "starred assignment": 1},
    "def f(x): x.a = 1": {"attribute assignment": 1},
    "def f(x): x.a.b += 1": {"augmented assignment": 1, "attribute assignment": 1},
    "def f(x): x[0] = 1": {"item assignment": 1},
    "def f(x): x[1:] = x[:1]": {"slice assignment": 1, "slicing": 2},
    "def f(x): a: B = x": {"variable annotation": 1},
    "def f(x): (a := x)": {"assignment expression": 1},
    "def f(x): lambda y=1: y": {"lambda": 1},
    "def f(x): x if x else x": {"conditional expression": 1},
    "def f(x): [i for i in x for j in i]": {"list comprehension": 1, "nested comprehension": 1},
    "def f(x): {i for i in x}": {"set comprehension": 1},
    "def f(x): {i: i for i in x}": {"dict comprehension": 1},
    "def f(x): a(i for i in x)": {"generator expression": 1},
    "def f(x): x and x or not x": {"and": 1, "or": 1, "not": 1},
    "def f(x): x in x; x not in x; x is x; x is not x": {"in": 2, "is": 2},
    "def f(x): 1 < x <= 2": {"ordering comparison": 2, "chained comparison": 1},
    "def f(x): x == x != x": {"chained comparison": 1},
    "def f(x): x + x - x * x / x": {"addition": 1, "subtraction": 1, "multiplication": 1, "division": 1},
    "def f(x): x // x % x ** x @ x": {
        "floor division": 1,
        "modulo": 1,
        "exponentiation": 1,
        "matrix multiplication": 1,
    },
    "def f(x): x << 1 >> 2 & x | x ^ ~x": {
        "bit shift": 2,
        "bitwise and": 1,
        "bitwise or": 1,
        "bitwise xor": 1,
        "bitwise not": 1,
    },
    "def f(x): -x; -1; +1; +x": {"negation": 1},
    "def f(x): '%s' % x; b'%d' % x": {"% formatting": 2, "bytes literal": 1},
    "def f(x): f'{x:>{x}}' f'{x}'": {"f-string": 1, "format specification": 1},
    "def f(): b'a', 1j, ...": {"bytes literal": 1, "complex literal": 1, "ellipsis literal": 1},
    "def f(x): [x]; {x: x}; {x}": {"list literal": 1, "dict literal": 1, "set literal": 1},
    "def f(x): [*x]; {**x}; {*x}": {
        "list literal": 1,
        "dict literal": 1,
        "set literal": 1,
        "iterable unpacking": 2,
        "dict unpacking": 1,
    },
    "def f(x): a(x, b=x, *x, **x)": {
        "keyword argument": 1,
        "argument unpacking": 1,
        "keyword argument unpacking": 1,
    },
    "def f(x, /, y, *args, z, **kwargs): a()": {
        "positional-only parameter": 1,
        "*args parameter": 1,
        "keyword-only parameter": 1,
        "**kwargs parameter": 1,
    },
    "def f(x=1, *, y=2): a()": {"default argument": 1, "keyword-only parameter": 1},
    "@a\n@b.c\ndef f(x): a()": {"decorator": 1},
    "def f(x):\n class A(x, metaclass=x):\n  y = [x]": {"nested class": 1, "list literal": 1},
    "def f(x: A, *y: B[C]) -> D | E: a()": {"*args parameter": 1},
    """def f(x):
     match x:
      case [1, *rest] if rest: a()
      case {'k': v, **more}: a()
      case A(b=1) | None: a()
      case _: a()""": {
        "match statement": 1,
        "match guard": 1,
        "sequence pattern": 1,
        "star pattern": 1,
        "mapping pattern": 1,
        "class pattern": 1,
        "or pattern": 1,
    },
}
NESTED = "def f(x):\n def g():\n  nonlocal x\n  x = 1\n  return x\n return g"
CASES_312 = {
    "def f[T](x: T): a()": {"type parameter": 1},
    "def f(x):\n type A = list[int]": {"type alias": 1},
}
CASES_314 = {"def f(x): t'{x:>2}'": {"t-string": 1, "format specification": 1}}


def constructs(source: str, function: str = "f") -> dict[str, int]:
    summary = summarize(source, "m")
    assert summary.error is None
    found = next(item for item in summary.functions if item.name == function)
    uses = {summary.uses[place]: count for place, count in found.uses.items()}
    return {use.name: count for use, count in uses.items() if isinstance(use, Syntax)}


def available() -> dict[str, dict[str, int]]:
    cases = dict(CASES)
    if sys.version_info >= (3, 12):
        cases |= CASES_312
    if sys.version_info >= (3, 14):
        cases |= CASES_314
    return cases


@pytest.mark.parametrize("source", available())
def test_constructs_of_a_function(source: str) -> None:
    assert constructs(source) == available()[source]


def test_nested_function_and_closure_belong_to_the_functions_that_write_them() -> None:
    assert constructs(NESTED) == {"nested function": 1, "return": 1}
    assert constructs(NESTED, "f.g") == {"nonlocal": 1, "return": 1, "closure": 1}


def test_every_name_is_reached_by_a_case() -> None:
    cases = {**CASES, **CASES_312, **CASES_314}
    reached = {name for case in cases.values() for name in case} | {"nested function", "nonlocal", "closure"}
    assert reached == SYNTAX_NAMES


def test_source_outside_of_functions_is_no_text() -> None:
    summary = summarize("x = [i for i in y if i]\nclass A:\n  z = lambda: 1\nif x: print(x)\n", "m")
    assert summary.functions == []


@pytest.mark.parametrize("depth", [3_000])
def test_long_chains_of_operators_are_read(depth: int, tmp_path: Path) -> None:
    summary = summarize("def f(x): return " + " + ".join(["x"] * depth), "m")
    # Python's own parser may give up, but then says so.
    if summary.error is None:
        assert constructs("def f(x): return " + " + ".join(["x"] * depth))["addition"] == depth - 1
    else:
        assert summary.error == "nested too deeply"
