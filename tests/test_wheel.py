"""What is shipped: only the four packages, under names that nothing else installed owns."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"explorer", "loaders", "analysis", "ui"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    [built] = target.glob("*.whl")
    return built


def test_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    shipped = {name for name in names if name.endswith(".py") and not name.partition("/")[0].endswith(".dist-info")}
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert shipped == {name for name in tracked if name.endswith(".py") and (ROOT / name).exists()}


def test_wheel_says_that_the_packages_are_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{package}/py.typed" for package in PACKAGES} <= set(archive.namelist())


def test_wheel_has_every_asset_of_the_front_end(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assets = {str(path.relative_to(ROOT)) for path in (ROOT / "ui" / "assets").rglob("*") if path.is_file()}
    assets |= {str(path.relative_to(ROOT)) for path in (ROOT / "ui" / "pages").glob("*/*.js")}
    assert {"ui/assets/vendor/cytoscape.js", "ui/pages/graph/graph.js"} <= assets
    assert assets <= names


def test_wheel_carries_licence_and_the_mark_against_upload(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        text = archive.read(metadata).decode()
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert "Classifier: Private :: Do Not Upload" in text
    assert "License-Expression: MIT" in text


def test_nothing_else_installed_owns_the_names_of_the_packages() -> None:
    owners = packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["skillgraph-explorer"])) == {"skillgraph-explorer"}


def test_no_output_of_a_command_is_among_the_files() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert "pyproject.toml" in names
    assert [name for name in names if name.startswith("-")] == []
    traceback = re.compile(rb'^ *File "/\S+", line \d+', re.MULTILINE)
    assert [name for name in names if traceback.search((ROOT / name).read_bytes())] == []
