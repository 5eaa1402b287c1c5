"""Percolation: keep skills at random and watch the giant component form."""

from ui.pages.percolation.answers import drawn_skills, frames, learned_curve, removal_rows, sweep_rows
from ui.pages.percolation.callbacks import CALLS
from ui.pages.percolation.layout import layout

__all__ = ["drawn_skills", "frames", "layout", "learned_curve", "register", "removal_rows", "sweep_rows"]

register = CALLS.register
