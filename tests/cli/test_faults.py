"""What goes wrong ends with one clear sentence, the right exit code, and an unharmed store."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import typer

from explorer.cli.app import app
from tests.cli.conftest import SKILLGRAPH, Ran, Run
from tests.support.command_line import call_words


def one_sentence(ran: Ran, *words: str) -> None:
    """Exit code 1, one line on standard error, no traceback, and the words that name the fault and the way out."""
    assert ran.code == 1, ran
    assert ran.out == ""
    lines = [line for line in ran.err.splitlines() if line.strip()]
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in ran.err
    for word in words:
        assert word in lines[0]


def test_wrong_path(run_in: Run, tmp_path: Path) -> None:
    one_sentence(run_in(tmp_path, "load", tmp_path / "nowhere"), "nowhere")


def test_path_without_python(run_in: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    one_sentence(run_in(tmp_path, "load", tmp_path / "empty"), "empty")


def test_no_store_yet(run_in: Run, tmp_path: Path) -> None:
    one_sentence(run_in(tmp_path, "layers"), "skillgraph.kgl", "skillgraph load")
    assert not list(tmp_path.iterdir())


def test_store_is_not_a_store(run_in: Run, tmp_path: Path) -> None:
    store = tmp_path / "notes.kgl"
    store.write_text("shopping list")
    one_sentence(run_in(tmp_path, "layers", "--store", store), "notes.kgl")
    one_sentence(run_in(tmp_path, "learn", "x", "--store", store), "notes.kgl")
    assert store.read_text() == "shopping list"


def test_store_in_a_folder_that_is_not_there(run_in: Run, tmp_path: Path, sources: Path) -> None:
    one_sentence(run_in(tmp_path, "load", sources / "basic", "--store", tmp_path / "no" / "such" / "x.kgl"), "no/such")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write: /proc")
def test_unwritable_store(run_in: Run, tmp_path: Path, sources: Path) -> None:
    one_sentence(run_in(tmp_path, "load", sources / "basic", "--store", "/proc/skillgraph.kgl"), "/proc")


def test_store_of_another_version(run_in: Run, tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.store import opening
    from explorer.store.embedded import contents
    from explorer.store.embedded import store as embedded_store
    from loaders.python_source import load_python_source

    store = tmp_path / "later.kgl"
    with monkeypatch.context() as later:
        for module in (embedded_store, contents):
            later.setattr(module, "SCHEMA_VERSION", 99)
        written = opening.open_store(store, mode="write")
        written.write_dataset(load_python_source([sources / "basic"], name="small", workers=1))
        written.close()
    before = store.read_bytes()
    one_sentence(run_in(tmp_path, "layers", "--store", store), "99")
    one_sentence(run_in(tmp_path, "learn", "x", "--store", store), "99")
    assert store.read_bytes() == before


def test_dataset_that_is_there_is_not_overwritten(filled: Path, run_in: Run, sources: Path) -> None:
    ran = run_in(filled, "load", sources / "basic", "--dataset", "small")
    one_sentence(ran, "'small'", "--replace", "--append")
    assert run_in(filled, "datasets", "--json").json["datasets"][0]["texts"] == 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("learn", "x", "--part", "nothing"), ("'nothing'", "'basic'")),
        (("learn", "x", "--base", "nothing"), ("'nothing'", "'foundation'")),
        (("learn", "x", "--learner", "psychic"), ("psychic",)),
        (("learn", "x", "--mode", "frozen"), ("--base",)),
        (("learn", "foundation", "--base", "tuned"), ("'foundation'", "another name")),
        (("learn", "x", "--known-class", "magic"), ("'magic'", "'builtin'")),
        (("learn", "x", "--known", "absent.txt"), ("absent.txt",)),
        (("associate", "nothing"), ("'nothing'",)),
        (("compare", "foundation", "nothing"), ("'nothing'",)),
        (("predict", "nothing"), ("'nothing'",)),
        (("predict",), ("--mean-skills", "--ratio")),
        (("predict", "--mean-skills", "-3", "--ratio", "1"), ("-3",)),
        (("threshold", "--mean-skills", "nan"), ("nan",)),
        (("layers", "--dataset", "absent"), ("'absent'", "'small'")),
        (("query", "MATCH (s:Skill RETURN s"), ()),
        (("query", "RETURN $x", "--param", "oops"), ("oops", "name=value")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_input_names_the_value_and_the_way_out(
    filled: Path, run_here: Run, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    before = (filled / "skillgraph.kgl").read_bytes()
    one_sentence(run_here(filled, *arguments), *words)
    assert (filled / "skillgraph.kgl").read_bytes() == before


@pytest.mark.parametrize("arguments", [("fly",), ("learn",), ("load", "--min-uses", "0"), ("predict", "--ratio", "x")])
def test_usage_errors_end_with_2(run_here: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run_here(tmp_path, *arguments).code == 2


def test_port_in_use(filled: Path, run_in: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("ui", "demo"):
            one_sentence(run_in(filled, command, "--port", port), str(port), "--port")


def test_other_address_needs_a_password(filled: Path, run_in: Run) -> None:
    one_sentence(run_in(filled, "ui", "--host", "0.0.0.0", "--port", 0, "--no-browser"), "SKILLGRAPH_UI_PASSWORD")


def test_ctrl_c_leaves_the_store_as_it_was(filled: Path, run_in: Run, tmp_path: Path) -> None:
    store = tmp_path / "skillgraph.kgl"
    store.write_bytes((filled / "skillgraph.kgl").read_bytes())
    before = run_in(tmp_path, "datasets", "--json").out
    command = [str(SKILLGRAPH), "load", "stdlib", "--dataset", "other", "--json"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started = psutil.Process(process.pid)
    # It is in the middle once it has readers of its own; on one core it reads by itself.
    while process.poll() is None and not started.children() and started.cpu_times().user < 3:
        time.sleep(0.01)
    assert process.poll() is None, "the load was over before it could be interrupted"
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert run_in(tmp_path, "datasets", "--json").out == before
    assert run_in(tmp_path, "learn", "again", "--part", "basic").code == 0, "the store can be written again"


def test_too_little_memory_gets_advice_that_the_command_can_follow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full() -> None:
        raise MemoryError

    monkeypatch.setattr("explorer.cli.group.sweep", full)
    advised = set()
    for words, known in commands():
        needed = [parameter for parameter in known.params if parameter.required]
        options = [part for p in needed if p.param_type_name == "option" for part in (p.opts[0], "1")]
        places = ["x" for p in needed if p.param_type_name == "argument"]
        ran = call_words(tmp_path, [*words, *options, *places])
        assert ran.code == 1, (words, ran)
        assert ran.err.startswith("error: not enough memory for this: "), (words, ran)
        named = set(re.findall(r"--[a-z-]+", ran.err))
        assert named <= {flag for p in known.params for flag in p.opts}, words
        if named:
            advised.add(" ".join(words))
    assert {"load", "associate", "evidence", "explain", "theory simulate"} <= advised


def commands(group: Any = None, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""
    known = group or typer.main.get_command(app)
    if not hasattr(known, "list_commands"):
        yield words, known
        return
    for word in known.list_commands(None):
        yield from commands(known.get_command(None, word), *words, word)
