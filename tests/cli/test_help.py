"""Every command has help with an example, and the README names every command and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from explorer.cli.app import app
from explorer.cli.group import names_of
from explorer.cli.spark import spark
from explorer.cli.theory import theory
from tests.cli.conftest import Run

README = Path(__file__).parents[2] / "README.md"
COMMANDS, THEORY, SPARK = sorted(names_of(app)), sorted(names_of(theory)), sorted(names_of(spark))


def test_design_commands_are_there() -> None:
    wanted = {"demo", "load", "learn", "associate", "percolate", "compare", "predict", "threshold", "query"}
    assert wanted | {"datasets", "layers", "ui"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_of_the_command(command: str, run_here: Run, tmp_path: Path) -> None:
    ran = run_here(tmp_path, command, "--help")
    assert ran.code == 0
    assert re.search(rf"Example: skillgraph {command}\b", ran.out) or command in {"server", "spark", "theory"}, ran.out


@pytest.mark.parametrize("command", THEORY)
def test_help_of_theory_has_an_example_and_its_page_names_it(command: str, run_here: Run, tmp_path: Path) -> None:
    ran = run_here(tmp_path, "theory", command, "--help")
    assert ran.code == 0
    assert re.search(rf"Example: skillgraph theory {command}\b", ran.out), ran.out
    assert f"skillgraph theory {command} " in README.with_name("docs").joinpath("theory.md").read_text()


@pytest.mark.parametrize("command", SPARK)
def test_help_of_spark_has_an_example_and_its_page_names_it(command: str, run_here: Run, tmp_path: Path) -> None:
    ran = run_here(tmp_path, "spark", command, "--help")
    assert ran.code == 0
    assert re.search(rf"Example: skillgraph spark {command}\b", ran.out), ran.out
    assert f"skillgraph spark {command} " in README.with_name("docs").joinpath("spark.md").read_text()


def test_readme_names_every_command_and_no_other() -> None:
    named = set(re.findall(r"(?:^\$ |`)skillgraph ([a-z]+)", README.read_text(), re.MULTILINE))
    assert named == set(COMMANDS)
