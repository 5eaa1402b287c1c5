"""What is printed for the reader to type is what the command line takes, and the examples run after the demo."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

import pytest

from explorer.cookbook import COOKBOOK
from explorer.service.recipes import recipe_values
from explorer.service.why import why
from explorer.store.opening import open_store
from tests.docs.printed import HOLE, PACKAGES, Printed, examples, mentions, mentions_in, unknown
from tests.support.command_line import call
from tests.support.demo import small_sources

ROOT = Path(__file__).parents[2]

# These end with the reader, need another environment, or open the demo's store: each has tests of its own.
ELSEWHERE = ("skillgraph ui", "skillgraph mcp", "skillgraph server", "skillgraph spark", "skillgraph demo")

FILES = {
    "edges.csv": "text,skill\nt1,a\nt2,a\nt2,b\n",
    "skills.csv": "id,class\na,task\nb,api\n",
    "texts.csv": "id,class\nt1,task\nt2,task\n",
    "texts.jsonl": '{"id": "t1", "text": "Call the task api."}\n{"id": "t2", "text": "A task for b."}\n',
    "table.csv": "text,skill\nt1,a\nt2,b\n",
    "outcomes.csv": "model,text,score\ncodellama-7b,t1,1\ncodellama-7b,t2,0\n",
    "ten-models.csv": "model,text,score\n" + "".join(f"m{k},t1,{k % 2}\nm{k},t2,{k % 3 // 2}\n" for k in range(10)),
}
LOAD_OUTCOMES = (
    "rm skillgraph.kgl",
    "skillgraph load edges.csv --option texts=texts.csv --option skills=skills.csv --option outcomes=outcomes.csv",
)
BEFORE = {
    "skillgraph load stdlib": ("rm skillgraph.kgl",),
    "skillgraph load edges.csv": ("rm skillgraph.kgl",),
    "skillgraph learn foundation --continue": ("skillgraph load numpy --append --part stdlib",),
    "skillgraph evidence": LOAD_OUTCOMES,
    "skillgraph master": (*LOAD_OUTCOMES, "skillgraph evidence codellama-7b --fit dina"),
    "skillgraph tags": (LOAD_OUTCOMES[0], LOAD_OUTCOMES[1].replace("outcomes.csv", "ten-models.csv")),
    "skillgraph agreement": (
        "skillgraph annotate texts.jsonl --vocabulary skills.csv --encoder letters --threshold 0.1 --output tags.csv",
        "skillgraph annotate texts.jsonl --vocabulary skills.csv --encoder letters --output other-tags.csv",
    ),
    "skillgraph views rename": ('skillgraph views save "strong links" "/graph?layer=foundation"',),
    "skillgraph views delete": ("skillgraph views save core /graph",),
    "skillgraph views import": ("skillgraph views export views.json",),
    "skillgraph decompress": ("skillgraph compress foundation --output functions.sgc",),
}
"""What an example takes for granted besides the demo, by how it begins."""


def test_every_command_that_is_printed_is_one_that_is_known() -> None:
    found = mentions()
    assert len(found) > 200
    wrong = {str(printed): unknown(printed.command) for printed in found}
    assert {place: why for place, why in wrong.items() if why} == {}


@pytest.mark.parametrize(
    "command",
    [
        "skillgraph fly",
        "skillgraph learn foundation --dateset x",
        "skillgraph learn python foundation",
        "skillgraph server stay",
        "skillgraph query \"MATCH",
    ],
)  # fmt: skip
def test_a_command_that_is_not_known_is_found_out(command: str) -> None:
    assert unknown(command)


def test_no_text_tells_to_install_this_project_from_an_index() -> None:
    """It is on none: whoever took the name there would be installed instead."""
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "bootstrap.py", ROOT / "Dockerfile"]
    texts += [path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")]
    for path in texts:
        assert not re.search(r"skillgraph-explorer\[|(pip|uv|pipx) .*skillgraph", path.read_text("utf-8")), path


TRIED = [printed for printed in examples() if not printed.command.startswith(ELSEWHERE)]


# Commands that compute for seconds; the others try the same options on less.
LONG = tuple(f"skillgraph {words}" for words in ("theory stability", "load stdlib", "predict foundation", "channel"))


@pytest.mark.parametrize(
    "printed",
    [
        pytest.param(
            printed, marks=pytest.mark.long if printed.command.startswith(LONG) else (), id=printed.command[11:60]
        )
        for printed in TRIED
    ],
)
def test_an_example_of_the_help_runs_after_the_demo(printed: Printed, folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    before = next((steps for start, steps in BEFORE.items() if printed.command.startswith(start)), ())
    # A search for smallest sets that is used up here takes ten seconds; its sentence is the same after a hundredth.
    with small_sources(), mock.patch.dict(why.__kwdefaults__, {"work": 2_000_000}):
        for command in (*before, printed.command):
            if command.startswith("rm "):
                (folder / command.removeprefix("rm ")).unlink()
                continue
            ran = call(folder, command)
            assert ran.code == 0, f"{command}\n{ran.out}\n{ran.err}"
            assert ran.out.strip(), f"{command} prints nothing"


HINTS = [
    Printed(printed.place, re.sub(rf"(--base ){HOLE}", r"\1foundation", printed.command).replace(HOLE, "python"))
    for printed in mentions_in("ui")
    if len(printed.command.split()) > 2
]
"""What empty pages tell the reader to type, on the demo's dataset."""


@pytest.mark.parametrize("printed", HINTS, ids=str)
def test_a_hint_of_an_empty_page_runs(printed: Printed, folder: Path) -> None:
    ran = call(folder, printed.command)
    assert ran.code == 0, f"{printed}\n{ran.out}\n{ran.err}"
    assert len(HINTS) >= 5


def test_the_help_shows_a_query_as_it_is_typed(tmp_path: Path) -> None:
    shown = " ".join(call(tmp_path, "skillgraph query --help").out.split())
    assert "-[l:LEARNED]->" in shown


def test_every_recipe_finds_something_with_the_values_that_it_is_offered_with(folder: Path) -> None:
    """Except where the demo's data have nothing of the kind: no prerequisites, no outcomes, and nothing is lost."""
    without = {
        "Skills blocked by a prerequisite", "Outcomes of understood texts", "What fine-tuning loses",
        "Learned, but outside the giant component", "Solve rates of a model",
    }  # fmt: skip
    store = open_store(folder / "skillgraph.kgl", mode="read")
    try:
        values = recipe_values(store)
        assert values.keys() == {name for recipe in COOKBOOK for name in recipe.parameters}
        found = {
            recipe.name: len(store.query(recipe.cypher, {name: values[name] for name in recipe.parameters}).rows)
            for recipe in COOKBOOK
        }
    finally:
        store.close()
    assert {name for name, rows in found.items() if not rows} <= without


def test_the_command_line_chooses_what_a_recipe_needs_and_says_so(folder: Path) -> None:
    query = "MATCH (s:Skill {dataset: $dataset, id: $skill})-[a:ASSOCIATED_WITH {layer: $layer}]-(o:Skill) RETURN o.id"
    ran = call(folder, f'skillgraph query "{query}"')
    assert ran.code == 0
    assert ran.out.count("\n") > 10
    assert "chosen by the program: dataset=python, layer=foundation, skill=" in ran.err
    given = call(folder, f'skillgraph query --param dataset=python --param skill=builtin:len "{query}" --json')
    assert "chosen by the program: layer=foundation\n" in given.err
    assert len(given.json["rows"]) > 10


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("dataset=stdlib", "there is no dataset 'stdlib'; stored: 'python'"),
        ("layer=tuned", "there is no layer 'tuned'; stored: 'foundation', 'scipy-continued'"),
        ("skill=sorted", "no skill has the id 'sorted'"),
    ],
)
def test_a_parameter_that_matches_nothing_is_named(wrong: str, said: str, folder: Path) -> None:
    recipe = next(recipe for recipe in COOKBOOK if recipe.name == "Neighbours of a skill")
    ran = call(folder, f"skillgraph query - --param {wrong}", recipe.cypher)
    assert f"${wrong.partition('=')[0]}: {said}" in ran.err
