"""Taking up new versions of a store, and a store that goes away and comes back."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from explorer.errors import StoreError
from explorer.service import learn
from explorer.store.opening import open_store
from explorer.store.place import Place
from explorer.store.protocol import Notice, Store
from ui.choice import choose
from ui.source import OpeningError, Source


@pytest.fixture
def own_store(store_path: Path, tmp_path: Path) -> Path:
    path = tmp_path / "own.kgl"
    for part in store_path.parent.glob(f"{store_path.name}*"):
        shutil.copy(part, tmp_path / part.name.replace(store_path.name, path.name))
    return path


def test_a_write_by_another_is_taken_up(own_store: Path) -> None:
    source = Source(own_store)
    before = source.snapshot()
    assert [info.name for info in before.layers("small")] == ["foundation", "tuned"]
    writer = open_store(own_store, mode="write")
    learn(writer, "small", name="another")
    writer.close()
    after = source.snapshot()
    assert after.version != before.version
    assert "another" in [info.name for info in after.layers("small")]
    source.close()


def test_a_store_that_is_missing_is_an_error_until_it_is_there(own_store: Path, tmp_path: Path) -> None:
    source = Source(tmp_path / "later.kgl")
    with pytest.raises(StoreError):
        source.snapshot().datasets()
    for part in own_store.parent.glob("own.kgl*"):
        shutil.copy(part, tmp_path / part.name.replace("own.kgl", "later.kgl"))
    assert [info.name for info in source.snapshot().datasets()] == ["small"]
    source.close()


def test_a_store_that_goes_away_is_an_error_until_it_is_back(own_store: Path, tmp_path: Path) -> None:
    source = Source(own_store)
    source.snapshot()
    own_store.rename(tmp_path / "aside")
    for _ in range(2):
        with pytest.raises(StoreError, match="there is no store"):
            source.snapshot()
    (tmp_path / "aside").rename(own_store)
    assert [info.name for info in source.snapshot().datasets()] == ["small"]
    source.close()


def test_a_value_is_made_once_for_all_who_ask(own_store: Path) -> None:
    snapshot = Source(own_store).snapshot()
    made: list[int] = []
    gate = threading.Barrier(4)

    def make() -> int:
        made.append(1)
        return len(made)

    def ask() -> None:
        gate.wait()
        assert snapshot.once(("slow",), make) == 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def ended() -> None:
    for thread in threading.enumerate():
        if thread.name == "skillgraph-begun":
            thread.join()


def test_what_is_begun_is_made_while_others_go_on(own_store: Path) -> None:
    snapshot = Source(own_store).snapshot()
    gate, made = threading.Event(), list[int]()

    def make() -> int:
        gate.wait()
        made.append(1)
        return 7

    assert not snapshot.has(("later",))
    assert not snapshot.begin(("later",), make)
    assert not snapshot.begin(("later",), make)
    gate.set()
    ended()
    assert snapshot.has(("later",))
    assert snapshot.begin(("later",), make)
    assert snapshot.once(("later",), make) == 7
    assert made == [1]


def test_a_failure_of_what_is_begun_is_said_once(own_store: Path) -> None:
    snapshot = Source(own_store).snapshot()

    def fail() -> int:
        raise StoreError("no room")

    assert not snapshot.begin(("later",), fail)
    ended()
    with pytest.raises(StoreError, match="no room"):
        snapshot.begin(("later",), fail)
    assert not snapshot.begin(("later",), lambda: 3)
    ended()
    assert snapshot.begin(("later",), lambda: 4)


def test_a_failure_is_not_remembered(own_store: Path) -> None:
    snapshot = Source(own_store).snapshot()

    def fail() -> int:
        raise StoreError("not now")

    with pytest.raises(StoreError):
        snapshot.once(("value",), fail)
    assert snapshot.once(("value",), lambda: 7) == 7


def test_foundations_come_first_and_are_the_default(own_store: Path) -> None:
    choice = choose(Source(own_store).snapshot(), {})
    assert (choice.dataset, choice.layer, choice.problem) == ("small", "foundation", None)


@pytest.mark.parametrize(
    ("query", "named"), [({"dataset": "nowhere"}, "nowhere"), ({"dataset": "small", "layer": "none"}, "none")]
)
def test_what_is_not_there_is_said(own_store: Path, query: dict[str, str], named: str) -> None:
    choice = choose(Source(own_store).snapshot(), query)
    assert (choice.dataset, choice.layer) == ("small", "foundation")
    assert choice.problem is not None
    assert named in choice.problem


def test_pages_say_why_opening_a_server_takes_long(
    own_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = threading.Event()

    def slowly(place: Place, mode: str, *, notice: Notice) -> Store:
        notice("2 layers are being counted", 0, 2)
        notice("2 layers are being counted", 1, 2)
        assert counted.wait(60)
        return open_store(own_store, mode="read")

    monkeypatch.setattr(Place, "open", slowly)
    source = Source("neo4j://127.0.0.1:1")
    for _ in range(2):
        with pytest.raises(OpeningError, match=r"2 layers are being counted; [01] of 2 layers are done\."):
            source.snapshot()
    assert capsys.readouterr().err == "2 layers are being counted.\n"
    counted.set()
    for _ in range(600):
        try:
            found = source.snapshot()
            break
        except OpeningError:
            time.sleep(0.1)
    assert [info.name for info in found.datasets()] == ["small"]
    source.close()


def test_a_server_that_cannot_be_opened_is_asked_again(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Path] = []

    def away(place: Place, mode: str, *, notice: Notice) -> Store:
        if not answers:
            raise StoreError("no server answers")
        return open_store(answers[0], mode="read")

    monkeypatch.setattr(Place, "open", away)
    source = Source("neo4j://127.0.0.1:1")
    for _ in range(2):
        with pytest.raises(StoreError, match="no server answers"):
            source.snapshot()
    answers.append(own_store)
    assert [info.name for info in source.snapshot().datasets()] == ["small"]
    source.close()
