"""Tests that need packages which must not be where the rest is tested run in an environment of their own."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_in_own_environment(folder: str, tests: str, package: str) -> None:
    """Run the tests of a folder in the environment that `bootstrap.py test -m long` makes, and demand that they pass.

    Skips where the environment is missing (in CI that fails), and where this one has the package itself.
    """
    if find_spec(package):
        pytest.skip(f"this environment has {package} itself: {tests} runs in it")
    python = ROOT / folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        missing = f"no environment {folder} here: `python3 bootstrap.py test -m long` makes it"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))}
    command = [str(python), "-m", "pytest", "-q", tests]
    ran = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    print(ran.stdout.splitlines()[-1])
