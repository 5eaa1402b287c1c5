"""What the percolation page's address says."""

from __future__ import annotations

from ui.pages.percolation.answers import LIMITS
from ui.state import Control, Group

__all__ = ["CONTROLS"]

CONTROLS = Group(
    "percolation",
    (
        Control("phi", "r-phi", codec="whole", default=20, low=0, high=100, slides=True),
        Control("order", "r-order", default="random", among=("random", "hubs")),
        Control("of", "r-of", default="all", among=("all", "kept")),
        Control("draw", "r-draw", default=str(LIMITS[0]), among=tuple(map(str, LIMITS))),
    ),
)
