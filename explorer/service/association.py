"""Associations of a layer's learned skills: components, giant component and site percolation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.association import associate as project
from analysis.components import components
from analysis.ensembles import Ensemble
from analysis.graph import SkillTextGraph
from analysis.newman_ziff import SitePercolationSweep, convolve, site_percolation
from analysis.percolation import site_giant
from explorer.errors import SkillgraphError
from explorer.options import Rule
from explorer.service.snapshot import LayerView, layer_view
from explorer.store.protocol import LayerInfo, Store

__all__ = [
    "AssociationReport",
    "ComponentsReport",
    "PercolationReport",
    "Rule",
    "associate",
    "find_components",
    "percolate",
]


@dataclass(frozen=True)
class AssociationReport:
    """The association graph of a layer.

    Attributes:
        layer: The layer, with the number of its associations.
        rule: `any`: every text joins the learned skills it requires; `understood`: only texts all of whose
            skills are learned link them.
        associations: Number of joined pairs that are stored.
        components: Number of components, single skills included.
        component_sizes: Sizes of the largest, at most 20.
        giant: Size of the largest.
        giant_fraction: Size of the largest over all skills that the layer's texts require.
        seconds: Time for projecting and storing.
        reused: True if the layer had these associations already: nothing was written.
    """

    layer: LayerInfo
    rule: Rule
    associations: int
    components: int
    component_sizes: tuple[int, ...]
    giant: int
    giant_fraction: float
    seconds: float
    reused: bool = False


@dataclass(frozen=True)
class ComponentsReport:
    """The components of a layer's learned skills.

    Attributes:
        layer: Name of the layer.
        rule: Which texts join two learned skills: `any`, or only `understood` ones.
        learned: Number of learned skills.
        components: Number of components, single skills included.
        component_sizes: Sizes of the largest, at most 20.
        giant: Size of the largest.
        giant_fraction: Size of the largest over all skills that the layer's texts require.
        output: Folder with the labels of all skills; None if there is none.
        seconds: Time taken.
    """

    layer: str
    rule: str
    learned: int
    components: int
    component_sizes: tuple[int, ...]
    giant: int
    giant_fraction: float
    output: str | None
    seconds: float


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


def associate(
    store: Store,
    dataset: str,
    layer: str,
    *,
    rule: Rule = "any",
    min_weight: int = 1,
    top_k: int | None = None,
    max_text_skills: int | None = None,
) -> AssociationReport:
    """Join the learned skills of a layer that a text requires both, and store the pairs and the components.

    Args:
        store: Where the layer is and the associations go.
        dataset: Name of the dataset.
        layer: Name of the layer.
        rule: See `AssociationReport.rule`.
        min_weight: Least number of texts that require both.
        top_k: Keep only the pairs that are among the k heaviest of one of their skills.
        max_text_skills: Leave out texts with more learned skills, whose pairs grow quadratically.

    Returns:
        Sizes.

    Raises:
        NotFoundError: No such layer.
        AnalysisError: A rule, weight or k outside its range.
    """
    start = time.perf_counter()
    view = layer_view(store, dataset, layer)
    graph, learned = view.indexed.graph, view.learned
    options: dict[str, str | int | float | bool | None] = {
        "rule": rule,
        "min_weight": min_weight,
        "top": top_k,
        "max_text_skills": max_text_skills,
    }
    if view.info.associations is not None and view.info.association_options == options and not view.info.stale:
        sizes = np.bincount(view.component[learned])
        return _report(view.info, rule, sizes, graph.n_skills, start, reused=True)
    pairs = project(graph, learned, rule, min_weight=min_weight, top_k=top_k, max_text_skills=max_text_skills)
    parts = components(graph, learned, rule)
    skills = view.indexed.skills
    table = pa.table(
        {
            "source": skills.encoded(pairs.source),
            "target": skills.encoded(pairs.target),
            "weight": pa.array(pairs.weight, pa.int64()),
        }
    )
    there = np.flatnonzero(learned)
    labels = pa.table({"skill": skills.take(there), "component": pa.array(parts.label[there], pa.int32())})
    store.write_associations(dataset, layer, table, rule=rule, components=labels, options=options)
    info = next(info for info in store.layers(dataset) if info.name == layer)
    return _report(info, rule, parts.sizes, graph.n_skills, start)


def _report(
    info: LayerInfo, rule: Rule, sizes: NDArray[np.integer], n_skills: int, start: float, *, reused: bool = False
) -> AssociationReport:
    giant = int(sizes[0]) if len(sizes) else 0
    return AssociationReport(
        layer=info,
        rule=rule,
        associations=info.associations or 0,
        components=len(sizes),
        component_sizes=tuple(int(n) for n in sizes[:20]),
        giant=giant,
        giant_fraction=giant / n_skills if n_skills else 0.0,
        seconds=time.perf_counter() - start,
        reused=reused,
    )


def find_components(store: Store, dataset: str, layer: str, *, rule: Rule = "any") -> ComponentsReport:
    """Components of the learned skills of a layer; nothing is stored.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        rule: See `ComponentsReport.rule`.

    Raises:
        NotFoundError: No such layer.
        AnalysisError: A rule that is none.
    """
    start = time.perf_counter()
    view = layer_view(store, dataset, layer)
    found = components(view.indexed.graph, view.learned, rule)
    return ComponentsReport(
        layer=layer,
        rule=rule,
        learned=int(np.count_nonzero(view.learned)),
        components=found.n_components,
        component_sizes=tuple(int(n) for n in found.sizes[:20]),
        giant=found.giant,
        giant_fraction=found.giant_fraction,
        output=None,
        seconds=time.perf_counter() - start,
    )


def percolate(
    store: Store,
    dataset: str,
    layer: str,
    *,
    phi: Sequence[float] | None = None,
    replicates: int = 20,
    seed: int = 0,
) -> PercolationReport:
    """Keep skills at random and watch the giant component form, beside the prediction.

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        phi: Fractions at which the curves are wanted; 0, 0.01 .. 1 by default.
        replicates: Number of random orders, each a whole sweep.
        seed: Seed of the orders.

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


def giant_of(view: LayerView, rule: Rule) -> float:
    """Giant component of a layer's learned skills over all skills that its texts require."""
    sizes = components(view.indexed.graph, view.learned, rule).sizes
    n = view.indexed.graph.n_skills
    return int(sizes[0]) / n if len(sizes) and n else 0.0
