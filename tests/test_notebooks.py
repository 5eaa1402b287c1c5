"""tests/notebooks in an environment of its own, which has Jupyter and pandas."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-docs" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MISSING = "no environment for the docs here: `python3 bootstrap.py test` makes it"


def test_notebooks_in_their_own_environment() -> None:
    if find_spec("nbclient"):
        pytest.skip("this environment has Jupyter itself: tests/notebooks runs in it")
    if not PYTHON.exists():
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))}
    command = [str(PYTHON), "-m", "pytest", "-q", "tests/notebooks"]
    ran = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    print(ran.stdout.splitlines()[-1])
