"""Shortest paths under a condition on the embedded store, beside networkx on the relationships that satisfy it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest

from explorer.store.embedded import query as embedded_query
from explorer.store.opening import open_store
from explorer.store.protocol import Store
from loaders.dataset import build_dataset
from tests.store.content import associations, components, layer

SKILLS = 30
PAIRS = 45


def weighted(seed: int) -> dict[tuple[int, int], int]:
    """Random pairs, the smaller number first, with a weight of 1 to 3: some are in no component with the others."""
    rng = np.random.default_rng(seed)
    ends = {tuple(sorted(map(int, rng.choice(SKILLS, 2, replace=False)))) for _ in range(PAIRS)}
    return {(a, b): int(rng.integers(1, 4)) for a, b in sorted(ends)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two layers whose associations have nothing to do with each other."""
    store = open_store(Path(tmp_path_factory.mktemp("chains"), "store.kgl"), mode="write")
    names = [f"s{i:02}" for i in range(SKILLS)]
    store.write_dataset(
        build_dataset(
            "d",
            # A text with the id, and so the key, of a skill.
            texts=pa.table({"id": ["s00", "t1"]}),
            skills=pa.table({"id": names}),
            requirements=pa.table({"text": ["s00"] * SKILLS, "skill": names}),
        )
    )
    for name, seed in (("one", 1), ("two", 2)):
        store.write_layer(layer(name, dict.fromkeys(names, 1)))
        pairs = associations(*((names[a], names[b], weight) for (a, b), weight in weighted(seed).items()))
        store.write_associations("d", name, pairs, rule="any", components=components(**dict.fromkeys(names, 0)))
    yield store
    store.close()


def paths(graph: Any, source: str, target: str) -> list[list[str]]:
    try:
        return sorted(nx.all_shortest_paths(graph, source, target))
    except nx.NetworkXNoPath:
        return []


@pytest.mark.parametrize("most", [None, -1], ids=["from the ends", "in the whole graph"])
@pytest.mark.parametrize("arrow", ["-", "->", "<-"])
def test_all_shortest_paths_are_those_of_the_relationships_that_satisfy_the_condition(
    filled: Store, monkeypatch: pytest.MonkeyPatch, arrow: str, most: int | None
) -> None:
    if most is not None:
        monkeypatch.setattr(embedded_query, "_FEW_PATHS", most)
    graph = nx.DiGraph()
    graph.add_nodes_from(f"s{i:02}" for i in range(SKILLS))
    graph.add_edges_from((f"s{a:02}", f"s{b:02}") for (a, b), weight in weighted(1).items() if weight > 1)
    searched = {"-": graph.to_undirected(), "->": graph, "<-": graph.reverse()}[arrow]
    left, right = ("<-", "-") if arrow == "<-" else ("-", arrow)
    pattern = f"(a){left}[:ASSOCIATED_WITH*..{SKILLS}]{right}(b)"
    found, lengths = set(), {}
    for a, b in [(0, 7), (3, 29), (12, 25), (1, 20), (28, 2), (5, 17), (9, 10), (4, 26)]:
        given = {"from": f"s{a:02}", "to": f"s{b:02}", "layer": "one", "least": 2}
        rows = filled.query(
            "MATCH (a:Skill {id: $from}), (b:Skill {id: $to}) "
            f"MATCH p = allShortestPaths({pattern}) "
            "WHERE all(r IN relationships(p) WHERE r.layer = $layer AND r.weight >= $least) "
            "RETURN [s IN nodes(p) | s.id] AS ids, [r IN relationships(p) | r.layer] AS layers",
            given,
        ).rows
        assert sorted(row[0] for row in rows) == paths(searched, given["from"], given["to"])
        assert {name for _, layers in rows for name in layers} <= {"one"}
        found.add(bool(rows))
        lengths |= {len(row[0]) - 1: a for row in rows}
    assert found == {True, False}
    assert max(lengths) > 1


def test_several_paths_at_once_and_ends_that_are_no_skills(filled: Store) -> None:
    """Two of the pairs are not connected through these nodes, and the text has the key of a skill."""
    graph = nx.Graph((f"s{a:02}", f"s{b:02}") for a, b in weighted(2) if 13 not in (a, b))
    graph.add_nodes_from(f"s{i:02}" for i in range(SKILLS))
    rows = filled.query(
        "UNWIND ['s01', 's02', 's03'] AS one MATCH (a:Skill {id: one}) WITH a AS first "
        "MATCH (b:Skill) WHERE b.id >= 's26' MATCH p = shortestPath((first)-[:ASSOCIATED_WITH*..12]-(b)) "
        "WHERE all(r IN relationships(p) WHERE r.layer = 'two') AND none(n IN nodes(p) WHERE n.id = 's13') "
        "RETURN first.id AS one, b.id AS other, length(p) AS steps ORDER BY one, other"
    ).rows
    assert list(rows) == [
        (a, b, nx.shortest_path_length(graph, a, b))
        for a in ("s01", "s02", "s03")
        for b in ("s26", "s27", "s28", "s29")
        if nx.has_path(graph, a, b)
    ]
    nothing = filled.query(
        "MATCH (a:Text {id: 's00'}), (b:Skill {id: 's01'}) MATCH p = shortestPath((a)-[:ASSOCIATED_WITH*..12]-(b)) "
        "WHERE all(r IN relationships(p) WHERE r.layer = 'two') RETURN length(p)"
    ).rows
    assert list(nothing) == []
