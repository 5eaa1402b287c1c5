"""Opening files: compression, byte order marks, and every way in which a file is no text."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from loaders._files import MAX_LINE, open_lines, read_text, suffixes
from loaders.errors import DataError

Write = Callable[[str, str | bytes], Path]
BODY = "".join(f"row {number},é,ا\n" for number in range(50_000)).encode()


def lines(path: Path) -> list[str]:
    with open_lines(path) as text:
        return list(text)


@pytest.mark.parametrize(
    "data",
    [
        BODY,
        b"\xef\xbb\xbf" + BODY,
        gzip.compress(BODY),
        gzip.compress(BODY[:1000]) + gzip.compress(BODY[1000:]),
        zstandard.compress(BODY),
        gzip.compress(b"\xef\xbb\xbf" + BODY),
    ],
    ids=["plain", "with mark", "gzip", "gzip of two members", "zstd", "gzip with mark"],
)
def test_same_lines_however_they_are_packed(file: Write, data: bytes) -> None:
    # The name says nothing of the compression.
    path = file("rows.csv", data)
    assert "".join(lines(path)).encode() == BODY
    assert read_text(path).encode() == BODY


def test_line_ends_are_kept(file: Write) -> None:
    assert lines(file("a", b"a\r\nb\rc\n")) == ["a\r\n", "b\r", "c\n"]


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"", "is empty", None),
        (b"a\nb\0c\n", "holds a NUL byte, so it is not a text file; expected UTF-8 text", 2),
        (b"\x89PNG\r\n\x1a\n\0\0", "holds a NUL byte, so it is not a text file; expected UTF-8 text", 3),
        (
            b"a\nb\nc\xe9\n",
            "is not UTF-8; save it as UTF-8, or give the encoding of a table, such as encoding=cp1252",
            3,
        ),
        (b"PK\x03\x04rest", "is a damaged ZIP archive; download or create it again", None),
        (b"PAR1", "is a Parquet file, not text", None),
        (gzip.compress(BODY)[:-9], "the compressed file is cut off before its end; download or create it again", None),
        (gzip.compress(BODY)[:300], "the compressed file is cut off before its end; download or create it again", None),
        (
            zstandard.compress(BODY)[:-9],
            "the compressed file is cut off before its end; download or create it again",
            None,
        ),
        (
            gzip.compress(BODY)[:300] + b"damage" * 50,
            "the compressed file is damaged; download or create it again",
            None,
        ),
        (gzip.compress(b"a\nb\0"), "holds a NUL byte, so it is not a text file; expected UTF-8 text", 2),
    ],
)
def test_what_is_no_text(file: Write, data: bytes, message: str, line: int | None) -> None:
    path = file("rows.csv", data)
    where = f"{path}, line {line}: " if line else f"{path}: "
    for read in (lines, read_text):
        with pytest.raises(DataError, match=f"^{re.escape(where + message)}$") as caught:
            read(path)
        assert (caught.value.path, caught.value.line) == (path, line)


@pytest.mark.parametrize("rest", [b"", b"\nlast\n"])
def test_a_line_without_end(file: Write, rest: bytes) -> None:
    path = file("rows.csv", b"one\ntwo\n" + b"x" * (MAX_LINE + 1) + rest)
    with pytest.raises(DataError, match=r"line 3: the line is too long .is a line break .* missing.*8 MiB"):
        lines(path)
    assert len(read_text(path)) > MAX_LINE, "a JSON document may be one line"


def test_a_gigabyte_in_one_line_is_refused_before_it_is_read(file: Write) -> None:
    block = zstandard.compress(b"x" * (1 << 26))
    path = file("rows.csv.zst", block * 16)
    seen: list[int] = []
    with (
        pytest.raises(DataError, match=r"line 1: the line is too long"),
        open_lines(path, lambda d, t: seen.append(d)) as f,
    ):
        next(f)
    assert seen[-1] <= path.stat().st_size


def test_progress_ends_at_the_size_on_the_disk(file: Write) -> None:
    path = file("rows.csv.gz", gzip.compress(BODY))
    seen: list[tuple[int, int]] = []
    with open_lines(path, lambda done, total: seen.append((done, total))) as text:
        text.read()
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing: there is no such file or folder$"):
        lines(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"is a folder, where a file is expected$"):
        lines(tmp_path)


def test_suffixes_see_through_compression() -> None:
    assert [suffixes(Path(name)) for name in ("a.csv", "A.CSV.GZ", "b.x.tsv.zst", "c", "d.gz")] == [
        ".csv", ".csv", ".tsv", "", "",
    ]  # fmt: skip
