"""What was understood of a file: each decision with its evidence, the other readings, and the option that decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loaders.errors import DataError

__all__ = ["ONLY_ASSOCIATIONS", "AmbiguousError", "Decision", "plural", "quoted", "stray_summary"]

ONLY_ASSOCIATIONS = (
    "holds skills and links between them but no text, as the association graph of a layer does; a dataset needs texts, "
    "and is exported by naming no layer: skillgraph export FILE"
)


@dataclass(frozen=True)
class Decision:
    """One thing that was decided once for a whole file.

    Attributes:
        file: Name of the file.
        what: What was decided: "format", "delimiter", "header", "text", "scale", ….
        taken: What was taken.
        evidence: What in the file says so.
        option: The option that decides otherwise, as it is typed; "" if there is none.
        alternatives: Other readings, each as the option that takes it.
        columns: Columns of a table and what each was taken for: "text", "skill", "weight", "property", ….
    """

    file: str
    what: str
    taken: str
    evidence: str = ""
    option: str = ""
    alternatives: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """One line for people."""
        line = f"{self.file}: {self.what}: {self.taken}"
        if self.evidence:
            line += f" ({self.evidence})"
        if self.alternatives:
            line += f"; otherwise use {' or '.join(_typed(way) for way in self.alternatives)}"
        return line


def _typed(way: str) -> str:
    return f"-o {way}" if "=" in way and " " not in way else way


class AmbiguousError(DataError):
    """A file can be read in more than one way; the message names them and the option that decides.

    Args:
        message: What was seen.
        path: The file.
        readings: Each reading in words, and the options that take it, as they are typed.
        line: 1-based line in the file.
    """

    def __init__(
        self, message: str, *, path: Path | str | None, readings: Sequence[tuple[str, str]], line: int | None = None
    ) -> None:
        self.seen = message
        self.readings = tuple(readings)
        ways = "; ".join(f"{words}: use -o {option.replace(' and ', ' -o ')}" for words, option in readings)
        super().__init__(f"{message}: {ways}", path=path, line=line)


def stray_summary(label: str, path: Path, line: int | None) -> AmbiguousError:
    """What is said of a row among others that is called Subtotal or the like."""
    return AmbiguousError(
        f"the row {label!r} may sum up others or be a text",
        path=path,
        line=line,
        readings=[("it sums up others", f"missing={label}"), ("it is a text", "missing=none")],
    )


def plural(count: int, noun: str, many: str | None = None) -> str:
    """A number with its noun.

    >>> plural(1, "row"), plural(1200, "row"), plural(2, "is", "are")
    ('1 row', '1,200 rows', '2 are')
    """
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def quoted(names: Sequence[object], most: int = 4) -> str:
    """The first of some names in quotes.

    >>> quoted(["a", "b"]), quoted(range(9))
    ("'a', 'b'", "'0', '1', '2', '3', …")
    """
    listed = ", ".join(repr(str(name)) for name in names[:most])
    return listed + ", …" * (len(names) > most)
