"""What a layer lacks: the skills of the dataset that it has not learned, and why, as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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
    """What is lacking after peeling, rows of `LAYER_LACKS_SCHEMA` with dictionary-encoded ids.

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
    names = pa.array([reason.name.lower() for reason in sorted(Reason)])
    nearest = left.nearest[skills]
    alone = nearest < 0
    novel = left.lacking[np.maximum(nearest, 0)] if len(left.lacking) else np.zeros(len(skills), np.int32)
    columns = {
        "reason": names.take(pa.array(left.reason[skills])),
        "text": indexed.coded_texts(nearest),
        "novel": pa.array(novel, pa.int32(), mask=alone),
        "component": pa.array(left.component[skills], mask=left.component[skills] < 0),
        "group": pa.array(left.group[skills], mask=left.group[skills] < 0),
    }
    return named_lacks(indexed, skills, columns)


def named_lacks(
    indexed: IndexedGraph, skills: npt.NDArray[np.integer], columns: Mapping[str, pa.Array | Sequence[Any]]
) -> pa.Table:
    """Rows of `LAYER_LACKS_SCHEMA` of some skills of a graph, and of the dataset's skills that are not in the graph.

    Ids are dictionary-encoded.
    """
    outside = np.ones(indexed.dataset.n_skills, bool)
    outside[indexed.skill_rows] = False
    more = np.flatnonzero(outside)
    rows = np.concatenate((indexed.skill_rows[skills], more))
    order = np.argsort(rows)
    found = [indexed.coded_skills(rows[order])]
    for field in list(LAYER_LACKS_SCHEMA)[1:]:
        inside = columns.get(field.name, pa.nulls(len(skills), field.type))
        if not isinstance(inside, pa.DictionaryArray):
            inside = pa.array(inside, field.type)
        found.append(_followed(inside, "unused" if field.name == "reason" else None, len(more)).take(order))
    return pa.table(found, LAYER_LACKS_SCHEMA.names)


def _followed(values: pa.Array, value: str | None, times: int) -> pa.Array:
    """A column, and after it one value so many times."""
    if isinstance(values, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(_followed(values.indices, value, times), values.dictionary)
    return pa.concat_arrays([values, pa.repeat(pa.scalar(value, values.type), times)]) if times else values
