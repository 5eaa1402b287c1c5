"""The embedded store: one file of columns, written by one process at a time, read by any number.

Lists, datasets and layers are read from columns (`container`, `contents`); a change appends what it changes and then
says so in one step, so a reader, a crash or a kill finds the old content or the new, never a part. Cypher runs on a
graph that is built from the columns when the first query asks for it (`materialised`). The writer's lease is an
operating-system lock, which ends with its process however that ends. Arrays are imported where they are used: what
is in a store is listed without them.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from explorer.errors import NotFoundError, QueryError, StoreError
from explorer.store.embedded.catalogue import dataset_entry, layer_entry, layer_infos
from explorer.store.embedded.container import (
    MAGIC,
    Content,
    DamagedError,
    Draft,
    memory_content,
    other_version,
    read_version,
    write_catalogue,
)
from explorer.store.embedded.lease import Lease
from explorer.store.infos import dataset_info, layer_info
from explorer.store.protocol import SCHEMA_VERSION, DatasetInfo, Layer, LayerInfo, Progress, QueryResult
from loaders.errors import DataError
from loaders.gate import exists, open_regular

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.store.fingerprint import PartFingerprints
    from explorer.store.views import SavedView
    from loaders.dataset import Dataset

__all__ = ["EmbeddedStore"]

Mode = Literal["read", "write"]
_T = TypeVar("_T")
_LEGACY = b"RGF"
_NO_STORE = "there is no store at {}: run `skillgraph load` or `skillgraph demo` first"


class EmbeddedStore:
    """Datasets, layers and associations in one file; see `explorer.store.protocol.Store`.

    Reading takes no lease and always sees the file's present content. Safe to use from several threads.
    """

    def __init__(self, path: Path, *, mode: Mode) -> None:
        """Open a store.

        Args:
            path: The file. For writing it may be missing: the first write creates it.
            mode: `read`, or `write` to hold the writer's lease until `close`.

        Raises:
            StoreError: There is no store to read, the file is no store or one of another version, the folder
                cannot be written, or another process writes.
        """
        # A new file would otherwise take the place of the link, not of what it leads to.
        path = _followed(path)
        self._path = path
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._lease: Lease | None = None
        self._content: Content | None = None
        self._seen = ""
        self._graph: tuple[str, Any] | None = None
        self._building = threading.Lock()
        self._closed = False
        check_place(path, mode)
        if mode == "write":
            if path.exists() and _first_bytes(path).startswith(_LEGACY):
                from explorer.store.embedded.legacy import refuse_log

                _content_of(path)  # refuses a file that is no store
                refuse_log(path)
            self._lease = _take_lease(path)
            try:
                if path.exists():
                    self._current()
                for left in path.parent.glob(f"{path.name}.tmp.*"):
                    # Of a writer that was killed while it wrote; with the lease held, nobody else's.
                    left.unlink(missing_ok=True)
            except BaseException:
                self.close()
                raise
        else:
            self._current()

    @property
    def url(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def version(self) -> str:
        """Which content is in the file: it changes with every write."""
        return _stamp(self._path)

    def close(self) -> None:
        """Give up the lease; safe to call twice."""
        self._closed = True
        with self._writing:
            lease, self._lease = self._lease, None
            self._content = self._graph = None
            if lease is not None:
                lease.give_up()

    # Datasets -----------------------------------------------------------------------------------------------

    def write_dataset(
        self,
        dataset: Dataset,
        *,
        replace: bool = False,
        layers: Sequence[Layer] = (),
        progress: Progress | None = None,
    ) -> None:
        """Write a dataset; with `replace`, in the place of the one of that name; `layers` are written with it."""
        from explorer.store.embedded.checks import check_dataset_names, check_name
        from explorer.store.embedded.contents import mark_stale, put_dataset, put_layer
        from explorer.store.records import bases_first, check_layer, dataset_node, layer_node, utc_now

        check_dataset_names(dataset)
        for layer in layers:
            check_layer(layer)
            check_name(layer.info.name, "layer name")
        with self._change(anew=replace) as (draft, _):
            if dataset.name in draft.catalogue.get("datasets", {}) and not replace:
                raise StoreError(
                    f"dataset {dataset.name!r} exists in {self.url} already: replace it, or load under another name"
                )
            ids = put_dataset(draft, dataset, dataset_node(dataset, utc_now()), {}, _counter(dataset, progress))
            entry = draft.catalogue["datasets"][dataset.name]
            for layer in bases_first(layers):
                self._check_base(draft.catalogue, layer.info)
                put_layer(draft, entry, layer_node(layer), layer.skills, layer.lacks, ids)
            mark_stale(entry)

    def append_dataset(self, dataset: Dataset, addition: Dataset, *, progress: Progress | None = None) -> None:
        """Write what `addition` adds; `dataset` is the whole after it (`loaders.dataset.extend_dataset`)."""
        from explorer.store.embedded.checks import check_dataset_names
        from explorer.store.embedded.contents import ids_of, mark_stale, put_dataset
        from explorer.store.records import dataset_node, utc_now

        check_dataset_names(dataset)
        with self._change() as (draft, content):
            entry = dataset_entry(draft.catalogue, dataset.name, self.url)
            assert content is not None, "a dataset that is there is in a content"
            if ids_of(content, entry, "texts").has_any(addition.texts["id"]):
                raise StoreError(f"a text of the addition is in dataset {dataset.name!r} already: nothing was added")
            node = dataset_node(dataset, utc_now())
            put_dataset(draft, dataset, node, entry["layers"], _counter(dataset, progress))
            mark_stale(draft.catalogue["datasets"][dataset.name])

    def read_dataset(self, name: str) -> Dataset:
        """The dataset, equal to the one written."""
        from explorer.store.embedded.contents import dataset_tables
        from loaders.dataset import Dataset

        def read(content: Content) -> Dataset:
            entry = dataset_entry(content.catalogue, name, self.url)
            facts = dataset_info(entry["node"]).provenance
            return Dataset(name=name, provenance=facts, **dataset_tables(content, entry))

        return self._read(read)

    def read_requirements(self, name: str, parts: Sequence[str] = ()) -> Iterator[pa.Table]:
        """The requirements of the texts of some parts, in chunks, ordered by text."""
        from explorer.store.embedded.contents import requirement_chunks

        def read(content: Content) -> Iterator[pa.Table]:
            entry = dataset_entry(content.catalogue, name, self.url)
            there = dataset_info(entry["node"]).parts
            for part in parts:
                if part not in there:
                    raise NotFoundError(
                        f"dataset {name!r} has no part {part!r}; its parts: {', '.join(map(repr, there)) or 'none'}"
                    )
            return requirement_chunks(content, entry, parts)

        return self._read(read)

    def dataset_parts(self, name: str) -> Mapping[str, PartFingerprints] | None:
        """Fingerprints of its parts; None if an earlier version wrote it without."""
        from explorer.store.records import dataset_parts

        return dataset_parts(dataset_entry(self._current().catalogue, name, self.url)["node"])

    def datasets(self) -> tuple[DatasetInfo, ...]:
        """All datasets, ordered by name."""
        there = self._current().catalogue.get("datasets", {})
        return tuple(dataset_info(entry["node"], sorted(entry["layers"])) for _, entry in sorted(there.items()))

    def delete_dataset(self, name: str) -> None:
        """Remove a dataset with its layers and associations."""
        with self._change(anew=True) as (draft, _):
            dataset_entry(draft.catalogue, name, self.url)
            del draft.catalogue["datasets"][name]

    def rename_dataset(self, name: str, new: str) -> None:
        """Give a dataset another name, under which there is none yet; its layers come along."""
        from explorer.store.embedded.checks import check_name
        from explorer.store.records import check_dataset_name, node_key

        check_dataset_name(new)
        check_name(new, "dataset name")
        with self._change() as (draft, _):
            entry = dataset_entry(draft.catalogue, name, self.url)
            datasets = draft.catalogue["datasets"]
            if new in datasets:
                raise StoreError(
                    f"dataset {new!r} exists in {self.url} already: choose another name, or delete that dataset"
                )
            del datasets[name]
            datasets[new] = entry
            entry["node"]["name"] = new
            for layer, stored in entry["layers"].items():
                stored["node"] |= {"dataset": new, "key": node_key(new, layer)}

    # Layers -------------------------------------------------------------------------------------------------

    def write_layer(self, layer: Layer, *, keep_associations: bool = False) -> None:
        """Write a layer in the place of one of that name, whose associations go with it or are kept."""
        self._write_layers([layer], keep_associations)

    def write_layers(self, layers: Sequence[Layer]) -> None:
        """Write layers of one dataset in their order, all of them or none."""
        self._write_layers(layers, keep_associations=False)

    def _write_layers(self, layers: Sequence[Layer], keep_associations: bool) -> None:
        from explorer.store.embedded.checks import check_name
        from explorer.store.embedded.contents import ids_of, layer_lacks, layer_skills, mark_stale, put_layer
        from explorer.store.records import check_layer, layer_node, with_associations

        for layer in layers:
            check_layer(layer)
            check_name(layer.info.name, "layer name")
        if not layers:
            return
        with self._change() as (draft, content):
            entry = dataset_entry(draft.catalogue, layers[0].info.dataset, self.url)
            assert content is not None, "a dataset that is there is in a content"
            ids = {table: ids_of(content, entry, table) for table in ("skills", "texts")}
            for given in layers:
                self._check_base(draft.catalogue, given.info)
                layer, kept = given, None
                if keep_associations:
                    stored = layer_entry(draft.catalogue, given.info.dataset, given.info.name, self.url)
                    skills, lacks = layer_skills(content, stored), layer_lacks(content, stored)
                    layer = with_associations(given, Layer(layer_info(stored["node"]), skills, lacks))
                    kept = stored["associations"]
                put_layer(draft, entry, layer_node(layer), layer.skills, layer.lacks, ids, now=True)
                entry["layers"][layer.info.name]["associations"] = kept
            mark_stale(entry)

    def write_lacks(self, dataset: str, name: str, lacks: pa.Table) -> None:
        """Write what a stored layer lacks in the place of what was recorded; all else stays as it is."""
        from explorer.store.embedded.contents import ids_of, put_lacks
        from explorer.store.records import check_lacks

        check_lacks(name, lacks)
        with self._change() as (draft, content):
            stored = layer_entry(draft.catalogue, dataset, name, self.url)
            assert content is not None, "a layer that is there is in a content"
            entry = dataset_entry(draft.catalogue, dataset, self.url)
            ids = {table: ids_of(content, entry, table) for table in ("skills", "texts")}
            put_lacks(draft, stored, lacks, ids)

    def read_layer(self, dataset: str, name: str, *, encoded: bool = False) -> Layer:
        """The layer, equal to the one written; with `encoded`, `skill` and `by` are dictionary-encoded."""
        from explorer.store.embedded.contents import layer_lacks, layer_skills

        def read(content: Content) -> Layer:
            entry = layer_entry(content.catalogue, dataset, name, self.url)
            skills = layer_skills(content, entry, encoded=encoded)
            return Layer(layer_info(entry["node"]), skills, layer_lacks(content, entry))

        return self._read(read)

    def layers(self, dataset: str | None = None) -> tuple[LayerInfo, ...]:
        """Layers of one dataset or of all, ordered by dataset and name."""
        catalogue = self._current().catalogue
        if dataset is not None:
            dataset_entry(catalogue, dataset, self.url)
        return tuple(info for info in layer_infos(catalogue) if dataset in (None, info.dataset))

    def delete_layer(self, dataset: str, name: str) -> None:
        """Remove a layer and its associations; one that others are fine-tuned from is refused."""
        with self._change(anew=True) as (draft, _):
            layer_entry(draft.catalogue, dataset, name, self.url)
            infos = layer_infos(draft.catalogue)
            dependent = [info.name for info in infos if info.dataset == dataset and info.base == name]
            if dependent:
                raise StoreError(f"layer {name!r} is the base of {', '.join(map(repr, dependent))}: delete those first")
            del dataset_entry(draft.catalogue, dataset, self.url)["layers"][name]

    def rename_layer(self, dataset: str, name: str, new: str) -> None:
        """Give a layer another name, under which the dataset has none yet."""
        from explorer.store.embedded.checks import check_name
        from explorer.store.embedded.contents import mark_stale
        from explorer.store.records import check_layer_name, node_key

        check_layer_name(new)
        check_name(new, "layer name")
        with self._change() as (draft, _):
            layer = layer_entry(draft.catalogue, dataset, name, self.url)
            entry = dataset_entry(draft.catalogue, dataset, self.url)
            layers = entry["layers"]
            if new in layers:
                raise StoreError(f"dataset {dataset!r} has a layer {new!r} already: choose another name")
            del layers[name]
            layers[new] = layer
            layer["node"] |= {"name": new, "key": node_key(dataset, new)}
            for other in layers.values():
                if other["node"].get("base") == name:
                    other["node"]["base"] = new
            mark_stale(entry)

    def write_associations(
        self,
        dataset: str,
        layer: str,
        associations: pa.Table,
        *,
        rule: str,
        components: pa.Table,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a layer's associations in the place of those there, and its components."""
        from explorer.store.embedded.checks import with_components
        from explorer.store.embedded.contents import ids_of, layer_skills, put_associations
        from explorer.store.records import association_properties, check_associations, check_learned

        with self._change() as (draft, content):
            stored = layer_entry(draft.catalogue, dataset, layer, self.url)
            assert content is not None, "a layer that is there is in a content"
            check_associations(layer_info(stored["node"]), associations, components, rule)
            learned = with_components(layer_skills(content, stored), components, layer)
            check_learned(learned["skill"], associations, layer)
            entry = dataset_entry(draft.catalogue, dataset, self.url)
            ids = {table: ids_of(content, entry, table) for table in ("skills", "texts")}
            node = stored["node"] | association_properties(associations.num_rows, rule, options)
            put_associations(draft, stored, node, learned, associations, ids)

    def read_associations(self, dataset: str, layer: str, *, encoded: bool = False) -> pa.Table:
        """Rows of `ASSOCIATION_SCHEMA`, ordered by source and target; none if they have not been computed."""
        from explorer.store.embedded.contents import layer_associations

        def read(content: Content) -> pa.Table:
            entry = layer_entry(content.catalogue, dataset, layer, self.url)
            return layer_associations(content, entry, encoded=encoded)

        return self._read(read)

    # Saved views --------------------------------------------------------------------------------------------

    def views(self) -> tuple[SavedView, ...]:
        """The saved views, ordered by name."""
        return _views(self._current().catalogue)

    def change_views(
        self, save: Sequence[SavedView] = (), *, remove: Sequence[str] = (), replace: bool = False
    ) -> tuple[SavedView, ...]:
        """Remove views by their names, then save others, all or nothing; the views after it."""
        from explorer.store.views import changed_views

        with self._change() as (draft, _):
            after = changed_views(_views(draft.catalogue), save, remove, replace=replace)
            draft.catalogue.setdefault("schema", SCHEMA_VERSION)
            draft.catalogue["views"] = [view.properties() for view in after]
            return after

    # Queries ------------------------------------------------------------------------------------------------

    def query(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        max_rows: int = 1_000,
        timeout: float = 30.0,
    ) -> QueryResult:
        """Run a read-only query; `QueryError` for anything that writes or is not Cypher, or takes too long."""
        from explorer.store.embedded.query import check_query, run_query

        check_query(cypher, max_rows=max_rows, timeout=timeout)
        graph = self._materialised()
        # Neither costs anything: kglite copies what is changed, when it is changed.
        return run_query(graph.freeze(), cypher, parameters, max_rows=max_rows, timeout=timeout, copy=graph.copy)

    def query_in_child(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        max_rows: int,
        timeout: float,
        memory: float,
    ) -> QueryResult:
        """`query` in a process of its own, which may take so many GiB more than the open store does."""
        from explorer.store.embedded.bounded import query_in_child
        from explorer.store.embedded.query import check_query

        check_query(cypher, max_rows=max_rows, timeout=timeout)
        return query_in_child(self._path, cypher, parameters, max_rows=max_rows, timeout=timeout, memory=memory)

    def query_at_risk(
        self,
        cypher: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        max_rows: int,
        timeout: float,
        memory: float,
    ) -> QueryResult:
        """`query` in this process, which ends if the query takes so many GiB more than the open store does."""
        from explorer.store.embedded.bounded import memory_limit, too_large

        self.prepare_query()
        try:
            with memory_limit(memory):
                return self.query(cypher, parameters, max_rows=max_rows, timeout=timeout)
        except MemoryError:
            raise QueryError(too_large(memory)) from None

    def prepare_query(self) -> None:
        """Have the graph at hand that queries run on."""
        self._materialised()

    def _materialised(self) -> Any:
        """The graph of the present content; not to be changed."""
        from explorer.store.embedded.materialised import materialised_graph

        with self._building:
            content = self._current()
            if self._graph is None or self._graph[0] != content.version:
                self._graph = None
                self._graph = (content.version, self._read(materialised_graph))
            return self._graph[1]

    # Contents and changes -----------------------------------------------------------------------------------

    def _current(self) -> Content:
        """The present content, which stays as it is while it is used."""
        if self._closed:
            raise StoreError(f"the store {self.url} has been closed")
        with self._reading:
            present = _stamp(self._path)
            if self._content is None or present != self._seen:
                if present == "none" and self._lease is not None:
                    return memory_content(f"{self._path} (not written yet)")
                self._content, self._seen = _content_of(self._path), present
            return self._content

    def _read(self, read: Callable[[Content], _T]) -> _T:
        """What is read of the present content, anew if another was put in its place in the midst of it."""
        for _ in range(5):
            content = self._current()
            try:
                return read(content)
            except DamagedError:
                if self._current() is content:
                    raise
        raise StoreError(f"{self.url} kept changing while it was read: read it again when the writing has finished")

    @contextmanager
    def _change(self, *, anew: bool = False) -> Iterator[tuple[Draft, Content | None]]:
        """A draft to write to, and the content before; the draft becomes the content when the block ends well."""
        with self._writing:
            if self._lease is None:
                state = "closed" if self._closed else "opened read-only"
                raise StoreError(f"the store {self.url} was {state}, so nothing can be written to it")
            before = self._current() if self._path.exists() else None
            try:
                with write_catalogue(self._path, before, anew=anew) as draft:
                    yield draft, before
            except OSError as error:
                raise StoreError(f"nothing was written to {self.url}: {error.strerror or error}") from error

    def _check_base(self, catalogue: Mapping[str, Any], info: LayerInfo) -> None:
        """Refuse a base that is not there or that itself comes from this layer."""
        if info.base is None:
            return
        layer_entry(catalogue, info.dataset, info.base, self.url)
        stored = dataset_entry(catalogue, info.dataset, self.url)["layers"]
        bases = {layer: entry["node"].get("base") for layer, entry in stored.items()}
        name: str | None = info.base
        while name is not None:
            if name == info.name:
                raise StoreError(
                    f"layer {info.name!r} cannot be fine-tuned from {info.base!r}, which was itself fine-tuned from it"
                )
            name = bases[name]


def _views(catalogue: Mapping[str, Any]) -> tuple[SavedView, ...]:
    from explorer.store.views import SavedView

    return tuple(SavedView.of_properties(view) for view in catalogue.get("views", ()))


def _counter(dataset: Dataset, progress: Progress | None) -> Callable[[int], None]:
    total = sum(table.num_rows for table in dataset.tables().values())
    done = 0

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(done, total)

    return count


# Places -----------------------------------------------------------------------------------------------------


def _followed(path: Path) -> Path:
    try:
        exists(path)  # refuses what no path can be
        return path.resolve() if path.is_symlink() else path
    except DataError as error:
        raise StoreError(str(error)) from None
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{path} cannot be opened: {error}") from None


def check_place(path: Path, mode: Mode) -> None:
    """Refuse a path at which no store can be.

    Raises:
        StoreError: A folder, a missing folder, a file that is no store, or nothing to read.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file in it, for example {path / 'skillgraph.kgl'}")
    if not path.exists():
        if mode == "read":
            raise StoreError(_NO_STORE.format(path))
        if not path.parent.is_dir():
            raise StoreError(f"the folder {path.parent} does not exist: create it, or choose another folder")
        return
    if not path.is_file():
        raise StoreError(f"{path} is not a regular file: choose another path")
    start = _first_bytes(path)
    if not start.startswith((MAGIC, _LEGACY)):
        raise StoreError(f"{path} is not a store: choose another file")


def _first_bytes(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(len(MAGIC))
    except OSError as error:
        raise _cannot_open(path, error) from None
    except DataError as error:
        raise _unreadable(path, error) from None


def _take_lease(path: Path) -> Lease:
    try:
        return Lease(path)
    except OSError as error:
        raise _cannot_open(path, error) from None


def _unreadable(path: Path, error: DataError) -> StoreError:
    if "may not be read" in str(error):
        return _cannot_open(path, OSError(errno.EACCES, ""))
    return StoreError(str(error))


def _cannot_open(path: Path, error: OSError) -> StoreError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(
            f"{path} or its folder cannot be opened: you do not have the permissions; change them or choose another "
            "folder"
        )
    return StoreError(f"{path} cannot be opened: {error.strerror}")


def _stamp(path: Path) -> str:
    """Tells one content at this path from the next; `none` if there is no file."""
    version = read_version(path)
    if version != "none":
        return version
    try:
        status = path.stat()
    except OSError:
        return "none"
    return f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}"


def _content_of(path: Path) -> Content:
    try:
        start = _first_bytes(path) if path.exists() else None
        if start is None:
            raise StoreError(_NO_STORE.format(path))
        if start.startswith(_LEGACY):
            from explorer.store.embedded.legacy import legacy_content

            return legacy_content(path)
        content = Content.of_file(path)
    except OSError as error:
        raise _cannot_open(path, error) from None
    except DataError as error:
        raise _unreadable(path, error) from None
    version = content.catalogue.get("schema")
    if version != SCHEMA_VERSION:
        raise other_version(str(path), version, SCHEMA_VERSION)
    return content
