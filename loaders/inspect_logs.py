"""Logs of Inspect: `.eval`, an archive with a file for each sample, or one JSON file."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from loaders._builder import Builder
from loaders._evaluation import Items, fields_of
from loaders._files import Progress
from loaders._json_tables import parse_json
from loaders._reading import plural, quoted
from loaders._registry import Claim, Format, register
from loaders._scores import ATTEMPTS
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import files_below, limits, open_regular, refused
from loaders.gate import parse_json as parse_json_text

__all__ = ["OPTIONS", "read_inspect_logs"]

OPTIONS: Mapping[str, str] = {
    "model": "name of the model; otherwise that in the log",
    "scorer": "name of the scorer, or scorer.value where it gives several; otherwise the first of the log",
    "skill_field": "fields of a sample with the skills, such as metadata.subject; otherwise the task is the skill",
    "attempts": ATTEMPTS,
}
_VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
_ZSTD = 93  # the number of its method in archives
_FREE = 64 << 20  # bytes of a part of an archive for which its ratio does not count


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
    0 to 1; several epochs become their mean. A sample without a score, or with NaN, was not attempted. Of several logs
    of one task and model the newest counts. Without `skill_field` the task is the one skill of its samples.

    Args:
        path: A log, or a folder of logs.
        builder: Takes texts, skills, models and attempts.
        model: See `OPTIONS`, likewise the others.
        scorer: See `OPTIONS`.
        skill_field: See `OPTIONS`.
        attempts: See `OPTIONS`.
        progress: Called with files read and all files.

    Raises:
        DataError: No log, a damaged archive, or a value that is not a score.
    """
    files = [file for file in files_below(path) if _is_log(file)] if path.is_dir() else [path]
    if not files:
        raise DataError("has no log of Inspect (.eval or .json)", path=path)
    items = Items(builder, attempts)
    logs = [_log(file, model) for file in files]
    kept = _newest(logs, builder)
    unscored = 0
    for number, log in enumerate(kept, 1):
        chosen = scorer
        for sample in log.samples():
            score, chosen = _score(sample, log.path, chosen, scorer, builder)
            if score is None:
                unscored += 1
                continue
            try:
                skills = list(fields_of(sample, skill_field)) if skill_field else None
            except ValueError as error:
                builder.problems.report("no skills", f"field {skill_field!r}: {error}", log.path)
                continue
            items.add(log.model, log.task, str(sample.get("id")), score, skills, log.path)
        if progress is not None:
            progress(number, len(kept))
    if unscored:
        builder.problems.decide(path, "not attempted", plural(unscored, "sample"), "without a score")
        if not builder.text_ids:
            statuses = sorted({log.status for log in kept if log.status})
            raise DataError(
                f"has no sample with a score: {plural(unscored, 'sample')} without, in "
                f"{plural(len(kept), 'log')} whose status is {quoted(statuses)}",
                path=path,
            )
    items.finish(path)


@dataclass(frozen=True)
class _Log:
    path: Path
    task: str
    model: str
    created: str
    status: str
    packed: bool

    def samples(self) -> Iterator[Mapping[str, Any]]:
        # read once more, as logs of a folder together can be larger than memory
        return _samples(self.path) if self.packed else iter(parse_json(self.path).get("samples") or [])


def _newest(logs: Sequence[_Log], builder: Builder) -> list[_Log]:
    """Of each task and model the newest log, if possible one that was ended: a run tried again is written anew."""
    runs: dict[tuple[str, str], list[_Log]] = {}
    for log in logs:
        runs.setdefault((log.task, log.model), []).append(log)
    kept = []
    for found in runs.values():
        found.sort(key=lambda log: (log.status == "success", log.created, log.path.name))
        kept.append(found[-1])
        if len(found) > 1:
            builder.problems.decide(
                found[-1].path, "run", "the newest of its task and model",
                f"left out: {', '.join(log.path.name for log in found[:-1])}",
            )  # fmt: skip
    return kept


def _score(
    sample: Mapping[str, Any], file: Path, chosen: str | None, said: str | None, builder: Builder
) -> tuple[float | None, str | None]:
    """The score of a sample, None without one, and the scorer to go on with."""
    problems = builder.problems
    found = sample.get("scores") or ({"score": sample["score"]} if sample.get("score") else {})
    if not isinstance(found, Mapping) or not found:
        return None, chosen  # a sample that failed has no score
    values = _values(found)
    if chosen is None:
        chosen = next(iter(values))
        if len(values) > 1:
            problems.decide(
                file, "scorer", chosen, f"also present: {quoted(list(values)[1:])}", option="scorer",
                alternatives=tuple(f"scorer={name}" for name in list(values)[1:3]),
            )  # fmt: skip
    if said is not None and said not in values:
        raise DataError(f"has no scorer {said!r}; its scorers: {quoted(list(values))}", path=file)
    value = values.get(chosen)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None, chosen  # NaN is Inspect's word for not scored
    number = _value(value)
    if number is None:
        problems.report(
            "no score",
            f"sample {sample.get('id')!r}: {chosen!r} is {value!r}, which is not a score from 0 to 1; choose another "
            f"scorer with scorer, one of {quoted(list(values))}",
            file,
        )
    return number, chosen


def _values(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Values by scorer; by `scorer.value` where a scorer gives several."""
    found: dict[str, Any] = {}
    for name, score in scores.items():
        value = score.get("value") if isinstance(score, Mapping) else score
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": part for key, part in value.items()}
        elif isinstance(value, list):
            found |= {f"{name}.{number}": part for number, part in enumerate(value, 1)}
        else:
            found[name] = value
    return found


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


def _log(file: Path, model: str | None) -> _Log:
    packed = zipfile.is_zipfile(file)
    if packed:
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
                head = _member(archive, "header.json" if "header.json" in names else "_journal/start.json", file)
        except (zipfile.BadZipFile, KeyError, OSError) as error:
            raise DataError(f"is not a log of Inspect: {error}", path=file) from None
    else:
        head = parse_json(file)
        if not _is_content(head):
            raise DataError("is not a log of Inspect; expected keys eval and samples", path=file)
    eval_part = head.get("eval")
    described: Mapping[str, Any] = eval_part if isinstance(eval_part, Mapping) else {}
    return _Log(
        file,
        str(described.get("task", file.stem)).rpartition("/")[2],
        model or str(described.get("model", file.stem)),
        str(described.get("created", "")),
        str(head.get("status", "")),
        packed,
    )


def _samples(file: Path) -> Iterator[Mapping[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("samples/") and name.endswith(".json"):
                yield _member(archive, name, file)


def _member(archive: zipfile.ZipFile, name: str, file: Path) -> Mapping[str, Any]:
    info, allowed = archive.getinfo(name), limits()
    if info.file_size > allowed.document:
        raise refused(f"holds {name!r} of {info.file_size:,} bytes", "document", path=file)
    if info.file_size > max(_FREE, allowed.ratio * info.compress_size):
        raise refused(f"too much comes out of each byte of {name!r}", "ratio", path=file)
    try:
        content = parse_json_text(_unpacked_zstd(info, file) if info.compress_type == _ZSTD else archive.read(name))
    except (ValueError, OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise DataError(f"{name}: cannot be read: {error}", path=file) from None
    if not isinstance(content, dict):
        raise DataError(f"{name}: expected a JSON object", path=file)
    return content


def _unpacked_zstd(info: zipfile.ZipInfo, file: Path) -> bytes:
    """Content of a member that is packed with zstd, as Inspect does and `zipfile` of Python 3.11 to 3.13 cannot read.

    A local header has 30 bytes, the last four of which are the lengths of the name and the extra field behind it.
    """
    with open_regular(file) as stream:
        stream.seek(info.header_offset)
        head = stream.read(30)
        if head[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile("its directory points to no member")
        stream.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
        packed = stream.read(info.compress_size)
    if not info.file_size:
        return b""
    unpacked: bytes = pa.decompress(packed, decompressed_size=info.file_size, codec="zstd", asbytes=True)
    if zlib.crc32(unpacked) != info.CRC:
        raise zipfile.BadZipFile(f"bad CRC-32 of {info.filename!r}")
    return unpacked


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
