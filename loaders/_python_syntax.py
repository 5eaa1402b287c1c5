"""The syntax constructs of Python by the names people know them by.

What every program is made of is not counted: names, numbers, strings, calls, attribute access, indexing,
tuples, plain assignment, `==` and `!=`. Nearly every function would require them, so they tell nothing apart.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

__all__ = ["SIGNATURE_CONSTRUCTS", "SYNTAX_NAMES", "constructs", "signature_constructs"]

# One node, one construct. Keyed by class name, since later Python versions add classes.
_PLAIN = {
    "AsyncWith": "async with statement",
    "Assert": "assert",
    "AugAssign": "augmented assignment",
    "Await": "await",
    "Break": "break",
    "ClassDef": "nested class",
    "Continue": "continue",
    "Delete": "del",
    "DictComp": "dict comprehension",
    "GeneratorExp": "generator expression",
    "Global": "global",
    "IfExp": "conditional expression",
    "Import": "local import",
    "ImportFrom": "local import",
    "JoinedStr": "f-string",
    "Lambda": "lambda",
    "ListComp": "list comprehension",
    "Match": "match statement",
    "MatchClass": "class pattern",
    "MatchMapping": "mapping pattern",
    "MatchOr": "or pattern",
    "MatchSequence": "sequence pattern",
    "MatchStar": "star pattern",
    "NamedExpr": "assignment expression",
    "Nonlocal": "nonlocal",
    "Pass": "pass",
    "Return": "return",
    "Set": "set literal",
    "SetComp": "set comprehension",
    "Slice": "slicing",
    "TemplateStr": "t-string",
    "TypeAlias": "type alias",
    "With": "with statement",
    "Yield": "yield",
    "YieldFrom": "yield from",
    "AnnAssign": "variable annotation",
}
_BINARY = {
    "Add": "addition",
    "Sub": "subtraction",
    "Mult": "multiplication",
    "Div": "division",
    "FloorDiv": "floor division",
    "Mod": "modulo",
    "Pow": "exponentiation",
    "MatMult": "matrix multiplication",
    "LShift": "bit shift",
    "RShift": "bit shift",
    "BitAnd": "bitwise and",
    "BitOr": "bitwise or",
    "BitXor": "bitwise xor",
}
_UNARY = {"Not": "not", "USub": "negation", "Invert": "bitwise not"}
_COMPARISON = {
    "In": "in",
    "NotIn": "in",
    "Is": "is",
    "IsNot": "is",
    "Lt": "ordering comparison",
    "LtE": "ordering comparison",
    "Gt": "ordering comparison",
    "GtE": "ordering comparison",
}
_LITERAL_TYPES = {bytes: "bytes literal", complex: "complex literal", type(...): "ellipsis literal"}
_FURTHER = (
    "% formatting",
    "and",
    "argument unpacking",
    "async comprehension",
    "async for loop",
    "attribute assignment",
    "chained assignment",
    "chained comparison",
    "closure",
    "dict literal",
    "dict unpacking",
    "elif",
    "else",
    "except*",
    "for loop",
    "format specification",
    "if statement",
    "item assignment",
    "iterable unpacking",
    "keyword argument",
    "keyword argument unpacking",
    "list literal",
    "loop else",
    "match guard",
    "nested comprehension",
    "nested function",
    "or",
    "raise",
    "raise from",
    "slice assignment",
    "starred assignment",
    "try-else",
    "try-except",
    "try-finally",
    "unpacking",
    "while loop",
)
SIGNATURE_CONSTRUCTS = (
    "**kwargs parameter",
    "*args parameter",
    "async function",
    "decorator",
    "default argument",
    "keyword-only parameter",
    "positional-only parameter",
    "type parameter",
)
SYNTAX_NAMES: frozenset[str] = frozenset(
    {*_PLAIN.values(), *_BINARY.values(), *_UNARY.values(), *_COMPARISON.values(), *_LITERAL_TYPES.values()}
    | {*_FURTHER, *SIGNATURE_CONSTRUCTS}
)


def _loop(node: ast.For | ast.AsyncFor | ast.While) -> Iterator[str]:
    yield {"For": "for loop", "AsyncFor": "async for loop", "While": "while loop"}[type(node).__name__]
    if node.orelse:
        yield "loop else"


def _if(node: ast.If) -> Iterator[str]:
    yield "if statement"
    if node.orelse:
        first = node.orelse[0]
        # `else:` with an `if` inside stands further right than `elif`.
        yield "elif" if isinstance(first, ast.If) and first.col_offset == node.col_offset else "else"


def _try(node: ast.Try) -> Iterator[str]:
    if node.handlers:
        yield "except*" if type(node).__name__ == "TryStar" else "try-except"
    if node.orelse:
        yield "try-else"
    if node.finalbody:
        yield "try-finally"


def _raise(node: ast.Raise) -> Iterator[str]:
    yield "raise"
    if node.cause is not None:
        yield "raise from"


def _assign(node: ast.Assign) -> Iterator[str]:
    if len(node.targets) > 1:
        yield "chained assignment"


def _binary(node: ast.BinOp) -> Iterator[str]:
    left = node.left
    of_text = isinstance(left, ast.JoinedStr) or (
        isinstance(left, ast.Constant) and isinstance(left.value, str | bytes)
    )
    yield "% formatting" if of_text and isinstance(node.op, ast.Mod) else _BINARY[type(node.op).__name__]


def _unary(node: ast.UnaryOp) -> Iterator[str]:
    # -1 is a number, not an operation.
    if not (isinstance(node.op, ast.USub | ast.UAdd) and isinstance(node.operand, ast.Constant)):
        name = _UNARY.get(type(node.op).__name__)
        if name:
            yield name


def _boolean(node: ast.BoolOp) -> Iterator[str]:
    yield "and" if isinstance(node.op, ast.And) else "or"


def _comparison(node: ast.Compare) -> Iterator[str]:
    for operator in node.ops:
        name = _COMPARISON.get(type(operator).__name__)
        if name:
            yield name
    if len(node.ops) > 1:
        yield "chained comparison"


def _call(node: ast.Call) -> Iterator[str]:
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            yield "argument unpacking"
    for keyword in node.keywords:
        yield "keyword argument" if keyword.arg else "keyword argument unpacking"


def _subscript(node: ast.Subscript) -> Iterator[str]:
    if isinstance(node.ctx, ast.Store):
        yield "slice assignment" if isinstance(node.slice, ast.Slice) else "item assignment"


def _attribute(node: ast.Attribute) -> Iterator[str]:
    if isinstance(node.ctx, ast.Store):
        yield "attribute assignment"


def _sequence(node: ast.Tuple | ast.List) -> Iterator[str]:
    starred = any(isinstance(element, ast.Starred) for element in node.elts)
    if isinstance(node.ctx, ast.Store):
        yield "unpacking"
        if starred:
            yield "starred assignment"
    elif isinstance(node.ctx, ast.Load):
        if isinstance(node, ast.List):
            yield "list literal"
        if starred:
            yield "iterable unpacking"


def _dict(node: ast.Dict) -> Iterator[str]:
    yield "dict literal"
    if None in node.keys:
        yield "dict unpacking"


def _comprehension(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Iterator[str]:
    yield _PLAIN[type(node).__name__]
    if len(node.generators) > 1:
        yield "nested comprehension"
    if any(generator.is_async for generator in node.generators):
        yield "async comprehension"


def _set(node: ast.Set) -> Iterator[str]:
    yield "set literal"
    if any(isinstance(element, ast.Starred) for element in node.elts):
        yield "iterable unpacking"


def _constant(node: ast.Constant) -> Iterator[str]:
    name = _LITERAL_TYPES.get(type(node.value))
    if name:
        yield name


def _formatted(node: ast.FormattedValue) -> Iterator[str]:
    if node.format_spec is not None:
        yield "format specification"


def _case(node: ast.match_case) -> Iterator[str]:
    if node.guard is not None:
        yield "match guard"


_RULES: dict[str, Callable[..., Iterator[str]]] = {
    "Assign": _assign,
    "AsyncFor": _loop,
    "Attribute": _attribute,
    "BinOp": _binary,
    "BoolOp": _boolean,
    "Call": _call,
    "Compare": _comparison,
    "Constant": _constant,
    "Dict": _dict,
    "DictComp": _comprehension,
    "For": _loop,
    "FormattedValue": _formatted,
    "GeneratorExp": _comprehension,
    "If": _if,
    "Interpolation": _formatted,
    "List": _sequence,
    "ListComp": _comprehension,
    "Raise": _raise,
    "Set": _set,
    "SetComp": _comprehension,
    "Subscript": _subscript,
    "Try": _try,
    "TryStar": _try,
    "Tuple": _sequence,
    "UnaryOp": _unary,
    "While": _loop,
    "match_case": _case,
}
_NONE: tuple[str, ...] = ()
_ALONE = {kind: (name,) for kind, name in _PLAIN.items()}


def constructs(node: ast.AST) -> Iterator[str] | tuple[str, ...]:
    """Names of the constructs that a node itself is, without its children; one name for each occurrence."""
    kind = type(node).__name__
    rule = _RULES.get(kind)
    return rule(node) if rule is not None else _ALONE.get(kind, _NONE)


def signature_constructs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Names of the constructs of a function's first line and its decorators, each once."""
    arguments = node.args
    if isinstance(node, ast.AsyncFunctionDef):
        yield "async function"
    if node.decorator_list:
        yield "decorator"
    if arguments.defaults or any(default is not None for default in arguments.kw_defaults):
        yield "default argument"
    if arguments.vararg is not None:
        yield "*args parameter"
    if arguments.kwarg is not None:
        yield "**kwargs parameter"
    if arguments.kwonlyargs:
        yield "keyword-only parameter"
    if arguments.posonlyargs:
        yield "positional-only parameter"
    if getattr(node, "type_params", None):
        yield "type parameter"
