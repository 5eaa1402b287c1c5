"""Cypher on the store, read-only: an editor, the schema, recipes, and the result as a table or a graph."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
import numpy as np
from dash import ALL, ClientsideFunction, Input, Output, State, ctx, dcc, html, no_update

from explorer.cookbook import COOKBOOK as RECIPES
from explorer.errors import QueryError, SkillgraphError
from explorer.service.recipes import ROWS, main_skills
from explorer.store.protocol import Node, Path, QueryResult, Relationship
from ui.choice import Choice, Query, choose
from ui.components import grid, page_header
from ui.drawing.canvas import canvas
from ui.drawing.layouts import communities, islands, label_tiers
from ui.drawing.style import CATEGORIES, OTHER, cytoscape_stylesheet
from ui.source import Snapshot, Source
from ui.work import tasks

__all__ = [
    "COOKBOOK",
    "SCHEMA",
    "default_parameters",
    "layout",
    "plain",
    "recipes",
    "register",
    "result_csv",
    "result_elements",
    "result_json",
    "result_rows",
]

_TITLE = "Query"
_MEANING = (
    "Ask the graph itself, in Cypher. Queries only read: whatever would write is refused. A query that takes too long "
    "can be cancelled, and is stopped at the time limit; the time shown is what the store took."
)
_MAX_ROWS, _MAX_NODES = 1_000, 400
_AT_ONCE = 1.0  # seconds that the first answer waits for the result, before the page asks again and again
_EXAMPLE = '{"name": "sorted"}'

COOKBOOK: tuple[tuple[str, str], ...] = (
    ("Datasets", "MATCH (d:Dataset)\nRETURN d.name AS dataset, d.loaded_at AS loaded"),
    (
        "Most required skills",
        (
            "MATCH (t:Text)-[:REQUIRES]->(s:Skill)\nRETURN s.name AS skill, s.class AS class, count(t) AS texts\n"
            "ORDER BY texts DESC\nLIMIT 25"
        ),
    ),
    (
        "Skills by class",
        "MATCH (s:Skill)\nRETURN s.class AS class, count(s) AS skills\nORDER BY skills DESC",
    ),
    (
        "What was learned first",
        (
            "MATCH (l:Layer)-[learned:LEARNED]->(s:Skill)\nWHERE learned.wave = 1\n"
            "RETURN l.name AS layer, s.name AS skill, learned.by AS text\nLIMIT 50"
        ),
    ),
    (
        "Learned by layer and wave",
        (
            "MATCH (l:Layer)-[learned:LEARNED]->(s:Skill)\n"
            "RETURN l.name AS layer, learned.wave AS wave, count(s) AS skills\nORDER BY layer, wave"
        ),
    ),
    (
        "Strongest associations",
        "MATCH (a:Skill)-[r:ASSOCIATED_WITH]->(b:Skill)\nRETURN a, r, b\nORDER BY r.weight DESC\nLIMIT 40",
    ),
    (
        "Texts around a skill, as a graph",
        "MATCH (s:Skill {name: $name})<-[r:REQUIRES]-(t:Text)-[q:REQUIRES]->(o:Skill)\nRETURN s, r, t, q, o\nLIMIT 40",
    ),
)
SCHEMA: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "Nodes": (
        (
            "(:Dataset",
            (
                "name, source, loaded_at, texts, skills, requirements, prerequisites, part_of, models, attempts, "
                "parts, provenance, fingerprint, part_fingerprints, columns, schema_version"
            ),
            ")",
        ),
        ("(:Text", "key, dataset, id, title, class, part", ")"),
        ("(:Skill", "key, dataset, id, name, class, level", ")"),
        ("(:Model", "key, dataset, id, role, base", ")"),
        (
            "(:Layer",
            (
                "key, dataset, name, kind, learner, base, mode, parts, texts, skills, learned, waves, lacks, "
                "associations, association_rule, seed, association_options, parameters, graph_parts, made_from, "
                "vanished, fingerprint, stale, stale_because, versions, created_at, skills_add"
            ),
            ")",
        ),
    ),
    "Relationships": (
        ("(:Text)-[:REQUIRES", "weight", "]->(:Skill)"),
        ("(:Skill)-[:PREREQUISITE_OF", "", "]->(:Skill)"),
        ("(:Skill)-[:PART_OF", "", "]->(:Skill)"),
        ("(:Model)-[:ATTEMPTED", "score", "]->(:Text)"),
        ("(:Model)-[:FINE_TUNED_FROM", "", "]->(:Model)"),
        ("(:Layer)-[:FINE_TUNED_FROM", "", "]->(:Layer)"),
        ("(:Layer)-[:LEARNED", "wave, by, component, mastery", "]->(:Skill)"),
        ("(:Layer)-[:LACKS", "reason, text, novel, component, group, mastery", "]->(:Skill)"),
        ("(:Skill)-[:ASSOCIATED_WITH", "layer, weight", "]-(:Skill)"),
    ),
}
"""Labels and types as a query names them, with their properties between the two halves: docs/schema.md."""
_WORDS = (
    "MATCH", "OPTIONAL", "WHERE", "RETURN", "ORDER", "BY", "LIMIT", "SKIP", "WITH", "UNWIND", "AS", "DISTINCT",
    "count", "collect", "sum", "avg", "min", "max", "CONTAINS", "STARTS", "DESC", "AND", "OR", "NOT", "NULL",
    ":Dataset", ":Text", ":Skill", ":Model", ":Layer", ":REQUIRES", ":PREREQUISITE_OF", ":PART_OF", ":ATTEMPTED",
    ":FINE_TUNED_FROM", ":LEARNED", ":LACKS", ":ASSOCIATED_WITH",
    "name", "class", "title", "weight", "wave", "dataset", "layer",
)  # fmt: skip


def layout(snapshot: Snapshot, query: Query) -> Any:
    """The page for what the URL says."""
    choice = choose(snapshot, query)
    text = query.get("q") or COOKBOOK[1][1]
    parameters = query.get("parameters", "")
    return html.Div(
        [
            page_header(_TITLE, _MEANING, choice, layer=False),
            dcc.Store(id="q-text", data=text),
            dcc.Store(id="q-words", data=list(_WORDS)),
            dcc.Store(id="q-recipes", data=recipes(default_parameters(snapshot, choice))),
            dcc.Store(id="q-ask"),
            dcc.Store(id="q-pulse"),
            dcc.Store(id="q-state"),
            dcc.Store(id="q-result"),
            dcc.Store(id="q-history", storage_type="local"),
            dcc.Store(id="q-autorun", data="draft" not in query),
            dcc.Download(id="q-download"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Section(
                                [
                                    html.Div(id="q-editor", className="editor", **{"data-text": text}),
                                    html.Div(
                                        [
                                            dmc.Button(
                                                "Run",
                                                id="q-run",
                                                size="xs",
                                                leftSection=html.Span(className="icon icon-play"),
                                            ),
                                            dmc.Button(
                                                "Cancel",
                                                id="q-cancel",
                                                size="xs",
                                                variant="default",
                                                style={"display": "none"},
                                            ),
                                            html.Span("Ctrl + Enter", className="quiet"),
                                            dmc.TextInput(
                                                id="q-parameters",
                                                value=parameters,
                                                placeholder='Parameters, as JSON: {"name": "sorted"}',
                                                size="xs",
                                                className="grow-x",
                                                **{"aria-label": "Parameters as JSON"},
                                            ),
                                            dmc.Select(
                                                id="q-timeout",
                                                data=[
                                                    {"value": v, "label": f"stop after {v} s"}
                                                    for v in ("5", "30", "120")
                                                ],
                                                value="30",
                                                allowDeselect=False,
                                                size="xs",
                                                w=130,
                                                **{"aria-label": "Time limit"},
                                            ),
                                        ],
                                        className="query-bar",
                                    ),
                                ],
                                className="card editor-card",
                            ),
                            html.Section(
                                [
                                    html.Div(
                                        [
                                            html.Div(
                                                "Changed since it was last run." if "draft" in query else "",
                                                id="q-summary",
                                                className="query-summary",
                                                **{"aria-live": "polite"},
                                            ),
                                            dmc.SegmentedControl(
                                                id="q-view",
                                                data=[
                                                    {"value": "table", "label": "Table"},
                                                    {"value": "graph", "label": "Graph"},
                                                ],
                                                value="table",
                                                size="xs",
                                                **{"aria-label": "Result as"},
                                            ),
                                            dmc.Button("CSV", id="q-csv", size="xs", variant="default", disabled=True),
                                            dmc.Button(
                                                "JSON", id="q-json", size="xs", variant="default", disabled=True
                                            ),
                                        ],
                                        className="query-bar",
                                    ),
                                    html.Div(id="q-body", className="query-body"),
                                ],
                                className="card result-card",
                            ),
                        ],
                        className="side",
                    ),
                    html.Aside(
                        dmc.Tabs(
                            [
                                dmc.TabsList(
                                    [
                                        dmc.TabsTab("Recipes", value="recipes", id="q-tab-recipes"),
                                        dmc.TabsTab("Schema", value="schema", id="q-tab-schema"),
                                    ]
                                ),
                                dmc.TabsPanel(_recipe_buttons(), value="recipes", pt=10),
                                dmc.TabsPanel(_schema(), value="schema", pt=10),
                            ],
                            value="recipes",
                        ),
                        className="card inspector",
                        tabIndex=0,
                        **{"aria-label": "Recipes and schema"},
                    ),
                ],
                className="graph-body",
            ),
        ],
        className="page fill",
    )


def default_parameters(snapshot: Snapshot, choice: Choice) -> dict[str, Any]:
    """Values for the parameters of the cookbook's recipes: the chosen layer, one tuned from it, its main skills."""
    found: dict[str, Any] = {"dataset": choice.dataset, "layer": choice.layer, "tuned": choice.layer, "limit": ROWS}
    tuned = [info.name for info in choice.layers if info.base == choice.layer]
    if tuned:
        found["tuned"] = tuned[0]
    if choice.dataset is not None and choice.layer is not None:
        found |= main_skills(snapshot.view(choice.dataset, choice.layer))
    return found


def _recipe_buttons() -> list[Any]:
    return [
        html.H3("Recipes", className="first"),
        html.Div(
            [
                html.Button(html.Span(title), id={"type": "q-recipe", "at": at}, className="item")
                for at, (title, _) in enumerate(COOKBOOK)
            ],
            className="item-list",
        ),
        html.H3("Cookbook: learned associations"),
        html.Div(
            [
                html.Button(
                    html.Span(recipe.name),
                    id={"type": "q-recipe", "at": len(COOKBOOK) + at},
                    className="item",
                    title=recipe.question,
                )
                for at, recipe in enumerate(RECIPES)
            ],
            className="item-list",
        ),
        html.H3("Your last queries"),
        html.Div(id="q-past", className="item-list"),
    ]


def _schema() -> list[Any]:
    found: list[Any] = []
    for title, lines in SCHEMA.items():
        found.append(html.H3(title, className="" if found else "first"))
        for before, properties, after in lines:
            text = f"{before} {{{properties}}}{after}" if properties else before + after
            found.append(html.Div(html.Code(text), className="schema-line"))
    note = "Further columns of a source are further properties of its texts, skills and models."
    return [*found, html.P(note, className="quiet")]


def register(app: Any, source: Source) -> None:
    """Add the page's callbacks."""
    _register_browser(app)

    @app.callback(
        Output("q-state", "data"),
        Output("q-result", "data"),
        Output("q-summary", "children"),
        Output("q-view", "value"),
        Output("q-cancel", "style"),
        Input("q-ask", "data"),
        Input("q-pulse", "data"),
        Input("q-cancel", "n_clicks"),
        prevent_initial_call=True,
    )
    def follow(ask: dict[str, Any] | None, _pulse: Any, _cancel: Any) -> tuple[Any, ...]:
        if ask is None:
            return (no_update,) * 5
        queries = source.queries
        # Questions may overtake each other: whichever comes first begins the query, and none begins it twice.
        triggers = ctx.triggered_prop_ids
        if "q-cancel.n_clicks" in triggers and "q-ask.data" not in triggers:
            queries.cancel(ask["id"])
        work = queries.find(ask["id"])
        if work is None:
            queries.cancel(ask["before"])
            try:
                given = _parameters(ask["parameters"])
                work = queries.begin(
                    tasks.query, source.place, ask["text"], given, _MAX_ROWS, float(ask["timeout"]), name=ask["id"]
                )
            except SkillgraphError as error:
                return _ended(html.Span(str(error), className="query-error"))
            work.wait(_AT_ONCE)
        if work.state == "running":
            text = f"Running for {work.seconds:.0f} s; it is stopped after {ask['timeout']} s."
            return {"running": True}, no_update, text, no_update, {}
        if work.state == "done":
            return _answer(work.value)
        if work.state == "failed":
            return _ended(html.Span(work.problem, className="query-error"))
        return _ended(f"Cancelled after {work.seconds:.1f} s.")

    @app.callback(Output("q-body", "children"), Input("q-result", "data"), Input("q-view", "value"))
    def show(result: dict[str, Any] | None, view: str) -> Any:
        if not result:
            return None
        if view == "graph":
            if not result["elements"]:
                text = "This result has no nodes: RETURN nodes and relationships themselves to see them as a graph."
                return html.P(text, className="sentence pad")
            return html.Div(canvas("q-cy", "Nodes and relationships of the result"), className="graph-stage")
        columns = [
            {"field": f"c{i}", "headerName": name, "tooltipField": f"c{i}", "minWidth": 110}
            for i, name in enumerate(result["columns"])
        ]
        return grid("q-table", columns, result["rows"], height="100%")

    @app.callback(
        Output("q-cy", "elements"),
        Output("q-cy", "stylesheet"),
        Input("q-result", "data"),
        Input("shown-scheme", "data"),
    )
    def draw(result: dict[str, Any] | None, scheme: str) -> tuple[Any, Any]:
        sheet = cytoscape_stylesheet("dark" if scheme == "dark" else "light")
        return (result or {}).get("elements", []), sheet

    @app.callback(Output("q-past", "children"), Input("q-history", "data"))
    def history(past: list[str] | None) -> Any:
        if not past:
            return html.P("None yet; they are kept in this browser.", className="quiet pad-x")
        return [
            html.Button(html.Span(" ".join(text.split())), id={"type": "q-old", "at": at}, className="item", title=text)
            for at, text in enumerate(past)
        ]

    @app.callback(
        Output("q-download", "data"),
        Input("q-csv", "n_clicks"),
        Input("q-json", "n_clicks"),
        State("q-result", "data"),
        prevent_initial_call=True,
    )
    def export(_csv: int | None, _json: int | None, result: dict[str, Any] | None) -> Any:
        if not result:
            return no_update
        if ctx.triggered_id == "q-json":
            return {"content": result_json(result), "filename": "query.json"}
        return {"content": result_csv(result), "filename": "query.csv"}


def _ended(summary: Any) -> tuple[Any, ...]:
    return {"running": False}, None, summary, no_update, {"display": "none"}


def _answer(result: QueryResult) -> tuple[Any, ...]:
    columns, rows = result_rows(result)
    elements = result_elements(result)
    links = sum("source" in element["data"] for element in elements)
    shown = "graph" if links and len(elements) > 1 else "table"
    data = {"columns": columns, "rows": rows, "elements": elements}
    summary = [_metrics(result, len(elements) - links, links)]
    summary += [html.Div(text, className="query-warning") for text in result.warnings]
    return {"running": False}, data, summary, shown, {"display": "none"}


def _metrics(result: QueryResult, nodes: int, links: int) -> str:
    """Rows, columns, what the graph shows, and the time that the store took."""

    def count(n: int, one: str, many: str) -> str:
        return f"{n:,} {one if n == 1 else many}"

    digits = 2 if result.seconds >= 0.1 else 4
    text = f"{count(len(result.rows), 'row', 'rows')} in {result.seconds:.{digits}f} s"
    text += f" · {count(len(result.columns), 'column', 'columns')}"
    if nodes:
        text += f" · {count(nodes, 'node', 'nodes')} and {count(links, 'relationship', 'relationships')}"
    return text + (f" · only the first {_MAX_ROWS:,} rows are shown" if result.truncated else "")


def _register_browser(app: Any) -> None:
    def js(name: str) -> ClientsideFunction:
        return ClientsideFunction("work", name)

    app.clientside_callback(
        js("queryEditor"),
        Output("q-editor", "data-mounted"),
        Input("q-words", "data"),
        State("q-text", "data"),
        State("q-autorun", "data"),
    )
    app.clientside_callback(
        js("queryRecipe"),
        Output("q-parameters", "value"),
        Input({"type": "q-recipe", "at": ALL}, "n_clicks"),
        Input({"type": "q-old", "at": ALL}, "n_clicks"),
        State("q-recipes", "data"),
        State("q-history", "data"),
        State("q-result", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        js("exportable"),
        Output("q-csv", "disabled"),
        Output("q-json", "disabled"),
        Input("q-result", "data"),
    )
    app.clientside_callback(
        js("askQuery"),
        Output("q-ask", "data"),
        Output("q-history", "data"),
        Input("q-run", "n_clicks"),
        Input("q-autorun", "data"),
        State("q-text", "data"),
        State("q-parameters", "value"),
        State("q-timeout", "value"),
        State("q-history", "data"),
        State("q-ask", "data"),
    )
    app.clientside_callback(
        js("pulseQuery"), Output("q-state", "data-seen"), Input("q-state", "data"), prevent_initial_call=True
    )
    app.clientside_callback(
        ClientsideFunction("sg", "fitPlain"),
        Output("q-cy", "data-fitted"),
        Input("q-cy", "elements"),
        State("q-cy", "id"),
    )


def recipes(defaults: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Text and parameters of each recipe, in the order of the buttons; None leaves the parameters as they are."""
    own = [{"text": text, "parameters": _EXAMPLE if "$name" in text else None} for _, text in COOKBOOK]
    return own + [
        {
            "text": recipe.cypher,
            "parameters": json.dumps({name: defaults.get(name) for name in recipe.parameters}, ensure_ascii=False),
        }
        for recipe in RECIPES
    ]


def result_csv(result: Mapping[str, Any]) -> str:
    """The shown rows as CSV, columns in the order of RETURN."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result["columns"])
    writer.writerows([row[f"c{i}"] for i in range(len(result["columns"]))] for row in result["rows"])
    return out.getvalue()


def result_json(result: Mapping[str, Any]) -> str:
    """The shown rows as JSON: `columns`, and `rows` as lists in their order."""
    rows = [[row[f"c{i}"] for i in range(len(result["columns"]))] for row in result["rows"]]
    return json.dumps({"columns": result["columns"], "rows": rows}, ensure_ascii=False)


def _parameters(text: str | None) -> Mapping[str, Any]:
    if not text or not text.strip():
        return {}
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise QueryError(
            f'the parameters are not JSON ({error.msg} at letter {error.pos + 1}): write {{"name": "sorted"}}'
        ) from None
    if not isinstance(given, dict):
        raise QueryError(f"the parameters must be an object of JSON, such as {_EXAMPLE}")
    return given


def plain(value: Any) -> Any:
    """A value of a result as a cell of a table."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Node):
        return f"(:{':'.join(value.labels)} {_caption(value)})"
    if isinstance(value, Relationship):
        facts = ", ".join(f"{key}: {fact}" for key, fact in value.properties.items())
        return f"[:{value.type}{' {' + facts + '}' if facts else ''}]"
    if isinstance(value, Path):
        return " → ".join(_caption(node) for node in value.nodes)
    if isinstance(value, Mapping):
        return json.dumps({key: plain(item) for key, item in value.items()}, ensure_ascii=False)
    if isinstance(value, Sequence):
        return ", ".join(str(plain(item)) for item in value)
    return str(value)


def _caption(node: Node) -> str:
    found = node.properties
    return str(found.get("name") or found.get("title") or found.get("key") or node.id)


def result_rows(result: QueryResult) -> tuple[list[str], list[dict[str, Any]]]:
    """Column names, and rows keyed c0, c1, … so that dots in names mean nothing."""
    rows = [{f"c{i}": plain(value) for i, value in enumerate(row)} for row in result.rows]
    return list(result.columns), rows


def result_elements(result: QueryResult) -> list[dict[str, Any]]:
    """Nodes and relationships of a result as Cytoscape elements, laid out; at most a few hundred nodes."""
    nodes, links = result.graph()
    shown = list(nodes.values())[:_MAX_NODES]
    place = {node.id: i for i, node in enumerate(shown)}
    kept = [link for link in links.values() if link.start in place and link.end in place]
    if not shown:
        return []
    source = np.array([place[link.start] for link in kept], dtype=np.int64)
    target = np.array([place[link.end] for link in kept], dtype=np.int64)
    n, ones = len(shown), np.ones(len(kept))
    degree = np.bincount(source, minlength=n) + np.bincount(target, minlength=n)
    radius = 7.0 + 2.0 * np.sqrt(degree)
    where = islands(communities(n, source, target, ones), radius, source, target, ones)
    captions = [_caption(node) for node in shown]
    tier = label_tiers(where.x, where.y, [min(len(c), 34) for c in captions], degree.astype(float))
    labels = sorted({node.labels[0] if node.labels else "" for node in shown})
    colours = {name: CATEGORIES[i] if i < len(CATEGORIES) else OTHER for i, name in enumerate(labels)}
    elements: list[dict[str, Any]] = [
        {
            "data": {
                "id": f"n:{node.id}",
                "label": captions[i][:34],
                "name": captions[i],
                "class": ":".join(node.labels),
                "size": round(float(2.0 * radius[i] * where.scale * 0.8), 1),
                "tier": int(tier[i]),
                "c_class": colours[node.labels[0] if node.labels else ""],
            },
            "position": {"x": round(float(where.x[i]), 1), "y": round(float(where.y[i]), 1)},
        }
        for i, node in enumerate(shown)
    ]
    elements += [
        {
            "data": {
                "id": f"r:{link.id}",
                "source": f"n:{link.start}",
                "target": f"n:{link.end}",
                "width": 1.2,
                "opacity": 0.45,
            }
        }
        for link in kept
    ]
    return elements
