"""Runs: everything that the command line does to layers, from the page."""

from ui.pages.runs.callbacks import CALLS
from ui.pages.runs.layout import layout

__all__ = ["layout", "register"]

register = CALLS.register
