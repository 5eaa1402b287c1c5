"""Blocks of texts in a file: header, blocks and end, each with a checksum, written and read as streams."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, NoReturn

import numpy as np
import zstandard
from numpy.typing import NDArray

from explorer.sgc.codebook import MAX_WEIGHTED_SKILLS, Codebook, layer_fingerprint
from explorer.sgc.errors import DamagedFileError, LayerMismatchError, SgcError
from explorer.sgc.skill_sets import decode_sets, encode_sets
from explorer.sgc.texts import TextRecord, join_line, skills_line, split_line
from loaders.gate import limits, parse_json, refused, unpack_zstd

__all__ = ["BLOCK_TEXTS", "MAGIC", "VERSION", "DecodedText", "Sections", "SgcHeader", "SgcReader", "SgcWriter"]

# as PNG's: a byte above 127, then both kinds of line ends, so that a transfer as text shows
MAGIC = b"\x89SGC\r\n\x1a\n"
VERSION = 1
BLOCK_TEXTS = 16_384
BLOCK_BYTES = 1 << 23
MAX_BLOCK_TEXTS = 1 << 20
"""Texts in a block, at most: a block is taken into memory whole."""
_PREFIX = struct.Struct("<8sHI")
_FRAME = struct.Struct("<cI")
_CRC = struct.Struct("<I")
_BODY = struct.Struct("<6I")
_END = struct.Struct("<QQ")
_DIGEST = 16
_MAX_HEADER = 1 << 26
_MAX_FACTS = 1 << 16
_MAX_COUNTS = 1 << 16


@dataclass(frozen=True)
class SgcHeader:
    """What a file says about itself.

    Attributes:
        fingerprint: Of the layer that it was written with, 32 bytes.
        layer: Name of that layer, for messages.
        dataset: Name of its dataset.
        n_skills: Number of its learned skills.
        keep_text: True if understood texts are kept whole beside their skill sets.
        keep_ids: True if ids of understood texts are kept.
        count_weights: See `Codebook`.
        skill_weights: See `Codebook`.
    """

    fingerprint: bytes
    layer: str
    dataset: str
    n_skills: int
    keep_text: bool
    keep_ids: bool
    count_weights: NDArray[np.int64]
    skill_weights: NDArray[np.int64] | None

    def codebook(self, skills: Sequence[str], *, layer: str) -> Codebook:
        """The codebook of the file, with the reader's learned skills in order of id.

        Raises:
            LayerMismatchError: They are not the skills that the file was written with.
        """
        mine = layer_fingerprint(skills)
        if mine != self.fingerprint:
            raise LayerMismatchError(
                f"the file was written with layer {self.layer!r} of dataset {self.dataset!r}, fingerprint "
                f"{self.fingerprint.hex()[:16]} ({self.n_skills} learned skills), and layer {layer!r} has fingerprint "
                f"{mine.hex()[:16]} ({len(skills)} learned skills): use the layer that it was written with"
            )
        return Codebook(tuple(skills), self.count_weights, self.skill_weights)


@dataclass(frozen=True)
class Sections:
    """Bytes by what they are spent on."""

    sets: int = 0
    ids: int = 0
    kept: int = 0
    frame: int = 0

    def __add__(self, other: Sections) -> Sections:
        return Sections(self.sets + other.sets, self.ids + other.ids, self.kept + other.kept, self.frame + other.frame)

    @property
    def total(self) -> int:
        """All bytes."""
        return self.sets + self.ids + self.kept + self.frame


@dataclass(frozen=True)
class DecodedText:
    """A text as it comes out.

    Attributes:
        id: Its id if it was understood and ids were kept.
        skills: Its skills in order of id if it was understood, otherwise None.
        line: The line as it went in if it was kept, otherwise None.
    """

    id: str | None
    skills: tuple[str, ...] | None
    line: bytes | None

    def to_line(self) -> bytes:
        """The line as it went in if it was kept, otherwise id and skills."""
        return self.line if self.line is not None else skills_line(self.id, self.skills or ())


class SgcWriter:
    """Writes a container to a binary stream; memory is that of one block.

    Args:
        stream: Where bytes go.
        codebook: The model.
        layer: Name of the layer, for messages of readers.
        dataset: Name of its dataset.
        keep_text: Keep understood texts whole too.
        keep_ids: Keep ids of understood texts.
        level: Level of zstd for what is kept.
        block_texts: Texts in a block, at most.
        block_bytes: Bytes of input lines in a block, at most, unless one line is longer.
    """

    def __init__(
        self,
        stream: IO[bytes],
        codebook: Codebook,
        *,
        layer: str = "",
        dataset: str = "",
        keep_text: bool = False,
        keep_ids: bool = True,
        level: int = 3,
        block_texts: int = BLOCK_TEXTS,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._stream, self._codebook = stream, codebook
        self._keep_text, self._keep_ids = keep_text, keep_ids or keep_text
        self._block_texts, self._block_bytes = min(block_texts, MAX_BLOCK_TEXTS), block_bytes
        self._zstd = zstandard.ZstdCompressor(level=level)
        self._pending: list[TextRecord] = []
        self._pending_bytes = 0
        self._blocks = self.texts = self.understood = 0
        self.header_bytes = self._write_header(layer, dataset)
        self.sections, self.end_bytes = Sections(), 0

    def _write_header(self, layer: str, dataset: str) -> int:
        book = self._codebook
        facts = {
            "fingerprint": book.fingerprint.hex(),
            "layer": layer,
            "dataset": dataset,
            "skills": book.n_skills,
            "model": book.model,
            "counts": len(book.count_weights),
            "keep_text": self._keep_text,
            "keep_ids": self._keep_ids,
        }
        told = json.dumps(facts, sort_keys=True).encode()
        weights = [book.count_weights] if book.skill_weights is None else [book.count_weights, book.skill_weights]
        tables = self._zstd.compress(_pack_numbers(np.concatenate(weights)))
        body = struct.pack("<I", len(told)) + told + tables
        head = _PREFIX.pack(MAGIC, VERSION, len(body)) + body
        self._digest = _digest(head)
        self._stream.write(head + self._digest)
        return len(head) + _DIGEST

    def write(self, record: TextRecord) -> None:
        """Add a text."""
        if self._pending and self._pending_bytes + len(record.line) > self._block_bytes:
            self._flush()
        self._pending.append(record)
        self._pending_bytes += len(record.line)
        if len(self._pending) >= self._block_texts:
            self._flush()

    def close(self) -> None:
        """Write what is pending and the end; the stream stays open."""
        self._flush()
        self.end_bytes = self._frame(b"E", _END.pack(self.texts, self._blocks))

    def _flush(self) -> None:
        if not self._pending:
            return
        records, self._pending, self._pending_bytes = self._pending, [], 0
        places = [self._codebook.understood(record.skills) for record in records]
        known = [place for place in places if place is not None]
        ptr = np.concatenate(([0], np.cumsum([len(place) for place in known], dtype=np.int64)))
        flat = np.fromiter((s for place in known for s in place), dtype=np.int64, count=int(ptr[-1]))
        mask = np.array([place is not None for place in places])
        sets = encode_sets(self._codebook, mask, ptr, flat)
        if self._keep_text:
            ids, cuts, kept = b"", b"", b""
            pairs = [
                (0, record.line) if place is None else split_line(record.line, self._names(place))
                for record, place in zip(records, places, strict=True)
            ]
            cuts = self._zstd.compress(_pack_numbers(np.array([cut for cut, _ in pairs])))
            kept = self._strings([rest for _, rest in pairs])
        else:
            named = [r.id.encode() for r, p in zip(records, places, strict=True) if p is not None]
            ids = self._strings(named) if self._keep_ids else b""
            cuts, kept = b"", self._strings([r.line for r, p in zip(records, places, strict=True) if p is None])
        body = _BODY.pack(len(records), len(known), len(sets), len(ids), len(cuts), len(kept))
        written = self._frame(b"B", body + sets + ids + cuts + kept)
        spent = len(sets) + len(ids) + len(cuts) + len(kept)
        self.sections += Sections(len(sets), len(ids), len(cuts) + len(kept), written - spent)
        self._blocks += 1
        self.texts += len(records)
        self.understood += len(known)

    def _names(self, places: list[int]) -> list[str]:
        return [self._codebook.skills[place] for place in places]

    def _strings(self, items: list[bytes]) -> bytes:
        if not items:
            return b""
        lengths = _pack_numbers(np.array([len(item) for item in items]))
        return self._zstd.compress(lengths + b"".join(items))

    def _frame(self, kind: bytes, body: bytes) -> int:
        head = _FRAME.pack(kind, len(body))
        head += _CRC.pack(zlib.crc32(head))
        self._stream.write(head + body + _digest(self._digest, self._blocks, head, body))
        return len(head) + len(body) + _DIGEST


class SgcReader:
    """Reads a container from a binary stream; memory is that of one block.

    Args:
        stream: Where bytes come from.
        name: What errors call it.

    Raises:
        SgcError: It is no such file, or of a version that is not known here.
        DamagedFileError: The header is damaged.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream, self._name = stream, name
        self.texts = 0
        """Texts that came out of whole blocks so far."""
        self.header = self._read_header()

    def _read_header(self) -> SgcHeader:
        head = self._stream.read(_PREFIX.size)
        if head[: len(MAGIC)] != MAGIC:
            raise SgcError(f"{self._name} was not written by `skillgraph compress`: its first bytes differ")
        if len(head) < _PREFIX.size:
            self._damaged("it ends within the header")
        _, version, length = _PREFIX.unpack(head)
        if version != VERSION:
            raise SgcError(
                f"{self._name} is of format version {version}, or damaged; this program reads version {VERSION}"
            )
        body = self._stream.read(min(length, _MAX_HEADER))
        self._digest = self._stream.read(_DIGEST)
        if length > _MAX_HEADER or self._digest != _digest(head + body):
            self._damaged("the header's checksum is wrong")
        try:
            return _parse_header(body)
        except (ValueError, KeyError, TypeError, OverflowError, struct.error):
            self._damaged("the header cannot be read")

    def blocks(self, codebook: Codebook) -> Iterator[list[DecodedText]]:
        """The texts of each block.

        Args:
            codebook: From `header.codebook`.

        Raises:
            DamagedFileError: A block is damaged or missing; those before it have been yielded.
        """
        index = 0
        while True:
            kind, body = self._frame(index)
            if kind == b"E":
                break
            try:
                decoded = _decode_block(body, codebook, self.header)
            except (ValueError, IndexError, OverflowError, struct.error):
                self._damaged(f"block {index + 1} cannot be decoded")
            except BaseException as error:
                if type(error).__name__ != "PanicException":  # how the coder, in Rust, says that it cannot go on
                    raise
                self._damaged(f"block {index + 1} cannot be decoded")
            yield decoded
            self.texts += len(decoded)
            index += 1
        if len(body) != _END.size or _END.unpack(body) != (self.texts, index):
            self._damaged("blocks are missing before its end")
        if self._stream.read(1):
            self._damaged("there is data after its end")

    def _frame(self, index: int) -> tuple[bytes, bytes]:
        where = f"block {index + 1}"
        head = self._stream.read(_FRAME.size + _CRC.size)
        if len(head) < _FRAME.size + _CRC.size:
            self._damaged(f"it ends before {where} is complete")
        kind, length = _FRAME.unpack(head[: _FRAME.size])
        if _CRC.unpack(head[_FRAME.size :])[0] != zlib.crc32(head[: _FRAME.size]) or kind not in (b"B", b"E"):
            self._damaged(f"the checksum of {where}'s length is wrong")
        most = limits().document
        body = self._stream.read(min(length, most))
        if len(body) == most < length:
            raise refused(f"{where} has {length:,} bytes", "document", path=self._name)
        check = self._stream.read(_DIGEST)
        if len(body) < length or len(check) < _DIGEST:
            self._damaged(f"it ends before {where} is complete")
        if check != _digest(self._digest, index, head, body):
            self._damaged(f"the checksum of {where} is wrong")
        return kind, body

    def _damaged(self, problem: str) -> NoReturn:
        raise DamagedFileError(f"{self._name} is damaged or truncated: {problem}")


def _parse_header(body: bytes) -> SgcHeader:
    (length,) = struct.unpack_from("<I", body)
    if length > _MAX_FACTS:
        raise ValueError("facts that are too long")
    facts = parse_json(body[4 : 4 + length])
    if not 0 <= facts["counts"] <= _MAX_COUNTS or not 0 <= facts["skills"] < 1 << 31:
        raise ValueError("numbers that cannot be")
    most = facts["counts"] + (min(facts["skills"], MAX_WEIGHTED_SKILLS) if facts["model"] == "frequency" else 0)
    weights = _unpack_numbers(unpack_zstd(body[4 + length :], 4 * most))
    counts, skills = weights[: facts["counts"]], weights[facts["counts"] :]
    if len(counts) != facts["counts"] or len(skills) != (facts["skills"] if facts["model"] == "frequency" else 0):
        raise ValueError("tables of the wrong length")
    return SgcHeader(
        fingerprint=bytes.fromhex(facts["fingerprint"]),
        layer=str(facts["layer"]),
        dataset=str(facts["dataset"]),
        n_skills=int(facts["skills"]),
        keep_text=bool(facts["keep_text"]),
        keep_ids=bool(facts["keep_ids"]),
        count_weights=counts,
        skill_weights=skills if facts["model"] == "frequency" else None,
    )


def _decode_block(body: bytes, codebook: Codebook, header: SgcHeader) -> list[DecodedText]:
    n, k, *lengths = _BODY.unpack_from(body)
    if _BODY.size + sum(lengths) != len(body):
        raise ValueError("sections of the wrong length")
    if not 0 <= k <= n <= MAX_BLOCK_TEXTS:
        raise ValueError("more texts than a block can hold")
    ends = np.cumsum([_BODY.size, *lengths]).tolist()
    sets, ids, cuts, kept = (body[a:b] for a, b in pairwise(ends))
    understood, ptr, flat = decode_sets(codebook, sets, n, k)
    bounds, skills = ptr.tolist(), [codebook.skills[s] for s in flat.tolist()]
    found = iter([tuple(skills[a:b]) for a, b in pairwise(bounds)])
    if header.keep_text:
        places = _unpack_numbers(unpack_zstd(cuts, 4 * n)).tolist()
        lines = zip(places, _split_strings(kept, n), strict=True)
        return [_whole(next(found) if known else None, *line) for known, line in zip(understood, lines, strict=True)]
    names = iter([item.decode() for item in _split_strings(ids, k)]) if header.keep_ids else iter([None] * k)
    rest = iter(_split_strings(kept, n - k))
    return [
        DecodedText(next(names), next(found), None) if known else DecodedText(None, None, next(rest))
        for known in understood
    ]


def _whole(skills: tuple[str, ...] | None, place: int, rest: bytes) -> DecodedText:
    return DecodedText(None, skills, join_line(place, rest, skills or ()))


def _split_strings(data: bytes, n: int) -> list[bytes]:
    if n == 0:
        return []
    # A block is closed with its text beyond BLOCK_BYTES at the latest.
    joined = unpack_zstd(data, 4 * n + BLOCK_BYTES + limits().record)
    lengths = _unpack_numbers(joined[: 4 * n])
    ends = (4 * n + np.concatenate(([0], np.cumsum(lengths)))).tolist()
    if len(lengths) != n or ends[-1] != len(joined):
        raise ValueError("strings of the wrong length")
    return [joined[a:b] for a, b in pairwise(ends)]


def _pack_numbers(numbers: NDArray[np.integer]) -> bytes:
    """As 32 bits each, all lowest bytes first: the mostly equal high bytes then compress to almost nothing."""
    return numbers.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()


def _unpack_numbers(data: bytes) -> NDArray[np.int64]:
    planes = np.frombuffer(data, dtype=np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<u4").ravel().astype(np.int64)


def _digest(first: bytes, index: int | None = None, *rest: bytes) -> bytes:
    """BLAKE2b of 16 bytes; with the header's digest and the index, a block fits one place of one file only."""
    digest = hashlib.blake2b(first, digest_size=_DIGEST)
    if index is not None:
        digest.update(index.to_bytes(8, "little"))
    for part in rest:
        digest.update(part)
    return digest.digest()
