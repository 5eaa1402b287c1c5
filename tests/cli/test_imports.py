"""What lists may not import: arrays and kernels take longer than the answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.store.opening import open_store
from tests.store.content import layer, small_dataset

_HEAVY = ("numpy", "pyarrow", "scipy", "pandas", "numba", "kglite", "neo4j", "dash")
_CODE = """
import json, sys
sys.argv = ["skillgraph", *sys.argv[1:]]
from explorer.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("imports") / "store.kgl"
    opened = open_store(path, mode="write")
    opened.write_dataset(small_dataset())
    opened.write_layer(layer("l", {"for": 1}))
    opened.close()
    return path


@pytest.mark.parametrize("command", [("--version",), ("layers",), ("layers", "--dataset", "d"), ("datasets", "--json")])
def test_lists_import_no_arrays(store: Path, command: tuple[str, ...]) -> None:
    place = () if command[0].startswith("--") else ("--store", str(store))
    run = subprocess.run(
        [sys.executable, "-c", _CODE, *command, *place], check=True, capture_output=True, text=True, timeout=120
    )
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert loaded.isdisjoint(_HEAVY), sorted(loaded.intersection(_HEAVY))
    if command == ("--version",):
        assert "typer" not in loaded


@pytest.mark.parametrize(
    "command",
    [
        ("predict", "--mean-skills", "3", "--ratio", "1.1"),
        ("predict", "--mean-skills", "3", "--ratio", "1.1", "--learner", "d:3"),
        ("threshold", "--mean-skills", "3", "--learner", "capacity:0.6"),
    ],
)
def test_theory_needs_numpy_only(command: tuple[str, ...]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _CODE, *command], check=True, capture_output=True, text=True, timeout=120
    )
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert loaded.intersection(_HEAVY) == {"numpy"}


@pytest.mark.parametrize(
    "compiled",
    [
        "assert njit(lambda a: a @ a)(np.eye(2)).tolist() == [[1, 0], [0, 1]]",
        pytest.param("assert njit(lambda a: np.cov(a))(np.eye(2)).shape == (2, 2)", marks=pytest.mark.long),
    ],
    ids=["product", "covariance"],
)
def test_kernels_are_loaded_without_scipy_s_linear_algebra(compiled: str) -> None:
    code = (
        "import sys, numpy as np\n"
        "from analysis.graph import SkillTextGraph\n"
        "from analysis.peeling import peel\n"
        "one = np.zeros(1, np.int32)\n"
        "assert peel(SkillTextGraph.from_edges(one, one, 1, 1)).wave.tolist() == [1]\n"
        "assert 'scipy.linalg' not in sys.modules\n"
        f"from numba import njit\n{compiled}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
