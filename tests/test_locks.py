"""The locks: every requirement pinned with hashes, no address, one version of each in both."""

from __future__ import annotations

import re
import tomllib
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


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall((LOCKS / f"{name}.lock").read_text()))


@pytest.mark.parametrize("whole", ["dev", "spark-tests", "docs"])
def test_the_runtime_s_versions_are_those_that_are_tested(whole: str) -> None:
    assert pins("runtime") <= pins(whole)


@pytest.mark.parametrize(
    ("extra", "whole"), [("server", "dev"), ("fast", "dev"), ("mcp", "dev"), ("spark", "spark-tests")]
)
def test_an_extra_s_versions_are_those_that_are_tested(extra: str, whole: str) -> None:
    assert pins(f"extra-{extra}") <= pins(whole)
    project = tomllib.loads((LOCKS.parent / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[^A-Za-z0-9_-]", wanted)[0] for wanted in project["optional-dependencies"][extra]}
    assert asked <= {name for name, _ in pins(f"extra-{extra}")}


def test_pandas_comes_with_spark_only() -> None:
    assert {"pandas"} & {name for lock in ("runtime", "dev") for name, _ in pins(lock)} == set()
