"""Python source as a format of `load`: its options as text."""

from __future__ import annotations

from pathlib import Path

from loaders._dialect import read_flag
from loaders._files import Progress
from loaders._registry import Claim, Format, register
from loaders._source import Source
from loaders.dataset import Dataset
from loaders.errors import DataError

__all__ = ["read_python"]


def read_python(
    path: str | Path,
    *,
    name: str,
    part: str | None = None,
    min_uses: str | None = None,
    workers: str | None = None,
    include_tests: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Python source, see `load_python_source`.

    Raises:
        DataError: An option is no number or no flag, or what `load_python_source` raises.
    """
    # ast and multiprocessing are not needed for other formats
    from loaders.python_source import load_python_source

    return load_python_source(
        [path],
        name=name,
        part=part,
        min_uses=_count(min_uses, "min_uses") or 1,
        workers=_count(workers, "workers"),
        include_tests=bool(read_flag(include_tests, "include_tests")),
        progress=progress,
    )


def _count(value: str | None, option: str) -> int | None:
    try:
        return None if value is None else int(str(value))
    except ValueError:
        raise DataError(f"{option} {value!r} must be an integer") from None


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        return Claim(30, "Python files") if any(name.endswith(".py") for name in source.files) else None
    return Claim(95, "its name") if source.suffix == ".py" else None


register(
    Format(
        "python",
        "Python source: stdlib, an installed package, a file or a folder",
        read_python,
        {
            "min_uses": "leave out skills that fewer texts use than this",
            "include_tests": "yes to read tests too",
            "workers": "number of processes",
        },
        companions=False,
        whole=True,
        claims=_claims,
    )
)
