"""A graph as one HTML file: everything is in it, and nothing in it is taken for markup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from explorer.errors import NotFoundError
from explorer.export import DrawnColouring, DrawnGraph, DrawnNode, graph_html
from explorer.store.opening import open_store
from tests.ui.conftest import HOSTILE
from ui.drawing import graph_file
from ui.drawing.graph_file import drawn_graph, layer_file
from ui.drawing.graphs import LayerGraph


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    content: dict[str, object] = json.loads(found[1])
    return content


def test_a_file_holds_all_skills_with_their_places_and_neighbours(small_graph: LayerGraph) -> None:
    found = drawn_graph(small_graph, skill="d05")
    assert [node.id for node in found.nodes] == [small_graph.skill_id(i) for i in range(small_graph.n)]
    assert found.nodes[found.shown or 0].id == "d05"
    for i, node in enumerate(found.nodes):
        assert list(node.near) == small_graph.neighbours(i)[:15]
        assert dict(node.facts)["texts"] == f"{small_graph.uses[i]:,}"
    ends = small_graph.source, small_graph.target, small_graph.weight
    pairs = {(int(a), int(b)): int(w) for a, b, w in zip(*ends, strict=True)}
    assert all(pairs.get((a, b), pairs.get((b, a))) == w for a, b, w in found.edges)
    for colouring in found.colourings:
        assert len(colouring.of) == small_graph.n
        assert max(colouring.of) < len(colouring.legend)


def test_a_name_that_bears_a_script_stays_text(store_path: Path) -> None:
    store = open_store(store_path, mode="read")
    page, nodes, edges = layer_file(store, "small", "tuned")
    with pytest.raises(NotFoundError):
        layer_file(store, "small", "nosuch")
    store.close()
    data = data_of(page)
    assert len(data["nodes"]) == nodes  # type: ignore[arg-type]
    assert len(data["edges"]) == edges  # type: ignore[arg-type]
    assert HOSTILE in [node[1] for node in data["nodes"]]  # type: ignore[attr-defined]
    assert HOSTILE not in page
    assert page.count("<script") == 2
    rest = re.sub(r'<script id="data".*?</script>', "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=|url\(|@import|https?:", rest)
    assert "default-src 'none'" in page


def test_the_largest_file_is_small_enough() -> None:
    """1,500 skills with names of 60 letters, 15 neighbours each, and 6,000 associations."""
    near = tuple((j, 1000) for j in range(15))
    facts = (("taught by", "t" * 60),)
    nodes = [DrawnNode(f"id-{i:05d}" * 3, "n" * 60, facts, 1.0, 2.0, 3.0, near) for i in range(1500)]
    edges = [(i % 1500, i // 4, 100) for i in range(6000)]
    colouring = DrawnColouring("class", "", (("all", "#123456"),), (0,) * 1500)
    page = graph_html(DrawnGraph("</script><b>", "a & b", nodes, edges, [colouring] * 5))
    assert len(page.encode()) < 3_000_000
    assert "&lt;/script&gt;&lt;b&gt;" in page


def test_of_a_larger_layer_the_most_used_skills_are_shown(
    small_graph: LayerGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_file, "LIMIT", 10)
    found = drawn_graph(small_graph)
    assert len(found.nodes) == 10
    assert f"The 10 most used of {small_graph.n} skills" in found.caption
    used = sorted(small_graph.uses.tolist())[-10:]
    assert sorted(int(dict(node.facts)["texts"]) for node in found.nodes) == used
