"""The commands of the README and the docs work after the demo, in the order in which they stand.

Here they run in this process; those of the README run as processes in tests/docs/test_bootstrap.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command_line import Ran, call
from tests.support.demo import small_sources

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
# a block with a name is a file that the reader is to save
FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# servers run until they are ended; they have tests of their own
UNENDING = ("skillgraph ui", "skillgraph server", "docker", "python3 bootstrap.py")


def commands(page: Path) -> list[str]:
    lines = [line[2:] for block in BLOCK.findall(page.read_text()) for line in block.splitlines() if line[:2] == "$ "]
    return [line for line in lines if not line.startswith(UNENDING)]


def pages() -> list[Path]:
    return [page for page in (README, *sorted((ROOT / "docs").glob("*.md"))) if commands(page)]


# Those whose commands compute the most; the other pages have commands of each kind.
MARKS = dict.fromkeys(("README.md", "theory.md", "demo.md", "simulated.md", "compression.md"), pytest.mark.long)
MARKS |= dict.fromkeys(("why.md", "comparison.md"), pytest.mark.ci)


def succeeds(command: str, ran: Ran) -> None:
    assert ran.code == 0, f"{command}\n{ran.out}\n{ran.err}"
    assert ran.out.strip(), f"{command} prints nothing"


@pytest.mark.parametrize(
    "document",
    [pytest.param(document, marks=MARKS.get(document.name, ()), id=document.name) for document in pages()],
)
def test_commands_of_the_page_succeed_in_order(document: Path, folder: Path) -> None:
    for name, content in FILE.findall(document.read_text()):
        (folder / name).write_text(content)
    with small_sources():
        for command in commands(document):
            succeeds(command, call(folder, command))


def test_the_readme_is_among_the_pages_with_commands() -> None:
    assert any("skillgraph learn" in command for command in commands(README))


@pytest.mark.parametrize("document", [README, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (document.parent / target).exists(), target
