"""What helps when peeling cannot start: how many novel skills texts have, which D and which classes start it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from analysis.peeling import novel_skill_counts, peel
from explorer.arrays import IndexedGraph
from explorer.wording import plural

__all__ = ["Advice", "ClassHelp", "advise"]

_CLASSES_TRIED = 30
_CLASSES_SHOWN = 5
_CAPACITIES_TRIED = 8


@dataclass(frozen=True)
class ClassHelp:
    """What would be learned if a class of skills were taken as known.

    Attributes:
        skill_class: The class.
        skills: Its skills that are not known yet.
        learned: Further skills that would then be learned.
    """

    skill_class: str
    skills: int
    learned: int


@dataclass(frozen=True)
class Advice:
    """Why nothing was learned, and what helps.

    Attributes:
        novel_skills: Texts by the number of their novel skills, `{0: understood, 1: ..}`.
        smallest_d: Least D of a D-skill learner that learns something; None if none does.
        learned_with_d: Skills that it would learn.
        classes: Classes that help if taken as known, the one that teaches most first; at most five.
        blocked: Texts with one novel skill that may not be learned: a prerequisite is missing, or the mode forbids it.
        sentence: All of it for people.
    """

    novel_skills: Mapping[int, int]
    smallest_d: int | None
    learned_with_d: int
    classes: tuple[ClassHelp, ...]
    blocked: int
    sentence: str


def advise(
    indexed: IndexedGraph,
    known: NDArray[np.bool_],
    learnable: NDArray[np.bool_] | None,
    capacity: int | npt.ArrayLike,
) -> Advice:
    """Why peeling from these known skills learns nothing, and what would.

    Args:
        indexed: The graph.
        known: bool (S,): skills known beforehand.
        learnable: bool (S,): skills that may be learned; None means all.
        capacity: Most novel skills that a text teaches at once, one number or one for each text.

    Returns:
        The advice; `sentence` is never empty.
    """
    counts = novel_skill_counts(indexed.graph, known)
    novel = {n: int(texts) for n, texts in enumerate(counts.tolist()) if texts}
    waiting = sorted(n for n in novel if n)
    smallest, gained = _smallest_d(indexed, known, learnable, waiting)
    classes = _classes(indexed, known, learnable, capacity) if waiting else ()
    blocked = novel.get(1, 0)
    return Advice(novel, smallest, gained, classes, blocked, _sentence(novel, smallest, gained, classes))


def _gain(
    indexed: IndexedGraph,
    known: NDArray[np.bool_],
    learnable: NDArray[np.bool_] | None,
    capacity: int | npt.ArrayLike,
) -> int:
    """Number of skills that peeling adds to the known ones."""
    result = peel(indexed.graph, capacity, known=known, learnable=learnable, prerequisites=indexed.prerequisites)
    return result.n_learned - int(np.count_nonzero(known))


def _smallest_d(
    indexed: IndexedGraph, known: NDArray[np.bool_], learnable: NDArray[np.bool_] | None, waiting: list[int]
) -> tuple[int | None, int]:
    # A text of n novel skills teaches nothing to a learner of fewer, so only numbers that occur can be the first.
    for d in waiting[:_CAPACITIES_TRIED]:
        if (gained := _gain(indexed, known, learnable, d)) > 0:
            return d, gained
    return None, 0


def _classes(
    indexed: IndexedGraph,
    known: NDArray[np.bool_],
    learnable: NDArray[np.bool_] | None,
    capacity: int | npt.ArrayLike,
) -> tuple[ClassHelp, ...]:
    labels = np.asarray(indexed.skill_column("class").to_pylist(), dtype=object)
    uses = indexed.graph.skill_degrees
    novel = {name: (labels == name) & ~known for name in {c for c in labels.tolist() if c is not None}}
    by_use = sorted(novel, key=lambda name: (-int(uses[novel[name]].sum()), name))
    found = []
    for name in by_use[:_CLASSES_TRIED]:
        if not novel[name].any():
            continue
        gained = _gain(indexed, known | novel[name], learnable, capacity)
        if gained:
            found.append(ClassHelp(name, int(novel[name].sum()), gained))
    return tuple(sorted(found, key=lambda c: (-c.learned, c.skills, c.skill_class))[:_CLASSES_SHOWN])


def _sentence(novel: Mapping[int, int], smallest: int | None, gained: int, classes: tuple[ClassHelp, ...]) -> str:
    waiting = {n: texts for n, texts in novel.items() if n}
    if not novel:
        return "There is no text to learn from."
    if not waiting:
        return "Every text is understood already: there is nothing left to learn."
    listed = ", ".join(f"{texts:,} with {n}" for n, texts in list(waiting.items())[:4])
    rest = sum(list(waiting.values())[4:])
    listed += f", {rest:,} with more" if rest else ""
    parts = [f"Nothing could be learned. Texts by their number of novel skills: {listed}."]
    if 1 in waiting:
        parts.append(
            f"The {waiting[1]:,} with one are blocked: a prerequisite is missing (treat it as known), or the mode "
            "forbids the skill (use --mode continued)."
        )
    else:
        parts.append("A learner of one skill at a time learns from a text only if exactly one of its skills is novel.")
    if smallest is not None and smallest > 1:
        parts.append(
            f"--learner d:{smallest} is the smallest D that learns anything: it would learn {plural(gained, 'skill')}."
        )
    if classes:
        best = classes[0]
        others = ", ".join(f"{c.skill_class} ({c.learned:,})" for c in classes[1:])
        parts.append(
            f"--known-class {best.skill_class!r} ({plural(best.skills, 'skill')} taken as known) would teach "
            f"{best.learned:,} more" + (f"; other classes that help: {others}." if others else ".")
        )
    parts.append("Or give known skills with --known FILE, or start from another layer with --base.")
    return " ".join(parts)
