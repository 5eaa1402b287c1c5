"""The box that a graph of skills is drawn in, with its legend and zoom buttons."""

from __future__ import annotations

from typing import Any

import dash_cytoscape as cyto
import numpy as np
from dash import html

from ui.components import icon
from ui.elements import Colouring, colourings
from ui.source import Snapshot
from ui.style import SCHEMES, cytoscape_stylesheet

__all__ = ["canvas", "legend_items", "looks_of", "stylesheets", "zoom_tools"]


def stylesheets(colour: str = "class") -> dict[str, Any]:
    """Stylesheets of a graph for light and dark."""
    return {scheme: cytoscape_stylesheet(scheme, colour) for scheme in SCHEMES}


def canvas(name: str, label: str) -> html.Div:
    """A Cytoscape canvas that fills its box."""
    return html.Div(
        cyto.Cytoscape(
            id=name,
            elements=[],
            layout={"name": "preset", "fit": True, "padding": 18},
            stylesheet=[],
            style={"width": "100%", "height": "100%"},
            minZoom=0.15,
            maxZoom=16,
            boxSelectionEnabled=False,
            responsive=True,
        ),
        className="canvas",
        role="img",
        **{"aria-label": label},
    )


def zoom_tools(name: str) -> html.Div:
    """Buttons for those who do not use a wheel."""
    tools = (("in", "plus", "Zoom in"), ("out", "minus", "Zoom out"), ("fit", "fit", "Show all"))
    return html.Div(
        [
            html.Button(
                icon(shape),
                id={"type": f"{name}-zoom", "act": act},
                className="tool",
                **{"aria-label": text, "title": text},
            )
            for act, shape, text in tools
        ],
        className="zoom",
    )


def looks_of(snapshot: Snapshot, dataset: str, layer: str) -> dict[str, Colouring]:
    """The colourings of a layer's graph."""

    def make() -> dict[str, Colouring]:
        graph = snapshot.graph(dataset, layer)
        base = graph.view.info.base
        learned = None
        if base is not None:
            older = snapshot.view(dataset, base)
            known = older.indexed.skill_rows[older.learned]
            learned = np.isin(graph.view.indexed.skill_rows[graph.skill], known)
        return colourings(graph, learned)

    return snapshot.once(("looks", dataset, layer), make)


def legend_items(look: Colouring) -> list[Any]:
    """Buttons of a legend; each hides and shows its skills."""
    return [
        html.Div(look.title.capitalize(), className="legend-title"),
        *[
            html.Button(
                [
                    html.Span(className="swatch", style={"background": category.colour}),
                    html.Span(category.label),
                    html.Span(f"{category.count:,}", className="count"),
                ],
                id={"type": "legend", "place": place},
                className="legend-item",
                title="Hide or show",
                **{"aria-pressed": "true"},
            )
            for place, category in enumerate(look.categories)
        ],
    ]
