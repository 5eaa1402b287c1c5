"""Texts and the skills that they require, side by side: texts as boxes, skills as discs, who taught whom in orange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.service import LayerView
from explorer.wording import isolated, plural
from ui.drawing.colourings import Colouring
from ui.drawing.elements import Drawing, skill_node
from ui.drawing.graphs import LayerGraph, skills_of, texts_of
from ui.drawing.style import OTHER
from ui.typed import Element

__all__ = ["SKILL_LIMIT", "TEXT_LIMIT", "text_drawing", "texts_around"]

TEXT_LIMIT = 12
"""Most texts that are drawn at once."""

SKILL_LIMIT = 60
"""Most skills that are drawn with them."""

_AROUND = 8  # texts of a skill, if none are picked
_TEXT_PITCH, _SKILL_PITCH = 44.0, 17.0
_COLUMN, _FIRST = 185.0, 215.0
_ROWS = 32  # skills in a column


def texts_around(view: LayerView, skill: int, limit: int = _AROUND) -> tuple[list[int], int]:
    """The text that taught a skill, the texts that it helped to teach others with, then the shortest others.

    Returns:
        Indices of at most `limit` texts, and how many require the skill in all.
    """
    texts, total = texts_of(view, skill, limit=1 << 30)
    taught = set(view.by[view.wave > 0].tolist())
    order = sorted(range(len(texts)), key=lambda i: (texts[i] != int(view.by[skill]), texts[i] not in taught, i))
    return [texts[i] for i in order[:limit]], total


@dataclass(frozen=True)
class _Sides:
    """Skills of the drawn texts: those that these texts taught, the others, and the number left out."""

    taught: list[int]
    needed: list[int]
    left_out: int


def text_drawing(
    graph: LayerGraph, looks: Mapping[str, Colouring], texts: Sequence[int], *, of: str | None = None, total: int = 0
) -> Drawing:
    """Texts in the middle, the skills that they taught on the right, the others that they require on the left.

    Args:
        graph: The graph of the layer.
        looks: Its colourings.
        texts: Indices of texts; those beyond `TEXT_LIMIT` are left out.
        of: Name of the skill whose texts they are, for the caption.
        total: How many texts that skill has.
    """
    view = graph.view
    shown = list(dict.fromkeys(texts))[:TEXT_LIMIT]
    required = {text: list(skills_of(view, text)) for text in shown}
    sides = _sides(view, required)
    kept = {*sides.taught, *sides.needed}
    height = {text: (i - (len(shown) - 1) / 2) * _TEXT_PITCH for i, text in enumerate(shown)}
    node_of = {int(skill): node for node, skill in enumerate(graph.skill.tolist())}
    elements: list[Element] = [_text_node(view, text, required[text], height[text], looks) for text in shown]
    for skills, side in ((sides.needed, -1), (sides.taught, 1)):
        wish = {s: float(np.mean([height[t] for t in shown if s in required[t]])) for s in skills}
        elements += _column(graph, looks, node_of, sorted(skills, key=lambda s: (wish[s], s)), side)
    edges = [_edge(view, text, skill) for text in shown for skill in required[text] if skill in kept]
    taught = sum("taught" in edge.get("classes", "") for edge in edges)
    caption = f"{plural(len(shown), 'text')} and {plural(len(kept), 'skill')}. "
    if of is not None and total > len(shown):
        caption = f"{len(shown)} of the {total:,} texts that require {isolated(of)}, and {plural(len(kept), 'skill')}. "
    caption += f"Orange lines: the text taught the skill ({taught}); grey lines: the text requires it"
    if len(texts) > len(shown):
        caption += f"; left out: {plural(len(texts) - len(shown), 'text')} beyond the first {TEXT_LIMIT}"
    if sides.left_out:
        caption += f"; left out: {plural(sides.left_out, 'skill')} required by the fewest of these texts"
    return Drawing(elements + edges, caption + ".", len(kept), 0, len(edges))


def _sides(view: LayerView, required: Mapping[int, list[int]]) -> _Sides:
    uses: dict[int, int] = {}
    for skills in required.values():
        for skill in skills:
            uses[skill] = uses.get(skill, 0) + 1
    taught = [s for s in uses if view.wave[s] > 0 and int(view.by[s]) in required]
    others = sorted(set(uses) - set(taught), key=lambda s: (-uses[s], -int(view.indexed.graph.skill_degrees[s]), s))
    room = max(SKILL_LIMIT - len(taught), 0)
    return _Sides(taught[:SKILL_LIMIT], others[:room], len(uses) - min(len(taught), SKILL_LIMIT) - len(others[:room]))


def _text_node(view: LayerView, text: int, skills: Sequence[int], y: float, looks: Mapping[str, Colouring]) -> Element:
    title = view.indexed.text_column("title")[text].as_py()
    taught = [s for s in skills if view.wave[s] > 0 and int(view.by[s]) == text]
    return {
        "data": {
            "id": f"t:{view.indexed.text_ids[text].as_py()}",
            "label": title if len(title) <= 30 else "…" + title[-29:],
            "name": title,
            "skills": len(skills),
            "taught": len(taught),
            "size": 30,
            **{f"c_{key}": OTHER for key in looks},
        },
        "position": {"x": 0.0, "y": round(y, 1)},
        "classes": "text teaching" if taught else "text",
    }


def _column(
    graph: LayerGraph, looks: Mapping[str, Colouring], node_of: Mapping[int, int], skills: Sequence[int], side: int
) -> list[Element]:
    """Skills beside the texts in as many columns as they need, neighbours in the order at one height."""
    view = graph.view
    columns = max(-(-len(skills) // _ROWS), 1)
    rows = -(-len(skills) // columns) if skills else 0
    found = []
    for i, skill in enumerate(skills):
        row, column = divmod(i, columns)
        x = side * (_FIRST + _COLUMN * column)
        y = (row - (rows - 1) / 2 + column / columns) * _SKILL_PITCH
        if skill in node_of:
            element = skill_node(graph, node_of[skill], x, y, 11.0, looks)
        else:
            element = _unlearned(view, skill, x, y, looks)
        element["data"]["label"] = _short(element["data"]["name"])
        element["classes"] = " ".join(
            filter(None, (element.get("classes"), "beside", "to-left" if side < 0 else "to-right"))
        )
        found.append(element)
    return found


def _short(name: str, letters: int = 24) -> str:
    return name if len(name) <= letters else name[: letters - 1] + "…"


def _unlearned(view: LayerView, skill: int, x: float, y: float, looks: Mapping[str, Colouring]) -> Element:
    name = view.indexed.skill_column("name")[skill].as_py()
    return {
        "data": {
            "id": f"u:{view.indexed.skills.ids[skill].as_py()}",
            "label": name,
            "name": name,
            "size": 11.0,
            "wave": -1,
            "class": view.indexed.skill_column("class")[skill].as_py() or "no class",
            "uses": int(view.indexed.graph.skill_degrees[skill]),
            **{f"c_{key}": OTHER for key in looks},
        },
        "position": {"x": round(x, 1), "y": round(y, 1)},
        "classes": "unlearned",
    }


def _edge(view: LayerView, text: int, skill: int) -> Element:
    taught = view.wave[skill] > 0 and int(view.by[skill]) == text
    kind = "s" if view.wave[skill] >= 0 else "u"
    element: Element = {
        "data": {
            "id": f"q:{text}-{skill}",
            "source": f"t:{view.indexed.text_ids[text].as_py()}",
            "target": f"{kind}:{view.indexed.skills.ids[skill].as_py()}",
            "width": 2.4 if taught else 1.0,
            "opacity": 0.9 if taught else 0.32,
        }
    }
    if taught:
        element["classes"] = "taught"
    return element
