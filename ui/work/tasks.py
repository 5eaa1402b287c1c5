"""What is done in child processes besides runs (`kinds`): queries, loads, and what becomes of layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from explorer.errors import USER_ERRORS, SkillgraphError, StoreError
from explorer.options import LIMITS
from explorer.service import (
    life,
)
from explorer.store.place import Place
from explorer.store.protocol import Bounded, QueryResult, Store
from explorer.wording import isolated, plural, quoted
from ui.typed import Properties
from ui.work.children import Report

if TYPE_CHECKING:
    from explorer.service.loading import LoadReport, Source
    from loaders.formats import Reading

__all__ = [
    "Act",
    "FileSource",
    "FileToRead",
    "LoadRun",
    "Look",
    "ManageRun",
    "load",
    "look",
    "manage",
    "query",
    "reader",
]

T = TypeVar("T")
_open: dict[Place, Store] = {}  # this process's stores: a query does not open its store anew


def query(
    report: Report, place: Place, cypher: str, parameters: Properties, max_rows: int, timeout: float
) -> QueryResult:
    """A read-only query on the store at a place."""
    report("reading", 0, 1)
    try:
        return _asked(place, cypher, parameters, max_rows, timeout)
    except StoreError:
        stale = _open.pop(place, None)
        if stale is None:
            raise
        stale.close()  # it was away since it was opened: perhaps it is back
        return _asked(place, cypher, parameters, max_rows, timeout)


def _asked(place: Place, cypher: str, parameters: Properties, max_rows: int, timeout: float) -> QueryResult:
    """The answer; on the embedded store this process may take just so much more memory for it."""
    store = reader(place)
    if isinstance(store, Bounded):
        return store.query_at_risk(cypher, parameters, max_rows=max_rows, timeout=timeout, memory=LIMITS.query_memory)
    return store.query(cypher, parameters, max_rows=max_rows, timeout=timeout)


def reader(place: Place) -> Store:
    """The store at a place, which this process keeps open for reading."""
    if place not in _open:
        _open[place] = place.open("read")
    return _open[place]


Act = Literal["refresh", "rename", "delete"]


@dataclass(frozen=True)
class ManageRun:
    """Refresh, rename or delete a layer or a dataset; see `explorer.service.life`.

    Attributes:
        act: What is done.
        dataset: Name of the dataset.
        layer: Name of the layer; None for the dataset, or for all of its stale layers.
        new: New name.
        along: What rests on it is deleted too.
    """

    act: Act
    dataset: str
    layer: str | None = None
    new: str = ""
    along: bool = False

    @property
    def title(self) -> str:
        """What it is, for those who wait for it."""
        doing = {"refresh": "refreshing", "rename": "renaming", "delete": "deleting"}[self.act]
        return f"{doing} {quoted(self.layer or self.dataset)}"


def manage(report: Report, place: Place, what: ManageRun) -> str:
    """What was done, in a sentence."""
    report("opening the store", 0, 2)
    store = place.open("write")
    try:
        report("writing to the store", 1, 2)
        if what.act == "rename":
            if not what.new:
                raise SkillgraphError("give the new name")
            if what.layer is None:
                renamed = life.rename_dataset(store, what.dataset, what.new)
            else:
                renamed = life.rename_layer(store, what.dataset, what.layer, what.new)
            return f"{renamed.kind.capitalize()} {quoted(renamed.old)} is now called {quoted(renamed.new)}."
        if what.act == "refresh":
            done = life.refresh(store, what.dataset, what.layer).steps
            names = [step.layer.name for step in done if step.done != "unchanged"]
            return f"Refreshed: {', '.join(map(isolated, names)) or 'nothing, because nothing was stale'}."
        if what.layer is None:
            gone = life.delete_dataset(store, what.dataset, with_dependents=what.along)
            return f"Dataset {quoted(what.dataset)} was deleted, with {plural(len(gone.layers), 'layer')}."
        gone = life.delete_layer(store, what.dataset, what.layer, with_dependents=what.along)
        return f"Deleted: {', '.join(map(isolated, gone.layers))}."
    finally:
        store.close()


@dataclass(frozen=True)
class FileSource:
    """What is read: uploaded files and how.

    Attributes:
        folder: Where the files lie; messages do not name it.
        sources: One for each file that has texts of its own.
    """

    folder: str
    sources: tuple[FileToRead, ...]

    def to_read(self) -> list[Source]:
        """The sources as the service takes them."""
        from explorer.service.loading import Source

        return [Source(s.path, s.format, s.part, s.lenient, dict(s.options)) for s in self.sources]


@dataclass(frozen=True)
class FileToRead:
    """A file with the options of its reading."""

    path: str
    format: str | None = None
    part: str | None = None
    lenient: bool = False
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Look:
    """What was understood of files.

    Attributes:
        readings: A proposed reading of each.
        columns: Columns of the first file, if it is a table.
        rows: Its first rows.
        into: The dataset that outcomes alone are to be added to; "" for other files.
        stale: Names of its layers that are stale then.
    """

    readings: tuple[Reading, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    into: str = ""
    stale: tuple[str, ...] = ()


def look(report: Report, place: Place, what: FileSource, asked: T, into: str = "") -> tuple[Look, T]:
    """What a load of files would understand, added to a dataset or not, with what was asked for."""
    from dataclasses import replace as replace_fields

    from explorer.service.loading import dataset_info, inspect_source, stale_after_load
    from loaders.formats import head_of

    sources = what.to_read()
    stored = None
    stale: tuple[str, ...] = ()
    if into:
        store = reader(place)
        if dataset_info(store, into) is not None:
            stored = store.read_dataset(into)
            stale = stale_after_load(store, into, (), append=True, outcomes_alone=True)
    readings = []
    for k, source in enumerate(sources):
        report(f"looking at file {k + 1} of {len(sources)}", 0, 1)
        found = inspect_source(
            source, stored=stored, progress=lambda done, total: report("reading the file", done, max(total, 1))
        )
        readings.append(replace_fields(found, problem=_without(found.problem, what.folder)))
    columns, rows = head_of(sources[0].target, **sources[0].options)
    if stored is not None and any(reading.attempts and not reading.texts for reading in readings):
        return Look(tuple(readings), columns, rows, into, stale), asked
    return Look(tuple(readings), columns, rows), asked


@dataclass(frozen=True)
class LoadRun:
    """Load files into the store; see `explorer.service.loading.load_sources`."""

    files: FileSource
    dataset: str
    append: bool = False
    replace: bool = False

    @property
    def title(self) -> str:
        """What it is, for those who wait for it."""
        return f"loading {quoted(self.dataset)}"


def load(report: Report, place: Place, what: LoadRun) -> LoadReport:
    """Load, all or nothing; the files are deleted once they are stored."""
    import shutil

    from explorer.service.loading import load_sources

    report("opening the store", 0, 1)
    store = place.open("write")
    try:
        found = load_sources(
            store,
            what.files.to_read(),
            name=what.dataset,
            append=what.append,
            replace=what.replace,
            progress=lambda done, total: report("reading and storing", done, max(total, 1)),
        )
    except USER_ERRORS as error:
        raise SkillgraphError(_without(str(error), what.files.folder)) from None
    finally:
        store.close()
    shutil.rmtree(what.files.folder, ignore_errors=True)
    return found


def _without(text: str, folder: str) -> str:
    """A message without the folder in which the server keeps files."""
    return text.replace(f"{folder}/", "").replace(folder, "the upload")
