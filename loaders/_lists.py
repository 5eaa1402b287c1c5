"""Cells that hold several skills: arrays of JSON, Python, numpy or PostgreSQL, or names joined by a separator.

How they are written is decided once for a whole column.
"""

from __future__ import annotations

import ast
import csv
import html
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders._marks import is_marked, unmarked
from loaders._reading import AmbiguousError, plural
from loaders._report import Problems
from loaders.gate import RepeatedKeyError, parse_json

__all__ = ["SEPARATORS", "ListReader", "is_list", "list_reader", "parse_skills"]

ListReader = Callable[[str], list[tuple[str, float]]]
"""Skills of a cell with their weights; raises ValueError with a description of the fault."""

SEPARATORS = ("~~", ";", "|", "\n", "\t")
"""Marks that separate names and rarely occur inside one; a comma may do both."""

_NAMED = {"semicolon": ";", "comma": ",", "pipe": "|", "tab": "\t", "newline": "\n", "\\n": "\n", "space": " ",
          "colon": ":", "slash": "/", "and": " and "}  # fmt: skip
_WORDS = {";": "semicolon", ",": "comma", "|": "pipe", "\t": "tab", "\n": "newline", " ": "space"}
_NUMPY = re.compile(r"""^\[\s*(['"]).*\1\s+['"]""", re.DOTALL)
_TAG = re.compile(r"(?:\s*</?(?:ul|ol|li|br|p|div|span)\b[^<>]*>\s*)+", re.IGNORECASE)
_BULLET = re.compile(r"\s*([-*•–·]|\d+[.)])\s+")
_STRING = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")


def parse_skills(value: Any, separator: str | None = None) -> list[tuple[str, float]]:
    """Skills with weights from any of the ways one value is written; each once, in order.

    Args:
        value: Text (an array, or names joined by `separator`), a list of names or objects, or an object from name to
            weight.
        separator: What stands between names; None takes text that is no array as one name, unless it holds one of
            `;`, `|`, a line break or `,`, the first of which then separates.

    Raises:
        ValueError: It is none of these; the message says what is wrong.

    >>> parse_skills('["for loop", "a, b"]')
    [('for loop', 1.0), ('a, b', 1.0)]
    >>> parse_skills("sets; graphs;; sets")
    [('sets', 1.0), ('graphs', 1.0)]
    >>> parse_skills({"sets": 2, "graphs": 0.5})
    [('sets', 2.0), ('graphs', 0.5)]
    """
    if isinstance(value, str):
        text = value.strip()
        if separator is None and text.startswith(("[", "{")):
            return parse_array(text)
        mark = separator or next((mark for mark in (*SEPARATORS, ",") if mark in text), ";")
        return _distinct((name, 1.0) for name in text.split(mark))
    if isinstance(value, Mapping):
        # what weighs nothing is not required
        return _distinct(
            (str(name), 1.0 if weight is True else _weight(weight))
            for name, weight in value.items()
            if not _is_zero(weight)
        )
    if isinstance(value, list | tuple):
        return _distinct(_entry(entry) for entry in value if entry is not None)
    if value is None:
        return []
    raise ValueError(f"expected skill names, found {type(value).__name__}")


def parse_array(text: str) -> list[tuple[str, float]]:
    """Skills of a cell that is an array of JSON, Python (also a tuple or a set), numpy or PostgreSQL.

    Raises:
        ValueError: It is none of these.

    >>> parse_array("['a', 'b']"), parse_array("['a' 'b']"), parse_array('{a,"b, c"}')
    ([('a', 1.0), ('b', 1.0)], [('a', 1.0), ('b', 1.0)], [('a', 1.0), ('b, c', 1.0)])
    """
    if not text:
        return []
    try:
        return parse_skills(parse_json(text))
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at character {error.pos + 1}"
    except RepeatedKeyError as error:
        raise ValueError(f"the object {error}") from None
    except ValueError as error:
        if "nested" in str(error) or "digits" in str(error):
            raise ValueError(f"not a JSON array: it {error}") from None
        raise
    if _NUMPY.match(text):
        # numpy writes no commas, and Python would join what stands side by side
        return _distinct((first or second, 1.0) for first, second in _STRING.findall(text))
    try:
        tree = ast.parse(re.sub(r"\bnan\b(?=\s*[,\]])", "None", text), mode="eval")
        found = ast.literal_eval(tree)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if isinstance(found, list | tuple | dict):
        _refuse_repeated(tree)
    if isinstance(found, set | frozenset | tuple):
        found = sorted(map(str, found)) if not isinstance(found, tuple) else list(found)
    if isinstance(found, list | dict):
        return parse_skills([entry for entry in found if entry is not None] if isinstance(found, list) else found)
    if text.startswith("{") and text.endswith("}") and ":" not in text:
        names = next(csv.reader([text[1:-1]], escapechar="\\", skipinitialspace=True), [])
        return _distinct((name, 1.0) for name in names)
    raise ValueError(f"not a JSON array: {reason}")


def _refuse_repeated(tree: ast.Expression) -> None:
    """Refuse a dictionary of Python's that has a key twice, of which only the last value would be kept."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = Counter(key.value for key in node.keys if isinstance(key, ast.Constant))
            twice = next((key for key, count in keys.items() if count > 1), None)
            if twice is not None:
                raise ValueError(f"the object has the key {twice!r} twice: remove one, or rename it")


def _distinct(found: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    skills: dict[str, float] = {}
    for name, weight in found:
        if name.strip():
            skills.setdefault(name.strip(), weight)
    return list(skills.items())


def _entry(entry: Any) -> tuple[str, float]:
    if isinstance(entry, Mapping):
        name = next((entry[key] for key in ("skill_id", "skill", "id", "name", "label") if key in entry), None)
        if name is None:
            raise ValueError("expected a skill as an object with id or name")
        return str(name), _weight(entry.get("weight", 1.0))
    if isinstance(entry, str | int | float) and not isinstance(entry, bool):
        return str(entry), 1.0
    raise ValueError(f"expected the name of a skill, found {json.dumps(entry, default=str)[:40]}")


def _is_zero(value: Any) -> bool:
    return isinstance(value, int | float) and value == 0


def _weight(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"weight {value!r} must be a positive number")
    return float(value)


def list_reader(
    cells: Sequence[str],
    separator: str | None,
    *,
    path: Path,
    column: str,
    problems: Problems,
    option: str,
    typed: bool = False,
) -> ListReader:
    """How the cells of a column hold several skills, by all of them, and without marks that quote each of these.

    Args and errors: see `_list_reader`.
    """
    read = _list_reader(cells, separator, path=path, column=column, problems=problems, option=option, typed=typed)
    if typed:
        return read  # in JSON, marks within a string belong to it
    names: list[str] = []
    for cell in cells:
        if cell.strip()[:1] not in {"", "[", "{", "("}:
            names += [name for name, _ in read(cell)]
    if not names or not all(is_marked(name, straight=True) for name in names):
        return read
    problems.decide(path, f"quotation marks of {column!r}", "left out", "around every skill of its cells")

    def bare(cell: str) -> list[tuple[str, float]]:
        if cell.strip()[:1] in {"[", "{", "("}:
            return read(cell)
        return _distinct((unmarked(name), weight) for name, weight in read(cell))

    return bare


def _list_reader(
    cells: Sequence[str],
    separator: str | None,
    *,
    path: Path,
    column: str,
    problems: Problems,
    option: str,
    typed: bool = False,
) -> ListReader:
    """How the cells of a column hold several skills, by all of them.

    Args:
        cells: All cells of the column.
        separator: The user's word: a mark, `none` for cells of one skill each, or None.
        path: The file, for messages.
        column: Name of the column.
        problems: Where the decision is noted.
        option: Name of the option that decides.
        typed: True for a source that knows lists from text, as JSON does: then both may be there.

    Raises:
        AmbiguousError: Two separators are possible.
    """
    if separator is not None:
        if separator.casefold() == "none":
            return _whole
        return _split_at(_NAMED.get(separator, separator))
    present = [cell.strip() for cell in cells if cell.strip()]
    arrays = [cell for cell in present if cell[0] in "[{(" and _is_array(cell)]
    if arrays and len(arrays) == len(present):
        return parse_array
    bracketed = sum(cell.startswith(("[", "{")) for cell in present)
    if present and bracketed == len(present):
        return parse_array  # and what is wrong with one is told in its row
    if arrays and typed:
        known = set(arrays)
        rest = list_reader([cell for cell in present if cell not in known], None, path=path, column=column,
                           problems=problems, option=option)  # fmt: skip
        return lambda cell: parse_array(cell) if cell.strip() in known else rest(cell)
    if arrays:
        other = next(cell for cell in present if cell not in set(arrays))
        raise AmbiguousError(
            f"column {column!r} holds arrays, as {arrays[0][:40]!r}, and other cells, as {other[:40]!r}",
            path=path,
            readings=[("one skill per cell", f"{option}=none"), ("names joined by a mark", f"{option}=MARK")],
        )
    if present and all(_TAG.search(cell) for cell in present):
        problems.decide(path, f"separator of {column!r}", "tags of HTML", "in every cell", option=option)
        return lambda cell: _distinct((html.unescape(name), 1.0) for name in _TAG.split(cell))
    counts = {mark: sum(mark in cell for cell in present) for mark in SEPARATORS}
    found = [mark for mark, count in counts.items() if count]
    if len(found) > 1:
        # A mark inside of names that the other one separates
        inner = [m for m in found if all(counts[m] <= counts[o] / 20 and counts[m] < 3 for o in found if o != m)]
        found = [mark for mark in found if mark not in inner] if len(found) - len(inner) == 1 else found
    if len(found) > 1:
        raise AmbiguousError(
            f"column {column!r}: "
            + " and ".join(f"{plural(counts[mark], 'cell')} with {mark!r}" for mark in found[:2])
            + " may be lists",
            path=path,
            readings=[
                (f"skills separated by {_words(mark)}", f"{option}={_WORDS.get(mark, mark)}") for mark in found[:2]
            ],
        )
    if found:
        mark = found[0]
        kept = sum("," in cell for cell in present)
        evidence = f"in {counts[mark]:,} of {plural(len(present), 'cell')}"
        if kept:
            evidence += "; commas are part of names"
        problems.decide(path, f"separator of {column!r}", _words(mark), evidence, option=option)
        if mark == "\n" and all(_BULLET.match(line) for cell in present for line in cell.splitlines() if line.strip()):
            problems.decide(path, f"bullets of {column!r}", "left out", "every line begins with one")
            return lambda cell: _distinct((_BULLET.sub("", line.strip()), 1.0) for line in cell.splitlines())
        return _split_at(mark)
    return _by_commas(present, path, column, problems, option)


def _words(mark: str) -> str:
    return _WORDS.get(mark, mark)


def _by_commas(present: Sequence[str], path: Path, column: str, problems: Problems, option: str) -> ListReader:
    with_comma = [cell for cell in present if "," in cell]
    if not with_comma:
        _refuse_joined(present, path, column, option)
        return _whole
    pieces = Counter(piece.strip() for cell in set(present) for piece in cell.split(",") if piece.strip())
    shared = sum(any(pieces[piece.strip()] > 1 for piece in cell.split(",")) for cell in set(with_comma))
    again = len(with_comma) - len(set(with_comma))
    spaced = all(re.search(r",\s", cell) for cell in with_comma)
    example = max(with_comma, key=len)[:60]
    if spaced and not shared and (again or len(with_comma) < len(present)) and len(present) > 2:
        raise AmbiguousError(
            f"column {column!r}: cells such as {example!r} may be one skill or several",
            path=path,
            readings=[("one skill", f"{option}=none"), ("several", f"{option}=comma")],
        )
    problems.decide(
        path, f"separator of {column!r}", "comma", f"in {len(with_comma):,} of {plural(len(present), 'cell')}",
        option=option, alternatives=(f"{option}=none",),
    )  # fmt: skip
    return _split_at(",")


def _refuse_joined(present: Sequence[str], path: Path, column: str, option: str) -> None:
    """Refuse names joined by a slash or a plus whose parts are cells of their own elsewhere, and several hashtags.

    Words with spaces between them are refused if all of them are cells of their own: they are mostly one name.
    """
    whole = set(present)
    spaced = [cell for cell in present if " " in cell]
    tags = present and all(word.startswith("#") for cell in present for word in cell.split())
    for mark, option_mark in ((" and ", " and "), (" ", "space")):
        parted = [cell for cell in spaced if mark in cell]
        if parted and (tags or all(part.strip() in whole for cell in parted for part in cell.split(mark))):
            raise AmbiguousError(
                f"column {column!r}: cells such as {parted[0][:60]!r} may be one skill or several",
                path=path,
                readings=[("one skill", f"{option}=none"), ("several", f"{option}={option_mark.strip()}")],
            )
    for mark in ("/", "+", "~", "&", "·", "•", "\\", "^", "#", ":", "->", "→", "--"):
        enough = any if mark in "/+" else all
        joined = next(
            (cell for cell in present if mark in cell and enough(part.strip() in whole for part in cell.split(mark))),
            None,
        )
        if joined is not None:
            raise AmbiguousError(
                f"column {column!r}: cells such as {joined[:60]!r} may be one skill or several, as a part of it is a "
                "cell of its own",
                path=path,
                readings=[("one skill", f"{option}=none"), ("several", f"{option}={mark}")],
            )


def is_list(cell: str) -> bool:
    """True if a cell is an array of text, or of several entries.

    >>> [is_list(cell) for cell in ('["a"]', "[1, 2]", "[1]", "[a", "a, b")]
    [True, True, False, False, False]
    """
    return cell.startswith("[") and any(mark in cell for mark in "\"',") and _is_array(cell)


def _is_array(cell: str) -> bool:
    try:
        parse_array(cell)
    except ValueError:
        return False
    return cell.startswith(("[", "{", "('", '("'))


def _whole(cell: str) -> list[tuple[str, float]]:
    name = cell.strip()
    return [(name, 1.0)] if name else []


def _split_at(mark: str) -> ListReader:
    def split(cell: str) -> list[tuple[str, float]]:
        return _distinct((name, 1.0) for name in cell.split(mark))

    return split
