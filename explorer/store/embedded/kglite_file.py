"""Files of kglite, the embedded graph: stores of earlier versions, and graphs kept for the next query."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kglite

from explorer.errors import StoreError
from explorer.store.embedded.container import other_version
from explorer.store.protocol import SCHEMA_VERSION
from explorer.temporary import private_folder

__all__ = ["load_graph", "open_error", "unpacking"]

# Warnings belong to the result of a query; printed to stderr they would mix with progress bars.
kglite.set_query_warning_policy("silent")

_lock = threading.Lock()


@contextmanager
def unpacking() -> Iterator[None]:
    """Give kglite this process's private folder: it unpacks texts there, in clear, as long as it uses them."""
    with _lock:
        folder = private_folder()
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before


def load_graph(path: Path) -> Any:
    """The graph in a kglite file.

    Raises:
        StoreError: There is none, it is damaged, or of another version.
    """
    try:
        with unpacking():
            graph = kglite.load(str(path))
    except (kglite.KgError, OSError) as error:
        raise open_error(path, error) from None
    version = graph.schema_version
    if version == SCHEMA_VERSION:
        return graph
    if version == 0:
        raise StoreError(f"{path} is a kglite graph, but not a store made by this program: choose another file")
    raise other_version(str(path), version, SCHEMA_VERSION)


def open_error(path: Path, error: Exception) -> StoreError:
    """What is said of a file that cannot be opened."""
    message = " ".join(str(error).partition("\n")[0].split())
    if "only supports up to" in message:
        return StoreError(f"{path} was written by a newer kglite: upgrade it, or load the data into a new store")
    if isinstance(error, kglite.FileFormatError):
        return StoreError(f"{path} is damaged: restore it from a copy, or load the data into a new store ({message})")
    if isinstance(error, PermissionError) or "ermission denied" in message or "Read-only" in message:
        return StoreError(
            f"{path} or its folder cannot be opened: you do not have the permissions; change them or choose another "
            "folder"
        )
    return StoreError(f"{path} cannot be opened: {message}")
