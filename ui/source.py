"""The store as the front end sees it: a frozen snapshot that is renewed when the store changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from explorer.errors import StoreError
from explorer.service import LayerView, layer_view
from explorer.service.snapshot import read_dataset
from explorer.store.opening import say_once
from explorer.store.place import Place
from explorer.store.protocol import DatasetInfo, LayerInfo, Store
from ui.drawing.graphs import LayerGraph, layer_graph
from ui.work.apart import apart_on_store, elsewhere
from ui.work.children import Pool
from ui.work.uploads import Uploads

__all__ = ["OpeningError", "Snapshot", "Source"]

T = TypeVar("T")
P = ParamSpec("P")
_QUERIES = 6
_NO_FILE = "none"  # an embedded store's version when its file is gone
_TASKS = "ui.work.tasks"


class _Once:
    """A bounded memory in which each value is made once, also when several requests ask at the same time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._going: set[Hashable] = set()
        self._failed: dict[Hashable, Exception] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                found: T = self._values[key]
                return found
            gate = self._making.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._values:
                    again: T = self._values[key]
                    return again
            value = make()
            with self._lock:
                self._values[key] = value
                self._making.pop(key, None)
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
        return value

    def begin(self, key: Hashable, make: Callable[[], object]) -> bool:
        """True if the value is there; otherwise it is being made, in a thread of its own, from now on.

        Raises:
            Exception: It could not be made, said once; who asks again begins again.
        """
        with self._lock:
            if key in self._values:
                return True
            failed = self._failed.pop(key, None)
            if failed is not None:
                raise failed
            if key in self._going:
                return False
            self._going.add(key)

        def work() -> None:
            try:
                self.get(key, make)
            except Exception as error:  # noqa: BLE001 -- told to who asks next
                with self._lock:
                    self._failed[key] = error
            finally:
                with self._lock:
                    self._going.discard(key)

        # What the thread is told to do elsewhere, it does there too.
        threading.Thread(target=copy_context().run, args=(work,), daemon=True, name="skillgraph-begun").start()
        return False

    def has(self, key: Hashable) -> bool:
        """True if the value is there."""
        with self._lock:
            return key in self._values


@dataclass(frozen=True)
class Snapshot:
    """One version of the store, with what was derived from it.

    Attributes:
        store: Open for reading.
        version: Its version when the snapshot was taken.
        memory: Where derived values are kept.
    """

    store: Store
    version: str
    memory: _Once

    def once(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """The value made for this version of the store under a key."""
        return self.memory.get((self.version, *key), make)

    def begin(self, key: tuple[Hashable, ...], make: Callable[[], object]) -> bool:
        """True if the value of this version of the store is there; if not, it is made while others go on."""
        return self.memory.begin((self.version, *key), make)

    def has(self, key: tuple[Hashable, ...]) -> bool:
        """True if the value of this version of the store is there."""
        return self.memory.has((self.version, *key))

    def apart(
        self,
        key: tuple[Hashable, ...],
        function: Callable[Concatenate[Store, P], T],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T:
        """`function(store, *arguments)` for this version of the store under a key, in a child process of the server."""
        return self.once(key, lambda: apart_on_store(self.store, function, *arguments, **options))

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """All datasets."""
        return self.once(("datasets",), self.store.datasets)

    def layers(self, dataset: str) -> tuple[LayerInfo, ...]:
        """Layers of a dataset: foundations, then what was fine-tuned from them."""
        found = self.once(("layers", dataset), lambda: self.store.layers(dataset))
        return tuple(sorted(found, key=lambda info: (info.base is not None, info.created_at, info.name)))

    def names(self, dataset: str) -> Mapping[str, str]:
        """What people call each skill of a dataset, by id."""

        def make() -> dict[str, str]:
            skills = read_dataset(self.store, dataset).skills
            return dict(zip(skills["id"].to_pylist(), skills["name"].to_pylist(), strict=True))

        return self.once(("names", dataset), make)

    def view(self, dataset: str, layer: str) -> LayerView:
        """A layer with its graph."""
        return self.once(("view", dataset, layer), lambda: layer_view(self.store, dataset, layer))

    def graph(self, dataset: str, layer: str) -> LayerGraph:
        """A layer's association graph."""
        return self.once(("graph", dataset, layer), lambda: layer_graph(self.store, self.view(dataset, layer)))


class OpeningError(StoreError):
    """The store is being opened, which takes long; the message says why."""


class _Opening:
    """A store that is opened in a thread of its own, so that pages can say meanwhile why that takes long."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._news = threading.Condition()
        self._opened: Future[Store] = Future()
        self._said = ""
        threading.Thread(target=self._open, daemon=True, name="skillgraph-opening").start()

    def store(self) -> Store:
        """The store, as soon as it is open.

        Raises:
            OpeningError: It takes long.
            StoreError: It is not there or cannot be opened.
        """
        with self._news:
            self._news.wait_for(lambda: self._said or self._opened.done())
        if not self._opened.done():
            raise OpeningError(self._said)
        return self._opened.result()

    @property
    def done(self) -> bool:
        """True once it is open or could not be opened."""
        return self._opened.done()

    def close(self) -> None:
        """Close the store, now or once it is open."""
        self._opened.add_done_callback(lambda opened: None if opened.exception() else opened.result().close())

    def _open(self) -> None:
        try:
            self._opened.set_result(self._place.open("read", notice=self._notice))
        except BaseException as error:  # noqa: BLE001 -- told to who waits
            self._opened.set_exception(error)
        with self._news:
            self._news.notify_all()

    def _notice(self, text: str, done: int, total: int) -> None:
        say_once(text, done, total)
        with self._news:
            self._said = f"{text}; {done} of {total} {'layer is' if total == 1 else 'layers are'} done."
            self._news.notify_all()


class Source:
    """Opens the store for reading and hands out snapshots; a store that is away may come back."""

    def __init__(self, url: str | Path | None) -> None:
        """Nothing is opened yet: a store that is not there is reported on the pages, and taken up once it is."""
        self.place = Place.of(None if url is None else str(url))
        self.runs = Pool(
            1,
            "another run, {title}, has been going on for {seconds} s; only one run writes at a time: wait until it has "
            "finished",
            module=_TASKS,
        )
        self.queries = Pool(
            _QUERIES,
            f"{_QUERIES} queries are running, the most that may run at once: wait until one has finished",
            module=_TASKS,
        )
        self.readings = Pool(
            3, "other files are being looked at, or pages being computed: try again in a moment", module=_TASKS
        )
        self.uploads = Uploads()
        self.regions = Pool(2, "Other regions are being computed; this one is in the queue.")
        self._store: Store | None = None
        self._opening: _Opening | None = None
        self._memory = _Once(64)
        self._lock = threading.Lock()
        self._as_before: dict[str, str] = {}

    def snapshot(self) -> Snapshot:
        """The store as it is now.

        Raises:
            OpeningError: Opening it takes long; the next call asks again.
            StoreError: It is not there or cannot be read; the next call tries again.
        """
        with self._lock:
            try:
                if self._store is not None and self._store.version == _NO_FILE:
                    self._let_go()  # it would go on answering from memory; opening it says what is wrong
                if self._store is None:
                    self._store = self._open()
                version = self._store.version
                return Snapshot(self._store, self._as_before.get(version, version), self._memory)
            except OpeningError:
                raise
            except StoreError:
                self._let_go()
                raise

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """The store, open to write what is no content: saved views. Pages and what was computed stay as they are.

        Raises:
            StoreError: It cannot be written now.
        """
        store = self.place.open("write")
        try:
            before = store.version
            yield store
            if "://" not in store.url and before != _NO_FILE:  # nobody else writes a file that is open for writing
                with self._lock:
                    self._as_before[store.version] = self._as_before.get(before, before)
        finally:
            store.close()

    def elsewhere(self) -> AbstractContextManager[None]:
        """Within it, what needs large libraries is computed in child processes; see `ui.work.apart`."""
        return elsewhere(self.readings, self.place)

    def close(self) -> None:
        """End what is running, and release the store."""
        self.runs.close()
        self.queries.close()
        self.regions.close()
        self.readings.close()
        self.uploads.close()
        with self._lock:
            self._let_go()
            if self._opening is not None:
                self._opening.close()

    def _open(self) -> Store:
        if "://" not in (self.place.url or ""):
            return self.place.open("read")
        self._opening = self._opening or _Opening(self.place)
        try:
            return self._opening.store()
        finally:
            if self._opening.done:
                self._opening = None

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
