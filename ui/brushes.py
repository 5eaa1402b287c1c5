"""Brushes: histograms over the sliders that filter a graph or the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dash_mantine_components as dmc
import numpy as np
import numpy.typing as npt
from dash import Input, Output, html
from dash.development.base_component import Component

from explorer.wording import plural
from ui.attributes import attributes
from ui.calls import Calls
from ui.content import Child
from ui.drawing.histograms import Histogram, Scale, histogram, last_place, within
from ui.state import Control, bounded
from ui.typed import Properties, Row

__all__ = ["Brush", "TableBrushes", "bars", "brushed", "pale", "slider"]

_UNITS: Mapping[Scale, str] = {"wave": "wave", "texts": "number of texts", "share": "share in per cent"}
_ENDS: Mapping[Scale, Callable[[int], str]] = {"wave": str, "texts": lambda e: f"{2**e:,}", "share": lambda p: f"{p} %"}


def bars(found: Histogram, span: tuple[int, int] | None = None) -> list[Child]:
    """The bars, if there are two or more; those that a span leaves out are pale."""
    if len(found.counts) < 2:
        return []
    low, high = span or (0, np.inf)
    touching = found.last[0] == found.first[1] and low < high  # ends that two bars share are no reason to keep both

    def out(first: int, last: int) -> bool:
        return last < low or first > high or (touching and (last == low or first == high))

    return [
        html.I(
            title=title,
            style={"height": f"{height:.0f}%"},
            className="out" if out(first, last) else None,
            **attributes(data_first=str(first), data_last=str(last)),
        )
        for first, last, title, height in zip(found.first, found.last, found.titles, found.heights, strict=True)
    ]


def brushed(
    key: str,
    name: str,
    found: Histogram,
    control: Component,
    span: tuple[int, int] | None = None,
    last: int | None = None,
) -> html.Div:
    """Bars over the control that cuts them: a click on a bar, or a stroke over several, chooses them.

    Args:
        key: Of the address.
        name: Id of the control.
        found: What the bars show.
        control: The control.
        span: What it keeps now; None for everything.
        last: The right end of a slider; None for a control with a left end alone.
    """
    ends = "" if last is None else f"0-{last}"
    box = html.Div(
        bars(found, span),
        id=f"{name}-bars",
        className="brush",
        **attributes(data_key=key, data_control=name, data_ends=ends, aria_hidden="true"),
    )
    return html.Div([box, control], className="brushed")


def slider(name: str, title: str, scale: Scale, last: int, span: tuple[int, int] | None = None) -> html.Div:
    """A slider with two ends, which are named, for the keyboard and for spans that no stroke meets."""
    return html.Div(
        [
            html.Span(title, className="control-label", id=f"{name}-label"),
            dmc.RangeSlider(
                id=name,
                value=list(span or (0, last)),
                min=0,
                max=last,
                step=5 if scale == "share" else 1,
                minRange=0,
                size="sm",
                w=120,
                marks=[{"value": at, "label": _ENDS[scale](at)} for at in (0, last)],
                thumbFromLabel=f"Lowest {_UNITS[scale]}",
                thumbToLabel=f"Highest {_UNITS[scale]}",
            ),
        ],
        className="control range-control",
    )


def pale(calls: Calls, output: Output, names: Sequence[str]) -> None:
    """Bars that their control leaves out turn pale at once; the output becomes true where nothing is left out."""
    calls.browser("sgBrush.pale", output, *(Input(name, "value") for name in names))


@dataclass(frozen=True)
class Brush:
    """One filter of a table's rows.

    Attributes:
        key: Its name in the address.
        field: The rows' field; rows without a value have none.
        title: Its label.
        scale: Where values lie.
    """

    key: str
    field: str
    title: str
    scale: Scale

    def values(self, rows: Sequence[Row]) -> npt.NDArray[np.float64]:
        """What each row has, float64; NaN for none."""
        found = (row.get(self.field) for row in rows)
        return np.array([np.nan if value is None else float(value) for value in found], dtype=np.float64)

    def last(self, rows: Sequence[Row]) -> int:
        """The right end of the brush."""
        return max(last_place(self.values(rows), self.scale), 1)


@dataclass(frozen=True)
class TableBrushes:
    """The brushes of a table.

    Attributes:
        name: What its components are called by.
        brushes: One for each column that is filtered.
        noun: What a row is.
    """

    name: str
    brushes: tuple[Brush, ...]
    noun: str = "skill"

    def component(self, brush: Brush) -> str:
        """Id of a brush's slider."""
        return f"{self.name}-{brush.key}"

    def controls(self) -> tuple[Control, ...]:
        """What the address says of them."""
        return tuple(Control(b.key, self.component(b), codec="range", slides=True) for b in self.brushes)

    def inputs(self) -> tuple[Input, ...]:
        """What a callback that keeps rows is called with."""
        return tuple(Input(self.component(b), "value") for b in self.brushes)

    def whole(self, lasts: Mapping[str, int]) -> dict[str, list[int]]:
        """The span of each brush that leaves nothing out, by its key: what the address need not say."""
        return {b.key: [0, lasts[b.key]] for b in self.brushes}

    def lasts(self, rows: Sequence[Row]) -> dict[str, int]:
        """The right end of each brush, by its key."""
        return {b.key: b.last(rows) for b in self.brushes}

    def wire(self, calls: Calls) -> None:
        """Keep the bars in step with the sliders."""
        pale(calls, Output(f"{self.name}-clear", "disabled"), [self.component(b) for b in self.brushes])

    def bars(self, brush: Brush, rows: Sequence[Row], value: Sequence[int] | None, last: int) -> list[Child]:
        """The bars of one brush over rows."""
        return bars(histogram(brush.values(rows), brush.scale, self.noun, last), bounded(value, last))

    def box(self, rows: Sequence[Row] | None, values: Properties, lasts: Mapping[str, int]) -> html.Div:
        """The brushes over a table; one that no row has a value for is hidden.

        Args:
            rows: All rows; None where a callback brings them.
            values: What the address says, by key.
            lasts: The right end of each brush, by its key.
        """
        shown = []
        for brush in self.brushes:
            last, name = lasts[brush.key], self.component(brush)
            span, found = (
                bounded(values.get(brush.key), last),
                histogram(brush.values(rows or ()), brush.scale, self.noun),
            )
            control = slider(name, brush.title, brush.scale, last, span)
            box = brushed(brush.key, name, found, control, span, last)
            shown.append(html.Div(box, hidden=rows is not None and not found.counts))
        clear = html.Button(
            "Clear",
            id=f"{self.name}-clear",
            className="act brush-clear",
            title="Keep all rows again",
            disabled=all(bounded(values.get(b.key), lasts[b.key]) is None for b in self.brushes),
        )
        said = html.Span(
            None if rows is None else self.kept(rows, [values.get(b.key) for b in self.brushes], lasts)[1],
            id=f"{self.name}-rows-kept",
            className="quiet",
            **attributes(aria_live="polite"),
        )
        return html.Div([*shown, html.Div([said, clear], className="brush-said")], className="brushes")

    def kept(
        self, rows: Sequence[Row], spans: Sequence[Sequence[int] | None], lasts: Mapping[str, int]
    ) -> tuple[list[Row], str]:
        """The rows that spans keep, and how many these are.

        Args:
            rows: All rows.
            spans: One for each brush, in their order; None for everything.
            lasts: The right end of each brush, by its key.
        """
        stay, without = np.ones(len(rows), dtype=bool), []
        narrowed = False
        for brush, span in zip(self.brushes, spans, strict=True):
            values = brush.values(rows)
            ends, none = bounded(span, lasts[brush.key]), int(np.isnan(values).sum())
            if ends is not None:
                stay &= within(values, brush.scale, ends)
                narrowed = True
            if 0 < none < len(rows):
                without.append((none, brush.title, ends is not None))
        total = plural(len(rows), self.noun)
        total = plural(len(rows), self.noun)
        if not rows:
            return [], f"No {total.partition(' ')[2]}."
        said = f"Kept: {int(stay.sum()):,} of {total}." if narrowed else f"All {total}."
        for none, title, gone in without:
            said += f" {none:,} {'has' if none == 1 else 'have'} no value for “{title}”" + (
                (" and is left out." if none == 1 else " and are left out.") if gone else "."
            )
        return [row for row, stays in zip(rows, stay.tolist(), strict=True) if stays], said
