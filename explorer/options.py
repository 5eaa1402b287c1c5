"""Choices that the command line, the pages, Spark and the Python functions share, each with its meaning.

A new learner is one row of `LEARNERS` here, its class in `analysis.learners`, and its section in docs/theory.md.
This module imports nothing heavy: help and version stay fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "EVIDENCE_FITS",
    "EVIDENCE_FIT_HELP",
    "LEARNERS",
    "LEARNER_HELP",
    "LIMITS",
    "MODES",
    "MODE_HELP",
    "NOISES",
    "NOISE_HELP",
    "PLAN_WAYS",
    "POSTERIOR_METHODS",
    "ROWS_FORMATS",
    "RULES",
    "RULE_HELP",
    "SET_CODES",
    "SET_CODE_HELP",
    "Choice",
    "EvidenceFit",
    "Limits",
    "Mode",
    "Noise",
    "PlanWay",
    "PosteriorMethod",
    "RowsFormat",
    "Rule",
    "SetCode",
    "SparkMethod",
    "TagMethod",
    "check_rule",
]

Rule = Literal["any", "understood"]
Mode = Literal["frozen", "continued", "joint"]
EvidenceFit = Literal["irt", "additive", "dina", "dino", "gdina"]
Noise = Literal["family", "model", "shared", "text"]
PosteriorMethod = Literal["auto", "enumeration", "propagation"]
PlanWay = Literal["skills", "texts", "simpler"]
TagMethod = Literal["auto", "pvaf", "residuals"]
SetCode = Literal["uniform", "frequency"]
SparkMethod = Literal["blocks", "rounds"]
RowsFormat = Literal["table", "csv", "json", "jsonl"]
ROWS_FORMATS: tuple[RowsFormat, ...] = get_args(RowsFormat)


@dataclass(frozen=True)
class Choice:
    """One value of an option.

    Attributes:
        value: As it is written on the command line; of a learner with a number, what stands before the colon.
        label: A few words, as a form shows them.
        meaning: What it does, in a clause that can follow the value and a colon.
        example: How it is written, where that is not the value alone.
    """

    value: str
    label: str
    meaning: str
    example: str = ""

    @property
    def written(self) -> str:
        """As a user writes it, by example."""
        return self.example or self.value


LEARNERS = (
    Choice("one", "the one unknown skill of a text", "a text teaches its only novel skill"),
    Choice("d", "up to D unknown skills at once", "a text teaches up to 2 novel skills at once", "d:2"),
    Choice("capacity", "a random number of them", "after each one, one more with probability 0.6", "capacity:0.6"),
)
RULES = (
    Choice("any", "any text", "every text that requires both skills links them"),
    Choice("understood", "only texts that are understood", "only texts all of whose skills are learned link them"),
)
MODES = (
    Choice("continued", "continued", "starts from what the base has learned; any skill can be learned"),
    Choice("frozen", "frozen", "skills of the base's texts that it has not learned stay unlearned"),
    Choice("joint", "joint", "learns the base's texts and these together"),
)
NOISES = (
    Choice("family", "a family", "one slip and one guess for a base and the models fine-tuned from it"),
    Choice("model", "each model", "one for each model"),
    Choice("shared", "all models", "one for all models"),
    Choice("text", "each text", "one for each text"),
)
EVIDENCE_FITS = (
    Choice("irt", "with difficulty", "ability, a difficulty for each text, and pooled model × skill deviations"),
    Choice("additive", "additive", "the same without difficulties of texts (LLTM, AFM)"),
    Choice("dina", "all skills needed", "solving a text takes all of its skills, apart from slips and guesses"),
    Choice("dino", "any skill enough", "solving a text takes any one of its skills"),
    Choice("gdina", "each combination", "a rate for each combination of the skills of a text"),
)
POSTERIOR_METHODS = (
    Choice("auto", "found out", "enumeration where it is feasible"),
    Choice("enumeration", "enumeration", "all sets of skills of a text"),
    Choice("propagation", "propagation", "belief propagation"),
)
PLAN_WAYS = (
    Choice("skills", "skills taught directly", "a skill is learned without a text"),
    Choice("texts", "texts from a pool", "texts that the layer has not read are added"),
    Choice("simpler", "texts made simpler", "a text no longer requires one of its skills"),
)
SET_CODES = (
    Choice("frequency", "by frequency", "frequent skills take fewer bits"),
    Choice("uniform", "uniform", "every skill takes the same number of bits"),
)


@dataclass(frozen=True)
class Limits:
    """Defaults and caps of what is computed or printed.

    Attributes:
        query_rows: Rows of a query that are printed unless more are asked for.
        query_seconds: Seconds until a query is stopped.
        query_memory: GiB that a query of the embedded store may take beyond what the open store takes.
        percolation_orders: Random orders that a percolation is averaged over.
        band_replicates: Random graphs behind a 95 % band.
        listed: Rows of a long list that a terminal shows.
    """

    query_rows: int = 1000
    query_seconds: float = 30.0
    query_memory: float = 1.0
    percolation_orders: int = 20
    band_replicates: int = 100
    listed: int = 10


LIMITS = Limits()


def _help(choices: tuple[Choice, ...]) -> str:
    return "; ".join(f"{choice.written}: {choice.meaning}" for choice in choices) + "."


LEARNER_HELP = _help(LEARNERS)
RULE_HELP = "Which texts link two learned skills. " + _help(RULES)
MODE_HELP = "How to train on the base. " + _help(MODES)
NOISE_HELP = "With dina: what shares one slip and one guess probability. " + _help(NOISES)
EVIDENCE_FIT_HELP = "How skills affect outcomes. " + _help(EVIDENCE_FITS)
SET_CODE_HELP = "How skill sets are coded. " + _help(SET_CODES)


def check_rule(value: str) -> Rule:
    """The rule of that name.

    Raises:
        ValueError: There is no such rule.

    >>> check_rule("any")
    'any'
    """
    for known in get_args(Rule):
        if value == known:
            rule: Rule = known
            return rule
    raise ValueError(f"rule {value!r} must be {' or '.join(choice.value for choice in RULES)}")
