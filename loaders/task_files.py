"""Task descriptions in JSON: BIG-bench (keywords) and Natural Instructions (categories, reasoning, domains).

A task is a text; what its description names is what it requires.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders._builder import Builder
from loaders._files import Progress, read_text
from loaders._registry import Claim, Format, register
from loaders._source import Source
from loaders.errors import DataError
from loaders.gate import RepeatedKeyError, files_below
from loaders.gate import parse_json as parse_json_text
from loaders.skill_links import add_path, split_path

__all__ = ["is_big_bench", "is_natural_instructions", "read_big_bench", "read_natural_instructions"]

_INSTRUCTION_KEYS = ("Categories", "Reasoning", "Domains")


def is_big_bench(task: object) -> bool:
    """True for the content of a BIG-bench `task.json`."""
    return isinstance(task, dict) and "keywords" in task and ("examples" in task or "description" in task)


def is_natural_instructions(task: object) -> bool:
    """True for the content of a task file of Natural Instructions."""
    return isinstance(task, dict) and "Categories" in task and ("Definition" in task or "Instances" in task)


def read_big_bench(path: Path, builder: Builder, *, progress: Progress | None = None) -> None:
    """Add the task of a `task.json`, or all tasks in a folder of folders, with their keywords as skills.

    The id of a task is the folder that it lies in, relative to `path`; its properties are name, description (as
    title), number of examples and preferred score.

    Args:
        path: A `task.json`, or a folder with such files below it.
        builder: Takes them.
        progress: Called with files read and all files.

    Raises:
        DataError: No such file, no JSON, or keywords that are no list of names.
    """
    root, files = _files(path, "task.json")
    for file, task in _tasks(files, builder, progress):
        if not is_big_bench(task):
            builder.problems.report("no task", "expected a BIG-bench task with keywords and examples", file)
            continue
        keywords = _names(task["keywords"], "keywords", file, builder)
        if keywords is None:
            continue
        identifier = file.parent.relative_to(root).as_posix() if path.is_dir() else ""
        if identifier in {"", "."}:
            identifier = str(task.get("name") or file.resolve().parent.name)
        examples = task.get("examples")
        properties = {
            "title": str(task.get("name") or identifier),
            "description": _line(task.get("description")),
            "examples": len(examples) if isinstance(examples, list) else None,
            "preferred_score": _line(task.get("preferred_score")),
        }
        if _add(builder, identifier, properties, file):
            for keyword in keywords:
                builder.skill(keyword, {"class": "keyword"})
                builder.require(identifier, keyword)


def read_natural_instructions(path: Path, builder: Builder, *, progress: Progress | None = None) -> None:
    """Add the task of a file, or all tasks in a folder, with categories, kinds of reasoning and domains as skills.

    Ids begin with the class: `category:Question Answering`, `reasoning:Deductive`, `domain:News`. A domain written as
    a path (`Mathematics -> Algebra`) is part of the one before it; the task requires the last one. The class of a
    task is its first category.

    Args:
        path: A JSON file, or a folder with such files.
        builder: Takes them.
        progress: Called with files read and all files.

    Raises:
        DataError: No such file, no JSON, or categories, reasoning or domains that are no list of names.
    """
    _, files = _files(path, "*.json")
    for file, task in _tasks(files, builder, progress):
        if not is_natural_instructions(task):
            builder.problems.report("no task", "expected a task with Categories and Definition", file)
            continue
        lists = {key: _names(task.get(key) or [], key, file, builder) for key in _INSTRUCTION_KEYS}
        if any(found is None for found in lists.values()):
            continue
        identifier = file.name.removesuffix(".gz").removesuffix(".zst").removesuffix(".json")
        definition = task.get("Definition")
        categories = lists["Categories"] or []
        properties = {
            "class": categories[0] if categories else None,
            "definition": _line(definition[0] if isinstance(definition, list) and definition else definition),
            "instances": len(task["Instances"]) if isinstance(task.get("Instances"), list) else None,
        }
        if not _add(builder, identifier, properties, file):
            continue
        for key, kind in zip(_INSTRUCTION_KEYS, ("category", "reasoning", "domain"), strict=True):
            for name in lists[key] or []:
                steps = split_path(name)
                if steps:
                    builder.require(identifier, add_path(builder, steps, prefix=f"{kind}:", kind=kind))


def _files(path: Path, pattern: str) -> tuple[Path, Sequence[Path]]:
    if not path.is_dir():
        return path.parent, [path]
    files = files_below(path, pattern)
    if not files:
        raise DataError(f"has no {pattern} files", path=path)
    return path, files


def _tasks(files: Sequence[Path], builder: Builder, progress: Progress | None) -> Iterable[tuple[Path, Any]]:
    for number, file in enumerate(files, 1):
        try:
            task = parse_json_text(read_text(file))
        except ValueError as error:
            if isinstance(error, DataError):
                builder.problems.report("unreadable file", _message(error), file, error.line)
            elif isinstance(error, RepeatedKeyError):
                builder.problems.report("key twice", f"column {error.column}: {error}", file, error.line)
            else:
                line = getattr(error, "lineno", None)
                builder.problems.report("no JSON", f"is not JSON: {getattr(error, 'msg', error)}", file, line)
            continue
        yield file, task
        if progress is not None:
            progress(number, len(files))


def _message(error: DataError) -> str:
    return str(error).partition(": ")[2]


def _names(value: Any, key: str, file: Path, builder: Builder) -> list[str] | None:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return list(dict.fromkeys(name.strip() for name in value if name.strip()))
    builder.problems.report("no list of names", f"key {key!r}: expected a list of names", file)
    return None


def _add(builder: Builder, identifier: str, properties: Mapping[str, Any], file: Path) -> bool:
    if identifier in builder.text_ids and builder.closed_texts is None:
        builder.problems.report("second id", f"task {identifier!r} occurs twice; ids must be unique", file)
        return False
    if not builder.known_text(identifier, file, None):
        return False
    builder.text(identifier, properties)
    return True


def _line(value: Any) -> str | None:
    return " ".join(value.split())[:1000] if isinstance(value, str) and value.strip() else None


def _claims_big_bench(source: Source) -> Claim | None:
    if source.is_dir:
        return Claim(60, "task.json") if any(Path(name).name == "task.json" for name in source.files) else None
    return Claim(86, "keywords and examples") if is_big_bench(source.json) else None


def _claims_natural_instructions(source: Source) -> Claim | None:
    if source.is_dir:
        first = next((name for name in source.files if name.endswith((".json", ".json.gz"))), None)
        if first is None or any(name.endswith(".py") for name in source.files):
            return None
        try:
            task = Source(source.path / first, {}).json
        except DataError:
            return None
        return Claim(55, "tasks with Categories") if is_natural_instructions(task) else None
    return Claim(86, "Categories and Definition") if is_natural_instructions(source.json) else None


register(Format("big-bench", "BIG-bench task.json with keywords, or a folder of them", read_big_bench,
                claims=_claims_big_bench))  # fmt: skip
register(Format("natural-instructions", "task JSON of Natural Instructions, or a folder of them",
                read_natural_instructions, claims=_claims_natural_instructions))  # fmt: skip
