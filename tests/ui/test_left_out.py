"""A picture that leaves something out says how much is drawn of how much, and what brings in the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dash import no_update

from explorer.service import associate, learn
from explorer.store.opening import open_store
from tests.ui.large import large_dataset
from ui.calls import Cause
from ui.pages.graph import callbacks as graph
from ui.pages.layers import callbacks as layers
from ui.pages.learning import callbacks as learning
from ui.pages.percolation import callbacks as percolation
from ui.source import Source

N = 6_000
ALL = {"dataset": "large", "layer": "all"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """More skills than any picture draws, all learned in one layer and some in the other."""
    path = tmp_path_factory.mktemp("left-out") / "large.kgl"
    store = open_store(path, mode="write")
    store.write_dataset(large_dataset(N, groups=12))
    learn(store, "large", name="all", learner="d:3")
    learn(store, "large", name="few", learner="d:1")
    associate(store, "large", "all")
    store.close()
    found = Source(path)
    yield found
    found.close()


def skills(elements: Any) -> int:
    assert elements is not no_update
    return len({e["data"]["id"] for e in elements if re.match(r"[su]:", e["data"]["id"])})


def numbers(said: str) -> set[int]:
    return {int(text.replace(",", "")) for text in re.findall(r"\d[\d,]*(?<!,)", said)}


@pytest.mark.parametrize(
    ("state", "way"),
    [
        ({"view": "skills"}, "as groups or on the map"),
        ({"view": "skills", "layout": "waves"}, "as groups or on the map"),
        ({"view": "groups", "open": "0,1"}, "Before opening"),
        ({"view": "groups"}, "the heaviest four of each group first"),
    ],
)
def test_the_graph_page(source: Source, state: dict[str, str], way: str) -> None:
    elements, said = graph.draw(source, Cause("g-state"), state, "class", "name", None, ALL)[:2]
    assert skills(elements) < N
    assert {skills(elements) or N, N, sum("source" in element["data"] for element in elements)} <= numbers(said)
    assert way in said


@pytest.mark.parametrize("view", ["neighbours", "texts"])
def test_what_surrounds_a_skill(source: Source, view: str) -> None:
    """The skill itself is no neighbour of its own; skills of texts are all counted."""
    state = {"view": view, "skill": "s000000", "around": "s000000"}
    elements, said = graph.draw(source, Cause("g-state"), state, "class", "name", None, ALL)[:2]
    assert skills(elements) - (view == "neighbours") in numbers(said)
    assert re.search(r"(of its|of the) \d", said)


def test_the_learning_page(source: Source) -> None:
    subject = {**ALL, "waves": 3, "wave": 0}
    elements, said = learning.play(source, Cause(), "waves", False, None, subject)[:2]
    shown = " ".join(str(part.children) if hasattr(part, "children") else str(part) for part in said)
    assert 0 < skills(elements) < N
    assert {skills(elements), N} <= numbers(shown)
    assert "on the map" in shown


@pytest.mark.parametrize("most", [900, 3_000])
def test_the_percolation_page(source: Source, most: int) -> None:
    elements, said = percolation.draw(source, ALL, str(most))
    assert skills(elements) == most
    assert {most, N} <= numbers(said)
    assert ("“Draw” brings in more" if most == 900 else "the map of the graph page") in said
    rows = {e["data"]["row"] for e in elements if "row" in e["data"]}
    assert rows == set(range(most)), "a digit of each frame for each skill"
    assert {len(step) for step in percolation.keep(source, ALL, "random", str(most))["steps"]} == {most}


@pytest.mark.parametrize("most", ["800", "5000"])
def test_two_layers(source: Source, most: str) -> None:
    pair = {"dataset": "large", "first": "few", "second": "all"}
    elements, _, said = layers.draw(source, Cause(), pair, "one", most, "all classes")
    assert skills(elements) <= int(most)
    drawn = [(int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+)", said.replace(",", ""))]
    whole = [int(count) for count in re.findall(r"all (\d+)", said.replace(",", ""))]
    assert sum(a for a, _ in drawn) + sum(whole) == skills(elements)
    assert sum(b for _, b in drawn) + sum(whole) == N
    assert "brings in others" in said
