"""The store of the demo, of small sources, for agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.demo import make_demo_store


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has run; nothing in these tests may change it."""
    folder = tmp_path_factory.mktemp("agent")
    make_demo_store(folder / "skillgraph.kgl")
    return folder
