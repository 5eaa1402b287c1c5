"""Comparisons as one HTML file that needs nothing else: no script, no font, no network. Templates are beside this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.service.changes import Gain
from explorer.service.comparison import ClassRow, LayerComparison, LevelRow, PairedOutcomes, SkillChange
from explorer.service.family import FamilyReport
from explorer.service.matrix import FamilyMatrix, Grouping
from explorer.store.protocol import LayerInfo
from explorer.wording import plural

__all__ = ["comparison_html", "family_html"]

_MODES = {
    "foundation": "before",
    "frozen": "frozen: no basic skills are added",
    "continued": "continued: any skill can be learned",
    "joint": "joint: all texts together",
}


@dataclass(frozen=True)
class _Table:
    """A table of the page; columns in `text` are left-aligned."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    text: tuple[int, ...] = ()


def comparison_html(found: LayerComparison, *, rows: int | None = None) -> str:
    """A comparison as a page.

    Args:
        found: The comparison.
        rows: Most gained, lost and open skills to list of each kind; None means all.

    Returns:
        A whole HTML document, everything in it.
    """
    first, second = found.first, found.second
    counts = [(kind, getattr(found, kind)) for kind in ("kept", "gained", "lost", "open")]
    return _filled(
        "comparison.html",
        title=f"{second.name} beside {first.name}",
        found=found,
        first=first,
        second=second,
        about=f"{_about(first)} {_about(second)}",
        counts=counts,
        label=", ".join(f"{n:,} {_said(kind)}" for kind, n in counts),
        tables=[*_paired(found), *_mastery(found), *_training(found), *_groups(found)],
        skills=[(kind, _skills(found, kind, rows)) for kind in ("gained", "lost", "open")],
        provenance=_provenance((first, second)),
    )


def family_html(found: FamilyReport, matrix: FamilyMatrix | None = None, changes: Sequence[Gain] = ()) -> str:
    """A family tree as a page.

    Args:
        found: The families.
        matrix: Its layers by skills, to show too.
        changes: What each layer gained and lost, to list too.

    Returns:
        A whole HTML document, everything in it.
    """
    cautions = tuple(dict.fromkeys(f"{m.layer.name}: {c}" for m in found.members for c in m.cautions))
    columns = ("layer", "learned", "kept", "gained", "lost", "not told apart", "solve rate, points", "p", "skills add")
    rows = [
        (
            "\u00a0\u00a0" * m.depth + ("└ " if m.depth else "") + m.layer.name,
            f"{m.layer.learned:,} of {m.layer.skills:,}",
            *(_figure(v) for v in (m.kept, m.gained, m.lost, m.open)),
            _points(m.paired),
            "–" if m.paired is None else f"{m.paired.p_value:.2g}",
            {True: "yes", False: "no", None: "–"}[m.supported],
        )
        for m in found.members
    ]
    note = (
        "Solve rate: change on the texts that both models attempted, with its 95 % interval; p: McNemar's test. Skills "
        "add: whether skills predict held-out outcomes better than ability and difficulty alone. Between evidence "
        "layers gained and lost count what is beyond noise, kept what is shown to be within 10 points."
    )
    return _filled(
        "family.html",
        title=f"Families of {found.dataset}",
        pairs=plural(found.pairs, "fine-tuned layer"),
        tree=_Table("Base and fine-tuned layers", columns, rows, note),
        sentences=cautions,
        changes=[
            (f"{layer}: {plural(len(listed), 'skill')} {change}", _changes(listed))
            for layer in dict.fromkeys(gain.layer for gain in changes)
            for change in ("gained", "lost")
            if (listed := [gain for gain in changes if (gain.layer, gain.change) == (layer, change)])
        ],
        matrices=[] if matrix is None else _matrices(matrix),
        provenance=_provenance([m.layer for m in found.members if m.depth == 0]),
    )


def _changes(rows: Sequence[Gain]) -> _Table:
    base = rows[0].base
    if rows[0].points is None:
        told = [(gain.name, gain.skill_class) for gain in rows]
        return _Table(f"Compared with {base}", ("skill", "class"), told, text=(1,))
    measured = [(g.name, g.skill_class, f"{g.points:+.1f}", f"{g.q_value:.2g}") for g in rows]
    note = "Points: change of the solve rate. q: of no change, after Benjamini and Hochberg."
    return _Table(f"Compared with {base}, the surest first", ("skill", "class", "points", "q"), measured, note, (1,))


def _filled(template: str, **values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("explorer.export"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals.update(figure=_figure, share=_share)
    return environment.get_template(template).render(**values).lstrip() + "\n"


def _about(info: LayerInfo) -> str:
    made = {"foundation": "learned without a base", "evidence": "estimated from outcomes"}.get(info.kind)
    made = made or f"fine-tuned from {info.base} ({info.mode})"
    return (
        f"{info.name} was {made} on {plural(info.texts, 'text')}: {info.learned:,} of {plural(info.skills, 'skill')} "
        f"({info.learned_fraction:.1%})."
    )


@dataclass(frozen=True)
class _Cell:
    """A solve rate in per cent with what it is coloured by."""

    text: str = ""
    colour: str = ""
    title: str = ""


@dataclass(frozen=True)
class _Matrix:
    """Rows of cells under the names of layers."""

    caption: str
    head: str
    layers: Sequence[str]
    rows: Sequence[tuple[str, Sequence[_Cell]]]


def _matrices(found: FamilyMatrix) -> list[_Matrix]:
    """Classes, then skills, by layers: colour is what a layer has beyond its ability, opacity how sure that is."""
    names = [info.name for info in found.layers]

    def cell(rate: float, expected: float, sure: float, title: str) -> _Cell:
        if np.isnan(rate):
            return _Cell()
        beyond = float(np.clip((rate - expected) / 0.15, -1.0, 1.0))
        colour = "26,127,75" if beyond >= 0 else "179,38,30"
        return _Cell(f"{100 * rate:.0f}", f"rgba({colour},{abs(beyond) * sure:.2f})", title)

    def by_group(by: Grouping) -> list[tuple[str, list[_Cell]]]:
        groups = found.grouped(by)
        return [
            (
                "(none)" if group is None else str(group),
                [
                    cell(
                        groups.rate[m, g],
                        groups.expected[m, g],
                        float(1.0 - (groups.high[m, g] - groups.low[m, g])),
                        f"{name}: {100 * groups.low[m, g]:.0f} to {100 * groups.high[m, g]:.0f} %, "
                        f"{100 * groups.expected[m, g]:.0f} % expected",
                    )
                    for m, name in enumerate(names)
                ],
            )
            for g, group in enumerate(groups.labels)
        ]

    by_skill = [
        (
            found.names[k],
            [
                cell(
                    found.rate[m, k],
                    found.expected[m, k],
                    float(found.sureness[m, k]),
                    f"{name}: {100 * found.low[m, k]:.0f} to {100 * found.high[m, k]:.0f} %, "
                    f"{100 * found.expected[m, k]:.0f} % expected, {plural(int(found.attempted[m, k]), 'text')}",
                )
                for m, name in enumerate(names)
            ],
        )
        for k in range(len(found.skills))
    ]
    by_level = by_group("level") if any(level is not None for level in found.levels) else []
    return [
        _Matrix("Solve rate by class, in per cent", "class", names, by_group("class")),
        *([_Matrix("Solve rate by level, in per cent", "level", names, by_level)] if by_level else []),
        _Matrix("Solve rate by skill, in per cent", "skill", names, by_skill),
    ]


def _said(kind: str) -> str:
    return "not told apart" if kind == "open" else kind


def _points(row: PairedOutcomes | ClassRow | LevelRow | SkillChange | None) -> str:
    if row is None or row.difference is None or row.low is None or row.high is None:
        return "–"
    return f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} to {100 * row.high:+.1f})"


def _paired(found: LayerComparison) -> list[_Table]:
    p = found.paired
    if p is None:
        return []
    sure = "beyond noise" if p.p_value <= 0.05 else "within noise"
    rows = [
        ("solved by the first", f"{p.first:.1%}"),
        ("solved by the second", f"{p.second:.1%}"),
        ("difference, points", f"{_points(p)}, {sure}"),
        ("texts on which the first did better", f"{p.only_first:,}"),
        ("texts on which the second did better", f"{p.only_second:,}"),
        ("McNemar's test, p", f"{p.p_value:.2g}"),
    ]
    note = (
        "Gained, lost: the second model solves more or fewer of the skill's texts, at a false discovery rate of 5 %. "
        "Kept: the difference is shown to be within 10 points. The others are not told apart."
    )
    return [_Table(f"Item by item on {plural(p.items, 'common text')}", ("", "outcome"), rows, note)]


def _mastery(found: LayerComparison) -> list[_Table]:
    m = found.mastery
    if m is None:
        return []
    rows = [
        ("mean mastery", _change(m.mean_change, m.mean_change_deviation)),
        ("skills gained, expected", f"{m.expected_gained:.1f} ± {m.expected_gained_deviation:.1f}"),
        ("skills lost, expected", f"{m.expected_lost:.1f} ± {m.expected_lost_deviation:.1f}"),
        ("mean outcome", f"{m.score_first:.1%} → {m.score_second:.1%}"),
    ]
    note = (
        "± is one standard deviation of the posterior. Expected counts add up probabilities, so they include skills "
        f"that are probable in neither layer. The first has no evidence about {plural(m.unidentified_first, 'skill')}, "
        f"the second of {m.unidentified_second:,}."
    )
    return [_Table(f"Change of mastery over {plural(m.compared, 'skill')}", ("", "change"), rows, note)]


def _training(found: LayerComparison) -> list[_Table]:
    if not found.training:
        return []
    rows = [
        (
            _MODES[row.mode],
            row.layer or "–",
            _share(row.measured),
            _share(row.poisson),
            _share(row.degrees),
            _share(row.typed),
        )
        for row in found.training
    ]
    columns = ("training", "layer", "measured", "Poisson", "same degrees", "with types")
    note = (
        "Share of all skills. Poisson: predicted from mean numbers of skills alone; same degrees: for random graphs "
        "in which every text and skill has as many partners as here; with types: for those in which every text also "
        "keeps its mix of types of skills."
    )
    return [_Table("Learned skills by training, measured and predicted", columns, rows, note)]


def _groups(found: LayerComparison) -> list[_Table]:
    counts = ("skills", "first", "second", "kept", "gained", "lost", "open")
    parts = []
    for caption, head, rows in (
        ("By class", "class", [(row.skill_class or "(none)", row) for row in found.by_class]),
        ("By level", "level", [("(none)" if row.level is None else str(row.level), row) for row in found.by_level]),
    ):
        if rows:
            sure = found.paired is not None
            cells = [
                (label, *(_figure(getattr(row, key)) for key in counts), *((_points(row),) if sure else ()))
                for label, row in rows
            ]
            heads = (head, *map(_said, counts), *(("solve rate, points",) if sure else ()))
            parts.append(_Table(caption, heads, cells))
    if found.by_component:
        cells = [
            (
                "others" if row.component is None else str(row.component),
                *map(_figure, (row.skills, row.kept, row.lost, row.open, row.gained)),
            )
            for row in found.by_component
        ]
        columns = ("component", "skills", "kept", "lost", "open", "gained")
        note = "Component 0 is the largest. A gained skill counts where it shares most texts."
        parts.append(_Table("By component of the first layer's association graph", columns, cells, note))
    return parts


def _skills(found: LayerComparison, kind: str, most: int | None) -> _Table | None:
    listed = [c for c in found.changes if c.change == kind]
    if not listed:
        return None
    shown = listed if most is None else listed[:most]
    if found.paired is not None:
        told = [
            (
                c.name,
                c.skill_class or "",
                _figure(c.items),
                _share(c.solved_first),
                _share(c.solved_second),
                _points(c),
                "–" if c.q_value is None else f"{c.q_value:.2g}",
                ", ".join((c.texts_first if (c.difference or 0.0) < 0.0 else c.texts_second)[:3]),
            )
            for c in shown
        ]
        heads = ("skill", "class", "texts", "first", "second", "points", "q", "texts that differ most")
        about = (
            "Points: change of the solve rate with its 95 % interval. q: of no change, after Benjamini and Hochberg."
        )
        return _Table(f"{_said(kind).capitalize()} ({len(listed):,})", heads, told, about, text=(1, 7))
    with_mastery = found.mastery is not None
    columns = ("skill", "class", "wave", "links", "attached to", *(("mastery",) if with_mastery else ()))
    rows = [
        (
            c.name,
            c.skill_class or "",
            _figure(c.wave),
            _figure(c.attached_to),
            ", ".join(f"{a.name} ({a.weight:,})" for a in c.attachments),
            *((_masteries(c),) if with_mastery else ()),
        )
        for c in shown
    ]
    rest = f" (the first {len(shown):,} of {len(listed):,})" if len(shown) < len(listed) else f" ({len(listed):,})"
    note = (
        f"Links: how often a text requires it together with a skill of {found.first.name}; attached to: the strongest "
        "of these skills, with their numbers of texts."
    )
    return _Table(kind.capitalize() + rest, columns, rows, note, text=(1, 4))


def _masteries(change: SkillChange) -> str:
    pair = " → ".join("?" if p is None else f"{p:.2f}" for p in (change.mastery_first, change.mastery_second))
    return pair if change.mastery_deviation is None else f"{pair} ± {change.mastery_deviation:.2f}"


def _provenance(infos: Sequence[LayerInfo]) -> str:
    versions = {f"{name} {version}" for info in infos for name, version in info.versions.items()}
    made = "; ".join(f"{info.name}: {info.created_at}" for info in infos if info.created_at)
    return f"Layers made: {made}. Versions: {', '.join(sorted(versions))}."


def _figure(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _change(mean: float | None, deviation: float | None) -> str:
    return "–" if mean is None or deviation is None else f"{mean:+.3f} ± {deviation:.3f}"
