"""The embedded store's file: who may write it, how it is read, and how a new content takes the place of the old."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import kglite

from explorer.errors import StoreError
from explorer.store.protocol import SCHEMA_VERSION

__all__ = ["Mode", "check_place", "give_up_lease", "load_graph", "put_in_place", "stamp", "take_lease"]

Mode = Literal["read", "write"]

_MAGIC = b"RGF"
_NO_STORE = "there is no store at {}: run `skillgraph load` or `skillgraph demo` first"


def stamp(path: Path) -> str:
    """Tells one file at this path from the next; `none` if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return "none"
    return f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}"


def check_place(path: Path, mode: Mode) -> None:
    """Refuse a path at which no store can be.

    Raises:
        StoreError: A folder, a missing folder, a file that is no store, or nothing to read.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file in it, for example {path / 'skillgraph.kgl'}")
    if not path.exists():
        if mode == "read":
            raise StoreError(_NO_STORE.format(path))
        if not path.parent.is_dir():
            raise StoreError(f"the folder {path.parent} does not exist: create it, or choose another place")
        return
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise _open_error(path, error) from None
    if magic != _MAGIC:
        raise StoreError(f"{path} is not a store: choose another file")


def load_graph(path: Path) -> Any:
    """The graph in a file.

    Raises:
        StoreError: There is none, it is damaged, or of another version.
    """
    try:
        graph = kglite.load(str(path))
    except kglite.FileError:
        raise StoreError(_NO_STORE.format(path)) from None
    except (kglite.KgError, OSError) as error:
        raise _open_error(path, error) from None
    _check_version(graph, path)
    return graph


def take_lease(path: Path) -> Any:
    """The graph in a file, or an empty one if there is no file, held for writing until `give_up_lease`.

    Raises:
        StoreError: Another process writes, the folder cannot be written, or the file cannot be read.
    """
    try:
        graph = kglite.open(str(path), durable="off")
    except kglite.WriterLeaseHeldError as error:
        holder = error.holder
        who = "this process" if holder.get("self") else f"process {holder.get('pid') or 'of unknown number'}"
        raise StoreError(
            f"{path} is being written by {who}: wait until it has finished; reading it is possible meanwhile"
        ) from None
    except (kglite.KgError, OSError) as error:
        raise _open_error(path, error) from None
    except ValueError:
        raise StoreError(
            f"{path} was last changed by another program, which left a log that has not been taken in, {path}-wal: "
            "open and close the file there once more"
        ) from None
    try:
        if path.exists():
            _check_version(graph, path)
        for left in path.parent.glob(f"{path.name}.tmp.*"):
            # Of a writer that was killed while it wrote; with the lease held, nobody else's.
            left.unlink(missing_ok=True)
    except BaseException:
        give_up_lease(graph)
        raise
    return graph


def give_up_lease(graph: Any) -> None:
    """Let others write; the file stays as it is."""
    # Leaving the graph's `with` block by an exception is how kglite closes without writing the file once more.
    graph.__exit__(StoreError, StoreError(), None)


def put_in_place(graph: Any, path: Path) -> None:
    """Write the file anew, all or nothing, with a later time stamp than the one before.

    Raises:
        kglite.KgError: It could not be written; the file is the one before.
    """
    before = path.stat().st_mtime_ns if path.exists() else 0
    # The compact layout is read into memory whole: nothing a reader holds depends on the file afterwards.
    graph.save(str(path), layout="compact")
    if path.stat().st_mtime_ns <= before:
        os.utime(path, ns=(before + 1_000, before + 1_000))


def _check_version(graph: Any, path: Path) -> None:
    version = graph.schema_version
    if version == SCHEMA_VERSION:
        return
    if version == 0:
        raise StoreError(f"{path} is a kglite graph, but not a store of this program: choose another file")
    raise StoreError(
        f"{path} has version {version} of the graph schema, and this program needs version {SCHEMA_VERSION}: "
        "use the program that wrote it, or load the data into a new store"
    )


def _open_error(path: Path, error: Exception) -> StoreError:
    message = " ".join(str(error).partition("\n")[0].split())
    if "only supports up to" in message:
        return StoreError(f"{path} was written by a newer kglite: upgrade it, or load the data into a new store")
    if isinstance(error, kglite.FileFormatError):
        return StoreError(f"{path} is damaged: restore it from a copy, or load the data into a new store ({message})")
    if "ermission denied" in message:
        return StoreError(f"{path} or its folder may not be opened by you: change permissions or choose another place")
    return StoreError(f"{path} cannot be opened: {message}")
