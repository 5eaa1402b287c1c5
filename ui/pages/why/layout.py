"""A field that finds every skill, what stands in its way, and all that is not learned."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from ui.attributes import attributes
from ui.choice import Query, choose
from ui.components import card, grid, no_layer, page, page_header, why_column
from ui.drawing.canvas import stylesheets
from ui.drawing.fitted import fitted_canvas
from ui.notices import notice
from ui.pages.why.answers import lacking_lasts, options
from ui.pages.why.callbacks import WHY
from ui.pages.why.state import CONTROLS, LACKING
from ui.searching import searching
from ui.source import Snapshot

__all__ = ["layout"]

_TITLE = "Why not"
_MEANING = (
    "Why a skill was not learned, or how it was: what stands in its way, which texts are nearest to teaching it, and "
    "what would unlock it."
)
_COLUMNS = (
    {"field": "name", "headerName": "Skill", "flex": 2, "minWidth": 180, "tooltipField": "name"},
    {"field": "reason", "headerName": "Reason", "minWidth": 130, "flex": 1, "tooltipField": "reason"},
    {"field": "class", "headerName": "Class", "minWidth": 110, "flex": 1},
    {
        "field": "uses",
        "headerName": "Texts",
        "type": "numericColumn",
        "minWidth": 110,
        "maxWidth": 140,
        "filter": "agNumberColumnFilter",
    },
)
_ONE = {"rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}}


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the address says."""
    choice = choose(snapshot, query)
    if choice.layer is None or choice.dataset is None:
        return page(page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset))
    said, lasts = CONTROLS.read(query), lacking_lasts(snapshot, choice.dataset)
    skill = said["skill"]
    field = dmc.Select(
        id="w-skill",
        label="A skill of the dataset, learned or not",
        data=options(snapshot, choice.dataset, choice.layer, "", skill),
        value=skill,
        searchable=True,
        clearable=True,
        placeholder="Type a part of its name",
        nothingFoundMessage="No skill has this in its name",
        size="sm",
        w=420,
        comboboxProps={"shadow": "md"},
    )
    columns = (*_COLUMNS, {**why_column(choice.dataset, choice.layer), "pinned": "right"})
    return page(
        page_header(_TITLE, _MEANING, choice),
        None if choice.problem is None else notice(choice.problem),
        dcc.Store(id="w-subject", data={"dataset": choice.dataset, "layer": choice.layer}),
        dcc.Store(id="w-sheets", data=stylesheets("plain")),
        *CONTROLS.stores(**LACKING.whole(lasts)),
        searching(field),
        html.Div(
            [
                html.Div(
                    [
                        WHY.strip(cancel="Stop"),
                        html.Section(
                            [
                                html.H2("What waits for what", className="card-title why-title"),
                                html.Div(
                                    fitted_canvas("w-cy", "Texts, and the skills that they lack beside them"),
                                    className="graph-stage why-stage",
                                ),
                                html.Div(id="w-said", className="graph-caption", **attributes(aria_live="polite")),
                            ],
                            className="card graph-card",
                        ),
                    ],
                    className="runs-result",
                ),
            ],
            className="row",
        ),
        card(
            "What is not learned",
            [
                html.Div(id="w-summary"),
                LACKING.box(None, said, lasts),
                grid("w-lacking", columns, height=430, filters=True, options=_ONE),
            ],
            note="Choose a row to see what stands in its way.",
        ),
    )
