"""The association graph of a layer as the pages draw it: arrays only, made once for each version of the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.association import associate
from explorer.service import LayerView
from explorer.store.protocol import Store
from explorer.wording import isolated
from ui.drawing.layouts import Islands, communities, islands, map_positions
from ui.drawing.words import Places, Words, coded

__all__ = [
    "EDGE_LIMIT",
    "GROUP_LIMIT",
    "NODE_LIMIT",
    "NODE_LIMITS",
    "Grouping",
    "LayerGraph",
    "backbone",
    "edge_limit",
    "layer_graph",
    "most_used",
    "shortest_path",
    "skills_of",
    "subgraph",
    "texts_of",
]

Int = npt.NDArray[np.int64]
Float = npt.NDArray[np.float64]

NODE_LIMITS = (3_000, 5_000, 10_000)
"""Most skills that are drawn, as a person chooses: a browser without a graphics card moves all of them at over 30
frames a second, but takes the longer to draw them for the first time."""

NODE_LIMIT = NODE_LIMITS[0]
"""Nodes that are drawn unless more are asked for; a layer above it opens on communities."""

EDGE_LIMIT = 7_500
"""Edges likewise; see `edge_limit`."""

GROUP_LIMIT = 400
"""Most closed groups that are drawn as discs, the largest first."""


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """Learned skills and their associations; node i is the i-th learned skill in order of index.

    Attributes:
        view: The layer.
        skill: int64 (n,), index of each node's skill in the view's arrays.
        name: Name of each node's skill.
        skill_class: Class of each node's skill; "no class" where it has none.
        uses: int64 (n,), number of texts that require it.
        wave: int64 (n,).
        component: int64 (n,), -1 where it is not known.
        source: int64 (m,), node.
        target: int64 (m,), node.
        weight: int64 (m,), number of texts that require both.
        stored: True if the associations come from the store, false if they were computed for the page.
        part_of: The whole and the nodes of it that these are, where this is a part: communities, classes and places
            on the map are those of the whole.
    """

    view: LayerView
    skill: Int
    name: Sequence[str]
    skill_class: Sequence[str]
    uses: Int
    wave: Int
    component: Int
    source: Int
    target: Int
    weight: Int
    stored: bool
    part_of: tuple[LayerGraph, Int] | None = None

    @property
    def n(self) -> int:
        """Number of nodes."""
        return len(self.skill)

    @property
    def m(self) -> int:
        """Number of associations."""
        return len(self.source)

    @cached_property
    def strength(self) -> Float:
        """Weight over the geometric mean of both skills' uses (Salton's cosine), float64 (m,).

        It says how much two skills keep to each other; the plain weight would join everything to the few skills
        that all texts require.
        """
        uses = np.maximum(self.uses, 1).astype(float)
        strength: Float = self.weight / np.sqrt(uses[self.source] * uses[self.target])
        return strength

    @cached_property
    def rank(self) -> Int:
        """For each association the better of its two ranks among its skills' associations, 0 the strongest."""
        return _best_rank(self.n, self.source, self.target, self.strength, self.weight)

    @cached_property
    def community(self) -> Int:
        """Community of each node, 0 the largest, int64 (n,)."""
        if self.part_of is not None:
            whole, nodes = self.part_of
            return whole.community[nodes]
        return communities(self.n, self.source, self.target, self.strength)

    @cached_property
    def by_use(self) -> Int:
        """Nodes, the most used first, int64 (n,)."""
        order: Int = np.argsort(-self.uses, kind="stable")
        return order

    @cached_property
    def radius(self) -> Float:
        """Radius of each drawn node by the logarithm of its uses, float64 (n,)."""
        radius: Float = 2.2 + 1.25 * np.log2(1.0 + self.uses)
        return radius

    @cached_property
    def level(self) -> Int:
        """Level of each node's skill in the hierarchy as the dataset says, -1 where it says none; int64 (n,)."""
        column = self.view.indexed.skill_column("level").take(self.skill)
        return np.asarray(pc.fill_null(column, -1).to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def classes(self) -> tuple[tuple[str, ...], Int]:
        """Names of the classes that there are, in order, and the place of each node's among them, int64 (n,)."""
        return coded(self.skill_class)

    @cached_property
    def class_number(self) -> Int:
        """Number of each node's class, 0 the largest, int64 (n,)."""
        if self.part_of is not None:
            whole, nodes = self.part_of
            return whole.class_number[nodes]
        return _by_size(self.classes[1])

    @cached_property
    def component_number(self) -> Int:
        """Number of each node's component in the drawn associations, 0 the largest, int64 (n,)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        matrix = coo_array((np.ones(self.m), (self.source, self.target)), shape=(self.n, self.n))
        _, label = connected_components(matrix, directed=False)
        return _by_size(label.astype(np.int64))

    @cached_property
    def outline(self) -> Int:
        """Edges of a backbone of the whole graph: those that positions come from."""
        limit = max(EDGE_LIMIT, 2 * self.n)
        edges, _ = backbone(self.n, self.source, self.target, self.strength, self.rank, limit=limit)
        return edges

    @cached_property
    def map_positions(self) -> Float:
        """Positions on the map of the whole graph, 0-1000 across, float64 (n, 2)."""
        if self.part_of is not None:
            whole, nodes = self.part_of
            return whole.map_positions[nodes]
        edges = self.outline
        return map_positions(self.community, self.radius, self.source[edges], self.target[edges], self.strength[edges])

    def gather(self) -> None:
        """Find the communities of the whole graph and where they lie: seconds for a million associations."""
        _ = self.groupings["community"].atlas

    @property
    def gathered(self) -> bool:
        """Whether the communities of the whole graph and the outline of its associations have been found."""
        whole = self if self.part_of is None else self.part_of[0]
        return {"community", "outline"} <= vars(whole).keys()

    @cached_property
    def groupings(self) -> dict[str, Grouping]:
        """Ways to put skills together, by key."""
        labels = {"community": self.community, "class": self.class_number, "component": self.component_number}
        return {key: Grouping(self, key, label) for key, label in labels.items()}

    @cached_property
    def node_of(self) -> Mapping[str, int]:
        """Node of each skill id."""
        return Places(self.view.indexed.skills.ids, self.skill)

    def skill_id(self, node: int) -> str:
        """Id of a node's skill."""
        found: str = self.view.indexed.skills.ids[int(self.skill[node])].as_py()
        return found

    def neighbours(self, node: int) -> list[tuple[int, int]]:
        """(node, weight) of each association of a node, the heaviest first."""
        out, into = np.flatnonzero(self.source == node), np.flatnonzero(self.target == node)
        other = np.concatenate((self.target[out], self.source[into]))
        weight = self.weight[np.concatenate((out, into))]
        order = np.lexsort((other, -weight))
        return [(int(other[i]), int(weight[i])) for i in order]


@dataclass(frozen=True, eq=False)
class Grouping:
    """Skills put together: communities, classes or components.

    Attributes:
        graph: Its graph.
        key: `community`, `class` or `component`.
        label: int64 (n,), number of each node's group; numbers may be missing where a graph is part of another.
    """

    graph: LayerGraph
    key: str
    label: Int

    @cached_property
    def numbers(self) -> Int:
        """Numbers of the groups that there are, ascending: int64 (k,)."""
        found: Int = np.unique(self.label)
        return found

    @cached_property
    def of(self) -> Int:
        """Place of each node's group in `numbers`, int64 (n,)."""
        found: Int = np.searchsorted(self.numbers, self.label).astype(np.int64)
        return found

    @cached_property
    def members(self) -> tuple[Int, ...]:
        """Nodes of each group, the most used first."""
        order = np.lexsort((np.arange(self.graph.n), -self.graph.uses, self.of))
        bounds = np.searchsorted(self.of[order], np.arange(1, len(self.numbers)))
        return tuple(np.split(order, bounds)) if len(order) else ()

    @cached_property
    def drawn(self) -> Int:
        """Places of the groups that are drawn: the largest, at most `GROUP_LIMIT`."""
        sizes = np.array([len(nodes) for nodes in self.members])
        kept: Int = np.sort(np.argsort(-sizes, kind="stable")[:GROUP_LIMIT]).astype(np.int64)
        return kept

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each group: its class, or its two most used skills."""
        if self.key == "class":
            return tuple(self.graph.skill_class[int(nodes[0])] for nodes in self.members)
        return tuple(
            ", ".join(isolated(_short(self.graph.name[i])) for i in nodes[:2].tolist()) for nodes in self.members
        )

    @cached_property
    def atlas(self) -> Islands:
        """Where the drawn groups and their skills lie; skills of groups that are not drawn lie at the origin."""
        graph, edges = self.graph, self.graph.outline
        row = np.full(len(self.numbers), -1, dtype=np.int64)
        row[self.drawn] = np.arange(len(self.drawn))
        node = np.full(graph.n, -1, dtype=np.int64)
        nodes = np.flatnonzero(row[self.of] >= 0)
        node[nodes] = np.arange(len(nodes))
        source, target = node[graph.source[edges]], node[graph.target[edges]]
        both = (source >= 0) & (target >= 0)
        found = islands(
            row[self.of[nodes]], graph.radius[nodes], source[both], target[both], graph.strength[edges][both]
        )
        x, y = np.zeros(graph.n), np.zeros(graph.n)
        x[nodes], y[nodes] = found.x, found.y
        centre_x, centre_y, radius = (np.zeros(len(self.numbers)) for _ in range(3))
        centre_x[self.drawn], centre_y[self.drawn], radius[self.drawn] = found.centre_x, found.centre_y, found.radius
        return Islands(x, y, centre_x, centre_y, radius, found.scale)


def _short(name: str, letters: int = 26) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def _by_size(label: Int) -> Int:
    """The labels numbered by size, 0 the largest; among equals the one that comes first."""
    if len(label) == 0:
        return label
    sizes = np.bincount(label)
    first = np.full(len(sizes), len(label), dtype=np.int64)
    first[label[::-1]] = np.arange(len(label))[::-1]  # the last that is written stays
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    ranked: Int = rank[label]
    return ranked


def layer_graph(store: Store, view: LayerView) -> LayerGraph:
    """The graph of a layer: its stored associations, or those of rule `any` if it has none yet."""
    skill = np.flatnonzero(view.learned).astype(np.int64)
    node = np.full(len(view.wave), -1, dtype=np.int64)
    node[skill] = np.arange(len(skill))
    stored = view.info.associations is not None
    if stored:
        table = store.read_associations(view.info.dataset, view.info.name, encoded=True)
        ends = [*table["source"].chunks, *table["target"].chunks]  # together, so that ids are looked up once
        both = view.indexed.skills.indices(pa.chunked_array(ends, table["source"].type))
        source, target = np.split(both, 2)
        weight = table["weight"].to_numpy()
    else:
        pairs = associate(view.indexed.graph, view.learned)
        source, target, weight = pairs.source, pairs.target, pairs.weight
    ids = view.indexed.skills.ids.take(skill)
    names = pc.coalesce(view.indexed.skill_column("name").take(skill), ids)
    classes = pc.fill_null(view.indexed.skill_column("class").take(skill), "no class").dictionary_encode()
    return LayerGraph(
        view=view,
        skill=skill,
        name=Words(names),
        skill_class=Words(classes),
        uses=view.indexed.graph.skill_degrees[skill].astype(np.int64),
        wave=view.wave[skill].astype(np.int64),
        component=view.component[skill].astype(np.int64),
        source=node[source],
        target=node[target],
        weight=np.asarray(weight, dtype=np.int64),
        stored=stored,
    )


def _best_rank(n: int, source: Int, target: Int, strength: Float, weight: Int) -> Int:
    m = len(source)
    order = np.lexsort((-weight, -strength))
    # Edges at both ends, the strongest first; of equal ones, those that begin at a node before those that end there.
    changes = (np.diff(strength[order]) != 0) | (np.diff(weight[order]) != 0)
    first = np.concatenate(([0], np.flatnonzero(changes) + 1)) if m else np.zeros(0, np.int64)
    length = np.diff(first, append=m)
    begins = np.arange(m) + np.repeat(first, length)
    ends = np.arange(m) + np.repeat(first + length, length)
    edge = np.empty(2 * m, dtype=np.int64)
    edge[begins], edge[ends] = order, order
    words = np.sort(np.concatenate((source[order] << 32 | begins, target[order] << 32 | ends)))
    node = words >> 32
    place = np.arange(2 * m) - np.searchsorted(node, np.arange(n))[node]
    rank = np.full(m, 2 * m, dtype=np.int64)
    np.minimum.at(rank, edge[words & 0xFFFFFFFF], place)
    return rank


def backbone(
    n: int, source: Int, target: Int, strength: Float, rank: Int, *, limit: int = EDGE_LIMIT, most: int = 12
) -> tuple[Int, int]:
    """The edges to draw: a spanning forest of the strongest, and the strongest k of each node.

    The forest keeps what is connected connected on the picture.

    Args:
        n: Number of nodes.
        source: int64 (m,).
        target: int64 (m,).
        strength: float64 (m,), positive.
        rank: int64 (m,), the better rank of each edge among its ends' edges.
        limit: Number of edges that are drawn at most, the forest always being kept.
        most: Largest k; more than a dozen of each are no longer told apart.

    Returns:
        Indices of the edges in ascending order, and k.
    """
    m = len(source)
    if m == 0:
        return np.zeros(0, dtype=np.int64), 0
    kept = _spanning_forest(n, source, target, 2.0 - strength / max(float(strength.max()), 1e-300))
    forest = np.flatnonzero(kept)
    k = 0
    while k < most:
        more = np.flatnonzero(kept | (rank <= k))
        if len(more) > limit:
            break
        forest, k = more, k + 1
        if len(more) == m:
            break
    return forest, k


_PLAIN_FOREST = 20_000  # edges up to which a loop is done before scipy is imported


def _spanning_forest(n: int, source: Int, target: Int, cost: Float) -> npt.NDArray[np.bool_]:
    """Bool (m,): edges of the cheapest spanning forest by Kruskal's method; equal ones in order of their source."""
    if len(source) > _PLAIN_FOREST:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import minimum_spanning_tree

        tree = minimum_spanning_tree(coo_array((cost, (source, target)), shape=(n, n)).tocsr()).tocoo()
        return np.isin(source * n + target, tree.row.astype(np.int64) * n + tree.col)
    kept = np.zeros(len(source), dtype=bool)
    rows = np.argsort(source, kind="stable")
    order = rows[np.argsort(cost[rows], kind="stable")]
    parent = list(range(n))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for edge, start, end in zip(order.tolist(), source[order].tolist(), target[order].tolist(), strict=True):
        one, other = root(start), root(end)
        if one != other:
            parent[other] = one
            kept[edge] = True
    return kept


def shortest_path(graph: LayerGraph, start: int, goal: int) -> list[int]:
    """Nodes from one to another over as few associations as possible, the heavier ones where there is a choice.

    Returns:
        The nodes with both ends; empty if they are in different components.
    """
    if start == goal:
        return [start]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    # a step costs 1 and a little less the heavier it is: never enough to make up for another step
    cost = 1.0 + 1.0 / (graph.n + 1.0) / (1.0 + graph.weight)
    matrix = coo_array((cost, (graph.source, graph.target)), shape=(graph.n, graph.n)).tocsr()
    _, before = dijkstra(matrix, directed=False, indices=[start], return_predecessors=True)
    if before[0, goal] < 0:
        return []
    path = [goal]
    while path[-1] != start:
        path.append(int(before[0, path[-1]]))
    return path[::-1]


def texts_of(view: LayerView, skill: int, limit: int = 12) -> tuple[list[int], int]:
    """Texts that require a skill, the shortest first, and how many there are in all."""
    graph = view.indexed.graph
    texts = graph.skill_texts[graph.skill_ptr[skill] : graph.skill_ptr[skill + 1]]
    order = np.argsort(graph.text_degrees[texts], kind="stable")[:limit]
    return [int(t) for t in texts[order]], len(texts)


def skills_of(view: LayerView, text: int) -> Sequence[int]:
    """Indices of the skills that a text requires."""
    graph = view.indexed.graph
    found: list[int] = graph.text_skills[graph.text_ptr[text] : graph.text_ptr[text + 1]].tolist()
    return found


def edge_limit(nodes: int) -> int:
    """Edges that are drawn beside so many nodes at most.

    >>> edge_limit(NODE_LIMIT) == EDGE_LIMIT
    True
    """
    return nodes * EDGE_LIMIT // NODE_LIMIT


def most_used(graph: LayerGraph, limit: int, always: Collection[str] = ()) -> LayerGraph:
    """The part of a graph on its most used skills; the graph itself if it has no more.

    Args:
        graph: The whole.
        limit: Number of skills.
        always: Ids of skills that come first.
    """
    if graph.n <= limit:
        return graph
    first = np.zeros(graph.n, dtype=bool)
    first[[graph.node_of[name] for name in always if name in graph.node_of]] = True
    return subgraph(graph, np.sort(np.lexsort((-graph.uses, ~first))[:limit]))


def _taken(words: Sequence[str], nodes: Int) -> Sequence[str]:
    return words.take(nodes) if isinstance(words, Words) else tuple(words[i] for i in nodes.tolist())


def subgraph(graph: LayerGraph, nodes: Int, edges: Int | None = None) -> LayerGraph:
    """The part of a graph on some nodes, with the groups of the whole: a community keeps its number.

    Args:
        graph: The whole.
        nodes: int64 (k,), ascending.
        edges: Associations that may stay; all of them if None.
    """
    node = np.full(graph.n, -1, dtype=np.int64)
    node[nodes] = np.arange(len(nodes))
    inside = node >= 0
    kept = np.flatnonzero(inside[graph.source]) if edges is None else edges[inside[graph.source[edges]]]
    kept = kept[inside[graph.target[kept]]]
    return replace(
        graph,
        skill=graph.skill[nodes],
        name=_taken(graph.name, nodes),
        skill_class=_taken(graph.skill_class, nodes),
        uses=graph.uses[nodes],
        wave=graph.wave[nodes],
        component=graph.component[nodes],
        source=node[graph.source[kept]],
        target=node[graph.target[kept]],
        weight=graph.weight[kept],
        part_of=(graph, nodes),
    )
