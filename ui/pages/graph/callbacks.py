"""The graph page's callbacks: what the browser does alone, and what it asks the server."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import plotly.graph_objects as go
from dash import ALL, Input, Output, State, no_update

from explorer.errors import USER_ERRORS
from explorer.wording import plural
from ui.brushes import pale
from ui.calls import Calls, Cause
from ui.content import Content, Update
from ui.drawing.canvas import legend_items
from ui.drawing.colourings import Colouring
from ui.drawing.filters import counts_sentence
from ui.drawing.graph_file import graph_file
from ui.drawing.graphs import LayerGraph
from ui.drawing.learning_path import needed_before
from ui.drawing.map_picture import map_figure, nearest_box
from ui.pages.graph.exports import as_csv, as_graphml
from ui.pages.graph.inspector import (
    every_option,
    inspector,
    path_nodes,
    path_steps,
    skill_options,
    summary,
)
from ui.pages.graph.lacking import is_lacking, lacking_panel
from ui.pages.graph.pictures import (
    Paint,
    Subject,
    awaited,
    drawing,
    look,
    meanwhile,
    paint,
    part,
    picture,
    table_rows,
    text_options,
    texts_of_skills,
)
from ui.pages.graph.state import CONTROLS, GraphState, read_state
from ui.searching import found, register_found
from ui.source import Source
from ui.typed import Download, Element, Properties

__all__ = ["CALLS", "map_sentence"]

_log = logging.getLogger(__name__)
_REGION = 300  # skills around one on the map


CALLS = Calls()

Legend: TypeAlias = tuple[Content, dict[str, str], bool]
"""What is in the legend, its style, and whether it is hidden."""

Drawn: TypeAlias = tuple[
    Update[list[Element]],
    Update[str],
    Update[Content],
    Update[dict[str, str]],
    Update[bool],
    Update[Paint | None],
    Update[str],
    Update[bool],
]
"""Elements, caption, the legend, colours of what is drawn already, counts, and whether nothing more follows."""


def _subject(data: Mapping[str, str]) -> Subject:
    return data["dataset"], data["layer"]


CALLS.browser(
    "sgGraph.state",
    Output("g-state", "data"),
    Output("g-undo", "disabled"),
    Output("g-stage", "className"),
    Output("g-options-count", "children"),
    Output("g-no-box", "disabled"),
    Output("g-no-added", "disabled"),
    Output("g-mapped", "data"),
    *CONTROLS.inputs(),
    State("g-subject", "data"),
    State("g-state", "data"),
    State("g-mapped", "data"),
)
pale(CALLS, Output("g-options-row", "data-whole"), ("g-weight", "g-waves", "g-uses", "g-mastery"))
CALLS.browser("sgGraph.undo", Output("g-undo", "data-undone"), Input("g-undo", "n_clicks"), prevent_initial_call=True)
CALLS.browser("sgGraph.begin", Output("g-cy-box", "data-ready"), Input("g-subject", "data"))


CALLS.browser(
    "sgGraph.attach",
    Output("cy", "data-attached"),
    Input("cy", "elements"),
    State("g-view", "value"),
    State("g-layout", "value"),
    State("g-open", "data"),
)
CALLS.browser(
    "sg.plainSheet",
    Output("cy", "stylesheet"),
    Input("shown-scheme", "data"),
    Input("g-sheets", "data"),
)
CALLS.browser("sgGraph.paint", Output("cy", "data-painted"), Input("g-paint", "data"))
CALLS.browser(
    "sgGraph.legend",
    Output("g-hidden", "data"),
    Output({"type": "legend", "place": ALL}, "className"),
    Output({"type": "legend", "place": ALL}, "aria-pressed"),
    Input({"type": "legend", "place": ALL}, "n_clicks"),
    Input("g-hidden", "data"),
)
CALLS.browser(
    "sgGraph.focus",
    Output("cy", "data-focus"),
    Input("g-skill", "data"),
    Input("g-path", "data"),
    Input("g-nearest", "data"),
    Input("cy", "elements"),
    State("g-view", "value"),
)
CALLS.browser(
    "sgGraph.zoom",
    Output("cy", "data-zoom"),
    *(Input({"type": "g-zoom", "act": act}, "n_clicks") for act in ("in", "out", "fit")),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgGraph.mapMoved", Output("g-map", "data-moved"), Input("g-map", "relayoutData"), prevent_initial_call=True
)
CALLS.browser(
    "sgGraph.mapClicked", Output("g-map", "data-clicked"), Input("g-map", "clickData"), prevent_initial_call=True
)
CALLS.browser(
    "sgGraph.mapActs",
    Output("g-map", "data-acts"),
    Input("g-map-open", "n_clicks"),
    Input("g-map-all", "n_clicks"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgGraph.pickRow",
    Output("g-table-grid", "data-picked"),
    Input("g-table-grid", "selectedRows"),
    State("g-open", "data"),
    prevent_initial_call=True,
)


CALLS.browser(
    "sgGraph.options",
    Output("g-options-row", "className"),
    Output("g-options", "aria-expanded"),
    Input("g-options", "n_clicks"),
    State("g-options-row", "className"),
)
CALLS.browser(
    "sgGraph.table",
    Output("g-table", "data"),
    Output("g-as", "aria-pressed"),
    Input("g-as", "n_clicks"),
    Input("g-table", "data"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgGraph.clear",
    Output("g-clear", "data-cleared"),
    Input("g-clear", "n_clicks"),
    Input("g-no-box", "n_clicks"),
    Input("g-no-added", "n_clicks"),
    Input("g-clear-all", "n_clicks"),
    State("g-subject", "data"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgGraph.choose",
    Output("g-skill", "data"),
    Output("g-search", "value"),
    Input("g-search", "value"),
    Input("g-skill", "data"),
    prevent_initial_call=True,
)
CALLS.browser(
    "sgGraph.goal",
    Output("g-goal", "data"),
    Output("g-to", "value"),
    Input("g-to", "value"),
    Input("g-skill", "data"),
    Input("g-goal", "data"),
    prevent_initial_call=True,
)


@CALLS.answer(
    "the picture",
    Output("cy", "elements"),
    Output("g-caption", "children"),
    Output("g-legend-box", "children"),
    Output("g-legend-box", "style"),
    Output("g-nothing", "hidden"),
    Output("g-paint", "data"),
    Output("g-counts", "children"),
    Output("g-tick", "disabled"),
    Input("g-state", "data"),
    Input("g-colour", "value"),
    Input("g-names", "value"),
    Input("g-tick", "n_intervals"),
    State("g-subject", "data"),
    cause=True,
)
def draw(
    source: Source,
    cause: Cause,
    data: dict[str, str] | None,
    colour: str,
    names: str,
    _tick: int | None,
    subject: dict[str, str],
) -> Drawn:
    """The picture, and whether another one follows: what takes seconds is begun once the first is in the browser."""
    if data is None:
        return (no_update,) * 8
    snapshot, where = source.snapshot(), _subject(subject)
    graph = snapshot.graph(*where)
    state = read_state({**data, "colour": colour, "names": names}, graph)
    if state.view == "map":  # it shows what its region leaves out, too
        state = replace(state, filters=replace(state.filters, box=None))
    if awaited(graph, state):
        if "g-tick.n_intervals" not in cause.properties:
            found, colours = meanwhile(snapshot, where, state)
            counts = _counts(graph, part(snapshot, where, state), state)
            return found.elements, found.caption, *_legend(colours, bool(found.elements)), None, counts, False
        try:
            if not snapshot.begin(("gathered", *where), graph.gather):
                return (no_update,) * 8
        except Exception as error:  # noqa: BLE001 -- said in the picture's place; asked again, it would fail each second
            if not isinstance(error, USER_ERRORS):
                _log.exception("communities could not be computed")
            why = str(error) if isinstance(error, USER_ERRORS) else "the server's log has the details"
            return no_update, f"The communities could not be computed: {why}.", *(no_update,) * 5, True
    shown = part(snapshot, where, state)
    colours, counts = look(snapshot, where, state), _counts(graph, shown, state)
    legend = _legend(colours, bool(shown.n))
    if state.view == "map":
        return no_update, no_update, *legend, no_update, counts, True
    found = drawing(snapshot, where, state)
    if cause.properties and set(cause.properties) <= {"g-colour.value", "g-names.value"}:
        new = paint(found, shown, state.by, colours)
        new["labels"] = {element["data"]["id"]: element["data"].get("label", "") for element in found.elements}
        return no_update, no_update, *legend, new, counts, True
    return found.elements, found.caption, *legend, None, counts, True


def _legend(colours: Colouring, there: bool) -> Legend:
    return (legend_items(colours), {}, True) if there else (None, {"display": "none"}, False)


def _counts(graph: LayerGraph, shown: LayerGraph, state: GraphState) -> str:
    counts = counts_sentence(graph, shown)
    if state.filters.added:
        counts += f" Ringed: {plural(len(state.filters.added), 'skill')} of a query, whatever the filters say."
    return counts


@CALLS.answer(
    "the map",
    Output("g-map", "figure"),
    Output("g-caption", "children", allow_duplicate=True),
    Output("g-map-open", "children"),
    Input("g-mapped", "data"),
    State("g-subject", "data"),
    prevent_initial_call=True,
)
def chart(
    source: Source, data: dict[str, str] | None, subject: dict[str, str]
) -> tuple[Update[go.Figure], Update[str], Update[str]]:
    if data is None:
        return no_update, no_update, no_update
    snapshot, where = source.snapshot(), _subject(subject)
    graph = snapshot.graph(*where)
    state = read_state(data, graph)
    found = picture(snapshot, where, state)
    if not len(found.graph.skill):
        return go.Figure(), "The filters leave out every skill: widen them.", no_update
    chosen = found.graph.node_of.get(data.get("skill", ""))
    texts = texts_of_skills(snapshot, where, state)
    figure = map_figure(found.graph, found.look, found.picture, chosen=chosen, texts=texts)
    inside = len(found.picture.inside)
    return figure, map_sentence(found.graph.n, inside, found.drawn), _open_label(inside, state.most)


@CALLS.answer(
    "the table",
    Output("g-table-grid", "rowData"),
    Input("g-state", "data"),
    Input("g-table", "data"),
    State("g-subject", "data"),
)
def rows(source: Source, data: dict[str, str] | None, table: bool, subject: dict[str, str]) -> Update[list[Properties]]:
    if data is None or not table:
        return no_update
    snapshot, where = source.snapshot(), _subject(subject)
    return table_rows(snapshot, where, read_state(data, snapshot.graph(*where)))


def _open_label(inside: int, most: int) -> str:
    if inside > most:
        return f"Open the {most:,} most used of these"
    return "Open this skill" if inside == 1 else f"Open these {inside:,} skills"


def map_sentence(skills: int, inside: int, drawn: str) -> str:
    """The line under the map."""
    view = "all in view" if inside == skills else f"{inside:,} in view"
    return (
        f"{plural(skills, 'skill')}, {view}; {drawn}. Drag a box or scroll to zoom in, then open what you see; click "
        "a ringed dot to choose its skill."
    )


@CALLS.answer(
    "the chosen skill",
    Output("g-inspector", "children"),
    Output("g-path-box", "hidden"),
    Output("g-path-steps", "children"),
    Output("g-path", "data"),
    Output("g-nearest", "data"),
    Input("g-skill", "data"),
    Input("g-goal", "data"),
    State("g-subject", "data"),
)
def inspect(
    source: Source, skill: str | None, goal: str | None, subject: dict[str, str]
) -> tuple[Content, bool, Content, list[str] | None, list[str] | None]:
    """The panel, the way to the other end, its skills, and the chosen one's strongest neighbours."""
    graph = source.snapshot().graph(*_subject(subject))
    if is_lacking(graph, skill):
        return lacking_panel(source.snapshot(), graph, str(skill)), True, None, None, None
    if skill is None or skill not in graph.node_of:
        return summary(graph), True, None, None, None
    path = path_nodes(graph, skill, goal)
    nearest = [graph.skill_id(node) for node, _ in graph.neighbours(graph.node_of[skill])[:40]]
    ids = [graph.skill_id(node) for node in path] or None
    return inspector(graph, skill), False, path_steps(graph, goal, path), ids, nearest


@CALLS.answer(
    "what was asked for",
    Output("g-view", "value"),
    Output("g-around", "data"),
    Output("g-texts", "value"),
    Output("g-box", "data"),
    Output("g-layout", "value"),
    Input("g-asked", "data"),
    State("g-skill", "data"),
    State("g-subject", "data"),
    prevent_initial_call=True,
)
def act(
    source: Source, asked: Mapping[str, str] | None, skill: str | None, subject: dict[str, str]
) -> tuple[Update[str], Update[str | None], Update[list[str]], Update[str], Update[str]]:
    """The view that a button of the panel asks for: view, skill in its middle, texts, region, arrangement."""
    nothing = (no_update,) * 5
    if not asked:
        return nothing
    if "text" in asked:
        return "texts", no_update, [asked["text"]], no_update, no_update
    graph = source.snapshot().graph(*_subject(subject))
    if asked["act"] == "texts" and (skill in graph.node_of or is_lacking(graph, skill)):
        return "texts", skill, [], no_update, no_update
    if skill not in graph.node_of or skill is None:
        return nothing
    if asked["act"] == "near":
        return "neighbours", skill, no_update, no_update, no_update
    node = graph.node_of[skill]
    if asked["act"] == "region":
        box = ",".join(f"{value:.2f}" for value in nearest_box(graph.map_positions, node, _REGION))
        return "skills", no_update, no_update, box, "map"
    _, taught = needed_before(graph.view, int(graph.skill[node]))
    wave = {int(graph.view.by[s]): int(graph.view.wave[s]) for s in graph.skill.tolist()}
    last = sorted(taught.tolist(), key=lambda text: -wave[text])[:12]
    return "texts", skill, [graph.view.indexed.text_ids[text].as_py() for text in last[::-1]], no_update, no_update


for field in ("g-search", "g-to"):
    CALLS.browser(
        "sgGraph.ask",
        Output(f"{field}-asked", "data"),
        Input(field, "searchValue"),
        Input(field, "value"),
        State(field, "data"),
        State("g-subject", "data"),
        prevent_initial_call=True,
    )


@CALLS.answer(
    "the skills that match",
    Output(found("g-search"), "data"),
    Input("g-search-asked", "data"),
    State("g-subject", "data"),
    prevent_initial_call=True,
)
def skills(source: Source, asked: Sequence[str | None] | None, subject: dict[str, str]) -> Update[list[dict[str, str]]]:
    if asked is None:  # a page that was just laid out has its choices, and the chosen one among them
        return no_update
    typed, chosen = asked
    return every_option(source.snapshot().graph(*_subject(subject)), typed or "", chosen)


@CALLS.answer(
    "the skills that match",
    Output(found("g-to"), "data"),
    Input("g-to-asked", "data"),
    State("g-subject", "data"),
    prevent_initial_call=True,
)
def goals(source: Source, asked: Sequence[str | None] | None, subject: dict[str, str]) -> Update[list[dict[str, str]]]:
    """What may be the other end of a path: learned skills."""
    if asked is None:
        return no_update
    typed, chosen = asked
    return skill_options(source.snapshot().graph(*_subject(subject)), typed or "", chosen)


@CALLS.answer(
    "the texts that match",
    Output(found("g-texts"), "data"),
    Input("g-texts", "searchValue"),
    Input("g-texts", "value"),
    State("g-subject", "data"),
    prevent_initial_call=True,
)
def texts(source: Source, typed: str | None, picked: list[str] | None, subject: dict[str, str]) -> list[dict[str, str]]:
    return text_options(source.snapshot().graph(*_subject(subject)), typed or "", tuple(picked or ()))


for field in ("g-search", "g-to", "g-texts"):
    register_found(CALLS, field)


CALLS.browser(
    "sgGraph.image",
    Output("g-png", "data-made"),
    Input("g-png", "n_clicks"),
    Input("g-svg", "n_clicks"),
    Input("g-pdf", "n_clicks"),
    State("shown-scheme", "data"),
    State("g-view", "value"),
    State("g-subject", "data"),
    prevent_initial_call=True,
)


@CALLS.answer(
    "the file",
    Output("g-download", "data"),
    Input("g-csv", "n_clicks"),
    Input("g-graphml", "n_clicks"),
    Input("g-html", "n_clicks"),
    State("g-state", "data"),
    State("g-subject", "data"),
    State("g-skill", "data"),
    cause=True,
    prevent_initial_call=True,
)
def export(
    source: Source,
    cause: Cause,
    _csv: int | None,
    _graphml: int | None,
    _html: int | None,
    data: dict[str, str] | None,
    subject: dict[str, str],
    skill: str | None = None,
) -> Download:
    snapshot, where = source.snapshot(), _subject(subject)
    shown = part(snapshot, where, read_state(data or {}, snapshot.graph(*where)))
    kind = str(cause.id).removeprefix("g-")
    name = f"{where[0]}-{where[1]}"
    if kind == "html":
        return {"content": graph_file(shown, skill=skill), "filename": f"{name}.html", "type": "text/html"}
    content = as_csv(shown) if kind == "csv" else as_graphml(shown)
    return {"content": content, "filename": f"{name}-associations.{kind}"}
