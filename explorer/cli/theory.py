"""Commands that need no store: `predict` (also beside a stored layer) and `threshold`."""

from __future__ import annotations

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
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict what is learned, from c and R or beside a stored layer.

    Example: skillgraph predict --mean-skills 3 --ratio 1.1

    Example: skillgraph predict --layer foundation
    """
    from explorer import service

    if layer is not None:
        if mean_skills is not None or ratio is not None:
            raise SkillgraphError("--layer measures c and R itself: leave out --mean-skills and --ratio")
        with opened(store) as opened_store:
            beside = service.predict_layer(opened_store, single_dataset(opened_store, dataset), layer)
        if as_json:
            emit_json(beside)
            return
        show_table(
            ("quantity", "measured", "Poisson", "same degrees", "meaning"),
            [
                (row.quantity, number(row.measured), number(row.poisson), number(row.degrees), row.meaning)
                for row in beside.rows
            ],
            title=f"{beside.layer.name}: {beside.texts:,} texts, {beside.skills:,} skills, "
            f"R = {beside.ratio:.3f}, c = {beside.mean_skills:.3f}",
        )
        for reason in beside.reasons:
            typer.echo(f"- {reason}")
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
