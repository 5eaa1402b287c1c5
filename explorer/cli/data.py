"""Commands on datasets: `load` and `datasets`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import Run, command, single_dataset, standard_input
from explorer.cli.output import Block, Note, Result, Table, number, plain, rows_of
from explorer.errors import SkillgraphError
from explorer.wording import listed, plural

if TYPE_CHECKING:
    from explorer.service.loading import LoadReport
    from explorer.store.protocol import DatasetInfo, Store
    from loaders.dataset import Dataset
    from loaders.formats import Reading, TextPreview

__all__ = ["datasets", "load"]


@command(store="write", advice="load one part at a time, and add the next with --append")
def load(
    run: Run,
    target: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files or folders, or - for standard input; stdlib or an installed package for Python source.",
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
        bool,
        typer.Option(
            "--append",
            help="Add texts to the dataset, or outcomes alone to its texts; layers that read them become stale.",
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the dataset; its layers become stale.")] = False,
    lenient: Annotated[bool, typer.Option("--lenient", help="Leave out wrong rows and count them.")] = False,
    min_uses: Annotated[
        int | None,
        typer.Option("--min-uses", min=1, help="Python source: leave out skills that fewer texts use than this."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Python source: number of processes.", show_default="all cores"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would be read, and store nothing.")] = False,
    formats: Annotated[bool, typer.Option("--formats", help="List the formats and their options, and exit.")] = False,
) -> Result:
    """Read a skill-text graph into the store.

    Example: skillgraph load stdlib

    Example: skillgraph load networkx --append

    Example: skillgraph load edges.csv --option texts=texts.csv --option outcomes=outcomes.csv

    Example: skillgraph load table.csv --dry-run
    """
    from explorer.service.loading import Source, default_name, inspect_source, load_sources
    from loaders.formats import detect

    if formats:
        return _formats()
    targets = target or ["stdlib"]
    options = _options(option or [], min_uses=min_uses, workers=workers)
    with ExitStack() as stack:
        if "-" in targets:
            piped = stack.enter_context(standard_input(part or "stdin"))
            targets = [str(piped) if item == "-" else item for item in targets]
        sources = [Source(item, source_format, part or default_name(item), lenient, options) for item in targets]
        if dry_run:
            stored = _added_to(stack.enter_context(run.opened("read")), dataset) if append else None
            progress = stack.enter_context(run.progress("Reading"))
            readings = [inspect_source(source, stored=stored, progress=progress) for source in sources]
            return _proposed(targets, readings)
        store = stack.enter_context(run.opened())
        progress = stack.enter_context(run.progress("Reading"))
        found = source_format or detect(targets[0], **options)
        name = dataset or _default_name(store, targets[0], found, append=append)
        report = load_sources(store, sources, name=name, append=append, replace=replace, progress=progress)
    return Result(plain(report), _loaded(report))


def _added_to(store: Store, dataset: str | None) -> Dataset | None:
    """The dataset that a load would be added to; None if there is none yet."""
    name = dataset or single_dataset(store, None)
    return store.read_dataset(name) if any(info.name == name for info in store.datasets()) else None


def _proposed(targets: Sequence[str], readings: Sequence[Reading]) -> Result:
    """What a load would store; nothing that can be read ends as a load does."""
    wrong = next((reading for reading in readings if reading.problem), None)
    if wrong is not None:
        raise SkillgraphError(wrong.problem)
    blocks: list[Block] = []
    for target, reading in zip(targets, readings, strict=True):
        outcomes = f"{plural(reading.models, 'model')} with {plural(reading.attempts, 'outcome')}"
        if reading.attempts and not reading.texts:
            given = f"{outcomes}, on texts that are there"
        else:
            given = f"{plural(reading.texts, 'text')}, {plural(reading.skills, 'skill')}, "
            given += plural(reading.requirements, "requirement") + (f", {outcomes}" if reading.models else "")
        blocks.append(f"{target} would give {given}. Nothing was stored.")
        blocks += map(_previewed, reading.preview)
        blocks += map(str, reading.decisions)
        if reading.skipped:
            left_out = ", ".join(f"{plural(count, 'row')} ({reason})" for reason, count in reading.skipped.items())
            blocks.append(f"Rows that would be left out: {left_out}.")
    return Result({"readings": [plain(reading) for reading in readings]}, blocks)


def _previewed(text: TextPreview) -> str:
    more = f" and {text.n_skills - len(text.skills)} more" if text.n_skills > len(text.skills) else ""
    title = f" ({text.title})" if text.title != text.id else ""
    return f"  {text.id}{title}: {listed(text.skills) or 'no skill'}{more}"


def _loaded(report: LoadReport) -> Iterator[Block]:
    info = report.dataset
    outcomes = f", {plural(report.added_outcomes, 'outcome')}" if report.added_outcomes else ""
    yield (
        f"{info.name}: {plural(info.texts, 'text')}, {plural(info.skills, 'skill')}, "
        f"{plural(info.requirements, 'requirement')} (this load: {plural(report.added_texts, 'text')}, "
        f"{plural(report.added_skills, 'new skill')}{outcomes}; {report.seconds:.1f} s)."
    )
    if report.unchanged:
        yield Note("The store had this dataset with the same content: nothing was written.")
    elif report.stale_layers:
        stale = ", ".join(report.stale_layers)
        yield Note(f"Stale now: {stale}. `skillgraph refresh --dataset {info.name}` updates them.")
    for text in report.preview:
        yield Note(_previewed(text))
    for decision in report.decisions:
        yield Note(str(decision))
    if report.skipped:
        left_out = ", ".join(f"{plural(count, 'row')} ({reason})" for reason, count in report.skipped.items())
        yield Note(f"Left out: {left_out}.", kept=True)
        for example in report.examples:
            yield Note(f"  {example}")
    unparsed = [value for fact, value in info.provenance.items() if fact.endswith("unparsed_files") and value]
    if unparsed:
        yield Note(f"Files left out because they do not parse: {', '.join(map(str, unparsed))}.", kept=True)


def _default_name(store: Store, target: str, found: str, *, append: bool) -> str:
    if append:
        return single_dataset(store, None)
    from explorer.service.loading import default_name

    return "python" if found == "python" else default_name(target)


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


def _formats() -> Result:
    from loaders.companions import COMPANIONS
    from loaders.formats import FORMATS

    rows = [(known.name, name, text) for known in FORMATS.values() for name, text in known.options.items()]
    rows += [("(most)", name, text) for name, text in COMPANIONS.items()]
    return Result(
        {
            "formats": {
                known.name: {"summary": known.summary, "options": known.options, "companions": known.companions}
                for known in FORMATS.values()
            },
            "companions": COMPANIONS,
        },
        [
            Table(("format", "what it is"), [(known.name, known.summary) for known in FORMATS.values()]),
            Table(("format", "--option", "meaning"), rows),
        ],
    )


@command(store="read", rows=True)
def datasets(run: Run) -> Result:
    """List the datasets of the store.

    Example: skillgraph datasets
    """
    from explorer.store.protocol import DatasetInfo

    with run.opened() as store:
        found = store.datasets()
    return Result({"datasets": found}, _listed(found), rows_of(found, DatasetInfo))


def _listed(found: Sequence[DatasetInfo]) -> Iterator[Block]:
    if not found:
        yield Note("No dataset yet: load one with `skillgraph load`, or run `skillgraph demo`.")
        return
    yield Table(
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
