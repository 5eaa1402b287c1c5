"""Rows of a table that are no data: units or types below the names, totals and notes at the end.

What says so has to be in the file: a word such as Total *and* numbers that sum up the rows above, or stand where the
others have names. Where the word alone says so, both readings are named and nothing is guessed.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loaders import _columns
from loaders._cells import is_missing_word, name_key
from loaders._reading import AmbiguousError, plural
from loaders.errors import DataError

__all__ = [
    "LOOKED_AT",
    "Ending",
    "ending",
    "is_note",
    "is_stray_summary",
    "is_summary",
    "rows_below_names",
    "summing_columns",
    "sums_up_row",
]

LOOKED_AT = 16
"""Most rows at the end that may be no data."""

_SUMMARY = frozenset({
    "total", "totals", "sum", "sums", "average", "averages", "avg", "mean", "means", "median", "std", "stddev",
    "std dev", "std. dev", "standard deviation", "sd", "s.d", "min", "max", "minimum", "maximum", "count", "counts",
    "n", "all", "overall", "grand total", "grand totals", "sub total", "subtotal", "sub-total", "subtotals",
    "overall total", "column total", "column totals", "row total", "row totals", "total sum", "grand average",
    "overall average", "overall mean", "grand mean", "percent", "percentage", "%", "% of total", "#", "∑", "σ", "ø",
    "number", "frequency", "share", "result", "total result",
    "summe", "gesamt", "gesamtsumme", "gesamtergebnis", "insgesamt", "mittelwert", "durchschnitt", "anzahl",
    "zwischensumme", "ergebnis", "somme", "total général", "moyenne", "suma", "total general", "promedio", "media",
    "totale", "somma", "soma", "média", "totaal", "gemiddelde", "合計", "合计", "总计", "平均",
})  # fmt: skip
_PLAIN_WORDS = frozenset({"n", "all", "min", "max", "number", "frequency", "share", "result", "%", "#", "count"})
_NOTE = re.compile(
    r"""["'(\[]?(sources?|notes?|footnotes?|remarks?|legend|key\ to\ symbols|abbreviations|n\.\ ?b\.|data\ source|"""
    r"""last\ updated?|updated|generated|exported|created|downloaded|retrieved|copyright|license|disclaimer|"""
    r"""quellen?|anmerkung(en)?|hinweise?|stand|fu(ß|ss)noten?|légende|fuente|nota|fonte)"""
    r"""(\ (on|by|at|from|date))?\s*[:.)\]]\s*\S.*""",
    re.IGNORECASE | re.VERBOSE,
)
_COUNTED = re.compile(
    r"""\(?\d[\d,.]*\ rows?\b(\ (affected|selected|returned|in\ set).*)?\)?[.;]?|"""
    r"""(total|rows|records|count)\s*[:=]\s*\d+""",
    re.IGNORECASE | re.VERBOSE,
)
_SIGNED = re.compile(r"[*†‡§¹²³©]+\s?\S.*\s\S.*")
_TYPES = frozenset({
    "str", "string", "int", "int32", "int64", "integer", "bigint", "smallint", "float", "float32", "float64", "double",
    "decimal", "number", "numeric", "num", "chr", "char", "character", "varchar", "text", "bool", "boolean", "logical",
    "lgl", "dbl", "fct", "factor", "category", "categorical", "nominal", "ordinal", "metric", "continuous", "discrete",
    "date", "datetime", "timestamp", "object", "class", "meta",
})  # fmt: skip
_RULE = re.compile(r"[-=─_:+]{2,}")
_UNIT = re.compile(r"[\[(<].*[\])>]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)?|[.,]\d+)\s?%?|[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def is_summary(label: str) -> bool:
    """True for what stands before a row that sums up others: Total, Grand total, Mean, Summe, ….

    >>> is_summary("Grand Total:"), is_summary("Total (n = 5)"), is_summary("total recall")
    (True, True, False)
    """
    word = re.sub(r"\s*[\[(][^()]*[\])]$", "", label.strip().casefold()).strip("*_: .=")
    return word in _SUMMARY or label.strip().casefold() in {"%", "#"}


def is_stray_summary(label: str, skills: Sequence[str], names: Sequence[str]) -> bool:
    """True if a row among others is called Subtotal or the like and requires nothing that has a name.

    Args:
        label: What stands where others have the id of a text.
        skills: What stands where others have skills.
        names: Ids of the other rows.

    >>> is_stray_summary("Subtotal", ["2"], ["t1"]), is_stray_summary("sum", [""], ["max"])
    (True, False)
    """
    if not is_summary(label) or label.strip().casefold() in _PLAIN_WORDS:
        return False
    column = _Column(values=set(names) - {label.strip()})
    return all(not skill or _number(skill) is not None for skill in skills) and not _as_others(label.strip(), column)


def is_note(line: str) -> bool:
    """True for a line below a table that is about it: `Source: …`, `Note: …`, `(5 rows affected)`.

    >>> is_note("Source: Ministry"), is_note("(2 rows)"), is_note("source"), is_note("2 rows of trees")
    (True, True, False, False)
    """
    text = line.strip().strip('"').strip()
    return bool(_NOTE.fullmatch(text) or _COUNTED.fullmatch(text))


def _number(value: str) -> float | None:
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        return None
    bare = text.rstrip("% ")
    bare = bare.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", bare) else bare.replace(",", ".")
    return float(bare)


@dataclass
class _Column:
    """What the rows above have in one column."""

    rows: int = 0
    blank: int = 0
    numbers: list[float] = field(default_factory=list)
    values: set[str] = field(default_factory=set)

    def add(self, value: str) -> None:
        text = value.strip()
        self.rows += 1
        if not text:
            self.blank += 1
            return
        self.values.add(text)
        number = _number(text)
        if number is not None:
            self.numbers.append(number)

    @property
    def full(self) -> bool:
        return self.rows > 0 and self.blank == 0

    @property
    def is_numeric(self) -> bool:
        return bool(self.numbers) and len(self.numbers) == self.rows - self.blank

    def sums_up(self, value: str) -> bool:
        """True if a number is the sum, mean, count or the like of the numbers above, as far as it is written."""
        number = _number(value)
        if number is None or not self.numbers:
            return False
        written = re.split(r"[.,]", value.strip().rstrip("% "))
        near = 0.5 * 10.0 ** -(len(written[1]) if len(written) == 2 else 0) if len(written) == 2 else 1e-9
        percent = 0.5 if len(written) == 1 else near
        total = math.fsum(self.numbers)
        mean = total / len(self.numbers)
        known = [total, mean, statistics.median(self.numbers), min(self.numbers), max(self.numbers),
                 float(self.rows), float(len(self.numbers))]  # fmt: skip
        if len(self.numbers) > 1:
            known += [statistics.stdev(self.numbers), statistics.pstdev(self.numbers)]
        return any(abs(number - other) <= near + 1e-9 for other in known) or abs(number - 100 * mean) <= percent + 1e-9


@dataclass(frozen=True)
class Ending:
    """The rows at the end that are no data.

    Attributes:
        rows: How many.
        what: What they are, for the message.
        evidence: What says so.
    """

    rows: int = 0
    what: str = ""
    evidence: str = ""


def ending(
    tail: Sequence[Sequence[str]],
    above: Callable[[int], Iterable[Sequence[str]]],
    names: Sequence[str],
    path: Path,
) -> Ending:
    """How many of the last rows are totals or notes.

    Args:
        tail: The last rows, at most `LOOKED_AT`, of any length.
        above: Given a number of last rows, the rows above them.
        names: Of the columns.
        path: The file.

    Raises:
        AmbiguousError: The last row may be data or not.
    """
    most = 0
    for row in reversed(tail):
        filled = [cell.strip() for cell in row if cell.strip()]
        if filled and not _is_candidate(filled, len(names)):
            break
        most += 1
    while most and not any(cell.strip() for cell in tail[len(tail) - most]):
        most -= 1
    if not most:
        return Ending()
    columns = [_Column() for _ in names]
    known = 0
    for row in above(most):
        if len(row) == len(names):
            known += 1
            for column, value in zip(columns, row, strict=True):
                column.add(value)
    if known < 2:
        return Ending()
    kept = 0
    shown: list[str] = []
    kinds: set[str] = set()
    for back, row in enumerate(reversed(tail[-most:]), 1):
        if not any(cell.strip() for cell in row):
            kinds.add("blank")
            continue
        kind = _kind(row, columns, "blank" in kinds)
        if kind == "data":
            break
        if kind == "doubtful":
            said = ", ".join(cell.strip() for cell in row if cell.strip())
            raise AmbiguousError(
                f"the {'last row' if back == 1 else f'row {back} from the end'}, {said[:60]!r}, may sum up or explain "
                "the others",
                path=path,
                readings=[("it is not data", f"footer={back}"), ("it is data", "footer=0")],
            )
        kept = back
        kinds.add(kind)
        shown.append(", ".join(cell.strip() for cell in row if cell.strip())[:60])
    if not kept:
        return Ending()
    words = {"summary": "sums up the rows above", "note": "is a note about the table"}
    both = kinds >= {"summary", "note"}
    why = "sum up the rows above or are notes" if both else words["summary" if "summary" in kinds else "note"]
    if len(shown) > 1 and not both:
        why = "sum up the rows above" if "summary" in kinds else "are notes about the table"
    return Ending(kept, f"{plural(kept, 'row')} left out", f"{'; '.join(map(repr, reversed(shown[:3])))} {why}")


def _is_candidate(filled: Sequence[str], width: int) -> bool:
    """True if a row may be no data by what stands in it."""
    label = filled[0]
    if is_summary(label) or is_note(label) or is_note(", ".join(filled)):
        return True
    if len(filled) == 1 and width > 1:
        return _SIGNED.fullmatch(label) is not None or len(label.split()) > 2 or _number(label) is not None
    return len(filled) < width and all(_number(value) is not None for value in filled) and width > 1


def _kind(row: Sequence[str], columns: Sequence[_Column], blank_below: bool) -> str:
    cells = [cell.strip() for cell in row]
    filled = [at for at, cell in enumerate(cells) if cell]
    label, others = cells[filled[0]], filled[1:]
    whole = len(cells) == len(columns)
    lacking = any(column.full and (at >= len(cells) or not cells[at]) for at, column in enumerate(columns))
    if is_note(label) or is_note(", ".join(cells[at] for at in filled)):
        if any(is_note(value) for value in columns[min(filled[0], len(columns) - 1)].values):
            return "data"
        return "note" if lacking or not whole else "doubtful"
    if not others:
        return _alone(label, cells, columns, filled[0], lacking, blank_below)
    if not whole:
        return "summary" if is_summary(label) and all(_number(cells[at]) is not None for at in others) else "data"
    if not is_summary(label):
        # numbers below their columns, without a word, as a spreadsheet's sum leaves them
        bare = filled[0] > 0 and columns[0].full and all(columns[at].sums_up(cells[at]) for at in filled)
        return "summary" if bare and all(columns[at].is_numeric for at in filled) else "data"
    return _summary(label, cells, columns, others, lacking, filled[0])


def _alone(
    label: str, cells: Sequence[str], columns: Sequence[_Column], place: int, lacking: bool, blank_below: bool
) -> str:
    """A row with one filled cell."""
    if len(columns) < 2:
        return "data"
    if is_summary(label):
        if lacking:
            return "summary"
        plain = place > 0 or label.casefold() in _PLAIN_WORDS or _as_others(label, columns[place])
        return "data" if plain else "doubtful"
    if place and columns[place].is_numeric and columns[0].full and columns[place].sums_up(label):
        return "summary"
    if not lacking and len(cells) == len(columns):
        return "data"
    signed = _SIGNED.fullmatch(label) is not None and not any(_SIGNED.fullmatch(v) for v in columns[0].values)
    longest = max((len(value.split()) for value in columns[0].values), default=0)
    told = len(label.split()) > max(3, 2 * longest)
    return "note" if signed or told else "data"


def _as_others(label: str, column: _Column) -> bool:
    """True if a word is written as other names are, such as names of functions: sum, max."""
    return label.islower() and label.isidentifier() and any(v.islower() and v.isidentifier() for v in column.values)


def _summary(
    label: str, cells: Sequence[str], columns: Sequence[_Column], others: Sequence[int], lacking: bool, place: int
) -> str:
    """A row with a word for sums and further cells."""
    numbers = [at for at in others if _number(cells[at]) is not None]
    words = [at for at in others if at not in numbers]
    if any(cells[at] in columns[at].values for at in words):
        return "data"  # it requires what others require
    strange = [at for at in numbers if not columns[at].numbers and columns[at].rows > columns[at].blank]
    fits = [at for at in numbers if columns[at].sums_up(cells[at])]
    new = [at for at in fits if _number(cells[at]) not in columns[at].numbers]
    if words and not (strange or new):
        return "data"
    if (strange or (numbers and lacking)) and not words:
        return "summary"
    within = [at for at in numbers if at not in strange]
    if within and len(fits) == len(within) and new and not words:
        return "summary"
    if place < len(columns) and _as_others(label, columns[place]) and not new:
        return "data"
    seen = all(_number(cells[at]) in columns[at].numbers for at in within)
    if within and seen and len(fits) < len(within):
        return "data"
    if within and not fits and label.casefold() in _PLAIN_WORDS:
        return "data"
    return "doubtful"


def rows_below_names(rows: Sequence[Sequence[str]], names: Sequence[str], path: Path) -> Ending:
    """How many rows below the names hold units, types or a rule.

    Raises:
        AmbiguousError: The row below the names may describe the columns, or be data.
    """
    count = 0
    shown, why = [], ""
    while count < len(rows) - 1 and count < 4:
        row = [cell.strip() for cell in rows[count]]
        filled = [at for at, cell in enumerate(row) if cell]
        rest = [other for other in rows[count + 1 : count + 201] if len(other) == len(names)]
        if not filled or len(row) != len(names) or not rest:
            break
        cells = [row[at] for at in filled]
        numeric = [at for at in range(len(names)) if _is_numeric([other[at] for other in rest])]
        again = any(row[at] in {other[at].strip() for other in rest} for at in filled)
        if all(_RULE.fullmatch(cell) for cell in cells):
            why = why or "it only separates the names from the rows"
        elif again:
            break
        elif all(_UNIT.fullmatch(cell) for cell in cells) and not any(
            _UNIT.fullmatch(other[at].strip()) for other in rest for at in filled
        ):
            why = "units, in brackets"
        elif len(filled) > 1 and all(re.sub(r"\(\d+\)$", "", cell.casefold()) in _TYPES for cell in cells):
            if not any(at in numeric for at in filled):
                raise _doubtful(row, path)
            why = "types of the columns"
        else:
            measured = [at for at in numeric if _is_measure(names[at])]
            if len(rest) > 2 and measured and all(_is_words(row[at]) for at in measured):
                if any(is_missing_word(row[at]) for at in measured):
                    break
                raise _doubtful(row, path)
            break
        shown.append(", ".join(cells)[:60])
        count += 1
    if not count:
        return Ending()
    return Ending(count, f"{plural(count, 'row')} left out", f"{'; '.join(map(repr, shown))}: {why}")


def _is_words(value: str) -> bool:
    """True if a cell holds words, not a number in any form."""
    try:
        float(value)
    except ValueError:
        return len(re.findall(r"[^\W\d_]", value)) > 2
    return False


def _is_measure(name: str) -> bool:
    """True unless a column of this name may hold ids of texts or skills."""
    key = name_key(name)
    return key in {*_columns.WEIGHT, *_columns.SCORE, *_columns.LEVEL, "difficulty", "discrimination", "time"}


def _doubtful(row: Sequence[str], path: Path) -> DataError:
    said = ", ".join(cell for cell in row if cell)
    return AmbiguousError(
        f"the row below the names, {said[:60]!r}, may describe the columns or be data",
        path=path,
        readings=[("it describes them", "units=yes"), ("it is data", "units=no")],
    )


def _is_numeric(values: Sequence[str]) -> bool:
    present = [value.strip() for value in values if value.strip() and not is_missing_word(value)]
    return bool(present) and all(_number(value) is not None for value in present)


def summing_columns(values: Mapping[int, Sequence[float | None]]) -> list[int]:
    """Places of columns that count or add up all others in each row, and are not marks themselves.

    Args:
        values: The numbers in each column; None for what is no number.

    >>> summing_columns({1: [1, 0, 1], 2: [0, 1, 1], 3: [1, 1, 2]})
    [3]
    """
    found: list[int] = []
    for at, own in values.items():
        if len(own) < 2 or any(value is None for value in own) or max(value or 0 for value in own) <= 1:
            continue
        others = [column for other, column in values.items() if other != at and other not in found]
        if len(others) > 1 and all(
            abs((value or 0) - math.fsum(column[row] or 0 for column in others)) < 1e-9 for row, value in enumerate(own)
        ):
            found.append(at)
    return found


def sums_up_row(name: str, place: int, others: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """True if a column is called Total, Mean or the like and is the sum or mean of others in every row.

    Args:
        name: Of the column.
        place: Its place.
        others: Places of the others.
        rows: Cells.

    >>> sums_up_row("Mean", 2, [0, 1], [["1", "0", "0.5"], ["1", "1", "1"]])
    True
    """
    if not is_summary(name) or len(rows) < 2 or len(others) < 2:
        return False
    fits = {"sum": True, "mean": True, "percent": True}
    filled = 0
    for row in rows:
        own = _number(row[place])
        numbers = [number for at in others if (number := _number(row[at])) is not None]
        if own is None or not numbers:
            if row[place].strip():
                return False
            continue
        filled += 1
        _, _, digits = row[place].strip().rstrip("% ").replace(",", ".").partition(".")
        near = 0.5 * 10.0 ** -len(digits) + 1e-9
        total = math.fsum(numbers)
        mean = total / len(numbers)
        fits["sum"] &= abs(own - total) < 1e-6
        fits["mean"] &= abs(own - mean) <= (near if digits else 1e-9)
        fits["percent"] &= abs(own - 100 * mean) <= near
    return filled > 1 and any(fits.values())
