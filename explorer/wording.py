"""Numbers and lists of names in sentences that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import bidirectional

__all__ = ["isolated", "listed", "plural", "quoted", "quotes_isolated"]

_TURNING = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})
"""Bidirectional classes of letters that are written from right to left, and of marks that turn text."""


def isolated(name: str) -> str:
    r"""A name for a sentence that a browser shows: one written from right to left does not turn what is around it.

    Names that have no letter of such a script, and no mark that turns text, are left as they are. The others are put
    between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (Unicode Standard Annex 9); isolates that they leave open
    are closed, and marks that would end this one are left out.

    >>> isolated("loops"), ascii(isolated("\u05d0b")), ascii(isolated("\u2069\u2067a"))
    ('loops', "'\\u2068\\u05d0b\\u2069'", "'\\u2068\\u2067a\\u2069\\u2069'")
    """
    if name.isascii() or not any(bidirectional(letter) in _TURNING for letter in name):
        return name
    depth, kept = 0, []
    for letter in name:
        depth += {"RLI": 1, "LRI": 1, "FSI": 1, "PDI": -1}.get(bidirectional(letter), 0)
        if depth < 0:
            depth = 0
        else:
            kept.append(letter)
    return "\u2068" + "".join(kept) + "\u2069" * (depth + 1)


def quoted(name: object) -> str:
    r"""A name in quotes for a sentence, isolated; line breaks and marks that turn text are written as their codes.

    >>> quoted("loops"), quoted("a\nb"), ascii(quoted("\u05d0"))
    ("'loops'", "'a\\nb'", '"\\u2068\'\\u05d0\'\\u2069"')
    """
    return isolated(repr(name))


def quotes_isolated(sentence: str) -> str:
    r"""A sentence in which names stand in quotes, as those of errors, with each of them isolated.

    >>> quotes_isolated("no layer 'b'"), ascii(quotes_isolated("no layer '\u05d0'"))
    ("no layer 'b'", '"no layer \\u2068\'\\u05d0\'\\u2069"')
    """
    return _QUOTED.sub(lambda found: found[1] or isolated(found[0]), sentence)


_QUOTED = re.compile("(\u2068[^\u2068\u2069]*\u2069)|'[^'\n]*'|\"[^\"\n]*\"")


def listed(names: Iterable[str]) -> str:
    """Names with commas between them; one that has a comma itself is quoted, so that it does not look like two.

    >>> listed(["loops", "reading, basic"])
    'loops, "reading, basic"'
    """
    return ", ".join(f'"{name}"' if "," in name else name for name in names)


def plural(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Args:
        number: How many.
        one: The noun in the singular.
        many: Its plural, where that is not the singular with an s.

    Returns:
        The number with thousands separators, and the noun.

    >>> plural(1, "text"), plural(0, "text"), plural(1234, "entry", "entries")
    ('1 text', '0 texts', '1,234 entries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
