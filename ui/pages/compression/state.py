"""What the compression page's address says."""

from __future__ import annotations

from ui.state import Control, Group

__all__ = ["CONTROLS"]

CONTROLS = Group(
    "compression",
    (
        Control("text", "z-text"),
        Control("receiver", "z-receiver"),
        Control("model", "z-model", default="frequency", among=("frequency", "uniform")),
        Control("erasure", "z-erasure", codec="number", default=0.1, low=0.0, high=0.6, slides=True),
    ),
)
"""Text and receiver are by default those that the page begins with."""
