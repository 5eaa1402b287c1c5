"""The explorer's pages from Python: in a notebook's cell, or in a browser."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from explorer.errors import SkillgraphError

if TYPE_CHECKING:
    from explorer.api.place import Place
    from ui.app import BackgroundServer

__all__ = ["PAGES", "Explorer", "explore", "in_notebook"]

PAGES = ("overview", "graph", "learning", "percolation", "layers", "classes", "compression", "query")
"""Pages by name; the overview is at the root."""


@dataclass(frozen=True)
class Explorer:
    """The running explorer, on this machine only; a notebook shows it in the cell.

    Attributes:
        url: Address of the page.
        height: Of the frame, in pixels.
        server: What serves it.
    """

    url: str
    height: int
    server: BackgroundServer

    def wait(self) -> None:
        """Return when it is closed, or at Ctrl-C: for scripts, which end otherwise."""
        self.server.wait()

    def close(self) -> None:
        """End the explorer of this store; safe to call twice."""
        self.server.close()

    def _repr_html_(self) -> str:
        address = escape(self.url)
        return (
            f'<p><a href="{address}" target="_blank" rel="noopener">{address}</a></p>'
            f'<iframe src="{address}" title="Skillgraph Explorer" style="width: 100%; height: {self.height}px; '
            'border: 1px solid #ccc"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Explorer at {self.url}>"


def in_notebook() -> bool:
    """True where a Jupyter kernel runs this."""
    python = sys.modules.get("IPython")
    shell = None if python is None else python.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def explore(
    place: Place, page: str, query: dict[str, str], *, port: int, height: int, browser: bool | None
) -> Explorer:
    """Start the explorer of a place, or show another page of the one that runs."""
    if page not in PAGES:
        raise SkillgraphError(f"there is no page {page!r}; the pages are {', '.join(PAGES)}")
    with place.reading():  # says now that there is no store, and not on the page
        pass
    notebook = in_notebook()
    server = place.server(port, framed=notebook)
    path = "" if page == "overview" else page
    found = Explorer(
        f"{server.address}{path}?{urlencode(query)}" if query else f"{server.address}{path}", height, server
    )
    if (not notebook) if browser is None else browser:
        import webbrowser

        webbrowser.open(found.url)
    return found
