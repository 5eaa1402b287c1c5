"""Files: what comes out is what went in; what is damaged or of another layer is refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.sgc import (
    Codebook,
    DamagedFileError,
    LayerMismatchError,
    SgcError,
    SgcReader,
    SgcWriter,
    layer_fingerprint,
)
from tests.compression.corpora import codebooks, corpora, fixed, read_back, record, written

LEARNED = ("brew", "steep", "čaj")
RECORDS = [
    record("t1", ["steep", "brew"], "first"),
    record("t2", ["brew", "grind"], "a text that needs more"),
    record("t3", [], "nothing needed"),
    record("t4", ["čaj", "čaj"], "tea"),
    record("t5", ["grind"], "…"),
]
BOOK = Codebook.from_counts(LEARNED, np.array([0, 1, 2]), np.array([2, 1, 1]))


def expected_lines(learned: tuple[str, ...], records: list) -> list[tuple[str, ...] | bytes]:
    """Of each text, its distinct skills in order if all are learned, else its line."""
    return [tuple(sorted(set(r.skills))) if set(r.skills) <= set(learned) else r.line for r in records]


@fixed
@given(st.data())
def test_any_texts_and_layer_come_back(data: st.DataObject) -> None:
    learned, records = data.draw(corpora())
    book = data.draw(codebooks(learned))
    decoded = read_back(written(book, records, block_texts=data.draw(st.integers(1, 30))), learned)
    assert [d.line if d.skills is None else d.skills for d in decoded] == expected_lines(learned, records)
    assert [d.id for d in decoded if d.skills is not None] == [r.id for r in records if set(r.skills) <= set(learned)]


@fixed
@given(st.data())
def test_with_text_kept_every_line_comes_back_byte_for_byte(data: st.DataObject) -> None:
    learned, records = data.draw(corpora())
    file = written(data.draw(codebooks(learned)), records, keep_text=True, block_bytes=data.draw(st.integers(1, 400)))
    decoded = read_back(file, learned)
    assert [d.to_line() for d in decoded] == [r.line for r in records]
    assert [d.skills for d in decoded] == [
        e if isinstance(e, tuple) else None for e in expected_lines(learned, records)
    ]


def test_order_of_texts_and_of_skills_in_a_text_is_free() -> None:
    backwards = [record(r.id, r.skills[::-1], "other wording") for r in RECORDS[::-1]]
    one, other = (read_back(written(BOOK, records), LEARNED) for records in (RECORDS, backwards))
    assert [(d.id, d.skills) for d in one if d.skills is not None] == [
        (d.id, d.skills) for d in other[::-1] if d.skills is not None
    ]


def test_lines_of_decoded_skill_sets_can_be_compressed_again() -> None:
    decoded = read_back(written(BOOK, RECORDS), LEARNED)
    assert decoded[0].to_line() == b'{"id": "t1", "skills": ["brew", "steep"]}'
    assert read_back(written(BOOK, RECORDS, keep_ids=False), LEARNED)[0].to_line() == b'{"skills": ["brew", "steep"]}'


def outcomes(data: bytes) -> tuple[list[bytes], str]:
    """Lines that came out before the file was refused, and why it was."""
    lines: list[bytes] = []
    try:
        reader = SgcReader(io.BytesIO(data), "file.sgc")
        for block in reader.blocks(reader.header.codebook(LEARNED, layer="mine")):
            lines += [text.to_line() for text in block]
    except SgcError as error:
        return lines, str(error)
    return lines, ""


@pytest.mark.parametrize("keep_text", [False, True])
def test_a_change_of_any_byte_is_detected_and_never_gives_a_wrong_text(keep_text: bool) -> None:
    whole = written(BOOK, RECORDS, keep_text=keep_text, block_texts=2)
    right = [text.to_line() for text in read_back(whole, LEARNED)]
    rng = np.random.default_rng(0)
    for place in range(len(whole)):
        flips = [1 << (place % 8), 0xFF, int(rng.integers(1, 256))]
        for flip in flips:
            damaged = bytearray(whole)
            damaged[place] ^= flip
            lines, problem = outcomes(bytes(damaged))
            assert problem, f"byte {place} changed by {flip} was not noticed"
            assert lines == right[: len(lines)]
            # whole blocks come out; all of them if only the end is damaged
            assert len(lines) in {0, 2, 4, 5}


def test_a_file_cut_anywhere_is_detected_and_the_blocks_before_survive() -> None:
    whole = written(BOOK, RECORDS, block_texts=2)
    right = [text.to_line() for text in read_back(whole, LEARNED)]
    survived = set()
    for length in range(len(whole)):
        lines, problem = outcomes(whole[:length])
        assert problem
        assert lines == right[: len(lines)]
        survived.add(len(lines))
    # all but the last cut through the end come out in twos
    assert survived == {0, 2, 4, 5}


def frames(data: bytes) -> tuple[bytes, list[bytes]]:
    """Header and frames of a file, cut at the lengths that it states."""
    (length,) = struct.unpack_from("<I", data, 10)
    at = 14 + length + 16
    head, found = data[:at], []
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 1)
        found.append(data[at : at + 9 + length + 16])
        at += 9 + length + 16
    return head, found


def test_blocks_moved_removed_repeated_or_of_another_file_are_detected() -> None:
    head, (first, second, third, end) = frames(written(BOOK, RECORDS, block_texts=2))
    _, (foreign, *_) = frames(written(BOOK, RECORDS[:2], block_texts=2, layer="other"))
    for blocks in (
        [second, first, third, end],
        [first, third, end],
        [first, first, second, third, end],
        [foreign, second, third, end],
        [first, second, third, end, end],
        [end],
        [first, second, third],
    ):
        assert outcomes(head + b"".join(blocks))[1]
    assert not outcomes(head + first + second + third + end)[1]


def test_a_length_that_was_changed_with_its_checksum_is_detected() -> None:
    head, (first, *_) = frames(written(BOOK, RECORDS))
    for length in (0, 1, 2**32 - 1):
        forged = struct.pack("<cI", b"B", length)
        forged += struct.pack("<I", zlib.crc32(forged))
        lines, problem = outcomes(head + forged + first[9:])
        assert problem
        assert not lines


def test_another_layer_is_refused_and_both_fingerprints_are_named() -> None:
    file = written(BOOK, RECORDS, layer="foundation", dataset="teas")
    reader = SgcReader(io.BytesIO(file), "file.sgc")
    other = ("brew", "steep")
    with pytest.raises(LayerMismatchError) as caught:
        reader.header.codebook(other, layer="tuned")
    for part in ("foundation", "tuned", layer_fingerprint(LEARNED).hex()[:16], layer_fingerprint(other).hex()[:16]):
        assert part in str(caught.value)


def test_names_of_layers_do_not_matter_only_their_skills() -> None:
    file = written(BOOK, RECORDS, layer="foundation", dataset="teas")
    assert len(read_back(file, LEARNED)) == len(RECORDS)


@pytest.mark.parametrize("data", [b"", b"\x89SG", b'{"id": "t1"}\n', b"\x89SGC\r\n\x1a\n"])
def test_other_files_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(SgcError, match=r"file\.sgc"):
        SgcReader(io.BytesIO(data), "file.sgc")


def test_a_later_version_is_named() -> None:
    file = bytearray(written(BOOK, RECORDS))
    file[8] = 2
    with pytest.raises(SgcError, match="version 2"):
        SgcReader(io.BytesIO(file), "file.sgc")


def test_an_empty_file_of_texts_is_a_file_too() -> None:
    assert read_back(written(BOOK, []), LEARNED) == []


def test_the_same_texts_give_the_same_bytes() -> None:
    assert written(BOOK, RECORDS) == written(BOOK, RECORDS)


def test_what_is_read_is_read_block_by_block() -> None:
    """A reader yields the first block before it has touched the second: memory is that of one block."""
    whole = io.BytesIO(written(BOOK, RECORDS * 50, block_texts=10))
    size = len(whole.getvalue())
    reader = SgcReader(whole, "file.sgc")
    next(reader.blocks(reader.header.codebook(LEARNED, layer="mine")))
    assert whole.tell() < size / 4


def test_what_is_written_leaves_block_by_block() -> None:
    stream = io.BytesIO()
    writer = SgcWriter(stream, BOOK, block_bytes=1000)
    header = stream.tell()
    for number in range(100):
        writer.write(RECORDS[1])
        held = (number + 1) * len(RECORDS[1].line)
        assert held <= 1000 + len(RECORDS[1].line) or stream.tell() > header


def test_damage_is_a_class_of_its_own() -> None:
    whole = written(BOOK, RECORDS)
    with pytest.raises(DamagedFileError, match="ends before block 1"):
        read_back(whole[: len(whole) // 2 + 100], LEARNED)
