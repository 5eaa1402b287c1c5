"""What is done in child processes: queries, and runs that learn, associate and percolate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from explorer.errors import USER_ERRORS, SkillgraphError, StoreError
from explorer.options import LIMITS, Mode, Rule
from explorer.service import (
    AssociationReport,
    LearnReport,
    PercolationReport,
    associate,
    learn,
    life,
    percolate,
)
from explorer.service.snapshot import layer_view, read_dataset
from explorer.store.place import Place
from explorer.store.protocol import Bounded, Layer, QueryResult, Store
from explorer.wording import plural
from ui.work.children import Report

__all__ = [
    "Act",
    "AssociateRun",
    "FileSource",
    "FileToRead",
    "LearnRun",
    "LoadRun",
    "Look",
    "ManageRun",
    "PercolateRun",
    "Run",
    "load",
    "look",
    "manage",
    "query",
    "reader",
    "run",
]

_open: dict[Place, Store] = {}  # this process's stores: a query does not open its store anew


def query(
    report: Report, place: Place, cypher: str, parameters: Mapping[str, Any], max_rows: int, timeout: float
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


def _asked(place: Place, cypher: str, parameters: Mapping[str, Any], max_rows: int, timeout: float) -> QueryResult:
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


@dataclass(frozen=True)
class LearnRun:
    """Learn a layer; see `explorer.service.learn`.

    Attributes:
        dataset: Name of the dataset.
        layer: Name of the layer to make.
        parts: Parts whose texts are presented; empty means all.
        learner: `one`, `d:2`, `capacity:0.6`.
        base: Layer to start from.
        mode: How to train on it.
        known_classes: Classes of skills taken as known.
        seed: Of random capacities.
        replace: A layer of that name may be replaced.
    """

    dataset: str
    layer: str
    parts: tuple[str, ...] = ()
    learner: str = "one"
    base: str | None = None
    mode: Mode | None = None
    known_classes: tuple[str, ...] = ()
    seed: int = 0
    replace: bool = False

    @property
    def title(self) -> str:
        """What it is, for those who wait for it."""
        return f"learning {self.layer!r}"


@dataclass(frozen=True)
class AssociateRun:
    """Join a layer's skills; see `explorer.service.associate`."""

    dataset: str
    layer: str
    rule: Rule = "any"
    min_weight: int = 1
    top: int | None = None

    @property
    def title(self) -> str:
        """What it is, for those who wait for it."""
        return f"linking the skills of {self.layer!r}"


@dataclass(frozen=True)
class PercolateRun:
    """Keep skills of a layer at random; see `explorer.service.percolate`."""

    dataset: str
    layer: str
    replicates: int = 20
    seed: int = 0

    @property
    def title(self) -> str:
        """What it is, for those who wait for it."""
        return f"percolating {self.layer!r}"


Run = LearnRun | AssociateRun | PercolateRun
Outcome = LearnReport | AssociationReport | PercolationReport


def run(report: Report, place: Place, what: Run) -> Outcome:
    """A run on the store at a place; of one that is stopped the store holds nothing."""
    report("opening the store", 0, 4)
    store = place.open("read" if isinstance(what, PercolateRun) else "write")
    try:
        report("reading the texts", 1, 4)
        if isinstance(what, LearnRun):
            _refuse_name(store, what)
            read_dataset(store, what.dataset)
        else:
            layer_view(store, what.dataset, what.layer)
        report(_CORE[type(what)], 2, 4)
        return _run(cast(Store, _Reporting(store, report)), what)
    finally:
        store.close()


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
        return f"{doing} {self.layer or self.dataset!r}"


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
            return f"{renamed.kind.capitalize()} {renamed.old!r} is now called {renamed.new!r}."
        if what.act == "refresh":
            done = life.refresh(store, what.dataset, what.layer).steps
            names = [step.layer.name for step in done if step.done != "unchanged"]
            return f"Refreshed: {', '.join(names) or 'nothing, because nothing was stale'}."
        if what.layer is None:
            gone = life.delete_dataset(store, what.dataset, with_dependents=what.along)
            return f"Dataset {what.dataset!r} was deleted, with {plural(len(gone.layers), 'layer')}."
        gone = life.delete_layer(store, what.dataset, what.layer, with_dependents=what.along)
        return f"Deleted: {', '.join(gone.layers)}."
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

    def to_read(self) -> list[Any]:
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
    """

    readings: tuple[Any, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def look(report: Report, what: FileSource, asked: Any) -> tuple[Look, Any]:
    """What a load of files would understand, with what was asked for."""
    from dataclasses import replace as replace_fields

    from explorer.service.loading import inspect_source
    from loaders.formats import head_of

    sources = what.to_read()
    readings = []
    for k, source in enumerate(sources):
        report(f"looking at file {k + 1} of {len(sources)}", 0, 1)
        found = inspect_source(source, progress=lambda done, total: report("reading the file", done, max(total, 1)))
        readings.append(replace_fields(found, problem=_without(found.problem, what.folder)))
    columns, rows = head_of(sources[0].target, **sources[0].options)
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
        return f"loading {self.dataset!r}"


def load(report: Report, place: Place, what: LoadRun) -> Any:
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


def _refuse_name(store: Store, what: LearnRun) -> None:
    if not what.replace and any(info.name == what.layer for info in store.layers(what.dataset)):
        raise SkillgraphError(
            f"dataset {what.dataset!r} has a layer {what.layer!r} already: give another name, or allow it to be "
            "replaced"
        )


def _run(store: Store, what: Run) -> Outcome:
    if isinstance(what, LearnRun):
        return learn(
            store,
            what.dataset,
            name=what.layer,
            parts=what.parts,
            learner=what.learner,
            base=what.base,
            mode=what.mode,
            known_classes=what.known_classes,
            seed=what.seed,
        )
    if isinstance(what, AssociateRun):
        return associate(store, what.dataset, what.layer, rule=what.rule, min_weight=what.min_weight, top_k=what.top)
    return percolate(store, what.dataset, what.layer, replicates=what.replicates, seed=what.seed)


_CORE: Mapping[type[Run], str] = {
    LearnRun: "peeling: reading all texts until nothing more is learned",
    AssociateRun: "linking the skills that occur in the same texts",
    PercolateRun: "keeping skills at random, one order after another",
}


class _Reporting:
    """A store that says when it is written to; everything else is the store's own."""

    def __init__(self, store: Store, report: Report) -> None:
        self._store = store
        self._report = report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write_layer(self, layer: Layer) -> None:
        self._writing()
        self._store.write_layer(layer)

    def write_lacks(self, *arguments: Any) -> None:
        self._writing()
        self._store.write_lacks(*arguments)

    def write_associations(self, *arguments: Any, **options: Any) -> None:
        self._writing()
        self._store.write_associations(*arguments, **options)

    def _writing(self) -> None:
        self._report("writing to the store, all or nothing", 3, 4)
