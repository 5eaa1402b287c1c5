"""`annotate` and `agreement` as a user calls them, from texts without skills to a graph that knows who said so."""

from __future__ import annotations

import csv
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.annotation.model_server import serving, tags_of
from tests.support.command_line import Ran, call_words

TEXTS = [
    {"id": "a", "text": "Sorting the list of players. Nothing else.", "title": "Players"},
    {"id": "b", "text": "Reading files, and sorting them."},
    {"id": "c", "text": "What is love?"},
]
KEY = "sk-secret-key-0123456789"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in TEXTS))
    (tmp_path / "skills.csv").write_text("id,name\nsort,sorting\nread,reading files\n")
    return tmp_path


def run(folder: Path, *words: str, **environment: str) -> Ran:
    return call_words(folder, list(words), SKILLGRAPH_CACHE=str(folder / "cache"), **environment)


def annotate(folder: Path, *words: str, **environment: str) -> Ran:
    return run(folder, "annotate", "texts.jsonl", *words, **environment)


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


LOCAL = ("--vocabulary", "skills.csv", "--encoder", "letters", "--threshold", "0.3")


def test_from_texts_to_a_graph_with_a_review_between(folder: Path) -> None:
    ran = annotate(folder, *LOCAL)
    assert ran.code == 0, ran.err
    assert "2 of 3 texts have one" in ran.out
    rows = table(folder / "tags.csv")
    assert [(row["text"], row["skill"]) for row in rows] == [("a", "sort"), ("b", "read"), ("b", "sort"), ("c", "")]
    for row in rows[:3]:
        row["keep"] = "no" if (row["text"], row["skill"]) == ("b", "sort") else "yes"
    with (folder / "reviewed.csv").open("w") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert run(folder, "load", "reviewed.csv", "--dataset", "d").code == 0
    found = run(
        folder, "query", "MATCH (t:Text)-[r:REQUIRES]->(s:Skill) RETURN t.title, s.name, r.annotator, r.evidence",
        "--format", "jsonl",
    )  # fmt: skip
    assert [list(json.loads(line).values()) for line in found.out.splitlines()] == [
        ["Players", "sorting", "letters", "Sorting the list of players."],
        ["b", "reading files", "letters", "Reading files, and sorting them."],
    ]
    agreed = run(folder, "agreement", "tags.csv", "reviewed.csv", "--json").json
    assert (agreed["agreement"]["both"], agreed["agreement"]["first"], agreed["agreement"]["second"]) == (2, 1, 0)
    assert [cover["tags"] for cover in agreed["coverage"]] == [3, 2]
    calibrated = annotate(folder, *LOCAL[:4], "--reviewed", "reviewed.csv", "--output", "again.csv")
    assert calibrated.code == 0, calibrated.err
    assert "from 3 reviewed tags: precision 66.7%, recall 100.0%" in calibrated.out
    assert table(folder / "again.csv") == table(folder / "tags.csv")


def test_the_skills_of_a_stored_dataset_are_a_vocabulary(folder: Path) -> None:
    (folder / "base.csv").write_text("text,skill\nx,sorting\nx,reading\n")
    assert run(folder, "load", "base.csv", "--dataset", "base").code == 0
    ran = annotate(folder, "--encoder", "letters", "--threshold", "0.3", "--output", "tags.jsonl", "--json")
    assert ran.code == 0, ran.err
    rows = [json.loads(line) for line in (folder / "tags.jsonl").read_text().splitlines()]
    assert {row["skill"] for row in rows} == {"sorting", "reading", ""}
    assert ran.json["coverage"]["texts"] == 3


def test_without_an_endpoint_nothing_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert annotate(folder, *LOCAL, SKILLGRAPH_ENDPOINT_KEY=KEY).code == 0
    asked = ("--endpoint", "https://example.com/v1", "--model", "m", "--dry-run", "--open")
    ran = annotate(folder, *asked, SKILLGRAPH_ENDPOINT_KEY=KEY)
    assert ran.code == 0, ran.err
    assert "3 texts would go to example.com, model m: about " in ran.out
    assert KEY not in ran.out + ran.err


def test_a_model_is_asked_once_and_where_texts_go_is_said_first(folder: Path) -> None:
    with serving(lambda text, before: tags_of("sort", score=0.5, evidence="sorting")) as server:
        words = ("--vocabulary", "skills.csv", "--endpoint", server.url, "--model", "m", "--price-in", "1",
                 "--price-out", "2")  # fmt: skip
        ran = annotate(folder, *words, "--quiet", SKILLGRAPH_ENDPOINT_KEY=KEY)
        assert ran.code == 0, ran.err
        assert ran.err.startswith(f"3 texts go to 127.0.0.1:{server.url.split(':')[2][:-3]}, model m: about ")
        assert "3 texts answered now, 0 before: 300 tokens sent, 30 received, 0.0004 in all." in ran.out
        again = annotate(folder, *words, "--json")
        assert len(server.requests) == 3
        assert again.err == ""
        assert (again.json["cached"], again.json["tokens_in"]) == (3, 0)
    assert KEY not in "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert {row["annotator"] for row in table(folder / "tags.csv")} == {"m"}
    assert {row["method"].split("/")[0] for row in table(folder / "tags.csv")} == {"closed"}


def test_an_open_vocabulary_is_merged_after_a_yes_without_asking_again(folder: Path) -> None:
    names = {TEXTS[0]["text"]: "sorting lists", TEXTS[1]["text"]: "Sorting lists", TEXTS[2]["text"]: "sorting of lists"}
    with serving(lambda text, before: tags_of(names[text])) as server:
        words = ("--open", "--endpoint", server.url, "--model", "m")
        ran = annotate(folder, *words)
        assert "1 name may mean the same as another" in ran.out, ran.out + ran.err
        merges = folder / "tags-merges.csv"
        assert [(row["skill"], row["into"], row["keep"]) for row in table(merges)] == [
            ("sorting of lists", "sorting lists", "")
        ]
        merges.write_text(merges.read_text().rstrip("\n") + "yes\n")
        assert annotate(folder, *words, "--merges", str(merges)).code == 0
        assert len(server.requests) == 3
    assert {row["skill"] for row in table(folder / "tags.csv")} == {"sorting lists"}


def test_texts_without_an_answer_are_named_and_the_rest_is_written(folder: Path) -> None:
    def answer(text: str, before: int) -> Any:
        return (500, {}, b"") if text == TEXTS[1]["text"] else tags_of("sort")

    with serving(answer) as server:
        words = ("--vocabulary", "skills.csv", "--endpoint", server.url, "--model", "m", "--tries", "1")
        ran = annotate(folder, *words)
    assert ran.code == 1
    assert "1 text without an answer, not in the file, such as 'b'" in ran.err
    assert {row["text"] for row in table(folder / "tags.csv")} == {"a", "c"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say how to tag"),
        (["--encoder", "letters", "--endpoint", "http://127.0.0.1/v1"], "say how to tag"),
        (["--encoder", "letters", "--open"], "--open goes with --endpoint"),
        (["--encoder", "letters", "--vocabulary", "skills.csv", "--model", "m"], "go with --endpoint"),
        (["--encoder", "letters", "--vocabulary", "skills.csv", "--merges", "x"], "--merges goes with --open"),
        (["--encoder", "letters", "--vocabulary", "no.csv"], "no.csv"),
        (["--encoder", "letters", "--vocabulary", "skills.csv", "--output", "texts.jsonl"], "file of texts"),
        (["--open", "--endpoint", "http://127.0.0.1/v1"], "name the model"),
        (["--open", "--endpoint", "no address", "--model", "m"], "must be an address"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(folder: Path, words: list[str], said: str) -> None:
    before = (folder / "texts.jsonl").read_text()
    ran = annotate(folder, *words)
    assert ran.code == 1
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert (folder / "texts.jsonl").read_text() == before
    assert not (folder / "tags.csv").exists()
