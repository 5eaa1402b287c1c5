"""Tables with a row for each skill, and lists where one id is expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders.errors import DataError
from loaders.formats import load

INDEX = {"add": ["t1", "t2"], "mul": ["t2"], "neg": ["t3", "t1"]}
PAIRS = {(text, skill) for skill, texts in INDEX.items() for text in texts}


def pairs(dataset: Any) -> set[tuple[str, str]]:
    table = dataset.requirements
    return set(zip(table["text"].to_pylist(), table["skill"].to_pylist(), strict=True))


@pytest.mark.parametrize(("name", "content", "options"), [
    ("i.json", json.dumps(INDEX), {"format": "skill-texts"}),
    ("i.json", json.dumps(INDEX), {"texts_column": "skills"}),
    ("i.json", json.dumps([{"skill": skill, "texts": texts} for skill, texts in INDEX.items()]), {}),
    ("i.jsonl", "\n".join(json.dumps({"kc": skill, "item": texts}) for skill, texts in INDEX.items()), {}),
    ("i.csv", "skill,texts\n" + "".join(f"{skill},{';'.join(texts)}\n" for skill, texts in INDEX.items()), {}),
    ("i.csv", "a,b\n" + "".join(f"{'+'.join(texts)},{skill}\n" for skill, texts in INDEX.items()),
     {"format": "skill-texts", "skill_column": "b", "texts_column": "a", "separator": "+"}),
    ("i.csv", "skill,items\nadd,t1\nadd,t2\nmul,t2\nneg,t3\nneg,t1\n", {}),
    ("i.tsv", "concept\tquestions\nadd\t['t1', 't2']\nmul\t['t2']\nneg\t['t3', 't1']\n", {}),
])  # fmt: skip
def test_every_form_of_an_index_gives_the_same_requirements(
    file: Callable[[str, str], Path], name: str, content: str, options: dict[str, str]
) -> None:
    report = load(file(name, content), name="d", **options)
    assert (report.format, pairs(report.dataset)) == ("skill-texts", PAIRS)


def test_an_index_in_parquet_and_the_same_turned_round(tmp_path: Path) -> None:
    path = tmp_path / "i.parquet"
    pq.write_table(pa.table({"skill": list(INDEX), "text": list(INDEX.values())}), path)
    assert pairs(load(path, name="d", format="skill-texts").dataset) == PAIRS
    with pytest.raises(DataError, match=r"column 'text' is list<.*several texts per row: use --format skill-texts"):
        load(path, name="d", format="parquet-edges")


def test_other_columns_are_properties_of_the_skill(file: Callable[[str, str], Path]) -> None:
    content = "skill,title,class,texts,level\na,A,x,t1;t2,3\nb,B,y,t2,4\na,A,x,t3,3\n"
    dataset = load(file("i.csv", content), name="d").dataset
    assert pairs(dataset) == {("t1", "a"), ("t2", "a"), ("t3", "a"), ("t2", "b")}
    assert dataset.skills.select(["id", "name", "class", "level"]).to_pylist() == [
        {"id": "a", "name": "A", "class": "x", "level": 3},
        {"id": "b", "name": "B", "class": "y", "level": 4},
    ]
    with pytest.raises(DataError, match=r"line 3: skill 'a' has class 'x' and 'y': give it one"):
        load(file("i.csv", "skill,class,texts\na,x,t1\na,y,t2\n"), name="d")


def test_an_object_of_lists_says_how_it_is_read_and_how_else_it_could_be(file: Callable[[str, str], Path]) -> None:
    report = load(file("i.json", json.dumps(INDEX)), name="d")
    assert pairs(report.dataset) == {(skill, text) for text, skill in PAIRS}
    said = [str(decision) for decision in report.decisions]
    assert any("a text with its skills or, with --format skill-texts, a skill with its texts" in line for line in said)


@pytest.mark.parametrize(("name", "content", "options"), [
    ("i.json", json.dumps(INDEX), {"text_column": "skills", "skill_column": "id"}),
    ("i.json", json.dumps(INDEX), {"format": "skill-rows", "text_column": "skills", "skills_column": "id"}),
    ("i.json", json.dumps([{"text": "t", "skill": ["a", "b"]}]), {"format": "edge-list"}),
    ("i.json", json.dumps([{"texts": "t", "skill": ["a", "b"]}]), {"format": "skill-texts"}),
    ("i.csv", 'text,skill\nt,"[""a"", ""b""]"\nu,"[""a""]"\n', {"format": "edge-list"}),
])  # fmt: skip
def test_a_list_is_no_id(file: Callable[[str, str], Path], name: str, content: str, options: dict[str, str]) -> None:
    with pytest.raises(DataError, match=r"holds lists, as '\[.*', where one id is expected: use --format skill-rows"):
        load(file(name, content), name="d", **options)


def test_one_bracketed_id_among_others_is_an_id(file: Callable[[str, str], Path]) -> None:
    report = load(file("e.csv", 'text,skill\nt,"[1, 2]"\nu,a\n'), name="d", format="edge-list")
    assert pairs(report.dataset) == {("t", "[1, 2]"), ("u", "a")}


@pytest.mark.parametrize("row", ["a,NA", "NA,t"])
def test_a_word_for_missing_is_asked_about(file: Callable[[str, str], Path], row: str) -> None:
    path = file("i.csv", f"skill,texts\nb,t;u\n{row}\n")
    with pytest.raises(DataError, match=r"line 3: column '\w+': 'NA' \(1 row\) may be a missing value or a name"):
        load(path, name="d")
    assert pairs(load(path, name="d", missing="NA").dataset) == {("t", "b"), ("u", "b")}
