"""Why not: what stands in the way of a skill that a layer has not learned, and what would unlock it."""

from ui.pages.why.callbacks import CALLS
from ui.pages.why.layout import layout

__all__ = ["layout", "register"]

register = CALLS.register
