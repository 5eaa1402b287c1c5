"""What skills are called on a picture: by name, id, class or any other property that the dataset has of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from explorer.wording import isolated, plural
from ui.drawing.elements import Drawing, short
from ui.drawing.graphs import LayerGraph
from ui.typed import Element

__all__ = ["USUAL", "labels", "name_keys", "named", "skill_texts"]

USUAL = "name"
"""The property that skills are called by unless another is chosen."""

_FIRST = ("name", "id", "class")
_MEMBERS = 9  # islands with more skills have a name


def name_keys(graph: LayerGraph) -> tuple[str, ...]:
    """Properties by which skills can be called: name, id and class, then all others that some skill has."""
    table = graph.view.indexed.dataset.skills
    others = [
        name
        for name in table.column_names
        if name not in _FIRST and table[name].null_count < table.num_rows and not pa.types.is_nested(table[name].type)
    ]
    return (*_FIRST, *others)


def skill_texts(graph: LayerGraph, key: str) -> dict[str, str]:
    """For each skill of the dataset, by id, its property as text; its name where it has none, and its id without one.

    Args:
        graph: A graph of the dataset.
        key: One of `name_keys`.
    """
    indexed = graph.view.indexed
    ids = indexed.skills.ids
    names = pc.coalesce(indexed.skill_column("name"), ids)
    found = names if key in (USUAL, "id") else pc.coalesce(_text(indexed.skill_column(key)), names)
    return dict(zip(ids.to_pylist(), ids.to_pylist() if key == "id" else found.to_pylist(), strict=True))


def _text(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        return pa.array([None if value is None else f"{value:g}" for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def labels(found: Drawing, graph: LayerGraph, by: str, texts: Mapping[str, str]) -> dict[str, str]:
    """New names for what is drawn, by the id of the element; what is called the same by any property is left out.

    Args:
        found: The drawing.
        graph: The graph that it is of.
        by: The grouping whose groups it shows, a key of `LayerGraph.groupings`.
        texts: As `skill_texts` gives them.
    """
    new: dict[str, str] = {}
    members: dict[int, npt.NDArray[np.int64]] = {}
    for element in found.elements:
        name = str(element["data"]["id"])
        kind, rest = name[:2], name[2:]
        if kind in ("s:", "u:") and rest in texts:
            new[name] = short(texts[rest], 34)
        elif kind in ("g:", "i:") and by != "class":
            grouping = graph.groupings[by]
            members = members or dict(zip(grouping.numbers.tolist(), grouping.members, strict=True))
            nodes = members[int(rest)]
            parts = list(dict.fromkeys(short(texts[graph.skill_id(int(node))], 26) for node in nodes[:2]))
            if kind == "i:":
                new[name] = ", ".join(map(isolated, parts)) if len(nodes) > _MEMBERS else ""
            else:
                new[name] = parts[0] if len(nodes) == 1 else "\n".join((*parts, plural(len(nodes), "skill")))
    return new


def named(found: Drawing, graph: LayerGraph, by: str, texts: Mapping[str, str]) -> Drawing:
    """The same drawing with other names; see `labels`."""
    new = labels(found, graph, by, texts)
    elements: list[Element] = [
        {**element, "data": {**element["data"], "label": new[element["data"]["id"]]}}
        if element["data"]["id"] in new
        else element
        for element in found.elements
    ]
    return replace(found, elements=elements)
