"""What pages make of data before a browser sees it."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis.components import components
from explorer.cli.app import app
from explorer.cookbook import COOKBOOK as RECIPES
from explorer.service import compare, percolate, subsample, wave_curve
from explorer.store.opening import open_store
from explorer.store.protocol import Node, QueryResult, Relationship
from explorer.store.protocol import Path as GraphPath
from tests.ui.conftest import HOSTILE, small_dataset
from ui.choice import choose
from ui.components import no_layer
from ui.drawing.figures import (
    emergence_figure,
    label,
    learned_by_class_figure,
    percolation_figure,
    subsample_figure,
    waves_figure,
)
from ui.drawing.graphs import LayerGraph
from ui.pages.classes import class_table, requirement_matrix
from ui.pages.graph import as_csv, as_graphml
from ui.pages.percolation import frames
from ui.pages.query import (
    COOKBOOK,
    SCHEMA,
    default_parameters,
    plain,
    recipes,
    result_csv,
    result_elements,
    result_json,
    result_rows,
)
from ui.source import Source

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store(store_path: Path):
    return open_store(store_path, mode="read")


def test_labels_are_text() -> None:
    assert "<" not in label(HOSTILE, 200)


def test_csv_has_every_association(small_graph: LayerGraph) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(small_graph))))
    assert len(rows) == small_graph.m
    assert sum(int(row["texts"]) for row in rows) == int(small_graph.weight.sum())


def test_graphml_is_read_back_by_networkx(small_graph: LayerGraph) -> None:
    import networkx as nx

    text = as_graphml(small_graph)
    assert ET.fromstring(text) is not None
    found = nx.parse_graphml(text)
    assert (found.number_of_nodes(), found.number_of_edges()) == (small_graph.n, small_graph.m)
    assert found.nodes["skill:b00"]["name"] == HOSTILE


def test_frames_follow_the_clusters(small_graph: LayerGraph) -> None:
    graph = small_graph.view.indexed.graph
    found = frames(small_graph, seed=3, steps=10)
    assert len(found["steps"]) == 11
    assert set(found["steps"][0]) == {"0"}
    assert "0" not in found["steps"][-1]
    whole = components(graph, np.ones(graph.n_skills, dtype=bool))
    assert found["largest"][-1] == pytest.approx(whole.giant_fraction)
    giant = whole.label[small_graph.skill] == 0
    assert found["steps"][-1] == "".join("2" if g else "1" for g in giant)
    assert np.all(np.diff(found["largest"]) >= 0)


def test_class_counts_add_up(small_graph: LayerGraph) -> None:
    rows = class_table(small_graph.view)
    assert sum(n for _, n, _ in rows) == small_graph.view.indexed.graph.n_skills
    assert sum(known for _, _, known in rows) == small_graph.n


@pytest.mark.parametrize("measure", ["mean", "learned"])
def test_requirement_matrix_against_loops(small_graph: LayerGraph, measure: str) -> None:
    view = small_graph.view
    rows, columns, values = requirement_matrix(view, measure)
    graph = view.indexed.graph
    text_class = view.indexed.text_column("class").to_pylist()
    skill_class = view.indexed.skill_column("class").to_pylist()
    for i, row in enumerate(rows):
        texts = [t for t in range(graph.n_texts) if text_class[t] == row]
        for j, column in enumerate(columns):
            required = [
                int(s)
                for t in texts
                for s in graph.text_skills[graph.text_ptr[t] : graph.text_ptr[t + 1]]
                if skill_class[s] == column
            ]
            if not required:
                assert np.isnan(values[i, j])
            elif measure == "mean":
                assert values[i, j] == pytest.approx(len(required) / len(texts))
            else:
                assert values[i, j] == pytest.approx(np.mean([view.learned[s] for s in required]))


def test_figures_show_what_was_measured(store) -> None:
    curve = wave_curve(store, "small", "foundation")
    assert list(waves_figure(curve).data[-1].y) == list(curve.measured)
    part = subsample(store, "small", "foundation", replicates=2)
    assert list(subsample_figure(part).data[-1].y) == list(part.learned)
    report = percolate(store, "small", "foundation", replicates=2)
    chart = percolation_figure(report, list(report.giant))
    assert [trace.name for trace in chart.data if trace.mode == "markers"] == ["learned skills"]
    assert chart.data[-1].x == (report.learned,)
    here = emergence_figure([0.0, 1.0], [0.0, 0.5], here=(0.7, 0.3), degrees=None, threshold=None)
    assert (here.data[-1].x, here.data[-1].y) == ((0.7,), (0.3,))


def test_bars_of_classes_add_up(store) -> None:
    found = compare(store, "small", "foundation", "tuned")
    chart = learned_by_class_figure(found)
    assert {bar.name: sum(bar.x) for bar in chart.data} == {
        "kept": found.kept,
        "gained": found.gained,
        "lost": found.lost,
    }
    assert not any("<" in name for name in chart.data[0].y)


@pytest.mark.parametrize(("title", "cypher"), COOKBOOK, ids=[title for title, _ in COOKBOOK])
def test_recipes_run(store, title: str, cypher: str) -> None:
    given = {"skill": "b01", "dataset": "small"}
    result = store.query(cypher, {name: value for name, value in given.items() if f"${name}" in cypher})
    assert result.rows, title


def test_recipes_are_of_the_chosen_dataset(store, store_path: Path) -> None:
    snapshot = Source(store_path).snapshot()
    offered = recipes(default_parameters(snapshot, choose(snapshot, {})))
    for (title, cypher), recipe in zip(COOKBOOK, offered, strict=False):
        assert ("$dataset" in cypher) == (title != "Datasets")
        given = json.loads(recipe["parameters"] or "{}")
        assert given.get("dataset", "small") == "small"
        assert store.query(cypher, given).rows
        elsewhere = store.query(cypher, given | {"dataset": "other"}) if given else None
        assert elsewhere is None or not elsewhere.rows


def test_cookbook_parameters_are_of_what_the_page_shows(store, store_path: Path) -> None:
    snapshot = Source(store_path).snapshot()
    given = default_parameters(snapshot, choose(snapshot, {}))
    assert (given["dataset"], given["layer"], given["tuned"]) == ("small", "foundation", "tuned")
    assert given["skill"] != given["other"]
    for recipe in RECIPES:
        store.query(recipe.cypher, {name: given[name] for name in recipe.parameters})


def test_results_become_cells_and_elements() -> None:
    a, b = Node("1", ("Skill",), {"name": HOSTILE}), Node("2", ("Text",), {"title": "t"})
    link = Relationship("9", "REQUIRES", "2", "1", {"weight": 2.0})
    rows = [(a, link, 3, None, ["x", 1], {"k": a}, GraphPath((b, a), (link,)))]
    result = QueryResult(("s.name", "r", "n", "none", "list", "map", "path"), rows, truncated=False, seconds=0.0)
    columns, cells = result_rows(result)
    assert columns[0] == "s.name"
    assert cells[0]["c0"] == f"(:Skill {HOSTILE})"
    assert cells[0]["c2"] == 3
    assert cells[0]["c3"] is None
    assert cells[0]["c6"] == f"t → {HOSTILE}"
    assert plain(link) == "[:REQUIRES {weight: 2.0}]"
    elements = result_elements(result)
    assert {e["data"]["id"] for e in elements} == {"n:1", "n:2", "r:9"}


def test_rows_without_nodes_make_no_graph() -> None:
    assert result_elements(QueryResult(("n",), [(1,)], truncated=False, seconds=0.0)) == []


def test_what_an_empty_page_advises_can_be_done(tmp_path: Path) -> None:
    path = tmp_path / "fresh.kgl"
    fresh = open_store(path, mode="write")
    fresh.write_dataset(small_dataset())
    fresh.close()
    commands = [part.children for part in no_layer("small").children if type(part).__name__ == "Pre"]
    assert len(commands) == 2
    for command in commands:
        program, *arguments = command.split()
        assert program == "skillgraph"
        result = CliRunner().invoke(app, [*arguments, "--store", str(path)])
        assert result.exit_code == 0, result.output
    assert [info.name for info in open_store(path, mode="read").layers("small")] == ["foundation"]


def test_recipes_carry_their_parameters(store) -> None:
    found = recipes({"layer": "tuned", "dataset": "small", "limit": 5, "skill": "b01", "other": "b02"})
    assert len(found) == len(COOKBOOK) + len(RECIPES)
    for recipe, mine in zip(RECIPES, found[len(COOKBOOK) :], strict=True):
        given = json.loads(mine["parameters"] or "{}")
        assert set(given) == set(recipe.parameters)
        assert mine["text"] == recipe.cypher


def test_exports_of_a_query_hold_what_is_shown() -> None:
    result = {"columns": ["a,b", "n"], "rows": [{"c0": 'say "hi"', "c1": 1}, {"c0": None, "c1": 2.5}]}
    assert list(csv.reader(io.StringIO(result_csv(result)))) == [["a,b", "n"], ['say "hi"', "1"], ["", "2.5"]]
    risky = {"columns": ["=a"], "rows": [{"c0": "=1+1"}, {"c0": -5}, {"c0": "'x"}]}
    assert list(csv.reader(io.StringIO(result_csv(risky)))) == [["'=a"], ["'=1+1"], ["-5"], ["'x"]]
    assert json.loads(result_json(risky))["rows"] == [["=1+1"], [-5], ["'x"]]
    assert json.loads(result_json(result)) == {"columns": ["a,b", "n"], "rows": [['say "hi"', 1], [None, 2.5]]}


def test_the_schema_beside_the_editor_is_that_of_the_documentation() -> None:
    sections = re.split(r"^### ", (ROOT / "docs" / "schema.md").read_text(), flags=re.MULTILINE)[1:]
    documented = {}
    for section in sections:
        name = re.search(r"`[(\[](:\w+)", section)
        assert name is not None
        documented[name[1]] = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    shown = {
        ":" + before.rpartition(":")[2]: [part for part in properties.split(", ") if part]
        for lines in SCHEMA.values()
        for before, properties, _ in lines
    }
    assert shown == documented
