"""What an agent is given is what the command line prints as JSON, within the limits that the server was given."""

from __future__ import annotations

import inspect
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from explorer.agent.tools import AgentLimits, Tools, cut_lists, described
from explorer.cookbook import COOKBOOK
from explorer.errors import QueryError, SkillgraphError
from explorer.store.place import Place
from tests.support.command_line import call_words


def tools(folder: Path, **limits: Any) -> Tools:
    return Tools(Place(str(folder / "skillgraph.kgl")), AgentLimits(**limits))


LEARNED = "MATCH (:Layer {name: 'foundation'})-[l:LEARNED]->(s:Skill) RETURN s.id ORDER BY l.wave DESC, s.id LIMIT 1"
SAME = [
    ("datasets", {}, ["datasets"]),
    ("layers", {}, ["layers"]),
    ("why", {"skill": "SKILL", "layer": "foundation"}, ["why", "SKILL", "--layer", "foundation"]),
    ("plan", {"layer": "foundation", "budget": 3}, ["plan", "foundation", "--budget", "3"]),
    ("compare", {"first": "foundation", "second": "scipy-joint"}, ["compare", "foundation", "scipy-joint"]),
    ("predict", {"mean_skills": 3, "ratio": 1.1}, ["predict", "-c", "3", "-R", "1.1"]),
    ("predict", {"layer": "foundation", "replicates": 0}, ["predict", "foundation", "--replicates", "0"]),
]


LONG = ("compare", "predict")  # the others compute as little as the command line's start


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        pytest.param(*one, marks=pytest.mark.long if one[0] in LONG else (), id=f"{one[0]}-{len(one[1])}")
        for one in SAME
    ],
)
def test_a_tool_answers_as_the_command_does(
    folder: Path, name: str, arguments: dict[str, Any], words: list[str]
) -> None:
    found = tools(folder, rows=1_000_000)
    skill = found.query(LEARNED)["rows"][0][0]
    arguments = {key: skill if value == "SKILL" else value for key, value in arguments.items()}
    answer = getattr(found, name)(**arguments)
    ran = call_words(folder, [skill if word == "SKILL" else word for word in words] + ["--json"])
    assert ran.code == 0, ran.err
    printed = ran.json
    if name in ("datasets", "layers") and isinstance(printed, list):
        printed = {name: printed}
    timed = {"seconds", "classes"}  # the command adds predictions by class
    assert {k: v for k, v in answer.items() if k not in timed} == {k: v for k, v in printed.items() if k not in timed}
    assert json.dumps(answer, allow_nan=False)


def test_rows_are_capped_as_the_server_says_and_an_agent_may_only_ask_for_less(folder: Path) -> None:
    found = tools(folder, rows=5, seconds=10.0)
    answer = found.query("MATCH (s:Skill) RETURN s.id")
    assert (len(answer["rows"]), answer["truncated"]) == (5, True)
    assert len(found.query("MATCH (s:Skill) RETURN s.id", limit=2)["rows"]) == 2
    for wrong in ({"limit": 6}, {"limit": 0}, {"limit": -1}, {"timeout": 11.0}, {"timeout": 0.0}):
        with pytest.raises(SkillgraphError, match=r"must be from"):
            found.query("MATCH (s:Skill) RETURN s.id", **wrong)  # type: ignore[arg-type]
    layers = tools(folder, rows=3).layers()
    assert len(layers["layers"]) == 3
    assert layers["cut"] == {"layers": 4}


def test_a_list_within_an_answer_is_cut_and_told() -> None:
    value = {"rows": [[{"deep": list(range(10))}]] * 3, "name": "x" * 100}
    cut = cut_lists(value, 4)
    assert cut["rows"][0][0]["deep"] == [0, 1, 2, 3]
    assert cut["cut"] == {"rows.deep": 10}
    assert cut["name"] == value["name"]
    assert cut_lists(value, 10) == value


@pytest.mark.parametrize(
    ("cypher", "said"),
    [
        ("CREATE (s:Skill {id: 'x'})", "changes the store"),
        ("MATCH (s:Skill) SET s.name = 'x'", "read"),
        ("MATCH (s) DETACH DELETE s", "read"),
        ("LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row", "starts with"),
        ("MATCH (n) RETURN n; MATCH (n) RETURN n", "one statement"),
        ("CALL dbms.listConfig()", "not allowed"),
        ("MATCH (n RETURN n", ""),
    ],
)
def test_the_guard_is_the_command_line_s(folder: Path, cypher: str, said: str) -> None:
    with pytest.raises(QueryError) as agent:
        tools(folder).query(cypher)
    assert said in str(agent.value)
    ran = call_words(folder, ["query", cypher])
    assert ran.code == 1
    assert ran.err == f"error: {' '.join(str(agent.value).split())}\n"


@pytest.mark.long
def test_a_query_that_takes_too_much_memory_is_stopped_and_the_tools_go_on(folder: Path) -> None:
    found = tools(folder, memory=0.25)
    with pytest.raises(QueryError, match="memory"):
        found.query("RETURN size(reduce(s = 'ab', x IN range(1, 40) | s + s)) AS x")
    assert found.query("RETURN 1 AS one")["rows"] == [[1]]


def test_a_recipe_of_the_cookbook_runs_as_it_stands(folder: Path) -> None:
    recipe = next(recipe for recipe in COOKBOOK if recipe.name == "Most connected skills")
    found = tools(folder).query(recipe.cypher)
    assert found["columns"] == ["skill", "class", "neighbours", "texts"]
    assert set(found["chosen"]) == {"dataset", "layer", "limit"}
    nothing = tools(folder).query(recipe.cypher, {"layer": "no-such", "dataset": "python"})
    assert nothing["rows"] == []
    assert "no-such" in nothing["warnings"][-1]


def test_values_that_json_has_not_come_as_text(folder: Path) -> None:
    answer = tools(folder).query("RETURN date('2026-01-02') AS day, 0.0 / 0.0 AS nothing, [1, {a: [true]}] AS nested")
    assert answer["rows"] == [["2026-01-02", None, [1, {"a": [True]}]]]
    assert json.dumps(answer, allow_nan=False)


def test_predict_takes_a_layer_or_numbers(folder: Path) -> None:
    for wrong in ({}, {"mean_skills": 3.0}, {"layer": "foundation", "ratio": 1.0}):
        with pytest.raises(SkillgraphError):
            tools(folder).predict(**wrong)  # type: ignore[arg-type]


def test_calls_from_several_threads_answer_alike(folder: Path) -> None:
    found = tools(folder)
    expected = found.plan("foundation", budget=2)["steps"]
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(found.plan("foundation", budget=2)["steps"])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 4


def test_every_tool_and_argument_isdescribed(folder: Path) -> None:
    for function in tools(folder).functions():
        summary, arguments = described(function)
        assert summary.endswith(".")
        assert set(arguments) == set(inspect.signature(function).parameters)


def test_the_schema_page_is_the_one_in_docs() -> None:
    schema, cookbook = (page.read() for page in Tools.pages())
    docs = Path(__file__).parents[2] / "docs"
    assert schema == (docs / "schema.md").read_text(encoding="utf-8")
    assert cookbook == (docs / "cookbook.md").read_text(encoding="utf-8")
