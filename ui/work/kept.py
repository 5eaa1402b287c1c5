"""Arrays that were computed before, kept in the user's cache folder under a digest of all that they come from.

What is kept is never wrong, only missing: other arrays, another method or another version of the library that computes
have another digest, and a file that is not as it was written is passed over, as is a cache that cannot be read or
written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from explorer.folders import cache_folder
from explorer.service.memo import digest

__all__ = ["kept"]

Int = npt.NDArray[np.int64]

_MOST = 24  # files; the oldest are forgotten
_CHECK = hashlib.sha256().digest_size


def kept(
    method: str, numbers: Sequence[float], arrays: Sequence[npt.NDArray[np.generic]], make: Callable[[], Int]
) -> Int:
    """What `make` gives, int64 (n,); from the cache if it was made before from the same.

    Args:
        method: What makes it, with its version.
        numbers: Single numbers that it depends on.
        arrays: Arrays that it depends on.
        make: Makes it.
    """
    path = _path(method, numbers, arrays)
    there = _read(path)
    if there is not None:
        return there
    found = make()
    with contextlib.suppress(OSError, RuntimeError):
        _write(path, found)
    return found


def _path(method: str, numbers: Sequence[float], arrays: Sequence[npt.NDArray[np.generic]]) -> Path | None:
    name = digest(f"{method} {list(map(float, numbers))}", arrays)
    try:
        return cache_folder() / "groups" / f"{name}.labels"
    except RuntimeError:  # this user has no folder
        return None


def _read(path: Path | None) -> Int | None:
    if path is None:
        return None
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    check, payload = data[:_CHECK], data[_CHECK:]
    if hashlib.sha256(payload).digest() != check or len(payload) % 4:
        return None
    return np.frombuffer(payload, dtype="<i4").astype(np.int64)


def _write(path: Path | None, found: Int) -> None:
    if path is None:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    payload = found.astype("<i4").tobytes()
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(hashlib.sha256(payload).digest() + payload)
    draft.chmod(0o600)
    draft.replace(path)
    files = sorted(path.parent.glob("*.labels"), key=lambda other: other.stat().st_mtime, reverse=True)
    for old in files[_MOST:]:
        old.unlink(missing_ok=True)
