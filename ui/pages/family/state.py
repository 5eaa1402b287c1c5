"""What the page's address says."""

from __future__ import annotations

from ui.state import Control, Group

__all__ = ["CONTROLS", "NAMED", "ORDERS", "ROWS", "VALUES"]

VALUES = {
    "change": "change from the base",
    "beyond": "beyond ability",
    "rate": "solve rate",
}
ROWS = {"skill": "skills", "class": "classes of skills", "level": "levels of skills"}
ORDERS = {"clustered": "like beside like", "gain": "largest change first", "class": "by class", "name": "by name"}
NAMED = 32
"""Most layers that all have their names at the matrix."""

CONTROLS = Group(
    "family",
    (
        Control("root", "f-root"),
        Control("value", "f-value", default="change", among=tuple(VALUES)),
        Control("rows", "f-rows", default="skill", among=tuple(ROWS)),
        Control("order", "f-order", default="clustered", among=tuple(ORDERS)),
        Control("picked", "f-picked", codec="list"),
    ),
)
