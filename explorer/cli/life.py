"""Commands on the life of layers and datasets: `copy`, `delete`, `rename`, `refresh`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import DatasetOption, Run, command, layer_of_model, single_dataset
from explorer.cli.output import Block, Note, Result
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.copying import CopyReport
    from explorer.service.life import DeleteReport, RefreshReport, RenameReport

__all__ = ["copy", "delete", "refresh", "rename"]


@command(store="read")
def copy(
    run: Run,
    to: Annotated[
        str, typer.Argument(help="The store that it goes to: a file, or neo4j://host:7687.", metavar="STORE")
    ],
    dataset: DatasetOption = None,
    name: Annotated[str | None, typer.Option("--name", help="Its name there.", show_default="the same")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a dataset of that name there, with its layers.")
    ] = False,
) -> Result:
    """Copy a dataset with its layers, associations and saved views to another store.

    Example: skillgraph copy backup.kgl --dataset python
    """
    from explorer.service.copying import copy_dataset
    from explorer.store.opening import open_store

    with (
        run.opened() as store,
        closing(open_store(to, mode="write", notice=run.notice)) as target,
        run.progress("Writing") as progress,
    ):
        report = copy_dataset(
            store, single_dataset(store, dataset), target, name=name, replace_there=replace, progress=progress
        )
    return Result(report, _copied(report))


def _copied(report: CopyReport) -> Iterator[Block]:
    views = f" and {plural(len(report.views), 'saved view')}" if report.views else ""
    yield (
        f"Dataset {report.dataset.name} copied to {report.store}: {plural(report.dataset.texts, 'text')}, "
        f"{plural(report.dataset.skills, 'skill')}, {plural(len(report.layers), 'layer')} with "
        f"{plural(report.associations, 'association')}{views}."
    )
    if report.views_left:
        listed = ", ".join(map(repr, report.views_left[:5]))
        one = len(report.views_left) == 1
        yield Note(
            f"{plural(len(report.views_left), 'saved view')} {'was' if one else 'were'} not copied, as other views "
            f"have {'its name' if one else 'their names'} there: {listed}. Rename {'it' if one else 'them'} with "
            "`skillgraph views rename` and copy again with --replace."
        )


@command(store="write")
def delete(
    run: Run,
    layer: Annotated[
        str | None,
        typer.Argument(help="Name of the layer; without it, --dataset.", metavar="[LAYER]", show_default=False),
    ] = None,
    dataset: DatasetOption = None,
    with_dependents: Annotated[
        bool,
        typer.Option(
            "--with-dependents", help="Also delete the layers that depend on it; otherwise the command is refused."
        ),
    ] = False,
) -> Result:
    """Delete a layer with its associations, or a whole dataset.

    Example: skillgraph delete scipy-joint

    Example: skillgraph delete --dataset python --with-dependents
    """
    from explorer.errors import SkillgraphError
    from explorer.service import life

    if layer is None and dataset is None:
        raise SkillgraphError("name a layer to delete, or a whole dataset with --dataset")
    with run.opened() as store:
        if layer is None:
            report = life.delete_dataset(store, str(dataset), with_dependents=with_dependents)
        else:
            in_dataset = single_dataset(store, dataset)
            report = life.delete_layer(store, in_dataset, layer, with_dependents=with_dependents)
    return Result(report, _deleted(report))


def _deleted(report: DeleteReport) -> Iterator[Block]:
    if report.whole:
        yield (f"Dataset {report.dataset} deleted" + (f", with {_layers(report.layers)}." if report.layers else "."))
    else:
        *others, named = report.layers
        yield f"Layer {named} deleted" + (f", with {_layers(tuple(others))}." if others else ".")


@command(store="write")
def rename(
    run: Run,
    name: Annotated[
        str, typer.Argument(help="Name of the layer; or, with --dataset and nothing more, the dataset's new name.")
    ],
    new: Annotated[
        str | None, typer.Argument(help="New name of the layer.", metavar="[NEW]", show_default=False)
    ] = None,
    dataset: DatasetOption = None,
) -> Result:
    """Rename a layer or a dataset; what rests on it follows.

    Example: skillgraph rename scipy-joint both-corpora

    Example: skillgraph rename --dataset python python-3.11
    """
    from explorer.errors import SkillgraphError
    from explorer.service import life

    if new is None and dataset is None:
        raise SkillgraphError(f"give the new name of layer {name!r}, or the dataset to rename with --dataset")
    with run.opened() as store:
        if new is None:
            report = life.rename_dataset(store, str(dataset), name)
        else:
            report = life.rename_layer(store, single_dataset(store, dataset), layer_of_model(name), new)
    return Result(report, _renamed(report))


def _renamed(report: RenameReport) -> Iterator[Block]:
    followed = f", with {_layers(report.followed)}" if report.kind == "dataset" and report.followed else ""
    yield f"{report.kind.capitalize()} {report.old} is now called {report.new}{followed}."
    if report.kind == "layer" and report.followed:
        yield Note(f"Fine-tuned from it: {', '.join(report.followed)}.")


@command(store="write")
def refresh(
    run: Run,
    layer: Annotated[
        str | None,
        typer.Argument(
            help="Refresh this layer and those it was fine-tuned from.", metavar="[LAYER]", show_default="all"
        ),
    ] = None,
    dataset: DatasetOption = None,
) -> Result:
    """Update stale layers with the options they were made with; a layer comes after its base.

    Example: skillgraph refresh

    Example: skillgraph refresh scipy-continued
    """
    from explorer.service import life

    with run.opened() as store:
        report = life.refresh(store, single_dataset(store, dataset), layer)
    return Result(report, _refreshed(report))


def _refreshed(report: RefreshReport) -> Iterator[Block]:
    for step in report.steps:
        info = step.layer
        if step.done == "unchanged":
            yield f"{info.name}: not stale, left as it is."
            continue
        if step.done == "recorded":
            yield f"{info.name}: the reasons of the {plural(info.lacks or 0, 'skill')} that it lacks were recorded."
            continue
        how = "Estimated" if step.done == "estimated" else "Learned"
        with_pairs = f" and {plural(info.associations or 0, 'association')}" if step.associated else ""
        yield (
            f"{info.name}: {how.lower()} again, {plural(info.learned, 'skill')}{with_pairs} "
            f"({plural(step.learned_before, 'skill')} before; {'; '.join(step.because) or 'asked for'})."
        )
    if not report.steps:
        yield "No layer is stale."
    if report.still_stale:
        yield Note(f"Still stale: {', '.join(report.still_stale)}. `skillgraph refresh` updates all of them.")


def _layers(names: tuple[str, ...]) -> str:
    return f"{plural(len(names), 'layer')} ({', '.join(names)})"
