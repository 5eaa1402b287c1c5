"""Comparisons as one HTML file that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from explorer.service.comparison import LayerComparison, SkillChange
from explorer.service.family import FamilyReport
from explorer.store.protocol import LayerInfo

__all__ = ["comparison_html", "family_html"]

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --gain: #1a7f4b; --loss: #b3261e; --kept: #5b6b8c; --open: #9a8a3a; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1.5rem 0; width: 100%; }
caption { text-align: left; font-weight: 600; margin-bottom: .3rem; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
p.note { font-size: .9rem; opacity: .85; }
.cautions { border-left: .3rem solid var(--loss); padding: .2rem 1rem; }
.bar { display: flex; height: 1.6rem; margin: 1rem 0; }
.bar span { display: block; color: #fff; font-size: .85rem; line-height: 1.6rem; overflow: hidden; white-space: nowrap;
  text-indent: .4rem; }
.kept { background: var(--kept); } .gained { background: var(--gain); } .lost { background: var(--loss); }
.open { background: var(--open); }
"""
_MODES = {
    "foundation": "before",
    "frozen": "frozen: basic skills cannot be added",
    "continued": "continued: everything may be learned",
    "joint": "joint: all texts together",
}


def comparison_html(found: LayerComparison, *, rows: int | None = None) -> str:
    """A comparison as a page.

    Args:
        found: The comparison.
        rows: Most gained, lost and open skills to list of each kind; None means all.

    Returns:
        A whole HTML document, everything in it.
    """
    first, second = found.first.name, found.second.name
    parts = [
        f"<h1>{escape(second)} beside {escape(first)}</h1>",
        f"<p>Dataset {escape(found.first.dataset)}. {_about(found.first)} {_about(found.second)}</p>",
        _cautions(found.cautions),
        _bar(found),
        _note(
            "Kept: in both layers. Gained: only in the second. Lost: only in the first. Open: in one, and the outcomes "
            "of the other cannot tell."
        ),
        _giants(found),
        _mastery(found),
        _training(found),
        _groups(found),
        *(_skills(found, kind, rows) for kind in ("gained", "lost", "open")),
        _provenance((found.first, found.second)),
    ]
    return _page(f"{second} beside {first}", parts)


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
    parts = [
        f"<h1>Families of {escape(found.dataset)}</h1>",
        f"<p>{found.pairs} fine-tuned layers, each against its base.</p>",
        _table("Base and fine-tuned layers", columns, rows),
        _note(
            "Mastery change: mean over the skills of which both layers can tell, with its standard deviation; a change "
            "smaller than twice that is within the uncertainty of the estimates."
        ),
        _cautions(cautions),
        _provenance([m.layer for m in found.members if m.depth == 0]),
    ]
    return _page(f"Families of {found.dataset}", parts)


def _page(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _about(info: LayerInfo) -> str:
    made = {"foundation": "learned from nothing", "evidence": "estimated from outcomes"}.get(info.kind)
    made = made or f"fine-tuned from {info.base} ({info.mode})"
    return (
        f"{escape(info.name)} was {escape(made)} on {info.texts:,} texts: {info.learned:,} of {info.skills:,} skills "
        f"({info.learned_fraction:.1%})."
    )


def _cautions(sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<section class="cautions"><h2>Before reading on</h2><ul>{items}</ul></section>'


def _bar(found: LayerComparison) -> str:
    counts = {"kept": found.kept, "gained": found.gained, "lost": found.lost, "open": found.open}
    spans = "".join(
        f'<span class="{kind}" style="flex-grow:{n}" title="{n:,} {kind}">{n:,} {kind}</span>'
        for kind, n in counts.items()
        if n
    )
    label = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
    return f'<p><strong>{label}</strong></p><div class="bar" role="img" aria-label="{label}">{spans}</div>'


def _giants(found: LayerComparison) -> str:
    first, second = escape(found.first.name), escape(found.second.name)
    return (
        f"<p>Giant component: {found.giant_first:.1%} of the skills of {first}'s texts, {found.giant_second:.1%} of "
        f"those of {second}'s.</p>"
    )


def _mastery(found: LayerComparison) -> str:
    m = found.mastery
    if m is None:
        return ""
    rows = [
        ("mean mastery", _change(m.mean_change, m.mean_change_deviation)),
        ("skills gained, expected", f"{m.expected_gained:.1f} ± {m.expected_gained_deviation:.1f}"),
        ("skills lost, expected", f"{m.expected_lost:.1f} ± {m.expected_lost_deviation:.1f}"),
        ("mean outcome", f"{m.score_first:.1%} → {m.score_second:.1%}"),
    ]
    return _table(f"Change of mastery over {m.compared:,} skills", ("", "change"), rows) + _note(
        "± is one standard deviation of the posterior. Expected counts add up probabilities, so they include skills "
        f"that are likely on neither side. The first cannot tell of {m.untold_first:,} skills, the second of "
        f"{m.untold_second:,}."
    )


def _training(found: LayerComparison) -> str:
    if not found.training:
        return ""
    rows = [
        (_MODES[row.mode], row.layer or "–", _share(row.measured), _share(row.poisson), _share(row.degrees))
        for row in found.training
    ]
    columns = ("training", "layer", "measured", "Poisson", "same degrees")
    return _table("Learned skills by training, measured and predicted", columns, rows) + _note(
        "Share of all skills. Poisson: predicted from mean numbers of skills alone; same degrees: for random graphs "
        "in which every text and skill has as many partners as here."
    )


def _groups(found: LayerComparison) -> str:
    counts = ("skills", "first", "second", "kept", "gained", "lost", "open")
    parts = []
    for caption, head, rows in (
        ("By class", "class", [(row.skill_class or "(none)", row) for row in found.by_class]),
        ("By level", "level", [("(none)" if row.level is None else str(row.level), row) for row in found.by_level]),
    ):
        if rows:
            cells = [(label, *(_figure(getattr(row, key)) for key in counts)) for label, row in rows]
            parts.append(_table(caption, (head, *counts), cells))
    if found.by_component:
        cells = [
            (
                "others" if row.component is None else str(row.component),
                *map(_figure, (row.skills, row.kept, row.lost, row.open, row.gained)),
            )
            for row in found.by_component
        ]
        columns = ("component", "skills", "kept", "lost", "open", "gained")
        parts.append(_table("By component of the first layer's association graph", columns, cells))
        parts.append(_note("Component 0 is the largest. A gained skill counts where it shares most texts."))
    return "".join(parts)


def _skills(found: LayerComparison, kind: str, most: int | None) -> str:
    listed = [c for c in found.changes if c.change == kind]
    if not listed:
        return f"<p>No skill is {kind}.</p>" if kind != "open" else ""
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
    return _table(kind.capitalize() + rest, columns, rows, text=(1, 4)) + _note(
        f"Links: how often a text requires it together with a skill of {found.first.name}; attached to: the strongest "
        "of these skills, with their numbers of texts."
    )


def _masteries(change: SkillChange) -> str:
    pair = " → ".join("?" if p is None else f"{p:.2f}" for p in (change.mastery_first, change.mastery_second))
    return pair if change.mastery_deviation is None else f"{pair} ± {change.mastery_deviation:.2f}"


def _provenance(infos: Sequence[LayerInfo]) -> str:
    versions = {f"{name} {version}" for info in infos for name, version in info.versions.items()}
    made = "; ".join(f"{info.name}: {info.created_at}" for info in infos if info.created_at)
    return _note(f"Layers made: {made}. Versions: {', '.join(sorted(versions))}.")


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, text: Sequence[int] = ()) -> str:
    def kind(place: int) -> str:
        return ' class="text"' if place in text else ""

    def cell(place: int, value: str) -> str:
        return f"<td{kind(place)}>{escape(value)}</td>"

    head = "".join(f'<th scope="col"{kind(place)}>{escape(name)}</th>' for place, name in enumerate(columns))
    body = "".join(f"<tr>{''.join(cell(p, v) for p, v in enumerate(row))}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _note(sentence: str) -> str:
    return f'<p class="note">{escape(sentence)}</p>'


def _figure(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _signed_share(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1%}"


def _change(mean: float | None, deviation: float | None) -> str:
    return "–" if mean is None or deviation is None else f"{mean:+.3f} ± {deviation:.3f}"
