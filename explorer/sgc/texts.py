"""Texts as lines of JSON: `{"id": "t1", "skills": ["s1", "s2"], "text": "…"}`, one a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from explorer.sgc.errors import SgcError
from loaders.gate import check_identifier, parse_json

__all__ = ["TextRecord", "join_line", "read_texts", "skills_line", "split_line"]

_EXAMPLE = '{"id": "t1", "skills": ["s1"], "text": "…"}'
_SEPARATORS = ((", ", ": "), (",", ":"))
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TextRecord:
    """A line of input.

    Attributes:
        id: Id of the text.
        skills: Ids of the skills that it requires, as given.
        line: The line as it is, without the newline.
        text: The text itself, UTF-8; None if the line has none.
    """

    id: str
    skills: tuple[str, ...]
    line: bytes
    text: bytes | None


def read_texts(lines: Iterable[bytes], name: str) -> Iterator[TextRecord]:
    """The texts of a JSON Lines file; blank lines are passed over.

    Args:
        lines: Lines in UTF-8.
        name: What errors call the file.

    Raises:
        SgcError: A line that is no such object, naming file, line and value.

    >>> next(read_texts([b'{"id": "a", "skills": ["s", "r"]}'], "x")).skills
    ('s', 'r')
    """
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip(b"\n")
        if number == 1:
            line = line.removeprefix(_BOM)
        if line.strip():
            yield _parse(line, f"{name}, line {number}")


def _parse(line: bytes, where: str) -> TextRecord:
    try:
        value = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        _refuse(where, f"byte {error.start + 1} is not UTF-8", line[error.start : error.start + 10])
    except json.JSONDecodeError as error:
        _refuse(where, f"not JSON ({error.msg} at column {error.colno})", line)
    except ValueError as error:
        _refuse(where, f"the JSON {error}", line)
    if not isinstance(value, dict):
        _refuse(where, "not a JSON object", line)
    ident, skills, text = (value.get(key) for key in ("id", "skills", "text"))
    if not isinstance(ident, str) or not _encodable(ident):
        _refuse(where, "'id' must be a string", ident)
    check_identifier(ident, "text", path=where)
    if not isinstance(skills, list) or not all(isinstance(skill, str) for skill in skills):
        _refuse(where, "'skills' must be a list of strings", skills)
    if text is not None and not isinstance(text, str):
        _refuse(where, "'text' must be a string", text)
    return TextRecord(ident, tuple(skills), line, None if text is None else text.encode("utf-8", "surrogatepass"))


def _encodable(ident: str) -> bool:
    try:
        ident.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(where: str, problem: str, value: Any) -> NoReturn:
    shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value)
    shown = shown if len(shown) <= 60 else shown[:60] + "…"
    raise SgcError(f"{where}: {problem}: {shown}; each line must be an object such as {_EXAMPLE}")


def skills_line(ident: str | None, skills: Iterable[str]) -> bytes:
    """The line of a text of which only the skill set is known.

    >>> skills_line("t", ["s"])
    b'{"id": "t", "skills": ["s"]}'
    """
    value = {"skills": list(skills)} if ident is None else {"id": ident, "skills": list(skills)}
    return json.dumps(value, ensure_ascii=False).encode()


def split_line(line: bytes, skills: Iterable[str]) -> tuple[int, bytes]:
    """The line without its list of skills, if that is written in a common way in this order.

    Returns:
        0 and the line if it is not; otherwise a place, for `join_line`, and the rest.

    >>> split_line(b'{"skills":["s"]}', ["s"])
    (21, b'{"skills":}')
    """
    for style, separators in enumerate(_SEPARATORS):
        listed = json.dumps(list(skills), ensure_ascii=False, separators=separators).encode()
        at = line.find(listed)
        if at >= 0:
            return 1 + 2 * at + style, line[:at] + line[at + len(listed) :]
    return 0, line


def join_line(place: int, rest: bytes, skills: Iterable[str]) -> bytes:
    """Inverse of `split_line`.

    >>> join_line(21, b'{"skills":}', ["s"])
    b'{"skills":["s"]}'
    """
    if place == 0:
        return rest
    at, style = divmod(place - 1, 2)
    listed = json.dumps(list(skills), ensure_ascii=False, separators=_SEPARATORS[style]).encode()
    return rest[:at] + listed + rest[at:]
