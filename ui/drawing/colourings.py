"""What the colours of skills can say: one legend and each skill's place in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ui.drawing.centrality import betweenness, degree
from ui.drawing.graphs import LayerGraph
from ui.drawing.style import CATEGORIES, CHANGES, OTHER, category_colours, ramp
from ui.drawing.words import coded

__all__ = [
    "TITLES",
    "Category",
    "Colouring",
    "by_centrality",
    "by_level",
    "by_membership",
    "colouring",
    "colourings",
]

Int = npt.NDArray[np.int64]

_LISTED = len(CATEGORIES)  # categories with a colour of their own

TITLES: Mapping[str, str] = {
    "class": "class",
    "wave": "wave",
    "community": "community",
    "component": "component",
    "change": "kept or gained",
    "level": "level",
    "layers": "layers",
    "degree": "degree",
    "betweenness": "betweenness",
}
"""Keys of all colourings, as in URLs, and their names for people."""


@dataclass(frozen=True)
class Category:
    """One line of a legend: its label, colour and number of skills."""

    label: str
    colour: str
    count: int


@dataclass(frozen=True, eq=False)
class Colouring:
    """What colours can say about skills.

    Attributes:
        key: One of `TITLES`.
        title: As people call it.
        categories: The legend.
        of: int64 (n,), each node's place in `categories`.
        meaning: What the legend's words mean, where they need it.
    """

    key: str
    title: str
    categories: tuple[Category, ...]
    of: Int
    meaning: str = ""

    def colour(self, node: int) -> str:
        """Colour of a node."""
        return self.categories[int(self.of[node])].colour

    def commonest(self, nodes: Int) -> int:
        """The place that most of some nodes have."""
        return int(np.bincount(self.of[nodes]).argmax())

    def take(self, nodes: Int) -> Colouring:
        """The same colours for some of the nodes; the legend counts those only."""
        of = self.of[nodes]
        counts = np.bincount(of, minlength=len(self.categories)).tolist()
        kept = tuple(replace(c, count=n) for c, n in zip(self.categories, counts, strict=True))
        return replace(self, categories=kept, of=of)


def colourings(graph: LayerGraph, base_learned: npt.NDArray[np.bool_] | None = None) -> dict[str, Colouring]:
    """The colourings that need nothing but the graph and its base.

    Args:
        graph: The graph.
        base_learned: Bool (n,), which nodes the base layer has learned too; None without a base.
    """
    found = {"class", "wave", "community"}
    if graph.n and int(graph.component.max()) >= 0:
        found.add("component")
    if base_learned is not None:
        found.add("change")
    return {key: colouring(key, graph, base_learned) for key in TITLES if key in found}


def colouring(key: str, graph: LayerGraph, base_learned: npt.NDArray[np.bool_] | None = None) -> Colouring:
    """One of `colourings`; no other is computed."""
    if key == "wave":
        return _by_wave(graph)
    if key == "community":
        return _by_community(graph.community)
    if key == "component":
        return _by_component(graph)
    if key == "change" and base_learned is not None:
        return _by_code("change", ("kept", "gained"), np.where(base_learned, 0, 1), CHANGES)
    return _by_code("class", *graph.classes)


def by_level(levels: Sequence[int | None]) -> Colouring:
    """Levels of the hierarchy, from the first on; "no level" where the dataset says none."""
    there = sorted({level for level in levels if level is not None})
    labels = ["no level" if level is None else f"level {level}" for level in levels]
    order = [f"level {level}" for level in there]
    colours = dict(zip(order, ramp(len(order)), strict=True)) | {"no level": OTHER}
    found = _ordered("level", labels, [*order, "no level"], colours)
    return replace(found, meaning="as the dataset says")


def by_membership(layers: Mapping[str, npt.NDArray[np.bool_]]) -> Colouring:
    """Which layers of the dataset have learned a skill.

    Args:
        layers: For each layer, bool (n,): which nodes it has learned.
    """
    names = list(layers)
    table = np.column_stack([layers[name] for name in names])

    def label(row: Sequence[bool]) -> str:
        having = [name for name, has in zip(names, row, strict=True) if has]
        if len(having) == len(names):
            return f"all {len(names)} layers" if len(names) > 1 else having[0]
        missing = [name for name, has in zip(names, row, strict=True) if not has]
        return "all but " + missing[0] if len(missing) == 1 and len(names) > 2 else " + ".join(having) or "none"

    rows, place = np.unique(table, axis=0, return_inverse=True)
    labels = [label(row) for row in rows.tolist()]
    found = _by_value("layers", [labels[i] for i in np.ravel(place).tolist()])
    return replace(found, meaning="which layers of the dataset have learned it")


def by_centrality(key: str, graph: LayerGraph) -> Colouring:
    """Degree or betweenness within a graph, in a few steps from low to high."""
    if key == "degree":
        values = degree(graph).astype(float)
        bounds = [0.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0]
        names = ["none", "1 or 2", "3–5", "6–10", "11–25", "26–50", "51–100", "over 100"]
        meaning = "associations of a skill, within what is shown"
    else:
        found = betweenness(graph)
        values = found.share
        bounds = [0.0, 1e-4, 1e-3, 1e-2, 5e-2]
        names = ["none", "under 0.01 %", "0.01–0.1 %", "0.1–1 %", "1–5 %", "over 5 %"]
        meaning = "share of the shortest paths between other skills that pass through it"
        meaning += "" if found.exact else f", estimated from {found.samples} skills"
    place = np.searchsorted(np.array(bounds), values, side="left")
    found_look = _ordered(
        key, [names[i] for i in place.tolist()], names, dict(zip(names, ramp(len(names)), strict=True))
    )
    return replace(found_look, meaning=meaning)


def _ordered(key: str, labels: Sequence[str], order: Sequence[str], colours: Mapping[str, str]) -> Colouring:
    """Categories in a given order, those that occur."""
    counts = Counter(labels)
    there = [label for label in order if counts[label]]
    place = {label: i for i, label in enumerate(there)}
    categories = tuple(Category(label, colours[label], counts[label]) for label in there)
    return Colouring(key, TITLES[key], categories, np.array([place[v] for v in labels], dtype=np.int64))


def _by_value(key: str, values: Sequence[str], colours: Mapping[str, str] | None = None) -> Colouring:
    return _by_code(key, *coded(values), colours)


def _by_code(key: str, names: Sequence[str], code: Int, colours: Mapping[str, str] | None = None) -> Colouring:
    """Names that occur, the commonest first; `code` is the place of each node's among them."""
    counts = np.bincount(code, minlength=len(names)).tolist()
    order = sorted((i for i, n in enumerate(counts) if n), key=lambda i: (-counts[i], names[i]))
    listed = order[:_LISTED]
    chosen = colours or category_colours([names[i] for i in listed])
    categories = [Category(names[i], chosen[names[i]], counts[i]) for i in listed]
    if len(order) > len(listed):
        rest = sum(counts[i] for i in order[_LISTED:])
        categories.append(Category(f"{len(order) - _LISTED:,} more", OTHER, rest))
    place = np.zeros(len(names), dtype=np.int64)
    place[order] = np.minimum(np.arange(len(order)), len(categories) - 1)
    return Colouring(key, TITLES[key], tuple(categories), place[code])


def _by_wave(graph: LayerGraph) -> Colouring:
    waves, code, numbers = np.unique(graph.wave, return_inverse=True, return_counts=True)
    shown, counts = waves[:10].tolist(), numbers.tolist()
    colours = ramp(len(shown))
    categories = [
        Category("known before" if wave == 0 else f"wave {wave}", colour, count)
        for wave, colour, count in zip(shown, colours, counts, strict=False)
    ]
    if len(waves) > len(shown):
        last = categories[-1]
        categories[-1] = Category(f"wave {shown[-1]} and later", last.colour, sum(counts[9:]))
    of = np.minimum(code.astype(np.int64), max(len(shown) - 1, 0))
    return Colouring("wave", "wave", tuple(categories), of, "the round of peeling in which a skill was learned")


def _by_community(community: Int) -> Colouring:
    sizes = np.bincount(community) if len(community) else np.zeros(0, dtype=np.int64)
    colours = category_colours([str(i) for i in range(min(len(sizes), _LISTED))])
    categories = [Category(f"community {i + 1}", colours[str(i)], int(sizes[i])) for i in range(len(colours))]
    if len(sizes) > _LISTED:
        categories.append(Category(f"{len(sizes) - _LISTED:,} smaller", OTHER, int(sizes[_LISTED:].sum())))
    of = np.minimum(community, _LISTED)
    return Colouring("community", "community", tuple(categories), of, "skills that are mostly linked to each other")


def _by_component(graph: LayerGraph) -> Colouring:
    _, place, sizes = np.unique(graph.component, return_inverse=True, return_counts=True)
    names = ("giant component", "small component", "alone")
    code = np.where(graph.component == 0, 0, np.where(sizes[place] == 1, 2, 1))
    colours = {"giant component": "#0072B2", "small component": "#E69F00", "alone": OTHER}
    return _by_code("component", names, code, colours)
