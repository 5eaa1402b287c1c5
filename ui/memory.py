"""How a process that serves for days keeps its memory small."""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["keep_memory_small"]

# Of glibc's malloc.h.
_TRIM_THRESHOLD, _ARENA_MAX = -1, -8
_ARENAS = 2
_KEPT_AT_THE_END = 1 << 17


def keep_memory_small() -> None:
    """Let this process return freed memory to the system; to be called before it has threads.

    glibc gives every thread an arena of its own and keeps what is freed within it, and so does Arrow's allocator: after
    one large answer on each of sixteen threads, a server holds the memory of all sixteen. Two arenas and the system's
    allocator cost Python threads no speed, for they take turns. Nothing happens where malloc is not glibc's.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if "pyarrow" in sys.modules:
        pa = sys.modules["pyarrow"]
        pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    mallopt(_ARENA_MAX, _ARENAS)
    mallopt(_TRIM_THRESHOLD, _KEPT_AT_THE_END)
