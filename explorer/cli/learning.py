"""Commands that work on layers: `learn`, `associate`, `components`, `percolate`, `layers`."""

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
from explorer.cli.spark import (
    BlockEdgesOption,
    ConfOption,
    EngineOption,
    InputOption,
    LearnedOption,
    MasterOption,
    OutputOption,
    SparkChoice,
    TakeUpOption,
    WorkOption,
    associate_by_spark,
    components_by_spark,
    learn_by_spark,
    refuse_spark_options,
    take_up,
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
    go_on: Annotated[
        bool,
        typer.Option("--continue", help="Go on with this layer on appended texts, or on a further --part."),
    ] = False,
    store: StoreOption = None,
    engine: EngineOption = "local",
    master: MasterOption = None,
    conf: ConfOption = None,
    source: InputOption = None,
    output: OutputOption = None,
    work: WorkOption = None,
    method: Annotated[
        Literal["blocks", "rounds"] | None,
        typer.Option(
            "--method",
            help="The kernel in every block, or rounds of joins.",
            show_default="blocks",
            rich_help_panel="With --engine spark (docs/spark.md)",
        ),
    ] = None,
    waves: Annotated[
        bool,
        typer.Option(
            "--waves",
            help="Exact waves and teaching texts with --method blocks.",
            rich_help_panel="With --engine spark (docs/spark.md)",
        ),
    ] = False,
    block_edges: BlockEdgesOption = None,
    taken_up: TakeUpOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn skills by peeling: a text with one novel skill teaches it, again and again.

    Example: skillgraph learn foundation --part stdlib

    Example: skillgraph learn tuned --part scipy --base foundation --mode continued

    Example: skillgraph learn foundation --continue

    Example: skillgraph learn foundation --engine spark --input dataset --output learned

    Example: skillgraph learn foundation --take-up learned
    """
    if taken_up is not None:
        chosen = (part, learner != "one", base, mode, known_class, known, seed, go_on, engine != "local", master, conf)
        others = (*chosen, source, output, work, method, waves, block_edges)
        take_up(name, taken_up, what="layer", store=store, dataset=dataset, others=others, as_json=as_json)
        return
    if go_on and (engine == "spark" or learner != "one" or any((base, mode, known_class, known, seed))):
        raise SkillgraphError(
            "--continue takes learner, base, mode, seed and known skills from the layer, and needs --engine local: "
            "leave them out, or learn anew without --continue"
        )
    if engine == "spark":
        if base is not None or mode is not None or seed:
            raise SkillgraphError("--base, --mode and --seed are for --engine local; take known skills with --known")
        learn_by_spark(
            SparkChoice(dataset, store, master, conf, source, output, work, block_edges),
            name,
            parts=part or (),
            learner=learner,
            known=_read_known(known),
            known_classes=known_class or (),
            method=method or "blocks",
            waves=waves,
            as_json=as_json,
        )
        return
    refuse_spark_options(
        master=master, conf=conf, input=source, output=output, work=work, method=method, waves=waves,
        block_edges=block_edges,
    )  # fmt: skip
    from explorer import service

    with opened(store, mode="write") as opened_store:
        in_dataset = single_dataset(opened_store, dataset)
        if go_on:
            report = service.continue_learning(opened_store, in_dataset, name, parts=part or ())
        else:
            report = service.learn(
                opened_store,
                in_dataset,
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
        + (f" Learned in this run: {report.gained:,}." if go_on else "")
    )
    if report.reused:
        note("The store had this layer already, made from the same texts with the same options: nothing was written.")
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
    max_text_skills: Annotated[
        int | None, typer.Option("--max-text-skills", min=1, help="Leave out texts with more learned skills.")
    ] = None,
    store: StoreOption = None,
    engine: EngineOption = "local",
    master: MasterOption = None,
    conf: ConfOption = None,
    source: InputOption = None,
    learned: LearnedOption = None,
    output: OutputOption = None,
    work: WorkOption = None,
    block_edges: BlockEdgesOption = None,
    taken_up: TakeUpOption = None,
    as_json: JsonOption = False,
) -> None:
    """Join learned skills that a text requires both, and find components and the giant one.

    Example: skillgraph associate foundation --min-weight 2

    Example: skillgraph associate foundation --engine spark --input dataset --learned learned --output associated

    Example: skillgraph associate foundation --take-up associated
    """
    if taken_up is not None:
        chosen = (rule != "any", min_weight > 1, top, max_text_skills, engine != "local", master, conf, source, learned)
        others = (*chosen, output, work, block_edges)
        take_up(layer, taken_up, what="associations", store=store, dataset=dataset, others=others, as_json=as_json)
        return
    if engine == "spark":
        associate_by_spark(
            SparkChoice(dataset, store, master, conf, source, output, work, block_edges),
            layer,
            learned,
            rule,
            min_weight=min_weight,
            top=top,
            max_text_skills=max_text_skills,
            as_json=as_json,
        )
        return
    refuse_spark_options(
        master=master, conf=conf, input=source, learned=learned, output=output, work=work, block_edges=block_edges
    )
    from explorer import service

    with opened(store, mode="write") as opened_store:
        report = service.associate(
            opened_store,
            single_dataset(opened_store, dataset),
            layer,
            rule=rule,
            min_weight=min_weight,
            top_k=top,
            max_text_skills=max_text_skills,
        )
    if as_json:
        emit_json(report)
        return
    typer.echo(
        f"{layer}: {report.associations:,} associations among {report.layer.learned:,} learned skills; "
        f"{report.components:,} components, the giant one holds {report.giant:,} skills "
        f"({report.giant_fraction:.1%} of all)."
    )
    if report.reused:
        note("The layer had these associations already: nothing was written.")


@guarded
def components(
    layer: LayerArgument,
    dataset: DatasetOption = None,
    rule: Annotated[
        Literal["any", "understood"], typer.Option("--rule", help="Which texts join two learned skills.")
    ] = "any",
    store: StoreOption = None,
    engine: EngineOption = "local",
    master: MasterOption = None,
    conf: ConfOption = None,
    source: InputOption = None,
    learned: LearnedOption = None,
    output: OutputOption = None,
    work: WorkOption = None,
    block_edges: BlockEdgesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count the connected parts of the learned skills, without their associations; nothing is stored.

    Example: skillgraph components foundation --rule understood

    Example: skillgraph components foundation --engine spark --input dataset --learned learned --output parts
    """
    if engine == "spark":
        choice = SparkChoice(dataset, store, master, conf, source, output, work, block_edges)
        components_by_spark(choice, layer, learned, rule, as_json=as_json)
        return
    refuse_spark_options(
        master=master, conf=conf, input=source, learned=learned, output=output, work=work, block_edges=block_edges
    )
    from explorer.service.association import find_components

    with opened(store) as opened_store:
        report = find_components(opened_store, single_dataset(opened_store, dataset), layer, rule=rule)
    if as_json:
        emit_json(report)
        return
    typer.echo(
        f"{layer}: {report.components:,} components of {report.learned:,} learned skills; the giant one holds "
        f"{report.giant:,} skills ({report.giant_fraction:.1%} of all)."
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
    from explorer.service.stale import stale_sentence

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
        ("dataset", "layer", "made by", "learned", "share", "waves", "associations", "state"),
        [
            (
                info.dataset,
                info.name,
                info.learner if info.base is None else f"{info.learner}, {info.mode or info.kind} from {info.base}",
                f"{info.learned:,} of {info.skills:,}",
                share(info.learned_fraction),
                number(info.waves),
                number(info.associations),
                "stale" if info.stale else "",
            )
            for info in found
        ],
    )
    for info in found:
        if info.stale:
            note(stale_sentence(info))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (
        ("learn", learn),
        ("associate", associate),
        ("components", components),
        ("percolate", percolate),
        ("layers", layers),
    ):
        app.command(name)(command)
