"""What the page's address says."""

from __future__ import annotations

from ui.state import Control, Group

__all__ = ["CONTROLS"]

CONTROLS = Group("why", (Control("skill", "w-skill"),))
