"""The Python functions: graphs from what a program has, the same figures as the command line, results that travel."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

import explorer as sg
from explorer.api.window import explore
from explorer.cli.output import plain
from explorer.errors import NotFoundError, QueryError, SkillgraphError, StoreError
from loaders.errors import DataError
from tests.support.command_line import call

ROOT = Path(__file__).parents[2]
EDGES = [("t1", "a"), ("t2", "a"), ("t2", "b"), ("t3", "b"), ("t3", "c"), ("t4", "d"), ("t4", "e"), ("t5", "c")]
TABLE = pa.table({"text": [text for text, _ in EDGES], "skill": [skill for _, skill in EDGES]})


def matrix() -> Any:
    texts, skills = sorted({t for t, _ in EDGES}), sorted({s for _, s in EDGES})
    rows, columns = [texts.index(t) for t, _ in EDGES], [skills.index(s) for _, s in EDGES]
    return sparse.csr_matrix(([1.0] * len(EDGES), (rows, columns)), shape=(len(texts), len(skills)))


def bipartite() -> Any:
    graph = nx.Graph()
    graph.add_nodes_from({t for t, _ in EDGES}, bipartite=0)
    graph.add_nodes_from({s for _, s in EDGES}, kind="skill")
    graph.add_edges_from(EDGES)
    return graph


WAYS: dict[str, Callable[[Path], sg.Graph]] = {
    "edges": lambda _: sg.Graph.from_edges(EDGES),
    "arrow": lambda _: sg.Graph.from_arrow(TABLE),
    "arrow, other columns": lambda _: sg.Graph.from_arrow(
        TABLE.rename_columns(["item", "tag"]), text="item", skill="tag"
    ),
    "arrow, categories": lambda _: sg.Graph.from_arrow(
        pa.table({name: TABLE[name].dictionary_encode() for name in TABLE.column_names})
    ),
    "polars": lambda _: sg.Graph.from_polars(
        pl.DataFrame({name: TABLE[name].to_pylist() for name in ("text", "skill")})
    ),
    "polars, lists": lambda _: sg.Graph.from_polars(
        pl.DataFrame({"text": [t for t, _ in EDGES], "skill": [s for _, s in EDGES]}).group_by("text").agg("skill")
    ),
    "scipy": lambda _: sg.Graph.from_scipy(
        matrix(), text_ids=["t1", "t2", "t3", "t4", "t5"], skill_ids=["a", "b", "c", "d", "e"]
    ),
    "networkx": lambda _: sg.Graph.from_networkx(bipartite()),
    "networkx, directed": lambda _: sg.Graph.from_networkx(nx.DiGraph(EDGES)),
    "file": lambda folder: sg.Graph.load(written(folder), name="graph"),
}


def written(folder: Path) -> Path:
    path = folder / "edges.csv"
    path.write_text("text,skill\n" + "".join(f"{text},{skill}\n" for text, skill in EDGES))
    return path


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_graph(way: str, tmp_path: Path) -> None:
    made, expected = WAYS[way](tmp_path).dataset, sg.Graph.from_edges(EDGES).dataset
    for table in ("requirements", "skills"):
        assert made.tables()[table].equals(expected.tables()[table]), table
    assert made.texts["id"].equals(expected.texts["id"])


def test_a_text_without_skills_stays_and_lists_carry_weights() -> None:
    lists = pa.table({"text": [1, 2, 3], "skill": [["a", "b"], [], ["a"]], "weight": [2.0, 1.0, 3.0]})
    graph = sg.Graph.from_arrow(lists)
    assert graph.to_arrow("texts")["id"].to_pylist() == ["1", "2", "3"]
    assert graph.to_arrow()["weight"].to_pylist() == [2.0, 2.0, 3.0]


def test_attributes_prerequisites_and_outcomes_come_along() -> None:
    graph = sg.Graph.from_arrow(
        TABLE,
        texts=pa.table({"text": ["t1", "t2", "t3", "t4", "t5", "t6"], "part": list("aabbbb"), "length": range(6)}),
        skills=pa.table({"skill": ["a", "b", "c", "d", "e"], "class": list("xxyyy")}),
        prerequisites=pa.table({"prerequisite": ["a"], "skill": ["b"]}),
        models=pa.table({"id": ["m", "n"], "base": [None, "m"]}),
        outcomes=pa.table({"model": ["m", "n"], "text": ["t1", "t1"], "score": [True, False]}),
    )
    info = graph.info
    assert (info.texts, info.parts, info.prerequisites, info.models, info.attempts) == (6, ("a", "b"), 1, 2, 2)
    assert graph.to_arrow("attempts")["score"].to_pylist() == [1.0, 0.0]
    assert graph.to_arrow("texts")["length"].to_pylist() == list(range(6))


def test_a_graph_of_networkx_comes_back_as_it_went() -> None:
    graph = sg.Graph.from_arrow(TABLE, prerequisites=pa.table({"prerequisite": ["a"], "skill": ["b"]}))
    back = sg.Graph.from_networkx(graph.to_networkx())
    for name in ("requirements", "texts", "skills", "prerequisites"):
        assert back.to_arrow(name).equals(graph.to_arrow(name)), name  # type: ignore[arg-type]


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "no such column": (
        lambda: sg.Graph.from_arrow(TABLE, text="item"),
        r"no column 'item' \(its columns: 'text', 'skill'\)",
    ),
    "a gap": (
        lambda: sg.Graph.from_arrow(pa.table({"text": ["a", None], "skill": ["x", "y"]})),
        "row 2: 'text' is empty",
    ),
    "a gap in a list": (
        lambda: sg.Graph.from_arrow(pa.table({"text": ["a"], "skill": [["x", None]]})),
        "'skill' is empty",
    ),
    "fractions as ids": (
        lambda: sg.Graph.from_arrow(pa.table({"text": [1.0], "skill": ["x"]})),
        "ids are text or integers",
    ),
    "a list of pairs": (lambda: sg.Graph.from_pandas(EDGES), "a DataFrame of pandas is expected, not list"),  # type: ignore[arg-type]
    "no frame of polars": (lambda: sg.Graph.from_polars(TABLE), "a DataFrame of polars is expected, not Table"),  # type: ignore[arg-type]
    "no table": (lambda: sg.Graph.from_arrow(EDGES), "an Arrow table is expected, not list"),  # type: ignore[arg-type]
    "four of a pair": (lambda: sg.Graph.from_edges([("t", "a", 1.0, 2)]), r"edge 1 is \('t', 'a', 1.0, 2\)"),
    "a string of two": (lambda: sg.Graph.from_edges(["ab"]), "edge 1 is 'ab'"),
    "no id": (lambda: sg.Graph.from_edges([("t", None)]), "edge 1: skill None is no id"),
    "a weight below zero": (lambda: sg.Graph.from_edges([("t", "a", -1)]), "weight -1.0 must be a positive number"),
    "no weight": (lambda: sg.Graph.from_edges([("t", "a", "x")]), "a weight must be a number"),
    "a dense matrix": (lambda: sg.Graph.from_scipy(matrix().toarray()), "a sparse matrix of scipy is expected"),
    "negative": (lambda: sg.Graph.from_scipy(-matrix()), "holds -1 at row 0, column 0"),
    "too few ids": (
        lambda: sg.Graph.from_scipy(matrix(), text_ids=["x"]),
        "text_ids names 1 where the matrix has 5 rows",
    ),
    "text or skill": (
        lambda: sg.Graph.from_networkx(nx.Graph(EDGES)),
        "not known whether node 't1' is a text or a skill",
    ),
    "both": (lambda: sg.Graph.from_networkx(nx.DiGraph([(1, 2), (2, 3)])), "node 2 has edges both from and to it"),
    "no graph": (lambda: sg.Graph.from_networkx(TABLE), "a graph of networkx is expected, not Table"),
    "no file": (lambda: sg.Graph.load("nowhere.csv"), "no such file"),
    "unknown text": (
        lambda: sg.Graph.from_arrow(TABLE, texts=pa.table({"id": ["t1"]})),
        "text 't2' is not one of the texts",
    ),
    "a text with two rows": (
        lambda: sg.Graph.from_arrow(TABLE, texts=pa.table({"id": ["t1", "t1"]})),
        "text id 't1' occurs 2 times",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_sentence(case: str) -> None:
    make, said = WRONG[case]
    with pytest.raises((DataError, SkillgraphError)) as caught:
        make()
    assert re.search(said, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that the Python functions made."""
    folder = tmp_path_factory.mktemp("saved")
    graph = sg.Graph.from_arrow(
        TABLE,
        texts=pa.table({"id": ["t1", "t2", "t3", "t4", "t5"], "part": ["one", "one", "one", "one", "two"]}),
        skills=pa.table({"id": list("abcde"), "class": list("xxyyy")}),
    )
    base = graph.learn("base", parts=["one"])
    base.associate()
    graph.learn("tuned", parts=["two"], base=base, mode="joint")
    graph.save(folder / "skillgraph.kgl")
    return folder


SAME = {
    "predict base --replicates 0": lambda graph: graph.layer("base").predict(),
    "percolate base": lambda graph: graph.layer("base").percolate(),
    "why d --layer base": lambda graph: graph.layer("base").why("d"),
    "compare base tuned": lambda graph: graph.layer("base").compare("tuned"),
    "query 'MATCH (s:Skill) RETURN s.id ORDER BY s.id'": lambda graph: graph.query(
        "MATCH (s:Skill) RETURN s.id ORDER BY s.id"
    ),
}


@pytest.mark.parametrize("command", SAME)
def test_the_command_line_says_the_same(command: str, saved: Path) -> None:
    printed = call(saved, f"skillgraph {command} --json").json
    found = plain(SAME[command](sg.connect(saved / "skillgraph.kgl").graph()))
    shared = (printed.keys() & found.keys()) - {"seconds"}
    assert len(shared) >= min(4, len(printed))
    for key in shared:
        assert printed[key] == found[key], key


def test_results_are_frozen_shown_and_travel(saved: Path) -> None:
    graph = sg.connect(saved / "skillgraph.kgl").graph("graph")
    layer = graph.layer("base")
    results: list[sg.Result] = [
        layer.associate(), layer.percolate(replicates=2), layer.predict(), layer.why("d"), layer.curriculum(),
        layer.compare("tuned"), graph.query("MATCH (s:Skill) RETURN s.id, s"),
    ]  # fmt: skip
    for found in results:
        with pytest.raises((AttributeError, TypeError)):
            found.rows = ()  # type: ignore[attr-defined]
        table = found.to_arrow()
        assert table.num_columns > 1, found
        assert pl.DataFrame(found.to_polars()).height == table.num_rows
        assert found.headline() in repr(found)
        assert len(repr(found)) < 400
        assert "<table>" in found._repr_html_()
    assert "&lt;b&gt;" in sg.Graph.from_edges([("t", "<b>")])._repr_html_()


def test_pandas_is_not_needed_and_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SkillgraphError, match="pandas is not installed in this environment"):
        sg.Graph.from_edges(EDGES).to_pandas()


def test_graphs_of_networkx_hold_what_the_tables_hold(saved: Path) -> None:
    graph = sg.connect(saved / "skillgraph.kgl").graph()
    assert graph.to_networkx().number_of_edges() == len(EDGES)
    pairs = {frozenset(edge) for edge in graph.layer("base").to_networkx().edges}
    assert pairs == {frozenset(("skill:a", "skill:b")), frozenset(("skill:b", "skill:c"))}
    found = graph.query("MATCH (t:Text {id: 't2'})-[r:REQUIRES]->(s:Skill) RETURN t, r, s").to_networkx()
    assert (found.number_of_nodes(), found.number_of_edges()) == (3, 2)
    with pytest.raises(SkillgraphError, match=r"no associations yet: call associate\(\) first"):
        graph.layer("tuned").to_networkx()


def test_figures_are_those_of_the_pages(saved: Path) -> None:
    layer = sg.connect(saved / "skillgraph.kgl").graph().layer("base")
    assert "this layer" in [trace.name for trace in layer.plot().data]
    assert "this layer" in [trace.name for trace in layer.plot("emergence").data]
    assert "texts, types" in [trace.name for trace in layer.plot("exit").data]
    typed = layer.percolate(replicates=2, types=True)
    assert "at random, types" in [trace.name for trace in typed.plot().data]
    assert typed.to_arrow().column_names[-1] == "predicted_typed"
    assert "most used go first" in [trace.name for trace in layer.percolate(replicates=2).plot().data]
    assert "kept" in [trace.name for trace in layer.compare("tuned").plot().data]


def test_a_graph_with_one_layer_is_asked_without_naming_it() -> None:
    graph = sg.Graph.from_edges(EDGES)
    with pytest.raises(NotFoundError, match=r"has no layer yet: learn\(\) makes one"):
        graph.predict()
    assert graph.learn().learned == 3
    assert graph.why("a").learned
    graph.learn("again", learner="d:2")
    with pytest.raises(NotFoundError, match=r"2 layers: choose one with layer\(name\), of 'again', 'foundation'"):
        graph.predict()
    with pytest.raises(NotFoundError, match="no layer 'none'"):
        graph.layer("none")
    with pytest.raises(SkillgraphError, match="belong to different graphs"):
        graph.layer("again").compare(sg.Graph.from_edges(EDGES).learn())
    assert graph.layer("again").lacking().num_rows == 0


def test_a_graph_is_saved_once_unless_it_is_replaced(saved: Path, tmp_path: Path) -> None:
    store = sg.connect(saved / "skillgraph.kgl")
    graph = store.graph()
    copied = graph.save(tmp_path / "copy.kgl", "other")
    assert [layer.name for layer in copied.layers] == ["base", "tuned"]
    assert copied.layer("base").info.associations == graph.layer("base").info.associations
    assert copied.dataset.requirements.equals(graph.dataset.requirements)
    assert not any(layer.info.stale for layer in copied.layers)
    with pytest.raises(StoreError, match=r"dataset 'other' is in .* already"):
        graph.save(tmp_path / "copy.kgl", "other")
    graph.save(tmp_path / "copy.kgl", "other", replace=True)
    graph.save(sg.connect(tmp_path / "copy.kgl"), "third")
    assert [found.name for found in sg.connect(tmp_path / "copy.kgl").graphs] == ["other", "third"]
    with pytest.raises(NotFoundError, match="name one of the datasets"):
        sg.connect(tmp_path / "copy.kgl").graph()
    with pytest.raises(StoreError, match="there is no store"):
        sg.connect(tmp_path / "nowhere.kgl")


def test_a_query_cannot_write_and_knows_its_graph() -> None:
    graph = sg.Graph.from_edges(EDGES, name="mine")
    assert graph.query("MATCH (s:Skill {dataset: $dataset}) RETURN count(s) AS n").rows[0] == (5,)
    assert graph.query("MATCH (s:Skill) RETURN s.id", limit=2).truncated
    with pytest.raises(QueryError):
        graph.query("MATCH (s:Skill) DELETE s")


def test_the_explorer_answers_and_only_a_notebook_may_frame_it(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.api import window

    layer = sg.connect(saved / "skillgraph.kgl").graph().layer("base")
    shown = layer.explore(browser=False)
    assert shown.url.endswith("/graph?dataset=graph&layer=base")
    with urllib.request.urlopen(shown.url) as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"
    assert layer.graph.explore(browser=False).server is shown.server
    shown.close()
    shown.close()
    monkeypatch.setattr(window, "in_notebook", lambda: True)
    framed = layer.explore()
    with urllib.request.urlopen(framed.url) as answer:
        assert "frame-ancestors http://127.0.0.1:* http://localhost:*" in answer.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in answer.headers
    assert f'<iframe src="{framed.url.replace("&", "&amp;")}"' in framed._repr_html_()
    framed.close()
    with pytest.raises(SkillgraphError, match="no page 'maps'; the pages are overview"):
        explore(layer.graph.place, "maps", {}, port=0, height=1, browser=False)


def test_the_file_of_a_graph_in_memory_goes_with_it() -> None:
    graph = sg.Graph.from_edges(EDGES)
    path = Path(graph.place.url)
    assert path.exists()
    del graph
    assert not path.exists()


def test_importing_is_lazy() -> None:
    code = (
        "import json, sys, time\nbegun = time.process_time()\nimport explorer as sg\n"
        "took = time.process_time() - begun\nsg.__version__, dir(sg)\n"
        "print(json.dumps([took, sorted(sys.modules)]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    took, modules = json.loads(ran.stdout)
    assert {"numpy", "pyarrow", "scipy", "numba", "kglite", "plotly", "dash", "explorer.api"}.isdisjoint(modules)
    assert took < 0.1


USER = """
import explorer as sg

graph = sg.Graph.from_edges([("t1", "a")])
layer: sg.Layer = graph.learn("base")
share: float = layer.percolate().critical
measured: float | None = layer.predict().row("learned").measured
rows: int = layer.compare("other").to_arrow().num_rows
connected: sg.Connection = sg.connect("store.kgl")
answer: sg.Answer = connected.query("RETURN 1")
wrong: int = graph.evidence()
graph.learn(mode="cold")
"""


@pytest.mark.long
def test_types_serve_a_user_who_checks_strictly(tmp_path: Path) -> None:
    """A user's file, with this package as one that is installed: only what is wrong in it is found."""
    (tmp_path / "user.py").write_text(USER)
    cache = ROOT / ".mypy_cache" / "user"  # without it, all of this package is read anew
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), "--no-error-summary", "user.py"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    found = [line.partition("error: ")[2] for line in ran.stdout.splitlines()]
    assert [line.rpartition("[")[2] for line in found] == ["assignment]", "arg-type]"], ran.stdout
    assert "Evidence" in found[0]
    assert "Literal['cold']" in found[1]


def test_every_public_name_is_there_and_described() -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    for name in sg.__all__:
        value = getattr(sg, name)
        assert name == "__version__" or value.__doc__, name
        assert name == "__version__" or f"`{name}" in page or f"sg.{name}" in page, f"docs/python.md lacks {name}"
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sg.nothing  # type: ignore[attr-defined]  # noqa: B018
