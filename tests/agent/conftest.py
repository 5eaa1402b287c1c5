"""The store of the demo, of small sources, for agents."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(demo_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has run; nothing in these tests may change it."""
    folder = tmp_path_factory.mktemp("agent")
    shutil.copy(demo_store, folder)
    return folder
