"""Targets, texts, provenance, determinism and errors of the loader for Python source."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from loaders._python_pool import read_all
from loaders._python_targets import SourceFile
from loaders.dataset import Dataset, extend_dataset
from loaders.errors import DataError
from loaders.python_source import load_python_source
from tests.loaders.trees import DeadlyFile, names, write_tree


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_tree(
        tmp_path / "project",
        {
            "src/pkg/__init__.py": "def top(): pass",
            "src/pkg/sub/__init__.py": "",
            "src/pkg/sub/mod.py": """
                import functools

                class A:
                    @property
                    def x(self):
                        return self._x

                    @x.setter
                    def x(self, value):
                        self._x = value

                    async def later(self):
                        def inner():
                            class B:
                                def deep(self): pass
                            return B
                        return inner
                """,
            "src/pkg/tests/test_mod.py": "def test_a(): assert True",
            "tools/run-it.py": "def main(): print('ü')",
            "tools/conftest.py": "def fixture(): pass",
            ".hidden/a.py": "def hidden(): pass",
            "venv/pyvenv.cfg": "",
            "venv/lib/x.py": "def installed(): pass",
            "__pycache__/y.py": "def cached(): pass",
        },
    )


def test_texts_of_a_folder(project: Path) -> None:
    dataset = load_python_source([project], name="d", part="p")
    rows = {row["id"]: row for row in dataset.texts.to_pylist()}
    assert list(rows) == [
        "pkg.sub.mod.A.later",
        "pkg.sub.mod.A.later.inner",
        "pkg.sub.mod.A.later.inner.B.deep",
        "pkg.sub.mod.A.x",
        "pkg.sub.mod.A.x#2",
        "pkg.top",
        "tools.run-it.main",
    ]
    assert rows["pkg.sub.mod.A.x#2"] == {
        "id": "pkg.sub.mod.A.x#2",
        "title": "pkg.sub.mod.A.x",
        "class": "pkg",
        "part": "p",
        "path": "src/pkg/sub/mod.py",
        "line": 10,
        "lines": 2,
    }
    assert rows["tools.run-it.main"]["class"] == "tools"
    assert dataset.parts == ("p",)
    assert dataset.provenance["source"] == "project"
    assert dataset.provenance["test_files_left_out"] == 2
    assert dataset.provenance["files"] == 4
    assert dataset.provenance["functions"] == 7


def test_tests_are_read_where_asked_for(project: Path) -> None:
    dataset = load_python_source([project], name="d", include_tests=True)
    assert {"src.pkg.tests.test_mod.test_a", "tools.conftest.fixture"} <= set(dataset.texts["id"].to_pylist())


def test_a_path_inside_of_a_package_gives_the_same_ids(project: Path) -> None:
    whole = set(load_python_source([project / "src"], name="d").texts["id"].to_pylist())
    inner = load_python_source([project / "src/pkg/sub"], name="d").texts.to_pylist()
    file = load_python_source([str(project / "src/pkg/sub/mod.py")], name="d").texts.to_pylist()
    assert inner == file
    assert {row["id"] for row in inner} < whole
    assert {row["path"] for row in inner} == {"pkg/sub/mod.py"}


def test_a_test_file_named_itself_is_read(project: Path) -> None:
    dataset = load_python_source([project / "src/pkg/tests/test_mod.py"], name="d")
    assert dataset.texts["title"].to_pylist() == ["test_mod.test_a"]


def test_a_file_in_two_targets_is_read_once(project: Path) -> None:
    once = load_python_source([project / "src"], name="d")
    twice = load_python_source([project / "src", project / "src/pkg/sub", project / "src"], name="d")
    assert once.texts.equals(twice.texts)
    assert once.requirements.equals(twice.requirements)


def test_two_files_of_one_name_are_told_apart_by_order(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/m.py": "def f(): return 1", "b/m.py": "def f(): pass"})
    dataset = load_python_source([tmp_path / "b", tmp_path / "a"], name="d")
    assert names(dataset, "m.f") == {"syntax:pass"}
    assert names(dataset, "m.f#2") == {"syntax:return"}


def test_skill_table_and_hierarchy(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {"m.py": "import os\nfrom json import dumps\ndef f(x):\n for y in sorted(x): os.path.join, os.getcwd, dumps"},
    )
    dataset = load_python_source([tmp_path], name="d")
    rows = {row["id"]: (row["name"], row["class"], row["level"], row["module"]) for row in dataset.skills.to_pylist()}
    assert rows == {
        "api:json.dumps": ("json.dumps", "api", 1, "json"),
        "api:os.getcwd": ("os.getcwd", "api", 1, "os"),
        "api:os.path.join": ("os.path.join", "api", 2, "os.path"),
        "builtin:sorted": ("sorted", "builtin", 0, "builtins"),
        "module:os": ("os", "module", 0, "os"),
        "module:os.path": ("os.path", "module", 1, "os.path"),
        "syntax:for loop": ("for loop", "syntax", 0, None),
    }
    # Not json.dumps: no body names the module json.
    assert sorted(dataset.part_of.to_pylist(), key=lambda row: row["child"]) == [
        {"child": "api:os.getcwd", "parent": "module:os"},
        {"child": "api:os.path.join", "parent": "module:os.path"},
        {"child": "module:os.path", "parent": "module:os"},
    ]


def test_min_uses_leaves_out_rare_skills_and_keeps_texts(tmp_path: Path) -> None:
    write_tree(tmp_path, {"m.py": "def a(): return len(b)\ndef b(): return\ndef c(): yield"})
    whole = load_python_source([tmp_path], name="d")
    often = load_python_source([tmp_path], name="d", min_uses=2)
    assert whole.skills["id"].to_pylist() == ["builtin:len", "syntax:return", "syntax:yield"]
    assert often.skills["id"].to_pylist() == ["syntax:return"]
    assert often.texts.equals(whole.texts)
    assert (whole.provenance["skills_left_out"], whole.provenance["texts_without_skill"]) == (0, 0)
    assert (often.provenance["skills_left_out"], often.provenance["texts_without_skill"]) == (2, 1)


def test_files_that_do_not_parse_are_counted_and_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {"good.py": "def f(): pass", "old.py": "\nprint 'x'", "twisted.py": "def f(:"})
    (tmp_path / "nul.py").write_bytes(b"def f(): pass\0")
    (tmp_path / "latin.py").write_bytes(b"def f(): 'caf\xe9'")
    (tmp_path / "declared.py").write_bytes(b"# coding: latin-1\ndef caf\xe9(): pass")
    (tmp_path / "marked.py").write_bytes(b"\xef\xbb\xbfdef marked(): pass")
    dataset = load_python_source([tmp_path], name="d")
    assert dataset.texts["id"].to_pylist() == ["declared.café", "good.f", "marked.marked"]
    assert dataset.provenance["unparsed_files"] == 4
    unparsed = str(dataset.provenance["unparsed"])
    assert "old.py: line 2: " in unparsed
    assert all(name in unparsed for name in ("twisted.py", "nul.py", "latin.py"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such file names")
def test_file_names_that_are_not_unicode(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")).write_text("def f(): pass")
    assert load_python_source([tmp_path], name="d").texts["path"].to_pylist() == ["caf?.py"]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_result_does_not_depend_on_the_number_of_workers(tmp_path: Path, workers: int) -> None:
    files = {f"pkg/m{i:02}.py": f"import os\ndef f{i % 7}(x): return os.f{i % 5}(x), len(x)" for i in range(70)}
    files |= {
        "pkg/__init__.py": "from .m00 import *",
        "pkg/bad.py": "def",
        "pkg/s.py": "from .m03 import *\ndef f(): f3",
    }
    write_tree(tmp_path, files)
    seen: list[tuple[int, int]] = []
    dataset = load_python_source(
        [tmp_path], name="d", workers=workers, progress=lambda done, total: seen.append((done, total))
    )
    assert dataset.equals(load_python_source([tmp_path], name="d", workers=1))
    assert dataset.n_texts == 71
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (73, 73)


def test_files_of_a_process_that_was_ended_are_read_by_the_first(tmp_path: Path) -> None:
    paths = [tmp_path / f"m{i}.py" for i in range(40)]
    for path in paths:
        path.write_text(f"def {path.stem}(): pass")
    files = [DeadlyFile(path, path.stem) for path in paths]
    summaries = list(read_all(files, 2, None))
    assert [file for file, _ in summaries] == files
    assert [summary.functions[0].name for _, summary in summaries] == [path.stem for path in paths]


def test_an_error_in_progress_stops_the_other_processes(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"m{i}.py").write_text("def f(): pass")
    files = [SourceFile(path, path.stem, False, path.name) for path in sorted(tmp_path.iterdir())]

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(read_all(files, 2, interrupt))


@pytest.mark.parametrize("moment", ["process 1", "process 2", "task 1", "task 2", "last task"])
def test_ctrl_c_while_the_other_processes_start_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """A process that is started, but not yet known to its pool, would be waited for without end."""
    for i in range(80):
        (tmp_path / f"m{i}.py").write_text("def f(): pass")
    files = [SourceFile(path, path.stem, False, path.name) for path in sorted(tmp_path.iterdir())]
    happened: list[str] = []

    def after(kind: str, count: int, call: Callable[..., Any]) -> Callable[..., Any]:
        def interrupted(*arguments: Any) -> Any:
            result = call(*arguments)
            happened.append(kind)
            number = happened.count(kind)
            if moment in (f"{kind} {number}", "last " + kind if number == count else ""):
                signal.raise_signal(signal.SIGINT)
            return result

        return interrupted

    monkeypatch.setattr(SpawnProcess, "start", after("process", 2, SpawnProcess.start))
    monkeypatch.setattr(ProcessPoolExecutor, "submit", after("task", 5, ProcessPoolExecutor.submit))
    others = multiprocessing.active_children()  # of servers that tests before this one have started
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            list(read_all(files, 2, None))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)
        started = [child for child in multiprocessing.active_children() if child not in others]
        left = [child for child in started if isinstance(child, SpawnProcess)]
        for child in left:
            child.kill()
    assert happened.count("task") == 5
    assert not left


# Installed packages ------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write_tree(
        tmp_path / "site",
        {
            "zzpackage/__init__.py": "raise RuntimeError('imported')\ndef f(): pass",
            "zzpackage/inner/__init__.py": """
                from . import leaf
                import zzpackage as zz
                def g(): leaf.h(), zz.inner.leaf.h()
                """,
            "zzpackage/inner/leaf.py": "def h(): pass",
            "zzpackage/inner/data/notes.txt": "",
            "zzsingle.py": "def s(): pass",
            "zznamespace/part/m.py": "import zznamespace.part.m as x\ndef n(): x.n()",
            "zzbinary/__init__.txt": "",
            "zz_dist-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: zz-dist\nVersion: 1.0\n",
            "zz_dist-1.0.dist-info/RECORD": "zzsingle.py,,\nzzpackage/__init__.py,,\n",
        },
    )
    monkeypatch.syspath_prepend(root)
    return root


def test_installed_package_is_read_without_importing_it(installed: Path) -> None:
    dataset = load_python_source(["zzpackage"], name="d")
    assert not any(name.startswith("zz") for name in sys.modules)
    assert {row["id"]: row["path"] for row in dataset.texts.to_pylist()} == {
        "zzpackage.f": "zzpackage/__init__.py",
        "zzpackage.inner.g": "zzpackage/inner/__init__.py",
        "zzpackage.inner.leaf.h": "zzpackage/inner/leaf.py",
    }
    assert names(dataset, "zzpackage.inner.g") == {"module:zzpackage.inner.leaf", "api:zzpackage.inner.leaf.h"}


@pytest.mark.parametrize(
    ("target", "texts"),
    [
        ("zzpackage.inner", {"zzpackage.inner.g", "zzpackage.inner.leaf.h"}),
        ("zzpackage.inner.leaf", {"zzpackage.inner.leaf.h"}),
        ("zzsingle", {"zzsingle.s"}),
        ("zznamespace", {"zznamespace.part.m.n"}),
        ("zznamespace.part", {"zznamespace.part.m.n"}),
        ("zz-dist", {"zzsingle.s", "zzpackage.f", "zzpackage.inner.g", "zzpackage.inner.leaf.h"}),
    ],
)
def test_kinds_of_installed_targets(installed: Path, target: str, texts: set[str]) -> None:
    dataset = load_python_source([target], name="d")
    assert set(dataset.texts["id"].to_pylist()) == texts
    assert {row["path"].split("/")[0] for row in dataset.texts.to_pylist()} <= {
        "zzpackage", "zzsingle.py", "zznamespace"
    }  # fmt: skip


def test_modules_of_installed_packages_are_told_from_their_names(installed: Path, tmp_path: Path) -> None:
    source = """
        import zzpackage as z
        import zznamespace as n
        def f(): z.inner.leaf.h.x, z.inner.data.y, z.inner.thing.y, n.part.m.n, n.nothing.x
        """
    found = names(load_python_source([write_tree(tmp_path / "u", {"m.py": source})], name="d"), "m.f", "api", "module")
    assert found == {
        "module:zzpackage.inner.leaf",
        "api:zzpackage.inner.leaf.h",
        "module:zzpackage.inner",
        "api:zzpackage.inner.data",
        "api:zzpackage.inner.thing",
        "module:zznamespace.part.m",
        "api:zznamespace.part.m.n",
        "module:zznamespace",
        "api:zznamespace.nothing",
    }


# What is wrong with a target ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("no_such_package_zz", "'no_such_package_zz' is neither an installed package with Python source nor a path"),
        ("./no/such/folder", "no/such/folder: there is no such file or folder"),
        ("missing.py", "missing.py: there is no such file or folder"),
        ("no_such.sub_module", "'no_such.sub_module' is neither an installed package"),
        ("sys", "'sys' is neither an installed package with Python source nor a path"),
        ("", "'' is neither an installed package"),
    ],
)
def test_unknown_targets(target: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=f"^{re.escape(expected)}"):
        load_python_source([target], name="d")


def test_targets_without_texts(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"has no Python source files outside of tests; give a folder with \.py files"):
        load_python_source([tmp_path / "empty"], name="d")
    write_tree(tmp_path, {"plain/a.py": "x = 1", "broken/a.py": "x = 1", "broken/b.py": "def"})
    with pytest.raises(DataError, match=r"^no function in 'plain': 1 Python file read; choose another target$"):
        load_python_source([tmp_path / "plain"], name="d")
    with pytest.raises(DataError, match=r"2 Python files read, of which 1 do not parse \(b.py: line 1: "):
        load_python_source([tmp_path / "broken"], name="d")
    write_tree(tmp_path, {"only/tests/test_a.py": "def test(): pass", "only/tests/test_b.py": "def test(): pass"})
    with pytest.raises(DataError, match="outside of tests"):
        load_python_source([tmp_path / "only"], name="d")
    with pytest.raises(DataError, match=r"^nothing to read"):
        load_python_source([], name="d")


@pytest.mark.parametrize("argument", ["min_uses", "workers"])
def test_counts_below_one(tmp_path: Path, argument: str) -> None:
    with pytest.raises(DataError, match=f"^{argument} 0 must be at least 1$"):
        load_python_source([tmp_path], name="d", **{argument: 0})


# The standard library ----------------------------------------------------------------------------------------


@pytest.mark.long
def test_standard_library_sizes(stdlib: Dataset) -> None:
    """Wide ranges: the library differs between Python versions; 15 103, 2 663 and 96 183 on 3.11.7 and Linux."""
    assert 12_000 < stdlib.n_texts < 20_000
    assert 2_000 < stdlib.n_skills < 3_500
    assert 80_000 < stdlib.n_requirements < 130_000
    classes = Counter(stdlib.skills["class"].to_pylist())
    assert set(classes) == {"syntax", "builtin", "module", "api"}
    assert stdlib.provenance["functions"] == stdlib.n_texts
    assert stdlib.provenance["unparsed_files"] == 0
    tops = set(stdlib.texts["class"].to_pylist())
    assert tops <= sys.stdlib_module_names
    assert {"json", "asyncio", "os"} <= tops
    assert not {"idlelib", "turtledemo", "test"} & tops
    assert not any(path.startswith("/") or "\\" in path for path in stdlib.texts["path"].to_pylist())


@pytest.mark.long
def test_every_skill_is_required_and_every_count_agrees(stdlib: Dataset) -> None:
    skill = np.asarray(stdlib.requirements["skill"].combine_chunks().indices)
    text = np.asarray(stdlib.requirements["text"].combine_chunks().indices)
    assert np.bincount(skill, minlength=stdlib.n_skills).min() >= 1
    with_skill = np.count_nonzero(np.bincount(text, minlength=stdlib.n_texts))
    assert stdlib.n_texts - with_skill == stdlib.provenance["texts_without_skill"]
    assert pc.sum(stdlib.requirements["weight"]).as_py() > stdlib.n_requirements


@pytest.mark.long
def test_one_skill_learner_starts_and_stops_between_nothing_and_all(stdlib: Dataset) -> None:
    """Peeling in a few lines of numpy: the picture that the demo is about is there in this data."""
    skill = np.asarray(stdlib.requirements["skill"].combine_chunks().indices)
    text = np.asarray(stdlib.requirements["text"].combine_chunks().indices)
    learned = np.zeros(stdlib.n_skills, bool)
    while True:
        novel = ~learned[skill]
        teaches = novel & (np.bincount(text[novel], minlength=stdlib.n_texts)[text] == 1)
        if not teaches.any():
            break
        learned[skill[teaches]] = True
    often = np.bincount(skill, minlength=stdlib.n_skills) >= 3
    assert 0.1 < learned.mean() < 0.7
    assert learned.mean() < learned[often].mean() < 0.9


@pytest.mark.long
def test_domain_package_shares_the_basic_skills_and_has_its_own(stdlib: Dataset) -> None:
    domain = load_python_source(["networkx"], name="python", part="networkx")
    both = extend_dataset(stdlib, domain)
    assert both.parts == ("networkx", "stdlib")
    assert both.n_texts == stdlib.n_texts + domain.n_texts
    shared = set(stdlib.skills["id"].to_pylist()) & set(domain.skills["id"].to_pylist())
    assert both.n_skills == stdlib.n_skills + domain.n_skills - len(shared)
    assert {"syntax:for loop", "builtin:len", "api:itertools.chain"} <= shared
    assert domain.n_skills - len(shared) > 200
    assert "api:networkx.Graph" in domain.skills["id"].to_pylist()
