"""Texts coded as the skills they require: one text bit by bit, a whole layer, and a channel that loses packets."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from explorer.service.snapshot import LayerView
from explorer.wording import quoted
from ui.attributes import attributes
from ui.choice import Query, choose
from ui.components import (
    card,
    empty_state,
    figure,
    no_layer,
    page,
    page_header,
    picker_width,
    sentence,
    small_select,
    stat,
)
from ui.content import Child
from ui.notices import notice
from ui.pages.compression.answers import SHOWN, TEXTS, search
from ui.pages.compression.state import CONTROLS
from ui.searching import searching
from ui.source import Snapshot

__all__ = ["first_text", "layout"]

_TITLE = "Compression"


_MEANING = (
    "A learner that has learned all skills of a text understands it, and can send it as the set of its skills; the "
    "wording is not kept. Texts that it does not understand are sent whole. Costs are in bits per text."
)


_MODELS = (("frequency", "by how often skills are used"), ("uniform", "all skills alike"))


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    problem = None if choice.problem is None else notice(choice.problem)
    if choice.dataset is None or choice.layer is None:
        return page(page_header(_TITLE, _MEANING, choice), problem, no_layer(choice.dataset))
    view = snapshot.view(choice.dataset, choice.layer)
    if not view.indexed.graph.n_texts or not view.learned.any():
        nothing = empty_state(
            "Nothing to encode with",
            f"Layer {quoted(choice.layer)} has learned no skills, so every text is sent whole.",
        )
        return page(page_header(_TITLE, _MEANING, choice), problem, nothing)
    text = query.get("text")
    if text is not None and view.indexed.text_ids.index(text).as_py() < 0:
        problem = problem or notice(f"Layer {quoted(choice.layer)} has no text {quoted(text)}; another is shown.")
        text = None
    names = [info.name for info in choice.layers]
    defaults = {
        "text": first_text(view),
        "receiver": next((name for name in names if name != choice.layer), choice.layer),
    }
    state = CONTROLS.read({**query, "text": text or ""}, **defaults)
    if state["receiver"] not in names:
        state["receiver"] = defaults["receiver"]
    text = state["text"]
    subject = {"dataset": choice.dataset, "layer": choice.layer, "text": text}
    return page(
        page_header(_TITLE, _MEANING, choice, extra=_receiver(names, state["receiver"])),
        problem,
        dcc.Store(id="z-subject", data=subject),
        *CONTROLS.stores(**defaults),
        html.Div(_waiting(), id="z-stats", **attributes(aria_live="polite")),
        html.Div(
            [
                card("One text", _picker(view, text, state["model"]), className="code-card"),
                html.Div(
                    [
                        card(
                            "All texts of this layer",
                            figure(
                                "z-bits",
                                height=232,
                                label="Bits per text: raw, zstd, xz, the file by its parts, and lists",
                            ),
                            note=(
                                "zstd and xz keep the wording, the skills do not: the difference is the cost of the "
                                "wording. Lists of skills compressed by xz hold the same information as the skill sets."
                            ),
                        ),
                        card(
                            "As texts are added",
                            figure("z-rate", height=290, label="Expected bits per text against texts per skill"),
                            note=(
                                "Random texts with as many skills each (Poisson): the more texts a learner has read, "
                                "the fewer it has to send whole. With types: random texts that keep this layer's mix "
                                "of types of skills. The vertical orange line is this layer's R."
                            ),
                        ),
                    ],
                    className="side",
                ),
            ],
            className="row two",
        ),
        card("Over a channel that loses packets", _channel(state["erasure"])),
    )


def _receiver(names: Sequence[str], chosen: str) -> Component:
    return small_select("z-receiver", "Receiver's layer", list(names), chosen, width=picker_width(names, 190))


def _waiting() -> html.Div:
    labels = ("Understood", "Skill sets", "Same lists, xz", "Whole file", "xz", "zstd", "Raw")
    return html.Div([stat(label, "…", "") for label in labels], className="stats")


def _picker(view: LayerView, text: str, model: str) -> list[Child]:
    return [
        html.Div(
            [
                searching(
                    dmc.Select(
                        id="z-text",
                        label="Text",
                        data=search(view, "", text),
                        value=text,
                        searchable=True,
                        allowDeselect=False,
                        limit=SHOWN + 1,
                        nothingFoundMessage="No such text",
                        size="xs",
                        comboboxProps={"shadow": "md"},
                        className="grow-x",
                    )
                ),
                small_select(
                    "z-model",
                    "Skills are coded",
                    [{"value": value, "label": label} for value, label in _MODELS],
                    model,
                    width=210,
                ),
            ],
            className="code-pick",
        ),
        html.Div(id="z-code", **attributes(aria_live="polite")),
    ]


def _channel(erasure: float) -> list[Child]:
    return [
        html.Div(
            [
                html.Div(
                    [
                        html.Div([html.Span("Packets lost, δ"), html.B(id="z-erasure-shown")], className="slider-head"),
                        dmc.Slider(
                            id="z-erasure", min=0, max=0.6, step=0.05, value=erasure, updatemode="mouseup", size="sm",
                            thumbLabel="Share of packets that are lost", label=None, precision=2,
                        ),
                    ],
                    className="slider-box",
                ),
                html.Div(id="z-channel-said", className="sentence", **attributes(aria_live="polite")),
            ],
            className="channel-head",
        ),
        figure("z-channel", height=270, label="Semantic error against packets received"),
        sentence(
            f"The sender puts the skills of {TEXTS} of its texts into packets; a text is in error if it is not "
            "recovered, or requires a skill that the receiver has not learned. With a fountain code any packets will "
            "do once enough have arrived; decoding is peeling again. Dashed: prediction for texts of one kind."
        ),
    ]  # fmt: skip


def first_text(view: LayerView) -> str:
    """A text to begin with: the first understood one of about six skills, else the first of all."""
    graph = view.indexed.graph
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    novel = np.bincount(text_of, weights=~view.learned[graph.text_skills], minlength=graph.n_texts)
    far = np.abs(graph.text_degrees - 6.0) + np.where(novel > 0, 1e6, 0.0)
    return str(view.indexed.text_ids[int(np.argmin(far))].as_py())
