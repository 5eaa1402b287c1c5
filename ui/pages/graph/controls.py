"""The graph page's controls: what is shown, how it is arranged, what is left out."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
import numpy as np
from dash import html
from dash.development.base_component import Component

from ui.attributes import attributes
from ui.brushes import brushed, slider
from ui.components import drawn_at_most, icon, small_select
from ui.content import Child
from ui.drawing.arrangements import ARRANGEMENTS, FCOSE_LIMIT
from ui.drawing.colourings import TITLES
from ui.drawing.graphs import NODE_LIMITS, LayerGraph
from ui.drawing.histograms import Histogram, Scale, last_place, masteries, uses, waves, weights
from ui.drawing.naming import name_keys
from ui.pages.graph.inspector import every_option
from ui.pages.graph.pictures import text_options
from ui.pages.graph.state import GROUPS, PER, VIEWS, GraphState
from ui.searching import searching

__all__ = ["options_row", "toolbar"]

_SHADOW: dmc.Select.ComboboxProps = {"shadow": "md"}


def toolbar(graph: LayerGraph, state: GraphState, colours: Sequence[str]) -> html.Div:
    """The row that is always there."""
    return html.Div(
        [
            searching(
                dmc.Select(
                    id="g-search",
                    label="Find a skill",
                    placeholder="Type a name",
                    data=every_option(graph, "", state.skill),
                    value=state.skill,
                    searchable=True,
                    clearable=True,
                    limit=40,
                    nothingFoundMessage="No skill with that name",
                    size="xs",
                    w=190,
                    leftSection=icon("search"),
                    comboboxProps=_SHADOW,
                )
            ),
            html.Div(
                [
                    html.Span("Show", className="control-label"),
                    dmc.SegmentedControl(
                        id="g-view",
                        data=[{"value": key, "label": text} for key, text in VIEWS.items()],
                        value=state.view,
                        size="xs",
                        **attributes(aria_label="Show"),
                    ),
                ],
                className="control",
            ),
            small_select(
                "g-colour",
                "Colour by",
                [{"value": key, "label": TITLES[key]} for key in colours],
                state.colour if state.colour in colours else "class",
                width=132,
            ),
            small_select(
                "g-names", "Names", [{"value": key, "label": key} for key in name_keys(graph)], state.names, width=116
            ),
            html.Div(className="spacer"),
            html.Button(
                ["Options", html.Span(id="g-options-count", className="badge")],
                id="g-options",
                className="tool wide-tool",
                title="Arrangement and filters",
                **attributes(aria_expanded="false", aria_controls="g-options-row"),
            ),
            html.Button(
                "Table",
                id="g-as",
                className="tool wide-tool",
                title="The same as a table, for keyboards and screen readers",
                **attributes(aria_pressed="true" if state.table else "false"),
            ),
            html.Button(
                icon("undo"),
                id="g-undo",
                className="tool",
                disabled=True,
                **attributes(aria_label="Undo the last step", title="Undo the last step"),
            ),
            _export_menu(),
        ],
        className="toolbar graph-toolbar",
    )


def _export_menu() -> html.Details:
    kinds = (
        ("png", "Picture (PNG)"),
        ("svg", "Drawing (SVG)"),
        ("pdf", "Drawing (PDF)"),
        ("csv", "Associations (CSV)"),
        ("graphml", "Graph (GraphML)"),
        ("html", "Page to send (HTML)"),
    )
    return html.Details(
        [
            html.Summary(icon("download"), className="tool", **attributes(aria_label="Export", title="Export")),
            html.Div(
                [
                    *[html.Button(text, id=f"g-{kind}", className="item") for kind, text in kinds],
                    html.P("Exported files hold what the filters keep.", className="quiet pad-note"),
                ],
                className="menu-box",
            ),
        ],
        className="menu",
    )


def options_row(graph: LayerGraph, state: GraphState) -> html.Div:
    """Arrangement and filters; it opens with the button of its name, and by itself where filters are on."""
    filters = state.filters
    region = filters.box is not None and state.view == "map"  # it is what the map shows
    opened = filters.number - region > 0 or bool(state.texts) or bool(filters.added)
    return html.Div(
        [
            html.Div([*_arranging(graph, state), *_filtering(graph, state)], className="toolbar"),
            html.Div(
                [
                    html.Div(id="g-counts", className="quiet grow-x", **attributes(aria_live="polite")),
                    html.Button(
                        "Leave the region",
                        id="g-no-box",
                        className="act",
                        disabled=filters.box is None,
                        title="Show all skills of the map again",
                    ),
                    html.Button(
                        "Leave the query's skills",
                        id="g-no-added",
                        className="act",
                        disabled=not filters.added,
                        title="Draw the skills that a query added like all others",
                    ),
                    html.Button("Clear filters", id="g-clear", className="act", title="Remove all filters"),
                ],
                className="counts-line",
            ),
        ],
        id="g-options-row",
        className="options-row card" if opened else "options-row card closed",
    )


def _arranging(graph: LayerGraph, state: GraphState) -> list[Child]:
    arrangements: list[dict[str, str | bool]] = [
        {
            "value": key,
            "label": text,
            "disabled": (key == "levels" and int(graph.level.max(initial=-1)) < 0)
            or (key == "fcose" and graph.n > FCOSE_LIMIT and not state.filters.number),
        }
        for key, text in ARRANGEMENTS.items()
    ]
    return [
        _for_views(
            small_select("g-layout", "Arrange skills", arrangements, state.arrangement, width=186),
            "skills",
        ),
        _for_views(
            small_select(
                "g-per",
                "Associations of each skill",
                [{"value": str(k), "label": "the strongest" if k == 1 else f"the strongest {k}"} for k in PER],
                str(state.per),
                width=150,
            ),
            "skills",
        ),
        _for_views(drawn_at_most("g-most", NODE_LIMITS, graph.n, state.most), "skills", "groups"),
        _for_views(
            small_select(
                "g-by",
                "Groups are",
                [{"value": key, "label": text} for key, text in GROUPS.items()],
                state.by,
                width=140,
            ),
            "groups",
        ),
        _for_views(
            searching(
                dmc.MultiSelect(
                    id="g-texts",
                    label="Texts (empty: texts of the chosen skill)",
                    data=text_options(graph, "", state.texts),
                    value=list(state.texts),
                    searchable=True,
                    clearable=True,
                    maxValues=12,
                    limit=30,
                    size="xs",
                    w=330,
                    placeholder="" if state.texts else "Type a part of a title",
                    nothingFoundMessage="No text with that title",
                    comboboxProps=_SHADOW,
                )
            ),
            "texts",
        ),
    ]


def _for_views(control: Component, *views: str) -> html.Div:
    return html.Div(control, className=" ".join(["for-view", *(f"for-{view}" for view in views)]))


def _filtering(graph: LayerGraph, state: GraphState) -> list[Child]:
    filters, known = state.filters, masteries(graph)
    ends = {
        "waves": (filters.waves, last_place(graph.wave, "wave")),
        "uses": (filters.uses, last_place(graph.uses, "texts")),
    }

    def brush(key: str, title: str, scale: Scale, bars: Histogram, span: tuple[int, int] | None, last: int) -> html.Div:
        name = f"g-{key}"
        last = max(last, 1)
        return brushed(key, name, bars, slider(name, title, scale, last, span), span, last)

    return [
        brushed(
            "weight",
            "g-weight",
            weights(graph),
            dmc.NumberInput(
                id="g-weight",
                label="Texts of an association, at least",
                value=filters.weight,
                min=1,
                max=max(int(graph.weight.max(initial=1)), 1),
                allowDecimal=False,
                size="xs",
                w=176,
            ),
        ),
        brush("waves", "Waves, first to last", "wave", waves(graph), *ends["waves"]),
        brush("uses", "Texts of a skill", "texts", uses(graph), *ends["uses"]),
        html.Div(brush("mastery", "Mastery", "share", known, filters.mastery, 100), hidden=not known.counts),
        dmc.MultiSelect(
            id="g-classes",
            label="Classes",
            data=_classes(graph),
            value=list(filters.classes),
            searchable=True,
            clearable=True,
            size="xs",
            w=150,
            placeholder="" if filters.classes else "all",
            comboboxProps=_SHADOW,
        ),
    ]


def _classes(graph: LayerGraph) -> list[dict[str, str]]:
    names, code = graph.classes
    order = np.argsort(-np.bincount(code, minlength=len(names)), kind="stable")[:500]
    return [{"value": names[i], "label": names[i]} for i in order.tolist()]
