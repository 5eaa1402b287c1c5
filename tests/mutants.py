"""Small faults, put into a copy of the program one at a time; a test must fail for each: python -m tests.mutants.

A mutant is a file, what stands in it, what is put in its place, and the tests that must notice. A word after the
command picks those whose file or text has it. A mutant that fits no more is an error: the list follows the program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MUTANTS", "Mutant", "misfits"]

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mutant:
    """A fault."""

    file: str
    old: str
    new: str
    tests: str


_BOOTSTRAP, _COOKBOOK, _RECIPES = "bootstrap.py", "explorer/cookbook.py", "explorer/service/recipes.py"
_GUARD, _EXTRAS = "explorer/store/cypher_guard.py", "explorer/extras.py"
_ON_RECIPES, _ON_SETUP, _ON_GUARD = "store/test_cookbook.py", "test_setup.py", "store/test_cypher_guard.py"

MUTANTS = (
    Mutant(_GUARD, 'if token.text == ";":', "if False:", _ON_GUARD),
    Mutant(_BOOTSTRAP, '{**wanted, "profile": "dev"}', "wanted", _ON_SETUP),
    Mutant(_BOOTSTRAP, '("global", "install", ":env:").index(section)', "0", _ON_SETUP),
    Mutant(_EXTRAS, "found[2] in extras", "found[2] not in extras", _ON_SETUP),
    Mutant(_COOKBOOK, "WHERE learned.wave = 1", "WHERE learned.wave >= 1", _ON_RECIPES),
    Mutant(_COOKBOOK, "WHERE learned.component > 0", "WHERE learned.component >= 0", _ON_RECIPES),
    Mutant(_COOKBOOK, "WHERE size(missing) = 1", "WHERE size(missing) >= 1", _ON_RECIPES),
    Mutant(_RECIPES, "if dataset is not None and dataset not in", "if dataset in", "docs/test_printed.py"),
)


def misfits() -> list[str]:
    """Mutants whose text does not stand in their file."""
    return [f"{m.file}: {m.old}" for m in MUTANTS if m.old not in (ROOT / m.file).read_text(encoding="utf-8")]


def _survives(mutant: Mutant, copy: Path) -> bool:
    path = copy / mutant.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    options = ("-q", "-x", "-m", "not neo4j and not browser", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *options, f"tests/{mutant.tests}"]
    try:
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        ran = subprocess.run(
            [*command, f"tests/{mutant.tests}"], cwd=copy, env=environment, capture_output=True, check=False
        )
    finally:
        path.write_text(text, encoding="utf-8")
    if ran.returncode not in (0, 1):
        sys.exit(f"error: pytest ended with code {ran.returncode} on tests/{mutant.tests}")
    return ran.returncode == 0


def main() -> int:
    """Try them; the exit code is 1 if one survives."""
    if misfits():
        sys.exit("error: these mutants fit no more: " + "; ".join(misfits()))
    word = sys.argv[1] if sys.argv[1:] else ""
    with tempfile.TemporaryDirectory(prefix="skillgraph-mutants-") as folder:
        copy = Path(folder) / "copy"
        left_out = shutil.ignore_patterns(".venv*", ".bootstrap", ".git", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, copy, ignore=left_out)
        survivors = 0
        for mutant in MUTANTS:
            if word in mutant.file or word in mutant.old:
                survived = _survives(mutant, copy)
                survivors += survived
                print(f"{'SURVIVED' if survived else 'noticed '}  {mutant.file}: {mutant.old}", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
