"""The embedded store when things go wrong: killed writers, several processes, unusable places and damaged files."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import kglite
import numpy as np
import pyarrow as pa
import pytest

from explorer.errors import QueryError, StoreError
from explorer.store.embedded import container, contents, tables
from explorer.store.embedded.building import build_graph
from explorer.store.embedded.container import Content
from explorer.store.embedded.store import EmbeddedStore
from explorer.store.opening import DEFAULT_PATH, open_store
from explorer.store.protocol import SCHEMA_VERSION, SOLVE_RATES, Store
from tests.store.content import (
    associations,
    components,
    layer,
    numbered_associations,
    numbered_dataset,
    numbered_layer,
    small_dataset,
)
from tests.store.writer import STEPS, main, write

_SIZE = 400
# Processes that start in no time, from one that has imported everything and done nothing.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.store.writer"])


def _start(*arguments: Any) -> subprocess.Popen[str]:
    """A module of its own process."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def _assert_holds(store: Store, number: int, step: str, size: int) -> None:
    """The store holds exactly what it held after this step."""
    done = STEPS.index(step)
    assert store.read_dataset("numbered").equals(numbered_dataset(number, size))
    [info] = store.datasets()
    assert info.layers == (("layer",) if done >= 1 else ())
    if done >= 1:
        found, expected = store.read_layer("numbered", "layer"), numbered_layer(number, size)
        assert found.skills.drop(["component"]).equals(expected.skills.drop(["component"]))
        pairs, components = numbered_associations(number, size)
        assert found.skills["component"].equals(components["component"]) == (done == 2)
        assert store.read_associations("numbered", "layer").equals(pairs if done == 2 else pairs.slice(0, 0))
        assert found.info.associations == (pairs.num_rows if done == 2 else None)


def _holds(store: Store, number: int, step: str, size: int) -> bool:
    try:
        _assert_holds(store, number, step, size)
    except Exception:  # noqa: BLE001 - of two states one is asked for, and only one can be there
        return False
    return True


def _run_until(path: Path, number: int, size: int, stop: Callable[[], object], sign: int) -> list[tuple[str, int, str]]:
    """Let a writer open the store and write until `stop` returns, then send it a signal; what it noted."""
    notes = path.with_suffix(".notes")
    notes.write_text("")
    process = _FORKS.Process(target=main, args=(path, notes, number, number + 10_000, size))
    process.start()
    assert process.pid is not None
    until = time.monotonic() + 60
    while not notes.read_text() and time.monotonic() < until:
        time.sleep(0.001)
    stop()
    for _ in range(10):
        # A Ctrl-C can be lost where C code calls back into Python; one presses it again.
        os.kill(process.pid, sign)
        process.join(6)
        if process.exitcode is not None:
            break
    assert process.exitcode not in (None, 0)
    lines = [line.split() for line in notes.read_text().splitlines()]
    return [(line[0], int(line[1]), line[2]) for line in lines if len(line) == 3]


def _until_it_is_written(path: Path, skip: int) -> None:
    """Wait until a new content is being written to the disk, some of them passed over."""
    until, last = time.monotonic() + 60, False
    while time.monotonic() < until:
        now = _half_written(path)
        if now and not last:
            if not skip:
                return
            skip -= 1
        last = now


def _half_written(path: Path) -> bool:
    """Something has been written that is not yet the store's content."""
    if list(path.parent.glob("*.tmp.*")):
        return True
    try:
        content = Content.of_file(path)
        return path.stat().st_size > content.end
    except (OSError, StoreError):
        return False


# Signal, how often, size of what is written, and whether to send it while the file is being written.
_STOPS = {
    "kill -9": (signal.SIGKILL, 8, 400, False),
    "kill -9 on the disk": (signal.SIGKILL, 5, 4_000, True),
    "Ctrl-C": (signal.SIGINT, 4, 400, False),
}


@pytest.mark.parametrize("often", [1, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("how", _STOPS)
def test_a_stopped_writer_leaves_the_last_state_or_the_one_being_written(tmp_path: Path, how: str, often: int) -> None:
    sign, times, size, on_the_disk = _STOPS[how]
    times *= often
    path = tmp_path / "store.kgl"
    first = open_store(path, mode="write")
    write(first, 0, "dataset", size)
    first.close()
    number, step = 0, "dataset"
    in_the_middle = on_the_disk_found = 0
    for turn, delay in enumerate(np.random.default_rng(20240501).uniform(0, 0.3, times)):
        stop = partial(_until_it_is_written, path, turn % 4) if on_the_disk else partial(time.sleep, delay)
        noted = _run_until(path, number + 1, size, stop, sign)
        on_the_disk_found += _half_written(path)
        done = [(n, s) for word, n, s in noted if word == "done"]
        last = done[-1] if done else (number, step)
        store = open_store(path, mode="read")
        if noted and noted[-1][0] == "begin":
            in_the_middle += 1
            if _holds(store, *noted[-1][1:], size):
                last = noted[-1][1:]
        _assert_holds(store, *last, size)
        store.close()
        number, step = last
        store = open_store(path, mode="write")
        assert list(tmp_path.glob("*.tmp.*")) == []
        store.close()
    # Many of them were stopped within a write, or this test would show nothing.
    assert in_the_middle > times // 4
    assert on_the_disk_found > times // 4 or not on_the_disk
    store = open_store(path, mode="write")
    write(store, number + 1, "dataset", size)
    _assert_holds(store, number + 1, "dataset", size)
    store.close()


def test_readers_see_the_old_or_the_new_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    write(store, 0, "dataset", _SIZE)
    readers = [_start("tests.store.reader", path, _SIZE) for _ in range(2)]
    # Readers take a second to start; the writing goes on until both have read for some time.
    until, number = time.monotonic() + 60, 0
    while time.monotonic() < until and (number < 20 or len(list(tmp_path.glob("*.read"))) < 2):
        number += 1
        for step in STEPS:
            write(store, number, step, _SIZE)
    store.delete_dataset("numbered")
    store.close()
    for reader in readers:
        said, errors = reader.communicate(timeout=60)
        assert not errors
        assert reader.returncode == 0
        reads, seen = map(int, said.split())
        assert reads >= 10
        assert seen >= 5


def test_threads_read_while_one_writes(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.kgl", mode="write")
    write(store, 0, "dataset", _SIZE)
    stop, failures, reads = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            try:
                dataset = store.read_dataset("numbered")
                assert dataset.equals(numbered_dataset(int(str(dataset.provenance["number"])), _SIZE))
                [(n, number)] = store.query("MATCH (s:Skill) RETURN count(s), max(s.number)").rows
                assert n == numbered_dataset(number, _SIZE).n_skills
            except Exception as error:  # noqa: BLE001 - told by the test's own thread
                failures.append(error)
                return
            reads.append(1)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    until, number = time.monotonic() + 60, 0
    while number < 15 or (len(reads) <= 10 and not failures and time.monotonic() < until):
        number += 1
        write(store, number, "dataset", _SIZE)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(reads) > 10


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    first = open_store(path, mode="write")
    first.write_dataset(small_dataset())
    with pytest.raises(StoreError, match="this process") as caught:
        open_store(path, mode="write")
    assert "\n" not in str(caught.value)
    code = "import sys; from explorer.store.opening import open_store; open_store(sys.argv[1], mode='write')"
    root = Path(__file__).parents[2]
    other = subprocess.run([sys.executable, "-c", code, path], check=False, capture_output=True, text=True, cwd=root)
    assert other.stderr.strip().splitlines()[-1] == (
        f"explorer.errors.StoreError: {path} is being written by process {os.getpid()}: wait until that has finished; "
        "it can be read in the meantime"
    )
    assert open_store(path, mode="read").read_dataset("d").equals(small_dataset())
    first.close()
    second = open_store(path, mode="write")
    second.write_dataset(small_dataset("e"))
    second.close()


def test_opening_without_writing_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.close()
    assert not path.exists()
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.close()
    before = path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino
    open_store(path, mode="write").close()
    open_store(path, mode="read").close()
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_a_link_to_a_store_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "store.kgl", tmp_path / "link.kgl"
    link.symlink_to(path)
    store = open_store(link, mode="write")
    store.write_dataset(small_dataset())
    with pytest.raises(StoreError, match="this process"):
        open_store(path, mode="write")
    store.close()
    assert link.is_symlink()
    assert open_store(path, mode="read").read_dataset("d").equals(small_dataset())


def test_reading_what_is_not_there_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*: run `skillgraph load` or `skillgraph demo` first"):
        open_store(tmp_path / "none.kgl", mode="read")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_goes_away_while_open(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    with_content = open_store(path, mode="write")
    with_content.write_dataset(small_dataset())
    with_content.close()
    reader = open_store(path, mode="read")
    reader.datasets()
    version = reader.version
    path.unlink()
    assert reader.version != version
    with pytest.raises(StoreError, match="there is no store at"):
        reader.datasets()


def test_the_default_is_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(None, mode="write")
    store.write_dataset(small_dataset())
    store.close()
    assert (tmp_path / DEFAULT_PATH).exists()
    assert open_store("./skillgraph.kgl", mode="read").datasets()[0].name == "d"


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder in which not even this user can make a file."""
    folder = tmp_path / "unwritable"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        # Permissions do not bind root; the kernel's own folder does.
        yield Path("/sys/kernel")
    else:
        yield folder
        folder.chmod(0o700)


def test_places_where_no_store_can_be(tmp_path: Path, unwritable: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path, mode, said in (
        (tmp_path, "read", "is a folder"),
        (tmp_path, "write", "is a folder"),
        (tmp_path / "no" / "such" / "s.kgl", "write", "does not exist"),
        (tmp_path / "file" / "s.kgl", "write", "does not exist"),
        (unwritable / "s.kgl", "write", "permission"),
    ):
        with pytest.raises(StoreError, match=said) as caught:
            open_store(path, mode=mode)  # type: ignore[arg-type]
        assert str(path.parent) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost", "file:///tmp/x.kgl", "neo5j://x"])
def test_addresses_that_are_not_known(url: str) -> None:
    with pytest.raises(StoreError, match="neo4j://"):
        open_store(url, mode="read")


def _damaged(good: bytes) -> dict[str, tuple[bytes, str]]:
    """Contents of a file that is no store, and what is said of each."""

    def changed(place: int, value: int) -> bytes:
        return good[:place] + bytes([value]) + good[place + 1 :]

    found = {
        "empty": (b"", "not a store"),
        "text": (b"texts,skills\n", "not a store"),
        "another database": (b"SQLite format 3\x00" + bytes(4096), "not a store"),
        "half": (good[: len(good) // 2], "damaged"),
        "all but the end": (good[:-1], "damaged"),
        "one bit": (changed(len(good) - 40, good[-40] ^ 1), "damaged"),
        "header": (changed(30, good[30] ^ 1), "damaged"),
    }
    if good.startswith(b"RGF"):
        return found | {
            "magic only": (b"RGF", "damaged"),
            "newer container": (changed(3, 99), "newer kglite"),
            "newer content": (changed(6, 99), "newer kglite"),
        }
    return found | {"magic only": (container.MAGIC, "damaged"), "newer container": (changed(8, 99), "newer version")}


def _as_earlier(path: Path) -> None:
    """Make of a store what an earlier version, which kept a kglite graph, would have written."""
    graph = build_graph(Content.of_file(path))
    path.unlink()
    graph.save(str(path), layout="compact")


@pytest.mark.parametrize("earlier", [False, True])
def test_files_that_are_no_store_are_refused_and_left_alone(tmp_path: Path, earlier: bool) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.close()
    if earlier:
        _as_earlier(path)
    for name, (content, said) in _damaged(path.read_bytes()).items():
        bad = tmp_path / f"{name}.kgl"
        bad.write_bytes(content)
        for mode in ("read", "write"):
            with pytest.raises(StoreError, match=said) as caught:
                open_store(bad, mode=mode)  # type: ignore[arg-type]
            assert str(bad) in str(caught.value)
            assert "\n" not in str(caught.value)
        assert bad.read_bytes() == content
        if said == "not a store":
            assert [file.name for file in tmp_path.glob(f"{name}.kgl*")] == [bad.name]


def test_no_bit_of_a_store_can_change_unseen(tmp_path: Path) -> None:
    """Whatever byte of the file changes, every answer is the one before or a sentence."""
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.write_layer(layer("l", {"for": 1, "if": 2}))
    pairs = associations(("for", "if", 2))
    store.write_associations("d", "l", pairs, rule="any", components=components(**{"for": 0, "if": 0}))
    store.close()

    def answers() -> list[Any]:
        reader = open_store(path, mode="read")
        learned = reader.read_layer("d", "l").skills.to_pylist()
        found = [reader.datasets(), reader.layers(), learned, reader.read_associations("d", "l").to_pylist()]
        assert reader.read_dataset("d").equals(small_dataset())
        return found

    good, expected = path.read_bytes(), answers()
    refused = 0
    for place in (*range(0, 64, 16), *range(64, len(good), 101)):
        path.write_bytes(good[:place] + bytes([good[place] ^ (1 << place % 8)]) + good[place + 1 :])
        try:
            assert answers() == expected, place
        except StoreError:
            refused += 1
    # What a later catalogue no longer names, and what is between blocks to align them, says nothing.
    assert refused > len(good) // 101 // 2


@pytest.mark.parametrize(
    ("version", "said"),
    [(0, "not a store made by this program"), (SCHEMA_VERSION + 1, f"version {SCHEMA_VERSION + 1}")],
)
def test_a_store_of_another_version(tmp_path: Path, version: int, said: str) -> None:
    path = tmp_path / "store.kgl"
    graph = kglite.KnowledgeGraph()
    graph.cypher("CREATE (:Skill {id: 1})")
    graph.set_schema_version(version)
    graph.save(str(path))
    before = path.read_bytes()
    for mode in ("read", "write"):
        with pytest.raises(StoreError, match=said):
            open_store(path, mode=mode)  # type: ignore[arg-type]
    assert path.read_bytes() == before
    # The refused writer has not kept the lease.
    assert [file.name for file in tmp_path.iterdir()] == ["store.kgl"]


def test_a_store_of_an_earlier_version_is_read_and_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    for dataset in (small_dataset(), numbered_dataset(3)):
        store.write_dataset(dataset)
    store.write_layer(layer("l", {"for": 1, "if": 2}))
    store.write_layer(layer("m", {"print": 1}, kind="fine-tuned", base="l", mode="continued"))
    store.write_layer(numbered_layer(3))
    pairs, labels = numbered_associations(3)
    store.write_associations("numbered", "layer", pairs, rule="any", components=labels)
    before = store.datasets(), store.layers(), store.read_layer("numbered", "layer"), store.read_layer("d", "l")
    store.close()
    _as_earlier(path)
    early = path.read_bytes()
    question = "MATCH (a)-[r]->(b) RETURN labels(a), type(r), count(r)"
    for mode in ("read", "write", "write"):
        store = open_store(path, mode=mode)  # type: ignore[arg-type]
        for dataset in (small_dataset(), numbered_dataset(3)):
            assert store.read_dataset(dataset.name).equals(dataset)
        found = store.datasets(), store.layers(), store.read_layer("numbered", "layer"), store.read_layer("d", "l")
        assert found[:2] == before[:2]
        assert [read.skills.equals(was.skills) for read, was in zip(found[2:], before[2:], strict=True)] == [True, True]
        assert store.read_associations("numbered", "layer").equals(pairs)
        answer = sorted(store.query(question).rows)
        if mode == "read":
            first = answer
            assert path.read_bytes() == early
        else:
            assert answer == first
            store.delete_layer("d", "m")
            store.write_layer(layer("m", {"print": 1}, kind="fine-tuned", base="l", mode="continued"))
        store.close()
    assert path.read_bytes().startswith(container.MAGIC)


def test_a_log_of_another_program_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.close()
    _as_earlier(path)
    killed = f"import kglite, os; kglite.open({str(path)!r}).cypher('CREATE (:Skill {{id: 99}})'); os._exit(9)"
    subprocess.run([sys.executable, "-c", killed], check=False, timeout=60)
    with pytest.raises(StoreError, match="-wal"):
        open_store(path, mode="write")
    kglite.open(str(path)).close()
    open_store(path, mode="write").close()


def test_a_layer_costs_what_it_adds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer is written behind what is there; what that leaves behind is given back in time."""
    monkeypatch.setattr(container, "_LITTLE", 0)
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    dataset, learned = numbered_dataset(1, size=4_000), numbered_layer(1, size=4_000)
    store.write_dataset(dataset)
    before = path.stat()
    store.write_layer(learned)
    after = path.stat()
    assert after.st_ino == before.st_ino
    assert after.st_size - before.st_size < before.st_size / 3
    largest = 0
    for _ in range(50):
        store.write_layer(learned)
        largest = max(largest, path.stat().st_size)
    assert path.stat().st_ino != before.st_ino
    assert 2 * before.st_size < largest < 4 * after.st_size
    assert store.read_dataset("numbered").equals(dataset)
    assert store.read_layer("numbered", "layer").skills.equals(learned.skills)


def test_what_is_deleted_is_not_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset("kept"))
    store.write_dataset(small_dataset("secret"))
    assert b"secret" in path.read_bytes()
    store.delete_dataset("secret")
    assert b"secret" not in path.read_bytes()
    assert store.read_dataset("kept").equals(small_dataset("kept"))


def test_files_are_this_users_and_stay_as_they_were_made(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    before = os.umask(0)
    try:
        store = open_store(path, mode="write")
        store.write_dataset(small_dataset())
        assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {
            "store.kgl": 0o600,
            "store.kgl.lock": 0o600,
        }
        path.chmod(0o640)
        store.delete_dataset("d")
        store.write_dataset(small_dataset())
        store.write_layer(layer("l", {"for": 1}))
        store.close()
    finally:
        os.umask(before)
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in tmp_path.iterdir()] == [("store.kgl", 0o640)]
    reader = open_store(path, mode="read")
    reader.query("MATCH (s:Skill) RETURN s")
    reader.read_dataset("d")
    assert [file.name for file in tmp_path.iterdir()] == ["store.kgl"]


def test_a_copy_that_goes_its_own_way_is_not_taken_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graphs that are kept for the next query belong to one content, whatever the file is called."""
    monkeypatch.setenv("SKILLGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("explorer.store.embedded.materialised._WORTH_KEEPING", 0)
    path, copy = tmp_path / "store.kgl", tmp_path / "copy.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    question = "MATCH (n:Skill) RETURN n.dataset, count(n)"
    assert store.query(question).rows == [("d", 5)]
    shutil.copyfile(path, copy)
    kept = list((tmp_path / "cache" / "graphs").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in [*kept, kept[0].parent]] == [0o600, 0o700]
    for place, name in ((path, "e"), (copy, "f")):
        if place == path:
            store.write_dataset(small_dataset(name))
            store.close()
        else:
            other = open_store(copy, mode="write")
            assert other.query(question).rows == [("d", 5)]
            other.write_dataset(small_dataset(name))
            other.close()
    for place, name in ((path, "e"), (copy, "f")):
        rows = open_store(place, mode="read").query(f"{question} ORDER BY n.dataset").rows
        assert rows == [("d", 5), (name, 5)]
    kept = list((tmp_path / "cache" / "graphs").iterdir())
    assert len(kept) == 3
    for file in kept:
        file.write_bytes(b"RGF damaged")
    assert len(open_store(path, mode="read").query(question).rows) == 2


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    version = store.version
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, limits[1]))
    try:
        with pytest.raises(StoreError, match="nothing was written to") as caught:
            store.write_dataset(numbered_dataset(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert store.version == version
    assert [info.name for info in store.datasets()] == ["d"]
    assert list(tmp_path.glob("*.tmp.*")) == []
    store.write_dataset(numbered_dataset(1))
    store.close()
    again = open_store(path, mode="read")
    assert again.read_dataset("d").equals(small_dataset())
    assert again.read_dataset("numbered").equals(numbered_dataset(1))


@pytest.mark.parametrize("step", ["put_head", "put_in_place"])
@pytest.mark.parametrize("written", [False, True])
def test_a_write_broken_off_at_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool, step: str
) -> None:
    """Ctrl-C just before or just after the content is put in place: the store goes on with what is in the file."""
    store = open_store(tmp_path / "store.kgl", mode="write")
    store.write_dataset(small_dataset())
    store.write_dataset(small_dataset("gone"))
    real = getattr(container, step)

    def interrupted(*arguments: Any) -> None:
        if written:
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(container, step, interrupted)
        change = partial(store.write_dataset, small_dataset("e"))
        if step == "put_in_place":
            change = partial(store.delete_dataset, "gone")
        with pytest.raises(KeyboardInterrupt):
            change()
    expected = {"d", "gone"}
    if written:
        expected = {"d", "e", "gone"} if step == "put_head" else {"d"}
    assert {info.name for info in store.datasets()} == expected
    store.write_dataset(small_dataset("f"))
    store.close()
    found = [info.name for info in open_store(tmp_path / "store.kgl", mode="read").datasets()]
    assert found == sorted({*expected, "f"})
    assert list(tmp_path.glob("*.tmp.*")) == []


def test_a_file_copied_over_an_open_store(tmp_path: Path) -> None:
    """As `cp` does it, in place: what a reader holds does not depend on the file."""
    path, other = tmp_path / "store.kgl", tmp_path / "other.kgl"
    for place, dataset in ((path, numbered_dataset(1, size=20_000)), (other, small_dataset())):
        store = open_store(place, mode="write")
        store.write_dataset(dataset)
        store.close()
    reader = open_store(path, mode="read")
    assert isinstance(reader, EmbeddedStore)
    requirements = reader.read_requirements("numbered")
    next(requirements)
    shutil.copyfile(other, path)
    assert sum(chunk.num_rows for chunk in requirements) > 0
    assert reader.read_dataset("d").equals(small_dataset())


def test_what_is_closed_or_for_reading_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.datasets()
    with pytest.raises(StoreError, match="closed"):
        store.write_layer(layer("l", {"for": 1}))
    reader = open_store(path, mode="read")
    with pytest.raises(StoreError, match="opened read-only"):
        reader.write_layer(layer("l", {"for": 1}))
    assert reader.layers() == ()


@pytest.mark.parametrize("name", ["[a]", '["a"]'])
def test_names_that_would_be_read_as_lists(tmp_path: Path, name: str) -> None:
    store = open_store(tmp_path / "store.kgl", mode="write")
    with pytest.raises(StoreError, match="square brackets"):
        store.write_dataset(small_dataset(name))
    store.write_dataset(small_dataset("a"))
    with pytest.raises(StoreError, match="square brackets"):
        store.write_layer(layer(name, {"for": 1}, dataset="a"))


def test_nothing_is_printed(tmp_path: Path) -> None:
    """Warnings about a query come with its result; nothing of the graph's goes to the screen by itself."""
    path = tmp_path / "store.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(small_dataset())
    store.close()
    code = (
        "import json, sys; from explorer.store.opening import open_store; s = open_store(sys.argv[1], mode='read'); "
        "print(json.dumps(s.query('MATCH (x:Skil) RETURN x.nme').warnings)); s.read_dataset('d'); s.layers()"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=True, capture_output=True, text=True, cwd=root, timeout=60
    )
    assert done.stderr == ""
    assert "Skil" in json.loads(done.stdout)[0]


def test_a_query_with_names_of_the_stores_own_is_no_way_in(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.kgl", mode="write")
    store.write_dataset(small_dataset())
    rows = store.query("MATCH (s:Skill {id: 'for'}) RETURN s.skillgraph_id, id(s)").rows
    assert rows[0][0] == "for"
    with pytest.raises(QueryError):
        store.query("MATCH (s:Skill) SET s.skillgraph_id = 'x'")


def test_a_layer_stored_before_solve_rates_were_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read with nulls in their place, and can be asked for, copied and written again."""
    whole = tables.store_table

    def earlier(draft: Any, table: pa.Table, encoded: Any = None) -> Any:
        return whole(draft, table.drop_columns([name for name in SOLVE_RATES if name in table.column_names]), encoded)

    written = layer("l", {"for": 1, "if": 2})
    with monkeypatch.context() as before:
        before.setattr(contents, "store_table", earlier)
        store = open_store(tmp_path / "old.kgl", mode="write")
        store.write_dataset(small_dataset())
        store.write_layer(written)
        store.close()
    store = open_store(tmp_path / "old.kgl", mode="write")
    assert store.read_layer("d", "l") == written
    assert store.query("MATCH ()-[r:LEARNED]->() RETURN count(r), count(r.solve_rate)").rows == [(2, 0)]
    store.write_layer(store.read_layer("d", "l"))
    assert store.read_layer("d", "l") == written
    store.close()
