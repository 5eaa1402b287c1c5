"""Errors of the loaders package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DataError"]


class DataError(ValueError):
    """Input data are wrong: the message names file, line and value, and says what was expected.

    Args:
        message: One sentence: the value that is wrong and the way out.
        path: The file, if the data came from one.
        line: 1-based line number in that file.
    """

    def __init__(self, message: str, *, path: Path | str | None = None, line: int | None = None) -> None:
        self.message = message
        self.path = path
        self.line = line
        where = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(f"{where}{message}")
