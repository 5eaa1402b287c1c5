"""Tags that `skillgraph annotate` wrote and a person may have reviewed: a row for each text and skill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loaders._builder import Builder
from loaders._files import Progress
from loaders._registry import Claim, Format, register
from loaders._report import Problems
from loaders._rows import open_table
from loaders._source import Source
from loaders.errors import DataError

__all__ = ["COLUMNS", "OPTIONS", "Tag", "read_annotations", "read_tags"]

COLUMNS = (
    "text", "title", "class", "skill", "name", "annotator", "method", "score", "evidence", "start", "end", "keep",
)  # fmt: skip
"""Columns of the file, in the order in which they are written."""
_NEEDED = ("text", "skill", "annotator", "method", "score", "keep")
_KEEP: Mapping[str, bool | None] = {
    "": None, "yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False,
}  # fmt: skip
OPTIONS: Mapping[str, str] = {
    "annotator": "take only the tags of this annotator",
    "min_score": "take only tags with at least this score; tags without a score are taken",
}


@dataclass(frozen=True)
class Tag:
    """One row: an annotator's word that a text requires a skill, or that a text has none.

    Attributes:
        text: Id of the text.
        skill: Id of the skill; "" in a row that only says that the text was looked at.
        name: What people call the skill.
        annotator: Who says so: a model or a person.
        method: How: a model's way and the version of its prompt.
        score: How surely, 0-1; None if that is not said.
        evidence: The words that speak for it.
        start: Where they begin in the text; None if that is not known.
        end: Where they end.
        keep: What a reviewer says; None if nobody has.
        title: What people call the text.
        text_class: Class of the text.
    """

    text: str
    skill: str = ""
    name: str = ""
    annotator: str = ""
    method: str = ""
    score: float | None = None
    evidence: str = ""
    start: int | None = None
    end: int | None = None
    keep: bool | None = None
    title: str = ""
    text_class: str = ""


def read_tags(path: Path, problems: Problems | None = None, progress: Progress | None = None) -> list[Tag]:
    """The rows of a file of tags.

    Args:
        path: The file.
        problems: Where rows are reported; without, the first wrong row is an error.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: A column that must be there is not, or a row is wrong.
    """
    problems = problems or Problems()
    found = []
    with open_table(path, problems, progress=progress, known=_NEEDED, escaped="yes") as opened:
        missing = [name for name in _NEEDED if name not in opened.header]
        if missing:
            raise DataError(
                f"has no column {missing[0]!r}: a file of tags has the columns {', '.join(COLUMNS)}", path=path
            )
        places = {name: opened.header.index(name) for name in COLUMNS if name in opened.header}
        for line, values in opened.rows:
            row = {name: values[place].strip() for name, place in places.items()}
            tag = _tag(row, path, line, problems)
            if tag is not None:
                found.append(tag)
    return found


def _tag(row: Mapping[str, str], path: Path, line: int | None, problems: Problems) -> Tag | None:
    if not row["text"]:
        problems.report("empty id", "column 'text': expected the id of a text, found nothing", path, line)
        return None
    keep = row["keep"].lower()
    if keep not in _KEEP:
        problems.report("no yes or no", f"column 'keep': {row['keep']!r} must be yes, no or empty", path, line)
        return None
    try:
        score = float(row["score"]) if row["score"] else None
    except ValueError:
        score = math.nan
    if score is not None and not 0.0 <= score <= 1.0:
        problems.report("no score", f"column 'score': {row['score']!r} must be a number from 0 to 1", path, line)
        return None
    if row["skill"] and not row["annotator"]:
        problems.report("no annotator", "column 'annotator': write who says so, found nothing", path, line)
        return None
    start, end = (int(row[name]) if row.get(name, "").isdecimal() else None for name in ("start", "end"))
    return Tag(
        text=row["text"],
        skill=row["skill"],
        name=row.get("name", ""),
        annotator=row["annotator"],
        method=row["method"],
        score=score,
        evidence=row.get("evidence", ""),
        start=start,
        end=end,
        keep=_KEEP[keep],
        title=row.get("title", ""),
        text_class=row.get("class", ""),
    )


def read_annotations(
    path: Path,
    builder: Builder,
    *,
    annotator: str | None = None,
    min_score: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the texts of a file of tags with the skills that were not rejected.

    A skill that several annotators gave a text is one requirement: `annotator` lists them, the rest is of the tag with
    the highest score.

    Args:
        path: The file.
        builder: Takes them.
        annotator: See `OPTIONS`.
        min_score: See `OPTIONS`.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: What `read_tags` raises, or an annotator that has no tag.
    """
    least = _least(min_score)
    tags = read_tags(path, builder.problems, progress)
    names = {tag.annotator for tag in tags if tag.skill}
    if annotator is not None and annotator not in names:
        there = ", ".join(map(repr, sorted(names))) or "none"
        raise DataError(f"has no tag of annotator {annotator!r}; annotators there: {there}", path=path)
    taken: dict[tuple[str, str], list[Tag]] = {}
    rejected = low = 0
    for tag in tags:
        builder.text(tag.text, {"title": tag.title or None, "class": tag.text_class or None})
        if not tag.skill or (annotator is not None and tag.annotator != annotator):
            continue
        if tag.keep is False:
            rejected += 1
        elif tag.score is not None and tag.score < least:
            low += 1
        else:
            taken.setdefault((tag.text, tag.skill), []).append(tag)
    for (text, skill), same in taken.items():
        best = max(same, key=lambda tag: -1.0 if tag.score is None else tag.score)
        builder.skill(skill, {"name": best.name or None})
        said = {
            "annotator": "; ".join(sorted({tag.annotator for tag in same})),
            "method": best.method or None,
            "score": best.score,
            "evidence": best.evidence or None,
        }
        builder.require(text, skill, tag=said)
    if rejected:
        builder.problems.decide(path, "rejected tags", f"{rejected:,} left out", "keep is no")
    if low:
        builder.problems.decide(path, "tags below min_score", f"{low:,} left out", f"min_score is {least:g}")


def _least(given: str | None) -> float:
    try:
        least = float(given or 0.0)
    except ValueError:
        least = math.nan
    if not 0.0 <= least <= 1.0:
        raise DataError(f"min_score {given!r} must be a number from 0 to 1")
    return least


def _claims(source: Source) -> Claim | None:
    table = source.table
    if table is None or not set(_NEEDED) <= set(table.header):
        return None
    return Claim(95, "columns text, skill, annotator, method, score and keep, as annotate writes them")


register(
    Format(
        "annotations",
        "tags of texts that `skillgraph annotate` wrote, reviewed or not",
        read_annotations,
        OPTIONS,
        claims=_claims,
    )
)
