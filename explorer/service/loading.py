"""Load a dataset from files into a store, whole or as a further part of one that is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as replace_fields

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import StoreError
from explorer.service.snapshot import graph_parts, lineage
from explorer.store.fingerprint import dataset_fingerprint
from explorer.store.protocol import LAYER_SKILLS_SCHEMA, DatasetInfo, Layer, Progress, Store
from loaders.dataset import Dataset, extend_dataset, rename_dataset

__all__ = ["LoadReport", "dataset_info", "load"]


@dataclass(frozen=True)
class LoadReport:
    """What a load stored.

    Attributes:
        dataset: The dataset as it is now.
        added_texts: Texts that this load brought.
        added_skills: Skills that were not there before.
        replaced: True if a dataset of that name was replaced.
        unchanged: True if a dataset of that name and the same content was there: nothing was written.
        stale_layers: Names of its layers that are stale now: what they were made from has changed.
        seconds: Time for reading, validating and storing.
    """

    dataset: DatasetInfo
    added_texts: int
    added_skills: int
    replaced: bool
    seconds: float
    unchanged: bool = False
    stale_layers: tuple[str, ...] = ()


def dataset_info(store: Store, name: str) -> DatasetInfo | None:
    """The dataset's sizes; None if it is not there."""
    return next((info for info in store.datasets() if info.name == name), None)


def load(
    store: Store,
    read: Callable[[], Dataset],
    *,
    name: str,
    append: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Read a dataset and store it.

    Args:
        store: Where it goes.
        read: Reads and validates the source; called once it is clear that the result may be stored.
        name: Name of the dataset.
        append: Add to the dataset of that name; its layers stay.
        replace: Put it in the place of the dataset of that name. Its layers stay, without their associations, and
            are stale where their texts have changed; skills that are gone are kept by id in the layers.
        progress: Called while rows are stored.

    Returns:
        What is there now.

    Raises:
        StoreError: A dataset of that name is there and neither `append` nor `replace` is given, or both are.
        DataError: The source is wrong; nothing has been stored.
    """
    start = time.perf_counter()
    if append and replace:
        raise StoreError("a load either appends or replaces: give one of --append and --replace")
    before = dataset_info(store, name)
    if before is not None and not append and not replace:
        raise StoreError(
            f"dataset {name!r} is in {store.url} already: give --replace to load it anew, --append to add a part, "
            "or another --dataset name"
        )
    new = rename_dataset(read(), name)
    unchanged = False
    if before is not None and append:
        whole = extend_dataset(store.read_dataset(name), new)
        store.append_dataset(whole, new, progress=progress)
    elif before is not None and before.fingerprint and before.fingerprint == dataset_fingerprint(new):
        unchanged = True
    else:
        kept = [] if before is None else kept_layers(store, new)
        store.write_dataset(new, replace=replace, layers=kept, progress=progress)
    after = dataset_info(store, name)
    assert after is not None, "a dataset that was written is there"
    stays = before if before is not None and (append or unchanged) else None
    return LoadReport(
        dataset=after,
        added_texts=after.texts - (stays.texts if stays else 0),
        added_skills=after.skills - (stays.skills if stays else 0),
        replaced=before is not None and not append and not unchanged,
        unchanged=unchanged,
        stale_layers=tuple(info.name for info in store.layers(name) if info.stale),
        seconds=time.perf_counter() - start,
    )


def kept_layers(store: Store, dataset: Dataset) -> list[Layer]:
    """The layers of the stored dataset of that name as they are after `dataset` has taken its place.

    They keep what they learned: the skills that are still there, and the ids of those that are not. Associations come
    from the texts, so of these only the options stay.
    """
    kept = []
    there = dataset.skills["id"].combine_chunks()
    position = LAYER_SKILLS_SCHEMA.get_field_index("component")
    for info in store.layers(dataset.name):
        skills = store.read_layer(dataset.name, info.name).skills
        stays = pc.is_in(skills["skill"], value_set=there)
        gone = skills["skill"].filter(pc.invert(stays)).to_pylist()
        rows = skills.filter(stays)
        rows = rows.set_column(position, LAYER_SKILLS_SCHEMA.field(position), pa.nulls(rows.num_rows, pa.int32()))
        options = dict(info.association_options)
        if info.associations is not None:
            options = {"rule": info.association_rule, **options}
        after = replace_fields(
            info,
            learned=rows.num_rows,
            associations=None,
            association_rule=None,
            association_options=options,
            graph_parts=graph_parts(lineage(store, dataset.name, info.name)),
            vanished=tuple(sorted({*info.vanished, *gone})),
        )
        kept.append(Layer(after, rows.combine_chunks()))
    return kept
