"""The runs of the browser and the command line: one declaration, so neither can have what the other lacks."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import typer

from explorer.cli.app import app
from explorer.run_options import RUNS, RunKind, given_values, run_kind, run_words

# What only a terminal needs: files of its own, how things are printed, and the store.
ELSEWHERE = {
    "learn": {"known", "go_on"},
    "continue": {"known", "go_on", "learner", "base", "mode", "known_class", "seed"},
    "evidence": {"rows"},
    "compare": {"family", "rows", "report", "csv_file", "matrix"},
    "plan": {"pool", "goal_texts"},
}


def command(kind: RunKind) -> Any:
    return typer.main.get_command(app).get_command(None, kind.command)  # type: ignore[attr-defined, arg-type]


def parsed(kind: RunKind, words: list[str]) -> dict[str, Any]:
    assert words[0] == kind.command
    found: dict[str, Any] = command(kind).make_context(kind.command, words[1:]).params
    return found


@pytest.mark.parametrize("kind", RUNS, ids=lambda kind: kind.key)
def test_a_run_has_the_options_of_its_command(kind: RunKind) -> None:
    there = {p.name: p for p in command(kind).params if not p.name.startswith("_")}
    ours = {option.name: option for option in kind.options}
    assert set(there) - {"dataset", "help"} == set(ours) | ELSEWHERE.get(kind.key, set())
    for name, option in ours.items():
        parameter = there[name]
        if option.flag:
            assert option.flag in parameter.opts
            assert [option.off] == parameter.secondary_opts or not option.off
            assert parameter.default == option.default
        else:
            assert parameter.param_type_name == "argument"
        values = getattr(parameter.type, "choices", None)
        if values is not None:
            assert {choice.value for choice in option.choices} == set(values)
        if option.low is not None and hasattr(parameter.type, "min"):
            assert option.low >= parameter.type.min


def example(option: Any, k: int) -> Any:
    """A value that is not the default."""
    if option.takes == "flag":
        return not option.default
    if option.choices:
        return next(c.value for c in option.choices if c.value != option.default)
    if option.takes in ("whole", "number"):
        return (option.low or 0) + (k + 1 if option.takes == "whole" else 0.25)
    text = {"learner": "d:3", "factor": "3x"}.get(option.takes, f"a {k}'s -name")
    return [text, "-b"] if option.many else text


@pytest.mark.parametrize("kind", RUNS, ids=lambda kind: kind.key)
def test_every_choice_of_a_form_is_a_command_that_means_the_same(kind: RunKind) -> None:
    """One option after another, all of them, and none but what is needed."""
    examples = {option.name: example(option, k) for k, option in enumerate(kind.options)}
    needed = {option.name for option in kind.options if option.needed}
    for chosen in ({*needed, name} for name in itertools.chain(examples, [*needed][:1])):
        check(kind, {name: examples[name] for name in chosen})
    check(kind, examples)


def check(kind: RunKind, form: dict[str, Any]) -> None:
    values = given_values(kind, form)
    found = parsed(kind, run_words(kind, values, dataset="-odd name"))
    assert found["dataset"] == "-odd name"
    for option in kind.options:
        given, value = found[option.name], values[option.name]
        if option.many:
            assert tuple(given or ()) == tuple(value)
        else:
            assert given == value, option.name
    if kind.key == "continue":
        assert found["go_on"] is True


@pytest.mark.parametrize(
    ("key", "form", "said"),
    [
        ("percolate", {"layer": "a", "replicates": 0}, "at least 1"),
        ("percolate", {"layer": "a", "replicates": 1.5}, "not a whole number"),
        ("percolate", {"replicates": 3}, "nothing is filled in"),
        ("associate", {"layer": "a", "rule": "all"}, "not one of any, understood"),
        ("evidence", {"solve_rate": "x"}, "not a number"),
        ("plan", {"layer": "a", "budget": 1000}, "from 1 to 500"),
    ],
)
def test_a_form_that_is_filled_in_wrongly_is_told_so(key: str, form: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        given_values(run_kind(key), form)
