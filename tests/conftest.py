"""Which tests go to one process where several run them: those that share a server, and each file."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TOGETHER = {"spark": "spark", "server": "neo4j", "ui/browser": "browser"}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        file = item.path.relative_to(TESTS).as_posix()
        group = next((name for folder, name in TOGETHER.items() if file.startswith(f"{folder}/")), file)
        if item.get_closest_marker("neo4j") is not None:
            group = "neo4j"
        item.add_marker(pytest.mark.xdist_group(group))
