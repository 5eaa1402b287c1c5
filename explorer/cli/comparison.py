"""The command `compare`: two layers, or whole families of them, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.group import DatasetOption, Run, command, single_dataset, write_text
from explorer.cli.output import Block, Note, Result, Rows, Table, cut, number, share
from explorer.errors import SkillgraphError
from explorer.wording import plural

if TYPE_CHECKING:
    from explorer.service.comparison import LayerComparison, SkillChange
    from explorer.service.family import FamilyReport

__all__ = ["compare"]


@command(store="read", rows=True)
def compare(
    run: Run,
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
        Path | None,
        typer.Option("--report", help="Write all of it to this self-contained HTML file; - is standard output."),
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="Write one row a skill (with --family: a layer) to this CSV file; - is standard output."
        ),
    ] = None,
) -> Result | None:
    """Two layers side by side: skills kept, gained and lost, what they attach to, and what theory expects.

    Example: skillgraph compare foundation scipy-continued --report scipy.html

    Example: skillgraph compare --family
    """
    if family:
        if second is not None:
            raise SkillgraphError("with --family give no second layer: every layer is compared with its own base")
        return _families(run, first, dataset, report, csv_file)
    if first is None or second is None:
        raise SkillgraphError("name two layers to compare, or give --family (`skillgraph layers` lists the layers)")
    from explorer import service

    with run.opened() as store:
        found = service.compare(store, single_dataset(store, dataset), first, second)
    changes = _changes(found)
    if report is not None:
        from explorer.export import comparison_html

        write_text(report, comparison_html(found))
    return _written(run, found, [*_show(found, rows)], changes, report, csv_file)


def _families(
    run: Run, root: str | None, dataset: str | None, report: Path | None, csv_file: Path | None
) -> Result | None:
    from explorer.service.family import family

    with run.opened() as store, run.progress("Comparing") as progress:
        found = family(store, single_dataset(store, dataset), root=root, progress=progress)
    if report is not None:
        from explorer.export import family_html

        write_text(report, family_html(found))
    return _written(run, found, _show_family(found), _members(found), report, csv_file)


def _written(
    run: Run, found: object, shown: Iterable[Block], rows: Rows, report: Path | None, csv_file: Path | None
) -> Result | None:
    """What is printed beside the files; to standard output goes either the one or the other."""
    if csv_file is not None:
        write_text(csv_file, rows.csv())
    files = [path for path in (report, csv_file) if path is not None]
    if any(str(path) == "-" for path in files):
        return None
    for path in files:
        run.note(f"Written: {path}")
    return Result(found, shown, rows)


def _show(found: LayerComparison, rows: int) -> Iterator[Block]:
    first, second = found.first.name, found.second.name
    for caution in found.cautions:
        yield Note(f"Note: {caution}", kept=True)
    columns = ("skills", "first", "second", "kept", "gained", "lost", *(("open",) if found.open else ()))
    counts = f"{found.kept:,} kept, {found.gained:,} gained, {found.lost:,} lost"
    yield Table(
        ("class", *columns),
        [(row.skill_class or "(none)", *(number(getattr(row, key)) for key in columns)) for row in found.by_class],
        title=counts + (f", {found.open:,} open" if found.open else ""),
        caption=f"first: {first}; second: {second}"
        + ("; open: in one, and the outcomes of the other cannot tell" if found.open else ""),
    )
    if found.by_level:
        yield Table(
            ("level", *columns),
            [
                ("(none)" if row.level is None else str(row.level), *(number(getattr(row, key)) for key in columns))
                for row in found.by_level
            ],
        )
    yield from _show_components(found)
    for kind in ("gained", "lost", "open"):
        yield from _show_changes(found, [c for c in found.changes if c.change == kind], kind, rows)
    yield from _show_mastery(found)
    yield from _show_training(found)
    yield (
        f"Giant component: {found.giant_first:.1%} of the skills of {first}'s texts, {found.giant_second:.1%} of "
        f"those of {second}'s."
    )


def _show_components(found: LayerComparison) -> Iterator[Block]:
    if len(found.by_component) > 1:
        yield Table(
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


def _show_changes(found: LayerComparison, every: Sequence[SkillChange], kind: str, rows: int) -> Iterator[Block]:
    listed = every[:rows]
    if not listed:
        return
    more = cut(len(listed), len(every), "--rows")
    with_mastery = found.mastery is not None
    yield Table(
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
        caption=f"links: how often a text requires it together with a skill of {found.first.name}"
        + (f"; {more}" if more else ""),
    )


def _masteries(change: SkillChange) -> str:
    pair = " → ".join("?" if p is None else f"{p:.2f}" for p in (change.mastery_first, change.mastery_second))
    return pair if change.mastery_deviation is None else f"{pair} ± {change.mastery_deviation:.2f}"


def _show_mastery(found: LayerComparison) -> Iterator[Block]:
    m = found.mastery
    if m is not None:
        yield (
            f"Mastery of the {m.compared:,} skills of which both can tell changed by {m.mean_change:+.3f} ± "
            f"{m.mean_change_deviation:.3f} (mean, one standard deviation); expected gains {m.expected_gained:.1f} ± "
            f"{m.expected_gained_deviation:.1f}, losses {m.expected_lost:.1f} ± {m.expected_lost_deviation:.1f}. "
            f"Mean outcome {m.score_first:.1%} to {m.score_second:.1%}."
        )


def _show_training(found: LayerComparison) -> Iterator[Block]:
    if found.training:
        yield Table(
            ("training", "layer", "measured", "Poisson", "same degrees", "with types"),
            [
                (
                    row.mode,
                    row.layer or "–",
                    share(row.measured),
                    share(row.poisson),
                    share(row.degrees),
                    share(row.typed),
                )
                for row in found.training
            ],
            title="Learned share of all skills, measured and predicted",
            caption="Poisson: from mean numbers of skills alone; same degrees: random graphs with these degrees; "
            "with types: texts also keep their mix of types of skills",
        )


def _show_family(found: FamilyReport) -> Iterator[Block]:
    if not found.pairs:
        yield Note(
            "No layer has a base: make one with `skillgraph learn --base`, or estimate models that say what they were "
            "fine-tuned from with `skillgraph evidence --all-models`."
        )
        return
    yield Table(
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
        yield Note(
            f"Note: the outcomes of {unsupported} of these {plural(len(found.members), 'layer')} are explained "
            "as well without skills (Bayesian information criterion): the data do not support their skill-by-skill "
            "pictures."
        )
    other_texts = sum(m.same_texts is False for m in found.members)
    if other_texts:
        yield Note(
            f"Note: {plural(other_texts, 'layer')} {'rests' if other_texts == 1 else 'rest'} on other texts than "
            "the base: `skillgraph evidence --common` uses only those that all attempted."
        )


def _changes(found: LayerComparison) -> Rows:
    plain = (
        "skill", "name", "skill_class", "level", "change", "wave", "component", "attached_to",
        "mastery_first", "mastery_second", "mastery_change", "mastery_deviation",
    )  # fmt: skip
    rows = [
        [*(getattr(c, key) for key in plain), ";".join(f"{a.skill}={a.weight}" for a in c.attachments)]
        for c in found.changes
    ]
    return Rows((*plain, "attachments"), rows)


def _members(found: FamilyReport) -> Rows:
    plain = (
        "model", "depth", "kept", "gained", "lost", "open", "mean_change", "mean_change_deviation",
        "expected_gained", "expected_lost", "score", "score_change", "giant",
    )  # fmt: skip
    rows = [
        [m.layer.name, m.layer.base, m.layer.learned, m.layer.skills, *(getattr(m, key) for key in plain)]
        for m in found.members
    ]
    return Rows(("layer", "base", "learned", "skills", *plain), rows)
