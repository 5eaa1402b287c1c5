"""Commands that work on layers: `learn`, `associate`, `percolate`, `layers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from explorer.cli.console import (
    DatasetOption,
    JsonOption,
    StoreOption,
    emit_json,
    guarded,
    note,
    number,
    opened,
    share,
    show_table,
    single_dataset,
)
from explorer.errors import SkillgraphError

__all__ = ["register"]

LayerArgument = Annotated[str, typer.Argument(help="Name of the layer.")]


@guarded
def learn(
    name: Annotated[str, typer.Argument(help="Name of the layer to make; one of that name is replaced.")],
    dataset: DatasetOption = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only texts of this part (repeatable).", show_default="all")
    ] = None,
    learner: Annotated[str, typer.Option("--learner", help="one, d:2 or capacity:0.6.")] = "one",
    base: Annotated[str | None, typer.Option("--base", help="Fine-tune from this layer.")] = None,
    mode: Annotated[
        Literal["frozen", "continued", "joint"] | None,
        typer.Option("--mode", help="How to train on the base.", show_default="continued"),
    ] = None,
    known_class: Annotated[
        list[str] | None, typer.Option("--known-class", help="Take skills of this class as known (repeatable).")
    ] = None,
    known: Annotated[
        Path | None, typer.Option("--known", help="File with ids of skills to take as known, one a line.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of random capacities.")] = 0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn skills by peeling: a text with one novel skill teaches it, again and again.

    Example: skillgraph learn foundation --part stdlib

    Example: skillgraph learn tuned --part scipy --base foundation --mode continued
    """
    from explorer import service

    with opened(store, mode="write") as opened_store:
        report = service.learn(
            opened_store,
            single_dataset(opened_store, dataset),
            name=name,
            parts=part or (),
            learner=learner,
            base=base,
            mode=mode,
            known=_read_known(known),
            known_classes=known_class or (),
            seed=seed,
        )
    if as_json:
        emit_json(report)
        return
    layer = report.layer
    typer.echo(
        f"{layer.name}: {layer.learned:,} of {layer.skills:,} skills learned ({layer.learned_fraction:.1%}) from "
        f"{layer.texts:,} texts in {layer.waves} waves; {1 - report.testing_error:.1%} of the texts are understood."
    )
    if report.advice:
        note(report.advice)


def _read_known(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SkillgraphError(f"cannot read the known skills from {path}: {error}") from None
    return [line.strip() for line in lines if line.strip()]


@guarded
def associate(
    layer: LayerArgument,
    dataset: DatasetOption = None,
    rule: Annotated[
        Literal["any", "understood"], typer.Option("--rule", help="Which texts join two learned skills.")
    ] = "any",
    min_weight: Annotated[int, typer.Option("--min-weight", min=1, help="Least number of texts that join.")] = 1,
    top: Annotated[int | None, typer.Option("--top", min=1, help="Only the strongest of each skill.")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Join learned skills that a text requires both, and find components and the giant one.

    Example: skillgraph associate foundation --min-weight 2
    """
    from explorer import service

    with opened(store, mode="write") as opened_store:
        report = service.associate(
            opened_store,
            single_dataset(opened_store, dataset),
            layer,
            rule=rule,
            min_weight=min_weight,
            top_k=top,
        )
    if as_json:
        emit_json(report)
        return
    typer.echo(
        f"{layer}: {report.associations:,} associations among {report.layer.learned:,} learned skills; "
        f"{report.components:,} components, the giant one holds {report.giant:,} skills "
        f"({report.giant_fraction:.1%} of all)."
    )


@guarded
def percolate(
    layer: LayerArgument,
    dataset: DatasetOption = None,
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="Random orders to average over.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the orders.")] = 0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep skills at random and watch the giant component form (Newman-Ziff), beside the prediction.

    Example: skillgraph percolate foundation
    """
    from explorer import service

    with opened(store) as opened_store:
        report = service.percolate(
            opened_store, single_dataset(opened_store, dataset), layer, replicates=replicates, seed=seed
        )
    if as_json:
        emit_json(report)
        return
    chosen = [i for i, phi in enumerate(report.phi) if i % 10 == 0 or phi == report.phi[-1]]
    show_table(
        ("kept", "giant", "second", "mean finite", "same degrees", "Poisson"),
        [
            (
                share(report.phi[i]),
                share(report.giant[i]),
                share(report.second[i]),
                number(report.susceptibility[i], 2),
                share(report.predicted[i]),
                share(report.predicted_poisson[i]),
            )
            for i in chosen
        ],
        title=f"{layer}: giant component as a share of all {report.skills:,} skills",
        caption="kept: share of skills kept at random; same degrees, Poisson: predicted by site percolation",
    )
    typer.echo(
        f"The giant component sets in at about {report.critical:.2%} kept (predicted: "
        f"{report.predicted_critical:.2%}). The learned skills ({report.learned:.1%} of all) have a giant component "
        f"of {report.learned_giant:.1%}; as many random skills would have {report.learned_giant_random:.1%}."
    )


@guarded
def layers(dataset: DatasetOption = None, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the layers of the store.

    Example: skillgraph layers
    """
    with opened(store) as opened_store:
        name = None if dataset is None else single_dataset(opened_store, dataset)
        found = opened_store.layers(name)
    if as_json:
        emit_json({"layers": found})
        return
    if not found:
        note("No layer yet: make one with `skillgraph learn`.")
        return
    show_table(
        ("dataset", "layer", "made by", "learned", "share", "waves", "associations"),
        [
            (
                info.dataset,
                info.name,
                info.learner if info.base is None else f"{info.learner}, {info.mode or info.kind} from {info.base}",
                f"{info.learned:,} of {info.skills:,}",
                share(info.learned_fraction),
                number(info.waves),
                number(info.associations),
            )
            for info in found
        ],
    )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("learn", learn),
        ("associate", associate),
        ("percolate", percolate),
        ("layers", layers),
    ):
        app.command(name)(command)
