"""The README's commands on a fresh clone in a fresh folder, with nothing of this environment.

This sets up an environment and reads the real libraries, so it runs with `-m fresh_clone` only, as `.ci/run` does.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_code_blocks import README, commands

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.fresh_clone


def plain_environment() -> dict[str, str]:
    """The environment without this project's virtual environment."""
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH") and "SKILLGRAPH" not in k}
    here = str(Path(sys.executable).parent)
    kept["PATH"] = os.pathsep.join(part for part in kept["PATH"].split(os.pathsep) if part != here)
    return kept


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def bootstrap(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    base = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
    return subprocess.run(
        [str(base), "bootstrap.py", *arguments],
        cwd=clone,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )


def test_the_demo_runs_on_a_fresh_clone_and_again_with_the_same_figures(clone: Path) -> None:
    first = bootstrap(clone, "demo", "--no-ui", "--json")
    assert first.returncode == 0, first.stderr
    figures = json.loads(first.stdout)
    foundation, tuned = figures["foundation"], figures["fine_tuned"]
    assert figures["ratio"] == pytest.approx(figures["texts"] / figures["skills"])
    assert figures["mean_skills"] == pytest.approx(figures["requirements"] / figures["texts"])
    assert 0 < foundation["giant"] <= foundation["learned"] < foundation["learned_used_thrice"] < 1
    assert 0 < foundation["giant_predicted"] <= foundation["predicted_degrees"] <= 1
    assert tuned["frozen"]["learned"] <= tuned["continued"]["learned"] <= tuned["joint"]["learned"]
    assert tuned["gained"] == pytest.approx(tuned["continued"]["learned"] - tuned["foundation"])
    again = bootstrap(clone, "demo", "--no-ui", "--json")
    assert again.returncode == 0, again.stderr
    assert "Setting up" not in again.stderr
    second = json.loads(again.stdout)
    assert second["reused"] is True

    def untimed(report: dict[str, object]) -> dict[str, object]:
        kept = {k: v for k, v in report.items() if k not in ("seconds", "reused")}
        kept["foundation"] = {k: v for k, v in report["foundation"].items() if k != "seconds"}  # type: ignore[attr-defined]
        return kept

    assert untimed(second) == untimed(figures)
    assert not subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout, "the demo leaves files that git does not ignore"


def test_the_commands_of_the_readme_succeed_after_the_demo_as_processes(clone: Path) -> None:
    environment = plain_environment()
    environment["PATH"] = os.pathsep.join([str(clone / ".venv" / "bin"), environment["PATH"]])
    for command in commands(README):
        ran = subprocess.run(
            shlex.split(command), cwd=clone, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        assert ran.stdout.strip(), f"{command} prints nothing"


def test_usage(clone: Path) -> None:
    assert bootstrap(clone).returncode == 2
    assert bootstrap(clone, "--help").returncode == 0
    assert bootstrap(clone, "fly").returncode == 2
