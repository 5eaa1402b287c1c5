"""What the embedded store refuses, before anything is written."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import StoreError
from explorer.store.embedded.names import PREFIX
from explorer.store.protocol import LAYER_SKILLS_SCHEMA
from explorer.store.records import NODE_LABELS, check_dataset
from loaders.dataset import Dataset

__all__ = ["check_dataset_names", "check_name", "with_components"]


def check_name(name: str, what: str) -> None:
    """Refuse a name that kglite takes for a list when it compares.

    Raises:
        StoreError: The name is in square brackets.
    """
    if name.startswith("[") and name.endswith("]"):
        raise StoreError(
            f"{what} {name!r} is in square brackets, which this store reads as a list: choose another name"
        )


def check_dataset_names(dataset: Dataset) -> None:
    """Refuse a dataset that could not be read back equal.

    Raises:
        StoreError: See `check_dataset`; also names that the embedded store keeps for itself.
    """
    check_dataset(dataset)
    check_name(dataset.name, "dataset name")
    for table in NODE_LABELS:
        for column in getattr(dataset, table).column_names:
            if column.startswith(PREFIX):
                raise StoreError(
                    f"table {table!r} of dataset {dataset.name!r} has a property named {column!r}; names that start "
                    f"with {PREFIX!r} are the store's own: rename that column"
                )


def with_components(learned: pa.Table, components: pa.Table, layer: str) -> pa.Table:
    """A layer's skills with new components.

    Raises:
        StoreError: The components are not those of just these skills.
    """
    numbers = components["component"].cast(pa.int32())
    if not learned["skill"].equals(components["skill"]):
        places = pc.index_in(learned["skill"], value_set=components["skill"].combine_chunks())
        if places.null_count or components.num_rows != learned.num_rows:
            raise StoreError(
                f"layer {layer!r} has {learned.num_rows} learned skills, but components of {components.num_rows} "
                "skills were given: compute the associations of the layer as it is now"
            )
        numbers = numbers.take(places)
    position = LAYER_SKILLS_SCHEMA.get_field_index("component")
    return learned.set_column(position, LAYER_SKILLS_SCHEMA.field(position), numbers)
