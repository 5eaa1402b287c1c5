"""The command `evidence`: which skills models master, from the texts they solved."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.group import DatasetOption, Run, command, single_dataset
from explorer.cli.output import Block, Note, Result, Table, cut, number, rows_of, share
from explorer.errors import SkillgraphError
from explorer.options import EVIDENCE_FIT_HELP, NOISE_HELP, EvidenceFit, Noise, PosteriorMethod
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.evidence import EvidenceReport, ModelEvidence

__all__ = ["evidence"]

_COLUMNS = (
    "layer", "attempted", "score", "ability", "ability_error", "slip", "guess", "mastered", "lacking", "unidentified",
    "bic_gain", "supported", "converged",
)  # fmt: skip


@command(store="write", rows=True, advice="name fewer models in place of --all-models or --family, or take one --part")
def evidence(
    run: Run,
    models: Annotated[
        list[str] | None, typer.Argument(help="Models with outcomes.", metavar="[MODEL]...", show_default=False)
    ] = None,
    dataset: DatasetOption = None,
    all_models: Annotated[bool, typer.Option("--all-models", help="All models with outcomes.")] = False,
    family: Annotated[
        str | None,
        typer.Option("--family", help="This base model, with all that was fine-tuned from it.", show_default=False),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the layer of a single model.", show_default="the model")
    ] = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only texts of this part (repeatable).", show_default="all")
    ] = None,
    fit: Annotated[EvidenceFit, typer.Option("--fit", help=EVIDENCE_FIT_HELP)] = "irt",
    solve_rate: Annotated[
        float,
        typer.Option("--solve-rate", help="With irt and additive: solve rate from which a skill counts as mastered."),
    ] = 0.5,
    noise: Annotated[
        Noise,
        typer.Option("--noise", help=NOISE_HELP),
    ] = "family",
    method: Annotated[
        PosteriorMethod, typer.Option("--method", help="With dina: how the posterior is found.")
    ] = "auto",
    mastered: Annotated[
        float, typer.Option("--mastered", help="Lowest probability at which a skill is in the layer.")
    ] = 0.5,
    pass_score: Annotated[
        float | None,
        typer.Option("--pass-score", help="Scores of at least this count as solved.", show_default="scores as shares"),
    ] = None,
    common: Annotated[bool, typer.Option("--common", help="Only texts that all these models attempted.")] = False,
    ignore_class: Annotated[
        list[str] | None, typer.Option("--ignore-class", help="Leave out skills of this class (repeatable).")
    ] = None,
    judge: Annotated[
        bool,
        typer.Option("--judge/--no-judge", help="Also predict held-out outcomes, to see whether skills add anything."),
    ] = True,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Most skills to list for a single model.")] = 20,
) -> Result:
    """Estimate which skills models master from the texts they solved, one layer a model, judged on held-out outcomes.

    Example: skillgraph evidence --all-models

    Example: skillgraph evidence codellama-7b --ignore-class task

    Example: skillgraph evidence --family codellama-7b
    """
    from explorer.service.evidence import evidence as estimate
    from explorer.service.evidence import family_models

    if not models and not all_models and family is None:
        raise SkillgraphError("name a model, or give --all-models, or --family with a base model")
    if (bool(models), all_models, family is not None).count(True) > 1:
        raise SkillgraphError("give either models or --all-models or --family, not two of them")
    with run.opened() as store, run.progress("Estimating") as progress:
        chosen = single_dataset(store, dataset)
        report = estimate(
            store,
            chosen,
            models=models or (() if family is None else family_models(store, chosen, family)),
            name=name,
            parts=part or (),
            fit=fit,
            noise=noise,
            method=method,
            mastered=mastered,
            solve_rate=solve_rate,
            pass_score=pass_score,
            common=common,
            ignored_classes=ignore_class or (),
            judged=judge,
            progress=progress,
        )
    return Result(report, _shown(report, rows), rows_of(map(_row, report.models), columns=_COLUMNS))


def _row(model: ModelEvidence) -> dict[str, Any]:
    return {"layer": model.layer.name, **{name: getattr(model, name) for name in _COLUMNS[1:]}}


def _shown(report: EvidenceReport, rows: int) -> Iterator[Block]:
    yield from _show(report)
    if len(report.models) == 1:
        yield from _show_skills(report.models[0], rows)


_FITS = {
    "irt": "ability, difficulty and skills",
    "additive": "ability and additive skills",
    "dina": "all skills needed (DINA)",
    "dino": "any skill enough (DINO)",
    "gdina": "a rate for each combination (G-DINA)",
}


def _show(report: EvidenceReport) -> Iterator[Block]:
    yield from _show_judgement(report)
    response = report.noise is None
    columns = ("ability", "±") if response else ("slip", "guess")
    yield Table(
        ("layer", "texts", "score", *columns, "mastered", "lacking", "unidentified", "skills add"),
        [
            (
                m.layer.name,
                number(m.attempted),
                share(m.score),
                *((number(m.ability), number(m.ability_error)) if response else (number(m.slip), number(m.guess))),
                number(m.mastered),
                number(m.lacking),
                number(m.unidentified),
                _added(m),
            )
            for m in report.models
        ],
        title=f"Evidence layers of {plural(len(report.models), 'model')}",
        caption=(
            "ability in logits; mastered: skills at least half of whose texts the model probably solves"
            if response
            else "slip: fails a text although it has the skills; guess: solves a text although it lacks them"
        )
        + "; unidentified: skills whose mastery no text shows; skills add: how much log-loss on held-out outcomes "
        "falls when skills are known besides ability and difficulty, in thousandths, ± one standard error",
    )
    if report.intervals is not None:
        yield Note(f"Note: {report.intervals}")
    weak = [m.layer.name for m in report.models if m.supported is False]
    if weak:
        names = ", ".join(weak[:3]) + (f" and {len(weak) - 3} more" if len(weak) > 3 else "")
        yield Note(
            f"Note: skills add nothing distinguishable from noise to what ability and difficulty predict for {names}: "
            "read what these layers say about single skills as a description, not as a prediction."
        )
    unsettled = [m.layer.name for m in report.models if not m.converged]
    if unsettled:
        yield Note(f"Note: the estimate did not converge for {', '.join(unsettled)}.")


def _added(model: ModelEvidence) -> str:
    judged = model.judgement
    if judged is None:
        return "not judged"
    return f"{'yes' if judged.skills_add else 'no'} ({_thousandths(judged.gain, judged.gain_error)})"


def _thousandths(mean: float, error: float) -> str:
    """A difference of log-loss; outcomes of one text alone have no standard error."""
    return f"{1000 * mean:+.1f} ± {1000 * error:.1f}" if math.isfinite(error) else f"{1000 * mean:+.1f}, error unknown"


def _show_judgement(report: EvidenceReport) -> Iterator[Block]:
    from explorer.service.judging import BASELINES

    judged = report.judgement
    if judged is None:
        yield Note("The fit was not judged on held-out outcomes.")
        return
    names = {**BASELINES, **_FITS}
    yield Table(
        ("predicted by", "log-loss", "AUC", "calibration error", "the fit is better by"),
        [
            (
                names.get(row.fit, row.fit),
                f"{row.log_loss:.3f}",
                "–" if row.auc is None else f"{row.auc:.3f}",
                f"{row.calibration_error:.3f}",
                "" if row is judged.fitted else _thousandths(row.behind, row.behind_error),
            )
            for row in judged.fits
        ],
        title=f"Held-out judgement on {plural(judged.held_out, 'outcome')}",
        caption="each outcome is predicted from the outcomes in the other four fifths; the last row is the fit of the "
        f"layers; calibration error: of exact probabilities it would be {judged.calibration_by_chance:.3f}, by chance; "
        "better by: in thousandths of log-loss, ± one standard error; "
        f"skills add {_thousandths(judged.gain, judged.gain_error)} thousandths of log-loss beyond "
        "difficulty (one standard error)",
    )
    if judged.alike:
        yield Note("Note: all outcomes are alike, so no fit can be judged by them.", kept=True)
    if judged.better:
        better = " and ".join(names.get(name, name) for name in judged.better)
        yield Note(
            f"Note: the fit predicts held-out outcomes worse than {better}: it sees more in these outcomes than is "
            "there. Estimate from the outcomes of more models or texts, or try another --fit.",
            kept=True,
        )


def _show_skills(model: ModelEvidence, rows: int) -> Iterator[Block]:
    told = [s for s in model.skills if s.mastery is not None]
    head, tail = told[: (rows + 1) // 2], told[(rows + 1) // 2 :][-(rows // 2) :] if rows > 1 else []
    with_rates = any(s.solve_rate is not None for s in told)
    rates = ("solve rate", "95 %", "expected") if with_rates else ("±",)
    if head:
        yield Table(
            ("skill", "class", "mastery", *rates, "informative texts"),
            [
                (
                    s.name,
                    s.skill_class or "",
                    number(s.mastery),
                    *(
                        (share(s.solve_rate), f"{share(s.low)} – {share(s.high)}", share(s.expected))
                        if with_rates
                        else (number(s.deviation),)
                    ),
                    number(s.informative),
                )
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
                f"No text shows the mastery of {plural(len(names), 'skill')}, because {reason}: "
                f"{', '.join(names[:8])}{more}."
            )
