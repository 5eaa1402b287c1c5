"""Associations of a layer's learned skills: components and giant component."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.association import associate as project
from analysis.components import components
from explorer.options import Rule
from explorer.service.snapshot import LayerView, layer_view
from explorer.store.protocol import LayerInfo, Store

__all__ = [
    "AssociationReport",
    "ComponentsReport",
    "Rule",
    "associate",
    "find_components",
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
    """Link the learned skills of a layer that occur in the same text, and store the pairs and the components.

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


def giant_of(view: LayerView, rule: Rule) -> float:
    """Giant component of a layer's learned skills over all skills that its texts require."""
    sizes = components(view.indexed.graph, view.learned, rule).sizes
    n = view.indexed.graph.n_skills
    return int(sizes[0]) / n if len(sizes) and n else 0.0
