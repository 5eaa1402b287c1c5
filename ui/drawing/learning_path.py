"""How a learner came to a skill: the text that taught it, what that text needed, and so on back to the beginning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from explorer.service import LayerView
from ui.drawing.graphs import skills_of

__all__ = ["PathStep", "Relatives", "learning_path", "needed_before", "relatives"]

Int = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PathStep:
    """One step on the way to a skill.

    Attributes:
        skill: Index of the skill that was learned.
        wave: When.
        text: Index of the text that taught it; -1 if it was known beforehand.
    """

    skill: int
    wave: int
    text: int


@dataclass(frozen=True)
class Relatives:
    """Skills that the dataset joins to a skill by its hierarchies, as (id, name).

    Attributes:
        before: Its prerequisites.
        after: What it is a prerequisite of.
        parents: What it is a part of.
        parts: Its parts.
    """

    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    parents: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]


def learning_path(view: LayerView, skill: int) -> tuple[PathStep, ...]:
    """From the first skill to this one: before each, the one that its text waited for longest.

    Of the text's other skills that one is followed which was learned last, the most used of several. The skill is
    the last of the chain; the first was known beforehand or taught by a text that waited for nothing.

    Args:
        view: The layer.
        skill: Index of a learned skill.
    """
    uses = view.indexed.graph.skill_degrees
    chain: list[PathStep] = []
    now = skill
    while True:
        wave, text = int(view.wave[now]), int(view.by[now])
        chain.append(PathStep(now, wave, text if wave > 0 else -1))
        if wave <= 0 or text < 0:
            break
        earlier = [s for s in skills_of(view, text) if s != now and 0 <= view.wave[s] < wave]
        if not earlier:
            break
        now = max(earlier, key=lambda s: (int(view.wave[s]), int(uses[s]), -s))
    return tuple(reversed(chain))


def needed_before(view: LayerView, skill: int) -> tuple[Int, Int]:
    """All skills that were learned on the way to a skill, and the texts that taught them and the skill itself.

    Each text needs its other skills first; this is the closure of that. Skills known beforehand are not counted.

    Returns:
        Indices of skills, without the skill itself, and of texts, both ascending.
    """
    seen, texts, waiting = {skill}, set(), [skill]
    while waiting:
        now = waiting.pop()
        wave, text = int(view.wave[now]), int(view.by[now])
        if wave <= 0 or text < 0:
            continue
        texts.add(text)
        new = {s for s in skills_of(view, text) if s != now and 0 < view.wave[s] < wave} - seen
        seen |= new
        waiting += new
    return np.array(sorted(seen - {skill}), dtype=np.int64), np.array(sorted(texts), dtype=np.int64)


def relatives(view: LayerView, skill_id: str) -> Relatives:
    """What the dataset's hierarchies say of a skill."""
    dataset = view.indexed.dataset

    def joined(table: str, here: str, there: str) -> tuple[tuple[str, str], ...]:
        rows = getattr(dataset, table)
        ids = rows.filter(pc.equal(rows[here], skill_id))[there].to_pylist()
        if not ids:
            return ()
        found = dataset.skills.filter(pc.is_in(dataset.skills["id"], value_set=pa.array(ids, pa.string())))
        pairs = zip(found["id"].to_pylist(), found["name"].to_pylist(), strict=True)
        return tuple(sorted(pairs, key=lambda pair: pair[1]))

    return Relatives(
        before=joined("prerequisites", "skill", "prerequisite"),
        after=joined("prerequisites", "prerequisite", "skill"),
        parents=joined("part_of", "child", "parent"),
        parts=joined("part_of", "parent", "child"),
    )
