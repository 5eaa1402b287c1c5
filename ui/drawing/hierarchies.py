"""Hierarchies of skills, prerequisites or parts, as a tree that unfolds: arrays and elements only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.hierarchy import levels
from explorer.service import LayerView
from explorer.service.evidence import skills_in_fit
from explorer.wording import isolated
from ui.typed import Element, Position, Properties
from ui.typed import Row as TableRow

__all__ = [
    "LEFT_OUT",
    "ROWS",
    "UNUSED",
    "Hierarchy",
    "Relation",
    "Row",
    "blocked_rows",
    "hierarchy",
    "skill_levels",
    "state_of",
    "tree_elements",
    "tree_rows",
    "unfold",
]

Relation = Literal["prerequisites", "parts"]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

UNUSED, LEFT_OUT = "no text requires it", "left out of the estimate"

_FIRST = 16
"""Children of a skill that are shown before the rest is requested."""

ROWS = (500, 2_000, 5_000)
"""Most skills that are shown, as a person chooses."""

_COLUMN, _LINE = 250.0, 26.0
_ROOTS_NAMED = 5


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """A relation among a dataset's skills, with what a layer knows of them; skill i is row i of the dataset.

    Attributes:
        relation: Which relation it is.
        ids: Ids.
        names: Names.
        classes: Classes; "no class" where there is none.
        above: Skills above each: its prerequisites, or what it is part of.
        below: Skills below each.
        level: int64 (n,), length of the longest chain above.
        used: Bool (n,), whether a text of the layer requires it.
        required: Bool (n,), whether the layer says something of it: used, and not left out of an estimate.
        learned: Bool (n,).
    """

    relation: Relation
    ids: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    above: tuple[tuple[int, ...], ...]
    below: tuple[tuple[int, ...], ...]
    level: Ints
    used: Bools
    required: Bools
    learned: Bools

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of each id."""
        return {skill: i for i, skill in enumerate(self.ids)}

    @cached_property
    def _sizes(self) -> dict[int, int]:
        return {}

    def size(self, skill: int) -> int:
        """Number of skills under a skill that a text requires, itself left out."""
        if skill not in self._sizes:
            self._sizes[skill] = int(self.required[list(self.under(skill))].sum())
        return self._sizes[skill]

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """Skills with others under them and none above, those with the most first."""
        found = [i for i in range(len(self.ids)) if self.below[i] and not self.above[i]]
        return tuple(sorted(found, key=lambda i: (-self.size(i), self.names[i], i)))

    def under(self, skill: int) -> set[int]:
        """All skills below a skill."""
        return self._reached(skill, self.below)

    def over(self, skill: int) -> set[int]:
        """All skills above a skill."""
        return self._reached(skill, self.above)

    def share(self, skill: int) -> float | None:
        """Learned share of the required skills under a skill and of itself; None if there are none."""
        rows = np.fromiter(({skill} | self.under(skill)), dtype=np.int64)
        rows = rows[self.required[rows]]
        return float(self.learned[rows].mean()) if len(rows) else None

    def blocked(self, skill: int) -> bool:
        """True if a required skill is not learned and a prerequisite of it is not either.

        What a skill is part of is nothing to wait for: in that relation none is blocked.
        """
        if self.relation != "prerequisites":
            return False
        waits = self.required[skill] and not self.learned[skill]
        return bool(waits and any(self.required[p] and not self.learned[p] for p in self.above[skill]))

    @staticmethod
    def _reached(skill: int, links: Sequence[Sequence[int]]) -> set[int]:
        found: set[int] = set()
        waiting = list(links[skill])
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting.extend(links[other])
        return found


def hierarchy(view: LayerView, relation: Relation) -> Hierarchy | None:
    """A relation of a layer's dataset; None if the dataset says nothing of it.

    Raises:
        AnalysisError: It has a cycle.
    """
    dataset = view.indexed.dataset
    table = dataset.prerequisites if relation == "prerequisites" else dataset.part_of
    if not table.num_rows:
        return None
    upper, lower = ("prerequisite", "skill") if relation == "prerequisites" else ("parent", "child")
    ids = dataset.skills["id"].to_pylist()
    row = {skill: i for i, skill in enumerate(ids)}
    pairs = [(row[a], row[b]) for a, b in zip(table[upper].to_pylist(), table[lower].to_pylist(), strict=True)]
    above: list[list[int]] = [[] for _ in ids]
    below: list[list[int]] = [[] for _ in ids]
    for a, b in pairs:
        below[a].append(b)
        above[b].append(a)
    used, required, learned = (np.zeros(len(ids), dtype=bool) for _ in range(3))
    used[view.indexed.skill_rows] = True
    required[view.indexed.skill_rows] = skills_in_fit(view)
    learned[view.indexed.skill_rows] = view.learned
    names = [name or skill for name, skill in zip(dataset.skills["name"].to_pylist(), ids, strict=True)]
    return Hierarchy(
        relation=relation,
        ids=tuple(ids),
        names=tuple(names),
        classes=tuple(value or "no class" for value in dataset.skills["class"].to_pylist()),
        above=tuple(map(tuple, above)),
        below=tuple(map(tuple, below)),
        level=levels([a for a, _ in pairs], [b for _, b in pairs], len(ids), names),
        used=used,
        required=required,
        learned=learned,
    )


def skill_levels(view: LayerView) -> list[int | None]:
    """Level of each skill of a layer's graph: as the data give it, else by the prerequisites; None where neither does.

    Raises:
        AnalysisError: The prerequisites have a cycle.
    """
    given: list[int | None] = view.indexed.skill_column("level").to_pylist()
    if any(level is not None for level in given):
        return given
    found = hierarchy(view, "prerequisites")
    if found is None:
        return given
    return [int(level) for level in found.level[view.indexed.skill_rows]]


@dataclass(frozen=True)
class Row:
    """One line of an unfolded tree.

    Attributes:
        skill: The skill's row in the hierarchy; -1 for a line that stands for further ones.
        parent: Under which skill it stands; -1 for none.
        rest: Number of skills that a line with `skill` -1 stands for.
        open: True if what is below is shown.
        x: Position in pixels.
        y: Position in pixels.
    """

    skill: int
    parent: int
    rest: int
    open: bool
    x: float
    y: float


def unfold(
    found: Hierarchy,
    opened: Iterable[str] = (),
    full: Iterable[str] = (),
    focus: str | None = None,
    most: int = ROWS[0],
) -> list[Row]:
    """The part of a hierarchy that is shown, laid out from left to right by level.

    A skill with several skills above stands under the deepest of those that are open.

    Args:
        found: The hierarchy.
        opened: Ids of skills whose children are shown.
        full: Ids of skills of which all children are shown, not only the first; "*" for the roots.
        focus: Id of a skill that is shown with everything above it, however many others are.
        most: Number of skills that are shown at most.

    Returns:
        Lines from top to bottom.
    """
    chosen = {found.row[skill] for skill in opened if skill in found.row}
    whole = {found.row[skill] for skill in full if skill in found.row}
    kept: set[int] = set()
    if focus in found.row:
        kept = {found.row[str(focus)]} | found.over(found.row[str(focus)])
        chosen |= kept

    def first(children: Sequence[int], everything: bool) -> list[int]:
        order = sorted(children, key=lambda i: (-found.size(i), found.names[i], i))
        limit = len(order) if everything else _FIRST
        return [i for place, i in enumerate(order) if place < limit or i in kept]

    listed = first(found.roots, "*" in set(full))
    roots = [root for place, root in enumerate(listed) if place < most or root in kept]
    shown, waiting = dict.fromkeys(roots), list(roots)
    while waiting:
        skill = waiting.pop(0)
        if skill in chosen:
            for child in first(found.below[skill], skill in whole):
                if child not in shown and (len(shown) < most or child in kept):
                    shown[child] = None
                    waiting.append(child)
    under: dict[int, list[int]] = {}
    for skill in shown:
        open_above = [p for p in found.above[skill] if p in shown and p in chosen]
        if open_above:
            under.setdefault(max(open_above, key=lambda p: (int(found.level[p]), -p)), []).append(skill)
    rows: list[Row] = []
    line = 0

    def place(skill: int, parent: int) -> float:
        nonlocal line
        is_open = skill in chosen and bool(found.below[skill])
        at = len(rows)
        rows.append(Row(skill, parent, 0, is_open, _COLUMN * float(found.level[skill]), 0.0))
        heights = [place(child, skill) for child in under.get(skill, ())]
        hidden = sum(child not in shown for child in found.below[skill]) if is_open else 0
        if hidden:
            heights.append(more(skill, hidden, float(found.level[skill]) + 1.0))
        if heights:
            y = (heights[0] + heights[-1]) / 2.0
        else:
            y, line = _LINE * line, line + 1
        rows[at] = Row(skill, parent, 0, is_open, rows[at].x, y)
        return y

    def more(parent: int, rest: int, level: float) -> float:
        nonlocal line
        y, line = _LINE * line, line + 1
        rows.append(Row(-1, parent, rest, False, _COLUMN * level, y))
        return y

    for root in roots:
        place(root, -1)
    if len(roots) < len(found.roots):
        more(-1, len(found.roots) - len(roots), 0.0)
    return rows


def tree_elements(found: Hierarchy, rows: Sequence[Row], focus: str | None = None) -> list[Element]:
    """Cytoscape elements of an unfolded tree; classes say learned, blocked, open and what is in focus."""
    elements = [_node(found, row, focus) for row in rows]
    shown = {row.skill for row in rows if row.skill >= 0}
    is_open = {row.skill for row in rows if row.open}
    marked = set()
    if focus in found.row:
        marked = {found.row[str(focus)]} | found.over(found.row[str(focus)])
    for row in rows:
        above = [row.parent] if row.skill < 0 and row.parent >= 0 else []
        if row.skill >= 0:
            above = [p for p in found.above[row.skill] if p in shown and p in is_open]
        for parent in above:
            target = _name(found, row)
            line = {"id": f"{found.ids[parent]}>{target}", "source": f"h:{found.ids[parent]}", "target": target}
            chain = row.skill in marked and parent in marked
            elements.append({"data": line, "classes": "chain" if chain else ""})
    return elements


def _name(found: Hierarchy, row: Row) -> str:
    if row.skill >= 0:
        return f"h:{found.ids[row.skill]}"
    return f"m:{found.ids[row.parent] if row.parent >= 0 else '*'}"


def _short(name: str, letters: int = 26) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def state_of(found: Hierarchy, skill: int) -> str:
    """In words: learned, not learned, blocked, or that no text requires it or the estimate leaves it out."""
    if not found.used[skill]:
        return UNUSED
    if not found.required[skill]:
        return LEFT_OUT
    if found.learned[skill]:
        return "learned"
    return "blocked" if found.blocked(skill) else "not learned"


def _node(found: Hierarchy, row: Row, focus: str | None) -> Element:
    position: Position = {"x": row.x, "y": row.y}
    if row.skill < 0:
        data: Properties = {"id": _name(found, row), "label": f"{row.rest:,} more …", "name": f"{row.rest:,} more"}
        return {"data": data, "position": position, "classes": "more", "grabbable": False}
    skill = row.skill
    below, share = found.size(skill), found.share(skill)
    label = isolated(_short(found.names[skill]))
    if found.below[skill]:
        told = "" if share is None else f", {100 * share:.0f} % learned"
        label += f"  {'▾' if row.open else '▸'} {below:,} below{told}"
    state = state_of(found, skill)
    classes = [{UNUSED: "absent", LEFT_OUT: "absent", "not learned": "missing"}.get(state, state)]
    classes += ["parent"] if found.below[skill] else []
    classes += ["open"] if row.open else []
    classes += ["focus"] if found.ids[skill] == focus else []
    data = {
        "id": _name(found, row),
        "label": label,
        "name": found.names[skill],
        "class": found.classes[skill],
        "state": state,
        "level": int(found.level[skill]),
        "below": below,
        "share": share if share is not None else 0.0,
    }
    return {"data": data, "position": position, "classes": " ".join(classes), "grabbable": False}


def tree_rows(found: Hierarchy, rows: Sequence[Row]) -> list[TableRow]:
    """The same lines for a table."""
    table: list[TableRow] = []
    for row in rows:
        indent = "\u2003" * round(row.x / _COLUMN)
        if row.skill < 0:
            table.append({"id": _name(found, row), "skill": f"{indent}{row.rest:,} more …"})
            continue
        share = found.share(row.skill)
        sign = ("▾ " if row.open else "▸ ") if found.below[row.skill] else ""
        table.append(
            {
                "id": _name(found, row),
                "key": found.ids[row.skill],
                "skill": f"{indent}{sign}{isolated(found.names[row.skill])}",
                "level": int(found.level[row.skill]),
                "state": state_of(found, row.skill),
                "below": found.size(row.skill) if found.below[row.skill] else None,
                "share": None if share is None else round(100 * share),
            }
        )
    return table


def blocked_rows(found: Hierarchy, view: LayerView) -> list[Properties]:
    """Skills that wait for a prerequisite, those first that a text would teach at once.

    Args:
        found: The prerequisites.
        view: The layer.

    Returns:
        `id`, `skill`, `class`, `level`; `waits`: its prerequisites that are not learned; `roots`: where these
        chains begin, skills not learned that wait for no other; `ready`: texts in which it alone is novel.
    """
    graph = view.indexed.graph
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    novel = np.bincount(text_of, ~view.learned[graph.text_skills], graph.n_texts)
    alone = (novel[text_of] == 1) & ~view.learned[graph.text_skills]
    ready = np.zeros(len(found.ids), dtype=np.int64)
    ready[view.indexed.skill_rows] = np.bincount(graph.text_skills[alone], minlength=graph.n_skills)

    def missing(skill: int) -> list[int]:
        return [p for p in found.above[skill] if found.required[p] and not found.learned[p]]

    rows = []
    for skill in np.flatnonzero(found.required & ~found.learned).tolist():
        waits = missing(skill)
        if not waits:
            continue
        chain = [p for p in found.over(skill) if found.required[p] and not found.learned[p]]
        roots = sorted((p for p in chain if not missing(p)), key=lambda p: (int(found.level[p]), found.names[p]))
        rows.append(
            {
                "id": found.ids[skill],
                "skill": found.names[skill],
                "class": found.classes[skill],
                "level": int(found.level[skill]),
                "waits": ", ".join(isolated(found.names[p]) for p in waits),
                "roots": ", ".join(isolated(found.names[p]) for p in roots[:_ROOTS_NAMED])
                + (f" and {len(roots) - _ROOTS_NAMED} more" if len(roots) > _ROOTS_NAMED else ""),
                "ready": int(ready[skill]),
            }
        )
    return sorted(rows, key=lambda row: (-row["ready"], row["level"], row["id"]))
