"""What the page answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import Input, Output, html
from dash.development.base_component import Component

from explorer.errors import USER_ERRORS
from explorer.service import predict_layer
from explorer.service.ladder import explain
from explorer.service.snapshot import read_dataset
from ui.calls import Calls
from ui.content import Content
from ui.drawing.of_layers import layer_emergence_figure
from ui.pages.overview.answers import beside_table, headline_numbers, ladder_table, reasons_list
from ui.source import Source
from ui.told import told

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALLS"]

CALLS = Calls()


@CALLS.answer(
    "the prediction beside the measurement",
    Output("o-stats", "children"),
    Output("o-emergence", "figure"),
    Output("o-beside", "children"),
    Output("o-reasons", "children"),
    Input("o-subject", "data"),
)
def fill(source: Source, subject: dict[str, str]) -> tuple[Content, go.Figure, Content, Content]:
    snapshot = source.snapshot()
    dataset, layer = subject["dataset"], subject["layer"]
    prediction = snapshot.apart(("prediction", dataset, layer), predict_layer, dataset, layer)
    return (
        headline_numbers(prediction, read_dataset(snapshot.store, dataset).skills.num_rows),
        layer_emergence_figure(prediction),
        beside_table(prediction),
        reasons_list(prediction),
    )


@CALLS.answer("what explains the layer", Output("o-ladder", "children"), Input("o-subject", "data"))
def climb(source: Source, subject: dict[str, str]) -> Component:
    snapshot = source.snapshot()
    dataset, layer = subject["dataset"], subject["layer"]
    try:
        found = snapshot.apart(("ladder", dataset, layer), explain, dataset, layer, graphs=0)
    except USER_ERRORS as error:
        return html.P(told(str(error)), className="sentence")
    return ladder_table(found)
