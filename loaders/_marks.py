"""Typographic quotation marks around values, as word processors put them in place of straight ones."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

from loaders.errors import DataError

__all__ = ["CURLY", "is_marked", "quote_mark", "quotes_values", "straightened", "unmarked"]

CURLY = "“"
"""Stands for all typographic quotation marks where one character says what values are quoted with."""

_PAIRS = {"“": "”“", "„": "“”", "”": "”", "«": "»", "»": "«", "‹": "›", "›": "‹", "‘": "’‘", "‚": "‘’", "「": "」",
          "『": "』", "＂": "＂"}  # fmt: skip
_STRAIGHT = {'"': '"', "'": "'"}
_WORDS = {"double": '"', "single": "'", "curly": CURLY, "typographic": CURLY}


def quote_mark(given: str | None) -> str | None:
    """The mark that the option `quote` names; None if it does not say.

    Raises:
        DataError: It is neither one character nor a known word.

    >>> quote_mark("double"), quote_mark("„") == CURLY, quote_mark("$"), quote_mark(None)
    ('"', True, '$', None)
    """
    if given is None:
        return None
    mark = _WORDS.get(given.strip().casefold(), given)
    if len(mark) != 1:
        raise DataError(f"quote {given!r} must be one character, or double, single or curly")
    return CURLY if mark in _PAIRS else mark


def is_marked(value: str, *, straight: bool = False) -> bool:
    """True for a value between two quotation marks that belong together.

    Args:
        value: The value.
        straight: Straight marks count as well.

    >>> is_marked("“loops”"), is_marked("“a” and “b”"), is_marked("dogs’")
    (True, False, False)
    """
    text = value.strip()
    pairs = {**_PAIRS, **_STRAIGHT} if straight else _PAIRS
    if len(text) < 3 or text[-1] not in pairs.get(text[0], ""):
        return False
    return not any(letter == text[0] or letter in pairs[text[0]] for letter in text[1:-1])


def unmarked(value: str) -> str:
    """What stands between the quotation marks of a value for which `is_marked` holds.

    >>> unmarked(" «loops» ")
    'loops'
    """
    return value.strip()[1:-1].strip()


@functools.lru_cache(16)
def _cells(mark: str) -> re.Pattern[str]:
    end = "[ \t]" if mark == " " else re.escape(mark)
    marked = "|".join(f"{first}[^{first}{last}\r\n]*[{last}]" for first, last in _PAIRS.items())
    return re.compile(rf'(^|{end})[ ]*("(?:[^"]|"")*"|{marked})[ ]*(?={end}|\r?\n?$)')


def straightened(lines: Iterable[str], mark: str) -> Iterable[str]:
    """Lines of a table with straight quotation marks in place of typographic ones around values.

    Args:
        lines: The lines.
        mark: What stands between values.

    >>> list(straightened(["t1,“loops, nested”"], ","))
    ['t1,"loops, nested"']
    """

    def straight(found: re.Match[str]) -> str:
        if found[2].startswith('"'):
            return found[0]
        return f'{found[1]}"{found[2][1:-1].strip().replace(chr(34), chr(34) * 2)}"'

    pattern = _cells(mark)
    return (pattern.sub(straight, line) if any(first in line for first in _PAIRS) else line for line in lines)


def quotes_values(plain: Sequence[Sequence[str]], straight: Sequence[Sequence[str]]) -> bool:
    """True if typographic marks quote the values of a table.

    They do if all values of a column stand in them, or if rows have the same number of values only then.

    Args:
        plain: Rows as they are without such marks.
        straight: Rows as they are with them.
    """
    rows = plain[1:] or plain
    if len({len(row) for row in straight}) == 1 < len({len(row) for row in plain}):
        return len(straight[0]) > 1
    width = max(map(len, rows), default=0)
    if width < 2:
        return False
    columns = ([row[at] for row in rows if len(row) > at and row[at].strip()] for at in range(width))
    return any(bool(cells) and all(map(is_marked, cells)) for cells in columns)
