from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.store.opening import open_store
from explorer.store.protocol import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.kgl", mode="write")
    yield opened
    opened.close()
