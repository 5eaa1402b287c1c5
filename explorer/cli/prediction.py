"""Commands that need no store: `predict` (also beside a stored layer) and `threshold`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from explorer.cli.console import (
    DatasetOption,
    JsonOption,
    StoreOption,
    emit_json,
    guarded,
    number,
    opened,
    plain,
    share,
    show_table,
    single_dataset,
)
from explorer.errors import SkillgraphError

__all__ = ["register"]

LearnerOption = Annotated[
    str, typer.Option("--learner", help="one (1-skill), d:2 (up to 2 novel skills a text), capacity:0.6 (random).")
]


@guarded
def predict(
    mean_skills: Annotated[float | None, typer.Option("--mean-skills", "-c", help="Mean skills in a text, c.")] = None,
    ratio: Annotated[float | None, typer.Option("--ratio", "-R", help="Texts per skill, R.")] = None,
    learner: LearnerOption = "one",
    layer: Annotated[str | None, typer.Option("--layer", "-l", help="Beside this stored layer instead.")] = None,
    dataset: DatasetOption = None,
    replicates: Annotated[
        int, typer.Option(min=0, help="With --layer: random graphs of either kind, for their 95 % band; 0 for none.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="With --layer: seed of the random graphs.")] = 0,
    classes: Annotated[
        int,
        typer.Option("--classes", min=2, help="With --layer: largest classes of skills and of texts to tell apart."),
    ] = 8,
    curve: Annotated[
        str | None,
        typer.Option("--curve", help="With --layer: instead, learned fraction by `waves`, or by share of the `texts`."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict what is learned, from c and R or beside a stored layer.

    Example: skillgraph predict --mean-skills 3 --ratio 1.1

    Example: skillgraph predict --layer foundation

    Example: skillgraph predict --layer foundation --curve waves
    """
    from explorer import service

    if curve is not None:
        if layer is None or curve not in {"waves", "texts"}:
            raise SkillgraphError(f"--curve is {curve!r}; it is `waves` or `texts`, and needs --layer")
        _curve(store, dataset, layer, curve, seed, as_json)
        return

    if layer is not None:
        if mean_skills is not None or ratio is not None:
            raise SkillgraphError("--layer measures c and R itself: leave out --mean-skills and --ratio")
        _beside(store, dataset, layer, replicates, seed, classes, as_json)
        return
    if mean_skills is None or ratio is None:
        raise SkillgraphError("give --mean-skills and --ratio, or --layer for a stored layer")
    found = service.predict(mean_skills, ratio, learner)
    if as_json:
        emit_json(found)
        return
    rows = [
        ("learned", share(found.learned), "of all skills"),
        ("testing error", share(found.testing_error), "of fresh texts are not understood"),
        ("giant, any text", share(found.giant_any), "largest connected part of the learned skills, exact"),
        ("giant, understood texts", share(found.giant_understood), "the same, joined by understood texts only"),
        ("giant, site percolation", share(found.giant_site), "if as many skills were kept at random"),
        ("condition (1-q)c²R", number(found.condition), "above 1 there is a giant component"),
    ]
    show_table(("prediction", "value", "meaning"), rows, title=f"c = {mean_skills}, R = {ratio}, {found.learner}")


def _beside(
    store: str | None, dataset: str | None, layer: str, replicates: int, seed: int, classes: int, as_json: bool
) -> None:
    from explorer import service

    with opened(store) as opened_store:
        name = single_dataset(opened_store, dataset)
        found = service.predict_layer(
            opened_store, name, layer, replicates=replicates, seed=seed, workers=os.cpu_count() or 1
        )
        by_class = service.predict_classes(opened_store, name, layer, limit=classes)
    if as_json:
        emit_json({**plain(found), "classes": by_class})
        return
    show_table(
        ("quantity", "measured", "Poisson", "same degrees", "meaning"),
        [
            (
                row.quantity,
                number(row.measured),
                _with_band(row.poisson, row.poisson_band),
                _with_band(row.degrees, row.degrees_band),
                row.meaning,
            )
            for row in found.rows
        ],
        title=f"{found.layer.name}: {found.texts:,} texts, {found.skills:,} skills, "
        f"R = {found.ratio:.3f}, c = {found.mean_skills:.3f}",
        caption=f"In brackets: 95 % of {replicates} random graphs of this size." if replicates else "",
    )
    show_table(
        ("class", "size", "measured", "Poisson", "same degrees"),
        [
            (
                "all skills",
                f"{found.skills:,}",
                share(by_class.measured),
                share(by_class.poisson),
                share(by_class.degrees),
            ),
            *(
                (f"{kind} {row.name}", f"{row.size:,}", share(row.measured), share(row.poisson), share(row.degrees))
                for kind, rows in (("skills", by_class.skills), ("texts", by_class.texts))
                for row in rows
            ),
        ],
        title="By class: skills learned, and texts understood, of each class",
        caption="Predicted with the measured numbers of each class of skills in each class of texts.",
    )
    for reason in found.reasons:
        typer.echo(f"- {reason}")


def _curve(store: str | None, dataset: str | None, layer: str, kind: str, seed: int, as_json: bool) -> None:
    from explorer import service

    with opened(store) as opened_store:
        name = single_dataset(opened_store, dataset)
        if kind == "waves":
            waves = service.wave_curve(opened_store, name, layer)
            rows = list(enumerate(zip(waves.measured, waves.poisson, waves.degrees, strict=True)))
            if as_json:
                emit_json(waves)
                return
            table = [(str(k), *map(share, row)) for k, row in rows]
            caption = "Learned fraction of all skills after each round of reading all texts."
        else:
            part = service.subsample(opened_store, name, layer, seed=seed)
            if as_json:
                emit_json(part)
                return
            table = [
                (f"{at:.0%}", f"{share(mean)} [{share(low)}, {share(high)}]", share(poisson), share(degrees))
                for at, mean, low, high, poisson, degrees in zip(
                    part.shares, part.learned, part.low, part.high, part.poisson, part.degrees, strict=True
                )
            ]
            caption = f"Learned from random shares of the texts: mean and range of {part.replicates} draws."
    show_table(("wave" if kind == "waves" else "texts", "measured", "Poisson", "same degrees"), table, caption=caption)


def _with_band(value: float | None, band: tuple[float, float] | None) -> str:
    return number(value) if band is None else f"{number(value)} [{number(band[0])}, {number(band[1])}]"


@guarded
def threshold(
    mean_skills: Annotated[float, typer.Option("--mean-skills", "-c", help="Mean skills in a text, c.")],
    learner: LearnerOption = "one",
    as_json: JsonOption = False,
) -> None:
    """The ratio of texts to skills at which skills emerge at once.

    Example: skillgraph threshold --mean-skills 3
    """
    from explorer import service

    found = service.threshold(mean_skills, learner)
    if as_json:
        emit_json({"ratio": found.ratio, "unlearned_at_threshold": found.unlearned_at_threshold, "jump": found.jump})
    elif found.ratio is None or found.unlearned_at_threshold is None:
        typer.echo(f"With c = {mean_skills} and learner {found.learner}, learning grows gradually: there is no jump.")
    else:
        typer.echo(
            f"With c = {mean_skills} and learner {found.learner}, skills emerge at R* = {found.ratio:.7f} texts per "
            f"skill: just below, {found.unlearned_at_threshold:.2%} of the skills are not learned."
        )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("predict")(predict)
    app.command("threshold")(threshold)
