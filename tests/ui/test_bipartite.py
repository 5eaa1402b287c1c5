"""Texts beside their skills."""

import numpy as np
import pytest

from ui.drawing.bipartite import SKILL_LIMIT, TEXT_LIMIT, text_drawing, texts_around
from ui.drawing.colourings import colourings
from ui.drawing.graphs import LayerGraph, skills_of


def elements(drawing):
    nodes = {e["data"]["id"]: e for e in drawing.elements if "source" not in e["data"]}
    edges = [e for e in drawing.elements if "source" in e["data"]]
    assert len(nodes) + len({e["data"]["id"] for e in edges}) == len(drawing.elements), "ids are unique"
    assert all(e["data"]["source"] in nodes and e["data"]["target"] in nodes for e in edges)
    return nodes, edges


@pytest.fixture
def look(small_graph: LayerGraph):
    return {"look": colourings(small_graph)["class"]}


def test_texts_and_all_their_skills(small_graph: LayerGraph, look) -> None:
    view = small_graph.view
    chosen = [3, 30, 61]
    nodes, edges = elements(text_drawing(small_graph, look, chosen))
    ids = view.indexed.skills.ids
    expected = {(f"t:{view.indexed.text_ids[t].as_py()}", ids[s].as_py()) for t in chosen for s in skills_of(view, t)}
    assert {(e["data"]["source"], e["data"]["target"][2:]) for e in edges} == expected
    assert {key for key in nodes if key.startswith("t:")} == {source for source, _ in expected}


def test_who_taught_whom_is_marked(small_graph: LayerGraph, look) -> None:
    view = small_graph.view
    texts = list(range(view.indexed.graph.n_texts))
    seen = 0
    for start in range(0, len(texts), TEXT_LIMIT):
        shown = texts[start : start + TEXT_LIMIT]
        nodes, edges = elements(text_drawing(small_graph, look, shown))
        taught = {(e["data"]["source"][2:], e["data"]["target"][2:]) for e in edges if e.get("classes") == "taught"}
        expected = {
            (view.indexed.text_ids[t].as_py(), view.indexed.skills.ids[s].as_py())
            for t in shown
            for s in skills_of(view, t)
            if view.wave[s] > 0 and view.by[s] == t
        }
        assert taught == expected
        assert {k[2:] for k, e in nodes.items() if "teaching" in e.get("classes", "")} == {t for t, _ in expected}
        assert all(nodes[f"s:{skill}"]["position"]["x"] > 0 for _, skill in taught), "on the right"
        seen += len(taught)
    assert seen == np.count_nonzero((view.wave > 0) & (view.by >= 0))


def test_skills_that_were_not_learned_look_so(small_graph: LayerGraph, look) -> None:
    text = next(i for i, t in enumerate(small_graph.view.indexed.text_ids.to_pylist()) if t == "h0")
    nodes, _ = elements(text_drawing(small_graph, look, [text]))
    assert {key for key, e in nodes.items() if "unlearned" in e.get("classes", "")} == {"u:u0", "u:u1"}


def test_too_many_texts_are_said(small_graph: LayerGraph, look) -> None:
    n = small_graph.view.indexed.graph.n_texts
    drawing = text_drawing(small_graph, look, range(n))
    nodes, _ = elements(drawing)
    assert sum(key.startswith("t:") for key in nodes) == TEXT_LIMIT
    assert drawing.skills <= SKILL_LIMIT
    assert f"left out: {n - TEXT_LIMIT} texts beyond the first {TEXT_LIMIT}" in drawing.caption


def test_texts_of_a_skill_begin_with_the_one_that_taught_it(small_graph: LayerGraph) -> None:
    view = small_graph.view
    for skill in small_graph.skill[small_graph.wave > 0].tolist()[:20]:
        texts, total = texts_around(view, skill)
        assert texts[0] == view.by[skill] or view.by[skill] < 0
        assert all(skill in skills_of(view, t) for t in texts)
        assert total == view.indexed.graph.skill_degrees[skill]


def test_nothing_lies_on_anything(small_graph: LayerGraph, look) -> None:
    nodes, _ = elements(text_drawing(small_graph, look, range(TEXT_LIMIT)))
    places = [(e["position"]["x"], e["position"]["y"]) for e in nodes.values()]
    assert len(set(places)) == len(places)
