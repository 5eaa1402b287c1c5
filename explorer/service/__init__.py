"""Use cases: what the command line and the front end ask for, on any store.

Names are imported from their modules when they are first asked for, so that what computes nothing loads no kernel.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.service.association import AssociationReport, associate
    from explorer.service.classes import ClassesPrediction, ClassPrediction, predict_classes
    from explorer.service.comparison import ClassRow, LayerComparison, SkillChange, compare
    from explorer.service.learning import LearnReport, continue_learning, learn
    from explorer.service.messages import ExitChart, exit_chart
    from explorer.service.percolation import PercolationReport, percolate
    from explorer.service.poisson import PoissonPrediction, ThresholdReport, predict, threshold
    from explorer.service.prediction import (
        BesideRow,
        LayerPrediction,
        SubsampleCurve,
        WaveCurve,
        predict_layer,
        subsample,
        wave_curve,
    )
    from explorer.service.snapshot import LayerView, layer_view

__all__ = [
    "AssociationReport",
    "BesideRow",
    "ClassPrediction",
    "ClassRow",
    "ClassesPrediction",
    "ExitChart",
    "LayerComparison",
    "LayerPrediction",
    "LayerView",
    "LearnReport",
    "PercolationReport",
    "PoissonPrediction",
    "SkillChange",
    "SubsampleCurve",
    "ThresholdReport",
    "WaveCurve",
    "associate",
    "compare",
    "continue_learning",
    "exit_chart",
    "layer_view",
    "learn",
    "percolate",
    "predict",
    "predict_classes",
    "predict_layer",
    "subsample",
    "threshold",
    "wave_curve",
]

_MODULES = {
    "association": (
        "AssociationReport",
        "associate",
    ),
    "classes": (
        "ClassPrediction",
        "ClassesPrediction",
        "predict_classes",
    ),
    "comparison": (
        "ClassRow",
        "LayerComparison",
        "SkillChange",
        "compare",
    ),
    "messages": (
        "ExitChart",
        "exit_chart",
    ),
    "learning": (
        "LearnReport",
        "continue_learning",
        "learn",
    ),
    "percolation": (
        "PercolationReport",
        "percolate",
    ),
    "poisson": (
        "PoissonPrediction",
        "ThresholdReport",
        "predict",
        "threshold",
    ),
    "prediction": (
        "BesideRow",
        "LayerPrediction",
        "SubsampleCurve",
        "WaveCurve",
        "predict_layer",
        "subsample",
        "wave_curve",
    ),
    "snapshot": (
        "LayerView",
        "layer_view",
    ),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
