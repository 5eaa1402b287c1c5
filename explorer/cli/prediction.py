"""Commands that need no store: `predict` (also beside a stored layer) and `threshold`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import DatasetOption, Run, command, single_dataset
from explorer.cli.output import Block, Result, Rows, Table, number, plain, rows_of, share
from explorer.errors import SkillgraphError
from explorer.options import LEARNER_HELP
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.classes import ClassesPrediction
    from explorer.service.messages import ExitChart
    from explorer.service.prediction import LayerPrediction, SubsampleCurve, WaveCurve

__all__ = ["LearnerOption", "predict", "threshold"]

_ENSEMBLES = {"poisson": "Poisson", "degrees": "same degrees", "typed": "with types"}

LearnerOption = Annotated[str, typer.Option("--learner", help=LEARNER_HELP)]


@command(store="read", rows=True)
def predict(
    run: Run,
    layer: Annotated[
        str | None,
        typer.Argument(
            help="Stored layer to predict for; predictions are shown beside what was measured.",
            metavar="[LAYER]",
            show_default=False,
        ),
    ] = None,
    mean_skills: Annotated[float | None, typer.Option("--mean-skills", "-c", help="Mean skills in a text, c.")] = None,
    ratio: Annotated[float | None, typer.Option("--ratio", "-R", help="Texts per skill, R.")] = None,
    learner: LearnerOption = "one",
    dataset: DatasetOption = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="With a layer: number of random graphs of each kind, for their 95 % band; 0 for none. By default 100, "
            "or none beyond 200,000 requirements.",
        ),
    ] = None,
    types: Annotated[
        bool | None,
        typer.Option(
            "--types/--no-types",
            help="With a layer: also predict with types of skills. By default up to 200,000 requirements.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="With a layer: seed of the random graphs.")] = 0,
    classes: Annotated[
        int,
        typer.Option(
            "--classes", min=2, help="With a layer: number of largest classes of skills and of texts to distinguish."
        ),
    ] = 8,
    curve: Annotated[
        str | None,
        typer.Option(
            "--curve",
            help="With a layer: show the learned fraction by `waves` or by share of the `texts`, or the `exit` curves "
            "of texts and skills instead.",
        ),
    ] = None,
) -> Result:
    """Predict what is learned, from c and R or beside a stored layer.

    Example: skillgraph predict --mean-skills 3 --ratio 1.1

    Example: skillgraph predict foundation

    Example: skillgraph predict foundation --curve waves

    Example: skillgraph predict foundation --curve exit
    """
    from explorer import service

    if curve is not None:
        if layer is None or curve not in {"waves", "texts", "exit"}:
            raise SkillgraphError(f"--curve is {curve!r}; it is `waves`, `texts` or `exit`, and needs a layer")
        return _curve(run, dataset, layer, curve, seed)

    if layer is not None:
        if mean_skills is not None or ratio is not None:
            raise SkillgraphError("a layer measures c and R itself: leave out --mean-skills and --ratio")
        return _beside(run, dataset, layer, replicates, seed, classes, types)
    if mean_skills is None or ratio is None:
        raise SkillgraphError("give --mean-skills and --ratio, or name a stored layer")
    found = service.predict(mean_skills, ratio, learner)
    rows = [
        ("learned", share(found.learned), "of all skills"),
        ("testing error", share(found.testing_error), "of fresh texts are not understood"),
        ("giant, any text", share(found.giant_any), "largest connected part of the learned skills, exact"),
        ("giant, understood texts", share(found.giant_understood), "the same, linked by understood texts only"),
        ("giant, site percolation", share(found.giant_site), "if as many skills were kept at random"),
        ("condition (1-q)c²R", number(found.condition), "above 1 there is a giant component"),
    ]
    title = f"c = {mean_skills}, R = {ratio}, {found.learner}"
    blocks: list[Block] = [Table(("prediction", "value", "meaning"), rows, title=title)]
    if not found.converged:
        from explorer.service.poisson import unsettled

        blocks.append(f"- {unsettled(['this ensemble'])}")
    return Result(found, blocks, rows_of([found], type(found)))


def _beside(
    run: Run, dataset: str | None, layer: str, replicates: int | None, seed: int, classes: int, types: bool | None
) -> Result:
    from explorer import service
    from explorer.service.prediction import SWIFT_UP_TO, BesideRow

    with run.opened() as store:
        name = single_dataset(store, dataset)
        found = service.predict_layer(
            store, name, layer, replicates=replicates, seed=seed, workers=os.cpu_count() or 1, types=types
        )
        large = found.requirements > SWIFT_UP_TO
        by_class = service.predict_classes(
            store, name, layer, limit=classes, types=not large if types is None else types
        )
    left = [
        words
        for words, missing in (
            ("the random graphs (--replicates 100)", replicates is None),
            ("the types of skills (--types)", types is None),
        )
        if large and missing
    ]
    if left:
        run.note(f"Left out on {found.requirements:,} requirements, as they take minutes: {' and '.join(left)}.")
    value = {**plain(found), "classes": by_class}
    return Result(value, _shown(found, by_class), rows_of(found.rows, BesideRow))


def _shown(found: LayerPrediction, by_class: ClassesPrediction) -> Iterator[Block]:
    yield Table(
        ("quantity", "measured", "Poisson", "same degrees", "with types", "meaning"),
        [
            (
                row.quantity,
                number(row.measured),
                _with_band(row.poisson, row.poisson_band),
                _with_band(row.degrees, row.degrees_band),
                _with_band(row.typed, row.typed_band),
                row.meaning,
            )
            for row in found.rows
        ],
        title=f"{found.layer.name}: {plural(found.texts, 'text')}, {plural(found.skills, 'skill')}, "
        f"R = {found.ratio:.3f}, c = {found.mean_skills:.3f}",
        caption=f"In brackets: 95 % of {plural(found.replicates, 'random graph')} of this size."
        if found.replicates
        else "",
    )
    yield Table(
        ("class", "size", "measured", "Poisson", "same degrees", "with types"),
        [
            (
                "all skills",
                f"{found.skills:,}",
                share(by_class.measured),
                share(by_class.poisson),
                share(by_class.degrees),
                share(by_class.typed),
            ),
            *(
                (
                    f"{kind} {row.name}",
                    f"{row.size:,}",
                    share(row.measured),
                    share(row.poisson),
                    share(row.degrees),
                    share(row.typed),
                )
                for kind, rows in (("skills", by_class.skills), ("texts", by_class.texts))
                for row in rows
            ),
        ],
        title="By class: skills learned, and texts understood, of each class",
        caption="Predicted with the measured numbers of each class of skills in each class of texts.",
    )
    for reason in found.reasons:
        yield f"- {reason}"
    if found.types is not None:
        made = " × ".join(found.features) or "none that helps"
        yield f"- With types: {plural(found.types, 'type')} of skills ({made}); `skillgraph explain` has the others."


def _curve(run: Run, dataset: str | None, layer: str, kind: str, seed: int) -> Result:
    from explorer import service

    with run.opened() as store:
        name = single_dataset(store, dataset)
        if kind == "exit":
            return _exit(service.exit_chart(store, name, layer, points=21))
        if kind == "waves":
            waves = service.wave_curve(store, name, layer)
            lines = {"wave": range(len(waves.measured)), "measured": waves.measured}
            value: object = waves
            predicted: WaveCurve | SubsampleCurve = waves
            caption = "Learned fraction of all skills after each round of reading all texts."
        else:
            part = service.subsample(store, name, layer, seed=seed)
            lines = {"share": part.shares, "measured": part.learned, "low": part.low, "high": part.high}
            value = predicted = part
            caption = f"Learned from random shares of the texts: mean and range of {plural(part.replicates, 'draw')}."
    lines |= {"poisson": predicted.poisson, "degrees": predicted.degrees}
    if predicted.typed:
        lines["typed"] = predicted.typed
    values = list(zip(*lines.values(), strict=True))
    table = [
        (
            str(row["wave"]) if kind == "waves" else f"{row['share']:.0%}",
            share(row["measured"]) + (f" [{share(row['low'])}, {share(row['high'])}]" if "low" in row else ""),
            *(share(row[name]) for name in _ENSEMBLES if name in row),
        )
        for row in (dict(zip(lines, row, strict=True)) for row in values)
    ]
    heads = ("wave" if kind == "waves" else "texts", "measured", *(h for n, h in _ENSEMBLES.items() if n in lines))
    return Result(value, [Table(heads, table, caption=caption)], Rows(list(lines), [list(row) for row in values]))


def _exit(chart: ExitChart) -> Result:
    """The EXIT curves of each ensemble, one below the other."""
    tables = [
        Table(
            ("novel, x", "text teaches, y(x)", "novel after it, x(y)"),
            [
                tuple(number(value, 4) for value in row)
                for row in zip(line.novel, line.taught, line.novel_after, strict=True)
            ],
            title=f"{_ENSEMBLES[line.ensemble]}: learning stops at x = {line.fixed:.4f}",
            caption=f"Means over requirements, with {plural(chart.types or 0, 'type')} of skills."
            if line.ensemble == "typed"
            else "",
        )
        for line in chart.lines
    ]
    rows = [
        [line.ensemble, *row]
        for line in chart.lines
        for row in zip(line.novel, line.taught, line.novel_after, strict=True)
    ]
    return Result(chart, tables, Rows(("ensemble", "novel", "taught", "novel_after"), rows))


def _with_band(value: float | None, band: tuple[float, float] | None) -> str:
    return number(value) if band is None else f"{number(value)} [{number(band[0])}, {number(band[1])}]"


@command()
def threshold(
    run: Run,
    mean_skills: Annotated[float, typer.Option("--mean-skills", "-c", help="Mean skills in a text, c.")],
    learner: LearnerOption = "one",
) -> Result:
    """The ratio of texts to skills at which skills emerge at once.

    Example: skillgraph threshold --mean-skills 3
    """
    from explorer import service

    found = service.threshold(mean_skills, learner)
    value = {"ratio": found.ratio, "unlearned_at_threshold": found.unlearned_at_threshold, "jump": found.jump}
    if found.ratio is None or found.unlearned_at_threshold is None:
        said = f"With c = {mean_skills} and learner {found.learner}, learning grows gradually: there is no jump."
    else:
        said = (
            f"With c = {mean_skills} and learner {found.learner}, skills emerge at R* = {found.ratio:.7f} texts per "
            f"skill: just below, {found.unlearned_at_threshold:.2%} of the skills are not learned."
        )
    return Result(value, [said])
