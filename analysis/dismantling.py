"""What the largest component of skills loses with each skill, and the skills that break it up soonest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from analysis.graph import SkillTextGraph

__all__ = ["Dismantling", "dismantle", "removal_costs"]


@dataclass(frozen=True, eq=False)
class Dismantling:
    """Skills removed one after the other, each the one whose removal costs the largest component most.

    Attributes:
        skill: int64 (K,): the skills in the order of their removal.
        cost: int64 (K,): by how much each makes the largest component smaller, itself included.
        giant: int64 (K + 1,): size of the largest component after 0, 1, … K removals.
        alone: int64 (S,): what each skill's removal costs by itself; 0 outside of the largest component.
    """

    skill: npt.NDArray[np.int64]
    cost: npt.NDArray[np.int64]
    giant: npt.NDArray[np.int64]
    alone: npt.NDArray[np.int64]


def removal_costs(graph: SkillTextGraph, kept: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], int]:
    """By how much the largest component becomes smaller if a single skill is removed.

    Two kept skills are joined when a text requires both. A skill v of the largest component, with N skills, splits it
    into parts; the largest component without v is the largest of these parts and of the other components:
    cost(v) = N - max(parts, others). All at once in O(E), by the articulation points of the bipartite graph of skills
    and texts ([HopcroftTarjan1973]).

    Args:
        graph: T texts, S skills.
        kept: bool (S,): the skills that are nodes.

    Returns:
        int64 (S,), the cost of each skill, 0 outside of the largest component; and the size N of that.

    Raises:
        AnalysisError: `kept` has another length.

    >>> chain = SkillTextGraph.from_edges([0, 0, 1, 1], [0, 1, 1, 2], 2, 3)
    >>> cost, size = removal_costs(chain, [True] * 3)
    >>> cost.tolist(), size
    ([1, 2, 1], 3)
    """
    from analysis._kernels.cuts import cuts

    nodes = np.array(kept, dtype=np.bool_)
    if nodes.shape != (graph.n_skills,):
        raise AnalysisError(f"kept must have one entry for each of the {graph.n_skills} skills, not {nodes.shape}")
    size, left = cuts(graph.text_ptr, graph.text_skills, graph.skill_ptr, graph.skill_texts, nodes)
    giant = int(size.max(initial=0))
    in_giant = _largest(graph, nodes)
    others = int(size[~in_giant].max(initial=0))
    return np.where(in_giant, giant - np.maximum(left, others), 0), giant


def _largest(graph: SkillTextGraph, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    from analysis.components import components

    found: npt.NDArray[np.bool_] = components(graph, kept).label == 0
    return found


def dismantle(graph: SkillTextGraph, kept: npt.ArrayLike, steps: int) -> Dismantling:
    """Remove skills one after the other, always one whose removal costs the largest component most.

    The first is the best single one; the others are greedy, as the best set of k skills is hard to find
    ([Braunstein2016]). Among skills of equal cost the one goes that occurs in most texts with another kept skill, then
    the one with the smallest index.

    Args:
        graph: T texts, S skills.
        kept: bool (S,): the skills that are nodes.
        steps: Number K of removals, fewer if nothing is left to remove.

    Returns:
        The order with its costs. O(K E) time.

    >>> chain = SkillTextGraph.from_edges([0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 1, 2, 2, 3, 3, 4], 4, 5)
    >>> found = dismantle(chain, [True] * 5, 2)
    >>> found.skill.tolist(), found.giant.tolist()
    ([2, 0], [5, 2, 2])
    """
    nodes = np.array(kept, dtype=np.bool_)
    order, costs, giants = list[int](), list[int](), list[int]()
    alone = None
    texts = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    for _ in range(max(steps, 0) + 1):
        cost, giant = removal_costs(graph, nodes)
        alone = cost if alone is None else alone
        giants.append(giant)
        in_giant = _largest(graph, nodes)
        if len(giants) > steps or giant < 2:
            break
        shared = np.bincount(texts[nodes[graph.text_skills]], minlength=graph.n_texts) > 1
        uses = np.bincount(graph.text_skills[shared[texts]], minlength=graph.n_skills)
        chosen = int(np.lexsort((np.arange(len(cost)), -uses, -cost, ~in_giant))[0])
        order.append(chosen)
        costs.append(int(cost[chosen]))
        nodes[chosen] = False
    assert alone is not None, "costs are found once in any case"
    return Dismantling(np.array(order, np.int64), np.array(costs, np.int64), np.array(giants, np.int64), alone)
