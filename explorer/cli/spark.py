"""`spark learn | associate | components | import`: the same results beyond one machine's memory, and into the store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.group import DatasetOption, LayerArgument, Run, command, group, single_dataset
from explorer.cli.learning import (
    KnownClassOption,
    KnownOption,
    LearnerOption,
    MaxTextSkillsOption,
    MinWeightOption,
    NewLayerArgument,
    PartOption,
    RuleOption,
    TopOption,
    known_skills,
    learned_sentence,
    linked_sentence,
    parts_sentence,
)
from explorer.cli.output import Block, Note, Result, plain
from explorer.errors import SkillgraphError
from explorer.options import SparkMethod
from explorer.temporary import temporary_folder
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.spark import SparkRun

__all__ = ["associate", "components", "import_", "learn", "spark"]

spark = group(
    "spark",
    "Learn, associate and count components on Spark, from Parquet or the store; see docs/spark.md.",
    {
        "learn": "spark:learn",
        "associate": "spark:associate",
        "components": "spark:components",
        "import": "spark:import_",
    },
)

MasterOption = Annotated[
    str | None,
    typer.Option(
        "--master",
        help="local[*], spark://host:7077, yarn, k8s://…, or sc://host:15002 (Spark Connect).",
        show_default="local[*,4]",
    ),
]
ConfOption = Annotated[list[str] | None, typer.Option("--conf", help="Spark setting, name=value (repeatable).")]
InputOption = Annotated[
    str | None,
    typer.Option("--input", help="Folder with the dataset as Parquet.", show_default="a stored dataset"),
]
OutputOption = Annotated[
    str | None, typer.Option("--output", help="Folder for the result as Parquet.", show_default="the store")
]
WorkOption = Annotated[
    str | None, typer.Option("--work", help="Folder of the run, kept and used again.", show_default="beside the output")
]
LearnedOption = Annotated[
    str | None, typer.Option("--learned", help="Output folder of spark learn.", show_default="a stored layer")
]
BlockEdgesOption = Annotated[
    int | None,
    typer.Option("--block-edges", min=1, max=80_000_000, help="Edges in a block.", show_default="4000000"),
]


@dataclass(frozen=True)
class SparkChoice:
    """The options of a command that belong to Spark, as they were given.

    Attributes:
        dataset: `--dataset`: where the input comes from and the result goes, if there is no `--input` or `--output`.
        run: Where its store is.
        master: `--master`.
        conf: `--conf`.
        source: `--input`.
        output: `--output`.
        work: `--work`.
        block_edges: `--block-edges`.
    """

    dataset: str | None
    run: Run
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


@command(store="write")
def learn(
    run: Run,
    name: NewLayerArgument,
    part: PartOption = None,
    learner: LearnerOption = "one",
    known_class: KnownClassOption = None,
    known: KnownOption = None,
    method: Annotated[
        SparkMethod, typer.Option("--method", help="The kernel in every block, or rounds of joins.")
    ] = "blocks",
    waves: Annotated[
        bool, typer.Option("--waves", help="Exact waves and teaching texts with --method blocks.")
    ] = False,
    dataset: DatasetOption = None,
    master: MasterOption = None,
    conf: ConfOption = None,
    source: InputOption = None,
    output: OutputOption = None,
    work: WorkOption = None,
    block_edges: BlockEdgesOption = None,
) -> Result:
    """Learn a foundation layer on Spark, as `skillgraph learn` does here.

    Example: skillgraph spark learn foundation --input dataset --output learned
    """
    from explorer.service import spark as service
    from explorer.service.spark_import import import_layer

    choice = SparkChoice(dataset, run, master, conf, source, output, work, block_edges)
    known_ids = known_skills(known)
    with ExitStack() as stack:
        prepared, dataset, _ = _prepared_run(stack, choice, layer=None, parts=part or ())
        report = service.learn_on_spark(
            prepared,
            name=name,
            dataset=dataset,
            learner=learner,
            known=known_ids,
            known_classes=known_class or (),
            method=method,
            waves=waves or choice.stores,
            collect=choice.stores,
            progress=_said if run.for_people and not run.quiet else None,
        )
        if choice.stores:
            with run.opened() as store:
                assert report.skills is not None, "they were collected"
                import_layer(store, single_dataset(store, dataset), report.layer, report.skills)
    steps = plural(report.layer.waves, "wave") if report.waves else plural(len(report.steps) - 1, "super-step")
    shown: list[Block] = [learned_sentence(report.layer, steps, report.testing_error)]
    if report.stalled:
        shown.append(
            Note(
                "Nothing was learned: every text has more novel skills than the learner can learn at once: try "
                "--learner d:2."
            )
        )
    return Result(_without(report, "skills"), shown)


@command(store="write")
def associate(
    run: Run,
    layer: LayerArgument,
    rule: RuleOption = "any",
    min_weight: MinWeightOption = 1,
    top: TopOption = None,
    max_text_skills: MaxTextSkillsOption = None,
    dataset: DatasetOption = None,
    master: MasterOption = None,
    conf: ConfOption = None,
    source: InputOption = None,
    learned: LearnedOption = None,
    output: OutputOption = None,
    work: WorkOption = None,
    block_edges: BlockEdgesOption = None,
) -> Result:
    """Link learned skills that occur in the same text on Spark, as `skillgraph associate` does here.

    Example: skillgraph spark associate foundation --input dataset --learned learned --output associated
    """
    from explorer.service import spark as service
    from explorer.service.spark_import import import_associations

    choice = SparkChoice(dataset, run, master, conf, source, output, work, block_edges)
    with ExitStack() as stack:
        stores = choice.stores and learned is None
        prepared, dataset, stored = _prepared_run(stack, choice, layer=None if learned else layer)
        if not stores and prepared.output is None:
            raise SkillgraphError("give --output for the result, or leave out --learned and --input to store it")
        report = service.associate_on_spark(
            prepared,
            learned or stored,
            name=layer,
            rule=rule,
            min_weight=min_weight,
            top_k=top,
            max_text_skills=max_text_skills,
            collect=stores,
        )
        if stores:
            with run.opened() as store:
                assert report.tables is not None, "they were collected"
                import_associations(store, single_dataset(store, dataset), layer, rule, *report.tables)
    value = {**_without(report, "tables"), "layer": {"name": layer}}
    return Result(value, [linked_sentence(layer, report, report.learned)])


@command(store="read")
def components(
    run: Run,
    layer: LayerArgument,
    rule: RuleOption = "any",
    dataset: DatasetOption = None,
    master: MasterOption = None,
    conf: ConfOption = None,
    source: InputOption = None,
    learned: LearnedOption = None,
    output: OutputOption = None,
    work: WorkOption = None,
    block_edges: BlockEdgesOption = None,
) -> Result:
    """Count the connected parts of the learned skills on Spark; nothing is stored.

    Example: skillgraph spark components foundation --input dataset --learned learned --output parts
    """
    from explorer.service import spark as service

    choice = SparkChoice(dataset, run, master, conf, source, output, work, block_edges)
    with ExitStack() as stack:
        prepared, _, stored = _prepared_run(stack, choice, layer=None if learned else layer)
        report = service.components_on_spark(prepared, learned or stored, name=layer, rule=rule)
    return Result({**plain(report), "layer": {"name": layer}}, [parts_sentence(layer, report)])


@command(store="write")
def import_(
    run: Run,
    layer: LayerArgument,
    folder: Annotated[Path, typer.Argument(help="Output folder of spark learn or spark associate.")],
    dataset: DatasetOption = None,
) -> Result:
    """Store a layer, or the associations of a stored layer, that an earlier run on Spark wrote to a folder.

    Example: skillgraph spark import foundation learned
    """
    from explorer.service.spark_import import import_results

    with run.opened() as store:
        info = import_results(store, single_dataset(store, dataset), layer, folder)
    said = learned_sentence(info, plural(info.waves, "wave"))
    if info.associations is not None:
        said += f" It has {plural(info.associations, 'association')}."
    return Result({"layer": info}, [f"{said} Imported from {folder}."])


def _prepared_run(
    stack: ExitStack, choice: SparkChoice, *, layer: str | None, parts: Sequence[str] = ()
) -> tuple[SparkRun, str | None, str]:
    """The run, the name of the dataset, and the folder with the stored layer that it starts from."""
    from explorer.service import spark as service

    source, dataset, stored = choice.source, choice.dataset, ""
    if source is None or layer is not None:
        folder = stack.enter_context(temporary_folder("input"))
        with choice.run.opened("read") as store:
            dataset = single_dataset(store, dataset)
            from_layer = service.export_for_spark(store, dataset, folder, layer=layer)
        parts, stored = parts or from_layer, str(folder / "learned")
        source = source or str(folder / "input")
    elif choice.stores:
        with choice.run.opened("read") as store:
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
            raise SkillgraphError(f"--conf {item!r} must be a Spark setting such as spark.name=value")
        settings[name] = value
    return settings


def _without(report: Any, key: str) -> dict[str, Any]:
    """A report for machines, without the tables that it brought along."""
    printed: dict[str, Any] = plain(replace(report, **{key: None}))
    del printed[key]
    return printed


def _said(step: int, learned: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"step {step}: {plural(learned, 'skill')} learned", err=True)
