"""The command `compare`: two layers, or whole families of them, side by side."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from explorer.service.comparison import LayerComparison, SkillChange
    from explorer.service.family import FamilyReport

__all__ = ["register"]


@guarded
def compare(
    first: Annotated[
        str | None, typer.Argument(help="The first layer, usually the foundation; with --family a root.")
    ] = None,
    second: Annotated[str | None, typer.Argument(help="The second layer, usually the fine-tuned one.")] = None,
    dataset: DatasetOption = None,
    family: Annotated[
        bool, typer.Option("--family", help="Every layer against its base, as a tree; FIRST may name one root.")
    ] = False,
    rows: Annotated[int, typer.Option("--rows", min=0, help="Gained, lost and open skills to list.")] = 10,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write all of it to this self-contained HTML file.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write one row a skill (with --family: a layer) to this CSV file.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Two layers side by side: skills kept, gained and lost, what they attach to, and what theory expects.

    Example: skillgraph compare foundation tuned --report tuned.html

    Example: skillgraph compare --family
    """
    if family:
        if second is not None:
            raise SkillgraphError("with --family give no second layer: every layer is compared with its own base")
        _families(first, dataset, report, csv_file, store, as_json)
        return
    if first is None or second is None:
        raise SkillgraphError("name two layers to compare, or give --family (`skillgraph layers` lists the layers)")
    from explorer import service

    with opened(store) as opened_store:
        found = service.compare(opened_store, single_dataset(opened_store, dataset), first, second)
    if report is not None:
        from explorer.service.report import comparison_html

        _write(report, comparison_html(found))
    if csv_file is not None:
        _write(csv_file, _changes_csv(found))
    if as_json:
        emit_json(found)
        return
    _show(found, rows)
    _say_written(report, csv_file)


def _families(
    root: str | None, dataset: str | None, report: Path | None, csv_file: Path | None, store: str | None, as_json: bool
) -> None:
    from explorer.service.family import family

    with opened(store) as opened_store, progress_bar("Comparing", quiet=as_json) as progress:
        found = family(opened_store, single_dataset(opened_store, dataset), root=root, progress=progress)
    if report is not None:
        from explorer.service.report import family_html

        _write(report, family_html(found))
    if csv_file is not None:
        _write(csv_file, _family_csv(found))
    if as_json:
        emit_json(found)
        return
    if not found.pairs:
        note(
            "No layer has a base: make one with `skillgraph learn --base`, or estimate models that say what they were "
            "fine-tuned from with `skillgraph evidence --all-models`."
        )
        return
    _show_family(found)
    _say_written(report, csv_file)


def _write(path: Path, text: str) -> None:
    from explorer.service.output import atomic_output

    with atomic_output(path) as stream:
        stream.write(text.encode())


def _say_written(*paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            note(f"Written: {path}")


def _show(found: LayerComparison, rows: int) -> None:
    first, second = found.first.name, found.second.name
    for caution in found.cautions:
        note(f"Note: {caution}")
    columns = ("skills", "first", "second", "kept", "gained", "lost", *(("open",) if found.open else ()))
    counts = f"{found.kept:,} kept, {found.gained:,} gained, {found.lost:,} lost"
    show_table(
        ("class", *columns),
        [(row.skill_class or "(none)", *(number(getattr(row, key)) for key in columns)) for row in found.by_class],
        title=counts + (f", {found.open:,} open" if found.open else ""),
        caption=f"first: {first}; second: {second}"
        + ("; open: in one, and the outcomes of the other cannot tell" if found.open else ""),
    )
    if found.by_level:
        show_table(
            ("level", *columns),
            [
                ("(none)" if row.level is None else str(row.level), *(number(getattr(row, key)) for key in columns))
                for row in found.by_level
            ],
        )
    _show_components(found)
    for kind in ("gained", "lost", "open"):
        _show_changes(found, [c for c in found.changes if c.change == kind][:rows], kind)
    _show_mastery(found)
    _show_training(found)
    typer.echo(
        f"Giant component: {found.giant_first:.1%} of the skills of {first}'s texts, {found.giant_second:.1%} of "
        f"those of {second}'s."
    )


def _show_components(found: LayerComparison) -> None:
    if len(found.by_component) > 1:
        show_table(
            ("component", "skills", "kept", "lost", "gained"),
            [
                (
                    "others" if row.component is None else str(row.component),
                    *map(number, (row.skills, row.kept, row.lost, row.gained)),
                )
                for row in found.by_component[:6]
            ],
            caption=f"components of {found.first.name}'s association graph, 0 the largest; a gained skill counts where "
            "it shares most texts",
        )


def _show_changes(found: LayerComparison, listed: Sequence[SkillChange], kind: str) -> None:
    if not listed:
        return
    with_mastery = found.mastery is not None
    show_table(
        (kind, "class", "wave", "links", *(("mastery",) if with_mastery else ()), "attached most to"),
        [
            (
                c.name,
                c.skill_class or "",
                str(c.wave),
                number(c.attached_to),
                *((_masteries(c),) if with_mastery else ()),
                ", ".join(a.name for a in c.attachments[:2]),
            )
            for c in listed
        ],
        caption=f"links: how often a text requires it together with a skill of {found.first.name}",
    )


def _masteries(change: SkillChange) -> str:
    pair = " → ".join("?" if p is None else f"{p:.2f}" for p in (change.mastery_first, change.mastery_second))
    return pair if change.mastery_deviation is None else f"{pair} ± {change.mastery_deviation:.2f}"


def _show_mastery(found: LayerComparison) -> None:
    m = found.mastery
    if m is not None:
        typer.echo(
            f"Mastery of the {m.compared:,} skills of which both can tell changed by {m.mean_change:+.3f} ± "
            f"{m.mean_change_deviation:.3f} (mean, one standard deviation); expected gains {m.expected_gained:.1f} ± "
            f"{m.expected_gained_deviation:.1f}, losses {m.expected_lost:.1f} ± {m.expected_lost_deviation:.1f}. "
            f"Mean outcome {m.score_first:.1%} to {m.score_second:.1%}."
        )


def _show_training(found: LayerComparison) -> None:
    if found.training:
        show_table(
            ("training", "layer", "measured", "Poisson", "same degrees"),
            [
                (row.mode, row.layer or "–", share(row.measured), share(row.poisson), share(row.degrees))
                for row in found.training
            ],
            title="Learned share of all skills, measured and predicted",
            caption="Poisson: from mean numbers of skills alone; same degrees: random graphs with these degrees",
        )


def _show_family(found: FamilyReport) -> None:
    show_table(
        ("layer", "learned", "kept", "gained", "lost", "open", "mastery", "score"),
        [
            (
                "  " * m.depth + ("└ " if m.depth else "") + m.layer.name,
                number(m.layer.learned),
                *map(number, (m.kept, m.gained, m.lost, m.open)),
                "–" if m.mean_change is None else f"{m.mean_change:+.3f} ± {m.mean_change_deviation:.3f}",
                "–" if m.score_change is None else f"{m.score_change:+.1%}",
            )
            for m in found.members
        ],
        title=f"Fine-tuned layers, each against its base ({found.pairs})",
        caption="mastery: mean change and its standard deviation; below twice that it is within the uncertainty of the "
        "estimates; score: change of the mean outcome; open: the outcomes of one of the two cannot tell",
    )
    unsupported = sum(m.supported is False for m in found.members)
    if unsupported:
        note(
            f"Note: the outcomes of {unsupported} of these {len(found.members)} layers are explained as well without "
            "skills (Bayesian information criterion): their skill-by-skill pictures are not supported by the data."
        )
    other_texts = sum(m.same_texts is False for m in found.members)
    if other_texts:
        note(
            f"Note: {other_texts} layers rest on other texts than their base: `skillgraph evidence --common` uses only "
            "those that all attempted."
        )


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _changes_csv(found: LayerComparison) -> str:
    plain = (
        "skill", "name", "skill_class", "level", "change", "wave", "component", "attached_to",
        "mastery_first", "mastery_second", "mastery_change", "mastery_deviation",
    )  # fmt: skip
    rows = [
        [*(getattr(c, key) for key in plain), ";".join(f"{a.skill}={a.weight}" for a in c.attachments)]
        for c in found.changes
    ]
    return _csv((*plain, "attachments"), rows)


def _family_csv(found: FamilyReport) -> str:
    plain = (
        "model", "depth", "kept", "gained", "lost", "open", "mean_change", "mean_change_deviation",
        "expected_gained", "expected_lost", "score", "score_change", "giant",
    )  # fmt: skip
    rows = [
        [m.layer.name, m.layer.base, m.layer.learned, m.layer.skills, *(getattr(m, key) for key in plain)]
        for m in found.members
    ]
    return _csv(("layer", "base", "learned", "skills", *plain), rows)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)
