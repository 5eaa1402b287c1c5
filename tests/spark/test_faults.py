"""Bad input, a master that does not answer, tasks that die: one sentence or a resumed run, never a wrong result."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer.testing

from explorer.cli.app import app
from explorer.errors import NotFoundError, SkillgraphError
from explorer.service.spark import SparkRun, _running, components_on_spark, learn_on_spark
from explorer.service.spark_import import read_layer
from explorer.spark import learning
from explorer.spark.errors import SparkError
from explorer.spark.run_folder import alone
from explorer.spark.session import open_session
from tests.spark.checks import rows
from tests.spark.graphs import Case, make_case, poisson


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(tmp_path_factory.mktemp("faults") / "small", poisson(np.random.default_rng(1), "f", 40, 2.0, 4.0))


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder in which the small graph is laid out once."""
    return tmp_path_factory.mktemp("layout")


@pytest.fixture
def work(layout: Path) -> Any:
    yield str(layout)
    shutil.rmtree(layout / "learn", ignore_errors=True)


@pytest.mark.long
def test_a_folder_in_use_is_refused(session: Any, small: Case, tmp_path: Path) -> None:
    run = SparkRun(small.folder, str(tmp_path / "out"), session=session)
    with alone(f"{tmp_path}/out.run"), pytest.raises(SparkError, match="used by another run"):
        learn_on_spark(run, name="layer")
    assert not (tmp_path / "out").exists()
    assert learn_on_spark(run, name="layer").layer.learned == len(small.learned())
    assert not (tmp_path / "out.run").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(SparkError, match="cannot write"), alone(str(tmp_path / "file")):
        pass


@pytest.mark.long
def test_a_task_that_fails_once_is_tried_again(
    session: Any, small: Case, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, real = tmp_path / "failed", learning.find_learned

    def fail_once(batches: Any, learned: bytes, capacity: int, wave: int, *, exact: bool) -> Any:
        if wave == 2 and not failed.exists():
            failed.touch()
            raise RuntimeError("on purpose")
        yield from real(batches, learned, capacity, wave, exact=exact)

    monkeypatch.setattr(learning, "find_learned", fail_once)
    run = SparkRun(small.folder, str(tmp_path / "out"), work, block_edges=60, session=session)
    learn_on_spark(run, name="layer", waves=True)
    assert failed.exists()
    assert [row[:3] for row in rows(tmp_path / "out", "skills")] == small.learned()


@pytest.mark.long
def test_a_task_that_always_fails_leaves_no_output_and_a_run_to_go_on_with(
    session: Any, small: Case, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = learning.find_learned

    def fail(batches: Any, learned: bytes, capacity: int, wave: int, *, exact: bool) -> Any:
        if wave == 2:
            raise RuntimeError("the disk of this worker is full")
        yield from real(batches, learned, capacity, wave, exact=exact)

    run = SparkRun(small.folder, str(tmp_path / "out"), work, block_edges=60, session=session)
    with monkeypatch.context() as patched:
        patched.setattr(learning, "find_learned", fail)
        with pytest.raises(SparkError) as caught:
            learn_on_spark(run, name="layer", waves=True)
    assert str(caught.value) == (
        "Spark failed while learning: RuntimeError: the disk of this worker is full; "
        f"{work} keeps the finished steps, and the same command continues from there"
    )
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SparkError, match="holds a run whose learner is 'one', not 'd:2'"):
        learn_on_spark(run, name="layer", learner="d:2", waves=True)
    other = make_case(tmp_path / "other", [("text", "skill")])
    with pytest.raises(SparkError, match="holds a run whose checksum of the requirements is '"):
        learn_on_spark(SparkRun(other.folder, None, work, block_edges=60, session=session), name="layer", waves=True)
    report = learn_on_spark(run, name="layer", waves=True)
    assert report.resumed == 1
    assert [row[:3] for row in rows(tmp_path / "out", "skills")] == small.learned()


def changed(small: Case, folder: Path, table: str, content: dict[str, Any] | None) -> SparkRun:
    shutil.copytree(small.folder, folder)
    if content is None:
        Path(folder, f"{table}.parquet").unlink()
    else:
        pq.write_table(pa.table(content), folder / f"{table}.parquet")
    return SparkRun(str(folder), None)


_MORE_BAD_INPUT: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("requirements", {"text": pa.array([], pa.string()), "skill": pa.array([], pa.string())}, "has no rows"),
    ("requirements", {"text": ["f/t0", "f/t1"], "skill": ["f/s0", None]}, "has 1 rows without a text or a skill"),
    ("requirements", {"text": ["f/t0", "x"], "skill": ["f/s0", "f/s0"]}, "text 'x', which is not in texts.parquet"),
    ("requirements", {"text": ["f/t0", "f/t1"], "skill": ["y", "y"]}, "skill 'y', which is not in skills.parq"),
    ("texts", {"id": ["f/t0", "idle", "idle"]}, "texts.parquet has the id 'idle' more than once: ids must be uni"),
    ("texts", {"id": ["f/t0", None]}, "texts.parquet has a row without an id: leave it out"),
    ("skills", {"id": ["f/s0", "f/s0"]}, "skills.parquet has the id 'f/s0' more than once"),
    ("prerequisites", {"prerequisite": ["f/s0"], "skill": ["f/s1"]}, "prerequisites, which the Spark engine does"),
)


@pytest.mark.parametrize(
    ("table", "content", "message"),
    [
        ("requirements", None, "holds no requirements.parquet: give a folder"),
        ("requirements", {"text": ["f/t0"], "ability": ["f/s0"]}, "has no column 'skill'; it has: text, ability"),
        *(pytest.param(*bad, marks=pytest.mark.long) for bad in _MORE_BAD_INPUT),
    ],
)
def test_bad_input(
    session: Any, small: Case, tmp_path: Path, table: str, content: dict[str, Any] | None, message: str
) -> None:
    from dataclasses import replace

    run = replace(changed(small, tmp_path / "bad", table, content), output=str(tmp_path / "out"), session=session)
    with pytest.raises(SparkError) as caught:
        learn_on_spark(run, name="layer")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_unknown_known_skills_classes_and_learned_skills(session: Any, small: Case, work: str, tmp_path: Path) -> None:
    run = SparkRun(small.folder, None, work, block_edges=60, session=session)
    # a skill that no text requires is not in the graph, as for the local engine
    with pytest.raises(NotFoundError, match=r"skill \"nobody's\" is not among the \d+ skills"):
        learn_on_spark(run, name="layer", known=["nobody's"])
    with pytest.raises(NotFoundError, match="no skill has class 'x'; classes here: 'f'"):
        learn_on_spark(run, name="layer", known_classes=["x"])
    pq.write_table(pa.table({"skill": ["nobody's"]}), tmp_path / "skills.parquet")
    with pytest.raises(NotFoundError, match="nobody's"):
        components_on_spark(run, str(tmp_path), name="layer")
    pq.write_table(pa.table({"skill": [5]}), tmp_path / "skills.parquet")
    with pytest.raises(NotFoundError, match="skill '5' is not among"):
        components_on_spark(run, str(tmp_path), name="layer")
    pq.write_table(pa.table({"parts": ["a"]}), tmp_path / "run.parquet")
    with pytest.raises(SparkError, match=r"run\.parquet does not record which parts the layer was learned from"):
        components_on_spark(run, str(tmp_path), name="layer")
    report = learn_on_spark(run, name="layer", known_classes=["f"])
    assert (report.layer.learned, report.stalled) == (report.layer.skills, True)


@pytest.mark.long
def test_whatever_spark_says_is_said_in_one_sentence(session: Any, small: Case, work: str) -> None:
    run = SparkRun(small.folder, None, work, block_edges=60, session=session)
    with pytest.raises(SparkError, match=r"^Spark failed while running: .*nowhere"), _running(run) as (spark, _, _):
        spark.table("nowhere").toArrow()


def test_a_master_that_does_not_answer() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = held.getsockname()[1]
        for scheme in ("spark", "sc"):
            with (
                pytest.raises(SparkError, match=f"no Spark answers at {scheme}://127.0.0.1:{port} .*check the address"),
                open_session(f"{scheme}://127.0.0.1:{port}"),
            ):
                pass
    with pytest.raises(SparkError, match="master 'mesos://x' is not one of"), open_session("mesos://x"):
        pass


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["learn", "x", "--input", "y"], 2, "--input belongs to `skillgraph spark learn`"),
        (["components", "x", "--learned", "y"], 2, "--learned belongs to `skillgraph spark components`"),
        (["learn", "x", "--engine", "spark", "--input", "y", "--output", "z", "--base", "b"], 2, "spark learn x"),
        (["spark", "learn", "x", "--input", "y", "--output", "z", "--conf", "a"], 1, "--conf 'a' must be"),
        (["spark", "learn", "x", "--input", "y", "--output", "z", "--learner", "capacity:0.5"], 1, "not 'cap"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], code: int, message: str) -> None:
    ran = typer.testing.CliRunner().invoke(app, arguments)
    assert ran.exit_code == code
    assert message in ran.output


def test_an_output_with_a_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"skill": pa.array([b"a", b"\xff"]).view(pa.string())}), tmp_path / "run.parquet")
    with pytest.raises(SkillgraphError, match=r"cannot read .*run\.parquet: .*[Uu][Tt][Ff]"):
        read_layer(tmp_path, "layer")
