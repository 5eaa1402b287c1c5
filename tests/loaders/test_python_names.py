"""Names lead to builtins, modules and APIs, through every way of importing, scoping and shadowing."""

from __future__ import annotations

import ast
import builtins
import dis
import importlib
import textwrap
from pathlib import Path
from types import CodeType

import pytest

from loaders._python_functions import BUILTIN_NAMES, Builtin, summarize
from loaders.dataset import Dataset
from loaders.python_source import load_python_source
from tests.loaders.trees import names, skills, write_tree


def load(root: Path, **files: str) -> Dataset:
    return load_python_source(
        [write_tree(root / "src", {name.replace("__slash__", "/") + ".py": text for name, text in files.items()})],
        name="d",
    )


def used(root: Path, source: str, function: str = "f") -> set[str]:
    """Builtins, modules and APIs of one function of a module."""
    return names(load(root, m=source), f"m.{function}", "builtin", "api", "module")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\ndef f(): os.getcwd()", {"module:os", "api:os.getcwd"}),
        ("import os\ndef f(x): x(os)", {"module:os"}),
        ("import os\ndef f(): os.path.join('a').x", {"module:os.path", "api:os.path.join"}),
        ("import os.path\ndef f(): os.path.join", {"module:os.path", "api:os.path.join"}),
        ("import os.path as p\ndef f(): p.join", {"module:os.path", "api:os.path.join"}),
        ("from os import path\ndef f(): path.join", {"module:os.path", "api:os.path.join"}),
        ("from os.path import join\ndef f(): join()", {"api:os.path.join"}),
        ("from os.path import join as j\ndef f(): j()", {"api:os.path.join"}),
        ("import sys\ndef f(): sys.stdout.write('a')", {"module:sys", "api:sys.stdout"}),
        ("import sys\ndef f(): sys.tracebacklimit = 1", {"module:sys", "api:sys.tracebacklimit"}),
        ("import xml.etree.ElementTree as E\ndef f(): E.parse", {
            "module:xml.etree.ElementTree", "api:xml.etree.ElementTree.parse"}),
        ("import xml\ndef f(): xml.etree.ElementTree.parse", {
            "module:xml.etree.ElementTree", "api:xml.etree.ElementTree.parse"}),
        ("import a_b.c\ndef f(): a_b.c.d.e()", {"module:a_b.c", "api:a_b.c.d"}),
        ("import a_b.c\nimport a_b.c.d\ndef f(): a_b.c.d.e()", {"module:a_b.c.d", "api:a_b.c.d.e"}),
        ("from a_b import c\ndef f(): c.d()", {"api:a_b.c"}),
        ("def f():\n import os as o\n o.getcwd()", {"module:os", "api:os.getcwd"}),
        ("import builtins\ndef f(): builtins.len", {"builtin:len"}),
        ("from builtins import len as l\ndef f(): l", {"builtin:len"}),
        ("try:\n import json\nexcept ImportError:\n json = None\ndef f(): json.dumps", {
            "module:json", "api:json.dumps"}),
        ("from __future__ import annotations\ndef f(): annotations", set()),
        ("from ... import x\ndef f(): x()", set()),
        ("import os\ndef f(): global j; import json as j\ndef g(): j.dumps", {"module:json", "api:json.dumps"}),
    ],
)  # fmt: skip
def test_imported_names(tmp_path: Path, source: str, expected: set[str]) -> None:
    assert used(tmp_path, source, "g" if "def g" in source else "f") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x): return len(sorted(x))", {"builtin:len", "builtin:sorted"}),
        ("def f(list): return list", set()),
        ("def f(x):\n list = x\n return list", set()),
        ("list = 1\ndef f(): return list", set()),
        ("def f(x): return [len for len in x]", set()),
        ("def f(x): return [i for i in range(x)]", {"builtin:range"}),
        ("def f(x):\n y = [range for range in range(x)]", {"builtin:range"}),
        ("def f(x): return lambda len: len(x)", set()),
        ("def f(x):\n with x as open: return open", set()),
        ("def f(x):\n try: x()\n except ValueError as id: return id", {"builtin:ValueError"}),
        ("def f(x):\n for id in x: id", set()),
        ("def f(x):\n if (id := x): id", set()),
        ("def f(x):\n [(id := i) for i in x]\n return id", set()),
        ("def f(x):\n match x:\n  case [id, *list]: id, list\n  case {'a': 1, **dict}: dict", set()),
        ("def f(x):\n import os as id\n id", {"module:os"}),
        ("def f(x):\n def id(): pass\n id", set()),
        ("def f(x):\n class id: pass\n id", set()),
        ("class A:\n len = 1\n def f(self): return len(self)", {"builtin:len"}),
        ("class A:\n len = 1\n @len\n def f(self): pass", set()),
        ("class A:\n @property\n def f(self): pass", {"builtin:property"}),
        ("def f():\n global len\n len = 1\ndef g(): len", set()),
        ("def f(x=len, *, y=sorted): pass", {"builtin:len", "builtin:sorted"}),
        ("def f(x: int) -> str: y: dict = 1", set()),
        ("def f(x): yield exit, __import__, __name__, undefined", {"builtin:exit", "builtin:__import__"}),
    ],
)  # fmt: skip
def test_builtins_and_what_shadows_them(tmp_path: Path, source: str, expected: set[str]) -> None:
    function = "A.f" if "class A:" in source else "g" if "def g" in source else "f"
    assert used(tmp_path, source, function) == expected


def test_closures_reach_over_classes_and_not_to_decorators(tmp_path: Path) -> None:
    dataset = load(
        tmp_path,
        m="""
        def outer(x):
            import json
            class A:
                x = 1
                def method(self): return x, json.dumps
            @x
            def decorated(): pass
            def shadowing(x): return x
            def deeper():
                return lambda: [x for _ in x]
            return lambda: x
        """,
    )
    assert names(dataset, "m.outer.A.method") == {
        "syntax:return", "syntax:closure", "module:json", "api:json.dumps"
    }  # fmt: skip
    assert names(dataset, "m.outer.decorated") == {"syntax:decorator", "syntax:pass"}
    assert names(dataset, "m.outer.shadowing") == {"syntax:return"}
    assert "syntax:closure" in names(dataset, "m.outer.deeper")
    assert "syntax:closure" not in names(dataset, "m.outer")


def test_relative_imports_are_absolute_and_private_names_of_the_own_package_do_not_count(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "src",
        {
            "pkg/__init__.py": "from .one import public as p\ndef f(): p()",
            "pkg/one.py": "def public(): pass\ndef _private(): pass",
            "pkg/sub/__init__.py": "",
            "pkg/sub/two.py": """
                from ..one import public, _private
                from .. import one as o
                from . import three
                from ._hidden import thing
                from _other._inner import _kept
                def f():
                    public(), _private(), o.public(), three.x, thing, _kept, three.__doc__
                """,
            "pkg/sub/three.py": "x = 1",
        },
    )
    dataset = load_python_source([root / "pkg"], name="d")
    assert names(dataset, "pkg.f") == {"api:pkg.one.public"}
    assert skills(dataset, "pkg.sub.two.f") == {
        "api:pkg.one.public": 2,
        "module:pkg.one": 1,
        "module:pkg.sub.three": 2,
        "api:pkg.sub.three.x": 1,
        "api:pkg.sub.three.__doc__": 1,
        "api:_other._inner._kept": 1,
    }


def test_star_imports(tmp_path: Path) -> None:
    dataset = load(
        tmp_path,
        with_all="__all__ = ['shown', '_odd']\n__all__ += ['later']\n__all__.append('last')\n"
        "__all__.extend(('more',))\ndef shown(): pass\ndef hidden(): pass",
        public="import json\nfrom deeper import *\nlen = open = 1\n_private = 2",
        deeper="from cyclic import *\ndeep = 1",
        cyclic="from deeper import *\nturned = 1",
        summed="import with_all as w\n__all__ = w.__all__ + ['own'] + unknown()",
        m="""
        from nowhere import *
        from with_all import *
        from public import *
        def f(len=None):
            shown.x, hidden, _odd, later, last, more, deep, turned, _private, open, json.dumps, len, sorted
        """,
        n="from summed import *\ndef f(): own, shown, hidden, len",
    )
    found = names(dataset, "m.f", "builtin", "api", "module")
    assert found == {
        "api:with_all.shown", "api:with_all._odd", "api:with_all.later", "api:with_all.last", "api:with_all.more",
        "api:public.deep", "api:public.turned", "api:public.open", "api:public.json", "builtin:sorted",
    }  # fmt: skip
    assert names(dataset, "n.f") == {"api:summed.own", "api:summed.shown", "builtin:len"}
    assert dataset.provenance["star_imports"] == 7
    assert dataset.provenance["star_imports_unresolved"] == 1


def test_all_of_a_package_may_be_that_of_its_submodules(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "src",
        {
            "pkg/__init__.py": "from .one import *\n__all__ = one.__all__ + ('x',)",
            "pkg/one.py": "__all__ = ('a',)\na = b = 1",
            "m.py": "from pkg import *\ndef f(): a, b, x",
        },
    )
    assert names(load_python_source([root], name="d"), "m.f") == {"api:pkg.a", "api:pkg.x"}


def test_weights_count_occurrences(tmp_path: Path) -> None:
    dataset = load(tmp_path, m="import os\nfrom os import getcwd\ndef f(x): len(x), len(x); os.getcwd(); getcwd()")
    assert skills(dataset, "m.f") == {"builtin:len": 2, "module:os": 1, "api:os.getcwd": 2}


# Packages whose source asks for no platform.
PACKAGES = ["json", "collections", "html", "textwrap", "statistics", "functools", "argparse", "dataclasses", "csv"]


@pytest.fixture(scope="module")
def library() -> Dataset:
    return load_python_source(PACKAGES, name="library", workers=1)


def test_every_found_name_exists(library: Dataset) -> None:
    """An independent check by importing: the loader itself imports nothing."""
    checked = 0
    for skill in library.skills.to_pylist():
        if skill["class"] == "builtin":
            assert hasattr(builtins, skill["name"]) or skill["name"] in BUILTIN_NAMES
        elif skill["class"] in {"api", "module"}:
            module = importlib.import_module(skill["module"])
            if skill["class"] == "api":
                attribute = skill["name"].removeprefix(f"{skill['module']}.")
                assert hasattr(module, attribute), f"{skill['name']} is not in {skill['module']}"
                checked += 1
    assert checked > 80


def global_names(code: CodeType) -> set[str]:
    """Names that compiled code looks up as globals or builtins, with the code inside of it that is no function."""
    found = {instruction.argval for instruction in dis.get_instructions(code) if instruction.opname in {"LOAD_GLOBAL"}}
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant.co_name in {
            "<lambda>",
            "<listcomp>",
            "<setcomp>",
            "<dictcomp>",
            "<genexpr>",
        }:
            found |= global_names(constant)
    return found


def functions(code: CodeType) -> dict[str, list[CodeType]]:
    found: dict[str, list[CodeType]] = {}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if not constant.co_name.startswith("<"):
                found.setdefault(constant.co_qualname.replace(".<locals>", ""), []).append(constant)
            for name, codes in functions(constant).items():
                found.setdefault(name, []).extend(codes)
    return found


def outside_names(tree: ast.Module) -> dict[int, set[str]]:
    """Names in the decorators and default values of each function, by its line: evaluated outside of it."""
    found: dict[int, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
            found[node.lineno] = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
    return found


@pytest.mark.parametrize("module", ["json.encoder", "argparse", "inspect", "asyncio.tasks", "dataclasses", "typing"])
def test_builtins_are_those_that_the_compiler_looks_up(module: str) -> None:
    """The compiler resolves scopes by itself: names it loads as globals and that the module does not bind."""
    source = Path(importlib.util.find_spec(module).origin or "").read_text()
    summary = summarize(source, module)
    assert not summary.stars
    code = compile(source, module, "exec", dont_inherit=True)
    bound = {i.argval for i in dis.get_instructions(code) if i.opname in {"STORE_NAME", "STORE_GLOBAL"}}
    compiled = functions(code)
    outside = outside_names(ast.parse(source))
    found = {
        f.name: {use.name for place in f.uses if isinstance(use := summary.uses[place], Builtin)}
        for f in summary.functions
    }
    compared = 0
    for function in summary.functions:
        codes = compiled.get(function.name, [])
        if len(codes) != 1 or sum(f.name == function.name for f in summary.functions) > 1:
            continue
        looked_up = (global_names(codes[0]) & BUILTIN_NAMES) - bound
        # Decorators and defaults are compiled into the code around a function; here they belong to it.
        nested = {name for inner, names in found.items() if inner.startswith(f"{function.name}.") for name in names}
        assert looked_up - nested <= found[function.name] <= looked_up | outside[function.line], function.name
        compared += 1
    assert compared > 10


def test_text_of_docstring_is_not_read(tmp_path: Path) -> None:
    assert used(tmp_path, textwrap.dedent('def f():\n    """len(x) os.path.join"""\n')) == set()
