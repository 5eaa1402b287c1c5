"""Ends a server when the process that started it is gone, however that process ended.

Run as a script of its own: `python watchdog.py PID CREATE_TIME`. It waits for the end of its standard input, a
pipe whose other end the starter holds: the operating system closes it when the starter exits, also when it is
killed. This works alike on Linux, macOS and Windows.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["creation_time", "end_process", "find_process", "is_alive"]

_PROC = Path("/proc")
_TICK = 0.02
"""Seconds by which two ways to tell when a process was created may differ."""


def _psutil() -> Any:
    """The package, or what stands in for it: a server can be stopped also when the extra was removed meanwhile."""
    try:
        import psutil  # type: ignore[import-untyped] # it publishes no types
    except ImportError:
        if (_PROC / "self" / "stat").exists():
            return None
        from explorer.errors import ServerError
        from explorer.extras import how_to_add

        raise ServerError(f"running a server needs the extra 'server': {how_to_add('server')}") from None
    return psutil


def creation_time(pid: int) -> float | None:
    """When a process was created, in seconds since the epoch; None if there is none of that number or it has ended."""
    psutil = _psutil()
    if psutil is None:
        return _creation_time_of(pid)
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def _creation_time_of(pid: int) -> float | None:
    """From Linux's own files."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        booted = next(
            float(line.split()[1])
            for line in (_PROC / "stat").read_text(encoding="utf-8").splitlines()
            if line.startswith("btime ")
        )
    except (OSError, StopIteration):
        return None
    return None if fields[0] == "Z" else booted + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def is_alive(pid: int, created: float) -> bool:
    """True if the process of that number is still the one that was created then."""
    now = creation_time(pid)
    return now is not None and abs(now - created) < _TICK


def find_process(argument: str) -> tuple[int, float] | None:
    """Number and creation time of a process of this user with an argument in its command line; None if there is none.

    Args:
        argument: One whole argument.
    """
    psutil = _psutil()
    if psutil is None:
        wanted = os.fsencode(argument)
        for folder in _PROC.iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdecimal() and wanted in (folder / "cmdline").read_bytes().split(b"\0"):
                    created = _creation_time_of(int(folder.name))
                    if created is not None:
                        return int(folder.name), created
        return None
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if argument in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                return int(process.pid), float(process.create_time())
    return None


def end_process(pid: int, created: float, *, patience: float = 10.0) -> bool:
    """End a process, gently first; a process that has taken over its number is left alone.

    Args:
        pid: Its number.
        created: When it was created, in seconds since the epoch, as `creation_time` tells it.
        patience: Seconds between asking and killing.

    Returns:
        True if it is gone, or was.
    """
    psutil = _psutil()
    if psutil is None:
        ends: tuple[Callable[[], None], ...] = (
            lambda: os.kill(pid, signal.SIGTERM),
            lambda: os.kill(pid, signal.SIGKILL),
        )
        gone: type[Exception] = ProcessLookupError
    else:
        gone = psutil.NoSuchProcess
        try:
            process = psutil.Process(pid)
        except gone:
            return True
        ends = (process.terminate, process.kill)
    for end in ends:
        with contextlib.suppress(gone):
            if is_alive(pid, created):
                end()
        last = time.monotonic() + patience
        # One that has ended may keep its number for as long as its parent does not ask how: it is gone all the same.
        while is_alive(pid, created) and time.monotonic() < last:
            time.sleep(0.05)
        if not is_alive(pid, created):
            return True
    return False


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_process(int(sys.argv[1]), float(sys.argv[2]))
