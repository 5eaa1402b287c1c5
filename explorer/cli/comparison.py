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
    from explorer.service.changes import Gain
    from explorer.service.comparison import ClassRow, LayerComparison, LevelRow, SkillChange
    from explorer.service.family import FamilyMember, FamilyReport

__all__ = ["compare"]


@command(store="read", rows=True, advice="compare two layers, without --family and --matrix")
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
    rows: Annotated[int, typer.Option("--rows", min=0, help="Most gained, lost and open skills to list.")] = 10,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Write the whole comparison to this self-contained HTML file; - is standard output."
        ),
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="Write one row per skill (with --family: per layer) to this CSV file; - is standard output."
        ),
    ] = None,
    matrix: Annotated[
        Path | None,
        typer.Option(
            "--matrix",
            help="With --family: write the solve rate of every evidence layer on every skill, with intervals, to this "
            "CSV file; - is standard output.",
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
        return _families(run, first, dataset, report, csv_file, matrix)
    if matrix is not None:
        raise SkillgraphError("--matrix needs --family")
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
    run: Run,
    root: str | None,
    dataset: str | None,
    report: Path | None,
    csv_file: Path | None,
    matrix: Path | None,
) -> Result | None:
    from explorer.service.family import family

    grid = None
    with run.opened() as store, run.progress("Comparing") as progress:
        name = single_dataset(store, dataset)
        found = family(store, name, root=root, progress=progress)
        of_kind = any("solve_rate" in m.layer.parameters for m in found.members)
        if matrix is not None or (report is not None and of_kind):
            from explorer.service.matrix import family_matrix

            grid = family_matrix(store, name, root=root)
        changes: tuple[Gain, ...] = ()
        if report is not None:
            from explorer.service.changes import learned_changes, measured_changes

            changes = learned_changes(store, name, found) if grid is None else measured_changes(grid)
    if report is not None:
        from explorer.export import family_html

        write_text(report, family_html(found, grid, changes))
    if matrix is not None and grid is not None:
        from explorer.service.matrix import matrix_csv

        write_text(matrix, matrix_csv(grid, raw=run.raw))
        if str(matrix) == "-":
            return None
        run.note(f"Written: {matrix}")
    return _written(run, found, _show_family(found), _members(found), report, csv_file)


def _written(
    run: Run, found: object, shown: Iterable[Block], rows: Rows, report: Path | None, csv_file: Path | None
) -> Result | None:
    """What is printed beside the files; to standard output goes either the one or the other."""
    if csv_file is not None:
        write_text(csv_file, rows.csv(raw=run.raw))
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
    paired = found.paired
    sure = paired is not None
    yield from _show_paired(found)
    yield Table(
        ("class", *_headed(columns), *(("solve rate changed by",) if sure else ())),
        [
            (
                row.skill_class or "(none)",
                *(number(getattr(row, key)) for key in columns),
                *((_difference(row),) if sure else ()),
            )
            for row in found.by_class
        ],
        title=counts + (f", {found.open:,} not told apart" if found.open else ""),
        caption=f"first: {first}; second: {second}" + (f"; {_PAIRED}" if sure else ""),
    )
    if found.by_level:
        yield Table(
            ("level", *_headed(columns), *(("solve rate changed by",) if sure else ())),
            [
                (
                    "(none)" if row.level is None else str(row.level),
                    *(number(getattr(row, key)) for key in columns),
                    *((_difference(row),) if sure else ()),
                )
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


_PAIRED = (
    "gained, lost: the second solves more or fewer of the skill's texts, at a false discovery rate of 5 %; kept: the "
    "difference is shown to be within 10 points; the others are not told apart"
)


def _headed(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple("not told apart" if column == "open" else column for column in columns)


def _difference(row: ClassRow | LevelRow | SkillChange) -> str:
    """In points with its 95 % interval, and a star where it is beyond noise."""
    if row.difference is None or row.low is None or row.high is None:
        return "–"
    star = " *" if row.q_value is not None and row.q_value <= 0.05 else ""
    return f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} to {100 * row.high:+.1f}){star}"


def _show_paired(found: LayerComparison) -> Iterator[Block]:
    p = found.paired
    if p is None:
        return
    verdict = "beyond noise" if p.p_value <= 0.05 else "within noise"
    yield (
        f"Item by item on {plural(p.items, 'common text')}: {found.first.name} solves {p.first:.1%}, "
        f"{found.second.name} {p.second:.1%}, a difference of {100 * p.difference:+.1f} points "
        f"({100 * p.low:+.1f} to {100 * p.high:+.1f}), {verdict}. {found.first.name} did better on "
        f"{p.only_first:,} of them, {found.second.name} on {p.only_second:,} (McNemar: p = {p.p_value:.2g})."
    )


def _show_changes(found: LayerComparison, every: Sequence[SkillChange], kind: str, rows: int) -> Iterator[Block]:
    listed = every[:rows]
    if not listed:
        return
    more = cut(len(listed), len(every), "--rows")
    if found.paired is not None:
        yield Table(
            ("not told apart" if kind == "open" else kind, "class", "texts", "first", "second", "points", "q", "e.g."),
            [
                (
                    c.name,
                    c.skill_class or "",
                    number(c.items),
                    share(c.solved_first),
                    share(c.solved_second),
                    _difference(c),
                    "–" if c.q_value is None else f"{c.q_value:.2g}",
                    ", ".join((c.texts_first if (c.difference or 0) < 0 else c.texts_second)[:1]),
                )
                for c in listed
            ],
            caption="points: change of the solve rate with its 95 % interval; q: after Benjamini and Hochberg"
            + (f"; {more}" if more else ""),
        )
        return
    yield Table(
        (kind, "class", "wave", "links", "attached most to"),
        [
            (
                c.name,
                c.skill_class or "",
                str(c.wave),
                number(c.attached_to),
                ", ".join(a.name for a in c.attachments[:2]),
            )
            for c in listed
        ],
        caption=f"links: how often a text requires it together with a skill of {found.first.name}"
        + (f"; {more}" if more else ""),
    )


def _show_mastery(found: LayerComparison) -> Iterator[Block]:
    m = found.mastery
    if m is not None:
        yield (
            f"Mastery of the {plural(m.compared, 'skill')} that both can judge changed by {m.mean_change:+.3f} ± "
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


def _points(member: FamilyMember) -> str:
    p = member.paired
    if p is None:
        return "–"
    star = " *" if p.p_value <= 0.05 else ""
    return f"{100 * p.difference:+.1f} ({100 * p.low:+.1f} to {100 * p.high:+.1f}){star}"


def _show_family(found: FamilyReport) -> Iterator[Block]:
    if not found.pairs:
        yield Note(
            "No layer has a base: make one with `skillgraph learn --base`, or estimate models that say what they were "
            "fine-tuned from with `skillgraph evidence --all-models`."
        )
        return
    yield Table(
        ("layer", "learned", "kept", "gained", "lost", "not told apart", "points", "skills add"),
        [
            (
                "  " * m.depth + ("└ " if m.depth else "") + m.layer.name,
                number(m.layer.learned),
                *map(number, (m.kept, m.gained, m.lost, m.open)),
                _points(m),
                {True: "yes", False: "no", None: "–"}[m.supported],
            )
            for m in found.members
        ],
        title=f"Fine-tuned layers, each against its base ({found.pairs})",
        caption="points: change of the solve rate on common texts with its 95 % interval, * beyond noise (McNemar); "
        "skills add: to what ability and difficulty predict of held-out outcomes; evidence layers: " + _PAIRED,
    )
    unsupported = sum(m.supported is False for m in found.members)
    if unsupported:
        yield Note(
            f"Note: for {unsupported} of these {plural(len(found.members), 'layer')} skills add nothing "
            "distinguishable from noise to what ability and difficulty predict."
        )
    other_texts = sum(m.same_texts is False for m in found.members)
    if other_texts:
        yield Note(
            f"Note: {plural(other_texts, 'layer')} {'rests' if other_texts == 1 else 'rest'} on other texts than "
            "the base: `skillgraph evidence --common` uses only texts that all models attempted."
        )


def _changes(found: LayerComparison) -> Rows:
    plain = (
        "skill", "name", "skill_class", "level", "change", "wave", "component", "attached_to",
        "mastery_first", "mastery_second", "mastery_change", "mastery_deviation",
        "items", "solved_first", "solved_second", "difference", "low", "high", "q_value", "beyond_overall",
        "only_first", "only_second",
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
