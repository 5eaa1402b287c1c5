"""Detection, Parquet in and out, and that every format is documented."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders.companions import COMPANIONS
from loaders.dataset import Dataset, build_dataset
from loaders.errors import DataError
from loaders.formats import FORMATS, detect, load
from loaders.parquet import read_parquet_folder, write_parquet

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "text,skill\nt,a\n", "edge-list"),
        ("a.csv", "id,skill,weight\nt,a,1\n", "edge-list"),
        ("a.tsv", "Document\tConcept\nt\ta\n", "edge-list"),
        ("a.csv", "text,skills\nt,a\n", "skill-rows"),
        ("a.csv", "skill,texts\na,t\n", "skill-texts"),
        ("a.tsv", "Concept\tname\tItems\nc\tC\tt\n", "skill-texts"),
        ("a.json", '[{"kc": "a", "problem": ["t", "u"]}]', "skill-texts"),
        ("a.csv", "text,model,score\nt,m,1\n", "outcomes"),
        ("a.csv", "item,m,n\nt,0.5,1\n", "outcomes"),
        ("outcomes.csv", "item,m,n\nt,0,1\n", "outcomes"),
        ("a.csv", "item,m,n\nt,0,1\n", "q-matrix"),
        ("a.csv", "parent,child\na,b\n", "hierarchy"),
        ("a.csv", "skill,parent\nb,a\n", "hierarchy"),
        ("a.csv", "prerequisite,skill\na,b\n", "prerequisites"),
        ("a.csv", "id:ID,:LABEL\nt,Text\n", "neo4j-csv"),
        ("a.jsonl", '{"id": 1, "skills": []}', "skill-rows"),
        ("a.jsonl", '{"doc_id": 1, "target": 1, "acc": 1}', "lm-evaluation"),
        ("samples_x.jsonl.gz", "", "lm-evaluation"),
        ("a.json", '[{"id": 1, "skills": []}]', "skill-rows"),
        ("a.xml", '<?xml version="1.0"?><gexf/>', "gexf"),
        ("a.xml", "<graphml/>", "graphml"),
        ("a.txt", "A -> B\nC\n", "paths"),
        ("a.md", "# About\nWords -> more.\nEnd.\nReally.\n", "text-folder"),
        ("a.py", "x", "python"),
        ("a.parquet", "", "parquet-edges"),
    ],
)
def test_detection(file: Write, name: str, content: str, expected: str) -> None:
    assert detect(file(name, content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "x,y\n1,2\n",
            "has columns 'x', 'y', which do not show what it is: name them with text_column and skill_column",
        ),
        (
            "a.jsonl",
            '{"x": 1}',
            "holds objects with keys 'x', none of which contains skills; name the column of skills with skills_column",
        ),
        ("a.jsonl", "x", "line 1: column 1: is not JSON: Expecting value"),
        ("a.json", "{", "is not JSON: "),
        ("a.csv", "", "is empty"),
        ("a.csv", b"\0\1", "line 1: holds a NUL byte"),
        ("folder/a.bin", "x", "has no files of a known format; its files end in .bin; name its format"),
    ],
)
def test_what_cannot_be_told(file: Write, name: str, content: str | bytes, message: str) -> None:
    path = file(name, content)
    with pytest.raises(DataError, match=re.escape(message)):
        detect(path.parent if "/" in name else path)


def test_names_that_are_no_path_are_packages_and_others_are_missing(tmp_path: Path) -> None:
    assert detect("stdlib") == "python"
    with pytest.raises(DataError, match="there is no such file or folder"):
        detect(tmp_path / "nothing.csv")


def test_unknown_format_and_option(file: Write) -> None:
    path = file("a.csv", "text,skill\nt,a\n")
    with pytest.raises(DataError, match=r"^there is no format 'xls'; `skillgraph load --formats` lists them"):
        load(path, format="xls", name="d")
    with pytest.raises(DataError, match=r"^format 'paths' has no option 'where'; its options are in `skillgraph load"):
        load(path, format="paths", name="d", where="a=b")
    with pytest.raises(DataError, match=r"^format 'python' has no option 'texts'"):
        load("json", name="d", texts="x")
    with pytest.raises(DataError, match=r"^min_uses 'two' must be an integer$"):
        load("json", name="d", min_uses="two")
    with pytest.raises(DataError, match=r"^paths 'maybe' must be yes or no$"):
        load(path, name="d", paths="maybe")


def test_python_source_through_the_same_door() -> None:
    report = load("json", name="d", part="p", min_uses="2")
    assert report.format == "python"
    assert report.dataset.provenance["min_uses"] == 2
    assert report.dataset.parts == ("p",)


def test_a_name_that_cannot_start_a_key_is_refused(file: Write) -> None:
    with pytest.raises(DataError, match="contain '/'"):
        load(file("a.csv", "text,skill\nt,a\n"), name="a/b")


def test_every_format_and_option_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "loaders.md").read_text()
    for found in FORMATS.values():
        assert f"`{found.name}`" in page, found.name
        for option in found.options:
            assert f"`{option}`" in page, f"{found.name}: {option}"
    for option in (*COMPANIONS, "requirements", "paths"):
        assert f"`{option}`" in page, option


# Parquet -----------------------------------------------------------------------------------------------------


def dataset() -> Dataset:
    return build_dataset(
        "d",
        texts=pa.table({"id": ["t", "ü"], "part": ["p", None], "size": [1, None], "flag": [None, True]}),
        skills=pa.table({"id": ["a", "b"], "level": [1, 2]}),
        requirements=pa.table({"text": ["t", "ü", "t"], "skill": ["a", "a", "b"], "weight": [1.0, 0.5, 2.0]}),
        prerequisites=pa.table({"prerequisite": ["a"], "skill": ["b"]}),
        part_of=pa.table({"child": ["b"], "parent": ["a"]}),
        models=pa.table({"id": ["m", "n"], "base": [None, "m"]}),
        attempts=pa.table({"model": ["m"], "text": ["t"], "score": [0.25]}),
        provenance={"source": "x", "files": 2, "share": 0.5, "whole": True, "none": None},
    )


def test_parquet_folder_and_back(tmp_path: Path) -> None:
    write_parquet(dataset(), tmp_path / "out")
    assert read_parquet_folder(tmp_path / "out").equals(dataset())
    report = load(tmp_path / "out", name="e", part="q")
    assert report.format == "parquet"
    assert (report.dataset.name, report.dataset.parts) == ("e", ("p", "q"))


def test_parquet_folder_replaces_an_older_one_and_nothing_else(tmp_path: Path) -> None:
    write_parquet(dataset(), tmp_path / "out")
    write_parquet(dataset(), tmp_path / "out")
    assert read_parquet_folder(tmp_path / "out").equals(dataset())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds 'notes.txt'; give a new or an empty folder"):
        write_parquet(dataset(), tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"is a file, where a folder for Parquet files is expected"):
        write_parquet(dataset(), tmp_path / "file")
    with pytest.raises(DataError, match=r"cannot be written: "):
        write_parquet(dataset(), tmp_path / "file" / "out")


def test_parquet_of_other_programs(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array(["t"], pa.large_string())}), tmp_path / "texts.parquet")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "skills.parquet")
    with pytest.raises(DataError, match=r"requirements.parquet: there is no such file"):
        read_parquet_folder(tmp_path)
    pq.write_table(pa.table({"text": ["t"], "skill": ["z"]}), tmp_path / "requirements.parquet")
    with pytest.raises(DataError, match=rf"^{tmp_path}: requirements, row 1: skill 'z' is not one of the skills$"):
        read_parquet_folder(tmp_path)
    pq.write_table(pa.table({"text": ["t"], "skill": ["a"]}), tmp_path / "requirements.parquet")
    assert read_parquet_folder(tmp_path).name == tmp_path.name
    (tmp_path / "skills.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"skills.parquet: is not a Parquet file: "):
        read_parquet_folder(tmp_path)


def test_edges_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "edges.parquet"
    table = pa.table({"text": [1, 2, 1], "skill": ["a", "a", "b"], "count": [1, 2, 3]})
    pq.write_table(table, path, row_group_size=2)
    seen: list[tuple[int, int]] = []
    report = load(path, name="d", progress=lambda done, total: seen.append((done, total)))
    assert report.format == "parquet-edges"
    assert [tuple(row.values()) for row in report.dataset.requirements.to_pylist()] == [
        ("1", "a", 1.0), ("1", "b", 3.0), ("2", "a", 2.0)
    ]  # fmt: skip
    assert seen[-1] == (2, 2)
    pq.write_table(pa.table({"text": ["t", None], "skill": ["a", "b"]}), path)
    with pytest.raises(DataError, match=r"column 'text': 1 value missing; expected one in every row"):
        load(path, name="d")
    pq.write_table(pa.table({"text": ["t", ""], "skill": ["a", "b"]}), path)
    with pytest.raises(DataError, match=r"column 'text': expected the id of a text, found nothing"):
        load(path, name="d")
    lenient = load(path, name="d", lenient=True)
    assert (lenient.dataset.texts["id"].to_pylist(), lenient.skipped) == (["t"], {"empty id": 1})
    texts = tmp_path / "t.csv"
    texts.write_text("id\nu\n")
    with pytest.raises(DataError, match=r"text 't' is not in t.csv"):
        load(path, name="d", texts=texts)
    pq.write_table(pa.table({"text": [{"t": 1}], "skill": ["a"]}), path)
    with pytest.raises(DataError, match=r"column 'text' is struct<.*>, which cannot be a text$"):
        load(path, name="d")
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"is not a Parquet file"):
        load(path, name="d")


@pytest.mark.parametrize(
    ("times", "shown"),
    [
        (pa.array([1, 2], pa.timestamp("ns")), "1970-01-01 00:00:00.000000001"),
        (pa.array([1, 2], pa.time64("ns")), "00:00:00.000000001"),
        (pa.array([1, 2], pa.duration("ns")), "1"),
        (pa.array([2**30, 1], pa.date32()), None),
        (pa.array([2**62, 1], pa.timestamp("us")), None),
    ],
)
def test_times_of_parquet_that_python_cannot_hold(tmp_path: Path, times: pa.Array, shown: str | None) -> None:
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"text": times, "skill": ["a", "b"]}), path)
    found = load(path, name="d", format="edge-list").dataset.texts["id"].to_pylist()
    assert len(found) == 2
    assert shown is None or shown in found
    pq.write_table(pa.table({"text": ["t", "u"], "skill": ["a", "b"], "when": times}), path)
    assert load(path, name="d", format="edge-list").dataset.n_requirements == 2
    pq.write_table(pa.table({"text": ["t", "u"], "skill": ["a", "b"], "when": [[time] for time in times]}), path)
    with pytest.raises(DataError, match="column 'when' cannot be read"):
        load(path, name="d", format="edge-list")
