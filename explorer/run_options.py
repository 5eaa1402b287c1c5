"""Runs that the browser offers: each is a command with its options, declared once, and written as one types it.

A test holds the declaration and the command line together: every option has the command's name, default and values.
This module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from explorer.options import EVIDENCE_FITS, LIMITS, MODES, NOISES, PLAN_WAYS, POSTERIOR_METHODS, RULES, Choice

__all__ = ["RUNS", "RunKind", "RunOption", "given_values", "run_kind", "run_words"]

Takes = Literal[
    "name", "layer", "part", "class", "model", "whole", "number", "flag", "choice", "learner", "factor", "features"
]


@dataclass(frozen=True)
class RunOption:
    """An option of a command, as a form shows it.

    Attributes:
        name: The command's parameter.
        label: A few words.
        takes: What its values are.
        flag: As it is typed; "" for an argument, which comes in its place.
        default: What is taken where nothing is said.
        many: It may be given several times.
        needed: A run cannot do without it.
        choices: Its values, if there are few.
        low: Least number.
        high: Largest number.
        step: By how much buttons change it.
        off: What is typed to turn off a flag that is on.
        empty: What a form shows where nothing is said.
    """

    name: str
    label: str
    takes: Takes
    flag: str = ""
    default: Any = None
    many: bool = False
    needed: bool = False
    choices: tuple[Choice, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float = 1
    off: str = ""
    empty: str = ""


@dataclass(frozen=True)
class RunKind:
    """A run.

    Attributes:
        key: In addresses.
        command: The command.
        label: As a list shows it.
        meaning: What it does, in a sentence or two.
        act: What its button says.
        options: What can be said.
        fixed: Words that make the command this run.
        writes: It changes the store.
        warning: What has to be agreed to; "" if nothing.
        outcomes: It needs outcomes of models.
        replaces: What has to be agreed to where something of the same name would be replaced; "" if nothing is.
    """

    key: str
    command: str
    label: str
    meaning: str
    act: str
    options: tuple[RunOption, ...]
    fixed: tuple[str, ...] = ()
    writes: bool = True
    warning: str = ""
    outcomes: bool = False
    replaces: str = ""


_LAYER = RunOption("layer", "Layer", "layer", needed=True)
_PARTS = RunOption("part", "Texts of these parts", "part", "--part", many=True, empty="all texts")
_SEED = RunOption("seed", "Random seed", "whole", "--seed", 0, low=0)

RUNS: tuple[RunKind, ...] = (
    RunKind(
        "learn",
        "learn",
        "Learn a layer",
        "Reads the texts again and again until nothing more is learned, and stores the new layer under its name.",
        "Learn",
        (
            RunOption("name", "Name of the new layer", "name", needed=True),
            _PARTS,
            RunOption("learner", "A text teaches (one, d:2, capacity:0.6)", "learner", "--learner", "one"),
            RunOption("base", "Fine-tune from", "layer", "--base", empty="nothing: a foundation"),
            RunOption("mode", "How to train on the base", "choice", "--mode", choices=MODES, empty="continued"),
            RunOption("known_class", "Classes of skills treated as known", "class", "--known-class", many=True),
            _SEED,
        ),
        replaces="Replace a layer of that name",
    ),
    RunKind(
        "continue",
        "learn",
        "Continue a layer",
        "Learns on, from texts that were appended since or from a further part, with the layer's own options.",
        "Continue",
        (RunOption("name", "Layer", "layer", needed=True), _PARTS),
        fixed=("--continue",),
    ),
    RunKind(
        "associate",
        "associate",
        "Link its skills",
        "Links learned skills that occur in the same text, finds components, and stores both with the layer.",
        "Link",
        (
            _LAYER,
            RunOption("rule", "Linked by", "choice", "--rule", "any", choices=RULES),
            RunOption("min_weight", "In at least this many texts", "whole", "--min-weight", 1, low=1),
            RunOption("top", "Only the strongest links of each skill", "whole", "--top", low=1, empty="all"),
            RunOption(
                "max_text_skills",
                "Leave out texts with more skills than",
                "whole",
                "--max-text-skills",
                low=1,
                empty="none",
            ),
        ),
    ),
    RunKind(
        "percolate",
        "percolate",
        "Percolate",
        "Keeps skills in random order, one after the other, and averages over orders; nothing is stored.",
        "Percolate",
        (
            _LAYER,
            RunOption(
                "replicates", "Random orders to average over", "whole", "--replicates", LIMITS.percolation_orders, low=1
            ),
            RunOption("types", "Also predict with types of skills", "flag", "--types", False),
            _SEED,
        ),
        writes=False,
    ),
    RunKind(
        "evidence",
        "evidence",
        "Estimate from outcomes",
        "Estimates which skills models master from the texts they solved, and stores a layer for each: of one model, "
        "of a base with what was fine-tuned from it, or of all.",
        "Estimate",
        (
            RunOption("models", "Models", "model", many=True, empty="choose, or take all"),
            RunOption("family", "A base model with all its children", "model", "--family", empty="none"),
            RunOption("all_models", "All models", "flag", "--all-models", False),
            RunOption("name", "Name of the layer of a single model", "name", "--name", empty="the model's"),
            _PARTS,
            RunOption("fit", "How skills affect outcomes", "choice", "--fit", "irt", choices=EVIDENCE_FITS),
            RunOption(
                "solve_rate",
                "Solve rate from which a skill is mastered",
                "number",
                "--solve-rate",
                0.5,
                low=0.0,
                high=1.0,
                step=0.05,
            ),
            RunOption("noise", "DINA: what shares slip and guess", "choice", "--noise", "family", choices=NOISES),
            RunOption("method", "DINA: how it is found", "choice", "--method", "auto", choices=POSTERIOR_METHODS),
            RunOption(
                "mastered", "Lowest probability in the layer", "number", "--mastered", 0.5, low=0.0, high=1.0, step=0.05
            ),
            RunOption(
                "pass_score",
                "Scores of at least this count as solved",
                "number",
                "--pass-score",
                step=0.1,
                empty="scores as shares",
            ),
            RunOption("ignore_class", "Leave out skills of these classes", "class", "--ignore-class", many=True),
            RunOption("common", "Only texts that all these models attempted", "flag", "--common", False),
            RunOption("judge", "Judge on held-out outcomes", "flag", "--judge", True, off="--no-judge"),
        ),
        outcomes=True,
    ),
    RunKind(
        "compare",
        "compare",
        "Compare two layers",
        "Which skills the second layer has kept, gained and lost against the first, with predictions; nothing is "
        "stored.",
        "Compare",
        (
            RunOption("first", "First layer, usually the foundation", "layer", needed=True),
            RunOption("second", "Second layer, usually the fine-tuned one", "layer", needed=True),
        ),
        writes=False,
    ),
    RunKind(
        "explain",
        "explain",
        "Explain a layer",
        "Why it learned more or less than its degrees predict: random graphs that keep more and more of its structure.",
        "Explain",
        (
            _LAYER,
            RunOption("types", "Features of skills for a rung of your own", "features", "--types", empty="none"),
            RunOption("graphs", "Random graphs for each rung", "whole", "--graphs", low=0, empty="as many as pay"),
            _SEED,
        ),
        writes=False,
    ),
    RunKind(
        "plan",
        "plan",
        "Plan what to teach",
        "What to teach next: each step is the best single step when its turn comes. Nothing is stored.",
        "Plan",
        (
            _LAYER,
            RunOption("by", "A step is", "choice", "--by", "skills", choices=PLAN_WAYS),
            RunOption("budget", "Number of steps", "whole", "--budget", 20, low=1, high=500),
            RunOption("pool_part", "Texts: from these parts", "part", "--pool-part", many=True, empty="all unread"),
            RunOption("goal_class", "Goal: skills of these classes", "class", "--goal-class", many=True, empty="all"),
            RunOption("goal_layer", "Goal: what this layer has learned", "layer", "--goal-layer", empty="any"),
            RunOption("goal_giant", "Goal: the giant component", "flag", "--goal-giant", False),
            _SEED,
        ),
        writes=False,
    ),
    RunKind(
        "forecast",
        "forecast",
        "Forecast",
        "What the layer would learn from more texts of the same source, and how good such forecasts were so far.",
        "Forecast",
        (
            _LAYER,
            RunOption("to", "Times as many texts", "factor", "--to", "2x"),
            RunOption("splits", "Random halves in the test", "whole", "--splits", 8, low=2, high=200),
            _SEED,
        ),
        writes=False,
    ),
    RunKind(
        "refresh",
        "refresh",
        "Refresh stale layers",
        "Makes stale layers anew with the options that they keep, each after its base.",
        "Refresh",
        (RunOption("layer", "Layer, with those it was fine-tuned from", "layer", empty="all stale ones"),),
    ),
    RunKind(
        "rename",
        "rename",
        "Rename a layer",
        "Gives a layer another name; its associations and the layers fine-tuned from it follow.",
        "Rename",
        (
            RunOption("name", "Layer", "layer", needed=True),
            RunOption("new", "New name", "name", needed=True),
        ),
    ),
    RunKind(
        "delete",
        "delete",
        "Delete a layer",
        "Deletes a layer with its associations. A layer from which others were fine-tuned is kept, unless they go too.",
        "Delete",
        (
            RunOption("layer", "Layer", "layer", needed=True),
            RunOption("with_dependents", "Delete the layers that depend on it too", "flag", "--with-dependents", False),
        ),
        warning="I know that this cannot be undone",
    ),
)
"""All runs, in the order in which a page lists them."""


def run_kind(key: str | None) -> RunKind:
    """The run of that key; the first for any other.

    >>> run_kind("plan").command, run_kind(None).key
    ('plan', 'learn')
    """
    return next((kind for kind in RUNS if kind.key == key), RUNS[0])


def given_values(kind: RunKind, form: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form by the names of the options, with defaults where nothing is said.

    Raises:
        ValueError: Something is not filled in, or not as it has to be; the message is a sentence.

    >>> given_values(run_kind("percolate"), {"layer": "a", "replicates": 5})
    {'layer': 'a', 'replicates': 5, 'types': False, 'seed': 0}
    """
    found: dict[str, Any] = {}
    for option in kind.options:
        value = form.get(option.name)
        if isinstance(value, str):
            value = value.strip()
        if option.many:
            found[option.name] = tuple(map(str, value or ()))
        elif option.takes == "flag":
            found[option.name] = option.default if value is None else bool(value)
        elif value is None or value == "":
            found[option.name] = option.default
        elif option.takes in ("whole", "number"):
            found[option.name] = _number(option, value)
        else:
            found[option.name] = _among(option, str(value))
        if option.needed and found[option.name] in (None, (), ""):
            raise ValueError(f"{option.label}: nothing is filled in")
    return found


def _number(option: RunOption, value: Any) -> float | int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{option.label}: {value!r} is not a number") from None
    if option.takes == "whole" and number != int(number):
        raise ValueError(f"{option.label}: {value!r} is not a whole number")
    if (option.low is not None and number < option.low) or (option.high is not None and number > option.high):
        ends = f"at least {option.low:g}" if option.high is None else f"from {option.low:g} to {option.high:g}"
        raise ValueError(f"{option.label}: {number:g} must be {ends}")
    return int(number) if option.takes == "whole" else number


def _among(option: RunOption, value: str) -> str:
    if option.choices and value not in [choice.value for choice in option.choices]:
        raise ValueError(f"{option.label}: {value!r} is not one of {', '.join(c.value for c in option.choices)}")
    return value


def run_words(kind: RunKind, values: Mapping[str, Any], *, dataset: str | None = None) -> list[str]:
    """The words of the command, without the program's name; what is as usual is left out.

    >>> run_words(run_kind("continue"), {"name": "a", "part": ("b",)}, dataset="d")
    ['learn', 'a', '--part', 'b', '--continue', '--dataset', 'd']
    """
    arguments: list[str] = []
    options: list[str] = []
    for option in kind.options:
        value = values.get(option.name)
        each: Sequence[Any] = tuple(value or ()) if option.many else (value,)
        for one in each:
            if not option.flag:
                arguments += [] if one is None else [_written(one)]
            elif one == option.default or one is None:
                continue
            elif option.takes == "flag":
                options.append(option.flag if one else option.off)
            else:
                text = _written(one)
                options += [f"{option.flag}={text}"] if text.startswith("-") else [option.flag, text]
    options += kind.fixed
    if dataset is not None:
        options += [f"--dataset={dataset}"] if dataset.startswith("-") else ["--dataset", dataset]
    if any(text.startswith("-") for text in arguments):  # a name, not an option
        return [kind.command, *options, "--", *arguments]
    return [kind.command, *arguments, *options]


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
