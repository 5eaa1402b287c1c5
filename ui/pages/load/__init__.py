"""Load: files from this computer into the store, with what would be understood of them shown first."""

from ui.pages.load.callbacks import CALLS
from ui.pages.load.layout import layout

__all__ = ["layout", "register"]

register = CALLS.register
