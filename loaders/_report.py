"""What is wrong with single rows: the first one is an error, or all are counted and left out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from loaders._reading import Decision
from loaders.errors import DataError

__all__ = ["Problems"]

_EXAMPLES = 5


class Problems:
    """Where a loader reports a row that it cannot use.

    Args:
        lenient: False: the first report is raised as a `DataError`. True: it is counted, and the loader goes on
            without the row.

    Attributes:
        counts: Number of rows left out by reason.
        examples: The first messages, with file and line.
        decisions: What was decided of the files, in the order in which it was.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self.counts: Counter[str] = Counter()
        self.examples: list[str] = []
        self.decisions: list[Decision] = []

    def decide(
        self,
        path: Path,
        what: str,
        taken: str,
        evidence: str = "",
        *,
        option: str = "",
        alternatives: tuple[str, ...] = (),
        columns: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Note a decision on a file; one that was noted is not noted again."""
        found = Decision(path.name, what, taken, evidence, option, alternatives, columns)
        if found not in self.decisions:
            self.decisions.append(found)

    def report(self, reason: str, message: str, path: Path, line: int | None = None) -> None:
        """Report a row.

        Args:
            reason: A few words by which reports are counted, such as "empty id".
            message: The sentence for the user, naming column, value and what was expected.
            path: The file.
            line: 1-based line in it.

        Raises:
            DataError: Unless lenient.
        """
        error = DataError(message, path=path, line=line)
        if not self.lenient:
            raise error
        self.counts[reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(str(error))

    @property
    def total(self) -> int:
        """Number of rows left out."""
        return sum(self.counts.values())
