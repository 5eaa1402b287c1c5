"""What is wrong with single rows: the first one is an error, or all are counted and left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from loaders._reading import AmbiguousError, Decision
from loaders.errors import DataError

__all__ = ["Problems"]

_EXAMPLES = 5
_UNNAMED = frozenset({"scale", "attempts"})  # which files beside the main one have to themselves
_OPTION = re.compile(r"(?<![\w'\"])([a-z]+(?:_[a-z]+)*)\b(=)?")


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
        self._beside: tuple[str, frozenset[str]] | None = None

    @contextmanager
    def beside(self, companion: str, options: Collection[str]) -> Iterator[None]:
        """While a file beside the main one is read: its options are called as they are typed, `texts_missing`.

        Args:
            companion: What the file is: "texts".
            options: Names of its options, as its reader knows them.

        Raises:
            DataError: Whatever was raised, with the names of options as they are typed.
        """
        before, self._beside = self._beside, (companion, frozenset(options) - _UNNAMED)
        try:
            yield
        except AmbiguousError as error:
            readings = [(self._typed(words), self._typed(option)) for words, option in error.readings]
            raise AmbiguousError(self._typed(error.seen), path=error.path, line=error.line,
                                 readings=readings) from None  # fmt: skip
        except DataError as error:
            message = self._typed(error.message)
            if type(error) is not DataError or message == error.message:
                raise
            raise DataError(message, path=error.path, line=error.line) from None
        finally:
            self._beside = before

    def _typed(self, words: str) -> str:
        """Words with each option as it is typed for the file that is being read."""
        if self._beside is None:
            return words
        companion, options = self._beside

        def typed(found: re.Match[str]) -> str:
            known = found[1] in options and (found[2] or "_column" in found[1])
            return f"{companion}_{found[0]}" if known else found[0]

        return _OPTION.sub(typed, words)

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
        ways = tuple(map(self._typed, alternatives))
        if self._beside is not None and option in self._beside[1]:
            option = f"{self._beside[0]}_{option}"
        found = Decision(path.name, what, taken, evidence, option, ways, columns)
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
        error = DataError(message if not self.lenient else self._typed(message), path=path, line=line)
        if not self.lenient:
            raise error
        self.counts[reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(str(error))

    @property
    def total(self) -> int:
        """Number of rows left out."""
        return sum(self.counts.values())
