"""Outcomes of models on texts: long (a row an attempt) or wide (a row a text, a column a model)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders import _columns
from loaders._builder import Builder
from loaders._cells import is_missing_word, name_key
from loaders._ends import is_summary, sums_up_row
from loaders._files import Progress
from loaders._reading import plural, quoted
from loaders._registry import Claim, Format, register
from loaders._rows import TABLE_OPTIONS, Table, find_column, open_table, optional_column, report_doubtful
from loaders._scores import ATTEMPTS, SCALES, Scores, is_score_column, parse_score
from loaders._source import Source
from loaders.errors import DataError

__all__ = ["OPTIONS", "SCALES", "parse_score", "read_outcomes", "read_response_matrix"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the text",
    "model_column": "name of the column with the model",
    "score_column": "name of the column with the score",
    "scale": f"scores: {SCALES}",
    "attempts": ATTEMPTS,
    "key": "name of the column with the right answers, if answers are no scores; none if there is none",
    **TABLE_OPTIONS,
}
_KEYS = frozenset({
    "key", "keys", "answer_key", "answers_key", "key_answers", "keyed_response", "correct_answer", "correct_answers",
    "correct_key", "right_answer", "right_answers", "right_key", "solution", "solutions", "lösung", "lösungen",
    "schlüssel", "corrigé", "clave",
})  # fmt: skip
# What numbers the tries of one model at one text.
_TRIALS = frozenset(
    {"sample", "sample_id", "completion_id", "trial", "attempt", "attempt_number", "attempt_id", "epoch",
                     "run", "seed", "repeat", "iteration", "generation", "rollout", "train_trial_index"}
)  # fmt: skip


def read_outcomes(
    path: Path,
    builder: Builder,
    *,
    scale: str | None = None,
    attempts: str | None = None,
    key: str | None = None,
    text_column: str | None = None,
    model_column: str | None = None,
    score_column: str | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> str:
    """Add a table of outcomes to a dataset in the making.

    A table with columns for a text, a model and a score is long. Otherwise it is wide: the first column, or the one
    with a name for texts, holds the text and every other column a model. Blank, `NA` and the like mean that nothing
    was attempted.

    Args:
        path: Any table, see `open_table`.
        builder: Takes models and attempts; texts must be known if they are listed somewhere.
        scale: See `OPTIONS`, likewise the others.
        attempts: See `OPTIONS`.
        key: See `OPTIONS`.
        text_column: See `OPTIONS`.
        model_column: See `OPTIONS`.
        score_column: See `OPTIONS`.
        progress: Called with bytes read and all bytes.
        table: Of `TABLE_OPTIONS`.

    Returns:
        "long" or "wide".

    Raises:
        DataError: A score that is no number or out of range, an unknown text, or two scores for one attempt.
    """
    known = [text_column, model_column, score_column]
    with open_table(path, builder.problems, progress=progress, known=known, ids=known[:2], **table) as opened:
        keys = {name_key(name) for name in opened.header}
        trials = sorted(keys & _TRIALS)
        scores = Scores(
            builder,
            path,
            scale=scale or "auto",
            missing=opened.missing,
            attempts=attempts,
            repeats=f"column {trials[0]!r} numbers them" if trials else "",
        )
        model = optional_column(opened.header, (*_columns.MODEL, *_columns.STUDENT), model_column, path)
        score = optional_column(opened.header, _columns.SCORE, score_column, path)
        if model is not None and score is not None:
            _read_long(opened, scores, model, score, text_column)
            shape = "long"
        elif opened.dialect is None and score is not None and text_column is None and model is None:
            raise DataError("has a score but no model in its rows; choose one with model_column", path=path)
        else:
            _read_wide(opened, scores, text_column, key)
            shape = "wide"
    scores.finish()
    return shape


def _read_long(table: Table, scores: Scores, model: int, score: int, text_column: str | None) -> None:
    text = find_column(
        table.header, _columns.TEXT, text_column, table.path, what="the text", option="text_column", table=table
    )
    header = table.header
    scores.columns = {"text": header[text], "model": header[model]}
    scores.builder.problems.decide(
        table.path, "columns",
        f"texts from column {header[text]!r}, models from column {header[model]!r}, scores from {header[score]!r}",
        option="score_column",
        columns=((header[text], "text"), (header[model], "model"), (header[score], "score")),
    )  # fmt: skip
    for line, values in table.rows:
        if table.is_doubtful(values[model]):
            report_doubtful(table, scores.builder.problems, model, values[model].strip(), line)
            continue
        scores.add(values[model].strip(), values[text].strip(), values[score], line, table.header[score])


def _read_wide(table: Table, scores: Scores, text_column: str | None, key: str | None) -> None:
    ids = [name for name in _columns.TEXT_ID if name != "key"]  # a key is one of answers if another column has ids
    text = optional_column(table.header, [*ids, "key"] if table.named else (), text_column, table.path)
    text = (1 if table.index == 0 and len(table.header) > 2 else 0) if text is None else text
    models = [(place, name) for place, name in enumerate(table.header) if place not in {text, table.index}]
    if text_column is None and _rows_are_models(table, text, [name for _, name in models], scores.builder):
        scores.builder.problems.decide(
            table.path, "columns", f"models from column {table.header[text]!r}, a text in each of the other "
            f"{plural(len(models), 'column')}", "the other columns are called as the texts are",
        )  # fmt: skip
        scores.columns = {"model": table.header[text]}
        for line, values in table.rows:
            for place, name in models:
                scores.add(values[text].strip(), name, values[place], line, name)
        return
    names = Counter(name for _, name in models if name)
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is not None:
        raise DataError(
            f"{plural(names[twice], 'column')} are called {twice!r}; give each model a name of its own, or write a row "
            "for each score, with columns text, model and score",
            path=table.path,
            line=1,
        )
    if not models:
        raise DataError(
            "has one column only; expected columns text, model and score, or a text and a column for each model",
            path=table.path,
        )
    places = [place for place, _ in models]
    sums = {at for at, name in models if sums_up_row(name, at, [p for p in places if p != at], table.sample)}
    for at in sums:
        scores.builder.problems.decide(
            table.path, "column", f"{table.header[at]!r} is left out", "it sums up the others"
        )
    models = [(at, name) for at, name in models if at not in sums]
    right = _key_place([name for _, name in models], key, table.path, "column")
    answers = None if right is None else models.pop(right)
    if answers is not None:
        _told_key(scores, table.path, f"column {answers[1]!r}", key)
    for place, name in models:
        if not name:
            raise DataError(f"column {place + 1} has no name; expected the name of a model", path=table.path, line=1)
        scores.builder.model(name)
    scores.builder.problems.decide(
        table.path, "columns", f"texts from column {table.header[text]!r}, a model in each of the other "
        f"{plural(len(models), 'column')}", option="text_column",
        columns=((table.header[text], "text"), *((table.header[at], "model") for at, _ in models)),
    )  # fmt: skip
    scores.columns = {"text": table.header[text]}
    for line, values in table.rows:
        for place, name in models:
            value = values[place] if answers is None else _kept(values[place], values[answers[0]], table)
            scores.add(name, values[text].strip(), value, line, name)


def _rows_are_models(table: Table, place: int, names: Sequence[str], builder: Builder) -> bool:
    """True if columns are called as texts are, and no row is."""
    known = builder.text_ids
    return bool(names) and all(name in known for name in names) and not any(
        value in known for value in table.column(place)
    )  # fmt: skip


def _kept(answer: str, right: str, table: Table) -> str:
    return answer if table.is_missing(answer) else _compared(answer, right)


def _key_place(names: Sequence[str], given: str | None, path: Path, what: str) -> int | None:
    """Place of the key to the answers among names of rows or columns.

    Raises:
        DataError: The user named one that is not there.
    """
    if given is not None and given.casefold() == "none":
        return None
    if given is not None:
        if given not in names:
            raise DataError(
                f"has no {what} {given!r} with the right answers; there are: {quoted(names, 20)}", path=path
            )
        return names.index(given)
    found = [at for at, name in enumerate(names) if name_key(name) in _KEYS]
    return found[0] if len(found) == 1 and len(names) > 1 else None


def _told_key(scores: Scores, path: Path, what: str, given: str | None) -> None:
    scores.builder.problems.decide(
        path, "right answers", f"{what}: an answer scores 1 if it is the same, otherwise 0",
        "" if given else "its name", option="key",
    )  # fmt: skip


def _compared(answer: str, right: str) -> str:
    """An answer as the score that a key gives it; a blank and the like stay what they are."""
    if not answer.strip() or is_missing_word(answer) or not right.strip():
        return answer if not answer.strip() or is_missing_word(answer) else ""
    return "1" if answer.strip().casefold() == right.strip().casefold() else "0"


def read_response_matrix(
    path: Path,
    builder: Builder,
    items: Iterable[str],
    *,
    scale: str = "auto",
    key: str | None = None,
    progress: Progress | None = None,
    **table: Any,
) -> None:
    """Add a response matrix as it goes with a Q-matrix: a row a respondent, a column an item.

    Columns are matched by the items' names; if none of them is an item's name and there are as many as items, by
    position. A first column that is no item names the respondents, otherwise they are numbered.

    Args:
        path: Any table, see `open_table`.
        builder: Takes models and attempts.
        items: Items in the order of the Q-matrix.
        scale: See `read_outcomes`.
        key: Name of the row with the right answers; `none` if there is none.
        progress: Called with bytes read and all bytes.
        table: Of `TABLE_OPTIONS`.

    Raises:
        DataError: Columns that are no items, or what `read_outcomes` raises.
    """
    order = list(items)
    known = set(order)
    with open_table(path, builder.problems, progress=progress, known=order, **table) as opened:
        scores = Scores(builder, path, scale=scale, missing=opened.missing)
        header = list(opened.header)
        keys = {name_key(name) for name in header}
        if not known.intersection(header) and keys & set(_columns.MODEL) and keys & set(_columns.TEXT):
            raise DataError(
                f"has a row for each answer (columns {', '.join(map(repr, header[:6]))}), not a column for each item; "
                f"use outcomes={path.name} in the place of responses",
                path=path,
            )
        rows_are_items = known.intersection(opened.column(0)) and not known.intersection(header)
        if rows_are_items:
            raise DataError(
                f"has a row for each item, not a column; use outcomes={path.name} in the place of responses", path=path
            )
        named = 0 if header[0] in known or len(header) == len(order) else 1
        columns = header[named:]
        beside = {at for at, name in enumerate(columns) if is_summary(name) and name not in known}
        if beside and known.intersection(columns):
            left = quoted([columns[at] for at in sorted(beside)])
            builder.problems.decide(path, "columns left out", left, "no item is called so, and sums are")
        else:
            beside = set()
        columns = [name for at, name in enumerate(columns) if at not in beside]
        if not known.intersection(columns):
            if len(columns) != len(order):
                raise DataError(
                    f"has {plural(len(columns), 'column')} of responses and none is named after one of the "
                    f"{len(order)} items; name the columns after the items of the Q-matrix",
                    path=path,
                )
            builder.problems.decide(path, "columns", f"the {plural(len(order), 'item')} in their order",
                                    "no column is named after an item")  # fmt: skip
            columns = order
        unknown = next((name for name in columns if name not in known), None)
        if unknown is not None:
            raise DataError(
                f"column {unknown!r} is not an item of the Q-matrix; take it out of the table, or add the item",
                path=path,
                line=1,
            )
        rows = list(opened.rows)
        right = _key_place([values[0].strip() for _, values in rows], key, path, "row") if named or key else None
        answers = None if right is None else rows.pop(right)[1]
        if answers is not None:
            _told_key(scores, path, f"row {answers[0].strip()!r}", key)
            rows = [
                (line, [v if at < named else _kept(v, answers[at], opened) for at, v in enumerate(values)])
                for line, values in rows
            ]
        for number, (line, values) in enumerate(rows, 1):
            model = values[0].strip() if named else f"respondent {number}"
            given = [value for at, value in enumerate(values[named:]) if at not in beside]
            for name, value in zip(columns, given, strict=True):
                scores.add(model, name, value, line, name)
    scores.finish()


def _read_main(path: Path, builder: Builder, **options: Any) -> None:
    if not builder.has_requirements and not builder.stored_texts:
        raise DataError(
            "holds outcomes without skills; add the edge list or the rows with skills as requirements, use --format "
            "q-matrix if its columns are skills with weights, or --append to add the outcomes to a stored dataset",
            path=path,
        )
    read_outcomes(path, builder, **options)


def _claims(source: Source) -> Claim | None:
    keys, table = source.keys, source.table
    if source.is_dir or table is None or not keys:
        return None
    texts = keys & set(_columns.TEXT)
    if keys & set(_columns.MODEL) and keys & set(_columns.SCORE) and texts:
        return Claim(66, "columns for a text, a model and a score")
    if texts and re.search(r"outcome|response|result|score", source.path.name.lower()) and source.is_numeric:
        return Claim(46, "its name")
    if (
        texts
        and source.is_numeric
        and len(table.header) > 1
        and any(is_score_column(table.column(at)) for at in range(1, len(table.header)))
    ):
        return Claim(35, "a column of scores for each model")
    return None


register(
    Format(
        "outcomes",
        "table of outcomes, long or wide; needs requirements",
        _read_main,
        OPTIONS,
        claims=_claims,
    )
)
