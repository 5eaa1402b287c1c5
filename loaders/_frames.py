"""Tables drawn with lines: Markdown, reStructuredText's grids, and what psql and mysql print."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from loaders.errors import DataError

__all__ = ["is_framed", "is_rule", "without_frame"]

_BARS = "|│┃"
_RULE = re.compile(r"[\s|+:=\-│┃─━┼┌┐└┘├┤┬┴╞╪╡╒╕╘╛]+")
_MARKED = re.compile(r"(`+|\*\*|__)(.+)\1")


def is_rule(line: str) -> bool:
    """True for a line that only separates others, such as `| --- | :-: |`, `+====+` or `---- ----`.

    >>> is_rule("|---|:-:|"), is_rule("---- ----"), is_rule("-|-|-"), is_rule("a--b")
    (True, True, False, False)
    """
    return bool(_RULE.fullmatch(line)) and bool(re.search(r"[-=─━]{3}|^\s*\|\s*:?-+:?\s*\|", line))


def is_framed(lines: Sequence[str]) -> bool:
    """True if lines are a table with bars between its cells and a rule below its names, or bars around every row.

    >>> is_framed(["| a | b |", "|---|---|", "| 1 | 2 |"]), is_framed(["a|b", "1|2"])
    (True, False)
    """
    for at, line in enumerate(lines):
        if is_rule(line) and re.search(rf"[{_BARS}+┼╪]", line) and "\t" not in line:
            beside = [lines[near] for near in (at - 1, at + 1) if 0 <= near < len(lines)]
            if any(_is_row(other) for other in beside):
                return True
    filled = [line.strip() for line in lines if line.strip()]
    return len(filled) > 1 and all(line[0] in _BARS and line[-1] in _BARS and len(line) > 2 for line in filled)


def _is_row(line: str) -> bool:
    return not is_rule(line) and any(bar in line for bar in _BARS)


def without_frame(lines: Iterable[str], path: Path) -> Iterator[str]:
    """The rows with commas between their cells, in the lines where they stood; all other lines are blank.

    Raises:
        DataError: There is a second table.
    """
    begun = ended = False
    for number, line in enumerate(lines, 1):
        if is_rule(line):
            yield "\n"
        elif _is_row(line):
            if ended:
                raise DataError(
                    f"holds several tables, the second from line {number}; keep each in a file of its own", path=path,
                )  # fmt: skip
            begun = True
            yield _joined(_cells(line))
        else:
            ended = begun
            yield "\n"


def _cells(line: str) -> list[str]:
    text = line.strip()
    cells = re.split(rf"(?<!\\)[{_BARS}]", text)
    if text[0] in _BARS:
        cells = cells[1:]
    if text[-1] in _BARS and not text.endswith("\\|"):
        cells = cells[:-1]
    return [_MARKED.sub(r"\2", cell.replace("\\|", "|").strip()) if _MARKED.fullmatch(cell.strip()) else
            cell.replace("\\|", "|").strip() for cell in cells]  # fmt: skip


def _joined(cells: Sequence[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()
