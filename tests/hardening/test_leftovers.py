"""Files belong to their user and go away: modes, owners, and what is left after every way to end."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import explorer.temporary
from explorer.service.output import atomic_output
from explorer.store.opening import open_store
from loaders.errors import DataError
from loaders.formats import load
from loaders.writing import written_file, written_folder

ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
HOLDER = """
import os, signal, sys
from pathlib import Path
from explorer.cli.ending import end_on_signals, guarded
from explorer.temporary import private_folder, temporary_folder
from loaders.writing import written_file, written_folder

def run():
    target = Path(sys.argv[1])
    with temporary_folder("t") as folder, written_file(target / "file") as file, written_folder(target / "folder") as f:
        (folder / "clear text").write_text("secret")
        (f / "half").write_text("half")
        file.write(b"half")
        print(private_folder(), flush=True)
        while True:
            signal.pause()

end_on_signals()
guarded(run)
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, and a process that has not asked for its own yet."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv("SKILLGRAPH_PRIVATE_FOLDER", raising=False)
    monkeypatch.setattr(explorer.temporary, "_folder", None)
    return folder


@pytest.fixture
def plain_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@contextmanager
def started(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that hears these signals even where the tests ignore them, and that does not outlive a failed test."""
    ignored = [ending for ending in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(ending) == signal.SIG_IGN]
    for ending in ignored:  # a child inherits what is ignored, and no handler
        signal.signal(ending, signal.SIG_DFL)
    try:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)
    finally:
        for ending in ignored:
            signal.signal(ending, signal.SIG_IGN)
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name)
def test_nothing_is_left_after(ending: signal.Signals, temp: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    command = [sys.executable, "-c", HOLDER, str(target)]
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        private = Path(process.stdout.readline().strip())
        assert private.parent == temp
        assert mode(private) == 0o700
        assert len(list(target.iterdir())) == 2, "both are beside their place"
        explorer.temporary.sweep()
        assert private.is_dir(), "a process that lives keeps its folder"
        process.send_signal(ending)
        _, said = process.communicate(timeout=30)
    if ending == signal.SIGKILL:
        assert private.is_dir()
        explorer.temporary.sweep()
        with written_file(target / "file") as file:
            file.write(b"whole")
        with written_folder(target / "folder") as folder:
            (folder / "whole").touch()
        assert below(target) == ["file", "folder", "folder/whole"]
    else:
        assert process.returncode == 128 + ending
        assert "Interrupted" in said
        assert "Traceback" not in said
        assert below(target) == []
    assert below(temp) == []


def test_the_explorer_ends_when_it_is_asked_to(temp: Path, tmp_path: Path) -> None:
    """SIGTERM is what `docker stop` sends."""
    program = Path(sys.executable).with_name("skillgraph")
    command = [program, "ui", "--port", "0", "--no-browser", "--store", tmp_path / "s.kgl"]
    with started(command) as process:
        assert process.stderr is not None
        assert "The explorer is at" in process.stderr.readline()
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 143)
    assert "Traceback" not in said
    assert below(temp) == []


def test_a_graph_is_unpacked_where_nobody_else_can_enter(
    temp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.store.embedded import materialised

    monkeypatch.setenv("SKILLGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(materialised, "_WORTH_KEEPING", 0)
    table = tmp_path / "e.csv"
    table.write_text("text,skill\n" + "".join(f"text {i},skill {i % 50}\n" for i in range(2_000)))
    store = open_store(tmp_path / "s.kgl", mode="write")
    store.write_dataset(load(table, name="d").dataset)
    store.close()
    for _ in range(2):  # the second time the graph is read from the cache
        reader = open_store(tmp_path / "s.kgl", mode="read")
        assert reader.query("MATCH (s:Skill) RETURN count(*) AS n").rows == [(50,)]
        reader.query_in_child("MATCH (s:Skill) RETURN count(*) AS n", max_rows=1, timeout=60, memory=4)
        reader.close()
    (private,) = temp.iterdir()
    assert mode(private) == 0o700
    assert not list(private.glob("child-*")), "a child that was ended has left nothing"
    kept = list((tmp_path / "cache").rglob("*"))
    assert all(mode(path) in (0o700, 0o600) for path in kept)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "e.csv", "s.kgl", "temp"]


def test_new_files_follow_the_umask_and_replaced_ones_keep_their_mode(tmp_path: Path, plain_umask: None) -> None:
    path = tmp_path / "f"
    for wanted in (0o644, 0o600, 0o664):
        if path.exists():
            path.chmod(wanted)
        with atomic_output(path) as stream:
            stream.write(b"x")
        assert mode(path) == wanted
    link = tmp_path / "link"
    link.symlink_to(path)
    with atomic_output(link) as stream:
        stream.write(b"y")
    assert link.is_symlink()
    assert path.read_bytes() == b"y"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    table = tmp_path / "e.csv"
    table.write_text("text,skill\na,b\n")
    path = tmp_path / "s.kgl"
    for replace in (False, True):
        store = open_store(path, mode="write")
        store.write_dataset(load(table, name="d").dataset, replace=replace)
        store.close()
        os.chown(path, 12345, 12346)
        path.chmod(0o640)
    store = open_store(path, mode="write")
    lock = (tmp_path / "s.kgl.lock").stat()
    assert (lock.st_uid, lock.st_gid, stat.S_IMODE(lock.st_mode)) == (12345, 12346, 0o640), "the lock follows"
    store.delete_dataset("d")
    store.close()
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (12345, 12346, 0o640)
    assert below(tmp_path) == ["e.csv", "s.kgl"]
    out = tmp_path / "out"
    out.touch()
    os.chown(out, 12345, 12346)
    with atomic_output(out) as stream:
        stream.write(b"x")
    assert out.stat().st_uid == 12345


def test_an_error_in_the_midst_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()

    def fail() -> None:
        with written_folder(folder) as fresh:
            (fresh / "new").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert below(tmp_path) == ["folder", "folder/old"]
    with written_folder(folder) as fresh:
        (fresh / "new").touch()
    assert below(tmp_path) == ["folder", "folder/new"]


def test_reading_leaves_nothing(temp: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.kgl"
    table = tmp_path / "e.csv"
    table.write_text("text,skill\na,b\n")
    store = open_store(path, mode="write")
    store.write_dataset(load(table, name="d").dataset)
    store.close()
    before = {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in tmp_path.rglob("*")}
    time.sleep(0.01)
    with pytest.raises(DataError):
        load(tmp_path / "nothing.csv", name="d")
    reader = open_store(path, mode="read")
    reader.read_dataset("d")
    reader.close()
    assert {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in tmp_path.rglob("*")} == before
