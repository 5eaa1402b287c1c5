"""What mypy does not read has no types to be read, so that no published type stays unchecked."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def settings() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    return found


def overrides() -> list[dict[str, object]]:
    found = settings()["overrides"]
    assert isinstance(found, list)
    return found


def unread() -> list[str]:
    """Packages whose imports may be without types."""
    names = [o["module"] for o in overrides() if "ignore_missing_imports" in o]
    return sorted(str(name).partition(".")[0] for some in names for name in ([some] if isinstance(some, str) else some))


def types_of(package: str, places: list[str]) -> Iterator[Path]:
    """Where an environment has types of a package: its own with a marker, or stubs."""
    for place in map(Path, places):
        yield from (path for path in (place / package / "py.typed", place / f"{package}-stubs") if path.exists())


def test_no_import_is_skipped() -> None:
    for section in (settings(), *overrides()):
        assert section.get("follow_imports", "normal") == "normal", section
        assert not section.get("ignore_errors"), section
    assert "ignore_missing_imports" not in settings()


@pytest.mark.parametrize("package", unread())
def test_what_may_be_without_types_has_none(package: str) -> None:
    assert not list(types_of(package, sys.path)), "mypy reads them: take it off the list"


def test_types_are_found(tmp_path: Path) -> None:
    (tmp_path / "marked").mkdir()
    (tmp_path / "marked" / "py.typed").touch()
    (tmp_path / "bare").mkdir()
    (tmp_path / "stubbed-stubs").mkdir()
    found = [name for name in ("marked", "bare", "stubbed") if list(types_of(name, [str(tmp_path)]))]
    assert found == ["marked", "stubbed"]
    assert list(types_of("dash", sys.path)), "Dash is read"
