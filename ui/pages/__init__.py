"""One package for each page: `layout(snapshot, query)` and `register(app, source)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from ui.choice import Query
from ui.source import Snapshot, Source

if TYPE_CHECKING:
    from dash import Dash
    from dash.development.base_component import Component

__all__ = ["PAGES", "Page"]


@dataclass(frozen=True)
class Page:
    """A page's address, its name in the navigation, its icon and the module that makes it."""

    path: str
    name: str
    icon: str
    module: str

    def layout(self, snapshot: Snapshot | None, query: Query) -> Component:
        """The page for what the URL says; only the page that loads does without a store."""
        make: Callable[[Snapshot | None, Query], Component] = import_module(self.module).layout
        return make(snapshot, query)

    def register(self, app: Dash, source: Source) -> None:
        """Add the page's callbacks."""
        import_module(self.module).register(app, source)


PAGES = (
    Page("/", "Overview", "overview", "ui.pages.overview"),
    Page("/graph", "Graph", "graph", "ui.pages.graph"),
    Page("/learning", "Learning", "learning", "ui.pages.learning"),
    Page("/percolation", "Percolation", "percolation", "ui.pages.percolation"),
    Page("/layers", "Layers", "layers", "ui.pages.layers"),
    Page("/family", "Family", "family", "ui.pages.family"),
    Page("/classes", "Classes", "classes", "ui.pages.classes"),
    Page("/compression", "Compression", "compression", "ui.pages.compression"),
    Page("/query", "Query", "query", "ui.pages.query"),
    Page("/why", "Why not", "why", "ui.pages.why"),
    Page("/runs", "Runs", "runs", "ui.pages.runs"),
    Page("/load", "Load", "load", "ui.pages.load"),
)
