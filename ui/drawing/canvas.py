"""The box that a graph of skills is drawn in, with its legend and zoom buttons."""

from __future__ import annotations

import dash_cytoscape as cyto
from dash import html

from ui.attributes import attributes
from ui.components import icon
from ui.content import Child
from ui.drawing.colourings import Colouring
from ui.drawing.style import ROLES, SCHEMES, Scheme, cytoscape_stylesheet
from ui.typed import Rule

__all__ = ["canvas", "legend_items", "stylesheets", "zoom_tools"]


def stylesheets(colour: str = "class") -> dict[str, list[Rule]]:
    """Stylesheets of a graph for light and dark."""
    return {scheme: [*cytoscape_stylesheet(scheme, colour), *_beside(scheme)] for scheme in SCHEMES}


def _beside(scheme: Scheme) -> list[Rule]:
    """Looks of what stands beside skills: texts, names of rows, and skills that were not learned."""
    text, box, line = ("#17202A", "#EEF2F6", "#8A97A5") if scheme == "light" else ("#E8ECF1", "#232C37", "#6D7B8A")
    return [
        {
            "selector": "node.text",
            "style": {
                "shape": "round-rectangle",
                "width": 210,
                "height": 26,
                "background-color": box,
                "border-width": 1,
                "border-color": line,
                "label": "data(label)",
                "font-size": 12,
                "color": text,
                "text-outline-width": 0,
            },
        },
        {"selector": "node.teaching", "style": {"border-width": 2.5, "border-color": ROLES["measured"]}},
        {"selector": "edge.taught", "style": {"line-color": ROLES["measured"]}},
        {"selector": "node.beside", "style": {"label": "data(label)", "font-size": 12, "min-zoomed-font-size": 5}},
        {"selector": "node.to-left", "style": {"text-halign": "left", "text-margin-x": -4}},
        {"selector": "node.to-right", "style": {"text-halign": "right", "text-margin-x": 4}},
        {
            "selector": "node.unlearned",
            "style": {"background-opacity": 0.15, "border-width": 1.5, "border-style": "dashed", "border-color": line},
        },
        {"selector": "node.mark", "style": {"background-opacity": 0, "height": 24, "events": "no"}},
    ]


def canvas(name: str, label: str) -> html.Div:
    """A Cytoscape canvas that fills its box."""
    return html.Div(
        cyto.Cytoscape(
            id=name,
            elements=[],
            layout={"name": "preset", "fit": True, "padding": 18},
            autoRefreshLayout=False,  # positions come with the elements; a line added later must not move the view
            stylesheet=[],
            style={"width": "100%", "height": "100%"},
            minZoom=0.15,
            maxZoom=16,
            boxSelectionEnabled=False,
            responsive=True,
        ),
        className="canvas",
        role="img",
        **attributes(aria_label=label),
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
                **attributes(aria_label=text, title=text),
            )
            for act, shape, text in tools
        ],
        className="zoom",
    )


def legend_items(look: Colouring) -> list[Child]:
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
                **attributes(aria_pressed="true"),
            )
            for place, category in enumerate(look.categories)
            if category.count
        ],
        *([html.Div(look.meaning, className="legend-meaning")] if look.meaning else []),
    ]
