"""The locks: every requirement pinned with hashes, no address, one version of each in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LOCKS = Path(__file__).parents[1] / "requirements"
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.lock")), ids=lambda path: path.name)
def test_every_line_is_a_pinned_requirement_or_a_hash_of_one(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    blocks = [block for block in re.split(r"\n(?=\S)", text.strip()) if block]
    for block in blocks:
        assert PIN.match(block), block
        assert "--hash=sha256:" in block, block


def test_runtime_and_development_have_the_same_versions() -> None:
    runtime = dict(PIN.findall((LOCKS / "runtime.lock").read_text()))
    development = dict(PIN.findall((LOCKS / "dev.lock").read_text()))
    assert runtime.items() <= development.items()
