"""What skills are called on a picture."""

from __future__ import annotations

import pyarrow as pa
import pytest

from explorer.service import layer_view, learn
from explorer.store.opening import open_store
from loaders.dataset import build_dataset
from ui.drawing.colourings import colourings
from ui.drawing.elements import group_drawing, skill_drawing
from ui.drawing.graphs import LayerGraph, layer_graph
from ui.drawing.naming import labels, name_keys, named, skill_texts


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> LayerGraph:
    """Twelve skills in a chain of texts; half of them are described."""
    skills = [f"n{i}" for i in range(12)]
    texts = [(f"t{i}", skills[max(i - 1, 0) : i + 1]) for i in range(12)]
    dataset = build_dataset(
        "described",
        texts=pa.table({"id": [name for name, _ in texts]}),
        skills=pa.table(
            {
                "id": skills,
                "name": [f"skill {i}" for i in range(11)] + [None],
                "class": ["a"] * 11 + [None],
                "description": [f"what {skill} is good for, told at great length" for skill in skills[:6]] + [None] * 6,
                "share": [i / 8 for i in range(12)],
                "nothing": pa.nulls(12, pa.string()),
            }
        ),
        requirements=pa.table(
            {
                "text": [name for name, needed in texts for _ in needed],
                "skill": [skill for _, needed in texts for skill in needed],
            }
        ),
        provenance={"source": "synthetic"},
    )
    store = open_store(tmp_path_factory.mktemp("named") / "named.kgl", mode="write")
    store.write_dataset(dataset)
    learn(store, "described", name="all")
    found = layer_graph(store, layer_view(store, "described", "all"))
    store.close()
    assert found.n == 12
    return found


def test_every_property_that_some_skill_has_can_name_it(graph: LayerGraph) -> None:
    assert name_keys(graph) == ("name", "id", "class", "description", "share")
    assert skill_texts(graph, "id")["n3"] == "n3"
    assert skill_texts(graph, "name") | {"n3": "skill 3", "n11": "n11"} == skill_texts(graph, "name")
    assert skill_texts(graph, "share")["n1"] == "0.125"
    described = skill_texts(graph, "description")
    assert described["n0"].startswith("what n0 is good for")
    assert described["n7"] == "skill 7", "its name where it is not described"
    assert skill_texts(graph, "class")["n11"] == "n11"


def test_skills_islands_and_groups_are_called_by_it(graph: LayerGraph) -> None:
    texts, looks = skill_texts(graph, "id"), {"look": colourings(graph)["class"]}
    drawing = skill_drawing(graph, looks)
    called = {e["data"]["id"]: e["data"].get("label") for e in named(drawing, graph, "community", texts).elements}
    assert all(called[f"s:{skill}"] == skill for skill in texts)
    assert [e["data"]["label"] for e in drawing.elements if e["data"]["id"] == "s:n3"] == ["skill 3"], "a copy"
    groups = group_drawing(graph, looks, by="component")
    label = labels(groups, graph, "component", texts)["g:0"]
    assert label.split("\n")[-1] == "12 skills"
    assert set(label.split("\n")[:-1]) <= set(texts)
    assert labels(group_drawing(graph, looks, by="class"), graph, "class", texts) == {}
    long = labels(drawing, graph, "community", skill_texts(graph, "description"))["s:n0"]
    assert len(long) == 34
    assert long.endswith("…")
