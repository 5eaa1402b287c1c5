"""The ensembles that a layer's graph is compared with, and what density evolution expects of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.degrees import JointDegreeDistribution
from analysis.density_evolution import DensityEvolution, evolve
from analysis.ensembles import Ensemble, MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.hierarchy import levels, prerequisite_distributions
from analysis.learners import Learner
from analysis.percolation import AssociationRule, giant_learned_general, percolation_threshold_of
from analysis.threshold import emergence_threshold_of
from explorer.service.snapshot import LayerView

__all__ = ["Expectation", "expectations", "first_giant", "known_beforehand"]

AnyEnsemble = Ensemble | MultiClassEnsemble

_LEVELS = 8
"""Levels of prerequisites that are distinguished; higher ones count as one."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """An ensemble with what is known beforehand and what must be learned first.

    Attributes:
        ensemble: Of one class of skills; of a class for each level and for known skills where there are such.
        single: The same graph's ensemble with one class of skills.
        prior: Probability that a skill of each class is not known beforehand, shape (K,).
        novel: Fraction of all skills that is not known beforehand.
        prerequisites: For each class how many skills of each class must be learned first; None where none must.
    """

    ensemble: AnyEnsemble
    single: Ensemble
    prior: NDArray[np.float64]
    novel: float
    prerequisites: tuple[JointDegreeDistribution, ...] | None

    def evolve(self, learner: Learner, share: float = 1.0) -> DensityEvolution:
        """Density evolution when a random share of the texts is read."""
        return evolve(_thinned(self.ensemble, share), learner, prior=self.prior, prerequisites=self.prerequisites)

    def giant(self, rule: AssociationRule, learner: Learner) -> float | None:
        """Giant component of the learned skills; None with prerequisites, which its equations do not cover."""
        if self.prerequisites is not None:
            return None
        return giant_learned_general(self.ensemble, rule, learner, prior=self.prior)

    def threshold(self, learner: Learner) -> float | None:
        """R at which skills emerge at once; None where they do not, and with prerequisites.

        Known skills count as a random share of all.
        """
        if self.prerequisites is not None:
            return None
        return emergence_threshold_of(self.single, learner, prior=self.novel).ratio

    def percolation(self, learner: Learner) -> float | None:
        """R at which the learned skills, joined by any text, first have a giant component.

        None where all texts there are (for Poisson, any number) are not enough, and with
        known skills or prerequisites, for which there is no equation.
        """
        if self.prerequisites is not None or self.novel < 1.0:
            return None
        return first_giant(self.single, learner)


def first_giant(ensemble: Ensemble, learner: Learner) -> float | None:
    """R at which the learned skills, joined by any text, first have a giant component; None if all are not enough."""
    try:
        return ensemble.ratio * percolation_threshold_of(ensemble, "any", learner)
    except AnalysisError:
        return None


def known_beforehand(view: LayerView) -> NDArray[np.bool_]:
    """Bool (S,), the skills that were known before any text of the graph was read.

    What a fine-tuned layer takes over from its base was learned from texts that are in the graph as well.
    """
    none: NDArray[np.bool_] = np.zeros(len(view.wave), dtype=bool)
    known: NDArray[np.bool_] = view.wave == 0
    return known if view.info.base is None else none


def expectations(view: LayerView, known: NDArray[np.bool_] | None = None) -> tuple[Expectation, Expectation]:
    """The Poisson ensemble of a layer's graph, and random graphs with its degrees.

    Args:
        view: The layer with its graph, which has edges.
        known: Bool (S,), skills known beforehand; None for none.
    """
    graph, prerequisites = view.indexed.graph, view.indexed.prerequisites
    single = (
        Ensemble.poisson(graph.mean_skills, graph.ratio),
        Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees),
    )
    known = np.zeros(graph.n_skills, dtype=bool) if known is None else known
    if prerequisites is None and not known.any():
        poisson, degrees = (Expectation(e, e, np.ones(1), 1.0, None) for e in single)
        return poisson, degrees
    label = np.zeros(graph.n_skills, dtype=np.int64)
    if prerequisites is not None:
        label = np.minimum(levels(*prerequisites, graph.n_skills), _LEVELS - 1)
    _, label = np.unique(2 * label + known, return_inverse=True)
    prior = 1.0 - np.array([float(known[label == k].all()) for k in range(int(label.max()) + 1)])
    first = None if prerequisites is None else prerequisite_distributions(*prerequisites, label)
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    edges = text_of, graph.text_skills, np.zeros(graph.n_texts, dtype=np.int64), label
    novel = 1.0 - float(known.mean())
    poisson, degrees = (
        Expectation(MultiClassEnsemble.from_labels(*edges, poisson=kind), alone, prior, novel, first)
        for kind, alone in zip((True, False), single, strict=True)
    )
    return poisson, degrees


def _thinned(ensemble: AnyEnsemble, share: float) -> AnyEnsemble:
    """The ensemble when only a random share of its texts is there: texts keep their degrees."""
    if share == 1.0:
        return ensemble
    if isinstance(ensemble, Ensemble):
        return Ensemble(ensemble.text_degrees, ensemble.skill_degrees.thinned(share))
    return MultiClassEnsemble(
        ensemble.alpha,
        share * ensemble.ratios,
        ensemble.mean_skills,
        ensemble.text_degrees,
        tuple(degrees.thinned(share) for degrees in ensemble.skill_degrees),
    )
