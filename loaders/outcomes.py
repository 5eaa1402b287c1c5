"""Outcomes of models on texts: long (a row an attempt) or wide (a row a text, a column a model)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder
from loaders._files import Progress
from loaders._report import Problems
from loaders._rows import Table, find_column, open_table, optional_column
from loaders.errors import DataError

__all__ = ["SCALES", "parse_score", "read_outcomes", "read_response_matrix"]

SCALES = ("auto", "share", "percent")
_NOT_ATTEMPTED = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "."})
_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "correct": 1.0, "incorrect": 0.0, "pass": 1.0, "fail": 0.0,
          "passed": 1.0, "failed": 0.0}  # fmt: skip
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?(%?)")


def parse_score(value: str) -> float | None:
    """A score as it is written; None where nothing was attempted. Percent signs are taken into account.

    Raises:
        ValueError: It is no score.

    >>> parse_score("0.25"), parse_score("25 %"), parse_score("NA"), parse_score("yes")
    (0.25, 0.25, None, 1.0)
    """
    text = value.strip().lower()
    if text in _NOT_ATTEMPTED:
        return None
    if text in _WORDS:
        return _WORDS[text]
    found = _NUMBER.fullmatch(text.replace(" %", "%"))
    if found is None:
        raise ValueError(value)
    return float(text.rstrip(" %")) / 100.0 if found[3] else float(text)


def read_outcomes(
    path: Path,
    builder: Builder,
    *,
    scale: str = "auto",
    text_column: str | None = None,
    model_column: str | None = None,
    score_column: str | None = None,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> str:
    """Add a file of outcomes to a dataset in the making.

    A file with columns for a text, a model and a score is long. Otherwise it is wide: the first column, or the one
    with a name for texts, holds the text and every other column a model. Blank, `NA` and the like mean that nothing
    was attempted.

    Args:
        path: CSV or TSV.
        builder: Takes models and attempts; texts must be known if they are listed somewhere.
        scale: "share": scores are 0-1. "percent": 0-100. "auto": percent if any score is above 1.
        text_column: Name of the column with the text.
        model_column: Name of the column with the model (long).
        score_column: Name of the column with the score (long).
        delimiter: See `open_table`.
        progress: Called with bytes read and all bytes.

    Returns:
        "long" or "wide".

    Raises:
        DataError: A score that is no number or out of range, an unknown text, or two scores for one attempt.
    """
    if scale not in SCALES:
        raise DataError(f"scale {scale!r} must be one of {', '.join(SCALES)}")
    scores = _Scores(builder, path, scale)
    with open_table(path, builder.problems, delimiter=delimiter, progress=progress) as table:
        model = optional_column(table.header, _columns.MODEL, model_column, path)
        score = optional_column(table.header, _columns.SCORE, score_column, path)
        if model is not None and score is not None:
            _read_long(table, scores, model, score, text_column)
            shape = "long"
        else:
            _read_wide(table, scores, text_column)
            shape = "wide"
    scores.finish()
    return shape


def _read_long(table: Table, scores: _Scores, model: int, score: int, text_column: str | None) -> None:
    text = find_column(table.header, _columns.TEXT, text_column, table.path, what="the text", option="text_column")
    for line, values in table.rows:
        scores.add(values[model].strip(), values[text].strip(), values[score], line, table.header[score])


def _read_wide(table: Table, scores: _Scores, text_column: str | None) -> None:
    text = optional_column(table.header, _columns.TEXT_ID, text_column, table.path) or 0
    models = [(place, name) for place, name in enumerate(table.header) if place != text]
    if not models:
        raise DataError(
            "has one column only; expected columns text, model and score, or a text and a column for each model",
            path=table.path,
        )
    for place, name in models:
        if not name:
            raise DataError(f"column {place + 1} has no name; expected the name of a model", path=table.path, line=1)
        scores.builder.model(name)
    for line, values in table.rows:
        for place, name in models:
            scores.add(name, values[text].strip(), values[place], line, name)


def read_response_matrix(
    path: Path,
    builder: Builder,
    items: Iterable[str],
    *,
    scale: str = "auto",
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add a response matrix as it goes with a Q-matrix: a row a respondent, a column an item.

    Columns are matched by the items' names; if none of them is an item's name and there are as many as items, by
    position. A first column that is no item names the respondents, otherwise they are numbered.

    Args:
        path: CSV or TSV.
        builder: Takes models and attempts.
        items: Items in the order of the Q-matrix.
        scale: See `read_outcomes`.
        delimiter: See `open_table`.
        progress: Called with bytes read and all bytes.

    Raises:
        DataError: Columns that are no items, or what `read_outcomes` raises.
    """
    order = list(items)
    known = set(order)
    scores = _Scores(builder, path, scale)
    with open_table(path, builder.problems, delimiter=delimiter, progress=progress) as table:
        header = list(table.header)
        named = 0 if header[0] in known or len(header) == len(order) else 1
        columns = header[named:]
        if not known.intersection(columns):
            if len(columns) != len(order):
                raise DataError(
                    f"has {len(columns)} columns of responses and none is named as one of the {len(order)} items; "
                    "name the columns as the items of the Q-matrix",
                    path=path,
                )
            columns = order
        unknown = next((name for name in columns if name not in known), None)
        if unknown is not None:
            raise DataError(f"column {unknown!r} is no item of the Q-matrix", path=path, line=1)
        for number, (line, values) in enumerate(table.rows, 1):
            model = values[0].strip() if named else f"respondent {number}"
            for name, value in zip(columns, values[named:], strict=True):
                scores.add(model, name, value, line, name)
    scores.finish()


class _Scores:
    """Scores of one file, kept until it is known whether they are percent."""

    def __init__(self, builder: Builder, path: Path, scale: str) -> None:
        self.builder = builder
        self.path = path
        self.scale = scale
        self._found: list[tuple[str, str, float, int, str]] = []

    @property
    def _problems(self) -> Problems:
        return self.builder.problems

    def add(self, model: str, text: str, value: str, line: int, column: str) -> None:
        if not model:
            self._problems.report("empty id", "expected the name of a model, found nothing", self.path, line)
            return
        if not self.builder.known_text(text, self.path, line):
            return
        try:
            score = parse_score(value)
        except ValueError:
            self._problems.report(
                "no score",
                f"column {column!r}: {value!r} is no score; expected 0 to 1, 0 to 100, or blank for not attempted",
                self.path,
                line,
            )
            return
        if score is not None:
            self._found.append((model, text, score, line, column))
        else:
            self.builder.model(model)

    def finish(self) -> None:
        percent = self.scale == "percent" or (self.scale == "auto" and any(row[2] > 1.0 for row in self._found))
        top = 100.0 if percent else 1.0
        for model, text, score, line, column in self._found:
            if not 0.0 <= score <= top:
                self._problems.report(
                    "score out of range",
                    f"column {column!r}: score {score:g} must be from 0 to {top:g}",
                    self.path,
                    line,
                )
            elif not self.builder.attempt(model, text, score / top):
                self._problems.report(
                    "second score", f"model {model!r} has a score for text {text!r} already; give one", self.path, line
                )
