"""tests/notebooks in an environment of its own, which has Jupyter, pandas and a sentence encoder."""

from __future__ import annotations

import pytest

from tests.support.environment import run_in_own_environment


@pytest.mark.long
def test_notebooks_in_their_own_environment() -> None:
    run_in_own_environment(".venv-docs", "tests/notebooks", "nbclient")
