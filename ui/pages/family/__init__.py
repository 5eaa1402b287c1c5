"""Family: a base and all that was fine-tuned from it, side by side."""

from ui.pages.family.callbacks import CALLS
from ui.pages.family.layout import layout

__all__ = ["layout", "register"]

register = CALLS.register
