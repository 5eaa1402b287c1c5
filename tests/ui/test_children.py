"""Work in child processes: what it gives, that it can be stopped at any moment, and that the store stays whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.errors import SkillgraphError, StoreError
from explorer.run_options import given_values, run_kind
from explorer.service import learn
from explorer.store.opening import open_store
from explorer.store.place import Place
from loaders.dataset import build_dataset
from tests.ui.conftest import fill
from ui.work import children, kinds, tasks
from ui.work.apart import apart, apart_on_store, elsewhere
from ui.work.children import IDLE, Job, Pool, PoolBusyError, Report, _serve, _Waiting

PATIENCE = 120.0  # seconds; only a failure waits so long
SLOW = "MATCH (a:Skill), (b:Skill), (c:Skill), (d:Skill), (e:Skill) WHERE a.id < b.id AND d.id < e.id RETURN count(*)"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.kgl"
    fill(path)
    return path


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    found = Pool(2, "busy with {title} for {seconds} s")
    yield found
    found.close()


def done(work: Job) -> Any:
    assert work.wait(PATIENCE)
    assert work.state == "done", work.problem
    return work.value


def layers(path: Path) -> list[str]:
    return [info.name for info in open_store(path, mode="read").layers("small")]


def until_stage(work: Job, step: int) -> None:
    while work.progress.done < step and not work.wait(0.002):
        pass
    assert work.state == "running", work.problem


def begin(pool: Pool, path: Path, key: str, **form: Any) -> Job:
    return pool.begin(kinds.perform, Place(str(path)), key, "small", given_values(run_kind(key), form))


def where(_: Report, what: str) -> tuple[int, str]:
    """The process that does it."""
    if what == "odd":
        raise StoreError("what is odd is refused")
    return os.getpid(), what


def met(_: Report, folder: Path, number: int, of: int) -> None:
    """It is done once so many are at work."""
    (folder / str(number)).touch()
    while sum(1 for _ in folder.iterdir()) < of:
        time.sleep(0.01)


def held(report: Report) -> None:
    """It says so, and never ends."""
    report("held", 0, 1)
    signal.pause()


def skills_of(store: Any, dataset: str, *, more: int = 0) -> tuple[int, int]:
    """The process, and the skills of a dataset."""
    return os.getpid(), store.read_dataset(dataset).skills.num_rows + more


def test_what_is_waited_for_runs_in_a_child_beside_other_work_and_is_not_kept() -> None:
    pool = Pool(1, "busy")
    try:
        process, said = pool.run(where, "something")
        assert process != os.getpid()
        assert said == "something"
        with pytest.raises(SkillgraphError, match=r"^what is odd is refused$"):
            pool.run(where, "odd")
        gate = pool.begin(held, name="held")
        assert pool.run(where, "meanwhile")[1] == "meanwhile"
        with pytest.raises(PoolBusyError):
            pool.begin(where, "again")
        pool.cancel("held")
        assert gate.state == "cancelled"
        assert [key for key in pool._work if key != "held"] == []
    finally:
        pool.close()


def test_closing_a_pool_ends_what_is_waited_for() -> None:
    pool, said = Pool(1, "busy"), list[str]()

    def wait() -> None:
        try:
            pool.run(held)
        except SkillgraphError as error:
            said.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not any(work.progress.stage == "held" for work in list(pool._work.values())):
        pass
    pool.close()
    waiting.join(PATIENCE)
    assert said == ["the explorer is being closed"]


def test_computations_are_apart_where_a_pool_is_given_and_nowhere_else(pool: Pool, own: Path) -> None:
    store = open_store(own, mode="read")
    here, n = apart_on_store(store, skills_of, "small")
    assert here == os.getpid() == apart(os.getpid)
    with elsewhere(pool, Place(str(own))):
        there, more = apart_on_store(store, skills_of, "small", more=1)
        assert more == n + 1
        assert os.getpid() not in (there, apart(os.getpid))
    assert apart(os.getpid) == here


def test_runs_do_what_the_use_cases_do(pool: Pool, own: Path, tmp_path: Path) -> None:
    fill(tmp_path / "twin.kgl")
    twin = open_store(tmp_path / "twin.kgl", mode="write")
    expected = learn(twin, "small", name="again", parts=["domain"], base="foundation", mode="frozen", learner="d:2")
    form = {"name": "again", "part": ["domain"], "base": "foundation", "mode": "frozen", "learner": "d:2"}
    found = done(begin(pool, own, "learn", **form))
    assert f"{expected.layer.learned:,} of {expected.layer.skills:,} skills" in found.sentences[0]
    assert ("link its skills", "/runs", {"dataset": "small", "layer": "again", "run": "associate"}) in found.links
    stored = next(info for info in open_store(own, mode="read").layers("small") if info.name == "again")
    assert (stored.waves, stored.learned) == (expected.layer.waves, expected.layer.learned)
    joined = done(begin(pool, own, "associate", layer="again"))
    n = open_store(own, mode="read").read_associations("small", "again").num_rows
    assert n > 0
    assert f"again: {n:,} association" in joined.sentences[0]
    assert done(begin(pool, own, "percolate", layer="again", replicates=3)).tables[0].rows


def test_what_is_wrong_is_one_sentence(pool: Pool, own: Path) -> None:
    for key, form, said in (
        ("learn", {"name": "new", "learner": "d:0"}, "not 0"),
        ("associate", {"layer": "none"}, "'none'"),
    ):
        work = begin(pool, own, key, **form)
        assert work.wait(PATIENCE)
        assert (work.state, work.value) == ("failed", None)
        assert said in work.problem
        assert "\n" not in work.problem
    assert layers(own) == ["foundation", "tuned"]


def test_a_store_that_another_process_writes_is_said(pool: Pool, own: Path) -> None:
    writer = open_store(own, mode="write")
    work = begin(pool, own, "learn", name="new")
    assert work.wait(PATIENCE)
    assert "is being written by" in work.problem
    writer.close()
    done(begin(pool, own, "learn", name="new"))
    assert layers(own) == ["foundation", "new", "tuned"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many texts that a run takes seconds after its first step."""
    path = tmp_path_factory.mktemp("large") / "large.kgl"
    rng = np.random.default_rng(2)
    n = 150_000
    text = np.repeat(np.arange(n), 3)
    store = open_store(path, mode="write")
    store.write_dataset(
        build_dataset(
            "small",
            texts=pa.table({"id": [f"t{i:06d}" for i in range(n)]}),
            skills=pa.table({"id": [f"s{i:05d}" for i in range(40_000)]}),
            requirements=pa.table(
                {
                    "text": [f"t{i:06d}" for i in text],
                    "skill": [f"s{i:05d}" for i in rng.integers(0, 40_000, len(text))],
                }
            ),
        )
    )
    store.close()
    return path


@pytest.mark.parametrize("step", [1, 2])
def test_a_cancelled_run_leaves_the_store_as_it_was(pool: Pool, large: Path, step: int) -> None:
    before = large.read_bytes()
    work = begin(pool, large, "learn", name="never")
    until_stage(work, step)
    child = pool._children[work.name].process
    assert child.is_alive()
    with pytest.raises(StoreError, match="is being written by"):
        open_store(large, mode="write")
    pool.cancel(work.name)
    assert not child.is_alive()
    assert work.state == "cancelled"
    assert large.read_bytes() == before
    assert layers(large) == []
    open_store(large, mode="write").close()  # its lease went with the process


def test_queries_answer_while_a_slow_one_runs_and_is_cancelled(pool: Pool, own: Path) -> None:
    place = Place(str(own))
    slow = pool.begin(tasks.query, place, SLOW, {}, 10, 600.0, title="the slow one")
    until_stage(slow, 0)
    quick = done(pool.begin(tasks.query, place, "MATCH (s:Skill) RETURN s, s.id AS id LIMIT 2", {}, 10, 30.0))
    assert quick.columns == ("s", "id")
    assert quick.rows[0][0].labels == ("Skill",)
    assert slow.state == "running"
    child = pool._children[slow.name].process
    pool.cancel(slow.name)
    assert slow.state == "cancelled"
    assert not child.is_alive()


def test_no_more_than_so_many_at_once(own: Path) -> None:
    one = Pool(1, "wait for {title}")
    try:
        work = one.begin(tasks.query, Place(str(own)), SLOW, {}, 10, 600.0, title="the first")
        with pytest.raises(PoolBusyError, match="wait for the first"):
            one.begin(tasks.query, Place(str(own)), "RETURN 1 AS one", {}, 10, 30.0)
        one.cancel(work.name)
        assert done(one.begin(tasks.query, Place(str(own)), "RETURN 1 AS one", {}, 10, 30.0)).rows == [(1,)]
    finally:
        one.close()


def test_a_process_that_dies_is_said_and_replaced(pool: Pool, own: Path) -> None:
    work = pool.begin(tasks.query, Place(str(own)), SLOW, {}, 10, 600.0)
    os.kill(pool._children[work.name].process.pid or 0, 9)
    assert work.wait(PATIENCE)
    assert "ended early" in work.problem
    assert done(pool.begin(tasks.query, Place(str(own)), "RETURN 2 AS two", {}, 10, 30.0)).rows == [(2,)]


def test_only_who_knows_its_name_finds_work(pool: Pool, own: Path) -> None:
    work = pool.begin(tasks.query, Place(str(own)), "RETURN 1 AS one", {}, 10, 30.0, name="secret")
    assert pool.find("secret") is work
    assert pool.find("guess") is None
    assert pool.find(None) is None
    assert done(work).rows == [(1,)]


def test_asked_twice_is_begun_once(own: Path) -> None:
    one = Pool(1, "busy")
    try:
        first = one.begin(tasks.query, Place(str(own)), SLOW, {}, 10, 600.0, name="same")
        assert one.begin(tasks.query, Place(str(own)), SLOW, {}, 10, 600.0, name="same") is first
        one.cancel("same")
        assert one.begin(tasks.query, Place(str(own)), SLOW, {}, 10, 600.0, name="same").state == "cancelled"
    finally:
        one.close()


def test_what_was_done_under_the_same_key_is_not_done_again(own: Path) -> None:
    one = Pool(1, "busy")
    question = (tasks.query, Place(str(own)), "RETURN 3 AS three", {}, 10, 30.0)
    slow = (tasks.query, Place(str(own)), SLOW, {}, 10, 600.0)
    try:
        first = one.begin(*question, name="first", key=("three", 1))
        answer = done(first)
        again = one.begin(*slow, name="again", key=("three", 1))
        assert (again.state, again.name) == ("done", "again")
        assert again.value is answer
        assert done(one.begin(*question, key=("three", 2))) is not answer
        assert done(one.begin(*question)) is not answer
        running = one.begin(*slow, name="running", key="slow")
        one.cancel(running.name)
        assert done(one.begin(*question, key="slow")).rows == [(3,)], "what was cancelled gave nothing"
    finally:
        one.close()


def test_cancelled_before_it_began_is_not_begun(pool: Pool, own: Path) -> None:
    pool.cancel("too early")
    assert pool.begin(tasks.query, Place(str(own)), SLOW, {}, 10, 600.0, name="too early").state == "cancelled"
    pool.cancel(None)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> _Waiting:
    """Of this test alone: in it no pool is open, and no process waits."""
    found = _Waiting()
    monkeypatch.setattr(children, "_waiting", found)
    return found


def test_a_prepared_process_does_the_next_work(own: Path, waiting: _Waiting) -> None:
    one = Pool(1, "busy", module="ui.work.tasks")
    try:
        one.prepare()
        one.prepare()
        (prepared,) = [child for child, _ in waiting._children]
        work = one.begin(tasks.query, Place(str(own)), SLOW, {}, 10, 600.0)
        assert one._children[work.name] is prepared
    finally:
        one.close()
    assert not prepared.process.is_alive()


def test_a_process_that_has_done_the_work_of_one_pool_does_that_of_another(waiting: _Waiting) -> None:
    one, other = Pool(1, "busy"), Pool(1, "busy")
    process = one.run(where, "first")[0]
    assert other.run(where, "second")[0] == process
    one.close()
    assert other.run(where, "third")[0] == process, "it waits as long as a pool is open"
    other.close()
    assert not waiting._children
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_process_whose_work_is_cancelled_as_it_ends_gets_no_other(waiting: _Waiting, tmp_path: Path) -> None:
    """Who cancels ends the process: with other work by then, that would be lost."""
    pool = Pool(1, "busy")
    work = pool.begin(met, tmp_path, 0, 2)
    assert work._end("cancelled"), "as `cancel` does first"
    (tmp_path / "1").touch()
    while pool._children:
        time.sleep(0.001)
    assert not waiting._children
    pool.close()


def test_no_more_processes_wait_than_all_pools_may_keep(waiting: _Waiting, tmp_path: Path) -> None:
    pools = [Pool(3, "busy") for _ in range(2)]
    together = [pool.begin(met, tmp_path, number, 4) for number, pool in enumerate([*pools, *pools])]
    for work in together:
        done(work)
    while any(pool._children for pool in pools):
        time.sleep(0.001)
    assert len(waiting._children) == IDLE < len(together)
    for pool in pools:
        pool.close()


@pytest.mark.parametrize(
    ("key", "form", "said"),
    [
        ("learn", {"name": " "}, "Name of the new layer: nothing"),
        ("associate", {}, "Layer: nothing"),
        ("percolate", {"layer": "a", "replicates": 1.5}, "not a whole number"),
        ("percolate", {"layer": "a", "replicates": 0}, "at least 1"),
        ("learn", {"name": "a", "base": "b", "mode": "sideways"}, "'sideways' is not one of"),
    ],
)
def test_a_form_that_is_not_filled_in_is_said(key: str, form: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        given_values(run_kind(key), form)


def _talking(report: Report) -> None:
    while True:
        report("talking", 0, 1)


def test_a_child_whose_server_is_gone_ends_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    here, there = multiprocessing.Pipe()

    def leave() -> None:
        here.recv()
        here.close()

    here.send((_talking, ()))
    before = signal.getsignal(signal.SIGINT)
    gone = threading.Thread(target=leave)
    gone.start()
    try:
        _serve(there, None)
    finally:
        signal.signal(signal.SIGINT, before)
        gone.join()
    assert not caplog.records
