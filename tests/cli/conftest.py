"""A small corpus and the command line as a user calls it; tests/docs runs it in processes of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.cli.app import app
from tests.support.command_line import Ran, call_words

SKILLGRAPH = Path(sys.executable).with_name("skillgraph")

BASIC = """
import math
import os.path

def first(x):
    sorted(x)

def second(x):
    for item in sorted(x):
        print(item)

def third(x):
    len(x)

def fourth(x):
    print(len(x))

def fifth(path):
    os.path.join(path, str(len(path)))

def sixth(x):
    while math.sqrt(len(x)):
        sorted(x)
"""
DOMAIN = """
import cmath

def phase(x):
    cmath.phase(len(x))

def module(x):
    print(cmath)

def opened(x):
    with open(x) as handle:
        print(cmath.phase(handle))
"""


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def run_in() -> Callable[..., Ran]:
    def run(folder: Path, *arguments: object, **environment: str) -> Ran:
        return call_words(folder, list(map(str, arguments)), **environment)

    return run


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """The same without a process of its own: for tables of many small cases."""

    def run(folder: Path, *arguments: object) -> Ran:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setenv("NO_COLOR", "1")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for name, text in (("basic", BASIC), ("domain", DOMAIN)):
        package = folder / name
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "work.py").write_text(text)
    return folder


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, sources: Path, run_in: Run) -> Path:
    """A folder whose store holds the small corpus, a foundation layer and a fine-tuned one; only to be read."""
    folder = tmp_path_factory.mktemp("filled")
    steps = (
        ("load", sources / "basic", "--dataset", "small"),
        ("load", sources / "domain", "--dataset", "small", "--append"),
        ("learn", "foundation", "--part", "basic"),
        ("associate", "foundation"),
        ("learn", "tuned", "--part", "domain", "--base", "foundation"),
        ("associate", "tuned"),
    )
    for step in steps:
        ran = run_in(folder, *step)
        assert ran.code == 0, (step, ran.err)
    return folder
