"""Every recipe gives the same on both stores: what was worked out by hand for a graph that fits on a page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from explorer.cookbook import COOKBOOK, PARAMETERS, Recipe, cookbook_page, find_recipe
from explorer.store.protocol import LAYER_LACKS_SCHEMA, LAYER_SKILLS_SCHEMA, Layer, LayerInfo, Store
from loaders.dataset import Dataset, build_dataset
from tests.store.content import associations, components

PAGE = Path(__file__).parents[2] / "docs" / "cookbook.md"

REQUIRED = {
    "t1": "for",
    "t2": "if",
    "t3": "for len",
    "t4": "len print",
    "t5": "sorted",
    "t6": "for if regex",
    "t7": "regex",
    "t8": "for csv",
    "u1": "for json",
    "u2": "csv json",
    "u3": "if print regex",
}
CLASSES = {
    "for": "syntax", "if": "syntax", "len": "builtin", "print": "builtin", "sorted": "builtin",
    "csv": "api", "json": "api", "regex": "api",
}  # fmt: skip
GIVEN: dict[str, Any] = {
    "dataset": "toy", "layer": "foundation", "tuned": "tuned", "skill": "for", "other": "print", "limit": 10
}  # fmt: skip

GIVEN_BY_RECIPE = {
    "Solve rates of a model": {"layer": "m1"},
    "Shortest chain between two skills": {"skill": "json", "other": "len"},
    # In the other layer these two are associated directly, and no chain must go that way.
    "Shortest chains within a layer": {"skill": "if"},
    "New associations of a known skill": {"skill": "if"},
}

EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "Neighbours of a skill": [("if", "syntax", 3), ("len", "builtin", 2)],
    "Most connected skills": [
        ("len", "builtin", 3, 4), ("for", "syntax", 2, 5), ("if", "syntax", 2, 4), ("print", "builtin", 1, 1)
    ],
    "Hubs of the first wave": [("for", "t1", 2), ("if", "t2", 2)],
    "Shortest chain between two skills": [(["json", "for", "len"], 2)],
    "Shortest chains within a layer": [(["if", "len", "print"], 2, 1)],
    "Common neighbours of two skills": [("len", 1)],
    "Texts that link two skills": [],
    "Triangles around a skill": [("if", "len", 1)],
    "Bridges between classes": [("for", "syntax", "len", "builtin", 2), ("if", "syntax", "len", "builtin", 1)],
    "How classes mix": [("builtin", "syntax", 2, 3), ("builtin", "builtin", 1, 1), ("syntax", "syntax", 1, 3)],
    "Components of a layer": [(0, 4), (1, 1)],
    "Learned, but outside the giant component": [("sorted", 1, 3, "t5")],
    "What fine-tuning adds": [("json", "api", 1, "u1"), ("csv", "api", 2, "u2")],
    "What fine-tuning adds around a skill": [("csv", "api", 1), ("json", "api", 1)],
    "New associations of a known skill": [("print", "builtin", 1)],
    "What fine-tuning loses": [("sorted", "builtin", 0)],
    "Texts that lack only one skill": [
        ("t8", "load", "csv"), ("u1", None, "json"), ("t6", "load", "regex"), ("t7", "load", "regex"),
        ("u3", None, "regex"),
    ],
    "What to teach next": [("regex", 3), ("csv", 1), ("json", 1)],
    "Required, but not learned": [("regex", "api", 3), ("csv", "api", 2), ("json", "api", 2)],
    "Texts that taught the most": [("t3", "load", 2), ("t1", "load", 1), ("t2", "load", 1), ("t5", "load", 1)],
    "Waves of learning": [(1, "syntax", 2), (2, "builtin", 2), (3, "builtin", 1)],
    "Skills blocked by a prerequisite": [("csv", ["regex"])],
    "Why skills are lacking": [("inseparable", 2, 2), ("prerequisite", 1, 1)],
    "Solve rates of a model": [("for", 0.75, 0.5, 0.875, True), ("len", 0.25, 0.125, 0.5, False)],
    "Texts by their number of lacking skills": [(1, 5), (2, 1)],
    "Lacking skills of a text": [
        ("t6", 1, ["regex"]), ("t7", 1, ["regex"]), ("t8", 1, ["csv"]), ("u1", 1, ["json"]), ("u3", 1, ["regex"]),
        ("u2", 2, ["csv", "json"]),
    ],
    "Groups of skills that wait for each other": [(0, 2, 3, ["json", "regex"])],
    "Outcomes of understood texts": [("m1", False, 1, 0.0), ("m1", True, 2, 0.75), ("m2", True, 1, 0.25)],
}  # fmt: skip


def values_of(recipe: Recipe) -> dict[str, Any]:
    given = {**GIVEN, **GIVEN_BY_RECIPE.get(recipe.name, {})}
    return {name: given[name] for name in recipe.parameters}


def toy_dataset() -> Dataset:
    pairs = [(text, skill) for text, skills in REQUIRED.items() for skill in skills.split()]
    return build_dataset(
        "toy",
        texts=pa.table(
            {
                "id": list(REQUIRED),
                "class": ["load" if text.startswith("t") else None for text in REQUIRED],
                "part": ["base" if text.startswith("t") else "domain" for text in REQUIRED],
            }
        ),
        skills=pa.table({"id": list(CLASSES), "class": list(CLASSES.values())}),
        requirements=pa.table({"text": [a for a, _ in pairs], "skill": [b for _, b in pairs]}),
        prerequisites=pa.table({"prerequisite": ["regex", "for"], "skill": ["csv", "len"]}),
        models=pa.table({"id": ["m1", "m2"]}),
        attempts=pa.table(
            {"model": ["m1", "m1", "m1", "m2"], "text": ["t1", "t6", "t3", "t1"], "score": [1.0, 0.0, 0.5, 0.25]}
        ),
    )


def learned(name: str, rows: dict[str, tuple[int, str | None]], **info: Any) -> Layer:
    skills = [{"skill": skill, "wave": wave, "by": by} for skill, (wave, by) in sorted(rows.items())]
    return Layer(
        LayerInfo(dataset="toy", name=name, learner="one", texts=9, skills=8, learned=len(rows), waves=3, **info),
        pa.Table.from_pylist(skills, schema=LAYER_SKILLS_SCHEMA),
    )


def fill(store: Store) -> None:
    """Write the toy dataset and its two layers; `other` has everything again, to be kept apart."""
    store.write_dataset(toy_dataset())
    foundation = {"for": (1, "t1"), "if": (1, "t2"), "len": (2, "t3"), "print": (2, "t3"), "sorted": (3, "t5")}
    plain = learned("foundation", foundation, kind="foundation")
    # Not what peeling leaves, which would be less to ask about.
    lacks = [
        {"skill": "csv", "reason": "prerequisite", "text": "t8", "novel": 1, "component": 0},
        {"skill": "json", "reason": "inseparable", "text": "u2", "novel": 2, "component": 0, "group": 0},
        {"skill": "regex", "reason": "inseparable", "text": "u2", "novel": 2, "component": 0, "group": 0},
    ]
    table = pa.Table.from_pylist(lacks, schema=LAYER_LACKS_SCHEMA)
    store.write_layer(Layer(replace(plain.info, lacks=3), plain.skills, table))
    store.write_associations(
        "toy",
        "foundation",
        associations(("for", "if", 3), ("for", "len", 2), ("if", "len", 1), ("len", "print", 1)),
        rule="any",
        components=components(**{"for": 0, "if": 0, "len": 0, "print": 0, "sorted": 1}),
    )
    rates = {"wave": 1, "mastery": 0.9, "solve_rate": 0.75, "solve_rate_low": 0.5, "solve_rate_high": 0.875}
    mastered = pa.Table.from_pylist([{"skill": "for", **rates}], schema=LAYER_SKILLS_SCHEMA)
    unmastered = [
        {"skill": "len", "reason": "unmastered", "solve_rate": 0.25, "solve_rate_low": 0.125, "solve_rate_high": 0.5},
        {"skill": "regex", "reason": "untested"},
    ]
    model = LayerInfo("toy", "m1", "evidence", "irt", texts=9, skills=8, learned=1, waves=1, lacks=2)
    store.write_layer(Layer(model, mastered, pa.Table.from_pylist(unmastered, schema=LAYER_LACKS_SCHEMA)))
    known = dict.fromkeys(("for", "if", "len", "print"), (0, None))
    tuned = {**known, "json": (1, "u1"), "csv": (2, "u2")}
    store.write_layer(learned("tuned", tuned, kind="fine-tuned", base="foundation", mode="continued"))
    pairs = [("csv", "for", 1), ("csv", "json", 2), ("for", "if", 4), ("for", "json", 1), ("for", "len", 2)]
    store.write_associations(
        "toy",
        "tuned",
        associations(*pairs, ("if", "len", 1), ("if", "print", 1), ("len", "print", 1)),
        rule="any",
        components=components(**dict.fromkeys(tuned, 0)),
    )


def test_every_recipe_gives_what_was_worked_out_by_hand_and_keeps_its_limit(store: Store) -> None:
    fill(store)
    found = {}
    for recipe in COOKBOOK:
        result = store.query(recipe.cypher, values_of(recipe))
        assert result.warnings == (), recipe.name
        found[recipe.name] = [tuple(row) for row in result.rows]
        if "limit" in recipe.parameters:
            first = store.query(recipe.cypher, {**values_of(recipe), "limit": 1}).rows
            assert list(first) == EXPECTED[recipe.name][:1], recipe.name
    assert found == EXPECTED
    recipe = find_recipe("Texts that link two skills")
    rows = store.query(recipe.cypher, {**values_of(recipe), "skill": "json", "other": "csv"}).rows
    assert [tuple(row) for row in rows] == [("u2", None, "domain")]


def test_a_text_is_understood_if_the_layer_lacks_none_of_its_skills(store: Store) -> None:
    fill(store)
    text_by_text = """MATCH (m:Model {dataset: $dataset})-[a:ATTEMPTED]->(t:Text)
WITH m.id AS model, a.score AS score,
     NOT EXISTS { MATCH (t)-[:REQUIRES]->(s:Skill)
                  WHERE NOT EXISTS { (:Layer {dataset: $dataset, name: $layer})-[:LEARNED]->(s) } } AS understood
RETURN model, understood, count(score), avg(score) ORDER BY model, understood"""
    for layer in ("foundation", "tuned", "m1", "no such layer"):
        given = {"dataset": "toy", "layer": layer}
        expected = list(store.query(text_by_text, given).rows)
        found = list(store.query(find_recipe("Outcomes of understood texts").cypher, given).rows)
        assert found == expected != [], layer


def test_what_was_not_learned_is_found_whether_or_not_the_layer_lists_what_it_lacks(store: Store) -> None:
    fill(store)
    skill_by_skill = """MATCH (s:Skill {dataset: $dataset})
WHERE NOT EXISTS { (:Layer {dataset: $dataset, name: $layer})-[:LEARNED]->(s) }
MATCH (t:Text)-[:REQUIRES]->(s)"""
    endings = {
        "Required, but not learned": "RETURN s.name AS skill, s.class AS class, count(t) AS texts "
        "ORDER BY texts DESC, skill",
        "What to teach next": "WITH t, collect(s.name) AS lacks WHERE size(lacks) = 1 "
        "RETURN lacks[0] AS skill, count(t) AS texts ORDER BY texts DESC, skill",
        "Texts that lack only one skill": "WITH t, collect(s.name) AS lacks WHERE size(lacks) = 1 "
        "RETURN t.title AS text, t.class AS class, lacks[0] AS skill ORDER BY skill, text",
    }
    # All of what it lacks, none of it, and some.
    for layer in ("foundation", "tuned", "m1", "no such layer"):
        given = {"dataset": "toy", "layer": layer}
        for name, ending in endings.items():
            expected = list(store.query(f"{skill_by_skill} {ending}", given).rows)
            assert list(store.query(find_recipe(name).cypher, {**given, "limit": 100}).rows) == expected != [], name


@pytest.mark.parametrize("recipe", COOKBOOK, ids=lambda recipe: recipe.name)
def test_a_recipe_says_what_it_needs(recipe: Recipe) -> None:
    assert set(re.findall(r"\$(\w+)", recipe.cypher)) == set(recipe.parameters)
    assert set(recipe.parameters) <= PARAMETERS.keys()
    assert "dataset" in recipe.parameters
    assert recipe.question.endswith(("?", "."))


def test_there_are_enough_and_their_names_differ() -> None:
    assert len({recipe.name for recipe in COOKBOOK}) == len(COOKBOOK) == len(EXPECTED) >= 15


def test_the_page_is_that_of_the_recipes() -> None:
    assert PAGE.read_text(encoding="utf-8") == cookbook_page(), (
        "docs/cookbook.md is not that of explorer/cookbook.py: run "
        "python -c 'from explorer.cookbook import cookbook_page; print(cookbook_page(), end=\"\")' > docs/cookbook.md"
    )
