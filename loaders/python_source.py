"""Python source as a dataset: a function is a text, what its body uses are the skills it requires.

The rules, and why they are as they are, stand in docs/loaders.md.
"""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from loaders._python_functions import (
    BUILTIN_NAMES,
    Builtin,
    FileSummary,
    Imported,
    Starred,
    Syntax,
    Use,
)
from loaders._python_pool import Progress, read_all
from loaders._python_targets import ModuleIndex, Selection, SourceFile, find_source_files
from loaders.dataset import Dataset, build_dataset
from loaders.errors import DataError

__all__ = ["LOADER_VERSION", "load_python_source"]

LOADER_VERSION = 1


def load_python_source(
    targets: Sequence[str | os.PathLike[str]],
    *,
    name: str,
    part: str | None = None,
    min_uses: int = 1,
    include_tests: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read functions as texts and the constructs, builtins and APIs that they use as skills.

    Nothing is imported or run. Every `def` and `async def` is a text: functions, methods and nested functions,
    each with what is written in its own body, its decorators and its default values. A lambda, a comprehension
    and the body of a nested class belong to the function around them; annotations are not read.

    Skills are of four classes: `syntax` (`syntax:for loop`), `builtin` (`builtin:sorted`), `module`
    (`module:os.path`, where the body writes the module's name) and `api` (`api:os.path.join`, a name of a
    module, by which name ever it was imported; part of its module). Of the package that a function itself
    belongs to only public names count. `weight` is the number of occurrences in the function.

    Args:
        targets: "stdlib" (the running interpreter's standard library without tests, IDLE and turtledemo),
            names of installed packages, or paths of files and folders.
        name: Name of the dataset.
        part: Name of the part that the texts belong to.
        min_uses: Leave out skills that fewer texts use than this.
        include_tests: Also read folders named test or tests and files named test_*.py or conftest.py.
        workers: Number of processes; None for as many as there are cores, if there are enough files. The
            result does not depend on it. A script that asks for more than one needs the usual
            `if __name__ == "__main__"`.
        progress: Called with the number of files done and of all files.

    Returns:
        The dataset. Texts have the properties `path` (relative, "/"), `line` and `lines`, skills have
        `module`. The class of a text is its top-level package; the level of a skill is the number of dots
        in its dotted name. Provenance counts files, functions, files that do not parse, and so on.

    Raises:
        DataError: A target that is not there, or without a Python function; `min_uses` or `workers` below 1.

    Example:
        >>> dataset = load_python_source(["json"], name="python")
        >>> dataset.requirements.column_names
        ['text', 'skill', 'weight']
        >>> "json.encoder.JSONEncoder.default" in dataset.texts["id"].to_pylist()
        True
    """
    for argument, value in (("min_uses", min_uses), ("workers", workers)):
        if value is not None and value < 1:
            raise DataError(f"{argument} {value} must be at least 1")
    selection = find_source_files(targets, include_tests=include_tests)
    collector = _Collector(ModuleIndex(file.module for file in selection.files))
    for file, summary in read_all(selection.files, workers, progress):
        collector.add(file, summary)
    collector.finish()
    if not collector.text_ids:
        raise DataError(_no_function(selection, collector))
    return collector.dataset(name, part, min_uses, selection)


def _no_function(selection: Selection, collector: _Collector) -> str:
    read = f"{len(selection.files)} Python file{'s' if len(selection.files) > 1 else ''} read"
    if collector.unparsed:
        read += f", of which {len(collector.unparsed)} do not parse ({collector.unparsed[0]})"
    return f"no function in {', '.join(map(repr, selection.labels))}: {read}; choose another target"


# From uses to skills -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Skill:
    id: str
    name: str
    kind: str
    level: int
    module: str | None


@dataclass(slots=True)
class _Collector:
    """Gathers texts and requirements file by file, and numbers the skills as they come."""

    index: ModuleIndex
    text_ids: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    lines: list[tuple[int, int]] = field(default_factory=list)
    text_of: list[np.ndarray] = field(default_factory=list)
    skill_of: list[np.ndarray] = field(default_factory=list)
    weight_of: list[np.ndarray] = field(default_factory=list)
    skills: dict[_Skill, int] = field(default_factory=dict)
    unparsed: list[str] = field(default_factory=list)
    parsed: dict[str, FileSummary] = field(default_factory=dict)
    waiting: list[tuple[int, str, dict[Use, int]]] = field(default_factory=list)
    occurrences: Counter[str] = field(default_factory=Counter)
    cache: dict[tuple[Use, str], tuple[int, ...]] = field(default_factory=dict)
    star_imports: int = 0
    stars_unresolved: int = 0

    def add(self, file: SourceFile, summary: FileSummary) -> None:
        if summary.error is not None:
            self.unparsed.append(f"{file.relative}: {summary.error}")
            return
        top = file.module.partition(".")[0]
        for function in summary.functions:
            title = f"{file.module}.{function.name}"
            self.occurrences[title] += 1
            number = self.occurrences[title]
            text = len(self.text_ids)
            self.text_ids.append(title if number == 1 else f"{title}#{number}")
            self.titles.append(title)
            self.classes.append(top)
            self.paths.append(file.relative)
            self.lines.append((function.line, function.lines))
            uses = {summary.uses[place]: count for place, count in function.uses.items()}
            if any(isinstance(use, Starred) for use in uses):
                self.waiting.append((text, file.module, uses))
            else:
                self._require(text, top, uses)
        # Kept for star imports; the functions have been taken over.
        summary.functions, summary.uses = [], []
        self.parsed.setdefault(file.module, summary)

    def finish(self) -> None:
        """Resolve what had to wait until all files were read: names that star imports may bind."""
        for summary in self.parsed.values():
            self.star_imports += len(summary.stars)
            self.stars_unresolved += sum(source not in self.parsed for source in summary.stars)
        exports: dict[str, frozenset[str]] = {}
        for text, module, uses in self.waiting:
            resolved: Counter[Use] = Counter()
            for use, count in uses.items():
                known = self._starred(use, module, exports) if isinstance(use, Starred) else use
                if known is not None:
                    resolved[known] += count
            self._require(text, module.partition(".")[0], resolved)
        self.waiting.clear()

    def _starred(self, use: Starred, module: str, exports: dict[str, frozenset[str]]) -> Use | None:
        # A later star import rebinds the names of an earlier one.
        for source in reversed(self.parsed[module].stars):
            if source in self.parsed:
                if source not in exports:
                    exports[source] = frozenset(self._exports(source, set()))
                if use.name in exports[source]:
                    known = source.count(".") + 1
                    dotted = f"{source}.{use.name}"
                    return Imported(f"{dotted}.{use.attributes}" if use.attributes else dotted, known + 1, known)
        return Builtin(use.name) if use.name in BUILTIN_NAMES else None

    def _exports(self, module: str, visited: set[str]) -> Iterator[str]:
        """Names that a star import of a parsed module binds."""
        if module in visited or module not in self.parsed:
            return
        visited.add(module)
        summary = self.parsed[module]
        if summary.exported is not None or summary.export_sources:
            yield from summary.exported or ()
            sources = summary.export_sources
        else:
            yield from summary.public
            sources = summary.stars
        for source in sources:
            yield from self._exports(source, visited)

    def _require(self, text: int, top: str, uses: dict[Use, int] | Counter[Use]) -> None:
        weights: Counter[int] = Counter()
        for use, count in uses.items():
            key = (use, top)
            skills = self.cache.get(key)
            if skills is None:
                skills = tuple(self.skills.setdefault(skill, len(self.skills)) for skill in self._skills_of(use, top))
                self.cache[key] = skills
            for skill in skills:
                weights[skill] += count
        self.text_of.append(np.full(len(weights), text, np.int32))
        self.skill_of.append(np.fromiter(weights.keys(), np.int32, len(weights)))
        self.weight_of.append(np.fromiter(weights.values(), np.float64, len(weights)))

    def _skills_of(self, use: Use, top: str) -> Iterator[_Skill]:
        """The skills that one use in a function of package `top` requires."""
        if isinstance(use, Syntax):
            yield _Skill(f"syntax:{use.name}", use.name, "syntax", 0, None)
        elif isinstance(use, Builtin):
            yield _Skill(f"builtin:{use.name}", use.name, "builtin", 0, "builtins")
        elif isinstance(use, Imported):
            length = self.index.module_length(use.dotted, use.known)
            parts = use.dotted.split(".")
            api = ".".join(parts[: length + 1])
            if parts[0] == top and any(_is_private(part) for part in parts[: length + 1]):
                return
            module = ".".join(parts[:length])
            if module == "builtins" and length < len(parts):
                yield _Skill(f"builtin:{parts[1]}", parts[1], "builtin", 0, "builtins")
                return
            if use.bound <= length:
                yield _Skill(f"module:{module}", module, "module", length - 1, module)
            if length < len(parts):
                yield _Skill(f"api:{api}", api, "api", length, module)

    def dataset(self, name: str, part: str | None, min_uses: int, selection: Selection) -> Dataset:
        """The dataset of all that was added."""
        text = np.concatenate(self.text_of)
        skill = np.concatenate(self.skill_of)
        weight = np.concatenate(self.weight_of)
        kept = np.bincount(skill, minlength=len(self.skills)) >= min_uses
        used = kept[skill]
        text, skill, weight = text[used], skill[used], weight[used]
        new_code = np.cumsum(kept, dtype=np.int32) - 1
        skills = [s for s, keep in zip(self.skills, kept.tolist(), strict=True) if keep]
        required = np.zeros(len(self.text_ids), bool)
        required[text] = True
        facts: dict[str, str | int] = {
            "source": ", ".join(selection.labels),
            "loader": "python_source",
            "loader_version": LOADER_VERSION,
            "python": platform.python_version(),
            "files": len(selection.files),
            "functions": len(self.text_ids),
            "unparsed_files": len(self.unparsed),
            "unparsed": "; ".join(self.unparsed[:5]),
            "test_files_left_out": selection.test_files,
            "star_imports": self.star_imports,
            "star_imports_unresolved": self.stars_unresolved,
            "min_uses": min_uses,
            "skills_left_out": int(len(kept) - kept.sum()),
            "texts_without_skill": int(len(required) - required.sum()),
        }
        return build_dataset(
            name,
            texts=self._text_table(part),
            skills=_skill_table(skills),
            requirements=pa.table(
                {
                    "text": pa.DictionaryArray.from_arrays(pa.array(text), pa.array(self.text_ids, pa.string())),
                    "skill": pa.DictionaryArray.from_arrays(
                        pa.array(new_code[skill]), pa.array([s.id for s in skills], pa.string())
                    ),
                    "weight": pa.array(weight),
                }
            ),
            part_of=_part_of(skills),
            provenance=facts,
        )

    def _text_table(self, part: str | None) -> pa.Table:
        return pa.table(
            {
                "id": pa.array(self.text_ids, pa.string()),
                "title": pa.array(self.titles, pa.string()),
                "class": pa.array(self.classes, pa.string()),
                "part": pa.array([part] * len(self.text_ids), pa.string()),
                "path": pa.array(self.paths, pa.string()),
                "line": pa.array([line for line, _ in self.lines], pa.int64()),
                "lines": pa.array([lines for _, lines in self.lines], pa.int64()),
            }
        )


def _is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _skill_table(skills: Sequence[_Skill]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([s.id for s in skills], pa.string()),
            "name": pa.array([s.name for s in skills], pa.string()),
            "class": pa.array([s.kind for s in skills], pa.string()),
            "level": pa.array([s.level for s in skills], pa.int64()),
            "module": pa.array([s.module for s in skills], pa.string()),
        }
    )


def _part_of(skills: Sequence[_Skill]) -> pa.Table:
    """API names are part of their module, modules of their package, where that is a skill as well."""
    ids = {s.id for s in skills}
    pairs = [
        (s.id, parent)
        for s in skills
        if s.kind in {"api", "module"} and (parent := f"module:{s.name.rpartition('.')[0]}") in ids
    ]
    return pa.table(
        {
            "child": pa.array([child for child, _ in pairs], pa.string()),
            "parent": pa.array([parent for _, parent in pairs], pa.string()),
        }
    )
