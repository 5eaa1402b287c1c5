"""What the address of the layers page says, besides the two layers."""

from __future__ import annotations

from ui.drawing.pairs import LIMITS
from ui.state import Control, Group

__all__ = ["ALL_CLASSES", "CONTROLS"]

ALL_CLASSES = "all classes"
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
    ),
)
