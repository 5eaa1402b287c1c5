"""Rows with skills, Q-matrices, outcomes, and the tables beside a main file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.formats import load

Write = Callable[[str, str | bytes], Path]


def edges(dataset: Dataset) -> list[tuple[str, str, float]]:
    return [(row["text"], row["skill"], row["weight"]) for row in dataset.requirements.to_pylist()]


def pairs(dataset: Dataset) -> list[tuple[str, str]]:
    return [(text, skill) for text, skill, _ in edges(dataset)]


def attempts(dataset: Dataset) -> list[tuple[str, str, float]]:
    return [(row["model"], row["text"], row["score"]) for row in dataset.attempts.to_pylist()]


def read(path: Path, **options: Any) -> Dataset:
    return load(path, name="d", **options).dataset


# Rows with skills --------------------------------------------------------------------------------------------

EXPECTED = [("t", "a, b"), ("t", "c"), ("u", "c")]


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("r.csv", 'id,skills\nt,"[""a, b"", ""c""]"\nu,"[""c""]"\n', {}),
        ("r.csv", 'id,skills\nt,"a, b; c"\nu,c\n', {}),
        ("r.csv", 'id,skills\nt,"a, b|c"\nu,c|\n', {}),
        ("r.csv", 'id,skills\nt,"a, b / c"\nu,c\n', {"separator": "/"}),
        ("r.tsv", "tags\ttext_id\na, b;c\tt\nc\tu\n", {}),
        ("r.csv", "x,y\nt,\"a, b;c\"\nu,c\n", {"format": "skill-rows", "text_column": "x", "skills_column": "y"}),
        ("r.jsonl", '{"id": "t", "skills": ["a, b", "c", "c"]}\n\n{"skills": ["c"], "id": "u"}\n', {}),
        ("r.jsonl", '\ufeff{"id": "t", "skills": "a, b; c"}\n{"id": "u", "skills": {"c": 1}}\n', {}),
        ("r.json", '[{"id": "t", "skills": [{"id": "a, b"}, {"name": "c"}]}, {"id": "u", "skills": ["c"]}]', {}),
    ],
)  # fmt: skip
def test_ways_to_write_the_skills_of_a_text(file: Write, name: str, content: str, options: dict[str, str]) -> None:
    assert pairs(read(file(name, content), **options)) == EXPECTED


def test_weights_properties_and_texts_without_skill(file: Write) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "skills": {"a": 2, "b": 0.5}, "title": "One", "subject": "x", "size": 3, "more": [1], "part_": None},
        {"id": 2, "skills": [], "size": 4.5, "ok": True},
        {"id": 3, "skills": [{"skill": "a", "weight": 3}, 7]},
    ]
    dataset = read(file("r.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))
    assert edges(dataset) == [("1", "a", 2.0), ("1", "b", 0.5), ("3", "7", 1.0), ("3", "a", 3.0)]
    first, second, third = dataset.texts.to_pylist()
    assert first == {
        "id": "1", "title": "One", "class": "x", "part": None, "size": 3.0, "more": "[1]", "ok": None
    }  # fmt: skip
    assert (second["size"], second["ok"], third["size"]) == (4.5, True, None)


@pytest.mark.parametrize(
    ("name", "content", "where", "message"),
    [
        ("r.csv", "id,skills\nt,a\nt,b\n", ", line 3",
         ("text 't' occurs twice; ids must be unique: choose their column with text_column, or use --format edge-list "
          "for one row per requirement")),
        ("r.csv", "id,skills\nt,[a\n", ", line 2", "column 'skills': not a JSON array: Expecting value at character 2"),
        ("r.csv", "id,skills\n,a\n", ", line 2",
         ("column 'id': expected the id of a text, found nothing"
          "; if blank cells repeat the cell above, as merged cells do, use fill=id")),
        ("r.csv", "id,skills\nt,\"a\"b\n", ", line 2",
         "cannot be read as a table: ',' expected after '\"'; check the quotes"),
        ("r.jsonl", '{"id": "t", "skills": [["a"]]}\n', ", line 1",
         "column 'skills': expected the name of a skill, found [\"a\"]"),
        ("r.jsonl", '{"id": "t", "skills": {"a": -1}}\n', ", line 1",
         "column 'skills': weight -1 must be a positive number"),
        ("r.jsonl", '{"id": "t", "skills": []}\n{"id": "t"\n', ", line 2",
         "column 11: is not JSON: Expecting ',' delimiter"),
        ("r.jsonl", '{"id": "t", "skills": []}\n[1]\n', ", line 2", "expected a JSON object, found list"),
        ("r.jsonl", '{"id": "t"}\n{"id": "u"}\n', "",
         "has no column for the skills; its columns are: 'id'; choose one with skills_column"),
        ("r.json", '[{"id": "t", "skills": []}, 3]', "", "expected a JSON array of objects, one for each row"),
    ],
)  # fmt: skip
def test_errors_of_rows(file: Write, name: str, content: str, where: str, message: str) -> None:
    path = file(name, content)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}{where}: {message}')}$"):
        load(path, name="d", format="skill-rows")


def test_numbers_too_large_for_a_property_stay_text_and_deep_nesting_is_refused(file: Write) -> None:
    dataset = read(
        file("r.jsonl", '{"id": "t", "skills": [], "big": 1' + "0" * 400 + ', "long": 9223372036854775808}\n')
    )
    assert dataset.texts["big"].to_pylist() == ["1" + "0" * 400]
    assert dataset.texts["long"].to_pylist() == [str(2**63)]
    deep = "[" * 200_000
    with pytest.raises(
        DataError, match=r"r.jsonl: is not JSON that can be read: it is nested more than 100 levels deep$"
    ):
        read(file("r.jsonl", f"{deep}\n"), format="skill-rows")
    with pytest.raises(DataError, match=r"r.json: is not JSON that can be read: "):
        read(file("r.json", deep), format="skill-rows")
    with pytest.raises(DataError, match=r"a.json: is not JSON"):
        read(file("a.json", deep), format="big-bench")


def test_half_of_a_surrogate_pair_is_no_text(file: Write) -> None:
    path = file("r.jsonl", '{"id": "t", "skills": ["\\ud83d"]}\n')
    with pytest.raises(DataError, match=r"contains text that is not Unicode \('\\ud83d', half of a surrogate pair\)"):
        read(path)


# Q-matrix ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "item,add,carry\nq1,1,0\nq2,1,1\nq3,0,0\n",
        ',add,carry\nq1,1,0\nq2,1,1.0\nq3,,"no"\n',
        '"";"add";"carry"\n"q1";"x";""\n"q2";"yes";"true"\n"q3";"0";"0.0"\n',
    ],
)
def test_q_matrix(file: Write, content: str) -> None:
    dataset = read(file("q.csv", content), format="q-matrix")
    assert pairs(dataset) == [("q1", "add"), ("q2", "add"), ("q2", "carry")]
    assert dataset.texts["id"].to_pylist() == ["q1", "q2", "q3"]


def test_q_matrix_without_names_of_items_and_with_responses_by_position(file: Write) -> None:
    responses = file("resp.csv", "E1,E2\n1,0\n0,NA\n")
    dataset = read(file("q.csv", "s1,s2,s3\n1,0,0\n0,1,2.5\n"), format="q-matrix", responses=responses)
    assert edges(dataset) == [("item 1", "s1", 1.0), ("item 2", "s2", 1.0), ("item 2", "s3", 2.5)]
    assert attempts(dataset) == [
        ("respondent 1", "item 1", 1.0), ("respondent 1", "item 2", 0.0), ("respondent 2", "item 1", 0.0)
    ]  # fmt: skip
    assert dataset.provenance["loader"] == "q-matrix"


def test_responses_by_name(file: Write) -> None:
    responses = file("resp.csv", "student,q2,q1\nann,1,0\nbob,,1\n")
    dataset = read(file("q.csv", "item,a,b\nq1,1,0\nq2,0,1\n"), responses=responses)
    assert attempts(dataset) == [("ann", "q1", 0.0), ("ann", "q2", 1.0), ("bob", "q1", 1.0)]


@pytest.mark.parametrize(
    ("content", "responses", "message"),
    [
        ("item,a,b\nq0,1,1\nq1,1,maybe\n", None,
         "q.csv, line 3: column 'b': 'maybe' must be 0, 1 or a positive weight"),
        ("item,a,b\nq1,1,0\nq1,1,1\n", None, "q.csv, line 3: item 'q1' occurs twice; ids must be unique"),
        ("item,a,b\nq1,1,0\n", "s,q1,q9\nann,1,0\n", "resp.csv, line 1: column 'q9' is not an item of the Q-matrix"),
        ("item,a,b\nq1,1,0\n", "x,y,z\n1,1,0\n",
         "resp.csv: has 2 columns of responses and none is named after one of the 1 items; name the columns"),
        ("item,a,b\nq1,1,0\n", "s,q1\nann,7\nbob,101\n",
         "resp.csv, line 2: column 'q1': scores from 7 to 101 (1 score 7, 1 score 101) do not determine their scale: "),
    ],
)  # fmt: skip
def test_errors_of_q_matrices(file: Write, content: str, responses: str | None, message: str) -> None:
    options = {} if responses is None else {"responses": file("resp.csv", responses)}
    with pytest.raises(DataError, match=re.escape(message)):
        read(file("q.csv", content), format="q-matrix", **options)


# Outcomes ----------------------------------------------------------------------------------------------------

EDGES = "text,skill\nt,a\nu,a\n"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("text,model,score\nt,m,1\nu,m,0.5\nt,n,0\nu,n,\n", {}),
        ("model;item;correct\nm;t;true\nm;u;0.5\nn;t;no\nn;u;NA\n", {}),
        ("text,m,n\nt,1,0\nu,0.5,\n", {}),
        ("text,m,n\nt,100,0\nu,50,-\n", {}),
        ("text,m,n\nt,100%,0%\nu,50 %,n/a\n", {}),
        ("whatever,m,n\nt,1.0,0.0\nu,.5,nan\n", {}),
        ("text,m,n\nt,100,0\nu,50,\n", {"scale": "percent"}),
    ],
)
def test_ways_to_write_three_outcomes(file: Write, content: str, options: dict[str, str]) -> None:
    dataset = read(file("e.csv", EDGES), outcomes=file("o.csv", content), **options)
    assert attempts(dataset) == [("m", "t", 1.0), ("m", "u", 0.5), ("n", "t", 0.0)]
    assert dataset.models["id"].to_pylist() == ["m", "n"]


def test_one_percent_is_not_one(file: Write) -> None:
    outcomes = file("o.csv", "text,m\nt,1\nu,0\n")
    assert attempts(read(file("e.csv", EDGES), outcomes=outcomes)) == [("m", "t", 1.0), ("m", "u", 0.0)]
    percent = read(file("e.csv", EDGES), outcomes=outcomes, scale="percent")
    assert attempts(percent) == [("m", "t", 0.01), ("m", "u", 0.0)]


def test_a_model_without_any_outcome_is_kept(file: Write) -> None:
    dataset = read(file("e.csv", EDGES), outcomes=file("o.csv", "text,m,n\nt,1,\nu,,\n"))
    assert dataset.models["id"].to_pylist() == ["m", "n"]
    assert attempts(dataset) == [("m", "t", 1.0)]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text,model,score\nt,m,good\n", {},
         "o.csv, line 2: column 'score': 'good' is not a score; expected 0 to 1, 0 to 100, or blank for not attempted"),
        ("text,m\nt,1\nu,-0.5\n", {},
         "o.csv, line 3: column 'm': scores from -0.5 to 1 (1 score -0.5) do not determine their scale: points"),
        ("text,m\nt,50\nu,100.5\n", {"scale": "percent"},
         "o.csv, line 3: column 'm': score 100.5 must be from 0 to 100; if it means not attempted, use outcomes_"),
        ("text,m\nt,50\n", {"scale": "share"}, "o.csv, line 2: column 'm': score 50 must be from 0 to 1"),
        ("text,m\nx,1\n", {}, "o.csv, line 2: column 'text': text 'x' is not in the requirements; add it there"),
        ("text,model,score\nt,m,1\nt,m,0\n", {},
         "o.csv, line 3: model 'm' has a score for text 't' already; use attempts=share"),
        ("text,model,score\nt,,1\n", {}, "o.csv, line 2: expected the name of a model, found nothing"),
        ("text\nt\n", {}, "o.csv: has one column only; expected columns text, model and score, or a text and a"),
        ("text,m,\nt,1,1\n", {}, "o.csv, line 1: column 3 has no name; expected the name of a model"),
        ("text,m\nt,1\n", {"scale": "grades"},
         "scale 'grades' must be one of auto, share (0-1), percent, lowest-highest"),
    ],
)  # fmt: skip
def test_errors_of_outcomes(file: Write, content: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        read(file("e.csv", EDGES), outcomes=file("o.csv", content), **options)


def test_lenient_outcomes(file: Write) -> None:
    outcomes = file("o.csv", "text,model,score\nt,m,1\nx,m,1\nu,m,bad\nu,m,0\nu,m,1\nt,n,2\n")
    report = load(file("e.csv", EDGES), name="d", outcomes=outcomes, lenient=True, scale="share")
    assert attempts(report.dataset) == [("m", "t", 1.0), ("m", "u", 0.0)]
    assert report.skipped == {"unknown text": 1, "no score": 1, "second score": 1, "score out of range": 1}


def test_outcomes_as_main_file_need_requirements(file: Write) -> None:
    outcomes = file("outcomes.csv", "text,m\nt,1\nu,0\n")
    with pytest.raises(DataError, match=r"holds outcomes without skills; add the edge list or the rows"):
        read(outcomes)
    by_edges = read(outcomes, requirements=file("e.csv", EDGES))
    by_rows = read(outcomes, requirements=file("r.jsonl", '{"id":"t","skills":["a"]}\n{"id":"u","skills":["a"]}\n'))
    assert attempts(by_edges) == attempts(by_rows) == [("m", "t", 1.0), ("m", "u", 0.0)]
    assert pairs(by_edges) == pairs(by_rows) == [("t", "a"), ("u", "a")]


# Tables beside a main file -----------------------------------------------------------------------------------


def test_lists_of_texts_skills_and_models(file: Write) -> None:
    dataset = read(
        file("e.csv", EDGES),
        texts=file(
            "t.csv", "text_id,title,category,size,code,flag,key\nt,T,x,1,007,true,k\nu,,y,2,1,FALSE,\nv,V,,,,,\n"
        ),
        skills=file("s.csv", "skill,label,type,depth,parent\nroot,Root,r,0,\na,A,s,1,root\n"),
        models=file("m.csv", "model,kind,foundation,year\nm,base,,2023\nn,tuned,m,2024\n"),
        outcomes=file("o.csv", "text,m,n\nt,1,0\n"),
    )
    assert dataset.texts.to_pylist() == [
        {"id": "t", "title": "T", "class": "x", "part": None, "size": 1, "code": "007", "flag": True,
         "source_key": "k"},
        {"id": "u", "title": "u", "class": "y", "part": None, "size": 2, "code": "1", "flag": False,
         "source_key": None},
        {"id": "v", "title": "V", "class": None, "part": None, "size": None, "code": None, "flag": None,
         "source_key": None},
    ]  # fmt: skip
    assert dataset.skills.to_pylist() == [
        {"id": "a", "name": "A", "class": "s", "level": 1},
        {"id": "root", "name": "Root", "class": "r", "level": 0},
    ]
    assert dataset.part_of.to_pylist() == [{"child": "a", "parent": "root"}]
    assert dataset.models.to_pylist() == [
        {"id": "m", "role": "base", "base": None, "year": 2023},
        {"id": "n", "role": "tuned", "base": "m", "year": 2024},
    ]


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("texts", "id\nt\nt\n", "x.csv, line 3: text 't' occurs twice; ids must be unique"),
        ("texts", "id,size\nt,1\n,2\n", "x.csv, line 3: column 'id': expected an id"),
        ("texts", "size\n1\n", "x.csv: has no column for the id of a text; its columns are: 'size'"),
        ("skills", "skill,level\na,deep\n", "x.csv, line 2: level 'deep' of skill 'a' is not an integer"),
        ("skills", "skill,parent\na,b\n", "x.csv, line 2: parent 'b' of skill 'a' is not a skill of this file"),
        ("skills", "skill,parent\na,b\nb,a\n", "x.csv: part_of form a cycle: "),
        (
            "models",
            "model,base\nm,gone\n",
            "x.csv, line 2: base 'gone' of model 'm' is not a model of this file or of the",
        ),
        ("hierarchy", "parent,child\na,\n", "x.csv, line 2: column 'child': expected the id of a skill, found nothing"),
        ("hierarchy", "up,down\na,b\n", "x.csv: has no column for the parent; its columns are: 'up', 'down'"),
        ("hierarchy", "parent,child\na,b\nb,a\n", "x.csv: part_of form a cycle: "),
        ("prerequisites", "prerequisite,skill\na,b\nb,c\nc,a\n", "x.csv: prerequisites form a cycle: "),
    ],
)
def test_errors_of_tables(file: Write, option: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        read(file("e.csv", EDGES), **{option: file("x.csv", content)})


def test_hierarchies_and_prerequisites_alone_and_beside(file: Write) -> None:
    hierarchy = file("h.csv", "parent,child\n,root\nroot,a\n")
    prerequisites = file("p.csv", "prerequisite,skill\nb,a\n")
    beside = read(file("e.csv", EDGES), hierarchy=hierarchy, prerequisites=prerequisites)
    assert beside.part_of.to_pylist() == [{"child": "a", "parent": "root"}]
    assert beside.prerequisites.to_pylist() == [{"prerequisite": "b", "skill": "a"}]
    assert load(hierarchy, name="d").format == "hierarchy"
    assert read(hierarchy).skills["id"].to_pylist() == ["a", "root"]
    assert load(prerequisites, name="d").format == "prerequisites"
    listed = file("s.csv", "skill\na\n")
    with pytest.raises(DataError, match=r"h.csv, line 2: column 'child': skill 'root' is not in s.csv"):
        read(file("e.csv", EDGES), hierarchy=hierarchy, skills=listed)


def test_paths_of_skills(file: Write) -> None:
    dataset = read(file("paths.txt", "# domains\nMathematics -> Algebra → Groups\n\nMathematics » Logic\nArt\n"))
    assert {row["id"]: (row["name"], row["level"]) for row in dataset.skills.to_pylist()} == {
        "Art": ("Art", 0),
        "Mathematics": ("Mathematics", 0),
        "Mathematics -> Algebra": ("Algebra", 1),
        "Mathematics -> Algebra -> Groups": ("Groups", 2),
        "Mathematics -> Logic": ("Logic", 1),
    }
    assert dataset.part_of.num_rows == 3
    within = read(file("e.csv", "text,skill\nt,A -> B -> C\nt,A\n"), paths="yes")
    assert within.skills["id"].to_pylist() == ["A", "A -> B", "A -> B -> C"]
    assert within.n_requirements == 2
    assert read(file("e.csv", "text,skill\nt,A -> B -> C\nt,A\n")).n_skills == 2


def test_bases_by_a_mark_in_the_name(file: Write) -> None:
    outcomes = file("o.csv", "text,base,base+x,base+y,else+z\nt,1,1,0,1\n")
    dataset = read(file("e.csv", EDGES), outcomes=outcomes, base_mark="+")
    assert {row["id"]: (row["role"], row["base"]) for row in dataset.models.to_pylist()} == {
        "base": ("foundation", None),
        "base+x": ("fine-tuned", "base"),
        "base+y": ("fine-tuned", "base"),
        "else+z": (None, None),
    }


# A folder of tables, and the real data beside the checkout ---------------------------------------------------


def test_folder_of_tables(file: Write) -> None:
    folder = file("set/edges.csv", EDGES).parent
    file("set/texts.csv", "id\nt\nu\n")
    file("set/outcomes_wide.csv", "text,m\nt,1\n")
    file("set/notes.csv", "anything\n1\n")
    report = load(folder, name="d")
    assert report.format == "tables"
    assert attempts(report.dataset) == [("m", "t", 1.0)]
    assert report.dataset.provenance["option.outcomes"] == "outcomes_wide.csv"
    file("two/one_edges.csv", EDGES)
    other = file("two/other_edges.csv", "text,skill\nz,z\n").parent
    with pytest.raises(DataError, match=r"holds several datasets; give prefix as one of 'one', 'other'$"):
        load(other, name="d")
    assert pairs(load(other, name="d", prefix="other").dataset) == [("z", "z")]


@pytest.mark.shared_data
def test_cruxeval(shared: Path) -> None:
    dataset = read(shared / "cruxeval", text_class="task")
    # The figures are those of the data's own notice; one skill sits twice in one text.
    assert (dataset.n_texts, dataset.n_skills, dataset.models.num_rows) == (1600, 131, 29)
    assert set(dataset.texts["class"].to_pylist()) == {"output", "input"}
    assert dataset.attempts.num_rows == 1600 * 29
    assert sum(base is not None for base in dataset.models["base"].to_pylist()) == 11
    degrees = dict(zip(dataset.skills["id"].to_pylist(), dataset.skills["n_texts"].to_pylist(), strict=True))
    counted = dataset.requirements["skill"].value_counts().to_pylist()
    assert {entry["values"]: entry["counts"] for entry in counted} == degrees


@pytest.mark.long
@pytest.mark.shared_data
def test_evaltree(shared: Path) -> None:
    ds1000 = read(shared / "evaltree", prefix="ds1000", text_class="library", where="assigned=True", base_mark="+")
    assert (ds1000.n_texts, ds1000.n_skills, ds1000.n_requirements) == (1000, 20, 2000)
    assert sum(base is not None for base in ds1000.models["base"].to_pylist()) == 25
    assert ds1000.attempts.num_rows == 3 * 1000 + 25 * 400
    math = read(shared / "evaltree", prefix="math")
    assert (math.n_texts, math.n_skills, math.part_of.num_rows) == (5000, 2963, 2962)
    # Every ancestor of a required skill is required as well: the requirements are closed under part_of.
    parents = {row["child"]: row["parent"] for row in math.part_of.to_pylist()}
    required = set(pairs(math))
    assert all(skill not in parents or (text, parents[skill]) in required for text, skill in required)
