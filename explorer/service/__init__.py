"""Use cases: what the command line and the front end ask for, on any store."""

from explorer.service.association import AssociationReport, PercolationReport, associate, percolate
from explorer.service.classes import ClassesPrediction, ClassPrediction, predict_classes
from explorer.service.comparison import ClassRow, LayerComparison, SkillChange, compare
from explorer.service.learning import LearnReport, continue_learning, learn
from explorer.service.prediction import (
    BesideRow,
    LayerPrediction,
    Prediction,
    SubsampleCurve,
    ThresholdReport,
    WaveCurve,
    predict,
    predict_layer,
    subsample,
    threshold,
    wave_curve,
)
from explorer.service.snapshot import LayerView, layer_view

__all__ = [
    "AssociationReport",
    "BesideRow",
    "ClassPrediction",
    "ClassRow",
    "ClassesPrediction",
    "LayerComparison",
    "LayerPrediction",
    "LayerView",
    "LearnReport",
    "PercolationReport",
    "Prediction",
    "SkillChange",
    "SubsampleCurve",
    "ThresholdReport",
    "WaveCurve",
    "associate",
    "compare",
    "continue_learning",
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
