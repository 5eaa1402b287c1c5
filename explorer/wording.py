"""Numbers in sentences that people read."""

from __future__ import annotations

__all__ = ["plural"]


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
