"""Cells of tables as they are compared: names of columns, and words for a missing value."""

from __future__ import annotations

import re

__all__ = ["is_missing_word", "missing_option", "name_key"]

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MISSING_WORDS = frozenset({
    "na", "n/a", "#n/a", "nan", "<na>", "null", "none", "nil", "-", ".", "?", "\\n", "#ref!", "#name?", "#value!",
    "#div/0!", "#null!", "#num!", "#spill!", "#calc!",
})  # fmt: skip


def name_key(name: str) -> str:
    """A column's name as it is compared: without case, spaces, hyphens, dots and humps.

    >>> name_key(" Text-ID "), name_key("jobUri")
    ('text_id', 'job_uri')
    """
    parted = _CAMEL.sub("_", name.strip())
    return re.sub(r"[ \-.]+", "_", parted.casefold())


def is_missing_word(value: str) -> bool:
    """True for what programs write for a missing value: NA, nan, NULL, ….

    >>> is_missing_word(" NA "), is_missing_word("natrium")
    (True, False)
    """
    return value.strip().casefold() in _MISSING_WORDS


def missing_option(value: str) -> str:
    """The option that says that a word means a missing value; `none` alone says that nothing does.

    >>> missing_option("NA"), missing_option("none")
    ('missing=NA', 'missing=blank,none')
    """
    return f"missing={'blank,' if value.casefold() == 'none' else ''}{value}"
