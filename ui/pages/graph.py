"""The association graph of a layer: what is learned, and how it hangs together."""

from __future__ import annotations

import csv
import io
from typing import Any

import dash_mantine_components as dmc
import numpy as np
from dash import ALL, ClientsideFunction, Input, Output, State, ctx, dcc, html, no_update

from ui.canvas import canvas, legend_items, looks_of, stylesheets, zoom_tools
from ui.choice import Query, choose
from ui.components import empty_state, icon, no_layer, page_header
from ui.elements import Colouring, Drawing, community_drawing, neighbour_drawing, skill_drawing
from ui.graphs import NODE_LIMIT, LayerGraph, shortest_path, skills_of, texts_of
from ui.notices import notice
from ui.source import Snapshot, Source

__all__ = ["as_csv", "as_graphml", "layout", "register"]

_TITLE = "Association graph"
_MEANING = (
    "Each dot is a learned skill, larger the more texts require it; two are joined when a text requires both. "
    "Islands are communities: skills that keep to each other."
)
_VIEWS = ("skills", "communities", "neighbours")
_TAP = ("Click a skill to see how it was learned", "Click a disc to open it", "Scroll to zoom: more names appear")


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    if choice.dataset is None or choice.layer is None:
        return html.Div([page_header(_TITLE, _MEANING, choice), no_layer(choice.dataset)], className="page")
    graph = snapshot.graph(choice.dataset, choice.layer)
    if graph.n == 0:
        text = f"Layer {choice.layer!r} has learned nothing, so there is nothing to join."
        return html.Div(
            [page_header(_TITLE, _MEANING, choice), empty_state("No skills learned", text)], className="page"
        )
    looks = looks_of(snapshot, choice.dataset, choice.layer)
    view = query.get("view", "auto")
    skill = query.get("skill") if query.get("skill") in graph.node_of else None
    around = query.get("around") if query.get("around") in graph.node_of else skill
    opened = [int(c) for c in query.get("open", "").split(",") if c.isdigit()]
    per = int(query["per"]) if query.get("per", "").isdigit() else 3
    large = graph.n > NODE_LIMIT
    usual = "communities" if large else "skills"
    if view not in _VIEWS or (view == "skills" and large) or (view == "neighbours" and around is None):
        view = usual
    colour = query.get("colour", "community" if view == "communities" else "class")
    ids = [graph.skill_id(i) for i in np.argsort(-graph.uses, kind="stable").tolist()]
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice),
            None if choice.problem is None else notice(choice.problem),
            dcc.Store(
                id="g-subject",
                data={"dataset": choice.dataset, "layer": choice.layer, "view": usual},
            ),
            dcc.Store(id="g-sheets", data=stylesheets()),
            dcc.Store(id="g-skill", data=skill),
            dcc.Store(id="g-open", data=opened),
            dcc.Store(id="g-around", data=around),
            dcc.Store(id="g-path", data=None),
            dcc.Store(id="g-nearest", data=None),
            dcc.Download(id="g-download"),
            _toolbar(
                graph,
                looks,
                ids,
                view=view,
                colour=colour if colour in looks else "class",
                skill=skill,
                per=per,
                large=large,
            ),
            html.Div(
                [
                    html.Section(
                        [
                            html.Div(
                                [
                                    canvas(
                                        "cy",
                                        f"Association graph of layer {choice.layer}; listed in the panel beside it",
                                    ),
                                    html.Div(id="g-legend-box", className="legend"),
                                    zoom_tools("g"),
                                ],
                                className="graph-stage",
                            ),
                            html.Div(id="g-caption", className="graph-caption", **{"aria-live": "polite"}),
                        ],
                        className="card graph-card",
                    ),
                    html.Aside(
                        id="g-inspector", className="card inspector", tabIndex=0, **{"aria-label": "Chosen skill"}
                    ),
                ],
                className="graph-body",
            ),
        ],
        className="page fill",
    )


def _toolbar(
    graph: LayerGraph,
    looks: dict[str, Colouring],
    ids: list[str],
    *,
    view: str,
    colour: str,
    skill: str | None,
    per: int,
    large: bool,
) -> html.Div:
    names = {i: graph.name[graph.node_of[i]] for i in ids}
    views = [
        {"value": "skills", "label": "Skills", "disabled": large},
        {"value": "communities", "label": "Communities"},
        {"value": "neighbours", "label": "Neighbours"},
    ]
    return html.Div(
        [
            dmc.Select(
                id="g-search",
                label="Find a skill",
                placeholder="Type a name",
                data=[{"value": i, "label": names[i]} for i in ids],
                value=skill,
                searchable=True,
                clearable=True,
                limit=40,
                nothingFoundMessage="No learned skill of that name",
                size="xs",
                w=220,
                leftSection=icon("search"),
                comboboxProps={"shadow": "md"},
            ),
            html.Div(
                [
                    html.Span("Show", className="control-label"),
                    dmc.SegmentedControl(id="g-view", data=views, value=view, size="xs", **{"aria-label": "Show"}),
                ],
                className="control",
            ),
            dmc.Select(
                id="g-colour",
                label="Colour by",
                data=[{"value": key, "label": look.title} for key, look in looks.items()],
                value=colour,
                allowDeselect=False,
                size="xs",
                w=140,
                comboboxProps={"shadow": "md"},
            ),
            dmc.Select(
                id="g-per",
                label="Associations of each skill",
                data=[
                    {"value": str(k), "label": text}
                    for k, text in (
                        (1, "the strongest"),
                        (3, "the strongest 3"),
                        (6, "the strongest 6"),
                        (12, "the strongest 12"),
                    )
                ],
                value=str(per) if per in (1, 3, 6, 12) else "3",
                allowDeselect=False,
                size="xs",
                w=170,
                comboboxProps={"shadow": "md"},
            ),
            html.Div(className="spacer"),
            html.Button(
                icon("undo"),
                id="g-undo",
                className="tool",
                disabled=True,
                **{"aria-label": "Undo the last step", "title": "Undo the last step"},
            ),
            html.Details(
                [
                    html.Summary(icon("download"), className="tool", **{"aria-label": "Export", "title": "Export"}),
                    html.Div(
                        [
                            html.Button(text, id=f"g-{kind}", className="item")
                            for kind, text in (
                                ("png", "Picture (PNG)"),
                                ("svg", "Drawing (SVG)"),
                                ("csv", "Associations (CSV)"),
                                ("graphml", "Graph (GraphML)"),
                            )
                        ],
                        className="menu-box",
                    ),
                ],
                className="menu",
            ),
        ],
        className="toolbar",
    )


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""
    _register_browser(app)

    @app.callback(
        Output("cy", "elements"),
        Output("g-caption", "children"),
        Input("g-view", "value"),
        Input("g-open", "data"),
        Input("g-around", "data"),
        Input("g-per", "value"),
        State("g-subject", "data"),
    )
    def draw(
        view: str, opened: list[int] | None, around: str | None, per: str, subject: dict[str, str]
    ) -> tuple[Any, str]:
        drawing = _drawing(source.snapshot(), subject, view, tuple(opened or ()), around, int(per))
        return drawing.elements, drawing.caption

    @app.callback(Output("g-legend-box", "children"), Input("g-colour", "value"), State("g-subject", "data"))
    def legend(colour: str, subject: dict[str, str]) -> Any:
        look = looks_of(source.snapshot(), subject["dataset"], subject["layer"])[colour]
        return legend_items(look)

    @app.callback(
        Output("g-inspector", "children"),
        Output("g-path", "data"),
        Output("g-nearest", "data"),
        Input("g-skill", "data"),
        Input({"type": "g-to", "at": ALL}, "value"),
        State("g-subject", "data"),
    )
    def inspect(skill: str | None, goals: list[str | None], subject: dict[str, str]) -> tuple[Any, Any, Any]:
        graph = source.snapshot().graph(subject["dataset"], subject["layer"])
        if skill is None or skill not in graph.node_of:
            return _summary(graph), None, None
        goal = goals[0] if goals and ctx.triggered_id != "g-skill" else None
        path: list[int] = []
        if goal is not None and goal in graph.node_of:
            path = shortest_path(graph, graph.node_of[skill], graph.node_of[goal])
        nearest = [graph.skill_id(node) for node, _ in graph.neighbours(graph.node_of[skill])[:40]]
        return _inspector(graph, skill, goal, path), [graph.skill_id(node) for node in path] or None, nearest

    @app.callback(
        Output("g-skill", "data"),
        Output("g-search", "value"),
        Input("g-search", "value"),
        Input({"type": "g-go", "skill": ALL, "at": ALL}, "n_clicks"),
        Input("g-skill", "data"),
        prevent_initial_call=True,
    )
    def choose_skill(found: str | None, clicks: list[int | None], skill: str | None) -> tuple[Any, Any]:
        trigger = ctx.triggered_id
        if trigger == "g-skill":
            return no_update, skill if skill != found else no_update
        if trigger == "g-search":
            return (found if found != skill else no_update), no_update
        if not any(clicks):
            return no_update, no_update
        return trigger["skill"], trigger["skill"]

    @app.callback(
        Output("g-around", "data"),
        Output("g-view", "value"),
        Input({"type": "g-near", "at": ALL}, "n_clicks"),
        Input("g-view", "value"),
        State("g-skill", "data"),
        State("g-around", "data"),
        State("g-subject", "data"),
        prevent_initial_call=True,
    )
    def neighbourhood(
        clicks: list[int | None], view: str, skill: str | None, around: str | None, subject: dict[str, str]
    ) -> tuple[Any, Any]:
        if ctx.triggered_id == "g-view":
            if view != "neighbours" or around is not None:
                return (skill if view == "neighbours" and skill is not None else no_update), no_update
            graph = source.snapshot().graph(subject["dataset"], subject["layer"])
            return skill or graph.skill_id(int(np.argmax(graph.uses))), no_update
        if not any(clicks):
            return no_update, no_update
        return skill, "neighbours"

    @app.callback(
        Output("cy", "generateImage"),
        Output("g-download", "data"),
        *(Input(f"g-{kind}", "n_clicks") for kind in ("png", "svg", "csv", "graphml")),
        State("g-subject", "data"),
        prevent_initial_call=True,
    )
    def export(_png: int, _svg: int, _csv: int, _graphml: int, subject: dict[str, str]) -> tuple[Any, Any]:
        kind = str(ctx.triggered_id).removeprefix("g-")
        name = f"{subject['dataset']}-{subject['layer']}-associations"
        if kind in ("png", "svg"):
            options = {"full": True, "scale": 2, "bg": "#FFFFFF"} if kind == "png" else {"full": True}
            return {"type": kind, "action": "download", "filename": name, "options": options}, no_update
        graph = source.snapshot().graph(subject["dataset"], subject["layer"])
        write = as_csv if kind == "csv" else as_graphml
        return no_update, {"content": write(graph), "filename": f"{name}.{kind}"}


def _register_browser(app: Any) -> None:
    def js(name: str) -> ClientsideFunction:
        return ClientsideFunction("sg", name)

    app.clientside_callback(
        js("attach"), Output("cy", "data-attached"), Input("cy", "elements"), State("cy", "id"), State("g-open", "data")
    )
    app.clientside_callback(
        js("stylesheet"),
        Output("cy", "stylesheet"),
        Input("shown-scheme", "data"),
        Input("g-colour", "value"),
        Input("g-sheets", "data"),
    )
    app.clientside_callback(
        js("legend"),
        Output({"type": "legend", "place": ALL}, "className"),
        Output({"type": "legend", "place": ALL}, "aria-pressed"),
        Input({"type": "legend", "place": ALL}, "n_clicks"),
        Input("g-colour", "value"),
        State("cy", "id"),
    )
    app.clientside_callback(
        js("focus"),
        Output("cy", "data-focus"),
        Input("g-skill", "data"),
        Input("g-path", "data"),
        Input("g-nearest", "data"),
        Input("cy", "elements"),
        State("cy", "id"),
    )
    app.clientside_callback(
        js("zoom"),
        Output("cy", "data-zoom"),
        *(Input({"type": "g-zoom", "act": act}, "n_clicks") for act in ("in", "out", "fit")),
        State("cy", "id"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("graphState"),
        Output("g-undo", "disabled"),
        Input("g-view", "value"),
        Input("g-colour", "value"),
        Input("g-skill", "data"),
        Input("g-open", "data"),
        Input("g-around", "data"),
        Input("g-per", "value"),
        State("g-subject", "data"),
    )
    app.clientside_callback(
        js("undo"), Output("g-undo", "data-undone"), Input("g-undo", "n_clicks"), prevent_initial_call=True
    )


def _drawing(
    snapshot: Snapshot, subject: dict[str, str], view: str, opened: tuple[int, ...], around: str | None, per: int
) -> Drawing:
    dataset, layer = subject["dataset"], subject["layer"]
    graph, looks = snapshot.graph(dataset, layer), looks_of(snapshot, dataset, layer)
    if view == "neighbours":
        node = graph.node_of.get(around or "", int(np.argmax(graph.uses)))
        return neighbour_drawing(graph, looks, node)
    if view == "communities" or graph.n > NODE_LIMIT:
        return snapshot.once(("communities", dataset, layer, opened), lambda: community_drawing(graph, looks, opened))
    return snapshot.once(("skills", dataset, layer, per), lambda: skill_drawing(graph, looks, per_skill=per))


def _summary(graph: LayerGraph) -> list[Any]:
    info = graph.view.info
    most = np.argsort(-graph.uses, kind="stable")[:8].tolist()
    source = (
        f"Stored with rule “{info.association_rule}”."
        if graph.stored
        else "Joined for this page by rule “any”: the layer has no stored associations yet (skillgraph associate)."
    )
    return [
        html.H2(info.name),
        html.P(f"{graph.n:,} learned skills, {graph.m:,} associations. {source}", className="quiet"),
        html.Ul([html.Li(text) for text in _TAP], className="hint-list"),
        html.H3("Most used skills"),
        _skill_list(graph, [(node, f"{graph.uses[node]:,} texts") for node in most], "top"),
    ]


def _skill_list(graph: LayerGraph, items: list[tuple[int, str]], at: str) -> html.Div:
    return html.Div(
        [
            html.Button(
                [html.Span(graph.name[node]), html.Span(note, className="count")],
                id={"type": "g-go", "skill": graph.skill_id(node), "at": at},
                className="item",
            )
            for node, note in items
        ],
        className="item-list",
    )


def _inspector(graph: LayerGraph, skill: str, goal: str | None, path: list[int]) -> list[Any]:
    node = graph.node_of[skill]
    index = int(graph.skill[node])
    near = graph.neighbours(node)
    texts, n_texts = texts_of(graph.view, index, 8)
    titles = graph.view.indexed.text_column("title")
    classes = [graph.skill_class[node], "known before" if graph.wave[node] == 0 else f"wave {graph.wave[node]}"]
    classes.append(f"{n_texts:,} texts")
    if graph.component[node] >= 0:
        classes.append("giant component" if graph.component[node] == 0 else "outside the giant component")
    return [
        html.H2(graph.name[node]),
        html.Div([html.Span(text, className="chip") for text in classes], className="chips"),
        *_taught(graph, node),
        html.Div(
            html.Button("Show its neighbours only", id={"type": "g-near", "at": 0}, className="chip", n_clicks=None),
            className="chips",
        ),
        html.H3(f"Associations ({len(near):,})"),
        _skill_list(graph, [(other, f"{weight:,} texts") for other, weight in near[:10]], "near"),
        html.H3("Path to another skill"),
        _path_picker(graph, node, goal),
        *_path(graph, goal, path),
        html.H3(f"Texts that require it ({n_texts:,})"),
        *[html.Div(titles[text].as_py(), className="text-line") for text in texts],
        html.P(f"the {len(texts)} with the fewest skills", className="quiet") if n_texts > len(texts) else None,
    ]


def _path_picker(graph: LayerGraph, node: int, goal: str | None) -> dmc.Select:
    ids = [graph.skill_id(i) for i in np.argsort(-graph.uses, kind="stable").tolist() if i != node]
    return dmc.Select(
        id={"type": "g-to", "at": 0},
        data=[{"value": i, "label": graph.name[graph.node_of[i]]} for i in ids],
        value=goal,
        searchable=True,
        clearable=True,
        limit=30,
        size="xs",
        placeholder="Choose the other end",
        comboboxProps={"shadow": "md"},
        **{"aria-label": "Path to"},
    )


def _path(graph: LayerGraph, goal: str | None, path: list[int]) -> list[Any]:
    if goal is None:
        return []
    if not path:
        return [html.P("No path: the two are in different components.", className="quiet")]
    steps = len(path) - 1
    return [
        html.P(f"{steps} association{'s' if steps != 1 else ''} apart:", className="quiet"),
        _skill_list(graph, [(step, f"wave {graph.wave[step]}") for step in path], "path"),
    ]


def _taught(graph: LayerGraph, node: int) -> list[Any]:
    """The text that taught a skill: all its other skills were known by then."""
    view = graph.view
    index = int(graph.skill[node])
    text = int(view.by[index])
    if graph.wave[node] == 0:
        return [html.P("Known before the first text was read.", className="quiet")]
    if text < 0:
        return []
    title = view.indexed.text_column("title")[text].as_py()
    others = [s for s in skills_of(view, text) if s != index]
    ids, names = view.indexed.skills.ids, view.indexed.skill_column("name")
    others.sort(key=lambda s: -int(view.wave[s]))
    chips = []
    for other in others[:24]:
        wave = int(view.wave[other])
        label = f"{names[other].as_py()} · " + ("not learned" if wave < 0 else "known" if wave == 0 else f"wave {wave}")
        if wave >= 0:
            chips.append(
                html.Button(label, id={"type": "g-go", "skill": ids[other].as_py(), "at": "taught"}, className="chip")
            )
        else:
            chips.append(html.Span(label, className="chip"))
    why = "It was the text's only skill." if not others else "The text's other skills were known by then:"
    if any(int(view.wave[s]) < 0 or int(view.wave[s]) >= graph.wave[node] for s in others):
        why = "The text taught several skills at once; its others:"
    return [
        html.H3("Taught by"),
        html.Div(title, className="text-line"),
        html.P(why, className="quiet"),
        html.Div(chips, className="chips"),
        html.P(f"and {len(others) - 24} more", className="quiet") if len(others) > 24 else None,
    ]


def as_csv(graph: LayerGraph) -> str:
    """All associations, one a line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["source", "target", "source_name", "target_name", "texts", "strength"])
    for e in range(graph.m):
        a, b = int(graph.source[e]), int(graph.target[e])
        writer.writerow(
            [
                graph.skill_id(a),
                graph.skill_id(b),
                graph.name[a],
                graph.name[b],
                int(graph.weight[e]),
                f"{graph.strength[e]:.6f}",
            ]
        )
    return out.getvalue()


def as_graphml(graph: LayerGraph) -> str:
    """The whole graph as GraphML."""
    from xml.sax.saxutils import escape, quoteattr

    keys = (
        ("name", "node", "string"),
        ("class", "node", "string"),
        ("wave", "node", "int"),
        ("uses", "node", "int"),
        ("weight", "edge", "int"),
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [f'<key id="{k}" for="{target}" attr.name="{k}" attr.type="{kind}"/>' for k, target, kind in keys]
    lines.append('<graph edgedefault="undirected">')
    for i in range(graph.n):
        data = {
            "name": graph.name[i],
            "class": graph.skill_class[i],
            "wave": str(graph.wave[i]),
            "uses": str(graph.uses[i]),
        }
        inner = "".join(f'<data key="{k}">{escape(v)}</data>' for k, v in data.items())
        lines.append(f"<node id={quoteattr(graph.skill_id(i))}>{inner}</node>")
    for e in range(graph.m):
        a, b = quoteattr(graph.skill_id(int(graph.source[e]))), quoteattr(graph.skill_id(int(graph.target[e])))
        lines.append(f'<edge source={a} target={b}><data key="weight">{int(graph.weight[e])}</data></edge>')
    return "\n".join([*lines, "</graph>", "</graphml>", ""])
