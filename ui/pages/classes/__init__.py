"""Classes of skills and texts, what they require of each other, and the hierarchy of skills."""

from ui.pages.classes.answers import class_table, level_table, matching, requirement_matrix
from ui.pages.classes.callbacks import CALLS
from ui.pages.classes.layout import layout

__all__ = ["class_table", "layout", "level_table", "matching", "register", "requirement_matrix"]

register = CALLS.register
