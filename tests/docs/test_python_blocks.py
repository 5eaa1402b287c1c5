"""Python in the pages runs as it stands, block after block, in the folder in which the demo has run."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path

import pytest

from tests.docs.test_printed import FILES

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# tested where they can run: in the frame of the command line, by an agent, on Spark, and with pandas (tests/notebooks)
ELSEWHERE = ("architecture.md", "agents.md", "spark.md", "ten-lines.md")
DOCUMENTS = [
    document
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if BLOCK.search(document.read_text("utf-8")) and document.name not in ELSEWHERE
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_the_blocks_run_in_order(document: Path, folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    names: dict[str, object] = {"__name__": "block"}
    with contextlib.chdir(folder):
        for number, block in enumerate(BLOCK.findall(document.read_text("utf-8"))):
            place = f"{document.name}, block {number + 1}"
            if block.startswith(">>>"):
                found = doctest.DocTestParser().get_doctest(block, names, place, document.name, 0)
                assert doctest.DocTestRunner().run(found, clear_globs=False).failed == 0
                names.update(found.globs)
                continue
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block, place, "exec"), names)
