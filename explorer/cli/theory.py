"""Commands that need no store: every result of the theory from its parameters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from explorer.cli.group import Run, command, group
from explorer.cli.output import Block, Result, Rows, Table, number, rows_of, share
from explorer.cli.prediction import LearnerOption
from explorer.errors import SkillgraphError
from explorer.wording import plural

__all__ = [
    "classes",
    "curve",
    "degrees",
    "exit_curves",
    "finite_size",
    "hierarchy",
    "percolation",
    "simulate",
    "stability",
    "texts",
    "theory",
    "waves",
]

theory = group(
    "theory",
    "Curves, thresholds, classes and hierarchies from parameters alone; see docs/theory.md for the equations.",
    {
        "curve": "theory:curve",
        "waves": "theory:waves",
        "exit": "theory:exit_curves",
        "texts": "theory:texts",
        "percolation": "theory:percolation",
        "degrees": "theory:degrees",
        "classes": "theory:classes",
        "stability": "theory:stability",
        "hierarchy": "theory:hierarchy",
        "simulate": "theory:simulate",
        "finite-size": "theory:finite_size",
    },
)

MeanSkills = Annotated[float, typer.Option("--mean-skills", "-c", help="Mean skills in a text, c.")]
Ratio = Annotated[float, typer.Option("--ratio", "-R", help="Texts per skill, R.")]
Shares = Annotated[str, typer.Option("--shares", help="Fraction of the skills in each class, such as 0.4,0.6.")]
MeansOfClasses = Annotated[
    str,
    typer.Option(
        "--mean-skills",
        "-c",
        help="Mean skills of each class in a text; one list for each class of texts, separated by semicolons, "
        "such as '3,1;0.5,4'.",
    ),
]
Replicates = Annotated[int, typer.Option("--replicates", min=1, help="Random graphs.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random graphs.")]


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise SkillgraphError(f"{option} is {text!r}; give numbers separated by commas, such as 0.4,0.6") from None


@command(rows=True)
def curve(
    run: Run,
    mean_skills: MeanSkills,
    start: Annotated[float, typer.Option("--from", min=0.0, help="Smallest ratio R.")] = 0.0,
    end: Annotated[float | None, typer.Option("--to", help="Largest ratio R.", show_default="twice R*, or 2")] = None,
    points: Annotated[int, typer.Option("--points", min=2, max=10_000, help="Number of ratios.")] = 21,
    learner: LearnerOption = "one",
) -> Result:
    """Learned fraction, testing error and giant components as texts are added.

    Example: skillgraph theory curve --mean-skills 3 --to 2
    """
    import numpy as np

    from explorer.service import predict, threshold
    from explorer.service import theory as service

    if end is None:
        end = 2.0 * (threshold(mean_skills, learner).ratio or 1.0)
    if end <= start:
        raise SkillgraphError(f"--to is {end:g}; it must be above --from, {start:g}")
    predict(mean_skills, end, learner)
    rows = service.curve(mean_skills, np.linspace(start, end, points).tolist(), learner)
    value = {"mean_skills": mean_skills, "learner": learner, "points": rows}
    shown = Table(
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
    return Result(
        value,
        [shown],
        Rows(
            ("ratio", "learned", "testing_error", "giant_any", "giant_understood", "giant_site"),
            [
                [row.ratio, row.learned, row.testing_error, row.giant_any, row.giant_understood, row.giant_site]
                for row in rows
            ],
        ),
    )


@command(rows=True)
def waves(run: Run, mean_skills: MeanSkills, ratio: Ratio, learner: LearnerOption = "one") -> Result:
    """Learned fraction after each round of reading all texts.

    Example: skillgraph theory waves --mean-skills 3 --ratio 1.1
    """
    from explorer.service import theory as service

    found = service.waves(mean_skills, ratio, learner)
    value = {"mean_skills": mean_skills, "ratio": ratio, "learner": learner, "waves": found}
    pairs = list(enumerate(zip(found.learned, found.testing_error, strict=True)))
    some = [row for row in pairs if row[0] <= 30 or row[0] == len(pairs) - 1]
    shown = Table(
        ("wave", "learned", "testing error"),
        [(str(k), f"{learned:.4%}", f"{error:.4%}") for k, (learned, error) in some],
        title=f"c = {mean_skills:g}, R = {ratio:g}, learner {learner}",
        caption="Wave k of peeling a large random graph learns this fraction of all skills; --json has every wave.",
    )
    return Result(value, [shown], Rows(("wave", "learned", "testing_error"), [[k, *row] for k, row in pairs]))


@command(rows=True)
def exit_curves(
    run: Run,
    mean_skills: MeanSkills,
    ratio: Ratio,
    points: Annotated[int, typer.Option("--points", min=2, max=10_000, help="Points of each curve.")] = 21,
    learner: LearnerOption = "one",
) -> Result:
    """EXIT curves: what texts make of novel skills, and skills of teaching texts; learning stops where they meet.

    Example: skillgraph theory exit --mean-skills 4 --ratio 1.4
    """
    from explorer.service import theory as service

    found = service.exit_curves(mean_skills, ratio, learner, points)
    value = {"mean_skills": mean_skills, "ratio": ratio, "learner": learner, "exit": found}
    shown = Table(
        ("novel, x", "text teaches, y(x)", "novel after it, x(y)"),
        [
            (number(x, 4), number(y, 4), number(x - gap, 4))
            for x, y, gap in zip(found.novel.tolist(), found.taught.tolist(), found.gap.tolist(), strict=True)
        ],
        title=f"c = {mean_skills:g}, R = {ratio:g}, learner {learner}",
        caption="Learning continues while x(y) is below x, and stops at the largest x where the two are equal.",
    )
    return Result(
        value,
        [shown],
        Rows(
            ("novel", "taught", "gap"),
            list(zip(found.novel.tolist(), found.taught.tolist(), found.gap.tolist(), strict=True)),
        ),
    )


@command()
def texts(
    run: Run,
    mean_skills: MeanSkills,
    error: Annotated[float, typer.Option("--error", help="Wanted testing error, between 0 and 1.")],
    skills: Annotated[int, typer.Option("--skills", min=1, help="Number of skills, S.")],
    learner: LearnerOption = "one",
) -> Result:
    """Texts that a wanted testing error takes: the scaling law.

    Example: skillgraph theory texts --mean-skills 3 --error 0.01 --skills 10000
    """
    from explorer.service import theory as service

    found = service.texts_needed(mean_skills, error, skills, learner)
    value = found
    said = [
        (
            f"A testing error of {error:.3g} with {plural(skills, 'skill')} takes {found.texts:,.0f} texts, "
            f"R = {found.ratio:.4f} per skill; the law for small errors, (S/c) ln(c/ε), says {found.asymptotic:,.0f}."
        )
    ]
    if found.threshold is not None:
        said.append(f"Skills emerge at once at R* = {found.threshold:.4f}, with {found.threshold * skills:,.0f} texts.")
    return Result(value, said)


@command(rows=True)
def percolation(
    run: Run,
    mean_skills: MeanSkills,
    ratio: Annotated[
        float | None, typer.Option("--ratio", "-R", help="Texts per skill, for randomly kept skills.")
    ] = None,
    learner: LearnerOption = "one",
) -> Result:
    """The ratio at which learned skills first have a giant component.

    Example: skillgraph theory percolation --mean-skills 3
    """
    from explorer.service import theory as service

    found = service.percolation(mean_skills, ratio, learner)
    value = found
    rows = [
        ("any text", f"{found.any:.6f}", "learned skills linked by every text that requires both, exact"),
        ("understood texts", f"{found.understood:.6f}", "linked only by texts all of whose skills are learned, exact"),
        ("site percolation", f"{found.site:.6f}", "(1-q)c²R = 1: as if as many skills were kept at random"),
    ]
    title = f"First giant component, c = {mean_skills:g}, learner {learner}"
    shown: list[Block] = [Table(("rule", "R", "meaning"), rows, title=title)]
    if found.critical_occupation is not None:
        shown.append(
            f"With R = {ratio:g}, skills kept at random have a giant component from a fraction of "
            f"{found.critical_occupation:.6f} on."
        )
    return Result(
        value,
        shown,
        Rows(("rule", "ratio"), [("any", found.any), ("understood", found.understood), ("site", found.site)]),
    )


@command()
def degrees(
    run: Run,
    texts: Annotated[
        str, typer.Option("--texts", help="Skills of a text: regular:4, poisson:4 or 1:0.2,4:0.8 (with probabilities).")
    ],
    skills: Annotated[str, typer.Option("--skills", help="Texts of a skill, in the same notation.")],
    learner: LearnerOption = "one",
) -> Result:
    """Any degrees of texts and skills: learning, thresholds, giant components.

    Example: skillgraph theory degrees --texts 1:0.2,4:0.8 --skills regular:5
    """
    from explorer.service import theory as service

    found = service.degrees(texts, skills, learner)
    value = found
    more = "; more than R, so extrapolated" if (found.threshold or 0.0) > found.ratio else ""
    rows = [
        ("learned", share(found.learned), f"of all skills, after {plural(len(found.waves) - 1, 'wave')}"),
        ("understood", share(found.understood), "of the texts in the end"),
        ("testing error", share(found.testing_error), "of fresh texts are not understood"),
        (
            "threshold R*",
            number(found.threshold, 6),
            f"texts of this kind per skill at which skills emerge at once{more}",
        ),
        ("giant, any text", share(found.giant_any), "largest connected part of the learned skills, exact"),
        ("giant, understood texts", share(found.giant_understood), "the same, linked by understood texts only"),
        ("giant, site percolation", share(found.giant_site), "if as many skills were kept at random"),
        ("condition", number(found.condition), "above 1 skills kept at random have a giant component"),
        (
            "critical fraction",
            share(found.critical_occupation),
            "fraction of the skills, kept at random, from which they do",
        ),
        (
            "first giant component",
            number(found.percolation, 6),
            "texts of this kind per skill, learned skills, any text",
        ),
    ]
    shown = Table(
        ("prediction", "value", "meaning"),
        rows,
        title=f"Texts {texts}, skills {skills}: c = {found.mean_skills:.6g}, R = {found.ratio:.6g}, learner {learner}",
    )
    return Result(value, [shown])


@command()
def classes(
    run: Run,
    shares: Shares,
    ratios: Annotated[str, typer.Option("--ratios", "-R", help="Texts of each class per skill, such as 0.8,0.7.")],
    mean_skills: MeansOfClasses,
    learner: LearnerOption = "one",
) -> Result:
    """Several classes of skills and texts.

    Example: skillgraph theory classes --shares 0.4,0.6 --ratios 0.8,0.7 --mean-skills "3,1;0.5,4"
    """
    from explorer.service import theory as service

    found = service.classes(_numbers(shares, "--shares"), _numbers(ratios, "--ratios"), _rows(mean_skills), learner)
    value = found
    rows = [
        *((f"skills {k}", share(1.0 - q), "learned, of the class") for k, q in enumerate(found.unlearned_by_class, 1)),
        *(
            (f"texts {j}", share(error), "testing error: fresh texts of the class that are not understood")
            for j, error in enumerate(found.testing_error_by_class, 1)
        ),
        ("all skills", share(found.learned), "learned"),
    ]
    shown = Table(("class", "value", "meaning"), rows)
    return Result(value, [shown])


def _rows(text: str) -> list[list[float]]:
    return [_numbers(row, "--mean-skills") for row in text.split(";")]


@command(rows=True)
def stability(
    run: Run,
    shares: Shares,
    mean_skills: MeansOfClasses,
    unlearned: Annotated[
        float,
        typer.Option("--unlearned", help="A class counts as learned when at most this fraction of it is unlearned."),
    ] = 0.5,
    learner: LearnerOption = "one",
) -> Result:
    """Ratios of two classes of texts with which all classes of skills are learned: the stability region.

    Example: skillgraph theory stability --shares 0.4,0.6 --mean-skills "3,1;0.5,4"
    """
    from explorer.service import theory as service

    found = service.stability(_numbers(shares, "--shares"), _rows(mean_skills), learner, unlearned)
    value = found
    shown = Table(
        ("R, texts 1", "R, texts 2"),
        [(number(a, 4), number(b, 4)) for a, b in found.border.tolist()],
        title="Border of the stability region",
        caption="Above and to the right of it every class is learned.",
    )
    return Result(value, [shown], Rows(("ratio_1", "ratio_2"), found.border.tolist()))


@command(rows=True)
def hierarchy(
    run: Run,
    basic_share: Annotated[float, typer.Option("--basic-share", help="Fraction of the skills that are basic, α_b.")],
    foundation_ratio: Annotated[float, typer.Option("--foundation-ratio", help="Foundation texts per skill, R_f.")],
    domain_ratio: Annotated[float, typer.Option("--domain-ratio", help="Domain texts per skill, R_d.")],
    foundation_skills: Annotated[
        float, typer.Option("--foundation-skills", help="Basic skills per foundation text, c_f.")
    ],
    basic_skills: Annotated[float, typer.Option("--basic-skills", help="Basic skills per domain text, c_b.")],
    domain_skills: Annotated[float, typer.Option("--domain-skills", help="Domain skills per domain text, c_d.")],
    learner: LearnerOption = "one",
) -> Result:
    """A fine-tuned model on a foundation: frozen, continued and joint training.

    Example: skillgraph theory hierarchy --basic-share 0.5 --foundation-ratio 0.6 --domain-ratio 0.8
    --foundation-skills 3 --basic-skills 1 --domain-skills 3
    """
    from analysis.hierarchy import HierarchyEnsemble
    from explorer.service import theory as service

    found = service.hierarchy(
        HierarchyEnsemble(basic_share, foundation_ratio, domain_ratio, foundation_skills, basic_skills, domain_skills),
        learner,
    )
    value = found
    meanings = (
        ("foundation", "foundation texts alone"),
        ("frozen", "domain texts add domain skills only"),
        ("continued", "domain texts may teach any skill"),
        ("joint", "all texts together"),
    )
    rows, records = [], []
    for mode, meaning in meanings:
        row = getattr(found, mode)
        basic, domain = 1.0 - row.unlearned_basic, 1.0 - row.unlearned_domain
        records.append((mode, row.unlearned_basic, row.unlearned_domain, row.learned, row.testing_error))
        rows.append((mode, share(basic), share(domain), share(row.learned), share(row.testing_error), meaning))
    shown = Table(("training", "basic", "domain", "all skills", "testing error", "meaning"), rows)
    return Result(
        value, [shown], Rows(("training", "unlearned_basic", "unlearned_domain", "learned", "testing_error"), records)
    )


@command(rows=True, advice="take fewer --skills")
def simulate(
    run: Run,
    mean_skills: MeanSkills,
    ratio: Ratio,
    skills: Annotated[int, typer.Option("--skills", min=1, help="Number of skills, S.")] = 10_000,
    replicates: Replicates = 100,
    seed: Seed = 0,
    learner: LearnerOption = "one",
) -> Result:
    """Random graphs of finite size, peeled, beside the prediction.

    Example: skillgraph theory simulate --mean-skills 4 --ratio 1.47 --skills 10000
    """
    from explorer.service import theory as service

    found = service.simulate(
        mean_skills, ratio, skills, learner, replicates=replicates, seed=seed, workers=os.cpu_count() or 1
    )
    value = {"replicates": replicates, "seed": seed, "skills": skills, "quantities": found}
    shown = Table(
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
        title=f"{plural(replicates, 'Poisson graph')} of {plural(skills, 'skill')}, c = {mean_skills:g}, "
        f"R = {ratio:g}, {learner}",
        caption="Learned and giant: fractions of all skills; understood: of the texts; waves: rounds of reading.",
    )
    return Result(value, [shown], rows_of(found, service.SimulatedBand))


@command(rows=True)
def finite_size(
    run: Run,
    mean_skills: MeanSkills,
    skills: Annotated[int, typer.Option("--skills", min=1, help="Number of skills, S.")],
    replicates: Replicates = 100,
    seed: Seed = 0,
    learner: LearnerOption = "one",
) -> Result:
    """How a finite number of skills blurs the threshold; fitted to simulations.

    Example: skillgraph theory finite-size --mean-skills 4 --skills 10000
    """
    from explorer.service import theory as service

    found = service.finite_size(
        mean_skills, skills, learner, replicates=replicates, seed=seed, workers=os.cpu_count() or 1
    )
    value = found
    fit = found.fit
    shown = Table(
        ("R", "learning stalls with probability"),
        _probabilities(found.ratios, found.stall_probability),
        title=f"{plural(skills, 'skill')}, c = {mean_skills:g}, learner {learner}: R* = {fit.threshold:.4f}",
        caption=f"α = {fit.alpha:.3f} ± {fit.alpha_error:.3f}, β = {fit.beta:.3f} ± {fit.beta_error:.3f}, fitted to "
        f"{fit.replicates:,} graphs of {fit.smallest:,} to {fit.largest:,} skills.",
    )
    return Result(
        value,
        [shown],
        Rows(("ratio", "stall_probability"), list(zip(found.ratios, found.stall_probability, strict=True))),
    )


def _probabilities(ratios: Sequence[float], chances: Sequence[float]) -> list[tuple[str, str]]:
    return [(number(ratio, 4), share(chance)) for ratio, chance in zip(ratios, chances, strict=True)]
