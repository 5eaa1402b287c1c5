"""What the page answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from dash import Input, Output, State, no_update

from explorer.service import exit_chart, subsample, wave_curve
from explorer.service.prediction import SWIFT_UP_TO
from explorer.service.reasons import layer_lacks
from explorer.wording import plural
from ui.calls import Calls, Cause
from ui.choice import Choice, choose
from ui.content import Content, Update
from ui.drawing.elements import skill_drawing
from ui.drawing.figures import exit_figure, subsample_figure, waves_figure
from ui.drawing.graphs import NODE_LIMIT, most_used
from ui.drawing.never import never_elements
from ui.pages.learning.answers import (
    drawn_caption,
    exit_words,
    expectation,
    gains_figure,
    more_numbers,
    teachers,
)
from ui.pages.learning.state import CONTROLS, TABS
from ui.source import Snapshot, Source
from ui.typed import Element, Row

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["CALLS"]

CALLS = Calls()


class Subject(TypedDict):
    """What the page is about, and which of its tabs have something to show."""

    dataset: str
    layer: str
    wave: int
    waves: bool
    texts: bool


def _chosen(source: Source, subject: Subject) -> tuple[Snapshot, Choice]:
    snapshot = source.snapshot()
    return snapshot, choose(snapshot, {"dataset": subject["dataset"], "layer": subject["layer"]})


@CALLS.answer(
    "the waves",
    Output("l-cy", "elements"),
    Output("l-caption", "children"),
    Output("l-rows", "data"),
    Output("l-curve", "figure"),
    Input("l-tab", "value"),
    Input("l-never", "checked"),
    State("l-rows", "data"),
    State("l-subject", "data"),
    cause=True,
)
def play(
    source: Source, cause: Cause, tab: str, never: bool, there: list[Row] | None, subject: Subject
) -> tuple[Update[list[Element]], Update[Content], Update[list[Row]], Update[go.Figure]]:
    """The picture, its caption, the table's rows and the curve, once they are looked at."""
    again = there is not None and cause.id == "l-never"
    if tab != "waves" or (there is not None and not again) or not subject["waves"]:
        return (no_update,) * 4
    snapshot, _choice = _chosen(source, subject)
    dataset, layer = subject["dataset"], subject["layer"]
    graph = snapshot.graph(dataset, layer)
    curve = snapshot.apart(("waves", dataset, layer), wave_curve, dataset, layer)
    taught_by = teachers(graph)
    rows: list[Row] = [
        {"id": graph.skill_id(node), "skill": name, "wave": wave, "by": by}
        for node, (name, wave, by) in enumerate(zip(graph.name, graph.wave.tolist(), taught_by, strict=True))
    ]
    part = most_used(graph, NODE_LIMIT - 300)
    drawing = snapshot.once(("playback", dataset, layer), lambda: skill_drawing(part, {}, per_skill=3))
    elements, total = drawing.elements, len(graph.view.wave)
    if never:
        lacks = layer_lacks(snapshot.store, dataset, layer)
        more = snapshot.once(("never", dataset, layer), lambda: never_elements(graph.view, lacks, elements))
        elements = [*more, *elements]
        some = (
            "" if len(more) == len(lacks) else f" (drawn: the {len(more):,} most used; the table of “Why not” has all)"
        )
        unlearned = (
            f"; around them, hollow, the {plural(len(lacks), 'skill')} of the dataset never learned{some}, those that "
            "wait for each other side by side: click one to see why"
        )
    elif graph.n < total:
        unlearned = f"; {total - graph.n:,} of {total:,} are never learned from these texts and are not drawn"
    else:
        unlearned = "; these texts teach all of their skills"
    caption = drawn_caption(part.n, graph.n, f"{unlearned}.", dataset, layer)
    if again:
        return elements, caption, no_update, no_update
    return elements, caption, rows, waves_figure(curve, subject["wave"])


@CALLS.answer(
    "what theory expects",
    Output("l-what-if", "figure"),
    Output("l-expect", "children"),
    Output("l-c-shown", "children"),
    Output("l-R-shown", "children"),
    Input("l-c", "value"),
    Input("l-R", "value"),
    Input("l-learner", "data"),
)
def what_if(
    source: Source, c: float, ratio: float, learner: str | None
) -> tuple[Update[go.Figure], Update[Content], Update[str], Update[str]]:
    if learner is None:
        return (no_update,) * 4
    return *expectation(c, ratio, learner), f"{c:.2f}", f"{ratio:.2f}"


@CALLS.answer(
    "what more texts would teach",
    Output("l-subsample", "figure"),
    Output("l-gains", "figure"),
    Output("l-more", "children"),
    Input("l-tab", "value"),
    State("l-subject", "data"),
)
def more(source: Source, tab: str, subject: Subject) -> tuple[Update[go.Figure], Update[go.Figure], Update[Content]]:
    """Both figures and the numbers above them."""
    if tab != "texts" or not subject["texts"]:
        return (no_update,) * 3
    snapshot = source.snapshot()
    dataset, layer = subject["dataset"], subject["layer"]
    curve = snapshot.apart(("subsample", dataset, layer), subsample, dataset, layer, replicates=5)
    graph = snapshot.view(dataset, layer).indexed.graph
    stats = more_numbers(curve, graph.n_texts, graph.n_skills)
    return subsample_figure(curve), gains_figure(curve, graph.n_skills), stats


@CALLS.answer(
    "the EXIT curves",
    Output("l-exit", "figure"),
    Output("l-exit-words", "children"),
    Input("l-tab", "value"),
    State("l-subject", "data"),
)
def exit_curves(source: Source, tab: str, subject: Subject) -> tuple[Update[go.Figure], Update[Content]]:
    """The figure, and where learning stops on each ensemble."""
    if tab != "exit" or not subject["texts"]:
        return (no_update,) * 2
    snapshot = source.snapshot()
    dataset, layer = subject["dataset"], subject["layer"]
    graph = snapshot.view(dataset, layer).indexed.graph
    chart = snapshot.apart(("exit", dataset, layer), exit_chart, dataset, layer, types=graph.n_edges <= SWIFT_UP_TO)
    return exit_figure(chart), exit_words(chart)


CALLS.browser(
    "sgLearning.wave",
    Output("l-cy", "data-wave"),
    Input("l-wave", "value"),
    Input("l-cy", "elements"),
    State("l-cy", "id"),
    State("l-never-why", "data"),
)
CALLS.browser(
    "sgLearning.waveTable",
    Output("l-table", "rowData"),
    Output("l-wave-title", "children"),
    Input("l-wave", "value"),
    Input("l-rows", "data"),
)
CALLS.browser(
    "sg.mark",
    Output("l-curve", "data-mark"),
    Input("l-wave", "value"),
    Input("l-curve", "figure"),
    State("l-curve", "id"),
)
CALLS.browser(
    "sg.play",
    Output("l-tick", "disabled"),
    Output("l-play", "aria-label"),
    Output("l-play-icon", "className"),
    Input("l-play", "n_clicks"),
    State("l-tick", "disabled"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sg.tick",
    Output("l-wave", "value"),
    Input("l-tick", "n_intervals"),
    State("l-wave", "value"),
    State("l-wave", "max"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgLearning.step",
    Output("l-wave", "value", allow_duplicate=True),
    Input("l-back", "n_clicks"),
    Input("l-next", "n_clicks"),
    State("l-wave", "value"),
    State("l-wave", "max"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sg.plainSheet",
    Output("l-cy", "stylesheet"),
    Input("shown-scheme", "data"),
    Input("l-sheets", "data"),
)
CALLS.browser(
    "sgLearning.learner",
    Output("l-learner", "data"),
    Output("l-kind", "value"),
    Output("l-D", "value"),
    Output("l-chance", "value"),
    Output("l-D-box", "style"),
    Output("l-chance-box", "style"),
    Output("l-D-shown", "children"),
    Output("l-chance-shown", "children"),
    Input("l-kind", "value"),
    Input("l-D", "value"),
    Input("l-chance", "value"),
    Input("l-learner", "data"),
)
CALLS.browser("sgLearning.tab", *(Output(f"l-{name}-box", "hidden") for name in TABS), Input("l-tab", "value"))
CONTROLS.wire(CALLS)
