"""Learning as peeling: wave by wave on the real graph, what if, and what more texts would teach."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.store.protocol import LayerInfo
from explorer.wording import quoted
from ui.attributes import attributes
from ui.choice import Choice, Query, choose, finite
from ui.components import card, empty_state, figure, grid, icon, no_layer, page_header, stat, why_address, why_column
from ui.content import Child
from ui.drawing.canvas import canvas, stylesheets
from ui.notices import notice
from ui.pages.learning.state import CONTROLS, MOST_D, TABS
from ui.source import Snapshot
from ui.typed import Properties

__all__ = ["layout", "learner_parts", "written_learner"]

_TITLE = "Learning"


_MEANING = (
    "All texts are read again and again. In each wave, every text with only one unknown skill left teaches that "
    "skill, until nothing more is learned."
)


def layout(snapshot: Snapshot, query: Query) -> Component:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    info = choice.layer_info
    if choice.dataset is None or choice.layer is None or info is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    graph = snapshot.view(choice.dataset, choice.layer).indexed.graph
    defaults = {
        "wave": info.waves,
        "c": round(min(max(graph.mean_skills or 3.0, 0.5), 15.0), 2),
        "R": round(min(max(graph.ratio or 1.0, 0.05), 15.0), 2),
        "learner": written_learner(*learner_parts(info.learner)),
    }
    state = CONTROLS.read(query, **defaults)
    state["learner"] = written_learner(*learner_parts(state["learner"]))
    tabs = dmc.SegmentedControl(
        id="l-tab",
        data=[{"value": value, "label": text} for value, text in TABS.items()],
        value=state["tab"],
        size="sm",
        **attributes(aria_label="View"),
    )
    evidence = info.kind == "evidence"
    subject = {
        "dataset": choice.dataset,
        "layer": choice.layer,
        "wave": state["wave"],
        "waves": not evidence and info.learned > 0,
        "texts": not evidence,
    }
    boxes: dict[str, list[Child]] = {
        "waves": _waves_tab(info, state["wave"], never=state["never"], lacking=graph.n_skills > info.learned),
        "what-if": [_what_if_tab(snapshot, choice, state)],
        "texts": [_no_waves(info.name) if evidence else None, html.Div(_texts_tab(), hidden=evidence)],
        "exit": [_no_waves(info.name) if evidence else None, html.Div(_exit_tab(), hidden=evidence)],
    }
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            None if choice.problem is None else notice(choice.problem),
            dcc.Store(id="l-subject", data=subject),
            *CONTROLS.stores(**defaults),
            html.Div([tabs], className="toolbar"),
            *(
                html.Div(boxes[name], id=f"l-{name}-box", className="tab-body", hidden=name != state["tab"])
                for name in TABS
            ),
        ],
        className="page fill",
    )


def written_learner(kind: str, d: int, chance: float) -> str:
    """A learner as the page's address has it.

    >>> written_learner("d", 1, 0.6), written_learner("d", 3, 0.6), written_learner("capacity", 1, 0.4)
    ('one', 'd:3', 'capacity:0.40')
    """
    return f"capacity:{chance:.2f}" if kind == "capacity" else "one" if d == 1 else f"d:{d}"


_KINDS = (("d", "up to D skills"), ("capacity", "a random number"))


def _waves_tab(info: LayerInfo, wave: int, *, never: bool, lacking: bool) -> list[Child]:
    """The layer as it is learned, wave by wave; on demand also what it never learns."""
    if info.kind == "evidence":
        instead = _no_waves(info.name)
    elif info.learned == 0:
        instead = empty_state(
            "Nothing was learned", "No text starts with a single unknown skill, so there are no waves to play."
        )
    else:
        instead = None
    now = min(wave, info.waves)
    controls = html.Div(
        [
            html.Button(
                icon(
                    "back",
                ),
                id="l-back",
                className="tool",
                **attributes(aria_label="One wave back", title="One wave back"),
            ),
            html.Button(
                html.Span(className="icon icon-play", id="l-play-icon"),
                id="l-play",
                className="tool main-tool",
                **attributes(aria_label="Play"),
            ),
            html.Button(
                icon("next"), id="l-next", className="tool", **attributes(aria_label="One wave on", title="One wave on")
            ),
            html.Div(
                dmc.Slider(
                    id="l-wave",
                    min=0,
                    max=max(info.waves, 1),
                    step=1,
                    value=now,
                    marks=[{"value": k, "label": str(k)} for k in range(0, info.waves + 1, max(1, info.waves // 12))],
                    updatemode="drag",
                    size="sm",
                    thumbLabel="Wave",
                    thumbSize=16,
                ),
                className="wave-slider",
            ),
        ],
        className="player",
    )
    keys = html.Div(
        [
            html.Span([html.Span(className="dot", style={"background": "var(--ghost)"}), "not yet learned"]),
            html.Span([html.Span(className="dot dot-measured"), "learned in this wave"]),
            html.Span([html.Span(className="dot", style={"background": "#2F7FB8"}), "learned before"]),
            dmc.Checkbox(
                id="l-never",
                label="Draw skills that are never learned",
                checked=never and lacking,
                disabled=not lacking,
                size="xs",
            ),
        ],
        className="keys",
    )
    body = html.Div(
        [
            html.Section(
                [
                    controls,
                    html.Div(
                        canvas("l-cy", "Skills being learned wave by wave; the table lists the skills of the wave"),
                        className="graph-stage",
                    ),
                    html.Div([keys, html.Div(id="l-caption")], className="graph-caption"),
                ],
                className="card graph-card",
            ),
            html.Div(
                [
                    card(
                        "Learned so far",
                        figure("l-curve", height=222, label="Learned fraction after each wave, measured and predicted"),
                        note="Orange: this layer; dashed: prediction of density evolution.",
                    ),
                    card(
                        None,
                        [
                            html.Div(id="l-wave-title", className="card-title", **attributes(aria_live="polite")),
                            grid(
                                "l-table",
                                [
                                    {"field": "skill", "headerName": "Skill", "flex": 1, "tooltipField": "skill"},
                                    {"field": "by", "headerName": "Taught by", "flex": 1.3, "tooltipField": "by"},
                                    why_column(info.dataset, info.name),
                                ],
                                height="100%",
                            ),
                        ],
                        className="grow",
                    ),
                ],
                className="side",
            ),
            dcc.Interval(id="l-tick", interval=900, disabled=True),
            dcc.Store(id="l-rows"),
            dcc.Store(id="l-never-why", data=why_address(info.dataset, info.name)),
            dcc.Store(id="l-sheets", data=stylesheets("plain")),
        ],
        className="learn-body",
        hidden=instead is not None,
    )
    return [instead, body]


def _no_waves(layer: str) -> Component:
    """What stands in the place of waves for a layer of outcomes."""
    return empty_state(
        "This layer was not learned from texts",
        f"Layer {quoted(layer)} says what a model has mastered, estimated from the texts that it solved: it has no "
        "waves, and no text taught it. Learn a layer from the texts to see what the texts alone can teach:",
        "skillgraph learn foundation",
    )


def _what_if_tab(snapshot: Snapshot, choice: Choice, state: Properties) -> Component:
    """Sliders for an ensemble, and what theory expects of it."""
    dataset, layer = str(choice.dataset), str(choice.layer)
    graph = snapshot.view(dataset, layer).indexed.graph

    c, ratio = state["c"], state["R"]
    kind, d, chance = learner_parts(state["learner"])
    return html.Div(
        [
            html.Div(
                [
                    card(
                        "Your ensemble",
                        [
                            _slider("l-c", "Skills per text, c", 0.5, 15, 0.05, c),
                            _slider("l-R", "Texts per skill, R", 0.05, 15, 0.05, ratio),
                            html.Div("Skills that a text can teach at once", className="control-label"),
                            dmc.SegmentedControl(
                                id="l-kind",
                                data=[{"value": value, "label": text} for value, text in _KINDS],
                                value=kind,
                                size="xs",
                                fullWidth=True,
                                mb=10,
                                **attributes(aria_label="Skills that a text can teach at once"),
                            ),
                            html.Div(_slider("l-D", "Most unknown skills, D", 1, MOST_D, 1, d), id="l-D-box"),
                            html.Div(
                                _slider(
                                    "l-chance", "Probability of going on to one more skill", 0.05, 0.95, 0.05, chance
                                ),
                                id="l-chance-box",
                            ),
                            dcc.Store(id="l-learner", data=state["learner"]),
                            html.P(
                                f"Values of this layer: c = {graph.mean_skills:.2f}, R = {graph.ratio:.2f}.",
                                className="quiet",
                                style={"marginTop": "8px"},
                            ),
                        ],
                        note="Random texts: each requires Poisson(c) skills, and there are R texts per skill.",
                    ),
                    card("What theory predicts", html.Div(id="l-expect")),
                ],
                className="side",
            ),
            card(
                "Learned fraction and testing error",
                figure(
                    "l-what-if",
                    height="calc(100% - 48px)",
                    label="Learned fraction and testing error against texts per skill",
                ),
                note=(
                    "The vertical orange line is your R. Testing error is the share of fresh texts that require an "
                    "unlearned skill."
                ),
                className="tall",
            ),
        ],
        className="row what-if",
    )


def _slider(name: str, title: str, low: float, high: float, step: float, value: float) -> html.Div:
    shown = f"{value:g}"
    return html.Div(
        [
            html.Div([html.Span(title), html.B(shown, id=f"{name}-shown")], className="slider-head"),
            dmc.Slider(
                id=name,
                min=low,
                max=high,
                step=step,
                value=value,
                updatemode="drag",
                size="sm",
                thumbLabel=title,
                precision=2,
                label=None,
            ),
        ],
        className="slider-box",
    )


def learner_parts(learner: str) -> tuple[str, int, float]:
    """Kind of a learner, its D and its chance to go on; the latter two have a value for either kind.

    >>> learner_parts("one"), learner_parts("d:3"), learner_parts("capacity:0.4")
    (('d', 1, 0.6), ('d', 3, 0.6), ('capacity', 1, 0.4))
    """
    kind, _, value = learner.partition(":")
    try:
        if kind == "capacity":
            return "capacity", 1, min(max(finite(value, 0.6), 0.05), 0.95)
        return "d", min(max(int(value), 1), MOST_D) if kind == "d" else 1, 0.6
    except ValueError:
        return "d", 1, 0.6


def _texts_tab() -> Component:
    """What growing shares of the texts teach."""
    return html.Div(
        [
            html.Div(
                [stat(label, "…", "") for label in ("Half of the texts", "The last tenth adds", "For each of these")],
                id="l-more",
                className="stats",
                **attributes(aria_live="polite"),
            ),
            html.Div(
                [
                    card(
                        "What growing shares of the texts teach",
                        figure(
                            "l-subsample",
                            height="calc(100% - 66px)",
                            label="Learned fraction for growing shares of the texts",
                        ),
                        note=(
                            "Each point: learning from scratch from a random share of this layer's texts; the band is "
                            "the range of five draws."
                        ),
                        className="tall",
                    ),
                    card(
                        "What each further share adds",
                        figure("l-gains", height="calc(100% - 66px)", label="Skills that each further share adds"),
                        note=(
                            "Skills beyond those of the previous share, measured and predicted for the same degrees "
                            "and with types. Where bars stay high, more texts of the same kind would teach more."
                        ),
                        className="tall",
                    ),
                ],
                className="row two texts-row",
            ),
        ],
        className="side",
    )


def _exit_tab() -> Component:
    """What texts and skills tell each other, as two curves for each ensemble."""
    return html.Div(
        [
            card(
                "EXIT curves of texts and skills",
                figure(
                    "l-exit",
                    height=430,
                    label="Probability that a text teaches against probability that a skill is novel",
                ),
                note=(
                    "Solid: how often texts teach when a skill is novel with probability x. Dashed: how often skills "
                    "remain novel when texts teach with probability y. Learning goes to the right, in steps between "
                    "the two curves, and stops where they meet."
                ),
            ),
            html.Div(id="l-exit-words", className="card", **attributes(aria_live="polite")),
        ],
        className="side",
    )
