"""Ends a server when the process that started it is gone, however that process ended.

Run as a script of its own: `python watchdog.py PID CREATE_TIME`. It waits for the end of its standard input, a
pipe whose other end the starter holds: the operating system closes it when the starter exits, also when it is
killed. This works alike on Linux, macOS and Windows.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["creation_time", "end_process", "is_alive"]


def _psutil() -> Any:
    try:
        import psutil  # type: ignore[import-untyped] # it publishes no types
    except ImportError:
        from explorer.errors import ServerError
        from explorer.extras import how_to_add

        raise ServerError(f"running a server needs the extra 'server': {how_to_add('server')}") from None
    return psutil


def creation_time(pid: int) -> float | None:
    """When a process was created, in seconds since the epoch; None if there is none of that number or it has ended."""
    psutil = _psutil()
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def is_alive(pid: int, created: float) -> bool:
    """True if the process of that number is still the one that was created then."""
    return creation_time(pid) == created


def end_process(pid: int, created: float, *, patience: float = 10.0) -> bool:
    """End a process, gently first; a process that has taken over its number is left alone.

    Args:
        pid: Its number.
        created: When it was created, in seconds since the epoch, as psutil tells it.
        patience: Seconds between asking and killing.

    Returns:
        True if it is gone, or was.
    """
    psutil = _psutil()
    try:
        process = psutil.Process(pid)
        if process.create_time() != created:
            return True
        process.terminate()
        try:
            process.wait(patience)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(patience)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_process(int(sys.argv[1]), float(sys.argv[2]))
