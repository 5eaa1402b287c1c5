"""The right to write a store: an operating-system lock, which ends with its process however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from explorer.errors import StoreError
from loaders.writing import keep_mode

__all__ = ["Lease"]


class Lease:
    """Held from its making until `give_up`.

    The lock is on a small file beside the store, which says who holds it and goes with the lease.
    """

    def __init__(self, path: Path) -> None:
        """Take the lease on the store at a path.

        Raises:
            OSError: The folder cannot be written.
            StoreError: Another process, or this one, holds it.
        """
        self._store = path
        self._path = path.with_name(f"{path.name}.lock")
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if not _locked(file):
                    raise StoreError(
                        f"{path} is being written by {self._holder(file)}: wait until that has finished; it can be "
                        "read in the meantime"
                    )
                if _is_still(file, self._path):
                    break
            except BaseException:
                os.close(file)
                raise
            # Its holder has taken the file away between our opening and locking it.
            os.close(file)
        # Who may write the store may take this lock too, should we be killed and leave it.
        with contextlib.suppress(OSError):
            keep_mode(path, file)
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file

    def give_up(self) -> None:
        """Let others write."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._file)

    @staticmethod
    def _holder(file: int) -> str:
        with contextlib.suppress(OSError):
            pid = os.read(file, 20).decode(errors="replace")
            if pid.isdecimal():
                return "this process" if int(pid) == os.getpid() else f"process {pid}"
        return "another process"


def _is_still(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def _locked(file: int) -> bool:
    """Lock an open file for this process alone; False if somebody has."""
    if sys.platform == "win32":
        import msvcrt

        try:
            # Far behind the text, which others may then read.
            os.lseek(file, 1 << 20, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        except OSError:
            os.lseek(file, 0, os.SEEK_SET)
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
