"""The command `evidence`: which skills models master, from the texts they solved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.group import DatasetOption, Run, command, single_dataset
from explorer.cli.output import Block, Note, Result, Table, cut, number, rows_of, share
from explorer.errors import SkillgraphError
from explorer.options import NOISE_HELP, Noise, PosteriorMethod
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.evidence import EvidenceReport, ModelEvidence

__all__ = ["evidence"]

_COLUMNS = (
    "layer", "attempted", "score", "slip", "guess", "mastered", "lacking", "unidentified", "bic_gain", "supported",
    "converged",
)  # fmt: skip


@command(store="write", rows=True)
def evidence(
    run: Run,
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
        Noise,
        typer.Option("--noise", help=NOISE_HELP),
    ] = "family",
    method: Annotated[PosteriorMethod, typer.Option("--method", help="How the posterior is found.")] = "auto",
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
) -> Result:
    """Estimate which skills models master from the texts they solved (DINA), one layer a model.

    Example: skillgraph evidence --all-models

    Example: skillgraph evidence codellama-7b --ignore-class task
    """
    from explorer.service.evidence import evidence as estimate

    if not models and not all_models:
        raise SkillgraphError("name a model, or give --all-models")
    if models and all_models:
        raise SkillgraphError("give either models or --all-models")
    with run.opened() as store, run.progress("Estimating") as progress:
        report = estimate(
            store,
            single_dataset(store, dataset),
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
    return Result(report, _shown(report, rows), rows_of(map(_row, report.models), columns=_COLUMNS))


def _row(model: ModelEvidence) -> dict[str, Any]:
    return {"layer": model.layer.name, **{name: getattr(model, name) for name in _COLUMNS[1:]}}


def _shown(report: EvidenceReport, rows: int) -> Iterator[Block]:
    yield from _show(report)
    if len(report.models) == 1:
        yield from _show_skills(report.models[0], rows)


def _show(report: EvidenceReport) -> Iterator[Block]:
    yield Table(
        ("layer", "texts", "score", "slip", "guess", "mastered", "lacking", "unidentified", "BIC gain"),
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
        title=f"Evidence layers of {plural(len(report.models), 'model')}",
        caption="slip: fails though all skills are mastered; guess: solves though one is lacking; unidentified: "
        "skills of which no text can tell; BIC gain: above 0 the outcomes depend on the skills as the model says",
    )
    weak = [m.layer.name for m in report.models if not m.supported]
    if weak:
        names = ", ".join(weak[:3]) + (f" and {len(weak) - 3} more" if len(weak) > 3 else "")
        yield Note(
            f"Note: the outcomes of {names} are explained as well without skills (BIC gain not above 0): their "
            "skill-by-skill pictures are not supported by the data."
        )
    unsettled = [m.layer.name for m in report.models if not m.converged]
    if unsettled:
        yield Note(f"Note: the estimate had not settled for {', '.join(unsettled)}.")


def _show_skills(model: ModelEvidence, rows: int) -> Iterator[Block]:
    told = [s for s in model.skills if s.mastery is not None]
    head, tail = told[: (rows + 1) // 2], told[(rows + 1) // 2 :][-(rows // 2) :] if rows > 1 else []
    if head:
        yield Table(
            ("skill", "class", "mastery", "±", "texts that tell"),
            [
                (s.name, s.skill_class or "", number(s.mastery), number(s.deviation), number(s.informative))
                for s in (*head, *tail)
            ],
            title=f"The most and the least certain of {plural(len(told), 'skill')}",
            caption=cut(len(head) + len(tail), len(told), "--rows"),
        )
    unidentified = [s for s in model.skills if s.mastery is None]
    if unidentified and rows:
        reasons = {s.reason for s in unidentified}
        for reason in sorted(reasons):
            names = [s.name for s in unidentified if s.reason == reason]
            more = f" and {len(names) - 8} more" if len(names) > 8 else ""
            yield Note(
                f"No text can tell of {plural(len(names), 'skill')}, because {reason}: {', '.join(names[:8])}{more}."
            )
