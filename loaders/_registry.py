"""Formats: each module that reads one registers it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loaders._source import Source

__all__ = ["FORMATS", "Claim", "Format", "register"]


@dataclass(frozen=True)
class Claim:
    """A format's word that a file is of it.

    Attributes:
        rank: How sure: 90 by its structure or its makers' name for it, 60 by names of columns, 40 by cells.
        evidence: What in the file says so.
    """

    rank: int
    evidence: str


@dataclass(frozen=True)
class Format:
    """A format that can be read.

    Attributes:
        name: As given to `load`.
        summary: One line for help.
        read: Adds a path to a builder; takes the options and `progress`. Of a whole format: takes `name` and `part`
            instead of a builder, and returns the dataset.
        options: What may be given to `load` for this format, with a line of help each.
        companions: True if the files of `COMPANIONS` may be given as well.
        whole: True if `read` returns a dataset.
        claims: Looks at a file or folder; None if it is not of this format.
        requirements: True if a file of this format may say what texts require, beside a main file that does not.
        expand: Adds options that the path itself gives, such as the companions that lie in a folder.
    """

    name: str
    summary: str
    read: Callable[..., Any]
    options: Mapping[str, str] = field(default_factory=dict)
    companions: bool = True
    whole: bool = False
    claims: Callable[[Source], Claim | None] = lambda source: None
    requirements: bool = False
    expand: Callable[[Path, Mapping[str, str | Path]], dict[str, str | Path]] | None = None


_REGISTERED: dict[str, Format] = {}
FORMATS: Mapping[str, Format] = _REGISTERED
"""Formats by name, in the order in which they were registered."""


def register(found: Format) -> Format:
    """Make a format known."""
    assert found.name not in _REGISTERED, "a format may be registered only once"
    _REGISTERED[found.name] = found
    return found
