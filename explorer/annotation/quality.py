"""How good tags are: what they cover, and how far two annotators agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.agreement import alpha_interval, krippendorff_alpha
from explorer.errors import SkillgraphError
from loaders.annotations import Tag

__all__ = ["Agreement", "Coverage", "SkillAgreement", "agreement", "coverage"]


@dataclass(frozen=True)
class Coverage:
    """What tags cover.

    Attributes:
        texts: Number of texts.
        tagged: Number of texts with a tag.
        tags: Number of tags; a skill that several annotators gave a text is one.
        skills: Number of skills.
        once: Number of skills that only one text has: nothing can be learned of how they hang together.
        mean_skills: Mean number of skills of a text.
    """

    texts: int
    tagged: int
    tags: int
    skills: int
    once: int
    mean_skills: float


@dataclass(frozen=True)
class SkillAgreement:
    """Both annotators on one skill.

    Attributes:
        skill: Id.
        both: Texts that both gave it.
        first: Texts that only the first gave it.
        second: Texts that only the second gave it.
        alpha: Krippendorff's α; NaN if both gave it to all or to no text.
    """

    skill: str
    both: int
    first: int
    second: int
    alpha: float


@dataclass(frozen=True)
class Agreement:
    """How far two annotators agree.

    Attributes:
        texts: Texts that both have looked at.
        skills: Skills that one of them gave such a text.
        alpha: Krippendorff's α of the answers, yes or no, on every one of these skills in every one of these texts.
        low: Lower end of its 95 % interval over draws of texts.
        high: Upper end.
        both: Number of (text, skill) pairs that both tagged.
        first: Number that only the first tagged.
        second: Number that only the second tagged.
        by_skill: One row a skill, the most disputed first.
    """

    texts: int
    skills: int
    alpha: float
    low: float
    high: float
    both: int
    first: int
    second: int
    by_skill: tuple[SkillAgreement, ...]


def _given(tags: Iterable[Tag]) -> set[tuple[str, str]]:
    """Pairs of text and skill, without those that a reviewer has rejected."""
    return {(tag.text, tag.skill) for tag in tags if tag.skill and tag.keep is not False}


def coverage(tags: Sequence[Tag], texts: int) -> Coverage:
    """What tags of so many texts cover."""
    pairs = _given(tags)
    uses = Counter(skill for _, skill in pairs)
    once = sum(count == 1 for count in uses.values())
    return Coverage(texts, len({text for text, _ in pairs}), len(pairs), len(uses), once, len(pairs) / max(texts, 1))


def agreement(first: Sequence[Tag], second: Sequence[Tag], *, seed: int = 0, replicates: int = 1000) -> Agreement:
    """How far two annotators agree on the texts that both have looked at.

    Args:
        first: Rows of the first; a row without a skill says that a text was looked at.
        second: Rows of the second.
        seed: Seed of the draws behind the interval.
        replicates: Number of these.

    Raises:
        SkillgraphError: They have no text in common, or neither gave a skill to one.
    """
    common = sorted({tag.text for tag in first} & {tag.text for tag in second})
    if not common:
        raise SkillgraphError("the two have no text in common, by id")
    row = {text: place for place, text in enumerate(common)}
    pairs = [{pair for pair in _given(tags) if pair[0] in row} for tags in (first, second)]
    skills = sorted({skill for given in pairs for _, skill in given})
    if not skills:
        raise SkillgraphError(f"neither has given a skill to one of the {len(common)} texts in common")
    column = {skill: place for place, skill in enumerate(skills)}
    values = np.zeros((2, len(common), len(skills)), np.int64)
    for annotator, given in enumerate(pairs):
        for text, skill in given:
            values[annotator, row[text], column[skill]] = 1
    flat = values.reshape(2, -1)
    low, high = alpha_interval(
        flat, np.repeat(np.arange(len(common)), len(skills)), rng=np.random.default_rng(seed), replicates=replicates
    )
    a, b = values.astype(bool)
    rows = [
        SkillAgreement(
            skill,
            int((a[:, s] & b[:, s]).sum()),
            int((a[:, s] & ~b[:, s]).sum()),
            int((~a[:, s] & b[:, s]).sum()),
            krippendorff_alpha(values[:, :, s]),
        )
        for s, skill in enumerate(skills)
    ]
    rows.sort(key=lambda found: (-(found.first + found.second), found.both, found.skill))
    return Agreement(
        len(common),
        len(skills),
        krippendorff_alpha(flat),
        low,
        high,
        int((a & b).sum()),
        int((a & ~b).sum()),
        int((~a & b).sum()),
        tuple(rows),
    )
