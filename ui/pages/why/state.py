"""What the page's address says."""

from __future__ import annotations

from ui.brushes import Brush, TableBrushes
from ui.state import Control, Group

__all__ = ["CONTROLS", "LACKING"]

LACKING = TableBrushes("w-lacking", (Brush("uses", "uses", "Texts of a skill", "texts"),))
"""Filters of the table of what is not learned."""
CONTROLS = Group("why", (Control("skill", "w-skill"), *LACKING.controls()))
