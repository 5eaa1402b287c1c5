"""What the theory predicts of texts with Poisson numbers of skills, from c and R alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis import percolation as site
from analysis.ensembles import Ensemble
from analysis.learners import parse_learner
from analysis.threshold import emergence_threshold

__all__ = ["PoissonPrediction", "ThresholdReport", "predict", "threshold", "unsettled"]


@dataclass(frozen=True, kw_only=True)
class PoissonPrediction(site.Prediction):
    """What theory predicts of the Poisson ensemble with these parameters; fractions are of all skills.

    Attributes:
        mean_skills: c, mean number of skills in a text.
        ratio: R, texts over skills.
        learner: The learner's name.
    """

    mean_skills: float
    ratio: float
    learner: str


@dataclass(frozen=True)
class ThresholdReport:
    """Where skills emerge, for texts with Poisson numbers of skills.

    Attributes:
        mean_skills: c.
        learner: The learner's name.
        ratio: R* at which the learned fraction jumps; None where it grows continuously.
        unlearned_at_threshold: q just above it; None where there is no jump.
        jump: True if there is one.
    """

    mean_skills: float
    learner: str
    ratio: float | None
    unlearned_at_threshold: float | None
    jump: bool


def unsettled(names: Sequence[str]) -> str:
    """The caution for predictions whose iteration did not converge.

    Args:
        names: Of the ensembles, at least one.
    """
    return (
        f"The iteration for {' and '.join(names)} did not converge: the graph lies on or very near a threshold, so the "
        "last digits of the prediction are uncertain, and a graph of finite size may end on either side."
    )


def predict(mean_skills: float, ratio: float, learner: str = "one") -> PoissonPrediction:
    """Density evolution and giant components of the Poisson ensemble.

    Args:
        mean_skills: c, mean number of skills in a text.
        ratio: R, texts over skills.
        learner: As on the command line.

    Returns:
        The prediction.

    Raises:
        AnalysisError: c or R is not a positive number, or the learner is none.
    """
    rule = parse_learner(learner)
    found = site.predict(Ensemble.poisson(mean_skills, ratio), rule)
    return PoissonPrediction(**vars(found), mean_skills=mean_skills, ratio=ratio, learner=rule.name)


def threshold(mean_skills: float, learner: str = "one") -> ThresholdReport:
    """The ratio of texts to skills at which skills emerge.

    Args:
        mean_skills: c, mean number of skills in a text.
        learner: As on the command line.

    Returns:
        The threshold, or that emergence is gradual.

    Raises:
        AnalysisError: c is not a positive number, or the learner is none.
    """
    rule = parse_learner(learner)
    found = emergence_threshold(mean_skills, rule)
    return ThresholdReport(mean_skills, rule.name, found.ratio, found.unlearned, found.jump)
