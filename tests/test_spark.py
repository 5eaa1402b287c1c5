"""tests/spark in an environment of its own: Spark brings pandas, which must not be where the rest is tested."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-spark" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MISSING = "no environment for Spark here: `python3 bootstrap.py test` makes it"


def test_spark_in_its_own_environment() -> None:
    if find_spec("pandas"):
        pytest.skip("this environment has the extra itself: tests/spark runs in it")
    if not PYTHON.exists():
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VIRTUAL_ENV"))}
    command = [str(PYTHON), "-m", "pytest", "-q", "tests/spark"]
    ran = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    print(ran.stdout.splitlines()[-1])
