"""Commands that work on layers: `learn`, `associate`, `components`, `percolate`, `keystones`, `layers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import DatasetOption, LayerArgument, Run, command, read_lines, single_dataset
from explorer.cli.output import Block, Note, Result, Rows, Table, number, plain, rows_of, share
from explorer.errors import SkillgraphError
from explorer.options import LEARNER_HELP, LIMITS, MODE_HELP, RULE_HELP, Mode, Rule
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.association import AssociationReport, ComponentsReport
    from explorer.service.keystones import KeystoneReport
    from explorer.service.learning import LearnReport
    from explorer.service.percolation import PercolationReport
    from explorer.service.spark import SparkAssociationReport
    from explorer.store.protocol import LayerInfo

__all__ = [
    "KnownClassOption",
    "KnownOption",
    "LearnerOption",
    "MaxTextSkillsOption",
    "MinWeightOption",
    "PartOption",
    "RuleOption",
    "TopOption",
    "associate",
    "components",
    "keystones",
    "known_skills",
    "layers",
    "learn",
    "learned_sentence",
    "linked_sentence",
    "parts_sentence",
    "percolate",
]

NewLayerArgument = Annotated[
    str,
    typer.Argument(help="Name of the layer to make; a layer with that name is replaced.", metavar="LAYER"),
]
PartOption = Annotated[
    list[str] | None, typer.Option("--part", help="Only texts of this part (repeatable).", show_default="all")
]
LearnerOption = Annotated[str, typer.Option("--learner", help=LEARNER_HELP)]
KnownClassOption = Annotated[
    list[str] | None, typer.Option("--known-class", help="Treat skills of this class as known (repeatable).")
]
KnownOption = Annotated[
    Path | None,
    typer.Option("--known", help="File with ids of skills to treat as known, one per line; - is standard input."),
]
RuleOption = Annotated[Rule, typer.Option("--rule", help=RULE_HELP)]
MinWeightOption = Annotated[
    int, typer.Option("--min-weight", min=1, help="Leave out pairs that fewer texts link than this.")
]
TopOption = Annotated[
    int | None, typer.Option("--top", min=1, help="Keep only this many of the strongest links of each skill.")
]
MaxTextSkillsOption = Annotated[
    int | None, typer.Option("--max-text-skills", min=1, help="Leave out texts with more learned skills than this.")
]


@command(store="write")
def learn(
    run: Run,
    name: NewLayerArgument,
    part: PartOption = None,
    learner: LearnerOption = "one",
    base: Annotated[str | None, typer.Option("--base", help="Fine-tune from this layer.")] = None,
    mode: Annotated[Mode | None, typer.Option("--mode", help=MODE_HELP, show_default="continued")] = None,
    known_class: KnownClassOption = None,
    known: KnownOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of random capacities.")] = 0,
    go_on: Annotated[
        bool,
        typer.Option("--continue", help="Continue this layer on appended texts, or on a further --part."),
    ] = False,
    dataset: DatasetOption = None,
) -> Result:
    """Learn skills by peeling: a text with one novel skill teaches it, again and again.

    Example: skillgraph learn foundation --part stdlib

    Example: skillgraph learn tuned --part scipy --base foundation --mode continued

    Example: skillgraph learn foundation --continue
    """
    if go_on and (learner != "one" or any((base, mode, known_class, known, seed))):
        raise SkillgraphError(
            "--continue takes learner, base, mode, seed and known skills from the layer: leave them out, or learn a "
            "new layer without --continue"
        )
    from explorer import service

    known_ids = known_skills(known)
    with run.opened() as store:
        in_dataset = single_dataset(store, dataset)
        if go_on:
            report = service.continue_learning(store, in_dataset, name, parts=part or ())
        else:
            report = service.learn(
                store,
                in_dataset,
                name=name,
                parts=part or (),
                learner=learner,
                base=base,
                mode=mode,
                known=known_ids,
                known_classes=known_class or (),
                seed=seed,
            )
    return Result(report, _learned(report, continued=go_on))


def known_skills(path: Path | None) -> list[str]:
    """Ids in a file, one a line; none without a file."""
    return [] if path is None else read_lines(path)


def learned_sentence(layer: LayerInfo, waves: str, error: float | None = None) -> str:
    """What a layer has learned, in how many waves or steps, and how many texts are understood then."""
    understood = "" if error is None else f"; {1 - error:.1%} of the texts are understood"
    return (
        f"{layer.name}: {layer.learned:,} of {plural(layer.skills, 'skill')} learned ({layer.learned_fraction:.1%}) "
        f"from {plural(layer.texts, 'text')} in {waves}{understood}."
    )


def _learned(report: LearnReport, *, continued: bool) -> Iterator[Block]:
    said = learned_sentence(report.layer, plural(report.layer.waves, "wave"), report.testing_error)
    yield said + (f" Learned in this run: {report.gained:,}." if continued else "")
    if report.reused:
        yield Note(
            "The store had this layer already, made from the same texts with the same options: nothing was written."
        )
    if report.associations_sentence:
        anew = f" `{report.associate_command}` computes those of the new one." if report.associate_command else ""
        yield Note(report.associations_sentence + anew)
    if report.advice:
        yield Note(report.advice)


@command(store="write", advice="leave out long texts with --max-text-skills")
def associate(
    run: Run,
    layer: LayerArgument,
    rule: RuleOption = "any",
    min_weight: MinWeightOption = 1,
    top: TopOption = None,
    max_text_skills: MaxTextSkillsOption = None,
    dataset: DatasetOption = None,
) -> Result:
    """Link learned skills that occur in the same text, and find components and the giant one.

    Example: skillgraph associate foundation --min-weight 2
    """
    from explorer import service

    with run.opened() as store:
        report = service.associate(
            store,
            single_dataset(store, dataset),
            layer,
            rule=rule,
            min_weight=min_weight,
            top_k=top,
            max_text_skills=max_text_skills,
        )
    shown: list[Block] = [linked_sentence(layer, report, report.layer.learned)]
    if report.reused:
        shown.append(Note("The layer had these associations already: nothing was written."))
    return Result(report, shown)


def linked_sentence(layer: str, report: AssociationReport | SparkAssociationReport, learned: int) -> str:
    """How many associations and components a layer has."""
    return (
        f"{layer}: {plural(report.associations, 'association')} among {plural(learned, 'learned skill')}; "
        f"{plural(report.components, 'component')}, the giant one has {plural(report.giant, 'skill')} "
        f"({report.giant_fraction:.1%} of all)."
    )


@command(store="read")
def components(run: Run, layer: LayerArgument, rule: RuleOption = "any", dataset: DatasetOption = None) -> Result:
    """Count the connected parts of the learned skills, without their associations; nothing is stored.

    Example: skillgraph components foundation --rule understood
    """
    from explorer.service.association import find_components

    with run.opened() as store:
        name = single_dataset(store, dataset)
        report = find_components(store, name, layer, rule=rule)
        info = next(info for info in store.layers(name) if info.name == layer)
    return Result({**plain(report), "layer": info}, [parts_sentence(layer, report)])


def parts_sentence(layer: str, report: ComponentsReport) -> str:
    """How many components the learned skills of a layer have."""
    return (
        f"{layer}: {plural(report.components, 'component')} of {plural(report.learned, 'learned skill')}; the giant "
        f"one has {plural(report.giant, 'skill')} ({report.giant_fraction:.1%} of all)."
    )


@command(store="read", rows=True, advice="take fewer --replicates")
def percolate(
    run: Run,
    layer: LayerArgument,
    replicates: Annotated[
        int, typer.Option("--replicates", min=1, help="Number of random orders to average over.")
    ] = LIMITS.percolation_orders,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the orders.")] = 0,
    types: Annotated[
        bool, typer.Option("--types", help="Also predict with types of skills, which are chosen from the graph.")
    ] = False,
    dataset: DatasetOption = None,
) -> Result:
    """Keep skills at random and watch the giant component form (Newman-Ziff), beside the prediction.

    Example: skillgraph percolate foundation

    Example: skillgraph percolate foundation --types
    """
    from explorer import service

    with run.opened() as store:
        name = single_dataset(store, dataset)
        report = service.percolate(store, name, layer, replicates=replicates, seed=seed, types=types)
    columns = ["phi", "giant", "second", "susceptibility", "predicted", "predicted_poisson"]
    columns += ["predicted_typed"] if report.predicted_typed else []
    values = list(zip(*(getattr(report, column) for column in columns), strict=True))
    return Result(report, _percolated(layer, report), Rows(columns, values))


def _percolated(layer: str, report: PercolationReport) -> Iterator[Block]:
    typed = report.predicted_typed
    chosen = [i for i, phi in enumerate(report.phi) if i % 10 == 0 or phi == report.phi[-1]]
    yield Table(
        ("kept", "giant", "second", "mean finite", "same degrees", "Poisson", *(["with types"] if typed else [])),
        [
            (
                share(report.phi[i]),
                share(report.giant[i]),
                share(report.second[i]),
                number(report.susceptibility[i], 2),
                share(report.predicted[i]),
                share(report.predicted_poisson[i]),
                *([share(typed[i])] if typed else []),
            )
            for i in chosen
        ],
        title=f"{layer}: giant component as a share of all {plural(report.skills, 'skill')}",
        caption="kept: share of skills kept at random; same degrees, Poisson"
        + (", with types" if typed else "")
        + ": predicted by site percolation",
    )
    yield (
        f"The giant component appears at about {report.critical:.2%} kept (predicted: "
        f"{report.predicted_critical:.2%}). The learned skills ({report.learned:.1%} of all) have a giant component "
        f"of {report.learned_giant:.1%}; as many random skills would have {report.learned_giant_random:.1%}."
    )


@command(store="read", rows=True)
def keystones(
    run: Run,
    layer: LayerArgument,
    steps: Annotated[int, typer.Option("--steps", "-n", min=1, help="Number of skills to remove.")] = 20,
    dataset: DatasetOption = None,
) -> Result:
    """Rank the skills that hold the giant component together, by what removing each would cost; nothing is stored.

    Example: skillgraph keystones foundation --steps 10
    """
    from explorer.service.keystones import Keystone
    from explorer.service.keystones import keystones as find

    with run.opened() as store:
        report = find(store, single_dataset(store, dataset), layer, steps=steps)
    return Result(report, _held(report), rows_of(report.steps, Keystone))


def _held(report: KeystoneReport) -> Iterator[Block]:
    yield Table(
        ("step", "skill", "class", "texts", "betweenness", "alone", "cost", "giant"),
        [
            (
                number(k),
                row.name,
                row.skill_class or "",
                number(row.uses),
                share(row.betweenness),
                number(row.alone),
                number(row.cost),
                number(row.giant),
            )
            for k, row in enumerate(report.steps, 1)
        ],
        title=f"What holds the giant component of {report.layer.name} together",
        caption="alone: skills that the giant component loses if only this one is removed, itself included; cost: the "
        "same at its turn, after those above it; giant: its size then; betweenness: share of the shortest paths "
        "between other skills that pass through it" + ("" if report.exact else ", estimated from a sample"),
    )
    k = len(report.steps)
    left = report.steps[-1].giant if report.steps else report.giant
    yield (
        f"The giant component has {plural(report.giant, 'skill')}; removing any of {plural(report.cut, 'skill')} alone "
        f"would cut others off. After {plural(k, 'step')} {left:,} are left; after removing the {k} most used, "
        f"{report.most_used[-1]:,}."
    )


@command(store="read", rows=True)
def layers(
    run: Run,
    dataset: DatasetOption = None,
) -> Result:
    """List the layers of the store.

    Example: skillgraph layers
    """
    from explorer.store.protocol import LayerInfo

    with run.opened() as store:
        name = None if dataset is None else single_dataset(store, dataset)
        found = store.layers(name)
    return Result({"layers": found}, _listed(found), rows_of(found, LayerInfo))


def _listed(found: Sequence[LayerInfo]) -> Iterator[Block]:
    from explorer.service.stale import stale_sentence

    if not found:
        yield Note("No layer yet: make one with `skillgraph learn`.")
        return
    yield Table(
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
                ", ".join(
                    word
                    for word, holds in (("stale", info.stale), ("skills add nothing", info.skills_add is False))
                    if holds
                ),
            )
            for info in found
        ],
    )
    for info in found:
        if info.stale:
            yield Note(stale_sentence(info))
