"""What the page's callbacks answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from explorer.service import LayerComparison, SkillChange, compare
from explorer.service.cautions import interval_note
from explorer.service.family import FamilyMember, FamilyReport
from explorer.store.protocol import LayerInfo
from explorer.wording import isolated, plural
from ui.components import (
    fraction,
    sentence,
)
from ui.content import Child
from ui.drawing.pairs import LIMITS, PairGraph, anchor_rows, pair_graph
from ui.pages.layers.state import ANCHORS
from ui.pages.managing import stale_chip
from ui.source import Snapshot
from ui.told import told_plainly
from ui.typed import Row

__all__ = [
    "SAID",
    "anchor_lasts",
    "change_rows",
    "compared",
    "components_told",
    "family_tree",
    "inspected",
    "pair_of",
    "tree_of",
]

Node: TypeAlias = "tuple[FamilyMember, list[Node]]"
"""A layer with those that were fine-tuned from it."""

SAID: Mapping[str, str] = {
    "kept": "in both layers",
    "gained": "only in the second layer",
    "lost": "only in the first layer",
    "open": "not told apart: the outcomes are compatible with a change and with none",
}


def compared(snapshot: Snapshot, dataset: str, first: str, second: str) -> LayerComparison:
    """The comparison of two layers, made once."""
    return snapshot.apart(("compare", dataset, first, second), compare, dataset, first, second)


def pair_of(snapshot: Snapshot, pair: Mapping[str, str], limit: int = LIMITS[0], kind: str | None = None) -> PairGraph:
    """The graph of two layers with at most so many skills, those of a class first; made once."""
    key = (pair["dataset"], pair["first"], pair["second"])
    views = snapshot.view(key[0], key[1]), snapshot.view(key[0], key[2])
    found = compared(snapshot, *key)
    if len(found.changes) <= limit:  # all are drawn, whatever is chosen
        limit, kind = next(most for most in LIMITS if len(found.changes) <= most), None
    return snapshot.once(
        ("pair", *key, limit, kind), lambda: pair_graph(snapshot.store, views, found, limit=limit, kind=kind)
    )


def tree_of(report: FamilyReport) -> list[Node]:
    """The members as nested pairs of a member and its children."""
    roots: list[Node] = []
    line: list[Node] = []
    for member in report.members:
        node: Node = (member, [])
        del line[member.depth :]
        (line[-1][1] if line else roots).append(node)
        line.append(node)
    return roots


def family_tree(report: FamilyReport, layers: Sequence[LayerInfo], pair: Mapping[str, str]) -> Component:
    """Layers under what they were fine-tuned from."""
    shown = {member.layer.name for member in report.members}
    alone = [info for info in layers if info.name not in shown]
    trees = [_branch(node, pair) for node in tree_of(report)]
    rest: list[Child] = []
    if alone:
        here = any(info.name in (pair["first"], pair["second"]) for info in alone)
        rest = [
            html.Details(
                [
                    html.Summary(f"{plural(len(alone), 'layer')} without base or descendants"),
                    html.Ul([html.Li(_row(info, None, pair)) for info in alone], className="tree"),
                ],
                className="twin",
                open=here,
            )
        ]
    return html.Div([html.Ul(trees, className="tree"), *rest])


def _names(node: Node) -> set[str]:
    return {node[0].layer.name}.union(*(_names(child) for child in node[1]))


def _branch(node: Node, pair: Mapping[str, str]) -> html.Li:
    member, children = node
    row = _row(member.layer, member, pair)
    if not children:
        return html.Li(row)
    here = bool(_names(node) & {pair["first"], pair["second"]})
    few = html.Summary(f"{len(children):,} fine-tuned from it", className="tree-fold")
    below = html.Ul([_branch(child, pair) for child in children], className="tree")
    return html.Li([row, html.Details([few, below], open=here or member.depth > 0)])


def _row(info: LayerInfo, member: FamilyMember | None, pair: Mapping[str, str]) -> html.Div:
    query = {"dataset": info.dataset, "first": info.base or info.name, "second": info.name}
    title: Component = (
        html.Span(info.name) if info.base is None else dcc.Link(info.name, href=f"/layers?{urlencode(query)}")
    )
    marks = [html.Span(side, className="chip") for side in ("first", "second") if pair[side] == info.name]
    how = info.kind if info.base is None else (info.mode or info.kind)
    facts: list[Child] = [html.Span(f"{how} · {fraction(info.learned_fraction)} of {plural(info.skills, 'skill')}")]
    if member is not None and member.gained is not None:
        facts += [
            html.Span(f"+{member.gained:,}", className="change-gained", title="gained since its base, beyond noise"),
            html.Span(f"−{member.lost:,}", className="change-lost", title="lost since its base"),
        ]
        if member.open:
            facts.append(html.Span(f"?{member.open:,}", className="change-open", title="not told apart"))
    if member is not None and member.score_change is not None:
        facts.append(
            html.Span(f"score {100 * member.score_change:+.1f} points", title="mean outcome minus that of its base")
        )
    if info.skills_add is False:
        facts.append(html.Span("skills add nothing", className="chip", title="beyond ability and difficulty"))
    if (note := interval_note(info)) is not None:
        facts.append(html.Span("intervals do not hold", className="chip", title=note))
    if member is not None and member.cautions:
        facts.append(html.Span("with care", className="chip", title=told_plainly(" ".join(member.cautions))))
    return html.Div(
        [
            html.Div([title, *marks, stale_chip(info)], className="family-name"),
            html.Div(facts, className="family-facts"),
            html.Div(html.Div(style={"width": f"{100 * info.learned_fraction:.1f}%"}), className="meter"),
        ],
        className="family-row",
    )


def components_told(found: LayerComparison, kind: str) -> Component:
    """To which components the gained or lost skills are attached."""
    counts = [(row.component, getattr(row, kind)) for row in found.by_component if getattr(row, kind)]
    total = sum(count for _, count in counts)
    if not total:
        return sentence(f"No skill is {kind}.")
    giant = sum(count for component, count in counts if component == 0)
    other = sum(count for component, count in counts if component is not None and component > 0)
    where = "were in" if kind == "lost" else "are attached to"
    text = f"Of {plural(total, f'{kind} skill')} {giant:,} {where} the giant component of the first layer"
    parts = [f"{other:,} {'in' if kind == 'lost' else 'to'} smaller ones"] if other else []
    if total - giant - other:
        parts.append(f"{total - giant - other:,} {'elsewhere' if kind == 'lost' else 'to no skill of it'}")
    return sentence(", ".join([text, *parts]) + ".")


def inspected(found: LayerComparison, change: SkillChange | None) -> list[Child]:
    """What became of a skill, and what it is attached to."""
    if change is None:
        return [
            html.H3("No skill chosen", className="first"),
            sentence("Click a skill, here or in the table, to see how it changed and what it is attached to."),
        ]
    both = (found.first, found.second)
    has = [info for info, there in zip(both, _has(change), strict=True) if there]
    items: list[Child] = [
        html.H2(change.name),
        html.Div(
            [
                html.Span(change.skill_class or "no class", className="chip"),
                html.Span(change.change, className=f"chip change-{change.change}"),
                *([html.Span(f"level {change.level}", className="chip")] if change.level is not None else []),
            ],
            className="chips",
        ),
        sentence(f"It is {SAID[change.change]}."),
    ]
    if found.mastery is not None:
        pair = zip([isolated(info.name) for info in both], (change.mastery_first, change.mastery_second), strict=True)
        items += [
            html.Div(f"{name}: {'no evidence' if p is None else f'mastery {p:.2f}'}", className="text-line")
            for name, p in pair
        ]
    elif has:
        known = "known beforehand" if change.wave == 0 else f"learned in wave {change.wave}"
        items.append(html.Div(f"{isolated(has[-1].name)}: {known}", className="text-line"))
    if change.attachments:
        items += [
            html.H3(f"Attached to ({change.attached_to:,} links)"),
            html.Div(
                [
                    html.Button(
                        [html.Span(anchor.name), html.Span(f"{anchor.weight:,}", className="count")],
                        id={"type": "p-item", "skill": anchor.skill},
                        className="item",
                        title="Texts that require both",
                    )
                    for anchor in change.attachments
                ],
                className="item-list",
            ),
        ]
    if has:
        query = {"dataset": has[-1].dataset, "layer": has[-1].name, "skill": change.skill}
        items.append(html.P(dcc.Link("how it was learned", href=f"/graph?{urlencode(query)}"), className="text-line"))
    return items


def _has(change: SkillChange) -> tuple[bool, bool]:
    if change.difference is not None or change.items is not None:
        return True, True
    return change.change != "gained", change.change != "lost"


def change_rows(found: LayerComparison) -> list[Row]:
    """One row a skill of either layer: what the canvases show, and more; a field without a value is left out."""
    rows: list[Row] = [
        {
            "id": c.skill,
            "skill": c.name,
            "class": c.skill_class or "no class",
            "change": c.change,
            "level": c.level,
            "wave": c.wave if found.mastery is None else None,
            "component": c.component,
            "links": c.attached_to,
            "attached": ", ".join(f"{isolated(a.name)} ({a.weight:,})" for a in c.attachments),
            "before": c.mastery_first if found.paired is None else None,
            "after": c.mastery_second if found.paired is None else None,
            "deviation": c.mastery_deviation,
            "items": c.items,
            "solved1": c.solved_first,
            "solved2": c.solved_second,
            "points": None if c.difference is None else 100 * c.difference,
            "low": None if c.low is None else 100 * c.low,
            "high": None if c.high is None else 100 * c.high,
            "q": c.q_value,
        }
        for c in found.changes
    ]
    return [{field: value for field, value in row.items() if value is not None} for row in rows]


def anchor_lasts(found: LayerComparison) -> dict[str, int]:
    """The right ends of the brushes over what gained or lost skills are attached to, the same for both."""
    return ANCHORS.lasts([row for kind in ("gained", "lost") for row in anchor_rows(found.changes, kind)])
