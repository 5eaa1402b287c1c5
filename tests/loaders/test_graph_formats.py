"""GraphML, GEXF and Neo4j's CSV; other programs' writers are the reference where there is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest

from loaders.dataset import Dataset
from loaders.errors import DataError
from loaders.formats import load

Write = Callable[[str, str | bytes], Path]


def pairs(dataset: Dataset) -> list[tuple[str, str, float]]:
    return [(row["text"], row["skill"], row["weight"]) for row in dataset.requirements.to_pylist()]


def graph(directed: bool = True) -> nx.Graph:
    built: nx.Graph = nx.DiGraph() if directed else nx.Graph()
    built.add_node("n1", kind="text", id_="x", title='Naïve, "Bayes"', lines=3, share=0.5, ok=True)
    built.add_node("n2", kind="text", title="الجبر")
    built.add_node("a", kind="skill", name="A", level=1)
    built.add_node("b", kind="skill")
    built.add_edge("n1", "a", weight=2.0)
    built.add_edge("n1", "b")
    built.add_edge("n2", "b", relation="REQUIRES")
    return built


def check(dataset: Dataset, *, links: bool) -> None:
    assert pairs(dataset) == [("n1", "a", 2.0), ("n1", "b", 1.0), ("n2", "b", 1.0)]
    first, second = dataset.texts.to_pylist()
    assert (first["title"], first["lines"], first["share"], first["ok"]) == ('Naïve, "Bayes"', 3, 0.5, True)
    assert (second["title"], second["lines"]) == ("الجبر", None)
    assert "kind" not in dataset.texts.column_names
    assert dataset.skills.to_pylist()[0]["name"] == "A"
    assert dataset.skills["level"].to_pylist() == [1, None]
    assert dataset.part_of.to_pylist() == ([{"child": "b", "parent": "a"}] if links else [])
    assert dataset.prerequisites.to_pylist() == ([{"prerequisite": "a", "skill": "b"}] if links else [])


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize(("suffix", "write"), [("graphml", nx.write_graphml), ("gexf", nx.write_gexf)])
def test_what_networkx_writes(tmp_path: Path, suffix: str, write: Callable[..., None], directed: bool) -> None:
    built = graph(directed)
    if directed:
        built = nx.MultiDiGraph(built)
        built.add_edge("b", "a", relation="part of")
        built.add_edge("a", "b", relation="PREREQUISITE_OF")
    write(built, tmp_path / f"g.{suffix}")
    report = load(tmp_path / f"g.{suffix}", name="d")
    assert report.format == suffix
    check(report.dataset, links=directed)


def test_texts_are_where_all_edges_come_from(tmp_path: Path) -> None:
    nx.write_graphml(nx.DiGraph([("t", "a"), ("u", "a"), ("u", "b")]), tmp_path / "g.graphml")
    assert pairs(load(tmp_path / "g.graphml", name="d").dataset) == [("t", "a", 1.0), ("u", "a", 1.0), ("u", "b", 1.0)]


def test_labels_of_ones_own(tmp_path: Path) -> None:
    built = nx.DiGraph()
    built.add_node("p", type="Paper")
    built.add_node("m", type="Method")
    built.add_edge("p", "m")
    nx.write_graphml(built, tmp_path / "g.graphml")
    dataset = load(tmp_path / "g.graphml", name="d", text_label="paper", skill_label="Method").dataset
    assert pairs(dataset) == [("p", "m", 1.0)]


APOC = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="title" for="node" attr.name="title"/><key id="labels" for="node" attr.name="labels"/>
<key id="key" for="node" attr.name="key"/><key id="id" for="node" attr.name="id"/>
<key id="weight" for="edge" attr.name="weight" attr.type="double"><default>3</default></key>
<graph id="G" edgedefault="directed">
<node id="n0" labels=":Text"><data key="labels">:Text</data><data key="id">t</data><data key="key">d/t</data></node>
<node id="n1" labels=":Skill"><data key="labels">:Skill</data><data key="id">t</data></node>
<node id="n2" labels=":Model"><data key="id">m</data></node><node id="n3" labels=":Model"><data key="id">n</data></node>
<node id="n4" labels=":Layer"><data key="id">l</data></node>
<edge id="e0" source="n0" target="n1" label="REQUIRES"><data key="label">REQUIRES</data></edge>
<edge id="e1" source="n2" target="n0" label="ATTEMPTED"><data key="score">0.5</data></edge>
<edge id="e2" source="n3" target="n2" label="FINE_TUNED_FROM"></edge>
<edge id="e3" source="n4" target="n1" label="LEARNED"></edge>
</graph></graphml>"""


def test_what_neo4j_exports(file: Write) -> None:
    dataset = load(file("g.graphml", APOC), name="d").dataset
    assert pairs(dataset) == [("t", "t", 3.0)]
    assert dataset.attempts.to_pylist() == [{"model": "m", "text": "t", "score": 0.5}]
    assert dataset.models["base"].to_pylist() == [None, "m"]
    assert "key" not in dataset.texts.column_names


HEAD = '<graphml><key id="k" for="node" attr.name="kind"/><graph edgedefault="directed">'


def node(name: str, kind: str) -> str:
    return f'<node id="{name}"><data key="k">{kind}</data></node>'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("g.graphml", "<graphml><graph>", "line 1: column 17: is not well-formed XML: no element found"),
        ("g.graphml", "<html/>", ": is not GraphML; expected a <graphml> element"),
        ("g.gexf", "<html/>", ": is not GEXF; expected a <gexf> element"),
        ("g.graphml", '<!DOCTYPE g [\n<!ENTITY a "aaaa">]><graphml>&a;</graphml>',
         "line 2: declares an entity; remove the document type"),
        ("g.graphml", "<graphml><graph/></graphml>", ": has no nodes"),
        ("g.graphml", HEAD + "<node id='a'/><node id='b'/><edge source='a' target='b'/><edge source='b' target='a'/>"
         "</graph></graphml>",
         ": does not say which nodes are texts and which are skills; give the nodes an attribute"),
        ("g.graphml", HEAD + node("t", "text") + "\n<edge source='t' target='x'/></graph></graphml>",
         "line 2: an edge ends at 'x', which is not a node"),
        ("g.graphml", HEAD + node("t", "text") + "\n" + node("z", "zebra") + "</graph></graphml>",
         "line 2: node 'z' is labelled nothing; expected a text, skill or model"),
        ("g.graphml", HEAD + node("t", "text") + node("u", "text")
         + "\n<edge source='t' target='u'/></graph></graphml>",
         "line 2: an edge without type from text 't' to text 'u'; expected REQUIRES (text to skill)"),
        ("g.graphml", HEAD + node("t", "text") + node("s", "skill")
         + "\n<edge source='t' target='s'><data key='weight'>0</data></edge></graph></graphml>",
         "line 2: weight '0' must be a positive number"),
    ],
)  # fmt: skip
def test_errors(file: Write, name: str, content: str, message: str) -> None:
    path = file(name, content)
    with pytest.raises(DataError, match=re.escape(message)):
        load(path, name="d")


def test_lenient_leaves_out_edges(file: Write) -> None:
    content = HEAD + node("t", "text") + node("s", "skill")
    content += (
        "<edge source='t' target='s'/><edge source='t' target='x'/><edge source='t' target='t'/></graph></graphml>"
    )
    report = load(file("g.graphml", content), name="d", lenient=True)
    assert pairs(report.dataset) == [("t", "s", 1.0)]
    assert report.skipped == {"unknown node": 1, "unexpected edge": 1}


# Neo4j's CSV -------------------------------------------------------------------------------------------------

NODES = 'id:ID(Text),title,lines:int,tags:string[],internal:IGNORE,:LABEL\nt,"T, ""x""",3,a;b,x,Text;Long\nu,,,,,Text\n'
SKILLS = "id:ID(Skill),name,level:long,:LABEL\na,A,1,Skill\nt,T,,Skill\n"
REQUIRES = ":START_ID(Text),:END_ID(Skill),weight:double,:TYPE\nt,a,2.5,REQUIRES\nu,t,,REQUIRES\n"
PART_OF = ":START_ID(Skill);:END_ID(Skill)\nt;a\n"


def test_folder_of_neo4j_files(file: Write) -> None:
    for name, content in (("n.csv", NODES), ("s.csv", SKILLS), ("r.csv", REQUIRES), ("part_of.csv", PART_OF)):
        file(f"export/{name}", content)
    report = load(file("export/notes.csv", "a,b\n1,2\n").parent, name="d")
    assert report.format == "neo4j-csv"
    assert pairs(report.dataset) == [("t", "a", 2.5), ("u", "t", 1.0)]
    assert report.dataset.part_of.to_pylist() == [{"child": "t", "parent": "a"}]
    assert report.dataset.texts.to_pylist()[0] == {
        "id": "t", "title": 'T, "x"', "class": None, "part": None, "lines": 3, "tags": "a;b"
    }  # fmt: skip
    assert report.dataset.skills["level"].to_pylist() == [1, None]


def test_files_named_one_by_one_and_labels_by_id_group(file: Write) -> None:
    nodes = file("n.csv", ":ID(Text)\nt\n")
    skills, links = file("s.csv", "key:ID(Skill),name\na,A\n"), file("l.csv", ":START_ID(Text),:END_ID(Skill)\nt,a\n")
    dataset = load(nodes, name="d", relationships=f"{skills},{links}").dataset
    assert pairs(dataset) == [("t", "a", 1.0)]
    assert dataset.skills["name"].to_pylist() == ["A"]


def test_single_file_of_apoc(file: Write) -> None:
    content = (
        '"_id","_labels","id","name","_start","_end","_type","weight"\n'
        '"0",":Text","t","","","","",""\n"1",":Skill","a","A","","","",""\n,,,,"0","1","REQUIRES","2"\n'
    )
    report = load(file("all.csv", content), name="d")
    assert report.format == "neo4j-csv"
    assert pairs(report.dataset) == [("t", "a", 2.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id:ID,:LABEL\nt,Text\nt,Text\n", "n.csv, line 3: id 't' occurs twice"),
        ("id:ID,:LABEL\n,Text\n", "n.csv, line 2: expected an id, found nothing"),
        (":START_ID,:END_ID,:TYPE\nt,a,REQUIRES\n", "n.csv: has no nodes"),
    ],
)
def test_errors_of_neo4j_files(file: Write, content: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        load(file("n.csv", content), name="d")


def test_dangling_relationships_name_their_own_file(file: Write) -> None:
    nodes, links = file("n.csv", "id:ID,:LABEL\nt,Text\n"), file("l.csv", ":START_ID,:END_ID,:TYPE\nt,a,REQUIRES\n")
    with pytest.raises(DataError, match=r"l.csv, line 2: an edge ends at 'a', which is not a node"):
        load(nodes, name="d", relationships=links)
