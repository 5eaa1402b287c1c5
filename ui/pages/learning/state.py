"""What the learning page's address says."""

from __future__ import annotations

from collections.abc import Mapping

from ui.state import Control, Group

__all__ = ["CONTROLS", "MOST_D", "TABS"]

MOST_D = 10
TABS: Mapping[str, str] = {
    "waves": "Wave by wave",
    "what-if": "What if",
    "texts": "More texts",
    "exit": "EXIT curves",
}
CONTROLS = Group(
    "learning",
    (
        Control("tab", "l-tab", default="waves", among=tuple(TABS)),
        Control("never", "l-never", "checked", "flag", default=False),
        Control("wave", "l-wave", codec="whole", slides=True, always=True),
        Control("c", "l-c", codec="number", low=0.5, high=15.0, slides=True, always=True),
        Control("R", "l-R", codec="number", low=0.05, high=15.0, slides=True, always=True),
        Control("learner", "l-learner", "data", slides=True, always=True),
    ),
)
"""Wave, c, R and learner are by default the layer's own."""
