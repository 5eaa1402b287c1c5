"""Commands that need no store: every result of the theory from its parameters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from explorer.cli.console import JsonOption, emit_json, guarded, number, share, show_table
from explorer.errors import SkillgraphError

__all__ = ["register"]

group = typer.Typer(
    name="theory",
    help="Curves, thresholds, classes and hierarchies from parameters alone; docs/theory.md has the equations.",
    no_args_is_help=True,
)

MeanSkills = Annotated[float, typer.Option("--mean-skills", "-c", help="Mean skills in a text, c.")]
Ratio = Annotated[float, typer.Option("--ratio", "-R", help="Texts per skill, R.")]
LearnerOption = Annotated[
    str, typer.Option("--learner", help="one (1-skill), d:2 (up to 2 novel skills a text), capacity:0.6 (random).")
]
Shares = Annotated[str, typer.Option("--shares", help="Fraction of the skills in each class, as in 0.4,0.6.")]
MeansOfClasses = Annotated[
    str,
    typer.Option(
        "--mean-skills",
        "-c",
        help="Mean skills of each class in a text; texts of a class after a semicolon each, as in '3,1;0.5,4'.",
    ),
]
Replicates = Annotated[int, typer.Option("--replicates", min=1, help="Random graphs.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random graphs.")]


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise SkillgraphError(f"{option} is {text!r}; give numbers with commas between, as in 0.4,0.6") from None


@group.command()
@guarded
def curve(
    mean_skills: MeanSkills,
    start: Annotated[float, typer.Option("--from", min=0.0, help="Smallest ratio R.")] = 0.0,
    end: Annotated[float | None, typer.Option("--to", help="Largest ratio R.", show_default="twice R*, or 2")] = None,
    points: Annotated[int, typer.Option("--points", min=2, max=10_000, help="Number of ratios.")] = 21,
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """Learned fraction, testing error and giant components as texts are added.

    Example: skillgraph theory curve --mean-skills 3 --to 2
    """
    from explorer.service import predict, theory, threshold

    if end is None:
        end = 2.0 * (threshold(mean_skills, learner).ratio or 1.0)
    if end <= start:
        raise SkillgraphError(f"--to is {end:g}; it must be above --from, {start:g}")
    predict(mean_skills, end, learner)
    rows = theory.curve(mean_skills, np.linspace(start, end, points).tolist(), learner)
    if as_json:
        emit_json({"mean_skills": mean_skills, "learner": learner, "points": rows})
        return
    show_table(
        ("R", "learned", "testing error", "giant, any text", "giant, understood", "giant, site percolation"),
        [
            (
                number(row.ratio, 4),
                share(row.learned),
                share(row.testing_error),
                share(row.giant_any),
                share(row.giant_understood),
                share(row.giant_site),
            )
            for row in rows
        ],
        title=f"Poisson texts, c = {mean_skills:g}, learner {learner}",
        caption="Learned and giant components are fractions of all skills; testing error is of fresh texts.",
    )


@group.command()
@guarded
def waves(mean_skills: MeanSkills, ratio: Ratio, learner: LearnerOption = "one", as_json: JsonOption = False) -> None:
    """Learned fraction after each round of reading all texts.

    Example: skillgraph theory waves --mean-skills 3 --ratio 1.1
    """
    from explorer.service import theory

    found = theory.waves(mean_skills, ratio, learner)
    if as_json:
        emit_json({"mean_skills": mean_skills, "ratio": ratio, "learner": learner, "waves": found})
        return
    pairs = list(enumerate(zip(found.learned, found.testing_error, strict=True)))
    shown = [row for row in pairs if row[0] <= 30 or row[0] == len(pairs) - 1]
    show_table(
        ("wave", "learned", "testing error"),
        [(str(k), f"{learned:.4%}", f"{error:.4%}") for k, (learned, error) in shown],
        title=f"c = {mean_skills:g}, R = {ratio:g}, learner {learner}",
        caption="Wave k of peeling a large random graph learns this fraction of all skills; --json has every wave.",
    )


@group.command(name="exit")
@guarded
def exit_curves(
    mean_skills: MeanSkills,
    ratio: Ratio,
    points: Annotated[int, typer.Option("--points", min=2, max=10_000, help="Points of each curve.")] = 21,
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """EXIT curves: what texts make of novel skills, and skills of teaching texts; learning stops where they meet.

    Example: skillgraph theory exit --mean-skills 4 --ratio 1.4
    """
    from explorer.service import theory

    found = theory.exit_curves(mean_skills, ratio, learner, points)
    if as_json:
        emit_json({"mean_skills": mean_skills, "ratio": ratio, "learner": learner, "exit": found})
        return
    show_table(
        ("novel, x", "text teaches, y(x)", "novel after it, x(y)"),
        [
            (number(x, 4), number(y, 4), number(x - gap, 4))
            for x, y, gap in zip(found.novel.tolist(), found.taught.tolist(), found.gap.tolist(), strict=True)
        ],
        title=f"c = {mean_skills:g}, R = {ratio:g}, learner {learner}",
        caption="Learning goes on while x(y) is below x, and stops at the largest x where they are equal.",
    )


@group.command()
@guarded
def texts(
    mean_skills: MeanSkills,
    error: Annotated[float, typer.Option("--error", help="Wanted testing error, between 0 and 1.")],
    skills: Annotated[int, typer.Option("--skills", min=1, help="Number of skills, S.")],
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """Texts that a wanted testing error takes: the scaling law.

    Example: skillgraph theory texts --mean-skills 3 --error 0.01 --skills 10000
    """
    from explorer.service import theory

    found = theory.texts_needed(mean_skills, error, skills, learner)
    if as_json:
        emit_json(found)
        return
    typer.echo(
        f"A testing error of {error:.3g} with {skills:,} skills takes {found.texts:,.0f} texts, R = {found.ratio:.4f} "
        f"per skill; the law for small errors, (S/c) ln(c/ε), says {found.asymptotic:,.0f}."
    )
    if found.threshold is not None:
        typer.echo(f"Skills emerge at once at R* = {found.threshold:.4f}, with {found.threshold * skills:,.0f} texts.")


@group.command()
@guarded
def percolation(
    mean_skills: MeanSkills,
    ratio: Annotated[
        float | None, typer.Option("--ratio", "-R", help="Texts per skill, for randomly kept skills.")
    ] = None,
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """The ratio at which learned skills first have a giant component.

    Example: skillgraph theory percolation --mean-skills 3
    """
    from explorer.service import theory

    found = theory.percolation(mean_skills, ratio, learner)
    if as_json:
        emit_json(found)
        return
    rows = [
        ("any text", f"{found.any:.6f}", "learned skills joined by every text that requires both, exact"),
        ("understood texts", f"{found.understood:.6f}", "joined only by texts all of whose skills are learned, exact"),
        ("site percolation", f"{found.site:.6f}", "(1-q)c²R = 1: as if as many skills were kept at random"),
    ]
    show_table(("rule", "R", "meaning"), rows, title=f"First giant component, c = {mean_skills:g}, learner {learner}")
    if found.critical_occupation is not None:
        typer.echo(
            f"With R = {ratio:g}, skills kept at random have a giant component from a fraction of "
            f"{found.critical_occupation:.6f} on."
        )


@group.command()
@guarded
def degrees(
    texts: Annotated[
        str, typer.Option("--texts", help="Skills of a text: regular:4, poisson:4 or 1:0.2,4:0.8 (with probabilities).")
    ],
    skills: Annotated[str, typer.Option("--skills", help="Texts of a skill, likewise.")],
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """Any degrees of texts and skills: learning, thresholds, giant components.

    Example: skillgraph theory degrees --texts 1:0.2,4:0.8 --skills regular:5
    """
    from explorer.service import theory

    found = theory.degrees(texts, skills, learner)
    if as_json:
        emit_json(found)
        return
    more = "; more than R, so extrapolated" if (found.threshold or 0.0) > found.ratio else ""
    rows = [
        ("learned", share(found.learned), f"of all skills, after {len(found.waves) - 1} waves"),
        ("understood", share(found.understood), "of the texts in the end"),
        ("testing error", share(found.testing_error), "of fresh texts are not understood"),
        ("threshold R*", number(found.threshold, 6), f"texts of this kind per skill where skills emerge at once{more}"),
        ("giant, any text", share(found.giant_any), "largest connected part of the learned skills, exact"),
        ("giant, understood texts", share(found.giant_understood), "the same, joined by understood texts only"),
        ("giant, site percolation", share(found.giant_site), "if as many skills were kept at random"),
        ("condition", number(found.condition), "above 1 skills kept at random have a giant component"),
        ("critical fraction", share(found.critical_occupation), "of the skills kept at random, from which on they do"),
        (
            "first giant component",
            number(found.percolation, 6),
            "texts of this kind per skill, learned skills, any text",
        ),
    ]
    show_table(
        ("prediction", "value", "meaning"),
        rows,
        title=f"Texts {texts}, skills {skills}: c = {found.mean_skills:.6g}, R = {found.ratio:.6g}, learner {learner}",
    )


@group.command()
@guarded
def classes(
    shares: Shares,
    ratios: Annotated[str, typer.Option("--ratios", "-R", help="Texts of each class per skill, as in 0.8,0.7.")],
    mean_skills: MeansOfClasses,
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """Several classes of skills and texts.

    Example: skillgraph theory classes --shares 0.4,0.6 --ratios 0.8,0.7 --mean-skills "3,1;0.5,4"
    """
    from explorer.service import theory

    found = theory.classes(_numbers(shares, "--shares"), _numbers(ratios, "--ratios"), _rows(mean_skills), learner)
    if as_json:
        emit_json(found)
        return
    rows = [
        *((f"skills {k}", share(1.0 - q), "learned, of the class") for k, q in enumerate(found.unlearned_by_class, 1)),
        *(
            (f"texts {j}", share(error), "testing error: fresh texts of the class that are not understood")
            for j, error in enumerate(found.testing_error_by_class, 1)
        ),
        ("all skills", share(found.learned), "learned"),
    ]
    show_table(("class", "value", "meaning"), rows)


def _rows(text: str) -> list[list[float]]:
    return [_numbers(row, "--mean-skills") for row in text.split(";")]


@group.command()
@guarded
def stability(
    shares: Shares,
    mean_skills: MeansOfClasses,
    unlearned: Annotated[
        float, typer.Option("--unlearned", help="A class counts as learned when at most this fraction of it is not.")
    ] = 0.5,
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """Ratios of two classes of texts with which all classes of skills are learned: the stability region.

    Example: skillgraph theory stability --shares 0.4,0.6 --mean-skills "3,1;0.5,4"
    """
    from explorer.service import theory

    found = theory.stability(_numbers(shares, "--shares"), _rows(mean_skills), learner, unlearned)
    if as_json:
        emit_json(found)
        return
    show_table(
        ("R, texts 1", "R, texts 2"),
        [(number(a, 4), number(b, 4)) for a, b in found.border.tolist()],
        title="Border of the stability region",
        caption="Above and to the right of it every class is learned.",
    )


@group.command()
@guarded
def hierarchy(
    basic_share: Annotated[float, typer.Option("--basic-share", help="Fraction of the skills that are basic, α_b.")],
    foundation_ratio: Annotated[float, typer.Option("--foundation-ratio", help="Foundation texts per skill, R_f.")],
    domain_ratio: Annotated[float, typer.Option("--domain-ratio", help="Domain texts per skill, R_d.")],
    foundation_skills: Annotated[
        float, typer.Option("--foundation-skills", help="Basic skills a foundation text, c_f.")
    ],
    basic_skills: Annotated[float, typer.Option("--basic-skills", help="Basic skills a domain text, c_b.")],
    domain_skills: Annotated[float, typer.Option("--domain-skills", help="Domain skills a domain text, c_d.")],
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """A fine-tuned model on a foundation: frozen, continued and joint training.

    Example: skillgraph theory hierarchy --basic-share 0.5 --foundation-ratio 0.6 --domain-ratio 0.8
    --foundation-skills 3 --basic-skills 1 --domain-skills 3
    """
    from analysis.hierarchy import HierarchyEnsemble
    from explorer.service import theory

    found = theory.hierarchy(
        HierarchyEnsemble(basic_share, foundation_ratio, domain_ratio, foundation_skills, basic_skills, domain_skills),
        learner,
    )
    if as_json:
        emit_json(found)
        return
    meanings = (
        ("foundation", "foundation texts alone"),
        ("frozen", "domain texts add domain skills only"),
        ("continued", "domain texts may teach any skill"),
        ("joint", "all texts together"),
    )
    rows = []
    for mode, meaning in meanings:
        row = getattr(found, mode)
        basic, domain = 1.0 - row.unlearned_basic, 1.0 - row.unlearned_domain
        rows.append((mode, share(basic), share(domain), share(row.learned), share(row.testing_error), meaning))
    show_table(("training", "basic", "domain", "all skills", "testing error", "meaning"), rows)


@group.command()
@guarded
def simulate(
    mean_skills: MeanSkills,
    ratio: Ratio,
    skills: Annotated[int, typer.Option("--skills", min=1, help="Number of skills, S.")] = 10_000,
    replicates: Replicates = 100,
    seed: Seed = 0,
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """Random graphs of finite size, peeled, beside the prediction.

    Example: skillgraph theory simulate --mean-skills 4 --ratio 1.47 --skills 10000
    """
    from explorer.service import theory

    found = theory.simulate(
        mean_skills, ratio, skills, learner, replicates=replicates, seed=seed, workers=os.cpu_count() or 1
    )
    if as_json:
        emit_json({"replicates": replicates, "seed": seed, "skills": skills, "quantities": found})
        return
    show_table(
        ("quantity", "predicted", "mean", "± standard error", "95 % of the graphs"),
        [
            (
                row.quantity,
                number(row.predicted, 4),
                number(row.mean, 4),
                number(row.standard_error, 4),
                f"{number(row.low, 4)} – {number(row.high, 4)}",
            )
            for row in found
        ],
        title=f"{replicates} Poisson graphs of {skills:,} skills, c = {mean_skills:g}, R = {ratio:g}, {learner}",
        caption="Learned and giant: fractions of all skills; understood: of the texts; waves: rounds of reading.",
    )


@group.command(name="finite-size")
@guarded
def finite_size(
    mean_skills: MeanSkills,
    skills: Annotated[int, typer.Option("--skills", min=1, help="Number of skills, S.")],
    replicates: Replicates = 100,
    seed: Seed = 0,
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """How a finite number of skills blurs the threshold; fitted to simulations.

    Example: skillgraph theory finite-size --mean-skills 4 --skills 10000
    """
    from explorer.service import theory

    found = theory.finite_size(
        mean_skills, skills, learner, replicates=replicates, seed=seed, workers=os.cpu_count() or 1
    )
    if as_json:
        emit_json(found)
        return
    fit = found.fit
    show_table(
        ("R", "learning stalls with probability"),
        _probabilities(found.ratios, found.stall_probability),
        title=f"{skills:,} skills, c = {mean_skills:g}, learner {learner}: R* = {fit.threshold:.4f}",
        caption=f"α = {fit.alpha:.3f} ± {fit.alpha_error:.3f}, β = {fit.beta:.3f} ± {fit.beta_error:.3f}, fitted to "
        f"{fit.replicates:,} graphs of {fit.smallest:,} to {fit.largest:,} skills.",
    )


def _probabilities(ratios: Sequence[float], chances: Sequence[float]) -> list[tuple[str, str]]:
    return [(number(ratio, 4), share(chance)) for ratio, chance in zip(ratios, chances, strict=True)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group)
