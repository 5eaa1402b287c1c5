"""`--engine spark` of `learn`, `associate` and `components`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from explorer.cli.console import emit_json, note, opened, plain, single_dataset
from explorer.errors import SkillgraphError

if TYPE_CHECKING:
    from explorer.service.spark import SparkRun

__all__ = [
    "BlockEdgesOption",
    "ConfOption",
    "EngineOption",
    "InputOption",
    "LearnedOption",
    "MasterOption",
    "OutputOption",
    "SparkChoice",
    "TakeUpOption",
    "WorkOption",
    "associate_by_spark",
    "components_by_spark",
    "learn_by_spark",
    "refuse_spark_options",
    "take_up",
]

Engine = Literal["local", "spark"]
Rule = Literal["any", "understood"]

_PANEL = "With --engine spark (docs/spark.md)"
EngineOption = Annotated[Engine, typer.Option("--engine", help="Where it is computed.")]
MasterOption = Annotated[
    str | None,
    typer.Option(
        "--master",
        help="local[*], spark://host:7077, yarn, k8s://…, or sc://host:15002 (Spark Connect).",
        show_default="local[*,4]",
        rich_help_panel=_PANEL,
    ),
]
ConfOption = Annotated[
    list[str] | None, typer.Option("--conf", help="Spark setting, name=value (repeatable).", rich_help_panel=_PANEL)
]
InputOption = Annotated[
    str | None,
    typer.Option("--input", help="Folder with the dataset as Parquet.", show_default="a stored dataset",
                 rich_help_panel=_PANEL),
]  # fmt: skip
OutputOption = Annotated[
    str | None,
    typer.Option("--output", help="Folder for the result as Parquet.", show_default="the store",
                 rich_help_panel=_PANEL),
]  # fmt: skip
WorkOption = Annotated[
    str | None,
    typer.Option("--work", help="Run folder, kept and used again.", show_default="beside the output",
                 rich_help_panel=_PANEL),
]  # fmt: skip
LearnedOption = Annotated[
    str | None,
    typer.Option("--learned", help="Output folder of learn.", show_default="a stored layer", rich_help_panel=_PANEL),
]
TakeUpOption = Annotated[
    Path | None,
    typer.Option(
        "--take-up",
        help="Store what an earlier run with --engine spark wrote to this folder; nothing is computed.",
        show_default=False,
        rich_help_panel="Results of --engine spark (docs/spark.md)",
    ),
]
BlockEdgesOption = Annotated[
    int | None,
    typer.Option(
        "--block-edges",
        min=1,
        max=80_000_000,
        help="Edges in a block.",
        show_default="4000000",
        rich_help_panel=_PANEL,
    ),
]


@dataclass(frozen=True)
class SparkChoice:
    """The options of a command that belong to Spark, as they were given.

    Attributes:
        dataset: `--dataset`: where the input comes from and the result goes, if there is no `--input` or `--output`.
        store: `--store`.
        master: `--master`.
        conf: `--conf`.
        source: `--input`.
        output: `--output`.
        work: `--work`.
        block_edges: `--block-edges`.
    """

    dataset: str | None
    store: str | None
    master: str | None
    conf: list[str] | None
    source: str | None
    output: str | None
    work: str | None
    block_edges: int | None

    @property
    def stores(self) -> bool:
        """True if the result goes to the store."""
        return self.source is None or self.dataset is not None or self.output is None


def refuse_spark_options(**given: object) -> None:
    """Raise SkillgraphError if an option of Spark was given to the local engine."""
    for name, value in given.items():
        if value:
            raise SkillgraphError(f"--{name.replace('_', '-')} belongs to --engine spark: add that, or leave it out")


def learn_by_spark(
    choice: SparkChoice,
    name: str,
    *,
    parts: Sequence[str],
    learner: str,
    known: Sequence[str],
    known_classes: Sequence[str],
    method: Literal["blocks", "rounds"],
    waves: bool,
    as_json: bool,
) -> None:
    """`learn --engine spark`."""
    from explorer.service import spark as service
    from explorer.service.taking_up import take_up_layer

    with ExitStack() as stack:
        run, dataset, _ = _prepared_run(stack, choice, layer=None, parts=parts)
        report = service.learn_on_spark(
            run,
            name=name,
            dataset=dataset,
            learner=learner,
            known=known,
            known_classes=known_classes,
            method=method,
            waves=waves or choice.stores,
            collect=choice.stores,
            progress=None if as_json else _said,
        )
        if choice.stores:
            with opened(choice.store, mode="write") as store:
                assert report.skills is not None, "they were collected"
                take_up_layer(store, single_dataset(store, dataset), report.layer, report.skills)
    if as_json:
        emit_json(_without(report, "skills"))
        return
    layer = report.layer
    courses = f"{layer.waves} waves" if report.waves else f"{len(report.steps) - 1} super-steps"
    typer.echo(
        f"{layer.name}: {layer.learned:,} of {layer.skills:,} skills learned ({layer.learned_fraction:.1%}) from "
        f"{layer.texts:,} texts in {courses}; {1 - report.testing_error:.1%} of the texts are understood."
    )
    if report.stalled:
        note("Nothing was learned: no text has as few novel skills as the learner takes; try --learner d:2 or --known.")


def components_by_spark(choice: SparkChoice, layer: str, learned: str | None, rule: Rule, *, as_json: bool) -> None:
    """`components --engine spark`."""
    from explorer.service import spark as service

    with ExitStack() as stack:
        run, _, stored = _prepared_run(stack, choice, layer=None if learned else layer)
        report = service.components_on_spark(run, learned or stored, name=layer, rule=rule)
    if as_json:
        emit_json(report)
        return
    typer.echo(
        f"{layer}: {report.components:,} components of {report.learned:,} learned skills; the giant one holds "
        f"{report.giant:,} skills ({report.giant_fraction:.1%} of all)."
    )


def associate_by_spark(
    choice: SparkChoice,
    layer: str,
    learned: str | None,
    rule: Rule,
    *,
    min_weight: int,
    top: int | None,
    max_text_skills: int | None,
    as_json: bool,
) -> None:
    """`associate --engine spark`."""
    from explorer.service import spark as service
    from explorer.service.taking_up import take_up_associations

    with ExitStack() as stack:
        stores = choice.stores and learned is None
        run, dataset, stored = _prepared_run(stack, choice, layer=None if learned else layer)
        if not stores and run.output is None:
            raise SkillgraphError("give --output for the result, or leave out --learned and --input to store it")
        report = service.associate_on_spark(
            run,
            learned or stored,
            name=layer,
            rule=rule,
            min_weight=min_weight,
            top_k=top,
            max_text_skills=max_text_skills,
            collect=stores,
        )
        if stores:
            with opened(choice.store, mode="write") as store:
                assert report.tables is not None, "they were collected"
                take_up_associations(store, single_dataset(store, dataset), layer, rule, *report.tables)
    if as_json:
        emit_json(_without(report, "tables"))
        return
    typer.echo(
        f"{layer}: {report.associations:,} associations among {report.learned:,} learned skills; "
        f"{report.components:,} components, the giant one holds {report.giant:,} skills "
        f"({report.giant_fraction:.1%} of all)."
    )


def take_up(
    layer: str,
    folder: Path,
    *,
    what: Literal["layer", "associations"],
    store: str | None,
    dataset: str | None,
    others: Sequence[object],
    as_json: bool,
) -> None:
    """`learn` or `associate` with `--take-up`."""
    from explorer.service import taking_up as service

    if any(others):
        raise SkillgraphError(
            "--take-up stores what was computed before: leave out all options but --dataset and --store"
        )
    with opened(store, mode="write") as opened_store:
        name = single_dataset(opened_store, dataset)
        if what == "layer":
            info = service.take_up_layer(opened_store, name, *service.read_layer(folder, layer))
        else:
            info = service.take_up_associations(opened_store, name, layer, *service.read_associations(folder))
    if as_json:
        emit_json({"layer": info})
        return
    stored = "" if info.associations is None else f", with {info.associations:,} associations"
    typer.echo(
        f"{info.name}: {info.learned:,} of {info.skills:,} skills learned ({info.learned_fraction:.1%}) from "
        f"{info.texts:,} texts in {info.waves} waves{stored}; stored from {folder}."
    )


def _prepared_run(
    stack: ExitStack, choice: SparkChoice, *, layer: str | None, parts: Sequence[str] = ()
) -> tuple[SparkRun, str | None, str]:
    """The run, the name of the dataset, and the folder with the stored layer that it starts from."""
    from explorer.service import spark as service

    source, dataset, stored = choice.source, choice.dataset, ""
    if source is None or layer is not None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skillgraph-input-")))
        with opened(choice.store) as store:
            dataset = single_dataset(store, dataset)
            from_layer = service.export_for_spark(store, dataset, folder, layer=layer)
        parts, stored = parts or from_layer, str(folder / "learned")
        source = source or str(folder / "input")
    elif choice.stores:
        with opened(choice.store) as store:
            dataset = single_dataset(store, dataset)
    run = service.SparkRun(
        source=source,
        output=choice.output,
        work=choice.work,
        master=choice.master or service.LOCAL,
        settings=_settings(choice.conf or []),
        parts=tuple(parts),
        block_edges=choice.block_edges,
    )
    return run, dataset, stored


def _settings(given: Sequence[str]) -> dict[str, str]:
    settings = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name.startswith("spark."):
            raise SkillgraphError(f"--conf {item!r} must be a Spark setting, spark.name=value")
        settings[name] = value
    return settings


def _without(report: Any, key: str) -> dict[str, Any]:
    """A report for machines, without the tables that it brought along."""
    printed: dict[str, Any] = plain(replace(report, **{key: None}))
    del printed[key]
    return printed


def _said(step: int, learned: int) -> None:
    if sys.stderr.isatty():
        note(f"step {step}: {learned:,} skills learned")
