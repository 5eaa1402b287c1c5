"""Figures that were computed before, kept in the user's cache folder under the fingerprints of what they come from.

A memo is never wrong, only missing: its key holds the fingerprints of all inputs and the versions of the packages, and
the state of the program's own files is added, so other content or another program has another key. A cache that cannot
be read or written is passed over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.folders import cache_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["digest", "recall", "remember"]

_MOST = 200


def recall(key: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was remembered under a key; None if nothing was."""
    try:
        with _path(key).open(encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError, RuntimeError):
        return None
    # The file names its key in full, so that nothing rests on the digest alone.
    return found["value"] if isinstance(found, dict) and found.get("key") == json.loads(_text(key)) else None


def remember(key: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """Keep a value of JSON's kinds under a key of JSON's kinds; the oldest are forgotten."""
    with contextlib.suppress(OSError, RuntimeError):
        path = _path(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({"key": json.loads(_text(key)), "value": value}), encoding="utf-8")
        draft.replace(path)
        kept = sorted(path.parent.glob("*.json"), key=lambda other: other.stat().st_mtime, reverse=True)
        for old in kept[_MOST:]:
            old.unlink(missing_ok=True)


def digest(what: str, arrays: Iterable[NDArray[Any]]) -> str:
    """SHA-256 of a text and of arrays with their types and shapes, as hexadecimal digits."""
    import numpy as np

    found = hashlib.sha256(what.encode())
    for array in arrays:
        found.update(f" {array.dtype.str} {array.shape} ".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps({**key, "program": _program()}, sort_keys=True)


@cache
def _program() -> str:
    """Digest of the files that compute figures: their names, sizes and times."""
    import analysis
    import explorer

    digest = hashlib.sha256()
    for package in (analysis, explorer):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            state = path.stat()
            digest.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _path(key: Mapping[str, Any]) -> Path:
    return cache_folder() / "memo" / f"{hashlib.sha256(_text(key).encode()).hexdigest()[:32]}.json"
