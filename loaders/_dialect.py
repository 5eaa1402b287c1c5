"""How a delimited text file is written: found out from its first rows, told with the evidence.

Delimiter, quotes, names of columns or none, lines before them, decimal sign: each is taken if the rows agree on it, and
refused with both readings if they do not.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loaders import _columns
from loaders._cells import is_missing_word, name_key
from loaders._ends import LOOKED_AT, Ending, ending, is_note, rows_below_names
from loaders._files import open_lines, suffixes
from loaders._frames import is_framed, is_rule, without_frame
from loaders._marks import CURLY, is_marked, quote_mark, quotes_values, straightened
from loaders._reading import AmbiguousError, plural, quoted
from loaders._report import Problems
from loaders.errors import DataError
from loaders.gate import limits

__all__ = ["TABLE_OPTIONS", "Dialect", "is_missing_word", "name_key", "read_flag", "sniff"]

TABLE_OPTIONS: Mapping[str, str] = {
    "delimiter": "one character, or tab, comma, semicolon, pipe, space",
    "header": "no if the first row is already data; yes if it holds names",
    "skip": "number of lines before the table",
    "comment": "prefix of lines that are left out, such as #; none if there are no such lines",
    "quote": "quotation mark around values: one character, or double, single, curly (“typographic”)",
    "decimal": "decimal sign of numbers: point or comma",
    "missing": "values that mean missing, such as NA, blank or 9, separated by commas; none if nothing does",
    "encoding": "encoding of the file, if not UTF-8 or UTF-16, such as cp1252",
    "units": "yes if the row below the names holds units or types; no if it is data",
    "footer": "number of rows below the table, such as totals and notes; 0 if all rows are data",
    "row_names": "yes if rows have a name before the first column; no if they do not",
    "fill": "columns whose blank cells repeat the cell above, as merged cells do: names separated by commas",
    "escaped": "yes if cells that a spreadsheet would run have an apostrophe before them, as in our own CSV",
    "rows": "JSON: key of the list of rows, if there are several",
}
_SAMPLE = 2000
_SAMPLE_BYTES = 1 << 18
_DELIMITERS = ",\t;|"
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " ", "whitespace": " "}
_WORDS = {mark: word for word, mark in _NAMED.items() if word not in {"\\t", "whitespace"}}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+")
_NO_NUMBERS = frozenset({
    *_columns.TEXT, *_columns.TEXT_ID, *_columns.SKILL, *_columns.SKILLS, *_columns.SKILL_ID, *_columns.PREREQUISITE,
    *_columns.MODEL, *_columns.STUDENT, "questions", "concepts", "responses", "selectmasks", "is_repeat", "timestamps",
    "usetimes", "list_skills", "list_skill_ids", "prerequisites", "prereqs",
})  # fmt: skip
_NEO4J = re.compile(r".*:(ID|START_ID|END_ID|LABEL|TYPE|IGNORE)\b.*")


def read_flag(value: str | bool | None, option: str) -> bool | None:
    """Yes or no; None as it is.

    Raises:
        DataError: It is neither.
    """
    if value is None or isinstance(value, bool):
        return value
    word = value.strip().lower()
    if word not in {"yes", "true", "no", "false"}:
        raise DataError(f"{option} {value!r} must be yes or no")
    return word in {"yes", "true"}


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes:
        delimiter: What stands between values; a space stands for any run of spaces and tabs.
        names: Names of the columns without outer spaces; without a header "1", "2", ….
        header: True if the first row holds them.
        sure: False if the first row may as well be data.
        skip: Number of lines before the table.
        comment: What a line that is left out begins with; "" for none.
        quote: What values are quoted with.
        comma: Positions of columns whose numbers have a decimal comma.
        shifted: True if rows have a name of their own before the first column.
        trailing: True if every row ends in a delimiter.
        index: Position of a column that only numbers the rows.
        missing: What stands for a missing value by the user's word; None if he did not say.
        sample: The first rows.
        whole: True if the sample is the whole table.
        encoding: That of the file, if the user said so.
        below: Number of rows below the names that describe the columns.
        footer: Number of rows at the end that are no data; None if the sample does not show it.
        framed: True if the table is drawn with lines, as in Markdown.
    """

    delimiter: str
    names: tuple[str, ...]
    header: bool
    sure: bool
    skip: int = 0
    comment: str = ""
    quote: str = '"'
    comma: frozenset[int] = frozenset()
    shifted: bool = False
    trailing: bool = False
    index: int | None = None
    missing: frozenset[str] | None = None
    sample: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    whole: bool = False
    encoding: str | None = None
    below: int = 0
    footer: int | None = None
    framed: bool = False

    @property
    def plain(self) -> bool:
        """True if a parser for RFC 4180 with this delimiter reads it."""
        usual = self.delimiter != " " and self.quote == '"' and not self.comment
        return usual and not (self.shifted or self.trailing or self.framed or self.footer or self.below)


def missing_codes(given: str | None) -> frozenset[str] | None:
    """The codes of the option `missing`.

    >>> sorted(missing_codes("9, -1")), missing_codes("none"), missing_codes(None)
    (['-1', '9'], frozenset(), None)
    """
    if given is None:
        return None
    if given.strip().casefold() == "none":
        return frozenset()
    parts = (part.strip() for part in given.split(",") if part.strip())
    return frozenset("" if part.casefold() == "blank" else part for part in parts)


def sniff(
    path: Path,
    problems: Problems,
    *,
    delimiter: str | None = None,
    header: str | bool | None = None,
    skip: str | int | None = None,
    comment: str | None = None,
    quote: str | None = None,
    decimal: str | None = None,
    missing: str | None = None,
    encoding: str | None = None,
    row_names: str | bool | None = None,
    units: str | bool | None = None,
    footer: str | int | None = None,
    known: Iterable[str] = (),
    ids: Iterable[str] = (),
) -> Dialect:
    """How a file is written, by its first 2000 rows; what follows is checked while it is read.

    Args:
        path: The file.
        problems: Where decisions are noted.
        delimiter: See `TABLE_OPTIONS`, likewise the others.
        header: See `TABLE_OPTIONS`.
        skip: See `TABLE_OPTIONS`.
        comment: See `TABLE_OPTIONS`.
        quote: See `TABLE_OPTIONS`.
        decimal: See `TABLE_OPTIONS`.
        missing: See `TABLE_OPTIONS`.
        encoding: See `TABLE_OPTIONS`.
        row_names: See `TABLE_OPTIONS`.
        units: See `TABLE_OPTIONS`.
        footer: See `TABLE_OPTIONS`.
        known: Names of columns that the caller was told.
        ids: Those of them that hold ids or lists of them, and no numbers.

    Raises:
        AmbiguousError: Two readings are possible; the message names both and the option that decides.
        DataError: There is no row, or an option is wrong.
    """
    lines, whole = _sample(path, encoding)
    framed = delimiter is None and is_framed(lines)
    if framed:
        lines = list(without_frame(lines, path))
        problems.decide(path, "table", "drawn with bars", "lines of | and - between its cells, as in Markdown",
                        option="delimiter")  # fmt: skip
    if not any(line.strip() for line in lines):
        raise DataError("has no rows", path=path)
    mark = "," if framed else _mark(delimiter)
    skipped, hint = _lines_before(lines, skip, comment, path, problems)
    if hint and mark is None:
        mark = hint
        problems.decide(path, "delimiter", _word(mark), "the first line says sep=")
    while skipped < len(lines) - 1 and not lines[skipped].strip():
        skipped += 1
    comment = "" if comment == "none" else comment or _comment_of(lines, skipped, path, problems)
    heading = _commented_header(lines[skipped:], comment) if comment else None
    lines = [line.lstrip("\ufeff") if at == skipped else line for at, line in enumerate(lines)]
    body = [line for line in lines[skipped:] if not (comment and line.lstrip().startswith(comment))]
    body = [line for line in body if line.strip() and not is_rule(line)]
    if not body:
        raise DataError("has no rows", path=path)
    notes = _notes_below(body) if whole and footer is None else 0
    body = body[: len(body) - notes]
    said = quote_mark(quote)
    quote = said or _quote(body, mark, path, problems)
    mark = mark if mark is not None else _delimiter(path, body, quote, problems)
    preamble = 0
    if skip is None and not hint:
        preamble = _preamble(body, mark, quote)
        if preamble:
            problems.decide(
                path, "lines before the table", str(preamble), f"{body[0].strip()[:40]!r} is not a row of the table",
                option="skip", alternatives=("skip=0",),
            )  # fmt: skip
            skipped = _after(lines, skipped, preamble, comment)
            body = body[preamble:]
    written = _Written(
        mark,
        skipped,
        comment,
        quote,
        said is not None,
        whole,
        decimal,
        missing,
        encoding,
        row_names,
        units,
        footer_rows(footer),
        notes,
        framed,
        frozenset(map(name_key, ids)) | _NO_NUMBERS,
    )
    records = parse(body, mark, quote)
    if heading is not None:
        names = next(iter(parse([heading], mark, quote)), [])
        if records and len(names) == len(records[0]) and header is None and not _is_header(records, known)[0]:
            problems.decide(path, "header", quoted(names), "the last comment names the columns")
            return _finished(path, problems, written, names, records, header=False, sure=True)
    return _with_header(path, problems, written, records, header, known)


@dataclass(frozen=True)
class _Written:
    """What is known of a table before its names; see `Dialect` and `TABLE_OPTIONS`."""

    mark: str
    skip: int
    comment: str
    quote: str
    quote_said: bool
    whole: bool
    decimal: str | None
    missing: str | None
    encoding: str | None
    row_names: str | bool | None
    units: str | bool | None
    footer: int | None
    notes: int
    framed: bool
    ids: frozenset[str]


def footer_rows(given: str | int | None) -> int | None:
    """Number of rows that the option `footer` says; None if it does not say."""
    if given is None:
        return None
    try:
        count = 0 if str(given).strip().casefold() == "none" else int(given)
    except ValueError:
        count = -1
    if count < 0:
        raise DataError(f"footer {given!r} must be a number of rows")
    return count


def _notes_below(body: Sequence[str]) -> int:
    """How many of the last lines are notes; none if other lines begin as they do."""
    count = 0
    while count < min(len(body) - 2, LOOKED_AT) and is_note(body[-1 - count]):
        count += 1
    return 0 if any(is_note(line) for line in body[: len(body) - count]) else count


def _sample(path: Path, encoding: str | None) -> tuple[list[str], bool]:
    lines: list[str] = []
    size = 0
    with open_lines(path, encoding=encoding) as text:
        for line in text:
            # a carriage return alone ended lines on old Macintoshes
            lines.append(line)
            size += len(line)
            if len(lines) >= _SAMPLE or size > _SAMPLE_BYTES:
                return lines, next(text, None) is None
    return lines, True


def _mark(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    mark = _NAMED.get(delimiter, delimiter)
    if len(mark) != 1:
        raise DataError(f"delimiter {delimiter!r} must be one character, or tab, comma, semicolon, pipe or space")
    return mark


def _word(mark: str) -> str:
    return _WORDS.get(mark, mark)


def _lines_before(
    lines: Sequence[str], skip: str | int | None, comment: str | None, path: Path, problems: Problems
) -> tuple[int, str]:
    """How many lines come before the table by the user's word or a line sep=, and the delimiter that this names."""
    if skip is not None:
        try:
            return int(skip), ""
        except ValueError:
            raise DataError(f"skip {skip!r} must be a number of lines") from None
    match = re.fullmatch(r'"?sep=(.|\\t|tab)"?', lines[0].rstrip("\r\n;,\t") or lines[0].strip(), re.IGNORECASE)
    if match is None:
        match = re.fullmatch(r'"?sep=(.)"?', lines[0].rstrip("\r\n"), re.IGNORECASE)
    if match is None:
        return 0, ""
    return 1, _NAMED.get(match[1].lower(), match[1])


def _comment_of(lines: Sequence[str], skipped: int, path: Path, problems: Problems) -> str:
    """The mark of comments, if lines before the table begin with one."""
    first = next((line for line in lines[skipped:] if line.strip()), "")
    mark = first.lstrip()[:1]
    if mark not in {"#", "%"}:
        return ""
    body = [line for line in lines[skipped:] if line.strip() and not line.lstrip().startswith(mark)]
    commented = sum(line.lstrip().startswith(mark) for line in lines[skipped:])
    if not body or commented > len(body) + 5:
        return ""
    later = any(line.lstrip().startswith(mark) for line in itertools.dropwhile(
        lambda line: not line.strip() or line.lstrip().startswith(mark), lines[skipped:]))  # fmt: skip
    if later and commented > 1 and len(body) > 1 and _consistent(lines[skipped:], first):
        return ""  # names that begin with the mark, as hashtags do
    problems.decide(path, "comments", plural(commented, "line"), f"lines that begin with {mark!r}",
                    option="comment")  # fmt: skip
    return mark


def _consistent(lines: Sequence[str], first: str) -> bool:
    mark = next((mark for mark in _DELIMITERS if mark in first), None)
    return mark is not None and len({line.count(mark) for line in lines if line.strip()}) == 1


def _commented_header(lines: Sequence[str], comment: str) -> str | None:
    heading = None
    for line in lines:
        if not line.lstrip().startswith(comment):
            break
        heading = line.lstrip().lstrip(comment).strip()
    return heading or None


def _single_quoted(body: Sequence[str]) -> bool:
    if any('"' in line for line in body):
        return False
    found = sum(bool(re.match(r"\s*'[^']*'\s*([,;\t|]|$)", line)) for line in body)
    return found == len(body) or (found == len(body) - 1 and len(body) > 2)


def _quote(body: Sequence[str], mark: str | None, path: Path, problems: Problems) -> str:
    """What values are quoted with, by all lines looked at."""
    if _single_quoted(body):
        return "'"
    for each in (mark,) if mark is not None else _DELIMITERS:
        straight = parse(body, each, CURLY)
        plain = parse(body, each)
        if straight != plain and quotes_values(plain, straight):
            problems.decide(path, "quotation marks", "typographic ones around values, left out",
                            "as a word processor sets them", option="quote",
                            alternatives=("quote=double",))  # fmt: skip
            return CURLY
    return '"'


def parse(lines: Iterable[str], mark: str, quote: str = '"') -> list[list[str]]:
    """Records of some lines; what cannot be parsed, as a quote that the sample cuts off, ends them."""
    records: list[list[str]] = []
    limit = csv.field_size_limit(limits().line)
    try:
        records.extend(reader(lines, mark, quote, strict=False))
    except csv.Error:
        pass
    finally:
        csv.field_size_limit(limit)
    return records


def reader(lines: Iterable[str], mark: str, quote: str = '"', *, strict: bool = True) -> csv.Reader:  # type: ignore[name-defined]
    """A reader of the standard library; spaces and tabs count as one space where that is the delimiter."""
    if quote == CURLY:
        lines, quote = straightened(lines, mark), '"'
    if mark == " ":
        lines = (line.replace("\t", " ").rstrip(" \r\n") + "\n" for line in lines)
    return csv.reader(lines, delimiter=mark, quotechar=quote, strict=strict, skipinitialspace=mark == " ")


def _delimiter(path: Path, body: Sequence[str], quote: str, problems: Problems) -> str:
    if suffixes(path) in {".tsv", ".tab"} and "\t" in body[0]:
        return "\t"
    counts = {mark: [len(record) for record in parse(body, mark, quote)] for mark in _DELIMITERS}
    valid = [mark for mark, found in counts.items() if _agree(found)]
    if len(valid) > 1:
        named = [mark for mark in valid if _known_names(parse(body[:1], mark, quote)[0])]
        valid = named or valid
    if len(valid) > 1:
        # A mark inside of every value of another splits what belongs together, as the comma of 0,5 does.
        numeric = [mark for mark in valid if mark != "," and _decimal_commas(parse(body, mark, quote))]
        valid = numeric or valid
    if len(valid) > 1 and len(body) > 1:
        first, second = sorted(valid, key=lambda mark: -counts[mark][0])[:2]
        raise AmbiguousError(
            f"every line has as many {_word(first)}s, and as many {_word(second)}s, as the first line",
            path=path,
            readings=[
                (f"{counts[mark][0]} columns by {_word(mark)}", f"delimiter={_word(mark)}") for mark in (first, second)
            ],
        )
    if valid:
        mark = valid[0]
        usual = {".csv": ",", ".tsv": "\t", ".tab": "\t"}.get(suffixes(path))
        if mark != usual:
            problems.decide(
                path, "delimiter", _word(mark), f"{plural(counts[mark][0], 'column')} in every line looked at",
                option="delimiter",
            )  # fmt: skip
        return mark
    if _space_aligned(body, quote):
        problems.decide(path, "delimiter", "spaces", "the same number of values in every line", option="delimiter")
        return " "
    unquoted = "".join(body[0].split(quote)[::2])
    best = max(_DELIMITERS, key=unquoted.count)
    return best if best in unquoted else ","


def _agree(found: Sequence[int]) -> bool:
    """True if all rows have as many values, or all but the first, which has one fewer, as R writes it."""
    if not found or max(found) < 2:
        return False
    rows = found[1:] or found
    width = Counter(rows).most_common(1)[0]
    if width[0] < 2 or width[1] < 0.9 * len(rows):
        return False
    if found[0] == width[0]:
        return True
    if found[0] == width[0] - 1 and found[0] > 1 and len(set(rows)) == 1 and len(rows) > 1:
        return True
    # a title above the names
    return found[0] == 1 and len(found) > 2 and found[1] == width[0]


def _decimal_commas(records: Sequence[Sequence[str]]) -> bool:
    return any(_DECIMAL_COMMA.fullmatch(value.strip()) for record in records[1:] for value in record)


def _space_aligned(body: Sequence[str], quote: str) -> bool:
    records = parse(body, " ", quote)
    if len(records) < 2 or not _agree([len(record) for record in records]):
        return False
    width = len(records[1])
    rows = [record for record in records[1:] if len(record) == width]
    numeric = any(all(_NUMBER.fullmatch(row[at]) for row in rows) for at in range(width))
    padded = sum("  " in line.strip() or line.startswith(" ") for line in body) > len(body) / 2
    return numeric or padded or (quote in body[0] and quote in body[1]) or _known_names(records[0]) >= 2


def _known_names(values: Sequence[str]) -> int:
    return sum(name_key(value) in _columns.KNOWN or bool(_NEO4J.fullmatch(value)) for value in values)


def _preamble(body: Sequence[str], mark: str, quote: str) -> int:
    """Lines with one value before a table of several columns whose names are known."""
    records = parse(body[:20], mark, quote)
    for number, record in enumerate(records):
        filled = sum(bool(value.strip()) for value in record)
        if filled > 1 and number == 0 and len(records) > 2 and _known_names(record) < 2 <= _known_names(records[1]):
            return int(len(records[1]) == len(record))  # a row of groups above the names
        if filled > 1:
            return number if number and _known_names(record) else 0
    return 0


def _after(lines: Sequence[str], skipped: int, rows: int, comment: str) -> int:
    for number in range(skipped, len(lines)):
        if rows == 0 and lines[number].strip():
            return number
        if lines[number].strip() and not (comment and lines[number].lstrip().startswith(comment)):
            rows -= 1
    return len(lines)


def _is_header(records: Sequence[Sequence[str]], known: Iterable[str] = ()) -> tuple[bool | None, str, bool]:
    """Whether the first row holds names, what says so, and whether that is sure; None if both may be."""
    first = [value.strip() for value in records[0]]
    rows = [[value.strip() for value in record] for record in records[1:] if any(value.strip() for value in record)]
    if _known_names(first) or any(name in first for name in known):
        return True, "", True
    if not rows:
        return True, "it is the only row", False
    if len(first) == len(rows[0]) - 1:
        return True, "", True
    width = min(map(len, [first, *rows]))
    numbers = [bool(_NUMBER.fullmatch(value)) for value in first[:width]]
    columns = [_numeric([row[at] for row in rows]) for at in range(width)]
    if numbers and all(numbers):
        return _numbers_first(first, rows, columns)
    body = [at for at in range(width) if columns[at]]
    if first[0] == "" and width > 1:
        return True, "", True
    if body and all(numbers[at] or is_missing_word(first[at]) or not first[at] for at in body):
        if _consecutive([first[at] for at in body]) and any(int(first[at]) > 1 for at in body):
            return True, "the numbers count the columns", True
        return False, "the first row holds numbers where the others do", True
    if body and not any(numbers[at] for at in body):
        return True, "", True
    for at in range(width):
        if first[at] and not columns[at] and first[at] in {row[at] for row in rows}:
            return False, f"{first[at]!r} of the first row occurs again in its column", True
    return True, "no value of the first row occurs again", False


def _numeric(values: Sequence[str]) -> bool:
    present = [value for value in values if value and not is_missing_word(value)]
    return bool(present) and all(_NUMBER.fullmatch(value) or _DECIMAL_COMMA.fullmatch(value) for value in present)


def _consecutive(values: Sequence[str]) -> bool:
    if not all(value.isdecimal() for value in values):
        return False
    numbers = [int(value) for value in values]
    return numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _numbers_first(
    first: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[bool]
) -> tuple[bool | None, str, bool]:
    cells = {value for row in rows for value in row if value and not is_missing_word(value)}
    if _consecutive(first) and len(first) > 1:
        if not cells <= {"0", "1", "0.0", "1.0"}:
            return (False, "the first row holds numbers as the others do", True) if all(columns) else (None, "", False)
        if set(first) <= {"0", "1"}:
            return None, "", False
        return True, "the numbers count the columns", True
    if all(columns):
        return False, "the first row holds numbers as the others do", True
    return None, "", False


def _with_header(
    path: Path,
    problems: Problems,
    written: _Written,
    records: list[list[str]],
    header: str | bool | None,
    known: Iterable[str],
) -> Dialect:
    said = read_flag(header, "header")
    found, evidence, sure = (said, "", True) if said is not None else _is_header(records, known)
    if found is None:
        raise AmbiguousError(
            f"the first row, {quoted(records[0])}, may be column names or data",
            path=path,
            readings=[("names", "header=yes"), ("data without column names", "header=no")],
        )
    if said is None and (evidence or not found):
        problems.decide(
            path, "header", "the first row holds names" if found else "none, the first row is data", evidence,
            option="header", alternatives=("header=no",) if found else ("header=yes",),
        )  # fmt: skip
    names = [value.strip() for value in records[0]] if found else [str(at) for at in range(1, len(records[0]) + 1)]
    rows = records[1:] if found else records
    return _finished(path, problems, written, names, rows, header=found, sure=sure)


def _finished(
    path: Path,
    problems: Problems,
    written: _Written,
    names: list[str],
    rows: list[list[str]],
    *,
    header: bool,
    sure: bool,
) -> Dialect:
    mark = written.mark
    rows = [row for row in rows if any(value.strip() for value in row)]
    if written.footer:
        rows = rows[: len(rows) - written.footer] if written.whole else rows
    wide = len(names) + (bool(rows) and header and all(len(row) == len(names) + 1 for row in rows[:2]))
    below = _below(path, problems, written, names, rows) if header and wide == len(names) else 0
    rows = rows[below:]
    footer = written.footer
    if footer is None and written.whole:
        footer = _ended(path, problems, written.notes, names if wide == len(names) else ["", *names], rows)
        rows = rows[: len(rows) - (footer - written.notes)]
    shifted = bool(rows) and header and all(len(row) == len(names) + 1 for row in rows)
    trailing = False
    named_rows = read_flag(written.row_names, "row_names")
    if named_rows is not None:
        shifted = shifted and named_rows
    elif shifted and mark != " " and not all(row[-1] == "" for row in rows):
        first = [row[0].strip() for row in rows]
        if not (_consecutive(first) or (mark == "\t" and len(set(first)) == len(first))):
            if _known_names(names) < 2 and len(rows) > 1 and len(set(first)) == len(first):
                raise AmbiguousError(
                    f"rows have {len(names) + 1} values and the first row {len(names)}",
                    path=path,
                    readings=[("each row begins with its name", "row_names=yes"), (f"a value holds {mark!r}",
                              "row_names=no, with double quotes around it")],
                )  # fmt: skip
            shifted = False
    if shifted and all(row[-1] == "" for row in rows) and mark != " ":
        shifted, trailing = False, True
    elif shifted:
        names = ["", *names]
        problems.decide(path, "row names", "the first value of each row", "the header has one name fewer")
    if len(names) > 1 and names[-1] == "" and all(len(row) == len(names) and row[-1] == "" for row in rows) and rows:
        names, trailing = names[:-1], True
    index = _index(names, rows)
    if not written.quote_said and written.quote != CURLY:
        _refuse_some_marked(names, rows, path)
    comma = _comma_columns(path, problems, written, names, rows)
    return Dialect(
        delimiter=mark,
        names=tuple(names),
        header=header,
        sure=sure,
        skip=written.skip,
        comment=written.comment,
        quote=written.quote,
        comma=comma,
        shifted=shifted,
        trailing=trailing,
        index=index,
        missing=missing_codes(written.missing),
        sample=tuple(tuple(row) for row in rows),
        whole=written.whole,
        encoding=written.encoding,
        below=below,
        footer=footer,
        framed=written.framed,
    )


_OF_SKILLS = frozenset({*_columns.SKILL, *_columns.SKILLS, *_columns.SKILL_ID, *_columns.PREREQUISITE, *_columns.PARENT,
                        *_columns.CHILD} - {"id", "key", "name", "label", "requires", "type"})  # fmt: skip


def _refuse_some_marked(names: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> None:
    """Refuse a column of skills of which some, but not all, stand in typographic quotation marks."""
    for at, name in enumerate(names):
        if name_key(name) not in _OF_SKILLS:
            continue
        cells = [row[at].strip() for row in rows if len(row) > at and row[at].strip()]
        marked = [cell for cell in cells if is_marked(cell)]
        if marked and not all(cell[0] == marked[0][0] and cell[-1] == marked[0][-1] for cell in cells):
            raise AmbiguousError(
                f"column {name!r}: {plural(len(marked), 'value')} such as {marked[0][:60]} "
                f"{'stands' if len(marked) == 1 else 'stand'} in quotation marks, and others do not",
                path=path,
                readings=[("the marks only quote the value", "quote=curly"), ("they belong to it", "quote=double")],
            )


def _below(
    path: Path, problems: Problems, written: _Written, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> int:
    """How many rows below the names describe the columns."""
    said = read_flag(written.units, "units")
    if said is not None:
        return int(said)
    found = rows_below_names(rows, names, path)
    if found.rows:
        problems.decide(path, "below the names", found.what, found.evidence, option="units",
                        alternatives=("units=no",))  # fmt: skip
    return found.rows


def _ended(path: Path, problems: Problems, notes: int, names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many rows at the end are no data, notes among them."""
    found = ending(rows[-LOOKED_AT:], lambda count: rows[: len(rows) - count], names, path)
    told_end(path, problems, notes, found)
    return notes + found.rows


def told_end(path: Path, problems: Problems, notes: int, found: Ending) -> None:
    """Note what was left out below a table."""
    if notes:
        problems.decide(path, "below the table", f"{plural(notes, 'line')} left out", "notes about the table",
                        option="footer", alternatives=("footer=0",))  # fmt: skip
    if found.rows:
        problems.decide(path, "at the end", found.what, found.evidence, option="footer",
                        alternatives=("footer=0",))  # fmt: skip


def _index(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """A column that only numbers the rows, as pandas and R write it."""
    for at, name in enumerate(names[:1]):
        key = name_key(name)
        if key in {"", "unnamed:_0", "index", "row", "rownum", "row_number", "row_id"} and len(rows) > 0:
            values = [row[at].strip() for row in rows if len(row) > at]
            if _consecutive(values):
                return at
    return None


def _comma_columns(
    path: Path, problems: Problems, written: _Written, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> frozenset[int]:
    decimal = written.decimal
    if decimal is not None:
        if decimal.strip().lower() not in {"comma", ",", "point", "."}:
            raise DataError(f"decimal {decimal!r} must be point or comma")
        if decimal.strip().lower() in {"point", "."}:
            return frozenset()
    found: list[int] = []
    doubtful: list[int] = []
    for at in range(len(names)):
        if name_key(names[at]) in written.ids:
            continue  # 1,2 are two skills
        values = [row[at].strip() for row in rows if len(row) > at]
        present = [value for value in values if value and not is_missing_word(value)]
        with_comma = [value for value in present if "," in value]
        if not with_comma or not all(_NUMBER.fullmatch(v) or _DECIMAL_COMMA.fullmatch(v) for v in present):
            continue
        thousands = all(_THOUSANDS.fullmatch(value) for value in with_comma)
        leading = any(value.lstrip("+-").startswith("0,") for value in with_comma)
        if any("." in value for value in present):
            continue
        (doubtful if thousands and not leading else found).append(at)
    if decimal is not None:
        return frozenset(found + doubtful)
    if found:
        found += doubtful
        example = next(v for row in rows if len(row) > found[0] and "," in (v := row[found[0]]))
        problems.decide(path, "decimal sign", "comma", f"column {names[found[0]]!r} holds {example!r}",
                        option="decimal", alternatives=("decimal=point",))  # fmt: skip
    elif doubtful and any(name_key(names[at]) in {*_columns.WEIGHT, *_columns.SCORE} for at in doubtful):
        example = next(v for row in rows if len(row) > doubtful[0] and "," in (v := row[doubtful[0]]))
        raise AmbiguousError(
            f"column {names[doubtful[0]]!r} holds {example!r}",
            path=path,
            readings=[("a decimal comma", "decimal=comma"), ("thousands, which is not supported", "decimal=point")],
        )
    return frozenset(found)
