"""What waits for what: lacking skills and the texts that would teach them, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from explorer.service import LayerView
from explorer.service.evidence import skills_in_fit
from ui.typed import Element

__all__ = ["nearest_texts", "undrawn_skills", "waiting_elements"]

Waiting = tuple[str, str, Sequence[str]]
"""Id and title of a text, and ids of the skills that it requires and that are lacking."""

_TEXTS, _SKILLS = 14, 60
_PITCH, _LINE = 40.0, 21.0


def nearest_texts(view: LayerView, most: int = _TEXTS) -> tuple[list[Waiting], int]:
    """The texts that are not understood and lack fewest skills, the most used of these first.

    Skills that an evidence layer says nothing about are not lacking.

    Args:
        view: A layer.
        most: Number of texts.

    Returns:
        The texts, and how many are not understood in all.
    """
    graph, learned = view.indexed.graph, view.learned | ~skills_in_fit(view)
    texts = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    lacking = np.bincount(texts[~learned[graph.text_skills]], minlength=graph.n_texts)
    uses = np.zeros(graph.n_texts)
    np.maximum.at(uses, texts, np.where(learned[graph.text_skills], 0, graph.skill_degrees[graph.text_skills]))
    order = [int(t) for t in np.lexsort((-uses, lacking)) if lacking[t] > 0]
    total, order = len(order), order[:most]
    ids, titles, skills = view.indexed.text_ids, view.indexed.text_column("title"), view.indexed.skills.ids
    found: list[Waiting] = []
    for t in order:
        row = graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]
        key = ids[t].as_py()
        found.append((key, titles[t].as_py() or key, [skills[int(s)].as_py() for s in row if not learned[s]]))
    return found, total


def undrawn_skills(texts: Sequence[Waiting], *, asked: str | None = None) -> int:
    """Number of lacking skills of these texts that the picture has no room for."""
    beside = {skill for _, _, lacks in list(texts)[:_TEXTS] for skill in lacks if skill != asked}
    return max(len(beside) - _SKILLS, 0)


def waiting_elements(texts: Sequence[Waiting], names: Mapping[str, str], *, asked: str | None = None) -> list[Element]:
    """Texts in the middle, the skill that was asked for on the left, all other lacking skills on the right.

    Args:
        texts: At most 14 are drawn, with at most 60 skills.
        names: What people call skills.
        asked: Id of the skill that was asked for.
    """
    shown = list(texts)[:_TEXTS]
    middle = {key: (i - (len(shown) - 1) / 2) * _PITCH for i, (key, _, _) in enumerate(shown)}
    places: dict[str, list[float]] = {}
    for key, _, lacks in shown:
        for skill in lacks:
            if skill != asked:
                places.setdefault(skill, []).append(middle[key])
    order = sorted(places, key=lambda skill: (sum(places[skill]) / len(places[skill]), skill))[:_SKILLS]
    at = {skill: (i - (len(order) - 1) / 2) * _LINE for i, skill in enumerate(order)}
    elements = []
    if asked is not None:
        elements.append(_skill(asked, names, -260.0, 0.0, "beside to-left unlearned focus", 18))
    for key, title, lacks in shown:
        short = title if len(title) <= 28 else "…" + title[-27:]
        data = {"id": f"t:{key}", "label": short, "name": title, "size": 26}
        elements.append({"data": data, "position": {"x": 0.0, "y": middle[key]}, "classes": "text"})
        if asked is not None:
            elements.append(_edge(f"s:{asked}", f"t:{key}"))
        elements += [_edge(f"t:{key}", f"s:{skill}") for skill in lacks if skill in at]
    elements += [_skill(skill, names, 260.0, at[skill], "beside to-right unlearned", 11) for skill in order]
    # Edges come last: their ends have to be there.
    return [e for e in elements if "source" not in e["data"]] + [e for e in elements if "source" in e["data"]]


def _skill(skill: str, names: Mapping[str, str], x: float, y: float, classes: str, size: float) -> Element:
    name = names.get(skill, skill)
    label = name if len(name) <= 34 else name[:33] + "…"
    data = {"id": f"s:{skill}", "label": label, "name": name, "size": size}
    return {"data": data, "position": {"x": x, "y": y}, "classes": classes}


def _edge(source: str, target: str) -> Element:
    return {"data": {"id": f"{source}>{target}", "source": source, "target": target, "width": 1, "opacity": 0.45}}
