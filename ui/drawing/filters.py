"""Which part of an association graph is shown: what keeps to the waves, classes, uses, mastery, weights and region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.wording import plural
from ui.drawing.graphs import LayerGraph, subgraph
from ui.drawing.histograms import within
from ui.drawing.map_picture import Box, in_box

__all__ = ["Filters", "counts_sentence", "filtered"]


@dataclass(frozen=True)
class Filters:
    """What is kept.

    Attributes:
        weight: Associations that at least so many texts require; above 1, skills left without any go too.
        waves: First and last wave; None for all.
        classes: Classes of skills; empty for all.
        box: A region of the map; None for all of it.
        uses: Skills that from 2^a to 2^(b+1) - 1 texts require; None for all.
        mastery: Skills that the model has with a probability from a to b per cent; None for all.
        added: Ids of skills that are kept whatever else is left out.
    """

    weight: int = 1
    waves: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    box: Box | None = None
    uses: tuple[int, int] | None = None
    mastery: tuple[int, int] | None = None
    added: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """How many of them leave anything out."""
        ends = (self.waves, self.uses, self.mastery, self.box)
        return sum((self.weight > 1, bool(self.classes), *(value is not None for value in ends)))


def filtered(graph: LayerGraph, filters: Filters) -> LayerGraph:
    """The part of a graph that filters keep; the graph itself if they keep everything."""
    if not filters.number:
        return graph
    kept = np.ones(graph.n, dtype=bool)
    if filters.waves is not None:
        kept &= within(graph.wave, "wave", filters.waves)
    if filters.classes:
        names, code = graph.classes
        kept &= np.array([name in filters.classes for name in names], dtype=bool)[code]
    if filters.box is not None:
        kept &= in_box(graph.map_positions, filters.box)
    if filters.uses is not None:
        kept &= within(graph.uses, "texts", filters.uses)
    if filters.mastery is not None:
        kept &= within(graph.view.mastery[graph.skill], "share", filters.mastery)
    edges = np.flatnonzero(graph.weight >= filters.weight)
    if filters.weight > 1:
        edges = edges[kept[graph.source[edges]] & kept[graph.target[edges]]]
        joined = np.zeros(graph.n, dtype=bool)
        joined[graph.source[edges]] = joined[graph.target[edges]] = True
        kept &= joined
    kept[[graph.node_of[name] for name in filters.added if name in graph.node_of]] = True
    return subgraph(graph, np.flatnonzero(kept), edges)


def counts_sentence(graph: LayerGraph, part: LayerGraph) -> str:
    """How much of the graph the filters keep."""
    if part is graph:
        return f"Nothing is left out: {plural(graph.n, 'skill')}, {plural(graph.m, 'association')}."
    return f"Kept: {part.n:,} of {plural(graph.n, 'skill')}, {part.m:,} of {plural(graph.m, 'association')}."
