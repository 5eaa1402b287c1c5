"""Learning as peeling: wave by wave on the real graph, what if, and what more texts would teach."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from ui.choice import Query, choose
from ui.components import no_layer, page_header
from ui.notices import notice
from ui.source import Snapshot

__all__ = ["layout"]

_TITLE = "Learning"


_MEANING = (
    "All texts are read again and again. In each wave, every text with only one unknown skill left teaches that "
    "skill, until nothing more is learned."
)


_TABS = (("waves", "Wave by wave"), ("what-if", "What if"), ("texts", "More texts"))


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.layer is None or choice.layer_info is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    tab = query.get("tab", "waves")
    tab = tab if tab in dict(_TABS) else "waves"
    tabs = dmc.SegmentedControl(
        id="l-tab",
        data=[{"value": value, "label": text} for value, text in _TABS],
        value=tab,
        size="sm",
        **{"aria-label": "View"},
    )
    wave = int(query["wave"]) if query.get("wave", "").isdecimal() else choice.layer_info.waves
    state = {key: query[key] for key in ("c", "R", "learner") if key in query}
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            None if choice.problem is None else notice(choice.problem),
            dcc.Store(id="l-subject", data={"dataset": choice.dataset, "layer": choice.layer, "wave": wave, **state}),
            html.Div([tabs], className="toolbar"),
            html.Div(id="l-body", className="tab-body"),
        ],
        className="page fill",
    )
