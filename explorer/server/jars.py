"""Neo4j's jars in the user's cache, each checked against the SHA-256 that the project has locked.

The lock names every jar by Maven coordinate, size and SHA-256, so what is run is what was tested, whatever the
repository or mirror it came from. Nothing of Neo4j (GPLv3) is part of this project: the user's machine fetches it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from explorer.errors import ServerError
from explorer.extras import how_to_add
from explorer.folders import cache_folder
from loaders.writing import lock_file

__all__ = [
    "NEO4J_VERSION",
    "NEO4J_VERSIONS",
    "REPOSITORY_VARIABLE",
    "Jar",
    "JarSet",
    "Provision",
    "find_version",
    "parse_lock",
    "provision",
    "read_lock",
]

NEO4J_VERSION = "5.26.30"
"""The version of Neo4j Community that is run if none is named: the newest with long-term support."""
NEO4J_VERSIONS = (NEO4J_VERSION, "2026.08.1")
"""The versions of which the jars are locked, oldest first."""
REPOSITORY_VARIABLE = "SKILLGRAPH_MAVEN_REPOSITORY"
"""Environment variable with the address of a Maven repository to use instead of Maven Central."""

_LOCKS = {NEO4J_VERSIONS[0]: "neo4j.lock", NEO4J_VERSIONS[1]: "neo4j-2026.lock"}
_STAMP = "verified.json"
_FETCHING = "fetching.lock"
_DOWNLOADS_AT_ONCE = 8
_ATTEMPTS = 3

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Jar:
    """One jar of the lock."""

    group: str
    artifact: str
    version: str
    classifier: str
    size: int
    sha256: str

    @property
    def coordinate(self) -> str:
        """`group:artifact:version`, with `:classifier` where there is one."""
        return ":".join(part for part in (self.group, self.artifact, self.version, self.classifier) if part)

    @property
    def filename(self) -> str:
        """Name of the file in a Maven repository."""
        return "-".join(part for part in (self.artifact, self.version, self.classifier) if part) + ".jar"


@dataclass(frozen=True)
class JarSet:
    """Verified jars of one version of Neo4j in one folder."""

    folder: Path
    jars: tuple[Jar, ...]
    version: str = NEO4J_VERSION

    @cached_property
    def class_path(self) -> str:
        """The locked jars, joined as the Java launcher wants them; other files in the folder are not on it."""
        return os.pathsep.join(str(self.folder / name) for name in sorted(jar.filename for jar in self.jars))


@dataclass(frozen=True)
class Provision:
    """What `provision` found and fetched.

    Attributes:
        jars: The verified jars.
        downloaded: Number of jars that were fetched now.
        downloaded_bytes: Their size.
        seconds: Time it took.
    """

    jars: JarSet
    downloaded: int
    downloaded_bytes: int
    seconds: float


def parse_lock(text: str) -> tuple[Jar, ...]:
    """The jars of a lock: one `group:artifact:version[:classifier] size sha256` a line, `#` starts a comment.

    >>> parse_lock("org.neo4j:neo4j:5.26.30 48131 00ff")[0].filename
    'neo4j-5.26.30.jar'

    Raises:
        ServerError: A line is none of these.
    """
    jars = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].split()
        if not content:
            continue
        try:
            coordinate, size, sha256 = content
            group, artifact, version, *classifier = coordinate.split(":")
            jars.append(Jar(group, artifact, version, "".join(classifier), int(size), sha256))
        except ValueError:
            raise ServerError(f"line {number} of the jar lock is not 'coordinate size sha256': {line!r}") from None
    return tuple(jars)


def find_version(name: str) -> str:
    """The locked version that a name or the beginning of one means; `x` stands for any number.

    >>> find_version("5.26"), find_version("2026.x")
    ('5.26.30', '2026.08.1')

    Raises:
        ServerError: None, with those that there are.
    """
    wanted = name.split(".")
    while wanted[-1:] == ["x"]:
        wanted.pop()
    for version in reversed(NEO4J_VERSIONS):
        if wanted and version.split(".")[: len(wanted)] == wanted:
            return version
    raise ServerError(f"Neo4j {name} is not among the tested versions: choose {' or '.join(NEO4J_VERSIONS)}")


def read_lock(version: str = NEO4J_VERSION) -> tuple[Jar, ...]:
    """The jars of a version of Neo4j that this version of the project has locked."""
    return parse_lock((Path(__file__).parent / _LOCKS[version]).read_text(encoding="utf-8"))


def provision(
    *,
    cache: Path | None = None,
    jars: Iterable[Jar] | None = None,
    progress: Progress | None = None,
    version: str = NEO4J_VERSION,
) -> Provision:
    """Make sure that all jars are in the cache and are what the lock says; fetch what is missing or damaged.

    A jar whose size and modification time are those of its last check is taken as it is; any other is read and
    its SHA-256 compared, and fetched again if it differs. A jar is only ever put in place whole and checked.

    Args:
        cache: Cache folder; `cache_folder()` if not given.
        jars: The jars; the project's lock if not given.
        progress: Called with (bytes fetched, bytes to fetch).
        version: Of Neo4j, one of `NEO4J_VERSIONS`.

    Returns:
        The verified jars and what was fetched.

    Raises:
        ServerError: No network, a jar that is not in the repository or not the locked one, or no resolver.
    """
    started = time.perf_counter()
    wanted = read_lock(version) if jars is None else tuple(jars)
    folder = (cache or cache_folder()) / f"neo4j-{version}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing, stamp = _missing(wanted, folder)
        if missing:
            with _fetching_alone(folder):
                missing, stamp = _missing(wanted, folder)
                if missing:
                    _fetch(missing, folder, progress)
        _write_stamp(folder, wanted, stamp)
    except OSError as error:
        raise ServerError(
            f"cannot store Neo4j's jars in {folder}: {error}; set SKILLGRAPH_CACHE to another folder"
        ) from error
    return Provision(
        jars=JarSet(folder, wanted, version),
        downloaded=len(missing),
        downloaded_bytes=sum(jar.size for jar in missing),
        seconds=time.perf_counter() - started,
    )


def _missing(wanted: Iterable[Jar], folder: Path) -> tuple[list[Jar], dict[str, Any]]:
    """The jars that are not there as locked, and what was known of the folder."""
    stamp = _read_stamp(folder)
    return [jar for jar in wanted if not _is_verified(folder / jar.filename, jar, stamp)], stamp


@contextmanager
def _fetching_alone(folder: Path) -> Iterator[None]:
    """Wait while another process fetches into the folder: one download serves both."""
    with (folder / _FETCHING).open("w") as file:
        while not lock_file(file.fileno()):
            time.sleep(0.2)
        yield


def _read_stamp(folder: Path) -> dict[str, Any]:
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _mark(path: Path, jar: Jar) -> list[Any]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, jar.sha256]


def _is_verified(path: Path, jar: Jar, stamp: Mapping[str, Any]) -> bool:
    try:
        if stamp.get(path.name) == _mark(path, jar):
            return True
        return path.stat().st_size == jar.size and _sha256(path) == jar.sha256
    except FileNotFoundError:
        return False


def _write_stamp(folder: Path, jars: Iterable[Jar], before: Mapping[str, Any]) -> None:
    stamp = {jar.filename: _mark(folder / jar.filename, jar) for jar in jars}
    if stamp == before:
        return
    handle, name = tempfile.mkstemp(dir=folder, prefix=_STAMP)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(stamp, file)
    Path(name).replace(folder / _STAMP)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(jars: list[Jar], folder: Path, progress: Progress | None) -> None:
    total, done = sum(jar.size for jar in jars), 0
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as temporary:
        context = _maven_context(Path(temporary))
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            try:
                for jar, path in zip(jars, pool.map(lambda jar: _download(context, jar), jars), strict=True):
                    path.replace(folder / jar.filename)
                    done += jar.size
                    if progress:
                        progress(done, total)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def _maven_context(repository_cache: Path) -> Any:
    try:
        from jgo.maven import MavenContext
    except ImportError:
        raise ServerError(f"fetching Neo4j needs the extra 'server': {how_to_add('server')}") from None
    mirror = os.environ.get(REPOSITORY_VARIABLE)
    repositories = {"mirror": mirror.rstrip("/")} if mirror else None
    return MavenContext(repo_cache=repository_cache, remote_repos=repositories, timeout=60)


def _download(context: Any, jar: Jar) -> Path:
    """One jar from the repository into the temporary folder, checked; tried again where the line broke."""
    from requests import RequestException

    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier, "jar")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            path = Path(artifact.resolve())
        except RequestException as error:
            shutil.rmtree(artifact.cached_path.parent, ignore_errors=True)
            if attempt == _ATTEMPTS:
                raise ServerError(
                    f"cannot fetch {jar.coordinate}: {type(error).__name__}; Neo4j's jars (some 150 MB) are "
                    f"downloaded once: connect to the network, or set {REPOSITORY_VARIABLE} to a Maven mirror"
                ) from error
            time.sleep(0.5 * attempt)
            continue
        except RuntimeError as error:
            raise ServerError(f"{jar.coordinate} is not in the Maven repository: {error}") from error
        if _sha256(path) == jar.sha256:
            return path
        size = path.stat().st_size
        path.unlink()
        if attempt == _ATTEMPTS:
            raise ServerError(
                f"{jar.coordinate} as fetched ({size} bytes) is not the locked jar ({jar.size} bytes, SHA-256 "
                f"{jar.sha256[:12]}…): a proxy or mirror has changed it; it was discarded"
            )
    raise AssertionError("unreachable")
