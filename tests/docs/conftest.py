"""A folder in which the demo has run, of small sources."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.demo import make_demo_store


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's first command leaves; to be copied."""
    path = tmp_path_factory.mktemp("demo") / "skillgraph.kgl"
    make_demo_store(path)
    return path


@pytest.fixture
def folder(demo_store: Path, tmp_path: Path) -> Path:
    """A folder in which the demo has run."""
    shutil.copy(demo_store, tmp_path)
    return tmp_path
