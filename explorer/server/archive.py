"""Neo4j's classes as Java leaves them after a first run: with this archive a start takes half the time.

Java's class data sharing: a base archive of Java's own classes is made at once, the one of Neo4j's classes when a
server that ran without it is stopped. Java itself checks that an archive fits its version and the jars, and runs
without one that does not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from explorer.server.jars import JarSet
from explorer.server.java import Java

__all__ = ["ClassArchive", "class_archive"]


@dataclass(frozen=True)
class ClassArchive:
    """Where the archives of one Java and one set of jars are.

    Attributes:
        base: Java's own classes.
        classes: Neo4j's classes, on top of those.
    """

    base: Path
    classes: Path

    def options(self, java: Java, made_at: Path) -> list[str]:
        """Options for Java: use the archives that are there, and make the missing one.

        Args:
            java: The Java that will run.
            made_at: Where Java shall write the archive of Neo4j's classes when it ends.
        """
        if not self.base.exists() and not _make_base(java, self.base):
            return []
        if self.classes.exists():
            return [f"-XX:SharedArchiveFile={self.base}{os.pathsep}{self.classes}"]
        made_at.unlink(missing_ok=True)
        return [f"-XX:SharedArchiveFile={self.base}", f"-XX:ArchiveClassesAtExit={made_at}"]

    def keep(self, made_at: Path) -> None:
        """Take what a server has made, if it has, for the starts to come."""
        try:
            temporary = self.classes.with_suffix(f".{os.getpid()}")
            shutil.move(made_at, temporary)
            temporary.replace(self.classes)
        except OSError:
            # Nothing was made, or it cannot be kept: the next start makes it, or is slow.
            return


def class_archive(java: Java, jars: JarSet) -> ClassArchive:
    """The archives for a Java and jars as they are now, beside the jars.

    A Java is known by its modules, not by its place: environments that have the same one share its archives.
    """
    modules = java.path.resolve().parent.parent / "lib" / "modules"
    marks = [f"{_state(modules) if modules.exists() else java.path} {java.version}"]
    marks += [f"{jar.filename} {_state(jars.folder / jar.filename)}" for jar in jars.jars]
    digest = hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]
    return ClassArchive(jars.folder / f"java-{digest}.jsa", jars.folder / f"classes-{digest}.jsa")


def _state(file: Path) -> str:
    """What Java itself compares before it takes an archive."""
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _make_base(java: Java, path: Path) -> bool:
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        done = subprocess.run(  # noqa: S603 -- no shell, and nothing of it comes from a file or the network
            [str(java.path), f"-XX:SharedArchiveFile={temporary}", "-Xshare:dump"],
            capture_output=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode == 0:
            temporary.replace(path)
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return path.exists()
