"""Several classes of skills and texts: what theory predicts for each, beside a stored layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.degrees import JointDegreeDistribution
from analysis.density_evolution import DensityEvolution, evolve
from analysis.ensembles import MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.hierarchy import prerequisite_distributions
from analysis.learners import parse_learner
from explorer.errors import SkillgraphError
from explorer.service.expectation import known_beforehand
from explorer.service.snapshot import LayerView, layer_view
from explorer.service.typed import typed_expectation
from explorer.store.protocol import Store

__all__ = ["ClassPrediction", "ClassesPrediction", "MeasuredClasses", "measured_classes", "predict_classes"]

OTHERS = "(others)"
NONE = "(no class)"


@dataclass(frozen=True)
class MeasuredClasses:
    """A layer's texts and skills by class, as the theory of several classes takes them.

    Attributes:
        text_names: Names of the J classes of texts, the largest first; small ones are together in the last.
        skill_names: Names of the K classes of skills, likewise.
        text_class: int64 (T,), class of every text.
        skill_class: int64 (S,), class of every skill.
        poisson: Ensemble with the measured shares and means only.
        degrees: Ensemble with the measured joint degrees.
    """

    text_names: tuple[str, ...]
    skill_names: tuple[str, ...]
    text_class: NDArray[np.int64]
    skill_class: NDArray[np.int64]
    poisson: MultiClassEnsemble
    degrees: MultiClassEnsemble


@dataclass(frozen=True)
class ClassPrediction:
    """One class; `measured` and the predictions are learned fractions of its skills, or understood ones of its texts.

    Attributes:
        name: Of the class.
        size: Number of its skills or texts.
        measured: On the stored layer.
        poisson: For Poisson numbers of skills with the measured means of all pairs of classes.
        degrees: For random graphs with the measured joint degrees; None where the learner has none.
        typed: For random graphs in which every text keeps its mix of types of skills; None where there is none.
    """

    name: str
    size: int
    measured: float
    poisson: float | None
    degrees: float | None
    typed: float | None = None


@dataclass(frozen=True)
class ClassesPrediction:
    """A layer beside density evolution with several classes.

    Attributes:
        measured: Learned fraction of all skills.
        poisson: Predicted for Poisson degrees within classes.
        degrees: Predicted for the measured joint degrees.
        skills: One row a class of skills.
        texts: One row a class of texts.
        mean_skills: c_jk, mean number of class-k skills in a class-j text; rows as `texts`, columns as `skills`.
        typed: Predicted for texts that keep their mix of types of skills; None where there is no such prediction.
    """

    measured: float
    poisson: float | None
    degrees: float | None
    skills: tuple[ClassPrediction, ...]
    texts: tuple[ClassPrediction, ...]
    mean_skills: tuple[tuple[float, ...], ...]
    typed: float | None = None


def _labels(values: Sequence[object], limit: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    named = [NONE if value is None else str(value) for value in values]
    names = [name for name, _ in Counter(named).most_common()]
    if len(names) > limit:
        names = [*names[: limit - 1], OTHERS]
    place = {name: i for i, name in enumerate(names)}
    return tuple(names), np.array([place.get(name, len(names) - 1) for name in named], dtype=np.int64)


def measured_classes(view: LayerView, limit: int = 8) -> MeasuredClasses:
    """Shares, ratios and degrees of a layer's classes of texts and skills.

    Args:
        view: The layer with its graph.
        limit: Largest number of classes of either kind, from 2 on; the smallest classes are counted together.

    Raises:
        SkillgraphError: The layer's texts require no skill, or fewer than two classes are allowed.
    """
    if limit < 2:
        raise SkillgraphError(f"{limit} classes are too few: one of them is for all small classes together")
    graph = view.indexed.graph
    if graph.n_edges == 0:
        raise SkillgraphError(f"the texts of layer {view.info.name!r} require no skills: there is nothing to predict")
    text_names, text_class = _labels(view.indexed.text_column("class").to_pylist(), limit)
    skill_names, skill_class = _labels(view.indexed.skill_column("class").to_pylist(), limit)
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    edges = text_of, graph.text_skills, text_class, skill_class
    return MeasuredClasses(
        text_names,
        skill_names,
        text_class,
        skill_class,
        poisson=MultiClassEnsemble.from_labels(*edges, poisson=True),
        degrees=MultiClassEnsemble.from_labels(*edges),
    )


def predict_classes(store: Store, dataset: str, layer: str, *, limit: int = 8, types: bool = True) -> ClassesPrediction:
    """Density evolution with the measured classes of texts and skills, beside what a stored layer learned.

    Skills known beforehand count as drawn at random within their class, and so do prerequisites.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        limit: As for `measured_classes`.
        types: Whether to choose types of skills and predict with them, which takes minutes on a million requirements.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: As for `measured_classes`.
    """
    view = layer_view(store, dataset, layer)
    classes = measured_classes(view, limit)
    known = known_beforehand(view)
    sizes = np.bincount(classes.skill_class)
    prior = 1.0 - np.bincount(classes.skill_class, weights=known) / np.maximum(sizes, 1)
    needed = view.indexed.prerequisites
    first = None if needed is None else prerequisite_distributions(*needed, classes.skill_class)
    poisson, degrees = (_evolved(e, view.info.learner, prior, first) for e in (classes.poisson, classes.degrees))
    graph = view.indexed.graph
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    understood = np.ones(graph.n_texts, dtype=bool)
    understood[text_of[~view.learned[graph.text_skills]]] = False
    typed = typed_expectation(store, dataset, layer) if types else None
    skill_types, text_types = (None, None) if typed is None else (typed.learned_by_skill, typed.understood_by_text)
    return ClassesPrediction(
        measured=float(view.learned.mean()),
        poisson=None if poisson is None else poisson.learned,
        degrees=None if degrees is None else degrees.learned,
        skills=_rows(
            classes.skill_names,
            classes.skill_class,
            view.learned,
            None if poisson is None else 1.0 - poisson.unlearned_by_class,
            None if degrees is None else 1.0 - degrees.unlearned_by_class,
            skill_types,
        ),
        texts=_rows(
            classes.text_names,
            classes.text_class,
            understood,
            None if poisson is None else poisson.understood_by_class,
            None if degrees is None else degrees.understood_by_class,
            text_types,
        ),
        mean_skills=tuple(tuple(row) for row in classes.degrees.mean_skills.tolist()),
        typed=None if typed is None else typed.predicted.evolution.learned,
    )


def _evolved(
    ensemble: MultiClassEnsemble,
    learner: str,
    prior: NDArray[np.float64],
    prerequisites: tuple[JointDegreeDistribution, ...] | None,
) -> DensityEvolution | None:
    try:
        return evolve(ensemble, parse_learner(learner), prior=prior, prerequisites=prerequisites)
    except AnalysisError:
        # a learner whose rule is defined for Poisson texts only
        return None


def _rows(
    names: tuple[str, ...],
    label: NDArray[np.int64],
    done: NDArray[np.bool_],
    poisson: NDArray[np.float64] | None,
    degrees: NDArray[np.float64] | None,
    typed: NDArray[np.float64] | None,
) -> tuple[ClassPrediction, ...]:
    return tuple(
        ClassPrediction(
            name=name,
            size=int(np.count_nonzero(label == k)),
            measured=float(done[label == k].mean()),
            poisson=None if poisson is None else float(np.clip(poisson[k], 0.0, 1.0)),
            degrees=None if degrees is None else float(np.clip(degrees[k], 0.0, 1.0)),
            typed=None if typed is None else float(np.clip(typed[label == k].mean(), 0.0, 1.0)),
        )
        for k, name in enumerate(names)
    )
