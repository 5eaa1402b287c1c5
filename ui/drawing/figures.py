"""Plotly figures from what the service reports: pure functions, one for each figure of the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.threshold import StabilityRegion
from explorer.service import (
    ClassRow,
    ExitChart,
    LayerComparison,
    PercolationReport,
    SubsampleCurve,
    WaveCurve,
)
from explorer.service.comparison import LevelRow
from explorer.wording import isolated
from ui.drawing.stability import TwoClasses
from ui.drawing.style import CHANGES, ROLES, lay_out
from ui.typed import Properties

__all__ = [
    "GROUPS",
    "MANY",
    "LearnedCurve",
    "emergence_figure",
    "exit_figure",
    "groups_said",
    "label",
    "learned_by_class_figure",
    "learned_by_level_figure",
    "percolation_figure",
    "region_figure",
    "subsample_figure",
    "susceptibility_figure",
    "waves_figure",
    "what_if_figure",
]

_PATTERNS = {"kept": "", "gained": "/", "lost": "\\", "open": "."}
"""Changes differ in pattern as well as in colour."""


def _pattern(change: str) -> Properties:
    return {"shape": _PATTERNS[change], "fillmode": "overlay", "fgcolor": "#FFFFFF", "fgopacity": 0.55, "size": 6}


_SHARE = {"tickformat": ".0%", "rangemode": "tozero"}


def label(name: str, letters: int = 40) -> str:
    """A name as Plotly text: what looks like HTML stays as it is written, and the name turns nothing around it.

    >>> label("<b>bold</b>")
    '&lt;b&gt;bold&lt;/b&gt;'
    """
    return escape(isolated(name if len(name) <= letters else name[: letters - 1] + "…"), quote=False)


def _line(x: Sequence[float], y: Sequence[float], name: str, role: str, **extra: Any) -> go.Scatter:
    line = {"color": ROLES[role], "width": 2, **extra.pop("line", {})}
    return go.Scatter(x=x, y=y, name=name, mode="lines", line=line, hovertemplate="%{y:.1%}", **extra)


def _vertical(figure: go.Figure, x: float, text: str, *, anchor: str = "left") -> None:
    figure.add_vline(x=x, line={"color": ROLES["threshold"], "dash": "dot", "width": 1.5})
    shift = 5 if anchor == "left" else -5
    figure.add_annotation(
        x=x,
        y=0.5,
        yref="paper",
        text=text,
        showarrow=False,
        xanchor=anchor,
        xshift=shift,
        font={"size": 11},
    )


def emergence_figure(
    ratios: Sequence[float],
    learned: Sequence[float],
    *,
    here: tuple[float, float],
    degrees: float | None,
    threshold: float | None,
    typed: float | None = None,
) -> go.Figure:
    """Learned fraction against texts per skill, and where the layer stands.

    Args:
        ratios: R.
        learned: Learned fraction of the Poisson ensemble at each.
        here: R and the measured learned fraction of the layer.
        degrees: Predicted for the measured degrees.
        threshold: R* of the Poisson ensemble.
        typed: Predicted for texts that keep their mix of types.
    """
    figure = go.Figure(_line(ratios, learned, "Poisson", "poisson"))
    for name, role, value in (("degrees", "degrees", degrees), ("types", "typed", typed)):
        if value is not None:
            marker = {"color": ROLES[role], "size": 11, "symbol": "diamond"}
            figure.add_scatter(
                x=[here[0]], y=[value], mode="markers", name=name, marker=marker, hovertemplate="%{y:.1%}"
            )
    marker = {"color": ROLES["measured"], "size": 13}
    figure.add_scatter(
        x=[here[0]], y=[here[1]], mode="markers", name="this layer", marker=marker, hovertemplate="%{y:.1%}"
    )
    if threshold is not None:
        _vertical(figure, threshold, f"threshold {threshold:.2f}")
    lay_out(
        figure,
        xaxis={"title": "texts per skill, R", "rangemode": "tozero", "hoverformat": ".2f"},
        yaxis={"title": "learned fraction", "range": [0, 1.04], **_SHARE},
    )
    return figure


def waves_figure(curve: WaveCurve, now: int = 0) -> go.Figure:
    """Learned fraction after each wave: the layer beside density evolution; the first shape marks the wave."""
    waves = list(range(len(curve.measured)))
    figure = go.Figure(
        [
            _line(waves, curve.poisson, "Poisson", "poisson", line={"dash": "dash"}),
            _line(waves, curve.degrees, "degrees", "degrees", line={"dash": "dash"}),
            *([_line(waves, curve.typed, "types", "typed", line={"dash": "dash"})] if curve.typed else []),
            go.Scatter(
                x=waves,
                y=curve.measured,
                name="this layer",
                mode="lines+markers",
                line={"color": ROLES["measured"], "width": 2.5},
                marker={"size": 6},
                hovertemplate="%{y:.1%}",
            ),
        ]
    )
    mark = {"type": "line", "x0": now, "x1": now, "y0": 0, "y1": 1, "yref": "paper"}
    lay_out(
        figure,
        xaxis={
            "title": "wave",
            "dtick": max(1, len(waves) // 10),
            "hoverformat": "d",
            "range": [-0.25, len(waves) - 0.75],
        },
        yaxis={"title": "learned fraction", "range": [0, 1.04], **_SHARE},
        shapes=[{**mark, "line": {"color": ROLES["measured"], "width": 1.5, "dash": "dot"}}],
        margin={"l": 50, "r": 12, "t": 30, "b": 42},
    )
    return figure


def exit_figure(chart: ExitChart) -> go.Figure:
    """EXIT curves: of texts solid, of skills dashed, with a diamond where learning stops, for each ensemble."""
    names = {"poisson": "Poisson", "degrees": "degrees", "typed": "types"}
    figure = go.Figure()
    for line in chart.lines:
        name, role = names[line.ensemble], line.ensemble
        texts = _line(line.novel, line.taught, f"texts, {name}", role, line={"width": 2.5})
        skills = _line(line.novel_after, line.taught, f"skills, {name}", role, line={"dash": "dash"})
        at = float(np.interp(line.fixed, line.novel[::-1], line.taught[::-1]))
        stop = go.Scatter(
            x=[line.fixed],
            y=[at],
            name=f"learning stops, {name}",
            mode="markers",
            marker={"color": ROLES[role], "size": 12, "symbol": "diamond"},
            showlegend=False,
        )
        for trace in (texts, skills, stop):
            trace.update(hovertemplate="x %{x:.3f}, y %{y:.3f}")
            figure.add_trace(trace)
    lay_out(
        figure,
        hovermode="closest",
        xaxis={"title": "skill is novel, x", "range": [1.02, -0.02]},
        yaxis={"title": "text teaches, y", "range": [-0.02, 1.04]},
    )
    return figure


def what_if_figure(
    ratios: Sequence[float],
    learned: Sequence[float],
    error: Sequence[float],
    *,
    ratio: float,
    threshold: float | None,
) -> go.Figure:
    """Learned fraction and testing error of the Poisson ensemble against R, with the chosen R marked."""
    figure = go.Figure(
        [
            _line(ratios, learned, "learned fraction", "poisson", line={"width": 2.5}),
            _line(ratios, error, "testing error", "second"),
        ]
    )
    figure.add_vline(x=ratio, line={"color": ROLES["measured"], "width": 2})
    if threshold is not None and threshold <= max(ratios):
        _vertical(figure, threshold, f"threshold {threshold:.2f}", anchor="right" if threshold < ratio else "left")
    lay_out(
        figure,
        xaxis={"title": "texts per skill, R", "rangemode": "tozero", "hoverformat": ".2f"},
        yaxis={"range": [0, 1.04], **_SHARE},
    )
    return figure


def subsample_figure(curve: SubsampleCurve) -> go.Figure:
    """Learned fraction for growing shares of the texts: replicates' range, mean and both predictions."""
    band = "rgba(213, 94, 0, 0.18)"
    none = {"width": 0}
    figure = go.Figure(
        [
            go.Scatter(x=curve.shares, y=curve.high, mode="lines", line=none, showlegend=False, hoverinfo="skip"),
            go.Scatter(
                x=curve.shares,
                y=curve.low,
                mode="lines",
                line=none,
                fill="tonexty",
                fillcolor=band,
                showlegend=False,
                hoverinfo="skip",
            ),
            _line(curve.shares, curve.poisson, "Poisson", "poisson", line={"dash": "dash"}),
            _line(curve.shares, curve.degrees, "degrees", "degrees", line={"dash": "dash"}),
            *([_line(curve.shares, curve.typed, "types", "typed", line={"dash": "dash"})] if curve.typed else []),
            _line(curve.shares, curve.learned, "these texts", "measured", line={"width": 2.5}),
        ]
    )
    lay_out(
        figure,
        xaxis={"title": "share of the texts", "tickformat": ".0%", "range": [0, 1.01]},
        yaxis={"title": "learned fraction", "range": [0, 1.04], **_SHARE},
    )
    return figure


@dataclass(frozen=True)
class LearnedCurve:
    """The learned skills alone, of which a growing share is kept; fractions are of all skills.

    Attributes:
        kept: Share of all skills that is kept, from 0 to the learned fraction.
        giant: Largest cluster at each.
        predicted_kept: The same for random graphs with the measured degrees, up to their learned fraction.
        predicted: Their giant component, exact.
    """

    kept: tuple[float, ...]
    giant: tuple[float, ...]
    predicted_kept: tuple[float, ...]
    predicted: tuple[float, ...]


def percolation_figure(
    report: PercolationReport,
    hubs: Sequence[float],
    learned: LearnedCurve | None = None,
    *,
    of_kept: bool = False,
) -> go.Figure:
    """Largest and second cluster against the share of kept skills, with theory and the learned skills' place.

    Args:
        report: The sweep.
        hubs: Largest cluster at each share if the most used skills are taken away first.
        learned: The learned skills alone, measured and exact; None leaves them out.
        of_kept: Heights are shares of the kept skills in the place of all skills.
    """

    def shares(x: Sequence[float], y: Sequence[float]) -> list[float | None]:
        if not of_kept:
            return list(y)
        return [value / kept if kept > 0.0 else None for kept, value in zip(x, y, strict=True)]

    def line(x: Sequence[float], y: Sequence[float], name: str, role: str, **style: Any) -> go.Scatter:
        return _line(x, shares(x, y), name, role, line=style)  # type: ignore[arg-type]

    traces = [
        line(report.phi, report.giant, "at random", "measured", width=2.5),
        line(report.phi, report.predicted, "at random, degrees", "degrees", dash="dash"),
        line(report.phi, report.predicted_poisson, "at random, Poisson", "poisson", dash="dash"),
        line(report.phi, hubs, "most used go first", "sweep", dash="dot", width=2.5),
        line(report.phi, report.second, "second cluster", "second"),
    ]
    if report.predicted_typed:
        traces.insert(2, line(report.phi, report.predicted_typed, "at random, types", "typed", dash="dash"))
    if learned is not None:
        traces += [
            line(learned.kept, learned.giant, "learned ones only", "measured", dash="longdashdot"),
            line(learned.predicted_kept, learned.predicted, "learned, exact", "degrees", dash="longdashdot"),
        ]
    if report.learned_giant_typed:
        typed = report.learned_kept_typed, report.learned_giant_typed
        traces.append(line(*typed, "learned, types", "typed", dash="longdashdot"))
    traces.append(
        go.Scatter(
            x=[report.learned],
            y=shares([report.learned], [report.learned_giant]),
            name="learned skills",
            mode="markers",
            marker={"color": ROLES["measured"], "size": 12, "symbol": "star"},
            hovertemplate="%{y:.1%}",
        )
    )
    mark = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper"}
    figure = go.Figure(traces)
    lay_out(
        figure,
        xaxis={"title": "share of all skills kept, φ", "tickformat": ".0%", "range": [0, 1.01]},
        yaxis={"title": "share of the kept" if of_kept else "share of all skills", "range": [0, 1.04], **_SHARE},
        shapes=[{**mark, "line": {"color": ROLES["measured"], "width": 1.5, "dash": "dot"}}],
        margin={"l": 50, "r": 12, "t": 88, "b": 42},
        legend={"entrywidth": 0.48, "entrywidthmode": "fraction", "x": -0.08},
    )
    return figure


def susceptibility_figure(report: PercolationReport) -> go.Figure:
    """Mean size of the cluster of a skill outside the largest, which peaks where the giant component sets in."""
    figure = go.Figure(
        go.Scatter(
            x=report.phi,
            y=report.susceptibility,
            mode="lines",
            name="susceptibility",
            line={"color": ROLES["sweep"], "width": 2},
            hovertemplate="%{y:.2f} skills",
        )
    )
    _vertical(figure, report.critical, f"appears at {report.critical:.1%}")
    lay_out(
        figure,
        xaxis={"title": "share of skills kept, φ", "tickformat": ".0%", "range": [0, 1.01]},
        yaxis={"title": "mean size, skills", "rangemode": "tozero"},
        showlegend=False,
        margin={"l": 50, "r": 12, "t": 12, "b": 42},
    )
    return figure


GROUPS = 12
"""Classes or levels of a comparison that are drawn, as long as no more are asked for."""

MANY = 60
"""Classes or levels that are drawn where all are asked for: more would not be legible."""


def groups_said(shown: int, total: int, noun: str, which: str = "largest") -> str:
    """What a figure of classes or levels leaves out, if it does, and how it is brought in.

    >>> groups_said(14, 14, "classes"), groups_said(14, 90, "classes"), groups_said(60, 90, "levels", "lowest")
    ('', 'The 14 largest of 90 classes; “all” shows up to 60.', 'The 60 lowest of 90 levels; no more are drawn.')
    """
    if shown >= total:
        return ""
    more = f"“all” shows {total if total <= MANY else f'up to {MANY}'}" if shown < MANY else "no more are drawn"
    return f"The {shown} {which} of {total:,} {noun}; {more}."


def learned_by_class_figure(comparison: LayerComparison, most: int = GROUPS) -> go.Figure:
    """Kept, gained, lost and open skills of each class as stacked bars."""
    rows: Sequence[ClassRow] = comparison.by_class[:most][::-1]
    return _change_bars(rows, [label(row.skill_class or "no class", 28) for row in rows], with_open=comparison.open > 0)


def learned_by_level_figure(comparison: LayerComparison, most: int = GROUPS) -> go.Figure:
    """The same for each level of skills, the lowest at the top."""
    rows: Sequence[LevelRow] = comparison.by_level[:most][::-1]
    names = ["no level" if row.level is None else f"level {row.level}" for row in rows]
    return _change_bars(rows, names, with_open=comparison.open > 0)


def _change_bars(rows: Sequence[ClassRow | LevelRow], names: Sequence[str], *, with_open: bool) -> go.Figure:
    figure = go.Figure()
    for change in ("kept", "gained", "lost", *(("open",) if with_open else ())):
        figure.add_bar(
            y=names,
            x=[getattr(row, change) for row in rows],
            name=change,
            orientation="h",
            marker={
                "color": CHANGES[change],
                "line": {"width": 0},
                "pattern": _pattern(change),
            },
            hovertemplate="%{y}: %{x:,} " + change + "<extra></extra>",
        )
    lay_out(
        figure,
        barmode="stack",
        bargap=0.35,
        hovermode="closest",
        legend={"traceorder": "normal"},
        xaxis={"title": "skills"},
        yaxis={"gridcolor": "rgba(0,0,0,0)"},
        margin={"l": 90, "r": 12, "t": 30, "b": 42},
    )
    return figure


def region_figure(region: StabilityRegion, two: TwoClasses) -> go.Figure:
    """The ratios of two text classes with which all classes of skills are learned, and where the texts stand."""
    x, y = region.polygon.T.tolist() if len(region.polygon) else ([], [])
    border_x, border_y = region.border.T.tolist() if len(region.border) else ([], [])
    names = [label(name, 24) for name in two.names]
    figure = go.Figure(
        [
            go.Scatter(
                x=x,
                y=y,
                name="all classes learned",
                mode="lines",
                fill="toself",
                fillcolor="rgba(0, 114, 178, 0.16)",
                line={"width": 0},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=border_x,
                y=border_y,
                name="border (Poisson)",
                mode="lines",
                line={"color": ROLES["poisson"], "width": 2.5},
                hovertemplate="%{x:.2f}, %{y:.2f}<extra></extra>",
            ),
            go.Scatter(
                x=[two.ratios[0]],
                y=[two.ratios[1]],
                name="these texts",
                mode="markers",
                marker={"color": ROLES["measured"], "size": 14, "symbol": "star"},
                hovertemplate="R %{x:.2f} and %{y:.2f}<extra></extra>",
            ),
        ]
    )
    top = 1.02 * max(region.limit, *two.ratios)
    lay_out(
        figure,
        hovermode="closest",
        xaxis={"title": f"texts of {names[0]} per skill", "range": [0, top]},
        yaxis={"title": f"texts of {names[1]} per skill", "range": [0, top]},
        margin={"l": 54, "r": 12, "t": 34, "b": 44},
    )
    return figure
