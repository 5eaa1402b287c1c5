"""Pieces that every page is built of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from unicodedata import east_asian_width
from urllib.parse import urlencode

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.service.cautions import layer_cautions
from explorer.service.stale import stale_sentence
from explorer.store.protocol import DatasetInfo, LayerInfo
from explorer.wording import isolated, quoted
from ui.attributes import attributes
from ui.choice import Choice
from ui.content import Child, Content
from ui.drawing.style import OTHER
from ui.told import told
from ui.typed import Properties

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "blank_chart",
    "card",
    "chart_settings",
    "drawn_at_most",
    "empty_state",
    "figure",
    "folded",
    "fraction",
    "grid",
    "icon",
    "no_layer",
    "origin",
    "page",
    "page_header",
    "picker_width",
    "sentence",
    "share",
    "small_select",
    "stat",
    "why_address",
    "why_column",
    "wide_table",
]


def chart_settings(**more: Any) -> dcc.Graph.Config:
    """How Plotly draws on every page, with what one figure needs beside that."""
    settings = {
        "displaylogo": False,
        "responsive": True,
        # Plotly's button that sends a figure's data to its own site; nothing leaves this machine.
        "showSendToCloud": False,
        "plotlyServerURL": "",
        **more,
    }
    return cast("dcc.Graph.Config", settings)


"""Settings of all Plotly figures."""


def icon(name: str) -> html.Span:
    """One of the icons in assets/icons, in the colour of the text beside it."""
    return html.Span(className=f"icon icon-{name}", **attributes(aria_hidden="true"))


def fraction(value: float | None, digits: int = 1) -> str:
    """A share as a percentage; a dash where there is none.

    >>> fraction(0.4179), fraction(None)
    ('41.8 %', '–')
    """
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def sentence(text: str, **extra: Any) -> dmc.Text:
    """The line under a figure or table that says what it shows."""
    return dmc.Text(told(text), className="sentence", **extra)


def stat(label: str, value: str, meaning: str, *, tone: str = "") -> html.Div:
    """One number with its name and what it means."""
    return html.Div(
        [
            html.Div(label, className="stat-label"),
            html.Div(value, className=f"stat-value {tone}"),
            html.Div(told(meaning), className="stat-meaning"),
        ],
        className="stat",
    )


def share(label: str, value: float | None, whole: int, noun: str, *, tone: str = "") -> html.Div:
    """A share as a headline, with the number of which it is one: of how many, and what these are.

    >>> share("Learned", 0.25, 1200, "skills").children[2].children
    '300 of 1,200 skills'
    """
    of = f"of {whole:,} {noun}"
    return stat(label, fraction(value), of if value is None else f"{round(value * whole):,} {of}", tone=tone)


def card(
    title: str | None,
    children: Content,
    *,
    note: str | None = None,
    extra: Component | None = None,
    className: str = "",
) -> html.Section:
    """A titled box; `note` is its sentence, `extra` stands at the right of the title."""
    head: list[Child] = []
    if title is not None:
        head.append(
            html.Div(
                [html.H2(title, className="card-title"), *([extra] if extra is not None else [])], className="card-head"
            )
        )
    if note is not None:
        head.append(sentence(note))
    body = children if isinstance(children, list) else [children]
    return html.Section([*head, *body], className=f"card {className}")


def blank_chart(said: str = "") -> Properties:
    """A Plotly figure with nothing in it but a few words."""
    words = {"text": said, "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    axis = {"visible": False}
    clear = "rgba(0,0,0,0)"
    looks = {"paper_bgcolor": clear, "plot_bgcolor": clear, "font": {"color": OTHER, "size": 13}}
    return {"data": [], "layout": {"xaxis": axis, "yaxis": axis, "annotations": [words] if said else [], **looks}}


def figure(
    name: str | dict[str, str], *, height: int | str = 300, label: str, chart: go.Figure | None = None
) -> html.Div:
    """A Plotly figure, described for those who do not see it."""
    size = f"{height}px" if isinstance(height, int) else height
    return html.Div(
        dcc.Graph(
            id=name,
            figure=blank_chart() if chart is None else chart,  # Plotly's own empty figure is white, also in the dark
            config=chart_settings(
                displayModeBar="hover",
                modeBarButtonsToRemove=["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
            ),
            style={"height": size},
            responsive=True,
        ),
        role="figure",
        **attributes(aria_label=label),
        className="figure",
    )


def grid(
    name: str,
    columns: Sequence[Mapping[str, object]],
    rows: Sequence[Mapping[str, object]] | None = None,
    *,
    height: int | str = 320,
    filters: bool = False,
    options: Mapping[str, object] | None = None,
    **extra: Any,
) -> dag.AgGrid:
    """A table that sorts and filters; values are text, never HTML.

    Rows that are None are being computed, which the table says until a callback gives them.
    """
    size = f"{height}px" if isinstance(height, int) else height
    return dag.AgGrid(
        id=name,
        columnDefs=[dict(column) for column in columns],
        rowData=None if rows is None else [dict(row) for row in rows],
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "minWidth": 80,
            "filter": filters,
            "floatingFilter": filters,
            "suppressHeaderFilterButton": True,
        },
        columnSize="responsiveSizeToFit",
        dashGridOptions={
            "theme": {
                "function": (
                    "themeQuartz.withParams({fontFamily: 'inherit', fontSize: 13, headerFontSize: 12, rowHeight: 32, "
                    "headerHeight: 36, backgroundColor: 'transparent', wrapperBorder: false, "
                    "headerBackgroundColor: 'var(--surface-2)', foregroundColor: 'var(--text)', "
                    "headerTextColor: 'var(--text-2)', borderColor: 'var(--line)', accentColor: '#2F7FB8', "
                    "wrapperBorderRadius: 8, oddRowBackgroundColor: 'transparent', rowHoverColor: 'var(--surface-2)'})"
                )
            },
            "animateRows": False,
            "enableCellTextSelection": True,
            "localeText": {"noRowsToShow": "Nothing to show", "loadingOoo": "Being computed …"},
            **(options or {}),
        },
        style={"height": size, "width": "100%"},
        className="grid",
        **extra,
    )


def folded(name: str) -> list[Child]:
    """A long name that folds behind its dots, underscores, colons and slashes, and not in the middle of a word."""
    pieces = re.split(r"(?<=[._:/])(?=[^._:/])", name)
    return [part for piece in pieces for part in (html.Wbr(), piece)][1:]


def why_address(dataset: str, layer: str) -> str:
    """Address of the page that says why a skill was learned or not, up to the skill's id."""
    return "/why?" + urlencode({"dataset": dataset, "layer": layer}) + "&skill="


def why_column(dataset: str, layer: str | None, field: str = "id") -> Properties:
    """A column with a link to why each row's skill was learned or not, and what would unlock it.

    Args:
        dataset: Name of the dataset.
        layer: Name of the layer; None if each row has its own, as `layer`.
        field: Where a row has the skill's id; a row without one has no link.
    """
    address = "/why?" + urlencode({"dataset": dataset}) if layer is None else why_address(dataset, layer)
    return {
        "colId": "why",  # without a field: tables are saved without it
        "headerName": "Why",
        "cellRenderer": "SkillWhy",
        "cellRendererParams": {"address": address, "skill": field, "ofRow": layer is None},
        "width": 60,
        "minWidth": 60,
        "maxWidth": 60,
        "sortable": False,
        "filter": False,
        "floatingFilter": False,
    }


def page_header(
    title: str, meaning: str, choice: Choice | None, *, layer: bool = True, extra: Component | None = None
) -> html.Header:
    """A page's name, the one line that says what its numbers mean, and what it is about."""
    pickers: list[Child] = []
    if choice is not None and choice.datasets:
        if len(choice.datasets) > 1:
            pickers.append(_picker("dataset", "Dataset", [_dataset_option(d) for d in choice.datasets], choice.dataset))
        if layer and choice.layers:
            pickers.append(_picker("layer", "Layer", [_layer_option(i) for i in choice.layers], choice.layer))
    return html.Header(
        [
            html.Div([html.H1(title), html.P(meaning, className="meaning")], className="page-title"),
            *([_subject(choice)] if choice is not None else []),
            *(_cautions(choice.layer_info) if layer and choice is not None else []),
            html.Div([*pickers, *([extra] if extra is not None else []), _views(), _take_away()], className="pickers"),
        ],
        className="page-header",
    )


def _views() -> html.Details:
    """Views and queries that were saved in the store; `assets/views.js` fills it when it opens."""
    return html.Details(
        [
            html.Summary(
                "Views", className="tool wide-tool", title="Saved views", **attributes(aria_label="Saved views")
            ),
            html.Div(className="menu-box views-box views-panel"),
        ],
        className="menu stay views",
    )


def _take_away() -> html.Details:
    """Address, tables and pictures of the page as files; `assets/takeaway.js` lists what there is."""
    return html.Details(
        [
            html.Summary(icon("share"), className="tool", **attributes(aria_label="Take away", title="Take away")),
            html.Div(
                [
                    html.Button("Copy link to this view", className="item", **attributes(data_copy="")),
                    html.Div(className="take-items"),
                ],
                className="menu-box take-box",
            ),
        ],
        className="menu take",
    )


def _cautions(info: LayerInfo | None) -> list[Child]:
    """That the layer is stale, why, and how it is made anew; and what must be known before its figures are read."""
    found = () if info is None else (stale_sentence(info), *layer_cautions(info))
    return [html.P(told(text), className="stale-line", role="note") for text in found if text]


def _subject(choice: Choice) -> html.Div:
    """What the page is about, for the browser."""
    subject = attributes(data_dataset=choice.dataset or "", data_layer=choice.layer or "")
    return html.Div(id="subject", hidden=True, **subject)


def _picker(field: str, label: str, options: list[dict[str, str]], value: str | None) -> dmc.Select:
    width = picker_width([option["label"] for option in options])
    return small_select({"type": "pick", "field": field}, label, options, value, width=width)


def drawn_at_most(name: str, limits: Sequence[int], skills: int, chosen: int) -> html.Div:
    """How many skills are drawn at most; nothing to choose where the fewest are all of them."""
    useful = [most for place, most in enumerate(limits) if place == 0 or limits[place - 1] < skills]
    options = [{"value": str(most), "label": f"up to {most:,}"} for most in useful]
    value = str(chosen if chosen in useful else useful[-1])
    return html.Div(small_select(name, "Draw", options, value, width=120), hidden=len(useful) == 1)


def small_select(
    name: str | dict[str, str],
    label: str | None,
    options: Sequence[str | Mapping[str, object]],
    value: str | None,
    *,
    width: int | str | None = None,
    **more: Any,
) -> dmc.Select:
    """A small field with a list, of which one entry is always chosen; a long list can be searched.

    Args:
        name: Its id.
        label: What it is called above it; None where an `aria_label` says it.
        options: Its entries; one that is a text alone is its own label.
        value: The chosen entry.
        width: Of the field, in pixels or as CSS has it.
        **more: Further properties of the component.
    """
    settings: Properties = {"allowDeselect": False, "searchable": len(options) > 8, "size": "xs", **more}
    if width is not None:
        settings["w"] = width
    return dmc.Select(
        id=name,
        label=label,
        data=[{"value": o, "label": o} if isinstance(o, str) else dict(o) for o in options],
        value=value,
        comboboxProps={"shadow": "md"},
        **settings,
    )


def picker_width(labels: Iterable[str], least: int = 210, most: int = 440) -> int:
    """Pixels of a picker in which its longest label is whole, within bounds; a cell of a wide script counts twice.

    >>> picker_width(["short"]), picker_width(["scipy and networkx, continued from the foundation"])
    (210, 403)
    """
    cells = max((sum(2 if east_asian_width(c) in "WF" else 1 for c in text) for text in labels), default=0)
    return min(max(least, round(7.2 * cells) + 50), most)


def _dataset_option(info: DatasetInfo) -> dict[str, str]:
    return {"value": info.name, "label": info.name}


def origin(info: LayerInfo) -> str:
    """What kind of layer it is, and what it rests on, such as *continued on foundation*."""
    return info.kind if info.base is None else f"{info.mode or info.kind} on {isolated(info.base)}"


def _layer_option(info: LayerInfo) -> dict[str, str]:
    return {"value": info.name, "label": f"{isolated(info.name)} · {info.kind}"}


def page(*children: Child, wide: bool = False) -> html.Div:
    """The page's content."""
    return html.Div([c for c in children if c is not None], className="page wide" if wide else "page")


def empty_state(title: str, text: str, *commands: str, link: Component | None = None) -> html.Div:
    """What to do where there is nothing to show yet."""
    return html.Div(
        [
            html.Div(icon("graph"), className="empty-icon"),
            html.H2(title),
            html.P(told(text)),
            *([] if link is None else [link]),
            *[html.Pre(command, className="command", tabIndex=0) for command in commands],
        ],
        className="empty",
    )


def no_layer(dataset: str | None) -> html.Div:
    """What to do without a layer."""
    if dataset is None:
        return empty_state(
            "Nothing is stored yet",
            "The demo reads the Python standard library of this machine and learns its skills; nothing is downloaded.",
            "skillgraph demo",
        )
    return empty_state(
        "No layer yet",
        f"Dataset {quoted(dataset)} is stored, but nothing has been learned from it. Learn a first layer and link its "
        "skills, on the Runs page or with:",
        f"skillgraph learn foundation --dataset {dataset}",
        f"skillgraph associate foundation --dataset {dataset}",
        link=dcc.Link(
            "Learn a first layer", href="/runs?" + urlencode({"run": "learn", "dataset": dataset}), className="run-link"
        ),
    )


def wide_table(table: Component) -> html.Div:
    """A table that scrolls sideways where it is wider than its place; the keyboard reaches it, to scroll it."""
    return html.Div(table, className="table-box", tabIndex=0)
