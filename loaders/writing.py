"""Files and folders that appear whole or not at all, and leave nothing behind.

What is written lies beside its place under a name that ends in `.part`, locked by its writer; when it is whole it is
renamed. A writer that was killed leaves its `.part`, whose lock went with it: the next writer to the same place takes
it away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

__all__ = ["keep_mode", "lock_file", "sweep_parts", "written_file", "written_folder"]

_LOCK = ".lock"


def keep_mode(path: Path, file: int) -> None:
    """Give an open new file the mode, and where that is allowed the owner, of the one whose place it takes.

    Args:
        path: The file whose place it takes; nothing is done if it is not there.
        file: Descriptor of the new one.
    """
    if not hasattr(os, "fchmod"):
        return
    with contextlib.suppress(FileNotFoundError):
        status = path.stat()
        mine = os.fstat(file)
        if (status.st_uid, status.st_gid) != (mine.st_uid, mine.st_gid):
            try:
                os.fchown(file, status.st_uid, status.st_gid)
            except PermissionError:
                with contextlib.suppress(PermissionError):
                    os.fchown(file, -1, status.st_gid)
        os.fchmod(file, stat.S_IMODE(status.st_mode))


def lock_file(file: int) -> bool:
    """Lock an open file for this process until it is closed; False if another one holds it.

    Where the system has no such locks (Windows), True.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def written_file(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream that becomes the file at `path` when the block ends well, and leaves nothing otherwise.

    A file that is there keeps its mode and owner, a link stays a link; a new file follows the umask.

    Raises:
        OSError: It cannot be written.
    """
    path = path.resolve() if path.is_symlink() else path
    sweep_parts(path)
    partial = _part(path)
    # Nobody else may read what takes the place of a file that nobody else could read.
    made = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(made, "wb") as stream:
            lock_file(stream.fileno())
            if path.exists():
                keep_mode(path, stream.fileno())
            else:
                _follow_umask(stream.fileno())
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if os.name != "nt":
                partial.replace(path)  # while it is locked, so that nobody sweeps it
        if os.name == "nt":
            partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """An empty folder to write to, which becomes the one at `path` when the block ends well.

    Args:
        path: Not there yet, or a folder, which is replaced whole; the folder above it is made if it is missing.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_parts(path)
    partial = _part(path)
    partial.mkdir()
    mark = os.open(partial / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock_file(mark)
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _to_disk(file)
        (partial / _LOCK).unlink()
        if path.is_dir():
            shutil.copymode(path, partial)
            with contextlib.suppress(OSError):
                path.rmdir()  # if it is empty
        if path.is_dir():
            old = _part(path)
            path.rename(old)
            try:
                partial.rename(path)
            except BaseException:
                old.rename(path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            partial.rename(path)
    finally:
        os.close(mark)
        shutil.rmtree(partial, ignore_errors=True)


def sweep_parts(path: Path) -> None:
    """Take away what writers that were killed have left of a file or folder at this place."""
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{_escaped(path.name)}.*.part"):
            with contextlib.suppress(OSError):
                _sweep(left)


def _sweep(left: Path) -> None:
    held = left / _LOCK if left.is_dir() else left
    try:
        mark = os.open(held, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        mark = None
    try:
        if mark is not None and lock_file(mark):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    finally:
        if mark is not None:
            os.close(mark)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _follow_umask(file: int) -> None:
    if hasattr(os, "fchmod"):
        before = os.umask(0o077)
        os.umask(before)
        os.fchmod(file, 0o666 & ~before)


def _to_disk(path: Path) -> None:
    file: BinaryIO
    with contextlib.suppress(OSError), path.open("rb+") as file:
        os.fsync(file.fileno())
