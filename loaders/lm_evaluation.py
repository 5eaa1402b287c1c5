"""Samples of the lm-evaluation-harness: a row for each item that a model answered, of its versions 0.3 and 0.4."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders._builder import Builder
from loaders._evaluation import Items, fields_of
from loaders._files import Progress, suffixes
from loaders._json_tables import is_lines, json_values, parse_json
from loaders._reading import quoted
from loaders._registry import Claim, Format, register
from loaders._scores import ATTEMPTS
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import files_below

__all__ = ["OPTIONS", "is_samples_file", "read_lm_evaluation"]

OPTIONS: Mapping[str, str] = {
    "model": "name of the model; otherwise the name of the file's folder",
    "metric": "name of the score; otherwise the first of the file's metrics",
    "filter": "name of the answer filter; otherwise the first in the file",
    "skill_field": "fields with the skills, such as doc.subject, separated by commas; otherwise the task is the skill",
    "attempts": ATTEMPTS,
}
# samples_<task>_<time>.jsonl; the time may be missing.
_NAME = re.compile(r"samples_(?P<task>.+?)(_(?P<time>\d{4}-\d{2}-\d{2}T[\d.\-:]+))?\.jsonl")
_WRITTEN_OUT = "_write_out_info.json"
# In order of preference, for files that do not list their metrics.
_METRICS = ("acc", "exact_match", "pass@1", "pass_at_1", "acc_norm", "em", "f1", "score", "correct", "mc1", "mc2")


def is_samples_file(path: Path) -> bool:
    """True for a file that is named as the harness names its samples."""
    if path.name.endswith((_WRITTEN_OUT, f"{_WRITTEN_OUT}.gz")):
        return True
    return path.name.startswith("samples_") and suffixes(path) == ".jsonl"


def _is_sample(row: Mapping[str, Any]) -> bool:
    return "doc_id" in row and bool({"resps", "filtered_resps", "target", "prompt_0", "logit_0", "truth"} & set(row))


def read_lm_evaluation(
    path: Path,
    builder: Builder,
    *,
    model: str | None = None,
    metric: str | None = None,
    filter: str | None = None,  # noqa: A002  # the harness's own name
    skill_field: str | None = None,
    attempts: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the items of samples files as texts, and the scores of the models as outcomes.

    The id of a text is `<task>/<doc_id>`, its class the task. What an item requires is in the fields of
    `skill_field` (a name, several joined by a separator, or a JSON array); without them only its task is known,
    which then is its one skill. An edge list or rows with skills beside the samples say more. Of a task that a model
    ran several times the newest file counts.

    Args:
        path: A samples file (`samples_<task>_<time>.jsonl`, `<task>_write_out_info.json`, or another with such rows),
            or a folder with such files, a folder a model.
        builder: Takes texts, skills, models and attempts.
        model: See `OPTIONS`, likewise the others.
        metric: See `OPTIONS`.
        filter: See `OPTIONS`.
        skill_field: See `OPTIONS`.
        attempts: See `OPTIONS`.
        progress: Called with bytes read and all bytes of each file.

    Raises:
        DataError: No samples file, a line without `doc_id`, a score that is no number from 0 to 1.
    """
    files = _sample_files(path) if path.is_dir() else [path]
    if not files:
        raise DataError("has no samples_*.jsonl files; run the harness with --log_samples", path=path)
    if model is not None and len({file.parent for file in files}) > 1:
        raise DataError("holds the samples of several models; leave model out, or give one model's folder", path=path)
    items = Items(builder, attempts)
    for file in _newest(files, builder):
        named = model or _model_name(file)
        _read_file(file, items, named, metric, filter, skill_field, progress)
    items.finish(path)


def _sample_files(folder: Path) -> list[Path]:
    named = [file for file in files_below(folder) if is_samples_file(file)]
    return named or [
        file
        for file in files_below(folder, "*.jsonl")
        if _is_sample(Source(file, {}).first_object) or _is_sample(_first_of(Source(file, {}).json))
    ]


def _newest(files: Sequence[Path], builder: Builder) -> list[Path]:
    """Of each task in each folder the newest run, by the time in the file's name."""
    runs: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for file in files:
        runs[file.parent, _task(file)].append(file)
    kept = []
    for found in runs.values():
        found.sort(key=lambda file: (_time(file), file.name))
        kept.append(found[-1])
        if len(found) > 1:
            builder.problems.decide(
                found[-1], "run", "the newest of its task", f"left out: {', '.join(file.name for file in found[:-1])}",
                alternatives=("load that file by itself",),
            )  # fmt: skip
    return kept


def _time(file: Path) -> str:
    found = _NAME.fullmatch(file.name.removesuffix(".gz").removesuffix(".zst"))
    return (found["time"] or "") if found else ""


def _model_name(file: Path) -> str:
    """The harness writes "org__name" for "org/name"."""
    return file.resolve().parent.name.replace("__", "/")


def _task(file: Path) -> str:
    name = file.name.removesuffix(".gz").removesuffix(".zst")
    if name.endswith(_WRITTEN_OUT):
        return name.removesuffix(_WRITTEN_OUT)
    found = _NAME.fullmatch(name)
    return found["task"] if found else name.removesuffix(".jsonl").removesuffix(".json")


def _rows(file: Path, builder: Builder, progress: Progress | None) -> Iterable[tuple[int | None, Mapping[str, Any]]]:
    """Rows of a file of lines, or of one array, as versions 0.3 and 0.4.0 write."""
    if is_lines(file):
        yield from json_values(file, builder.problems, progress)
        return
    content = parse_json(file, progress)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise DataError("expected an array of objects, one for each item", path=file)
    yield from ((None, row) for row in content)


def _read_file(
    file: Path,
    items: Items,
    model: str,
    metric: str | None,
    chosen_filter: str | None,
    skill_field: str | None,
    progress: Progress | None,
) -> None:
    task = _task(file)
    problems = items.builder.problems
    said = metric is not None
    filters: dict[str, None] = {}
    others: list[str] = []
    for line, row in _rows(file, items.builder, progress):
        kept = row.get("filter")
        if kept is not None:
            filters.setdefault(str(kept))
            chosen_filter = chosen_filter or str(kept)
            if str(kept) != chosen_filter:
                continue
        number = row.get("doc_id")
        if not isinstance(number, int | str) or isinstance(number, bool):
            problems.report("no doc_id", f"expected a key 'doc_id', found {_keys(row)}", file, line)
            continue
        if metric is None:
            known = _known_metrics(row)
            metric = known[0] if known else None
            others = known[1:]
        score = _score(row.get(metric)) if metric is not None else None
        if metric is None or score is None:
            found = "none of the known metrics" if metric is None else f"{metric!r}: {row.get(metric)!r}"
            problems.report(
                "no score", f"expected a score from 0 to 1, found {found}; choose another with metric", file, line
            )
            continue
        try:
            skills = list(fields_of(row, skill_field)) if skill_field else None
        except ValueError as error:
            problems.report("no skills", f"field {skill_field!r}: {error}", file, line)
            continue
        items.add(model, task, str(number), score, skills, file, line)
    if others and not said:
        problems.decide(file, "metric", str(metric), f"also present: {quoted(others)}", option="metric",
                        alternatives=(f"metric={others[0]}",))  # fmt: skip
    if len(filters) > 1:
        problems.decide(
            file, "filter", str(chosen_filter), f"also present: {quoted(list(filters)[1:])}", option="filter"
        )


def _keys(row: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, list(row)[:8])) or "nothing"


def _known_metrics(row: Mapping[str, Any]) -> list[str]:
    """Metrics of a row: those that it lists first, if their values are scores; else those known by name."""
    listed = row.get("metrics")
    names = [str(name) for name in listed if name != "bypass"] if isinstance(listed, list) else []
    found = [name for name in names if _score(row.get(name)) is not None]
    return found or names[:1] or [name for name in _METRICS if name in row]


def _score(value: Any) -> float | None:
    """A score from 0 to 1; version 0.3 writes it as text."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in {"true", "false"}:
            return float(word == "true")
        try:
            value = float(word)
        except ValueError:
            return None
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    return None


def _first_of(content: Any) -> Mapping[str, Any]:
    return content[0] if isinstance(content, list) and content and isinstance(content[0], dict) else {}


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        if any(is_samples_file(Path(name)) for name in source.files):
            return Claim(94, "files that are named as samples")
        lines = [name for name in source.files if name.endswith(".jsonl")]
        if lines and _is_sample(Source(source.path / lines[0], {}).first_object):
            return Claim(85, "rows with doc_id and answers")
        return None
    if is_samples_file(source.path):
        return Claim(94, "its name")
    if not source.is_json:
        return None
    if _is_sample(source.first_object) or _is_sample(_first_of(source.json)):
        return Claim(85, "rows with doc_id and answers")
    return None


register(
    Format(
        "lm-evaluation",
        "samples of the lm-evaluation-harness (samples_*.jsonl, *_write_out_info.json), or a folder of them",
        read_lm_evaluation,
        OPTIONS,
        claims=_claims,
    )
)
