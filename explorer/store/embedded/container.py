"""The bytes of a store's file: a head, blocks that are never overwritten, and a catalogue that says what they are.

    head (64 bytes) | block | block | ... | catalogue | block | ... | catalogue

A change appends its blocks and a new catalogue, and then puts the catalogue's place into the head: 64 bytes in one
sector, which a reader, a crash or a kill finds as they were or as they are. Blocks that no catalogue names any more
are left behind until they are more than what is in use; then the file is written anew, beside the old one, and
renamed. So a change costs what it changes, and a file that is copied while it is written is whole.

Every block, the catalogue and the head carry a checksum (CRC-32), which is compared whenever they are read. This
module knows no arrays and imports none: what is in a store can be listed at once.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import struct
import time
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from explorer.errors import StoreError
from loaders.errors import DataError
from loaders.gate import open_regular, parse_json
from loaders.writing import keep_mode

__all__ = [
    "MAGIC",
    "Block",
    "Content",
    "DamagedError",
    "Draft",
    "memory_content",
    "other_version",
    "read_version",
    "write_catalogue",
]

MAGIC = b"SKILLGR\n"
"""The first bytes of a store's file."""

Block = list[int]
"""Place, length and checksum of a block, as the catalogue names it."""

_CONTAINER = 1
# magic, version of the container, version (random, of this change), place, length and checksum of the catalogue
_HEAD = struct.Struct("<8sI4x16sQQI")
_HEAD_SIZE = 64
_CHECKED = _HEAD_SIZE - 4
_ALIGNMENT = 64
_LITTLE = 1 << 20


class DamagedError(StoreError):
    """Bytes of a store's file are not those that were written."""


def _head(version: bytes, place: int, catalogue: bytes) -> bytes:
    head = _HEAD.pack(MAGIC, _CONTAINER, version, place, len(catalogue), zlib.crc32(catalogue))
    head = head.ljust(_CHECKED, b"\0")
    return head + struct.pack("<I", zlib.crc32(head))


def _read_head(file: BinaryIO, name: str) -> tuple[bytes, int, int, int]:
    """Version of the content, and place, length and checksum of its catalogue."""
    for patience in (0.0, 0.001, 0.01, 0.1):
        # A reader may meet the very moment in which the head is written.
        time.sleep(patience)
        file.seek(0)
        head = file.read(_HEAD_SIZE)
        whole = len(head) == _HEAD_SIZE and struct.unpack("<I", head[_CHECKED:])[0] == zlib.crc32(head[:_CHECKED])
        if whole:
            break
    if len(head) >= _HEAD.size and head.startswith(MAGIC):
        _, container, version, place, length, checksum = _HEAD.unpack_from(head)
        if container > _CONTAINER:
            raise StoreError(f"{name} was written by a newer version of this program: use that version")
        if whole:
            return version, place, length, checksum
    raise _damaged(name, "its first bytes have changed")


def _read_at(file: BinaryIO, place: int, length: int) -> bytearray:
    """Bytes from a place on; fewer where the file ends."""
    data = bytearray(length)
    view, done = memoryview(data), 0
    file.seek(place)
    while done < length and (read := file.readinto(view[done:])):  # type: ignore[attr-defined]
        done += read
    return data if done == length else data[:done]


def _write_at(file: BinaryIO, place: int, view: memoryview) -> None:
    file.seek(place)
    while len(view):
        view = view[file.write(view) :]


def other_version(name: str, version: object, needed: int) -> StoreError:
    """What is said of a store whose graph has another schema."""
    return StoreError(
        f"{name} has version {version} of the graph schema, but this program needs version {needed}: "
        "use the program that wrote it, or load the data into a new store"
    )


def _damaged(name: str, what: str) -> DamagedError:
    return DamagedError(f"{name} is damaged: restore it from a copy, or load the data into a new store ({what})")


def read_version(path: Path) -> str:
    """Version of the content of a file, which no other content has; `none` if there is no such file."""
    try:
        with open_regular(path) as file:
            return _read_head(file, str(path))[0].hex()
    except (OSError, StoreError, DataError):
        return "none"


class Content:
    """What is in a file at one moment; it stays as it is while others write, also if the file is replaced.

    Attributes:
        name: The file, for messages.
        version: Of this content: a copy of the file has the same, nothing else has.
        catalogue: What the blocks are; not to be changed.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Read the catalogue; the content closes the file.

        Raises:
            StoreError: It is damaged or of a newer version.
        """
        self.name = name
        self._file = file
        self._lock = Lock()
        weakref.finalize(self, file.close)
        version, place, length, checksum = _read_head(file, name)
        self.version = version.hex()
        self.end = place + length
        text = _read_at(file, place, length)
        if len(text) < length:
            raise _damaged(name, "its end is missing")
        if zlib.crc32(text) != checksum:
            raise _damaged(name, "its catalogue has changed")
        try:
            self.catalogue: dict[str, Any] = parse_json(bytes(text))
        except ValueError:
            raise _damaged(name, "its catalogue cannot be read") from None

    @classmethod
    def of_file(cls, path: Path) -> Content:
        """The content of a file.

        Raises:
            OSError: It cannot be opened.
            StoreError: It is damaged or of a newer version.
        """
        return cls(open_regular(path, buffering=0), str(path))

    def read(self, block: Block) -> bytearray:
        """The bytes of a block.

        Raises:
            DamagedError: They are not those that were written.
        """
        place, length, checksum = block
        with self._lock:
            data = _read_at(self._file, place, length)
        if len(data) != length or zlib.crc32(data) != checksum:
            raise _damaged(self.name, f"{length:,} bytes from byte {place:,} on are not as they were written")
        return data

    @property
    def used(self) -> int:
        """Bytes of the blocks that the catalogue names."""
        return sum(length for _, length, _ in _blocks(self.catalogue).values())


def _blocks(catalogue: Any) -> dict[int, Block]:
    """All blocks that a catalogue names, by place."""
    found: dict[int, Block] = {}
    waiting = [catalogue]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            if isinstance(value.get("block"), list):  # a column of that name is a mapping
                found[value["block"][0]] = value["block"]
            waiting.extend(item for item in value.values() if isinstance(item, Mapping | list))
        elif isinstance(value, list):
            waiting.extend(item for item in value if isinstance(item, Mapping | list))
    return found


def _moved(value: Any, places: Mapping[int, int]) -> Any:
    """A catalogue whose blocks are at other places."""
    if isinstance(value, Mapping):
        return {
            key: [places[item[0]], *item[1:]] if key == "block" and isinstance(item, list) else _moved(item, places)
            for key, item in value.items()
        }
    return [_moved(item, places) for item in value] if isinstance(value, list) else value


class Draft:
    """A change in the making: a catalogue to edit, and blocks that are written as they come.

    Attributes:
        catalogue: A copy, to be changed; a block belongs to what `add` gave, as `{"block": ...}`.
    """

    def __init__(self, before: Content | None, file: BinaryIO, end: int) -> None:
        self.catalogue: dict[str, Any] = {} if before is None else json.loads(json.dumps(before.catalogue))
        self._file = file
        self._end = end

    def add(self, data: Any) -> Block:
        """Write a block (bytes, or a buffer of them)."""
        view = memoryview(data).cast("B")
        place = -(-self._end // _ALIGNMENT) * _ALIGNMENT
        _write_at(self._file, place, view)
        self._end = place + len(view)
        return [place, len(view), zlib.crc32(view)]


@contextmanager
def write_catalogue(path: Path, before: Content | None, *, anew: bool = False) -> Iterator[Draft]:
    """Change the content of a file; what is there when the block ends without an error becomes its content.

    Args:
        path: The file; whoever calls this has the right to write it.
        before: Its content; None if there is no file, or one of another format, which is replaced. One that is
            held in memory is written whole.
        anew: Write the file anew, so that nothing of what is taken away is left in it.

    Raises:
        OSError: The disk is full, or the file cannot be written; the content is the one before.
    """
    on_disk = before is not None and before.name == str(path)
    if before is not None and on_disk and not anew:
        size = path.stat().st_size
        anew = size - before.used > max(2 * before.used, _LITTLE)
    if before is None or not on_disk or anew:
        yield from _written_anew(path, before)
    else:
        yield from _appended(path, before)


def _appended(path: Path, before: Content) -> Iterator[Draft]:
    with path.open("r+b", buffering=0) as file:
        # What a writer that was killed left behind.
        file.truncate(before.end)
        draft = Draft(before, file, before.end)
        try:
            yield draft
            head = _finish(draft, file)
        except BaseException:
            with contextlib.suppress(OSError, ValueError):
                file.truncate(before.end)
            raise
        put_head(file, head)


def put_head(file: BinaryIO, head: bytes) -> None:
    """Make what has been written the content of its file."""
    _write_at(file, 0, memoryview(head))
    os.fsync(file.fileno())


def _written_anew(path: Path, before: Content | None) -> Iterator[Draft]:
    beside = path.with_name(f"{path.name}.tmp.{os.getpid()}")
    beside.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "r+b", buffering=0) as file:
            _write_at(file, 0, memoryview(b"\0" * _HEAD_SIZE))
            draft = Draft(None, file, _HEAD_SIZE) if before is None else _DraftAnew(before, file)
            yield draft
            if isinstance(draft, _DraftAnew):
                draft.take_over()
            put_head(file, _finish(draft, file))
            keep_mode(path, file.fileno())
        put_in_place(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


class _DraftAnew(Draft):
    """A draft in a new file, into which the blocks that are still named are copied at the end."""

    def __init__(self, before: Content, file: BinaryIO) -> None:
        super().__init__(before, file, _HEAD_SIZE)
        self._before = before
        self._added: dict[int, Block] = {}

    def add(self, data: Any) -> Block:
        """Write a block; until the end its place is told apart from those of the old file by its sign."""
        place, length, checksum = super().add(data)
        self._added[-place] = [place, length, checksum]
        return [-place, length, checksum]

    def take_over(self) -> None:
        """Copy what the catalogue still names of the old file."""
        places = {}
        for place, block in sorted(_blocks(self.catalogue).items()):
            if place in self._added:
                places[place] = self._added[place][0]
            else:
                places[place] = super().add(self._before.read(block))[0]
        self.catalogue = _moved(self.catalogue, places)


def _finish(draft: Draft, file: BinaryIO) -> bytes:
    """Write the catalogue and see to it that all is on the disk; the head that makes it the content."""
    text = json.dumps(draft.catalogue, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    place, _, _ = Draft.add(draft, text)
    os.fsync(file.fileno())
    return _head(secrets.token_bytes(16), place, text)


def put_in_place(beside: Path, path: Path) -> None:
    """Let a whole new file take the place of the old one, for good."""
    beside.replace(path)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(folder)
        finally:
            os.close(folder)


def memory_content(name: str, fill: Callable[[Draft], None] = lambda _: None) -> Content:
    """A content that is in no file: `fill` gets a draft of it.

    Args:
        name: What it is, for messages; not a path that is written.
        fill: Adds blocks and fills the catalogue.
    """
    file = io.BytesIO()
    file.write(b"\0" * _HEAD_SIZE)
    draft = Draft(None, file, _HEAD_SIZE)
    fill(draft)
    text = json.dumps(draft.catalogue).encode()
    place, _, _ = draft.add(text)
    file.seek(0)
    file.write(_head(secrets.token_bytes(16), place, text))
    return Content(file, name)
