"""Texts to be tagged, vocabularies, and the file of tags that a person can review and `skillgraph load` reads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import SkillgraphError
from loaders import _columns
from loaders._files import read_text
from loaders._report import Problems
from loaders._rows import find_column, open_table, optional_column
from loaders.annotations import COLUMNS, Tag
from loaders.errors import DataError
from loaders.spreadsheet import escaped

if TYPE_CHECKING:
    from explorer.store.protocol import Store

__all__ = ["SourceText", "VocabularySkill", "read_texts", "read_vocabulary", "skills_of", "tags_as_text"]

_WORDING = ("text", "content", "body", "prompt", "question", "problem", "description", "document", "task")
_ID = ("id", "text_id", "item_id", "task_id", "document_id", "doc_id", "question_id")
_SKILL_ID = ("id", "skill_id", "skill", "uri", "concept_uri", "concepturi", "code", "name", "label", "term")


@dataclass(frozen=True)
class SourceText:
    """A text to be tagged.

    Attributes:
        id: Unique id.
        text: Its words.
        title: What people call it; "" if it has no title.
        text_class: Its class; "" if it has none.
    """

    id: str
    text: str
    title: str = ""
    text_class: str = ""


@dataclass(frozen=True)
class VocabularySkill:
    """A skill that texts may be tagged with.

    Attributes:
        id: Unique id.
        name: What people call it.
        description: What it means; "" if that is not said.
    """

    id: str
    name: str
    description: str = ""

    @property
    def phrase(self) -> str:
        """What is compared with a sentence."""
        return f"{self.name}: {self.description}" if self.description else self.name


def read_texts(path: Path, *, text_column: str | None = None, id_column: str | None = None) -> list[SourceText]:
    """Texts of a table, JSON Lines or CSV: a column of words, one of ids, and perhaps title and class.

    Args:
        path: The file.
        text_column: Column with the words; found by its name if not given.
        id_column: Column with the ids; likewise.

    Raises:
        DataError: A column is missing, an id or a text is empty, or an id occurs twice.
    """
    found: list[SourceText] = []
    lines: dict[str, int | None] = {}
    with open_table(path, Problems(), known=(text_column, id_column)) as opened:
        header = opened.header
        words = find_column(header, _WORDING, text_column, path, what="the words of the texts", option="--text-column")
        ids = find_column(header, _ID, id_column, path, what="the ids of the texts", option="--id-column")
        if words == ids:
            raise DataError(f"column {header[ids]!r} cannot be both text and id; name them", path=path)
        title, kind = (
            optional_column(header, (name,), None, path) if name not in (text_column, id_column) else None
            for name in ("title", "class")
        )
        for line, values in opened.rows:
            identifier, text = values[ids].strip(), values[words].strip()
            if not identifier or not text:
                what = header[words if identifier else ids]
                raise DataError(f"column {what!r} is empty: every text needs an id and words", path=path, line=line)
            if identifier in lines:
                first = f" (first on line {lines[identifier]})" if lines[identifier] else ""
                raise DataError(f"id {identifier!r} occurs twice{first}; ids must be unique", path=path, line=line)
            lines[identifier] = line
            found.append(
                SourceText(
                    identifier,
                    text,
                    "" if title is None else values[title].strip(),
                    "" if kind is None else values[kind].strip(),
                )
            )
    if not found:
        raise DataError("holds no text", path=path)
    return found


def read_vocabulary(path: Path) -> list[VocabularySkill]:
    """Skills of a table with columns id, name and perhaps description, or of a text file with a name on each line.

    Raises:
        DataError: A column is missing, a name is empty, or an id occurs twice.
    """
    found: list[VocabularySkill] = []
    if path.suffix.lower() == ".txt":
        names = [line.strip() for line in read_text(path).splitlines()]
        rows = [(line, name, name, "") for line, name in enumerate(names, 1) if name]
    else:
        with open_table(path, Problems()) as opened:
            ids = find_column(opened.header, _SKILL_ID, None, path, what="the ids of the skills", option="a column id")
            name = optional_column(opened.header, _columns.SKILL_NAME, None, path)
            about = optional_column(opened.header, ("description", "definition", "meaning"), None, path)
            rows = [
                (
                    line or 0,
                    values[ids].strip(),
                    values[ids if name is None else name].strip(),
                    "" if about is None else " ".join(values[about].split()),
                )
                for line, values in opened.rows
            ]
    seen: set[str] = set()
    for line, identifier, called, meaning in rows:
        if not identifier:
            raise DataError("a skill has no id", path=path, line=line or None)
        if identifier in seen:
            raise DataError(f"skill {identifier!r} occurs twice; ids must be unique", path=path, line=line or None)
        seen.add(identifier)
        found.append(VocabularySkill(identifier, called or identifier, meaning))
    if not found:
        raise DataError("holds no skill", path=path)
    return found


def skills_of(store: Store, dataset: str) -> list[VocabularySkill]:
    """The skills of a stored dataset as a vocabulary.

    Raises:
        SkillgraphError: It has none.
    """
    skills = store.read_dataset(dataset).skills
    about = skills["description"].to_pylist() if "description" in skills.column_names else [None] * skills.num_rows
    rows = zip(skills["id"].to_pylist(), skills["name"].to_pylist(), about, strict=True)
    found = [VocabularySkill(i, n or i, " ".join(str(d or "").split())) for i, n, d in rows]
    if not found:
        raise SkillgraphError(f"dataset {dataset!r} has no skills: give another vocabulary")
    return found


def tags_as_text(path: Path, texts: Sequence[SourceText], tags: Iterable[Tag]) -> str:
    """The file of tags, CSV or, by the ending of the path, JSON Lines; texts without a tag have a row of their own.

    Rows are in the order of the texts, and of one text the surest first.
    """
    of_text: dict[str, list[Tag]] = {text.id: [] for text in texts}
    for tag in tags:
        of_text[tag.text].append(tag)
    rows = []
    for text in texts:
        here = sorted(of_text[text.id], key=lambda tag: (-(tag.score or 0.0), tag.skill)) or [Tag(text.id)]
        rows += [_row(text, tag) for tag in here]
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: escaped(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def _row(text: SourceText, tag: Tag) -> dict[str, object]:
    keep = None if tag.keep is None else "yes" if tag.keep else "no"
    score = None if tag.score is None else round(tag.score, 4)
    values = (
        text.id, text.title, text.text_class, tag.skill, tag.name, tag.annotator, tag.method, score, tag.evidence,
        tag.start, tag.end, keep,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
