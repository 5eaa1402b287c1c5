"""Where this program puts what it needs for a while: a folder that only this user can enter, gone with the process.

Each process has one, `skillgraph-<user>-…` in the system's folder for temporary files, with mode 0700, locked as long
as the process lives. It is deleted when the process ends, by a signal too; a process that is killed leaves its own,
which the next start takes away. Child processes have theirs inside of it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loaders.writing import lock_file

__all__ = ["forget_child", "private_folder", "sweep", "temporary_folder"]

_PARENT_VARIABLE = "SKILLGRAPH_PRIVATE_FOLDER"
_LOCK = ".lock"
_YOUNG = 60.0  # seconds in which a folder without a lock may still be on its way to having one

_lock = threading.Lock()
_folder: Path | None = None
_owner = 0


def private_folder() -> Path:
    """The folder of this process, mode 0700, made when it is first asked for."""
    global _folder, _owner
    with _lock:
        if _folder is None or _owner != os.getpid() or not _folder.is_dir():
            _folder, _owner = _inside_parent() or _made(), os.getpid()
            os.environ.setdefault(_PARENT_VARIABLE, str(_folder))
            atexit.register(_end, _folder, _owner)
        return _folder


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """A folder for one purpose inside of the private one, deleted when the block ends.

    Args:
        name: What it is for.
    """
    folder = private_folder() / f"{name}-{os.urandom(6).hex()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forget_child(pid: int | None) -> None:
    """Take away what a child process that was ended has left."""
    if _folder is not None and _owner == os.getpid():
        shutil.rmtree(_folder / f"child-{pid}", ignore_errors=True)


def sweep() -> None:
    """Take away the folders of processes that were killed."""
    prefix = _prefix()
    with contextlib.suppress(OSError):
        for entry in os.scandir(_base()):
            if entry.name.startswith(prefix):
                with contextlib.suppress(OSError):
                    _sweep(Path(entry.path))


def _sweep(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "geteuid") and status.st_uid != os.geteuid()):
        return
    try:
        mark = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        if time.time() - status.st_mtime > _YOUNG:
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        if lock_file(mark):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(mark)


def _prefix() -> str:
    return f"skillgraph-{os.geteuid() if hasattr(os, 'geteuid') else 'user'}-"


def _base() -> Path:
    """The system's folder for temporary files, as `tempfile` finds it, which takes long to import."""
    for variable in ("TMPDIR", "TEMP", "TMP"):
        given = os.environ.get(variable)
        if given and Path(given).is_dir():
            return Path(given)
    if os.name == "nt":
        import tempfile

        return Path(tempfile.gettempdir())
    return Path("/tmp")  # noqa: S108 -- the folder made in it has a random name and lets nobody else in


def _inside_parent() -> Path | None:
    given = os.environ.get(_PARENT_VARIABLE)
    if not given:
        return None
    try:
        folder = Path(given) / f"child-{os.getpid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        os.environ.pop(_PARENT_VARIABLE)  # its process has ended
        return None
    return folder


def _made() -> Path:
    sweep()
    while True:
        folder = _base() / f"{_prefix()}{os.urandom(6).hex()}"
        folder.mkdir(mode=0o700)
        mark = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)  # open, and so locked, until the process ends
        if lock_file(mark) and folder.is_dir():
            return folder
        os.close(mark)  # another start swept it before it was locked


def _end(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
