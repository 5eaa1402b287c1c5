"""Logs of students' answers that hold skills and outcomes in one file: ASSISTments, Junyi, pyKT, DataShop, KDD Cup.

A student is a model, a problem (or a step of one) a text; what a problem requires is in the same row. Outcomes of
models whose rows name the skills of the text are read likewise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from loaders import _columns
from loaders._builder import Builder
from loaders._dialect import is_missing_word, name_key
from loaders._files import Progress, open_lines, suffixes
from loaders._lists import ListReader, list_reader
from loaders._reading import AmbiguousError, plural, quoted
from loaders._registry import Claim, Format, register
from loaders._rows import TABLE_OPTIONS, Table, find_column, open_table, optional_column
from loaders._scores import ATTEMPTS, SCALES, Scores
from loaders._source import Source
from loaders.errors import DataError

__all__ = ["OPTIONS", "read_student_log"]

OPTIONS: Mapping[str, str] = {
    "text_column": "name of the column with the problem, or of several that identify it together, separated by commas",
    "skills_column": "name of the column with the skill or skills",
    "model_column": "name of the column with the student",
    "score_column": "name of the column with the outcome",
    "separator": "what stands between skills: a mark or its name, or none for one skill per cell",
    "attempts": ATTEMPTS,
    "scale": f"scores: {SCALES}",
    **TABLE_OPTIONS,
}
_PROBLEM = ("problem_id", "question_id", "item_id", "exercise", "exercise_id", "ucid", "upid", "problem_name",
            "question", "problem", "item", "assistment_id", "task_id", "step_name")  # fmt: skip
_SKILL = ("skill_name", "skill", "skills", "skill_id", "skill_ids", "list_skills", "concept", "concepts", "kc", "kcs",
          "knowledge_component", "topic", "tag", "tags", "concept_id")  # fmt: skip
_OUTCOME = ("correct", "is_correct", "correct_first_attempt", "first_attempt", "outcome", "score", "result",
            "answer_state", "correctness", "label")  # fmt: skip
# Where models answer, not students, texts and skills are called as in other tables.
_TEXT = ("text_id", "text", "task", "document_id", "document", "doc_id", "doc")
_SKILLS = (*_SKILL, *_columns.SKILLS, *(name for name in _columns.SKILL if name != "target"))
_SEQUENCES = ("questions", "concepts", "responses")
_MARKS = ("is_repeat", "selectmasks")


@dataclass
class _Places:
    text: list[int]
    skills: list[int]
    model: int | None
    score: int | None
    attempt: int | None


def read_student_log(
    path: Path,
    builder: Builder,
    *,
    text_column: str | None = None,
    skills_column: str | None = None,
    model_column: str | None = None,
    score_column: str | None = None,
    separator: str | None = None,
    attempts: str | None = None,
    scale: str | None = None,
    progress: Progress | None = None,
    **table: str | None,
) -> None:
    """Add a log: problems with their skills, and what each student got right.

    Rows that repeat one answer for each of its skills (the same order_id, student, problem and time) count as one
    attempt; several attempts of a student at a problem become their mean, unless `attempts` says otherwise. A problem
    that has other skills in another row requires all of them. Rows of pyKT hold whole sequences, joined by commas: an
    answer that is repeated for each skill of its question (`is_repeat`) or only the context of others
    (`selectmasks`) counts once. pyKT's `data.txt` has six lines for each student.

    Args:
        path: Any table, see `open_table`.
        builder: Takes texts, skills, requirements, models and attempts.
        text_column: See `OPTIONS`, likewise the others.
        skills_column: See `OPTIONS`.
        model_column: See `OPTIONS`.
        score_column: See `OPTIONS`.
        separator: See `OPTIONS`.
        attempts: See `OPTIONS`.
        scale: See `OPTIONS`.
        progress: Called with bytes read and all bytes.
        table: Of `TABLE_OPTIONS`.

    Raises:
        DataError: A missing column, an outcome that is none, or what `Scores` raises.
    """
    if _is_six_lines(path):
        _read_six_lines(path, builder, scale or "auto", attempts, progress)
        return
    known = [skills_column, model_column, score_column, *(text_column or "").split(",")]
    ids = [skills_column, model_column, *(text_column or "").split(",")]
    with open_table(path, builder.problems, progress=progress, known=known, ids=ids, **table) as opened:
        keys = [name_key(name) for name in opened.header]
        is_sequences = _has_sequences(set(keys)) and text_column is None
        scores = Scores(
            builder,
            path,
            scale=scale or "auto",
            missing=opened.missing,
            attempts=attempts,
            repeats="the log has a row for each attempt",
        )
        if is_sequences:
            _read_sequences(opened, builder, scores, keys)
        else:
            _read_rows(opened, builder, scores, text_column, skills_column, model_column, score_column, separator)
    scores.finish()


def _places(table: Table, text: str | None, skills: str | None, model: str | None, score: str | None) -> _Places:
    header, path = table.header, table.path
    keys = [name_key(name) for name in header]
    found = _skill_places(table, keys, skills)
    if text is not None and text not in header and "," in text:
        texts = [find_column(header, (), part.strip(), path, what="the problem", option="text_column") for part in
                 text.split(",")]  # fmt: skip
    elif text is None and "step_name" in keys and "problem_name" in keys:
        texts = [keys.index("problem_name"), keys.index("step_name")]
    else:
        texts = [
            find_column(header, (*_PROBLEM, *_TEXT), text, path, what="the problem", option="text_column", table=table)
        ]
    attempt = next((keys.index(name) for name in ("order_id", "log_id", "transaction_id", "row") if name in keys), None)
    return _Places(
        texts,
        found,
        optional_column(header, (*_columns.STUDENT, *_columns.MODEL), model, path),
        optional_column(header, (*_OUTCOME, *_columns.SCORE), score, path),
        attempt,
    )


def _skill_places(table: Table, keys: Sequence[str], given: str | None) -> list[int]:
    header = table.header
    if given is not None:
        places = [at for at, name in enumerate(header) if name == given]
        return places or [find_column(header, (), given, table.path, what="the skills", option="skills_column")]
    models = list(dict.fromkeys(key for key in keys if _is_model(key)))
    if models:
        chosen = next((key for key in models if "default" in key), models[0] if len(models) == 1 else None)
        if chosen is None:
            raise AmbiguousError(
                f"has {len(models)} models of skills",
                path=table.path,
                readings=[(header[keys.index(m)], f"skills_column={header[keys.index(m)]}") for m in models],
            )
        return [at for at, key in enumerate(keys) if key == chosen]
    return [find_column(header, _SKILLS, None, table.path, what="the skills", option="skills_column", table=table)]


def _is_model(key: str) -> bool:
    return key.startswith(("kc(", "kc_(")) and not key.startswith("kc_category")


def _read_rows(
    table: Table,
    builder: Builder,
    scores: Scores,
    text: str | None,
    skills: str | None,
    model: str | None,
    score: str | None,
    separator: str | None,
) -> None:
    header, path, problems = table.header, table.path, builder.problems
    places = _places(table, text, skills, model, score)
    rows = list(table.rows)
    cells = list({values[at] for _, values in rows for at in places.skills})
    read = _skill_reader(cells, separator, table, places, builder)
    problems.decide(
        path,
        "columns",
        f"texts from {quoted([header[at] for at in places.text])}, skills from {quoted([header[places.skills[0]]])}"
        + (f" ({len(places.skills)} columns)" if len(places.skills) > 1 else "")
        + (f", {_respondents(header, places)} from {header[places.model]!r}" if places.model is not None else "")
        + (f", outcomes from {header[places.score]!r}" if places.score is not None else ""),
        option="text_column",
        columns=(
            *((header[at], "text") for at in places.text),
            *((header[at], "skills") for at in places.skills),
            *(((header[places.model], "model"),) if places.model is not None else ()),
            *(((header[places.score], "score"),) if places.score is not None else ()),
        ),
    )
    parsed: dict[str, list[str]] = {}
    required: set[tuple[str, str]] = set()
    counted: set[tuple[str, str, str]] = set()
    absent: dict[str, int] = {}
    firsts: dict[tuple[str, int], str] = {}
    others: set[str] = set()
    for line, values in rows:
        identifier = " / ".join(values[at].strip() for at in places.text if values[at].strip())
        if not builder.known_text(identifier, path, line, header[places.text[0]]):
            continue
        builder.text(identifier)
        for at in places.skills:
            cell = values[at].strip()
            if not cell or table.is_missing(cell) or (is_missing_word(cell) and table.missing is None):
                absent[cell] = absent.get(cell, 0) + 1
                continue
            if cell not in parsed:
                try:
                    parsed[cell] = [name for name, _ in read(cell)]
                except ValueError as error:
                    problems.report("no skills", f"column {header[at]!r}: {error}", path, line)
                    parsed[cell] = []
            if firsts.setdefault((identifier, at), cell) != cell:
                others.add(identifier)
            for skill in parsed[cell]:
                if (identifier, skill) not in required and builder.known_skill(skill, path, line, header[at]):
                    required.add((identifier, skill))
                    builder.require(identifier, skill)
        if places.model is None or places.score is None:
            continue
        student = values[places.model].strip()
        if places.attempt is not None:
            answer = (student, identifier, values[places.attempt])
            if answer in counted:
                continue  # the same answer, once more for another of its skills
            counted.add(answer)
        scores.add(student, identifier, values[places.score], line, header[places.score])
    if others and len(places.skills) == 1 and places.attempt is None:
        problems.decide(path, "texts with other skills in other rows", plural(len(others), "text"),
                        "all of them are required")  # fmt: skip
    words = {word: count for word, count in absent.items() if word}
    if words and len(places.skills) == 1:
        listed = ", ".join(f"{plural(count, 'row')} with {word!r}" for word, count in words.items())
        problems.decide(path, "no skill", listed, "missing values", option="missing", alternatives=("missing=none",))


def _respondents(header: Sequence[str], places: _Places) -> str:
    assert places.model is not None
    return "students" if name_key(header[places.model]) in _columns.STUDENT else "models"


def _skill_reader(
    cells: Sequence[str], separator: str | None, table: Table, places: _Places, builder: Builder
) -> ListReader:
    header = table.header[places.skills[0]]
    present = [cell for cell in cells if cell.strip() and not table.is_missing(cell) and not is_missing_word(cell)]
    joined = [cell for cell in present if "_" in cell and all(part.isdecimal() for part in cell.strip().split("_"))]
    if separator is None and joined and all(cell.strip().replace("_", "").isdecimal() for cell in present):
        # ASSISTments and pyKT join numbers of skills so
        builder.problems.decide(table.path, f"separator of {header!r}", "_", f"in {plural(len(joined), 'value')} of "
                                "numbers", option="separator")  # fmt: skip
        separator = "_"
    if separator is None and _is_model(name_key(header)):
        separator = "~~"
    return list_reader(
        present, separator, path=table.path, column=header, problems=builder.problems, option="separator"
    )


def _has_sequences(keys: AbstractSet[str]) -> bool:
    """True for the columns of pyKT's rows; sets without questions have only concepts."""
    return keys >= {"concepts", "responses"} and bool(keys & {"questions", "selectmasks", "fold", "uid"})


class _Sequences:
    """Takes the answers of students: lists of questions, concepts (several joined by _) and responses."""

    def __init__(self, path: Path, builder: Builder, scores: Scores) -> None:
        self.path = path
        self.builder = builder
        self.scores = scores
        self._required: set[tuple[str, str]] = set()

    def add(self, student: str, lists: Mapping[str, Sequence[str]], line: int | None) -> None:
        lengths = {name: len(found) for name, found in lists.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{count} {name}" for name, count in lengths.items())
            self.builder.problems.report(
                "other lengths", f"{listed}; expected the same number of each", self.path, line
            )
            return
        marks = [lists.get(name, ()) for name in _MARKS]
        for at, (question, names, response) in enumerate(_answers(lists)):
            if response == "-1" or question == "-1":
                continue  # fills up
            if not self.builder.known_text(question, self.path, line, "questions"):
                continue
            self.builder.text(question)
            for skill in names:
                known = (question, skill) in self._required
                if not known and self.builder.known_skill(skill, self.path, line, "concepts"):
                    self._required.add((question, skill))
                    self.builder.require(question, skill)
            repeated = bool(marks[0]) and marks[0][at] == "1"
            if not repeated and (not marks[1] or marks[1][at] == "1"):
                self.scores.add(student, question, response, line, "responses")


def _answers(lists: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, list[str], str]]:
    concepts, responses = lists["concepts"], lists["responses"]
    for at, (concept, response) in enumerate(zip(concepts, responses, strict=True)):
        names = [name for name in concept.split("_") if name and name != "-1"]
        # without questions, as some of the data sets have it, a concept is its own question
        yield lists["questions"][at] if "questions" in lists else "_".join(names) or "-1", names, response


def _read_sequences(table: Table, builder: Builder, scores: Scores, keys: Sequence[str]) -> None:
    """Rows of pyKT: a student's questions, concepts and responses, joined by commas; -1 fills up."""
    places = {name: keys.index(name) for name in (*_SEQUENCES, *_MARKS) if name in keys}
    student = next((keys.index(name) for name in ("uid", *_columns.STUDENT) if name in keys), None)
    builder.problems.decide(
        table.path,
        "columns",
        "sequences of questions, concepts (several joined by _) and responses",
        "as pyKT has them" if "questions" in places else "as pyKT has them; a concept is its own question",
    )
    sequences = _Sequences(table.path, builder, scores)
    for number, (line, values) in enumerate(table.rows, 1):
        lists = {name: [part.strip() for part in values[at].split(",")] for name, at in places.items()}
        if set(lists.get("questions", ())) <= {"", "NA"}:
            lists.pop("questions", None)
        sequences.add(f"student {number}" if student is None else values[student].strip(), lists, line)


def _is_six_lines(path: Path) -> bool:
    """True for pyKT's data.txt: a student and a count, questions, concepts, responses, times, durations."""
    if suffixes(path) not in {".txt", ".csv", ".dat", ""}:
        return False
    try:
        with open_lines(path) as text:
            lines = [line.strip() for line in itertools.islice(text, 6)]
    except DataError:
        return False  # another encoding, which the reader of tables may know of
    if len(lines) < 6:
        return False
    student, _, count = lines[0].rpartition(",")
    if not student or "," in student or not count.isdecimal():
        return False
    parts = [line.split(",") for line in lines[1:]]
    # durations may be given only in part; responses and concepts are always there
    full = all(len(found) == int(count) or found == ["NA"] for found in parts[:4])
    return full and len(parts[2]) == len(parts[1]) == int(count) and set(parts[2]) <= {"0", "1"}


def _read_six_lines(path: Path, builder: Builder, scale: str, attempts: str | None, progress: Progress | None) -> None:
    scores = Scores(
        builder, path, scale=scale, attempts=attempts, repeats="the log has an answer for each time it was asked"
    )
    builder.problems.decide(
        path,
        "lines",
        "six for each student: student and count, questions, concepts (several joined by _), responses, times, "
        "durations",
        "as pyKT's data.txt has them",
    )
    sequences = _Sequences(path, builder, scores)
    with open_lines(path, progress) as text:
        lines = enumerate((line.strip() for line in text), 1)
        while head := [row for row in itertools.islice(lines, 6) if row[1]]:
            number = head[0][0]
            if len(head) < 6:
                builder.problems.report(
                    "cut off", f"a student has {plural(len(head), 'line')}; expected six", path, number
                )
                break
            student, _, count = head[0][1].rpartition(",")
            lists = {name: head[at][1].split(",") for at, name in enumerate(_SEQUENCES, 1) if head[at][1] != "NA"}
            wrong = not count.isdecimal() or any(len(found) != int(count) for found in lists.values())
            if wrong or "concepts" not in lists or "responses" not in lists:
                listed = ", ".join(f"{len(found)} {name}" for name, found in lists.items())
                builder.problems.report(
                    "other lengths",
                    f"{head[0][1]!r} is followed by {listed}; expected as many of each as it says",
                    path,
                    number,
                )
                continue
            sequences.add(student, lists, number)
    scores.finish()


def _claims(source: Source) -> Claim | None:
    if source.is_dir:
        return None
    if _is_six_lines(source.path):
        return Claim(91, "six lines for each student, as pyKT's data.txt has them")
    keys = source.keys
    if not keys:
        return None
    if _has_sequences(keys):
        return Claim(72, "sequences of questions, concepts and responses")
    if any(_is_model(key) for key in keys) and keys & {*_PROBLEM, "step_name"}:
        return Claim(72, "a column KC (…) for the skills of a step")
    if keys & set(_columns.STUDENT) and keys & set(_PROBLEM) and keys & set(_SKILL) and keys & set(_OUTCOME):
        return Claim(70, "columns for a student, a problem, its skill and the outcome")
    beside = {"requirements", "skills_column"} & source.options.keys()
    texts, outcomes = {*_PROBLEM, *_TEXT}, {*_OUTCOME, *_columns.SCORE}
    if not beside and all(keys & names for names in ({*_columns.MODEL}, texts, {*_SKILLS}, outcomes)):
        return Claim(69, "columns for a model, a task, its skills and the outcome")
    return None


register(
    Format(
        "student-log",
        "log of answers with skills: ASSISTments, Junyi, pyKT, DataShop, KDD Cup",
        read_student_log,
        OPTIONS,
        claims=_claims,
        requirements=True,
    )
)
