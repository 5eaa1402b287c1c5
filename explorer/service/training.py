"""Frozen, continued and joint training on a foundation: what theory predicts beside the measured layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.density_evolution import DensityEvolution
from analysis.ensembles import MultiClassEnsemble
from analysis.errors import AnalysisError
from analysis.hierarchy import HierarchyResult, compare_training
from analysis.learners import parse_learner
from explorer.service.snapshot import LayerView, layer_view
from explorer.service.stages import Stage, Training, prerequisites_among
from explorer.service.typed import typed_expectation
from explorer.store.protocol import Store

__all__ = ["TrainingRow", "predict_training"]

_MODES = ("frozen", "continued", "joint")


@dataclass(frozen=True)
class TrainingRow:
    """One way to train on the foundation; learned fractions, of all skills, the foundation's (basic) and the others.

    Attributes:
        mode: `foundation` (before any domain text), `frozen`, `continued` or `joint`.
        layer: Name of the measured layer; None if the store has none of this mode.
        measured: Of all skills.
        measured_basic: Of the skills that the foundation's texts require.
        measured_domain: Of the other skills; None if there are none.
        poisson: Predicted for Poisson numbers of basic and domain skills with the measured means.
        poisson_basic: The same for basic skills.
        poisson_domain: The same for the others.
        degrees: Predicted for random graphs with the measured degrees of both classes; None where the learner has
            no such prediction.
        degrees_basic: The same for basic skills.
        degrees_domain: The same for the others.
        typed: Predicted for random graphs in which every text also keeps its mix of types of skills; None where the
            learner has no such prediction.
        typed_basic: The same for basic skills.
        typed_domain: The same for the others.
    """

    mode: str
    layer: str | None
    measured: float | None
    measured_basic: float | None
    measured_domain: float | None
    poisson: float | None
    poisson_basic: float | None
    poisson_domain: float | None
    degrees: float | None
    degrees_basic: float | None
    degrees_domain: float | None
    typed: float | None = None
    typed_basic: float | None = None
    typed_domain: float | None = None


def predict_training(store: Store, dataset: str, first: LayerView, second: LayerView) -> tuple[TrainingRow, ...]:
    """The three ways to train, where `second` was fine-tuned from `first` on other texts; otherwise nothing.

    Args:
        store: Where further layers with the same base and parts are looked for.
        dataset: Name of the dataset.
        first: The foundation.
        second: A layer fine-tuned from it.

    Returns:
        Rows foundation, frozen, continued, joint; empty where the layers are no such pair.
    """
    if second.info.kind != "fine-tuned" or second.info.base != first.info.name or first.info.kind != "foundation":
        return ()
    rows, graph = second.indexed.skill_rows, second.indexed.graph
    is_domain_text = second.taught & ~np.isin(second.indexed.text_rows, first.indexed.text_rows)
    if not is_domain_text.any() or is_domain_text.sum() + first.indexed.graph.n_texts != graph.n_texts:
        return ()
    is_domain = ~np.isin(rows, first.indexed.skill_rows)
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    labels = (text_of, graph.text_skills, is_domain_text.astype(int), is_domain.astype(int))
    learner = second.info.learner
    poisson = _predicted(labels, learner, poisson=True)
    degrees = _predicted(labels, learner, poisson=False)
    typed = _typed(store, dataset, first, second, is_domain_text, is_domain)
    layers = {"foundation": first} | {
        str(info.mode): layer_view(store, dataset, info.name)
        for info in store.layers(dataset)
        if (info.base, info.parts, info.learner) == (first.info.name, second.info.parts, learner)
        and info.name != second.info.name
    }
    layers[str(second.info.mode)] = second

    def row(mode: str) -> TrainingRow:
        view = layers.get(mode)
        name = None if view is None else view.info.name
        figures = (
            (None, None, None) if view is None else _measured(view, rows, is_domain),
            _by_class(poisson, mode),
            _by_class(degrees, mode),
        )
        (m, m_basic, m_domain), (p, p_basic, p_domain), (d, d_basic, d_domain) = figures
        return TrainingRow(
            mode, name, m, m_basic, m_domain, p, p_basic, p_domain, d, d_basic, d_domain, *typed.get(mode, ())
        )

    return tuple(row(mode) for mode in ("foundation", *_MODES))


def _typed(
    store: Store,
    dataset: str,
    first: LayerView,
    second: LayerView,
    is_domain_text: NDArray[np.bool_],
    is_domain: NDArray[np.bool_],
) -> dict[str, tuple[float, float | None, float | None]]:
    """For each way to train what texts that keep their mix of types teach: of all, basic and domain skills."""
    expected = typed_expectation(store, dataset, second.info.name)
    if expected is None:
        return {}
    rule = parse_learner(second.info.learner)
    given = np.isin(second.indexed.skill_rows, first.indexed.skill_rows[first.wave == 0])
    none = np.zeros(len(is_domain), dtype=bool)
    needed = second.indexed.prerequisites
    base = Stage(
        ~is_domain_text,
        parse_learner(first.info.learner),
        given,
        None,
        prerequisites_among(first, second.indexed.skill_rows),
    )
    stages = {
        "foundation": (base,),
        "frozen": (base, Stage(is_domain_text, rule, none, ~is_domain, needed)),
        "continued": (base, Stage(is_domain_text, rule, none, None, needed)),
        "joint": (Stage(np.ones(len(is_domain_text), dtype=bool), rule, given, None, needed),),
    }
    found: dict[str, tuple[float, float | None, float | None]] = {}
    for mode, steps in stages.items():
        predicted = Training(second, steps).predict(expected.choice.labels)
        learned = 1.0 - predicted.evolution.unlearned_by_type[predicted.types]
        parts = [float(learned[of].mean()) if of.any() else None for of in (~is_domain, is_domain)]
        found[mode] = (float(learned.mean()), parts[0], parts[1])
    return found


def _predicted(
    labels: tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]],
    learner: str,
    *,
    poisson: bool,
) -> HierarchyResult | None:
    try:
        return compare_training(MultiClassEnsemble.from_labels(*labels, poisson=poisson), parse_learner(learner))
    except AnalysisError:
        # a learner whose rule is defined for Poisson texts only
        return None


def _by_class(result: HierarchyResult | None, mode: str) -> tuple[float | None, float | None, float | None]:
    if result is None:
        return None, None, None
    found: DensityEvolution = getattr(result, mode)
    by_class = np.clip(1.0 - found.unlearned_by_class, 0.0, 1.0)
    return found.learned, float(by_class[0]), float(by_class[1]) if len(by_class) > 1 else None


def _measured(
    view: LayerView, rows: NDArray[np.int64], is_domain: NDArray[np.bool_]
) -> tuple[float, float | None, float | None]:
    learned = np.isin(rows, view.indexed.skill_rows[view.learned])

    def share(of: NDArray[np.bool_]) -> float | None:
        return float(learned[of].mean()) if of.any() else None

    return float(learned.mean()), share(~is_domain), share(is_domain)
