"""On Sail, which speaks Spark Connect without a JVM: the same results, commands with a store, and a killed process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from explorer.service import associate, learn
from explorer.store.opening import open_store
from tests.spark.checks import rows
from tests.spark.graphs import Case, ensembles, make_case, poisson

ROOT = Path(__file__).parents[2]
SKILLGRAPH = Path(sys.executable).with_name("skillgraph")

if not os.environ.get("CI"):
    pytest.importorskip("pysail", reason="`python3 bootstrap.py test tests/spark` sets up an environment with pysail")


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"tests.spark.{module}", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.long
def test_everything_is_as_the_kernels_have_it(tmp_path: Path) -> None:
    with start("on_sail", tmp_path) as process:
        out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err[-3_000:]
    assert out.split() == ["alike"]


@pytest.mark.long
def test_a_killed_process_leaves_no_result_and_the_next_one_goes_on(tmp_path: Path) -> None:
    case = make_case(tmp_path / "input", poisson(np.random.default_rng(3), "k", 300, 4.0, 1.45))
    wanted = case.learned()
    assert max(wave for _, wave, _ in wanted) > 4
    output, third = tmp_path / "out", tmp_path / "out.run" / "learn" / "step-00003.json"
    with start("stubborn", case.folder, output, 1.0) as process:
        end = time.monotonic() + 120
        while not third.exists() and time.monotonic() < end and process.poll() is None:
            time.sleep(0.05)
        # the fourth super-step takes seconds more: this is in the middle of it
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, err[-3_000:]
    assert not output.exists()
    with start("stubborn", case.folder, output, 0.0) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-3_000:]
    assert 3 <= json.loads(out)["resumed"] < len(json.loads(out)["steps"])
    assert [row[:3] for row in rows(output, "skills")] == wanted
    assert not (tmp_path / "out.run").exists(), "what nobody named goes"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from pysail.spark import SparkConnectServer

    running = SparkConnectServer(ip="127.0.0.1", port=0)
    running.start(background=True)
    yield f"sc://127.0.0.1:{running.listening_address[1]}"
    running.stop()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Case]:
    """A store with a dataset and layers that the local engine learned and associated."""
    folder = tmp_path_factory.mktemp("stored")
    case = make_case(folder / "small", ensembles(1, 60))
    store = open_store(str(folder / "skillgraph.kgl"), mode="write")
    store.write_dataset(case.dataset)
    learn(store, "small", name="local")
    associate(store, "small", "local", top_k=2, max_text_skills=5)
    store.close()
    return folder, case


def run_command(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SKILLGRAPH_")}
    command = [str(SKILLGRAPH), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def spark_command(folder: Path, server: str, *arguments: object) -> Any:
    done = run_command(folder, "spark", *arguments, "--master", server, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_layer_of_spark_is_imported_as_a_local_one(stored: tuple[Path, Case], server: str) -> None:
    folder, _ = stored
    printed = spark_command(folder, server, "learn", "spark")
    assert (printed["layer"]["name"], printed["output"]) == ("spark", None)
    assert "skills" not in printed
    associated = spark_command(folder, server, "associate", "spark", "--top", 2, "--max-text-skills", 5)
    store = open_store(str(folder / "skillgraph.kgl"), mode="read")
    try:
        by_name = {layer.name: layer for layer in store.layers("small")}
        # name, time and versions apart, the records are the same
        kept = ("kind", "learner", "parts", "texts", "skills", "learned", "waves", "associations", "parameters")
        for field in kept:
            assert getattr(by_name["spark"], field) == getattr(by_name["local"], field), field
        assert "pyspark" in by_name["spark"].versions
        assert store.read_layer("small", "spark").skills.equals(store.read_layer("small", "local").skills)
        pairs = store.read_associations("small", "spark")
        assert pairs.equals(store.read_associations("small", "local"))
        assert pairs.num_rows == associated["associations"] > 0
    finally:
        store.close()


@pytest.mark.long
def test_components_are_those_of_the_local_engine(stored: tuple[Path, Case], server: str) -> None:
    folder, _ = stored
    local = run_command(folder, "components", "local", "--rule", "understood", "--json")
    on_spark = spark_command(folder, server, "components", "local", "--rule", "understood")
    here = json.loads(local.stdout)
    assert here["layer"]["name"] == on_spark["layer"]["name"] == "local"
    apart = {"seconds": 0, "layer": None}
    assert {**here, **apart} == {**on_spark, **apart}
    assert here["components"] > 1


@pytest.mark.long
def test_from_parquet_to_parquet_without_a_store(stored: tuple[Path, Case], server: str, tmp_path: Path) -> None:
    _, case = stored
    learned = ("learn", "layer", "--input", case.folder, "--output", "learned", "--waves", "--work", "work")
    printed = spark_command(tmp_path, server, *learned)
    assert printed["layer"]["learned"] == len(case.learned())
    assert [row[:3] for row in rows(tmp_path / "learned", "skills")] == case.learned()
    graph = tmp_path / "work" / "graph" / "blocks.json"
    before = graph.stat().st_mtime_ns
    given = ("--input", case.folder, "--learned", "learned", "--output", "parts", "--work", "work")
    spark_command(tmp_path, server, "components", "layer", *given)
    assert graph.stat().st_mtime_ns == before, "the graph is laid out once in a run folder"
    skills = [skill for skill, _, _ in case.learned()]
    assert dict(rows(tmp_path / "parts", "components")) == case.components(skills, "any")
    again = run_command(tmp_path, "spark", *learned, "--master", server)
    assert (again.returncode, again.stdout) == (1, "")
    assert "learned exists already" in again.stderr


@pytest.mark.long
def test_a_layer_needs_the_dataset_it_was_learned_from(stored: tuple[Path, Case], server: str, tmp_path: Path) -> None:
    folder, _ = stored
    other = make_case(tmp_path / "other", [("text", "skill")])
    done = run_command(folder, "spark", "learn", "strange", "--master", server, "--input", other.folder)
    assert done.returncode == 1
    assert "dataset 'small' has no skill 'skill': it is not the dataset that was learned from" in done.stderr
    assert pq.read_table(Path(other.folder, "skills.parquet")).num_rows == 2


def test_the_page_s_commands_run_one_after_the_other(server: str, tmp_path: Path) -> None:
    """The block of docs/spark.md, after `python3 bootstrap.py add`, with the master of the test."""
    case = make_case(tmp_path / "small", ensembles(2, 40))
    store = open_store(str(tmp_path / "skillgraph.kgl"), mode="write")
    store.write_dataset(case.dataset)
    store.close()
    page = (ROOT / "docs" / "spark.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    skillgraph (.*)$", page.partition("## Running it")[2].partition("\n## ")[0], re.MULTILINE)
    assert [line.split()[:2] for line in lines] == [
        ["export", "dataset"], ["spark", "learn"], ["spark", "components"], ["spark", "associate"],
        ["spark", "import"], ["spark", "import"],
    ]  # fmt: skip
    for line in lines:
        master = ["--master", server] if line.startswith("spark") and "import" not in line else []
        done = run_command(tmp_path, *line.split(), *master)
        assert done.returncode == 0, f"{line}: {done.stderr[-2_000:]}"
    store = open_store(str(tmp_path / "skillgraph.kgl"), mode="read")
    assert [(layer.name, layer.associations is not None) for layer in store.layers("small")] == [("foundation", True)]
    store.close()
