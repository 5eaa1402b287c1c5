"""Opens files for the loaders: decompressed, checked while they are read, with progress.

What cannot be read as text ends in a `DataError` that names the file and the line: NUL bytes, another encoding
than UTF-8, a truncated or damaged archive, a line of many megabytes.
"""

from __future__ import annotations

import codecs
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import pyarrow as pa

from loaders.errors import DataError
from loaders.gate import Limits, Unpacked, limits, open_regular, refused, require_regular

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "MAX_LINE",
    "Progress",
    "archive_kind",
    "compression_of",
    "known_encoding",
    "open_bytes",
    "open_lines",
    "read_text",
    "require_file",
    "suffixes",
]

Progress = Callable[[int, int], None]
MAX_LINE = Limits().line
"""Longest line in bytes unless the limit is moved: a longer line is not a row of a table."""

_BLOCK = 1 << 20
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_OTHER_KINDS = {
    b"BZh": "is a bzip2 archive; unpack it, or compress its content with gzip or zstd",
    b"\xfd7zXZ": "is an xz archive; unpack it, or compress its content with gzip or zstd",
    b"PAR1": "is a Parquet file, not text",
    b"SQLite format 3": "is an SQLite database; export the table as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook (.xls); save the sheet as CSV in UTF-8 and load that",
    b"%PDF": "is a PDF; export its text or table first",
    b"\x80\x04": "is a pickled Python object; write it as CSV, JSON or Parquet",
    b"\x80\x05": "is a pickled Python object; write it as CSV, JSON or Parquet",
    b"ARROW1": "is an Arrow (Feather) file; write it as Parquet",
    b"$FL2": "is an SPSS file (.sav); export it as CSV",
    b"<stata_dta>": "is a Stata file (.dta); export it as CSV",
    b"RDX": "is a file of R's own; write its table with write.csv",
    b"X\n\x00\x00": "is a file of R's own; write its table with write.csv",
    b"\x89HDF": "is an HDF5 file; write its table as CSV or Parquet",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_COMPRESSED_SUFFIXES = (".gz", ".zst", ".zstd")


def require_file(path: Path) -> None:
    """Raise a `DataError` unless there is a file that can be read and that is not empty."""
    if require_regular(path).st_size == 0:
        raise DataError("is empty", path=path)


def suffixes(path: Path) -> str:
    """Extension in lower case without that of a compression: ".csv" for "Edges.CSV.gz"."""
    name = path.name.lower()
    for suffix in _COMPRESSED_SUFFIXES:
        name = name.removesuffix(suffix)
    return Path(name).suffix


def compression_of(path: Path) -> str | None:
    """`gzip`, `zstd` or None, by the first bytes of the file and not by its name."""
    with open_regular(path) as file:
        head = file.read(4)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


class _Counted(io.RawIOBase):
    """The file as it lies on the disk; reports how much of it has been read."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._file = open_regular(path, buffering=0)
        self._size = os.fstat(self._file.fileno()).st_size
        self._progress = progress
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = self._file.readinto(buffer) or 0  # type: ignore[attr-defined]
        self._done += count
        if self._progress is not None and count:
            self._progress(self._done, max(self._size, self._done))
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Transcoded(io.RawIOBase):
    """Text in another encoding as UTF-8."""

    def __init__(self, source: Any, encoding: str, path: Path) -> None:
        self._text = io.TextIOWrapper(source, encoding, newline="")
        self._encoding = encoding
        self._path = path
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        if not self._rest:
            try:
                self._rest = self._text.read(_BLOCK).encode()
            except (UnicodeDecodeError, UnicodeError):
                raise DataError(f"is not {self._encoding}; choose another encoding", path=self._path) from None
        data, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(data)] = data
        return len(data)


class _Checked(io.RawIOBase):
    """Decompressed bytes; raises at the first that cannot be part of a text file."""

    def __init__(self, path: Path, source: Any, *, lines: bool, unpacked: Unpacked | None) -> None:
        self._path = path
        self._unpacked = unpacked
        self._longest = limits().line
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
            kind = "is cut off before its end" if "runcated" in str(error) else "is damaged"
            raise DataError(f"the compressed file {kind}; download or create it again", path=self._path) from None
        if self._unpacked is not None:
            self._unpacked.count(data)
        self._check(data)
        view[: len(data)] = data
        return len(data)

    def _check(self, data: bytes) -> None:
        nul = data.find(b"\0")
        if nul >= 0:
            line = self._line + data.count(b"\n", 0, nul)
            wide = _unmarked_utf16(data)
            if wide:
                raise DataError(
                    f"looks like UTF-16 without its mark; use encoding={wide}, or save it as UTF-8", path=self._path
                )
            raise DataError(
                "holds a NUL byte, so it is not a text file; expected UTF-8 text", path=self._path, line=line
            )
        last = data.rfind(b"\n")
        if not self._lines:
            self._line += data.count(b"\n")
            return
        first = data.find(b"\n")
        longest = self._in_line + (len(data) if first < 0 else first)
        self._in_line = self._in_line + len(data) if last < 0 else len(data) - last - 1
        if max(longest, self._in_line) > self._longest:
            line = self._line + (data.count(b"\n") if longest <= self._longest else 0)
            what = "the line is too long (is a line break or a closing quote missing?)"
            raise refused(what, "line", path=self._path, line=line)
        self._line += data.count(b"\n")

    def close(self) -> None:
        self._source.close()
        super().close()


def archive_kind(path: Path) -> str | None:
    """What a ZIP archive holds, as a sentence on what to do with it; None if it is none."""
    with open_regular(path) as file:
        if file.read(4) != b"PK\x03\x04":
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return "is a damaged ZIP archive; download or create it again"
    if any(name.startswith("xl/") for name in names):
        return "is an Excel workbook; save the sheet as CSV in UTF-8 and load that"
    if "content.xml" in names:
        return "is an OpenDocument spreadsheet; save the sheet as CSV in UTF-8 and load that"
    files = [name for name in names if not name.endswith("/")]
    listed = ", ".join(map(repr, files[:3])) + ", …" * (len(files) > 3)
    if len(files) == 1:
        return f"is a ZIP archive of one file ({listed}); unpack it and load that"
    return f"is a ZIP archive of {len(files)} files ({listed}); unpack it and load the folder or one of the files"


@contextmanager
def open_bytes(
    path: Path, progress: Progress | None = None, *, lines: bool = True, encoding: str | None = None
) -> Iterator[BinaryIO]:
    """The bytes of a text file, decompressed, as UTF-8.

    Args:
        path: Plain, gzip or zstd, by its content.
        progress: Called with the bytes read from the disk and those of the whole file.
        lines: False for a file that may be one long line (a JSON document).
        encoding: That of the file; None for UTF-8, or UTF-16 where the file begins with its mark.

    Raises:
        DataError: Not there, empty, a folder, no text, or while reading one of `_Checked`'s.
    """
    require_file(path)
    with open_regular(path) as file:
        head = file.read(16)
    kind = _other_kind(head) or archive_kind(path)
    if kind is not None:
        raise DataError(kind, path=path)
    compression = compression_of(path)
    if compression:
        with suppress(OSError, EOFError), open_regular(path) as file:
            head = bytes(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), compression).read(16))
        if (kind := _other_kind(head)) is not None:
            raise DataError(kind, path=path)
    with io.BufferedReader(_Counted(path, progress), _BLOCK) as counted:
        source: Any = (
            pa.CompressedInputStream(pa.PythonFile(counted, mode="r"), compression) if compression else counted
        )
        encoding = encoding or ("utf-16" if head.startswith(_UTF16) else None)
        if encoding is not None:
            source = _Transcoded(io.BufferedReader(source, _BLOCK), known_encoding(encoding), path)
        unpacked = Unpacked(path, path.stat().st_size) if compression else None
        with io.BufferedReader(_Checked(path, source, lines=lines, unpacked=unpacked), _BLOCK) as reader:
            yield reader


def _other_kind(head: bytes) -> str | None:
    """What a file that is no text is, by its first bytes, with the way out."""
    return next((kind for magic, kind in _OTHER_KINDS.items() if head.startswith(magic)), None)


def known_encoding(name: str) -> str:
    """An encoding by its name.

    Raises:
        DataError: There is none of that name.
    """
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise DataError(f"there is no encoding {name!r}; common ones are utf-8, utf-16, cp1252 and latin-1") from None


@contextmanager
def open_lines(path: Path, progress: Progress | None = None, *, encoding: str | None = None) -> Iterator[TextIO]:
    """The lines of a UTF-8 text file, with or without a byte order mark; line ends are kept as they are.

    Raises:
        DataError: As `open_bytes`; also for what is not UTF-8, with its line.
    """
    with (
        open_bytes(path, progress, encoding=encoding) as reader,
        io.TextIOWrapper(reader, "utf-8-sig", newline="") as text,
    ):
        try:
            yield text
        except UnicodeDecodeError:
            raise DataError(_NOT_UTF8, path=path, line=_first_bad_line(path)) from None


_NOT_UTF8 = "is not UTF-8; save it as UTF-8, or give the encoding of a table, such as encoding=cp1252"


def read_text(path: Path, progress: Progress | None = None) -> str:
    """The whole text of a UTF-8 file.

    Raises:
        DataError: As `open_lines`.
    """
    with open_bytes(path, progress, lines=False) as reader:
        most = limits().document
        data = reader.read(most + 1)
    if len(data) > most:
        raise refused("is too large to be taken into memory whole", "document", path=path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(_NOT_UTF8, path=path, line=data.count(b"\n", 0, error.start) + 1) from None


def _first_bad_line(path: Path) -> int:
    with open_bytes(path) as reader:
        number = 0
        for number, line in enumerate(reader, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return number


def _unmarked_utf16(data: bytes) -> str | None:
    """The kind of UTF-16 in which Latin letters would look like this; None if it is another thing.

    >>> _unmarked_utf16("a,b".encode("utf-16-le")), _unmarked_utf16("a,b".encode("utf-16-be")), _unmarked_utf16(b"a,b")
    ('utf-16-le', 'utf-16-be', None)
    """
    start = data[:2_000]
    even, odd = start[0::2].count(0), start[1::2].count(0)
    most = 0.8 * (len(start) // 2)
    if len(start) < 4 or max(even, odd) < most or min(even, odd) > 0:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"
