"""The association graph of a layer: what is learned, and how it hangs together.

`state` reads the address, `pictures` says what is drawn for it, `layout` and `controls` lay it out, `inspector` is the
panel beside it, `callbacks` what it answers, `exports` its files.
"""

from ui.pages.graph.callbacks import CALLS
from ui.pages.graph.exports import as_csv, as_graphml
from ui.pages.graph.layout import layout

__all__ = ["as_csv", "as_graphml", "layout", "register"]

register = CALLS.register
