"""Every command has help with an example, and the README names every command and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from explorer.cli.app import app
from explorer.cli.group import names_of
from explorer.cli.spark import spark
from explorer.cli.theory import theory
from explorer.cli.views import views
from tests.cli.conftest import Run

README = Path(__file__).parents[2] / "README.md"
COMMANDS = sorted(names_of(app))
GROUPS = {"theory": (sorted(names_of(theory)), "theory.md"), "spark": (sorted(names_of(spark)), "spark.md"),
          "views": (sorted(names_of(views)), "ui.md")}  # fmt: skip


def test_design_commands_are_there() -> None:
    wanted = {"demo", "load", "learn", "associate", "percolate", "compare", "predict", "threshold", "query"}
    assert wanted | {"datasets", "layers", "ui"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_of_the_command(command: str, run_here: Run, tmp_path: Path) -> None:
    ran = run_here(tmp_path, command, "--help")
    assert ran.code == 0
    assert re.search(rf"Example: skillgraph {command}\b", ran.out) or command in {"server", *GROUPS}, ran.out


@pytest.mark.parametrize(
    ("group", "command"), [(group, name) for group, (names, _) in GROUPS.items() for name in names]
)
def test_help_of_groups_has_an_example_and_their_pages_name_it(
    group: str, command: str, run_here: Run, tmp_path: Path
) -> None:
    ran = run_here(tmp_path, group, command, "--help")
    assert ran.code == 0
    assert re.search(rf"Example: skillgraph {group} {command}\b", ran.out), ran.out
    page = README.with_name("docs").joinpath(GROUPS[group][1])
    assert f"skillgraph {group} {command}" in page.read_text()


def test_readme_names_every_command_and_no_other() -> None:
    named = set(re.findall(r"(?:^\$ |`)skillgraph ([a-z]+)", README.read_text(), re.MULTILINE))
    assert named == set(COMMANDS)
