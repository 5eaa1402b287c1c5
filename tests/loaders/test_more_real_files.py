"""More kinds of files as programs and people write them: read right and told, or refused with the cause."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders.errors import DataError
from loaders.formats import LoadReport, load

Write = Callable[[str, str | bytes], Path]
EDGES = "text,skill\nt1,loops\nt2,loops\nt2,sorting\n"
XML = '<?xml version="1.0"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
KIND = '<key id="k" for="node" attr.name="kind" attr.type="string"/><graph edgedefault="directed">'
T1 = '<node id="t1"><data key="k">text</data></node>'
A = '<node id="a"><data key="k">skill</data></node>'
END = "</graph></graphml>"
ROWS = [{"id": "t1", "skills": ["a"]}, {"id": "t2", "skills": ["b"]}]
NODES = [{"id": "t1", "kind": "text"}, {"id": "a", "kind": "skill"}]


def _pairs(report: LoadReport) -> list[str]:
    return sorted(f"{row['text']} {row['skill']}" for row in report.dataset.requirements.to_pylist())


def _scores(report: LoadReport) -> dict[str, float]:
    return {f"{row['model']} {row['text']}": row["score"] for row in report.dataset.attempts.to_pylist()}


OUTCOMES: dict[str, tuple[str, str, dict[str, float]]] = {
    "fractions": ("o.csv", "text,model,score\nt1,m,3/4\nt2,m,0/2\n", {"m t1": 0.75, "m t2": 0}),
    "check marks": ("o.csv", "text,m,n\nt1,✓,✗\nt2,✔,✘\n", {"m t1": 1, "m t2": 1, "n t1": 0, "n t2": 0}),
    "a row for each model": ("o.csv", "model,t1,t2\na,1,0\nb,0.5,1\n", {"a t1": 1, "a t2": 0, "b t1": 0.5, "b t2": 1}),
    "by model in JSON": ("o.json", '{"a":{"t1":1,"t2":0},"b":{"t1":0,"t2":1}}',
                         {"a t1": 1, "a t2": 0, "b t1": 0, "b t2": 1}),
    "by text in JSON": ("o.json", '{"t1":{"a":1,"b":0},"t2":{"a":0,"b":1}}',
                        {"a t1": 1, "a t2": 0, "b t1": 0, "b t2": 1}),
    "lists of attempts": ("o.jsonl", ('{"task_id":"t1","model":"a","passed":[true,false]}\n'
                          '{"task_id":"t2","model":"a","passed":[true,true]}\n'), {"a t1": 0.5, "a t2": 1}),
}  # fmt: skip


@pytest.mark.parametrize("way", OUTCOMES)
def test_outcomes_as_they_are_written(way: str, file: Write) -> None:
    name, content, right = OUTCOMES[way]
    assert _scores(load(file("e.csv", EDGES), name="d", outcomes=str(file(name, content)))) == right


@pytest.mark.parametrize(("content", "message"), [
    ("text,model,score\nt1,m,-0.5\nt2,m,1\n", "points from -1 to 1: use -o scale=-1-1"),
    ("text,model,score\nt1,m,-12.5\nt2,m,-3\n", "points from -12.5 to 0: use -o scale=-12.5-0"),
    ("text,m,n\nt1,0.5,50\nt2,1,80\n", "model 'm' are from 0 to 1, and those of others up to 80; if the fo"),
    ("text,model,score\nt1,m,+\nt2,m,-\n", "say what it is worth, as in scale=+:0.5"),
    ("text,a,a\nt1,1,0\nt2,0,0\n", "line 1: 2 columns are called 'a'; give each model a name of its own"),
    ("text,model,score\nT1,m,1\nT2,m,0\n", "it has 't1', which may be the same: write both alike"),
])  # fmt: skip
def test_outcomes_that_are_refused_with_the_cause(content: str, message: str, file: Write) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        load(file("e.csv", EDGES), name="d", outcomes=str(file("o.csv", content)))


def test_a_score_within_an_object_is_named_by_its_path(file: Write) -> None:
    edges = file("e.csv", EDGES)
    outcomes = file("o.jsonl", '{"task":"t1","model":"a","result":{"passed":true}}\n')
    with pytest.raises(DataError, match=r"holds an object.*such as outcomes_score_column=result\.passed") as refused:
        load(edges, name="d", outcomes=str(outcomes))
    way = str(refused.value).rpartition("=")[2]
    assert _scores(load(edges, name="d", outcomes=str(outcomes), outcomes_score_column=way)) == {"a t1": 1}


TABLES: dict[str, tuple[str, str | bytes, list[str]]] = {
    "tags of HTML": ("r.csv", "id,skills\nt1,<ul><li>a</li><li>b &amp; c</li></ul>\nt2,<li>a</li>\n",
                     ["t1 a", "t1 b & c", "t2 a"]),
    "groups above the names": ("r.csv", 'Q,Q,Topic\nid,wording,skills\nt1,w,"a;b"\nt2,w,a\n', ["t1 a", "t1 b", "t2 a"]),
    "two byte order marks": ("e.csv", b"\xef\xbb\xbf\xef\xbb\xbf" + EDGES.encode(), ["t1 loops", "t2 loops",
                                                                                  "t2 sorting"]),
    "a list two levels down": ("r.json", json.dumps({"data": {"items": ROWS}}), ["t1 a", "t2 b"]),
    "flags by name": ("r.json", '[{"id":"t1","skills":{"a":true,"b":false}},{"id":"t2","skills":{"a":false,"b":true}}]',
                      ["t1 a", "t2 b"]),
    "links by place": ("g.json", json.dumps({"nodes": [{"name": "t1", "kind": "text"}, {"name": "a", "kind": "skill"}],
                                             "links": [{"source": 0, "target": 1}]}), ["t1 a"]),
    "adjacency of networkx": ("g.json", json.dumps({"directed": False, "nodes": NODES,
                                                    "adjacency": [[{"id": "a"}], [{"id": "t1"}]]}), ["t1 a"]),
    "evaluation with skills": ("a.csv", "item,model,score,skills\nt1,m,1,a;b\nt1,n,0,a;b\nt2,m,0,a\n",
                               ["t1 a", "t1 b", "t2 a"]),
    "evaluation with tags": ("a.jsonl", ('{"task_id":"t1","model":"m","passed":true,"tags":["a","b"]}\n'
                             '{"task_id":"t1","model":"n","passed":false,"tags":["a","b"]}\n'), ["t1 a", "t1 b"]),
}  # fmt: skip


@pytest.mark.parametrize("way", TABLES)
def test_tables_and_graphs_as_they_are_written(way: str, file: Write) -> None:
    name, content, right = TABLES[way]
    report = load(file(name, content), name="d")
    assert _pairs(report) == right
    assert all(row["weight"] == 1 for row in report.dataset.requirements.to_pylist())
    if name.startswith("a."):
        assert len(_scores(report)) == (3 if name == "a.csv" else 2)


REFUSED: dict[str, tuple[str, str, str]] = {
    "hyperedges": ("g.graphml", f'{XML}{KIND}{T1}{A}<hyperedge><endpoint node="t1"/></hyperedge>{END}', "hyperedges,"),
    "a node twice": ("g.graphml", f"{XML}{KIND}{T1}{T1}{A}{END}", "line 2: node 't1' occurs twice"),
    "a value twice": ("g.graphml", (f'{XML}{KIND}<node id="t1"><data key="k">text</data><data key="k">skill</data>'
                      f"</node>{A}{END}"), "two values of 'kind', 'text' and 'skill'"),
    "a node twice in GEXF": ("g.gexf", ('<gexf version="1.3"><graph><nodes><node id="a"/><node id="a"/></nodes></graph>'
                             "</gexf>"), "node 'a' occurs twice"),
    "a node twice in JSON": ("g.json", json.dumps({"nodes": [*NODES, NODES[0]], "links": []}), "node 't1' occurs"),
    "objects in one line": ("r.jsonl", '{"id":"t1","skills":["a"]}{"id":"t2","skills":["b"]}\n', "a line of its own"),
    "objects over lines": ("r.jsonl", '{\n "id":"t1",\n "skills":["a"]\n}\n', "write one array, as .json"),
    "Python's quotes": ("r.json", "[{'id':'t1','skills':['a']}]", "single quotes, as Python prints them"),
    "comments in JSON": ("r.json", '// made\n[{"id":"t1","skills":["a"]}]', "JSON has no comments"),
    "answers of students": ("a.csv", "student,q1,q2,q3\ns1,1,0,1\ns2,0,1,1\n", "give this one with it as respon"),
    "tildes": ("r.csv", "id,skills\nt1,a~b\nt2,a\nt3,b\n", "separator=none; several: use -o separator=~"),
    "a missing weight": ("e.csv", "text,skill,weight\nt1,a,1\nt2,b,NA\n", "--lenient leaves such rows out"),
}  # fmt: skip


@pytest.mark.parametrize("way", REFUSED)
def test_what_is_refused_is_told_with_the_cause(way: str, file: Write) -> None:
    name, content, message = REFUSED[way]
    with pytest.raises(DataError, match=re.escape(message)):
        load(file(name, content), name="d")


def test_results_without_samples_are_named(file: Write) -> None:
    folder = file("m/results_2024-01-01.json", '{"results":{"arc":{"acc,none":0.5}}}').parent
    with pytest.raises(DataError, match="run it with --log_samples"):
        load(folder, name="d")


def test_maps_of_parquet_are_skills_with_weights(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.float64())
    for name, maps in (("a", [[("x", 1.0)], [("y", 0.5)]]), ("b", [[("x", 1.0), ("x", 2.0)], []])):
        table = pa.table({"id": ["t1", "t2"], "skills": pa.array(maps, kind)})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    report = load(tmp_path / "a.parquet", name="d")
    assert [tuple(row.values())[:3] for row in report.dataset.requirements.to_pylist()] == [
        ("t1", "x", 1.0), ("t2", "y", 0.5)
    ]  # fmt: skip
    with pytest.raises(DataError, match="column 'skills': a map has a key twice"):
        load(tmp_path / "b.parquet", name="d")


@pytest.mark.parametrize(("texts", "outcome", "message"), [
    ("001,002", "1", "it has '001'"), ("1,2", "1.0", "it has '1'"), ("task_a,b", "Task A", "it has 'task_a'"),
])  # fmt: skip
def test_ids_that_changed_on_their_way_are_found(texts: str, outcome: str, message: str, file: Write) -> None:
    edges = file("e.csv", "text,skill\n" + "".join(f"{text},a\n" for text in texts.split(",")))
    outcomes = file("o.csv", f"text,model,score\n{outcome},m,1\n{outcome}x,m,0\n")
    with pytest.raises(DataError, match=message):
        load(edges, name="d", outcomes=str(outcomes), outcomes_text_column="text")


def test_titles_in_the_place_of_ids_are_named(file: Write) -> None:
    edges, texts = file("e.csv", "text,skill\nSum,a\nSort,b\n"), file("t.csv", "id,title\n1,Sum\n2,Sort\n")
    with pytest.raises(DataError, match="it is the title of text '1'"):
        load(edges, name="d", texts=str(texts))


def test_columns_of_one_name_are_both_kept(file: Write) -> None:
    texts = file("t.csv", "id,topic,topic\nt1,a,b\nt2,c,d\n")
    found = load(file("e.csv", EDGES), name="d", texts=str(texts)).dataset.texts
    assert found["topic"].to_pylist() == ["a", "c"]
    assert found["topic (2)"].to_pylist() == ["b", "d"]


def test_values_that_change_over_time_and_skills_that_differ_between_rows_are_told(file: Write) -> None:
    graph = (
        '<gexf version="1.3"><graph defaultedgetype="directed"><attributes class="node"><attribute id="0" title="kind" '
        'type="string"/><attribute id="1" title="size" type="integer"/></attributes><nodes><node id="t1"><attvalues>'
        '<attvalue for="0" value="text"/><attvalue for="1" value="1"/><attvalue for="1" value="2"/></attvalues></node>'
        '<node id="a"><attvalues><attvalue for="0" value="skill"/></attvalues></node></nodes><edges><edge source="t1" '
        'target="a"/></edges></graph></gexf>'
    )
    assert any(decision.what == "values of 'size'" for decision in load(file("g.gexf", graph), name="d").decisions)
    report = load(file("a.csv", "item,model,score,skills\nt1,m,1,a;b\nt1,n,0,a\n"), name="d")
    assert any("other skills in other rows" in decision.what for decision in report.decisions)
