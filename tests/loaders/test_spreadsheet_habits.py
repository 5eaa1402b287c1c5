"""Merged cells, keys of answers, grades, sums in the middle, skills within objects, pairs: read right or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loaders.errors import DataError
from loaders.formats import LoadReport, load

EDGES = "text,skill\nt1,loops\nt2,loops\nt2,sorting\n"
Q = "item,loops,sorting\nt1,1,0\nt2,1,1\n"


def _load(folder: Path, name: str, content: str, **options: str) -> LoadReport:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return load(path, name="d", **options)


def _pairs(report: LoadReport) -> list[tuple[str, str]]:
    return sorted((row["text"], row["skill"]) for row in report.dataset.requirements.to_pylist())


def _scores(report: LoadReport) -> dict[tuple[str, str], float]:
    return {(row["model"], row["text"]): row["score"] for row in report.dataset.attempts.to_pylist()}


@pytest.mark.parametrize("rows", [
    "text,skill\nt1,loops\n,sorting\nt2,loops\n",
    "id,skills\nt1,loops\n,sorting\nt2,loops\n",
    "skill,text\nloops,t1\nsorting,\nloops,t2\n",
])  # fmt: skip
def test_merged_cells_are_refused_and_read_with_the_option_named(rows: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3: .*use fill=(text|id)$") as refused:
        _load(tmp_path, "merged.csv", rows)
    report = _load(tmp_path, "merged.csv", rows, fill=str(refused.value).rpartition("=")[2])
    assert _pairs(report) == [("t1", "loops"), ("t1", "sorting"), ("t2", "loops")]
    assert "blank cells" in {decision.what for decision in report.decisions}


def test_a_blank_first_cell_is_not_filled_from_the_names(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2"):
        _load(tmp_path, "merged.csv", "text,skill\n,loops\nt2,loops\n", fill="text")
    with pytest.raises(DataError, match="has no column 'txt'"):
        _load(tmp_path, "merged.csv", EDGES, fill="txt")


@pytest.mark.parametrize(("right", "wrong"), [("P", "F"), ("T", "f"), ("y", "N"), ("C", "I"), ("pass", "fail"),
                                              ("Correct", "Incorrect"), ("TRUE", "FALSE")])  # fmt: skip
def test_pass_and_fail_in_any_form_are_scores(right: str, wrong: str, tmp_path: Path) -> None:
    outcomes = tmp_path / "o.csv"
    outcomes.write_text(f"text,model,score\nt1,m,{right}\nt2,m,{wrong}\n", encoding="utf-8")
    assert _scores(_load(tmp_path, "e.csv", EDGES, outcomes=str(outcomes))) == {("m", "t1"): 1, ("m", "t2"): 0}


def test_grades_are_refused_until_their_worth_is_said(tmp_path: Path) -> None:
    outcomes = tmp_path / "o.csv"
    outcomes.write_text("text,model,grade\nt1,m,C\nt2,m,F\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"line 2: column 'grade': holds the letters C, F; if they are grades.*scale=A:1"
    ):
        _load(tmp_path, "e.csv", EDGES, outcomes=str(outcomes))
    report = _load(tmp_path, "e.csv", EDGES, outcomes=str(outcomes), scale="A:1,C:0.5,F:0")
    assert _scores(report) == {("m", "t1"): 0.5, ("m", "t2"): 0}
    with pytest.raises(DataError, match="a number from 0 to 1"):
        _load(tmp_path, "e.csv", EDGES, outcomes=str(outcomes), scale="A:4")


@pytest.mark.parametrize("label", ["KEY", "Answer key", "correct answers"])
@pytest.mark.parametrize("answers", ["A,C/A,d/b,C", "1,1/1,0/0,1", "3,2/3,4/1,2"])
def test_a_row_with_the_right_answers_scores_the_others_and_is_no_student(
    label: str, answers: str, tmp_path: Path
) -> None:
    key, first, second = answers.split("/")
    responses = tmp_path / "r.csv"
    responses.write_text(f"student,t1,t2\n{label},{key}\ns1,{first}\ns2,{second}\n", encoding="utf-8")
    report = _load(tmp_path, "q.csv", Q, responses=str(responses))
    assert _scores(report) == {("s1", "t1"): 1, ("s1", "t2"): 0, ("s2", "t1"): 0, ("s2", "t2"): 1}
    assert any(decision.what == "right answers" and decision.option == "responses_key" for decision in report.decisions)


def test_a_column_with_the_right_answers_is_no_model(tmp_path: Path) -> None:
    outcomes = tmp_path / "o.csv"
    outcomes.write_text("text,key,m1,m2\nt1,A,A,b\nt2,C,,C\n", encoding="utf-8")
    report = _load(tmp_path, "e.csv", EDGES, outcomes=str(outcomes))
    assert _scores(report) == {("m1", "t1"): 1, ("m2", "t1"): 0, ("m2", "t2"): 1}


def test_a_student_may_be_called_key(tmp_path: Path) -> None:
    responses = tmp_path / "r.csv"
    responses.write_text("student,t1,t2\nKEY,0,1\ns1,1,0\n", encoding="utf-8")
    report = _load(tmp_path, "q.csv", Q, responses=str(responses), responses_key="none")
    assert report.dataset.models["id"].to_pylist() == ["KEY", "s1"]


@pytest.mark.parametrize("rows", [
    "text,skills\nt1,loops;sorting\nSubtotal,2\nt2,loops\nt3,sorting\n",
    "text,skills\nt1,loops;sorting\nSubtotal,\nt2,loops\nt3,sorting\n",
    "text,skill\nt1,loops\nSubtotal,2\nt2,loops\nt3,sorting\n",
    "item,loops,sorting\nt1,1,1\nSubtotal,1,1\nt2,1,0\nt3,0,1\n",
])  # fmt: skip
def test_sums_among_the_rows_are_no_texts(rows: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'Subtotal' may sum up others or be a text: .*missing=Subtotal.*missing=none"):
        _load(tmp_path, "s.csv", rows)
    without = _load(tmp_path, "s.csv", rows, missing="Subtotal").dataset.texts["id"].to_pylist()
    assert without == ["t1", "t2", "t3"]


def test_functions_called_sum_and_texts_called_total_stay(tmp_path: Path) -> None:
    report = _load(tmp_path, "s.csv", "text,skill\nmax,loops\nsum,loops\nTotal,sorting\nmin,sorting\n")
    assert report.dataset.n_texts == 4


@pytest.mark.parametrize("way", ["metadata", "extra.labels"])
@pytest.mark.parametrize("lines", [True, False])
def test_skills_within_objects_are_found_or_named_by_their_path(way: str, lines: bool, tmp_path: Path) -> None:
    def row(text: str, skills: list[str], name: str) -> dict[str, object]:
        inner: object = {name: skills, "split": "test"}
        for key in reversed(way.split(".")):
            inner = {key: inner}
        return {"id": text, **inner}  # type: ignore[dict-item]

    for name, options in (("skills", {}), ("abilities", {"skills_column": f"{way}.abilities"})):
        rows = [row("t1", ["loops", "sorting"], name), row("t2", ["loops"], name)]
        content = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
        report = _load(tmp_path, "n.jsonl" if lines else "n.json", content, format="skill-rows", **options)
        assert _pairs(report) == [("t1", "loops"), ("t1", "sorting"), ("t2", "loops")]
    both = {"id": "t1", "a": {"skills": ["x"]}, "b": {"skills": ["y"]}}
    with pytest.raises(DataError, match=r"skills_column=a\.skills.*skills_column=b\.skills"):
        _load(tmp_path, "n.json", json.dumps([both]), format="skill-rows")


def test_pairs_in_json_are_requirements(tmp_path: Path) -> None:
    pairs = [["t1", "add"], ["t2", "add"], ["t2", "sub"]]
    expected = [("t1", "add"), ("t2", "add"), ("t2", "sub")]
    assert _pairs(_load(tmp_path, "p.json", json.dumps(pairs))) == expected
    assert _pairs(_load(tmp_path, "p.json", json.dumps([["text", "skill"], *pairs]))) == expected
    weighted = _load(tmp_path, "p.json", json.dumps([[*pair, 0.5] for pair in pairs]))
    assert _pairs(weighted) == expected
    assert set(weighted.dataset.requirements["weight"].to_pylist()) == {0.5}
    with pytest.raises(DataError, match=r"header=no.*header=yes"):
        _load(tmp_path, "p.json", json.dumps([["t1", "add"], ["t2", "sub"]]))
    assert _pairs(_load(tmp_path, "p.json", json.dumps(pairs[1:]), header="no")) == expected[1:]
