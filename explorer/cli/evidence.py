"""The commands `evidence` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    progress_bar,
    share,
    show_table,
    single_dataset,
)
from explorer.errors import SkillgraphError

if TYPE_CHECKING:
    from explorer.service.evidence import EvidenceReport, ModelEvidence

__all__ = ["register"]


@guarded
def evidence(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models with outcomes.", metavar="[MODEL]...", show_default=False)
    ] = None,
    dataset: DatasetOption = None,
    all_models: Annotated[bool, typer.Option("--all-models", help="All models with outcomes.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the layer of a single model.", show_default="the model")
    ] = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only texts of this part (repeatable).", show_default="all")
    ] = None,
    noise: Annotated[
        Literal["family", "model", "shared", "text"],
        typer.Option("--noise", help="Who shares slip and guess: a base with its fine-tuned models, none, all, texts."),
    ] = "family",
    method: Annotated[
        Literal["auto", "enumeration", "propagation"], typer.Option("--method", help="How the posterior is found.")
    ] = "auto",
    mastered: Annotated[
        float, typer.Option("--mastered", help="Least probability at which a skill is in the layer.")
    ] = 0.5,
    pass_score: Annotated[
        float | None,
        typer.Option("--pass-score", help="Scores from this on count as solved.", show_default="scores as shares"),
    ] = None,
    common: Annotated[bool, typer.Option("--common", help="Only texts that all these models attempted.")] = False,
    ignore_class: Annotated[
        list[str] | None, typer.Option("--ignore-class", help="Leave skills of this class out (repeatable).")
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Skills to list of a single model.")] = 20,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate which skills models master from the texts they solved (DINA), one layer a model.

    Example: skillgraph evidence --all-models

    Example: skillgraph evidence codellama-7b --ignore-class task
    """
    from explorer.service.evidence import evidence as estimate

    if not models and not all_models:
        raise SkillgraphError("name a model, or give --all-models")
    if models and all_models:
        raise SkillgraphError("give either models or --all-models")
    with opened(store, mode="write") as opened_store, progress_bar("Estimating", quiet=as_json) as progress:
        report = estimate(
            opened_store,
            single_dataset(opened_store, dataset),
            models=models or (),
            name=name,
            parts=part or (),
            noise=noise,
            method=method,
            mastered=mastered,
            pass_score=pass_score,
            common=common,
            ignored_classes=ignore_class or (),
            progress=progress,
        )
    if as_json:
        emit_json(report)
        return
    _show(report)
    if len(report.models) == 1:
        _show_skills(report.models[0], rows)


def _show(report: EvidenceReport) -> None:
    show_table(
        ("layer", "texts", "score", "slip", "guess", "mastered", "lacking", "untold", "BIC gain"),
        [
            (
                m.layer.name,
                number(m.attempted),
                share(m.score),
                number(m.slip),
                number(m.guess),
                number(m.mastered),
                number(m.lacking),
                number(m.unidentified),
                f"{m.bic_gain:+.1f}",
            )
            for m in report.models
        ],
        title=f"Evidence layers of {len(report.models)} models",
        caption="slip: fails though all skills are mastered; guess: solves though one is lacking; untold: skills of "
        "which no text can tell; BIC gain: above 0 the outcomes depend on the skills as the model says",
    )
    weak = [m.layer.name for m in report.models if not m.supported]
    if weak:
        names = ", ".join(weak[:3]) + (f" and {len(weak) - 3} more" if len(weak) > 3 else "")
        note(
            f"Note: the outcomes of {names} are explained as well without skills (BIC gain not above 0): their "
            "skill-by-skill pictures are not supported by the data."
        )
    unsettled = [m.layer.name for m in report.models if not m.converged]
    if unsettled:
        note(f"Note: the estimate had not settled for {', '.join(unsettled)}.")


def _show_skills(model: ModelEvidence, rows: int) -> None:
    told = [s for s in model.skills if s.mastery is not None]
    head, tail = told[: (rows + 1) // 2], told[(rows + 1) // 2 :][-(rows // 2) :] if rows > 1 else []
    if head:
        show_table(
            ("skill", "class", "mastery", "±", "texts that tell"),
            [
                (s.name, s.skill_class or "", number(s.mastery), number(s.deviation), number(s.informative))
                for s in (*head, *tail)
            ],
            title=f"The most and the least certain of {len(told)} skills",
        )
    untold = [s for s in model.skills if s.mastery is None]
    if untold and rows:
        reasons = {s.reason for s in untold}
        for reason in sorted(reasons):
            names = [s.name for s in untold if s.reason == reason]
            more = f" and {len(names) - 8} more" if len(names) > 8 else ""
            note(f"No text can tell of {len(names)} skills, because {reason}: {', '.join(names[:8])}{more}.")


@guarded
def export(
    output: Annotated[Path, typer.Argument(help="File, or folder for csv, parquet and neo4j-admin.")],
    dataset: DatasetOption = None,
    layer: Annotated[
        str | None, typer.Option("--layer", help="Export the association graph of this layer instead of the dataset.")
    ] = None,
    file_format: Annotated[
        Literal["graphml", "gexf", "json", "cytoscape", "csv", "parquet", "neo4j-admin"] | None,
        typer.Option("--format", help="Format.", show_default="by the file's ending"),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset, or the association graph of a layer, for Gephi, networkx, Cytoscape, tables or Neo4j.

    Example: skillgraph export graph.graphml

    Example: skillgraph export associations.gexf --layer foundation
    """
    from explorer.service.export import export as write

    with opened(store) as opened_store:
        report = write(
            opened_store, single_dataset(opened_store, dataset), output, layer=layer, file_format=file_format
        )
    if as_json:
        emit_json(report)
        return
    typer.echo(f"{report.path}: {report.nodes:,} nodes and {report.edges:,} edges as {report.format}.")
    if report.format == "neo4j-admin":
        typer.echo(f"  import it with: skillgraph server import {report.path}")
        typer.echo("  or, in that folder, where Neo4j is: neo4j-admin database import full neo4j @import.args")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("evidence")(evidence)
    app.command("export")(export)
