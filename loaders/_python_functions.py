"""One Python file as functions with what each of them uses, names resolved within the file.

Nothing is imported or run. Names of other files (modules, star imports) are left for the caller, who knows
which modules there are; the summary of a file is small and can be sent between processes.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from loaders._python_syntax import constructs, signature_constructs
from loaders.errors import DataError
from loaders.gate import read_regular

__all__ = [
    "BUILTIN_NAMES",
    "Builtin",
    "FileSummary",
    "FunctionSummary",
    "Imported",
    "Source",
    "Starred",
    "Syntax",
    "Use",
    "read_files",
    "read_functions",
    "summarize",
]

# The module site adds some names to the builtins; they are always counted, so that results do not depend on it.
_SITE_NAMES = frozenset({"copyright", "credits", "exit", "help", "license", "quit"})
BUILTIN_NAMES: frozenset[str] = (
    frozenset(name for name in dir(builtins) if not name.startswith("_"))
    | _SITE_NAMES
    | {"__build_class__", "__debug__", "__import__"}
)


class Syntax(NamedTuple):
    """A syntax construct."""

    name: str


class Builtin(NamedTuple):
    """A builtin name that nothing in the file shadows."""

    name: str


class Imported(NamedTuple):
    """A use of an imported name.

    Attributes:
        dotted: What the import statement binds the name to, followed by the attributes taken from it.
        bound: Number of parts of `dotted` that the name itself stands for.
        known: Number of leading parts of `dotted` that the file's own import statements show to be a module.
    """

    dotted: str
    bound: int
    known: int


class Starred(NamedTuple):
    """A name bound nowhere in a file with star imports, with the attributes taken from it."""

    name: str
    attributes: str


Use = Syntax | Builtin | Imported | Starred


@dataclass(slots=True)
class FunctionSummary:
    """A function.

    Attributes:
        name: Dotted name within its module.
        line: Number of its first line.
        lines: Number of lines.
        uses: Positions in the file's `uses` and how often each occurs in the function.
    """

    name: str
    line: int
    lines: int
    uses: dict[int, int]


@dataclass(slots=True)
class FileSummary:
    """What a file gives.

    Attributes:
        functions: In the order of the source.
        uses: What its functions use, each once.
        stars: Modules of its star imports, in order; "" for a relative import that leads out of the package.
        exported: Names in a static `__all__`; None if there is none.
        export_sources: Modules whose `__all__` is added to its own.
        public: Top-level names without a leading underscore.
        error: Why it could not be parsed, or None.
    """

    functions: list[FunctionSummary] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)
    exported: list[str] | None = None
    export_sources: list[str] = field(default_factory=list)
    public: list[str] = field(default_factory=list)
    error: str | None = None


class _Target(NamedTuple):
    """What an import binds a name to; `known` as in `Imported`."""

    dotted: str
    known: int


@dataclass(eq=False, slots=True)
class _Scope:
    """A block in which names are bound: module, class, function, lambda or comprehension."""

    kind: str
    parent: _Scope | None
    name: str
    bound: dict[str, _Target | None] = field(default_factory=dict)
    from_module: set[str] = field(default_factory=set)
    from_outside: set[str] = field(default_factory=set)

    def bind(self, name: str, target: _Target | None = None) -> None:
        """An import wins over other bindings (`except ImportError: json = None`), the first over later ones."""
        if self.bound.get(name) is None:
            self.bound[name] = target


class _Owner:
    """A function being read: its constructs, and its names, which are resolved when the file is known."""

    __slots__ = ("constructs", "line", "lines", "name", "names")

    def __init__(self, name: str, line: int, lines: int) -> None:
        self.name = name
        self.line = line
        self.lines = lines
        self.constructs: Counter[str] = Counter()
        self.names: Counter[tuple[str, tuple[str, ...], _Scope]] = Counter()


class Source(Protocol):
    """A Python file: where it is and by which dotted name it is imported."""

    @property
    def path(self) -> Path: ...
    @property
    def module(self) -> str: ...
    @property
    def is_package(self) -> bool: ...


def read_files(files: Sequence[Source]) -> list[FileSummary]:
    """Summaries of some files; this is what other processes run."""
    return [read_functions(file.path, file.module, is_package=file.is_package) for file in files]


def read_functions(path: Path, module: str, *, is_package: bool) -> FileSummary:
    """Summary of a file; one that cannot be read or parsed has an `error` and nothing else."""
    try:
        source = read_regular(path, any_name=True)
    except DataError as error:
        return FileSummary(error=str(error).partition(": ")[2] or str(error))
    return summarize(source, module, is_package=is_package)


def summarize(source: bytes | str, module: str, *, is_package: bool = False) -> FileSummary:
    """Summary of a module's source.

    Args:
        source: Python source; bytes may start with a byte order mark or name their encoding.
        module: Its dotted name, against which relative imports are resolved.
        is_package: True for an `__init__.py`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        reason = getattr(error, "msg", None) or str(error)
        return FileSummary(error=f"line {line}: {reason}" if line else reason)
    except (RecursionError, MemoryError):
        return FileSummary(error="nested too deeply")
    return _Reader(module, is_package=is_package).read(tree)


class _Reader:
    """Reads one syntax tree with a stack of its own: expressions may be nested deeper than Python recurses."""

    def __init__(self, module: str, *, is_package: bool) -> None:
        self.package = module if is_package else module.rpartition(".")[0]
        self.top = _Scope("module", None, "")
        self.modules: set[str] = set()
        self.owners: list[_Owner] = []
        self.scopes: list[_Scope] = []
        self.summary = FileSummary()
        self.stack: list[tuple[ast.AST, _Scope, _Owner | None]] = []

    def read(self, tree: ast.Module) -> FileSummary:
        self._push(tree.body, self.top, None)
        while self.stack:
            node, scope, owner = self.stack.pop()
            handler = _HANDLERS.get(type(node))
            if handler is not None:
                handler(self, node, scope, owner)
            else:
                self._plain(node, scope, owner)
        for scope in self.scopes:
            for name in scope.from_module:
                if name in scope.bound:
                    self.top.bind(name, scope.bound[name])
        places: dict[Use, int] = {}
        for owner in self.owners:
            uses = {places.setdefault(use, len(places)): count for use, count in self._uses(owner).items()}
            self.summary.functions.append(FunctionSummary(owner.name, owner.line, owner.lines, uses))
        self.summary.uses = list(places)
        self.summary.public = [name for name in self.top.bound if not name.startswith("_")]
        self._exports(tree)
        return self.summary

    # Walking ------------------------------------------------------------------------------------------------

    def _push(self, nodes: Sequence[ast.AST], scope: _Scope, owner: _Owner | None) -> None:
        self.stack.extend((node, scope, owner) for node in reversed(nodes))

    def _plain(self, node: ast.AST, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs.update(constructs(node))
        self._push([child for child in ast.iter_child_nodes(node) if type(child) not in _LEAVES], scope, owner)

    def _scope(self, kind: str, parent: _Scope, name: str | None = None) -> _Scope:
        prefix = parent.name if name is None else f"{parent.name}.{name}" if parent.name else name
        scope = _Scope(kind, parent, prefix)
        self.scopes.append(scope)
        return scope

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope, owner: _Owner | None) -> None:
        scope.bind(node.name)
        inner = self._scope("function", scope, node.name)
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        mine = _Owner(inner.name, node.lineno, lines)
        self.owners.append(mine)
        if owner is not None:
            owner.constructs["nested function"] += 1
        mine.constructs.update(signature_constructs(node))
        for parameter in getattr(node, "type_params", ()):
            inner.bind(parameter.name)
        self._parameters(node.args, inner)
        self._push(node.body, inner, mine)
        self._push([*node.decorator_list, *_defaults(node.args)], scope, mine)

    def _parameters(self, arguments: ast.arguments, scope: _Scope) -> None:
        for argument in (
            *arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg
        ):  # fmt: skip
            if argument is not None:
                scope.bind(argument.arg)

    def _lambda(self, node: ast.Lambda, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs["lambda"] += 1
        inner = self._scope("lambda", scope)
        self._parameters(node.args, inner)
        self._push([node.body], inner, owner)
        self._push(_defaults(node.args), scope, owner)

    def _class(self, node: ast.ClassDef, scope: _Scope, owner: _Owner | None) -> None:
        scope.bind(node.name)
        if owner is not None:
            owner.constructs["nested class"] += 1
        inner = self._scope("class", scope, node.name)
        for parameter in getattr(node, "type_params", ()):
            inner.bind(parameter.name)
        self._push(node.body, inner, owner)
        self._push([*node.decorator_list, *node.bases, *(k.value for k in node.keywords)], scope, owner)

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        scope: _Scope,
        owner: _Owner | None,
    ) -> None:
        if owner is not None:
            owner.constructs.update(constructs(node))
        inner = self._scope("comprehension", scope)
        values: list[ast.expr] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._push(values, inner, owner)
        for position, generator in reversed(list(enumerate(node.generators))):
            self._push([generator.target, *generator.ifs], inner, owner)
            # The first iterable is evaluated outside of the comprehension.
            self._push([generator.iter], scope if position == 0 else inner, owner)

    def _name(self, node: ast.Name, scope: _Scope, owner: _Owner | None) -> None:
        if not isinstance(node.ctx, ast.Load):
            scope.bind(node.id)
        elif owner is not None:
            owner.names[node.id, (), scope] += 1

    def _attribute(self, node: ast.Attribute, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs.update(constructs(node))
        attributes: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            attributes.append(base.attr)
            base = base.value
        if not isinstance(base, ast.Name):
            self.stack.append((base, scope, owner))
        elif owner is not None:
            owner.names[base.id, tuple(reversed(attributes)), scope] += 1

    def _walrus(self, node: ast.NamedExpr, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs["assignment expression"] += 1
        outer = scope
        while outer.kind == "comprehension" and outer.parent is not None:
            outer = outer.parent
        outer.bind(node.target.id)
        self.stack.append((node.value, scope, owner))

    def _annotated(self, node: ast.AnnAssign, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs["variable annotation"] += 1
        self._push([node.target] if node.value is None else [node.target, node.value], scope, owner)

    def _type_alias(self, node: ast.stmt, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs["type alias"] += 1
        scope.bind(node.name.id)  # type: ignore[attr-defined]  # ast.TypeAlias came with Python 3.12

    def _formatted(self, node: ast.FormattedValue, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs.update(constructs(node))
        # A format specification is a JoinedStr, but not a further f-string.
        if isinstance(node.format_spec, ast.JoinedStr):
            self._push(node.format_spec.values, scope, owner)
        self.stack.append((node.value, scope, owner))

    def _handler(self, node: ast.ExceptHandler, scope: _Scope, owner: _Owner | None) -> None:
        if node.name:
            scope.bind(node.name)
        self._plain(node, scope, owner)

    def _pattern(self, node: ast.MatchAs | ast.MatchStar, scope: _Scope, owner: _Owner | None) -> None:
        if node.name:
            scope.bind(node.name)
        self._plain(node, scope, owner)

    def _mapping(self, node: ast.MatchMapping, scope: _Scope, owner: _Owner | None) -> None:
        if node.rest:
            scope.bind(node.rest)
        self._plain(node, scope, owner)

    def _global(self, node: ast.Global, scope: _Scope, owner: _Owner | None) -> None:
        scope.from_module.update(node.names)
        self._plain(node, scope, owner)

    def _nonlocal(self, node: ast.Nonlocal, scope: _Scope, owner: _Owner | None) -> None:
        scope.from_outside.update(node.names)
        self._plain(node, scope, owner)

    # Imports ------------------------------------------------------------------------------------------------

    def _import(self, node: ast.Import, scope: _Scope, owner: _Owner | None) -> None:
        for alias in node.names:
            self._know(alias.name)
            head = alias.name.partition(".")[0]
            dotted = alias.name if alias.asname else head
            scope.bind(alias.asname or head, _Target(dotted, dotted.count(".") + 1))
        self._count_import(scope, owner)

    def _import_from(self, node: ast.ImportFrom, scope: _Scope, owner: _Owner | None) -> None:
        source = self._absolute(node)
        if source:
            self._know(source)
        for alias in node.names:
            if alias.name == "*":
                self.summary.stars.append(source)
            elif source == "__future__":
                continue
            else:
                target = _Target(f"{source}.{alias.name}", source.count(".") + 1) if source else None
                scope.bind(alias.asname or alias.name, target)
        self._count_import(scope, owner)

    def _count_import(self, scope: _Scope, owner: _Owner | None) -> None:
        if owner is not None:
            owner.constructs["local import"] += 1

    def _absolute(self, node: ast.ImportFrom) -> str:
        """Dotted name of the module imported from; "" if a relative import leads out of the package."""
        if not node.level:
            return node.module or ""
        parts = self.package.split(".") if self.package else []
        if node.level > len(parts):
            return ""
        base = parts[: len(parts) - node.level + 1]
        return ".".join([*base, node.module] if node.module else base)

    def _know(self, module: str) -> None:
        while module:
            self.modules.add(module)
            module = module.rpartition(".")[0]

    # Names --------------------------------------------------------------------------------------------------

    def _uses(self, owner: _Owner) -> Counter[Use]:
        uses: Counter[Use] = Counter({Syntax(name): count for name, count in owner.constructs.items()})
        for (name, attributes, scope), count in owner.names.items():
            use = self._resolve(name, attributes, scope)
            if use is not None:
                uses[use] += count
        return uses

    def _resolve(self, name: str, attributes: tuple[str, ...], scope: _Scope) -> Use | None:
        found, crossed = self._lookup(name, scope)
        if found is not None:
            target = found.bound[name]
            if target is not None:
                return self._imported(target, attributes)
            return Syntax("closure") if crossed and found.kind != "module" else None
        if self.summary.stars:
            return Starred(name, ".".join(attributes))
        return Builtin(name) if name in BUILTIN_NAMES else None

    def _lookup(self, name: str, scope: _Scope) -> tuple[_Scope | None, bool]:
        """The scope that binds a name, and whether it lies outside of the function that uses it."""
        crossed = False
        current: _Scope | None = scope
        while current is not None:
            if name in current.from_module:
                current = self.top
            visible = current.kind != "class" or current is scope
            if visible and name in current.bound and name not in current.from_outside:
                return current, crossed
            crossed = crossed or current.kind == "function"
            current = current.parent
        return None, crossed

    def _imported(self, target: _Target, attributes: tuple[str, ...]) -> Imported:
        bound = target.dotted.count(".") + 1
        known, dotted = target.known, ".".join((target.dotted, *attributes))
        prefix = dotted
        while (length := prefix.count(".") + 1) > known:
            if prefix in self.modules:
                known = length
            prefix = prefix.rpartition(".")[0]
        return Imported(dotted, bound, known)

    # Exports ------------------------------------------------------------------------------------------------

    def _exports(self, tree: ast.Module) -> None:
        """`__all__` as far as it is written down: lists, `+`, `+=`, `append`, `extend`, other modules' `__all__`."""
        for statement in tree.body:
            values = _export_values(statement)
            while values:
                self._export(values.pop())

    def _export(self, value: ast.expr) -> None:
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            # a + b + c nests to the left, by as many levels as there are terms
            left: ast.expr = value
            terms: list[ast.expr] = []
            while isinstance(left, ast.BinOp):
                terms.append(left.right)
                left = left.left
            for term in (left, *reversed(terms)):
                if not isinstance(term, ast.BinOp):
                    self._export(term)
        elif isinstance(value, ast.List | ast.Tuple):
            names = [e.value for e in value.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
            self.summary.exported = [*(self.summary.exported or []), *names]
        elif isinstance(value, ast.Attribute) and value.attr == "__all__" and isinstance(value.value, ast.Name):
            name = value.value.id
            target = self.top.bound.get(name)
            # Importing a submodule also binds its name in the package.
            source = target.dotted if target is not None else f"{self.package}.{name}"
            if target is not None or source in self.modules:
                self.summary.export_sources.append(source)


def _export_values(statement: ast.stmt) -> list[ast.expr]:
    """Expressions whose names a top-level statement puts into `__all__`."""

    def is_all(node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == "__all__"

    if isinstance(statement, ast.Assign) and any(map(is_all, statement.targets)):
        return [statement.value]
    if isinstance(statement, ast.AugAssign | ast.AnnAssign) and is_all(statement.target) and statement.value:
        return [statement.value]
    if isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
        method = call.func
        if isinstance(method, ast.Attribute) and is_all(method.value) and len(call.args) == 1:
            if method.attr == "extend":
                return [call.args[0]]
            if method.attr == "append":
                return [ast.List(elts=[call.args[0]], ctx=ast.Load())]
    return []


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]


# Contexts and operators: they have no children and are read from their parents.
_LEAVES = frozenset(
    kind
    for base in (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
    for kind in base.__subclasses__()
)
# Its own types for each kind of node: a mapping of a type to what takes that type cannot be written down.
_HANDLERS: dict[type[ast.AST], Callable[..., None]] = {
    ast.AnnAssign: _Reader._annotated,
    ast.AsyncFunctionDef: _Reader._function,
    ast.Attribute: _Reader._attribute,
    ast.ClassDef: _Reader._class,
    ast.DictComp: _Reader._comprehension,
    ast.ExceptHandler: _Reader._handler,
    ast.FormattedValue: _Reader._formatted,
    ast.FunctionDef: _Reader._function,
    ast.GeneratorExp: _Reader._comprehension,
    ast.Global: _Reader._global,
    ast.Import: _Reader._import,
    ast.ImportFrom: _Reader._import_from,
    ast.Lambda: _Reader._lambda,
    ast.ListComp: _Reader._comprehension,
    ast.MatchAs: _Reader._pattern,
    ast.MatchMapping: _Reader._mapping,
    ast.MatchStar: _Reader._pattern,
    ast.Name: _Reader._name,
    ast.NamedExpr: _Reader._walrus,
    ast.Nonlocal: _Reader._nonlocal,
    ast.SetComp: _Reader._comprehension,
}
if hasattr(ast, "TypeAlias"):
    _HANDLERS[ast.TypeAlias] = _Reader._type_alias
