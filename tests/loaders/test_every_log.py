"""Random answers in every form of students' logs, and random texts in folders, are read back equal."""

from __future__ import annotations

import csv
import gzip
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, given, settings

from loaders.dataset import Dataset
from loaders.formats import load

_SETTINGS = settings(max_examples=15, deadline=None, derandomize=True, phases=[Phase.generate])


@dataclass(frozen=True)
class Log:
    """What students answered, in order, and the skills of each problem."""

    skills: dict[str, list[str]]
    answers: list[tuple[str, str, int]]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        asked = {problem for _, problem, _ in self.answers}
        return sorted((problem, skill) for problem in asked for skill in self.skills[problem])

    @property
    def scores(self) -> list[tuple[str, str, float]]:
        found: dict[tuple[str, str], list[int]] = {}
        for student, problem, right in self.answers:
            found.setdefault((student, problem), []).append(right)
        return sorted((*key, sum(values) / len(values)) for key, values in found.items())

    def of(self, student: str) -> list[tuple[str, int]]:
        return [(problem, right) for who, problem, right in self.answers if who == student]

    @property
    def students(self) -> list[str]:
        return sorted({student for student, _, _ in self.answers})


def logs(*, numbers: bool) -> st.SearchStrategy[Log]:
    """Two or three students who answer up to four problems again and again; ids are numbers or have odd letters."""
    odd = st.just("") if numbers else st.text("aé #.'()", max_size=3)

    @st.composite
    def drawn(draw: st.DrawFn) -> Log:
        first = "" if numbers else "k"
        last = "" if numbers else "z"
        names = [f"{first}{draw(odd)}{1 + at}{last}" for at in range(3)]
        problems = [f"{'' if numbers else 'p'}{draw(odd)}{10 + at}{last}" for at in range(draw(st.integers(2, 4)))]
        skills = {p: sorted(draw(st.sets(st.sampled_from(names), min_size=1, max_size=3))) for p in problems}
        students = [f"{'' if numbers else 'u'}{100 + at}" for at in range(draw(st.integers(2, 3)))]
        one = st.tuples(st.sampled_from(students), st.sampled_from(problems), st.integers(0, 1))
        answers = draw(st.lists(one, min_size=4, max_size=12))
        answers += [(student, problem, 1) for student in students for problem in problems[:1]]
        return Log(skills, answers)

    return drawn()


def delimited(rows: Sequence[Sequence[object]], mark: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=mark, lineterminator="\n").writerows(rows)
    return stream.getvalue()


Written = tuple[str, str]


def assistments(log: Log) -> Written:
    """A row for each skill of an answer."""
    rows = [("order_id", "user_id", "problem_id", "correct", "skill_name", "attempt_count")]
    rows += [(str(n), s, p, str(right), skill, "1") for n, (s, p, right) in enumerate(log.answers)
             for skill in log.skills[p]]  # fmt: skip
    return "skill_builder_data.csv", delimited(rows)


def assistments_joined(log: Log) -> Written:
    """A row for each answer; the numbers of its skills are joined by _."""
    rows = [("order_id", "user_id", "problem_id", "correct", "skill_id")]
    rows += [(str(n), s, p, str(right), "_".join(log.skills[p])) for n, (s, p, right) in enumerate(log.answers)]
    return "skill_builder_data_corrected_collapsed.csv", delimited(rows)


def datashop(log: Log) -> Written:
    """A transaction for each answer; the column of skills stands as often as a step has skills."""
    most = max(len(found) for found in log.skills.values())
    rows: list[Sequence[object]] = [("Row", "Anon Student Id", "Problem Name", "Step Name", "Outcome",
                                     *(["KC (Default)", "KC Category (Default)"] * most))]  # fmt: skip
    for number, (student, problem, right) in enumerate(log.answers, 1):
        cells = [cell for skill in log.skills[problem] for cell in (skill, "")]
        rows.append((number, student, problem, "", "CORRECT" if right else "INCORRECT",
                     *cells, *[""] * (2 * most - len(cells))))  # fmt: skip
    return "ds76_tx.txt", delimited(rows, "\t")


def kdd_cup(log: Log) -> Written:
    rows: list[Sequence[object]] = [
        ("Row", "Anon Student Id", "Problem Name", "Step Name", "Correct First Attempt", "KC(Default)",
         "Opportunity(Default)")
    ]  # fmt: skip
    rows += [(n, s, p, "", right, "~~".join(log.skills[p]), "~~".join("1" for _ in log.skills[p]))
             for n, (s, p, right) in enumerate(log.answers, 1)]  # fmt: skip
    return "algebra_2005_2006_train.txt", delimited(rows, "\t")


def lists(log: Log, own: list[tuple[str, int]]) -> tuple[str, str, str]:
    """A student's problems, their skills and what was right, as pyKT joins them."""
    return (
        ",".join(problem for problem, _ in own),
        ",".join("_".join(log.skills[problem]) for problem, _ in own),
        ",".join(str(right) for _, right in own),
    )


def pykt_data(log: Log) -> Written:
    lines = []
    for student in log.students:
        own = log.of(student)
        problems, concepts, right = lists(log, own)
        lines += [f"{student},{len(own)}", problems, concepts, right, ",".join(str(n) for n in range(len(own))), "NA"]
    return "data.txt", "\n".join(lines) + "\n"


def pykt_sequences(log: Log) -> Written:
    """Each question once for each of its skills, filled up with -1."""
    rows: list[Sequence[object]] = [("fold", "uid", "questions", "concepts", "responses", "selectmasks", "is_repeat")]
    whole = 1 + max(sum(len(log.skills[p]) for p, _ in log.of(student)) for student in log.students)
    for student in log.students:
        steps = [(p, skill, right, 1, int(at > 0)) for p, right in log.of(student)
                 for at, skill in enumerate(log.skills[p])]  # fmt: skip
        steps += [("-1", "-1", -1, -1, -1)] * (whole - len(steps))
        rows.append((0, student, *(",".join(str(step[at]) for step in steps) for at in range(5))))
    return "train_valid_sequences.csv", delimited(rows)


def pykt_by_question(log: Log) -> Written:
    rows: list[Sequence[object]] = [("fold", "uid", "questions", "concepts", "responses", "selectmasks")]
    for student in log.students:
        own = log.of(student)
        rows.append((0, student, *lists(log, own), ",".join("1" for _ in own)))
    return "train_valid_sequences_quelevel.csv", delimited(rows)


def pykt_windows(log: Log) -> Written:
    """A window of two for each answer beyond the second; what stands in it before is only its context."""
    rows: list[Sequence[object]] = [("fold", "uid", "questions", "concepts", "responses", "selectmasks")]
    for student in log.students:
        own = log.of(student)
        for last in range(1, max(len(own), 2)):
            window = own[max(last - 1, 0) : last + 1]
            masks = [1, 1] if last == 1 else [-1, 1]
            rows.append((-1, student, *lists(log, window), ",".join(str(mask) for mask in masks[: len(window)])))
    return "test_window_sequences.csv", delimited(rows)


def read(written: Written, folder: str, **options: str) -> Dataset:
    path = Path(folder, written[0])
    path.write_text(written[1], encoding="utf-8")
    return load(path, name="d", **options).dataset  # type: ignore[arg-type]


def pairs(dataset: Dataset) -> list[tuple[str, str]]:
    return sorted((row["text"], row["skill"]) for row in dataset.requirements.to_pylist())


def scores(dataset: Dataset) -> list[tuple[str, str, float]]:
    return sorted((row["model"], row["text"], row["score"]) for row in dataset.attempts.to_pylist())


def agree(dataset: Dataset, log: Log) -> None:
    assert pairs(dataset) == log.pairs
    found = scores(dataset)
    assert [row[:2] for row in found] == [row[:2] for row in log.scores]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in log.scores])


@pytest.mark.parametrize("form", [assistments, datashop, kdd_cup])
@given(log=logs(numbers=False))
@_SETTINGS
def test_logs_with_names(form: Callable[[Log], Written], log: Log) -> None:
    with TemporaryDirectory() as folder:
        agree(read(form(log), folder), log)


@pytest.mark.parametrize(
    "form",
    [assistments, assistments_joined, datashop, kdd_cup, pykt_data, pykt_sequences, pykt_by_question, pykt_windows],
)
@given(log=logs(numbers=True))
@_SETTINGS
def test_logs_with_numbers(form: Callable[[Log], Written], log: Log) -> None:
    with TemporaryDirectory() as folder:
        agree(read(form(log), folder), log)


@given(log=logs(numbers=False), flag=st.sampled_from([("true", "false"), ("1", "0"), ("True", "False")]))
@_SETTINGS
def test_junyi_with_its_exercises(log: Log, flag: tuple[str, str]) -> None:
    """An exercise has one topic; the log stands beside it."""
    log = Log({problem: skills[:1] for problem, skills in log.skills.items()}, log.answers)
    exercises: list[Sequence[object]] = [("name", "live", "prerequisites", "topic")]
    exercises += [(problem, "True", "", skills[0]) for problem, skills in log.skills.items()]
    rows: list[Sequence[object]] = [("user_id", "exercise", "problem_type", "correct")]
    rows += [(student, problem, "0", flag[0] if right else flag[1]) for student, problem, right in log.answers]
    with TemporaryDirectory() as folder:
        answers = Path(folder, "junyi_ProblemLog_original.csv")
        answers.write_text(delimited(rows), encoding="utf-8")
        dataset = read(("junyi_Exercise_table.csv", delimited(exercises)), folder, text_column="name",
                       skill_column="topic", outcomes=str(answers), attempts="share")  # fmt: skip
    assert pairs(dataset) == sorted((problem, skills[0]) for problem, skills in log.skills.items())
    assert scores(dataset) == [(*row[:2], pytest.approx(row[2])) for row in log.scores]


# Folders of texts --------------------------------------------------------------------------------------------

_TERMS = ("graph", "théorie", "machine learning", "C++", "ring", "Fourier-Reihe", "集合")
_FILL = ("and", "the", "ringing", "subgraph", "C", "learning", "x2", "reihe")


@st.composite
def folders(draw: st.DrawFn) -> dict[str, list[str]]:
    """Paths of texts with their words; terms stand among words that only look like them."""
    names = draw(st.lists(st.text("ab é#-", min_size=1, max_size=4).map(str.strip).filter(bool), min_size=1, max_size=4,
                          unique_by=str.casefold))  # fmt: skip
    words = st.lists(st.sampled_from((*_TERMS, *_FILL)), max_size=8)
    kinds = st.sampled_from([".txt", ".md", ".rst"])
    below = st.sampled_from(["", "one/", "one/two é/"])
    return {f"{draw(below)}n{name}{draw(kinds)}": draw(words) for name in names}


@given(
    texts=folders(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    case=st.sampled_from([str.lower, str.upper, str.title, str]),
    form=st.sampled_from(["NFC", "NFD"]),
    space=st.sampled_from([" . ", "\n", " , ", "\n\n* "]),
    table=st.sampled_from(["lines", "csv", "json", "packed"]),
)
@_SETTINGS
def test_folders_of_texts(
    texts: dict[str, list[str]], encoding: str, case: Callable[[str], str], form: str, space: str, table: str
) -> None:
    with TemporaryDirectory() as root:
        for name, words in texts.items():
            path = Path(root, "texts", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            content = unicodedata.normalize(form, space.join(map(case, words)))  # type: ignore[arg-type]
            path.write_bytes(content.encode(encoding))
        vocabulary = _vocabulary(Path(root), table)
        dataset = load(Path(root, "texts"), name="d", format="text-folder", vocabulary=str(vocabulary)).dataset
    weights = {(row["text"], row["skill"]): row["weight"] for row in dataset.requirements.to_pylist()}
    expected = {
        (unicodedata.normalize("NFC", name), term): float(count)
        for name, words in texts.items()
        for term, count in Counter(words).items()
        if term in _TERMS
    }
    assert weights == expected
    assert dataset.n_texts == len(texts)
    assert sorted(dataset.skills["id"].to_pylist()) == sorted(_TERMS)


def _vocabulary(root: Path, how: str) -> Path:
    if how == "csv":
        path = root / "terms.csv"
        path.write_text(delimited([("skill", "terms"), *((term, term) for term in _TERMS)]))
    elif how == "json":
        path = root / "terms.jsonl"
        path.write_text("\n".join(json.dumps({"skill": term, "terms": term}) for term in _TERMS))
    else:
        path = root / ("terms.txt.gz" if how == "packed" else "terms.txt")
        content = "# terms\n" + "\n".join(_TERMS) + "\n"
        path.write_bytes(gzip.compress(content.encode()) if how == "packed" else content.encode())
    return path
