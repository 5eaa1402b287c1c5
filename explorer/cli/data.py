"""Commands on datasets: `load` and `datasets`."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer.cli.console import (
    JsonOption,
    StoreOption,
    emit_json,
    guarded,
    note,
    number,
    opened,
    progress_bar,
    show_table,
)

__all__ = ["register"]


@guarded
def load(
    target: Annotated[
        list[str] | None,
        typer.Argument(help="stdlib, an installed package, or a path to Python source.", show_default="stdlib"),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Name of the dataset.", show_default="python")
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", help="Name of this part of the dataset.", show_default="the target")
    ] = None,
    append: Annotated[bool, typer.Option("--append", help="Add to the dataset; its layers stay.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the dataset and its layers.")] = False,
    min_uses: Annotated[int, typer.Option("--min-uses", min=1, help="Leave out skills that fewer texts use.")] = 1,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes that read.", show_default="all cores")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a skill-text graph into the store.

    Example: skillgraph load stdlib

    Example: skillgraph load networkx --append
    """
    from explorer.service.loading import load as load_into
    from loaders.python_source import load_python_source

    targets = target or ["stdlib"]
    name = dataset or "python"
    label = part or "+".join(item.rstrip("/").rpartition("/")[2].removesuffix(".py") for item in targets)
    with opened(store, mode="write") as opened_store, progress_bar("Reading", quiet=as_json) as progress:
        report = load_into(
            opened_store,
            lambda: load_python_source(
                targets, name=name, part=label, min_uses=min_uses, workers=workers, progress=progress
            ),
            name=name,
            append=append,
            replace=replace,
        )
    if as_json:
        emit_json(report)
        return
    info = report.dataset
    typer.echo(
        f"{info.name}: {info.texts:,} texts, {info.skills:,} skills, {info.requirements:,} requirements "
        f"(this load: {report.added_texts:,} texts, {report.added_skills:,} new skills; {report.seconds:.1f} s)."
    )
    unparsed = [value for fact, value in info.provenance.items() if fact.endswith("unparsed_files") and value]
    if unparsed:
        note(f"Files that do not parse and were left out: {', '.join(map(str, unparsed))}.")


@guarded
def datasets(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the datasets of the store.

    Example: skillgraph datasets
    """
    with opened(store) as opened_store:
        found = opened_store.datasets()
    if as_json:
        emit_json({"datasets": found})
        return
    if not found:
        note("No dataset yet: load one with `skillgraph load`, or run `skillgraph demo`.")
        return
    show_table(
        ("dataset", "texts", "skills", "requirements", "R", "c", "parts", "layers", "loaded"),
        [
            (
                info.name,
                number(info.texts),
                number(info.skills),
                number(info.requirements),
                number(info.texts / info.skills if info.skills else None),
                number(info.requirements / info.texts if info.texts else None),
                ", ".join(info.parts),
                ", ".join(info.layers),
                info.loaded_at,
            )
            for info in found
        ],
        caption="R: texts per skill; c: mean number of skills in a text",
    )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("load")(load)
    app.command("datasets")(datasets)
