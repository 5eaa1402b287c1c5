"""Where a graph is kept: a store that is opened for as long as something is done with it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.store.opening import DEFAULT_PATH, open_store

if TYPE_CHECKING:
    from explorer.store.protocol import Store
    from ui.app import BackgroundServer

__all__ = ["Place"]


class Place:
    """A store by its path or address. Writing takes the writer's lease for one call only, as a command does.

    Attributes:
        url: Path or address.
        private: True if it is a file of this process alone, which goes when nothing refers to it any more.
    """

    def __init__(self, url: str | Path | None, *, private: bool = False) -> None:
        """Name a store; it is opened when something is asked of it."""
        text = str(url or DEFAULT_PATH)
        self.url = text if "://" in text else str(Path(text).expanduser().absolute())
        self.private = private
        self._reader: Store | None = None
        self._server: BackgroundServer | None = None
        self._lock = threading.Lock()

    @classmethod
    def temporary(cls) -> Place:
        """A file in a new folder of the system's for temporary files."""
        folder = tempfile.mkdtemp(prefix="skillgraph-")
        place = cls(Path(folder) / "memory.kgl", private=True)
        weakref.finalize(place, shutil.rmtree, folder, ignore_errors=True)
        return place

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The store for reading: it stays open, and always shows the present content."""
        with self._lock:
            if self._reader is None:
                self._reader = open_store(self.url, mode="read")
        yield self._reader

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """The store for writing, closed at the end."""
        with closing(open_store(self.url, mode="write")) as store:
            yield store

    def server(self, port: int, *, framed: bool) -> BackgroundServer:
        """The explorer of this store, started when it is first asked for."""
        from ui.app import BackgroundServer

        with self._lock:
            if self._server is None or self._server.closed:
                self._server = BackgroundServer(self.url, port=port, framed=framed)
                atexit.register(self._server.close)
            return self._server

    def __repr__(self) -> str:
        return "Place(in memory)" if self.private else f"Place({self.url!r})"
