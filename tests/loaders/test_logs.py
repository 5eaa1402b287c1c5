"""Logs of students and of evaluation programs, in the layouts that their makers write."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.formats import detect, inspect, load

Write = Callable[[str, str | bytes], Path]


def pairs(dataset: Dataset) -> list[tuple[str, str]]:
    return sorted((row["text"], row["skill"]) for row in dataset.requirements.to_pylist())


def scores(dataset: Dataset) -> list[tuple[str, str, float]]:
    return sorted((row["model"], row["text"], row["score"]) for row in dataset.attempts.to_pylist())


# pyKT: what its preprocessing writes, in the order in which it does ------------------------------------------

DATA = """\
u1,4
q1,q2,q1,q3
a,a_b,a,c
1,0,0,1
10,20,30,40
NA
u2,3
q2,q3,q1
a_b,c,a
1,1,1
NA
NA
"""
REQUIRED = [("q1", "a"), ("q2", "a"), ("q2", "b"), ("q3", "c")]
ANSWERED = [("u1", "q1", 0.5), ("u1", "q2", 0.0), ("u1", "q3", 1.0), ("u2", "q1", 1.0), ("u2", "q2", 1.0),
            ("u2", "q3", 1.0)]  # fmt: skip
# each question once for each of its skills, filled up with -1
SEQUENCES = """\
fold,uid,questions,concepts,responses,timestamps,selectmasks,is_repeat
0,u1,"q1,q2,q2,q1,q3,-1","a,a,b,a,c,-1","1,0,0,0,1,-1","10,20,20,30,40,-1","1,1,1,1,1,-1","0,0,1,0,0,-1"
1,u2,"q2,q2,q3,q1,-1,-1","a,b,c,a,-1,-1","1,1,1,1,-1,-1","1,1,2,3,-1,-1","1,1,1,1,-1,-1","0,1,0,0,-1,-1"
"""
# a window for each answer beyond the third: the others are its context
WINDOWS = """\
fold,uid,questions,concepts,responses,selectmasks
-1,u1,"q1,q2,q1","a,a_b,a","1,0,0","1,1,1"
-1,u1,"q2,q1,q3","a_b,a,c","0,0,1","-1,-1,1"
-1,u2,"q2,q3,q1","a_b,c,a","1,1,1","1,1,1"
"""
BY_QUESTION = """\
fold,uid,questions,concepts,responses,selectmasks
0,u1,"q1,q2,q1,q3","a,a_b,a,c","1,0,0,1","1,1,1,1"
0,u2,"q2,q3,q1,-1","a_b,c,a,-1","1,1,1,-1","1,1,1,-1"
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.txt", DATA),
        ("train_valid_sequences.csv", SEQUENCES),
        ("test_window_sequences.csv", WINDOWS),
        ("train_valid_sequences_quelevel.csv", BY_QUESTION),
    ],
)
def test_what_pykt_writes(file: Write, name: str, content: str) -> None:
    path = file(name, content)
    assert detect(path) == "student-log"
    dataset = load(path, name="d").dataset
    assert pairs(dataset) == REQUIRED
    assert scores(dataset) == ANSWERED


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.txt", "u1,3\nNA\na,b,a\n1,0,0\nNA\nNA\n"),
        ("s.csv", 'fold,uid,concepts,responses,selectmasks\n0,u1,"a,b,a,-1","1,0,0,-1","1,1,1,-1"\n'),
    ],
)
def test_sets_without_questions(file: Write, name: str, content: str) -> None:
    dataset = load(file(name, content), name="d").dataset
    assert pairs(dataset) == [("a", "a"), ("b", "b")]
    assert scores(dataset) == [("u1", "a", 0.5), ("u1", "b", 0.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (DATA.replace("u2,3", "u2,4"), "line 7: 'u2,4' is followed by 3 questions, 3 concepts, 3 responses"),
        (DATA.rpartition("NA\n")[0].rpartition("NA\n")[0], "line 7: a student has 4 lines; expected six"),
    ],
)
def test_damaged_files_of_pykt(file: Write, content: str, message: str) -> None:
    path = file("data.txt", content)
    with pytest.raises(DataError, match=message):
        load(path, name="d")
    assert load(path, name="d", lenient=True).dataset.n_texts == 3


def test_junyi_with_its_table_of_exercises(file: Write) -> None:
    log = file("junyi_ProblemLog_original.csv", "user_id,exercise,problem_number,correct,time_done\n"
               "1,add,1,true,5\n1,add,2,false,6\n2,times,1,true,7\n")  # fmt: skip
    table = file("junyi_Exercise_table.csv", "name,live,prerequisites,topic,area\nadd,True,,sums,arithmetic\n"
                 "times,True,add,products,arithmetic\n")  # fmt: skip
    options = {"text_column": "name", "skill_column": "topic", "attempts": "share"}
    dataset = load(table, name="d", format="edge-list", outcomes=log, **options).dataset
    assert pairs(dataset) == [("add", "sums"), ("times", "products")]
    assert scores(dataset) == [("1", "add", 0.5), ("2", "times", 1.0)]


# Inspect -----------------------------------------------------------------------------------------------------


def head(created: str = "2026-01-01", status: str = "success", task: str = "evals/arc") -> dict[str, Any]:
    return {"version": 2, "status": status, "eval": {"task": task, "model": "org/m", "created": created}}


def sample(number: int, value: object, epoch: int = 1, scorer: str = "match") -> dict[str, Any]:
    score = {"value": value, "answer": "x", "history": []}
    return {"id": number, "epoch": epoch, "scores": {scorer: score}, "metadata": {"subject": f"s{number}"}}


def archive(path: Path, start: Mapping[str, Any], samples: list[dict[str, Any]]) -> Path:
    """An `.eval` file as Inspect writes it today: members packed with zstd, which is method 93."""
    path.parent.mkdir(parents=True, exist_ok=True)
    members = {"_journal/start.json": start}
    members |= {f"samples/{row['id']}_epoch_{row['epoch']}.json": row for row in samples}
    members["header.json"] = start
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            data = json.dumps(content).encode()
            packed.writestr(name, pa.compress(data, codec="zstd", asbytes=True))
    raw = bytearray(path.read_bytes())
    # zipfile of this Python writes no zstd: method, checksum and length are set afterwards
    with zipfile.ZipFile(path) as packed:
        infos = packed.infolist()
    central = raw.index(b"PK\x01\x02")
    for info in infos:
        data = json.dumps(members[info.filename]).encode()
        for start_of, method in ((info.header_offset, 8), (central, 10)):
            raw[start_of + method : start_of + method + 2] = struct.pack("<H", 93)
            raw[start_of + method + 6 : start_of + method + 10] = struct.pack("<I", zlib.crc32(data))
            raw[start_of + method + 14 : start_of + method + 18] = struct.pack("<I", len(data))
        lengths = struct.unpack("<HHH", raw[central + 28 : central + 34])
        central += 46 + sum(lengths)
    path.write_bytes(raw)
    return path


def test_archives_that_are_packed_with_zstd(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", head(), [sample(1, "C"), sample(1, "I", epoch=2), sample(2, "C")])
    dataset = load(path, name="d", skill_field="metadata.subject").dataset
    assert pairs(dataset) == [("arc/1", "s1"), ("arc/2", "s2")]
    assert scores(dataset) == [("org/m", "arc/1", 0.5), ("org/m", "arc/2", 1.0)]
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(b"header.json") + 15] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"a\.eval"):
        load(path, name="d")


def test_scorers_with_several_values_and_samples_without_a_score(file: Write) -> None:
    rows = [sample(1, {"a": 1, "b": 0.5}), sample(2, {"a": float("nan"), "b": 0}), {"id": 3, "scores": {}}]
    path = file("l.json", json.dumps({**head(), "samples": rows}))
    report = load(path, name="d")
    assert scores(report.dataset) == [("org/m", "arc/1", 1.0)]
    assert ("scorer", "match.a") in {(d.what, d.taken) for d in report.decisions}
    assert ("not attempted", "2 samples") in {(d.what, d.taken) for d in report.decisions}
    assert scores(load(path, name="d", scorer="match.b").dataset) == [("org/m", "arc/1", 0.5), ("org/m", "arc/2", 0.0)]
    with pytest.raises(DataError, match=r"has no scorer 'other'; its scorers: 'match\.a', 'match\.b'"):
        load(path, name="d", scorer="other")


def test_of_two_logs_of_one_task_the_newest_that_was_ended_counts(file: Write, tmp_path: Path) -> None:
    for name, start, value in (
        ("a", head("2026-01-01"), "I"),
        ("b", head("2026-01-02"), "C"),
        ("c", head("2026-01-03", status="error"), "I"),
    ):
        file(f"logs/{name}.json", json.dumps({**start, "samples": [sample(1, value)]}))
    report = load(tmp_path / "logs", name="d")
    assert scores(report.dataset) == [("org/m", "arc/1", 1.0)]
    assert any("left out: c.json, a.json" in d.evidence for d in report.decisions)


def test_a_log_without_scores_says_its_status(file: Write) -> None:
    path = file("l.json", json.dumps({**head(status="error"), "samples": [{"id": 1, "scores": {}}]}))
    with pytest.raises(DataError, match="no sample with a score: 1 sample without, in 1 log whose status is 'error'"):
        load(path, name="d")


@pytest.mark.parametrize(
    ("header", "joined"),
    [
        ("text,skills,model,score", True),
        ("task,skills,model,passed", True),
        ("text_id,requires,model_id,correct", True),
        ("item,skill,model,score", False),
        ("text,capability,model,score", False),
    ],
)
def test_outcomes_of_models_in_rows_that_name_the_skills(tmp_path: Path, header: str, joined: bool) -> None:
    """Texts with skills and outcomes, not outcomes alone: a row for each model, or for each model and skill."""
    skills = {"t1": ("for", "if"), "t2": ("for",), "t3": ("if", "print")}
    rows = [
        f"{text},{cell},{model},{int(text + model in ('t1m1', 't2m2'))}"
        for text, names in skills.items()
        for model in ("m1", "m2")
        for cell in ([";".join(names)] if joined else names)
    ]
    path = tmp_path / "results.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    seen = inspect(path)
    assert (seen.problem, seen.texts, seen.skills, seen.requirements, seen.models, seen.attempts) == ("", 3, 3, 5, 2, 6)
    assert seen.preview[0].skills == ("for", "if")
    found = load(path, name="d")
    required = zip(*(found.dataset.requirements[name].to_pylist() for name in ("text", "skill")), strict=True)
    assert set(required) == {(text, name) for text, names in skills.items() for name in names}
    solved = found.dataset.attempts.filter(pc.equal(found.dataset.attempts["score"], 1.0))
    assert sorted(zip(solved["text"].to_pylist(), solved["model"].to_pylist(), strict=True)) == [
        ("t1", "m1"), ("t2", "m2")
    ]  # fmt: skip
    text, skill, model, score = header.split(",")
    (columns,) = (decision for decision in found.decisions if decision.what == "columns")
    assert (
        columns.taken == f"texts from {text!r}, skills from {skill!r}, models from {model!r}, outcomes from {score!r}"
    )
    # Beside the stored texts they are outcomes, and what is left out is told; new texts come with their skills.
    more = tmp_path / "more.csv"
    more.write_text(path.read_text().replace(",m1,", ",m3,"), encoding="utf-8")
    alone = load(more, name="d", stored=found.dataset)
    assert alone.dataset.outcomes_alone
    assert str(alone.decisions[-1]) == (
        "more.csv: skills: left out, only outcomes are added (all of its texts are stored)"
    )
    assert (inspect(more, stored=found.dataset).models, inspect(more, stored=found.dataset).texts) == (2, 0)
    more.write_text(path.read_text().replace("\nt", "\nnew"), encoding="utf-8")
    assert load(more, name="d", stored=found.dataset).dataset.n_requirements == 5
