"""Two layers as one graph: the skills of either, with what became of each. Arrays and elements only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from explorer.arrays import IndexedGraph, index_dataset
from explorer.service import LayerComparison, LayerView, SkillChange
from explorer.store.protocol import Store
from explorer.wording import isolated
from ui.drawing.elements import skill_drawing
from ui.drawing.graphs import LayerGraph, layer_graph
from ui.drawing.style import CHANGE_SHAPES, CHANGES, OTHER
from ui.typed import Element, Properties, Row

__all__ = ["LIMITS", "PairGraph", "anchor_rows", "chosen_changes", "pair_elements", "pair_graph"]

LIMITS = (800, 2_000, 5_000)
"""Most skills of a pair that are drawn, as a person chooses; two canvases of the first size pan together smoothly."""

_DRAWN = LIMITS[0]


@dataclass(frozen=True, eq=False)
class PairGraph:
    """Skills of two layers and their associations in the texts of both.

    Attributes:
        graph: The drawn skills.
        changes: What became of each node's skill.
        total: Number of skills of each change, drawn or not.
        limit: Number of skills that are drawn at most.
    """

    graph: LayerGraph
    changes: tuple[SkillChange, ...]
    total: Mapping[str, int]
    limit: int = _DRAWN

    @property
    def caption(self) -> str:
        """One sentence: what is drawn and what is left out."""
        drawn = Counter[str](c.change for c in self.changes)
        parts = [
            f"{drawn[kind]:,} of {count:,} {kind}" if drawn[kind] < count else f"all {count:,} {kind}"
            for kind, count in self.total.items()
            if count
        ]
        said = f"Drawn: {', '.join(parts)} skills"
        if self.whole:
            return f"{said}."
        more = (
            "a class, or more skills under “Draw”, brings in others"
            if self.limit < LIMITS[-1]
            else ("a class brings in others, and the table has all")
        )
        return f"{said}, the best attached and the most used first: {more}."

    @property
    def whole(self) -> bool:
        """True if all skills of both layers are drawn."""
        return len(self.changes) == sum(self.total.values())


def chosen_changes(
    changes: Sequence[SkillChange], uses: Mapping[str, int], limit: int = _DRAWN, kind: str | None = None
) -> list[SkillChange]:
    """Which skills to draw: first what was lost and gained, the best attached first; the rest fills what is left.

    If more was lost and gained than is drawn, each is drawn in proportion to its number.

    Args:
        changes: All skills of either layer.
        uses: Number of texts that require each skill.
        limit: Number of skills at most.
        kind: A class whose skills come before all others; "no class" for skills without one.
    """
    if kind is not None and len(changes) > limit:
        of_kind = [c for c in changes if (c.skill_class or "no class") == kind]
        first = chosen_changes(of_kind, uses, limit)
        rest = [c for c in changes if (c.skill_class or "no class") != kind]
        return [*first, *chosen_changes(rest, uses, limit - len(first))]
    lost, gained = (
        sorted((c for c in changes if c.change == change), key=lambda c: (-c.attached_to, c.skill))
        for change in ("lost", "gained")
    )
    if len(lost) + len(gained) > limit:
        share = -(-limit * len(lost) // (len(lost) + len(gained)))
        share = min(share, limit - 1) if gained and limit > 1 else min(share, limit)
        lost, gained = lost[:share], gained[: limit - share]
    others = sorted(
        (c for c in changes if c.change not in ("lost", "gained")), key=lambda c: (-uses.get(c.skill, 0), c.skill)
    )
    return [*lost, *gained, *others][:limit]


def _joint_graph(views: tuple[LayerView, LayerView]) -> IndexedGraph:
    """The graph of the texts of both layers."""
    first, second = views
    for one, other in ((second, first), (first, second)):
        if np.isin(other.indexed.text_rows, one.indexed.text_rows).all():
            return one.indexed
    parts = sorted({*first.indexed.parts, *second.indexed.parts})
    return index_dataset(first.indexed.dataset, parts=parts)


def pair_graph(
    store: Store,
    views: tuple[LayerView, LayerView],
    comparison: LayerComparison,
    *,
    limit: int = _DRAWN,
    kind: str | None = None,
) -> PairGraph:
    """The skills of two layers as one graph.

    Args:
        store: Where the layers are.
        views: The two layers, in the order of the comparison.
        comparison: What became of each skill.
        limit: Number of skills that are drawn at most.
        kind: A class whose skills are drawn before all others.
    """
    indexed = _joint_graph(views)
    ids = indexed.skills.ids.to_pylist()
    place = {skill: i for i, skill in enumerate(ids)}
    uses = dict(zip(ids, indexed.graph.skill_degrees.tolist(), strict=True))
    chosen = {c.skill: c for c in chosen_changes(comparison.changes, uses, limit, kind)}
    n = len(ids)
    wave: npt.NDArray[np.int32] = np.full(n, -1, dtype=np.int32)
    wave[[place[skill] for skill in chosen]] = [max(c.wave, 0) for c in chosen.values()]
    none = np.full(n, -1, dtype=np.int32)
    taught = np.ones(indexed.graph.n_texts, dtype=bool)
    info = replace(views[1].info, associations=None)
    view = LayerView(info, indexed, taught, wave, none, none, np.full(n, np.nan))
    graph = layer_graph(store, view)
    counts = Counter[str](c.change for c in comparison.changes)
    return PairGraph(
        graph,
        tuple(chosen[graph.skill_id(node)] for node in range(graph.n)),
        {change: counts[change] for change in CHANGES},
        limit,
    )


def pair_elements(pair: PairGraph) -> list[Element]:
    """Cytoscape elements: colours and shapes say kept, gained, lost or open; positions are the same for both layers."""
    drawing = skill_drawing(pair.graph, {}, per_skill=3)
    by_id = {f"s:{c.skill}": c for c in pair.changes}
    return [_with_change(element, by_id.get(element["data"]["id"])) for element in drawing.elements]


def _with_change(element: Element, change: SkillChange | None) -> Element:
    data = element["data"]
    if change is None:
        return element if "source" in data else {**element, "data": {**data, "c_change": OTHER}}
    in_first, in_second = _sides(change)
    grown = 1.0 if change.change == "kept" else 1.3  # corners take room from the area of a shape
    return {
        **element,
        "data": {
            **data,
            "change": change.change,
            "c_change": CHANGES[change.change],
            "shape": CHANGE_SHAPES[change.change],
            "size": round(grown * data["size"], 1),
            "first": in_first,
            "second": in_second,
        },
    }


def _sides(change: SkillChange) -> tuple[bool, bool]:
    """Whether a skill is in the first and in the second layer."""
    if change.change == "open":
        return change.mastery_second is None, change.mastery_first is None
    return change.change != "gained", change.change != "lost"


def anchor_rows(changes: Sequence[SkillChange], kind: str) -> list[Row]:
    """Skills of the first layer that lost (or gained) skills are attached to, those with the most of them first.

    Args:
        changes: All skills of either layer.
        kind: `lost` or `gained`.

    Returns:
        `id`, `skill`, `attached`: how many have it among their five strongest, `texts`: texts that require both,
        summed; `which`: their names.
    """
    found: dict[str, Properties] = {}
    for change in changes:
        if change.change != kind:
            continue
        for anchor in change.attachments:
            row = found.setdefault(anchor.skill, {"id": anchor.skill, "skill": anchor.name, "names": [], "texts": 0})
            row["names"].append(change.name)
            row["texts"] += anchor.weight
    return [
        {
            "id": row["id"],
            "skill": row["skill"],
            "attached": len(row["names"]),
            "texts": row["texts"],
            "which": ", ".join(map(isolated, row["names"][:12])) + (" …" if len(row["names"]) > 12 else ""),
        }
        for row in sorted(found.values(), key=lambda row: (-len(row["names"]), -row["texts"], row["id"]))
    ]
