"""Load a dataset from files into a store, whole or as a further part of one that is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from explorer.errors import StoreError
from explorer.store.protocol import DatasetInfo, Progress, Store
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
        seconds: Time for reading, validating and storing.
    """

    dataset: DatasetInfo
    added_texts: int
    added_skills: int
    replaced: bool
    seconds: float


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
        replace: Put it in the place of the dataset of that name, whose layers go with it.
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
    if before is not None and append:
        whole = extend_dataset(store.read_dataset(name), new)
        store.append_dataset(whole, new, progress=progress)
    else:
        store.write_dataset(new, replace=replace, progress=progress)
    after = dataset_info(store, name)
    assert after is not None, "a dataset that was written is there"
    kept = before if append and before is not None else None
    return LoadReport(
        dataset=after,
        added_texts=after.texts - (kept.texts if kept else 0),
        added_skills=after.skills - (kept.skills if kept else 0),
        replaced=before is not None and not append,
        seconds=time.perf_counter() - start,
    )
