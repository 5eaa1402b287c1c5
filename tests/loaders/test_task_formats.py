"""Samples of the lm-evaluation-harness, BIG-bench, Natural Instructions, and folders of text."""

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
from loaders.vocabulary import Vocabulary, fold

Write = Callable[[str, str | bytes], Path]


def pairs(dataset: Dataset) -> list[tuple[str, str]]:
    return [(row["text"], row["skill"]) for row in dataset.requirements.to_pylist()]


def attempts(dataset: Dataset) -> list[tuple[str, str, float]]:
    return [(row["model"], row["text"], row["score"]) for row in dataset.attempts.to_pylist()]


# lm-evaluation-harness ---------------------------------------------------------------------------------------


def sample(number: int, score: Any, **more: Any) -> dict[str, Any]:
    return {
        "doc_id": number,
        "doc": {"question": "?", "subject": "algebra; sets", "level": 2},
        "target": "1",
        "arguments": [["?", " 1"]],
        "resps": [[["-1.0", "True"]]],
        "filtered_resps": [["-1.0", "True"]],
        "acc": score,
        **more,
    }


def jsonl(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


STAMP = "2024-05-01T10-20-30.123456"


def test_samples_of_two_models_and_two_tasks(file: Write) -> None:
    file(f"out/org__small/samples_arc_easy_{STAMP}.jsonl", jsonl(sample(0, 1.0), sample(1, 0.0)))
    file(f"out/org__small/samples_gsm8k_{STAMP}.jsonl", jsonl(sample(0, 0.5)))
    root = file(f"out/org__large/samples_arc_easy_{STAMP}.jsonl", jsonl(sample(0, True), sample(1, 1))).parents[1]
    report = load(root, name="d")
    assert report.format == "lm-evaluation"
    assert pairs(report.dataset) == [("arc_easy/0", "arc_easy"), ("arc_easy/1", "arc_easy"), ("gsm8k/0", "gsm8k")]
    assert attempts(report.dataset) == [
        ("org/large", "arc_easy/0", 1.0), ("org/large", "arc_easy/1", 1.0),
        ("org/small", "arc_easy/0", 1.0), ("org/small", "arc_easy/1", 0.0), ("org/small", "gsm8k/0", 0.5),
    ]  # fmt: skip
    assert report.dataset.texts["class"].to_pylist() == ["arc_easy", "arc_easy", "gsm8k"]


def test_skills_from_fields_and_from_another_file(file: Write) -> None:
    path = file("m/samples_arc.jsonl", jsonl(sample(0, 1.0)))
    by_field = load(path, name="d", skill_field="doc.subject,doc.level", model="m").dataset
    assert pairs(by_field) == [("arc/0", "2"), ("arc/0", "algebra"), ("arc/0", "sets")]
    edges = file("edges.csv", "text,skill\narc/0,logic\n")
    assert pairs(load(path, name="d", requirements=edges).dataset) == [("arc/0", "logic")]
    with pytest.raises(DataError, match=r"line 1: column 'item': text 'arc/0' is not in t.csv"):
        load(path, name="d", requirements=file("e.csv", "text,skill\nz,logic\n"), texts=file("t.csv", "id\nz\n"))


def test_filters_and_metrics(file: Write) -> None:
    rows = [
        sample(0, 0.0, filter="strict", metrics=["exact_match"], exact_match=1.0),
        sample(0, 0.0, filter="flexible", metrics=["exact_match"], exact_match=0.0),
    ]
    path = file("m/samples_g.jsonl", jsonl(*rows))
    assert attempts(load(path, name="d").dataset) == [("m", "g/0", 1.0)]
    assert attempts(load(path, name="d", filter="flexible").dataset) == [("m", "g/0", 0.0)]
    assert attempts(load(path, name="d", metric="acc").dataset) == [("m", "g/0", 0.0)]


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        ({"doc": 1}, {}, "line 1: expected a key 'doc_id', found 'doc'"),
        ({"doc_id": 0, "word_perplexity": 3.0}, {}, "line 1: expected a score from 0 to 1, found none of the known"),
        (sample(0, 7), {}, "line 1: expected a score from 0 to 1, found 'acc': 7; choose another with metric"),
        (sample(0, 1), {"metric": "f2"}, "line 1: expected a score from 0 to 1, found 'f2': None"),
        (sample(0, 1), {"skill_field": "doc.topic"}, "line 1: field 'doc.topic': there is no 'doc.topic'"),
    ],
)
def test_errors_of_samples(file: Write, row: dict[str, Any], options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        load(file("m/samples_t.jsonl", jsonl(row)), name="d", **options)


def test_errors_of_folders_of_samples(file: Write) -> None:
    root = file("a/m/samples_t.jsonl", jsonl(sample(0, 1))).parents[1]
    file("a/n/samples_t.jsonl", jsonl(sample(0, 1)))
    with pytest.raises(DataError, match=r"holds the samples of several models; leave model out"):
        load(root, name="d", model="m")
    with pytest.raises(DataError, match=r"has no samples_\*.jsonl files; run the harness with --log_samples"):
        load(file("b/x.txt", "x").parent, name="d", format="lm-evaluation")
    twice = file("c/m/samples_t.jsonl", jsonl(sample(0, 1), sample(0, 0)))
    found = load(twice, name="d")
    assert found.dataset.attempts["score"].to_pylist() == [0.5]
    assert any(decision.what == "repeated attempts" for decision in found.decisions)
    assert load(twice, name="d", attempts="last").dataset.attempts["score"].to_pylist() == [0.0]


# BIG-bench and Natural Instructions --------------------------------------------------------------------------

TASK = {
    "name": "arithmetic",
    "description": "Add   numbers.",
    "keywords": ["arithmetic", "zero-shot", "arithmetic"],
    "preferred_score": "exact_str_match",
    "examples": [{"input": "1+1", "target": "2"}],
}


def test_big_bench(file: Write) -> None:
    file("tasks/arithmetic/1_digit/task.json", json.dumps({**TASK, "keywords": ["arithmetic"]}))
    root = file("tasks/arithmetic/task.json", json.dumps(TASK)).parents[1]
    report = load(root, name="d")
    assert report.format == "big-bench"
    assert pairs(report.dataset) == [
        ("arithmetic", "arithmetic"), ("arithmetic", "zero-shot"), ("arithmetic/1_digit", "arithmetic")
    ]  # fmt: skip
    first = report.dataset.texts.to_pylist()[0]
    assert (first["title"], first["description"], first["examples"]) == ("arithmetic", "Add numbers.", 1)
    single = load(root / "arithmetic/task.json", name="d")
    assert single.format == "big-bench"
    assert single.dataset.texts["id"].to_pylist() == ["arithmetic"]


INSTRUCTIONS = {
    "Categories": ["Question Answering"],
    "Reasoning": [],
    "Definition": ["Answer the question."],
    "Domains": ["Mathematics -> Algebra", "News"],
    "Instances": [{"id": "1", "input": "?", "output": ["!"]}],
}


def test_natural_instructions(file: Write) -> None:
    file("tasks/task002_b.json", json.dumps({**INSTRUCTIONS, "Domains": [], "Reasoning": ["Deductive"]}))
    root = file("tasks/task001_a.json", json.dumps(INSTRUCTIONS)).parent
    report = load(root, name="d")
    assert report.format == "natural-instructions"
    assert pairs(report.dataset) == [
        ("task001_a", "category:Question Answering"),
        ("task001_a", "domain:Mathematics -> Algebra"),
        ("task001_a", "domain:News"),
        ("task002_b", "category:Question Answering"),
        ("task002_b", "reasoning:Deductive"),
    ]
    assert report.dataset.part_of.to_pylist() == [
        {"child": "domain:Mathematics -> Algebra", "parent": "domain:Mathematics"}
    ]
    rows = {row["id"]: (row["name"], row["class"], row["level"]) for row in report.dataset.skills.to_pylist()}
    assert rows["domain:Mathematics -> Algebra"] == ("Algebra", "domain", 1)
    assert report.dataset.texts["class"].to_pylist() == ["Question Answering"] * 2
    assert load(root / "task001_a.json", name="d").format == "natural-instructions"


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("x/task.json", "{", {"format": "big-bench"}, "task.json, line 1: is not JSON: Expecting property name"),
        (
            "x/task.json",
            '{"a": 1}',
            {},
            "task.json: is a JSON object with keys 'a', none of which is a list of rows",
        ),
        ("x/task.json", '{"a": 1}', {"format": "big-bench"}, "task.json: expected a BIG-bench task with keywords"),
        ("x/task.json", '{"keywords": 3, "examples": []}', {}, "task.json: key 'keywords': expected a list of names"),
        ("x/a.json", '{"Categories": [1], "Definition": ""}', {}, "a.json: key 'Categories': expected a list of names"),
        ("x/a.json", '{"b": 1}', {"format": "natural-instructions"}, "a.json: expected a task with Categories and"),
    ],
)
def test_errors_of_tasks(file: Write, name: str, content: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        load(file(name, content), name="d", **options)


def test_lenient_leaves_out_files(file: Write) -> None:
    file("tasks/a.json", json.dumps(INSTRUCTIONS))
    file("tasks/b.json", "{")
    file("tasks/c.json", b"{\0}")
    root = file("tasks/d.json", '{"x": 1}').parent
    report = load(root, name="d", lenient=True)
    assert report.dataset.n_texts == 1
    assert report.skipped == {"no JSON": 1, "unreadable file": 1, "no task": 1}


# Folders of text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "text", "count"),
    [
        ("graph", "A graph, two graphs and a subgraph; graph-theory: Graph.", 3),
        ("graph theory", "Graph\n   THEORY", 1),
        ("théorie", "Theorie THÉORIE the\u0301orie", 3),
        ("C++", "C++ and C, or C++11", 2),
        (".NET", "on .NET, asp.NET", 2),
        ("ﬁnite", "finite", 1),
        ("straße", "STRASSE", 1),
        ("الجبر", "علم الجبر الخطي", 1),
        ("集合", "无限集合论", 1),
        ("a_b", "a_b xa_b a_bc", 1),
        ("R", "R, our R2 R.", 2),
    ],
)
def test_terms_are_whole_words_without_case_and_accents(term: str, text: str, count: int) -> None:
    assert Vocabulary([(term, "s")]).count(text)["s"] == count


def test_overlapping_terms_and_shared_terms() -> None:
    index = Vocabulary(
        [("machine learning", "ml"), ("learning", "l"), ("learning rate", "lr"), ("Learning", "x"), ("", "y")]
    )
    assert dict(index.count("machine learning rate")) == {"ml": 1, "l": 1, "lr": 1, "x": 1}
    assert dict(Vocabulary([]).count("anything")) == {}


def test_one_pass_agrees_with_a_search_for_each_term() -> None:
    """The reference looks for every term by itself with a regular expression."""
    words = ["a", "ab", "b a", "a b", "ba", "bab", "a-b", "c"]
    texts = [" ".join(words[i:] + words[:i]) + f",{words[i]}" for i in range(len(words))]
    index = Vocabulary([(word, word) for word in words])
    for text in texts:
        for word in words:
            expected = len(re.findall(rf"(?=(?<!\w){re.escape(fold(word))}(?!\w))", fold(text)))
            assert index.count(text)[word] == expected, (word, text)


def test_folder_of_texts(file: Write) -> None:
    file("docs/maths/sets.md", "# Sets & graphs\n\nA *set* and a Graph; sets.")
    file("docs/empty.txt", "")
    file("docs/picture.png", b"\x89PNG\0")
    root = file("docs/note.txt", "\ufeffNothing here.").parent
    vocabulary = file("docs/terms.txt", "# terms\nset\ngraph\n\nring\n")
    report = load(root, name="d", vocabulary=vocabulary)
    assert report.format == "text-folder"
    assert pairs(report.dataset) == [("maths/sets.md", "graph"), ("maths/sets.md", "set")]
    table = file("v.csv", "skill,terms,category\nsets,set; sets,maths\ngraphs,graph;graphs,maths\n")
    dataset = load(root, name="d", vocabulary=table).dataset
    assert [(r["text"], r["skill"], r["weight"]) for r in dataset.requirements.to_pylist()] == [
        ("maths/sets.md", "graphs", 2.0), ("maths/sets.md", "sets", 3.0),
        ("terms.txt", "graphs", 1.0), ("terms.txt", "sets", 1.0),
    ]  # fmt: skip
    texts = {row["id"]: (row["title"], row["class"]) for row in dataset.texts.to_pylist()}
    assert texts["maths/sets.md"] == ("Sets & graphs", "maths")
    assert texts["empty.txt"] == ("empty.txt", None)
    assert dataset.skills["class"].to_pylist() == ["maths", "maths"]


def test_errors_of_folders_of_text(file: Write) -> None:
    root = file("docs/a.txt", b"caf\xe9").parent
    with pytest.raises(DataError, match=r"is a folder of texts; .* give a list of terms with vocabulary=FILE"):
        load(root, name="d")
    with pytest.raises(DataError, match=r"v.txt: has no terms"):
        load(root, name="d", vocabulary=file("v.txt", "# none\n"))
    with pytest.raises(DataError, match=r"a.txt, line 1: is not UTF-8; save it as UTF-8"):
        load(root, name="d", vocabulary=file("v.txt", "set\n"))
    file("docs/b.txt", "a set")
    report = load(root, name="d", vocabulary=file("v.txt", "set\n"), lenient=True)
    assert pairs(report.dataset) == [("b.txt", "set")]
    assert report.skipped == {"unreadable file": 1}
