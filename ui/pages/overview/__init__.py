"""Datasets, layers and where they stand: learned fraction, threshold and giant component beside the theory."""

from ui.pages.overview.callbacks import CALLS
from ui.pages.overview.layout import layout, provenance_lines

__all__ = ["layout", "provenance_lines", "register"]

register = CALLS.register
