"""Names that mean the same: proposed to a person, and merged once that person has said yes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explorer.annotation.encoders import Encoder
from loaders._report import Problems
from loaders._rows import open_table
from loaders.annotations import Tag
from loaders.errors import DataError
from loaders.spreadsheet import escaped

__all__ = ["Merge", "merge_tags", "merges_as_text", "propose_merges", "read_merges"]

_COLUMNS = ("skill", "into", "similarity", "skill_texts", "into_texts", "keep")


@dataclass(frozen=True)
class Merge:
    """A proposal.

    Attributes:
        skill: Id of the skill that would go.
        into: Id of the one that it would become: the one in its cluster that most texts have.
        similarity: Cosine of the two names.
        skill_texts: Texts tagged with the first.
        into_texts: Texts tagged with the second.
    """

    skill: str
    into: str
    similarity: float
    skill_texts: int
    into_texts: int


def propose_merges(tags: Sequence[Tag], encoder: Encoder, *, threshold: float = 0.85) -> list[Merge]:
    """Clusters of names that are nearly the same, each as proposals to merge into its most used name.

    From the most used name on, each takes in the names, not yet taken, that are near enough to it itself: names are
    not chained, so that the ends of a cluster are never far from each other.

    Args:
        tags: The tags.
        encoder: Turns names into vectors.
        threshold: Least cosine.
    """
    uses = Counter(skill for skill, _ in {(tag.skill, tag.text) for tag in tags})
    names = {tag.skill: tag.name or tag.skill for tag in tags}
    ranked = sorted(uses, key=lambda skill: (-uses[skill], skill))
    vectors = encoder.encode([names[skill] for skill in ranked])
    free = np.ones(len(ranked), bool)
    found = []
    for place, leader in enumerate(ranked):
        if not free[place]:
            continue
        free[place] = False
        alike = vectors @ vectors[place]
        for other in np.flatnonzero(free & (alike >= threshold)).tolist():
            free[other] = False
            skill = ranked[other]
            found.append(Merge(skill, leader, float(min(alike[other], 1.0)), uses[skill], uses[leader]))
    return found


def merges_as_text(merges: Sequence[Merge]) -> str:
    """Proposals as CSV, with an empty column `keep` for a person's yes or no."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(
        (escaped(m.skill), escaped(m.into), f"{m.similarity:.3f}", m.skill_texts, m.into_texts, "") for m in merges
    )
    return written.getvalue()


def read_merges(path: Path) -> dict[str, str]:
    """The merges to which a person has said yes: skill to skill.

    Raises:
        DataError: A column is missing, or a skill would go into two others, or in the end into itself.
    """
    found: dict[str, str] = {}
    with open_table(path, Problems(), known=_COLUMNS, escaped="yes") as opened:
        missing = [name for name in ("skill", "into", "keep") if name not in opened.header]
        if missing:
            raise DataError(f"has no column {missing[0]!r}: expected {', '.join(_COLUMNS)}", path=path)
        skill_at, into_at, keep_at = (opened.header.index(name) for name in ("skill", "into", "keep"))
        for line, values in opened.rows:
            keep = values[keep_at].strip().lower()
            if keep not in {"", "yes", "y", "true", "1", "no", "n", "false", "0"}:
                raise DataError(f"column 'keep': {keep!r} must be yes, no or empty", path=path, line=line)
            if keep not in {"yes", "y", "true", "1"}:
                continue
            skill, into = values[skill_at].strip(), values[into_at].strip()
            if found.get(skill, into) != into:
                raise DataError(f"skill {skill!r} goes into {found[skill]!r} and {into!r}", path=path, line=line)
            found[skill] = into
    for skill, into in found.items():
        seen, at = {skill}, into
        while at in found:
            if at in seen:
                raise DataError(f"skill {skill!r} would be merged in a circle", path=path)
            seen.add(at)
            at = found[at]
    return found


def merge_tags(tags: Sequence[Tag], merges: Mapping[str, str]) -> list[Tag]:
    """The tags with merged skills; of several that become one tag of a text, the surest stays."""
    names = {tag.skill: tag.name for tag in tags}
    kept: dict[tuple[str, str, str], Tag] = {}
    for tag in tags:
        skill = tag.skill
        while skill in merges:
            skill = merges[skill]
        moved = tag if skill == tag.skill else replace(tag, skill=skill, name=names.get(skill, skill))
        key = (tag.text, skill, tag.annotator)
        if key not in kept or (kept[key].score or 0.0) < (moved.score or 0.0):
            kept[key] = moved
    return list(kept.values())
