"""Opens files for the loaders: decompressed, checked while they are read, with progress.

What cannot be read as text ends in a `DataError` that names the file and the line: NUL bytes, another encoding
than UTF-8, a truncated or damaged archive, a line of many megabytes.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import pyarrow as pa

from loaders.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "MAX_LINE",
    "Progress",
    "compression_of",
    "open_bytes",
    "open_lines",
    "read_text",
    "require_file",
    "suffixes",
]

Progress = Callable[[int, int], None]
MAX_LINE = 8 << 20
"""Longest line in bytes: longer ones are not rows of a table."""

_BLOCK = 1 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_OTHER_ARCHIVES = {b"PK\x03\x04": "a ZIP archive", b"BZh": "a bzip2 archive", b"\xfd7zXZ": "an xz archive"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_COMPRESSED_SUFFIXES = (".gz", ".zst", ".zstd")


def require_file(path: Path) -> None:
    """Raise a `DataError` unless there is a file that can be read and that is not empty."""
    if not path.exists():
        raise DataError("there is no such file or folder", path=path)
    if path.is_dir():
        raise DataError("is a folder, where a file is expected", path=path)
    if path.stat().st_size == 0:
        raise DataError("is empty", path=path)


def suffixes(path: Path) -> str:
    """Extension in lower case without that of a compression: ".csv" for "Edges.CSV.gz"."""
    name = path.name.lower()
    for suffix in _COMPRESSED_SUFFIXES:
        name = name.removesuffix(suffix)
    return Path(name).suffix


def compression_of(path: Path) -> str | None:
    """`gzip`, `zstd` or None, by the first bytes of the file and not by its name."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


class _Counted(io.RawIOBase):
    """The file as it lies on the disk; reports how much of it has been read."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._file = path.open("rb", buffering=0)
        self._size = path.stat().st_size
        self._progress = progress
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = self._file.readinto(buffer) or 0
        self._done += count
        if self._progress is not None and count:
            self._progress(self._done, max(self._size, self._done))
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Checked(io.RawIOBase):
    """Decompressed bytes; raises at the first that cannot be part of a text file."""

    def __init__(self, path: Path, source: Any, *, lines: bool) -> None:
        self._path = path
        self._source = source
        self._lines = lines
        self._line = 1
        self._in_line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(len(view))
        except (OSError, EOFError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise DataError(os.strerror(error.errno), path=self._path) from None
            kind = "ends before its end mark" if "runcated" in str(error) else "is damaged"
            raise DataError(f"the compressed file {kind}; fetch or make it anew", path=self._path) from None
        self._check(data)
        view[: len(data)] = data
        return len(data)

    def _check(self, data: bytes) -> None:
        nul = data.find(b"\0")
        if nul >= 0:
            line = self._line + data.count(b"\n", 0, nul)
            raise DataError("holds a NUL byte, so it is no text file; expected UTF-8 text", path=self._path, line=line)
        last = data.rfind(b"\n")
        if not self._lines:
            self._line += data.count(b"\n")
            return
        first = data.find(b"\n")
        longest = self._in_line + (len(data) if first < 0 else first)
        self._in_line = self._in_line + len(data) if last < 0 else len(data) - last - 1
        if max(longest, self._in_line) > MAX_LINE:
            line = self._line + (data.count(b"\n") if longest <= MAX_LINE else 0)
            raise DataError(
                f"the line is longer than {MAX_LINE >> 20} MiB; is a line break or a closing quote missing?",
                path=self._path,
                line=line,
            )
        self._line += data.count(b"\n")

    def close(self) -> None:
        self._source.close()
        super().close()


@contextmanager
def open_bytes(path: Path, progress: Progress | None = None, *, lines: bool = True) -> Iterator[BinaryIO]:
    """The bytes of a text file, decompressed.

    Args:
        path: Plain, gzip or zstd, by its content.
        progress: Called with the bytes read from the disk and those of the whole file.
        lines: False for a file that may be one long line (a JSON document).

    Raises:
        DataError: Not there, empty, a folder, another archive, UTF-16, or while reading one of `_Checked`'s.
    """
    require_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DataError(error.strerror or "cannot be read", path=path) from None
    for magic, kind in _OTHER_ARCHIVES.items():
        if head.startswith(magic):
            raise DataError(f"is {kind}; unpack it, or compress its content with gzip or zstd", path=path)
    if head.startswith(_UTF16):
        raise DataError("is UTF-16; save it as UTF-8", path=path)
    compression = compression_of(path)
    with io.BufferedReader(_Counted(path, progress), _BLOCK) as counted:
        source = pa.CompressedInputStream(pa.PythonFile(counted, mode="r"), compression) if compression else counted
        with io.BufferedReader(_Checked(path, source, lines=lines), _BLOCK) as reader:
            yield reader


@contextmanager
def open_lines(path: Path, progress: Progress | None = None) -> Iterator[TextIO]:
    """The lines of a UTF-8 text file, with or without a byte order mark; line ends are kept as they are.

    Raises:
        DataError: As `open_bytes`; also for what is not UTF-8, with its line.
    """
    with open_bytes(path, progress) as reader, io.TextIOWrapper(reader, "utf-8-sig", newline="") as text:
        try:
            yield text
        except UnicodeDecodeError:
            raise DataError("is not UTF-8; save it as UTF-8", path=path, line=_first_bad_line(path)) from None


def read_text(path: Path, progress: Progress | None = None) -> str:
    """The whole text of a UTF-8 file.

    Raises:
        DataError: As `open_lines`.
    """
    with open_bytes(path, progress, lines=False) as reader:
        data = reader.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "is not UTF-8; save it as UTF-8", path=path, line=data.count(b"\n", 0, error.start) + 1
        ) from None


def _first_bad_line(path: Path) -> int:
    with open_bytes(path) as reader:
        number = 0
        for number, line in enumerate(reader, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return number
