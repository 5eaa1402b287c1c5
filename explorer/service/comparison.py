"""Two layers side by side: kept, gained and lost skills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.service.association import giant_of
from explorer.service.snapshot import LayerView, layer_view
from explorer.store.protocol import LayerInfo, Store

__all__ = ["ClassRow", "LayerComparison", "SkillChange", "compare"]

Change = Literal["kept", "gained", "lost"]


@dataclass(frozen=True)
class SkillChange:
    """One skill in both layers.

    Attributes:
        skill: Id.
        name: Name.
        skill_class: Class; None if it has none.
        change: `kept` in both, `gained` only in the second, `lost` only in the first.
        wave: Wave in which the layer that has it learned it (the second if both do).
        attached_to: Skills learned in the first layer that it is associated with in the second (for a lost
            skill: in the first); the number of texts that require both summed over them.
    """

    skill: str
    name: str
    skill_class: str | None
    change: Change
    wave: int
    attached_to: int


@dataclass(frozen=True)
class ClassRow:
    """Counts for one class of skills.

    Attributes:
        skill_class: The class; None for skills without one.
        skills: Skills of the class required by the texts of either layer.
        first: Learned in the first layer.
        second: Learned in the second.
        kept: In both.
        gained: Only in the second.
        lost: Only in the first.
    """

    skill_class: str | None
    skills: int
    first: int
    second: int
    kept: int
    gained: int
    lost: int


@dataclass(frozen=True)
class LayerComparison:
    """Two layers of a dataset, the first usually the foundation of the second.

    Attributes:
        first: The first layer.
        second: The second layer.
        kept: Number of skills in both.
        gained: Number of skills only in the second.
        lost: Number of skills only in the first.
        by_class: Counts by class of skill, the largest class first.
        giant_first: Giant component of the first layer over all skills that its texts require.
        giant_second: The same for the second.
        changes: One row a skill learned in either, gained and lost first.
    """

    first: LayerInfo
    second: LayerInfo
    kept: int
    gained: int
    lost: int
    by_class: tuple[ClassRow, ...]
    giant_first: float
    giant_second: float
    changes: tuple[SkillChange, ...]


def compare(store: Store, dataset: str, first: str, second: str) -> LayerComparison:
    """Compare two layers of a dataset, skill by skill.

    Args:
        store: Where the layers are.
        dataset: Name of the dataset.
        first: Usually the foundation.
        second: Usually the fine-tuned layer.

    Returns:
        Counts, classes and skills.

    Raises:
        NotFoundError: No such layer.
    """
    views = layer_view(store, dataset, first), layer_view(store, dataset, second)
    rows = [np.asarray(view.indexed.skill_rows[view.learned]) for view in views]
    known = set(rows[0].tolist()), set(rows[1].tolist())
    table = views[0].indexed.dataset.skills
    ids, names, classes = (table[column].to_pylist() for column in ("id", "name", "class"))
    waves = [dict(zip(view.indexed.skill_rows.tolist(), view.wave.tolist(), strict=True)) for view in views]
    attached = _attachments(views[1], known[0]), _attachments(views[0], known[0])

    def change(row: int) -> SkillChange:
        kind: Change = "kept" if row in known[0] and row in known[1] else "gained" if row in known[1] else "lost"
        wave = waves[0][row] if kind == "lost" else waves[1][row]
        links = attached[1 if kind == "lost" else 0].get(row, 0)
        return SkillChange(ids[row], names[row], classes[row], kind, int(wave), links)

    order = {"gained": 0, "lost": 1, "kept": 2}
    changes = sorted(map(change, known[0] | known[1]), key=lambda c: (order[c.change], -c.attached_to, c.skill))
    universe = set(views[0].indexed.skill_rows.tolist()) | set(views[1].indexed.skill_rows.tolist())
    return LayerComparison(
        first=views[0].info,
        second=views[1].info,
        kept=len(known[0] & known[1]),
        gained=len(known[1] - known[0]),
        lost=len(known[0] - known[1]),
        by_class=_by_class(universe, known, classes),
        giant_first=giant_of(views[0], "any"),
        giant_second=giant_of(views[1], "any"),
        changes=tuple(changes),
    )


def _by_class(universe: set[int], known: tuple[set[int], set[int]], classes: list[str | None]) -> tuple[ClassRow, ...]:
    members: dict[str | None, set[int]] = {}
    for row in universe:
        members.setdefault(classes[row], set()).add(row)
    rows = [
        ClassRow(
            skill_class=name,
            skills=len(group),
            first=len(group & known[0]),
            second=len(group & known[1]),
            kept=len(group & known[0] & known[1]),
            gained=len((group & known[1]) - known[0]),
            lost=len((group & known[0]) - known[1]),
        )
        for name, group in members.items()
    ]
    return tuple(sorted(rows, key=lambda r: (-r.skills, r.skill_class or "")))


def _attachments(view: LayerView, anchors: set[int]) -> dict[int, int]:
    """For each learned skill (row), how often a text requires it together with a skill of `anchors`.

    Summed over texts: an anchor counts once for each text, the skill itself not at all.
    """
    graph, rows = view.indexed.graph, view.indexed.skill_rows
    anchor = np.isin(rows, np.fromiter(anchors, dtype=np.int64, count=len(anchors))) & view.learned
    text_of = np.repeat(np.arange(graph.n_texts), np.diff(graph.text_ptr))
    in_text = np.bincount(text_of, weights=anchor[graph.text_skills], minlength=graph.n_texts)
    pairs = np.bincount(graph.text_skills, weights=in_text[text_of], minlength=graph.n_skills)
    own = np.where(anchor, graph.skill_degrees, 0)
    counts = (pairs - own).astype(np.int64)
    there = np.flatnonzero(view.learned)
    return dict(zip(rows[there].tolist(), counts[there].tolist(), strict=True))
