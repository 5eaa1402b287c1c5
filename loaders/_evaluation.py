"""What the logs of evaluation programs have in common: items of tasks, with the scores of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loaders._builder import Builder
from loaders._lists import parse_skills
from loaders._reading import plural
from loaders.errors import DataError

__all__ = ["Items", "fields_of"]


class Items:
    """Items of tasks as texts, and scores of models, of which several for one item become their mean.

    Args:
        builder: Takes texts, skills, models and attempts.
        attempts: `share`, `first`, `last` or `best` of several scores; None for share.
    """

    def __init__(self, builder: Builder, attempts: str | None = None) -> None:
        if attempts is not None and attempts not in {"share", "first", "last", "best"}:
            raise DataError(f"attempts {attempts!r} must be share, first, last or best")
        self.builder = builder
        self.attempts = attempts or "share"
        self._elsewhere = builder.has_requirements
        self._scores: dict[tuple[str, str], list[float]] = {}
        self._places: dict[tuple[str, str], tuple[Path, int | None]] = {}

    def add(
        self,
        model: str,
        task: str,
        item: str,
        score: float,
        skills: list[str] | None,
        path: Path,
        line: int | None = None,
        title: str | None = None,
    ) -> None:
        """Add a score of a model for an item.

        Args:
            model: The model.
            task: The task; without skills it is the one skill of its items.
            item: Name of the item in the task: the id of the text is `task/item`.
            score: From 0 to 1.
            skills: What the item requires; None if only the task is known.
            path: The file, for messages.
            line: 1-based line in it.
            title: Title of the text.
        """
        text = f"{task}/{item}"
        if self._elsewhere:
            if not self.builder.known_text(text, path, line, "item"):
                return
            if text not in self.builder.text_ids:
                self.builder.problems.report(
                    "unknown text",
                    f"the requirements have no text {text!r}; ids of items have the form task/number",
                    path,
                    line,
                )
                return
        elif text not in self.builder.text_ids:
            self.builder.text(text, {"class": task, "title": title})
            for skill in [task] if skills is None else skills:
                self.builder.skill(skill, {"class": "task"} if skills is None else None)
                self.builder.require(text, skill)
        self._scores.setdefault((model, text), []).append(score)
        self._places.setdefault((model, text), (path, line))

    def finish(self, path: Path) -> None:
        """Hand the scores over."""
        repeated = sum(len(scores) > 1 for scores in self._scores.values())
        if repeated:
            words = {"share": "the mean of all", "first": "the first", "last": "the last", "best": "the best"}
            self.builder.problems.decide(
                path, "repeated attempts", words[self.attempts], f"{plural(repeated, 'item')} with several scores",
                option="attempts",
            )  # fmt: skip
        for (model, text), scores in self._scores.items():
            chosen = {"share": sum(scores) / len(scores), "first": scores[0], "last": scores[-1], "best": max(scores)}
            if not self.builder.attempt(model, text, chosen[self.attempts]):
                where, line = self._places[model, text]
                self.builder.problems.report(
                    "second score", f"model {model!r} has a score for {text!r} already", where, line
                )


def fields_of(row: Mapping[str, Any], fields: str) -> Iterator[str]:
    """Skills in the fields of a row, named with dots, several joined by commas.

    Raises:
        ValueError: There is no such field, or it holds no names.

    >>> list(fields_of({"doc": {"subject": "algebra", "tags": ["a", "b"]}}, "doc.subject,doc.tags"))
    ['algebra', 'a', 'b']
    """
    seen: set[str] = set()
    for field in fields.split(","):
        value: Any = row
        for key in field.strip().split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            raise ValueError(f"there is no {field.strip()!r}")
        if isinstance(value, int | float):
            value = str(value)
        for skill, _ in parse_skills(value):
            if skill not in seen:
                seen.add(skill)
                yield skill
