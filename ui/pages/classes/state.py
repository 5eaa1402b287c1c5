"""What the address of the classes page says."""

from __future__ import annotations

from ui.drawing.hierarchies import ROWS
from ui.state import Control, Group

__all__ = ["REGION", "SHARES", "TREE"]

SHARES = Group(
    "classes-shares",
    (
        Control("measure", "c-measure", default="learned"),
        Control("by", "c-by", default="class"),
        Control("draw", "c-draw", default="largest", among=("largest", "all")),
    ),
)
TREE = Group(
    "classes-tree",
    (
        Control("rel", "c-rel"),
        Control("open", "c-open", "data", "list"),
        Control("full", "c-full", "data", "list"),
        Control("skill", "c-skill"),
        Control("most", "c-most", default=str(ROWS[0]), among=tuple(map(str, ROWS))),
    ),
)
REGION = Group("classes-region", (Control("x", "c-x"), Control("y", "c-y")))
