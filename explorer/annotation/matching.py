"""Tags by sentence embeddings: a text requires a skill if one of its sentences is near enough to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from analysis.agreement import Threshold, best_threshold
from explorer.annotation.encoders import Encoder
from explorer.annotation.files import SourceText, VocabularySkill
from explorer.errors import SkillgraphError
from explorer.store.protocol import Progress
from explorer.wording import plural
from loaders.annotations import Tag

__all__ = ["METHOD", "THRESHOLD", "calibrate", "match", "sentences"]

METHOD = "sentences/1"
"""Name and version of this way, kept with every tag."""
THRESHOLD = 0.4
"""Cosine from which a tag is given if the threshold was not calibrated: a guess that suits small English models."""
_END = re.compile(r"(?<=[.!?;:])\s+|\n+|(?<=[。！？；])")
_TEXTS = 256


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end.

    >>> [("Sort it. Then, stop!"[a:b]) for a, b in sentences("Sort it. Then, stop!")]
    ['Sort it.', 'Then, stop!']
    """
    found, at = [], 0
    for gap in (*_END.finditer(text), None):
        end = len(text) if gap is None else gap.start()
        part = text[at:end]
        if part.strip():
            begin = at + len(part) - len(part.lstrip())
            found.append((begin, begin + len(part.strip())))
        at = len(text) if gap is None else gap.end()
    return found


def match(
    texts: Sequence[SourceText],
    skills: Sequence[VocabularySkill],
    encoder: Encoder,
    *,
    threshold: float = THRESHOLD,
    top: int = 5,
    progress: Progress | None = None,
) -> list[Tag]:
    """The nearest skills of each text.

    Args:
        texts: The texts.
        skills: What they may be tagged with.
        encoder: Turns sentences and skills into vectors.
        threshold: Least cosine between a skill and the nearest sentence of the text.
        top: Most skills of a text.
        progress: Called with texts done and all texts.

    Returns:
        Tags; `score` is the cosine, `evidence` the nearest sentence.
    """
    phrases = encoder.encode([skill.phrase for skill in skills])
    found: list[Tag] = []
    for begin in range(0, len(texts), _TEXTS):
        chunk = texts[begin : begin + _TEXTS]
        spans = [sentences(text.text) or [(0, len(text.text))] for text in chunk]
        parts = [text.text[a:b] for text, own in zip(chunk, spans, strict=True) for a, b in own]
        alike = encoder.encode(parts) @ phrases.T
        first = 0
        for text, own in zip(chunk, spans, strict=True):
            here = alike[first : first + len(own)]
            first += len(own)
            nearest, score = here.argmax(axis=0), here.max(axis=0)
            for s in np.lexsort((np.arange(len(skills)), -score))[:top].tolist():
                # As it is written, so that a threshold that was taken from a file keeps the tag it was taken from.
                value = round(float(min(score[s], 1.0)), 4)
                if value < threshold:
                    break
                a, b = own[int(nearest[s])]
                evidence = text.text[a:b]
                skill = skills[s]
                found.append(Tag(text.id, skill.id, skill.name, encoder.name, METHOD, max(value, 0.0), evidence, a, b))
        if progress is not None:
            progress(min(begin + _TEXTS, len(texts)), len(texts))
    return found


def calibrate(reviewed: Sequence[Tag], annotator: str) -> Threshold:
    """The threshold that a review of this annotator's tags speaks for.

    Raises:
        SkillgraphError: The review has no kept or no rejected tag of this annotator with a score.
    """
    known = [tag for tag in reviewed if tag.keep is not None and tag.score is not None and tag.annotator == annotator]
    try:
        return best_threshold(
            np.array([tag.score for tag in known], np.float64), np.array([tag.keep is True for tag in known], bool)
        )
    except ValueError:
        kept = sum(tag.keep is True for tag in known)
        raise SkillgraphError(
            f"the reviewed file has {plural(kept, 'kept tag')} and {plural(len(known) - kept, 'rejected tag')} of "
            f"annotator {annotator!r}: a threshold needs both; write yes or no into its column keep"
        ) from None
