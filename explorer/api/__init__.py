"""The Python interface: what `import explorer as sg` offers, on the use cases that the command line and the pages have.

`explorer` itself gives these names when they are first asked for, so that importing it costs nothing.
"""

from explorer.api.connection import Connection, connect
from explorer.api.graph import Graph, Layer
from explorer.api.results import (
    Answer,
    Association,
    Comparison,
    Curriculum,
    Evidence,
    Explanation,
    Forecast,
    Percolation,
    Plan,
    Prediction,
    Result,
    Tags,
    Why,
)
from explorer.api.window import Explorer
from explorer.service.poisson import predict, threshold

__all__ = [
    "Answer",
    "Association",
    "Comparison",
    "Connection",
    "Curriculum",
    "Evidence",
    "Explanation",
    "Explorer",
    "Forecast",
    "Graph",
    "Layer",
    "Percolation",
    "Plan",
    "Prediction",
    "Result",
    "Tags",
    "Why",
    "connect",
    "predict",
    "threshold",
]
