"""The gate for all input: what is opened must be a regular file, and what is read must stay within limits.

Loaders, stores, coded files, parameters of addresses and the command line read through these functions; nothing else
in the program opens a file that a user names. The limits are far above what real data need, and far below what takes
a machine down. The environment variable `SKILLGRAPH_LIMITS` moves them: `ratio=2000 unpacked=200GiB`.

This module imports nothing but the standard library, so that a store can be listed at once.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, Any, BinaryIO

from loaders.errors import DataError

__all__ = [
    "LIMITS_VARIABLE",
    "LimitError",
    "Limits",
    "RepeatedKeyError",
    "Unpacked",
    "check_identifier",
    "check_nesting",
    "exists",
    "files_below",
    "files_in",
    "is_folder",
    "limits",
    "lines_of",
    "open_regular",
    "parse_json",
    "read_regular",
    "refused",
    "require_regular",
    "shown_path",
    "unpack_zstd",
]

LIMITS_VARIABLE = "SKILLGRAPH_LIMITS"
"""Environment variable that moves limits: names and values of `Limits`, as in `ratio=2000 unpacked=200GiB`."""

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_SETTING = re.compile(r"([a-z_]+)=([0-9]{1,15})([A-Za-z]*)")
_FREE = 64 << 20
"""Bytes that may come out of an archive before its ratio counts: small files of one repeated line are harmless."""
_CHUNK = 1 << 20


class LimitError(DataError):
    """Input goes beyond a limit; the message says which, and how it is moved."""


@dataclass(frozen=True)
class Limits:
    """How far input may go.

    Attributes:
        unpacked: Bytes that may come out of a compressed file.
        ratio: Bytes that may come out of each byte of a compressed file, beyond the first 64 MiB.
        document: Bytes of a file that is taken into memory whole, such as a JSON document.
        nesting: Levels of JSON arrays and objects, and of XML elements, inside of each other.
        identifier: Characters of an id, or of the name of a column.
        line: Bytes of a line of a table.
        record: Bytes of a line that holds a whole text.
        columns: Columns of a table.
        steps: Steps of a path such as `A -> B -> C`.
        files: Files in a folder and below it.
        address: Characters of an address of a page.
    """

    unpacked: int = 64 << 30
    ratio: int = 250
    document: int = 1 << 30
    nesting: int = 100
    identifier: int = 65_536
    line: int = 8 << 20
    record: int = 1 << 28
    columns: int = 20_000
    steps: int = 100
    files: int = 200_000
    address: int = 32_768


def limits() -> Limits:
    """The limits that hold now.

    Raises:
        DataError: `SKILLGRAPH_LIMITS` cannot be read.

    >>> limits().nesting
    100
    """
    return _parsed(os.environ.get(LIMITS_VARIABLE, ""))


@functools.lru_cache(8)
def _parsed(text: str) -> Limits:
    known = {field.name for field in fields(Limits)}
    found: dict[str, int] = {}
    for setting in re.split(r"[\s,;]+", text.strip()):
        if not setting:
            continue
        match = _SETTING.fullmatch(setting)
        unit = _UNITS.get(match[3].lower()) if match else None
        if match is None or unit is None or match[1] not in known or int(match[2]) < 1:
            raise DataError(
                f"{LIMITS_VARIABLE} has {setting[:60]!r}: write name=number, as in ratio=2000 or "
                f"unpacked=200GiB; names: "
                f"{', '.join(sorted(known))}"
            )
        found[match[1]] = int(match[2]) * unit
    return replace(Limits(), **found)


def refused(what: str, limit: str, *, path: Path | str | None = None, line: int | None = None) -> LimitError:
    """The error for input that goes beyond a limit.

    Args:
        what: What is too large, as the beginning of a sentence: "the id has 5,000 characters".
        limit: Name of the limit.
        path: The file.
        line: 1-based line in it.
    """
    most = getattr(limits(), limit)
    shown = f"{most >> 20:,} MiB" if most >= _CHUNK and limit not in ("files", "columns") else f"{most:,}"
    return LimitError(
        f"{what}, and the limit is {shown}; if that is as it should be, set {LIMITS_VARIABLE}={limit}=… to a larger "
        "number",
        path=path,
        line=line,
    )


# Files ------------------------------------------------------------------------------------------------------


def shown_path(path: Path | str) -> str:
    """A path as it can be printed: bytes that are not UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def exists(path: Path | str) -> bool:
    """True if something is there.

    Raises:
        DataError: Nothing can be there: the name is too long, is not UTF-8 or holds a NUL, or links lead in a circle.
    """
    return _status(path) is not None


def is_folder(path: Path | str) -> bool:
    """True for a folder; errors as those of `exists`."""
    status = _status(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def _status(path: Path | str, *, any_name: bool = False) -> os.stat_result | None:
    text = os.fspath(path)
    try:
        text.encode(errors="surrogateescape" if any_name else "strict")
    except UnicodeEncodeError:
        raise DataError("the name is not UTF-8: rename it", path=shown_path(path)) from None
    try:
        return Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise DataError("the name holds a NUL character", path=repr(text[:60])) from None
    except OSError as error:
        raise _os_error(error, path) from None


def _os_error(error: OSError, path: Path | str) -> DataError:
    if error.errno == errno.ENAMETOOLONG:
        text = os.fspath(path)
        return DataError(f"the name has {len(text):,} characters, which is too long for a file", path=f"{text[:40]}…")
    if error.errno == errno.ELOOP:
        return DataError("is a link that leads in a circle: name the file itself", path=path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return DataError("may not be read by you: change its permissions", path=path)
    if error.errno == errno.ENOENT:
        return DataError("there is no such file or folder", path=path)
    return DataError(f"cannot be read: {error.strerror or error}", path=path)


def require_regular(path: Path | str, *, any_name: bool = False) -> os.stat_result:
    """What the file system says of a regular file.

    Args:
        path: The file.
        any_name: Its name may be other than UTF-8: nothing is called after it.

    Raises:
        DataError: It is not there, or is a folder, a pipe, a socket or a device; and as `exists`.
    """
    status = _status(path, any_name=any_name)
    if status is None:
        raise DataError("there is no such file or folder", path=path)
    _require_regular(status, path)
    return status


def _require_regular(status: os.stat_result, path: Path | str) -> None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise DataError("is a folder, where a file is expected", path=path)
    kind = (
        "a pipe" if stat.S_ISFIFO(mode)
        else "a socket" if stat.S_ISSOCK(mode)
        else "a device"
    )  # fmt: skip
    raise DataError(f"is {kind}, not a regular file: write its content to a file first, or give it as - where a "
                    "command reads standard input", path=path)  # fmt: skip


def open_regular(path: Path | str, *, buffering: int = -1, any_name: bool = False) -> BinaryIO:
    """A regular file, open for reading; nothing waits at a pipe, and nothing can take the file's place meanwhile.

    Args:
        path: The file.
        buffering: As of `open`.
        any_name: See `require_regular`.

    Raises:
        DataError: As `require_regular`, or it cannot be opened.
    """
    require_regular(path, any_name=any_name)
    # A pipe that was put in the file's place since would be waited for without O_NONBLOCK.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        number = os.open(path, flags)
    except OSError as error:
        raise _os_error(error, path) from None
    try:
        _require_regular(os.fstat(number), path)
        return os.fdopen(number, "rb", buffering=buffering)
    except BaseException:
        os.close(number)
        raise


def read_regular(path: Path | str, *, most: int | None = None, any_name: bool = False) -> bytes:
    """The bytes of a regular file that is taken into memory whole.

    Args:
        path: The file.
        most: Bytes at most; by default the limit `document`.
        any_name: See `require_regular`.

    Raises:
        DataError: As `open_regular`, or it is larger.
    """
    most = limits().document if most is None else most
    with open_regular(path, any_name=any_name) as file:
        try:
            data = file.read(most + 1)
        except OSError as error:
            raise _os_error(error, path) from None
    if len(data) > most:
        raise refused(f"has more than {most:,} bytes", "document", path=path)
    return data


def files_below(folder: Path, pattern: str = "*") -> list[Path]:
    """Regular files in a folder and below it, in order of path; links to folders are not followed.

    Args:
        folder: The folder.
        pattern: Of their names, as `fnmatch` takes it.

    Raises:
        DataError: There are too many, or the name of one is not UTF-8.
    """
    from fnmatch import fnmatchcase

    most = limits().files
    found: list[Path] = []
    waiting, seen = [os.fspath(folder)], 0
    while waiting:
        here = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            continue  # a folder that may not be read holds nothing for this user
        seen += len(entries)
        if seen > most:
            raise refused(f"holds more than {most:,} files and folders: name the one that holds the data", "files",
                          path=folder)  # fmt: skip
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file() and fnmatchcase(entry.name, pattern):
                    found.append(Path(entry.path))
            except OSError:
                continue  # a link that leads in a circle, or into what may not be read
    for path in found:
        _require_utf8(path)
    return sorted(found)


def files_in(folder: Path) -> list[Path]:
    """Regular files directly in a folder, in order of path.

    Raises:
        DataError: The folder cannot be read, or as `files_below`.
    """
    most = limits().files
    found: list[Path] = []
    try:
        for number, entry in enumerate(os.scandir(folder)):
            if number >= most:
                raise refused(f"holds more than {most:,} files and folders", "files", path=folder)
            with contextlib.suppress(OSError):
                if entry.is_file():
                    found.append(Path(entry.path))
    except OSError as error:
        raise _os_error(error, folder) from None
    for path in found:
        _require_utf8(path)
    return sorted(found)


def _require_utf8(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise DataError("the name is not UTF-8: rename it", path=shown_path(path)) from None


# Compressed bytes -------------------------------------------------------------------------------------------


class Unpacked:
    """Counts what comes out of a compressed file, and ends a flood."""

    def __init__(self, path: Path | str, packed: int) -> None:
        """Start counting.

        Args:
            path: The file, for messages.
            packed: Its size in bytes.
        """
        self._path = path
        self._done = 0
        allowed = limits()
        self._most = allowed.unpacked
        self._flood = max(_FREE, allowed.ratio * packed)

    def count(self, data: bytes) -> None:
        """Take note of more bytes.

        Raises:
            LimitError: There are more than may be.
        """
        self._done += len(data)
        if self._done > self._most:
            raise refused("more comes out of the compressed file than may", "unpacked", path=self._path)
        if self._done > self._flood:
            raise refused("too much comes out of each byte of the compressed file", "ratio", path=self._path)


def unpack_zstd(data: bytes, most: int) -> bytes:
    """What was compressed with zstd, of a length that the reader knows how to bound.

    Args:
        data: One frame.
        most: Bytes that it may have.

    Raises:
        ValueError: It is no such frame, or longer.
    """
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(data)
    try:
        parts, left = [], most + 1
        while left > 0 and (part := reader.read(min(left, _CHUNK))):
            parts.append(part)
            left -= len(part)
    except (zstandard.ZstdError, MemoryError) as error:
        raise ValueError(str(error)) from None
    if left <= 0:
        raise ValueError("more comes out of it than can have gone in")
    return b"".join(parts)


# Text -------------------------------------------------------------------------------------------------------


class RepeatedKeyError(ValueError):
    """A JSON object has a key twice, of which a reader would keep the last value and lose the first.

    Args:
        key: The key.
        line: 1-based line of its second occurrence.
        column: 1-based column of it.
        first: 1-based line of its first occurrence.
    """

    def __init__(self, key: str, line: int, column: int, first: int) -> None:
        self.key = key
        self.line = line
        self.column = column
        self.first = first
        where = f" (first in line {first})" if first != line else ""
        super().__init__(f"has the key {key[:60]!r} twice in one object{where}: remove one, or rename it")


def parse_json(text: str | bytes) -> Any:
    """JSON that is not nested too deeply, and whose objects have each key once.

    Raises:
        json.JSONDecodeError: It is no JSON.
        RepeatedKeyError: An object has a key twice.
        ValueError: It is nested too deeply, or holds a number of thousands of digits; the message says so.

    >>> parse_json('{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> parse_json("[" * 1_000 + "]" * 1_000)
    Traceback (most recent call last):
    ...
    ValueError: is nested more than 100 levels deep
    >>> parse_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    loaders.gate.RepeatedKeyError: has the key 'a' twice in one object: remove one, or rename it
    """
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except _Repeated:
        raise _repeated_key(text) from None
    except RecursionError:
        raise ValueError(f"is nested more than {limits().nesting} levels deep") from None
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    except ValueError:
        raise ValueError("holds a number with too many digits") from None
    brackets = (text.count(b"[") + text.count(b"{")) if isinstance(text, bytes) else text.count("[") + text.count("{")
    if brackets > limits().nesting:
        check_nesting(value)
    return value


class _Repeated(Exception):  # noqa: N818
    """Ends the parser, which does not know where it is."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated
    return found


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|[{}\[\]]', re.DOTALL)


def _repeated_key(text: str | bytes) -> RepeatedKeyError:
    """The first key in JSON that is there already in the same object."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    holders: list[dict[str, int]] = []
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            holders.append({})
        elif token[0] in "}]":
            holders.pop()
        elif token[1] is not None:
            key = json.loads(token[0].rstrip(": \t\r\n"), strict=False)
            if key in holders[-1]:
                start, first = token.start(), holders[-1][key]
                column = start - text.rfind("\n", 0, start)
                return RepeatedKeyError(key, text.count("\n", 0, start) + 1, column, text.count("\n", 0, first) + 1)
            holders[-1][key] = token.start()
    raise AssertionError("a key is there twice")


def check_nesting(value: Any) -> None:
    """Refuse lists and mappings inside of each other beyond the limit.

    Raises:
        ValueError: They are nested too deeply.
    """
    most = limits().nesting
    level, depth = [value] if isinstance(value, list | dict) else [], 0
    while level:
        depth += 1
        if depth > most:
            raise ValueError(f"is nested more than {most} levels deep")
        below: list[Any] = []
        for holder in level:
            held = holder.values() if isinstance(holder, dict) else holder
            below += [item for item in held if isinstance(item, list | dict)]
        level = below


def check_identifier(value: str, what: str, *, path: Path | str | None = None, line: int | None = None) -> None:
    """Refuse an id that is longer than any name of a thing.

    Args:
        value: The id.
        what: What it is of: "text", "skill".
        path: The file.
        line: 1-based line in it.

    Raises:
        LimitError: It is too long.
    """
    if len(value) > limits().identifier:
        raise refused(f"the id of a {what}, {value[:40]!r}…, has {len(value):,} characters", "identifier",
                      path=path, line=line)  # fmt: skip


def lines_of(stream: IO[bytes], name: str, most: int | None = None) -> Iterator[bytes]:
    """Lines of a binary stream, each with its end; a line is never taken into memory beyond the limit.

    Args:
        stream: The stream.
        name: What errors call it.
        most: Bytes of a line at most; by default the limit `record`.

    Raises:
        LimitError: A line is longer.
    """
    most = limits().record if most is None else most
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        if len(line) > most:
            raise refused("the line is too long", "record", path=name, line=number)
        yield line
