"""The association graph of a layer: what is learned, and how it hangs together.

`state` reads the address, `pictures` says what is drawn for it, `page` and `controls` lay it out, `inspector` is the
panel beside it, `wiring` its callbacks, `exports` its files.
"""

from ui.pages.graph.exports import as_csv, as_graphml
from ui.pages.graph.page import layout
from ui.pages.graph.wiring import register

__all__ = ["as_csv", "as_graphml", "layout", "register"]
