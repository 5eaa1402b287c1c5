"""A family as a matrix, a tree and a table of what changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.ordering import clustered
from explorer.wording import plural
from ui.components import why_column
from ui.drawing.figures import label
from ui.drawing.multiples import PANELS, multiples_figure
from ui.drawing.style import figure_layout
from ui.work.families import Wide

__all__ = [
    "closer",
    "gain_rows",
    "matrix_figure",
    "order_of",
    "panels_figure",
    "panels_of",
    "panels_said",
    "picked_with",
    "tree_rows",
]

_SCALES = {
    "change": [[0, "#D55E00"], [0.5, "#F3F5F8"], [1, "#0072B2"]],
    "beyond": [[0, "#D55E00"], [0.5, "#F3F5F8"], [1, "#0072B2"]],
    "rate": [[0, "#F3F5F8"], [1, "#0072B2"]],
    "learned": [[0, "#F3F5F8"], [1, "#0072B2"]],
}


def value_of(wide: Wide, wanted: str) -> str:
    """The value that is shown: the wanted one, if the family has it."""
    return wanted if wanted in wide.values else next(iter(wide.values))


def order_of(wide: Wide, value: str, order: str) -> list[int]:
    """Rows of the matrix in an order: `clustered`, `gain`, `class` or `name`."""
    table = np.nan_to_num(wide.values[value])
    rows = list(range(len(wide.skills)))
    if order == "name":
        return sorted(rows, key=lambda k: wide.names[k].lower())
    if order == "class":
        return sorted(rows, key=lambda k: (wide.classes[k], wide.names[k].lower()))
    if order == "gain":
        strength = np.abs(table - table.mean(axis=1, keepdims=True) if value in ("rate", "learned") else table)
        return [int(k) for k in np.argsort(-strength.max(axis=1, initial=0.0), kind="stable")]
    if wide.matrix is not None or len(rows) < 3 or len(rows) > 1_500:
        return rows  # the service has put like beside like
    return [int(k) for k in clustered(table)]


def matrix_figure(wide: Wide, wanted: str, order: str) -> go.Figure:
    """Skills by layers, in colour."""
    value = value_of(wide, wanted)
    rows = order_of(wide, value, order)[::-1]  # the first at the top
    table = wide.values[value][rows]
    there = [m for m in range(len(wide.layers)) if not np.isnan(table[:, m]).all()]  # a base has no change
    percent = 100.0 * table[:, there]
    limit = float(np.nanmax(np.abs(percent))) if percent.size and not np.isnan(percent).all() else 1.0
    around = value in ("change", "beyond")
    unit = " points" if around else " %"
    heat = go.Heatmap(
        z=np.where(np.isnan(percent), None, percent.round(1)).tolist(),  # type: ignore[call-overload]
        x=[label(wide.layers[m], 28) for m in there],
        y=list(range(len(rows))),
        customdata=[[label(wide.names[k])] * len(there) for k in rows],
        colorscale=_SCALES[value],
        zmin=-limit if around else 0.0,
        zmax=limit if around else 100.0,
        hovertemplate="%{customdata}<br>%{x}: %{z}" + unit + "<extra></extra>",
        colorbar={"title": unit.strip(), "thickness": 10, "outlinewidth": 0},
        xgap=1,
    )
    found = go.Figure(heat, layout=figure_layout())
    named = len(rows) <= 140
    found.update_yaxes(
        tickvals=list(range(len(rows))) if named else [],
        ticktext=[label(wide.names[k], 30) for k in rows] if named else [],
        tickfont={"size": 10},
        showgrid=False,
    )
    found.update_xaxes(side="top", tickangle=-40, showgrid=False, tickfont={"size": 11})
    found.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
    found.update_xaxes(automargin=True)
    found.update_yaxes(automargin=True)
    return found


def panels_of(wide: Wide, wanted: str) -> list[str]:
    """Layers that have a panel: those that have the value at all, the first `PANELS` of them."""
    table = wide.values[value_of(wide, wanted)]
    return [name for m, name in enumerate(wide.layers) if not np.isnan(table[:, m]).all()][:PANELS]


def panels_figure(wide: Wide, wanted: str, picked: Sequence[str], *, close: bool) -> go.Figure:
    """The graph once for each layer, or larger for the picked ones."""
    value, there = value_of(wide, wanted), list(wide.layers)
    shown = [name for name in picked if name in there] if close else panels_of(wide, wanted)
    if wide.shared is None or not shown:
        return go.Figure(layout=figure_layout())
    return multiples_figure(
        wide.shared,
        wide.names,
        shown,
        wide.values[value][:, [there.index(name) for name in shown]],
        scale=_SCALES[value],
        around=value in ("change", "beyond"),
        marked=() if close else picked,
        named=close,
    )


def panels_said(wide: Wide, wanted: str) -> str:
    """What the panels show and what they leave out, and how that is brought in."""
    if wide.shared is None:
        return ""
    drawn, left = len(wide.shared.rows), wide.shared.left_out
    text = f"{plural(drawn, 'skill')} at the same places in all panels, joined where a text requires both."
    if left:
        text += f" Not drawn: {left:,} on which the layers differ less; the table of a closer look has all of them."
    missing = len(wide.layers) - len(panels_of(wide, wanted))
    bare = sum(bool(np.isnan(column).all()) for column in wide.values[value_of(wide, wanted)].T)
    if bare:
        have = "has" if bare == 1 else "have"
        text += f" {plural(bare, 'layer')} without a base {have} no change: colour by solve rate to see them."
    if missing > bare:
        text += f" The first {PANELS} layers are drawn: choose a family, or pick others for a closer look."
    return text


def picked_with(picked: Sequence[str] | None, layer: str, most: int = 4) -> list[str]:
    """What is picked after a click on a panel: with the layer, or without it if it was picked."""
    before = list(picked or ())
    return [name for name in before if name != layer] if layer in before else [*before, layer][-most:]


def tree_rows(wide: Wide) -> list[dict[str, Any]]:
    """The family, a layer a row."""

    def points(member: Any) -> str:
        p = member.paired
        return "" if p is None else f"{100 * p.difference:+.1f} ({100 * p.low:+.1f} to {100 * p.high:+.1f})"

    return [
        {
            "layer": "\u2003" * m.depth + m.layer.name,
            "name": m.layer.name,
            "base": m.layer.base or "",
            "learned": m.layer.learned,
            "gained": m.gained,
            "lost": m.lost,
            "kept": m.kept,
            "open": m.open,
            "points": points(m),
            "p": None if m.paired is None else round(m.paired.p_value, 4),
        }
        for m in wide.report.members
    ]


def gain_rows(wide: Wide) -> list[dict[str, Any]]:
    """What layers gained and lost, the surest first."""
    return [
        {
            "id": g.skill,
            "layer": g.layer,
            "skill": g.name,
            "class": g.skill_class,
            "change": g.change,
            "points": None if g.points is None else round(g.points, 1),
            "q": None if g.q_value is None else float(f"{g.q_value:.2g}"),
        }
        for g in wide.gains
    ]


def closer(wide: Wide, picked: Sequence[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Columns and rows of two to four layers side by side."""
    chosen = [name for name in picked if name in wide.layers][:4]
    if not chosen:
        return [], []
    value = value_of(wide, "rate")
    number = {"type": "numericColumn", "minWidth": 90}
    columns: list[dict[str, Any]] = [
        {"field": "skill", "headerName": "Skill", "minWidth": 130, "tooltipField": "skill"},
        {"field": "class", "headerName": "Class", "minWidth": 80},
    ]
    columns += [{"field": f"v{i}", "headerName": name, **number} for i, name in enumerate(chosen)]
    columns += [{"field": "spread", "headerName": "Spread", "sort": "desc", **number}]
    columns += [why_column(wide.report.dataset, chosen[-1])]
    table = wide.values[value][:, [wide.layers.index(name) for name in chosen]]
    rows = []
    for k, values in enumerate(table.tolist()):
        there = [100 * v for v in values if not math.isnan(v)]
        cells = {f"v{i}": None if math.isnan(v) else round(100 * v, 1) for i, v in enumerate(values)}
        spread = round(max(there) - min(there), 1) if there else None
        rows.append({"id": wide.skills[k], "skill": wide.names[k], "class": wide.classes[k], **cells, "spread": spread})
    return columns, rows
