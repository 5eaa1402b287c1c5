"""Which Python files a target stands for, and which dotted names are modules; nothing is imported.

A target is "stdlib", an installed package or distribution, or a path.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import all_suffixes
from pathlib import Path

from loaders.errors import DataError
from loaders.gate import exists, limits, refused

__all__ = ["STDLIB_PROGRAMS", "ModuleIndex", "Selection", "SourceFile", "find_source_files"]

STDLIB_PROGRAMS = ("idlelib", "turtledemo")
_TEST_FOLDERS = frozenset({"test", "tests", "idle_test"})
_FOREIGN_FOLDERS = frozenset({"__pycache__", "dist-packages", "node_modules", "site-packages"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file: where it is, the dotted name it is imported by, its path relative to the target's root."""

    path: Path
    module: str
    is_package: bool
    relative: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Files in canonical order (order of targets, then relative path), each once, and what was left out."""

    files: tuple[SourceFile, ...]
    labels: tuple[str, ...]
    test_files: int


def find_source_files(targets: Sequence[str | os.PathLike[str]], *, include_tests: bool = False) -> Selection:
    """The Python files of some targets.

    Args:
        targets: "stdlib", names of installed packages, or paths of files and folders.
        include_tests: Also take folders named test or tests, and files named test_*.py or conftest.py.

    Raises:
        DataError: No target, or one that is not there or has no Python source.
    """
    if isinstance(targets, str | os.PathLike):
        targets = [targets]
    if not targets:
        raise DataError('nothing to read: give "stdlib", an installed package, or a path to Python files')
    importlib.invalidate_caches()
    files: list[SourceFile] = []
    labels: list[str] = []
    seen: set[Path] = set()
    test_files = 0
    for target in targets:
        label, found = _find(target)
        taken = 0
        for file in sorted(found, key=lambda f: f.relative):
            if not include_tests and _is_test(file.relative) and file.path != Path(target).resolve():
                test_files += 1
                continue
            taken += 1
            resolved = file.path.resolve()
            if resolved not in seen:
                seen.add(resolved)
                files.append(file)
        if not taken:
            raise DataError(
                f"{os.fspath(target)!r} has no Python source files outside of tests; "
                "give a folder with .py files or an installed package that is written in Python"
            )
        labels.append(label)
    return Selection(tuple(files), tuple(labels), test_files)


def _find(target: str | os.PathLike[str]) -> tuple[str, list[SourceFile]]:
    text = os.fspath(target)
    if target == "stdlib":
        return "stdlib", list(_stdlib_files())
    path = Path(text)
    is_path = not isinstance(target, str) or path.suffix == ".py" or path.name != text or text in {".", ".."}
    if not is_path:
        found = list(_package_files(text))
        if found:
            return text, found
        is_path = bool(text) and exists(path)
    if is_path:
        if not exists(path):
            raise DataError("there is no such file or folder", path=path)
        return path.resolve().name, list(_path_files(path))
    raise DataError(
        f"{text!r} is neither an installed package with Python source nor a path; "
        'install it into this environment, give a path such as "./folder", or use "stdlib"'
    )


def _is_test(relative: str) -> bool:
    *folders, name = relative.split("/")
    return (
        not _TEST_FOLDERS.isdisjoint(folders)
        or name == "conftest.py"
        or (name.startswith("test_") and name.endswith(".py"))
    )


def _walk(folder: Path) -> Iterator[Path]:
    """Python files below a folder, without hidden folders, virtual environments and installed packages."""
    most, seen = limits().files, 0
    for base, folders, names in os.walk(folder):
        here = Path(base)
        seen += len(folders) + len(names)
        if seen > most:
            raise refused(f"holds more than {most:,} files and folders: name the one that holds the source", "files",
                          path=folder)  # fmt: skip
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name not in _FOREIGN_FOLDERS and not (here / name / "pyvenv.cfg").exists()
        ]
        yield from (here / name for name in names if name.endswith(".py") and not name.startswith("."))


def _source_file(path: Path, root: Path, prefix: str = "", shown: Path | None = None) -> SourceFile:
    """A file whose module name starts below `root`, with `prefix` before it."""
    parts = list(path.relative_to(root).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    if is_package:
        parts.pop()
    module = ".".join([prefix, *parts] if prefix else parts) or root.name
    return SourceFile(path, _printable(module), is_package, _printable(path.relative_to(shown or root).as_posix()))


def _printable(name: str) -> str:
    """A file name that is not Unicode, with a mark for what cannot be read."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _stdlib_folder() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _stdlib_files() -> Iterator[SourceFile]:
    root = _stdlib_folder()
    for name in sorted(sys.stdlib_module_names):
        if name not in STDLIB_PROGRAMS:
            yield from _module_or_folder(root, name)


def _module_or_folder(root: Path, name: str) -> Iterator[SourceFile]:
    if (root / f"{name}.py").is_file():
        yield _source_file(root / f"{name}.py", root)
    if (root / name).is_dir():
        yield from (_source_file(path, root) for path in _walk(root / name))


def _package_files(name: str) -> Iterator[SourceFile]:
    """Files of an installed package, subpackage or module, or of a distribution of that name."""
    finder = _Finder()
    place = finder.find(name)
    found = [(name, place)] if place else [(top, finder.find(top)) for top in _top_level_names(name)]
    for module, where in found:
        if where is not None:
            yield from _place_files(module, where)


def _place_files(module: str, place: _Place) -> Iterator[SourceFile]:
    above = len(module.split(".")) - 1
    for folder in place.folders:
        shown = folder.parents[min(above, len(folder.parents) - 1)]
        yield from (_source_file(path, folder, module, shown) for path in _walk(folder))
    origin = place.origin
    if not place.folders and origin is not None and origin.suffix == ".py" and origin.is_file():
        shown = origin.parents[min(above, len(origin.parents) - 1)]
        yield _source_file(origin, origin.parent, module.rpartition(".")[0], shown)


def _top_level_names(distribution: str) -> list[str]:
    """Import names of an installed distribution whose own name differs, such as scikit-learn's sklearn."""
    try:
        found = importlib.metadata.distribution(distribution)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return []
    listed = found.read_text("top_level.txt")
    if listed:
        return sorted(listed.split())
    tops = {file.parts[0].removesuffix(".py") for file in found.files or () if file.suffix == ".py"}
    return sorted(top for top in tops if top.isidentifier())


def _path_files(path: Path) -> Iterator[SourceFile]:
    """Files of a path: in a package they have the name they are imported by, elsewhere that of their place."""
    path = path.resolve()
    target = path if path.is_dir() else path.parent
    # A path inside of a package belongs to the whole package.
    shown = _package_root(target)
    for file in _walk(path) if path.is_dir() else [path]:
        root = _package_root(file.parent)
        inside = root != file.parent
        yield _source_file(file, root if inside else shown, shown=shown)


def _package_root(folder: Path) -> Path:
    """The first folder upwards that is no package."""
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a module is: its file, if it has one, and the folders of its submodules, if it is a package."""

    origin: Path | None
    folders: tuple[Path, ...]


class _Finder:
    """Finds modules where an import would find them; neither they nor the packages above them are imported.

    The import system itself imports the packages above a submodule, so below the top level this looks into
    the folders.
    """

    def __init__(self) -> None:
        self._names: dict[Path, frozenset[str]] = {}

    def find(self, dotted: str) -> _Place | None:
        head, *rest = dotted.split(".")
        place = self._top(head)
        for part in rest:
            place = None if place is None else self._inside(place.folders, part, namespace=place.origin is None)
        return place

    def _top(self, name: str) -> _Place | None:
        if name in sys.stdlib_module_names:
            # In a running interpreter some of these are frozen or have no file; the others lie together.
            place = self._inside((_stdlib_folder(),), name, namespace=False)
            return place or _Place(None, ())
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        origin = Path(spec.origin) if spec.has_location and spec.origin else None
        return _Place(origin, tuple(map(Path, spec.submodule_search_locations or ())))

    def _inside(self, folders: tuple[Path, ...], name: str, *, namespace: bool) -> _Place | None:
        """A module in some folders; one without __init__.py only in a package that has none either."""
        if not name:
            return None
        for folder in folders:
            inner = folder / name
            if name in self._listing(folder):
                for suffix in all_suffixes():
                    if f"__init__{suffix}" in self._listing(inner):
                        return _Place(inner / f"__init__{suffix}", (inner,))
            for suffix in all_suffixes():
                if f"{name}{suffix}" in self._listing(folder):
                    return _Place(folder / f"{name}{suffix}", ())
        if namespace:
            portions = tuple(folder / name for folder in folders if (folder / name).is_dir())
            return _Place(None, portions) if portions else None
        return None

    def _listing(self, folder: Path) -> frozenset[str]:
        names = self._names.get(folder)
        if names is None:
            try:
                names = frozenset(path.name for path in folder.iterdir())
            except OSError:
                names = frozenset()
            self._names[folder] = names
        return names


class ModuleIndex:
    """Which dotted names are modules: the parsed ones, and those that could be imported from this environment."""

    def __init__(self, parsed: Iterable[str]) -> None:
        self._known: dict[str, bool] = dict.fromkeys(parsed, True)
        # The one module of the standard library that is no file: os binds it to posixpath or ntpath.
        self._known["os.path"] = True
        self._finder = _Finder()

    def __contains__(self, dotted: str) -> bool:
        known = self._known.get(dotted)
        if known is None:
            parent = dotted.rpartition(".")[0]
            known = (not parent or parent in self) and self._finder.find(dotted) is not None
            self._known[dotted] = known
        return known

    def module_length(self, dotted: str, known: int) -> int:
        """Number of leading parts of a dotted name that are a module, if at least `known` of them are."""
        parts = dotted.split(".")
        length = known
        while length < len(parts) and ".".join(parts[: length + 1]) in self:
            length += 1
        return length
