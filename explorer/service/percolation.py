"""Site percolation of a layer's graph: skills kept at random, beside what is predicted and what was learned."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.components import components
from analysis.ensembles import Ensemble
from analysis.graph import SkillTextGraph
from analysis.newman_ziff import SitePercolationSweep, convolve, site_percolation
from analysis.percolation import site_giant
from explorer.errors import SkillgraphError
from explorer.service.snapshot import layer_view
from explorer.service.typed import typed_expectation
from explorer.store.protocol import LayerInfo, Store

__all__ = ["PercolationReport", "percolate"]


_LEARNED_POINTS = 21
"""Shares of the learned skills at which their giant component is predicted with types."""


@dataclass(frozen=True)
class PercolationReport:
    """Site percolation of the skill–text graph of a layer, and where its learned skills stand.

    Fractions are of all S skills that the layer's texts require.

    Attributes:
        layer: The layer.
        skills: S.
        phi: Fractions of skills kept at random, ascending in 0-1.
        giant: Largest cluster over S at each `phi`, mean over replicates (Newman–Ziff).
        second: Second-largest cluster over S.
        susceptibility: Mean size of the cluster of a kept skill, the largest cluster left out.
        predicted: Giant fraction by site percolation on the measured degree distributions.
        predicted_poisson: The same for the Poisson ensemble of the same c and R.
        predicted_typed: The same for random graphs that also keep each text's mix of types of skills; empty without.
        types: Number of types behind `predicted_typed`; None if there are none.
        learned_kept_typed: Shares of all skills that are kept if more and more of the learned ones are, as predicted
            with these types; empty without.
        learned_giant_typed: Giant component at each of them, exact for random graphs that keep the mix of types.
        critical: `phi` at which the susceptibility is largest before the largest cluster holds half of what is
            kept: where the giant component sets in.
        predicted_critical: `phi` above which the measured degree distributions have a giant component.
        learned: Learned fraction.
        learned_giant: Giant component of the learned skills as they are, rule `any`.
        learned_giant_random: Giant component of as many skills kept at random.
        replicates: Number of random orders.
        seed: Seed of the orders.
        seconds: Time taken.
    """

    layer: LayerInfo
    skills: int
    phi: tuple[float, ...]
    giant: tuple[float, ...]
    second: tuple[float, ...]
    susceptibility: tuple[float, ...]
    predicted: tuple[float, ...]
    predicted_poisson: tuple[float, ...]
    critical: float
    predicted_critical: float
    learned: float
    learned_giant: float
    learned_giant_random: float
    replicates: int
    seed: int
    seconds: float
    predicted_typed: tuple[float, ...] = ()
    types: int | None = None
    learned_kept_typed: tuple[float, ...] = ()
    learned_giant_typed: tuple[float, ...] = ()


def percolate(
    store: Store,
    dataset: str,
    layer: str,
    *,
    phi: Sequence[float] | None = None,
    replicates: int = 20,
    seed: int = 0,
    types: bool = False,
) -> PercolationReport:
    """Keep skills at random and watch the giant component form, beside the prediction.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        phi: Fractions at which the curves are wanted; 0, 0.01 .. 1 by default.
        replicates: Number of random orders, each a whole sweep.
        seed: Seed of the orders.
        types: Whether to choose types of skills and predict with them, which takes minutes on a million requirements.

    Returns:
        The curves.

    Raises:
        NotFoundError: No such layer.
        SkillgraphError: Its texts require no skill.
        AnalysisError: A fraction outside 0-1 or fewer than one replicate.
    """
    start = time.perf_counter()
    view = layer_view(store, dataset, layer)
    graph, learned = view.indexed.graph, view.learned
    if not graph.n_edges:
        raise SkillgraphError(f"the texts of layer {layer!r} require no skills: there is nothing to percolate")
    n = graph.n_skills
    grid = np.linspace(0.0, 1.0, 101) if phi is None else np.sort(np.asarray(phi, dtype=float))
    sweep = site_percolation(graph, replicates=replicates, rng=np.random.default_rng(seed))
    curve = convolve(sweep, grid)
    measured = Ensemble.from_degrees(graph.text_degrees, graph.skill_degrees)
    poisson = Ensemble.poisson(graph.mean_skills, graph.ratio)
    typed = typed_expectation(store, dataset, layer) if types else None
    shares = np.linspace(0.0, 1.0, _LEARNED_POINTS)
    of_learned = None if typed is None else typed.learned_kept(shares)
    kept = shares * (0.0 if typed is None else typed.predicted.evolution.learned)
    sizes = components(graph, learned, "any").sizes
    n_learned = int(np.count_nonzero(learned))
    return PercolationReport(
        layer=view.info,
        skills=n,
        phi=tuple(grid.tolist()),
        giant=tuple((curve.largest / max(n, 1)).tolist()),
        second=tuple((curve.second / max(n, 1)).tolist()),
        susceptibility=tuple(curve.susceptibility.tolist()),
        predicted=tuple(site_giant(measured, p) for p in grid.tolist()),
        predicted_poisson=tuple(site_giant(poisson, p) for p in grid.tolist()),
        critical=_onset(sweep) / max(n, 1),
        predicted_critical=_critical(graph),
        learned=n_learned / max(n, 1),
        learned_giant=(int(sizes[0]) if len(sizes) else 0) / max(n, 1),
        learned_giant_random=float(sweep.largest[n_learned]) / max(n, 1),
        replicates=replicates,
        seed=seed,
        seconds=time.perf_counter() - start,
        predicted_typed=() if typed is None else tuple(typed.kept_at_random(grid).tolist()),
        types=None if typed is None else typed.predicted.n_types,
        learned_kept_typed=() if typed is None or of_learned is None else tuple(kept.tolist()),
        learned_giant_typed=() if of_learned is None else tuple(of_learned.tolist()),
    )


def _onset(sweep: SitePercolationSweep) -> int:
    """Number of kept skills at which the giant component sets in.

    After the largest cluster has swallowed the hubs' neighbourhoods, what is left outside is noise of single
    skills whose susceptibility says nothing: the maximum is looked for before that.
    """
    kept = np.arange(sweep.n + 1)
    below_half = np.flatnonzero(sweep.largest < kept / 2)
    end = int(below_half[-1]) + 2 if len(below_half) else 1
    return int(np.argmax(sweep.susceptibility[:end]))


def _critical(graph: SkillTextGraph) -> float:
    """1 / (ρ'(1) λ'(1)) of the measured degrees, at most 1 ([Callaway2000] on the projection)."""
    branching = _excess(graph.text_degrees) * _excess(graph.skill_degrees)
    return min(1.0, 1.0 / branching) if branching > 0 else 1.0


def _excess(degrees: NDArray[np.integer]) -> float:
    total = float(degrees.sum())
    return float((degrees.astype(float) * (degrees - 1)).sum()) / total if total else 0.0
