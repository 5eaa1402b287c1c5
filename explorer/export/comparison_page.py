"""Comparisons as one HTML file that needs nothing else: no script, no font, no network. Templates are beside this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.service.comparison import LayerComparison, SkillChange
from explorer.service.family import FamilyReport
from explorer.store.protocol import LayerInfo
from explorer.wording import plural

__all__ = ["comparison_html", "family_html"]

_MODES = {
    "foundation": "before",
    "frozen": "frozen: basic skills cannot be added",
    "continued": "continued: everything may be learned",
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
        label=", ".join(f"{n:,} {kind}" for kind, n in counts),
        tables=[*_mastery(found), *_training(found), *_groups(found)],
        skills=[(kind, _skills(found, kind, rows)) for kind in ("gained", "lost", "open")],
        provenance=_provenance((first, second)),
    )


def family_html(found: FamilyReport) -> str:
    """A family tree as a page.

    Args:
        found: The families.

    Returns:
        A whole HTML document, everything in it.
    """
    cautions = tuple(dict.fromkeys(f"{m.layer.name}: {c}" for m in found.members for c in m.cautions))
    columns = ("layer", "learned", "kept", "gained", "lost", "open", "mastery change", "score", "score change")
    rows = [
        (
            "\u00a0\u00a0" * m.depth + ("└ " if m.depth else "") + m.layer.name,
            f"{m.layer.learned:,} of {m.layer.skills:,}",
            *(_figure(v) for v in (m.kept, m.gained, m.lost, m.open)),
            _change(m.mean_change, m.mean_change_deviation),
            _share(m.score),
            _signed_share(m.score_change),
        )
        for m in found.members
    ]
    note = (
        "Mastery change: mean over the skills of which both layers can tell, with its standard deviation; a change "
        "smaller than twice that is within the uncertainty of the estimates."
    )
    return _filled(
        "family.html",
        title=f"Families of {found.dataset}",
        pairs=plural(found.pairs, "fine-tuned layer"),
        tree=_Table("Base and fine-tuned layers", columns, rows, note),
        sentences=cautions,
        provenance=_provenance([m.layer for m in found.members if m.depth == 0]),
    )


def _filled(template: str, **values: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("explorer.export"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals.update(figure=_figure, share=_share)
    return environment.get_template(template).render(**values).lstrip() + "\n"


def _about(info: LayerInfo) -> str:
    made = {"foundation": "learned from nothing", "evidence": "estimated from outcomes"}.get(info.kind)
    made = made or f"fine-tuned from {info.base} ({info.mode})"
    return (
        f"{info.name} was {made} on {plural(info.texts, 'text')}: {info.learned:,} of {plural(info.skills, 'skill')} "
        f"({info.learned_fraction:.1%})."
    )


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
        f"that are likely on neither side. The first cannot tell of {plural(m.unidentified_first, 'skill')}, the "
        f"second of {m.unidentified_second:,}."
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
            cells = [(label, *(_figure(getattr(row, key)) for key in counts)) for label, row in rows]
            parts.append(_Table(caption, (head, *counts), cells))
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


def _signed_share(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1%}"


def _change(mean: float | None, deviation: float | None) -> str:
    return "–" if mean is None or deviation is None else f"{mean:+.3f} ± {deviation:.3f}"
