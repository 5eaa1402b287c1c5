"""Lines of JSON: good ones in any writing, bad ones refused with file, line and value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.sgc import SgcError, read_texts
from explorer.sgc.texts import join_line, split_line
from tests.compression.corpora import fixed, ids, record


def test_blank_lines_line_ends_and_a_byte_order_mark_are_tolerated() -> None:
    lines = [
        b'\xef\xbb\xbf{"id": "a", "skills": []}\r\n',
        b"\n",
        b"  \n",
        b'{"skills":["x"],"id":"b","text":"t","n":1}',
    ]
    first, second = read_texts(lines, "f")
    assert (first.id, first.skills, first.text) == ("a", (), None)
    assert (second.id, second.skills, second.text) == ("b", ("x",), b"t")
    assert second.line == lines[3]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"id": "a", "skills": ["x"]', r"not JSON .*column 28"),
        (b'["a"]', "not a JSON object"),
        (b'{"skills": []}', "'id' must be a string: null"),
        (b'{"id": 7, "skills": []}', "'id' must be a string: 7"),
        (b'{"id": "\\ud800", "skills": []}', "'id' must be a string"),
        (b'{"id": "a"}', "'skills' must be a list of strings: null"),
        (b'{"id": "a", "skills": "x"}', "'skills' must be a list of strings"),
        (b'{"id": "a", "skills": [1]}', r"'skills' must be a list of strings: \[1\]"),
        (b'{"id": "a", "skills": [], "text": 1}', "'text' must be a string: 1"),
        (b'{"id": "\xff"}', "byte 9 is not UTF-8"),
        (b"[" * 100_000, "the JSON is nested more than 100 levels deep"),
        (b'{"id": ' + b"9" * 5000 + b"}", "the JSON holds a number with too many digits"),
    ],
)
def test_a_bad_line_is_named(line: bytes, says: str) -> None:
    with pytest.raises(SgcError, match=r"^texts\.jsonl, line 2: " + says) as caught:
        list(read_texts([b'{"id": "a", "skills": []}\n', line + b"\n"], "texts.jsonl"))
    assert len(str(caught.value)) < 250


@fixed
@given(ids, st.lists(ids, max_size=4), ids, st.booleans(), st.booleans())
def test_a_line_is_the_same_after_its_list_was_cut_out(
    ident: str, skills: list[str], text: str, ascii_only: bool, compact: bool
) -> None:
    line = record(ident, skills, text, ascii_only=ascii_only).line
    if compact:
        line = line.replace(b", ", b",").replace(b": ", b":")
    place, rest = split_line(line, skills)
    assert join_line(place, rest, skills) == line


def test_the_list_is_cut_out_where_it_is_written_in_order() -> None:
    line = record("a", ["s", "t"], "long enough").line
    assert split_line(line, ["s", "t"])[1] == b'{"id": "a", "skills": , "text": "long enough"}'
    assert split_line(line, ["t", "s"]) == (0, line)
