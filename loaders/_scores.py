"""Scores of a file: which cells are scores, on which scale, and which stand for not attempted.

Decided for all scores of a file at once, never by one of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loaders._builder import Builder
from loaders._reading import AmbiguousError, plural
from loaders.errors import DataError
from loaders.gate import parse_json

__all__ = ["ATTEMPTS", "SCALES", "Scores", "parse_score", "read_scale"]

SCALES = "auto, share (0-1), percent, lowest-highest, such as 0-2 or 1-5, or what words are worth, such as A:1,B:0.5"
ATTEMPTS = "how to combine several scores of a model for a text: share (their mean), first, last or best"
_NOT_ATTEMPTED = frozenset({"", "na", "n/a", "#n/a", "nan", "<na>", "null", "none", "-", ".", "?", "\\n"})
_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "correct": 1.0, "incorrect": 0.0, "pass": 1.0, "fail": 0.0,
          "passed": 1.0, "failed": 0.0, "right": 1.0, "wrong": 0.0, "c": 1.0, "i": 0.0, "error": 0.0,
          "hint": 0.0, "✓": 1.0, "✔": 1.0, "☑": 1.0, "✗": 0.0, "✘": 0.0, "✕": 0.0, "☒": 0.0, "☐": 0.0}  # fmt: skip
# Letters mean different things in different files, so all of a file decide.
_LETTERS = (
    {"p": 1.0, "f": 0.0},
    {"t": 1.0, "f": 0.0},
    {"y": 1.0, "n": 0.0},
    {"c": 1.0, "i": 0.0},
    {"r": 1.0, "w": 0.0},
)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?(%?)")
_FRACTION = re.compile(r"([0-9]{1,6})\s*/\s*([0-9]{1,6})")
_RANGE = re.compile(r"([+-]?[0-9.]+)\s*(?:-|–|\.\.|to)\s*([+-]?[0-9.]+)")
# What is written for a missing answer in data of tests and surveys.
_CODES = frozenset({-1.0, -2.0, -7.0, -8.0, -9.0, -77.0, -88.0, -99.0, -999.0, -9999.0, 7.0, 8.0, 9.0, 77.0, 88.0,
                    97.0, 98.0, 99.0, 998.0, 999.0, 9999.0})  # fmt: skip


def parse_score(value: str) -> float | None:
    """A score as it is written; None where nothing was attempted. Percent signs and fractions are taken into account.

    Raises:
        ValueError: It is no score.

    >>> parse_score("0.25"), parse_score("25 %"), parse_score("12,5%"), parse_score("3/4"), parse_score("✓")
    (0.25, 0.25, 0.125, 0.75, 1.0)
    >>> parse_score("NA"), parse_score("yes")
    (None, 1.0)
    """
    text = value.strip().lower()
    if text in _NOT_ATTEMPTED:
        return None
    if text in _WORDS:
        return _WORDS[text]
    if text.endswith("%"):
        # with a sign, a comma separates decimals: nothing is a thousand per cent
        text = text.removesuffix("%").rstrip().replace(",", ".") + "%"
    part = _FRACTION.fullmatch(text)
    if part is not None and int(part[1]) <= int(part[2]) > 0:
        return int(part[1]) / int(part[2])
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(value)
    return float(text.rstrip("%")) / 100.0 if found[3] else float(text)


def read_scale(scale: str) -> tuple[float, float] | None:
    """Lowest and highest score of a scale; None for auto.

    Raises:
        DataError: There is no such scale.

    >>> read_scale("percent"), read_scale("1-5"), read_scale("20")
    ((0.0, 100.0), (1.0, 5.0), (0.0, 20.0))
    """
    word = scale.strip().lower()
    if word == "auto" or ":" in word:
        return None
    if word in {"share", "percent"}:
        return (0.0, 1.0 if word == "share" else 100.0)
    found = _RANGE.fullmatch(word)
    try:
        low, high = (float(found[1]), float(found[2])) if found else (0.0, float(word))
    except ValueError:
        low, high = 0.0, 0.0
    if not low < high:
        raise DataError(f"scale {scale!r} must be one of {SCALES}")
    return low, high


def read_worth(scale: str) -> dict[str, float]:
    """What words of a scale are worth; empty if it is a scale of numbers.

    Raises:
        DataError: What a word is worth is no number from 0 to 1.

    >>> read_worth("A:1, B:0.5"), read_worth("0-2")
    ({'a': 1.0, 'b': 0.5}, {})
    """
    if ":" not in scale:
        return {}
    worth: dict[str, float] = {}
    for part in scale.split(","):
        word, _, value = part.rpartition(":")
        try:
            worth[word.strip().casefold()] = float(value)
        except ValueError:
            worth[""] = -1.0
    if "" in worth or not all(0.0 <= value <= 1.0 for value in worth.values()):
        raise DataError(f"scale {scale!r} must give each word a number from 0 to 1, such as A:1,B:0.5,F:0")
    return worth


@dataclass(slots=True)
class _Score:
    model: str
    text: str
    value: float
    line: int | None
    column: str
    percent: bool  # from 0 to 1 already, whatever the scale
    sign: bool = False  # written with a per cent sign


class Scores:
    """Scores of one file, kept until all of them tell the scale.

    Args:
        builder: Takes models and attempts.
        path: The file.
        scale: See `SCALES`.
        missing: Codes for not attempted by the user's word, beside the usual words; None if he did not say.
        attempts: See `ATTEMPTS`; None refuses a second score, unless `repeats` says that there are repeats.
        repeats: What says that one text is attempted several times.
    """

    def __init__(
        self,
        builder: Builder,
        path: Path,
        *,
        scale: str = "auto",
        missing: frozenset[str] | None = None,
        attempts: str | None = None,
        repeats: str = "",
    ) -> None:
        self.builder = builder
        self.path = path
        self.scale = scale
        self.missing = missing
        if attempts is not None and attempts not in {"share", "first", "last", "best"}:
            raise DataError(f"attempts {attempts!r} must be share, first, last or best")
        self.attempts = attempts
        self.repeats = repeats
        self._range = read_scale(scale)
        self._worth = read_worth(scale)
        self.columns: dict[str, str] = {}  # names of the columns with models and texts, for messages
        self._letters: list[tuple[str, str, str, int | None, str]] = []
        self._found: list[_Score] = []
        self._absent: Counter[str] = Counter()

    def add(self, model: str, text: str, value: str, line: int | None, column: str) -> None:
        """Add a score as it is written."""
        problems = self.builder.problems
        if not model:
            problems.report(
                "empty id", f"expected the name of a model, found nothing{self._fill('model')}", self.path, line
            )
            return
        if not text:
            problems.report(
                "empty id",
                f"expected the id of a text, found nothing{self._fill('text')}",
                self.path,
                line,
            )
            return
        if not self.builder.known_text(text, self.path, line):
            return
        written = value.strip()
        if self._is_missing(written):
            self._absent[written] += 1
            self.builder.model(model)
            return
        if written.casefold() in self._worth:
            self._found.append(_Score(model, text, self._worth[written.casefold()], line, column, percent=True))
            return
        if re.fullmatch(r"[A-Za-z][+-]?", written):
            self._letters.append((model, text, written, line, column))
            return
        try:
            score = parse_score(written)
        except ValueError:
            if written[:1] == "[" and (entries := _entries(written)):
                self.repeats = self.repeats or f"column {column!r} lists them"
                for entry in entries:
                    self.add(model, text, entry, line, column)
                return
            if written[:1] in {"[", "{"}:
                problems.report("no score", _nested(written, column), self.path, line)
                return
            problems.report(
                "no score",
                f"column {column!r}: {value!r} is not a score; expected 0 to 1, 0 to 100, or blank for not attempted; "
                f"if it means not attempted, use missing={written}"
                + f", and if it is a score, say what it is worth, as in scale={written}:0.5"
                * bool(not re.search(r"[0-9:,\[{]", written)),
                self.path,
                line,
            )
            return
        if score is None:
            self._absent[written] += 1
            self.builder.model(model)
        else:
            sign = "%" in written
            whole = sign or "/" in written
            self._found.append(_Score(model, text, score, line, column, percent=whole, sign=sign))

    def _fill(self, what: str) -> str:
        """The way out where blank cells repeat the cell above."""
        column = self.columns.get(what)
        return f"; if blank cells repeat the cell above, as merged cells do, use fill={column}" if column else ""

    def _is_missing(self, written: str) -> bool:
        if self.missing is None:
            return False
        if written in self.missing:
            return True
        try:
            return any(float(written) == float(code) for code in self.missing)
        except ValueError:
            return False

    def finish(self) -> None:
        """Decide on the scale and hand the scores over."""
        self._read_letters()
        low, high = self._range or self._decide()
        words = {word: count for word, count in self._absent.items() if word}
        if words:
            listed = ", ".join(f"{count:,} are {word!r}" for word, count in list(words.items())[:4])
            self.builder.problems.decide(self.path, "not attempted", listed, "missing values", option="missing")
        several: dict[tuple[str, str], list[float]] = {}
        lines: dict[tuple[str, str], int | None] = {}
        for row in self._found:
            top = 1.0 if row.percent else high
            bottom = 0.0 if row.percent else low
            if not bottom <= row.value <= top:
                self.builder.problems.report(
                    "score out of range",
                    f"column {row.column!r}: score {row.value:g} must be from {bottom:g} to {top:g}; if it means not "
                    f"attempted, use missing={row.value:g}",
                    self.path,
                    row.line,
                )
                continue
            score = (row.value - bottom) / (top - bottom)
            pair = (row.model, row.text)
            if pair in several and self.attempts is None and not self.repeats:
                self.builder.problems.report(
                    "second score",
                    f"model {row.model!r} has a score for text {row.text!r} already; use attempts=share for the mean "
                    "of all, or attempts=first or attempts=last",
                    self.path,
                    row.line,
                )
                continue
            several.setdefault(pair, []).append(score)
            lines.setdefault(pair, row.line)
        self._hand_over(several, lines)

    def _read_letters(self) -> None:
        """Scores written as single letters: pass and fail in any of their forms, by all of them."""
        if not self._letters:
            return
        found = {written.casefold() for _, _, written, _, _ in self._letters}
        worth = next((pair for pair in _LETTERS if found <= pair.keys()), None)
        line, column = self._letters[0][3:]
        if worth is None:
            listed = ", ".join(sorted({entry[2] for entry in self._letters}))
            raise DataError(
                f"column {column!r}: holds the letters {listed[:60]}; if they are grades, say what each is worth, as "
                "in scale=A:1,B:0.75,C:0.5,D:0.25,F:0; if they are options that were chosen, add the right ones as a "
                "row KEY of the responses, or write 1 for right and 0 for wrong",
                path=self.path,
                line=line,
            )
        self.builder.problems.decide(
            self.path, "letters", ", ".join(f"{letter} is {worth[letter.casefold()]:g}"
                                            for letter in sorted({entry[2] for entry in self._letters})),
            "no other letters are there", option="scale",
        )  # fmt: skip
        self._found += [
            _Score(model, text, worth[written.casefold()], line, column, percent=True)
            for model, text, written, line, column in self._letters
        ]

    def _hand_over(self, several: dict[tuple[str, str], list[float]], lines: dict[tuple[str, str], int | None]) -> None:
        how = self.attempts or "share"
        repeated = sum(len(scores) > 1 for scores in several.values())
        if repeated:
            self.builder.problems.decide(
                self.path,
                "repeated attempts",
                {"share": "the mean of all", "first": "the first", "last": "the last", "best": "the best"}[how],
                f"{plural(repeated, 'text')} of a model with several scores" + f"; {self.repeats}" * bool(self.repeats),
                option="attempts",
                alternatives=tuple(f"attempts={other}" for other in ("first", "last") if other != how),
            )
        for (model, text), scores in several.items():
            score = {"share": sum(scores) / len(scores), "first": scores[0], "last": scores[-1], "best": max(scores)}[
                how
            ]
            if not self.builder.attempt(model, text, min(1.0, score)):
                self.builder.problems.report(
                    "second score",
                    f"model {model!r} has a score for text {text!r} already, from another file; give one",
                    self.path,
                    lines[model, text],
                )

    def _decide(self) -> tuple[float, float]:
        values = [row.value for row in self._found if not row.percent]
        counts = Counter(values)
        self._refuse_some_signs()
        above = {value: count for value, count in counts.items() if value > 1}
        below = {value: count for value, count in counts.items() if value < 0}
        if not above and not below:
            if values:
                self.builder.problems.decide(
                    self.path, "scale", "0–1", f"{plural(len(values), 'score')} from {min(values):g} to {max(values):g}"
                )
            return 0.0, 1.0
        n_shares = sum(count for value, count in counts.items() if 0 <= value <= 1)
        high, low = max(values), min(values)
        others = {**above, **below}
        first = next(row for row in self._found if row.value in others and not row.percent)
        n_above = sum(above.values())
        # Points, as of an exam with 20, are whole and do not come near 100.
        fractional = any(not value.is_integer() for value in above)
        high_enough = high > 60 or (fractional and high > 20)
        percent = not below and high_enough and high <= 100 and n_above >= n_shares - counts[0.0]
        coded = set(others) <= _CODES and set(counts) - set(others) <= {0.0, 1.0} and len(others) <= 3
        if percent and not (coded and counts[1.0] and sum(others.values()) < n_shares):
            self._refuse_models_with_shares(high)
            self.builder.problems.decide(
                self.path,
                "scale",
                "percent",
                f"{n_above:,} of {plural(len(values), 'score')} are above 1, the highest is {high:g}",
                option="scale",
                alternatives=(f"scale=0-{high:g}",) if high < 100 else (),
            )
            return 0.0, 100.0
        if self.builder.problems.lenient and n_shares > 4 * sum(others.values()):
            return 0.0, 1.0  # each of the others is reported and left out
        raise self._ambiguous(counts, others, first, low, high, coded=coded)

    def _refuse_models_with_shares(self, high: float) -> None:
        """Refuse scores in per cent among which those of a model look like shares.

        Raises:
            AmbiguousError: A model has several scores, all from 0 to 1 and not all 0.
        """
        tops: dict[str, tuple[float, int]] = {}
        for row in self._found:
            if not row.percent:
                top, count = tops.get(row.model, (0.0, 0))
                tops[row.model] = max(top, row.value), count + 1
        model = next((model for model, (top, count) in tops.items() if count > 1 and 0 < top <= 1), None)
        if model is None or sum(top > 1 for top, _ in tops.values()) == 0:
            return
        first = next(row for row in self._found if row.model == model and 0 < row.value <= 1)
        raise AmbiguousError(
            f"the scores of model {model!r} are from 0 to {tops[model][0]:g}, and those of others up to {high:g}; if "
            "the former are shares, write all in one scale",
            path=self.path,
            line=first.line,
            readings=[
                ("all are per cent", "scale=percent"),
                (f"all are points from 0 to {high:g}", f"scale=0-{high:g}"),
            ],
        )

    def _refuse_some_signs(self) -> None:
        """Refuse per cent signs on some scores only, if the others may be shares as well as per cent.

        Raises:
            AmbiguousError: Some scores have the sign, and another is above 0 and at most 1.
        """
        signs = sum(row.sign for row in self._found)
        plain = next((row for row in self._found if not row.percent and 0 < row.value <= 1), None)
        if not signs or plain is None:
            return
        raise AmbiguousError(
            f"column {plain.column!r}: score {plain.value:g} has no per cent sign, and {plural(signs, 'other')} "
            f"{'has' if signs == 1 else 'have'} one",
            path=self.path,
            line=plain.line,
            readings=[
                (f"{plain.value:g} is a share, {100 * plain.value:g} %", "scale=share"),
                (f"{plain.value:g} is per cent", "scale=percent"),
            ],
        )

    def _ambiguous(
        self, counts: Counter[float], others: dict[float, int], first: _Score, low: float, high: float, *, coded: bool
    ) -> AmbiguousError:
        # A code stands outside of the scores: 7 between 5 and 10 is one of them.
        plain = [value for value in counts if value not in _CODES and value >= 0]
        below = {value for value in counts if value < 0}
        top_score = max(plain, default=1.0)
        codes = [value for value in sorted(others) if value in _CODES and (value < 0 or value > top_score)]
        if len(below) > 3 or not below <= _CODES:
            codes = [value for value in codes if value > 0]  # numbers below 0 are scores of their own scale
        listed = ", ".join(
            f"{plural(count, 'score')} {value:g}" if count != 1 else f"1 score {value:g}"
            for value, count in sorted(others.items())[:5]
        )
        readings: list[tuple[str, str]] = []
        if codes and len(codes) == len(others):
            readings.append(("not attempted", f"missing={','.join(f'{value:g}' for value in codes)}"))
        rest = [value for value in counts if value not in codes] or list(counts)
        if codes and len(codes) < len(others) and len(rest) > 1:
            top = max(rest)
            readings.append(
                (
                    f"not attempted, and the others on a scale up to {top:g}",
                    f"missing={','.join(f'{value:g}' for value in codes)} and scale={max(0, min(rest)):g}-{top:g}",
                )
            )
        if low >= 0:
            bottom = 1 if low >= 1 and float(low).is_integer() and high <= 10 else 0
            readings.append((f"points from {bottom} to {high:g}", f"scale={bottom}-{high:g}"))
            if bottom == 1:
                readings.append((f"points from 0 to {high:g}", f"scale=0-{high:g}"))
            if high <= 100 and not coded:
                readings.append(("percent", "scale=percent"))
        elif not readings:
            least, top = (-1.0, 1.0) if low >= -1 and high <= 1 else (low, max(high, 0.0))
            readings.append((f"points from {least:g} to {top:g}", f"scale={least:g}-{top:g}"))
        return AmbiguousError(
            f"column {first.column!r}: score {first.value:g} among scores from 0 to 1 ({listed})"
            if any(0 <= value <= 1 for value in counts) and coded
            else f"column {first.column!r}: scores from {low:g} to {high:g} ({listed}) do not determine their scale",
            path=self.path,
            line=first.line,
            readings=readings,
        )


def _entries(written: str) -> list[str]:
    """Scores of a cell that lists those of several attempts; none if it holds anything else."""
    try:
        found = parse_json(written)
    except ValueError:
        return []
    scores = [str(entry).lower() for entry in found if isinstance(entry, bool | int | float | str)]
    return scores if len(scores) == len(found) and not any(score[:1] in "[{" for score in scores) else []


def _nested(written: str, column: str) -> str:
    """What is said of an object or a list of JSON in the place of a score."""
    what = "an object" if written.startswith("{") else "a list"
    keys = re.findall(r'[{,]\s*"([^"]+)"\s*:', written)
    way = f", such as score_column={column}.{keys[0]}" if keys else ""
    return f"column {column!r} holds {what}, {written[:40]}, where a score is expected; name what holds the score{way}"


def is_score_column(values: Sequence[str]) -> bool:
    """True if all values are scores or missing, and one is a score."""
    found = False
    for value in values:
        try:
            found |= parse_score(value) is not None
        except ValueError:
            return False
    return found
