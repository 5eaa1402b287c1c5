"""Commands on the life of layers and datasets: `delete`, `rename`, `refresh`."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.cli.console import (
    DatasetOption,
    JsonOption,
    StoreOption,
    emit_json,
    guarded,
    note,
    opened,
    single_dataset,
)

__all__ = ["register"]


@guarded
def delete(
    layer: Annotated[
        str | None,
        typer.Argument(help="Name of the layer; without it, --dataset.", metavar="[LAYER]", show_default=False),
    ] = None,
    dataset: DatasetOption = None,
    with_dependents: Annotated[
        bool,
        typer.Option("--with-dependents", help="Also delete the layers that rest on it, which is refused otherwise."),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a layer with its associations, or a whole dataset.

    Example: skillgraph delete tuned

    Example: skillgraph delete --dataset python --with-dependents
    """
    from explorer.errors import SkillgraphError
    from explorer.service import life

    if layer is None and dataset is None:
        raise SkillgraphError("name a layer to delete, or a whole dataset with --dataset")
    with opened(store, mode="write") as opened_store:
        if layer is None:
            report = life.delete_dataset(opened_store, str(dataset), with_dependents=with_dependents)
        else:
            in_dataset = single_dataset(opened_store, dataset)
            report = life.delete_layer(opened_store, in_dataset, layer, with_dependents=with_dependents)
    if as_json:
        emit_json(report)
        return
    if report.whole:
        typer.echo(
            f"Dataset {report.dataset} deleted" + (f", with {_layers(report.layers)}." if report.layers else ".")
        )
    else:
        *others, named = report.layers
        typer.echo(f"Layer {named} deleted" + (f", with {_layers(tuple(others))}." if others else "."))


@guarded
def rename(
    name: Annotated[
        str, typer.Argument(help="Name of the layer; or, with --dataset and nothing more, the dataset's new name.")
    ],
    new: Annotated[
        str | None, typer.Argument(help="New name of the layer.", metavar="[NEW]", show_default=False)
    ] = None,
    dataset: DatasetOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rename a layer or a dataset; what rests on it follows.

    Example: skillgraph rename tuned tuned-on-scipy

    Example: skillgraph rename --dataset python python-3.11
    """
    from explorer.errors import SkillgraphError
    from explorer.service import life

    if new is None and dataset is None:
        raise SkillgraphError(f"give the new name of layer {name!r}, or the dataset to rename with --dataset")
    with opened(store, mode="write") as opened_store:
        if new is None:
            report = life.rename_dataset(opened_store, str(dataset), name)
        else:
            report = life.rename_layer(opened_store, single_dataset(opened_store, dataset), name, new)
    if as_json:
        emit_json(report)
        return
    followed = f", with {_layers(report.followed)}" if report.kind == "dataset" and report.followed else ""
    typer.echo(f"{report.kind.capitalize()} {report.old} is called {report.new} now{followed}.")
    if report.kind == "layer" and report.followed:
        note(f"Fine-tuned from it: {', '.join(report.followed)}.")


@guarded
def refresh(
    layer: Annotated[
        str | None,
        typer.Argument(
            help="Refresh this layer and those it was fine-tuned from.", metavar="[LAYER]", show_default="all"
        ),
    ] = None,
    dataset: DatasetOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make stale layers anew, with the options they were made with; a layer comes after its base.

    Example: skillgraph refresh

    Example: skillgraph refresh tuned
    """
    from explorer.service import life

    with opened(store, mode="write") as opened_store:
        report = life.refresh(opened_store, single_dataset(opened_store, dataset), layer)
    if as_json:
        emit_json(report)
        return
    for step in report.steps:
        info = step.layer
        if step.done == "unchanged":
            typer.echo(f"{info.name}: not stale, left as it is.")
            continue
        how = "Estimated" if step.done == "estimated" else "Learned"
        with_pairs = f" and {info.associations or 0:,} associations" if step.associated else ""
        typer.echo(
            f"{info.name}: {how.lower()} anew, {info.learned:,} skills{with_pairs} "
            f"({step.learned_before:,} skills before; {'; '.join(step.because) or 'asked for'})."
        )
    if not report.steps:
        typer.echo("No layer is stale.")
    if report.still_stale:
        note(f"Still stale: {', '.join(report.still_stale)}. `skillgraph refresh` makes all of them anew.")


def _layers(names: tuple[str, ...]) -> str:
    return f"{len(names):,} {'layer' if len(names) == 1 else 'layers'} ({', '.join(names)})"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("delete", delete), ("rename", rename), ("refresh", refresh)):
        app.command(name)(command)
