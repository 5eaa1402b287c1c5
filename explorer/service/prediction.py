"""What the theory predicts beside what was measured on a stored layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis import percolation as site
from analysis.learners import parse_learner
from analysis.replicates import LearningReplicates, Replicates, learning_replicates, subsample_replicates
from analysis.sampling import configuration_graph, poisson_graph
from explorer.errors import SkillgraphError
from explorer.service.association import giant_of
from explorer.service.expectation import Expectation, expectations, known_beforehand
from explorer.service.learning import CONTINUED
from explorer.service.poisson import unsettled
from explorer.service.snapshot import LayerView, layer_view
from explorer.service.stale import stale_sentence
from explorer.service.typed import TypedExpectation, typed_expectation
from explorer.store.protocol import LayerInfo, Store
from explorer.wording import plural

__all__ = [
    "REPLICATES",
    "SWIFT_UP_TO",
    "BesideRow",
    "LayerPrediction",
    "SubsampleCurve",
    "WaveCurve",
    "predict_layer",
    "require_requirements",
    "subsample",
    "wave_curve",
]


REPLICATES = 100
"""Random graphs of each kind behind the bands, unless another number is given."""

SWIFT_UP_TO = 200_000
"""Requirements up to which bands and types are computed unasked: beyond, they take minutes."""


@dataclass(frozen=True)
class BesideRow:
    """One quantity, predicted and measured.

    Attributes:
        quantity: Short name, stable.
        meaning: One line that says what it is.
        measured: On the stored layer; None where it cannot be measured.
        poisson: For the Poisson ensemble of the same c and R; None where it has none.
        degrees: For random graphs with the measured degree distributions; None where it has none.
        poisson_difference: Measured less `poisson`; None where one of them is missing.
        degrees_difference: Measured less `degrees`.
        poisson_band: Central 95 % of random Poisson graphs of this size, low and high; None if none were drawn.
        degrees_band: The same for random graphs with the measured degrees.
        typed: For random graphs in which every text also keeps its mix of types of skills; None where it has none.
        typed_difference: Measured less `typed`.
        typed_band: Central 95 % of random graphs of this size that keep each text's mix of types.
    """

    quantity: str
    meaning: str
    measured: float | None
    poisson: float | None
    degrees: float | None
    poisson_difference: float | None = None
    degrees_difference: float | None = None
    poisson_band: tuple[float, float] | None = None
    degrees_band: tuple[float, float] | None = None
    typed: float | None = None
    typed_difference: float | None = None
    typed_band: tuple[float, float] | None = None


@dataclass(frozen=True)
class LayerPrediction:
    """A layer beside the theory.

    Attributes:
        layer: The layer.
        texts: T.
        skills: S.
        requirements: Edges of the skill–text graph.
        ratio: R = T/S.
        mean_skills: c = edges/T.
        rows: The table.
        reasons: Why measured and predicted differ, one sentence each.
        replicates: Random graphs of each kind behind the bands; 0 without bands.
        seed: Seed of the random graphs.
        novel: Fraction of the skills that was not known beforehand.
        prerequisites: True if some skills can be learned only after others.
        types: Number of types behind `typed`; None if the layer has no such prediction.
        features: Features of skills whose product the types are.
    """

    layer: LayerInfo
    texts: int
    skills: int
    requirements: int
    ratio: float
    mean_skills: float
    rows: tuple[BesideRow, ...]
    reasons: tuple[str, ...]
    replicates: int = 0
    seed: int = 0
    novel: float = 1.0
    prerequisites: bool = False
    types: int | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class SubsampleCurve:
    """Learned fraction (of all skills of the layer's texts) for growing shares of the texts.

    Attributes:
        layer: The layer.
        shares: Shares of the texts, ascending, in 0-1.
        learned: Mean learned fraction over replicates.
        low: Smallest replicate.
        high: Largest replicate.
        poisson: Predicted for the Poisson ensemble at R times the share.
        degrees: Predicted for random graphs with the measured degree distributions, thinned.
        typed: Predicted for random graphs that also keep each text's mix of types; empty if there are no types.
        replicates: Random subsamples at each share.
        seed: Seed of the subsamples.
    """

    layer: LayerInfo
    shares: tuple[float, ...]
    learned: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    poisson: tuple[float, ...]
    degrees: tuple[float, ...]
    replicates: int
    seed: int
    typed: tuple[float, ...] = ()


@dataclass(frozen=True)
class WaveCurve:
    """Learned fraction after each wave; index k is after wave k, index 0 before the first.

    Attributes:
        layer: The layer.
        measured: Of the layer.
        poisson: Iterates of density evolution for the Poisson ensemble of the same c and R.
        degrees: Iterates for random graphs with the measured degree distributions.
        typed: Iterates for random graphs that also keep each text's mix of types; empty if there are no types.
    """

    layer: LayerInfo
    measured: tuple[float, ...]
    poisson: tuple[float, ...]
    degrees: tuple[float, ...]
    typed: tuple[float, ...] = ()


def require_requirements(view: LayerView) -> None:
    """Refuse a layer of which theory can say nothing: estimated from outcomes, or without requirements."""
    if view.info.kind == "evidence":
        raise SkillgraphError(
            f"layer {view.info.name!r} was estimated from a model's outcomes, not learned from texts: there is nothing "
            "to predict"
        )
    if view.indexed.graph.n_edges == 0:
        raise SkillgraphError(f"the texts of layer {view.info.name!r} require no skills: there is nothing to predict")


def predict_layer(
    store: Store,
    dataset: str,
    layer: str,
    *,
    replicates: int | None = 0,
    seed: int = 0,
    workers: int = 1,
    types: bool | None = None,
) -> LayerPrediction:
    """Lay the theory's prediction beside what a stored layer learned.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        replicates: Random graphs of each kind to draw and peel, which show how far a graph of this size strays
            from the prediction by chance; 0 for none; None for `REPLICATES` up to `SWIFT_UP_TO` requirements, else
            none.
        seed: Seed of the random graphs.
        workers: Threads that draw them.
        types: Whether to choose types of skills and predict with them; None for layers of up to `SWIFT_UP_TO`
            requirements.

    Returns:
        One row a quantity.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: Its texts require no skill.
    """
    view = layer_view(store, dataset, layer)
    require_requirements(view)
    graph, rule = view.indexed.graph, parse_learner(view.info.learner)
    poisson, degrees = expectations(view, known_beforehand(view))
    by_poisson, by_degrees = poisson.evolve(rule), degrees.evolve(rule)
    if replicates is None:
        replicates = REPLICATES if graph.n_edges <= SWIFT_UP_TO else 0
    if types is None:
        types = graph.n_edges <= SWIFT_UP_TO
    n = graph.n_skills
    learned = int(np.count_nonzero(view.learned)) / n if n else 0.0
    understood = _understood(view)
    typed = typed_expectation(store, dataset, layer) if types else None
    bands = _bands(view, typed, replicates, seed, workers)
    by_types = {} if typed is None else typed.quantities(learned)
    settled = {"Poisson": by_poisson.converged, "same degrees": by_degrees.converged}
    if typed is not None:
        settled["with types"] = typed.predicted.evolution.converged
    open_ends = [name for name, well in settled.items() if not well]
    caution = (unsettled(open_ends),) if open_ends else ()
    rows = (
        _beside(
            bands,
            by_types,
            "learned",
            "Fraction of all skills that are learned",
            learned,
            by_poisson.learned,
            by_degrees.learned,
        ),
        _beside(
            bands,
            by_types,
            "not_understood",
            "Fraction of the training texts with a skill that is not learned",
            1.0 - understood,
            1.0 - by_poisson.understood,
            1.0 - by_degrees.understood,
        ),
        _beside(
            bands,
            by_types,
            "waves",
            "Rounds of reading all texts until nothing more is learned (predicted: until less than one skill is "
            "learned)",
            float(view.info.waves),
            float(_rounds(by_poisson.trajectory, n)),
            float(_rounds(by_degrees.trajectory, n)),
        ),
        _beside(
            bands,
            by_types,
            "ratio",
            "Texts per skill, R (predicted: the threshold R* at which skills would emerge at once)",
            graph.ratio,
            poisson.threshold(rule),
            degrees.threshold(rule),
        ),
        _beside(
            bands,
            by_types,
            "giant",
            "Giant component of the learned skills' association graph, as a fraction of all skills",
            giant_of(view, "any"),
            poisson.giant("any", rule),
            degrees.giant("any", rule),
        ),
        _beside(
            bands,
            by_types,
            "giant_understood",
            "The same, linked only by texts all of whose skills are learned",
            giant_of(view, "understood"),
            poisson.giant("understood", rule),
            degrees.giant("understood", rule),
        ),
        _beside(
            bands,
            by_types,
            "percolation",
            "Texts per skill, R, at which the learned skills would first have a giant component",
            None,
            poisson.percolation(rule),
            degrees.percolation(rule),
        ),
        _beside(
            bands,
            by_types,
            "giant_site",
            "Giant component if as many skills were kept at random (site percolation)",
            None,
            site.site_giant(poisson.single, learned),
            site.site_giant(degrees.single, learned),
        ),
        _beside(
            bands,
            by_types,
            "condition",
            "Site percolation condition: above 1 the learned skills have a giant component",
            None,
            site.site_condition(poisson.single, learned),
            site.site_condition(degrees.single, learned),
        ),
    )
    return LayerPrediction(
        layer=view.info,
        texts=graph.n_texts,
        skills=n,
        requirements=graph.n_edges,
        ratio=graph.ratio,
        mean_skills=graph.mean_skills,
        rows=rows,
        reasons=(*_reasons(view, learned, by_poisson.learned, by_degrees.learned), *caution),
        replicates=replicates,
        seed=seed,
        novel=poisson.novel,
        prerequisites=poisson.prerequisites is not None,
        types=None if typed is None else typed.predicted.n_types,
        features=() if typed is None else typed.choice.features,
    )


_Band = tuple[float, float]
_Bands = dict[str, tuple[_Band, _Band, _Band | None]]


def _bands(view: LayerView, typed: TypedExpectation | None, replicates: int, seed: int, workers: int) -> _Bands:
    """For each quantity the central 95 % of random graphs of the layer's size: Poisson, its degrees, its types."""
    if replicates == 0:
        return {}
    graph, rule = view.indexed.graph, parse_learner(view.info.learner)
    text_degrees, skill_degrees = graph.text_degrees, graph.skill_degrees
    kinds = (
        lambda rng: poisson_graph(graph.mean_skills, graph.n_texts, graph.n_skills, rng),
        lambda rng: configuration_graph(text_degrees, skill_degrees, rng),
    )
    poisson, degrees = (
        learning_replicates(
            draw,
            rule,
            known=known_beforehand(view),
            prerequisites=view.indexed.prerequisites,
            replicates=replicates,
            seed=seed,
            workers=workers,
        )
        for draw in kinds
    )
    by_types = None if typed is None else typed.replicates(replicates, seed=seed, workers=workers)

    def band(found: LearningReplicates, quantity: str) -> _Band:
        if quantity == "not_understood":
            low, high = found.understood.band(0.95)
            return 1.0 - high, 1.0 - low
        values: Replicates = getattr(found, quantity)
        return values.band(0.95)

    return {
        quantity: (
            band(poisson, quantity),
            band(degrees, quantity),
            None if by_types is None else band(by_types, quantity),
        )
        for quantity in ("learned", "not_understood", "waves", "giant")
    }


def _beside(
    bands: _Bands,
    by_types: Mapping[str, float | None],
    quantity: str,
    meaning: str,
    measured: float | None,
    poisson: float | None,
    degrees: float | None,
) -> BesideRow:
    def less(predicted: float | None) -> float | None:
        return None if measured is None or predicted is None else measured - predicted

    by_poisson, by_degrees, by_typed = bands.get(quantity, (None, None, None))
    typed = by_types.get(quantity)
    return BesideRow(
        quantity,
        meaning,
        measured,
        poisson,
        degrees,
        less(poisson),
        less(degrees),
        by_poisson,
        by_degrees,
        typed,
        less(typed),
        by_typed,
    )


def _understood(view: LayerView) -> float:
    graph = view.indexed.graph
    if not graph.n_texts:
        return 0.0
    text_of = np.repeat(np.arange(graph.n_texts), np.diff(graph.text_ptr))
    novel = np.bincount(text_of, weights=~view.learned[graph.text_skills], minlength=graph.n_texts)
    return float(np.mean(novel == 0))


def _rounds(trajectory: NDArray[np.float64], n_skills: int) -> int:
    """First wave after which fewer than one more skill is expected."""
    if n_skills == 0:
        return 0
    steps = -np.diff(trajectory) * n_skills
    late = np.flatnonzero(steps < 1.0)
    return int(late[0]) if len(late) else len(steps)


def _reasons(view: LayerView, learned: float, poisson: float, degrees: float) -> tuple[str, ...]:
    """Sentences for the differences that are there, each with the figure that shows it."""
    graph = view.indexed.graph
    if not graph.n_edges:
        return ()
    reasons: list[str] = [stale_sentence(view.info)] if view.info.stale else []
    spread = float(np.var(graph.skill_degrees)) / float(np.mean(graph.skill_degrees))
    once = float(np.mean(graph.skill_degrees == 1))
    if spread > 2.0:
        reasons.append(
            f"Skills are not used evenly: {once:.0%} occur in a single text, and the variance of a skill's uses is "
            f"{spread:,.0f} times a Poisson's, so the Poisson prediction ({poisson:.1%}) describes another "
            "kind of graph."
        )
    gap = learned - degrees
    # A fine-tuned layer was not trained as it is predicted: its gap may be the order of training.
    if view.info.base is None and abs(gap) > max(0.01, 3.0 / math.sqrt(max(graph.n_skills, 1))):
        direction = "less" if gap < 0 else "more"
        why = (
            "rare skills occur together with other rare skills in the same texts, which then wait for each other"
            if gap < 0
            else "skills that are used together are learned together, and common skills make rare ones learnable"
        )
        reasons.append(
            f"With the same degrees but random pairing {degrees:.1%} would be learned; this graph learns "
            f"{100.0 * abs(gap):.1f} points {direction}, because its skills are correlated: {why}."
        )
    known = int(np.count_nonzero(known_beforehand(view)))
    if known:
        reasons.append(f"Known before the first text: {plural(known, 'skill')}; both predictions start from there.")
    if view.indexed.prerequisites is not None:
        reasons.append(
            "Both predictions take prerequisites into account, as if drawn at random within each pair of levels; "
            "there is no equation for the threshold and the giant component with prerequisites, and "
            "curves over R leave prerequisites out."
        )
    if CONTINUED in view.info.parameters:
        reasons.append(
            f"The layer was continued after {', '.join(view.info.listed(CONTINUED))} texts: its waves count on from "
            "there, while the predicted ones are those of reading all texts from the start."
        )
    if view.info.base is not None:
        reasons.append(
            "Poisson and same degrees assume that all texts of this layer and its base are read together; this layer "
            f"was trained in mode {view.info.mode!r}, which the prediction with types follows."
        )
    return tuple(reasons)


def subsample(
    store: Store,
    dataset: str,
    layer: str,
    *,
    shares: Sequence[float] | None = None,
    replicates: int = 10,
    seed: int = 0,
) -> SubsampleCurve:
    """What growing shares of the texts would teach a learner that starts from nothing.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        shares: Shares of the texts; 0.05, 0.10 .. 1 by default.
        replicates: Random subsamples at each share.
        seed: Seed of the subsamples.

    Returns:
        Measured and predicted curves.

    Raises:
        NotFoundError: No such layer.
    """
    view = layer_view(store, dataset, layer)
    require_requirements(view)
    graph, rule = view.indexed.graph, parse_learner(view.info.learner)
    grid = np.linspace(0.05, 1.0, 20) if shares is None else np.sort(np.asarray(shares, dtype=float))
    learned = subsample_replicates(
        graph, grid, rule, prerequisites=view.indexed.prerequisites, replicates=replicates, seed=seed
    )
    poisson, degrees = expectations(view)
    typed = typed_expectation(store, dataset, layer)
    return SubsampleCurve(
        layer=view.info,
        shares=tuple(grid.tolist()),
        learned=tuple(learned.mean(axis=0).tolist()),
        low=tuple(learned.min(axis=0).tolist()),
        high=tuple(learned.max(axis=0).tolist()),
        poisson=tuple(poisson.evolve(rule, share).learned for share in grid.tolist()),
        degrees=tuple(degrees.evolve(rule, share).learned for share in grid.tolist()),
        replicates=replicates,
        seed=seed,
        typed=() if typed is None else tuple(typed.from_nothing(share) for share in grid.tolist()),
    )


def wave_curve(store: Store, dataset: str, layer: str) -> WaveCurve:
    """Learned fraction wave by wave, beside density evolution.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.

    Returns:
        Curves; index k is after wave k.

    Raises:
        NotFoundError: No such layer.
    """
    view = layer_view(store, dataset, layer)
    require_requirements(view)
    n = max(view.indexed.graph.n_skills, 1)
    last = max(int(view.wave.max(initial=0)), 1)
    counts = np.bincount(view.wave[view.learned], minlength=last + 1)
    poisson, degrees = expectations(view, known_beforehand(view))
    rule = parse_learner(view.info.learner)

    def padded(trajectory: NDArray[np.float64]) -> tuple[float, ...]:
        values = np.pad(trajectory, (0, max(0, last + 1 - len(trajectory))), mode="edge")
        return tuple(np.clip(1.0 - values[: last + 1], 0.0, 1.0).tolist())

    def iterates(expected: Expectation) -> tuple[float, ...]:
        return padded(np.asarray(expected.evolve(rule).trajectory))

    typed = typed_expectation(store, dataset, layer)
    return WaveCurve(
        view.info,
        tuple((np.cumsum(counts) / n).tolist()),
        iterates(poisson),
        iterates(degrees),
        () if typed is None else padded(typed.predicted.evolution.trajectory),
    )
