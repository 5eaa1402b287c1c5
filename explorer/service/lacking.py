"""What a layer lacks: the skills of the dataset that it has not learned, and why, as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.residual import Reason, Residual, residual
from explorer.arrays import IndexedGraph
from explorer.store.protocol import LAYER_LACKS_SCHEMA

__all__ = ["NEVER", "REASONS", "lacks_of", "lacks_table", "named_lacks"]

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "unused": "no text of the layer requires it",
        "frozen": "training was frozen: it could not learn skills of the base's texts",
        "silent": "every text that requires it has capacity 0",
        "beside": "every text that requires it also requires a skill that frozen training could not learn",
        "ready": "a text would teach it now: the texts have changed since the layer was learned",
        "prerequisite": "a text would teach it, but one of its prerequisites is not learned",
        "inseparable": "every text that requires it also requires the same other lacking skills, too many to teach at "
        "once",
        "together": "every text that requires it also requires other lacking skills, too many to teach at once",
        "unmastered": "by the outcomes the model does not master it",
        "hidden": "every text that requires it also requires another skill that is probably lacking",
        "untested": "no attempted text requires it",
        "ignored": "its class was left out of the estimate",
    }
)
"""What each reason in the store means."""

NEVER = frozenset({"unused", "frozen", "silent", "inseparable"})
"""Reasons for which no text of the layer could ever teach the skill, whatever else the texts teach."""


def lacks_of(
    indexed: IndexedGraph,
    learned: npt.NDArray[np.bool_],
    capacity: int | npt.NDArray[np.int32],
    learnable: npt.NDArray[np.bool_] | None,
) -> pa.Table:
    """What is lacking after peeling, rows of `LAYER_LACKS_SCHEMA`.

    Args:
        indexed: The texts that were presented.
        learned: bool (S,): what was learned.
        capacity: Of the texts, one number or one for each.
        learnable: bool (S,): skills that could be learned; None for all.
    """
    left = residual(indexed.graph, learned, capacity, learnable=learnable, prerequisites=indexed.prerequisites)
    return lacks_table(indexed, left)


def lacks_table(indexed: IndexedGraph, left: Residual) -> pa.Table:
    """A residual graph as rows of `LAYER_LACKS_SCHEMA`, with the dataset's skills that are not in the graph."""
    skills = np.flatnonzero(left.reason != Reason.LEARNED)
    names = np.array([reason.name.lower() for reason in sorted(Reason)], dtype=object)
    nearest = left.nearest[skills]
    alone = nearest < 0
    novel = left.lacking[np.maximum(nearest, 0)] if len(left.lacking) else np.zeros(len(skills), np.int32)
    columns = {
        "reason": pa.array(names[left.reason[skills]], pa.string()),
        "text": indexed.text_ids.take(pa.array(nearest, mask=alone)) if len(indexed.text_ids) else None,
        "novel": pa.array(novel, pa.int32(), mask=alone),
        "component": pa.array(left.component[skills], mask=left.component[skills] < 0),
        "group": pa.array(left.group[skills], mask=left.group[skills] < 0),
    }
    return named_lacks(indexed, skills, {name: values for name, values in columns.items() if values is not None})


def named_lacks(
    indexed: IndexedGraph, skills: npt.NDArray[np.integer], columns: Mapping[str, pa.Array | Sequence[Any]]
) -> pa.Table:
    """Rows of `LAYER_LACKS_SCHEMA` of some skills of a graph, and of the dataset's skills that are not in the graph."""
    ids = indexed.dataset.skills["id"]
    outside = ids.filter(pc.invert(pc.is_in(ids, value_set=indexed.skills.ids)))
    inside = pa.table(
        [
            indexed.skills.take(skills),
            *(
                pa.array(columns.get(field.name, pa.nulls(len(skills), field.type)), field.type)
                for field in list(LAYER_LACKS_SCHEMA)[1:]
            ),
        ],
        schema=LAYER_LACKS_SCHEMA,
    )
    more = pa.table(
        [
            outside.combine_chunks(),
            pa.array(["unused"] * len(outside), pa.string()),
            *(pa.nulls(len(outside), field.type) for field in list(LAYER_LACKS_SCHEMA)[2:]),
        ],
        schema=LAYER_LACKS_SCHEMA,
    )
    return pa.concat_tables([inside, more]).sort_by("skill").combine_chunks()
