"""The skills that hold the giant component of a layer together: what the removal of each costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from analysis.centrality import betweenness
from analysis.components import components
from analysis.dismantling import dismantle
from explorer.errors import SkillgraphError
from explorer.service.snapshot import layer_view
from explorer.store.protocol import LayerInfo, Store

__all__ = ["Keystone", "KeystoneReport", "keystones"]


@dataclass(frozen=True)
class Keystone:
    """A skill, in the order in which skills are removed.

    Attributes:
        skill: Id.
        name: What people call it.
        skill_class: Class; None if it has none.
        uses: Number of texts that require it.
        betweenness: Share of the pairs of other skills whose shortest paths over associations pass through it; None
            for a layer without associations.
        alone: By how much the giant component becomes smaller if this skill alone is removed, itself included.
        cost: The same at its turn, after those before it.
        giant: Size of the giant component once it is removed.
    """

    skill: str
    name: str
    skill_class: str | None
    uses: int
    betweenness: float | None
    alone: int
    cost: int
    giant: int


@dataclass(frozen=True)
class KeystoneReport:
    """What holds the giant component of a layer together.

    Attributes:
        layer: The layer.
        learned: Number of learned skills.
        giant: Size of the giant component.
        cut: Number of skills whose removal alone cuts others off from the giant component.
        steps: One skill after the other; each is the one whose removal costs most at its turn.
        most_used: Size of the giant component after 0, 1, 2, … of the most used skills are removed.
        exact: False if betweenness was estimated from a sample.
        seconds: Time in all.
    """

    layer: LayerInfo
    learned: int
    giant: int
    cut: int
    steps: tuple[Keystone, ...]
    most_used: tuple[int, ...]
    exact: bool
    seconds: float


def keystones(store: Store, dataset: str, layer: str, *, steps: int = 20) -> KeystoneReport:
    """Rank skills by what their removal costs the giant component of learned skills.

    Two learned skills are linked when they occur in the same text. The first skill is the best single one, exactly; the
    following ones are chosen greedily (network dismantling).

    Args:
        store: Where the layer is.
        dataset: Name of the dataset.
        layer: Name of the layer.
        steps: Number of skills.

    Returns:
        The skills in order.

    Raises:
        NotFoundError: No such dataset or layer.
        SkillgraphError: The layer has learned nothing.
    """
    start = time.perf_counter()
    view = layer_view(store, dataset, layer)
    learned, graph = view.learned, view.indexed.graph
    if not learned.any():
        raise SkillgraphError(f"layer {layer!r} has learned no skill: there is nothing to take apart")
    found = dismantle(graph, learned, steps)
    ids, names, classes = view.indexed.skills.ids, view.indexed.skill_column("name"), view.indexed.skill_column("class")
    share, exact = None, True
    if view.info.associations is not None:
        pairs = store.read_associations(dataset, layer)
        ends = [
            pc.index_in(pairs[column].combine_chunks(), value_set=ids).to_numpy(zero_copy_only=False)
            for column in ("source", "target")
        ]
        known = ~(np.isnan(ends[0].astype(float)) | np.isnan(ends[1].astype(float)))
        place = np.cumsum(learned) - 1  # betweenness is of learned skills among themselves
        source, target = (place[end[known].astype(np.int64)].astype(np.int64) for end in ends)
        between = betweenness(source, target, int(learned.sum()))
        share, exact = between.share[place], between.exact
    uses = graph.skill_degrees
    rows = [
        Keystone(
            skill=ids[s].as_py(),
            name=names[s].as_py() or ids[s].as_py(),
            skill_class=classes[s].as_py(),
            uses=int(uses[s]),
            betweenness=None if share is None else float(share[s]),
            alone=int(found.alone[s]),
            cost=int(cost),
            giant=int(left),
        )
        for s, cost, left in zip(found.skill.tolist(), found.cost.tolist(), found.giant[1:].tolist(), strict=False)
    ]
    order = np.lexsort((np.arange(len(uses)), -uses, ~learned))[: len(rows)]
    most_used, left_over = [int(found.giant[0])], learned.copy()
    for s in order.tolist():
        left_over[s] = False
        most_used.append(components(graph, left_over).giant)
    return KeystoneReport(
        layer=view.info,
        learned=int(learned.sum()),
        giant=int(found.giant[0]),
        cut=int(np.count_nonzero(found.alone > 1)),
        steps=tuple(rows),
        most_used=tuple(most_used),
        exact=exact,
        seconds=time.perf_counter() - start,
    )
