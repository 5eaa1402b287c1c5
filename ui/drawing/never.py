"""Skills that a layer never learned, as hollow discs in rings around those that it did."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.service import LayerView
from explorer.service.lacking import REASONS
from ui.drawing.elements import short
from ui.drawing.style import OTHER
from ui.typed import Element

__all__ = ["NEVER_LIMIT", "never_elements"]

NEVER_LIMIT = 900
"""Most skills that are drawn."""

_PITCH = 26.0
_GAP = 60.0


def never_elements(view: LayerView, lacks: pa.Table, around: Sequence[Element]) -> list[Element]:
    """The most used skills that were never learned, those that wait for each other side by side.

    Args:
        view: The layer.
        lacks: What it lacks, rows of `LAYER_LACKS_SCHEMA`.
        around: What is drawn already.

    Returns:
        At most `NEVER_LIMIT` nodes of class `unlearned never`, outside the circle around what is drawn.
    """
    indexed = view.indexed
    place = pc.fill_null(pc.index_in(lacks["skill"], value_set=indexed.skills.ids), -1).to_numpy()
    uses = np.where(place >= 0, indexed.graph.skill_degrees[np.maximum(place, 0)], 0)
    chosen = np.argsort(-uses, kind="stable")[:NEVER_LIMIT]
    component = lacks["component"].fill_null(2**31 - 1).to_numpy()
    group = lacks["group"].fill_null(2**31 - 1).to_numpy()
    chosen = chosen[np.lexsort((-uses[chosen], group[chosen], component[chosen]))]
    x0, y0, radius = _circle(around)
    table = indexed.dataset.skills
    rows = pc.index_in(lacks["skill"], value_set=table["id"].combine_chunks())
    ids, reasons = lacks["skill"].to_pylist(), lacks["reason"].to_pylist()
    names, classes = (table[column].take(rows).to_pylist() for column in ("name", "class"))
    found: list[Element] = []
    for i, (x, y) in zip(chosen.tolist(), _rings(len(chosen), x0, y0, radius + _GAP), strict=True):
        data = {
            "id": f"u:{ids[i]}",
            "label": short(names[i] or ids[i], 34),
            "name": names[i] or ids[i],
            "class": classes[i] or "no class",
            "uses": int(uses[i]),
            "reason": REASONS.get(reasons[i], reasons[i]),
            "size": 9.0,
            "c_class": OTHER,
        }
        found.append({"data": data, "position": {"x": round(x, 1), "y": round(y, 1)}, "classes": "unlearned never"})
    return found


def _circle(elements: Sequence[Element]) -> tuple[float, float, float]:
    """Middle and radius of a circle that holds what is drawn."""
    at = np.array([[e["position"]["x"], e["position"]["y"]] for e in elements if "position" in e], dtype=float)
    if not len(at):
        return 0.0, 0.0, 0.0
    middle = (at.min(axis=0) + at.max(axis=0)) / 2
    return float(middle[0]), float(middle[1]), float(np.linalg.norm(at - middle, axis=1).max())


def _rings(count: int, x0: float, y0: float, radius: float) -> list[tuple[float, float]]:
    """Places on circles around a middle, one after another from the inside out."""
    found: list[tuple[float, float]] = []
    while len(found) < count:
        on = min(max(int(2 * math.pi * radius / _PITCH), 6), count - len(found))
        for i in range(on):
            angle = 2 * math.pi * i / on - math.pi / 2
            found.append((x0 + radius * math.cos(angle), y0 + radius * math.sin(angle)))
        radius += _PITCH
    return found
