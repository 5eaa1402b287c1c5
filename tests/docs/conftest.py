"""A folder in which the demo has run, of small sources."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def folder(demo_store: Path, tmp_path: Path) -> Path:
    """A folder in which the demo has run."""
    shutil.copy(demo_store, tmp_path)
    return tmp_path
