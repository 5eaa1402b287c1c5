"""What the page answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from dash import Input, Output, State, no_update

from analysis.compression import RateCurve
from explorer.errors import SkillgraphError
from explorer.service.communication import channel
from explorer.service.compression import Model, rate_by_ratio, typed_rate_by_ratio
from explorer.service.snapshot import LayerView
from explorer.service.text_code import code_text, measure_layer, receive
from explorer.wording import quoted
from ui.calls import Calls
from ui.content import Content, Update
from ui.pages.compression.answers import (
    TEXTS,
    TRIALS,
    bits_figure,
    channel_figure,
    channel_sentence,
    code_shown,
    headline_numbers,
    no_figure,
    rate_figure,
    search,
)
from ui.pages.compression.state import CONTROLS
from ui.searching import found, register_found
from ui.source import Source

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALLS"]

CALLS = Calls()


def _views(source: Source, subject: dict[str, str], receiver: str) -> tuple[LayerView, LayerView]:
    snapshot = source.snapshot()
    return snapshot.view(subject["dataset"], subject["layer"]), snapshot.view(subject["dataset"], receiver)


@CALLS.answer(
    "the bits of all texts",
    Output("z-stats", "children"),
    Output("z-bits", "figure"),
    Output("z-rate", "figure"),
    Input("z-model", "value"),
    State("z-subject", "data"),
)
def whole(source: Source, model: Model, subject: dict[str, str]) -> tuple[Content, go.Figure, go.Figure]:
    snapshot = source.snapshot()
    key = (subject["dataset"], subject["layer"])
    report = snapshot.apart(("bits", *key, model), measure_layer, *key, model)
    graph = snapshot.view(*key).indexed.graph
    ratios = np.linspace(0.02, 1.6 * max(graph.ratio, 1.0), 120)
    kept = report.texts - report.understood
    raw = report.bits.kept * report.texts / kept if kept else report.bits.raw
    try:
        curve = snapshot.apart(("poisson bits", *key, model), rate_by_ratio, *key, raw_bits=raw, ratios=ratios.tolist())
    except SkillgraphError:  # a layer from outcomes has no prediction
        curve, typed = RateCurve(*(np.zeros(0) for _ in range(4))), None
    else:
        typed = snapshot.apart(("typed bits", *key, model), typed_rate_by_ratio, *key, raw_bits=raw)
    figure = rate_figure(curve, graph.ratio, report.bits.semantic, typed)
    return headline_numbers(report), bits_figure(report), figure


@CALLS.answer(
    "the code of the text",
    Output("z-code", "children"),
    Input("z-text", "value"),
    Input("z-receiver", "value"),
    Input("z-model", "value"),
    State("z-subject", "data"),
)
def one(source: Source, text: str | None, receiver: str, model: Model, subject: dict[str, str]) -> Content:
    sender, other = _views(source, subject, receiver)
    code = code_text(sender, text or subject["text"], model)
    return code_shown(code, receive(sender, other, code), subject["layer"])


@CALLS.answer(
    "the texts that match",
    Output(found("z-text"), "data"),
    Input("z-text", "searchValue"),
    State("z-text", "value"),
    State("z-subject", "data"),
    prevent_initial_call=True,
)
def offer(
    source: Source, typed: str | None, chosen: str | None, subject: dict[str, str]
) -> Update[list[dict[str, str]]]:
    view = source.snapshot().view(subject["dataset"], subject["layer"])
    options = search(view, typed or "", chosen)
    # The field shows the chosen text's title: that is no search.
    if any(option["value"] == chosen and option["label"] == typed for option in options):
        return no_update
    return options


register_found(CALLS, "z-text")


@CALLS.answer(
    "the channel",
    Output("z-channel", "figure"),
    Output("z-channel-said", "children"),
    Output("z-erasure-shown", "children"),
    Input("z-receiver", "value"),
    Input("z-erasure", "value"),
    State("z-subject", "data"),
)
def send(source: Source, receiver: str, erasure: float, subject: dict[str, str]) -> tuple[go.Figure, str, str]:
    snapshot = source.snapshot()
    dataset, layer = subject["dataset"], subject["layer"]
    shown = f"{erasure:.0%}"
    try:
        report = snapshot.apart(
            ("channel", dataset, layer, receiver, erasure),
            channel,
            dataset,
            sender=layer,
            receiver=receiver,
            erasure=erasure,
            texts=TEXTS,
            trials=TRIALS,
        )
    except SkillgraphError:
        text = f"Layer {quoted(layer)} understands none of the texts, so there is nothing to send as skills."
        return no_figure(), text, shown
    return channel_figure(report), channel_sentence(report), shown


CONTROLS.wire(CALLS)
