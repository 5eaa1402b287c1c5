"""A canvas that assets/canvas-tools.js keeps fitted to its box."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from ui.drawing.canvas import canvas
from ui.typed import Element

__all__ = ["fitted_canvas"]


def fitted_canvas(name: str, label: str, elements: Sequence[Element] = ()) -> html.Div:
    """A canvas as `ui.drawing.canvas.canvas`, without Cytoscape's own rescaling.

    That one takes the bounding box of all elements at every frame, and a box that was hidden when the graph came
    ends at an absurd zoom.
    """
    box = canvas(name, label)
    box.children.responsive = False
    box.children.elements = list(elements)
    return box
