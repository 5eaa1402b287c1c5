"""Every recipe is planned by Neo4j from an index, and its work grows with what the layer holds, not with its square."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.cookbook import COOKBOOK, Recipe
from explorer.service.association import associate
from explorer.service.learning import learn
from loaders.dataset import build_dataset
from tests.support.neo4j import RunningNeo4j

pytestmark = pytest.mark.neo4j

HITS = 12
"""Database hits for each node and relationship of the graph at most."""
KEPT, FEW = {"How classes mix"}, 200
"""Recipes that read what a layer keeps of its classes, and the database hits of one at most, whatever its size."""
WHOLE = {"Most connected skills", "Bridges between classes", "Texts that lack only one skill"}
WHOLE |= {"What to teach next", "Required, but not learned", "Skills blocked by a prerequisite"}
WHOLE |= {"Outcomes of understood texts"}
"""Recipes that ask about all skills or models: to look at all of them is the shortest way."""


@pytest.fixture(scope="module")
def filled(neo4j_server: RunningNeo4j) -> Iterator[RunningNeo4j]:
    """Texts with one to three of 300 skills, of which some are required often, and two layers."""
    rng = np.random.default_rng(5)
    texts, skills = 1_200, 300
    pairs = sorted({(text, int(skills * rng.random() ** 2)) for text in range(texts) for _ in range(1 + text % 3)})
    names = pa.array([f"s{i}" for i in range(skills)])
    classes = pa.array([f"c{i % 5}" for i in range(skills)])
    ids = pa.array([f"t{i}" for i in range(texts)])
    dataset = build_dataset(
        "plans",
        texts=pa.table({"id": ids, "part": pa.array(["a" if i % 4 else "b" for i in range(texts)])}),
        skills=pa.table({"id": names, "class": classes}),
        requirements=pa.table({"text": [f"t{a}" for a, _ in pairs], "skill": [f"s{b}" for _, b in pairs]}),
        prerequisites=pa.table({"prerequisite": ["s1", "s2"], "skill": ["s250", "s251"]}),
    )
    neo4j_server.empty()
    store = neo4j_server.open()
    store.write_dataset(dataset)
    learn(store, "plans", name="foundation", parts=("a",))
    associate(store, "plans", "foundation")
    learn(store, "plans", name="tuned", parts=("b",), base="foundation")
    associate(store, "plans", "tuned")
    store.close()
    neo4j_server.rows("CALL db.resampleOutdatedIndexes()")
    neo4j_server.rows("CALL db.clearQueryCaches()")  # plans for this graph, not for what other tests have left
    yield neo4j_server
    neo4j_server.empty()


def operators(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("children", ()):
        yield from operators(child)


def kind(operator: Mapping[str, Any]) -> str:
    return str(operator["operatorType"]).partition("@")[0]


@pytest.mark.long
def test_recipes_are_planned_from_indexes_and_within_a_budget(filled: RunningNeo4j) -> None:
    given = {"dataset": "plans", "layer": "foundation", "tuned": "tuned", "skill": "s0", "other": "s9", "limit": 10}
    size = sum(filled.rows("MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(DISTINCT n), count(r)")[0])
    found = {}
    with filled.driver() as driver:
        for recipe in COOKBOOK:
            values = {name: given[name] for name in recipe.parameters}
            plan = driver.execute_query(f"PROFILE {recipe.cypher}", values).summary.profile
            assert plan is not None
            found[recipe.name] = faults(recipe, plan, size)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def faults(recipe: Recipe, plan: Mapping[str, Any], size: int) -> list[str]:
    wrong = []
    hits = sum(operator.get("dbHits", 0) for operator in operators(plan))
    if hits > (FEW if recipe.name in KEPT else HITS * size):
        wrong.append(f"{hits} hits on a graph of {size}")
    for operator in operators(plan):
        name, details = kind(operator), str(operator["args"].get("Details", ""))
        if name == "AllNodesScan" or (name == "NodeByLabelScan" and recipe.name not in WHOLE):
            wrong.append(f"{name} {details}")
        if name == "CartesianProduct":
            # One node that an index finds beside another is no product.
            first = list(operators(operator["children"][0]))[-1]
            if not kind(first).endswith("IndexSeek") or operator["children"][0].get("rows", 0) > 1:
                wrong.append(f"{name} {details}")
    return wrong
