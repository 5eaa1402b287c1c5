"""What the address of the layers page says, besides the two layers."""

from __future__ import annotations

from ui.brushes import Brush, TableBrushes
from ui.drawing.pairs import LIMITS
from ui.state import Control, Group

__all__ = ["ALL_CLASSES", "ANCHORS", "CHANGED", "CONTROLS"]

ALL_CLASSES = "all classes"
CHANGED = TableBrushes(
    "p-changes",
    (
        Brush("waves", "wave", "Waves", "wave"),
        Brush("mastery1", "before", "Mastery 1", "share"),
        Brush("mastery2", "after", "Mastery 2", "share"),
        Brush("solved1", "solved1", "Solved 1", "share"),
        Brush("solved2", "solved2", "Solved 2", "share"),
        Brush("texts", "items", "Texts that both attempted", "texts"),
        Brush("links", "links", "Links", "texts"),
    ),
)
"""Filters of the table of skills."""
ANCHORS = TableBrushes("p-anchors", (Brush("shared", "texts", "Texts together", "texts"),))
"""Filters of the table of what gained or lost skills are attached to."""
CONTROLS = Group(
    "layers",
    (
        Control("view", "p-view", default="one", among=("one", "two")),
        Control("class", "p-class", default=ALL_CLASSES),
        Control("draw", "p-draw", default=str(LIMITS[0]), among=tuple(map(str, LIMITS))),
        Control("skill", "p-skill", "data"),
        Control("by", "p-by", default="class", among=("class", "level")),
        Control("groups", "p-many", default="some", among=("some", "all")),
        Control("attached", "p-attached", among=("lost", "gained"), always=True),
        *CHANGED.controls(),
        *ANCHORS.controls(),
    ),
)
