"""Samples of the lm-evaluation-harness: `samples_<task>_<time>.jsonl`, a line for each item that a model answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loaders._builder import Builder
from loaders._files import Progress, suffixes
from loaders._rows import json_lines
from loaders.errors import DataError
from loaders.skill_rows import parse_skills

__all__ = ["OPTIONS", "is_samples_file", "read_lm_evaluation"]

OPTIONS: Mapping[str, str] = {
    "model": "name of the model; otherwise that of the folder a file lies in",
    "metric": "name of the score; otherwise the first of the file's metrics",
    "filter": "name of the answer filter; otherwise the first that occurs",
    "skill_field": "fields with the skills, such as doc.subject, joined by commas; otherwise the task is the skill",
}
# samples_<task>_<time>.jsonl; the time may be missing.
_NAME = re.compile(r"samples_(?P<task>.+?)(_\d{4}-\d{2}-\d{2}T[\d.\-:]+)?\.jsonl")
# In order of preference, for files that do not list their metrics.
_METRICS = ("acc", "exact_match", "pass@1", "pass_at_1", "acc_norm", "em", "f1", "score", "correct")


def is_samples_file(path: Path) -> bool:
    """True for a file that is named as the harness names its samples."""
    return path.name.startswith("samples_") and suffixes(path) == ".jsonl"


def read_lm_evaluation(
    path: Path,
    builder: Builder,
    *,
    model: str | None = None,
    metric: str | None = None,
    filter: str | None = None,  # noqa: A002  # the harness's own name
    skill_field: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the items of samples files as texts, and the scores of the models as outcomes.

    The id of a text is `<task>/<doc_id>`, its class the task. What an item requires is in the fields of
    `skill_field` (a name, several joined by a separator, or a JSON array); without them only its task is known,
    which then is its one skill. An edge list or rows with skills beside the samples say more.

    Args:
        path: A samples file, or a folder with such files, a folder a model.
        builder: Takes texts, skills, models and attempts.
        model: See `OPTIONS`, likewise the others.
        metric: See `OPTIONS`.
        filter: See `OPTIONS`.
        skill_field: See `OPTIONS`.
        progress: Called with bytes read and all bytes of each file.

    Raises:
        DataError: No samples file, a line without `doc_id`, a score that is no number from 0 to 1.
    """
    files = sorted(file for file in path.rglob("samples_*") if is_samples_file(file)) if path.is_dir() else [path]
    if not files:
        raise DataError("holds no samples_*.jsonl file; run the harness with --log_samples", path=path)
    if model is not None and len({file.parent for file in files}) > 1:
        raise DataError("holds the samples of several models; leave model out, or give one model's folder", path=path)
    elsewhere = builder.has_requirements
    for file in files:
        named = model or _model_name(file)
        _read_file(file, builder, named, metric, filter, skill_field, progress, elsewhere=elsewhere)


def _model_name(file: Path) -> str:
    """The harness writes "org__name" for "org/name"."""
    return file.resolve().parent.name.replace("__", "/")


def _task(file: Path) -> str:
    name = file.name.removesuffix(".gz").removesuffix(".zst")
    found = _NAME.fullmatch(name)
    return found["task"] if found else name.removesuffix(".jsonl")


def _read_file(
    file: Path,
    builder: Builder,
    model: str,
    metric: str | None,
    chosen_filter: str | None,
    skill_field: str | None,
    progress: Progress | None,
    *,
    elsewhere: bool,
) -> None:
    """Add a file; `elsewhere`: what its items require has been read from another file."""
    task = _task(file)
    for line, row in json_lines(file, builder.problems, progress):
        kept = row.get("filter")
        if kept is not None:
            chosen_filter = chosen_filter or str(kept)
            if kept != chosen_filter:
                continue
        number = row.get("doc_id")
        if not isinstance(number, int | str) or isinstance(number, bool):
            builder.problems.report("no doc_id", f"expected a key 'doc_id', found {_keys(row)}", file, line)
            continue
        metric = metric or _first_metric(row)
        score = _score(row.get(metric)) if metric is not None else None
        if metric is None or score is None:
            found = "none of the known metrics" if metric is None else f"{metric!r}: {row.get(metric)!r}"
            builder.problems.report(
                "no score", f"expected a score from 0 to 1, found {found}; name it with metric", file, line
            )
            continue
        text = f"{task}/{number}"
        try:
            skills = list(_skills(row, skill_field)) if skill_field else [task]
        except ValueError as error:
            builder.problems.report("no skills", f"field {skill_field!r}: {error}", file, line)
            continue
        if not elsewhere:
            _add_item(builder, text, task, skills, classed=skill_field is None)
        elif not builder.known_text(text, file, line, "doc_id"):
            continue
        if not builder.attempt(model, text, score):
            builder.problems.report(
                "second score", f"model {model!r} has a score for {text!r} already; name the filter", file, line
            )


def _add_item(builder: Builder, text: str, task: str, skills: list[str], *, classed: bool) -> None:
    if text in builder.text_ids:
        return
    builder.text(text, {"class": task})
    for skill in skills:
        builder.skill(skill, {"class": "task"} if classed else None)
        builder.require(text, skill)


def _keys(row: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, list(row)[:8])) or "nothing"


def _first_metric(row: Mapping[str, Any]) -> str | None:
    listed = row.get("metrics")
    if isinstance(listed, list) and listed and isinstance(listed[0], str):
        return listed[0]
    return next((name for name in _METRICS if name in row), None)


def _score(value: Any) -> float | None:
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    return None


def _skills(row: Mapping[str, Any], fields: str) -> Iterator[str]:
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
