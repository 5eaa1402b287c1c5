"""The commands of the README and the docs work, in the order in which they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
# servers run until they are ended; they have tests of their own
UNENDING = ("skillgraph ui", "skillgraph server", "docker", "python3 bootstrap.py")


def commands(page: Path) -> list[str]:
    lines = [line[2:] for block in BLOCK.findall(page.read_text()) for line in block.splitlines() if line[:2] == "$ "]
    return [line for line in lines if not line.startswith(UNENDING)]


def pages() -> list[Path]:
    return [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if commands(page)]


@pytest.mark.parametrize("document", pages(), ids=lambda document: document.name)
def test_commands_of_the_page_succeed_in_order(document: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SKILLGRAPH_")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    for command in commands(document):
        ran = subprocess.run(
            shlex.split(command),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        assert ran.stdout.strip(), f"{command} prints nothing"


def test_the_readme_is_among_the_pages_with_commands() -> None:
    assert any("skillgraph learn" in command for command in commands(ROOT / "README.md"))


@pytest.mark.parametrize("document", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (document.parent / target).exists(), target
