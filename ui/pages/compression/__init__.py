"""Texts coded as the skills they require: one text bit by bit, a whole layer, and a channel that loses packets."""

from ui.pages.compression.answers import bits_figure, channel_figure, hex_lines, rate_figure, search
from ui.pages.compression.callbacks import CALLS
from ui.pages.compression.layout import first_text, layout

__all__ = ["bits_figure", "channel_figure", "first_text", "hex_lines", "layout", "rate_figure", "register", "search"]

register = CALLS.register
