"""Jars are fetched once, checked against the lock, and mended when damaged."""

from __future__ import annotations

import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import ServerError
from explorer.server import free_port, jars
from explorer.server.jars import (
    NEO4J_VERSIONS,
    REPOSITORY_VARIABLE,
    Jar,
    find_version,
    parse_lock,
    provision,
    read_lock,
)
from tests.server.conftest import Repository


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("version", NEO4J_VERSIONS)
def test_the_lock_names_every_jar_once_by_version_size_and_digest(version: str) -> None:
    lock = read_lock(version)
    assert len({jar.filename for jar in lock}) == len(lock) > 200
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) and jar.size > 100 for jar in lock)
    versions = {jar.artifact: jar.version for jar in lock if jar.group in ("org.neo4j", "org.neo4j.app")}
    assert versions["neo4j"] == versions["neo4j-server"] == versions["neo4j-kernel"] == version


@pytest.mark.parametrize(
    ("name", "version"),
    [("5", "5.26.30"), ("5.26", "5.26.30"), ("5.26.30", "5.26.30"), ("2026", "2026.08.1"), ("2026.x", "2026.08.1")],
)
def test_a_version_is_known_by_its_beginning(name: str, version: str) -> None:
    assert find_version(name) == version


@pytest.mark.parametrize("name", ["", "x", "5.2", "4.4", "2026.0", "latest"])
def test_a_version_that_is_not_locked_is_refused(name: str) -> None:
    with pytest.raises(ServerError, match=r"choose 5\.26\.30 or 2026\.08\.1$"):
        find_version(name)


def test_a_line_that_is_no_jar_is_named() -> None:
    with pytest.raises(ServerError, match="line 2"):
        parse_lock("# comment\norg.example:a\n")


def test_a_classifier_is_part_of_the_name() -> None:
    (jar,) = parse_lock("io.netty:netty-transport-native-epoll:4.1:linux-x86_64 10 ab")
    assert jar.filename == "netty-transport-native-epoll-4.1-linux-x86_64.jar"
    assert jar.coordinate == "io.netty:netty-transport-native-epoll:4.1:linux-x86_64"


def test_jars_are_fetched_once(repository: Repository, cache: Path) -> None:
    lock = [repository.publish(name, name.encode() * 100) for name in ("a", "b", "c")]
    steps: list[tuple[int, int]] = []
    first = provision(cache=cache, jars=lock, progress=lambda done, total: steps.append((done, total)))
    assert first.downloaded == 3
    assert steps[-1] == (300, 300)
    assert first.jars.class_path.count(os.pathsep) == 2
    assert all((first.jars.folder / jar.filename).read_bytes() == jar.artifact.encode() * 100 for jar in lock)

    repository.asked.clear()
    assert provision(cache=cache, jars=lock).downloaded == 0
    assert repository.asked == []


def test_who_comes_while_they_are_fetched_waits_for_them(
    repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = [repository.publish(name, name.encode() * 100) for name in ("a", "b", "c")]
    both_look, fetch, fetches = threading.Barrier(2), jars._fetch, []
    before = jars._fetching_alone

    def alone(folder: Path) -> AbstractContextManager[None]:
        both_look.wait(60)  # both have seen that they are missing
        return before(folder)

    def count(*given: Any) -> None:
        fetches.append(given)
        fetch(*given)

    monkeypatch.setattr(jars, "_fetching_alone", alone)
    monkeypatch.setattr(jars, "_fetch", count)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: provision(cache=cache, jars=lock), range(2)))
    assert sorted(one.downloaded for one in done) == [0, 3]
    assert len(repository.asked) == 3
    assert len(fetches) == 1


def test_what_was_checked_is_not_read_again(
    repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = [repository.publish("a", b"content")]
    provision(cache=cache, jars=lock)
    monkeypatch.setattr(jars, "_sha256", lambda path: pytest.fail(f"{path} was read"))
    provision(cache=cache, jars=lock)


@pytest.mark.parametrize("damage", [b"CONTENT", b"con", b"", None], ids=["changed", "cut", "empty", "missing"])
def test_a_damaged_jar_is_fetched_again(repository: Repository, cache: Path, damage: bytes | None) -> None:
    lock = [repository.publish("a", b"content"), repository.publish("b", b"other")]
    folder = provision(cache=cache, jars=lock).jars.folder
    path = folder / lock[0].filename
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    repository.asked.clear()
    assert provision(cache=cache, jars=lock).downloaded == 1
    assert path.read_bytes() == b"content"
    assert len(repository.asked) == 1


def test_a_new_lock_is_not_satisfied_by_an_old_jar(repository: Repository, cache: Path) -> None:
    provision(cache=cache, jars=[repository.publish("a", b"first")])
    lock = [repository.publish("a", b"other")]
    assert provision(cache=cache, jars=lock).downloaded == 1


def test_another_jar_than_the_locked_one_is_refused_and_not_kept(repository: Repository, cache: Path) -> None:
    jar = repository.publish("a", b"the locked jar")
    repository.files[next(iter(repository.files))] = b"something else"
    with pytest.raises(ServerError, match=r"org\.example:a:1\.0 .* is not the locked jar"):
        provision(cache=cache, jars=[jar])
    assert not any(name.endswith(".jar") for name in names_in(cache))


def test_a_jar_that_is_not_there_is_named(repository: Repository, cache: Path) -> None:
    with pytest.raises(ServerError, match=r"org\.example:nowhere:1\.0 is not in the Maven repository"):
        provision(cache=cache, jars=[Jar("org.example", "nowhere", "1.0", "", 1, "00")])


def test_a_connection_that_breaks_is_tried_again(repository: Repository, cache: Path) -> None:
    jar = repository.publish("a", b"x" * 5000)
    repository.cut.add(next(iter(repository.files)))
    provision(cache=cache, jars=[jar])
    assert len(repository.asked) == 2


def test_no_network_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REPOSITORY_VARIABLE, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(jars.time, "sleep", lambda _: None)
    with pytest.raises(ServerError, match="connect to the network"):
        provision(cache=cache, jars=[Jar("org.example", "a", "1.0", "", 1, "00")])


def test_a_missing_resolver_names_the_extra(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(ServerError, match=r"bootstrap\.py add server"):
        provision(cache=cache, jars=[Jar("org.example", "a", "1.0", "", 1, "00")])


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServerError, match="SKILLGRAPH_CACHE"):
        provision(cache=tmp_path / "file", jars=[Jar("org.example", "a", "1.0", "", 1, "00")])
