"""The command `tags`: do the tags of texts fit the outcomes of models?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import DatasetOption, Run, command, single_dataset
from explorer.cli.output import Block, Note, Result, Table, cut, number, rows_of, share
from explorer.options import TagMethod
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.tags import TagFinding, TagReport

__all__ = ["tags"]

_FEW = 100  # models, below which most wrong tags of single texts stay hidden


@command(store="read", rows=True, advice="take one --part")
def tags(
    run: Run,
    dataset: DatasetOption = None,
    part: Annotated[
        list[str] | None, typer.Option("--part", help="Only texts of this part (repeatable).", show_default="all")
    ] = None,
    ignore_class: Annotated[
        list[str] | None, typer.Option("--ignore-class", help="Leave out skills of this class (repeatable).")
    ] = None,
    pass_score: Annotated[
        float | None,
        typer.Option("--pass-score", help="Scores of at least this count as solved.", show_default="scores as shares"),
    ] = None,
    method: Annotated[
        TagMethod,
        typer.Option(
            "--method", help="Tags to add and to drop by residuals (any number of skills) or by pvaf (at most 12)."
        ),
    ] = "auto",
    rate: Annotated[
        float,
        typer.Option("--rate", help="Expected share of false findings of each kind; a higher one lists more."),
    ] = 0.05,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Most rows of each kind to list.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of permutations.")] = 0,
) -> Result:
    """List texts and skills whose tags the outcomes of models contradict.

    Example: skillgraph tags

    Example: skillgraph tags --rate 0.2 --format csv
    """
    from explorer.service.tags import TagFinding, check_tags

    with run.opened() as store:
        report = check_tags(
            store,
            single_dataset(store, dataset),
            parts=part or (),
            ignored_classes=ignore_class or (),
            pass_score=pass_score,
            method=method,
            rate=rate,
            seed=seed,
        )
    return Result(report, _shown(report, rows), rows_of(report.findings, TagFinding))


def _shown(report: TagReport, rows: int) -> Iterator[Block]:
    yield (
        f"{report.dataset}: {plural(report.tags, 'tag')} of {plural(report.texts, 'text')} compared with the outcomes "
        f"of {plural(report.models, 'model')}: {plural(len(report.findings), 'finding')}"
    )
    failed, splits = report.of("failed"), report.of("split")
    if failed:
        yield Table(
            ("text", "solved by", "of models", "q"),
            [(row.text or "", share(row.effect), number(row.models), number(row.q_value)) for row in failed[:rows]],
            title="Texts that models with all of their skills mostly fail",
            caption="the text may be hard, wrong, or require a skill that is not tagged" + _more(failed, rows),
        )
    if splits:
        yield Table(
            ("skill", "agreement", "q", "one kind", "another kind"),
            [
                (row.skill or "", number(row.effect), number(row.q_value), _named(row.texts), _named(row.others))
                for row in splits[:rows]
            ],
            title="Skills whose texts are of two kinds",
            caption="agreement: correlation over models between the two kinds: 1 for one skill, 0 for two"
            + _more(splits, rows),
        )
    by_residuals = report.method == "residuals"
    weight = ("counts for", "±") if by_residuals else ("more variance",)
    for kind, title in (("add", "Tags to add"), ("drop", "Tags to drop")):
        found = report.of("add" if kind == "add" else "drop")
        if found:
            yield Table(
                ("text", "skill", *weight, "q"),
                [
                    (
                        row.text or "",
                        row.skill or "",
                        number(row.effect),
                        *((number(row.error),) if by_residuals else ()),
                        "not tested" if row.q_value is None else number(row.q_value),
                    )
                    for row in found[:rows]
                ],
                title=title,
                caption=(
                    "counts for: effect of the skill on the text; 1 is a typical tag, 0 is none"
                    if by_residuals
                    else "more variance: share of the variance between models that the changed tags explain besides"
                )
                + _more(found, rows),
            )
    # Where nothing was found, how much was looked at is the answer.
    yield Note(
        f"Looked for: texts that fail although their skills are mastered, among {report.failed_tested:,} with models "
        f"that master all of them; skills of two kinds, among {report.split_tested:,} with enough texts; tags to add "
        f"and to drop, of {plural(report.texts, 'text')} and {plural(report.skills, 'skill')}."
        + (" With one skill these can hardly be told from ability." if report.skills == 1 else "")
    )
    yield Note("A finding is something to look at, not a correction: outcomes alone do not show why they differ.")
    if report.models < _FEW:
        yield Note(
            f"With {plural(report.models, 'model')} most wrong tags of single texts cannot be told from noise: a tag "
            "that is not listed is not confirmed.",
            kept=True,
        )


def _more(found: tuple[TagFinding, ...], rows: int) -> str:
    said = cut(min(rows, len(found)), len(found), "--rows")
    return f"; {said}" if said else ""


def _named(texts: tuple[str, ...]) -> str:
    return ", ".join(texts[:2]) + (", …" if len(texts) > 2 else "")
