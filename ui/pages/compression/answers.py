"""What the page's callbacks answer with."""

from __future__ import annotations

import plotly.graph_objects as go
from dash import html

from analysis.compression import RateCurve
from explorer.service.communication import ChannelReport
from explorer.service.compression import CompressionReport
from explorer.service.snapshot import LayerView
from explorer.service.text_code import Received, TextCode
from explorer.wording import isolated
from ui.components import fraction, share, stat
from ui.content import Child
from ui.drawing.style import ROLES, figure_layout, lay_out

__all__ = [
    "SHOWN",
    "TEXTS",
    "TRIALS",
    "bits_figure",
    "channel_figure",
    "channel_sentence",
    "code_shown",
    "headline_numbers",
    "hex_lines",
    "no_figure",
    "rate_figure",
    "search",
]

SHOWN = 40  # texts that a search offers


TEXTS = 100


TRIALS = 5


_SCHEMES = {
    "semantic_lt": ("skills, fountain code", "measured", "solid"),
    "semantic_repetition": ("skills, repeated", "sweep", "solid"),
    "text_lt": ("zstd text, fountain code", "second", "solid"),
}


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
    found = {ident: title for _, _, title, ident in sorted(hits)[:SHOWN]}
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
    return "\n".join(lines) + (f"\n… {len(data) - most:,} more bytes" if len(data) > most else "")


def _bits(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _skill_chip(name: str, bits: float | None, tone: str, meaning: str) -> html.Span:
    inner: list[Child] = [html.Span(name)]
    if bits is not None:
        inner.append(html.Span(f"{bits:.1f}", className="chip-bits"))
    return html.Span(inner, className=f"chip {tone}", title=meaning)


def code_shown(code: TextCode, received: Received, sender: str) -> list[Child]:
    """A text's code bit by bit, and what the receiver makes of it."""
    chips = []
    for skill in code.skills:
        learned = skill.place is not None
        reaches = skill.name not in received.unknown
        meaning = "learned by the sender" if learned else "not learned by the sender"
        meaning += "" if reaches else ", not by the receiver"
        chips.append(_skill_chip(skill.name, skill.bits, "" if learned else "chip-novel", meaning))
    if code.understood:
        parts = [
            ("understood or not", code.flag_bits, "one flag per text, coded together with all others"),
            ("number of skills", code.count_bits, f"their number, {len(code.skills)}"),
            ("which skills", code.set_bits, f"as a set: {_bits(code.order_bits)} bits for their order are saved"),
        ]
        lead = f"{isolated(sender)} understands this text and sends its {len(code.skills)} skills."
        data = f"{len(code.data)} bytes on its own (whole 32-bit words); {_bits(code.bits)} bits together with others"
    else:
        novel = sum(skill.place is None for skill in code.skills)
        parts = [
            ("understood or not", code.flag_bits, "one flag per text, coded together with all others"),
            ("the text itself", 8.0 * len(code.data), "compressed by zstd; together with others it costs less"),
        ]
        lead = (
            f"{isolated(sender)} has not learned {novel} of its {len(code.skills)} skills, so it sends the whole text."
        )
        data = f"{len(code.data)} bytes: the text compressed by zstd"
    rows = [
        html.Tr([html.Td([name, html.Div(meaning, className="quiet")]), html.Td(_bits(value), className="number")])
        for name, value, meaning in parts
    ]
    total = [html.Td(html.Strong("in all")), html.Td(html.Strong(_bits(code.bits)), className="number")]
    beside = [html.Td(["raw, and compressed by zstd alone", html.Div("the same text unchanged", className="quiet")]),
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
        html.H3(f"How {isolated(received.layer)} reads it", className="code-title"),
        *_received(code, received),
    ]


def _received(code: TextCode, received: Received) -> list[Child]:
    mark = html.Code(received.fingerprint[:12], className="finger")
    if received.same:
        file: list[Child] = [
            "It has learned the same skills (fingerprint ",
            mark,
            "): it reads the file and recovers these skills.",
        ]
    else:
        text = " instead of the sender's): it refuses the file with a message."
        file = ["It has learned other skills (fingerprint ", mark, text]
    found = [html.P(file, className="sentence")]
    if code.understood and not received.same and received.misread:
        wrong = ", ".join(isolated(name or "nothing") for name in received.misread[:6])
        wrong += " …" if len(received.misread) > 6 else ""
        text = (
            f"its own list would give: {wrong}"
            if any(received.misread)
            else "its own list has no skills at these positions"
        )
        found.append(html.P(f"If it were not refused, {text}.", className="sentence"))
    n = len(code.skills)
    if received.unknown:
        names = ", ".join(map(isolated, received.unknown[:6])) + (" …" if len(received.unknown) > 6 else "")
        text = (
            f"Given the skills themselves, it knows {received.known} of {n} and would not understand the text: {names}."
        )
    else:
        text = f"Given the skills themselves, it knows all {n} and understands the text."
    return [*found, html.P(text, className="sentence")]


def headline_numbers(report: CompressionReport) -> html.Div:
    """What a text costs on average, in bits."""
    bits = report.bits
    expected = "" if report.expected is None else f"; {_bits(report.expected.sets)} expected"
    wording = "with the wording" if report.keep_text else "without the wording of understood texts"
    rest = f"content {_bits(bits.semantic)}, ids {_bits(bits.ids)}, checksums {_bits(bits.overhead)}; {wording}"
    return html.Div(
        [
            share("Understood", report.understood_share, report.texts, "texts", tone="measured"),
            stat("Skill sets", _bits(bits.sets), f"bits per text{expected}", tone="measured"),
            stat("Same lists, xz", _bits(bits.skills_xz), "like for like: what the skill sets hold, level 6"),
            stat("Whole file", _bits(bits.file), rest, tone="measured"),
            stat("xz", _bits(bits.xz), "all texts as one stream, level 6, with their wording"),
            stat("zstd", _bits(bits.zstd), "likewise, level 3"),
            stat("Raw", _bits(bits.raw), "bits per text, uncompressed"),
        ],
        className="stats",
    )


def bits_figure(report: CompressionReport) -> go.Figure:
    """Bits a text as bars: raw, zstd, xz, the file by its parts, and the same lists of skills through xz."""
    bits = report.bits
    names = ["raw", "zstd", "xz", "whole file", "same lists, xz"]
    chart = go.Figure()
    bar = {"orientation": "h", "y": names, "hovertemplate": "%{x:,.1f} bits<extra>%{fullData.name}</extra>"}
    chart.add_bar(
        x=[bits.raw, bits.zstd, bits.xz, None, None], name="with wording", marker={"color": ROLES["threshold"]}, **bar
    )
    none = [None, None, None]
    chart.add_bar(x=[*none, bits.sets, bits.skills_xz], name="skills", marker={"color": ROLES["measured"]}, **bar)
    chart.add_bar(x=[*none, bits.kept, None], name="kept texts", marker={"color": ROLES["sweep"]}, **bar)
    chart.add_bar(
        x=[*none, bits.ids + bits.overhead, None], name="ids, checksums", marker={"color": ROLES["second"]}, **bar
    )
    lay_out(
        chart,
        barmode="stack",
        bargap=0.32,
        hovermode="closest",
        xaxis={"title": "bits a text"},
        yaxis={"gridcolor": "rgba(0,0,0,0)", "autorange": "reversed"},
        margin={"l": 96, "r": 14, "t": 30, "b": 42},
    )
    return chart


def rate_figure(curve: RateCurve, here: float, measured: float, typed: RateCurve | None = None) -> go.Figure:
    """Expected bits a text of the Poisson ensemble against R, by types up to the layer's R, and the layer itself."""
    line = {"color": ROLES["poisson"], "width": 2}
    chart = go.Figure(
        go.Scatter(
            x=curve.ratios, y=curve.bits, mode="lines", name="Poisson", line=line, hovertemplate="%{y:,.0f} bits"
        )
    )
    if typed is not None:
        chart.add_scatter(
            x=typed.ratios, y=typed.bits, mode="lines", name="with types",
            line={"color": ROLES["typed"], "width": 2, "dash": "dot"}, hovertemplate="%{y:,.0f} bits",
        )  # fmt: skip
    chart.add_vline(x=here, line={"color": ROLES["measured"], "width": 1.5})
    marker = {"color": ROLES["measured"], "size": 12}
    chart.add_scatter(
        x=[here], y=[measured], mode="markers", name="this layer", marker=marker, hovertemplate="%{y:,.1f} bits"
    )
    lay_out(
        chart,
        xaxis={"title": "texts per skill, R", "rangemode": "tozero", "hoverformat": ".2f"},
        yaxis={"title": "bits a text", "rangemode": "tozero"},
        margin={"l": 56, "r": 14, "t": 30, "b": 42},
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
    lay_out(
        chart,
        xaxis={"title": "packets received per packet of the message", "hoverformat": ".2f"},
        yaxis={"title": "texts in error", "range": [0, 1.04], "tickformat": ".0%"},
        margin={"l": 56, "r": 14, "t": 30, "b": 44},
    )
    return chart


def no_figure() -> go.Figure:
    """An empty figure."""
    return go.Figure(layout=figure_layout(xaxis={"visible": False}, yaxis={"visible": False}))


def channel_sentence(report: ChannelReport) -> str:
    """What the channel's figure shows, in sentences."""
    size = report.schemes[0].message_bits
    text = f"The message takes {size:.0f} bits per text before the channel's code."
    if report.overhead is not None:
        text += f" The whole message is recovered once {1 + report.overhead:.2f} times as many packets have arrived"
        text += " as it contains"
        text += "." if report.overhead_predicted is None else f" (expected {1 + report.overhead_predicted:.2f})."
    if report.unknown:
        return text + f" {fraction(report.unknown)} of the texts require a skill that the receiver has not learned."
    return text + " The receiver has learned every skill in it."
