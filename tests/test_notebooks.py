"""tests/notebooks in an environment of its own, which has Jupyter, pandas and a sentence encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.environment import run_in_own_environment


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("test_encoder.py", marks=pytest.mark.long),
        pytest.param("test_frames.py", marks=pytest.mark.ci),
        pytest.param("test_notebooks.py", marks=pytest.mark.long),
    ],
)
def test_in_their_own_environment(file: str) -> None:
    run_in_own_environment(".venv-docs", f"tests/notebooks/{file}", "nbclient")


def test_no_file_of_theirs_is_left_out() -> None:
    given = test_in_their_own_environment.pytestmark[0].args[1]
    assert {case.values[0] for case in given} == {
        path.name for path in Path(__file__).parent.glob("notebooks/test_*.py")
    }
