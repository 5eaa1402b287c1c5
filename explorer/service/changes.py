"""Which skills each layer of a family gained and lost against its base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.service.family import FamilyReport
from explorer.service.matrix import FamilyMatrix
from explorer.service.pairing import FALSE_DISCOVERIES
from explorer.service.snapshot import read_dataset
from explorer.store.protocol import Store

__all__ = ["Gain", "learned_changes", "measured_changes"]


@dataclass(frozen=True)
class Gain:
    """A skill that a layer gained or lost against its base.

    Attributes:
        layer: Name of the layer.
        base: Name of its base.
        skill: Id.
        name: What people call the skill.
        skill_class: Class; "" if it has none.
        change: `gained` or `lost`; between evidence layers only beyond noise.
        points: Change of the solve rate in points; None for layers learned from texts.
        q_value: Of no change; None likewise.
    """

    layer: str
    base: str
    skill: str
    name: str
    skill_class: str
    change: str
    points: float | None
    q_value: float | None


def measured_changes(matrix: FamilyMatrix) -> tuple[Gain, ...]:
    """Changes between evidence layers, the surest first: q of no change, after Benjamini and Hochberg, at most 5 %."""
    gains = []
    for m, info in enumerate(matrix.layers):
        for k in np.flatnonzero(np.nan_to_num(matrix.q_value[m], nan=1.0) <= FALSE_DISCOVERIES).tolist():
            points = float(matrix.difference[m, k])
            change = "gained" if points > 0 else "lost"
            q = float(matrix.q_value[m, k])
            about = (matrix.skills[k], matrix.names[k], matrix.classes[k] or "")
            gains.append(Gain(info.name, info.base or "", *about, change, 100 * points, q))
    return tuple(sorted(gains, key=lambda g: (g.q_value or 0.0, -abs(g.points or 0.0))))


def learned_changes(store: Store, dataset: str, found: FamilyReport) -> tuple[Gain, ...]:
    """Changes between layers learned from texts: what one of them has learned and the other not, layer by layer."""
    skills = read_dataset(store, dataset).skills
    about = {
        skill: (name or skill, kind or "")
        for skill, name, kind in zip(*(skills[column].to_pylist() for column in ("id", "name", "class")), strict=True)
    }
    layers = [member.layer for member in found.members]
    known = {
        info.name: set(store.read_layer(dataset, info.name).skills["skill"].to_pylist()) & about.keys()
        for info in layers
    }
    return tuple(
        Gain(info.name, info.base, skill, *about[skill], "gained" if skill in known[info.name] else "lost", None, None)
        for info in layers
        if info.base is not None and info.base in known
        for skill in sorted(known[info.name] ^ known[info.base])
    )
