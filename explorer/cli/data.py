"""Commands on datasets: `load` and `datasets`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.console import (
    JsonOption,
    StoreOption,
    emit_json,
    guarded,
    note,
    number,
    opened,
    plain,
    progress_bar,
    show_table,
)
from explorer.errors import SkillgraphError

if TYPE_CHECKING:
    from explorer.store.protocol import Store
    from loaders.dataset import Dataset

__all__ = ["register"]


@guarded
def load(
    target: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files or folders; stdlib or the name of an installed package for Python source.",
            show_default="stdlib",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", "-d", help="Name of the dataset.", show_default="python or the file's")
    ] = None,
    part: Annotated[
        str | None, typer.Option("--part", help="Name of this part of the dataset.", show_default="the target's")
    ] = None,
    source_format: Annotated[
        str | None, typer.Option("--format", "-f", help="Format; --formats lists them.", show_default="found out")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="name=value, an option of the format (repeatable).")
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Add to the dataset; layers that read that part are stale.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the dataset; its layers become stale.")] = False,
    lenient: Annotated[bool, typer.Option("--lenient", help="Count wrong rows and leave them out.")] = False,
    min_uses: Annotated[
        int | None, typer.Option("--min-uses", min=1, help="Python source: leave out skills that fewer texts use.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Python source: processes.", show_default="all cores")
    ] = None,
    formats: Annotated[bool, typer.Option("--formats", help="List the formats and their options, and exit.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a skill-text graph into the store.

    Example: skillgraph load stdlib

    Example: skillgraph load networkx --append

    Example: skillgraph load edges.csv --option texts=texts.csv --option outcomes=outcomes.csv
    """
    from explorer.service.loading import load as load_into
    from loaders.dataset import extend_dataset
    from loaders.formats import detect
    from loaders.formats import load as read_file

    if formats:
        _list_formats(as_json=as_json)
        return
    targets = target or ["stdlib"]
    options = _options(option or [], min_uses=min_uses, workers=workers)
    skipped: dict[str, int] = {}
    with opened(store, mode="write") as opened_store, progress_bar("Reading", quiet=as_json) as progress:

        def read() -> Dataset:
            whole: Dataset | None = None
            for item in targets:
                found = read_file(
                    item,
                    format=source_format,
                    name="new",
                    part=part or _stem(item),
                    lenient=lenient,
                    progress=progress,
                    **options,
                )
                for reason, count in found.skipped.items():
                    skipped[reason] = skipped.get(reason, 0) + count
                whole = found.dataset if whole is None else extend_dataset(whole, found.dataset)
            assert whole is not None, "there is at least one target"
            return whole

        name = dataset or _default_name(opened_store, targets[0], source_format or detect(targets[0]), append=append)
        report = load_into(opened_store, read, name=name, append=append, replace=replace)
    if as_json:
        emit_json({**plain(report), "skipped": skipped})
        return
    info = report.dataset
    typer.echo(
        f"{info.name}: {info.texts:,} texts, {info.skills:,} skills, {info.requirements:,} requirements "
        f"(this load: {report.added_texts:,} texts, {report.added_skills:,} new skills; {report.seconds:.1f} s)."
    )
    if report.unchanged:
        note("The store had this dataset with the same content: nothing was written.")
    elif report.stale_layers:
        stale = ", ".join(report.stale_layers)
        note(f"Stale now: {stale}. `skillgraph refresh --dataset {info.name}` makes what is stale anew.")
    if skipped:
        note("Left out: " + ", ".join(f"{count:,} rows ({reason})" for reason, count in skipped.items()) + ".")
    unparsed = [value for fact, value in info.provenance.items() if fact.endswith("unparsed_files") and value]
    if unparsed:
        note(f"Files that do not parse and were left out: {', '.join(map(str, unparsed))}.")


def _default_name(store: Store, target: str, found: str, *, append: bool) -> str:
    if append:
        from explorer.cli.console import single_dataset

        return single_dataset(store, None)
    return "python" if found == "python" else _stem(target)


def _stem(target: str) -> str:
    """Name of a file or folder without its suffixes, as a dataset or part may be called."""
    name = Path(target).name or Path(target).resolve().name
    return name.partition(".")[0] or name.lstrip(".") or "data"


def _options(given: list[str], *, min_uses: int | None, workers: int | None) -> dict[str, str]:
    options = {} if min_uses is None else {"min_uses": str(min_uses)}
    if workers is not None:
        options["workers"] = str(workers)
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise SkillgraphError(f"option {item!r} must be name=value; `skillgraph load --formats` lists them")
        options[name.replace("-", "_")] = value
    return options


def _list_formats(*, as_json: bool) -> None:
    from loaders.companions import COMPANIONS
    from loaders.formats import FORMATS

    if as_json:
        emit_json(
            {
                "formats": {
                    known.name: {"summary": known.summary, "options": known.options, "companions": known.companions}
                    for known in FORMATS.values()
                },
                "companions": COMPANIONS,
            }
        )
        return
    show_table(("format", "what it is"), [(known.name, known.summary) for known in FORMATS.values()])
    rows = [(known.name, name, text) for known in FORMATS.values() for name, text in known.options.items()]
    rows += [("(most)", name, text) for name, text in COMPANIONS.items()]
    show_table(("format", "--option", "meaning"), rows)


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
        ("dataset", "texts", "skills", "requirements", "R", "c", "parts", "layers"),
        [
            (
                info.name,
                number(info.texts),
                number(info.skills),
                number(info.requirements),
                number(info.texts / info.skills if info.skills else None, 2),
                number(info.requirements / info.texts if info.texts else None, 2),
                ", ".join(info.parts),
                number(len(info.layers)),
            )
            for info in found
        ],
        caption="R: texts per skill; c: mean number of skills in a text",
    )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("load")(load)
    app.command("datasets")(datasets)
