"""Skillgraph Explorer: texts, the skills they require, and what a learner learns from them.

    import explorer as sg

    graph = sg.Graph.from_edges([("t1", "a"), ("t2", "a"), ("t2", "b")])
    layer = graph.learn()
    layer.predict()

docs/python.md describes the names below. They are imported when they are first asked for.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from explorer.api import Answer as Answer
    from explorer.api import Association as Association
    from explorer.api import Comparison as Comparison
    from explorer.api import Connection as Connection
    from explorer.api import Curriculum as Curriculum
    from explorer.api import Evidence as Evidence
    from explorer.api import Explanation as Explanation
    from explorer.api import Explorer as Explorer
    from explorer.api import Forecast as Forecast
    from explorer.api import Graph as Graph
    from explorer.api import Layer as Layer
    from explorer.api import Percolation as Percolation
    from explorer.api import Plan as Plan
    from explorer.api import Prediction as Prediction
    from explorer.api import Result as Result
    from explorer.api import Tags as Tags
    from explorer.api import Why as Why
    from explorer.api import connect as connect
    from explorer.api import predict as predict
    from explorer.api import threshold as threshold

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
    "__version__",
    "connect",
    "predict",
    "threshold",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        value = getattr(importlib.import_module("explorer.api"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
