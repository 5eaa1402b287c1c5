"""Logs of Inspect: `.eval`, an archive with a file for each sample, or one JSON file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loaders._builder import Builder
from loaders._evaluation import Items, fields_of
from loaders._files import Progress
from loaders._json_tables import parse_json
from loaders._reading import quoted
from loaders._registry import Claim, Format, register
from loaders._scores import ATTEMPTS
from loaders._source import Source
from loaders.errors import DataError

__all__ = ["OPTIONS", "read_inspect_logs"]

OPTIONS: Mapping[str, str] = {
    "model": "name of the model; otherwise that in the log",
    "scorer": "name of the scorer; otherwise the first of the log",
    "skill_field": "fields of a sample with the skills, such as metadata.subject; otherwise the task is the skill",
    "attempts": ATTEMPTS,
}
_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
_MOST = 1 << 30


def read_inspect_logs(
    path: Path,
    builder: Builder,
    *,
    model: str | None = None,
    scorer: str | None = None,
    skill_field: str | None = None,
    attempts: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Add the samples of logs as texts, and the scores of the models as outcomes.

    The id of a text is `<task>/<sample id>`. Values are C (1), P (0.5), I and N (0), true or false, or a number from
    0 to 1; several epochs become their mean. Without `skill_field` the task is the one skill of its samples.

    Args:
        path: A log, or a folder of logs.
        builder: Takes texts, skills, models and attempts.
        model: See `OPTIONS`, likewise the others.
        scorer: See `OPTIONS`.
        skill_field: See `OPTIONS`.
        attempts: See `OPTIONS`.
        progress: Called with files read and all files.

    Raises:
        DataError: No log, a damaged archive, or a value that is no score.
    """
    files = [file for file in sorted(path.rglob("*")) if _is_log(file)] if path.is_dir() else [path]
    if not files:
        raise DataError("has no log of Inspect (.eval or .json)", path=path)
    items = Items(builder, attempts)
    for number, file in enumerate(files, 1):
        head, samples = _log(file)
        eval_part = head.get("eval")
        described: Mapping[str, Any] = eval_part if isinstance(eval_part, Mapping) else {}
        task = str(described.get("task", file.stem)).rpartition("/")[2]
        named = model or str(described.get("model", file.stem))
        chosen = scorer
        for sample in samples:
            chosen = _add_sample(sample, items, file, task, named, chosen, scorer, skill_field)
        if progress is not None:
            progress(number, len(files))
    items.finish(path)


def _add_sample(
    sample: Mapping[str, Any],
    items: Items,
    file: Path,
    task: str,
    model: str,
    chosen: str | None,
    said: str | None,
    skill_field: str | None,
) -> str | None:
    problems = items.builder.problems
    found = sample.get("scores") or ({"score": sample["score"]} if sample.get("score") else {})
    if not isinstance(found, Mapping) or not found:
        return chosen  # a sample that failed has no score
    if chosen is None:
        chosen = str(next(iter(found)))
        if len(found) > 1:
            problems.decide(file, "scorer", chosen, f"also present: {quoted(list(found)[1:])}", option="scorer")
    score = found.get(chosen)
    value = score.get("value") if isinstance(score, Mapping) else score
    number = _value(value)
    if number is None:
        problems.report(
            "no score",
            f"sample {sample.get('id')!r}: {chosen!r} is {value!r}, which is not a score from 0 to 1; choose another "
            f"scorer with scorer, one of {quoted(list(found))}",
            file,
        )
        return chosen
    try:
        skills = list(fields_of(sample, skill_field)) if skill_field else None
    except ValueError as error:
        problems.report("no skills", f"field {skill_field!r}: {error}", file)
        return chosen
    items.add(model, task, str(sample.get("id")), number, skills, file)
    return chosen


def _value(value: Any) -> float | None:
    if isinstance(value, str):
        known = _VALUES.get(value.strip(), _VALUES.get(value.strip().lower()))
        if known is not None:
            return known
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, bool | int | float) and 0 <= value <= 1 else None


def _log(file: Path) -> tuple[Mapping[str, Any], Iterator[Mapping[str, Any]]]:
    if not zipfile.is_zipfile(file):
        content = parse_json(file)
        if not _is_content(content):
            raise DataError("is not a log of Inspect; expected keys eval and samples", path=file)
        return content, iter(content.get("samples") or [])
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            head = _member(archive, "header.json" if "header.json" in names else "_journal/start.json", file)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise DataError(f"is not a log of Inspect: {error}", path=file) from None
    return head, _samples(file)


def _samples(file: Path) -> Iterator[Mapping[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("samples/") and name.endswith(".json"):
                yield _member(archive, name, file)


def _member(archive: zipfile.ZipFile, name: str, file: Path) -> Mapping[str, Any]:
    if archive.getinfo(name).file_size > _MOST:
        raise DataError(f"holds {name!r} of more than 1 GiB, which no log of Inspect does", path=file)
    try:
        content = json.loads(archive.read(name))
    except (ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{name}: cannot be read: {error}", path=file) from None
    if not isinstance(content, dict):
        raise DataError(f"{name}: expected a JSON object", path=file)
    return content


def _is_content(content: Any) -> bool:
    return isinstance(content, Mapping) and isinstance(content.get("eval"), Mapping) and "status" in content


def _is_log(file: Path) -> bool:
    if not file.is_file():
        return False
    if file.suffix == ".eval":
        return True
    if file.suffix != ".json":
        return False
    try:
        return _is_content(Source(file, {}).json)
    except DataError:
        return False


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        if any(name.endswith(".eval") for name in source.files):
            return Claim(91, ".eval files")
        first = next((name for name in source.files if name.endswith(".json")), None)
        return Claim(83, "logs of Inspect") if first and _is_log(source.path / first) else None
    if source.suffix == ".eval" or _is_content(source.json):
        return Claim(91, "a log of Inspect")
    return None


register(Format("inspect", "logs of Inspect (.eval or .json), or a folder of them", read_inspect_logs, OPTIONS,
                claims=_claims))  # fmt: skip
