"""Copy a dataset with its layers from one store to another."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, urlencode

from explorer.errors import StoreError
from explorer.service.loading import dataset_info
from explorer.store.protocol import DatasetInfo, Progress, Store
from explorer.store.records import bases_first
from explorer.store.views import SavedView, changed_views
from loaders.dataset import rename_dataset

__all__ = ["CopyReport", "copy_dataset"]

_QUERY = "/query"


@dataclass(frozen=True)
class CopyReport:
    """What was copied.

    Attributes:
        dataset: The dataset in the store that it was copied to.
        store: That store.
        layers: Names of its layers, each after its base.
        associations: Number of associations of all of them.
        replaced: True if a dataset of that name was replaced.
        seconds: Time for reading and writing.
        views: Names of the saved views that came along.
        views_left: Names of those that did not, as another view has the name there.
    """

    dataset: DatasetInfo
    store: str
    layers: tuple[str, ...]
    associations: int
    replaced: bool
    seconds: float
    views: tuple[str, ...] = ()
    views_left: tuple[str, ...] = ()


def copy_dataset(
    source: Store,
    dataset: str,
    target: Store,
    *,
    name: str | None = None,
    replace_there: bool = False,
    progress: Progress | None = None,
) -> CopyReport:
    """Copy a dataset with its layers and their associations.

    Args:
        source: Where it is.
        dataset: Name of the dataset.
        target: Where it goes: the same store, another file, or a Neo4j.
        name: Its name there; the same by default.
        replace_there: Replace a dataset of that name, with its layers; otherwise that is refused.
        progress: Called while rows are stored.

    Returns:
        What is there now. The dataset and its layers come in one step, associations after them, layer by layer, and
        at last the saved views of the dataset; a view of the store is never replaced by another.

    Raises:
        NotFoundError: There is no such dataset.
        StoreError: A dataset of that name is there already.
    """
    start = time.perf_counter()
    new = name or dataset
    content = rename_dataset(source.read_dataset(dataset), new)
    before = dataset_info(target, new)
    if before is not None and not replace_there:
        raise StoreError(f"dataset {new!r} is in {target.url} already: replace it, or give the copy another name")
    layers = bases_first([source.read_layer(dataset, info.name) for info in source.layers(dataset)])
    infos = [layer.info for layer in layers]
    pairs = {info.name: source.read_associations(dataset, info.name) for info in infos if info.associations is not None}
    plain = [
        replace(layer, info=replace(layer.info, dataset=new, associations=None, association_rule=None))
        for layer in layers
    ]
    views, views_left = _views_to_copy(source, dataset, target, new)
    changed_views(target.views(), views, (), replace=False)  # refused before anything is written
    target.write_dataset(content, replace=replace_there, layers=plain, progress=progress)
    for layer in layers:
        if layer.info.name in pairs:
            labels = layer.skills.select(["skill", "component"]).combine_chunks()
            target.write_associations(
                new,
                layer.info.name,
                pairs[layer.info.name],
                rule=str(layer.info.association_rule),
                components=labels,
                options=layer.info.association_options,
            )
    if views:
        target.change_views(views)
    after = dataset_info(target, new)
    assert after is not None, "a dataset that was written is there"
    return CopyReport(
        dataset=after,
        store=target.url,
        layers=tuple(info.name for info in infos),
        associations=sum(table.num_rows for table in pairs.values()),
        replaced=before is not None,
        seconds=time.perf_counter() - start,
        views=tuple(view.name for view in views),
        views_left=views_left,
    )


def _views_to_copy(
    source: Store, dataset: str, target: Store, new: str
) -> tuple[tuple[SavedView, ...], tuple[str, ...]]:
    """The views of a dataset, which in the copy name it, and queries; and names of those that another one has there."""
    first = next((info.name for info in source.datasets()), None)
    wanted: list[SavedView] = []
    for view in source.views():
        choices = parse_qsl(view.query, keep_blank_values=True)
        named = next((value for key, value in choices if key == "dataset"), None)
        if view.path == _QUERY and named is None:
            wanted.append(view)
        elif (named or first) == dataset:
            others = [(key, value) for key, value in choices if key != "dataset"]
            wanted.append(replace(view, query=urlencode([("dataset", new), *others], quote_via=quote)))
    there = {view.name: view for view in target.views()}
    came = tuple(view for view in wanted if view.name not in there)
    left = [v.name for v in wanted if v.name in there and _meant(there[v.name]) != _meant(v)]
    return came, tuple(left)


def _meant(view: SavedView) -> tuple[str, list[tuple[str, str]]]:
    return view.path, sorted(parse_qsl(view.query, keep_blank_values=True))
