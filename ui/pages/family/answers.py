"""A family as a matrix, a tree and a table of what changed."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from analysis.ordering import clustered
from explorer.service.family import FamilyMember
from explorer.wording import isolated, plural
from loaders.spreadsheet import escaped
from ui.components import why_column
from ui.drawing.figures import label
from ui.drawing.multiples import PANELS, multiples_figure
from ui.drawing.style import figure_layout
from ui.pages.family.state import NAMED
from ui.typed import Properties, Row
from ui.work.families import Wide

__all__ = [
    "Cells",
    "cells_of",
    "closer",
    "gain_rows",
    "matrix_figure",
    "matrix_table",
    "order_of",
    "panels_figure",
    "panels_of",
    "panels_said",
    "picked_with",
    "tree_rows",
]

_SLANTED = 12
_MANY = 50_000  # cells, above which they are told by name and value alone
_SCALES: Mapping[str, Sequence[Sequence[float | str]]] = {
    "change": [[0, "#D55E00"], [0.5, "#F3F5F8"], [1, "#0072B2"]],
    "beyond": [[0, "#D55E00"], [0.5, "#F3F5F8"], [1, "#0072B2"]],
    "rate": [[0, "#F3F5F8"], [1, "#0072B2"]],
    "learned": [[0, "#F3F5F8"], [1, "#0072B2"]],
}


def value_of(wide: Wide, wanted: str) -> str:
    """The value that is shown: the wanted one, if the family has it."""
    return wanted if wanted in wide.values else next(iter(wide.values))


@dataclass(frozen=True, eq=False)
class Cells:
    """What the matrix shows: R rows by M layers.

    Attributes:
        names: Of the rows: skills, classes or levels.
        values: float64 (R, M); NaN where there is none.
        pale: How unsure each is, float64 (R, M), from 0 to 1.
        low: Lower ends of 95 % intervals, float64 (R, M); None where there are none.
        high: Upper ends.
        counts: Texts of a skill, or skills of a class or level, float64 (R, M); NaN where not known.
    """

    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    pale: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64] | None = None
    high: npt.NDArray[np.float64] | None = None
    counts: npt.NDArray[np.float64] | None = None


def cells_of(wide: Wide, wanted: str, shown: str) -> Cells:
    """The cells by `skill`, `class` or `level`, of the value that is shown."""
    value, matrix = value_of(wide, shown), wide.matrix
    if matrix is None:
        if wanted == "skill":
            return Cells(wide.names, wide.values[value], np.zeros_like(wide.values[value]))
        found = wide.shares[wanted]
        return Cells(found.labels, found.learned, np.zeros_like(found.learned), counts=found.skills)
    if wanted == "skill":
        unsure = 1.0 - matrix.sureness
        if value == "change":
            unsure = np.nan_to_num(matrix.q_value)
        low, high = matrix.low, matrix.high
        if value == "beyond":
            low, high = low - matrix.expected, high - matrix.expected
        return Cells(
            wide.names,
            wide.values[value],
            unsure.T,
            low=None if value == "change" else low.T,
            high=None if value == "change" else high.T,
            counts=matrix.attempted.T.astype(np.float64),
        )
    groups = matrix.grouped("class" if wanted == "class" else "level")
    labels = tuple("(none)" if label is None else str(label) for label in groups.labels)
    counts = np.broadcast_to(groups.skills[:, None].astype(np.float64), groups.rate.T.shape)
    if value == "change":
        low, high = groups.difference_low.T, groups.difference_high.T
        return Cells(labels, groups.difference.T, np.nan_to_num(groups.p_value).T, low, high, counts)
    less = groups.expected.T if value == "beyond" else np.zeros_like(groups.rate.T)
    unsure = np.nan_to_num(groups.high - groups.low).T
    return Cells(labels, groups.rate.T - less, unsure, groups.low.T - less, groups.high.T - less, counts)


def order_of(wide: Wide, shown: str, order: str, by: str = "skill") -> list[int]:
    """Rows of the matrix in an order: `clustered`, `gain`, `class` or `name`; levels and classes stay as they are."""
    cells = cells_of(wide, by, shown)
    table = np.nan_to_num(cells.values)
    rows = list(range(len(cells.names)))
    if by == "level":
        return rows
    if order == "name":
        return sorted(rows, key=lambda k: cells.names[k].lower())
    if order == "class":
        return sorted(rows, key=lambda k: (wide.classes[k], wide.names[k].lower())) if by == "skill" else rows
    if order == "gain":
        value = value_of(wide, shown)
        strength = np.abs(table - table.mean(axis=1, keepdims=True) if value in ("rate", "learned") else table)
        return [int(k) for k in np.argsort(-strength.max(axis=1, initial=0.0), kind="stable")]
    if (wide.matrix is not None and by == "skill") or len(rows) < 3 or len(rows) > 1_500:
        return rows  # the service has put like beside like
    return [int(k) for k in clustered(table)]


def matrix_figure(wide: Wide, shown: str, order: str, by: str = "skill") -> go.Figure:
    """Skills, classes or levels by layers: colour is the value, and the paler, the less sure it is."""
    value = value_of(wide, shown)
    cells = cells_of(wide, by, shown)
    rows = order_of(wide, shown, order, by)[::-1]  # the first at the top
    table = cells.values[rows]
    there = [m for m in range(len(wide.layers)) if not np.isnan(table[:, m]).all()]  # a base has no change
    percent = 100.0 * table[:, there]
    limit = float(np.nanmax(np.abs(percent))) if percent.size and not np.isnan(percent).all() else 1.0
    around = value in ("change", "beyond")
    unit = " points" if around else " %"
    layers = [label(wide.layers[m], 28) for m in there]
    many = percent.size > _MANY
    heat = go.Heatmap(
        z=percent.round(1).astype(np.float32),  # an array goes over the wire as bytes, NaN as no cell
        x=layers,
        y=np.arange(len(rows)),
        customdata=None if many else _told(wide, cells, rows, there, value, by),
        colorscale=_SCALES[value],
        zmin=-limit if around else 0.0,
        zmax=limit if around else 100.0,
        hoverongaps=False,
        hovertemplate=(f"%{{y}}<br>%{{x}}: %{{z:.1f}}{unit}" if many else "%{customdata}") + "<extra></extra>",
        colorbar={"title": unit.strip(), "thickness": 10, "outlinewidth": 0},
        xgap=1,
    )
    found = go.Figure(heat, layout=figure_layout())
    pale = np.where(np.isnan(percent), np.nan, np.clip(cells.pale[rows][:, there], 0.0, 1.0))
    if np.nan_to_num(pale).any():
        # A veil over the colours: white where nothing is known, none where all is.
        found.add_heatmap(
            z=pale.round(2).astype(np.float32),
            x=layers,
            y=np.arange(len(rows)),
            colorscale=[[0, "rgba(243,245,248,0)"], [1, "rgba(243,245,248,0.85)"]],
            zmin=0.0,
            zmax=1.0,
            showscale=False,
            hoverinfo="skip",
            xgap=1,
        )
    named = len(rows) <= 140
    found.update_yaxes(
        # Names that have no room at the axis are still told when a cell is pointed at.
        tickvals=np.arange(len(rows)) if named or many else [],
        ticktext=[label(cells.names[k], 30) for k in rows] if named or many else [],
        showticklabels=named,
        ticks="",
        tickfont={"size": 10},
        showgrid=False,
    )
    found.update_xaxes(side="top", tickangle=-40, showgrid=False, tickfont={"size": 11})
    if _SLANTED < len(layers) <= NAMED:  # upright and small, each has room for its name
        found.update_xaxes(tickangle=-90, tickfont={"size": 9}, tickvals=layers)
    found.update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})
    found.update_xaxes(automargin=True)
    found.update_yaxes(automargin=True)
    return found


def _told(wide: Wide, cells: Cells, rows: Sequence[int], there: Sequence[int], value: str, by: str) -> list[list[str]]:
    """What each cell says when it is pointed at."""
    skills, layers = [label(cells.names[k]) for k in rows], [label(wide.layers[m], 28) for m in there]
    unit = " points" if value in ("change", "beyond") else " %"
    sign = "+" if value in ("change", "beyond") else ""

    def cell(k: int, m: int, skill: str, layer: str) -> str:
        number = cells.values[k, m]
        if np.isnan(number):
            return ""
        told = f"{skill}<br>{layer}: {100 * number:{sign}.1f}{unit}"
        if cells.low is not None and cells.high is not None and not np.isnan(cells.low[k, m]):
            told += f" ({100 * cells.low[k, m]:{sign}.1f} to {100 * cells.high[k, m]:{sign}.1f})"
        if cells.counts is not None and not np.isnan(cells.counts[k, m]):
            told += "<br>" + plural(int(cells.counts[k, m]), "text" if by == "skill" else "skill")
        if value == "change":
            told += f"<br>{'q' if by == 'skill' else 'p'} = {cells.pale[k, m]:.2g}"
        return told

    return [
        [cell(k, m, skill, layer) for m, layer in zip(there, layers, strict=True)]
        for k, skill in zip(rows, skills, strict=True)
    ]


def matrix_table(wide: Wide, shown: str, order: str, by: str = "skill") -> str:
    """What the matrix shows as CSV: a row for each cell, in the order of the picture, with its 95 % interval."""
    value, cells = value_of(wide, shown), cells_of(wide, by, shown)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    infos = {member.layer.name: member.layer for member in wide.report.members}
    certainty = ("q_value" if by == "skill" else "p_value") if value == "change" else "unsure"
    beside = ("skill", "name", "class") if by == "skill" else (by,)
    count = "texts" if by == "skill" else "skills"
    writer.writerow((*beside, "layer", value, "low", "high", count, certainty, "skills_add"))
    for k in order_of(wide, shown, order, by):
        about = (wide.skills[k], wide.names[k], wide.classes[k]) if by == "skill" else (cells.names[k],)
        for m, layer in enumerate(wide.layers):
            if np.isnan(cells.values[k, m]):
                continue
            sides = (cells.low, cells.high)
            ends = ["" if side is None or np.isnan(side[k, m]) else f"{side[k, m]:.6g}" for side in sides]
            many = "" if cells.counts is None or np.isnan(cells.counts[k, m]) else int(cells.counts[k, m])
            info = infos.get(layer)
            adds = "" if info is None or info.skills_add is None else info.skills_add
            unsure = "" if wide.matrix is None else f"{cells.pale[k, m]:.6g}"
            writer.writerow((*map(escaped, (*about, layer)), f"{cells.values[k, m]:.6g}", *ends, many, unsure, adds))
    return text.getvalue()


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
    text = f"{plural(drawn, 'skill')} at the same places in all panels, linked where they occur in the same text."
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


def tree_rows(wide: Wide) -> list[Row]:
    """The family, a layer a row."""

    def points(member: FamilyMember) -> str:
        p = member.paired
        return "" if p is None else f"{100 * p.difference:+.1f} ({100 * p.low:+.1f} to {100 * p.high:+.1f})"

    return [
        {
            "layer": "\u2003" * m.depth + isolated(m.layer.name),
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


def gain_rows(wide: Wide) -> list[Row]:
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


def closer(wide: Wide, picked: Sequence[str]) -> tuple[list[Properties], list[Row]]:
    """Columns and rows of two to four layers side by side."""
    chosen = [name for name in picked if name in wide.layers][:4]
    if not chosen:
        return [], []
    value = value_of(wide, "rate")
    number = {"type": "numericColumn", "minWidth": 90}
    columns: list[Properties] = [
        {"field": "skill", "headerName": "Skill", "minWidth": 130, "tooltipField": "skill"},
        {"field": "class", "headerName": "Class", "minWidth": 80},
    ]
    columns += [{"field": f"v{i}", "headerName": isolated(name), **number} for i, name in enumerate(chosen)]
    columns += [{"field": "spread", "headerName": "Spread", "sort": "desc", **number}]
    columns += [why_column(wide.report.dataset, chosen[-1])]
    table = wide.values[value][:, [wide.layers.index(name) for name in chosen]]
    rows: list[Row] = []
    for k, values in enumerate(table.tolist()):
        there = [100 * v for v in values if not math.isnan(v)]
        cells = {f"v{i}": None if math.isnan(v) else round(100 * v, 1) for i, v in enumerate(values)}
        spread = round(max(there) - min(there), 1) if there else None
        rows.append({"id": wide.skills[k], "skill": wide.names[k], "class": wide.classes[k], **cells, "spread": spread})
    return columns, rows
