"""What is said of datasets and layers in a list, read back from the properties of their nodes.

Nothing here needs arrays, so that a list is shown at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from explorer.store.protocol import DatasetInfo, LayerInfo

__all__ = ["COUNTS", "JSON_FIELDS", "dataset_info", "layer_info"]

COUNTS = ("texts", "skills", "requirements", "prerequisites", "part_of", "models", "attempts")
"""Properties of a Dataset node that count the rows of its tables."""
JSON_FIELDS = (
    "parts",
    "parameters",
    "versions",
    "graph_parts",
    "made_from",
    "vanished",
    "association_options",
    "stale_because",
)
"""Properties of a Layer node that are lists and maps, kept as JSON text."""
# Earlier versions kept these lists as texts, each joined in a way of its own.
_LISTS_BEFORE = {"known_classes": ",", "ignored_classes": "\n", "models": "\n", "continued_after_texts": ","}


def dataset_info(properties: Mapping[str, Any], layers: Sequence[str] = ()) -> DatasetInfo:
    """The record of a Dataset node; `layers` are the names of the dataset's layers."""
    return DatasetInfo(
        name=properties["name"],
        parts=tuple(json.loads(properties["parts"])),
        provenance=json.loads(properties["provenance"]),
        loaded_at=properties["loaded_at"],
        layers=tuple(layers),
        fingerprint=properties.get("fingerprint", ""),
        **{table: properties[table] for table in COUNTS},
    )


def layer_info(properties: Mapping[str, Any]) -> LayerInfo:
    """The record of a Layer node, also of one that an earlier version wrote."""
    values: dict[str, Any] = {
        field.name: properties[field.name] for field in fields(LayerInfo) if properties.get(field.name) is not None
    }
    for name in JSON_FIELDS:
        if name in values:
            found = json.loads(values[name])
            values[name] = tuple(found) if isinstance(found, list) else found
    values["parameters"] = {name: _parameter(name, value) for name, value in values["parameters"].items()}
    return LayerInfo(**values)


def _parameter(name: str, value: Any) -> Any:
    if name in _LISTS_BEFORE and isinstance(value, str):
        kept = value.split(_LISTS_BEFORE[name]) if value else []
        return tuple(int(item) for item in kept) if name == "continued_after_texts" else tuple(kept)
    return tuple(value) if isinstance(value, list) else value
