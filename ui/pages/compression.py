"""Texts coded as the skills they require: one text bit by bit, a whole layer, and a channel that loses packets."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import numpy as np
import plotly.graph_objects as go
from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update

from analysis.compression import RateCurve
from explorer.errors import SkillgraphError
from explorer.service.communication import ChannelReport, channel
from explorer.service.compression import CompressionReport, Model, rate_by_ratio
from explorer.service.snapshot import LayerView
from explorer.service.text_code import Received, TextCode, code_text, measure_layer, receive
from ui.choice import Choice, Query, choose, finite
from ui.components import card, empty_state, figure, fraction, no_layer, page, page_header, sentence, stat
from ui.drawing.style import ROLES, figure_layout
from ui.notices import notice
from ui.searching import found, register_found, searching
from ui.source import Snapshot, Source

__all__ = ["bits_figure", "channel_figure", "first_text", "hex_lines", "layout", "rate_figure", "register", "search"]

_TITLE = "Compression"
_MEANING = (
    "A learner that has learned all skills of a text understands it, and can send it as the set of its skills; the "
    "wording is not kept. What it does not understand is sent as it is. Costs are in bits a text."
)
_MODELS = (("frequency", "by how often skills are used"), ("uniform", "all skills alike"))
_SHOWN = 40  # texts that a search offers
_TEXTS, _TRIALS = 100, 5
_SCHEMES = {
    "semantic_lt": ("skills, fountain code", "measured", "solid"),
    "semantic_repetition": ("skills, repeated", "sweep", "solid"),
    "text_lt": ("zstd text, fountain code", "second", "solid"),
}


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    problem = None if choice.problem is None else notice(choice.problem)
    if choice.dataset is None or choice.layer is None:
        return page(page_header(_TITLE, _MEANING, choice), problem, no_layer(choice.dataset))
    view = snapshot.view(choice.dataset, choice.layer)
    if not view.indexed.graph.n_texts or not view.learned.any():
        nothing = empty_state(
            "Nothing to code with", f"Layer {choice.layer!r} has learned no skill, so every text is sent as it is."
        )
        return page(page_header(_TITLE, _MEANING, choice), problem, nothing)
    text = query.get("text")
    if text is not None and view.indexed.text_ids.index(text).as_py() < 0:
        problem = problem or notice(f"Layer {choice.layer!r} has no text {text!r}; another is shown.")
        text = None
    text = text or first_text(view)
    model = "uniform" if query.get("model") == "uniform" else "frequency"
    subject = {"dataset": choice.dataset, "layer": choice.layer, "text": text}
    return page(
        page_header(_TITLE, _MEANING, choice, extra=_receiver(choice, query)),
        problem,
        dcc.Store(id="z-subject", data=subject),
        html.Div(_waiting(), id="z-stats", **{"aria-live": "polite"}),
        html.Div(
            [
                card("One text", _picker(view, text, model), className="code-card"),
                html.Div(
                    [
                        card(
                            "All texts of this layer",
                            figure("z-bits", height=232, label="Bits a text: raw, zstd, xz and semantic"),
                            note=(
                                "zstd and xz keep the wording, the skills do not: the difference is what the wording "
                                "costs. Lists of skills through xz say the same as the skill sets."
                            ),
                        ),
                        card(
                            "As texts are added",
                            figure("z-rate", height=290, label="Expected bits a text against texts per skill"),
                            note=(
                                "Random texts with as many skills each (Poisson): the more texts a learner has read, "
                                "the fewer it must send whole. The vertical orange line is this layer's R."
                            ),
                        ),
                    ],
                    className="side",
                ),
            ],
            className="row two",
        ),
        card("Over a channel that loses packets", _channel(query)),
    )


def _receiver(choice: Choice, query: Query) -> Any:
    names = [info.name for info in choice.layers]
    others = [name for name in names if name != choice.layer]
    chosen = query.get("receiver")
    return dmc.Select(
        id="z-receiver",
        label="Receiver's layer",
        data=names,
        value=chosen if chosen in names else (others or names)[0],
        allowDeselect=False,
        size="xs",
        w=190,
        comboboxProps={"shadow": "md"},
    )


def _waiting() -> html.Div:
    labels = ("Understood", "Semantic", "Skill sets", "Raw", "zstd", "xz")
    return html.Div([stat(label, "…", "") for label in labels], className="stats")


def _picker(view: LayerView, text: str, model: str) -> list[Any]:
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
                        limit=_SHOWN + 1,
                        nothingFoundMessage="No such text",
                        size="xs",
                        comboboxProps={"shadow": "md"},
                        className="grow-x",
                    )
                ),
                dmc.Select(
                    id="z-model",
                    label="Skills are coded",
                    data=[{"value": value, "label": label} for value, label in _MODELS],
                    value=model,
                    allowDeselect=False,
                    size="xs",
                    w=210,
                    comboboxProps={"shadow": "md"},
                ),
            ],
            className="code-pick",
        ),
        html.Div(id="z-code", **{"aria-live": "polite"}),
    ]


def _channel(query: Query) -> list[Any]:
    erasure = min(max(finite(query.get("erasure"), 0.1), 0.0), 0.6)
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
                html.Div(id="z-channel-said", className="sentence", **{"aria-live": "polite"}),
            ],
            className="channel-head",
        ),
        figure("z-channel", height=270, label="Semantic error against packets received"),
        sentence(
            f"The sender puts the skills of {_TEXTS} of its texts into packets; a text is in error if it is not "
            "recovered, or needs a skill that the receiver has not learned. With a fountain code any packets will do "
            "once enough have come, which is peeling again. Dashed is what theory expects of texts that are all alike."
        ),
    ]  # fmt: skip


# What the browser is sent ---------------------------------------------------------------------------------------


def first_text(view: LayerView) -> str:
    """A text to begin with: the first understood one of about six skills, else the first of all."""
    graph = view.indexed.graph
    text_of = np.repeat(np.arange(graph.n_texts), graph.text_degrees)
    novel = np.bincount(text_of, weights=~view.learned[graph.text_skills], minlength=graph.n_texts)
    far = np.abs(graph.text_degrees - 6.0) + np.where(novel > 0, 1e6, 0.0)
    return str(view.indexed.text_ids[int(np.argmin(far))].as_py())


def search(view: LayerView, typed: str, chosen: str | None) -> list[dict[str, str]]:
    """Texts whose title or id holds what was typed, those that start with it first; always the chosen one."""
    ids = view.indexed.text_ids.to_pylist()
    titles = [title or ident for title, ident in zip(view.indexed.text_column("title").to_pylist(), ids, strict=True)]
    wanted = typed.strip().casefold()
    hits = [
        (not title.casefold().startswith(wanted), len(title), title, ident)
        for title, ident in zip(titles, ids, strict=True)
        if wanted in title.casefold() or wanted in ident.casefold()
    ]
    found = {ident: title for _, _, title, ident in sorted(hits)[:_SHOWN]}
    if chosen is not None and chosen not in found:
        found = {chosen: titles[ids.index(chosen)], **found}
    seen: dict[str, int] = {}
    options = []
    for ident, title in found.items():
        seen[title] = seen.get(title, 0) + 1
        options.append({"value": ident, "label": title if seen[title] == 1 else f"{title} · {ident}"})
    return options


def hex_lines(data: bytes, most: int = 80) -> str:
    """Bytes in hexadecimal, four together, five groups a line.

    >>> hex_lines(bytes(range(6)))
    '00010203 0405'
    """
    groups = [data[i : i + 4].hex() for i in range(0, min(len(data), most), 4)]
    lines = [" ".join(groups[i : i + 5]) for i in range(0, len(groups), 5)]
    return "\n".join(lines) + (f"\n… {len(data) - most:,} bytes more" if len(data) > most else "")


def _bits(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _skill_chip(name: str, bits: float | None, tone: str, meaning: str) -> html.Span:
    inner: list[Any] = [name]
    if bits is not None:
        inner.append(html.Span(f"{bits:.1f}", className="chip-bits"))
    return html.Span(inner, className=f"chip {tone}", title=meaning)


def _code(code: TextCode, received: Received, sender: str) -> list[Any]:
    chips = []
    for skill in code.skills:
        learned = skill.place is not None
        reaches = skill.name not in received.unknown
        meaning = "learned by the sender" if learned else "not learned by the sender"
        meaning += "" if reaches else ", not by the receiver"
        chips.append(_skill_chip(skill.name, skill.bits, "" if learned else "chip-novel", meaning))
    if code.understood:
        parts = [
            ("understood or not", code.flag_bits, "one flag a text, coded with all others"),
            ("number of skills", code.count_bits, f"that there are {len(code.skills)}"),
            ("which skills", code.set_bits, f"as a set: {_bits(code.order_bits)} bits for their order are saved"),
        ]
        lead = f"{sender} understands this text and sends its {len(code.skills)} skills."
        data = f"{len(code.data)} bytes alone (whole 32-bit words); {_bits(code.bits)} bits among others"
    else:
        novel = sum(skill.place is None for skill in code.skills)
        parts = [
            ("understood or not", code.flag_bits, "one flag a text, coded with all others"),
            ("the text itself", 8.0 * len(code.data), "through zstd; among others it costs less"),
        ]
        lead = f"{sender} has not learned {novel} of its {len(code.skills)} skills, so it sends the text as it is."
        data = f"{len(code.data)} bytes: the text through zstd"
    rows = [
        html.Tr([html.Td([name, html.Div(meaning, className="quiet")]), html.Td(_bits(value), className="number")])
        for name, value, meaning in parts
    ]
    total = [html.Td(html.Strong("in all")), html.Td(html.Strong(_bits(code.bits)), className="number")]
    beside = [html.Td(["raw, and through zstd alone", html.Div("the same text as it is", className="quiet")]),
              html.Td(f"{code.raw_bits:,} · {code.zstd_bits:,}", className="number")]  # fmt: skip
    return [
        html.P(lead, className="sentence"),
        html.Div(chips, className="chips"),
        html.Table(
            [
                html.Thead(html.Tr([html.Th("Cost"), html.Th("bits", className="number")])),
                html.Tbody([*rows, html.Tr(total), html.Tr(beside)]),
            ],
            className="table",
        ),
        html.H3("The code", className="code-title"),
        html.Pre(hex_lines(code.data), className="code-hex", tabIndex=0),
        html.P(data + ".", className="quiet"),
        html.H3(f"What {received.layer} makes of it", className="code-title"),
        *_received(code, received),
    ]


def _received(code: TextCode, received: Received) -> list[Any]:
    mark = html.Code(received.fingerprint[:12], className="finger")
    if received.same:
        file = [
            "It has learned the same skills (fingerprint ",
            mark,
            "): it reads the file, and gets these skills back.",
        ]
    else:
        text = " instead of the sender's): it refuses the file and says so."
        file = ["It has learned other skills (fingerprint ", mark, text]
    found = [html.P(file, className="sentence")]
    if code.understood and not received.same and received.misread:
        wrong = ", ".join(name or "nothing" for name in received.misread[:6])
        wrong += " …" if len(received.misread) > 6 else ""
        text = (
            f"its own list would say: {wrong}" if any(received.misread) else "its own list has nothing at these places"
        )
        found.append(html.P(f"Were it not refused, {text}.", className="sentence"))
    n = len(code.skills)
    if received.unknown:
        names = ", ".join(received.unknown[:6]) + (" …" if len(received.unknown) > 6 else "")
        text = (
            f"Told the skills themselves, it knows {received.known} of {n} and would not understand the text: {names}."
        )
    else:
        text = f"Told the skills themselves, it knows all {n} and understands the text."
    return [*found, html.P(text, className="sentence")]


def _stats(report: CompressionReport) -> html.Div:
    bits = report.bits
    expected = "" if report.expected is None else f"; {_bits(report.expected.sets)} expected"
    lists = "" if bits.skills_xz is None else f"; lists through xz {_bits(bits.skills_xz)}"
    return html.Div(
        [
            stat("Understood", fraction(report.understood_share), f"of {report.texts:,} texts", tone="measured"),
            stat("Semantic", _bits(bits.semantic), "bits a text, sets and kept texts", tone="measured"),
            stat("Skill sets", _bits(bits.sets), f"of these{expected}{lists}"),
            stat("Raw", _bits(bits.raw), "bits a text as it is"),
            stat("zstd", _bits(bits.zstd), "all texts as one stream, level 3"),
            stat("xz", _bits(bits.xz), "all texts as one stream, level 6"),
        ],
        className="stats",
    )


def bits_figure(report: CompressionReport) -> go.Figure:
    """Bits a text as bars: raw, zstd, xz, and the semantic code by its parts."""
    bits = report.bits
    names = ["raw", "zstd", "xz", "semantic"]
    chart = go.Figure()
    bar = {"orientation": "h", "y": names, "hovertemplate": "%{x:,.1f} bits<extra>%{fullData.name}</extra>"}
    chart.add_bar(
        x=[bits.raw, bits.zstd, bits.xz, None], name="with wording", marker={"color": ROLES["threshold"]}, **bar
    )
    chart.add_bar(x=[None, None, None, bits.sets], name="skill sets", marker={"color": ROLES["measured"]}, **bar)
    chart.add_bar(x=[None, None, None, bits.kept], name="kept texts", marker={"color": ROLES["sweep"]}, **bar)
    chart.add_bar(x=[None, None, None, bits.ids], name="ids", marker={"color": ROLES["second"]}, **bar)
    chart.update_layout(
        **figure_layout(
            barmode="stack",
            bargap=0.32,
            hovermode="closest",
            xaxis={"title": "bits a text"},
            yaxis={"gridcolor": "rgba(0,0,0,0)", "autorange": "reversed"},
            margin={"l": 66, "r": 14, "t": 30, "b": 42},
        )
    )
    return chart


def rate_figure(curve: RateCurve, here: float, measured: float) -> go.Figure:
    """Expected bits a text of the Poisson ensemble against R, and what the layer takes at its R."""
    line = {"color": ROLES["poisson"], "width": 2}
    chart = go.Figure(
        go.Scatter(
            x=curve.ratios, y=curve.bits, mode="lines", name="Poisson", line=line, hovertemplate="%{y:,.0f} bits"
        )
    )
    chart.add_vline(x=here, line={"color": ROLES["measured"], "width": 1.5})
    marker = {"color": ROLES["measured"], "size": 12}
    chart.add_scatter(
        x=[here], y=[measured], mode="markers", name="this layer", marker=marker, hovertemplate="%{y:,.1f} bits"
    )
    chart.update_layout(
        **figure_layout(
            xaxis={"title": "texts per skill, R", "rangemode": "tozero", "hoverformat": ".2f"},
            yaxis={"title": "bits a text", "rangemode": "tozero"},
            margin={"l": 56, "r": 14, "t": 30, "b": 42},
        )
    )
    return chart


def channel_figure(report: ChannelReport) -> go.Figure:
    """Semantic error against bits sent a text, one line a scheme, with density evolution dashed."""
    chart = go.Figure()
    for scheme in report.schemes:
        name, role, _ = _SCHEMES[scheme.name]
        rows = [row for row in report.rows if row.scheme == scheme.name]
        x = [row.received for row in rows]
        chart.add_scatter(
            x=x, y=[row.error for row in rows], mode="lines+markers", name=name, marker={"size": 6},
            line={"color": ROLES[role], "width": 2}, hovertemplate="%{y:.1%}",
        )  # fmt: skip
        expected = [row.predicted_erased for row in rows]
        if expected[0] is not None:
            unknown = [None if e is None else e + (1 - e) * report.unknown for e in expected]
            chart.add_scatter(
                x=x, y=unknown, mode="lines", name=f"{name}, expected", hovertemplate="%{y:.1%}",
                line={"color": ROLES[role], "width": 1.5, "dash": "dash"}, showlegend=False,
            )  # fmt: skip
    chart.update_layout(
        **figure_layout(
            xaxis={"title": "packets received, for each packet that the message has", "hoverformat": ".2f"},
            yaxis={"title": "texts in error", "range": [0, 1.04], "tickformat": ".0%"},
            margin={"l": 56, "r": 14, "t": 30, "b": 44},
        )
    )
    return chart


def _no_figure() -> go.Figure:
    return go.Figure(layout=figure_layout(xaxis={"visible": False}, yaxis={"visible": False}))


def _said(report: ChannelReport) -> str:
    size = report.schemes[0].message_bits
    text = f"The message takes {size:.0f} bits a text before the channel's code."
    if report.overhead is not None:
        text += f" All of it is there once {1 + report.overhead:.2f} times as many packets have come as it has"
        text += "." if report.overhead_predicted is None else f" (expected {1 + report.overhead_predicted:.2f})."
    if report.unknown:
        return text + f" {fraction(report.unknown)} of the texts need a skill that the receiver has not learned."
    return text + " The receiver has learned every skill in it."


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""

    def views(subject: dict[str, str], receiver: str) -> tuple[LayerView, LayerView]:
        snapshot = source.snapshot()
        return snapshot.view(subject["dataset"], subject["layer"]), snapshot.view(subject["dataset"], receiver)

    @app.callback(
        Output("z-stats", "children"),
        Output("z-bits", "figure"),
        Output("z-rate", "figure"),
        Input("z-model", "value"),
        State("z-subject", "data"),
    )
    def whole(model: Model, subject: dict[str, str]) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        key = (subject["dataset"], subject["layer"])
        report = snapshot.once(("bits", *key, model), lambda: measure_layer(snapshot.store, *key, model))
        graph = snapshot.view(*key).indexed.graph
        ratios = np.linspace(0.02, 1.6 * max(graph.ratio, 1.0), 120)
        kept = report.texts - report.understood
        raw = report.bits.kept * report.texts / kept if kept else report.bits.raw
        try:
            curve = rate_by_ratio(snapshot.store, *key, raw_bits=raw, ratios=ratios.tolist())
        except SkillgraphError:  # a layer from outcomes has no prediction
            curve = RateCurve(*(np.zeros(0) for _ in range(4)))
        return _stats(report), bits_figure(report), rate_figure(curve, graph.ratio, report.bits.semantic)

    @app.callback(
        Output("z-code", "children"),
        Input("z-text", "value"),
        Input("z-receiver", "value"),
        Input("z-model", "value"),
        State("z-subject", "data"),
    )
    def one(text: str | None, receiver: str, model: Model, subject: dict[str, str]) -> Any:
        sender, other = views(subject, receiver)
        code = code_text(sender, text or subject["text"], model)
        return _code(code, receive(sender, other, code), subject["layer"])

    @app.callback(
        Output(found("z-text"), "data"),
        Input("z-text", "searchValue"),
        State("z-text", "value"),
        State("z-subject", "data"),
        prevent_initial_call=True,
    )
    def offer(typed: str | None, chosen: str | None, subject: dict[str, str]) -> Any:
        view = source.snapshot().view(subject["dataset"], subject["layer"])
        options = search(view, typed or "", chosen)
        # The field shows the chosen text's title: that is no search.
        if any(option["value"] == chosen and option["label"] == typed for option in options):
            return no_update
        return options

    register_found(app, "z-text")

    @app.callback(
        Output("z-channel", "figure"),
        Output("z-channel-said", "children"),
        Output("z-erasure-shown", "children"),
        Input("z-receiver", "value"),
        Input("z-erasure", "value"),
        State("z-subject", "data"),
    )
    def send(receiver: str, erasure: float, subject: dict[str, str]) -> tuple[Any, ...]:
        snapshot = source.snapshot()
        dataset, layer = subject["dataset"], subject["layer"]
        shown = f"{erasure:.0%}"
        try:
            report = snapshot.once(
                ("channel", dataset, layer, receiver, erasure),
                lambda: channel(
                    snapshot.store,
                    dataset,
                    sender=layer,
                    receiver=receiver,
                    erasure=erasure,
                    texts=_TEXTS,
                    trials=_TRIALS,
                ),
            )
        except SkillgraphError:
            text = f"Layer {layer!r} understands none of the texts, so there is nothing to send by skills."
            return _no_figure(), text, shown
        return channel_figure(report), _said(report), shown

    app.clientside_callback(
        ClientsideFunction("work", "codeState"),
        Output("z-code", "data-url"),
        Input("z-text", "value"),
        Input("z-receiver", "value"),
        Input("z-model", "value"),
        Input("z-erasure", "value"),
        prevent_initial_call=True,
    )
