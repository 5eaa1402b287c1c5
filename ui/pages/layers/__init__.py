"""Two layers side by side: what was kept, gained and lost, on the graph, by class and skill by skill."""

from ui.pages.layers.answers import change_rows, tree_of
from ui.pages.layers.callbacks import CALLS
from ui.pages.layers.layout import layout, odd_pair

__all__ = ["change_rows", "layout", "odd_pair", "register", "tree_of"]

register = CALLS.register
