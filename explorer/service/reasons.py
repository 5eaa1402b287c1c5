"""Reasons of what a layer lacks: as the store has them, or found now where they were not recorded."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from explorer.service.lacking import lacks_of
from explorer.service.learning import situation
from explorer.service.snapshot import lineage, read_dataset, remembered
from explorer.store.protocol import LAYER_LACKS_SCHEMA, LayerInfo, Store

__all__ = ["can_be_recorded", "layer_lacks", "record_lacks"]


def layer_lacks(store: Store, dataset: str, layer: str) -> pa.Table:
    """What a layer lacks, and why.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.

    Returns:
        Rows of `LAYER_LACKS_SCHEMA`: those stored with the layer; of a layer that was learned from texts and stored
        without them, what its texts say now; none of a layer from outcomes that was stored without them.

    Raises:
        NotFoundError: No such dataset or layer.
    """
    info = lineage(store, dataset, layer)[0]
    if info.lacks is not None:
        lacks = store.read_layer(dataset, layer).lacks
        ignored = info.listed("ignored_classes") if info.kind == "evidence" else ()
        return _with_ignored(store, dataset, lacks, ignored) if ignored else lacks
    if info.kind == "evidence":
        return LAYER_LACKS_SCHEMA.empty_table()
    return remembered(store, ("lacks", dataset, layer), lambda: _found(store, dataset, layer))


def _with_ignored(store: Store, dataset: str, lacks: pa.Table, ignored: Sequence[str]) -> pa.Table:
    """Lacking skills of an evidence layer; those of ignored classes once had the reason `untested`."""
    skills = read_dataset(store, dataset).skills
    of_class = pc.is_in(skills["class"], value_set=pa.array(ignored, skills["class"].type))
    there = pc.is_in(lacks["skill"], value_set=skills["id"].filter(of_class).combine_chunks())
    there = pc.and_(there, pc.equal(lacks["reason"], "untested"))
    reason = pc.if_else(there, "ignored", lacks["reason"])
    return lacks.set_column(lacks.schema.get_field_index("reason"), lacks.schema.field("reason"), reason)


def can_be_recorded(info: LayerInfo, skills: int) -> bool:
    """Whether a layer is not stale, was learned from texts, and its store lacks a reason.

    It was stored without reasons, or its dataset has more skills since, which none of its texts requires.

    Args:
        info: The layer.
        skills: Number of skills of its dataset.
    """
    if info.kind == "evidence" or info.stale:
        return False
    return info.lacks is None or info.learned + info.lacks != skills


def record_lacks(store: Store, dataset: str, layer: str) -> LayerInfo:
    """Find what a stored layer lacks, and why, and store it; all else of the layer stays as it is.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of a layer that was learned from texts.

    Returns:
        The layer, as it is now.

    Raises:
        NotFoundError: No such dataset or layer, or a part that it read is gone.
        SkillgraphError: The layer was estimated from outcomes.
    """
    store.write_lacks(dataset, layer, _found(store, dataset, layer))
    return lineage(store, dataset, layer)[0]


def _found(store: Store, dataset: str, layer: str) -> pa.Table:
    at = situation(store, dataset, layer)
    return lacks_of(at.indexed, at.learned, at.capacity, at.learnable).cast(LAYER_LACKS_SCHEMA)
