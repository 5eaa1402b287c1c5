"""Colours and the looks of graphs and figures; the same colours mean the same things on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from ui.typed import Properties, Rule

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = [
    "CATEGORIES",
    "CHANGES",
    "CHANGE_SHAPES",
    "OTHER",
    "PLAIN",
    "ROLES",
    "SCHEMES",
    "SHADES",
    "Scheme",
    "category_colours",
    "cytoscape_stylesheet",
    "figure_layout",
    "ink_on",
    "lay_out",
    "pair_stylesheet",
    "ramp",
    "shade",
    "tree_stylesheet",
]

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")

CATEGORIES = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C7A2E"),
    *("#7350E6", "#C01A88", "#2F7D00", "#3DB84A", "#9A66C8", "#9C5454", "#F0487C", "#8D8FF0", "#EE8070"),
)
"""Okabe and Ito's palette without black and yellow, which vanish on one of the two backgrounds, and with their yellow
darkened: distinct for the common kinds of colour blindness. Then nine that differ from those and from each other."""

OTHER = "#8A94A0"
"""Everything beyond the palette, and everything without a value."""

PLAIN = "#2F7FB8"
"""Skills of which only a state has a colour."""

ROLES: Mapping[str, str] = {
    "measured": "#D55E00",
    "poisson": "#0072B2",
    "degrees": "#009E73",
    "typed": "#8250B8",
    "threshold": "#8A94A0",
    "second": "#CC79A7",
    "sweep": "#E69F00",
}
"""Measured is orange, the Poisson ensemble blue, measured degrees green, mixes of types violet: on every figure."""

CHANGES: Mapping[str, str] = {"kept": "#8A94A0", "gained": "#0072B2", "lost": "#D55E00", "open": "#CC79A7"}
"""Change of a skill from one layer to another; open: the outcomes do not decide."""

CHANGE_SHAPES: Mapping[str, str] = {"kept": "ellipse", "gained": "triangle", "lost": "diamond", "open": "rectangle"}
"""Cytoscape's shapes for the same changes, for readers who cannot distinguish the colours."""

_RAMP = ("#2C6BB0", "#2F7FB8", "#3FA7A5", "#7DBE6A", "#D9B83B", "#E8863A", "#C8443B", "#B0407C")
"""Early to late; neighbours differ in lightness as well as in hue."""

SHADES = ((0.0, "#E8F1F8"), (0.35, "#9CC8E3"), (0.7, "#3B8EC2"), (1.0, "#0B4A7A"))
"""Cells filled by a share, from none to all: the same in light and dark."""


def ramp(n: int) -> tuple[str, ...]:
    """Colours for n ordered steps, from the first to the last of a ramp.

    >>> len(ramp(3)), ramp(1)
    (3, ('#2C6BB0',))
    """
    if n <= 1:
        return _RAMP[:n]
    if n <= len(_RAMP):
        return tuple(_RAMP[round(i * (len(_RAMP) - 1) / (n - 1))] for i in range(n))
    return tuple(_mix(i * (len(_RAMP) - 1) / (n - 1)) for i in range(n))


def _mix(place: float) -> str:
    low = min(int(place), len(_RAMP) - 2)
    return _between(_RAMP[low], _RAMP[low + 1], place - low)


def _between(first: str, second: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def shade(value: float) -> str:
    """Colour of a cell for a value from 0 to 1, as Plotly mixes it from `SHADES`.

    >>> shade(0.0), shade(1.0)
    ('#E8F1F8', '#0B4A7A')
    """
    value = min(max(value, 0.0), 1.0)
    for (low, first), (high, second) in pairwise(SHADES):
        if value <= high:
            return _between(first, second, (value - low) / (high - low))
    return SHADES[-1][1]


def ink_on(colour: str) -> str:
    """Black or white, whichever is read more easily on a colour: WCAG's contrast of one of them is over 4.5.

    >>> ink_on("#E8F1F8"), ink_on("#0B4A7A")
    ('#000000', '#FFFFFF')
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in _channels(colour))]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#FFFFFF"


def category_colours(values: Sequence[str]) -> dict[str, str]:
    """A colour for each value in the order given, `OTHER` beyond the palette.

    >>> category_colours(["syntax", "api"])
    {'syntax': '#0072B2', 'api': '#E69F00'}
    """
    return {value: CATEGORIES[i] if i < len(CATEGORIES) else OTHER for i, value in enumerate(values)}


_FONTS = "Inter Variable, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"

_INK: Mapping[Scheme, Mapping[str, str]] = {
    "light": {"text": "#1F2933", "halo": "#FFFFFF", "edge": "#46586B", "ghost": "#D5DBE1", "focus": "#111827"},
    "dark": {"text": "#E6EAF0", "halo": "#12161C", "edge": "#9FB0C2", "ghost": "#39424D", "focus": "#FFFFFF"},
}


# no grey disc under the pointer that moves a graph
_CORE: Rule = {"selector": "core", "style": {"active-bg-opacity": 0}}


def cytoscape_stylesheet(scheme: Scheme, colour: str = "class") -> list[Rule]:
    """Looks of a graph of skills.

    Args:
        scheme: Light or dark.
        colour: What the nodes' colours say: a node carries one colour for each choice, in `data(c_<colour>)`;
            "plain" is one colour for all.
    """
    ink = _INK[scheme]
    fill = PLAIN if colour == "plain" else f"data(c_{colour})"
    sheet: list[Rule] = [
        {
            "selector": "node",
            "style": {
                "width": "data(size)",
                "height": "data(size)",
                "background-color": fill,
                "border-width": 0,
                "label": "",
                "color": ink["text"],
                "text-outline-color": ink["halo"],
                "text-outline-width": 1.6,
                "text-outline-opacity": 0.9,
                "text-valign": "center",
                "text-halign": "center",
                "font-family": _FONTS,
                "overlay-opacity": 0,
            },
        },
        {
            "selector": "edge",
            "style": {
                "curve-style": "haystack",
                "haystack-radius": 0,
                "width": "data(width)",
                "line-color": ink["edge"],
                "opacity": "data(opacity)",
                "overlay-opacity": 0,
                "events": "no",
            },
        },
    ]
    sheet += [
        {
            "selector": "node.group",
            "style": {
                "background-opacity": 0.3,
                "border-width": 1.5,
                "border-color": fill,
            },
        },
        {
            "selector": "node.island",
            "style": {
                "background-opacity": 0.06,
                "border-width": 1,
                "border-color": fill,
                "border-opacity": 0.35,
                "z-index-compare": "manual",
                "z-index": 0,
            },
        },
        {"selector": ".off", "style": {"display": "none"}},
        {"selector": "node.ghost", "style": {"background-color": ink["ghost"]}},
        {"selector": "edge.ghost", "style": {"display": "none"}},
        {
            "selector": "node.frontier",
            "style": {"background-color": ROLES["measured"], "border-width": 3, "border-color": ROLES["measured"]},
        },
        {"selector": "node.giant", "style": {"background-color": ROLES["measured"]}},
        {"selector": "edge.giant", "style": {"line-color": ROLES["measured"], "opacity": 0.5, "width": 1.4}},
        {"selector": "node.second", "style": {"background-color": ROLES["second"], "shape": "diamond"}},
        {"selector": "edge.second", "style": {"line-color": ROLES["second"], "opacity": 0.8, "width": 1.6}},
        {"selector": "node.sought", "style": {"border-width": 4, "border-color": ink["focus"], "z-index": 30}},
        {
            "selector": "node.near",
            "style": {"z-index": 20},
        },
        {"selector": "edge.near", "style": {"opacity": 0.7, "line-color": ink["focus"], "z-index": 15}},
        {
            "selector": "node.focus",
            "style": {
                "border-width": 3,
                "border-color": ink["focus"],
                "z-index": 30,
            },
        },
        {"selector": "node.added", "style": {"border-width": 4, "border-color": ROLES["second"], "z-index": 28}},
        {
            "selector": "node.path",
            "style": {"border-width": 3, "border-color": ROLES["measured"], "z-index": 29},
        },
        {
            "selector": "edge.path",
            "style": {"line-color": ROLES["measured"], "opacity": 1, "width": 3, "z-index": 28},
        },
        _CORE,
    ]
    return sheet


def pair_stylesheet(scheme: Scheme) -> list[Rule]:
    """Looks of two layers as one graph: the shape of a skill says what became of it, as its colour does."""
    shapes: Rule = {"selector": "node[shape]", "style": {"shape": "data(shape)"}}
    discs: Rule = {"selector": "node.island", "style": {"background-color": OTHER, "border-color": OTHER}}
    sheet = cytoscape_stylesheet(scheme, "change")
    return [*sheet[:2], shapes, *sheet[2:], discs]


def tree_stylesheet(scheme: Scheme) -> list[Rule]:
    """Looks of a hierarchy: full is learned, hollow is not, a diamond waits for a prerequisite."""
    ink = _INK[scheme]
    return [
        {
            "selector": "node",
            "style": {
                "width": 13,
                "height": 13,
                "background-color": ink["halo"],
                "border-width": 2,
                "border-color": OTHER,
                "label": "data(label)",
                "color": ink["text"],
                "font-size": 12,
                "text-halign": "right",
                "text-valign": "center",
                "text-margin-x": 5,
                "text-outline-color": ink["halo"],
                "text-outline-width": 2,
                "font-family": _FONTS,
            },
        },
        _CORE,
        {"selector": "node.parent", "style": {"width": 17, "height": 17, "font-weight": 600}},
        {"selector": "node.open", "style": {"text-valign": "top", "text-margin-x": 1, "text-margin-y": 3}},
        {"selector": "node.learned", "style": {"background-color": PLAIN, "border-color": PLAIN}},
        {"selector": "node.missing", "style": {"border-color": PLAIN}},
        {
            "selector": "node.blocked",
            "style": {"shape": "diamond", "border-color": ROLES["measured"], "width": 16, "height": 16},
        },
        {"selector": "node.absent", "style": {"border-color": ink["ghost"], "background-color": ink["ghost"]}},
        {
            "selector": "node.more",
            "style": {"border-width": 0, "background-opacity": 0, "font-style": "italic", "color": ROLES["threshold"]},
        },
        {"selector": "node.focus", "style": {"border-color": ink["focus"], "border-width": 4}},
        {
            "selector": "edge",
            "style": {
                "width": 1.2,
                "line-color": ink["ghost"],
                "curve-style": "taxi",
                "taxi-direction": "rightward",
                "taxi-turn": "-20px",
                "events": "no",
            },
        },
        {"selector": "edge.chain", "style": {"line-color": ROLES["measured"], "width": 2.2, "z-index": 10}},
    ]


_BAR = 20
"""Height of Plotly's bar of buttons, which would cover the legend."""


def figure_layout(**extra: Any) -> Properties:
    """Layout of every Plotly figure; colours of text and grid come from the stylesheet, for light and dark."""
    axis: Properties = {
        "showline": False,
        "zeroline": False,
        "gridcolor": "#E3E8ED",
        "gridwidth": 1,
        "ticks": "",
        "automargin": True,
        "title": {"standoff": 10, "font": {"size": 12}},
        "tickfont": {"size": 11},
        "ticklabelstandoff": 5,  # or the zeros of both axes lie over each other
    }
    layout: Properties = {
        "template": "none",
        "font": {
            "family": _FONTS,
            "size": 12,
            "color": "#3D4852",
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 48, "r": 16, "t": 34, "b": 44},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom", "font": {"size": 11}},
        "hovermode": "x unified",
        "hoverlabel": {"font": {"size": 12}},
        "xaxis": dict(axis),
        "yaxis": dict(axis),
        "uirevision": "keep",
    }
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(layout.get(key), dict):
            layout[key] = {**layout[key], **value}
            if isinstance(value.get("title"), str):
                layout[key]["title"] = {**axis["title"], "text": value["title"]}
        else:
            layout[key] = value
    if layout["margin"]["t"]:  # a figure without margin fills its frame
        layout["margin"]["t"] += _BAR
    return layout


def lay_out(figure: go.Figure, **extra: Any) -> None:
    """Give a figure the layout that all have; shapes and annotations it has already stay.

    Keys are set whole: Plotly's own merge of nested keys takes four times as long as drawing the figure.
    """
    figure.update_layout(**figure_layout(**extra), overwrite=True)
