"""Numbers and lists of names in sentences that people read."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["listed", "plural"]


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
