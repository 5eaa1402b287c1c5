"""Lists of what a store's file holds, from its catalogue alone, without arrays.

    {"schema": 1, "datasets": {NAME: {"node": properties, "tables": {...}, "layers": {NAME: LAYER}}},
     "views": [properties], if any were saved}
    LAYER = {"node": properties, "skills": table, "associations": table or null, "lacks": table, if it was recorded}

The properties are those of the Dataset and Layer nodes (`explorer.store.records`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.errors import NotFoundError
from explorer.store.infos import layer_info
from explorer.store.protocol import LayerInfo

__all__ = ["Entry", "dataset_entry", "layer_entry", "layer_infos"]

Entry = dict[str, Any]


def dataset_entry(catalogue: Mapping[str, Any], name: str, store: str) -> Entry:
    """A dataset in the catalogue.

    Raises:
        NotFoundError: It is not there.
    """
    entry: Entry | None = catalogue.get("datasets", {}).get(name)
    if entry is None:
        raise NotFoundError(f"there is no dataset {name!r} in {store}")
    return entry


def layer_entry(catalogue: Mapping[str, Any], dataset: str, name: str, store: str) -> Entry:
    """A layer in the catalogue.

    Raises:
        NotFoundError: It is not there, or its dataset is not.
    """
    entry: Entry | None = dataset_entry(catalogue, dataset, store)["layers"].get(name)
    if entry is None:
        raise NotFoundError(f"dataset {dataset!r} has no layer {name!r} in {store}")
    return entry


def layer_infos(catalogue: Mapping[str, Any]) -> list[LayerInfo]:
    """All layers, ordered by dataset and name."""
    found = [
        layer_info(layer["node"])
        for entry in catalogue.get("datasets", {}).values()
        for layer in entry["layers"].values()
    ]
    return sorted(found, key=lambda info: (info.dataset, info.name))
